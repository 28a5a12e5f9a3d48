//! `routecause demo`: the main job on the incident inside the program. No cluster, no arguments.

use clap::Args;
use serde_json::json;

use super::{CliError, output};
use crate::config::Global;
use crate::evidence::demo;
use crate::telemetry::{self, LogFormat};
use crate::tools::{self, Call, Entry, FailureCode, Settings, Source, ToolFailure, Toolbox};

/// Flags of `demo`: none of its own.
#[derive(Debug, Args)]
pub(super) struct Flags {}

pub(super) async fn run(_flags: Flags, global: &Global, tools: &'static [Entry]) -> Result<u8, CliError> {
    telemetry::init(telemetry::COMMAND_FILTER, LogFormat::Text);
    let missing =
        || ToolFailure::new(FailureCode::Internal, "the demo is not in this program", "build it again");
    let url = demo::url().ok_or_else(missing)?;
    let diagnose = tools.iter().find(|entry| entry.name == tools::diagnose::NAME).ok_or_else(missing)?;
    let toolbox = Toolbox::new(Settings { source: Source::Demo, ..Settings::default() });
    let reply = diagnose.call(&toolbox, json!({"url": url}), &Call::default()).await?;
    output::print(&reply, diagnose.title, global.format, global.color)?;
    Ok(0)
}

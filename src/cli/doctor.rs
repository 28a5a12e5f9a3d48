//! `routecause doctor`: what this identity may see and do, or what a capture holds, and which conclusions
//! will be missing.

use std::io::Write;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::{CliError, EXIT_FAILURE, output};
use crate::config::Global;
use crate::evidence::permissions::manifests::manifests;
use crate::telemetry::{self, LogFormat};
use crate::tools::{Toolbox, doctor};

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Print the RBAC manifest of this name, for kubectl apply, and examine nothing.
    #[arg(long, value_name = "FILE", value_parser = PossibleValuesParser::new(manifests().into_iter().map(|manifest| manifest.file)))]
    manifest: Option<String>,
}

pub(super) async fn run(flags: Flags, global: &Global) -> Result<u8, CliError> {
    telemetry::init(telemetry::COMMAND_FILTER, LogFormat::Text);
    if let Some(name) = flags.manifest {
        let manifest = manifests().into_iter().find(|manifest| manifest.file == name);
        let text = manifest.map(|manifest| manifest.yaml).unwrap_or_default();
        std::io::stdout().write_all(text.as_bytes())?;
        return Ok(0);
    }
    let (reply, ok) = doctor::examine(&Toolbox::new(global.settings())).await?;
    output::print(&reply, "What can be seen", global.format, global.color)?;
    Ok(if ok { 0 } else { EXIT_FAILURE })
}

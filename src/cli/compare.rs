//! `routecause compare`: which URLs would behave differently under another controller.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::{CliError, EXIT_FAILURE, output};
use crate::config::Global;
use crate::model::controller::ControllerKind;
use crate::telemetry::{self, LogFormat};
use crate::tools::Toolbox;
use crate::tools::compare::{self, Answer, Asked};

/// Flags of `compare`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The controller to move to, running here or not.
    #[arg(long, value_name = "SLUG", value_parser = slug())]
    to: ControllerKind,
    /// The controller of today; the running ones that take the Ingresses when absent.
    #[arg(long, value_name = "SLUG", value_parser = slug())]
    from: Option<ControllerKind>,
}

fn slug() -> impl TypedValueParser<Value = ControllerKind> {
    let slugs = ControllerKind::ALL.map(ControllerKind::slug);
    PossibleValuesParser::new(slugs).map(|slug| ControllerKind::parse(&slug).unwrap_or(ControllerKind::Spec))
}

pub(super) async fn run(flags: Flags, global: &Global) -> Result<u8, CliError> {
    telemetry::init(telemetry::COMMAND_FILTER, LogFormat::Text);
    let asked = Asked { to: flags.to, from: flags.from };
    let (reply, answer) = compare::examine(&Toolbox::new(global.settings()), asked).await?;
    output::print(&reply, "What would change", global.format, global.color)?;
    Ok(match answer {
        Answer::Same => 0,
        Answer::Differs => 1,
        Answer::Open => EXIT_FAILURE,
    })
}

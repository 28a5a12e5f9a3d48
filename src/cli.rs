//! The command line: `serve`, every tool of the registry as a command of its own, and what only makes
//! sense in a terminal. One file per command below.
//!
//! Exit codes: 0 answered, 2 the question could not be answered, 64 bad arguments, 130 interrupted;
//! `diagnose` adds its own (see `tool::exit_code`), and so does `compare`.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::Global;
use crate::evidence::capture::write::WriteError;
use crate::server::SealError;
use crate::server::http::HttpError;
use crate::telemetry::{self, LogFormat};
use crate::tools::{Entry, FailureCode, ToolFailure};

mod arguments;
mod capture;
mod compare;
mod confirm;
mod demo;
mod doctor;
mod output;
mod serve;
mod spinner;
mod tool;

pub const EXIT_FAILURE: u8 = 2;
pub const EXIT_USAGE: u8 = 64;
pub const EXIT_INTERRUPTED: u8 = 130;

/// Why does this URL get a 404 from my Kubernetes Ingress, since when, and which object is to blame?
#[derive(Debug, Parser)]
#[command(name = "routecause", version, arg_required_else_help = true, subcommand_required = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Commands that are not tools. Each has a file of its own with its flags and a `run`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serves MCP over standard input and output, or over HTTP.
    Serve(serve::Flags),
    /// Diagnoses the incident inside the program: no cluster, no arguments.
    Demo(demo::Flags),
    /// Writes what every tool would read into a folder or a .tgz, to be asked later with --capture.
    Capture(capture::Flags),
    /// Tells which URLs of the Ingresses would behave differently under another controller, and why.
    ///
    /// Ends with 0 when nothing differs, with 1 when something does, with 2 when that could not be told.
    Compare(compare::Flags),
    /// Tells what this identity may see and do, which conclusions will be missing, and which RBAC rules to add; of a capture, what it holds and lacks.
    ///
    /// Ends with 0 when nothing needed is missing, else with 2.
    Doctor(doctor::Flags),
}

/// What went wrong, and with which exit code the program ends.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Also `--help` and `--version`, which are no errors.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    #[error("{0}")]
    Flags(String),
    #[error(transparent)]
    Tool(#[from] ToolFailure),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error("Error write: {0}\nNext: name a new folder or a new .tgz with --output")]
    Write(#[from] WriteError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl CliError {
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(error) if !error.use_stderr() => 0,
            Self::Usage(_)
            | Self::Flags(_)
            | Self::Http(HttpError::Open(_))
            | Self::Seal(SealError::ShortKey) => EXIT_USAGE,
            Self::Tool(failure) => match failure.code {
                FailureCode::BadArguments => EXIT_USAGE,
                FailureCode::Cancelled => EXIT_INTERRUPTED,
                _ => EXIT_FAILURE,
            },
            Self::Http(HttpError::Listen { .. } | HttpError::Serve(_))
            | Self::Seal(SealError::NoRandomness(_))
            | Self::Write(_)
            | Self::Io(_) => EXIT_FAILURE,
        }
    }
}

/// What was asked for on the command line.
#[derive(Debug)]
pub struct Invocation {
    matches: ArgMatches,
    tools: &'static [Entry],
}

/// Reads the command line; the tools become commands.
///
/// # Errors
/// When it cannot be read, or asks for help.
pub fn parse(
    words: impl IntoIterator<Item = OsString>,
    tools: &'static [Entry],
) -> Result<Invocation, CliError> {
    let command = Cli::command().subcommands(tools.iter().map(tool::command));
    Ok(Invocation { matches: command.try_get_matches_from(words)?, tools })
}

impl Invocation {
    /// Does what was asked for.
    ///
    /// # Errors
    /// When it could not be done.
    pub async fn run(self) -> Result<u8, CliError> {
        let asked = self.matches.subcommand();
        let tool = asked.and_then(|(name, matches)| Some((tool::find(self.tools, name)?, matches)));
        if let Some((entry, matches)) = tool {
            telemetry::init(telemetry::COMMAND_FILTER, LogFormat::Text);
            // Global flags may stand before or after the command; its matches know both.
            let global = Global::from_arg_matches(matches)?;
            return tool::run(entry, matches, &global).await;
        }
        let Cli { global, command } = Cli::from_arg_matches(&self.matches)?;
        match command {
            Command::Serve(flags) => serve::run(flags, &global, self.tools).await,
            Command::Demo(flags) => demo::run(flags, &global, self.tools).await,
            Command::Capture(flags) => capture::run(flags, &global).await,
            Command::Compare(flags) => compare::run(flags, &global).await,
            Command::Doctor(flags) => doctor::run(flags, &global).await,
        }
    }
}

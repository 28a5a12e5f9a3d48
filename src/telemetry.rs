//! Logs, to standard error only: standard output belongs to results and to the protocol.
//!
//! `RUST_LOG` chooses what is logged. Values of arguments, bodies and secrets are never logged.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoUtc;

/// What a server logs when nobody says otherwise.
pub const SERVER_FILTER: &str = "warn,rmcp=error,routecause=info";
/// What a command logs when nobody says otherwise: its result is on standard output.
pub const COMMAND_FILTER: &str = "error";

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Starts logging; a second start changes nothing.
pub fn init(default_filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default_filter));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_timer(ChronoUtc::new("%Y-%m-%dT%H:%M:%S%.3fZ".to_owned()));
    // Fails only when logging was started before.
    let _ = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
}

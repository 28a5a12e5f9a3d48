//! The flags that every command takes, parsed once into typed values.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ColorChoice, ValueEnum};

use crate::tools::{Settings, Source};

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For reading.
    #[default]
    Text,
    /// What MCP clients get as structured content.
    Json,
    /// For pasting into an issue or a chat.
    Markdown,
}

/// Flags of every command.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Where to look and how to print")]
pub struct Global {
    /// Context of the kubeconfig; its current one when absent.
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Kubeconfig to use instead of the one kubectl would take.
    #[arg(long, global = true, value_name = "PATH")]
    pub kubeconfig: Option<PathBuf>,
    /// Ask a capture (folder or archive) instead of a live cluster.
    #[arg(long, global = true, value_name = "PATH", env = "ROUTECAUSE_CAPTURE", conflicts_with_all = ["context", "kubeconfig"])]
    pub capture: Option<PathBuf>,
    /// Ask the incident inside the program: needs no cluster.
    #[arg(long, global = true, conflicts_with_all = ["context", "kubeconfig", "capture"])]
    pub demo: bool,
    /// Namespace to look in.
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The time of the question, such as 2026-11-22T10:00:00Z; for captures also what counts as now.
    #[arg(long, global = true, value_name = "TIME", value_parser = time)]
    pub at: Option<DateTime<Utc>>,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Whether text is coloured.
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

impl Global {
    /// What the tools are told of these flags; probes stay off.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let source = match &self.capture {
            _ if self.demo => Source::Demo,
            Some(path) => Source::Capture(path.clone()),
            None => Source::Cluster { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() },
        };
        Settings { source, namespace: self.namespace.clone(), at: self.at, ..Settings::default() }
    }
}

/// Reads a time as people write it in incident notes: RFC 3339.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| "write it like 2026-11-22T10:00:00Z".to_owned())
}

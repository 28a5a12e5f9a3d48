//! The flags that every command takes, parsed once into typed values.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, ColorChoice, ValueEnum};

use crate::model::probe::Via;
use crate::tools::{ProbePolicy, Settings, Source};

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
    /// An earlier capture of the same cluster: what differs since counts as what changed.
    #[arg(long, global = true, value_name = "PATH", requires = "capture")]
    pub since_capture: Option<PathBuf>,
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
    #[command(flatten)]
    pub probes: Probes,
}

/// Flags that let tools send requests. Without them everything only reads.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Sending requests")]
pub struct Probes {
    /// Let tools send requests: a list of direct, port_forward and exec; the first two when no list is given.
    #[arg(long, global = true, value_name = "WAYS", num_args = 0..=1, require_equals = true,
          value_delimiter = ',', default_missing_value = "direct,port_forward", value_parser = way)]
    pub allow_probe: Vec<Via>,
    /// Send requests without asking when nobody can be asked.
    #[arg(long, global = true)]
    pub probe_unattended: bool,
    /// Pod that requests may be sent from with exec, as NAMESPACE/NAME; NAME may end in *; repeatable.
    #[arg(long, global = true, value_name = "POD")]
    pub probe_pod: Vec<String>,
}

impl Probes {
    fn policy(&self) -> ProbePolicy {
        let Self { allow_probe, probe_unattended, probe_pod } = self.clone();
        ProbePolicy { transports: allow_probe, unattended: probe_unattended, pods: probe_pod }
    }
}

/// Reads a way to send requests.
fn way(text: &str) -> Result<Via, String> {
    [Via::Direct, Via::PortForward, Via::Exec]
        .into_iter()
        .find(|via| via.as_str() == text.replace('-', "_"))
        .ok_or_else(|| "use direct, port_forward or exec".to_owned())
}

impl Global {
    /// What the tools are told of these flags.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let source = match &self.capture {
            _ if self.demo => Source::Demo,
            Some(path) => Source::Capture(path.clone()),
            None => Source::Cluster { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() },
        };
        Settings {
            source,
            since_capture: self.since_capture.clone(),
            namespace: self.namespace.clone(),
            at: self.at,
            probes: self.probes.policy(),
        }
    }
}

/// Reads a time as people write it in incident notes: RFC 3339.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| "write it like 2026-11-22T10:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        global: Global,
    }

    fn settings(words: &[&str]) -> Result<Settings, clap::Error> {
        Flags::try_parse_from(std::iter::once(&"x").chain(words)).map(|flags| flags.global.settings())
    }

    #[test]
    fn nothing_is_sent_unless_allowed() {
        let probes = |words: &[&str]| settings(words).expect("flags").probes;
        assert_eq!(probes(&[]), ProbePolicy::default());
        assert_eq!(probes(&["--allow-probe"]).transports, [Via::Direct, Via::PortForward]);
        let policy =
            probes(&["--allow-probe=exec,port-forward", "--probe-unattended", "--probe-pod", "a/b*"]);
        assert_eq!(policy.transports, [Via::Exec, Via::PortForward]);
        assert!(policy.unattended && policy.pods == ["a/b*"]);
        assert!(settings(&["--allow-probe=telnet"]).is_err());
    }

    #[test]
    fn there_is_one_source() {
        let source = |words: &[&str]| settings(words).map(|settings| settings.source);
        assert_eq!(source(&[]).expect("flags"), Source::Cluster { kubeconfig: None, context: None });
        assert_eq!(source(&["--demo"]).expect("flags"), Source::Demo);
        assert_eq!(
            source(&["--capture", "c.tgz"]).expect("flags"),
            Source::Capture(Path::new("c.tgz").into())
        );
        for words in [["--demo", "--capture=x"], ["--demo", "--context=x"], ["--capture=x", "--kubeconfig=y"]]
        {
            assert!(source(&words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn times_are_read_in_any_zone() {
        let at = settings(&["--at", "2026-11-22T11:00:00+01:00"]).expect("flags").at;
        assert_eq!(at.map(|at| at.to_rfc3339()).as_deref(), Some("2026-11-22T10:00:00+00:00"));
        assert!(settings(&["--at", "yesterday"]).is_err());
    }
}

//! What the operator decided at start: where evidence comes from and what may be sent.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::model::probe::Via;

/// Where evidence comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A live cluster; `None` means what `kubectl` would take.
    Cluster { kubeconfig: Option<PathBuf>, context: Option<String> },
    /// A capture: a folder or an archive.
    Capture(PathBuf),
    /// The incident inside the program.
    Demo,
}

impl Default for Source {
    fn default() -> Self {
        Self::Cluster { kubeconfig: None, context: None }
    }
}

/// What probes the operator allows. The default allows none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProbePolicy {
    pub transports: Vec<Via>,
    /// Send without asking when nobody can be asked.
    pub unattended: bool,
    /// Pods that `exec` may run in: `NAMESPACE/NAME`, where the name may end in `*`.
    pub pods: Vec<String>,
}

impl ProbePolicy {
    #[must_use]
    pub fn allows(&self, via: Via) -> bool {
        self.transports.contains(&via)
    }
}

/// The operator's decisions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    pub source: Source,
    /// An earlier capture of what `source` is a capture of: what differs is history.
    pub since_capture: Option<PathBuf>,
    /// Where to look when a call names no namespace.
    pub namespace: Option<String>,
    /// What counts as now; `None` is the clock, or the time a capture was taken.
    pub at: Option<DateTime<Utc>>,
    pub probes: ProbePolicy,
}

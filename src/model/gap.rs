//! What could not be seen, and why. Evidence makes gaps, reports render them; a gap is never a finding.

use super::object::{Kind, ObjectKey};

/// One thing that was asked for and could not be seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gap {
    pub what: Unseen,
    pub why: Why,
}

/// What was not seen; what can be mended at the source comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unseen {
    /// A file of a capture.
    File {
        path: String,
    },
    /// The list of a kind, in one namespace or (`None`) everywhere.
    List {
        kind: Kind,
        namespace: Option<String>,
    },
    Object(ObjectKey),
    /// The log of a container.
    Log {
        namespace: String,
        pod: String,
        container: String,
        previous: bool,
    },
    /// Log lines of these requests are not written by the controller as it is configured.
    AccessLog {
        controller: String,
    },
    /// History of a kind before a time or altogether.
    History {
        kind: Kind,
        namespace: Option<String>,
    },
    /// A probe that was wanted.
    Probe {
        url: String,
    },
    /// The version of a controller, or which controller there is.
    Controller {
        detail: String,
    },
}

/// Why it was not seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The API server refused: these exact rights are missing.
    Forbidden {
        verb: &'static str,
        group: &'static str,
        resource: String,
        namespace: Option<String>,
    },
    Unauthorized,
    Unreachable {
        detail: String,
    },
    TimedOut {
        seconds: u32,
    },
    /// Who was asked, past the API server, gave no answer: nothing listens, or the connection ended.
    NoAnswer {
        detail: String,
    },
    /// The capture does not hold it.
    NotCaptured,
    /// The kind is not installed in the cluster.
    NotInstalled,
    /// Older than what is kept.
    Rotated,
    /// In another log, which is not read.
    WrittenElsewhere {
        place: String,
    },
    /// Configured away: the setting that would close the gap.
    NotWritten {
        setting: String,
    },
    Redacted,
    /// Could not be read: broken file, undecodable object.
    Malformed {
        detail: String,
    },
    /// Read, but not all of it or not as it is written.
    Partial {
        detail: String,
    },
    /// Off by the operator's choice: the flag that turns it on.
    Disabled {
        flag: &'static str,
    },
    /// More than this program reads in one call.
    TooMuch {
        limit: String,
    },
    /// This source cannot do it.
    Unsupported {
        detail: String,
    },
}

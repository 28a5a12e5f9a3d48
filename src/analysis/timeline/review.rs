//! The review list: what to look at when no single change explains the 404s.

use chrono::{DateTime, Utc};

use crate::model::object::ObjectKey;

/// In the order of the runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewTopic {
    /// 404s because no rule matched, growing step by step in the logs.
    GradualTrouble,
    /// The same request is answered and not answered at the same time.
    IntermittentMatching,
    /// Conflicts that piled up over time.
    AccumulatedConflicts,
    /// Live objects differ from what was last applied.
    ConfigurationDrift,
    /// The name leads elsewhere.
    HostResolution,
}

/// A topic and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    pub topic: ReviewTopic,
    pub finding: Finding,
}

/// What the review of a topic found; three-valued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Looked at, nothing there.
    Clear,
    /// Could not be looked at.
    CannotSee,
    /// 404s without a matching rule per minute, in the earlier and the later half before the onset.
    Gradual {
        earlier: u64,
        later: u64,
        since: DateTime<Utc>,
    },
    /// So many minutes since the onset have both answers; the last of them.
    Intermittent {
        minutes: usize,
        last: DateTime<Utc>,
    },
    Conflicts(usize),
    Drift(Vec<Drift>),
    /// The name resolves to addresses that are none of the Ingress's or its controller's.
    Elsewhere {
        name: String,
        addresses: Vec<String>,
        expected: Vec<String>,
    },
}

/// A field that somebody changed after the last apply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift {
    pub object: ObjectKey,
    pub field: String,
    pub applied: Option<String>,
    pub live: Option<String>,
}

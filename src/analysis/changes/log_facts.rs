//! What the analysis of the controllers' logs found, as far as changes depend on it.

use chrono::{DateTime, Utc};

use crate::model::gap::Why;
use crate::model::log::{LogStream, StreamCoverage};
use crate::model::object::ObjectKey;

/// Facts read from the logs of the controllers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFacts {
    /// The current run of 404s of the asked host and path.
    pub run: Option<Run>,
    pub messages: Vec<Message>,
    /// Where the asked host and path went elsewhere than before.
    pub flips: Vec<Flip>,
    /// One entry a minute that has requests, in any order.
    pub minutes: Vec<Minute>,
    /// What was read of each controller container's log.
    pub streams: Vec<StreamCoverage>,
    /// The logs could not be read at all.
    pub unread: Option<Why>,
}

/// A line, as a citation needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub stream: LogStream,
    /// Verbatim.
    pub text: String,
}

/// A run of 404s without an answer other than 404 in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub first: DateTime<Utc>,
    /// The last other answer before it, if the log has one.
    pub last_success: Option<DateTime<Utc>>,
    pub line: Line,
}

/// Something a controller said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub at: DateTime<Utc>,
    pub says: Says,
    /// The object it speaks of.
    pub about: Option<ObjectKey>,
    pub line: Line,
}

/// What a controller's message means for the history of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Says {
    Started,
    Stopping,
    /// A new configuration is in force.
    Reloaded,
    ReloadFailed,
    /// An Ingress is not taken because of its class.
    ClassRefused,
    /// An Ingress, or a class, is taken.
    ClassAccepted,
    /// An annotation is refused, with or without the whole Ingress.
    AnnotationRefused,
    ServiceMissing,
    PortMissing,
    NoEndpoints,
}

/// Two consecutive requests of the asked host and path went to different upstreams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flip {
    /// The last request that went to `before`.
    pub last_before: DateTime<Utc>,
    pub before: String,
    /// The first request that went to `after`.
    pub first_after: DateTime<Utc>,
    pub after: String,
    pub line: Line,
}

/// Answers within one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minute {
    pub start: DateTime<Utc>,
    /// 404s of the asked host and path.
    pub not_found: u64,
    /// Other answers of the asked host and path.
    pub answered: u64,
    /// 404s of any request because no rule matched.
    pub no_rule: u64,
}

//! Where log lines come from.

use chrono::{DateTime, Utc};

/// One container's log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogStream {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// The log of the container's previous run.
    pub previous: bool,
}

/// A span of time; both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

impl Window {
    #[must_use]
    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at <= self.to
    }
}

/// What was read of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamCoverage {
    pub stream: LogStream,
    /// Time of the first and last line read.
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
    pub lines: u64,
    pub bytes: u64,
    /// Reading stopped early: at a limit, a deadline or an error.
    pub cut: Option<super::gap::Why>,
}

//! What a tool answers when the question could not be answered at all.
//!
//! Partial answers are reports with gaps, never failures. A failure reads the same in every client:
//! a code, what was seen, and what to do now.

use std::fmt;

/// The kinds of failure; the code is the second word of the failure's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureCode {
    /// The arguments do not fit the tool's parameters.
    BadArguments,
    /// What was asked about does not exist, in a place that was read completely.
    NotFound,
    /// The cluster refuses this identity what the question needs.
    Forbidden,
    /// The cluster, capture or address gave no answer.
    Unreachable,
    /// No cluster and no capture is configured, or its configuration cannot be read.
    NoSource,
    /// The work took longer than a tool may.
    TimedOut,
    /// Turned off by the operator.
    Disabled,
    /// The source cannot do this, such as sending a request from a capture.
    Unsupported,
    /// A probe the policy does not allow.
    Refused,
    /// Somebody was asked and did not agree.
    NotConfirmed,
    /// The question went back to the client, which calls again with the answer.
    ConfirmationPending,
    /// Too many calls at once.
    Busy,
    /// The caller took the call back.
    Cancelled,
    /// The answer would not fit; narrowing the question makes it fit.
    TooLarge,
    /// A fault of this program.
    Internal,
}

impl FailureCode {
    /// The code as results print it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadArguments => "bad_arguments",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Unreachable => "unreachable",
            Self::NoSource => "no_source",
            Self::TimedOut => "timed_out",
            Self::Disabled => "disabled",
            Self::Unsupported => "unsupported",
            Self::Refused => "refused",
            Self::NotConfirmed => "not_confirmed",
            Self::ConfirmationPending => "confirmation_pending",
            Self::Busy => "busy",
            Self::Cancelled => "cancelled",
            Self::TooLarge => "too_large",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a question could not be answered, and what to do now.
///
/// `seen` and `next` are sentences without a final full stop. Text from the cluster enters `seen` only
/// as [`crate::report::text::Text`], and `next` never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolFailure {
    pub code: FailureCode,
    pub seen: String,
    pub next: String,
}

impl ToolFailure {
    #[must_use]
    pub fn new(code: FailureCode, seen: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code, seen: seen.into(), next: next.into() }
    }
}

impl fmt::Display for ToolFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error {}: {}\nNext: {}", self.code, self.seen, self.next)
    }
}

impl std::error::Error for ToolFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_code_then_seen_then_next() {
        let failure = ToolFailure::new(
            FailureCode::NotFound,
            "no Ingress shop/web",
            "call find_conflicts to list what there is",
        );
        assert_eq!(
            failure.to_string(),
            "Error not_found: no Ingress shop/web\nNext: call find_conflicts to list what there is"
        );
    }
}

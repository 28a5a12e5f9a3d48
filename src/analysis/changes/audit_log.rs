//! Audit events of the API server.
//!
//! Precision: microseconds.
//! Coverage: the span of the events; silence proves nothing, for the policy may leave writes out and the
//! file may be an excerpt.
//! Blind spots: the content of writes at level `Metadata`, and of deletions of Ingresses.

use super::{Input, versions};
use crate::model::change::{Change, ChangeSource, SourceCoverage};

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    versions::changes(input, ChangeSource::AuditLog)
}

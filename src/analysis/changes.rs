//! What changed in the cluster, from every source that was gathered: one file a source.
//!
//! A source turns what it holds into changes and says how far its silence can be trusted. It does not
//! know the failing request: whether a change matters is judged by `timeline`.
//! Facts about the sources: `docs/changes.md`.

use crate::model::change::{Change, Replay, SourceCoverage};
use crate::model::snapshot::Snapshot;

pub mod log_facts;

pub use log_facts::LogFacts;

/// What the sources read from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub snapshot: &'a Snapshot,
    pub replays: &'a [Replay],
    pub log: &'a LogFacts,
}

/// Every change that was seen, and how far each source reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gathered {
    pub changes: Vec<Change>,
    /// In the order of [`ChangeSource::ALL`].
    pub coverage: Vec<SourceCoverage>,
}

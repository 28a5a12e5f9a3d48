//! The API server's watch cache, read after the fact.
//!
//! Precision: 1 s for writes (the newest managedFields time of each version); deletions and pure removals
//! lie between the times of neighbouring resource versions.
//! Coverage: from the oldest version the server still holds until now, per kind; silence proves that
//! nothing happened.
//! Blind spots: whatever happened before that; a server restart empties the cache.

use super::{Input, versions};
use crate::model::change::{Change, ChangeSource, SourceCoverage};

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    versions::changes(input, ChangeSource::WatchReplay)
}

//! `history.jsonl` and the journal of the recorder: what a watch saw.
//!
//! Precision: 1 s where the version tells its own time, else the distance to the watch's observation.
//! Coverage: from the first observation on, for the kinds that occur, up to now where the objects were
//! listed too, else up to the last observation.
//! Blind spots: the time before, and kinds nobody watched.

use super::{Input, versions};
use crate::model::change::{Change, ChangeSource, SourceCoverage};

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    versions::changes(input, ChangeSource::History)
}

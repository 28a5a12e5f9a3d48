//! When the 404s began: as the caller says, as the access log shows, or, lacking both, now.

use chrono::{DateTime, Utc};

use super::{Onset, OnsetBasis};
use crate::analysis::changes::LogFacts;
use crate::model::verdict::Confidence;

/// The onset of the current run of 404s.
///
/// A run that the log shows together with an answer before it is certain; without one the request may
/// simply not have been made before; and a run that the log begins with may be older than the log.
pub(super) fn choose(given: Option<DateTime<Utc>>, log: &LogFacts, now: DateTime<Utc>) -> Onset {
    let run = log.run.as_ref();
    let answered_before = |at| run.and_then(|run| run.last_success).filter(|success| *success <= at);
    if let Some(at) = given {
        let last_success = answered_before(at);
        return Onset { at, confidence: Confidence::Certain, basis: OnsetBasis::Given, last_success };
    }
    let Some(run) = run else {
        let basis = OnsetBasis::Assumed;
        return Onset { at: now, confidence: Confidence::Possible, basis, last_success: None };
    };
    let last_success = answered_before(run.first);
    let read_before = || log.streams.iter().filter_map(|stream| stream.first).any(|first| first < run.first);
    let confidence = match last_success {
        Some(_) => Confidence::Certain,
        None if read_before() => Confidence::Likely,
        None => Confidence::Possible,
    };
    Onset { at: run.first, confidence, basis: OnsetBasis::AccessLog, last_success }
}

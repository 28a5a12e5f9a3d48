//! What changed before the 404s began: the six hypotheses of the runbook, held against every change
//! that was seen, and the review list for when none of them explains it.
//!
//! A hypothesis is *found* when a change that bears on it and touches the request falls into its
//! window, *not found* only when a source that would have shown such a change covers the whole window,
//! and otherwise *could not be seen*. Coincidence is not cause: where past versions allow it, the
//! request is decided again on the state before and after each change.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::changes::{Gathered, Input};
use crate::model::change::{Change, ChangeSource, SourceCoverage};
use crate::model::ingress::Ingress;
use crate::model::ingress_class::IngressClass;
use crate::model::log::Window;
use crate::model::object::ObjectKey;
use crate::model::service::Service;
use crate::model::verdict::Confidence;

mod coverage;
pub mod hypothesis;
mod merge;
mod onset;
mod rank;
mod relevance;
pub mod review;
mod world;

use hypothesis::Bearing;
pub use hypothesis::Hypothesis;
use relevance::Neighbourhood;
use world::Past;

/// Everything a correlation needs.
#[derive(Debug, Clone, Copy)]
pub struct Correlation<'a> {
    pub input: Input<'a>,
    /// From `changes::gather`, possibly with changes of further sources.
    pub gathered: &'a Gathered,
    pub victim: &'a Victim,
    /// When the 404s began, if the caller knows; else the logs tell.
    pub onset: Option<DateTime<Utc>>,
    /// The hypotheses asked for; empty: all six.
    pub hypotheses: &'a BTreeSet<Hypothesis>,
    /// How often the windows double while nothing is found.
    pub max_widenings: u32,
    /// Decides the request again on past states.
    pub what_if: Option<&'a dyn WhatIf>,
    /// Conflicts that concern the request; `None`: not looked for.
    pub conflicts: Option<usize>,
    pub dns: &'a [DnsEntry],
}

/// The failing request and what it is known to pass through.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Victim {
    pub host: String,
    pub path: String,
    /// Ingresses, Services and workloads the request passes through now, or passed through before.
    pub objects: BTreeSet<ObjectKey>,
    /// The workloads of the controllers that serve it; empty: every controller of the snapshot.
    pub controllers: BTreeSet<ObjectKey>,
}

/// A name the caller resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DnsEntry {
    pub name: String,
    pub addresses: Vec<String>,
    pub at: Option<DateTime<Utc>>,
}

/// The routing state at one moment, as far as the snapshot and the replays tell; sorted by name.
#[derive(Debug, Clone, Default)]
pub struct World<'a> {
    pub ingresses: Vec<&'a Ingress>,
    pub classes: Vec<&'a IngressClass>,
    pub services: Vec<&'a Service>,
}

/// Decides the failing request on another state of the cluster.
pub trait WhatIf: std::fmt::Debug {
    /// The decision in short, such as `routed shop/web:80` or `no_route 404`; `None` when it cannot
    /// be decided. Equal texts mean equal decisions.
    fn decide(&self, world: &World<'_>, at: DateTime<Utc>) -> Option<String>;
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correlated {
    pub onset: Onset,
    /// In the fixed order of the hypotheses.
    pub hypotheses: Vec<Tested>,
    pub review: Vec<review::Reviewed>,
    pub coverage: Vec<SourceCoverage>,
    /// Every distinct change that touches the request within the widest window, oldest first.
    pub timeline: Vec<Suspect>,
}

/// When the 404s began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onset {
    pub at: DateTime<Utc>,
    pub confidence: Confidence,
    pub basis: OnsetBasis,
    /// The last other answer of the same request before it.
    pub last_success: Option<DateTime<Utc>>,
}

/// What the onset rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OnsetBasis {
    /// The caller said so.
    Given,
    /// The first 404 of the current run in the access log.
    AccessLog,
    /// Nothing tells: the moment of the question stands in for it.
    Assumed,
}

/// A hypothesis, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    pub hypothesis: Hypothesis,
    pub outcome: Outcome,
    pub window: Window,
    /// How often the window was doubled.
    pub widened: u32,
    /// Changes within the window that bear on the hypothesis, most suspicious first. Those that do not
    /// touch the request come last and do not make it found.
    pub changes: Vec<Suspect>,
    /// How many there are of those, shown or not.
    pub unrelated: usize,
    /// Changes that touch the request and may be such a change, without proof.
    pub hints: Vec<Suspect>,
    pub because: Because,
}

/// Three-valued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Found,
    NotFound,
    CannotSee,
}

impl Outcome {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::NotFound => "not_found",
            Self::CannotSee => "cannot_see",
        }
    }
}

/// Why the outcome is what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// So many changes in the window touch the request.
    Changes(usize),
    /// These sources would have shown such a change and cover the whole window.
    Covered(Vec<ChangeSource>),
    /// No source that would have shown such a change covers the whole window.
    NotCovered(Vec<Shortfall>),
}

/// A source that could have proved silence and did not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shortfall {
    pub source: ChangeSource,
    pub lack: Lack,
}

/// What is missing of a source's coverage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// Not there, or it could not be read.
    Unread(Option<crate::model::gap::Why>),
    /// It reaches back to here only.
    Since(DateTime<Utc>),
    /// It ends before the 404s began.
    Until(DateTime<Utc>),
    /// It was read, but its bounds are not known, or only part of the objects was.
    Partial,
}

/// A change in the light of the onset and the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    pub change: Change,
    /// Other sources that saw the same change.
    pub also: Vec<ChangeSource>,
    /// From the change to the onset; never negative: skew after the onset reads as 0.
    pub seconds_to_onset: u64,
    pub touch: Touch,
    /// What the request met before and after, where past versions tell.
    pub decision_before: Option<String>,
    pub decision_after: Option<String>,
    /// The request was still answered after the change; `None` when unknown.
    pub answered_after: Option<bool>,
}

impl Suspect {
    /// Whether the change has to do with the request.
    #[must_use]
    pub fn touches_request(&self) -> bool {
        self.touch != Touch::Unrelated || self.decision_differs()
    }

    /// Whether the request is decided otherwise after the change than before.
    #[must_use]
    pub fn decision_differs(&self) -> bool {
        match (&self.decision_before, &self.decision_after) {
            (Some(before), Some(after)) => before != after,
            _ => false,
        }
    }
}

/// How close a change comes to the request; closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Touch {
    /// The very object and field the request passes through.
    Exact,
    /// The same host, or what surrounds the request.
    Near,
    Unrelated,
}

/// Clocks differ a little, and times are kept in whole seconds: a cause may seem to follow its effect.
const SLACK: Duration = Duration::seconds(10);
/// The windows are not doubled more often than this.
const MAX_WIDENINGS: u32 = 6;
/// Changes that do not touch the request, kept per hypothesis.
const MAX_UNRELATED: usize = 5;
/// Moments for which the request is decided again, before and after.
const MAX_DECIDED: usize = 12;

/// Holds the hypotheses against the changes.
#[must_use]
pub fn correlate(correlation: &Correlation<'_>) -> Correlated {
    let input = &correlation.input;
    let onset = onset::choose(correlation.onset, input.log, input.snapshot.now);
    let past = Past::new(input);
    let near = Neighbourhood::new(input.snapshot, &past, correlation.victim);
    let widest = window(Hypothesis::Rollout, &onset, correlation.max_widenings.min(MAX_WIDENINGS));
    let coverage = &correlation.gathered.coverage;
    let within = correlation.gathered.changes.iter().filter(|change| overlaps(change, &widest));
    let mut suspects: Vec<Suspect> = merge::merge(within)
        .into_iter()
        .filter(|merged| !coverage::refuted(&merged.change, coverage))
        .map(|merged| rank::suspect(merged, &onset, &near))
        .collect();
    if let Some(what_if) = correlation.what_if {
        rank::decide(&mut suspects, &past, what_if, MAX_DECIDED);
    }
    suspects.sort_by(rank::order);

    let asked = |hypothesis: &Hypothesis| {
        correlation.hypotheses.is_empty() || correlation.hypotheses.contains(hypothesis)
    };
    let mut hypotheses = Vec::new();
    for widened in 0..=correlation.max_widenings.min(MAX_WIDENINGS) {
        hypotheses = Hypothesis::ALL
            .into_iter()
            .filter(asked)
            .map(|hypothesis| test(hypothesis, &onset, widened, &suspects, coverage, &near))
            .collect();
        if hypotheses.iter().any(|tested: &Tested| tested.outcome == Outcome::Found) {
            break;
        }
    }
    let shown = hypotheses.iter().map(|tested: &Tested| tested.window.from).min().unwrap_or(widest.from);
    let shown = Window { from: shown, to: onset.at };
    suspects.retain(|suspect| suspect.touches_request() && overlaps(&suspect.change, &shown));
    suspects.sort_by(|a, b| merge::by_time(&a.change, &b.change));
    Correlated {
        review: review::review(correlation, &onset, &near),
        onset,
        hypotheses,
        coverage: coverage.clone(),
        timeline: suspects,
    }
}

fn window(hypothesis: Hypothesis, onset: &Onset, widened: u32) -> Window {
    let span = hypothesis.window() * 2_i32.saturating_pow(widened);
    Window { from: onset.at.checked_sub_signed(span).unwrap_or(DateTime::<Utc>::MIN_UTC), to: onset.at }
}

/// Whether the change may have happened in the window, or within the slack after it.
fn overlaps(change: &Change, window: &Window) -> bool {
    let end = window.to.checked_add_signed(SLACK).unwrap_or(window.to);
    window.from <= change.at && merge::earliest(change) <= end
}

fn test(
    hypothesis: Hypothesis,
    onset: &Onset,
    widened: u32,
    suspects: &[Suspect],
    coverage: &[SourceCoverage],
    near: &Neighbourhood<'_>,
) -> Tested {
    let window = window(hypothesis, onset, widened);
    let length = (window.to - window.from).num_seconds();
    let (mut changes, mut hints, mut unrelated) = (Vec::new(), Vec::new(), Vec::new());
    for suspect in suspects.iter().filter(|suspect| overlaps(&suspect.change, &window)) {
        let Some(bearing) = hypothesis.bearing(&suspect.change) else { continue };
        // What may have happened long before the window does not prove anything about it.
        let dated = i64::from(suspect.change.precision_s) <= length;
        match (bearing, suspect.touches_request()) {
            (Bearing::Proof, true) if dated => changes.push(suspect.clone()),
            (Bearing::Proof | Bearing::Hint, true) => hints.push(suspect.clone()),
            (Bearing::Proof, false) => unrelated.push(suspect.clone()),
            (Bearing::Hint, false) => {}
        }
    }
    let (outcome, because) = if changes.is_empty() {
        match coverage::judge(hypothesis, &window, coverage, near) {
            covered @ Because::Covered(_) => (Outcome::NotFound, covered),
            not @ (Because::NotCovered(_) | Because::Changes(_)) => (Outcome::CannotSee, not),
        }
    } else {
        (Outcome::Found, Because::Changes(changes.len()))
    };
    let others = unrelated.len();
    changes.extend(unrelated.into_iter().take(MAX_UNRELATED));
    Tested { hypothesis, outcome, window, widened, changes, unrelated: others, hints, because }
}

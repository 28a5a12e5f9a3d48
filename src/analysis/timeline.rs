//! What changed before the 404s began: the six hypotheses of the runbook, held against every change
//! that was seen, and the review list for when none of them explains it.
//!
//! A hypothesis is *found* when a change that bears on it and touches the request falls into its
//! window, *not found* only when a source that would have shown such a change covers the whole window,
//! and otherwise *could not be seen*. Coincidence is not cause: where past versions allow it, the
//! request is decided again on the state before and after each change.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::changes::{Gathered, Input};
use crate::model::change::{Change, ChangeSource, SourceCoverage};
use crate::model::ingress::Ingress;
use crate::model::ingress_class::IngressClass;
use crate::model::log::Window;
use crate::model::object::ObjectKey;
use crate::model::service::Service;
use crate::model::verdict::Confidence;

pub mod hypothesis;
pub mod review;

pub use hypothesis::Hypothesis;

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
    /// Every distinct change within the widest window, oldest first.
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

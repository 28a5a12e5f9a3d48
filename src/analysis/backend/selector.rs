//! The fourth link: does the Service's selector match any pod, and if not, by which label it fails.

use std::collections::BTreeMap;

use crate::model::gap::Gap;
use crate::model::object::{Object, ObjectKey};
use crate::model::service::Service;
use crate::model::snapshot::Snapshot;
use crate::model::workload::Workload;

use super::owners::{Owner, owner_of};
use super::{Selected, State, candidates, gap_of};

/// The outcome of applying the selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectorLink {
    /// The Service has none: somebody else writes its endpoints.
    Unused,
    Matches {
        pods: usize,
        /// There may be more pods than were seen.
        partial: bool,
    },
    MatchesNothing {
        /// Pods that differ in one label, grouped, most pods first.
        nearest: Vec<NearMiss>,
        /// Workloads whose template the selector matches: they run no pod at the moment.
        idle: Vec<Idle>,
    },
    Unseen(Gap),
}

/// Pods that the selector would take if one label were different.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NearMiss {
    pub label: String,
    pub wanted: String,
    /// `None`: the pods do not have the label at all.
    pub has: Option<String>,
    pub owner: Owner,
    pub pods: usize,
}

/// A workload that would be selected if it ran pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    pub workload: ObjectKey,
    pub replicas: Option<i32>,
}

/// How many near misses are worth telling.
const SHOWN: usize = 3;

impl SelectorLink {
    pub(super) fn state(&self) -> State {
        match self {
            Self::Unused => State::Absent,
            Self::Matches { .. } => State::Whole,
            Self::MatchesNothing { .. } => State::Broken,
            Self::Unseen(_) => State::Unseen,
        }
    }
}

pub(super) fn judge(snapshot: &Snapshot, service: &Service, selected: &Selected<'_>) -> SelectorLink {
    if service.selector.is_empty() {
        return SelectorLink::Unused;
    }
    if !selected.pods.is_empty() {
        return SelectorLink::Matches { pods: selected.pods.len(), partial: selected.gap.is_some() };
    }
    if let Some(gap) = gap_of(&snapshot.pods, &service.meta.namespace) {
        return SelectorLink::Unseen(gap);
    }
    SelectorLink::MatchesNothing {
        nearest: near_misses(snapshot, service),
        idle: templates(snapshot, service)
            .map(|workload| Idle { workload: workload.object_key(), replicas: workload.replicas })
            .collect(),
    }
}

/// Every selector entry that the labels do not meet.
pub(super) fn missing<'a>(
    selector: &'a BTreeMap<String, String>,
    labels: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    selector
        .iter()
        .filter(|(key, value)| labels.get(*key) != Some(*value))
        .map(|(key, value)| (key.as_str(), value.as_str()))
}

/// Workloads of the Service's namespace whose pods the selector would take.
pub(super) fn templates<'a>(
    snapshot: &'a Snapshot,
    service: &'a Service,
) -> impl Iterator<Item = &'a Workload> {
    snapshot
        .workloads
        .in_namespace(&service.meta.namespace)
        .filter(|workload| missing(&service.selector, &workload.template.labels).next().is_none())
}

fn near_misses(snapshot: &Snapshot, service: &Service) -> Vec<NearMiss> {
    let mut counts: BTreeMap<(&str, &str, Option<&str>, Owner), usize> = BTreeMap::new();
    for pod in candidates(snapshot, &service.meta.namespace) {
        let mut differs = missing(&service.selector, &pod.meta.labels);
        // With a single-label selector every other pod differs in one label: only a pod that has the
        // label at all is near.
        let (Some((label, wanted)), None) = (differs.next(), differs.next()) else { continue };
        let has = pod.meta.labels.get(label).map(String::as_str);
        if has.is_none() && service.selector.len() == 1 {
            continue;
        }
        *counts.entry((label, wanted, has, owner_of(snapshot, pod))).or_default() += 1;
    }
    let mut found: Vec<NearMiss> = counts
        .into_iter()
        .map(|((label, wanted, has, owner), pods)| NearMiss {
            label: label.to_owned(),
            wanted: wanted.to_owned(),
            has: has.map(str::to_owned),
            owner,
            pods,
        })
        .collect();
    let likeness =
        |miss: &NearMiss| miss.has.as_deref().map_or(0.0, |has| strsim::jaro_winkler(has, &miss.wanted));
    found.sort_by(|a, b| {
        likeness(b).total_cmp(&likeness(a)).then_with(|| b.pods.cmp(&a.pods)).then_with(|| a.cmp(b))
    });
    found.truncate(SHOWN);
    found
}

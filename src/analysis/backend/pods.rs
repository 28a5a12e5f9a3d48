//! The last link: are the selected pods ready, and if not, why.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::model::event::Event;
use crate::model::pod::{ContainerStatus, Pod, Termination};
use crate::model::service::Service;
use crate::model::snapshot::Snapshot;

use super::{Seen, Selected};

/// The selected pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pods {
    pub total: usize,
    pub ready: usize,
    /// In order of name.
    pub not_ready: Vec<NotReady>,
    /// There may be more pods than were seen.
    pub partial: bool,
}

/// One pod that is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    pub pod: String,
    pub reason: Reason,
    /// When its Ready condition last changed.
    pub since: Option<DateTime<Utc>>,
    /// The latest Warning event about it: reason and message, as written.
    pub event: Option<(String, String)>,
}

/// Why a pod is not ready, the most telling reason first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    Terminating {
        since: DateTime<Utc>,
    },
    /// No node yet.
    Unscheduled,
    /// A container waits: `ImagePullBackOff`, `CreateContainerConfigError`, `CrashLoopBackOff`, …
    Waiting {
        container: String,
        why: String,
        restarts: i32,
        last: Option<Termination>,
    },
    /// A container runs, has a readiness probe and does not pass it.
    ProbeFails {
        container: String,
        probe: String,
        restarts: i32,
        last: Option<Termination>,
    },
    /// A container is not ready, and it has no probe: it has ended or has not started.
    ContainerNotReady {
        container: String,
        restarts: i32,
        last: Option<Termination>,
    },
    /// All containers are ready, the pod is not: a readiness gate, or a node that does not answer.
    GateOrNode,
    /// Nothing is known of its containers; the pod's phase.
    Phase(String),
}

pub(super) fn judge(snapshot: &Snapshot, service: &Service, selected: &Selected<'_>) -> Option<Seen<Pods>> {
    if service.selector.is_empty() {
        return None;
    }
    if selected.pods.is_empty() {
        return selected.gap.clone().map(Seen::Unseen);
    }
    let warnings = latest_warnings(snapshot, &service.meta.namespace);
    let not_ready: Vec<NotReady> = selected
        .pods
        .iter()
        .filter(|pod| !pod.ready || pod.meta.deletion_requested.is_some())
        .map(|pod| NotReady {
            pod: pod.meta.name.clone(),
            reason: reason(pod),
            since: pod.ready_changed,
            event: warnings
                .get(pod.meta.name.as_str())
                .map(|event| (event.reason.clone(), event.message.clone())),
        })
        .collect();
    Some(Seen::Value(Pods {
        total: selected.pods.len(),
        ready: selected.pods.len() - not_ready.len(),
        not_ready,
        partial: selected.gap.is_some(),
    }))
}

fn latest_warnings<'a>(snapshot: &'a Snapshot, namespace: &'a str) -> HashMap<&'a str, &'a Event> {
    let mut latest: HashMap<&str, &Event> = HashMap::new();
    for event in snapshot.events.in_namespace(namespace) {
        if !event.warning || event.about_kind != "Pod" {
            continue;
        }
        let best = latest.entry(event.about.name.as_str()).or_insert(event);
        if (event.last, &event.meta.name) > (best.last, &best.meta.name) {
            *best = event;
        }
    }
    latest
}

fn reason(pod: &Pod) -> Reason {
    if let Some(since) = pod.meta.deletion_requested {
        return Reason::Terminating { since };
    }
    let mut statuses: Vec<&ContainerStatus> = pod.statuses.iter().filter(|status| !status.ready).collect();
    statuses.sort_by_key(|status| (status.waiting.is_none(), std::cmp::Reverse(status.restarts)));
    let Some(worst) = statuses.first() else {
        return if pod.node.is_none() && pod.phase == "Pending" {
            Reason::Unscheduled
        } else if pod.statuses.is_empty() {
            Reason::Phase(pod.phase.clone())
        } else {
            Reason::GateOrNode
        };
    };
    let container = worst.name.clone();
    let (restarts, last) = (worst.restarts, worst.last_termination.clone());
    let probe = pod
        .containers
        .iter()
        .find(|declared| declared.name == worst.name)
        .and_then(|declared| declared.readiness.clone());
    match (&worst.waiting, worst.started, probe) {
        (Some(why), _, _) => Reason::Waiting { container, why: why.clone(), restarts, last },
        (None, Some(_), Some(probe)) => Reason::ProbeFails { container, probe, restarts, last },
        (None, None, _) | (None, Some(_), None) => Reason::ContainerNotReady { container, restarts, last },
    }
}

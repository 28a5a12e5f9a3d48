//! What changed in the cluster, from every source that was gathered: one file a source.
//!
//! A source turns what it holds into changes and says how far its silence can be trusted. It does not
//! know the failing request: whether a change matters is judged by `timeline`.
//! Facts about the sources: `docs/changes.md`.

use chrono::{DateTime, Utc};

use crate::model::change::{Aspect, Change, ChangeSource, Replay, SourceCoverage};
use crate::model::gap::Why;
use crate::model::object::{Kind, Name, Object, ObjectKey};
use crate::model::snapshot::{Listing, Snapshot};

mod access_log;
mod audit_log;
pub(crate) mod brief;
mod controller_log;
pub(crate) mod diff;
mod endpoint_slices;
mod events;
#[cfg(test)]
pub(crate) mod fixtures;
mod history;
mod leases;
pub mod log_facts;
mod managed_fields;
mod object_times;
mod pod_starts;
mod revisions;
pub(crate) mod versions;
mod watch_replay;

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

/// Asks every source.
#[must_use]
pub fn gather(input: &Input<'_>) -> Gathered {
    let mut gathered = Gathered::default();
    for source in ChangeSource::ALL {
        let (changes, coverage) = match source {
            ChangeSource::WatchReplay => watch_replay::changes(input),
            ChangeSource::History => history::changes(input),
            ChangeSource::AuditLog => audit_log::changes(input),
            ChangeSource::ManagedFields => managed_fields::changes(input),
            ChangeSource::ObjectTimes => object_times::changes(input),
            ChangeSource::Events => events::changes(input),
            ChangeSource::Revisions => revisions::changes(input),
            ChangeSource::PodStarts => pod_starts::changes(input),
            ChangeSource::EndpointSlices => endpoint_slices::changes(input),
            ChangeSource::ControllerLog => controller_log::changes(input),
            ChangeSource::AccessLog => access_log::changes(input),
            ChangeSource::Leases => leases::changes(input),
        };
        gathered.changes.extend(changes);
        gathered.coverage.push(coverage);
    }
    gathered
}

/// Whole seconds from one time to a later one, rounded up; 0 when it is not later.
pub(crate) fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> u32 {
    let span = to - from;
    let whole = span.num_seconds() + i64::from(span.subsec_nanos() > 0);
    u32::try_from(whole.max(0)).unwrap_or(u32::MAX)
}

/// What a change of a whole object of this kind bears on.
fn aspect_of(kind: Kind) -> Aspect {
    match kind {
        Kind::Ingress => Aspect::IngressRules,
        Kind::IngressClass => Aspect::ClassOrAnnotation,
        Kind::Service | Kind::EndpointSlice => Aspect::Service,
        Kind::Deployment
        | Kind::DaemonSet
        | Kind::StatefulSet
        | Kind::ReplicaSet
        | Kind::ControllerRevision
        | Kind::Pod => Aspect::Rollout,
        // A route of the Gateway API is to it what an Ingress is to the older one.
        Kind::HttpRoute | Kind::ReferenceGrant => Aspect::IngressRules,
        Kind::GatewayClass | Kind::Gateway => Aspect::ClassOrAnnotation,
        Kind::ConfigMap | Kind::Lease | Kind::Event | Kind::Namespace | Kind::Secret => Aspect::Controller,
    }
}

/// A workload is an application's, unless a controller runs in it.
fn workload_aspect(snapshot: &Snapshot, workload: &ObjectKey) -> Aspect {
    let controls = snapshot.controllers.iter().any(|controller| controller.workload == *workload);
    if controls { Aspect::Controller } else { Aspect::Rollout }
}

/// Whether a controller runs in this Pod.
fn is_controller_pod(snapshot: &Snapshot, pod: &Name) -> bool {
    snapshot.controllers.iter().any(|controller| {
        let itself = controller.workload.kind == Kind::Pod && controller.workload.name == *pod;
        itself || (controller.workload.name.namespace == pod.namespace && controller.pods.contains(&pod.name))
    })
}

/// Whether a controller's arguments name this ConfigMap.
fn is_controller_config(snapshot: &Snapshot, config: &Name) -> bool {
    snapshot
        .controllers
        .iter()
        .any(|controller| controller.config_map.as_ref().is_some_and(|(name, _)| name == config))
}

/// Why a list holds nothing, when that is because it was not read.
fn nothing_listed<T: Object>(listing: &Listing<T>) -> Option<Why> {
    let coverage = &listing.coverage;
    if !listing.items().is_empty() || coverage.everywhere || !coverage.namespaces.is_empty() {
        return None;
    }
    Some(coverage.missing.values().next().cloned().unwrap_or(Why::NotCaptured))
}

//! Where Service, slices and pods disagree: signs of a controller that lags, or of a recent change.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::model::object::ObjectMeta;
use crate::model::pod::Pod;
use crate::model::service::Service;
use crate::model::snapshot::{Lookup, Snapshot};

use super::{Selected, gap_of};

/// One disagreement. Names are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity {
    /// A slice calls these endpoints ready; their pods are not. Wanted where a Service publishes pods
    /// that are not ready, else the slices are stale.
    ReadyInSliceOnly { pods: Vec<String> },
    /// Slices list these pods, and there is none of that name.
    GonePods { pods: Vec<String> },
    /// Slices list these pods as ready, and the selector does not match them.
    NotSelected { pods: Vec<String> },
    /// Selected and ready for a while, yet in no slice.
    NotInSlices { pods: Vec<String> },
    /// The selector was written after any of the slices.
    SelectorNewerThanSlices { selector: DateTime<Utc>, slices: DateTime<Utc> },
}

/// How long the endpoint controller may take before its silence is odd, in seconds.
const LAG_S: i64 = 30;

pub(super) fn find(snapshot: &Snapshot, service: &Service, selected: &Selected<'_>) -> Vec<Oddity> {
    let name = service.meta.key();
    let Lookup::Found(slices) = snapshot.slices_of(&name) else { return Vec::new() };
    if service.selector.is_empty() {
        return Vec::new();
    }
    let complete = gap_of(&snapshot.pods, &name.namespace).is_none();
    let chosen: BTreeMap<&str, &Pod> =
        selected.pods.iter().map(|pod| (pod.meta.name.as_str(), *pod)).collect();
    let mut listed = BTreeSet::new();
    let (mut stale, mut gone, mut foreign) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for endpoint in slices.iter().flat_map(|slice| &slice.endpoints) {
        let Some(pod_name) = endpoint.pod.as_deref() else { continue };
        listed.insert(pod_name);
        match snapshot.pods.get(&name.namespace, pod_name) {
            Lookup::Absent => {
                gone.insert(pod_name);
            }
            Lookup::Found(pod) if endpoint.ready && !(pod.ready && pod.meta.deletion_requested.is_none()) => {
                stale.insert(pod_name);
            }
            Lookup::Found(_) if endpoint.ready && !chosen.contains_key(pod_name) => {
                foreign.insert(pod_name);
            }
            Lookup::Found(_) | Lookup::Unseen(_) => {}
        }
    }
    let settled = |pod: &Pod| {
        pod.ready
            && pod.meta.deletion_requested.is_none()
            && pod.ip.is_some()
            && pod.ready_changed.is_some_and(|at| (snapshot.now - at).num_seconds() > LAG_S)
    };
    let missing: BTreeSet<&str> = chosen
        .iter()
        .filter(|(pod_name, pod)| settled(pod) && !listed.contains(*pod_name))
        .map(|(pod_name, _)| *pod_name)
        .collect();

    let mut found = Vec::new();
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    if !stale.is_empty() {
        found.push(Oddity::ReadyInSliceOnly { pods: owned(stale) });
    }
    if !gone.is_empty() && complete {
        found.push(Oddity::GonePods { pods: owned(gone) });
    }
    if !foreign.is_empty() {
        found.push(Oddity::NotSelected { pods: owned(foreign) });
    }
    if !missing.is_empty() {
        found.push(Oddity::NotInSlices { pods: owned(missing) });
    }
    let slices_at = slices.iter().filter_map(|slice| written(&slice.meta)).max();
    if let (Some(selector), Some(slices)) = (selector_written(service), slices_at)
        && selector > slices
    {
        found.push(Oddity::SelectorNewerThanSlices { selector, slices });
    }
    found
}

fn written(meta: &ObjectMeta) -> Option<DateTime<Utc>> {
    meta.last_write().and_then(|write| write.at).or(meta.created)
}

/// When a manager that owns `spec.selector` last wrote; only counted when the Service was written
/// after its creation, for a creation writes everything.
fn selector_written(service: &Service) -> Option<DateTime<Utc>> {
    service
        .meta
        .writes
        .iter()
        .filter(|write| write.subresource.is_none())
        .filter(|write| write.fields.iter().any(|field| field.starts_with("spec.selector")))
        .filter_map(|write| write.at)
        .max()
        .filter(|at| service.meta.created.is_none_or(|created| *at > created))
}

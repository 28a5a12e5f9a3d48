//! Who runs a pod: ReplicaSets are followed to their Deployment, so that a rollout is one owner.

use std::collections::BTreeMap;

use crate::model::object::Kind;
use crate::model::pod::Pod;
use crate::model::snapshot::{Lookup, Snapshot};

use super::Selected;

/// The label that a Deployment puts on its ReplicaSets and their pods, and appends to their names.
const HASH: &str = "pod-template-hash";

/// The workload behind a pod; the pod itself where nothing owns it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// As written; owners may be of kinds this program does not know.
    pub kind: String,
    pub name: String,
}

/// The pods of one workload that a selector catches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub owner: Owner,
    pub pods: usize,
    pub ready: usize,
}

pub(super) fn owner_of(snapshot: &Snapshot, pod: &Pod) -> Owner {
    let Some(owner) = &pod.meta.owner else {
        return Owner { kind: Kind::Pod.as_str().to_owned(), name: pod.meta.name.clone() };
    };
    if owner.kind == Kind::ReplicaSet.as_str() {
        if let Lookup::Found(set) = snapshot.revisions.get(&pod.meta.namespace, &owner.name)
            && set.kind == Kind::ReplicaSet
        {
            if let Some(above) = &set.meta.owner {
                return Owner { kind: above.kind.clone(), name: above.name.clone() };
            }
        } else if let Some(stem) = pod
            .meta
            .labels
            .get(HASH)
            .and_then(|hash| owner.name.strip_suffix(hash.as_str()))
            .and_then(|stem| stem.strip_suffix('-'))
        {
            return Owner { kind: Kind::Deployment.as_str().to_owned(), name: stem.to_owned() };
        }
    }
    Owner { kind: owner.kind.clone(), name: owner.name.clone() }
}

pub(super) fn group(snapshot: &Snapshot, selected: &Selected<'_>) -> Vec<Group> {
    let mut counts: BTreeMap<Owner, (usize, usize)> = BTreeMap::new();
    for pod in &selected.pods {
        let (pods, ready) = counts.entry(owner_of(snapshot, pod)).or_default();
        *pods += 1;
        *ready += usize::from(pod.ready);
    }
    let mut groups: Vec<Group> =
        counts.into_iter().map(|(owner, (pods, ready))| Group { owner, pods, ready }).collect();
    groups.sort_by(|a, b| b.pods.cmp(&a.pods).then_with(|| a.owner.cmp(&b.owner)));
    groups
}

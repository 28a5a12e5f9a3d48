//! Deployments, DaemonSets and StatefulSets, and their kept revisions.

use std::collections::BTreeMap;

use super::object::{Kind, Object, ObjectMeta};
use super::pod::PodTemplate;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// `Deployment`, `DaemonSet` or `StatefulSet`.
    pub kind: Kind,
    pub meta: ObjectMeta,
    /// `spec.selector.matchLabels`.
    pub selector: BTreeMap<String, String>,
    pub replicas: Option<i32>,
    pub ready: i32,
    pub template: PodTemplate,
}

/// A ReplicaSet, or a ControllerRevision of a StatefulSet or DaemonSet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// `ReplicaSet` or `ControllerRevision`.
    pub kind: Kind,
    pub meta: ObjectMeta,
    /// `deployment.kubernetes.io/revision`, or `.revision`. A rollback gives an old object a new number.
    pub number: Option<i64>,
    pub replicas: i32,
    pub template: PodTemplate,
}

impl Object for Workload {
    fn kind(&self) -> Kind {
        self.kind
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

impl Object for Revision {
    fn kind(&self) -> Kind {
        self.kind
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

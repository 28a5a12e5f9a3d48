//! `v1` Events, Leases, Namespaces and ConfigMaps: the small kinds.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::object::{Kind, Name, Object, ObjectMeta};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Event {
    pub meta: ObjectMeta,
    /// `involvedObject.kind`, as written.
    pub about_kind: String,
    /// Namespace and name of what the Event is about.
    pub about: Name,
    pub about_uid: String,
    pub reason: String,
    pub message: String,
    /// True for type `Warning`.
    pub warning: bool,
    pub first: Option<DateTime<Utc>>,
    /// The latest of `series.lastObservedTime`, `lastTimestamp`, `eventTime`, creation.
    pub last: Option<DateTime<Utc>>,
    pub count: i32,
    pub component: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigMap {
    pub meta: ObjectMeta,
    pub data: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lease {
    pub meta: ObjectMeta,
    pub holder: Option<String>,
    pub acquired: Option<DateTime<Utc>>,
    pub renewed: Option<DateTime<Utc>>,
    pub transitions: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamespaceObject {
    pub meta: ObjectMeta,
}

impl Object for Event {
    fn kind(&self) -> Kind {
        Kind::Event
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}
impl Object for ConfigMap {
    fn kind(&self) -> Kind {
        Kind::ConfigMap
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}
impl Object for Lease {
    fn kind(&self) -> Kind {
        Kind::Lease
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}
impl Object for NamespaceObject {
    fn kind(&self) -> Kind {
        Kind::Namespace
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

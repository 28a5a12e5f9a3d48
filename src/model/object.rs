//! What every Kubernetes object has: a kind, a name, and who wrote which part of it when.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};

/// The kinds this program speaks of. `Secret` is only ever named, never read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Ingress,
    IngressClass,
    Service,
    EndpointSlice,
    Pod,
    Deployment,
    DaemonSet,
    StatefulSet,
    ReplicaSet,
    ControllerRevision,
    ConfigMap,
    Event,
    Namespace,
    Lease,
    Secret,
    GatewayClass,
    Gateway,
    HttpRoute,
    ReferenceGrant,
}

impl Kind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 19] = [
        Self::Ingress,
        Self::IngressClass,
        Self::Service,
        Self::EndpointSlice,
        Self::Pod,
        Self::Deployment,
        Self::DaemonSet,
        Self::StatefulSet,
        Self::ReplicaSet,
        Self::ControllerRevision,
        Self::ConfigMap,
        Self::Event,
        Self::Namespace,
        Self::Lease,
        Self::Secret,
        Self::GatewayClass,
        Self::Gateway,
        Self::HttpRoute,
        Self::ReferenceGrant,
    ];

    /// The kinds of the Gateway API, which not every cluster has installed.
    pub const GATEWAY: [Self; 4] = [Self::GatewayClass, Self::Gateway, Self::HttpRoute, Self::ReferenceGrant];

    /// The kind as manifests spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::IngressClass => "IngressClass",
            Self::Service => "Service",
            Self::EndpointSlice => "EndpointSlice",
            Self::Pod => "Pod",
            Self::Deployment => "Deployment",
            Self::DaemonSet => "DaemonSet",
            Self::StatefulSet => "StatefulSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::ControllerRevision => "ControllerRevision",
            Self::ConfigMap => "ConfigMap",
            Self::Event => "Event",
            Self::Namespace => "Namespace",
            Self::Lease => "Lease",
            Self::Secret => "Secret",
            Self::GatewayClass => "GatewayClass",
            Self::Gateway => "Gateway",
            Self::HttpRoute => "HTTPRoute",
            Self::ReferenceGrant => "ReferenceGrant",
        }
    }

    /// The plural resource name as RBAC rules spell it.
    #[must_use]
    pub const fn resource(self) -> &'static str {
        match self {
            Self::Ingress => "ingresses",
            Self::IngressClass => "ingressclasses",
            Self::Service => "services",
            Self::EndpointSlice => "endpointslices",
            Self::Pod => "pods",
            Self::Deployment => "deployments",
            Self::DaemonSet => "daemonsets",
            Self::StatefulSet => "statefulsets",
            Self::ReplicaSet => "replicasets",
            Self::ControllerRevision => "controllerrevisions",
            Self::ConfigMap => "configmaps",
            Self::Event => "events",
            Self::Namespace => "namespaces",
            Self::Lease => "leases",
            Self::Secret => "secrets",
            Self::GatewayClass => "gatewayclasses",
            Self::Gateway => "gateways",
            Self::HttpRoute => "httproutes",
            Self::ReferenceGrant => "referencegrants",
        }
    }

    /// The API group as RBAC rules spell it; empty for the core group.
    #[must_use]
    pub const fn api_group(self) -> &'static str {
        match self {
            Self::Ingress | Self::IngressClass => "networking.k8s.io",
            Self::EndpointSlice => "discovery.k8s.io",
            Self::Deployment
            | Self::DaemonSet
            | Self::StatefulSet
            | Self::ReplicaSet
            | Self::ControllerRevision => "apps",
            Self::Lease => "coordination.k8s.io",
            Self::GatewayClass | Self::Gateway | Self::HttpRoute | Self::ReferenceGrant => {
                "gateway.networking.k8s.io"
            }
            Self::Service | Self::Pod | Self::ConfigMap | Self::Event | Self::Namespace | Self::Secret => "",
        }
    }

    /// Whether objects of this kind live in no namespace.
    #[must_use]
    pub const fn is_cluster_scoped(self) -> bool {
        matches!(self, Self::IngressClass | Self::Namespace | Self::GatewayClass)
    }

    /// The kind that manifests spell so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `namespace/name`, the way people write an object of a known kind. The namespace is empty for
/// cluster-scoped kinds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Name {
    pub namespace: String,
    pub name: String,
}

impl Name {
    #[must_use]
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// One object of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    pub kind: Kind,
    pub name: Name,
}

impl ObjectKey {
    #[must_use]
    pub fn new(kind: Kind, namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind, name: Name::new(namespace, name) }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// The controlling owner of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// As written; owners may be of kinds this program does not know.
    pub kind: String,
    pub name: String,
    pub uid: String,
}

/// One entry of `metadata.managedFields`: the last time one manager wrote its set of fields.
///
/// It never tells old values, list items of atomic lists, or removals (see `docs/adr`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldWrite {
    pub manager: String,
    /// True for server-side apply, false for create/update/patch.
    pub applied: bool,
    /// `status` for status writers; routing never depends on those.
    pub subresource: Option<String>,
    pub at: Option<DateTime<Utc>>,
    /// Leaf field paths, such as `spec.rules` or `metadata.annotations["a/b"]`.
    pub fields: Vec<String>,
}

/// What every object carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectMeta {
    /// Empty for cluster-scoped kinds.
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub resource_version: String,
    pub generation: Option<i64>,
    pub created: Option<DateTime<Utc>>,
    pub deletion_requested: Option<DateTime<Utc>>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub writes: Vec<FieldWrite>,
    pub owner: Option<Owner>,
}

impl ObjectMeta {
    /// `namespace/name`.
    #[must_use]
    pub fn key(&self) -> Name {
        Name::new(&self.namespace, &self.name)
    }

    /// An annotation's value.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }

    /// The last write to anything but a subresource such as status.
    #[must_use]
    pub fn last_write(&self) -> Option<&FieldWrite> {
        self.writes
            .iter()
            .filter(|write| write.subresource.is_none() && write.at.is_some())
            .max_by_key(|write| write.at)
    }
}

/// Anything that has metadata; lets one [`crate::model::snapshot::Listing`] serve all kinds.
pub trait Object {
    /// The kind of this very object.
    fn kind(&self) -> Kind;
    fn meta(&self) -> &ObjectMeta;

    /// Kind, namespace and name together.
    fn object_key(&self) -> ObjectKey {
        ObjectKey { kind: self.kind(), name: self.meta().key() }
    }
}

/// The JSON-path-like name of an annotation, as citations spell it.
#[must_use]
pub fn annotation_field(key: &str) -> String {
    format!("metadata.annotations[\"{key}\"]")
}

//! Changes of objects over time, from whichever source saw them.

use chrono::{DateTime, Utc};

use super::ingress::Ingress;
use super::ingress_class::IngressClass;
use super::object::{Kind, Name, ObjectKey};
use super::service::Service;

/// Where a change was learnt from; each source has its own precision and blind spots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeSource {
    WatchReplay,
    History,
    AuditLog,
    ManagedFields,
    ObjectTimes,
    Events,
    Revisions,
    PodStarts,
    EndpointSlices,
    ControllerLog,
    AccessLog,
    Leases,
}

impl ChangeSource {
    pub const ALL: [Self; 12] = [
        Self::WatchReplay,
        Self::History,
        Self::AuditLog,
        Self::ManagedFields,
        Self::ObjectTimes,
        Self::Events,
        Self::Revisions,
        Self::PodStarts,
        Self::EndpointSlices,
        Self::ControllerLog,
        Self::AccessLog,
        Self::Leases,
    ];

    /// The name used in results; equals the stem of the source's file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WatchReplay => "watch_replay",
            Self::History => "history",
            Self::AuditLog => "audit_log",
            Self::ManagedFields => "managed_fields",
            Self::ObjectTimes => "object_times",
            Self::Events => "events",
            Self::Revisions => "revisions",
            Self::PodStarts => "pod_starts",
            Self::EndpointSlices => "endpoint_slices",
            Self::ControllerLog => "controller_log",
            Self::AccessLog => "access_log",
            Self::Leases => "leases",
        }
    }

    /// Lower is stronger: a diff of two versions proves more than a time stamp.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::WatchReplay | Self::History | Self::AuditLog => 0,
            Self::Revisions | Self::ObjectTimes | Self::PodStarts => 1,
            Self::ManagedFields | Self::ControllerLog => 2,
            Self::Events | Self::EndpointSlices | Self::AccessLog => 3,
            Self::Leases => 4,
        }
    }
}

/// What kind of change it is; decides which hypotheses it bears on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// An Ingress appeared, vanished, or its rules were written (host, backend, default backend).
    IngressRules,
    /// The paths or path types of an Ingress differ.
    IngressPaths,
    /// A Service was deleted, created, or its ports or selector differ; or its endpoints vanished.
    Service,
    /// A controller container started or ended, or the controller reloaded or was reconfigured.
    Controller,
    /// An Ingress's class or annotations, or an IngressClass.
    ClassOrAnnotation,
    /// A workload's pod template: image, environment, arguments, ports, probes.
    Rollout,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub at: DateTime<Utc>,
    /// The change happened within `[at - precision, at]`, in seconds.
    pub precision_s: u32,
    pub object: ObjectKey,
    pub aspect: Aspect,
    /// A field path, `""` for the object as a whole.
    pub field: String,
    /// `None` when the source cannot tell, or there was none.
    pub before: Option<String>,
    pub after: Option<String>,
    /// The manager, user or component that wrote it, when known.
    pub by: Option<String>,
    pub via: ChangeSource,
}

/// What a source covered, so that silence can be told from blindness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceCoverage {
    pub source: ChangeSource,
    /// `None`: not bounded on this side.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    /// The source could not be read at all.
    pub unseen: Option<super::gap::Why>,
}

/// A past version of an object that routing depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versioned {
    Ingress(Box<Ingress>),
    IngressClass(Box<IngressClass>),
    Service(Box<Service>),
}

impl Versioned {
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Ingress(_) => Kind::Ingress,
            Self::IngressClass(_) => Kind::IngressClass,
            Self::Service(_) => Kind::Service,
        }
    }

    #[must_use]
    pub fn meta(&self) -> &super::object::ObjectMeta {
        match self {
            Self::Ingress(object) => &object.meta,
            Self::IngressClass(object) => &object.meta,
            Self::Service(object) => &object.meta,
        }
    }

    #[must_use]
    pub fn name(&self) -> Name {
        self.meta().key()
    }
}

/// What a watch says of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VersionOp {
    Added,
    Modified,
    Deleted,
}

/// One recorded version of an object, from watch replay, `history.jsonl` or an audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion {
    pub op: VersionOp,
    /// The time of the write: newest managedFields time, or for deletions the recorder's or audit
    /// log's time, or what the resource version's neighbours bracket.
    pub at: Option<DateTime<Utc>>,
    /// How far before `at` the write may lie, seconds.
    pub precision_s: u32,
    pub by: Option<String>,
    pub source: ChangeSource,
    pub object: Versioned,
}

/// All versions one source could give, oldest first per object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    pub source: ChangeSource,
    pub versions: Vec<ObjectVersion>,
    /// Everything since this time was seen, for these kinds; `None`: no bound is known.
    pub since: Option<DateTime<Utc>>,
    pub kinds: Vec<Kind>,
}

//! Changes of objects over time, from whichever source saw them.

use chrono::{DateTime, Utc};

use super::gap::Why;
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
    /// The same request went elsewhere than before: the effect of a change whose nature this does
    /// not tell.
    Decision,
}

/// What is known to have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    Created,
    Deleted,
    /// Deleted and created again: another uid under the same name.
    Recreated,
    /// A field differs; `before` and `after` are its values, absent where it was not set.
    Changed,
    /// A field was written; the value before is not known.
    Written,
    /// A process started.
    Started,
    /// A process ended.
    Ended,
    Reloaded,
    ReloadFailed,
    /// A component said something of the object; `after` holds its words.
    Reported,
    /// A routing decision went from `before` to `after`.
    Flipped,
}

/// The rule of an Ingress that a change is confined to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleRef {
    /// As written, empty for any host; the earlier and the later one where the host itself changed.
    pub hosts: Vec<String>,
    /// Likewise; none when the whole rule is concerned.
    pub paths: Vec<String>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub at: DateTime<Utc>,
    /// The change happened within `[at - precision, at]`, in seconds.
    pub precision_s: u32,
    pub object: ObjectKey,
    pub aspect: Aspect,
    pub act: Act,
    /// A field path, `""` for the object as a whole.
    pub field: String,
    /// `None`: not confined to one rule, or not about an Ingress.
    pub rule: Option<RuleRef>,
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
    pub unseen: Option<Why>,
    /// Where silence of this source proves that nothing happened.
    pub complete: Vec<Complete>,
    /// What it can never show, however far it reaches.
    pub blind_to: Vec<Blind>,
}

/// Within this span and scope the source would have shown every change of the aspect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complete {
    pub aspect: Aspect,
    pub scope: Scope,
    /// `None`: not bounded on this side.
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

/// Which objects a statement holds for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Everywhere,
    Namespace(String),
    /// One workload and its pods.
    Workload(ObjectKey),
}

/// A blind spot of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Blind {
    /// Old and new values.
    Values,
    /// Which item of a list was written.
    ListItems,
    /// Fields that were removed.
    Removals,
    /// Objects that are gone.
    Deletions,
    /// Writes that a later one by the same manager covered up.
    EarlierWrites,
    /// The content of writes that were recorded without it.
    Content,
    /// Writes that the audit policy leaves out.
    Unaudited,
    /// Events dropped or merged under load.
    DroppedEvents,
    /// Revisions beyond the history limit.
    OldRevisions,
    /// Pods that were replaced, and all but the last termination.
    GonePods,
    /// Reloads that start no process.
    Reloads,
    /// Edits of the selector or the ports.
    SelectorEdits,
    /// Paths nobody asked for, and requests that are not logged.
    UnseenRequests,
    /// What the controller does not log at its level.
    UnloggedActions,
    /// Anything but who leads: the leader only writes status.
    DataPath,
    /// The application's own routes.
    ApplicationRoutes,
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

/// A write of which only the fact is known: an audit log at level `Metadata`, an object of a kind
/// whose versions are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    pub op: VersionOp,
    pub at: DateTime<Utc>,
    pub precision_s: u32,
    pub by: Option<String>,
    pub source: ChangeSource,
    pub object: ObjectKey,
}

/// How far back a record reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Since {
    /// To the beginning of the cluster.
    Ever,
    /// Everything since then.
    At(DateTime<Utc>),
    /// No bound is known: what is missing may have happened or not.
    Unknown,
}

/// All versions one source could give; the order does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    pub source: ChangeSource,
    pub versions: Vec<ObjectVersion>,
    pub touches: Vec<Touch>,
    /// Everything since this time was seen, for these kinds.
    pub since: Since,
    pub kinds: Vec<Kind>,
    /// `None`: of all namespaces.
    pub namespace: Option<String>,
    /// The record could not be read, or not to its end.
    pub unseen: Option<Why>,
}

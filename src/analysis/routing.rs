//! What a controller does with a request: which rule wins, what the client or upstream gets, and why
//! every other candidate lost.
//!
//! One file a model; `model_for` is the one dispatch point. A model is compiled once from the
//! Ingresses its controller adopted and then decides any number of requests; `decide` is the hot path,
//! `explain` is called for the few that are shown to somebody.

use crate::model::controller::{ControllerKind, Settings, Version};
use crate::model::ingress::{Ingress, PathType, Place, PortRef};
use crate::model::object::{Kind, Name, ObjectKey};
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;

pub mod agic;
pub mod apisix;
pub mod aws_alb;
mod balancers;
mod candidates;
pub mod cilium;
pub mod contour;
#[cfg(test)]
mod contract;
mod envoy;
pub mod f5_nginx;
#[cfg(test)]
pub(super) mod fixtures;
mod gateway;
pub mod gce;
pub mod haproxy_ingress;
pub mod haproxytech;
mod heads;
pub mod httproute;
pub mod ingress_nginx;
pub mod istio;
pub mod kong;
pub mod nearest;
mod nginx;
pub(in crate::analysis) mod possible;
pub mod proposed;
mod refusal;
mod releases;
mod rule_index;
mod serving;
mod settle;
pub mod spec;
mod told;
pub mod traefik;
pub mod traefik_gateway;
pub mod traefik_ingress_nginx;

pub use refusal::{FieldFault, Refusal};
pub use releases::Releases;

/// How far a prediction can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// The Ingress API's text; what this controller really does is not modelled.
    SpecOnly,
    /// Written from the controller's sources, not held to the real thing on every branch.
    Modelled,
    /// Held to recorded answers of the real controller.
    Exact,
}

/// What a model compiles from.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The Ingresses this controller's class selection adopted (`analysis::adoption`), in any order.
    pub ingresses: &'a [&'a Ingress],
    /// For Services and endpoints: three-valued lookups.
    pub snapshot: &'a Snapshot,
    pub settings: &'a Settings,
}

/// One controller's way of routing.
pub trait RoutingModel: Sync {
    fn kind(&self) -> ControllerKind;
    /// How far this model's answers can be trusted at best.
    fn basis(&self) -> Basis;
    /// The releases that `Basis::Exact` is meant for: from the first, and up to the last that was held to
    /// real answers or read.
    fn releases(&self) -> Option<Releases> {
        None
    }
    /// How far they can be trusted for a release; where that is not known it is taken for the newest one
    /// that was looked at, which is what the model's answers say.
    fn basis_for(&self, version: Option<Version>) -> Basis {
        let known = match (version, self.releases()) {
            (Some(version), Some(releases)) => releases.takes(version),
            (None, _) | (_, None) => true,
        };
        if known { self.basis() } else { self.basis().min(Basis::Modelled) }
    }
    /// Everything this controller would load, and what it would refuse and why. The result owns what
    /// it needs and does not depend on the order of `ingresses`.
    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable>;
}

/// A compiled configuration.
pub trait RouteTable: Send + Sync {
    /// What happens to one request. Total: every request gets a decision.
    fn decide(&self, request: &Request) -> Decision;
    /// Why the candidates that did not win lost, nearest first, at most `limit`; and nearest misses.
    fn explain(&self, request: &Request, limit: usize) -> Explanation;
    /// Ingresses that passed class selection and are nevertheless not loaded, sorted by name.
    fn refused(&self) -> &[(Name, Refusal)];
    /// Why the whole configuration cannot be loaded, when it cannot: the old one stays in force.
    fn reload_failure(&self) -> Option<&ReloadFailure> {
        None
    }
    /// Every reason that is known, the first one first.
    fn reload_failures(&self) -> &[ReloadFailure] {
        self.reload_failure().map(std::slice::from_ref).unwrap_or_default()
    }
    /// Why what would decide this request cannot be loaded.
    fn failure_for(&self, _request: &Request) -> Option<&ReloadFailure> {
        self.reload_failure()
    }
    /// Whether a route of another kind than Ingress takes this host: such routes pass no class
    /// selection, the table itself holds what is attached.
    fn has_routes_for(&self, _host: Option<&str>) -> bool {
        false
    }
}

/// The model of a controller; `None` where only the API's own text can be offered.
#[must_use]
pub fn model_for(kind: ControllerKind) -> Option<&'static dyn RoutingModel> {
    match kind {
        ControllerKind::AwsAlb => Some(&aws_alb::AwsAlb),
        ControllerKind::F5Nginx => Some(&f5_nginx::F5Nginx),
        ControllerKind::Gce => Some(&gce::Gce),
        ControllerKind::Kong => Some(&kong::Kong),
        ControllerKind::Agic => Some(&agic::Agic),
        ControllerKind::Apisix => Some(&apisix::Apisix),
        ControllerKind::Cilium => Some(&cilium::Cilium),
        ControllerKind::Contour => Some(&contour::Contour),
        ControllerKind::HaproxyIngress => Some(&haproxy_ingress::HaproxyIngress),
        ControllerKind::Haproxytech => Some(&haproxytech::Haproxytech),
        ControllerKind::IngressNginx => Some(&ingress_nginx::IngressNginx),
        ControllerKind::Istio => Some(&istio::Istio),
        ControllerKind::Spec => Some(&spec::Spec),
        ControllerKind::HttpRoute => Some(&httproute::HttpRoute),
        ControllerKind::Traefik => Some(&traefik::Traefik),
        ControllerKind::TraefikGateway => Some(&traefik_gateway::TraefikGateway),
        ControllerKind::TraefikIngressNginx => Some(&traefik_ingress_nginx::TraefikIngressNginx),
        ControllerKind::OpenshiftRouter => None,
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// An upstream gets the request.
    Routed,
    Redirect,
    /// No rule matches: the controller's own answer, usually 404.
    NoRoute,
    /// The proxy refuses the request (400, 401, 403, 421), or the controller its whole configuration.
    Refused,
    /// A rule won, but the proxy answers 5xx itself.
    Unavailable,
    /// The controller's choice is not determined; `one_of` holds what it may choose from.
    Undefined,
}

/// A Service port that a request can go to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub service: Name,
    pub port: PortRef,
}

/// The rule that won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Winner {
    /// The Ingress, or the HTTPRoute where `place` is one of it. Empty where the controller's own
    /// default backend Service wins.
    pub ingress: Name,
    /// The winning place in that Ingress. For a host's default location: `Place::DefaultBackend`, or
    /// the rule that created the host.
    pub place: Place,
    /// As written in the rule; empty for any host.
    pub host: String,
    pub path: String,
    pub path_type: Option<PathType>,
    pub backend: Option<Target>,
    /// How the controller renders the rule, such as `~* "^/api"` or `= "/foo"`.
    pub rendered: String,
}

impl Winner {
    /// The Ingress or HTTPRoute that the rule stands in.
    #[must_use]
    pub fn object(&self) -> ObjectKey {
        ObjectKey { kind: self.place.kind(), name: self.ingress.clone() }
    }

    /// Whether the rule stands in the Ingress of this name.
    #[must_use]
    pub fn is_of(&self, ingress: &Name) -> bool {
        self.place.kind() == Kind::Ingress && self.ingress == *ingress
    }
}

/// A decision about one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub outcome: Outcome,
    /// The status the client sees, where the proxy itself answers.
    pub status: Option<u16>,
    pub winner: Option<Winner>,
    /// The set to choose from; only for `Undefined`.
    pub one_of: Vec<Target>,
    /// `Location` of a redirect, as the controller sends it.
    pub location: Option<String>,
    /// The path that the upstream receives, without the query.
    pub upstream_path: Option<String>,
    /// Whether the built-in default backend of the controller answers, or a Service that its
    /// arguments name; then the winner has no Ingress.
    pub default_backend: bool,
    /// What decided beyond the rule itself, as data.
    pub notes: Vec<Note>,
}

impl Decision {
    /// A decision without a winner.
    #[must_use]
    pub fn bare(outcome: Outcome, status: Option<u16>) -> Self {
        Self {
            outcome,
            status,
            winner: None,
            one_of: Vec::new(),
            location: None,
            upstream_path: None,
            default_backend: false,
            notes: Vec::new(),
        }
    }
}

/// A fact that explains a decision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Note {
    /// The host is rendered in regex mode because of this Ingress's annotation.
    RegexHost { because_of: Name, annotation: String },
    /// The path was matched in normalised form.
    Normalised { to: String },
    /// The server block that was chosen for the host; `_` is the catch-all.
    Server { name: String },
    /// An annotation of this Ingress decided (redirect, ssl-redirect, denylist, auth, app-root, …).
    Annotation { ingress: Name, key: String },
    /// A ConfigMap key of the controller decided.
    Config { key: String },
    /// A canary took the request, or may take it.
    Canary { ingress: Name },
    /// The Service does not exist.
    ServiceMissing(Name),
    /// The Service has no such port.
    PortMissing { service: Name, port: PortRef },
    /// Nothing behind the Service is ready.
    NoReadyEndpoints(Name),
    /// Services or endpoints could not be seen: whether the upstream answers is unknown.
    BackendUnseen(Name),
    /// The controller's settings could not be read; defaults were assumed.
    SettingsUnseen,
    /// Whether the controller takes this Ingress could not be told: a list was not seen.
    AdoptionUnseen { ingress: Name },
    /// A path that the controller reads as a pattern and cannot compile.
    PatternInvalid { pattern: String },
    /// A pattern that this program cannot evaluate as the proxy does.
    PatternUndecided { pattern: String },
    /// The configuration cannot be loaded: what is said is what it would do once it can.
    ReloadFails,
    /// Whether a backend that the rule names answers an auth subrequest first.
    AuthSubrequest { ingress: Name, url: String },
    /// Whether this Secret exists decides, and Secrets are not read.
    SecretUnseen(Name),
    /// Nothing listens on this port.
    NoListener { port: u16 },
    /// There is no certificate for this host: the TLS handshake is rejected.
    HandshakeRejected,
    /// An `ExternalName` Service, which the controller is not allowed to use.
    ExternalNameBarred(Name),
    /// An argument of the controller decided.
    Argument { flag: String },
    /// Whether a condition of this annotation holds cannot be told from the request.
    ConditionUndecided { ingress: Name, condition: String },
    /// The Gateway and listener that the request comes in by.
    Listener { gateway: Name, listener: String },
    /// No ReferenceGrant of the Service's namespace lets routes of this namespace refer to it.
    NotGranted { service: Name, from: String },
    /// The backend is no Service.
    ForeignBackend { kind: String, name: Name },
    /// The rule names no backend that any of its requests could go to.
    NoBackend,
    /// A filter that cannot be carried out, so that the rule's requests are answered with an error.
    FilterFails { filter: String },
    /// What a filter of the implementation's own does to the request is not known.
    FilterUnknown { filter: String },
    /// The text that was asked leaves it open; this implementation's answer is given.
    LeftOpen { to: ControllerKind },
    /// Some of the weighted backends answer, some cannot.
    SomeBackendsFail,
    /// A middleware that a router names does not exist.
    MiddlewareMissing { name: String },
    /// What a middleware does to the request, or whether it exists, could not be seen.
    MiddlewareUnseen { name: String },
    /// The controller cannot read the rule that it wrote itself.
    RuleInvalid { rule: String },
    /// The backend is no Service.
    NoServiceBackend,
    /// An annotation of the Service decided.
    ServiceAnnotation { service: Name, key: String },
    /// Where chance decides: the proxy may also answer by itself, so.
    OrAnswered { outcome: Outcome, status: Option<u16>, location: Option<String> },
}

/// Why candidates lost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    pub eliminated: Vec<Eliminated>,
    pub nearest: Vec<Nearest>,
    /// How many candidates there were in all.
    pub total: usize,
}

/// One candidate that did not win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eliminated {
    pub ingress: Name,
    pub place: Place,
    pub host: String,
    pub path: String,
    pub path_type: Option<PathType>,
    pub reason: Reason,
}

/// Why a candidate lost, with the facts of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The rule's host does not take the request's.
    HostDiffers,
    /// The host is served by another server block; there is no second chance on this one.
    OtherServer {
        chosen: String,
    },
    PathDiffers,
    /// It matches, a more specific or earlier rule wins.
    LessSpecific {
        than: Name,
        than_path: String,
    },
    /// Same host, path and type: the older Ingress wins.
    OlderWins {
        older: Name,
    },
    /// The whole host belongs to an older Ingress.
    HostTaken {
        by: Name,
    },
    /// Its Ingress is not loaded at all.
    NotLoaded(Refusal),
    /// A canary, which is only an alternative of another rule.
    CanaryOnly,
    /// `backend.resource` is not served.
    ResourceBackend,
    /// Something else that it asks of a request does not hold.
    ConditionDiffers {
        field: &'static str,
    },
    /// Its path is tried as a pattern and does not match.
    PatternDiffers {
        pattern: String,
    },
    /// Its backend cannot be used, so the rule is left out.
    LeftOut(Note),
    /// Same host, path and type: the rule of another Ingress, or a later one, is used.
    Duplicate {
        of: Name,
    },
    /// The path matches, another condition of the rule does not.
    Unmet(Unmet),
    /// The route is attached to no listener that serves.
    Detached(Detached),
    /// It is not served where the request came in.
    OtherEntryPoint {
        asked: String,
        tls: bool,
    },
}

/// A condition besides host and path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unmet {
    Method { wanted: String },
    Header { name: String, wanted: String },
    Query { name: String, wanted: String },
}

/// Why an HTTPRoute is attached to none of the listeners that a request could come in by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detached {
    /// It names no Gateway as parent.
    NoParent,
    GatewayMissing {
        gateway: Name,
    },
    /// The Gateway's class belongs to another implementation, or to none.
    GatewayOfOther {
        gateway: Name,
        class: String,
    },
    /// The Gateway has no listener of that name or port.
    ListenerMissing {
        gateway: Name,
        wanted: String,
    },
    /// The listener does not serve: its protocol, port or certificate is at fault.
    ListenerDown {
        gateway: Name,
        listener: String,
    },
    NamespaceNotAllowed {
        gateway: Name,
        listener: String,
    },
    KindNotAllowed {
        gateway: Name,
        listener: String,
    },
    /// None of its host names is one of the listener's.
    HostsApart {
        gateway: Name,
        listener: String,
    },
    /// It is attached, to listeners of another port or protocol than the request's.
    OtherPort {
        gateway: Name,
        listener: String,
    },
    /// Whether it is cannot be told from what was seen.
    Undecided,
}

/// A candidate that would win after one small edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    pub ingress: Name,
    pub place: Place,
    pub edit: Edit,
}

/// The smallest edit that would make a candidate take the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Set the rule's host.
    SetHost {
        from: String,
        to: String,
    },
    SetPathType {
        from: PathType,
        to: PathType,
    },
    SetPath {
        from: String,
        to: String,
    },
    /// Add a rule for this path to the Ingress.
    AddPath {
        path: String,
        path_type: PathType,
    },
    SetClass {
        class: String,
    },
    /// Remove an annotation.
    RemoveAnnotation {
        key: String,
    },
    SetAnnotation {
        key: String,
        value: String,
    },
    /// Ask for another host instead.
    AskHost {
        host: String,
    },
    /// Meet a condition that the rule has besides host and path.
    Meet(Unmet),
}

/// Why the configuration as a whole is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadFailure {
    /// What the proxy says, such as `duplicate location "/foo/"`.
    pub cause: String,
    pub host: String,
    /// The Ingresses that bring it about together.
    pub between: Vec<Name>,
}

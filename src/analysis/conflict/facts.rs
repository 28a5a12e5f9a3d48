//! The facts of each rule, one variant a rule.

use crate::model::controller::ControllerKind;
use crate::model::ingress::{PathType, PortRef};
use crate::model::object::{Name, ObjectKey};
use crate::model::request::Scheme;

use super::super::routing::{Refusal, Target};

/// What a rule found. The variant bears the rule's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    SameHostPathType {
        path: String,
        path_type: PathType,
        /// Rules that are ignored.
        losers: usize,
        /// All of them name the same backend.
        same_backend: bool,
    },
    SeveralDefaultBackends {
        losers: usize,
        /// The losers are hostless rules for `/`, not default backends.
        rules: bool,
    },
    DefaultBackendScope(Scope),
    CanaryWithoutMain {
        path: String,
        lacks: Lacks,
    },
    CanaryTakesCatchAll {
        service: Target,
        main: Name,
        path: String,
    },
    CanarySharedService {
        service: Target,
        leak: Leak,
    },
    ClassMissing {
        classes: Vec<String>,
        /// An annotation that is not read, and looks as if it were to name the class.
        misplaced: Option<String>,
    },
    ClassNotFound {
        class: String,
        nearest: Vec<String>,
    },
    ClassOfOtherController {
        class: String,
        /// `spec.controller` of the class, where it is set.
        controller: Option<String>,
        /// What this controller takes instead, where it is known.
        expected: Option<String>,
    },
    AnnotationAndFieldDisagree {
        field: String,
        annotation: String,
        decides: Decides,
    },
    SeveralDefaultClasses {
        classes: Vec<String>,
        /// What admission gives to classless Ingresses.
        used: Option<String>,
    },
    TwoControllersOneClass {
        controllers: Vec<(ControllerKind, ObjectKey)>,
        ingresses: usize,
    },
    AnnotationPolicyDrop(Refusal),
    Snippet {
        key: String,
        standing: SnippetStanding,
    },
    ForeignAnnotations {
        keys: Vec<String>,
        /// Whose annotations they are; empty for names that no product reads any more.
        of: Vec<ControllerKind>,
        /// At least one of them would change routing.
        routing: bool,
    },
    RewriteWithoutCapture {
        path: String,
        target: String,
    },
    CaptureGroupMissing {
        path: String,
        target: String,
        group: u32,
        groups: u32,
    },
    BackendMissing {
        backend: MissingBackend,
    },
    TlsHostNotInRules {
        host: String,
    },
    TlsHostNotServed {
        /// The TLS host that was meant for it: a wildcard, or a name that no rule has.
        meant: Option<String>,
    },
    PassthroughSwallowsPaths {
        standing: Passthrough,
        others: usize,
    },
    DuplicateLocation {
        location: String,
    },
    ConfigurationRefused {
        /// What is said of it.
        cause: String,
        /// Whose proxy or controller says so.
        by: ControllerKind,
    },
    HostwideRegex {
        key: String,
        /// Plain paths that are patterns now, and the Ingresses that they are of.
        paths: usize,
        ingresses: usize,
    },
    PatternShadows {
        path: String,
        by: String,
    },
    ExactRootDead,
    PatternInPlainPath {
        path: String,
        reading: Reading,
    },
    CatchAllNotConsulted {
        path: String,
        /// The host of the wider rule, empty for any.
        wildcard: String,
        /// Hosts that leave the path open.
        hosts: usize,
    },
    SolverConflict(Solver),
    TrailingSlashOnly {
        path: String,
    },
    UnreachablePath {
        path: String,
    },
    OldestAnnotatesHost {
        keys: Vec<String>,
        others: usize,
    },
    AppRootTakesHost {
        target: String,
    },
    HostTaken {
        losers: usize,
        paths: usize,
    },
    MinionConflict(Minions),
    F5LocationTwice {
        path: String,
    },
    F5RewriteOnExact {
        path: String,
    },
    F5ExactPathRegex {
        path: String,
    },
    F5HostlessDefault,
    HaproxyRedirectCode {
        value: String,
    },
    TraefikPriority {
        value: String,
    },
    TraefikPathCharacter {
        path: String,
        character: char,
    },
    TraefikRewriteTail {
        path: String,
        target: String,
    },
    ExactBehindPrefix {
        path: String,
        prefix: String,
        /// Priorities of the Exact rule and of the prefix.
        own: i64,
        other: i64,
    },
    HostlessOutranksHost {
        hosts: usize,
        /// Priorities of the host's rule and of the wider one.
        own: i64,
        other: i64,
    },
    EntryPointScheme {
        /// The one scheme that is served; `None` where neither is.
        only: Option<Scheme>,
    },
    AlbListenPorts(Missing),
    PublishedElsewhere {
        addresses: Vec<String>,
        /// The other controller that has them.
        of: Option<Name>,
        ingresses: usize,
    },
    AlbCertificateMissing {
        /// Ingresses with an HTTPS listener on the load balancer.
        members: usize,
    },
    AnnotationNotRead {
        key: String,
        /// The key it was probably meant to be.
        meant: Option<String>,
        /// It is read from Services.
        of_services: bool,
    },
    ControllersShareService {
        controllers: Vec<(ControllerKind, ObjectKey)>,
        /// Ingresses that some of them have, and others have not.
        ingresses: usize,
    },
    RuleShadowed {
        /// Path and host of the rule that is tried before.
        by: String,
        host: String,
        /// Rules that are never reached for it.
        rules: usize,
    },
    GceHostTwice {
        /// Paths that are gone.
        paths: usize,
    },
    TlsWithoutSecret {
        /// cert-manager is asked for a certificate.
        issuer: bool,
        /// There is a section for it.
        section: bool,
    },
    AlbGroupStuck {
        path: String,
        members: usize,
    },
}

/// The listener that the rules of an Ingress of AWS are not on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Https,
    /// Others of the group serve the host over TLS.
    HttpsBesideOthers,
    Http,
}

/// What a pattern is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Text that nothing but itself matches.
    Literal,
    /// A pattern, which admission refuses under this type.
    Denied,
}

/// Why a challenge is not answered by its solver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Solver {
    /// Another rule takes the path.
    Beaten,
    /// The controller of the host does not load the solver's Ingress.
    NotLoaded,
}

/// What becomes of minions in each other's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Minions {
    Oldest,
    Nobody,
    NoMaster,
}

/// Why a default backend does not do what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All rules are hostless: the catch-all server has its own default.
    Hostless,
    /// An older Ingress made these hosts.
    OlderHost { older: Name, hosts: usize },
    /// The product does not read it here.
    Ignored,
    /// It holds for everybody's hosts.
    Everybody,
    /// It holds for hosts that no rule names.
    UnknownHosts,
    /// It holds for all Ingresses of a load balancer.
    Group { others: usize },
}

/// What a canary is an alternative of, and is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacks {
    Host,
    Path {
        /// The most alike paths of the host.
        nearest: Vec<String>,
    },
    Type {
        canary: PathType,
        main: PathType,
    },
}

/// How a canary's Service reaches further than the canary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leak {
    /// The main Service also serves other rules, and they are split too.
    Split { rules: usize },
    /// The canary's own Service is the main backend of younger rules, which are not loaded.
    MainIgnored { rules: usize },
    /// The canary's own Service is the main backend of an older rule: the canary is an ordinary rule.
    NoLongerCanary { main: Name },
}

/// Which of class field and class annotation a product goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decides {
    Field,
    Annotation,
    /// Not known for this product.
    Unknown,
}

/// What becomes of a snippet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnippetStanding {
    /// Taken out while the Ingress stays.
    Stripped,
    /// In force, and it holds directives that route.
    Routes,
}

/// Why a backend cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingBackend {
    Service {
        service: Name,
        nearest: Vec<String>,
        elsewhere: Vec<String>,
    },
    Port {
        service: Name,
        port: PortRef,
        has: Vec<String>,
        /// The Ingress names this port's targetPort.
        names_target_of: Option<u16>,
    },
    NoReadyEndpoints {
        service: Name,
        port: PortRef,
        not_ready: usize,
    },
    ExternalNameDisabled {
        service: Name,
    },
    Resource {
        kind: String,
        name: String,
    },
    /// An action of a load balancer of AWS, without the annotation of this key.
    Action {
        key: String,
    },
}

/// What a passthrough annotation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passthrough {
    /// In force: paths of the host are not asked.
    InForce,
    /// The controller runs without the flag.
    FlagNotSet,
    /// Not on the Ingress that made the host.
    NotOldest,
    /// The host has no rule for `/`.
    NoRoot,
}

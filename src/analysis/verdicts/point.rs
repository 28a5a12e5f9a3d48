//! What evidence says, as data; `report::verdict` finds the words.

use chrono::{DateTime, Utc};

use crate::model::gap::Gap;
use crate::model::object::{Name, ObjectKey};

use super::super::routing::{Edit, Refusal};

/// One thing that a piece of evidence says.
#[derive(Debug, Clone, PartialEq)]
pub enum Point {
    /// Neither `ingressClassName` nor the annotation is set.
    NoClassSet,
    /// No IngressClass is the default one, of so many.
    NoDefaultClass {
        classes: usize,
    },
    /// The class names no object.
    ClassAbsent {
        class: String,
    },
    /// The class belongs to another controller value than the one running.
    ClassOfOther {
        class: String,
        theirs: Option<String>,
        ours: String,
    },
    /// The annotation differs from what the controller expects.
    AnnotationDiffers {
        value: String,
        expected: String,
    },
    /// The controller watches one namespace only.
    WatchesOnly {
        watched: String,
    },
    /// The controller said it ignores the Ingress, so many times.
    ControllerSaidIgnored {
        count: u64,
    },
    /// No controller has written an address.
    NoAddress,
    /// The annotation that the policy refuses.
    AnnotationRefused {
        key: String,
        refusal: Refusal,
    },
    /// A ConfigMap key is not set, so that the default holds.
    SettingUnset {
        key: String,
        default: String,
    },
    /// A ConfigMap key's value.
    SettingIs {
        key: String,
        value: String,
    },
    /// The controller said so of an annotation.
    ControllerSaidAnnotation {
        count: u64,
    },
    /// The controller's workload was changed shortly before.
    ControllerChanged {
        at: DateTime<Utc>,
    },
    /// The Ingress was not changed since.
    IngressUnchanged {
        generation: i64,
        written: Option<DateTime<Utc>>,
    },
    /// The controller's own answer: no rule matched.
    ControllerAnswered {
        count: u64,
        first: Option<DateTime<Utc>>,
        last: Option<DateTime<Utc>>,
    },
    /// An upstream answered.
    UpstreamAnswered {
        service: Option<Name>,
        upstream: String,
        status: u16,
        count: u64,
        first: Option<DateTime<Utc>>,
        last: Option<DateTime<Utc>>,
    },
    /// The same URL was answered well before.
    WorkedBefore {
        service: Option<Name>,
        status: u16,
        last: Option<DateTime<Utc>>,
    },
    /// No rule names the asked host; this one is nearest.
    HostOfRule {
        host: String,
    },
    /// The rule's path and type, which do not take the request.
    RuleDiffers {
        path: String,
        path_type: Option<&'static str>,
    },
    /// A host that many rules know.
    PatternOnPlainHost {
        path: String,
    },
    /// A probe's outcome.
    Probed {
        url: String,
        status: Option<u16>,
        from: String,
    },
    /// The annotation that puts the whole host in regex mode.
    RegexForcedBy {
        key: String,
        value: String,
    },
    /// The rule that wins, as the controller renders it.
    WinnerRendered {
        rendered: String,
        path: String,
    },
    /// Without it, this rule would win.
    WouldWin {
        ingress: Name,
        path: String,
        service: Option<Name>,
    },
    /// An object appeared.
    Created {
        at: DateTime<Utc>,
    },
    /// A change in the window.
    Changed {
        at: DateTime<Utc>,
    },
    /// An object that went in the window.
    Deleted {
        at: DateTime<Utc>,
    },
    /// The Ingress is not in the list.
    IngressAbsent,
    /// The rule of an Ingress that is gone, where it led.
    TookBefore {
        host: String,
        path: String,
        service: Option<Name>,
    },
    /// The controller's webhook refused it, so many times.
    WebhookRefused {
        count: u64,
    },
    /// An object of this kind was to create it and told why it could not.
    CreationRefused {
        by: String,
    },
    /// Nothing rewrites the path.
    NoRewrite,
    /// The rewrite sends every path to the same place.
    RewriteTo {
        target: String,
        upstream_path: String,
    },
    /// A canary annotation and no Ingress it could be an alternative of.
    CanaryAlone {
        host: String,
        path: String,
    },
    ControllerSaidCanary {
        count: u64,
    },
    /// The address that is asked before every request.
    AuthAddress {
        key: String,
        url: String,
    },
    /// The controller saw the auth request fail.
    AuthFailed {
        count: u64,
    },
    /// Where the wanted path is served instead.
    ServedElsewhere {
        host: String,
        path: String,
        service: Option<Name>,
    },
    /// The older Ingress with the same host, path and type.
    OlderDuplicate {
        older: Name,
        created: Option<DateTime<Utc>>,
    },
    /// The Service is missing.
    ServiceAbsent {
        service: Name,
        nearest: Vec<Name>,
    },
    PortAbsent {
        service: Name,
        port: String,
    },
    /// Ready, not ready.
    Endpoints {
        ready: usize,
        not_ready: usize,
    },
    /// What routing cannot be loaded for.
    ReloadFailed {
        cause: String,
        between: Vec<Name>,
    },
    ControllerSaidReloadFailed {
        count: u64,
        last: Option<DateTime<Utc>>,
    },
    /// A configured error page.
    ErrorPages {
        codes: String,
    },
    /// What the rule says and routing follows.
    RoutesTo {
        service: Name,
        path: String,
    },
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Fix {
    SetClass {
        ingress: Name,
        class: Option<String>,
    },
    CreateClass {
        class: String,
        controller: String,
    },
    MatchClass {
        ingress: Name,
        class: String,
    },
    WatchNamespace {
        namespace: String,
        controller: ObjectKey,
    },
    AllowAnnotation {
        key: String,
        ingress: Name,
        setting: String,
        config_map: Option<Name>,
    },
    MendAnnotation {
        key: String,
        ingress: Name,
    },
    AskHost {
        host: String,
    },
    Edit {
        ingress: Name,
        edit: Edit,
    },
    SeparateHost {
        ingress: Name,
        annotation: String,
    },
    Rewrite {
        ingress: Name,
        path: String,
    },
    UseCapture {
        ingress: Name,
        path: String,
        target: String,
    },
    CreateMain {
        host: String,
        path: String,
    },
    ServeAuth {
        ingress: Name,
        path: String,
        elsewhere: Option<(String, Name)>,
    },
    RemoveDuplicate {
        older: Name,
        younger: Name,
    },
    RestoreBackend {
        ingress: Name,
        service: Option<String>,
    },
    PointToService {
        ingress: Name,
        nearest: Option<Name>,
    },
    MakeReady {
        service: Name,
    },
    ResolveDuplicate {
        between: Vec<Name>,
    },
    AddRule {
        path: String,
        host: String,
        ingress: Option<Name>,
    },
    /// One that is gone.
    CreateIngress {
        ingress: Name,
        host: String,
    },
    /// What a controller has in force.
    Resync {
        controller: Option<ObjectKey>,
    },
    /// One that was refused.
    MendIngress {
        ingress: Name,
    },
    AskApplication {
        service: Option<Name>,
    },
    DropInterception {
        codes: String,
    },
    Nothing,
    /// What would decide.
    CloseGaps(Vec<Gap>),
    /// Ask again with this.
    Observe,
}

/// Why a verdict is excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// An upstream answered, so the request was routed.
    UpstreamAnswered(Option<Name>),
    /// The controller answered, so no application was asked.
    ControllerAnswered,
    /// The Ingress is adopted.
    Adopted(Name),
    /// The class list was read and the class is in it.
    ClassExists(String),
    /// A rule takes the host.
    HostServed(String),
    /// A rule takes the path.
    RuleTakesPath(Name),
    /// No annotation of the host's Ingresses asks for regular expressions.
    NoRegexOnHost,
    /// So many endpoints are ready.
    Ready(usize),
    /// No other Ingress has this host, path and type.
    NoDuplicate,
    /// No canary is involved.
    NoCanary,
    /// The configuration loads.
    Loads,
    /// It does answer 404.
    Answers404,
}

//! A diagnosis in words: the only place where verdicts become sentences.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::citation::CitationReport;
use super::object_ref::{NameRef, ObjectRef, namespace_of};
use super::route::{edit, refusal_words};
use super::text::Text;
use super::time::Time;
use crate::analysis::verdicts::{Because, Culprit, Diagnosis, Evidence, Fix, Judgement, Point};
use crate::model::citation::Citation;
use crate::model::object::Name;
use crate::model::verdict::Code;

/// The verdict.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct VerdictReport {
    /// The code; its meaning is in the resource `routecause://verdict/CODE`.
    pub code: &'static str,
    /// certain, likely or possible.
    pub confidence: &'static str,
    /// Who is to blame; null where no object is.
    pub culprit: Option<CulpritReport>,
    pub summary: String,
    /// When the 404s began, as far as seen.
    pub since: Option<Time>,
    pub fix: String,
    pub evidence: Vec<EvidenceReport>,
}

/// The object and field to blame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CulpritReport {
    pub kind: &'static str,
    pub namespace: Option<Text>,
    pub name: Text,
    pub field: Text,
}

/// One sentence and the thing it rests on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EvidenceReport {
    pub says: String,
    pub source: CitationReport,
}

/// Another explanation that the facts leave open.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AlternativeReport {
    pub code: &'static str,
    pub confidence: &'static str,
    pub culprit: Option<CulpritReport>,
    pub summary: String,
    pub because: String,
}

/// An explanation that the facts exclude.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RuledOutReport {
    pub code: &'static str,
    pub because: String,
}

/// How much evidence a verdict shows.
pub const MOST_EVIDENCE: usize = 8;

impl VerdictReport {
    /// The verdict of a diagnosis about `url`.
    #[must_use]
    pub fn new(judgement: &Judgement, url: &str, status: Option<u16>) -> Self {
        let Judgement { code, confidence, culprit, since, evidence, fix } = judgement;
        Self {
            code: code.as_str(),
            confidence: confidence.as_str(),
            culprit: culprit.as_ref().map(CulpritReport::from),
            summary: summary(judgement, url, status),
            since: since.map(Time),
            fix: fix_words(fix),
            evidence: evidence.iter().take(MOST_EVIDENCE).map(EvidenceReport::from).collect(),
        }
    }
}

impl AlternativeReport {
    #[must_use]
    pub fn new(judgement: &Judgement, url: &str, status: Option<u16>) -> Self {
        Self {
            code: judgement.code.as_str(),
            confidence: judgement.confidence.as_str(),
            culprit: judgement.culprit.as_ref().map(CulpritReport::from),
            summary: summary(judgement, url, status),
            because: judgement.evidence.first().map(|first| says(&first.point)).unwrap_or_default(),
        }
    }
}

/// What was ruled out, in words; the most telling first.
#[must_use]
pub fn ruled_out(diagnosis: &Diagnosis) -> Vec<RuledOutReport> {
    diagnosis
        .ruled_out
        .iter()
        .map(|(code, because)| RuledOutReport { code: code.as_str(), because: because_words(because) })
        .collect()
}

impl From<&Culprit> for CulpritReport {
    fn from(culprit: &Culprit) -> Self {
        Self {
            kind: culprit.key.kind.as_str(),
            namespace: namespace_of(&culprit.key.name.namespace),
            name: Text::new(&culprit.key.name.name),
            field: Text::path(&culprit.field),
        }
    }
}

impl std::fmt::Display for CulpritReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        write!(f, "{}", self.name)?;
        if self.field.is_empty() { Ok(()) } else { write!(f, " {}", self.field) }
    }
}

impl From<&Evidence> for EvidenceReport {
    fn from(evidence: &Evidence) -> Self {
        Self { says: sentence(evidence), source: CitationReport::from(&evidence.source) }
    }
}

/// The sentence of a piece of evidence, with the object it is about where the point does not name it.
fn sentence(evidence: &Evidence) -> String {
    match (&evidence.point, &evidence.source) {
        (Point::NoClassSet, Citation::Object { key, field, .. }) => {
            format!("{} sets no {}", ObjectRef::from(key), Text::path(field))
        }
        (point, _) => says(point),
    }
}

fn time(at: &DateTime<Utc>) -> String {
    Time(*at).to_string()
}

fn span(count: u64, first: Option<&DateTime<Utc>>, last: Option<&DateTime<Utc>>) -> String {
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    match (first, last) {
        (Some(first), Some(last)) if first != last => {
            format!("{times} from {} to {}", time(first), time(last))
        }
        (Some(at), _) | (None, Some(at)) => format!("{times}, at {}", time(at)),
        (None, None) => times,
    }
}

fn name(name: &Name) -> NameRef {
    NameRef::from(name)
}

fn service(service: Option<&Name>, upstream: &str) -> String {
    match (service, upstream) {
        (Some(service), _) => format!("Service {}", name(service)),
        (None, "") => "an application".to_owned(),
        (None, upstream) => format!("upstream {}", Text::new(upstream)),
    }
}

fn q(text: &str) -> String {
    format!("\"{}\"", Text::new(text))
}

/// A point in words.
#[must_use]
pub fn says(point: &Point) -> String {
    match point {
        Point::NoClassSet => "no class is set".to_owned(),
        Point::NoDefaultClass { classes } => {
            format!("of {classes} IngressClass(es) none is the default one")
        }
        Point::ClassAbsent { class } => format!("there is no IngressClass {}", q(class)),
        Point::ClassOfOther { class, theirs, ours } => match theirs {
            Some(theirs) => {
                format!(
                    "class {} belongs to controller {}, the running one is {}",
                    q(class),
                    q(theirs),
                    q(ours)
                )
            }
            None => format!("the running controller takes classes of {} only", q(ours)),
        },
        Point::AnnotationDiffers { value, expected } => {
            format!("the class annotation is {} and the controller expects {}", q(value), q(expected))
        }
        Point::WatchesOnly { watched } => format!("the controller watches only {}", q(watched)),
        Point::ControllerSaidIgnored { count } => {
            format!("the controller wrote {count} time(s) that it ignores it")
        }
        Point::NoAddress => "no controller has written an address to its status".to_owned(),
        Point::AnnotationRefused { key: _, refusal } => refusal_words(refusal),
        Point::SettingUnset { key, default } => {
            format!("the controller's ConfigMap does not set {}, so {} holds", Text::new(key), q(default))
        }
        Point::SettingIs { key, value } => {
            format!("the controller's ConfigMap sets {} to {}", Text::new(key), q(value))
        }
        Point::ControllerSaidAnnotation { count } => {
            format!("the controller wrote {count} time(s) that it refuses an annotation")
        }
        Point::ControllerChanged { at } => {
            format!("the controller was changed at {}, before the 404s", time(at))
        }
        Point::IngressUnchanged { generation, written } => match written {
            Some(at) => {
                format!("the Ingress itself is unchanged since {} (generation {generation})", time(at))
            }
            None => format!("the Ingress is at generation {generation}"),
        },
        Point::ControllerAnswered { count, first, last } => format!(
            "the controller's default backend answered 404 {}: no rule matched",
            span(*count, first.as_ref(), last.as_ref())
        ),
        Point::UpstreamAnswered { service: by, upstream, status, count, first, last } => format!(
            "{} answered {status} {}",
            service(by.as_ref(), upstream),
            span(*count, first.as_ref(), last.as_ref())
        ),
        Point::WorkedBefore { service: by, status, last } => format!(
            "before, {} answered {status}{}",
            service(by.as_ref(), ""),
            last.as_ref().map(|at| format!(", last at {}", time(at))).unwrap_or_default()
        ),
        Point::HostOfRule { host } => format!("no rule has the asked host; the nearest host is {}", q(host)),
        Point::RuleDiffers { path, path_type } => {
            format!(
                "the rule's path is {}{}",
                q(path),
                path_type.map(|kind| format!(" ({kind})")).unwrap_or_default()
            )
        }
        Point::PatternOnPlainHost { path } => {
            format!("path {} is a pattern, and nothing puts this host into regex mode", q(path))
        }
        Point::Probed { url, status, from } => {
            let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
            format!("a probe from {} of {} got {status}", Text::new(from), Text::new(url))
        }
        Point::RegexForcedBy { key, value } => {
            format!("{} = {} puts every path of the host into regex mode", Text::new(key), q(value))
        }
        Point::WinnerRendered { rendered, path } => {
            format!("the request is taken by path {}, rendered {}", q(path), Text::new(rendered))
        }
        Point::WouldWin { ingress, path, service: of } => format!(
            "without it, path {} of Ingress {} would take it{}",
            q(path),
            name(ingress),
            of.as_ref().map(|of| format!(" to Service {}", name(of))).unwrap_or_default()
        ),
        Point::Created { at } => format!("it was created at {}", time(at)),
        Point::Changed { at } => format!("this was changed at {}", time(at)),
        Point::NoRewrite => "no annotation rewrites the path".to_owned(),
        Point::RewriteTo { target, upstream_path } => {
            format!("the rewrite to {} makes the application receive {}", q(target), q(upstream_path))
        }
        Point::CanaryAlone { host, path } => {
            format!("a canary for {} {} and no other Ingress with that host and path", q(host), q(path))
        }
        Point::ControllerSaidCanary { count } => {
            format!("the controller wrote {count} time(s) that the canary has nothing to be merged into")
        }
        Point::AuthAddress { key, url } => {
            format!("{} leads to {}, and no rule takes that", Text::new(key), Text::new(url))
        }
        Point::AuthFailed { count } => {
            format!("the proxy wrote {count} time(s) that the auth request got an unexpected status")
        }
        Point::ServedElsewhere { host, path, service: of } => format!(
            "that path is served under host {} (path {}{})",
            q(host),
            q(path),
            of.as_ref().map(|of| format!(", Service {}", name(of))).unwrap_or_default()
        ),
        Point::OlderDuplicate { older, created } => format!(
            "Ingress {} has the same host, path and type and is older{}",
            name(older),
            created.as_ref().map(|at| format!(" (created {})", time(at))).unwrap_or_default()
        ),
        Point::ServiceAbsent { service, nearest } => match nearest.first() {
            Some(near) => format!("there is no Service {}; nearest: {}", name(service), name(near)),
            None => format!("there is no Service {}", name(service)),
        },
        Point::PortAbsent { service, port } => format!("Service {} has no port {}", name(service), q(port)),
        Point::Endpoints { ready, not_ready } => format!("{ready} endpoint(s) ready, {not_ready} not ready"),
        Point::ReloadFailed { cause, between: _ } => {
            format!("the proxy refuses the configuration: {}", Text::new(cause))
        }
        Point::ControllerSaidReloadFailed { count, last } => format!(
            "the controller failed to reload {count} time(s){}",
            last.as_ref().map(|at| format!(", last at {}", time(at))).unwrap_or_default()
        ),
        Point::ErrorPages { codes } => format!("answers with {} are replaced by an error page", q(codes)),
        Point::RoutesTo { service, path } => {
            if service.name.is_empty() {
                format!("the rule for path {} takes the request", q(path))
            } else {
                format!("the rule for path {} sends it to Service {}", q(path), name(service))
            }
        }
    }
}

fn fix_words(fix: &Fix) -> String {
    match fix {
        Fix::SetClass { ingress, class } => match class {
            Some(class) => {
                format!("set spec.ingressClassName: {} on Ingress {}", Text::new(class), name(ingress))
            }
            None => format!("set spec.ingressClassName on Ingress {}", name(ingress)),
        },
        Fix::CreateClass { class, controller } => {
            format!("create IngressClass {} with spec.controller {}", Text::new(class), Text::new(controller))
        }
        Fix::MatchClass { ingress, class } => {
            format!(
                "give Ingress {} the class of the running controller ({})",
                name(ingress),
                Text::new(class)
            )
        }
        Fix::WatchNamespace { namespace, controller } => format!(
            "let {} watch namespace {}, or move the Ingress",
            ObjectRef::from(controller),
            Text::new(namespace)
        ),
        Fix::AllowAnnotation { key, ingress, setting, config_map } => format!(
            "remove {} from Ingress {}, or set {} in ConfigMap {}",
            Text::new(key),
            name(ingress),
            Text::new(setting),
            config_map.as_ref().map_or_else(|| "of the controller".to_owned(), |map| name(map).to_string())
        ),
        Fix::MendAnnotation { key, ingress } => {
            format!("mend or remove {} on Ingress {}", Text::new(key), name(ingress))
        }
        Fix::AskHost { host } => {
            format!("ask for host {}, or add a rule for the asked host", Text::new(host))
        }
        Fix::Edit { ingress, edit: of } => format!("on Ingress {}: {}", name(ingress), edit(of)),
        Fix::SeparateHost { ingress, annotation } => format!(
            "give Ingress {} a host of its own, or remove {} from it",
            name(ingress),
            Text::new(annotation)
        ),
        Fix::Rewrite { ingress, path } => format!(
            "let Ingress {} strip {} (a capture group and rewrite-target on a host of its own), or give the application that base path",
            name(ingress),
            q(path)
        ),
        Fix::UseCapture { ingress, path, target } => format!(
            "on Ingress {}: capture what follows {} and use it in the rewrite target {}",
            name(ingress),
            q(path),
            q(target)
        ),
        Fix::CreateMain { host, path } => format!(
            "create an Ingress without the canary annotations for host {} path {}, or remove them from this one",
            q(host),
            q(path)
        ),
        Fix::ServeAuth { ingress, path, elsewhere } => match elsewhere {
            Some((host, other)) => format!(
                "let auth-url and auth-signin of Ingress {} name host {} (Ingress {}), or serve {} on its own host",
                name(ingress),
                Text::new(host),
                name(other),
                q(path)
            ),
            None => format!("serve {} on the host of Ingress {}", q(path), name(ingress)),
        },
        Fix::RemoveDuplicate { older, younger } => format!(
            "remove the rule from Ingress {} if {} is to serve it, or the other way round",
            name(older),
            name(younger)
        ),
        Fix::RestoreBackend { ingress, service } => match service {
            Some(service) => {
                format!("set the backend of Ingress {} back to {}", name(ingress), Text::new(service))
            }
            None => format!("set the backend of Ingress {} back", name(ingress)),
        },
        Fix::PointToService { ingress, nearest } => match nearest {
            Some(near) => format!(
                "let Ingress {} name a Service and port that exist (nearest: {})",
                name(ingress),
                name(near)
            ),
            None => format!("let Ingress {} name a Service and port that exist", name(ingress)),
        },
        Fix::MakeReady { service } => format!("make the pods behind Service {} ready", name(service)),
        Fix::ResolveDuplicate { between } => {
            let names: Vec<String> = between.iter().map(|of| name(of).to_string()).collect();
            if names.is_empty() {
                "mend what the proxy refuses; nothing newer is in force until then".to_owned()
            } else {
                format!("remove one of the paths that collide ({})", names.join(", "))
            }
        }
        Fix::AddRule { path, host, ingress } => match ingress {
            Some(ingress) => format!("add a rule for {} to Ingress {}", q(path), name(ingress)),
            None => format!("add a rule for {} on host {}", q(path), q(host)),
        },
        Fix::AskApplication { service } => format!(
            "routing is right: look at the routes of the application{}",
            service.as_ref().map(|of| format!(" behind Service {}", name(of))).unwrap_or_default()
        ),
        Fix::DropInterception { codes } => {
            format!("take {} out of custom-http-errors to see the application's own answer", q(codes))
        }
        Fix::Nothing => "nothing to do".to_owned(),
        Fix::CloseGaps(gaps) => {
            if gaps.is_empty() {
                "send the request once with exec_probe, or wait for one in the controller's log".to_owned()
            } else {
                "close the gaps below and ask again".to_owned()
            }
        }
        Fix::Observe => "this is not a 404: see the alternatives for its cause".to_owned(),
    }
}

fn because_words(because: &Because) -> String {
    match because {
        Because::UpstreamAnswered(service) => match service {
            Some(service) => format!("Service {} answered, so the request was routed", name(service)),
            None => "an upstream answered, so the request was routed".to_owned(),
        },
        Because::ControllerAnswered => "the controller answered, no application was asked".to_owned(),
        Because::Adopted(ingress) => format!("Ingress {} is adopted and takes the request", name(ingress)),
        Because::ClassExists(class) => format!("class {} exists", q(class)),
        Because::HostServed(host) => format!("host {} is served", q(host)),
        Because::RuleTakesPath(ingress) => format!("a rule of Ingress {} takes the path", name(ingress)),
        Because::NoRegexOnHost => "no Ingress of the host asks for regular expressions".to_owned(),
        Because::Ready(ready) => format!("{ready} endpoint(s) are ready"),
        Because::NoDuplicate => "no other Ingress has this host, path and type".to_owned(),
        Because::NoCanary => "no canary is involved".to_owned(),
        Because::Loads => "the configuration loads".to_owned(),
        Because::Answers404 => "it does answer 404".to_owned(),
    }
}

/// One sentence with the numbers.
fn summary(judgement: &Judgement, url: &str, status: Option<u16>) -> String {
    let url = Text::new(url);
    let culprit = judgement.culprit.as_ref().map(|culprit| ObjectRef::from(&culprit.key).to_string());
    let who = culprit.unwrap_or_else(|| "the application".to_owned());
    let status = status.map_or_else(|| "404".to_owned(), |status| status.to_string());
    match judgement.code {
        Code::ClassMissing => {
            format!("{url} is served by nobody: {who} has no class, so the controller ignores it")
        }
        Code::ClassNotFound => format!("{url} is served by nobody: the class of {who} does not exist"),
        Code::ClassControllerMismatch => {
            format!("{url} is served by nobody: the class of {who} belongs to another controller")
        }
        Code::ControllerCannotSee => {
            format!("{url} is served by nobody: {who} does not watch the Ingress's namespace")
        }
        Code::DroppedByAnnotationPolicy => format!(
            "{url} is served by nobody: an annotation makes the controller drop the whole Ingress; the policy is in {who}"
        ),
        Code::ConfigReloadBlocked => {
            format!("{url}: the proxy refuses the configuration because of {who}; nothing newer is in force")
        }
        Code::HostMismatch => {
            format!("{url}: no rule has this host; the application is served under the host of {who}")
        }
        Code::PathtypeMismatch => format!("{url}: the path type of {who} does not take this path"),
        Code::PathDialect => format!("{url}: the path of {who} is a pattern on a host without regex mode"),
        Code::HostwideRegex => {
            format!("{url}: {who} put the whole host into regex mode, and its requests now go elsewhere")
        }
        Code::NoRuleForPath => format!("{url}: the host is served, no rule takes this path"),
        Code::PrefixNotStripped => {
            format!("{url}: the application receives the prefix of {who} and does not know it")
        }
        Code::RewriteWrong => {
            format!("{url}: the rewrite of {who} sends the application a path it does not have")
        }
        Code::AppRouteMissing => {
            format!("{url} is routed as written, and the application itself answers {status}")
        }
        Code::DuplicateHostPath => {
            format!("{url}: two Ingresses have this host and path; the older one, {who}, wins")
        }
        Code::CanaryConflict => format!("{url}: {who} is a canary of nothing, so nobody serves it"),
        Code::ServiceRefInvalid => format!("{url}: {who} names a Service or port that does not exist"),
        Code::NoReadyEndpoints => format!("{url}: nothing behind {who} is ready"),
        Code::WrongBackend => format!("{url}: {who} was edited and now sends it to another Service"),
        Code::ErrorIntercepted => format!("{url}: an error page replaces what the application answers"),
        Code::AuthSubrequest => format!("{url}: the auth address of {who} is served by nobody on that host"),
        Code::Healthy => format!("{url} answers and has no run of 404s"),
        Code::NotA404 => format!("{url} answers {status}, not 404"),
        Code::InsufficientEvidence => format!("what was seen does not decide why {url} answers {status}"),
        Code::IngressAbsentRejected
        | Code::EntrypointMismatch
        | Code::WrongEntryAddress
        | Code::HostPrecedence
        | Code::SniHostMismatch
        | Code::AssetsOutsidePrefix
        | Code::AppBasePath
        | Code::AnnotationForeign
        | Code::RouteDependencyMissing
        | Code::HostCollision
        | Code::MultiController
        | Code::PassthroughSwallowsPaths
        | Code::SolverConflict
        | Code::SelectorTooBroad
        | Code::UpstreamHostHeader
        | Code::UpstreamMeshRoute
        | Code::NotProgrammedYet
        | Code::SyncRace => format!("{url}: {} at {who}", judgement.code),
    }
}

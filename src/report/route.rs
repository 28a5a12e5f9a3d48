//! Routing decisions for the wire, and the words for why candidates lost.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::object_ref::NameRef;
use super::text::Text;
use crate::analysis::routing::{
    Basis, Decision, Edit, Eliminated, Explanation, Nearest, Note, Outcome, Reason, Target, Winner,
};
use crate::model::controller::ControllerKind;
use crate::model::ingress::{PathType, Place};
use crate::model::object::Kind;

mod detached;
mod reference;
mod refusal;
mod unmet;

use detached::detached_words;
pub use reference::RouteRef;
pub use refusal::refusal_words;

/// What a controller does with the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DecisionReport {
    pub controller: &'static str,
    /// How far to trust it: exact, modelled or spec_only.
    pub basis: &'static str,
    /// routed, redirect, no_route, refused, unavailable or undefined.
    pub outcome: &'static str,
    /// The status the client sees, where the proxy itself answers.
    pub status: Option<u16>,
    pub winner: Option<WinnerReport>,
    /// What an undetermined choice may fall on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<BackendReport>,
    /// As the controller sends it.
    pub location: Option<Text>,
    /// As the upstream receives it, without the query.
    pub upstream_path: Option<Text>,
    /// What decided besides the rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Candidates that lost, nearest first.
    pub eliminated: Vec<EliminatedReport>,
    /// The smallest edits after which another rule would take it.
    pub nearest: Vec<NearestReport>,
}

/// Says of kinds that the cluster does not have them; `None` when it has all.
#[must_use]
pub fn not_installed(kinds: &BTreeSet<Kind>) -> Option<String> {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    (!names.is_empty()).then(|| format!("{} {verb} not installed in this cluster", names.join(", ")))
}

/// The rule that takes the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WinnerReport {
    #[serde(flatten)]
    pub route: RouteRef,
    pub rule: RuleReport,
    pub backend: Option<BackendReport>,
    /// How the controller renders the rule.
    pub rendered: Text,
}

/// A rule as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleReport {
    pub host: Text,
    pub path: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_type: Option<&'static str>,
}

/// A Service port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BackendReport {
    pub namespace: Text,
    pub service: Text,
    /// Number or name, as the rule has it.
    pub port: Text,
}

/// A candidate that lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EliminatedReport {
    #[serde(flatten)]
    pub route: RouteRef,
    pub rule: RuleReport,
    pub code: &'static str,
    pub because: String,
}

/// A near miss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NearestReport {
    #[serde(flatten)]
    pub route: RouteRef,
    /// The field to edit.
    pub field: String,
    pub edit: String,
}

impl DecisionReport {
    #[must_use]
    pub fn new(
        controller: ControllerKind,
        basis: Basis,
        decision: &Decision,
        explanation: &Explanation,
    ) -> Self {
        let Decision { outcome, status, winner, one_of, location, upstream_path, default_backend: _, notes } =
            decision;
        Self {
            controller: controller.slug(),
            basis: basis_word(basis),
            outcome: outcome_word(*outcome),
            status: *status,
            winner: winner.as_ref().map(WinnerReport::from),
            one_of: one_of.iter().map(BackendReport::from).collect(),
            location: location.as_deref().map(Text::from),
            upstream_path: upstream_path.as_deref().map(Text::from),
            notes: notes.iter().map(note).collect(),
            eliminated: explanation.eliminated.iter().map(EliminatedReport::from).collect(),
            nearest: explanation.nearest.iter().map(NearestReport::from).collect(),
        }
    }
}

/// The word for an outcome.
#[must_use]
pub const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Routed => "routed",
        Outcome::Redirect => "redirect",
        Outcome::NoRoute => "no_route",
        Outcome::Refused => "refused",
        Outcome::Unavailable => "unavailable",
        Outcome::Undefined => "undefined",
    }
}

/// The word for a basis.
#[must_use]
pub const fn basis_word(basis: Basis) -> &'static str {
    match basis {
        Basis::Exact => "exact",
        Basis::Modelled => "modelled",
        Basis::SpecOnly => "spec_only",
    }
}

impl From<&Winner> for WinnerReport {
    fn from(winner: &Winner) -> Self {
        let Winner { ingress, place, host, path, path_type, backend, rendered } = winner;
        Self {
            route: RouteRef::new(ingress, *place),
            rule: RuleReport {
                host: Text::new(host),
                path: Text::new(path),
                path_type: path_type.map(|path_type| path_type_word(path_type, *place)),
            },
            backend: backend.as_ref().map(BackendReport::from),
            rendered: Text::new(rendered),
        }
    }
}

impl From<&Target> for BackendReport {
    fn from(target: &Target) -> Self {
        Self {
            namespace: Text::new(&target.service.namespace),
            service: Text::new(&target.service.name),
            port: Text::new(&target.port.to_string()),
        }
    }
}

impl From<&Eliminated> for EliminatedReport {
    fn from(lost: &Eliminated) -> Self {
        let Eliminated { ingress, place, host, path, path_type, reason } = lost;
        let (code, because) = reason_words(reason, place.kind());
        Self {
            route: RouteRef::new(ingress, *place),
            rule: RuleReport {
                host: Text::new(host),
                path: Text::new(path),
                path_type: path_type.map(|path_type| path_type_word(path_type, *place)),
            },
            code,
            because,
        }
    }
}

impl From<&Nearest> for NearestReport {
    fn from(near: &Nearest) -> Self {
        Self {
            route: RouteRef::new(&near.ingress, near.place),
            field: edit_field(near),
            edit: match &near.edit {
                Edit::SetPathType { from, to } => {
                    let [from, to] = [*from, *to].map(|path_type| path_type_word(path_type, near.place));
                    format!("set the path's type from {from} to {to}")
                }
                other => edit(other),
            },
        }
    }
}

/// A path type as the object's kind spells it.
const fn path_type_word(path_type: PathType, place: Place) -> &'static str {
    match (place.kind(), path_type) {
        (Kind::HttpRoute, PathType::Prefix) => "PathPrefix",
        (Kind::HttpRoute, PathType::ImplementationSpecific) => "RegularExpression",
        (_, path_type) => path_type.as_str(),
    }
}

fn edit_field(near: &Nearest) -> String {
    let is_route = near.place.kind() == Kind::HttpRoute;
    match &near.edit {
        Edit::SetHost { .. } | Edit::AskHost { .. } if is_route => "spec.hostnames".to_owned(),
        Edit::SetHost { .. } | Edit::AskHost { .. } => {
            let rule = match near.place {
                Place::Path(rule, _) => Place::Rule(rule),
                other => other,
            };
            rule.field("host")
        }
        Edit::SetPathType { .. } => near.place.field(if is_route { "path.type" } else { "pathType" }),
        Edit::SetPath { .. } => near.place.field(if is_route { "path.value" } else { "path" }),
        Edit::Meet(unmet) => near.place.field(unmet::field(unmet)),
        Edit::AddPath { .. } => "spec.rules".to_owned(),
        Edit::SetClass { .. } => "spec.ingressClassName".to_owned(),
        Edit::RemoveAnnotation { key } | Edit::SetAnnotation { key, .. } => {
            Text::path(&crate::model::object::annotation_field(key)).to_string()
        }
    }
}

/// An edit in words.
#[must_use]
pub fn edit(edit: &Edit) -> String {
    match edit {
        Edit::SetHost { from, to } => format!("set the rule's host from {} to {}", quoted(from), quoted(to)),
        Edit::SetPathType { from, to } => format!("set pathType from {} to {}", from.as_str(), to.as_str()),
        Edit::SetPath { from, to } => format!("set the path from {} to {}", quoted(from), quoted(to)),
        Edit::AddPath { path, path_type } => {
            format!("add a rule for path {} ({})", quoted(path), path_type.as_str())
        }
        Edit::SetClass { class } => format!("set the class to {}", quoted(class)),
        Edit::RemoveAnnotation { key } => format!("remove the annotation {}", Text::new(key)),
        Edit::SetAnnotation { key, value } => {
            format!("set the annotation {} to {}", Text::new(key), quoted(value))
        }
        Edit::AskHost { host } => format!("ask for host {} instead", Text::new(host)),
        Edit::Meet(unmet) => unmet::edit(unmet),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", Text::new(text))
}

/// A note in words.
#[must_use]
pub fn note(note: &Note) -> String {
    match note {
        Note::RegexHost { because_of, annotation } => {
            format!(
                "all paths of this host are regular expressions because Ingress {} sets {}",
                NameRef::from(because_of),
                Text::new(annotation)
            )
        }
        Note::Normalised { to } => format!("matched in normalised form {}", quoted(to)),
        Note::Server { name } => format!("server {}", Text::new(name)),
        Note::Annotation { ingress, key } => {
            format!("annotation {} of Ingress {} decided", Text::new(key), NameRef::from(ingress))
        }
        Note::Config { key } => format!("the controller's ConfigMap key {} decided", Text::new(key)),
        Note::Canary { ingress } => format!("canary Ingress {} has a part in it", NameRef::from(ingress)),
        Note::ServiceMissing(service) => format!("Service {} does not exist", NameRef::from(service)),
        Note::PortMissing { service, port } => {
            format!("Service {} has no port {}", NameRef::from(service), quoted(&port.to_string()))
        }
        Note::NoReadyEndpoints(service) => {
            format!("nothing behind Service {} is ready", NameRef::from(service))
        }
        Note::BackendUnseen(service) => {
            format!("whether anything behind Service {} is ready could not be seen", NameRef::from(service))
        }
        Note::SettingsUnseen => "the controller's settings were not seen: defaults are assumed".to_owned(),
        Note::AdoptionUnseen { ingress } => format!("whether {} is taken is unseen", NameRef::from(ingress)),
        Note::PatternInvalid { pattern } => format!("{} is no valid pattern", quoted(pattern)),
        Note::PatternUndecided { pattern } => format!("pattern {} could not be evaluated", quoted(pattern)),
        Note::ReloadFails => {
            "the proxy refuses this configuration: the previous one stays in force".to_owned()
        }
        Note::SecretUnseen(secret) => {
            format!("whether Secret {} exists decides, and Secrets are never read", NameRef::from(secret))
        }
        Note::NoListener { port } => format!("nothing listens on port {port}"),
        Note::HandshakeRejected => {
            "there is no certificate for this host: the TLS handshake is rejected".to_owned()
        }
        Note::ExternalNameBarred(service) => {
            format!(
                "Service {} is an ExternalName, which this controller may not use",
                NameRef::from(service)
            )
        }
        Note::Argument { flag } => format!("the controller's argument --{} decided", Text::new(flag)),
        Note::ConditionUndecided { ingress, condition } => format!(
            "whether the condition {} of Ingress {} holds cannot be told from the request",
            quoted(condition),
            NameRef::from(ingress)
        ),
        Note::MiddlewareMissing { name } => format!("middleware {} does not exist", quoted(name)),
        Note::MiddlewareUnseen { name } => {
            format!("middleware {} could not be seen: it may change or answer the request", quoted(name))
        }
        Note::RuleInvalid { rule } => format!("the controller refuses the rule {}", quoted(rule)),
        Note::NoServiceBackend => "its backend is no Service".to_owned(),
        Note::ServiceAnnotation { service, key } => {
            format!("annotation {} of Service {} decided", Text::new(key), NameRef::from(service))
        }
        Note::AuthSubrequest { ingress, url } => {
            format!("Ingress {} asks {} before every request", NameRef::from(ingress), Text::new(url))
        }
        Note::Listener { gateway, listener } => {
            format!("it comes in by listener {} of Gateway {}", Text::new(listener), NameRef::from(gateway))
        }
        Note::NotGranted { service, from } => format!(
            "no ReferenceGrant lets HTTPRoutes of namespace {} refer to Service {}",
            Text::new(from),
            NameRef::from(service)
        ),
        Note::ForeignBackend { kind, name } => {
            format!("the backend {} {} is no Service", Text::new(kind), NameRef::from(name))
        }
        Note::NoBackend => "the rule names no backend that a request could go to".to_owned(),
        Note::FilterFails { filter } => {
            format!(
                "the rule's filter {} cannot be carried out, so its requests get an error",
                Text::new(filter)
            )
        }
        Note::FilterUnknown { filter } => {
            format!("what the rule's filter {} does to the request is not known", Text::new(filter))
        }
        Note::LeftOpen { to } => {
            format!("the API leaves this to the implementation: the answer is that of {to}")
        }
        Note::OrAnswered { outcome, status, location } => {
            let mut words = format!("or it is {}", outcome_word(*outcome));
            words.extend(status.map(|status| format!(" {status}")));
            words.extend(location.as_ref().map(|location| format!(", Location {}", Text::new(location))));
            words
        }
        Note::SomeBackendsFail => {
            "of the weighted backends some cannot answer: part of the requests gets an error".to_owned()
        }
    }
}

fn reason_words(reason: &Reason, kind: Kind) -> (&'static str, String) {
    match reason {
        Reason::HostDiffers => ("host_differs", "its host does not take the request's".to_owned()),
        Reason::OtherServer { chosen } => (
            "other_server",
            format!("the host is served by {}, and there is no second chance", quoted(chosen)),
        ),
        Reason::PathDiffers => ("path_differs", "its path does not take the request's".to_owned()),
        Reason::LessSpecific { than, than_path } => (
            "less_specific",
            format!("{} of {kind} {} is tried first", quoted(than_path), NameRef::from(than)),
        ),
        Reason::OlderWins { older } => (
            "older_wins",
            format!("{kind} {} has the same host, path and type and is older", NameRef::from(older)),
        ),
        Reason::HostTaken { by } => {
            ("host_taken", format!("the whole host belongs to Ingress {}, which is older", NameRef::from(by)))
        }
        Reason::NotLoaded(refusal) => ("not_loaded", refusal_words(refusal)),
        Reason::CanaryOnly => ("canary_only", "a canary is only an alternative of another rule".to_owned()),
        Reason::ResourceBackend => ("resource_backend", "resource backends are not served".to_owned()),
        Reason::ConditionDiffers { field } => {
            ("condition_differs", format!("its condition on {field} does not hold"))
        }
        Reason::PatternDiffers { pattern } => {
            ("pattern_differs", format!("the pattern {} does not match", quoted(pattern)))
        }
        Reason::LeftOut(why) => ("left_out", format!("{}, so the rule is left out", note(why))),
        Reason::Duplicate { of } => (
            "duplicate",
            format!("a rule of Ingress {} has the same host, path and type and is used", NameRef::from(of)),
        ),
        Reason::Unmet(unmet) => unmet::words(unmet),
        Reason::Detached(detached) => ("not_attached", detached_words(detached)),
        Reason::OtherEntryPoint { asked, tls } => (
            "other_entry_point",
            format!(
                "it does not serve {} requests at entry point {}",
                if *tls { "TLS" } else { "plain HTTP" },
                quoted(asked)
            ),
        ),
    }
}

impl fmt::Display for BackendReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.namespace, self.service, self.port)
    }
}

impl fmt::Display for RuleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.is_empty() { "*" } else { self.host.as_str() };
        write!(f, "{host} {}", self.path)?;
        match self.path_type {
            Some(kind) => write!(f, " ({kind})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for DecisionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.controller, self.basis, self.outcome)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        if let Some(winner) = &self.winner {
            write!(f, ", {} rule {}", winner.route, winner.rule)?;
            if let Some(backend) = &winner.backend {
                write!(f, " → {backend}")?;
            }
            if !winner.rendered.is_empty() {
                write!(f, ", rendered {}", winner.rendered)?;
            }
        }
        if let Some(location) = &self.location {
            write!(f, ", Location {location}")?;
        }
        if let Some(path) = &self.upstream_path {
            write!(f, ", upstream receives {path}")?;
        }
        if !self.one_of.is_empty() {
            let set: Vec<String> = self.one_of.iter().map(ToString::to_string).collect();
            write!(f, ", one of {}", set.join(" or "))?;
        }
        for note in &self.notes {
            write!(f, "\n  · {note}")?;
        }
        for lost in &self.eliminated {
            write!(f, "\n  lost: {} {}: {}", lost.route, lost.rule, lost.because)?;
        }
        for near in &self.nearest {
            write!(f, "\n  nearest: {} {}: {}", near.route, near.field, near.edit)?;
        }
        Ok(())
    }
}

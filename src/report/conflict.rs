//! Conflicts for the wire and in words: what a rule is about, what requests see, and what would end it.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::object_ref::{NameRef, ObjectRef};
use super::route::{BackendReport, basis_word};
use super::text::Text;
use crate::analysis::conflict::{Conflict, Effect, Fix, Part};
use crate::analysis::routing::Basis;

mod because;
mod title;

/// One conflict.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ConflictReport {
    /// The rule that found it.
    pub rule: String,
    /// critical, high, medium or low.
    pub severity: &'static str,
    pub title: String,
    /// The facts, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Text>,
    /// The objects and fields that make it, the one to change first.
    pub objects: Vec<PartReport>,
    /// Whose rule stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<ObjectRef>,
    /// What requests see.
    pub sees: String,
    /// A URL that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Text>,
    pub fix: String,
}

/// A field of an object.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PartReport {
    pub object: ObjectRef,
    pub field: Text,
}

impl From<&Conflict> for ConflictReport {
    fn from(conflict: &Conflict) -> Self {
        Self {
            rule: conflict.rule.to_owned(),
            severity: conflict.severity.as_str(),
            title: title::title(conflict.rule),
            because: Some(because::because(&conflict.facts)).filter(|because| !because.is_empty()),
            host: conflict.host.as_deref().map(Text::from),
            objects: conflict.objects.iter().map(PartReport::from).collect(),
            winner: conflict.winner.as_ref().map(ObjectRef::from),
            sees: sees(conflict),
            example: conflict.sees.url.as_deref().map(Text::from),
            fix: fix(&conflict.fix),
        }
    }
}

impl From<&Part> for PartReport {
    fn from(part: &Part) -> Self {
        Self { object: ObjectRef::from(&part.key), field: Text::path(&part.field) }
    }
}

/// What requests see, and how far that can be trusted where it is not certain.
fn sees(conflict: &Conflict) -> String {
    let effect = &conflict.sees.effect;
    let words = self::effect(effect);
    let is_of_the_model = !matches!(
        effect,
        Effect::LaterObjects
            | Effect::NeverArrive
            | Effect::SeveralControllers
            | Effect::Scattered
            | Effect::OwnAnswer
    );
    match conflict.basis {
        Basis::Modelled | Basis::SpecOnly if is_of_the_model => {
            format!("{words} ({})", basis_word(conflict.basis))
        }
        Basis::Exact | Basis::Modelled | Basis::SpecOnly => words,
    }
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::ServedBy { ingress, backend } => match backend {
            Some(backend) => {
                format!(
                    "they are served by Ingress {} → {}",
                    NameRef::from(ingress),
                    BackendReport::from(backend)
                )
            }
            None => format!("they are served by Ingress {}", NameRef::from(ingress)),
        },
        Effect::Status(status) => format!("the controller answers {status}"),
        Effect::OneOf(set) => {
            let set: Vec<String> = set.iter().map(ToString::to_string).collect();
            format!("the controller answers {}", set.join(" or "))
        }
        Effect::OwnAnswer => "the controller answers itself".to_owned(),
        Effect::Redirect { status, to } => format!("they are redirected ({status}) to {}", Text::new(to)),
        Effect::NotLoaded => "the Ingress is not loaded: another rule takes them, or nobody does".to_owned(),
        Effect::Scattered => {
            "some connections come to a controller that does not have the rule, and get its own 404"
                .to_owned()
        }
        Effect::SeveralControllers => "which controller answers depends on the address".to_owned(),
        Effect::AnyOf(targets) => {
            let all: Vec<String> =
                targets.iter().map(|target| BackendReport::from(target).to_string()).collect();
            format!("one of {} answers, and which one may change", all.join(", "))
        }
        Effect::GroupFrozen => {
            "no newer configuration is in force for the Ingresses of this load balancer".to_owned()
        }
        Effect::Frozen => "no newer configuration is in force, for any host".to_owned(),
        Effect::UpstreamPath(path) => format!("the upstream receives {}", Text::new(path)),
        Effect::Split { to } => format!("some of them go to {}", BackendReport::from(to)),
        Effect::Annotations(keys) => {
            let keys: Vec<String> = keys.iter().map(|key| Text::new(key).to_string()).collect();
            format!("they meet another Ingress's annotations: {}", keys.join(", "))
        }
        Effect::PassedThrough { ingress } => {
            format!(
                "they are passed through to Ingress {} undecrypted; no path is asked",
                NameRef::from(ingress)
            )
        }
        Effect::WithoutEffect => "nothing of it: it has no effect here".to_owned(),
        Effect::NotListening => "nothing listens there: the connection is refused".to_owned(),
        Effect::NoTls => "no TLS for this host: the connection is closed".to_owned(),
        Effect::NeverArrive => {
            "those that follow the published address do not come to this controller".to_owned()
        }
        Effect::DefaultCertificate => "the default certificate, or no TLS".to_owned(),
        Effect::LaterObjects => "nothing yet: it decides what is made of later objects".to_owned(),
    }
}

fn part(part: &Part) -> String {
    let object = ObjectRef::from(&part.key);
    if part.field.is_empty() { object.to_string() } else { format!("{object} {}", Text::path(&part.field)) }
}

fn parts(all: &[Part]) -> String {
    all.iter().map(part).collect::<Vec<_>>().join("; ")
}

fn any_host(host: &str) -> Text {
    Text::new(if host.is_empty() { "any host" } else { host })
}

fn fix(fix: &Fix) -> String {
    match fix {
        Fix::Set { part: at, value } => format!("set {} to \"{}\"", part(at), Text::new(value)),
        Fix::SetOneOf { part: at, values } => {
            let values: Vec<String> =
                values.iter().map(|value| format!("\"{}\"", Text::new(value))).collect();
            if values.is_empty() {
                format!("set {}", part(at))
            } else {
                format!("set {} to one of {}", part(at), values.join(", "))
            }
        }
        Fix::Remove { parts: all } => format!("remove {}", parts(all)),
        Fix::KeepOne { parts: all } => format!("keep one of: {}", parts(all)),
        Fix::OwnHost { ingress } => format!("give Ingress {} a host of its own", NameRef::from(ingress)),
        Fix::AddRule { ingress, host, path, path_type } => format!(
            "add a rule for {} {} ({path_type}) to Ingress {}",
            any_host(host),
            Text::new(path),
            NameRef::from(ingress)
        ),
        Fix::AddMain { host, path, path_type } => format!(
            "create an Ingress that is no canary, for {} {} ({path_type})",
            any_host(host),
            Text::new(path)
        ),
        Fix::AddMaster { host } => {
            format!("create an Ingress for {} with nginx.org/mergeable-ingress-type: master", any_host(host))
        }
        Fix::Create { key, controller } => match controller {
            Some(controller) => {
                format!("create {} for controller {}", ObjectRef::from(key), Text::new(controller))
            }
            None => format!("create {}", ObjectRef::from(key)),
        },
        Fix::OwnService { ingress } => {
            format!("give Ingress {} a Service of its own for the same pods", NameRef::from(ingress))
        }
        Fix::MakeReady { service } => {
            format!("make the pods behind Service {} ready", NameRef::from(service))
        }
        Fix::OwnClass { controllers } => {
            let all: Vec<String> = controllers.iter().map(|key| ObjectRef::from(key).to_string()).collect();
            format!("give each controller a class of its own: {}", all.join(", "))
        }
        Fix::LeadTo { addresses, service, setting } => {
            let all: Vec<String> = addresses.iter().map(|one| Text::new(one).to_string()).collect();
            format!(
                "lead the hosts to {} (Service {}); {} makes the controller publish it",
                all.join(", "),
                NameRef::from(service),
                Text::new(setting)
            )
        }
        Fix::Configure { setting, value } => {
            format!("set {} to \"{}\" for the controller", Text::new(setting), Text::new(value))
        }
    }
}

impl fmt::Display for ConflictReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.severity, self.title, self.rule)?;
        if let Some(host) = &self.host {
            write!(f, ", host {}", if host.is_empty() { "*" } else { host.as_str() })?;
        }
        if let Some(because) = &self.because {
            write!(f, ": {because}")?;
        }
        for part in &self.objects {
            write!(f, "\n  {} {}", part.object, part.field)?;
        }
        if let Some(winner) = &self.winner {
            write!(f, "\n  wins: {winner}")?;
        }
        write!(f, "\n  requests: {}", self.sees)?;
        if let Some(example) = &self.example {
            write!(f, ", such as {example}")?;
        }
        write!(f, "\n  fix: {}", self.fix)
    }
}

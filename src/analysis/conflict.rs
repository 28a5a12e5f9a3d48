//! What a conflict is: which objects, who wins, what requests see, and what would end it. No wording.

use crate::model::citation::Citation;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Place};
use crate::model::object::{Name, Object, ObjectKey, annotation_field};

pub mod facts;

use super::conflicts::ConflictRule;
use super::field::{Field, model};
use super::routing::{Basis, Outcome, Target};
pub use facts::Facts;

/// How bad it is, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Every host of the controller is concerned.
    Critical,
    /// Some request goes nowhere, or to somebody else's backend.
    High,
    /// Some request is treated in a way its author did not write.
    Medium,
    /// Legal, works, and surprises.
    Low,
}

impl Severity {
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}

/// One conflict between objects, or between an object and the controller that reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The rule that found it: the stem of its file.
    pub rule: &'static str,
    pub severity: Severity,
    /// The product whose behaviour makes it a conflict.
    pub kind: ControllerKind,
    /// How far what is said of its requests can be trusted.
    pub basis: Basis,
    /// The controller that reads the objects so; `None` where no controller is concerned.
    pub controller: Option<ObjectKey>,
    /// The host it happens on, empty for any host; `None` where it is not about one host.
    pub host: Option<String>,
    /// The objects and fields that make it, the one to change first. At most [`SHOWN`].
    pub objects: Vec<Part>,
    /// Whose rule stands, where one of them does.
    pub winner: Option<ObjectKey>,
    pub facts: Facts,
    pub sees: Sees,
    pub fix: Fix,
    pub citations: Vec<Citation>,
}

/// How many objects of one conflict are named; the facts carry the full count.
pub const SHOWN: usize = 10;

/// A field of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub key: ObjectKey,
    /// A field path; empty for the object as a whole.
    pub field: String,
}

/// What requests see of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sees {
    /// A request that shows it, where one URL can.
    pub url: Option<String>,
    pub effect: Effect,
}

/// What happens to the requests concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// This Ingress's rule takes them.
    ServedBy { ingress: Name, backend: Option<Target> },
    /// The controller answers itself with this status.
    Status(u16),
    /// The controller answers itself, with one of these.
    OneOf(&'static [u16]),
    /// The controller's own answer, which is not known exactly.
    OwnAnswer,
    /// A redirect with this status.
    Redirect { status: u16, to: String },
    /// The Ingress is not loaded: another rule of the host takes them, or nobody does.
    NotLoaded,
    /// The Ingress is loaded by several controllers, and which one is asked depends on the address.
    SeveralControllers,
    /// Some connections come to a controller that loads it, others to one that does not.
    Scattered,
    /// One of these, and which one is not determined.
    AnyOf(Vec<Target>),
    /// No configuration is loaded any more, for no host; after a restart there is none at all.
    Frozen,
    /// Nothing newer is loaded for the Ingresses that share a load balancer with this one.
    GroupFrozen,
    /// The upstream receives this path.
    UpstreamPath(String),
    /// Some of them go to this canary.
    Split { to: Target },
    /// They meet what these annotations of another Ingress say.
    Annotations(Vec<String>),
    /// They are passed through undecrypted to one backend; no path rule is asked.
    PassedThrough { ingress: Name },
    /// The annotation does nothing here.
    WithoutEffect,
    /// The default certificate, or no TLS at all.
    DefaultCertificate,
    /// Nothing listens there: the connection is refused.
    NotListening,
    /// The name is no TLS host: the connection is closed in its handshake, or refused.
    NoTls,
    /// Those that follow the published address come to another controller, or to none.
    NeverArrive,
    /// No request is concerned by itself: it decides what is made of later objects.
    LaterObjects,
}

/// The change that would end it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// Write this value into this field.
    Set { part: Part, value: String },
    /// Write one of these values into this field; when there is none, choose one.
    SetOneOf { part: Part, values: Vec<String> },
    /// Take these fields or objects away; one is enough where they conflict with each other.
    Remove { parts: Vec<Part> },
    /// Keep one of these, take the others away.
    KeepOne { parts: Vec<Part> },
    /// Give this Ingress a host of its own.
    OwnHost { ingress: Name },
    /// Add such a rule, in this Ingress or beside it.
    AddRule { ingress: Name, host: String, path: String, path_type: &'static str },
    /// Create the main Ingress of a canary, with this rule.
    AddMain { host: String, path: String, path_type: &'static str },
    /// Create the master Ingress of a host's minions.
    AddMaster { host: String },
    /// Create an object of this name; for an IngressClass with this controller value.
    Create { key: ObjectKey, controller: Option<String> },
    /// Give the Service of one of them a copy of its own, and name that.
    OwnService { ingress: Name },
    /// Make the pods behind this Service ready.
    MakeReady { service: Name },
    /// Give each controller a class of its own.
    OwnClass { controllers: Vec<ObjectKey> },
    /// Lead the hosts to these addresses of the controller's Service, which this setting publishes.
    LeadTo { addresses: Vec<String>, service: Name, setting: String },
    /// Change the controller's ConfigMap or flags.
    Configure { setting: String, value: String },
}

impl Part {
    #[must_use]
    pub fn new(object: &impl Object, field: impl Into<String>) -> Self {
        Self { key: object.object_key(), field: field.into() }
    }
}

impl Conflict {
    /// A finding of one rule on one controller's field, before objects are named.
    #[must_use]
    pub fn new(
        rule: &dyn ConflictRule,
        field: &Field<'_>,
        severity: Severity,
        facts: Facts,
        effect: Effect,
        fix: Fix,
    ) -> Self {
        Self {
            rule: rule.id(),
            severity,
            kind: field.kind,
            basis: field.basis,
            controller: Some(field.controller.workload.clone()),
            host: None,
            objects: Vec::new(),
            winner: None,
            facts,
            sees: Sees { url: None, effect },
            fix,
            citations: Vec::new(),
        }
    }

    /// The first host and path of an Ingress, for findings that concern the Ingress as a whole.
    #[must_use]
    pub fn of_ingress(self, ingress: &Ingress) -> Self {
        match ingress.path_rules().next() {
            Some((_, _, host, rule)) => {
                self.on(host).shown_by(host, if rule.path.is_empty() { "/" } else { &rule.path })
            }
            None => self,
        }
    }

    /// The host it happens on.
    #[must_use]
    pub fn on(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    /// A request that shows it.
    #[must_use]
    pub fn shown_by(mut self, host: &str, path: &str) -> Self {
        self.sees.url = url("http", host, path);
        self
    }

    /// No request shows it.
    #[must_use]
    pub fn unshown(mut self) -> Self {
        self.sees.url = None;
        self
    }

    /// A request over TLS that shows it.
    #[must_use]
    pub fn shown_over_tls_by(mut self, host: &str, path: &str) -> Self {
        self.sees.url = url("https", host, path);
        self
    }

    /// The first of these paths of which the controller's routing model says the same; without a model
    /// the first of them.
    #[must_use]
    pub fn shown_by_one_of(
        self,
        field: &Field<'_>,
        host: &str,
        paths: impl IntoIterator<Item = String>,
    ) -> Self {
        for path in paths {
            let shown = self.clone().shown_by(host, &path);
            let decision = shown.sees.url.as_deref().and_then(|url| field.decide(host, url));
            if decision.is_none_or(|decision| model::agrees(&shown.sees.effect, &decision)) {
                return shown;
            }
        }
        self
    }

    /// Lets the controller's routing model say what the request sees, where there is one.
    #[must_use]
    pub fn judged(mut self, field: &Field<'_>) -> Self {
        let decision = self.sees.url.as_deref().and_then(|url| field.decide(self.place(), url));
        if let Some(effect) = decision.as_ref().and_then(model::effect) {
            self.sees.effect = effect;
        }
        self
    }

    /// The same request over TLS, where plain ones are only sent there.
    #[must_use]
    pub fn where_it_is_reached(mut self, field: &Field<'_>) -> Self {
        let Some((plain, rest)) =
            self.sees.url.as_deref().and_then(|url| Some((url, url.strip_prefix("http://")?)))
        else {
            return self;
        };
        let secure = format!("https://{rest}");
        let leads_there = |to: &str| to.trim_end_matches('/') == secure.trim_end_matches('/');
        let decision = field.decide(self.place(), plain);
        let location =
            decision.filter(|decision| decision.outcome == Outcome::Redirect).and_then(|one| one.location);
        if !location.as_deref().is_some_and(leads_there) {
            return self;
        }
        let Some(decision) = field.decide(self.place(), &secure) else { return self };
        let told = matches!(&self.sees.effect, Effect::Redirect { to, .. } if leads_there(to));
        match model::effect(&decision).filter(|_| told) {
            Some(effect) => self.sees.effect = effect,
            None if model::agrees(&self.sees.effect, &decision) => {}
            None => return self,
        }
        self.sees.url = Some(secure);
        self
    }

    fn place(&self) -> &str {
        self.host.as_deref().unwrap_or_default()
    }

    #[must_use]
    pub fn won_by(mut self, winner: &impl Object) -> Self {
        self.winner = Some(winner.object_key());
        self
    }

    /// Names an object and field, and cites it with its value; `None` where the point is that it is
    /// not set. Beyond [`SHOWN`] nothing is added.
    #[must_use]
    pub fn at(mut self, object: &impl Object, field: impl Into<String>, value: Option<&str>) -> Self {
        if self.objects.len() < SHOWN {
            let part = Part::new(object, field);
            self.citations.push(Citation::Object {
                key: part.key.clone(),
                uid: object.meta().uid.clone(),
                field: part.field.clone(),
                value: value.map(str::to_owned),
            });
            self.objects.push(part);
        }
        self
    }

    /// Names the host of a rule.
    #[must_use]
    pub fn at_host(self, ingress: &Ingress, place: Place) -> Self {
        let (Place::Path(rule, _) | Place::Rule(rule)) = place else { return self };
        let host = ingress.rules.get(rule).and_then(|rule| rule.host.as_deref());
        self.at(ingress, Place::Rule(rule).field("host"), host)
    }

    /// Names the default backend.
    #[must_use]
    pub fn at_default(self, ingress: &Ingress) -> Self {
        let service = ingress.default_backend.as_ref().and_then(|backend| backend.service());
        self.at(ingress, Place::DefaultBackend.field("service.name"), service.map(|(name, _)| name))
    }

    /// Names the path of a rule.
    #[must_use]
    pub fn at_path(self, ingress: &Ingress, place: Place) -> Self {
        let path = ingress.path_at(place).map(|rule| rule.path.as_str());
        self.at(ingress, place.field("path"), path)
    }

    /// Names an annotation.
    #[must_use]
    pub fn at_annotation(self, ingress: &Ingress, key: &str) -> Self {
        self.at(ingress, annotation_field(key), ingress.meta.annotation(key))
    }

    /// Cites an object that was looked for in a complete list.
    #[must_use]
    pub fn without(mut self, key: ObjectKey) -> Self {
        self.citations.push(Citation::Absent { looked_in: key.kind.resource().to_owned(), key });
        self
    }
}

/// A URL of a rule; a label stands for a wildcard, a name nobody has for any host. `None` where the
/// path is no URL path.
#[must_use]
pub fn url(scheme: &str, host: &str, path: &str) -> Option<String> {
    if !path.starts_with('/') {
        return None;
    }
    Some(match host.strip_prefix("*.") {
        None if host.is_empty() => format!("{scheme}://any-other-host.invalid{path}"),
        None => format!("{scheme}://{host}{path}"),
        Some(parent) => format!("{scheme}://any.{parent}{path}"),
    })
}

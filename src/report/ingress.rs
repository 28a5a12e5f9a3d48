//! An Ingress as its controller sees it, for the wire.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::object_ref::NameRef;
use super::route::RuleReport;
use super::text::Text;
use super::time::Time;
use crate::analysis::adoption::By;
use crate::analysis::annotations::{Mark, Standing};
use crate::analysis::entry::AddressOf;
use crate::analysis::reach::Reach;
use crate::analysis::reading::Reading;
use crate::analysis::writes::Part;
use crate::model::controller::ControllerKind;
use crate::model::event::Event;
use crate::model::ingress::{Backend, PortRef, Tls};
use crate::model::object::FieldWrite;

/// One Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct IngressReport {
    pub ingress: NameRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Time>,
    pub class: ClassReport,
    /// One a controller.
    pub adoption: Vec<AdoptionReport>,
    pub rules: Vec<RuleView>,
    /// The entries of spec.tls: hosts and Secret.
    pub tls: Vec<String>,
    /// Those that bear on routing.
    pub annotations: Vec<AnnotationReport>,
    /// What status says.
    pub addresses: Vec<String>,
    pub events: Vec<EventReport>,
    /// Which part was last written by whom.
    pub written: Vec<WrittenReport>,
}

/// What an Ingress says of its class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ClassReport {
    /// spec.ingressClassName
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Text>,
    /// kubernetes.io/ingress.class
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation: Option<Text>,
    /// What the class that the field names says of its controller, or that there is no such class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<String>,
}

/// Whether one controller takes the Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AdoptionReport {
    pub controller: String,
    /// yes, no or unknown.
    pub taken: &'static str,
    pub because: String,
}

/// A rule with what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleView {
    /// The field path of the rule.
    pub at: String,
    pub rule: RuleReport,
    pub backend: Text,
    /// What stands behind the backend.
    pub behind: String,
    pub notes: Vec<String>,
}

/// An annotation that bears on routing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AnnotationReport {
    pub key: Text,
    pub value: Text,
    /// recognised, foreign, unknown, unsupported, of_services or undecided.
    pub standing: &'static str,
    /// Whose it is, or what was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An Event about the Ingress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EventReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Time>,
    pub count: i32,
    pub warning: bool,
    pub reason: Text,
    pub message: Text,
    pub by: Text,
}

/// The last write of parts that have one writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WrittenReport {
    pub fields: Vec<Text>,
    pub by: Text,
    /// The write is not later than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_latest: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// How a controller came to take an Ingress, in words.
#[must_use]
pub fn by_words(by: &By) -> String {
    match by {
        By::Field(class) => format!("spec.ingressClassName is \"{}\"", Text::new(class)),
        By::Annotation(value) => format!("its class annotation is \"{}\"", Text::new(value)),
        By::Classless => "it has no class and the controller takes such".to_owned(),
        By::DefaultClass(class) => {
            format!("it has no class and the default class \"{}\" is the controller's", Text::new(class))
        }
    }
}

/// A backend as rules name it.
#[must_use]
pub fn backend_words(backend: &Backend) -> Text {
    match backend {
        Backend::Service { name, port: PortRef::Unset } => Text::new(name),
        Backend::Service { name, port } => Text::new(&format!("{name}:{port}")),
        Backend::Resource { kind, name } => Text::new(&format!("{kind} {name}")),
        Backend::Missing => Text::new("none"),
    }
}

/// What stands behind a backend, in words.
#[must_use]
pub fn reach_words(reach: &Reach) -> String {
    match reach {
        Reach::Endpoints { ready: 0, not_ready: 0 } => "no endpoints".to_owned(),
        Reach::Endpoints { ready: 0, not_ready } => format!("none ready, {not_ready} not ready"),
        Reach::Endpoints { ready, not_ready: 0 } => format!("{ready} ready"),
        Reach::Endpoints { ready, not_ready } => format!("{ready} ready, {not_ready} not ready"),
        Reach::External { name } => format!("an ExternalName: {}", Text::new(name)),
        Reach::ServiceAbsent => "no such Service".to_owned(),
        Reach::PortAbsent { has } => {
            let has: Vec<String> = has
                .iter()
                .take(8)
                .map(|(number, name)| match name {
                    Some(name) => format!("{number} ({})", Text::new(name)),
                    None => number.to_string(),
                })
                .collect();
            format!("the Service has no such port, only {}", has.join(", "))
        }
        Reach::Resource { .. } => "not a Service, which most controllers do not serve".to_owned(),
        Reach::Action { .. } => "an action, which an annotation describes".to_owned(),
        Reach::Nothing => "no backend".to_owned(),
        Reach::Unseen(_) => "not seen".to_owned(),
    }
}

/// Whether a backend certainly answers nothing.
#[must_use]
pub const fn is_broken(reach: &Reach) -> bool {
    match reach {
        Reach::Endpoints { ready, .. } => *ready == 0,
        Reach::ServiceAbsent | Reach::PortAbsent { .. } | Reach::Nothing => true,
        Reach::External { .. } | Reach::Resource { .. } | Reach::Action { .. } | Reach::Unseen(_) => false,
    }
}

/// How a controller reads a path, in words.
#[must_use]
pub fn reading_words(kind: ControllerKind, reading: Reading) -> String {
    let how = match reading {
        Reading::Elements => "as Prefix, by path elements",
        Reading::Characters => "as a prefix of characters: /foo also takes /foobar",
        Reading::CharactersAnyCase => "as a prefix of characters in any case: /foo also takes /FOObar",
        Reading::Whole => "as the whole path",
        Reading::RegexAnywhere => "as a regular expression found anywhere in the path",
        Reading::RegexFromStart => "as a regular expression from the start, its end open",
        Reading::RegexWhole => "as a regular expression for the whole path",
        Reading::Wildcards => "with * for any text",
        Reading::UrlMap => "as the whole path unless it ends in /*",
        Reading::LeftOut => "not at all: this path type is left out",
    };
    format!("{kind} reads this path {how}")
}

impl From<&Mark<'_>> for AnnotationReport {
    fn from(mark: &Mark<'_>) -> Self {
        let (standing, note) = match &mark.standing {
            Standing::Recognised => ("recognised", None),
            Standing::Unsupported => ("unsupported", Some("this product ignores it".to_owned())),
            Standing::OfServices => ("of_services", Some("it is read from Services only".to_owned())),
            Standing::Foreign(readers) => {
                ("foreign", Some(format!("ignored here: only {} reads it", products(readers))))
            }
            Standing::Unknown { nearest: Some(nearest) } => {
                ("unknown", Some(format!("no annotation of this product; nearest: {nearest}")))
            }
            Standing::Unknown { nearest: None } => {
                ("unknown", Some("no annotation of this product".to_owned()))
            }
            Standing::Undecided(readers) => (
                "undecided",
                Some(format!("{} reads it; whether that runs here is not known", products(readers))),
            ),
        };
        Self { key: Text::new(mark.key), value: Text::new(mark.value), standing, note }
    }
}

fn products(kinds: &[ControllerKind]) -> String {
    kinds.iter().map(|kind| kind.slug()).collect::<Vec<_>>().join(" or ")
}

/// An address and whose it is; `takers_known`: some controller takes the Ingress in question.
#[must_use]
pub fn address_words(address: &str, of: &AddressOf, takers_known: bool) -> String {
    let of = match of {
        AddressOf::Taker { service } => {
            format!("Service {} of the controller that takes it", NameRef::from(service))
        }
        AddressOf::TakersArguments => "named in the controller's arguments".to_owned(),
        AddressOf::Other { controller, service } => format!(
            "Service {} of controller {}{}",
            NameRef::from(service),
            NameRef::from(controller),
            if takers_known { ", which does not take it" } else { "" }
        ),
        AddressOf::Service(service) => {
            format!("Service {}, with no controller behind it", NameRef::from(service))
        }
        AddressOf::NotTakers => {
            "no address of the controller that takes it: perhaps left by an earlier one".to_owned()
        }
        AddressOf::Untold => "not told: nodes and load balancers outside are not read".to_owned(),
    };
    format!("{}: {of}", Text::new(address))
}

/// One entry of spec.tls.
#[must_use]
pub fn tls_words(tls: &Tls) -> String {
    let Tls { hosts, secret } = tls;
    let hosts: Vec<String> = hosts.iter().take(6).map(|host| Text::new(host).to_string()).collect();
    let hosts = if hosts.is_empty() { "all hosts".to_owned() } else { hosts.join(", ") };
    match secret {
        Some(secret) => format!("{hosts}, Secret {}", Text::new(secret)),
        None => format!("{hosts}, no Secret named"),
    }
}

impl EventReport {
    /// Events that say the same as one, the newest first.
    #[must_use]
    pub fn merged(events: &[&Event]) -> Vec<Self> {
        let mut reports: Vec<Self> = Vec::new();
        for event in events {
            let report = Self {
                last: event.last.map(Time),
                count: event.count.max(1),
                warning: event.warning,
                reason: Text::new(&event.reason),
                message: Text::new(&event.message),
                by: Text::new(&event.component),
            };
            let same = reports.iter_mut().find(|known| {
                (known.warning, &known.reason, &known.message, &known.by)
                    == (report.warning, &report.reason, &report.message, &report.by)
            });
            match same {
                Some(known) => {
                    known.count = known.count.saturating_add(report.count);
                    known.last = known.last.max(report.last);
                }
                None => reports.push(report),
            }
        }
        reports.sort_by(|a, b| (b.last, &a.reason, &a.message).cmp(&(a.last, &b.reason, &b.message)));
        reports
    }
}

impl WrittenReport {
    /// Parts with their last writes, those of one write together: the one with the rules first, then
    /// the newest.
    #[must_use]
    pub fn grouped(writes: &[(Part<'_>, &FieldWrite)]) -> Vec<Self> {
        let mut reports: Vec<Self> = Vec::new();
        for (part, write) in writes {
            let field = Text::path(&part.field());
            let (by, at_latest) = (Text::new(&write.manager), write.at.map(Time));
            match reports.iter_mut().find(|known| known.by == by && known.at_latest == at_latest) {
                Some(known) => known.fields.push(field),
                None => reports.push(Self { fields: vec![field], by, at_latest, note: None }),
            }
            if *part == Part::Rules
                && let Some(report) = reports.last_mut()
            {
                report.note = Some("which rule or path changed is not recorded");
            }
        }
        reports.sort_by_key(|report| (report.note.is_none(), std::cmp::Reverse(report.at_latest)));
        reports
    }
}

impl fmt::Display for IngressReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ingress, created, class, adoption, rules, tls, annotations, addresses, events, written } =
            self;
        write!(f, "Ingress {ingress}")?;
        if let Some(created) = created {
            write!(f, ", created {created}")?;
        }
        write!(f, "\n  class: {class}")?;
        for line in adoption {
            write!(f, "\n  {line}")?;
        }
        for line in rules {
            write!(f, "\n  {line}")?;
        }
        for line in tls {
            write!(f, "\n  tls: {line}")?;
        }
        for line in annotations {
            write!(f, "\n  {line}")?;
        }
        for line in addresses {
            write!(f, "\n  status address {line}")?;
        }
        for line in events {
            write!(f, "\n  {line}")?;
        }
        for line in written {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ClassReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.field, &self.annotation) {
            (None, None) => f.write_str("none set")?,
            (Some(field), None) => write!(f, "{field}")?,
            (None, Some(annotation)) => write!(f, "{annotation}, by annotation")?,
            (Some(field), Some(annotation)) => write!(f, "{field}, and {annotation} by annotation")?,
        }
        match &self.join {
            Some(join) => write!(f, " ({join})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for AdoptionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.taken {
            "yes" => "taken by",
            "no" => "not taken by",
            _ => "unknown whether taken by",
        };
        write!(f, "{verb} {}: {}", self.controller, self.because)
    }
}

impl fmt::Display for RuleView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}: {}", self.rule, self.backend, self.behind)?;
        for note in &self.notes {
            write!(f, "\n    · {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for AnnotationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "annotation {}: \"{}\" ({}", self.key, self.value, self.standing)?;
        match &self.note {
            Some(note) => write!(f, ": {note})"),
            None => f.write_str(")"),
        }
    }
}

impl fmt::Display for EventReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { last, count, warning, reason, message, by } = self;
        write!(f, "{} {reason}", if *warning { "warning" } else { "event" })?;
        if let Some(last) = last {
            write!(f, " at {last}")?;
        }
        if *count > 1 {
            write!(f, ", {count} times")?;
        }
        if !by.is_empty() {
            write!(f, ", by {by}")?;
        }
        write!(f, ": \"{message}\"")
    }
}

impl fmt::Display for WrittenReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<&str> = self.fields.iter().map(Text::as_str).collect();
        write!(f, "{} last written by \"{}\"", fields.join(", "), self.by)?;
        if let Some(at) = self.at_latest {
            write!(f, ", at the latest {at}")?;
        }
        match self.note {
            Some(note) => write!(f, " ({note})"),
            None => Ok(()),
        }
    }
}

//! Citations from gathered objects: the only way verdicts make them, so that each names something
//! that was seen.

use crate::model::change::{Act, Change};
use crate::model::citation::Citation;
use crate::model::controller::Controller;
use crate::model::ingress::{Ingress, PathRule, Place};
use crate::model::object::{Kind, Object, annotation_field};
use crate::model::probe::ProbeOutput;
use crate::model::snapshot::Lookup;

use super::super::facts::{Answer, Facts, LogCite, Message};
use super::super::logs::messages::MessageKind;
use super::{Evidence, Point};
use crate::model::object::Name;

/// A field of an object with its value; `None` when the point is that it is not set.
pub(super) fn field(object: &impl Object, field: impl Into<String>, value: Option<String>) -> Citation {
    Citation::Object { key: object.object_key(), uid: object.meta().uid.clone(), field: field.into(), value }
}

/// An annotation, set or not.
pub(super) fn annotation(ingress: &Ingress, key: &str) -> Citation {
    field(ingress, annotation_field(key), ingress.meta.annotation(key).map(ToOwned::to_owned))
}

/// The path of a place, or its whole rule's host.
pub(super) fn path(ingress: &Ingress, place: Place) -> Citation {
    let value = ingress.path_at(place).map(|rule| rule.path.clone());
    match place {
        // A place of an HTTPRoute is none of an Ingress: it names no value there.
        Place::Path(..) | Place::Match(..) => field(ingress, place.field("path"), value),
        Place::Rule(rule) => {
            let host = ingress.rules.get(rule).and_then(|rule| rule.host.clone());
            field(ingress, place.field("host"), host)
        }
        Place::DefaultBackend => {
            let name =
                ingress.default_backend.as_ref().and_then(|b| b.service()).map(|(name, _)| name.to_owned());
            field(ingress, "spec.defaultBackend.service.name", name)
        }
    }
}

/// The path type of a place.
pub(super) fn path_type(ingress: &Ingress, place: Place, rule: &PathRule) -> Citation {
    field(ingress, place.field("pathType"), Some(rule.path_type.as_str().to_owned()))
}

/// The name of the Service a place sends to.
pub(super) fn backend_name(ingress: &Ingress, place: Place) -> Citation {
    let backend = match place {
        Place::DefaultBackend => ingress.default_backend.as_ref(),
        Place::Path(..) | Place::Rule(_) | Place::Match(..) => {
            ingress.path_at(place).map(|rule| &rule.backend)
        }
    };
    let name = backend.and_then(|backend| backend.service()).map(|(name, _)| name.to_owned());
    field(
        ingress,
        place.field(if place == Place::DefaultBackend { "service.name" } else { "backend.service.name" }),
        name,
    )
}

/// A change of what the evidence cites, where none is cited yet: of the very field, or the end of the
/// object that should be there.
pub(super) fn cause(facts: &Facts<'_>, evidence: &[Evidence]) -> Option<Evidence> {
    if evidence.iter().any(|one| matches!(one.source, Citation::Change(_))) {
        return None;
    }
    let cited = |change: &&Change| {
        evidence.iter().any(|one| match &one.source {
            Citation::Object { key, field, .. } => {
                *key == change.object && *field == change.field && !field.is_empty()
            }
            Citation::Absent { key, .. } => *key == change.object && change.act == Act::Deleted,
            Citation::Log { .. } | Citation::Probe { .. } | Citation::Change(_) => false,
        })
    };
    facts.changes.iter().find(cited).map(change)
}

/// The end of an Ingress that the request passed through.
pub(super) fn lost_ingress(facts: &Facts<'_>) -> Option<Evidence> {
    let lost = |change: &&Change| change.object.kind == Kind::Ingress && change.act == Act::Deleted;
    facts.changes.iter().find(lost).map(change)
}

/// A change as evidence.
pub(super) fn change(change: &Change) -> Evidence {
    let at = change.at;
    let point = match change.act {
        Act::Deleted => Point::Deleted { at },
        Act::Created
        | Act::Recreated
        | Act::Changed
        | Act::Written
        | Act::Started
        | Act::Ended
        | Act::Reloaded
        | Act::ReloadFailed
        | Act::Reported
        | Act::Flipped => Point::Changed { at },
    };
    Evidence { point, source: Citation::Change(change.clone()) }
}

/// A log line.
pub(super) fn log(cite: &LogCite) -> Citation {
    Citation::Log {
        namespace: cite.stream.namespace.clone(),
        pod: cite.stream.pod.clone(),
        container: cite.stream.container.clone(),
        at: cite.at,
        line: cite.line.clone(),
    }
}

/// A probe.
pub(super) fn probe(probe: &ProbeOutput) -> Citation {
    Citation::Probe { at: probe.at, from: probe.from.clone(), url: probe.url.clone(), status: probe.status }
}

/// A group of log lines as evidence, when a line of it was kept.
pub(super) fn answer(answer: &Answer) -> Option<Evidence> {
    use super::super::voice::Voice;
    let source = log(answer.sample.as_ref()?);
    let point = match answer.voice {
        Voice::NoRule => {
            Point::ControllerAnswered { count: answer.count, first: answer.first, last: answer.last }
        }
        Voice::App
        | Voice::OtherBackend
        | Voice::Intercepted
        | Voice::ProxyItself
        | Voice::Nobody
        | Voice::Undecidable => Point::UpstreamAnswered {
            service: answer.service.clone(),
            upstream: answer.upstream.clone(),
            status: answer.status,
            count: answer.count,
            first: answer.first,
            last: answer.last,
        },
    };
    Some(Evidence { point, source })
}

/// The controller messages of some kinds about an object, as one piece of evidence.
pub(super) fn message<'a>(
    facts: &'a Facts<'_>,
    about: Option<&Name>,
    kinds: impl Fn(&MessageKind) -> bool,
) -> Option<(&'a Message, Citation)> {
    let found = facts
        .log
        .messages
        .iter()
        .filter(|message| kinds(&message.kind))
        .filter(|message| about.is_none() || message.about.as_ref() == about)
        .filter(|message| message.sample.is_some())
        .max_by_key(|message| message.last)?;
    Some((found, log(found.sample.as_ref()?)))
}

/// The last success of the asked URL before its 404s.
pub(super) fn worked_before(facts: &Facts<'_>) -> Option<Evidence> {
    let onset = facts.log.onset.as_ref()?;
    let good = facts
        .log
        .answers
        .iter()
        .filter(|a| a.status < 400 && a.last.is_some_and(|last| last <= onset.at))
        .max_by_key(|a| a.last)?;
    Some(Evidence {
        point: Point::WorkedBefore { service: good.service.clone(), status: good.status, last: good.last },
        source: log(good.sample.as_ref()?),
    })
}

/// The 404s of the asked URL in the log.
pub(super) fn failures(facts: &Facts<'_>) -> Option<Evidence> {
    facts.log.answers.iter().filter(|a| a.status == 404).max_by_key(|a| a.last).and_then(answer)
}

/// A ConfigMap key of a controller, set or not.
pub(super) fn setting(controller: &Controller, key: &str) -> Option<Citation> {
    let (name, map) = controller.config_map.as_ref()?;
    match map {
        Lookup::Found(map) => Some(field(map, format!("data.{key}"), map.data.get(key).cloned())),
        Lookup::Absent => Some(Citation::Absent {
            key: crate::model::object::ObjectKey {
                kind: crate::model::object::Kind::ConfigMap,
                name: name.clone(),
            },
            looked_in: format!("configmaps in {}", name.namespace),
        }),
        Lookup::Unseen(_) => None,
    }
}

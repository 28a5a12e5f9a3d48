//! HOSTWIDE_REGEX: another Ingress's `use-regex` or `rewrite-target` put the whole host into regex
//! mode, and the request now goes where no path says it should.
//!
//! Decisive: without that Ingress the controller's own model decides otherwise, without its annotation
//! too; and the time fits (the URL was answered before, or the Ingress is newer than the last success).
//! A pattern that takes the path element by element is taken as meant, unless the time says otherwise.

use crate::model::change::Change;
use crate::model::citation::Citation;
use crate::model::ingress::{Ingress, Place};
use crate::model::object::{Kind, Name, ObjectKey, annotation_field};
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::routing::{Outcome, Winner};
use super::{Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct HostwideRegex;

/// The annotations that do it, the stronger first.
pub(super) const REGEX_KEYS: [&str; 2] =
    ["nginx.ingress.kubernetes.io/rewrite-target", "nginx.ingress.kubernetes.io/use-regex"];

impl Verdict for HostwideRegex {
    fn code(&self) -> Code {
        Code::HostwideRegex
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let hosts = gate::on_host(facts);
        let forcing: Vec<&Ingress> =
            hosts.iter().copied().filter(|ingress| key_of(ingress).is_some()).collect();
        if forcing.is_empty() {
            return if hosts.is_empty() { Ruling::Silent } else { Ruling::RuledOut(Because::NoRegexOnHost) };
        }
        if !gate::is_404(facts) {
            return Ruling::Silent;
        }
        // The youngest one that makes the difference.
        let blamed = forcing.iter().rev().find_map(|ingress| {
            let other = without(facts, &hosts, ingress)?;
            Some((*ingress, other))
        });
        let Some((ingress, other)) = blamed else { return Ruling::Silent };
        let Some(key) = key_of(ingress) else { return Ruling::Silent };
        let worked = cite::worked_before(facts).filter(|evidence| {
            matches!(&evidence.point, Point::WorkedBefore { service, .. }
                if service.is_none() || service.as_ref() == other.backend.as_ref().map(|t| &t.service))
        });
        let appeared = appeared(facts, &ingress.meta.key());
        let in_time = worked.is_some() || appeared.is_some() && facts.symptom.since.is_some();
        let name = ingress.meta.key();
        let meant = facts.decision.winner.as_ref().is_some_and(|winner| {
            winner.ingress == name && element_wise(&winner.path, facts.request.path.as_str())
        });
        if !in_time && meant {
            return Ruling::Silent;
        }
        let mut evidence = vec![Evidence {
            point: Point::RegexForcedBy {
                key: key.to_owned(),
                value: ingress.meta.annotation(key).unwrap_or_default().to_owned(),
            },
            source: cite::annotation(ingress, key),
        }];
        if let Some(winner) = &facts.decision.winner
            && let Some(winning) = facts.ingress(&winner.ingress)
        {
            evidence.push(Evidence {
                point: Point::WinnerRendered { rendered: winner.rendered.clone(), path: winner.path.clone() },
                source: cite::path(winning, winner.place),
            });
        }
        if let Some(loser) = facts.ingress(&other.ingress) {
            evidence.push(Evidence {
                point: Point::WouldWin {
                    ingress: other.ingress.clone(),
                    path: other.path.clone(),
                    service: other.backend.as_ref().map(|target| target.service.clone()),
                },
                source: match other.place {
                    Place::DefaultBackend | Place::Rule(_) => cite::path(loser, Place::Rule(0)),
                    Place::Path(..) | Place::Match(..) => cite::path(loser, other.place),
                },
            });
        }
        evidence.extend(cite::failures(facts));
        let seen_upstream = gate::answering_service(facts) == gate::intended_service(facts);
        evidence.extend(worked);
        evidence.extend(appeared.iter().map(|change| Evidence {
            point: Point::Created { at: change.at },
            source: Citation::Change((*change).clone()),
        }));
        if appeared.is_none()
            && let Some(created) = ingress.meta.created
        {
            evidence.push(Evidence {
                point: Point::Created { at: created },
                source: cite::field(
                    ingress,
                    "metadata.creationTimestamp",
                    Some(created.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
                ),
            });
        }
        Judgement {
            code: Code::HostwideRegex,
            confidence: match (in_time, gate::seen(facts) && seen_upstream) {
                (true, true) => Confidence::Certain,
                (true, false) | (false, true) => Confidence::Likely,
                (false, false) => Confidence::Possible,
            },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: annotation_field(key),
            }),
            since: facts.symptom.since.or(ingress.meta.created),
            evidence,
            fix: Fix::SeparateHost { ingress: name, annotation: key.to_owned() },
        }
        .into()
    }
}

fn key_of(ingress: &Ingress) -> Option<&'static str> {
    REGEX_KEYS.into_iter().find(|key| match ingress.meta.annotation(key) {
        Some(value) if key.ends_with("use-regex") => value == "true",
        Some(value) => !value.is_empty() && ingress.path_rules().any(|(_, _, _, rule)| rule.path != value),
        None => false,
    })
}

/// Who would win without this Ingress, when that is somebody else, and when its annotation alone makes
/// a difference too.
fn without(facts: &Facts<'_>, hosts: &[&Ingress], ingress: &Ingress) -> Option<Winner> {
    let name = ingress.meta.key();
    let others: Vec<&Ingress> = hosts.iter().copied().filter(|other| other.meta.key() != name).collect();
    let current = facts.decision.winner.as_ref().map(|winner| (&winner.ingress, winner.place));
    let alone = facts.view.what_if(&others, facts.snapshot).decide(facts.request);
    if alone.outcome == Outcome::NoRoute {
        return None;
    }
    let other = alone.winner?;
    if current == Some((&other.ingress, other.place)) {
        return None;
    }
    let mut plain = ingress.clone();
    for key in REGEX_KEYS {
        plain.meta.annotations.remove(key);
    }
    let mut set = others;
    set.push(&plain);
    let stripped = facts.view.what_if(&set, facts.snapshot).decide(facts.request).winner;
    let differs = stripped.map(|winner| (winner.ingress, winner.place))
        != facts.decision.winner.as_ref().map(|winner| (winner.ingress.clone(), winner.place));
    differs.then_some(other)
}

/// The literal head of a pattern ends where an element of the path ends.
fn element_wise(pattern: &str, path: &str) -> bool {
    let end = pattern.find(['(', '[', '.', '*', '+', '?', '|', '\\', '^', '$', '{']).unwrap_or(pattern.len());
    let literal = pattern.get(..end).unwrap_or_default();
    let literal = literal.trim_end_matches('/');
    !literal.is_empty()
        && path.strip_prefix(literal).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The appearance of the Ingress, or of its annotation, among the changes before the onset.
fn appeared<'f>(facts: &'f Facts<'_>, name: &Name) -> Option<&'f Change> {
    facts.changes.iter().find(|change| {
        change.object.kind == Kind::Ingress
            && change.object.name == *name
            && (change.field.is_empty()
                || change.field == "metadata.creationTimestamp"
                || REGEX_KEYS.iter().any(|key| change.field == annotation_field(key))
                || change.before.is_none())
    })
}

//! PATH_DIALECT: the rule's path is written for another dialect: a regular expression on a host that
//! is not in regex mode.
//!
//! Decisive: with `use-regex` the controller's own model routes the request to that rule; without, the
//! path is a literal that no request has.

use crate::model::ingress::{Ingress, Place};
use crate::model::object::{Kind, ObjectKey};
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::routing::{Edit, Outcome};
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct PathDialect;

const USE_REGEX: &str = "nginx.ingress.kubernetes.io/use-regex";

impl Verdict for PathDialect {
    fn code(&self) -> Code {
        Code::PathDialect
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let applies = gate::is_404(facts)
            && facts.decision.outcome == Outcome::NoRoute
            && gate::controller_may_have_answered(facts);
        if !applies {
            return Ruling::Silent;
        }
        let Some((ingress, place)) = rule(facts) else { return Ruling::Silent };
        let Some(written) = ingress.path_at(place) else { return Ruling::Silent };
        let name = ingress.meta.key();
        let mut evidence = vec![
            Evidence {
                point: Point::PatternOnPlainHost { path: written.path.clone() },
                source: cite::path(ingress, place),
            },
            Evidence {
                point: Point::PatternOnPlainHost { path: written.path.clone() },
                source: cite::annotation(ingress, USE_REGEX),
            },
        ];
        evidence.extend(cite::failures(facts));
        Judgement {
            code: Code::PathDialect,
            confidence: if gate::seen(facts) { Confidence::Certain } else { Confidence::Likely },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: place.field("path"),
            }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::Edit {
                ingress: name,
                edit: Edit::SetAnnotation { key: USE_REGEX.to_owned(), value: "true".to_owned() },
            },
        }
        .into()
    }
}

/// The rule whose pattern would take the request on a host in regex mode.
pub(super) fn rule<'a>(facts: &Facts<'a>) -> Option<(&'a Ingress, Place)> {
    let hosts = gate::on_host(facts);
    hosts.iter().find_map(|ingress| Some((*ingress, would_match(facts, ingress, &hosts)?)))
}

fn would_match(facts: &Facts<'_>, ingress: &Ingress, hosts: &[&Ingress]) -> Option<Place> {
    let has_pattern =
        |path: &str| path.contains(['(', ')', '[', ']', '*', '+', '?', '|', '\\', '^', '$', '{']);
    if !ingress.path_rules().any(|(_, _, _, rule)| has_pattern(&rule.path)) {
        return None;
    }
    let mut edited = ingress.clone();
    edited.meta.annotations.insert(USE_REGEX.to_owned(), "true".to_owned());
    let mut set: Vec<&Ingress> =
        hosts.iter().copied().filter(|other| other.meta.key() != ingress.meta.key()).collect();
    set.push(&edited);
    let winner = facts.view.what_if(&set, facts.snapshot).decide(facts.request).winner?;
    let rule = ingress.path_at(winner.place)?;
    (winner.ingress == ingress.meta.key() && has_pattern(&rule.path)).then_some(winner.place)
}

//! DUPLICATE_HOST_PATH: two Ingresses have the same host, path and type; the older one wins silently.
//!
//! Decisive: the older one's Service answered; and the complaint names the younger one, or the younger
//! one's Service is another one.

use crate::model::ingress::Place;
use crate::model::object::{Kind, ObjectKey};
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::candidates::Standing;
use super::{Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct DuplicateHostPath;

impl Verdict for DuplicateHostPath {
    fn code(&self) -> Code {
        Code::DuplicateHostPath
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let Some((winning, place)) = facts.winner() else { return Ruling::Silent };
        let Some(rule) = winning.path_at(place) else { return Ruling::Silent };
        let host = match place {
            Place::Path(r, _) | Place::Rule(r) => winning.rules.get(r).map(crate::model::ingress::Rule::host),
            Place::DefaultBackend | Place::Match(..) => None,
        };
        let loser = facts.candidates.iter().find(|candidate| {
            let same = |(_, _, other_host, other): (usize, usize, &str, &crate::model::ingress::PathRule)| {
                Some(other_host) == host
                    && other.path == rule.path
                    && other.path_type == rule.path_type
                    && other.backend != rule.backend
            };
            matches!(&candidate.standing, Standing::Loses { to } if *to == winning.meta.key())
                && candidate.ingress.path_rules().any(same)
        });
        let Some(loser) = loser else { return Ruling::RuledOut(Because::NoDuplicate) };
        if !gate::is_404(facts) {
            return Ruling::Silent;
        }
        let (older, younger) = (winning.meta.key(), loser.ingress.meta.key());
        let answered = gate::answering_service(facts)
            .is_some_and(|service| gate::intended_service(facts) == Some(service));
        let named = facts.complaint == Some(&younger);
        let point = Point::OlderDuplicate { older: older.clone(), created: winning.meta.created };
        let mut evidence = vec![
            Evidence { point: point.clone(), source: cite::path(winning, place) },
            Evidence { point: point.clone(), source: cite::path(loser.ingress, loser.place) },
            Evidence {
                point,
                source: cite::field(
                    winning,
                    "metadata.creationTimestamp",
                    winning.meta.created.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
                ),
            },
        ];
        evidence.extend(cite::failures(facts));
        Judgement {
            code: Code::DuplicateHostPath,
            confidence: match (answered && gate::seen(facts), named) {
                (true, true) => Confidence::Certain,
                (true, false) | (false, true) => Confidence::Likely,
                (false, false) => Confidence::Possible,
            },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: older.clone() },
                field: place.field("path"),
            }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::RemoveDuplicate { older, younger },
        }
        .into()
    }
}

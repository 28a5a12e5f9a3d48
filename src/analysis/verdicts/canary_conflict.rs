//! CANARY_CONFLICT: the only Ingress for the host and path is a canary, an alternative of nothing.
//!
//! Decisive: the annotation, no other Ingress with that host, path and type, and the controller's own
//! line when it wrote one. Without the annotation the rule would take the request.

use crate::model::object::{Kind, ObjectKey, annotation_field};
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::candidates::Standing;
use super::super::routing::Outcome;
use super::{Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, said};

#[derive(Debug)]
pub struct CanaryConflict;

const CANARY: &str = "nginx.ingress.kubernetes.io/canary";

impl Verdict for CanaryConflict {
    fn code(&self) -> Code {
        Code::CanaryConflict
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let canary = facts.candidates.iter().find(|candidate| candidate.standing == Standing::Canary);
        let Some(canary) = canary else { return Ruling::RuledOut(Because::NoCanary) };
        let unserved = facts.decision.outcome == Outcome::NoRoute;
        if !unserved || !gate::is_404(facts) || !gate::controller_may_have_answered(facts) {
            return Ruling::Silent;
        }
        let ingress = canary.ingress;
        let name = ingress.meta.key();
        let (host, path) = match (canary.place, ingress.path_at(canary.place)) {
            (crate::model::ingress::Place::Path(r, _), Some(rule)) => (
                ingress.rules.get(r).map(|rule| rule.host().to_owned()).unwrap_or_default(),
                rule.path.clone(),
            ),
            _ => (facts.request.host.as_str().to_owned(), String::new()),
        };
        let point = Point::CanaryAlone { host: host.clone(), path: path.clone() };
        let mut evidence = vec![
            Evidence { point: point.clone(), source: cite::annotation(ingress, CANARY) },
            Evidence { point, source: cite::path(ingress, canary.place) },
        ];
        let said = gate::said(facts, None, said::canary_unmergeable);
        let heard = said.is_some();
        evidence.extend(
            said.map(|(count, _, source)| Evidence { point: Point::ControllerSaidCanary { count }, source }),
        );
        evidence.extend(cite::failures(facts));
        let own =
            facts.probes.iter().rev().find(|p| super::super::facts::symptom::same_url(p, facts.request));
        evidence.extend(own.map(|probe| Evidence {
            point: Point::Probed { url: probe.url.clone(), status: probe.status, from: probe.from.clone() },
            source: cite::probe(probe),
        }));
        let complete = facts.snapshot.ingresses.covers_everything();
        Judgement {
            code: Code::CanaryConflict,
            confidence: if complete && (heard || gate::seen(facts)) {
                Confidence::Certain
            } else {
                Confidence::Likely
            },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name },
                field: annotation_field(CANARY),
            }),
            since: facts.symptom.since.or(ingress.meta.created),
            evidence,
            fix: Fix::CreateMain { host, path },
        }
        .into()
    }
}

//! PREFIX_NOT_STRIPPED: the application gets the path with the rule's prefix and knows it without.
//!
//! Decisive: two probes of the pod, with the prefix 404 and without it a success. Without probes it is
//! no more than a possibility, unless a rewrite was recorded to be taken away from what worked.

use crate::model::object::{Kind, ObjectKey, annotation_field};
use crate::model::probe::{ProbeOutput, Target};
use crate::model::request::Request;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::symptom::is_entry;
use super::super::routing::Outcome;
use super::{Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct PrefixNotStripped;

const REWRITE: &str = "nginx.ingress.kubernetes.io/rewrite-target";

impl Verdict for PrefixNotStripped {
    fn code(&self) -> Code {
        Code::PrefixNotStripped
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        if facts.decision.outcome == Outcome::NoRoute && gate::controller_may_have_answered(facts) {
            return Ruling::RuledOut(Because::ControllerAnswered);
        }
        let routed_404 = gate::is_404(facts)
            && facts.decision.outcome == Outcome::Routed
            && !gate::controller_may_have_answered(facts);
        let (true, Some((ingress, place))) = (routed_404, facts.winner()) else { return Ruling::Silent };
        let Some(rule) = ingress.path_at(place) else { return Ruling::Silent };
        let prefix = rule.path.trim_end_matches('/');
        let kept = facts.decision.upstream_path.as_deref() == Some(facts.request.path.as_str());
        if prefix.is_empty() || !kept || !facts.request.path.as_str().starts_with(prefix) {
            return Ruling::Silent;
        }
        let pair = stripped_works(facts, prefix);
        // Every answer under the prefix is 404: worth a thought, proof of nothing.
        let none_ever = facts.log.answers.iter().all(|answer| answer.status == 404);
        let unset = facts.changes.iter().any(|change| {
            change.object == ObjectKey { kind: Kind::Ingress, name: ingress.meta.key() }
                && change.field == annotation_field(REWRITE)
                && change.after.is_none()
        });
        let worked = cite::worked_before(facts).filter(|_| unset);
        if pair.is_none() && worked.is_none() && (!none_ever || facts.log.answers.is_empty()) {
            return Ruling::Silent;
        }
        let name = ingress.meta.key();
        let mut evidence = vec![
            Evidence {
                point: Point::RuleDiffers {
                    path: rule.path.clone(),
                    path_type: Some(rule.path_type.as_str()),
                },
                source: cite::path(ingress, place),
            },
            Evidence { point: Point::NoRewrite, source: cite::annotation(ingress, REWRITE) },
        ];
        evidence.extend(cite::failures(facts));
        let confidence = match (&pair, &worked) {
            (Some(_), _) => Confidence::Certain,
            // It was stripped, and the application answered, until somebody took the rewrite away.
            (None, Some(_)) => Confidence::Likely,
            (None, None) => Confidence::Possible,
        };
        evidence.extend(worked);
        for probe in pair.into_iter().flat_map(<[_; 2]>::from) {
            evidence.push(Evidence {
                point: Point::Probed {
                    url: probe.url.clone(),
                    status: probe.status,
                    from: probe.from.clone(),
                },
                source: cite::probe(probe),
            });
        }
        Judgement {
            code: Code::PrefixNotStripped,
            confidence,
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: place.field("path"),
            }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::Rewrite { ingress: name, path: rule.path.clone() },
        }
        .into()
    }
}

/// A probe of the application under the prefix that got 404, and one of the same path without it that
/// succeeded.
fn stripped_works<'f>(facts: &'f Facts<'_>, prefix: &str) -> Option<(&'f ProbeOutput, &'f ProbeOutput)> {
    let inner: Vec<(&ProbeOutput, Request)> = facts
        .probes
        .iter()
        .filter(|probe| !is_entry(probe) && matches!(probe.target, Some(Target::Pod | Target::Service)))
        .filter_map(|probe| Some((probe, Request::parse(&probe.url).ok()?)))
        .collect();
    inner.iter().filter(|(probe, _)| probe.status == Some(404)).find_map(|(bad, request)| {
        let rest = request.path.as_str().strip_prefix(prefix)?;
        let rest = if rest.is_empty() { "/" } else { rest };
        let good = inner.iter().find(|(probe, other)| {
            other.path.as_str() == rest && probe.status.is_some_and(|status| status < 400)
        })?;
        Some((*bad, good.0))
    })
}

//! APP_ROUTE_MISSING: routing is right; the application itself says 404.
//!
//! Given when the intended backend answered and nothing else explains it, so never more than likely:
//! the application's own routes are not in Kubernetes. There is no culprit among the objects.

use crate::model::change::{Act, Aspect, Change};
use crate::model::object::Kind;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::symptom::{Speaker, is_entry};
use super::super::routing::Outcome;
use super::{Because, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct AppRouteMissing;

impl Verdict for AppRouteMissing {
    fn code(&self) -> Code {
        Code::AppRouteMissing
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        if !gate::is_404(facts) {
            return Ruling::Silent;
        }
        let upstream = matches!(facts.symptom.speaker, Speaker::Upstream { .. });
        if !upstream {
            return match facts.symptom.speaker {
                Speaker::Controller => Ruling::RuledOut(Because::ControllerAnswered),
                Speaker::Upstream { .. }
                | Speaker::Intercepted { .. }
                | Speaker::Proxy
                | Speaker::Unknown => Ruling::Silent,
            };
        }
        let intended = gate::intended_service(facts);
        let answered = gate::answering_service(facts);
        if facts.decision.outcome != Outcome::Routed || answered.is_some() && answered != intended {
            return Ruling::Silent;
        }
        let mut evidence: Vec<Evidence> = cite::failures(facts).into_iter().collect();
        if let (Some((ingress, place)), Some(service)) = (facts.winner(), intended) {
            evidence.push(Evidence {
                point: Point::RoutesTo {
                    service: service.clone(),
                    path: facts.decision.winner.as_ref().map(|w| w.path.clone()).unwrap_or_default(),
                },
                source: cite::backend_name(ingress, place),
            });
        }
        for probe in facts.probes.iter().filter(|probe| probe.status == Some(404)) {
            if !is_entry(probe) || super::super::facts::symptom::same_url(probe, facts.request) {
                evidence.push(Evidence {
                    point: Point::Probed {
                        url: probe.url.clone(),
                        status: probe.status,
                        from: probe.from.clone(),
                    },
                    source: cite::probe(probe),
                });
            }
        }
        evidence.extend(changes(facts).into_iter().map(cite::change));
        if evidence.is_empty() {
            return Ruling::Silent;
        }
        Judgement {
            code: Code::AppRouteMissing,
            confidence: if gate::seen(facts) { Confidence::Likely } else { Confidence::Possible },
            culprit: None,
            since: facts.symptom.since,
            evidence,
            fix: Fix::AskApplication { service: intended.cloned() },
        }
        .into()
    }
}

/// What changed of the way to the application and of itself: the first of each kind.
fn changes<'f>(facts: &'f Facts<'_>) -> Vec<&'f Change> {
    // What an edit adds has no value before; what comes and goes as a whole has none at all.
    let differs = |change: &Change| match change.act {
        Act::Changed => change.before.is_some() || change.after.is_some(),
        Act::Recreated | Act::Deleted => true,
        Act::Created => change.object.kind == Kind::Service,
        Act::Written
        | Act::Started
        | Act::Ended
        | Act::Reloaded
        | Act::ReloadFailed
        | Act::Reported
        | Act::Flipped => false,
    };
    [Aspect::Service, Aspect::ClassOrAnnotation, Aspect::Rollout]
        .into_iter()
        .filter_map(|aspect| facts.changes.iter().find(|change| change.aspect == aspect && differs(change)))
        .collect()
}

//! HEALTHY: the URL does not answer 404 and has no run of 404s.
//!
//! Decisive: a success that was seen. Without one, a rule that takes the request, ready endpoints and a
//! log that would have shown 404s make it likely.

use crate::model::gap::Unseen;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::symptom::Seen;
use super::super::logs::silence::Logging;
use super::super::routing::{Note, Outcome};
use super::{Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct Healthy;

impl Verdict for Healthy {
    fn code(&self) -> Code {
        Code::Healthy
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let succeeded = facts.symptom.status.is_some_and(|status| status < 300 || status == 304);
        let doubtful = facts.decision.notes.iter().any(|note| {
            matches!(
                note,
                Note::BackendUnseen(_)
                    | Note::SettingsUnseen
                    | Note::AdoptionUnseen { .. }
                    | Note::PatternUndecided { .. }
            )
        });
        // A log that was read in part, or of one replica only, may hold the 404 that is missed.
        let deaf = facts.gaps.iter().any(|gap| matches!(gap.what, Unseen::Log { .. }));
        let quiet = facts.symptom.seen == Seen::Nothing
            && !deaf
            && facts.decision.outcome == Outcome::Routed
            && facts.log.read
            && matches!(facts.log.logging, Logging::Logged | Logging::Blurred(_))
            && facts.log.answers.is_empty()
            && !doubtful;
        if !succeeded && !quiet {
            return Ruling::Silent;
        }
        let mut evidence = Vec::new();
        if let Seen::Probe(at) = facts.symptom.seen
            && let Some(probe) = facts.probes.get(at)
        {
            evidence.push(Evidence {
                point: Point::Probed {
                    url: probe.url.clone(),
                    status: probe.status,
                    from: probe.from.clone(),
                },
                source: cite::probe(probe),
            });
        }
        evidence.extend(
            facts.log.answers.iter().filter(|a| a.status < 400).max_by_key(|a| a.last).and_then(cite::answer),
        );
        if let Some((ingress, place)) = facts.winner() {
            evidence.push(Evidence {
                point: Point::RoutesTo {
                    service: gate::intended_service(facts).cloned().unwrap_or_default(),
                    path: facts.decision.winner.as_ref().map(|w| w.path.clone()).unwrap_or_default(),
                },
                source: cite::path(ingress, place),
            });
        }
        Judgement {
            code: Code::Healthy,
            confidence: if succeeded && gate::seen(facts) { Confidence::Certain } else { Confidence::Likely },
            culprit: None,
            since: None,
            evidence,
            fix: Fix::Nothing,
        }
        .into()
    }
}

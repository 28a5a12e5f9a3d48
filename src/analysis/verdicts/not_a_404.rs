//! NOT_A_404: the URL answers, but something else: a redirect, a refusal, 503. The cause of that is in
//! the alternatives.

use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::symptom::Seen;
use super::{Because, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct NotA404;

impl Verdict for NotA404 {
    fn code(&self) -> Code {
        Code::NotA404
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let status = match facts.symptom.status {
            Some(404) => return Ruling::RuledOut(Because::Answers404),
            Some(status) if status >= 300 && status != 304 => status,
            Some(_) | None => return Ruling::Silent,
        };
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
            facts
                .log
                .answers
                .iter()
                .filter(|a| a.status == status)
                .max_by_key(|a| a.last)
                .and_then(cite::answer),
        );
        if let Some((ingress, place)) = facts.winner() {
            let winner = facts.decision.winner.as_ref();
            evidence.push(Evidence {
                point: Point::RoutesTo {
                    service: gate::intended_service(facts).cloned().unwrap_or_default(),
                    path: winner.map(|winner| winner.path.clone()).unwrap_or_default(),
                },
                source: cite::path(ingress, place),
            });
        }
        Judgement {
            code: Code::NotA404,
            confidence: if gate::seen(facts) { Confidence::Certain } else { Confidence::Likely },
            culprit: None,
            since: facts.log.answers.iter().filter(|a| a.status == status).filter_map(|a| a.first).min(),
            evidence,
            fix: Fix::Observe,
        }
        .into()
    }
}

//! INSUFFICIENT_EVIDENCE: what was seen does not decide. Names what would.

use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::{Evidence, Fix, Judgement, Ruling, Verdict, cite};

#[derive(Debug)]
pub struct InsufficientEvidence;

impl Verdict for InsufficientEvidence {
    fn code(&self) -> Code {
        Code::InsufficientEvidence
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        bare(facts).into()
    }
}

/// The last resort, with what little was seen.
#[must_use]
pub fn bare(facts: &Facts<'_>) -> Judgement {
    let mut evidence: Vec<Evidence> = cite::failures(facts).into_iter().collect();
    evidence.extend(cite::lost_ingress(facts));
    if let Some((ingress, place)) = facts.winner() {
        let service = facts.decision.winner.as_ref().and_then(|w| w.backend.as_ref());
        evidence.push(Evidence {
            point: super::Point::RoutesTo {
                service: service.map(|target| target.service.clone()).unwrap_or_default(),
                path: facts.decision.winner.as_ref().map(|w| w.path.clone()).unwrap_or_default(),
            },
            source: cite::path(ingress, place),
        });
    }
    Judgement {
        code: Code::InsufficientEvidence,
        confidence: Confidence::Possible,
        culprit: None,
        since: facts.symptom.since,
        evidence,
        fix: Fix::CloseGaps(facts.gaps.to_vec()),
    }
}

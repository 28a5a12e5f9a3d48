//! WRONG_BACKEND: the rule was edited and now names a Service that exists but is not the one meant.
//!
//! Decisive: a recorded edit of the winning rule's backend before the onset, and the log showing the
//! same URL answered by the former Service before and by the present one since.

use crate::model::citation::Citation;
use crate::model::object::{Kind, ObjectKey};
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct WrongBackend;

impl Verdict for WrongBackend {
    fn code(&self) -> Code {
        Code::WrongBackend
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        if !gate::is_404(facts) {
            return Ruling::Silent;
        }
        let Some((ingress, place)) = facts.winner() else { return Ruling::Silent };
        let name = ingress.meta.key();
        let edit = facts.changes.iter().find(|change| {
            change.object.kind == Kind::Ingress
                && change.object.name == name
                && change.field.contains("backend.service.name")
                && change.before.is_some()
                && change.after.as_deref() == gate::intended_service(facts).map(|s| s.name.as_str())
        });
        let Some(edit) = edit else { return Ruling::Silent };
        let worked = cite::worked_before(facts).filter(|evidence| {
            matches!(&evidence.point, Point::WorkedBefore { service: Some(service), .. }
                if Some(service.name.as_str()) == edit.before.as_deref())
        });
        let answered = gate::answering_service(facts)
            .is_some_and(|service| gate::intended_service(facts) == Some(service));
        let mut evidence = vec![
            Evidence { point: Point::Changed { at: edit.at }, source: Citation::Change(edit.clone()) },
            Evidence {
                point: Point::RoutesTo {
                    service: gate::intended_service(facts).cloned().unwrap_or_default(),
                    path: facts.decision.winner.as_ref().map(|w| w.path.clone()).unwrap_or_default(),
                },
                source: cite::backend_name(ingress, place),
            },
        ];
        let certain = worked.is_some() && answered;
        evidence.extend(worked);
        evidence.extend(cite::failures(facts));
        Judgement {
            code: Code::WrongBackend,
            confidence: if certain { Confidence::Certain } else { Confidence::Likely },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: place.field("backend.service.name"),
            }),
            since: facts.symptom.since.or(Some(edit.at)),
            evidence,
            fix: Fix::RestoreBackend { ingress: name, service: edit.before.clone() },
        }
        .into()
    }
}

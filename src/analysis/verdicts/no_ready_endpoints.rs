//! NO_READY_ENDPOINTS: the Service is there and nothing behind it is ready. A 404 with some
//! controllers, 503 with ingress-nginx.

use crate::model::object::{Kind, ObjectKey};
use crate::model::snapshot::Lookup;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::routing::Note;
use super::{Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct NoReadyEndpoints;

impl Verdict for NoReadyEndpoints {
    fn code(&self) -> Code {
        Code::NoReadyEndpoints
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let empty = facts.decision.notes.iter().find_map(|note| match note {
            Note::NoReadyEndpoints(service) => Some(service),
            _ => None,
        });
        let Some(service) = empty else {
            let slices = gate::intended_service(facts).map(|service| facts.snapshot.slices_of(service));
            return match slices {
                Some(Lookup::Found(slices)) => {
                    let ready = slices.iter().flat_map(|slice| &slice.endpoints).filter(|e| e.ready).count();
                    if ready > 0 { Ruling::RuledOut(Because::Ready(ready)) } else { Ruling::Silent }
                }
                Some(Lookup::Absent | Lookup::Unseen(_)) | None => Ruling::Silent,
            };
        };
        if facts.symptom.status.is_some_and(|status| status < 400) {
            return Ruling::Silent;
        }
        let mut evidence = Vec::new();
        let mut counts = (0, 0);
        if let Lookup::Found(slices) = facts.snapshot.slices_of(service) {
            for slice in slices {
                counts.0 += slice.endpoints.iter().filter(|endpoint| endpoint.ready).count();
                counts.1 += slice.endpoints.iter().filter(|endpoint| !endpoint.ready).count();
                let ready = slice.endpoints.iter().position(|endpoint| !endpoint.ready);
                evidence.push(match ready {
                    Some(at) => cite::field(
                        slice,
                        format!("endpoints[{at}].conditions.ready"),
                        Some("false".to_owned()),
                    ),
                    None => cite::field(slice, "endpoints", None),
                });
            }
        }
        if evidence.is_empty()
            && let Lookup::Found(object) = facts.snapshot.services.get(&service.namespace, &service.name)
        {
            evidence.push(cite::field(object, "metadata.name", Some(service.name.clone())));
        }
        if evidence.is_empty() {
            return Ruling::Silent;
        }
        let point = Point::Endpoints { ready: counts.0, not_ready: counts.1 };
        let evidence = evidence.into_iter().map(|source| Evidence { point: point.clone(), source }).collect();
        Judgement {
            code: Code::NoReadyEndpoints,
            // Somebody behind it did answer: what holds now may not have held then.
            confidence: match (gate::answering_service(facts) == Some(service), gate::seen(facts)) {
                (true, _) => Confidence::Possible,
                (false, true) => Confidence::Certain,
                (false, false) => Confidence::Likely,
            },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Service, name: service.clone() },
                field: "spec.selector".to_owned(),
            }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::MakeReady { service: service.clone() },
        }
        .into()
    }
}

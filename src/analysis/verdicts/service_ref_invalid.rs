//! SERVICE_REF_INVALID: the rule names a Service or port that does not exist. A 404 with some
//! controllers, 503 with ingress-nginx.
//!
//! Decisive: the namespace's Services were listed completely and the name, or the port, is not there.

use crate::model::citation::Citation;
use crate::model::object::{Kind, Name, ObjectKey};
use crate::model::snapshot::Lookup;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::routing::Note;
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, said};

#[derive(Debug)]
pub struct ServiceRefInvalid;

impl Verdict for ServiceRefInvalid {
    fn code(&self) -> Code {
        Code::ServiceRefInvalid
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let broken = facts.decision.notes.iter().find_map(|note| match note {
            Note::ServiceMissing(service) => Some((service, None)),
            Note::PortMissing { service, port } => Some((service, Some(port))),
            _ => None,
        });
        let (Some((service, port)), Some((ingress, place))) = (broken, facts.winner()) else {
            return Ruling::Silent;
        };
        if facts.symptom.status.is_some_and(|status| status < 400) {
            return Ruling::Silent;
        }
        let name = ingress.meta.key();
        let nearest = nearest(facts, service);
        let mut evidence = Vec::new();
        match (port, facts.snapshot.services.get(&service.namespace, &service.name)) {
            (Some(port), Lookup::Found(object)) => evidence.push(Evidence {
                point: Point::PortAbsent { service: service.clone(), port: port.to_string() },
                source: cite::field(
                    object,
                    "spec.ports[0].port",
                    object.ports.first().map(|port| port.number.to_string()),
                ),
            }),
            (None, Lookup::Absent) => evidence.push(Evidence {
                point: Point::ServiceAbsent { service: service.clone(), nearest: nearest.clone() },
                source: Citation::Absent {
                    key: ObjectKey { kind: Kind::Service, name: service.clone() },
                    looked_in: format!("services in {}", service.namespace),
                },
            }),
            _ => return Ruling::Silent,
        }
        let point = match port {
            Some(port) => Point::PortAbsent { service: service.clone(), port: port.to_string() },
            None => Point::ServiceAbsent { service: service.clone(), nearest: nearest.clone() },
        };
        evidence.push(Evidence { point, source: cite::backend_name(ingress, place) });
        if let Some(Lookup::Found(found)) =
            nearest.first().map(|near| facts.snapshot.services.get(&near.namespace, &near.name))
        {
            evidence.push(Evidence {
                point: Point::ServiceAbsent { service: service.clone(), nearest: nearest.clone() },
                source: cite::field(found, "metadata.name", Some(found.meta.name.clone())),
            });
        }
        let said = gate::said(facts, Some(service), said::service_missing);
        evidence.extend(
            said.map(|(count, _, source)| Evidence { point: Point::ControllerSaidIgnored { count }, source }),
        );
        Judgement {
            code: Code::ServiceRefInvalid,
            confidence: if gate::seen(facts) { Confidence::Certain } else { Confidence::Likely },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: place.field(if port.is_some() {
                    "backend.service.port"
                } else {
                    "backend.service.name"
                }),
            }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::PointToService { ingress: name, nearest: nearest.into_iter().next() },
        }
        .into()
    }
}

fn nearest(facts: &Facts<'_>, service: &Name) -> Vec<Name> {
    let mut found: Vec<(bool, usize, Name)> = facts
        .snapshot
        .services
        .items()
        .iter()
        .map(|other| other.meta.key())
        .filter(|other| other != service)
        .filter_map(|other| {
            let distance = strsim::damerau_levenshtein(&other.name, &service.name);
            let here = other.namespace == service.namespace;
            let same = other.name == service.name;
            let part = here && (service.name.contains(&other.name) || other.name.contains(&service.name));
            (same || part || here && distance <= 3).then_some((!here, distance, other))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, _, name)| name).take(3).collect()
}

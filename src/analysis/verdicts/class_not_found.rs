//! CLASS_NOT_FOUND: `ingressClassName` names an IngressClass that does not exist.
//!
//! Decisive: the list of classes was read completely and the name is not in it.

use crate::model::citation::Citation;
use crate::model::object::{Kind, ObjectKey};
use crate::model::verdict::Code;

use super::super::facts::Facts;
use super::super::routing::Refusal;
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, said};

#[derive(Debug)]
pub struct ClassNotFound;

impl Verdict for ClassNotFound {
    fn code(&self) -> Code {
        Code::ClassNotFound
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let wanted = |refusal: &Refusal| matches!(refusal, Refusal::ClassNotFound { .. });
        let Some((candidate, Refusal::ClassNotFound { class })) = gate::not_loaded(facts, wanted) else {
            return Ruling::Silent;
        };
        let ingress = candidate.ingress;
        if let Some(ruling) = gate::adoption_gate(facts, ingress) {
            return ruling;
        }
        let name = ingress.meta.key();
        let mut evidence = vec![
            Evidence {
                point: Point::ClassAbsent { class: class.clone() },
                source: Citation::Absent {
                    key: ObjectKey::new(Kind::IngressClass, "", class),
                    looked_in: "ingressclasses".to_owned(),
                },
            },
            Evidence {
                point: Point::ClassAbsent { class: class.clone() },
                source: cite::field(ingress, "spec.ingressClassName", ingress.class_name.clone()),
            },
        ];
        let said = gate::said(facts, Some(&name), said::class_ignored);
        let heard = said.is_some();
        evidence.extend(
            said.map(|(count, _, source)| Evidence { point: Point::ControllerSaidIgnored { count }, source }),
        );
        evidence.extend(cite::failures(facts));
        let controller = facts.snapshot.classes.items().iter().find_map(|class| class.controller.clone());
        let exists =
            facts.snapshot.classes.items().iter().map(|class| class.meta.name.clone()).collect::<Vec<_>>();
        let nearest = exists.iter().find(|other| strsim::damerau_levenshtein(other, class) <= 2).cloned();
        Judgement {
            code: Code::ClassNotFound,
            confidence: gate::adoption_confidence(facts, heard),
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: "spec.ingressClassName".to_owned(),
            }),
            since: facts.symptom.since.or(ingress.meta.created),
            evidence,
            fix: match nearest.or_else(|| exists.first().cloned()) {
                Some(class) => Fix::SetClass { ingress: name, class: Some(class) },
                None => Fix::CreateClass {
                    class: class.clone(),
                    controller: controller.unwrap_or_else(|| "k8s.io/ingress-nginx".to_owned()),
                },
            },
        }
        .into()
    }
}

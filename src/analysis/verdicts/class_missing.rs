//! CLASS_MISSING: the Ingress has no class and the controller takes none without.
//!
//! Decisive: neither `ingressClassName` nor the annotation is set, no class is the default one, and the
//! controller is known not to take classless Ingresses.

use crate::model::ingress_class::{CLASS_ANNOTATION, DEFAULT_CLASS};
use crate::model::object::{Kind, ObjectKey, annotation_field};
use crate::model::verdict::Code;

use super::super::facts::Facts;
use super::super::routing::Refusal;
use super::{Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, said};

#[derive(Debug)]
pub struct ClassMissing;

impl Verdict for ClassMissing {
    fn code(&self) -> Code {
        Code::ClassMissing
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let Some((candidate, _)) = gate::not_loaded(facts, |refusal| *refusal == Refusal::NoClass) else {
            return match facts.winner() {
                Some((ingress, _)) => Ruling::RuledOut(Because::Adopted(ingress.meta.key())),
                None => Ruling::Silent,
            };
        };
        let ingress = candidate.ingress;
        if let Some(ruling) = gate::adoption_gate(facts, ingress) {
            return ruling;
        }
        let name = ingress.meta.key();
        let mut evidence = vec![
            Evidence {
                point: Point::NoClassSet,
                source: cite::field(ingress, "spec.ingressClassName", None),
            },
            Evidence { point: Point::NoClassSet, source: cite::annotation(ingress, CLASS_ANNOTATION) },
        ];
        let classes = facts.snapshot.classes.items();
        if facts.snapshot.classes.covers_everything()
            && let Some(class) = ours(facts).or(classes.first())
        {
            evidence.push(Evidence {
                point: Point::NoDefaultClass { classes: classes.len() },
                source: cite::field(
                    class,
                    annotation_field(DEFAULT_CLASS),
                    class.meta.annotation(DEFAULT_CLASS).map(ToOwned::to_owned),
                ),
            });
        }
        let said = gate::said(facts, Some(&name), said::class_ignored);
        let heard = said.is_some();
        evidence.extend(
            said.map(|(count, _, source)| Evidence { point: Point::ControllerSaidIgnored { count }, source }),
        );
        if ingress.addresses.is_empty() {
            evidence.push(Evidence {
                point: Point::NoAddress,
                source: cite::field(ingress, "status.loadBalancer.ingress", None),
            });
        }
        evidence.extend(cite::failures(facts));
        Judgement {
            code: Code::ClassMissing,
            confidence: gate::adoption_confidence(facts, heard),
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: "spec.ingressClassName".to_owned(),
            }),
            since: facts.symptom.since.or(ingress.meta.created),
            evidence,
            fix: Fix::SetClass { ingress: name, class: ours(facts).map(|class| class.meta.name.clone()) },
        }
        .into()
    }
}

/// The class of the controller that counts.
fn ours<'a>(facts: &'a Facts<'_>) -> Option<&'a crate::model::ingress_class::IngressClass> {
    let by_use = facts.view.adopted.iter().find_map(|(ingress, _)| ingress.class_name.as_deref());
    let classes = facts.snapshot.classes.items();
    classes.iter().find(|class| Some(class.meta.name.as_str()) == by_use)
}

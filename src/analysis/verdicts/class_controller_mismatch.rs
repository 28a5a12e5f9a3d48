//! CLASS_CONTROLLER_MISMATCH: the class exists, but the running controller claims another one.
//!
//! Decisive: the IngressClass's `spec.controller`, or the legacy annotation, against the controller's
//! own arguments; and no other controller takes the Ingress.

use crate::model::ingress_class::CLASS_ANNOTATION;
use crate::model::object::{Kind, ObjectKey, annotation_field};
use crate::model::snapshot::Lookup;
use crate::model::verdict::Code;

use super::super::facts::Facts;
use super::super::routing::Refusal;
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, said};

#[derive(Debug)]
pub struct ClassControllerMismatch;

impl Verdict for ClassControllerMismatch {
    fn code(&self) -> Code {
        Code::ClassControllerMismatch
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let wanted = |refusal: &Refusal| {
            matches!(refusal, Refusal::ClassOfOther { .. } | Refusal::AnnotationDiffers { .. })
        };
        let Some((candidate, refusal)) = gate::not_loaded(facts, wanted) else { return Ruling::Silent };
        let ingress = candidate.ingress;
        if let Some(ruling) = gate::adoption_gate(facts, ingress) {
            return ruling;
        }
        let name = ingress.meta.key();
        let ours = facts.view.settings.value("controller-class").unwrap_or("k8s.io/ingress-nginx").to_owned();
        let mut evidence = Vec::new();
        let field = match refusal {
            Refusal::ClassOfOther { class, controller } => {
                let point = Point::ClassOfOther {
                    class: class.clone(),
                    theirs: controller.clone(),
                    ours: ours.clone(),
                };
                if let Lookup::Found(object) = facts.snapshot.classes.get("", class) {
                    let source = cite::field(object, "spec.controller", object.controller.clone());
                    evidence.push(Evidence { point: point.clone(), source });
                }
                let by_field = ingress.class_name.is_some();
                let source = if by_field {
                    cite::field(ingress, "spec.ingressClassName", ingress.class_name.clone())
                } else {
                    cite::annotation(ingress, CLASS_ANNOTATION)
                };
                evidence.push(Evidence { point, source });
                if by_field { "spec.ingressClassName".to_owned() } else { annotation_field(CLASS_ANNOTATION) }
            }
            Refusal::AnnotationDiffers { value, expected } => {
                evidence.push(Evidence {
                    point: Point::AnnotationDiffers { value: value.clone(), expected: expected.clone() },
                    source: cite::annotation(ingress, CLASS_ANNOTATION),
                });
                annotation_field(CLASS_ANNOTATION)
            }
            _ => return Ruling::Silent,
        };
        if let (Some(controller), Some(flag)) =
            (facts.view.controller, facts.view.settings.flag("controller-class"))
        {
            let workload = facts
                .snapshot
                .workloads
                .items()
                .iter()
                .find(|w| w.kind == controller.workload.kind && w.meta.key() == controller.workload.name);
            evidence.extend(workload.map(|workload| Evidence {
                point: Point::ClassOfOther {
                    class: ingress.class_name.clone().unwrap_or_default(),
                    theirs: None,
                    ours: ours.clone(),
                },
                source: cite::field(
                    workload,
                    controller.arg_field(flag.index),
                    controller.args.get(flag.index).cloned(),
                ),
            }));
        }
        let said = gate::said(facts, Some(&name), said::class_ignored);
        let heard = said.is_some();
        evidence.extend(
            said.map(|(count, _, source)| Evidence { point: Point::ControllerSaidIgnored { count }, source }),
        );
        evidence.extend(cite::failures(facts));
        let class = facts.view.adopted.iter().find_map(|(ingress, _)| ingress.class_name.clone());
        Judgement {
            code: Code::ClassControllerMismatch,
            confidence: gate::adoption_confidence(facts, heard),
            culprit: Some(Culprit { key: ObjectKey { kind: Kind::Ingress, name: name.clone() }, field }),
            since: facts.symptom.since.or(ingress.meta.created),
            evidence,
            fix: Fix::MatchClass { ingress: name, class: class.unwrap_or(ours) },
        }
        .into()
    }
}

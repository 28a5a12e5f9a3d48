//! DROPPED_BY_ANNOTATION_POLICY: one annotation makes the controller drop the whole Ingress.
//!
//! Decisive: the annotation and the policy in force (risk level, validation, block list) as the running
//! version reads them, confirmed by the controller's own line. An upgrade of the controller that moved
//! a default is the usual trigger: then the setting that is not there is to blame, not the Ingress.

use crate::model::change::Aspect;
use crate::model::citation::Citation;
use crate::model::object::{Kind, ObjectKey, annotation_field};
use crate::model::snapshot::Lookup;
use crate::model::verdict::Code;

use super::super::facts::Facts;
use super::super::routing::Refusal;
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, said};

#[derive(Debug)]
pub struct DroppedByAnnotationPolicy;

/// The ConfigMap key that sets the accepted risk.
const RISK_LEVEL: &str = "annotations-risk-level";

impl Verdict for DroppedByAnnotationPolicy {
    fn code(&self) -> Code {
        Code::DroppedByAnnotationPolicy
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let wanted = |refusal: &Refusal| {
            matches!(
                refusal,
                Refusal::RiskyAnnotation { .. }
                    | Refusal::InvalidAnnotation { .. }
                    | Refusal::BlockedWord { .. }
                    | Refusal::CatchAllDisabled
            )
        };
        let Some((candidate, refusal)) = gate::not_loaded(facts, wanted) else { return Ruling::Silent };
        let ingress = candidate.ingress;
        if let Some(ruling) = gate::adoption_gate(facts, ingress) {
            return ruling;
        }
        let name = ingress.meta.key();
        let (key, by_risk) = match refusal {
            Refusal::RiskyAnnotation { key, .. } => (key.clone(), true),
            Refusal::InvalidAnnotation { key } | Refusal::BlockedWord { key, .. } => (key.clone(), false),
            _ => return Ruling::Silent,
        };
        let mut evidence = vec![Evidence {
            point: Point::AnnotationRefused { key: key.clone(), refusal: refusal.clone() },
            source: cite::annotation(ingress, &key),
        }];
        let mut culprit = Culprit {
            key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
            field: annotation_field(&key),
        };
        let map = facts.view.controller.and_then(|controller| controller.config_map.as_ref());
        if let (true, Some(controller), Some((map_name, Lookup::Found(map)))) =
            (by_risk, facts.view.controller, map)
        {
            culprit = Culprit {
                key: ObjectKey { kind: Kind::ConfigMap, name: map_name.clone() },
                field: format!("data.{RISK_LEVEL}"),
            };
            let point = match map.data.get(RISK_LEVEL) {
                Some(value) => Point::SettingIs { key: RISK_LEVEL.to_owned(), value: value.clone() },
                None => Point::SettingUnset {
                    key: RISK_LEVEL.to_owned(),
                    default: match refusal {
                        Refusal::RiskyAnnotation { allowed, .. } => allowed.clone(),
                        _ => String::new(),
                    },
                },
            };
            evidence.extend(cite::setting(controller, RISK_LEVEL).map(|source| Evidence { point, source }));
        }
        let said = gate::said(facts, None, said::annotation_refused);
        let heard = said.is_some();
        evidence.extend(
            said.map(|(count, _, source)| Evidence {
                point: Point::ControllerSaidAnnotation { count },
                source,
            }),
        );
        let upgrade = facts.changes.iter().find(|change| {
            change.aspect == Aspect::Controller && change.field.ends_with(".image") && change.before.is_some()
        });
        evidence.extend(upgrade.map(|change| Evidence {
            point: Point::ControllerChanged { at: change.at },
            source: Citation::Change(change.clone()),
        }));
        if let Some(generation) = ingress.meta.generation {
            evidence.push(Evidence {
                point: Point::IngressUnchanged {
                    generation,
                    written: ingress.meta.last_write().and_then(|write| write.at),
                },
                source: cite::field(ingress, "metadata.generation", Some(generation.to_string())),
            });
        }
        evidence.extend(cite::failures(facts));
        Judgement {
            code: Code::DroppedByAnnotationPolicy,
            confidence: gate::adoption_confidence(facts, heard),
            culprit: Some(culprit),
            since: facts.symptom.since.or(upgrade.map(|change| change.at)),
            evidence,
            fix: if by_risk {
                Fix::AllowAnnotation {
                    key,
                    ingress: name,
                    setting: RISK_LEVEL.to_owned(),
                    config_map: map.map(|(name, _)| name.clone()),
                }
            } else {
                Fix::MendAnnotation { key, ingress: name }
            },
        }
        .into()
    }
}

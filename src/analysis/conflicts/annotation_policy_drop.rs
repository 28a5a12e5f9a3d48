//! # What it finds
//! An Ingress that passes class selection and is dropped as a whole: by the annotation risk level, by an
//! annotation that does not validate, by a word of the block list, or because catch-alls are disabled.
//!
//! # Why it 404s
//! The controller loads none of its rules. A version that was loaded before stays in force until the
//! controller restarts, so the 404s begin with a restart or an upgrade, not with the edit.
//!
//! # Example
//! ```yaml
//! kind: Ingress
//! metadata:
//!   annotations:
//!     nginx.ingress.kubernetes.io/server-snippet: "client_max_body_size 0;"   # risk Critical; allowed: High
//! ```
//!
//! # What to do
//! Remove or correct the annotation; or raise `annotations-risk-level` in the controller's ConfigMap,
//! knowing that whoever may write Ingresses may then write nginx configuration.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/annotations/annotations.go` (Extract),
//! `internal/ingress/controller/store/store.go` (syncIngress) @ controller-v1.15.1; minio/operator#2383;
//! kubernetes/ingress-nginx#13358.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::rule_text::PRIORITY;
use crate::analysis::routing::{FieldFault, Refusal};
use crate::model::controller::ControllerKind;
use crate::model::ingress::Place;
use crate::model::object::annotation_field;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "annotation_policy_drop"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for (ingress, why) in field.refused {
            let (path, value) = match why {
                // Told with its own advice.
                Refusal::InvalidAnnotation { key }
                    if field.kind == ControllerKind::Traefik && key == PRIORITY =>
                {
                    continue;
                }
                Refusal::DangerousPath { .. } if field.kind == ControllerKind::TraefikIngressNginx => {
                    continue;
                }
                Refusal::RiskyAnnotation { key, .. }
                | Refusal::InvalidAnnotation { key }
                | Refusal::BlockedWord { key, .. } => (annotation_field(key), ingress.meta.annotation(key)),
                Refusal::CatchAllDisabled => {
                    let backend = ingress.default_backend.as_ref().and_then(|backend| backend.service());
                    ("spec.defaultBackend.service.name".to_owned(), backend.map(|(name, _)| name))
                }
                Refusal::DangerousPath { path } => {
                    let at = ingress.path_rules().find(|(_, _, _, rule)| rule.path == *path);
                    let Some((rule, place, _, _)) = at else { continue };
                    (Place::Path(rule, place).field("path"), Some(path.as_str()))
                }
                Refusal::InvalidField { field, .. } => (field.clone(), None),
                Refusal::NoClass
                | Refusal::HostsTaken { .. }
                | Refusal::NoMaster { .. }
                | Refusal::LabelsDiffer { .. }
                | Refusal::KindNotRead
                | Refusal::ClassNotFound { .. }
                | Refusal::ClassOfOther { .. }
                | Refusal::AnnotationDiffers { .. }
                | Refusal::NamespaceNotWatched { .. }
                | Refusal::Undecided => continue,
            };
            let part = Part::new(*ingress, &path);
            let fix = match why {
                Refusal::InvalidField { fault: FieldFault::Missing, .. } => {
                    Fix::SetOneOf { part, values: Vec::new() }
                }
                _ => Fix::Remove { parts: vec![part] },
            };
            let facts = Facts::AnnotationPolicyDrop(why.clone());
            found.push(
                Conflict::new(self, field, Severity::High, facts, Effect::NotLoaded, fix)
                    .of_ingress(ingress)
                    .at(*ingress, path, value),
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn ingresses_dropped_for_an_annotation_or_a_catch_all_are_found() {
        check(
            &Rule,
            "ing minio/console host=m.example /(P)->c:80 ann:server-snippet=x refused=risky,nginx.ingress.kubernetes.io/server-snippet
             ing shop/all default=web:80 refused=catch-all
             ing shop/fine host=a.example /(P)->web:80",
            &[
                "high: shop/all spec.defaultBackend.service.name",
                "high m.example: minio/console metadata.annotations[\"nginx.ingress.kubernetes.io/server-snippet\"]",
            ],
        );
    }

    #[test]
    fn one_that_fails_class_selection_is_not() {
        silent(&Rule, "ing shop/web cls=- host=a.example /(P)->web:80 refused=no-class");
    }
}

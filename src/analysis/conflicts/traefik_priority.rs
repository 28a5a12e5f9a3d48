//! # What it finds
//! A `router.priority` of Traefik that is no integer.
//!
//! # Why it 404s
//! The whole Ingress is dropped, with one line in the log (`Failed to parse annotations`).
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {traefik.ingress.kubernetes.io/router.priority: high}
//! ```
//!
//! # What to do
//! Write an integer.
//!
//! # References
//! traefik `pkg/provider/kubernetes/ingress/annotations.go` @ v3.7, seen on the real controller.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::rule_text::PRIORITY;
use crate::model::controller::ControllerKind;
use crate::model::object::annotation_field;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "traefik_priority"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::Traefik {
            return Vec::new();
        }
        let mut found = Vec::new();
        // The model of the product drops it already.
        for ingress in field.loaded_or_dropped() {
            let Some(value) = ingress.meta.annotation(PRIORITY) else { continue };
            if value.parse::<i64>().is_ok() {
                continue;
            }
            let facts = Facts::TraefikPriority { value: value.to_owned() };
            let fix =
                Fix::SetOneOf { part: Part::new(ingress, annotation_field(PRIORITY)), values: Vec::new() };
            found.push(
                Conflict::new(self, field, Severity::High, facts, Effect::NotLoaded, fix)
                    .of_ingress(ingress)
                    .at_annotation(ingress, PRIORITY),
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
    fn a_priority_that_is_no_integer_drops_the_ingress() {
        for value in ["high", "~7", "1.5"] {
            check(
                &Rule,
                &format!("is traefik\ning shop/a host=a.example /(P)->a:80 ann:{PRIORITY}={value}"),
                &[
                    "high a.example: shop/a metadata.annotations[\"traefik.ingress.kubernetes.io/router.priority\"]",
                ],
            );
        }
    }

    #[test]
    fn an_integer_and_other_products_are_not_concerned() {
        silent(&Rule, &format!("is traefik\ning shop/a host=a.example /(P)->a:80 ann:{PRIORITY}=-7"));
        silent(&Rule, &format!("ing shop/a host=a.example /(P)->a:80 ann:{PRIORITY}=high"));
    }
}

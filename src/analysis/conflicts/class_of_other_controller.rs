//! # What it finds
//! An Ingress whose class exists, but belongs to a controller value that no controller here answers to.
//!
//! # Why it 404s
//! `spec.controller` of the IngressClass decides who takes the Ingress, and it cannot be changed later.
//! A renamed class, a second installation, or another product with the same class name leave the Ingress
//! to nobody.
//!
//! # Example
//! ```yaml
//! kind: IngressClass
//! metadata: {name: kafka-nginx}
//! spec: {controller: k8s.io/kafka-nginx}   # the controller runs with --controller-class=k8s.io/ingress-nginx
//! ```
//!
//! # What to do
//! Name a class of the controller that should take it; or give the controller the class's value
//! (`--controller-class` for ingress-nginx).
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/store/store.go` (syncIngressClass) @
//! controller-v1.15.1; kubernetes/ingress-nginx#7850; canonical/microk8s-core-addons#381.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::conflicts::class_not_found::class_part;
use crate::analysis::field::Field;
use crate::analysis::routing::Refusal;
use crate::model::snapshot::Lookup;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "class_of_other_controller"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        // A controller that was not looked for may be the one.
        let severity =
            if field.snapshot.workloads.covers_everything() { Severity::High } else { Severity::Medium };
        let mut found = Vec::new();
        for (ingress, why) in field.refused {
            let (class, expected) = match why {
                Refusal::ClassOfOther { class, .. } => (class, None),
                Refusal::AnnotationDiffers { value, expected } => (value, Some(expected.clone())),
                _ => continue,
            };
            let Lookup::Found(object) = field.snapshot.classes.get("", class) else { continue };
            if !field.claims.nobody_takes(&ingress.meta.key()) {
                continue;
            }
            let (part, value) = class_part(ingress);
            let facts = Facts::ClassOfOtherController {
                class: class.clone(),
                controller: object.controller.clone(),
                expected,
            };
            let fix = Fix::SetOneOf { part: part.clone(), values: used_classes(field) };
            found.push(
                Conflict::new(self, field, severity, facts, Effect::NotLoaded, fix)
                    .of_ingress(ingress)
                    .at(*ingress, part.field, value)
                    .at(object, "spec.controller", object.controller.as_deref()),
            );
        }
        found
    }
}

/// The classes by which this controller took the Ingresses it has.
fn used_classes(field: &Field<'_>) -> Vec<String> {
    let mut classes: Vec<String> = field
        .loaded
        .iter()
        .filter_map(|ingress| ingress.class_name.as_deref())
        .filter(|class| matches!(field.snapshot.classes.get("", class), Lookup::Found(_)))
        .map(str::to_owned)
        .collect();
    classes.sort();
    classes.dedup();
    classes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_class_that_no_running_controller_answers_to_is_found() {
        let found = check(
            &Rule,
            "class nginx k8s.io/ingress-nginx
             class kafka-nginx k8s.io/kafka-nginx
             ing shop/web host=a.example /(P)->web:80
             ing kafka/kafka cls=kafka-nginx host=k.example /(P)->k:80 refused=class-of-other,kafka-nginx,k8s.io/kafka-nginx",
            &["high k.example: kafka/kafka spec.ingressClassName, kafka-nginx spec.controller"],
        );
        assert!(matches!(&found[0].fix, Fix::SetOneOf { values, .. } if values == &["nginx".to_owned()]));
    }

    #[test]
    fn a_class_of_another_running_controller_is_not() {
        silent(
            &Rule,
            "class traefik traefik.io/ingress-controller
             ctl traefik edge
             ing shop/web cls=traefik host=a.example /(P)->web:80 refused=class-of-other,traefik,traefik.io/ingress-controller also=1",
        );
    }
}

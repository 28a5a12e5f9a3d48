//! # What it finds
//! More than one IngressClass marked as the default.
//!
//! # Why it 404s
//! Admission gives an Ingress that names no class the newest of them (older API servers refuse such an
//! Ingress altogether). Which controller takes a new Ingress then depends on which class was created
//! last, not on what anybody chose.
//!
//! # Example
//! ```yaml
//! kind: IngressClass
//! metadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
//! ---
//! kind: IngressClass
//! metadata: {name: traefik, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
//! ```
//!
//! # What to do
//! Leave the annotation on one class.
//!
//! # References
//! kubernetes/kubernetes `plugin/pkg/admission/network/defaultingressclass/admission.go` @ v1.33.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::ingress_class::{DEFAULT_CLASS, IngressClass};
use crate::model::object::annotation_field;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "several_default_classes"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut classes: Vec<&IngressClass> =
            field.snapshot.classes.items().iter().filter(|class| class.is_default()).collect();
        // Newest first, then by name: the order in which admission takes the first one.
        classes
            .sort_by(|a, b| b.meta.created.cmp(&a.meta.created).then_with(|| a.meta.name.cmp(&b.meta.name)));
        let (Some(used), true) = (classes.first(), classes.len() > 1) else { return Vec::new() };
        let facts = Facts::SeveralDefaultClasses {
            classes: classes.iter().map(|class| class.meta.name.clone()).collect(),
            used: used.meta.created.is_some().then(|| used.meta.name.clone()),
        };
        let fix = Fix::KeepOne {
            parts: classes.iter().map(|class| Part::new(*class, annotation_field(DEFAULT_CLASS))).collect(),
        };
        let mut conflict =
            Conflict::new(self, field, Severity::Medium, facts, Effect::LaterObjects, fix).won_by(*used);
        conflict.controller = None;
        vec![classes.iter().fold(conflict, |conflict, class| {
            conflict.at(*class, annotation_field(DEFAULT_CLASS), class.meta.annotation(DEFAULT_CLASS))
        })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn two_default_classes_are_found_and_the_newest_is_used() {
        let found = check(
            &Rule,
            "class nginx k8s.io/ingress-nginx default age=90
             class traefik traefik.io/ingress-controller default age=2
             class other example.org/other",
            &["medium: traefik metadata.annotations[\"ingressclass.kubernetes.io/is-default-class\"], \
               nginx metadata.annotations[\"ingressclass.kubernetes.io/is-default-class\"]"],
        );
        assert_eq!(found[0].winner.as_ref().map(|key| key.name.name.as_str()), Some("traefik"));
    }

    #[test]
    fn one_default_class_is_not() {
        silent(
            &Rule,
            "class nginx k8s.io/ingress-nginx default\nclass traefik traefik.io/ingress-controller",
        );
    }
}

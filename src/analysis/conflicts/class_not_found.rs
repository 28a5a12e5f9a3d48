//! # What it finds
//! An Ingress whose class names no IngressClass, and which no controller takes.
//!
//! # Why it 404s
//! The name is looked up; where there is no such object most controllers drop the Ingress, often without
//! a word. Nothing of it is loaded.
//!
//! # Example
//! ```yaml
//! kind: Ingress
//! spec:
//!   ingressClassName: ngnix     # the IngressClass is called nginx
//! ```
//!
//! # What to do
//! Correct the name, or create the IngressClass with the `spec.controller` of the controller meant.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/store/store.go` (GetIngressClass) @
//! controller-v1.15.1; kubernetes/minikube#12455 (an add-on without its IngressClass).

use crate::analysis::backend::service::alike;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::routing::Refusal;
use crate::model::ingress::Ingress;
use crate::model::ingress_class::CLASS_ANNOTATION;
use crate::model::object::{Kind, ObjectKey, annotation_field};
use crate::model::snapshot::Lookup;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "class_not_found"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for (ingress, why) in field.refused {
            let (Refusal::ClassNotFound { class } | Refusal::AnnotationDiffers { value: class, .. }) = why
            else {
                continue;
            };
            let absent = field.snapshot.classes.get("", class) == Lookup::Absent;
            if !absent || !field.claims.nobody_takes(&ingress.meta.key()) {
                continue;
            }
            let classes = field.snapshot.classes.items();
            let nearest = alike(class, classes.iter().map(|class| class.meta.name.as_str()));
            let (part, value) = class_part(ingress);
            let key = ObjectKey::new(Kind::IngressClass, "", class);
            let fix = if nearest.is_empty() {
                Fix::Create { key: key.clone(), controller: None }
            } else {
                Fix::SetOneOf { part: part.clone(), values: nearest.clone() }
            };
            let facts = Facts::ClassNotFound { class: class.clone(), nearest };
            found.push(
                Conflict::new(self, field, Severity::High, facts, Effect::NotLoaded, fix)
                    .of_ingress(ingress)
                    .at(*ingress, part.field, value)
                    .without(key),
            );
        }
        found
    }
}

/// Where an Ingress names its class, and how.
pub(super) fn class_part(ingress: &Ingress) -> (Part, Option<&str>) {
    match (&ingress.class_name, ingress.meta.annotation(CLASS_ANNOTATION)) {
        (None, Some(value)) => (Part::new(ingress, annotation_field(CLASS_ANNOTATION)), Some(value)),
        (value, _) => (Part::new(ingress, "spec.ingressClassName"), value.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_class_that_does_not_exist_is_found_and_the_nearest_offered() {
        let found = check(
            &Rule,
            "class nginx k8s.io/ingress-nginx
             ing shop/web cls=ngnix host=a.example /(P)->web:80 refused=class-not-found,ngnix
             ing shop/old cls=- acls=zzz host=b.example /(P)->web:80 refused=annotation-differs,zzz,nginx",
            &[
                "high a.example: shop/web spec.ingressClassName",
                "high b.example: shop/old metadata.annotations[\"kubernetes.io/ingress.class\"]",
            ],
        );
        let nearest = vec!["nginx".to_owned()];
        assert_eq!(found[0].facts, Facts::ClassNotFound { class: "ngnix".to_owned(), nearest });
        assert!(matches!(&found[1].fix, Fix::Create { key, .. } if key.name.name == "zzz"));
    }

    #[test]
    fn a_class_that_exists_or_that_somebody_takes_by_name_is_not() {
        silent(
            &Rule,
            "class nginx k8s.io/ingress-nginx
             ctl contour edge
             ing shop/web cls=nginx host=a.example /(P)->web:80 refused=class-not-found,nginx
             ing shop/two cls=contour host=b.example /(P)->web:80 refused=class-not-found,contour also=1",
        );
    }
}

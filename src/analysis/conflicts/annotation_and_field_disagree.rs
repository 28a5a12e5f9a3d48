//! # What it finds
//! An Ingress whose `spec.ingressClassName` and annotation `kubernetes.io/ingress.class` name different
//! classes.
//!
//! # Why it 404s
//! Products differ in which of the two they go by: the controller that the author had in mind may read
//! the other one and leave the Ingress alone, or a second one takes it.
//!
//! # Example
//! ```yaml
//! kind: Ingress
//! metadata:
//!   annotations: {kubernetes.io/ingress.class: nginx}
//! spec:
//!   ingressClassName: traefik
//! ```
//!
//! # What to do
//! Keep the field, remove the annotation.
//!
//! # References
//! The table of class selection in `docs/controllers`; kubernetes.io, Ingress, deprecated annotation.

use crate::analysis::conflict::facts::Decides;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::ingress_class::CLASS_ANNOTATION;
use crate::model::object::annotation_field;

/// What Contour reads before the other one.
const CONTOUR_ANNOTATION: &str = "projectcontour.io/ingress.class";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "annotation_and_field_disagree"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for ingress in field.snapshot.ingresses.items() {
            let keys: &[&str] = match field.kind {
                ControllerKind::Contour => &[CONTOUR_ANNOTATION, CLASS_ANNOTATION],
                _ => &[CLASS_ANNOTATION],
            };
            let written = keys.iter().find_map(|key| Some((*key, ingress.meta.annotation(key)?)));
            let (Some(class), Some((key, annotation))) = (&ingress.class_name, written) else { continue };
            // What decides is the business of the controller that takes it, where one does.
            if class == annotation || is_of_another(field, ingress) {
                continue;
            }
            let facts = Facts::AnnotationAndFieldDisagree {
                field: class.clone(),
                annotation: annotation.to_owned(),
                decides: decides(field.kind),
            };
            let fix = Fix::Remove { parts: vec![Part::new(ingress, annotation_field(key))] };
            let effect = if field.claims.nobody_takes(&ingress.meta.key()) {
                Effect::NotLoaded
            } else {
                Effect::LaterObjects
            };
            found.push(
                Conflict::new(self, field, Severity::Medium, facts, effect, fix)
                    .of_ingress(ingress)
                    .at_annotation(ingress, key)
                    .at(ingress, "spec.ingressClassName", Some(class)),
            );
        }
        found
    }
}

/// Whether other controllers take an Ingress, and this one does not.
fn is_of_another(field: &Field<'_>, ingress: &Ingress) -> bool {
    let takers = field.claims.on(&ingress.meta.key());
    let is_own = |index: &usize| {
        let taker = field.snapshot.controllers.get(*index);
        taker.is_some_and(|taker| taker.workload == field.controller.workload)
    };
    !takers.is_empty() && !takers.iter().any(is_own)
}

fn decides(kind: ControllerKind) -> Decides {
    use ControllerKind as K;
    match kind {
        K::IngressNginx
        | K::Traefik
        | K::TraefikIngressNginx
        | K::Haproxytech
        | K::Apisix
        | K::OpenshiftRouter => Decides::Field,
        K::F5Nginx
        | K::HaproxyIngress
        | K::Contour
        | K::Kong
        | K::AwsAlb
        | K::Gce
        | K::Istio
        | K::Cilium
        | K::Agic => Decides::Annotation,
        K::Spec | K::HttpRoute | K::TraefikGateway => Decides::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn two_different_classes_on_one_ingress_are_found() {
        let found = check(
            &Rule,
            "ing shop/web cls=nginx acls=traefik host=a.example /(P)->web:80",
            &[
                "medium a.example: shop/web metadata.annotations[\"kubernetes.io/ingress.class\"], shop/web spec.ingressClassName",
            ],
        );
        assert!(matches!(&found[0].facts, Facts::AnnotationAndFieldDisagree { decides: Decides::Field, .. }));
    }

    #[test]
    fn contour_reads_an_annotation_of_its_own_first() {
        let world =
            "ing shop/web cls=nginx host=a.example /(P)->web:80 ann:projectcontour.io/ingress.class=contour";
        let place = "medium a.example: shop/web metadata.annotations[\"projectcontour.io/ingress.class\"], shop/web spec.ingressClassName";
        check(&Rule, &format!("is contour\n{world}"), &[place]);
        silent(&Rule, world);
    }

    #[test]
    fn the_one_that_takes_it_says_what_decides() {
        silent(
            &Rule,
            "ctl traefik edge
             ing shop/web cls=traefik acls=nginx host=a.example /(P)->web:80 refused=class-of-other,traefik,traefik.io/x also=1",
        );
    }

    #[test]
    fn the_same_class_twice_is_not() {
        silent(&Rule, "ing shop/web cls=nginx acls=nginx host=a.example /(P)->web:80");
    }
}

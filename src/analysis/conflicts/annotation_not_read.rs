//! # What it finds
//! An annotation under the prefix of the product that takes the Ingress, which speaks of routing and is none
//! that the product reads: misspelt, of another release, of a Service, or of the product that it stands in for.
//!
//! # Why it 404s
//! It is ignored without a word. What its author relied on does not happen: a rewrite that is not made sends
//! the application a path it does not know.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {traefik.ingress.kubernetes.io/rewrite-target: /}      # Traefik 1; later releases want a Middleware
//! spec:
//!   ingressClassName: traefik
//! ```
//!
//! # What to do
//! Write the name as the product has it, or what the product has instead.
//!
//! # References
//! The annotations of each product in `docs/controllers`; jenkinsci/helm-charts#455; kubernetes-retired/contrib#860.

use crate::analysis::annotations::{Standing, marks};
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::ingress::Ingress;
use crate::model::object::annotation_field;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "annotation_not_read"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        field.loaded.iter().flat_map(|ingress| self.of(field, ingress)).collect()
    }
}

impl Rule {
    fn of(&self, field: &Field<'_>, ingress: &Ingress) -> Vec<Conflict> {
        let told = |mark: crate::analysis::annotations::Mark<'_>| {
            let nearest = match mark.standing {
                Standing::Unknown { nearest } => nearest,
                Standing::Unsupported | Standing::OfServices => None,
                Standing::Recognised | Standing::Foreign(_) | Standing::Undecided(_) => return None,
            };
            let of_services = mark.standing == Standing::OfServices;
            let meant = nearest.and_then(|name| Some(format!("{}/{name}", mark.key.split_once('/')?.0)));
            let facts =
                Facts::AnnotationNotRead { key: mark.key.to_owned(), meant: meant.clone(), of_services };
            let fix = match meant {
                Some(key) => Fix::Set {
                    part: Part::new(ingress, annotation_field(&key)),
                    value: mark.value.to_owned(),
                },
                None => Fix::Remove { parts: vec![Part::new(ingress, annotation_field(mark.key))] },
            };
            Some(
                Conflict::new(self, field, Severity::Medium, facts, Effect::WithoutEffect, fix)
                    .of_ingress(ingress)
                    .at_annotation(ingress, mark.key),
            )
        };
        marks(field.kind, field.settings, ingress).into_iter().filter_map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_slip_another_release_and_what_a_stand_in_leaves_out_are_found() {
        let place = |key: &str| format!("medium a.example: shop/a metadata.annotations[\"{key}\"]");
        for (product, key) in [
            ("ingress-nginx", "nginx.ingress.kubernetes.io/rewrite-targt"),
            ("traefik", "traefik.ingress.kubernetes.io/rewrite-target"),
            ("traefik-ingress-nginx", "nginx.ingress.kubernetes.io/preserve-trailing-slash"),
            ("kong", "konghq.com/host-header"),
        ] {
            check(
                &Rule,
                &format!("is {product}\ning shop/a host=a.example /(P)->a:80 ann:{key}=x"),
                &[&place(key)],
            );
        }
        let found = check(
            &Rule,
            "ing shop/a host=a.example /(P)->a:80 ann:rewrite-targt=/x",
            &[&place("nginx.ingress.kubernetes.io/rewrite-targt")],
        );
        assert!(matches!(&found[0].fix, Fix::Set { part, value }
            if part.field == annotation_field("nginx.ingress.kubernetes.io/rewrite-target") && value == "/x"));
    }

    #[test]
    fn what_is_read_or_has_nothing_to_do_with_routing_is_not() {
        silent(
            &Rule,
            "ing shop/a host=a.example /(P)->a:80 ann:rewrite-target=/ ann:proxy-body-size=8m ann:example.org/rewrite=x
             ing shop/b host=b.example /(P)->b:80 ann:nginx.org/rewrites=x",
        );
        silent(
            &Rule,
            "is traefik\ning shop/a host=a.example /(P)->a:80 ann:traefik.ingress.kubernetes.io/router.tls=true",
        );
    }
}

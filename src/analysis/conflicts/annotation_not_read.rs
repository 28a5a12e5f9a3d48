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

use crate::analysis::annotations::{Standing, Standings};
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::ingress::Ingress;
use crate::model::ingress_class::CLASS_ANNOTATION;
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
        let mut standings = Standings::new(field.kind, field.settings);
        field.loaded.iter().flat_map(|ingress| self.of(field, ingress, &mut standings)).collect()
    }
}

impl Rule {
    fn of<'i>(
        &self,
        field: &Field<'_>,
        ingress: &'i Ingress,
        standings: &mut Standings<'i>,
    ) -> Vec<Conflict> {
        let told = |(key, value): (&'i String, &'i String)| {
            // It has rules of its own.
            let standing = standings.of(key).filter(|_| key != CLASS_ANNOTATION)?;
            let nearest = match standing {
                Standing::Unknown { nearest } => *nearest,
                Standing::Unsupported | Standing::OfServices => None,
                Standing::Recognised | Standing::Foreign(_) | Standing::Undecided(_) => return None,
            };
            let meant = nearest.and_then(|name| Some(format!("{}/{name}", key.split_once('/')?.0)));
            let facts = Facts::AnnotationNotRead {
                key: key.clone(),
                meant: meant.clone(),
                of_services: *standing == Standing::OfServices,
            };
            let fix = match meant {
                Some(key) => {
                    Fix::Set { part: Part::new(ingress, annotation_field(&key)), value: value.clone() }
                }
                None => Fix::Remove { parts: vec![Part::new(ingress, annotation_field(key))] },
            };
            Some(
                Conflict::new(self, field, Severity::Medium, facts, Effect::WithoutEffect, fix)
                    .of_ingress(ingress)
                    .at_annotation(ingress, key),
            )
        };
        ingress.meta.annotations.iter().filter_map(told).collect()
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

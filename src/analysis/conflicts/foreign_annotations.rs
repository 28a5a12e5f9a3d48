//! # What it finds
//! Annotations of another product on an Ingress that this controller takes.
//!
//! # Why it 404s
//! They are ignored without a word. A rewrite that does not happen sends the application a path it does
//! not know; a pattern that is not read as one is a literal path that nothing matches. Usual after a move
//! from one product to another, where the class was changed and the annotations were not.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {nginx.ingress.kubernetes.io/rewrite-target: /$2}
//! spec:
//!   ingressClassName: traefik
//! ```
//!
//! # What to do
//! Write the same with the annotations or objects of the product that reads the Ingress.
//!
//! # References
//! The annotation prefixes in `docs/controllers`; canonical/microk8s-core-addons#381;
//! jenkinsci/helm-charts#455; kubernetes/ingress-nginx#797.

use crate::analysis::annotations::{Standing, Standings};
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::object::annotation_field;

use ControllerKind as K;

/// Prefixes and who reads them.
const READERS: [(&str, &[ControllerKind]); 16] = [
    ("nginx.ingress.kubernetes.io", &[K::IngressNginx, K::TraefikIngressNginx]),
    ("nginx.org", &[K::F5Nginx]),
    ("nginx.com", &[K::F5Nginx]),
    ("traefik.ingress.kubernetes.io", &[K::Traefik]),
    ("haproxy.org", &[K::Haproxytech]),
    ("haproxy.com", &[K::Haproxytech]),
    ("haproxy-ingress.github.io", &[K::HaproxyIngress]),
    // ingress-nginx gave this prefix up with 0.9.
    ("ingress.kubernetes.io", &[K::HaproxyIngress, K::Haproxytech, K::Contour, K::Gce]),
    ("alb.ingress.kubernetes.io", &[K::AwsAlb]),
    ("konghq.com", &[K::Kong]),
    ("projectcontour.io", &[K::Contour]),
    ("ingress.cilium.io", &[K::Cilium]),
    ("k8s.apisix.apache.org", &[K::Apisix]),
    ("appgw.ingress.kubernetes.io", &[K::Agic]),
    ("haproxy.router.openshift.io", &[K::OpenshiftRouter]),
    ("route.openshift.io", &[K::OpenshiftRouter]),
];

/// Parts of annotation names that change where a request goes or what the upstream receives.
const ROUTING: [&str; 18] = [
    "rewrite",
    "regex",
    "redirect",
    "app-root",
    "strip",
    "path",
    "canary",
    "middleware",
    "entrypoint",
    "router.",
    "alias",
    "vhost",
    "mergeable",
    "conditions.",
    "actions.",
    "passthrough",
    "default-backend",
    "snippet",
];

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "foreign_annotations"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        // Whether the API's own text or a Gateway product reads an Ingress annotation is no question.
        if matches!(field.kind, K::Spec | K::HttpRoute | K::TraefikGateway) {
            return Vec::new();
        }
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
        let takers: Vec<ControllerKind> = field
            .claims
            .on(&ingress.meta.key())
            .iter()
            .filter_map(|index| field.snapshot.controllers.get(*index))
            .filter(|controller| controller.workload != field.controller.workload)
            .map(|controller| controller.kind)
            .collect();
        let own_routing = ingress.meta.annotations.keys().any(|key| {
            let recognised = standings.of(key) == Some(&Standing::Recognised);
            recognised
                && key.split_once('/').is_some_and(|(prefix, name)| is_own(field, prefix) && routes(name))
        });
        let mut found = Vec::new();
        for (prefix, readers) in READERS {
            let own = is_own(field, prefix);
            let of_prefix = |key: &&String| key.split_once('/').is_some_and(|(of, _)| of == prefix);
            let mut keys: Vec<&String> = ingress.meta.annotations.keys().filter(of_prefix).collect();
            // Who reads this very name; of a prefix that is shared, not everybody does.
            let mut named: Vec<ControllerKind> = Vec::new();
            keys.retain(|key| {
                let readers = match standings.of(key) {
                    Some(Standing::Foreign(readers)) => readers.as_slice(),
                    _ => &[],
                };
                named.extend(readers);
                !own || !readers.is_empty()
            });
            named.sort_unstable();
            named.dedup();
            let is_routing = !named.is_empty();
            let of = if named.is_empty() { readers.to_vec() } else { named };
            if keys.is_empty() || takers.iter().any(|kind| of.contains(kind)) {
                continue;
            }
            let routing = !own_routing
                && (is_routing
                    || keys.iter().any(|key| key.split_once('/').is_some_and(|(_, name)| routes(name))));
            let severity = if routing { Severity::High } else { Severity::Low };
            let parts = keys.iter().map(|key| Part::new(ingress, annotation_field(key))).collect();
            let facts =
                Facts::ForeignAnnotations { keys: keys.iter().copied().cloned().collect(), of, routing };
            let conflict =
                Conflict::new(self, field, severity, facts, Effect::WithoutEffect, Fix::Remove { parts })
                    .of_ingress(ingress);
            found.push(keys.iter().fold(conflict, |conflict, key| conflict.at_annotation(ingress, key)));
        }
        found
    }
}

fn is_own(field: &Field<'_>, prefix: &str) -> bool {
    if field.kind == K::IngressNginx {
        return field.key("").strip_suffix('/') == Some(prefix);
    }
    READERS.iter().any(|(own, readers)| *own == prefix && readers.contains(&field.kind))
}

fn routes(name: &str) -> bool {
    ROUTING.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_rewrite_for_another_product_is_found() {
        let found = check(
            &Rule,
            "is traefik
             ing shop/web host=a.example /app(P)->web:80 ann:rewrite-target=/$2 ann:cert-manager.io/cluster-issuer=x",
            &["high a.example: shop/web metadata.annotations[\"nginx.ingress.kubernetes.io/rewrite-target\"]"],
        );
        assert!(
            matches!(&found[0].facts, Facts::ForeignAnnotations { of, .. } if of.contains(&K::IngressNginx))
        );
    }

    #[test]
    fn a_name_that_others_read_under_a_prefix_that_is_shared_is_found() {
        let key = "ingress.kubernetes.io/rewrite-target";
        for product in ["gce", "contour", "ingress-nginx", "traefik"] {
            let found = check(
                &Rule,
                &format!("is {product}\ning shop/web host=a.example /poller(P)->web:80 ann:{key}=/"),
                &[&format!("high a.example: shop/web metadata.annotations[\"{key}\"]")],
            );
            assert!(
                matches!(&found[0].facts, Facts::ForeignAnnotations { of, .. } if *of == [K::HaproxyIngress])
            );
        }
        silent(
            &Rule,
            "is contour
             ing shop/web host=a.example /(P)->web:80 ann:ingress.kubernetes.io/force-ssl-redirect=true",
        );
        silent(
            &Rule,
            "is gce\ning shop/web host=a.example /(P)->web:80 ann:ingress.kubernetes.io/backends={}",
        );
    }

    #[test]
    fn one_beside_an_own_counterpart_is_of_little_weight() {
        check(
            &Rule,
            "ing shop/web host=a.example /app(P)->web:80 ann:rewrite-target=/$2 ann:nginx.org/rewrites=x
             ing shop/api host=b.example /(P)->web:80 ann:nginx.org/proxy-read-timeout=9s",
            &[
                "low a.example: shop/web metadata.annotations[\"nginx.org/rewrites\"]",
                "low b.example: shop/api metadata.annotations[\"nginx.org/proxy-read-timeout\"]",
            ],
        );
    }

    #[test]
    fn the_prefix_the_controller_was_given_is_its_own() {
        check(
            &Rule,
            "arg --annotations-prefix=in.example
             ing shop/web host=a.example /app(P)->web:80 ann:in.example/rewrite-target=/x
             ing shop/old host=b.example /app(P)->web:80 ann:rewrite-target=/x",
            &[
                "high b.example: shop/old metadata.annotations[\"nginx.ingress.kubernetes.io/rewrite-target\"]",
            ],
        );
    }

    #[test]
    fn own_annotations_and_those_of_another_taker_are_not() {
        silent(
            &Rule,
            "ctl traefik edge
             ing shop/web host=a.example /app(P)->web:80 ann:rewrite-target=/x ann:traefik.ingress.kubernetes.io/router.tls=true also=1",
        );
    }
}

//! # What it finds
//! A rule without a host, or for a wildcard host, that seems to be meant for paths which a known host
//! leaves open.
//!
//! # Why it 404s
//! Once a host has rules of its own, only they are asked. A path that none of them takes is answered by
//! the controller; the hostless or wildcard rule is no second chance.
//!
//! # Example
//! ```yaml
//! # host shop.example.com: /api → api
//! # host *.example.com:    /    → web       shop.example.com/ is 404, not web
//! ```
//!
//! # What to do
//! Repeat the rule for the host, or add a `/` to the host.
//!
//! # References
//! nginx `src/http/ngx_http_core_module.c` (ngx_http_find_virtual_server); Envoy virtual hosts; the
//! products this holds for: `docs/controllers`. With Traefik, Kong, APISIX, haproxy-ingress and AWS the
//! rule is a second chance.

use std::collections::BTreeMap;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::{Entry, Host};
use crate::model::controller::ControllerKind;

#[derive(Debug)]
pub struct Rule;

/// A host that leaves the path of a wider rule open.
struct Open<'f> {
    name: &'f str,
    host: &'f Host<'f>,
    /// An Ingress of the wider rule's namespace is on the host.
    neighbour: bool,
}

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "catch_all_not_consulted"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        use ControllerKind as K;
        if !matches!(
            field.kind,
            K::IngressNginx
                | K::F5Nginx
                | K::Haproxytech
                | K::Contour
                | K::Istio
                | K::Cilium
                | K::Gce
                | K::Agic
        ) {
            return Vec::new();
        }
        // The host's own rule may stand where nobody could look.
        if !field.sees_all_ingresses() {
            return Vec::new();
        }
        // For each wider host its first rule, and the hosts that leave it open.
        let mut open: BTreeMap<&str, (Entry<'_>, Vec<Open<'_>>)> = BTreeMap::new();
        for (name, host) in field.hosts.iter() {
            if name.is_empty() || host.ingresses.is_empty() || host.root().is_some() {
                continue;
            }
            let Some((wider, rule)) = wider(field, name) else { continue };
            // Another Ingress of GCE is another load balancer.
            let is_apart = host.ingresses.iter().any(|ingress| !std::ptr::eq(*ingress, rule.ingress));
            if field.kind == K::Gce && is_apart {
                continue;
            }
            if host.covering(rule.path).is_some() {
                continue;
            }
            let same = |ingress: &&crate::model::ingress::Ingress| {
                ingress.meta.namespace == rule.ingress.meta.namespace
            };
            let neighbour = host.ingresses.iter().any(same);
            open.entry(wider).or_insert((rule, Vec::new())).1.push(Open { name, host, neighbour });
        }
        open.into_values().filter_map(|(rule, hosts)| self.told(field, &rule, &hosts)).collect()
    }
}

/// The next wider host with a rule, and the rule to be expected to help out: its `/`, else its first.
fn wider<'f>(field: &'f Field<'_>, name: &str) -> Option<(&'f str, Entry<'f>)> {
    let parent = name.strip_prefix("*.").is_none().then(|| name.split_once('.')).flatten();
    let wildcard = parent.map(|(_, parent)| format!("*.{parent}"));
    let found = wildcard.as_deref().and_then(|wildcard| field.hosts.find(wildcard));
    let (wider, host) = found.or_else(|| field.hosts.find(""))?;
    let rule = host.root().or_else(|| host.paths.first())?;
    // A canary that strayed here is no rule for everybody.
    (!rule.canary).then_some((wider, *rule))
}

impl Rule {
    fn told(&self, field: &Field<'_>, rule: &Entry<'_>, hosts: &[Open<'_>]) -> Option<Conflict> {
        let shown = hosts.iter().find(|open| open.neighbour).or(hosts.first())?;
        let maker = shown.host.maker()?;
        let severity = if shown.neighbour { Severity::Medium } else { Severity::Low };
        let facts = Facts::CatchAllNotConsulted {
            path: rule.path.to_owned(),
            hosts: hosts.len(),
            wildcard: rule.host().to_owned(),
        };
        let effect = if field.kind == ControllerKind::IngressNginx || field.kind == ControllerKind::F5Nginx {
            Effect::Status(404)
        } else {
            Effect::OwnAnswer
        };
        let fix = Fix::AddRule {
            ingress: maker.meta.key(),
            host: shown.name.to_owned(),
            path: rule.path.to_owned(),
            path_type: rule.rule.path_type.as_str(),
        };
        let at = maker.rules.iter().position(|rule| rule.host() == shown.name)?;
        let path = crate::analysis::field::pattern::samples(rule.path).into_iter().next()?;
        let conflict = Conflict::new(self, field, severity, facts, effect, fix)
            .on(shown.name)
            .shown_by(shown.name, &path)
            .at_path(rule.ingress, rule.place)
            .at_host(maker, crate::model::ingress::Place::Rule(at))
            .judged(field);
        // Somebody answers after all: an alias, a redirect or a default backend of the host.
        let open = matches!(conflict.sees.effect, Effect::Status(404) | Effect::OwnAnswer);
        open.then_some(conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    #[test]
    fn a_wildcard_of_the_same_namespace_does_not_help_out() {
        let found = check(
            &Rule,
            "ing shop/api age=9 host=shop.example.com /api(P)->api:80
             ing shop/all age=8 host=*.example.com /(P)->web:80
             ing other/x age=7 host=x.example.com /x(P)->x:80",
            &[
                "medium shop.example.com: shop/all spec.rules[0].http.paths[0].path, shop/api spec.rules[0].host",
            ],
        );
        sees(&found, &["http://shop.example.com/: 404"]);
        assert!(matches!(&found[0].facts, Facts::CatchAllNotConsulted { hosts: 2, .. }));
    }

    #[test]
    fn a_hostless_rule_does_not_help_out_either() {
        let found = check(
            &Rule,
            "ing shop/api age=9 host=shop.example.com /api(P)->api:80
             ing infra/all age=8 /errors(P)->web:80",
            &[
                "low shop.example.com: infra/all spec.rules[0].http.paths[0].path, shop/api spec.rules[0].host",
            ],
        );
        sees(&found, &["http://shop.example.com/errors: 404"]);
    }

    #[test]
    fn a_host_that_takes_the_path_itself_is_not_found() {
        silent(
            &Rule,
            "ing shop/a age=9 host=a.example.com /(P)->a:80
             ing shop/b age=8 host=b.example.com /errors(P)->b:80
             ing shop/c age=7 host=c.example.com /x(P)->c:80 default=c:80
             ing infra/all age=6 /errors(P)->web:80",
        );
    }

    #[test]
    fn with_products_that_fall_through_it_is_a_second_chance() {
        let world = "ing shop/api host=shop.example.com /api(P)->api:80
             ing shop/all host=*.example.com /(P)->web:80";
        for product in ["traefik", "traefik-ingress-nginx", "kong", "apisix", "haproxy-ingress", "aws-alb"] {
            silent(&Rule, &format!("is {product}\n{world}"));
        }
        for product in ["f5-nginx", "haproxytech", "contour", "istio", "cilium", "agic"] {
            check(
                &Rule,
                &format!("is {product}\n{world}"),
                &[
                    "medium shop.example.com: shop/all spec.rules[0].http.paths[0].path, shop/api spec.rules[0].host",
                ],
            );
        }
    }

    #[test]
    fn on_gce_only_rules_of_one_ingress_are_on_one_load_balancer() {
        silent(
            &Rule,
            "is gce
             ing shop/api host=shop.example.com /api(P)->api:80
             ing shop/all host=*.example.com /(P)->web:80",
        );
        let world =
            "is gce\ning shop/all host=shop.example.com /api(P)->api:80 host=*.example.com /(P)->web:80";
        let found = check(
            &Rule,
            world,
            &[
                "medium shop.example.com: shop/all spec.rules[1].http.paths[0].path, shop/all spec.rules[0].host",
            ],
        );
        sees(&found, &["http://shop.example.com/: 404"]);
        silent(&Rule, &format!("{world} default=web:80"));
    }
}

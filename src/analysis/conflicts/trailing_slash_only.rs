//! # What it finds
//! A path with a slash at its end, and no rule for the path without it.
//!
//! # Why it 404s
//! ingress-nginx and F5 NGINX answer the path without the slash with a redirect to the one with it, even
//! where a shorter prefix would take it: a client that does not follow, or sends a body, fails. Traefik,
//! APISIX and (for Exact) haproxytech do not match it at all.
//!
//! # Example
//! ```yaml
//! # path /app/ (Prefix); request /app: 301 on ingress-nginx, 404 with Traefik
//! ```
//!
//! # What to do
//! Write the path without the slash.
//!
//! # References
//! nginx `src/http/ngx_http_core_module.c` (ngx_http_core_find_location); kubernetes.io blog 2026-02-27
//! "Five surprising Ingress-NGINX behaviors"; the other products: `docs/controllers`.

use std::collections::HashSet;

use super::host_taken::{is_minion, owner};
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::hosts::{Entry, Host};
use crate::analysis::field::{Field, pattern};
use crate::model::controller::ControllerKind;
use crate::model::ingress::PathType;

#[derive(Debug)]
pub struct Rule;

/// What becomes of the path without the slash.
enum Bare {
    /// A redirect, before any shorter rule.
    Redirected,
    /// It is left to other rules.
    Left,
}

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "trailing_slash_only"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        // The other rule may stand where nobody could look.
        if !field.sees_all_ingresses() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter() {
            if field.sites.get(name).is_some_and(|site| site.regex.is_some()) {
                continue;
            }
            let ends = |entry: &&Entry<'_>| entry.path.len() > 1 && entry.path.ends_with('/');
            // F5 gives the host to one Ingress.
            let owner = (field.kind == ControllerKind::F5Nginx).then(|| owner(host)).flatten();
            let is_served = |entry: &&Entry<'_>| {
                owner.is_none_or(|owner| std::ptr::eq(owner, entry.ingress) || is_minion(entry.ingress))
            };
            let slashed: Vec<&Entry<'_>> = host.paths.iter().filter(ends).filter(is_served).collect();
            if slashed.is_empty() {
                continue;
            }
            let known: HashSet<&str> = host.paths.iter().map(|entry| entry.path).collect();
            let mut told = HashSet::new();
            for entry in slashed {
                let bare = entry.path.trim_end_matches('/');
                if bare.is_empty() || known.contains(bare) || !told.insert(bare) || !pattern::is_literal(bare)
                {
                    continue;
                }
                if let Some(fate) = fate(field.kind, entry) {
                    found.push(self.told(field, (name, host), entry, bare, &fate));
                }
            }
        }
        found
    }
}

fn fate(kind: ControllerKind, entry: &Entry<'_>) -> Option<Bare> {
    use ControllerKind as K;
    let exact = entry.rule.path_type == PathType::Exact;
    match kind {
        K::IngressNginx | K::F5Nginx => Some(Bare::Redirected),
        K::Traefik => Some(Bare::Left),
        K::Apisix if entry.rule.path_type != PathType::ImplementationSpecific => Some(Bare::Left),
        K::Haproxytech | K::TraefikIngressNginx if exact => Some(Bare::Left),
        // The API's own text: a Prefix takes it, an Exact path says what it says.
        K::Apisix
        | K::Haproxytech
        | K::TraefikIngressNginx
        | K::HaproxyIngress
        | K::AwsAlb
        | K::Contour
        | K::Istio
        | K::Cilium
        | K::Kong
        | K::Gce
        | K::Agic
        | K::OpenshiftRouter
        | K::Spec
        | K::HttpRoute
        | K::TraefikGateway => None,
    }
}

impl Rule {
    fn told(
        &self,
        field: &Field<'_>,
        (name, host): (&str, &Host<'_>),
        entry: &Entry<'_>,
        bare: &str,
        fate: &Bare,
    ) -> Conflict {
        // A rule of another Ingress that would have it, the root aside: roots are meant for the rest.
        let cover = host.above(bare).filter(|by| by.path != "/" && !std::ptr::eq(by.ingress, entry.ingress));
        let (severity, effect) = match fate {
            Bare::Redirected => {
                let to = format!("http://{name}{}", entry.path);
                let severity = if cover.is_some() { Severity::Medium } else { Severity::Low };
                (severity, Effect::Redirect { status: 301, to })
            }
            Bare::Left => {
                let effect = match cover.or(host.root()) {
                    Some(by) => Effect::ServedBy { ingress: by.ingress.meta.key(), backend: by.target() },
                    None => Effect::OwnAnswer,
                };
                (Severity::Medium, effect)
            }
        };
        let facts = Facts::TrailingSlashOnly { path: entry.path.to_owned() };
        let fix =
            Fix::Set { part: Part::new(entry.ingress, entry.place.field("path")), value: bare.to_owned() };
        let mut conflict = Conflict::new(self, field, severity, facts, effect, fix)
            .on(name)
            .shown_by(name, bare)
            .at_path(entry.ingress, entry.place);
        if let Some(by) = cover {
            conflict = conflict.at_path(by.ingress, by.place);
        }
        conflict.judged(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, found as found_by, sees, silent};

    #[test]
    fn the_path_without_its_slash_is_redirected() {
        for path_type in ["P", "E"] {
            let found = check(
                &Rule,
                &format!("ing shop/a host=a.example /app/({path_type})->a:80 /(P)->web:80"),
                &["low a.example: shop/a spec.rules[0].http.paths[0].path"],
            );
            sees(&found, &["http://a.example/app: 301 http://a.example/app/"]);
        }
    }

    #[test]
    fn even_where_a_shorter_rule_of_another_ingress_would_take_it() {
        let found = check(
            &Rule,
            "ing shop/a age=9 host=a.example /api/v1/(P)->v1:80
             ing shop/b age=8 host=a.example /api(P)->api:80",
            &[
                "medium a.example: shop/a spec.rules[0].http.paths[0].path, shop/b spec.rules[0].http.paths[0].path",
            ],
        );
        sees(&found, &["http://a.example/api/v1: 301 http://a.example/api/v1/"]);
    }

    #[test]
    fn with_a_rule_for_both_on_a_regex_host_and_at_the_root_it_is_not_found() {
        silent(
            &Rule,
            "ing shop/a host=a.example /app/(P)->a:80 /app(E)->a:80 /(P)->a:80
             ing shop/b host=b.example /app/(P)->a:80 ann:use-regex=true",
        );
    }

    #[test]
    fn other_products_do_not_match_it_or_do() {
        let world = |product: &str, path_type: &str| {
            format!("is {product}\ning shop/a host=a.example /app/({path_type})->a:80 /(P)->web:80")
        };
        for (product, path_type, answer) in [
            ("traefik", "P", "shop/a web:80"),
            ("traefik", "E", "shop/a web:80"),
            ("apisix", "P", "shop/a web:80"),
            ("haproxytech", "E", "shop/a web:80"),
            ("traefik-ingress-nginx", "E", "shop/a web:80"),
            ("f5-nginx", "P", "301 http://a.example/app/"),
        ] {
            let found = found_by(&Rule, &world(product, path_type));
            sees(&found, &[&format!("http://a.example/app: {answer}")]);
        }
        for (product, path_type) in [
            ("haproxytech", "P"),
            ("traefik-ingress-nginx", "P"),
            ("contour", "P"),
            ("istio", "E"),
            ("apisix", "I"),
        ] {
            silent(&Rule, &world(product, path_type));
        }
    }
}

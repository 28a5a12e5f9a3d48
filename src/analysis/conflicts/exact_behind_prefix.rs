//! # What it finds
//! An Exact path that a Prefix of the same host, of its wildcard or without a host is preferred to, under
//! Traefik.
//!
//! # Why it 404s
//! Traefik orders its routers by the length of their rule text, and a Prefix is longer to write: Prefix
//! `/` comes before Exact `/foo`. The Exact path's Service never gets a request; the other one gets paths
//! that it may not know.
//!
//! # Example
//! ```yaml
//! # host shop.example.com: / (Prefix) → web, /foo (Exact) → foo       /foo is answered by web
//! ```
//!
//! # What to do
//! Set `traefik.ingress.kubernetes.io/router.priority` on the Ingress with the Exact path, or make it a
//! Prefix. The provider for ingress-nginx annotations has no such annotation.
//!
//! # References
//! traefik `pkg/muxer/http/mux.go` (GetRulePriority) @ v3.7, seen on the real controller.

use std::collections::HashMap;

use super::hostless_outranks_host::wider;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::{Entry, Host};
use crate::analysis::field::rule_text::{PRIORITY, Texts};
use crate::model::controller::ControllerKind;
use crate::model::ingress::PathType;
use crate::model::object::annotation_field;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "exact_behind_prefix"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let Some(texts) = Texts::of(field) else { return Vec::new() };
        let best: HashMap<&str, Prefixes<'_>> =
            field.hosts.iter().map(|(name, host)| (name, prefixes(field, texts, host))).collect();
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter() {
            let regex = is_regex_host(field, host);
            let wider: Vec<&Prefixes<'_>> = wider(name)
                .filter(|wider| wider != name)
                .filter_map(|wider| best.get(wider.as_str()))
                .collect();
            for exact in host.paths.iter().filter(|entry| entry.is_exact()) {
                let Some(own) = texts.priority(exact, regex) else { continue };
                let sources = || best.get(name).into_iter().chain(wider.iter().copied());
                let before = texts
                    .prefixes(exact.path)
                    .flat_map(|head| sources().filter_map(move |prefixes| prefixes.get(head)))
                    .max_by_key(|(priority, _)| *priority);
                if let Some((priority, by)) = before
                    && own <= *priority
                    && !by.same_backend(exact)
                {
                    found.push(self.told(field, name, (exact, own), (by, *priority)));
                }
            }
        }
        found
    }
}

/// The prefixes of a host, each with the priority and the rule that is tried first.
type Prefixes<'f> = HashMap<&'f str, (i64, &'f Entry<'f>)>;

fn prefixes<'f>(field: &Field<'_>, texts: Texts, host: &'f Host<'f>) -> Prefixes<'f> {
    let regex = is_regex_host(field, host);
    let mut best: Prefixes<'f> = HashMap::new();
    for entry in host.paths.iter().filter(|entry| !entry.is_exact() && !entry.rule.path.is_empty()) {
        let Some(priority) = texts.priority(entry, regex) else { continue };
        let kept = best.entry(entry.path).or_insert((priority, entry));
        if kept.0 < priority {
            *kept = (priority, entry);
        }
    }
    best
}

/// Whether the provider for ingress-nginx annotations reads the host's paths as patterns.
fn is_regex_host(field: &Field<'_>, host: &Host<'_>) -> bool {
    let asks = |name: &str| host.ingresses.iter().any(|ingress| field.policy.is_set(ingress, name));
    field.kind == ControllerKind::TraefikIngressNginx && (asks("use-regex") || asks("rewrite-target"))
}

impl Rule {
    fn told(
        &self,
        field: &Field<'_>,
        name: &str,
        (exact, own): (&Entry<'_>, i64),
        (by, priority): (&Entry<'_>, i64),
    ) -> Conflict {
        let effect = if own == priority {
            let mut targets: Vec<_> = [exact, by].into_iter().filter_map(Entry::target).collect();
            targets.sort();
            Effect::AnyOf(targets)
        } else {
            Effect::ServedBy { ingress: by.ingress.meta.key(), backend: by.target() }
        };
        let facts = Facts::ExactBehindPrefix {
            path: exact.path.to_owned(),
            prefix: by.path.to_owned(),
            own,
            other: priority,
        };
        let fix = match field.kind {
            ControllerKind::Traefik => Fix::Set {
                part: Part::new(exact.ingress, annotation_field(PRIORITY)),
                value: (priority + 1).to_string(),
            },
            _ => Fix::Set {
                part: Part::new(exact.ingress, exact.place.field("pathType")),
                value: PathType::Prefix.as_str().to_owned(),
            },
        };
        let conflict = Conflict::new(self, field, Severity::High, facts, effect, fix)
            .on(name)
            .shown_by(name, exact.path)
            .at_path(exact.ingress, exact.place)
            .at_path(by.ingress, by.place);
        let conflict = if own == priority { conflict } else { conflict.won_by(by.ingress) };
        conflict.judged(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const BOTH: &str =
        "high a.example: shop/a spec.rules[0].http.paths[1].path, shop/a spec.rules[0].http.paths[0].path";

    fn world(product: &str, prefix: &str, exact: &str) -> String {
        format!("is {product}\ning shop/a host=a.example {prefix}(P)->web:80 {exact}(E)->foo:80")
    }

    #[test]
    fn a_prefix_with_a_longer_rule_text_comes_first() {
        for (product, prefix, exact) in [
            ("traefik", "/", "/foo"),
            ("traefik", "/", "/foo12"),
            ("traefik", "/api", "/api/x"),
            ("traefik", "/foo", "/foo"),
            ("traefik-ingress-nginx", "/", "/foo"),
            ("traefik-ingress-nginx", "/api", "/api/long-path"),
        ] {
            let found = check(&Rule, &world(product, prefix, exact), &[BOTH]);
            sees(&found, &[&format!("http://a.example{exact}: shop/a web:80")]);
        }
    }

    #[test]
    fn a_prefix_without_a_host_comes_first_where_it_is_long_to_write() {
        let world = |path: &str| {
            format!(
                "is traefik-ingress-nginx
                 ing any/all age=9 /abcdefghij(P)->any:80
                 ing shop/a age=8 host=a.test {path}(E)->foo:80"
            )
        };
        let found = check(
            &Rule,
            &world("/abcdefghij/x"),
            &[
                "high a.test: shop/a spec.rules[0].http.paths[0].path, any/all spec.rules[0].http.paths[0].path",
            ],
        );
        sees(&found, &["http://a.test/abcdefghij/x: any/all any:80"]);
        silent(&Rule, &world("/abcdefghij/a-much-longer-path"));
        silent(&Rule, &world("/other"));
    }

    #[test]
    fn equal_lengths_are_in_no_order() {
        let found = check(&Rule, &world("traefik", "/", "/foo123"), &[BOTH]);
        sees(&found, &["http://a.example/foo123: one of foo:80 web:80"]);
        assert_eq!(found[0].winner, None);
    }

    #[test]
    fn an_exact_path_that_is_long_enough_or_has_a_priority_lives() {
        silent(&Rule, &world("traefik", "/", "/foo1234"));
        silent(&Rule, &world("traefik", "/", "/healthz"));
        silent(&Rule, &world("traefik", "/api", "/api/long-path"));
        silent(&Rule, &world("traefik", "/bar", "/foo"));
        silent(&Rule, &world("ingress-nginx", "/", "/foo"));
        silent(
            &Rule,
            &format!(
                "is traefik
                 ing shop/a host=a.example /(P)->web:80
                 ing shop/b host=a.example /foo(E)->foo:80 ann:{PRIORITY}=1000
                 ing shop/c host=c.example /(P)->web:80 /foo(E)->web:80"
            ),
        );
    }
}

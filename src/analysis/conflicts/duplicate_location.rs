//! # What it finds
//! Rules of one host that ingress-nginx would write down as the same nginx location: Prefix `/foo` and
//! Prefix `/foo/`; one path with Exact, Prefix and Prefix again (or Prefix, Exact, Exact); two Exact `/`.
//!
//! # Why it 404s
//! nginx refuses the whole file. No newer change takes effect any more, for no host of the controller:
//! new Ingresses are 404, changed backends stay the old ones; after a restart nothing is served at all.
//!
//! # Example
//! ```yaml
//! # Ingress shop/a: host shop.example.com, path /foo/ (Prefix)
//! # Ingress shop/b: host shop.example.com, path /foo  (Prefix), created later: the webhook lets it pass
//! ```
//!
//! # What to do
//! Keep one of the rules. The controller's log shows `duplicate location` until it is gone.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/location.go` (updateServerLocations) @
//! controller-v1.15.1; nginx `src/http/ngx_http.c`; kubernetes/ingress-nginx#10090.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::{Field, by_age};

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "duplicate_location"
    }

    fn worst(&self) -> Severity {
        Severity::Critical
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for (host, site) in &field.sites {
            let mut told = std::collections::BTreeSet::new();
            for (location, one, other) in site.duplicates() {
                if !told.insert(location.path.trim_end_matches('/').to_owned()) {
                    continue;
                }
                let mut both = [one, other];
                // The younger rule is the one to change.
                both.sort_by(|a, b| by_age(b.ingress, a.ingress).then(b.place.cmp(&a.place)));
                let facts = Facts::DuplicateLocation { location: location.path.to_string() };
                let parts =
                    both.iter().map(|entry| Part::new(entry.ingress, entry.place.field("path"))).collect();
                let mut conflict = Conflict::new(
                    self,
                    field,
                    Severity::Critical,
                    facts,
                    Effect::Frozen,
                    Fix::KeepOne { parts },
                )
                .on(host)
                .shown_by(host, &location.path);
                for entry in both {
                    conflict = conflict.at_path(entry.ingress, entry.place);
                }
                found.push(conflict);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    #[test]
    fn a_prefix_with_and_without_its_slash_stops_every_reload() {
        for (first, second) in [("/foo/", "/foo"), ("/foo", "/foo/")] {
            let found = check(
                &Rule,
                &format!(
                    "ing shop/a age=9 host=a.example {first}(P)->a:80
                     ing shop/b age=8 host=a.example {second}(I)->b:80"
                ),
                &[
                    "critical a.example: shop/b spec.rules[0].http.paths[0].path, shop/a spec.rules[0].http.paths[0].path",
                ],
            );
            sees(&found, &["http://a.example/foo/: Frozen"]);
        }
    }

    #[test]
    fn three_rules_of_two_types_on_one_path_do_too() {
        for types in ["EPP", "PEE"] {
            let types: Vec<char> = types.chars().collect();
            let [a, b, c] = types.as_slice() else { panic!("three") };
            check(
                &Rule,
                &format!(
                    "ing shop/a age=9 host=a.example /x({a})->a:80
                     ing shop/b age=8 host=a.example /x({b})->b:80
                     ing shop/c age=7 host=a.example /x({c})->c:80"
                ),
                &[
                    "critical a.example: shop/c spec.rules[0].http.paths[0].path, shop/b spec.rules[0].http.paths[0].path",
                ],
            );
        }
    }

    #[test]
    fn two_exact_roots_do_too() {
        check(
            &Rule,
            "ing shop/a age=9 host=a.example /(E)->a:80
             ing shop/b age=8 host=a.example /(E)->b:80",
            &[
                "critical a.example: shop/b spec.rules[0].http.paths[0].path, shop/a spec.rules[0].http.paths[0].path",
            ],
        );
    }

    #[test]
    fn what_nginx_loads_is_not_found() {
        silent(
            &Rule,
            "ing shop/a age=9 host=a.example /x(E)->a:80 /y/(P)->a:80 /y(E)->a:80 /(E)->a:80
             ing shop/b age=8 host=a.example /x(E)->b:80 /z(P)->b:80
             ing shop/c age=7 host=c.example /foo(P)->c:80
             ing shop/d age=6 host=c.example /foo/(P)->d:80 ann:use-regex=true
             ing shop/e age=5 host=e.example /foo(P)->d:80 ann:rewrite-target=/
             ing shop/f age=4 host=f.example /foo/(P)->d:80",
        );
    }

    #[test]
    fn other_products_are_not_concerned() {
        silent(&Rule, "is traefik\ning shop/a host=a.example /foo(P)->a:80 /foo/(P)->b:80");
    }
}

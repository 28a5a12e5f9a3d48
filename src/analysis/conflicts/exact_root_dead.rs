//! # What it finds
//! An Exact `/` on a regex host of ingress-nginx.
//!
//! # Why it 404s
//! On a regex host the host's own default location and the Exact `/` are the same pattern, `^/`, and the
//! default one stands first: `/` is answered by the controller, or by whoever owns Prefix `/`.
//!
//! # Example
//! ```yaml
//! annotations: {nginx.ingress.kubernetes.io/use-regex: "true"}
//! # paths: / (Exact) → home, /v[0-9]+ (ImplementationSpecific) → api
//! ```
//!
//! # What to do
//! Make it a Prefix, or `/$` with pathType ImplementationSpecific.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/template/template.go` (buildLocation),
//! `internal/ingress/controller/controller.go` (getBackendServers) @ controller-v1.15.1.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::target;
use crate::analysis::field::sites::Owner;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "exact_root_dead"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for (host, site) in field.sites.iter().filter(|(_, site)| site.regex.is_some()) {
            let roots: Vec<_> = site.locations.iter().filter(|location| location.path == "/").collect();
            let Some((first, rest)) = roots.split_first() else { continue };
            for dead in rest {
                let Owner::Path(entry) = dead.owner else { continue };
                let by = match first.owner {
                    Owner::Path(by) => Some((by.ingress, by.target())),
                    Owner::Host(maker) | Owner::CatchAll(maker) => {
                        let backend = maker.default_backend.as_ref();
                        backend.and_then(|backend| Some((maker, Some(target(maker, backend)?))))
                    }
                    Owner::Nobody => None,
                };
                let effect = match by {
                    Some((ingress, backend)) => Effect::ServedBy { ingress: ingress.meta.key(), backend },
                    None => Effect::Status(404),
                };
                let part = Part::new(entry.ingress, entry.place.field("pathType"));
                let fix = match first.owner {
                    Owner::Path(by) => Fix::KeepOne {
                        parts: vec![
                            Part::new(entry.ingress, entry.place.field("path")),
                            Part::new(by.ingress, by.place.field("path")),
                        ],
                    },
                    Owner::Host(_) | Owner::CatchAll(_) | Owner::Nobody => {
                        Fix::Set { part, value: "Prefix".to_owned() }
                    }
                };
                let mut conflict =
                    Conflict::new(self, field, Severity::High, Facts::ExactRootDead, effect, fix)
                        .on(host)
                        .shown_by(host, "/")
                        .at_path(entry.ingress, entry.place);
                if let Some((forcing, key)) = site.regex {
                    conflict = conflict.at_annotation(forcing, &field.key(key));
                }
                let conflict = conflict.judged(field);
                // Another way to the same Service is none of anybody's concern.
                let same = |effect: &Effect| matches!(effect, Effect::ServedBy { backend, .. } if *backend == entry.target());
                if !same(&conflict.sees.effect) {
                    found.push(conflict);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const REGEX: &str = "shop/v metadata.annotations[\"nginx.ingress.kubernetes.io/use-regex\"]";
    const PLACE: &str = "shop/home spec.rules[0].http.paths[0].path";

    #[test]
    fn it_is_answered_by_the_controller_or_by_the_default_backend_of_the_host() {
        for (default, answer) in [("", "404"), ("default=any:80", "shop/home any:80")] {
            let found = check(
                &Rule,
                &format!(
                    "ing shop/home age=9 host=a.example /(E)->home:80 {default}
                     ing shop/v age=8 host=a.example /v[0-9]+(I)->v:80 ann:use-regex=true"
                ),
                &[&format!("high a.example: {PLACE}, {REGEX}")],
            );
            sees(&found, &[&format!("http://a.example/: {answer}")]);
            assert!(matches!(&found[0].fix, Fix::Set { value, .. } if value == "Prefix"));
        }
    }

    #[test]
    fn a_prefix_root_takes_it_whoever_is_older() {
        for (own, other) in [(9, 7), (6, 8)] {
            let found = check(
                &Rule,
                &format!(
                    "ing shop/home age={own} host=a.example /(E)->home:80
                     ing shop/web age={other} host=a.example /(P)->web:80
                     ing shop/v age=1 host=a.example /v[0-9]+(I)->v:80 ann:use-regex=true"
                ),
                &[&format!("high a.example: {PLACE}, {REGEX}")],
            );
            sees(&found, &["http://a.example/: shop/web web:80"]);
        }
    }

    #[test]
    fn on_a_normal_host_it_lives() {
        silent(
            &Rule,
            "ing shop/home host=a.example /(E)->home:80 /(P)->web:80
             ing shop/v host=b.example /v[0-9]+(I)->v:80 /(P)->v:80 ann:use-regex=true",
        );
    }
}

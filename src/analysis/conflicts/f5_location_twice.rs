//! # What it finds
//! A Prefix and an ImplementationSpecific path of the same text in one Ingress of F5 NGINX.
//!
//! # Why it 404s
//! Both are written as `location /path`; nginx refuses the file. No newer change takes effect for anyone,
//! and after a restart every host is 404.
//!
//! # Example
//! ```yaml
//! # paths: /api (Prefix) → a, /api (ImplementationSpecific) → b
//! ```
//!
//! # What to do
//! Keep one of them.
//!
//! # References
//! nginx/kubernetes-ingress `internal/configs/version1/nginx.ingress.tmpl` @ v5.5, seen on the real
//! controller.

use std::collections::HashMap;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::Entry;
use crate::model::controller::ControllerKind;
use crate::model::ingress::PathType;

use super::host_taken::{is_minion, owner};

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "f5_location_twice"
    }

    fn worst(&self) -> Severity {
        Severity::Critical
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::F5Nginx {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter() {
            let Some(owner) = owner(host).filter(|owner| !is_minion(owner)) else { continue };
            let mut seen: HashMap<&str, &Entry<'_>> = HashMap::new();
            let own = host.paths.iter().filter(|entry| std::ptr::eq(entry.ingress, owner));
            for entry in own.filter(|entry| !entry.is_exact()) {
                let first = *seen.entry(entry.path).or_insert(entry);
                if first.is(entry) || !two_types(first, entry) {
                    continue;
                }
                let part = |entry: &Entry<'_>| Part::new(entry.ingress, entry.place.field("path"));
                let facts = Facts::F5LocationTwice { path: entry.path.to_owned() };
                let fix = Fix::KeepOne { parts: vec![part(entry), part(first)] };
                found.push(
                    Conflict::new(self, field, Severity::Critical, facts, Effect::Frozen, fix)
                        .on(name)
                        .shown_by(name, entry.path)
                        .at_path(entry.ingress, entry.place)
                        .at_path(first.ingress, first.place),
                );
            }
        }
        found
    }
}

fn two_types(a: &Entry<'_>, b: &Entry<'_>) -> bool {
    let specific = |entry: &Entry<'_>| entry.rule.path_type == PathType::ImplementationSpecific;
    specific(a) != specific(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn two_types_of_prefix_on_one_path_stop_every_reload() {
        check(
            &Rule,
            "is f5-nginx\ning shop/a host=a.example /api(P)->a:80 /api(I)->b:80",
            &[
                "critical a.example: shop/a spec.rules[0].http.paths[1].path, shop/a spec.rules[0].http.paths[0].path",
            ],
        );
    }

    #[test]
    fn exact_beside_prefix_and_an_ingress_that_lost_the_host_do_not() {
        silent(
            &Rule,
            "is f5-nginx
             ing shop/a age=9 host=a.example /api(P)->a:80 /api(E)->b:80
             ing shop/b age=8 host=a.example /x(P)->a:80 /x(I)->b:80",
        );
        silent(&Rule, "ing shop/a host=a.example /api(P)->a:80 /api(I)->b:80");
    }
}

//! # What it finds
//! One host in two rules of an Ingress of GCE.
//!
//! # Why it 404s
//! A host has one list of paths in the URL map, and the later rule writes it anew: every path of the earlier
//! rule is gone. Its requests get the default backend, whose 404 it is unless the Ingress has its own.
//!
//! # Example
//! ```yaml
//! spec:
//!   rules:
//!   - {host: shop.example.com, http: {paths: [{path: /cart, …}]}}     # never served
//!   - {host: shop.example.com, http: {paths: [{path: /, …}]}}
//! ```
//!
//! # What to do
//! Write all paths of a host into one rule.
//!
//! # References
//! kubernetes/ingress-gce `pkg/utils/gceurlmap.go` (PutPathRulesForHost).

use std::collections::BTreeMap;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::{Field, pattern};
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Place};

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "gce_host_twice"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::Gce {
            return Vec::new();
        }
        field.loaded.iter().flat_map(|ingress| self.of(field, ingress)).collect()
    }
}

impl Rule {
    fn of(&self, field: &Field<'_>, ingress: &Ingress) -> Vec<Conflict> {
        let mut rules: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, rule) in ingress.rules.iter().enumerate() {
            rules.entry(rule.host().to_ascii_lowercase()).or_default().push(at);
        }
        let told = |(host, at): (String, Vec<usize>)| {
            let (last, lost) = at.split_last().filter(|(_, lost)| !lost.is_empty())?;
            let paths = || lost.iter().filter_map(|at| ingress.rules.get(*at)).flat_map(|rule| rule.paths());
            let first = paths().next()?;
            let facts = Facts::GceHostTwice { paths: paths().count() };
            let parts = at.iter().map(|at| Part::new(ingress, Place::Rule(*at).field("host"))).collect();
            let told =
                Conflict::new(self, field, Severity::High, facts, Effect::OwnAnswer, Fix::KeepOne { parts });
            let told = lost
                .iter()
                .chain([last])
                .fold(told.on(&host), |told, at| told.at_host(ingress, Place::Rule(*at)));
            let sample = pattern::samples(first.path.trim_end_matches('*')).into_iter().next();
            Some(match sample {
                Some(path) => told.shown_by(&host, &path).judged(field),
                None => told,
            })
        };
        rules.into_iter().filter_map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const TWO: &str = "ing shop/a host=a.example /cart(P)->cart:80 host=a.example /web(P)->web:80";

    #[test]
    fn the_later_rule_of_a_host_replaces_the_earlier_one() {
        for (default, answer) in [("", "404"), ("default=any:80", "shop/a any:80")] {
            let found = check(
                &Rule,
                &format!("is gce\n{TWO} {default}"),
                &["high a.example: shop/a spec.rules[0].host, shop/a spec.rules[1].host"],
            );
            sees(&found, &[&format!("http://a.example/cart: {answer}")]);
        }
    }

    #[test]
    fn two_hosts_two_ingresses_and_other_products_are_not_concerned() {
        silent(
            &Rule,
            "is gce
             ing shop/a host=a.example /cart(P)->cart:80 host=b.example /web(P)->web:80
             ing shop/b host=a.example /web(P)->web:80",
        );
        silent(&Rule, TWO);
    }
}

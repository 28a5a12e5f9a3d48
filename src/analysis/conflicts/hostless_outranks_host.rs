//! # What it finds
//! A rule without a host, or for a wildcard host, that takes requests from a host with a rule for them,
//! under Traefik.
//!
//! # Why it 404s
//! A host is one condition among others; the longer rule text wins. A long path without a host comes
//! before a short path with a short host, and its Service gets requests of somebody else's host.
//!
//! # Example
//! ```yaml
//! # no host, path /this/is/a/very/long/prefix/path → a
//! # host h.io, path /                              → b        h.io/this/is/a/very/long/… is answered by a
//! ```
//!
//! # What to do
//! Give the wide rule a host, or the host's Ingress a higher
//! `traefik.ingress.kubernetes.io/router.priority`.
//!
//! # References
//! traefik `pkg/muxer/http/mux.go` (GetRulePriority) @ v3.7, seen on the real controller.

use std::collections::{BTreeMap, HashMap};

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::Entry;
use crate::analysis::field::rule_text::Texts;

#[derive(Debug)]
pub struct Rule;

type Ranked<'f> = (i64, Entry<'f>);

/// The rule that takes, and those it takes from, each with its host.
type Stolen<'f> = (Ranked<'f>, Vec<(&'f str, Ranked<'f>)>);

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "hostless_outranks_host"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let Some(texts) = Texts::of(field) else { return Vec::new() };
        // Of each wide host the rule that is tried first.
        let mut wide: HashMap<&str, Ranked<'_>> = HashMap::new();
        for (name, host) in field.hosts.iter().filter(|(name, _)| is_wide(name)) {
            let ranked = host.paths.iter().filter(|entry| !entry.rule.path.is_empty());
            let first = ranked.filter_map(|e| Some((texts.priority(e, false)?, *e))).max_by_key(|(p, _)| *p);
            wide.extend(first.map(|first| (name, first)));
        }
        let mut stolen: BTreeMap<&str, Stolen<'_>> = BTreeMap::new();
        for (name, host) in field.hosts.iter().filter(|(name, _)| !name.is_empty()) {
            for (wider, thief) in wider(name).filter_map(|wider| wide.get_key_value(wider.as_str())) {
                // Exact paths have a rule of their own.
                let takes = |entry: &&Entry<'_>| !entry.is_exact() && texts.takes(entry.path, thief.1.path);
                let own = host.paths.iter().filter(takes);
                let best = own.filter_map(|e| Some((texts.priority(e, false)?, *e))).max_by_key(|(p, _)| *p);
                if let Some(best) = best
                    && best.0 < thief.0
                    && !best.1.same_backend(&thief.1)
                {
                    stolen.entry(wider).or_insert((*thief, Vec::new())).1.push((name, best));
                }
            }
        }
        stolen.into_values().filter_map(|(thief, victims)| self.told(field, &thief, &victims)).collect()
    }
}

fn is_wide(host: &str) -> bool {
    host.is_empty() || host.starts_with("*.")
}

/// The wider hosts that may take a host's requests.
pub(super) fn wider(name: &str) -> impl Iterator<Item = String> {
    let parent = name.strip_prefix("*.").is_none().then(|| name.split_once('.')).flatten();
    parent.map(|(_, parent)| format!("*.{parent}")).into_iter().chain([String::new()])
}

impl Rule {
    fn told(
        &self,
        field: &Field<'_>,
        (priority, thief): &Ranked<'_>,
        victims: &[(&str, Ranked<'_>)],
    ) -> Option<Conflict> {
        let (host, (own, victim)) = victims.first()?;
        let facts = Facts::HostlessOutranksHost { hosts: victims.len(), own: *own, other: *priority };
        let effect = Effect::ServedBy { ingress: thief.ingress.meta.key(), backend: thief.target() };
        let fix = Fix::OwnHost { ingress: thief.ingress.meta.key() };
        let mut conflict = Conflict::new(self, field, Severity::High, facts, effect, fix)
            .on(host)
            .at_path(thief.ingress, thief.place)
            .at_path(victim.ingress, victim.place)
            .won_by(thief.ingress);
        for (_, (_, other)) in victims.iter().skip(1) {
            conflict = conflict.at_path(other.ingress, other.place);
        }
        // The path itself may be an Exact one of the host.
        let deeper = format!("{}/any", thief.path.trim_end_matches('/'));
        let shown = conflict.shown_by_one_of(field, host, [thief.path.to_owned(), deeper]);
        shown.sees.url.is_some().then(|| shown.judged(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const WIDE: &str = "ing any/a /this/is/a/very/long/prefix/path(P)->a:80";
    const PLACES: &str =
        "h.io: any/a spec.rules[0].http.paths[0].path, shop/b spec.rules[0].http.paths[0].path";

    #[test]
    fn a_long_path_without_a_host_comes_before_a_short_host() {
        let found = check(
            &Rule,
            &format!("is traefik\n{WIDE}\ning shop/b host=h.io /(P)->b:80"),
            &[&format!("high {PLACES}")],
        );
        sees(&found, &["http://h.io/this/is/a/very/long/prefix/path: any/a a:80"]);
    }

    #[test]
    fn a_wildcard_does_too() {
        let found = check(
            &Rule,
            "is traefik
             ing any/a host=*.wild.com /deep/long/path/here(P)->a:80
             ing shop/b host=a.wild.com /(P)->b:80",
            &[
                "high a.wild.com: any/a spec.rules[0].http.paths[0].path, shop/b spec.rules[0].http.paths[0].path",
            ],
        );
        sees(&found, &["http://a.wild.com/deep/long/path/here: any/a a:80"]);
    }

    #[test]
    fn under_the_other_provider_short_hosts_lose_early() {
        let world = |host: &str| {
            format!("is traefik-ingress-nginx\ning any/a /api(P)->a:80\ning shop/b host={host} /(P)->b:80")
        };
        check(
            &Rule,
            &world("shop.test"),
            &[
                "high shop.test: any/a spec.rules[0].http.paths[0].path, shop/b spec.rules[0].http.paths[0].path",
            ],
        );
        silent(&Rule, &world("shop.tests"));
    }

    #[test]
    fn a_long_enough_host_a_path_of_its_own_or_a_product_that_goes_by_host_is_not_found() {
        silent(&Rule, &format!("is traefik\n{WIDE}\ning shop/b host=a-long-enough.example /(P)->b:80"));
        silent(&Rule, &format!("is traefik\n{WIDE}\ning shop/b host=h.io /other(P)->b:80"));
        silent(&Rule, &format!("{WIDE}\ning shop/b host=h.io /(P)->b:80"));
    }
}

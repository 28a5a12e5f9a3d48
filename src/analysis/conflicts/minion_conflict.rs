//! # What it finds
//! Minions of F5 NGINX that get in each other's way: one path in two minions, one path twice in a minion,
//! or a minion whose host has no master.
//!
//! # Why it 404s
//! The type of a path does not tell two minions apart: the oldest keeps the path, the other is dropped. A
//! path listed twice in one minion is served by nobody. Without a master no minion is loaded.
//!
//! # Example
//! ```yaml
//! # minion shop/a, older: path /x (Exact);  minion shop/b: path /x (Prefix)     /x/y is 404
//! ```
//!
//! # What to do
//! Give each path to one minion, once; create the master with the host.
//!
//! # References
//! nginx/kubernetes-ingress `internal/k8s/configuration.go` (buildMinionConfigs) @ v5.5; seen on the real
//! controller.

use std::collections::BTreeMap;

use crate::analysis::conflict::facts::Minions;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::hosts::{Entry, Host};
use crate::analysis::field::{Field, pattern};
use crate::model::controller::ControllerKind;
use crate::model::ingress::Place;

use super::host_taken::{is_master, is_minion, owner};

#[derive(Debug)]
pub struct Rule;

/// The minions' rules of a host, oldest first on each path.
type ByPath<'f, 'a> = BTreeMap<&'f str, Vec<&'f Entry<'a>>>;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "minion_conflict"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::F5Nginx {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter() {
            if !host.ingresses.iter().any(|ingress| is_minion(ingress)) {
                continue;
            }
            if owner(host).is_none_or(|owner| !is_master(owner)) {
                found.extend(self.without_master(field, name, host));
                continue;
            }
            let mut by_path: ByPath<'_, '_> = BTreeMap::new();
            for entry in host.paths.iter().filter(|entry| is_minion(entry.ingress)) {
                by_path.entry(entry.path).or_default().push(entry);
            }
            for (path, entries) in by_path.iter().filter(|(_, entries)| entries.len() > 1) {
                found.push(self.on_one_path(field, name, path, entries, &by_path));
            }
        }
        found
    }
}

impl Rule {
    fn without_master(&self, field: &Field<'_>, name: &str, host: &Host<'_>) -> Option<Conflict> {
        if !field.sees_all_ingresses() {
            return None;
        }
        let minions: Vec<_> = host.ingresses.iter().copied().filter(|ingress| is_minion(ingress)).collect();
        minions.first()?;
        let facts = Facts::MinionConflict(Minions::NoMaster);
        let fix = Fix::AddMaster { host: name.to_owned() };
        let mut conflict = Conflict::new(self, field, Severity::High, facts, Effect::NotLoaded, fix).on(name);
        for minion in &minions {
            let at = minion.rules.iter().position(|rule| rule.host() == name).unwrap_or_default();
            conflict = conflict.at_host(minion, Place::Rule(at));
        }
        let entry = host.paths.iter().find(|entry| is_minion(entry.ingress));
        let sample = entry.and_then(|entry| pattern::samples(entry.path).into_iter().next());
        Some(match sample {
            Some(path) => conflict.shown_by(name, &path),
            None => conflict,
        })
    }

    fn on_one_path(
        &self,
        field: &Field<'_>,
        name: &str,
        path: &str,
        entries: &[&Entry<'_>],
        by_path: &ByPath<'_, '_>,
    ) -> Conflict {
        // Oldest first, as the host keeps them.
        let first = entries.first();
        let twice =
            entries.windows(2).any(|pair| matches!(pair, [a, b] if std::ptr::eq(a.ingress, b.ingress)));
        let shorter = (0..path.len()).rev().filter_map(|end| by_path.get(path.get(..end)?)?.first());
        let other = shorter.copied().find(|entry| !entry.is_exact());
        let served = |entry: &Entry<'_>| Effect::ServedBy {
            ingress: entry.ingress.meta.key(),
            backend: entry.target(),
        };
        let (standing, effect) = match first {
            Some(first) if !twice => (Minions::Oldest, served(first)),
            Some(_) | None => (Minions::Nobody, other.map_or(Effect::Status(404), served)),
        };
        let parts = entries.iter().map(|entry| Part::new(entry.ingress, entry.place.field("path"))).collect();
        let facts = Facts::MinionConflict(standing);
        let mut conflict =
            Conflict::new(self, field, Severity::High, facts, effect, Fix::KeepOne { parts }).on(name);
        for entry in entries.iter().rev() {
            conflict = conflict.at_path(entry.ingress, entry.place);
        }
        if let Some(first) = first.filter(|_| !twice) {
            conflict = conflict.won_by(first.ingress);
        }
        match pattern::samples(path).into_iter().next() {
            Some(path) => conflict.shown_by(name, &path).judged(field),
            None => conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const MASTER: &str =
        "is f5-nginx\ning mf/m age=9 host=a.example ann:nginx.org/mergeable-ingress-type=master\n";
    const MINION: &str = "ann:nginx.org/mergeable-ingress-type=minion";

    #[test]
    fn the_oldest_minion_keeps_a_path_whatever_the_types() {
        let found = check(
            &Rule,
            &format!(
                "{MASTER}ing mf/a age=8 host=a.example /x(E)->a:80 {MINION}
                 ing mf/b age=7 host=a.example /x(P)->b:80 {MINION}"
            ),
            &["high a.example: mf/b spec.rules[0].http.paths[0].path, mf/a spec.rules[0].http.paths[0].path"],
        );
        sees(&found, &["http://a.example/x: mf/a a:80"]);
    }

    #[test]
    fn a_path_twice_in_one_minion_is_served_by_nobody() {
        let found = check(
            &Rule,
            &format!("{MASTER}ing mf/a age=8 host=a.example /x(E)->a:80 /x(P)->b:80 {MINION}"),
            &["high a.example: mf/a spec.rules[0].http.paths[1].path, mf/a spec.rules[0].http.paths[0].path"],
        );
        sees(&found, &["http://a.example/x: 404"]);
    }

    #[test]
    fn minions_without_a_master_are_not_loaded() {
        let found = check(
            &Rule,
            &format!("is f5-nginx\ning mf/a age=8 host=a.example /x(E)->a:80 {MINION}"),
            &["high a.example: mf/a spec.rules[0].host"],
        );
        sees(&found, &["http://a.example/x: NotLoaded"]);
    }

    #[test]
    fn minions_with_paths_of_their_own_are_healthy() {
        silent(
            &Rule,
            &format!(
                "{MASTER}ing mf/a age=8 host=a.example /x(E)->a:80 {MINION}
                 ing mf/b age=7 host=a.example /y(P)->b:80 {MINION}"
            ),
        );
    }
}

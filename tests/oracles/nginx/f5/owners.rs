//! Who owns a host, and which minion a path.

use super::super::objects::{Ingress, Path};
use super::{Role, role};

/// Whether one was there before the other; of equally old ones, the larger uid.
fn wins(one: &Ingress, other: &Ingress) -> bool {
    (&one.created, std::cmp::Reverse(&one.uid)) < (&other.created, std::cmp::Reverse(&other.uid))
}

/// Whether an Ingress serves a host.
pub(super) fn owns(loaded: &[&Ingress], ingress: &Ingress, host: &str) -> bool {
    role(ingress) != Role::Minion
        && !loaded.iter().any(|other| {
            role(other) != Role::Minion
                && other.rules.iter().any(|rule| rule.host == host)
                && wins(other, ingress)
        })
}

/// The minions of a host, by name, each with the paths that it gets.
pub(super) fn minions<'i>(loaded: &[&'i Ingress], host: &str) -> Vec<(&'i Ingress, Vec<&'i Path>)> {
    let all: Vec<&Ingress> = loaded
        .iter()
        .copied()
        .filter(|other| role(other) == Role::Minion && other.rules[0].host == host)
        .collect();
    let has =
        |minion: &Ingress, path: &str| minion.rules[0].paths.iter().filter(|one| one.path == path).count();
    all.iter()
        .map(|minion| {
            let gets = |path: &&Path| {
                has(minion, &path.path) == 1
                    && !all.iter().any(|other| has(other, &path.path) > 0 && wins(other, minion))
            };
            (*minion, minion.rules[0].paths.iter().filter(gets).collect())
        })
        .collect()
}

//! Who owns a host, and which minion owns a path.
//!
//! A host belongs to one Ingress as a whole: the oldest, of equally old ones the one with the larger
//! uid; every other loses its rule for that host, and is idle when it has no other. Minions own no
//! host; they bring paths to the master of theirs, and a path, whatever its type, belongs to the
//! oldest minion that lists it. A minion that lists a path twice loses it to itself.
//! Source: nginx/kubernetes-ingress `internal/k8s/configuration.go` (`buildHostsAndResources`,
//! `buildMinionConfigs`, `chooseObjectMetaWinner`), 5.5.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::analysis::routing::Refusal;
use crate::model::object::ObjectMeta;

use super::Loaded;
use super::options::Role;

/// The smaller one wins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Age(DateTime<Utc>, Reverse<String>);

impl Age {
    pub(super) fn of(meta: &ObjectMeta) -> Self {
        Self(meta.created.unwrap_or(DateTime::UNIX_EPOCH), Reverse(meta.uid.clone()))
    }
}

#[derive(Debug)]
pub(super) struct Hosts {
    /// The owner of each host: an Ingress by number, and its rule.
    owners: HashMap<String, (usize, usize)>,
    /// The minions of each host, by number.
    minions: HashMap<String, Vec<usize>>,
    /// Paths, as written, that a minion does not get, and the minion that does: itself, for a path
    /// that it lists twice.
    lost: HashMap<usize, BTreeMap<String, usize>>,
}

impl Hosts {
    /// `loaded` by name.
    pub(super) fn new(loaded: &[Loaded]) -> Self {
        let mut owners: HashMap<String, (usize, usize)> = HashMap::with_capacity(loaded.len());
        let mut minions: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, ingress) in loaded.iter().enumerate() {
            match ingress.role {
                Role::Minion => {
                    let host = ingress.rules.first().map(|rule| rule.host().to_owned());
                    minions.entry(host.unwrap_or_default()).or_default().push(number);
                }
                Role::Regular | Role::Master => {
                    for (at, rule) in ingress.rules.iter().enumerate() {
                        let owner = owners.entry(rule.host().to_owned()).or_insert((number, at));
                        let holder = loaded.get(owner.0);
                        if holder.is_some_and(|holder| ingress.age < holder.age) {
                            *owner = (number, at);
                        }
                    }
                }
            }
        }
        let lost = lost_paths(loaded, &minions);
        Self { owners, minions, lost }
    }

    pub(super) fn owner(&self, host: &str) -> Option<(usize, usize)> {
        self.owners.get(host).copied()
    }

    /// Hosts with their owners, in no order.
    pub(super) fn owners(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.owners.iter().map(|(host, (ingress, rule))| (host.as_str(), *ingress, *rule))
    }

    /// The minions of a master's host, by name.
    pub(super) fn minions(&self, host: &str) -> &[usize] {
        self.minions.get(host).map(Vec::as_slice).unwrap_or_default()
    }

    /// The minion that has a path instead of this one.
    pub(super) fn path_goes_to(&self, minion: usize, path: &str) -> Option<usize> {
        self.lost.get(&minion)?.get(path).copied()
    }

    /// Why a valid Ingress serves nothing.
    pub(super) fn idle(&self, number: usize, ingress: &Loaded, loaded: &[Loaded]) -> Option<Refusal> {
        if ingress.role == Role::Minion {
            let host = ingress.rules.first().map(super::Rule::host).unwrap_or_default();
            let owner = self.owner(host).and_then(|(owner, _)| loaded.get(owner));
            let mastered = owner.is_some_and(|owner| owner.role == Role::Master);
            return (!mastered).then(|| Refusal::NoMaster { host: host.to_owned() });
        }
        let mut by = None;
        for rule in &ingress.rules {
            match self.owner(rule.host()) {
                Some((owner, _)) if owner != number => by = by.or(loaded.get(owner)),
                Some(_) | None => return None,
            }
        }
        by.map(|owner| Refusal::HostsTaken { by: owner.name.clone() })
    }
}

fn lost_paths(
    loaded: &[Loaded],
    minions: &HashMap<String, Vec<usize>>,
) -> HashMap<usize, BTreeMap<String, usize>> {
    let mut lost: HashMap<usize, BTreeMap<String, usize>> = HashMap::new();
    for group in minions.values() {
        let mut holders: HashMap<&str, usize> = HashMap::new();
        let mut void: HashSet<(usize, &str)> = HashSet::new();
        for number in group {
            let Some(minion) = loaded.get(*number) else { continue };
            for path in minion.rules.first().into_iter().flat_map(super::Rule::paths) {
                let text = path.path.as_str();
                let Some(holder) = holders.get(text).copied() else {
                    holders.insert(text, *number);
                    continue;
                };
                let wins = loaded.get(holder).is_none_or(|holder| minion.age <= holder.age);
                let loser = if wins { holder } else { *number };
                void.insert((loser, text));
                if wins {
                    holders.insert(text, *number);
                }
            }
        }
        for (loser, text) in void {
            let holder = holders.get(text).copied().unwrap_or(loser);
            lost.entry(loser).or_default().insert(text.to_owned(), holder);
        }
    }
    lost
}

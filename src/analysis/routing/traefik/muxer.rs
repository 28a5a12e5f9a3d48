//! The muxer: routers in the order of their priorities, of which the first that matches wins.
//!
//! Hosts are a condition like any other: a request that no router of its host takes goes on to
//! wildcards and hostless routers. Routers of one priority are sorted by chance, anew with every
//! configuration: all of them are the answer. Routers are found by host and path, so that their number
//! does not count.
//! Source: traefik/traefik `pkg/muxer/http/mux.go`, `pkg/server/router/router.go`, v3.7.13.

use std::collections::HashMap;

use crate::analysis::routing::heads::{Heads, literal_head};

use super::entry_points::Places;
use super::pattern::Match;
use super::rule::{Host, Path, Rule};
use super::seen::Seen;

/// What routers without a priority of their own start their pattern with, where the case does not count.
const CASELESS: &str = "(?i)^";

/// The routers that share one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Alternatives {
    /// The number of one of them.
    pub(in crate::analysis::routing) group: usize,
    pub(in crate::analysis::routing) count: usize,
}

#[derive(Debug)]
pub(in crate::analysis::routing) struct Route {
    pub(in crate::analysis::routing) rule: Rule,
    /// How the rule is written.
    pub(in crate::analysis::routing) text: String,
    pub(in crate::analysis::routing) priority: i64,
    pub(in crate::analysis::routing) places: Places,
    /// Of several routers of one name only one is there, by chance.
    pub(in crate::analysis::routing) alternatives: Option<Alternatives>,
}

impl Route {
    /// A priority of zero is the length of the rule.
    pub(in crate::analysis::routing) fn new(rule: Rule, priority: i64, places: Places) -> Self {
        let text = rule.to_string();
        let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let priority = if priority == 0 { length } else { priority };
        Self { rule, text, priority, places, alternatives: None }
    }

    pub(in crate::analysis::routing) fn is_at(&self, seen: &Seen<'_>) -> bool {
        let mask = if seen.listener.tls { self.places.tls } else { self.places.plain };
        mask >> seen.listener.entry_point & 1 == 1
    }
}

/// The routers that may take a request.
#[derive(Debug, Default)]
pub(in crate::analysis::routing) struct Found {
    /// By number, the first to be tried first.
    pub(in crate::analysis::routing) routes: Vec<usize>,
    /// Whether one of them takes it in any case.
    pub(in crate::analysis::routing) certain: bool,
}

/// Routers of one host.
#[derive(Debug, Default)]
struct Bucket {
    exact: HashMap<Box<[u8]>, Vec<usize>>,
    prefixes: Heads,
    /// Heads of patterns that do not regard case, from the start.
    folded: Heads,
    /// Heads of patterns that do, anywhere.
    within: Heads,
    /// The rest.
    open: Vec<usize>,
}

impl Bucket {
    fn add(&mut self, path: &Path, number: usize) {
        match path {
            Path::Exact(path) => self.exact.entry(path.as_bytes().into()).or_default().push(number),
            Path::Prefix(path) | Path::Element(path) => self.prefixes.add(path.as_bytes(), number),
            Path::Pattern(pattern) => {
                let (caseless, text) = match pattern.text().strip_prefix(CASELESS) {
                    Some(text) => (true, text),
                    None => (false, pattern.text()),
                };
                let head = literal_head(text.strip_prefix('^').unwrap_or(text));
                match (head.is_empty(), caseless) {
                    (true, _) => self.open.push(number),
                    (false, true) => self.folded.add(head.to_ascii_lowercase().as_bytes(), number),
                    (false, false) => self.within.add(head.as_bytes(), number),
                }
            }
            Path::Any | Path::NotPrefix(_) | Path::Template(..) => self.open.push(number),
            Path::Invalid(_) => {}
        }
    }

    fn lists<'a>(&'a self, seen: &'a Seen<'_>) -> impl Iterator<Item = &'a [usize]> {
        let exact = self.exact.get(seen.path.as_slice()).map(Vec::as_slice);
        let open = self.open.as_slice();
        exact
            .into_iter()
            .chain(self.prefixes.of(&seen.path))
            .chain(self.folded.of(&seen.folded))
            .chain(self.within.within(&seen.path))
            .chain(std::iter::once(open))
    }

    fn numbers(&self) -> impl Iterator<Item = usize> {
        let heads = [&self.prefixes, &self.folded, &self.within];
        let heads = heads.into_iter().flat_map(Heads::lists);
        self.exact.values().chain(heads).flatten().chain(&self.open).copied()
    }

    fn sort(&mut self, routes: &[Route]) {
        let order = |list: &mut Vec<usize>| {
            list.sort_by_key(|number| std::cmp::Reverse(routes.get(*number).map(|route| route.priority)));
        };
        self.exact.values_mut().for_each(order);
        let heads = [&mut self.prefixes, &mut self.folded, &mut self.within];
        heads.into_iter().flat_map(Heads::lists_mut).for_each(order);
        order(&mut self.open);
    }
}

#[derive(Debug, Default)]
pub(in crate::analysis::routing) struct Muxer {
    routes: Vec<Route>,
    names: HashMap<Box<str>, Bucket>,
    /// By parent domain.
    wildcards: HashMap<Box<str>, Bucket>,
    any: Bucket,
}

impl Muxer {
    pub(in crate::analysis::routing) fn new(routes: Vec<Route>) -> Self {
        let mut muxer = Self::default();
        for (number, route) in routes.iter().enumerate() {
            muxer.index(number, &route.rule);
        }
        muxer.any.sort(&routes);
        for bucket in muxer.names.values_mut().chain(muxer.wildcards.values_mut()) {
            bucket.sort(&routes);
        }
        muxer.routes = routes;
        muxer
    }

    fn index(&mut self, number: usize, rule: &Rule) {
        let patterns = !rule.conditions.is_empty();
        if (patterns && !rule.is_valid()) || !rule.is_sound() {
            return;
        }
        if rule.hosts.is_empty() {
            self.any.add(&rule.path, number);
        }
        for host in &rule.hosts {
            let bucket = match host {
                Host::Name(name) => {
                    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
                    match name.strip_prefix("*.") {
                        Some(parent) => self.wildcards.entry(parent.into()).or_default(),
                        None if name.starts_with('*') => &mut self.any,
                        None => self.names.entry(name.into()).or_default(),
                    }
                }
                Host::Label { parent, .. } => {
                    self.wildcards.entry(parent.to_ascii_lowercase().into()).or_default()
                }
                Host::Pattern(_) => &mut self.any,
            };
            bucket.add(&rule.path, number);
        }
    }

    pub(in crate::analysis::routing) fn get(&self, number: usize) -> Option<&Route> {
        self.routes.get(number)
    }

    /// Whether any router where the request came in asks for its host.
    pub(in crate::analysis::routing) fn knows_host(&self, seen: &Seen<'_>) -> bool {
        let bare = seen.host.strip_suffix('.').unwrap_or(&seen.host);
        let wildcard = bare.split_once('.').and_then(|(_, parent)| self.wildcards.get(parent));
        let buckets = [self.names.get(bare), wildcard];
        let mut numbers = buckets.into_iter().flatten().flat_map(Bucket::numbers);
        numbers.any(|number| self.routes.get(number).is_some_and(|route| route.is_at(seen)))
    }

    /// The routers of the highest priority that matches, and those that chance may put before them.
    pub(in crate::analysis::routing) fn find(&self, seen: &Seen<'_>) -> Found {
        let bare = seen.host.strip_suffix('.').unwrap_or(&seen.host);
        let wildcard = bare.split_once('.').and_then(|(_, parent)| self.wildcards.get(parent));
        let buckets = [self.names.get(bare), wildcard, Some(&self.any)];
        let mut best: Option<i64> = None;
        let mut hits: Vec<(i64, usize)> = Vec::new();
        for list in buckets.into_iter().flatten().flat_map(|bucket| bucket.lists(seen)) {
            for number in list {
                let Some(route) = self.routes.get(*number) else { continue };
                if best.is_some_and(|best| route.priority < best) {
                    break;
                }
                if !route.is_at(seen) {
                    continue;
                }
                let taken = route.rule.takes(seen);
                if taken == Match::No {
                    continue;
                }
                hits.push((route.priority, *number));
                if route.alternatives.is_none() && taken == Match::Yes {
                    best = best.max(Some(route.priority));
                }
            }
        }
        hits.sort_by_key(|(priority, number)| (std::cmp::Reverse(*priority), *number));
        hits.dedup();
        best = best.max(self.complete(&hits));
        hits.retain(|(priority, _)| best.is_none_or(|best| *priority >= best));
        Found { routes: hits.into_iter().map(|(_, number)| number).collect(), certain: best.is_some() }
    }

    /// The priority of the last of a group of alternatives that match one and all.
    fn complete(&self, hits: &[(i64, usize)]) -> Option<i64> {
        let mut groups: HashMap<usize, usize> = HashMap::new();
        let mut best = None;
        for (priority, number) in hits {
            let Some(alternatives) = self.routes.get(*number).and_then(|route| route.alternatives) else {
                continue;
            };
            let seen = groups.entry(alternatives.group).or_default();
            *seen += 1;
            if *seen == alternatives.count {
                best = best.max(Some(*priority));
            }
        }
        best
    }
}

//! Finds the few rules of a long list that can take a request at all.
//!
//! Invariant: every rule that takes a request is among its candidates; a candidate need not take it.

use std::collections::{BTreeSet, HashMap};

/// The hosts that a rule can take.
#[derive(Debug, Clone)]
pub(super) enum HostKey {
    Exact(String),
    /// Everything that ends in this, such as `.example.com`.
    Suffix(String),
    /// Any host, or a pattern that has to be tried.
    Other,
}

/// The paths that a rule can take.
#[derive(Debug, Clone)]
pub(super) enum PathKey {
    /// This text.
    Whole(String),
    /// This text, and what follows it after a slash.
    Elements(String),
    /// What begins with this text.
    Characters(String),
    /// Any path, or a pattern that has to be tried.
    Other,
}

#[derive(Debug, Default)]
pub(super) struct RuleIndex {
    exact: HashMap<String, Paths>,
    suffixes: HashMap<String, Paths>,
    other: Paths,
}

#[derive(Debug, Default)]
struct Paths {
    whole: HashMap<String, Vec<usize>>,
    elements: HashMap<String, Vec<usize>>,
    characters: HashMap<String, Vec<usize>>,
    lengths: BTreeSet<usize>,
    other: Vec<usize>,
}

impl RuleIndex {
    pub(super) fn add(&mut self, host: HostKey, path: PathKey, rule: usize) {
        let paths = match host {
            HostKey::Exact(host) => self.exact.entry(host).or_default(),
            HostKey::Suffix(suffix) => self.suffixes.entry(suffix).or_default(),
            HostKey::Other => &mut self.other,
        };
        paths.add(path, rule);
    }

    /// The candidates for a host in lower case and a path, in their order.
    pub(super) fn candidates(&self, host: &str, path: &str) -> Vec<usize> {
        let mut found = Vec::new();
        if let Some(paths) = self.exact.get(host) {
            paths.collect(path, &mut found);
        }
        if !self.suffixes.is_empty() {
            for (at, _) in host.match_indices('.') {
                if let Some(paths) = host.get(at..).and_then(|suffix| self.suffixes.get(suffix)) {
                    paths.collect(path, &mut found);
                }
            }
        }
        self.other.collect(path, &mut found);
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Paths {
    fn add(&mut self, path: PathKey, rule: usize) {
        match path {
            PathKey::Whole(text) => self.whole.entry(text).or_default().push(rule),
            PathKey::Elements(text) => self.elements.entry(text).or_default().push(rule),
            PathKey::Characters(text) => {
                self.lengths.insert(text.len());
                self.characters.entry(text).or_default().push(rule);
            }
            PathKey::Other => self.other.push(rule),
        }
    }

    fn collect(&self, path: &str, found: &mut Vec<usize>) {
        let mut take = |rules: Option<&Vec<usize>>| found.extend(rules.into_iter().flatten());
        take(self.whole.get(path));
        if !self.elements.is_empty() {
            take(self.elements.get(path));
            for (at, _) in path.match_indices('/') {
                take(path.get(..at).and_then(|head| self.elements.get(head)));
            }
        }
        for length in self.lengths.range(..=path.len()) {
            take(path.get(..*length).and_then(|head| self.characters.get(head)));
        }
        found.extend(&self.other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_by_host_and_path() {
        let mut index = RuleIndex::default();
        let text = str::to_owned;
        let host = || HostKey::Exact(text("a.example"));
        index.add(host(), PathKey::Whole(text("/x")), 0);
        index.add(host(), PathKey::Elements(text("/x")), 1);
        index.add(host(), PathKey::Characters(text("/x")), 2);
        index.add(host(), PathKey::Other, 3);
        index.add(HostKey::Suffix(text(".example")), PathKey::Elements(String::new()), 4);
        index.add(HostKey::Other, PathKey::Whole(text("/x")), 5);
        for (host, path, expected) in [
            ("a.example", "/x", &[0, 1, 2, 3, 4, 5][..]),
            ("a.example", "/x/y", &[1, 2, 3, 4]),
            ("a.example", "/xy", &[2, 3, 4]),
            ("a.example", "/z", &[3, 4]),
            ("c.b.example", "/x", &[4, 5]),
            ("example", "/x", &[5]),
        ] {
            assert_eq!(index.candidates(host, path), expected, "{host} {path}");
        }
    }
}

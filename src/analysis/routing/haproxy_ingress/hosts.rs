//! Hosts and their paths, in the order they are tried.
//!
//! Sources: jcmoraisjr/haproxy-ingress `pkg/haproxy/types/host.go`, `maps.go`, v0.17.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::analysis::routing::nginx::pattern::{Match, Pattern};
use crate::model::ingress::{PathType, Place};

/// What `ImplementationSpecific` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loose {
    Begin,
    Prefix,
    Exact,
    Regex,
}

/// How a path is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Reading {
    Exact(String),
    /// Without the slash at its end.
    Prefix(String),
    /// In lower case.
    Begin(String),
    Regex(String),
}

impl Reading {
    pub(super) fn new(path: &str, path_type: PathType, loose: Loose) -> Self {
        let prefix = || Self::Prefix(path.trim_end_matches('/').to_owned());
        match (path_type, loose) {
            (PathType::Exact, _) | (PathType::ImplementationSpecific, Loose::Exact) => {
                Self::Exact(path.to_owned())
            }
            (PathType::Prefix, _) | (PathType::ImplementationSpecific, Loose::Prefix) => prefix(),
            (PathType::ImplementationSpecific, Loose::Begin) => Self::Begin(path.to_lowercase()),
            (PathType::ImplementationSpecific, Loose::Regex) => Self::Regex(path.to_owned()),
        }
    }

    /// Whether a path is taken; patterns that cannot be evaluated take nothing.
    pub(super) fn takes(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => text == path,
            Self::Prefix(text) => {
                path.strip_prefix(text.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Begin(text) => path.to_lowercase().starts_with(text.as_str()),
            Self::Regex(text) => Pattern::new(format!("^{text}"), false).is_match(path.as_bytes()) == Match::Yes,
        }
    }

    /// Whole paths first, then the longer text, then by type.
    fn order(&self) -> (bool, Reverse<usize>, u8) {
        match self {
            Self::Exact(text) => (false, Reverse(text.len()), 0),
            Self::Prefix(text) => (true, Reverse(text.len()), 1),
            Self::Begin(text) => (true, Reverse(text.len()), 2),
            Self::Regex(text) => (true, Reverse(text.len()), 3),
        }
    }
}

/// A path of a host.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) reading: Reading,
    pub(super) ingress: usize,
    pub(super) place: Place,
    pub(super) headers: Vec<Header>,
}

/// A header that the request must carry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) is_pattern: bool,
}

#[derive(Debug, Default)]
struct Paths {
    entries: Vec<Entry>,
    /// What is declared: the first Ingress to do so.
    declared: HashMap<(Reading, Vec<Header>), usize>,
    /// Numbers of entries by their text, once sorted.
    exact: HashMap<String, Vec<usize>>,
    prefix: HashMap<String, Vec<usize>>,
    begin: HashMap<String, Vec<usize>>,
    patterns: Vec<(usize, Pattern)>,
    longest: usize,
}

impl Paths {
    fn sort(&mut self) {
        self.declared = HashMap::new();
        self.entries.sort_by_key(|entry| {
            (entry.reading.order(), entry.headers.is_empty(), entry.ingress, entry.place)
        });
        for (at, entry) in self.entries.iter().enumerate() {
            match &entry.reading {
                Reading::Exact(text) => self.exact.entry(text.clone()).or_default().push(at),
                Reading::Prefix(text) => self.prefix.entry(text.clone()).or_default().push(at),
                Reading::Begin(text) => {
                    self.longest = self.longest.max(text.len());
                    self.begin.entry(text.clone()).or_default().push(at);
                }
                Reading::Regex(text) => self.patterns.push((at, Pattern::new(format!("^{text}"), false))),
            }
        }
    }

    /// The entries that take a path, in the order they are tried.
    fn find(&self, path: &str) -> Vec<&Entry> {
        let mut found: Vec<usize> = Vec::new();
        found.extend(self.exact.get(path).into_iter().flatten());
        found.extend(self.prefix.get(path).into_iter().flatten());
        for (end, _) in path.match_indices('/') {
            let head = path.get(..end).and_then(|head| self.prefix.get(head));
            found.extend(head.into_iter().flatten());
        }
        if !self.begin.is_empty() {
            let lower = path.to_lowercase();
            let heads = (0..=self.longest.min(lower.len())).filter_map(|end| lower.get(..end));
            found.extend(heads.filter_map(|head| self.begin.get(head)).flatten());
        }
        let taken = self.patterns.iter().filter(|(_, pattern)| pattern.is_match(path.as_bytes()) == Match::Yes);
        found.extend(taken.map(|(at, _)| at));
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|at| self.entries.get(at)).collect()
    }
}

#[derive(Debug, Default)]
pub(super) struct Hosts {
    hosts: HashMap<String, Paths>,
    aliases: HashMap<String, String>,
    patterns: Vec<(Pattern, String)>,
}

impl Hosts {
    /// Adds a path, or says which Ingress has it.
    pub(super) fn add(&mut self, host: &str, entry: Entry) -> Result<(), usize> {
        if !self.hosts.contains_key(host) {
            self.hosts.insert(host.to_owned(), Paths::default());
        }
        let Some(paths) = self.hosts.get_mut(host) else { return Ok(()) };
        let key = (entry.reading.clone(), entry.headers.clone());
        if let Some(owner) = paths.declared.get(&key) {
            return Err(*owner);
        }
        paths.declared.insert(key, entry.ingress);
        paths.entries.push(entry);
        Ok(())
    }

    pub(super) fn alias(&mut self, alias: &str, host: &str) {
        self.aliases.entry(alias.to_owned()).or_insert_with(|| host.to_owned());
    }

    pub(super) fn alias_pattern(&mut self, pattern: &str, host: &str) {
        self.patterns.push((Pattern::new(pattern, true), host.to_owned()));
    }

    pub(super) fn sort(&mut self) {
        for paths in self.hosts.values_mut() {
            paths.sort();
        }
    }

    /// The hosts that take a name, in the order they are asked: its own, the wildcard's, the default.
    pub(super) fn takers(&self, asked: &str) -> Vec<&str> {
        let own = |name: &str| self.hosts.get_key_value(name).map(|(key, _)| key.as_str());
        let wildcard = |name: &str| own(&format!("*.{}", name.split_once('.')?.1));
        let aliased = || {
            let by_name = self.aliases.get(asked).map(String::as_str);
            let by_pattern = || {
                let mut patterns = self.patterns.iter();
                patterns
                    .find(|(pattern, _)| pattern.is_match(asked.as_bytes()) == Match::Yes)
                    .map(|(_, host)| host.as_str())
            };
            by_name.or_else(by_pattern)
        };
        let first = own(asked).filter(|_| !asked.is_empty()).or_else(aliased);
        [first, wildcard(asked), own("")].into_iter().flatten().collect()
    }

    /// The paths of one host that take a path, in the order they are tried.
    pub(super) fn find(&self, host: &str, path: &str) -> Vec<&Entry> {
        self.hosts.get(host).map(|paths| paths.find(path)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_by_type() {
        use PathType::{Exact, ImplementationSpecific, Prefix};
        for (path, path_type, loose, asked, expected) in [
            ("/foo", Exact, Loose::Begin, "/foo", true),
            ("/foo", Exact, Loose::Begin, "/foo/", false),
            ("/foo", Prefix, Loose::Begin, "/foo/bar", true),
            ("/foo", Prefix, Loose::Begin, "/foobar", false),
            ("/foo", ImplementationSpecific, Loose::Begin, "/FOObar", true),
            ("/foo", ImplementationSpecific, Loose::Prefix, "/foobar", false),
            ("/foo", ImplementationSpecific, Loose::Exact, "/foo/", false),
            ("/v[0-9]+", ImplementationSpecific, Loose::Regex, "/v12/x", true),
            ("/v[0-9]+", ImplementationSpecific, Loose::Regex, "/x/v12", false),
        ] {
            assert_eq!(Reading::new(path, path_type, loose).takes(asked), expected, "{path} {asked}");
        }
    }
}

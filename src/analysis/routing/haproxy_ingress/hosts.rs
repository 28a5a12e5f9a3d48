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
    /// Element by element; a slash at its end does not count.
    Prefix(String),
    /// In lower case.
    Begin(String),
    Regex(String),
}

impl Reading {
    pub(super) fn new(path: &str, path_type: PathType, loose: Loose) -> Self {
        let prefix = || Self::Prefix(path.to_owned());
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
            Self::Prefix(text) => path
                .strip_prefix(text.trim_end_matches('/'))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Begin(text) => path.to_lowercase().starts_with(text.as_str()),
            Self::Regex(text) => {
                Pattern::new(format!("^{text}"), false).is_match(path.as_bytes()) == Match::Yes
            }
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Exact(text) | Self::Prefix(text) | Self::Begin(text) | Self::Regex(text) => text,
        }
    }

    /// As a pattern, which is open at its end.
    fn pattern(&self, path: &str) -> String {
        match self {
            Self::Exact(_) => format!("{}$", quoted(path)),
            Self::Prefix(_) if !path.ends_with('/') => format!("{}(/.*)?", quoted(path)),
            Self::Prefix(_) | Self::Begin(_) => quoted(path),
            Self::Regex(text) => text.clone(),
        }
    }
}

/// A text in which nothing is special any more, as Go's `QuoteMeta` does.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A path of a host.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) reading: Reading,
    /// As written.
    pub(super) path: String,
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
    /// Numbers of entries that demand headers.
    demanding: Vec<usize>,
    /// Numbers of the others by their text, once sorted.
    exact: HashMap<String, usize>,
    prefix: HashMap<String, usize>,
    begin: HashMap<String, usize>,
    longest: usize,
}

impl Paths {
    fn sort(&mut self) {
        self.declared = HashMap::new();
        self.entries.sort_by(|one, other| {
            let rank = |entry: &Entry| (entry.headers.is_empty(), entry.ingress, entry.place);
            (other.reading.text(), rank(one)).cmp(&(one.reading.text(), rank(other)))
        });
        for (at, entry) in self.entries.iter().enumerate() {
            if !entry.headers.is_empty() {
                self.demanding.push(at);
                continue;
            }
            match &entry.reading {
                Reading::Exact(text) => {
                    self.exact.entry(text.clone()).or_insert(at);
                }
                // The longer text, with its slash, comes first.
                Reading::Prefix(text) => {
                    self.prefix.entry(text.trim_end_matches('/').to_owned()).or_insert(at);
                }
                Reading::Begin(text) => {
                    self.longest = self.longest.max(text.len());
                    self.begin.entry(text.clone()).or_insert(at);
                }
                Reading::Regex(_) => {}
            }
        }
    }

    /// The entries that take a path, patterns apart, in the order they are tried.
    fn find(&self, path: &str) -> Vec<&Entry> {
        let mut found: Vec<usize> = Vec::new();
        let is_demanded = |at: &&usize| {
            let entry = self.entries.get(**at);
            entry
                .is_some_and(|entry| !matches!(entry.reading, Reading::Regex(_)) && entry.reading.takes(path))
        };
        found.extend(self.demanding.iter().filter(is_demanded));
        found.extend(self.exact.get(path));
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let heads = ends.filter_map(|end| path.get(..end));
        let prefix = heads.filter_map(|head| self.prefix.get(head)).next_back();
        let lower = path.to_lowercase();
        let heads = (0..=self.longest.min(lower.len())).filter_map(|end| lower.get(..end));
        let begin = heads.filter_map(|head| self.begin.get(head)).next_back();
        let text =
            |at: Option<&usize>| at.and_then(|at| self.entries.get(*at)).map(|entry| entry.reading.text());
        // A longer path of another kind goes ahead of a shorter one that it begins with.
        let is_over = match (text(begin), text(prefix)) {
            (Some(begin), Some(prefix)) => begin != prefix && begin.starts_with(prefix),
            (_, _) => false,
        };
        found.extend(if is_over { [begin, prefix] } else { [prefix, begin] }.into_iter().flatten());
        found.into_iter().filter_map(|at| self.entries.get(at)).collect()
    }
}

impl Paths {
    /// The entry that takes the path too, of the same text and the other of the two kinds `Prefix` and begin, where the order of
    /// the two hangs on how the controller spreads what overlaps over its maps, which is not told.
    fn rival(&self, entry: &Entry, path: &str) -> Option<&Entry> {
        let text = entry.reading.text();
        let other = match &entry.reading {
            Reading::Prefix(_) => self.begin.get(text),
            Reading::Begin(_) => self.prefix.get(text.trim_end_matches('/')),
            Reading::Exact(_) | Reading::Regex(_) => None,
        };
        let is_equal = |rival: &&Entry| rival.reading.text() == text && rival.reading.takes(path);
        let rival = self.entries.get(*other?).filter(is_equal)?;
        let is_under = |entry: &Entry| {
            let plain = matches!(entry.reading, Reading::Prefix(_) | Reading::Begin(_));
            plain && entry.reading.text() != text && text.starts_with(entry.reading.text())
        };
        (entry.headers.is_empty() && self.entries.iter().any(is_under)).then_some(rival)
    }
}

/// A line of the map of patterns, which are compared with host and path at once.
#[derive(Debug)]
struct Line {
    key: String,
    pattern: Pattern,
    host: String,
    entry: usize,
}

#[derive(Debug, Default)]
pub(super) struct Hosts {
    hosts: HashMap<String, Paths>,
    aliases: HashMap<String, String>,
    alias_patterns: Vec<(String, String)>,
    /// The longest first.
    lines: Vec<Line>,
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

    /// Who has the root of the default host, in whatever way it is compared.
    pub(super) fn root_of_default(&self) -> Option<usize> {
        let entries = &self.hosts.get("")?.entries;
        entries.iter().find(|entry| entry.path == "/").map(|entry| entry.ingress)
    }

    pub(super) fn alias(&mut self, alias: &str, host: &str) {
        self.aliases.entry(alias.to_owned()).or_insert_with(|| host.to_owned());
    }

    pub(super) fn alias_pattern(&mut self, pattern: &str, host: &str) {
        self.alias_patterns.push((pattern.to_owned(), host.to_owned()));
    }

    pub(super) fn sort(&mut self) {
        let mut lines = Vec::new();
        for (host, paths) in &mut self.hosts {
            paths.sort();
            let star = host.strip_prefix('*').filter(|rest| rest.starts_with('.'));
            let mut heads: Vec<(String, bool)> = Vec::new();
            match star {
                Some(rest) => heads.push((format!("^[^.]+{}", quoted(rest)), true)),
                None if host.is_empty() => heads.push(("^<default>".to_owned(), false)),
                None => heads.push((format!("^{}", quoted(host)), false)),
            }
            let aliases = self.aliases.iter().filter(|(_, of)| *of == host);
            heads.extend(aliases.map(|(alias, _)| (format!("^{}", quoted(alias)), false)));
            let patterns = self.alias_patterns.iter().filter(|(_, of)| of == host);
            heads.extend(patterns.map(|(pattern, _)| {
                let pattern = pattern.to_lowercase();
                let open = || format!("{pattern}[^/]*");
                (pattern.strip_suffix('$').map_or_else(open, str::to_owned), true)
            }));
            for (entry, path) in paths.entries.iter().enumerate() {
                for (head, all) in &heads {
                    if *all || matches!(path.reading, Reading::Regex(_)) {
                        let key = format!("{head}#{}", path.reading.pattern(&path.path));
                        let pattern = Pattern::new(key.as_str(), false);
                        lines.push(Line { key, pattern, host: host.clone(), entry });
                    }
                }
            }
        }
        lines.sort_by(|one, other| {
            (Reverse(one.key.len()), &one.key).cmp(&(Reverse(other.key.len()), &other.key))
        });
        self.lines = lines;
    }

    /// The host of a name or an alias, and whether it is the default one.
    fn own(&self, asked: &str) -> Option<&str> {
        let own = |name: &str| self.hosts.get_key_value(name).map(|(key, _)| key.as_str());
        own(asked)
            .filter(|_| !asked.is_empty())
            .or_else(|| self.aliases.get(asked).and_then(|host| own(host)))
    }

    /// The hosts that take a name, in the order they are asked: its own, the wildcard's, the default.
    pub(super) fn takers(&self, asked: &str) -> Vec<&str> {
        let own = |name: &str| self.hosts.get_key_value(name).map(|(key, _)| key.as_str());
        let wildcard = |name: &str| own(&format!("*.{}", name.split_once('.')?.1));
        let aliased = || {
            let mut patterns = self.alias_patterns.iter();
            let takes = |pattern: &str| Pattern::new(pattern, true).is_match(asked.as_bytes()) == Match::Yes;
            patterns.find(|(pattern, _)| takes(pattern)).and_then(|(_, host)| own(host))
        };
        [self.own(asked).or_else(aliased), wildcard(asked), own("")].into_iter().flatten().collect()
    }

    /// See [`Paths::rival`].
    pub(super) fn rival(&self, host: &str, entry: &Entry, path: &str) -> Option<&Entry> {
        // A wildcard's paths are patterns, ordered by length.
        self.hosts.get(host).filter(|_| !host.starts_with('*'))?.rival(entry, path)
    }

    /// The paths that take a request to a host, in the order they are tried, with their hosts: those of
    /// the host, patterns and wildcards, and those of the default host.
    pub(super) fn find(&self, asked: &str, path: &str) -> Vec<(&str, &Entry)> {
        let mut found: Vec<(&str, &Entry)> = Vec::new();
        for (asked, own) in [(asked, self.own(asked)), ("<default>", self.takers("").first().copied())] {
            if let Some((own, paths)) = own.and_then(|own| Some((own, self.hosts.get(own)?))) {
                found.extend(paths.find(path).into_iter().map(|entry| (own, entry)));
            }
            let base = format!("{asked}#{path}");
            for line in &self.lines {
                if line.pattern.is_match(base.as_bytes()) == Match::Yes
                    && let Some(entry) =
                        self.hosts.get(&line.host).and_then(|paths| paths.entries.get(line.entry))
                {
                    found.push((line.host.as_str(), entry));
                }
            }
        }
        // What demands headers is in maps of its own, ahead of the others of the same kind of host.
        found.sort_by_key(|(host, entry)| (host.is_empty(), entry.headers.is_empty()));
        found
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

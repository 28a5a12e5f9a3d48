//! The map files: hosts, whole paths, whole paths of prefixes, beginnings of paths.
//!
//! Rows are sorted by their text, and the first of those with one key counts: the smallest value wins
//! a duplicate. A wildcard host is kept without its star.
//! Sources: haproxytech/kubernetes-ingress `pkg/route/route.go` (`AddHostPathRoute`),
//! `pkg/haproxy/maps/main.go`, 3.2; the frontends of `fs/usr/local/etc/haproxy/haproxy.cfg`.

use std::collections::{HashMap, HashSet};

use crate::model::ingress::{PathRule, PathType, Place};

/// The right side of a row, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// The path holds a space, at which HAProxy ends the key: what follows is taken for the value, in
    /// which no backend is found, but the rules are. Such a row stands after those of the same key.
    pub(super) cut: bool,
    /// As far as it decides the order: a dot follows the backend's name where rules do.
    pub(super) value: String,
    pub(super) ingress: usize,
    pub(super) place: Place,
    pub(super) section: usize,
}

#[derive(Debug, Default)]
pub(super) struct Maps {
    hosts: HashSet<String>,
    exact: HashMap<String, Vec<Row>>,
    prefix_exact: HashMap<String, Vec<Row>>,
    prefix: HashMap<String, Vec<Row>>,
    /// By host alone: TLS that is passed through.
    sni: HashMap<String, Vec<Row>>,
    /// The longest key of `prefix`.
    longest: usize,
}

/// Host and path as keys begin, up to a space.
fn key(host: &str, path: &str) -> String {
    let path = path.split_ascii_whitespace().next().unwrap_or_default();
    format!("{}{path}", host.strip_prefix('*').unwrap_or(host))
}

/// How a path's text is read.
pub(super) enum Reading<'a> {
    Whole(&'a str),
    /// The text itself, or anything that begins with the text and a slash.
    Elements(&'a str),
    /// Anything that begins with the text.
    Characters(&'a str),
}

/// How this controller reads a path.
pub(super) fn reading(path: &str, path_type: PathType) -> Reading<'_> {
    match (path_type, path) {
        (PathType::Exact, _) => Reading::Whole(path),
        (PathType::Prefix | PathType::ImplementationSpecific, "" | "/") => Reading::Characters("/"),
        (PathType::Prefix, _) => Reading::Elements(path.strip_suffix('/').unwrap_or(path)),
        (PathType::ImplementationSpecific, _) => Reading::Characters(path.strip_suffix('/').unwrap_or(path)),
    }
}

impl Maps {
    pub(super) fn add(&mut self, host: &str, rule: &PathRule, row: Row) {
        let row = Row { cut: rule.path.contains(|c: char| c.is_ascii_whitespace()), ..row };
        if !host.is_empty() {
            let host = host.strip_prefix('*').unwrap_or(host);
            if !self.hosts.contains(host) {
                self.hosts.insert(host.to_owned());
            }
        }
        match reading(&rule.path, rule.path_type) {
            Reading::Whole(path) => self.exact.entry(key(host, path)).or_default().push(row),
            Reading::Elements(path) => {
                self.prefix_exact.entry(key(host, path)).or_default().push(row.clone());
                self.add_prefix(key(host, &format!("{path}/")), row);
            }
            Reading::Characters("/") => self.add_prefix(key(host, "/"), row),
            Reading::Characters(path) => {
                self.prefix_exact.entry(key(host, path)).or_default().push(row.clone());
                self.add_prefix(key(host, path), row);
            }
        }
    }

    /// Passes TLS for a host through; hosts are all that tells these rows apart.
    pub(super) fn add_passthrough(&mut self, host: &str, row: Row) {
        self.sni.entry(key(host, "")).or_default().push(row);
    }

    fn add_prefix(&mut self, key: String, row: Row) {
        self.longest = self.longest.max(key.len());
        self.prefix.entry(key).or_default().push(row);
    }

    pub(super) fn sort(&mut self) {
        let maps = [&mut self.exact, &mut self.prefix_exact, &mut self.prefix, &mut self.sni];
        for rows in maps.into_iter().flat_map(HashMap::values_mut) {
            if rows.len() > 1 {
                rows.sort();
            }
        }
    }

    /// The key of the host whose rows are looked at: itself, without its first label, or none.
    pub(super) fn host<'h>(&self, asked: &'h str) -> &'h str {
        if self.hosts.contains(asked) {
            return asked;
        }
        let parent = asked.find('.').and_then(|dot| asked.get(dot..)).unwrap_or_default();
        if self.hosts.contains(parent) { parent } else { "" }
    }

    /// The row that takes TLS for a server name.
    pub(super) fn passthrough(&self, asked: &str) -> Option<&Row> {
        let parent = || self.sni.get(asked.find('.').and_then(|dot| asked.get(dot..))?);
        self.sni.get(asked).or_else(parent)?.first()
    }

    /// The rows with the key that takes a path, the one that counts first.
    pub(super) fn find(&self, host: &str, path: &str) -> &[Row] {
        let whole = format!("{host}{path}");
        if let Some(rows) = self.exact.get(&whole).or_else(|| self.prefix_exact.get(&whole)) {
            return rows;
        }
        let longest = whole.len().min(self.longest);
        let heads = (1..=longest).rev().filter_map(|end| whole.get(..end));
        heads.filter_map(|head| self.prefix.get(head)).next().map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ingress::Backend;

    fn maps(rules: &[(&str, PathType, &str)]) -> Maps {
        let mut maps = Maps::default();
        for (at, (host, path_type, path)) in rules.iter().enumerate() {
            let rule =
                PathRule { path: (*path).to_owned(), path_type: *path_type, backend: Backend::Missing };
            let row = Row {
                cut: false,
                value: format!("b{at}"),
                ingress: 0,
                place: Place::Path(0, at),
                section: at,
            };
            maps.add(host, &rule, row);
        }
        maps.sort();
        maps
    }

    #[test]
    fn the_host_is_chosen_before_the_path() {
        let maps = maps(&[
            ("a.example", PathType::Prefix, "/x"),
            ("*.example", PathType::Prefix, "/"),
            ("", PathType::Prefix, "/"),
        ]);
        for (host, expected) in [
            ("a.example", "a.example"),
            ("b.example", ".example"),
            ("b.b.example", ""),
            ("example", ""),
            ("a.example.", ""),
            ("elsewhere", ""),
        ] {
            assert_eq!(maps.host(host), expected, "{host}");
        }
        assert!(maps.find("a.example", "/y").is_empty());
    }

    #[test]
    fn whole_paths_come_before_beginnings_and_the_longest_beginning_wins() {
        use PathType::{Exact, ImplementationSpecific, Prefix};
        let maps = maps(&[
            ("", Exact, "/foo"),
            ("", Prefix, "/foo"),
            ("", Prefix, "/foo/bar/"),
            ("", ImplementationSpecific, "/impl/"),
            ("", Prefix, "/"),
        ]);
        for (path, expected) in [
            ("/foo", 0),
            ("/foo/", 1),
            ("/foobar", 4),
            ("/foo/bar", 2),
            ("/foo/bar/x", 2),
            ("/implement", 3),
            ("/impl", 3),
            ("//foo", 4),
        ] {
            let found = maps.find("", path).first().map(|row| row.section);
            assert_eq!(found, Some(expected), "{path}");
        }
    }
}

//! Finds what could match a host and path without trying every rule.

use std::collections::HashMap;

use crate::model::http_route::{PathMatch, PathMatchKind};

/// What competes, by number.
type Number = usize;

/// By lower-case host name as written: exact, wildcard, or empty for every host.
#[derive(Debug, Default)]
pub(in crate::analysis::routing) struct Index(HashMap<String, Paths>);

#[derive(Debug, Default)]
struct Paths {
    exact: HashMap<String, Vec<Number>>,
    /// Without slashes at the end.
    prefix: HashMap<String, Vec<Number>>,
    patterns: Vec<Number>,
}

impl Index {
    pub(in crate::analysis::routing) fn insert(&mut self, host: &str, path: &PathMatch, number: Number) {
        let paths = self.0.entry(host.to_ascii_lowercase()).or_default();
        match path.kind {
            PathMatchKind::Exact => paths.exact.entry(path.value.clone()).or_default().push(number),
            PathMatchKind::Prefix => {
                let bare = path.value.trim_end_matches('/').to_owned();
                paths.prefix.entry(bare).or_default().push(number);
            }
            PathMatchKind::Pattern => paths.patterns.push(number),
        }
    }

    /// Calls `each` with every host name that takes the host, and what of its paths takes the path;
    /// patterns are not tried. One number may come by several host names.
    pub(in crate::analysis::routing) fn find(
        &self,
        host: &str,
        path: &str,
        each: &mut dyn FnMut(&str, Number),
    ) {
        let host = host.to_ascii_lowercase();
        self.in_host(&host, path, each);
        let labels = host.match_indices('.').map(|(at, _)| at).filter(|at| *at != 0);
        for at in labels {
            let wildcard = format!("*{}", host.get(at..).unwrap_or_default());
            self.in_host(&wildcard, path, each);
        }
        self.in_host("", path, each);
    }

    fn in_host(&self, name: &str, path: &str, each: &mut dyn FnMut(&str, Number)) {
        let Some(Paths { exact, prefix, patterns }) = self.0.get(name) else { return };
        let mut all = |numbers: &[Number]| numbers.iter().for_each(|number| each(name, *number));
        all(exact.get(path).map(Vec::as_slice).unwrap_or_default());
        let ends = path.match_indices('/').map(|(at, _)| at);
        for head in ends.filter_map(|at| path.get(..at)).chain(Some(path)) {
            all(prefix.get(head).map(Vec::as_slice).unwrap_or_default());
        }
        all(patterns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_hosts_are_found_by_their_kind() {
        let mut index = Index::default();
        for (number, (host, kind, value)) in [
            ("a.io", PathMatchKind::Exact, "/x"),
            ("a.io", PathMatchKind::Prefix, "/x/"),
            ("*.io", PathMatchKind::Prefix, "/"),
            ("", PathMatchKind::Pattern, "."),
            ("b.io", PathMatchKind::Prefix, "/"),
        ]
        .into_iter()
        .enumerate()
        {
            index.insert(host, &PathMatch { kind, value: value.to_owned() }, number);
        }
        for (host, path, expected) in [
            ("A.io", "/x", &[0, 1, 2, 3][..]),
            ("a.io", "/x/y", &[1, 2, 3]),
            ("a.io", "/xy", &[2, 3]),
            ("c.d.io", "/", &[2, 3]),
            ("io", "/", &[3]),
        ] {
            let mut found = Vec::new();
            index.find(host, path, &mut |_, number| found.push(number));
            assert_eq!(found, expected, "{host} {path}");
        }
    }
}

//! Which server takes a host.
//!
//! Exact name, then the longest `*.x`, then the longest `x.*`, then the first regular expression in
//! the order of the file. A host may also be given as ingress-nginx writes wildcard hosts: a regular
//! expression that takes exactly one label of letters, digits, `_` and `-`. There is
//! no second choice: a path that the chosen server does not know is not looked for elsewhere.
//! Sources: kubernetes/ingress-nginx `internal/ingress/controller/template/template.go`
//! (`buildServerName`), v1.15.1, for hosts as regular expressions; nginx 1.27 `src/http/ngx_http_core_module.c`
//! (`ngx_http_core_server_name`), `ngx_http_request.c` (`ngx_http_find_virtual_server`).

use std::collections::HashMap;

use super::conf::is_server_name;
use super::pattern::{Match, Pattern};

/// Names of servers; a server is a number.
#[derive(Debug, Default)]
pub(in crate::analysis::routing) struct Names {
    exact: HashMap<String, usize>,
    /// `.x` for `*.x`.
    heads: HashMap<String, usize>,
    /// `x.` for `x.*`.
    tails: HashMap<String, usize>,
    /// The parent domain of a wildcard host, with its turn among the regular expressions.
    parents: HashMap<String, (usize, usize)>,
    regexes: Vec<(usize, Pattern, usize)>,
    turns: usize,
}

impl Names {
    /// Adds a name; the first to have it keeps it. Fails with what nginx says of it.
    pub(in crate::analysis::routing) fn add(&mut self, name: &str, server: usize) -> Result<(), String> {
        if let Some(pattern) = name.strip_prefix('~') {
            let pattern = Pattern::new(pattern, true);
            let usable = !name.contains([';', '{', '}', '"', '\'']) && pattern.compiles();
            if !usable {
                return Err(format!("pcre2_compile() failed in \"{name}\""));
            }
            self.regexes.push((self.turns, pattern, server));
            self.turns += 1;
            return Ok(());
        }
        if !is_server_name(name) {
            return Err(format!("invalid server name or wildcard \"{name}\""));
        }
        let name = name.to_ascii_lowercase();
        if let Some(suffix) = name.strip_prefix('*') {
            self.heads.entry(suffix.to_owned()).or_insert(server);
        } else if let Some(bare) = name.strip_prefix('.') {
            self.exact.entry(bare.to_owned()).or_insert(server);
            self.heads.entry(name.clone()).or_insert(server);
        } else if let Some(prefix) = name.strip_suffix('*') {
            self.tails.entry(prefix.to_owned()).or_insert(server);
        } else {
            self.exact.entry(name).or_insert(server);
        }
        Ok(())
    }

    /// Adds the host of a rule as ingress-nginx does: wildcards as regular expressions.
    pub(in crate::analysis::routing) fn add_host(&mut self, host: &str, server: usize) -> Result<(), String> {
        let Some(parent) = host.strip_prefix("*.") else { return self.add(host, server) };
        self.parents.entry(parent.to_ascii_lowercase()).or_insert((self.turns, server));
        self.turns += 1;
        Ok(())
    }

    /// The server of a host in lower case; `None` for the catch-all.
    pub(in crate::analysis::routing) fn find(&self, host: &str) -> Option<usize> {
        if let Some(server) = self.exact.get(host) {
            return Some(*server);
        }
        if !self.heads.is_empty() {
            let suffixes = host.match_indices('.').filter(|(at, _)| *at > 0);
            let mut suffixes = suffixes.filter_map(|(at, _)| self.heads.get(host.get(at..)?));
            if let Some(server) = suffixes.next() {
                return Some(*server);
            }
        }
        if !self.tails.is_empty() {
            let mut prefixes =
                host.rmatch_indices('.').filter_map(|(at, _)| self.tails.get(host.get(..=at)?));
            if let Some(server) = prefixes.next() {
                return Some(*server);
            }
        }
        let parent = host.split_once('.').and_then(|(label, parent)| {
            let whole = !label.is_empty()
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            if whole { self.parents.get(parent).copied() } else { None }
        });
        let before = parent.map_or(usize::MAX, |(turn, _)| turn);
        let regex = self
            .regexes
            .iter()
            .take_while(|(turn, _, _)| *turn < before)
            .find(|(_, pattern, _)| pattern.is_match(host.as_bytes()) == Match::Yes);
        regex.map(|(_, _, server)| *server).or(parent.map(|(_, server)| server))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tried_in_nginx_order() {
        let mut names = Names::default();
        names.add_host("*.foo.com", 1).expect("host");
        names.add_host("a.foo.com", 2).expect("host");
        for (name, server) in [
            ("*.bar.com", 3),
            ("*.x.bar.com", 4),
            ("~^w\\d+\\.baz$", 5),
            ("~foo", 6),
            ("www.*", 7),
            (".qux", 8),
        ] {
            names.add(name, server).expect(name);
        }
        for (host, expected) in [
            ("a.foo.com", Some(2)),
            ("b.foo.com", Some(1)),
            ("b_c-d.foo.com", Some(1)),
            ("a.b.foo.com", Some(6)),
            ("foo.com", Some(6)),
            (".foo.com", Some(6)),
            ("a.b.bar.com", Some(3)),
            ("a.x.bar.com", Some(4)),
            ("bar.com", None),
            ("w12.baz", Some(5)),
            ("www.anything", Some(7)),
            ("www.bar.com", Some(3)),
            ("qux", Some(8)),
            ("a.qux", Some(8)),
            ("nowhere", None),
        ] {
            assert_eq!(names.find(host), expected, "{host}");
        }
    }

    #[test]
    fn the_first_to_have_a_name_keeps_it_and_bad_names_are_refused() {
        let mut names = Names::default();
        names.add("a", 1).expect("name");
        names.add("a", 2).expect("name");
        assert_eq!(names.find("a"), Some(1));
        assert!(names.add("www.*.foo.com", 1).is_err());
        assert!(names.add("~(", 1).is_err());
    }
}

//! Which load balancer a request comes to, where a controller makes several.
//!
//! Names are resolved outside the cluster, so the one that a host leads to is not seen. It is taken to
//! be the one whose address was asked for; else those that name the host; else those that take any.

use std::collections::HashMap;

use crate::model::request::Request;

/// Load balancers, by number.
#[derive(Debug, Default)]
pub(super) struct Balancers {
    addresses: HashMap<String, Vec<usize>>,
    exact: HashMap<String, Vec<usize>>,
    /// `.example.com` for `*.example.com`.
    suffixes: HashMap<String, Vec<usize>>,
    /// Patterns that have to be tried.
    patterns: Vec<(String, usize)>,
    any: Vec<usize>,
}

impl Balancers {
    /// An address that the status of an Ingress shows.
    pub(super) fn add_address(&mut self, address: &str, number: usize) {
        insert(&mut self.addresses, address.to_ascii_lowercase(), number);
    }

    /// A host in lower case that a rule names; empty for any.
    pub(super) fn add_host(&mut self, host: &str, number: usize) {
        let is_plain = |text: &str| !text.contains(['*', '?']);
        match host.strip_prefix('*') {
            _ if host.is_empty() => push(&mut self.any, number),
            Some(suffix) if suffix.starts_with('.') && is_plain(suffix) => {
                insert(&mut self.suffixes, suffix.to_owned(), number);
            }
            _ if is_plain(host) => insert(&mut self.exact, host.to_owned(), number),
            _ => self.patterns.push((host.to_owned(), number)),
        }
    }

    /// Those that the request may come to, in order: all with the best claim.
    pub(super) fn reached(&self, request: &Request, fits: impl Fn(&str, &str) -> bool) -> Vec<usize> {
        let host = request.host.as_str();
        if let Some(found) = self.addresses.get(host) {
            return found.clone();
        }
        let mut found: Vec<usize> = self.exact.get(host).cloned().unwrap_or_default();
        for (at, _) in host.match_indices('.') {
            let suffix = host.get(at..).filter(|_| at > 0);
            found.extend(suffix.and_then(|suffix| self.suffixes.get(suffix)).into_iter().flatten());
        }
        let patterns = self.patterns.iter().filter(|(pattern, _)| fits(pattern, host));
        found.extend(patterns.map(|(_, number)| *number));
        found.sort_unstable();
        found.dedup();
        if found.is_empty() { self.any.clone() } else { found }
    }
}

fn insert(map: &mut HashMap<String, Vec<usize>>, key: String, number: usize) {
    push(map.entry(key).or_default(), number);
}

/// Numbers come in order: a repetition is the last one.
fn push(numbers: &mut Vec<usize>, number: usize) {
    if numbers.last() != Some(&number) {
        numbers.push(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_claims_are_reached() {
        let mut balancers = Balancers::default();
        balancers.add_address("LB.example.net", 0);
        for (host, number) in
            [("", 0), ("", 1), ("a.example", 1), ("a.example", 1), ("*.example", 2), ("b?.test", 3)]
        {
            balancers.add_host(host, number);
        }
        for (host, expected) in [
            ("lb.example.net", &[0][..]),
            ("a.example", &[1, 2]),
            ("c.b.example", &[2]),
            ("b1.test", &[3]),
            ("example", &[0, 1]),
        ] {
            let request = Request::parse(&format!("http://{host}/")).expect("url");
            let found =
                balancers.reached(&request, |_, host| host.starts_with('b') && host.ends_with(".test"));
            assert_eq!(found, expected, "{host}");
        }
    }
}

//! Requests that the rules of an Ingress are about: each rule's own, and those around its edges where
//! controllers part ways.
//!
//! Assumptions: a host or path that no request can carry yields none; patterns are asked for by texts
//! that they match. Deterministic, and bounded for each Ingress.

use std::collections::BTreeSet;

use super::field::pattern;
use crate::model::ingress::Ingress;
use crate::model::request::Request;

/// Requests that one Ingress may yield.
pub const MOST: usize = 1_000;
/// A host that no rule names.
const ANY_HOST: &str = "any.example.invalid";
/// A path that no rule means.
const NOWHERE: &str = "/no-rule-is-for-this";

/// A request, and the host of the rule that it is about as the rule has it; empty for any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived<'a> {
    pub request: Request,
    pub host: &'a str,
}

/// The requests of an Ingress in the order of its rules, without repeats, and how many rules they do
/// not cover because there would be too many.
#[must_use]
pub fn requests(ingress: &Ingress) -> (Vec<Derived<'_>>, usize) {
    let mut found = Collected::default();
    let mut left_out = 0;
    for rule in &ingress.rules {
        if found.requests.len() >= MOST {
            left_out += rule.paths().len();
            continue;
        }
        let host = rule.host();
        let tls = ingress
            .tls
            .iter()
            .any(|tls| tls.hosts.is_empty() || tls.hosts.iter().any(|name| name.eq_ignore_ascii_case(host)));
        // The scheme under which the host's rules are served; under the other one, one request tells.
        let (main, other) = if tls { ("https", "http") } else { ("http", "https") };
        for path in rule.paths() {
            if found.requests.len() >= MOST {
                left_out += 1;
                continue;
            }
            let edges = edges(&path.path);
            for name in hosts(host) {
                for edge in &edges {
                    found.add(main, &name, edge, host);
                }
                if let Some(own) = edges.first() {
                    found.add(other, &name, own, host);
                }
            }
        }
        for name in hosts(host) {
            found.add(main, &name, "/", host);
            found.add(main, &name, NOWHERE, host);
        }
    }
    if ingress.rules.is_empty() && ingress.default_backend.is_some() {
        found.add("http", ANY_HOST, "/", "");
        found.add("https", ANY_HOST, "/", "");
    }
    (found.requests, left_out)
}

#[derive(Default)]
struct Collected<'a> {
    requests: Vec<Derived<'a>>,
    urls: BTreeSet<String>,
}

impl<'a> Collected<'a> {
    fn add(&mut self, scheme: &str, name: &str, path: &str, host: &'a str) {
        let url = format!("{scheme}://{name}{path}");
        if self.urls.contains(&url) {
            return;
        }
        if let Ok(request) = Request::parse(&url) {
            self.urls.insert(url);
            self.requests.push(Derived { request, host });
        }
    }
}

/// Hosts that a rule's host stands for: of a wildcard, one label below it and two.
fn hosts(host: &str) -> Vec<String> {
    match host.strip_prefix("*.") {
        _ if host.is_empty() => vec![ANY_HOST.to_owned()],
        Some(parent) => vec![format!("any.{parent}"), format!("deeper.any.{parent}")],
        None => vec![host.to_owned()],
    }
}

/// Paths that a rule's path stands for: itself, and what lies around it.
fn edges(path: &str) -> Vec<String> {
    if !pattern::is_literal(path) {
        let mut edges = pattern::samples(path);
        let end = path.find(['(', '[', '*', '+', '?', '|', '^', '$', '{', '\\']).unwrap_or(path.len());
        edges.extend(path.get(..end).filter(|head| head.starts_with('/')).map(ToOwned::to_owned));
        if let Some(own) = edges.first().cloned() {
            edges.push(format!("{own}/below"));
            edges.push(own.to_ascii_uppercase());
        }
        return edges;
    }
    let bare = path.trim_end_matches('/');
    if bare.is_empty() {
        return vec!["/".to_owned(), "/below".to_owned()];
    }
    let mut edges = vec![path.to_owned()];
    edges.extend([
        bare.to_owned(),
        format!("{bare}/"),
        format!("{bare}/below"),
        format!("{bare}bar"),
        bare.to_ascii_uppercase(),
    ]);
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::ingress;
    use crate::model::ingress::Tls;

    fn urls(ingress: &Ingress) -> Vec<String> {
        requests(ingress).0.iter().map(|derived| derived.request.url()).collect()
    }

    #[test]
    fn a_path_is_asked_for_at_its_edges() {
        let ingress = ingress("shop/web", &[("a.example", "Prefix /foo web")]);
        assert_eq!(
            urls(&ingress),
            [
                "http://a.example/foo",
                "http://a.example/foo/",
                "http://a.example/foo/below",
                "http://a.example/foobar",
                "http://a.example/FOO",
                "https://a.example/foo",
                "http://a.example/",
                "http://a.example/no-rule-is-for-this",
            ]
        );
    }

    #[test]
    fn a_host_with_a_certificate_is_asked_over_https() {
        let mut ingress = ingress("shop/web", &[("a.example", "Exact / web")]);
        ingress.tls = vec![Tls { hosts: vec!["a.example".to_owned()], secret: None }];
        assert_eq!(
            urls(&ingress)[..3],
            ["https://a.example/", "https://a.example/below", "http://a.example/"]
        );
    }

    #[test]
    fn a_pattern_is_asked_for_by_what_it_matches() {
        let ingress = ingress("shop/web", &[("a.example", "Any /v[0-9]+/(.*) web")]);
        let urls = urls(&ingress);
        assert!(urls[0].starts_with("http://a.example/v1"), "{urls:?}");
        assert!(urls.iter().all(|url| !url.contains(['[', '*'])), "{urls:?}");
    }

    #[test]
    fn a_wildcard_is_asked_for_by_one_label_and_by_two() {
        let ingress = ingress("shop/web", &[("*.example", "Prefix / web"), ("", "Prefix / web")]);
        let urls = urls(&ingress);
        for host in ["any.example", "deeper.any.example", "any.example.invalid"] {
            assert!(urls.contains(&format!("http://{host}/")), "{host}: {urls:?}");
        }
    }

    #[test]
    fn there_is_an_end_and_it_is_told() {
        let paths: Vec<String> = (0..400).map(|n| format!("Prefix /p{n} web")).collect();
        let rules: Vec<(&str, &str)> = paths.iter().map(|path| ("a.example", path.as_str())).collect();
        let ingress = ingress("shop/web", &rules);
        let (found, left_out) = requests(&ingress);
        assert!(found.len() >= MOST && found.len() < MOST + 20, "{}", found.len());
        assert_eq!(left_out, 400 - MOST.div_ceil(6));
    }
}

//! A router's rule text, as far as it tells routers apart, and its priority.
//!
//! Source: traefik/traefik `pkg/provider/kubernetes/gateway/httproute.go` (`buildMatchRule` and what it
//! calls), v3.7.13.

use std::fmt::Write as _;

use crate::model::http_route::{PathMatch, PathMatchKind, RouteMatch, ValueMatch};

/// Equal for two matches exactly when their rule texts are.
pub(super) fn rule_text(hosts: &[String], one: &RouteMatch) -> String {
    let RouteMatch { path: PathMatch { kind, value }, method, headers, query } = one;
    let mut text = format!("{hosts:?} ");
    let _ = match (kind, value.as_str()) {
        (PathMatchKind::Exact, value) => write!(text, "= {value:?}"),
        (PathMatchKind::Prefix, "/") => write!(text, "/"),
        (PathMatchKind::Prefix, value) => write!(text, "^ {:?}", value.strip_suffix('/').unwrap_or(value)),
        (PathMatchKind::Pattern, value) => write!(text, "~ {value:?}"),
    };
    let _ = write!(text, " {method:?}");
    for ValueMatch { name, value, is_pattern } in headers {
        let _ = write!(text, " header {name:?} {value:?} {is_pattern}");
    }
    for ValueMatch { name, value, is_pattern } in query {
        let _ = write!(text, " query {name:?} {value:?} {is_pattern}");
    }
    text
}

/// `rules_left` counts the route's rules from this one on.
pub(super) fn priority(hosts: &[String], one: &RouteMatch, rules_left: usize) -> usize {
    let RouteMatch { path: PathMatch { kind, value }, method, headers, query } = one;
    let path = match (kind, value.as_str()) {
        (PathMatchKind::Exact, _) => 100_000,
        (PathMatchKind::Prefix, "/") => 1,
        (PathMatchKind::Prefix | PathMatchKind::Pattern, value) => 10_000 + 100 * value.len(),
    };
    let method = if method.is_some() { 1000 } else { 0 };
    let host = hosts.iter().map(String::len).max().unwrap_or(0);
    path + method + 100 * headers.len() + 10 * query.len() + host + rules_left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(kind: PathMatchKind, value: &str, headers: usize) -> RouteMatch {
        let header =
            |number| ValueMatch { name: format!("h{number}"), value: String::new(), is_pattern: false };
        RouteMatch {
            path: PathMatch { kind, value: value.to_owned() },
            headers: (0..headers).map(header).collect(),
            ..RouteMatch::default()
        }
    }

    /// Numbers as the API of a running Traefik 3.7.15 gave them.
    #[test]
    fn priorities_are_those_of_the_running_proxy() {
        use PathMatchKind::{Exact, Pattern, Prefix};
        for (hosts, one, left, expected) in [
            (&["store.example", "app.apps.example"][..], one(Pattern, "/v[0-9]+", 1), 1, 10_917),
            (&["app.apps.example"], one(Prefix, "/x.y", 0), 3, 10_419),
            (&["app.apps.example"], one(Prefix, "/", 0), 1, 18),
            (&["*.api.shop.test"], one(Exact, "/apple", 1), 1, 100_116),
            (&[], one(Prefix, "/tie0", 0), 1, 10_501),
            (&[], one(Exact, "/tie1", 0), 1, 100_001),
        ] {
            let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
            assert_eq!(priority(&hosts, &one, left), expected, "{hosts:?} {one:?}");
        }
    }

    #[test]
    fn texts_differ_where_routers_do() {
        use PathMatchKind::Prefix;
        let hosts = ["a.x".to_owned(), "b.x".to_owned()];
        let turned = ["b.x".to_owned(), "a.x".to_owned()];
        let text = |hosts: &[String], value| rule_text(hosts, &one(Prefix, value, 0));
        assert_eq!(text(&hosts, "/x"), text(&hosts, "/x/"));
        assert_ne!(text(&hosts, "/x"), text(&turned, "/x"));
        assert_ne!(text(&hosts, "/x"), text(&hosts, "/y"));
    }
}

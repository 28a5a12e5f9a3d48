//! What Envoy does with a route table: which virtual host, which of its routes.
//!
//! Translators (Contour, Istio, Cilium) fill it; the order of routes is theirs. The host is looked up
//! first, exact before the longest suffix before any host, and there is no second chance on another
//! virtual host. Routes are tried in order, and the first that matches wins.
//! Source: Envoy 1.38 `source/common/router/config_impl.cc` (`findVirtualHost`, `findWildcard…`,
//! `getRouteFromRoutes`).

use std::collections::HashMap;

use super::heads::literal_head;

mod explain;
mod normalise;
mod paths;
mod re2;
mod table;

pub(super) use normalise::Normalisation;
pub(super) use re2::whole;
pub(super) use table::{Builder, Choice, Flavour, Label, Secure, Table, kept};

use paths::Paths;

/// How a route compares the path, query left out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PathMatch {
    Exact(String),
    /// Element by element: the text itself, or what goes on with a slash.
    Elements(String),
    /// Character by character.
    Prefix(String),
    /// RE2 for the whole path.
    Pattern(String),
}

impl PathMatch {
    /// In the words of Envoy's configuration.
    pub(super) fn rendered(&self) -> String {
        match self {
            Self::Exact(path) => format!("path: {path}"),
            Self::Elements(path) => format!("path_separated_prefix: {path}"),
            Self::Prefix(path) => format!("prefix: {path}"),
            Self::Pattern(pattern) => format!("safe_regex: {pattern}"),
        }
    }

    /// Whether it takes a path.
    pub(super) fn takes(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => text == path,
            Self::Elements(text) => {
                path.strip_prefix(text.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Pattern(pattern) => {
                path.starts_with(&literal_head(pattern))
                    && whole(pattern).is_some_and(|regex| regex.is_match(path.as_bytes()))
            }
        }
    }
}

/// A route, with what the translator keeps of it.
#[derive(Debug)]
pub(super) struct Route<T> {
    pub(super) matcher: PathMatch,
    pub(super) payload: T,
}

/// One virtual host.
#[derive(Debug)]
pub(super) struct VirtualHost<T> {
    /// In Envoy's words: a name, `*.name` or `*`.
    pub(super) domain: String,
    /// In the order they are tried.
    routes: Vec<Route<T>>,
    paths: Paths,
}

impl<T> VirtualHost<T> {
    pub(super) fn new(domain: String, routes: Vec<Route<T>>) -> Self {
        let paths = Paths::new(routes.iter().map(|route| &route.matcher));
        Self { domain, routes, paths }
    }

    /// The first route that takes a path.
    pub(super) fn find(&self, path: &str) -> Option<&Route<T>> {
        self.paths.find(path).and_then(|at| self.routes.get(at))
    }
}

/// The virtual hosts of one listener.
#[derive(Debug)]
pub(super) struct Hosts<T> {
    hosts: Vec<VirtualHost<T>>,
    exact: HashMap<String, usize>,
    /// By what follows the star.
    suffix: HashMap<String, usize>,
    any: Option<usize>,
}

impl<T> Hosts<T> {
    /// Every route of every virtual host.
    pub(super) fn routes(&self) -> impl Iterator<Item = &Route<T>> {
        self.hosts.iter().flat_map(|host| &host.routes)
    }

    pub(super) fn new(hosts: Vec<VirtualHost<T>>) -> Self {
        let mut all = Self { hosts, exact: HashMap::new(), suffix: HashMap::new(), any: None };
        for (at, host) in all.hosts.iter().enumerate() {
            let domain = host.domain.to_ascii_lowercase();
            match domain.strip_prefix('*') {
                Some("") => all.any = Some(at),
                Some(suffix) => {
                    all.suffix.insert(suffix.to_owned(), at);
                }
                None => {
                    all.exact.insert(domain, at);
                }
            }
        }
        all
    }

    /// The virtual host of a host in lower case, without port; with or without a look at wildcards.
    pub(super) fn find(&self, host: &str, wildcards: bool) -> Option<&VirtualHost<T>> {
        let at = self.exact.get(host).or_else(|| {
            // A star stands for at least one character.
            let tails = host.match_indices('.').filter_map(|(at, _)| host.get(at..).filter(|_| at > 0));
            let mut tails = tails.filter(|_| wildcards);
            tails.find_map(|tail| self.suffix.get(tail))
        });
        at.or(self.any.as_ref()).and_then(|at| self.hosts.get(*at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_chosen_once() {
        let host = |domain: &str| {
            let route = Route { matcher: PathMatch::Prefix("/".to_owned()), payload: () };
            VirtualHost::new(domain.to_owned(), vec![route])
        };
        let hosts = Hosts::new(["a.example", "*.example", "*.b.example", "*"].map(host).into());
        for (asked, expected) in [
            ("a.example", "a.example"),
            ("x.example", "*.example"),
            ("x.y.example", "*.example"),
            ("x.b.example", "*.b.example"),
            ("b.example", "*.example"),
            ("example", "*"),
            ("a.example.", "*"),
        ] {
            assert_eq!(hosts.find(asked, true).map(|host| host.domain.as_str()), Some(expected), "{asked}");
        }
        for (asked, expected) in [("a.example", "a.example"), ("x.example", "*")] {
            assert_eq!(hosts.find(asked, false).map(|host| host.domain.as_str()), Some(expected), "{asked}");
        }
    }

    #[test]
    fn paths_are_compared_four_ways() {
        let exact = |text: &str| PathMatch::Exact(text.to_owned());
        let elements = |text: &str| PathMatch::Elements(text.to_owned());
        let prefix = |text: &str| PathMatch::Prefix(text.to_owned());
        let pattern = |text: &str| PathMatch::Pattern(text.to_owned());
        for (matcher, path, expected) in [
            (exact("/foo"), "/foo", true),
            (exact("/foo"), "/foo/", false),
            (elements("/foo"), "/foo/bar", true),
            (elements("/foo"), "/foobar", false),
            (prefix("/foo"), "/foobar", true),
            (prefix("/foo"), "/FOO", false),
            (pattern("/v[0-9]+"), "/v12", true),
            (pattern("/v[0-9]+"), "/v12/x", false),
            (pattern("/a|/b"), "/b", true),
            (pattern("/("), "/(", false),
        ] {
            assert_eq!(matcher.takes(path), expected, "{matcher:?} {path}");
        }
    }
}

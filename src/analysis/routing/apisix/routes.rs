//! Routes by host and URI.
//!
//! Sources: apache/apisix-ingress-controller `internal/adc/translator/ingress.go`, 2.x; apache/apisix
//! `apisix/http/router/radixtree_host_uri.lua`.

use std::collections::HashMap;

use crate::analysis::routing::heads::literal_head;
use crate::analysis::routing::nginx::pattern::{Match, Pattern};
use crate::model::ingress::{PathRule, PathType, Place};

/// A URI of a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Uri {
    Whole(String),
    /// What stands before a star at the end.
    Begins(String),
}

impl Uri {
    fn new(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(head) => Self::Begins(head.to_owned()),
            None => Self::Whole(text.to_owned()),
        }
    }

    /// The URIs of a rule, and the pattern that the path must fit besides.
    pub(super) fn all(rule: &PathRule, regex: bool) -> Vec<(Self, Option<String>)> {
        let path = rule.path.as_str();
        match rule.path_type {
            PathType::Exact => vec![(Self::Whole(path.to_owned()), None)],
            PathType::Prefix => {
                let below = format!("{}/", path.trim_end_matches('/'));
                vec![(Self::Whole(path.to_owned()), None), (Self::Begins(below), None)]
            }
            PathType::ImplementationSpecific if path.is_empty() => vec![(Self::new("/*"), None)],
            PathType::ImplementationSpecific if regex => vec![(Self::new("/*"), Some(path.to_owned()))],
            PathType::ImplementationSpecific => vec![(Self::new(path), None)],
        }
    }

    pub(super) fn takes(&self, path: &str) -> bool {
        match self {
            Self::Whole(text) => text == path,
            Self::Begins(head) => path.starts_with(head.as_str()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Route {
    pub(super) ingress: usize,
    pub(super) place: Place,
    pattern: Option<Pattern>,
    /// What stands in every path that fits the pattern.
    head: String,
}

impl Route {
    pub(super) fn new(ingress: usize, place: Place, pattern: Option<String>) -> Self {
        let head = pattern.as_deref().map(literal_head).unwrap_or_default();
        Self { ingress, place, pattern: pattern.map(|pattern| Pattern::new(pattern, false)), head }
    }

    pub(super) fn pattern_text(&self) -> Option<&str> {
        self.pattern.as_ref().map(Pattern::text)
    }

    /// Whether a path fits the pattern, found anywhere in it.
    pub(super) fn fits(&self, path: &str) -> bool {
        let fits = |pattern: &Pattern| pattern.is_match(path.as_bytes()) == Match::Yes;
        self.pattern.as_ref().is_none_or(|pattern| path.contains(&self.head) && fits(pattern))
    }
}

#[derive(Debug, Default)]
struct OfHost {
    whole: HashMap<String, Vec<Route>>,
    begins: HashMap<String, Vec<Route>>,
    longest: usize,
}

#[derive(Debug, Default)]
pub(super) struct Routes {
    hosts: HashMap<String, OfHost>,
}

impl Routes {
    pub(super) fn add(&mut self, host: &str, uri: Uri, route: Route) {
        if !self.hosts.contains_key(host) {
            self.hosts.insert(host.to_owned(), OfHost::default());
        }
        let Some(of_host) = self.hosts.get_mut(host) else { return };
        match uri {
            Uri::Whole(text) => of_host.whole.entry(text).or_default().push(route),
            Uri::Begins(head) => {
                of_host.longest = of_host.longest.max(head.len());
                of_host.begins.entry(head).or_default().push(route);
            }
        }
    }

    /// The routes that may take a request: one, or several without an order.
    pub(super) fn find(&self, host: &str, path: &str) -> Vec<&Route> {
        let wildcards = host
            .match_indices('.')
            .filter(|(at, _)| *at > 0)
            .filter_map(|(at, _)| Some(format!("*{}", host.get(at..)?)));
        let names = std::iter::once(host.to_owned()).chain(wildcards).chain([String::new()]);
        let mut found = names.filter_map(|name| self.hosts.get(&name)).map(|of_host| of_host.find(path));
        found.find(|routes| !routes.is_empty()).unwrap_or_default()
    }
}

impl OfHost {
    fn find(&self, path: &str) -> Vec<&Route> {
        let fit = |routes: &'_ Vec<Route>| -> Vec<usize> {
            let fitting = routes.iter().enumerate().filter(|(_, route)| route.fits(path));
            fitting.map(|(at, _)| at).collect()
        };
        let heads = (0..=self.longest.min(path.len())).rev().filter_map(|end| path.get(..end));
        let levels = self.whole.get(path).into_iter().chain(heads.filter_map(|head| self.begins.get(head)));
        for routes in levels {
            let fitting = fit(routes);
            if !fitting.is_empty() {
                return fitting.into_iter().filter_map(|at| routes.get(at)).collect();
            }
        }
        Vec::new()
    }
}

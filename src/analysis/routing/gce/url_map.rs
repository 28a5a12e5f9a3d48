//! A URL map: hosts, their paths, and the default service.
//!
//! A host that comes twice has the later rule's paths, a path that comes twice the later backend. `*`
//! may only stand after a slash at the end of a path. The longest pattern that takes a path wins.
//! Sources: kubernetes/ingress-gce `pkg/utils/gceurlmap.go`, `pkg/translator`, acbcf5d66.

use std::collections::{BTreeSet, HashMap};

use crate::analysis::routing::serving::Services;
use crate::model::ingress::{Ingress, PathRule, PathType, Place};

use super::backend::Served;

/// What a request comes to: a place, what serves it, and its pattern; nothing is the cluster's default
/// backend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a>(pub(super) Option<(Place, &'a Served, &'a str)>);

#[derive(Debug, Default)]
struct Paths {
    whole: HashMap<String, (Place, Served)>,
    /// Without the star, so that they end in a slash.
    open: HashMap<String, (Place, Served, String)>,
    lengths: BTreeSet<usize>,
}

#[derive(Debug, Default)]
pub(super) struct UrlMap {
    /// `*` for every host that is not there.
    hosts: HashMap<String, Paths>,
    default: Option<Served>,
}

/// The patterns of a path: whole, and open at the end.
pub(super) fn patterns(rule: &PathRule) -> Vec<String> {
    let bare = rule.path.trim_end_matches('/');
    match rule.path_type {
        PathType::Exact => vec![rule.path.clone()],
        PathType::Prefix if bare.is_empty() => vec!["/*".to_owned()],
        PathType::Prefix => vec![bare.to_owned(), format!("{bare}/*")],
        PathType::ImplementationSpecific if rule.path.is_empty() => vec!["/*".to_owned()],
        PathType::ImplementationSpecific => vec![rule.path.clone()],
    }
}

/// Whether a pattern takes a path.
pub(super) fn takes(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(head) => path.starts_with(head),
        None => pattern == path,
    }
}

impl UrlMap {
    /// With the host and cause of the first thing that cannot be translated.
    pub(super) fn new(ingress: &Ingress, services: &Services<'_>) -> (Self, Option<(String, String)>) {
        let namespace = &ingress.meta.namespace;
        let mut cause = None;
        let mut fail = |host: &str, why: String| {
            cause.get_or_insert_with(|| (host.to_owned(), why));
        };
        let mut map = Self::default();
        for (r, rule) in ingress.rules.iter().enumerate() {
            let mut paths = Paths::default();
            for (p, path) in rule.paths().iter().enumerate() {
                let served = match Served::new(namespace, &path.backend, services) {
                    Ok(served) => served,
                    Err(why) => {
                        fail(rule.host(), why);
                        continue;
                    }
                };
                for pattern in patterns(path) {
                    if !paths.add(&pattern, Place::Path(r, p), &served) {
                        fail(rule.host(), format!("invalid path {pattern}"));
                    }
                }
            }
            map.hosts.insert(key(rule.host()), paths);
        }
        map.default = ingress
            .default_backend
            .as_ref()
            .and_then(|backend| Served::new(namespace, backend, services).map_err(|why| fail("", why)).ok());
        (map, cause)
    }

    /// What a request comes to; several where it depends on how deep a wildcard reaches.
    pub(super) fn find(&self, host: &str, path: &str) -> Vec<Found<'_>> {
        if let Some(paths) = self.hosts.get(host) {
            return vec![self.at(paths, path)];
        }
        let mut found = Vec::new();
        for (at, _) in host.match_indices('.').filter(|(at, _)| *at > 0) {
            let Some(paths) = host.get(at..).and_then(|tail| self.hosts.get(&format!("*{tail}"))) else {
                continue;
            };
            found.push(self.at(paths, path));
            let one_label = !host.get(..at).is_some_and(|head| head.contains('.'));
            if one_label {
                return found;
            }
        }
        found.push(match self.hosts.get("*") {
            Some(paths) => self.at(paths, path),
            None => self.fallback(),
        });
        found
    }

    fn at<'a>(&'a self, paths: &'a Paths, path: &str) -> Found<'a> {
        paths.find(path).map_or_else(|| self.fallback(), |found| Found(Some(found)))
    }

    fn fallback(&self) -> Found<'_> {
        Found(self.default.as_ref().map(|served| (Place::DefaultBackend, served, "default service")))
    }

    /// What serves each place whose host and path were not overwritten.
    pub(super) fn served(&self) -> HashMap<Place, &Served> {
        let whole = self.hosts.values().flat_map(|paths| paths.whole.values());
        let open = self.hosts.values().flat_map(|paths| paths.open.values());
        let open = open.map(|(place, served, _)| (*place, served));
        whole.map(|(place, served)| (*place, served)).chain(open).collect()
    }

    /// Whether the map knows a host by name.
    pub(super) fn names(&self, host: &str) -> bool {
        self.hosts.contains_key(&key(host))
    }
}

fn key(host: &str) -> String {
    if host.is_empty() { "*".to_owned() } else { host.to_ascii_lowercase() }
}

impl Paths {
    /// Fails for a star anywhere but after the last slash.
    fn add(&mut self, pattern: &str, place: Place, served: &Served) -> bool {
        match pattern.strip_suffix('*') {
            Some(head) if head.ends_with('/') && !head.contains('*') => {
                self.lengths.insert(head.len());
                self.open.insert(head.to_owned(), (place, served.clone(), pattern.to_owned()));
                true
            }
            None if !pattern.contains('*') && pattern.starts_with('/') => {
                self.whole.insert(pattern.to_owned(), (place, served.clone()));
                true
            }
            Some(_) | None => false,
        }
    }

    fn find(&self, path: &str) -> Option<(Place, &Served, &str)> {
        if let Some((pattern, (place, served))) = self.whole.get_key_value(path) {
            return Some((*place, served, pattern));
        }
        let mut heads = self.lengths.range(..=path.len()).rev();
        let found = heads.find_map(|length| self.open.get(path.get(..*length)?));
        found.map(|(place, served, pattern)| (*place, served, pattern.as_str()))
    }
}

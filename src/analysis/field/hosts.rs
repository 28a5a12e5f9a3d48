//! The loaded rules by host, oldest Ingress first, as ingress-nginx reads them.
//!
//! Assumptions: an empty path is `/`, `ImplementationSpecific` is `Prefix`, canaries make no host.
//! Source: kubernetes/ingress-nginx `internal/ingress/controller/controller.go` @ controller-v1.15.1.

use std::collections::BTreeMap;

use crate::model::ingress::{Ingress, PathRule, PathType, Place};

use crate::analysis::adoption::annotations::Policy;

/// All hosts; the empty one is the catch-all server.
#[derive(Debug, Default)]
pub struct Hosts<'a> {
    by_name: BTreeMap<&'a str, Host<'a>>,
}

/// One host.
#[derive(Debug, Default)]
pub struct Host<'a> {
    /// Ingresses with a rule for it, oldest first, canaries left out: the first one made the host.
    pub ingresses: Vec<&'a Ingress>,
    /// Its paths that may become locations, oldest Ingress first, then in order of writing.
    pub paths: Vec<Entry<'a>>,
    /// Paths of canaries.
    pub canaries: Vec<Entry<'a>>,
}

/// One path of a rule.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub ingress: &'a Ingress,
    pub place: Place,
    /// `/` where none is written.
    pub path: &'a str,
    /// Never `ImplementationSpecific`.
    pub path_type: PathType,
    pub rule: &'a PathRule,
}

impl<'a> Hosts<'a> {
    pub(super) fn new(by_age: &[&'a Ingress], policy: &Policy<'_>) -> Self {
        let mut hosts = Self::default();
        for ingress in by_age {
            let canary = policy.boolean(ingress, "canary") == Some(true);
            for (r, rule) in ingress.rules.iter().enumerate() {
                if canary && rule.paths().is_empty() {
                    continue;
                }
                let host = hosts.by_name.entry(rule.host()).or_default();
                if !canary && host.ingresses.last().is_none_or(|last| !std::ptr::eq(*last, *ingress)) {
                    host.ingresses.push(ingress);
                }
                for (p, path) in rule.paths().iter().enumerate() {
                    let entry = Entry {
                        ingress,
                        place: Place::Path(r, p),
                        path: if path.path.is_empty() { "/" } else { &path.path },
                        path_type: match path.path_type {
                            PathType::Exact => PathType::Exact,
                            PathType::Prefix | PathType::ImplementationSpecific => PathType::Prefix,
                        },
                        rule: path,
                    };
                    if canary { host.canaries.push(entry) } else { host.paths.push(entry) }
                }
            }
        }
        hosts
    }

    /// Every host, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &Host<'a>)> {
        self.by_name.iter().map(|(name, host)| (*name, host))
    }

    /// Every path that may become a location, with its host.
    pub fn every_path(&self) -> impl Iterator<Item = (&'a str, &Entry<'a>)> {
        self.by_name.iter().flat_map(|(name, host)| host.paths.iter().map(|entry| (*name, entry)))
    }

    /// One host.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Host<'a>> {
        self.by_name.get(name)
    }
}

impl<'a> Host<'a> {
    /// The Ingress that made the host: its annotations and default backend hold for unmatched paths.
    #[must_use]
    pub fn maker(&self) -> Option<&'a Ingress> {
        self.ingresses.first().copied()
    }

    /// Whether a rule takes every path that no other rule takes.
    #[must_use]
    pub fn has_root(&self) -> bool {
        self.paths.iter().any(|entry| {
            entry.path == "/" && entry.path_type == PathType::Prefix && entry.rule.backend.service().is_some()
        })
    }
}

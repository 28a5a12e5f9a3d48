//! The loaded rules by host, oldest Ingress first, as ingress-nginx reads them.
//!
//! Assumptions: an empty path is `/`, canaries make no host, a resource backend is no rule. Whether a
//! canary's path is an alternative or an ordinary rule depends on who named its Service first.
//! Source: kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (`createUpstreams`,
//! `createServers`, `getBackendServers`) @ controller-v1.15.1.

use std::collections::{BTreeMap, HashMap};

use crate::analysis::adoption::annotations::Policy;
use crate::analysis::routing::Target;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, Place, PortRef};
use crate::model::object::Name;

/// All hosts; the empty one is the catch-all server.
#[derive(Debug, Default)]
pub struct Hosts<'a> {
    by_name: BTreeMap<&'a str, Host<'a>>,
    makers: HashMap<String, Maker<'a>>,
}

/// One host.
#[derive(Debug, Default)]
pub struct Host<'a> {
    /// Ingresses with a rule for it, oldest first, canaries left out: the first one made the host.
    pub ingresses: Vec<&'a Ingress>,
    /// Its paths that may become locations, oldest Ingress first, then in order of writing.
    pub paths: Vec<Entry<'a>>,
    /// Paths of canaries that are alternatives.
    pub canaries: Vec<Entry<'a>>,
    /// Paths of main Ingresses whose Service a canary named first: they become no locations.
    pub displaced: Vec<Entry<'a>>,
    /// The oldest Exact rule of each path.
    exact: HashMap<&'a str, Entry<'a>>,
    /// The oldest Prefix rule of each path, without slashes at its end.
    prefixes: HashMap<&'a str, Entry<'a>>,
}

/// One path of a rule.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub ingress: &'a Ingress,
    pub place: Place,
    /// `/` where none is written.
    pub path: &'a str,
    /// Never `ImplementationSpecific`; what is written stands in `rule`.
    pub path_type: PathType,
    pub rule: &'a PathRule,
    /// Written by a canary.
    pub canary: bool,
}

/// Who named a Service port first.
#[derive(Debug, Clone, Copy)]
pub struct Maker<'a> {
    pub ingress: &'a Ingress,
    pub canary: bool,
}

impl<'a> Entry<'a> {
    fn new(ingress: &'a Ingress, rule: usize, at: usize, path: &'a PathRule, canary: bool) -> Self {
        Self {
            ingress,
            place: Place::Path(rule, at),
            path: if path.path.is_empty() { "/" } else { &path.path },
            path_type: match path.path_type {
                PathType::Exact => PathType::Exact,
                PathType::Prefix | PathType::ImplementationSpecific => PathType::Prefix,
            },
            rule: path,
            canary,
        }
    }

    /// The host as written.
    #[must_use]
    pub fn host(&self) -> &'a str {
        match self.place {
            Place::Path(rule, _) | Place::Rule(rule) => {
                self.ingress.rules.get(rule).map(crate::model::ingress::Rule::host).unwrap_or_default()
            }
            Place::DefaultBackend | Place::Match(..) => "",
        }
    }

    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.path_type == PathType::Exact
    }

    /// Where it sends its requests.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        target(self.ingress, &self.rule.backend)
    }

    /// Whether it is this very rule.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.ingress, other.ingress) && self.place == other.place
    }

    /// Whether both send their requests to the same Service port.
    #[must_use]
    pub fn same_backend(&self, other: &Self) -> bool {
        self.ingress.meta.namespace == other.ingress.meta.namespace && self.rule.backend == other.rule.backend
    }
}

/// The Service port of a backend.
#[must_use]
pub fn target(ingress: &Ingress, backend: &Backend) -> Option<Target> {
    let (service, port) = backend.service()?;
    Some(Target { service: Name::new(&ingress.meta.namespace, service), port: port.clone() })
}

/// The name an upstream is known by.
fn upstream(namespace: &str, backend: &Backend) -> String {
    match backend.service() {
        Some((service, PortRef::Number(port))) => format!("{namespace}-{service}-{port}"),
        Some((service, PortRef::Name(port))) => format!("{namespace}-{service}-{port}"),
        Some((_, PortRef::Unset)) | None => format!("{namespace}-INVALID"),
    }
}

impl<'a> Hosts<'a> {
    pub(super) fn new(kind: ControllerKind, by_age: &[&'a Ingress], policy: &Policy<'_>) -> Self {
        let splits = matches!(kind, ControllerKind::IngressNginx | ControllerKind::TraefikIngressNginx);
        let marked: Vec<(&'a Ingress, bool)> = by_age
            .iter()
            .map(|ingress| (*ingress, splits && policy.boolean(ingress, "canary") == Some(true)))
            .collect();
        let mut hosts = Self::default();
        if kind == ControllerKind::IngressNginx && marked.iter().any(|(_, canary)| *canary) {
            hosts.makers = makers(&marked);
        }
        for (ingress, _) in marked.iter().filter(|(_, canary)| !canary) {
            for rule in &ingress.rules {
                let host = hosts.by_name.entry(rule.host()).or_default();
                if host.ingresses.last().is_none_or(|last| !std::ptr::eq(*last, *ingress)) {
                    host.ingresses.push(ingress);
                }
            }
        }
        for (ingress, canary) in marked {
            for (r, rule) in ingress.rules.iter().enumerate() {
                for (p, path) in rule.paths().iter().enumerate() {
                    hosts.add(rule.host(), Entry::new(ingress, r, p, path, canary));
                }
            }
        }
        hosts
    }

    fn add(&mut self, written: &'a str, entry: Entry<'a>) {
        if entry.rule.backend.service().is_none() {
            return;
        }
        let made_by_canary = if self.makers.is_empty() {
            entry.canary
        } else {
            self.maker(&entry).is_some_and(|maker| maker.canary)
        };
        let exists = self.by_name.get(written).is_some_and(|host| !host.ingresses.is_empty());
        // An ordinary rule whose host has no server stands on the catch-all.
        let name = if exists || made_by_canary { written } else { "" };
        let host = self.by_name.entry(name).or_default();
        match (entry.canary, made_by_canary) {
            (true, true) => host.canaries.push(entry),
            (false, true) => host.displaced.push(entry),
            (_, false) => host.push(entry),
        }
    }

    /// Who named an entry's Service port first; known only where there are canaries.
    #[must_use]
    pub fn maker(&self, entry: &Entry<'_>) -> Option<Maker<'a>> {
        self.makers.get(&upstream(&entry.ingress.meta.namespace, &entry.rule.backend)).copied()
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

    /// One host, with its name as the rules spell it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<(&'a str, &Host<'a>)> {
        self.by_name.get_key_value(name).map(|(name, host)| (*name, host))
    }
}

/// In the order of the Ingresses: a default backend makes its upstream anew, a path only where there is
/// none.
fn makers<'a>(marked: &[(&'a Ingress, bool)]) -> HashMap<String, Maker<'a>> {
    let mut makers = HashMap::new();
    for (ingress, canary) in marked {
        let maker = Maker { ingress, canary: *canary };
        let namespace = &ingress.meta.namespace;
        if let Some(backend @ Backend::Service { .. }) = &ingress.default_backend {
            makers.insert(upstream(namespace, backend), maker);
        }
        for (_, _, _, path) in ingress.path_rules() {
            if path.backend.service().is_some() {
                makers.entry(upstream(namespace, &path.backend)).or_insert(maker);
            }
        }
    }
    makers
}

impl<'a> Host<'a> {
    /// The Ingress that made the host: its annotations and default backend hold for unmatched paths.
    #[must_use]
    pub fn maker(&self) -> Option<&'a Ingress> {
        self.ingresses.first().copied()
    }

    fn push(&mut self, entry: Entry<'a>) {
        let (map, key) = match entry.path_type {
            PathType::Exact => (&mut self.exact, entry.path),
            PathType::Prefix | PathType::ImplementationSpecific => {
                (&mut self.prefixes, entry.path.trim_end_matches('/'))
            }
        };
        map.entry(key).or_insert(entry);
        self.paths.push(entry);
    }

    /// The rule that takes every path no other rule takes.
    #[must_use]
    pub fn root(&self) -> Option<&Entry<'a>> {
        self.prefixes.get("")
    }

    /// The rule that takes a path by the Ingress API's own text: exact, or the longest prefix.
    #[must_use]
    pub fn covering(&self, path: &str) -> Option<&Entry<'a>> {
        self.exact.get(path).or_else(|| self.shorter(path, path.len()))
    }

    /// The longest prefix that takes a path and ends before it does.
    #[must_use]
    pub fn above(&self, path: &str) -> Option<&Entry<'a>> {
        self.shorter(path, path.trim_end_matches('/').len().saturating_sub(1))
    }

    fn shorter(&self, path: &str, longest: usize) -> Option<&Entry<'a>> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        let mut ends: Vec<usize> = ends.filter(|end| *end <= longest).collect();
        ends.reverse();
        ends.into_iter().find_map(|end| self.prefixes.get(path.get(..end)?))
    }
}

/// Whether a prefix takes a path, element by element.
#[must_use]
pub fn covers(prefix: &str, path: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

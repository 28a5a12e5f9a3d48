//! Hosts and their locations, before they are written down for nginx.
//!
//! Ingresses come oldest first. The first to name a host makes its server, with a default location
//! `/` that carries all of that Ingress' annotations. On one path only the *first* location is
//! compared: same type, and the later rule is ignored; another type, and one more is added. A canary
//! makes no server, and a rule of it whose host has none lands on the catch-all.
//! Source: kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (`createServers`,
//! `getBackendServers`), v1.15.1.

use std::collections::HashMap;

use crate::model::ingress::{Backend, PathRule, Place};

use super::upstreams::{DEFAULT_UPSTREAM, Upstreams};
use super::{Loaded, is_exact, path_of};

/// The server that takes every host nobody else does.
pub(super) const CATCH_ALL: &str = "_";

#[derive(Debug, Clone)]
pub(super) struct Location {
    pub(super) path: String,
    pub(super) exact: bool,
    /// Made for the host, not for a path, and not replaced since.
    pub(super) is_default: bool,
    pub(super) upstream: usize,
    /// The upstream of the annotation `default-backend`, for errors.
    pub(super) errors_to: Option<usize>,
    /// The Ingress, by number, and the place in it; `None` only for the untouched catch-all.
    pub(super) owner: Option<(usize, Place)>,
    /// An Ingress of nothing but a default backend owns it: its redirects and rewrites do not count.
    pub(super) plain: bool,
}

/// Whether nginx has a certificate entry for a host's own name, which `ssl-redirect` goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tls {
    None,
    /// Secrets whose certificates may cover further names.
    Entry {
        namespace: String,
        secrets: Vec<String>,
    },
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) host: String,
    pub(super) locations: Vec<Location>,
    /// The first location of each path.
    by_path: HashMap<String, usize>,
    pub(super) aliases: Vec<String>,
    pub(super) tls: Tls,
    /// Some location asks for `from-to-www-redirect`: its Ingress.
    pub(super) www: Option<usize>,
    /// The Ingress that made it; `None` for the catch-all.
    pub(super) maker: Option<usize>,
    /// The first Ingress with a `server-snippet`.
    pub(super) snippet: Option<usize>,
    /// The Ingresses with `auth-tls-secret`.
    pub(super) client_certificates: Vec<usize>,
}

impl Server {
    fn new(host: &str, location: Location, maker: Option<usize>) -> Self {
        Self {
            host: host.to_owned(),
            by_path: HashMap::from([(location.path.clone(), 0)]),
            locations: vec![location],
            aliases: Vec::new(),
            tls: Tls::None,
            www: None,
            maker,
            snippet: None,
            client_certificates: Vec::new(),
        }
    }

    /// Whether the rule got a location.
    fn add(&mut self, path: &PathRule, upstream: usize, owner: (usize, Place)) -> bool {
        let text = path_of(path);
        let location = Location {
            path: text.to_owned(),
            exact: is_exact(path),
            is_default: false,
            upstream,
            errors_to: None,
            owner: Some(owner),
            plain: false,
        };
        let first = self.by_path.get(text).and_then(|at| self.locations.get_mut(*at));
        match first {
            Some(first) if first.exact == location.exact && first.is_default => *first = location,
            Some(first) if first.exact == location.exact => return false,
            Some(_) => self.locations.push(location),
            None => {
                self.by_path.insert(text.to_owned(), self.locations.len());
                self.locations.push(location);
            }
        }
        true
    }
}

impl Location {
    fn default(upstream: usize, owner: Option<(usize, Place)>) -> Self {
        Self {
            path: "/".to_owned(),
            exact: false,
            is_default: true,
            upstream,
            errors_to: None,
            owner,
            plain: false,
        }
    }
}

/// The server's name for a rule's host.
pub(super) fn server_key(host: &str) -> &str {
    if host.is_empty() { CATCH_ALL } else { host }
}

#[derive(Debug)]
pub(super) struct Servers {
    all: Vec<Server>,
    ids: HashMap<String, usize>,
}

impl Servers {
    pub(super) fn new(loaded: &[Loaded], upstreams: &Upstreams) -> Self {
        let catch_all = Server::new(CATCH_ALL, Location::default(DEFAULT_UPSTREAM, None), None);
        let mut servers = Self { all: vec![catch_all], ids: HashMap::from([(CATCH_ALL.to_owned(), 0)]) };
        for (number, ingress) in loaded.iter().enumerate() {
            if ingress.options.canary.is_none() {
                servers.make(number, ingress, upstreams);
            }
        }
        for (number, ingress) in loaded.iter().enumerate() {
            if ingress.options.canary.is_none() {
                servers.equip(number, ingress);
            }
        }
        servers.settle_aliases();
        for (number, ingress) in loaded.iter().enumerate() {
            servers.fill(number, ingress, upstreams);
        }
        servers
    }

    pub(super) fn get(&self, host: &str) -> Option<&Server> {
        self.all.get(*self.ids.get(host)?)
    }

    fn get_mut(&mut self, host: &str) -> Option<&mut Server> {
        self.all.get_mut(*self.ids.get(host)?)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Server> {
        self.all.iter_mut()
    }

    /// In the order in which nginx gets them.
    pub(super) fn into_sorted(self) -> Vec<Server> {
        let mut all = self.all;
        all.sort_by(|a, b| a.host.cmp(&b.host));
        all
    }

    fn make(&mut self, number: usize, ingress: &Loaded, upstreams: &Upstreams) {
        let backend = ingress.default_backend.as_ref().filter(|backend| backend.service().is_some());
        let default = backend.and_then(|backend| upstreams.id(&ingress.name.namespace, backend));
        if let (Some(upstream), true) = (default, ingress.rules.is_empty())
            && let Some(root) = self.get_mut(CATCH_ALL).and_then(|server| server.locations.first_mut())
            && root.is_default
        {
            root.is_default = false;
            root.upstream = upstream;
            root.owner = Some((number, Place::DefaultBackend));
            root.plain = true;
        }
        for (at, rule) in ingress.rules.iter().enumerate() {
            let host = server_key(rule.host());
            if self.ids.contains_key(host) {
                continue;
            }
            let place = if default.is_some() { Place::DefaultBackend } else { Place::Rule(at) };
            let location = Location::default(default.unwrap_or(DEFAULT_UPSTREAM), Some((number, place)));
            self.ids.insert(host.to_owned(), self.all.len());
            self.all.push(Server::new(host, location, Some(number)));
        }
    }

    fn equip(&mut self, number: usize, ingress: &Loaded) {
        for rule in &ingress.rules {
            let Some(server) = self.get_mut(server_key(rule.host())) else { continue };
            if server.aliases.is_empty() {
                server.aliases.clone_from(&ingress.options.aliases);
            }
            if server.snippet.is_none() && ingress.options.server_snippet.is_some() {
                server.snippet = Some(number);
            }
            if server.host != CATCH_ALL && server.tls == Tls::None && !ingress.tls.is_empty() {
                server.tls = entry(&server.host, ingress);
            }
        }
    }

    /// A name that is a host of its own is nobody's alias.
    fn settle_aliases(&mut self) {
        let Self { all, ids } = self;
        for server in all {
            server.aliases.retain(|alias| !ids.contains_key(alias));
        }
    }

    fn fill(&mut self, number: usize, ingress: &Loaded, upstreams: &Upstreams) {
        for (r, rule) in ingress.rules.iter().enumerate() {
            let www = ingress.options.from_to_www;
            let server = match self.ids.get(server_key(rule.host())) {
                Some(id) => self.all.get_mut(*id),
                None => self.all.first_mut(),
            };
            let Some(server) = server else { continue };
            let counts = rule.paths.is_some() || rule.host().is_empty();
            if counts && ingress.options.client_certificates.is_some() {
                server.client_certificates.push(number);
            }
            for (p, path) in rule.paths().iter().enumerate() {
                let Some(upstream) = location_upstream(ingress, path, upstreams) else { continue };
                if server.add(path, upstream, (number, Place::Path(r, p))) && www {
                    server.www.get_or_insert(number);
                }
            }
        }
    }
}

/// The upstream of a path that becomes a location.
fn location_upstream(ingress: &Loaded, path: &PathRule, upstreams: &Upstreams) -> Option<usize> {
    let Backend::Service { .. } = &path.backend else { return None };
    let upstream = upstreams.id(&ingress.name.namespace, &path.backend)?;
    (!upstreams.has_no_server(upstream)).then_some(upstream)
}

/// Every Ingress with a TLS section gives all its hosts an entry, listed or not.
fn entry(host: &str, ingress: &Loaded) -> Tls {
    let listed = ingress.tls.iter().find(|tls| tls.hosts.iter().any(|name| name.eq_ignore_ascii_case(host)));
    let secrets = match listed {
        Some(tls) => tls.secret.iter().cloned().collect(),
        None => ingress.tls.iter().filter_map(|tls| tls.secret.clone()).collect(),
    };
    Tls::Entry { namespace: ingress.name.namespace.clone(), secrets }
}

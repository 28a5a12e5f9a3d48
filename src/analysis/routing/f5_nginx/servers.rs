//! The servers that the controller writes, and the locations of each in the order of its file.
//!
//! One server for every host that an Ingress owns. A regular Ingress brings its rule's paths, and its
//! default backend as `/` where no path is `/` (an `Exact` one does not count); a master's locations
//! are those of its minions, by name, without their default backends.
//! Source: nginx/kubernetes-ingress `internal/configs/ingress.go` (`generateNginxCfg`,
//! `generateNginxCfgForMergeableIngresses`, `createLocation`), 5.5.

use crate::analysis::routing::Target;
use crate::model::ingress::{Backend, PathType, Place};
use crate::model::object::Name;

use super::endpoints::{Endpoints, Health};
use super::hosts::Hosts;
use super::options::{Mode, Role};
use super::{Loaded, path_of};

/// A host and the rule that owns it.
#[derive(Debug)]
pub(super) struct Server<'a> {
    /// Empty for every host that nobody else has.
    pub(super) host: &'a str,
    pub(super) ingress: usize,
    pub(super) rule: usize,
}

#[derive(Debug)]
pub(super) struct Location {
    /// As written in the rule; `/` for an empty path and for a default backend.
    pub(super) path: String,
    pub(super) exact: bool,
    pub(super) mode: Mode,
    /// How the pattern of a rewrite is written: a minion without its own way takes its master's.
    pub(super) rewrite_mode: Mode,
    /// The Ingress, by number, and the place in it.
    pub(super) owner: (usize, Place),
    pub(super) target: Target,
    pub(super) health: Health,
}

/// Servers in the order in which nginx reads them: by file, then by rule.
pub(super) fn in_order<'a>(loaded: &'a [Loaded], hosts: &'a Hosts) -> Vec<Server<'a>> {
    let mut servers: Vec<Server<'_>> =
        hosts.owners().map(|(host, ingress, rule)| Server { host, ingress, rule }).collect();
    let file = |server: &Server<'_>| {
        let name = loaded.get(server.ingress).map(|ingress| &ingress.name);
        let file = name.map(|name| format!("{}-{}.conf", name.namespace, name.name));
        (file, server.ingress, server.rule)
    };
    servers.sort_by_cached_key(file);
    servers
}

/// The locations of one server.
pub(super) fn locations(
    loaded: &[Loaded],
    hosts: &Hosts,
    maker: usize,
    rule: usize,
    endpoints: &Endpoints<'_>,
) -> Vec<Location> {
    let Some(owner) = loaded.get(maker) else { return Vec::new() };
    let host = owner.rules.get(rule).map(super::Rule::host).unwrap_or_default();
    match owner.role {
        Role::Regular => {
            let writer = Writer { number: maker, ingress: owner, above: None, endpoints };
            let mut all = writer.paths(rule, |_| true);
            if !all.iter().any(|location| location.path == "/" && !location.exact) {
                all.extend(writer.default_backend());
            }
            all
        }
        Role::Master | Role::Minion => {
            let minions = hosts.minions(host).iter();
            let of_minion = |number: &usize| {
                let minion = loaded.get(*number)?;
                let writer =
                    Writer { number: *number, ingress: minion, above: owner.options.mode, endpoints };
                Some(writer.paths(0, |path| hosts.path_goes_to(*number, path).is_none()))
            };
            minions.filter_map(of_minion).flatten().collect()
        }
    }
}

/// Writes the locations of one Ingress.
struct Writer<'a> {
    number: usize,
    ingress: &'a Loaded,
    /// The way of the master above it.
    above: Option<Mode>,
    endpoints: &'a Endpoints<'a>,
}

impl Writer<'_> {
    fn paths(&self, rule: usize, is_valid: impl Fn(&str) -> bool) -> Vec<Location> {
        let paths = self.ingress.rules.get(rule).map(super::Rule::paths).unwrap_or_default();
        paths
            .iter()
            .enumerate()
            .filter(|(_, path)| is_valid(&path.path))
            .filter_map(|(at, path)| {
                let exact = path.path_type == PathType::Exact;
                self.location(path_of(path), exact, Place::Path(rule, at), &path.backend)
            })
            .collect()
    }

    fn default_backend(&self) -> Option<Location> {
        let backend = self.ingress.default_backend.as_ref()?;
        self.location("/", false, Place::DefaultBackend, backend)
    }

    fn location(&self, path: &str, exact: bool, place: Place, backend: &Backend) -> Option<Location> {
        let (service, port) = backend.service()?;
        let target = Target { service: Name::new(&self.ingress.name.namespace, service), port: port.clone() };
        let options = &self.ingress.options;
        let (target, health) = self.endpoints.resolve(target, options.cluster_ip);
        Some(Location {
            path: path.to_owned(),
            exact,
            mode: options.mode.unwrap_or_default(),
            rewrite_mode: options.mode.or(self.above).unwrap_or_default(),
            owner: (self.number, place),
            target,
            health,
        })
    }
}

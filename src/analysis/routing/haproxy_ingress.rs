//! HAProxy Ingress (jcmoraisjr), written from its sources.
//!
//! Ingresses are read oldest first, and the first that declares a host, path and type has it. A path
//! is compared whole, element by element, by its beginning whatever the case, or as a pattern from the
//! start. Whole paths are tried first, then the longer before the shorter. Unless `strict-host` is
//! set, what no path of a host takes goes on to the wildcard's and then to the default host's.
//! Assumptions: the client's address is unknown; blue/green weights and snippets are not followed.
//! Sources: jcmoraisjr/haproxy-ingress `pkg/converters/ingress`, `pkg/haproxy/types`,
//! `docs/content/en/docs/configuration/keys.md`, v0.17.

use std::collections::{HashMap, HashSet};

use crate::model::controller::{ConfigSeen, ControllerKind};
use crate::model::ingress::{Backend, Ingress, PathType, Place, PortRef, Rule};
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};
use crate::model::snapshot::Lookup;

use super::serving::{External, Health, Services};
use super::{Basis, Decision, Explanation, Input, Note, Reason, Refusal, RouteTable, RoutingModel, Target};

mod decide;
mod explain;
mod hosts;
mod options;

use hosts::{Entry, Hosts, Reading};
use options::{Options, Values};

/// The community's HAProxy controller.
#[derive(Debug)]
pub struct HaproxyIngress;

impl RoutingModel for HaproxyIngress {
    fn kind(&self) -> ControllerKind {
        ControllerKind::HaproxyIngress
    }

    fn basis(&self) -> Basis {
        Basis::Modelled
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

#[derive(Debug)]
struct Table {
    /// Oldest first.
    ingresses: Vec<(Name, Vec<Rule>)>,
    options: Vec<Options>,
    hosts: Hosts,
    /// By number of the entries of `hosts`.
    targets: HashMap<(usize, Place), (Target, Health)>,
    faults: HashMap<(usize, Place), Reason>,
    /// The Ingress and rule whose `app-root` the root of a host leads to: the first that has one.
    roots: HashMap<String, (usize, Place)>,
    strict_host: bool,
    /// The hosts that are served over TLS; `None` where all are.
    tls_hosts: Option<HashSet<String>>,
    /// Of `--default-backend-service`, and its state.
    default_service: Option<(Target, Health)>,
    unseen: bool,
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let settings = input.settings;
        let services = Services::new(input.snapshot, External::Served);
        let mut sorted = input.ingresses.to_vec();
        sorted.sort_by_cached_key(|ingress| (ingress.meta.created, ingress.meta.key().to_string()));
        let prefixes = options::prefixes(settings);
        let mut table = Self {
            ingresses: sorted.iter().map(|ingress| (ingress.meta.key(), ingress.rules.clone())).collect(),
            options: Vec::with_capacity(sorted.len()),
            hosts: Hosts::default(),
            targets: HashMap::new(),
            faults: HashMap::new(),
            roots: HashMap::new(),
            strict_host: settings.config("strict-host") == Some("true"),
            tls_hosts: (settings.config("ssl-always-add-https") != Some("true")).then(HashSet::new),
            default_service: None,
            unseen: settings.config == ConfigSeen::Unseen,
        };
        for (number, ingress) in sorted.iter().enumerate() {
            let values = Values { ingress, prefixes: &prefixes, settings };
            table.options.push(Options::new(&values));
            table.add(number, ingress, &services);
        }
        table.hosts.sort();
        table.default_service = settings.value("default-backend-service").and_then(|value| {
            let (namespace, name) = value.split_once('/')?;
            let service = Name::new(namespace, name);
            let port = match services.get(&service) {
                Lookup::Found(found) => PortRef::Number(found.ports.first()?.number),
                Lookup::Unseen(_) => PortRef::Unset,
                Lookup::Absent => return None,
            };
            let target = Target { service, port };
            let health = services.health(&target);
            Some((target, health))
        });
        table
    }

    fn add(&mut self, number: usize, ingress: &Ingress, services: &Services<'_>) {
        if let Some(backend) = &ingress.default_backend {
            let at = (Place::DefaultBackend, "", "/", PathType::ImplementationSpecific);
            self.add_path(number, ingress, services, at, backend);
        }
        let paths = ingress.path_rules().map(|(r, p, host, rule)| {
            (Place::Path(r, p), host, rule.path.as_str(), rule.path_type, &rule.backend)
        });
        for (place, host, path, path_type, backend) in paths {
            self.add_path(number, ingress, services, (place, host, path, path_type), backend);
        }
        let Some(options) = self.options.get(number) else { return };
        if options.app_root.is_some() {
            for (at, rule) in ingress.rules.iter().enumerate().filter(|(_, rule)| rule.paths.is_some()) {
                self.roots.entry(rule.host().to_owned()).or_insert((number, Place::Rule(at)));
            }
        }
        for host in ingress.hosts() {
            if options.always_https || options.tls_hosts.iter().any(|named| named == host) {
                self.tls_hosts.iter_mut().for_each(|hosts| {
                    hosts.insert(host.to_owned());
                });
            }
            for alias in &options.aliases {
                self.hosts.alias(alias, host);
            }
            if let Some(pattern) = &options.alias_pattern {
                self.hosts.alias_pattern(pattern, host);
            }
        }
    }

    fn add_path(
        &mut self,
        number: usize,
        ingress: &Ingress,
        services: &Services<'_>,
        (place, host, path, path_type): (Place, &str, &str, PathType),
        backend: &Backend,
    ) {
        let Some((target, health)) = services.resolve(&ingress.meta.namespace, backend) else {
            self.faults.insert((number, place), Reason::ResourceBackend);
            return;
        };
        if let Some(note) = health.note(&target).filter(|_| !health.resolves()) {
            self.faults.insert((number, place), Reason::LeftOut(note));
            return;
        }
        let Some(options) = self.options.get(number) else { return };
        let path = if path.is_empty() { "/" } else { path };
        let reading = if place == Place::DefaultBackend {
            // Whatever the annotation says; and only where the default host has no root yet.
            if let Some(older) = self.hosts.root_of_default() {
                let older = self.name_of(older);
                self.faults.insert((number, place), Reason::OlderWins { older });
                return;
            }
            Reading::Begin("/".to_owned())
        } else {
            Reading::new(path, path_type, options.path_type)
        };
        let entry = Entry {
            reading,
            path: path.to_owned(),
            ingress: number,
            place,
            headers: options.headers.clone(),
        };
        match self.hosts.add(host, entry) {
            Ok(()) => {
                self.targets.insert((number, place), (target, health));
            }
            Err(older) => {
                let older = self.name_of(older);
                self.faults.insert((number, place), Reason::OlderWins { older });
            }
        }
    }

    fn name_of(&self, ingress: usize) -> Name {
        self.ingresses.get(ingress).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn options_of(&self, entry: &Entry) -> Option<&Options> {
        self.options.get(entry.ingress)
    }

    /// Whether requests of a scheme are looked up among the paths of a host: over TLS it takes a host
    /// that some Ingress names in `tls`, or the default one.
    fn is_served(&self, host: &str, scheme: Scheme) -> bool {
        let named = |hosts: &HashSet<String>| host.is_empty() || hosts.contains(host);
        scheme == Scheme::Http || self.tls_hosts.as_ref().is_none_or(named)
    }

    fn notes(&self) -> impl Iterator<Item = Note> {
        self.unseen.then_some(Note::SettingsUnseen).into_iter()
    }
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        decide::decide(self, request)
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        explain::explain(self, request, limit)
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &[]
    }
}

#[cfg(test)]
mod tests;

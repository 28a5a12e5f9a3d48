//! F5 NGINX Ingress Controller (nginx/kubernetes-ingress), held to recorded answers of 5.5.4.
//!
//! Steps: drop what validation rejects (`validation`) → one owner for every host, minions under their
//! master (`hosts`) → a server for each host, its locations in the order of the rules (`servers`,
//! `site`) → who listens where (`listeners`) → decide request by request (`decide`).
//! Assumptions: the controller loaded exactly the given objects; no VirtualServer and no
//! TransportServer claims a host; the client's address is unknown; of snippets only a leading `return`
//! is followed. Every file names its upstream source.

use std::collections::{BTreeSet, HashMap};

use crate::model::controller::{ControllerKind, Version};
use crate::model::ingress::{Backend, Ingress, PathRule, Place, Rule, Tls};
use crate::model::object::Name;
use crate::model::request::Request;

use super::{
    Basis, Decision, Explanation, Input, Refusal, Releases, ReloadFailure, RouteTable, RoutingModel,
};

mod annotations;
mod decide;
mod endpoints;
mod explain;
mod global;
mod hosts;
mod listeners;
mod options;
mod servers;
mod site;
mod validation;

use endpoints::Endpoints;
use global::Global;
use hosts::Hosts;
use listeners::Listeners;
use options::{Options, Role};
use servers::Server;
use site::Site;

/// Variables that the controller's configuration defines beside nginx' own.
const OWN_VARIABLES: &[&str] = &[
    "default_connection_header",
    "grpc_status",
    "request_uri_no_args",
    "resource_name",
    "resource_namespace",
    "resource_type",
    "secret_dir_path",
    "service",
    "vs_connection_header",
];

/// F5's controller.
#[derive(Debug)]
pub struct F5Nginx;

impl RoutingModel for F5Nginx {
    fn kind(&self) -> ControllerKind {
        ControllerKind::F5Nginx
    }

    fn basis(&self) -> Basis {
        Basis::Exact
    }

    fn releases(&self) -> Option<Releases> {
        Some(Releases { since: Version::new(5, 5, 0), before: Version::new(5, 7, 0) })
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

/// A valid Ingress as far as it is needed after compilation.
#[derive(Debug)]
struct Loaded {
    name: Name,
    /// Older first, then the larger uid.
    age: hosts::Age,
    role: Role,
    default_backend: Option<Backend>,
    rules: Vec<Rule>,
    tls: Vec<Tls>,
    options: Options,
}

impl Loaded {
    fn new(ingress: &Ingress, global: &Global) -> Self {
        Self {
            name: ingress.meta.key(),
            age: hosts::Age::of(&ingress.meta),
            role: Role::of(ingress),
            default_backend: ingress.default_backend.clone(),
            rules: ingress.rules.clone(),
            tls: ingress.tls.clone(),
            options: Options::new(ingress, global),
        }
    }

    fn path_at(&self, place: Place) -> Option<&PathRule> {
        match place {
            Place::Path(rule, path) => self.rules.get(rule)?.paths().get(path),
            Place::DefaultBackend | Place::Rule(_) | Place::Match(..) => None,
        }
    }
}

#[derive(Debug)]
struct Rejected {
    name: Name,
    ingress: Ingress,
    refusal: Refusal,
}

/// A path as the controller writes it.
fn path_of(rule: &PathRule) -> &str {
    if rule.path.is_empty() { "/" } else { &rule.path }
}

#[derive(Debug)]
struct Table {
    global: Global,
    /// By name.
    loaded: Vec<Loaded>,
    refused: Vec<(Name, Refusal)>,
    /// Ingresses that are rejected as they are, for explanations.
    unloaded: Vec<Rejected>,
    hosts: Hosts,
    sites: Vec<Site>,
    /// The site of each host, by number.
    by_host: HashMap<String, usize>,
    listeners: Listeners,
    secrets: Option<BTreeSet<Name>>,
    failure: Option<ReloadFailure>,
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let global = Global::new(input.settings);
        let (loaded, unloaded) = load(input.ingresses, &global);
        let hosts = Hosts::new(&loaded);
        let endpoints = Endpoints::new(input.snapshot, &global);
        let mut table = Self {
            refused: refusals(&loaded, &unloaded, &hosts),
            global,
            loaded,
            unloaded,
            hosts,
            sites: Vec::new(),
            by_host: HashMap::new(),
            listeners: Listeners::default(),
            secrets: input.snapshot.secrets.clone(),
            failure: None,
        };
        table.write_sites(&endpoints);
        table
    }

    /// Everything nginx gets, in the order of its files.
    fn write_sites(&mut self, endpoints: &Endpoints<'_>) {
        let servers = servers::in_order(&self.loaded, &self.hosts);
        let name_of = |ingress: usize| self.loaded.get(ingress).map(|ingress| ingress.name.clone());
        self.sites.reserve(servers.len());
        for Server { host, ingress: maker, rule } in servers {
            let locations = servers::locations(&self.loaded, &self.hosts, maker, rule, endpoints);
            let (site, problem) = Site::new(host, (maker, rule), locations, &self.loaded);
            if let (Some(problem), None) = (problem, &self.failure) {
                self.failure = Some(ReloadFailure {
                    cause: problem.cause,
                    host: host.to_owned(),
                    between: problem.between.into_iter().filter_map(name_of).collect(),
                });
            }
            let number = self.sites.len();
            let named = self.listeners.add(&site, &self.global, number);
            if let (Err(cause), None) = (named, &self.failure) {
                let between = name_of(maker).into_iter().collect();
                self.failure = Some(ReloadFailure { cause, host: host.to_owned(), between });
            }
            self.by_host.insert(host.to_owned(), number);
            self.sites.push(site);
        }
    }
}

/// The valid ones by name, as the controller walks through them, and the rejected ones.
fn load(ingresses: &[&Ingress], global: &Global) -> (Vec<Loaded>, Vec<Rejected>) {
    let mut sorted: Vec<&Ingress> = ingresses.to_vec();
    sorted.sort_by_cached_key(|ingress| ingress.meta.key().to_string());
    let mut loaded = Vec::with_capacity(sorted.len());
    let mut unloaded = Vec::new();
    for ingress in sorted {
        match validation::refusal(ingress, global) {
            Some(refusal) => {
                unloaded.push(Rejected { name: ingress.meta.key(), ingress: ingress.clone(), refusal })
            }
            None => loaded.push(Loaded::new(ingress, global)),
        }
    }
    options::inherit(&mut loaded);
    (loaded, unloaded)
}

fn refusals(loaded: &[Loaded], unloaded: &[Rejected], hosts: &Hosts) -> Vec<(Name, Refusal)> {
    let rejected = unloaded.iter().map(|one| (one.name.clone(), one.refusal.clone()));
    let idle = loaded.iter().enumerate().filter_map(|(number, ingress)| {
        let refusal = hosts.idle(number, ingress, loaded)?;
        Some((ingress.name.clone(), refusal))
    });
    let mut all: Vec<(Name, Refusal)> = rejected.chain(idle).collect();
    all.sort();
    all
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        decide::decide(self, request)
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        explain::explain(self, request, limit)
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &self.refused
    }

    fn reload_failure(&self) -> Option<&ReloadFailure> {
        self.failure.as_ref()
    }
}

#[cfg(test)]
mod tests;

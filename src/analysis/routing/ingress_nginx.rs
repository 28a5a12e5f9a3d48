//! ingress-nginx (kubernetes/ingress-nginx), held to recorded answers of v1.15.1.
//!
//! Steps: drop what the annotation policy drops (`adoption::annotations`) → sort by age → upstreams →
//! servers and their locations → canaries → substitutes for dead backends → order and expansion →
//! what nginx makes of it (`site`, `server_name`) → decide request by request (`decide`).
//! Assumptions: the controller loaded exactly the given objects, from a fresh start; the client's
//! address is unknown; session affinity, CORS preflights and snippets beyond a leading `return` are
//! not followed. Every file names its upstream source.

use crate::model::controller::ControllerKind;
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule, Tls};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::Lookup;

use super::{Basis, Decision, Explanation, Input, Refusal, ReloadFailure, RouteTable, RoutingModel, Target};
use crate::analysis::adoption::annotations::Policy;

mod canary;
mod conf;
mod decide;
mod endpoints;
mod expand;
mod explain;
mod global;
mod normalise;
mod options;
mod pattern;
mod rewrite;
mod server_name;
mod servers;
mod site;
mod snippet;
mod upstreams;

use endpoints::{Endpoints, Health};
use global::Global;
use options::Options;
use server_name::Names;
use servers::{Location, Servers};
use site::Site;
use upstreams::Upstreams;

/// The community controller.
#[derive(Debug)]
pub struct IngressNginx;

impl RoutingModel for IngressNginx {
    fn kind(&self) -> ControllerKind {
        ControllerKind::IngressNginx
    }

    fn basis(&self) -> Basis {
        Basis::Exact
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

/// An Ingress as far as it is needed after compilation.
#[derive(Debug)]
struct Loaded {
    name: Name,
    default_backend: Option<Backend>,
    rules: Vec<Rule>,
    tls: Vec<Tls>,
    options: Options,
}

/// A path as the controller stores it.
fn path_of(rule: &PathRule) -> &str {
    if rule.path.is_empty() { "/" } else { &rule.path }
}

/// Every type but `Exact` is a prefix to this controller.
fn is_exact(rule: &PathRule) -> bool {
    rule.path_type == PathType::Exact
}

/// A server of nothing but a redirect from or to `www.`.
#[derive(Debug)]
struct WwwRedirect {
    to: String,
    /// The Ingress that asked for it.
    ingress: usize,
}

#[derive(Debug)]
struct Table {
    global: Global,
    /// Oldest first.
    loaded: Vec<Loaded>,
    refused: Vec<(Name, Refusal)>,
    /// The rules of refused Ingresses, for explanations.
    unloaded: Vec<(Name, Vec<Rule>, Refusal)>,
    upstreams: Upstreams,
    sites: Vec<Site>,
    redirects: Vec<WwwRedirect>,
    /// Sites, then redirects, by number.
    names: Names,
    catch_all: usize,
    certificates: Certificates,
    secrets: Option<std::collections::BTreeSet<Name>>,
    plain: Options,
    /// Where `--default-backend-service` sends requests, if there is somebody to answer.
    default_service: Option<Target>,
    failure: Option<ReloadFailure>,
}

/// Host names with a certificate entry of their own.
#[derive(Debug, Default)]
struct Certificates(std::collections::HashSet<String>);

impl Certificates {
    /// By name, or by the wildcard of the parent domain.
    fn has(&self, host: &str) -> bool {
        self.0.contains(host)
            || host.split_once('.').is_some_and(|(_, parent)| self.0.contains(&format!("*.{parent}")))
    }
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let policy = Policy::new(input.settings);
        let global = Global::new(input.settings);
        let plain = Options::new(&Ingress::default(), &policy, &global);
        let (loaded, unloaded) = load(input.ingresses, &policy, &global);
        let mut refused: Vec<(Name, Refusal)> =
            unloaded.iter().map(|(name, _, refusal)| (name.clone(), refusal.clone())).collect();
        refused.sort();
        let endpoints = Endpoints::new(input.snapshot, global.external_names);
        let mut upstreams = Upstreams::new(&loaded, &endpoints);
        let mut servers = Servers::new(&loaded, &upstreams);
        canary::merge(&loaded, &mut upstreams, &servers);
        substitute(&loaded, &mut upstreams, &mut servers, &endpoints);
        let default_service = global.default_service.as_ref().and_then(|service| {
            let (target, health) = endpoints.first_port(service).found().flatten()?;
            matches!(health, Health::Ready | Health::Unseen).then_some(target)
        });
        let mut table = Self {
            default_service,
            global,
            loaded,
            refused,
            unloaded,
            upstreams,
            sites: Vec::new(),
            redirects: Vec::new(),
            names: Names::default(),
            catch_all: 0,
            certificates: Certificates::default(),
            secrets: input.snapshot.secrets.clone(),
            plain,
            failure: None,
        };
        table.write_sites(servers);
        table
    }

    /// Everything nginx gets, in the order of its file.
    fn write_sites(&mut self, servers: Servers) {
        let servers = servers.into_sorted();
        let mut failure = None;
        let mut report = |host: &str, cause: String, between: Vec<Name>| {
            failure.get_or_insert_with(|| ReloadFailure { cause, host: host.to_owned(), between });
        };
        let hosts: std::collections::HashSet<&str> =
            servers.iter().map(|server| server.host.as_str()).collect();
        for server in &servers {
            let Some(ingress) = server.www else { continue };
            let to = server.host.clone();
            let from = match to.strip_prefix("www.") {
                Some(bare) => bare.to_owned(),
                None => format!("www.{to}"),
            };
            if hosts.contains(from.as_str()) {
                continue;
            }
            let number = servers.len() + self.redirects.len();
            if let Err(cause) = self.names.add(&from, number) {
                let between = self.loaded.get(ingress).map(|ingress| ingress.name.clone());
                report(&to, cause, between.into_iter().collect());
            }
            self.redirects.push(WwwRedirect { to, ingress });
        }
        for (number, mut server) in servers.into_iter().enumerate() {
            let (loaded, plain) = (&self.loaded, &self.plain);
            let options = |location: &Location| options_of(location, loaded, plain);
            let name_of = |ingress: usize| loaded.get(ingress).map(|ingress| ingress.name.clone());
            let locations = expand::expand(std::mem::take(&mut server.locations), options);
            let (site, problem) = Site::new(server, locations, options, &self.global.health_path);
            if let Some(problem) = problem {
                report(&site.host, problem.cause, problem.between.into_iter().filter_map(name_of).collect());
            }
            let named = self.names.add_host(&site.host, number);
            let aliased = site.aliases.iter().map(|alias| self.names.add(alias, number));
            for cause in std::iter::once(named).chain(aliased).filter_map(Result::err) {
                report(&site.host, cause, site.maker.and_then(name_of).into_iter().collect());
            }
            if site.tls != servers::Tls::None {
                self.certificates.0.insert(site.host.to_ascii_lowercase());
            }
            if site.host == servers::CATCH_ALL {
                self.catch_all = number;
            }
            self.sites.push(site);
        }
        self.failure = failure;
    }

    fn options(&self, location: &Location) -> &Options {
        options_of(location, &self.loaded, &self.plain)
    }
}

fn options_of<'o>(location: &Location, loaded: &'o [Loaded], plain: &'o Options) -> &'o Options {
    let owner = location.owner.and_then(|(ingress, _)| loaded.get(ingress));
    owner.map_or(plain, |ingress| &ingress.options)
}

type Unloaded = Vec<(Name, Vec<Rule>, Refusal)>;

/// Drops what the policy drops; the rest by age, then by name from the end of the alphabet.
fn load(ingresses: &[&Ingress], policy: &Policy<'_>, global: &Global) -> (Vec<Loaded>, Unloaded) {
    let mut sorted: Vec<&Ingress> = ingresses.to_vec();
    sorted.sort_by_cached_key(|ingress| {
        (ingress.meta.created, std::cmp::Reverse(ingress.meta.key().to_string()))
    });
    let mut loaded = Vec::with_capacity(sorted.len());
    let mut unloaded = Vec::new();
    for ingress in sorted {
        match policy.refusal(ingress) {
            Some(refusal) => unloaded.push((ingress.meta.key(), ingress.rules.clone(), refusal)),
            None => loaded.push(Loaded {
                name: ingress.meta.key(),
                default_backend: ingress.default_backend.clone(),
                rules: ingress.rules.clone(),
                tls: ingress.tls.clone(),
                options: Options::new(ingress, policy, global),
            }),
        }
    }
    (loaded, unloaded)
}

/// Puts the Service of the annotation `default-backend` where nobody is behind a location.
fn substitute(
    loaded: &[Loaded],
    upstreams: &mut Upstreams,
    servers: &mut Servers,
    endpoints: &Endpoints<'_>,
) {
    for server in servers.iter_mut() {
        for location in &mut server.locations {
            let owner = location.owner.and_then(|(ingress, _)| loaded.get(ingress));
            let Some(owner) = owner else { continue };
            let Some(service) = &owner.options.default_backend else { continue };
            let dead = matches!(
                upstreams.get(location.upstream).health,
                Health::ServiceMissing | Health::PortMissing | Health::NobodyReady
            );
            let usable = dead
                && location.upstream != upstreams::DEFAULT_UPSTREAM
                && !upstreams.is_removed(location.upstream);
            if !usable {
                continue;
            }
            let service = Name::new(&owner.name.namespace, service);
            let (target, health) = match endpoints.first_port(&service) {
                Lookup::Found(Some((target, health))) => (target, health),
                Lookup::Unseen(_) => (Target { service, port: PortRef::Unset }, Health::Unseen),
                Lookup::Found(None) | Lookup::Absent => continue,
            };
            if matches!(health, Health::Ready | Health::Unseen) {
                location.upstream = upstreams.add_substitute(location.upstream, target, health);
            }
        }
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
        &self.refused
    }

    fn reload_failure(&self) -> Option<&ReloadFailure> {
        self.failure.as_ref()
    }
}

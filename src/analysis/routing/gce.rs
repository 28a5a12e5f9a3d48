//! GKE's Ingress controller: one load balancer and one URL map for every Ingress.
//!
//! Steps: translate each Ingress into a URL map, or find why that fails and the old one stays
//! (`url_map`) → take the load balancer that a request comes to (`balancers`) → its host, its longest
//! path, its default. Nothing falls from a host to `*`.
//! Assumptions: FrontendConfig, BackendConfig and certificates are not seen; how deep a wildcard host
//! reaches beyond one label is not known, and then the answer is a set.
//! Sources: kubernetes/ingress-gce `pkg/translator`, `pkg/controller/translator`, `pkg/utils/
//! {gceurlmap,serviceport}.go`, acbcf5d66; Google Cloud documentation, URL maps.

use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Place, Rule as IngressRule};
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::balancers::Balancers;
use super::possible::one_of;
use super::serving::{External, Services};
use super::{
    Basis, Decision, Explanation, Input, Note, Outcome, Refusal, ReloadFailure, RouteTable, RoutingModel,
    Winner,
};

mod backend;
mod explain;
mod url_map;

use url_map::{Found, UrlMap};

/// The Ingress controller of GKE.
#[derive(Debug)]
pub struct Gce;

impl RoutingModel for Gce {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Gce
    }

    fn basis(&self) -> Basis {
        Basis::Modelled
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

/// One load balancer.
#[derive(Debug)]
struct Balancer {
    name: Name,
    rules: Vec<IngressRule>,
    map: UrlMap,
    /// Plain HTTP is served.
    plain: bool,
    /// Something gives it a certificate.
    secure: bool,
    /// A FrontendConfig may redirect plain requests.
    frontend: bool,
    failure: Option<ReloadFailure>,
}

#[derive(Debug)]
struct Table {
    /// By name.
    all: Vec<Balancer>,
    balancers: Balancers,
    /// Set when no URL map at all can be written.
    failure: Option<ReloadFailure>,
}

const FRONTEND: &str = "networking.gke.io/v1beta1.FrontendConfig";

impl Balancer {
    fn new(ingress: &Ingress, services: &Services<'_>) -> Self {
        let (map, cause) = UrlMap::new(ingress, services);
        let has = |key: &str| ingress.meta.annotation(key).is_some_and(|value| !value.is_empty());
        Self {
            name: ingress.meta.key(),
            rules: ingress.rules.clone(),
            map,
            plain: ingress.meta.annotation("kubernetes.io/ingress.allow-http") != Some("false"),
            secure: !ingress.tls.is_empty()
                || has("ingress.gcp.kubernetes.io/pre-shared-cert")
                || has("networking.gke.io/managed-certificates"),
            frontend: has(FRONTEND),
            failure: cause.map(|(host, cause)| ReloadFailure {
                cause,
                host,
                between: vec![ingress.meta.key()],
            }),
        }
    }

    fn decide(&self, request: &Request) -> Decision {
        let mut decision = self.act(request);
        if self.failure.is_some() {
            let winner = decision.winner.take();
            decision = Decision { winner, ..Decision::bare(Outcome::Refused, None) };
            decision.notes.push(Note::ReloadFails);
        }
        decision.notes.insert(0, Note::Server { name: self.name.to_string() });
        decision
    }

    fn act(&self, request: &Request) -> Decision {
        let port = request.effective_port();
        let listens = match request.scheme {
            Scheme::Http => self.plain && port == 80,
            Scheme::Https => self.secure && port == 443,
        };
        if !listens {
            let mut decision = Decision::bare(Outcome::Refused, None);
            decision.notes.push(Note::NoListener { port });
            return decision;
        }
        let found = self.map.find(request.host.as_str(), request.path.as_str());
        let mut decision = one_of(found.iter().map(|found| self.at(found, request)).collect());
        if self.frontend && request.scheme == Scheme::Http {
            let note = Note::Annotation { ingress: self.name.clone(), key: FRONTEND.to_owned() };
            decision.notes.push(note);
        }
        decision
    }

    fn at(&self, found: &Found<'_>, request: &Request) -> Decision {
        let Some((place, served, pattern)) = found.0 else {
            let mut decision = Decision::bare(Outcome::NoRoute, Some(404));
            decision.default_backend = true;
            return decision;
        };
        let mut decision = served.decide(request);
        let rule = match place {
            Place::Path(r, p) => self.rules.get(r).and_then(|rule| Some((rule.host(), rule.paths().get(p)?))),
            Place::Rule(_) | Place::Match(..) | Place::DefaultBackend => None,
        };
        decision.winner = Some(Winner {
            ingress: self.name.clone(),
            place,
            host: rule.map(|(host, _)| host.to_owned()).unwrap_or_default(),
            path: rule.map(|(_, path)| path.path.clone()).unwrap_or_default(),
            path_type: rule.map(|(_, path)| path.path_type),
            backend: Some(served.target.clone()),
            rendered: pattern.to_owned(),
        });
        decision
    }
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let mut sorted: Vec<&Ingress> = input.ingresses.to_vec();
        sorted.sort_by_cached_key(|ingress| ingress.meta.key());
        let mut balancers = Balancers::default();
        for (number, ingress) in sorted.iter().enumerate() {
            for address in &ingress.addresses {
                balancers.add_address(address, number);
            }
            for rule in &ingress.rules {
                balancers.add_host(&rule.host().to_ascii_lowercase(), number);
            }
            if ingress.default_backend.is_some() {
                balancers.add_host("", number);
            }
        }
        let services = Services::new(input.snapshot, External::Served);
        let all: Vec<Balancer> = sorted.iter().map(|ingress| Balancer::new(ingress, &services)).collect();
        let all_fail = !all.is_empty() && all.iter().all(|one| one.failure.is_some());
        let failure = all.iter().find_map(|one| one.failure.clone()).filter(|_| all_fail);
        Self { all, balancers, failure }
    }

    /// The load balancers that a request may come to.
    fn reached(&self, request: &Request) -> Vec<&Balancer> {
        let found = self.balancers.reached(request, |_, _| false);
        found.into_iter().filter_map(|at| self.all.get(at)).collect()
    }
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        one_of(self.reached(request).into_iter().map(|one| one.decide(request)).collect())
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        explain::explain(self, request, limit)
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &[]
    }

    fn reload_failure(&self) -> Option<&ReloadFailure> {
        self.failure.as_ref()
    }

    fn failure_for(&self, request: &Request) -> Option<&ReloadFailure> {
        self.reached(request).into_iter().find_map(|balancer| balancer.failure.as_ref())
    }
}

#[cfg(test)]
mod tests;

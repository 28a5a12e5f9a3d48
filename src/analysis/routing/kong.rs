//! Kong Ingress Controller with Kong Gateway's expressions router.
//!
//! Every path of an Ingress is a route with a priority: how many fields it asks for, how many headers,
//! whether its host is plain, whether it is compared exactly, how long it is. The highest that matches
//! wins, whatever the host: a path that no rule of the host takes is looked for among wildcard and
//! hostless rules. What equal priorities come to is not determined.
//! Assumptions: `router_flavor=expressions`; plugins and consumers are not followed; `KongIngress`,
//! `KongUpstreamPolicy` and Gateway API routes are not seen.
//! Sources: Kong/kubernetes-ingress-controller `internal/dataplane/translator/subtranslator/{ingress,
//! atc_utils}.go`, 3.x; Kong/kong `kong/router/{expressions,atc}.lua`, `kong/runloop/handler.lua`, 3.10.

use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Place, Rule as IngressRule};
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::heads::Accepted;
use super::possible::one_of;
use super::rule_index::RuleIndex;
use super::serving::{External, Services};
use super::{
    Basis, Decision, Explanation, Input, Note, Outcome, Refusal, ReloadFailure, RouteTable, RoutingModel,
    Winner,
};

mod explain;
mod normalise;
mod options;
mod route;

use normalise::normalise;
use options::Options;
use route::Route;

/// The Kong Ingress Controller.
#[derive(Debug)]
pub struct Kong;

impl RoutingModel for Kong {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Kong
    }

    fn basis(&self) -> Basis {
        Basis::Modelled
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

/// An Ingress as far as it is needed after compilation.
#[derive(Debug)]
struct Loaded {
    name: Name,
    rules: Vec<IngressRule>,
    options: Options,
}

#[derive(Debug)]
struct Table {
    /// Oldest first, then by name.
    loaded: Vec<Loaded>,
    routes: Vec<Route>,
    index: RuleIndex,
    /// The default backend of the oldest Ingress that has one.
    default: Option<Route>,
    failure: Option<ReloadFailure>,
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let services = Services::new(input.snapshot, External::Served);
        let mut sorted: Vec<&Ingress> = input.ingresses.to_vec();
        sorted.sort_by_cached_key(|ingress| (ingress.meta.created, ingress.meta.key().to_string()));
        let mut table = Self {
            loaded: Vec::with_capacity(sorted.len()),
            routes: Vec::new(),
            index: RuleIndex::default(),
            default: None,
            failure: None,
        };
        let accepted = Accepted::default();
        for (number, ingress) in sorted.into_iter().enumerate() {
            let options = Options::new(ingress);
            for (r, p, host, path) in ingress.path_rules() {
                let at = (number, Place::Path(r, p));
                match Route::new(at, host, path, ingress, &options, &services, &accepted) {
                    Ok(Some(route)) => table.add(route),
                    Ok(None) => {}
                    Err(cause) => {
                        table.failure.get_or_insert_with(|| ReloadFailure {
                            cause,
                            host: host.to_owned(),
                            between: vec![ingress.meta.key()],
                        });
                    }
                }
            }
            if table.default.is_none()
                && let Some(backend) = &ingress.default_backend
            {
                table.default = Route::default_backend(number, backend, ingress, &services);
            }
            table.loaded.push(Loaded { name: ingress.meta.key(), rules: ingress.rules.clone(), options });
        }
        table
    }

    fn add(&mut self, route: Route) {
        for (host, path) in route.keys() {
            self.index.add(host, path, self.routes.len());
        }
        self.routes.push(route);
    }

    fn options(&self, route: &Route) -> Option<&Options> {
        self.loaded.get(route.ingress).map(|ingress| &ingress.options)
    }

    fn takes(&self, route: &Route, request: &Request, path: &str) -> bool {
        route.takes_host(request.host.as_str())
            && route.takes_path(path)
            && self.options(route).is_some_and(|options| options.unmet(request).is_none())
    }

    /// The routes of the highest priority that take a request.
    fn best(&self, request: &Request, path: &str) -> Vec<&Route> {
        let candidates = self.index.candidates(request.host.as_str(), path).into_iter();
        let taking = candidates.filter_map(|at| self.routes.get(at));
        let taking: Vec<&Route> = taking.filter(|route| self.takes(route, request, path)).collect();
        let Some(top) = taking.iter().map(|route| &route.priority).max() else { return Vec::new() };
        taking.iter().copied().filter(|route| route.priority == *top).collect()
    }

    fn act(&self, request: &Request) -> Decision {
        let path = normalise(request.path.as_str());
        let mut best = self.best(request, &path);
        if best.is_empty() {
            best.extend(&self.default);
        }
        one_of(best.into_iter().map(|route| self.by_route(route, request, &path)).collect())
    }

    fn by_route(&self, route: &Route, request: &Request, path: &str) -> Decision {
        let winner = self.winner(route);
        let Some(loaded) = self.loaded.get(route.ingress) else {
            return Decision::bare(Outcome::NoRoute, Some(404));
        };
        let note = |key: &'static str| Note::Annotation { ingress: loaded.name.clone(), key: key.to_owned() };
        let options = &loaded.options;
        let mut decision =
            if route.place != Place::DefaultBackend && request.scheme == Scheme::Http && !options.plain {
                let mut decision = match options.https_code {
                    426 => Decision::bare(Outcome::Refused, Some(426)),
                    code => Decision::bare(Outcome::Redirect, Some(code)),
                };
                if decision.outcome == Outcome::Redirect {
                    decision.location = Some(format!("https://{}{}", request.host, request.target()));
                }
                decision.notes.push(note("konghq.com/protocols"));
                decision
            } else if route.answers() {
                let mut decision = Decision::bare(Outcome::Routed, None);
                decision.upstream_path = route.upstream_path(path, options);
                decision.notes.extend(route.health.note(&route.target));
                decision
            } else {
                let mut decision = Decision::bare(Outcome::Unavailable, Some(503));
                decision.notes.extend(route.health.note(&route.target));
                decision
            };
        if options.plugins {
            decision.notes.push(note("konghq.com/plugins"));
        }
        if path != request.path.as_str() {
            decision.notes.push(Note::Normalised { to: path.to_owned() });
        }
        decision.winner = winner;
        decision
    }

    fn winner(&self, route: &Route) -> Option<Winner> {
        let loaded = self.loaded.get(route.ingress)?;
        let (host, path, path_type) = match route.place {
            Place::Path(r, p) => {
                let rule = loaded.rules.get(r)?;
                let path = rule.paths().get(p)?;
                (rule.host().to_owned(), path.path.clone(), Some(path.path_type))
            }
            Place::Rule(_) | Place::Match(..) | Place::DefaultBackend => (String::new(), String::new(), None),
        };
        Some(Winner {
            ingress: loaded.name.clone(),
            place: route.place,
            host,
            path,
            path_type,
            backend: Some(route.target.clone()),
            rendered: route.rendered(),
        })
    }
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let mut decision = self.act(request);
        if self.failure.is_some() {
            let winner = decision.winner.take();
            decision = Decision { winner, ..Decision::bare(Outcome::Refused, None) };
            decision.notes.push(Note::ReloadFails);
        }
        decision
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
}

#[cfg(test)]
mod tests;

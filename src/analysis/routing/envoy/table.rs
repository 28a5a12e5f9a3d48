//! A controller that hands its Ingresses to Envoy: what it was compiled to, and a request's way.
//!
//! The path is normalised or refused, then the listener's virtual host is chosen, then its route; a
//! route sends the request to a Service or to https. Several choices behind one route are a set where
//! they differ in what becomes of the request.
//! Sources: Envoy 1.38 `source/common/router/config_impl.cc`, `source/common/http/conn_manager_impl.cc`.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::analysis::routing::candidates::Candidate;
use crate::analysis::routing::serving::Health;
use crate::analysis::routing::{
    Decision, Explanation, Note, Outcome, Reason, Refusal, RouteTable, Target, Winner,
};
use crate::model::ingress::{Ingress, PathType, Place, Rule};
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::normalise::normalise;
use super::{Hosts, Normalisation, PathMatch, Route, VirtualHost, explain};

/// What a product does its own way.
#[derive(Debug, Clone, Copy)]
pub(in crate::analysis::routing) struct Flavour {
    pub(in crate::analysis::routing) normalisation: Normalisation,
    /// A dot at the end of the host is taken off first.
    pub(in crate::analysis::routing) strips_dot: bool,
    /// A wildcard takes hosts with a port.
    pub(in crate::analysis::routing) wildcards_take_ports: bool,
    /// What a wildcard's routes demand of the host beyond the virtual host's own match.
    pub(in crate::analysis::routing) label: Label,
    pub(in crate::analysis::routing) secure: Secure,
    /// The status of a redirect to https.
    pub(in crate::analysis::routing) redirect: u16,
    /// How a path of a rule is compared.
    pub(in crate::analysis::routing) matcher: fn(&str, PathType) -> PathMatch,
}

/// What stands for the star of a wildcard host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Label {
    /// One or more labels: Envoy's own wildcard.
    Any,
    /// One label of lower-case letters, digits and dashes.
    OneLowerCase,
    /// One label.
    One,
}

/// What happens to TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Secure {
    /// Each TLS host has a route table of its own; another `Host` in it is 421.
    TableOfItsOwn,
    /// All TLS hosts share one route table.
    Shared,
}

/// What becomes of a request on a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Choice {
    pub(in crate::analysis::routing) ingress: usize,
    pub(in crate::analysis::routing) place: Place,
    pub(in crate::analysis::routing) target: Target,
    pub(in crate::analysis::routing) health: Health,
    /// Plain requests are sent to https, because of this.
    pub(in crate::analysis::routing) upgrade: Option<Note>,
}

/// Routes by virtual host and path, as they are found.
#[derive(Debug, Default)]
pub(in crate::analysis::routing) struct Builder {
    hosts: HashMap<String, HashMap<PathMatch, Vec<Choice>>>,
}

impl Builder {
    /// The choices of a route, which is made when it is not there.
    pub(in crate::analysis::routing) fn route(
        &mut self,
        domain: &str,
        matcher: PathMatch,
    ) -> &mut Vec<Choice> {
        if !self.hosts.contains_key(domain) {
            self.hosts.insert(domain.to_owned(), HashMap::new());
        }
        self.hosts.entry(domain.to_owned()).or_default().entry(matcher).or_default()
    }

    /// The virtual hosts, with their routes in the order that a product tries them in.
    pub(in crate::analysis::routing) fn finish<K: Ord>(
        self,
        order: impl Fn(&PathMatch, &[Choice]) -> K,
    ) -> Hosts<Vec<Choice>> {
        let mut hosts: Vec<VirtualHost<Vec<Choice>>> = Vec::with_capacity(self.hosts.len());
        for (domain, routes) in self.hosts {
            let mut routes: Vec<(PathMatch, Vec<Choice>)> = routes.into_iter().collect();
            routes.sort_by_cached_key(|(matcher, choices)| (order(matcher, choices), matcher.clone()));
            let routes = routes.into_iter().map(|(matcher, payload)| Route { matcher, payload });
            hosts.push(VirtualHost::new(domain, routes.collect()));
        }
        hosts.sort_by(|a, b| a.domain.cmp(&b.domain));
        Hosts::new(hosts)
    }
}

/// A compiled configuration.
#[derive(Debug)]
pub(in crate::analysis::routing) struct Table {
    pub(in crate::analysis::routing) flavour: Flavour,
    pub(in crate::analysis::routing) plain: Hosts<Vec<Choice>>,
    pub(in crate::analysis::routing) tls: Hosts<Vec<Choice>>,
    /// Sorted as the product sorts them.
    pub(in crate::analysis::routing) ingresses: Vec<(Name, Vec<Rule>)>,
    pub(in crate::analysis::routing) faults: HashMap<(usize, Place), Reason>,
    /// Whether any TLS host is served changes between restarts.
    pub(in crate::analysis::routing) tls_unsure: bool,
    /// TLS hosts whose Secret was not seen.
    pub(in crate::analysis::routing) secrets: HashMap<String, Name>,
    /// Said with every decision.
    pub(in crate::analysis::routing) notes: Vec<Note>,
}

/// The Ingresses as a table keeps them.
pub(in crate::analysis::routing) fn kept(ingresses: &[&Ingress]) -> Vec<(Name, Vec<Rule>)> {
    ingresses.iter().map(|ingress| (ingress.meta.key(), ingress.rules.clone())).collect()
}

/// Where a request's way ended.
pub(super) enum Way<'t> {
    /// Envoy answers itself.
    Ends(Outcome, Option<u16>),
    /// At a route of this virtual host.
    Route(&'t Route<Vec<Choice>>),
}

impl Table {
    /// The host as it was sent, without port.
    pub(super) fn sent<'r>(&self, request: &'r Request) -> &'r str {
        let host = crate::model::host::split_port(&request.host_as_sent).0;
        host.strip_suffix('.').filter(|_| self.flavour.strips_dot).unwrap_or(host)
    }

    /// The host as Envoy compares it: in lower case.
    pub(super) fn host(&self, request: &Request) -> String {
        self.sent(request).to_ascii_lowercase()
    }

    pub(super) fn path(&self, request: &Request) -> Option<String> {
        normalise(request.path.as_str(), self.flavour.normalisation)
    }

    pub(super) fn virtual_host(&self, request: &Request, host: &str) -> Option<&VirtualHost<Vec<Choice>>> {
        let wildcards = request.port.is_none() || self.flavour.wildcards_take_ports;
        match (request.scheme, self.flavour.secure) {
            (Scheme::Http, _) => self.plain.find(host, wildcards),
            (Scheme::Https, Secure::Shared) => self.tls.find(host, wildcards),
            (Scheme::Https, Secure::TableOfItsOwn) => self.chain(host),
        }
    }

    /// What the name in the TLS handshake leads to, which carries no port and no dot at its end.
    fn chain(&self, host: &str) -> Option<&VirtualHost<Vec<Choice>>> {
        self.tls.find(host.strip_suffix('.').unwrap_or(host), true)
    }

    /// Whether a wildcard's routes take the host as it was sent.
    pub(super) fn label_fits(&self, domain: &str, as_sent: &str) -> bool {
        let Some(suffix) = domain.strip_prefix('*').filter(|suffix| !suffix.is_empty()) else { return true };
        let label = as_sent.strip_suffix(suffix);
        match self.flavour.label {
            Label::Any => true,
            Label::OneLowerCase => label.is_some_and(|label| {
                label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                    && !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
            }),
            Label::One => label.is_some_and(|label| !label.is_empty() && !label.contains('.')),
        }
    }

    pub(super) fn way(&self, request: &Request) -> Way<'_> {
        let Some(path) = self.path(request) else {
            return Way::Ends(Outcome::Refused, Some(400));
        };
        let host = self.host(request);
        if request.scheme == Scheme::Https && self.chain(&host).is_none() {
            return Way::Ends(Outcome::Refused, None);
        }
        let Some(found) = self.virtual_host(request, &host) else {
            return Way::Ends(Outcome::NoRoute, Some(404));
        };
        let is_misdirected = request.scheme == Scheme::Https
            && self.flavour.secure == Secure::TableOfItsOwn
            && host.ends_with('.');
        if is_misdirected {
            return Way::Ends(Outcome::Refused, Some(421));
        }
        let route = found.find(&path).filter(|_| self.label_fits(&found.domain, self.sent(request)));
        match route {
            Some(route) => Way::Route(route),
            None => Way::Ends(Outcome::NoRoute, Some(404)),
        }
    }

    fn of_route(&self, request: &Request, route: &Route<Vec<Choice>>) -> Decision {
        let path = self.path(request).unwrap_or_default();
        let upgrades = |choice: &&Choice| request.scheme == Scheme::Http && choice.upgrade.is_some();
        let Some(first) = route.payload.first() else { return Decision::bare(Outcome::NoRoute, Some(404)) };
        let (upgraded, sent): (Vec<&Choice>, Vec<&Choice>) = route.payload.iter().partition(upgrades);
        let dead = sent.iter().filter(|choice| !answers(choice.health)).count();
        let targets: BTreeSet<&Target> = sent.iter().map(|choice| &choice.target).collect();
        let mut decision = if sent.is_empty() {
            let mut decision = Decision::bare(Outcome::Redirect, Some(self.flavour.redirect));
            decision.location = Some(https(self.sent(request), request, &path));
            decision.notes.extend(first.upgrade.clone());
            decision
        } else if upgraded.is_empty() && dead == sent.len() {
            Decision::bare(Outcome::Unavailable, Some(503))
        } else if upgraded.is_empty() && dead == 0 && targets.len() == 1 {
            let mut decision = Decision::bare(Outcome::Routed, None);
            decision.upstream_path = Some(path.clone());
            decision
        } else {
            let mut decision = Decision::bare(Outcome::Undefined, None);
            let all: BTreeSet<Target> = route.payload.iter().map(|choice| choice.target.clone()).collect();
            decision.one_of = all.into_iter().collect();
            if upgraded.is_empty() {
                decision.upstream_path = Some(path.clone());
            } else {
                decision.notes.push(Note::OrAnswered {
                    outcome: Outcome::Redirect,
                    status: Some(self.flavour.redirect),
                    location: Some(https(self.sent(request), request, &path)),
                });
            }
            if dead > 0 {
                decision.notes.push(Note::OrAnswered {
                    outcome: Outcome::Unavailable,
                    status: Some(503),
                    location: None,
                });
            }
            decision
        };
        if !sent.is_empty() {
            decision.notes.extend(first.health.note(&first.target));
        }
        if path != request.path.as_str() {
            decision.notes.push(Note::Normalised { to: path });
        }
        decision.winner = self.winner(first, &route.matcher);
        decision
    }

    fn winner(&self, choice: &Choice, matcher: &PathMatch) -> Option<Winner> {
        let (name, rules) = self.ingresses.get(choice.ingress)?;
        let candidate = match choice.place {
            Place::Path(r, p) => rules.get(r).and_then(|rule| {
                let path = rule.paths().get(p)?;
                Some(Candidate { ingress: name, place: choice.place, host: rule.host(), rule: path })
            }),
            Place::DefaultBackend | Place::Rule(_) | Place::Match(..) => None,
        };
        Some(Winner {
            ingress: name.clone(),
            place: choice.place,
            host: candidate.map(|candidate| candidate.host.to_owned()).unwrap_or_default(),
            path: candidate.map(|candidate| candidate.rule.path.clone()).unwrap_or_default(),
            path_type: candidate.map(|candidate| candidate.rule.path_type),
            backend: Some(choice.target.clone()),
            rendered: matcher.rendered(),
        })
    }
}

const fn answers(health: Health) -> bool {
    match health {
        Health::Ready | Health::Unseen => true,
        Health::NobodyReady | Health::ServiceMissing | Health::PortMissing | Health::ExternalBarred => false,
    }
}

/// The same address with https: a port 80 dropped and any other kept.
fn https(host: &str, request: &Request, path: &str) -> String {
    let authority = match request.port {
        None | Some(80) => host.to_owned(),
        Some(port) => format!("{host}:{port}"),
    };
    let query = request.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
    format!("https://{authority}{path}{query}")
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let mut decision = match self.way(request) {
            Way::Ends(outcome, status) => Decision::bare(outcome, status),
            Way::Route(route) => self.of_route(request, route),
        };
        if request.scheme == Scheme::Https
            && let Some(found) = self.virtual_host(request, &self.host(request))
            && let Some(secret) = self.secrets.get(&found.domain)
        {
            decision.notes.push(Note::SecretUnseen(secret.clone()));
        }
        if request.scheme == Scheme::Https && self.tls_unsure && self.chain(&self.host(request)).is_some() {
            decision.outcome = Outcome::Undefined;
            decision.status = None;
            if decision.one_of.is_empty() {
                decision.one_of.extend(decision.winner.iter().filter_map(|winner| winner.backend.clone()));
            }
        }
        decision.notes.extend(self.notes.iter().cloned());
        decision
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        explain::explain(self, request, limit)
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &[]
    }
}

/// The places behind a route.
pub(super) fn places(choices: &[Choice]) -> HashSet<(usize, Place)> {
    choices.iter().map(|choice| (choice.ingress, choice.place)).collect()
}

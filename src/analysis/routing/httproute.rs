//! The Gateway API's own text for HTTPRoutes, for implementations whose ways are not known.
//!
//! A request comes in by the listener of its port and scheme whose host name is the most precise. Of the
//! rules attached there the winner is: the most precise host name, `Exact` before the longest
//! `PathPrefix`, a method, the most headers, the most query parameters, the oldest route, the first by
//! name, the first rule. What the text leaves open is decided as implementations do on the whole: paths
//! are compared in normal form, a pattern competes by its length like a prefix and may match anywhere
//! in the path, and a Service that nobody answers for gets a 503. Gateways with different addresses
//! are asked apart, because a URL does not tell by which of them it comes in.
//! Source: kubernetes-sigs/gateway-api `apis/v1/{httproute,gateway}_types.go` and
//! `conformance/tests/httproute-*.yaml` @4564255ac.

use std::cmp::Reverse;

use crate::model::controller::ControllerKind;
use crate::model::gateway::{Condition as Status, Gateway};
use crate::model::http_route::PathMatchKind;
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::{Lookup, Snapshot};

use super::gateway::attach::{Serving, is_duplicate, is_reported_down, is_whole};
use super::gateway::backends::{Backends, Health, Judged};
use super::gateway::condition::{Condition, Patterns, Reading};
use super::gateway::explain::{Asked, explain};
use super::gateway::index::Index;
use super::gateway::{At, Attached, hosts, one_of, uri};
use super::{Basis, Decision, Explanation, Input, Note, Outcome, Refusal, RouteTable, RoutingModel};

mod act;

/// The Gateway API.
#[derive(Debug)]
pub struct HttpRoute;

impl RoutingModel for HttpRoute {
    fn kind(&self) -> ControllerKind {
        ControllerKind::HttpRoute
    }

    fn basis(&self) -> Basis {
        Basis::SpecOnly
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input.snapshot))
    }
}

const READING: Reading = Reading { first_query_value: true, first_condition: true };

/// Every Gateway whose class some implementation took.
struct Anybody<'a>(&'a Snapshot);

impl Serving for Anybody<'_> {
    fn serves(&self, gateway: &Gateway) -> bool {
        match self.0.gateway_classes.get("", &gateway.class) {
            Lookup::Found(class) => match class.accepted {
                Status::True | Status::Unset => true,
                Status::False | Status::Pending => false,
            },
            Lookup::Absent => false,
            Lookup::Unseen(_) => true,
        }
    }

    fn is_up(&self, gateway: &Gateway, listener: usize) -> bool {
        let found = gateway.listeners.get(listener);
        found.is_some_and(|one| is_whole(one) && !is_reported_down(one)) && !is_duplicate(gateway, listener)
    }

    fn reads(&self, _namespace: &str) -> bool {
        true
    }
}

struct Table {
    attached: Attached,
    /// Of everything attached, in one order.
    places: Vec<At>,
    conditions: Vec<Condition>,
    index: Index,
    /// Of every route's rules.
    backends: Vec<Vec<Vec<Judged>>>,
}

impl Table {
    fn new(snapshot: &Snapshot) -> Self {
        let attached = Attached::new(snapshot, &Anybody(snapshot));
        let services = Backends::new(snapshot);
        let mut patterns = Patterns::default();
        let (mut places, mut conditions) = (Vec::new(), Vec::new());
        let mut index = Index::default();
        for (number, (at, attachment, one)) in attached.all().enumerate() {
            let any = [String::new()];
            let names = if attachment.hosts.is_empty() { &any[..] } else { &attachment.hosts };
            for host in names {
                index.insert(host, &one.path, number);
            }
            places.push(at);
            conditions.push(Condition::new(one, READING, &mut patterns));
        }
        let backends = attached.routes.iter().map(|route| {
            let rules = route.rules.iter();
            rules.map(|rule| services.judge(&route.meta.namespace, &rule.backends)).collect()
        });
        Self { backends: backends.collect(), places, conditions, index, attached }
    }

    /// The listeners that a request may come in by, a list for each set of addresses.
    fn ways_in(&self, request: &Request) -> Vec<Vec<usize>> {
        let is_tls = request.scheme == crate::model::request::Scheme::Https;
        let mut ways: Vec<(&[String], Vec<usize>)> = Vec::new();
        for (number, served) in
            self.attached.listeners.iter().enumerate().filter(|(_, one)| one.is_tls == is_tls)
        {
            match ways.iter_mut().find(|(addresses, _)| *addresses == served.addresses.as_slice()) {
                Some((_, way)) => way.push(number),
                None => ways.push((&served.addresses, vec![number])),
            }
        }
        // A port is often mapped on the way; where no listener has it, it decides nothing.
        let listener = |number: &usize| self.attached.listeners.get(*number);
        for (_, way) in &mut ways {
            let is_port =
                |number: &usize| listener(number).is_some_and(|one| one.port == request.effective_port());
            if way.iter().any(is_port) {
                way.retain(is_port);
            }
            let host = request.host.as_str();
            let precision = |number: &usize| {
                let served = listener(number).filter(|one| hosts::takes(&one.hostname, host))?;
                Some(hosts::precision(&served.hostname))
            };
            let best = way.iter().filter_map(precision).max();
            way.retain(|number| best.is_some() && precision(number) == best);
        }
        ways.into_iter().map(|(_, way)| way).filter(|way| !way.is_empty()).collect()
    }

    /// The best of what matches by these listeners, with the host name it matches by.
    fn best(&self, request: &Request, path: &str, way: &[usize]) -> Option<Found> {
        let mut best: Option<(Preference, Found)> = None;
        self.index.find(request.host.as_str(), path, &mut |host, number| {
            let Some((at, condition)) = self.places.get(number).zip(self.conditions.get(number)) else {
                return;
            };
            let attachment = self.attached.attachments.get(at.attachment);
            let Some(attachment) = attachment.filter(|one| way.contains(&one.listener)) else { return };
            if !condition.takes_path(path) || condition.unmet(request, READING).is_some() {
                return;
            }
            let Some(one) = self.attached.condition(*at) else { return };
            let (headers, query) = condition.counts();
            let preference = Preference {
                host: hosts::precision(host),
                exact: one.path.kind == PathMatchKind::Exact,
                length: one.path.value.chars().count(),
                method: one.method.is_some(),
                headers,
                query,
                first: Reverse((attachment.route, at.rule, at.number)),
            };
            if best.as_ref().is_none_or(|(before, _)| *before < preference) {
                best = Some((preference, Found { at: *at, host: host.to_owned() }));
            }
        });
        best.map(|(_, found)| found)
    }

    /// Patterns that could not be tried and might have matched.
    fn undecided(&self, request: &Request, path: &str) -> Vec<Note> {
        let mut notes = Vec::new();
        self.index.find(request.host.as_str(), path, &mut |_, number| {
            let is_undecided = self.conditions.get(number).is_some_and(Condition::is_undecided);
            let at = self.places.get(number).filter(|_| is_undecided);
            if let Some(one) = at.and_then(|at| self.attached.condition(*at)) {
                notes.push(Note::PatternUndecided { pattern: one.path.value.clone() });
            }
        });
        notes.sort();
        notes.dedup();
        notes
    }

    fn found(&self, request: &Request, path: &str) -> Vec<Found> {
        self.ways_in(request).iter().filter_map(|way| self.best(request, path, way)).collect()
    }
}

/// A rule that takes a request, and the host name it does so by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    at: At,
    host: String,
}

/// The order of the text; the greatest wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Preference {
    host: (usize, usize),
    exact: bool,
    length: usize,
    method: bool,
    headers: usize,
    query: usize,
    /// Routes are numbered by age and name.
    first: Reverse<(usize, usize, usize)>,
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let Some(path) = uri::read(request.path.as_str()) else {
            return Decision::bare(Outcome::Refused, Some(400));
        };
        let mut decisions: Vec<Decision> = Vec::new();
        for found in self.found(request, &path.decoded) {
            let decision = self.act(request, &path, &found);
            if !decisions.contains(&decision) {
                decisions.push(decision);
            }
        }
        let mut decision = one_of(decisions);
        decision.notes.extend(self.undecided(request, &path.decoded));
        decision
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        let path = uri::read(request.path.as_str());
        let path = path.map_or_else(|| request.path.as_str().to_owned(), |path| path.decoded);
        let ways = self.ways_in(request).concat();
        let asked = Asked {
            attached: &self.attached,
            request,
            path: &path,
            winner: self.found(request, &path).first().map(|found| found.at),
            reading: READING,
            in_reach: &|listener| ways.contains(&listener),
            conditions: &self.conditions,
        };
        explain(&asked, limit)
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &[]
    }

    fn has_routes_for(&self, host: Option<&str>) -> bool {
        self.attached.has_routes_for(host)
    }
}

/// What the text says is answered for a backend that cannot serve.
const fn status_of(health: Health) -> Option<u16> {
    match health {
        Health::Ready | Health::Unseen => None,
        Health::NobodyReady | Health::NoSlices => Some(503),
        Health::ServiceMissing | Health::PortMissing | Health::NotGranted | Health::Foreign => Some(500),
    }
}

//! The Gateway API's own text for HTTPRoutes, for implementations whose ways are not known.
//!
//! A request comes in by the listener of its port and scheme whose host name is the most precise. Of the
//! rules attached there the winner is: the most precise host name, `Exact` before the longest
//! `PathPrefix`, a method, the most headers, the most query parameters, the oldest route, the first by
//! name, the first rule. Gateways with different addresses are asked apart, because a URL does not tell
//! by which of them it comes in.
//!
//! The text leaves open what a regular expression matches and whom it precedes, how a path is read that
//! has escapes or is not in normal form, and what becomes of hosts that are no host names; that a
//! listener's routes are its own ("listener isolation") it only recommends. Where that decides, the
//! answer is the one of the implementation that serves all Gateways, if it is modelled; else listeners
//! are apart, paths are read in normal form, and a pattern may match anywhere in the path and competes
//! by its length like a prefix.
//! Source: kubernetes-sigs/gateway-api `apis/v1/{httproute,gateway}_types.go` and
//! `conformance/tests/httproute-*.yaml` @4564255ac.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::model::controller::{Controller, ControllerKind};
use crate::model::gateway::{Condition as Status, Gateway};
use crate::model::http_route::PathMatchKind;
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};
use crate::model::snapshot::{Lookup, Snapshot};

use super::gateway::attach::{Serving, is_duplicate, is_reported_down, is_whole};
use super::gateway::backends::{Backends, Health, Judged};
use super::gateway::condition::{Condition, Patterns, Reading};
use super::gateway::explain::{Asked, explain};
use super::gateway::index::Index;
use super::gateway::{At, Attached, hosts, one_of, uri};
use super::traefik_gateway::{self, TraefikGateway};
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
        Box::new(Table { implementation: implementation(input.snapshot), ..Table::new(input.snapshot) })
    }
}

/// The table of the implementation that serves all Gateways, where it is modelled.
fn implementation(snapshot: &Snapshot) -> Option<(ControllerKind, Box<dyn RouteTable>)> {
    let anybody = Anybody(snapshot);
    let mut served = snapshot.gateways.items().iter().filter(|gateway| anybody.serves(gateway)).peekable();
    served.peek()?;
    if !served.all(|gateway| traefik_gateway::is_own(snapshot, gateway)) {
        return None;
    }
    let kind = ControllerKind::TraefikGateway;
    let running = snapshot.controllers.iter().find(|controller| controller.kind == kind);
    let settings = running.map(Controller::settings).unwrap_or_default();
    let input = Input { ingresses: &[], snapshot, settings: &settings };
    Some((kind, TraefikGateway.compile(&input)))
}

/// Whether there are Gateways that some implementation took and none of the recognised controllers
/// serves.
#[must_use]
pub fn has_unclaimed(snapshot: &Snapshot) -> bool {
    let has_traefik =
        snapshot.controllers.iter().any(|controller| controller.kind == ControllerKind::TraefikGateway);
    let anybody = Anybody(snapshot);
    let mut served = snapshot.gateways.items().iter().filter(|gateway| anybody.serves(gateway));
    served.any(|gateway| !(has_traefik && traefik_gateway::is_own(snapshot, gateway)))
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
    /// Asked where the text leaves the answer open.
    implementation: Option<(ControllerKind, Box<dyn RouteTable>)>,
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
        Self { backends: backends.collect(), implementation: None, places, conditions, index, attached }
    }

    /// The listeners that a request may come in by, a list for each set of addresses; all that take its
    /// host, or of each Gateway only the most precise.
    fn ways_in(&self, request: &Request, isolation: Isolation) -> Vec<Vec<usize>> {
        let is_tls = request.scheme == Scheme::Https;
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
            way.retain(|number| listener(number).is_some_and(|one| hosts::takes(&one.hostname, host)));
            let mut best: HashMap<&Name, (usize, usize)> = HashMap::new();
            if isolation == Isolation::Shared {
                continue;
            }
            for served in way.iter().filter_map(listener) {
                let precision = hosts::precision(&served.hostname);
                let before = best.entry(&served.gateway).or_insert(precision);
                *before = precision.max(*before);
            }
            way.retain(|number| {
                listener(number)
                    .is_some_and(|one| best.get(&one.gateway) == Some(&hosts::precision(&one.hostname)))
            });
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

    /// Whose answer counts, where the text leaves it open: how host and path are read, whether a pattern
    /// takes a request that meets all other conditions of its rule, whether listeners share routes.
    fn left_to(&self, request: &Request, path: &uri::Path) -> Option<&(ControllerKind, Box<dyn RouteTable>)> {
        let implementation = self.implementation.as_ref()?;
        let host = request.host_as_sent.as_str();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let is_plain = path.escaped == request.path.as_str() && !path.escaped.contains('%');
        let is_named = host.bytes().all(is_name) && !host.ends_with('.');
        let shared = self.ways_in(request, Isolation::Shared);
        let best = |ways: &[Vec<usize>]| -> Vec<Option<Found>> {
            ways.iter().map(|way| self.best(request, &path.decoded, way)).collect()
        };
        if !is_plain || !is_named || best(&shared) != best(&self.ways_in(request, Isolation::Apart)) {
            return Some(implementation);
        }
        let ways = shared.concat();
        let mut is_open = false;
        self.index.find(request.host.as_str(), &path.decoded, &mut |_, number| {
            let entry = self.places.get(number).zip(self.conditions.get(number));
            let entry = entry.filter(|(_, condition)| condition.has_pattern());
            let listener = entry.and_then(|(at, condition)| {
                let met = condition.may_be_met(request, READING);
                met.then(|| self.attached.attachments.get(at.attachment)).flatten()
            });
            is_open |= listener.is_some_and(|attachment| ways.contains(&attachment.listener));
        });
        is_open.then_some(implementation)
    }

    fn found(&self, request: &Request, path: &str) -> Vec<Found> {
        self.ways_in(request, Isolation::Apart)
            .iter()
            .filter_map(|way| self.best(request, path, way))
            .collect()
    }
}

/// Whether a request can be taken by routes of listeners with less precise hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Isolation {
    Apart,
    Shared,
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
        if let Some((kind, table)) = self.left_to(request, &path) {
            let mut decision = table.decide(request);
            decision.notes.push(Note::LeftOpen { to: *kind });
            return decision;
        }
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
        // What is refused is compared with no rule.
        let Some(path) = uri::read(request.path.as_str()) else { return Explanation::default() };
        if let Some((_, table)) = self.left_to(request, &path) {
            return table.explain(request, limit);
        }
        let path = path.decoded;
        let ways = self.ways_in(request, Isolation::Apart).concat();
        let asked = Asked {
            attached: &self.attached,
            request,
            path: &path,
            winner: self.found(request, &path).first().map(|found| found.at),
            takes_host: &|name| hosts::takes(name, request.host.as_str()),
            reading: READING,
            is_served: &|_| true,
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
        Health::NobodyReady | Health::Leaving | Health::NoSlices => Some(503),
        Health::ServiceMissing | Health::PortMissing | Health::NotGranted | Health::Foreign => Some(500),
    }
}

#[cfg(test)]
mod tests {
    use super::super::gateway::fixtures::{
        check, decided, gateway, of_snapshot, request, route, snapshot, table, with_filter, younger,
    };
    use super::*;
    use crate::analysis::routing::fixtures::brief;
    use crate::analysis::routing::{Detached, Edit, Reason, Unmet};
    use crate::model::gateway::FromNamespaces;
    use crate::model::http_route::{Filter, PathChange, Redirect};
    use crate::model::object::ObjectMeta;
    use crate::model::reference_grant::{GrantFrom, GrantTo, ReferenceGrant};

    const TEXT: [ControllerKind; 1] = [ControllerKind::HttpRoute];

    fn redirect(redirect: Redirect) -> Filter {
        Filter::Redirect(redirect)
    }

    #[test]
    fn a_host_name_outweighs_every_path() {
        let routes = [
            route("n/named", "", &["a.example"], &[("Prefix /", "named")]),
            route("n/wild", "", &["*.example"], &[("Prefix /api", "wild")]),
            route("n/any", "", &[], &[("Exact /api/x", "any")]),
        ];
        let cases = [
            ("http://a.example/api/x", "named"),
            ("http://b.example/api/x", "wild"),
            ("http://b.example/y", "404"),
            ("http://c/api/x", "any"),
        ];
        check(&TEXT, &[gateway("n/gw", &["web 80"])], &routes, &cases);
    }

    #[test]
    fn of_equal_rules_the_oldest_route_wins_then_the_first_by_name_then_the_first_rule() {
        let rules = |one: &'static str| [("Prefix /x", one)];
        let routes = [
            younger(route("n/z", "", &[], &rules("z")), 1),
            younger(route("n/a", "", &[], &rules("a")), 2),
            younger(route("n/c", "", &["h"], &rules("c")), 3),
            younger(route("m/d", "", &["h"], &[("Prefix /x", "d"), ("Prefix /x", "e")]), 3),
        ];
        check(&TEXT, &[gateway("n/gw", &["web 80"])], &routes, &[("http://q/x", "z"), ("http://h/x", "m/d")]);
    }

    #[test]
    fn weights_share_requests_out_and_what_cannot_serve_answers_itself() {
        let rules = [
            ("Prefix /two", "one, two"),
            ("Prefix /zero", "one*0, two*5"),
            ("Prefix /none", "one*0"),
            ("Prefix /gone", "gone"),
            ("Prefix /dead", "dead"),
            ("Prefix /slices", "slices"),
            ("Prefix /mixed", "one, gone"),
            ("Prefix /empty", ""),
            ("Prefix /foreign", "m/x"),
        ];
        let cases = [
            ("http://a/two", "one of n/one, n/two"),
            ("http://a/zero", "two"),
            ("http://a/none", "503"),
            ("http://a/gone", "500"),
            ("http://a/dead", "503"),
            ("http://a/slices", "503"),
            ("http://a/mixed", "one of n/one or 500"),
            ("http://a/empty", "500"),
            ("http://a/foreign", "500"),
        ];
        check(&TEXT, &[gateway("n/gw", &["web 80"])], &[route("n/r", "", &[], &rules)], &cases);
    }

    #[test]
    fn a_service_elsewhere_needs_a_grant_there() {
        let grant = |from: &str, to: Option<&str>| ReferenceGrant {
            meta: ObjectMeta { namespace: "m".to_owned(), name: "g".to_owned(), ..ObjectMeta::default() },
            from: vec![GrantFrom {
                group: "gateway.networking.k8s.io".to_owned(),
                kind: "HTTPRoute".to_owned(),
                namespace: from.to_owned(),
            }],
            to: vec![GrantTo {
                group: String::new(),
                kind: "Service".to_owned(),
                name: to.map(str::to_owned),
            }],
        };
        let routes = [route("n/r", "", &[], &[("Prefix /", "m/x")])];
        for (grants, expected) in [
            (vec![], "500"),
            (vec![grant("n", None)], "m/x"),
            (vec![grant("n", Some("x"))], "m/x"),
            (vec![grant("n", Some("y"))], "500"),
            (vec![grant("m", None)], "500"),
        ] {
            let snapshot = snapshot("lab.example/other", &[gateway("n/gw", &["web 80"])], &routes, &grants);
            let table = of_snapshot(ControllerKind::HttpRoute, &snapshot);
            assert_eq!(brief(&decided(&*table, "http://a/"), &request("http://a/")), expected, "{grants:?}");
        }
    }

    #[test]
    fn redirects_take_the_port_of_their_scheme_or_of_the_listener() {
        let full = |to: &str| Some(PathChange::Full(to.to_owned()));
        let to = |one: Redirect| with_filter(route("n/r", "", &[], &[("Prefix /x", "")]), redirect(one));
        for (filter, url, expected) in [
            (Redirect::default(), "http://a:8080/x?q=1", "302 http://a:8000/x?q=1"),
            (Redirect::default(), "https://a/x", "302 https://a:8443/x"),
            (
                Redirect { scheme: Some("https".to_owned()), status: Some(301), ..Redirect::default() },
                "http://a/x/y",
                "301 https://a/x/y",
            ),
            (
                Redirect { hostname: Some("h".to_owned()), port: Some(80), ..Redirect::default() },
                "http://a/x",
                "302 http://h/x",
            ),
            (
                Redirect { port: Some(8080), path: full("/gone"), ..Redirect::default() },
                "http://a/x/y",
                "302 http://a:8080/gone",
            ),
            (
                Redirect {
                    port: Some(443),
                    path: Some(PathChange::Prefix("/z".to_owned())),
                    ..Redirect::default()
                },
                "http://a/x/y",
                "302 http://a:443/z/y",
            ),
        ] {
            let gateways = [gateway("n/gw", &["web 8000", "tls 8443"])];
            check(&TEXT, &gateways, &[to(filter)], &[(url, expected)]);
        }
    }

    #[test]
    fn rewrites_change_what_the_upstream_receives() {
        let rewrite = |path| Filter::Rewrite { hostname: None, path: Some(path) };
        for (path, url, expected) in [
            (PathChange::Prefix("/new".to_owned()), "http://a/x/y", "s /new/y"),
            (PathChange::Prefix(String::new()), "http://a/x/y", "s /y"),
            (PathChange::Full("/all".to_owned()), "http://a/x/y", "s /all"),
        ] {
            let routes = [with_filter(route("n/r", "", &[], &[("Prefix /x", "s")]), rewrite(path))];
            check(&TEXT, &[gateway("n/gw", &["web 80"])], &routes, &[(url, expected)]);
        }
    }

    #[test]
    fn a_filter_that_nobody_knows_fails_its_rule_and_a_mirror_changes_nothing() {
        let extension =
            Filter::Extension { group: "g".to_owned(), kind: "K".to_owned(), name: "n".to_owned() };
        for (filter, expected) in
            [(extension, "500"), (Filter::Other("Later".to_owned()), "500"), (Filter::Mirror, "s")]
        {
            let routes = [with_filter(route("n/r", "", &[], &[("Prefix /", "s")]), filter)];
            check(&TEXT, &[gateway("n/gw", &["web 80"])], &routes, &[("http://a/", expected)]);
        }
    }

    #[test]
    fn a_listener_takes_only_the_namespaces_it_allows() {
        for (namespaces, expected) in [
            (FromNamespaces::All, "m/s"),
            (FromNamespaces::Same, "404"),
            (FromNamespaces::Selector("team=m".to_owned()), "m/s"),
            (FromNamespaces::Selector("team in (n)".to_owned()), "404"),
            (FromNamespaces::Nobody, "404"),
        ] {
            let mut gateway = gateway("n/gw", &["web 80"]);
            gateway.listeners[0].namespaces = namespaces;
            check(
                &TEXT,
                &[gateway],
                &[route("m/r", "", &[], &[("Prefix /", "s")])],
                &[("http://a/", expected)],
            );
        }
    }

    #[test]
    fn the_port_of_the_url_chooses_the_listener_where_one_has_it() {
        let gateways = [gateway("n/gw", &["web 80", "other 8080", "tls 443"])];
        let routes = [
            route("n/web", "web", &[], &[("Prefix /", "web")]),
            route("n/other", "other", &[], &[("Prefix /", "other")]),
            route("n/tls", "tls", &[], &[("Prefix /", "tls")]),
        ];
        let cases = [
            ("http://a/", "web"),
            ("http://a:8080/", "other"),
            ("https://a/", "tls"),
            ("http://a:99/", "other"),
        ];
        check(&TEXT, &gateways, &routes, &cases);
    }

    #[test]
    fn gateways_with_different_addresses_are_a_choice() {
        let mut gateways = [gateway("n/gw", &["web 80"]), gateway("n/gw2", &["web 80"])];
        gateways[0].addresses = vec!["203.0.113.1".to_owned()];
        gateways[1].addresses = vec!["10.0.0.9".to_owned()];
        let mut second = route("n/b", "", &[], &[("Prefix /", "two")]);
        second.parents[0].name = Name::new("n", "gw2");
        let routes = [route("n/a", "", &[], &[("Prefix /", "one"), ("Exact /x", "one")]), second];
        check(&TEXT, &gateways, &routes, &[("http://a/", "one of n/one, n/two")]);
    }

    #[test]
    fn losers_say_why_and_what_would_mend_them() {
        let mut apart = route("n/apart", "nothere", &["a"], &[("Prefix /", "s")]);
        apart.meta.created = None;
        let routes = [
            route("n/r", "", &["a"], &[("Exact /x", "s"), ("Prefix /y GET h:v=1", "s")]),
            route("n/other", "", &["b"], &[("Prefix /", "s")]),
            apart,
        ];
        let table = table(ControllerKind::HttpRoute, &[gateway("n/gw", &["web 80"])], &routes);
        let explanation = table.explain(&request("http://a/y"), 10);
        assert_eq!(explanation.total, 4);
        let header = Unmet::Header { name: "v".to_owned(), wanted: "1".to_owned() };
        let reasons: Vec<&Reason> = explanation.eliminated.iter().map(|lost| &lost.reason).collect();
        let missing =
            Detached::ListenerMissing { gateway: Name::new("n", "gw"), wanted: "nothere".to_owned() };
        assert!(reasons.contains(&&Reason::Unmet(header.clone())), "{reasons:?}");
        assert!(reasons.contains(&&Reason::Detached(missing)), "{reasons:?}");
        assert!(reasons.contains(&&Reason::PathDiffers), "{reasons:?}");
        assert!(reasons.contains(&&Reason::HostDiffers), "{reasons:?}");
        let edits: Vec<&Edit> = explanation.nearest.iter().map(|near| &near.edit).collect();
        assert_eq!(edits.first(), Some(&&Edit::Meet(header)), "{edits:?}");
    }

    #[test]
    fn no_edit_is_told_that_would_not_mend_it() {
        let gateways = [gateway("n/gw", &["web 80 *.shop.example", "secure 443"])];
        let edits = |hosts: &[&str], one: &str, section: &str, url: &str| {
            let routes = [route("n/r", section, hosts, &[(one, "s")])];
            let nearest =
                table(ControllerKind::HttpRoute, &gateways, &routes).explain(&request(url), 9).nearest;
            nearest.into_iter().map(|near| near.edit).collect::<Vec<Edit>>()
        };
        let to = |host: &str| Edit::SetHost { from: "a.shop.example".to_owned(), to: host.to_owned() };
        let named = ["a.shop.example"];
        assert_eq!(edits(&named, "Prefix /", "", "http://b.shop.example/"), [to("b.shop.example")]);
        // The listener takes no such host, or another condition is not met.
        assert_eq!(edits(&named, "Prefix /", "web", "http://a.shop.exmple/"), []);
        assert_eq!(edits(&named, "Prefix / POST", "", "http://b.shop.example/"), []);
        // The host is the listener's, and no name of the route.
        assert_eq!(edits(&[], "Prefix /", "web", "http://shop.example/"), []);
        // Such a path is not to be written into a rule.
        assert_eq!(edits(&named, "Exact /foo", "", "http://a.shop.example/b%20c"), []);
        // It does not come in there.
        assert_eq!(edits(&named, "Exact /foo", "web", "https://a.shop.example/foo/x"), []);
        // What is malformed is refused whatever the rules say.
        let routes = [route("n/r", "", &named, &[("Prefix /", "s")])];
        let table = table(ControllerKind::HttpRoute, &gateways, &routes);
        assert_eq!(table.explain(&request("http://a.shop.example/%"), 9), Explanation::default());
    }
}

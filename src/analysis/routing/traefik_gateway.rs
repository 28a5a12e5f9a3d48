//! HTTPRoutes as Traefik's provider `kubernetesGateway` does them.
//!
//! Every match of every attached rule becomes a router with a rule text and a number for its priority;
//! the highest number that takes the request wins, whichever listener or Gateway of the entry point it
//! came from. The number adds up path, method, headers, parameters and host names, so that the host
//! counts least and not first. Of routers with the same rule text on one entry point only the first is
//! made: of the oldest route, the first by name, the first rule. Routers with equal numbers and
//! different texts stand in no order: then the answer is a set.
//!
//! Assumes an entry point for every listener where the arguments name none, as when they stand in a
//! file. Routes of other kinds on the same host names are not looked at.
//! Sources: traefik/traefik `pkg/provider/kubernetes/gateway/{kubernetes,httproute}.go`,
//! `pkg/muxer/http/{mux,matcher}.go`, v3.7.13; the making of routers as the running 3.7.15 shows it.

use std::collections::HashSet;

use crate::model::controller::{ControllerKind, Settings, Version};
use crate::model::gateway::Gateway;
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};
use crate::model::snapshot::Snapshot;

use super::gateway::backends::{Backends, Judged};
use super::gateway::condition::{Condition, Patterns, Reading};
use super::gateway::explain::{Asked, explain};
use super::gateway::index::Index;
use super::gateway::{At, Attached, Served, hosts, one_of, uri};
use super::traefik::entry_points::{self, EntryPoint};
use super::traefik::seen::Seen;
use super::traefik::{ACME, denied, redirected};
use super::{
    Basis, Decision, Explanation, Input, Note, Outcome, Refusal, Releases, RouteTable, RoutingModel,
};

mod act;
mod internal;
mod native;
mod priority;
mod serving;

use native::Native;
use serving::{EntryPoints, Traefik};

/// Traefik's provider for the Gateway API.
#[derive(Debug)]
pub struct TraefikGateway;

impl RoutingModel for TraefikGateway {
    fn kind(&self) -> ControllerKind {
        ControllerKind::TraefikGateway
    }

    fn basis(&self) -> Basis {
        Basis::Exact
    }

    fn releases(&self) -> Option<Releases> {
        Some(Releases { since: Version::new(3, 7, 0), before: Version::new(3, 8, 0) })
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input.snapshot, input.settings))
    }
}

/// The name that the provider gives itself, in GatewayClasses.
pub(in crate::analysis) const CONTROLLER: &str = "traefik.io/gateway-controller";

const READING: Reading = Reading { first_query_value: false, first_condition: false };

struct Router {
    at: At,
    priority: usize,
    is_tls: bool,
    /// The entry point's.
    port: u16,
}

struct Table {
    attached: Attached,
    /// Of everything attached, in one order.
    conditions: Vec<Condition>,
    /// By the same number; `None` where an older route has the same rule text.
    routers: Vec<Option<Router>>,
    index: Index,
    /// Of every route's rules.
    backends: Vec<Vec<Vec<Judged>>>,
    entry_points: EntryPoints,
    /// The same with what they do to every request.
    points: entry_points::EntryPoints,
    /// Whether the provider that knows middlewares runs too.
    has_crd_provider: bool,
    native: Native,
}

impl Table {
    fn new(snapshot: &Snapshot, settings: &Settings) -> Self {
        let serving = Traefik::new(snapshot, settings);
        let attached = Attached::new(snapshot, &serving);
        let services = Backends::new(snapshot);
        let has_crd_provider =
            settings.args.iter().any(|flag| flag.name.starts_with("providers.kubernetescrd"));
        let mut patterns = Patterns::default();
        let mut conditions = Vec::new();
        let mut routers = Vec::new();
        let mut index = Index::default();
        let mut texts = HashSet::new();
        for (number, (at, attachment, one)) in attached.all().enumerate() {
            conditions.push(Condition::new(one, READING, &mut patterns));
            let served = attached.listener(at);
            let text = priority::rule_text(&attachment.hosts, one);
            let place = served.map(|served| (served.port, served.is_tls));
            let internal = attached.route(at).zip(attached.rule(at)).is_some_and(|(route, rule)| {
                internal::is_missing(&route.meta.namespace, rule, settings, has_crd_provider)
            });
            // Whether it is for TLS does not tell routers apart.
            let is_first = texts.insert((served.map(|served| served.port), text));
            let (Some((port, is_tls)), true, false) = (place, is_first, internal) else {
                routers.push(None);
                continue;
            };
            let any = [String::new()];
            let names = if attachment.hosts.is_empty() { &any[..] } else { &attachment.hosts };
            for host in names {
                index.insert(host, &one.path, number);
            }
            let rules = attached.route(at).map_or(0, |route| route.rules.len());
            let priority = priority::priority(&attachment.hosts, one, rules.saturating_sub(at.rule));
            routers.push(Some(Router { at, priority, is_tls, port }));
        }
        let backends = attached.routes.iter().map(|route| {
            let rules = route.rules.iter();
            rules.map(|rule| services.judge(&route.meta.namespace, &rule.backends)).collect()
        });
        let backends = backends.collect();
        let native_by_default = settings.is_set("providers.kubernetesgateway.nativelbbydefault");
        Self {
            native: Native::new(snapshot, native_by_default),
            has_crd_provider,
            entry_points: serving.entry_points(snapshot),
            points: entry_points::EntryPoints::new(settings),
            conditions,
            routers,
            index,
            backends,
            attached,
        }
    }

    /// The ports of the entry points that the request may come in by.
    fn ports(&self, request: &Request) -> Vec<u16> {
        let is_tls = request.scheme == Scheme::Https;
        let listeners = self.attached.listeners.iter().filter(|served| served.is_tls == is_tls);
        let mut ports: Vec<u16> = listeners.map(|served| served.port).collect();
        ports.sort_unstable();
        ports.dedup();
        match self.entry_points.behind(request.effective_port()).filter(|port| ports.contains(port)) {
            Some(port) => vec![port],
            None => ports,
        }
    }

    /// Where the request comes in.
    fn point(&self, request: &Request) -> Option<(u8, &EntryPoint)> {
        let behind = self.entry_points.behind(request.effective_port());
        let only = match self.ports(request).as_slice() {
            [port] => self.points.at_port(*port),
            [] | [_, _, ..] => None,
        };
        behind.and_then(|port| self.points.at_port(port)).or(only).or_else(|| self.points.of(request))
    }

    /// The routers that take the request and have the highest number, the oldest first, and that number.
    fn best(&self, request: &Request, path: &str) -> (Option<i64>, Vec<Found>) {
        let is_tls = request.scheme == Scheme::Https;
        let ports = self.ports(request);
        let sent = request.host_as_sent.to_ascii_lowercase();
        let mut best: Vec<(usize, Found)> = Vec::new();
        self.index.find(request.host.as_str(), path, &mut |host, number| {
            let router = self.routers.get(number).and_then(Option::as_ref);
            let Some((router, condition)) = router.zip(self.conditions.get(number)) else { return };
            let in_reach = router.is_tls == is_tls && ports.contains(&router.port);
            if !in_reach || !takes_host(host, &sent) || !condition.takes_path(path) {
                return;
            }
            if condition.unmet(request, READING).is_some() {
                return;
            }
            let found = Found { at: router.at, number, host: host.to_owned() };
            match best.first().map(|(priority, _)| *priority) {
                Some(before) if router.priority < before => return,
                Some(before) if before < router.priority => best.clear(),
                Some(_) | None => {}
            }
            if !best.iter().any(|(_, one)| one.number == number) {
                best.push((router.priority, found));
            }
        });
        let priority = best.first().map(|(priority, _)| i64::try_from(*priority).unwrap_or(i64::MAX));
        let mut found: Vec<Found> = best.into_iter().map(|(_, found)| found).collect();
        found.sort_by_key(|found| found.number);
        (priority, found)
    }

    fn undecided(&self, request: &Request, path: &str) -> Vec<Note> {
        let mut notes = Vec::new();
        self.index.find(request.host.as_str(), path, &mut |_, number| {
            let is_undecided = self.conditions.get(number).is_some_and(Condition::is_undecided);
            let router = self.routers.get(number).and_then(Option::as_ref).filter(|_| is_undecided);
            if let Some(one) = router.and_then(|router| self.attached.condition(router.at)) {
                notes.push(Note::PatternUndecided { pattern: one.path.value.clone() });
            }
        });
        notes.sort();
        notes.dedup();
        notes
    }
}

/// The path as the entry point leaves it. Bytes that are no text stay escaped.
fn path_of(seen: &Seen<'_>) -> uri::Path {
    let escaped = seen.escaped();
    let decoded = String::from_utf8(seen.path.clone()).unwrap_or_else(|_| escaped.clone());
    uri::Path { escaped, decoded }
}

/// A router that takes the request, and the host name it does so by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    at: At,
    number: usize,
    host: String,
}

/// A wildcard is a pattern for the host as sent: no underscore, no dot at the end.
fn takes_host(name: &str, sent: &str) -> bool {
    let Some(parent) = name.strip_prefix('*') else { return true };
    sent.strip_suffix(parent).is_some_and(|labels| {
        !labels.is_empty()
            && labels
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
    })
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let Some((number, point)) = self.point(request) else {
            return Decision::bare(Outcome::NoRoute, Some(404));
        };
        let Ok(seen) = Seen::new(request, number, point) else {
            return Decision::bare(Outcome::Refused, Some(400));
        };
        let path = path_of(&seen);
        let (priority, found) =
            if self.points.is_sound(point) { self.best(request, &path.decoded) } else { (None, Vec::new()) };
        let bypassed = point.acme_bypass && path.decoded.starts_with(ACME);
        let redirect = point.redirect.as_ref().filter(|redirect| {
            self.points.is_sound(point)
                && !bypassed
                && !seen.host.is_empty()
                && priority.is_none_or(|priority| redirect.priority >= priority)
        });
        if let Some(decision) = denied(&seen, point).filter(|_| redirect.is_some() || !found.is_empty()) {
            return decision;
        }
        if redirect.is_some() {
            return redirected(&seen, point);
        }
        let mut decisions: Vec<Decision> = Vec::new();
        for one in &found {
            let decision = self.act(request, &path, one);
            if !decisions.iter().any(|before| act::is_same(before, &decision)) {
                decisions.push(decision);
            }
        }
        let mut decision = one_of(decisions);
        decision.notes.extend(self.undecided(request, &path.decoded));
        decision
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        let Some((number, point)) = self.point(request) else { return Explanation::default() };
        // What is refused is compared with no rule.
        let Ok(seen) = Seen::new(request, number, point) else { return Explanation::default() };
        let path = path_of(&seen).decoded;
        let sent = request.host_as_sent.to_ascii_lowercase();
        let ports = self.ports(request);
        let is_tls = request.scheme == Scheme::Https;
        let in_reach = |served: &Served| served.is_tls == is_tls && ports.contains(&served.port);
        let asked = Asked {
            attached: &self.attached,
            request,
            path: &path,
            winner: self.best(request, &path).1.first().map(|found| found.at),
            takes_host: &|name| hosts::takes(name, request.host.as_str()) && takes_host(name, &sent),
            reading: READING,
            is_served: &|number| self.routers.get(number).is_some_and(Option::is_some),
            in_reach: &|listener| self.attached.listeners.get(listener).is_some_and(in_reach),
            conditions: &self.conditions,
        };
        let mut explanation = explain(&asked, limit);
        // What the entry point redirects or denies no edit of a route gets through.
        let decision = self.decide(request);
        if decision.winner.is_none() && matches!(decision.outcome, Outcome::Redirect | Outcome::Refused) {
            explanation.nearest.clear();
        }
        explanation
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &[]
    }

    fn has_routes_for(&self, host: Option<&str>) -> bool {
        self.attached.has_routes_for(host)
    }
}

/// Whether a Gateway's class is Traefik's.
pub(in crate::analysis) fn is_own(snapshot: &Snapshot, gateway: &Gateway) -> bool {
    let class = snapshot.gateway_classes.get("", &gateway.class).found();
    class.is_some_and(|class| class.controller == CONTROLLER)
}

#[cfg(test)]
mod tests {
    use super::super::gateway::fixtures::{
        check, decided, gateway, of_snapshot, request, route, snapshot, with_filter, younger,
    };
    use super::*;
    use crate::analysis::routing::fixtures::brief;
    use crate::model::controller::Flag;
    use crate::model::http_route::{Filter, HttpRoute, PathChange, Redirect};

    const TRAEFIK: [ControllerKind; 1] = [ControllerKind::TraefikGateway];

    fn on_one(routes: &[HttpRoute], cases: &[(&str, &str)]) {
        check(&TRAEFIK, &[gateway("n/gw", &["web 8000", "tls 8443"])], routes, cases);
    }

    /// Each as a running Traefik 3.7.15 answered.
    #[test]
    fn the_host_name_is_the_weakest_criterion() {
        on_one(
            &[
                route("n/wild", "", &["*.example"], &[("Prefix /", "wild")]),
                route("n/any", "", &[], &[("Prefix /api", "any")]),
                route("n/header", "", &[], &[("Prefix / h:v=1", "header")]),
            ],
            &[
                ("http://a.example/api", "any"),
                ("http://a.example/x", "wild"),
                ("http://a.example/x v:1", "header"),
                ("http://under_score.example/x", "404"),
                ("http://a.example./x", "404"),
            ],
        );
    }

    #[test]
    fn of_one_rule_text_the_oldest_route_is_made_and_other_ties_are_a_choice() {
        let rules = |one: &'static str| [("Prefix /x", one)];
        let routes = [
            younger(route("n/z", "", &["h"], &rules("z")), 1),
            younger(route("n/a", "", &["h"], &[("Prefix /x", "a"), ("Prefix /y", "a")]), 2),
            younger(route("n/b", "", &["i", "j"], &rules("b")), 1),
            younger(route("n/c", "", &["j", "i"], &rules("c")), 2),
        ];
        on_one(&routes, &[("http://h/x", "z"), ("http://h/y", "a"), ("http://i/x", "one of n/b, n/c")]);
    }

    #[test]
    fn backends_answer_as_recorded() {
        let rules = [
            ("Prefix /slices", "slices"),
            ("Prefix /dead", "dead"),
            ("Prefix /gone", "gone"),
            ("Prefix /none", "one*0"),
            ("Prefix /empty", ""),
            ("Prefix /mixed", "one, gone"),
        ];
        let bare = with_filter(route("n/h", "", &[], &[("Prefix /bare", "")]), Filter::RequestHeaders);
        let mirror = with_filter(route("n/m", "", &[], &[("Prefix /mirror", "s")]), Filter::Mirror);
        on_one(
            &[route("n/r", "", &[], &rules), bare, mirror],
            &[
                ("http://a/slices", "500"),
                ("http://a/dead", "503"),
                ("http://a/gone", "500"),
                ("http://a/none", "503"),
                ("http://a/empty", "500"),
                ("http://a/mixed", "one of n/one or 500"),
                ("http://a/bare", "503"),
                ("http://a/mirror", "500"),
            ],
        );
    }

    #[test]
    fn redirects_and_rewrites_are_made_as_recorded() {
        let redirect = |path: &str, redirect: Redirect| {
            with_filter(
                route(&format!("n{path}"), "", &[], &[(&format!("Prefix {path}"), "")]),
                Filter::Redirect(redirect),
            )
        };
        let prefix = |to: &str| Some(PathChange::Prefix(to.to_owned()));
        let rewrite = Filter::Rewrite { hostname: None, path: prefix("") };
        on_one(
            &[
                redirect("/d1", Redirect { path: prefix(""), ..Redirect::default() }),
                redirect("/d2", Redirect { path: prefix("/mv/"), port: Some(8080), ..Redirect::default() }),
                redirect(
                    "/d3",
                    Redirect { scheme: Some("https".to_owned()), port: Some(80), ..Redirect::default() },
                ),
                redirect(
                    "/d4",
                    Redirect { scheme: Some("http".to_owned()), status: Some(308), ..Redirect::default() },
                ),
                with_filter(route("n/e", "", &[], &[("Prefix /e", "s")]), rewrite),
            ],
            &[
                ("http://a.b:1234/d1/x", "302 http://a.b:1234/x"),
                ("http://a.b:1234/d2?x=1;y=2", "302 http://a.b:8080/mv?x=1&y=2"),
                ("http://a.b:1234/d3/q", "302 https://a.b:80/d3/q"),
                ("http://a.b:1234/d4/x", "308 http://a.b/d4/x"),
                ("http://a/e", "s /"),
                ("http://a/e/x", "s x"),
            ],
        );
    }

    #[test]
    fn a_listener_needs_an_entry_point_and_a_class_of_its_own() {
        let flag = |name: &str, value: &str| Flag {
            index: 0,
            in_command: false,
            name: name.to_owned(),
            value: Some(value.to_owned()),
        };
        let web = flag("entrypoints.web.address", ":8000/tcp");
        let tls = flag("entrypoints.web.http.tls", "true");
        let routes = [route("n/r", "web", &[], &[("Prefix /", "s")])];
        for (controller, args, expected) in [
            (CONTROLLER, vec![web.clone()], "n/s"),
            (CONTROLLER, vec![flag("entrypoints.web.address", ":80")], "404"),
            (CONTROLLER, vec![web.clone(), tls], "404"),
            (CONTROLLER, vec![flag("providers.kubernetesgateway.namespaces", "m")], "404"),
            (CONTROLLER, vec![flag("providers.kubernetesgateway.labelselector", "x=y")], "404"),
            // Nothing of Traefik's is there: it is asked what it would do.
            ("lab.example/other", vec![web], "n/s"),
        ] {
            let snapshot = snapshot(controller, &[gateway("n/gw", &["web 8000"])], &routes, &[]);
            let settings = Settings { args, ..Settings::default() };
            let input = Input { ingresses: &[], snapshot: &snapshot, settings: &settings };
            let table = TraefikGateway.compile(&input);
            assert_eq!(
                brief(&decided(&*table, "http://a/"), &request("http://a/")),
                expected,
                "{settings:?}"
            );
        }
    }

    #[test]
    fn the_text_leaves_open_what_traefik_then_decides() {
        let routes = [
            route("n/pattern", "", &["h"], &[("Pattern /v[0-9]+", "slices")]),
            route("n/plain", "", &["h"], &[("Prefix /p", "slices"), ("Prefix /q h:v=1", "slices")]),
        ];
        let snapshot = snapshot(CONTROLLER, &[gateway("n/gw", &["web 80"])], &routes, &[]);
        let table = of_snapshot(ControllerKind::HttpRoute, &snapshot);
        for (url, expected) in [("http://h/a/v1", "500"), ("http://h/p", "500"), ("http://h//p", "500")] {
            let decision = decided(&*table, url);
            assert_eq!(brief(&decision, &request(url)), expected, "{url}");
            let open = Note::LeftOpen { to: ControllerKind::TraefikGateway };
            assert!(decision.notes.contains(&open), "{decision:?}");
        }
    }
}

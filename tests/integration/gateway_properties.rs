//! Laws of the models of the Gateway API, over generated Gateways, routes and hostile requests.

use std::cmp::Reverse;

use proptest::prelude::*;
use routecause::analysis::routing::{Input, Outcome, RouteTable, model_for};
use routecause::model::controller::{ControllerKind, Settings};
use routecause::model::gateway::{
    Condition, FromNamespaces, Gateway, GatewayClass, Listener, Protocol, RouteKind,
};
use routecause::model::http_route::{
    BackendRef, Filter, HttpRoute, ParentRef, PathChange, PathMatch, PathMatchKind, Redirect, RouteMatch,
    RouteRule, ValueMatch,
};
use routecause::model::ingress::{Place, PortRef};
use routecause::model::object::{Kind, Name, ObjectMeta};
use routecause::model::request::Request;
use routecause::model::service::{Service, ServicePort};
use routecause::model::snapshot::{Listing, Snapshot};

const MODELS: [ControllerKind; 2] = [ControllerKind::HttpRoute, ControllerKind::TraefikGateway];
const HOSTS: [&str; 5] = ["a.io", "*.io", "b.a.io", "*.a.io", "c.com"];
const PATHS: [&str; 8] = ["/", "/a", "/a/", "/a/b", "/A", "/ab", "/a%20b", "/v[0-9]+"];
const CLASSES: [&str; 2] = ["traefik.io/gateway-controller", "lab.example/other"];

fn kind() -> impl Strategy<Value = PathMatchKind> {
    prop_oneof![4 => Just(PathMatchKind::Prefix), 3 => Just(PathMatchKind::Exact), 1 => Just(PathMatchKind::Pattern)]
}

fn value(names: &'static [&'static str]) -> impl Strategy<Value = ValueMatch> {
    let of = proptest::sample::select(names);
    (of, proptest::sample::select(&["1", "2"][..]), proptest::bool::weighted(0.1)).prop_map(
        |(name, value, is_pattern)| ValueMatch { name: name.to_owned(), value: value.to_owned(), is_pattern },
    )
}

prop_compose! {
    fn one_match()(
        kind in kind(),
        path in proptest::sample::select(&PATHS[..]),
        method in proptest::option::weighted(0.2, proptest::sample::select(&["GET", "POST"][..])),
        headers in proptest::collection::vec(value(&["X-A", "x-b"]), 0..2),
        query in proptest::collection::vec(value(&["p", "q"]), 0..2),
    ) -> RouteMatch {
        RouteMatch {
            path: PathMatch { kind, value: path.to_owned() },
            method: method.map(str::to_owned),
            headers,
            query,
        }
    }
}

fn filter() -> impl Strategy<Value = Filter> {
    let path = prop_oneof![
        Just(PathChange::Full("/full".to_owned())),
        Just(PathChange::Prefix(String::new())),
        Just(PathChange::Prefix("/p/".to_owned())),
    ];
    prop_oneof![
        path.prop_map(|path| Filter::Rewrite { hostname: None, path: Some(path) }),
        Just(Filter::Redirect(Redirect { port: Some(8080), ..Redirect::default() })),
        Just(Filter::Redirect(Redirect { scheme: Some("https".to_owned()), ..Redirect::default() })),
        Just(Filter::RequestHeaders),
        Just(Filter::Mirror),
        Just(Filter::Other("Later".to_owned())),
    ]
}

fn backend() -> impl Strategy<Value = BackendRef> {
    let names = proptest::sample::select(&["one", "two", "gone"][..]);
    (names, 0..3_u32, proptest::sample::select(&["n", "m"][..])).prop_map(|(name, weight, namespace)| {
        BackendRef {
            names_namespace: false,
            group: String::new(),
            kind: "Service".to_owned(),
            name: Name::new(namespace, name),
            port: Some(80),
            weight,
            filters: Vec::new(),
        }
    })
}

prop_compose! {
    fn route()(
        created in proptest::option::of(0..4_i64),
        hosts in proptest::collection::vec(proptest::sample::select(&HOSTS[..]), 0..3),
        section in proptest::option::weighted(0.3, proptest::sample::select(&["l0", "l1", "l9"][..])),
        rules in proptest::collection::vec(
            (
                proptest::collection::vec(one_match(), 1..3),
                proptest::option::weighted(0.3, filter()),
                proptest::collection::vec(backend(), 0..3),
            ),
            1..4,
        ),
    ) -> HttpRoute {
        let rule = |(matches, filter, backends): (_, Option<Filter>, _)| RouteRule {
            matches,
            filters: filter.into_iter().collect(),
            backends,
            ..RouteRule::default()
        };
        HttpRoute {
            meta: ObjectMeta {
                created: created.and_then(|at| chrono::DateTime::from_timestamp(at, 0)),
                ..ObjectMeta::default()
            },
            parents: vec![ParentRef {
                is_gateway: true,
                name: Name::new("n", "gw"),
                section: section.map(str::to_owned),
                port: None,
            }],
            hostnames: hosts.into_iter().map(str::to_owned).collect(),
            rules: rules.into_iter().map(rule).collect(),
        }
    }
}

fn routes() -> impl Strategy<Value = Vec<HttpRoute>> {
    proptest::collection::vec(route(), 1..5).prop_map(|mut routes| {
        for (number, route) in routes.iter_mut().enumerate() {
            route.meta.namespace = if number % 2 == 0 { "n" } else { "m" }.to_owned();
            route.meta.name = format!("r{}", number * 7 % 5);
        }
        routes
    })
}

fn listeners() -> impl Strategy<Value = Vec<Listener>> {
    let host = proptest::option::weighted(0.5, proptest::sample::select(&HOSTS[..]));
    let namespaces = prop_oneof![4 => Just(FromNamespaces::All), 1 => Just(FromNamespaces::Same)];
    let kinds = proptest::bool::weighted(0.1);
    proptest::collection::vec((host, namespaces, kinds), 1..4).prop_map(|all| {
        let listener = |(number, (host, namespaces, grpc)): (usize, (Option<&str>, _, bool))| Listener {
            name: format!("l{number}"),
            hostname: host.unwrap_or_default().to_owned(),
            port: 80,
            protocol: Protocol::Http,
            tls: None,
            namespaces,
            kinds: grpc
                .then(|| RouteKind {
                    group: "gateway.networking.k8s.io".to_owned(),
                    kind: "GRPCRoute".to_owned(),
                })
                .into_iter()
                .collect(),
            programmed: Condition::Unset,
        };
        all.into_iter().enumerate().map(listener).collect()
    })
}

prop_compose! {
    fn request()(
        host in proptest::sample::select(&["a.io", "b.a.io", "x.io", "c.com", "d.org"][..]),
        path in proptest::sample::select(&["/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/v1", "/A"][..]),
        query in proptest::option::of(proptest::sample::select(&["p=1", "p=2&q=1", "q=2", "p=1&p=2"][..])),
        method in proptest::sample::select(&["GET", "POST", "PUT"][..]),
        headers in proptest::collection::vec(
            (proptest::sample::select(&["x-a", "X-B"][..]), proptest::sample::select(&["1", "2"][..])),
            0..2,
        ),
    ) -> Request {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let mut request = Request::parse(&format!("http://{host}{path}{query}")).expect("a URL");
        method.clone_into(&mut request.method);
        request.headers = headers.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        request
    }
}

fn snapshot(class: &str, listeners: &[Listener], routes: &[HttpRoute]) -> Snapshot {
    let named = |namespace: &str, name: &str| ObjectMeta {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..ObjectMeta::default()
    };
    let services = ["one", "two"].map(|name| Service {
        meta: named("n", name),
        ports: vec![ServicePort {
            name: None,
            number: 80,
            target: PortRef::Number(8080),
            node_port: None,
            protocol: "TCP".to_owned(),
        }],
        ..Service::default()
    });
    let gateway = Gateway {
        meta: named("n", "gw"),
        class: "own".to_owned(),
        listeners: listeners.to_vec(),
        addresses: Vec::new(),
    };
    let class =
        GatewayClass { meta: named("", "own"), controller: class.to_owned(), accepted: Condition::True };
    Snapshot {
        services: Listing::complete(Kind::Service, services.into()),
        gateway_classes: Listing::complete(Kind::GatewayClass, vec![class]),
        gateways: Listing::complete(Kind::Gateway, vec![gateway]),
        http_routes: Listing::complete(Kind::HttpRoute, routes.to_vec()),
        grants: Listing::complete(Kind::ReferenceGrant, Vec::new()),
        ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
    }
}

fn compile(kind: ControllerKind, snapshot: &Snapshot) -> Box<dyn RouteTable> {
    let input = Input { ingresses: &[], snapshot, settings: &Settings::default() };
    model_for(kind).expect("a model").compile(&input)
}

/// How precise a match is by the text, apart from its host.
fn precision(one: &RouteMatch) -> (bool, usize, bool, usize, usize) {
    let names = |list: &[ValueMatch], fold: bool| {
        let mut names: Vec<String> = list
            .iter()
            .map(|value| if fold { value.name.to_ascii_lowercase() } else { value.name.clone() })
            .collect();
        names.sort();
        names.dedup();
        names.len()
    };
    let exact = one.path.kind == PathMatchKind::Exact;
    (exact, one.path.value.len(), one.method.is_some(), names(&one.headers, true), names(&one.query, false))
}

/// Whether a match without patterns takes a request, its host apart.
fn takes(one: &RouteMatch, ask: &Request) -> bool {
    let path = ask.path.as_str();
    let bare = one.path.value.trim_end_matches('/');
    let by_path = match one.path.kind {
        PathMatchKind::Exact => one.path.value == path,
        PathMatchKind::Prefix => {
            path.strip_prefix(bare).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        PathMatchKind::Pattern => false,
    };
    let query = ask.query.as_deref().unwrap_or_default();
    let first =
        |name: &str| query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
    by_path
        && one.method.as_ref().is_none_or(|method| *method == ask.method)
        && one.headers.iter().all(|wanted| {
            let mut sent = ask.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&wanted.name));
            sent.any(|(_, value)| *value == wanted.value)
        })
        && one.query.iter().all(|wanted| first(&wanted.name).is_some_and(|(_, value)| value == wanted.value))
}

proptest! {
    #[test]
    fn the_order_of_lists_does_not_matter(
        listeners in listeners(),
        all in routes(),
        ask in request(),
        class in proptest::sample::select(&CLASSES[..]),
        turn in 0..4_usize,
    ) {
        let mut turned = all.clone();
        let middle = turn % turned.len();
        turned.rotate_left(middle);
        let (one, two) = (snapshot(class, &listeners, &all), snapshot(class, &listeners, &turned));
        for kind in MODELS {
            let (one, two) = (compile(kind, &one), compile(kind, &two));
            prop_assert_eq!(one.decide(&ask), two.decide(&ask));
            prop_assert_eq!(one.explain(&ask, 5), two.explain(&ask, 5));
        }
    }

    #[test]
    fn a_route_of_an_unrelated_host_changes_nothing(listeners in listeners(), all in routes(), ask in request(), new in route()) {
        let mut more = all.clone();
        let mut new = new;
        new.meta.namespace = "n".to_owned();
        new.meta.name = "unrelated".to_owned();
        new.hostnames = vec!["elsewhere.test".to_owned()];
        more.push(new);
        for class in CLASSES {
            for kind in MODELS {
                let before = compile(kind, &snapshot(class, &listeners, &all)).decide(&ask);
                prop_assert_eq!(before, compile(kind, &snapshot(class, &listeners, &more)).decide(&ask));
            }
        }
    }

    /// One listener without a host, so that every route is attached; patterns are left out.
    #[test]
    fn no_rule_that_matches_is_more_precise_than_the_winner(mut all in routes(), ask in request()) {
        for route in &mut all {
            route.parents[0].section = None;
            for rule in &mut route.rules {
                for one in &mut rule.matches {
                    one.headers.iter_mut().chain(&mut one.query).for_each(|value| value.is_pattern = false);
                    if one.path.kind == PathMatchKind::Pattern {
                        one.path.kind = PathMatchKind::Prefix;
                    }
                }
            }
        }
        let listeners = [Listener {
            name: "l0".to_owned(),
            hostname: String::new(),
            port: 80,
            protocol: Protocol::Http,
            tls: None,
            namespaces: FromNamespaces::All,
            kinds: Vec::new(),
            programmed: Condition::Unset,
        }];
        let table = compile(ControllerKind::HttpRoute, &snapshot(CLASSES[1], &listeners, &all));
        let decision = table.decide(&ask);
        let host = ask.host.as_str();
        let by_host = |route: &HttpRoute| -> Option<(usize, usize)> {
            if route.hostnames.is_empty() {
                return Some((0, 0));
            }
            let precise = route.hostnames.iter().filter_map(|name| match name.strip_prefix('*') {
                Some(parent) => (host.ends_with(parent) && host.len() > parent.len()).then_some((0, name.len())),
                None => (name == host).then_some((name.len(), name.len())),
            });
            precise.max()
        };
        let mut best = None;
        for route in &all {
            let Some(host) = by_host(route) else { continue };
            let age = (route.meta.created.is_none(), route.meta.created, route.meta.key());
            for (r, rule) in route.rules.iter().enumerate() {
                for (m, one) in rule.matches.iter().enumerate().filter(|(_, one)| takes(one, &ask)) {
                    let key = (host, precision(one), Reverse((age.clone(), r, m)));
                    best = best.max(Some((key, route.meta.key(), Place::Match(r, m))));
                }
            }
        }
        let winner = decision.winner.map(|winner| (winner.ingress, winner.place));
        prop_assert_eq!(winner, best.map(|(_, name, place)| (name, place)));
    }

    #[test]
    fn whatever_is_asked_there_is_an_answer(
        listeners in listeners(),
        all in routes(),
        host in "[a-zA-Z0-9._-]{0,12}",
        path in "(/|%[0-9a-f]{2}|\\.|[^\\x00-\\x20#?\\x7f]){0,30}",
        query in proptest::option::of("[^\\x00-\\x20#]{0,12}"),
        pattern in "\\PC{0,12}",
    ) {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let Ok(ask) = Request::parse(&format!("http://{host}/{path}{query}")) else { return Ok(()) };
        let mut all = all;
        all[0].rules[0].matches[0].path = PathMatch { kind: PathMatchKind::Pattern, value: pattern.clone() };
        all[0].hostnames.push(pattern);
        for class in CLASSES {
            for kind in MODELS {
                let table = compile(kind, &snapshot(class, &listeners, &all));
                let decision = table.decide(&ask);
                prop_assert!(decision.outcome == Outcome::Undefined || decision.one_of.is_empty());
                let explanation = table.explain(&ask, 4);
                prop_assert!(explanation.eliminated.len() <= 4 && explanation.nearest.len() <= 4);
                table.has_routes_for(Some(ask.host.as_str()));
            }
        }
    }
}

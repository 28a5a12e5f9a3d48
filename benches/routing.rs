//! Compiling 10,000 Ingresses with 100,000 rules, and deciding one request.
//!
//! `cargo bench --bench routing`. The numbers to hold: compile at most 500 ms and linear in the rules,
//! one decision at most 1 ms.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use routecause::analysis::routing::{Input, RouteTable, model_for};
use routecause::model::controller::{ControllerKind, Settings};
use routecause::model::gateway::{Condition, FromNamespaces, Gateway, GatewayClass, Listener, Protocol};
use routecause::model::http_route::{
    BackendRef, HttpRoute, ParentRef, PathMatch, PathMatchKind, RouteMatch, RouteRule,
};
use routecause::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule};
use routecause::model::object::{Kind, Name, ObjectMeta};
use routecause::model::request::Request;
use routecause::model::service::{Service, ServicePort};
use routecause::model::snapshot::{Listing, Snapshot};

fn main() {
    divan::main();
}

const RULES_EACH: usize = 10;

/// Ingresses of ten paths each: one host apiece, or all on one host; every third has patterns.
fn ingresses(count: usize, one_host: bool, patterns: bool) -> Vec<Ingress> {
    let ingress = |number: usize| {
        let host = if one_host { "big.example".to_owned() } else { format!("h{number}.example") };
        let regex = patterns && number.is_multiple_of(3);
        let path = |at: usize| PathRule {
            path: if regex {
                format!("/team-{number}/part-{at}(/|$)(.*)")
            } else {
                format!("/team-{number}/part-{at}")
            },
            path_type: if regex { PathType::ImplementationSpecific } else { PathType::Prefix },
            backend: Backend::Service { name: format!("svc-{number}"), port: PortRef::Number(80) },
        };
        let annotation =
            regex.then(|| ("nginx.ingress.kubernetes.io/rewrite-target".to_owned(), "/$2".to_owned()));
        Ingress {
            meta: ObjectMeta {
                namespace: format!("ns-{}", number % 50),
                name: format!("web-{number}"),
                created: chrono::DateTime::from_timestamp(i64::try_from(number).unwrap_or(0), 0),
                annotations: annotation.into_iter().collect(),
                ..ObjectMeta::default()
            },
            rules: vec![Rule { host: Some(host), paths: Some((0..RULES_EACH).map(path).collect()) }],
            ..Ingress::default()
        }
    };
    (0..count).map(ingress).collect()
}

/// One Ingress that owns a host with this many paths.
fn one_ingress(paths: usize) -> Vec<Ingress> {
    let mut all = ingresses(1, true, false);
    let path = |at: usize| PathRule {
        path: format!("/team-1/part-{at}"),
        path_type: PathType::Prefix,
        backend: Backend::Service { name: "svc-0".to_owned(), port: PortRef::Number(80) },
    };
    for rule in all.iter_mut().flat_map(|ingress| &mut ingress.rules) {
        rule.paths = Some((0..paths).map(path).collect());
    }
    all
}

fn snapshot(count: usize) -> Snapshot {
    let service = |number: usize| Service {
        meta: ObjectMeta {
            namespace: format!("ns-{}", number % 50),
            name: format!("svc-{number}"),
            ..ObjectMeta::default()
        },
        ports: vec![ServicePort {
            name: None,
            number: 80,
            target: PortRef::Number(8080),
            node_port: Some(30080),
            protocol: "TCP".to_owned(),
        }],
        service_type: "NodePort".to_owned(),
        ..Service::default()
    };
    Snapshot {
        services: Listing::complete(Kind::Service, (0..count).map(service).collect()),
        ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
    }
}

fn compile(kind: ControllerKind, ingresses: &[Ingress], snapshot: &Snapshot) -> Box<dyn RouteTable> {
    let all: Vec<&Ingress> = ingresses.iter().collect();
    let input = Input { ingresses: &all, snapshot, settings: &Settings::default() };
    model_for(kind).expect("a model").compile(&input)
}

#[divan::bench(args = [1_000, 10_000, 20_000], sample_count = 5)]
fn compile_hosts(bencher: divan::Bencher<'_, '_>, count: usize) {
    let (ingresses, snapshot) = (ingresses(count, false, false), snapshot(count));
    bencher.bench(|| compile(ControllerKind::IngressNginx, &ingresses, &snapshot));
}

#[divan::bench(args = [1_000, 10_000], sample_count = 5)]
fn compile_hosts_with_patterns(bencher: divan::Bencher<'_, '_>, count: usize) {
    let (ingresses, snapshot) = (ingresses(count, false, true), snapshot(count));
    bencher.bench(|| compile(ControllerKind::IngressNginx, &ingresses, &snapshot));
}

#[divan::bench(args = [1_000, 10_000], sample_count = 5)]
fn compile_one_host(bencher: divan::Bencher<'_, '_>, count: usize) {
    let (ingresses, snapshot) = (ingresses(count, true, false), snapshot(count));
    bencher.bench(|| compile(ControllerKind::IngressNginx, &ingresses, &snapshot));
}

/// The other models, over the same rules.
const OTHERS: [ControllerKind; 11] = [
    ControllerKind::Agic,
    ControllerKind::Apisix,
    ControllerKind::AwsAlb,
    ControllerKind::Cilium,
    ControllerKind::Contour,
    ControllerKind::F5Nginx,
    ControllerKind::Gce,
    ControllerKind::HaproxyIngress,
    ControllerKind::Haproxytech,
    ControllerKind::Istio,
    ControllerKind::Kong,
];

#[divan::bench(args = OTHERS, sample_count = 5)]
fn compile_others(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let (ingresses, snapshot) = (ingresses(10_000, false, false), snapshot(10_000));
    bencher.bench(|| compile(kind, &ingresses, &snapshot));
}

#[divan::bench(args = OTHERS, sample_count = 5)]
fn compile_others_on_one_host(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let (ingresses, snapshot) = (ingresses(10_000, true, true), snapshot(10_000));
    bencher.bench(|| compile(kind, &ingresses, &snapshot));
}

#[divan::bench(args = OTHERS)]
fn decide_others_on_one_host(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let table = compile(kind, &ingresses(10_000, true, true), &snapshot(10_000));
    let request = Request::parse("http://big.example/team-1/part-9/x").expect("a URL");
    bencher.bench(|| table.decide(&request));
}

#[divan::bench(args = OTHERS, sample_count = 10)]
fn explain_others(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let table = compile(kind, &ingresses(10_000, false, true), &snapshot(10_000));
    let request = Request::parse("http://h7777.example/else").expect("a URL");
    bencher.bench(|| table.explain(&request, 5));
}

#[divan::bench(args = [10_000], sample_count = 5)]
fn compile_spec(bencher: divan::Bencher<'_, '_>, count: usize) {
    let (ingresses, snapshot) = (ingresses(count, false, false), snapshot(count));
    bencher.bench(|| compile(ControllerKind::Spec, &ingresses, &snapshot));
}

#[divan::bench(args = OTHERS)]
fn decide_hosts_of(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let table = compile(kind, &ingresses(10_000, false, false), &snapshot(10_000));
    let request = Request::parse("http://h7777.example/team-7777/part-9/x").expect("a URL");
    bencher.bench(|| table.decide(&request));
}

#[divan::bench(args = OTHERS)]
fn decide_one_host_of(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let table = compile(kind, &one_ingress(100_000), &snapshot(1));
    let request = Request::parse("http://big.example/team-1/part-99999/x").expect("a URL");
    bencher.bench(|| table.decide(&request));
}

#[divan::bench(args = ["http://h7777.example/team-7777/part-9/x", "http://nobody.example/x"])]
fn decide_hosts(bencher: divan::Bencher<'_, '_>, url: &str) {
    let table = compile(ControllerKind::IngressNginx, &ingresses(10_000, false, true), &snapshot(10_000));
    let request = Request::parse(url).expect("a URL");
    bencher.bench(|| table.decide(&request));
}

#[divan::bench(args = [false, true])]
fn decide_one_host(bencher: divan::Bencher<'_, '_>, patterns: bool) {
    let table = compile(ControllerKind::IngressNginx, &ingresses(10_000, true, patterns), &snapshot(10_000));
    let request = Request::parse("http://big.example/team-1/part-9/x").expect("a URL");
    bencher.bench(|| table.decide(&request));
}

#[divan::bench(sample_count = 10)]
fn explain_hosts(bencher: divan::Bencher<'_, '_>) {
    let table = compile(ControllerKind::IngressNginx, &ingresses(10_000, false, true), &snapshot(10_000));
    let request = Request::parse("http://h7777.example/else").expect("a URL");
    bencher.bench(|| table.explain(&request, 5));
}

/// HTTPRoutes of ten rules each on one Gateway: one host apiece, or all on one host.
fn with_routes(count: usize, one_host: bool) -> Snapshot {
    let named = |namespace: &str, name: String| ObjectMeta {
        namespace: namespace.to_owned(),
        name,
        ..ObjectMeta::default()
    };
    let route = |number: usize| {
        let namespace = format!("ns-{}", number % 50);
        let rule = |at: usize| RouteRule {
            matches: vec![RouteMatch {
                path: PathMatch {
                    kind: if at.is_multiple_of(3) { PathMatchKind::Exact } else { PathMatchKind::Prefix },
                    value: format!("/team-{number}/part-{at}"),
                },
                ..RouteMatch::default()
            }],
            backends: vec![BackendRef {
                names_namespace: false,
                group: String::new(),
                kind: "Service".to_owned(),
                name: Name::new(&namespace, format!("svc-{number}")),
                port: Some(80),
                weight: 1,
                filters: Vec::new(),
            }],
            ..RouteRule::default()
        };
        HttpRoute {
            meta: ObjectMeta {
                created: chrono::DateTime::from_timestamp(i64::try_from(number).unwrap_or(0), 0),
                ..named(&namespace, format!("web-{number}"))
            },
            parents: vec![ParentRef {
                is_gateway: true,
                name: Name::new("edge", "gw"),
                section: None,
                port: None,
            }],
            hostnames: vec![if one_host { "big.example".to_owned() } else { format!("h{number}.example") }],
            rules: (0..RULES_EACH).map(rule).collect(),
        }
    };
    let gateway = Gateway {
        meta: named("edge", "gw".to_owned()),
        class: "own".to_owned(),
        listeners: vec![Listener {
            name: "web".to_owned(),
            hostname: String::new(),
            port: 80,
            protocol: Protocol::Http,
            tls: None,
            namespaces: FromNamespaces::All,
            kinds: Vec::new(),
            programmed: Condition::True,
        }],
        addresses: Vec::new(),
    };
    let class = GatewayClass {
        meta: named("", "own".to_owned()),
        controller: "traefik.io/gateway-controller".to_owned(),
        accepted: Condition::True,
    };
    Snapshot {
        gateway_classes: Listing::complete(Kind::GatewayClass, vec![class]),
        gateways: Listing::complete(Kind::Gateway, vec![gateway]),
        http_routes: Listing::complete(Kind::HttpRoute, (0..count).map(route).collect()),
        grants: Listing::complete(Kind::ReferenceGrant, Vec::new()),
        ..snapshot(count)
    }
}

const GATEWAYS: [ControllerKind; 2] = [ControllerKind::HttpRoute, ControllerKind::TraefikGateway];

#[divan::bench(args = GATEWAYS, consts = [1_000, 10_000], sample_count = 5)]
fn compile_routes<const COUNT: usize>(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let snapshot = with_routes(COUNT, false);
    bencher.bench(|| compile(kind, &[], &snapshot));
}

#[divan::bench(args = GATEWAYS, consts = [false, true])]
fn decide_routes<const ONE_HOST: bool>(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let table = compile(kind, &[], &with_routes(10_000, ONE_HOST));
    let host = if ONE_HOST { "big" } else { "h7777" };
    let request = Request::parse(&format!("http://{host}.example/team-7777/part-9/x")).expect("a URL");
    bencher.bench(|| table.decide(&request));
}
const TRAEFIK: [ControllerKind; 2] = [ControllerKind::Traefik, ControllerKind::TraefikIngressNginx];

#[divan::bench(args = TRAEFIK, sample_count = 5)]
fn compile_traefik(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let (ingresses, snapshot) = (ingresses(10_000, false, true), snapshot(10_000));
    bencher.bench(|| compile(kind, &ingresses, &snapshot));
}

#[divan::bench(args = TRAEFIK)]
fn decide_traefik(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let table = compile(kind, &ingresses(10_000, false, true), &snapshot(10_000));
    let request = Request::parse("http://h7777.example/team-7777/part-9/x").expect("a URL");
    bencher.bench(|| table.decide(&request));
}

#[divan::bench(args = TRAEFIK)]
fn decide_traefik_one_host(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let table = compile(kind, &ingresses(10_000, true, true), &snapshot(10_000));
    let request = Request::parse("http://big.example/team-1/part-9/x").expect("a URL");
    bencher.bench(|| table.decide(&request));
}

#[divan::bench(args = TRAEFIK, sample_count = 10)]
fn explain_traefik(bencher: divan::Bencher<'_, '_>, kind: ControllerKind) {
    let table = compile(kind, &ingresses(10_000, false, true), &snapshot(10_000));
    let request = Request::parse("http://h7777.example/else").expect("a URL");
    bencher.bench(|| table.explain(&request, 5));
}

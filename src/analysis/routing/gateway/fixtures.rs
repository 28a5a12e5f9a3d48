//! Gateways and HTTPRoutes in short, and checks that the models' tests share.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta};

use crate::analysis::routing::fixtures::brief;
use crate::analysis::routing::{Decision, Input, RouteTable, model_for};
use crate::model::controller::{ControllerKind, Settings};
use crate::model::endpoints::{Endpoint, EndpointPort, EndpointSlice, SERVICE_LABEL};
use crate::model::event::NamespaceObject;
use crate::model::gateway::{
    CertificateRef, Condition, FromNamespaces, Gateway, GatewayClass, Listener, ListenerTls, Protocol,
};
use crate::model::http_route::{
    BackendRef, Filter, HttpRoute, ParentRef, PathMatch, PathMatchKind, RouteMatch, RouteRule, ValueMatch,
};
use crate::model::ingress::PortRef;
use crate::model::object::{Kind, Name, ObjectMeta};
use crate::model::reference_grant::ReferenceGrant;
use crate::model::request::Request;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Listing, Snapshot};

pub(in crate::analysis::routing) const BOTH: [ControllerKind; 2] =
    [ControllerKind::HttpRoute, ControllerKind::TraefikGateway];

fn name(text: &str) -> Name {
    let (namespace, name) = text.split_once('/').unwrap_or(("n", text));
    Name::new(namespace, name)
}

fn meta(text: &str) -> ObjectMeta {
    let Name { namespace, name } = name(text);
    ObjectMeta { namespace, name, ..ObjectMeta::default() }
}

/// `NAME PORT [HOST]`; ports that end in 443 speak HTTPS. Routes of all namespaces are taken.
pub(in crate::analysis::routing) fn listener(text: &str) -> Listener {
    let mut words = text.split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (name, port, hostname) = (word(), word(), word());
    let is_tls = port.ends_with("443");
    Listener {
        tls: is_tls.then(|| ListenerTls {
            passthrough: false,
            certificates: vec![CertificateRef { is_secret: true, name: Name::new("n", "cert") }],
        }),
        name,
        hostname,
        port: port.parse().expect("a port"),
        protocol: if is_tls { Protocol::Https } else { Protocol::Http },
        namespaces: FromNamespaces::All,
        kinds: Vec::new(),
        programmed: Condition::Unset,
    }
}

/// A Gateway of the class `own`.
pub(in crate::analysis::routing) fn gateway(text: &str, listeners: &[&str]) -> Gateway {
    Gateway {
        meta: meta(text),
        class: "own".to_owned(),
        listeners: listeners.iter().map(|text| listener(text)).collect(),
        addresses: Vec::new(),
    }
}

/// `KIND PATH [METHOD] [h:NAME=VALUE]… [q:NAME=VALUE]…`; `~` before a value makes it a pattern.
fn route_match(text: &str) -> RouteMatch {
    let mut words = text.split(' ');
    let kind = match words.next() {
        Some("Exact") => PathMatchKind::Exact,
        Some("Pattern") => PathMatchKind::Pattern,
        _ => PathMatchKind::Prefix,
    };
    let value = words.next().expect("a path").to_owned();
    let mut one = RouteMatch { path: PathMatch { kind, value }, ..RouteMatch::default() };
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').expect("NAME=VALUE");
        let is_pattern = value.starts_with('~');
        ValueMatch { name: name.to_owned(), value: value.trim_start_matches('~').to_owned(), is_pattern }
    };
    for word in words {
        match (word.strip_prefix("h:"), word.strip_prefix("q:")) {
            (Some(header), _) => one.headers.push(pair(header)),
            (None, Some(query)) => one.query.push(pair(query)),
            (None, None) => one.method = Some(word.to_owned()),
        }
    }
    one
}

/// `SERVICE[*WEIGHT]`, port 80.
fn backend(text: &str, namespace: &str) -> BackendRef {
    let (service, weight) = text.split_once('*').unwrap_or((text, "1"));
    let service = if service.contains('/') { name(service) } else { Name::new(namespace, service) };
    BackendRef {
        names_namespace: false,
        group: String::new(),
        kind: "Service".to_owned(),
        name: service,
        port: Some(80),
        weight: weight.parse().expect("a weight"),
        filters: Vec::new(),
    }
}

/// A route on the Gateway `n/gw`, or on `n/gw` and a listener of it; rules as `(matches, backends)`,
/// both separated by commas.
pub(in crate::analysis::routing) fn route(
    text: &str,
    section: &str,
    hosts: &[&str],
    rules: &[(&str, &str)],
) -> HttpRoute {
    let meta = meta(text);
    let parts = |text: &str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let rules = rules.iter().map(|(matches, backends)| RouteRule {
        matches: parts(matches).iter().map(|text| route_match(text)).collect(),
        backends: parts(backends).iter().map(|text| backend(text, &meta.namespace)).collect(),
        ..RouteRule::default()
    });
    let parent = ParentRef {
        is_gateway: true,
        name: name("n/gw"),
        section: Some(section.to_owned()).filter(|section| !section.is_empty()),
        port: None,
    };
    HttpRoute {
        parents: vec![parent],
        hostnames: hosts.iter().map(|host| (*host).to_owned()).collect(),
        rules: rules.collect(),
        meta,
    }
}

/// The route, so many seconds younger than the others.
pub(in crate::analysis::routing) fn younger(mut route: HttpRoute, seconds: i64) -> HttpRoute {
    route.meta.created = Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds));
    route
}

/// The route, with a filter on its first rule.
pub(in crate::analysis::routing) fn with_filter(mut route: HttpRoute, filter: Filter) -> HttpRoute {
    route.rules[0].filters.push(filter);
    route
}

/// A cluster in which every Service that a route names is there, but `dead*` has nobody, `slices*` no
/// EndpointSlice and `gone*` does not exist. The class `own` is of this controller.
pub(in crate::analysis::routing) fn snapshot(
    controller: &str,
    gateways: &[Gateway],
    routes: &[HttpRoute],
    grants: &[ReferenceGrant],
) -> Snapshot {
    let backends = routes.iter().flat_map(|route| &route.rules).flat_map(|rule| &rule.backends);
    let names: BTreeSet<&Name> =
        backends.map(|backend| &backend.name).filter(|name| !name.name.starts_with("gone")).collect();
    let services = names.iter().map(|name| Service {
        meta: meta(&name.to_string()),
        ports: vec![ServicePort {
            name: None,
            number: 80,
            target: PortRef::Number(8080),
            node_port: None,
            protocol: "TCP".to_owned(),
        }],
        ..Service::default()
    });
    let slices = names.iter().filter(|name| !name.name.starts_with("slices")).map(|name| {
        let mut meta = meta(&format!("{name}-1"));
        meta.labels.insert(SERVICE_LABEL.to_owned(), name.name.clone());
        EndpointSlice {
            meta,
            address_type: "IPv4".to_owned(),
            ports: vec![EndpointPort { name: None, number: Some(8080) }],
            endpoints: vec![Endpoint {
                addresses: vec!["10.0.0.1".to_owned()],
                ready: !name.name.starts_with("dead"),
                ..Endpoint::default()
            }],
        }
    });
    let namespaces = ["n", "m"].map(|name| {
        let mut meta = ObjectMeta { name: name.to_owned(), ..ObjectMeta::default() };
        meta.labels.insert("team".to_owned(), name.to_owned());
        NamespaceObject { meta }
    });
    let class = GatewayClass {
        meta: ObjectMeta { name: "own".to_owned(), ..ObjectMeta::default() },
        controller: controller.to_owned(),
        accepted: Condition::True,
    };
    Snapshot {
        services: Listing::complete(Kind::Service, services.collect()),
        slices: Listing::complete(Kind::EndpointSlice, slices.collect()),
        namespaces: Listing::complete(Kind::Namespace, namespaces.into()),
        gateway_classes: Listing::complete(Kind::GatewayClass, vec![class]),
        gateways: Listing::complete(Kind::Gateway, gateways.to_vec()),
        http_routes: Listing::complete(Kind::HttpRoute, routes.to_vec()),
        grants: Listing::complete(Kind::ReferenceGrant, grants.to_vec()),
        ..Snapshot::empty(DateTime::UNIX_EPOCH)
    }
}

/// `[METHOD] URL [NAME:VALUE]…`
pub(in crate::analysis::routing) fn request(text: &str) -> Request {
    let (method, rest) = match text.split_once(' ') {
        Some((method, rest)) if !method.contains(':') => (method, rest),
        _ => ("GET", text),
    };
    let mut words = rest.split(' ');
    let mut request = Request::parse(words.next().expect("a URL")).expect(text);
    method.clone_into(&mut request.method);
    for word in words {
        let (name, value) = word.split_once(':').expect("NAME:VALUE");
        request.headers.push((name.to_owned(), value.to_owned()));
    }
    request
}

/// Of a cluster whose implementation has no model of its own, so that the text stands alone.
pub(in crate::analysis::routing) fn table(
    kind: ControllerKind,
    gateways: &[Gateway],
    routes: &[HttpRoute],
) -> Box<dyn RouteTable> {
    let controller = match kind {
        ControllerKind::TraefikGateway => "traefik.io/gateway-controller",
        _ => "lab.example/other",
    };
    of_snapshot(kind, &snapshot(controller, gateways, routes, &[]))
}

pub(in crate::analysis::routing) fn of_snapshot(
    kind: ControllerKind,
    snapshot: &Snapshot,
) -> Box<dyn RouteTable> {
    let input = Input { ingresses: &[], snapshot, settings: &Settings::default() };
    model_for(kind).expect("a model").compile(&input)
}

pub(in crate::analysis::routing) fn decided(table: &dyn RouteTable, text: &str) -> Decision {
    table.decide(&request(text))
}

/// Checks requests, each with what becomes of it in short, under these models.
pub(in crate::analysis::routing) fn check(
    kinds: &[ControllerKind],
    gateways: &[Gateway],
    routes: &[HttpRoute],
    cases: &[(&str, &str)],
) {
    for kind in kinds {
        let table = table(*kind, gateways, routes);
        for (text, expected) in cases {
            let found = brief(&decided(&*table, text), &request(text));
            assert_eq!(found.trim_start_matches("n/"), *expected, "{kind} {text}");
        }
    }
}

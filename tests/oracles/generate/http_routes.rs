//! Gateways with listeners of every kind, HTTPRoutes of every match and filter, and ReferenceGrants.
//!
//! What the API server would refuse is left out where it is known; the rest it sorts out itself.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::ingresses::PATHS;
use super::{HOSTS, one_of, picked};
use crate::dialect::Dialect;
use crate::world::{CLASS, NAMED, NAMESPACES, ODD, SERVICES, certificate, named, odd_services};

const API: &str = "gateway.networking.k8s.io/v1";
const GATEWAYS: [&str; 3] = ["gw0", "gw1", "gw2"];

pub(crate) fn http_routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut objects = vec![
        json!({"apiVersion": API, "kind": "GatewayClass",
               "metadata": {"name": CLASS, "labels": {"team": "a"}}, "spec": {"controllerName": dialect.class}}),
        json!({"apiVersion": API, "kind": "GatewayClass",
               "metadata": {"name": "foreign"}, "spec": {"controllerName": "example.com/other"}}),
    ];
    for (number, namespace) in NAMESPACES.into_iter().enumerate() {
        objects.push(named(number, &picked(random, dialect.service_annotations)));
        objects.extend(odd_services(namespace, &picked(random, dialect.service_annotations)));
        objects.push(certificate(namespace, "sound", true));
        objects.push(certificate(namespace, "broken", false));
    }
    let gateways = random.random_range(1..4);
    for name in GATEWAYS.iter().take(gateways) {
        objects.push(gateway(random, name));
    }
    for number in 0..random.random_range(0..3) {
        objects.push(grant(random, number));
    }
    for number in 0..random.random_range(2..9) {
        objects.push(route(random, dialect, number));
    }
    objects
}

/// Few different ages: what decides among those of one age must be seen too.
fn age(random: &mut StdRng) -> String {
    format!("2026-01-01T00:00:0{}Z", random.random_range(0..3))
}

fn gateway(random: &mut StdRng, name: &str) -> Value {
    let mut seen = Vec::new();
    let count = random.random_range(1..5);
    let listeners: Vec<Value> = (0..count)
        .filter_map(|number| {
            let (port, protocol) = match random.random_range(0..20) {
                0..11 => (80, "HTTP"),
                11..16 => (443, "HTTPS"),
                16 => (8080, "HTTP"),
                17 => (80, "HTTPS"),
                18 => (443, "HTTP"),
                _ => (443, "TLS"),
            };
            let host = if random.random_ratio(2, 5) { "" } else { one_of(random, &HOSTS) };
            let kind = (port, protocol, host);
            // Twice the same is refused.
            if seen.contains(&kind) {
                return None;
            }
            seen.push(kind);
            Some(listener(random, number, kind))
        })
        .collect();
    json!({
        "apiVersion": API, "kind": "Gateway",
        "metadata": {"namespace": one_of(random, &NAMESPACES), "name": name, "creationTimestamp": age(random)},
        "spec": {
            "gatewayClassName": if random.random_ratio(1, 25) { "foreign" } else { CLASS },
            "listeners": listeners,
        },
    })
}

fn listener(random: &mut StdRng, number: usize, (port, protocol, host): (u16, &str, &str)) -> Value {
    let mut listener = json!({"name": format!("l{number}"), "port": port, "protocol": protocol});
    if !host.is_empty() {
        listener["hostname"] = json!(host);
    }
    if protocol != "HTTP" {
        let mut reference = json!({"name": one_of(random, &["sound", "sound", "sound", "none", "broken"])});
        if random.random_ratio(1, 6) {
            reference["namespace"] = json!(one_of(random, &NAMESPACES));
        }
        listener["tls"] = json!({"mode": "Terminate", "certificateRefs": [reference]});
    }
    let namespaces = match random.random_range(0..10) {
        0..6 => Some(json!({"from": "All"})),
        6 | 7 => None,
        8 => Some(json!({"from": "Same"})),
        _ => {
            let name = one_of(random, &NAMESPACES);
            let labels = json!({"kubernetes.io/metadata.name": name});
            Some(json!({"from": "Selector", "selector": {"matchLabels": labels}}))
        }
    };
    if let Some(namespaces) = namespaces {
        listener["allowedRoutes"]["namespaces"] = namespaces;
    }
    match random.random_range(0..20) {
        0 => listener["allowedRoutes"]["kinds"] = json!([{"kind": "HTTPRoute"}]),
        1 => listener["allowedRoutes"]["kinds"] = json!([{"kind": "GRPCRoute"}]),
        2 => listener["allowedRoutes"]["kinds"] = json!([{"kind": "HTTPRoute"}, {"kind": "Foo"}]),
        _ => {}
    }
    listener
}

fn grant(random: &mut StdRng, number: usize) -> Value {
    let (kind, to) = match random.random_range(0..4) {
        0 => ("Gateway", json!({"group": "", "kind": "Secret"})),
        1 => ("HTTPRoute", json!({"group": "", "kind": "Service", "name": one_of(random, &SERVICES)})),
        _ => ("HTTPRoute", json!({"group": "", "kind": "Service"})),
    };
    let from = one_of(random, &NAMESPACES);
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant",
        "metadata": {"namespace": one_of(random, &NAMESPACES), "name": format!("g{number}")},
        "spec": {"from": [{"group": "gateway.networking.k8s.io", "kind": kind, "namespace": from}], "to": [to]},
    })
}

fn route(random: &mut StdRng, dialect: &Dialect, number: usize) -> Value {
    let mut parents: Vec<Value> = Vec::new();
    for gateway in &GATEWAYS {
        // Mostly one, by a name that may be of the other namespace.
        if parents.is_empty() || random.random_ratio(1, 3) {
            for namespace in NAMESPACES {
                if random.random_ratio(3, 4) {
                    parents.push(parent(random, gateway, namespace));
                }
            }
        }
    }
    parents.truncate(4);
    let hosts: Vec<&str> = HOSTS.iter().copied().filter(|host| !host.is_empty()).collect();
    let mut hostnames: Vec<&str> = Vec::new();
    for _ in 0..random.random_range(0..3) {
        let host = one_of(random, &hosts);
        if !hostnames.contains(&host) {
            hostnames.push(host);
        }
    }
    let rules: Vec<Value> = (0..random.random_range(1..4)).map(|_| rule(random, dialect)).collect();
    json!({
        "apiVersion": API, "kind": "HTTPRoute",
        "metadata": {"namespace": one_of(random, &NAMESPACES), "name": format!("r{number}"),
                     "creationTimestamp": age(random)},
        "spec": {"parentRefs": parents, "hostnames": hostnames, "rules": rules},
    })
}

fn parent(random: &mut StdRng, gateway: &str, namespace: &str) -> Value {
    let mut parent = json!({"name": gateway, "namespace": namespace});
    match random.random_range(0..16) {
        0 | 1 => parent["sectionName"] = json!(one_of(random, &["l0", "l1", "l2"])),
        2 => parent["sectionName"] = json!("nothing"),
        3 | 4 => parent["port"] = json!(80),
        5 => parent["port"] = json!(one_of(random, &["443", "81"]).parse::<u16>().unwrap_or_default()),
        6 if namespace == NAMESPACES[0] => {
            parent["group"] = json!("");
            parent["kind"] = json!("Service");
        }
        _ => {}
    }
    parent
}

fn rule(random: &mut StdRng, dialect: &Dialect) -> Value {
    let matches: Vec<Value> = (0..random.random_range(0..4)).map(|_| one_match(random, dialect)).collect();
    let only_prefix = matches!(matches.as_slice(), [one] if one["path"]["type"] == "PathPrefix");
    let mut rule = json!({});
    if !matches.is_empty() {
        rule["matches"] = json!(matches);
    }
    let (filters, redirects) = filters(random, only_prefix, 25);
    if !filters.is_empty() {
        rule["filters"] = json!(filters);
    }
    if !redirects {
        let count = one_of(random, &["0", "1", "1", "1", "1", "1", "1", "2", "3"]).parse().unwrap_or(1);
        let backends: Vec<Value> = (0..count).map(|_| backend(random)).collect();
        rule["backendRefs"] = json!(backends);
    }
    if random.random_ratio(1, 12) {
        rule["name"] = json!(one_of(random, &["x", "y"]));
    }
    if random.random_ratio(1, 20) {
        rule["timeouts"] = json!({"request": "5s"});
    }
    rule
}

fn one_match(random: &mut StdRng, dialect: &Dialect) -> Value {
    let mut found = json!({});
    match random.random_range(0..20) {
        0 => {}
        1..5 if !dialect.patterns.is_empty() => {
            let pattern = dialect.patterns[random.random_range(0..dialect.patterns.len())].path;
            found["path"] = json!({"type": "RegularExpression", "value": pattern});
        }
        _ => {
            let kind = one_of(random, &["PathPrefix", "PathPrefix", "Exact"]);
            found["path"] = json!({"type": kind, "value": one_of(random, &PATHS)});
        }
    }
    if random.random_ratio(1, 6) {
        found["method"] = json!(one_of(random, &["GET", "POST", "HEAD", "OPTIONS", "PUT"]));
    }
    if random.random_ratio(1, 5) {
        found["headers"] =
            values(random, &[("X-A", "one"), ("x-b", "two"), ("Version", "1.0"), ("Host", "a.test")]);
    }
    if random.random_ratio(1, 6) {
        found["queryParams"] = values(random, &[("q", "1"), ("Q", "one"), ("animal", "whale"), ("q", "")]);
    }
    found
}

/// One or two values that a request must bring.
fn values(random: &mut StdRng, known: &[(&str, &str)]) -> Value {
    let mut values: Vec<Value> = Vec::new();
    for _ in 0..random.random_range(1..3) {
        let (name, value) = known[random.random_range(0..known.len())];
        if value.is_empty() || values.iter().any(|one| one["name"] == name) {
            continue;
        }
        let mut one = json!({"name": name, "value": value});
        if random.random_ratio(1, 4) {
            one["type"] = json!("RegularExpression");
            one["value"] = json!(one_of(random, &["o.e", "^t", "[0-9]+", "1|2", "("]));
        }
        values.push(one);
    }
    json!(values)
}

/// Filters, and whether one of them redirects.
fn filters(random: &mut StdRng, only_prefix: bool, percent: u32) -> (Vec<Value>, bool) {
    let mut filters = Vec::new();
    let mut redirects = false;
    if random.random_ratio(percent, 100) {
        match random.random_range(0..10) {
            0..4 => {
                redirects = true;
                filters.push(redirect(random, only_prefix));
            }
            4..8 => filters.push(rewrite(random, only_prefix)),
            8 => filters.push(json!({"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "one", "port": 80}}})),
            _ => {
                let reference = json!({"group": "traefik.io", "kind": one_of(random, &["Middleware", "Other"]), "name": "x"});
                filters.push(json!({"type": "ExtensionRef", "extensionRef": reference}));
            }
        }
    }
    if random.random_ratio(percent, 200) {
        let change = json!({"set": [{"name": "X-Set", "value": "1"}]});
        filters.push(json!({"type": "RequestHeaderModifier", "requestHeaderModifier": change}));
    }
    if random.random_ratio(percent, 300) {
        let change = json!({"add": [{"name": "X-Added", "value": "1"}]});
        filters.push(json!({"type": "ResponseHeaderModifier", "responseHeaderModifier": change}));
    }
    (filters, redirects)
}

fn path_change(random: &mut StdRng, only_prefix: bool) -> Value {
    let to = one_of(random, &["/new", "/", "", "/new/", "/a/b", "/caf%C3%A9"]);
    if only_prefix && random.random_ratio(2, 3) {
        json!({"type": "ReplacePrefixMatch", "replacePrefixMatch": to})
    } else {
        json!({"type": "ReplaceFullPath", "replaceFullPath": to})
    }
}

fn redirect(random: &mut StdRng, only_prefix: bool) -> Value {
    let mut redirect = json!({});
    if random.random_ratio(1, 2) {
        redirect["path"] = path_change(random, only_prefix);
    }
    if random.random_ratio(1, 3) {
        redirect["scheme"] = json!(one_of(random, &["http", "https"]));
    }
    if random.random_ratio(1, 3) {
        redirect["hostname"] = json!("other.example");
    }
    if random.random_ratio(1, 4) {
        redirect["port"] = json!(one_of(random, &["80", "443", "8443"]).parse::<u16>().unwrap_or_default());
    }
    if random.random_ratio(1, 2) {
        let code = one_of(random, &["301", "302", "303", "307", "308"]);
        redirect["statusCode"] = json!(code.parse::<u16>().unwrap_or_default());
    }
    json!({"type": "RequestRedirect", "requestRedirect": redirect})
}

fn rewrite(random: &mut StdRng, only_prefix: bool) -> Value {
    let mut rewrite = json!({});
    if random.random_ratio(4, 5) {
        rewrite["path"] = path_change(random, only_prefix);
    }
    if random.random_ratio(1, 3) {
        rewrite["hostname"] = json!("other.example");
    }
    json!({"type": "URLRewrite", "urlRewrite": rewrite})
}

/// Mostly a Service that is there, by a port that it has.
fn backend(random: &mut StdRng) -> Value {
    let mut backend = json!({"name": one_of(random, &SERVICES), "port": 80});
    match random.random_range(0..40) {
        0 => backend["name"] = json!("missing"),
        1 => backend["port"] = json!(81),
        2 => backend["name"] = json!(NAMED),
        3 => {
            backend["group"] = json!("traefik.io");
            backend["kind"] = json!("TraefikService");
            backend["name"] = json!("api@internal");
        }
        4 => backend["kind"] = json!("Foo"),
        5..10 => backend["port"] = json!(8080),
        10..14 => backend["name"] = json!(one_of(random, &ODD)),
        _ => {}
    }
    if random.random_ratio(1, 5) {
        backend["namespace"] = json!(one_of(random, &NAMESPACES));
    }
    if random.random_ratio(1, 4) {
        backend["weight"] = json!(one_of(random, &["0", "1", "9"]).parse::<u16>().unwrap_or_default());
    }
    let (filters, redirects) = filters(random, false, 5);
    if !filters.is_empty() && !redirects {
        backend["filters"] = json!(filters);
    }
    backend
}

//! Ingresses.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{HOSTS, one_of, picked};
use crate::dialect::Dialect;
use crate::world::{CLASS, NAMESPACES, SERVICES};

/// Paths that mean the same to everybody, by way of path types.
pub(super) const PATHS: [&str; 21] = [
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/ab",
    "/A",
    "/a/b/",
    "/api",
    "/api/v1",
    "/api/v1/users",
    "/foo",
    "/foo/",
    "/foo123",
    "/foo1234",
    "/healthz",
    "/x.y",
    "/very/long/prefix/path/of/this",
    "/a-b_c~d",
    "/user@home",
    "/app;v=1",
    "/a%20b",
];
/// Paths that only an Ingress of type ImplementationSpecific may have.
const ODD: [&str; 6] = ["", "/a//b", "/a%2Fb", "/a/../b", "/a b", "/*"];

pub(crate) fn ingresses(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let count = random.random_range(2..9);
    (0..count).map(|number| ingress(random, dialect, number)).collect()
}

fn ingress(random: &mut StdRng, dialect: &Dialect, number: usize) -> Value {
    let count = if random.random_ratio(1, 20) { 0 } else { random.random_range(1..4) };
    let rules: Vec<Value> = (0..count).map(|_| rule(random, dialect)).collect();
    let mut spec = json!({"ingressClassName": CLASS});
    if rules.is_empty() || random.random_ratio(3, 20) {
        spec["defaultBackend"] = backend(random);
    }
    if !rules.is_empty() {
        spec["rules"] = Value::Array(rules);
    }
    if random.random_ratio(1, 5) {
        let hosts = [one_of(random, &["a.test", "b.test", "x.b.test", "io.test"])];
        spec["tls"] = json!([{"hosts": hosts, "secretName": "none"}]);
    }
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {
            "namespace": one_of(random, &NAMESPACES), "name": format!("i{number}"), "uid": format!("i{number}"),
            // Few different ages: what decides among those of one age must be seen too.
            "creationTimestamp": format!("2026-01-01T00:00:0{}Z", random.random_range(0..3)),
            "annotations": picked(random, dialect.annotations),
        },
        "spec": spec,
    })
}

fn rule(random: &mut StdRng, dialect: &Dialect) -> Value {
    let host = one_of(random, &HOSTS);
    let mut rule = json!({});
    if !host.is_empty() {
        rule["host"] = json!(host);
    }
    // A rule without paths is a host that goes to the default backend.
    if random.random_ratio(29, 30) {
        let count = random.random_range(1..5);
        rule["http"] = json!({"paths": (0..count).map(|_| path(random, dialect)).collect::<Vec<_>>()});
    }
    rule
}

fn path(random: &mut StdRng, dialect: &Dialect) -> Value {
    let kind = one_of(random, &["Prefix", "Prefix", "Exact", "ImplementationSpecific"]);
    let path = match (kind, random.random_range(0..20)) {
        ("ImplementationSpecific", 0) => one_of(random, &ODD),
        ("ImplementationSpecific", 1..12) if !dialect.patterns.is_empty() => {
            dialect.patterns[random.random_range(0..dialect.patterns.len())].path
        }
        _ => one_of(random, &PATHS),
    };
    json!({"path": path, "pathType": kind, "backend": backend(random)})
}

/// Mostly a Service that is there, by the number or the name of a port that it has.
fn backend(random: &mut StdRng) -> Value {
    let name = if random.random_ratio(1, 40) { "missing" } else { one_of(random, &SERVICES) };
    let port = match random.random_range(0..40) {
        0 => json!({"number": 81}),
        1 => json!({"name": "nothing"}),
        2..8 => json!({"name": "http"}),
        8..11 => json!({"name": "alt"}),
        11..14 => json!({"number": 8080}),
        _ => json!({"number": 80}),
    };
    json!({"service": {"name": name, "port": port}})
}

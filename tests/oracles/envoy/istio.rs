//! What istiod writes for an ingress gateway: a virtual host for every host of a rule, its routes sorted by
//! the length of what they match. Of TLS nothing is written: the worlds have none.
//! Sources: istio/istio `pilot/pkg/config/kube/ingress/virtualservices.go`,
//! `pilot/pkg/networking/core/route/route.go` (`TranslateRouteMatch`), 2026.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::configuration::{Tables, cluster, named_port, of_kind, text, told};

/// A key of the mesh configuration.
fn mesh<'o>(objects: &'o [Value], key: &str) -> &'o str {
    let lines = told(objects, "istio", "mesh").lines();
    let mut values = lines.filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": "));
    values.next().unwrap_or_default()
}

fn takes(objects: &[Value], ingress: &Value) -> bool {
    let mode = mesh(objects, "ingressControllerMode");
    let own = Some(mesh(objects, "ingressClass")).filter(|own| !own.is_empty()).unwrap_or("istio");
    let annotation = ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"].as_str();
    let named = text(ingress, "/spec/ingressClassName");
    let class = of_kind(objects, "IngressClass").find(|class| text(class, "/metadata/name") == named);
    match (mode, annotation, class) {
        ("OFF", ..) => false,
        (_, Some(annotation), _) => annotation == own,
        (_, None, Some(class)) => text(class, "/spec/controller") == "istio.io/ingress-controller",
        (mode, None, None) => mode == "DEFAULT",
    }
}

/// The match of a path, how long it counts, and whether it is a whole path.
fn matched(path: &Value) -> (Value, usize, bool) {
    let written = text(path, "/path");
    let whole = |text: &str| (json!({"path": text}), text.len(), true);
    let beginning = |text: &str| {
        let matched = match text {
            "/" => json!({"prefix": "/"}),
            text => json!({"path_separated_prefix": text.strip_suffix('/').unwrap_or(text)}),
        };
        (matched, text.len(), false)
    };
    match text(path, "/pathType") {
        "Exact" => whole(written),
        "Prefix" => beginning(written),
        _ if ["", "*", "/*", ".*"].contains(&written) => (json!({"prefix": "/"}), 0, false),
        _ => match written.strip_suffix(".*").or_else(|| written.strip_suffix("/*")) {
            Some(head) => beginning(head),
            None => whole(written),
        },
    }
}

pub(crate) fn tables(objects: &[Value]) -> Tables {
    let mut ingresses: Vec<&Value> =
        of_kind(objects, "Ingress").filter(|ingress| takes(objects, ingress)).collect();
    let part = |ingress: &Value, pointer: &str| text(ingress, pointer).to_owned();
    ingresses.sort_by_key(|ingress| {
        ["/metadata/creationTimestamp", "/metadata/name", "/metadata/namespace"]
            .map(|pointer| part(ingress, pointer))
    });
    let mut hosts: BTreeMap<String, Vec<(Value, usize, bool)>> = BTreeMap::new();
    for ingress in ingresses {
        let namespace = text(ingress, "/metadata/namespace");
        for rule in ingress["spec"]["rules"].as_array().into_iter().flatten() {
            let Some(paths) = rule["http"]["paths"].as_array() else { continue };
            let host = if text(rule, "/host").is_empty() { "*" } else { text(rule, "/host") };
            let routes = hosts.entry(host.to_owned()).or_default();
            for path in paths {
                let service = text(path, "/backend/service/name");
                let port = &path["backend"]["service"]["port"];
                let number = port["number"].as_u64();
                let named = || named_port(objects, namespace, service, text(port, "/name"));
                let Some(number) = number.or_else(named) else { continue };
                let (matched, length, whole) = matched(path);
                let route =
                    json!({"match": matched, "route": {"cluster": cluster(namespace, service, number)}});
                routes.push((route, length, whole));
            }
        }
    }
    // A host whose every route was left out is no host.
    let hosts = hosts.into_iter().filter(|(_, routes)| !routes.is_empty());
    let plain = hosts.map(|(host, mut routes)| {
        routes.sort_by_key(|(_, length, whole)| (Reverse(*length), !whole));
        let routes: Vec<Value> = routes.into_iter().map(|(route, ..)| route).collect();
        json!({"name": host, "domains": [host], "routes": routes})
    });
    let kept = "KEEP_UNCHANGED";
    let (normalizes, merges, escaped) = match mesh(objects, "normalization") {
        "NONE" => (false, false, kept),
        "MERGE_SLASHES" => (true, true, kept),
        "DECODE_AND_MERGE_SLASHES" => (true, true, "UNESCAPE_AND_FORWARD"),
        _ => (true, false, kept),
    };
    let manager = json!({"normalize_path": normalizes, "merge_slashes": merges,
                         "path_with_escaped_slashes_action": escaped});
    Tables { manager, ignores_port: true, plain: plain.collect(), secure: Vec::new() }
}

//! What Cilium's operator writes for its shared load balancer: one table for plain requests, one for TLS, a
//! virtual host for every host of a rule in the former and for every TLS host in the latter. Hosts that are
//! sent to https have nothing else in the plain one.
//! Sources: cilium/cilium `operator/pkg/model/ingestion/ingress.go`,
//! `operator/pkg/model/translation/{cec_translator,envoy_virtual_host,envoy_route_configuration}.go`, 2025.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::configuration::{Tables, cluster, named_port, of_kind, text, told};

/// Routes of a host by what they match; several backends share one evenly.
type Routes = Vec<(Match, Vec<String>)>;

/// A whole path, a pattern, or a beginning; tried in this order, the longest first.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Match {
    Whole(String),
    Pattern(String),
    Beginning(String),
}

impl Match {
    fn of(path: &Value) -> Self {
        let written = text(path, "/path").to_owned();
        match text(path, "/pathType") {
            _ if written.is_empty() => Self::Beginning("/".to_owned()),
            "Exact" => Self::Whole(written),
            "Prefix" => Self::Beginning(written),
            _ => Self::Pattern(written),
        }
    }

    fn rank(&self) -> (u8, Reverse<usize>) {
        match self {
            Self::Whole(text) => (0, Reverse(text.len())),
            Self::Pattern(text) => (1, Reverse(text.len())),
            Self::Beginning(text) if text == "/" => (2, Reverse(1)),
            Self::Beginning(text) => (2, Reverse(text.strip_suffix('/').unwrap_or(text).len())),
        }
    }

    fn rendered(&self, host: &str) -> Value {
        let mut rendered = match self {
            Self::Whole(text) => json!({"path": text}),
            Self::Pattern(text) => json!({"safe_regex": {"regex": text}}),
            Self::Beginning(text) if text == "/" => json!({"prefix": "/"}),
            Self::Beginning(text) => {
                json!({"path_separated_prefix": text.strip_suffix('/').unwrap_or(text)})
            }
        };
        if let Some(suffix) = host.strip_prefix("*.") {
            let regex = format!("^[^.]+[.]{}$", suffix.replace('.', "[.]"));
            rendered["headers"] =
                json!([{"name": ":authority", "string_match": {"safe_regex": {"regex": regex}}}]);
        }
        rendered
    }
}

fn takes(objects: &[Value], ingress: &Value) -> bool {
    let annotation = ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"].as_str();
    match (annotation, ingress["spec"]["ingressClassName"].as_str()) {
        (Some(class), _) | (None, Some(class)) => class == "cilium",
        (None, None) => of_kind(objects, "IngressClass").any(|class| {
            let default = &class["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"];
            text(class, "/metadata/name") == "cilium" && default == "true"
        }),
    }
}

fn target(objects: &[Value], namespace: &str, backend: &Value) -> String {
    let service = text(backend, "/service/name");
    let port = &backend["service"]["port"];
    let named = || named_port(objects, namespace, service, text(port, "/name"));
    cluster(namespace, service, port["number"].as_u64().or_else(named).unwrap_or_default())
}

/// The listeners of one Ingress for plain requests: routes by host.
fn listeners(objects: &[Value], ingress: &Value) -> BTreeMap<String, Vec<(Match, String)>> {
    let namespace = text(ingress, "/metadata/namespace");
    let mut found: BTreeMap<String, Vec<(Match, String)>> = BTreeMap::new();
    if let Some(backend) = ingress["spec"].get("defaultBackend") {
        let route = (Match::Beginning("/".to_owned()), target(objects, namespace, backend));
        found.insert("*".to_owned(), vec![route]);
    }
    for rule in ingress["spec"]["rules"].as_array().into_iter().flatten() {
        let Some(paths) = rule["http"]["paths"].as_array() else { continue };
        let host = if text(rule, "/host").is_empty() { "*" } else { text(rule, "/host") };
        let routes = paths.iter().map(|path| (Match::of(path), target(objects, namespace, &path["backend"])));
        found.entry(host.to_owned()).or_default().extend(routes);
    }
    found
}

/// Adds routes to a virtual host, to those that match the same.
fn add(all: &mut BTreeMap<String, Routes>, host: &str, routes: &[(Match, String)]) {
    let known = all.entry(host.to_owned()).or_default();
    for (matched, cluster) in routes {
        match known.iter_mut().find(|(known, _)| known == matched) {
            Some((_, clusters)) => clusters.push(cluster.clone()),
            None => known.push((matched.clone(), vec![cluster.clone()])),
        }
    }
}

fn virtual_host(host: &str, routes: &Routes, redirects: bool) -> Value {
    let mut routes = routes.clone();
    routes.sort_by_key(|(matched, _)| matched.rank());
    let routes: Vec<Value> = routes
        .iter()
        .map(|(matched, clusters)| {
            let matched = matched.rendered(host);
            match clusters.as_slice() {
                _ if redirects => json!({"match": matched, "redirect": {"https_redirect": true}}),
                [cluster] => json!({"match": matched, "route": {"cluster": cluster}}),
                several => {
                    let weighted: Vec<Value> =
                        several.iter().map(|cluster| json!({"name": cluster, "weight": 1})).collect();
                    json!({"match": matched, "route": {"weighted_clusters": {"clusters": weighted}}})
                }
            }
        })
        .collect();
    let domains =
        if host == "*" { vec![host.to_owned()] } else { vec![host.to_owned(), format!("{host}:*")] };
    json!({"name": host, "domains": domains, "routes": routes})
}

pub(crate) fn tables(objects: &[Value]) -> Tables {
    let enforced = told(objects, "cilium-config", "enforce-ingress-https") != "false";
    let (mut plain, mut secure) = (BTreeMap::new(), BTreeMap::new());
    let mut redirected = BTreeSet::new();
    for ingress in of_kind(objects, "Ingress").filter(|ingress| takes(objects, ingress)) {
        let own = listeners(objects, ingress);
        own.iter().for_each(|(host, routes)| add(&mut plain, host, routes));
        let redirects = match ingress["metadata"]["annotations"]["ingress.cilium.io/force-https"].as_str() {
            Some(value) => value == "enabled",
            None => enforced,
        };
        let sections = ingress["spec"]["tls"].as_array().into_iter().flatten();
        let hosts: BTreeSet<&str> = sections
            .flat_map(|section| section["hosts"].as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .collect();
        for host in hosts {
            // The listener for any host takes the place of the one for this host, and redirects nothing.
            if let Some(routes) = own.get("*") {
                add(&mut secure, host, routes);
            } else if let Some(routes) = own.get(host) {
                add(&mut secure, host, routes);
                if redirects {
                    redirected.insert(host.to_owned());
                }
            }
        }
    }
    plain.retain(|host, _| !redirected.contains(host));
    let mut hosts: Vec<Value> =
        plain.iter().map(|(host, routes)| virtual_host(host, routes, false)).collect();
    let sent = secure.iter().filter(|(host, _)| redirected.contains(*host));
    hosts.extend(sent.map(|(host, routes)| virtual_host(host, routes, true)));
    let names: Vec<String> = secure.keys().cloned().collect();
    let behind: Vec<Value> = secure.iter().map(|(host, routes)| virtual_host(host, routes, false)).collect();
    let chains = if names.is_empty() { Vec::new() } else { vec![(names, behind)] };
    Tables { manager: json!({}), ignores_port: false, plain: hosts, secure: chains }
}

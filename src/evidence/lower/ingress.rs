//! `networking.k8s.io/v1` Ingress.

use k8s_openapi::api::networking::v1 as api;

use super::object::meta;
use super::port;
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule, Tls};

/// An Ingress.
pub fn ingress(object: api::Ingress) -> Ingress {
    let api::Ingress { metadata, spec, status } = object;
    let api::IngressSpec { default_backend, ingress_class_name, rules, tls } = spec.unwrap_or_default();
    let addresses = status.and_then(|status| status.load_balancer).and_then(|balancer| balancer.ingress);
    Ingress {
        meta: meta(metadata),
        class_name: ingress_class_name,
        default_backend: default_backend.map(backend),
        rules: rules.unwrap_or_default().into_iter().map(rule).collect(),
        tls: tls.unwrap_or_default().into_iter().map(tls_entry).collect(),
        addresses: addresses
            .unwrap_or_default()
            .into_iter()
            .filter_map(|api::IngressLoadBalancerIngress { hostname, ip, ports: _ }| {
                [ip, hostname].into_iter().flatten().find(|address| !address.is_empty())
            })
            .collect(),
    }
}

fn rule(rule: api::IngressRule) -> Rule {
    let api::IngressRule { host, http } = rule;
    Rule { host, paths: http.map(|http| http.paths.into_iter().map(path).collect()) }
}

fn path(path: api::HTTPIngressPath) -> PathRule {
    let api::HTTPIngressPath { backend: to, path, path_type } = path;
    let path_type = match path_type.as_str() {
        "Exact" => PathType::Exact,
        "Prefix" => PathType::Prefix,
        _ => PathType::ImplementationSpecific,
    };
    PathRule { path: path.unwrap_or_default(), path_type, backend: backend(to) }
}

fn backend(backend: api::IngressBackend) -> Backend {
    let api::IngressBackend { resource, service } = backend;
    if let Some(api::IngressServiceBackend { name, port: to }) = service {
        let api::ServiceBackendPort { name: port_name, number } = to.unwrap_or_default();
        let to = match (port_name.filter(|name| !name.is_empty()), number.and_then(port)) {
            (Some(name), _) => PortRef::Name(name),
            (None, Some(number)) => PortRef::Number(number),
            (None, None) => PortRef::Unset,
        };
        return Backend::Service { name, port: to };
    }
    match resource {
        Some(resource) => Backend::Resource { kind: resource.kind, name: resource.name },
        None => Backend::Missing,
    }
}

fn tls_entry(entry: api::IngressTLS) -> Tls {
    let api::IngressTLS { hosts, secret_name } = entry;
    Tls { hosts: hosts.unwrap_or_default(), secret: secret_name.filter(|name| !name.is_empty()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_part_of_an_ingress_arrives() {
        let object: api::Ingress = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "web", "annotations": {"a": "b"}},
            "spec": {
                "ingressClassName": "nginx",
                "defaultBackend": {"resource": {"apiGroup": "k8s.example.com", "kind": "Bucket", "name": "static"}},
                "rules": [
                    {"host": "a.example.com", "http": {"paths": [
                        {"path": "/x", "pathType": "Exact", "backend": {"service": {"name": "s", "port": {"number": 80}}}},
                        {"pathType": "ImplementationSpecific", "backend": {"service": {"name": "s", "port": {"name": "http"}}}},
                        {"path": "/y", "pathType": "Prefix", "backend": {"service": {"name": "s"}}},
                        {"path": "/z", "pathType": "Prefix", "backend": {}},
                    ]}},
                    {"host": "b.example.com"},
                ],
                "tls": [{"hosts": ["a.example.com"], "secretName": "cert"}, {}],
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.10"}, {"hostname": "lb.example.com"}]}},
        }))
        .expect("ingress");
        let ingress = ingress(object);
        assert_eq!(ingress.class_name.as_deref(), Some("nginx"));
        assert_eq!(
            ingress.default_backend,
            Some(Backend::Resource { kind: "Bucket".to_owned(), name: "static".to_owned() })
        );
        let service = |port| Backend::Service { name: "s".to_owned(), port };
        let paths: Vec<_> = ingress
            .path_rules()
            .map(|(_, _, _, p)| (p.path.as_str(), p.path_type, p.backend.clone()))
            .collect();
        assert_eq!(
            paths,
            [
                ("/x", PathType::Exact, service(PortRef::Number(80))),
                ("", PathType::ImplementationSpecific, service(PortRef::Name("http".to_owned()))),
                ("/y", PathType::Prefix, service(PortRef::Unset)),
                ("/z", PathType::Prefix, Backend::Missing),
            ]
        );
        assert_eq!(ingress.rules.last().and_then(|rule| rule.paths.clone()), None);
        assert_eq!(ingress.tls.len(), 2);
        assert_eq!(ingress.addresses, ["203.0.113.10", "lb.example.com"]);
    }
}

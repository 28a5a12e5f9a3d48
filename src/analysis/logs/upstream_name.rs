//! ingress-nginx's names for upstreams: `<namespace>-<service>-<port>`, `upstream-default-backend`,
//! `custom-default-backend-<namespace>-<service>`.
//!
//! Namespaces, Services and port names may hold dashes, so a name alone can fit several Services; what
//! cannot be told apart is returned as a set, or as `None`.
//!
//! Source: kubernetes/ingress-nginx v1.15.1 `controller.go` (`upstreamName`, `createUpstreams`).

use crate::analysis::routing::Target;
use crate::model::ingress::PortRef;
use crate::model::object::Name;
use crate::model::service::Service;

/// What kind of upstream a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UpstreamKind<'a> {
    /// The controller's default backend: no rule of the host matches.
    Default,
    /// The Service of a `default-backend` annotation; `namespace-service`.
    CustomDefault(&'a [u8]),
    /// A Service port; `namespace-service-port`.
    Service(&'a [u8]),
}

/// Reads a name.
#[must_use]
pub fn kind(name: &[u8]) -> UpstreamKind<'_> {
    match name.strip_prefix(b"custom-default-backend-") {
        Some(service) => UpstreamKind::CustomDefault(service),
        None if name == b"upstream-default-backend" => UpstreamKind::Default,
        None => UpstreamKind::Service(name),
    }
}

/// A Service that a name may stand for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    pub service: Name,
    /// As the name spells it; `Unset` for a default backend, whose name has none.
    pub port: PortRef,
    /// Whether the Service has such a port.
    pub port_exists: bool,
}

/// Every Service that a name may stand for, sorted; those that have the port, where any has.
#[must_use]
pub fn resolve_upstream<'a>(name: &str, services: impl Iterator<Item = &'a Service>) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = match kind(name.as_bytes()) {
        UpstreamKind::Default => Vec::new(),
        UpstreamKind::CustomDefault(_) => {
            let rest = name.strip_prefix("custom-default-backend-").unwrap_or_default();
            services
                .filter(|service| {
                    rest_of(rest.as_bytes(), &service.meta.namespace, &service.meta.name) == Some(b"")
                })
                .map(|service| Candidate {
                    service: service.meta.key(),
                    port: PortRef::Unset,
                    port_exists: true,
                })
                .collect()
        }
        UpstreamKind::Service(_) => services.filter_map(|service| candidate(name, service)).collect(),
    };
    if found.iter().any(|candidate| candidate.port_exists) {
        found.retain(|candidate| candidate.port_exists);
    }
    found.sort();
    found.dedup();
    found
}

fn candidate(name: &str, service: &Service) -> Option<Candidate> {
    let rest = rest_of(name.as_bytes(), &service.meta.namespace, &service.meta.name)?.strip_prefix(b"-")?;
    let rest = std::str::from_utf8(rest).ok()?;
    let port = match rest.parse::<u16>() {
        Ok(number) => PortRef::Number(number),
        Err(_) if is_port_name(rest) => PortRef::Name(rest.to_owned()),
        Err(_) => return None,
    };
    let has = service.is_external_name()
        || service.port(&port).is_some()
        // A backend may name the target port as well.
        || service.ports.iter().any(|p| p.target == port);
    Some(Candidate { service: service.meta.key(), port, port_exists: has })
}

/// Whether a name stands for this Service, given what is known of the port that was meant; `None` when
/// the dashes leave it open.
#[must_use]
pub fn stands_for(name: &[u8], target: &Target) -> Option<bool> {
    let Name { namespace, name: service } = &target.service;
    match kind(name) {
        UpstreamKind::Default => Some(false),
        UpstreamKind::CustomDefault(rest) => Some(rest_of(rest, namespace, service) == Some(b"")),
        UpstreamKind::Service(full) => {
            let Some(rest) = rest_of(full, namespace, service).and_then(|rest| rest.strip_prefix(b"-"))
            else {
                return Some(false);
            };
            let Ok(rest) = std::str::from_utf8(rest) else { return Some(false) };
            if rest == target.port.to_string() || is_number(rest) {
                return Some(true);
            }
            if !is_port_name(rest) {
                return Some(false);
            }
            // `shop-cart-old-80` is port `old-80` of `cart`, or port 80 of `cart-old`.
            if rest.contains('-') { None } else { Some(true) }
        }
    }
}

fn rest_of<'a>(text: &'a [u8], namespace: &str, service: &str) -> Option<&'a [u8]> {
    text.strip_prefix(namespace.as_bytes())?.strip_prefix(b"-")?.strip_prefix(service.as_bytes())
}

fn is_number(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

/// An IANA service name, as the API server demands of port names.
fn is_port_name(port: &str) -> bool {
    (1..=15).contains(&port.len())
        && port.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && port.bytes().any(|b| b.is_ascii_lowercase())
        && !port.starts_with('-')
        && !port.ends_with('-')
        && !port.contains("--")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::ObjectMeta;
    use crate::model::service::ServicePort;

    fn service(name: &str, ports: &[(u16, &str)]) -> Service {
        let (namespace, name) = name.split_once('/').expect("name");
        Service {
            meta: ObjectMeta {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                ..ObjectMeta::default()
            },
            ports: ports
                .iter()
                .map(|(number, port)| ServicePort {
                    name: (!port.is_empty()).then(|| (*port).to_owned()),
                    number: *number,
                    target: PortRef::Number(8080),
                    node_port: None,
                    protocol: "TCP".to_owned(),
                })
                .collect(),
            ..Service::default()
        }
    }

    fn check(name: &str, expected: &[&str]) {
        let services = [
            service("a/b", &[(80, "c-80"), (8443, "https")]),
            service("a/b-c", &[(80, "")]),
            service("a-b/c", &[(80, "http")]),
            service("shop/web", &[(80, "http")]),
        ];
        let found: Vec<String> = resolve_upstream(name, services.iter())
            .iter()
            .map(|c| format!("{}:{}{}", c.service, c.port, if c.port_exists { "" } else { "?" }))
            .collect();
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn a_name_is_every_service_it_may_be() {
        check("shop-web-80", &["shop/web:80"]);
        check("shop-web-http", &["shop/web:http"]);
        check("shop-web-8080", &["shop/web:8080"]);
        check("shop-web-81", &["shop/web:81?"]);
        check("shop-webb-80", &[]);
        check("a-b-c-80", &["a/b:c-80", "a/b-c:80", "a-b/c:80"]);
        check("a-b-https", &["a/b:https"]);
        check("upstream-default-backend", &[]);
        check("custom-default-backend-shop-web", &["shop/web:"]);
        check("custom-default-backend-a-b-c", &["a/b-c:", "a-b/c:"]);
    }

    #[test]
    fn an_expected_service_is_recognised_or_left_open() {
        let check = |name: &str, service: &str, port: PortRef, expected: Option<bool>| {
            let (namespace, service) = service.split_once('/').expect("name");
            let target = Target { service: Name::new(namespace, service), port };
            assert_eq!(stands_for(name.as_bytes(), &target), expected, "{name}");
        };
        check("shop-cart-80", "shop/cart", PortRef::Unset, Some(true));
        check("shop-cart-http", "shop/cart", PortRef::Unset, Some(true));
        check("shop-cart-8080", "shop/cart", PortRef::Number(80), Some(true));
        check("shop-cart-old-80", "shop/cart", PortRef::Unset, None);
        check("shop-cart-old-80", "shop/cart", PortRef::Name("old-80".to_owned()), Some(true));
        check("shop-cart-old-80", "shop/cart-old", PortRef::Unset, Some(true));
        check("shop-legacy-80", "shop/cart", PortRef::Unset, Some(false));
        check("shop-cartel-80", "shop/cart", PortRef::Unset, Some(false));
        check("upstream-default-backend", "shop/cart", PortRef::Unset, Some(false));
        check("custom-default-backend-shop-cart", "shop/cart", PortRef::Unset, Some(true));
        check("custom-default-backend-shop-cart", "shop/other", PortRef::Unset, Some(false));
    }
}

//! Whether a Service port has somebody to send requests to, as the controller finds out.
//!
//! A backend's port is compared with number, targetPort and name of every Service port; the first
//! that matches counts. Only TCP is served. A three-valued answer: what was not listed is `Unseen`.
//! Sources: kubernetes/ingress-nginx `internal/ingress/controller/controller.go`
//! (`serviceEndpoints`, `externalNamePorts`), `endpointslices.go`, v1.15.1.

use std::collections::HashMap;

use crate::analysis::routing::Target;
use crate::model::endpoints::EndpointSlice;
use crate::model::ingress::PortRef;
use crate::model::object::Name;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Lookup, Snapshot};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Ready,
    ServiceMissing,
    PortMissing,
    NobodyReady,
    /// The Service's own address is asked, and nobody is behind it.
    AddressSilent,
    /// The Service's own address is asked at a port that it does not have.
    AddressPortless,
    Unseen,
}

/// Services and their slices, indexed once.
pub(super) struct Endpoints<'a> {
    snapshot: &'a Snapshot,
    slices: HashMap<(&'a str, &'a str), Vec<&'a EndpointSlice>>,
    external_names: bool,
}

impl<'a> Endpoints<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, external_names: bool) -> Self {
        let mut slices: HashMap<(&str, &str), Vec<&EndpointSlice>> = HashMap::new();
        for slice in snapshot.slices.items() {
            if let Some(service) = slice.meta.labels.get(crate::model::endpoints::SERVICE_LABEL) {
                slices.entry((slice.meta.namespace.as_str(), service.as_str())).or_default().push(slice);
            }
        }
        Self { snapshot, slices, external_names }
    }

    /// Whether requests to a target can go anywhere; with `cluster_ip` they go to the Service's own
    /// address.
    pub(super) fn health(&self, target: &Target, cluster_ip: bool) -> Health {
        let Name { namespace, name } = &target.service;
        if target.port == PortRef::Unset {
            return Health::ServiceMissing;
        }
        let service = match self.snapshot.services.get(namespace, name) {
            Lookup::Found(service) => service,
            Lookup::Absent => return Health::ServiceMissing,
            Lookup::Unseen(_) => return Health::Unseen,
        };
        if cluster_ip && let Some(health) = self.by_cluster_ip(service, &target.port) {
            return health;
        }
        if service.is_external_name() {
            return self.external(service, &target.port);
        }
        let wanted = target.port.to_string();
        let port = service.ports.iter().find(|port| {
            port.number.to_string() == wanted
                || port.target.to_string() == wanted
                || port.name.as_deref() == Some(wanted.as_str())
        });
        port.map_or(Health::PortMissing, |port| self.behind(service, port))
    }

    /// The first port of a Service, as the annotation `default-backend` uses it: `ExternalName` Services
    /// are not barred from there.
    pub(super) fn first_port(&self, service: &Name) -> Lookup<Option<(Target, Health)>> {
        let found = self.snapshot.services.get(&service.namespace, &service.name);
        found.map(|object| {
            let port = object.ports.first()?;
            let target = Target { service: service.clone(), port: PortRef::Number(port.number) };
            let is_outside = object.is_external_name();
            Some((target, if is_outside { outside(object) } else { self.behind(object, port) }))
        })
    }

    /// `None` where the Service has no address of its own, or no port of the name; a number is asked for
    /// whether the Service has it or not.
    fn by_cluster_ip(&self, service: &Service, wanted: &PortRef) -> Option<Health> {
        service.cluster_ip.as_deref().filter(|ip| !matches!(*ip, "" | "None"))?;
        let Some(port) = service.port(wanted) else {
            return matches!(wanted, PortRef::Number(_)).then_some(Health::AddressPortless);
        };
        let nobody = self.behind(service, port) == Health::NobodyReady;
        Some(if nobody { Health::AddressSilent } else { Health::Ready })
    }

    fn external(&self, service: &Service, wanted: &PortRef) -> Health {
        if !self.external_names {
            return Health::NobodyReady;
        }
        match (outside(service), wanted) {
            // Port 0 of a host that is there.
            (Health::Ready, PortRef::Name(_)) if service.port(wanted).is_none() => Health::AddressPortless,
            (health, _) => health,
        }
    }

    /// Whether any endpoint behind a port is ready.
    fn behind(&self, service: &Service, port: &ServicePort) -> Health {
        if !port.protocol.eq_ignore_ascii_case("TCP") {
            return Health::NobodyReady;
        }
        let (namespace, name) = (service.meta.namespace.as_str(), service.meta.name.as_str());
        let slices = self.slices.get(&(namespace, name)).map(Vec::as_slice).unwrap_or_default();
        let ready = slices.iter().any(|slice| {
            has_port(slice, port)
                && slice.endpoints.iter().any(|endpoint| endpoint.ready && !endpoint.addresses.is_empty())
        });
        if ready {
            Health::Ready
        } else if self.snapshot.slices.covers(namespace) {
            Health::NobodyReady
        } else {
            Health::Unseen
        }
    }
}

/// Whether the name of an `ExternalName` Service may be asked.
fn outside(service: &Service) -> Health {
    let name = service.external_name.as_deref().unwrap_or_default().trim_end_matches('.');
    let is_loopback = name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if name.is_empty() || name == "localhost" || is_loopback { Health::NobodyReady } else { Health::Ready }
}

/// A slice's port belongs to a Service port of the same name; where no name matches, a numeric
/// targetPort is used anyway.
fn has_port(slice: &EndpointSlice, port: &ServicePort) -> bool {
    let numeric = matches!(port.target, PortRef::Number(_));
    if slice.ports.is_empty() {
        return numeric;
    }
    slice.ports.iter().any(|found| {
        let same = port.name.is_none() || port.name == found.name;
        (same && found.number.is_some()) || numeric
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoints::{Endpoint, EndpointPort};
    use crate::model::object::{Kind, ObjectMeta};
    use crate::model::snapshot::Listing;

    fn meta(name: &str) -> ObjectMeta {
        ObjectMeta { namespace: "shop".to_owned(), name: name.to_owned(), ..ObjectMeta::default() }
    }

    fn port(name: Option<&str>, number: u16, target: PortRef) -> ServicePort {
        ServicePort {
            name: name.map(str::to_owned),
            number,
            target,
            node_port: None,
            protocol: "TCP".to_owned(),
        }
    }

    fn slice(service: &str, port: Option<&str>, ready: bool) -> EndpointSlice {
        let mut meta = meta(&format!("{service}-1"));
        meta.labels.insert("kubernetes.io/service-name".to_owned(), service.to_owned());
        EndpointSlice {
            meta,
            address_type: "IPv4".to_owned(),
            ports: vec![EndpointPort { name: port.map(str::to_owned), number: Some(8080) }],
            endpoints: vec![Endpoint {
                addresses: vec!["10.0.0.1".to_owned()],
                ready,
                ..Endpoint::default()
            }],
        }
    }

    fn snapshot() -> Snapshot {
        let web = Service {
            meta: meta("web"),
            cluster_ip: Some("10.1.0.1".to_owned()),
            ports: vec![
                port(Some("main"), 80, PortRef::Name("http".to_owned())),
                port(Some("alt"), 81, PortRef::Number(9090)),
            ],
            ..Service::default()
        };
        let dead =
            Service { ports: vec![port(None, 80, PortRef::Number(8080))], meta: meta("dead"), ..web.clone() };
        let headless = Service {
            meta: meta("headless"),
            cluster_ip: Some("None".to_owned()),
            ports: vec![port(None, 80, PortRef::Number(8080))],
            ..Service::default()
        };
        let external = |name: &str, to: &str| Service {
            meta: meta(name),
            service_type: "ExternalName".to_owned(),
            external_name: Some(to.to_owned()),
            ..Service::default()
        };
        let services =
            vec![web, dead, headless, external("outside", "example.com"), external("loop", "localhost")];
        Snapshot {
            services: Listing::complete(Kind::Service, services),
            slices: Listing::complete(
                Kind::EndpointSlice,
                vec![
                    slice("web", Some("main"), true),
                    slice("dead", None, false),
                    slice("headless", None, true),
                ],
            ),
            ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
        }
    }

    #[test]
    fn ports_are_found_by_number_target_and_name() {
        let snapshot = snapshot();
        let endpoints = Endpoints::new(&snapshot, true);
        let check = |service: &str, port: &str, cluster_ip: bool, expected: Health| {
            let port = port.parse().map_or_else(|_| PortRef::Name(port.to_owned()), PortRef::Number);
            let target = Target { service: Name::new("shop", service), port };
            assert_eq!(endpoints.health(&target, cluster_ip), expected, "{target:?}");
        };
        check("web", "80", false, Health::Ready);
        check("web", "main", false, Health::Ready);
        check("web", "http", false, Health::Ready);
        check("web", "8080", false, Health::PortMissing);
        check("web", "9090", false, Health::Ready);
        check("web", "none", false, Health::PortMissing);
        check("dead", "80", false, Health::NobodyReady);
        check("web", "main", true, Health::Ready);
        check("web", "9090", true, Health::AddressPortless);
        check("web", "http", true, Health::Ready);
        check("web", "none", true, Health::PortMissing);
        check("dead", "80", true, Health::AddressSilent);
        check("headless", "80", false, Health::Ready);
        check("headless", "80", true, Health::Ready);
        check("missing", "80", false, Health::ServiceMissing);
        check("outside", "80", false, Health::Ready);
        check("outside", "http", false, Health::AddressPortless);
        check("loop", "80", false, Health::NobodyReady);
        let unset = Target { service: Name::new("shop", "web"), port: PortRef::Unset };
        assert_eq!(endpoints.health(&unset, false), Health::ServiceMissing);
    }

    #[test]
    fn what_was_not_listed_is_not_missing() {
        let web = Target { service: Name::new("shop", "web"), port: PortRef::Number(80) };
        let nothing = Snapshot::empty(chrono::DateTime::UNIX_EPOCH);
        assert_eq!(Endpoints::new(&nothing, true).health(&web, false), Health::Unseen);
        let services_only = Snapshot { slices: Listing::unasked(Kind::EndpointSlice), ..snapshot() };
        assert_eq!(Endpoints::new(&services_only, true).health(&web, false), Health::Unseen);
        let barred = Target { service: Name::new("shop", "outside"), port: PortRef::Number(80) };
        let snapshot = snapshot();
        assert_eq!(Endpoints::new(&snapshot, false).health(&barred, false), Health::NobodyReady);
    }

    #[test]
    fn what_stands_in_may_be_outside_whether_rules_may_go_there_or_not() {
        let mut snapshot = snapshot();
        let outside = |name: &str, to: &str| Service {
            meta: meta(name),
            service_type: "ExternalName".to_owned(),
            external_name: Some(to.to_owned()),
            ports: vec![port(None, 80, PortRef::Number(80))],
            ..Service::default()
        };
        let services = vec![outside("away", "example.com"), outside("loop", "127.0.0.1")];
        snapshot.services = Listing::complete(Kind::Service, services);
        let endpoints = Endpoints::new(&snapshot, false);
        for (name, expected) in [("away", Health::Ready), ("loop", Health::NobodyReady)] {
            let found = endpoints.first_port(&Name::new("shop", name)).found().flatten();
            assert_eq!(found.map(|(_, health)| health), Some(expected), "{name}");
        }
    }
}

//! Whether a Service port has somebody to send requests to, as the controller finds out.
//!
//! The first port of the Service that has the backend's number, or whose name is the backend's, is
//! taken; a backend by number has an empty name, so that a port without a name answers to any number.
//! Its target must be a port of a slice with a ready endpoint. Three-valued: what was not listed is
//! `Unseen`.
//! Source: nginx/kubernetes-ingress `internal/k8s/controller.go`
//! (`getEndpointsForPortFromEndpointSlices`, `getEndpointsForIngressBackend`), 5.5.

use std::collections::HashMap;

use crate::analysis::routing::{Note, Target};
use crate::model::endpoints::{EndpointSlice, SERVICE_LABEL};
use crate::model::ingress::PortRef;
use crate::model::object::Name;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Lookup, Snapshot};

use super::global::Global;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Ready,
    ServiceMissing,
    PortMissing,
    NobodyReady,
    Unseen,
}

impl Health {
    /// Whether nginx has a server to connect to, as far as is known.
    pub(super) fn answers(self) -> bool {
        matches!(self, Self::Ready | Self::Unseen)
    }

    /// What is wrong with a target, if anything.
    pub(super) fn note(self, target: &Target) -> Option<Note> {
        let service = target.service.clone();
        match self {
            Self::Ready => None,
            Self::ServiceMissing => Some(Note::ServiceMissing(service)),
            Self::PortMissing => Some(Note::PortMissing { service, port: target.port.clone() }),
            Self::NobodyReady => Some(Note::NoReadyEndpoints(service)),
            Self::Unseen => Some(Note::BackendUnseen(service)),
        }
    }
}

/// Services and their slices, indexed once.
pub(super) struct Endpoints<'a> {
    snapshot: &'a Snapshot,
    slices: HashMap<(&'a str, &'a str), Vec<&'a EndpointSlice>>,
    external_names: bool,
}

impl<'a> Endpoints<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, global: &Global) -> Self {
        let mut slices: HashMap<(&str, &str), Vec<&EndpointSlice>> = HashMap::new();
        for slice in snapshot.slices.items() {
            if let Some(service) = slice.meta.labels.get(SERVICE_LABEL) {
                slices.entry((slice.meta.namespace.as_str(), service.as_str())).or_default().push(slice);
            }
        }
        Self { snapshot, slices, external_names: global.plus && global.resolver }
    }

    /// The target with the number of the Service's port, and whether requests to it can go anywhere;
    /// with `cluster_ip` they go to the Service's own address, whoever is behind it.
    pub(super) fn resolve(&self, mut target: Target, cluster_ip: bool) -> (Target, Health) {
        let Name { namespace, name } = &target.service;
        let service = match self.snapshot.services.get(namespace, name) {
            Lookup::Found(service) => service,
            Lookup::Absent => return (target, Health::ServiceMissing),
            Lookup::Unseen(_) => return (target, Health::Unseen),
        };
        if service.is_external_name() {
            let health = if self.external_names { Health::Ready } else { Health::NobodyReady };
            return (target, health);
        }
        let named = |port: &&ServicePort| match &target.port {
            PortRef::Number(number) => port.number == *number || port.name.is_none(),
            PortRef::Name(name) => port.name.as_deref() == Some(name),
            PortRef::Unset => port.name.is_none(),
        };
        let Some(port) = service.ports.iter().find(named) else {
            return (target, if cluster_ip { Health::Ready } else { Health::PortMissing });
        };
        target.port = PortRef::Number(port.number);
        let health = self.behind(service, port);
        (target, health)
    }

    /// Whether any endpoint behind a port is ready.
    fn behind(&self, service: &Service, port: &ServicePort) -> Health {
        let (namespace, name) = (service.meta.namespace.as_str(), service.meta.name.as_str());
        let slices = self.slices.get(&(namespace, name)).map(Vec::as_slice).unwrap_or_default();
        let ready = slices.iter().any(|slice| {
            targets(slice, port)
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

/// A slice is taken for its port numbers; a named target is resolved in a pod, to the number that the
/// slice has under the port's own name.
fn targets(slice: &EndpointSlice, port: &ServicePort) -> bool {
    slice.ports.iter().any(|found| match &port.target {
        PortRef::Number(number) => found.number == Some(*number),
        PortRef::Name(_) => {
            let own = found.name.as_deref().filter(|name| !name.is_empty());
            found.number.is_some() && own == port.name.as_deref()
        }
        PortRef::Unset => found.number == Some(port.number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::controller::Settings;
    use crate::model::endpoints::{Endpoint, EndpointPort};
    use crate::model::object::{Kind, ObjectMeta};
    use crate::model::snapshot::Listing;

    fn meta(name: &str) -> ObjectMeta {
        ObjectMeta { namespace: "n".to_owned(), name: name.to_owned(), ..ObjectMeta::default() }
    }

    fn service(name: &str, ports: &[(Option<&str>, u16, u16)]) -> Service {
        let port = |(name, number, target): &(Option<&str>, u16, u16)| ServicePort {
            name: name.map(str::to_owned),
            number: *number,
            target: PortRef::Number(*target),
            node_port: None,
            protocol: "TCP".to_owned(),
        };
        Service { meta: meta(name), ports: ports.iter().map(port).collect(), ..Service::default() }
    }

    fn slice(service: &str, number: u16, ready: bool) -> EndpointSlice {
        let mut meta = meta(&format!("{service}-1"));
        meta.labels.insert(SERVICE_LABEL.to_owned(), service.to_owned());
        EndpointSlice {
            meta,
            address_type: "IPv4".to_owned(),
            ports: vec![EndpointPort { name: None, number: Some(number) }],
            endpoints: vec![Endpoint {
                addresses: vec!["10.0.0.1".to_owned()],
                ready,
                ..Endpoint::default()
            }],
        }
    }

    #[test]
    fn ports_are_found_as_the_controller_finds_them() {
        let outside = Service { service_type: "ExternalName".to_owned(), ..service("outside", &[]) };
        let services = vec![
            service("web", &[(Some("http"), 80, 8080), (Some("admin"), 90, 9090)]),
            service("plain", &[(None, 80, 8080)]),
            service("dead", &[(Some("http"), 80, 8080)]),
            outside,
        ];
        let slices = vec![slice("web", 8080, true), slice("plain", 8080, true), slice("dead", 8080, false)];
        let snapshot = Snapshot {
            services: Listing::complete(Kind::Service, services),
            slices: Listing::complete(Kind::EndpointSlice, slices),
            ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
        };
        let endpoints = Endpoints::new(&snapshot, &Global::new(&Settings::default()));
        for (service, port, cluster_ip, expected) in [
            ("web", "80", false, Health::Ready),
            ("web", "http", false, Health::Ready),
            ("web", "8080", false, Health::PortMissing),
            ("web", "https", false, Health::PortMissing),
            ("web", "90", false, Health::NobodyReady),
            ("plain", "80", false, Health::Ready),
            ("plain", "443", false, Health::Ready),
            ("plain", "http", false, Health::PortMissing),
            ("dead", "80", false, Health::NobodyReady),
            ("web", "8080", true, Health::Ready),
            ("gone", "80", true, Health::ServiceMissing),
            ("outside", "80", false, Health::NobodyReady),
        ] {
            let wanted = port.parse().map_or_else(|_| PortRef::Name(port.to_owned()), PortRef::Number);
            let target = Target { service: Name::new("n", service), port: wanted };
            assert_eq!(endpoints.resolve(target, cluster_ip).1, expected, "{service} {port}");
        }
        let by_name = Target { service: Name::new("n", "web"), port: PortRef::Name("http".to_owned()) };
        assert_eq!(endpoints.resolve(by_name, false).0.port, PortRef::Number(80));
        let nothing = Snapshot::empty(chrono::DateTime::UNIX_EPOCH);
        let target = Target { service: Name::new("n", "web"), port: PortRef::Number(80) };
        let blind = Endpoints::new(&nothing, &Global::new(&Settings::default()));
        assert_eq!(blind.resolve(target, false).1, Health::Unseen);
    }
}

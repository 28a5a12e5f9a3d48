//! What stands behind the backend of a rule, at a glance: whether the Service exists, has the port, and
//! lists anything ready for it.

use std::collections::BTreeMap;

use crate::model::endpoints::EndpointSlice;
use crate::model::gap::Gap;
use crate::model::ingress::Backend;
use crate::model::object::Name;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Lookup, Snapshot};

/// What stands behind a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// So many endpoints are ready, so many are not.
    Endpoints {
        ready: usize,
        not_ready: usize,
    },
    /// A name outside the cluster.
    External {
        name: String,
    },
    ServiceAbsent,
    /// The Service has other ports: numbers, and names where they have one.
    PortAbsent {
        has: Vec<(u16, Option<String>)>,
    },
    /// Not a Service.
    Resource {
        kind: String,
        name: String,
    },
    /// An action of a load balancer of AWS, which an annotation describes.
    Action {
        name: String,
    },
    /// The rule names none.
    Nothing,
    Unseen(Gap),
}

/// Looks behind the backend of an Ingress in a namespace.
#[must_use]
pub fn behind(snapshot: &Snapshot, namespace: &str, backend: &Backend) -> Reach {
    if let Some(name) = backend.action() {
        return Reach::Action { name: name.to_owned() };
    }
    let (service, port) = match backend {
        Backend::Service { name, port } => (name, port),
        Backend::Resource { kind, name } => {
            return Reach::Resource { kind: kind.clone(), name: name.clone() };
        }
        Backend::Missing => return Reach::Nothing,
    };
    let service = match snapshot.services.get(namespace, service) {
        Lookup::Found(service) => service,
        Lookup::Absent => return Reach::ServiceAbsent,
        Lookup::Unseen(gap) => return Reach::Unseen(gap),
    };
    if service.is_external_name() {
        return Reach::External { name: service.external_name.clone().unwrap_or_default() };
    }
    let Some(port) = service.port(port) else {
        return Reach::PortAbsent { has: service.ports.iter().map(|p| (p.number, p.name.clone())).collect() };
    };
    match snapshot.slices_of(&Name::new(namespace, &service.meta.name)) {
        Lookup::Found(slices) => count(&slices, service, port),
        Lookup::Absent => Reach::Endpoints { ready: 0, not_ready: 0 },
        Lookup::Unseen(gap) => Reach::Unseen(gap),
    }
}

/// Endpoints of one address family: of two families the same pods are listed twice.
fn count(slices: &[&EndpointSlice], service: &Service, port: &ServicePort) -> Reach {
    let mut families: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    // A Service with one port may leave it unnamed, and so do its slices.
    let serves = |slice: &EndpointSlice| {
        slice.ports.iter().any(|listed| {
            listed.name.as_deref().unwrap_or_default() == port.name.as_deref().unwrap_or_default()
                || (service.ports.len() == 1 && slice.ports.len() == 1)
        })
    };
    for slice in slices.iter().filter(|slice| serves(slice)) {
        let (ready, not_ready) = families.entry(&slice.address_type).or_default();
        for endpoint in &slice.endpoints {
            if endpoint.ready {
                *ready += 1;
            } else {
                *not_ready += 1;
            }
        }
    }
    let (ready, not_ready) = families.into_values().max().unwrap_or_default();
    Reach::Endpoints { ready, not_ready }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::endpoints::{Endpoint, EndpointPort, SERVICE_LABEL};
    use crate::model::gap::Why;
    use crate::model::ingress::PortRef;
    use crate::model::object::{Kind, ObjectMeta};
    use crate::model::snapshot::{Coverage, Listing};

    fn meta(name: &str) -> ObjectMeta {
        ObjectMeta { namespace: "shop".to_owned(), name: name.to_owned(), ..ObjectMeta::default() }
    }

    fn port(name: &str, number: u16) -> ServicePort {
        ServicePort {
            name: (!name.is_empty()).then(|| name.to_owned()),
            number,
            target: PortRef::Unset,
            node_port: None,
            protocol: "TCP".to_owned(),
        }
    }

    fn slice(name: &str, family: &str, ports: &[&str], ready: &[bool]) -> EndpointSlice {
        let labels = [(SERVICE_LABEL.to_owned(), "web".to_owned())].into();
        EndpointSlice {
            meta: ObjectMeta { labels, ..meta(name) },
            address_type: family.to_owned(),
            ports: ports
                .iter()
                .map(|name| EndpointPort {
                    name: (!name.is_empty()).then(|| (*name).to_owned()),
                    number: Some(8080),
                })
                .collect(),
            endpoints: ready.iter().map(|ready| Endpoint { ready: *ready, ..Endpoint::default() }).collect(),
        }
    }

    fn snapshot(services: Vec<Service>, slices: Vec<EndpointSlice>) -> Snapshot {
        Snapshot {
            services: Listing::complete(Kind::Service, services),
            slices: Listing::complete(Kind::EndpointSlice, slices),
            ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
        }
    }

    fn backend(name: &str, port: PortRef) -> Backend {
        Backend::Service { name: name.to_owned(), port }
    }

    #[test]
    fn a_service_lists_what_is_ready_for_the_port() {
        let web = Service {
            meta: meta("web"),
            ports: vec![port("http", 80), port("admin", 81)],
            ..Service::default()
        };
        let slices = vec![
            slice("a", "IPv4", &["http"], &[true, false]),
            slice("b", "IPv6", &["http"], &[true, false]),
            slice("c", "IPv4", &["other"], &[true]),
        ];
        let snapshot = snapshot(vec![web], slices);
        let of = |port| behind(&snapshot, "shop", &backend("web", port));
        assert_eq!(of(PortRef::Number(80)), Reach::Endpoints { ready: 1, not_ready: 1 });
        assert_eq!(of(PortRef::Name("http".to_owned())), Reach::Endpoints { ready: 1, not_ready: 1 });
        assert_eq!(of(PortRef::Number(81)), Reach::Endpoints { ready: 0, not_ready: 0 });
        assert_eq!(
            of(PortRef::Number(8080)),
            Reach::PortAbsent { has: vec![(80, Some("http".to_owned())), (81, Some("admin".to_owned()))] }
        );
    }

    #[test]
    fn what_is_no_service_or_not_there_is_said_so() {
        let external = Service {
            meta: meta("cdn"),
            service_type: "ExternalName".to_owned(),
            external_name: Some("cdn.example.net".to_owned()),
            ..Service::default()
        };
        let snapshot = snapshot(vec![external], Vec::new());
        let of = |backend: &Backend| behind(&snapshot, "shop", backend);
        assert_eq!(of(&backend("gone", PortRef::Number(80))), Reach::ServiceAbsent);
        assert_eq!(
            of(&backend("cdn", PortRef::Number(80))),
            Reach::External { name: "cdn.example.net".to_owned() }
        );
        let bucket = Backend::Resource { kind: "StorageBucket".to_owned(), name: "icons".to_owned() };
        assert!(matches!(of(&bucket), Reach::Resource { .. }));
        let action = backend("go", PortRef::Name("use-annotation".to_owned()));
        assert_eq!(of(&action), Reach::Action { name: "go".to_owned() });
        assert_eq!(of(&Backend::Missing), Reach::Nothing);
    }

    #[test]
    fn an_unread_list_says_nothing_about_the_service() {
        let missing = [(String::new(), Why::Unauthorized)].into();
        let mut snapshot = snapshot(Vec::new(), Vec::new());
        snapshot.services =
            Listing::new(Kind::Service, Vec::new(), Coverage { missing, ..Coverage::default() });
        assert!(matches!(behind(&snapshot, "shop", &backend("web", PortRef::Number(80))), Reach::Unseen(_)));
    }
}

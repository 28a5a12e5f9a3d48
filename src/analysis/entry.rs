//! Where requests enter: whose address an address is, among the Services of the controllers.
//!
//! Assumption: an address in an Ingress's status was put there by some controller, now or earlier, and
//! is one of its Services, of its nodes, or of a load balancer outside the cluster. Only the first can
//! be told from objects that are read here; nodes are not read.

use crate::model::controller::{Controller, ControllerKind};
use crate::model::ingress::PortRef;
use crate::model::object::Name;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Lookup, Snapshot};

/// Whose an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressOf {
    /// A Service in front of a controller that takes the Ingress.
    Taker { service: Name },
    /// The controller's arguments name it.
    TakersArguments,
    /// A Service in front of another controller.
    Other { controller: Name, service: Name },
    /// A Service of the cluster with no controller behind it.
    Service(Name),
    /// The controller that takes it has Services with addresses, and this is none of them.
    NotTakers,
    /// It may be a node's, or that of a load balancer outside the cluster.
    Untold,
}

/// Every address of a Service that clients could be sent to.
#[must_use]
pub fn addresses(service: &Service) -> Vec<&str> {
    let cluster = service.cluster_ip.as_deref().filter(|ip| !ip.is_empty() && *ip != "None");
    service.load_balancer.iter().chain(&service.external_ips).map(String::as_str).chain(cluster).collect()
}

/// Addresses of a Service that are reached from outside the cluster.
#[must_use]
pub fn public_addresses(service: &Service) -> Vec<&str> {
    service.load_balancer.iter().chain(&service.external_ips).map(String::as_str).collect()
}

/// The Services in front of a controller that were seen and take requests of clients.
pub fn services_of<'a>(
    controller: &'a Controller,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = &'a Service> {
    controller
        .services
        .iter()
        .filter_map(|name| snapshot.services.get(&name.namespace, &name.name).found())
        .filter(|service| service.ports.is_empty() || service.ports.iter().any(takes_clients))
}

/// Whether a port is not one for admission webhooks, metrics or administration.
#[must_use]
pub fn takes_clients(port: &ServicePort) -> bool {
    let target = match &port.target {
        PortRef::Name(name) => name.as_str(),
        PortRef::Number(_) | PortRef::Unset => "",
    };
    let inner = ["webhook", "metrics", "prometheus", "admin", "stat", "health", "profiling"];
    !inner.iter().any(|word| target.contains(word) || port.name.as_deref().unwrap_or_default().contains(word))
}

/// Whose an address is, seen from the controllers that take an Ingress.
#[must_use]
pub fn owner(address: &str, takers: &[&Controller], snapshot: &Snapshot) -> AddressOf {
    owner_by(address, takers, snapshot, || {
        snapshot.services.items().iter().find(|service| addresses(service).contains(&address))
    })
}

/// The same where the first Service that has the address is found in some other way than one by one.
#[must_use]
pub fn owner_by<'s>(
    address: &str,
    takers: &[&Controller],
    snapshot: &Snapshot,
    holder: impl FnOnce() -> Option<&'s Service>,
) -> AddressOf {
    let has = |service: &&Service| addresses(service).contains(&address);
    for taker in takers {
        if let Some(service) = services_of(taker, snapshot).find(has) {
            return AddressOf::Taker { service: service.meta.key() };
        }
        let named = taker.settings().args.iter().any(|flag| {
            flag.value.as_deref().is_some_and(|list| list.split(',').any(|named| named.trim() == address))
        });
        if named {
            return AddressOf::TakersArguments;
        }
    }
    for other in &snapshot.controllers {
        if let Some(service) = services_of(other, snapshot).find(has) {
            return AddressOf::Other { controller: other.workload.name.clone(), service: service.meta.key() };
        }
    }
    if let Some(service) = holder() {
        return AddressOf::Service(service.meta.key());
    }
    let says_its_services =
        |taker: &&Controller| publishes_services(taker, snapshot) && !publishes_nodes(taker);
    if !takers.is_empty() && takers.iter().all(says_its_services) {
        AddressOf::NotTakers
    } else {
        AddressOf::Untold
    }
}

/// Whether a controller's Services have the addresses that it is reached by.
#[must_use]
pub fn publishes_services(controller: &Controller, snapshot: &Snapshot) -> bool {
    let outside = match controller.kind {
        ControllerKind::AwsAlb | ControllerKind::Gce | ControllerKind::Agic | ControllerKind::Cilium => true,
        ControllerKind::IngressNginx
        | ControllerKind::Traefik
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::F5Nginx
        | ControllerKind::Haproxytech
        | ControllerKind::HaproxyIngress
        | ControllerKind::Contour
        | ControllerKind::Istio
        | ControllerKind::Kong
        | ControllerKind::Apisix
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute
        | ControllerKind::TraefikGateway => false,
    };
    let namespace = &controller.workload.name.namespace;
    let on_nodes = controller.pods.iter().any(|pod| match snapshot.pods.get(namespace, pod) {
        Lookup::Found(pod) => pod.host_network,
        Lookup::Absent | Lookup::Unseen(_) => true,
    });
    // A Service that has no address yet, or that was not seen, may have had this one.
    !outside
        && !on_nodes
        && snapshot.services.covers(namespace)
        && services_of(controller, snapshot).any(|service| !public_addresses(service).is_empty())
}

/// Whether a controller publishes the nodes of its pods, for want of a Service that it is told of.
fn publishes_nodes(controller: &Controller) -> bool {
    matches!(controller.kind, ControllerKind::IngressNginx | ControllerKind::HaproxyIngress)
        && controller.settings().value("publish-service").is_none_or(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::{Kind, ObjectKey, ObjectMeta};
    use crate::model::snapshot::Listing;

    fn controller(name: &str, args: &[&str]) -> Controller {
        Controller {
            kind: ControllerKind::IngressNginx,
            workload: ObjectKey::new(Kind::Deployment, "edge", name),
            container_index: 0,
            container: String::new(),
            image: String::new(),
            version: None,
            command: Vec::new(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            env: std::collections::BTreeMap::new(),
            pods: Vec::new(),
            config_map: None,
            services: vec![Name::new("edge", name)],
        }
    }

    fn service(name: &str, address: &str) -> Service {
        Service {
            meta: ObjectMeta { namespace: "edge".to_owned(), name: name.to_owned(), ..ObjectMeta::default() },
            cluster_ip: Some(format!("10.96.0.{}", name.len())),
            load_balancer: (!address.is_empty()).then(|| address.to_owned()).into_iter().collect(),
            ..Service::default()
        }
    }

    #[test]
    fn an_address_belongs_to_the_service_that_has_it() {
        let snapshot = Snapshot {
            services: Listing::complete(
                Kind::Service,
                vec![service("a", "192.0.2.1"), service("bb", "192.0.2.2"), service("ccc", "192.0.2.3")],
            ),
            controllers: vec![controller("a", &["--publish-service=edge/a"]), controller("bb", &[])],
            ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
        };
        let takers: Vec<&Controller> = snapshot.controllers.iter().take(1).collect();
        let name = |name: &str| Name::new("edge", name);
        for (address, expected) in [
            ("192.0.2.1", AddressOf::Taker { service: name("a") }),
            ("10.96.0.1", AddressOf::Taker { service: name("a") }),
            ("192.0.2.2", AddressOf::Other { controller: name("bb"), service: name("bb") }),
            ("192.0.2.3", AddressOf::Service(name("ccc"))),
            ("192.0.2.9", AddressOf::NotTakers),
        ] {
            assert_eq!(owner(address, &takers, &snapshot), expected, "{address}");
        }
        assert_eq!(owner("192.0.2.9", &[], &snapshot), AddressOf::Untold);
    }

    #[test]
    fn of_a_controller_that_publishes_its_nodes_no_address_is_called_strange() {
        let untold = controller("a", &[]);
        let snapshot = Snapshot {
            services: Listing::complete(Kind::Service, vec![service("a", "192.0.2.1")]),
            controllers: vec![untold.clone()],
            ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
        };
        assert_eq!(owner("192.0.2.9", &[&untold], &snapshot), AddressOf::Untold);
        let told = controller("a", &["--publish-service=edge/a"]);
        assert_eq!(owner("192.0.2.9", &[&told], &snapshot), AddressOf::NotTakers);
    }

    #[test]
    fn services_for_webhooks_and_metrics_are_no_entry() {
        let port = |name: &str, target: &str| ServicePort {
            name: Some(name.to_owned()),
            number: 443,
            target: PortRef::Name(target.to_owned()),
            node_port: None,
            protocol: "TCP".to_owned(),
        };
        for (name, target, expected) in [
            ("https", "https", true),
            ("websecure", "websecure", true),
            ("https-webhook", "webhook", false),
            ("metrics", "10254", false),
        ] {
            assert_eq!(takes_clients(&port(name, target)), expected, "{name}");
        }
    }

    #[test]
    fn without_a_service_address_to_compare_nothing_is_told() {
        let named = controller("a", &["--publish-status-address=192.0.2.7"]);
        let snapshot = Snapshot {
            services: Listing::complete(Kind::Service, vec![service("a", "")]),
            controllers: vec![named.clone()],
            ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
        };
        assert_eq!(owner("192.0.2.9", &[&named], &snapshot), AddressOf::Untold);
        assert_eq!(owner("192.0.2.7", &[&named], &snapshot), AddressOf::TakersArguments);
    }
}

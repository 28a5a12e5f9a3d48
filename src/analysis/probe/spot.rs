//! The places a probe can be aimed at: addresses and pods that the cluster names, nothing else.

use std::net::SocketAddr;

use super::{Refusal, socket};
use crate::analysis::entry;
use crate::analysis::facts::candidates::touches;
use crate::analysis::routing::Decision;
use crate::analysis::view::View;
use crate::model::controller::{Controller, ControllerKind};
use crate::model::ingress::{Ingress, PortRef};
use crate::model::object::{Kind, Name, Object, ObjectKey};
use crate::model::pod::Pod;
use crate::model::probe::{Target, Via};
use crate::model::request::{Request, Scheme};
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Lookup, Snapshot};

/// A place, and how to talk there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) to: ObjectKey,
    pub(super) place: Place,
    pub(super) tls: bool,
    pub(super) proxy_protocol: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Address(SocketAddr),
    Named { host: String, port: u16 },
    Pod { pod: Name, port: u16, address: Option<SocketAddr> },
}

/// Where the controller that counts is reached, best first.
pub(super) fn of_controller(
    view: &View<'_>,
    target: Target,
    via: Via,
    spread: bool,
    request: &Request,
    snapshot: &Snapshot,
) -> Vec<Spot> {
    match target {
        Target::Entry => entries(view, request, snapshot),
        Target::Controller | Target::Service | Target::Pod => {
            let Some(controller) = view.controller.filter(|controller| proxies_itself(controller, snapshot))
            else {
                return Vec::new();
            };
            let pods = controller_pods(controller, request, snapshot);
            let services = inner(controller, request, snapshot);
            let talks = |spots: Vec<Spot>| -> Vec<Spot> {
                let proxy_protocol = expects_proxy_protocol(view);
                spots.into_iter().map(|spot| Spot { proxy_protocol, ..spot }).collect()
            };
            talks(match via {
                Via::PortForward => pods,
                Via::Direct | Via::Exec | Via::Recorded if spread || services.is_empty() => pods,
                Via::Direct | Via::Exec | Via::Recorded => services,
            })
        }
    }
}

/// Whether the controller's own pods carry the traffic.
fn proxies_itself(controller: &Controller, snapshot: &Snapshot) -> bool {
    match controller.kind {
        ControllerKind::IngressNginx
        | ControllerKind::Traefik
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::TraefikGateway
        | ControllerKind::F5Nginx
        | ControllerKind::Haproxytech
        | ControllerKind::HaproxyIngress
        | ControllerKind::OpenshiftRouter => true,
        ControllerKind::Kong => {
            let namespace = &controller.workload.name.namespace;
            let pods = controller.pods.iter().filter_map(|pod| snapshot.pods.get(namespace, pod).found());
            pods.flat_map(|pod| &pod.containers).any(|container| container.name == "proxy")
        }
        ControllerKind::Contour
        | ControllerKind::Istio
        | ControllerKind::Cilium
        | ControllerKind::AwsAlb
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::Agic
        | ControllerKind::Spec
        | ControllerKind::HttpRoute => false,
    }
}

fn expects_proxy_protocol(view: &View<'_>) -> bool {
    match view.kind {
        ControllerKind::IngressNginx | ControllerKind::HaproxyIngress => {
            view.settings.config("use-proxy-protocol") == Some("true")
        }
        ControllerKind::F5Nginx => {
            view.settings.config("proxy-protocol").is_some_and(|value| value != "False" && value != "false")
        }
        ControllerKind::Traefik
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::TraefikGateway
        | ControllerKind::Haproxytech
        | ControllerKind::AwsAlb
        | ControllerKind::Contour
        | ControllerKind::Istio
        | ControllerKind::Cilium
        | ControllerKind::Kong
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute => false,
    }
}

/// The addresses clients use: of the controller's Services, else what the status of the host's
/// Ingresses says.
fn entries(view: &View<'_>, request: &Request, snapshot: &Snapshot) -> Vec<Spot> {
    let tls = request.scheme == Scheme::Https;
    let mut spots = Vec::new();
    let services =
        view.controller.into_iter().flat_map(|controller| entry::services_of(controller, snapshot));
    for service in services {
        let Some(port) = entry_port(service, request) else { continue };
        for address in entry::public_addresses(service) {
            let place = place(address, port.number);
            spots.push(Spot { to: service.object_key(), place, tls, proxy_protocol: false });
        }
    }
    if spots.is_empty() {
        for ingress in answering_first(view, request) {
            for address in &ingress.addresses {
                let place = place(address, request.effective_port());
                spots.push(Spot { to: ingress.object_key(), place, tls, proxy_protocol: false });
            }
        }
    }
    // Names need DNS, addresses do not.
    spots.sort_by_key(|spot| matches!(spot.place, Place::Named { .. }));
    spots
}

fn answering_first<'a>(view: &View<'a>, request: &Request) -> Vec<&'a Ingress> {
    let winner = view.decide(request).winner.map(|winner| winner.ingress);
    let host = request.host.as_str();
    let mut found: Vec<&Ingress> =
        view.adopted.iter().map(|(ingress, _)| *ingress).filter(|ingress| touches(ingress, host)).collect();
    found.sort_by_key(|ingress| (Some(ingress.meta.key()) != winner, ingress.meta.key()));
    found
}

fn place(address: &str, port: u16) -> Place {
    match socket(address, port) {
        Some(address) => Place::Address(address),
        None => Place::Named { host: address.to_owned(), port },
    }
}

/// The cluster addresses of the controller's Services.
fn inner(controller: &Controller, request: &Request, snapshot: &Snapshot) -> Vec<Spot> {
    entry::services_of(controller, snapshot)
        .filter_map(|service| {
            let port = entry_port(service, request)?;
            Some(Spot {
                to: service.object_key(),
                place: Place::Address(socket(service.cluster_ip.as_deref()?, port.number)?),
                tls: request.scheme == Scheme::Https,
                proxy_protocol: false,
            })
        })
        .collect()
}

/// The port of a controller's Service that takes such a request.
fn entry_port<'s>(service: &'s Service, request: &Request) -> Option<&'s ServicePort> {
    let names: &[&str] = match request.scheme {
        Scheme::Http => &["http", "web", "proxy", "kong-proxy"],
        Scheme::Https => &["https", "websecure", "tls", "proxy-tls", "kong-proxy-tls"],
    };
    let ports = || service.ports.iter().filter(|port| entry::takes_clients(port) && port.protocol != "UDP");
    ports()
        .find(|port| port.number == request.effective_port())
        .or_else(|| ports().find(|port| port.name.as_deref().is_some_and(|name| names.contains(&name))))
        .or_else(|| ports().find(|port| port.number == request.scheme.default_port()))
}

/// The controller's running pods with the port behind its Service, ready ones first.
fn controller_pods(controller: &Controller, request: &Request, snapshot: &Snapshot) -> Vec<Spot> {
    let namespace = &controller.workload.name.namespace;
    let mut pods: Vec<&Pod> = controller
        .pods
        .iter()
        .filter_map(|name| match snapshot.pods.get(namespace, name) {
            Lookup::Found(pod) => Some(pod),
            Lookup::Absent | Lookup::Unseen(_) => None,
        })
        .filter(|pod| pod.phase == "Running")
        .collect();
    pods.sort_by_key(|pod| (!pod.ready, pod.meta.name.as_str()));
    let behind = entry::services_of(controller, snapshot).find_map(|service| entry_port(service, request));
    pods.into_iter()
        .filter_map(|pod| {
            let port = match behind {
                Some(port) => pod_port(port, pod)?,
                None => own_port(controller, pod, request)?,
            };
            Some(Spot {
                to: pod.object_key(),
                place: Place::Pod {
                    pod: pod.meta.key(),
                    port,
                    address: pod.ip.as_deref().and_then(|ip| socket(ip, port)),
                },
                tls: request.scheme == Scheme::Https,
                proxy_protocol: false,
            })
        })
        .collect()
}

/// The container port that a Service's port stands for.
fn pod_port(port: &ServicePort, pod: &Pod) -> Option<u16> {
    match &port.target {
        PortRef::Number(number) => Some(*number),
        PortRef::Unset => Some(port.number),
        PortRef::Name(name) => pod
            .containers
            .iter()
            .flat_map(|container| &container.ports)
            .find(|port| port.name.as_deref() == Some(name))
            .map(|port| port.number),
    }
}

/// The port of the controller's container for this scheme, where no Service tells.
fn own_port(controller: &Controller, pod: &Pod, request: &Request) -> Option<u16> {
    let (names, numbers): (&[&str], &[u16]) = match request.scheme {
        Scheme::Http => (&["http", "web"], &[80, 8080, 8000]),
        Scheme::Https => (&["https", "websecure"], &[443, 8443]),
    };
    let container = pod.containers.iter().find(|container| container.name == controller.container)?;
    let named =
        container.ports.iter().find(|port| port.name.as_deref().is_some_and(|name| names.contains(&name)));
    let numbered = || container.ports.iter().find(|port| numbers.contains(&port.number));
    named.or_else(numbered).map(|port| port.number)
}

/// Where the backend of the rule that takes the request is reached, ready endpoints first.
pub(super) fn of_backend(
    view: &View<'_>,
    decision: &Decision,
    target: Target,
    via: Via,
    spread: bool,
    snapshot: &Snapshot,
) -> Result<Vec<Spot>, Refusal> {
    let winner = decision.winner.as_ref().ok_or(Refusal::NoBackend)?;
    let backend = winner.backend.as_ref().or(decision.one_of.first()).ok_or(Refusal::NoBackend)?;
    let Lookup::Found(service) = snapshot.services.get(&backend.service.namespace, &backend.service.name)
    else {
        return Ok(Vec::new());
    };
    if service.is_external_name() {
        return Err(Refusal::BackendOutside { service: backend.service.clone() });
    }
    let Some(port) = service.port(&backend.port) else { return Ok(Vec::new()) };
    let tls = speaks_tls(view, &winner.ingress, port);
    let endpoints = endpoints(service, port, tls, snapshot);
    let whole = service.cluster_ip.as_deref().and_then(|ip| socket(ip, port.number));
    Ok(match (target, via, whole) {
        (Target::Service, Via::Direct | Via::Exec | Via::Recorded, Some(address)) if !spread => vec![Spot {
            to: service.object_key(),
            place: Place::Address(address),
            tls,
            proxy_protocol: false,
        }],
        (Target::Entry | Target::Controller | Target::Service | Target::Pod, _, _) => endpoints,
    })
}

/// Whether the controller talks TLS to this backend.
fn speaks_tls(view: &View<'_>, ingress: &Name, port: &ServicePort) -> bool {
    let prefix = view.settings.value("annotations-prefix").unwrap_or("nginx.ingress.kubernetes.io");
    let key = format!("{prefix}/backend-protocol");
    let told = view
        .adopted
        .iter()
        .find(|(adopted, _)| adopted.meta.key() == *ingress)
        .and_then(|(adopted, _)| adopted.meta.annotation(&key));
    match told {
        Some(protocol) => matches!(protocol, "HTTPS" | "GRPCS"),
        None => match view.kind {
            ControllerKind::Traefik => {
                port.number == 443 || port.name.as_deref().is_some_and(|name| name.starts_with("https"))
            }
            ControllerKind::IngressNginx
            | ControllerKind::TraefikIngressNginx
            | ControllerKind::TraefikGateway
            | ControllerKind::F5Nginx
            | ControllerKind::Haproxytech
            | ControllerKind::HaproxyIngress
            | ControllerKind::AwsAlb
            | ControllerKind::Contour
            | ControllerKind::Istio
            | ControllerKind::Cilium
            | ControllerKind::Kong
            | ControllerKind::Gce
            | ControllerKind::Apisix
            | ControllerKind::Agic
            | ControllerKind::OpenshiftRouter
            | ControllerKind::Spec
            | ControllerKind::HttpRoute => false,
        },
    }
}

/// What the slices of a Service list for a port.
fn endpoints(service: &Service, port: &ServicePort, tls: bool, snapshot: &Snapshot) -> Vec<Spot> {
    let Lookup::Found(slices) = snapshot.slices_of(&service.meta.key()) else { return Vec::new() };
    let mut found = Vec::new();
    for slice in slices {
        let number = slice
            .ports
            .iter()
            .find(|listed| {
                listed.name.as_deref().unwrap_or_default() == port.name.as_deref().unwrap_or_default()
            })
            .and_then(|listed| listed.number);
        let Some(number) = number else { continue };
        for endpoint in &slice.endpoints {
            let Some(address) = endpoint.addresses.first().and_then(|ip| socket(ip, number)) else {
                continue;
            };
            let (to, place) = match &endpoint.pod {
                Some(pod) => {
                    let pod = Name::new(&service.meta.namespace, pod);
                    let to = ObjectKey { kind: Kind::Pod, name: pod.clone() };
                    (to, Place::Pod { pod, port: number, address: Some(address) })
                }
                None => (service.object_key(), Place::Address(address)),
            };
            found.push((!endpoint.ready, address, Spot { to, place, tls, proxy_protocol: false }));
        }
    }
    found.sort_by(|a, b| (a.0, &a.2.to, a.1).cmp(&(b.0, &b.2.to, b.1)));
    // Of a pod with two addresses one is enough.
    found.dedup_by(|a, b| a.2.to == b.2.to && matches!(a.2.place, Place::Pod { .. }));
    found.into_iter().map(|(_, _, spot)| spot).collect()
}

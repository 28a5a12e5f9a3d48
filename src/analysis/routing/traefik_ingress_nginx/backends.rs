//! Where a backend's requests go: its Service, or the Service of the annotation `default-backend` when
//! nobody is behind it.
//!
//! A Service that cannot be resolved makes an empty backend, and the route stays: 503.
//! Source: traefik/traefik `pkg/provider/kubernetes/ingress-nginx/build.go` (`getBackendEndpoints`,
//! `getServicePort`), v3.7.13.

use super::options::{Global, Options};
use crate::analysis::routing::traefik::endpoints::{Endpoints, Servers};
use crate::analysis::routing::{Note, Target};
use crate::model::ingress::PortRef;
use crate::model::object::Name;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Lookup, Snapshot};

/// A backend that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resolved {
    /// With the number of the port where it is known.
    pub(super) target: Target,
    pub(super) servers: Servers,
    /// What is wrong, if anything.
    pub(super) note: Option<Note>,
    /// It could not be resolved at all.
    pub(super) failed: bool,
}

pub(super) struct Backends<'a> {
    snapshot: &'a Snapshot,
    endpoints: Endpoints<'a>,
    global: &'a Global,
}

impl<'a> Backends<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, global: &'a Global) -> Self {
        Self { snapshot, endpoints: Endpoints::new(snapshot), global }
    }

    pub(super) fn resolve(&self, asked: Target, options: &Options) -> Resolved {
        let name = asked.service.clone();
        let service = match self.service(&name) {
            Lookup::Found(service) => service,
            Lookup::Absent => return failed(asked, Note::ServiceMissing(name)),
            Lookup::Unseen(_) => return settled(asked, Servers::Unseen),
        };
        if service.is_external_name() && !self.global.external_names {
            return failed(asked, Note::ExternalNameBarred(name));
        }
        let Some(port) = port_of(service, &asked.port) else {
            if service.is_external_name() {
                return settled(asked, Servers::Ready);
            }
            let port = asked.port.clone();
            return failed(asked, Note::PortMissing { service: name, port });
        };
        let target = Target { port: PortRef::Number(port.number), ..asked };
        if service.is_external_name() {
            return settled(target, Servers::Ready);
        }
        if options.service_upstream {
            let servers = match service.cluster_ip.as_deref() {
                Some("None") => Servers::Refusing,
                Some(_) | None => self.endpoints.by_address(service, port),
            };
            return settled(target, servers);
        }
        let servers = self.endpoints.behind(service, port);
        let spare = &options.default_backend;
        if servers != Servers::Nobody || spare.is_empty() || *spare == name.name {
            return settled(target, servers);
        }
        self.spare(target, Name::new(&name.namespace, spare))
    }

    /// The first port of the Service that stands in for another.
    fn spare(&self, target: Target, spare: Name) -> Resolved {
        match self.service(&spare) {
            Lookup::Found(service) if service.is_external_name() && !self.global.external_names => {
                settled(target, Servers::Nobody)
            }
            Lookup::Found(service) => match service.ports.first() {
                Some(port) => {
                    let servers = self.endpoints.behind(service, port);
                    if servers == Servers::Nobody {
                        return settled(target, servers);
                    }
                    settled(Target { service: spare, port: PortRef::Number(port.number) }, servers)
                }
                None => settled(target, Servers::Nobody),
            },
            Lookup::Absent => settled(target, Servers::Nobody),
            Lookup::Unseen(_) => settled(target, Servers::Unseen),
        }
    }

    fn service(&self, name: &Name) -> Lookup<&'a Service> {
        if self.global.watches(&name.namespace, self.snapshot) {
            self.endpoints.service(name)
        } else {
            Lookup::Absent
        }
    }
}

fn settled(target: Target, servers: Servers) -> Resolved {
    let note = servers.note(&target);
    Resolved { target, servers, note, failed: false }
}

fn failed(target: Target, note: Note) -> Resolved {
    Resolved { target, servers: Servers::Nobody, note: Some(note), failed: true }
}

/// Without a port it is the first one.
fn port_of<'s>(service: &'s Service, wanted: &PortRef) -> Option<&'s ServicePort> {
    match wanted {
        PortRef::Unset => service.ports.first(),
        PortRef::Number(_) | PortRef::Name(_) => service.port(wanted),
    }
}

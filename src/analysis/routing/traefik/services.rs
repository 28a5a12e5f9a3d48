//! Services as the provider loads them; one that cannot be loaded takes its routers with it.
//!
//! Source: traefik/traefik `pkg/provider/kubernetes/ingress/kubernetes.go` (`loadService`), v3.7.13.

use std::collections::HashMap;
use std::rc::Rc;

use super::annotations;
use super::endpoints::{Endpoints, Servers};
use crate::analysis::routing::{Input, Note, Target};
use crate::model::ingress::PortRef;
use crate::model::snapshot::Lookup;

/// A Service that was loaded.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    /// The Service's own number, where it was seen.
    pub(super) port: PortRef,
    pub(super) servers: Servers,
    pub(super) middlewares: Rc<[String]>,
}

pub(super) struct Services<'a> {
    endpoints: Endpoints<'a>,
    allow_empty: bool,
    external_names: bool,
    native_lb: bool,
    loaded: HashMap<Target, Result<Loaded, Note>>,
}

impl<'a> Services<'a> {
    pub(super) fn new(input: &Input<'a>, allow_empty: bool) -> Self {
        let flag = |name: &str| input.settings.is_set(&format!("providers.kubernetesingress.{name}"));
        Self {
            endpoints: Endpoints::new(input.snapshot),
            allow_empty,
            external_names: flag("allowexternalnameservices"),
            native_lb: flag("nativelbbydefault"),
            loaded: HashMap::new(),
        }
    }

    /// The Service, or why it makes no router.
    pub(super) fn load(&mut self, target: &Target) -> Result<Loaded, Note> {
        if let Some(known) = self.loaded.get(target) {
            return known.clone();
        }
        let loaded = self.read(target);
        self.loaded.insert(target.clone(), loaded.clone());
        loaded
    }

    fn read(&self, target: &Target) -> Result<Loaded, Note> {
        let name = &target.service;
        let service = match self.endpoints.service(name) {
            Lookup::Found(service) => service,
            Lookup::Absent => return Err(Note::ServiceMissing(name.clone())),
            Lookup::Unseen(_) => {
                let port = target.port.clone();
                return Ok(Loaded { port, servers: Servers::Unseen, middlewares: Rc::default() });
            }
        };
        if service.is_external_name() && !self.external_names {
            return Err(Note::ExternalNameBarred(name.clone()));
        }
        let Some(port) = service.port(&target.port) else {
            return Err(Note::PortMissing { service: name.clone(), port: target.port.clone() });
        };
        let options = annotations::Service::read(&service.meta.annotations)
            .map_err(|annotations::Unreadable(key)| Note::ServiceAnnotation { service: name.clone(), key })?;
        let node_ports = options.node_port_lb && service.service_type == "NodePort";
        let servers = if service.is_external_name() {
            Servers::Ready
        } else if node_ports {
            // Nodes are not read.
            Servers::Unseen
        } else if options.native_lb.unwrap_or(self.native_lb) {
            match service.cluster_ip.as_deref() {
                None | Some("" | "None") => {
                    let key = format!("{}service.nativelb", annotations::PREFIX);
                    return Err(Note::ServiceAnnotation { service: name.clone(), key });
                }
                Some(_) => self.endpoints.by_address(service, port),
            }
        } else {
            self.endpoints.behind(service, port)
        };
        if servers == Servers::Nobody && !self.allow_empty {
            return Err(Note::NoReadyEndpoints(name.clone()));
        }
        let number = PortRef::Number(port.number);
        Ok(Loaded { port: number, servers, middlewares: options.middlewares.into() })
    }
}

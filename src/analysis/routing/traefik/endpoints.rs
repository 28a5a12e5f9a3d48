//! Whether a Service port has a server to send requests to, as both Ingress providers find out.
//!
//! A port is matched by number or by name, never by targetPort. An endpoint counts when it is
//! *serving*, ready or not; one that is terminating too is a server that gets no new requests. What was
//! not listed is `Unseen`.
//! Sources: traefik/traefik `pkg/provider/kubernetes/ingress/kubernetes.go` (`loadService`),
//! `pkg/provider/kubernetes/ingress-nginx/build.go` (`getBackendEndpoints`),
//! `pkg/server/service/loadbalancer/wrr/wrr.go`, v3.7.13.

use std::collections::HashMap;

use crate::analysis::routing::{Note, Target};
use crate::model::endpoints::{EndpointSlice, SERVICE_LABEL};
use crate::model::object::Name;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Lookup, Snapshot};

/// What stands behind a Service port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Servers {
    Ready,
    /// Only such as are shutting down.
    Leaving,
    Nobody,
    /// An address at which nothing listens.
    Refusing,
    Unseen,
}

impl Servers {
    /// The status with which the proxy itself answers; `None` where a server does.
    pub(in crate::analysis::routing) const fn status(self) -> Option<u16> {
        match self {
            Self::Ready | Self::Unseen => None,
            Self::Leaving | Self::Nobody => Some(503),
            Self::Refusing => Some(502),
        }
    }

    pub(in crate::analysis::routing) fn note(self, target: &Target) -> Option<Note> {
        match self {
            Self::Ready => None,
            Self::Leaving | Self::Nobody | Self::Refusing => {
                Some(Note::NoReadyEndpoints(target.service.clone()))
            }
            Self::Unseen => Some(Note::BackendUnseen(target.service.clone())),
        }
    }
}

/// Services and their slices, indexed once.
pub(in crate::analysis::routing) struct Endpoints<'a> {
    snapshot: &'a Snapshot,
    slices: HashMap<(&'a str, &'a str), Vec<&'a EndpointSlice>>,
}

impl<'a> Endpoints<'a> {
    pub(in crate::analysis::routing) fn new(snapshot: &'a Snapshot) -> Self {
        let mut slices: HashMap<(&str, &str), Vec<&EndpointSlice>> = HashMap::new();
        for slice in snapshot.slices.items() {
            if let Some(service) = slice.meta.labels.get(SERVICE_LABEL) {
                slices.entry((slice.meta.namespace.as_str(), service.as_str())).or_default().push(slice);
            }
        }
        Self { snapshot, slices }
    }

    pub(in crate::analysis::routing) fn service(&self, name: &Name) -> Lookup<&'a Service> {
        self.snapshot.services.get(&name.namespace, &name.name)
    }

    /// The servers behind a port, by its slices.
    pub(in crate::analysis::routing) fn behind(&self, service: &Service, port: &ServicePort) -> Servers {
        let key = (service.meta.namespace.as_str(), service.meta.name.as_str());
        let slices = self.slices.get(&key).map(Vec::as_slice).unwrap_or_default();
        let wanted = port.name.as_deref().unwrap_or_default();
        let mut leaving = false;
        for slice in slices {
            let named = slice.ports.iter().find(|port| port.name.as_deref().unwrap_or_default() == wanted);
            if named.and_then(|port| port.number).is_none_or(|number| number == 0) {
                continue;
            }
            for endpoint in slice.endpoints.iter().filter(|endpoint| !endpoint.addresses.is_empty()) {
                match (endpoint.serving || endpoint.ready, endpoint.terminating) {
                    (true, false) => return Servers::Ready,
                    (true, true) => leaving = true,
                    (false, _) => {}
                }
            }
        }
        if !self.snapshot.slices.covers(&service.meta.namespace) {
            Servers::Unseen
        } else if leaving {
            Servers::Leaving
        } else {
            Servers::Nobody
        }
    }

    /// The Service's own address, behind which somebody must be: it leads to those that are shutting down
    /// where there is nobody else.
    pub(in crate::analysis::routing) fn by_address(&self, service: &Service, port: &ServicePort) -> Servers {
        match self.behind(service, port) {
            Servers::Nobody => Servers::Refusing,
            Servers::Leaving => Servers::Ready,
            other @ (Servers::Ready | Servers::Refusing | Servers::Unseen) => other,
        }
    }
}

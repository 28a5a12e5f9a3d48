//! The second link: does the Service have the port that the Ingress names.

use crate::model::ingress::PortRef;
use crate::model::service::{Service, ServicePort};

use super::State;
use super::service::alike;

/// The outcome of looking for the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortLink {
    Found(ServicePort),
    /// No port is called so, but this one's targetPort is: the Ingress names the container's port.
    /// ingress-nginx takes it all the same, others do not.
    NamesTarget(ServicePort),
    Missing {
        /// What ports there are, in order.
        has: Vec<ServicePort>,
        /// The names most like the wanted one.
        nearest: Vec<String>,
    },
    /// An ExternalName Service that declares no such port: the number itself is used.
    Undeclared,
}

impl PortLink {
    pub(super) fn state(&self) -> State {
        match self {
            Self::Found(_) | Self::Undeclared => State::Whole,
            Self::NamesTarget(_) | Self::Missing { .. } => State::Broken,
        }
    }

    /// The port of the Service that is meant.
    #[must_use]
    pub fn port(&self) -> Option<&ServicePort> {
        match self {
            Self::Found(port) | Self::NamesTarget(port) => Some(port),
            Self::Missing { .. } | Self::Undeclared => None,
        }
    }
}

pub(super) fn find(service: &Service, wanted: &PortRef) -> PortLink {
    let named = |port: &&ServicePort| match wanted {
        PortRef::Number(number) => port.number == *number,
        PortRef::Name(name) => port.name.as_deref() == Some(name),
        PortRef::Unset => false,
    };
    // TCP first: one number may stand for a TCP and a UDP port.
    let tcp_first = |test: &dyn Fn(&&ServicePort) -> bool| {
        let mut ports = service.ports.iter().filter(test);
        let first = ports.next();
        first
            .filter(|port| port.protocol == "TCP")
            .or_else(|| ports.find(|port| port.protocol == "TCP"))
            .or(first)
    };
    if let Some(port) = tcp_first(&named) {
        return PortLink::Found(port.clone());
    }
    if service.is_external_name() && matches!(wanted, PortRef::Number(_)) {
        return PortLink::Undeclared;
    }
    if let Some(port) = tcp_first(&|port| port.target == *wanted) {
        return PortLink::NamesTarget(port.clone());
    }
    PortLink::Missing {
        nearest: match wanted {
            PortRef::Name(name) => alike(name, service.ports.iter().filter_map(|port| port.name.as_deref())),
            PortRef::Number(_) | PortRef::Unset => Vec::new(),
        },
        has: service.ports.clone(),
    }
}

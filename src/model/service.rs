//! `v1` Service.

use std::collections::BTreeMap;

use super::ingress::PortRef;
use super::object::{Kind, Object, ObjectMeta};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Service {
    pub meta: ObjectMeta,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`; empty reads as `ClusterIP`.
    pub service_type: String,
    /// `None` string for headless Services, as the API spells it.
    pub cluster_ip: Option<String>,
    pub external_name: Option<String>,
    pub external_ips: Vec<String>,
    /// `status.loadBalancer.ingress[]`, IP or host name.
    pub load_balancer: Vec<String>,
    /// Empty: endpoints are managed by somebody else.
    pub selector: BTreeMap<String, String>,
    pub ports: Vec<ServicePort>,
}

/// One entry of `spec.ports`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    pub name: Option<String>,
    pub number: u16,
    /// Number or name of a container port; absent reads as the port's own number.
    pub target: PortRef,
    pub node_port: Option<u16>,
    pub protocol: String,
}

impl Service {
    #[must_use]
    pub fn is_external_name(&self) -> bool {
        self.service_type == "ExternalName"
    }

    /// The port an Ingress backend names, by number or by name.
    #[must_use]
    pub fn port(&self, wanted: &PortRef) -> Option<&ServicePort> {
        self.ports.iter().find(|port| match wanted {
            PortRef::Number(number) => port.number == *number,
            PortRef::Name(name) => port.name.as_deref() == Some(name),
            PortRef::Unset => false,
        })
    }
}

impl Object for Service {
    fn kind(&self) -> Kind {
        Kind::Service
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

//! `discovery.k8s.io/v1` EndpointSlice.

use super::object::{Kind, Name, Object, ObjectMeta};

/// The label that names the Service a slice belongs to.
pub const SERVICE_LABEL: &str = "kubernetes.io/service-name";

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointSlice {
    pub meta: ObjectMeta,
    pub address_type: String,
    pub ports: Vec<EndpointPort>,
    pub endpoints: Vec<Endpoint>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EndpointPort {
    pub name: Option<String>,
    pub number: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoint {
    pub addresses: Vec<String>,
    /// Unset reads as ready, as the API says.
    pub ready: bool,
    pub serving: bool,
    pub terminating: bool,
    /// The Pod behind it, when `targetRef` names one.
    pub pod: Option<String>,
}

impl EndpointSlice {
    /// The Service this slice belongs to.
    #[must_use]
    pub fn service(&self) -> Option<Name> {
        let name = self.meta.labels.get(SERVICE_LABEL)?;
        Some(Name::new(&self.meta.namespace, name))
    }
}

impl Object for EndpointSlice {
    fn kind(&self) -> Kind {
        Kind::EndpointSlice
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

//! `gateway.networking.k8s.io` GatewayClass and Gateway, as far as routing depends on them.

use super::object::{Kind, Name, Object, ObjectMeta};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayClass {
    pub meta: ObjectMeta,
    /// `spec.controllerName`, immutable.
    pub controller: String,
    /// `status.conditions` of type `Accepted`: whether some implementation took the class.
    pub accepted: Condition,
}

/// A condition of a status. Statuses are what somebody saw at some time, never what holds by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Condition {
    True,
    False,
    /// Unknown, such as the API's own "waiting for controller".
    Pending,
    /// The status does not mention it.
    #[default]
    Unset,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gateway {
    pub meta: ObjectMeta,
    /// `spec.gatewayClassName`.
    pub class: String,
    /// In order, so that an index is a field path.
    pub listeners: Vec<Listener>,
    /// `status.addresses[].value`, in order.
    pub addresses: Vec<String>,
}

/// One entry of `spec.listeners`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    pub name: String,
    /// Empty takes every host.
    pub hostname: String,
    pub port: u16,
    pub protocol: Protocol,
    pub tls: Option<ListenerTls>,
    /// Whose routes may attach.
    pub namespaces: FromNamespaces,
    /// Empty: the kinds that go with the protocol.
    pub kinds: Vec<RouteKind>,
    /// Of its status: that it serves at all.
    pub programmed: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Http,
    Https,
    Tls,
    /// `TCP`, `UDP`, or an implementation's own.
    Other(String),
}

/// `tls` of a listener.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListenerTls {
    /// Passed through undecrypted: then there is no HTTP to route by.
    pub passthrough: bool,
    pub certificates: Vec<CertificateRef>,
}

/// One entry of `tls.certificateRefs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRef {
    /// Whether it names a core `Secret`; what else it names is an implementation's own.
    pub is_secret: bool,
    pub name: Name,
}

/// `allowedRoutes.namespaces`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FromNamespaces {
    #[default]
    Same,
    All,
    /// A label selector, written as `kubectl` takes it.
    Selector(String),
    /// `None`, or a word of a later version.
    Nobody,
}

/// One entry of `allowedRoutes.kinds`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteKind {
    pub group: String,
    pub kind: String,
}

impl Object for GatewayClass {
    fn kind(&self) -> Kind {
        Kind::GatewayClass
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

impl Object for Gateway {
    fn kind(&self) -> Kind {
        Kind::Gateway
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

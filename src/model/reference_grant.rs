//! `gateway.networking.k8s.io` ReferenceGrant: which objects of other namespaces may refer to this one's.

use super::object::{Kind, Object, ObjectMeta};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReferenceGrant {
    pub meta: ObjectMeta,
    pub from: Vec<GrantFrom>,
    pub to: Vec<GrantTo>,
}

/// One entry of `spec.from`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantFrom {
    pub group: String,
    pub kind: String,
    pub namespace: String,
}

/// One entry of `spec.to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantTo {
    /// Empty for the core group.
    pub group: String,
    pub kind: String,
    /// `None` or empty: every object of the kind.
    pub name: Option<String>,
}

impl ReferenceGrant {
    /// Whether an HTTPRoute of a namespace may refer to this Service of the grant's namespace.
    #[must_use]
    pub fn lets_route_to_service(&self, route_namespace: &str, service: &str) -> bool {
        self.grants(Kind::HttpRoute, route_namespace, Kind::Service, service)
    }

    /// Whether a Gateway of a namespace may use this Secret of the grant's namespace.
    #[must_use]
    pub fn lets_gateway_use_secret(&self, gateway_namespace: &str, secret: &str) -> bool {
        self.grants(Kind::Gateway, gateway_namespace, Kind::Secret, secret)
    }

    fn grants(&self, of: Kind, namespace: &str, kind: Kind, name: &str) -> bool {
        let from = |from: &GrantFrom| {
            from.group == of.api_group() && from.kind == of.as_str() && from.namespace == namespace
        };
        let to = |to: &GrantTo| {
            to.group == kind.api_group()
                && to.kind == kind.as_str()
                && to.name.as_deref().is_none_or(|one| one.is_empty() || one == name)
        };
        self.from.iter().any(from) && self.to.iter().any(to)
    }
}

impl Object for ReferenceGrant {
    fn kind(&self) -> Kind {
        Kind::ReferenceGrant
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

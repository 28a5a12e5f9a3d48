//! `networking.k8s.io/v1` IngressClass.

use k8s_openapi::api::networking::v1 as api;

use super::object::meta;
use crate::model::ingress_class::IngressClass;

/// An IngressClass.
pub fn ingress_class(object: api::IngressClass) -> IngressClass {
    let api::IngressClass { metadata, spec } = object;
    IngressClass { meta: meta(metadata), controller: spec.and_then(|spec| spec.controller) }
}

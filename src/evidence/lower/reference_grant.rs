//! `gateway.networking.k8s.io` ReferenceGrant, of `v1beta1` or `v1`, which are alike.
//!
//! Source: kubernetes-sigs/gateway-api `apis/v1beta1/referencegrant_types.go` @4564255ac.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use super::object::meta;
use crate::model::reference_grant::{GrantFrom, GrantTo, ReferenceGrant};

/// The wire form of a ReferenceGrant.
#[derive(Debug, Deserialize)]
pub struct ReferenceGrantObject {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    from: Vec<WireFrom>,
    to: Vec<WireTo>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireFrom {
    group: String,
    kind: String,
    namespace: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireTo {
    group: String,
    kind: String,
    name: Option<String>,
}

/// A ReferenceGrant.
pub fn reference_grant(object: ReferenceGrantObject) -> ReferenceGrant {
    let ReferenceGrantObject { metadata, spec: Spec { from, to } } = object;
    ReferenceGrant {
        meta: meta(metadata),
        from: from
            .into_iter()
            .map(|WireFrom { group, kind, namespace }| GrantFrom { group, kind, namespace })
            .collect(),
        to: to.into_iter().map(|WireTo { group, kind, name }| GrantTo { group, kind, name }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_grant_names_who_may_refer_to_what() {
        let object: ReferenceGrantObject = serde_json::from_value(json!({
            "metadata": {"namespace": "data", "name": "g"},
            "spec": {
                "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "shop"}],
                "to": [{"group": "", "kind": "Service", "name": "db"}, {"group": "", "kind": "Secret"}],
            },
        }))
        .expect("a ReferenceGrant");
        let grant = reference_grant(object);
        for (namespace, service, expected) in
            [("shop", "db", true), ("shop", "x", false), ("web", "db", false)]
        {
            assert_eq!(grant.lets_route_to_service(namespace, service), expected, "{namespace} {service}");
        }
    }
}

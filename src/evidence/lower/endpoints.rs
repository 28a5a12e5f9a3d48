//! `discovery.k8s.io/v1` EndpointSlice.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::discovery::v1 as api;

use super::object::meta;
use super::port;
use crate::model::endpoints::{Endpoint, EndpointPort, EndpointSlice};

/// An EndpointSlice; unset conditions read as the API documents.
pub fn endpoint_slice(object: api::EndpointSlice) -> EndpointSlice {
    let api::EndpointSlice { address_type, endpoints, metadata, ports } = object;
    EndpointSlice {
        meta: meta(metadata),
        address_type,
        ports: ports
            .unwrap_or_default()
            .into_iter()
            .map(|api::EndpointPort { name, port: number, app_protocol: _, protocol: _ }| EndpointPort {
                name: name.filter(|name| !name.is_empty()),
                number: number.and_then(port),
            })
            .collect(),
        endpoints: endpoints.into_iter().map(endpoint).collect(),
    }
}

fn endpoint(endpoint: api::Endpoint) -> Endpoint {
    let api::Endpoint { addresses, conditions, target_ref, .. } = endpoint;
    let api::EndpointConditions { ready, serving, terminating } = conditions.unwrap_or_default();
    let ready = ready.unwrap_or(true);
    Endpoint {
        addresses,
        ready,
        serving: serving.unwrap_or(ready),
        terminating: terminating.unwrap_or(false),
        pod: target_ref
            .filter(|ObjectReference { kind, .. }| kind.as_deref() == Some("Pod"))
            .and_then(|ObjectReference { name, .. }| name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unset_conditions_read_as_the_api_says() {
        let object: api::EndpointSlice = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "ports": [{"name": "", "port": 8080}, {"name": "m"}],
            "endpoints": [
                {"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "web-1"}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": false}},
                {"addresses": ["10.0.0.3"], "conditions": {"ready": false, "serving": true, "terminating": true},
                 "targetRef": {"kind": "Node", "name": "n"}},
            ],
        }))
        .expect("slice");
        let slice = endpoint_slice(object);
        assert_eq!(slice.service().expect("service").name, "web");
        assert_eq!(slice.ports.iter().map(|p| p.number).collect::<Vec<_>>(), [Some(8080), None]);
        let seen: Vec<_> =
            slice.endpoints.iter().map(|e| (e.ready, e.serving, e.terminating, e.pod.as_deref())).collect();
        assert_eq!(
            seen,
            [(true, true, false, Some("web-1")), (false, false, false, None), (false, true, true, None)]
        );
    }
}

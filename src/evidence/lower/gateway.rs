//! `gateway.networking.k8s.io` GatewayClass and Gateway, of `v1` or `v1beta1`, which are alike.
//!
//! Read are the fields that routing depends on; what is unknown or missing is passed over, because a
//! cluster may have installed a later version than any that is known here.
//! Source: kubernetes-sigs/gateway-api `apis/v1/{gateway,gatewayclass}_types.go` @4564255ac.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement, ObjectMeta};
use serde::Deserialize;

use super::object::meta;
use super::port;
use crate::model::gateway::{
    CertificateRef, Condition, FromNamespaces, Gateway, GatewayClass, Listener, ListenerTls, Protocol,
    RouteKind,
};
use crate::model::object::{Kind, Name};

/// The wire form of a GatewayClass.
#[derive(Debug, Deserialize)]
pub struct GatewayClassObject {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: ClassSpec,
    #[serde(default)]
    status: Option<ConditionsOnly>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClassSpec {
    controller_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ConditionsOnly {
    conditions: Vec<WireCondition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireCondition {
    r#type: String,
    status: String,
}

/// The wire form of a Gateway.
#[derive(Debug, Deserialize)]
pub struct GatewayObject {
    metadata: ObjectMeta,
    #[serde(default)]
    spec: GatewaySpec,
    #[serde(default)]
    status: Option<GatewayStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GatewaySpec {
    gateway_class_name: String,
    listeners: Vec<WireListener>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireListener {
    name: String,
    hostname: Option<String>,
    port: i32,
    protocol: String,
    tls: Option<WireTls>,
    allowed_routes: Option<AllowedRoutes>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireTls {
    mode: Option<String>,
    certificate_refs: Vec<WireCertificateRef>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireCertificateRef {
    group: Option<String>,
    kind: Option<String>,
    name: String,
    namespace: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AllowedRoutes {
    namespaces: Option<RouteNamespaces>,
    kinds: Vec<RouteGroupKind>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouteNamespaces {
    from: Option<String>,
    selector: Option<LabelSelector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouteGroupKind {
    group: Option<String>,
    kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GatewayStatus {
    addresses: Vec<WireAddress>,
    listeners: Vec<ListenerStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireAddress {
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListenerStatus {
    name: String,
    conditions: Vec<WireCondition>,
}

/// A GatewayClass.
pub fn gateway_class(object: GatewayClassObject) -> GatewayClass {
    let GatewayClassObject { metadata, spec: ClassSpec { controller_name }, status } = object;
    GatewayClass {
        meta: meta(metadata),
        controller: controller_name,
        accepted: condition(&status.unwrap_or_default().conditions, "Accepted"),
    }
}

/// A Gateway.
pub fn gateway(object: GatewayObject) -> Gateway {
    let GatewayObject { metadata, spec: GatewaySpec { gateway_class_name, listeners }, status } = object;
    let GatewayStatus { addresses, listeners: statuses } = status.unwrap_or_default();
    let meta = meta(metadata);
    let listeners = listeners.into_iter().map(|one| listener(one, &meta.namespace, &statuses)).collect();
    Gateway {
        class: gateway_class_name,
        listeners,
        addresses: addresses
            .into_iter()
            .map(|address| address.value)
            .filter(|value| !value.is_empty())
            .collect(),
        meta,
    }
}

fn listener(listener: WireListener, namespace: &str, statuses: &[ListenerStatus]) -> Listener {
    let WireListener { name, hostname, port: number, protocol, tls, allowed_routes } = listener;
    let AllowedRoutes { namespaces, kinds } = allowed_routes.unwrap_or_default();
    let status = statuses.iter().find(|status| status.name == name);
    Listener {
        hostname: hostname.unwrap_or_default(),
        port: port(number).unwrap_or_default(),
        protocol: match protocol.as_str() {
            "HTTP" => Protocol::Http,
            "HTTPS" => Protocol::Https,
            "TLS" => Protocol::Tls,
            _ => Protocol::Other(protocol),
        },
        tls: tls.map(|tls| listener_tls(tls, namespace)),
        namespaces: from_namespaces(namespaces.unwrap_or_default()),
        kinds: kinds
            .into_iter()
            .map(|RouteGroupKind { group, kind }| RouteKind {
                group: group.unwrap_or_else(|| Kind::HttpRoute.api_group().to_owned()),
                kind,
            })
            .collect(),
        programmed: status.map(|status| condition(&status.conditions, "Programmed")).unwrap_or_default(),
        name,
    }
}

fn listener_tls(tls: WireTls, namespace: &str) -> ListenerTls {
    let WireTls { mode, certificate_refs } = tls;
    ListenerTls {
        passthrough: mode.as_deref() == Some("Passthrough"),
        certificates: certificate_refs
            .into_iter()
            .map(|WireCertificateRef { group, kind, name, namespace: of }| CertificateRef {
                is_secret: group.is_none_or(|group| group.is_empty())
                    && kind.is_none_or(|kind| kind == Kind::Secret.as_str()),
                name: Name::new(of.filter(|of| !of.is_empty()).unwrap_or_else(|| namespace.to_owned()), name),
            })
            .collect(),
    }
}

fn from_namespaces(namespaces: RouteNamespaces) -> FromNamespaces {
    let RouteNamespaces { from, selector } = namespaces;
    match from.as_deref() {
        None | Some("Same" | "") => FromNamespaces::Same,
        Some("All") => FromNamespaces::All,
        // An empty selector takes everything, none at all takes nothing.
        Some("Selector") => selector
            .map_or(FromNamespaces::Nobody, |selector| FromNamespaces::Selector(selector_text(selector))),
        Some(_) => FromNamespaces::Nobody,
    }
}

/// A label selector as `kubectl` takes it.
fn selector_text(selector: LabelSelector) -> String {
    let LabelSelector { match_expressions, match_labels } = selector;
    let labels = match_labels.unwrap_or_default().into_iter().map(|(key, value)| format!("{key}={value}"));
    let expressions = match_expressions.unwrap_or_default().into_iter().map(
        |LabelSelectorRequirement { key, operator, values }| {
            let values = values.unwrap_or_default().join(",");
            match operator.as_str() {
                "In" => format!("{key} in ({values})"),
                "NotIn" => format!("{key} notin ({values})"),
                "DoesNotExist" => format!("!{key}"),
                _ => key,
            }
        },
    );
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}

fn condition(conditions: &[WireCondition], wanted: &str) -> Condition {
    match conditions.iter().find(|one| one.r#type == wanted).map(|one| one.status.as_str()) {
        Some("True") => Condition::True,
        Some("False") => Condition::False,
        Some(_) => Condition::Pending,
        None => Condition::Unset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_part_of_a_gateway_arrives() {
        let object: GatewayObject = serde_json::from_value(json!({
            "apiVersion": "gateway.networking.k8s.io/v9", "kind": "Gateway",
            "metadata": {"namespace": "edge", "name": "gw"},
            "spec": {
                "gatewayClassName": "lab", "later": {"field": 1},
                "listeners": [
                    {"name": "a", "port": 80, "protocol": "HTTP"},
                    {"name": "b", "port": 443, "protocol": "HTTPS", "hostname": "*.example.com",
                     "tls": {"certificateRefs": [{"name": "cert"}, {"kind": "Other", "group": "x", "name": "y"}]},
                     "allowedRoutes": {"namespaces": {"from": "All"}, "kinds": [{"kind": "GRPCRoute"}]}},
                    {"name": "c", "port": 8443, "protocol": "TLS", "tls": {"mode": "Passthrough"},
                     "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {
                         "matchLabels": {"expose": "yes"},
                         "matchExpressions": [
                             {"key": "env", "operator": "In", "values": ["dev", "prod"]},
                             {"key": "old", "operator": "DoesNotExist"}]}}}},
                    {"name": "d", "port": 99999, "protocol": "example.com/odd",
                     "allowedRoutes": {"namespaces": {"from": "None"}}},
                ],
            },
            "status": {
                "addresses": [{"type": "IPAddress", "value": "203.0.113.10"}],
                "listeners": [{"name": "b", "conditions": [{"type": "Programmed", "status": "False"}]}],
            },
        }))
        .expect("a Gateway");
        let gateway = gateway(object);
        assert_eq!((gateway.class.as_str(), gateway.addresses.len()), ("lab", 1));
        let [a, b, c, d] = gateway.listeners.as_slice() else { panic!("{gateway:?}") };
        assert_eq!((a.port, &a.protocol, &a.namespaces), (80, &Protocol::Http, &FromNamespaces::Same));
        assert_eq!((b.hostname.as_str(), b.programmed), ("*.example.com", Condition::False));
        let certificates = &b.tls.as_ref().expect("tls").certificates;
        assert_eq!(certificates.iter().map(|one| one.is_secret).collect::<Vec<_>>(), [true, false]);
        assert_eq!(certificates[0].name, Name::new("edge", "cert"));
        assert_eq!(b.kinds[0].group, "gateway.networking.k8s.io");
        assert!(c.tls.as_ref().expect("tls").passthrough);
        let selector = "expose=yes,env in (dev,prod),!old".to_owned();
        assert_eq!(c.namespaces, FromNamespaces::Selector(selector));
        assert_eq!((d.port, &d.namespaces), (0, &FromNamespaces::Nobody));
    }

    #[test]
    fn a_class_that_waits_for_its_controller_is_pending() {
        for (status, expected) in [
            (json!({"conditions": [{"type": "Accepted", "status": "True"}]}), Condition::True),
            (json!({"conditions": [{"type": "Accepted", "status": "Unknown"}]}), Condition::Pending),
            (json!({}), Condition::Unset),
            (json!(null), Condition::Unset),
        ] {
            let object: GatewayClassObject = serde_json::from_value(json!({
                "metadata": {"name": "c"}, "spec": {"controllerName": "lab/c"}, "status": status,
            }))
            .expect("a GatewayClass");
            let class = gateway_class(object);
            assert_eq!((class.controller.as_str(), class.accepted), ("lab/c", expected));
        }
    }
}

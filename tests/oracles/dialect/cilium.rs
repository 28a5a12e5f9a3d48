//! Cilium's support for Ingresses.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::ingresses;

pub(crate) const CILIUM: Dialect = Dialect {
    kind: ControllerKind::Cilium,
    class: "cilium.io/ingress-controller",
    routes,
    annotations: &[
        some(20, "ingress.cilium.io/force-https", &["enabled", "disabled"]),
        some(3, "ingress.cilium.io/request-timeout", &["9s"]),
    ],
    service_annotations: &[],
    // A pattern that does not compile is refused with everything around it.
    patterns: &[
        Pattern { path: "/v[0-9]+", asked: &["/v12", "/v", "/vx", "/v1/x", "/V1"] },
        Pattern { path: "/a/.*", asked: &["/a/", "/a/q", "/a", "/a/b/c"] },
        Pattern { path: "/app(/|$)(.*)", asked: &["/app", "/app/", "/app/r/s", "/apple"] },
        Pattern { path: "/(.*)", asked: &["/t/u", "/", "/(.*)"] },
        Pattern { path: "/a(b|c)", asked: &["/ab", "/ac", "/ad", "/a(b|c)"] },
        Pattern { path: "/[a-z]+/x", asked: &["/z/x", "/Z/x", "/zz/xx", "//x"] },
        Pattern { path: "/x{2}", asked: &["/xx", "/x", "/x{2}"] },
        Pattern { path: "/a|/b", asked: &["/a", "/b", "/xb"] },
        Pattern { path: "/{name}", asked: &["/q", "/{name}"] },
        Pattern { path: "/p+?q$", asked: &["/pq", "/ppq", "/pq/"] },
        Pattern { path: "/(?i)case.*", asked: &["/CASE", "/Case/x", "/cas"] },
    ],
    arguments: &[],
    config: &[some(50, "enforce-ingress-https", &["true", "false"])],
    headers: &[some(5, "X-Forwarded-Proto", &["https"])],
    deployed,
};

/// Ingresses with classes and TLS hosts.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut found = ingresses(random, dialect);
    for ingress in &mut found {
        let rules = ingress["spec"]["rules"].as_array().into_iter().flatten();
        let mut hosts: Vec<Value> = rules.filter_map(|rule| rule.get("host")).cloned().collect();
        hosts.truncate(random.random_range(1..3));
        ingress["spec"]["tls"] = match random.random_range(0..10) {
            0..3 if !hosts.is_empty() => json!([{"hosts": hosts, "secretName": "cert"}]),
            _ => Value::Null,
        };
        ingress["spec"]["ingressClassName"] = match random.random_range(0..20) {
            0 => json!("unknown"),
            1 => Value::Null,
            2 => {
                let class = ["cilium", "own", ""].choose(random).copied();
                ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
                Value::Null
            }
            _ => json!("cilium"),
        };
    }
    let default = if random.random_ratio(1, 2) { "true" } else { "false" };
    found.push(json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": {"name": "cilium", "annotations": {"ingressclass.kubernetes.io/is-default-class": default}},
        "spec": {"controller": "cilium.io/ingress-controller"},
    }));
    found
}

fn deployed(_: &[String], config: &[(String, String)]) -> Vec<Value> {
    let data: serde_json::Map<String, Value> =
        config.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let labels = json!({"name": "cilium-operator"});
    vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap",
               "metadata": {"namespace": "edge", "name": "cilium-config"}, "data": data}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "edge", "name": "cilium-operator"},
            "spec": {"selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": "cilium-operator", "image": "quay.io/cilium/operator-generic:v1.18.1",
                }]},
            }},
        }),
    ]
}

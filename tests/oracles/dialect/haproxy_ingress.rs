//! The community's HAProxy controller.

use rand::RngExt;
use rand::rngs::StdRng;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::ingresses;

pub(crate) const PATTERNS: &[Pattern] = &[
    Pattern { path: "/v[0-9]+", asked: &["/v[0-9]+", "/v1", "/v12/x", "/v"] },
    Pattern { path: "/app(/|$)(.*)", asked: &["/app", "/app(/|$)(.*)", "/app/r/s", "/apple"] },
    Pattern { path: "/impl", asked: &["/impl", "/IMPLement", "/impl/x", "/imp"] },
    Pattern { path: "/Impl/x/", asked: &["/impl/x/", "/Impl/x/y", "/impl/x"] },
    Pattern { path: "/a/b", asked: &["/A/b", "/a/bc", "/a/b/c"] },
    Pattern { path: "/api/v1", asked: &["/api/v1", "/API/v1/x", "/api/v12"] },
];

pub(crate) const HAPROXY_INGRESS: Dialect = Dialect {
    kind: ControllerKind::HaproxyIngress,
    class: "haproxy-ingress.github.io/controller",
    routes,
    annotations: &[
        some(30, "haproxy-ingress.github.io/path-type", &["begin", "prefix", "exact", "regex"]),
        some(15, "haproxy-ingress.github.io/ssl-redirect", &["true", "false"]),
        some(5, "ingress.kubernetes.io/ssl-redirect-code", &["301", "307"]),
        some(10, "haproxy-ingress.github.io/rewrite-target", &["/", "/y", "/y/z"]),
        some(6, "ingress.kubernetes.io/app-root", &["/start"]),
        some(5, "nginx.ingress.kubernetes.io/rewrite-target", &["/x"]),
        some(5, "kubernetes.io/ingress.class", &["haproxy", "elsewhere"]),
    ],
    service_annotations: &[],
    patterns: PATTERNS,
    arguments: &[
        some(20, "--watch-ingress-without-class", &[""]),
        some(20, "--ingress-class-precedence", &[""]),
        some(25, "--default-backend-service", &["n/eight", "m/eight"]),
        some(4, "--watch-namespace", &["n", "m"]),
    ],
    config: &[
        some(30, "ssl-always-add-https", &["true"]),
        some(10, "ssl-redirect", &["false"]),
        some(10, "path-type", &["prefix", "exact"]),
    ],
    headers: &[],
    deployed,
};

/// Ingresses of which some have no class or another one.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut routes = ingresses(random, dialect);
    for route in &mut routes {
        match random.random_range(0..16) {
            0 => route["spec"]["ingressClassName"] = Value::Null,
            1 => route["spec"]["ingressClassName"] = json!("elsewhere"),
            _ => {}
        }
    }
    routes
}

fn deployed(arguments: &[String], config: &[(String, String)]) -> Vec<Value> {
    let always = ["--configmap=edge/haproxy-ingress"];
    let arguments: Vec<String> =
        always.iter().map(|text| (*text).to_owned()).chain(arguments.iter().cloned()).collect();
    let data: serde_json::Map<String, Value> =
        config.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let labels = json!({"app.kubernetes.io/name": "haproxy-ingress"});
    vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap",
               "metadata": {"namespace": "edge", "name": "haproxy-ingress"}, "data": data}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "edge", "name": "haproxy-ingress", "labels": labels},
            "spec": {"selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": "haproxy-ingress",
                    "image": "quay.io/jcmoraisjr/haproxy-ingress:v0.17.0",
                    "args": arguments,
                }]},
            }},
        }),
    ]
}

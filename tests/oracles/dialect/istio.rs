//! Istio's support for Ingresses.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::ingresses;

pub(crate) const ISTIO: Dialect = Dialect {
    kind: ControllerKind::Istio,
    class: "istio.io/ingress-controller",
    routes,
    annotations: &[],
    service_annotations: &[],
    patterns: &[
        Pattern { path: "/a/*", asked: &["/a", "/a/", "/a/q", "/ab", "/*"] },
        Pattern { path: "/foo.*", asked: &["/foo", "/foo/x", "/foobar", "/foo.x"] },
        Pattern { path: "/foo/.*", asked: &["/foo", "/foo/", "/foo/x", "/foobar"] },
        Pattern { path: "/api/v1/*", asked: &["/api/v1", "/api/v1/z", "/api/v1z"] },
        Pattern { path: "/.*", asked: &["/", "/x", "/.x"] },
        Pattern { path: "*", asked: &["/", "/*"] },
        Pattern { path: "/a*", asked: &["/a", "/a*", "/ab"] },
        Pattern { path: "/v[0-9]+", asked: &["/v1", "/v[0-9]+"] },
    ],
    arguments: &[],
    config: &[
        some(15, "ingressControllerMode", &["STRICT", "DEFAULT", "DEFAULT"]),
        some(10, "ingressClass", &["istio", "own"]),
        some(
            60,
            "pathNormalization",
            &["NONE", "BASE", "DEFAULT", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"],
        ),
    ],
    headers: &[some(5, "X-Forwarded-Proto", &["https"])],
    deployed,
};

/// Ingresses with classes, and without TLS: which Secrets are served by which gateway is not held to anything.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut found = ingresses(random, dialect);
    for ingress in &mut found {
        let spec = &mut ingress["spec"];
        spec["tls"] = Value::Null;
        match random.random_range(0..20) {
            0 => spec["ingressClassName"] = json!("unknown"),
            1 => spec["ingressClassName"] = Value::Null,
            2 => {
                spec["ingressClassName"] = Value::Null;
                let class = ["istio", "own", ""].choose(random).copied();
                ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
            }
            _ => {}
        }
    }
    found
}

fn deployed(_: &[String], config: &[(String, String)]) -> Vec<Value> {
    let mesh: String = config
        .iter()
        .map(|(key, value)| match key.as_str() {
            "pathNormalization" => format!("{key}:\n  normalization: {value}\n"),
            _ => format!("{key}: {value}\n"),
        })
        .collect();
    let labels = json!({"app": "istiod"});
    vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap",
               "metadata": {"namespace": "edge", "name": "istio"}, "data": {"mesh": mesh}}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "edge", "name": "istiod"},
            "spec": {"selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": "discovery", "image": "docker.io/istio/pilot:1.27.1", "args": ["discovery"],
                }]},
            }},
        }),
    ]
}

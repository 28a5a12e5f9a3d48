//! APISIX under its ingress controller.

use rand::RngExt;
use rand::rngs::StdRng;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, deployment, some};
use crate::generate::{ingresses, one_of};
use crate::world::CLASS;

pub(crate) const APISIX: Dialect = Dialect {
    kind: ControllerKind::Apisix,
    class: "apisix.apache.org/apisix-ingress-controller",
    routes,
    annotations: &[
        some(30, "k8s.apisix.apache.org/use-regex", &["true", "true", "false", "True"]),
        some(8, "k8s.apisix.apache.org/http-to-https", &["true", "false"]),
        some(
            8,
            "k8s.apisix.apache.org/http-redirect",
            &["/moved", "https://new.test/x", "https://$host$request_uri", "/a?b=$arg_q"],
        ),
        some(8, "k8s.apisix.apache.org/http-redirect-code", &["301", "308", "x"]),
        some(8, "k8s.apisix.apache.org/rewrite-target", &["/fixed", "/"]),
        some(10, "k8s.apisix.apache.org/rewrite-target-regex", &["/a/?(.*)", "^/(api)/v([0-9]+)", "/a(b"]),
        some(10, "k8s.apisix.apache.org/rewrite-target-regex-template", &["/n/$1", "/$2/$1"]),
        some(5, "k8s.apisix.apache.org/svc-namespace", &["m", "n", "elsewhere"]),
        some(3, "k8s.apisix.apache.org/allowlist-source-range", &["10.0.0.0/8"]),
        some(3, "k8s.apisix.apache.org/blocklist-source-range", &["10.0.0.0/8"]),
    ],
    service_annotations: &[],
    patterns: &[
        Pattern { path: "/a/*", asked: &["/a/", "/a/q", "/a", "/ab"] },
        Pattern { path: "/impl*", asked: &["/impl", "/implement", "/imp"] },
        Pattern { path: "/v[0-9]+", asked: &["/v12", "/v", "/x/v1", "/v[0-9]+"] },
        Pattern { path: "^/only$", asked: &["/only", "/only/x"] },
        Pattern { path: "/x{2}", asked: &["/xx", "/x", "/x{2}"] },
        Pattern { path: "/a(b", asked: &["/a(b", "/ab"] },
        Pattern { path: "*", asked: &["/", "/x"] },
    ],
    arguments: &[],
    config: &[],
    headers: &[some(5, "X-Forwarded-Proto", &["https"])],
    deployed: |arguments, _| vec![deployment("manager", "apache/apisix-ingress-controller:2.0.0", arguments)],
};

/// Ingresses whose class is a field, an annotation, or neither.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut found = ingresses(random, dialect);
    for ingress in &mut found {
        match random.random_range(0..20) {
            0 => ingress["spec"]["ingressClassName"] = Value::Null,
            1 | 2 => {
                ingress["spec"]["ingressClassName"] = Value::Null;
                let class = one_of(random, &[CLASS, CLASS, "elsewhere"]);
                ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
            }
            _ => {}
        }
    }
    found
}

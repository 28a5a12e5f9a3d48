//! GKE Ingress.

use rand::RngExt;
use rand::rngs::StdRng;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::{ingresses, one_of};

pub(crate) const GCE: Dialect = Dialect {
    kind: ControllerKind::Gce,
    class: "networking.gke.io/gce",
    routes,
    annotations: &[
        some(10, "kubernetes.io/ingress.allow-http", &["false", "true"]),
        some(10, "ingress.gcp.kubernetes.io/pre-shared-cert", &["cert", ""]),
        some(8, "networking.gke.io/managed-certificates", &["cert"]),
        some(8, "networking.gke.io/v1beta1.FrontendConfig", &["redirects"]),
    ],
    service_annotations: &[
        // A Service without is behind no load balancer, and its Ingress stays as it was.
        some(95, "cloud.google.com/neg", &[r#"{"ingress":true}"#, r#"{"ingress": true}"#]),
    ],
    patterns: &[
        Pattern { path: "/a/*", asked: &["/a/", "/a/q", "/a", "/ab"] },
        Pattern { path: "/*", asked: &["/", "/x"] },
        Pattern { path: "/impl", asked: &["/impl", "/impl/x"] },
        Pattern { path: "/impl/*", asked: &["/impl/", "/impl/x", "/impl"] },
    ],
    arguments: &[],
    config: &[],
    headers: &[],
    // It runs where nobody sees it.
    deployed: |_, _| Vec::new(),
};

/// Ingresses whose class is an annotation, or that have none; of a port or path that cannot be, there are
/// few, because one keeps its whole Ingress from being changed.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut found = ingresses(random, dialect);
    for ingress in &mut found {
        match random.random_range(0..20) {
            0 => {}
            1..8 => ingress["spec"]["ingressClassName"] = Value::Null,
            _ => {
                ingress["spec"]["ingressClassName"] = Value::Null;
                let class = one_of(random, &["gce", "gce", "gce-internal", "gce-regional-external", "nginx"]);
                ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
            }
        }
        let is_sound = random.random_ratio(3, 4);
        let rules = ingress.pointer_mut("/spec/rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten().filter(|_| is_sound) {
            let paths = rule.pointer_mut("/http/paths").and_then(Value::as_array_mut);
            for path in paths.into_iter().flatten() {
                let port = &path["backend"]["service"]["port"];
                if port["number"] == 81 || port["name"] == "nothing" {
                    path["backend"]["service"]["port"] = json!({"number": 80});
                }
            }
        }
    }
    found
}

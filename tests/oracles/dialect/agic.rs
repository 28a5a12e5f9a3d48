//! Azure's Application Gateway Ingress Controller.

use rand::RngExt;
use rand::rngs::StdRng;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, deployment, some};
use crate::generate::{ingresses, one_of};

const CLASS: &str = "azure/application-gateway";

pub(crate) const AGIC: Dialect = Dialect {
    kind: ControllerKind::Agic,
    class: CLASS,
    routes,
    annotations: &[
        some(12, "appgw.ingress.kubernetes.io/ssl-redirect", &["true", "true", "false"]),
        some(12, "appgw.ingress.kubernetes.io/backend-path-prefix", &["/", "/base", "/base/"]),
    ],
    service_annotations: &[],
    patterns: &[
        Pattern { path: "/a*", asked: &["/a", "/ab", "/A/q"] },
        Pattern { path: "/a/*", asked: &["/a/", "/a/q", "/a"] },
        Pattern { path: "/*", asked: &["/", "/x"] },
        Pattern { path: "/impl", asked: &["/impl", "/impl/x", "/IMPL"] },
        Pattern { path: "/img*.png", asked: &["/img1.png", "/img*.png"] },
    ],
    arguments: &[],
    config: &[],
    headers: &[],
    deployed: |arguments, _| {
        let image = "mcr.microsoft.com/azure-application-gateway/kubernetes-ingress:1.8.1";
        vec![deployment("ingress-azure", image, arguments)]
    },
};

/// Ingresses whose class is a field or an annotation.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut found = ingresses(random, dialect);
    for ingress in &mut found {
        if !random.random_ratio(1, 6) {
            continue;
        }
        ingress["spec"]["ingressClassName"] = Value::Null;
        let class = one_of(random, &[CLASS, CLASS, "nginx"]);
        ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
    }
    found
}

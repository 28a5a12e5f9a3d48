//! The Gateway API's own text, for Gateways of an implementation that is not modelled and of one that is.

use rand::RngExt;
use rand::rngs::StdRng;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::Dialect;
use super::traefik::PATTERNS;
use crate::generate::{http_routes, one_of};

pub(crate) const HTTPROUTE: Dialect = Dialect {
    kind: ControllerKind::HttpRoute,
    class: "example.com/gateway",
    routes,
    annotations: &[],
    service_annotations: &[],
    patterns: PATTERNS,
    arguments: &[],
    config: &[],
    headers: &[],
    // A text runs nowhere.
    deployed: |_, _| Vec::new(),
};

/// Routes with what implementations report of classes and Gateways: whether they took them, and by which
/// address they are asked.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut objects = http_routes(random, dialect);
    let is_modelled = random.random_ratio(1, 3);
    let same_address = random.random_ratio(1, 2);
    for (number, object) in objects.iter_mut().enumerate() {
        if object["kind"] == "GatewayClass" {
            let accepted = one_of(random, &["True", "True", "True", "True", "True", "Unknown", "False"]);
            object["status"]["conditions"] = json!([{"type": "Accepted", "status": accepted}]);
            if is_modelled && object["spec"]["controllerName"] == dialect.class {
                object["spec"]["controllerName"] = json!("traefik.io/gateway-controller");
            }
        } else if object["kind"] == "Gateway" {
            let last = if same_address { 1 } else { number };
            object["status"]["addresses"] =
                json!([{"type": "IPAddress", "value": format!("192.0.2.{last}")}]);
        }
    }
    objects
}

//! Contour with Envoy.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::ingresses;
use crate::world::{CLASS, EXTERNAL, EXTERNAL_PORT, NAMESPACES, ODD, certificate, external, odd_services};

/// The Secret with a certificate that is in every namespace of a world.
pub(crate) const SECRET: &str = "cert";

pub(crate) const CONTOUR: Dialect = Dialect {
    kind: ControllerKind::Contour,
    class: "projectcontour.io/contour",
    routes,
    annotations: &[
        some(12, "ingress.kubernetes.io/force-ssl-redirect", &["true", "true", "false", "True"]),
        some(12, "kubernetes.io/ingress.allow-http", &["false", "false", "true", "no"]),
        some(4, "projectcontour.io/ingress.class", &["own", "other", "contour", ""]),
        some(5, "projectcontour.io/websocket-routes", &["/a, /api", "/"]),
        some(5, "projectcontour.io/response-timeout", &["30s", "infinity", "x"]),
        some(5, "projectcontour.io/num-retries", &["3", "-1", "x"]),
        some(3, "projectcontour.io/retry-on", &["5xx", "gateway-error"]),
        some(5, "projectcontour.io/tls-minimum-protocol-version", &["1.3", "1.2", "1.1"]),
        some(2, "projectcontour.io/tls-maximum-protocol-version", &["1.2", "1.3"]),
    ],
    service_annotations: &[
        some(5, "projectcontour.io/max-connections", &["9", "x"]),
        some(5, "projectcontour.io/upstream-protocol.h2c", &["nothing", "9999"]),
        some(5, "projectcontour.io/upstream-protocol.tls", &["", " , "]),
    ],
    patterns: &[
        Pattern { path: "/v[0-9]+", asked: &["/v12", "/v", "/vx", "/v1/x", "/V1"] },
        Pattern { path: "/a/.*", asked: &["/a/", "/a/q", "/a", "/a/b/c"] },
        Pattern { path: "/a.*", asked: &["/a", "/apple", "/A"] },
        Pattern { path: "/app(/|$)(.*)", asked: &["/app", "/app/", "/app/r/s", "/apple"] },
        Pattern { path: "/(.*)", asked: &["/t/u", "/", "/(.*)"] },
        Pattern { path: "/a(b|c)", asked: &["/ab", "/ac", "/a(b|c)", "/a(b%7Cc)"] },
        Pattern { path: "/a(b", asked: &["/a(b", "/a(bc"] },
        Pattern { path: "/[a-z]+/x", asked: &["/z/x", "/Z/x", "/zz/xx", "//x"] },
        Pattern { path: "/foo[^/]*", asked: &["/foo", "/foobar", "/foo/x"] },
        Pattern { path: "/x{2}", asked: &["/xx", "/x{2}", "/x%7B2%7D"] },
        Pattern { path: "/x[xy]{2}", asked: &["/xxy", "/xx", "/xxyy"] },
        Pattern { path: "/a+|/b", asked: &["/aa", "/b", "/xb", "/ab"] },
        Pattern { path: "/(?i)case.*", asked: &["/CASE", "/Case/x", "/cas"] },
        Pattern { path: "/.+\\.png", asked: &["/x.png", "/x/y.png", "/.png", "/xpng"] },
        Pattern { path: "/x.y+", asked: &["/x.y", "/xzyy", "/x.yz"] },
        Pattern { path: "/100%", asked: &["/100%", "/100%25", "/100"] },
        Pattern { path: "/caf%C3%A9", asked: &["/caf%C3%A9", "/caf%c3%a9"] },
        Pattern { path: "/^x", asked: &["/^x", "/%5Ex", "/x"] },
        Pattern { path: "/y[", asked: &["/y[", "/y"] },
        Pattern { path: "/api/**", asked: &["/api/x", "/api"] },
        Pattern { path: "/p+?q$", asked: &["/pq", "/ppq", "/p", "/pq/"] },
        Pattern { path: "/[[:alpha:]]+/\\d{1,3}", asked: &["/q/12", "/q/1234", "/1/1"] },
    ],
    arguments: &[
        some(95, "--ingress-class-name", &["own", "own", "own,other", "contour,own", "other, own"]),
        some(8, "--watch-namespaces", &["n,edge", "edge,m,n", "m,edge"]),
        some(3, "--root-namespaces", &["edge"]),
    ],
    config: &[
        some(25, "disableMergeSlashes", &["true", "false", "True", "yes"]),
        some(40, "enableExternalNameService", &["true", "true", "false"]),
        some(25, "network.strip-trailing-host-dot", &["true", "false"]),
        some(10, "accesslog-format", &["json"]),
        some(10, "timeouts.request-timeout", &["30s"]),
    ],
    headers: &[some(5, "X-Forwarded-Proto", &["https"])],
    deployed,
};

/// Ingresses with classes, and TLS hosts whose Secret is there or not; Services of another host.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut found = ingresses(random, dialect);
    for ingress in &mut found {
        let rules = ingress.pointer_mut("/spec/rules").and_then(Value::as_array_mut);
        for rule in rules.into_iter().flatten() {
            let paths = rule.pointer_mut("/http/paths").and_then(Value::as_array_mut);
            for path in paths.into_iter().flatten() {
                match random.random_range(0..60) {
                    0..4 => {
                        path["backend"]["service"] =
                            json!({"name": EXTERNAL, "port": {"number": EXTERNAL_PORT}});
                    }
                    4..9 => path["backend"]["service"]["name"] = json!(ODD.choose(random)),
                    9 => {
                        path["backend"] =
                            json!({"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "b"}});
                    }
                    _ => {}
                }
            }
        }
        match random.random_range(0..25) {
            0 => ingress["spec"]["ingressClassName"] = json!("contour"),
            1 => ingress["spec"]["ingressClassName"] = json!("other"),
            2 => ingress["spec"]["ingressClassName"] = Value::Null,
            3 => {
                ingress["spec"]["ingressClassName"] = Value::Null;
                let class = ["own", "other", "contour", ""].choose(random).copied();
                ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
            }
            _ => ingress["spec"]["ingressClassName"] = json!(CLASS),
        }
        let rules = ingress["spec"]["rules"].as_array().into_iter().flatten();
        let mut hosts: Vec<Value> = rules.filter_map(|rule| rule.get("host")).cloned().collect();
        if random.random_ratio(1, 5) {
            hosts.push(json!("a.test"));
        }
        hosts.truncate(random.random_range(1..4));
        ingress["spec"]["tls"] = match random.random_range(0..10) {
            0..4 => json!([{"hosts": hosts, "secretName": SECRET}]),
            4 => json!([{"hosts": hosts, "secretName": "gone"}]),
            5 => json!([{"hosts": hosts}]),
            _ => Value::Null,
        };
    }
    found.extend(NAMESPACES.map(external));
    found.extend(NAMESPACES.iter().flat_map(|namespace| odd_services(namespace, &BTreeMap::new())));
    found
}

/// Contour in the cluster, its file of settings, and the Secrets with certificates.
fn deployed(arguments: &[String], config: &[(String, String)]) -> Vec<Value> {
    let always = ["serve", "--incluster", "--xds-address=0.0.0.0", "--config-path=/config/contour.yaml"];
    let args: Vec<&str> = always.into_iter().chain(arguments.iter().map(String::as_str)).collect();
    let file: String = config
        .iter()
        .map(|(key, value)| match key.split_once('.') {
            Some((key, inner)) => format!("{key}:\n  {inner}: {value}\n"),
            None => format!("{key}: {value}\n"),
        })
        .collect();
    let labels = json!({"app": "contour"});
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap",
               "metadata": {"namespace": "edge", "name": "contour"}, "data": {"contour.yaml": file}}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "edge", "name": "contour"},
            "spec": {"selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": "contour", "image": "ghcr.io/projectcontour/contour:v1.33.8",
                    "command": ["contour"], "args": args,
                }]},
            }},
        }),
    ];
    objects.extend(NAMESPACES.map(|namespace| certificate(namespace, SECRET, true)));
    objects
}

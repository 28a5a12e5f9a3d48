//! HAProxy Technologies' controller.

use rand::RngExt;
use rand::rngs::StdRng;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::ingresses;

pub(crate) const PATTERNS: &[Pattern] = &[
    Pattern { path: "/v[0-9]+", asked: &["/v[0-9]+", "/v1", "/v[0-9]+x"] },
    Pattern { path: "/app(/|$)(.*)", asked: &["/app", "/app(/|$)(.*)", "/app/r/s"] },
    Pattern { path: "/impl", asked: &["/impl", "/implement", "/impl/x", "/imp"] },
    Pattern { path: "/impl/", asked: &["/impl", "/implement", "/impl/x", "/impl//"] },
    Pattern { path: "/a.b", asked: &["/a.b", "/axb", "/a.b/c", "/a.bc"] },
];

pub(crate) const HAPROXYTECH: Dialect = Dialect {
    kind: ControllerKind::Haproxytech,
    class: "haproxy.org/ingress-controller/own",
    routes,
    annotations: &[
        some(12, "haproxy.org/ssl-redirect", &["true", "false", "On", "disabled", "perhaps", ""]),
        some(8, "haproxy.org/ssl-redirect-code", &["301", "303", "307", "308"]),
        some(8, "haproxy.com/ssl-redirect-port", &["443", "80", "9443", "x"]),
        some(
            8,
            "haproxy.org/request-redirect",
            &["new.test", "https://new.test", "http://new.test:8080", "new.test/base"],
        ),
        some(8, "haproxy.org/request-redirect-code", &["301", "303", "308"]),
        // One of these keeps everything from being loaded.
        some(1, "ingress.kubernetes.io/ssl-redirect-code", &["304", "abc", "200"]),
        some(
            15,
            "haproxy.org/path-rewrite",
            &[
                "/fixed",
                r"/foo/?(.*) /\1",
                r"^/a/?(.*) /bar/\1",
                r"(.*) /pre\1",
                "/api /v9",
                "/a /b\n/b /c",
                "/a /b /c",
                "/x /y\nrest of it",
                r"/api/v([0-9]+)/(.*) /\2/\1",
                r"(?i)/FOO(\d+)$ /n-\1",
                "",
            ],
        ),
        some(3, "ingress.kubernetes.io/path-rewrite", &["/older"]),
        some(
            4,
            "haproxy.org/deny-list",
            &["0.0.0.0/0", "10.0.0.0/8", "somebody", "192.0.2.1, 0.0.0.0/0", ""],
        ),
        some(4, "haproxy.org/blacklist", &["0.0.0.0/0", "10.0.0.0/8"]),
        some(4, "haproxy.org/allow-list", &["0.0.0.0/0", "127.0.0.0/8", "somebody"]),
        some(3, "haproxy.org/whitelist", &["0.0.0.0/0", "127.0.0.0/8,10.0.0.0/8"]),
        some(6, "haproxy.org/auth-type", &["basic-auth", "basic-auth", "digest"]),
        some(6, "haproxy.org/auth-secret", &["users"]),
        some(8, "haproxy.org/request-set-header", &["X-Extra 1", "X-Extra", "X-One a\nX-Two b"]),
        some(4, "haproxy.org/response-set-header", &["X-Extra 1"]),
        some(4, "haproxy.org/rate-limit-requests", &["100000", "0"]),
        some(4, "haproxy.org/set-host", &["inside.test"]),
        some(15, "haproxy.org/standalone-backend", &["true", "true", "false", "yes"]),
        some(5, "haproxy.org/backend-config-snippet", &["http-response set-header X-Extra 1"]),
        some(4, "nginx.ingress.kubernetes.io/ssl-redirect", &["true"]),
        some(4, "kubernetes.io/ingress.class", &["own", "elsewhere"]),
    ],
    service_annotations: &[
        some(
            10,
            "haproxy.org/route-acl",
            &[
                "hdr(X-Canary) -m found",
                "hdr(X-Canary) -i YES",
                "!hdr(X-Canary) -m found",
                "path_beg /api",
                "path -m end .y",
                "method POST",
                "cook(beta) on",
                "url_param(q) 1",
                "hdr(host) -m beg a.",
                "src 127.0.0.0/8",
                "",
            ],
        ),
        some(5, "haproxy.org/standalone-backend", &["true", "false"]),
    ],
    patterns: PATTERNS,
    arguments: &[
        some(95, "--ingress.class", &["own"]),
        some(25, "--empty-ingress-class", &[""]),
        some(25, "--default-backend-service", &["n/eight", "m/eight", "n/missing"]),
        some(4, "--namespace-whitelist", &["n", "m"]),
        some(4, "--namespace-blacklist", &["n", "m"]),
        some(2, "--disable-http", &[""]),
        some(2, "--disable-https", &[""]),
    ],
    config: &[
        some(5, "ssl-redirect", &["true", "false"]),
        some(5, "ssl-redirect-code", &["301", "307"]),
        some(5, "ssl-redirect-port", &["443"]),
        some(4, "path-rewrite", &["/from-config", r"^/a(.*) /z\1"]),
        some(3, "request-redirect", &["new.test"]),
        some(3, "deny-list", &["0.0.0.0/0", "10.0.0.0/8"]),
        some(2, "auth-type", &["basic-auth"]),
        some(5, "standalone-backend", &["true"]),
        some(5, "syslog-server", &["address:127.0.0.1, port:514, facility:local0"]),
    ],
    headers: &[
        some(15, "X-Canary", &["yes", "no", ""]),
        some(10, "Cookie", &["beta=on", "a=1; beta=on", "beta=off"]),
        some(20, "Authorization", &["Basic dTpw"]),
    ],
    deployed,
};

/// Ingresses of which some have no class or another one, and a second class; a few pass TLS through.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut routes = ingresses(random, dialect);
    for route in &mut routes {
        match random.random_range(0..20) {
            0 | 1 => route["spec"]["ingressClassName"] = Value::Null,
            2 => route["spec"]["ingressClassName"] = json!("elsewhere"),
            3 => route["spec"]["ingressClassName"] = json!("spare"),
            _ => {}
        }
    }
    // The default backend is one for all: where several set it, nothing that falls to it is determined.
    if random.random_ratio(7, 8) {
        let has = |route: &&mut Value| !route["spec"]["defaultBackend"].is_null();
        for route in routes.iter_mut().filter(has).skip(1) {
            route["spec"]["defaultBackend"] = Value::Null;
        }
    }
    if random.random_ratio(1, 8) {
        // A backend of its own: two Ingresses that disagree leave its mode open.
        let annotations = &mut routes[0]["metadata"]["annotations"];
        annotations["haproxy.org/ssl-passthrough"] = json!("true");
        annotations["haproxy.org/standalone-backend"] = json!("true");
        for route in &mut routes {
            let annotations = route["metadata"]["annotations"].as_object_mut().expect("annotations");
            annotations.retain(|key, _| !key.ends_with("list"));
        }
    }
    if random.random_ratio(1, 3) {
        let controllers = ["", "/own", "/else"];
        let controller = controllers[random.random_range(0..controllers.len())];
        let default = if random.random_ratio(1, 2) { "true" } else { "false" };
        routes.push(json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": {"name": "spare", "annotations": {"ingressclass.kubernetes.io/is-default-class": default}},
            "spec": {"controller": format!("haproxy.org/ingress-controller{controller}")},
        }));
    }
    routes
}

fn deployed(arguments: &[String], config: &[(String, String)]) -> Vec<Value> {
    let always = ["--configmap=edge/haproxy", "--http-bind-port=80", "--https-bind-port=443"];
    let arguments: Vec<String> =
        always.iter().map(|text| (*text).to_owned()).chain(arguments.iter().cloned()).collect();
    let data: serde_json::Map<String, Value> =
        config.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let labels =
        json!({"app.kubernetes.io/name": "kubernetes-ingress", "app.kubernetes.io/instance": "haproxy"});
    vec![
        json!({"apiVersion": "v1", "kind": "ConfigMap",
               "metadata": {"namespace": "edge", "name": "haproxy"}, "data": data}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "edge", "name": "haproxy", "labels": labels},
            "spec": {"selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": "kubernetes-ingress-controller",
                    "image": "haproxytech/kubernetes-ingress:3.2.11",
                    "args": arguments,
                }]},
            }},
        }),
    ]
}

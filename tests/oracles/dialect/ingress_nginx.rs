//! The community's ingress-nginx.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::ingresses;
use crate::world::{EXTERNAL, EXTERNAL_PORT, NAMESPACES, SERVICES, external};

const PREFIX: &str = "nginx.ingress.kubernetes.io/";

const PATTERNS: &[Pattern] = &[
    Pattern { path: "/v[0-9]+", asked: &["/v12", "/v", "/vx", "/V1/x"] },
    Pattern { path: "/app(/|$)(.*)", asked: &["/app", "/app/", "/app/r/s", "/apple", "/x/app/y"] },
    Pattern { path: "/(.*)", asked: &["/t/u", "/", "/(.*)"] },
    Pattern { path: "/a(b|c)", asked: &["/ab", "/AC", "/ad", "/abc"] },
    Pattern { path: "/api/(v1|v2|v3)/.*", asked: &["/api/v2/special", "/api/v2", "/api/v3/", "/api/v9/x"] },
    Pattern { path: "/api/v2/special", asked: &["/api/v2/special", "/API/V2/SPECIAL"] },
    Pattern { path: "/foo/(.*)", asked: &["/foo/r", "/foo/", "/foo"] },
    Pattern { path: "/img/.*\\.png$", asked: &["/img/a.png", "/img/a.png/x", "/img/aXpng"] },
    Pattern { path: "/x{2}", asked: &["/xx", "/x", "/x{2}"] },
    Pattern { path: "/bad(", asked: &["/bad(", "/bad"] },
    Pattern { path: "/etc/passwd", asked: &["/etc/passwd"] },
    Pattern { path: "/.well-known/acme-challenge/t", asked: &["/.well-known/acme-challenge/t"] },
];

pub(crate) const INGRESS_NGINX: Dialect = Dialect {
    kind: ControllerKind::IngressNginx,
    class: "k8s.io/ingress-nginx",
    routes,
    annotations: &[
        some(12, "nginx.ingress.kubernetes.io/use-regex", &["true", "true", "false", "yes"]),
        some(
            14,
            "nginx.ingress.kubernetes.io/rewrite-target",
            &["/", "/$1", "/$2", "/new", "/new/$1", "/a", "/a b", "$1", "/x$uri", "https://moved.test/$1"],
        ),
        some(5, "nginx.ingress.kubernetes.io/app-root", &["/start", "/a", "start", "/"]),
        some(
            5,
            "nginx.ingress.kubernetes.io/server-alias",
            &["alias.test", "*.alias.test", "alias.test,nobody.test", "a.test", "bad alias", "~^q\\.test$"],
        ),
        some(
            4,
            "nginx.ingress.kubernetes.io/permanent-redirect",
            &["https://moved.test/p", "/moved", "not a url", "https://moved.test?x=1"],
        ),
        some(3, "nginx.ingress.kubernetes.io/permanent-redirect-code", &["308", "302", "399", "abc"]),
        some(
            4,
            "nginx.ingress.kubernetes.io/temporal-redirect",
            &["https://moved.test/t", "/moved", "https://moved.test$request_uri"],
        ),
        some(3, "nginx.ingress.kubernetes.io/temporal-redirect-code", &["307", "303", "308", "abc"]),
        some(3, "nginx.ingress.kubernetes.io/from-to-www-redirect", &["true", "false", "yes"]),
        some(8, "nginx.ingress.kubernetes.io/ssl-redirect", &["true", "false", "off"]),
        some(6, "nginx.ingress.kubernetes.io/force-ssl-redirect", &["true", "1", "false", "on"]),
        some(5, "nginx.ingress.kubernetes.io/preserve-trailing-slash", &["true", "false"]),
        some(3, "nginx.ingress.kubernetes.io/relative-redirects", &["true", "false"]),
        some(
            1,
            "nginx.ingress.kubernetes.io/auth-tls-secret",
            &["n/missing", "missing", "cert", "other/cert"],
        ),
        some(3, "nginx.ingress.kubernetes.io/use-port-in-redirects", &["true"]),
        some(
            6,
            "nginx.ingress.kubernetes.io/default-backend",
            &["seven", "eight", EXTERNAL, "missing", "no/such"],
        ),
        some(4, "nginx.ingress.kubernetes.io/custom-http-errors", &["503", "404,503", "401", "404", "200"]),
        some(3, "nginx.ingress.kubernetes.io/auth-type", &["basic", "digest", "jwt"]),
        some(
            4,
            "nginx.ingress.kubernetes.io/auth-secret",
            &["users", "users", "missing", "n/users", "m/users"],
        ),
        some(3, "nginx.ingress.kubernetes.io/auth-url", &["http://10.1.1.8:8080/check", "somewhere"]),
        some(
            3,
            "nginx.ingress.kubernetes.io/whitelist-source-range",
            &["0.0.0.0/0", "127.0.0.0/8,10.0.0.0/8", "not-an-ip"],
        ),
        some(3, "nginx.ingress.kubernetes.io/denylist-source-range", &["10.9.0.0/16", "nowhere"]),
        some(3, "nginx.ingress.kubernetes.io/configuration-snippet", &["return 418;", "return 404;", "# no"]),
        some(
            3,
            "nginx.ingress.kubernetes.io/server-snippet",
            &["return 403;", "return 302 https://moved.test$request_uri;", "add_header X-Own 1;"],
        ),
        some(2, "nginx.ingress.kubernetes.io/upstream-vhost", &["in.test", "a b"]),
        some(2, "nginx.ingress.kubernetes.io/limit-rps", &["1000", "x"]),
        some(2, "nginx.ingress.kubernetes.io/proxy-read-timeout", &["soon"]),
        some(2, "nginx.ingress.kubernetes.io/backend-protocol", &["SPDY", "HTTP"]),
        some(2, "other.example/rewrite-target", &["/never"]),
        some(10, "own.example/use-regex", &["true"]),
        some(10, "own.example/permanent-redirect", &["/moved"]),
        some(3, "kubernetes.io/ingress.class", &["other", "own"]),
    ],
    service_annotations: &[],
    patterns: PATTERNS,
    arguments: &[
        some(10, "--default-backend-service", &["n/eight", "m/one", "n/missing"]),
        some(5, "--disable-catch-all", &["true", "false"]),
        some(4, "--deep-inspect", &["false"]),
        some(4, "--enable-annotation-validation", &["false"]),
        some(4, "--health-check-path", &["/alive"]),
        some(4, "--disable-svc-external-name", &["true"]),
        some(3, "--annotations-prefix", &["own.example"]),
    ],
    config: &[
        some(40, "allow-snippet-annotations", &["true", "false"]),
        some(40, "annotations-risk-level", &["Critical", "Critical", "critical", "Medium", "Low", "none"]),
        some(5, "annotation-value-word-blocklist", &["moved, lua", "/new"]),
        some(8, "ssl-redirect", &["false", "no", ""]),
        some(6, "force-ssl-redirect", &["true"]),
        some(10, "http-redirect-code", &["301", "302", "307", "308", "303", "abc"]),
        some(8, "no-tls-redirect-locations", &["/a,/foo", ""]),
        some(5, "preserve-trailing-slash", &["true"]),
        some(20, "use-forwarded-headers", &["true"]),
        some(4, "relative-redirects", &["true"]),
        some(4, "ssl-reject-handshake", &["true"]),
        some(4, "allow-cross-namespace-resources", &["true"]),
        some(8, "block-user-agents", &["badbot", "~*bot", "~^X"]),
        some(5, "block-referers", &["https://spam.test/", "~spam"]),
        some(4, "server-snippet", &["return 410;", "add_header X-Own 1;"]),
        some(4, "location-snippet", &["return 418;", "add_header X-Own 1;"]),
        some(6, "custom-http-errors", &["503", "404,503", "401,403"]),
        some(3, "global-auth-url", &["http://10.1.1.8:8080/check"]),
        some(3, "allowlist-source-range", &["0.0.0.0/0"]),
        some(3, "denylist-source-range", &["10.9.0.0/16"]),
    ],
    headers: &[
        some(10, "X-Canary", &["always", "never", "v2", "other"]),
        some(6, "Cookie", &["beta=always", "a=b; beta=never", "beta=1"]),
        some(10, "X-Forwarded-Proto", &["https", "http"]),
        some(3, "X-Forwarded-Host", &["front.test", "front.test, b.test", "front.test:8443"]),
        some(3, "X-Forwarded-Port", &["8443"]),
        some(10, "Authorization", &["Basic dTpw"]),
        some(6, "User-Agent", &["badbot", "Bot/1.0", "X"]),
        some(4, "Referer", &["https://spam.test/", "https://good.test/spam"]),
    ],
    deployed,
};

/// The common Ingresses, canaries of some of them, and Secrets that are there.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut all = ingresses(random, dialect);
    for ingress in &mut all {
        if let Some(secret) = ingress.pointer_mut("/spec/tls/0/secretName")
            && random.random_ratio(1, 2)
        {
            *secret = json!("cert");
        }
    }
    for ingress in &mut all {
        let path = ingress.pointer_mut("/spec/rules/0/http/paths/0/backend");
        if let Some(backend) = path.filter(|backend| backend.get("service").is_some())
            && random.random_ratio(1, 12)
        {
            let port =
                if random.random() { json!({"number": EXTERNAL_PORT}) } else { json!({"name": "http"}) };
            *backend = json!({"service": {"name": EXTERNAL, "port": port}});
        }
    }
    all.extend(NAMESPACES.map(external));
    for number in 0..random.random_range(0..3) {
        let mains: Vec<&Value> = all.iter().filter(|one| one["kind"] == "Ingress").collect();
        let Some(main) = mains.choose(random).map(|main| (*main).clone()) else { break };
        all.push(canary(random, main, number));
    }
    all
}

/// The same places, with another Service, mostly in the same namespace.
fn canary(random: &mut StdRng, mut ingress: Value, number: usize) -> Value {
    if random.random_ratio(1, 8) {
        ingress["metadata"]["namespace"] = json!(NAMESPACES.choose(random));
    }
    ingress["metadata"]["name"] = json!(format!("canary{number}"));
    ingress["metadata"]["uid"] = json!(format!("canary{number}"));
    ingress["metadata"]["creationTimestamp"] =
        json!(format!("2026-01-01T00:00:0{}Z", random.random_range(0..3)));
    let mut annotations = serde_json::Map::new();
    let mut put = |name: &str, value: &str| annotations.insert(format!("{PREFIX}{name}"), json!(value));
    put("canary", ["true", "true", "true", "true", "1", "yes"].choose(random).copied().unwrap_or("true"));
    for (percent, name, values) in [
        (60, "canary-weight", &["0", "100", "100", "0", "30", "x", "150"][..]),
        (20, "canary-weight-total", &["100", "10", "200"][..]),
        (40, "canary-by-header", &["X-Canary"][..]),
        (15, "canary-by-header-value", &["v2"][..]),
        (15, "canary-by-header-pattern", &["^v[0-9]$", "^a", "("][..]),
        (30, "canary-by-cookie", &["beta"][..]),
    ] {
        if random.random_ratio(percent, 100) {
            put(name, values.choose(random).copied().unwrap_or_default());
        }
    }
    ingress["metadata"]["annotations"] = Value::Object(annotations);
    for rule in ingress.pointer_mut("/spec/rules").and_then(Value::as_array_mut).into_iter().flatten() {
        let paths = rule.pointer_mut("/http/paths").and_then(Value::as_array_mut);
        for path in paths.into_iter().flatten() {
            path["backend"]["service"]["name"] = json!(SERVICES.choose(random));
        }
    }
    ingress
}

fn deployed(arguments: &[String], config: &[(String, String)]) -> Vec<Value> {
    let labels =
        json!({"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"});
    let mut all = vec![
        "/nginx-ingress-controller".to_owned(),
        "--controller-class=k8s.io/ingress-nginx".to_owned(),
        "--configmap=$(POD_NAMESPACE)/settings".to_owned(),
    ];
    all.extend(arguments.iter().cloned());
    let data: serde_json::Map<String, Value> =
        config.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    let secrets: Vec<Value> = NAMESPACES
        .iter()
        .flat_map(|namespace| {
            ["cert", "users"].map(|name| json!({"metadata": {"namespace": namespace, "name": name}}))
        })
        .collect();
    vec![
        json!({"apiVersion": "v1", "kind": "SecretList", "items": secrets}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "edge", "name": "settings"}, "data": data}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"namespace": "edge", "name": "ingress-nginx-controller", "labels": labels},
            "spec": {"selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{
                    "name": "controller", "args": all,
                    "image": "registry.k8s.io/ingress-nginx/controller:v1.15.1",
                }]},
            }},
        }),
    ]
}

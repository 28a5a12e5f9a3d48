//! Traefik's provider that stands in for ingress-nginx.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::traefik::{PATTERNS, deployed, routes as classed};
use super::{Choice, Dialect, some};
use crate::generate::{one_of, picked};
use crate::world::{CLASS, NAMESPACES, SERVICES};

/// What a canary asks of requests.
const CANARY: &[Choice] = &[
    some(60, "nginx.ingress.kubernetes.io/canary-weight", &["0", "100", "100", "30", "-5", "500", "x", "40"]),
    some(15, "nginx.ingress.kubernetes.io/canary-weight-total", &["40", "1000", "x"]),
    some(50, "nginx.ingress.kubernetes.io/canary-by-header", &["X-Canary", "x-c"]),
    some(30, "nginx.ingress.kubernetes.io/canary-by-header-value", &["yes", "always", ""]),
    some(30, "nginx.ingress.kubernetes.io/canary-by-header-pattern", &["^y.s$", "[", "a|never"]),
    some(30, "nginx.ingress.kubernetes.io/canary-by-cookie", &["canary", "a.b"]),
];

/// As for Traefik's own provider, with Secrets for authentication; some Ingresses are canaries of others.
fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut objects = classed(random, dialect);
    for namespace in NAMESPACES {
        objects.push(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": "users"},
            "stringData": {"auth": "user:{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ="},
        }));
    }
    let ingresses: Vec<Value> =
        objects.iter().filter(|object| object["kind"] == "Ingress").cloned().collect();
    for number in 0..random.random_range(0..4) {
        let Some(main) = ingresses.choose(random) else { break };
        let mut canary = main.clone();
        let mut annotations = picked(random, CANARY);
        annotations.insert("nginx.ingress.kubernetes.io/canary".to_owned(), "true".to_owned());
        canary["metadata"]["annotations"] = json!(annotations);
        canary["metadata"]["name"] = json!(format!("c{number}"));
        canary["metadata"]["creationTimestamp"] =
            json!(format!("2026-01-01T00:00:0{}Z", random.random_range(0..3)));
        let rules = canary["spec"]["rules"].as_array_mut();
        let paths = rules.into_iter().flatten().filter_map(|rule| rule["http"]["paths"].as_array_mut());
        for path in paths.flatten() {
            if random.random_ratio(4, 5) {
                path["backend"]["service"]["name"] = json!(one_of(random, &SERVICES));
            }
            if random.random_ratio(1, 10) {
                path["pathType"] = json!("Exact");
            }
        }
        objects.push(canary);
    }
    objects
}

pub(crate) const TRAEFIK_INGRESS_NGINX: Dialect = Dialect {
    kind: ControllerKind::TraefikIngressNginx,
    class: "k8s.io/ingress-nginx",
    routes,
    annotations: &[
        some(15, "nginx.ingress.kubernetes.io/use-regex", &["true", "true", "false", "yes", "TRUE"]),
        some(
            18,
            "nginx.ingress.kubernetes.io/rewrite-target",
            &[
                "/",
                "/new",
                "/$1",
                "/$2",
                "/x/$1?y=z",
                "https://r.example/$1",
                "new",
                "//x",
                "",
                "/a b",
                "/$uri",
            ],
        ),
        some(7, "nginx.ingress.kubernetes.io/app-root", &["/home", "/home/", "home", "/h?x=1", ""]),
        some(
            6,
            "nginx.ingress.kubernetes.io/permanent-redirect",
            &["https://other.example/x", "http://$host/y", "/rel", "$scheme://p.example$request_uri", ""],
        ),
        some(
            6,
            "nginx.ingress.kubernetes.io/permanent-redirect-code",
            &["308", "404", "x", "302", "200", "307"],
        ),
        some(5, "nginx.ingress.kubernetes.io/temporal-redirect", &["https://t.example/", "/t", "?q"]),
        some(4, "nginx.ingress.kubernetes.io/temporal-redirect-code", &["307", "200", "303", ""]),
        some(8, "nginx.ingress.kubernetes.io/from-to-www-redirect", &["true", "false"]),
        some(12, "nginx.ingress.kubernetes.io/ssl-redirect", &["true", "false", "x"]),
        some(6, "nginx.ingress.kubernetes.io/force-ssl-redirect", &["true", "false"]),
        some(
            10,
            "nginx.ingress.kubernetes.io/server-alias",
            &[
                "alias.test",
                "a.test,alias.test",
                "b.test",
                "Alias.test",
                "*.alias.test",
                "ALIAS.test",
                "q.x.b.test, nobody.test",
                "",
            ],
        ),
        some(
            12,
            "nginx.ingress.kubernetes.io/default-backend",
            &["two", "five", "missing", "external", "unnamed", "headless", "vacant"],
        ),
        some(8, "nginx.ingress.kubernetes.io/service-upstream", &["true", "true", "false", "yes"]),
        some(10, "nginx.ingress.kubernetes.io/custom-http-errors", &["503", "404,503", "500-599", "x", ""]),
        some(5, "nginx.ingress.kubernetes.io/auth-type", &["basic", "basic", "digest", "bearer"]),
        some(8, "nginx.ingress.kubernetes.io/auth-secret", &["users", "users", "n/users", "none"]),
        some(2, "nginx.ingress.kubernetes.io/auth-secret-type", &["auth-file", "auth-map", "x"]),
        some(3, "nginx.ingress.kubernetes.io/auth-url", &["http://10.1.2.8:8080/auth"]),
        some(
            4,
            "nginx.ingress.kubernetes.io/whitelist-source-range",
            &["127.0.0.0/8", "x", "127.0.0.1,::/0", ""],
        ),
        some(
            2,
            "nginx.ingress.kubernetes.io/allowlist-source-range",
            &["127.0.0.0/8, 10.0.0.0/8", "10.0.0.0/99"],
        ),
        some(
            6,
            "nginx.ingress.kubernetes.io/configuration-snippet",
            &[
                "return 403;",
                "more_set_headers \"X-A: b\";",
                "return 302 https://s.example/;",
                "bogus x;",
                "return 404",
            ],
        ),
        some(
            5,
            "nginx.ingress.kubernetes.io/server-snippet",
            &["location /api { return 403; }", "location = /a { return 301 /b; }", "add_header X-A b;", "{"],
        ),
        some(2, "nginx.ingress.kubernetes.io/auth-tls-secret", &["n/none", "none"]),
        some(2, "nginx.ingress.kubernetes.io/proxy-ssl-secret", &["n/none"]),
        some(3, "nginx.ingress.kubernetes.io/ssl-passthrough", &["true"]),
        some(2, "nginx.ingress.kubernetes.io/custom-headers", &["nothing"]),
        some(4, "nginx.ingress.kubernetes.io/x-forwarded-prefix", &["/p"]),
        some(4, "nginx.ingress.kubernetes.io/upstream-vhost", &["v.test"]),
        some(3, "nginx.ingress.kubernetes.io/proxy-redirect-from", &["off"]),
        some(3, "nginx.ingress.kubernetes.io/enable-cors", &["true"]),
        some(3, "nginx.ingress.kubernetes.io/affinity", &["cookie"]),
        some(3, "nginx.ingress.kubernetes.io/backend-protocol", &["HTTP", "http", "AJP", "AUTO_HTTP"]),
        some(3, "nginx.ingress.kubernetes.io/limit-rate", &["1"]),
        some(3, "nginx.ingress.kubernetes.io/mirror-target", &["http://m.example"]),
        some(3, "nginx.ingress.kubernetes.io/enable-modsecurity", &["true"]),
        some(3, "nginx.ingress.kubernetes.io/preserve-trailing-slash", &["true"]),
        some(3, "nginx.ingress.kubernetes.io/satisfy", &["any"]),
        some(3, "nginx.ingress.kubernetes.io/proxy-body-size", &["1m"]),
        some(3, "traefik.ingress.kubernetes.io/router.priority", &["500"]),
        some(2, "nginx.ingress.kubernetes.io/upstream-hash-by", &["$request_uri"]),
        some(2, "nginx.ingress.kubernetes.io/proxy-request-buffering", &["on", "off"]),
        some(2, "nginx.ingress.kubernetes.io/limit-rps", &["5000"]),
        some(2, "nginx.ingress.kubernetes.io/denylist-source-range", &["127.0.0.0/8"]),
        some(2, "nginx.ingress.kubernetes.io/canary", &["false"]),
        some(2, "nginx.ingress.kubernetes.io/canary-weight", &["50"]),
    ],
    service_annotations: &[],
    patterns: PATTERNS,
    arguments: &[
        some(70, "--providers.kubernetesingressnginx.strictvalidatepathtype", &["false"]),
        some(60, "--providers.kubernetesingressnginx.allowsnippetannotations", &["true"]),
        some(25, "--providers.kubernetesingressnginx.defaultbackendservice", &["n/eight", "m/one"]),
        some(20, "--providers.kubernetesingressnginx.disablesvcexternalname", &["true"]),
        some(10, "--providers.kubernetesingressnginx.allowcrossnamespaceresources", &["true"]),
        some(12, "--providers.kubernetesingressnginx.customhttperrors", &["503", "500-599", "404"]),
        some(6, "--providers.kubernetesingressnginx.globalauthurl", &["http://10.1.2.8:8080/auth"]),
        some(8, "--providers.kubernetesingressnginx.ingressclass", &[CLASS]),
        some(8, "--providers.kubernetesingressnginx.ingressclassbyname", &["true"]),
        some(10, "--providers.kubernetesingressnginx.watchingresswithoutclass", &["true"]),
        some(
            8,
            "--providers.kubernetesingressnginx.watchnamespaceselector",
            &["kubernetes.io/metadata.name in (n,edge)", "kubernetes.io/metadata.name!=m"],
        ),
        some(6, "--providers.kubernetesingressnginx.httpentrypoint", &["web"]),
        some(6, "--providers.kubernetesingressnginx.httpsentrypoint", &["websecure"]),
        some(6, "--entryPoints.web.http.redirections.entryPoint.to", &["websecure"]),
        some(3, "--entryPoints.web.http.middlewares", &["missing@file"]),
        some(15, "--entryPoints.web.http.sanitizePath", &["false"]),
        some(8, "--entryPoints.web.http.encodedCharacters.allowEncodedSlash", &["false"]),
        some(5, "--entryPoints.web.asDefault", &["true"]),
        some(5, "--entryPoints.web.forwardedHeaders.insecure", &["true"]),
    ],
    config: &[],
    headers: &[
        some(5, "X-Forwarded-Proto", &["https"]),
        some(15, "X-Canary", &["always", "Always", "never", "yes", "x"]),
        some(5, "X-C", &["always", "never"]),
        some(10, "Cookie", &["canary=always", "a=b; canary=never", "a.b=always;c=d", "canary=x"]),
        some(10, "Authorization", &["Basic dXNlcjpwYXNz"]),
    ],
    deployed: |arguments, _| deployed("--providers.kubernetesingressnginx", arguments),
};

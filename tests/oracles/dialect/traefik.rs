//! Traefik's own provider for Ingress.

use rand::RngExt;
use rand::rngs::StdRng;
use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::{ingresses, one_of, picked};
use crate::world::{CLASS, NAMED, NAMESPACES, ODD, certificate, named, odd_services};

/// The arguments that are always there; the ports are those that the proxy really has.
pub(crate) const ALWAYS: [&str; 6] = [
    "--entryPoints.web.address=:80",
    "--entryPoints.websecure.address=:443",
    "--entryPoints.websecure.http.tls=true",
    "--entryPoints.metrics.address=:9100/tcp",
    "--entryPoints.traefik.address=:9000/tcp",
    "--ping=true",
];

pub(crate) const PATTERNS: &[Pattern] = &[
    Pattern { path: "/v[0-9]+", asked: &["/v12", "/v", "/vx", "/v1/x"] },
    Pattern { path: "/app(/|$)(.*)", asked: &["/app", "/app/", "/app/r/s", "/apple"] },
    Pattern { path: "/(.*)", asked: &["/t/u", "/", "/(.*)"] },
    Pattern { path: "/a(b|c)", asked: &["/ab", "/ac", "/ad", "/abc"] },
    Pattern { path: "/[a-z]+/x", asked: &["/z/x", "/Z/x", "/zz/xx", "//x"] },
    Pattern { path: "/api/v1/?(.*)", asked: &["/api/v1", "/api/v1/z", "/api/v1z"] },
    Pattern { path: "/x{2}", asked: &["/xx", "/x", "/x{2}"] },
    Pattern { path: "/a|b", asked: &["/a", "/b", "/xb"] },
    Pattern { path: "/{name}", asked: &["/q", "/q/r", "/{name}"] },
];

const FOREIGN_CLASS: &str = "foreign";

/// Ingresses of different classes and labels, with certificates that are there and some that are not, and
/// with a Service that is only a name.
pub(crate) fn routes(random: &mut StdRng, dialect: &Dialect) -> Vec<Value> {
    let mut objects = vec![json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": {"name": FOREIGN_CLASS}, "spec": {"controller": "example.com/other"},
    })];
    for (number, namespace) in NAMESPACES.into_iter().enumerate() {
        objects.push(named(number, &picked(random, dialect.service_annotations)));
        objects.extend(odd_services(namespace, &picked(random, dialect.service_annotations)));
        objects.push(certificate(namespace, "sound", true));
        objects.push(certificate(namespace, "broken", false));
    }
    let mut ingresses = ingresses(random, dialect);
    for ingress in &mut ingresses {
        ingress["metadata"]["labels"] = json!({"team": one_of(random, &["a", "a", "a", "b"])});
        match random.random_range(0..30) {
            0 => ingress["spec"]["ingressClassName"] = json!(FOREIGN_CLASS),
            1 => ingress["spec"]["ingressClassName"] = json!("missing"),
            2 => ingress["spec"]["ingressClassName"] = Value::Null,
            3 | 4 => {
                let class = one_of(random, &["traefik", "nginx", CLASS, ""]);
                ingress["spec"]["ingressClassName"] = Value::Null;
                ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
            }
            _ => {}
        }
        for tls in ingress["spec"]["tls"].as_array_mut().into_iter().flatten() {
            tls["secretName"] = json!(one_of(random, &["none", "sound", "broken", "sound"]));
        }
        let rules = ingress["spec"]["rules"].as_array_mut();
        let paths = rules.into_iter().flatten().filter_map(|rule| rule["http"]["paths"].as_array_mut());
        for path in paths.flatten() {
            match random.random_range(0..50) {
                0 | 1 => {
                    let port = one_of(random, &["http", "alt"]);
                    path["backend"]["service"] = json!({"name": NAMED, "port": {"name": port}});
                }
                2..6 => path["backend"]["service"]["name"] = json!(one_of(random, &ODD)),
                6 => {
                    path["backend"] =
                        json!({"resource": {"apiGroup": "example.com", "kind": "Bucket", "name": "b"}});
                }
                _ => {}
            }
        }
    }
    objects.extend(ingresses);
    objects
}

pub(crate) const TRAEFIK: Dialect = Dialect {
    kind: ControllerKind::Traefik,
    class: "traefik.io/ingress-controller",
    routes,
    annotations: &[
        some(
            15,
            "traefik.ingress.kubernetes.io/router.priority",
            &["10", "25", "30", "42", "-1", "x", "1000", "+30", "0", "9223372036854775807", "", " 7"],
        ),
        some(
            10,
            "traefik.ingress.kubernetes.io/router.entrypoints",
            &[
                "web",
                "websecure",
                "web,websecure",
                "web, websecure",
                "metrics",
                "bogus",
                "web, bogus",
                "WEB",
                "",
            ],
        ),
        some(8, "traefik.ingress.kubernetes.io/router.tls", &["true", "false", "", "TRUE", "yes"]),
        some(2, "traefik.ingress.kubernetes.io/router.tls.certresolver", &["none"]),
        some(2, "traefik.ingress.kubernetes.io/router.tls.domains.0.main", &["a.test"]),
        some(
            20,
            "traefik.ingress.kubernetes.io/router.pathmatcher",
            &["Path", "PathPrefix", "PathRegexp", "PathRegexp", "Exact", "", "pathprefix"],
        ),
        some(7, "traefik.ingress.kubernetes.io/router.rulesyntax", &["v2", "v3", "default", "v4", ""]),
        some(
            5,
            "traefik.ingress.kubernetes.io/router.middlewares",
            &["missing", "n-x@kubernetescrd", "x@file", ""],
        ),
        some(3, "traefik.ingress.kubernetes.io/router.observability.accesslogs", &["true", "false", "maybe"]),
        some(3, "traefik.ingress.kubernetes.io/router.unknown", &["x"]),
        some(2, "traefik.ingress.kubernetes.io/Router.Priority", &["60"]),
    ],
    service_annotations: &[
        some(3, "traefik.ingress.kubernetes.io/service.passhostheader", &["true", "false", "x"]),
        some(3, "traefik.ingress.kubernetes.io/service.sticky.cookie", &["true"]),
        some(2, "traefik.ingress.kubernetes.io/service.sticky.cookie.maxage", &["10", "x"]),
        some(12, "traefik.ingress.kubernetes.io/service.nativelb", &["true", "true", "false", "no"]),
        some(2, "traefik.ingress.kubernetes.io/service.nodeportlb", &["true", "x"]),
        some(3, "traefik.ingress.kubernetes.io/service.middlewares", &["missing", "n-x@kubernetescrd", ""]),
        some(2, "traefik.ingress.kubernetes.io/service.serversscheme", &["http", ""]),
        some(2, "traefik.ingress.kubernetes.io/service.unknown", &["x"]),
    ],
    patterns: PATTERNS,
    arguments: &[
        some(30, "--providers.kubernetesingress.strictprefixmatching", &["true"]),
        some(40, "--providers.kubernetesingress.allowemptyservices", &["true"]),
        some(40, "--providers.kubernetesingress.allowexternalnameservices", &["true"]),
        some(12, "--providers.kubernetesingress.ingressclass", &[CLASS]),
        some(
            6,
            "--providers.kubernetesingress.labelselector",
            &["team=a", "team in (a)", "team!=b", "!other"],
        ),
        some(6, "--providers.kubernetesingress.namespaces", &["n,edge", "m,edge", "n,m,edge"]),
        some(8, "--providers.kubernetesingress.nativelbbydefault", &["true"]),
        some(6, "--providers.kubernetesingress.disableingressclasslookup", &["true"]),
        some(3, "--providers.kubernetesingress.disableclusterscoperesources", &["true"]),
        some(6, "--providers.kubernetesingress.crossprovidernamespaces", &["n", "m,n"]),
        some(10, "--core.defaultRuleSyntax", &["v2"]),
        some(
            10,
            "--entryPoints.web.http.redirections.entryPoint.to",
            &["websecure", ":8443", ":443", "webSecure"],
        ),
        some(3, "--entryPoints.web.http.redirections.entryPoint.scheme", &["http", "https"]),
        some(5, "--entryPoints.web.http.redirections.entryPoint.permanent", &["false"]),
        some(5, "--entryPoints.web.http.redirections.entryPoint.priority", &["20", "1"]),
        some(3, "--entryPoints.web.http.middlewares", &["missing@file"]),
        some(20, "--entryPoints.web.http.sanitizePath", &["false"]),
        some(10, "--entryPoints.websecure.http.sanitizePath", &["false"]),
        some(15, "--entryPoints.web.http.encodedCharacters.allowEncodedSlash", &["false"]),
        some(5, "--entryPoints.web.http.encodedCharacters.allowEncodedPercent", &["false"]),
        some(5, "--entryPoints.web.http.encodedCharacters.allowEncodedQuestionMark", &["false"]),
        some(5, "--entryPoints.web.http.encodedCharacters.allowEncodedBackSlash", &["false"]),
        some(5, "--entryPoints.web.http.encodedCharacters.allowEncodedNullCharacter", &["false"]),
        some(5, "--entryPoints.web.http.encodedCharacters.allowEncodedHash", &["false"]),
        some(5, "--entryPoints.web.http.encodedCharacters.allowEncodedSemicolon", &["false"]),
        some(5, "--entryPoints.websecure.http.encodedCharacters.allowEncodedSlash", &["false", "true"]),
        some(5, "--entryPoints.websecure.http.encodedCharacters.allowEncodedSemicolon", &["false"]),
        some(10, "--entryPoints.web.asDefault", &["true"]),
        some(5, "--entryPoints.web.allowACMEByPass", &["true"]),
        some(5, "--entryPoints.web.forwardedHeaders.insecure", &["true"]),
    ],
    config: &[],
    headers: &[some(8, "X-Forwarded-Proto", &["https", "http"])],
    deployed: |arguments, _| deployed("--providers.kubernetesingress", arguments),
};

/// Traefik in the cluster, with one provider.
pub(crate) fn deployed(provider: &str, arguments: &[String]) -> Vec<Value> {
    let always = ALWAYS.iter().map(|argument| (*argument).to_owned());
    let arguments: Vec<String> =
        always.chain([provider.to_owned()]).chain(arguments.iter().cloned()).collect();
    let labels = json!({"app.kubernetes.io/name": "traefik"});
    vec![json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "edge", "name": "traefik"},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "traefik", "image": "traefik:v3.7.15", "args": arguments}]},
        }},
    })]
}

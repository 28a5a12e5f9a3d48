//! Traefik's own provider for Ingress.

use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::{Dialect, Pattern, some};
use crate::generate::ingresses;

/// The arguments that are always there; the ports are those that the proxy really has.
pub(crate) const ALWAYS: [&str; 3] = [
    "--entryPoints.web.address=:80",
    "--entryPoints.websecure.address=:443",
    "--entryPoints.websecure.http.tls=true",
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

pub(crate) const TRAEFIK: Dialect = Dialect {
    kind: ControllerKind::Traefik,
    class: "traefik.io/ingress-controller",
    routes: ingresses,
    annotations: &[
        some(
            15,
            "traefik.ingress.kubernetes.io/router.priority",
            &["10", "25", "30", "42", "-1", "x", "1000"],
        ),
        some(
            10,
            "traefik.ingress.kubernetes.io/router.entrypoints",
            &["web", "websecure", "web,websecure", "bogus"],
        ),
        some(8, "traefik.ingress.kubernetes.io/router.tls", &["true", "false", ""]),
        some(
            20,
            "traefik.ingress.kubernetes.io/router.pathmatcher",
            &["Path", "PathPrefix", "PathRegexp", "Exact"],
        ),
        some(5, "traefik.ingress.kubernetes.io/router.rulesyntax", &["v2", "v3"]),
        some(5, "traefik.ingress.kubernetes.io/router.middlewares", &["missing", "n-x@kubernetescrd"]),
        some(3, "traefik.ingress.kubernetes.io/router.unknown", &["x"]),
    ],
    service_annotations: &[],
    patterns: PATTERNS,
    arguments: &[
        some(30, "--providers.kubernetesingress.strictprefixmatching", &["true"]),
        some(40, "--providers.kubernetesingress.allowemptyservices", &["true"]),
        some(10, "--core.defaultRuleSyntax", &["v2"]),
        some(10, "--entryPoints.web.http.redirections.entryPoint.to", &["websecure"]),
        some(20, "--entryPoints.web.http.sanitizePath", &["false"]),
        some(15, "--entryPoints.web.http.encodedCharacters.allowEncodedSlash", &["false"]),
        some(10, "--entryPoints.web.asDefault", &["true"]),
    ],
    config: &[],
    headers: &[some(5, "X-Forwarded-Proto", &["https"])],
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

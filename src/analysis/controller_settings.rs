//! What a controller was told that changes routing: which of its arguments and ConfigMap keys matter.
//!
//! Entries may hold one or more `*`. Names are without leading dashes and in lower case, as
//! [`Settings`] keeps them.
//! Sources: the products' own flags and ConfigMap references, `docs/controllers`.

use crate::model::controller::{ConfigSeen, ControllerKind, Flag, Settings};

const INGRESS_NGINX_FLAGS: &[&str] = &[
    "annotations-prefix",
    "configmap",
    "controller-class",
    "deep-inspect",
    "default-backend-service",
    "default-server-port",
    "default-ssl-certificate",
    "disable-catch-all",
    "disable-svc-external-name",
    "enable-annotation-validation",
    "enable-ssl-passthrough",
    "health-check-path",
    "http-port",
    "https-port",
    "ingress-class",
    "ingress-class-by-name",
    "publish-service",
    "publish-status-address",
    "ssl-passthrough-proxy-port",
    "watch-ingress-without-class",
    "watch-namespace",
    "watch-namespace-selector",
];

const INGRESS_NGINX_KEYS: &[&str] = &[
    "*-snippet",
    "access-log-path",
    "allow-cross-namespace-resources",
    "allow-snippet-annotations",
    "allowlist-source-range",
    "annotation-value-word-blocklist",
    "annotations-risk-level",
    "block-*",
    "custom-http-errors",
    "denylist-source-range",
    "disable-access-log",
    "enable-access-log-for-default-backend",
    "force-ssl-redirect",
    "global-auth-*",
    "http-access-log-path",
    "http-redirect-code",
    "log-format-escape-*",
    "log-format-upstream",
    "no-tls-redirect-locations",
    "preserve-trailing-slash",
    "relative-redirects",
    "service-upstream",
    "skip-access-log-urls",
    "ssl-redirect",
    "ssl-reject-handshake",
    "strict-validate-path-type",
    "use-forwarded-headers",
    "use-port-in-redirects",
    "use-proxy-protocol",
    "whitelist-source-range",
];

const TRAEFIK_FLAGS: &[&str] = &[
    "accesslog*",
    "core.defaultrulesyntax",
    "entrypoints.*.address",
    "entrypoints.*.asdefault",
    "entrypoints.*.http.encodedcharacters*",
    "entrypoints.*.http.middlewares*",
    "entrypoints.*.http.redirections*",
    "entrypoints.*.http.sanitizepath",
    "entrypoints.*.http.tls*",
    "providers.kubernetesgateway*",
    "providers.kubernetesingress*",
];

/// The arguments of a product that change routing.
const fn flags(kind: ControllerKind) -> &'static [&'static str] {
    match kind {
        ControllerKind::IngressNginx => INGRESS_NGINX_FLAGS,
        ControllerKind::Traefik | ControllerKind::TraefikIngressNginx | ControllerKind::TraefikGateway => {
            TRAEFIK_FLAGS
        }
        ControllerKind::F5Nginx => &[
            "allow-empty-ingress-host",
            "default-http-listener-port",
            "default-https-listener-port",
            "default-server-tls-secret",
            "enable-app-protect*",
            "enable-custom-resources",
            "enable-internal-routes",
            "enable-snippets",
            "health-status*",
            "ingress-class",
            "nginx-configmaps",
            "nginx-plus",
            "watch-namespace",
            "watch-namespace-label",
            "wildcard-tls-secret",
        ],
        ControllerKind::Haproxytech => &[
            "configmap",
            "default-backend-service",
            "disable-http",
            "disable-https",
            "disable-service-external-name",
            "empty-ingress-class",
            "http-bind-port",
            "https-bind-port",
            "ingress.class",
            "namespace-blacklist",
            "namespace-whitelist",
        ],
        ControllerKind::HaproxyIngress => &[
            "allow-cross-namespace",
            "annotations-prefix",
            "configmap",
            "controller-class",
            "default-backend-service",
            "disable-*",
            "ingress-class",
            "ingress-class-precedence",
            "watch-ingress-without-class",
            "watch-namespace",
        ],
        ControllerKind::AwsAlb => &[
            "default-target-type",
            "disable-ingress-class-annotation",
            "disable-ingress-group-name-annotation",
            "feature-gates",
            "ingress-class",
            "tolerate-non-existent-backend-*",
            "watch-namespace",
        ],
        ControllerKind::Contour => &[
            "config-path",
            "contour-config-name",
            "ingress-class-name",
            "root-namespaces",
            "watch-namespaces",
        ],
        ControllerKind::Istio => &["ingress*"],
        ControllerKind::Cilium => &["*ingress*"],
        ControllerKind::Kong => &["feature-gates", "ingress-class", "watch-namespace"],
        ControllerKind::Apisix => &["config*", "controller-name", "ingress-class"],
        ControllerKind::OpenshiftRouter => &["namespace-labels", "route-labels", "labels", "fields"],
        ControllerKind::Gce | ControllerKind::Agic | ControllerKind::Spec | ControllerKind::HttpRoute => &[],
    }
}

/// The ConfigMap keys of a product that change routing, or what is logged of it.
const fn keys(kind: ControllerKind) -> &'static [&'static str] {
    match kind {
        ControllerKind::IngressNginx => INGRESS_NGINX_KEYS,
        ControllerKind::F5Nginx => &[
            "*-snippets",
            "access-log-off",
            "default-server-*",
            "http-redirect-code",
            "http2",
            "ingress-template",
            "log-format*",
            "main-template",
            "proxy-protocol",
            "redirect-to-https",
            "resolver-addresses",
            "ssl-redirect",
        ],
        ControllerKind::Haproxytech => &[
            "*-config-snippet",
            "allow-list",
            "auth-*",
            "blacklist",
            "deny-list",
            "path-rewrite",
            "proxy-protocol",
            "request-redirect*",
            "ssl-passthrough",
            "ssl-redirect*",
            "standalone-backend",
            "syslog-server",
            "whitelist",
        ],
        ControllerKind::HaproxyIngress => {
            &["path-type*", "ssl-redirect*", "strict-host", "syslog-endpoint", "use-proxy-protocol"]
        }
        ControllerKind::Istio => &["mesh"],
        ControllerKind::Cilium => &["*ingress*"],
        ControllerKind::Contour => &["contour.yaml"],
        ControllerKind::Traefik
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::TraefikGateway
        | ControllerKind::AwsAlb
        | ControllerKind::Kong
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute => &[],
    }
}

/// The arguments that change routing, in the order given.
pub fn routing_flags(kind: ControllerKind, settings: &Settings) -> impl Iterator<Item = &Flag> {
    settings.args.iter().filter(move |flag| any(flags(kind), &flag.name))
}

/// The ConfigMap keys that change routing, sorted; `None` when the ConfigMap could not be read.
#[must_use]
pub fn routing_keys(kind: ControllerKind, settings: &Settings) -> Option<Vec<(&str, &str)>> {
    match &settings.config {
        ConfigSeen::Unseen => None,
        ConfigSeen::Known(data) => Some(
            data.iter()
                .filter(|(key, _)| any(keys(kind), key))
                .map(|(key, value)| (key.as_str(), value.as_str()))
                .collect(),
        ),
    }
}

/// A namespace whose Ingresses the controller looks at: the first it names, else its own.
#[must_use]
pub fn watched_namespace(settings: &Settings) -> &str {
    let named = WATCHED.iter().find_map(|flag| settings.value(flag));
    let first = named.and_then(|list| list.split(',').map(str::trim).find(|name| !name.is_empty()));
    first.unwrap_or(&settings.namespace)
}

/// Arguments that list the namespaces looked at.
const WATCHED: [&str; 5] = [
    "watch-namespace",
    "watch-namespaces",
    "namespace-whitelist",
    "providers.kubernetesingress.namespaces",
    "providers.kubernetesingressnginx.watchnamespace",
];

fn any(patterns: &[&str], name: &str) -> bool {
    patterns.iter().any(|pattern| fits(pattern, name))
}

/// Whether a name fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(tail) = name.strip_prefix(head) else { return false };
    rest.is_empty() || tail.char_indices().any(|(at, _)| tail.get(at..).is_some_and(|tail| fits(rest, tail)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_names() {
        for (pattern, name, expected) in [
            ("watch-namespace", "watch-namespace", true),
            ("watch-namespace", "watch-namespace-selector", false),
            ("*-snippet", "server-snippet", true),
            ("*-snippet", "allow-snippet-annotations", false),
            ("block-*", "block-cidrs", true),
            ("entrypoints.*.http.redirections*", "entrypoints.web.http.redirections.entrypoint.to", true),
            ("entrypoints.*.http.redirections*", "entrypoints.web.transport", false),
            ("*ingress*", "enable-ingress-controller", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn only_what_changes_routing_is_kept() {
        let flag = |name: &str| Flag { index: 0, in_command: false, name: name.to_owned(), value: None };
        let data = [
            ("proxy-body-size", "16m"),
            ("custom-http-errors", "404"),
            ("allow-snippet-annotations", "false"),
        ];
        let settings = Settings {
            args: vec![flag("election-id"), flag("watch-namespace"), flag("v")],
            config: ConfigSeen::Known(data.map(|(k, v)| (k.to_owned(), v.to_owned())).into()),
            ..Settings::default()
        };
        let kind = ControllerKind::IngressNginx;
        let names: Vec<&str> = routing_flags(kind, &settings).map(|flag| flag.name.as_str()).collect();
        assert_eq!(names, ["watch-namespace"]);
        assert_eq!(
            routing_keys(kind, &settings),
            Some(vec![("allow-snippet-annotations", "false"), ("custom-http-errors", "404")])
        );
        assert_eq!(
            watched_namespace(&Settings { namespace: "edge".to_owned(), ..Settings::default() }),
            "edge"
        );
        let unseen = Settings { config: ConfigSeen::Unseen, ..Settings::default() };
        assert_eq!(routing_keys(kind, &unseen), None);
    }
}

//! What the controller was told by flags and ConfigMap that holds for every Ingress.
//!
//! Source: kubernetes/ingress-nginx `internal/ingress/controller/config/config.go`,
//! `internal/ingress/controller/template/configmap.go`, `cmd/nginx/flags.go`, v1.15.1.

use crate::analysis::routing::nginx::pattern::{Match, Pattern};
use crate::model::controller::{ConfigSeen, Settings};
use crate::model::object::Name;

/// Settings for all Ingresses.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches of the controller, each on its own")]
pub(super) struct Global {
    pub(super) ssl_redirect: bool,
    pub(super) force_ssl_redirect: bool,
    pub(super) preserve_trailing_slash: bool,
    pub(super) relative_redirects: bool,
    pub(super) port_in_redirects: bool,
    pub(super) service_upstream: bool,
    pub(super) http_redirect_code: u16,
    /// Prefixes of location paths that are never redirected to https.
    pub(super) no_tls_redirect: Vec<String>,
    /// `X-Forwarded-*` of the client are believed.
    pub(super) use_forwarded_headers: bool,
    pub(super) http_port: u16,
    pub(super) https_port: u16,
    /// Where nginx itself ends TLS: behind the passthrough it is another port than the clients'.
    pub(super) tls_port: u16,
    pub(super) health_path: String,
    pub(super) default_service: Option<Name>,
    pub(super) external_names: bool,
    pub(super) ssl_passthrough: bool,
    /// TLS to hosts that nobody has is not ended at all.
    pub(super) rejects_unknown_tls: bool,
    pub(super) allow_list: Vec<String>,
    pub(super) deny_list: Vec<String>,
    pub(super) auth_url: Option<String>,
    pub(super) server_snippet: Option<String>,
    pub(super) location_snippet: Option<String>,
    /// Statuses that error pages answer.
    pub(super) errors: Vec<u16>,
    blocked_agents: Vec<Blocked>,
    blocked_referers: Vec<Blocked>,
    /// The ConfigMap could not be read: defaults are assumed.
    pub(super) unseen: bool,
}

/// One entry of a block list: text compared without case, or a regular expression after `~`.
#[derive(Debug)]
enum Blocked {
    Text(String),
    Regex(Pattern),
}

impl Blocked {
    fn new(entry: &str) -> Self {
        match (entry.strip_prefix("~*"), entry.strip_prefix('~')) {
            (Some(pattern), _) => Self::Regex(Pattern::new(pattern, true)),
            (None, Some(pattern)) => Self::Regex(Pattern::new(pattern, false)),
            (None, None) => Self::Text(entry.to_owned()),
        }
    }

    fn takes(&self, value: &str) -> bool {
        match self {
            Self::Text(text) => text.eq_ignore_ascii_case(value),
            Self::Regex(pattern) => pattern.is_match(value.as_bytes()) == Match::Yes,
        }
    }
}

impl Global {
    pub(super) fn new(settings: &Settings) -> Self {
        let switch = |key: &str, default: bool| match settings.config(key) {
            Some("true" | "1" | "True" | "TRUE" | "t" | "T") => true,
            Some("" | "false" | "0" | "False" | "FALSE" | "f" | "F") => false,
            Some(_) | None => default,
        };
        let list = |key: &str| -> Vec<String> {
            let text = settings.config(key).unwrap_or_default();
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let text = |key: &str| settings.config(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let port = |flag: &str, default| settings.value(flag).and_then(|v| v.parse().ok()).unwrap_or(default);
        let blocked = |key: &str| list(key).iter().map(|entry| Blocked::new(entry)).collect();
        let code = settings.config("http-redirect-code").and_then(|code| code.parse().ok());
        let ssl_passthrough = settings.is_set("enable-ssl-passthrough");
        let tls_port =
            if ssl_passthrough { port("ssl-passthrough-proxy-port", 442) } else { port("https-port", 443) };
        Self {
            ssl_redirect: switch("ssl-redirect", true),
            force_ssl_redirect: switch("force-ssl-redirect", false),
            preserve_trailing_slash: switch("preserve-trailing-slash", false),
            relative_redirects: switch("relative-redirects", false),
            port_in_redirects: switch("use-port-in-redirects", false),
            service_upstream: switch("service-upstream", false),
            http_redirect_code: code.filter(|code| matches!(code, 301 | 302 | 307 | 308)).unwrap_or(308),
            no_tls_redirect: match settings.config("no-tls-redirect-locations") {
                Some(_) => list("no-tls-redirect-locations"),
                None => vec!["/.well-known/acme-challenge".to_owned()],
            },
            use_forwarded_headers: switch("use-forwarded-headers", false),
            http_port: port("http-port", 80),
            https_port: port("https-port", 443),
            tls_port,
            health_path: settings.value("health-check-path").unwrap_or("/healthz").to_owned(),
            default_service: settings.value("default-backend-service").and_then(|service| {
                let (namespace, name) = service.split_once('/')?;
                Some(Name::new(namespace, name))
            }),
            external_names: !settings.is_set("disable-svc-external-name"),
            ssl_passthrough,
            rejects_unknown_tls: switch("ssl-reject-handshake", false),
            allow_list: [list("whitelist-source-range"), list("allowlist-source-range")].concat(),
            deny_list: list("denylist-source-range"),
            auth_url: text("global-auth-url"),
            server_snippet: text("server-snippet"),
            location_snippet: text("location-snippet"),
            errors: list("custom-http-errors")
                .iter()
                .filter_map(|code| code.parse().ok())
                .filter(|code| (300..600).contains(code))
                .collect(),
            blocked_agents: blocked("block-user-agents"),
            blocked_referers: blocked("block-referers"),
            unseen: settings.config == ConfigSeen::Unseen,
        }
    }

    /// The ConfigMap key that bars a request with these headers.
    pub(super) fn bars(&self, agent: Option<&str>, referer: Option<&str>) -> Option<&'static str> {
        let barred = |list: &[Blocked], value: Option<&str>| {
            value.is_some_and(|value| list.iter().any(|entry| entry.takes(value)))
        };
        if barred(&self.blocked_agents, agent) {
            return Some("block-user-agents");
        }
        barred(&self.blocked_referers, referer).then_some("block-referers")
    }
}

//! What the controller was told by flags and ConfigMap that holds for every Ingress.
//!
//! Source: nginx/kubernetes-ingress `cmd/nginx-ingress/flags.go`, `internal/configs/configmaps.go`,
//! `internal/configs/config_params.go`, 5.5.

use crate::model::controller::{ConfigSeen, Settings, Version};

/// Settings for all Ingresses.
#[derive(Debug)]
pub(super) struct Global {
    pub(super) version: Option<Version>,
    pub(super) allow_empty_host: bool,
    pub(super) plus: bool,
    pub(super) app_protect: bool,
    pub(super) app_protect_dos: bool,
    pub(super) internal_routes: bool,
    pub(super) snippets: bool,
    pub(super) ssl_redirect: bool,
    pub(super) redirect_to_https: bool,
    pub(super) http_redirect_code: u16,
    pub(super) http2: bool,
    pub(super) server_snippets: Option<String>,
    pub(super) location_snippets: Option<String>,
    /// What the default server returns, as written after `return`.
    pub(super) default_server_return: String,
    pub(super) http_port: u32,
    pub(super) https_port: u32,
    /// The path at which the default server says that it lives.
    pub(super) health_path: Option<String>,
    /// The default server has a certificate; without one it rejects TLS handshakes.
    pub(super) default_certificate: bool,
    /// TLS hosts without a Secret have a certificate.
    pub(super) wildcard_certificate: bool,
    /// `ExternalName` Services can be resolved.
    pub(super) resolver: bool,
    /// The ConfigMap key of a template that replaces the controller's own.
    pub(super) template: Option<&'static str>,
    /// The ConfigMap could not be read: defaults are assumed.
    pub(super) unseen: bool,
}

impl Global {
    pub(super) fn new(settings: &Settings) -> Self {
        let switch = |key: &str, default: bool| settings.config(key).and_then(boolean).unwrap_or(default);
        let text = |key: &str| settings.config(key).filter(|text| !text.is_empty()).map(str::to_owned);
        let port = |flag: &str, default| settings.value(flag).and_then(|v| v.parse().ok()).unwrap_or(default);
        let named = |flag: &str| settings.value(flag).is_some_and(|value| !value.is_empty());
        let health = settings.is_set("health-status");
        let template = ["main-template", "ingress-template"];
        Self {
            version: settings.version,
            allow_empty_host: settings.is_set("allow-empty-ingress-host"),
            plus: settings.is_set("nginx-plus"),
            app_protect: settings.is_set("enable-app-protect"),
            app_protect_dos: settings.is_set("enable-app-protect-dos"),
            internal_routes: settings.is_set("enable-internal-routes"),
            snippets: settings.is_set("enable-snippets"),
            ssl_redirect: switch("ssl-redirect", true),
            redirect_to_https: switch("redirect-to-https", false),
            http_redirect_code: settings.config("http-redirect-code").and_then(redirect_code).unwrap_or(301),
            http2: switch("http2", false),
            server_snippets: text("server-snippets"),
            location_snippets: text("location-snippets"),
            default_server_return: text("default-server-return").unwrap_or_else(|| "404".to_owned()),
            http_port: port("default-http-listener-port", 80),
            https_port: port("default-https-listener-port", 443),
            health_path: health
                .then(|| settings.value("health-status-uri").unwrap_or("/nginx-health").to_owned()),
            default_certificate: named("default-server-tls-secret"),
            wildcard_certificate: named("wildcard-tls-secret"),
            resolver: text("resolver-addresses").is_some(),
            template: template.into_iter().find(|key| settings.config(key).is_some()),
            unseen: settings.config == ConfigSeen::Unseen,
        }
    }
}

/// A switch as Go reads it.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A status that redirects to https may have.
pub(super) fn redirect_code(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code| matches!(code, 301 | 302 | 307 | 308))
}

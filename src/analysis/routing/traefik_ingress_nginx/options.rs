//! What the annotations of one Ingress ask for, and what the provider was told for all of them.
//!
//! A boolean is true when it reads `true` in any case; an integer that cannot be read is not set.
//! Sources: traefik/traefik `pkg/provider/kubernetes/ingress-nginx/{annotations,kubernetes}.go`,
//! v3.7.13.

use crate::analysis::adoption::selects_namespace;
use crate::model::controller::{Settings, Version};
use crate::model::ingress::Ingress;
use crate::model::object::Name;
use crate::model::snapshot::Snapshot;

pub(super) const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// The full key of an annotation.
pub(super) fn key(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// `permanent-redirect` or `temporal-redirect`, which wins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) url: String,
    pub(super) code: u16,
    pub(super) annotation: &'static str,
}

/// `canary-*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Canary {
    pub(super) weight: i64,
    pub(super) total: i64,
    pub(super) header: String,
    pub(super) value: String,
    pub(super) pattern: String,
    pub(super) cookie: String,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) use_regex: bool,
    pub(super) rewrite: String,
    pub(super) app_root: Option<String>,
    pub(super) redirect: Option<Redirect>,
    pub(super) from_to_www: bool,
    pub(super) force_ssl_redirect: bool,
    pub(super) ssl_redirect: bool,
    pub(super) ssl_passthrough: bool,
    pub(super) aliases: Vec<String>,
    pub(super) service_upstream: bool,
    pub(super) default_backend: String,
    pub(super) custom_errors: Option<Vec<String>>,
    pub(super) auth_type: Option<String>,
    pub(super) auth_secret: String,
    pub(super) auth_secret_type: String,
    pub(super) auth_url: String,
    pub(super) allowed: Option<(String, &'static str)>,
    pub(super) canary: Option<Canary>,
    pub(super) server_snippet: String,
    pub(super) configuration_snippet: String,
    pub(super) auth_snippet: String,
    pub(super) auth_tls_secret: Option<String>,
    /// Only for upstreams that speak TLS.
    pub(super) proxy_ssl_secret: String,
    pub(super) custom_headers: Option<String>,
}

impl Options {
    pub(super) fn new(ingress: &Ingress, global: &Global) -> Self {
        let get = |name: &str| ingress.meta.annotation(&key(name));
        let text = |name: &str| get(name).unwrap_or_default().to_owned();
        let flag = |name: &str| get(name).map(|value| value.eq_ignore_ascii_case("true"));
        let list = |name: &str| {
            get(name).map(|value| value.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>())
        };
        let secure = matches!(text("backend-protocol").to_ascii_uppercase().as_str(), "HTTPS" | "GRPCS");
        let global_auth = flag("enable-global-auth").unwrap_or(true);
        let auth_url = match text("auth-url") {
            own if !own.is_empty() => own,
            _ if global_auth => global.auth_url.clone(),
            own => own,
        };
        let allowed = get("allowlist-source-range")
            .map(|list| (list, "allowlist-source-range"))
            .or_else(|| get("whitelist-source-range").map(|list| (list, "whitelist-source-range")));
        Self {
            use_regex: flag("use-regex").unwrap_or(false),
            rewrite: text("rewrite-target"),
            app_root: get("app-root").filter(|root| root.starts_with('/')).map(ToOwned::to_owned),
            redirect: redirect(ingress),
            from_to_www: flag("from-to-www-redirect").unwrap_or(false),
            force_ssl_redirect: flag("force-ssl-redirect").unwrap_or(false),
            ssl_redirect: flag("ssl-redirect").unwrap_or(true),
            ssl_passthrough: flag("ssl-passthrough").unwrap_or(false),
            aliases: list("server-alias").unwrap_or_default(),
            service_upstream: flag("service-upstream").unwrap_or(false),
            default_backend: text("default-backend"),
            custom_errors: list("custom-http-errors"),
            auth_type: get("auth-type").map(ToOwned::to_owned),
            auth_secret: text("auth-secret"),
            auth_secret_type: get("auth-secret-type").unwrap_or("auth-file").to_owned(),
            auth_url,
            allowed: allowed.filter(|(list, _)| !list.is_empty()).map(|(list, key)| (list.to_owned(), key)),
            canary: flag("canary").unwrap_or(false).then(|| canary(ingress)),
            server_snippet: text("server-snippet"),
            configuration_snippet: text("configuration-snippet"),
            auth_snippet: text("auth-snippet"),
            auth_tls_secret: get("auth-tls-secret").map(ToOwned::to_owned),
            proxy_ssl_secret: if secure { text("proxy-ssl-secret") } else { String::new() },
            custom_headers: get("custom-headers").map(ToOwned::to_owned),
        }
    }

    /// Whether plain HTTP is sent to HTTPS.
    pub(super) fn redirects_to_https(&self, has_tls: bool) -> bool {
        self.force_ssl_redirect || (has_tls && self.ssl_redirect)
    }
}

fn integer(ingress: &Ingress, name: &str) -> Option<i64> {
    ingress.meta.annotation(&key(name))?.parse().ok()
}

fn redirect(ingress: &Ingress) -> Option<Redirect> {
    let one = |annotation: &'static str, default: u16| {
        let url = ingress.meta.annotation(&key(annotation))?.to_owned();
        let code = integer(ingress, &format!("{annotation}-code"));
        let code = code.filter(|code| (300..=308).contains(code)).and_then(|code| u16::try_from(code).ok());
        Some(Redirect { url, code: code.unwrap_or(default), annotation })
    };
    one("temporal-redirect", 302).or_else(|| one("permanent-redirect", 301))
}

fn canary(ingress: &Ingress) -> Canary {
    let text = |name: &str| ingress.meta.annotation(&key(name)).unwrap_or_default().to_owned();
    let total = integer(ingress, "canary-weight-total").unwrap_or(0).max(100);
    Canary {
        weight: integer(ingress, "canary-weight").unwrap_or(0).clamp(0, total),
        total,
        header: text("canary-by-header"),
        value: text("canary-by-header-value"),
        pattern: text("canary-by-header-pattern"),
        cookie: text("canary-by-cookie"),
    }
}

/// What the provider was told.
#[derive(Debug)]
pub(super) struct Global {
    pub(super) snippets: bool,
    pub(super) strict_paths: bool,
    pub(super) external_names: bool,
    pub(super) cross_namespace: bool,
    pub(super) default_service: Option<Name>,
    pub(super) http_entry_point: Option<String>,
    pub(super) https_entry_point: Option<String>,
    pub(super) custom_errors: Vec<String>,
    pub(super) auth_url: String,
    /// `app-root` is a matter of the host.
    pub(super) app_root_of_host: bool,
    /// The only namespace, where one is named and no selector is.
    watched: Option<String>,
    selector: Option<String>,
}

impl Global {
    pub(super) fn new(settings: &Settings) -> Self {
        let flag = |name: &str| format!("providers.kubernetesingressnginx.{name}");
        let is_set = |name: &str| settings.is_set(&flag(name));
        let text = |name: &str| settings.value(&flag(name)).filter(|value| !value.is_empty());
        let own = |name: &str| text(name).map(ToOwned::to_owned);
        Self {
            snippets: is_set("allowsnippetannotations"),
            strict_paths: settings.flag(&flag("strictvalidatepathtype")).is_none()
                || is_set("strictvalidatepathtype"),
            external_names: !is_set("disablesvcexternalname"),
            cross_namespace: is_set("allowcrossnamespaceresources"),
            default_service: text("defaultbackendservice")
                .and_then(|name| name.split_once('/'))
                .map(|(namespace, name)| Name::new(namespace, name)),
            http_entry_point: own("httpentrypoint"),
            https_entry_point: own("httpsentrypoint"),
            custom_errors: text("customhttperrors")
                .map(|list| list.split(',').map(|code| code.trim().to_owned()).collect())
                .unwrap_or_default(),
            auth_url: own("globalauthurl").unwrap_or_default(),
            app_root_of_host: settings.version.is_none_or(|version| version >= Version::new(3, 7, 14)),
            watched: own("watchnamespace"),
            selector: own("watchnamespaceselector"),
        }
    }

    /// Whether Services of a namespace are seen.
    pub(super) fn watches(&self, namespace: &str, snapshot: &Snapshot) -> bool {
        match &self.selector {
            Some(selector) => selects_namespace(selector, namespace, snapshot) != Some(false),
            None => self.watched.as_deref().is_none_or(|watched| watched == namespace),
        }
    }
}

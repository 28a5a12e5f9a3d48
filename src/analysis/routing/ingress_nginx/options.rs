//! What the annotations of one Ingress ask for, as far as routing depends on it.
//!
//! Source: kubernetes/ingress-nginx `internal/ingress/annotations/{rewrite,redirect,alias,canary,auth,
//! authreq,ipallowlist,ipdenylist,defaultbackend,…}`, v1.15.1.

use crate::analysis::adoption::annotations::Policy;
use crate::model::ingress::Ingress;
use crate::model::object::Name;

use super::canary::Policy as CanaryPolicy;
use super::global::Global;

#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "switches of one Ingress, each on its own")]
pub(super) struct Options {
    pub(super) rewrite_target: String,
    pub(super) use_regex: bool,
    pub(super) ssl_redirect: bool,
    pub(super) force_ssl_redirect: bool,
    pub(super) preserve_trailing_slash: bool,
    pub(super) app_root: Option<String>,
    pub(super) redirect: Option<Redirect>,
    pub(super) from_to_www: bool,
    pub(super) relative_redirects: bool,
    pub(super) port_in_redirects: bool,
    pub(super) aliases: Vec<String>,
    /// Set when `canary: "true"`.
    pub(super) canary: Option<CanaryPolicy>,
    /// Name of a Service in the Ingress' namespace.
    pub(super) default_backend: Option<String>,
    pub(super) service_upstream: bool,
    pub(super) ssl_passthrough: bool,
    /// The annotation for which every location of the Ingress answers 503.
    pub(super) denied: Option<&'static str>,
    /// The Secret that basic authentication needs.
    pub(super) auth_secret: Option<Name>,
    pub(super) client_certificates: Option<ClientCertificates>,
    pub(super) auth_url: Option<String>,
    /// Client addresses are looked at: the annotation that asks for it.
    pub(super) address_list: Option<&'static str>,
    pub(super) server_snippet: Option<String>,
    pub(super) configuration_snippet: Option<String>,
    /// Statuses that error pages answer.
    pub(super) errors: Vec<u16>,
}

/// `temporal-redirect` or `permanent-redirect`.
#[derive(Debug, Clone)]
pub(super) struct Redirect {
    pub(super) code: u16,
    pub(super) url: String,
    pub(super) annotation: &'static str,
}

/// What `auth-tls-secret` asks of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ClientCertificates {
    /// The annotation names no Secret that may be used.
    Void,
    /// Certificates that the authority in this Secret signed.
    Of(Name),
}

impl Options {
    pub(super) fn new(ingress: &Ingress, policy: &Policy<'_>, global: &Global) -> Self {
        let defaults = Self {
            ssl_redirect: global.ssl_redirect,
            force_ssl_redirect: global.force_ssl_redirect,
            preserve_trailing_slash: global.preserve_trailing_slash,
            relative_redirects: global.relative_redirects,
            port_in_redirects: global.port_in_redirects,
            service_upstream: global.service_upstream,
            ..Self::default()
        };
        if !policy.concerns(ingress) {
            return defaults;
        }
        let text = |name: &str| policy.text(ingress, name).map(std::borrow::Cow::into_owned);
        let switch = |name: &str, default: bool| policy.boolean(ingress, name).unwrap_or(default);
        let snippet = |name: &str| if policy.snippets() { text(name) } else { None };
        let mut options = Self {
            rewrite_target: text("rewrite-target").unwrap_or_default(),
            use_regex: switch("use-regex", false),
            ssl_redirect: switch("ssl-redirect", defaults.ssl_redirect),
            force_ssl_redirect: switch("force-ssl-redirect", defaults.force_ssl_redirect),
            preserve_trailing_slash: switch("preserve-trailing-slash", defaults.preserve_trailing_slash),
            app_root: text("app-root").filter(|root| root.starts_with('/')),
            port_in_redirects: switch("use-port-in-redirects", defaults.port_in_redirects),
            aliases: aliases(text("server-alias").as_deref().unwrap_or_default()),
            canary: canary(ingress, policy),
            default_backend: text("default-backend"),
            service_upstream: switch("service-upstream", defaults.service_upstream),
            ssl_passthrough: switch("ssl-passthrough", false),
            server_snippet: snippet("server-snippet"),
            configuration_snippet: snippet("configuration-snippet"),
            errors: codes(&text("custom-http-errors").unwrap_or_default()),
            ..defaults
        };
        options.redirects(ingress, policy);
        options.access(ingress, policy, global);
        options
    }

    /// A value that cannot be read makes the whole group of redirects void. `relative-redirects` can
    /// only be added to what the ConfigMap says.
    fn redirects(&mut self, ingress: &Ingress, policy: &Policy<'_>) {
        let unreadable = |name: &str, read: bool| policy.is_set(ingress, name) && !read;
        let text = |name: &str| policy.text(ingress, name).map(std::borrow::Cow::into_owned);
        let www = policy.boolean(ingress, "from-to-www-redirect");
        let relative = policy.boolean(ingress, "relative-redirects");
        let temporal = text("temporal-redirect");
        if unreadable("from-to-www-redirect", www.is_some())
            || unreadable("relative-redirects", relative.is_some())
            || unreadable("temporal-redirect", temporal.is_some())
        {
            return;
        }
        let code_of = |name: &str, last: i64, default: u16| {
            let code = policy.integer(ingress, name);
            if code.is_none() && policy.is_set(ingress, name) {
                return None;
            }
            let code = code.filter(|code| (300..=last).contains(code));
            Some(code.and_then(|code| u16::try_from(code).ok()).unwrap_or(default))
        };
        if let Some(url) = temporal {
            let Some(code) = code_of("temporal-redirect-code", 307, 302) else { return };
            if !has_http_scheme(&url) {
                return;
            }
            self.redirect = Some(Redirect { code, url, annotation: "temporal-redirect" });
        } else {
            let permanent = text("permanent-redirect");
            if unreadable("permanent-redirect", permanent.is_some()) {
                return;
            }
            let Some(code) = code_of("permanent-redirect-code", 308, 301) else { return };
            self.redirect = permanent.map(|url| Redirect { code, url, annotation: "permanent-redirect" });
        }
        self.from_to_www = www.unwrap_or(false);
        self.relative_redirects |= relative.unwrap_or(false);
    }

    fn access(&mut self, ingress: &Ingress, policy: &Policy<'_>, global: &Global) {
        let namespace = &ingress.meta.namespace;
        if policy.text(ingress, "auth-type").is_some() {
            match policy.text(ingress, "auth-secret") {
                None => self.denied = Some("auth-secret"),
                Some(secret) => {
                    let secret = secret_of(&secret, namespace, policy);
                    self.denied = if secret.is_none() { Some("auth-secret") } else { self.denied };
                    self.auth_secret = secret;
                }
            }
        }
        self.client_certificates = policy.text(ingress, "auth-tls-secret").map(|text| {
            let secret = secret_of(&text, namespace, policy).filter(|_| text.contains('/'));
            secret.map_or(ClientCertificates::Void, ClientCertificates::Of)
        });
        if let Some(url) = policy.text(ingress, "auth-url") {
            if is_absolute_url(&url) {
                self.auth_url = Some(url.into_owned());
            } else {
                self.denied = Some("auth-url");
            }
        } else if policy.boolean(ingress, "enable-global-auth").unwrap_or(true) {
            self.auth_url.clone_from(&global.auth_url);
        }
        for name in ["allowlist-source-range", "denylist-source-range"] {
            match policy.is_address_list(ingress, name) {
                None => {}
                Some(false) => self.denied = Some(name),
                Some(true) => self.address_list = Some(name),
            }
        }
    }
}

/// `name` or `namespace/name`; `None` where another namespace's Secrets may not be used.
fn secret_of(text: &str, own: &str, policy: &Policy<'_>) -> Option<Name> {
    let (namespace, name) = text.split_once('/').unwrap_or((own, text));
    let usable = !name.contains('/') && (namespace == own || policy.crosses_namespaces());
    usable.then(|| Name::new(namespace, name))
}

/// A list of statuses; one that is none makes the list void.
fn codes(text: &str) -> Vec<u16> {
    text.split(',').map(|code| code.parse().ok()).collect::<Option<Vec<u16>>>().unwrap_or_default()
}

fn aliases(text: &str) -> Vec<String> {
    let mut aliases: Vec<String> =
        text.split(',').map(str::trim).filter(|alias| !alias.is_empty()).map(str::to_owned).collect();
    aliases.sort();
    aliases.dedup();
    aliases
}

fn canary(ingress: &Ingress, policy: &Policy<'_>) -> Option<CanaryPolicy> {
    if policy.boolean(ingress, "canary") != Some(true) {
        return None;
    }
    let text = |name: &str| policy.text(ingress, name).map(std::borrow::Cow::into_owned);
    Some(CanaryPolicy::new(
        policy.integer(ingress, "canary-weight").unwrap_or(0),
        policy.integer(ingress, "canary-weight-total").unwrap_or(100),
        text("canary-by-header"),
        text("canary-by-header-value"),
        text("canary-by-header-pattern"),
        text("canary-by-cookie"),
    ))
}

/// A temporal redirect must name its scheme.
fn has_http_scheme(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.to_ascii_lowercase().starts_with("http")
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

fn is_absolute_url(url: &str) -> bool {
    url.split_once("://").is_some_and(|(scheme, rest)| {
        let host = rest.split(['/', '?']).next().unwrap_or_default();
        !scheme.is_empty() && !host.is_empty() && !host.contains("..")
    })
}

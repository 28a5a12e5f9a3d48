//! The annotations ingress-nginx knows: their risk, what their values must look like, and whether a
//! bad value drops the whole Ingress.
//!
//! Source: kubernetes/ingress-nginx `internal/ingress/annotations/*/main.go` and
//! `docs/user-guide/nginx-configuration/annotations-risk.md`, v1.15.1. A value that is merely ignored
//! when it is bad, and that routing does not depend on, is listed as `Free`.

use super::check::Check::{
    self, AuthType, Bool, Chars, CharsNoSpace, Cidrs, ErrorCodes, Free, Int, Options, ServerName,
    ServerNames, ServiceName, Size,
};
use super::check::{BASIC, PATH_CAPTURE, REGEX, URL, URL_VARIABLES, WITH_SPACE};

/// How much harm an annotation could do, in the controller's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Risk {
    Low,
    Medium,
    High,
    Critical,
}

impl Risk {
    /// A level of the ConfigMap; what is none is the lowest.
    pub(super) fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" => Self::High,
            "medium" => Self::Medium,
            _ => Self::Low,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "Low",
            Self::Medium => "Medium",
            Self::High => "High",
            Self::Critical => "Critical",
        }
    }
}

/// One annotation, without the prefix.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// An older name that stands in for an unset one.
    pub(super) alias: Option<&'static str>,
    pub(super) risk: Risk,
    pub(super) check: Check,
    /// A value that fails the check drops the Ingress; else it is as if it were not set.
    pub(super) drops: bool,
}

/// The row of an annotation, by its own name.
pub(super) fn row(name: &str) -> Option<&'static Row> {
    TABLE.binary_search_by(|row| row.name.cmp(name)).ok().and_then(|at| TABLE.get(at))
}

/// The row that an annotation stands in for.
pub(super) fn row_of_alias(alias: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.alias == Some(alias))
}

const fn row_of(name: &'static str, risk: Risk, check: Check, drops: bool) -> Row {
    Row { name, alias: None, risk, check, drops }
}

const fn aliased(name: &'static str, alias: &'static str, risk: Risk, check: Check, drops: bool) -> Row {
    Row { name, alias: Some(alias), risk, check, drops }
}

/// Sorted by name.
pub(super) static TABLE: &[Row] = &[
    row_of("affinity", Risk::Low, Free, false),
    row_of("affinity-canary-behavior", Risk::Low, Free, false),
    row_of("affinity-mode", Risk::Medium, Free, false),
    aliased("allowlist-source-range", "whitelist-source-range", Risk::Medium, Cidrs, false),
    row_of("app-root", Risk::Medium, Chars(PATH_CAPTURE), false),
    row_of("auth-always-set-cookie", Risk::Low, Free, false),
    row_of("auth-cache-duration", Risk::Medium, Free, false),
    row_of("auth-cache-key", Risk::Medium, Free, false),
    row_of("auth-keepalive", Risk::Low, Free, false),
    row_of("auth-keepalive-requests", Risk::Low, Free, false),
    row_of("auth-keepalive-share-vars", Risk::Low, Free, false),
    row_of("auth-keepalive-timeout", Risk::Low, Free, false),
    row_of("auth-method", Risk::Low, Free, false),
    row_of("auth-proxy-set-headers", Risk::Medium, Free, false),
    row_of("auth-realm", Risk::Medium, Chars(WITH_SPACE), true),
    row_of("auth-request-redirect", Risk::Medium, Free, false),
    row_of("auth-response-headers", Risk::Medium, Free, false),
    row_of("auth-secret", Risk::Medium, Chars(BASIC), false),
    row_of("auth-secret-type", Risk::Low, Options(&["auth-file", "auth-map"]), true),
    row_of("auth-signin", Risk::High, CharsNoSpace(URL_VARIABLES), false),
    row_of("auth-signin-redirect-param", Risk::Medium, Free, false),
    row_of("auth-snippet", Risk::Critical, Free, false),
    row_of("auth-tls-error-page", Risk::High, Free, false),
    row_of("auth-tls-match-cn", Risk::High, Free, false),
    row_of("auth-tls-pass-certificate-to-upstream", Risk::Low, Free, false),
    row_of("auth-tls-secret", Risk::Medium, Free, false),
    row_of("auth-tls-verify-client", Risk::Medium, Free, false),
    row_of("auth-tls-verify-depth", Risk::Low, Free, false),
    row_of("auth-type", Risk::Low, AuthType, true),
    row_of("auth-url", Risk::High, CharsNoSpace(URL_VARIABLES), true),
    row_of("backend-protocol", Risk::Low, Free, false),
    row_of("canary", Risk::Low, Bool, false),
    row_of("canary-by-cookie", Risk::Medium, CharsNoSpace(BASIC), false),
    row_of("canary-by-header", Risk::Medium, CharsNoSpace(BASIC), false),
    row_of("canary-by-header-pattern", Risk::Medium, Chars(REGEX), false),
    row_of("canary-by-header-value", Risk::Medium, CharsNoSpace(BASIC), false),
    row_of("canary-weight", Risk::Low, Int, false),
    row_of("canary-weight-total", Risk::Low, Int, false),
    row_of("client-body-buffer-size", Risk::Low, Size, true),
    row_of("configuration-snippet", Risk::Critical, Free, false),
    row_of("connection-proxy-header", Risk::Low, Chars(WITH_SPACE), true),
    row_of("cors-allow-credentials", Risk::Low, Free, false),
    row_of("cors-allow-headers", Risk::Medium, Free, false),
    row_of("cors-allow-methods", Risk::Medium, Free, false),
    row_of("cors-allow-origin", Risk::Medium, Free, false),
    row_of("cors-expose-headers", Risk::Medium, Free, false),
    row_of("cors-max-age", Risk::Low, Free, false),
    row_of("custom-headers", Risk::Medium, Free, false),
    row_of("custom-http-errors", Risk::Low, ErrorCodes, true),
    row_of("default-backend", Risk::Low, ServiceName, true),
    row_of("denylist-source-range", Risk::Medium, Cidrs, false),
    row_of("disable-proxy-intercept-errors", Risk::Low, Bool, true),
    row_of("enable-access-log", Risk::Low, Free, false),
    row_of("enable-cors", Risk::Low, Bool, false),
    row_of("enable-global-auth", Risk::Low, Free, false),
    row_of("enable-modsecurity", Risk::Low, Free, false),
    row_of("enable-opentelemetry", Risk::Low, Bool, true),
    row_of("enable-owasp-core-rules", Risk::Low, Free, false),
    row_of("enable-rewrite-log", Risk::Low, Free, false),
    row_of("fastcgi-index", Risk::Medium, Free, false),
    row_of("fastcgi-params-configmap", Risk::Medium, Free, false),
    row_of("force-ssl-redirect", Risk::Medium, Bool, false),
    row_of("from-to-www-redirect", Risk::Low, Bool, true),
    row_of("http2-push-preload", Risk::Low, Bool, true),
    aliased("limit-allowlist", "limit-whitelist", Risk::Low, Cidrs, true),
    row_of("limit-burst-multiplier", Risk::Low, Free, false),
    row_of("limit-connections", Risk::Low, Int, true),
    row_of("limit-rate", Risk::Low, Free, false),
    row_of("limit-rate-after", Risk::Low, Free, false),
    row_of("limit-rpm", Risk::Low, Int, true),
    row_of("limit-rps", Risk::Low, Int, true),
    row_of("load-balance", Risk::Low, Free, false),
    row_of("mirror-host", Risk::High, Free, false),
    row_of("mirror-request-body", Risk::Low, Free, false),
    row_of("mirror-target", Risk::High, Free, false),
    row_of("modsecurity-snippet", Risk::Critical, Free, false),
    row_of("modsecurity-transaction-id", Risk::High, Free, false),
    row_of("opentelemetry-operation-name", Risk::Medium, Free, false),
    row_of("opentelemetry-trust-incoming-span", Risk::Low, Free, false),
    row_of("permanent-redirect", Risk::Medium, Chars(URL), true),
    row_of("permanent-redirect-code", Risk::Low, Int, true),
    row_of("preserve-trailing-slash", Risk::Medium, Bool, false),
    row_of("proxy-body-size", Risk::Medium, Free, false),
    row_of("proxy-buffer-size", Risk::Low, Free, false),
    row_of("proxy-buffering", Risk::Low, Free, false),
    row_of("proxy-buffers-number", Risk::Low, Free, false),
    row_of("proxy-busy-buffers-size", Risk::Low, Free, false),
    row_of("proxy-connect-timeout", Risk::Low, Free, false),
    row_of("proxy-cookie-domain", Risk::Medium, Free, false),
    row_of("proxy-cookie-path", Risk::Medium, Free, false),
    row_of("proxy-http-version", Risk::Low, Free, false),
    row_of("proxy-max-temp-file-size", Risk::Low, Free, false),
    row_of("proxy-next-upstream", Risk::Medium, Free, false),
    row_of("proxy-next-upstream-timeout", Risk::Low, Free, false),
    row_of("proxy-next-upstream-tries", Risk::Low, Free, false),
    row_of("proxy-read-timeout", Risk::Low, Free, false),
    row_of("proxy-redirect-from", Risk::Medium, Free, false),
    row_of("proxy-redirect-to", Risk::Medium, Free, false),
    row_of("proxy-request-buffering", Risk::Low, Free, false),
    row_of("proxy-send-timeout", Risk::Low, Free, false),
    row_of("proxy-ssl-ciphers", Risk::Medium, Free, false),
    row_of("proxy-ssl-name", Risk::High, Free, false),
    row_of("proxy-ssl-protocols", Risk::Low, Free, false),
    row_of("proxy-ssl-secret", Risk::Medium, Free, false),
    row_of("proxy-ssl-server-name", Risk::Low, Free, false),
    row_of("proxy-ssl-verify", Risk::Low, Free, false),
    row_of("proxy-ssl-verify-depth", Risk::Low, Free, false),
    row_of("relative-redirects", Risk::Low, Bool, true),
    row_of("rewrite-target", Risk::Medium, Chars(PATH_CAPTURE), false),
    row_of("satisfy", Risk::Low, Options(&["any", "all"]), false),
    row_of("server-alias", Risk::High, ServerNames, true),
    row_of("server-snippet", Risk::Critical, Free, false),
    row_of("service-upstream", Risk::Low, Bool, false),
    row_of("session-cookie-change-on-failure", Risk::Low, Free, false),
    row_of("session-cookie-conditional-samesite-none", Risk::Low, Free, false),
    row_of("session-cookie-domain", Risk::Medium, Free, false),
    row_of("session-cookie-expires", Risk::Medium, Free, false),
    row_of("session-cookie-max-age", Risk::Medium, Free, false),
    row_of("session-cookie-name", Risk::Medium, Free, false),
    row_of("session-cookie-partitioned", Risk::Low, Free, false),
    row_of("session-cookie-path", Risk::Medium, Free, false),
    row_of("session-cookie-samesite", Risk::Low, Free, false),
    row_of("session-cookie-secure", Risk::Low, Free, false),
    row_of("ssl-ciphers", Risk::Low, Free, false),
    row_of("ssl-passthrough", Risk::Low, Bool, true),
    row_of("ssl-prefer-server-ciphers", Risk::Low, Free, false),
    row_of("ssl-redirect", Risk::Low, Bool, false),
    row_of("stream-snippet", Risk::Critical, Free, false),
    row_of("temporal-redirect", Risk::Medium, Chars(URL), true),
    row_of("temporal-redirect-code", Risk::Low, Int, true),
    row_of("upstream-hash-by", Risk::High, Free, false),
    row_of("upstream-hash-by-subset", Risk::Low, Free, false),
    row_of("upstream-hash-by-subset-size", Risk::Low, Free, false),
    row_of("upstream-vhost", Risk::Low, ServerName, true),
    row_of("use-port-in-redirects", Risk::Low, Bool, false),
    row_of("use-regex", Risk::Low, Bool, false),
    row_of("x-forwarded-prefix", Risk::Medium, Chars(BASIC), true),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
        assert!(row("use-regex").is_some() && row("no-such-thing").is_none());
        assert_eq!(
            row_of_alias("whitelist-source-range").map(|row| row.name),
            Some("allowlist-source-range")
        );
    }
}

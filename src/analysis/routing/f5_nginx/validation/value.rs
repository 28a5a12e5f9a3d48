//! The annotations that are checked, and what each may hold.
//!
//! Source: nginx/kubernetes-ingress `internal/k8s/validation.go` (`annotationValidations`),
//! `internal/configs/parsing_helpers.go`, 5.5.

use std::sync::LazyLock;

use regex::Regex;

use super::super::global::{Global, boolean, redirect_code};
use super::super::options::{Mode, port_list, rewrite_list};
use crate::model::ingress::{Backend, Ingress};

/// What must run for an annotation to be allowed.
#[derive(Debug, Clone, Copy)]
enum Needs {
    Nothing,
    Plus,
    AppProtect,
    AppProtectDos,
    InternalRoutes,
    Snippets,
}

/// What a value must be.
#[derive(Debug, Clone, Copy)]
enum Value {
    Any,
    Bool,
    Time,
    Size,
    Offset,
    Buffers,
    Integer,
    Unsigned,
    Ports,
    Services,
    Rewrites,
    RewriteTarget,
    PathRegex,
    RedirectCode,
    AppRoot,
    Mergeable,
    LbMethod,
    Headers,
    SetHeaders,
    NextUpstream,
    SecretName,
    Quotable,
}

/// One annotation that is checked.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) key: &'static str,
    needs: Needs,
    may_be_empty: bool,
    /// Another annotation that must be there, and a boolean.
    beside: Option<&'static str>,
    value: Value,
}

const fn check(key: &'static str, value: Value) -> Check {
    Check { key, needs: Needs::Nothing, may_be_empty: false, beside: None, value }
}

const fn loose(key: &'static str, value: Value) -> Check {
    Check { key, needs: Needs::Nothing, may_be_empty: true, beside: None, value }
}

const fn with(key: &'static str, needs: Needs) -> Check {
    Check { key, needs, may_be_empty: true, beside: None, value: Value::Any }
}

const fn beside(key: &'static str, other: &'static str, value: Value) -> Check {
    Check { key, needs: Needs::Nothing, may_be_empty: false, beside: Some(other), value }
}

/// By name, as they are checked.
pub(super) const CHECKS: &[Check] = &[
    with("appprotect.f5.com/app-protect-enable", Needs::AppProtect),
    with("appprotect.f5.com/app-protect-policy", Needs::AppProtect),
    with("appprotect.f5.com/app-protect-security-log", Needs::AppProtect),
    with("appprotect.f5.com/app-protect-security-log-destination", Needs::AppProtect),
    with("appprotect.f5.com/app-protect-security-log-enable", Needs::AppProtect),
    with("appprotectdos.f5.com/app-protect-dos-resource", Needs::AppProtectDos),
    check("ingress.kubernetes.io/ssl-redirect", Value::Bool),
    with("nginx.com/health-checks", Needs::Plus),
    with("nginx.com/health-checks-mandatory", Needs::Plus),
    with("nginx.com/health-checks-mandatory-queue", Needs::Plus),
    with("nginx.com/jwt-key", Needs::Plus),
    with("nginx.com/jwt-login-url", Needs::Plus),
    with("nginx.com/jwt-realm", Needs::Plus),
    with("nginx.com/jwt-token", Needs::Plus),
    with("nginx.com/slow-start", Needs::Plus),
    with("nginx.com/sticky-cookie-services", Needs::Plus),
    loose("nginx.org/app-root", Value::AppRoot),
    loose("nginx.org/basic-auth-realm", Value::Quotable),
    check("nginx.org/basic-auth-secret", Value::SecretName),
    check("nginx.org/client-body-buffer-size", Value::Size),
    check("nginx.org/client-max-body-size", Value::Offset),
    check("nginx.org/fail-timeout", Value::Time),
    check("nginx.org/grpc-services", Value::Services),
    check("nginx.org/hsts", Value::Bool),
    beside("nginx.org/hsts-behind-proxy", "nginx.org/hsts", Value::Bool),
    beside("nginx.org/hsts-include-subdomains", "nginx.org/hsts", Value::Bool),
    beside("nginx.org/hsts-max-age", "nginx.org/hsts", Value::Integer),
    check("nginx.org/http-redirect-code", Value::RedirectCode),
    check("nginx.org/keepalive", Value::Integer),
    check("nginx.org/lb-method", Value::LbMethod),
    check("nginx.org/listen-ports", Value::Ports),
    check("nginx.org/listen-ports-ssl", Value::Ports),
    with("nginx.org/location-snippets", Needs::Snippets),
    check("nginx.org/max-conns", Value::Unsigned),
    check("nginx.org/max-fails", Value::Unsigned),
    check("nginx.org/mergeable-ingress-type", Value::Mergeable),
    loose("nginx.org/path-regex", Value::PathRegex),
    check("nginx.org/proxy-buffer-size", Value::Size),
    check("nginx.org/proxy-buffering", Value::Bool),
    check("nginx.org/proxy-buffers", Value::Buffers),
    loose("nginx.org/proxy-busy-buffers-size", Value::Size),
    check("nginx.org/proxy-connect-timeout", Value::Time),
    loose("nginx.org/proxy-hide-headers", Value::Headers),
    check("nginx.org/proxy-max-temp-file-size", Value::Size),
    loose("nginx.org/proxy-next-upstream", Value::NextUpstream),
    loose("nginx.org/proxy-next-upstream-timeout", Value::Time),
    loose("nginx.org/proxy-next-upstream-tries", Value::Unsigned),
    loose("nginx.org/proxy-pass-headers", Value::Headers),
    check("nginx.org/proxy-read-timeout", Value::Time),
    check("nginx.org/proxy-send-timeout", Value::Time),
    loose("nginx.org/proxy-set-headers", Value::SetHeaders),
    check("nginx.org/redirect-to-https", Value::Bool),
    check("nginx.org/rewrite-target", Value::RewriteTarget),
    check("nginx.org/rewrites", Value::Rewrites),
    with("nginx.org/server-snippets", Needs::Snippets),
    loose("nginx.org/server-tokens", Value::Bool),
    check("nginx.org/ssl-redirect", Value::Bool),
    check("nginx.org/ssl-services", Value::Services),
    check("nginx.org/upstream-zone-size", Value::Size),
    loose("nginx.org/use-cluster-ip", Value::Bool),
    check("nginx.org/websocket-services", Value::Services),
    with("nsm.nginx.com/internal-route", Needs::InternalRoutes),
];

impl Check {
    pub(super) fn accepts(&self, text: &str, ingress: &Ingress, global: &Global) -> bool {
        let runs = match self.needs {
            Needs::Nothing => true,
            Needs::Plus => global.plus,
            Needs::AppProtect => global.plus && global.app_protect,
            Needs::AppProtectDos => global.plus && global.app_protect_dos,
            Needs::InternalRoutes => global.internal_routes,
            Needs::Snippets => global.snippets,
        };
        let accompanied = self
            .beside
            .is_none_or(|other| ingress.meta.annotation(other).is_some_and(|value| boolean(value).is_some()));
        let is_plus_tokens = self.key == "nginx.org/server-tokens" && global.plus;
        runs && accompanied
            && (self.may_be_empty || !text.is_empty())
            && (is_plus_tokens || is_value(self.value, text, ingress, global))
    }
}

fn is_value(value: Value, text: &str, ingress: &Ingress, global: &Global) -> bool {
    static TIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^(\d+y)?\s*(\d+M)?\s*(\d+w)?\s*(\d+d)?\s*(\d+h)?\s*(\d+m)?\s*(\d+s?)?\s*(\d+ms)?$").ok()
    });
    static BUFFERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\d+ \d+[kKmM]?$").ok());
    static QUOTABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"^([^"$\\]|\\[^$])*$"#).ok());
    let fits = |regex: &LazyLock<Option<Regex>>, text: &str| {
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    };
    match value {
        Value::Any => true,
        Value::Bool => boolean(text).is_some(),
        Value::Time => !text.trim().is_empty() && fits(&TIME, text),
        Value::Size => text.is_empty() || is_size(text, &['k', 'K', 'm', 'M']),
        Value::Offset => is_size(text.trim(), &['k', 'K', 'm', 'M', 'g', 'G']),
        Value::Buffers => fits(&BUFFERS, text.trim()),
        Value::Integer => text.parse::<i64>().is_ok(),
        Value::Unsigned => text.parse::<u64>().is_ok() && !text.starts_with('+'),
        Value::Ports => port_list(text).is_some(),
        Value::Services => text.split(',').all(|service| names_service(ingress, service)),
        Value::Rewrites => {
            rewrite_list(text).is_some_and(|list| list.keys().all(|service| names_service(ingress, service)))
        }
        Value::RewriteTarget => is_rewrite_target(text),
        Value::PathRegex => Mode::parse(text).is_some(),
        Value::RedirectCode => redirect_code(text).is_some(),
        Value::AppRoot => is_app_root(text),
        Value::Mergeable => matches!(text, "master" | "minion"),
        Value::LbMethod => is_lb_method(text.trim(), global.plus),
        Value::Headers => text.split(',').all(|header| is_header_name(header.trim())),
        Value::SetHeaders => text.split(',').all(|header| {
            let (name, value) = header.trim().split_once(':').unwrap_or((header.trim(), ""));
            is_header_name(name.trim()) && !value.contains('$')
        }),
        Value::NextUpstream => text.split(' ').all(|case| {
            matches!(
                case,
                "error"
                    | "timeout"
                    | "invalid_header"
                    | "non_idempotent"
                    | "off"
                    | "http_403"
                    | "http_404"
                    | "http_429"
                    | "http_500"
                    | "http_502"
                    | "http_503"
                    | "http_504"
            ) || (case == "denied" && global.plus)
        }),
        Value::SecretName => is_subdomain(text),
        Value::Quotable => {
            ingress.meta.annotation("nginx.org/basic-auth-secret").is_some() && fits(&QUOTABLE, text)
        }
    }
}

/// Digits and at most one unit.
fn is_size(text: &str, units: &[char]) -> bool {
    let digits = text.strip_suffix(units).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Whether the Ingress sends anything to a Service of this name.
fn names_service(ingress: &Ingress, service: &str) -> bool {
    let backends = ingress.path_rules().map(|(_, _, _, path)| &path.backend);
    let mut backends = backends.chain(&ingress.default_backend).filter_map(Backend::service);
    backends.any(|(name, _)| name == service)
}

fn is_rewrite_target(text: &str) -> bool {
    text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains("../")
        && !text.contains("..\\")
        && !text.chars().any(|c| c <= ' ' || c == '\x7f' || ";{}[]|<>,^`~".contains(c))
}

fn is_app_root(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.!*'():@&=+,/?%".contains(c);
    text.len() > 1
        && text.starts_with('/')
        && !text.starts_with("//")
        && !text.ends_with('/')
        && !text.contains("../")
        && text.chars().all(allowed)
}

fn is_lb_method(text: &str, plus: bool) -> bool {
    if text.starts_with("hash") {
        let words: Vec<&str> = text.split(' ').collect();
        return matches!(words.as_slice(), ["hash", _] | ["hash", _, "consistent"]);
    }
    matches!(
        text,
        "round_robin" | "least_conn" | "ip_hash" | "random" | "random two" | "random two least_conn"
    ) || (plus
        && matches!(
            text,
            "random two least_time=header"
                | "random two least_time=last_byte"
                | "least_time header"
                | "least_time last_byte"
                | "least_time header inflight"
                | "least_time last_byte inflight"
        ))
}

fn is_header_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::ingress;
    use crate::model::controller::Settings;

    #[test]
    fn values_are_held_to_what_the_controller_accepts() {
        let global = Global::new(&Settings::default());
        for (key, value, good) in [
            ("nginx.org/app-root", "/app/home", true),
            ("nginx.org/app-root", "start", false),
            ("nginx.org/app-root", "/", false),
            ("nginx.org/app-root", "/x/", false),
            ("nginx.org/app-root", "/~x", false),
            ("nginx.org/rewrites", "serviceName=web rewrite=/x/", true),
            ("nginx.org/rewrites", "serviceName=web", false),
            ("nginx.org/rewrites", "serviceName=other rewrite=/", false),
            ("nginx.org/rewrite-target", "/new/$1", true),
            ("nginx.org/rewrite-target", "new", false),
            ("nginx.org/rewrite-target", "//x", false),
            ("nginx.org/rewrite-target", "/a b", false),
            ("nginx.org/path-regex", "case_sensitive", true),
            ("nginx.org/path-regex", "Case_Sensitive", false),
            ("nginx.org/path-regex", "", false),
            ("nginx.org/http-redirect-code", "308", true),
            ("nginx.org/http-redirect-code", "200", false),
            ("nginx.org/listen-ports", "80,8090", true),
            ("nginx.org/listen-ports", "http", false),
            ("nginx.org/location-snippets", "add_header X-Extra 1;", false),
            ("nginx.org/redirect-to-https", "yes", false),
            ("nginx.org/redirect-to-https", "T", true),
            ("nginx.org/proxy-read-timeout", "1m30s", true),
            ("nginx.org/proxy-read-timeout", "soon", false),
            ("nginx.org/client-max-body-size", "1g", true),
            ("nginx.org/client-max-body-size", "1gb", false),
            ("nginx.org/hsts-max-age", "5", false),
            ("nginx.org/lb-method", "hash $request_uri consistent", true),
            ("nginx.org/lb-method", "fastest", false),
            ("nginx.org/mergeable-ingress-type", "boss", false),
            ("nginx.com/health-checks", "true", false),
            ("nginx.org/websocket-services", "web", true),
            ("nginx.org/websocket-services", "web, other", false),
        ] {
            let mut object = ingress("n/i", &[("a.example", "Prefix / web")]);
            object.meta.annotations.insert(key.to_owned(), value.to_owned());
            let check = CHECKS.iter().find(|check| check.key == key).expect(key);
            assert_eq!(check.accepts(value, &object, &global), good, "{key} {value}");
        }
    }

    #[test]
    fn checks_are_sorted() {
        assert!(CHECKS.is_sorted_by_key(|check| check.key));
    }
}

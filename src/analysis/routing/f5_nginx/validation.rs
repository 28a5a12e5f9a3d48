//! Whether the controller accepts an Ingress at all: one bad field or annotation rejects it whole.
//!
//! Assumption: values of annotations that only NGINX Plus or App Protect read are checked no further
//! than whether that runs.
//! Source: nginx/kubernetes-ingress `internal/k8s/validation.go` (`validateIngress`), 5.5.

use std::sync::LazyLock;

use regex::Regex;

use crate::analysis::routing::nginx::pattern::Pattern;
use crate::analysis::routing::{FieldFault, Refusal};
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, Place};

use super::annotations::is_known;
use super::global::Global;
use super::options::Role;

mod value;

/// Why an Ingress is rejected, if it is: annotations by name, then the spec.
pub(super) fn refusal(ingress: &Ingress, global: &Global) -> Option<Refusal> {
    if let Some(key) = bad_annotation(ingress, global) {
        return Some(Refusal::InvalidAnnotation { key: key.to_owned() });
    }
    let (field, fault) = bad_spec(ingress, global).or_else(|| bad_role(ingress))?;
    Some(Refusal::InvalidField { field, fault })
}

/// The first annotation that fails.
fn bad_annotation(ingress: &Ingress, global: &Global) -> Option<&'static str> {
    let annotations = &ingress.meta.annotations;
    if annotations.is_empty() {
        return None;
    }
    let mut checks = value::CHECKS.iter().filter(|check| is_known(check.key, global.version));
    let failed = checks.find(|check| {
        let found = annotations.get(check.key);
        found.is_some_and(|text| !check.accepts(text, ingress, global))
    });
    failed.map(|check| check.key)
}

fn bad_spec(ingress: &Ingress, global: &Global) -> Option<(String, FieldFault)> {
    if ingress.default_backend.as_ref().is_some_and(is_resource) {
        return Some((Place::DefaultBackend.field("resource"), FieldFault::NotSupported));
    }
    if ingress.rules.is_empty() {
        return Some(("spec.rules".to_owned(), FieldFault::Missing));
    }
    let mut hosts = std::collections::HashSet::new();
    for (at, rule) in ingress.rules.iter().enumerate() {
        if rule.host().is_empty() && !global.allow_empty_host {
            return Some((Place::Rule(at).field("host"), FieldFault::Missing));
        }
        if !hosts.insert(rule.host()) {
            return Some((Place::Rule(at).field("host"), FieldFault::Twice));
        }
        for (number, path) in rule.paths().iter().enumerate() {
            let place = Place::Path(at, number);
            if let Some(fault) = path_fault(path) {
                return Some((place.field("path"), fault));
            }
            if is_resource(&path.backend) {
                return Some((place.field("backend.resource"), FieldFault::NotSupported));
            }
        }
    }
    None
}

fn is_resource(backend: &Backend) -> bool {
    match backend {
        Backend::Service { .. } => false,
        Backend::Resource { .. } | Backend::Missing => true,
    }
}

/// What is wrong with a path; every path must be a valid pattern, read as one or not.
pub(super) fn path_fault(rule: &PathRule) -> Option<FieldFault> {
    if rule.path.is_empty() {
        let may = rule.path_type == PathType::ImplementationSpecific;
        return (!may).then_some(FieldFault::Missing);
    }
    (!is_path(&rule.path)).then_some(FieldFault::Invalid)
}

fn is_path(path: &str) -> bool {
    static ESCAPED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"^([^"\\]|\\.)*$"#).ok());
    static WORDED_BRACES: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\{[^}]*?[A-Za-z][^}]*?\}").ok());
    let fits = |regex: &LazyLock<Option<Regex>>| regex.as_ref().is_some_and(|regex| regex.is_match(path));
    let literal = path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.'));
    let is_banned = path.starts_with("/etc/")
        || path.contains("/root")
        || path.contains("/var")
        || path.contains("\\n")
        || path.ends_with("\\r");
    path.starts_with('/')
        && !is_banned
        && (literal
            || (!path.chars().any(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c' | ';'))
                && Pattern::new(path, false).compiles()
                && fits(&ESCAPED)
                && !fits(&WORDED_BRACES)))
}

/// A master has one rule without paths; a minion one with paths, and no TLS.
fn bad_role(ingress: &Ingress) -> Option<(String, FieldFault)> {
    let rules = || "spec.rules".to_owned();
    let paths = || "spec.rules[0].http.paths".to_owned();
    let first = ingress.rules.first()?;
    match Role::of(ingress) {
        Role::Regular => None,
        Role::Minion if !ingress.tls.is_empty() => Some(("spec.tls".to_owned(), FieldFault::TooMany)),
        Role::Master | Role::Minion if ingress.rules.len() != 1 => Some((rules(), FieldFault::TooMany)),
        Role::Master if !first.paths().is_empty() => Some((paths(), FieldFault::TooMany)),
        Role::Minion if first.paths().is_empty() => Some((paths(), FieldFault::Missing)),
        Role::Master | Role::Minion => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_checked_as_patterns_and_for_words() {
        for (path, good) in [
            ("/", true),
            ("/foo/bar.x_y~z", true),
            ("/v[0-9]+/(.*)", true),
            ("/svc(/|$)(.*)", true),
            ("/foo(", false),
            ("/a{2}", true),
            ("/a{b}", false),
            ("/a b", false),
            ("/a;b", false),
            ("/a\"b", false),
            ("/a\\\"b", true),
            ("/a\\", false),
            ("/etc/x", false),
            ("/x/etc/", true),
            ("/roots", false),
            ("/my/variants", false),
            ("foo", false),
        ] {
            let rule = |path_type| PathRule { path: path.to_owned(), path_type, backend: Backend::Missing };
            let fault = path_fault(&rule(PathType::Prefix));
            assert_eq!(fault, (!good).then_some(FieldFault::Invalid), "{path}");
        }
        let empty = |path_type| PathRule { path: String::new(), path_type, backend: Backend::Missing };
        assert_eq!(path_fault(&empty(PathType::ImplementationSpecific)), None);
        assert_eq!(path_fault(&empty(PathType::Prefix)), Some(FieldFault::Missing));
    }
}

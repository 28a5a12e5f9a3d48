//! Objects and parts of them as one short text, the way `before` and `after` show them.

use std::collections::BTreeMap;

use crate::model::change::Versioned;
use crate::model::ingress::{Backend, Ingress, PathRule, Rule, Tls};
use crate::model::service::{Service, ServicePort};

/// The longest value a change carries, in characters.
pub(crate) const LIMIT: usize = 256;

/// Cuts a text to the limit; a cut one ends in an ellipsis.
pub(crate) fn clip(text: &str) -> String {
    if text.chars().nth(LIMIT).is_none() {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(LIMIT - 1).collect();
    cut.push('…');
    cut
}

/// `shop:80`, `shop:http`, `StorageBucket/static`; `None` for a missing backend.
pub(crate) fn backend(backend: &Backend) -> Option<String> {
    match backend {
        Backend::Service { name, port } => Some(clip(&format!("{name}:{port}"))),
        Backend::Resource { kind, name } => Some(clip(&format!("{kind}/{name}"))),
        Backend::Missing => None,
    }
}

/// `/api (Prefix) -> api:80`.
pub(crate) fn path(path: &PathRule) -> String {
    let to = backend(&path.backend).unwrap_or_default();
    clip(&format!("{} ({}) -> {to}", path.path, path.path_type.as_str()))
}

/// `shop.example.com: /api (Prefix) -> api:80, / (Prefix) -> web:80`.
pub(crate) fn rule(rule: &Rule) -> String {
    let host = if rule.host().is_empty() { "*" } else { rule.host() };
    let paths = joined(rule.paths().iter().map(path), ", ");
    clip(&format!("{host}: {paths}"))
}

/// `a.example.com, b.example.com (secret)`, entries separated by semicolons.
pub(crate) fn tls(entries: &[Tls]) -> Option<String> {
    if entries.is_empty() {
        return None;
    }
    let entry = |tls: &Tls| {
        let secret = tls.secret.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{}{secret}", joined(tls.hosts.iter().cloned(), ", "))
    };
    Some(clip(&joined(entries.iter().map(entry), "; ")))
}

/// `app=web,tier=front`; `None` when empty.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> Option<String> {
    if labels.is_empty() {
        return None;
    }
    Some(clip(&joined(labels.iter().map(|(key, value)| format!("{key}={value}")), ",")))
}

/// `http 80 -> 8080`.
pub(crate) fn port(port: &ServicePort) -> String {
    let name = port.name.as_deref().map(|name| format!("{name} ")).unwrap_or_default();
    let target = port.target.to_string();
    let target = if target.is_empty() { port.number.to_string() } else { target };
    clip(&format!("{name}{} -> {target}", port.number))
}

/// An object as a whole.
pub(crate) fn object(object: &Versioned) -> String {
    match object {
        Versioned::Ingress(ingress) => whole_ingress(ingress),
        Versioned::IngressClass(class) => clip(class.controller.as_deref().unwrap_or_default()),
        Versioned::Service(service) => whole_service(service),
    }
}

pub(crate) fn whole_ingress(ingress: &Ingress) -> String {
    let rules = ingress.rules.iter().map(rule);
    let default = ingress.default_backend.iter().filter_map(backend).map(|to| format!("default: {to}"));
    clip(&joined(default.chain(rules), "; "))
}

fn whole_service(service: &Service) -> String {
    if let Some(name) = service.external_name.as_deref().filter(|_| service.is_external_name()) {
        return clip(&format!("ExternalName {name}"));
    }
    let ports = joined(service.ports.iter().map(port), ", ");
    match labels(&service.selector) {
        Some(selector) => clip(&format!("{ports}; {selector}")),
        None => clip(&ports),
    }
}

/// Joins until the limit is passed: objects may hold thousands of parts.
fn joined(parts: impl Iterator<Item = String>, separator: &str) -> String {
    let mut text = String::new();
    for part in parts {
        if !text.is_empty() {
            text.push_str(separator);
        }
        text.push_str(&part);
        if LIMIT * 4 < text.len() {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_at_the_limit_with_a_mark() {
        let text = clip(&"ä".repeat(300));
        assert_eq!(text.chars().count(), LIMIT);
        assert!(text.ends_with('…'));
        let exact = "x".repeat(LIMIT);
        assert_eq!(clip(&exact), exact);
    }
}

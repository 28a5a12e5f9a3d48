//! What the annotations of an Ingress or a Service ask of Traefik.
//!
//! They are read as labels of a typed structure: names are compared without case, and an unknown name
//! below `router.` or a value of the wrong type drops the whole Ingress, one below `service.` the
//! Service.
//! Sources: traefik/traefik `pkg/provider/kubernetes/ingress/annotations.go` v3.7.13; traefik/paerser
//! `parser/{labels_decode,nodes_metadata,element_fill}.go` v0.2.2.

use std::collections::BTreeMap;

pub(in crate::analysis::routing) const PREFIX: &str = "traefik.ingress.kubernetes.io/";

/// The annotation whose name or value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable(pub(super) String);

/// `router.*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Router {
    pub(super) path_matcher: Option<String>,
    pub(super) entry_points: Vec<String>,
    pub(super) middlewares: Vec<String>,
    /// Zero is none.
    pub(super) priority: i64,
    pub(super) rule_syntax: String,
    pub(super) tls: bool,
    pub(super) tls_options: bool,
}

/// `service.*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) native_lb: Option<bool>,
    pub(super) node_port_lb: bool,
    pub(super) middlewares: Vec<String>,
}

impl Router {
    pub(super) fn read(annotations: &BTreeMap<String, String>) -> Result<Self, Unreadable> {
        let mut router = Self::default();
        let mut tls_value = None;
        let mut tls_children = false;
        for (key, parts, value) in labels(annotations, PREFIX, "router") {
            let wrong = || Unreadable(key.to_owned());
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            match parts.as_slice() {
                ["pathmatcher"] => router.path_matcher = Some(value.to_owned()),
                ["entrypoints"] => router.entry_points = split(value),
                ["middlewares"] => router.middlewares = split(value),
                ["priority"] => router.priority = value.parse().map_err(|_| wrong())?,
                ["rulesyntax"] => value.clone_into(&mut router.rule_syntax),
                ["tls"] => tls_value = Some(value),
                ["tls", "options"] => {
                    router.tls_options = !value.is_empty();
                    tls_children = true;
                }
                ["tls", "certresolver"] => tls_children = true,
                ["tls", "domains", number, "main" | "sans"] if number.bytes().all(|b| b.is_ascii_digit()) => {
                    tls_children = true;
                }
                ["observability"] | ["observability", "traceverbosity"] => {}
                ["observability", "accesslogs" | "metrics" | "tracing"] => {
                    boolean(value).ok_or_else(wrong)?;
                }
                _ => return Err(wrong()),
            }
        }
        router.tls = match tls_value {
            Some(value) => value.is_empty() || value.eq_ignore_ascii_case("true"),
            None => tls_children,
        };
        router.tls_options &= router.tls;
        Ok(router)
    }
}

impl Service {
    pub(super) fn read(annotations: &BTreeMap<String, String>) -> Result<Self, Unreadable> {
        let mut service = Self::default();
        for (key, parts, value) in labels(annotations, PREFIX, "service") {
            let wrong = || Unreadable(key.to_owned());
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            match parts.as_slice() {
                ["serversscheme" | "serverstransport"] | ["sticky"] => {}
                ["sticky", "cookie"] | ["sticky", "cookie", "name" | "samesite" | "path" | "domain"] => {}
                ["sticky", "cookie", "secure" | "httponly"] | ["passhostheader"] => {
                    boolean(value).ok_or_else(wrong)?;
                }
                ["sticky", "cookie", "maxage"] => {
                    value.parse::<i64>().map_err(|_| wrong())?;
                }
                ["middlewares"] => service.middlewares = split(value),
                ["nativelb"] => service.native_lb = Some(boolean(value).ok_or_else(wrong)?),
                ["nodeportlb"] => service.node_port_lb = boolean(value).ok_or_else(wrong)?,
                _ => return Err(wrong()),
            }
        }
        Ok(service)
    }
}

/// The annotations with a prefix and below a root, in order: key, its parts below the root in lower case,
/// value.
pub(in crate::analysis::routing) fn labels<'a>(
    annotations: &'a BTreeMap<String, String>,
    prefix: &'a str,
    root: &'a str,
) -> impl Iterator<Item = (&'a str, Vec<String>, &'a str)> {
    annotations.iter().filter_map(move |(key, value)| {
        let label = key.strip_prefix(prefix)?;
        let (first, rest) = label.split_once('.')?;
        first
            .eq_ignore_ascii_case(root)
            .then(|| (key.as_str(), rest.split('.').map(str::to_ascii_lowercase).collect(), value.as_str()))
    })
}

fn split(value: &str) -> Vec<String> {
    if value.is_empty() { Vec::new() } else { value.split(',').map(|item| item.trim().to_owned()).collect() }
}

/// A boolean as Go reads it.
pub(in crate::analysis::routing) fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(annotations: &[(&str, &str)]) -> Result<Router, Unreadable> {
        let own = |(key, value): &(&str, &str)| (format!("{PREFIX}{key}"), (*value).to_owned());
        Router::read(&annotations.iter().map(own).collect())
    }

    #[test]
    fn a_bad_name_or_value_drops_the_ingress() {
        for (key, value) in [
            ("router.priority", "abc"),
            ("router.priority", " 7"),
            ("router.priority", ""),
            ("router.entrypoint", "web"),
            ("router.tls.foo", "x"),
            ("router.priority.x", "1"),
            ("router.", "x"),
            ("router.observability.accesslogs", "yes"),
        ] {
            assert_eq!(read(&[(key, value)]), Err(Unreadable(format!("{PREFIX}{key}"))), "{key}={value}");
        }
        for (key, value) in
            [("router.priority", "+5"), ("router.EntryPoints", "web"), ("other", "x"), ("service.x", "y")]
        {
            assert!(read(&[(key, value)]).is_ok(), "{key}={value}");
        }
    }

    #[test]
    fn tls_is_on_by_value_or_by_what_stands_below() {
        for (annotations, expected) in [
            (&[("router.tls", "true")][..], true),
            (&[("router.tls", "")], true),
            (&[("router.tls", "false")], false),
            (&[("router.tls", "yes")], false),
            (&[("router.tls.certresolver", "le")], true),
            (&[("router.tls", "false"), ("router.tls.certresolver", "le")], false),
            (&[("router.tls.domains.0.main", "a.example")], true),
            (&[], false),
        ] {
            assert_eq!(read(annotations).map(|router| router.tls), Ok(expected), "{annotations:?}");
        }
    }
}

//! The length of a rule's text, by which both of Traefik's Ingress providers order their routers.
//!
//! Assumptions: no server alias, no middleware; a `router.priority` that is no integer reads as none. The
//! length of the whole text counts, host included. Source: traefik `pkg/muxer/http/mux.go`
//! (GetRulePriority), `pkg/provider/kubernetes/ingress/kubernetes.go`,
//! `pkg/provider/kubernetes/ingress-nginx` @ v3.7; lengths seen in the API of the real thing.

use crate::model::controller::ControllerKind;
use crate::model::ingress::PathType;

use super::Field;
use super::hosts::{Entry, covers};

/// What replaces the length.
pub(crate) const PRIORITY: &str = "traefik.ingress.kubernetes.io/router.priority";
const MATCHER: &str = "traefik.ingress.kubernetes.io/router.pathmatcher";

/// How one product writes its rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts {
    nginx: bool,
    strict: bool,
}

impl Texts {
    /// `None` for every product that does not go by length.
    pub(crate) fn of(field: &Field<'_>) -> Option<Self> {
        let strict = field.settings.is_set("providers.kubernetesingress.strictprefixmatching");
        match field.kind {
            ControllerKind::Traefik => Some(Self { nginx: false, strict }),
            ControllerKind::TraefikIngressNginx => Some(Self { nginx: true, strict: true }),
            _ => None,
        }
    }

    /// The priority of a rule; `None` for rules whose text is not that of a plain path.
    pub(crate) fn priority(self, entry: &Entry<'_>, regex_host: bool) -> Option<i64> {
        let annotation = |key: &str| entry.ingress.meta.annotation(key);
        if !self.nginx {
            if entry.rule.path_type == PathType::ImplementationSpecific && annotation(MATCHER).is_some() {
                return None;
            }
            if let Some(priority) = annotation(PRIORITY).and_then(|value| value.parse().ok()) {
                return Some(priority);
            }
        }
        let host = match entry.host().len() {
            0 => 0,
            length => length + 12,
        };
        let written = entry.rule.path.as_str();
        // Quotes and backslashes are escaped.
        let path = written.len() + written.matches(['"', '\\']).count();
        let text = match (written.is_empty(), entry.is_exact()) {
            // The host alone, without the word that would join it to a path.
            (true, _) => return i64::try_from(host.saturating_sub(4)).ok(),
            (false, true) => path + 8,
            (false, false) if self.nginx && regex_host => path + 19,
            (false, false) if self.strict && written != "/" => 2 * path + 29,
            (false, false) => path + 14,
        };
        i64::try_from(host + text).ok()
    }

    /// Whether a prefix rule takes a path.
    pub(crate) fn takes(self, prefix: &str, path: &str) -> bool {
        if self.strict { covers(prefix, path) } else { path.starts_with(prefix) }
    }

    /// Where a path can end so that the rest belongs to a prefix: the prefixes to look for.
    pub(crate) fn prefixes(self, path: &str) -> impl Iterator<Item = &str> {
        (0..=path.len())
            .filter_map(move |end| path.get(..end))
            .filter(move |head| !head.is_empty() && self.takes(head, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::World;

    fn check(text: &str, expected: &[(&str, Option<i64>)]) {
        World::read(text).with_field(|field| {
            let texts = Texts::of(field).expect("a product that goes by length");
            let found: Vec<(&str, Option<i64>)> = field
                .hosts
                .every_path()
                .map(|(_, entry)| (entry.path, texts.priority(entry, false)))
                .collect();
            assert_eq!(found, expected, "{text}");
        });
    }

    #[test]
    fn the_length_is_that_of_the_rule_text() {
        let length = |text: &str| i64::try_from(text.len()).ok();
        check(
            "is traefik\ning a/b host=h.io /foo(E)->a:80 /foo(P)->a:80 /(I)->a:80 /q\"(P)->a:80",
            &[
                ("/foo", length(r#"Host("h.io") && Path("/foo")"#)),
                ("/foo", length(r#"Host("h.io") && PathPrefix("/foo")"#)),
                ("/", length(r#"Host("h.io") && PathPrefix("/")"#)),
                ("/q\"", length(r#"Host("h.io") && PathPrefix("/q\"")"#)),
            ],
        );
        check("is traefik\ning a/b host=h.io (I)->a:80", &[("/", length(r#"Host("h.io")"#))]);
        check("is traefik\ning a/b /foo(P)->a:80", &[("/foo", length(r#"PathPrefix("/foo")"#))]);
    }

    #[test]
    fn element_wise_prefixes_are_written_twice() {
        let length = |text: &str| i64::try_from(text.len()).ok();
        let strict = length(r#"Host("h.io") && (Path("/foo") || PathPrefix("/foo/"))"#);
        let world = "ing a/b host=h.io /foo(P)->a:80 /(P)->a:80";
        let root = length(r#"Host("h.io") && PathPrefix("/")"#);
        check(
            &format!("is traefik\narg --providers.kubernetesIngress.strictPrefixMatching=true\n{world}"),
            &[("/foo", strict), ("/", root)],
        );
        check(&format!("is traefik-ingress-nginx\n{world}"), &[("/foo", strict), ("/", root)]);
    }

    #[test]
    fn a_priority_replaces_the_length() {
        check(&format!("is traefik\ning a/b host=h.io /foo(P)->a:80 ann:{PRIORITY}=7"), &[("/foo", Some(7))]);
    }
}

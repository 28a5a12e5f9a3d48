//! What the annotations of an Ingress make HAProxy do with its requests.
//!
//! An annotation counts under any of the three prefixes, else a ConfigMap key of its name, else a
//! default. HAProxy runs the rules by kind: denials, authentication, redirects, rewrites; rules of one
//! kind in the order of the annotations. The client's address is not known, so a list decides only
//! where it holds every address.
//! Sources: haproxytech/kubernetes-ingress `pkg/annotations/ingress/*.go`,
//! `pkg/annotations/common/main.go`, `pkg/haproxy/rules/types.go`, `pkg/utils/utils.go`, 3.2.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::analysis::routing::Note;
use crate::model::ingress::Ingress;
use crate::model::object::Name;

use super::global::Global;
use super::redirect::Redirect;
use super::rewrite::Rewrite;

/// The prefixes of the controller's annotations, the usual one first.
const PREFIXES: [&str; 3] = ["haproxy.org/", "ingress.kubernetes.io/", "haproxy.com/"];

/// The annotations that put a rule of their own into the frontends.
const RULES: [&str; 13] = [
    "allow-list",
    "auth-type",
    "blacklist",
    "cors-enable",
    "deny-list",
    "path-rewrite",
    "rate-limit-requests",
    "request-capture",
    "request-redirect",
    "request-set-header",
    "response-set-header",
    "set-host",
    "whitelist",
];

/// An annotation by its name without prefix: key and value.
pub(super) fn annotation<'a>(
    annotations: &'a BTreeMap<String, String>,
    name: &str,
) -> Option<(String, &'a str)> {
    PREFIXES.iter().find_map(|prefix| {
        let key = format!("{prefix}{name}");
        annotations.get(&key).map(|value| (key, value.as_str()))
    })
}

/// Whom a list of addresses takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    Everybody,
    /// Some; whether the client is among them is not known.
    Some,
}

/// A list of addresses that are let in, or kept out.
#[derive(Debug)]
pub(super) struct List {
    pub(super) lets_in: bool,
    pub(super) taken: Taken,
    pub(super) said_by: Note,
}

/// The rules of one Ingress.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) lists: Vec<List>,
    /// Credentials are asked for.
    pub(super) auth: Option<Note>,
    pub(super) redirects: Vec<Redirect>,
    pub(super) rewrites: Vec<Rewrite>,
    pub(super) rewrite_said_by: Option<Note>,
    /// TLS is passed through by server name.
    pub(super) passthrough: bool,
    pub(super) standalone: bool,
    /// What HAProxy says of a rule that it does not take.
    pub(super) broken: Option<String>,
    /// Equal for Ingresses with equal rules, empty without any: rows end in the rules' identities.
    pub(super) fingerprint: String,
}

/// The annotations of one Ingress, with what stands in for them.
pub(super) struct Values<'a> {
    ingress: &'a Ingress,
    global: &'a Global,
}

impl Values<'_> {
    /// A value, and what to say when it decides.
    pub(super) fn get(&self, name: &str) -> Option<(&str, Note)> {
        if let Some((key, value)) = annotation(&self.ingress.meta.annotations, name) {
            return Some((value, Note::Annotation { ingress: self.ingress.meta.key(), key }));
        }
        let value = self.global.config(name)?;
        Some((value, Note::Config { key: name.to_owned() }))
    }

    /// A value that is not empty.
    pub(super) fn set(&self, name: &str) -> Option<(&str, Note)> {
        self.get(name).filter(|(value, _)| !value.is_empty())
    }

    /// Whether the Ingress names a host for TLS.
    pub(super) fn has_tls(&self) -> bool {
        self.ingress.tls.iter().any(|tls| !tls.hosts.is_empty())
    }

    /// What to say when a default of this annotation decides.
    pub(super) fn default_of(&self, name: &str) -> Note {
        Note::Annotation { ingress: self.ingress.meta.key(), key: format!("haproxy.org/{name}") }
    }
}

impl Options {
    pub(super) fn new(ingress: &Ingress, global: &Global, _secrets: Option<&BTreeSet<Name>>) -> Self {
        let values = Values { ingress, global };
        let lists = [("deny-list", false), ("blacklist", false), ("allow-list", true), ("whitelist", true)]
            .into_iter()
            .filter_map(|(name, lets_in)| {
                let (value, said_by) = values.set(name)?;
                Some(List { lets_in, taken: taken(value)?, said_by })
            })
            .collect();
        let auth = values.set("auth-type").filter(|(value, _)| *value == "basic-auth").map(|(_, note)| note);
        let (redirects, broken) = Redirect::all(&values);
        let rewrite = values.set("path-rewrite");
        let rewrites = rewrite.as_ref().map(|(value, _)| Rewrite::all(value)).unwrap_or_default();
        let mut fingerprint = String::new();
        for name in RULES {
            if let Some((value, _)) = values.set(name) {
                let _ = write!(fingerprint, "{name}={value:?} ");
            }
        }
        if redirects.iter().any(|redirect| redirect.to_https) {
            let _ = write!(fingerprint, "{redirects:?}");
        }
        let standalone = annotation(&ingress.meta.annotations, "standalone-backend");
        Self {
            lists,
            auth,
            redirects,
            rewrites,
            rewrite_said_by: rewrite.map(|(_, note)| note),
            passthrough: values.get("ssl-passthrough").is_some_and(|(value, _)| value == "true"),
            standalone: standalone.is_some_and(|(_, value)| value == "true"),
            broken,
            fingerprint,
        }
    }
}

/// Whom a list takes; `None` for one that the controller drops because of a bad address.
fn taken(list: &str) -> Option<Taken> {
    if list.starts_with("patterns/") {
        return Some(Taken::Some);
    }
    if !crate::analysis::adoption::annotations::are_networks(list) {
        return None;
    }
    let everybody = list.split(',').any(|part| part.trim() == "0.0.0.0/0");
    Some(if everybody { Taken::Everybody } else { Taken::Some })
}

/// A boolean as the controller reads it: as Go does, or with a few older words.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => match value.to_ascii_lowercase().as_str() {
            "enabled" | "on" => Some(true),
            "disabled" | "off" => Some(false),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_with_a_bad_address_are_dropped() {
        for (list, expected) in [
            ("10.0.0.0/8, 192.0.2.1", Some(Taken::Some)),
            ("0.0.0.0/0", Some(Taken::Everybody)),
            ("patterns/ips", Some(Taken::Some)),
            ("10.0.0.0/8, somebody", None),
        ] {
            assert_eq!(taken(list), expected, "{list}");
        }
    }

    #[test]
    fn older_words_are_booleans_too() {
        for (value, expected) in [
            ("true", Some(true)),
            ("On", Some(true)),
            ("disabled", Some(false)),
            ("perhaps", None),
            ("", None),
        ] {
            assert_eq!(boolean(value), expected, "{value}");
        }
    }
}

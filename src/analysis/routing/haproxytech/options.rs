//! What the annotations of an Ingress make HAProxy do with its requests.
//!
//! An annotation counts under any of the three prefixes, else a ConfigMap key of its name, else a
//! default. HAProxy runs the rules by kind: denials, authentication, redirects, rewrites; rules of one
//! kind in the order of the annotations. The client's address is not known, so a list decides only
//! where it holds every address.
//! Sources: haproxytech/kubernetes-ingress `pkg/annotations/ingress/*.go`,
//! `pkg/annotations/common/main.go`, `pkg/haproxy/rules/types.go`, `pkg/utils/utils.go`, 3.2.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::analysis::routing::Note;
use crate::model::ingress::Ingress;

use super::global::Global;
use super::redirect::Redirect;
use super::rewrite::Rewrite;

/// The prefixes of the controller's annotations, the usual one first.
const PREFIXES: [&str; 3] = ["haproxy.org/", "ingress.kubernetes.io/", "haproxy.com/"];

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
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) text: String,
    pub(super) lets_in: bool,
    pub(super) taken: Taken,
    pub(super) said_by: Note,
}

/// The rules of one Ingress, or of the ConfigMap alone.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) lists: Vec<List>,
    /// Credentials are asked for.
    pub(super) auth: Option<Note>,
    /// No request is few enough.
    pub(super) limit: Option<Note>,
    pub(super) redirects: Vec<Redirect>,
    /// Nothing orders the redirects: one of them is another Ingress's too.
    pub(super) contested: bool,
    /// The `Host` of the request from here on.
    pub(super) host: Option<String>,
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

/// The annotations of one Ingress, with what stands in for them; without one, that alone.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    ingress: Option<&'a Ingress>,
    global: &'a Global,
}

impl Values<'_> {
    /// A value, and what to say when it decides.
    pub(super) fn get(&self, name: &str) -> Option<(&str, Note)> {
        if let Some(ingress) = self.ingress
            && let Some((key, value)) = annotation(&ingress.meta.annotations, name)
        {
            return Some((value, Note::Annotation { ingress: ingress.meta.key(), key }));
        }
        let value = self.global.config(name)?;
        Some((value, Note::Config { key: name.to_owned() }))
    }

    /// A value that is not empty.
    pub(super) fn set(&self, name: &str) -> Option<(&str, Note)> {
        self.get(name).filter(|(value, _)| !value.is_empty())
    }

    /// The Ingress, if it names a host for TLS.
    pub(super) fn with_tls(&self) -> Option<&Ingress> {
        self.ingress.filter(|ingress| ingress.tls.iter().any(|tls| !tls.hosts.is_empty()))
    }
}

impl Options {
    /// Of an Ingress, or of the ConfigMap alone.
    pub(super) fn new(ingress: Option<&Ingress>, global: &Global) -> Self {
        let values = Values { ingress, global };
        let lists: Vec<List> = [("deny-list", "blacklist", false), ("allow-list", "whitelist", true)]
            .into_iter()
            .filter_map(|(name, older, lets_in)| {
                let (value, said_by) = values.set(name).or_else(|| values.set(older))?;
                Some(List { text: value.to_owned(), lets_in, taken: taken(value)?, said_by })
            })
            .collect();
        let auth = values.set("auth-type").filter(|(value, _)| *value == "basic-auth").map(|(_, note)| note);
        let limit = values.set("rate-limit-requests").map(|(value, note)| (value.parse().unwrap_or(0), note));
        let (redirects, mut broken) = Redirect::all(&values);
        let rewrite = values.set("path-rewrite");
        let rewrites = rewrite.as_ref().map(|(value, _)| Rewrite::all(value)).unwrap_or_default();
        if let Some(bad) = rewrites.iter().find(|rewrite| !rewrite.is_valid()) {
            broken.get_or_insert_with(|| format!("pattern {:?} of path-rewrite", bad.pattern()));
        }
        let mut fingerprint = String::new();
        for list in &lists {
            let _ = write!(fingerprint, "{:?}", (&list.text, list.lets_in));
        }
        for redirect in &redirects {
            let _ = write!(fingerprint, "{:?}", redirect.identity());
        }
        for rewrite in &rewrites {
            let _ = write!(fingerprint, "{rewrite}");
        }
        if let Some((requests, _)) = &limit {
            let _ = write!(fingerprint, "limit {requests:?}");
        }
        // Users are a group for each Ingress.
        if let (Some(_), Some(ingress)) = (&auth, ingress) {
            let _ = write!(fingerprint, "auth {}", ingress.meta.key());
        }
        for name in ["request-set-header", "response-set-header"] {
            let lines = values.set(name).into_iter().flat_map(|(value, _)| value.lines());
            for line in lines.take_while(|line| line.is_empty() || line.contains(' ')) {
                let _ = write!(fingerprint, "{name} {line:?}");
            }
        }
        for name in ["request-capture", "set-host", "src-ip-header"] {
            if let Some((value, _)) = values.set(name) {
                let _ = write!(fingerprint, "{name} {value:?}");
            }
        }
        if values.set("cors-enable").is_some_and(|(value, _)| boolean(value) == Some(true)) {
            fingerprint.push_str("cors");
        }
        let standalone =
            ingress.and_then(|ingress| annotation(&ingress.meta.annotations, "standalone-backend"));
        Self {
            lists,
            auth,
            limit: limit.filter(|(requests, _): &(i64, Note)| *requests <= 0).map(|(_, note)| note),
            redirects,
            contested: false,
            host: values.set("set-host").map(|(value, _)| value.to_owned()),
            rewrites,
            rewrite_said_by: rewrite.map(|(_, note)| note),
            passthrough: values.get("ssl-passthrough").is_some_and(|(value, _)| boolean(value) == Some(true)),
            standalone: standalone.is_some_and(|(_, value)| value == "true"),
            broken,
            fingerprint,
        }
    }

    /// Puts the redirects into HAProxy's order: a rule stands where it was first asked for, by the
    /// ConfigMap before all Ingresses, whose own order is not known.
    pub(super) fn order_redirects(&mut self, first: &Self, others: &[(usize, Vec<Redirect>)], own: usize) {
        let is_of = |redirect: &Redirect, all: &[Redirect]| {
            all.iter().any(|other| other.identity() == redirect.identity())
        };
        let [https, other] = self.redirects.as_slice() else { return };
        if is_of(https, &first.redirects) {
            return;
        }
        if is_of(other, &first.redirects) {
            self.redirects.reverse();
            return;
        }
        self.contested =
            others.iter().any(|(ingress, all)| *ingress != own && is_of(other, all) && !is_of(https, all));
    }

    /// What of the ConfigMap's rules no Ingress takes as its own: such a rule is for all requests.
    pub(super) fn keep_for_all<'o>(&mut self, ingresses: impl Iterator<Item = &'o Self> + Clone) {
        self.lists.retain(|list| {
            let mut all = ingresses.clone().flat_map(|options| &options.lists);
            !all.any(|other| (&other.text, other.lets_in) == (&list.text, list.lets_in))
        });
        self.rewrites.retain(|rewrite| {
            let mut all = ingresses.clone().flat_map(|options| &options.rewrites);
            !all.any(|other| other.to_string() == rewrite.to_string())
        });
        if ingresses.clone().any(|options| options.host == self.host) {
            self.host = None;
        }
        if ingresses.clone().any(|options| options.limit == self.limit) {
            self.limit = None;
        }
        self.redirects.clear();
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

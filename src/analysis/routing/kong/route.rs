//! One route: what it takes, how much it counts, and who is behind it.
//!
//! Sources: Kong/kubernetes-ingress-controller `internal/dataplane/translator/subtranslator/{ingress,
//! ingress_atc,atc_utils}.go`, 3.x.

use std::sync::OnceLock;

use regex::Regex;

use crate::analysis::routing::Target;
use crate::analysis::routing::heads::{Accepted, literal_head};
use crate::analysis::routing::rule_index::{HostKey, PathKey};
use crate::analysis::routing::serving::{Health, Services};
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, Place};
use crate::model::object::Name;
use crate::model::snapshot::Lookup;

use super::options::Options;

/// How a path is compared.
#[derive(Debug, Clone)]
enum PathMatch {
    Exact(String),
    /// Itself, or followed by a slash; empty takes every path.
    Prefix(String),
    Characters(String),
    Regex(Pattern),
    Any,
}

/// Anchored at the start, and compiled when it is first needed.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// `None` where it does not compile.
    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| Regex::new(&self.text).ok()).as_ref()
    }
}

/// More fields first, then more headers, a plain host, an exact comparison, a longer path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Priority {
    fields: usize,
    headers: usize,
    plain_host: bool,
    precise: bool,
    length: usize,
}

#[derive(Debug)]
pub(super) struct Route {
    /// By number.
    pub(super) ingress: usize,
    pub(super) place: Place,
    /// In lower case; none takes every host.
    hosts: Vec<String>,
    path: PathMatch,
    pub(super) priority: Priority,
    pub(super) target: Target,
    pub(super) health: Health,
    /// What the Service puts before every path.
    base: String,
}

impl Route {
    /// `None` for a backend that is no Service; fails with what Kong says of the path.
    pub(super) fn new(
        (number, place): (usize, Place),
        host: &str,
        rule: &PathRule,
        ingress: &Ingress,
        options: &Options,
        services: &Services<'_>,
        accepted: &Accepted,
    ) -> Result<Option<Self>, String> {
        let path = path_match(rule, options, accepted)?;
        let mut hosts: Vec<String> = Vec::new();
        hosts.extend((!host.is_empty()).then(|| host.to_ascii_lowercase()));
        if !host.is_empty() {
            hosts.extend(options.host_aliases.iter().cloned());
        }
        let length = match &path {
            PathMatch::Exact(text) | PathMatch::Prefix(text) | PathMatch::Characters(text) => {
                text.len().max(1)
            }
            PathMatch::Regex(_) => rule.path.len() - options.regex_prefix.len().min(rule.path.len()),
            PathMatch::Any => 0,
        };
        let priority = Priority {
            fields: options.fields() + 1 + usize::from(!hosts.is_empty()),
            headers: options.headers.len(),
            plain_host: !hosts.is_empty() && !hosts.iter().any(|host| host.contains('*')),
            precise: !matches!(path, PathMatch::Characters(_) | PathMatch::Any),
            length,
        };
        Ok(Self::behind((number, place), &rule.backend, ingress, services).map(|route| Self {
            hosts,
            path,
            priority,
            ..route
        }))
    }

    /// Takes everything that nothing else does.
    pub(super) fn default_backend(
        number: usize,
        backend: &Backend,
        ingress: &Ingress,
        services: &Services<'_>,
    ) -> Option<Self> {
        Self::behind((number, Place::DefaultBackend), backend, ingress, services)
    }

    fn behind(
        (number, place): (usize, Place),
        backend: &Backend,
        ingress: &Ingress,
        services: &Services<'_>,
    ) -> Option<Self> {
        let (service, port) = backend.service()?;
        let service = Name::new(&ingress.meta.namespace, service);
        let target = Target { service, port: port.clone() };
        let base = match services.get(&target.service) {
            Lookup::Found(object) => object.meta.annotation("konghq.com/path").unwrap_or_default(),
            Lookup::Absent | Lookup::Unseen(_) => "",
        };
        let base = base.trim_end_matches('/').to_owned();
        let health = services.health(&target);
        Some(Self {
            ingress: number,
            place,
            hosts: Vec::new(),
            path: PathMatch::Any,
            priority: Priority::default(),
            target,
            health,
            base,
        })
    }

    /// Whether somebody is behind it, as far as is known.
    pub(super) fn answers(&self) -> bool {
        matches!(self.health, Health::Ready | Health::Unseen)
    }

    pub(super) fn takes_host(&self, asked: &str) -> bool {
        self.hosts.is_empty()
            || self.hosts.iter().any(|host| match (host.strip_prefix('*'), host.strip_suffix('*')) {
                (Some(suffix), _) => asked.len() > suffix.len() && asked.ends_with(suffix),
                (None, Some(prefix)) => asked.len() > prefix.len() && asked.starts_with(prefix),
                (None, None) => host == asked,
            })
    }

    pub(super) fn takes_path(&self, path: &str) -> bool {
        match &self.path {
            PathMatch::Any => true,
            PathMatch::Exact(text) => text == path,
            PathMatch::Prefix(bare) => {
                path.strip_prefix(bare.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            PathMatch::Characters(text) => path.starts_with(text.as_str()),
            PathMatch::Regex(pattern) => pattern.regex().is_some_and(|regex| regex.is_match(path)),
        }
    }

    /// Whether the path is an ordinary one that edits can be made to.
    pub(super) fn is_literal(&self) -> bool {
        !matches!(self.path, PathMatch::Regex(_))
    }

    /// What the upstream gets; `None` where that is not followed.
    pub(super) fn upstream_path(&self, path: &str, options: &Options) -> Option<String> {
        if options.rewrites {
            return None;
        }
        let taken = match &self.path {
            _ if !options.strip_path => 0,
            PathMatch::Any => 0,
            PathMatch::Exact(text) | PathMatch::Prefix(text) | PathMatch::Characters(text) => text.len(),
            PathMatch::Regex(pattern) => {
                pattern.regex().and_then(|regex| regex.find(path)).map_or(0, |found| found.end())
            }
        };
        let rest = path.get(taken..).unwrap_or_default().trim_start_matches('/');
        let rest = if taken == 0 { path.trim_start_matches('/') } else { rest };
        Some(format!("{}/{rest}", self.base))
    }

    /// Under which hosts and paths the route is found.
    pub(super) fn keys(&self) -> Vec<(HostKey, PathKey)> {
        let path = match &self.path {
            PathMatch::Exact(text) => PathKey::Whole(text.clone()),
            PathMatch::Prefix(bare) => PathKey::Elements(bare.clone()),
            PathMatch::Characters(text) => PathKey::Characters(text.clone()),
            PathMatch::Regex(pattern) => {
                let text = pattern.text.strip_prefix('^').unwrap_or_default();
                PathKey::Characters(literal_head(text))
            }
            PathMatch::Any => PathKey::Other,
        };
        let host = |host: &String| match host.strip_prefix('*') {
            Some(suffix) if suffix.starts_with('.') => HostKey::Suffix(suffix.to_owned()),
            _ if host.contains('*') => HostKey::Other,
            _ => HostKey::Exact(host.clone()),
        };
        if self.hosts.is_empty() {
            return vec![(HostKey::Other, path)];
        }
        self.hosts.iter().map(|name| (host(name), path.clone())).collect()
    }

    /// How the route is written down.
    pub(super) fn rendered(&self) -> String {
        let path = match &self.path {
            PathMatch::Exact(text) => format!("http.path == \"{text}\""),
            PathMatch::Prefix(bare) if bare.is_empty() => "http.path ^= \"/\"".to_owned(),
            PathMatch::Prefix(bare) => format!("http.path == \"{bare}\" || http.path ^= \"{bare}/\""),
            PathMatch::Characters(text) => format!("http.path ^= \"{text}\""),
            PathMatch::Regex(pattern) => format!("http.path ~ \"{}\"", pattern.text),
            PathMatch::Any => "default backend".to_owned(),
        };
        if self.hosts.is_empty() { path } else { format!("http.host {} && {path}", self.hosts.join(" or ")) }
    }
}

fn path_match(rule: &PathRule, options: &Options, accepted: &Accepted) -> Result<PathMatch, String> {
    let specific = rule.path_type == PathType::ImplementationSpecific;
    if let Some(pattern) = rule.path.strip_prefix(options.regex_prefix.as_str()).filter(|_| specific) {
        let anchored = if pattern.starts_with('^') { pattern.to_owned() } else { format!("^{pattern}") };
        if !accepted.is(&anchored, || Regex::new(&anchored).is_ok()) {
            return Err(format!("invalid regular expression {}", rule.path));
        }
        return Ok(PathMatch::Regex(Pattern { text: anchored, regex: OnceLock::new() }));
    }
    let path = merged(&rule.path);
    Ok(match rule.path_type {
        PathType::Exact => PathMatch::Exact(path),
        PathType::Prefix => PathMatch::Prefix(path.trim_end_matches('/').to_owned()),
        PathType::ImplementationSpecific => PathMatch::Characters(path),
    })
}

/// With slashes merged; a slash where it is empty.
fn merged(path: &str) -> String {
    let mut out = String::with_capacity(path.len().max(1));
    for c in path.chars() {
        if c != '/' || !out.ends_with('/') {
            out.push(c);
        }
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

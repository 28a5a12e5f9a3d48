//! One listener rule: what it asks of a request.
//!
//! Source: kubernetes-sigs/aws-load-balancer-controller `pkg/ingress/model_build_listener_rules.go`
//! (`buildRuleConditions`, `buildPathPatterns`, `sortIngressPaths`), v3.

use regex::Regex;

use crate::analysis::routing::Note;
use crate::analysis::routing::rule_index::{HostKey, PathKey};
use crate::analysis::routing::serving::Services;
use crate::model::ingress::{Ingress, PathRule, PathType};
use crate::model::request::Request;

use super::action::Action;
use super::condition::{Condition, parse};
use super::glob::{has_wildcards, takes};
use super::{Flags, PREFIX, annotation};

/// Whether a rule takes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matched {
    Yes,
    No,
    /// It depends on what is not known.
    Perhaps,
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// The Ingress, by number.
    pub(super) member: usize,
    /// Rule and path.
    pub(super) at: (usize, usize),
    /// Patterns in lower case; none takes every host.
    pub(super) hosts: Vec<String>,
    /// Patterns; none takes every path.
    pub(super) paths: Vec<String>,
    /// A pattern of the load balancer's own, for the whole path and for a part of it.
    regex: Option<(Regex, Regex)>,
    pub(super) conditions: Vec<Condition>,
    pub(super) action: Action,
    /// The annotation that changes the path or host on its way.
    pub(super) transform: Option<Note>,
    pub(super) rendered: String,
}

/// A rule's paths in the order in which they are tried: Exact, the longest Prefix, the rest.
pub(super) fn in_order(paths: &[PathRule]) -> Vec<usize> {
    let rank = |path: &PathRule| match path.path_type {
        PathType::Exact => (0, 0),
        PathType::Prefix => (1, usize::MAX - path.path.len()),
        PathType::ImplementationSpecific => (2, 0),
    };
    let mut order: Vec<usize> = (0..paths.len()).collect();
    order.sort_by_key(|at| paths.get(*at).map(rank));
    order
}

impl Rule {
    /// Fails with why the controller cannot build it.
    pub(super) fn new(
        ingress: &Ingress,
        (member, at): (usize, (usize, usize)),
        (host, path): (&str, &PathRule),
        flags: &Flags,
        services: &Services<'_>,
    ) -> Result<Self, String> {
        let service = path.backend.service().map(|(name, _)| name).unwrap_or_default();
        let key = format!("conditions.{service}");
        let extra = match annotation(ingress, &key) {
            Some(text) => parse(text).ok_or_else(|| format!("invalid {PREFIX}{key}"))?,
            None => super::condition::Extra::default(),
        };
        let action = Action::of(ingress, &path.backend, flags, services)?;
        let mut hosts: Vec<String> = Vec::new();
        hosts.extend((!host.is_empty()).then(|| host.to_ascii_lowercase()));
        hosts.extend(extra.hosts);
        let own = annotation(ingress, "use-regex-path-match") == Some("true");
        let regex = if own && path.path_type == PathType::ImplementationSpecific && !path.path.is_empty() {
            let pattern = path.path.strip_prefix('/').unwrap_or(&path.path);
            let compiled = (Regex::new(&format!("^/?(?:{pattern})$")).ok()).zip(Regex::new(pattern).ok());
            Some(compiled.ok_or_else(|| format!("invalid regular expression {}", path.path))?)
        } else {
            None
        };
        let mut paths = if regex.is_some() { Vec::new() } else { patterns(path)? };
        paths.extend(extra.paths);
        let key = format!("{PREFIX}transforms.{service}");
        let transform = ingress.meta.annotation(&key).is_some();
        Ok(Self {
            rendered: rendered(&hosts, &paths, regex.as_ref(), &extra.conditions),
            transform: transform.then(|| Note::Annotation { ingress: ingress.meta.key(), key }),
            member,
            at,
            hosts,
            paths,
            regex,
            conditions: extra.conditions,
            action,
        })
    }

    pub(super) fn takes_host(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|pattern| takes(pattern.as_bytes(), host.as_bytes()))
    }

    pub(super) fn takes_path(&self, path: &str) -> Matched {
        let plain = self.paths.iter().any(|pattern| takes(pattern.as_bytes(), path.as_bytes()));
        match &self.regex {
            _ if plain => Matched::Yes,
            None if self.paths.is_empty() => Matched::Yes,
            None => Matched::No,
            Some((whole, part)) => match (whole.is_match(path), part.is_match(path)) {
                (true, true) => Matched::Yes,
                (false, false) => Matched::No,
                (true, false) | (false, true) => Matched::Perhaps,
            },
        }
    }

    /// The first condition that does not hold, and whether that is certain.
    pub(super) fn unmet(&self, request: &Request) -> Option<(&'static str, Matched)> {
        let no = self.conditions.iter().find(|condition| condition.holds(request) == Some(false));
        let unknown = || self.conditions.iter().find(|condition| condition.holds(request).is_none());
        no.map(|condition| (condition.field(), Matched::No))
            .or_else(|| unknown().map(|condition| (condition.field(), Matched::Perhaps)))
    }

    pub(super) fn matches(&self, request: &Request) -> Matched {
        if !self.takes_host(request.host.as_str()) {
            return Matched::No;
        }
        let path = self.takes_path(request.path.as_str());
        match (path, self.unmet(request)) {
            (Matched::No, _) | (_, Some((_, Matched::No))) => Matched::No,
            (Matched::Yes, None) => Matched::Yes,
            (Matched::Yes | Matched::Perhaps, _) => Matched::Perhaps,
        }
    }

    /// Under which hosts and paths the rule is found.
    pub(super) fn keys(&self) -> Vec<(HostKey, PathKey)> {
        let hosts: Vec<HostKey> = match self.hosts.as_slice() {
            [] => vec![HostKey::Other],
            hosts => hosts.iter().map(|host| host_key(host)).collect(),
        };
        let paths: Vec<PathKey> = match self.paths.as_slice() {
            [] => vec![PathKey::Other],
            paths => paths.iter().map(|path| path_key(path)).collect(),
        };
        let paths = if self.regex.is_some() { vec![PathKey::Other] } else { paths };
        hosts.iter().flat_map(|host| paths.iter().map(|path| (host.clone(), path.clone()))).collect()
    }
}

fn host_key(pattern: &str) -> HostKey {
    match pattern.strip_prefix('*') {
        Some(suffix) if suffix.starts_with('.') && !has_wildcards(suffix) => {
            HostKey::Suffix(suffix.to_owned())
        }
        _ if has_wildcards(pattern) => HostKey::Other,
        _ => HostKey::Exact(pattern.to_owned()),
    }
}

fn path_key(pattern: &str) -> PathKey {
    match pattern.strip_suffix('*') {
        Some(head) if !has_wildcards(head) => PathKey::Characters(head.to_owned()),
        _ if has_wildcards(pattern) => PathKey::Other,
        _ => PathKey::Whole(pattern.to_owned()),
    }
}

/// The patterns of a path; none takes every path.
fn patterns(path: &PathRule) -> Result<Vec<String>, String> {
    let text = path.path.as_str();
    let word = match path.path_type {
        _ if text.is_empty() => return Ok(Vec::new()),
        PathType::ImplementationSpecific => return Ok(vec![text.to_owned()]),
        PathType::Prefix if text == "/" => return Ok(vec!["/*".to_owned()]),
        PathType::Exact => "exact",
        PathType::Prefix => "prefix",
    };
    if has_wildcards(text) {
        return Err(format!("{word} path shouldn't contain wildcards: {text}"));
    }
    if path.path_type == PathType::Exact {
        return Ok(vec![text.to_owned()]);
    }
    let bare = text.strip_suffix('/').unwrap_or(text);
    Ok(vec![bare.to_owned(), format!("{bare}/*")])
}

fn rendered(
    hosts: &[String],
    paths: &[String],
    regex: Option<&(Regex, Regex)>,
    conditions: &[Condition],
) -> String {
    let mut parts = Vec::new();
    parts.extend((!hosts.is_empty()).then(|| format!("host-header {}", hosts.join(" or "))));
    parts.extend((!paths.is_empty()).then(|| format!("path-pattern {}", paths.join(" or "))));
    parts.extend(regex.map(|(_, pattern)| format!("path-regex {pattern}")));
    parts.extend(conditions.iter().map(|condition| condition.field().to_owned()));
    if parts.is_empty() { "path-pattern /*".to_owned() } else { parts.join(", ") }
}

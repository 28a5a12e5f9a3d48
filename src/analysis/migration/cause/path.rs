//! Which host and which path a rule must have: where two controllers part ways over them.

use super::{Cause, Compared, either, has_winner_place, noted};
use crate::analysis::field::pattern;
use crate::analysis::routing::{Decision, Note, Winner};
use crate::model::ingress::{PathType, Place};

pub(super) fn by_exactness(compared: &Compared<'_>) -> Option<Cause> {
    let (before, after) = (compared.before.winner.as_ref()?, compared.after.winner.as_ref()?);
    let is_exact = |winner: &Winner| {
        winner.path_type == Some(PathType::Exact) && winner.path == compared.request.path.as_str()
    };
    match (is_exact(before), is_exact(after)) {
        _ if before.host != after.host => None,
        (true, false) if is_path(after) => Some(Cause::ExactLosesToLongerPrefix),
        (false, true) if is_path(before) => Some(Cause::ExactWinsOverPrefix),
        _ => None,
    }
}

fn is_path(winner: &Winner) -> bool {
    match winner.place {
        Place::Path(..) | Place::Match(..) => true,
        Place::DefaultBackend | Place::Rule(_) => false,
    }
}

pub(super) fn by_host(compared: &Compared<'_>) -> Option<Cause> {
    let is_default = |decision: &Decision| {
        decision.default_backend && decision.winner.is_some()
            || decision.winner.as_ref().is_some_and(|winner| !is_path(winner))
    };
    let wider = |decision: &Decision| {
        decision
            .winner
            .as_ref()
            .is_some_and(|winner| is_path(winner) && is_wider(&winner.host, compared.host))
    };
    let unrouted = |decision: &Decision| decision.winner.is_none() || is_default(decision);
    match (wider(compared.before), wider(compared.after)) {
        (true, false) if unrouted(compared.after) => return Some(Cause::FallthroughToWildcard),
        (false, true) if unrouted(compared.before) => return Some(Cause::FallthroughToWildcard),
        (true, false) | (false, true) => return Some(Cause::HostPrecedence),
        (true, true) | (false, false) => {}
    }
    if is_default(compared.before) || is_default(compared.after) {
        return Some(Cause::DefaultBackendScope);
    }
    let labels = |decision: &Decision| {
        decision.winner.as_ref().and_then(|winner| winner.host.strip_prefix("*.")).is_some_and(|parent| {
            let below = compared.request.host.as_str().strip_suffix(parent).unwrap_or_default();
            below.trim_end_matches('.').contains('.')
        })
    };
    (labels(compared.before) != labels(compared.after)).then_some(Cause::WildcardLabels)
}

/// Whether a host takes more than another that takes the same request.
fn is_wider(host: &str, than: &str) -> bool {
    let rank = |host: &str| match host {
        "" => 0,
        _ if host.starts_with("*.") => host.len(),
        _ => usize::MAX,
    };
    rank(host) < rank(than)
}

pub(super) fn by_path(compared: &Compared<'_>) -> Option<Cause> {
    let (before, after) = (compared.before.winner.as_ref(), compared.after.winner.as_ref());
    if has_winner_place(before, after) {
        return None;
    }
    if either(compared, |decision| noted(decision, |note| matches!(note, Note::RegexHost { .. }))) {
        return Some(Cause::RegexHost);
    }
    let path = compared.request.path.as_str();
    let winners = || before.into_iter().chain(after).filter(|winner| is_path(winner));
    if winners().any(|winner| !pattern::is_literal(&winner.path)) {
        return Some(Cause::PatternRead);
    }
    if winners().any(|winner| is_within_element(&winner.path, path)) {
        return Some(Cause::PrefixMatchesCharacters);
    }
    if winners().any(|winner| !path.starts_with(winner.path.trim_end_matches('/'))) {
        return Some(Cause::CaseInsensitive);
    }
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        (Some(only), None) | (None, Some(only)) => return by_one(only, path),
        (None, None) => return None,
    };
    Some(if (&before.host, &before.path) == (&after.host, &after.path) {
        Cause::DuplicateOwner
    } else {
        Cause::PathPrecedence
    })
}

/// Why only one of them has a rule, as far as its path tells.
fn by_one(only: &Winner, path: &str) -> Option<Cause> {
    if only.path != path && only.path.trim_end_matches('/') == path.trim_end_matches('/') {
        return Some(Cause::TrailingSlash);
    }
    if only.path == "/" && only.path_type == Some(PathType::Exact) && path != "/" {
        return Some(Cause::RootRule);
    }
    if path.contains(|c: char| !c.is_ascii_alphanumeric() && !"/-._".contains(c)) {
        return Some(Cause::PathForm);
    }
    (only.path_type == Some(PathType::ImplementationSpecific)).then_some(Cause::SpecificRead)
}

/// Whether a path is the beginning of a request's, and ends within an element of it.
fn is_within_element(path: &str, request: &str) -> bool {
    let rest = request.strip_prefix(path).filter(|_| !path.ends_with('/'));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

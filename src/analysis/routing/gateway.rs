//! What the models of the Gateway API share: which HTTPRoutes are attached to which listeners, which of
//! their rules' conditions a request meets, and what a rule then does with it.
//!
//! The models differ in which listeners serve, in which matching rule wins, and in corners of filters
//! and backends; those differences stand with each model.
//! Source: kubernetes-sigs/gateway-api `apis/v1/{gateway,httproute,shared}_types.go` @4564255ac.

use crate::model::http_route::{HttpRoute, PathMatchKind, RouteMatch, RouteRule};
use crate::model::ingress::{PathType, Place};
use crate::model::object::Name;

use super::{Decision, Detached, Outcome, Target, Winner};

pub(super) mod attach;
pub(super) mod backends;
pub(super) mod condition;
#[cfg(test)]
mod conformance;
pub(super) mod explain;
#[cfg(test)]
pub(super) mod fixtures;
pub(super) mod hosts;
pub(super) mod index;
pub(super) mod path_change;
pub(super) mod uri;

/// A listener that serves, and where it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) gateway: Name,
    pub(super) listener: String,
    /// Empty takes every host.
    pub(super) hostname: String,
    pub(super) port: u16,
    pub(super) is_tls: bool,
    /// The Gateway's addresses, sorted: Gateways that share none cannot get each other's requests.
    pub(super) addresses: Vec<String>,
}

/// A route on a listener, by number, with the host names that both agree on; none takes every host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attachment {
    pub(super) route: usize,
    pub(super) listener: usize,
    pub(super) hosts: Vec<String>,
}

/// One match of one rule of an attached route: what competes for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct At {
    pub(super) attachment: usize,
    pub(super) rule: usize,
    pub(super) number: usize,
}

/// Routes, listeners, and what is attached to what.
#[derive(Debug, Default)]
pub(super) struct Attached {
    /// The oldest first, then by name: the order in which ties are broken.
    pub(super) routes: Vec<HttpRoute>,
    pub(super) listeners: Vec<Served>,
    pub(super) attachments: Vec<Attachment>,
    /// Routes, by number, that are attached nowhere, and why.
    pub(super) detached: Vec<(usize, Detached)>,
}

impl Attached {
    pub(super) fn route(&self, at: At) -> Option<&HttpRoute> {
        self.routes.get(self.attachments.get(at.attachment)?.route)
    }

    pub(super) fn rule(&self, at: At) -> Option<&RouteRule> {
        self.route(at)?.rules.get(at.rule)
    }

    pub(super) fn condition(&self, at: At) -> Option<&RouteMatch> {
        self.rule(at)?.matches.get(at.number)
    }

    pub(super) fn listener(&self, at: At) -> Option<&Served> {
        self.listeners.get(self.attachments.get(at.attachment)?.listener)
    }

    /// Everything that competes, in the order of attachments, rules and matches.
    pub(super) fn all(&self) -> impl Iterator<Item = (At, &Attachment, &RouteMatch)> {
        self.attachments.iter().enumerate().flat_map(move |(number, attachment)| {
            let rules = self.routes.get(attachment.route).map(|route| route.rules.as_slice());
            rules.unwrap_or_default().iter().enumerate().flat_map(move |(rule, written)| {
                let matches = written.matches.iter().enumerate();
                matches.map(move |(at, one)| (At { attachment: number, rule, number: at }, attachment, one))
            })
        })
    }

    /// Whether an attached route takes this host, or there is any at all.
    pub(super) fn has_routes_for(&self, host: Option<&str>) -> bool {
        self.attachments.iter().any(|attachment| {
            attachment.hosts.is_empty()
                || attachment.hosts.iter().any(|pattern| host.is_none_or(|host| hosts::takes(pattern, host)))
        })
    }

    /// The winner's description; `host` is the name that took the request.
    pub(super) fn winner(
        &self,
        at: At,
        host: &str,
        backend: Option<Target>,
        rendered: String,
    ) -> Option<Winner> {
        let one = self.condition(at)?;
        Some(Winner {
            ingress: self.route(at)?.meta.key(),
            place: Place::Match(at.rule, at.number),
            host: host.to_owned(),
            path: one.path.value.clone(),
            path_type: Some(path_type(one.path.kind)),
            backend,
            rendered,
        })
    }
}

/// The Ingress word of a path's kind; reports spell it as the route's kind does.
pub(super) const fn path_type(kind: PathMatchKind) -> PathType {
    match kind {
        PathMatchKind::Exact => PathType::Exact,
        PathMatchKind::Prefix => PathType::Prefix,
        PathMatchKind::Pattern => PathType::ImplementationSpecific,
    }
}

/// One decision of several that are equally possible.
pub(super) fn one_of(mut decisions: Vec<Decision>) -> Decision {
    if decisions.len() <= 1 {
        return decisions.pop().unwrap_or_else(|| Decision::bare(Outcome::NoRoute, Some(404)));
    }
    let targets = decisions.iter().flat_map(|decision| {
        let own = decision.winner.as_ref().and_then(|winner| winner.backend.clone());
        let own = own.filter(|_| decision.outcome == Outcome::Routed);
        decision.one_of.iter().cloned().chain(own)
    });
    let mut one_of: Vec<Target> = targets.collect();
    one_of.sort();
    one_of.dedup();
    let answers = super::possible::answers(decisions.iter());
    let mut merged = decisions.swap_remove(0);
    merged.outcome = Outcome::Undefined;
    merged.status = None;
    merged.location = None;
    merged.upstream_path = None;
    merged.one_of = one_of;
    merged.notes.extend(answers);
    merged
}

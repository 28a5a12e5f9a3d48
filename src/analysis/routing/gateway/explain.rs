//! Why the rules of HTTPRoutes that did not win lost, nearest first, and what would make them win.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{Condition, Reading};
use super::hosts::takes;
use super::{At, Attached, path_type};
use crate::analysis::routing::candidates::{host_distance, path_distance};
use crate::analysis::routing::nearest::{Cost, host_edit, path_edit, spec_takes};
use crate::analysis::routing::{Detached, Edit, Eliminated, Explanation, Nearest, Reason, Unmet};
use crate::model::http_route::{HttpRoute, PathMatchKind, RouteMatch};
use crate::model::ingress::{PathType, Place};
use crate::model::request::Request;

/// What a model knows when it is asked why.
pub(in crate::analysis::routing) struct Asked<'a> {
    pub(in crate::analysis::routing) attached: &'a Attached,
    pub(in crate::analysis::routing) request: &'a Request,
    /// As rules are compared with it.
    pub(in crate::analysis::routing) path: &'a str,
    pub(in crate::analysis::routing) winner: Option<At>,
    /// Whether a name of a route takes the host.
    pub(in crate::analysis::routing) takes_host: &'a dyn Fn(&str) -> bool,
    pub(in crate::analysis::routing) reading: Reading,
    /// Whether the request comes in by the listener of this number.
    pub(in crate::analysis::routing) in_reach: &'a dyn Fn(usize) -> bool,
    /// Whether a rule is served at all; by number, in the order of [`Attached::all`].
    pub(in crate::analysis::routing) is_served: &'a dyn Fn(usize) -> bool,
    /// Of everything attached, in the order of [`Attached::all`].
    pub(in crate::analysis::routing) conditions: &'a [Condition],
}

/// How near a candidate is: groups first, then distance within the group.
type Rank = (u8, usize);
/// Route, rule and match by number: one candidate, by however many listeners it is attached.
type Key = (usize, usize, usize);

/// How a candidate lost.
struct Lost<'a> {
    rank: Rank,
    host: &'a str,
    /// Where it is attached and served, by number.
    listener: Option<usize>,
    reason: Why,
}

/// The reason, made into words' worth only for those that are shown.
enum Why {
    Beaten,
    Unmet(Unmet),
    Path,
    Pattern,
    Host,
    /// Another condition is not met either.
    HostToo,
    OtherPort(usize),
    Detached(usize),
}

pub(in crate::analysis::routing) fn explain(asked: &Asked<'_>, limit: usize) -> Explanation {
    let mut found: BTreeMap<Key, Lost<'_>> = BTreeMap::new();
    for (number, (at, attachment, one)) in asked.attached.all().enumerate() {
        let lost = asked.attached_one(number, attachment.listener, &attachment.hosts, one);
        let key = (attachment.route, at.rule, at.number);
        if found.get(&key).is_none_or(|before| lost.rank < before.rank) {
            found.insert(key, lost);
        }
    }
    for (at, (route, _)) in asked.attached.detached.iter().enumerate() {
        let rules = asked.attached.routes.get(*route).into_iter().flat_map(|route| {
            let rules = route.rules.iter().enumerate();
            rules.flat_map(move |(rule, written)| {
                written.matches.iter().enumerate().map(move |(number, one)| (route, rule, number, one))
            })
        });
        for (written, rule, number, one) in rules {
            found.insert((*route, rule, number), asked.detached_one(at, written, one));
        }
    }
    let total = found.len();
    let winner = asked
        .winner
        .and_then(|at| Some((asked.attached.attachments.get(at.attachment)?.route, at.rule, at.number)));
    if let Some(winner) = winner {
        found.remove(&winner);
    }
    let nearest = if winner.is_none() { asked.nearest(&found, limit) } else { Vec::new() };
    let mut lost: Vec<(Key, Lost<'_>)> = found.into_iter().collect();
    lost.sort_by_key(|(key, lost)| (lost.rank, *key));
    lost.truncate(limit);
    let shown = lost.into_iter().filter_map(|((route, rule, number), lost)| {
        let written = asked.attached.routes.get(route)?;
        let one = written.rules.get(rule)?.matches.get(number)?;
        Some(Eliminated {
            ingress: written.meta.key(),
            place: Place::Match(rule, number),
            host: lost.host.to_owned(),
            path: one.path.value.clone(),
            path_type: Some(path_type(one.path.kind)),
            reason: asked.reason(lost.reason, one),
        })
    });
    Explanation { eliminated: shown.collect(), nearest, total }
}

impl<'a> Asked<'a> {
    fn attached_one(
        &self,
        number: usize,
        listener: usize,
        hosts: &'a [String],
        one: &RouteMatch,
    ) -> Lost<'a> {
        let (asked, path) = (self.request.host.as_str(), &one.path.value);
        let taking = hosts.iter().find(|host| (self.takes_host)(host));
        let host = taking.or(hosts.first()).map_or("", String::as_str);
        let lost = |group: u8, distance: usize, reason| Lost {
            rank: (group, distance),
            host,
            listener: Some(listener).filter(|_| (self.is_served)(number)),
            reason,
        };
        let condition = self.conditions.get(number);
        let unmet = || condition.and_then(|condition| condition.unmet(self.request, self.reading));
        if !hosts.is_empty() && taking.is_none() {
            let why = if unmet().is_none() { Why::Host } else { Why::HostToo };
            return lost(4, host_distance(host, asked), why);
        }
        let near = path_distance(path, self.path);
        let takes_path = match one.path.kind {
            PathMatchKind::Pattern => condition.is_some_and(|condition| condition.takes_path(self.path)),
            PathMatchKind::Exact => *path == self.path,
            PathMatchKind::Prefix => spec_takes(path, PathType::Prefix, self.path),
        };
        if !takes_path {
            let is_pattern = one.path.kind == PathMatchKind::Pattern;
            return lost(2, near, if is_pattern { Why::Pattern } else { Why::Path });
        }
        if !(self.in_reach)(listener) {
            return lost(3, near, Why::OtherPort(listener));
        }
        match unmet() {
            Some(unmet) => lost(1, near, Why::Unmet(unmet)),
            None => lost(0, near, Why::Beaten),
        }
    }

    /// A route that is attached nowhere, by the host names that it has itself.
    fn detached_one(&self, at: usize, route: &'a HttpRoute, one: &RouteMatch) -> Lost<'a> {
        let taking = route.hostnames.iter().find(|host| (self.takes_host)(host));
        let host = taking.or(route.hostnames.first()).map_or("", String::as_str);
        let near = path_distance(&one.path.value, self.path);
        let group = if taking.is_some() || route.hostnames.is_empty() { 1 } else { 5 };
        Lost { rank: (group, near), host, listener: None, reason: Why::Detached(at) }
    }

    fn reason(&self, why: Why, one: &RouteMatch) -> Reason {
        let winner =
            self.winner.and_then(|at| Some((self.attached.route(at)?, self.attached.condition(at)?)));
        match (why, winner) {
            (Why::Beaten, Some((route, by))) => {
                let counts = |one: &RouteMatch| (one.method.is_some(), one.headers.len(), one.query.len());
                let than = route.meta.key();
                if by.path == one.path && counts(by) == counts(one) {
                    Reason::OlderWins { older: than }
                } else {
                    Reason::LessSpecific { than, than_path: by.path.value.clone() }
                }
            }
            (Why::Beaten | Why::Path, _) => Reason::PathDiffers,
            (Why::Unmet(unmet), _) => Reason::Unmet(unmet),
            (Why::Pattern, _) => Reason::PatternDiffers { pattern: one.path.value.clone() },
            (Why::Host | Why::HostToo, _) => Reason::HostDiffers,
            (Why::OtherPort(listener), _) => Reason::Detached(match self.attached.listeners.get(listener) {
                Some(served) => {
                    Detached::OtherPort { gateway: served.gateway.clone(), listener: served.listener.clone() }
                }
                None => Detached::Undecided,
            }),
            (Why::Detached(at), _) => {
                let detached = self.attached.detached.get(at).map(|(_, why)| why.clone());
                Reason::Detached(detached.unwrap_or(Detached::Undecided))
            }
        }
    }

    fn nearest(&self, found: &BTreeMap<Key, Lost<'_>>, limit: usize) -> Vec<Nearest> {
        let mut edits: Vec<(Cost, Key, Edit)> = Vec::new();
        let mut with_host: BTreeSet<usize> = BTreeSet::new();
        for (key, lost) in found {
            let (route, rule, number) = *key;
            let written = self.attached.routes.get(route);
            let one = written.and_then(|written| written.rules.get(rule)?.matches.get(number));
            let (Some(written), Some(one)) = (written, one) else { continue };
            // An edit of a rule does not change where its route is attached.
            let comes_by = lost.listener.filter(|listener| (self.in_reach)(*listener));
            let Some(listener) = comes_by.and_then(|number| self.attached.listeners.get(number)) else {
                continue;
            };
            let asked = self.request.host.as_str();
            let edit = match &lost.reason {
                Why::Unmet(unmet) => Some((2, Edit::Meet(unmet.clone()))),
                Why::Path if one.method.is_none() && one.headers.is_empty() && one.query.is_empty() => {
                    path_edit(&one.path.value, path_type(one.path.kind), self.path)
                }
                // A name that only the listener has is none that the route could change.
                Why::Host
                    if spec_takes(&one.path.value, path_type(one.path.kind), self.path)
                        && takes(&listener.hostname, asked)
                        && written.hostnames.iter().any(|name| name == lost.host) =>
                {
                    host_edit(lost.host, self.request)
                }
                Why::Path
                | Why::Host
                | Why::HostToo
                | Why::Beaten
                | Why::Pattern
                | Why::OtherPort(_)
                | Why::Detached(_) => None,
            };
            if matches!(lost.reason, Why::Path | Why::Pattern) {
                with_host.insert(route);
            }
            edits.extend(edit.map(|(cost, edit)| (cost, *key, edit)));
        }
        let is_odd = self.path.contains(['%', ' ']) || self.path.contains("//") || !self.path.is_ascii();
        for route in with_host.into_iter().filter(|_| !is_odd) {
            let edit = Edit::AddPath { path: self.path.to_owned(), path_type: PathType::Prefix };
            edits.push((9, (route, 0, 0), edit));
        }
        edits.sort_by_key(|(cost, key, _)| (*cost, *key));
        edits.truncate(limit);
        let named = edits.into_iter().filter_map(|(_, (route, rule, number), edit)| {
            let ingress = self.attached.routes.get(route)?.meta.key();
            Some(Nearest { ingress, place: Place::Match(rule, number), edit })
        });
        named.collect()
    }
}

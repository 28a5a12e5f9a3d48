//! Why every other candidate lost, and the smallest edits that would have made one win.

use std::collections::HashMap;

use crate::analysis::routing::candidates::{Candidate, Losers, host_distance, of_rules, path_distance};
use crate::analysis::routing::nearest::{host_edit, load_edit, path_edit, spec_takes};
use crate::analysis::routing::{Edit, Explanation, Note, Outcome, Reason, RouteTable};
use crate::model::ingress::{PathType, Place};
use crate::model::request::{Request, Scheme};

use super::glob::has_wildcards;
use super::group::Group;
use super::rule::{Matched, Rule};
use super::{PREFIX, Table};

/// Why a candidate lost.
#[derive(Debug, Clone, Copy)]
enum Why {
    /// Another load balancer gets the request.
    Elsewhere,
    LessSpecific,
    Condition(&'static str),
    Path,
    Host,
    /// It cannot be built, or is left out.
    LeftOut,
    /// Number among the Ingresses that are not loaded.
    NotLoaded(usize),
}

pub(super) fn explain(table: &Table, request: &Request, limit: usize) -> Explanation {
    let mut losers = Losers::new();
    let decision = table.decide(request);
    let winner = decision.winner.as_ref().filter(|winner| matches!(winner.place, Place::Path(..)));
    let reached = table.reached(request);
    let chosen = reached.iter().map(|group| group.name.clone()).collect::<Vec<_>>().join(" or ");
    let wants_edits = winner.is_none()
        && matches!(decision.outcome, Outcome::NoRoute | Outcome::Routed)
        && reached.len() < 2;
    let here = reached.first().copied();
    let rules = rules_of(here, request);
    for (number, member) in table.members.iter().enumerate() {
        let is_here = here.is_none_or(|group| {
            let (first, count) = group.span;
            (first..first + count).contains(&number)
        });
        for candidate in of_rules(&member.name, &member.rules) {
            losers.count();
            let won =
                winner.is_some_and(|winner| winner.place == candidate.place && winner.ingress == member.name);
            if won {
                continue;
            }
            let is_built = table.groups.iter().any(|group| {
                let (first, count) = group.span;
                group.failure.is_none() && (first..first + count).contains(&number) && group.listens(request)
            });
            let view = View { request, wants_edits: wants_edits && is_built, here: here.is_some() };
            let rule = rules.get(&(number, candidate.place)).copied();
            view.judge(candidate, rule, is_here, &mut losers);
        }
    }
    for (number, ((name, refusal), rules)) in table.refused.iter().zip(&table.unloaded).enumerate() {
        for candidate in of_rules(name, rules) {
            losers.count();
            let takes = crate::model::host::spec_match(candidate.host, request.host.as_str())
                && spec_takes(&candidate.rule.path, candidate.rule.path_type, request.path.as_str());
            let distance = path_distance(&candidate.rule.path, request.path.as_str());
            losers.lose((if takes { 0 } else { 5 }, distance), candidate, Why::NotLoaded(number));
            if takes && wants_edits {
                losers.near(candidate, load_edit(refusal));
            }
        }
    }
    if let (true, Some(rule)) = (wants_edits, live(here, request)) {
        let edit = Edit::AddPath { path: request.path.as_str().to_owned(), path_type: PathType::Prefix };
        if let Some(member) = table.members.get(rule.member).filter(|_| !has_wildcards(request.path.as_str()))
        {
            losers.add_edit(9, &member.name, Place::Path(rule.at.0, rule.at.1), edit);
        }
    }
    losers.keep_asked(limit, request, |asked| table.decide(asked));
    let left_out = |candidate: &Candidate<'_>| match here {
        Some(group) if group.failure.is_some() => Reason::LeftOut(Note::ReloadFails),
        Some(group) if !group.listens(request) => Reason::OtherEntryPoint {
            asked: request.effective_port().to_string(),
            tls: request.scheme == Scheme::Https,
        },
        // A redirect that would lead to itself.
        Some(_) | None => {
            let service = candidate.rule.backend.service().map(|(name, _)| name).unwrap_or_default();
            let key = format!("{PREFIX}actions.{service}");
            Reason::LeftOut(Note::Annotation { ingress: candidate.ingress.clone(), key })
        }
    };
    losers.explain(limit, |candidate, why| match (why, &decision.winner) {
        (Why::Elsewhere, _) => Reason::OtherServer { chosen: chosen.clone() },
        (Why::LessSpecific, Some(winner)) => {
            Reason::LessSpecific { than: winner.ingress.clone(), than_path: winner.path.clone() }
        }
        (Why::Condition(field), _) => Reason::ConditionDiffers { field },
        (Why::Host, _) => Reason::HostDiffers,
        (Why::NotLoaded(number), _) => table
            .refused
            .get(number)
            .map_or(Reason::PathDiffers, |(_, refusal)| Reason::NotLoaded(refusal.clone())),
        (Why::LeftOut, _) => left_out(candidate),
        (Why::LessSpecific | Why::Path, _) => Reason::PathDiffers,
    })
}

/// The rules that a request can meet, by Ingress and place.
fn rules_of<'a>(group: Option<&'a Group>, request: &Request) -> HashMap<(usize, Place), &'a Rule> {
    let listener = group.and_then(|group| group.listeners.get(&request.effective_port()));
    let rules = listener.into_iter().flat_map(|listener| &listener.rules);
    rules.map(|rule| ((rule.member, Place::Path(rule.at.0, rule.at.1)), rule)).collect()
}

/// The first rule of the request's host that forwards to somebody.
fn live<'a>(group: Option<&'a Group>, request: &Request) -> Option<&'a Rule> {
    let listener = group?.listeners.get(&request.effective_port())?;
    let mut rules = listener.rules.iter();
    rules.find(|rule| {
        !rule.hosts.is_empty()
            && rule.takes_host(request.host.as_str())
            && rule.unmet(request).is_none()
            && rule.action.routes()
    })
}

struct View<'a> {
    request: &'a Request,
    wants_edits: bool,
    /// Some load balancer gets the request.
    here: bool,
}

impl View<'_> {
    fn judge<'a>(
        &self,
        candidate: Candidate<'a>,
        rule: Option<&Rule>,
        is_here: bool,
        losers: &mut Losers<'a, Why>,
    ) {
        let Candidate { host, rule: written, place, ingress } = candidate;
        let (asked, path) = (self.request.host.as_str(), self.request.path.as_str());
        let distance = path_distance(&written.path, path);
        let far = host_distance(host, asked);
        let Some(rule) = rule.filter(|_| is_here) else {
            let names = host.is_empty() || crate::model::host::spec_match(host, asked);
            let why = match (is_here, names) {
                (true, true) => Why::LeftOut,
                (false, true) => Why::Elsewhere,
                (_, false) => Why::Host,
            };
            losers.lose((3, if names { distance } else { far }), candidate, why);
            if !self.here && self.wants_edits && spec_takes(&written.path, written.path_type, path) {
                self.mend_host(candidate, losers);
            }
            return;
        };
        if !rule.takes_host(asked) {
            losers.lose((4, far), candidate, Why::Host);
            let fits = rule.takes_path(path) == Matched::Yes && rule.unmet(self.request).is_none();
            if self.wants_edits && fits && rule.action.routes() {
                losers.near(candidate, host_edit(host, self.request));
            }
            return;
        }
        if rule.takes_path(path) == Matched::No {
            losers.lose((2, distance), candidate, Why::Path);
            if self.wants_edits && rule.unmet(self.request).is_none() && rule.action.routes() {
                let specific = written.path_type == PathType::ImplementationSpecific;
                let literal = !has_wildcards(&written.path);
                if specific && literal && spec_takes(&written.path, PathType::Prefix, path) {
                    let edit = Edit::SetPathType { from: written.path_type, to: PathType::Prefix };
                    losers.add_edit(1, ingress, place, edit);
                } else if literal {
                    let exactly = if specific { PathType::Exact } else { written.path_type };
                    let found = path_edit(&written.path, exactly, path);
                    let found = found.filter(|(_, edit)| {
                        if let Edit::SetPath { to, .. } = edit { !has_wildcards(to) } else { !specific }
                    });
                    losers.near(candidate, found);
                }
            }
            return;
        }
        match rule.unmet(self.request) {
            Some((field, _)) => losers.lose((1, distance), candidate, Why::Condition(field)),
            None => losers.lose((1, distance), candidate, Why::LessSpecific),
        }
    }

    /// A host that no load balancer serves at all.
    fn mend_host<'a>(&self, candidate: Candidate<'a>, losers: &mut Losers<'a, Why>) {
        if !has_wildcards(&candidate.rule.path) && candidate.rule.backend.service().is_some() {
            let found = host_edit(candidate.host, self.request);
            let asks = matches!(found, Some((_, Edit::AskHost { .. })));
            losers.near(candidate, found.filter(|_| asks || self.request.port.is_none()));
        }
    }
}

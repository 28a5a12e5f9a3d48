//! Why every other candidate lost, and the smallest edits that would have made one win.

use crate::analysis::routing::candidates::{Candidate, Losers, host_distance, of_rules, path_distance};
use crate::analysis::routing::nearest::{host_edit, path_edit, spec_takes};
use crate::analysis::routing::{Edit, Explanation, Note, Outcome, Reason, RouteTable};
use crate::model::ingress::{PathType, Place};
use crate::model::request::{Request, Scheme};

use super::backend::Served;
use super::url_map::{patterns, takes};
use super::{Balancer, Table};

/// Why a candidate lost.
#[derive(Debug, Clone, Copy)]
enum Why {
    /// Another load balancer, or another host of this one, gets the request.
    Elsewhere,
    LessSpecific,
    /// A later rule has its host or path.
    Overwritten,
    /// Its load balancer keeps its old rules.
    Frozen,
    Path,
    Host,
}

pub(super) fn explain(table: &Table, request: &Request, limit: usize) -> Explanation {
    let mut losers = Losers::new();
    let decision = table.decide(request);
    let winner = decision.winner.as_ref().filter(|winner| matches!(winner.place, Place::Path(..)));
    let reached = table.reached(request);
    let here = reached.first().copied();
    let chosen = reached.iter().map(|one| one.name.to_string()).collect::<Vec<_>>().join(" or ");
    let wants_edits = winner.is_none()
        && reached.len() < 2
        && matches!(decision.outcome, Outcome::NoRoute | Outcome::Routed);
    let view = View { request, wants_edits, here };
    for one in &table.all {
        let served = one.map.served();
        for candidate in of_rules(&one.name, &one.rules) {
            losers.count();
            let won =
                winner.is_some_and(|winner| winner.place == candidate.place && winner.ingress == one.name);
            if !won {
                let served = served.get(&candidate.place).copied();
                view.judge(one, candidate, served, &mut losers);
            }
        }
    }
    view.suggest_path(&mut losers);
    losers.keep_asked(limit, request, |asked| table.decide(asked));
    losers.explain(limit, |_, why| match (why, &decision.winner) {
        (Why::Elsewhere, _) => Reason::OtherServer { chosen: chosen.clone() },
        (Why::LessSpecific | Why::Overwritten, Some(winner)) => {
            Reason::LessSpecific { than: winner.ingress.clone(), than_path: winner.path.clone() }
        }
        (Why::Host, _) => Reason::HostDiffers,
        (Why::Frozen, _) => Reason::LeftOut(Note::ReloadFails),
        (Why::LessSpecific | Why::Overwritten | Why::Path, _) => Reason::PathDiffers,
    })
}

struct View<'a> {
    request: &'a Request,
    wants_edits: bool,
    here: Option<&'a Balancer>,
}

impl<'a> View<'a> {
    fn judge(
        &self,
        one: &'a Balancer,
        candidate: Candidate<'a>,
        served: Option<&Served>,
        losers: &mut Losers<'a, Why>,
    ) {
        let Candidate { host, rule, place, ingress } = candidate;
        let (asked, path) = (self.request.host.as_str(), self.request.path.as_str());
        let distance = path_distance(&rule.path, path);
        let fits = patterns(rule).iter().any(|pattern| takes(pattern, path));
        let is_here = self.here.is_some_and(|here| here.name == one.name);
        let lives = served.is_some_and(Served::answers) && one.failure.is_none();
        let is_host = host.eq_ignore_ascii_case(asked)
            || (!one.map.names(asked) && crate::model::host::spec_match(host, asked));
        if !is_host {
            losers.lose((4, host_distance(host, asked)), candidate, Why::Host);
            let free = self.here.is_none_or(|here| !here.map.names(asked));
            let listens = match self.request.scheme {
                Scheme::Http => one.plain,
                Scheme::Https => one.secure,
            };
            if self.wants_edits && fits && lives && listens && free {
                losers.near(candidate, host_edit(host, self.request));
            }
        } else if !is_here {
            losers.lose((3, distance), candidate, Why::Elsewhere);
        } else if one.failure.is_some() && !fits {
            losers.lose((2, distance), candidate, Why::Path);
        } else if one.failure.is_some() {
            losers.lose((1, distance), candidate, Why::Frozen);
        } else if served.is_none() {
            losers.lose((2, distance), candidate, Why::Overwritten);
        } else if fits {
            losers.lose((1, distance), candidate, Why::LessSpecific);
        } else {
            losers.lose((2, distance), candidate, Why::Path);
            let specific = rule.path_type == PathType::ImplementationSpecific;
            if !self.wants_edits || !lives || rule.path.contains('*') {
                return;
            }
            if specific && spec_takes(&rule.path, PathType::Prefix, path) {
                let edit = Edit::SetPathType { from: rule.path_type, to: PathType::Prefix };
                losers.add_edit(1, ingress, place, edit);
            } else {
                let exactly = if specific { PathType::Exact } else { rule.path_type };
                let found = path_edit(&rule.path, exactly, path);
                losers.near(
                    candidate,
                    found.filter(|(_, edit)| !specific || matches!(edit, Edit::SetPath { .. })),
                );
            }
        }
    }

    /// One more path for the request, where its host is served by name.
    fn suggest_path(&self, losers: &mut Losers<'a, Why>) {
        let Some(here) = self.here.filter(|_| self.wants_edits) else { return };
        let asked = self.request.host.as_str();
        let served = here.map.served();
        let mut own = of_rules(&here.name, &here.rules).filter(|candidate| {
            let served = served.get(&candidate.place);
            candidate.host.eq_ignore_ascii_case(asked) && served.is_some_and(|served| served.answers())
        });
        let Some(candidate) = own.next() else { return };
        let trimmed = self.request.path.as_str().trim_end_matches('/');
        let path = if trimmed.is_empty() { "/" } else { trimmed }.to_owned();
        if !path.contains('*') {
            let edit = Edit::AddPath { path, path_type: PathType::Prefix };
            losers.add_edit(9, candidate.ingress, candidate.place, edit);
        }
    }
}

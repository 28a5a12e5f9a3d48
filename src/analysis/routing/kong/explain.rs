//! Why every other candidate lost, and the smallest edits that would have made one win.

use std::collections::HashMap;

use crate::analysis::routing::candidates::{Candidate, Losers, host_distance, of_rules, path_distance};
use crate::analysis::routing::nearest::{host_edit, path_edit};
use crate::analysis::routing::{Edit, Explanation, Outcome, Reason};
use crate::model::ingress::{PathType, Place};
use crate::model::request::{Request, Scheme};

use super::Table;
use super::normalise::normalise;
use super::route::Route;

/// Why a candidate lost.
#[derive(Debug, Clone, Copy)]
enum Why {
    LessSpecific,
    Condition(&'static str),
    Path,
    Pattern,
    Host,
    Resource,
}

pub(super) fn explain(table: &Table, request: &Request, limit: usize) -> Explanation {
    let mut losers = Losers::new();
    let path = normalise(request.path.as_str());
    let decision = table.act(request);
    let best: Vec<(usize, Place)> =
        table.best(request, &path).iter().map(|route| (route.ingress, route.place)).collect();
    let wants_edits = best.is_empty() && matches!(decision.outcome, Outcome::NoRoute | Outcome::Routed);
    let routes: HashMap<(usize, Place), &Route> =
        table.routes.iter().map(|route| ((route.ingress, route.place), route)).collect();
    let view = View { table, request, path: &path, wants_edits };
    for (number, ingress) in table.loaded.iter().enumerate() {
        for candidate in of_rules(&ingress.name, &ingress.rules) {
            losers.count();
            if !best.contains(&(number, candidate.place)) {
                view.judge(candidate, routes.get(&(number, candidate.place)).copied(), &mut losers);
            }
        }
    }
    view.suggest_path(&mut losers);
    losers.keep_asked(limit, request, |asked| table.act(asked));
    losers.explain(limit, |candidate, why| match (why, &decision.winner) {
        (Why::LessSpecific, Some(winner)) => {
            Reason::LessSpecific { than: winner.ingress.clone(), than_path: winner.path.clone() }
        }
        (Why::Condition(field), _) => Reason::ConditionDiffers { field },
        (Why::Host, _) => Reason::HostDiffers,
        (Why::Resource, _) => Reason::ResourceBackend,
        (Why::Pattern, _) => Reason::PatternDiffers { pattern: candidate.rule.path.clone() },
        (Why::LessSpecific | Why::Path, _) => Reason::PathDiffers,
    })
}

struct View<'a> {
    table: &'a Table,
    request: &'a Request,
    path: &'a str,
    wants_edits: bool,
}

impl<'a> View<'a> {
    fn judge(&self, candidate: Candidate<'a>, route: Option<&Route>, losers: &mut Losers<'a, Why>) {
        let Candidate { host, rule, .. } = candidate;
        let asked = self.request.host.as_str();
        let distance = path_distance(&rule.path, self.path);
        let Some(route) = route else {
            losers.lose((3, distance), candidate, Why::Resource);
            return;
        };
        let unmet = self.table.options(route).and_then(|options| options.unmet(self.request));
        let helps = self.wants_edits && unmet.is_none() && self.serves(route);
        if !route.takes_host(asked) {
            losers.lose((4, host_distance(host, asked)), candidate, Why::Host);
            if helps && route.takes_path(self.path) {
                losers.near(candidate, host_edit(host, self.request));
            }
        } else if !route.takes_path(self.path) {
            let why = if route.is_literal() { Why::Path } else { Why::Pattern };
            losers.lose((2, distance), candidate, why);
            if helps && route.is_literal() {
                losers.near(candidate, path_edit(&rule.path, rule.path_type, self.path));
            }
        } else {
            let why = unmet.map_or(Why::LessSpecific, Why::Condition);
            losers.lose((1, distance), candidate, why);
        }
    }

    /// Whether a request that the route takes gets to somebody.
    fn serves(&self, route: &Route) -> bool {
        let plain = self.table.options(route).is_some_and(|options| options.plain);
        route.answers() && (plain || self.request.scheme == Scheme::Https)
    }

    /// One more path for the request, where its host is served.
    fn suggest_path(&self, losers: &mut Losers<'a, Why>) {
        let mut here = self.table.routes.iter().filter(|route| {
            let unmet = self.table.options(route).and_then(|options| options.unmet(self.request));
            route.takes_host(self.request.host.as_str()) && unmet.is_none() && self.serves(route)
        });
        let Some(route) = here.next().filter(|_| self.wants_edits) else { return };
        if let Some(ingress) = self.table.loaded.get(route.ingress) {
            let trimmed = self.path.trim_end_matches('/');
            let path = if trimmed.is_empty() { "/" } else { trimmed }.to_owned();
            let edit = Edit::AddPath { path, path_type: PathType::Prefix };
            losers.add_edit(9, &ingress.name, route.place, edit);
        }
    }
}

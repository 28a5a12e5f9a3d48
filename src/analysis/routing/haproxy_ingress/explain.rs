//! Why every other candidate lost, and what would have made one win.

use crate::analysis::routing::told::{Host, Question, Told, explain as explain_told};
use crate::analysis::routing::{Decision, Explanation, Reason};
use crate::model::ingress::{PathRule, PathType, Place, Rule};
use crate::model::object::Name;
use crate::model::request::Request;

use super::hosts::{Loose, Reading};
use super::{Table, decide};

pub(super) fn explain(table: &Table, request: &Request, limit: usize) -> Explanation {
    let decision = decide::decide(table, request);
    let takers = decide::takers(table, request);
    let host = decide::host(request);
    let question = Question {
        request,
        host: &host,
        path: request.path.as_str(),
        decision: &decision,
        chosen: takers.first().copied().unwrap_or_default(),
        limit,
    };
    let place = decision.winner.as_ref().map(|winner| winner.place);
    let found = decide::find(table, request).map(|(_, entry)| (entry.ingress, entry.place));
    let won = found.filter(|_| !matches!(place, Some(Place::Rule(_))));
    let may_change_host = table.is_served(request.host.as_str(), request.scheme);
    explain_told(&View { table, takers, may_change_host }, &question, |ingress, place| {
        won == Some((ingress, place))
    })
}

struct View<'a> {
    table: &'a Table,
    takers: Vec<&'a str>,
    /// A rule of the asked host would be served where the request came in.
    may_change_host: bool,
}

impl View<'_> {
    fn loose(&self, ingress: usize) -> Loose {
        self.table.options.get(ingress).map_or(Loose::Begin, |options| options.path_type)
    }
}

impl Told for View<'_> {
    fn ingresses(&self) -> &[(Name, Vec<Rule>)] {
        &self.table.ingresses
    }

    fn host(&self, host: &str, asked: &str) -> Host {
        if self.takers.contains(&host) {
            Host::Serves
        } else if crate::model::host::spec_match(host, asked) {
            Host::Passed
        } else {
            Host::Differs
        }
    }

    fn takes(&self, ingress: usize, path: &str, path_type: PathType, asked: &str) -> bool {
        let path = if path.is_empty() { "/" } else { path };
        Reading::new(path, path_type, self.loose(ingress)).takes(asked)
    }

    fn pattern(&self, ingress: usize, rule: &PathRule) -> Option<String> {
        match Reading::new(&rule.path, rule.path_type, self.loose(ingress)) {
            Reading::Regex(text) => Some(format!("^{text}")),
            Reading::Exact(_) | Reading::Prefix(_) | Reading::Begin(_) => None,
        }
    }

    fn may_change_host(&self) -> bool {
        self.may_change_host
    }

    fn answer(&self, request: &Request) -> Decision {
        decide::decide(self.table, request)
    }

    fn fault(&self, ingress: usize, place: Place) -> Option<Reason> {
        self.table.faults.get(&(ingress, place)).cloned()
    }
}

//! Why every other candidate lost, and what would have made one win.

use crate::analysis::routing::told::{Host, Question, Told, explain as explain_told};
use crate::analysis::routing::{Decision, Explanation, Reason};
use crate::model::ingress::{PathRule, PathType, Place, Rule};
use crate::model::object::Name;
use crate::model::request::Request;

use super::maps::{Reading, reading};
use super::{Table, decide};

pub(super) fn explain(table: &Table, request: &Request, limit: usize) -> Explanation {
    let decision = decide::act(table, request);
    let host = decide::host(request);
    let chosen = table.maps.host(&host);
    let named = if chosen.starts_with('.') { format!("*{chosen}") } else { chosen.to_owned() };
    let question = Question {
        request,
        host: &host,
        path: request.path.as_str(),
        decision: &decision,
        chosen: &named,
        limit,
    };
    let winner = decision.winner.as_ref();
    let rows = decide::rows(table, &host, request.path.as_str());
    let won = |ingress: usize, place: Place| {
        winner.is_some_and(|winner| winner.place == place && winner.ingress == table.name_of(ingress))
            || (rows.len() > 1 && rows.iter().any(|row| (row.ingress, row.place) == (ingress, place)))
    };
    explain_told(&View { table, request, chosen }, &question, won)
}

struct View<'a> {
    table: &'a Table,
    request: &'a Request,
    /// The key of the host whose rows are looked at.
    chosen: &'a str,
}

impl Told for View<'_> {
    fn ingresses(&self) -> &[(Name, Vec<Rule>)] {
        &self.table.ingresses
    }

    fn host(&self, host: &str, asked: &str) -> Host {
        let key = host.strip_prefix('*').unwrap_or(host);
        let parent = asked.find('.').and_then(|dot| asked.get(dot..)).unwrap_or_default();
        if key == self.chosen {
            Host::Serves
        } else if key.is_empty() || key == asked || key == parent {
            Host::Passed
        } else {
            Host::Differs
        }
    }

    fn takes(&self, _ingress: usize, path: &str, path_type: PathType, asked: &str) -> bool {
        match reading(path, path_type) {
            Reading::Whole(path) => path == asked,
            Reading::Elements(path) => {
                asked.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Reading::Characters(path) => asked.starts_with(path),
        }
    }

    fn pattern(&self, _ingress: usize, _rule: &PathRule) -> Option<String> {
        None
    }

    /// What has a condition of its own reads its path in its own way.
    fn may_be_edited(&self, ingress: usize, place: Place) -> bool {
        !self.table.customs.iter().any(|custom| (custom.ingress, custom.place) == (ingress, place))
    }

    fn answer(&self, request: &Request) -> Decision {
        decide::decide(self.table, request)
    }

    fn fault(&self, ingress: usize, place: Place) -> Option<Reason> {
        self.table.fault(ingress, place).or_else(|| {
            let mut customs = self.table.customs.iter();
            let custom = customs.find(|custom| (custom.ingress, custom.place) == (ingress, place))?;
            let holds = custom.condition.holds(self.request, self.request.path.as_str(), None);
            (holds != Some(true)).then_some(Reason::ConditionDiffers { field: "route-acl" })
        })
    }
}

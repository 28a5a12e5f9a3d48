//! Why every other candidate lost, and the smallest edits that would have made one win, for models
//! that can tell of one rule at a time how it stands to a request.
//!
//! Invariant: an edit is offered only when the model says that the edited rule takes the request.

use crate::model::ingress::{PathRule, PathType, Place, Rule};
use crate::model::object::Name;
use crate::model::request::Request;

use super::candidates::{Candidate, Losers, host_distance, of_rules, path_distance};
use super::nearest::{host_edit, path_edit};
use super::{Decision, Edit, Explanation, Outcome, Reason};

/// How a rule's host stands to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    /// Its rules are looked at.
    Serves,
    /// It takes the host, but only the rules of another host are looked at.
    Passed,
    Differs,
}

/// What a model knows of its rules while it looks at one request.
pub(super) trait Told {
    /// Every Ingress that is loaded, in any fixed order.
    fn ingresses(&self) -> &[(Name, Vec<Rule>)];
    /// How a rule's host stands to a host as the proxy sees it.
    fn host(&self, host: &str, asked: &str) -> Host;
    /// Whether a path of the Ingress by this number takes a path by itself.
    fn takes(&self, ingress: usize, path: &str, path_type: PathType, asked: &str) -> bool;
    /// The pattern that a path is tried as, where it is one.
    fn pattern(&self, ingress: usize, rule: &PathRule) -> Option<String>;
    /// Why a rule takes no part at all, whatever is asked.
    fn fault(&self, ingress: usize, place: Place) -> Option<Reason>;
    /// What becomes of another request.
    fn answer(&self, request: &Request) -> Decision;
    /// Whether an edit of the rule's host and path is all that a request may need.
    fn may_be_edited(&self, _ingress: usize, _place: Place) -> bool {
        true
    }
    /// Whether a rule could be given the asked host and would then be looked at.
    fn may_change_host(&self) -> bool {
        true
    }
}

/// One request that was decided.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) request: &'a Request,
    /// The host as the proxy compares it.
    pub(super) host: &'a str,
    /// The path as the proxy compares it.
    pub(super) path: &'a str,
    pub(super) decision: &'a Decision,
    /// The host whose rules are looked at, in the proxy's words.
    pub(super) chosen: &'a str,
    pub(super) limit: usize,
}

#[derive(Debug, Clone, Copy)]
enum Why {
    Fault,
    LessSpecific,
    Path,
    Pattern,
    Passed,
    Host,
}

/// Explains a decision; `won` says which places did not lose, by number of the Ingress.
pub(super) fn explain(
    model: &impl Told,
    question: &Question<'_>,
    won: impl Fn(usize, Place) -> bool,
) -> Explanation {
    let mut losers = Losers::new();
    let winner = question.decision.winner.as_ref();
    let wants_edits = question.decision.outcome == Outcome::NoRoute
        || question.decision.default_backend
        || winner.is_some_and(|winner| winner.place == Place::DefaultBackend);
    for (number, (name, rules)) in model.ingresses().iter().enumerate() {
        for candidate in of_rules(name, rules) {
            losers.count();
            if !won(number, candidate.place) {
                let view = View { model, question, number };
                let (rank, why) = view.judge(&candidate);
                losers.lose(rank, candidate, why);
                if wants_edits {
                    view.mend(candidate, why, &mut losers);
                }
            }
        }
        if wants_edits {
            let view = View { model, question, number };
            view.suggest_path(name, rules, &mut losers);
        }
    }
    losers.keep_asked(question.limit, question.request, |asked| model.answer(asked));
    let number_of =
        |name: &Name| model.ingresses().iter().position(|(ingress, _)| ingress == name).unwrap_or_default();
    losers.explain(question.limit, |candidate, why| match why {
        Why::Fault => {
            model.fault(number_of(candidate.ingress), candidate.place).unwrap_or(Reason::PathDiffers)
        }
        Why::LessSpecific => match winner {
            // The controller's own backend comes last of all: what it gets nobody takes.
            Some(winner) if winner.ingress.name.is_empty() => Reason::PathDiffers,
            Some(winner)
                if winner.path == candidate.rule.path
                    && winner.path_type == Some(candidate.rule.path_type)
                    && winner.host == candidate.host =>
            {
                Reason::Duplicate { of: winner.ingress.clone() }
            }
            Some(winner) => {
                Reason::LessSpecific { than: winner.ingress.clone(), than_path: winner.path.clone() }
            }
            None => Reason::PathDiffers,
        },
        Why::Path => Reason::PathDiffers,
        Why::Pattern => model
            .pattern(number_of(candidate.ingress), candidate.rule)
            .map_or(Reason::PathDiffers, |pattern| Reason::PatternDiffers { pattern }),
        Why::Passed => Reason::OtherServer { chosen: question.chosen.to_owned() },
        Why::Host => Reason::HostDiffers,
    })
}

struct View<'q, M> {
    model: &'q M,
    question: &'q Question<'q>,
    /// The Ingress.
    number: usize,
}

impl<M: Told> View<'_, M> {
    fn takes(&self, path: &str, path_type: PathType) -> bool {
        self.model.takes(self.number, path, path_type, self.question.path)
    }

    fn judge(&self, candidate: &Candidate<'_>) -> ((u8, usize), Why) {
        let Candidate { ingress: _, place, host, rule } = *candidate;
        let distance = path_distance(&rule.path, self.question.path);
        let takes = || self.takes(&rule.path, rule.path_type);
        match self.model.host(host, self.question.host) {
            Host::Differs => ((4, host_distance(host, self.question.host)), Why::Host),
            Host::Passed => ((3, distance), Why::Passed),
            Host::Serves if self.model.fault(self.number, place).is_some() => {
                ((if takes() { 0 } else { 2 }, distance), Why::Fault)
            }
            Host::Serves if takes() => ((1, distance), Why::LessSpecific),
            Host::Serves if self.model.pattern(self.number, rule).is_some() => ((2, distance), Why::Pattern),
            Host::Serves => ((2, distance), Why::Path),
        }
    }

    fn mend<'a>(&self, candidate: Candidate<'a>, why: Why, losers: &mut Losers<'a, Why>) {
        let Candidate { ingress: _, place, host, rule } = candidate;
        if !self.model.may_be_edited(self.number, place) {
            return;
        }
        match why {
            Why::Fault | Why::LessSpecific | Why::Pattern | Why::Passed => {}
            Why::Path => {
                let edit = path_edit(&rule.path, rule.path_type, self.question.path);
                losers.near(candidate, edit.filter(|(_, edit)| self.mends(rule, edit)));
            }
            Why::Host => {
                let is_sound = self.model.may_change_host() && self.model.fault(self.number, place).is_none();
                if !is_sound || !self.takes(&rule.path, rule.path_type) {
                    return;
                }
                match self.question.host.strip_suffix('.') {
                    Some(bare) if self.model.host(host, bare) != Host::Differs => {
                        let edit = Edit::AskHost { host: bare.to_owned() };
                        losers.near(candidate, Some((1, edit)));
                    }
                    Some(_) => {}
                    None => losers.near(candidate, host_edit(host, self.question.request)),
                }
            }
        }
    }

    fn mends(&self, rule: &PathRule, edit: &Edit) -> bool {
        match edit {
            Edit::SetPathType { to, .. } => self.takes(&rule.path, *to),
            Edit::SetPath { to, .. } => is_storable(to) && self.takes(to, rule.path_type),
            Edit::SetHost { .. }
            | Edit::AddPath { .. }
            | Edit::SetClass { .. }
            | Edit::RemoveAnnotation { .. }
            | Edit::SetAnnotation { .. }
            | Edit::AskHost { .. }
            | Edit::Meet(_) => false,
        }
    }

    /// One more path for the request, next to a rule that is served.
    fn suggest_path<'a>(&self, name: &'a Name, rules: &'a [Rule], losers: &mut Losers<'a, Why>) {
        let is_home = |(r, rule): &(usize, &Rule)| {
            self.model.host(rule.host(), self.question.host) == Host::Serves
                && rule
                    .paths()
                    .first()
                    .is_some_and(|_| self.model.fault(self.number, Place::Path(*r, 0)).is_none())
        };
        let Some((at, _)) = rules.iter().enumerate().find(is_home) else { return };
        let trimmed = self.question.path.trim_end_matches('/');
        let path = if trimmed.is_empty() { "/" } else { trimmed };
        if is_storable(path) && self.takes(path, PathType::Prefix) {
            let edit = Edit::AddPath { path: path.to_owned(), path_type: PathType::Prefix };
            losers.add_edit(9, name, Place::Rule(at), edit);
        }
    }
}

/// Whether the API server takes a path with `Exact` or `Prefix`.
fn is_storable(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    path.starts_with('/')
        && !["//", "/./", "/../", "%2f"].iter().any(|odd| lower.contains(odd))
        && !path.ends_with("/.")
        && !path.ends_with("/..")
}

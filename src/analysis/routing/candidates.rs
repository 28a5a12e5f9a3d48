//! Collects the rules that lost and the near misses, and gives back the nearest.

use crate::model::ingress::{PathRule, Place, Rule};
use crate::model::object::Name;
use crate::model::request::Request;

use super::nearest::{Cost, of_host};
use super::{Decision, Edit, Eliminated, Explanation, Nearest, Reason};

/// A path of a rule, as a candidate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) ingress: &'a Name,
    pub(super) place: Place,
    pub(super) host: &'a str,
    pub(super) rule: &'a PathRule,
}

/// The candidates of one Ingress.
pub(super) fn of_rules<'a>(ingress: &'a Name, rules: &'a [Rule]) -> impl Iterator<Item = Candidate<'a>> {
    rules.iter().enumerate().flat_map(move |(r, rule)| {
        rule.paths().iter().enumerate().map(move |(p, path)| Candidate {
            ingress,
            place: Place::Path(r, p),
            host: rule.host(),
            rule: path,
        })
    })
}

/// How many edits are tried for each that is shown.
const QUESTIONS: usize = 8;

/// How near a candidate is: groups first, then distance within the group.
pub(super) type Rank = (u8, usize);

/// What is known of the losers; reasons are made only for those that are shown.
#[derive(Debug)]
pub(super) struct Losers<'a, R> {
    lost: Vec<(Rank, Candidate<'a>, R)>,
    edits: Vec<(Cost, &'a Name, Place, Edit)>,
    total: usize,
}

impl<'a, R: Copy> Losers<'a, R> {
    pub(super) fn new() -> Self {
        Self { lost: Vec::new(), edits: Vec::new(), total: 0 }
    }

    /// Counts a candidate, whether it won or lost.
    pub(super) fn count(&mut self) {
        self.total += 1;
    }

    pub(super) fn lose(&mut self, rank: Rank, candidate: Candidate<'a>, why: R) {
        self.lost.push((rank, candidate, why));
    }

    pub(super) fn near(&mut self, candidate: Candidate<'a>, found: Option<(Cost, Edit)>) {
        if let Some((cost, edit)) = found {
            self.edits.push((cost, candidate.ingress, candidate.place, edit));
        }
    }

    pub(super) fn add_edit(&mut self, cost: Cost, ingress: &'a Name, place: Place, edit: Edit) {
        self.edits.push((cost, ingress, place, edit));
    }

    /// Of the edits that ask for another host only those after which their rule takes the request: where
    /// several rules of that host do, one.
    pub(super) fn keep_asked(
        &mut self,
        limit: usize,
        request: &Request,
        decide: impl Fn(&Request) -> Decision,
    ) {
        let (mut kept, mut left) = (0, limit.saturating_mul(QUESTIONS));
        self.sort_edits();
        self.edits.retain(|(_, ingress, place, edit)| {
            let holds = match edit {
                Edit::AskHost { host } if kept < limit && left > 0 => {
                    left -= 1;
                    let winner = of_host(request, host).and_then(|asked| decide(&asked).winner);
                    winner.is_some_and(|winner| winner.ingress == **ingress && winner.place == *place)
                }
                Edit::AskHost { .. } => false,
                _ => true,
            };
            kept += usize::from(holds);
            holds
        });
    }

    fn sort_edits(&mut self) {
        self.edits.sort_by(|(a, x, p, _), (b, y, q, _)| (a, x, p).cmp(&(b, y, q)));
    }

    /// The nearest `limit` of either sort.
    pub(super) fn explain(
        mut self,
        limit: usize,
        reason: impl Fn(&Candidate<'a>, R) -> Reason,
    ) -> Explanation {
        let key = |rank: &Rank, candidate: &Candidate<'a>| (*rank, candidate.ingress, candidate.place);
        if self.lost.len() > limit && limit > 0 {
            let at = limit - 1;
            self.lost.select_nth_unstable_by(at, |(a, x, _), (b, y, _)| key(a, x).cmp(&key(b, y)));
        }
        self.lost.truncate(limit);
        self.lost.sort_by(|(a, x, _), (b, y, _)| key(a, x).cmp(&key(b, y)));
        self.sort_edits();
        self.edits.truncate(limit);
        Explanation {
            eliminated: self
                .lost
                .iter()
                .map(|(_, candidate, why)| Eliminated {
                    ingress: candidate.ingress.clone(),
                    place: candidate.place,
                    host: candidate.host.to_owned(),
                    path: candidate.rule.path.clone(),
                    path_type: Some(candidate.rule.path_type),
                    reason: reason(candidate, *why),
                })
                .collect(),
            nearest: self
                .edits
                .into_iter()
                .map(|(_, ingress, place, edit)| Nearest { ingress: ingress.clone(), place, edit })
                .collect(),
            total: self.total,
        }
    }
}

/// How far two hosts are apart, cheaply: what they do not share at the end.
pub(super) fn host_distance(host: &str, asked: &str) -> usize {
    let shared = host.bytes().rev().zip(asked.bytes().rev()).take_while(|(a, b)| a == b).count();
    host.len().max(asked.len()) - shared
}

/// How far two paths are apart, cheaply: what they do not share at the beginning.
pub(super) fn path_distance(path: &str, asked: &str) -> usize {
    let same = |(a, b): &(u8, u8)| a.eq_ignore_ascii_case(b);
    let shared = path.bytes().zip(asked.bytes()).take_while(same).count();
    path.len().max(asked.len()) - shared
}

//! One decision out of several between which chance decides, or what cannot be known here.

use super::{Decision, Outcome, Target};

/// Whether a client and an upstream could tell two decisions apart.
fn same(a: &Decision, b: &Decision) -> bool {
    let target = |decision: &Decision| {
        let answers = matches!(decision.outcome, Outcome::Routed | Outcome::Unavailable);
        decision.winner.as_ref().filter(|_| answers).and_then(|winner| winner.backend.clone())
    };
    a.outcome == b.outcome
        && a.status == b.status
        && a.location == b.location
        && a.upstream_path == b.upstream_path
        && a.one_of == b.one_of
        && target(a) == target(b)
}

/// The first decision where all agree, else the set of backends to choose from. Decisions are never
/// none.
pub(super) fn settle(decisions: Vec<Decision>) -> Decision {
    let mut decisions = decisions.into_iter();
    let Some(mut first) = decisions.next() else { return Decision::bare(Outcome::NoRoute, Some(404)) };
    let rest: Vec<Decision> = decisions.collect();
    if rest.iter().all(|decision| same(decision, &first)) {
        return first;
    }
    let paths_agree = rest.iter().all(|decision| decision.upstream_path == first.upstream_path);
    let mut targets: Vec<Target> = Vec::new();
    for decision in std::iter::once(&first).chain(&rest) {
        targets.extend(decision.one_of.iter().cloned());
        targets.extend(decision.winner.as_ref().and_then(|winner| winner.backend.clone()));
    }
    targets.sort();
    targets.dedup();
    first.notes.extend(rest.into_iter().flat_map(|decision| decision.notes));
    first.notes.sort();
    first.notes.dedup();
    first.outcome = Outcome::Undefined;
    first.status = None;
    first.location = None;
    first.one_of = targets;
    if !paths_agree {
        first.upstream_path = None;
    }
    first
}

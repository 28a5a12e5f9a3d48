//! Several decisions of which one comes true, where it cannot be told which.

use super::{Decision, Note, Outcome, Target};

/// One decision of several that may come true: itself where they agree, else the set of their targets.
pub(super) fn one_of(decisions: Vec<Decision>) -> Decision {
    let mut decisions = decisions.into_iter();
    let Some(first) = decisions.next() else { return Decision::bare(Outcome::NoRoute, Some(404)) };
    let rest: Vec<Decision> = decisions.collect();
    let fate = |decision: &Decision| {
        let backend = decision.winner.as_ref().and_then(|winner| winner.backend.clone());
        (decision.outcome, decision.status, backend, decision.location.clone())
    };
    if rest.iter().all(|other| fate(other) == fate(&first)) {
        return first;
    }
    let of = |decision: &Decision| -> Vec<Target> {
        let backend = decision.winner.as_ref().and_then(|winner| winner.backend.clone());
        decision.one_of.iter().cloned().chain(backend).collect()
    };
    let mut targets: Vec<Target> = std::iter::once(&first).chain(&rest).flat_map(of).collect();
    targets.sort();
    targets.dedup();
    let mut decision = Decision::bare(Outcome::Undefined, None);
    decision.one_of = targets;
    decision.notes = answers(std::iter::once(&first).chain(&rest));
    decision.winner = std::iter::once(first).chain(rest).find_map(|decision| decision.winner);
    decision
}

/// Those of several decisions that hand the request to nobody, as notes of the one that stands for all.
pub(in crate::analysis) fn answers<'d>(decisions: impl Iterator<Item = &'d Decision>) -> Vec<Note> {
    let mut notes: Vec<Note> = decisions
        .flat_map(|decision| {
            let own = Note::OrAnswered {
                outcome: decision.outcome,
                status: decision.status,
                location: decision.location.clone(),
            };
            let is_answer = !matches!(decision.outcome, Outcome::Routed | Outcome::Undefined);
            let inner = decision.notes.iter().filter(|note| matches!(note, Note::OrAnswered { .. })).cloned();
            inner.chain(is_answer.then_some(own))
        })
        .collect();
    notes.sort();
    notes.dedup();
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::Winner;
    use crate::model::ingress::{Place, PortRef};
    use crate::model::object::Name;

    fn to(service: &str) -> Decision {
        let target = Target { service: Name::new("n", service), port: PortRef::Number(80) };
        let mut decision = Decision::bare(Outcome::Routed, None);
        decision.winner = Some(Winner {
            ingress: Name::new("n", "i"),
            place: Place::DefaultBackend,
            host: String::new(),
            path: String::new(),
            path_type: None,
            backend: Some(target),
            rendered: String::new(),
        });
        decision
    }

    #[test]
    fn what_agrees_is_certain_and_the_rest_a_set() {
        assert_eq!(one_of(Vec::new()).status, Some(404));
        assert_eq!(one_of(vec![to("a"), to("a")]).outcome, Outcome::Routed);
        let set = one_of(vec![to("b"), Decision::bare(Outcome::NoRoute, Some(404)), to("a")]);
        let names: Vec<String> = set.one_of.iter().map(|target| target.service.to_string()).collect();
        assert_eq!((set.outcome, names), (Outcome::Undefined, vec!["n/a".to_owned(), "n/b".to_owned()]));
        let or = Note::OrAnswered { outcome: Outcome::NoRoute, status: Some(404), location: None };
        assert_eq!(set.notes, std::slice::from_ref(&or));
        assert_eq!(one_of(vec![set, to("c")]).notes, [or]);
    }
}

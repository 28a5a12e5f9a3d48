//! Ingresses that are gone and had to do with the request.
//!
//! What an Ingress did for a request is found by trying: its last version is put beside the Ingresses of
//! now, and the controller's own model decides.

use chrono::Duration;

use crate::model::change::Change;
use crate::model::ingress::{Ingress, Place};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::{Lookup, Snapshot};
use crate::model::verdict::Confidence;

use super::super::adoption::{self, Adoption};
use super::super::routing::{Basis, Winner};
use super::super::timeline::{Correlated, Ended, Hypothesis, OnsetBasis, Suspect};
use super::super::view::{self, View};

/// An Ingress that is gone.
#[derive(Debug, Clone)]
pub struct Lost {
    /// Its end.
    pub change: Change,
    pub took: Took,
    pub when: When,
}

/// What it did for the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Took {
    /// Its rule would take the request today.
    Rule { rule: LostRule, basis: Basis },
    /// It was deleted, and what its rules were is not known.
    Unknown,
}

/// The rule that took the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRule {
    pub place: Place,
    /// As written; empty for any host.
    pub host: String,
    pub path: String,
    pub service: Option<Name>,
}

/// How its end lies to the start of the 404s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// After the last answer and within the window of the hypothesis: dated well enough to be its cause.
    AtOnset,
    /// Before the 404s were seen to begin; nothing tells since when they were there.
    Before,
    /// Longer ago than the window, and the request was not made in between.
    LongBefore,
}

/// Those that took the request, or may have; the likeliest first.
#[must_use]
pub fn find(view: &View<'_>, snapshot: &Snapshot, request: &Request, correlated: &Correlated) -> Vec<Lost> {
    let mut found: Vec<Lost> = correlated
        .ended
        .iter()
        .filter_map(|ended| {
            let when = when(&ended.suspect, correlated)?;
            Some(Lost {
                change: ended.suspect.change.clone(),
                took: took(view, snapshot, request, ended)?,
                when,
            })
        })
        .collect();
    found.sort_by_key(|lost| {
        let known = matches!(lost.took, Took::Rule { .. });
        (!known, lost.when, std::cmp::Reverse(lost.change.at), lost.change.object.clone())
    });
    found
}

/// Clocks differ a little.
const SLACK: Duration = Duration::seconds(10);

/// `None` for an end that cannot have caused the 404s: the request was answered after it, or they began
/// before it.
fn when(suspect: &Suspect, correlated: &Correlated) -> Option<When> {
    let onset = &correlated.onset;
    let precision = Duration::seconds(i64::from(suspect.change.precision_s));
    let earliest = suspect.change.at.checked_sub_signed(precision)?.checked_sub_signed(SLACK)?;
    if suspect.answered_after == Some(true) || onset.at < earliest {
        return None;
    }
    let rules = correlated.hypotheses.iter().find(|tested| tested.hypothesis == Hypothesis::IngressRules);
    let dated = rules.is_some_and(|tested| {
        let same = |other: &Suspect| other.change == suspect.change;
        tested.changes.iter().any(same)
    });
    // Known to lie between two moments only, and the 404s began between them.
    let around = onset.at <= suspect.change.at;
    let run_is_whole = onset.basis == OnsetBasis::AccessLog && onset.confidence != Confidence::Possible;
    Some(match (dated, onset.last_success) {
        (true, Some(_)) => When::AtOnset,
        (false, None) if run_is_whole && !around => When::LongBefore,
        (true, None) | (false, _) => When::Before,
    })
}

/// `None` for an Ingress that would not take the request.
fn took(view: &View<'_>, snapshot: &Snapshot, request: &Request, ended: &Ended) -> Option<Took> {
    let Some(last) = ended.last.as_deref() else { return Some(Took::Unknown) };
    let adopted = match view.controller {
        None => true,
        Some(controller) => matches!(adoption::judge(controller, last, snapshot), Adoption::Adopted(_)),
    };
    if !adopted {
        return None;
    }
    let mut beside: Vec<&Ingress> = view
        .adopted
        .iter()
        .map(|(ingress, _)| *ingress)
        .filter(|ingress| super::candidates::touches(ingress, request.host.as_str()))
        .collect();
    beside.push(last);
    let name = last.meta.key();
    let of = |winner: Option<Winner>| winner.filter(|winner| winner.is_of(&name));
    if let Some(winner) = of(view.what_if(&beside, snapshot).decide(request).winner) {
        return Some(Took::Rule { rule: rule(winner), basis: view.basis });
    }
    // Some controllers drop a rule whose Service is gone, as it may be together with the Ingress.
    let orphaned = last.path_rules().map(|(_, _, _, rule)| &rule.backend).any(|backend| {
        backend.service().is_some_and(|(service, _)| {
            !matches!(snapshot.services.get(&last.meta.namespace, service), Lookup::Found(_))
        })
    });
    let winner = of(orphaned.then(|| view::spec(&beside, snapshot).decide(request).winner).flatten())?;
    Some(Took::Rule { rule: rule(winner), basis: Basis::SpecOnly })
}

fn rule(winner: Winner) -> LostRule {
    LostRule {
        place: winner.place,
        host: winner.host,
        path: winner.path,
        service: winner.backend.map(|target| target.service),
    }
}

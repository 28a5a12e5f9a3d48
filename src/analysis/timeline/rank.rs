//! How suspicious a change is: whether it changes the decision about the request, how close it comes to
//! the request, how close to the onset, and how well it is proven.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::merge::{Merged, by_time};
use super::relevance::Neighbourhood;
use super::world::Past;
use super::{Onset, Suspect, WhatIf};
use crate::model::change::Act;
use crate::model::object::Kind;

/// The change in the light of the onset and the request.
pub(super) fn suspect(merged: Merged, onset: &Onset, near: &Neighbourhood<'_>) -> Suspect {
    let Merged { change, also } = merged;
    let seconds = (onset.at - change.at).num_seconds().max(0);
    Suspect {
        also,
        seconds_to_onset: u64::try_from(seconds).unwrap_or_default(),
        touch: near.touch(&change),
        decision_before: None,
        decision_after: None,
        answered_after: onset.last_success.map(|success| change.at < success),
        change,
    }
}

/// Decides the request before and after the most suspicious changes whose earlier state is known.
pub(super) fn decide(suspects: &mut [Suspect], past: &Past<'_>, what_if: &dyn WhatIf, limit: usize) {
    let known = |suspect: &&mut Suspect| {
        let change = &suspect.change;
        let routed = matches!(change.object.kind, Kind::Ingress | Kind::IngressClass | Kind::Service);
        let told = match change.act {
            Act::Created | Act::Deleted | Act::Recreated | Act::Changed => true,
            Act::Written
            | Act::Started
            | Act::Ended
            | Act::Reloaded
            | Act::ReloadFailed
            | Act::Reported
            | Act::Flipped => false,
        };
        routed && told && past.reaches(&change.object, change.at, change.act == Act::Created)
    };
    let mut known: Vec<&mut Suspect> = suspects.iter_mut().filter(known).collect();
    known.sort_by(|a, b| order(a, b));
    let mut moments: Vec<DateTime<Utc>> = Vec::new();
    let mut chosen = BTreeSet::new();
    for suspect in &known {
        if moments.len() < limit && chosen.insert(suspect.change.at) {
            moments.push(suspect.change.at);
        }
    }
    let mut decided: BTreeMap<(DateTime<Utc>, bool), Option<String>> = BTreeMap::new();
    for at in moments {
        for after in [false, true] {
            decided.insert((at, after), what_if.decide(&past.at(at, after), at));
        }
    }
    for suspect in known {
        let at = suspect.change.at;
        suspect.decision_before = decided.get(&(at, false)).cloned().flatten();
        suspect.decision_after = decided.get(&(at, true)).cloned().flatten();
    }
}

/// Most suspicious first; a total order.
pub(super) fn order(a: &Suspect, b: &Suspect) -> Ordering {
    let key = |suspect: &Suspect| {
        (
            !suspect.decision_differs(),
            suspect.touch,
            suspect.answered_after == Some(true),
            suspect.seconds_to_onset,
            suspect.change.via.rank(),
        )
    };
    key(a).cmp(&key(b)).then_with(|| by_time(&b.change, &a.change))
}

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
use crate::model::object::{Kind, ObjectKey};

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
    let mut together: BTreeMap<DateTime<Utc>, BTreeSet<ObjectKey>> = BTreeMap::new();
    for suspect in &known {
        let at = suspect.change.at;
        if moments.contains(&at) {
            together.entry(at).or_default().insert(suspect.change.object.clone());
        }
    }
    let mut after: BTreeMap<DateTime<Utc>, Option<String>> = BTreeMap::new();
    let mut before: BTreeMap<DateTime<Utc>, BTreeMap<ObjectKey, Option<String>>> = BTreeMap::new();
    for suspect in known {
        let (at, object) = (suspect.change.at, &suspect.change.object);
        let Some(objects) = together.get(&at) else { continue };
        let decided = before.entry(at).or_default();
        if !decided.contains_key(object) {
            // The most suspicious come first; of a crowd the rest stays undecided.
            if decided.len() >= APART {
                continue;
            }
            // Alone, nothing but the change lies between the state before and after.
            let world = if objects.len() == 1 { past.at(at, false) } else { past.without(at, object) };
            decided.insert(object.clone(), what_if.decide(&world, at));
        }
        suspect.decision_before = decided.get(object).cloned().flatten();
        suspect.decision_after =
            after.entry(at).or_insert_with(|| what_if.decide(&past.at(at, true), at)).clone();
    }
}

/// Objects that changed in the same second, each told apart by what it does to the request.
const APART: usize = 4;

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

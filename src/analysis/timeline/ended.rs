//! Ingresses that are gone: when each ended, and what it was like last.
//!
//! Unlike a hypothesis this knows no window: an end explains a 404 for as long as nothing took the place
//! of what ended.

use std::collections::BTreeMap;

use super::merge::{by_time, merge};
use super::rank;
use super::relevance::Neighbourhood;
use super::world::Past;
use super::{Correlation, Onset, Suspect};
use crate::model::change::{Act, Change, Versioned};
use crate::model::ingress::Ingress;
use crate::model::object::{Kind, Name};
use crate::model::snapshot::Lookup;

/// An Ingress that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its last deletion.
    pub suspect: Suspect,
    /// Its last recorded version; `None` where only the deletion is known.
    pub last: Option<Box<Ingress>>,
}

/// The Ingresses that were seen to end and are not there, by name.
pub(super) fn ended(
    correlation: &Correlation<'_>,
    onset: &Onset,
    near: &Neighbourhood<'_>,
    past: &Past<'_>,
) -> Vec<Ended> {
    let snapshot = correlation.input.snapshot;
    let gone = |change: &&Change| {
        let name = &change.object.name;
        change.object.kind == Kind::Ingress
            && change.act == Act::Deleted
            && matches!(snapshot.ingresses.get(&name.namespace, &name.name), Lookup::Absent)
    };
    let mut latest: BTreeMap<Name, Suspect> = BTreeMap::new();
    for merged in merge(correlation.gathered.changes.iter().filter(gone)) {
        let suspect = rank::suspect(merged, onset, near);
        let name = suspect.change.object.name.clone();
        let later = latest.get(&name).is_none_or(|seen| by_time(&seen.change, &suspect.change).is_le());
        if later {
            latest.insert(name, suspect);
        }
    }
    latest
        .into_values()
        .map(|suspect| {
            let steps = past.rows.get(&suspect.change.object).map(Vec::as_slice).unwrap_or_default();
            // A deletion is recorded with what was deleted.
            let last = steps.iter().rev().find_map(|step| match &step.object {
                Versioned::Ingress(ingress) => Some(ingress.clone()),
                Versioned::IngressClass(_) | Versioned::Service(_) => None,
            });
            Ended { suspect, last }
        })
        .collect()
}

//! The controller's routing model, where there is one, asked what a request would see.
//!
//! Assumption: on a host of many patterns one question is dear; after [`STEPS`] locations no more are
//! asked, and a rule says what it derived itself.

use std::cell::Cell;

use crate::analysis::conflict::Effect;
use crate::analysis::routing::{Decision, Note, Outcome, ReloadFailure, RouteTable};
use crate::model::request::Request;

/// Locations that may be tried for all questions together.
const STEPS: usize = 2_000_000;

/// A compiled configuration with a limit on questions.
pub struct Model<'a> {
    table: Option<&'a dyn RouteTable>,
    left: Cell<usize>,
}

impl std::fmt::Debug for Model<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("known", &self.table.is_some()).field("left", &self.left).finish()
    }
}

impl<'a> Model<'a> {
    /// `None` where the product has no model of its own.
    #[must_use]
    pub fn new(table: Option<&'a dyn RouteTable>) -> Self {
        Self { table, left: Cell::new(STEPS) }
    }

    /// What happens to a request for this URL. `cost` is how many locations may be tried.
    #[must_use]
    pub fn decide(&self, url: &str, cost: usize) -> Option<Decision> {
        let table = self.table?;
        self.left.set(self.left.get().checked_sub(cost.max(1))?);
        Some(table.decide(&Request::parse(url).ok()?))
    }

    /// Why the configuration cannot be loaded.
    #[must_use]
    pub fn failures(&self) -> &'a [ReloadFailure] {
        self.table.map(RouteTable::reload_failures).unwrap_or_default()
    }
}

/// A decision as an effect; `None` where it is none that can be told in short.
#[must_use]
pub fn effect(decision: &Decision) -> Option<Effect> {
    match decision.outcome {
        Outcome::Routed => {
            let winner = decision.winner.as_ref()?;
            if winner.ingress.name.is_empty() {
                return Some(Effect::OwnAnswer);
            }
            Some(Effect::ServedBy { ingress: winner.ingress.clone(), backend: winner.backend.clone() })
        }
        Outcome::Redirect => {
            Some(Effect::Redirect { status: decision.status?, to: decision.location.clone()? })
        }
        Outcome::Undefined if decision.one_of.is_empty() => None,
        Outcome::Undefined => Some(Effect::AnyOf(decision.one_of.clone())),
        Outcome::Refused if decision.notes.contains(&Note::ReloadFails) => None,
        Outcome::NoRoute | Outcome::Refused | Outcome::Unavailable => decision.status.map(Effect::Status),
    }
}

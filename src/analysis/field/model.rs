//! The controller's routing model, where there is one, asked what a request would see.
//!
//! Assumption: on a host of many patterns one question is dear; after `STEPS` locations no more are
//! asked, and a rule says what it derived itself.

use std::cell::Cell;

use crate::analysis::conflict::Effect;
use crate::analysis::routing::{Decision, Note, Outcome, ReloadFailure, RouteTable, Target};
use crate::model::object::Name;
use crate::model::request::Request;

/// Locations that may be tried for all questions together.
const STEPS: usize = 2_000_000;
/// What a question costs beside the locations that are tried.
const QUESTION: usize = 20;

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

    /// What happens to a request for this URL, when so many locations may be tried for it.
    #[must_use]
    pub fn decide(&self, url: &str, tried: usize) -> Option<Decision> {
        let table = self.table?;
        self.left.set(self.left.get().checked_sub(QUESTION + tried)?);
        Some(table.decide(&Request::parse(url).ok()?))
    }

    /// Why what would decide a request for this URL cannot be loaded.
    #[must_use]
    pub fn failure_for(&self, url: &str) -> Option<&'a ReloadFailure> {
        self.table?.failure_for(&Request::parse(url).ok()?)
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
        // What it would do once it can.
        Outcome::Refused if decision.notes.contains(&Note::ReloadFails) => {
            let winner = decision.winner.as_ref().filter(|winner| winner.backend.is_some());
            Some(winner.map_or(Effect::OwnAnswer, |winner| Effect::ServedBy {
                ingress: winner.ingress.clone(),
                backend: winner.backend.clone(),
            }))
        }
        Outcome::NoRoute | Outcome::Refused | Outcome::Unavailable => decision.status.map(Effect::Status),
    }
}

/// Whether a decision is what an effect says; effects that are about no single request agree with all.
#[must_use]
pub fn agrees(effect: &Effect, decision: &Decision) -> bool {
    let winner = decision.winner.as_ref();
    let goes_to = |target: &Target| {
        decision.one_of.contains(target)
            || winner.is_some_and(|winner| winner.backend.as_ref() == Some(target))
    };
    let by = |ingress: &Name| winner.is_some_and(|winner| winner.ingress == *ingress);
    // What is not loaded can still be told by its rules.
    let is_unloaded = decision.notes.contains(&Note::ReloadFails);
    let is_served = matches!(decision.outcome, Outcome::Routed | Outcome::Undefined) || is_unloaded;
    if is_unloaded && !matches!(effect, Effect::ServedBy { .. }) {
        return true;
    }
    match effect {
        Effect::ServedBy { ingress, backend } => {
            is_served && by(ingress) && backend.as_ref().is_none_or(goes_to)
        }
        Effect::Status(status) => decision.status == Some(*status),
        Effect::OneOf(set) => decision.status.is_some_and(|status| set.contains(&status)),
        Effect::Redirect { status, to } => {
            decision.status == Some(*status) && decision.location.as_ref() == Some(to)
        }
        Effect::NotListening | Effect::NoTls => {
            decision.outcome == Outcome::Refused && decision.status.is_none()
        }
        Effect::UpstreamPath(path) => decision.upstream_path.as_ref() == Some(path),
        Effect::Split { to } => goes_to(to),
        Effect::AnyOf(targets) => decision.one_of == *targets,
        Effect::PassedThrough { ingress } => {
            let passes =
                |note: &Note| matches!(note, Note::Annotation { key, .. } if key == "ssl-passthrough");
            by(ingress) && decision.notes.iter().any(passes)
        }
        Effect::Annotations(keys) => decision.notes.iter().any(
            |note| matches!(note, Note::Annotation { key, .. } if keys.iter().any(|k| k.ends_with(key))),
        ),
        Effect::OwnAnswer
        | Effect::NotLoaded
        | Effect::SeveralControllers
        | Effect::Scattered
        | Effect::NeverArrive
        | Effect::Frozen
        | Effect::GroupFrozen
        | Effect::WithoutEffect
        | Effect::DefaultCertificate
        | Effect::LaterObjects => true,
    }
}

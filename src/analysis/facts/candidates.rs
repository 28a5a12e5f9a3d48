//! Which Ingresses could take the request, and what stands in their way.
//!
//! Found by trying: each Ingress whose host fits is put, amended just so far that it loads, beside the
//! others of its host, and the controller's own model decides. Nothing is said of an Ingress that would
//! not take the request even then.

use crate::model::host::spec_match;
use crate::model::ingress::{Ingress, Place};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;

use super::super::routing::{Outcome, Refusal};
use super::super::view::View;

/// An Ingress that takes the request, or would.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    pub ingress: &'a Ingress,
    /// The place that takes, or would take, the request.
    pub place: Place,
    pub standing: Standing,
}

/// What stands between an Ingress and the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It takes the request.
    Wins,
    /// Alone it would; another one wins.
    Loses { to: Name },
    /// It would if it were loaded.
    NotLoaded(Refusal),
    /// It would if it were no canary.
    Canary,
}

/// The annotation prefix of ingress-nginx canaries.
const CANARY: &str = "nginx.ingress.kubernetes.io/canary";
/// How many annotations are taken off before an Ingress is given up.
const MOST_AMENDMENTS: usize = 16;

/// All candidates, sorted by name.
#[must_use]
pub fn find<'a>(view: &View<'a>, snapshot: &'a Snapshot, request: &Request) -> Vec<Candidate<'a>> {
    let host = request.host.as_str();
    let loaded: Vec<&Ingress> = view
        .adopted
        .iter()
        .map(|(ingress, _)| *ingress)
        .filter(|ingress| view.refusal(&ingress.meta.key()).is_none())
        .filter(|ingress| touches(ingress, host))
        .collect();
    let winner = view.decide(request).winner;
    let mut found = Vec::new();
    for ingress in snapshot.ingresses.items().iter().filter(|ingress| touches(ingress, host)) {
        let name = ingress.meta.key();
        if let Some(won) = winner.as_ref().filter(|won| won.is_of(&name)) {
            found.push(Candidate { ingress, place: won.place, standing: Standing::Wins });
        } else if let Some(refusal) = view.refusal(&name) {
            let place = place_if_loaded(view, snapshot, &loaded, ingress, request);
            found.extend(place.map(|place| Candidate {
                ingress,
                place,
                standing: Standing::NotLoaded(refusal.clone()),
            }));
        } else if ingress.meta.annotation(CANARY) == Some("true") {
            let plain = without_canary(ingress);
            let place = takes(view, snapshot, &loaded, &plain, request);
            found.extend(place.map(|place| Candidate { ingress, place, standing: Standing::Canary }));
        } else if let Some(to) =
            winner.as_ref().filter(|won| won.is_of(&won.ingress)).map(|won| won.ingress.clone())
        {
            let place = takes(view, snapshot, &[], ingress, request);
            found.extend(place.map(|place| Candidate { ingress, place, standing: Standing::Loses { to } }));
        }
    }
    found
}

/// Whether an Ingress has a rule that could take this host at all.
#[must_use]
pub fn touches(ingress: &Ingress, host: &str) -> bool {
    ingress.rules.iter().any(|rule| spec_match(rule.host(), host))
        || ingress.rules.is_empty() && ingress.default_backend.is_some()
        || ingress
            .meta
            .annotation("nginx.ingress.kubernetes.io/server-alias")
            .is_some_and(|aliases| aliases.split(',').any(|alias| alias.trim().eq_ignore_ascii_case(host)))
}

fn place_if_loaded(
    view: &View<'_>,
    snapshot: &Snapshot,
    loaded: &[&Ingress],
    ingress: &Ingress,
    request: &Request,
) -> Option<Place> {
    let name = ingress.meta.key();
    let mut amended = ingress.clone();
    for _ in 0..MOST_AMENDMENTS {
        let mut set = loaded.to_vec();
        set.push(&amended);
        let table = view.what_if(&set, snapshot);
        let blocked =
            table.refused().iter().find(|(refused, _)| *refused == name).map(|(_, why)| why.clone());
        match blocked {
            Some(
                Refusal::RiskyAnnotation { key, .. }
                | Refusal::InvalidAnnotation { key }
                | Refusal::BlockedWord { key, .. },
            ) => {
                amended.meta.annotations.remove(&key)?;
            }
            Some(Refusal::CatchAllDisabled) => amended.default_backend = None,
            Some(_) => return None,
            None => {
                let decision = table.decide(request);
                return decision.winner.filter(|winner| winner.is_of(&name)).map(|winner| winner.place);
            }
        }
    }
    None
}

fn takes(
    view: &View<'_>,
    snapshot: &Snapshot,
    beside: &[&Ingress],
    ingress: &Ingress,
    request: &Request,
) -> Option<Place> {
    let name = ingress.meta.key();
    let mut set: Vec<&Ingress> = beside.iter().copied().filter(|other| other.meta.key() != name).collect();
    set.push(ingress);
    let decision = view.what_if(&set, snapshot).decide(request);
    match decision.outcome {
        Outcome::NoRoute => None,
        Outcome::Routed
        | Outcome::Redirect
        | Outcome::Refused
        | Outcome::Unavailable
        | Outcome::Undefined => {
            decision.winner.filter(|winner| winner.is_of(&name)).map(|winner| winner.place)
        }
    }
}

/// The Ingress as it would be without its canary annotations.
#[must_use]
pub fn without_canary(ingress: &Ingress) -> Ingress {
    let mut plain = ingress.clone();
    plain.meta.annotations.retain(|key, _| !key.starts_with(CANARY));
    plain
}

//! Questions that several verdicts ask first.

use crate::model::citation::Citation;
use crate::model::host::spec_match;
use crate::model::ingress::Ingress;
use crate::model::object::Name;
use crate::model::verdict::Confidence;

use super::super::facts::Facts;
use super::super::facts::candidates::{Candidate, Standing};
use super::super::facts::lost::{Took, When};
use super::super::facts::symptom::{Seen, Speaker};
use super::super::logs::messages::MessageKind;
use super::super::routing::{Outcome, Refusal};
use super::{Because, Ruling, cite};

/// Whether the URL answers 404, seen or predicted.
pub(super) fn is_404(facts: &Facts<'_>) -> bool {
    facts.symptom.status == Some(404)
}

/// Whether the 404 was seen, not only predicted.
pub(super) fn seen(facts: &Facts<'_>) -> bool {
    matches!(facts.symptom.seen, Seen::Log(_) | Seen::Probe(_))
}

/// The Service that answered, when an upstream did.
pub(super) fn answering_service<'a>(facts: &'a Facts<'_>) -> Option<&'a Name> {
    match &facts.symptom.speaker {
        Speaker::Upstream { service, .. } => service.as_ref(),
        Speaker::Controller | Speaker::Intercepted { .. } | Speaker::Proxy | Speaker::Unknown => None,
    }
}

/// The Service that the winning rule names.
pub(super) fn intended_service<'a>(facts: &'a Facts<'_>) -> Option<&'a Name> {
    facts.decision.winner.as_ref()?.backend.as_ref().map(|target| &target.service)
}

/// Whether the 404 can be the controller's own: it spoke, or nobody is known to have spoken and no
/// rule takes the request.
pub(super) fn controller_may_have_answered(facts: &Facts<'_>) -> bool {
    match &facts.symptom.speaker {
        Speaker::Controller => true,
        Speaker::Unknown => facts.decision.outcome == Outcome::NoRoute,
        Speaker::Upstream { .. } | Speaker::Intercepted { .. } | Speaker::Proxy => false,
    }
}

/// The best candidate that is not loaded for a reason of this kind: the one the complaint names, then
/// exact hosts before wildcards, then longer paths, then by name.
pub(super) fn not_loaded<'f, 'a>(
    facts: &'f Facts<'a>,
    wanted: impl Fn(&Refusal) -> bool,
) -> Option<(&'f Candidate<'a>, &'f Refusal)> {
    facts
        .candidates
        .iter()
        .filter_map(|candidate| match &candidate.standing {
            Standing::NotLoaded(refusal) if wanted(refusal) => Some((candidate, refusal)),
            Standing::NotLoaded(_) | Standing::Wins | Standing::Loses { .. } | Standing::Canary => None,
        })
        // Another controller may serve it.
        .filter(|(candidate, _)| !facts.views.iter().any(|view| view.adopts(&candidate.ingress.meta.key())))
        .min_by_key(|(candidate, _)| {
            let name = candidate.ingress.meta.key();
            let named = facts.complaint == Some(&name);
            let exact = candidate.ingress.rules.iter().any(|rule| rule.host() == facts.request.host.as_str());
            let path = candidate.ingress.path_at(candidate.place).map_or(0, |rule| rule.path.len());
            (!named, !exact, std::cmp::Reverse(path), name)
        })
}

/// A verdict about an Ingress that is not loaded holds only while its own backend did not answer.
pub(super) fn adoption_gate(facts: &Facts<'_>, ingress: &Ingress) -> Option<Ruling> {
    if !is_404(facts) {
        return Some(Ruling::Silent);
    }
    let answered = answering_service(facts)?;
    let serves = ingress.path_rules().any(|(_, _, _, rule)| {
        rule.backend
            .service()
            .is_some_and(|(name, _)| *name == answered.name && ingress.meta.namespace == answered.namespace)
    });
    serves.then(|| Ruling::RuledOut(Because::UpstreamAnswered(Some(answered.clone()))))
}

/// Certain when the controller is known, the 404 was seen and its own voice is in the log or it said
/// why; likely otherwise.
pub(super) fn adoption_confidence(facts: &Facts<'_>, said: bool) -> Confidence {
    let known = facts.view.controller.is_some();
    let spoke = matches!(facts.symptom.speaker, Speaker::Controller);
    if known && (said || (seen(facts) && spoke)) { Confidence::Certain } else { Confidence::Likely }
}

/// What the controller said of an object, with the line, how often, and whether it did.
pub(super) fn said(
    facts: &Facts<'_>,
    about: Option<&Name>,
    what: impl Fn(&MessageKind) -> bool,
) -> Option<(u64, Option<chrono::DateTime<chrono::Utc>>, Citation)> {
    cite::message(facts, about, what).map(|(message, citation)| (message.count, message.last, citation))
}

/// Whether an Ingress that is gone took the request until about when the 404s began.
pub(super) fn lost_rule(facts: &Facts<'_>) -> bool {
    facts.lost.iter().any(|lost| matches!(lost.took, Took::Rule { .. }) && lost.when != When::LongBefore)
}

/// The Ingresses of the asked host that are loaded, oldest first.
pub(super) fn on_host<'a>(facts: &Facts<'a>) -> Vec<&'a Ingress> {
    let host = facts.request.host.as_str();
    let mut found: Vec<&Ingress> = facts
        .view
        .adopted
        .iter()
        .map(|(ingress, _)| *ingress)
        .filter(|ingress| facts.view.refusal(&ingress.meta.key()).is_none())
        .filter(|ingress| {
            ingress.rules.iter().any(|rule| !rule.host().is_empty() && spec_match(rule.host(), host))
        })
        .collect();
    found.sort_by_key(|a| (a.meta.created, a.meta.key()));
    found
}

//! A case: everything gathered about one URL, and the bridge from evidence to the pure analysis. The
//! tools that read logs and changes, and the diagnosis over all of it, work on one.

use std::collections::BTreeSet;

use chrono::Duration;

use super::{Call, ToolFailure, session};
use crate::analysis::adoption::{self, Adoption};
use crate::analysis::facts::candidates::touches;
use crate::analysis::routing::Decision;
use crate::analysis::view::{self, View};
use crate::evidence::cluster::Cluster;
use crate::evidence::gather;
use crate::model::change::{Replay, Versioned};
use crate::model::gap::Gap;
use crate::model::ingress::Ingress;
use crate::model::request::Request;
use crate::model::snapshot::{Lookup, Snapshot};
use crate::report::route::outcome_word;

mod change_facts;
mod correlation;
mod log_facts;
mod logs;

pub(super) use correlation::{Ask, correlate};
pub(super) use log_facts::{log_facts, logging};
pub(super) use logs::{Logs, Wanted, reach, read_logs};

/// How far back logs are read when nothing says otherwise.
pub(super) const LOOK_BACK: Duration = Duration::hours(6);

/// What was gathered.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) snapshot: Snapshot,
    pub(super) replays: Vec<Replay>,
    /// History that could not be read.
    pub(super) gaps: Vec<Gap>,
}

/// Gathers objects, and with `history` what changes are read from.
pub(super) async fn gather(
    cluster: &Cluster,
    focus: &BTreeSet<String>,
    request: Option<&Request>,
    with_history: bool,
    call: &Call,
) -> Result<Case, ToolFailure> {
    call.progress.say(0, Some(4), "reading ingresses, services and controllers");
    let mut snapshot = session::look(cluster, focus, request).await?;
    let mut replays = Vec::new();
    let mut gaps = Vec::new();
    if with_history {
        call.progress.say(1, Some(4), "reading what changed");
        let mut namespaces = session::behind(&snapshot, focus, request);
        namespaces.extend(snapshot.controllers.iter().map(|c| c.workload.name.namespace.clone()));
        gather::changes(cluster, &mut snapshot, &namespaces).await;
        (replays, gaps) = gather::past(cluster, &snapshot).await;
        if let Some(request) = request {
            let was_behind = gone(&snapshot, &replays)
                .filter(|ingress| touches(ingress, request.host.as_str()))
                .map(|ingress| ingress.meta.namespace.clone())
                .collect();
            gather::backends(cluster, &mut snapshot, &was_behind).await;
        }
    }
    Ok(Case { snapshot, replays, gaps })
}

/// Recorded versions of Ingresses that are not there.
fn gone<'r>(snapshot: &Snapshot, replays: &'r [Replay]) -> impl Iterator<Item = &'r Ingress> {
    let versions = replays.iter().flat_map(|replay| &replay.versions);
    versions
        .filter_map(|version| match &version.object {
            Versioned::Ingress(ingress) => Some(ingress.as_ref()),
            Versioned::IngressClass(_) | Versioned::Service(_) => None,
        })
        .filter(|ingress| {
            matches!(snapshot.ingresses.get(&ingress.meta.namespace, &ingress.meta.name), Lookup::Absent)
        })
}

/// The view whose answer counts for a request: the one whose own rule takes it, then one that adopted
/// an Ingress of the host or would adopt one that is gone, then one with HTTPRoutes for it, by trust in its
/// model, then one that refused an Ingress of the host.
pub(super) fn main_view<'v, 'a>(
    views: &'v [View<'a>],
    request: &Request,
    case: Option<&Case>,
) -> Option<&'v View<'a>> {
    let host = request.host.as_str();
    let gone: Vec<(&Ingress, &Snapshot)> = case
        .into_iter()
        .flat_map(|case| gone(&case.snapshot, &case.replays).map(|ingress| (ingress, &case.snapshot)))
        .filter(|(ingress, _)| exact(ingress, host))
        .collect();
    views.iter().max_by_key(|view| {
        let wins = view.decide(request).winner.is_some();
        let adopted =
            view.adopted.iter().any(|(ingress, _)| exact(ingress, host) && view.adopts(&ingress.meta.key()));
        let knows = view.refused.iter().any(|(ingress, _)| exact(ingress, host));
        let would_adopt = view.controller.is_some_and(|controller| {
            gone.iter().any(|(ingress, snapshot)| {
                matches!(adoption::judge(controller, ingress, snapshot), Adoption::Adopted(_))
            })
        });
        (wins, adopted, would_adopt, view.table.has_routes_for(Some(host)), view.basis, knows)
    })
}

fn exact(ingress: &Ingress, host: &str) -> bool {
    ingress.rules.iter().any(|rule| rule.host().eq_ignore_ascii_case(host))
}

/// The views over a case.
pub(super) fn views(case: &Case) -> Vec<View<'_>> {
    view::views(&case.snapshot)
}

/// A decision in a few words.
pub(super) fn short(decision: &Decision) -> String {
    let outcome = outcome_word(decision.outcome);
    match (&decision.winner, decision.status) {
        (Some(winner), _) => match &winner.backend {
            Some(target) => format!("{outcome} {}:{}", target.service, target.port),
            None => format!("{outcome} {}", winner.ingress),
        },
        (None, Some(status)) => format!("{outcome} {status}"),
        (None, None) => outcome.to_owned(),
    }
}

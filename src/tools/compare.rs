//! Compares what Ingresses do today with what they would do under another controller: no tool, but the
//! command of that name; `match_path` tells the same of an Ingress or a namespace.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{FailureCode, Reply, ToolFailure, Toolbox, in_time, match_path, portable, session};
use crate::analysis::migration::cause::{self, Compared, Side};
use crate::analysis::migration::{self, Comparison};
use crate::analysis::routing::Decision;
use crate::analysis::view::View;
use crate::model::controller::ControllerKind;
use crate::model::host::spec_match;
use crate::model::ingress::Ingress;
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;
use crate::report::limits::{Budget, Truncated};
use crate::report::migration::{ComparisonReport, MigrationReport, difference};
use crate::report::next::{self, Next};

/// The name of the command.
pub const NAME: &str = "compare";

/// Characters for groups; the rest is for what stands around them.
const GROUPS: usize = 6_500;

/// The schema of the structured half, as for a tool.
#[must_use]
pub fn schema() -> Value {
    portable::output::<MigrationReport>()
}

/// Where from and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub to: ControllerKind,
    /// The running controllers when absent.
    pub from: Option<ControllerKind>,
}

/// The answer in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Same,
    Differs,
    /// Nothing was found to differ, and not everything could be told.
    Open,
}

/// The comparison, over the namespace of the settings or the whole source.
///
/// # Errors
/// When there is nothing that could be compared.
pub async fn examine(toolbox: &Toolbox, asked: Asked) -> Result<(Reply, Answer), ToolFailure> {
    in_time(NAME, run(toolbox, asked)).await
}

async fn run(toolbox: &Toolbox, asked: Asked) -> Result<(Reply, Answer), ToolFailure> {
    let cluster = toolbox.open().await?;
    let namespace = toolbox.settings().namespace.as_deref();
    let focus: BTreeSet<String> = namespace.map(ToOwned::to_owned).into_iter().collect();
    let snapshot = session::look_behind_all(&cluster, &focus).await?;
    let selected = |ingress: &Ingress| namespace.is_none_or(|wanted| ingress.meta.namespace == wanted);
    let comparison = compared(asked, &snapshot, selected)?;
    let answer = answer(&comparison, &snapshot);
    let today = migration::today(asked.from, asked.to, &snapshot);
    let (report, truncated) = ComparisonReport::within(&mut Budget::new(GROUPS), &comparison);
    let example = comparison.groups.first().map(|group| group.example.url());
    let mut kinds: Vec<&str> = comparison.from.iter().map(|(kind, _)| kind.slug()).collect();
    kinds.push(asked.to.slug());
    kinds.dedup();
    let report = MigrationReport {
        verdict: report.verdict(),
        comparison: report,
        scope: match_path::scope(&today, namespace.as_slice()),
        gaps: match_path::gaps(&snapshot, &today),
        truncated,
        next: next::steps(example.map(|url| {
            Next::new("match_path", "see the decisions of both side by side")
                .with("url", &url)
                .with_list("controllers", &kinds)
        })),
    };
    Ok((Reply::of(NAME, &report)?, answer))
}

/// The comparison of the selected Ingresses.
pub(super) fn compared(
    asked: Asked,
    snapshot: &Snapshot,
    selected: impl Fn(&Ingress) -> bool,
) -> Result<Comparison, ToolFailure> {
    let Asked { to, from } = asked;
    if let Some(kind) = from.filter(|kind| kind.routes_by_gateways()) {
        return Err(ToolFailure::new(
            FailureCode::Unsupported,
            format!(
                "{kind} reads HTTPRoutes and no Ingress, so it is nothing that an Ingress could move from"
            ),
            "say with --to that HTTPRoutes are compared with, and with --from a controller that reads Ingresses",
        ));
    }
    if to.routes_by_gateways() && snapshot.http_routes.items().is_empty() {
        return Err(no_routes(to, snapshot));
    }
    if from.is_none() && snapshot.controllers.is_empty() {
        session::need_controllers(snapshot)?;
        return Err(ToolFailure::new(
            FailureCode::NotFound,
            "no running ingress controller was recognised, so there is no behaviour of today",
            "say with --from which controller to compare with",
        ));
    }
    let today = migration::today(from, to, snapshot);
    Ok(migration::compare(&today, to, snapshot, selected))
}

/// Why Ingresses cannot be compared with HTTPRoutes: none are there, or none could be seen.
fn no_routes(to: ControllerKind, snapshot: &Snapshot) -> ToolFailure {
    if snapshot.http_routes.gaps().is_empty() {
        return ToolFailure::new(
            FailureCode::Unsupported,
            format!("{to} reads HTTPRoutes and there are none, and nothing here writes them from Ingresses"),
            "write them (ingress2gateway makes a draft), add them to the cluster or the capture, and compare again; \
             or name a controller that reads Ingresses",
        );
    }
    ToolFailure::new(
        FailureCode::Forbidden,
        format!("{to} reads HTTPRoutes, and they could not be seen"),
        "let this identity list httproutes, gateways and gatewayclasses, or add them to the capture",
    )
}

/// What would change for the selected Ingresses under each of the controllers that `match_path` was asked
/// for: beside the running ones, or where none runs beside the first.
pub(super) fn comparisons(
    controllers: &[ControllerKind],
    snapshot: &Snapshot,
    selected: impl Fn(&Ingress) -> bool,
) -> (Vec<String>, Option<Truncated>) {
    let runs = |kind: &ControllerKind| snapshot.controllers.iter().any(|running| running.kind == *kind);
    let others = |from: ControllerKind| controllers.iter().copied().filter(move |to| *to != from);
    let reads_ingresses = |kind: &&ControllerKind| !kind.routes_by_gateways();
    let from = match controllers.iter().find(reads_ingresses).filter(|_| snapshot.controllers.is_empty()) {
        Some(first) => Some(*first),
        // Of several that are asked for, one that runs here is today's.
        None => controllers
            .iter()
            .filter(reads_ingresses)
            .copied()
            .find(runs)
            .filter(|from| others(*from).next().is_some()),
    };
    let mut budget = Budget::new(GROUPS / 2);
    let mut reports = Vec::new();
    let mut cut = None;
    for to in controllers.iter().copied().filter(|to| Some(*to) != from).take(4) {
        let comparison = match compared(Asked { to, from }, snapshot, &selected) {
            Ok(comparison) => comparison,
            Err(failure) => {
                reports.push(format!("Not compared with {to}: {}", failure.seen));
                continue;
            }
        };
        let (report, truncated) = ComparisonReport::within(&mut budget, &comparison);
        reports.push(report.to_string());
        cut = cut.or(truncated);
    }
    (reports, cut)
}

/// What makes each further decision about a request differ from the first.
pub(super) fn differences(
    views: &[View<'_>],
    request: &Request,
    decisions: &[&Decision],
    snapshot: &Snapshot,
) -> Vec<String> {
    let mut pairs = views.iter().zip(decisions);
    let Some((first, before)) = pairs.next() else { return Vec::new() };
    let host = most_particular(request, snapshot);
    let from = Side::new(first);
    pairs
        .filter(|(_, after)| migration::is_same(request, before, after) != Some(true))
        .map(|(other, after)| {
            let cause = cause::of(&Compared {
                request,
                host,
                before,
                after,
                from: &from,
                to: &Side::new(other),
                snapshot,
            });
            difference(other.kind, first.kind, &cause)
        })
        .collect()
}

/// Of the hosts that rules name, the one that says most of the request's.
fn most_particular<'a>(request: &Request, snapshot: &'a Snapshot) -> &'a str {
    let asked = request.host.as_str();
    let hosts = snapshot.ingresses.items().iter().flat_map(|ingress| &ingress.rules).map(|rule| rule.host());
    let fits = hosts.filter(|host| !host.is_empty() && spec_match(host, asked));
    fits.max_by_key(|host| (!host.starts_with("*."), host.len())).unwrap_or_default()
}

fn answer(comparison: &Comparison, snapshot: &Snapshot) -> Answer {
    let unseen = !snapshot.ingresses.gaps().is_empty() || !snapshot.services.gaps().is_empty();
    let nothing_compared = comparison.ingresses == 0 && comparison.taken_by_none > 0;
    if comparison.differing > 0 {
        Answer::Differs
    } else if unseen
        || nothing_compared
        || comparison.undecided > 0
        || comparison.doubtful > 0
        || comparison.left_out > 0
    {
        Answer::Open
    } else {
        Answer::Same
    }
}

//! `find_conflicts`: which Ingresses stand in each other's or their controller's way.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::match_path::gaps;
use super::params::{Detail, Host, ObjectName};
use super::{Call, Tool, ToolFailure, Toolbox, session};
use crate::analysis::conflict::{Conflict, Severity as Level};
use crate::analysis::facts::candidates::touches;
use crate::analysis::{conflicts, view};
use crate::evidence::gather;
use crate::model::host::spec_match;
use crate::model::object::{Kind, Name};
use crate::model::snapshot::Snapshot;
use crate::report::conflict::ConflictReport;
use crate::report::gap::GapReport;
use crate::report::limits::{Budget, Truncated};
use crate::report::next::{self, Next};
use crate::report::scope::Scope;
use crate::report::text::Text;
use crate::report::{Render, ending};

/// See the module.
#[derive(Debug)]
pub struct FindConflicts;

/// Where to look.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// Only conflicts that concern this namespace.
    namespace: Option<String>,
    /// Only conflicts that concern this host.
    host: Option<Host>,
    /// Only conflicts that concern this Ingress, NAMESPACE/NAME.
    ingress: Option<ObjectName>,
    /// The least severity told. Default medium.
    min_severity: Option<Severity>,
    /// The kubeconfig context.
    context: Option<String>,
    /// How much to tell. Default concise.
    #[serde(default)]
    detail: Detail,
}

/// How bad a conflict is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Critical,
    High,
    Medium,
    Low,
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    summary: String,
    /// Worst first.
    conflicts: Vec<ConflictReport>,
    scope: Scope,
    gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    next: Vec<Next>,
}

impl Tool for FindConflicts {
    const NAME: &'static str = "find_conflicts";
    const TITLE: &'static str = "Which Ingresses interfere";
    const DESCRIPTION: &'static str = "Checks all Ingresses against each other and their controllers: duplicates, \
        shadowed rules, host-wide regex, class problems, canaries, default backends, dropped annotations, missing \
        backends, each with who wins, what requests see and the fix. Call it when a rule exists and the wrong \
        thing answers. It reads objects only.";
    const READ_ONLY: bool = true;
    const OPEN_WORLD: bool = false;
    const ALWAYS_LOAD: bool = false;
    const SEARCH_HINT: &'static str = "duplicate shadowed host regex canary class conflict interfere lint";
    type Params = Params;
    type Report = Report;

    async fn run(toolbox: &Toolbox, params: Params, call: &Call) -> Result<Report, ToolFailure> {
        let cluster = toolbox.cluster(params.context.as_deref()).await?;
        let namespace = params.namespace.as_deref().or(toolbox.settings().namespace.as_deref());
        let named = params.ingress.as_ref().and_then(|name| name.within(namespace));
        let focus: BTreeSet<String> =
            named.iter().map(|name| name.namespace.clone()).chain(namespace.map(ToOwned::to_owned)).collect();
        call.progress.say(0, Some(2), "reading ingresses and controllers");
        let mut snapshot = gather::routing(&cluster, &focus).await;
        session::need_ingresses(&snapshot, &focus)?;
        if let Some(name) = &named {
            session::ingress(&snapshot, name)?;
        }
        // Without a focus the backends of a live cluster stay unread: a gap, not a missing Service.
        let behind = session::behind(&snapshot, &focus, None);
        gather::backends(&cluster, &mut snapshot, &behind).await;
        call.progress.say(1, Some(2), "comparing");
        let views = view::views(&snapshot);
        let all = conflicts::find(&snapshot, &views);
        let wanted = Wanted {
            snapshot: &snapshot,
            least: match params.min_severity.unwrap_or(Severity::Medium) {
                Severity::Critical => Level::Critical,
                Severity::High => Level::High,
                Severity::Medium => Level::Medium,
                Severity::Low => Level::Low,
            },
            namespace: params.namespace.as_deref(),
            host: params.host.as_ref().map(|Host(host)| host.as_str()),
            ingress: named.as_ref(),
        };
        let found: Vec<&Conflict> = all.iter().filter(|conflict| wanted.takes(conflict)).collect();
        let mut counts: BTreeMap<Level, usize> = BTreeMap::new();
        for conflict in &found {
            *counts.entry(conflict.severity).or_default() += 1;
        }
        let judged = views.iter().any(|view| view.controller.is_some());
        let summary = if !judged {
            "nothing was checked: no running controller was recognised".to_owned()
        } else if found.is_empty() {
            "no conflict was found".to_owned()
        } else {
            counts
                .iter()
                .map(|(level, count)| format!("{count} {}", level.as_str()))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let example = found.iter().find_map(|conflict| conflict.sees.url.clone());
        let mut scope =
            Scope::of(&[Kind::Ingress, Kind::IngressClass, Kind::Service, Kind::EndpointSlice], &[]);
        scope.controllers = views
            .iter()
            .filter_map(|view| view.controller)
            .map(|controller| Text::new(&format!("{} {}", controller.kind, controller.workload.name)))
            .collect();
        let mut report = Report {
            summary,
            conflicts: Vec::new(),
            scope,
            gaps: Vec::new(),
            truncated: None,
            next: next::steps(
                example
                    .map(|url| Next::new("match_path", "see which rule takes such a URL").with("url", &url)),
            ),
        };
        let mut budget = Budget::beside(&report, &report.text());
        let (kept, _) = budget.keep(gaps(&snapshot, &views), 4, ToString::to_string, "");
        report.gaps = kept;
        let most = match params.detail {
            Detail::Concise => 8,
            Detail::Detailed => 30,
        };
        let reports: Vec<ConflictReport> = found.into_iter().map(ConflictReport::from).collect();
        let (kept, truncated) = budget.keep(
            reports,
            most,
            ToString::to_string,
            "name a namespace, host or ingress, or raise min_severity",
        );
        report.conflicts = kept;
        report.truncated = truncated;
        Ok(report)
    }
}

struct Wanted<'a> {
    snapshot: &'a Snapshot,
    least: Level,
    namespace: Option<&'a str>,
    host: Option<&'a str>,
    ingress: Option<&'a Name>,
}

impl Wanted<'_> {
    fn takes(&self, conflict: &Conflict) -> bool {
        let names = || conflict.objects.iter().map(|part| &part.key.name);
        conflict.severity <= self.least
            && self.namespace.is_none_or(|namespace| names().any(|name| name.namespace == namespace))
            && self.ingress.is_none_or(|ingress| names().any(|name| name == ingress))
            && self.host.is_none_or(|host| self.concerns(conflict, host))
    }
}

impl Wanted<'_> {
    /// Whether a conflict is about the host: its own, or one of its Ingresses'.
    fn concerns(&self, conflict: &Conflict, host: &str) -> bool {
        let named = conflict.host.as_deref().is_some_and(|of| spec_match(of, host));
        let mut ingresses = conflict
            .objects
            .iter()
            .filter(|part| part.key.kind == Kind::Ingress)
            .filter_map(|part| {
                let name = &part.key.name;
                self.snapshot.ingresses.get(&name.namespace, &name.name).found()
            })
            .peekable();
        named || ingresses.peek().is_none() || ingresses.any(|ingress| touches(ingress, host))
    }
}

impl Render for Report {
    fn text(&self) -> String {
        let mut lines = vec![self.summary.clone()];
        lines.extend(self.conflicts.iter().map(ToString::to_string));
        lines.push(self.scope.to_string());
        lines.push(ending(self.truncated.as_ref(), &self.gaps, &self.next));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;

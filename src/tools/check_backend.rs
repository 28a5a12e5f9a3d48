//! `check_backend`: the chain from a rule's Service to its pods, and the first broken link.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::{Detail, ObjectName};
use super::{Call, FailureCode, Tool, ToolFailure, Toolbox, session};
use crate::analysis::backend::{self, Chain};
use crate::analysis::view;
use crate::evidence::gather;
use crate::model::ingress::PortRef;
use crate::model::object::{Kind, Name};
use crate::model::snapshot::{Lookup, Snapshot};
use crate::report::backend::ChainReport;
use crate::report::gap::{self, GapReport};
use crate::report::limits::{Budget, Truncated};
use crate::report::next::{self, Next};
use crate::report::scope::Scope;
use crate::report::{Render, ending};

/// See the module.
#[derive(Debug)]
pub struct CheckBackend;

/// Which backend.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The namespace of the Ingress or Service.
    namespace: Option<String>,
    /// Check every backend of this Ingress, NAME or NAMESPACE/NAME.
    ingress: Option<ObjectName>,
    /// Instead of ingress: a Service, NAME or NAMESPACE/NAME.
    service: Option<ObjectName>,
    /// With service: a port by number or name. Default all its ports.
    port: Option<String>,
    /// The kubeconfig context.
    context: Option<String>,
    /// How much to tell. Default concise.
    #[serde(default)]
    detail: Detail,
}

/// Each backend, link by link.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    summary: String,
    backends: Vec<ChainReport>,
    scope: Scope,
    gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    next: Vec<Next>,
}

impl Tool for CheckBackend {
    const NAME: &'static str = "check_backend";
    const TITLE: &'static str = "Is the backend there";
    const DESCRIPTION: &'static str = "Walks the chain Service, port, targetPort, selector, EndpointSlices, pods of an \
        Ingress's backends or of one Service, and names the first broken link, why pods are not ready, who else \
        the selector catches, and what the controller answers in that state. Call it once a rule takes the URL. \
        It sends no requests.";
    const READ_ONLY: bool = true;
    const OPEN_WORLD: bool = false;
    const ALWAYS_LOAD: bool = false;
    const SEARCH_HINT: &'static str = "service endpoints pods ready port selector backend 503 missing";
    type Params = Params;
    type Report = Report;

    async fn run(toolbox: &Toolbox, params: Params, _call: &Call) -> Result<Report, ToolFailure> {
        let cluster = toolbox.cluster(params.context.as_deref()).await?;
        let namespace = params.namespace.as_deref().or(toolbox.settings().namespace.as_deref());
        let ingress = params.ingress.as_ref().and_then(|name| name.within(namespace));
        let service = params.service.as_ref().and_then(|name| name.within(namespace));
        let Some(named) = ingress.as_ref().or(service.as_ref()) else {
            return Err(ToolFailure::new(
                FailureCode::BadArguments,
                "nothing says which backend is meant",
                "pass ingress or service as NAMESPACE/NAME, or with namespace",
            ));
        };
        let focus: BTreeSet<String> = [named.namespace.clone()].into();
        let mut snapshot = gather::routing(&cluster, &focus).await;
        gather::backends(&cluster, &mut snapshot, &focus).await;
        gather::changes(&cluster, &mut snapshot, &focus).await;
        let wanted = match (&ingress, &service) {
            (Some(name), _) => of_ingress(&snapshot, name)?,
            (None, Some(name)) => of_service(&snapshot, name, params.port.as_deref()),
            (None, None) => Vec::new(),
        };
        Ok(report(&snapshot, &focus, &wanted, params.detail))
    }
}

/// Every Service port that an Ingress names, in order, each once.
fn of_ingress(snapshot: &Snapshot, name: &Name) -> Result<Vec<(Name, PortRef)>, ToolFailure> {
    let ingress = session::ingress(snapshot, name)?;
    let backends = ingress.path_rules().map(|(_, _, _, rule)| &rule.backend).chain(&ingress.default_backend);
    let mut wanted: Vec<(Name, PortRef)> = Vec::new();
    for (service, port) in backends.filter(|one| one.action().is_none()).filter_map(|one| one.service()) {
        let one = (Name::new(&name.namespace, service), port.clone());
        if !wanted.contains(&one) {
            wanted.push(one);
        }
    }
    Ok(wanted)
}

/// The ports asked for: the named one, else those of the Service, else none in particular.
fn of_service(snapshot: &Snapshot, name: &Name, port: Option<&str>) -> Vec<(Name, PortRef)> {
    if let Some(port) = port {
        let port = port.parse().map_or_else(|_| PortRef::Name(port.to_owned()), PortRef::Number);
        return vec![(name.clone(), port)];
    }
    // What Ingresses ask of it counts first: a port that they name and it lacks is the usual fault.
    let mut named: Vec<PortRef> = snapshot
        .ingresses
        .in_namespace(&name.namespace)
        .flat_map(|ingress| {
            ingress.path_rules().map(|(_, _, _, rule)| &rule.backend).chain(&ingress.default_backend)
        })
        .filter_map(|backend| backend.service())
        .filter(|(service, _)| *service == name.name)
        .map(|(_, port)| port.clone())
        .collect();
    named.sort();
    named.dedup();
    if !named.is_empty() {
        return named.into_iter().map(|port| (name.clone(), port)).collect();
    }
    let ports: Vec<PortRef> = match snapshot.services.get(&name.namespace, &name.name) {
        Lookup::Found(service) => service.ports.iter().map(|port| PortRef::Number(port.number)).collect(),
        Lookup::Absent | Lookup::Unseen(_) => Vec::new(),
    };
    if ports.is_empty() {
        return vec![(name.clone(), PortRef::Unset)];
    }
    ports.into_iter().map(|port| (name.clone(), port)).collect()
}

fn report(
    snapshot: &Snapshot,
    focus: &BTreeSet<String>,
    wanted: &[(Name, PortRef)],
    detail: Detail,
) -> Report {
    let views = view::views(snapshot);
    let chains: Vec<Chain> = wanted.iter().map(|(name, port)| backend::walk(snapshot, name, port)).collect();
    let reports: Vec<ChainReport> = chains.iter().map(|chain| ChainReport::new(chain, &views)).collect();
    let broken = chains.iter().filter(|chain| chain.first_broken().is_some()).count();
    let unseen = chains
        .iter()
        .filter(|chain| chain.first_broken().is_none() && chain.first_unseen().is_some())
        .count();
    let summary = format!(
        "{} backend(s): {} whole, {broken} broken, {unseen} could not be seen in full",
        chains.len(),
        chains.len() - broken - unseen
    );
    let spaces: Vec<&str> = focus.iter().map(String::as_str).collect();
    let mut gaps = snapshot.services.gaps();
    gaps.extend(snapshot.slices.gaps());
    gaps.extend(snapshot.pods.gaps());
    gaps.extend(snapshot.gaps.iter().cloned());
    let first = spaces.first().copied();
    let mut report = Report {
        summary,
        backends: Vec::new(),
        scope: Scope::of(&[Kind::Service, Kind::EndpointSlice, Kind::Pod, Kind::Ingress], &spaces),
        gaps: Vec::new(),
        truncated: None,
        next: next::steps(first.map(|namespace| {
            Next::new("find_conflicts", "see whether another Ingress takes its requests")
                .with("namespace", namespace)
        })),
    };
    let mut budget = Budget::beside(&report, &report.text());
    let (kept, _) = budget.keep(gap::reports(&gaps), 4, ToString::to_string, "");
    report.gaps = kept;
    let most = match detail {
        Detail::Concise => 6,
        Detail::Detailed => 20,
    };
    let (kept, truncated) = budget.keep(reports, most, ToString::to_string, "name one service and port");
    report.backends = kept;
    report.truncated = truncated;
    report
}

impl Render for Report {
    fn text(&self) -> String {
        let mut lines = vec![self.summary.clone()];
        lines.extend(self.backends.iter().map(ToString::to_string));
        lines.push(self.scope.to_string());
        lines.push(ending(self.truncated.as_ref(), &self.gaps, &self.next));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;

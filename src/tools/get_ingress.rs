//! `get_ingress`: an Ingress as its controller sees it, and which controllers there are.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::{Detail, Host, ObjectName, Url};
use super::{Call, Tool, ToolFailure, Toolbox, session};
use crate::analysis::view;
use crate::evidence::cluster::Cluster;
use crate::evidence::gather;
use crate::model::object::Kind;
use crate::model::snapshot::Listing;
use crate::report::controller::ControllerReport;
use crate::report::gap::GapReport;
use crate::report::ingress::IngressReport;
use crate::report::limits::Truncated;
use crate::report::next::Next;
use crate::report::scope::Scope;
use crate::report::text::Text;
use crate::report::{Render, ending};

mod asked;
mod draw;
mod scene;

pub(super) use asked::anywhere;
use asked::{Asked, answers, pick};
use scene::{Scene, takers};

/// See the module.
pub struct GetIngress;

impl std::fmt::Debug for GetIngress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::NAME)
    }
}

/// Which Ingress to show.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The Ingress: NAME, or NAMESPACE/NAME.
    name: Option<ObjectName>,
    /// The namespace of name; without name, host and url: list the Ingresses of this namespace.
    namespace: Option<String>,
    /// Instead of name: all Ingresses that have a rule for this host.
    host: Option<Host>,
    /// Instead of name: all Ingresses that have a rule for the host of this URL, the one that answers first.
    url: Option<Url>,
    /// The kubeconfig context.
    context: Option<String>,
    /// How much to tell. Default concise.
    #[serde(default)]
    detail: Detail,
}

/// Ingresses and the controllers that see them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Whether it is taken and by whom, in one sentence.
    answer: String,
    /// With url: what each controller does with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<String>,
    ingresses: Vec<IngressReport>,
    /// Other Ingresses of the same hosts, or those that there was no room for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<String>,
    /// Hosts that rules name and that are most like the asked one, where no rule names it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nearest_hosts: Vec<Text>,
    /// What the names resolved to when the capture was taken, and whose address that is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns: Vec<String>,
    controllers: Vec<ControllerReport>,
    scope: Scope,
    gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    next: Vec<Next>,
}

impl Tool for GetIngress {
    const NAME: &'static str = "get_ingress";
    const TITLE: &'static str = "Show an Ingress as its controller sees it";
    const DESCRIPTION: &'static str = "Start here: shows an Ingress by name, host or URL, and which ingress \
        controller takes it or why none does. Lists rules with what stands behind each, annotations that \
        count or are ignored, addresses, Events, last writers, and the controllers with their routing \
        settings. It reads no logs and sends no requests.";
    const READ_ONLY: bool = true;
    const OPEN_WORLD: bool = false;
    const ALWAYS_LOAD: bool = true;
    const SEARCH_HINT: &'static str = "kubernetes ingress 404 start class controller rules host annotations";
    type Params = Params;
    type Report = Report;

    async fn run(toolbox: &Toolbox, params: Params, _call: &Call) -> Result<Report, ToolFailure> {
        let cluster = toolbox.cluster(params.context.as_deref()).await?;
        let namespace = params.namespace.clone().or_else(|| toolbox.settings().namespace.clone());
        show(&cluster, &params, namespace.as_deref()).await
    }
}

impl Toolbox {
    /// One Ingress as text, for clients that attach it as a resource.
    ///
    /// # Errors
    /// When there is none or it could not be seen.
    pub async fn ingress_text(&self, namespace: &str, name: &str) -> Result<String, ToolFailure> {
        let params = Params {
            name: Some(ObjectName { namespace: Some(namespace.to_owned()), name: name.to_owned() }),
            namespace: None,
            host: None,
            url: None,
            context: None,
            detail: Detail::Concise,
        };
        let cluster = self.cluster(None).await?;
        show(&cluster, &params, Some(namespace)).await.map(|report| report.text())
    }
}

async fn show(cluster: &Cluster, params: &Params, namespace: Option<&str>) -> Result<Report, ToolFailure> {
    let asked = params.asked(namespace)?;
    let focus: BTreeSet<String> = match &asked {
        Asked::Named(name) => [name.namespace.clone()].into(),
        Asked::Anywhere(_) | Asked::Url(_) | Asked::Host(_) | Asked::All(_) => {
            namespace.map(ToOwned::to_owned).into_iter().collect()
        }
    };
    let request = match &asked {
        Asked::Url(request) | Asked::Host(request) => Some(request),
        Asked::Named(_) | Asked::Anywhere(_) | Asked::All(_) => None,
    };
    let mut snapshot = session::look(cluster, &focus, request).await?;
    let named = match &asked {
        Asked::Named(name) => Some(session::ingress(&snapshot, name)?.meta.key()),
        Asked::Anywhere(name) => Some(anywhere(&snapshot, name)?),
        Asked::Url(_) | Asked::Host(_) | Asked::All(_) => None,
    };
    if let Some(name) = &named {
        gather::backends(cluster, &mut snapshot, &[name.namespace.clone()].into()).await;
    }
    let views = view::views(&snapshot);
    let picked = pick(&asked, named.as_ref(), &snapshot, &views);
    // The one that answers comes first; where none does, the nearest few are needed to see why.
    let most = match (params.detail, &asked) {
        (Detail::Concise, Asked::Url(request)) if answers(&views, request) => 1,
        (Detail::Concise, _) => 2,
        (Detail::Detailed, _) => 6,
    };
    let homes: BTreeSet<String> =
        picked.shown.iter().take(most).map(|ingress| ingress.meta.namespace.clone()).collect();
    let (events, event_gaps) = if homes.is_empty() {
        (Listing::unasked(Kind::Event), Vec::new())
    } else {
        gather::events(cluster, &homes).await
    };
    let scene = Scene {
        cluster,
        snapshot: &snapshot,
        takers: takers(&views),
        views: &views,
        events: &events,
        event_gaps,
    };
    Ok(scene.report(&asked, picked, params.detail, most))
}

impl Render for Report {
    fn text(&self) -> String {
        let mut lines = vec![self.answer.clone()];
        lines.extend(self.decisions.iter().cloned());
        lines.extend(self.ingresses.iter().map(ToString::to_string));
        lines.extend(self.others.iter().cloned());
        if !self.nearest_hosts.is_empty() {
            let hosts: Vec<&str> = self.nearest_hosts.iter().map(Text::as_str).collect();
            lines.push(format!("No rule names the host; nearest: {}", hosts.join(", ")));
        }
        lines.extend(self.dns.iter().cloned());
        lines.extend(self.controllers.iter().map(ToString::to_string));
        lines.push(self.scope.to_string());
        lines.push(ending(self.truncated.as_ref(), &self.gaps, &self.next));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;

//! `exec_probe`: asks a URL once, or several times, and tells who answered. The only tool that sends
//! anything; on a capture it tells what was recorded instead.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::{Detail, Header, Host, ObjectName, Url};
use super::{Call, FailureCode, Tool, ToolFailure, Toolbox, case, match_path, session};
use crate::analysis::probe::answerer::{self, Answerer, Who};
use crate::analysis::probe::{Rules, Wish};
use crate::analysis::routing::Decision;
use crate::analysis::view::{self, View};
use crate::model::object::{Kind, Name};
use crate::model::probe::{ProbeOutput, Target, Via};
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;
use crate::report::gap::GapReport;
use crate::report::limits::{Budget, Truncated};
use crate::report::next::{self, Next};
use crate::report::probe::{AnswererReport, HopReport, ProbeReport, SplitReport, split, who_sentence};
use crate::report::scope::Scope;
use crate::report::text::Text;
use crate::report::{Render, ending};

mod chain;
mod recorded;
mod refused;
mod send;
#[cfg(test)]
mod tests;

/// See the module.
pub struct ExecProbe;

impl std::fmt::Debug for ExecProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::NAME)
    }
}

/// What to ask, and how.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The URL to ask; its host must be one that an Ingress serves.
    url: Url,
    /// The pod to send from, NAMESPACE/NAME; it must be one the operator allowed.
    from: Option<ObjectName>,
    /// How it travels. Default auto.
    #[serde(default)]
    via: ViaName,
    /// What is asked: entry is the address clients use, controller one of its pods or Services, service and
    /// pod the backend of the rule that takes the URL. Default controller, or entry where only that is reached.
    target: Option<TargetName>,
    /// Default GET.
    #[serde(default)]
    method: Method,
    /// Request headers, each `Name: value`: content negotiation, tracing, and those that canaries look at.
    #[serde(default)]
    headers: Vec<Header>,
    /// The server name of TLS, when it shall differ from the host.
    sni: Option<Host>,
    /// Redirects to follow to hosts of Ingresses. Default 0.
    #[serde(default)]
    #[schemars(range(min = 0, max = 5))]
    follow: u8,
    /// How often to ask, spread over the pods of the target. Default 1.
    #[schemars(range(min = 1, max = 20))]
    repeat: Option<u8>,
    /// The kubeconfig context.
    context: Option<String>,
    /// How much to tell. Default concise.
    #[serde(default)]
    detail: Detail,
}

/// How a request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ViaName {
    #[default]
    Auto,
    Direct,
    PortForward,
    Exec,
}

impl ViaName {
    const fn via(self) -> Option<Via> {
        match self {
            Self::Auto => None,
            Self::Direct => Some(Via::Direct),
            Self::PortForward => Some(Via::PortForward),
            Self::Exec => Some(Via::Exec),
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum TargetName {
    Entry,
    Controller,
    Service,
    Pod,
}

impl TargetName {
    const fn target(self) -> Target {
        match self {
            Self::Entry => Target::Entry,
            Self::Controller => Target::Controller,
            Self::Service => Target::Service,
            Self::Pod => Target::Pod,
        }
    }
}

/// The methods that change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    #[default]
    Get,
    Head,
}

/// What came back, and from whom.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The status and who answered, in one sentence.
    answer: String,
    /// What was asked.
    request: Text,
    /// sent, or recorded in the capture.
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    who_answered: Option<AnswererReport>,
    /// What the routing model expects of this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<Text>,
    /// Answers to the request, of repeated ones those that differ; then recorded answers of backends to
    /// the same path.
    probes: Vec<ProbeReport>,
    /// Repeated answers by pod or address.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    split: Vec<SplitReport>,
    /// The redirects, step by step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chain: Vec<HopReport>,
    scope: Scope,
    gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    next: Vec<Next>,
}

impl Tool for ExecProbe {
    const NAME: &'static str = "exec_probe";
    const TITLE: &'static str = "Ask a URL and tell who answers";
    const DESCRIPTION: &'static str = "Sends one GET or HEAD for a URL to the controller, its entry address, or \
        the backend, and tells who answered: controller or application. Call it to see what the URL answers \
        now, or to ask the backend past the controller. Sends requests only where the operator allowed it, to \
        hosts of known Ingresses; on a capture it tells what was recorded.";
    const READ_ONLY: bool = false;
    const OPEN_WORLD: bool = true;
    const ALWAYS_LOAD: bool = false;
    const SEARCH_HINT: &'static str =
        "curl http request probe status redirect certificate live 404 port-forward";
    type Params = Params;
    type Report = Report;

    async fn run(toolbox: &Toolbox, params: Params, call: &Call) -> Result<Report, ToolFailure> {
        if params.follow > 0 && params.repeat.is_some_and(|repeat| repeat > 1) {
            return Err(ToolFailure::new(
                FailureCode::BadArguments,
                "follow and repeat cannot be combined",
                "follow the redirects of one request, or repeat without following",
            ));
        }
        let request = params.request();
        let cluster = toolbox.cluster(params.context.as_deref()).await?;
        let policy = &toolbox.settings().probes;
        let from = params.from.as_ref().and_then(|name| name.within(toolbox.settings().namespace.as_deref()));
        if params.from.is_some() && from.is_none() {
            return Err(ToolFailure::new(
                FailureCode::BadArguments,
                "`from` names a pod without its namespace",
                "write it as NAMESPACE/NAME",
            ));
        }
        if cluster.live().is_some() && policy.transports.is_empty() {
            return Err(refused::all_off());
        }
        let focus: BTreeSet<String> = policy
            .pods
            .iter()
            .filter_map(|pattern| pattern.split_once('/'))
            .map(|(namespace, _)| namespace.to_owned())
            .chain(from.iter().map(|pod| pod.namespace.clone()))
            .filter(|_| cluster.live().is_some())
            .collect();
        call.progress.say(0, Some(2), "reading which hosts and addresses there are");
        let snapshot = session::look(&cluster, &focus, Some(&request)).await?;
        let views = view::views(&snapshot);
        let asking = Asking {
            params: &params,
            request: &request,
            from: from.as_ref(),
            snapshot: &snapshot,
            views: &views,
        };
        match cluster.capture() {
            Some(capture) => recorded::report(&asking, &capture.probes),
            None => send::report(&asking, toolbox, &cluster, call).await,
        }
    }
}

impl Params {
    fn request(&self) -> Request {
        let Url(mut request) = self.url.clone();
        request.method = match self.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
        }
        .to_owned();
        request.headers =
            self.headers.iter().map(|Header(name, value)| (name.clone(), value.clone())).collect();
        request
    }
}

/// One question, with what is known of the cluster.
struct Asking<'a> {
    params: &'a Params,
    request: &'a Request,
    from: Option<&'a Name>,
    snapshot: &'a Snapshot,
    views: &'a [View<'a>],
}

impl Asking<'_> {
    fn wish<'w>(&'w self, request: &'w Request, repeat: usize) -> Wish<'w> {
        Wish {
            request,
            via: self.params.via.via(),
            target: self.params.target.map(TargetName::target),
            from: self.from,
            sni: self.params.sni.as_ref().map(|Host(host)| host),
            repeat,
        }
    }

    /// The view that counts for a request.
    fn view(&self, request: &Request) -> Option<&View<'_>> {
        case::main_view(self.views, request, None)
    }

    /// Draws the report from answers to the request (at least one), the redirects that followed, and
    /// answers of backends.
    fn report(
        &self,
        source: &'static str,
        outputs: &[ProbeOutput],
        chain: Vec<HopReport>,
        backends: &[ProbeOutput],
    ) -> Report {
        let view = self.view(self.request);
        let decision = view.map(|view| view.decide(self.request));
        let kind = view.filter(|view| view.controller.is_some()).map(|view| view.kind);
        let judged: Vec<Answerer> =
            outputs.iter().map(|output| answerer::judge(output, view, decision.as_ref())).collect();
        let first = judged.first();
        let (headers, lines) = match self.params.detail {
            Detail::Concise => (6, 4),
            Detail::Detailed => (20, 16),
        };
        let mut report = Report {
            answer: answer(self.request, outputs, &judged, source),
            request: Text::new(&format!("{} {}", self.request.method, self.request.url())),
            source,
            who_answered: first.map(|answerer| AnswererReport::new(answerer, kind)),
            expected: decision.as_ref().map(|decision| Text::new(&case::short(decision))),
            probes: Vec::new(),
            split: if outputs.len() > 1 && source == SENT { split(outputs) } else { Vec::new() },
            chain,
            scope: self.scope(),
            gaps: match_path::gaps(self.snapshot, self.views),
            truncated: None,
            next: self.next(first, outputs, decision.as_ref()),
        };
        let mut budget = Budget::beside(&report, &report.text());
        let distinct = distinct(outputs, source);
        let total = distinct.len() + backends.len();
        let draw = |output: &ProbeOutput| ProbeReport::new(output, headers, lines);
        let most = match self.params.detail {
            Detail::Concise => 3,
            Detail::Detailed => 8,
        };
        let drawn = distinct.into_iter().map(draw).collect();
        (report.probes, _) = budget.keep(drawn, most, ToString::to_string, NARROW);
        let drawn = backends.iter().map(draw).collect();
        let (backends, _) = budget.keep(drawn, most, ToString::to_string, NARROW);
        report.probes.extend(backends);
        let shown = report.probes.len();
        report.truncated = (shown < total).then_some(Truncated { shown, total, how_to_narrow: NARROW });
        report
    }

    fn scope(&self) -> Scope {
        let mut scope = Scope::of(&[Kind::Ingress, Kind::Service, Kind::EndpointSlice, Kind::Pod], &[]);
        scope.controllers = self
            .views
            .iter()
            .filter_map(|view| view.controller)
            .map(|controller| Text::new(&format!("{} {}", controller.kind, controller.workload.name)))
            .collect();
        scope
    }

    fn next(
        &self,
        answerer: Option<&Answerer>,
        outputs: &[ProbeOutput],
        decision: Option<&Decision>,
    ) -> Vec<Next> {
        let url = self.request.url();
        let logs =
            Next::new("controller_logs_filtered", "the log's upstream field tells who answers this URL")
                .with("url", &url);
        let route = || {
            Next::new("match_path", "see which rule takes this URL and why every other loses")
                .with("url", &url)
        };
        let target = decision.and_then(|decision| decision.winner.as_ref()?.backend.as_ref());
        let backend = target.map(|target| {
            Next::new("check_backend", "see whether anybody is behind the rule that takes the URL")
                .with("namespace", &target.service.namespace)
                .with("service", &target.service.name)
                .with("port", &target.port.to_string())
        });
        let status = outputs.first().and_then(|output| output.status);
        match (answerer.map(|answerer| answerer.who), status) {
            (Some(Who::Controller | Who::Proxy), _) => next::steps([route(), logs]),
            (Some(Who::Nobody) | None, _) => next::steps(backend.into_iter().chain([route()])),
            (Some(Who::Upstream), Some(200..400)) => {
                next::steps([Next::new("diagnose", "the URL answers now: see whether it did all the time")
                    .with("url", &url)])
            }
            (Some(Who::Upstream | Who::Undecided), _) => {
                next::steps([logs].into_iter().chain(backend).chain([route()]))
            }
        }
    }
}

const SENT: &str = "sent";
const RECORDED: &str = "recorded";
const NARROW: &str = "detail detailed shows more answers";

/// Of repeated answers those that differ in status or target; of recorded ones all, newest first.
fn distinct<'o>(outputs: &'o [ProbeOutput], source: &str) -> Vec<&'o ProbeOutput> {
    if source == RECORDED {
        return outputs.iter().collect();
    }
    let mut seen = BTreeSet::new();
    outputs.iter().filter(|output| seen.insert((output.status, output.error.is_some()))).collect()
}

fn answer(request: &Request, outputs: &[ProbeOutput], judged: &[Answerer], source: &str) -> String {
    let url = Text::new(&request.url());
    let statuses: BTreeSet<Option<u16>> = outputs.iter().map(|output| output.status).collect();
    if source == SENT && statuses.len() > 1 {
        let statuses: Vec<String> = statuses
            .into_iter()
            .map(|status| {
                let count = outputs.iter().filter(|output| output.status == status).count();
                let word = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
                format!("{count} × {word}")
            })
            .collect();
        return format!("{url} answers differently from one request to the next: {}", statuses.join(", "));
    }
    let (Some(output), Some(answerer)) = (outputs.first(), judged.first()) else { return String::new() };
    let what = output.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let times = if source == SENT && outputs.len() > 1 {
        format!(", {} times", outputs.len())
    } else {
        String::new()
    };
    let sure = match answerer.who {
        Who::Undecided | Who::Nobody => String::new(),
        Who::Controller | Who::Proxy | Who::Upstream => format!(" ({})", answerer.confidence.as_str()),
    };
    let when = if source == RECORDED { " was recorded" } else { "" };
    format!("{what}{when} for {url}{times}: {}{sure}", who_sentence(answerer.who))
}

impl Render for Report {
    fn text(&self) -> String {
        let mut lines = vec![self.answer.clone()];
        lines.extend(self.who_answered.iter().map(ToString::to_string));
        lines.extend(self.expected.iter().map(|expected| format!("The routing model expects: {expected}")));
        lines.extend(self.split.iter().map(ToString::to_string));
        lines.extend(self.chain.iter().enumerate().map(|(at, hop)| format!("Step {}: {hop}", at + 1)));
        lines.extend(self.probes.iter().map(ToString::to_string));
        lines.push(self.scope.to_string());
        lines.push(ending(self.truncated.as_ref(), &self.gaps, &self.next));
        lines.join("\n")
    }
}

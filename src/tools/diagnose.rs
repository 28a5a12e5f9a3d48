//! `diagnose`: the whole runbook in one call, ending in one verdict.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::{self, Ask, Case, Logs, Wanted};
use super::match_path::gaps as routing_gaps;
use super::params::{Detail, Moment, ObjectName, Url};
use super::{Call, FailureCode, Tool, ToolFailure, Toolbox, session};
use crate::analysis::facts::symptom::{self, same_url};
use crate::analysis::facts::{Facts, candidates, lost};
use crate::analysis::logs::filter::Filter;
use crate::analysis::logs::messages::Subject;
use crate::analysis::timeline::{Hypothesis, Outcome as Correlation};
use crate::analysis::verdicts::{self, Diagnosis};
use crate::analysis::view::View;
use crate::evidence::cluster::Cluster;
use crate::model::change::{Change, ObjectVersion};
use crate::model::gap::{Gap, Unseen, Why};
use crate::model::host::split_port;
use crate::model::object::{Kind, Name, ObjectKey};
use crate::model::probe::ProbeOutput;
use crate::model::request::Request;
use crate::model::snapshot::Lookup;
use crate::model::verdict::Code;
use crate::report::gap::{self, GapReport};
use crate::report::limits::Budget;
use crate::report::next::{self, Next};
use crate::report::scope::Scope;
use crate::report::silence;
use crate::report::text::Text;
use crate::report::time::Time;
use crate::report::verdict::{AlternativeReport, RuledOutReport, VerdictReport, ruled_out};
use crate::report::{Render, ending};

/// The name of the tool that ends in a verdict.
pub const NAME: &str = "diagnose";

/// See the module.
#[derive(Debug)]
pub struct Diagnose;

/// The complaint.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The URL that answers 404.
    url: Url,
    /// When it was seen: a time, or a time back from now such as 30m. Default now.
    at: Option<Moment>,
    /// The Ingress that the complaint names, NAMESPACE/NAME.
    ingress: Option<ObjectName>,
    /// The kubeconfig context.
    context: Option<String>,
    /// How much to tell. Default concise.
    #[serde(default)]
    detail: Detail,
}

/// The verdict and what it rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    verdict: VerdictReport,
    /// Ranked, at most three.
    alternatives: Vec<AlternativeReport>,
    ruled_out: Vec<RuledOutReport>,
    scope: Scope,
    gaps: Vec<GapReport>,
    next: Vec<Next>,
}

impl Tool for Diagnose {
    const NAME: &'static str = NAME;
    const TITLE: &'static str = "Why this URL answers 404";
    const DESCRIPTION: &'static str = "Runs the whole 404 runbook for one URL and returns one verdict: code, \
        confidence, the object and field to blame, cited evidence, fix, and what could not be seen. Call it \
        when you want the answer at once; use the other tools to check a step. It sends no requests.";
    const READ_ONLY: bool = true;
    const OPEN_WORLD: bool = true;
    const ALWAYS_LOAD: bool = false;
    const SEARCH_HINT: &'static str = "root cause 404 not found ingress url verdict triage why";
    type Params = Params;
    type Report = Report;

    async fn run(toolbox: &Toolbox, params: Params, call: &Call) -> Result<Report, ToolFailure> {
        let Params { url: Url(request), at, ingress, context, detail } = params;
        let cluster = toolbox.cluster(context.as_deref()).await?;
        let cluster = cluster.at(at.map(|at| at.resolve(cluster.now())));
        let namespace = toolbox.settings().namespace.as_deref();
        let complaint = ingress.as_ref().and_then(|name| name.within(namespace));
        if let (Some(ObjectName { name, .. }), None) = (&ingress, &complaint) {
            return Err(ToolFailure::new(
                FailureCode::BadArguments,
                format!("{} names no namespace", Text::new(name)),
                "write ingress as NAMESPACE/NAME",
            ));
        }
        let focus: BTreeSet<String> = complaint
            .iter()
            .map(|name| name.namespace.clone())
            .chain(namespace.map(ToOwned::to_owned))
            .collect();
        let gathered = case::gather(&cluster, &focus, Some(&request), true, call).await?;
        // One that is gone is asked about with good reason, if anything tells that it was to be there.
        let missing = complaint.as_ref().and_then(|name| session::ingress(&gathered.snapshot, name).err());
        let views = case::views(&gathered);
        let view = case::main_view(&views, &request, Some(&gathered)).ok_or_else(|| {
            ToolFailure::new(
                FailureCode::NotFound,
                "there is no controller and no Ingress to judge",
                "check the context, or capture ingresses and ingressclasses",
            )
        })?;
        call.progress.say(2, Some(4), "reading the controllers' logs");
        let decision = view.decide(&request);
        let wanted = Wanted {
            request: Some(&request),
            decision: Some(&decision),
            filter: Filter::status(404),
            since: gathered.snapshot.now - case::LOOK_BACK,
        };
        let controllers: Vec<_> = match view.controller {
            Some(controller) => vec![controller],
            None => Vec::new(),
        };
        let logs = case::read_logs(&cluster, &gathered, &controllers, &wanted, call).await;
        if let (Some(failure), Some(name)) = (missing, &complaint)
            && !is_told_of(name, &gathered, &logs)
        {
            return Err(failure);
        }
        call.progress.say(3, Some(4), "weighing changes and verdicts");
        Ok(conclude(
            &Question { cluster: &cluster, request: &request, complaint: complaint.as_ref(), detail },
            &gathered,
            &views,
            view,
            &logs,
        ))
    }
}

/// Whether anything tells of an Ingress that is not there.
fn is_told_of(name: &Name, case: &Case, logs: &Logs) -> bool {
    let key = ObjectKey { kind: Kind::Ingress, name: name.clone() };
    let recorded = case.replays.iter().any(|replay| {
        let of_version = |version: &ObjectVersion| {
            version.object.kind() == Kind::Ingress && version.object.name() == *name
        };
        replay.versions.iter().any(of_version) || replay.touches.iter().any(|touch| touch.object == key)
    });
    let said = logs.filtered.messages.iter().any(|group| group.key.subject == Subject::Ingress(name.clone()));
    let events = case.snapshot.events.items().iter();
    let absent = matches!(case.snapshot.ingresses.get(&name.namespace, &name.name), Lookup::Absent);
    absent
        && (recorded
            || said
            || events.into_iter().any(|event| event.message.contains(&name.name) || event.about == *name))
}

struct Question<'a> {
    cluster: &'a Cluster,
    request: &'a Request,
    complaint: Option<&'a Name>,
    detail: Detail,
}

fn conclude(
    question: &Question<'_>,
    case: &Case,
    views: &[View<'_>],
    view: &View<'_>,
    logs: &Logs,
) -> Report {
    let request = question.request;
    let decision = view.decide(request);
    let correlated = case::correlate(question.cluster, case, view, request, &decision, logs, &Ask::default());
    let log = case::log_facts(logs, case, view, request, &decision);
    let probes = probes(question.cluster, request);
    let symptom = symptom::judge(request, &decision, &log, &probes);
    let unseen = unseen(case, logs, &log, view, question.cluster.capture().is_some());
    let changes: Vec<Change> = correlated
        .hypotheses
        .iter()
        .filter(|tested| tested.outcome == Correlation::Found)
        .flat_map(|tested| tested.changes.iter().filter(|suspect| suspect.touches_request()))
        .map(|suspect| suspect.change.clone())
        .collect();
    let shaken = correlated
        .hypotheses
        .iter()
        .filter(|tested| tested.hypothesis == Hypothesis::ControllerRestart)
        .flat_map(|tested| &tested.changes)
        .filter(|suspect| suspect.touches_request() && suspect.answered_after != Some(true))
        .map(|suspect| suspect.change.clone())
        .collect();
    let mut explanation = view.table.explain(request, 10);
    explanation.nearest = view.tried(request, explanation.nearest, &case.snapshot);
    let facts = Facts {
        request,
        complaint: question.complaint,
        snapshot: &case.snapshot,
        view,
        views,
        explanation,
        candidates: candidates::find(view, &case.snapshot, request),
        decision,
        log: &log,
        probes: &probes,
        symptom,
        changes,
        shaken,
        lost: lost::find(view, &case.snapshot, request, &correlated),
        gaps: &unseen,
    };
    let diagnosis = verdicts::diagnose(&facts);
    report(question, case, view, &facts, &diagnosis)
}

fn report(
    question: &Question<'_>,
    case: &Case,
    view: &View<'_>,
    facts: &Facts<'_>,
    diagnosis: &Diagnosis,
) -> Report {
    let url = question.request.url();
    let status = facts.symptom.status;
    let verdict = VerdictReport::new(&diagnosis.verdict, &url, status);
    let mut scope = Scope::of(
        &[Kind::Ingress, Kind::IngressClass, Kind::Service, Kind::EndpointSlice, Kind::Pod, Kind::Event],
        &[],
    );
    scope.controllers = view
        .controller
        .map(|controller| Text::new(&format!("{} {}", controller.kind, controller.workload.name)))
        .into_iter()
        .collect();
    scope.from = Some(Time(case.snapshot.now - case::LOOK_BACK));
    scope.to = Some(Time(case.snapshot.now));
    let mut gaps = routing_gaps(&case.snapshot, std::slice::from_ref(view));
    gaps.extend(gap::reports(facts.gaps));
    gaps.dedup();
    let next = steps(question, facts, diagnosis);
    let mut report =
        Report { verdict, alternatives: Vec::new(), ruled_out: Vec::new(), scope, gaps: Vec::new(), next };
    let mut budget = Budget::beside(&report, &report.text());
    let most = match question.detail {
        Detail::Concise => 4,
        Detail::Detailed => 12,
    };
    let (kept, _) = budget.keep(gaps, most + 2, ToString::to_string, "");
    report.gaps = kept;
    let alternatives = diagnosis
        .alternatives
        .iter()
        .map(|other| AlternativeReport::new(other, &url, status))
        .collect::<Vec<_>>();
    let (kept, _) = budget.keep(
        alternatives,
        3,
        |other| format!("Or {} {}: {}", other.code, other.confidence, other.summary),
        "",
    );
    report.alternatives = kept;
    let (kept, _) =
        budget.keep(ruled_out(diagnosis), most, |out| format!("Not {}: {}", out.code, out.because), "");
    report.ruled_out = kept;
    report
}

fn steps(question: &Question<'_>, facts: &Facts<'_>, diagnosis: &Diagnosis) -> Vec<Next> {
    let url = question.request.url();
    let changes = Next::new("correlate_changes", "see what changed before the 404s began").with("url", &url);
    let probe = Next::new("exec_probe", "see who answers now").with("url", &url);
    match diagnosis.verdict.code {
        Code::InsufficientEvidence | Code::SyncRace => next::steps([probe, changes]),
        Code::Healthy => Vec::new(),
        Code::NotA404 | Code::AppRouteMissing | Code::ServiceRefInvalid | Code::NoReadyEndpoints => {
            let backend = facts.decision.winner.as_ref().and_then(|winner| winner.backend.as_ref());
            let check = backend.map(|target| {
                Next::new("check_backend", "see whether the Service behind the rule answers")
                    .with("namespace", &target.service.namespace)
                    .with("service", &target.service.name)
                    .with("port", &target.port.to_string())
            });
            next::steps(check.into_iter().chain([changes]))
        }
        _ => next::steps([
            Next::new("match_path", "see the rule that wins and why the others lose").with("url", &url),
            changes,
        ]),
    }
}

/// The probes that bear on the request: of its host or address, and of what is behind it.
fn probes(cluster: &Cluster, request: &Request) -> Vec<ProbeOutput> {
    let now = cluster.now();
    let Some(capture) = cluster.capture() else { return Vec::new() };
    let recent = |probe: &&ProbeOutput| probe.at.is_none_or(|at| at <= now);
    let addresses: BTreeSet<String> = capture
        .probes
        .iter()
        .filter(|probe| same_url(probe, request))
        .filter_map(|probe| probe.resolved_to.as_deref())
        .map(|to| split_port(to).0.to_owned())
        .chain(request.host.is_address().then(|| request.host.as_str().to_owned()))
        .collect();
    let mut found: Vec<ProbeOutput> = capture
        .probes
        .iter()
        .filter(recent)
        .filter(|probe| {
            let asked = Request::parse(&probe.url).ok();
            let host = asked.as_ref().is_some_and(|asked| asked.host == request.host);
            let address = probe.resolved_to.as_deref().is_some_and(|to| addresses.contains(split_port(to).0));
            host || address || !symptom::is_entry(probe)
        })
        .cloned()
        .collect();
    found.sort_by_key(|probe| probe.at);
    found
}

/// What else would have told more.
fn unseen(
    case: &Case,
    logs: &Logs,
    log: &crate::analysis::facts::LogFacts,
    view: &View<'_>,
    is_capture: bool,
) -> Vec<Gap> {
    let mut gaps = logs.gaps.clone();
    gaps.extend(case.gaps.iter().cloned());
    let controller = view.controller.map(|controller| controller.workload.name.to_string());
    // A log that would not hold the request is not missed; one that could not be read is a gap of its own.
    let told = gaps.iter().any(|gap| matches!(gap.what, Unseen::Log { .. }));
    let held = if is_capture { Why::NotCaptured } else { Why::Rotated };
    let missed = || (!log.read && !told).then_some(held);
    if let (Some(controller), Some(why)) = (controller, silence::why(&log.logging).or_else(missed)) {
        gaps.push(Gap { what: Unseen::AccessLog { controller }, why });
    }
    for listing in [
        case.snapshot.pods.gaps(),
        case.snapshot.events.gaps(),
        case.snapshot.revisions.gaps(),
        case.snapshot.workloads.gaps(),
    ] {
        gaps.extend(listing);
    }
    gaps.sort();
    gaps.dedup();
    gaps
}

impl Render for Report {
    fn text(&self) -> String {
        let verdict = &self.verdict;
        let mut lines = vec![format!("{} ({}): {}", verdict.code, verdict.confidence, verdict.summary)];
        lines.extend(verdict.culprit.as_ref().map(|culprit| format!("Culprit: {culprit}")));
        lines.extend(verdict.since.as_ref().map(|since| format!("Since: {since}")));
        lines.push(format!("Fix: {}", verdict.fix));
        if !verdict.evidence.is_empty() {
            lines.push("Evidence:".to_owned());
        }
        for (number, evidence) in verdict.evidence.iter().enumerate() {
            lines.push(format!("  {}. {} [{}]", number + 1, evidence.says, evidence.source));
        }
        for other in &self.alternatives {
            lines.push(format!("Or {} ({}): {}", other.code, other.confidence, other.summary));
        }
        for out in &self.ruled_out {
            lines.push(format!("Not {}: {}", out.code, out.because));
        }
        lines.push(self.scope.to_string());
        lines.push(ending(None, &self.gaps, &self.next));
        lines.join("\n")
    }
}

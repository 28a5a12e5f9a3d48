//! `correlate_changes`: the six hypotheses, each held against every change that was seen.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::case::{self, Ask, Wanted};
use super::params::{Detail, Host, Moment, ObjectName, Path, Url};
use super::{Call, FailureCode, Tool, ToolFailure, Toolbox, session};
use crate::analysis::logs::filter::Filter;
use crate::analysis::timeline::review::{Finding, ReviewTopic};
use crate::analysis::timeline::{Because, Correlated, Hypothesis, Lack, OnsetBasis, Suspect, Tested};
use crate::model::ingress::Ingress;
use crate::model::object::Kind;
use crate::model::request::Request;
use crate::report::change::ChangeReport;
use crate::report::gap::{self, GapReport};
use crate::report::limits::{Budget, Truncated};
use crate::report::next::{self, Next};
use crate::report::scope::Scope;
use crate::report::text::{Text, neutralise};
use crate::report::time::Time;
use crate::report::{Render, ending, timeline};

/// See the module.
pub struct CorrelateChanges;

/// Which 404s, and how far back.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The URL that answers 404.
    url: Option<Url>,
    /// Instead of url: its host.
    host: Option<Host>,
    /// Instead of url: its path. Default /.
    path: Option<Path>,
    /// Instead of url: an Ingress, NAMESPACE/NAME; its first rule is taken.
    ingress: Option<ObjectName>,
    /// When the 404s began: a time, or a time back from now. Default: found in the controllers' logs.
    onset: Option<Moment>,
    /// Only these hypotheses, 1 to 6. Default all.
    #[serde(default)]
    hypotheses: Vec<u8>,
    /// How often the windows may double while nothing is found, 0 to 6. Default 1.
    max_widenings: Option<u8>,
    /// The kubeconfig context.
    context: Option<String>,
    /// How much to tell. Default concise.
    #[serde(default)]
    detail: Detail,
}

/// What changed before the 404s began.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    onset: OnsetReport,
    /// In the fixed order of the runbook.
    hypotheses: Vec<HypothesisReport>,
    /// What to look at when no change explains it.
    review: Vec<ReviewReport>,
    /// How far each source reaches.
    coverage: Vec<CoverageReport>,
    /// The changes in order of time, as text.
    timeline: String,
    scope: Scope,
    gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    next: Vec<Next>,
}

/// When the 404s began.
#[derive(Debug, Serialize, JsonSchema)]
struct OnsetReport {
    at: Time,
    /// certain, likely or possible.
    confidence: &'static str,
    /// given, access_log or assumed.
    basis: &'static str,
    last_success: Option<Time>,
}

/// One hypothesis, judged.
#[derive(Debug, Serialize, JsonSchema)]
struct HypothesisReport {
    id: u8,
    name: &'static str,
    /// found, not_found or cannot_see.
    outcome: &'static str,
    window: WindowReport,
    changes: Vec<SuspectReport>,
    because: String,
}

/// The time searched.
#[derive(Debug, Serialize, JsonSchema)]
struct WindowReport {
    from: Time,
    to: Time,
    /// How often it was doubled.
    widened: u32,
}

/// A change in the light of the onset.
#[derive(Debug, Serialize, JsonSchema)]
struct SuspectReport {
    #[serde(flatten)]
    change: ChangeReport,
    /// From the change to the onset.
    seconds_to_onset: u64,
    touches_request: bool,
    /// What the request met before and after, where past versions tell.
    decision_before: Option<Text>,
    decision_after: Option<Text>,
}

/// One topic of the review list.
#[derive(Debug, Serialize, JsonSchema)]
struct ReviewReport {
    topic: &'static str,
    finding: String,
}

/// One source.
#[derive(Debug, Serialize, JsonSchema)]
struct CoverageReport {
    source: &'static str,
    from: Option<Time>,
    to: Option<Time>,
    /// What it cannot show, or why it was not read.
    blind_to: &'static str,
}

impl Tool for CorrelateChanges {
    const NAME: &'static str = "correlate_changes";
    const TITLE: &'static str = "What changed before the 404s began";
    const DESCRIPTION: &'static str = "Tests six hypotheses against every recorded change before the 404s began: \
        ingress rules, ingress paths, backend Service, controller restart, class or annotation, rollout; each is \
        found, not_found or cannot_see. Call it once a URL is known to answer 404 and you ask since when and why. \
        It does not judge whether a rule matches: that is match_path.";
    const READ_ONLY: bool = true;
    const OPEN_WORLD: bool = true;
    const ALWAYS_LOAD: bool = false;
    const SEARCH_HINT: &'static str = "since when what changed history deploy rollout edit deleted timeline";
    type Params = Params;
    type Report = Report;

    async fn run(toolbox: &Toolbox, params: Params, call: &Call) -> Result<Report, ToolFailure> {
        let hypotheses = hypotheses(&params.hypotheses)?;
        let cluster = toolbox.cluster(params.context.as_deref()).await?;
        let namespace = toolbox.settings().namespace.as_deref();
        let named = params.ingress.as_ref().and_then(|name| name.within(namespace));
        let focus: BTreeSet<String> =
            named.iter().map(|name| name.namespace.clone()).chain(namespace.map(ToOwned::to_owned)).collect();
        let given = params.request()?;
        let gathered = case::gather(&cluster, &focus, given.as_ref(), true, call).await?;
        let request = match (given, &named) {
            (Some(request), _) => request,
            (None, Some(name)) => first_request(session::ingress(&gathered.snapshot, name)?)?,
            (None, None) => {
                return Err(ToolFailure::new(
                    FailureCode::BadArguments,
                    "nothing says which 404s are meant",
                    "pass url, or host and path, or ingress as NAMESPACE/NAME",
                ));
            }
        };
        let views = case::views(&gathered);
        let Some(view) = case::main_view(&views, &request) else {
            return Err(ToolFailure::new(
                FailureCode::NotFound,
                "there is no controller and no Ingress to judge",
                "check the context, or capture ingresses and ingressclasses",
            ));
        };
        call.progress.say(2, Some(4), "reading the controllers' logs");
        let decision = view.decide(&request);
        let wanted = Wanted {
            request: Some(&request),
            decision: Some(&decision),
            filter: Filter::status(404),
            since: gathered.snapshot.now - case::LOOK_BACK,
        };
        let controllers: Vec<_> = view.controller.into_iter().collect();
        let logs = case::read_logs(&cluster, &gathered, &controllers, &wanted, call).await;
        call.progress.say(3, Some(4), "weighing changes");
        let ask = Ask {
            onset: params.onset.map(|onset| onset.resolve(gathered.snapshot.now)),
            hypotheses,
            max_widenings: params.max_widenings.map(u32::from),
        };
        let correlated = case::correlate(&cluster, &gathered, view, &request, &decision, &logs, &ask);
        let mut gaps = logs.gaps.clone();
        gaps.extend(gathered.gaps.iter().cloned());
        for more in [
            gathered.snapshot.ingresses.gaps(),
            gathered.snapshot.services.gaps(),
            gathered.snapshot.revisions.gaps(),
            gathered.snapshot.events.gaps(),
            gathered.snapshot.pods.gaps(),
        ] {
            gaps.extend(more);
        }
        Ok(report(&correlated, &request, params.detail, &gap::reports(&gaps)))
    }
}

impl Params {
    fn request(&self) -> Result<Option<Request>, ToolFailure> {
        match (&self.url, &self.host) {
            (Some(Url(request)), _) => Ok(Some(request.clone())),
            (None, Some(Host(host))) => {
                let path = self.path.as_ref().map_or("/", |Path(path)| path.as_str());
                Request::parse(&format!("http://{host}{path}")).map(Some).map_err(|error| {
                    ToolFailure::new(FailureCode::BadArguments, error.to_string(), "pass a url instead")
                })
            }
            (None, None) => Ok(None),
        }
    }
}

fn hypotheses(asked: &[u8]) -> Result<BTreeSet<Hypothesis>, ToolFailure> {
    asked
        .iter()
        .map(|id| {
            Hypothesis::parse(*id).ok_or_else(|| {
                ToolFailure::new(
                    FailureCode::BadArguments,
                    format!("{id} is not a hypothesis"),
                    "use 1 ingress rules, 2 ingress paths, 3 backend service, 4 controller restart, 5 class or annotation, 6 rollout",
                )
            })
        })
        .collect()
}

/// The request that an Ingress's first rule is written for.
fn first_request(ingress: &Ingress) -> Result<Request, ToolFailure> {
    let first = ingress.path_rules().find(|(_, _, host, _)| !host.is_empty());
    let url = first.map(|(_, _, host, rule)| {
        let end =
            rule.path.find(['(', '[', '*', '+', '?', '|', '^', '$', '{', '\\']).unwrap_or(rule.path.len());
        let literal = rule.path.get(..end).filter(|path| path.starts_with('/')).unwrap_or("/");
        format!("http://{}{literal}", host.replacen("*.", "any.", 1))
    });
    url.and_then(|url| Request::parse(&url).ok()).ok_or_else(|| {
        ToolFailure::new(
            FailureCode::BadArguments,
            "this Ingress has no rule with a host",
            "pass url, or host and path",
        )
    })
}

fn report(correlated: &Correlated, request: &Request, detail: Detail, gaps: &[GapReport]) -> Report {
    let most = match detail {
        Detail::Concise => 3,
        Detail::Detailed => 10,
    };
    let url = request.url();
    let mut total = 0;
    let mut shown = 0;
    let timeline_text = timeline::render(correlated, most * 4, |text| neutralise(text));
    let mut fixed = Report {
        onset: OnsetReport {
            at: Time(correlated.onset.at),
            confidence: correlated.onset.confidence.as_str(),
            basis: match correlated.onset.basis {
                OnsetBasis::Given => "given",
                OnsetBasis::AccessLog => "access_log",
                OnsetBasis::Assumed => "assumed",
            },
            last_success: correlated.onset.last_success.map(Time),
        },
        hypotheses: correlated.hypotheses.iter().map(|tested| hypothesis(tested, Vec::new())).collect(),
        review: correlated
            .review
            .iter()
            .map(|reviewed| ReviewReport {
                topic: topic(reviewed.topic),
                finding: finding(&reviewed.finding),
            })
            .collect(),
        coverage: correlated
            .coverage
            .iter()
            .map(|covered| CoverageReport {
                source: covered.source.as_str(),
                from: covered.from.map(Time),
                to: covered.to.map(Time),
                blind_to: if covered.unseen.is_some() { "not read" } else { blind_to(covered.source) },
            })
            .collect(),
        timeline: timeline_text,
        scope: Scope::of(
            &[
                Kind::Ingress,
                Kind::IngressClass,
                Kind::Service,
                Kind::Deployment,
                Kind::ReplicaSet,
                Kind::Event,
                Kind::Pod,
            ],
            &[],
        ),
        gaps: Vec::new(),
        truncated: None,
        next: next::steps([
            Next::new("match_path", "see which rule the URL hits now").with("url", &url),
            Next::new("diagnose", "get the verdict over all of this").with("url", &url),
        ]),
    };
    fixed.scope.to = Some(Time(correlated.onset.at));
    let mut budget = Budget::beside(&fixed, &fixed.text());
    for (tested, report) in correlated.hypotheses.iter().zip(&mut fixed.hypotheses) {
        let suspects: Vec<SuspectReport> = tested.changes.iter().map(SuspectReport::from).collect();
        total += suspects.len();
        let (kept, _) = budget.keep(suspects, most, ToString::to_string, "");
        shown += kept.len();
        report.changes = kept;
    }
    let (kept, _) = budget.keep(gaps.to_vec(), 6, ToString::to_string, "");
    fixed.gaps = kept;
    fixed.truncated = (shown < total).then_some(Truncated {
        shown,
        total,
        how_to_narrow: "ask for one of the hypotheses, or detail detailed",
    });
    fixed
}

fn hypothesis(tested: &Tested, changes: Vec<SuspectReport>) -> HypothesisReport {
    HypothesisReport {
        id: tested.hypothesis.id(),
        name: match tested.hypothesis {
            Hypothesis::IngressRules => "ingress rules changed",
            Hypothesis::IngressPaths => "ingress paths changed",
            Hypothesis::BackendService => "backend Service deleted or modified",
            Hypothesis::ControllerRestart => "controller restarted or reloaded",
            Hypothesis::ClassOrAnnotation => "ingress class or annotation changed",
            Hypothesis::Rollout => "deployment rolled out or application path changed",
        },
        outcome: tested.outcome.as_str(),
        window: WindowReport {
            from: Time(tested.window.from),
            to: Time(tested.window.to),
            widened: tested.widened,
        },
        changes,
        because: because(tested),
    }
}

fn because(tested: &Tested) -> String {
    let mut text = match &tested.because {
        Because::Changes(count) => format!("{count} change(s) in the window touch the request"),
        Because::Covered(sources) => {
            let names: Vec<&str> = sources.iter().map(|source| source.as_str()).collect();
            format!("{} would have shown it and saw the whole window", names.join(", "))
        }
        Because::NotCovered(lacks) => {
            let names: Vec<String> = lacks
                .iter()
                .map(|lack| {
                    let why = match &lack.lack {
                        Lack::Unread(_) => "not read".to_owned(),
                        Lack::Since(at) => format!("reaches back to {} only", Time(*at)),
                        Lack::Until(at) => format!("ends at {}", Time(*at)),
                        Lack::Partial => "covers it in part".to_owned(),
                    };
                    format!("{} ({why})", lack.source.as_str())
                })
                .collect();
            if names.is_empty() {
                "no source that would show it was read".to_owned()
            } else {
                format!("no source saw the whole window: {}", names.join(", "))
            }
        }
    };
    if !tested.hints.is_empty() {
        text = format!("{text}; {} further write(s) may be one", tested.hints.len());
    }
    text
}

/// What a source cannot show, in short.
const fn blind_to(source: crate::model::change::ChangeSource) -> &'static str {
    use crate::model::change::ChangeSource;
    match source {
        ChangeSource::WatchReplay => "anything before its window or an API server restart",
        ChangeSource::History => "anything that was not recorded",
        ChangeSource::AuditLog => "contents that the audit level leaves out",
        ChangeSource::ManagedFields => "old values, removals and which path or host",
        ChangeSource::ObjectTimes => "edits and deletions",
        ChangeSource::Events => "anything older than an hour",
        ChangeSource::Revisions => "revisions that were pruned, ConfigMap edits",
        ChangeSource::PodStarts => "pods that are gone, earlier terminations",
        ChangeSource::EndpointSlices => "all but the last membership change",
        ChangeSource::ControllerLog => "deletions, rotated lines",
        ChangeSource::AccessLog => "times without requests",
        ChangeSource::Leases => "restarts that keep the leader",
    }
}

const fn topic(topic: ReviewTopic) -> &'static str {
    match topic {
        ReviewTopic::GradualTrouble => "gradual routing trouble in the logs",
        ReviewTopic::IntermittentMatching => "intermittent matching",
        ReviewTopic::AccumulatedConflicts => "conflicts accumulated over time",
        ReviewTopic::ConfigurationDrift => "configuration drift",
        ReviewTopic::HostResolution => "DNS or host-name resolution",
    }
}

fn finding(finding: &Finding) -> String {
    match finding {
        Finding::Clear => "nothing found".to_owned(),
        Finding::CannotSee => "could not be seen".to_owned(),
        Finding::Gradual { earlier, later, since } => {
            format!("404s without a rule grew from {earlier} to {later} since {}", Time(*since))
        }
        Finding::Intermittent { minutes, last } => {
            format!("both answers within the same minute, {minutes} time(s), last at {}", Time(*last))
        }
        Finding::Conflicts(count) => format!("{count} conflict(s): call find_conflicts"),
        Finding::Drift(drift) => {
            let shown: Vec<String> = drift
                .iter()
                .take(3)
                .map(|one| format!("{} {}", Text::new(&one.object.to_string()), Text::path(&one.field)))
                .collect();
            format!("{} field(s) differ from what was last applied: {}", drift.len(), shown.join(", "))
        }
        Finding::Elsewhere { name, addresses, expected } => {
            let list = |texts: &[String]| {
                texts.iter().map(|t| Text::new(t).to_string()).collect::<Vec<_>>().join(", ")
            };
            format!(
                "{} resolves to {}, the controller is reached at {}",
                Text::new(name),
                list(addresses),
                list(expected)
            )
        }
    }
}

impl From<&Suspect> for SuspectReport {
    fn from(suspect: &Suspect) -> Self {
        Self {
            change: ChangeReport::from(&suspect.change),
            seconds_to_onset: suspect.seconds_to_onset,
            touches_request: suspect.touches_request(),
            decision_before: suspect.decision_before.as_deref().map(Text::from),
            decision_after: suspect.decision_after.as_deref().map(Text::from),
        }
    }
}

impl fmt::Display for SuspectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} s before", self.change, self.seconds_to_onset)?;
        if let (Some(before), Some(after)) = (&self.decision_before, &self.decision_after)
            && before != after
        {
            write!(f, "; the request went from {before} to {after}")?;
        }
        if self.touches_request { Ok(()) } else { f.write_str("; does not touch the request") }
    }
}

impl Render for Report {
    fn text(&self) -> String {
        let onset = &self.onset;
        let mut lines = vec![format!("404s began {} ({}, {})", onset.at, onset.confidence, onset.basis)];
        lines.extend(onset.last_success.as_ref().map(|at| format!("Last success before: {at}")));
        for tested in &self.hypotheses {
            lines.push(format!("{}. {}: {} ({})", tested.id, tested.name, tested.outcome, tested.because));
            lines.extend(tested.changes.iter().map(|suspect| format!("   {suspect}")));
        }
        if !self.timeline.is_empty() {
            lines.push(self.timeline.clone());
        }
        for reviewed in &self.review {
            lines.push(format!("Review, {}: {}", reviewed.topic, reviewed.finding));
        }
        let unread: Vec<&str> = self
            .coverage
            .iter()
            .filter(|covered| covered.blind_to == "not read")
            .map(|covered| covered.source)
            .collect();
        if !unread.is_empty() {
            lines.push(format!("Sources not read: {}", unread.join(", ")));
        }
        lines.push(self.scope.to_string());
        lines.push(ending(self.truncated.as_ref(), &self.gaps, &self.next));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hypotheses_are_named_by_number() {
        assert_eq!(hypotheses(&[1, 6]).map(|set| set.len()).ok(), Some(2));
        let failure = hypotheses(&[7]).expect_err("seven");
        assert!(failure.next.contains("5 class or annotation"), "{failure}");
    }

    #[test]
    fn an_ingress_stands_for_its_first_rule() {
        let mut ingress = Ingress::default();
        assert!(first_request(&ingress).is_err());
        ingress.rules = vec![crate::model::ingress::Rule {
            host: Some("*.example.com".to_owned()),
            paths: Some(vec![crate::model::ingress::PathRule {
                path: "/api(/|$)(.*)".to_owned(),
                path_type: crate::model::ingress::PathType::ImplementationSpecific,
                backend: crate::model::ingress::Backend::Missing,
            }]),
        }];
        let url = first_request(&ingress).map(|request| request.url());
        assert_eq!(url.ok().as_deref(), Some("http://any.example.com/api"));
    }
}

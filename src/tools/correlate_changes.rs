//! `correlate_changes`: the six hypotheses, each held against every change that was seen.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::case::{self, Ask, Wanted};
use super::params::{Detail, Host, Moment, ObjectName, Path, Url};
use super::{Call, FailureCode, Tool, ToolFailure, Toolbox, session};
use crate::analysis::logs::filter::Filter;
use crate::analysis::timeline::review::Finding;
use crate::analysis::timeline::{Correlated, Hypothesis, OnsetBasis, Outcome};
use crate::model::ingress::Ingress;
use crate::model::object::Kind;
use crate::model::request::Request;
use crate::report::correlation::{
    CorrelationReport, CoverageReport, OnsetReport, ReviewReport, SuspectReport, blind_to, finding,
    hypothesis, topic,
};
use crate::report::gap::{self, GapReport};
use crate::report::limits::{Budget, Truncated};
use crate::report::next::{self, Next};
use crate::report::scope::Scope;
use crate::report::text::neutralise;
use crate::report::time::Time;
use crate::report::{Render, timeline};

/// See the module.
#[derive(Debug)]
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
    type Report = CorrelationReport;

    async fn run(toolbox: &Toolbox, params: Params, call: &Call) -> Result<CorrelationReport, ToolFailure> {
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
        let Some(view) = case::main_view(&views, &request, Some(&gathered)) else {
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
        gaps.extend(gathered.gaps.iter().chain(&gathered.snapshot.gaps).cloned());
        for more in [
            gathered.snapshot.ingresses.gaps(),
            gathered.snapshot.services.gaps(),
            gathered.snapshot.revisions.gaps(),
            gathered.snapshot.events.gaps(),
            gathered.snapshot.pods.gaps(),
            gathered.snapshot.classes.gaps(),
            gathered.snapshot.slices.gaps(),
            gathered.snapshot.workloads.gaps(),
            gathered.snapshot.leases.gaps(),
            gathered.snapshot.gaps.clone(),
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

fn report(
    correlated: &Correlated,
    request: &Request,
    detail: Detail,
    gaps: &[GapReport],
) -> CorrelationReport {
    let most = match detail {
        Detail::Concise => 2,
        Detail::Detailed => 10,
    };
    let concise = detail == Detail::Concise;
    let explained = correlated.hypotheses.iter().any(|tested| tested.outcome == Outcome::Found);
    let url = request.url();
    let mut total = 0;
    let mut shown = 0;
    let timeline_text = timeline::render(correlated, if concise { 10 } else { 40 }, neutralise);
    let mut fixed = CorrelationReport {
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
            .filter(|reviewed| !(concise && explained && reviewed.finding == Finding::Clear))
            .map(|reviewed| ReviewReport {
                topic: topic(reviewed.topic),
                finding: finding(&reviewed.finding),
            })
            .collect(),
        coverage: correlated
            .coverage
            .iter()
            .filter(|covered| !(concise && explained) || covered.unseen.is_some() || covered.from.is_some())
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
        let mut suspects: Vec<SuspectReport> = tested.changes.iter().map(SuspectReport::from).collect();
        total += suspects.len();
        if concise && suspects.iter().any(|suspect| suspect.touches_request) {
            suspects.retain(|suspect| suspect.touches_request);
        }
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

//! `match_path`: which rule takes a request under each controller, and why every other lost.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::get_ingress::anywhere;
use super::params::{Detail, Header, Host, ObjectName, Path, Slug, Url};
use super::{Call, FailureCode, Tool, ToolFailure, Toolbox, compare, session};
use crate::analysis::facts::candidates::touches;
use crate::analysis::routing::{Decision, Outcome};
use crate::analysis::view::{self, View};
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::object::{Kind, Name};
use crate::model::request::{Request, Scheme};
use crate::model::snapshot::Snapshot;
use crate::report::gap::{self, GapReport};
use crate::report::limits::{Budget, Truncated};
use crate::report::next::{self, Next};
use crate::report::route::{DecisionReport, not_installed, outcome_word};
use crate::report::scope::Scope;
use crate::report::text::Text;
use crate::report::{Render, ending};

/// See the module.
#[derive(Debug)]
pub struct MatchPath;

/// What to decide, and under whose rules.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The URL to decide, such as https://shop.example.com/api/v1; its path is taken byte for byte.
    url: Option<Url>,
    /// Instead of url: the host.
    host: Option<Host>,
    /// Instead of url: the path. Default /.
    path: Option<Path>,
    /// With host: http or https. Default http.
    scheme: Option<SchemeName>,
    /// Default GET.
    method: Option<String>,
    /// Request headers, each `Name: value`; they matter for canaries.
    #[serde(default)]
    headers: Vec<Header>,
    /// Decide under these controllers too, running here or not. Default: those that adopted a candidate.
    #[serde(default)]
    controllers: Vec<Slug>,
    /// Without a URL: decide every rule of this Ingress.
    ingress: Option<ObjectName>,
    /// Without a URL: decide every rule of this namespace; else where ingress is looked for.
    namespace: Option<String>,
    /// The kubeconfig context.
    context: Option<String>,
    /// How much to tell. Default concise.
    #[serde(default)]
    detail: Detail,
}

/// http or https.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SchemeName {
    Http,
    Https,
}

/// What becomes of the request under each controller.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// What was decided: the URL, or the set of rules.
    request: Text,
    /// One a controller.
    decisions: Vec<DecisionReport>,
    /// Without a URL: rules whose own URL ends elsewhere, grouped by how.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<RulesReport>,
    /// Between the first decision and others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<String>,
    /// Without a URL: what would change under controllers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    comparisons: Vec<String>,
    scope: Scope,
    gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    next: Vec<Next>,
}

/// Every rule's own URL, decided.
#[derive(Debug, Serialize, JsonSchema)]
struct RulesReport {
    /// Rules decided.
    decided: usize,
    /// Rules whose URL reaches their own backend.
    as_written: usize,
    differing: Vec<Differing>,
}

/// Rules that end elsewhere in the same way.
#[derive(Debug, Serialize, JsonSchema)]
struct Differing {
    controller: &'static str,
    ingress: Text,
    outcome: &'static str,
    count: usize,
    /// One of the URLs.
    example: Text,
    /// Where it ends instead.
    ends_at: Text,
}

impl Tool for MatchPath {
    const NAME: &'static str = "match_path";
    const TITLE: &'static str = "Which rule takes this URL";
    const DESCRIPTION: &'static str = "Simulates, per ingress controller, which Ingress or HTTPRoute rule a URL hits, what the \
        upstream receives, and why every other rule lost. Call it with the failing URL once you know the \
        controller; without a URL it checks every rule of an Ingress or namespace. It reads objects only, \
        not logs, and sends nothing.";
    const READ_ONLY: bool = true;
    const OPEN_WORLD: bool = false;
    const ALWAYS_LOAD: bool = false;
    const SEARCH_HINT: &'static str = "route rule path host regex rewrite match ingress url 404";
    type Params = Params;
    type Report = Report;

    async fn run(toolbox: &Toolbox, params: Params, _call: &Call) -> Result<Report, ToolFailure> {
        let request = params.request()?;
        let cluster = toolbox.cluster(params.context.as_deref()).await?;
        let namespace = params.namespace.as_deref().or(toolbox.settings().namespace.as_deref());
        let named = params.ingress.as_ref().and_then(|name| name.within(namespace));
        let focus: BTreeSet<String> = named
            .as_ref()
            .map(|name| name.namespace.clone())
            .into_iter()
            .chain(namespace.map(ToOwned::to_owned))
            .collect();
        let snapshot = match &request {
            None if focus.is_empty() && params.ingress.is_none() => {
                session::look_behind_all(&cluster, &focus).await?
            }
            request => session::look(&cluster, &focus, request.as_ref()).await?,
        };
        let named = match (&params.ingress, named) {
            (Some(name), None) if request.is_none() => Some(anywhere(&snapshot, &name.name)?),
            (_, named) => named,
        };
        if let Some(name) = &named {
            session::ingress(&snapshot, name)?;
        }
        match request {
            Some(request) => Ok(one(&params, &request, &snapshot)),
            None => all(&params, named.as_ref(), namespace, &snapshot),
        }
    }
}

impl Params {
    fn request(&self) -> Result<Option<Request>, ToolFailure> {
        let mut request = match (&self.url, &self.host) {
            (Some(Url(request)), _) => request.clone(),
            (None, Some(Host(host))) => {
                let scheme = match self.scheme {
                    Some(SchemeName::Https) => Scheme::Https,
                    Some(SchemeName::Http) | None => Scheme::Http,
                };
                let path = self.path.as_ref().map_or("/", |Path(path)| path.as_str());
                Request::parse(&format!("{}://{host}{path}", scheme.as_str())).map_err(|error| {
                    ToolFailure::new(FailureCode::BadArguments, error.to_string(), "pass a url instead")
                })?
            }
            (None, None) if self.path.is_some() => {
                return Err(ToolFailure::new(
                    FailureCode::BadArguments,
                    "a path without a host decides nothing",
                    "pass url, or host and path",
                ));
            }
            (None, None) => return Ok(None),
        };
        if let Some(method) = &self.method {
            request.method = method.to_ascii_uppercase();
        }
        request.headers =
            self.headers.iter().map(|Header(name, value)| (name.clone(), value.clone())).collect();
        Ok(Some(request))
    }
}

/// The views to decide under: those asked for, else the controllers that adopted a candidate, else all.
fn chosen<'a>(asked: &[Slug], snapshot: &'a Snapshot, host: Option<&str>) -> Vec<View<'a>> {
    let running = view::views(snapshot);
    if !asked.is_empty() {
        let mut chosen: Vec<View<'a>> = Vec::new();
        for Slug(kind) in asked {
            let of_kind = snapshot.controllers.iter().filter(|controller| controller.kind == *kind);
            let found: Vec<View<'a>> =
                of_kind.map(|controller| view::of_controller(controller, snapshot)).collect();
            if found.is_empty() {
                chosen.push(view::hypothetical(*kind, snapshot));
            } else {
                chosen.extend(found);
            }
        }
        return chosen;
    }
    let adopts = |view: &View<'_>| {
        view.adopted.iter().any(|(ingress, _)| host.is_none_or(|host| touches(ingress, host)))
            || view.table.has_routes_for(host)
    };
    if running.iter().any(adopts) { running.into_iter().filter(adopts).collect() } else { running }
}

fn one(params: &Params, request: &Request, snapshot: &Snapshot) -> Report {
    let views = chosen(&params.controllers, snapshot, Some(request.host.as_str()));
    let limit = match params.detail {
        Detail::Concise => 6,
        Detail::Detailed => 20,
    };
    let mut shown = 0;
    let mut total = 0;
    let mut decisions = Vec::new();
    let mut budget = Budget::new(7_000);
    for view in &views {
        let decision = view.decide(request);
        let explanation = view.explain(request, limit, snapshot);
        let mut report = DecisionReport::new(view.kind, view.basis, &decision, &explanation);
        if view.is_of_gateways() {
            report.notes.extend(not_installed(&snapshot.not_installed));
        }
        total += explanation.total;
        let lost = std::mem::take(&mut report.eliminated);
        budget.spend(&report, &report.to_string());
        let (kept, _) =
            budget.keep(lost, limit, |lost| format!("{}{}{}", lost.route, lost.rule, lost.because), "");
        shown += kept.len();
        report.eliminated = kept;
        decisions.push((report, decision));
    }
    let first = decisions.first().map(|(_, decision)| decision);
    let backend =
        first.and_then(|decision| decision.winner.as_ref()).and_then(|winner| winner.backend.as_ref());
    let decided: Vec<&Decision> = decisions.iter().map(|(_, decision)| decision).collect();
    let differences = compare::differences(&views, request, &decided, snapshot);
    let url = request.url();
    let next = match (first.map(|decision| decision.outcome), backend) {
        (Some(Outcome::Routed | Outcome::Unavailable), Some(backend)) => next::steps([
            Next::new("check_backend", "a rule takes the URL: see whether its Service answers")
                .with("namespace", &backend.service.namespace)
                .with("service", &backend.service.name)
                .with("port", &backend.port.to_string()),
            Next::new("controller_logs_filtered", "see who answered the 404s of this URL").with("url", &url),
        ]),
        (outcome, _) => unanswered(request, outcome, first.and_then(|first| first.location.as_deref())),
    };
    Report {
        request: Text::new(&format!("{} {url}", request.method)),
        decisions: decisions.into_iter().map(|(report, _)| report).collect(),
        rules: None,
        differences,
        comparisons: Vec::new(),
        scope: scope(&views, &[]),
        gaps: gaps(snapshot, &views),
        truncated: (shown < total).then_some(Truncated {
            shown,
            total,
            how_to_narrow: "detail detailed shows more losers; name a controller to see it alone",
        }),
        next,
    }
}

fn all(
    params: &Params,
    named: Option<&Name>,
    namespace: Option<&str>,
    snapshot: &Snapshot,
) -> Result<Report, ToolFailure> {
    if named.is_none() && namespace.is_none() && params.controllers.is_empty() {
        return Err(ToolFailure::new(
            FailureCode::BadArguments,
            "there is nothing to decide",
            "pass url, or host and path; or ingress or namespace for every rule of it; or controllers for every rule there is",
        ));
    }
    let is_asked = |ingress: &Ingress| match named {
        Some(name) => ingress.meta.key() == *name,
        None => namespace.is_none_or(|namespace| ingress.meta.namespace == namespace),
    };
    let ingresses: Vec<&Ingress> = snapshot.ingresses.items().iter().filter(|i| is_asked(i)).collect();
    let views = chosen(&params.controllers, snapshot, None);
    let mut decided = 0;
    let mut as_written = 0;
    let mut groups: BTreeMap<(usize, String, &'static str, String), (usize, String)> = BTreeMap::new();
    for ingress in &ingresses {
        for (r, p, _, rule) in ingress.path_rules() {
            let Some(request) = sample(ingress, r, p) else { continue };
            for (at, view) in views.iter().enumerate() {
                decided += 1;
                let decision = view.decide(&request);
                let own = decision.winner.as_ref().is_some_and(|winner| {
                    winner.is_of(&ingress.meta.key())
                        && winner.backend.as_ref().is_some_and(|target| {
                            rule.backend.service().is_some_and(|(name, _)| *name == target.service.name)
                        })
                });
                if own && decision.outcome == Outcome::Routed {
                    as_written += 1;
                    continue;
                }
                let ends = match (&decision.winner, &decision.location) {
                    (_, Some(location)) => location.clone(),
                    (Some(winner), None) => winner.ingress.to_string(),
                    (None, None) => decision.status.map(|status| status.to_string()).unwrap_or_default(),
                };
                let key = (at, ingress.meta.key().to_string(), outcome_word(decision.outcome), ends);
                let group = groups.entry(key).or_insert_with(|| (0, request.url()));
                group.0 += 1;
            }
        }
    }
    let differing: Vec<Differing> = groups
        .into_iter()
        .filter_map(|((at, ingress, outcome, ends), (count, example))| {
            Some(Differing {
                controller: views.get(at)?.kind.slug(),
                ingress: Text::new(&ingress),
                outcome,
                count,
                example: Text::new(&example),
                ends_at: Text::new(&ends),
            })
        })
        .collect();
    let kinds: Vec<ControllerKind> = params.controllers.iter().map(|Slug(kind)| *kind).collect();
    let (comparisons, cut) = compare::comparisons(&kinds, snapshot, is_asked);
    let mut budget = Budget::new(if comparisons.is_empty() { 6_000 } else { 2_000 });
    let first = differing.first().map(|group| group.example.as_str().to_owned());
    let (differing, truncated) =
        budget.keep(differing, 40, ToString::to_string, "name one ingress, or one namespace");
    let what = match (named, namespace) {
        (Some(name), _) => format!("every rule of Ingress {name}"),
        (None, Some(namespace)) => format!("every rule of namespace {namespace}"),
        (None, None) => "every rule of all namespaces".to_owned(),
    };
    Ok(Report {
        request: Text::new(&what),
        decisions: Vec::new(),
        rules: Some(RulesReport { decided, as_written, differing }),
        differences: Vec::new(),
        comparisons,
        scope: scope(&views, namespace.map(|ns| vec![ns]).unwrap_or_default().as_slice()),
        gaps: gaps(snapshot, &views),
        truncated: cut.or(truncated),
        next: next::steps(
            first.map(|url| Next::new("match_path", "see why this URL ends elsewhere").with("url", &url)),
        ),
    })
}

/// What to do where no Service gets the request. A redirect's address is written by anybody: only that
/// of the same URL over TLS is followed.
fn unanswered(request: &Request, outcome: Option<Outcome>, location: Option<&str>) -> Vec<Next> {
    let url = request.url();
    let host = request.host.as_str();
    let logs = |why| Next::new("controller_logs_filtered", why).with("url", &url);
    let conflicts = |why| Next::new("find_conflicts", why).with("host", host);
    match outcome {
        Some(Outcome::Redirect) => {
            let secure = url.replacen("http://", "https://", 1);
            let same = location.filter(|location| *location == secure && secure != url);
            let follow = same.map(|_| {
                Next::new("match_path", "the answer is a redirect: see what takes the URL over TLS")
                    .with("url", &secure)
            });
            let seen = logs("the answer is a redirect, not a 404: see what clients got");
            next::steps(follow.into_iter().chain([seen]))
        }
        Some(Outcome::Refused) => next::steps([
            conflicts("the request, or the whole configuration, is refused: see what stands in the way"),
            logs("see what clients got"),
        ]),
        Some(Outcome::Undefined) => next::steps([
            conflicts("which rule takes the URL is not determined: see which collide"),
            logs("see who answered"),
        ]),
        Some(Outcome::Routed | Outcome::Unavailable) => {
            next::steps([logs("a rule takes the URL and names no Service: see who answered")])
        }
        Some(Outcome::NoRoute) | None => next::steps([
            Next::new("correlate_changes", "no rule takes the URL as asked: see what changed before")
                .with("url", &url),
            conflicts("see whether other Ingresses of the host interfere"),
        ]),
    }
}

/// A URL that a rule is written for; patterns are asked for by their literal head.
pub(super) fn sample(ingress: &Ingress, rule: usize, path: usize) -> Option<Request> {
    let written = ingress.rules.get(rule)?;
    let place = written.paths().get(path)?;
    let host = match written.host() {
        "" => "any.example.invalid".to_owned(),
        host => host.replacen("*.", "any.", 1),
    };
    let end =
        place.path.find(['(', '[', '*', '+', '?', '|', '^', '$', '{', '\\']).unwrap_or(place.path.len());
    let literal = place.path.get(..end).unwrap_or("/");
    let tls =
        ingress.tls.iter().any(|tls| tls.hosts.is_empty() || tls.hosts.iter().any(|h| h == written.host()));
    let scheme = if tls { "https" } else { "http" };
    Request::parse(&format!("{scheme}://{host}{}", if literal.is_empty() { "/" } else { literal })).ok()
}

pub(super) fn scope(views: &[View<'_>], namespaces: &[&str]) -> Scope {
    let mut kinds = vec![Kind::Ingress, Kind::IngressClass, Kind::Service, Kind::EndpointSlice];
    if views.iter().any(View::is_of_gateways) {
        kinds.extend(Kind::GATEWAY);
    }
    let mut scope = Scope::of(&kinds, namespaces);
    scope.controllers = views
        .iter()
        .map(|view| match view.controller {
            Some(controller) => Text::new(&format!("{} {}", view.kind, controller.workload.name)),
            None => Text::new(view.kind.slug()),
        })
        .collect();
    scope
}

/// What was not seen of what routing depends on.
pub(super) fn gaps(snapshot: &Snapshot, views: &[View<'_>]) -> Vec<GapReport> {
    let mut gaps = snapshot.ingresses.gaps();
    gaps.extend(snapshot.classes.gaps());
    gaps.extend(snapshot.gateway_classes.gaps());
    gaps.extend(snapshot.gateways.gaps());
    gaps.extend(snapshot.http_routes.gaps());
    gaps.extend(snapshot.grants.gaps());
    gaps.extend(snapshot.services.gaps());
    gaps.extend(snapshot.slices.gaps());
    gaps.extend(snapshot.gaps.iter().cloned());
    for view in views {
        if let Some((_, crate::model::snapshot::Lookup::Unseen(gap))) =
            view.controller.and_then(|controller| controller.config_map.as_ref())
        {
            gaps.push(gap.clone());
        }
    }
    if snapshot.controllers.is_empty() {
        gaps.push(crate::model::gap::Gap {
            what: crate::model::gap::Unseen::Controller {
                detail: "no running ingress controller was recognised, so rules are judged by the Ingress API's text".to_owned(),
            },
            why: crate::model::gap::Why::NotCaptured,
        });
    }
    gap::reports(&gaps)
}

impl std::fmt::Display for Differing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { controller, ingress, outcome, count, example, ends_at } = self;
        write!(
            f,
            "{controller}: {count} rule(s) of {ingress}: {outcome}, ends at {ends_at}; such as {example}"
        )
    }
}

impl Render for Report {
    fn text(&self) -> String {
        let mut lines = vec![self.request.to_string()];
        lines.extend(self.decisions.iter().map(ToString::to_string));
        lines.extend(self.differences.iter().cloned());
        if let Some(rules) = &self.rules {
            lines.push(format!("{} of {} rules reach their own backend", rules.as_written, rules.decided));
            lines.extend(rules.differing.iter().map(ToString::to_string));
        }
        lines.extend(self.comparisons.iter().cloned());
        lines.push(self.scope.to_string());
        lines.push(ending(self.truncated.as_ref(), &self.gaps, &self.next));
        lines.join("\n")
    }
}

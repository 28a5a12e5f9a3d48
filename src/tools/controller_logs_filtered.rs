//! `controller_logs_filtered`: what the controllers' logs say of 404s, and of anything that stops
//! routing.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::case::{self, Wanted};
use super::params::{Detail, Host, Moment, ObjectName, Path, Url};
use super::{Call, FailureCode, Tool, ToolFailure, Toolbox, session};
use crate::analysis::logs::filter::Filter;
use crate::analysis::logs::messages::Message;
use crate::analysis::logs::scan::{GroupKey, Reach, Told};
use crate::analysis::logs::tally::Tallied;
use crate::analysis::view::View;
use crate::model::controller::Controller;
use crate::model::gap::{Gap, Unseen, Why};
use crate::model::log::Window;
use crate::model::object::Kind;
use crate::model::request::Request;
use crate::report::Render;
use crate::report::gap;
use crate::report::limits::Budget;
use crate::report::logs::{GroupReport, LogsReport, MessageReport, OnsetReport, coverage_words};
use crate::report::next::{self, Next};
use crate::report::scope::Scope;
use crate::report::silence;
use crate::report::text::Text;
use crate::report::time::Time;

/// See the module.
#[derive(Debug)]
pub struct ControllerLogsFiltered;

/// Which requests, in which logs.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The URL whose requests are wanted; gives the onset of its 404s too.
    url: Option<Url>,
    /// Only requests of this host, where the log format has the host.
    host: Option<Host>,
    /// Only requests of this path, ids in it aside.
    path: Option<Path>,
    /// Only requests of this Ingress's hosts, NAMESPACE/NAME.
    ingress: Option<ObjectName>,
    /// The status wanted. Default 404.
    status: Option<u16>,
    /// From when: a time, or a time back from now such as 2h. Default 6h.
    since: Option<Moment>,
    /// Until when. Default now.
    until: Option<Moment>,
    /// Only the controller whose workload has this name, NAMESPACE/NAME.
    controller: Option<ObjectName>,
    /// Only lines that match this regular expression.
    pattern: Option<String>,
    /// Where the last result said it stopped.
    cursor: Option<String>,
    /// The kubeconfig context.
    context: Option<String>,
    /// How much to tell. Default concise.
    #[serde(default)]
    detail: Detail,
}

impl Tool for ControllerLogsFiltered {
    const NAME: &'static str = "controller_logs_filtered";
    const TITLE: &'static str = "What the controllers' logs say";
    const DESCRIPTION: &'static str = "Reads the ingress controllers' logs of all replicas and groups 404s by who \
        answered: no rule matched, the upstream, an error page, or undecidable; with the onset of the current run, \
        controller messages about any object, and whether such a request would be logged at all. Call it to learn \
        who writes the 404. It reads no application logs.";
    const READ_ONLY: bool = true;
    const OPEN_WORLD: bool = true;
    const ALWAYS_LOAD: bool = false;
    const SEARCH_HINT: &'static str = "controller access log 404 nginx lines onset who answered reload error";
    type Params = Params;
    type Report = LogsReport;

    async fn run(toolbox: &Toolbox, params: Params, call: &Call) -> Result<LogsReport, ToolFailure> {
        let skip = cursor(params.cursor.as_deref())?;
        let pattern = params
            .pattern
            .as_deref()
            .map(|pattern| {
                Filter::pattern(pattern).ok_or_else(|| {
                    ToolFailure::new(
                        FailureCode::BadArguments,
                        "the pattern is not a regular expression this program takes",
                        "write it in RE2 syntax, without look-around or backreferences",
                    )
                })
            })
            .transpose()?;
        let cluster = toolbox.cluster(params.context.as_deref()).await?;
        let namespace = toolbox.settings().namespace.as_deref();
        let named = params.ingress.as_ref().and_then(|name| name.within(namespace));
        let focus: BTreeSet<String> = named.iter().map(|name| name.namespace.clone()).collect();
        let request = params.request()?;
        let gathered = case::gather(&cluster, &focus, request.as_ref(), false, call).await?;
        let views = case::views(&gathered);
        let snapshot = &gathered.snapshot;
        let host = match &named {
            Some(name) => {
                let ingress = session::ingress(snapshot, name)?;
                ingress.hosts().first().and_then(|host| crate::model::host::HostName::parse(host).ok())
            }
            None => None,
        };
        let view = request.as_ref().and_then(|request| case::main_view(&views, request, Some(&gathered)));
        let controllers: Vec<&Controller> = match (&params.controller, view.and_then(|view| view.controller))
        {
            (Some(wanted), _) => snapshot
                .controllers
                .iter()
                .filter(|controller| {
                    controller.workload.name.name == wanted.name
                        && wanted
                            .namespace
                            .as_ref()
                            .is_none_or(|ns| *ns == controller.workload.name.namespace)
                })
                .collect(),
            (None, Some(controller)) => vec![controller],
            (None, None) => snapshot.controllers.iter().collect(),
        };
        if controllers.is_empty() {
            session::need_controllers(snapshot)?;
            let names = snapshot.controllers.iter().map(|c| c.workload.name.to_string()).collect::<Vec<_>>();
            return Err(ToolFailure::new(
                FailureCode::NotFound,
                format!(
                    "no such controller was found; there are: {}",
                    session::nearest("", names.iter().map(String::as_str))
                ),
                "leave controller out, or name one of these",
            ));
        }
        let until = params.until.map_or(snapshot.now, |until| until.resolve(snapshot.now));
        let since = params.since.map_or(until - case::LOOK_BACK, |since| since.resolve(snapshot.now));
        let mut filter = Filter::status(params.status.unwrap_or(404));
        filter.host = params
            .host
            .as_ref()
            .map(|Host(host)| host.clone())
            .or_else(|| request.as_ref().map(|request| request.host.clone()))
            .or(host);
        filter.path = match (&params.path, &request) {
            (Some(Path(path)), _) => Some(path.as_str().to_owned()),
            (None, Some(request)) => Some(request.path.as_str().to_owned()),
            (None, None) => None,
        };
        filter.pattern = pattern;
        let reach = filter.host.as_ref().map(|host| case::reach(&gathered, host.as_str()));
        filter.window = Some(Window { from: since, to: until });
        let decision = view.zip(request.as_ref()).map(|(view, request)| view.decide(request));
        let wanted = Wanted { request: request.as_ref(), decision: decision.as_ref(), filter, since };
        call.progress.say(2, Some(4), "reading the controllers' logs");
        let mut logs = case::read_logs(&cluster, &gathered, &controllers, &wanted, call).await;
        logs.gaps.extend(snapshot.gaps.iter().cloned());
        let silence = match (view, &request, &decision) {
            (Some(view), Some(request), Some(decision)) => {
                silence::of_request(&case::logging(view, request, decision))
            }
            _ => "ask with a url to learn whether its requests would be logged".to_owned(),
        };
        let asked = Asked {
            request: request.as_ref(),
            reach: reach.as_ref(),
            controllers: &controllers,
            since,
            until,
            silence,
            skip,
            is_capture: cluster.capture().is_some(),
        };
        Ok(report(&asked, &logs, params.detail, view))
    }
}

struct Asked<'a> {
    request: Option<&'a Request>,
    /// Of the asked host.
    reach: Option<&'a Reach>,
    controllers: &'a [&'a Controller],
    since: chrono::DateTime<chrono::Utc>,
    until: chrono::DateTime<chrono::Utc>,
    silence: String,
    skip: usize,
    is_capture: bool,
}

impl Params {
    fn request(&self) -> Result<Option<Request>, ToolFailure> {
        match (&self.url, &self.host, &self.path) {
            (Some(Url(request)), _, _) => Ok(Some(request.clone())),
            (None, Some(Host(host)), Some(Path(path))) => {
                Request::parse(&format!("http://{host}{}", path.as_str())).map(Some).map_err(|error| {
                    ToolFailure::new(FailureCode::BadArguments, error.to_string(), "pass a url instead")
                })
            }
            (None, _, _) => Ok(None),
        }
    }
}

fn cursor(text: Option<&str>) -> Result<usize, ToolFailure> {
    text.map_or(Ok(0), |text| {
        text.strip_prefix("groups:").and_then(|number| number.parse().ok()).ok_or_else(|| {
            ToolFailure::new(
                FailureCode::BadArguments,
                "this is not a cursor of this tool",
                "start again without cursor",
            )
        })
    })
}

fn report(asked: &Asked<'_>, logs: &case::Logs, detail: Detail, view: Option<&View<'_>>) -> LogsReport {
    let most = match detail {
        Detail::Concise => 8,
        Detail::Detailed => 20,
    };
    let story = logs.asked.as_ref().and_then(|scan| scan.asked.as_ref());
    let onset = story.and_then(|story| story.onset.as_ref()).filter(|onset| onset.ended.is_none());
    let (requests, by_host) = of_host(&logs.filtered.requests, asked.reach);
    let total = requests.len();
    let groups: Vec<GroupReport> = requests.into_iter().map(GroupReport::from).skip(asked.skip).collect();
    let mut scope = Scope::of(&[Kind::Pod], &[]);
    scope.controllers =
        asked.controllers.iter().map(|c| Text::new(&format!("{} {}", c.kind, c.workload.name))).collect();
    scope.from = Some(Time(asked.since));
    scope.to = Some(Time(asked.until));
    let mut gaps = logs.gaps.clone();
    if logs.streams.is_empty() && !gaps.iter().any(|gap| matches!(gap.what, Unseen::Log { .. })) {
        gaps.extend(asked.controllers.iter().map(|controller| Gap {
            what: Unseen::AccessLog { controller: controller.workload.name.to_string() },
            why: if asked.is_capture { Why::NotCaptured } else { Why::Rotated },
        }));
    }
    let next = match asked.request {
        Some(request) => {
            let url = request.url();
            let no_rule = groups.first().is_some_and(|group| group.answered_by == "no_rule_matched");
            let first = if no_rule || groups.is_empty() {
                Next::new("match_path", "see whether any rule takes the URL").with("url", &url)
            } else {
                Next::new("correlate_changes", "an upstream answered: see what changed before")
                    .with("url", &url)
            };
            next::steps([first, Next::new("diagnose", "get the verdict over all of this").with("url", &url)])
        }
        None => next::steps([Next::new("find_conflicts", "see which Ingresses interfere")]),
    };
    let mut report = LogsReport {
        summary: format!("{}{by_host}", summary(&groups, total, logs, view)),
        onset: onset.map(|onset| OnsetReport {
            at: Time(onset.mixed_since.unwrap_or(onset.at)),
            last_success: onset.last_success.map(Time),
            failures: onset.failures,
            confidence: onset.confidence.as_str(),
        }),
        groups: Vec::new(),
        messages: Vec::new(),
        silence: asked.silence.clone(),
        coverage: logs.coverage.iter().take(12).map(coverage_words).collect(),
        scope,
        gaps: Vec::new(),
        truncated: None,
        next_cursor: None,
        next,
    };
    let mut budget = Budget::beside(&report, &report.text());
    let (kept, _) = budget.keep(gap::reports(&gaps), 6, ToString::to_string, "");
    report.gaps = kept;
    // Both lists get their share: groups answer the question, messages explain it.
    let (kept, truncated) = budget.keep(
        groups,
        most,
        ToString::to_string,
        "pass next_cursor, or a url, host, path or shorter time",
    );
    report.groups = kept;
    let shown = asked.skip + report.groups.len();
    report.next_cursor = (shown < total).then(|| format!("groups:{shown}"));
    report.truncated = truncated;
    let mut messages: Vec<&Tallied<Message>> = logs.filtered.messages.iter().collect();
    messages.sort_by_key(|message| (message.key.kind.is_routine(), std::cmp::Reverse(message.last)));
    let messages: Vec<MessageReport> = messages
        .into_iter()
        .map(|message| {
            let told = MessageReport::from(message);
            let bare = detail == Detail::Concise && message.key.kind.is_routine();
            if bare { MessageReport { sample: None, ..told } } else { told }
        })
        .collect();
    let most = match detail {
        Detail::Concise => 4,
        Detail::Detailed => most,
    };
    let (kept, cut) = budget.keep(messages, most, ToString::to_string, "detail detailed shows more messages");
    report.messages = kept;
    report.truncated = report.truncated.take().or(cut);
    report
}

/// The groups that may be of the asked host, and what that rests on where the log names none.
fn of_host<'g>(
    groups: &'g [Tallied<GroupKey>],
    reach: Option<&Reach>,
) -> (Vec<&'g Tallied<GroupKey>>, String) {
    let Some(reach) = reach else { return (groups.iter().collect(), String::new()) };
    let told = |group: &Tallied<GroupKey>| match (&group.key.host, &group.key.upstream) {
        (Some(_), _) => Told::ThisHost,
        (None, upstream) => reach.told_by(upstream.as_deref().unwrap_or_default()),
    };
    let count = |what: Told| -> u64 {
        groups.iter().filter(|group| told(group) == what).map(|group| group.count).sum()
    };
    let unsure = match count(Told::Nothing) {
        0 => String::new(),
        unsure => format!("; the log names no host: {unsure} of these may be for another one"),
    };
    let others = match count(Told::AnotherHost) {
        0 => String::new(),
        others => format!("; left out: {others} sent to Services that only rules of other hosts name"),
    };
    let kept = groups.iter().filter(|group| told(group) != Told::AnotherHost).collect();
    (kept, format!("{unsure}{others}"))
}

fn summary(groups: &[GroupReport], total: usize, logs: &case::Logs, view: Option<&View<'_>>) -> String {
    let count = |what: &str| -> u64 {
        groups.iter().filter(|group| group.answered_by == what).map(|group| group.count).sum()
    };
    if total == 0 {
        let known = view.is_some_and(|view| view.controller.is_some());
        let cut = logs.coverage.iter().any(|read| read.cut.is_some())
            || logs.gaps.iter().any(|gap| matches!(gap.what, Unseen::Log { .. }));
        return match (logs.coverage.is_empty(), cut) {
            (true, _) => "no log was read",
            (false, true) => "no such request is in what was read of the log",
            (false, false) if known => "no such request is in the log",
            (false, false) => "nothing was found",
        }
        .to_owned();
    }
    format!(
        "{} by no rule, {} by an upstream, {} by an error page, {} undecidable",
        count("no_rule_matched"),
        count("upstream_answered"),
        count("intercepted"),
        count("undecidable")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_cursor_is_refused() {
        assert_eq!(cursor(Some("groups:8")).ok(), Some(8));
        assert!(cursor(Some("8")).expect_err("cursor").next.contains("without cursor"));
    }
}

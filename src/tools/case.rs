//! A case: everything gathered about one URL, and the bridge from evidence to the pure analysis. The
//! tools that read logs and changes, and the diagnosis over all of it, work on one.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::{Call, ToolFailure, session};
use crate::analysis::changes::{self, log_facts as change_log};
use crate::analysis::facts::candidates::touches;
use crate::analysis::facts::{self, LogCite};
use crate::analysis::logs::filter::Filter;
use crate::analysis::logs::messages::{MessageKind, Subject};
use crate::analysis::logs::scan::{Asked, Options, Reach, Scan, Scanner};
use crate::analysis::logs::silence::{Falls, Logging, would_log};
use crate::analysis::logs::tally::{SAMPLE, Sample};
use crate::analysis::logs::upstream_name;
use crate::analysis::routing::{Decision, Outcome};
use crate::analysis::timeline::{self, Correlated, Correlation, Hypothesis, Victim, WhatIf, World};
use crate::analysis::view::{self, View};
use crate::analysis::voice::{Expected, Voice};
use crate::evidence::cluster::Cluster;
use crate::evidence::gather;
use crate::model::change::{Replay, Versioned};
use crate::model::controller::Controller;
use crate::model::gap::{Gap, Unseen};
use crate::model::ingress::Ingress;
use crate::model::log::{LogStream, StreamCoverage};
use crate::model::object::{Kind, Name, Object, ObjectKey};
use crate::model::request::Request;
use crate::model::snapshot::{Lookup, Snapshot};
use crate::report::route::outcome_word;

/// How far back logs are read when nothing says otherwise.
pub(super) const LOOK_BACK: Duration = Duration::hours(6);

/// What was gathered.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) snapshot: Snapshot,
    pub(super) replays: Vec<Replay>,
    /// History that could not be read.
    pub(super) gaps: Vec<Gap>,
}

/// Gathers objects, and with `history` what changes are read from.
pub(super) async fn gather(
    cluster: &Cluster,
    focus: &BTreeSet<String>,
    request: Option<&Request>,
    with_history: bool,
    call: &Call,
) -> Result<Case, ToolFailure> {
    call.progress.say(0, Some(4), "reading ingresses, services and controllers");
    let mut snapshot = session::look(cluster, focus, request).await?;
    let mut replays = Vec::new();
    let mut gaps = Vec::new();
    if with_history {
        call.progress.say(1, Some(4), "reading what changed");
        let mut namespaces = session::behind(&snapshot, focus, request);
        namespaces.extend(snapshot.controllers.iter().map(|c| c.workload.name.namespace.clone()));
        gather::changes(cluster, &mut snapshot, &namespaces).await;
        (replays, gaps) = gather::past(cluster, &snapshot).await;
    }
    Ok(Case { snapshot, replays, gaps })
}

/// The view whose answer counts for a request: the one whose own rule takes it, then one that adopted
/// or refused an Ingress of the host, by trust in its model.
pub(super) fn main_view<'v, 'a>(views: &'v [View<'a>], request: &Request) -> Option<&'v View<'a>> {
    let host = request.host.as_str();
    views.iter().max_by_key(|view| {
        let wins = view.decide(request).winner.is_some();
        let adopted =
            view.adopted.iter().any(|(ingress, _)| exact(ingress, host) && view.adopts(&ingress.meta.key()));
        let knows = view.refused.iter().any(|(ingress, _)| exact(ingress, host));
        (wins, adopted, view.basis, knows)
    })
}

fn exact(ingress: &Ingress, host: &str) -> bool {
    ingress.rules.iter().any(|rule| rule.host().eq_ignore_ascii_case(host))
}

/// The logs of the controllers, scanned once for the asked URL and once for what is filtered.
#[derive(Debug)]
pub(super) struct Logs {
    /// Answers to the asked URL, all statuses.
    pub(super) asked: Option<Scan>,
    pub(super) filtered: Scan,
    pub(super) streams: Vec<LogStream>,
    pub(super) coverage: Vec<StreamCoverage>,
    pub(super) gaps: Vec<Gap>,
}

/// What to look for in the logs.
#[derive(Debug, Clone)]
pub(super) struct Wanted<'a> {
    pub(super) request: Option<&'a Request>,
    pub(super) decision: Option<&'a Decision>,
    pub(super) filter: Filter,
    pub(super) since: DateTime<Utc>,
}

/// Reads every replica's log, the previous run's first.
pub(super) async fn read_logs(
    cluster: &Cluster,
    case: &Case,
    controllers: &[&Controller],
    wanted: &Wanted<'_>,
    call: &Call,
) -> Logs {
    let snapshot = &case.snapshot;
    let settings = controllers.first().map(|controller| controller.settings()).unwrap_or_default();
    let mut options = Options::new(settings.clone(), wanted.filter.clone());
    options.now = Some(snapshot.now);
    let mut filtered = Scanner::new(options);
    let mut asked = wanted.request.map(|request| {
        let filter = Filter { path: Some(request.path.as_str().to_owned()), ..Filter::default() };
        let mut options = Options::new(settings, filter);
        options.now = Some(snapshot.now);
        options.asked = Some(Asked {
            host: Some(request.host.clone()),
            path: request.path.as_str().to_owned(),
            method: None,
            reach: reach(case, request),
            expected: wanted
                .decision
                .filter(|decision| {
                    decision.outcome == Outcome::Routed || decision.outcome == Outcome::NoRoute
                })
                .map(|decision| Expected {
                    service: decision.winner.as_ref().and_then(|w| w.backend.clone()),
                }),
        });
        Scanner::new(options)
    });
    let mut streams = Vec::new();
    let mut coverage = Vec::new();
    let mut gaps = Vec::new();
    for controller in controllers {
        for stream in streams_of(cluster, snapshot, controller) {
            if call.cancelled.is_cancelled() {
                break;
            }
            let number = streams.len();
            let mut each = |line: &[u8]| {
                filtered.push(number, line);
                if let Some(asked) = &mut asked {
                    asked.push(number, line);
                }
            };
            match cluster.read_log(&stream, Some(wanted.since), &mut each).await {
                Ok(read) => {
                    coverage.push(read);
                    streams.push(stream);
                }
                Err(why) => {
                    let LogStream { namespace, pod, container, previous } = stream;
                    gaps.push(Gap { what: Unseen::Log { namespace, pod, container, previous }, why });
                }
            }
        }
    }
    let filtered = filtered.finish();
    for (read, seen) in coverage.iter_mut().zip(&filtered.streams) {
        read.first = read.first.or(seen.first);
        read.last = read.last.or(seen.last);
    }
    Logs { asked: asked.map(Scanner::finish), filtered, streams, coverage, gaps }
}

/// The logs a controller has: of a capture all that it holds, also of pods that are gone; of a live
/// cluster those of its pods, with the previous run where there was one.
fn streams_of(cluster: &Cluster, snapshot: &Snapshot, controller: &Controller) -> Vec<LogStream> {
    let namespace = &controller.workload.name.namespace;
    let mut streams: Vec<LogStream> = Vec::new();
    if let Some(capture) = cluster.capture() {
        let of_other = |pod: &str| {
            let other =
                |c: &&Controller| c.workload != controller.workload && c.pods.iter().any(|p| p == pod);
            snapshot.controllers.iter().any(|c| other(&c))
        };
        streams.extend(
            capture
                .streams()
                .filter(|stream| {
                    stream.namespace == *namespace
                        && stream.container == controller.container
                        && !of_other(&stream.pod)
                })
                .cloned(),
        );
    }
    for pod in gather::controller_pods(snapshot, controller) {
        let status = pod.statuses.iter().find(|status| status.name == controller.container);
        let restarted = status.is_some_and(|status| status.restarts > 0);
        for previous in [true, false] {
            let stream = LogStream {
                namespace: namespace.clone(),
                pod: pod.meta.name.clone(),
                container: controller.container.clone(),
                previous,
            };
            if (!previous || restarted) && !streams.contains(&stream) {
                streams.push(stream);
            }
        }
    }
    // The previous run of a container comes before the present one.
    streams.sort_by(|a, b| (&a.pod, !a.previous).cmp(&(&b.pod, !b.previous)));
    streams
}

/// The controller's names of the upstreams of this host's rules, present and past, and of all others.
fn reach(case: &Case, request: &Request) -> Reach {
    let host = request.host.as_str();
    let mut reach = Reach::default();
    let mut add = |ingress: &Ingress| {
        let here = touches(ingress, host);
        let backends = ingress
            .path_rules()
            .map(|(_, _, rule_host, rule)| (&rule.backend, crate::model::host::spec_match(rule_host, host)));
        let default = ingress.default_backend.iter().map(|backend| (backend, here));
        for (backend, of_host) in backends.chain(default) {
            if let Some((service, port)) = backend.service() {
                let name = format!("{}-{service}-{port}", ingress.meta.namespace);
                if of_host {
                    reach.here.insert(name)
                } else {
                    reach.elsewhere.insert(name)
                };
            }
        }
    };
    case.snapshot.ingresses.items().iter().for_each(&mut add);
    for version in case.replays.iter().flat_map(|replay| &replay.versions) {
        if let Versioned::Ingress(ingress) = &version.object {
            add(ingress);
        }
    }
    let Reach { here, elsewhere } = &mut reach;
    elsewhere.retain(|name| !here.contains(name));
    reach
}

/// A sample as it is cited.
pub(super) fn cite(logs: &Logs, sample: &Sample) -> Option<LogCite> {
    Some(LogCite {
        stream: logs.streams.get(sample.stream)?.clone(),
        at: sample.at,
        line: sample.line.clone(),
    })
}

/// The Service behind an upstream's name, where only one can be meant.
pub(super) fn service_of(snapshot: &Snapshot, upstream: &str) -> Option<Name> {
    let mut found = upstream_name::resolve_upstream(upstream, snapshot.services.items().iter());
    if found.len() > 1 {
        found.retain(|candidate| candidate.port_exists);
    }
    match found.as_slice() {
        [one] => Some(one.service.clone()),
        _ => None,
    }
}

/// What the logs say, as verdicts take it.
pub(super) fn log_facts(
    logs: &Logs,
    case: &Case,
    view: &View<'_>,
    request: &Request,
    decision: &Decision,
) -> facts::LogFacts {
    let snapshot = &case.snapshot;
    let reach = reach(case, request);
    let mut answers: Vec<facts::Answer> = Vec::new();
    let mut related = Vec::new();
    let story = logs.asked.as_ref().and_then(|scan| scan.asked.as_ref());
    let onset = story.and_then(|story| story.onset.as_ref()).filter(|onset| onset.ended.is_none());
    if let Some(scan) = &logs.asked {
        for group in &scan.requests {
            let upstream = group.key.upstream.clone().unwrap_or_default();
            let foreign_host = group.key.host.as_deref().is_some_and(|host| host != request.host.as_str());
            if foreign_host || reach.elsewhere.contains(&upstream) {
                continue;
            }
            // The first line of the run is the best witness of what is asked about.
            let run = onset.filter(|_| group.key.status == 404).map(|onset| &onset.sample);
            let is_of_group = |sample: &&Sample| {
                group.key.upstream.as_deref().is_none_or(|name| sample.line.contains(name))
            };
            let whole = |sample: &&Sample| sample.line.chars().count() < SAMPLE;
            let sample = run
                .filter(is_of_group)
                .filter(whole)
                .or_else(|| group.samples.iter().find(whole))
                .or_else(|| group.samples.last());
            answers.push(facts::Answer {
                voice: group.key.voice,
                status: group.key.status,
                service: service_of(snapshot, &upstream),
                upstream,
                method: request.method.clone(),
                path: group.key.path.clone(),
                count: group.count,
                first: group.first,
                last: group.last,
                sample: sample.and_then(|sample| cite(logs, sample)),
            });
        }
    }
    for group in &logs.filtered.requests {
        let upstream = group.key.upstream.clone().unwrap_or_default();
        related.push(facts::Answer {
            voice: group.key.voice,
            status: group.key.status,
            service: service_of(snapshot, &upstream),
            upstream,
            method: String::new(),
            path: group.key.path.clone(),
            count: group.count,
            first: group.first,
            last: group.last,
            sample: group.samples.last().and_then(|sample| cite(logs, sample)),
        });
    }
    answers.sort_by(|a, b| (a.last, a.status, &a.upstream).cmp(&(b.last, b.status, &b.upstream)));
    let messages = logs
        .filtered
        .messages
        .iter()
        .map(|group| facts::Message {
            kind: group.key.kind,
            about: match &group.key.subject {
                Subject::Ingress(name)
                | Subject::Service(name)
                | Subject::Secret(name)
                | Subject::ConfigMap(name) => Some(name.clone()),
                Subject::Controller | Subject::IngressClass(_) | Subject::Upstream(_) | Subject::Host(_) => {
                    None
                }
            },
            count: group.count,
            first: group.first,
            last: group.last,
            sample: group.samples.last().and_then(|sample| cite(logs, sample)),
        })
        .collect();
    facts::LogFacts {
        read: !logs.streams.is_empty(),
        window: None,
        silent: silent(view, request, decision),
        answers,
        onset: onset.map(|onset| facts::Onset {
            at: onset.mixed_since.unwrap_or(onset.at),
            last_success: onset.last_success,
            sample: cite(logs, &onset.sample),
        }),
        messages,
        related,
    }
}

/// The setting that keeps such a request out of the log.
fn silent(view: &View<'_>, request: &Request, decision: &Decision) -> Option<String> {
    use crate::analysis::logs::silence::Setting;
    match logging(view, request, decision) {
        Logging::NotLogged(Setting::Config { key, .. }) => Some(key.to_owned()),
        Logging::NotLogged(Setting::Annotation { key, .. }) => Some(key.to_owned()),
        Logging::Logged | Logging::Unknown(_) => None,
    }
}

/// Whether the controller would log the request at all.
pub(super) fn logging(view: &View<'_>, request: &Request, decision: &Decision) -> Logging {
    let winner = decision.winner.as_ref();
    let annotation = winner.and_then(|winner| {
        let ingress = view.adopted.iter().find(|(ingress, _)| winner.is_of(&ingress.meta.key()))?.0;
        ingress.meta.annotation("nginx.ingress.kubernetes.io/enable-access-log")
    });
    let falls = match winner {
        Some(winner) if winner.place.kind() != Kind::Ingress => Falls::Elsewhere,
        Some(winner) => Falls::Ingress { name: &winner.ingress, enable_access_log: annotation },
        None if decision.outcome == Outcome::NoRoute => {
            let known = view.adopted.iter().any(|(ingress, _)| {
                ingress.rules.iter().any(|rule| {
                    !rule.host().is_empty()
                        && crate::model::host::spec_match(rule.host(), request.host.as_str())
                })
            });
            if known { Falls::Elsewhere } else { Falls::CatchAll }
        }
        None => Falls::Unknown,
    };
    would_log(&view.settings, &request.target(), &falls)
}

/// What the logs say, as changes are read from it.
pub(super) fn change_facts(logs: &Logs) -> changes::LogFacts {
    let line = |sample: &Sample| {
        Some(change_log::Line { stream: logs.streams.get(sample.stream)?.clone(), text: sample.line.clone() })
    };
    let story = logs.asked.as_ref().and_then(|scan| scan.asked.as_ref());
    let onset = story.and_then(|story| story.onset.as_ref()).filter(|onset| onset.ended.is_none());
    let mut messages = Vec::new();
    for group in &logs.filtered.messages {
        let Some(says) = says(&group.key.kind) else { continue };
        let about = match &group.key.subject {
            Subject::Ingress(name) => Some(ObjectKey { kind: Kind::Ingress, name: name.clone() }),
            Subject::Service(name) => Some(ObjectKey { kind: Kind::Service, name: name.clone() }),
            Subject::ConfigMap(name) => Some(ObjectKey { kind: Kind::ConfigMap, name: name.clone() }),
            Subject::IngressClass(name) => Some(ObjectKey::new(Kind::IngressClass, "", name)),
            Subject::Controller | Subject::Secret(_) | Subject::Upstream(_) | Subject::Host(_) => None,
        };
        let Some(text) = group.samples.last().and_then(line) else { continue };
        messages.extend(group.recent.iter().map(|at| change_log::Message {
            at: *at,
            says,
            about: about.clone(),
            line: text.clone(),
        }));
    }
    let exact = story.map(|story| &story.exact);
    let mut minutes: std::collections::BTreeMap<DateTime<Utc>, change_log::Minute> =
        std::collections::BTreeMap::new();
    let mut minute = |start: DateTime<Utc>, add: [u64; 3]| {
        let entry = minutes.entry(start).or_insert(change_log::Minute {
            start,
            not_found: 0,
            answered: 0,
            no_rule: 0,
        });
        entry.not_found += add[0];
        entry.answered += add[1];
        entry.no_rule += add[2];
    };
    for bucket in exact.into_iter().flat_map(|story| story.timeline.buckets().collect::<Vec<_>>()) {
        let [failures, successes, others] = bucket.counts;
        minute(bucket.from, [u64::from(failures), u64::from(successes) + u64::from(others), 0]);
    }
    for group in logs.filtered.requests.iter().filter(|group| group.key.voice == Voice::NoRule) {
        for bucket in group.rate.buckets() {
            let [count] = bucket.counts;
            minute(bucket.from, [0, 0, u64::from(count)]);
        }
    }
    changes::LogFacts {
        run: onset.and_then(|onset| {
            Some(change_log::Run {
                first: onset.mixed_since.unwrap_or(onset.at),
                last_success: onset.last_success,
                line: line(&onset.sample)?,
            })
        }),
        messages,
        flips: exact
            .into_iter()
            .flat_map(|story| &story.flips)
            .filter_map(|flip| {
                Some(change_log::Flip {
                    last_before: flip.after,
                    before: flip.from.clone(),
                    first_after: flip.at,
                    after: flip.to.clone(),
                    line: line(&flip.sample)?,
                })
            })
            .collect(),
        minutes: minutes.into_values().collect(),
        streams: logs.coverage.clone(),
        unread: logs.streams.is_empty().then(|| logs.gaps.first().map(|gap| gap.why.clone())).flatten(),
    }
}

fn says(kind: &MessageKind) -> Option<change_log::Says> {
    use change_log::Says;
    match kind {
        MessageKind::Started | MessageKind::ProxyStarted => Some(Says::Started),
        MessageKind::Stopping => Some(Says::Stopping),
        MessageKind::ReloadSucceeded => Some(Says::Reloaded),
        MessageKind::ReloadFailed => Some(Says::ReloadFailed),
        MessageKind::ClassIgnored(_) | MessageKind::IngressRemoved => Some(Says::ClassRefused),
        MessageKind::ClassAccepted => Some(Says::ClassAccepted),
        MessageKind::AnnotationRisky
        | MessageKind::AnnotationInvalid
        | MessageKind::AnnotationBlockedWord
        | MessageKind::SnippetsDisabled => Some(Says::AnnotationRefused),
        MessageKind::ServiceMissing => Some(Says::ServiceMissing),
        MessageKind::PortNameMissing => Some(Says::PortMissing),
        MessageKind::NoActiveEndpoints | MessageKind::EndpointsMissing => Some(Says::NoEndpoints),
        MessageKind::IngressClassForeign
        | MessageKind::IngressCreated
        | MessageKind::CatchAllIgnored
        | MessageKind::AnnotationUnreadable
        | MessageKind::InspectionRefused
        | MessageKind::IngressSkipped
        | MessageKind::UpstreamFailed
        | MessageKind::DefaultBackendMissing
        | MessageKind::ExternalNameForbidden
        | MessageKind::ReloadNeeded
        | MessageKind::ReconfigurationFailed
        | MessageKind::InitialSync
        | MessageKind::CanaryWithoutPrimary
        | MessageKind::CanaryIsPrimaryElsewhere
        | MessageKind::CanaryHostMissing
        | MessageKind::AliasSkipped
        | MessageKind::ServerSnippetSkipped
        | MessageKind::RedirectSkipped
        | MessageKind::CertificateMissing
        | MessageKind::CertificateExpired
        | MessageKind::CertificateExpiring
        | MessageKind::CertificateForOtherHost
        | MessageKind::PassthroughIgnored
        | MessageKind::DuplicateLocation
        | MessageKind::WebhookRejected
        | MessageKind::WebhookAccepted
        | MessageKind::ConfigMapChanged
        | MessageKind::ListForbidden
        | MessageKind::Proxy(_)
        | MessageKind::Unclassified => None,
    }
}

/// What the failing request passes through: the host's Ingresses, the Services of its backends with
/// the workloads behind them, and the controllers.
pub(super) fn victim(case: &Case, view: &View<'_>, request: &Request, decision: &Decision) -> Victim {
    let snapshot = &case.snapshot;
    let mut objects: BTreeSet<ObjectKey> = BTreeSet::new();
    let mut services: BTreeSet<Name> = BTreeSet::new();
    if let Some(winner) = &decision.winner {
        objects.insert(winner.object());
        services.extend(winner.backend.as_ref().map(|target| target.service.clone()));
    }
    for ingress in snapshot.ingresses.items().iter().filter(|ingress| exact(ingress, request.host.as_str())) {
        objects.insert(ingress.object_key());
        for (_, _, host, rule) in ingress.path_rules() {
            let takes = crate::model::host::spec_match(host, request.host.as_str())
                && request.path.as_str().starts_with(rule.path.trim_end_matches('/'));
            if let Some((service, _)) = rule.backend.service().filter(|_| takes) {
                services.insert(Name::new(&ingress.meta.namespace, service));
            }
        }
    }
    for name in services {
        if let Lookup::Found(service) = snapshot.services.get(&name.namespace, &name.name)
            && !service.selector.is_empty()
        {
            objects.extend(
                snapshot
                    .workloads
                    .items()
                    .iter()
                    .filter(|workload| {
                        workload.meta.namespace == name.namespace
                            && gather::selects(&service.selector, &workload.template.labels)
                    })
                    .map(Object::object_key),
            );
        }
        objects.insert(ObjectKey { kind: Kind::Service, name });
    }
    let controllers = view.controller.map(|controller| controller.workload.clone()).into_iter().collect();
    Victim {
        host: request.host.as_str().to_owned(),
        path: request.path.as_str().to_owned(),
        objects,
        controllers,
    }
}

/// Decides the request again on past states, under the controller that counts.
pub(super) struct Again<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) request: &'a Request,
}

impl std::fmt::Debug for Again<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Again")
    }
}

impl WhatIf for Again<'_> {
    fn decide(&self, world: &World<'_>, _at: DateTime<Utc>) -> Option<String> {
        use crate::analysis::adoption::{self, Adoption};
        let controller = self.view.controller?;
        let host = self.request.host.as_str();
        let adopted: Vec<&Ingress> = world
            .ingresses
            .iter()
            .copied()
            .filter(|ingress| touches(ingress, host))
            .filter(|ingress| {
                matches!(adoption::judge(controller, ingress, self.snapshot), Adoption::Adopted(_))
            })
            .collect();
        let decision = self.view.what_if(&adopted, self.snapshot).decide(self.request);
        Some(short(&decision))
    }
}

/// A decision in a few words.
pub(super) fn short(decision: &Decision) -> String {
    let outcome = outcome_word(decision.outcome);
    match (&decision.winner, decision.status) {
        (Some(winner), _) => match &winner.backend {
            Some(target) => format!("{outcome} {}:{}", target.service, target.port),
            None => format!("{outcome} {}", winner.ingress),
        },
        (None, Some(status)) => format!("{outcome} {status}"),
        (None, None) => outcome.to_owned(),
    }
}

/// What the caller asks of a correlation.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub(super) onset: Option<DateTime<Utc>>,
    pub(super) hypotheses: BTreeSet<Hypothesis>,
    pub(super) max_widenings: Option<u32>,
}

/// Holds the six hypotheses against everything gathered.
pub(super) fn correlate(
    cluster: &Cluster,
    case: &Case,
    view: &View<'_>,
    request: &Request,
    decision: &Decision,
    logs: &Logs,
    ask: &Ask,
) -> Correlated {
    let log = change_facts(logs);
    let input = changes::Input { snapshot: &case.snapshot, replays: &case.replays, log: &log };
    let gathered = changes::gather(&input);
    let victim = victim(case, view, request, decision);
    let again = Again { view, snapshot: &case.snapshot, request };
    let dns: Vec<timeline::DnsEntry> = cluster
        .capture()
        .and_then(|capture| capture.about.as_ref())
        .into_iter()
        .flat_map(|about| &about.dns)
        .map(|entry| timeline::DnsEntry {
            name: entry.name.clone(),
            addresses: entry.addresses.clone(),
            at: entry.at,
        })
        .collect();
    timeline::correlate(&Correlation {
        input,
        gathered: &gathered,
        victim: &victim,
        onset: ask.onset,
        hypotheses: &ask.hypotheses,
        max_widenings: ask.max_widenings.unwrap_or(1),
        what_if: Some(&again),
        conflicts: None,
        dns: &dns,
    })
}

/// The views over a case.
pub(super) fn views(case: &Case) -> Vec<View<'_>> {
    view::views(&case.snapshot)
}

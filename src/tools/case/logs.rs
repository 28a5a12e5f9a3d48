//! The controllers' logs of a case, read once.

use chrono::{DateTime, Utc};

use super::Case;
use crate::analysis::facts::LogCite;
use crate::analysis::facts::candidates::touches;
use crate::analysis::logs::filter::Filter;
use crate::analysis::logs::scan::{Asked, Options, Reach, Scan, Scanner};
use crate::analysis::logs::tally::Sample;
use crate::analysis::logs::upstream_name;
use crate::analysis::routing::{Decision, Outcome};
use crate::analysis::voice::Expected;
use crate::evidence::cluster::Cluster;
use crate::evidence::gather;
use crate::model::change::Versioned;
use crate::model::controller::Controller;
use crate::model::gap::{Gap, Unseen};
use crate::model::host;
use crate::model::ingress::Ingress;
use crate::model::log::{LogStream, StreamCoverage};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::{Lookup, Snapshot};
use crate::tools::Call;

/// The logs of the controllers, scanned once for the asked URL and once for what is filtered.
#[derive(Debug)]
pub(in crate::tools) struct Logs {
    /// Answers to the asked URL, all statuses.
    pub(in crate::tools) asked: Option<Scan>,
    pub(in crate::tools) filtered: Scan,
    pub(in crate::tools) streams: Vec<LogStream>,
    pub(in crate::tools) coverage: Vec<StreamCoverage>,
    pub(in crate::tools) gaps: Vec<Gap>,
}

/// What to look for in the logs.
#[derive(Debug, Clone)]
pub(in crate::tools) struct Wanted<'a> {
    pub(in crate::tools) request: Option<&'a Request>,
    pub(in crate::tools) decision: Option<&'a Decision>,
    pub(in crate::tools) filter: Filter,
    pub(in crate::tools) since: DateTime<Utc>,
}

/// Reads every replica's log, the previous run's first.
pub(in crate::tools) async fn read_logs(
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
            reach: reach(case, request.host.as_str()),
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
                    gaps.extend(read.cut.iter().map(|why| Gap { what: log_of(&stream), why: why.clone() }));
                    coverage.push(read);
                    streams.push(stream);
                }
                Err(why) => gaps.push(Gap { what: log_of(&stream), why }),
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

fn log_of(stream: &LogStream) -> Unseen {
    let LogStream { namespace, pod, container, previous } = stream.clone();
    Unseen::Log { namespace, pod, container, previous }
}

/// The logs a controller has: of a capture all that it holds, also of pods that are gone; of a live
/// cluster those of its pods, with the previous run where there was one.
fn streams_of(cluster: &Cluster, snapshot: &Snapshot, controller: &Controller) -> Vec<LogStream> {
    let namespace = &controller.workload.name.namespace;
    let mut streams: Vec<LogStream> = Vec::new();
    if let Some(capture) = cluster.capture() {
        // A pod that is there and not this controller's is another's, or a backend's.
        let of_other = |pod: &str| {
            !controller.pods.iter().any(|own| own == pod)
                && matches!(snapshot.pods.get(namespace, pod), Lookup::Found(_))
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
pub(in crate::tools) fn reach(case: &Case, host: &str) -> Reach {
    let mut reach = Reach::default();
    let mut add = |ingress: &Ingress| {
        let here = touches(ingress, host);
        let backends = ingress
            .path_rules()
            .map(|(_, _, rule_host, rule)| (&rule.backend, host::spec_match(rule_host, host)));
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
    let Reach { here, elsewhere, shared } = &mut reach;
    shared.extend(here.intersection(elsewhere).cloned());
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

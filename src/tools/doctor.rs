//! Examines what can be seen and done with the settings as they are: no tool, but the command of that name.
//!
//! Assumption: everything here is asked of the source itself; a broken kubeconfig, a dead server or an
//! unreadable capture is an answer.

use std::collections::BTreeSet;

use super::settings::Source;
use super::{FailureCode, Reply, ToolFailure, Toolbox, in_time, session};
use crate::evidence::capture::Capture;
use crate::evidence::cluster::Cluster;
use crate::evidence::gather;
use crate::evidence::live::Live;
use crate::evidence::permissions::{Grant, PERMISSIONS, Permission, manifests};
use crate::evidence::rights::{self, Held, Right};
use crate::model::gap::Why;
use crate::model::object::Kind;
use crate::model::probe::Via;
use crate::model::snapshot::Snapshot;
use crate::report::doctor::{
    Connection, ControllerLine, DoctorReport, Holdings, KindHeld, RightReport, State, lacks, verdict,
};
use crate::report::text::Text;
use crate::report::time::Time;

/// The name of the command.
pub const NAME: &str = "doctor";

/// The examination, and whether nothing needed is missing.
///
/// # Errors
/// Never for what is found; only for faults of this program.
pub async fn examine(toolbox: &Toolbox) -> Result<(Reply, bool), ToolFailure> {
    let report = match in_time(NAME, look(toolbox)).await {
        Ok(report) => report,
        Err(ToolFailure { code: FailureCode::TimedOut, seen, .. }) => {
            let next = "see whether the API server answers: kubectl get --raw /readyz";
            unreached(toolbox, &ToolFailure::new(FailureCode::TimedOut, seen, next))
        }
        Err(failure) => unreached(toolbox, &failure),
    };
    let ok = report.ok;
    Ok((Reply::of(NAME, &report)?, ok))
}

async fn look(toolbox: &Toolbox) -> Result<DoctorReport, ToolFailure> {
    let cluster = toolbox.open().await?;
    let mut focus: BTreeSet<String> = toolbox.settings().namespace.iter().cloned().collect();
    focus.extend(cluster.live().map(|live| live.namespace().to_owned()));
    let snapshot = Box::pin(gather::routing(&cluster, &focus)).await;
    match (cluster.live(), cluster.capture()) {
        (Some(live), _) => Ok(of_cluster(toolbox, &cluster, live, &snapshot).await),
        (None, Some(capture)) => Ok(of_capture(capture, &snapshot)),
        (None, None) => Err(ToolFailure::new(FailureCode::NoSource, "no source", "")),
    }
}

fn unreached(toolbox: &Toolbox, failure: &ToolFailure) -> DoctorReport {
    let settings = toolbox.settings();
    let mut connection = Connection {
        fault: Some(Text::new(&failure.seen)),
        remedy: Some(Text::new(&failure.next)),
        ..Connection::default()
    };
    let verdict = match &settings.source {
        Source::Cluster { kubeconfig, context } => {
            connection.kubeconfig = kubeconfigs(kubeconfig.as_deref());
            connection.context = context.as_deref().map(Text::new);
            if let Ok((known, current)) = Live::contexts(kubeconfig.as_deref()) {
                connection.context = connection.context.or(current.as_deref().map(Text::new));
                if context.as_ref().is_some_and(|name| !known.contains(name)) {
                    connection.context = None;
                }
            }
            "The cluster cannot be asked; no right could be examined"
        }
        Source::Capture(_) | Source::Demo => "The capture cannot be read",
    };
    DoctorReport {
        verdict: verdict.to_owned(),
        ok: false,
        connection: Some(connection),
        rights: Vec::new(),
        capture: None,
        controllers: Vec::new(),
        controllers_seen: false,
        next: vec![
            "repair this and call routecause doctor again, or see what it does with routecause demo"
                .to_owned(),
        ],
    }
}

fn kubeconfigs(given: Option<&std::path::Path>) -> Vec<Text> {
    let files = match given {
        Some(file) => vec![file.to_owned()],
        None => Live::kubeconfigs(None),
    };
    files.iter().map(|file| Text::new(&file.display().to_string())).collect()
}

async fn of_cluster(toolbox: &Toolbox, cluster: &Cluster, live: &Live, snapshot: &Snapshot) -> DoctorReport {
    let settings = toolbox.settings();
    let given = settings.namespace.as_deref();
    let mut namespaces: BTreeSet<String> = BTreeSet::from([given.unwrap_or(live.namespace()).to_owned()]);
    let homes = snapshot.controllers.iter().map(|controller| controller.workload.name.namespace.clone());
    namespaces.extend(homes);
    let maps: BTreeSet<_> = snapshot
        .controllers
        .iter()
        .filter_map(|controller| controller.config_map.as_ref().map(|(name, _)| name.clone()))
        .filter(|name| !name.name.is_empty())
        .collect();
    let held = rights::review(live, &namespaces, &maps).await;
    let map_homes: BTreeSet<String> = maps.iter().map(|map| map.namespace.clone()).collect();
    let wanted = Wanted {
        given: given.is_some(),
        namespaces: &namespaces,
        map_homes: &map_homes,
        homes_seen: sees_controllers(snapshot),
        exec: settings.probes.allows(Via::Exec),
        port_forward: settings.probes.allows(Via::PortForward),
    };
    let rights: Vec<RightReport> = held.iter().map(|right| wanted.judge(right)).collect();
    let lacking = |right: &&RightReport| wanted.is_lacking(right);
    let unknown = rights.iter().filter(lacking).filter(|right| right.state == State::Unknown).count();
    let missing = rights.iter().filter(lacking).count() - unknown;
    let needed = rights.iter().filter(|right| right.needed).count();
    let kubeconfig = match &settings.source {
        Source::Cluster { kubeconfig, .. } => kubeconfigs(kubeconfig.as_deref()),
        Source::Capture(_) | Source::Demo => Vec::new(),
    };
    let connection = Connection {
        ok: true,
        context: cluster.context().as_deref().map(Text::new),
        kubeconfig,
        server: Some(Text::new(live.server())),
        server_version: snapshot.server_version.as_deref().map(Text::new),
        namespace: Some(Text::new(given.unwrap_or(live.namespace()))),
        fault: None,
        remedy: None,
    };
    let mut files: Vec<&str> =
        rights.iter().filter(|right| wanted.is_lacking(right)).filter_map(|right| right.manifest).collect();
    files.dedup();
    let next = if files.is_empty() {
        vec!["routecause diagnose URL".to_owned()]
    } else {
        files
            .iter()
            .take(2)
            .map(|file| {
                let place = match *file {
                    "cluster.yaml" | "cluster-scoped.yaml" => "",
                    _ => " -n NAMESPACE",
                };
                format!(
                    "routecause doctor --manifest {file} | kubectl apply{place} -f - (its binding names a \
                     ServiceAccount: replace it by this identity)"
                )
            })
            .collect()
    };
    DoctorReport {
        verdict: verdict(needed, missing, unknown),
        ok: missing + unknown == 0,
        connection: Some(connection),
        rights,
        capture: None,
        controllers: snapshot.controllers.iter().map(ControllerLine::new).collect(),
        controllers_seen: sees_controllers(snapshot),
        next,
    }
}

/// Whether what controllers are recognised by was read.
fn sees_controllers(snapshot: &Snapshot) -> bool {
    session::unseen_controllers(snapshot).is_empty()
}

/// What is needed with the settings as they are.
struct Wanted<'a> {
    /// Whether a namespace was named, so that the rights in it are enough.
    given: bool,
    namespaces: &'a BTreeSet<String>,
    /// Where the ConfigMaps of controllers are.
    map_homes: &'a BTreeSet<String>,
    /// Whether the namespaces of all controllers are among these.
    homes_seen: bool,
    exec: bool,
    port_forward: bool,
}

impl Wanted<'_> {
    fn judge(&self, Right { permission, verbs }: &Right) -> RightReport {
        let needed = match (permission.grant, permission.subresource) {
            (Grant::Cluster, _) => true,
            (Grant::Optional, _) => false,
            (Grant::ControllerConfig, _) => !self.map_homes.is_empty(),
            (Grant::Probe, Some("exec")) => self.exec,
            (Grant::Probe, _) => self.port_forward,
        };
        let places =
            if permission.grant == Grant::ControllerConfig { self.map_homes } else { self.namespaces };
        let counts = |verb: &str| verb != "watch" || is_replayed(permission);
        let mut held_in: BTreeSet<String> = places.clone();
        let (mut everywhere, mut unknown, mut missing) = (true, false, Vec::new());
        for (verb, held) in verbs.iter().filter(|(verb, _)| counts(verb)) {
            match held {
                Held::Everywhere => {}
                Held::In(namespaces) => {
                    everywhere = false;
                    held_in.retain(|namespace| namespaces.contains(namespace));
                    if namespaces.is_empty() {
                        missing.push(*verb);
                    }
                }
                Held::Unknown(_) => {
                    everywhere = false;
                    unknown = true;
                    missing.push(*verb);
                }
            }
        }
        // Where a probe would be sent, it may be allowed.
        unknown |= permission.grant == Grant::Probe && !missing.is_empty() && !self.homes_seen;
        let only_watch = missing.as_slice() == ["watch"];
        let state = if everywhere {
            State::Everywhere
        } else if unknown {
            State::Unknown
        } else if missing.is_empty() && !held_in.is_empty() {
            State::InNamespaces
        } else if needed || permission.grant == Grant::Optional {
            State::Missing
        } else {
            State::NotNeeded
        };
        let lacking = matches!(state, State::Missing | State::InNamespaces);
        let namespaced = self.given;
        let resource = match permission.group {
            "" => permission.rule_resource(),
            group => format!("{}.{group}", permission.rule_resource()),
        };
        RightReport {
            right: resource,
            state,
            needed,
            namespaces: match state {
                State::InNamespaces => held_in.iter().map(|name| Text::new(name)).collect(),
                State::Everywhere | State::Missing | State::Unknown | State::NotNeeded => Vec::new(),
            },
            missing_verbs: missing,
            without: if only_watch {
                "what changed before this was recorded".to_owned()
            } else {
                permission.without.to_owned()
            },
            rule: lacking.then(|| manifests::rule(permission)),
            manifest: lacking.then(|| manifests::file_of(permission, namespaced)),
        }
    }

    /// Whether it is needed and not enough of it is there.
    fn is_lacking(&self, right: &RightReport) -> bool {
        let enough = match right.state {
            State::Everywhere | State::NotNeeded => true,
            // ConfigMaps and probes are granted namespace by namespace.
            State::InNamespaces => {
                let everywhere_asked = right.namespaces.len() == self.namespaces.len();
                let by_namespace = matches!(right.manifest, Some("controller-config.yaml" | "probe.yaml"));
                (self.given && everywhere_asked)
                    || (by_namespace
                        && self
                            .map_homes
                            .iter()
                            .all(|home| right.namespaces.iter().any(|n| n.as_str() == home)))
            }
            State::Missing | State::Unknown => false,
        };
        right.needed && !enough
    }
}

/// Whether its past is read by watching.
fn is_replayed(permission: &Permission) -> bool {
    permission.subresource.is_none()
        && gather::REPLAYED
            .iter()
            .any(|kind| (kind.api_group(), kind.resource()) == (permission.group, permission.resource))
}

fn of_capture(capture: &Capture, snapshot: &Snapshot) -> DoctorReport {
    let kinds: Vec<KindHeld> = PERMISSIONS
        .iter()
        .filter(|row| row.subresource.is_none())
        .filter_map(|row| {
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| (kind.api_group(), kind.resource()) == (row.group, row.resource))?;
            let coverage = capture.coverage(kind);
            let objects = capture.raw(kind).len();
            // ConfigMaps are held by name: what a controller names and is not there is a gap of its own.
            let why = coverage
                .missing
                .values()
                .find(|why| **why != Why::NotInstalled)
                .filter(|_| kind != Kind::ConfigMap || objects == 0);
            Some(KindHeld {
                resource: kind.resource(),
                objects,
                lacks: why.map(lacks),
                needed: row.grant == Grant::Cluster,
                without: row.without,
            })
        })
        .collect();
    let streams: Vec<_> = capture.streams().collect();
    let log_bytes = streams.iter().filter_map(|stream| capture.log(stream)).map(|log| log.len() as u64).sum();
    let about = capture.about.as_ref();
    let lacking = kinds.iter().filter(|kind| kind.needed && kind.lacks.is_some()).count()
        + usize::from(streams.is_empty());
    let verdict = if lacking == 0 {
        "The capture holds everything that is needed".to_owned()
    } else {
        format!("The capture lacks {lacking} things that are needed")
    };
    DoctorReport {
        verdict,
        ok: lacking == 0,
        connection: None,
        rights: Vec::new(),
        capture: Some(Holdings {
            taken_at: about.and_then(|about| about.taken_at).map(Time),
            server_version: snapshot.server_version.as_deref().map(Text::new),
            context: snapshot.context.as_deref().map(Text::new),
            kinds,
            logs: streams.len(),
            log_bytes,
            probes: capture.probes.len(),
            history: capture.history.is_some(),
            audit_log: capture.audit.is_some(),
            unreadable: capture
                .gaps
                .iter()
                .map(|gap| Text::new(&crate::report::gap::GapReport::from(gap).what))
                .collect(),
        }),
        controllers: snapshot.controllers.iter().map(ControllerLine::new).collect(),
        controllers_seen: sees_controllers(snapshot),
        next: vec![if lacking == 0 {
            "routecause --capture CAPTURE diagnose URL".to_owned()
        } else {
            "take it again with routecause capture -o TARGET".to_owned()
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(row: &'static Permission, verbs: &[(&'static str, Held)], given: bool) -> (State, bool) {
        let namespaces = BTreeSet::from(["shop".to_owned()]);
        let maps = BTreeSet::new();
        let wanted = Wanted {
            given,
            namespaces: &namespaces,
            map_homes: &maps,
            homes_seen: true,
            exec: false,
            port_forward: false,
        };
        let right = wanted.judge(&Right { permission: row, verbs: verbs.iter().cloned().collect() });
        (right.state, wanted.is_lacking(&right))
    }

    fn row(fetcher: &str) -> &'static Permission {
        PERMISSIONS.iter().find(|row| row.fetcher == fetcher).expect("a row")
    }

    #[test]
    fn a_right_in_the_named_namespace_is_enough_and_elsewhere_is_not() {
        let here = || Held::In(BTreeSet::from(["shop".to_owned()]));
        let nowhere = || Held::In(BTreeSet::new());
        let logs = row("logs");
        assert_eq!(judged(logs, &[("get", Held::Everywhere)], false), (State::Everywhere, false));
        assert_eq!(judged(logs, &[("get", here())], true), (State::InNamespaces, false));
        assert_eq!(judged(logs, &[("get", here())], false), (State::InNamespaces, true));
        assert_eq!(judged(logs, &[("get", nowhere())], true), (State::Missing, true));
    }

    #[test]
    fn watching_counts_where_the_past_is_read_by_it() {
        let nowhere = || Held::In(BTreeSet::new());
        let verbs = [("get", Held::Everywhere), ("list", Held::Everywhere), ("watch", nowhere())];
        assert_eq!(judged(row("pods"), &verbs, false), (State::Everywhere, false));
        assert_eq!(judged(row("ingresses"), &verbs, false), (State::Missing, true));
    }

    #[test]
    fn what_nothing_needs_lacks_nothing() {
        let nowhere = || Held::In(BTreeSet::new());
        for (fetcher, state) in [
            ("leases", State::Missing),
            ("exec probe", State::NotNeeded),
            ("controller settings", State::NotNeeded),
        ] {
            assert_eq!(judged(row(fetcher), &[("get", nowhere())], false), (state, false), "{fetcher}");
        }
    }
}

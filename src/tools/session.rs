//! The way from a toolbox to evidence: which source a call asks, and what every tool gathers first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use crate::analysis::facts::candidates::touches;
use crate::evidence::capture::{Capture, CaptureError, take};
use crate::evidence::cluster::{self, Cluster};
use crate::evidence::live::{ConnectError, Live, LiveOptions, Probes};
use crate::evidence::{demo, gather};
use crate::model::gap::{Gap, Unseen, Why};
use crate::model::object::{Kind, Name};
use crate::model::probe::Via;
use crate::model::request::Request;
use crate::model::snapshot::{Lookup, Snapshot};
use crate::report::text::{Text, neutralise};

use super::failure::{FailureCode, ToolFailure};
use super::settings::{Settings, Source};

/// Sources that were opened, by context. A capture is read once; a connection is kept.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<Option<String>, Cluster>>);

impl Sessions {
    /// The source for a context; `None` is the settings' own.
    pub(super) async fn open(
        &self,
        settings: &Settings,
        context: Option<&str>,
    ) -> Result<Cluster, ToolFailure> {
        let key = context.map(ToOwned::to_owned);
        if let Some(open) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(open.clone());
        }
        let source = match &settings.source {
            Source::Cluster { kubeconfig, context: chosen } => {
                let options = LiveOptions {
                    kubeconfig: kubeconfig.clone(),
                    context: key.clone().or_else(|| chosen.clone()),
                    probes: Probes {
                        direct: settings.probes.allows(Via::Direct),
                        port_forward: settings.probes.allows(Via::PortForward),
                        exec: settings.probes.allows(Via::Exec),
                    },
                    ..LiveOptions::default()
                };
                let live = Live::connect(&options).await.map_err(|error| unconnected(&error))?;
                // One answer for a cluster that is not there, instead of a gap for every list.
                live.reach().await.map_err(|error| unconnected(&error))?;
                cluster::Source::Live(Box::new(live))
            }
            Source::Capture(path) => {
                let (path, earlier) = (path.clone(), settings.since_capture.clone());
                let opened = tokio::task::spawn_blocking(move || {
                    let capture = Capture::open(&path)?;
                    match earlier {
                        Some(earlier) => Ok(take::onto(&Capture::open(&earlier)?, capture)),
                        None => Ok(capture),
                    }
                })
                .await;
                cluster::Source::Capture(Box::new(
                    opened.map_err(|_| broken_capture(None))?.map_err(|e| broken_capture(Some(&e)))?,
                ))
            }
            Source::Demo => {
                let opened = tokio::task::spawn_blocking(demo::open).await;
                cluster::Source::Capture(Box::new(
                    opened.map_err(|_| broken_capture(None))?.map_err(|e| broken_capture(Some(&e)))?,
                ))
            }
        };
        let open = Cluster::new(source, settings.at);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, open.clone());
        Ok(open)
    }
}

/// Names in a kubeconfig and words of a server may hold anything.
fn unconnected(error: &ConnectError) -> ToolFailure {
    let code = match error {
        ConnectError::Unreachable { .. } => FailureCode::Unreachable,
        ConnectError::Unauthorized { .. } | ConnectError::Forbidden { .. } => FailureCode::Forbidden,
        _ => FailureCode::NoSource,
    };
    ToolFailure::new(code, neutralise(&error.message()), neutralise(&error.next()))
}

fn broken_capture(error: Option<&CaptureError>) -> ToolFailure {
    let seen = error.map_or_else(
        || "the capture could not be read".to_owned(),
        |e| Text::new(&e.to_string()).to_string(),
    );
    let next = match error {
        Some(CaptureError::NotFound { .. }) => "check the path given with --capture",
        Some(CaptureError::NoObjects { faults, .. }) if !faults.is_empty() => {
            "repair it or take it again, for example with `kubectl get ingress,ingressclass,service,endpointslice,pod,deployment -A -o yaml`"
        }
        Some(CaptureError::NoObjects { .. } | CaptureError::Empty { .. }) => {
            "capture at least `kubectl get ingress,ingressclass,service,endpointslice,pod,deployment -A -o yaml`"
        }
        Some(CaptureError::Unreadable { .. } | CaptureError::NotACapture { .. }) | None => {
            "pass a folder of `kubectl get … -o yaml` files, or a .tgz or .zip of one"
        }
    };
    ToolFailure::new(FailureCode::NoSource, seen, next)
}

/// A list that nothing can be answered without.
pub(super) fn need_ingresses(snapshot: &Snapshot, focus: &BTreeSet<String>) -> Result<(), ToolFailure> {
    let coverage = &snapshot.ingresses.coverage;
    let has_routes = !snapshot.http_routes.items().is_empty();
    let has_ingresses = !snapshot.ingresses.items().is_empty();
    if coverage.everywhere || !coverage.namespaces.is_empty() || has_ingresses || has_routes {
        return Ok(());
    }
    let why = focus
        .iter()
        .find_map(|namespace| coverage.missing.get(namespace))
        .or_else(|| coverage.missing.get(""));
    let gap = snapshot.ingresses.gaps().into_iter().next();
    let seen = gap.map_or_else(
        || "no Ingress could be listed".to_owned(),
        |gap| crate::report::gap::GapReport::from(&gap).to_string(),
    );
    Err(match why {
        Some(Why::Forbidden { .. }) => ToolFailure::new(
            FailureCode::Forbidden,
            seen,
            "grant this identity to list ingresses, or name a namespace it may read",
        ),
        Some(Why::Unauthorized) => ToolFailure::new(
            FailureCode::Forbidden,
            seen,
            "log in again for this context, or choose another one",
        ),
        Some(Why::Malformed { .. } | Why::TooMuch { .. }) => ToolFailure::new(
            FailureCode::Unreachable,
            seen,
            "repair what is named there (a file of the capture, or what stands before the API server), then ask again",
        ),
        Some(Why::NotCaptured) => ToolFailure::new(
            FailureCode::NotFound,
            seen,
            "add `kubectl get ingress,ingressclass -A -o yaml` to the capture",
        ),
        _ => ToolFailure::new(
            FailureCode::Unreachable,
            seen,
            "check that the cluster of this context is up and reachable, then call again",
        ),
    })
}

/// What was not seen of all that controllers are recognised by.
pub(super) fn unseen_controllers(snapshot: &Snapshot) -> Vec<Gap> {
    let of_workload = |gap: &&Gap| {
        matches!(gap.what, Unseen::List { kind: Kind::DaemonSet | Kind::StatefulSet | Kind::Pod, .. })
    };
    let mut gaps = snapshot.workloads.gaps();
    gaps.extend(snapshot.pods.gaps());
    gaps.extend(snapshot.gaps.iter().filter(of_workload).cloned());
    gaps
}

/// Where no controller was recognised: that what they are recognised by was seen.
pub(super) fn need_controllers(snapshot: &Snapshot) -> Result<(), ToolFailure> {
    for gap in unseen_controllers(snapshot) {
        let code = match &gap.why {
            Why::Forbidden { .. } | Why::Unauthorized => FailureCode::Forbidden,
            Why::Unreachable { .. } | Why::TimedOut { .. } | Why::Malformed { .. } | Why::TooMuch { .. } => {
                FailureCode::Unreachable
            }
            _ => continue,
        };
        return Err(ToolFailure::new(
            code,
            crate::report::gap::GapReport::from(&gap).to_string(),
            "close this gap, then call again",
        ));
    }
    Ok(())
}

/// The routing view, and what is behind the Ingresses and HTTPRoutes that a request touches.
pub(super) async fn look(
    cluster: &Cluster,
    focus: &BTreeSet<String>,
    request: Option<&Request>,
) -> Result<Snapshot, ToolFailure> {
    // Boxed: it is large, and lies on the stack of everything that waits for it.
    let mut snapshot = Box::pin(gather::routing(cluster, focus)).await;
    need_ingresses(&snapshot, focus)?;
    let namespaces = behind(&snapshot, focus, request);
    gather::backends(cluster, &mut snapshot, &namespaces).await;
    Ok(snapshot)
}

/// The routing view, and what is behind every Ingress of it.
pub(super) async fn look_behind_all(
    cluster: &Cluster,
    focus: &BTreeSet<String>,
) -> Result<Snapshot, ToolFailure> {
    let mut snapshot = Box::pin(gather::routing(cluster, focus)).await;
    need_ingresses(&snapshot, focus)?;
    let mut namespaces = behind(&snapshot, focus, None);
    namespaces.extend(snapshot.ingresses.items().iter().map(|ingress| ingress.meta.namespace.clone()));
    let rules = snapshot.http_routes.items().iter().flat_map(|route| &route.rules);
    let routed = rules.flat_map(|rule| &rule.backends).map(|backend| backend.name.namespace.clone());
    namespaces.extend(routed);
    gather::backends(cluster, &mut snapshot, &namespaces).await;
    Ok(snapshot)
}

/// The namespaces a request may end in, with those in focus and the default backends'.
pub(super) fn behind(
    snapshot: &Snapshot,
    focus: &BTreeSet<String>,
    request: Option<&Request>,
) -> BTreeSet<String> {
    let mut namespaces = focus.clone();
    if let Some(request) = request {
        let host = request.host.as_str();
        namespaces.extend(
            snapshot
                .ingresses
                .items()
                .iter()
                .filter(|ingress| touches(ingress, host))
                .map(|ingress| ingress.meta.namespace.clone()),
        );
        for route in snapshot.http_routes.items().iter().filter(|route| route.touches(host)) {
            let backends = route.rules.iter().flat_map(|rule| &rule.backends);
            namespaces.extend(backends.map(|backend| backend.name.namespace.clone()));
        }
    }
    for controller in &snapshot.controllers {
        let settings = controller.settings();
        let default = settings.value("default-backend-service").and_then(|name| name.split_once('/'));
        namespaces.extend(default.map(|(namespace, _)| namespace.to_owned()));
    }
    namespaces
}

/// The Ingress of this name, or why there is none, with the nearest names.
pub(super) fn ingress<'a>(
    snapshot: &'a Snapshot,
    name: &Name,
) -> Result<&'a crate::model::ingress::Ingress, ToolFailure> {
    match snapshot.ingresses.get(&name.namespace, &name.name) {
        Lookup::Found(ingress) => Ok(ingress),
        Lookup::Unseen(gap) => Err(ToolFailure::new(
            match &gap.why {
                Why::Forbidden { .. } | Why::Unauthorized => FailureCode::Forbidden,
                _ => FailureCode::Unreachable,
            },
            crate::report::gap::GapReport::from(&gap).to_string(),
            "close this gap, or name another namespace",
        )),
        Lookup::Absent => {
            let known_namespace = match snapshot.namespaces.get("", &name.namespace) {
                Lookup::Absent => {
                    snapshot.namespaces.items().is_empty()
                        || snapshot.ingresses.in_namespace(&name.namespace).next().is_some()
                }
                Lookup::Found(_) | Lookup::Unseen(_) => true,
            };
            if !known_namespace {
                let spaces = snapshot.namespaces.items().iter().map(|space| space.meta.name.as_str());
                return Err(ToolFailure::new(
                    FailureCode::NotFound,
                    format!(
                        "there is no namespace {}; nearest: {}",
                        Text::new(&name.namespace),
                        nearest(&name.namespace, spaces)
                    ),
                    "name one of the namespaces that exist",
                ));
            }
            let all = snapshot
                .ingresses
                .items()
                .iter()
                .map(|ingress| ingress.meta.key().to_string())
                .collect::<Vec<_>>();
            let unsure = match snapshot.namespaces.get("", &name.namespace) {
                Lookup::Unseen(gap) if snapshot.ingresses.in_namespace(&name.namespace).next().is_none() => {
                    format!(
                        "; whether this namespace exists is not seen: {}",
                        crate::report::gap::reason(&gap.why)
                    )
                }
                Lookup::Found(_) | Lookup::Absent | Lookup::Unseen(_) => String::new(),
            };
            Err(ToolFailure::new(
                FailureCode::NotFound,
                format!(
                    "there is no Ingress {} in namespace {}; nearest: {}{unsure}",
                    Text::new(&name.name),
                    Text::new(&name.namespace),
                    nearest(&name.to_string(), all.iter().map(String::as_str)),
                ),
                "call again with one of these names, or with the host or url instead",
            ))
        }
    }
}

/// The five most alike names, most alike first.
pub(super) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let mut found: Vec<(usize, &str)> = names
        .map(|name| {
            let whole = strsim::damerau_levenshtein(name, wanted);
            (whole.min(strsim::damerau_levenshtein(&last(name), &last(wanted))), name)
        })
        .collect();
    found.sort_unstable();
    let names: Vec<String> = found.into_iter().take(5).map(|(_, name)| Text::new(name).to_string()).collect();
    if names.is_empty() { "none at all".to_owned() } else { names.join(", ") }
}

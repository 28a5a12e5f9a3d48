//! Fills a [`Snapshot`]: the routing view first, then what is behind it, then what changes are read
//! from. Each step lists a kind once; steps of one question share what was listed.

use std::collections::{BTreeMap, BTreeSet};

use futures::join;
use k8s_openapi::api::apps::v1 as apps;
use k8s_openapi::api::coordination::v1 as coordination;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::api::networking::v1 as networking;

use super::capture::Capture;
use super::capture::about::HISTORY;
use super::changes::{audit_log, history, rv_clock, watch_replay};
use super::cluster::{Cluster, Scope};
use super::gateways;
use super::live::RawReplay;
use super::{controllers, lower};
use crate::model::change::{Replay, Since};
use crate::model::controller::Controller;
use crate::model::event::{Event, NamespaceObject};
use crate::model::gap::{Gap, Unseen, Why};
use crate::model::ingress::Ingress;
use crate::model::object::{Kind, Object, ObjectMeta};
use crate::model::pod::Pod;
use crate::model::snapshot::{Coverage, Listing, Lookup, Snapshot};
use crate::model::workload::Workload;

/// Labels that charts and manifests give to controller pods, for clusters whose workloads cannot be read.
const POD_SELECTOR: &str = "app.kubernetes.io/name in (ingress-nginx, rke2-ingress-nginx, traefik, \
    nginx-ingress, kubernetes-ingress, haproxy-ingress, contour, kong, aws-load-balancer-controller, \
    apisix-ingress-controller)";

/// Whether a workload by itself is recognised as a controller.
fn is_controller(workload: &Workload) -> bool {
    !controllers::recognise(std::slice::from_ref(workload), &[], &[]).is_empty()
}

/// Ingresses, classes, namespaces and the controllers that may serve them.
///
/// `focus` are the namespaces the question names: where cluster-wide lists are refused, these are
/// listed instead.
pub async fn routing(cluster: &Cluster, focus: &BTreeSet<String>) -> Snapshot {
    let mut snapshot = Snapshot::empty(cluster.now());
    snapshot.context = cluster.context();
    snapshot.gaps.extend(cluster.capture().iter().flat_map(|capture| capture.gaps.iter().cloned()));
    snapshot.secrets = cluster.capture().and_then(|capture| capture.secret_names().cloned());
    let everywhere = Scope::Everywhere { or: focus.clone() };
    let is_live = cluster.live().is_some();
    // Of a live cluster only controllers are kept here; a capture holds all workloads in memory anyway.
    let keep_workload = move |workload: Workload| {
        let keep = !is_live || is_controller(&workload);
        keep.then_some(workload)
    };
    let (gateways, version, ingresses, classes, namespaces, deployments, daemon_sets, stateful_sets) = join!(
        gateways::fetch(cluster, &everywhere),
        cluster.server_version(),
        cluster.list::<networking::Ingress, _>(Kind::Ingress, &everywhere, None, |o| Some(
            lower::ingress::ingress(o)
        )),
        cluster.list::<networking::IngressClass, _>(Kind::IngressClass, &everywhere, None, |o| Some(
            lower::ingress_class::ingress_class(o)
        )),
        cluster.list::<core::Namespace, _>(Kind::Namespace, &everywhere, None, |o| Some(
            lower::event::namespace(o)
        )),
        cluster.list::<apps::Deployment, _>(Kind::Deployment, &everywhere, None, |o| keep_workload(
            lower::workload::deployment(o)
        )),
        cluster.list::<apps::DaemonSet, _>(Kind::DaemonSet, &everywhere, None, |o| keep_workload(
            lower::workload::daemon_set(o)
        )),
        cluster.list::<apps::StatefulSet, _>(Kind::StatefulSet, &everywhere, None, |o| keep_workload(
            lower::workload::stateful_set(o)
        )),
    );
    gateways.put_into(&mut snapshot);
    snapshot.server_version = version;
    snapshot.ingresses = listing(Kind::Ingress, ingresses, &mut snapshot.gaps);
    snapshot.classes = listing(Kind::IngressClass, classes, &mut snapshot.gaps);
    snapshot.namespaces = listing(Kind::Namespace, namespaces, &mut snapshot.gaps);
    snapshot.workloads = listing(Kind::Deployment, deployments, &mut snapshot.gaps);
    for (kind, (items, coverage, gaps)) in
        [(Kind::DaemonSet, daemon_sets), (Kind::StatefulSet, stateful_sets)]
    {
        snapshot.gaps.extend(gaps);
        snapshot.gaps.extend(Listing::<Workload>::new(kind, Vec::new(), coverage).gaps());
        snapshot.workloads.extend(items, Coverage::default());
    }
    let homes: BTreeSet<String> =
        snapshot.workloads.items().iter().map(|workload| workload.meta.namespace.clone()).collect();
    if is_live {
        // Without workloads (no `apps` rights) controllers can still be told by their pods' labels.
        let pod_scope = if homes.is_empty() { everywhere } else { Scope::Namespaces(homes) };
        let selector = matches!(pod_scope, Scope::Everywhere { .. }).then_some(POD_SELECTOR);
        pods(cluster, &mut snapshot, &pod_scope, selector).await;
    } else {
        pods(cluster, &mut snapshot, &everywhere, None).await;
    }
    let mut found =
        controllers::recognise(snapshot.workloads.items(), snapshot.pods.items(), snapshot.classes.items());
    let homes: BTreeSet<String> =
        found.iter().map(|controller| controller.workload.name.namespace.clone()).collect();
    services(cluster, &mut snapshot, &homes).await;
    for controller in &mut found {
        complete(cluster, &snapshot, controller).await;
    }
    snapshot.controllers = found;
    snapshot
}

/// Services, EndpointSlices and Pods of these namespaces, on top of what the snapshot has.
pub async fn backends(cluster: &Cluster, snapshot: &mut Snapshot, namespaces: &BTreeSet<String>) {
    services(cluster, snapshot, namespaces).await;
    let scope = missing_from(&snapshot.slices, namespaces);
    if let Some(scope) = scope {
        let (items, coverage, gaps) = cluster
            .list::<discovery::EndpointSlice, _>(Kind::EndpointSlice, &scope, None, |o| {
                Some(lower::endpoints::endpoint_slice(o))
            })
            .await;
        snapshot.gaps.extend(gaps);
        snapshot.slices.extend(items, coverage);
    }
    if let Some(scope) = missing_from(&snapshot.pods, namespaces) {
        pods(cluster, snapshot, &scope, None).await;
    }
}

/// What changes are read from: workloads, revisions and Events of these namespaces, and Leases.
pub async fn changes(cluster: &Cluster, snapshot: &mut Snapshot, namespaces: &BTreeSet<String>) {
    let scope = Scope::Namespaces(namespaces.clone());
    let controllers: BTreeSet<String> =
        snapshot.controllers.iter().map(|c| c.workload.name.namespace.clone()).collect();
    let lease_scope = Scope::Namespaces(controllers);
    let (replica_sets, controller_revisions, events, leases, deployments, daemon_sets, stateful_sets) = join!(
        cluster.list::<apps::ReplicaSet, _>(Kind::ReplicaSet, &scope, None, |o| Some(
            lower::workload::replica_set(o)
        )),
        cluster.list::<apps::ControllerRevision, _>(Kind::ControllerRevision, &scope, None, |o| Some(
            lower::workload::controller_revision(o)
        )),
        cluster.list::<core::Event, _>(Kind::Event, &scope, None, |o| Some(lower::event::event(o))),
        cluster.list::<coordination::Lease, _>(Kind::Lease, &lease_scope, None, |o| Some(
            lower::event::lease(o)
        )),
        cluster.list::<apps::Deployment, _>(Kind::Deployment, &scope, None, |o| Some(
            lower::workload::deployment(o)
        )),
        cluster.list::<apps::DaemonSet, _>(Kind::DaemonSet, &scope, None, |o| Some(
            lower::workload::daemon_set(o)
        )),
        cluster.list::<apps::StatefulSet, _>(Kind::StatefulSet, &scope, None, |o| Some(
            lower::workload::stateful_set(o)
        )),
    );
    snapshot.revisions = listing(Kind::ReplicaSet, replica_sets, &mut snapshot.gaps);
    let (items, coverage, gaps) = controller_revisions;
    snapshot.gaps.extend(gaps);
    snapshot.gaps.extend(Listing::<Workload>::new(Kind::ControllerRevision, Vec::new(), coverage).gaps());
    snapshot.revisions.extend(items, Coverage::default());
    snapshot.events = listing(Kind::Event, events, &mut snapshot.gaps);
    snapshot.leases = listing(Kind::Lease, leases, &mut snapshot.gaps);
    for (items, coverage, gaps) in [deployments, daemon_sets, stateful_sets] {
        snapshot.gaps.extend(gaps);
        snapshot.workloads.extend(items, coverage);
    }
}

/// The kinds whose past decides routing.
pub const REPLAYED: [Kind; 3] = [Kind::Ingress, Kind::IngressClass, Kind::Service];

/// Every source of past versions, and what of it could not be read: the files of a capture, or the API
/// server's own watch cache. Call it after the other steps, whose objects date deletions.
pub async fn past(cluster: &Cluster, snapshot: &Snapshot) -> (Vec<Replay>, Vec<Gap>) {
    if let Some(capture) = cluster.capture() {
        return past_of(capture, snapshot);
    }
    let Some(live) = cluster.live() else { return (Vec::new(), Vec::new()) };
    let [ingresses, classes, services] =
        REPLAYED.map(|kind| async move { (kind, live.replay(kind, None, 1).await) });
    let answers: [_; 3] = join!(ingresses, classes, services).into();
    let mut raws = Vec::new();
    let mut gaps = Vec::new();
    for (kind, raw) in answers {
        match raw {
            Ok(raw) => raws.push((kind, None, raw)),
            Err(why) => gaps.push(Gap { what: Unseen::History { kind, namespace: None }, why }),
        }
    }
    let oldest: BTreeMap<Kind, Option<u64>> =
        raws.iter().map(|(kind, _, raw)| (*kind, raw.oldest_rv)).collect();
    let mut replays = dated(snapshot, raws);
    for replay in &mut replays {
        // Nothing is known to have been written since its beginning, and it is read now.
        if replay.since == Since::Unknown {
            replay.since = Since::At(snapshot.now);
        }
        for kind in replay.kinds.clone() {
            let oldest = oldest.get(&kind).copied().flatten();
            if replay.unseen.is_none() && watch_replay::ends_early(replay, oldest, metas(snapshot, kind)) {
                replay.unseen = Some(Why::Partial {
                    detail: "past versions came, but not up to the present ones".to_owned(),
                });
            }
            gaps.extend(
                replay
                    .unseen
                    .iter()
                    .map(|why| Gap { what: Unseen::History { kind, namespace: None }, why: why.clone() }),
            );
        }
    }
    (replays, gaps)
}

/// What is there of a kind whose past is read.
fn metas(snapshot: &Snapshot, kind: Kind) -> Box<dyn Iterator<Item = &ObjectMeta> + '_> {
    match kind {
        Kind::Ingress => Box::new(snapshot.ingresses.items().iter().map(Object::meta)),
        Kind::IngressClass => Box::new(snapshot.classes.items().iter().map(Object::meta)),
        Kind::Service => Box::new(snapshot.services.items().iter().map(Object::meta)),
        _ => Box::new(std::iter::empty()),
    }
}

/// The files of a capture, among them what a watch cache held when it was taken.
fn past_of(capture: &Capture, snapshot: &Snapshot) -> (Vec<Replay>, Vec<Gap>) {
    let (replayed, errors) = match &capture.about {
        Some(about) => (about.replays.as_slice(), about.errors.as_slice()),
        None => (&[][..], &[][..]),
    };
    let history = capture.history.as_deref().unwrap_or_default();
    let mut replays = dated(snapshot, watch_replay::recorded(history, replayed));
    let seen: Vec<&[u8]> = history
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty() && (replayed.is_empty() || !watch_replay::is_recorded(line)))
        .collect();
    if !seen.is_empty() || (capture.history.is_some() && replayed.is_empty()) {
        let lines: Vec<_> = seen.iter().map(|line| String::from_utf8_lossy(line)).collect();
        replays.push(history::parse(lines.iter().map(AsRef::as_ref)));
    }
    if let Some(audit) = capture.audit.as_deref() {
        replays.push(audit_log::parse(String::from_utf8_lossy(audit).lines()));
    }
    let gaps = errors.iter().filter_map(|error| {
        let resource = error.resource.strip_prefix(HISTORY)?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.resource() == resource)?;
        let namespace = (!error.namespace.is_empty()).then(|| error.namespace.clone());
        let why = error.why_of("watch", kind.api_group(), kind.resource());
        Some(Gap { what: Unseen::History { kind, namespace }, why })
    });
    (replays, gaps.collect())
}

/// Watch caches with their versions dated by everything that was seen.
fn dated(snapshot: &Snapshot, raws: Vec<(Kind, Option<String>, RawReplay)>) -> Vec<Replay> {
    let mut points = rv_clock::points(snapshot);
    points.extend(raws.iter().flat_map(|(kind, _, raw)| watch_replay::points(raw, *kind)));
    let clock = rv_clock::rv_clock(points);
    raws.into_iter()
        .map(|(kind, namespace, raw)| watch_replay::replay(&raw, kind, namespace, &clock))
        .collect()
}

/// The Ingresses alone: of all namespaces, or of these where that is refused.
pub async fn ingresses(cluster: &Cluster, focus: &BTreeSet<String>) -> Listing<Ingress> {
    let scope = Scope::Everywhere { or: focus.clone() };
    let (items, coverage, _) = cluster
        .list::<networking::Ingress, _>(Kind::Ingress, &scope, None, |o| Some(lower::ingress::ingress(o)))
        .await;
    Listing::new(Kind::Ingress, items, coverage)
}

/// The namespaces alone.
pub async fn namespaces(cluster: &Cluster) -> Listing<NamespaceObject> {
    let scope = Scope::Everywhere { or: BTreeSet::new() };
    let (items, coverage, _) = cluster
        .list::<core::Namespace, _>(Kind::Namespace, &scope, None, |o| Some(lower::event::namespace(o)))
        .await;
    Listing::new(Kind::Namespace, items, coverage)
}

/// The Events of these namespaces, apart from any snapshot.
pub async fn events(cluster: &Cluster, namespaces: &BTreeSet<String>) -> (Listing<Event>, Vec<Gap>) {
    let scope = Scope::Namespaces(namespaces.clone());
    let list =
        cluster.list::<core::Event, _>(Kind::Event, &scope, None, |o| Some(lower::event::event(o))).await;
    let mut gaps = Vec::new();
    let events = listing(Kind::Event, list, &mut gaps);
    (events, gaps)
}

async fn services(cluster: &Cluster, snapshot: &mut Snapshot, namespaces: &BTreeSet<String>) {
    let Some(scope) = missing_from(&snapshot.services, namespaces) else { return };
    let (items, coverage, gaps) = cluster
        .list::<core::Service, _>(Kind::Service, &scope, None, |o| Some(lower::service::service(o)))
        .await;
    snapshot.gaps.extend(gaps);
    snapshot.services.extend(items, coverage);
}

async fn pods(cluster: &Cluster, snapshot: &mut Snapshot, scope: &Scope, selector: Option<&str>) {
    let (items, mut coverage, gaps) =
        cluster.list::<core::Pod, _>(Kind::Pod, scope, selector, |o| Some(lower::pod::pod(o))).await;
    if selector.is_some() {
        // A list by labels covers no namespace.
        coverage.everywhere = false;
        coverage.namespaces.clear();
    }
    snapshot.gaps.extend(gaps);
    snapshot.pods.extend(items, coverage);
}

/// The namespaces of `wanted` that a list does not cover yet.
fn missing_from<T: Object>(listing: &Listing<T>, wanted: &BTreeSet<String>) -> Option<Scope> {
    let missing: BTreeSet<String> = wanted
        .iter()
        .filter(|namespace| !listing.covers(namespace) && !listing.coverage.missing.contains_key(*namespace))
        .cloned()
        .collect();
    (!missing.is_empty()).then_some(Scope::Namespaces(missing))
}

fn listing<T: Object>(
    kind: Kind,
    (items, coverage, gaps): (Vec<T>, Coverage, Vec<Gap>),
    into: &mut Vec<Gap>,
) -> Listing<T> {
    into.extend(gaps);
    Listing::new(kind, items, coverage)
}

/// Reads the ConfigMap a controller names and finds the Services in front of its pods.
async fn complete(cluster: &Cluster, snapshot: &Snapshot, controller: &mut Controller) {
    if let Some(name) = controllers::config_map_name(controller) {
        let map = cluster
            .get::<core::ConfigMap, _>(Kind::ConfigMap, &name.namespace, &name.name, lower::event::config_map)
            .await;
        controller.config_map = Some((name, map));
    }
    let namespace = controller.workload.name.namespace.clone();
    let labels = pod_labels(snapshot, controller);
    controller.services = snapshot
        .services
        .in_namespace(&namespace)
        .filter(|service| !service.selector.is_empty() && selects(&service.selector, &labels))
        .map(|service| service.meta.key())
        .collect();
}

fn pod_labels(snapshot: &Snapshot, controller: &Controller) -> BTreeMap<String, String> {
    let name = &controller.workload.name;
    let of_pods = controller.pods.iter().find_map(|pod| match snapshot.pods.get(&name.namespace, pod) {
        Lookup::Found(pod) => Some(pod.meta.labels.clone()),
        Lookup::Absent | Lookup::Unseen(_) => None,
    });
    of_pods.unwrap_or_else(|| {
        snapshot
            .workloads
            .items()
            .iter()
            .find(|w| w.kind == controller.workload.kind && w.meta.key() == *name)
            .map(|w| w.template.labels.clone())
            .unwrap_or_default()
    })
}

/// Whether a label selector (equality only) takes these labels.
#[must_use]
pub fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// The pods of a controller, for their logs.
#[must_use]
pub fn controller_pods<'a>(snapshot: &'a Snapshot, controller: &Controller) -> Vec<&'a Pod> {
    let namespace = &controller.workload.name.namespace;
    controller
        .pods
        .iter()
        .filter_map(|name| match snapshot.pods.get(namespace, name) {
            Lookup::Found(pod) => Some(pod),
            Lookup::Absent | Lookup::Unseen(_) => None,
        })
        .collect()
}

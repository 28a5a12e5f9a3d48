//! Objects in short, for tests.

use chrono::{DateTime, NaiveTime, TimeZone, Utc};

use super::log_facts::{Line, LogFacts, Message, Says};
use super::{Input, gather};
use crate::model::change::{
    Change, ChangeSource, ObjectVersion, Replay, Since, SourceCoverage, VersionOp, Versioned,
};
use crate::model::controller::{Controller, ControllerKind};
use crate::model::endpoints::{Endpoint, EndpointSlice, SERVICE_LABEL};
use crate::model::event::Event;
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule};
use crate::model::ingress_class::IngressClass;
use crate::model::log::{LogStream, StreamCoverage};
use crate::model::object::{FieldWrite, Kind, Name, ObjectKey, ObjectMeta, Owner};
use crate::model::pod::{Container, ContainerStatus, Pod, PodTemplate};
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Listing, Snapshot};
use crate::model::workload::{Revision, Workload};

/// A time of the day all tests play on.
pub(crate) fn t(time: &str) -> DateTime<Utc> {
    let time = if time.len() == 5 { format!("{time}:00") } else { time.to_owned() };
    let time = NaiveTime::parse_from_str(&time, "%H:%M:%S").expect("a time such as 11:40");
    Utc.with_ymd_and_hms(2026, 11, 22, 0, 0, 0)
        .single()
        .expect("a date")
        .date_naive()
        .and_time(time)
        .and_utc()
}

pub(crate) fn meta(name: &str) -> ObjectMeta {
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    ObjectMeta { namespace: namespace.to_owned(), name: name.to_owned(), ..ObjectMeta::default() }
}

/// `host: /path=svc:port, …; host: …`; `!` after the path means Exact; `class=`, `@key=value`,
/// `default=`, `rv=`, `uid=` and `created=` set the rest.
pub(crate) fn ingress(name: &str, text: &str) -> Ingress {
    let mut made = Ingress { meta: meta(name), ..Ingress::default() };
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        if let Some(class) = part.strip_prefix("class=") {
            made.class_name = Some(class.to_owned());
        } else if let Some(annotation) = part.strip_prefix('@') {
            let (key, value) = annotation.split_once('=').expect("annotation");
            made.meta.annotations.insert(key.to_owned(), value.to_owned());
        } else if let Some(default) = part.strip_prefix("default=") {
            made.default_backend = Some(to(default));
        } else if let Some(version) = part.strip_prefix("rv=") {
            version.clone_into(&mut made.meta.resource_version);
        } else if let Some(uid) = part.strip_prefix("uid=") {
            uid.clone_into(&mut made.meta.uid);
        } else if let Some(created) = part.strip_prefix("created=") {
            made.meta.created = Some(t(created));
        } else {
            let (host, paths) = part.split_once(':').expect("rule");
            let paths = paths.split(',').map(str::trim).filter(|path| !path.is_empty());
            made.rules.push(Rule {
                host: (host != "*").then(|| host.to_owned()),
                paths: Some(paths.map(path).collect()),
            });
        }
    }
    made
}

fn path(text: &str) -> PathRule {
    let (path, backend) = text.split_once('=').expect("path");
    let (path, path_type) = match path.strip_suffix('!') {
        Some(path) => (path, PathType::Exact),
        None => (path, PathType::Prefix),
    };
    PathRule { path: path.to_owned(), path_type, backend: to(backend) }
}

fn to(text: &str) -> Backend {
    let (name, port) = text.split_once(':').expect("backend");
    let port = port.parse().map_or_else(|_| PortRef::Name(port.to_owned()), PortRef::Number);
    Backend::Service { name: name.to_owned(), port }
}

/// Selector `app=web`, ports `http 80 8080, …`.
pub(crate) fn service(name: &str, selector: &str, ports: &str) -> Service {
    let ports = ports.split(',').map(str::trim).filter(|port| !port.is_empty()).map(|port| {
        let parts: Vec<&str> = port.split(' ').collect();
        let target = parts[2].parse().map_or_else(|_| PortRef::Name(parts[2].into()), PortRef::Number);
        ServicePort {
            name: (parts[0] != "-").then(|| parts[0].to_owned()),
            number: parts[1].parse().expect("number"),
            target,
            node_port: None,
            protocol: "TCP".to_owned(),
        }
    });
    Service { meta: meta(name), selector: labels(selector), ports: ports.collect(), ..Service::default() }
}

fn labels(text: &str) -> std::collections::BTreeMap<String, String> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

pub(crate) fn class(name: &str, controller: &str) -> IngressClass {
    IngressClass { meta: meta(name), controller: Some(controller.to_owned()) }
}

/// `manager at field field …`
pub(crate) fn write(text: &str) -> FieldWrite {
    let mut parts = text.split(' ');
    FieldWrite {
        manager: parts.next().expect("manager").to_owned(),
        applied: false,
        subresource: None,
        at: Some(t(parts.next().expect("time"))),
        fields: parts.map(str::to_owned).collect(),
    }
}

pub(crate) fn version(op: VersionOp, at: &str, object: Versioned) -> ObjectVersion {
    ObjectVersion { op, at: Some(t(at)), precision_s: 1, by: None, source: ChangeSource::WatchReplay, object }
}

pub(crate) fn of_ingress(op: VersionOp, at: &str, name: &str, text: &str) -> ObjectVersion {
    version(op, at, Versioned::Ingress(Box::new(ingress(name, text))))
}

pub(crate) fn replay(since: Since, kinds: &[Kind], versions: Vec<ObjectVersion>) -> Replay {
    Replay {
        source: ChangeSource::WatchReplay,
        versions,
        touches: Vec::new(),
        since,
        kinds: kinds.to_vec(),
        namespace: None,
        unseen: None,
    }
}

pub(crate) fn template(labels_text: &str, image: &str, args: &[&str]) -> PodTemplate {
    PodTemplate {
        labels: labels(labels_text),
        containers: vec![Container {
            name: "app".to_owned(),
            image: image.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            ..Container::default()
        }],
        ..PodTemplate::default()
    }
}

pub(crate) fn deployment(name: &str, template: PodTemplate) -> Workload {
    Workload {
        kind: Kind::Deployment,
        meta: meta(name),
        selector: template.labels.clone(),
        replicas: Some(1),
        ready: 1,
        template,
    }
}

/// A ReplicaSet `name` of the Deployment `owner` in the same namespace.
pub(crate) fn revision(
    owner: &str,
    name: &str,
    number: i64,
    created: &str,
    template: PodTemplate,
) -> Revision {
    let mut meta = meta(name);
    meta.created = Some(t(created));
    meta.owner =
        Some(Owner { kind: "Deployment".to_owned(), name: owner.to_owned(), uid: format!("uid-{owner}") });
    Revision { kind: Kind::ReplicaSet, meta, number: Some(number), replicas: 1, template }
}

pub(crate) fn pod(name: &str, label: &str, created: &str, started: &str) -> Pod {
    let mut meta = meta(name);
    meta.created = Some(t(created));
    meta.labels = labels(label);
    let status = ContainerStatus {
        name: "app".to_owned(),
        image: "app:1".to_owned(),
        ready: true,
        started: Some(t(started)),
        ..ContainerStatus::default()
    };
    Pod { meta, statuses: vec![status], ..Pod::default() }
}

pub(crate) fn slice(name: &str, service: &str, ready: usize, total: usize) -> EndpointSlice {
    let mut meta = meta(name);
    meta.labels.insert(SERVICE_LABEL.to_owned(), service.to_owned());
    let endpoints = (0..total).map(|index| Endpoint { ready: index < ready, ..Endpoint::default() });
    EndpointSlice { meta, endpoints: endpoints.collect(), ..EndpointSlice::default() }
}

/// An Event about `Kind namespace/name`.
pub(crate) fn event(about: &str, reason: &str, message: &str, at: &str) -> Event {
    let (kind, name) = about.split_once(' ').expect("Kind namespace/name");
    let about = meta(name);
    let mut own = meta(&format!("{}/{reason}.{at}.{}", about.namespace, about.name));
    own.created = Some(t(at));
    Event {
        meta: own,
        about_kind: kind.to_owned(),
        about: Name::new(about.namespace, about.name),
        reason: reason.to_owned(),
        message: message.to_owned(),
        first: Some(t(at)),
        last: Some(t(at)),
        count: 1,
        component: "nginx-ingress-controller".to_owned(),
        ..Event::default()
    }
}

/// The controller of the Deployment `ctl/nginx` with these pods.
pub(crate) fn controller(pods: &[&str]) -> Controller {
    Controller {
        kind: ControllerKind::IngressNginx,
        workload: ObjectKey::new(Kind::Deployment, "ctl", "nginx"),
        container_index: 0,
        container: "app".to_owned(),
        image: "controller:v1.11.3".to_owned(),
        version: None,
        command: Vec::new(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        pods: pods.iter().map(|pod| (*pod).to_owned()).collect(),
        config_map: None,
        services: Vec::new(),
    }
}

pub(crate) fn stream(pod: &str) -> LogStream {
    LogStream {
        namespace: "ctl".to_owned(),
        pod: pod.to_owned(),
        container: "app".to_owned(),
        previous: false,
    }
}

pub(crate) fn read(pod: &str, first: &str, last: &str) -> StreamCoverage {
    StreamCoverage {
        stream: stream(pod),
        first: Some(t(first)),
        last: Some(t(last)),
        lines: 100,
        bytes: 10_000,
        cut: None,
    }
}

pub(crate) fn said(at: &str, says: Says, about: Option<ObjectKey>, text: &str) -> Message {
    Message { at: t(at), says, about, line: Line { stream: stream("nginx-1"), text: text.to_owned() } }
}

/// A snapshot of which every list was read completely, at noon.
pub(crate) fn noon() -> Snapshot {
    let mut snapshot = Snapshot::empty(t("12:00"));
    snapshot.ingresses = Listing::complete(Kind::Ingress, Vec::new());
    snapshot.classes = Listing::complete(Kind::IngressClass, Vec::new());
    snapshot.services = Listing::complete(Kind::Service, Vec::new());
    snapshot.slices = Listing::complete(Kind::EndpointSlice, Vec::new());
    snapshot.pods = Listing::complete(Kind::Pod, Vec::new());
    snapshot.workloads = Listing::complete(Kind::Deployment, Vec::new());
    snapshot.revisions = Listing::complete(Kind::ReplicaSet, Vec::new());
    snapshot.events = Listing::complete(Kind::Event, Vec::new());
    snapshot.leases = Listing::complete(Kind::Lease, Vec::new());
    snapshot
}

/// `11:40:00±1 Aspect Act Kind ns/name field: before => after (by)` of every change of one source.
pub(crate) fn told(input: &Input<'_>, source: ChangeSource) -> Vec<String> {
    let gathered = gather(input);
    let mut changes: Vec<&Change> = gathered.changes.iter().filter(|change| change.via == source).collect();
    changes.sort_by_key(|change| change.at);
    changes.into_iter().map(line).collect()
}

pub(crate) fn line(change: &Change) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let by = change.by.as_deref().map(|by| format!(" ({by})")).unwrap_or_default();
    let field = if change.field.is_empty() { String::new() } else { format!(" {}", change.field) };
    format!(
        "{}±{} {:?} {:?} {}{field}: {} => {}{by}",
        change.at.format("%H:%M:%S"),
        change.precision_s,
        change.aspect,
        change.act,
        change.object,
        text(&change.before),
        text(&change.after),
    )
}

pub(crate) fn coverage_of(input: &Input<'_>, source: ChangeSource) -> SourceCoverage {
    let gathered = gather(input);
    gathered.coverage.into_iter().find(|coverage| coverage.source == source).expect("every source reports")
}

/// Input over nothing but a snapshot.
pub(crate) fn over<'a>(snapshot: &'a Snapshot, log: &'a LogFacts) -> Input<'a> {
    Input { snapshot, replays: &[], log }
}

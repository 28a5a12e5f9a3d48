//! The objects of a capture: a List of each kind, sorted by namespace and name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::about::{Absent, ListError};
use super::super::write::{WriteError, Writer};
use super::{Taking, homes};
use crate::evidence::cluster::Scope;
use crate::model::gap::{Unseen, Why};
use crate::model::object::{Kind, Name};
use crate::model::snapshot::{Coverage, Lookup, Snapshot};

/// A List is split where it grows larger than readers take of one file.
const PART: usize = 128 << 20;
/// Namespaces that are listed one by one where a list of everything is refused.
const MOST_NAMESPACES: usize = 200;

/// A container, and whether it ran before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ran {
    pub(super) container: String,
    pub(super) restarted: bool,
}

/// What the logs to take are chosen by.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) pods: BTreeMap<Name, Vec<Ran>>,
    /// Services that Ingresses send requests to.
    pub(super) services: BTreeSet<Name>,
    /// The pods behind a Service.
    pub(super) behind: BTreeMap<Name, BTreeSet<String>>,
}

impl Taking<'_> {
    pub(super) async fn objects(
        &mut self,
        snapshot: &Snapshot,
        focus: &BTreeSet<String>,
    ) -> Result<Seen, WriteError> {
        let homes = homes(snapshot);
        let mut places: BTreeSet<String> = focus.union(&homes).cloned().collect();
        if self.wanted.namespaces.is_empty() {
            let known = snapshot.namespaces.items().iter().map(|namespace| namespace.meta.name.clone());
            places.extend(known.take(MOST_NAMESPACES));
        }
        let (cluster, wanted) = (self.cluster, self.wanted);
        let mut seen = Seen::default();
        for kind in Kind::ALL {
            // ConfigMaps are read by name, and Secrets not at all.
            if matches!(kind, Kind::ConfigMap | Kind::Secret) {
                continue;
            }
            (self.say)(&format!("reading {}", kind.resource()));
            let scope = if self.wanted.namespaces.is_empty() || kind.is_cluster_scoped() {
                Scope::Everywhere { or: places.clone() }
            } else {
                Scope::Namespaces(places.clone())
            };
            let mut items: BTreeMap<(String, String), String> = BTreeMap::new();
            let (_, coverage, _) = cluster
                .list::<Value, ()>(kind, &scope, None, |mut object| {
                    let text =
                        |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
                    let key = (text("/metadata/namespace"), text("/metadata/name"));
                    if !wanted.takes(&key.0, &homes) {
                        return None;
                    }
                    seen.note(kind, &object);
                    entitle(kind, &mut object);
                    items.insert(key, object.to_string());
                    None
                })
                .await;
            self.cover(kind, coverage, &places);
            self.taken.objects.insert(kind, items.len());
            let cleaned: Vec<String> = items.into_values().map(|item| self.cleaned(item)).collect();
            put_list(self.writer, kind, &cleaned)?;
        }
        Ok(seen)
    }

    /// What of a kind could not be listed, and what could where not everything was.
    fn cover(&mut self, kind: Kind, mut coverage: Coverage, places: &BTreeSet<String>) {
        if !self.wanted.namespaces.is_empty() && coverage.everywhere && !kind.is_cluster_scoped() {
            // A capture lists everything; only some namespaces were asked for.
            coverage.everywhere = false;
            coverage.namespaces = places.clone();
        }
        if !coverage.everywhere {
            coverage.missing.entry(String::new()).or_insert(Why::NotCaptured);
            coverage.namespaces.retain(|namespace| !coverage.missing.contains_key(namespace));
            if !coverage.namespaces.is_empty() {
                self.about.covered.insert(kind.resource().to_owned(), coverage.namespaces);
            }
        }
        for (namespace, why) in coverage.missing {
            self.miss(ListError::new(kind.resource(), namespace, &why));
        }
    }

    /// The ConfigMaps that controllers read their settings from, and no others.
    pub(super) async fn config_maps(&mut self, snapshot: &Snapshot) -> Result<(), WriteError> {
        let kind = Kind::ConfigMap;
        let names: BTreeSet<&Name> = snapshot
            .controllers
            .iter()
            .filter_map(|controller| controller.config_map.as_ref().map(|(name, _)| name))
            .filter(|name| !name.name.is_empty())
            .collect();
        let mut items = Vec::new();
        for name in names {
            match self.cluster.get::<Value, Value>(kind, &name.namespace, &name.name, |object| object).await {
                Lookup::Found(mut object) => {
                    entitle(kind, &mut object);
                    items.push(self.cleaned(object.to_string()));
                }
                Lookup::Absent => self.about.absent.push(Absent {
                    resource: kind.resource().to_owned(),
                    namespace: name.namespace.clone(),
                    name: name.name.clone(),
                }),
                Lookup::Unseen(gap) => {
                    debug_assert!(matches!(gap.what, Unseen::Object(_)));
                    self.miss(ListError::new(kind.resource(), name.namespace.as_str(), &gap.why));
                }
            }
        }
        self.taken.objects.insert(kind, items.len());
        // Others may exist: they are not read.
        self.miss(ListError::new(kind.resource(), "", &Why::NotCaptured));
        put_list(self.writer, kind, &items)
    }

    fn cleaned(&mut self, item: String) -> String {
        match serde_json::from_str::<Value>(&item) {
            Ok(mut object) => {
                self.clean.object(&mut object);
                object.to_string()
            }
            Err(_) => item,
        }
    }
}

/// `networking.k8s.io/v1`: every kind is served as v1 of its group.
pub(super) fn api_version(kind: Kind) -> String {
    match kind.api_group() {
        "" => "v1".to_owned(),
        group => format!("{group}/v1"),
    }
}

/// Items of a List carry neither kind nor version where the server knows them from the List.
pub(super) fn entitle(kind: Kind, object: &mut Value) {
    if let Value::Object(members) = object
        && (!members.contains_key("kind") || !members.contains_key("apiVersion"))
    {
        let mut titled = serde_json::Map::new();
        titled.insert("apiVersion".to_owned(), api_version(kind).into());
        titled.insert("kind".to_owned(), kind.as_str().into());
        for (key, value) in std::mem::take(members) {
            titled.insert(key, value);
        }
        *members = titled;
    }
}

/// Writes a List, one item a line; in parts where it is large.
pub(super) fn put_list(writer: &mut Writer, kind: Kind, items: &[String]) -> Result<(), WriteError> {
    let version = api_version(kind);
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    for item in items {
        if !part.is_empty() {
            if PART < part.len() + item.len() {
                parts.push(std::mem::take(&mut part));
            } else {
                part.push_str(",\n");
            }
        }
        part.push_str(item);
    }
    parts.push(part);
    for (number, part) in (1_usize..).zip(&parts) {
        let text = format!(
            "{{\"apiVersion\":\"{version}\",\"kind\":\"{}List\",\"items\":[\n{part}\n]}}\n",
            kind.as_str()
        );
        let name = match number {
            1 => format!("objects/{}.json", kind.resource()),
            more => format!("objects/{}-{more}.json", kind.resource()),
        };
        writer.put(&name, text.as_bytes())?;
    }
    Ok(())
}

impl Seen {
    fn note(&mut self, kind: Kind, object: &Value) {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let namespace = text("/metadata/namespace");
        let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
        match kind {
            Kind::Ingress => {
                let backend = |backend: Option<&Value>| {
                    Some(Name::new(namespace, backend?.pointer("/service/name")?.as_str()?))
                };
                self.services.extend(backend(object.pointer("/spec/defaultBackend")));
                for rule in list(object.pointer("/spec/rules")) {
                    for path in list(rule.pointer("/http/paths")) {
                        self.services.extend(backend(path.get("backend")));
                    }
                }
            }
            Kind::HttpRoute => {
                for rule in list(object.pointer("/spec/rules")) {
                    for backend in list(rule.get("backendRefs")) {
                        let of = |key: &str| backend.get(key).and_then(Value::as_str);
                        if of("kind").is_none_or(|kind| kind == Kind::Service.as_str())
                            && let Some(name) = of("name")
                        {
                            self.services.insert(Name::new(of("namespace").unwrap_or(namespace), name));
                        }
                    }
                }
            }
            Kind::EndpointSlice => {
                let service = text("/metadata/labels/kubernetes.io~1service-name");
                let pods = self.behind.entry(Name::new(namespace, service)).or_default();
                for endpoint in list(object.get("endpoints")) {
                    if endpoint.pointer("/targetRef/kind").and_then(Value::as_str) == Some("Pod") {
                        let name = endpoint.pointer("/targetRef/name").and_then(Value::as_str);
                        pods.extend(name.map(str::to_owned));
                    }
                }
            }
            Kind::Pod => {
                let statuses = list(object.pointer("/status/containerStatuses"));
                let restarts = |name: &str| {
                    statuses
                        .iter()
                        .find(|status| status.get("name").and_then(Value::as_str) == Some(name))
                        .and_then(|status| status.get("restartCount")?.as_u64())
                };
                let containers = list(object.pointer("/spec/containers"));
                let ran = containers.iter().filter_map(|container| {
                    let container = container.get("name")?.as_str()?.to_owned();
                    let restarted = restarts(&container).is_some_and(|count| count > 0);
                    Some(Ran { container, restarted })
                });
                self.pods.insert(Name::new(namespace, text("/metadata/name")), ran.collect());
            }
            Kind::IngressClass
            | Kind::Service
            | Kind::Deployment
            | Kind::DaemonSet
            | Kind::StatefulSet
            | Kind::ReplicaSet
            | Kind::ControllerRevision
            | Kind::ConfigMap
            | Kind::Event
            | Kind::Namespace
            | Kind::Lease
            | Kind::Secret
            | Kind::GatewayClass
            | Kind::Gateway
            | Kind::ReferenceGrant => {}
        }
    }
}

//! The objects of a world as controllers see them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use serde_json::Value;

use crate::world::{CLASS, World};

/// A Service port that a backend names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Port {
    Number(u64),
    Name(String),
}

impl Port {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Name(name) => name.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Backend {
    pub(super) service: String,
    pub(super) port: Port,
}

#[derive(Debug)]
pub(super) struct Path {
    pub(super) path: String,
    pub(super) kind: String,
    /// `None` for a resource.
    pub(super) backend: Option<Backend>,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) host: String,
    pub(super) paths: Vec<Path>,
}

#[derive(Debug)]
pub(super) struct Tls {
    pub(super) hosts: Vec<String>,
    pub(super) secret: String,
}

#[derive(Debug)]
pub(super) struct Ingress {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) created: String,
    pub(super) class: Option<String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) default: Option<Backend>,
    pub(super) rules: Vec<Rule>,
    pub(super) tls: Vec<Tls>,
}

#[derive(Debug)]
pub(super) struct ServicePort {
    pub(super) name: String,
    pub(super) number: u64,
    pub(super) target: u64,
    /// The ready pods behind it.
    pub(super) pods: Vec<SocketAddr>,
}

/// A whole world.
#[derive(Debug)]
pub(super) struct Cluster<'w> {
    /// In no particular order.
    pub(super) ingresses: Vec<Ingress>,
    services: BTreeMap<(String, String), Vec<ServicePort>>,
    /// The Services that stand for another host, with its address.
    external: BTreeMap<(String, String), std::net::IpAddr>,
    secrets: BTreeSet<(String, String)>,
    world: &'w World,
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'v>(object: &'v Value, pointer: &str) -> &'v [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

impl<'w> Cluster<'w> {
    pub(super) fn of(world: &'w World) -> Self {
        let of_kind = |kind: &'static str| {
            world.objects.iter().chain(&world.controller).filter(move |object| object["kind"] == kind)
        };
        let key = |object: &Value| (text(object, "/metadata/namespace"), text(object, "/metadata/name"));
        let slices: Vec<&Value> = of_kind("EndpointSlice").collect();
        let secrets = of_kind("SecretList").flat_map(|all| list(all, "/items")).map(key).collect();
        Self {
            ingresses: of_kind("Ingress").map(ingress).collect(),
            services: of_kind("Service").map(|object| (key(object), ports(object, &slices))).collect(),
            external: of_kind("Service")
                .filter_map(|object| Some((key(object), text(object, "/spec/externalName").parse().ok()?)))
                .collect(),
            secrets,
            world,
        }
    }

    /// The address that an `ExternalName` Service stands for.
    pub(super) fn external(&self, namespace: &str, name: &str) -> Option<std::net::IpAddr> {
        self.external.get(&(namespace.to_owned(), name.to_owned())).copied()
    }

    /// The ports of a Service, if it is there.
    pub(super) fn service(&self, namespace: &str, name: &str) -> Option<&[ServicePort]> {
        self.services.get(&(namespace.to_owned(), name.to_owned())).map(Vec::as_slice)
    }

    pub(super) fn has_secret(&self, namespace: &str, name: &str) -> bool {
        self.secrets.contains(&(namespace.to_owned(), name.to_owned()))
    }

    /// The value of an argument; of several, the last counts.
    pub(super) fn argument(&self, name: &str) -> Option<&str> {
        let mut arguments = self.world.arguments.iter().rev();
        arguments.find_map(|argument| {
            let (key, value) = argument.split_once('=').unwrap_or((argument, "true"));
            (key.trim_start_matches('-') == name).then_some(value)
        })
    }

    pub(super) fn config(&self, key: &str) -> Option<&str> {
        self.world.config.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

impl Ingress {
    /// `namespace/name`.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    pub(super) fn is_of_class(&self) -> bool {
        self.class.as_deref() == Some(CLASS)
    }

    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }
}

fn ingress(object: &Value) -> Ingress {
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    Ingress {
        namespace: text(object, "/metadata/namespace"),
        name: text(object, "/metadata/name"),
        uid: text(object, "/metadata/uid"),
        created: text(object, "/metadata/creationTimestamp"),
        class: object.pointer("/spec/ingressClassName").and_then(Value::as_str).map(ToOwned::to_owned),
        annotations: annotations
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        default: object.pointer("/spec/defaultBackend").and_then(backend),
        rules: list(object, "/spec/rules").iter().map(rule).collect(),
        tls: list(object, "/spec/tls").iter().map(tls).collect(),
    }
}

fn rule(rule: &Value) -> Rule {
    let path = |path: &Value| Path {
        path: text(path, "/path"),
        kind: text(path, "/pathType"),
        backend: path.get("backend").and_then(backend),
    };
    Rule { host: text(rule, "/host"), paths: list(rule, "/http/paths").iter().map(path).collect() }
}

fn tls(tls: &Value) -> Tls {
    let hosts = list(tls, "/hosts").iter().filter_map(Value::as_str);
    Tls { hosts: hosts.map(ToOwned::to_owned).collect(), secret: text(tls, "/secretName") }
}

fn backend(backend: &Value) -> Option<Backend> {
    let service = backend.get("service")?;
    let port = match service.pointer("/port/number").and_then(Value::as_u64) {
        Some(number) => Port::Number(number),
        None => Port::Name(text(service, "/port/name")),
    };
    Some(Backend { service: text(service, "/name"), port })
}

fn ports(service: &Value, slices: &[&Value]) -> Vec<ServicePort> {
    let namespace = text(service, "/metadata/namespace");
    let name = text(service, "/metadata/name");
    let own: Vec<&&Value> = slices
        .iter()
        .filter(|slice| {
            text(slice, "/metadata/namespace") == namespace
                && text(slice, "/metadata/labels/kubernetes.io~1service-name") == name
        })
        .collect();
    let port = |port: &Value| {
        let name = text(port, "/name");
        let pods = own.iter().flat_map(|slice| pods(slice, &name)).collect();
        ServicePort {
            name,
            number: port["port"].as_u64().unwrap_or_default(),
            target: port["targetPort"].as_u64().unwrap_or_default(),
            pods,
        }
    };
    list(service, "/spec/ports").iter().map(port).collect()
}

fn pods(slice: &Value, port: &str) -> Vec<SocketAddr> {
    let ports = list(slice, "/ports").iter().filter(|found| text(found, "/name") == port);
    let ready = list(slice, "/endpoints").iter().filter(|one| one["conditions"]["ready"] == true);
    let addresses: Vec<String> = ready
        .flat_map(|one| list(one, "/addresses"))
        .filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect();
    ports
        .filter_map(|port| port["port"].as_u64())
        .flat_map(|port| addresses.iter().map(move |address| format!("{address}:{port}")))
        .filter_map(|address| address.parse().ok())
        .collect()
}

//! Ingresses in short, and checks that every model's tests share.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta};

use super::{Decision, Edit, Input, Note, Outcome, Reason, RouteTable, model_for, proposed};
use crate::model::controller::{ControllerKind, Flag, Settings};
use crate::model::endpoints::{Endpoint, EndpointPort, EndpointSlice, SERVICE_LABEL};
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule};
use crate::model::object::{Kind, Name, ObjectMeta};
use crate::model::request::Request;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Listing, Snapshot};

/// A URL, and what becomes of it in short: see [`brief`].
pub(super) type Case<'a> = (&'a str, &'a str);

fn named(text: &str) -> ObjectMeta {
    let (namespace, name) = text.split_once('/').expect("namespace/name");
    ObjectMeta { namespace: namespace.to_owned(), name: name.to_owned(), ..ObjectMeta::default() }
}

fn backend(service: &str) -> Backend {
    Backend::Service { name: service.to_owned(), port: PortRef::Number(80) }
}

/// Rules as `(host, "TYPE PATH SERVICE")`; one host after another makes one rule.
pub(in crate::analysis) fn ingress(name: &str, paths: &[(&str, &str)]) -> Ingress {
    let mut rules: Vec<Rule> = Vec::new();
    for (host, text) in paths {
        let (path_type, rest) = text.split_once(' ').expect("TYPE PATH SERVICE");
        let (path, service) = rest.rsplit_once(' ').expect("TYPE PATH SERVICE");
        let path_type = match path_type {
            "Exact" => PathType::Exact,
            "Prefix" => PathType::Prefix,
            _ => PathType::ImplementationSpecific,
        };
        let path = PathRule { path: path.to_owned(), path_type, backend: backend(service) };
        match rules.last_mut().filter(|rule| rule.host() == *host) {
            Some(rule) => rule.paths.get_or_insert_default().push(path),
            None => rules.push(Rule { host: Some((*host).to_owned()), paths: Some(vec![path]) }),
        }
    }
    Ingress { meta: named(name), rules, ..Ingress::default() }
}

/// Gives an Ingress a default backend.
pub(in crate::analysis) fn set_default(ingress: &mut Ingress, service: &str) {
    ingress.default_backend = Some(backend(service));
}

/// An Ingress with annotations of ingress-nginx, `seconds` old.
pub(in crate::analysis) fn annotated(
    name: &str,
    seconds: i64,
    annotations: &[(&str, &str)],
    paths: &[(&str, &str)],
) -> Ingress {
    let mut ingress = ingress(name, paths);
    ingress.meta.created = Some(DateTime::UNIX_EPOCH - TimeDelta::seconds(seconds));
    ingress.meta.annotations = annotations
        .iter()
        .map(|(key, value)| (format!("nginx.ingress.kubernetes.io/{key}"), (*value).to_owned()))
        .collect();
    ingress
}

/// An Ingress with annotations by their whole keys.
pub(in crate::analysis) fn marked(
    name: &str,
    annotations: &[(&str, &str)],
    paths: &[(&str, &str)],
) -> Ingress {
    let mut ingress = ingress(name, paths);
    ingress.meta.annotations =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    ingress
}

/// Settings of a controller with these arguments, each `--name=value`.
pub(super) fn told(args: &[&str]) -> Settings {
    let flag = |(index, arg): (usize, &&str)| {
        let (name, value) = arg.trim_start_matches('-').split_once('=').expect("--name=value");
        let (name, value) = (name.to_ascii_lowercase(), Some(value.to_owned()));
        Flag { index, in_command: false, name, value }
    };
    Settings { args: args.iter().enumerate().map(flag).collect(), ..Settings::default() }
}

/// A snapshot in which every Service that an Ingress names is there, but `dead*` has nobody and
/// `gone*` does not exist.
pub(in crate::analysis) fn snapshot(ingresses: &[Ingress]) -> Snapshot {
    let mut names: BTreeSet<Name> = BTreeSet::new();
    for ingress in ingresses {
        let paths = ingress.path_rules().map(|(_, _, _, path)| &path.backend);
        for backend in paths.chain(&ingress.default_backend) {
            if let Some((service, _)) = backend.service() {
                names.insert(Name::new(&ingress.meta.namespace, service));
            }
        }
        if let Some(service) = ingress.meta.annotation("nginx.ingress.kubernetes.io/default-backend") {
            names.insert(Name::new(&ingress.meta.namespace, service));
        }
    }
    names.retain(|name| !name.name.starts_with("gone"));
    let services = names.iter().map(|name| Service {
        meta: named(&name.to_string()),
        ports: vec![ServicePort {
            name: None,
            number: 80,
            target: PortRef::Number(8080),
            node_port: Some(30080),
            protocol: "TCP".to_owned(),
        }],
        service_type: "NodePort".to_owned(),
        ..Service::default()
    });
    let slices = names.iter().map(|name| {
        let mut meta = named(&format!("{name}-1"));
        meta.labels.insert(SERVICE_LABEL.to_owned(), name.name.clone());
        EndpointSlice {
            meta,
            address_type: "IPv4".to_owned(),
            ports: vec![EndpointPort { name: None, number: Some(8080) }],
            endpoints: vec![Endpoint {
                addresses: vec!["10.0.0.1".to_owned()],
                ready: !name.name.starts_with("dead"),
                ..Endpoint::default()
            }],
        }
    });
    Snapshot {
        services: Listing::complete(Kind::Service, services.collect()),
        slices: Listing::complete(Kind::EndpointSlice, slices.collect()),
        secrets: Some(BTreeSet::new()),
        ..Snapshot::empty(DateTime::UNIX_EPOCH)
    }
}

/// The table of a model over Ingresses, all of them adopted.
pub(super) fn table(kind: ControllerKind, ingresses: &[Ingress], settings: &Settings) -> Box<dyn RouteTable> {
    let snapshot = snapshot(ingresses);
    let adopted: Vec<&Ingress> = ingresses.iter().collect();
    let input = Input { ingresses: &adopted, snapshot: &snapshot, settings };
    model_for(kind).expect("a model").compile(&input)
}

/// `namespace/service` with the path it gets where that differs from the request's, `CODE` of the
/// proxy itself, `CODE location`, or `one of …`.
pub(super) fn brief(decision: &Decision, request: &Request) -> String {
    let backend = decision.winner.as_ref().and_then(|winner| winner.backend.as_ref());
    match decision.outcome {
        Outcome::Routed => {
            let target = backend.map_or_else(|| "?".to_owned(), |target| target.service.to_string());
            match decision.upstream_path.as_deref() {
                Some(path) if path != request.path.as_str() => format!("{target} {path}"),
                Some(_) | None => target,
            }
        }
        Outcome::Undefined => {
            let names: Vec<String> =
                decision.one_of.iter().map(|target| target.service.to_string()).collect();
            let or = decision.notes.iter().filter_map(|note| match note {
                Note::OrAnswered { status, .. } => status.map(|status| format!(" or {status}")),
                _ => None,
            });
            format!("one of {}{}", names.join(", "), or.collect::<String>())
        }
        Outcome::Redirect | Outcome::NoRoute | Outcome::Refused | Outcome::Unavailable => {
            let status = decision.status.map_or_else(|| "refused".to_owned(), |status| status.to_string());
            match &decision.location {
                Some(location) => format!("{status} {location}"),
                None => status,
            }
        }
    }
}

/// Checks requests against Ingresses under a model, with default settings.
pub(super) fn check(kind: ControllerKind, ingresses: &[Ingress], cases: &[Case<'_>]) {
    check_with(kind, ingresses, &Settings::default(), cases);
}

/// Checks requests against Ingresses under a model.
pub(super) fn check_with(
    kind: ControllerKind,
    ingresses: &[Ingress],
    settings: &Settings,
    cases: &[Case<'_>],
) {
    let table = table(kind, ingresses, settings);
    for (url, expected) in cases {
        let request = Request::parse(url).expect(url);
        assert_eq!(brief(&table.decide(&request), &request), *expected, "{url}");
    }
}

/// Why each candidate lost, nearest first: Ingress, path and reason in short.
pub(super) fn reasons(kind: ControllerKind, ingresses: &[Ingress], url: &str) -> Vec<String> {
    let request = Request::parse(url).expect(url);
    let explanation = table(kind, ingresses, &Settings::default()).explain(&request, 20);
    let word = |reason: &Reason| match reason {
        Reason::HostDiffers => "host".to_owned(),
        Reason::OtherServer { chosen } => format!("server {chosen}"),
        Reason::PathDiffers => "path".to_owned(),
        Reason::LessSpecific { than, than_path } => format!("than {than} {than_path}"),
        Reason::OlderWins { older } => format!("older {older}"),
        Reason::HostTaken { by } => format!("taken {by}"),
        Reason::ConditionDiffers { field } => format!("condition {field}"),
        Reason::NotLoaded(_) => "not loaded".to_owned(),
        Reason::CanaryOnly => "canary".to_owned(),
        Reason::ResourceBackend => "resource".to_owned(),
        Reason::PatternDiffers { pattern } => format!("pattern {pattern}"),
        Reason::LeftOut(note) => format!("left out, {note:?}"),
        Reason::Duplicate { of } => format!("as {of}"),
        Reason::Unmet(unmet) => format!("{unmet:?}"),
        Reason::Detached(detached) => format!("{detached:?}"),
        Reason::OtherEntryPoint { asked, tls } => format!("not at {asked}, tls {tls}"),
    };
    let lost = explanation.eliminated.iter();
    lost.map(|lost| format!("{} {}: {}", lost.ingress, lost.path, word(&lost.reason))).collect()
}

/// Checks that a request is not routed, that there are near misses, and that each edit mends it.
pub(super) fn misses_are_mended(kind: ControllerKind, ingresses: &[Ingress], url: &str) {
    let request = Request::parse(url).expect(url);
    let before = table(kind, ingresses, &Settings::default());
    assert_ne!(before.decide(&request).outcome, Outcome::Routed, "{url}");
    let nearest = before.explain(&request, 10).nearest;
    assert!(!nearest.is_empty(), "{url} has no near miss");
    for miss in nearest {
        let mut edited = ingresses.to_vec();
        let mut request = request.clone();
        match &miss.edit {
            Edit::AskHost { host } => {
                request = Request::parse(&format!("http://{host}{}", request.target())).expect(host);
            }
            _ => {
                let mut all = edited.iter_mut();
                let ingress = all.find(|ingress| ingress.meta.key() == miss.ingress).expect("Ingress");
                proposed::apply(&miss.edit, miss.place, ingress).expect("a place for it");
            }
        }
        let after = table(kind, &edited, &Settings::default()).decide(&request);
        let winner = after.winner.as_ref().map(|winner| &winner.ingress);
        assert_eq!((after.outcome, winner), (Outcome::Routed, Some(&miss.ingress)), "{url} {miss:?}");
    }
}

/// What would make each near miss take a request, nearest first: Ingress and edit in short.
pub(super) fn edits(kind: ControllerKind, ingresses: &[Ingress], url: &str) -> Vec<String> {
    let request = Request::parse(url).expect(url);
    let word = |edit: &Edit| match edit {
        Edit::SetHost { to, .. } => format!("host {to}"),
        Edit::SetPathType { to, .. } => format!("type {}", to.as_str()),
        Edit::SetPath { to, .. } => format!("path {to}"),
        Edit::AddPath { path, .. } => format!("add {path}"),
        Edit::SetClass { class } => format!("class {class}"),
        Edit::RemoveAnnotation { key } => format!("without {key}"),
        Edit::SetAnnotation { key, .. } => format!("with {key}"),
        Edit::AskHost { host } => format!("ask {host}"),
        Edit::Meet(unmet) => format!("{unmet:?}"),
    };
    let nearest = table(kind, ingresses, &Settings::default()).explain(&request, 20).nearest;
    nearest.iter().map(|near| format!("{} {}", near.ingress, word(&near.edit))).collect()
}

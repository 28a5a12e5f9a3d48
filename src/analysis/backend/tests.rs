//! One small cluster per case, written as text: one object a line.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, TimeZone, Utc};

use super::answer::{Answer, answer_of};
use super::endpoints::SlicePort;
use super::oddity::Oddity;
use super::pods::Reason;
use super::*;
use crate::model::controller::{ConfigSeen, ControllerKind, Flag, Settings};
use crate::model::endpoints::{Endpoint, EndpointPort, EndpointSlice, SERVICE_LABEL};
use crate::model::event::Event;
use crate::model::gap::Why;
use crate::model::object::{FieldWrite, Kind, ObjectMeta, Owner as Controlling};
use crate::model::pod::{Container, ContainerPort, ContainerStatus, PodTemplate, Termination};
use crate::model::snapshot::Coverage;
use crate::model::workload::{Revision, Workload};

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 12, 0, 0).single().expect("a time")
}

fn meta(name: &str) -> ObjectMeta {
    let (namespace, name) = name.split_once('/').unwrap_or(("shop", name));
    ObjectMeta {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        created: Some(now() - Duration::hours(9)),
        ..ObjectMeta::default()
    }
}

fn labels(text: &str) -> BTreeMap<String, String> {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn reference(text: &str) -> PortRef {
    text.parse().map_or_else(|_| PortRef::Name(text.to_owned()), PortRef::Number)
}

/// `name:80>8080` or `80>http`.
fn service_port(text: &str) -> ServicePort {
    let (left, target) = text.split_once('>').unwrap_or((text, text));
    let (name, number) = left.split_once(':').map_or((None, left), |(name, number)| (Some(name), number));
    ServicePort {
        name: name.map(str::to_owned),
        number: number.parse().expect("a number"),
        target: reference(target),
        node_port: None,
        protocol: "TCP".to_owned(),
    }
}

/// The words after `key=` on a line.
fn word<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

#[derive(Default)]
struct World {
    services: Vec<Service>,
    slices: Vec<EndpointSlice>,
    pods: Vec<Pod>,
    workloads: Vec<Workload>,
    revisions: Vec<Revision>,
    events: Vec<Event>,
    hidden: Vec<Kind>,
}

impl World {
    fn read(text: &str) -> Self {
        let mut world = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            let (kind, name) = (words.next().expect("kind"), words.next().unwrap_or_default());
            match kind {
                "svc" => world.service(name, line),
                "slice" => world.slice(name, line),
                "pod" => world.pod(name, line),
                "deploy" => world.deployment(name, line),
                "rs" => world.replica_set(name, line),
                "warn" => world.events.push(Event {
                    meta: meta(&format!("e{}", world.events.len())),
                    about_kind: "Pod".to_owned(),
                    about: meta(name).key(),
                    reason: word(line, "reason").unwrap_or_default().to_owned(),
                    message: "as told".to_owned(),
                    warning: true,
                    last: Some(now() - Duration::seconds(i64::try_from(world.events.len()).unwrap_or(0))),
                    ..Event::default()
                }),
                "hide" => world.hidden.push(Kind::parse(name).expect("a kind")),
                other => panic!("no such line: {other}"),
            }
        }
        world
    }

    fn service(&mut self, name: &str, line: &str) {
        let mut meta = meta(name);
        if let Some(minutes) = word(line, "selector-written") {
            meta.writes.push(FieldWrite {
                manager: "kubectl".to_owned(),
                applied: false,
                subresource: None,
                at: Some(now() - Duration::minutes(minutes.parse().expect("minutes"))),
                fields: vec!["spec.selector".to_owned()],
            });
        }
        let external = word(line, "external");
        self.services.push(Service {
            meta,
            service_type: external.map_or("ClusterIP", |_| "ExternalName").to_owned(),
            cluster_ip: word(line, "ip").map(str::to_owned),
            external_name: external.map(str::to_owned),
            selector: labels(word(line, "sel").unwrap_or_default()),
            ports: word(line, "ports")
                .unwrap_or_default()
                .split(',')
                .filter(|p| !p.is_empty())
                .map(service_port)
                .collect(),
            ..Service::default()
        });
    }

    /// `eps=` lists `address[@pod][!state]`, state one of `notready`, `serving`, `ending`.
    fn slice(&mut self, name: &str, line: &str) {
        let mut meta = meta(&format!("{name}-{}", self.slices.len()));
        meta.labels.insert(SERVICE_LABEL.to_owned(), name.to_owned());
        if let Some(who) = word(line, "by") {
            meta.labels.insert("endpointslice.kubernetes.io/managed-by".to_owned(), who.to_owned());
        }
        let port = |text: &str| {
            let (name, number) =
                text.split_once(':').map_or((None, text), |(name, number)| (Some(name), number));
            EndpointPort { name: name.map(str::to_owned), number: number.parse().ok() }
        };
        let endpoint = |text: &str| {
            let (text, state) = text.split_once('!').unwrap_or((text, "ready"));
            let (address, pod) = text.split_once('@').map_or((text, None), |(a, pod)| (a, Some(pod)));
            Endpoint {
                addresses: vec![address.to_owned()],
                ready: state == "ready",
                serving: matches!(state, "ready" | "serving" | "leaving"),
                terminating: matches!(state, "ending" | "leaving"),
                pod: pod.map(str::to_owned),
            }
        };
        self.slices.push(EndpointSlice {
            meta,
            address_type: "IPv4".to_owned(),
            ports: word(line, "ports")
                .unwrap_or_default()
                .split(',')
                .filter(|p| !p.is_empty())
                .map(port)
                .collect(),
            endpoints: word(line, "eps")
                .unwrap_or_default()
                .split(',')
                .filter(|e| !e.is_empty())
                .map(endpoint)
                .collect(),
        });
    }

    fn pod(&mut self, name: &str, line: &str) {
        let mut meta = meta(name);
        meta.labels = labels(word(line, "lab").unwrap_or_default());
        meta.owner = word(line, "by").map(|owner| {
            let (kind, name) = owner.split_once(':').expect("Kind:name");
            Controlling { kind: kind.to_owned(), name: name.to_owned(), uid: String::new() }
        });
        let state = word(line, "state").unwrap_or("ready");
        if state == "ending" {
            meta.deletion_requested = Some(now());
        }
        let container = Container {
            name: "app".to_owned(),
            ports: word(line, "ports")
                .unwrap_or_default()
                .split(',')
                .filter_map(|text| {
                    let (name, number) = text.split_once(':').map_or((None, text), |(n, p)| (Some(n), p));
                    Some(ContainerPort { name: name.map(str::to_owned), number: number.parse().ok()? })
                })
                .collect(),
            readiness: word(line, "probe").map(str::to_owned),
            ..Container::default()
        };
        let status = ContainerStatus {
            name: "app".to_owned(),
            ready: matches!(state, "ready" | "gate" | "ending"),
            restarts: if state == "crash" { 7 } else { 0 },
            started: matches!(state, "ready" | "gate" | "running").then(now),
            waiting: match state {
                "crash" => Some("CrashLoopBackOff".to_owned()),
                "pull" => Some("ImagePullBackOff".to_owned()),
                _ => None,
            },
            last_termination: (state == "crash").then(|| Termination {
                reason: Some("OOMKilled".to_owned()),
                exit_code: 137,
                finished: None,
            }),
            ..ContainerStatus::default()
        };
        self.pods.push(Pod {
            meta,
            node: (state != "pending").then(|| "n1".to_owned()),
            containers: vec![container],
            phase: match state {
                "pending" => "Pending",
                "done" => "Succeeded",
                _ => "Running",
            }
            .to_owned(),
            ip: Some("10.0.0.1".to_owned()),
            ready: state == "ready" || state == "ending",
            ready_changed: Some(now() - Duration::hours(1)),
            statuses: if state == "pending" { Vec::new() } else { vec![status] },
            ..Pod::default()
        });
    }

    fn deployment(&mut self, name: &str, line: &str) {
        self.workloads.push(Workload {
            kind: Kind::Deployment,
            meta: meta(name),
            selector: BTreeMap::new(),
            replicas: word(line, "replicas").and_then(|n| n.parse().ok()),
            ready: 0,
            template: PodTemplate {
                labels: labels(word(line, "lab").unwrap_or_default()),
                ..PodTemplate::default()
            },
        });
    }

    fn replica_set(&mut self, name: &str, line: &str) {
        let mut meta = meta(name);
        meta.owner = word(line, "by").map(|name| Controlling {
            kind: "Deployment".to_owned(),
            name: name.to_owned(),
            uid: String::new(),
        });
        self.revisions.push(Revision {
            kind: Kind::ReplicaSet,
            meta,
            number: None,
            replicas: 1,
            template: PodTemplate::default(),
        });
    }

    fn snapshot(self) -> Snapshot {
        fn list<T: Object>(kind: Kind, items: Vec<T>, hidden: &[Kind]) -> Listing<T> {
            if !hidden.contains(&kind) {
                return Listing::complete(kind, items);
            }
            let why = Why::Forbidden {
                verb: "list",
                group: "",
                resource: kind.resource().to_owned(),
                namespace: None,
            };
            let missing = BTreeMap::from([(String::new(), why)]);
            Listing::new(kind, Vec::new(), Coverage { missing, ..Coverage::default() })
        }
        let hidden = &self.hidden;
        Snapshot {
            services: list(Kind::Service, self.services, hidden),
            slices: list(Kind::EndpointSlice, self.slices, hidden),
            pods: list(Kind::Pod, self.pods, hidden),
            workloads: list(Kind::Deployment, self.workloads, hidden),
            revisions: list(Kind::ReplicaSet, self.revisions, hidden),
            events: list(Kind::Event, self.events, hidden),
            ..Snapshot::empty(now())
        }
    }
}

fn chain(port: &str, world: &str) -> Chain {
    walk(&World::read(world).snapshot(), &Name::new("shop", "web"), &reference(port))
}

fn check(port: &str, world: &str, broken: Option<Link>) -> Chain {
    let chain = chain(port, world);
    assert_eq!(chain.first_broken(), broken, "{chain:#?}");
    chain
}

const HEALTHY: &str = "
    svc web sel=app=web ports=http:80>http
    slice web ports=http:8080 eps=10.0.0.1@web-1,10.0.0.2@web-2
    pod web-1 lab=app=web,pod-template-hash=6d4 ports=http:8080 by=ReplicaSet:web-6d4
    pod web-2 lab=app=web,pod-template-hash=6d4 ports=http:8080 by=ReplicaSet:web-6d4
";

#[test]
fn a_healthy_chain_has_no_broken_link() {
    for port in ["80", "http"] {
        let chain = check(port, HEALTHY, None);
        assert_eq!(chain.first_unseen(), None);
        assert!(chain.serves());
        assert!(chain.oddities.is_empty(), "{:?}", chain.oddities);
        let endpoints = chain.endpoints.as_ref().and_then(Seen::value).expect("endpoints");
        assert_eq!((endpoints.ready, &endpoints.port), (2, &SlicePort::Resolved(vec![8080])));
        assert_eq!(endpoints.addresses, ["10.0.0.1:8080", "10.0.0.2:8080"]);
    }
}

#[test]
fn a_missing_service_offers_nearest_names_and_other_namespaces() {
    let chain = check("80", "svc webs\nsvc web-frontend\nsvc zzz\nsvc other/web", Some(Link::Service));
    assert_eq!(
        chain.found,
        Found::Absent {
            nearest: vec!["webs".to_owned(), "web-frontend".to_owned()],
            elsewhere: vec!["other".to_owned()],
            searched_all: true,
        }
    );
}

#[test]
fn a_list_that_was_not_read_breaks_nothing() {
    for (hidden, link) in
        [("Service", Link::Service), ("EndpointSlice", Link::Endpoints), ("Pod", Link::Selector)]
    {
        let chain = check("80", &format!("{HEALTHY}hide {hidden}"), None);
        let first = if hidden == "Pod" { Link::TargetPort } else { link };
        assert_eq!(chain.first_unseen(), Some(first), "{hidden}");
    }
}

#[test]
fn a_port_is_found_by_number_or_name_and_a_target_port_is_recognised() {
    let world = "svc web sel=app=web ports=main:80>8080,metrics:9090";
    let chain = check("8080", world, Some(Link::Port));
    assert!(matches!(&chain.port_link, Some(PortLink::NamesTarget(port)) if port.number == 80));
    let chain = check("mian", world, Some(Link::Port));
    let Some(PortLink::Missing { has, nearest }) = &chain.port_link else { panic!("{chain:?}") };
    assert_eq!((has.len(), nearest.as_slice()), (2, ["main".to_owned()].as_slice()));
}

#[test]
fn a_named_target_that_no_container_declares_is_the_broken_link() {
    let chain = check(
        "80",
        "svc web sel=app=web ports=80>http
         slice web eps=10.0.0.1@web-1
         pod web-1 lab=app=web ports=https:8443,htpp:8080",
        Some(Link::TargetPort),
    );
    let target = chain.target.expect("target");
    assert_eq!((target.declared, target.of), (0, 1));
    assert_eq!(target.nearest.first().map(String::as_str), Some("https"));
    let endpoints = chain.endpoints.as_ref().and_then(Seen::value).expect("endpoints");
    assert_eq!((endpoints.ready, endpoints.ready_without_port, &endpoints.port), (0, 1, &SlicePort::NoPorts));
}

#[test]
fn a_numbered_target_that_nobody_declares_is_only_suspicious() {
    let chain = check(
        "80",
        "svc web sel=app=web ports=80>8081
         slice web ports=8081 eps=10.0.0.1@web-1
         pod web-1 lab=app=web ports=http:8080",
        None,
    );
    assert!(chain.target.expect("target").suspicious());
}

#[test]
fn a_selector_that_matches_no_pod_names_the_label_that_differs() {
    let chain = check(
        "80",
        "svc web sel=app=web,tier=front ports=80
         slice web
         pod web-1 lab=app=web,tier=frontend by=StatefulSet:web
         pod web-2 lab=app=web,tier=frontend by=StatefulSet:web
         pod db-1 lab=app=db",
        Some(Link::Selector),
    );
    let Some(SelectorLink::MatchesNothing { nearest, .. }) = &chain.selector else { panic!("{chain:?}") };
    assert_eq!(nearest.len(), 1);
    let miss = &nearest[0];
    assert_eq!((miss.label.as_str(), miss.has.as_deref(), miss.pods), ("tier", Some("frontend"), 2));
    assert_eq!(miss.owner.name, "web");
}

#[test]
fn a_workload_scaled_to_zero_is_told_from_a_wrong_selector() {
    let chain = check(
        "80",
        "svc web sel=app=web ports=80
         slice web
         pod done lab=app=web state=done
         deploy web lab=app=web replicas=0",
        Some(Link::Selector),
    );
    let Some(SelectorLink::MatchesNothing { nearest, idle }) = &chain.selector else { panic!("{chain:?}") };
    assert!(nearest.is_empty());
    assert_eq!(idle.iter().map(|idle| idle.replicas).collect::<Vec<_>>(), [Some(0)]);
}

#[test]
fn pods_that_are_not_ready_say_why() {
    let why = |state: &str, more: &str| {
        let chain = check(
            "80",
            &format!(
                "svc web sel=app=web ports=80
                 slice web ports=80 eps=10.0.0.1@web-1!notready
                 pod web-1 lab=app=web state={state} {more}
                 warn web-1 reason=Newer
                 warn web-1 reason=Older"
            ),
            Some(Link::Pods),
        );
        let pods = chain.pods.as_ref().and_then(Seen::value).expect("pods").clone();
        assert_eq!((pods.total, pods.ready), (1, 0), "{state}");
        let pod = &pods.not_ready[0];
        assert_eq!(pod.event.as_ref().map(|(reason, _)| reason.as_str()), Some("Newer"));
        pod.reason.clone()
    };
    assert!(matches!(why("pull", ""), Reason::Waiting { why, restarts: 0, .. } if why == "ImagePullBackOff"));
    assert!(matches!(
        why("crash", ""),
        Reason::Waiting { why, restarts: 7, last: Some(last), .. }
            if why == "CrashLoopBackOff" && last.exit_code == 137
    ));
    assert!(
        matches!(why("running", "probe=http-get:8080"), Reason::ProbeFails { probe, .. } if probe == "http-get:8080")
    );
    assert!(matches!(why("running", ""), Reason::ContainerNotReady { .. }));
    assert!(matches!(why("gate", ""), Reason::GateOrNode));
    assert!(matches!(why("pending", ""), Reason::Unscheduled));
    assert!(matches!(why("ending", ""), Reason::Terminating { .. }));
}

#[test]
fn slices_without_a_ready_endpoint_are_broken_when_the_pods_do_not_explain_it() {
    let chain = check(
        "80",
        "svc web sel=app=web ports=80
         pod web-1 lab=app=web",
        Some(Link::Endpoints),
    );
    assert_eq!(chain.oddities, [Oddity::NotInSlices { pods: vec!["web-1".to_owned()] }]);
}

#[test]
fn a_service_without_a_selector_goes_by_its_slices_alone() {
    let world = "svc web ports=http:80>8080\nslice web ports=http:8080 eps=192.0.2.1 by=consul.example";
    let chain = check("80", world, None);
    assert_eq!(chain.selector, Some(SelectorLink::Unused));
    assert_eq!(chain.found, Found::Here(Shape::Unmanaged { headless: false }));
    let endpoints = chain.endpoints.as_ref().and_then(Seen::value).expect("endpoints");
    assert_eq!(endpoints.managed_by, ["consul.example"]);
    let chain = check("80", &world.replace("ports=http:8080", "ports=web:8080"), Some(Link::Endpoints));
    let endpoints = chain.endpoints.as_ref().and_then(Seen::value).expect("endpoints");
    assert_eq!(endpoints.port, SlicePort::OtherNames(vec!["web".to_owned()]));
}

#[test]
fn an_external_name_needs_neither_selector_nor_slices() {
    let chain = check("443", "svc web external=api.example.org", None);
    assert_eq!(chain.external_name(), Some("api.example.org"));
    assert_eq!(chain.port_link, Some(PortLink::Undeclared));
    assert_eq!(chain.state(Link::Endpoints), State::Absent);
}

#[test]
fn an_endpoint_with_two_address_families_counts_once_and_its_best_state_wins() {
    let chain = check(
        "80",
        "svc web sel=app=web ports=80
         slice web ports=80 eps=10.0.0.1@web-1,10.0.0.2@web-2!serving,10.0.0.3@web-3!leaving
         slice web ports=80 eps=fd00::1@web-1
         pod web-1 lab=app=web",
        None,
    );
    let endpoints = chain.endpoints.as_ref().and_then(Seen::value).expect("endpoints");
    assert_eq!(
        (endpoints.slices, endpoints.ready, endpoints.serving, endpoints.not_ready, endpoints.terminating),
        (2, 1, 2, 1, 1)
    );
}

#[test]
fn pods_of_two_workloads_are_told_apart_and_a_rollout_is_one() {
    let chain = check(
        "80",
        "svc web sel=app=web ports=80
         slice web ports=80 eps=10.0.0.1@web-1
         rs web-1a by=web
         pod web-1 lab=app=web by=ReplicaSet:web-1a
         pod web-2 lab=app=web,pod-template-hash=2b by=ReplicaSet:web-2b
         pod admin-1 lab=app=web,pod-template-hash=9 by=ReplicaSet:admin-9 state=running
         pod lone lab=app=web",
        None,
    );
    let seen: Vec<_> = chain
        .caught
        .iter()
        .map(|group| (group.owner.kind.as_str(), group.owner.name.as_str(), group.pods, group.ready))
        .collect();
    assert_eq!(seen, [("Deployment", "web", 2, 2), ("Deployment", "admin", 1, 0), ("Pod", "lone", 1, 1)]);
}

#[test]
fn disagreements_between_slices_and_pods_are_told() {
    let chain = check(
        "80",
        "svc web sel=app=web ports=80 selector-written=5
         slice web ports=80 eps=10.0.0.1@web-1,10.0.0.2@gone,10.0.0.3@other
         pod web-1 lab=app=web state=running
         pod other lab=app=other",
        None,
    );
    assert_eq!(chain.oddities.len(), 4, "{:?}", chain.oddities);
    for oddity in [
        Oddity::ReadyInSliceOnly { pods: vec!["web-1".to_owned()] },
        Oddity::GonePods { pods: vec!["gone".to_owned()] },
        Oddity::NotSelected { pods: vec!["other".to_owned()] },
    ] {
        assert!(chain.oddities.contains(&oddity), "{oddity:?}");
    }
    assert!(matches!(chain.oddities[3], Oddity::SelectorNewerThanSlices { .. }));
}

#[test]
fn each_controller_answers_a_broken_chain_in_its_own_way() {
    use ControllerKind as K;
    let missing = "svc other ports=80";
    let no_port = "svc web sel=app=web ports=http:80>8080\nslice web ports=http:8080 eps=10.0.0.1";
    let empty = "svc web sel=app=web ports=80\nslice web ports=80";
    for (kind, world, port, answer) in [
        (K::IngressNginx, missing, "80", Answer::Status(503)),
        (K::Traefik, missing, "80", Answer::Status(404)),
        (K::Contour, missing, "80", Answer::Status(404)),
        (K::F5Nginx, missing, "80", Answer::Status(502)),
        (K::Istio, missing, "80", Answer::Unknown),
        (K::IngressNginx, no_port, "81", Answer::Status(503)),
        (K::IngressNginx, no_port, "8080", Answer::Upstream),
        (K::Traefik, no_port, "8080", Answer::Status(404)),
        (K::IngressNginx, empty, "80", Answer::Status(503)),
        (K::Gce, empty, "80", Answer::OneOf(&[502, 503])),
        (K::Traefik, empty, "80", Answer::OneOf(&[404, 503])),
        (K::TraefikGateway, empty, "80", Answer::Status(503)),
        (K::TraefikGateway, "svc web sel=app=web ports=80", "80", Answer::Status(500)),
        (K::Traefik, HEALTHY, "80", Answer::Upstream),
        (K::Spec, missing, "80", Answer::Unknown),
        (K::IngressNginx, "hide Service", "80", Answer::Unknown),
        (K::IngressNginx, "svc web external=a.example", "80", Answer::Upstream),
        (K::Haproxytech, "svc web external=a.example ports=80", "80", Answer::Upstream),
        (K::Contour, "svc web external=a.example ports=80", "80", Answer::Status(404)),
        (K::Istio, "svc web external=a.example ports=80", "80", Answer::Unknown),
    ] {
        let chain = chain(port, world);
        assert_eq!(answer_of(kind, &Settings::default(), &chain), answer, "{kind} {world}");
    }
}

#[test]
fn settings_decide_where_a_product_lets_them() {
    let flag = |name: &str, value: Option<&str>| Settings {
        args: vec![Flag {
            index: 0,
            in_command: false,
            name: name.to_owned(),
            value: value.map(str::to_owned),
        }],
        ..Settings::default()
    };
    let empty = chain("80", "svc web sel=app=web ports=80\nslice web ports=80");
    let serving = chain("80", "svc web sel=app=web ports=80\nslice web ports=80 eps=10.0.0.1!leaving");
    let external = chain("80", "svc web external=a.example");
    let with_port = chain("80", "svc web external=a.example ports=80");
    let contour = |text: &str| Settings {
        config: ConfigSeen::Known([("contour.yaml".to_owned(), text.to_owned())].into()),
        ..Settings::default()
    };
    let unseen = Settings { config: ConfigSeen::Unseen, ..Settings::default() };
    let allow = "providers.kubernetesingress.allowemptyservices";
    for (kind, settings, chain, answer) in [
        (ControllerKind::Traefik, flag(allow, Some("true")), &empty, Answer::Status(503)),
        (ControllerKind::Traefik, flag("providers.kubernetesingress", None), &empty, Answer::Status(404)),
        (ControllerKind::Traefik, flag("providers.kubernetesingress", None), &serving, Answer::Status(503)),
        (
            ControllerKind::IngressNginx,
            flag("disable-svc-external-name", None),
            &external,
            Answer::Status(503),
        ),
        (
            ControllerKind::Haproxytech,
            flag("disable-service-external-name", None),
            &with_port,
            Answer::Status(404),
        ),
        (ControllerKind::Contour, contour("enableExternalNameService: true\n"), &with_port, Answer::Upstream),
        (ControllerKind::Contour, unseen, &with_port, Answer::Unknown),
    ] {
        assert_eq!(answer_of(kind, &settings, chain), answer, "{kind} {settings:?}");
    }
}

#[test]
fn an_unmanaged_slice_with_another_port_name_still_serves_on_ingress_nginx() {
    let chain = chain("80", "svc web ports=http:80>8080\nslice web ports=web:9999 eps=192.0.2.1");
    let settings = Settings::default();
    assert_eq!(answer_of(ControllerKind::IngressNginx, &settings, &chain), Answer::Upstream);
    assert_eq!(answer_of(ControllerKind::F5Nginx, &settings, &chain), Answer::Status(502));
}

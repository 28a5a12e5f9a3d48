//! Clusters for tests, written as text: one object a line.
//!
//! ```text
//! ing shop/web age=9 cls=nginx host=a.example /x(P)->web:80 /y(E)->api:http ann:use-regex=true tls=a.example
//! ing shop/all default=web:80
//! svc shop/web 80            class nginx k8s.io/ingress-nginx default            config allow-snippet-annotations=true
//! ctl traefik edge           hide Service                                        arg --enable-ssl-passthrough
//! ```
//! `bare=` is `tls=` without a Secret; a Service may be `external`, `empty` or on a `node` port. `front 0 edge/lb 192.0.2.1` is the Service of a controller, by number, with its address (`-` for none). `age` is days. Paths follow the `host=` they belong to; before any they are hostless. An Ingress is
//! loaded when its class is `nginx`, or left out; `refused=` gives any other judgement. Where no Service
//! is written, all that are named exist and are ready.
//!
//! What a rule says that a request sees is held to the product's routing model, for every finding.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, TimeZone, Utc};

use super::super::conflict::{Conflict, Effect};
use super::super::conflicts::{ConflictRule, has_a_rule, sort};
use super::super::routing::{Basis, Input, Outcome, Refusal, RouteTable, Target, model_for};
use super::model::agrees;
use super::{Claims, Field};
use crate::model::controller::{Controller, ControllerKind, Version};
use crate::model::endpoints::{Endpoint, EndpointPort, EndpointSlice, SERVICE_LABEL};
use crate::model::event::ConfigMap;
use crate::model::gap::{Gap, Unseen, Why};
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule, Tls};
use crate::model::ingress_class::{CLASS_ANNOTATION, DEFAULT_CLASS, IngressClass};
use crate::model::object::{Kind, Name, ObjectKey, ObjectMeta};
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Coverage, Listing, Lookup, Snapshot};

pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 12, 0, 0).single().expect("a time")
}

/// What a rule finds, in the order of a report, each held to the routing model.
#[track_caller]
pub(crate) fn found(rule: &dyn ConflictRule, text: &str) -> Vec<Conflict> {
    let (conflicts, complaints) = found_and_held(rule, text);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    conflicts
}

/// What a rule finds, and where the routing model says otherwise.
pub(crate) fn found_and_held(rule: &dyn ConflictRule, text: &str) -> (Vec<Conflict>, Vec<String>) {
    World::read(text).with_field(|field| held(rule, field))
}

/// The same of a world that stands.
pub(crate) fn held(rule: &dyn ConflictRule, field: &Field<'_>) -> (Vec<Conflict>, Vec<String>) {
    let conflicts: Vec<Conflict> =
        rule.find(field).into_iter().map(|conflict| conflict.where_it_is_reached(field)).collect();
    let complaints = conflicts.iter().filter_map(|one| complaint(field, one)).collect();
    (sort(conflicts), complaints)
}

/// What the model says of the URL, where that is not what the finding says.
fn complaint(field: &Field<'_>, conflict: &Conflict) -> Option<String> {
    let effect = &conflict.sees.effect;
    if *effect == Effect::Frozen {
        return field.failures().is_empty().then(|| format!("it would be loaded: {}", line(conflict)));
    }
    let url = conflict.sees.url.as_ref()?;
    // Products without a model say nothing.
    let decision = field.decide(conflict.host.as_deref().unwrap_or_default(), url)?;
    // Nor does one that cannot tell.
    if decision.outcome == Outcome::Undefined && decision.one_of.is_empty() {
        return None;
    }
    let told = || {
        let winner =
            decision.winner.as_ref().map(|winner| (&winner.ingress, &winner.rendered, &winner.backend));
        let says = format!("{} {} says {url}: {}", conflict.rule, line(conflict), brief(effect));
        format!("{says}\n  the model: {:?} {:?} {winner:?}", decision.outcome, decision.status)
    };
    (!agrees(effect, &decision)).then(told)
}

/// Holds what requests see, each as `URL: who answers`.
#[track_caller]
pub(crate) fn sees(conflicts: &[Conflict], expected: &[&str]) {
    let lines: Vec<String> = conflicts
        .iter()
        .map(|conflict| {
            let url = conflict.sees.url.as_deref().unwrap_or("-");
            format!("{url}: {}", brief(&conflict.sees.effect))
        })
        .collect();
    assert_eq!(lines, expected);
}

fn brief(effect: &Effect) -> String {
    let told = |target: &Target| format!("{}:{}", target.service.name, target.port);
    match effect {
        Effect::ServedBy { ingress, backend: Some(backend) } => format!("{ingress} {}", told(backend)),
        Effect::ServedBy { ingress, backend: None } => ingress.to_string(),
        Effect::Status(status) => status.to_string(),
        Effect::Redirect { status, to } => format!("{status} {to}"),
        Effect::UpstreamPath(path) => format!("upstream gets {path}"),
        Effect::Split { to } => format!("some to {}", told(to)),
        Effect::AnyOf(targets) => {
            format!("one of {}", targets.iter().map(told).collect::<Vec<_>>().join(" "))
        }
        Effect::PassedThrough { ingress } => format!("passed through to {ingress}"),
        Effect::Annotations(keys) => format!("meets {}", keys.join(" ")),
        other => format!("{other:?}"),
    }
}

/// Holds that a rule finds exactly these, each as `severity host: namespace/name field, …`.
#[track_caller]
pub(crate) fn check(rule: &dyn ConflictRule, text: &str, expected: &[&str]) -> Vec<Conflict> {
    let conflicts = found(rule, text);
    let lines: Vec<String> = conflicts.iter().map(line).collect();
    assert_eq!(lines, expected);
    assert!(conflicts.iter().all(|conflict| conflict.rule == rule.id() && conflict.severity >= rule.worst()));
    conflicts
}

/// Holds that a rule is silent.
#[track_caller]
pub(crate) fn silent(rule: &dyn ConflictRule, text: &str) {
    check(rule, text, &[]);
}

fn line(conflict: &Conflict) -> String {
    let parts: Vec<String> =
        conflict.objects.iter().map(|part| format!("{} {}", part.key.name, part.field)).collect();
    let host = conflict.host.as_deref().map(|host| format!(" {host}")).unwrap_or_default();
    format!("{}{host}: {}", conflict.severity.as_str(), parts.join(", "))
}

#[derive(Default)]
pub(crate) struct World {
    ingresses: Vec<Ingress>,
    refusals: BTreeMap<Name, Refusal>,
    also_taken_by: BTreeMap<Name, usize>,
    services: Vec<Service>,
    slices: Vec<EndpointSlice>,
    classes: Vec<IngressClass>,
    config: BTreeMap<String, String>,
    args: Vec<String>,
    others: Vec<Controller>,
    kind: Option<ControllerKind>,
    version: Option<Version>,
    hidden: Vec<Kind>,
    /// Index of a controller, its Service, and the address of that.
    fronts: Vec<(Option<usize>, String, String)>,
    pods: Vec<String>,
}

fn meta(name: &str) -> ObjectMeta {
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    ObjectMeta {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        created: Some(now() - Duration::days(1)),
        ..ObjectMeta::default()
    }
}

fn port(text: &str) -> PortRef {
    text.parse().map_or_else(|_| PortRef::Name(text.to_owned()), PortRef::Number)
}

fn backend(text: &str) -> Backend {
    let (name, target) = text.split_once(':').unwrap_or((text, "80"));
    if name == "resource" {
        return Backend::Resource { kind: "StorageBucket".to_owned(), name: target.to_owned() };
    }
    Backend::Service { name: name.to_owned(), port: port(target) }
}

fn controller(kind: ControllerKind, name: &str) -> Controller {
    Controller {
        kind,
        workload: ObjectKey::new(Kind::Deployment, kind.slug(), name),
        container_index: 0,
        container: "controller".to_owned(),
        image: String::new(),
        version: None,
        command: Vec::new(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        pods: Vec::new(),
        config_map: None,
        services: Vec::new(),
    }
}

impl World {
    pub(crate) fn read(text: &str) -> Self {
        let mut world = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[0] {
                "ing" => world.ingress(words[1], &words[2..]),
                "svc" => world.service(words[1], words[2], words.get(3).copied()),
                "class" => world.class(words[1], &words[2..]),
                "config" => {
                    let (key, value) = words[1].split_once('=').expect("key=value");
                    world.config.insert(key.to_owned(), value.to_owned());
                }
                "arg" => world.args.push(words[1].to_owned()),
                "ctl" => {
                    let kind = ControllerKind::parse(words[1]).expect("a slug");
                    world.others.push(controller(kind, words[2]));
                }
                "is" => world.kind = ControllerKind::parse(words[1]),
                "version" => world.version = Version::parse(words[1]),
                "front" => {
                    world.fronts.push((words[1].parse().ok(), words[2].to_owned(), words[3].to_owned()))
                }
                "pod" => world.pods.push(words[1].to_owned()),
                "hide" => world.hidden.push(Kind::parse(words[1]).expect("a kind")),
                other => panic!("no such line: {other}"),
            }
        }
        world
    }

    fn ingress(&mut self, name: &str, words: &[&str]) {
        let mut ingress =
            Ingress { meta: meta(name), class_name: Some("nginx".to_owned()), ..Ingress::default() };
        let key_of = ingress.meta.key();
        let annotations = &mut ingress.meta.annotations;
        for word in words {
            if let Some(days) = word.strip_prefix("age=") {
                ingress.meta.created = Some(now() - Duration::days(days.parse().expect("days")));
            } else if let Some(class) = word.strip_prefix("cls=") {
                ingress.class_name = (class != "-").then(|| class.to_owned());
            } else if let Some(class) = word.strip_prefix("acls=") {
                annotations.insert(CLASS_ANNOTATION.to_owned(), class.to_owned());
            } else if let Some(pair) = word.strip_prefix("ann:") {
                let (key, value) = pair.split_once('=').expect("key=value");
                let key = if key.contains('/') {
                    key.to_owned()
                } else {
                    format!("nginx.ingress.kubernetes.io/{key}")
                };
                annotations.insert(key, value.replace('~', " "));
            } else if let Some(pair) = word.strip_prefix("lab:") {
                let (key, value) = pair.split_once('=').expect("key=value");
                ingress.meta.labels.insert(key.to_owned(), value.to_owned());
            } else if let Some(to) = word.strip_prefix("default=") {
                ingress.default_backend = Some(backend(to));
            } else if let Some(addresses) = word.strip_prefix("addr=") {
                ingress.addresses = addresses.split(',').map(str::to_owned).collect();
            } else if let Some(hosts) = word.strip_prefix("tls=") {
                let hosts = hosts.split(',').map(str::to_owned).collect();
                ingress.tls.push(Tls { hosts, secret: Some("tls".to_owned()) });
            } else if let Some(hosts) = word.strip_prefix("bare=") {
                let hosts = hosts.split(',').map(str::to_owned).collect();
                ingress.tls.push(Tls { hosts, secret: None });
            } else if let Some(host) = word.strip_prefix("host=") {
                let host = (host != "-").then(|| host.to_owned());
                ingress.rules.push(Rule { host, paths: None });
            } else if let Some(why) = word.strip_prefix("refused=") {
                self.refusals.insert(key_of.clone(), refusal(why));
            } else if let Some(index) = word.strip_prefix("also=") {
                self.also_taken_by.insert(key_of.clone(), index.parse().expect("an index"));
            } else {
                let (path, to) = word.split_once("->").unwrap_or_else(|| panic!("not understood: {word}"));
                let (path, path_type) = path.rsplit_once('(').expect("path(T)");
                if ingress.rules.is_empty() {
                    ingress.rules.push(Rule::default());
                }
                let rule = ingress.rules.last_mut().expect("a rule");
                rule.paths.get_or_insert_default().push(PathRule {
                    path: path.to_owned(),
                    path_type: match path_type {
                        "E)" => PathType::Exact,
                        "P)" => PathType::Prefix,
                        _ => PathType::ImplementationSpecific,
                    },
                    backend: backend(to),
                });
            }
        }
        self.ingresses.push(ingress);
    }

    fn service(&mut self, name: &str, number: &str, state: Option<&str>) {
        let number: u16 = number.parse().expect("a number");
        let external = state == Some("external");
        let service = Service {
            meta: meta(name),
            service_type: match state {
                Some("external") => "ExternalName",
                Some("node") => "NodePort",
                _ => "ClusterIP",
            }
            .to_owned(),
            external_name: external.then(|| "api.example.org".to_owned()),
            selector: BTreeMap::from([("app".to_owned(), name.to_owned())]),
            ports: vec![ServicePort {
                name: Some("http".to_owned()),
                number,
                target: PortRef::Number(8080),
                node_port: (state == Some("node")).then_some(30080),
                protocol: "TCP".to_owned(),
            }],
            ..Service::default()
        };
        let mut slice = EndpointSlice {
            meta: meta(name),
            ports: vec![EndpointPort { name: Some("http".to_owned()), number: Some(8080) }],
            ..EndpointSlice::default()
        };
        slice.meta.labels.insert(SERVICE_LABEL.to_owned(), service.meta.name.clone());
        let ready = state != Some("empty");
        slice.endpoints.push(Endpoint {
            addresses: vec!["10.0.0.1".to_owned()],
            ready,
            serving: ready,
            ..Endpoint::default()
        });
        if !external {
            self.slices.push(slice);
        }
        self.services.push(service);
    }

    fn class(&mut self, name: &str, words: &[&str]) {
        let mut meta = meta(name);
        for word in words {
            if let Some(days) = word.strip_prefix("age=") {
                meta.created = Some(now() - Duration::days(days.parse().expect("days")));
            }
        }
        if words.contains(&"default") {
            meta.annotations.insert(DEFAULT_CLASS.to_owned(), "true".to_owned());
        }
        let controller = words.first().filter(|word| word.contains('/')).map(|word| (*word).to_owned());
        self.classes.push(IngressClass { meta, controller });
    }

    /// Every Service that an Ingress names, ready.
    fn named_services(&self) -> (Vec<Service>, Vec<EndpointSlice>) {
        let mut named: BTreeMap<Name, BTreeSet<PortRef>> = BTreeMap::new();
        for ingress in &self.ingresses {
            let rules = ingress.path_rules().map(|(_, _, _, rule)| &rule.backend);
            for (service, port) in rules.chain(&ingress.default_backend).filter_map(Backend::service) {
                let name = Name::new(&ingress.meta.namespace, service);
                named.entry(name).or_default().insert(port.clone());
            }
        }
        let label = |port: &PortRef| match port {
            PortRef::Name(name) => name.clone(),
            PortRef::Number(_) | PortRef::Unset => format!("port-{port}"),
        };
        let number = |port: &PortRef| match port {
            PortRef::Number(number) => *number,
            PortRef::Name(_) | PortRef::Unset => 8000,
        };
        named
            .into_iter()
            .map(|(name, ports)| {
                let service_port = |port: &PortRef| ServicePort {
                    name: Some(label(port)),
                    number: number(port),
                    target: PortRef::Number(8080),
                    node_port: Some(30080),
                    protocol: "TCP".to_owned(),
                };
                // What every product can send to, load balancers outside of the cluster too.
                let service = Service {
                    meta: meta(&name.to_string()),
                    service_type: "NodePort".to_owned(),
                    ports: ports.iter().map(service_port).collect(),
                    ..Service::default()
                };
                let mut slice = EndpointSlice { meta: meta(&name.to_string()), ..EndpointSlice::default() };
                slice.meta.labels.insert(SERVICE_LABEL.to_owned(), name.name.clone());
                slice.ports = ports
                    .iter()
                    .map(|port| EndpointPort { name: Some(label(port)), number: Some(8080) })
                    .collect();
                slice.endpoints.push(Endpoint {
                    addresses: vec!["10.0.0.1".to_owned()],
                    ready: true,
                    serving: true,
                    ..Endpoint::default()
                });
                (service, slice)
            })
            .unzip()
    }

    /// The snapshot, with the controller under test first and every other one after it.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let (mut services, slices) = match self.services.is_empty() {
            true => self.named_services(),
            false => (self.services.clone(), self.slices.clone()),
        };
        let kind = self.kind.unwrap_or(ControllerKind::IngressNginx);
        let mut own = controller(kind, "controller");
        own.args.clone_from(&self.args);
        own.version = self.version;
        own.pods.clone_from(&self.pods);
        let map = ConfigMap { meta: meta("ingress-nginx/controller"), data: self.config.clone() };
        let seen = if self.hidden.contains(&Kind::ConfigMap) {
            let what = Unseen::Object(ObjectKey { kind: Kind::ConfigMap, name: map.meta.key() });
            Lookup::Unseen(Gap { what, why: Why::NotCaptured })
        } else {
            Lookup::Found(map.clone())
        };
        own.config_map = Some((map.meta.key(), seen));
        let mut controllers = vec![own];
        controllers.extend(self.others.iter().cloned());
        for (index, name, address) in &self.fronts {
            let load_balancer = (address != "-").then(|| address.clone()).into_iter().collect();
            let service = Service { meta: meta(name), load_balancer, ..Service::default() };
            if let Some(index) = index {
                controllers[*index].services.push(service.meta.key());
            }
            services.push(service);
        }
        Snapshot {
            ingresses: if self.hidden.contains(&Kind::Ingress) {
                let missing = BTreeMap::from([("hidden".to_owned(), Why::NotCaptured)]);
                let coverage = Coverage { everywhere: true, missing, ..Coverage::default() };
                Listing::new(Kind::Ingress, self.ingresses.clone(), coverage)
            } else {
                Listing::complete(Kind::Ingress, self.ingresses.clone())
            },
            classes: Listing::complete(Kind::IngressClass, self.classes.clone()),
            services: if self.hidden.contains(&Kind::Service) {
                Listing::unasked(Kind::Service)
            } else {
                Listing::complete(Kind::Service, services)
            },
            slices: Listing::complete(Kind::EndpointSlice, slices),
            workloads: Listing::complete(Kind::Deployment, Vec::new()),
            controllers,
            ..Snapshot::empty(now())
        }
    }

    pub(crate) fn with_field<T>(&self, act: impl FnOnce(&Field<'_>) -> T) -> T {
        let snapshot = self.snapshot();
        let mut claims = Claims::default();
        let mut loaded = Vec::new();
        let mut refused = Vec::new();
        for ingress in snapshot.ingresses.items() {
            let name = ingress.meta.key();
            if let Some(other) = self.also_taken_by.get(&name) {
                claims.add(name.clone(), *other);
            }
            match self.refusals.get(&name) {
                Some(Refusal::Undecided) => {
                    claims.doubt(name);
                    refused.push((ingress, Refusal::Undecided));
                }
                Some(why) => refused.push((ingress, why.clone())),
                None => {
                    claims.add(name, 0);
                    loaded.push(ingress);
                }
            }
        }
        let controller = &snapshot.controllers[0];
        let settings = controller.settings();
        let table = model_for(controller.kind).map(|model| {
            model.compile(&Input { ingresses: &loaded, snapshot: &snapshot, settings: &settings })
        });
        let table = table.as_deref();
        // As a view has it: what the product does not load is refused too. What ingress-nginx drops is
        // written with `refused=`.
        let dropped = table.filter(|_| controller.kind != ControllerKind::IngressNginx);
        let dropped = dropped.map(RouteTable::refused).unwrap_or_default();
        for (name, why) in dropped.iter().filter(|(_, why)| !has_a_rule(controller.kind, why)) {
            if let Some(at) = loaded.iter().position(|ingress| ingress.meta.key() == *name) {
                refused.push((loaded.remove(at), why.clone()));
            }
        }
        let basis = model_for(controller.kind).map_or(Basis::SpecOnly, |model| model.basis());
        let model = table.map(|table| (table, basis));
        act(&Field::new(controller, &settings, loaded.clone(), &refused, &snapshot, &claims, model))
    }
}

fn refusal(text: &str) -> Refusal {
    let mut words = text.split(',');
    let mut next = || words.next().unwrap_or_default().to_owned();
    match next().as_str() {
        "no-class" => Refusal::NoClass,
        "class-not-found" => Refusal::ClassNotFound { class: next() },
        "class-of-other" => Refusal::ClassOfOther { class: next(), controller: Some(next()) },
        "annotation-differs" => Refusal::AnnotationDiffers { value: next(), expected: next() },
        "risky" => Refusal::RiskyAnnotation { key: next(), risk: "Critical", allowed: "High".to_owned() },
        "invalid" => Refusal::InvalidAnnotation { key: next() },
        "catch-all" => Refusal::CatchAllDisabled,
        "undecided" => Refusal::Undecided,
        other => panic!("no such refusal: {other}"),
    }
}

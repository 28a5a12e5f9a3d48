//! All conflict rules over 100,000 rules, and a yardstick: sorting these rules by host and path.
//!
//! `cargo bench --bench conflicts`. The numbers to hold: at most 1 s for 100,000 rules, n log n in their
//! number, whatever shape the cluster has. Where a machine is slow, the yardstick is slow too.

#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

use routecause::analysis::{conflicts, view};
use routecause::model::controller::{Controller, ControllerKind};
use routecause::model::endpoints::{Endpoint, EndpointPort, EndpointSlice, SERVICE_LABEL};
use routecause::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule};
use routecause::model::ingress_class::IngressClass;
use routecause::model::object::{Kind, ObjectKey, ObjectMeta};
use routecause::model::service::{Service, ServicePort};
use routecause::model::snapshot::{Listing, Snapshot};

fn main() {
    divan::main();
}

const RULES_EACH: usize = 10;

/// How the Ingresses stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A host apiece.
    Hosts,
    /// A host apiece, every third with patterns.
    Patterns,
    /// All on one host.
    OneHost,
    /// All on one host, and all patterns.
    OneHostPatterns,
    /// Everything twice: every second rule loses to the other.
    Twice,
}

const SHAPES: [Shape; 5] =
    [Shape::Hosts, Shape::Patterns, Shape::OneHost, Shape::OneHostPatterns, Shape::Twice];

fn ingress(shape: Shape, number: usize) -> Ingress {
    let topic = if shape == Shape::Twice { number / 2 } else { number };
    let host = match shape {
        Shape::OneHost | Shape::OneHostPatterns => "big.example".to_owned(),
        Shape::Hosts | Shape::Patterns | Shape::Twice => format!("h{topic}.example"),
    };
    let regex = shape == Shape::OneHostPatterns || shape == Shape::Patterns && number.is_multiple_of(3);
    let path = |at: usize| PathRule {
        path: match regex {
            true => format!("/team-{topic}/part-{at}(/|$)(.*)"),
            false => format!("/team-{topic}/part-{at}"),
        },
        path_type: if regex { PathType::ImplementationSpecific } else { PathType::Prefix },
        backend: Backend::Service { name: format!("svc-{number}"), port: PortRef::Number(80) },
    };
    let rewrite = ("nginx.ingress.kubernetes.io/rewrite-target".to_owned(), "/$2".to_owned());
    Ingress {
        meta: ObjectMeta {
            namespace: format!("ns-{}", number % 50),
            name: format!("web-{number}"),
            created: chrono::DateTime::from_timestamp(i64::try_from(number).unwrap_or(0), 0),
            annotations: regex.then_some(rewrite).into_iter().collect(),
            ..ObjectMeta::default()
        },
        class_name: Some("nginx".to_owned()),
        rules: vec![Rule { host: Some(host), paths: Some((0..RULES_EACH).map(path).collect()) }],
        ..Ingress::default()
    }
}

fn snapshot(shape: Shape, rules: usize) -> Snapshot {
    let count = rules / RULES_EACH;
    let meta = |number: usize, name: String| ObjectMeta {
        namespace: format!("ns-{}", number % 50),
        name,
        ..ObjectMeta::default()
    };
    let service = |number: usize| Service {
        meta: meta(number, format!("svc-{number}")),
        ports: vec![ServicePort {
            name: None,
            number: 80,
            target: PortRef::Number(8080),
            node_port: None,
            protocol: "TCP".to_owned(),
        }],
        ..Service::default()
    };
    let slice = |number: usize| {
        let mut meta = meta(number, format!("svc-{number}-x"));
        meta.labels.insert(SERVICE_LABEL.to_owned(), format!("svc-{number}"));
        EndpointSlice {
            meta,
            ports: vec![EndpointPort { name: None, number: Some(8080) }],
            endpoints: vec![Endpoint {
                addresses: vec!["10.0.0.1".to_owned()],
                ready: true,
                ..Endpoint::default()
            }],
            ..EndpointSlice::default()
        }
    };
    let class = IngressClass {
        meta: ObjectMeta { name: "nginx".to_owned(), ..ObjectMeta::default() },
        controller: Some("k8s.io/ingress-nginx".to_owned()),
    };
    Snapshot {
        ingresses: Listing::complete(
            Kind::Ingress,
            (0..count).map(|number| ingress(shape, number)).collect(),
        ),
        classes: Listing::complete(Kind::IngressClass, vec![class]),
        services: Listing::complete(Kind::Service, (0..count).map(service).collect()),
        slices: Listing::complete(Kind::EndpointSlice, (0..count).map(slice).collect()),
        controllers: vec![Controller {
            kind: ControllerKind::IngressNginx,
            workload: ObjectKey::new(Kind::Deployment, "edge", "controller"),
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
        }],
        ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
    }
}

/// What any n log n look at all rules costs on this machine.
#[divan::bench(args = [10_000, 100_000], sample_count = 5)]
fn yardstick_sort(bencher: divan::Bencher<'_, '_>, rules: usize) {
    let snapshot = snapshot(Shape::Hosts, rules);
    bencher.bench(|| {
        let mut all: Vec<(String, String)> = snapshot
            .ingresses
            .items()
            .iter()
            .flat_map(Ingress::path_rules)
            .map(|(_, _, host, rule)| (host.to_owned(), rule.path.clone()))
            .collect();
        all.sort();
        all
    });
}

#[divan::bench(args = SHAPES, consts = [10_000, 100_000], sample_count = 3)]
fn find<const RULES: usize>(bencher: divan::Bencher<'_, '_>, shape: Shape) {
    let snapshot = snapshot(shape, RULES);
    let views = view::views(&snapshot);
    let found = conflicts::find(&snapshot, &views).len();
    // A benchmark of rules that look at nothing would be quick.
    let expected = if shape == Shape::Twice { RULES / 2 } else { 0 };
    assert!(found >= expected && views.first().is_some_and(|view| view.adopted.len() == RULES / RULES_EACH));
    bencher.bench(|| conflicts::find(&snapshot, &views).len());
}

/// The rules one by one, for whoever looks for the slow one.
#[divan::bench(args = conflicts::RULES.iter().map(|rule| rule.id()), sample_count = 1)]
fn one_rule(bencher: divan::Bencher<'_, '_>, id: &str) {
    let snapshot = snapshot(Shape::Patterns, 100_000);
    let views = view::views(&snapshot);
    let rule = conflicts::rule(id).expect("a rule");
    bencher.bench(|| conflicts::find_by(&[rule], &snapshot, &views).len());
}

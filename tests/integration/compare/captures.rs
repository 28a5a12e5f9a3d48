//! Every difference that a comparison finds has a known cause: on the scenarios, and on what real
//! controllers were recorded with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use routecause::analysis::migration::cause::Cause;
use routecause::analysis::migration::{self, Comparison};
use routecause::evidence::capture::Capture;
use routecause::evidence::cluster::{Cluster, Source};
use routecause::evidence::{demo, gather};
use routecause::model::controller::ControllerKind;
use routecause::model::snapshot::Snapshot;
use routecause::report::migration::cause_word;

use crate::recorded::sets;

/// Of the targets, one in so many is tried with a set.
const EVERY: usize = 5;

fn compared(to: ControllerKind, snapshot: &Snapshot) -> Comparison {
    migration::compare(&migration::today(None, to, snapshot), to, snapshot, |_| true)
}

/// The differences without a known cause.
fn unexplained(
    name: &str,
    to: ControllerKind,
    snapshot: &Snapshot,
    causes: &mut BTreeMap<&str, usize>,
) -> String {
    let mut told = String::new();
    for group in compared(to, snapshot).groups {
        *causes.entry(cause_word(&group.cause)).or_default() += group.count;
        if group.cause == Cause::Other {
            let url = group.example.url();
            let _ = writeln!(told, "{name}: {} of {url}, {} then {to}", group.count, group.from);
            let _ = writeln!(told, "  {:?}\n  {:?}", group.before, group.after);
        }
    }
    told
}

fn targets() -> impl Iterator<Item = ControllerKind> {
    ControllerKind::ALL.into_iter().filter(|kind| !kind.routes_by_gateways())
}

async fn of_capture(capture: Capture) -> Snapshot {
    let cluster = Cluster::new(Source::Capture(Box::new(capture)), None);
    let mut snapshot = gather::routing(&cluster, &BTreeSet::new()).await;
    let namespaces = snapshot.ingresses.items().iter().map(|ingress| ingress.meta.namespace.clone());
    let namespaces: BTreeSet<String> = namespaces.collect();
    gather::backends(&cluster, &mut snapshot, &namespaces).await;
    snapshot
}

#[tokio::test]
async fn the_incidents_differ_by_known_causes_only() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut captures = vec![("demo".to_owned(), demo::open().expect("demo"))];
    for entry in std::fs::read_dir(folder).expect("scenarios") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        captures.push((name, Capture::open(&path).expect("a capture")));
    }
    let (mut told, mut causes) = (String::new(), BTreeMap::new());
    for (name, capture) in captures {
        let snapshot = of_capture(capture).await;
        for to in targets() {
            told.push_str(&unexplained(&name, to, &snapshot, &mut causes));
        }
    }
    assert!(told.is_empty(), "{told}");
    for cause in ["configuration_refused", "entry_point", "https_redirect", "ingress_not_loaded"] {
        assert!(causes.contains_key(cause), "{cause}: {causes:?}");
    }
}

/// Each set under a few of the targets, so that each target meets a part of every archive.
#[test]
fn recorded_worlds_differ_by_known_causes_only() {
    let (mut told, mut causes, mut compared) = (String::new(), BTreeMap::new(), 0);
    for slug in ["contour", "f5-nginx", "haproxytech", "ingress-nginx", "traefik", "traefik-ingress-nginx"] {
        for (number, set) in sets(slug).into_iter().enumerate() {
            let turn = |at: usize| (at + number).is_multiple_of(EVERY);
            for (_, to) in targets().enumerate().filter(|(at, _)| turn(*at)) {
                told.push_str(&unexplained(&format!("{slug} {}", set.name), to, &set.snapshot, &mut causes));
                compared += 1;
            }
        }
    }
    assert!(told.is_empty(), "{told}");
    assert!(compared > 200, "{compared}");
    assert!(causes.len() > 20, "{causes:?}");
}

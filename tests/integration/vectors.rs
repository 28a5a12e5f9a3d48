//! Holds the routing models to what the real controllers did with the same objects and requests.
//!
//! One archive a controller, `tests/vectors/<slug>.tar.gz`: a folder a set, with the objects as the
//! API server gave them back and one request a line with what came of it. Only the keys that a line
//! has are compared. A difference that is not a mistake of ours is listed by name in `KNOWN`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;

use routecause::analysis::adoption::{self, Adoption};
use routecause::evidence::capture::Files;
use routecause::model::controller::ControllerKind;
use routecause::model::snapshot::Snapshot;
use serde_json::Value;

use crate::judging::{self, compare, controller_of, request_of};

/// Lines that differ for a reason that is explained in `docs/controllers/<slug>.md`.
const KNOWN: &[&str] = &[
    // The text leaves it open, and the implementation that was asked differs.
    "hr-s013-30",
    "hr-s013-32",
    "hr-s013-34",
    "hr-s013-38",
    "hr-s043-02",
    // The client's address is not part of a request.
    "tn-s035-11",
    // Which host of an Ingress gets its default backend is chance, anew with every configuration.
    "tn-s019-07",
    "tn-s019-10",
    "tn-s019-12",
    "tn-s019-17",
    "tn-s019-18",
    "tn-s019-22",
    "tn-s019-23",
    "tn-s019-26",
    "tn-s019-29",
    "tn-s019-30",
    "tn-s019-33",
    "tn-s019-35",
    "tn-s019-36",
    "tn-s019-39",
    "tn-s019-42",
    "tn-s019-45",
    "tn-s019-50",
    "tn-s043-01",
    "tn-s043-04",
    "tn-s043-16",
    "tn-s043-17",
    "tn-s043-18",
    "tn-s043-32",
    "tn-s043-34",
    "tn-s043-35",
    "tn-s043-37",
    "tn-s043-40",
];

/// One set: what was there, and what was asked.
struct Set {
    name: String,
    snapshot: Snapshot,
    vectors: Vec<Value>,
}

async fn set(name: String, mut files: Files) -> Set {
    let lines = files.remove("vectors.jsonl").expect("vectors");
    let lines = String::from_utf8(lines.into_owned()).expect("text");
    let vectors = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    Set { name, snapshot: judging::snapshot(files).await, vectors }
}

/// The sets of one controller, by name.
fn sets(slug: &str) -> Vec<Set> {
    let path = format!("{}/tests/vectors/{slug}.tar.gz", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::File::open(&path).expect("an archive");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut folders: BTreeMap<String, Files> = BTreeMap::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        if let [_, set, file] = path.split('/').collect::<Vec<_>>().as_slice()
            && !file.is_empty()
        {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("bytes");
            folders.entry((*set).to_owned()).or_default().insert((*file).to_owned(), bytes.into());
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    folders.into_iter().map(|(name, files)| runtime.block_on(set(name, files))).collect()
}

/// What was there in each set of a controller.
pub(crate) fn snapshots(slug: &str) -> Vec<(String, Snapshot)> {
    sets(slug).into_iter().map(|set| (set.name, set.snapshot)).collect()
}

/// Agreement of one model with its archive.
fn agreement(kind: ControllerKind) -> (usize, BTreeMap<String, String>) {
    let mut total = 0;
    let mut differences = BTreeMap::new();
    // The Gateway API's own text runs nowhere: it is held to what one implementation did, save where
    // that is known to deviate.
    let archive = if kind == ControllerKind::TraefikGateway { ControllerKind::HttpRoute } else { kind };
    for set in sets(archive.slug()) {
        let table = judging::table(kind, &set.snapshot);
        for vector in &set.vectors {
            total += 1;
            let request = request_of(vector);
            let decision = table.decide(&request);
            let said = vector.get("spec_says").filter(|_| kind == ControllerKind::HttpRoute);
            let mut wrong = compare(said.unwrap_or(&vector["expect"]), &request, &decision);
            let route = vector.get("route").filter(|_| said.is_none());
            let winner = decision.winner.as_ref().map(|winner| winner.object().to_string());
            if let Some(route) = route.and_then(Value::as_str)
                && winner.as_deref() != Some(format!("HTTPRoute {route}").as_str())
            {
                let _ = writeln!(wrong, "    route: expected {route}, found {winner:?}");
            }
            if !wrong.is_empty() {
                let url = vector["url"].as_str().unwrap_or_default();
                let id = vector["id"].as_str().unwrap_or_default().to_owned();
                differences.insert(id, format!("{url}\n{wrong}    {decision:?}"));
            }
        }
    }
    (total, differences)
}

fn check(kind: ControllerKind, at_least: usize) {
    let (total, mut differences) = agreement(kind);
    assert!(total >= at_least, "only {total} vectors");
    differences.retain(|id, _| !KNOWN.contains(&id.as_str()));
    let mut report = String::new();
    for (id, difference) in &differences {
        let _ = writeln!(report, "{id} {difference}");
    }
    assert!(differences.is_empty(), "{} of {total} differ\n{report}", differences.len());
}

#[test]
fn ingress_nginx_is_predicted_as_recorded() {
    check(ControllerKind::IngressNginx, 2000);
}

#[test]
fn f5_nginx_is_predicted_as_recorded() {
    check(ControllerKind::F5Nginx, 1000);
}

#[test]
fn httproutes_are_predicted_as_the_text_says() {
    check(ControllerKind::HttpRoute, 600);
}

#[test]
fn httproutes_are_predicted_as_traefik_was_recorded() {
    check(ControllerKind::TraefikGateway, 600);
}

#[test]
fn traefik_is_predicted_as_recorded() {
    check(ControllerKind::Traefik, 1200);
}

#[test]
fn traefik_ingress_nginx_is_predicted_as_recorded() {
    check(ControllerKind::TraefikIngressNginx, 1200);
}

/// The controller writes its address into the status of exactly those Ingresses that it loaded.
#[test]
fn ingress_nginx_gave_an_address_to_those_it_is_said_to_load() {
    let mut judged = 0;
    for set in sets(ControllerKind::IngressNginx.slug()) {
        let controller = controller_of(&set.snapshot, ControllerKind::IngressNginx);
        let settings = controller.settings();
        for (ingress, adoption) in adoption::judge_all(controller, &set.snapshot) {
            let adopted = matches!(adoption, Adoption::Adopted(_));
            let loaded = adopted && adoption::annotations::load_refusal(&settings, ingress).is_none();
            assert_eq!(loaded, !ingress.addresses.is_empty(), "{} {}", set.name, ingress.meta.key());
            judged += 1;
        }
    }
    assert!(judged >= 300, "only {judged} Ingresses");
}

#[test]
fn haproxytech_is_predicted_as_recorded() {
    check(ControllerKind::Haproxytech, 1190);
}

#[test]
fn contour_is_predicted_as_recorded() {
    check(ControllerKind::Contour, 790);
}

/// So does Contour, for exactly those that its class selection takes.
#[test]
fn contour_gave_an_address_to_those_it_is_said_to_adopt() {
    let mut judged = 0;
    for set in sets(ControllerKind::Contour.slug()) {
        let controller = controller_of(&set.snapshot, ControllerKind::Contour);
        for (ingress, adoption) in adoption::judge_all(controller, &set.snapshot) {
            let adopted = matches!(adoption, Adoption::Adopted(_));
            assert_eq!(adopted, !ingress.addresses.is_empty(), "{} {}", set.name, ingress.meta.key());
            judged += 1;
        }
    }
    assert!(judged >= 90, "only {judged} Ingresses");
}

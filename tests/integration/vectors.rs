//! Holds the routing models to what the real controllers did with the same objects and requests.
//!
//! One archive a controller, `tests/vectors/<slug>.tar.gz`: a folder a set, with the objects as the
//! API server gave them back and one request a line with what came of it. Only the keys that a line
//! has are compared. A difference that is not a mistake of ours is listed by name in `KNOWN`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read as _;

use routecause::analysis::adoption::{self, Adoption};
use routecause::analysis::routing::{Decision, Input, Outcome, RouteTable, Target, model_for};
use routecause::evidence::capture::{Capture, Files};
use routecause::evidence::cluster::{Cluster, Source};
use routecause::evidence::gather;
use routecause::model::controller::{Controller, ControllerKind, Settings};
use routecause::model::ingress::Ingress;
use routecause::model::request::Request;
use routecause::model::snapshot::Snapshot;
use serde_json::Value;

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

pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) snapshot: Snapshot,
    pub(crate) vectors: Vec<Value>,
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

/// Reads one set the way the program reads a capture.
pub(crate) async fn set(name: String, mut files: Files) -> Set {
    let lines = files.remove("vectors.jsonl").expect("vectors");
    let lines = String::from_utf8(lines.into_owned()).expect("text");
    let capture = Capture::from_files(files, Vec::new(), &name).expect("a capture");
    let cluster = Cluster::new(Source::Capture(Box::new(capture)), None);
    let mut snapshot = gather::routing(&cluster, &BTreeSet::new()).await;
    let namespaces = snapshot.namespaces.items().iter().map(|namespace| namespace.meta.name.clone());
    let namespaces: BTreeSet<String> = namespaces.collect();
    gather::backends(&cluster, &mut snapshot, &namespaces).await;
    let vectors = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    Set { name, snapshot, vectors }
}

/// Agreement of one model with its archive.
fn agreement(kind: ControllerKind) -> (usize, BTreeMap<String, String>) {
    let mut total = 0;
    let mut differences = BTreeMap::new();
    // The Gateway API's own text runs nowhere: it is held to what one implementation did, save where
    // that is known to deviate.
    let archive = if kind == ControllerKind::TraefikGateway { ControllerKind::HttpRoute } else { kind };
    for set in sets(archive.slug()) {
        let table = if kind == ControllerKind::HttpRoute {
            table(kind, &set, &[], &Settings::default())
        } else {
            let controller = controller_of(&set, kind);
            table(kind, &set, &adoption::adopted(controller, &set.snapshot), &controller.settings())
        };
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

fn table(
    kind: ControllerKind,
    set: &Set,
    ingresses: &[&Ingress],
    settings: &Settings,
) -> Box<dyn RouteTable> {
    let input = Input { ingresses, snapshot: &set.snapshot, settings };
    model_for(kind).expect("a model").compile(&input)
}

pub(crate) fn controller_of(set: &Set, kind: ControllerKind) -> &Controller {
    let mut controllers = set.snapshot.controllers.iter();
    controllers
        .find(|controller| controller.kind == kind)
        .unwrap_or_else(|| panic!("{} shows no {kind}", set.name))
}

pub(crate) fn request_of(vector: &Value) -> Request {
    let mut request = Request::parse(vector["url"].as_str().expect("a URL")).expect("a request");
    vector["method"].as_str().expect("a method").clone_into(&mut request.method);
    for (name, value) in vector["headers"].as_object().into_iter().flatten() {
        request.headers.push((name.clone(), value.as_str().expect("a value").to_owned()));
    }
    request
}

/// What differs, a line each.
pub(crate) fn compare(expect: &Value, request: &Request, decision: &Decision) -> String {
    let mut wrong = String::new();
    let mut check = |key: &str, found: Value| {
        if let Some(expected) = expect.get(key)
            && *expected != found
        {
            let _ = writeln!(wrong, "    {key}: expected {expected}, found {found}");
        }
    };
    let outcome = outcome_name(decision.outcome);
    let allowed = expect.get("outcome_in").and_then(Value::as_array);
    let is_allowed = allowed.is_some_and(|allowed| allowed.iter().any(|one| one == outcome));
    if !is_allowed {
        check("outcome", outcome.into());
    }
    check("status", decision.status.map_or(Value::Null, Value::from));
    let winner = decision.winner.as_ref().filter(|_| decision.outcome != Outcome::NoRoute);
    check("ingress", winner.map_or(Value::Null, |winner| winner.ingress.to_string().into()));
    let backend = winner.and_then(|winner| winner.backend.as_ref());
    check("backend", backend.map_or(Value::Null, |target| target_name(target).into()));
    check("upstream_path", decision.upstream_path.clone().map_or(Value::Null, Value::from));
    if let Some(expected) = expect.get("location").and_then(Value::as_str) {
        let found = decision.location.as_deref().map(|location| resolved(location, request));
        let expected = resolved(expected, request);
        if found.as_ref() != Some(&expected) {
            let _ = writeln!(wrong, "    location: expected {expected}, found {found:?}");
        }
    }
    if let Some(expected) = expect.get("one_of").and_then(Value::as_array) {
        let expected: BTreeSet<&str> = expected.iter().filter_map(Value::as_str).collect();
        let found: BTreeSet<String> = decision.one_of.iter().map(target_name).collect();
        if found.iter().map(String::as_str).collect::<BTreeSet<_>>() != expected {
            let _ = writeln!(wrong, "    one_of: expected {expected:?}, found {found:?}");
        }
    }
    wrong
}

pub(crate) fn target_name(target: &Target) -> String {
    format!("{}:{}", target.service, target.port)
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Routed => "routed",
        Outcome::Redirect => "redirect",
        Outcome::NoRoute => "no_route",
        Outcome::Refused => "refused",
        Outcome::Unavailable => "unavailable",
        Outcome::Undefined => "undefined",
    }
}

/// A `Location` as an absolute URL without default ports.
fn resolved(location: &str, request: &Request) -> String {
    let absolute = if location.starts_with('/') {
        format!("{}://{}{location}", request.scheme.as_str(), request.authority())
    } else {
        location.to_owned()
    };
    let Some((scheme, rest)) = absolute.split_once("://") else { return absolute };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let default = if scheme == "https" { ":443" } else { ":80" };
    let authority = authority.strip_suffix(default).unwrap_or(authority).to_ascii_lowercase();
    format!("{scheme}://{authority}{path}")
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
        let controller = controller_of(&set, ControllerKind::IngressNginx);
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
        let controller = controller_of(&set, ControllerKind::Contour);
        for (ingress, adoption) in adoption::judge_all(controller, &set.snapshot) {
            let adopted = matches!(adoption, Adoption::Adopted(_));
            assert_eq!(adopted, !ingress.addresses.is_empty(), "{} {}", set.name, ingress.meta.key());
            judged += 1;
        }
    }
    assert!(judged >= 90, "only {judged} Ingresses");
}

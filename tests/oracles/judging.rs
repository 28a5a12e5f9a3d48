//! Holds what a model decides to what a real controller did: objects in the layout of a capture, and one
//! request a line with what came of it. Only the keys that a line has are compared.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use routecause::analysis::adoption;
use routecause::analysis::routing::{Decision, Input, Note, Outcome, RouteTable, Target, model_for};
use routecause::evidence::capture::{Capture, Files};
use routecause::evidence::cluster::{Cluster, Source};
use routecause::evidence::gather;
use routecause::model::controller::{ControllerKind, Settings};
use routecause::model::ingress::Ingress;
use routecause::model::request::Request;
use routecause::model::snapshot::Snapshot;
use serde_json::{Value, json};

/// Reads a capture the way the program does.
pub(crate) async fn snapshot(files: Files) -> Snapshot {
    let capture = Capture::from_files(files, Vec::new(), "objects").expect("a capture");
    let cluster = Cluster::new(Source::Capture(Box::new(capture)), None);
    let mut snapshot = gather::routing(&cluster, &BTreeSet::new()).await;
    let namespaces = snapshot.namespaces.items().iter().map(|namespace| namespace.meta.name.clone());
    let namespaces: BTreeSet<String> = namespaces.collect();
    gather::backends(&cluster, &mut snapshot, &namespaces).await;
    snapshot
}

/// A capture of these objects, which are all there are.
pub(crate) fn capture_of(objects: &[Value]) -> Files {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let about = json!({"takenAt": "2026-01-01T00:00:00Z", "errors": []});
    let mut files = Files::new();
    files.insert("capture.json".to_owned(), about.to_string().into_bytes().into());
    files.insert("objects.json".to_owned(), list.to_string().into_bytes().into());
    files
}

/// The model of a controller, of what it was told and of what it adopted.
pub(crate) fn table(kind: ControllerKind, snapshot: &Snapshot) -> Box<dyn RouteTable> {
    let model = model_for(kind).expect("a model");
    // A text runs nowhere, some products where nobody sees them: they take what there is.
    let Some(controller) = snapshot.controllers.iter().find(|controller| controller.kind == kind) else {
        let ingresses: Vec<&Ingress> = snapshot.ingresses.items().iter().collect();
        return model.compile(&Input { ingresses: &ingresses, snapshot, settings: &Settings::default() });
    };
    let ingresses = adoption::adopted(controller, snapshot);
    model.compile(&Input { ingresses: &ingresses, snapshot, settings: &controller.settings() })
}

pub(crate) fn request_of(vector: &Value) -> Request {
    let mut request = Request::parse(vector["url"].as_str().expect("a URL")).expect("a request");
    vector["method"].as_str().expect("a method").clone_into(&mut request.method);
    for (name, value) in vector["headers"].as_object().into_iter().flatten() {
        request.headers.push((name.clone(), value.as_str().expect("a value").to_owned()));
    }
    request
}

/// What differs; a choice that is not determined must leave room for what was answered.
pub(crate) fn differs(expect: &Value, request: &Request, decision: &Decision) -> String {
    if decision.outcome != Outcome::Undefined {
        return compare(expect, request, decision);
    }
    let fits = match expect.get("backend").and_then(Value::as_str) {
        Some(backend) => decision.one_of.iter().any(|target| target_name(target) == backend),
        None => decision.notes.iter().any(|note| match note {
            Note::OrAnswered { status, .. } => json!(status) == expect["status"],
            // A pattern or a condition that only the proxy can evaluate: what comes next is not followed.
            Note::PatternUndecided { .. } | Note::ConditionUndecided { .. } => true,
            _ => false,
        }),
    };
    if fits {
        String::new()
    } else {
        format!("    {expect} is none of {:?} {:?}\n", decision.one_of, decision.notes)
    }
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

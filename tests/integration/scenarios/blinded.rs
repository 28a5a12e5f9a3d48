//! Incidents with a part of the evidence taken away, or under other names: what can no longer be seen
//! may cost the verdict, never make a wrong one.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Scenario, diagnose, has, scenarios};

/// What is taken from a capture.
#[derive(Debug, Clone, Copy)]
enum Without {
    Logs,
    Probes,
    LogsAndProbes,
    /// Audit log and history.
    Past,
    /// All but the last quarter of every log.
    OldLines,
    /// A kind, whose list was refused.
    List(&'static str),
}

const BLINDS: [Without; 13] = [
    Without::Logs,
    Without::Probes,
    Without::LogsAndProbes,
    Without::Past,
    Without::OldLines,
    Without::List("services"),
    Without::List("endpointslices"),
    Without::List("pods"),
    Without::List("ingressclasses"),
    Without::List("deployments"),
    Without::List("replicasets"),
    Without::List("events"),
    Without::List("configmaps"),
];

/// A file's path in the capture and its text, changed or left out.
type Change<'a> = &'a dyn Fn(&str, String) -> Option<(String, String)>;

/// Copies a capture, each file through `change`.
fn copy(from: &Path, to: &Path, place: &str, change: Change<'_>) {
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let inside = if place.is_empty() { name } else { format!("{place}/{name}") };
        if path.is_dir() {
            copy(&path, to, &inside, change);
        } else if !matches!(inside.as_str(), "ask.json" | "expect.json") {
            let text = fs::read_to_string(&path).expect("text");
            let Some((inside, text)) = change(&inside, text) else { continue };
            let target = to.join(inside);
            fs::create_dir_all(target.parent().expect("a folder")).expect("a folder");
            fs::write(target, text).expect("a file");
        }
    }
}

fn blind(without: Without, path: &str, text: String) -> Option<String> {
    let is_log = path.starts_with("logs/");
    let is_probe = path == "probes.jsonl";
    let is_past = matches!(path, "audit.jsonl" | "history.jsonl");
    match without {
        Without::Logs if is_log => None,
        Without::Probes if is_probe => None,
        Without::LogsAndProbes if is_log || is_probe => None,
        Without::Past if is_past => None,
        Without::OldLines if is_log => {
            let lines: Vec<&str> = text.lines().collect();
            Some(lines[lines.len() * 3 / 4..].join("\n"))
        }
        Without::List(kind) if path.starts_with(&format!("objects/{kind}.")) => None,
        Without::List(kind) if path == "capture.json" => {
            let mut about: Value = serde_json::from_str(&text).expect("JSON");
            about["errors"].as_array_mut().expect("errors").push(json!({"resource": kind, "namespace": "",
                "reason": "Forbidden", "message": format!("{kind} is forbidden")}));
            Some(about.to_string())
        }
        _ => Some(text),
    }
}

/// What may be said of an incident without blaming anybody; that it is healthy is not among them.
const BLAMELESS: [&str; 3] = ["INSUFFICIENT_EVIDENCE", "APP_ROUTE_MISSING", "NOT_A_404"];

/// An answer that names no wrong culprit with more than a guess: the expected one, or one that blames
/// nobody and does not deny the incident.
fn is_sound(verdict: &Value, expect: &Value) -> bool {
    let right = verdict["code"] == expect["code"] && has(&verdict["culprit"], &expect["culprit"], "");
    let blameless = verdict["code"].as_str().is_some_and(|code| BLAMELESS.contains(&code));
    right || (blameless && verdict["culprit"].is_null()) || verdict["confidence"] == "possible"
}

async fn incidents() -> Vec<Scenario> {
    scenarios().into_iter().filter(|scenario| scenario.expect.is_some()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_seen_never_makes_a_wrong_verdict() {
    let mut wrong = Vec::new();
    let (mut asked, mut right) = (0, 0);
    for scenario in incidents().await {
        let expect = scenario.expect.as_ref().expect("an expectation");
        for without in BLINDS {
            let folder = tempfile::tempdir().expect("a folder");
            copy(&scenario.folder, folder.path(), "", &|path, text| {
                Some((path.to_owned(), blind(without, path, text)?))
            });
            let replies = diagnose(folder.path(), &scenario.asks[..1]).await;
            let verdict = &replies[0].structured["verdict"];
            asked += 1;
            right += usize::from(verdict["code"] == expect["code"]);
            if !is_sound(verdict, expect) {
                wrong.push(format!("{} without {without:?}: {}", scenario.name, verdict["summary"]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // Most verdicts need only a part of the evidence.
    assert!(right * 100 >= asked * 80, "only {right} of {asked} are still told");
}

/// Names that carry meaning for routing are hosts and classes; those of namespaces and objects do not.
#[tokio::test(flavor = "multi_thread")]
async fn other_names_get_the_same_verdict() {
    let mut wrong = Vec::new();
    for scenario in incidents().await {
        let expect = scenario.expect.as_ref().expect("an expectation");
        let Some(namespace) = expect["culprit"]["namespace"].as_str().filter(|name| !name.is_empty()) else {
            continue;
        };
        if namespace == "ingress-nginx" {
            continue;
        }
        // Namespaces stand in upstream names and keys too: whole words are renamed everywhere.
        let word =
            regex::Regex::new(&format!(r"(^|[^A-Za-z0-9.-]){namespace}($|[^A-Za-z0-9.])")).expect("a word");
        let renamed = |text: &str| {
            let once = word.replace_all(text, "${1}qx-renamed${2}").into_owned();
            word.replace_all(&once, "${1}qx-renamed${2}").into_owned()
        };
        let folder = tempfile::tempdir().expect("a folder");
        copy(&scenario.folder, folder.path(), "", &|path, text| Some((renamed(path), renamed(&text))));
        let replies = diagnose(folder.path(), &scenario.asks[..1]).await;
        let verdict = &replies[0].structured["verdict"];
        if verdict["code"] != expect["code"] || verdict["culprit"]["namespace"] != "qx-renamed" {
            wrong.push(format!("{}: {} {}", scenario.name, verdict["summary"], verdict["culprit"]));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

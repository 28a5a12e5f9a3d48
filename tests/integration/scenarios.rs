//! Every incident under `tests/scenarios`, asked of the program as anybody would ask it: the verdict and
//! the object to blame are right, what decides is cited, and everything cited exists.
//!
//! An incident is a capture with `ask.json` (the complaint) and `expect.json` (what `diagnose` must
//! answer). The embedded demo is asked too; of it only the citations are checked here.

mod blinded;
pub(crate) mod citation;
pub(crate) mod held;

use std::path::{Path, PathBuf};

use routecause::tools::{Call, Entry, Reply, Settings, Source, Toolbox, registry};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use held::Held;

struct Scenario {
    name: String,
    folder: PathBuf,
    /// The complaint first, then its variants.
    asks: Vec<Value>,
    expect: Option<Value>,
}

fn json_file(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn read(folder: PathBuf) -> Scenario {
    let ask = json_file(&folder.join("ask.json")).unwrap_or_else(|| panic!("{}: no ask", folder.display()));
    let mut complaint = ask.clone();
    let variants = complaint.as_object_mut().and_then(|ask| ask.remove("variants"));
    let mut asks = vec![complaint.clone()];
    for variant in variants.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let mut merged = complaint.clone();
        merged.as_object_mut().expect("an ask").extend(variant.as_object().expect("a variant").clone());
        asks.push(merged);
    }
    Scenario {
        name: folder.file_name().expect("a name").to_string_lossy().into_owned(),
        expect: json_file(&folder.join("expect.json")),
        asks,
        folder,
    }
}

fn scenarios() -> Vec<Scenario> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(root.join("tests/scenarios")).expect("the scenarios");
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.expect("an entry").path()).collect();
    folders.sort();
    let mut scenarios: Vec<Scenario> = folders.into_iter().map(read).collect();
    assert!(scenarios.iter().all(|scenario| scenario.expect.is_some()), "an incident expects nothing");
    scenarios.push(read(root.join("src/evidence/capture/demo")));
    scenarios
}

fn tool(name: &str) -> &'static Entry {
    let known: Vec<&str> = registry().iter().map(|tool| tool.name).collect();
    let found = registry().iter().find(|tool| tool.name == name);
    found.unwrap_or_else(|| panic!("the registry has no {name}: {known:?}"))
}

/// The answers to all complaints of a scenario, from its capture or from a copy of it.
async fn diagnose(capture: &Path, asks: &[Value]) -> Vec<Reply> {
    let source = Source::Capture(capture.to_owned());
    let toolbox = Toolbox::new(Settings { source, ..Settings::default() });
    let mut replies = Vec::new();
    for ask in asks {
        let outcome = tool("diagnose").call(&toolbox, ask.clone(), &Call::default()).await;
        replies.push(outcome.unwrap_or_else(|failure| panic!("{}: {ask}: {failure}", capture.display())));
    }
    replies
}

/// Every scenario with its answers; asked once for all tests.
async fn answered() -> &'static [(Scenario, Vec<Reply>)] {
    static ANSWERED: OnceCell<Vec<(Scenario, Vec<Reply>)>> = OnceCell::const_new();
    ANSWERED
        .get_or_init(|| async {
            let mut answered = Vec::new();
            for scenario in scenarios() {
                let replies = diagnose(&scenario.folder, &scenario.asks).await;
                answered.push((scenario, replies));
            }
            answered
        })
        .await
}

/// Whether `found` has everything that `wanted` names; of a log line a part is enough, and an empty
/// namespace is none.
fn has(found: &Value, wanted: &Value, key: &str) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| has(found.get(key).unwrap_or(&Value::Null), value, key))
        }
        (Value::Null, Value::String(text)) => text.is_empty(),
        (Value::String(found), Value::String(wanted)) if key == "line" => found.contains(wanted.as_str()),
        _ => found == wanted,
    }
}

/// What is wrong with an answer to the complaint of a scenario.
fn faults(answer: &Value, expect: &Value, is_variant: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let verdict = &answer["verdict"];
    if verdict["code"] != expect["code"] {
        faults.push(format!("is {}, should be {}: {}", verdict["code"], expect["code"], verdict["summary"]));
    }
    let culprit = &expect["culprit"];
    if (culprit.is_null() && !verdict["culprit"].is_null()) || !has(&verdict["culprit"], culprit, "") {
        faults.push(format!("blames {}, should blame {culprit}", verdict["culprit"]));
    }
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let blamed = [&verdict["culprit"], &answer["alternatives"][0]["culprit"]];
    for innocent in list(&expect["forbidden"]) {
        if blamed.iter().any(|blamed| has(blamed, &innocent, "")) {
            faults.push(format!("suspects the innocent {innocent}"));
        }
    }
    let codes = [&verdict["code"], &answer["alternatives"][0]["code"]];
    for code in list(&expect["forbidden_codes"]) {
        if codes.contains(&&code) {
            faults.push(format!("says {code}"));
        }
    }
    if !is_variant {
        let cited: Vec<Value> =
            list(&verdict["evidence"]).iter().map(|item| item["source"].clone()).collect();
        for wanted in list(&expect["evidence"]) {
            if !cited.iter().any(|source| has(source, &wanted["source"], "")) {
                faults.push(format!("does not cite {}: {}", wanted["is"], wanted["source"]));
            }
        }
    }
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn every_incident_ends_in_its_verdict() {
    let mut wrong = Vec::new();
    for (scenario, replies) in answered().await {
        let Some(expect) = &scenario.expect else { continue };
        for (number, (ask, reply)) in scenario.asks.iter().zip(replies).enumerate() {
            let faults = faults(&reply.structured, expect, number > 0);
            wrong
                .extend(faults.into_iter().map(|fault| format!("{} {}: {fault}", scenario.name, ask["url"])));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_cited_exists() {
    let mut wrong = Vec::new();
    for (scenario, replies) in answered().await {
        let held = Held::read(&scenario.folder);
        for (ask, reply) in scenario.asks.iter().zip(replies) {
            let cited = citation::within(&reply.structured);
            assert!(!cited.is_empty(), "{} {} cites nothing", scenario.name, ask["url"]);
            for source in cited {
                if let Err(fault) = citation::check(source, &held) {
                    wrong.push(format!("{} {}: {fault}: {source}", scenario.name, ask["url"]));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_objects_changes_no_byte() {
    for (scenario, replies) in answered().await {
        let turned = tempfile::tempdir().expect("a folder");
        Held::read(&scenario.folder).write_reversed(&scenario.folder, turned.path());
        let others = diagnose(turned.path(), &scenario.asks).await;
        for ((one, other), ask) in replies.iter().zip(&others).zip(&scenario.asks) {
            assert_eq!(one.text, other.text, "{} {}", scenario.name, ask["url"]);
            assert_eq!(one.structured.to_string(), other.structured.to_string(), "{}", scenario.name);
        }
    }
}

#[test]
fn an_expectation_is_met_by_what_has_all_of_it() {
    let found = json!({"log": {"namespace": "a", "pod": "p", "line": "x GET / 404"}});
    assert!(has(&found, &json!({"log": {"namespace": "a", "line": "GET / 404"}}), ""));
    assert!(!has(&found, &json!({"log": {"namespace": "b"}}), ""));
    assert!(!has(&found, &json!({"object": {}}), ""));
    assert!(has(&json!({"namespace": null}), &json!({"namespace": ""}), ""));
    assert!(!has(&json!({"field": "spec.rules[0].host"}), &json!({"field": "spec"}), ""));
}

#[test]
fn a_wrong_answer_is_told() {
    let expect = json!({
        "code": "HOST_MISMATCH", "culprit": {"kind": "Ingress", "name": "web"},
        "forbidden": [{"kind": "Service", "name": "web"}], "forbidden_codes": ["HEALTHY"],
        "evidence": [{"is": "E1", "source": {"probe": {"status": 404}}}],
    });
    let mut answer: Map<String, Value> = Map::new();
    answer.insert(
        "verdict".to_owned(),
        json!({"code": "HEALTHY", "culprit": {"kind": "Service", "name": "web"}}),
    );
    assert_eq!(faults(&Value::Object(answer.clone()), &expect, false).len(), 5);
    let right = json!({"code": "HOST_MISMATCH", "culprit": {"kind": "Ingress", "name": "web", "field": "x"},
                       "evidence": [{"source": {"probe": {"status": 404, "url": "u"}}}]});
    answer.insert("verdict".to_owned(), right);
    assert_eq!(faults(&Value::Object(answer), &expect, false), Vec::<String>::new());
}

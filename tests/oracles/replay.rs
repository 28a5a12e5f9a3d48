//! Kept cases, asked of the real program once more: `ROUTECAUSE_ORACLE_REPLAY=<folder>`. What it answers now
//! is written into a file that has no expectation yet.

use std::path::Path;

use serde_json::{Value, json};

use crate::ask::{Ask, ask};
use crate::dialect::Dialect;
use crate::judge::{Finding, Judge, expectation};
use crate::oracle::Oracle;
use crate::run::Tally;
use crate::world::{World, certificate};

const METHODS: [&str; 6] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"];

/// Every file of a folder that is about this controller.
pub(crate) async fn replay(dialect: &Dialect, oracle: &mut impl Oracle, folder: &Path) -> Tally {
    let mut tally = Tally::default();
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file");
        let mut kept: Value = serde_json::from_str(&text).expect("JSON");
        if kept["vector"]["controller"] != dialect.kind.slug() {
            continue;
        }
        let world = world(&kept);
        let served = oracle.serve(&world).await;
        let (judge, request) = (Judge::new(dialect.kind, &served.objects).await, &world.asks[0]);
        tally.cases += 1;
        let Some(entry) = served.entry else {
            tally.report.push(format!("{}: nothing is served", file.display()));
            tally.differing += 1;
            continue;
        };
        let answer = ask(entry, request).await;
        let (found, expected) = (expectation(&answer), kept["vector"]["expect"].clone());
        if expected.is_null() {
            kept["vector"]["expect"] = found;
            kept["vector"]["verified"] = json!(oracle.source());
            std::fs::write(&file, serde_json::to_vec_pretty(&kept).expect("JSON")).expect("a file");
        } else if expected != found {
            tally.differing += 1;
            tally.report.push(format!("{}: expected {expected}, found {found}", file.display()));
            continue;
        }
        match judge.judge(request, &answer) {
            Finding::Agrees => {}
            Finding::Undetermined => tally.undetermined += 1,
            Finding::Differs(how) => {
                tally.differing += 1;
                tally.report.push(format!("{}: {request:?}\n{how}", file.display()));
            }
        }
    }
    tally
}

/// The world of a kept case.
fn world(kept: &Value) -> World {
    let objects = kept["objects"].as_array().cloned().unwrap_or_default();
    let (controller, mut objects): (Vec<Value>, Vec<Value>) =
        objects.into_iter().partition(|object| object["kind"] == "Deployment");
    // No key is kept.
    for secret in objects.iter_mut().filter(|object| object["type"] == "kubernetes.io/tls") {
        let name = |key: &str| secret["metadata"][key].as_str().unwrap_or_default();
        *secret = certificate(name("namespace"), name("name"), true);
    }
    let told = |object: &Value| object.pointer("/spec/template/spec/containers/0/args").cloned();
    let arguments = controller.iter().find_map(told).unwrap_or_default();
    let arguments = arguments.as_array().into_iter().flatten().filter_map(Value::as_str);
    let arguments = arguments.map(ToOwned::to_owned).collect();
    let vector = &kept["vector"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let method = text(&vector["method"]);
    let headers = vector["headers"].as_object().into_iter().flatten();
    World {
        objects,
        arguments,
        config: Vec::new(),
        controller,
        asks: vec![Ask {
            method: METHODS.into_iter().find(|one| *one == method).expect("a method"),
            url: text(&vector["url"]),
            headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
        }],
    }
}

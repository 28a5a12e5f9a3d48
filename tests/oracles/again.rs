//! The kept cases of a dialect, asked again of the real thing.

use std::path::Path;

use serde_json::{Value, json};

use crate::ask::{Ask, ask};
use crate::dialect::Dialect;
use crate::judge::expectation;
use crate::oracle::Oracle;
use crate::world::World;

/// Serves every kept case and asks; what is answered otherwise than it is written down, a line each. With
/// `UPDATE_GOLDEN` it is written down.
pub(crate) async fn again(dialect: &Dialect, oracle: &mut impl Oracle) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/kept").join(dialect.kind.slug());
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let mut differences = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file");
        let mut case: Value = serde_json::from_str(&text).expect("JSON");
        let world = world(&case);
        let served = oracle.serve(&world).await;
        let Some(entry) = served.entry else { continue };
        let found = expectation(&ask(entry, &world.asks[0]).await);
        let written = case["vector"]["expect"].as_object().into_iter().flatten();
        if !written.clone().all(|(key, value)| found[key] == *value) || written.count() == 0 {
            differences.push(format!("{}: {found}", file.display()));
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            case["vector"]["expect"] = found;
            case["vector"]["verified"] = json!(oracle.source());
            let text = serde_json::to_string_pretty(&case).expect("JSON");
            std::fs::write(&file, text + "\n").expect("a file");
        }
    }
    differences
}

fn world(case: &Value) -> World {
    let objects = case["objects"].as_array().expect("objects").iter().cloned();
    let is_controllers =
        |object: &Value| ["Deployment", "ConfigMap", "Secret"].iter().any(|kind| object["kind"] == *kind);
    let (controller, objects) = objects.partition(is_controllers);
    let vector = &case["vector"];
    let method = ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "DELETE"];
    let method = method.into_iter().find(|method| vector["method"] == *method).expect("a method");
    let headers = vector["headers"].as_object().into_iter().flatten();
    let headers = headers.map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned()));
    let url = vector["url"].as_str().expect("a URL").to_owned();
    let asks = vec![Ask { method, url, headers: headers.collect() }];
    World { objects, arguments: Vec::new(), config: Vec::new(), controller, asks }
}

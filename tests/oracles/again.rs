//! The kept cases of a dialect, asked again of the real thing.

use std::path::Path;

use serde_json::{Value, json};

use crate::ask::ask;
use crate::dialect::Dialect;
use crate::judge::expectation;
use crate::oracle::Oracle;
use crate::world::{Ask, World, certificate};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "OPTIONS", "DELETE"];

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

/// The world of a kept case.
fn world(case: &Value) -> World {
    let objects = case["objects"].as_array().cloned().unwrap_or_default();
    let is_controllers =
        |object: &Value| ["Deployment", "ConfigMap", "SecretList"].iter().any(|kind| object["kind"] == *kind);
    let (controller, mut objects): (Vec<Value>, Vec<Value>) = objects.into_iter().partition(is_controllers);
    // No key is kept.
    for secret in objects.iter_mut().filter(|object| object["type"] == "kubernetes.io/tls") {
        let name = |key: &str| secret["metadata"][key].as_str().unwrap_or_default();
        *secret = certificate(name("namespace"), name("name"), true);
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = |object: &Value| object.pointer("/spec/template/spec/containers/0/args").cloned();
    let arguments = controller.iter().find_map(told).unwrap_or_default();
    let config = controller.iter().find_map(|object| object["data"].as_object()).cloned().unwrap_or_default();
    let vector = &case["vector"];
    let headers = vector["headers"].as_object().into_iter().flatten();
    World {
        arguments: arguments.as_array().into_iter().flatten().map(text).collect(),
        config: config.iter().map(|(key, value)| (key.clone(), text(value))).collect(),
        asks: vec![Ask {
            method: METHODS.into_iter().find(|method| vector["method"] == *method).expect("a method"),
            url: text(&vector["url"]),
            headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
        }],
        objects,
        controller,
    }
}

//! The recorded vectors: requests that real controllers answered elsewhere, and the models' answers.
//!
//! One archive a controller, `tests/vectors/<slug>.tar.gz`: a folder a set, with the objects as the API
//! server gave them back and one request a line with what came of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;

use routecause::evidence::capture::Files;
use routecause::model::controller::ControllerKind;
use routecause::model::snapshot::Snapshot;
use serde_json::Value;

use crate::judging::{self, compare, request_of};

/// One set: what was there, and what was asked.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) snapshot: Snapshot,
    pub(crate) vectors: Vec<Value>,
}

async fn set(name: String, mut files: Files) -> Set {
    let lines = files.remove("vectors.jsonl").expect("vectors");
    let lines = String::from_utf8(lines.into_owned()).expect("text");
    let vectors = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    Set { name, snapshot: judging::snapshot(files).await, vectors }
}

/// The sets of one controller, by name.
pub(crate) fn sets(slug: &str) -> Vec<Set> {
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

/// How many requests there are, and how the model differs, by the name of the request.
pub(crate) fn agreement(kind: ControllerKind) -> (usize, BTreeMap<String, String>) {
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
                differences.insert(id, format!("{} {url}\n{wrong}    {decision:?}", set.name));
            }
        }
    }
    (total, differences)
}

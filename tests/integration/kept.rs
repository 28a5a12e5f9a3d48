//! Small worlds in which a model was once wrong, with what the real proxy answered: `tests/oracles/kept`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use routecause::model::controller::ControllerKind;
use serde_json::Value;

use crate::judging::{capture_of, differs, request_of, snapshot, table};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn what_real_proxies_once_answered_otherwise_is_predicted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/kept");
    let (mut judged, mut wrong) = (0, String::new());
    for file in files(&root).iter().flat_map(|folder| files(folder)) {
        let text = std::fs::read_to_string(&file).expect("a file");
        let case: Value = serde_json::from_str(&text).expect("JSON");
        let vector = &case["vector"];
        let slug = vector["controller"].as_str().expect("a controller");
        let kind = ControllerKind::ALL.into_iter().find(|kind| kind.slug() == slug).expect("a slug");
        let snapshot = snapshot(capture_of(case["objects"].as_array().expect("objects"))).await;
        let (table, request) = (table(kind, &snapshot), request_of(vector));
        let decision = table.decide(&request);
        let expects = vector["expect"].as_object().is_some_and(|expect| !expect.is_empty());
        assert!(expects, "{} expects nothing", file.display());
        let found = differs(&vector["expect"], &request, &decision);
        if !found.is_empty() {
            let _ = writeln!(wrong, "{}: {vector}\n{found}    {decision:?}", file.display());
        }
        judged += 1;
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(judged > 0, "nothing is kept");
}

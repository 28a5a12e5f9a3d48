//! Holds the routing models to what real proxies answered on this machine, where they did.
//!
//! `tests/oracles/<name>/run` fetches a proxy, has it answer generated requests, and leaves sets in
//! `$ROUTECAUSE_ORACLES/<slug>`, or below the cache. Without them a test says so and passes. Where a
//! model says that the choice is not determined, the real answer must be one of its choices.

use std::fmt::Write as _;
use std::path::PathBuf;

use routecause::analysis::adoption;
use routecause::analysis::routing::{Decision, Input, Outcome, model_for};
use routecause::evidence::capture::Files;
use routecause::model::controller::ControllerKind;
use serde_json::Value;

use super::vectors::{Set, compare, controller_of, request_of, set, target_name};

/// Answers of one proxy that may differ, in a thousand.
const TOLERATED: usize = 1;

fn folder(slug: &str) -> PathBuf {
    let base = std::env::var_os("ROUTECAUSE_ORACLES").map(PathBuf::from);
    let cache = || {
        let own = std::env::var_os("ROUTECAUSE_CACHE").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/routecause"));
        own.or_else(home).map(|cache| cache.join("oracles"))
    };
    base.or_else(cache).unwrap_or_default().join(slug)
}

fn sets(slug: &str) -> Vec<Set> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder(slug))
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("vectors.jsonl").is_file())
        .collect();
    folders.sort();
    folders
        .into_iter()
        .map(|path| {
            let mut files = Files::new();
            for name in ["objects.json", "vectors.jsonl"] {
                files.insert(name.to_owned(), std::fs::read(path.join(name)).expect(name).into());
            }
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            runtime.block_on(set(name, files))
        })
        .collect()
}

/// What differs; a choice that is not determined must leave room for the answer.
fn differs(expect: &Value, vector: &Value, decision: &Decision) -> String {
    if decision.outcome != Outcome::Undefined {
        return compare(expect, &request_of(vector), decision);
    }
    let backend = expect.get("backend").and_then(Value::as_str);
    let fits =
        backend.is_none_or(|backend| decision.one_of.iter().any(|target| target_name(target) == backend));
    if fits { String::new() } else { format!("    backend: {backend:?} is none of {:?}\n", decision.one_of) }
}

#[expect(clippy::print_stderr, reason = "says what was skipped, and how far models and answers agree")]
fn check(kind: ControllerKind) {
    let sets = sets(kind.slug());
    if sets.is_empty() {
        eprintln!("skipped: no answers of a real {kind} in {}", folder(kind.slug()).display());
        return;
    }
    let (mut total, mut wrong) = (0, 0);
    let mut report = String::new();
    for set in sets {
        let controller = controller_of(&set, kind);
        let settings = controller.settings();
        let ingresses = adoption::adopted(controller, &set.snapshot);
        let input = Input { ingresses: &ingresses, snapshot: &set.snapshot, settings: &settings };
        let table = model_for(kind).expect("a model").compile(&input);
        for vector in &set.vectors {
            total += 1;
            let decision = table.decide(&request_of(vector));
            let found = differs(&vector["expect"], vector, &decision);
            if !found.is_empty() {
                wrong += 1;
                let _ = writeln!(report, "{} {vector}\n{found}    {decision:?}", set.name);
            }
        }
    }
    eprintln!("{kind}: {wrong} of {total} answers differ");
    assert!(wrong * 1000 <= total * TOLERATED, "{wrong} of {total} differ\n{report}");
}

#[test]
fn a_real_traefik_answers_as_predicted() {
    check(ControllerKind::Traefik);
}

#[test]
fn a_real_traefik_in_the_place_of_ingress_nginx_answers_as_predicted() {
    check(ControllerKind::TraefikIngressNginx);
}

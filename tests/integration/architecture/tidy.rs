//! What may stand in a tracked file, and what a file may be called.

use super::source::all;
use super::{files, none, root};

/// Files that machines write, and recorded evidence: its bytes are not ours to choose.
const NOT_WRITTEN_BY_US: &[&str] =
    &["Cargo.lock", ".sum", ".log", ".jsonl", ".tgz", ".gz", ".zip", ".png", ".db"];

/// Text that may stand nowhere, in two halves so that this file may stand.
const NOWHERE: &[(&str, &str)] = &[
    // Paths that exist on one machine.
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    // Hosts of package registries: their clients know them.
    ("crates", ".io"),
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("npmjs", ".org"),
    ("npmjs", ".com"),
    ("proxy.golang", ".org"),
    ("deb.debian", ".org"),
    // Work that was put off.
    ("FIX", "ME"),
    ("XX", "X:"),
    ("HA", "CK:"),
];

#[test]
fn no_file_names_a_machine_a_registry_or_unfinished_work() {
    let mut complaints = Vec::new();
    for path in files("") {
        if NOT_WRITTEN_BY_US.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for (number, line) in text.lines().enumerate() {
            let found = NOWHERE.iter().map(|(a, b)| format!("{a}{b}")).find(|words| line.contains(words));
            complaints.extend(found.map(|words| format!("{path}:{}: says {words}", number + 1)));
        }
    }
    none(&complaints);
}

#[test]
fn a_module_is_a_file_of_its_name_never_mod_rs() {
    let wrong: Vec<String> =
        files("src").into_iter().chain(files("tests")).filter(|path| path.ends_with("/mod.rs")).collect();
    none(&wrong);
    let vague = ["utils", "util", "helpers", "helper", "common", "misc", "types"];
    let wrong: Vec<String> = all()
        .iter()
        .filter(|source| vague.contains(&source.stem()))
        .map(|source| format!("{}: a file is called after what it holds", source.path))
        .collect();
    none(&wrong);
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = all()
        .iter()
        .filter(|source| source.path != "src/main.rs")
        .filter(|source| {
            let text = std::fs::read_to_string(root().join(&source.path)).expect(&source.path);
            !text.starts_with("//! ")
        })
        .map(|source| format!("{}: begins without `//!`", source.path))
        .collect();
    none(&silent);
}

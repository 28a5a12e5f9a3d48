//! The shape of the program, held by machine: who may import whom, what a file is called, how long it
//! may be, and what may stand in a tracked file.
//!
//! Assumption: the sources are read as tokens, not compiled. A path written anywhere outside comments,
//! strings and test code is seen; a type that arrives by inference is not.

mod layers;
mod size;
mod source;
mod tidy;
mod units;

use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the repository, relative to its root with `/`, sorted; what `.gitignore`
/// leaves out is left out.
fn files(below: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root().join(below), &mut found);
    let mut names: Vec<String> = found
        .iter()
        .map(|path| path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/"))
        .collect();
    names.sort();
    names
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name == ".git" {
            continue; // a folder, or a file in a linked worktree
        }
        if path.is_dir() && !path.is_symlink() {
            // What builds, property tests and fuzzing leave.
            if !matches!(&*name, "target" | "proptest-regressions" | "corpus" | "artifacts") {
                walk(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

/// All complaints in one message, so that one run shows everything.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

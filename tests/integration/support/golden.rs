//! Files that are generated and checked in. `UPDATE_GOLDEN=1` rewrites them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Whether files are to be rewritten instead of compared.
fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1")
}

/// The folder holds exactly these files of this extension, with exactly this text.
pub(crate) fn folder(folder: &Path, extension: &str, expected: &BTreeMap<String, String>) {
    fs::create_dir_all(folder).expect("the folder of golden files");
    let present: Vec<String> = fs::read_dir(folder)
        .expect("the folder of golden files")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(extension))
        .collect();
    let mut wrong = Vec::new();
    for name in present.iter().filter(|name| !expected.contains_key(*name)) {
        if updating() {
            fs::remove_file(folder.join(name)).expect("an orphan goes");
        } else {
            wrong.push(format!("{name}: nothing generates it any more"));
        }
    }
    for (name, text) in expected {
        let path = folder.join(name);
        let found = fs::read_to_string(&path).unwrap_or_default();
        if found == *text {
            continue;
        }
        if updating() {
            fs::write(&path, text).expect("a golden file");
        } else {
            wrong.push(format!("{name}: {}", difference(&found, text)));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nrewrite them with UPDATE_GOLDEN=1 cargo test and read the difference",
        wrong.join("\n")
    );
}

/// The part of a page between `<!-- NAME -->` and `<!-- /NAME -->` is exactly this text.
pub(crate) fn section(path: &Path, name: &str, expected: &str) {
    let page = fs::read_to_string(path).expect("the page");
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = page.split_once(&start).expect("the section's start");
    let (found, after) = rest.split_once(&end).expect("the section's end");
    if found == expected {
        return;
    }
    assert!(
        updating(),
        "{}: {}\nrewrite it with UPDATE_GOLDEN=1 cargo test and read the difference",
        path.display(),
        difference(found, expected)
    );
    fs::write(path, format!("{before}{start}{expected}{end}{after}")).expect("the page is written");
}

/// The first line that differs.
fn difference(found: &str, expected: &str) -> String {
    let (mut old, mut new) = (found.lines(), expected.lines());
    let mut line = 1;
    loop {
        match (old.next(), new.next()) {
            (Some(a), Some(b)) if a == b => line += 1,
            (None, None) => return "line ends differ".to_owned(),
            (a, b) => {
                let show = |side: Option<&str>| side.unwrap_or("(end)").trim().to_owned();
                return format!("line {line} is `{}`, generated is `{}`", show(a), show(b));
            }
        }
    }
}

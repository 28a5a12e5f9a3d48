//! The embedded demo: an incident as a capture inside the binary, for `routecause demo`.

use std::collections::BTreeMap;

use include_dir::{Dir, DirEntry, include_dir};

use super::capture::{Capture, CaptureError, Files};

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/evidence/capture/demo");

/// What the demo is asked: the URL of the complaint.
#[must_use]
pub fn url() -> Option<String> {
    let ask: serde_json::Value = serde_json::from_slice(FILES.get_file("ask.json")?.contents()).ok()?;
    Some(ask.get("url")?.as_str()?.to_owned())
}

/// Opens the embedded capture.
///
/// # Errors
/// Never in a built program; the type is that of any capture.
pub fn open() -> Result<Capture, CaptureError> {
    let mut files: Files = BTreeMap::new();
    collect(&FILES, &mut files);
    Capture::from_files(files, Vec::new(), "the embedded demo")
}

fn collect(dir: &'static Dir<'static>, into: &mut Files) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, into),
            DirEntry::File(file) => {
                into.insert(file.path().to_string_lossy().into_owned(), file.contents().into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::Kind;

    #[test]
    fn the_demo_is_read_without_a_gap() {
        let capture = open().expect("demo");
        assert_eq!(capture.gaps, Vec::new());
        assert!(capture.raw(Kind::Ingress).len() > 10);
        assert!(!capture.probes.is_empty());
        assert!(url().is_some());
    }
}

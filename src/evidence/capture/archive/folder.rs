//! A capture in a folder.

use std::path::Path;

use super::{Sink, malformed};
use crate::model::gap::Why;

/// How deep folders may nest.
const MAX_DEPTH: usize = 32;

pub(super) fn read(root: &Path, sink: &mut Sink) {
    walk(root, root, 0, sink);
}

/// Reads what lies in one folder; false once no more may be read at all.
fn walk(root: &Path, at: &Path, depth: usize, sink: &mut Sink) -> bool {
    let relative = |path: &Path| {
        let inner = path.strip_prefix(root).unwrap_or(path);
        let parts: Vec<_> = inner.components().map(|c| c.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    };
    if depth > MAX_DEPTH {
        sink.gap(&relative(at), Why::TooMuch { limit: format!("{MAX_DEPTH} nested folders") });
        return true;
    }
    let entries = match std::fs::read_dir(at) {
        Ok(entries) => entries,
        Err(error) => {
            sink.gap(&relative(at), malformed(error.to_string()));
            return true;
        }
    };
    let mut entries: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = relative(&path);
        if path.is_symlink() {
            // A link is followed only while it stays below the root, and never to a folder: what lies in
            // it is read under its own name.
            let target = path.canonicalize().ok().zip(root.canonicalize().ok());
            match target.filter(|(target, root)| target.starts_with(root)) {
                None => {
                    sink.gap(&name, malformed("a link that leads out of the capture"));
                    continue;
                }
                Some((target, _)) if target.is_dir() => continue,
                Some(_) => {}
            }
        }
        if path.is_dir() {
            if !walk(root, &path, depth + 1, sink) {
                return false;
            }
            continue;
        }
        // Opening a pipe or a device may wait for ever.
        if !path.is_file() {
            sink.gap(&name, malformed("neither a file nor a folder"));
            continue;
        }
        match std::fs::File::open(&path) {
            Ok(file) => {
                if !sink.take(&name, file, None) {
                    return false;
                }
            }
            Err(error) => sink.gap(&name, malformed(error.to_string())),
        }
    }
    true
}

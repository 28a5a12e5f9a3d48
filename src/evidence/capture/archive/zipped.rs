//! A capture in a zip archive.

use std::io::Read;

use super::{Sink, malformed, safe_path};

/// The longest target of a link that is read.
const LONGEST_TARGET: u64 = 4096;

pub(super) fn read(file: std::fs::File, name: &str, sink: &mut Sink) {
    let mut archive = match zip::ZipArchive::new(std::io::BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => return sink.gap(name, malformed(error.to_string())),
    };
    for index in 0..archive.len() {
        let entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                sink.gap(name, malformed(error.to_string()));
                continue;
            }
        };
        if entry.is_dir() {
            continue;
        }
        let path = entry.name().to_owned();
        let Some(safe) = safe_path(&path) else {
            sink.gap(&path, malformed("its path leads out of the archive"));
            continue;
        };
        if entry.is_symlink() {
            let mut target = Vec::new();
            match entry.take(LONGEST_TARGET).read_to_end(&mut target) {
                Ok(_) => sink.link(&safe, &String::from_utf8_lossy(&target), false),
                Err(error) => sink.gap(&path, malformed(error.to_string())),
            }
            continue;
        }
        let size = entry.size();
        if !sink.take(&safe, entry, Some(size)) {
            break;
        }
    }
    sink.follow();
}

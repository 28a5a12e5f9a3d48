//! Reads a folder, a file or an archive into memory, bounded and never outside its root.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use flate2::read::MultiGzDecoder;

use super::{CaptureError, Files};
use crate::model::gap::{Gap, Unseen, Why};

/// The most that is read of one capture, unpacked, in bytes.
pub const MAX_TOTAL: u64 = 1 << 30;
/// The most that is read of one file, unpacked, in bytes; what is longer is left out with a gap.
pub const MAX_FILE: u64 = 256 << 20;
/// The most files that are read.
pub const MAX_FILES: usize = 100_000;
/// How deep folders may nest.
const MAX_DEPTH: usize = 32;

/// Reads everything below `path`.
///
/// # Errors
/// When nothing is there or nothing of it can be read.
pub fn read(path: &Path) -> Result<(Files, Vec<Gap>), CaptureError> {
    let name = path.display().to_string();
    let unreadable =
        |error: std::io::Error| CaptureError::Unreadable { path: name.clone(), detail: error.to_string() };
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(CaptureError::NotFound { path: name });
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut sink = Sink::default();
    if meta.is_dir() {
        folder(path, path, 0, &mut sink);
        return Ok((sink.files, sink.gaps));
    }
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut head = [0_u8; 512];
    let read = fill(&mut file, &mut head).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let head = head.get(..read).unwrap_or_default();
    if head.starts_with(&[0x1f, 0x8b]) {
        gzip(file, &name, &mut sink);
    } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        zip(file, &name, &mut sink);
    } else if head.get(257..262) == Some(b"ustar") {
        tar(file, &name, &mut sink);
    } else if is_text(path) {
        let leaf =
            path.file_name().map_or_else(|| "objects.yaml".into(), |n| n.to_string_lossy().into_owned());
        sink.take(&leaf, file);
    } else {
        return Err(CaptureError::NotACapture { path: name });
    }
    Ok((sink.files, sink.gaps))
}

fn is_text(path: &Path) -> bool {
    path.extension()
        .and_then(|e| e.to_str())
        .is_some_and(|e| matches!(e.to_ascii_lowercase().as_str(), "yaml" | "yml" | "json"))
}

fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest)? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

#[derive(Default)]
struct Sink {
    files: Files,
    gaps: Vec<Gap>,
    total: u64,
}

impl Sink {
    fn gap(&mut self, path: &str, why: Why) {
        self.gaps.push(Gap { what: Unseen::File { path: path.to_owned() }, why });
    }

    /// Reads one file; false once no more may be read at all.
    fn take(&mut self, path: &str, reader: impl Read) -> bool {
        if self.files.len() >= MAX_FILES {
            self.gap(path, Why::TooMuch { limit: format!("{MAX_FILES} files") });
            return false;
        }
        let allowed = MAX_FILE.min(MAX_TOTAL.saturating_sub(self.total));
        let mut bytes = Vec::new();
        let result = reader.take(allowed + 1).read_to_end(&mut bytes);
        let length = bytes.len() as u64;
        if length > allowed {
            let limit = if allowed < MAX_FILE { MAX_TOTAL } else { MAX_FILE };
            self.gap(path, Why::TooMuch { limit: format!("{} MiB unpacked", limit >> 20) });
            return allowed >= MAX_FILE;
        }
        self.total += length;
        if let Err(error) = result {
            self.gap(path, Why::Malformed { detail: error.to_string() });
            if bytes.is_empty() {
                return true;
            }
        }
        self.files.insert(path.to_owned(), bytes.into());
        true
    }
}

fn folder(root: &Path, at: &Path, depth: usize, sink: &mut Sink) {
    let relative = |path: &Path| {
        path.strip_prefix(root)
            .unwrap_or(path)
            .components()
            .map(|c| c.as_os_str().to_string_lossy())
            .collect::<Vec<_>>()
            .join("/")
    };
    if depth > MAX_DEPTH {
        sink.gap(&relative(at), Why::TooMuch { limit: format!("{MAX_DEPTH} nested folders") });
        return;
    }
    let entries = match std::fs::read_dir(at) {
        Ok(entries) => entries,
        Err(error) => return sink.gap(&relative(at), Why::Malformed { detail: error.to_string() }),
    };
    let mut entries: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = relative(&path);
        // A link is followed only while it stays below the root.
        let inside = path.is_symlink().then(|| {
            let target = path.canonicalize().ok();
            let root = root.canonicalize().ok();
            target.zip(root).is_some_and(|(target, root)| target.starts_with(root) && target.is_file())
        });
        if inside == Some(false) {
            sink.gap(
                &name,
                Why::Malformed { detail: "a link that leads out of the capture or to a folder".to_owned() },
            );
            continue;
        }
        if path.is_dir() {
            folder(root, &path, depth + 1, sink);
            continue;
        }
        match std::fs::File::open(&path) {
            Ok(file) => {
                if !sink.take(&name, file) {
                    return;
                }
            }
            Err(error) => sink.gap(&name, Why::Malformed { detail: error.to_string() }),
        }
    }
}

fn gzip(file: std::fs::File, name: &str, sink: &mut Sink) {
    let mut unpacked = MultiGzDecoder::new(std::io::BufReader::new(file));
    let mut head = [0_u8; 512];
    let read = match fill(&mut unpacked, &mut head) {
        Ok(read) => read,
        Err(error) => return sink.gap(name, Why::Malformed { detail: error.to_string() }),
    };
    let start = head.get(..read).unwrap_or_default().to_vec();
    let is_tar = start.get(257..262) == Some(b"ustar");
    let whole = std::io::Cursor::new(start).chain(unpacked);
    if is_tar {
        tar(whole, name, sink);
    } else {
        let leaf = name.rsplit('/').next().unwrap_or(name);
        let leaf = leaf.strip_suffix(".gz").unwrap_or(leaf).to_owned();
        sink.take(&leaf, whole);
    }
}

fn tar(reader: impl Read, name: &str, sink: &mut Sink) {
    let mut archive = tar::Archive::new(reader);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return sink.gap(name, Why::Malformed { detail: error.to_string() }),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return sink.gap(name, Why::Malformed { detail: error.to_string() }),
        };
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        let Some(safe) = safe_path(&path) else {
            sink.gap(&path, Why::Malformed { detail: "its path leads out of the archive".to_owned() });
            continue;
        };
        if !kind.is_file() {
            sink.gap(
                &path,
                Why::Malformed { detail: "neither a file nor a folder (links are not followed)".to_owned() },
            );
            continue;
        }
        if !sink.take(&safe, entry) {
            return;
        }
    }
}

fn zip(file: std::fs::File, name: &str, sink: &mut Sink) {
    let mut archive = match zip::ZipArchive::new(std::io::BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => return sink.gap(name, Why::Malformed { detail: error.to_string() }),
    };
    for index in 0..archive.len() {
        let entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                sink.gap(name, Why::Malformed { detail: error.to_string() });
                continue;
            }
        };
        if entry.is_dir() {
            continue;
        }
        let path = entry.name().to_owned();
        match safe_path(&path) {
            Some(safe) if !entry.is_symlink() => {
                if !sink.take(&safe, entry) {
                    return;
                }
            }
            Some(_) => {
                sink.gap(&path, Why::Malformed { detail: "a link (links are not followed)".to_owned() });
            }
            None => {
                sink.gap(&path, Why::Malformed { detail: "its path leads out of the archive".to_owned() });
            }
        }
    }
}

/// The path with `/` separators, or `None` when it is absolute or climbs.
fn safe_path(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_climb_are_refused() {
        assert_eq!(safe_path("./a/b.yaml").as_deref(), Some("a/b.yaml"));
        assert_eq!(safe_path("../a"), None);
        assert_eq!(safe_path("a/../../b"), None);
        assert_eq!(safe_path("/etc/passwd"), None);
    }
}

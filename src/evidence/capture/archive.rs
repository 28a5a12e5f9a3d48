//! Reads a folder, a file or an archive into memory, bounded and never outside its root.
//!
//! What is hostile or broken costs itself: it becomes a gap that names it, and the rest is read. Of a
//! file that breaks off only what is certainly whole is kept: the lines of a log, the documents before
//! the last separator; half an Ingress would be a false witness.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use super::{CaptureError, Files};
use crate::model::gap::{Gap, Unseen, Why};

mod folder;
mod tarball;
mod zipped;

/// How much is read of one capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together, unpacked; those that are left out count as far as they were read.
    pub total: u64,
    /// Bytes of one file, unpacked; a longer one is left out.
    pub file: u64,
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { total: 1 << 30, file: 256 << 20, files: 100_000 }
    }
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    pub files: Files,
    pub gaps: Vec<Gap>,
    /// Bytes that were unpacked, also of what was left out.
    pub unpacked: u64,
}

/// Reads everything below `path`.
///
/// # Errors
/// When nothing is there or nothing of it can be read.
pub fn read(path: &Path, limits: Limits) -> Result<Contents, CaptureError> {
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
    let mut sink = Sink::new(limits);
    if meta.is_dir() {
        folder::read(path, &mut sink);
        return Ok(sink.contents);
    }
    // Opening a pipe or a device may wait for ever.
    if !meta.is_file() {
        return Err(CaptureError::NotACapture { path: name });
    }
    if meta.len() == 0 {
        return Err(CaptureError::Empty { path: name });
    }
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut head = [0_u8; 512];
    let read = fill(&mut file, &mut head).map_err(unreadable)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let head = head.get(..read).unwrap_or_default();
    let leaf = path.file_name().map_or_else(|| "objects".into(), |leaf| leaf.to_string_lossy().into_owned());
    if head.starts_with(&[0x1f, 0x8b]) {
        tarball::gzip(file, &leaf, &mut sink);
    } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        zipped::read(file, &leaf, &mut sink);
    } else if is_tar(head) {
        tarball::tar(file, &leaf, &mut sink);
    } else if has_extension(&leaf, &["yaml", "yml", "json"]) {
        sink.take(&leaf, file, None);
    } else if let Some(extension) = looks_like_objects(head) {
        sink.take(&format!("{leaf}.{extension}"), file, None);
    } else {
        return Err(CaptureError::NotACapture { path: name });
    }
    Ok(sink.contents)
}

fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

pub(super) fn has_extension(path: &str, extensions: &[&str]) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| extensions.iter().any(|one| end.eq_ignore_ascii_case(one)))
}

/// The extension that a text without one should have: `kubectl get … > FILE` gives any name.
fn looks_like_objects(head: &[u8]) -> Option<&'static str> {
    let text = super::encoding::utf8(head);
    let text = String::from_utf8_lossy(&text);
    let text = text.trim_start();
    let is_yaml =
        ["apiVersion:", "kind:", "items:", "---\n", "---\r\n"].iter().any(|it| text.starts_with(it));
    match text.starts_with('{') {
        true => Some("json"),
        false => is_yaml.then_some("yaml"),
    }
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

fn malformed(detail: impl Into<String>) -> Why {
    Why::Malformed { detail: detail.into() }
}

struct Sink {
    contents: Contents,
    limits: Limits,
    /// Links by path, with the path they lead to.
    links: BTreeMap<String, String>,
}

impl Sink {
    fn new(limits: Limits) -> Self {
        Self { contents: Contents::default(), limits, links: BTreeMap::new() }
    }

    fn gap(&mut self, path: &str, why: Why) {
        self.contents.gaps.push(Gap { what: Unseen::File { path: path.to_owned() }, why });
    }

    /// Reads one file, of which `size` bytes are announced; false once no more may be read at all.
    fn take(&mut self, path: &str, reader: impl Read, size: Option<u64>) -> bool {
        if self.contents.files.len() >= self.limits.files {
            self.gap(path, Why::TooMuch { limit: format!("{} files", self.limits.files) });
            return false;
        }
        let left = self.limits.total.saturating_sub(self.contents.unpacked);
        let allowed = self.limits.file.min(left);
        let too_much = |limit: u64| Why::TooMuch { limit: format!("{} unpacked", mebibytes(limit)) };
        let limit = if left < self.limits.file { self.limits.total } else { self.limits.file };
        if size.is_some_and(|size| allowed < size) {
            self.gap(path, too_much(limit));
            return true;
        }
        let mut bytes = Vec::new();
        let result = reader.take(allowed.saturating_add(1)).read_to_end(&mut bytes);
        let length = bytes.len() as u64;
        self.contents.unpacked += length;
        if allowed < length {
            self.gap(path, too_much(limit));
            return length <= left;
        }
        let cut = match (result, size) {
            (Err(error), _) => Some(error.to_string()),
            (Ok(_), Some(size)) if length < size => Some(format!("it ends after {length} of {size} bytes")),
            (Ok(_), _) => None,
        };
        match cut {
            None => {
                self.contents.files.insert(path.to_owned(), bytes.into());
            }
            Some(detail) => self.keep_whole(path, bytes, detail),
        }
        true
    }

    /// Of a file that breaks off, what is certainly whole.
    fn keep_whole(&mut self, path: &str, mut bytes: Vec<u8>, detail: String) {
        let is_lines = has_extension(path, &["log", "jsonl"]);
        let end = if is_lines {
            memchr::memrchr(b'\n', &bytes).map(|at| at + 1)
        } else if has_extension(path, &["yaml", "yml"]) {
            memchr::memmem::rfind(&bytes, b"\n---").map(|at| at + 1)
        } else {
            None
        };
        self.gap(path, if is_lines { Why::Partial { detail } } else { malformed(detail) });
        if let Some(end) = end {
            bytes.truncate(end);
            self.contents.files.insert(path.to_owned(), bytes.into());
        }
    }

    /// Notes a link that an archive holds; it counts once all files are known.
    fn link(&mut self, path: &str, target: &str, from_root: bool) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let whole =
            if from_root || folder.is_empty() { target.to_owned() } else { format!("{folder}/{target}") };
        match resolved(&whole).filter(|_| !target.starts_with('/')) {
            Some(inside) => {
                self.links.insert(path.to_owned(), inside);
            }
            None => self.gap(path, malformed("a link that leads out of the archive")),
        }
    }

    /// Follows the links, each at most once. Objects need no second reading under another name.
    fn follow(&mut self) {
        for (path, target) in std::mem::take(&mut self.links) {
            let Some(bytes) = self.contents.files.get(&target) else {
                self.gap(&path, malformed("a link to what the archive does not hold"));
                continue;
            };
            let length = bytes.len() as u64;
            let room = self.limits.total.saturating_sub(self.contents.unpacked);
            if has_extension(&path, &["log"])
                && self.contents.files.len() < self.limits.files
                && length <= room
            {
                let bytes = bytes.clone();
                self.contents.unpacked += length;
                self.contents.files.insert(path, bytes);
            }
        }
    }
}

fn mebibytes(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        mebibytes => format!("{mebibytes} MiB"),
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

/// The path with its `..` taken away, or `None` when it is absolute or ends outside the root.
fn resolved(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
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

    #[test]
    fn links_may_climb_inside_their_root() {
        assert_eq!(resolved("a/b/../c.log").as_deref(), Some("a/c.log"));
        assert_eq!(resolved("a/../../c.log"), None);
        assert_eq!(resolved("/etc/passwd"), None);
        assert_eq!(resolved("a/.."), None);
    }
}

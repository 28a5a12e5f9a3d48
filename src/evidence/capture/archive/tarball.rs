//! A capture in a tar archive, packed or not, or one packed file.

use std::io::{Error, ErrorKind, Read};

use flate2::read::MultiGzDecoder;

use super::{Limits, Sink, fill, is_tar, malformed, mebibytes, safe_path};
use crate::model::gap::Why;

/// Bytes of an archive around each of its files: a header and what fills the last block.
const AROUND_A_FILE: u64 = 1024;

pub(super) fn gzip(file: std::fs::File, name: &str, sink: &mut Sink) {
    let mut unpacked = MultiGzDecoder::new(std::io::BufReader::new(file));
    let mut head = [0_u8; 512];
    let read = match fill(&mut unpacked, &mut head) {
        Ok(read) => read,
        Err(error) => return sink.gap(name, malformed(error.to_string())),
    };
    let start = head.get(..read).unwrap_or_default().to_vec();
    let is_archive = is_tar(&start);
    let whole = std::io::Cursor::new(start).chain(unpacked);
    if is_archive {
        return tar(whole, name, sink);
    }
    let leaf = name.strip_suffix(".gz").unwrap_or(name);
    sink.take(leaf, whole, None);
}

pub(super) fn tar(reader: impl Read, name: &str, sink: &mut Sink) {
    let mut archive = tar::Archive::new(Metered::new(reader, sink.limits));
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return sink.gap(name, malformed(error.to_string())),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.kind() == ErrorKind::FileTooLarge => {
                let limit = format!("{} unpacked", mebibytes(sink.limits.total));
                sink.gap(name, Why::TooMuch { limit });
                break;
            }
            Err(error) => {
                sink.gap(name, malformed(error.to_string()));
                break;
            }
        };
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        let Some(safe) = safe_path(&path) else {
            sink.gap(&path, malformed("its path leads out of the archive"));
            continue;
        };
        if kind.is_symlink() || kind.is_hard_link() {
            let target = entry.link_name_bytes().unwrap_or_default();
            // A hard link names its target from the root of the archive.
            sink.link(&safe, &String::from_utf8_lossy(&target), kind.is_hard_link());
            continue;
        }
        if !kind.is_file() && !kind.is_gnu_sparse() {
            sink.gap(&path, malformed("neither a file nor a folder"));
            continue;
        }
        let size = entry.size();
        if !sink.take(&safe, entry, Some(size)) {
            break;
        }
    }
    sink.follow();
}

/// Ends in an error once more was read than a capture may hold: what an archive passes over must be
/// unpacked all the same.
struct Metered<R> {
    inner: R,
    left: u64,
}

impl<R> Metered<R> {
    fn new(inner: R, limits: Limits) -> Self {
        let around = u64::try_from(limits.files).unwrap_or(u64::MAX).saturating_mul(AROUND_A_FILE);
        Self { inner, left: limits.total.saturating_add(around) }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(Error::from(ErrorKind::FileTooLarge)),
        }
        Ok(read)
    }
}

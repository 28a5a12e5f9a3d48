//! Where a capture is written to: a new folder, or a `.tgz`.
//!
//! Invariants: nothing is written outside the target; what was there is not overwritten; a capture that
//! was not finished leaves nothing behind. The same files give the same archive, byte for byte: entries
//! carry no times, no owners, and come in the order in which they were put.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::archive::Limits;

/// The folder inside an archive.
const ROOT: &str = "routecause-capture";
/// What is kept free of what readers take, for the files that are written last.
const RESERVE: u64 = 64 << 20;

/// Why nothing can be written there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("{path} is there already and not empty; nothing is overwritten")]
    Exists { path: String },
    #[error("{path} is a link, and a capture is written to no other place than it is told")]
    Link { path: String },
    #[error("{path} is a {what}, and a capture is a folder or a .tgz")]
    NotATarget { path: String, what: &'static str },
    #[error("{path} cannot be written: {detail}")]
    Io { path: String, detail: String },
    #[error("{name:?} is no name for a file of a capture")]
    Name { name: String },
    #[error("the capture is as large as one may be")]
    Full,
}

impl WriteError {
    fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |error| Self::Io { path: path.display().to_string(), detail: error.to_string() }
    }
}

/// A capture being written. Dropped before it is finished, it takes everything back.
pub struct Writer {
    path: PathBuf,
    /// Whether the target itself was made here.
    made: bool,
    place: Option<Place>,
    total: u64,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).field("total", &self.total).finish_non_exhaustive()
    }
}

enum Place {
    Folder { files: Vec<PathBuf>, folders: Vec<PathBuf> },
    Archive(Box<tar::Builder<GzEncoder<BufWriter<File>>>>),
}

impl Writer {
    /// Makes the target: an archive where its name says so, else a folder.
    ///
    /// # Errors
    /// When something is there already, or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let name =
            path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let shown = || path.display().to_string();
        let there = match fs::symlink_metadata(path) {
            Ok(there) if there.is_symlink() => return Err(WriteError::Link { path: shown() }),
            Ok(there) => Some(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(WriteError::io(path)(error)),
        };
        let made = there.is_none();
        if name.ends_with(".tgz") || name.ends_with(".tar.gz") {
            match &there {
                Some(there) if !there.is_file() => {
                    return Err(WriteError::NotATarget { path: shown(), what: "folder" });
                }
                Some(there) if there.len() > 0 => return Err(WriteError::Exists { path: shown() }),
                Some(_) | None => {}
            }
            let file = private_file(made).open(path).map_err(WriteError::io(path))?;
            // No name and no time in the head: flate2's default.
            let tar = tar::Builder::new(GzEncoder::new(BufWriter::new(file), Compression::default()));
            return Ok(Self {
                path: path.to_owned(),
                made,
                place: Some(Place::Archive(Box::new(tar))),
                total: 0,
            });
        }
        if name.ends_with(".zip") || name.ends_with(".tar") {
            return Err(WriteError::NotATarget { path: shown(), what: "name of another archive" });
        }
        match &there {
            Some(there) if !there.is_dir() => {
                return Err(WriteError::NotATarget { path: shown(), what: "file" });
            }
            Some(_) => {
                if fs::read_dir(path).map_err(WriteError::io(path))?.next().is_some() {
                    return Err(WriteError::Exists { path: shown() });
                }
            }
            None => make_folder(path)?,
        }
        let place = Place::Folder { files: Vec::new(), folders: Vec::new() };
        Ok(Self { path: path.to_owned(), made, place: Some(place), total: 0 })
    }

    /// Whether a file of this size still fits what readers of captures take.
    #[must_use]
    pub fn fits(&self, size: usize) -> bool {
        let (size, limits) = (size as u64, Limits::default());
        size <= limits.file && self.total.saturating_add(size) <= limits.total.saturating_sub(RESERVE)
    }

    /// Writes a file; `name` is its path inside the capture, with `/`.
    ///
    /// # Errors
    /// When the name leads anywhere else, the capture is full, or writing fails.
    pub fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        if !name.split('/').all(is_plain) {
            return Err(WriteError::Name { name: name.chars().take(120).collect() });
        }
        let total = self.total.saturating_add(bytes.len() as u64);
        if Limits::default().total < total {
            return Err(WriteError::Full);
        }
        match &mut self.place {
            Some(Place::Archive(tar)) => {
                let mut header = tar::Header::new_ustar();
                header.set_size(bytes.len() as u64);
                header.set_mode(0o644);
                header.set_mtime(0);
                tar.append_data(&mut header, format!("{ROOT}/{name}"), bytes)
                    .map_err(WriteError::io(&self.path))?;
            }
            Some(Place::Folder { files, folders }) => {
                let mut at = self.path.clone();
                let (inner, leaf) = name.rsplit_once('/').unwrap_or(("", name));
                for part in inner.split('/').filter(|part| !part.is_empty()) {
                    at.push(part);
                    if !folders.contains(&at) {
                        make_folder(&at)?;
                        folders.push(at.clone());
                    }
                }
                at.push(leaf);
                let mut file = private_file(true).open(&at).map_err(WriteError::io(&at))?;
                files.push(at.clone());
                file.write_all(bytes).map_err(WriteError::io(&at))?;
            }
            None => {}
        }
        self.total = total;
        Ok(())
    }

    /// Ends the capture; it stays.
    ///
    /// # Errors
    /// When the last of it cannot be written; then nothing stays.
    pub fn finish(mut self) -> Result<(), WriteError> {
        let path = self.path.clone();
        let io = WriteError::io(&path);
        if let Some(Place::Archive(tar)) = self.place.take() {
            let finished = tar
                .into_inner()
                .and_then(GzEncoder::finish)
                .and_then(|buffer| buffer.into_inner().map_err(io::IntoInnerError::into_error))
                .and_then(|file| file.sync_all());
            if let Err(error) = finished {
                self.discard_file();
                return Err(io(error));
            }
        }
        Ok(())
    }

    fn discard_file(&self) {
        // Nobody is left to tell when taking back fails, too.
        let _ = if self.made { fs::remove_file(&self.path) } else { File::create(&self.path).map(drop) };
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        match self.place.take() {
            None => {}
            Some(Place::Archive(tar)) => {
                // Closing the archive writes its end; then the file goes.
                drop(tar);
                self.discard_file();
            }
            Some(Place::Folder { files, folders }) => {
                for file in files {
                    let _ = fs::remove_file(file);
                }
                // Only what is empty goes: whatever others put there stays.
                for folder in folders.into_iter().rev() {
                    let _ = fs::remove_dir(folder);
                }
                if self.made {
                    let _ = fs::remove_dir(&self.path);
                }
            }
        }
    }
}

/// Names that Kubernetes gives, and ours: never `..`, a separator or a device.
fn is_plain(part: &str) -> bool {
    !part.is_empty()
        && part.len() <= 253
        && !part.starts_with('.')
        && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':'))
}

/// Logs and objects are nobody else's business.
fn private_file(new: bool) -> fs::OpenOptions {
    let mut options = File::options();
    options.write(true);
    if new {
        options.create_new(true);
    } else {
        options.truncate(true);
    }
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_folder(path: &Path) -> Result<(), WriteError> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(WriteError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("folder")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn fill(path: &Path) -> Writer {
        let mut writer = Writer::create(path).expect("a target");
        writer.put("objects/pods.json", b"{}").expect("put");
        writer.put("logs/shop/web-1/app.log", b"a\n").expect("put");
        writer
    }

    #[test]
    fn a_finished_folder_holds_what_was_put() {
        let root = tempfile::tempdir().expect("folder");
        let target = root.path().join("c");
        fill(&target).finish().expect("finished");
        assert_eq!(names(&target), ["logs", "objects"]);
        assert_eq!(fs::read(target.join("logs/shop/web-1/app.log")).expect("log"), b"a\n");
    }

    #[test]
    fn the_same_files_give_the_same_archive() {
        let root = tempfile::tempdir().expect("folder");
        let archive = |name: &str| {
            let path = root.path().join(name);
            fill(&path).finish().expect("finished");
            fs::read(path).expect("archive")
        };
        let (one, two) = (archive("a.tgz"), archive("b.tar.gz"));
        assert_eq!(one, two);
        let read = super::super::archive::read(&root.path().join("a.tgz"), Limits::default()).expect("read");
        let super::super::archive::Contents { files, gaps, unpacked: _ } = read;
        assert_eq!(
            files.keys().collect::<Vec<_>>(),
            ["routecause-capture/logs/shop/web-1/app.log", "routecause-capture/objects/pods.json"]
        );
        assert!(gaps.is_empty(), "{gaps:?}");
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let root = tempfile::tempdir().expect("folder");
        for name in ["c", "c.tgz"] {
            drop(fill(&root.path().join(name)));
        }
        assert_eq!(names(root.path()), Vec::<String>::new());
        // An empty target was there before and stays, empty.
        fs::create_dir(root.path().join("c")).expect("folder");
        fs::write(root.path().join("c.tgz"), b"").expect("file");
        for name in ["c", "c.tgz"] {
            drop(fill(&root.path().join(name)));
        }
        assert_eq!(names(root.path()), ["c", "c.tgz"]);
        assert_eq!(names(&root.path().join("c")), Vec::<String>::new());
        assert_eq!(fs::metadata(root.path().join("c.tgz")).expect("file").len(), 0);
    }

    #[test]
    fn nothing_is_overwritten() {
        let root = tempfile::tempdir().expect("folder");
        fs::create_dir(root.path().join("full")).expect("folder");
        fs::write(root.path().join("full/x"), b"x").expect("file");
        fs::write(root.path().join("full.tgz"), b"x").expect("file");
        for name in ["full", "full.tgz"] {
            let refused = Writer::create(&root.path().join(name)).expect_err(name);
            assert!(matches!(refused, WriteError::Exists { .. }), "{name}: {refused}");
        }
        for name in ["full/x", "c.zip"] {
            let refused = Writer::create(&root.path().join(name)).expect_err(name);
            assert!(matches!(refused, WriteError::NotATarget { .. }), "{name}: {refused}");
        }
        assert!(matches!(Writer::create(&root.path().join("no/c")), Err(WriteError::Io { .. })));
        assert_eq!(fs::read(root.path().join("full/x")).expect("file"), b"x");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let root = tempfile::tempdir().expect("folder");
        let elsewhere = tempfile::tempdir().expect("folder");
        for name in ["c", "c.tgz"] {
            let link = root.path().join(name);
            std::os::unix::fs::symlink(elsewhere.path().join(name), &link).expect("link");
            assert!(matches!(Writer::create(&link), Err(WriteError::Link { .. })), "{name}");
        }
        assert_eq!(names(elsewhere.path()), Vec::<String>::new());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let root = tempfile::tempdir().expect("folder");
        let mut writer = Writer::create(&root.path().join("c")).expect("a target");
        for name in ["../x", "/x", "a//b", "a/../x", "a\\b", ".hidden", "", "a/", "c:\\x", "a\0b"] {
            assert!(matches!(writer.put(name, b"x"), Err(WriteError::Name { .. })), "{name:?}");
        }
        writer.finish().expect("finished");
        assert_eq!(names(root.path()), ["c"]);
    }
}

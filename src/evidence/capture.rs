//! A capture: a cluster's objects, logs, probes and history as files, read whole into memory.
//!
//! A folder, one file, `.tar`, `.tar.gz`/`.tgz` or `.zip`; the layout is recognised by content. Nothing
//! is ever written. What cannot be read becomes a gap, unless nothing at all can be read.
//!
//! Absent or not captured: a kind of which the capture holds no object was *listed and empty* only if
//! a `capture.json` says what was refused; without one it is *not captured*. The kinds of the Gateway
//! API are not part of Kubernetes: where a capture shows none of them, they are *not installed*.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;

use about::{About, ListError};

use crate::model::gap::{Gap, Unseen, Why};
use crate::model::log::LogStream;
use crate::model::object::{Kind, Name};
use crate::model::probe::ProbeOutput;
use crate::model::snapshot::Coverage;

pub mod about;
pub mod archive;
mod document;
mod encoding;
mod plain;
mod probes;
mod redacted;
pub mod take;
pub mod write;

/// The files of a capture by relative path, `/` as separator.
pub type Files = BTreeMap<String, Cow<'static, [u8]>>;

/// Why a capture cannot be used at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    #[error("there is nothing at {path}")]
    NotFound { path: String },
    #[error("{path} cannot be read: {detail}")]
    Unreadable { path: String, detail: String },
    #[error("{path} is not a folder, a YAML or JSON file, or a .tar, .tar.gz, .tgz or .zip archive")]
    NotACapture { path: String },
    #[error("{path} is empty")]
    Empty { path: String },
    #[error("{path} holds no Kubernetes object that could be read{}", first_fault(.faults))]
    NoObjects { path: String, faults: Vec<String> },
}

fn first_fault(faults: &[String]) -> String {
    faults.first().map(|fault| format!("; first fault: {fault}")).unwrap_or_default()
}

/// An opened capture.
#[derive(Debug, Clone)]
pub struct Capture {
    /// `None`: no `capture.json`, so nothing can be said about lists that are missing.
    pub about: Option<About>,
    objects: HashMap<Kind, Vec<Value>>,
    /// Kinds that occur, also as empty lists.
    listed: BTreeSet<Kind>,
    /// Names of Secrets; nothing else of them is kept.
    secrets: BTreeSet<Name>,
    logs: BTreeMap<LogStream, Cow<'static, [u8]>>,
    pub probes: Vec<ProbeOutput>,
    /// `probes.jsonl`, undigested.
    pub probe_lines: Option<Cow<'static, [u8]>>,
    /// `history.jsonl`, undigested.
    pub history: Option<Cow<'static, [u8]>>,
    /// `audit.jsonl`, undigested.
    pub audit: Option<Cow<'static, [u8]>>,
    /// Kinds of which there may be objects in what could not be read.
    torn: BTreeMap<Kind, Why>,
    /// Files that could not be read, or not as they are written.
    pub gaps: Vec<Gap>,
}

impl Capture {
    /// Opens a folder, file or archive.
    ///
    /// # Errors
    /// When nothing can be read of it; partial trouble is in `gaps`.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Self::open_within(path, archive::Limits::default())
    }

    /// Opens a folder, file or archive of which no more than so much is read.
    ///
    /// # Errors
    /// When nothing can be read of it; partial trouble is in `gaps`.
    pub fn open_within(path: &Path, limits: archive::Limits) -> Result<Self, CaptureError> {
        let archive::Contents { files, gaps, unpacked: _ } = archive::read(path, limits)?;
        Self::from_files(files, gaps, &path.display().to_string())
    }

    /// Reads files already in memory; `name` is for messages.
    ///
    /// # Errors
    /// When they hold no object.
    pub fn from_files(files: Files, gaps: Vec<Gap>, name: &str) -> Result<Self, CaptureError> {
        let failed = |detail: String| CaptureError::Unreadable { path: name.to_owned(), detail };
        // Documents nest; the stack of the caller's thread may be small.
        let capture = std::thread::scope(|scope| {
            let reading = std::thread::Builder::new()
                .name("capture".to_owned())
                .stack_size(document::STACK)
                .spawn_scoped(scope, || plain::read(files, gaps))
                .map_err(|error| failed(error.to_string()))?;
            reading.join().map_err(|_| failed("reading it failed inside this program".to_owned()))
        })?;
        if capture.objects.is_empty() && capture.listed.is_empty() {
            let faults = capture
                .gaps
                .iter()
                .filter_map(|gap| match (&gap.what, &gap.why) {
                    (Unseen::File { path }, Why::Malformed { detail } | Why::Partial { detail }) => {
                        Some(format!("{path}: {detail}"))
                    }
                    (Unseen::File { path }, Why::TooMuch { limit }) => {
                        Some(format!("{path}: larger than {limit}"))
                    }
                    (Unseen::File { path }, _) => Some(path.clone()),
                    _ => None,
                })
                .collect();
            return Err(CaptureError::NoObjects { path: name.to_owned(), faults });
        }
        Ok(capture)
    }

    /// All objects of a kind that `keep` keeps, and how much of the kind the capture covers.
    pub fn list<K: DeserializeOwned, T>(
        &self,
        kind: Kind,
        mut keep: impl FnMut(K) -> Option<T>,
    ) -> (Vec<T>, Coverage, Vec<Gap>) {
        let mut coverage = self.coverage(kind);
        let mut kept = Vec::new();
        for value in self.objects.get(&kind).map(Vec::as_slice).unwrap_or_default() {
            // A host or path that was removed is unknown, and none to match literally.
            if redacted::decides(kind) && redacted::has_removed(value) {
                coverage.unreadable.insert(name_of(value), Why::Redacted);
                if kind == Kind::Ingress {
                    continue;
                }
            }
            match K::deserialize(value) {
                Ok(object) => kept.extend(keep(object)),
                Err(error) => {
                    coverage.unreadable.insert(name_of(value), Why::Malformed { detail: error.to_string() });
                }
            }
        }
        (kept, coverage, Vec::new())
    }

    /// How much of a kind the capture covers.
    #[must_use]
    pub fn coverage(&self, kind: Kind) -> Coverage {
        let everywhere = self.about.is_some() || self.listed.contains(&kind) || Kind::GATEWAY.contains(&kind);
        let mut coverage = Coverage { everywhere, ..Coverage::default() };
        if !coverage.everywhere {
            coverage.missing.insert(String::new(), Why::NotCaptured);
        }
        if let Some(why) = self.torn.get(&kind) {
            coverage.everywhere = false;
            coverage.missing.insert(String::new(), why.clone());
        }
        let Some(about) = &self.about else { return coverage };
        for error in about.errors.iter().filter(|error| error.is_list_of(kind)) {
            coverage.everywhere &= !error.namespace.is_empty();
            coverage.missing.insert(error.namespace.clone(), error.why(kind));
        }
        coverage.namespaces = about.covered.get(kind.resource()).cloned().unwrap_or_default();
        coverage
    }

    /// The names of all Secrets there were; `None` where the capture does not say that they were listed.
    #[must_use]
    pub fn secret_names(&self) -> Option<&BTreeSet<Name>> {
        let coverage = self.coverage(Kind::Secret);
        (coverage.everywhere && coverage.missing.is_empty()).then_some(&self.secrets)
    }

    /// Why an object of this kind and namespace may exist without being in the capture; `None` when
    /// the capture covers them all.
    #[must_use]
    pub fn missing(&self, kind: Kind, namespace: &str) -> Option<Why> {
        let coverage = self.coverage(kind);
        if coverage.namespaces.contains(namespace) {
            return None;
        }
        let refused = coverage.missing.get(namespace).or_else(|| coverage.missing.get("")).cloned();
        if coverage.everywhere { refused } else { refused.or(Some(Why::NotCaptured)) }
    }

    /// The newest creation or write time of any object.
    #[must_use]
    pub fn newest_time(&self) -> Option<DateTime<Utc>> {
        let times = self.objects.values().flatten().flat_map(|value| {
            let created = value.pointer("/metadata/creationTimestamp");
            let writes = value.pointer("/metadata/managedFields").and_then(Value::as_array);
            let written = writes.into_iter().flatten().filter_map(|write| write.get("time"));
            let seen = value.get("lastTimestamp");
            created.into_iter().chain(written).chain(seen)
        });
        times.filter_map(|time| time.as_str()?.parse().ok()).max()
    }

    /// The raw objects of a kind, for citations to be checked against.
    #[must_use]
    pub fn raw(&self, kind: Kind) -> &[Value] {
        self.objects.get(&kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// The container logs that were captured.
    pub fn streams(&self) -> impl Iterator<Item = &LogStream> {
        self.logs.keys()
    }

    /// A container's log, if it was captured.
    #[must_use]
    pub fn log(&self, stream: &LogStream) -> Option<&[u8]> {
        self.logs.get(stream).map(AsRef::as_ref)
    }

    /// Why a container's log is missing, where `capture.json` says so.
    #[must_use]
    pub fn log_error(&self, stream: &LogStream) -> Why {
        let errors = || self.about.iter().flat_map(|about| &about.errors);
        let whole = |error: &&ListError| error.name.is_empty() && error.is_log_of(&stream.namespace);
        errors()
            .find(|error| error.is_log(stream))
            .or_else(|| errors().find(whole))
            .map_or(Why::NotCaptured, |error| error.why_of("get", "", about::LOGS))
    }

    /// Why a log that was captured does not go on to its end.
    #[must_use]
    pub fn log_cut(&self, stream: &LogStream) -> Option<Why> {
        let mut errors = self.about.iter().flat_map(|about| &about.errors);
        errors.find(|error| error.is_log(stream)).map(|error| error.why_of("get", "", about::LOGS))
    }

    /// Whether an object was asked for by name and is not there.
    #[must_use]
    pub fn is_absent(&self, kind: Kind, namespace: &str, name: &str) -> bool {
        self.about.iter().flat_map(|about| &about.absent).any(|absent| {
            (absent.resource.as_str(), absent.namespace.as_str(), absent.name.as_str())
                == (kind.resource(), namespace, name)
        })
    }
}

fn name_of(value: &Value) -> Name {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    Name::new(text("/metadata/namespace"), text("/metadata/name"))
}

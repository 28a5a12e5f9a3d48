//! The one thing everything is asked of: a live cluster, a capture, or the embedded demo.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;

use super::capture::Capture;
use super::live::Live;
use crate::model::gap::{Gap, Why};
use crate::model::log::{LogStream, StreamCoverage};
use crate::model::object::Kind;
use crate::model::snapshot::{Coverage, Lookup};

/// Where answers come from. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    source: Arc<Source>,
    at: Option<DateTime<Utc>>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("context", &self.context()).finish_non_exhaustive()
    }
}

/// The sources there are.
#[derive(Debug)]
pub enum Source {
    Live(Box<Live>),
    Capture(Box<Capture>),
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All namespaces; where that is refused, these.
    Everywhere {
        or: BTreeSet<String>,
    },
    Namespaces(BTreeSet<String>),
}

/// The most bytes that are read of one container's log.
pub const MAX_LOG_BYTES: u64 = 512 << 20;

impl Cluster {
    #[must_use]
    pub fn new(source: Source, at: Option<DateTime<Utc>>) -> Self {
        Self { source: Arc::new(source), at }
    }

    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The capture, when this is one.
    #[must_use]
    pub fn capture(&self) -> Option<&Capture> {
        match &*self.source {
            Source::Capture(capture) => Some(capture),
            Source::Live(_) => None,
        }
    }

    /// The live cluster, when this is one.
    #[must_use]
    pub fn live(&self) -> Option<&Live> {
        match &*self.source {
            Source::Live(live) => Some(live),
            Source::Capture(_) => None,
        }
    }

    /// The moment questions are asked for: the wall clock; of a capture `--at`, else when it was taken,
    /// else the newest time in it.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match &*self.source {
            Source::Live(_) => Utc::now(),
            Source::Capture(capture) => self
                .at
                .or_else(|| capture.about.as_ref().and_then(|about| about.taken_at))
                .or_else(|| capture.newest_time())
                .unwrap_or_else(Utc::now),
        }
    }

    /// The same source asked for another moment; a live cluster is always asked for now.
    #[must_use]
    pub fn at(&self, at: Option<DateTime<Utc>>) -> Self {
        Self { source: Arc::clone(&self.source), at: at.or(self.at) }
    }

    #[must_use]
    pub fn context(&self) -> Option<String> {
        match &*self.source {
            Source::Live(live) => Some(live.context().to_owned()),
            Source::Capture(capture) => capture.about.as_ref().and_then(|about| about.context.clone()),
        }
    }

    /// The server's version; unknown is no gap worth naming.
    pub async fn server_version(&self) -> Option<String> {
        match &*self.source {
            Source::Live(live) => live.version().await.ok(),
            Source::Capture(capture) => capture.about.as_ref().and_then(|about| about.server_version.clone()),
        }
    }

    /// Lists a kind and keeps what `keep` keeps; lists that are refused become coverage, never errors.
    pub async fn list<K, T>(
        &self,
        kind: Kind,
        scope: &Scope,
        selector: Option<&str>,
        mut keep: impl FnMut(K) -> Option<T> + Send,
    ) -> (Vec<T>, Coverage, Vec<Gap>)
    where
        K: DeserializeOwned + Send + 'static,
        T: Send,
    {
        let live = match &*self.source {
            Source::Capture(capture) => return capture.list(kind, keep),
            Source::Live(live) => live,
        };
        let mut items = Vec::new();
        let mut coverage = Coverage::default();
        let namespaces = match scope {
            Scope::Everywhere { or } => {
                let mut each = |object: K| items.extend(keep(object));
                match live.list(kind, None, selector, None, &mut each).await {
                    Ok(()) => {
                        coverage.everywhere = true;
                        return (items, coverage, Vec::new());
                    }
                    Err(why @ Why::Forbidden { .. }) if !kind.is_cluster_scoped() => {
                        coverage.missing.insert(String::new(), why);
                        items.clear();
                        or
                    }
                    Err(why) => {
                        coverage.missing.insert(String::new(), why);
                        return (Vec::new(), coverage, Vec::new());
                    }
                }
            }
            Scope::Namespaces(namespaces) => namespaces,
        };
        for namespace in namespaces {
            let mut each = |object: K| items.extend(keep(object));
            match live.list(kind, Some(namespace), selector, None, &mut each).await {
                Ok(()) => {
                    coverage.namespaces.insert(namespace.clone());
                }
                Err(why) => {
                    coverage.missing.insert(namespace.clone(), why);
                }
            }
        }
        (items, coverage, Vec::new())
    }

    /// One object.
    pub async fn get<K, T>(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        lower: impl Fn(K) -> T,
    ) -> Lookup<T>
    where
        K: DeserializeOwned + Send + 'static,
    {
        let key = crate::model::object::ObjectKey::new(kind, namespace, name);
        let unseen = |why| Lookup::Unseen(Gap { what: crate::model::gap::Unseen::Object(key.clone()), why });
        match &*self.source {
            Source::Live(live) => match live.get::<K>(kind, namespace, name).await {
                Ok(Some(object)) => Lookup::Found(lower(object)),
                Ok(None) => Lookup::Absent,
                Err(why) => unseen(why),
            },
            Source::Capture(capture) => {
                let is_it = |value: &serde_json::Value, pointer: &str, text: &str| {
                    value.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default() == text
                };
                let found = capture.raw(kind).iter().find(|value| {
                    is_it(value, "/metadata/namespace", namespace) && is_it(value, "/metadata/name", name)
                });
                match found.map(K::deserialize) {
                    Some(Ok(object)) => Lookup::Found(lower(object)),
                    Some(Err(error)) => unseen(Why::Malformed { detail: error.to_string() }),
                    None if capture.is_absent(kind, namespace, name) => Lookup::Absent,
                    None => match capture.missing(kind, namespace) {
                        Some(why) => unseen(why),
                        None => Lookup::Absent,
                    },
                }
            }
        }
    }

    /// Feeds a container's log line by line, without line ends, oldest first.
    ///
    /// # Errors
    /// When nothing of it can be read; what is read in part says so in its coverage.
    pub async fn read_log(
        &self,
        stream: &LogStream,
        since: Option<DateTime<Utc>>,
        on_line: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<StreamCoverage, Why> {
        match &*self.source {
            Source::Live(live) => live.read_log(stream, since, MAX_LOG_BYTES, on_line).await,
            Source::Capture(capture) => {
                let bytes = capture.log(stream).ok_or_else(|| capture.log_error(stream))?;
                let mut lines = 0;
                for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    on_line(line.strip_suffix(b"\r").unwrap_or(line));
                    lines += 1;
                }
                Ok(StreamCoverage {
                    stream: stream.clone(),
                    first: None,
                    last: None,
                    lines,
                    bytes: bytes.len() as u64,
                    cut: capture.log_cut(stream),
                })
            }
        }
    }
}

//! Takes a capture: writes what a source holds into the plain layout with fixed names, so that a capture
//! answers every question as its source did.
//!
//! `objects/RESOURCE.json` (a List of each kind, sorted), `logs/NAMESPACE/POD/CONTAINER[-previous].log`,
//! `history.jsonl` (with `"via": "watch_replay"` where the lines are an API server's own), `audit.jsonl`,
//! `probes.jsonl`, and `capture.json` last. The source may itself be a capture: then it is written anew,
//! without its secrets.
//!
//! Invariant: Secrets are never read; of a source that knows their names, only those are written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::about::{About, ListError};
use super::write::{WriteError, Writer};
use crate::evidence::cluster::{Cluster, Source};
use crate::evidence::gather;
use crate::model::gap::Why;
use crate::model::object::{Kind, Name};
use crate::model::snapshot::Snapshot;

mod logs;
mod objects;
mod past;

pub use past::onto;

/// What to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Log lines since then.
    pub since: DateTime<Utc>,
    /// Only these namespaces, with those of the controllers; none means all.
    pub namespaces: BTreeSet<String>,
}

impl Wanted {
    /// Whether what lives in this namespace is wanted; `homes` are those of the controllers.
    fn takes(&self, namespace: &str, homes: &BTreeSet<String>) -> bool {
        namespace.is_empty()
            || self.namespaces.is_empty()
            || self.namespaces.contains(namespace)
            || homes.contains(namespace)
    }
}

/// Takes secrets out, or leaves them.
pub trait Clean: Send {
    fn object(&mut self, object: &mut Value);
    /// Another log begins.
    fn next_log(&mut self);
    fn line<'l>(&mut self, line: &'l [u8]) -> Cow<'l, [u8]>;
}

/// Leaves everything as it is.
#[derive(Debug, Clone, Copy)]
pub struct AsItIs;

impl Clean for AsItIs {
    fn object(&mut self, _: &mut Value) {}

    fn next_log(&mut self) {}

    fn line<'l>(&mut self, line: &'l [u8]) -> Cow<'l, [u8]> {
        Cow::Borrowed(line)
    }
}

/// What was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Objects by kind.
    pub objects: BTreeMap<Kind, usize>,
    pub logs: usize,
    pub log_bytes: u64,
    /// Past versions.
    pub versions: usize,
    pub errors: Vec<ListError>,
}

/// A capture in the making.
struct Taking<'a> {
    cluster: &'a Cluster,
    wanted: &'a Wanted,
    writer: &'a mut Writer,
    clean: &'a mut dyn Clean,
    say: &'a (dyn Fn(&str) + Sync),
    about: About,
    taken: Taken,
}

/// Writes everything; the writer is still to be finished.
///
/// # Errors
/// When it cannot be written, or nothing could be read.
pub async fn take(
    cluster: &Cluster,
    wanted: &Wanted,
    writer: &mut Writer,
    clean: &mut dyn Clean,
    earlier: Option<&super::Capture>,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Taken, WriteError> {
    say("looking for controllers");
    let mut focus = wanted.namespaces.clone();
    if let Source::Live(live) = cluster.source()
        && focus.is_empty()
    {
        focus.insert(live.namespace().to_owned());
    }
    let snapshot = gather::routing(cluster, &focus).await;
    let mut about = About {
        taken_at: Some(snapshot.now),
        server_version: snapshot.server_version.clone(),
        context: snapshot.context.clone(),
        ..About::default()
    };
    if let Some(capture) = cluster.capture() {
        about.dns = capture.about.as_ref().map(|about| about.dns.clone()).unwrap_or_default();
        about.errors.extend(capture.gaps.iter().filter_map(ListError::of_file));
    }
    let mut taking = Taking { cluster, wanted, writer, clean, say, about, taken: Taken::default() };
    let seen = taking.objects(&snapshot, &focus).await?;
    taking.config_maps(&snapshot).await?;
    taking.secret_names()?;
    taking.logs(&snapshot, &seen).await?;
    taking.past(&snapshot, earlier).await?;
    taking.probes()?;
    let Taking { about, mut taken, .. } = taking;
    writer.put("capture.json", about.write().as_bytes())?;
    taken.errors = about.errors;
    Ok(taken)
}

impl Taking<'_> {
    fn miss(&mut self, error: ListError) {
        if !self.about.errors.contains(&error) {
            self.about.errors.push(error);
        }
    }

    /// The names of Secrets, where the source knows them all.
    fn secret_names(&mut self) -> Result<(), WriteError> {
        let known = self.cluster.capture().and_then(|capture| capture.secret_names().cloned());
        let Some(names) = known else {
            let mut error = ListError::new(Kind::Secret.resource(), "", &Why::NotCaptured);
            "Secrets are never read".clone_into(&mut error.message);
            self.miss(error);
            return Ok(());
        };
        let items: Vec<String> = names
            .iter()
            .map(|Name { namespace, name }| {
                serde_json::json!({"apiVersion": "v1", "kind": "Secret",
                    "metadata": {"namespace": namespace, "name": name}})
                .to_string()
            })
            .collect();
        objects::put_list(self.writer, Kind::Secret, &items)
    }

    /// Probes that a capture holds.
    fn probes(&mut self) -> Result<(), WriteError> {
        let cluster = self.cluster;
        let Some(lines) = cluster.capture().and_then(|capture| capture.probe_lines.as_deref()) else {
            return Ok(());
        };
        let text = self.clean_lines(lines, |_| true);
        self.writer.put("probes.jsonl", text.as_bytes())
    }

    /// The JSON lines that are wanted, cleaned; what is no JSON is a line of a log.
    fn clean_lines(&mut self, bytes: &[u8], wanted: impl Fn(&Value) -> bool) -> String {
        let mut text = String::new();
        self.clean.next_log();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Value>(line) {
                Ok(value) if !wanted(&value) => continue,
                Ok(mut value) => {
                    self.clean.object(&mut value);
                    text.push_str(&value.to_string());
                }
                Err(_) => text.push_str(&String::from_utf8_lossy(&self.clean.line(line))),
            }
            text.push('\n');
        }
        text
    }
}

/// The namespaces that controllers run in.
fn homes(snapshot: &Snapshot) -> BTreeSet<String> {
    snapshot.controllers.iter().map(|controller| controller.workload.name.namespace.clone()).collect()
}

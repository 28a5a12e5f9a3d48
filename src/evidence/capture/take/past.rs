//! The past of a capture: the API server's own watch events, what the source already held, and what differs
//! from an earlier capture.
//!
//! A watch event is dated when it is written (`observedAt`) for people and other programs; this program
//! reads it again as the watch event that it was. A difference between two captures happened some time
//! between them: `notBefore` is when the earlier one was taken.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::super::Capture;
use super::super::about::{HISTORY, ListError, Replayed};
use super::super::write::WriteError;
use super::objects::entitle;
use super::{Taking, homes};
use crate::evidence::changes::{rv_clock, watch_replay};
use crate::evidence::gather::REPLAYED;
use crate::evidence::live::{Live, RawReplay};
use crate::model::change::VersionOp;
use crate::model::gap::Why;
use crate::model::object::{Kind, Name};
use crate::model::snapshot::Snapshot;

impl Taking<'_> {
    pub(super) async fn past(
        &mut self,
        snapshot: &Snapshot,
        earlier: Option<&Capture>,
    ) -> Result<(), WriteError> {
        (self.say)("reading what changed");
        let homes = homes(snapshot);
        let mut history = String::new();
        let (cluster, wanted) = (self.cluster, self.wanted);
        let is_wanted = |line: &Value| {
            let namespace = line.pointer("/object/metadata/namespace").and_then(Value::as_str);
            wanted.takes(namespace.unwrap_or_default(), &homes)
        };
        if let Some(lines) = earlier.and_then(|earlier| earlier.history.as_deref()) {
            history.push_str(&self.clean_lines(as_seen(lines).as_bytes(), is_wanted));
        }
        if let Some(capture) = cluster.capture() {
            if let Some(lines) = capture.history.as_deref() {
                history.push_str(&self.clean_lines(lines, is_wanted));
            }
            if let Some(about) = &capture.about {
                self.about.replays.clone_from(&about.replays);
                let unseen = about.errors.iter().filter(|error| error.resource.starts_with(HISTORY));
                unseen.for_each(|error| self.miss(error.clone()));
            }
        }
        if let Some(live) = cluster.live() {
            self.watched(live, snapshot, &homes, &mut history).await;
        }
        if let Some(earlier) = earlier {
            let mut lines = self.since_then(earlier, snapshot).await;
            lines.iter_mut().for_each(|line| self.clean.object(line));
            lines.iter().for_each(|line| push(&mut history, line));
        }
        self.taken.versions = history.lines().count();
        if !history.is_empty() || cluster.capture().is_some_and(|capture| capture.history.is_some()) {
            self.writer.put("history.jsonl", history.as_bytes())?;
        }
        if let Some(audit) = cluster.capture().and_then(|capture| capture.audit.as_deref()) {
            let text = self.clean_lines(audit, |_| true);
            self.writer.put("audit.jsonl", text.as_bytes())?;
        }
        Ok(())
    }

    /// The watch caches of an API server.
    async fn watched(
        &mut self,
        live: &Live,
        snapshot: &Snapshot,
        homes: &BTreeSet<String>,
        history: &mut String,
    ) {
        let mut raws: Vec<(Kind, Option<String>, RawReplay)> = Vec::new();
        for kind in REPLAYED {
            let places: Vec<Option<String>> = if self.wanted.namespaces.is_empty() || kind.is_cluster_scoped()
            {
                vec![None]
            } else {
                self.wanted.namespaces.union(homes).cloned().map(Some).collect()
            };
            for place in places {
                match live.replay(kind, place.as_deref(), 1).await {
                    Ok(raw) => raws.push((kind, place, raw)),
                    Err(why) => self.miss(ListError::new(
                        format!("{HISTORY}{}", kind.resource()),
                        place.unwrap_or_default(),
                        &why,
                    )),
                }
            }
        }
        let mut points = rv_clock::points(snapshot);
        points.extend(raws.iter().flat_map(|(kind, _, raw)| watch_replay::points(raw, *kind)));
        let clock = rv_clock::rv_clock(points);
        for (kind, place, raw) in raws {
            if raw.is_cut {
                let why = Why::Partial { detail: "it was still coming when the time was up".to_owned() };
                let place = place.clone().unwrap_or_default();
                self.miss(ListError::new(format!("{HISTORY}{}", kind.resource()), place, &why));
            } else {
                self.about.replays.push(Replayed {
                    resource: kind.resource().to_owned(),
                    namespace: place,
                    oldest_resource_version: raw.oldest_rv,
                });
            }
            // Of half a buffer it cannot be told what it would have shown: it is what somebody saw.
            let via = (!raw.is_cut).then_some(watch_replay::VIA);
            for (op, mut object) in raw.events() {
                entitle(kind, &mut object);
                let one = RawReplay::new(&[(op, object.clone())], None);
                let dated = watch_replay::replay(&one, kind, None, &clock);
                let at = dated.versions.first().and_then(|version| version.at).unwrap_or(snapshot.now);
                self.clean.object(&mut object);
                let line = match via {
                    Some(via) => {
                        json!({"type": word(op), "observedAt": stamp(at), "via": via, "object": object})
                    }
                    None => json!({"type": word(op), "observedAt": stamp(at), "object": object}),
                };
                push(history, &line);
            }
        }
    }

    /// What differs from an earlier capture.
    async fn since_then(&self, earlier: &Capture, snapshot: &Snapshot) -> Vec<Value> {
        let mut now: BTreeMap<(Kind, Name), Value> = BTreeMap::new();
        for kind in REPLAYED {
            let scope = crate::evidence::cluster::Scope::Everywhere { or: self.wanted.namespaces.clone() };
            let (objects, coverage, _) = self.cluster.list::<Value, Value>(kind, &scope, None, Some).await;
            // What was not listed has not vanished.
            if coverage.everywhere && coverage.missing.is_empty() {
                now.extend(objects.into_iter().map(|object| ((kind, name_of(&object)), object)));
            } else {
                let of_earlier =
                    earlier.raw(kind).iter().map(|object| ((kind, name_of(object)), object.clone()));
                now.extend(of_earlier);
                now.extend(objects.into_iter().map(|object| ((kind, name_of(&object)), object)));
            }
        }
        let then = earlier.about.as_ref().and_then(|about| about.taken_at).or_else(|| earlier.newest_time());
        differences(earlier, then.unwrap_or(snapshot.now), &now, snapshot.now)
    }
}

/// The later capture, with what differs from the earlier one as history.
#[must_use]
pub fn onto(earlier: &Capture, mut later: Capture) -> Capture {
    let mut now = BTreeMap::new();
    for kind in REPLAYED {
        let coverage = later.coverage(kind);
        // What was not listed has not vanished.
        if !coverage.everywhere || !coverage.missing.is_empty() {
            now.extend(keyed(earlier.raw(kind), kind));
        }
        now.extend(keyed(later.raw(kind), kind));
    }
    let taken = |capture: &Capture| {
        capture.about.as_ref().and_then(|about| about.taken_at).or_else(|| capture.newest_time())
    };
    if let (Some(then), Some(taken_at)) = (taken(earlier), taken(&later)) {
        let mut history = earlier.history.as_deref().map(as_seen).unwrap_or_default();
        differences(earlier, then, &now, taken_at).iter().for_each(|line| push(&mut history, line));
        history.push_str(&String::from_utf8_lossy(later.history.as_deref().unwrap_or_default()));
        later.history = Some(history.into_bytes().into());
    }
    later
}

fn keyed(objects: &[Value], kind: Kind) -> impl Iterator<Item = ((Kind, Name), Value)> + '_ {
    objects.iter().map(move |object| ((kind, name_of(object)), object.clone()))
}

/// The lines of an earlier capture, also those of a watch cache, as what somebody saw: how far back that
/// cache reached is no longer told.
fn as_seen(history: &[u8]) -> String {
    let mut seen = String::new();
    for line in history.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match serde_json::from_slice::<Value>(line) {
            Ok(Value::Object(mut members)) => {
                members.shift_remove("via");
                push(&mut seen, &Value::Object(members));
            }
            Ok(_) | Err(_) => {
                seen.push_str(&String::from_utf8_lossy(line));
                seen.push('\n');
            }
        }
    }
    seen
}

/// Every object as it was, and how it is now where that differs.
fn differences(
    earlier: &Capture,
    then: DateTime<Utc>,
    now: &BTreeMap<(Kind, Name), Value>,
    taken_at: DateTime<Utc>,
) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut before: BTreeMap<(Kind, Name), &Value> = BTreeMap::new();
    for kind in REPLAYED {
        before.extend(earlier.raw(kind).iter().map(|object| ((kind, name_of(object)), object)));
    }
    let mut tell = |op: VersionOp, kind: Kind, object: &Value, since: Option<DateTime<Utc>>| {
        let mut object = object.clone();
        entitle(kind, &mut object);
        let line = match since {
            None => json!({"type": word(op), "observedAt": stamp(then), "object": object}),
            Some(since) => json!({"type": word(op), "observedAt": stamp(taken_at), "notBefore": stamp(since),
                                  "object": object}),
        };
        lines.push(line);
    };
    for ((kind, _), object) in &before {
        tell(VersionOp::Added, *kind, object, None);
    }
    for (key, object) in now {
        match before.get(key) {
            None => tell(VersionOp::Added, key.0, object, Some(then)),
            Some(old) if version(old) != version(object) || old.get("spec") != object.get("spec") => {
                tell(VersionOp::Modified, key.0, object, Some(then));
            }
            Some(_) => {}
        }
    }
    for (key, object) in before.iter().filter(|(key, _)| !now.contains_key(*key)) {
        tell(VersionOp::Deleted, key.0, object, Some(then));
    }
    lines
}

fn name_of(object: &Value) -> Name {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
    Name::new(text("/metadata/namespace"), text("/metadata/name"))
}

fn version(object: &Value) -> Option<&str> {
    object.pointer("/metadata/resourceVersion")?.as_str()
}

const fn word(op: VersionOp) -> &'static str {
    match op {
        VersionOp::Added => "ADDED",
        VersionOp::Modified => "MODIFIED",
        VersionOp::Deleted => "DELETED",
    }
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn push(history: &mut String, line: &Value) {
    history.push_str(&line.to_string());
    history.push('\n');
}

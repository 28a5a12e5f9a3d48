//! The API server's watch cache: every version since the oldest one it still holds.
//!
//! A version is dated by its newest managedFields time, unless the neighbouring resource versions prove
//! that stale (a removal leaves no entry of its own); deletions, which carry no time, are dated by the
//! neighbours alone.
//! Sources: apiserver `storage/cacher/watch_cache.go` @ v1.36.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::rv_clock::{RvClock, RvPoint, point};
use super::version::{decode, newest_write};
use crate::evidence::capture::about::Replayed;
use crate::evidence::live::RawReplay;
use crate::model::change::{ChangeSource, ObjectVersion, Replay, Since, VersionOp, Versioned};
use crate::model::gap::Why;
use crate::model::object::{Kind, Name, ObjectMeta};

/// Times are kept in whole seconds, and clocks of several API servers differ a little.
const SKEW: Duration = Duration::seconds(2);

/// How lines of a history say that they are a watch cache's.
pub const VIA: &str = "watch_replay";

/// Whether a line of a history is one of a watch cache.
#[must_use]
pub fn is_recorded(line: &[u8]) -> bool {
    let mark = format!("\"via\":\"{VIA}\"");
    memchr::memmem::find(line, mark.as_bytes()).is_some()
}

/// The watch caches that a history holds the events of.
#[must_use]
pub fn recorded(history: &[u8], replays: &[Replayed]) -> Vec<(Kind, Option<String>, RawReplay)> {
    #[derive(Deserialize)]
    struct Line {
        r#type: String,
        via: Option<String>,
        object: Value,
    }
    let mut found: Vec<(Kind, Option<String>, RawReplay)> = replays
        .iter()
        .filter_map(|Replayed { resource, namespace, oldest_resource_version }| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.resource() == resource)?;
            let raw = RawReplay::new(&[], *oldest_resource_version);
            Some((kind, namespace.clone(), raw))
        })
        .collect();
    for line in history.split(|byte| *byte == b'\n').filter(|line| is_recorded(line)) {
        let Ok(Line { r#type, via, object }) = serde_json::from_slice(line) else { continue };
        let op = match r#type.as_str() {
            "ADDED" => VersionOp::Added,
            "MODIFIED" => VersionOp::Modified,
            "DELETED" => VersionOp::Deleted,
            _ => continue,
        };
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let (kind, namespace) = (text("/kind"), text("/metadata/namespace"));
        let of = found.iter_mut().find(|(of, place, _)| {
            kind.as_deref() == Some(of.as_str()) && (place.is_none() || *place == namespace)
        });
        if let Some((_, _, raw)) = of.filter(|_| via.as_deref() == Some(VIA)) {
            raw.push(op, &object);
        }
    }
    found
}

/// The (version, time) pairs that a replay gives, for the clock of all. A version that tells of no newer
/// write than the one before it gives none: what was written then left no entry.
pub fn points(raw: &RawReplay, kind: Kind) -> Vec<RvPoint> {
    let mut newest: BTreeMap<Name, DateTime<Utc>> = BTreeMap::new();
    let mut found = Vec::new();
    for (op, object) in raw.events() {
        let Ok(Some(object)) = decode(&object, Some(kind)) else { continue };
        let Some(written) = newest_write(object.meta()).filter(|_| op != VersionOp::Deleted) else {
            continue;
        };
        let before = newest.insert(object.name(), written);
        if before.is_none_or(|before| before < written) {
            found.extend(point(kind, object.meta(), written));
        }
    }
    found
}

/// The replay of one kind, of one namespace or (`None`) of all. The clock should know every pair of
/// version and time that was read, also the moment of this watch.
pub fn replay(raw: &RawReplay, kind: Kind, namespace: Option<String>, clock: &RvClock) -> Replay {
    let mut versions = Vec::new();
    let mut unseen = raw.is_cut.then(|| Why::Partial {
        detail: "the API server was still sending past versions when the time was up".to_owned(),
    });
    let mut newest: BTreeMap<Name, DateTime<Utc>> = BTreeMap::new();
    for (op, object) in raw.events() {
        match decode(&object, Some(kind)) {
            Ok(Some(object)) => {
                let written = newest_write(object.meta());
                let before = written.and_then(|written| newest.insert(object.name(), written));
                // What tells of no newer write than the version before it is perhaps a removal.
                let skew = if before.is_some() && before == written { Duration::zero() } else { SKEW };
                versions.push(version(op, object, clock, skew));
            }
            Ok(None) => {}
            Err(detail) => unseen = Some(Why::Malformed { detail }),
        }
    }
    let since = match raw.oldest_rv {
        None => Since::Ever,
        // Times are cut to whole seconds: that write may have been almost a second later.
        Some(oldest) => {
            clock.bracket(oldest).1.map_or(Since::Unknown, |at| Since::At(later(at, Duration::seconds(1))))
        }
    };
    Replay {
        source: ChangeSource::WatchReplay,
        versions,
        touches: Vec::new(),
        since,
        kinds: vec![kind],
        namespace,
        unseen,
    }
}

/// Whether the replay ends before the present: an object is there in a version that must be in it, and no
/// such version or later one is.
pub fn ends_early<'a>(
    replay: &Replay,
    oldest: Option<u64>,
    present: impl Iterator<Item = &'a ObjectMeta>,
) -> bool {
    let number = |meta: &ObjectMeta| meta.resource_version.parse::<u64>().ok();
    let mut newest: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for meta in replay.versions.iter().map(|version| version.object.meta()) {
        let known = newest.entry((&meta.namespace, &meta.name)).or_default();
        *known = (*known).max(number(meta).unwrap_or_default());
    }
    present
        .filter(|meta| replay.namespace.as_ref().is_none_or(|namespace| *namespace == meta.namespace))
        .filter_map(|meta| Some((meta, number(meta)?)))
        .filter(|(_, version)| oldest.is_none_or(|oldest| oldest < *version))
        .any(|(meta, version)| {
            newest.get(&(meta.namespace.as_str(), meta.name.as_str())).is_none_or(|known| *known < version)
        })
}

fn version(op: VersionOp, object: Versioned, clock: &RvClock, skew: Duration) -> ObjectVersion {
    let number = object.meta().resource_version.parse::<u64>().ok();
    let (from, to) = number.map_or((None, None), |number| clock.bracket(number));
    let written = newest_write(object.meta())
        .filter(|written| op != VersionOp::Deleted && from.is_none_or(|from| from <= later(*written, skew)));
    let (at, precision_s) = match (written, from, to) {
        (Some(written), _, _) => (Some(written), 1),
        (None, Some(from), Some(to)) => (Some(to), seconds(from, to)),
        (None, None, Some(to)) => (Some(to), u32::MAX),
        (None, _, None) => (None, 0),
    };
    ObjectVersion { op, at, precision_s, by: None, source: ChangeSource::WatchReplay, object }
}

fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    at.checked_add_signed(by).unwrap_or(at)
}

/// At least one: times are kept in whole seconds.
fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> u32 {
    u32::try_from((to - from).num_seconds().max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::rv_clock::rv_clock;
    use super::*;
    use serde_json::json;

    fn object(version: u64, path: &str, written: Option<&str>) -> serde_json::Value {
        let fields = written.map(|at| {
            json!([{"manager": "kubectl-edit", "operation": "Update", "time": format!("2026-11-22T{at}Z"),
                    "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:rules": {}}}}])
        });
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "web", "namespace": "shop", "resourceVersion": version.to_string(),
                         "creationTimestamp": "2026-11-22T09:00:00Z", "managedFields": fields},
            "spec": {"rules": [{"host": "a.example", "http": {"paths": [
                {"path": path, "pathType": "Prefix",
                 "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]},
        })
    }

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-22T{time}Z").parse().expect("a time")
    }

    /// `op time±precision` of every version, with further points of the clock.
    fn check(raw: &RawReplay, others: &[(u64, &str)], expected: &[&str]) -> Replay {
        let others =
            others.iter().map(|(version, time)| RvPoint { version: *version, at: at(time), kind: Kind::Pod });
        let clock = rv_clock(points(raw, Kind::Ingress).into_iter().chain(others));
        let replay = replay(raw, Kind::Ingress, None, &clock);
        let told: Vec<String> = replay
            .versions
            .iter()
            .map(|version| {
                let at = version.at.map_or("-".to_owned(), |at| at.format("%H:%M:%S").to_string());
                format!("{:?} {at}±{}", version.op, version.precision_s)
            })
            .collect();
        assert_eq!(told, expected);
        replay
    }

    #[test]
    fn writes_are_dated_by_themselves_and_deletions_by_their_neighbours() {
        let raw = RawReplay::new(
            &[
                (VersionOp::Added, object(230, "/", Some("09:00:00"))),
                (VersionOp::Modified, object(235, "/api", Some("10:40:00"))),
                (VersionOp::Deleted, object(243, "/api", Some("10:40:00"))),
            ],
            Some(200),
        );
        let replay = check(
            &raw,
            &[(190, "08:00:00"), (210, "08:30:00"), (240, "10:44:50"), (250, "10:45:10")],
            &["Added 09:00:00±1", "Modified 10:40:00±1", "Deleted 10:45:10±20"],
        );
        assert_eq!(replay.since, Since::At(at("08:30:01")));
        assert_eq!(replay.unseen, None);
    }

    #[test]
    fn a_removal_is_not_dated_by_the_write_before_it() {
        let raw = RawReplay::new(
            &[
                (VersionOp::Modified, object(235, "/api", Some("10:00:00"))),
                (VersionOp::Modified, object(240, "/api", Some("10:00:00"))),
            ],
            None,
        );
        let replay = check(
            &raw,
            &[(238, "10:30:00"), (250, "10:31:00")],
            &["Modified 10:00:00±1", "Modified 10:31:00±60"],
        );
        assert_eq!(replay.since, Since::Ever);
        // Also one that is as quick as clocks may differ.
        check(&raw, &[(238, "10:00:02"), (250, "10:00:03")], &["Modified 10:00:00±1", "Modified 10:00:03±1"]);
    }

    #[test]
    fn without_a_clock_a_deletion_has_no_time() {
        let raw = RawReplay::new(&[(VersionOp::Deleted, object(7, "/", None))], Some(5));
        let replay = check(&raw, &[], &["Deleted -±0"]);
        assert_eq!(replay.since, Since::Unknown);
    }

    #[test]
    fn what_cannot_be_decoded_leaves_the_replay_incomplete() {
        let mut broken = object(7, "/", None);
        broken["spec"]["rules"] = json!("no list");
        let raw = RawReplay::new(&[(VersionOp::Added, broken)], None);
        let replay = check(&raw, &[], &[]);
        assert!(matches!(replay.unseen, Some(Why::Malformed { .. })));
    }
}

//! `history.jsonl`: what a watch or the recorder saw, one version a line:
//! `{"type": "ADDED|MODIFIED|DELETED", "observedAt": TIME, "object": {…}}`.
//!
//! A version is dated by its newest managedFields time where that is news, else by the observation: a
//! watch sees a write within seconds. What two captures differ in happened between them: `notBefore` is
//! the time of the earlier.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::version::{decode, newest_write};
use crate::model::change::{ChangeSource, ObjectVersion, Replay, Since, VersionOp, Versioned};
use crate::model::gap::Why;
use crate::model::object::{Kind, ObjectKey};

/// How far an observation may lie behind the write.
const DELAY_S: u32 = 5;
/// Clocks of the watcher and the API server differ a little.
const SKEW: Duration = Duration::seconds(60);

#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    op: Op,
    #[serde(rename = "observedAt")]
    observed_at: DateTime<Utc>,
    #[serde(rename = "notBefore")]
    not_before: Option<DateTime<Utc>>,
    object: Value,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Op {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

/// Reads the lines of a history. Lines that are none, or whose object cannot be decoded, leave the
/// record incomplete; objects of other kinds are passed over.
pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Replay {
    let mut seen: Vec<(Op, Observed, Versioned)> = Vec::new();
    let mut kinds: BTreeSet<Kind> = BTreeSet::new();
    let mut since: Option<DateTime<Utc>> = None;
    let mut unseen = None;
    for (number, line) in (1_usize..).zip(lines).filter(|(_, line)| !line.trim().is_empty()) {
        let entry: Entry = match serde_json::from_str(line) {
            Ok(entry) => entry,
            Err(error) => {
                unseen = unseen.or(Some(Why::Malformed { detail: format!("line {number}: {error}") }));
                continue;
            }
        };
        since = Some(since.map_or(entry.observed_at, |since| since.min(entry.observed_at)));
        match decode(&entry.object, None) {
            Ok(Some(object)) => {
                kinds.insert(object.kind());
                let observed = Observed { at: entry.observed_at, not_before: entry.not_before };
                seen.push((entry.op, observed, object));
            }
            Ok(None) => {}
            Err(error) => {
                unseen = unseen.or(Some(Why::Malformed { detail: format!("line {number}: {error}") }));
            }
        }
    }
    // Versions of one object come in the order they were observed in.
    seen.sort_by_key(|(_, observed, _)| observed.at);
    let mut newest: BTreeMap<ObjectKey, DateTime<Utc>> = BTreeMap::new();
    let versions = seen.into_iter().filter_map(|(op, observed, object)| {
        let op = match op {
            Op::Added => VersionOp::Added,
            Op::Modified => VersionOp::Modified,
            Op::Deleted => VersionOp::Deleted,
            Op::Bookmark | Op::Error => return None,
        };
        let key = ObjectKey { kind: object.kind(), name: object.name() };
        Some(version(op, observed, object, newest.entry(key)))
    });
    Replay {
        source: ChangeSource::History,
        versions: versions.collect(),
        touches: Vec::new(),
        since: since.map_or(Since::Unknown, Since::At),
        kinds: kinds.into_iter().collect(),
        namespace: None,
        unseen,
    }
}

fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> u32 {
    u32::try_from((to - from).num_seconds()).unwrap_or(0).max(DELAY_S)
}

/// When a version was seen, and when at the earliest it came about, where that is known.
#[derive(Debug, Clone, Copy)]
struct Observed {
    at: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
}

fn version(
    op: VersionOp,
    observed: Observed,
    object: Versioned,
    newest: std::collections::btree_map::Entry<'_, ObjectKey, DateTime<Utc>>,
) -> ObjectVersion {
    let latest = observed.at.checked_add_signed(SKEW).unwrap_or(observed.at);
    let before = match &newest {
        std::collections::btree_map::Entry::Occupied(entry) => Some(*entry.get()),
        std::collections::btree_map::Entry::Vacant(_) => None,
    };
    // A time that was there before is that of an earlier write: this one was a removal.
    let written = newest_write(object.meta()).filter(|written| {
        op != VersionOp::Deleted
            && *written <= latest
            && before.is_none_or(|at| at < *written)
            && observed.not_before.is_none_or(|at| at <= *written)
    });
    if let Some(written) = written {
        newest.insert_entry(written);
    }
    let (at, precision_s) = match written {
        Some(written) => (written, 1),
        None => (observed.at, observed.not_before.map_or(DELAY_S, |from| seconds(from, observed.at))),
    };
    ObjectVersion { op, at: Some(at), precision_s, by: None, source: ChangeSource::History, object }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(op: &str, observed: &str, path: &str, written: Option<&str>) -> String {
        let fields = written.map(|at| {
            json!([{"manager": "helm", "operation": "Update", "time": format!("2026-11-22T{at}Z"),
                    "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:rules": {}}}}])
        });
        json!({"type": op, "observedAt": format!("2026-11-22T{observed}Z"), "object": {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "web", "namespace": "shop", "managedFields": fields},
            "spec": {"rules": [{"http": {"paths": [{"path": path, "pathType": "Prefix",
                "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]},
        }})
        .to_string()
    }

    fn told(replay: &Replay) -> Vec<String> {
        let line = |version: &ObjectVersion| {
            let at = version.at.map_or("-".to_owned(), |at| at.format("%H:%M:%S").to_string());
            format!("{:?} {at}±{}", version.op, version.precision_s)
        };
        replay.versions.iter().map(line).collect()
    }

    fn check(lines: &[String], expected: &[&str]) -> Replay {
        let replay = parse(lines.iter().map(String::as_str));
        assert_eq!(told(&replay), expected);
        replay
    }

    #[test]
    fn versions_are_dated_by_their_write_or_by_the_observation() {
        let replay = check(
            &[
                entry("ADDED", "10:00:00", "/", Some("09:00:00")),
                entry("MODIFIED", "11:00:01", "/api", Some("11:00:00")),
                entry("MODIFIED", "11:30:00", "/api", Some("11:00:00")),
                entry("DELETED", "11:40:00", "/api", Some("11:00:00")),
            ],
            &["Added 09:00:00±1", "Modified 11:00:00±1", "Modified 11:30:00±5", "Deleted 11:40:00±5"],
        );
        assert_eq!(replay.since, Since::At("2026-11-22T10:00:00Z".parse().expect("time")));
        assert_eq!((replay.kinds, replay.unseen), (vec![Kind::Ingress], None));
    }

    #[test]
    fn lines_out_of_order_are_put_in_order() {
        check(
            &[entry("MODIFIED", "11:00:00", "/b", None), entry("ADDED", "10:00:00", "/a", None)],
            &["Added 10:00:00±5", "Modified 11:00:00±5"],
        );
    }

    #[test]
    fn what_two_captures_differ_in_happened_between_them() {
        let later = |op: &str, path: &str, written: Option<&str>| {
            let mut line: Value = serde_json::from_str(&entry(op, "12:00:00", path, written)).expect("json");
            line["notBefore"] = "2026-11-22T10:00:00Z".into();
            line.to_string()
        };
        let added = entry("ADDED", "10:00:00", "/", Some("09:00:00"));
        check(
            &[added.clone(), later("DELETED", "/", Some("09:00:00"))],
            &["Added 09:00:00±1", "Deleted 12:00:00±7200"],
        );
        check(
            &[added.clone(), later("MODIFIED", "/api", Some("11:00:00"))],
            &["Added 09:00:00±1", "Modified 11:00:00±1"],
        );
        check(&[added, later("MODIFIED", "/api", None)], &["Added 09:00:00±1", "Modified 12:00:00±7200"]);
    }

    #[test]
    fn a_write_from_the_future_is_not_believed() {
        check(&[entry("MODIFIED", "10:00:00", "/", Some("23:00:00"))], &["Modified 10:00:00±5"]);
    }

    #[test]
    fn other_kinds_and_bookmarks_are_passed_over() {
        let pod = json!({"type": "ADDED", "observedAt": "2026-11-22T10:00:00Z",
                         "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}});
        let knative = json!({"type": "ADDED", "observedAt": "2026-11-22T10:00:00Z",
            "object": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": {"name": "x"}}});
        let bookmark = json!({"type": "BOOKMARK", "observedAt": "2026-11-22T10:00:00Z",
            "object": {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                       "metadata": {"name": "x", "resourceVersion": "5"}}});
        let replay = check(&[pod.to_string(), knative.to_string(), bookmark.to_string(), String::new()], &[]);
        assert_eq!(replay.unseen, None);
    }

    #[test]
    fn torn_and_hostile_lines_leave_the_record_incomplete_and_harm_nothing() {
        for line in [
            "{\"type\":\"ADDED\",\"observedAt\":\"2026-",
            "[]",
            "\u{0}",
            "{\"type\":\"ADDED\",\"observedAt\":\"2026-11-22T10:00:00Z\",\"object\":{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":7}}",
            "{\"type\":\"ADDED\",\"observedAt\":\"2026-11-22T10:00:00Z\",\"object\":{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"Ingress\",\"metadata\":{}}}",
        ] {
            let replay = parse([entry("ADDED", "10:00:00", "/", None).as_str(), line]);
            assert_eq!(told(&replay), ["Added 10:00:00±5"], "{line}");
            assert!(matches!(replay.unseen, Some(Why::Malformed { .. })), "{line}");
        }
    }
}

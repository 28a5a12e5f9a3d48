//! The plain layout: any tree of YAML or JSON files of Kubernetes objects as `kubectl get -o yaml|json`
//! prints them, plus `logs/<namespace>/<pod>/<container>.log`, `probes.jsonl`, `history.jsonl`,
//! `audit.jsonl` and `capture.json`, all optional.
//!
//! An archive usually has one folder around all of this; it is taken off.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::about::About;
use super::document::Documents;
use super::{Capture, Files, archive, document, encoding, probes};
use crate::model::gap::{Gap, Unseen, Why};
use crate::model::log::LogStream;
use crate::model::object::{Kind, Name};

/// Notes that are kept of one file.
const MAX_NOTES: usize = 3;

pub(super) fn read(files: Files, gaps: Vec<Gap>) -> Capture {
    let mut capture = Capture {
        about: None,
        objects: HashMap::new(),
        listed: BTreeSet::new(),
        secrets: BTreeSet::new(),
        logs: BTreeMap::new(),
        probes: Vec::new(),
        probe_lines: None,
        history: None,
        audit: None,
        torn: BTreeMap::new(),
        gaps: Vec::new(),
    };
    for gap in gaps {
        if may_hold_objects(&gap) {
            tear(&mut capture, &gap, Kind::ALL);
        }
        capture.gaps.push(gap);
    }
    let root = common_folder(&files);
    for (path, bytes) in files {
        let inner = path.strip_prefix(&root).unwrap_or(&path).to_owned();
        file(&mut capture, &inner, encoding::file(bytes));
    }
    for objects in capture.objects.values_mut() {
        keep_newest(objects);
    }
    capture
}

/// The folder that every file lies in, with its slash, as long as it is none the layout knows.
fn common_folder(files: &Files) -> String {
    let mut root = String::new();
    loop {
        let mut heads = files
            .keys()
            .map(|path| path.strip_prefix(&root).and_then(|rest| rest.split_once('/')).map(|(head, _)| head));
        let Some(Some(head)) = heads.next() else { return root };
        if head == "logs" || heads.any(|other| other != Some(head)) {
            return root;
        }
        root = format!("{root}{head}/");
    }
}

/// Notes that objects of these kinds may be in what could not be read.
fn tear(capture: &mut Capture, Gap { what, why: _ }: &Gap, kinds: impl IntoIterator<Item = Kind>) {
    let Unseen::File { path } = what else { return };
    for kind in kinds {
        let detail = format!("some may be in {path}, which could not be read");
        capture.torn.entry(kind).or_insert(Why::Malformed { detail });
    }
}

/// Whether objects may be in what an archive or folder could not give.
fn may_hold_objects(Gap { what, why }: &Gap) -> bool {
    let Unseen::File { path } = what else { return false };
    let leaf = path.rsplit('/').next().unwrap_or(path);
    let extensions = ["yaml", "yml", "json", "tar", "tgz", "gz", "zip"];
    !matches!(why, Why::Partial { .. }) && (!leaf.contains('.') || archive::has_extension(leaf, &extensions))
}

fn file(capture: &mut Capture, path: &str, bytes: Cow<'static, [u8]>) {
    let gap = |why| Gap { what: Unseen::File { path: path.to_owned() }, why };
    match path {
        "capture.json" => match About::read(&bytes) {
            Ok((about, mut notes)) => {
                notes.truncate(MAX_NOTES);
                capture.gaps.extend(notes.into_iter().map(|detail| gap(Why::Partial { detail })));
                capture.gaps.extend(about.file_gaps());
                capture.about = Some(about);
            }
            Err(detail) => capture.gaps.push(gap(Why::Malformed { detail })),
        },
        "probes.jsonl" => {
            let (read, faults) = probes::read(&bytes);
            capture.probes = read;
            capture.gaps.extend(faults);
            capture.probe_lines = Some(bytes);
        }
        "history.jsonl" => capture.history = Some(bytes),
        "audit.jsonl" => capture.audit = Some(bytes),
        // What a test or a person keeps beside a capture.
        "ask.json" | "expect.json" | "vectors.jsonl" => {}
        _ => {
            if let Some(stream) = log_stream(path) {
                capture.logs.insert(stream, bytes);
                return;
            }
            let read = if archive::has_extension(path, &["json"]) {
                document::json(&bytes)
            } else if archive::has_extension(path, &["yaml", "yml"]) {
                document::yaml(&bytes)
            } else {
                return;
            };
            let Documents { values, faults, mut notes } = read;
            for value in values {
                take(capture, value, 0, &mut notes);
            }
            if !faults.is_empty() {
                let gap = gap(Why::Malformed { detail: faults.join("; ") });
                tear(capture, &gap, document::kinds_in(&bytes));
                capture.gaps.push(gap);
            }
            if !notes.is_empty() {
                notes.dedup();
                notes.truncate(MAX_NOTES);
                capture.gaps.push(gap(Why::Partial { detail: notes.join("; ") }));
            }
        }
    }
}

/// Sorts a document into the capture; lists are opened. What is left out although it should be an
/// object is noted.
fn take(capture: &mut Capture, value: Value, depth: usize, notes: &mut Vec<String>) {
    let Value::Object(mut object) = value else {
        if depth > 0 {
            notes.push("an entry of a list is no object and was left out".to_owned());
        }
        return;
    };
    let Some(kind) = object.get("kind").and_then(Value::as_str).map(str::to_owned) else { return };
    if depth < 4 && kind.ends_with("List") && object.get("items").is_some_and(Value::is_array) {
        let item_kind = kind.trim_end_matches("List").to_owned();
        if let Some(known) = Kind::parse(&item_kind) {
            capture.listed.insert(known);
        }
        if let Some(Value::Array(items)) = object.remove("items") {
            for mut item in items {
                // Items of a typed list carry no kind of their own.
                if let Value::Object(fields) = &mut item
                    && !fields.contains_key("kind")
                    && !item_kind.is_empty()
                {
                    fields.insert("kind".to_owned(), Value::String(item_kind.clone()));
                }
                take(capture, item, depth + 1, notes);
            }
        }
        return;
    }
    let group = object
        .get("apiVersion")
        .and_then(Value::as_str)
        .map_or("", |version| version.split_once('/').map_or("", |(group, _)| group));
    let Some(known) = Kind::parse(&kind) else { return };
    // Objects of another group with the same kind name (Knative's Service, events.k8s.io) are not ours.
    let ours = group == known.api_group() || !object.contains_key("apiVersion");
    if ours && known == Kind::Secret {
        let text = |key: &str| {
            let metadata = object.get("metadata")?;
            metadata.get(key)?.as_str().map(str::to_owned)
        };
        let name = Name::new(text("namespace").unwrap_or_default(), text("name").unwrap_or_default());
        capture.secrets.insert(name);
    } else if ours {
        capture.listed.insert(known);
        let name = object.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
        if name.is_none_or(str::is_empty) {
            notes.push(format!("an object of kind {kind} has no metadata.name and was left out"));
            return;
        }
        capture.objects.entry(known).or_default().push(Value::Object(object));
    }
}

/// Of several versions of one object in different files, the one with the highest resource version.
fn keep_newest(objects: &mut Vec<Value>) {
    fn key(value: &Value) -> (String, String) {
        let text = |p: &str| value.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("/metadata/namespace"), text("/metadata/name"))
    }
    fn version(value: &Value) -> u64 {
        value
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str)
            .and_then(|v| v.parse().ok())
            .unwrap_or(0)
    }
    objects.sort_by_cached_key(|value| (key(value), std::cmp::Reverse(version(value))));
    objects.dedup_by_key(|value| key(value));
}

fn log_stream(path: &str) -> Option<LogStream> {
    let mut parts = path.strip_prefix("logs/")?.split('/');
    let (namespace, pod, file) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let name = file.strip_suffix(".log")?;
    let (container, previous) = match name.strip_suffix("-previous") {
        Some(container) => (container, true),
        None => (name, false),
    };
    Some(LogStream {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        container: container.to_owned(),
        previous,
    })
}

//! The plain layout: any tree of YAML or JSON files of Kubernetes objects as `kubectl get -o yaml|json`
//! prints them, plus `logs/<namespace>/<pod>/<container>.log`, `probes.jsonl`, `history.jsonl`,
//! `audit.jsonl` and `capture.json`, all optional.
//!
//! An archive usually has one folder around all of this; it is taken off.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::about::About;
use super::{Capture, Files, probes};
use crate::model::gap::{Gap, Unseen, Why};
use crate::model::log::LogStream;
use crate::model::object::{Kind, Name};

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
        gaps,
    };
    let root = common_folder(&files);
    for (path, bytes) in files {
        let inner = path.strip_prefix(&root).unwrap_or(&path).to_owned();
        if let Err(detail) = file(&mut capture, &inner, bytes) {
            capture.gaps.push(Gap { what: Unseen::File { path: inner }, why: Why::Malformed { detail } });
        }
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

fn file(capture: &mut Capture, path: &str, bytes: Cow<'static, [u8]>) -> Result<(), String> {
    match path {
        "capture.json" => capture.about = Some(About::read(&bytes)?),
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
                return Ok(());
            }
            let lower = path.to_ascii_lowercase();
            if lower.ends_with(".json") {
                let value: Value = serde_json::from_slice(&bytes).map_err(|e| e.to_string())?;
                take(capture, value, 0);
            } else if lower.ends_with(".yaml") || lower.ends_with(".yml") {
                yaml(capture, &bytes)?;
            }
        }
    }
    Ok(())
}

fn yaml(capture: &mut Capture, bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    // Kubernetes prints no anchors; a file that lives on aliases is an attack or not ours.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 60_000_000,
            max_nodes: 30_000_000,
            max_documents: 200_000,
            max_total_scalar_bytes: 512 << 20,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_depth: 100,
        },
        with_snippet: false,
    };
    let documents: Vec<Value> =
        serde_saphyr::from_str_multiple_with_options(&text, options).map_err(|error| first_line(&error))?;
    for document in documents {
        take(capture, document, 0);
    }
    Ok(())
}

fn first_line(error: &serde_saphyr::Error) -> String {
    error.to_string().lines().next().unwrap_or("not YAML").chars().take(200).collect()
}

/// Sorts a document into the capture; lists are opened.
fn take(capture: &mut Capture, value: Value, depth: usize) {
    let Value::Object(mut object) = value else { return };
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
                take(capture, item, depth + 1);
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

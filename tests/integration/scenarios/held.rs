//! What a capture's folder holds, read without the program's own reader.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// A capture as its files say it.
#[derive(Default)]
pub(crate) struct Held {
    /// Objects by the file they stand in, in its order.
    files: BTreeMap<String, Vec<Value>>,
    /// Past versions.
    past: Vec<Value>,
    /// Lines by namespace, pod and container, previous containers included.
    logs: BTreeMap<(String, String, String), Vec<String>>,
    pub(super) probes: Vec<Value>,
    /// Kinds of which a list was refused, and where: everywhere, or in a namespace.
    pub(super) refused: Vec<(String, String)>,
    /// What an audit log refers to: resource, namespace, name.
    audited: Vec<[String; 3]>,
    /// Everything as text.
    text: String,
}

impl Held {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut held = Self::default();
        let mut paths = Vec::new();
        walk(folder, &mut paths);
        paths.sort();
        for path in paths {
            let name = path.strip_prefix(folder).expect("below").to_string_lossy().replace('\\', "/");
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned();
            held.file(&name, &text);
        }
        held
    }

    fn file(&mut self, name: &str, text: &str) {
        let lines = || text.lines().filter(|line| !line.trim().is_empty());
        let json = |line: &str| serde_json::from_str::<Value>(line).expect(name);
        match name {
            "ask.json" | "expect.json" => return,
            "capture.json" => {
                let errors = json(text)["errors"].as_array().cloned().unwrap_or_default();
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                self.refused
                    .extend(errors.iter().map(|error| (text(&error["resource"]), text(&error["namespace"]))));
            }
            "probes.jsonl" => self.probes.extend(lines().map(json)),
            "history.jsonl" => self.past.extend(lines().map(|line| json(line)["object"].clone())),
            "audit.jsonl" => {
                let whole =
                    |line: &str| ["requestObject", "responseObject"].map(|key| json(line)[key].clone());
                self.past.extend(lines().flat_map(whole));
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let refers = |line: &str| {
                    let about = &json(line)["objectRef"];
                    ["resource", "namespace", "name"].map(|key| text(&about[key]))
                };
                self.audited.extend(lines().map(refers));
            }
            _ if name.starts_with("logs/") => {
                let mut parts = name.splitn(4, '/').skip(1).map(str::to_owned);
                let mut part = || parts.next().expect("logs/NAMESPACE/POD/CONTAINER.log");
                let (namespace, pod, file) = (part(), part(), part());
                let container = file.trim_end_matches(".log").trim_end_matches("-previous").to_owned();
                let log = self.logs.entry((namespace, pod, container)).or_default();
                log.extend(text.lines().map(str::to_owned));
            }
            _ => {
                let documents: Vec<Value> = serde_saphyr::from_multiple(text).expect(name);
                self.files.insert(name.to_owned(), documents.into_iter().flat_map(opened).collect());
            }
        }
        self.text.push_str(text);
    }

    pub(super) fn log(&self, namespace: &str, pod: &str, container: &str) -> Option<&[String]> {
        let key = (namespace.to_owned(), pod.to_owned(), container.to_owned());
        self.logs.get(&key).map(Vec::as_slice)
    }

    /// The object as it is now.
    pub(super) fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.files.values().flatten().find(|object| is(object, kind, namespace, name))
    }

    /// Whether there is any trace of the object: it exists, existed, or something speaks of it.
    pub(super) fn knows(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let refers = |reference: &Value| {
            let text = |key: &str| reference[key].as_str().unwrap_or_default();
            text("kind") == kind && text("name") == name && text("namespace") == namespace
        };
        let events = self.files.values().flatten().any(|object| refers(&object["involvedObject"]));
        let past = self.past.iter().any(|object| is(object, kind, namespace, name));
        let audited = [plural(kind), namespace.to_owned(), name.to_owned()];
        events || past || self.audited.contains(&audited) || self.object(kind, namespace, name).is_some()
    }

    /// Whether the text occurs anywhere, also cut or escaped as JSON.
    pub(super) fn says(&self, text: &str) -> bool {
        let text = text.trim_end_matches('…');
        let escaped = Value::from(text).to_string();
        self.text.contains(text)
            || self.text.contains(escaped.trim_matches('"'))
            || self.files.values().flatten().any(|object| any_scalar(object, &|scalar| scalar.contains(text)))
    }

    /// Whether anything in the capture carries this time, to the second.
    pub(super) fn has_time(&self, at: DateTime<Utc>) -> bool {
        spellings(at).iter().any(|time| self.text.contains(time))
    }

    /// The same capture with the objects of every file, and the files, in the opposite order.
    pub(super) fn write_reversed(&self, from: &Path, to: &Path) {
        let mut paths = Vec::new();
        walk(from, &mut paths);
        for path in paths {
            let name = path.strip_prefix(from).expect("below").to_string_lossy().replace('\\', "/");
            if !self.files.contains_key(&name) {
                let target = to.join(&name);
                fs::create_dir_all(target.parent().expect("a parent")).expect("a folder");
                fs::copy(&path, target).expect("a copy");
            }
        }
        for (number, objects) in self.files.values().rev().enumerate() {
            let items: Vec<&Value> = objects.iter().rev().collect();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
            fs::write(to.join(format!("{number:03}.json")), list.to_string()).expect("a file");
        }
    }
}

/// How a time stands in logs and objects, to the second.
pub(super) fn spellings(at: DateTime<Utc>) -> [String; 4] {
    ["%Y-%m-%dT%H:%M:%S", "%d/%b/%Y:%H:%M:%S", "%m%d %H:%M:%S", "%Y/%m/%d %H:%M:%S"]
        .map(|format| at.format(format).to_string())
}

fn any_scalar(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::Object(map) => map.values().any(|value| any_scalar(value, test)),
        Value::Array(list) => list.iter().any(|value| any_scalar(value, test)),
        Value::String(text) => test(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => test(&value.to_string()),
    }
}

fn is(object: &Value, kind: &str, namespace: &str, name: &str) -> bool {
    let meta = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    object["kind"] == kind && meta("namespace") == namespace && meta("name") == name
}

/// The items of a list, or the object itself.
fn opened(document: Value) -> Vec<Value> {
    let kind = document["kind"].as_str().unwrap_or_default().to_owned();
    let Some(items) = document["items"].as_array() else { return vec![document] };
    let with_kind = |item: &Value| {
        let mut item = item.clone();
        if item["kind"].is_null() {
            item["kind"] = json!(kind.trim_end_matches("List"));
        }
        item
    };
    items.iter().map(with_kind).collect()
}

/// The resource of a kind.
pub(super) fn plural(kind: &str) -> String {
    format!("{}{}", kind.to_lowercase(), if kind.ends_with('s') { "es" } else { "s" })
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

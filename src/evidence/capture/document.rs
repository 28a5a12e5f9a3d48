//! One file of objects as documents, JSON or YAML, within bounds. A fault costs the document it stands
//! in; where a key stands twice the last one counts, as for the API server, and is told.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::model::object::Kind;

/// Stack for reading documents of the deepest nesting that is read.
pub(super) const STACK: usize = 64 << 20;
/// How deep a YAML document may nest; serde_json has its own bound, 128.
const MAX_DEPTH: usize = 100;
/// Faults that are kept of one file.
const MAX_FAULTS: usize = 3;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Documents {
    pub(super) values: Vec<Value>,
    /// What could not be read.
    pub(super) faults: Vec<String>,
    /// What was read otherwise than it is written.
    pub(super) notes: Vec<String>,
}

impl Documents {
    fn fault(&mut self, detail: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(detail);
        }
    }

    fn note(&mut self, detail: String) {
        if self.notes.len() < MAX_FAULTS {
            self.notes.push(detail);
        }
    }
}

/// A JSON file: one document.
pub(super) fn json(bytes: &[u8]) -> Documents {
    let mut documents = Documents::default();
    let text = text(bytes, &mut documents);
    let twice = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_str(&text);
    let read = Unique(&twice).deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match read {
        Ok(value) => documents.values.push(value),
        Err(error) => documents.fault(error.to_string()),
    }
    if let Some(key) = twice.take() {
        documents.note(format!("the key {key:?} stands twice in one object, the last one counts"));
    }
    documents
}

/// A YAML file of any number of documents.
pub(super) fn yaml(bytes: &[u8]) -> Documents {
    let mut documents = Documents::default();
    let text = text(bytes, &mut documents);
    for (line, document) in split(&text) {
        let twice = RefCell::new(None);
        let read = serde_saphyr::with_deserializer_from_str_with_options(document, options(), |reader| {
            Unique(&twice).deserialize(reader)
        });
        match read {
            Ok(value) => documents.values.push(value),
            Err(error) => documents.fault(told(&error, line)),
        }
        if let Some(key) = twice.take() {
            let detail = "stands twice in one object, the last one counts";
            documents.note(format!("the key {key:?} of the document at line {line} {detail}"));
        }
    }
    documents
}

fn text<'a>(bytes: &'a [u8], documents: &mut Documents) -> std::borrow::Cow<'a, str> {
    let text = String::from_utf8_lossy(bytes);
    if matches!(text, std::borrow::Cow::Owned(_)) {
        documents.note("bytes that are no UTF-8 read as U+FFFD".to_owned());
    }
    text
}

/// The documents of a YAML stream with the line each begins on. A line that begins with `---` cannot
/// stand inside a document.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut start, mut line, mut at) = (0, 1, 0);
    for (number, whole) in (1_usize..).zip(text.split_inclusive('\n')) {
        let is_mark = whole
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace()));
        if is_mark && start < at {
            documents.push((line, text.get(start..at).unwrap_or_default()));
            (start, line) = (at, number);
        }
        at += whole.len();
    }
    documents.push((line, text.get(start..).unwrap_or_default()));
    documents.retain(|(_, document)| document.trim_start_matches("---").lines().any(says_something));
    documents
}

fn says_something(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 60_000_000,
            max_nodes: 30_000_000,
            max_total_scalar_bytes: 512 << 20,
            // Kubernetes prints no anchors; a file that lives on aliases is an attack or not ours.
            max_aliases: 0,
            max_depth: MAX_DEPTH,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        with_snippet: false,
    }
}

/// The parser's words, with the line counted in the file.
fn told(error: &serde_saphyr::Error, first: usize) -> String {
    let place = error.location().and_then(|at| usize::try_from(at.line()).ok());
    let line = first + place.unwrap_or(1).saturating_sub(1);
    let words = error.to_string();
    let words = words.lines().next().unwrap_or("not YAML");
    let words = words.rfind(" at line ").and_then(|at| words.get(..at)).unwrap_or(words);
    let words = if words.contains("aliases") {
        "YAML aliases are not read; print the objects with `kubectl get -o yaml`".to_owned()
    } else if words.contains("Depth {") || words.contains("recursion limit") {
        format!("it nests deeper than {MAX_DEPTH} levels")
    } else {
        words.chars().take(200).collect()
    };
    format!("line {line}: {words}")
}

/// The kinds that a text mentions as the kind of an object: what may be in a file that cannot be read.
pub(super) fn kinds_in(bytes: &[u8]) -> BTreeSet<Kind> {
    static MENTION: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#"\bkind["']?\s*:\s*["']?([A-Za-z]+)"#).ok());
    let Some(mention) = &*MENTION else { return BTreeSet::new() };
    mention
        .captures_iter(bytes)
        .filter_map(|found| {
            let name = std::str::from_utf8(found.get(1)?.as_bytes()).ok()?;
            Kind::parse(name).or_else(|| Kind::parse(name.strip_suffix("List")?))
        })
        .collect()
}

/// A value that remembers a key which stood twice.
#[derive(Clone, Copy)]
struct Unique<'a>(&'a RefCell<Option<String>>);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        self.deserialize(reader)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if map.contains_key(&key) {
                self.0.borrow_mut().get_or_insert_with(|| key.chars().take(80).collect());
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(documents: &Documents, values: &[Value], faults: &[&str], notes: &[&str]) {
        assert_eq!(documents.values, values);
        assert_eq!(documents.faults, faults);
        assert_eq!(documents.notes, notes);
    }

    #[test]
    fn yaml_is_typed_as_json_is() {
        let read =
            yaml(b"a: 1\nb: -2\nc: 1.5\nd: true\ne: null\nf: '1'\ng: [x]\n80: z\nh: 2026-11-22T10:00:00Z\n");
        let value = json!({"a": 1, "b": -2, "c": 1.5, "d": true, "e": null, "f": "1", "g": ["x"], "80": "z",
                           "h": "2026-11-22T10:00:00Z"});
        check(&read, std::slice::from_ref(&value), &[], &[]);
        check(&json(value.to_string().as_bytes()), &[value], &[], &[]);
    }

    #[test]
    fn documents_are_told_apart() {
        check(
            &yaml(b"---\na: 1\n---\n# nothing\n---\nb: |\n  ---\n  x\n--- \nc: 2"),
            &[json!({"a": 1}), json!({"b": "---\nx\n"}), json!({"c": 2})],
            &[],
            &[],
        );
        check(&yaml(b""), &[], &[], &[]);
    }

    #[test]
    fn a_fault_costs_its_document() {
        let read = yaml(b"a: 1\n---\nb: [x\nc: }\n---\nd: 2\n");
        assert_eq!(read.values, [json!({"a": 1}), json!({"d": 2})]);
        let [fault] = read.faults.as_slice() else { panic!("{:?}", read.faults) };
        assert!(fault.starts_with("line 4: "), "{fault}");
    }

    #[test]
    fn of_keys_that_stand_twice_the_last_counts() {
        check(
            &json(br#"{"a": {"b": 1, "b": 2}}"#),
            &[json!({"a": {"b": 2}})],
            &[],
            &["the key \"b\" stands twice in one object, the last one counts"],
        );
        check(
            &yaml(b"x: 0\n---\na:\n  b: 1\n  b: 2\n"),
            &[json!({"x": 0}), json!({"a": {"b": 2}})],
            &[],
            &["the key \"b\" of the document at line 2 stands twice in one object, the last one counts"],
        );
    }

    #[test]
    fn no_alias_is_followed() {
        let read = yaml(b"a: &a [x]\nb: *a\n---\nc: 1\n");
        check(
            &read,
            &[json!({"c": 1})],
            &["line 2: YAML aliases are not read; print the objects with `kubectl get -o yaml`"],
            &[],
        );
    }

    #[test]
    fn what_a_broken_file_may_hold_is_read_off_its_text() {
        let kinds =
            kinds_in(b"kind: IngressList\nitems:\n- {\"kind\":\"Service\"}\n- kind: Odd\nmykind: Pod\n");
        assert_eq!(kinds, [Kind::Ingress, Kind::Service].into());
    }

    #[test]
    fn no_depth_ends_the_program() {
        let deep = |open: &str, close: &str| format!("{}x{}", open.repeat(5_000), close.repeat(5_000));
        let rungs: String = (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        let texts = [deep("[", "]"), deep("{a: ", "}"), deep("- ", ""), rungs, "[".repeat(1_000_000)];
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || {
            for text in texts {
                assert!(!yaml(text.as_bytes()).faults.is_empty());
                assert!(!json(text.as_bytes()).faults.is_empty());
            }
        });
        thread.expect("a thread").join().expect("an end");
    }
}

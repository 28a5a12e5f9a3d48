//! Whether what a result cites exists in the capture it was made from, character for character.

use chrono::{DateTime, Utc};
use routecause::report::text::Text;
use serde_json::Value;

use super::held::{Held, plural, spellings};
use crate::support::field_path;

/// Every source that a result names, at any depth.
pub(crate) fn within(result: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    collect(result, &mut found);
    found
}

fn collect<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if key == "source" && value.is_object() {
                    found.push(value);
                } else {
                    collect(value, found);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Holds one source against the capture.
pub(crate) fn check(source: &Value, held: &Held) -> Result<(), String> {
    let shapes = source.as_object().ok_or("a source is an object")?;
    let [(shape, cited)] = shapes.iter().collect::<Vec<_>>()[..] else {
        return Err("a source has one shape".to_owned());
    };
    match shape.as_str() {
        "object" => object(cited, held),
        "absent" => absent(cited, held),
        "log" => log(cited, held),
        "probe" => probe(cited, held),
        "change" => change(cited, held),
        other => Err(format!("{other} is no shape of a source")),
    }
}

fn text<'v>(cited: &'v Value, key: &str) -> &'v str {
    cited[key].as_str().unwrap_or_default()
}

fn time(cited: &Value) -> Result<Option<DateTime<Utc>>, String> {
    let parse = |text: &str| text.parse().map_err(|_| format!("{text:?} is no time"));
    cited["at"].as_str().map(parse).transpose()
}

/// The field stands there with this value; without a value it is not set.
fn object(cited: &Value, held: &Held) -> Result<(), String> {
    let found = held
        .object(text(cited, "kind"), text(cited, "namespace"), text(cited, "name"))
        .ok_or("there is no such object")?;
    let uid = found["metadata"]["uid"].as_str().unwrap_or_default();
    if uid != text(cited, "uid") {
        return Err(format!("its uid is {uid:?}"));
    }
    let stands = field_path::get(found, text(cited, "field"))?;
    match (&cited["value"], stands) {
        (Value::Null, stands) if field_path::is_unset(stands) => Ok(()),
        (Value::String(value), Some(stands)) if value == Text::new(&field_path::as_text(stands)).as_str() => {
            Ok(())
        }
        (value, stands) => Err(format!("cited is {value}, there stands {stands:?}")),
    }
}

/// The object is not there, and its list was not refused.
fn absent(cited: &Value, held: &Held) -> Result<(), String> {
    let kind = text(cited, "kind");
    if held.object(kind, text(cited, "namespace"), text(cited, "name")).is_some() {
        return Err("it exists".to_owned());
    }
    if text(cited, "looked_in").is_empty() {
        return Err("it does not say which list was read".to_owned());
    }
    let plural = plural(kind);
    let here = |refused: &&(String, String)| {
        let (resource, namespace) = refused;
        resource.split('.').next() == Some(&plural)
            && (namespace.is_empty() || namespace == text(cited, "namespace"))
    };
    match held.refused.iter().find(here) {
        Some((resource, _)) => Err(format!("the list of {resource} was refused")),
        None => Ok(()),
    }
}

/// The line stands in that container's log, at that time.
fn log(cited: &Value, held: &Held) -> Result<(), String> {
    let lines = held
        .log(text(cited, "namespace"), text(cited, "pod"), text(cited, "container"))
        .ok_or("no log of this container was captured")?;
    let line = text(cited, "line");
    // A line is cited with or without the time that kubectl printed before it; of a long one, its head.
    let same = |raw: &&String| {
        let bare = raw.split_once(' ').map_or("", |(_, rest)| rest);
        [raw.as_str(), bare].into_iter().any(|raw| {
            let head: String = raw.chars().take(256).collect();
            [raw, &head].into_iter().any(|text| Text::new(text).as_str() == line)
        })
    };
    let found: Vec<&String> = lines.iter().filter(same).collect();
    if found.is_empty() {
        return Err("the log has no such line".to_owned());
    }
    match time(cited)? {
        None => Ok(()),
        Some(at) if found.iter().any(|raw| spellings(at).iter().any(|time| raw.contains(time))) => Ok(()),
        Some(at) => Err(format!("the line is not of {at}")),
    }
}

/// The probe was recorded, with this answer.
fn probe(cited: &Value, held: &Held) -> Result<(), String> {
    let at = time(cited)?;
    let same = |recorded: &&Value| {
        let from = match &recorded["from"] {
            Value::Object(from) => {
                let part = |key: &str| from.get(key).and_then(Value::as_str).unwrap_or_default();
                format!("{}/{}", part("namespace"), part("name"))
            }
            from => from.as_str().unwrap_or("client").to_owned(),
        };
        recorded["url"].as_str().is_some_and(|url| Text::new(url).as_str() == text(cited, "url"))
            && from == text(cited, "from")
            && recorded["status"].as_u64().filter(|status| *status != 0) == cited["status"].as_u64()
            && time(recorded).ok().flatten() == at
    };
    held.probes.iter().find(same).map(|_| ()).ok_or_else(|| "no such probe was recorded".to_owned())
}

/// The object is known, the field is one of its parts, and values and time occur in the capture.
fn change(cited: &Value, held: &Held) -> Result<(), String> {
    let about = &cited["object"];
    let (kind, namespace, name) = (text(about, "kind"), text(about, "namespace"), text(about, "name"));
    if !held.knows(kind, namespace, name) {
        return Err("there is no trace of such an object".to_owned());
    }
    let field = text(cited, "field");
    field_path::get(&Value::Null, field)?;
    let part = field.split(['.', '[']).next().unwrap_or_default();
    let parts = ["", "metadata", "spec", "data", "status", "endpoints", "ports", "decision", "reload"];
    if !parts.contains(&part) {
        return Err(format!("an object has no {part}"));
    }
    for key in ["before", "after"] {
        if let Some(value) = cited[key].as_str()
            && !held.says(value)
        {
            return Err(format!("{key} occurs nowhere"));
        }
    }
    match time(cited)? {
        Some(at) if held.has_time(at) => Ok(()),
        Some(at) => Err(format!("nothing carries the time {at}")),
        None => Err("a change has a time".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn held() -> Held {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        write(
            "objects.yaml",
            "kind: List\nitems:\n- kind: Ingress\n  metadata: {name: web, namespace: shop, uid: u1}\n  \
             spec: {rules: [{host: a.example.com}]}\n  status: {loadBalancer: {}}\n",
        );
        write(
            "logs/ingress/ctl-1/controller.log",
            "2026-11-20T09:02:11.77Z 203.0.113.41 - - [20/Nov/2026:09:02:11 +0000] \"GET / HTTP/2.0\" 404\n",
        );
        write(
            "probes.jsonl",
            r#"{"at":"2026-11-20T09:02:12Z","from":{"kind":"Pod","namespace":"shop","name":"web-1"},"url":"http://a/","status":404}"#,
        );
        write("capture.json", r#"{"errors":[{"resource":"services","reason":"Forbidden"}]}"#);
        Held::read(folder.path())
    }

    fn ok(source: Value) {
        assert_eq!(check(&source, &held()), Ok(()), "{source}");
    }

    fn wrong(source: Value, part: &str) {
        let fault = check(&source, &held()).expect_err(part);
        assert!(fault.contains(part), "{source}: {fault}");
    }

    fn ingress(uid: &str, field: &str, value: Value) -> Value {
        json!({"object": {"kind": "Ingress", "namespace": "shop", "name": "web", "uid": uid, "field": field, "value": value}})
    }

    #[test]
    fn a_field_stands_with_its_value_or_is_not_set() {
        ok(ingress("u1", "spec.rules[0].host", json!("a.example.com")));
        ok(ingress("u1", "spec.ingressClassName", json!(null)));
        ok(ingress("u1", "status.loadBalancer", json!(null)));
        wrong(ingress("u1", "spec.rules[0].host", json!("b.example.com")), "there stands");
        wrong(ingress("u1", "spec.rules[0].host", json!(null)), "there stands");
        wrong(ingress("u2", "spec.rules[0].host", json!("a.example.com")), "uid");
        wrong(json!({"object": {"kind": "Ingress", "namespace": "shop", "name": "api"}}), "no such object");
    }

    #[test]
    fn an_absence_is_of_a_list_that_was_read() {
        let gone = |kind: &str, name: &str| json!({"absent": {"kind": kind, "namespace": "shop", "name": name, "looked_in": "all"}});
        ok(gone("Ingress", "api"));
        wrong(gone("Ingress", "web"), "exists");
        wrong(gone("Service", "api"), "refused");
    }

    #[test]
    fn a_line_stands_in_its_log_at_its_time() {
        let line = |pod: &str, at: &str, line: &str| json!({"log": {"namespace": "ingress", "pod": pod, "container": "controller", "at": at, "line": line}});
        let text = "203.0.113.41 - - [20/Nov/2026:09:02:11 +0000] \"GET / HTTP/2.0\" 404";
        ok(line("ctl-1", "2026-11-20T09:02:11Z", text));
        wrong(line("ctl-1", "2026-11-20T09:02:12Z", text), "not of");
        wrong(line("ctl-2", "2026-11-20T09:02:11Z", text), "no log");
        wrong(line("ctl-1", "2026-11-20T09:02:11Z", "GET /"), "no such line");
    }

    #[test]
    fn a_probe_was_recorded_and_a_change_left_traces() {
        let probe = |from: &str, status: u16| json!({"probe": {"at": "2026-11-20T09:02:12Z", "from": from, "url": "http://a/", "status": status}});
        ok(probe("shop/web-1", 404));
        wrong(probe("shop/web-1", 200), "no such probe");
        wrong(probe("client", 404), "no such probe");
        let change = |name: &str, field: &str, after: &str| {
            json!({"change": {"at": "2026-11-20T09:02:11Z", "field": field, "before": null, "after": after,
                              "object": {"kind": "Ingress", "namespace": "shop", "name": name}}})
        };
        ok(change("web", "spec.rules[0].host", "a.example.com"));
        wrong(change("api", "spec.rules[0].host", "a.example.com"), "no trace");
        wrong(change("web", "nonsense", "a.example.com"), "has no nonsense");
        wrong(change("web", "spec.rules[0].host", "c.example.com"), "occurs nowhere");
    }
}

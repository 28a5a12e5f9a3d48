//! `probes.jsonl`: probes that were made when the capture was taken, one a line.

use serde::Deserialize;
use serde_json::Value;

use crate::model::gap::{Gap, Unseen, Why};
use crate::model::object::{Kind, ObjectKey};
use crate::model::probe::{ProbeOutput, Target, Via};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Wire {
    at: Option<String>,
    from: Value,
    via: Option<String>,
    target: Value,
    method: Option<String>,
    url: String,
    resolved_to: Option<String>,
    sni: Option<String>,
    status: Option<u16>,
    headers: Value,
    body: Option<String>,
    error: Option<String>,
}

/// Reads all lines; a line that is not a probe becomes a gap.
pub(super) fn read(bytes: &[u8]) -> (Vec<ProbeOutput>, Vec<Gap>) {
    let mut probes = Vec::new();
    let mut gaps = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Wire>(line) {
            Ok(wire) if !wire.url.is_empty() => probes.push(lower(wire)),
            Ok(_) => gaps.push(fault(number, "it has no url".to_owned())),
            Err(error) => gaps.push(fault(number, error.to_string())),
        }
    }
    (probes, gaps)
}

fn fault(number: usize, detail: String) -> Gap {
    Gap {
        what: Unseen::File { path: format!("probes.jsonl:{}", number + 1) },
        why: Why::Malformed { detail },
    }
}

fn lower(wire: Wire) -> ProbeOutput {
    let Wire { at, from, via, target, method, url, resolved_to, sni, status, headers, body, error } = wire;
    ProbeOutput {
        at: at.and_then(|text| text.parse().ok()),
        from: match &from {
            Value::String(text) if !text.is_empty() => text.clone(),
            Value::Object(_) => object(&from).map_or_else(|| "client".to_owned(), |key| key.name.to_string()),
            _ => "client".to_owned(),
        },
        via: match via.as_deref() {
            Some("direct") => Via::Direct,
            Some("port_forward" | "port-forward") => Via::PortForward,
            Some("exec") => Via::Exec,
            _ => Via::Recorded,
        },
        target: match &target {
            Value::String(text) => Target::parse(text),
            Value::Object(_) => object(&target).and_then(|key| match key.kind {
                Kind::Pod => Some(Target::Pod),
                Kind::Service => Some(Target::Service),
                _ => None,
            }),
            _ => None,
        },
        to: object(&target),
        method: method.unwrap_or_else(|| "GET".to_owned()),
        url,
        resolved_to,
        sni,
        status: status.filter(|status| *status != 0),
        headers: match headers {
            Value::Object(map) => map.into_iter().map(|(key, value)| (key, plain(value))).collect(),
            Value::Array(list) => list
                .into_iter()
                .filter_map(|pair| match pair {
                    Value::Array(pair) => {
                        let mut pair = pair.into_iter().map(plain);
                        Some((pair.next()?, pair.next()?))
                    }
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        },
        body: body.unwrap_or_default(),
        error,
        millis: None,
        certificate: None,
    }
}

fn plain(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn object(value: &Value) -> Option<ObjectKey> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(ObjectKey::new(Kind::parse(text("kind"))?, text("namespace"), text("name")))
}

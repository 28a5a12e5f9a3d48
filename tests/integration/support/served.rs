//! A capture served as the API server it was taken of.

use routecause::evidence::capture::Capture;
use routecause::model::log::LogStream;
use routecause::model::object::Kind;
use serde_json::{Value, json};

use super::api_server::{Reply, Seen};

/// What an identity may do: verb, group, resource with its subresource, namespace.
pub(crate) type May = dyn Fn(&str, &str, &str, &str) -> bool + Send + Sync;

/// Answers as the cluster of a capture would, to an identity that may do this.
pub(crate) fn served(capture: Capture, may: Box<May>) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| answer(&capture, &may, seen)
}

/// May do everything.
pub(crate) fn everything() -> Box<May> {
    Box::new(|_, _, _, _| true)
}

fn answer(capture: &Capture, may: &May, seen: &Seen) -> Reply {
    if seen.path == "/version" {
        return Reply::Json(200, json!({"gitVersion": "v1.34.2"}));
    }
    if seen.path.ends_with("/selfsubjectaccessreviews") {
        let asked: Value = serde_json::from_slice(&seen.body).expect("a review");
        let text =
            |key: &str| asked["spec"]["resourceAttributes"][key].as_str().unwrap_or_default().to_owned();
        let resource = match text("subresource") {
            sub if sub.is_empty() => text("resource"),
            sub => format!("{}/{sub}", text("resource")),
        };
        let allowed = may(&text("verb"), &text("group"), &resource, &text("namespace"));
        return Reply::Json(201, json!({"status": {"allowed": allowed}}));
    }
    let segments: Vec<&str> = seen.path.split('/').skip(1).collect();
    let (group, rest) = match segments.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, "v1", rest @ ..] => (*group, rest),
        _ => return Reply::Text(404, "text/plain", "404 page not found".to_owned()),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, inner @ ..] if !inner.is_empty() => (*namespace, inner),
        rest => ("", rest),
    };
    let [resource, name @ ..] = rest else { return Reply::status(404, "NotFound", "nothing there") };
    let is_watch = seen.asked("watch") == Some("true");
    let verb = match name {
        [] if is_watch => "watch",
        [] => "list",
        _ => "get",
    };
    let full = if name.len() == 2 { format!("{resource}/{}", name[1]) } else { (*resource).to_owned() };
    if !may(verb, group, &full, namespace) {
        let place = if namespace.is_empty() { "at the cluster scope" } else { "in the namespace" };
        return Reply::status(
            403,
            "Forbidden",
            &format!("{full} is forbidden: User \"x\" cannot {verb} {place}"),
        );
    }
    let Some(kind) =
        Kind::ALL.into_iter().find(|kind| (kind.api_group(), kind.resource()) == (group, *resource))
    else {
        return Reply::Text(404, "text/plain", "404 page not found".to_owned());
    };
    assert_ne!(kind, Kind::Secret, "Secrets are never read");
    match name {
        [] if is_watch => watch(capture, kind, namespace, seen),
        [] => {
            let items: Vec<Value> = capture
                .raw(kind)
                .iter()
                .filter(|object| namespace.is_empty() || object["metadata"]["namespace"] == namespace)
                .map(|object| {
                    // As items of a List travel.
                    let mut object = object.clone();
                    object
                        .as_object_mut()
                        .expect("an object")
                        .retain(|key, _| key != "kind" && key != "apiVersion");
                    object
                })
                .collect();
            Reply::Json(
                200,
                json!({"kind": format!("{kind}List"), "metadata": {"resourceVersion": "1"}, "items": items}),
            )
        }
        [name] => {
            let found = capture.raw(kind).iter().find(|object| {
                object["metadata"]["name"] == *name
                    && (namespace.is_empty() || object["metadata"]["namespace"] == namespace)
            });
            found.map_or_else(|| Reply::not_found(resource, name), |object| Reply::Json(200, object.clone()))
        }
        [pod, _log] => {
            let stream = LogStream {
                namespace: namespace.to_owned(),
                pod: (*pod).to_owned(),
                container: seen.asked("container").unwrap_or_default().to_owned(),
                previous: seen.asked("previous") == Some("true"),
            };
            match capture.log(&stream) {
                Some(log) => Reply::Text(200, "text/plain", String::from_utf8_lossy(log).into_owned()),
                None if stream.previous => Reply::status(
                    400,
                    "BadRequest",
                    "previous terminated container \"x\" in pod \"y\" not found",
                ),
                None => Reply::not_found("pods", pod),
            }
        }
        _ => Reply::status(404, "NotFound", "nothing there"),
    }
}

/// The events of the capture's history, as the watch cache would hold them: it begins after every object
/// of whose present version it has no event.
fn watch(capture: &Capture, kind: Kind, namespace: &str, seen: &Seen) -> Reply {
    let version = |object: &Value| -> u64 {
        object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    let events: Vec<Value> = capture
        .history
        .as_deref()
        .unwrap_or_default()
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|line| line["object"]["kind"] == kind.as_str())
        .collect();
    let told = |object: &Value| {
        let same = |event: &&Value| {
            ["name", "namespace"]
                .iter()
                .all(|key| event["object"]["metadata"][key] == object["metadata"][key])
        };
        events.iter().filter(same).any(|event| version(object) <= version(&event["object"]))
    };
    let oldest = capture.raw(kind).iter().filter(|object| !told(object)).map(version).max();
    let asked = seen.asked("resourceVersion").and_then(|text| text.parse::<u64>().ok()).unwrap_or_default();
    let line = |line: Value| Some(format!("{line}\n").into_bytes());
    if let Some(oldest) = oldest.filter(|oldest| asked < *oldest) {
        let status = json!({"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410,
                            "message": format!("too old resource version: {asked} ({oldest})")});
        return Reply::Endless(vec![line(json!({"type": "ERROR", "object": status}))]);
    }
    let events = events
        .iter()
        .filter(|event| namespace.is_empty() || event["object"]["metadata"]["namespace"] == namespace)
        .filter(|event| oldest.is_none_or(|oldest| oldest < version(&event["object"])))
        .map(|event| line(json!({"type": event["type"], "object": event["object"]})));
    let events: Vec<_> = events.collect();
    // The server itself ends a watch of which there is nothing to tell.
    if events.is_empty() { Reply::Pieces(vec![None; 10]) } else { Reply::Endless(events) }
}

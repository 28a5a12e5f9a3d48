//! `audit.jsonl`: `audit.k8s.io/v1` Events, one a line.
//!
//! Writes that succeeded count: stage `ResponseComplete`, status below 400, no dry run, no subresource.
//! At level `RequestResponse` the answer holds the object; at `Metadata` only the fact is known, as it is
//! for deletions whose answer is a bare Status, and for kinds whose versions are not kept.
//! An audit policy may leave writes out: silence proves nothing, so no bound is claimed.
//! Source: apiserver `pkg/apis/audit/v1/types.go` @ v1.36.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::version::decode;
use crate::model::change::{ChangeSource, ObjectVersion, Replay, Since, Touch, VersionOp};
use crate::model::gap::Why;
use crate::model::object::{Kind, ObjectKey};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    #[serde(default, rename = "requestURI")]
    request_uri: String,
    #[serde(default)]
    user: User,
    impersonated_user: Option<User>,
    #[serde(default)]
    user_agent: String,
    object_ref: Option<ObjectRef>,
    response_status: Option<ResponseStatus>,
    request_object: Option<Value>,
    response_object: Option<Value>,
    stage_timestamp: DateTime<Utc>,
}

#[derive(Debug, Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    resource: String,
    namespace: String,
    name: String,
    api_group: String,
    subresource: String,
}

#[derive(Debug, Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: i64,
}

/// Reads the lines of an audit log. Lines that are no Events leave the record incomplete.
pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Replay {
    let mut replay = Replay {
        source: ChangeSource::AuditLog,
        versions: Vec::new(),
        touches: Vec::new(),
        since: Since::Unknown,
        kinds: Vec::new(),
        namespace: None,
        unseen: None,
    };
    for (number, line) in (1_usize..).zip(lines).filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(event) => read(event, &mut replay),
            Err(error) if replay.unseen.is_none() => {
                replay.unseen = Some(Why::Malformed { detail: format!("line {number}: {error}") });
            }
            Err(_) => {}
        }
    }
    replay
}

fn read(event: Event, replay: &mut Replay) {
    let op = match event.verb.as_str() {
        "create" => VersionOp::Added,
        "update" | "patch" => VersionOp::Modified,
        "delete" | "deletecollection" => VersionOp::Deleted,
        _ => return,
    };
    let failed = event.response_status.as_ref().is_some_and(|status| 400 <= status.code);
    let dry = event.request_uri.contains("dryRun=");
    if event.stage != "ResponseComplete" || failed || dry {
        return;
    }
    let Some(about) = event.object_ref.as_ref().filter(|about| about.subresource.is_empty()) else { return };
    let Some(kind) = kind(about) else { return };
    let by = by(&event);
    let mut told = false;
    for object in answered(&event) {
        let Ok(Some(versioned)) = decode(object, Some(kind)) else { continue };
        // With finalizers a deletion is first only asked for.
        let lingers = object.pointer("/metadata/finalizers").and_then(Value::as_array);
        let lingers = op == VersionOp::Deleted && lingers.is_some_and(|finalizers| !finalizers.is_empty());
        replay.versions.push(ObjectVersion {
            op: if lingers { VersionOp::Modified } else { op },
            at: Some(event.stage_timestamp),
            precision_s: 1,
            by: by.clone(),
            source: ChangeSource::AuditLog,
            object: versioned,
        });
        told = true;
    }
    let name = match about.name.as_str() {
        "" => event.response_object.as_ref().and_then(|object| object.pointer("/metadata/name")?.as_str()),
        name => Some(name),
    };
    if let Some(name) = name.filter(|name| !told && !name.is_empty()) {
        replay.touches.push(Touch {
            op,
            at: event.stage_timestamp,
            precision_s: 1,
            by,
            source: ChangeSource::AuditLog,
            object: ObjectKey::new(kind, &about.namespace, name),
        });
    }
}

/// The kinds whose writes bear on routing.
fn kind(about: &ObjectRef) -> Option<Kind> {
    let kinds = [
        Kind::Ingress,
        Kind::IngressClass,
        Kind::Service,
        Kind::Deployment,
        Kind::DaemonSet,
        Kind::StatefulSet,
        Kind::ConfigMap,
    ];
    kinds.into_iter().find(|kind| kind.resource() == about.resource && kind.api_group() == about.api_group)
}

/// The objects the answer holds: one, or those of a list; for writes of whole objects also the request.
fn answered(event: &Event) -> Vec<&Value> {
    let whole = matches!(event.verb.as_str(), "create" | "update");
    let is_status = |object: &&Value| object.get("kind").and_then(Value::as_str) == Some("Status");
    let answer = event.response_object.as_ref().filter(|object| !is_status(object));
    match answer.or_else(|| event.request_object.as_ref().filter(|_| whole)) {
        Some(object) => match object.get("items").and_then(Value::as_array) {
            Some(items) => items.iter().collect(),
            None => vec![object],
        },
        None => Vec::new(),
    }
}

/// `alice (kubectl/v1.36.2)`: the user and the first word of the user agent.
fn by(event: &Event) -> Option<String> {
    let user = event.impersonated_user.as_ref().unwrap_or(&event.user).username.as_str();
    let agent = event.user_agent.split_whitespace().next().unwrap_or_default();
    match (user, agent) {
        ("", "") => None,
        ("", agent) => Some(agent.to_owned()),
        (user, "") => Some(user.to_owned()),
        (user, agent) => Some(format!("{user} ({agent})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(verb: &str, resource: &str, group: &str) -> Value {
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "1",
            "stage": "ResponseComplete", "requestURI": "/apis/x", "verb": verb,
            "user": {"username": "alice", "groups": ["dev"]}, "userAgent": "kubectl/v1.36.2 (linux/amd64)",
            "objectRef": {"resource": resource, "namespace": "shop", "name": "web", "apiGroup": group,
                          "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 200},
            "requestReceivedTimestamp": "2026-11-22T10:00:00.000001Z",
            "stageTimestamp": "2026-11-22T10:00:00.123456Z",
        })
    }

    fn with(mut event: Value, changes: &[(&str, Value)]) -> Value {
        for (pointer, value) in changes {
            let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
            event.pointer_mut(parent).expect("parent")[key] = value.clone();
        }
        event
    }

    fn web(finalizers: &[&str]) -> Value {
        json!({"apiVersion": "v1", "kind": "Service",
               "metadata": {"name": "web", "namespace": "shop", "finalizers": finalizers}, "spec": {}})
    }

    fn check(events: &[Value], expected: &[&str]) {
        let lines: Vec<String> = events.iter().map(Value::to_string).collect();
        let replay = parse(lines.iter().map(String::as_str));
        let by = |by: &Option<String>| by.clone().unwrap_or_else(|| "-".to_owned());
        let versions = replay.versions.iter();
        let versions = versions.map(|v| format!("{:?} {} by {}", v.op, v.object.name(), by(&v.by)));
        let touches =
            replay.touches.iter().map(|t| format!("touch {:?} {} by {}", t.op, t.object, by(&t.by)));
        assert_eq!(versions.chain(touches).collect::<Vec<_>>(), expected);
        assert_eq!((replay.since, replay.unseen), (Since::Unknown, None));
    }

    const NET: &str = "networking.k8s.io";

    #[test]
    fn at_level_metadata_the_fact_alone_is_known() {
        check(
            &[event("update", "ingresses", NET), event("delete", "services", "")],
            &[
                "touch Modified Ingress shop/web by alice (kubectl/v1.36.2)",
                "touch Deleted Service shop/web by alice (kubectl/v1.36.2)",
            ],
        );
    }

    #[test]
    fn an_answer_with_the_object_is_a_version() {
        check(
            &[
                with(event("patch", "services", ""), &[("/responseObject", web(&[]))]),
                with(event("create", "services", ""), &[("/requestObject", web(&[]))]),
                with(event("delete", "services", ""), &[("/responseObject", web(&[]))]),
            ],
            &[
                "Modified shop/web by alice (kubectl/v1.36.2)",
                "Added shop/web by alice (kubectl/v1.36.2)",
                "Deleted shop/web by alice (kubectl/v1.36.2)",
            ],
        );
    }

    #[test]
    fn a_patch_is_no_object_and_a_bare_status_none_either() {
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"});
        check(
            &[
                with(event("patch", "services", ""), &[("/requestObject", json!({"spec": {}}))]),
                with(event("delete", "ingresses", NET), &[("/responseObject", status)]),
            ],
            &[
                "touch Modified Service shop/web by alice (kubectl/v1.36.2)",
                "touch Deleted Ingress shop/web by alice (kubectl/v1.36.2)",
            ],
        );
    }

    #[test]
    fn a_deletion_that_waits_for_finalizers_is_a_modification() {
        check(
            &[with(event("delete", "services", ""), &[("/responseObject", web(&["x/y"]))])],
            &["Modified shop/web by alice (kubectl/v1.36.2)"],
        );
    }

    #[test]
    fn a_collection_is_deleted_item_by_item() {
        let list =
            json!({"kind": "ServiceList", "apiVersion": "v1", "metadata": {}, "items": [web(&[]), web(&[])]});
        let bare = with(event("deletecollection", "services", ""), &[("/objectRef/name", json!(""))]);
        check(
            &[with(bare, &[("/responseObject", list)])],
            &["Deleted shop/web by alice (kubectl/v1.36.2)", "Deleted shop/web by alice (kubectl/v1.36.2)"],
        );
    }

    #[test]
    fn reads_failures_other_stages_dry_runs_status_and_other_kinds_are_passed_over() {
        let update = || event("update", "ingresses", NET);
        check(
            &[
                event("get", "ingresses", NET),
                with(update(), &[("/responseStatus/code", json!(409))]),
                with(update(), &[("/stage", json!("RequestReceived"))]),
                with(update(), &[("/requestURI", json!("/apis/x?dryRun=All"))]),
                with(update(), &[("/objectRef/subresource", json!("status"))]),
                event("update", "services", "serving.knative.dev"),
                event("update", "secrets", ""),
            ],
            &[],
        );
    }

    #[test]
    fn an_impersonated_user_is_the_one_who_acted() {
        check(
            &[with(event("update", "ingresses", NET), &[("/impersonatedUser", json!({"username": "bob"}))])],
            &["touch Modified Ingress shop/web by bob (kubectl/v1.36.2)"],
        );
    }

    #[test]
    fn lines_that_are_no_events_leave_the_record_incomplete() {
        let good = event("update", "ingresses", NET).to_string();
        for line in ["{", "[]", "null", "{\"stage\": 7}"] {
            let replay = parse([line, &good]);
            assert_eq!(replay.touches.len(), 1, "{line}");
            assert!(matches!(replay.unseen, Some(Why::Malformed { .. })), "{line}");
        }
    }
}

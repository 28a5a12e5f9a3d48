//! The past of objects, as the API server itself remembers it: what managedFields prove and what they do
//! not, and how far the watch cache reaches back.
//!
//! These are the facts that the change sources rest on; a server that behaves otherwise fails here first.

use chrono::{DateTime, Utc};
use http::Method;
use routecause::evidence::live::{Live, LiveOptions};
use routecause::model::change::VersionOp;
use routecause::model::object::Kind;
use serde_json::{Value, json};

use crate::ask::ask;
use crate::plane::objects::path;
use crate::plane::{Options, Plane, Program};
use crate::shop::{self, Shop, ingress};
use crate::suite::{Case, Skip, Suite};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        rules_are_one_field_and_removed_annotations_leave_no_trace,
        a_generation_counts_specs_and_not_every_kind_has_one,
        a_no_op_apply_writes_nothing_and_a_status_is_an_entry_of_its_own,
        more_than_ten_update_managers_end_in_ancient_changes,
        an_ingress_can_be_read_after_its_deletion_with_all_its_versions,
        after_compaction_the_watch_cache_still_remembers,
        after_a_restart_of_the_api_server_the_past_before_it_is_not_called_quiet,
    ]
}

const INGRESS: &str = "networking.k8s.io/v1";

fn entries(object: &Value) -> Vec<(String, String, Value)> {
    let fields = object["metadata"]["managedFields"].as_array().expect("managedFields");
    fields
        .iter()
        .map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            (text("manager"), text("subresource"), entry["fieldsV1"].clone())
        })
        .collect()
}

fn fields_of<'v>(entries: &'v [(String, String, Value)], manager: &str) -> &'v Value {
    let found = entries.iter().find(|(name, _, _)| name == manager);
    &found.unwrap_or_else(|| panic!("{manager} has no entry: {entries:?}")).2
}

/// Creates or replaces an object by PUT or POST, as `kubectl create` and `replace` do.
async fn write(plane: &Plane, method: Method, manager: &str, object: &Value) -> Value {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let name = if method == Method::PUT { text("/metadata/name") } else { "" };
    let place = path(text("/apiVersion"), text("/kind"), text("/metadata/namespace"), name);
    plane
        .request(method, &format!("{place}?fieldManager={manager}"), "application/json", object)
        .await
        .unwrap_or_else(|error| panic!("{place}: {error}"))
}

async fn rules_are_one_field_and_removed_annotations_leave_no_trace(suite: &'static Suite) {
    let plane = suite.plane().await;
    plane.namespace("fields").await;
    let object = ingress("fields", "fields.example.com", &json!([shop::path("/", "web")]));
    write(plane, Method::POST, "helm", &object).await;
    let edit = json!({"spec": {"rules": [{"host": "fields.example.com", "http": {"paths": [shop::path("/api", "api")]}}]}});
    let place = [INGRESS, "Ingress", "fields", "shop"];
    let edited = plane.patch("kubectl-edit", place, &edit).await;
    let told = entries(&edited);
    assert_eq!(fields_of(&told, "kubectl-edit"), &json!({"f:spec": {"f:rules": {}}}));
    // The one before keeps its entry, without what was taken over.
    assert_eq!(fields_of(&told, "helm"), &json!({"f:spec": {"f:ingressClassName": {}}}));
    let key = "nginx.ingress.kubernetes.io/use-regex";
    let annotated =
        plane.patch("kubectl-annotate", place, &json!({"metadata": {"annotations": {key: "true"}}})).await;
    assert!(fields_of(&entries(&annotated), "kubectl-annotate").to_string().contains(key));
    let removed =
        plane.patch("kubectl-annotate", place, &json!({"metadata": {"annotations": {key: null}}})).await;
    assert!(entries(&removed).iter().all(|(manager, _, _)| manager != "kubectl-annotate"), "{removed:#}");
    assert_ne!(annotated["metadata"]["resourceVersion"], removed["metadata"]["resourceVersion"]);
}

async fn a_generation_counts_specs_and_not_every_kind_has_one(suite: &'static Suite) {
    let plane = suite.plane().await;
    plane.namespace("generations").await;
    let object = ingress("generations", "generations.example.com", &json!([shop::path("/", "web")]));
    let generation = |object: &Value| object["metadata"]["generation"].clone();
    assert_eq!(generation(&write(plane, Method::POST, "helm", &object).await), 1);
    let place = [INGRESS, "Ingress", "generations", "shop"];
    for (patch, expected) in [
        (json!({"metadata": {"annotations": {"a": "b"}}}), 1),
        (json!({"metadata": {"labels": {"a": "b"}}}), 1),
        (json!({"spec": {"ingressClassName": "other"}}), 2),
        (json!({"spec": {"ingressClassName": "other"}}), 2),
    ] {
        assert_eq!(generation(&plane.patch("kubectl", place, &patch).await), expected, "{patch}");
    }
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "generations"}});
    for object in [shop::service("generations", "web"), map] {
        assert_eq!(generation(&write(plane, Method::POST, "helm", &object).await), Value::Null);
    }
    let deployment = write(plane, Method::POST, "helm", &shop::workload("generations", "web", 1)).await;
    assert_eq!(generation(&deployment), 1);
}

async fn a_no_op_apply_writes_nothing_and_a_status_is_an_entry_of_its_own(suite: &'static Suite) {
    let plane = suite.plane().await;
    plane.namespace("no-op").await;
    let object = ingress("no-op", "no-op.example.com", &json!([shop::path("/", "web")]));
    plane.apply_as("argocd-controller", &object.to_string()).await;
    let read = || async { plane.get(INGRESS, "Ingress", "no-op", "shop").await.expect("an Ingress") };
    let before = read().await;
    plane.apply_as("argocd-controller", &object.to_string()).await;
    assert_eq!(before, read().await);
    let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
    let place =
        format!("{}/status?fieldManager=nginx-ingress-controller", path(INGRESS, "Ingress", "no-op", "shop"));
    plane.request(Method::PATCH, &place, "application/merge-patch+json", &status).await.expect("a status");
    let told = entries(&read().await);
    let entry = told.iter().find(|(manager, _, _)| manager == "nginx-ingress-controller").expect("an entry");
    assert_eq!(entry.1, "status");
}

async fn more_than_ten_update_managers_end_in_ancient_changes(suite: &'static Suite) {
    let plane = suite.plane().await;
    plane.namespace("ancient").await;
    let object = ingress("ancient", "ancient.example.com", &json!([shop::path("/", "web")]));
    write(plane, Method::POST, "helm", &object).await;
    let place = [INGRESS, "Ingress", "ancient", "shop"];
    let mut last = Value::Null;
    for number in 0..14 {
        let annotation = json!({"metadata": {"annotations": {format!("a{number}"): "x"}}});
        last = plane.patch(&format!("manager-{number}"), place, &annotation).await;
    }
    let told = entries(&last);
    assert!(told.iter().any(|(manager, _, _)| manager == "ancient-changes"), "{told:?}");
    assert!(told.len() <= 11, "{told:?}");
}

async fn live(plane: &Plane) -> Live {
    let options = LiveOptions { kubeconfig: Some(plane.kubeconfig("admin")), ..LiveOptions::default() };
    Live::connect(&options).await.expect("a connection")
}

/// The replayed versions of an Ingress: what happened and to which path.
async fn replayed(plane: &Plane, namespace: &str) -> (Vec<(VersionOp, String)>, Option<u64>) {
    let raw = live(plane).await.replay(Kind::Ingress, None, 1).await.expect("a replay");
    let versions = raw
        .events()
        .filter(|(_, object)| object["metadata"]["namespace"] == namespace)
        .map(|(op, object)| {
            let path = object.pointer("/spec/rules/0/http/paths/0/path").and_then(Value::as_str);
            (op, path.unwrap_or_default().to_owned())
        })
        .collect();
    (versions, raw.oldest_rv)
}

/// Writes three versions of an Ingress, and deletes it.
async fn live_and_let_die(plane: &Plane, namespace: &str) {
    plane.namespace(namespace).await;
    for at in ["/", "/api", "/v2"] {
        let object = ingress(namespace, "gone.example.com", &json!([shop::path(at, "web")]));
        plane.apply(&object.to_string()).await;
    }
    plane.delete(INGRESS, "Ingress", namespace, "shop").await;
}

fn lives() -> Vec<(VersionOp, String)> {
    [
        (VersionOp::Added, "/"),
        (VersionOp::Modified, "/api"),
        (VersionOp::Modified, "/v2"),
        (VersionOp::Deleted, "/v2"),
    ]
    .map(|(op, path)| (op, path.to_owned()))
    .to_vec()
}

async fn an_ingress_can_be_read_after_its_deletion_with_all_its_versions(suite: &'static Suite) {
    let plane = suite.plane().await;
    live_and_let_die(plane, "died").await;
    plane.get(INGRESS, "Ingress", "died", "shop").await.expect_err("it is gone");
    assert_eq!(replayed(plane, "died").await.0, lives());
}

async fn after_compaction_the_watch_cache_still_remembers(suite: &'static Suite) {
    let options = Options { apiserver: vec!["--etcd-compaction-interval=2s"], ..Options::default() };
    let plane = suite.own_plane(options).await;
    live_and_let_die(&plane, "died").await;
    let exact = format!("{}?resourceVersion=2&resourceVersionMatch=Exact", path(INGRESS, "Ingress", "", ""));
    plane
        .until("etcd is compacted", || async {
            plane.namespace("more").await;
            let refused = plane.request(Method::GET, &exact, "", &Value::Null).await.err()?;
            matches!(&refused, kube::Error::Api(status) if status.code == 410).then_some(())
        })
        .await;
    assert_eq!(replayed(&plane, "died").await.0, lives());
}

async fn after_a_restart_of_the_api_server_the_past_before_it_is_not_called_quiet(
    suite: &'static Suite,
) -> Result<(), Skip> {
    let plane = suite.own_plane(Options::default()).await;
    let shop = Shop::open(&plane, "restarted").await?;
    assert_eq!(shop.get("/api/v1").await, 200);
    live_and_let_die(&plane, "died").await;
    assert_eq!(replayed(&plane, "died").await.0, lives());
    let before = Utc::now();
    plane.restart(Program::ApiServer).await;
    let (versions, oldest) = replayed(&plane, "died").await;
    assert_eq!((versions, oldest.is_some()), (Vec::new(), true));
    let reader = plane.reader("restarted").await;
    let onset: DateTime<Utc> = before;
    let answer = ask(
        &plane.toolbox(&reader, &[]),
        "correlate_changes",
        json!({"url": shop.url("/api/v1"), "onset": onset.to_rfc3339()}),
    )
    .await;
    for hypothesis in answer["hypotheses"].as_array().expect("hypotheses").iter().take(3) {
        assert_ne!(hypothesis["outcome"], "not_found", "{hypothesis:#}\n{}", answer["coverage"]);
    }
    Ok(())
}

//! The changes that verdicts cite, and those that they leave alone.

use serde_json::{Value, json};

use super::incident::{Incident, at, cited, ingress, revision, service, slice, workload};

const URL: &str = "http://shop.test/api/1";
const BEFORE: [&str; 2] = ["11:00:00", "11:29:50"];
const SINCE: [&str; 3] = ["11:30:20", "11:30:30", "11:40:00"];

const REWRITE: &str = "nginx.ingress.kubernetes.io/rewrite-target";

fn shop() -> Value {
    ingress("shop/shop", "shop.test", &["/api=api", "/=web"])
}

/// A later version of an object.
fn edited(object: &Value, edit: impl FnOnce(&mut Value)) -> Value {
    let mut object = object.clone();
    object["metadata"]["resourceVersion"] = json!("20");
    edit(&mut object);
    object
}

/// The object was seen to change at 11:30.
fn saw_both(incident: &mut Incident, before: &Value, after: &Value) {
    incident.saw("ADDED", "00:00:00", before).saw("MODIFIED", "11:30:00", after);
}

/// The incident answered the URL before and answers 404 since, by these Services.
fn turned(incident: &mut Incident, before: &str, since: Option<&str>) {
    incident.answered("/api/1", 200, Some(before), &BEFORE).answered("/api/1", 404, since, &SINCE);
}

/// The verdict's code and confidence, and the first change that it cites: object, field, before, after.
async fn check(incident: &Incident, verdict: [&str; 2], change: Option<[&str; 4]>) -> Value {
    let answer = incident.diagnose(URL).await;
    let told = [&answer["verdict"]["code"], &answer["verdict"]["confidence"]];
    assert_eq!(told, verdict, "{answer:#}");
    let first = cited(&answer).first().map(|change| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        [
            text(&change["object"]["name"]),
            text(&change["field"]),
            text(&change["before"]),
            text(&change["after"]),
        ]
    });
    let first = first.as_ref().map(|texts| texts.each_ref().map(String::as_str));
    assert_eq!(first, change, "{answer:#}");
    answer
}

#[tokio::test]
async fn a_field_that_is_blamed_is_cited_with_its_change() {
    let after = edited(&shop(), |shop| shop["metadata"]["annotations"] = json!({REWRITE: "/nowhere"}));
    let mut incident = Incident::with(std::slice::from_ref(&after));
    saw_both(&mut incident, &shop(), &after);
    turned(&mut incident, "api", Some("api"));
    let field = format!("metadata.annotations[\"{REWRITE}\"]");
    check(&incident, ["REWRITE_WRONG", "likely"], Some(["shop", &field, "-", "/nowhere"])).await;
}

#[tokio::test]
async fn of_a_field_that_is_blamed_another_change_is_not_cited() {
    let plain = edited(&shop(), |shop| shop["metadata"]["annotations"] = json!({REWRITE: "/nowhere"}));
    let after = edited(&plain, |shop| shop["metadata"]["annotations"]["example.com/team"] = json!("shop"));
    let mut incident = Incident::with(std::slice::from_ref(&after));
    let before = edited(&plain, |shop| shop["metadata"]["resourceVersion"] = json!("15"));
    saw_both(&mut incident, &before, &after);
    turned(&mut incident, "api", Some("api"));
    check(&incident, ["REWRITE_WRONG", "likely"], None).await;
}

#[tokio::test]
async fn a_service_that_is_missed_is_cited_with_its_end() {
    let mut incident = Incident::without_api(&[shop()]);
    incident.saw("ADDED", "00:00:00", &service("api")).saw("DELETED", "11:30:00", &service("api"));
    turned(&mut incident, "api", None);
    check(&incident, ["SERVICE_REF_INVALID", "certain"], Some(["api", "", "-", "-"])).await;
}

#[tokio::test]
async fn what_a_rollout_adds_is_cited() {
    let mut incident = Incident::with(&[shop()]);
    incident.add(&workload("api", "1.0", &[("BASE_PATH", "/v2")]));
    incident.add(&revision("api", 1, "2026-11-01T00:00:00Z", "1.0", &[]));
    incident.add(&revision("api", 2, &at("11:20:00"), "1.0", &[("BASE_PATH", "/v2")]));
    turned(&mut incident, "api", Some("api"));
    let field = "spec.template.spec.containers[0].env[\"BASE_PATH\"]";
    check(&incident, ["APP_ROUTE_MISSING", "likely"], Some(["api", field, "-", "/v2"])).await;
}

#[tokio::test]
async fn a_service_that_leads_elsewhere_is_cited() {
    let after = edited(&service("api"), |api| api["spec"]["selector"] = json!({"app": "other"}));
    let mut incident = Incident::without_api(&[shop()]);
    incident.add(&after).add(&slice("api"));
    saw_both(&mut incident, &service("api"), &after);
    turned(&mut incident, "api", Some("api"));
    check(
        &incident,
        ["APP_ROUTE_MISSING", "likely"],
        Some(["api", "spec.selector[\"app\"]", "api", "other"]),
    )
    .await;
}

#[tokio::test]
async fn a_rule_that_requests_fall_past_is_blamed_for_its_type() {
    let exact = |shop: &mut Value| shop["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = json!("Exact");
    let after = edited(&shop(), exact);
    let field = "spec.rules[0].http.paths[0].pathType";
    let mut incident = Incident::with(std::slice::from_ref(&after));
    saw_both(&mut incident, &shop(), &after);
    turned(&mut incident, "api", Some("web"));
    check(&incident, ["PATHTYPE_MISMATCH", "certain"], Some(["shop", field, "Prefix", "Exact"])).await;
    // Nobody saw the edit.
    let mut incident = Incident::with(std::slice::from_ref(&after));
    turned(&mut incident, "api", Some("web"));
    check(&incident, ["PATHTYPE_MISMATCH", "likely"], None).await;
    // `web` has served it all along.
    let mut incident = Incident::with(&[after]);
    turned(&mut incident, "web", Some("web"));
    check(&incident, ["APP_ROUTE_MISSING", "likely"], None).await;
}

#[tokio::test]
async fn a_rewrite_that_was_taken_away_is_missed() {
    let before = edited(&shop(), |shop| {
        shop["metadata"]["resourceVersion"] = json!("5");
        shop["metadata"]["annotations"] = json!({REWRITE: "/"});
    });
    let mut incident = Incident::with(&[shop()]);
    saw_both(&mut incident, &before, &shop());
    turned(&mut incident, "api", Some("api"));
    let field = format!("metadata.annotations[\"{REWRITE}\"]");
    check(&incident, ["PREFIX_NOT_STRIPPED", "likely"], Some(["shop", &field, "/", "-"])).await;
    // It did not work before either.
    let mut incident = Incident::with(&[shop()]);
    saw_both(&mut incident, &before, &shop());
    incident.answered("/api/1", 404, Some("api"), &BEFORE).answered("/api/1", 404, Some("api"), &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(answer["verdict"]["code"], "APP_ROUTE_MISSING", "{answer:#}");
}

const STARTED: &str = "status.containerStatuses[0].state.running.startedAt";
const IMAGE: &str = "registry.k8s.io/ingress-nginx/controller:v1.12.1";

#[tokio::test]
async fn a_controller_that_started_and_denies_a_rule_is_blamed() {
    let mut incident = Incident::run_since(&at("11:28:00"), &[shop()]);
    incident.answered("/api/1", 404, None, &SINCE);
    let answer = check(&incident, ["SYNC_RACE", "likely"], Some(["controller-1", STARTED, "-", IMAGE])).await;
    assert_eq!(answer["verdict"]["culprit"]["kind"], "Pod");
}

#[tokio::test]
async fn a_controller_that_started_long_before_or_before_an_answer_is_not() {
    for (started, answered) in [("11:00:00", false), ("11:28:00", true)] {
        let mut incident = Incident::run_since(&at(started), &[shop()]);
        if answered {
            incident.answered("/api/1", 200, Some("api"), &["11:29:50"]);
        }
        incident.answered("/api/1", 404, None, &SINCE);
        check(&incident, ["INSUFFICIENT_EVIDENCE", "possible"], None).await;
    }
}

#[tokio::test]
async fn a_controller_that_started_is_not_blamed_for_what_an_application_says() {
    let mut incident = Incident::run_since(&at("11:28:00"), &[shop()]);
    incident.answered("/api/1", 404, Some("api"), &SINCE);
    check(&incident, ["APP_ROUTE_MISSING", "likely"], None).await;
}

#[tokio::test]
async fn the_edit_that_ended_in_a_start_is_blamed_rather_than_the_start() {
    let mut incident = Incident::run_since(&at("11:28:00"), &[shop()]);
    let data = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"strict-validate-path-type": "false"},
        "metadata": {"name": "controller", "namespace": "edge", "uid": "m-1",
                     "creationTimestamp": "2026-11-01T00:00:00Z",
                     "managedFields": [{"manager": "kubectl-edit", "operation": "Update", "apiVersion": "v1",
                                        "time": at("11:27:30"), "fieldsType": "FieldsV1",
                                        "fieldsV1": {"f:data": {"f:strict-validate-path-type": {}}}}]}});
    incident.add(&data).answered("/api/1", 404, None, &SINCE);
    let field = "data[\"strict-validate-path-type\"]";
    let answer = check(&incident, ["SYNC_RACE", "likely"], Some(["controller", field, "-", "false"])).await;
    assert!(cited(&answer).iter().any(|change| change["field"] == STARTED), "{answer:#}");
}

#[tokio::test]
async fn a_service_that_answered_may_be_unready_by_now() {
    let mut incident = Incident::without_api(&[shop()]);
    incident.add(&service("api"));
    turned(&mut incident, "api", Some("api"));
    check(&incident, ["NO_READY_ENDPOINTS", "possible"], None).await;
}

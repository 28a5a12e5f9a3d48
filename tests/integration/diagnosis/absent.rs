//! INGRESS_ABSENT_REJECTED: deleted, or never let in; and what only looks like it.

use serde_json::{Value, json};

use super::incident::{Incident, at, cited, ingress};

const URL: &str = "http://shop.test/api/1";
const BEFORE: [&str; 2] = ["11:00:00", "11:29:50"];
const SINCE: [&str; 3] = ["11:30:20", "11:30:30", "11:40:00"];

fn shop() -> Value {
    ingress("shop/shop", "shop.test", &["/api=api", "/=web"])
}

/// Seen from the start of the day until it was deleted.
fn deleted(incident: &mut Incident, object: &Value, time: &str) {
    incident.saw("ADDED", "00:00:00", object).saw("DELETED", time, object);
}

/// What a verdict says: code, confidence, culprit's name, and the time of the change it cites.
fn told(answer: &Value) -> [&str; 4] {
    let verdict = &answer["verdict"];
    let text = |value: &'_ Value| value.as_str().unwrap_or("-").to_owned();
    let change = cited(answer).first().map(|change| text(&change["at"])).unwrap_or_else(|| "-".to_owned());
    let all =
        [text(&verdict["code"]), text(&verdict["confidence"]), text(&verdict["culprit"]["name"]), change];
    all.map(|text| &*Box::leak(text.into_boxed_str()))
}

const ABSENT: &str = "INGRESS_ABSENT_REJECTED";

#[tokio::test]
async fn a_deletion_that_the_404s_follow_is_certain() {
    let mut incident = Incident::with(&[]);
    deleted(&mut incident, &shop(), "11:30:00");
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, None, &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "certain", "shop", &at("11:30:00")], "{answer:#}");
    assert_eq!(answer["verdict"]["since"], at("11:30:20"));
    let gone = &answer["verdict"]["evidence"][1];
    assert_eq!(gone["source"]["absent"]["name"], "shop", "{answer:#}");
    assert!(gone["says"].as_str().expect("words").contains("to Service shop/api"), "{gone}");
    assert_eq!(answer["verdict"]["culprit"]["field"], "spec.rules[0].http.paths[0]");
}

#[tokio::test]
async fn without_a_log_it_is_likely() {
    let mut incident = Incident::with(&[]);
    deleted(&mut incident, &shop(), "11:30:00");
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "likely", "shop", &at("11:30:00")], "{answer:#}");
}

#[tokio::test]
async fn its_host_and_path_tell_which_of_two_it_was() {
    let other = ingress("shop/other", "other.test", &["/api=api"]);
    let mut incident = Incident::with(&[]);
    deleted(&mut incident, &other, "11:30:10");
    deleted(&mut incident, &shop(), "11:30:00");
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, None, &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "certain", "shop", &at("11:30:00")], "{answer:#}");
}

#[tokio::test]
async fn the_rest_of_its_host_is_not_blamed_for_the_path() {
    let rest = ingress("shop/rest", "shop.test", &["/docs=web"]);
    let mut incident = Incident::with(std::slice::from_ref(&rest));
    deleted(&mut incident, &ingress("shop/gone", "shop.test", &["/api=api"]), "11:30:00");
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, None, &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "certain", "gone", &at("11:30:00")], "{answer:#}");
    assert!(!answer.to_string().contains("NO_RULE_FOR_PATH"), "{answer:#}");
}

#[tokio::test]
async fn another_backend_that_now_answers_404_is_not_to_blame() {
    let rest = ingress("shop/rest", "shop.test", &["/=web"]);
    let mut incident = Incident::with(std::slice::from_ref(&rest));
    deleted(&mut incident, &ingress("shop/gone", "shop.test", &["/api=api"]), "11:30:00");
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, Some("web"), &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "certain", "gone", &at("11:30:00")], "{answer:#}");
}

#[tokio::test]
async fn one_that_another_serves_on_for_is_not_missed() {
    let again = ingress("shop/again", "shop.test", &["/=web", "/api=api"]);
    let mut incident = Incident::with(std::slice::from_ref(&again));
    deleted(&mut incident, &shop(), "11:30:00");
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, Some("api"), &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(answer["verdict"]["code"], "APP_ROUTE_MISSING", "{answer:#}");
    assert!(!answer.to_string().contains(ABSENT), "{answer:#}");
    // And where nobody complains, nothing is wrong.
    let mut incident = Incident::with(&[again]);
    deleted(&mut incident, &shop(), "11:30:00");
    incident.answered("/api/1", 200, Some("api"), &[BEFORE[0], SINCE[0], SINCE[2]]);
    assert_eq!(incident.diagnose(URL).await["verdict"]["code"], "HEALTHY");
}

#[tokio::test]
async fn one_that_was_put_back_is_not_missed() {
    let mut incident = Incident::with(&[shop()]);
    deleted(&mut incident, &shop(), "11:30:00");
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, Some("api"), &SINCE);
    assert!(!incident.diagnose(URL).await.to_string().contains(ABSENT));
}

#[tokio::test]
async fn what_was_answered_after_the_deletion_was_not_lost_with_it() {
    let mut incident = Incident::with(&[]);
    deleted(&mut incident, &shop(), "11:10:00");
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, None, &SINCE);
    let answer = incident.diagnose(URL).await;
    assert!(!answer.to_string().contains(ABSENT), "{answer:#}");
    assert_eq!(answer["verdict"]["code"], "INSUFFICIENT_EVIDENCE");
}

#[tokio::test]
async fn what_ended_after_the_404s_began_did_not_begin_them() {
    let mut incident = Incident::with(&[]);
    deleted(&mut incident, &shop(), "11:35:00");
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, None, &SINCE);
    let answer = incident.diagnose(URL).await;
    assert!(!answer.to_string().contains(ABSENT), "{answer:#}");
}

#[tokio::test]
async fn a_deletion_long_before_is_a_possibility() {
    let mut incident = Incident::with(&[]);
    deleted(&mut incident, &shop(), "07:00:00");
    incident.answered("/other", 200, Some("web"), &["06:30:00", "11:00:00"]);
    incident.answered("/api/1", 404, None, &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "possible", "shop", &at("07:00:00")], "{answer:#}");
}

#[tokio::test]
async fn of_a_deletion_between_two_captures_the_time_is_wide_and_the_rest_is_known() {
    let mut incident = Incident::with(&[]);
    // An earlier capture, and nothing since.
    incident.saw("ADDED", "08:00:00", &shop());
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, None, &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "likely", "shop", &at("12:00:00")], "{answer:#}");
    assert_eq!(cited(&answer)[0]["precision_s"], 4 * 3600);
}

/// An entry of the audit log without content.
fn audited(time: &str, name: &str) -> Value {
    json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete",
           "verb": "delete", "user": {"username": "alice"}, "requestURI": "/x", "auditID": "a-1",
           "objectRef": {"resource": "ingresses", "namespace": "shop", "name": name,
                         "apiGroup": "networking.k8s.io", "apiVersion": "v1"},
           "responseStatus": {"code": 200}, "requestReceivedTimestamp": at(time), "stageTimestamp": at(time)})
}

#[tokio::test]
async fn a_deletion_whose_content_nobody_kept_is_a_possibility_at_most() {
    let mut incident = Incident::with(&[]);
    incident.audited(audited("11:30:00", "shop"));
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, None, &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "possible", "shop", &at("11:30:00")], "{answer:#}");
    // Nothing ties it to the request.
    let mut incident = Incident::with(&[]);
    incident.audited(audited("11:30:00", "shop")).answered("/api/1", 404, None, &SINCE);
    assert!(!incident.diagnose(URL).await.to_string().contains(ABSENT));
}

#[tokio::test]
async fn where_not_all_ingresses_were_seen_it_is_not_certain() {
    let mut incident = Incident::with(&[]);
    incident.saw("ADDED", "00:00:00", &shop()).saw("DELETED", "11:30:00", &shop());
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, None, &SINCE);
    incident.could_not_see("ingresses", "billing");
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "likely", "shop", &at("11:30:00")], "{answer:#}");
}

#[tokio::test]
async fn one_of_another_class_took_nothing() {
    let mut foreign = shop();
    foreign["spec"]["ingressClassName"] = json!("other");
    let mut incident = Incident::with(&[]);
    deleted(&mut incident, &foreign, "11:30:00");
    incident.answered("/api/1", 200, Some("api"), &BEFORE).answered("/api/1", 404, None, &SINCE);
    assert!(!incident.diagnose(URL).await.to_string().contains(ABSENT));
}

#[tokio::test]
async fn the_complaint_may_name_what_is_gone() {
    let mut incident = Incident::with(&[]);
    deleted(&mut incident, &shop(), "11:30:00");
    let ask = |name: &'static str| json!({"url": URL, "ingress": name});
    let answer = incident.ask("diagnose", ask("shop/shop")).await.expect("an answer").structured;
    assert_eq!(answer["verdict"]["code"], ABSENT);
    let failure = incident.ask("diagnose", ask("shop/shot")).await.expect_err("nobody heard of it");
    assert!(failure.to_string().contains("there is no Ingress shot"), "{failure}");
}

const REFUSED: &str = "E1122 11:20:00.000000       7 main.go:83] \"invalid ingress configuration\" \
    err=\"host \\\"shop.test\\\" and path \\\"/\\\" is already defined in ingress shop/x\" ingress=\"shop/shop\"";

#[tokio::test]
async fn one_that_the_controllers_webhook_refused_never_was() {
    let mut incident = Incident::with(&[]);
    incident.wrote("11:20:00", REFUSED).answered("/api/1", 404, None, &SINCE);
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "likely", "shop", "-"], "{answer:#}");
    let named = json!({"url": URL, "ingress": "shop/shop"});
    let answer = incident.ask("diagnose", named).await.expect("an answer").structured;
    assert_eq!(told(&answer), [ABSENT, "certain", "shop", "-"], "{answer:#}");
    // The refused write may have been one to an Ingress that is there.
    let other = ingress("shop/shop", "other.test", &["/=web"]);
    let mut incident = Incident::with(&[other]);
    incident.wrote("11:20:00", REFUSED).answered("/api/1", 404, None, &SINCE);
    assert!(!incident.diagnose(URL).await.to_string().contains(ABSENT));
}

#[tokio::test]
async fn one_whose_creator_was_refused_never_was() {
    let event = json!({"apiVersion": "v1", "kind": "Event",
        "metadata": {"name": "shop.17", "namespace": "shop", "uid": "e-1"},
        "involvedObject": {"kind": "Kustomization", "namespace": "shop", "name": "apps"},
        "reason": "ReconciliationFailed", "type": "Warning",
        "message": "Ingress/shop/shop dry-run failed: admission webhook \"validate.nginx.ingress.kubernetes.io\" \
                    denied the request",
        "source": {"component": "kustomize-controller"},
        "firstTimestamp": at("11:20:00"), "lastTimestamp": at("11:50:00"), "count": 3});
    let mut incident = Incident::with(&[]);
    incident.add(&event).answered("/api/1", 404, None, &SINCE);
    let named = json!({"url": URL, "ingress": "shop/shop"});
    let answer = incident.ask("diagnose", named).await.expect("an answer").structured;
    assert_eq!(told(&answer), [ABSENT, "certain", "shop", "-"], "{answer:#}");
    // Nobody said which Ingress was to take this URL.
    assert!(!incident.diagnose(URL).await.to_string().contains(ABSENT));
}

#[tokio::test]
async fn one_that_went_together_with_its_services_is_missed_all_the_same() {
    let mut incident = Incident::of_traefik();
    deleted(&mut incident, &shop(), "11:30:00");
    let answer = incident.diagnose(URL).await;
    assert_eq!(told(&answer), [ABSENT, "likely", "shop", &at("11:30:00")], "{answer:#}");
}

//! Logs that name no host: whose requests they count.

use serde_json::{Value, json};

use super::incident::{Incident, ingress};

const TIMES: [&str; 3] = ["11:30:20", "11:30:30", "11:40:00"];

async fn asked(incident: &Incident) -> Value {
    let question = json!({"url": "http://shop.test/api/1"});
    incident.ask("controller_logs_filtered", question).await.expect("an answer").structured
}

fn upstreams(answer: &Value) -> Vec<&str> {
    let groups = answer["groups"].as_array().expect("groups").iter();
    groups.map(|group| group["upstream"].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn requests_that_another_hosts_service_answered_are_left_out_and_told() {
    let mut incident = Incident::with(&[
        ingress("shop/shop", "shop.test", &["/api=api"]),
        ingress("shop/other", "other.test", &["/api=web"]),
    ]);
    incident.answered("/api/1", 404, Some("api"), &TIMES[..1]).answered("/api/1", 404, Some("web"), &TIMES);
    let answer = asked(&incident).await;
    assert_eq!(upstreams(&answer), ["shop-api-80"], "{answer:#}");
    let summary = answer["summary"].as_str().expect("words");
    assert!(summary.starts_with("0 by no rule, 1 by an upstream"), "{summary}");
    assert!(
        summary.ends_with("left out: 3 sent to Services that only rules of other hosts name"),
        "{summary}"
    );
}

#[tokio::test]
async fn requests_that_may_be_for_another_host_are_counted_as_such() {
    // Both hosts lead to the same Service, and a default backend is everybody's.
    let mut incident = Incident::with(&[
        ingress("shop/shop", "shop.test", &["/api=api"]),
        ingress("shop/other", "other.test", &["/api=api"]),
    ]);
    incident.answered("/api/1", 404, Some("api"), &TIMES).answered("/api/1", 404, None, &TIMES[..2]);
    let answer = asked(&incident).await;
    let summary = answer["summary"].as_str().expect("words");
    assert!(summary.ends_with("the log names no host: 5 of these may be for another one"), "{summary}");
}

#[tokio::test]
async fn a_service_of_this_host_alone_tells_its_requests() {
    let mut incident = Incident::with(&[ingress("shop/shop", "shop.test", &["/api=api"])]);
    incident.answered("/api/1", 404, Some("api"), &TIMES);
    let answer = asked(&incident).await;
    assert_eq!(answer["summary"], "0 by no rule, 3 by an upstream, 0 by an error page, 0 undecidable");
}

/// What `match_path` says is next: tool, URL and why.
async fn next(incident: &Incident, url: &str) -> Vec<String> {
    let answer = incident.ask("match_path", json!({"url": url})).await.expect("an answer").structured;
    let next = answer["next"].as_array().expect("next").iter();
    next.map(|one| format!("{} {} {}", one["tool"], one["arguments"]["url"], one["why"])).collect()
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let mut shop = ingress("shop/shop", "shop.test", &["/api=api"]);
    shop["spec"]["tls"] = json!([{"hosts": ["shop.test"]}]);
    let incident = Incident::with(std::slice::from_ref(&shop));
    let told = next(&incident, "http://shop.test/api/1").await;
    assert!(told[0].contains("match_path") && told[0].contains("https://shop.test/api/1"), "{told:?}");
    assert!(!told.join(" ").contains("no rule"), "{told:?}");
    // What an annotation leads to is not followed.
    let target = "nginx.ingress.kubernetes.io/permanent-redirect";
    shop["metadata"]["annotations"] = json!({target: "https://elsewhere.test/x"});
    let told = next(&Incident::with(&[shop]), "https://shop.test/api/1").await.join(" ");
    assert!(told.contains("redirect, not a 404") && !told.contains("elsewhere"), "{told}");
    let told = next(&incident, "http://nobody.test/").await.join(" ");
    assert!(told.contains("no rule takes the URL"), "{told}");
}

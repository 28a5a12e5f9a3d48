//! A log that says nothing because of a setting.

use serde_json::{Value, json};

use super::incident::{Incident, ingress};

const URL: &str = "http://shop.test/api/1";

/// The gap about the controller's access log: why, and what closes it.
async fn gap(incident: &Incident) -> Option<String> {
    let answer = incident.diagnose(URL).await;
    let gaps = answer["gaps"].as_array().expect("gaps").iter();
    gaps.map(Value::to_string).find(|gap| gap.contains("requests in the log of controller"))
}

#[tokio::test]
async fn a_log_that_is_off_is_a_gap_that_says_what_to_set() {
    let mut incident = Incident::of_traefik();
    incident.add(&ingress("shop/shop", "shop.test", &["/api=other"]));
    let told = gap(&incident).await.expect("a gap");
    assert!(told.contains("accesslog=true among its arguments"), "{told}");
    let asked = incident.ask("controller_logs_filtered", json!({"url": URL})).await.expect("an answer");
    let silence = asked.structured["silence"].as_str().expect("words").to_owned();
    assert!(silence.contains("--accesslog=true: silence proves nothing"), "{silence}");
}

#[tokio::test]
async fn a_log_that_is_on_is_none() {
    let mut incident = Incident::with(&[ingress("shop/shop", "shop.test", &["/api=api"])]);
    incident.answered("/other", 200, Some("web"), &["11:00:00"]);
    assert_eq!(gap(&incident).await, None);
}

#[tokio::test]
async fn silence_of_a_config_map_is_told_with_its_value() {
    let mut incident = Incident::with(&[ingress("shop/shop", "shop.test", &["/api=api"])]);
    incident.add(&json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"disable-access-log": "true"},
                         "metadata": {"name": "controller", "namespace": "edge", "uid": "m-1"}}));
    let told = gap(&incident).await.expect("a gap");
    assert!(told.contains("disable-access-log=false in its ConfigMap"), "{told}");
    assert_ne!(incident.diagnose(URL).await["verdict"]["code"], "HEALTHY");
}

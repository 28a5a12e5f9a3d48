//! Lists: pages, expiry, and what ends them early.

use k8s_openapi::api::networking::v1::Ingress;
use routecause::model::gap::Why;
use routecause::model::object::Kind;
use serde_json::{Value, json};

use super::live;
use crate::support::api_server::{Reply, Seen};

fn page(names: &[&str], next: &str) -> Reply {
    let items: Vec<Value> = names
        .iter()
        .map(|name| json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {}}))
        .collect();
    Reply::Json(
        200,
        json!({"kind": "IngressList", "apiVersion": "networking.k8s.io/v1",
               "metadata": {"resourceVersion": "9", "continue": next}, "items": items}),
    )
}

fn expired(token: Option<&str>) -> Reply {
    Reply::Json(
        410,
        json!({"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410,
               "metadata": {"continue": token.unwrap_or_default()},
               "message": "The provided continue parameter is too old to display a consistent list result."}),
    )
}

/// The names that a list gives, in order.
async fn names(
    answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> (Vec<String>, Result<(), Why>, Vec<Seen>) {
    let (server, live) = live(answer).await;
    let mut names = Vec::new();
    let mut each = |ingress: Ingress| names.push(ingress.metadata.name.unwrap_or_default());
    let outcome = live.list(Kind::Ingress, Some("shop"), Some("app=a,b!=c"), None, &mut each).await;
    (names, outcome, server.seen())
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let (names, outcome, seen) = names(|seen| match seen.asked("continue") {
        None => page(&["a", "b"], "t/1"),
        Some("t/1") => page(&[], "t/2"),
        Some("t/2") => page(&["c"], ""),
        Some(other) => panic!("{other}"),
    })
    .await;
    assert_eq!((names.join(" ").as_str(), outcome), ("a b c", Ok(())));
    for request in &seen {
        assert_eq!(request.path, "/apis/networking.k8s.io/v1/namespaces/shop/ingresses");
        assert_eq!(request.asked("limit"), Some("500"));
        assert_eq!(request.asked("labelSelector"), Some("app=a,b!=c"));
        assert_eq!(request.asked("resourceVersion"), None);
    }
}

#[tokio::test]
async fn everything_is_listed_in_larger_pages() {
    let (server, live) = live(|_| page(&["a"], "")).await;
    let mut count = 0;
    let mut each = |_: Value| count += 1;
    live.list(Kind::Ingress, None, None, Some("metadata.name=a"), &mut each).await.expect("list");
    let seen = &server.seen()[0];
    assert_eq!((count, seen.path.as_str()), (1, "/apis/networking.k8s.io/v1/ingresses"));
    assert_eq!((seen.asked("limit"), seen.asked("fieldSelector")), (Some("1000"), Some("metadata.name=a")));
}

#[tokio::test]
async fn an_expired_list_goes_on_where_it_was() {
    let (names, outcome, _) = names(|seen| match seen.asked("continue") {
        None => page(&["a"], "old"),
        Some("old") => expired(Some("new")),
        Some(_) => page(&["b"], ""),
    })
    .await;
    assert_eq!((names.join(" ").as_str(), outcome), ("a b", Ok(())));
}

#[tokio::test]
async fn an_expired_list_starts_anew_only_while_nothing_was_told() {
    let (names_seen, outcome, _) = names(|seen| match (seen.asked("continue"), seen.before) {
        (None, 0) => page(&[], "old"),
        (Some("old"), _) => expired(None),
        _ => page(&["a"], ""),
    })
    .await;
    assert_eq!((names_seen.join(" ").as_str(), outcome), ("a", Ok(())));
    let (_, outcome, _) = names(|seen| match seen.asked("continue") {
        None => page(&["a"], "old"),
        Some(_) => expired(None),
    })
    .await;
    assert!(matches!(outcome, Err(Why::Malformed { .. })), "{outcome:?}");
    let (_, outcome, seen) = names(|_| expired(None)).await;
    assert!(outcome.is_err());
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn a_list_that_does_not_go_on_ends() {
    let (_, outcome, seen) = names(|_| page(&["a"], "same")).await;
    assert!(matches!(outcome, Err(Why::Malformed { .. })), "{outcome:?}");
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn a_refused_or_unknown_kind_is_no_empty_list() {
    let (_, outcome, _) = names(|_| {
        Reply::status(
            403,
            "Forbidden",
            "ingresses.networking.k8s.io is forbidden: User \"u\" cannot list resource \"ingresses\" in API group \"networking.k8s.io\" in the namespace \"shop\"",
        )
    })
    .await;
    let missing = Why::Forbidden {
        verb: "list",
        group: "networking.k8s.io",
        resource: "ingresses".to_owned(),
        namespace: Some("shop".to_owned()),
    };
    assert_eq!(outcome, Err(missing));
    let (_, outcome, _) = names(|_| Reply::Text(404, "text/plain", "404 page not found\n".to_owned())).await;
    assert_eq!(outcome, Err(Why::NotInstalled));
    let (_, outcome, _) = names(|_| Reply::Json(200, json!({"kind": "Ingress", "metadata": {}}))).await;
    assert!(matches!(outcome, Err(Why::Malformed { .. })), "{outcome:?}");
}

#[tokio::test]
async fn trouble_in_the_middle_ends_the_list_as_incomplete() {
    let (names, outcome, seen) = names(|seen| match seen.asked("continue") {
        None => page(&["a"], "next"),
        Some(_) => Reply::Text(503, "text/plain", String::new()),
    })
    .await;
    assert_eq!(names, ["a"]);
    assert!(matches!(outcome, Err(Why::Unreachable { .. })), "{outcome:?}");
    assert_eq!(seen.len(), 4);
}

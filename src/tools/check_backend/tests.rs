//! `check_backend` on small captures of one broken link each, read the way every capture is.

use serde_json::{Value, json};

use crate::tools::fixtures::{self, NGINX, capture, check};
use crate::tools::{FailureCode, Reply, Source, ToolFailure};

/// A Service on port 80 whose selector takes `app: NAME`.
fn service(name: &str) -> String {
    format!(
        "
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: shop, uid: s-{name}}}
spec: {{clusterIP: 10.96.0.9, selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]}}
"
    )
}

/// A pod of it and its slice, ready or not.
fn pod(name: &str, ready: bool) -> String {
    let status = if ready { "True" } else { "False" };
    format!(
        "
apiVersion: v1
kind: Pod
metadata: {{name: {name}-1, namespace: shop, uid: p-{name}, labels: {{app: {name}}}}}
spec: {{containers: [{{name: main, image: x, ports: [{{containerPort: 8080}}], readinessProbe: {{httpGet: {{path: /ready, port: 8080}}}}}}]}}
status:
  phase: Running
  podIP: 10.0.0.9
  conditions: [{{type: Ready, status: \"{status}\"}}, {{type: ContainersReady, status: \"{status}\"}}]
  containerStatuses: [{{name: main, image: x, imageID: x, ready: {ready}, restartCount: 0, state: {{running: {{startedAt: \"2026-11-20T10:00:00Z\"}}}}}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-x, namespace: shop, uid: e-{name}, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: http, port: 8080}}]
endpoints: [{{addresses: [10.0.0.9], conditions: {{ready: {ready}}}, targetRef: {{kind: Pod, name: {name}-1, namespace: shop}}}}]
"
    )
}

/// The Ingress `shop/web` with a path for each backend, as `service:port`.
fn ingress(backends: &[String]) -> String {
    let mut text = "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop, uid: i-1}
spec:
  ingressClassName: nginx
  rules:
  - host: shop.test
    http:
      paths:
"
    .to_owned();
    for (number, backend) in backends.iter().enumerate() {
        let (service, port) = backend.split_once(':').expect("service:port");
        text.push_str(&format!(
            "      - {{path: /{number}, pathType: Prefix, backend: {{service: {{name: {service}, port: {{number: {port}}}}}}}}}\n"
        ));
    }
    text
}

async fn ask(source: Source, arguments: Value) -> Result<Reply, ToolFailure> {
    fixtures::ask("check_backend", source, arguments).await
}

async fn answer(source: Source, arguments: Value) -> Reply {
    fixtures::answer("check_backend", source, arguments).await
}

fn backends(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

/// One backend of each fate.
fn shop() -> Vec<String> {
    let all = ["web:80", "idle:80", "web:81", "wep:80"];
    let documents = [NGINX.to_owned(), ingress(&backends(&all)), service("web"), pod("web", true)];
    documents.into_iter().chain([service("idle"), pod("idle", false)]).collect()
}

#[tokio::test]
async fn every_backend_of_an_ingress_is_walked_to_its_first_broken_link() {
    let (_kept, source) = capture(&shop(), &json!([]));
    let reply = answer(source, json!({"ingress": "shop/web", "detail": "detailed"})).await;
    check(
        &reply.text,
        &[
            "4 backend(s): 1 whole, 3 broken, 0 could not be seen in full",
            "Service shop/web port 80: nothing seen is broken",
            "endpoints (whole): 1 ready, 0 not ready",
            "pods (whole): 1 of 1 ready",
            "ingress-nginx: passes it on",
            "Service shop/idle port 80: broken at pods",
            "idle-1: container main does not pass its readiness probe",
            "ingress-nginx: answers 503",
            "Service shop/web port 81: broken at port",
            "no such port; the Service has 80",
            "ingress-nginx: answers 503",
            "Service shop/wep port 80: broken at service",
            "does not exist; nearest: web",
            "ingress-nginx: answers 503",
        ],
    );
    let broken: Vec<&Value> = reply.structured["backends"]
        .as_array()
        .expect("backends")
        .iter()
        .map(|b| &b["first_broken"])
        .collect();
    assert_eq!(broken, [&Value::Null, &json!("pods"), &json!("port"), &json!("service")]);
}

#[tokio::test]
async fn a_service_is_asked_by_its_port_or_by_what_ingresses_name() {
    let (_kept, source) = capture(&shop(), &json!([]));
    for (arguments, first) in [
        (
            json!({"service": "shop/web", "port": "http"}),
            "Service shop/web port http: nothing seen is broken",
        ),
        (json!({"service": "web", "namespace": "shop", "port": "8080"}), "Service shop/web port 8080: "),
        (json!({"service": "shop/web"}), "2 backend(s): 1 whole, 1 broken"),
        (json!({"service": "shop/nothing"}), "1 backend(s): 0 whole, 1 broken"),
    ] {
        check(&answer(source.clone(), arguments).await.text, &[first]);
    }
}

#[tokio::test]
async fn what_may_not_be_read_is_a_gap_and_never_absent() {
    for (resource, link, words) in [
        ("services", "service", "could not be seen"),
        ("endpointslices", "endpoints", "EndpointSlices could not be seen"),
        ("pods", "pods", "could not be seen"),
    ] {
        let errors =
            json!([{"resource": resource, "namespace": "shop", "reason": "Forbidden", "message": "no"}]);
        let hidden = ["kind: Service", "kind: EndpointSlice", "kind: Pod"];
        let of = match resource {
            "services" => hidden[0],
            "endpointslices" => hidden[1],
            _ => hidden[2],
        };
        let all = [NGINX.to_owned(), ingress(&backends(&["web:80"])), service("web"), pod("web", true)];
        let documents: Vec<String> = all
            .iter()
            .flat_map(|text| text.split("\n---\n"))
            .filter(|text| !text.contains(&format!("{of}\n")))
            .map(str::to_owned)
            .collect();
        let (_kept, source) = capture(&documents, &errors);
        let reply = answer(source, json!({"ingress": "shop/web"})).await;
        check(
            &reply.text,
            &[
                "1 backend(s): 0 whole, 0 broken, 1 could not be seen in full",
                &format!("{link} (could_not_see): "),
                words,
                &format!("Not seen: {resource} in namespace shop: this identity may not list {resource}"),
            ],
        );
        assert!(!reply.text.contains("does not exist"), "{}", reply.text);
        assert_eq!(reply.structured["backends"][0]["first_broken"], Value::Null, "{resource}");
    }
}

#[tokio::test]
async fn a_question_without_a_backend_or_about_nobody_is_answered_with_what_to_do() {
    let (_kept, source) = capture(&shop(), &json!([]));
    for (arguments, code, part) in [
        (json!({}), FailureCode::BadArguments, "nothing says which backend is meant"),
        (json!({"ingress": "web"}), FailureCode::BadArguments, "nothing says which backend is meant"),
        (json!({"ingress": "shop/wbe"}), FailureCode::NotFound, "shop/web"),
        (json!({"backend": "web"}), FailureCode::BadArguments, "backend"),
    ] {
        let failed = ask(source.clone(), arguments).await.expect_err(part);
        assert_eq!(failed.code, code, "{part}");
        check(&failed.seen, &[part]);
        assert!(!failed.next.is_empty());
    }
}

#[tokio::test]
async fn many_backends_are_cut_whole_and_the_cut_is_told() {
    let many: Vec<String> = (0..400).map(|n| format!("a-service-of-some-length-{n}:80")).collect();
    let (_kept, source) = capture(&[NGINX.to_owned(), ingress(&many)], &json!([]));
    for (detail, at_least) in [("concise", 3), ("detailed", 6)] {
        let reply = answer(source.clone(), json!({"ingress": "shop/web", "detail": detail})).await;
        let shown = reply.structured["backends"].as_array().expect("backends").len();
        assert!((at_least..=20).contains(&shown), "{detail}: {shown}");
        assert_eq!(reply.structured["truncated"]["total"], 400);
        check(
            &reply.text,
            &["400 backend(s)", &format!("Shown: {shown} of 400; to narrow: name one service and port")],
        );
    }
}

#[tokio::test]
async fn the_answer_does_not_depend_on_the_order_of_objects_or_on_the_call() {
    let mut documents = shop();
    let (_kept, source) = capture(&documents, &json!([]));
    documents.reverse();
    let (_kept_too, reversed) = capture(&documents, &json!([]));
    let arguments = json!({"ingress": "shop/web", "detail": "detailed"});
    let first = answer(source.clone(), arguments.clone()).await;
    assert_eq!(first, answer(source, arguments.clone()).await);
    assert_eq!(first, answer(reversed, arguments).await);
}

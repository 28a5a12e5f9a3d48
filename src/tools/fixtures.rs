//! What the tests of several tools share: a small cluster as a capture, and the way it is asked.

use serde_json::{Value, json};

use crate::report::limits::MAX_CHARS;
use crate::tools::{Call, Entry, Reply, Settings, Source, ToolFailure, Toolbox, registry};

/// A controller of ingress-nginx, which publishes its Service `edge/entry`, its class, and the
/// namespace `shop`.
pub(super) const NGINX: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller, namespace: edge, uid: d-1}
spec:
  selector: {matchLabels: {app: edge}}
  template:
    metadata: {labels: {app: edge}}
    spec:
      containers:
      - name: controller
        image: registry.k8s.io/ingress-nginx/controller:v1.15.1
        args: [/nginx-ingress-controller, --controller-class=k8s.io/ingress-nginx, --publish-service=edge/entry]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx, uid: c-1}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: v1
kind: Service
metadata: {name: entry, namespace: edge, uid: s-1}
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.1
  selector: {app: edge}
  ports: [{name: http, port: 80, targetPort: http}]
status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, uid: n-1}
";

/// A capture of these documents; `errors` as in `capture.json`.
pub(super) fn capture(documents: &[String], errors: &Value) -> (tempfile::TempDir, Source) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("objects.yaml"), documents.join("\n---\n")).expect("written");
    let about = json!({"takenAt": "2026-11-22T10:00:00Z", "errors": errors});
    std::fs::write(folder.path().join("capture.json"), about.to_string()).expect("written");
    let source = Source::Capture(folder.path().to_owned());
    (folder, source)
}

fn entry(tool: &str) -> &'static Entry {
    registry().iter().find(|entry| entry.name == tool).expect("registered")
}

/// What a tool says of a source.
pub(super) async fn ask(tool: &str, source: Source, arguments: Value) -> Result<Reply, ToolFailure> {
    let toolbox = Toolbox::new(Settings { source, ..Settings::default() });
    entry(tool).call(&toolbox, arguments, &Call::default()).await
}

/// The answer, held to what every answer obeys.
pub(super) async fn answer(tool: &str, source: Source, arguments: Value) -> Reply {
    let reply = ask(tool, source, arguments).await.expect("an answer");
    let schema = jsonschema::validator_for(&entry(tool).output_schema).expect("a schema");
    let wrong: Vec<String> = schema.iter_errors(&reply.structured).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}\n{}", reply.structured);
    for half in [reply.text.clone(), reply.structured.to_string()] {
        assert!(half.chars().count() <= MAX_CHARS, "{}", half.chars().count());
    }
    for next in reply.structured["next"].as_array().expect("next") {
        let tool = registry().iter().find(|entry| next["tool"] == entry.name).expect("a tool that exists");
        let schema = jsonschema::validator_for(&tool.input_schema).expect("a schema");
        assert!(schema.is_valid(&next["arguments"]), "{next}");
        assert!(reply.text.contains(&format!("Next: {}", tool.name)), "{}", reply.text);
    }
    reply
}

/// The text holds every part, in this order.
pub(super) fn check(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at =
            rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing, or out of order, in:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

use routecause::tools::{Call, Settings, Source, Toolbox, registry};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An Ingress of ingress-nginx and an HTTPRoute of an implementation without a model, on one host.
const CLUSTER: &str = "
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {namespace: edge, name: nginx}
  spec:
    selector: {matchLabels: {app: nginx}}
    template:
      metadata: {labels: {app: nginx}}
      spec: {containers: [{name: controller, image: 'registry.k8s.io/ingress-nginx/controller:v1.15.1'}]}
- {apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: k8s.io/ingress-nginx}}
- apiVersion: networking.k8s.io/v1
  kind: Ingress
  metadata: {namespace: shop, name: web}
  spec:
    ingressClassName: nginx
    rules:
    - host: shop.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
- {apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: lab}, spec: {controllerName: lab.example/gateways}}
- apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {namespace: edge, name: gw}
  spec:
    gatewayClassName: lab
    listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
- apiVersion: gateway.networking.k8s.io/v1beta1
  kind: HTTPRoute
  metadata: {namespace: shop, name: web}
  spec:
    parentRefs: [{name: gw, namespace: edge}]
    hostnames: [shop.example.com]
    rules:
    - matches: [{path: {type: PathPrefix, value: /api}, headers: [{name: version, value: two}]}]
      backendRefs: [{name: api, port: 8080}]
    - matches: [{path: {type: Exact, value: /exact}}]
      backendRefs: [{name: api, port: 8080}]
- {apiVersion: v1, kind: Service, metadata: {namespace: shop, name: api}, spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 8080, protocol: TCP}]}}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {namespace: shop, name: api-1, labels: {kubernetes.io/service-name: api}}
  addressType: IPv4
  ports: [{name: http, port: 8080}]
  endpoints: [{addresses: [10.0.0.2], conditions: {ready: true}}]
";

/// The structured answer of `match_path` over these objects.
async fn asked(objects: &str, about: Option<&str>, ask: Value) -> Value {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("objects.yaml"), objects).expect("a file");
    let about = about.unwrap_or(r#"{"takenAt": "2026-11-23T06:00:00Z"}"#);
    std::fs::write(folder.path().join("capture.json"), about).expect("a file");
    let source = Source::Capture(folder.path().to_owned());
    let toolbox = Toolbox::new(Settings { source, ..Settings::default() });
    let tool = registry().iter().find(|tool| tool.name == "match_path").expect("match_path");
    tool.call(&toolbox, ask, &Call::default()).await.expect("an answer").structured
}

#[tokio::test]
async fn a_cluster_with_both_apis_answers_for_both() {
    let ask = json!({"url": "http://shop.example.com/api/x", "headers": ["Version: two"]});
    let answer = asked(CLUSTER, None, ask).await;
    let decisions = answer["decisions"].as_array().expect("decisions");
    let controllers: Vec<&Value> = decisions.iter().map(|decision| &decision["controller"]).collect();
    assert_eq!(controllers, [&json!("ingress-nginx"), &json!("httproute")]);
    let [nginx, route] = decisions.as_slice() else { panic!("{answer}") };
    assert_eq!(nginx["winner"]["ingress"], json!({"namespace": "shop", "name": "web"}));
    assert_eq!(nginx["winner"].get("http_route"), None);
    assert_eq!(route["basis"], "spec_only");
    assert_eq!(route["outcome"], "routed");
    assert_eq!(route["winner"]["http_route"], json!({"namespace": "shop", "name": "web"}));
    assert_eq!(route["winner"].get("ingress"), None);
    assert_eq!(
        route["winner"]["rule"],
        json!({"host": "shop.example.com", "path": "/api", "path_type": "PathPrefix"})
    );
    assert_eq!(
        route["winner"]["backend"],
        json!({"namespace": "shop", "service": "api", "port": "8080"})
    );
}

#[tokio::test]
async fn losers_and_near_misses_of_routes_name_their_field() {
    let ask = json!({"url": "http://shop.example.com/api/x", "controllers": ["httproute"]});
    let answer = asked(CLUSTER, None, ask).await;
    let [decision] = answer["decisions"].as_array().expect("decisions").as_slice() else { panic!("{answer}") };
    assert_eq!((&decision["outcome"], &decision["status"]), (&json!("no_route"), &json!(404)));
    let lost = &decision["eliminated"][0];
    assert_eq!((&lost["http_route"]["name"], &lost["code"]), (&json!("web"), &json!("header_differs")));
    let near = &decision["nearest"][0];
    assert_eq!(near["field"], "spec.rules[0].matches[0].headers");
    assert_eq!(near["edit"], "send the header version with value \"two\"");
}

#[tokio::test]
async fn only_ingresses_are_asked_about_where_no_route_takes_the_host() {
    let objects = CLUSTER.replace("hostnames: [shop.example.com]", "hostnames: [other.example.com]");
    let answer = asked(&objects, None, json!({"url": "http://shop.example.com/api/x"})).await;
    let decisions = answer["decisions"].as_array().expect("decisions");
    assert_eq!(decisions.len(), 1, "{answer}");
    assert_eq!(decisions[0]["controller"], "ingress-nginx");
}

#[tokio::test]
async fn routes_that_could_not_be_listed_are_a_gap() {
    let objects = CLUSTER.replace("kind: HTTPRoute", "kind: Unknown");
    let about = r#"{"takenAt": "2026-11-23T06:00:00Z", "errors": [{"resource": "httproutes.gateway.networking.k8s.io", "reason": "Forbidden"}]}"#;
    let ask = json!({"url": "http://shop.example.com/", "controllers": ["httproute"]});
    let gaps = asked(&objects, Some(about), ask).await["gaps"].to_string();
    assert!(gaps.contains("httproutes"), "{gaps}");
}

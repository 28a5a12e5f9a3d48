//! `routecause compare`, and the comparisons of `match_path`, on the embedded incident.

mod captures;

use routecause::cli::{self, CliError};
use routecause::evidence::demo;
use routecause::model::controller::ControllerKind;
use routecause::tools::compare::{self, Answer, Asked};
use routecause::tools::{Call, FailureCode, Reply, Settings, Source, ToolFailure, Toolbox, registry};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::api_server::ApiServer;
use crate::support::served::{everything, served};

fn on_demo(namespace: Option<&str>) -> Toolbox {
    let namespace = namespace.map(str::to_owned);
    Toolbox::new(Settings { source: Source::Demo, namespace, ..Settings::default() })
}

async fn compared(toolbox: &Toolbox, to: ControllerKind) -> (Reply, Answer) {
    compare::examine(toolbox, Asked { to, from: None }).await.expect("an answer")
}

fn group<'v>(report: &'v Value, cause: &str) -> &'v Value {
    let groups = report["groups"].as_array().expect("groups");
    groups.iter().find(|group| group["cause"] == cause).unwrap_or_else(|| panic!("no {cause}: {groups:?}"))
}

async fn asked(arguments: Value) -> Reply {
    let tool = registry().iter().find(|entry| entry.name == "match_path").expect("the tool");
    tool.call(&on_demo(None), arguments, &Call::default()).await.expect("an answer")
}

#[tokio::test]
async fn a_move_to_traefik_is_told_by_cause() {
    let (Reply { structured: report, text, .. }, answer) =
        compared(&on_demo(None), ControllerKind::Traefik).await;
    assert_eq!(answer, Answer::Differs);
    let https = group(&report, "https_redirect");
    assert!(https["before"].as_str().expect("before").starts_with("redirect 308"), "{https}");
    assert!(https["after"].as_str().expect("after").starts_with("routed"), "{https}");
    let characters = group(&report, "prefix_matches_characters");
    assert!(characters["example"].as_str().expect("a URL").ends_with("bar"), "{characters}");
    let keep = characters["keep"].as_str().expect("an edit");
    assert!(keep.contains("strictprefixmatching=true"), "{keep}");
    assert!(text.contains("prefix_matches_characters: "), "{text}");
    let counts: u64 =
        ["same", "differing", "undecided"].iter().map(|key| report[key].as_u64().expect("a count")).sum();
    assert_eq!(report["urls"].as_u64(), Some(counts));
    let grouped: u64 = report["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| group["urls"].as_u64().expect("urls"))
        .sum();
    assert_eq!(
        grouped,
        report["differing"].as_u64().expect("differing") + report["undecided"].as_u64().expect("undecided")
    );
}

#[tokio::test]
async fn every_controller_can_be_compared_within_what_clients_take() {
    let schema = compare::schema();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    for kind in ControllerKind::ALL.into_iter().filter(|kind| !kind.routes_by_gateways()) {
        let (one, _) = compared(&on_demo(None), kind).await;
        let (other, _) = compared(&on_demo(None), kind).await;
        assert_eq!(one, other, "{kind}");
        let errors: Vec<String> =
            validator.iter_errors(&one.structured).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{kind}: {errors:?}");
        let mut stranger = one.structured.clone();
        stranger["urls"] = json!("many");
        assert!(!validator.is_valid(&stranger));
        assert!(one.text.chars().count() <= 10_000 && one.structured.to_string().chars().count() <= 10_000);
    }
}

#[tokio::test]
async fn a_namespace_is_compared_alone() {
    let (all, _) = compared(&on_demo(None), ControllerKind::Traefik).await;
    let (one, _) = compared(&on_demo(Some("content")), ControllerKind::Traefik).await;
    assert!(one.structured["ingresses"].as_u64() < all.structured["ingresses"].as_u64());
    for group in one.structured["groups"].as_array().expect("groups") {
        assert!(group["ingress"].as_str().expect("a name").starts_with("content/"), "{group}");
    }
}

#[tokio::test]
async fn the_exit_code_tells_the_answer() {
    for (words, code) in [
        ("--demo compare --to traefik", 1),
        ("--demo compare --to ingress-nginx --from ingress-nginx", 0),
        ("--demo compare --to httproute", 2),
        ("--demo compare --to nonsense", 64),
        ("--demo compare", 64),
    ] {
        let words_given = std::iter::once("routecause").chain(words.split(' ')).map(Into::into);
        let ended: Result<u8, CliError> = match cli::parse(words_given, registry()) {
            Ok(invocation) => invocation.run().await,
            Err(error) => Err(error),
        };
        assert_eq!(ended.unwrap_or_else(|error| error.exit_code()), code, "{words}");
    }
}

#[tokio::test]
async fn a_live_cluster_answers_as_the_capture_does() {
    let server = ApiServer::start(served(demo::open().expect("demo"), everything())).await;
    let settings = Settings {
        source: Source::Cluster { kubeconfig: Some(server.kubeconfig("token: t0ken")), context: None },
        ..Settings::default()
    };
    let (live, answer) = compared(&Toolbox::new(settings), ControllerKind::Traefik).await;
    let (captured, _) = compared(&on_demo(None), ControllerKind::Traefik).await;
    assert_eq!(answer, Answer::Differs);
    for key in ["urls", "same", "differing", "undecided", "groups"] {
        assert_eq!(live.structured[key], captured.structured[key], "{key}");
    }
}

#[tokio::test]
async fn match_path_compares_a_namespace_and_says_why_two_decisions_differ() {
    let all = asked(json!({"namespace": "content", "controllers": ["traefik"]})).await;
    let comparison = all.structured["comparisons"][0].as_str().expect("said");
    assert!(comparison.contains("\nprefix_matches_characters: "), "{comparison}");
    assert!(all.text.contains(comparison), "{}", all.text);
    let (report, _) = compared(&on_demo(Some("content")), ControllerKind::Traefik).await;
    let example = group(&report.structured, "prefix_matches_characters")["example"].as_str().expect("a URL");
    let one = asked(json!({"url": example, "controllers": ["ingress-nginx", "traefik"]})).await;
    assert_eq!(one.structured["decisions"].as_array().map(Vec::len), Some(2));
    let difference = one.structured["differences"][0].as_str().expect("said");
    let wanted = "prefix_matches_characters: traefik differs from ingress-nginx";
    assert!(difference.starts_with(wanted), "{difference}");
    assert!(one.text.contains(difference), "{}", one.text);
}

#[tokio::test]
async fn match_path_without_a_url_or_a_place_compares_all_there_is() {
    let (report, _) = compared(&on_demo(None), ControllerKind::Traefik).await;
    let all = asked(json!({"controllers": ["traefik"]})).await;
    let verdict = report.structured["verdict"].as_str().expect("a verdict");
    assert!(
        all.structured["comparisons"][0].as_str().is_some_and(|said| said.starts_with(verdict)),
        "{}",
        all.text
    );
}

#[tokio::test]
async fn every_controller_decides_a_url_wherever_it_runs() {
    for kind in ControllerKind::ALL {
        let url = demo::url().expect("a URL");
        let reply = asked(json!({"url": url, "controllers": ["ingress-nginx", kind.slug()]})).await;
        let decisions = reply.structured["decisions"].as_array().expect("decisions");
        let named: Vec<&str> =
            decisions.iter().filter_map(|decision| decision["controller"].as_str()).collect();
        assert!(named.contains(&kind.slug()), "{kind}: {named:?}");
    }
}

/// A migration in progress: an Ingress, and HTTPRoutes for one of its two hosts.
const MIGRATING: &str = "
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
    - host: moved.example.com
      http:
        paths:
        - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
        - {path: /api, pathType: Prefix, backend: {service: {name: api, port: {number: 80}}}}
        - {path: /old, pathType: Exact, backend: {service: {name: api, port: {number: 80}}}}
    - host: stays.example.com
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
- {apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: lab}, spec: {controllerName: lab.example/gateways}}
- apiVersion: gateway.networking.k8s.io/v1
  kind: Gateway
  metadata: {namespace: edge, name: gw}
  spec:
    gatewayClassName: lab
    listeners: [{name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}]
- apiVersion: gateway.networking.k8s.io/v1
  kind: HTTPRoute
  metadata: {namespace: shop, name: web}
  spec:
    parentRefs: [{name: gw, namespace: edge}]
    hostnames: [moved.example.com]
    rules:
    - matches: [{path: {type: PathPrefix, value: /}}]
      backendRefs: [{name: web, port: 80}]
    - matches: [{path: {type: PathPrefix, value: /api}}]
      backendRefs: [{name: web, port: 80}]
- {apiVersion: v1, kind: Service, metadata: {namespace: shop, name: web}, spec: {clusterIP: 10.0.0.1, ports: [{name: http, port: 80, protocol: TCP}]}}
- {apiVersion: v1, kind: Service, metadata: {namespace: shop, name: api}, spec: {clusterIP: 10.0.0.2, ports: [{name: http, port: 80, protocol: TCP}]}}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {namespace: shop, name: web-1, labels: {kubernetes.io/service-name: web}}
  addressType: IPv4
  ports: [{name: http, port: 80}]
  endpoints: [{addresses: [10.0.0.3], conditions: {ready: true}}]
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {namespace: shop, name: api-1, labels: {kubernetes.io/service-name: api}}
  addressType: IPv4
  ports: [{name: http, port: 80}]
  endpoints: [{addresses: [10.0.0.4], conditions: {ready: true}}]
";

fn on(objects: &str) -> (TempDir, Toolbox) {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("objects.yaml"), objects).expect("a file");
    let about = r#"{"takenAt": "2026-11-23T06:00:00Z"}"#;
    std::fs::write(folder.path().join("capture.json"), about).expect("a file");
    let source = Source::Capture(folder.path().to_path_buf());
    let toolbox = Toolbox::new(Settings { source, ..Settings::default() });
    (folder, toolbox)
}

#[tokio::test]
async fn ingresses_are_compared_with_the_http_routes_that_are_there() {
    let (_folder, toolbox) = on(MIGRATING);
    let (reply, answer) = compared(&toolbox, ControllerKind::HttpRoute).await;
    assert_eq!(answer, Answer::Differs);
    let report = &reply.structured;
    assert_eq!(report["basis"], "spec_only", "{report}");
    assert_eq!(report["not_compared"], json!(["1 host(s) that no HTTPRoute is for"]), "{report}");
    assert!(!report["groups"].to_string().contains("stays.example.com"), "{report}");
    let other = group(report, "other_backend");
    assert_eq!(other["example"], "http://moved.example.com/api", "{other}");
    // The redirect that only an Exact rule had, and the port that no listener has.
    assert_eq!(group(report, "entry_point")["example"], "https://moved.example.com/", "{report}");
    // `/` of both is the same.
    assert!(report["same"].as_u64() > Some(0), "{report}");
    let causes: Vec<&Value> =
        report["groups"].as_array().expect("groups").iter().map(|group| &group["cause"]).collect();
    assert!(!causes.contains(&&json!("other")), "{report}");
}

#[tokio::test]
async fn what_the_http_routes_leave_out_is_told() {
    let without_root = MIGRATING.replace(
        "    - matches: [{path: {type: PathPrefix, value: /}}]\n      backendRefs: [{name: web, port: 80}]\n",
        "",
    );
    let (_folder, toolbox) = on(&without_root);
    let (reply, _) = compared(&toolbox, ControllerKind::HttpRoute).await;
    let lost = group(&reply.structured, "not_in_http_routes");
    assert!(lost["after"].as_str().expect("an end").starts_with("no_route 404"), "{lost}");
    let kept = lost.get("keep");
    assert_eq!(kept, None, "an edit of an Ingress does nothing for an HTTPRoute: {lost}");
}

#[tokio::test]
async fn without_http_routes_it_is_said_what_to_do() {
    for to in [ControllerKind::HttpRoute, ControllerKind::TraefikGateway] {
        let failure =
            compare::examine(&on_demo(None), Asked { to, from: None }).await.expect_err("nothing to compare");
        assert_eq!(failure.code, FailureCode::Unsupported);
        assert!(
            failure.seen.contains("there are none") && failure.next.contains("ingress2gateway"),
            "{failure}"
        );
    }
    let asked = Asked { to: ControllerKind::Traefik, from: Some(ControllerKind::HttpRoute) };
    let failure = compare::examine(&on_demo(None), asked).await.expect_err("no Ingress moves from there");
    assert!(failure.next.contains("--to"), "{failure}");
    let reply = asked_both().await;
    let said = reply.structured["comparisons"].to_string();
    assert!(said.contains("Not compared with httproute"), "{said}");
    assert!(said.contains("under traefik"), "{said}");
}

async fn asked_both() -> Reply {
    asked(json!({"namespace": "content", "controllers": ["traefik", "httproute"]})).await
}

#[tokio::test]
async fn every_url_of_one_ingress_is_asked_and_only_its_own() {
    let reply = asked(json!({"ingress": "content/images", "controllers": ["traefik"]})).await;
    let said = reply.structured["comparisons"][0].as_str().expect("said").to_owned();
    assert!(said.contains(" of 1 Ingresses would behave differently under traefik"), "{said}");
    assert!(!said.contains("content/blog"), "{said}");
    // A rule's own URL and its edges: more URLs than rules.
    let rules = reply.structured["rules"]["decided"].as_u64().expect("rules");
    let urls: u64 = said
        .split(" of ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .expect("a count")
        .parse()
        .expect("a number");
    assert!(urls > 3 * rules, "{rules} rules, {urls} URLs: {said}");

    for (ingress, words) in [("content/nobody", "nobody"), ("nobody", "nobody")] {
        let failure = refused(json!({"ingress": ingress, "controllers": ["traefik"]})).await;
        assert!(failure.seen.contains(words), "{ingress}: {failure}");
    }
    // One name in two namespaces; one in a single namespace is found.
    let failure = refused(json!({"ingress": "storefront", "controllers": ["traefik"]})).await;
    assert_eq!(failure.code, FailureCode::BadArguments);
    assert!(
        failure.seen.contains("shop/storefront") && failure.seen.contains("staging/storefront"),
        "{failure}"
    );
    let found = asked(json!({"ingress": "images", "controllers": ["traefik"]})).await;
    assert_eq!(found.structured, reply.structured);
}

async fn refused(arguments: Value) -> ToolFailure {
    let tool = registry().iter().find(|entry| entry.name == "match_path").expect("the tool");
    tool.call(&on_demo(None), arguments, &Call::default()).await.expect_err("no answer")
}

#[tokio::test]
async fn several_controllers_stand_side_by_side_with_what_makes_each_differ() {
    let (report, _) = compared(&on_demo(Some("content")), ControllerKind::Traefik).await;
    let example = group(&report.structured, "prefix_matches_characters")["example"].as_str().expect("a URL");
    let controllers = ["ingress-nginx", "contour", "traefik", "f5-nginx", "aws-alb"];
    let reply = asked(json!({"url": example, "controllers": controllers})).await;
    let decided: Vec<&str> = reply.structured["decisions"]
        .as_array()
        .expect("decisions")
        .iter()
        .filter_map(|decision| decision["controller"].as_str())
        .collect();
    assert_eq!(decided, controllers);
    let differences: Vec<&str> = reply.structured["differences"]
        .as_array()
        .expect("differences")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    // Contour does as ingress-nginx does here.
    let [traefik, f5, aws] = differences.as_slice() else { panic!("{differences:?}") };
    assert!(
        traefik.starts_with("prefix_matches_characters: traefik differs from ingress-nginx"),
        "{traefik}"
    );
    assert!(f5.starts_with("prefix_matches_characters: f5-nginx differs from ingress-nginx"), "{f5}");
    assert!(aws.starts_with("configuration_refused: aws-alb differs from ingress-nginx"), "{aws}");
    assert!(differences.iter().all(|difference| reply.text.contains(*difference)), "{}", reply.text);
}

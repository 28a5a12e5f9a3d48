//! The Gateway API on a real API server: not installed, installed from its own CRDs, and each right to its
//! kinds missing. Not installed is a fact, not allowed is a gap.

use routecause::evidence::permissions::{PERMISSIONS, Permission};
use routecause::tools::Toolbox;
use serde_json::{Value, json};

use crate::ask::ask;
use crate::plane::assets::Assets;
use crate::plane::{Options, Plane};
use crate::rbac::reader_without;
use crate::shop::{Shop, service, workload};
use crate::suite::{Case, Skip, Suite};
use crate::truth::{Question, commands, faults, questions, shop, unseen, when_well};

pub(crate) fn cases() -> Vec<Case> {
    cases![a_cluster_without_the_gateway_api_and_with_it]
}

const GROUP: &str = "gateway.networking.k8s.io";
const VERSION: &str = "gateway.networking.k8s.io/v1";
/// The implementation's namespace.
const EDGE: &str = "edge";

/// Installs the CRDs, as `kubectl apply --server-side -f` does.
async fn install(plane: &Plane, folder: &std::path::Path) {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("the CRDs").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "yaml")) {
        plane.apply(&std::fs::read_to_string(file).expect("a manifest")).await;
    }
    for kind in ["GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant"] {
        plane
            .until(&format!("{kind} is served"), || async { plane.get(VERSION, kind, "", "").await.ok() })
            .await;
    }
}

fn route(namespace: &str, name: &str, host: &str, path: &str, backend: &Value) -> Value {
    json!({"apiVersion": VERSION, "kind": "HTTPRoute", "metadata": {"name": name, "namespace": namespace},
           "spec": {"parentRefs": [{"name": "gw", "namespace": EDGE}], "hostnames": [host], "rules": [{
               "matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [backend]}]}})
}

/// The status that an implementation writes.
async fn accept(plane: &Plane, kind: &str, namespace: &str, name: &str, conditions: &[&str]) {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|name| {
            json!({"type": name, "status": "True", "reason": name, "message": "", "observedGeneration": 1,
                   "lastTransitionTime": "2026-11-22T08:00:00Z"})
        })
        .collect();
    let place = crate::plane::objects::path(VERSION, kind, namespace, name);
    let status = json!({"status": {"conditions": conditions}});
    let place = format!("{place}/status?fieldManager=traefik");
    plane
        .request(http::Method::PATCH, &place, "application/merge-patch+json", &status)
        .await
        .unwrap_or_else(|error| panic!("{place}: {error}"));
}

/// A Traefik that serves one Gateway, whose routes lead to the shop's Services.
async fn gateway(plane: &Plane, shop: &Shop<'_>) {
    plane.namespace(EDGE).await;
    let mut traefik = workload(EDGE, "traefik", 1);
    let container = &mut traefik["spec"]["template"]["spec"]["containers"][0];
    container["image"] = json!("docker.io/traefik:v3.7.1");
    container["args"] = json!(["--entryPoints.web.address=:8080/tcp", "--providers.kubernetesgateway"]);
    let labels = json!({"app": "traefik", "app.kubernetes.io/name": "traefik"});
    traefik["spec"]["template"]["metadata"]["labels"] = labels;
    plane.apply_as("helm", &traefik.to_string()).await;
    plane.apply_as("helm", &service(EDGE, "traefik").to_string()).await;
    let namespace = &shop.namespace;
    let web = json!({"name": "web", "port": 80});
    for object in [
        json!({"apiVersion": VERSION, "kind": "GatewayClass", "metadata": {"name": "traefik"},
               "spec": {"controllerName": "traefik.io/gateway-controller"}}),
        json!({"apiVersion": VERSION, "kind": "Gateway", "metadata": {"name": "gw", "namespace": EDGE},
               "spec": {"gatewayClassName": "traefik", "listeners": [
                   {"name": "web", "port": 8080, "protocol": "HTTP",
                    "allowedRoutes": {"namespaces": {"from": "All"}}}]}}),
        route(namespace, "shop", &host(shop), "/shop", &web),
        route(
            namespace,
            "lent",
            &host(shop),
            "/lent",
            &json!({"name": "traefik", "namespace": EDGE, "port": 80}),
        ),
        json!({"apiVersion": VERSION, "kind": "ReferenceGrant", "metadata": {"name": "lent", "namespace": EDGE},
               "spec": {"from": [{"group": GROUP, "kind": "HTTPRoute", "namespace": namespace}],
                        "to": [{"group": "", "kind": "Service"}]}}),
    ] {
        plane.apply_as("helm", &object.to_string()).await;
    }
    accept(plane, "GatewayClass", "", "traefik", &["Accepted"]).await;
    accept(plane, "Gateway", EDGE, "gw", &["Accepted", "Programmed"]).await;
    plane.settle(EDGE).await;
}

/// A host that only HTTPRoutes name.
fn host(shop: &Shop<'_>) -> String {
    format!("routes.{}", shop.host)
}

fn matching(shop: &Shop<'_>, path: &str) -> Question {
    let url = format!("http://{}{path}", host(shop));
    let controllers = ["httproute", "traefik-gateway"];
    Question { tool: "match_path", arguments: json!({"url": url, "controllers": controllers}) }
}

/// Outcome, status and backend under each controller.
fn decided(answer: &Value) -> Value {
    let decisions = answer["decisions"].as_array().expect("decisions").iter();
    decisions
        .map(|one| {
            json!([one["controller"], one["outcome"], one["status"], one["winner"]["backend"]["service"]])
        })
        .collect()
}

async fn is_said_not_to_be_installed(shop: &Shop<'_>, toolbox: &Toolbox) {
    let question = matching(shop, "/shop");
    let answer = ask(toolbox, question.tool, question.arguments).await;
    assert_eq!(answer["gaps"], json!([]), "{answer:#}");
    for decision in answer["decisions"].as_array().expect("decisions") {
        assert_eq!(decision["outcome"], "no_route", "{answer:#}");
        let notes = decision["notes"].to_string();
        assert!(notes.contains("HTTPRoute") && notes.contains("not installed"), "{answer:#}");
    }
}

/// The tools that know Ingresses best say nothing of a route's URL that they did not see.
async fn what_is_said_of_a_route(shop: &Shop<'_>, toolbox: &Toolbox, path: &str) {
    let url = format!("http://{}{path}", host(shop));
    let ask = |tool| ask(toolbox, tool, json!({"url": url}));
    // A route names the host; kwok has no log of this pod.
    let verdict = ask("diagnose").await;
    assert_eq!(verdict["verdict"]["code"], "INSUFFICIENT_EVIDENCE", "{verdict:#}");
    assert!(verdict["scope"]["controllers"].to_string().contains("traefik-gateway"), "{verdict:#}");
    let logs = ask("controller_logs_filtered").await;
    assert_eq!(logs["summary"], "no log was read", "{logs:#}");
    assert!(logs["gaps"].to_string().contains("log of container traefik"), "{logs:#}");
    // Nobody tells the past of HTTPRoutes.
    let correlated = ask("correlate_changes").await;
    for id in [1, 2, 5] {
        assert_ne!(correlated["hypotheses"][id - 1]["outcome"], "not_found", "{correlated:#}");
    }
    let told = ask("get_ingress").await;
    assert_eq!((&told["ingresses"], &told["gaps"]), (&json!([]), &json!([])), "{told:#}");
    let conflicts = crate::ask::ask(toolbox, "find_conflicts", json!({"host": host(shop)})).await;
    assert_eq!((&conflicts["conflicts"], &conflicts["gaps"]), (&json!([]), &json!([])), "{conflicts:#}");
}

async fn a_cluster_without_the_gateway_api_and_with_it(suite: &'static Suite) -> Result<(), Skip> {
    let Some(crds) = Assets::gateway_api() else {
        return Err(Skip(
            "no CRDs of the Gateway API; `bash tests/live/controlplane/gateway-api/fetch` gets them",
        ));
    };
    let plane = suite.own_plane(Options::default()).await;
    let shop = shop(&plane, "gateways").await?;
    let reader = plane.reader("gateways").await;
    let questions = [questions(&shop), commands(&shop)].concat();
    let of_group = |right: &&Permission| right.group == GROUP;

    // Not there, and no right to it either: a fact both times.
    let toolbox = plane.toolbox(&reader, &[]);
    let before = when_well(&questions, &toolbox).await;
    is_said_not_to_be_installed(&shop, &toolbox).await;
    let httproutes = PERMISSIONS.iter().find(|right| right.resource == "httproutes").expect("a right");
    let identity = reader_without(&plane, "gateways-none", httproutes).await;
    is_said_not_to_be_installed(&shop, &plane.toolbox(&identity, &[])).await;

    // With it, the Ingress's answers are the same, and routes have theirs.
    install(&plane, &crds).await;
    gateway(&plane, &shop).await;
    let toolbox = plane.toolbox(&reader, &[]);
    let after = when_well(&questions, &toolbox).await;
    for (question, (before, after)) in questions.iter().zip(before.iter().zip(&after)) {
        let gist = |answer| crate::truth::gist(question.tool, answer);
        if question.tool == "doctor" {
            assert_eq!(gist(after)[1], json!(["traefik-gateway", "ingress-nginx"]));
            assert_eq!(gist(after)[2], gist(before)[2]);
        } else {
            assert_eq!(gist(after), gist(before), "{question:?}");
        }
    }
    for (path, outcome, status, service) in [
        ("/shop/1", "routed", Value::Null, json!("web")),
        ("/lent", "routed", Value::Null, json!("traefik")),
        ("/none", "no_route", json!(404), Value::Null),
    ] {
        let question = matching(&shop, path);
        let answer = ask(&toolbox, question.tool, question.arguments).await;
        let expected =
            json!([["httproute", outcome, status, service], ["traefik-gateway", outcome, status, service]]);
        assert_eq!(decided(&answer), expected, "{path}: {answer:#}");
        assert_eq!(answer["gaps"], json!([]), "{answer:#}");
        what_is_said_of_a_route(&shop, &toolbox, path).await;
    }
    let wanted: Vec<Question> = ["/shop/1", "/lent", "/none"].map(|path| matching(&shop, path)).to_vec();
    let well = when_well(&wanted, &toolbox).await;

    // Each right missing: a gap that names it, and nothing wrong.
    let mut wrong = Vec::new();
    for (number, missing) in PERMISSIONS.iter().filter(of_group).enumerate() {
        let identity = reader_without(&plane, &format!("gateways-{number}"), missing).await;
        let toolbox = plane.toolbox(&identity, &[]);
        for (question, well) in wanted.iter().zip(&well) {
            let reply = question.ask(&toolbox).await;
            let resource = missing.rule_resource();
            if !unseen(&reply).contains(&resource) {
                wrong.push(format!("without {resource}: no gap: {reply:#?}"));
            }
            wrong.extend(
                faults(question, well, &reply).into_iter().map(|f| format!("without {resource}: {f}")),
            );
        }
        for (question, well) in questions.iter().zip(&after) {
            let reply = question.ask(&toolbox).await;
            if question.tool != "doctor" {
                wrong.extend(faults(question, well, &reply));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

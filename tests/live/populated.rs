//! Every tool on a cluster in which everything is real: rollouts, EndpointSlices, Events, the log of an
//! nginx, a command in a pod and a port-forward. Every answer is held to its published schema.

use routecause::tools::Toolbox;
use serde_json::{Value, json};

use crate::ask::ask;
use crate::plane::identity::manifest;
use crate::shop::{CONTROLLER, Shop, ingress, path};
use crate::suite::{Case, Skip, Suite};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        an_ingress_is_told_with_its_controller,
        the_log_tells_who_wrote_each_404,
        a_url_is_routed_as_the_real_nginx_routes_it,
        a_backend_is_followed_to_its_real_endpoints,
        a_probe_through_a_port_forward_reaches_the_controller,
        a_probe_from_a_pod_runs_a_real_curl,
        an_ingress_of_a_class_that_is_not_there_is_a_conflict,
        a_deleted_ingress_is_found_with_all_that_it_said,
        an_application_that_says_404_is_told_apart_from_a_missing_rule,
    ]
}

async fn shop(suite: &'static Suite, name: &str) -> Result<(Shop<'static>, Toolbox), Skip> {
    let plane = suite.plane().await;
    let shop = Shop::open(plane, name).await?;
    let reader = plane.reader(name).await;
    plane.grant(&reader, name, &manifest("probe.yaml")).await;
    Ok((shop, plane.toolbox(&reader, &[name, CONTROLLER])))
}

/// Every gap of an answer, as `code what`.
fn gaps(answer: &Value) -> Vec<String> {
    let gaps = answer["gaps"].as_array().cloned().unwrap_or_default();
    gaps.iter().map(ToString::to_string).collect()
}

async fn an_ingress_is_told_with_its_controller(suite: &'static Suite) -> Result<(), Skip> {
    let (shop, toolbox) = shop(suite, "told").await?;
    let answer = ask(&toolbox, "get_ingress", json!({"namespace": "told", "name": "shop"})).await;
    assert_eq!(gaps(&answer), [""; 0]);
    let told = &answer["ingresses"][0];
    assert_eq!(told["adoption"][0]["taken"], "yes", "{answer:#}");
    assert_eq!(told["adoption"].as_array().map(Vec::len), Some(1), "{answer:#}");
    let behind: Vec<&Value> =
        told["rules"].as_array().expect("rules").iter().map(|rule| &rule["behind"]).collect();
    assert_eq!(behind, ["1 ready", "2 ready"]);
    assert_eq!(told["written"][0]["by"], "kubectl", "{answer:#}");
    let controller = &answer["controllers"][0];
    assert_eq!(controller["version"], "1.12.1");
    assert_eq!(controller["config"][0], "allow-snippet-annotations: false");
    let service = shop.plane.get("v1", "Service", CONTROLLER, "ingress-nginx-controller").await;
    let address = &service.expect("the Service")["spec"]["clusterIP"];
    let address = address.as_str().expect("an address");
    assert!(controller["services"].to_string().contains(address), "{answer:#}");
    Ok(())
}

async fn the_log_tells_who_wrote_each_404(suite: &'static Suite) -> Result<(), Skip> {
    let (shop, toolbox) = shop(suite, "voices").await?;
    shop.serve(&[("/api", "api")]).await;
    for _ in 0..3 {
        assert_eq!(shop.get("/nowhere").await, 404);
    }
    assert_eq!(shop.get("/api/missing").await, 404);
    assert_eq!(shop.get("/api/v1").await, 200);
    let answer = ask(&toolbox, "controller_logs_filtered", json!({"host": shop.host})).await;
    let groups: Vec<(&Value, &Value, &Value)> = answer["groups"]
        .as_array()
        .expect("groups")
        .iter()
        .map(|group| (&group["voice"], &group["path"], &group["count"]))
        .collect();
    let expected =
        [(json!("no_rule"), json!("/nowhere"), json!(3)), (json!("app"), json!("/api/missing"), json!(1))];
    assert_eq!(groups, expected.each_ref().map(|(voice, path, count)| (voice, path, count)), "{answer:#}");
    assert!(answer["coverage"].to_string().contains(&shop.controller), "{answer:#}");
    assert_eq!(gaps(&answer), [""; 0]);
    Ok(())
}

async fn a_url_is_routed_as_the_real_nginx_routes_it(suite: &'static Suite) -> Result<(), Skip> {
    let (shop, toolbox) = shop(suite, "routed").await?;
    for (path, service, status) in [("/api/v1", "api", 200), ("/about", "web", 200), ("/apiary", "web", 200)]
    {
        assert_eq!(shop.get(path).await, status);
        let answer = ask(&toolbox, "match_path", json!({"url": shop.url(path)})).await;
        let decision = &answer["decisions"][0];
        assert_eq!(decision["outcome"], "routed", "{answer:#}");
        assert_eq!(decision["winner"]["backend"]["service"], service, "{answer:#}");
        // The last line of the real log agrees.
        let upstream = format!("[routed-{service}-80]");
        shop.plane
            .until("the request is in the log", || async {
                let text = std::fs::read_to_string(shop.log().await).expect("the log");
                let line =
                    text.lines().rfind(|line| line.contains(&format!("GET {path} "))).map(str::to_owned)?;
                assert!(line.contains(&upstream), "{line}");
                Some(())
            })
            .await;
    }
    Ok(())
}

async fn a_backend_is_followed_to_its_real_endpoints(suite: &'static Suite) -> Result<(), Skip> {
    let (shop, toolbox) = shop(suite, "followed").await?;
    let answer = ask(&toolbox, "check_backend", json!({"namespace": "followed", "ingress": "shop"})).await;
    for (backend, ready) in answer["backends"].as_array().expect("backends").iter().zip([1, 2]) {
        assert_eq!(backend["first_broken"], Value::Null, "{answer:#}");
        assert_eq!(backend["links"][4]["says"], format!("{ready} ready, 0 not ready"), "{answer:#}");
    }
    // A rollout to nothing, and pods that run but are not ready.
    shop.plane.scale("followed", "api", 0).await;
    shop.plane.settle("followed").await;
    let pod = shop.plane.pods_of("followed", "web").await.remove(0);
    let unready = json!({"metadata": {"annotations": {"routecause.test/state": "unready"}}});
    shop.plane.patch("kubectl", ["v1", "Pod", "followed", &pod], &unready).await;
    shop.plane
        .until("one pod of web is not ready", || async {
            let answer =
                ask(&toolbox, "check_backend", json!({"namespace": "followed", "ingress": "shop"})).await;
            let broken = answer["backends"][0]["links"][3]["says"].as_str().expect("what is broken");
            assert!(broken.contains("Deployment followed/api runs no pod"), "{answer:#}");
            (answer["backends"][1]["links"][4]["says"] == "1 ready, 1 not ready").then_some(())
        })
        .await;
    Ok(())
}

async fn a_probe_through_a_port_forward_reaches_the_controller(suite: &'static Suite) -> Result<(), Skip> {
    let (shop, toolbox) = shop(suite, "forwarded").await?;
    for (target, status) in [("controller", 200), ("pod", 200)] {
        let ask_for = json!({"url": shop.url("/api/v1"), "via": "port_forward", "target": target});
        let answer = ask(&toolbox, "exec_probe", ask_for).await;
        assert_eq!(answer["probes"][0]["status"], status, "{answer:#}");
    }
    Ok(())
}

async fn a_probe_from_a_pod_runs_a_real_curl(suite: &'static Suite) -> Result<(), Skip> {
    let (shop, toolbox) = shop(suite, "commanded").await?;
    let pod = shop.plane.pods_of("commanded", "client").await.remove(0);
    let from = format!("commanded/{pod}");
    let answer =
        ask(&toolbox, "exec_probe", json!({"url": shop.url("/api/v1"), "via": "exec", "from": from})).await;
    assert_eq!(answer["probes"][0]["status"], 200, "{answer:#}");
    assert_eq!(answer["probes"][0]["via"], "exec", "{answer:#}");
    assert_eq!(answer["probes"][0]["body"][0], "app", "{answer:#}");
    Ok(())
}

async fn an_ingress_of_a_class_that_is_not_there_is_a_conflict(suite: &'static Suite) -> Result<(), Skip> {
    let (shop, toolbox) = shop(suite, "conflicting").await?;
    let none = ask(&toolbox, "find_conflicts", json!({"host": shop.host})).await;
    assert_eq!(none["conflicts"], json!([]), "{none:#}");
    let mut rival = ingress("conflicting", &shop.host, &json!([path("/api", "web")]));
    rival["metadata"]["name"] = json!("rival");
    rival["spec"]["ingressClassName"] = json!("nobodys");
    shop.plane.apply(&rival.to_string()).await;
    let answer = ask(&toolbox, "find_conflicts", json!({"host": shop.host})).await;
    assert!(answer["conflicts"].to_string().contains("rival"), "{answer:#}");
    Ok(())
}

async fn a_deleted_ingress_is_found_with_all_that_it_said(suite: &'static Suite) -> Result<(), Skip> {
    let (shop, toolbox) = shop(suite, "deleted").await?;
    assert_eq!(shop.get("/api/v1").await, 200);
    shop.plane.delete("networking.k8s.io/v1", "Ingress", "deleted", "shop").await;
    shop.serve(&[]).await;
    assert_eq!(shop.get("/api/v1").await, 404);
    let answer = ask(&toolbox, "correlate_changes", json!({"url": shop.url("/api/v1"), "onset": "0s"})).await;
    let changes = answer["hypotheses"][0]["changes"].as_array().expect("changes");
    let deletion = changes.iter().find(|change| change["decision_after"] == "no_route 404");
    let deletion = deletion.unwrap_or_else(|| panic!("no deletion: {answer:#}"));
    assert_eq!(deletion["object"], json!({"kind": "Ingress", "namespace": "deleted", "name": "shop"}));
    assert_eq!(deletion["via"], "watch_replay");
    assert_eq!(deletion["decision_before"], "routed deleted/api:80");
    // What it said is only in the API server's memory.
    let told = answer["timeline"].as_str().expect("a timeline");
    assert!(told.contains("deleted: deleted.example.com: /api"), "{told}");
    ask(&toolbox, "diagnose", json!({"url": shop.url("/api/v1")})).await;
    Ok(())
}

async fn an_application_that_says_404_is_told_apart_from_a_missing_rule(
    suite: &'static Suite,
) -> Result<(), Skip> {
    let (shop, toolbox) = shop(suite, "apart").await?;
    assert_eq!(shop.get("/api/missing").await, 404);
    let answer = ask(&toolbox, "diagnose", json!({"url": shop.url("/api/missing")})).await;
    assert_eq!(answer["verdict"]["code"], "APP_ROUTE_MISSING", "{answer:#}");
    shop.route("kubectl-edit", &[("/api", "api")]).await;
    shop.serve(&[("/api", "api")]).await;
    assert_eq!(shop.get("/about").await, 404);
    let answer = ask(&toolbox, "diagnose", json!({"url": shop.url("/about")})).await;
    assert_eq!(answer["verdict"]["code"], "NO_RULE_FOR_PATH", "{answer:#}");
    assert!(answer["verdict"]["evidence"].to_string().contains("kubectl-edit"), "{answer:#}");
    Ok(())
}

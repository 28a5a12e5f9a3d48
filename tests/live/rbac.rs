//! Rights: the shipped manifests are enough for every tool, each single right is needed for something,
//! and without it the answer says so and says nothing wrong.

use routecause::evidence::permissions::{PERMISSIONS, Permission};
use serde_json::json;

use crate::plane::Plane;
use crate::plane::identity::{Identity, manifest};
use crate::plane::objects::documents;
use crate::shop::CONTROLLER;
use crate::suite::{Case, Skip, Suite};
use crate::truth::{faults, questions, shop, unseen, when_well};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        with_the_manifests_as_they_are_shipped_every_tool_sees_everything,
        without_one_right_the_answer_has_a_gap_and_is_not_wrong,
        with_rights_in_one_namespace_only_that_namespace_is_told_of,
        without_any_right_every_tool_says_so,
        exec_and_port_forward_need_get_and_create,
    ]
}

async fn with_the_manifests_as_they_are_shipped_every_tool_sees_everything(
    suite: &'static Suite,
) -> Result<(), Skip> {
    let plane = suite.plane().await;
    let shop = shop(plane, "shipped").await?;
    // `kubectl apply -f`, and `-n NAMESPACE` where the file names none.
    for file in ["service-account.yaml", "cluster.yaml", "controller-config.yaml", "probe.yaml"] {
        for mut object in documents(&manifest(file)) {
            let namespaced = ["Role", "RoleBinding"].contains(&object["kind"].as_str().expect("a kind"));
            if namespaced && object["metadata"]["namespace"].is_null() {
                object["metadata"]["namespace"] = json!(CONTROLLER);
            }
            plane.apply(&object.to_string()).await;
        }
    }
    let identity = plane.account("routecause", "routecause").await;
    plane.allowed(&identity, "create", "", "pods", "exec", CONTROLLER).await;
    when_well(&questions(&shop), &plane.toolbox(&identity, &[])).await;
    Ok(())
}

/// The shipped rights without one.
pub(crate) async fn reader_without(plane: &Plane, name: &str, missing: &Permission) -> Identity {
    let identity = plane.identity(name).await;
    for file in ["cluster.yaml", "controller-config.yaml", "probe.yaml"] {
        let mut text = String::new();
        for mut role in documents(&manifest(file)) {
            for rule in role["rules"].as_array_mut().into_iter().flatten() {
                if rule["apiGroups"][0] == missing.group {
                    let resources = rule["resources"].as_array_mut().expect("resources");
                    resources.retain(|resource| *resource != missing.rule_resource());
                }
            }
            if let Some(rules) = role["rules"].as_array_mut() {
                rules.retain(|rule| rule["resources"].as_array().is_some_and(|all| !all.is_empty()));
            }
            text.push_str(&format!("{role}\n---\n"));
        }
        plane.grant(&identity, CONTROLLER, &text).await;
    }
    identity
}

async fn without_one_right_the_answer_has_a_gap_and_is_not_wrong(suite: &'static Suite) -> Result<(), Skip> {
    let plane = suite.plane().await;
    let shop = shop(plane, "without").await?;
    let all = plane.reader("without-nothing").await;
    let questions = questions(&shop);
    let well = when_well(&questions, &plane.toolbox(&all, &[])).await;
    let mut wrong = Vec::new();
    for (number, missing) in PERMISSIONS.iter().enumerate() {
        // The Gateway API is not installed here, and exec has a case of its own.
        if missing.group.starts_with("gateway") || missing.subresource == Some("exec") {
            continue;
        }
        let identity = reader_without(plane, &format!("without-{number}"), missing).await;
        let toolbox = plane.toolbox(&identity, &[]);
        let mut told = false;
        for (question, well) in questions.iter().zip(&well) {
            let reply = question.ask(&toolbox).await;
            let resource = missing.rule_resource();
            told |= unseen(&reply).contains(&resource);
            wrong.extend(
                faults(question, well, &reply).into_iter().map(|f| format!("without {resource}: {f}")),
            );
        }
        if missing.resource == "namespaces" {
            let nowhere = json!({"namespace": "nowhere", "name": "shop"});
            let reply = crate::ask::try_ask(&toolbox, "get_ingress", nowhere).await;
            told |= unseen(&reply).contains("namespaces");
        }
        if !told {
            wrong.push(format!("without {}: no tool says that it did not see it", missing.rule_resource()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

async fn with_rights_in_one_namespace_only_that_namespace_is_told_of(
    suite: &'static Suite,
) -> Result<(), Skip> {
    let plane = suite.plane().await;
    let shop = shop(plane, "narrow").await?;
    let all = plane.reader("narrow-all").await;
    let questions = questions(&shop);
    let well = when_well(&questions, &plane.toolbox(&all, &[])).await;
    let identity = plane.identity("narrow").await;
    for namespace in ["narrow", CONTROLLER] {
        plane.grant(&identity, namespace, &manifest("namespace.yaml")).await;
    }
    plane.grant(&identity, CONTROLLER, &manifest("controller-config.yaml")).await;
    plane.grant(&identity, CONTROLLER, &manifest("cluster-scoped.yaml")).await;
    let mut settings = plane.toolbox(&identity, &[]).settings().clone();
    settings.namespace = Some("narrow".to_owned());
    let toolbox = routecause::tools::Toolbox::new(settings);
    let mut wrong = Vec::new();
    for (question, well) in questions.iter().zip(&well) {
        let reply = question.ask(&toolbox).await;
        wrong.extend(faults(question, well, &reply));
        if question.tool == "get_ingress" {
            let reply = reply.as_ref().unwrap_or_else(|failure| panic!("{failure}"));
            assert_eq!(reply.structured["ingresses"][0]["ingress"]["name"], "shop");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    Ok(())
}

async fn without_any_right_every_tool_says_so(suite: &'static Suite) -> Result<(), Skip> {
    let plane = suite.plane().await;
    let shop = shop(plane, "nothing").await?;
    let identity = plane.identity("nothing").await;
    let toolbox = plane.toolbox(&identity, &[]);
    for question in questions(&shop) {
        let failure = question.ask(&toolbox).await.expect_err("nothing can be told");
        assert_eq!(failure.code.as_str(), "forbidden", "{question:?}: {failure}");
        assert!(failure.to_string().contains("ingresses"), "{question:?}: {failure}");
    }
    Ok(())
}

async fn exec_and_port_forward_need_get_and_create(suite: &'static Suite) -> Result<(), Skip> {
    let plane = suite.plane().await;
    let shop = shop(plane, "verbs").await?;
    let pod = plane.pods_of("verbs", "client").await.remove(0);
    for (number, verbs) in [&["get"][..], &["create"], &[], &["get", "create"]].into_iter().enumerate() {
        let identity = plane.identity(&format!("verbs-{number}")).await;
        plane.grant(&identity, CONTROLLER, &manifest("cluster.yaml")).await;
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "some"},
            "rules": [{"apiGroups": [""], "resources": ["pods/exec", "pods/portforward"], "verbs": verbs}],
        });
        if !verbs.is_empty() {
            for namespace in ["verbs", CONTROLLER] {
                plane.grant(&identity, namespace, &role.to_string()).await;
            }
        }
        let toolbox = plane.toolbox(&identity, &["verbs"]);
        for (via, resource) in [("exec", "pods/exec"), ("port_forward", "pods/portforward")] {
            let mut arguments = json!({"url": shop.url("/api/v1"), "via": via});
            if via == "exec" {
                arguments["from"] = json!(format!("verbs/{pod}"));
            }
            let reply = crate::ask::try_ask(&toolbox, "exec_probe", arguments).await;
            if verbs.len() == 2 {
                let answer = reply.unwrap_or_else(|failure| panic!("{via}: {failure}")).structured;
                assert_eq!(answer["probes"][0]["status"], 200, "{via}: {answer:#}");
                continue;
            }
            let failure = reply.map(|reply| reply.structured).expect_err("nothing can be sent");
            assert_eq!(failure.code.as_str(), "forbidden", "{via} with {verbs:?}: {failure}");
            let verb = if verbs.contains(&"get") { "create" } else { "get" };
            let text = failure.to_string();
            assert!(text.contains(resource) && text.contains(verb), "{via} with {verbs:?}: {failure}");
        }
    }
    Ok(())
}

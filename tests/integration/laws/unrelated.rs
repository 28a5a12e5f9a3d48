//! The newcomer is younger than everything, is taken like the first object that the controller takes, and
//! has a Service and a name of its own, so that it shares with nobody what is kept by Service or by name.
//! It has no default backend and no annotation but that of its class: those are for all hosts in some
//! controllers.

use routecause::model::controller::ControllerKind;
use serde_json::{Value, json};

use super::worlds::{Broken, CASES, Case, Scene, brief};
use crate::world::{Behind, service};

const HOST: &str = "unrelated.invalid";
/// A Service that a world has, and that none of its routes names: each gets a copy of its own.
const SERVICE: &str = "eight";

#[test]
fn a_host_that_nobody_asks_for_changes_no_answer() {
    let mut broken = Broken::default();
    for case in CASES.iter() {
        let Some(newcomers) = newcomers(case) else { continue };
        let objects: Vec<Value> = case.objects.iter().cloned().chain(newcomers).collect();
        let (before, after) = (case.scene.table(), Scene::of(case.kind, &objects).table());
        // Where every load balancer keeps its old rules, one that is built changes what is said of all.
        if before.refused() != after.refused() {
            broken.add(case, "what is refused", "");
        }
        for ask in &case.asks {
            let (one, other) = (before.decide(ask), after.decide(ask));
            if one != other {
                broken.at(case, ask, "what is decided", &format!("{}{}", brief(&one), brief(&other)));
            }
            if before.failure_for(ask) != after.failure_for(ask) {
                broken.at(case, ask, "what keeps it from being loaded", "");
            }
        }
    }
    broken.settle();
}

/// A route for [`HOST`], and the Service behind it; nothing where no route is taken.
fn newcomers(case: &Case) -> Option<Vec<Value>> {
    let kind = if case.kind.routes_by_gateways() { "HTTPRoute" } else { "Ingress" };
    let like = match kind {
        "Ingress" => case.scene.adopted().first().map(|ingress| ingress.meta.key()),
        _ => case.scene.snapshot.http_routes.items().first().map(|route| route.meta.key()),
    }?;
    let of = |object: &&Value| {
        let metadata = &object["metadata"];
        object["kind"] == kind && metadata["namespace"] == like.namespace && metadata["name"] == like.name
    };
    let like_object = case.objects.iter().find(of)?;
    let mut route = like_object.clone();
    route["metadata"] = json!({
        "namespace": like.namespace, "name": "zz-unrelated", "uid": "zz-unrelated",
        "creationTimestamp": "2026-06-01T00:00:00Z", "labels": like_object["metadata"]["labels"],
    });
    let classes = ["kubernetes.io/ingress.class", "projectcontour.io/ingress.class"];
    for key in classes {
        if let Some(class) = like_object["metadata"]["annotations"].get(key) {
            route["metadata"]["annotations"][key] = class.clone();
        }
    }
    let to = json!({"name": "unrelated", "port": {"number": 80}});
    let spec = &mut route["spec"];
    if kind == "Ingress" {
        let path = json!({"path": "/", "pathType": "Prefix", "backend": {"service": to}});
        *spec = json!({
            "ingressClassName": spec["ingressClassName"],
            "rules": [{"host": HOST, "http": {"paths": [path]}}],
        });
    } else {
        spec["hostnames"] = json!([HOST]);
        spec["rules"] = json!([{"backendRefs": [{"name": "unrelated", "port": 80}]}]);
    }
    let mut found = vec![route];
    for mut object in service(&like.namespace, SERVICE, Behind::Ready, &Default::default()) {
        rename(&mut object, case.kind);
        found.push(object);
    }
    Some(found)
}

/// Gives what is behind the newcomer its own name, and makes it something that every product reaches.
fn rename(object: &mut Value, kind: ControllerKind) {
    if object["kind"] == "Service" {
        object["metadata"]["name"] = json!("unrelated");
        if matches!(kind, ControllerKind::AwsAlb | ControllerKind::Gce) {
            object["spec"]["type"] = json!("NodePort");
            object["spec"]["ports"][0]["nodePort"] = json!(30080);
        }
    } else {
        object["metadata"]["name"] = json!("unrelated-1");
        object["metadata"]["labels"]["kubernetes.io/service-name"] = json!("unrelated");
    }
}

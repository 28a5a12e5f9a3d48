//! Deployments, DaemonSets, StatefulSets and their kept revisions.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1 as api;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::object::meta;
use super::pod::template;
use crate::model::object::Kind;
use crate::model::workload::{Revision, Workload};

/// The annotation that numbers the revisions of a Deployment.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// A Deployment.
pub fn deployment(object: api::Deployment) -> Workload {
    let api::Deployment { metadata, spec, status } = object;
    let api::DeploymentSpec { replicas, selector, template: pods, .. } = spec.unwrap_or_default();
    Workload {
        kind: Kind::Deployment,
        meta: meta(metadata),
        selector: labels(selector),
        replicas,
        ready: status.and_then(|status| status.ready_replicas).unwrap_or(0),
        template: template(pods),
    }
}

/// A DaemonSet; `replicas` is the number of nodes that should run a pod.
pub fn daemon_set(object: api::DaemonSet) -> Workload {
    let api::DaemonSet { metadata, spec, status } = object;
    let api::DaemonSetSpec { selector, template: pods, .. } = spec.unwrap_or_default();
    Workload {
        kind: Kind::DaemonSet,
        meta: meta(metadata),
        selector: labels(selector),
        replicas: status.as_ref().map(|status| status.desired_number_scheduled),
        ready: status.map_or(0, |status| status.number_ready),
        template: template(pods),
    }
}

/// A StatefulSet.
pub fn stateful_set(object: api::StatefulSet) -> Workload {
    let api::StatefulSet { metadata, spec, status } = object;
    let api::StatefulSetSpec { replicas, selector, template: pods, .. } = spec.unwrap_or_default();
    Workload {
        kind: Kind::StatefulSet,
        meta: meta(metadata),
        selector: labels(selector),
        replicas,
        ready: status.and_then(|status| status.ready_replicas).unwrap_or(0),
        template: template(pods),
    }
}

/// A ReplicaSet, as a revision of its Deployment.
pub fn replica_set(object: api::ReplicaSet) -> Revision {
    let api::ReplicaSet { metadata, spec, status: _ } = object;
    let api::ReplicaSetSpec { replicas, template: pods, .. } = spec.unwrap_or_default();
    let meta = meta(metadata);
    Revision {
        kind: Kind::ReplicaSet,
        number: meta.annotation(REVISION).and_then(|number| number.parse().ok()),
        meta,
        replicas: replicas.unwrap_or(1),
        template: template(pods.unwrap_or_default()),
    }
}

/// A ControllerRevision, whose template lies in its data as a patch of `spec.template`.
pub fn controller_revision(object: api::ControllerRevision) -> Revision {
    let api::ControllerRevision { data, metadata, revision } = object;
    let pods = data
        .and_then(|data| data.0.pointer("/spec/template").cloned())
        .and_then(|pods| serde_json::from_value::<PodTemplateSpec>(pods).ok());
    Revision {
        kind: Kind::ControllerRevision,
        meta: meta(metadata),
        number: Some(revision),
        replicas: 0,
        template: template(pods.unwrap_or_default()),
    }
}

fn labels(selector: LabelSelector) -> BTreeMap<String, String> {
    let LabelSelector { match_labels, match_expressions: _ } = selector;
    match_labels.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pods(image: &str) -> serde_json::Value {
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": image}]}})
    }

    #[test]
    fn workloads_of_every_kind_count_their_pods() {
        let selector = json!({"matchLabels": {"app": "web"}});
        let deployment_: api::Deployment = serde_json::from_value(json!({
            "metadata": {"name": "web"},
            "spec": {"replicas": 3, "selector": selector, "template": pods("app:1")},
            "status": {"readyReplicas": 2},
        }))
        .expect("deployment");
        let daemon_set_: api::DaemonSet = serde_json::from_value(json!({
            "metadata": {"name": "web"},
            "spec": {"selector": selector, "template": pods("app:1")},
            "status": {"desiredNumberScheduled": 5, "numberReady": 4, "currentNumberScheduled": 5, "numberMisscheduled": 0},
        }))
        .expect("daemon set");
        let stateful_set_: api::StatefulSet = serde_json::from_value(json!({
            "metadata": {"name": "web"},
            "spec": {"replicas": 1, "serviceName": "web", "selector": selector, "template": pods("app:1")},
            "status": {"replicas": 1, "readyReplicas": 1},
        }))
        .expect("stateful set");
        for (workload, kind, replicas, ready) in [
            (deployment(deployment_), Kind::Deployment, 3, 2),
            (daemon_set(daemon_set_), Kind::DaemonSet, 5, 4),
            (stateful_set(stateful_set_), Kind::StatefulSet, 1, 1),
        ] {
            assert_eq!((workload.kind, workload.replicas, workload.ready), (kind, Some(replicas), ready));
            assert_eq!(workload.selector.get("app").map(String::as_str), Some("web"));
            assert_eq!(workload.template.containers.first().map(|c| c.image.as_str()), Some("app:1"));
        }
    }

    #[test]
    fn revisions_keep_number_and_template() {
        let replica_set_: api::ReplicaSet = serde_json::from_value(json!({
            "metadata": {"name": "web-1", "annotations": {REVISION: "7"}},
            "spec": {"replicas": 0, "selector": {}, "template": pods("app:7")},
        }))
        .expect("replica set");
        let revision_: api::ControllerRevision = serde_json::from_value(json!({
            "metadata": {"name": "web-2"}, "revision": 4, "data": {"spec": {"template": pods("app:4")}},
        }))
        .expect("revision");
        for (revision, number, image) in
            [(replica_set(replica_set_), 7, "app:7"), (controller_revision(revision_), 4, "app:4")]
        {
            assert_eq!(revision.number, Some(number));
            assert_eq!(revision.template.containers.first().map(|c| c.image.as_str()), Some(image));
        }
    }
}

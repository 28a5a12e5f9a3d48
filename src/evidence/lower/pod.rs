//! `v1` Pod and the pod template of workloads.
//!
//! Invariant: no value of a Secret can arrive here; a reference to one is named, never resolved.

use k8s_openapi::api::core::v1 as api;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::object::meta;
use super::port;
use super::time::time;
use crate::model::pod::{Container, ContainerPort, ContainerStatus, Pod, PodTemplate, Termination};

/// A Pod.
pub fn pod(object: api::Pod) -> Pod {
    let api::Pod { metadata, spec, status } = object;
    let api::PodSpec { containers, host_network, node_name, .. } = spec.unwrap_or_default();
    let api::PodStatus { conditions, container_statuses, phase, pod_ip, start_time, .. } =
        status.unwrap_or_default();
    let ready = conditions.unwrap_or_default().into_iter().find(|condition| condition.type_ == "Ready");
    Pod {
        meta: meta(metadata),
        node: node_name.filter(|name| !name.is_empty()),
        host_network: host_network.unwrap_or(false),
        containers: containers.into_iter().map(container).collect(),
        phase: phase.unwrap_or_default(),
        ip: pod_ip.filter(|ip| !ip.is_empty()),
        started: start_time.and_then(time),
        ready: ready.as_ref().is_some_and(|condition| condition.status == "True"),
        ready_changed: ready.and_then(|condition| condition.last_transition_time).and_then(time),
        statuses: container_statuses.unwrap_or_default().into_iter().map(status_of).collect(),
    }
}

/// The pod template of a workload or revision.
pub fn template(template: api::PodTemplateSpec) -> PodTemplate {
    let api::PodTemplateSpec { metadata, spec } = template;
    let metadata = metadata.unwrap_or_default();
    PodTemplate {
        labels: metadata.labels.unwrap_or_default(),
        annotations: metadata.annotations.unwrap_or_default(),
        containers: spec.unwrap_or_default().containers.into_iter().map(container).collect(),
    }
}

fn container(container: api::Container) -> Container {
    let api::Container { args, command, env, image, name, ports, readiness_probe, .. } = container;
    Container {
        name,
        image: image.unwrap_or_default(),
        command: command.unwrap_or_default(),
        args: args.unwrap_or_default(),
        env: env.unwrap_or_default().into_iter().map(variable).collect(),
        ports: ports
            .unwrap_or_default()
            .into_iter()
            .filter_map(|api::ContainerPort { container_port, name, .. }| {
                Some(ContainerPort { name: name.filter(|n| !n.is_empty()), number: port(container_port)? })
            })
            .collect(),
        readiness: readiness_probe.and_then(probe),
    }
}

fn variable(variable: api::EnvVar) -> (String, String) {
    let api::EnvVar { name, value, value_from } = variable;
    let value = match value_from {
        None => value.unwrap_or_default(),
        Some(api::EnvVarSource { config_map_key_ref, field_ref, resource_field_ref, secret_key_ref }) => {
            if let Some(secret) = secret_key_ref {
                format!("(from secret {})", secret.name)
            } else if let Some(map) = config_map_key_ref {
                format!("(from configmap {} key {})", map.name, map.key)
            } else if let Some(field) = field_ref {
                format!("(from field {})", field.field_path)
            } else if let Some(resource) = resource_field_ref {
                format!("(from resource {})", resource.resource)
            } else {
                "(from nothing)".to_owned()
            }
        }
    };
    (name, value)
}

fn probe(probe: api::Probe) -> Option<String> {
    let api::Probe { exec, grpc, http_get, tcp_socket, .. } = probe;
    if let Some(api::HTTPGetAction { path, port, scheme, host: _, http_headers: _ }) = http_get {
        let verb = if scheme.is_some_and(|s| s == "HTTPS") { "https-get" } else { "http-get" };
        let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
        return Some(format!("{verb} :{}{path}", port_text(port)));
    }
    if let Some(api::TCPSocketAction { port, host: _ }) = tcp_socket {
        return Some(format!("tcp-socket :{}", port_text(port)));
    }
    if let Some(api::GRPCAction { port, service: _ }) = grpc {
        return Some(format!("grpc :{port}"));
    }
    exec.map(|api::ExecAction { command }| format!("exec {}", command.unwrap_or_default().join(" ")))
}

fn port_text(port: IntOrString) -> String {
    match port {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(name) => name,
    }
}

fn status_of(status: api::ContainerStatus) -> ContainerStatus {
    let api::ContainerStatus { image, last_state, name, ready, restart_count, state, .. } = status;
    let api::ContainerState { running, waiting, terminated: _ } = state.unwrap_or_default();
    ContainerStatus {
        name,
        image,
        ready,
        restarts: restart_count,
        started: running.and_then(|running| running.started_at).and_then(time),
        waiting: waiting.and_then(|waiting| waiting.reason),
        last_termination: last_state.and_then(|state| state.terminated).map(
            |api::ContainerStateTerminated { exit_code, finished_at, reason, .. }| Termination {
                reason,
                exit_code,
                finished: finished_at.and_then(time),
            },
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_keeps_what_explains_its_readiness() {
        let object: api::Pod = serde_json::from_value(json!({
            "metadata": {"namespace": "shop", "name": "web-1"},
            "spec": {"nodeName": "n1", "containers": [{
                "name": "app", "image": "app:1", "args": ["--x"],
                "ports": [{"containerPort": 8080, "name": "http"}],
                "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
            }]},
            "status": {
                "phase": "Running", "podIP": "10.0.0.1", "startTime": "2026-11-23T05:00:00Z",
                "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-11-23T05:01:00Z"}],
                "containerStatuses": [{
                    "name": "app", "image": "app:1", "imageID": "", "ready": false, "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-23T05:02:00Z"}},
                }],
            },
        }))
        .expect("pod");
        let pod = pod(object);
        assert!(!pod.ready);
        assert_eq!(
            pod.containers.first().and_then(|c| c.readiness.as_deref()),
            Some("http-get :http/healthz")
        );
        let status = pod.statuses.first().expect("status");
        assert_eq!(status.waiting.as_deref(), Some("CrashLoopBackOff"));
        assert_eq!(status.last_termination.as_ref().map(|t| t.exit_code), Some(137));
    }

    #[test]
    fn references_in_the_environment_are_named_not_resolved() {
        for (variable_, expected) in [
            (json!({"name": "A", "value": "plain"}), "plain"),
            (json!({"name": "A"}), ""),
            (
                json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}),
                "(from secret db)",
            ),
            (
                json!({"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}),
                "(from configmap c key k)",
            ),
            (
                json!({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}),
                "(from field metadata.namespace)",
            ),
        ] {
            let parsed: api::EnvVar = serde_json::from_value(variable_).expect("variable");
            assert_eq!(variable(parsed).1, expected);
        }
    }
}

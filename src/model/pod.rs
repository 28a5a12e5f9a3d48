//! `v1` Pod and the pod template that workloads and their revisions share.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::object::{Kind, Object, ObjectMeta};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pod {
    pub meta: ObjectMeta,
    pub node: Option<String>,
    pub host_network: bool,
    pub containers: Vec<Container>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    pub ip: Option<String>,
    pub started: Option<DateTime<Utc>>,
    /// The `Ready` condition.
    pub ready: bool,
    /// When `Ready` last changed.
    pub ready_changed: Option<DateTime<Utc>>,
    pub statuses: Vec<ContainerStatus>,
}

/// A container of a pod or of a pod template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub command: Vec<String>,
    pub args: Vec<String>,
    /// Literal values only; references to Secrets and the like read as `(from …)`.
    pub env: BTreeMap<String, String>,
    pub ports: Vec<ContainerPort>,
    /// The readiness probe in short, such as `http-get :8080/healthz`.
    pub readiness: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerPort {
    pub name: Option<String>,
    pub number: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerStatus {
    pub name: String,
    pub image: String,
    pub ready: bool,
    pub restarts: i32,
    /// `state.running.startedAt`.
    pub started: Option<DateTime<Utc>>,
    /// `state.waiting.reason`, such as `CrashLoopBackOff`.
    pub waiting: Option<String>,
    /// `lastState.terminated`: only the last one is kept by Kubernetes.
    pub last_termination: Option<Termination>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Termination {
    pub reason: Option<String>,
    pub exit_code: i32,
    pub finished: Option<DateTime<Utc>>,
}

/// `spec.template` of a workload or of one of its revisions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodTemplate {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub containers: Vec<Container>,
}

impl Object for Pod {
    fn kind(&self) -> Kind {
        Kind::Pod
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

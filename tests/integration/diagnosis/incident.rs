//! A shop behind ingress-nginx as a capture, with what happened to it.
//!
//! The question is asked at 12:00. `shop.test` leads `/api` to Service `api` and `/` to `web`, both of
//! namespace `shop`, unless the incident has other Ingresses.

use std::fmt::Write as _;

use routecause::tools::{Call, Reply, Settings, Source, ToolFailure, Toolbox, registry};
use serde_json::{Value, json};

use crate::scenarios::{citation, held::Held};

const CONTROLLER: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller, namespace: edge, uid: d-1, creationTimestamp: '2026-11-01T00:00:00Z'}
spec:
  selector: {matchLabels: {app: edge}}
  template:
    metadata: {labels: {app: edge}}
    spec:
      containers:
      - name: controller
        image: registry.k8s.io/ingress-nginx/controller:v1.12.1
        args: [/nginx-ingress-controller, --controller-class=k8s.io/ingress-nginx, --configmap=edge/controller]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx, uid: c-1, creationTimestamp: '2026-11-01T00:00:00Z'}
spec: {controller: k8s.io/ingress-nginx}
";

const TRAEFIK: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: traefik, namespace: edge, uid: d-2}
spec:
  selector: {matchLabels: {app: edge}}
  template:
    metadata: {labels: {app: edge}}
    spec:
      containers:
      - name: traefik
        image: traefik:v3.7.15
        args: [--providers.kubernetesingress]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx, uid: c-2}
spec: {controller: traefik.io/ingress-controller}
";

/// A capture in the making.
#[derive(Debug, Default)]
pub(super) struct Incident {
    objects: Vec<String>,
    history: Vec<Value>,
    audit: Vec<Value>,
    errors: Vec<Value>,
    log: String,
}

/// A time of the day of the incident.
pub(super) fn at(time: &str) -> String {
    format!("2026-11-22T{time}Z")
}

/// An Ingress of class `nginx`: `NAMESPACE/NAME`, host, and paths as `/path=service` of type Prefix.
pub(super) fn ingress(name: &str, host: &str, paths: &[&str]) -> Value {
    let (namespace, name) = name.split_once('/').expect("a namespace");
    let paths: Vec<Value> = paths
        .iter()
        .map(|path| {
            let (path, service) = path.split_once('=').expect("a service");
            json!({"path": path, "pathType": "Prefix",
                   "backend": {"service": {"name": service, "port": {"number": 80}}}})
        })
        .collect();
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
           "metadata": {"name": name, "namespace": namespace, "uid": format!("u-{name}"),
                        "resourceVersion": "10", "creationTimestamp": "2026-11-01T00:00:00Z"},
           "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": paths}}]}})
}

pub(super) fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service",
           "metadata": {"name": name, "namespace": "shop", "uid": format!("s-{name}"), "resourceVersion": "5",
                        "creationTimestamp": "2026-11-01T00:00:00Z"},
           "spec": {"clusterIP": "10.96.0.9", "selector": {"app": name},
                    "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}})
}

/// A Deployment of `shop`: its image's tag and environment.
pub(super) fn workload(name: &str, tag: &str, env: &[(&str, &str)]) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
           "metadata": {"name": name, "namespace": "shop", "uid": format!("d-{name}"),
                        "creationTimestamp": "2026-11-01T00:00:00Z"},
           "spec": {"selector": {"matchLabels": {"app": name}}, "template": template(name, tag, env)}})
}

/// A ReplicaSet of such a Deployment.
pub(super) fn revision(name: &str, number: u32, created: &str, tag: &str, env: &[(&str, &str)]) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
           "metadata": {"name": format!("{name}-{number}"), "namespace": "shop", "uid": format!("r-{name}-{number}"),
                        "creationTimestamp": created,
                        "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
                        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": name,
                                             "uid": format!("d-{name}"), "controller": true}]},
           "spec": {"selector": {"matchLabels": {"app": name}}, "template": template(name, tag, env)}})
}

fn template(name: &str, tag: &str, env: &[(&str, &str)]) -> Value {
    let env: Vec<Value> = env.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    json!({"metadata": {"labels": {"app": name}},
           "spec": {"containers": [{"name": name, "image": format!("registry.test/{name}:{tag}"), "env": env}]}})
}

/// One ready endpoint of a Service.
pub(super) fn slice(service: &str) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
           "metadata": {"name": format!("{service}-x"), "namespace": "shop", "uid": format!("e-{service}"),
                        "labels": {"kubernetes.io/service-name": service},
                        "creationTimestamp": "2026-11-01T00:00:00Z"},
           "endpoints": [{"addresses": ["10.1.0.9"], "conditions": {"ready": true}}],
           "ports": [{"name": "http", "port": 8080}]})
}

impl Incident {
    /// The controller with a pod, the Services `web` and `api`, and these Ingresses.
    pub(super) fn with(ingresses: &[Value]) -> Self {
        let mut incident = Self::without_api(ingresses);
        incident.add(&service("api")).add(&slice("api"));
        incident
    }

    /// The same without Service `api`.
    pub(super) fn without_api(ingresses: &[Value]) -> Self {
        Self::shop("2026-11-01T00:00:00Z", ingresses)
    }

    /// With everything, and a controller whose pod runs since this time.
    pub(super) fn run_since(started: &str, ingresses: &[Value]) -> Self {
        let mut incident = Self::shop(started, ingresses);
        incident.add(&service("api")).add(&slice("api"));
        incident
    }

    fn shop(started: &str, ingresses: &[Value]) -> Self {
        let mut incident = Self::default();
        incident.objects.push(CONTROLLER.to_owned());
        incident.add(&controller_pod(started)).add(&service("web")).add(&slice("web"));
        for ingress in ingresses {
            incident.add(ingress);
        }
        incident
    }

    /// A Traefik for the same class, with no Service behind it.
    pub(super) fn of_traefik() -> Self {
        let mut incident = Self::default();
        incident.objects.push(TRAEFIK.to_owned());
        incident.add(&service("other"));
        incident
    }

    pub(super) fn add(&mut self, object: &Value) -> &mut Self {
        self.objects.push(object.to_string());
        self
    }

    /// A version that a watch or recorder saw.
    pub(super) fn saw(&mut self, what: &str, time: &str, object: &Value) -> &mut Self {
        self.history.push(json!({"type": what, "observedAt": at(time), "object": object}));
        self
    }

    /// A list that was refused in a namespace.
    pub(super) fn could_not_see(&mut self, resource: &str, namespace: &str) -> &mut Self {
        self.errors.push(
            json!({"resource": resource, "namespace": namespace, "reason": "Forbidden", "message": ""}),
        );
        self
    }

    pub(super) fn audited(&mut self, event: Value) -> &mut Self {
        self.audit.push(event);
        self
    }

    /// Lines of the controller's log: a path that was answered with this status, by a Service of `shop` or
    /// (`None`) by the default backend.
    pub(super) fn answered(
        &mut self,
        path: &str,
        status: u16,
        service: Option<&str>,
        times: &[&str],
    ) -> &mut Self {
        let upstream =
            service.map_or_else(|| "upstream-default-backend".to_owned(), |s| format!("shop-{s}-80"));
        for time in times {
            let _ = writeln!(
                self.log,
                "{} 10.1.0.1 - - [22/Nov/2026:{time} +0000] \"GET {path} HTTP/1.1\" {status} 146 \"-\" \
                 \"curl/8.5.0\" 95 0.001 [{upstream}] [] 10.1.0.9:8080 146 0.001 {status} \
                 0123456789abcdef0123456789abcdef",
                at(time)
            );
        }
        self
    }

    /// Another line of the controller's log.
    pub(super) fn wrote(&mut self, time: &str, line: &str) -> &mut Self {
        let _ = writeln!(self.log, "{} {line}", at(time));
        self
    }

    pub(super) async fn ask(&self, tool: &str, arguments: Value) -> Result<Reply, ToolFailure> {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        };
        let lines = |values: &[Value]| values.iter().map(|value| format!("{value}\n")).collect::<String>();
        write("objects.yaml", &self.objects.join("\n---\n"));
        let about = json!({"takenAt": at("12:00:00"), "errors": self.errors});
        write("capture.json", &about.to_string());
        if !self.history.is_empty() {
            write("history.jsonl", &lines(&self.history));
        }
        if !self.audit.is_empty() {
            write("audit.jsonl", &lines(&self.audit));
        }
        if !self.log.is_empty() {
            write("logs/edge/controller-1/controller.log", &self.log);
        }
        let source = Source::Capture(folder.path().to_owned());
        let toolbox = Toolbox::new(Settings { source, ..Settings::default() });
        let entry = registry().iter().find(|entry| entry.name == tool).expect("the tool");
        let reply = entry.call(&toolbox, arguments, &Call::default()).await?;
        let held = Held::read(folder.path());
        for source in citation::within(&reply.structured) {
            citation::check(source, &held).unwrap_or_else(|fault| panic!("{fault}: {source}"));
        }
        Ok(reply)
    }

    /// The answer for a URL; everything that it cites exists.
    pub(super) async fn diagnose(&self, url: &str) -> Value {
        self.ask("diagnose", json!({"url": url, "detail": "detailed"})).await.expect("an answer").structured
    }
}

/// The pod of the controller, since when it runs.
fn controller_pod(started: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
           "metadata": {"name": "controller-1", "namespace": "edge", "uid": "p-1", "labels": {"app": "edge"},
                        "creationTimestamp": started},
           "spec": {"containers": [{"name": "controller",
                                    "image": "registry.k8s.io/ingress-nginx/controller:v1.12.1"}]},
           "status": {"phase": "Running", "containerStatuses": [{
               "name": "controller", "ready": true, "restartCount": 0,
               "image": "registry.k8s.io/ingress-nginx/controller:v1.12.1", "imageID": "",
               "state": {"running": {"startedAt": started}}}]}})
}

/// The changes that a verdict cites.
pub(super) fn cited(answer: &Value) -> Vec<&Value> {
    let evidence = answer["verdict"]["evidence"].as_array().expect("evidence");
    evidence.iter().map(|one| &one["source"]["change"]).filter(|change| !change.is_null()).collect()
}

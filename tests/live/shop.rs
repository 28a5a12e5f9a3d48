//! The cluster that most cases ask about: one ingress-nginx in `ingress-nginx`, and for each case a shop
//! in a namespace of its own, with real rollouts, EndpointSlices and Events, and logs that a real nginx
//! wrote.
//!
//! In a shop the Ingress `shop` leads `/api` to Service `api` and `/` to Service `web`; pod `client` is
//! where commands run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::nginx::{self, Nginx, Route};
use crate::plane::Plane;
use crate::suite::Skip;

pub(crate) use crate::plane::CONTROLLER;

const CONTROLLER_NAME: &str = "ingress-nginx-controller";
/// Its container.
pub(crate) const CONTAINER: &str = "controller";

/// One shop.
pub(crate) struct Shop<'p> {
    pub(crate) plane: &'p Plane,
    pub(crate) namespace: String,
    pub(crate) host: String,
    /// The pod of the controller.
    pub(crate) controller: String,
    nginx: Arc<Nginx>,
}

impl<'p> Shop<'p> {
    /// Opens a shop in a namespace of this name, and waits until everything runs.
    pub(crate) async fn open(plane: &'p Plane, name: &str) -> Result<Self, Skip> {
        let program = nginx::program().ok_or(Skip("no nginx; install Debian's package nginx"))?;
        let nginx = nginx_of(plane, &program).await;
        plane.namespace(name).await;
        let host = format!("{name}.example.com");
        let mut objects =
            vec![workload(name, "web", 2), workload(name, "api", 1), workload(name, "client", 1)];
        objects.extend([service(name, "web"), service(name, "api")]);
        objects.push(ingress(name, &host, &json!([path("/api", "api"), path("/", "web")])));
        for object in objects {
            plane.apply(&object.to_string()).await;
        }
        plane.settle(name).await;
        let controller = plane.pods_of(CONTROLLER, CONTROLLER_NAME).await.remove(0);
        let shop = Self { plane, namespace: name.to_owned(), host, controller, nginx };
        for pod in plane.pods(name).await {
            let pod = pod["metadata"]["name"].as_str().expect("a name");
            plane.forward(name, pod, shop.nginx.app()).await;
            plane.commands(name, pod, shop.nginx.address).await;
        }
        shop.serve(&[("/api", "api"), ("/", "web")]).await;
        Ok(shop)
    }

    /// The controller serves the host by these paths and Services from now on.
    pub(crate) async fn serve(&self, routes: &[(&str, &str)]) {
        let named: Vec<(&str, String)> = routes
            .iter()
            .map(|(path, service)| (*path, format!("{}-{service}-80", self.namespace)))
            .collect();
        let routes: Vec<Route<'_>> = named.iter().map(|(path, upstream)| Route { path, upstream }).collect();
        self.nginx.serve(self.plane, &self.host, &routes).await;
    }

    /// Writes the Ingress with these paths and Services; the controller does not follow by itself.
    pub(crate) async fn route(&self, manager: &str, routes: &[(&str, &str)]) {
        let paths: Vec<Value> = routes.iter().map(|(at, service)| path(at, service)).collect();
        let ingress = ingress(&self.namespace, &self.host, &json!(paths));
        self.plane.apply_as(manager, &ingress.to_string()).await;
    }

    /// Asks through the controller; the answer's status. It is in the controller's log then.
    pub(crate) async fn get(&self, path: &str) -> u16 {
        self.nginx.get(&self.host, path).await.expect("an answer of nginx")
    }

    /// The controller's log.
    pub(crate) async fn log(&self) -> PathBuf {
        self.plane.log_file(CONTROLLER, &self.controller, CONTAINER, false).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// Writes a line into the controller's log as if a request had come at that moment: answered by a
    /// Service, or (`None`) by the default backend.
    pub(crate) async fn answered(&self, at: DateTime<Utc>, path: &str, status: u16, service: Option<&str>) {
        let upstream = service.map_or_else(
            || "upstream-default-backend".to_owned(),
            |service| format!("{}-{service}-80", self.namespace),
        );
        let time = at.format("%d/%b/%Y:%H:%M:%S +0000");
        let line = format!(
            "10.1.0.1 - - [{time}] \"GET {path} HTTP/1.1\" {status} 146 \"-\" \"curl/8.5.0\" 95 0.001 \
             [{upstream}] [] 10.1.0.9:8080 146 0.001 {status} 0123456789abcdef0123456789abcdef"
        );
        self.plane.write_log(CONTROLLER, &self.controller, CONTAINER, at, &line).await;
    }
}

/// The controller of a plane: there is one, started by whoever asks first.
async fn nginx_of(plane: &Plane, program: &Path) -> Arc<Nginx> {
    static RUNNING: Mutex<BTreeMap<PathBuf, Arc<Nginx>>> = Mutex::const_new(BTreeMap::new());
    let mut running = RUNNING.lock().await;
    if let Some(found) = running.get(&plane.path("")) {
        return Arc::clone(found);
    }
    let started = Arc::new(controller(plane, program).await);
    running.insert(plane.path(""), Arc::clone(&started));
    started
}

/// Starts the controller of a plane and the nginx that is in its pod.
async fn controller(plane: &Plane, program: &Path) -> Nginx {
    plane.namespace(CONTROLLER).await;
    let labels = json!({"app": CONTROLLER_NAME, "app.kubernetes.io/name": "ingress-nginx",
                        "app.kubernetes.io/component": "controller"});
    let meta = |name: &str| json!({"name": name, "namespace": CONTROLLER, "labels": labels});
    let objects = [
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"},
               "spec": {"controller": "k8s.io/ingress-nginx"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(CONTROLLER_NAME),
               "data": {"allow-snippet-annotations": "false"}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta(CONTROLLER_NAME),
               "spec": {"type": "LoadBalancer", "selector": {"app": CONTROLLER_NAME}, "ports": [
                    {"name": "http", "port": 80, "targetPort": "http"},
                    {"name": "https", "port": 443, "targetPort": "https"}]}}),
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
               "metadata": {"name": "ingress-nginx-leader", "namespace": CONTROLLER},
               "spec": {"holderIdentity": CONTROLLER_NAME, "leaseDurationSeconds": 30,
                        "acquireTime": "2026-11-22T08:00:00.000000Z", "leaseTransitions": 1}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(CONTROLLER_NAME), "spec": {
        "replicas": 1, "selector": {"matchLabels": {"app": CONTROLLER_NAME}}, "template": {
            "metadata": {"labels": labels},
            "spec": {"nodeName": "node-1", "containers": [{
                "name": CONTAINER, "image": "registry.k8s.io/ingress-nginx/controller:v1.12.1",
                "args": ["/nginx-ingress-controller", "--election-id=ingress-nginx-leader",
                         "--controller-class=k8s.io/ingress-nginx", "--ingress-class=nginx",
                         "--configmap=$(POD_NAMESPACE)/ingress-nginx-controller",
                         "--publish-service=$(POD_NAMESPACE)/ingress-nginx-controller"],
                "env": [{"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}],
                "ports": [{"name": "http", "containerPort": 80}, {"name": "https", "containerPort": 443}],
            }]}}}}),
    ];
    for object in objects {
        plane.apply_as("helm", &object.to_string()).await;
    }
    plane.settle(CONTROLLER).await;
    let pod = plane.pods_of(CONTROLLER, CONTROLLER_NAME).await.remove(0);
    let log = plane.log_file(CONTROLLER, &pod, CONTAINER, false).await;
    let nginx = Nginx::start(plane, program, &log).await;
    plane.forward(CONTROLLER, &pod, nginx.address).await;
    nginx
}

/// A Deployment whose pods listen on 8080.
pub(crate) fn workload(namespace: &str, name: &str, replicas: u32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
           "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
               "metadata": {"labels": {"app": name}},
               "spec": {"nodeName": "node-1", "containers": [{
                   "name": name, "image": format!("registry.example.com/{name}:1.0"),
                   "ports": [{"name": "http", "containerPort": 8080}]}]}}}})
}

/// A Service of port 80 in front of it.
pub(crate) fn service(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
           "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}})
}

/// One path of an Ingress, to port 80 of a Service.
pub(crate) fn path(path: &str, service: &str) -> Value {
    json!({"path": path, "pathType": "Prefix",
           "backend": {"service": {"name": service, "port": {"number": 80}}}})
}

/// The Ingress `shop` of a namespace.
pub(crate) fn ingress(namespace: &str, host: &str, paths: &Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
           "metadata": {"name": "shop", "namespace": namespace},
           "spec": {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": paths}}]}})
}

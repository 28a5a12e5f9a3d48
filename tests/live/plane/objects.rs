//! Objects of a plane, written and read as the administrator.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{Method, Request};
use serde_json::{Value, json};

use super::Plane;

/// The API path of an object or (empty name) of its collection; cluster-scoped without a namespace.
pub(crate) fn path(api_version: &str, kind: &str, namespace: &str, name: &str) -> String {
    let mut path = if api_version.contains('/') { "/apis/" } else { "/api/" }.to_owned();
    path.push_str(api_version);
    if !namespace.is_empty() {
        path.push_str("/namespaces/");
        path.push_str(namespace);
    }
    let kind = kind.to_lowercase();
    let plural = match kind.as_str() {
        "logs" => kind,
        kind if kind.ends_with('s') => format!("{kind}es"),
        kind => kind.strip_suffix("cy").map_or_else(|| format!("{kind}s"), |stem| format!("{stem}cies")),
    };
    path.push_str(&format!("/{plural}"));
    if !name.is_empty() {
        path.push('/');
        path.push_str(name);
    }
    path
}

fn place(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    path(text("/apiVersion"), text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}

/// The documents of a YAML or JSON text.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}:\n{yaml}"));
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

impl Plane {
    /// Sends any request; the answer, or the API server's refusal.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body).expect("JSON") };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", content_type)
            .body(body)
            .expect("a request");
        self.client.request(request).await
    }

    /// `kubectl apply --server-side` of every document.
    pub(crate) async fn apply(&self, yaml: &str) {
        self.apply_as("kubectl", yaml).await;
    }

    /// The same as another field manager.
    pub(crate) async fn apply_as(&self, manager: &str, yaml: &str) {
        for document in documents(yaml) {
            let path = format!("{}?fieldManager={manager}&force=true", place(&document));
            self.request(Method::PATCH, &path, "application/apply-patch+yaml", &document)
                .await
                .unwrap_or_else(|error| panic!("{path}: {error}\n{document}"));
        }
    }

    /// A merge patch, as `kubectl annotate`, `edit` and `patch` send it.
    pub(crate) async fn patch(&self, manager: &str, object: [&str; 4], patch: &Value) -> Value {
        let [api_version, kind, namespace, name] = object;
        let path = format!("{}?fieldManager={manager}", path(api_version, kind, namespace, name));
        self.request(Method::PATCH, &path, "application/merge-patch+json", patch)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// One object, or why not.
    pub(crate) async fn get(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Value, kube::Error> {
        self.request(Method::GET, &path(api_version, kind, namespace, name), "", &Value::Null).await
    }

    /// The objects of a kind in a namespace, or (empty) in all.
    pub(crate) async fn list(&self, api_version: &str, kind: &str, namespace: &str) -> Vec<Value> {
        let found = self.get(api_version, kind, namespace, "").await.expect("a list");
        found["items"].as_array().cloned().unwrap_or_default()
    }

    /// Deletes an object.
    pub(crate) async fn delete(&self, api_version: &str, kind: &str, namespace: &str, name: &str) {
        let path = path(api_version, kind, namespace, name);
        self.request(Method::DELETE, &path, "application/json", &Value::Null)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// Makes a namespace, if it is not there.
    pub(crate) async fn namespace(&self, name: &str) {
        self.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string())
            .await;
    }

    /// Looks again and again until there is something.
    pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        look: impl Fn() -> F,
    ) -> T {
        let end = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(tokio::time::Instant::now() < end, "after 60 s still not: {what}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until every Deployment of a namespace is rolled out and every EndpointSlice tells of the
    /// pods that are ready.
    pub(crate) async fn settle(&self, namespace: &str) {
        self.until(&format!("{namespace} is settled"), || async {
            for deployment in self.list("apps/v1", "Deployment", namespace).await {
                let (wanted, status) = (&deployment["spec"]["replicas"], &deployment["status"]);
                let count = |name: &str| status[name].as_u64().unwrap_or_default();
                let seen = count("observedGeneration") >= deployment["metadata"]["generation"].as_u64()?;
                let wanted = wanted.as_u64()?;
                let rolled = count("updatedReplicas") == wanted && count("replicas") == wanted;
                if !(seen && rolled && self.pods(namespace).await.iter().all(has_status)) {
                    return None;
                }
            }
            self.told(namespace).await.then_some(())
        })
        .await;
    }

    /// Whether the EndpointSlices of every Service name exactly the ready pods that it selects.
    async fn told(&self, namespace: &str) -> bool {
        let slices = self.list("discovery.k8s.io/v1", "EndpointSlice", namespace).await;
        let pods = self.pods(namespace).await;
        for service in self.list("v1", "Service", namespace).await {
            let Some(selector) = service["spec"]["selector"].as_object().filter(|s| !s.is_empty()) else {
                continue;
            };
            let selected = |pod: &&Value| {
                selector.iter().all(|(key, value)| pod["metadata"]["labels"].get(key) == Some(value))
            };
            let wanted: BTreeSet<&str> = pods
                .iter()
                .filter(selected)
                .filter(|pod| is_ready(pod) && pod["metadata"]["deletionTimestamp"].is_null())
                .filter_map(|pod| pod["metadata"]["name"].as_str())
                .collect();
            let name = &service["metadata"]["name"];
            let told: BTreeSet<&str> = slices
                .iter()
                .filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == *name)
                .flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten())
                .filter(|endpoint| endpoint["conditions"]["ready"] == json!(true))
                .filter_map(|endpoint| endpoint["targetRef"]["name"].as_str())
                .collect();
            if wanted != told {
                return false;
            }
        }
        true
    }

    /// The pods of a namespace that are not on their way out.
    pub(crate) async fn pods(&self, namespace: &str) -> Vec<Value> {
        let mut pods = self.list("v1", "Pod", namespace).await;
        pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        pods
    }

    /// The names of the pods with this `app` label, sorted.
    pub(crate) async fn pods_of(&self, namespace: &str, app: &str) -> Vec<String> {
        let pods = self.pods(namespace).await;
        let of_app = pods.iter().filter(|pod| pod["metadata"]["labels"]["app"] == *app);
        let mut names: Vec<String> =
            of_app.filter_map(|pod| Some(pod["metadata"]["name"].as_str()?.to_owned())).collect();
        names.sort();
        names
    }
}

fn condition<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    pod["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == name)
}

fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition["status"] == "True")
}

/// Whether the kubelet has said what becomes of a pod.
fn has_status(pod: &Value) -> bool {
    condition(pod, "Ready").is_some()
}

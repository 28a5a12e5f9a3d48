//! The kubelet's part of a plane: what containers log, where port-forwards end, and what a command in a
//! pod reaches. Each is told to kwok by an object named after the pod.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, Utc};
use http::Method;
use serde_json::{Value, json};

use super::Plane;
use super::objects::path;

/// kwok's own kinds, as far as they are needed here.
const KINDS: [(&str, &str); 3] = [("Logs", "logs"), ("Exec", "execs"), ("PortForward", "portforwards")];

/// A command in a pod runs on this machine, where no cluster address leads anywhere: in kube-proxy's
/// place, the real curl connects to the address that the pod's Exec object names.
const CURL: &str = "#!/bin/sh\nexec REAL -q ${CONNECT_TO:+--connect-to \"::$CONNECT_TO\"} \"$@\"\n";

impl Plane {
    pub(super) async fn prepare_kubelet(&self) {
        for (kind, plural) in KINDS {
            let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
            let definition = json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": format!("{plural}.kwok.x-k8s.io")},
                "spec": {
                    "group": "kwok.x-k8s.io", "scope": "Namespaced",
                    "names": {"kind": kind, "plural": plural},
                    "versions": [{"name": "v1alpha1", "served": true, "storage": true,
                                  "schema": {"openAPIV3Schema": open}}],
                },
            });
            self.apply(&definition.to_string()).await;
        }
        for (kind, _) in KINDS {
            self.until(&format!("{kind} is served"), || async {
                self.get("kwok.x-k8s.io/v1alpha1", kind, "default", "").await.ok()
            })
            .await;
        }
        if let Some(curl) = real_curl() {
            let file = self.path("bin").join("curl");
            std::fs::write(&file, CURL.replace("REAL", &curl.display().to_string())).expect("a script");
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).expect("a script");
        }
    }

    async fn tell_kubelet(&self, kind: &str, namespace: &str, pod: &str, spec: Value) {
        let object = json!({
            "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": kind,
            "metadata": {"name": pod, "namespace": namespace}, "spec": spec,
        });
        self.apply(&object.to_string()).await;
    }

    /// The file that a container's log is read from, in CRI format (`TIME stdout F TEXT`). With
    /// `previous`, that of its run before the last restart.
    pub(crate) async fn log_file(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
    ) -> PathBuf {
        let file = |word: &str| self.path("logs").join(format!("{namespace}.{pod}.{container}.{word}"));
        let (now, before) = (file("log"), file("previous.log"));
        if !now.exists() {
            for file in [&now, &before] {
                File::create(file).expect("a log file");
            }
            let log = json!({"containers": [container], "logsFile": now, "previousLogsFile": before});
            self.tell_kubelet("Logs", namespace, pod, json!({"logs": [log]})).await;
            let log = format!("{}/log?container={container}", path("v1", "Pod", namespace, pod));
            self.until(&format!("the log of {pod} can be read"), || async {
                let request = http::Request::get(&log).body(Vec::new()).expect("a request");
                self.client().request_text(request).await.ok()
            })
            .await;
        }
        if previous { before } else { now }
    }

    /// Writes a line into a container's log, as of a moment.
    pub(crate) async fn write_log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        at: DateTime<Utc>,
        line: &str,
    ) {
        let file = self.log_file(namespace, pod, container, false).await;
        let mut file = File::options().append(true).open(file).expect("a log file");
        let at = at.to_rfc3339_opts(SecondsFormat::Nanos, true);
        writeln!(file, "{at} stdout F {line}").expect("a line");
    }

    /// Every port-forward into a pod ends at this address.
    pub(crate) async fn forward(&self, namespace: &str, pod: &str, to: SocketAddr) {
        let target = json!({"target": {"address": to.ip().to_string(), "port": to.port()}});
        self.tell_kubelet("PortForward", namespace, pod, json!({"forwards": [target]})).await;
    }

    /// Commands run in a pod: on this machine, and `curl` connects to this address, whatever it asks for.
    pub(crate) async fn commands(&self, namespace: &str, pod: &str, to: SocketAddr) {
        let envs = json!([{"name": "CONNECT_TO", "value": to.to_string()}]);
        let local = json!({"workDir": self.path("home"), "envs": envs});
        self.tell_kubelet("Exec", namespace, pod, json!({"execs": [{"local": local}]})).await;
    }

    /// Scales a Deployment.
    pub(crate) async fn scale(&self, namespace: &str, name: &str, replicas: u32) {
        let path = path("apps/v1", "Deployment", namespace, name);
        let patch = json!({"spec": {"replicas": replicas}});
        self.request(Method::PATCH, &path, "application/merge-patch+json", &patch).await.expect("scaled");
    }
}

fn real_curl() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join("curl"))
        .find(|file| file.exists())
}

//! Who asks: ServiceAccounts with tokens from the TokenRequest API, and the rights they are granted.

use std::net::SocketAddr;
use std::path::PathBuf;

use http::Method;
use routecause::evidence::permissions::manifests::manifests;
use routecause::model::probe::Via;
use routecause::tools::{ProbePolicy, Settings, Source, Toolbox};
use serde_json::{Value, json};

use super::authority::Authority;
use super::objects::{documents, path};
use super::{CONTROLLER, Plane};

/// The namespace of the ServiceAccounts that ask.
const PEOPLE: &str = "people";

/// A ServiceAccount, its token and a kubeconfig with it.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) kubeconfig: PathBuf,
}

impl Plane {
    /// A ServiceAccount without any right.
    pub(crate) async fn identity(&self, name: &str) -> Identity {
        self.namespace(PEOPLE).await;
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
                             "metadata": {"name": name, "namespace": PEOPLE}});
        self.apply(&account.to_string()).await;
        self.account(PEOPLE, name).await
    }

    /// A ServiceAccount that is there.
    pub(crate) async fn account(&self, namespace: &str, name: &str) -> Identity {
        let token = self.token(namespace, name).await;
        let kubeconfig = self.kubeconfig(name);
        self.write_kubeconfig(&kubeconfig, self.address, &json!({"token": token}));
        Identity { namespace: namespace.to_owned(), name: name.to_owned(), token, kubeconfig }
    }

    /// A new token of a ServiceAccount.
    pub(crate) async fn token(&self, namespace: &str, name: &str) -> String {
        let path = format!("{}/token", path("v1", "ServiceAccount", namespace, name));
        let wish = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                          "spec": {"expirationSeconds": 7200}});
        let answer = self.request(Method::POST, &path, "application/json", &wish).await.expect("a token");
        answer["status"]["token"].as_str().expect("a token").to_owned()
    }

    /// Waits until an identity may do something: the API server learns of rights a moment later.
    pub(crate) async fn allowed(
        &self,
        identity: &Identity,
        verb: &str,
        group: &str,
        resource: &str,
        subresource: &str,
        namespace: &str,
    ) {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {
                "user": format!("system:serviceaccount:{}:{}", identity.namespace, identity.name),
                "resourceAttributes": {"verb": verb, "group": group, "resource": resource,
                                       "subresource": subresource, "namespace": namespace},
            },
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        self.until(&format!("{} may {verb} {resource}/{subresource}", identity.name), || async {
            let answer =
                self.request(Method::POST, path, "application/json", &review).await.expect("a review");
            (answer["status"]["allowed"] == true).then_some(())
        })
        .await;
    }

    /// Removes a ServiceAccount: its tokens are worth nothing from then on (for up to ten seconds the
    /// API server remembers otherwise).
    pub(crate) async fn forget(&self, identity: &Identity) {
        self.delete("v1", "ServiceAccount", &identity.namespace, &identity.name).await;
    }

    /// A ServiceAccount with the rights of the shipped manifests: cluster-wide, and the settings of the
    /// ingress controller with probes to it.
    pub(crate) async fn reader(&self, name: &str) -> Identity {
        let identity = self.identity(name).await;
        self.grant(&identity, CONTROLLER, &manifest("cluster.yaml")).await;
        self.grant(&identity, CONTROLLER, &manifest("controller-config.yaml")).await;
        self.grant(&identity, CONTROLLER, &manifest("probe.yaml")).await;
        identity
    }

    /// Applies Roles (in this namespace) and ClusterRoles as they are written, but under names of this
    /// identity's own, and binds them to it.
    pub(crate) async fn grant(&self, identity: &Identity, namespace: &str, roles: &str) {
        self.namespace(namespace).await;
        for mut role in documents(roles) {
            let kind = role["kind"].as_str().expect("a kind").to_owned();
            if kind != "Role" && kind != "ClusterRole" {
                continue;
            }
            let name = format!("{}-{}", role["metadata"]["name"].as_str().expect("a name"), identity.name);
            let mut metadata = json!({"name": name});
            if kind == "Role" {
                metadata["namespace"] = json!(namespace);
            }
            role["metadata"] = metadata.clone();
            let binding = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{kind}Binding"),
                "metadata": metadata,
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": identity.name, "namespace": PEOPLE}],
            });
            self.apply(&role.to_string()).await;
            self.apply(&binding.to_string()).await;
            let Some(rule) = role["rules"].as_array().and_then(|rules| rules.first()) else { continue };
            if rule["resourceNames"].is_array() {
                continue;
            }
            let text = |value: &Value| value[0].as_str().unwrap_or_default().to_owned();
            let (verb, group, resource) =
                (text(&rule["verbs"]), text(&rule["apiGroups"]), text(&rule["resources"]));
            let (resource, subresource) = resource.split_once('/').unwrap_or((&resource, ""));
            let namespace = if kind == "Role" { namespace } else { "" };
            self.allowed(identity, &verb, &group, resource, subresource, namespace).await;
        }
    }

    /// What asks as this identity, with every way to probe allowed and nobody asked for leave; commands
    /// may run in pods of these namespaces.
    pub(crate) fn toolbox(&self, identity: &Identity, exec_in: &[&str]) -> Toolbox {
        toolbox(identity.kubeconfig.clone(), None, exec_in)
    }

    /// Writes a kubeconfig that leads to this plane over an address, with a user entry.
    pub(crate) fn write_kubeconfig(&self, file: &std::path::Path, address: SocketAddr, user: &Value) {
        std::fs::write(file, kubeconfig(&self.authority, address, "live", user)).expect("a kubeconfig");
    }
}

/// A shipped manifest, by its name in `deploy/rbac`.
pub(crate) fn manifest(file: &str) -> String {
    let found = manifests().into_iter().find(|manifest| manifest.file == file);
    found.unwrap_or_else(|| panic!("no manifest {file}")).yaml
}

/// What asks by a kubeconfig.
pub(crate) fn toolbox(kubeconfig: PathBuf, context: Option<&str>, exec_in: &[&str]) -> Toolbox {
    Toolbox::new(Settings {
        source: Source::Cluster { kubeconfig: Some(kubeconfig), context: context.map(ToOwned::to_owned) },
        probes: ProbePolicy {
            transports: vec![Via::Direct, Via::PortForward, Via::Exec],
            unattended: true,
            pods: exec_in.iter().map(|namespace| format!("{namespace}/*")).collect(),
        },
        ..Settings::default()
    })
}

/// A kubeconfig with one context.
pub(crate) fn kubeconfig(authority: &Authority, address: SocketAddr, context: &str, user: &Value) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": context,
        "clusters": [{"name": "plane", "cluster": {
            "server": format!("https://{address}"),
            "certificate-authority-data": base64(authority.pem()),
        }}],
        "users": [{"name": context, "user": user}],
        "contexts": [{"name": context, "context": {"cluster": "plane", "user": context}}],
    });
    config.to_string()
}

pub(crate) fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// A client by a kubeconfig.
pub(crate) async fn client(file: &std::path::Path) -> kube::Client {
    let kubeconfig = kube::config::Kubeconfig::read_from(file).expect("a kubeconfig");
    let options = kube::config::KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
    kube::Client::try_from(config.expect("a configuration")).expect("a client")
}

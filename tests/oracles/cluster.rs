//! The API server from which real controllers read the worlds.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use http::Method;
use serde_json::{Value, json};

use crate::ask::{Answer, Entry, ask};
use crate::plane::assets::{Assets, FILES};
use crate::plane::objects::path;
use crate::plane::{Options, Plane};
use crate::world::{Ask, CLASS, NAMESPACES, PORTS, World, certificate};

/// The namespace of the controller, and of the last Ingress of every world.
pub(crate) const EDGE: &str = "edge";
/// The host of that Ingress: once it is answered by its own upstream, everything before it is served.
const LAST: &str = "last.sentinel.example";
/// Its upstream.
const LAST_POD: [u8; 4] = [10, 1, 250, 1];

/// API version and kind.
type Kind = (&'static str, &'static str);

const KINDS: [Kind; 4] = [
    ("networking.k8s.io/v1", "Ingress"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("v1", "Service"),
    ("v1", "Secret"),
];
const GATEWAY_KINDS: [Kind; 3] = [
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1beta1", "ReferenceGrant"),
];
/// Kinds of which nothing is taken away between two worlds.
const LASTING: [Kind; 4] = [
    ("v1", "Namespace"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("apps/v1", "Deployment"),
    ("v1", "ConfigMap"),
];
const GATEWAY_CLASS: Kind = ("gateway.networking.k8s.io/v1", "GatewayClass");

/// A control plane without controllers of its own.
pub(crate) struct Cluster {
    pub(crate) plane: Plane,
    /// Whether it has the kinds of the Gateway API.
    gateway: bool,
}

impl Cluster {
    pub(crate) async fn start(assets: &Assets) -> Self {
        let plane = Plane::start(assets, Options { only_api: true, ..Options::default() }).await;
        for name in NAMESPACES.into_iter().chain([EDGE]) {
            plane.namespace(name).await;
        }
        Self { plane, gateway: false }
    }

    /// The same with the Gateway API.
    pub(crate) async fn with_gateway_api(assets: &Assets) -> Result<Self, String> {
        let folder = Path::new(FILES).join("gateway-api");
        let found = Command::new("bash").arg(folder.join("fetch")).arg("--cached").output();
        let found = found.map_err(|error| error.to_string())?;
        if !found.status.success() {
            return Err(format!("no CRDs of the Gateway API; `bash {}/fetch` gets them", folder.display()));
        }
        let found = PathBuf::from(String::from_utf8_lossy(&found.stdout).trim());
        let cluster = Self { gateway: true, ..Self::start(assets).await };
        for entry in std::fs::read_dir(found).expect("a folder") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
            if text.contains("kind: CustomResourceDefinition") {
                cluster.plane.apply(&text).await;
            }
        }
        for (api, kind) in GATEWAY_KINDS.into_iter().chain([GATEWAY_CLASS]) {
            let place = path(api, kind, "", "");
            let plane = &cluster.plane;
            plane
                .until("the Gateway API is served", || async {
                    plane.request(Method::GET, &place, "", &Value::Null).await.ok()
                })
                .await;
        }
        Ok(cluster)
    }

    /// The kinds of objects of a world, and those of the place it is in.
    fn kinds(&self) -> (Vec<Kind>, Vec<Kind>) {
        let (mut own, mut lasting) = (KINDS.to_vec(), LASTING.to_vec());
        if self.gateway {
            own.extend(GATEWAY_KINDS);
            lasting.push(GATEWAY_CLASS);
        }
        (own, lasting)
    }

    /// A token of an administrator, for a controller.
    pub(crate) async fn token(&self) -> String {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount",
                             "metadata": {"name": "controller", "namespace": EDGE}});
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "controller"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "controller", "namespace": EDGE}],
        });
        self.plane.apply(&account.to_string()).await;
        self.plane.apply(&binding.to_string()).await;
        self.plane.token(EDGE, "controller").await
    }

    /// Replaces what is there by a world, older objects first; the objects as they are there now. What
    /// the API server refuses is not there.
    pub(crate) async fn put(&self, world: &World) -> Vec<Value> {
        for (api, kind) in self.kinds().0 {
            for namespace in NAMESPACES.into_iter().chain([EDGE]) {
                let collection = path(api, kind, namespace, "");
                let deleted =
                    self.plane.request(Method::DELETE, &collection, "application/json", &Value::Null);
                deleted.await.expect("a deletion");
            }
        }
        let age = |object: &Value| object["metadata"]["creationTimestamp"].as_str().map(ToOwned::to_owned);
        let (mut aged, ageless): (Vec<&Value>, Vec<&Value>) =
            world.objects.iter().chain(&world.controller).partition(|object| age(object).is_some());
        self.create(&ageless).await;
        aged.sort_by_key(|object| age(object));
        for group in aged.chunk_by(|one, other| age(one) == age(other)) {
            self.create(group).await;
            // The API server dates objects to the second.
            tokio::time::sleep(Duration::from_millis(1050)).await;
        }
        let last = if self.gateway { last_http_route() } else { last_ingress(&world.arguments) };
        self.create(&last.iter().collect::<Vec<_>>()).await;
        self.objects(world).await
    }

    async fn create(&self, objects: &[&Value]) {
        stream::iter(objects)
            .for_each_concurrent(8, |object| async {
                let text =
                    |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                let place = path(
                    text("/apiVersion"),
                    text("/kind"),
                    text("/metadata/namespace"),
                    text("/metadata/name"),
                );
                let place = format!("{place}?fieldManager=world&force=true");
                let mut object = (*object).clone();
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.remove("creationTimestamp");
                    metadata.remove("uid");
                }
                // What is invalid is refused, as it would be for anybody.
                let _ =
                    self.plane.request(Method::PATCH, &place, "application/apply-patch+yaml", &object).await;
            })
            .await;
    }

    /// Everything that is there, and what the world has of kinds that are not of the API server.
    pub(crate) async fn objects(&self, world: &World) -> Vec<Value> {
        let mut objects = Vec::new();
        let (own, lasting) = self.kinds();
        for (api, kind) in own.iter().chain(&lasting) {
            for mut object in self.plane.list(api, kind, "").await {
                object["apiVersion"] = json!(api);
                object["kind"] = json!(kind);
                if *kind == "Secret" {
                    // What is in it is nobody's business but the proxy's.
                    object["data"] = Value::Null;
                }
                objects.push(object);
            }
        }
        let known = |object: &&Value| own.iter().chain(&lasting).any(|(_, kind)| object["kind"] == *kind);
        objects.extend(world.controller.iter().filter(|object| !known(object)).cloned());
        objects
    }

    /// Waits until a proxy serves the last Ingress of a world.
    pub(crate) async fn served(&self, entry: Entry, program: &str) {
        // A way in may redirect everything.
        let last = ["http", "https"].map(|scheme| Ask {
            method: "GET",
            url: format!("{scheme}://{LAST}/"),
            headers: Vec::new(),
        });
        let wanted = SocketAddr::from((LAST_POD, PORTS[0]));
        let end = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            self.plane.programs.check(program);
            if tokio::net::TcpStream::connect(entry.http).await.is_ok() {
                for last in &last {
                    if matches!(ask(entry, last).await, Answer::Upstream { address, .. } if address == wanted)
                    {
                        return;
                    }
                }
            }
            let late = tokio::time::Instant::now() > end;
            assert!(
                !late,
                "{program} does not serve the last Ingress:\n{}",
                self.plane.programs.tail(program)
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The Service that only the last route of a world names.
fn last_service() -> Vec<Value> {
    // Its own address leads nowhere.
    let meta = json!({"namespace": EDGE, "name": "last", "annotations": {
        "traefik.ingress.kubernetes.io/service.nativelb": "false", "traefik.io/service.nativelb": "false"}});
    vec![
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta,
               "spec": {"ports": [{"name": "http", "port": 80, "targetPort": PORTS[0]}]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
               "metadata": {"namespace": EDGE, "name": "last-1", "labels": {"kubernetes.io/service-name": "last"}},
               "endpoints": [{"addresses": [std::net::Ipv4Addr::from(LAST_POD)], "conditions": {"ready": true}}],
               "ports": [{"name": "http", "port": PORTS[0], "protocol": "TCP"}]}),
    ]
}

fn last_ingress(arguments: &[String]) -> Vec<Value> {
    let backend = json!({"service": {"name": "last", "port": {"number": 80}}});
    let mut ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"namespace": EDGE, "name": "last", "labels": {"team": "a"}, "annotations": {
            "traefik.ingress.kubernetes.io/router.entrypoints": "web,websecure"}},
        "spec": {
            "ingressClassName": CLASS,
            "rules": [{"host": LAST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]}});
    // A controller that may not read classes takes those that name none.
    let is_blind = |argument: &String| {
        let argument = argument.to_ascii_lowercase();
        argument.contains("disableingressclasslookup") || argument.contains("disableclusterscoperesources")
    };
    if arguments.iter().any(is_blind) {
        ingress["spec"]["ingressClassName"] = Value::Null;
        let named = arguments.iter().find_map(|argument| argument.split_once(".ingressclass="));
        if let Some((_, class)) = named {
            ingress["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(class);
        }
    }
    let mut objects = last_service();
    objects.push(ingress);
    objects
}

fn last_http_route() -> Vec<Value> {
    let meta = json!({"namespace": EDGE, "name": "last"});
    let plain = json!({"name": "plain", "port": 80, "protocol": "HTTP", "hostname": LAST});
    let tls = json!({"name": "tls", "port": 443, "protocol": "HTTPS", "hostname": LAST,
                     "tls": {"certificateRefs": [{"name": "last"}]}});
    let mut objects = last_service();
    objects.push(certificate(EDGE, "last", true));
    objects.extend([
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": meta,
               "spec": {"gatewayClassName": CLASS, "listeners": [plain, tls]}}),
        json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": meta,
               "spec": {"parentRefs": [{"name": "last"}], "hostnames": [LAST],
                        // Exact, before what takes every host and every path.
                        "rules": [{"matches": [{"path": {"type": "Exact", "value": "/"}}],
                                   "backendRefs": [{"name": "last", "port": 80}]}]}}),
    ]);
    objects
}

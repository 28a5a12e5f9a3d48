//! Istio's own discovery server (`istiod/main.go`) with the real Envoy as its ingress gateway: both start
//! anew for a world. What stands between is Istio's: class selection, translation, order, and xDS.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::Entry;
use crate::envoy;
use crate::oracle::{Oracle, Served};
use crate::plane::program::{Programs, Recipe};
use crate::programs::fetched;
use crate::world::{CLASS, World};

const ISTIOD: &str = "istiod";
const ENVOY: &str = "envoy";
/// The versions that `fetch` gets.
const VERSIONS: &str = "Istio 1.31-dev (2026-08-27) with Envoy 1.38.3";
/// Where Envoy is configured from, and where it is said that the first configuration is complete.
const XDS: ([u8; 4], u16) = ([127, 0, 1, 51], 15010);
const READY: ([u8; 4], u16) = ([127, 0, 1, 51], 15014);
/// The gateway's pod, and the ports in it that its Service's 80 and 443 lead to.
const GATEWAY: [u8; 4] = [10, 1, 9, 9];
const PORTS: [u16; 2] = [15080, 15443];
const NAMESPACE: &str = "edge";

/// See the module.
pub(crate) struct Istiod {
    istiod: PathBuf,
    envoy: PathBuf,
    programs: Programs,
    folder: PathBuf,
    runs: bool,
}

impl Istiod {
    pub(crate) fn start() -> Result<Self, String> {
        let (istiod, envoy) = (fetched(ISTIOD)?, fetched(ENVOY)?);
        let folder =
            tempfile::Builder::new().prefix("routecause-istiod-").tempdir().expect("a folder").keep();
        let programs = Programs::new(&folder);
        for name in ["log", "home"] {
            std::fs::create_dir(folder.join(name)).expect("a folder");
        }
        Ok(Self { istiod, envoy, programs, folder, runs: false })
    }

    /// Waits until something listens.
    async fn listens(&self, name: &str, address: SocketAddr) {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            self.programs.check(name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Oracle for Istiod {
    fn source(&self) -> String {
        VERSIONS.to_owned()
    }

    async fn serve(&mut self, world: &World) -> Served {
        if std::mem::replace(&mut self.runs, true) {
            self.programs.kill(ENVOY);
            self.programs.kill(ISTIOD);
        }
        let mut objects: Vec<Value> = world.objects.iter().chain(&world.controller).cloned().collect();
        objects.push(last());
        let mut stored: Vec<Value> = objects.iter().cloned().chain(gateway()).collect();
        let services = stored.iter_mut().filter(|object| object["kind"] == "Service");
        services.enumerate().for_each(|(number, service)| {
            if service["spec"]["type"] != "ExternalName" {
                service["spec"]["clusterIP"] = json!(format!("10.96.0.{}", number + 1));
            }
        });
        let (list, bootstrap) = (self.folder.join("objects.json"), self.folder.join("envoy.json"));
        std::fs::write(&list, Value::from(stored).to_string()).expect("a file");
        std::fs::write(&bootstrap, configuration().to_string()).expect("a file");
        let [xds, ready] = [XDS, READY].map(SocketAddr::from);
        let args = vec![list.display().to_string(), xds.to_string(), ready.to_string()];
        self.programs.start(ISTIOD, Recipe { program: self.istiod.clone(), args, path: None });
        self.listens(ISTIOD, ready).await;
        self.programs.start(ENVOY, envoy::recipe(&self.envoy, &bootstrap, &[]));
        let [http, https] = PORTS.map(|port| SocketAddr::from((XDS.0, port)));
        self.listens(ENVOY, http).await;
        Served { objects, entry: Some(Entry { http, https }) }
    }
}

/// One more Ingress, which is taken in every mode: without any there is no gateway to ask.
fn last() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"namespace": NAMESPACE, "name": "last", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"ingressClassName": CLASS, "rules": [{"host": "last.routecause.example", "http": {"paths": [{
            "path": "/", "pathType": "Prefix",
            "backend": {"service": {"name": "last", "port": {"number": 80}}}}]}}]},
    })
}

/// The pod that Envoy is, behind the gateway's Service.
fn gateway() -> Vec<Value> {
    let address = std::net::Ipv4Addr::from(GATEWAY).to_string();
    let labels = json!({"istio": "ingressgateway"});
    let meta = |name: &str| json!({"namespace": NAMESPACE, "name": name, "labels": labels});
    let ports = [("http", 80, PORTS[0]), ("https", 443, PORTS[1])];
    let outer = ports.map(|(name, port, target)| json!({"name": name, "port": port, "targetPort": target}));
    let inner = ports.map(|(name, _, target)| json!({"name": name, "port": target, "protocol": "TCP"}));
    let mut slice = meta("gateway-1");
    slice["labels"]["kubernetes.io/service-name"] = json!("gateway");
    vec![
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta("gateway"),
               "spec": {"containers": [{"name": "proxy"}]},
               "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
                          "conditions": [{"type": "Ready", "status": "True"}]}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("gateway"),
               "spec": {"type": "ClusterIP", "selector": labels, "ports": outer}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
               "metadata": slice, "ports": inner,
               "endpoints": [{"addresses": [address], "conditions": {"ready": true}}]}),
    ]
}

/// What Envoy starts with: who it is, and whom it asks for the rest.
fn configuration() -> Value {
    let source = json!({"ads": {}, "resource_api_version": "V3"});
    let http = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let address = std::net::Ipv4Addr::from(GATEWAY).to_string();
    json!({
        "node": {
            "id": format!("router~{address}~gateway.{NAMESPACE}~{NAMESPACE}.svc.cluster.local"),
            "cluster": "gateway",
            "metadata": {"NAMESPACE": NAMESPACE, "LABELS": {"istio": "ingressgateway"}, "CLUSTER_ID": "Kubernetes",
                         "INSTANCE_IPS": address},
        },
        "dynamic_resources": {
            "lds_config": source, "cds_config": source,
            "ads_config": {"api_type": "GRPC", "transport_api_version": "V3",
                           "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}]},
        },
        "static_resources": {"clusters": [{
            "name": "xds", "type": "STATIC", "connect_timeout": "1s",
            "typed_extension_protocol_options": {http: {
                "@type": format!("type.googleapis.com/{http}"),
                "explicit_http_config": {"http2_protocol_options": {}}}},
            "load_assignment": {"cluster_name": "xds", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
                "socket_address": {"address": std::net::Ipv4Addr::from(XDS.0), "port_value": XDS.1}}}}]}]},
        }]},
    })
}

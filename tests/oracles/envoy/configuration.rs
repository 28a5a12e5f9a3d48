//! Envoy's configuration around a route table: listeners, filters, clusters.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::ask::Entry;

const TYPES: &str = "type.googleapis.com/envoy.extensions";

/// What a product makes of the objects of a world.
#[derive(Debug)]
pub(crate) struct Tables {
    /// Fields of the HTTP connection manager.
    pub(super) manager: Value,
    pub(super) ignores_port: bool,
    pub(super) plain: Vec<Value>,
    /// Server names, and the virtual hosts behind them.
    pub(super) secure: Vec<(Vec<String>, Vec<Value>)>,
}

/// The one that is shown to every client.
#[derive(Debug)]
pub(super) struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificate {
    pub(super) fn write(folder: &Path) -> Self {
        let signed = rcgen::generate_simple_self_signed(vec!["oracle.example".to_owned()]);
        let signed = signed.expect("a certificate");
        let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
        std::fs::write(&certificate, signed.cert.pem()).expect("a certificate");
        std::fs::write(&key, signed.signing_key.serialize_pem()).expect("a key");
        Self { certificate, key }
    }
}

impl Tables {
    pub(super) fn configuration(&self, entry: Entry, objects: &[Value], shown: &Certificate) -> Value {
        let listener = |address: std::net::SocketAddr, chains: Vec<Value>| {
            json!({
                "name": address.to_string(),
                "address": {"socket_address": {"address": address.ip(), "port_value": address.port()}},
                "listener_filters": [{"name": "tls", "typed_config": {
                    "@type": format!("{TYPES}.filters.listener.tls_inspector.v3.TlsInspector")}}],
                "filter_chains": chains,
            })
        };
        let certificates = json!([{"certificate_chain": {"filename": shown.certificate},
                                   "private_key": {"filename": shown.key}}]);
        let socket = json!({"name": "tls", "typed_config": {
            "@type": format!("{TYPES}.transport_sockets.tls.v3.DownstreamTlsContext"),
            "common_tls_context": {"tls_certificates": certificates}}});
        let chains: Vec<Value> = self
            .secure
            .iter()
            .map(|(names, hosts)| {
                json!({"filter_chain_match": {"server_names": names}, "transport_socket": socket,
                       "filters": [self.filter(hosts)]})
            })
            .collect();
        let mut listeners = vec![listener(entry.http, vec![json!({"filters": [self.filter(&self.plain)]})])];
        if !chains.is_empty() {
            listeners.insert(0, listener(entry.https, chains));
        }
        json!({"static_resources": {"listeners": listeners, "clusters": clusters(objects)}})
    }

    fn filter(&self, hosts: &[Value]) -> Value {
        let mut config = json!({
            "@type": format!("{TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "oracle",
            "use_remote_address": true,
            "route_config": {"name": "oracle", "virtual_hosts": hosts, "validate_clusters": false,
                             "ignore_port_in_host_matching": self.ignores_port},
            "http_filters": [{"name": "router", "typed_config": {
                "@type": format!("{TYPES}.filters.http.router.v3.Router")}}],
        });
        for (key, value) in self.manager.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        json!({"name": "http", "typed_config": config})
    }
}

/// The objects of a kind.
pub(super) fn of_kind<'o>(objects: &'o [Value], kind: &str) -> impl Iterator<Item = &'o Value> {
    objects.iter().filter(move |object| object["kind"] == kind)
}

pub(super) fn text<'o>(object: &'o Value, pointer: &str) -> &'o str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The key of a ConfigMap.
pub(super) fn told<'o>(objects: &'o [Value], map: &str, key: &str) -> &'o str {
    let found = of_kind(objects, "ConfigMap").find(|object| text(object, "/metadata/name") == map);
    found.and_then(|object| object["data"][key].as_str()).unwrap_or_default()
}

/// The number of a port of a Service that is there, by its name.
pub(super) fn named_port(objects: &[Value], namespace: &str, service: &str, port: &str) -> Option<u64> {
    let mut services = of_kind(objects, "Service");
    let found = services.find(|object| {
        text(object, "/metadata/namespace") == namespace && text(object, "/metadata/name") == service
    })?;
    let mut ports = found["spec"]["ports"].as_array()?.iter();
    ports.find(|found| found["name"] == port)?["port"].as_u64()
}

pub(super) fn cluster(namespace: &str, service: &str, port: u64) -> String {
    format!("{namespace}/{service}:{port}")
}

/// A cluster for every port of every Service, with what is ready behind it.
fn clusters(objects: &[Value]) -> Vec<Value> {
    let mut all = Vec::new();
    for service in of_kind(objects, "Service") {
        let (namespace, name) = (text(service, "/metadata/namespace"), text(service, "/metadata/name"));
        for port in service["spec"]["ports"].as_array().into_iter().flatten() {
            let slices = of_kind(objects, "EndpointSlice").filter(|slice| {
                text(slice, "/metadata/namespace") == namespace
                    && slice["metadata"]["labels"]["kubernetes.io/service-name"] == name
            });
            let ready: Vec<Value> = slices
                .flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten())
                .filter(|endpoint| endpoint["conditions"]["ready"] == true)
                .flat_map(|endpoint| endpoint["addresses"].as_array().into_iter().flatten())
                .map(|address| {
                    json!({"endpoint": {"address": {"socket_address": {
                        "address": address, "port_value": port["targetPort"]}}}})
                })
                .collect();
            let name = cluster(namespace, name, port["port"].as_u64().unwrap_or_default());
            all.push(json!({
                "name": name, "type": "STATIC", "connect_timeout": "2s",
                "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": ready}]},
            }));
        }
    }
    all
}

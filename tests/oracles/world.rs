//! A world: the objects of one small cluster, and what is asked in it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use serde_json::{Value, json};

/// The namespaces in which routes and Services are.
pub(crate) const NAMESPACES: [&str; 2] = ["n", "m"];
/// The Services of each of them.
pub(crate) const SERVICES: [&str; 8] = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
/// The Service of each of them that stands for another host, where a dialect has it: the address of a pod
/// behind no Service, at [`EXTERNAL_PORT`].
pub(crate) const EXTERNAL: &str = "nine";
pub(crate) const EXTERNAL_PORT: u16 = 80;
/// One more, in the worlds of Traefik: it has both ports, and annotations.
pub(crate) const NAMED: &str = "external";
/// The last part of its address.
const NAMED_HOST: u8 = 10;
/// Services that are less usual, where a dialect has them: without an address of its own, with one port
/// that has no name, with endpoints of every kind, and with slices in which there is nobody.
pub(crate) const ODD: [&str; 4] = ["headless", "unnamed", "mixed", "vacant"];
/// The last part of the first one's address.
const ODD_HOST: u8 = 20;
/// The IngressClass of the controller.
pub(crate) const CLASS: &str = "own";

/// The ports of pods: `http` and `alt`.
pub(crate) const PORTS: [u16; 2] = [8080, 8081];

/// A request; the target of its URL goes out as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Ask {
    /// As a line of `vectors.jsonl`, without the expectation.
    pub(crate) fn vector(&self) -> Value {
        let headers: serde_json::Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({"method": self.method, "url": self.url, "headers": headers})
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Objects of every kind but those of [`World::controller`]; namespaces and classes come first.
    pub(crate) objects: Vec<Value>,
    /// Arguments of the controller.
    pub(crate) arguments: Vec<String>,
    /// Keys of its ConfigMap.
    pub(crate) config: Vec<(String, String)>,
    /// The controller as it stands in the cluster.
    pub(crate) controller: Vec<Value>,
    pub(crate) asks: Vec<Ask>,
}

/// What is behind a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    Ready,
    NotReady,
    /// Serving still, and on its way out.
    Leaving,
    /// No EndpointSlice at all.
    Nothing,
}

fn place(all: &[&str], name: &str) -> Option<usize> {
    all.iter().position(|one| *one == name)
}

/// Addresses of Services, from this one on; those before it lead nowhere.
pub(crate) const ADDRESSES: u8 = 128;
/// How many Services of one namespace have one at most.
const A_NAMESPACE: usize = 16;

/// The address of a Service itself, at which its own ports are; one behind which nobody is leads nowhere.
pub(crate) fn address(namespace: &str, service: &str, leads: bool) -> Option<Ipv4Addr> {
    let number = place(&SERVICES, service).or_else(|| Some(SERVICES.len() + place(&ODD, service)?))?;
    let number = u8::try_from(place(&NAMESPACES, namespace)? * A_NAMESPACE + number).ok()?;
    Some(Ipv4Addr::new(10, 0, 0, number + if leads { ADDRESSES } else { ADDRESSES / 2 }))
}

/// The address of the pod of a Service.
pub(crate) fn pod(namespace: &str, service: &str) -> Option<Ipv4Addr> {
    let (namespace, service) = match (place(&NAMESPACES, namespace)?, service) {
        (namespace, EXTERNAL) => (namespace, SERVICES.len()),
        (namespace, service) => match place(&ODD, service) {
            Some(number) => (namespace, usize::from(ODD_HOST) - 1 + number),
            None => (namespace, place(&SERVICES, service)?),
        },
    };
    Some(Ipv4Addr::new(10, 1, u8::try_from(namespace + 1).ok()?, u8::try_from(service + 1).ok()?))
}

/// `namespace/service:port` of what answered at an address.
pub(crate) fn backend(address: SocketAddr) -> Option<String> {
    let IpAddr::V4(ip) = address.ip() else { return None };
    if let [10, 0, 0, number] = ip.octets() {
        let number = usize::from(number.checked_sub(ADDRESSES)?);
        let namespace = NAMESPACES.get(number / A_NAMESPACE)?;
        let service = SERVICES.iter().chain(&ODD).nth(number % A_NAMESPACE)?;
        return Some(format!("{namespace}/{service}:{}", address.port()));
    }
    let [10, 1, namespace, service] = ip.octets() else { return None };
    let namespace = NAMESPACES.get(usize::from(namespace).checked_sub(1)?)?;
    if service == NAMED_HOST {
        return Some(format!("{namespace}/{NAMED}:{}", address.port()));
    }
    let service = match service.checked_sub(ODD_HOST) {
        Some(number) => ODD.get(usize::from(number))?,
        None => SERVICES.iter().chain([&EXTERNAL]).nth(usize::from(service).checked_sub(1)?)?,
    };
    let port = if address.port() == PORTS[1] { 8080 } else { 80 };
    Some(format!("{namespace}/{service}:{port}"))
}

/// The Service that stands for another host.
pub(crate) fn external(namespace: &str) -> Value {
    let host = pod(namespace, EXTERNAL).expect("a namespace of the world").to_string();
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": EXTERNAL},
        "spec": {"type": "ExternalName", "externalName": host,
                 "ports": [{"name": "http", "port": EXTERNAL_PORT, "protocol": "TCP"}]},
    })
}

/// The ExternalName Service of a namespace: what it names is asked at the Service's own port.
pub(crate) fn named(number: usize, annotations: &BTreeMap<String, String>) -> Value {
    let port = |name: &str, port: u16| json!({"name": name, "port": port, "protocol": "TCP"});
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": NAMESPACES[number], "name": NAMED, "annotations": annotations},
        "spec": {"type": "ExternalName", "externalName": format!("10.1.{}.{NAMED_HOST}", number + 1),
                 "ports": [port("http", PORTS[0]), port("alt", PORTS[1])]},
    })
}

/// A Secret with a certificate for all hosts of the tests, or with something else where it should be.
pub(crate) fn certificate(namespace: &str, name: &str, is_sound: bool) -> Value {
    static SOUND: LazyLock<[String; 2]> = LazyLock::new(|| {
        let names = ["a.test", "*.test", "*.b.test", "io.test"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        [made.cert.pem(), made.signing_key.serialize_pem()]
    });
    let broken = ["no certificate".to_owned(), "no key".to_owned()];
    let [certificate, key] = if is_sound { SOUND.clone() } else { broken };
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"namespace": namespace, "name": name},
        "stringData": {"tls.crt": certificate, "tls.key": key},
    })
}

/// A Service with the ports `http` (80) and `alt` (8080), and what is behind it.
pub(crate) fn service(
    namespace: &str,
    name: &str,
    behind: Behind,
    annotations: &BTreeMap<String, String>,
) -> Vec<Value> {
    let port = |name: &str, port: u16, target: u16| json!({"name": name, "port": port, "targetPort": target, "protocol": "TCP"});
    let leads = matches!(behind, Behind::Ready | Behind::Leaving);
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": namespace, "name": name, "annotations": annotations},
        "spec": {"type": "ClusterIP", "clusterIP": address(namespace, name, leads), "ports": [port("http", 80, PORTS[0]), port("alt", 8080, PORTS[1])]},
    });
    let (ready, serving, terminating) = match behind {
        Behind::Ready => (true, true, false),
        Behind::NotReady => (false, false, false),
        Behind::Leaving => (false, true, true),
        Behind::Nothing => return vec![service],
    };
    let port = |name: &str, port: u16| json!({"name": name, "port": port, "protocol": "TCP"});
    let address = pod(namespace, name).expect("a Service of the world");
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"namespace": namespace, "name": format!("{name}-1"),
                     "labels": {"kubernetes.io/service-name": name}},
        "endpoints": [{"addresses": [address], "conditions": {
            "ready": ready, "serving": serving, "terminating": terminating}}],
        "ports": [port("http", PORTS[0]), port("alt", PORTS[1])],
    });
    vec![service, slice]
}

/// The less usual Services of a namespace.
pub(crate) fn odd_services(namespace: &str, annotations: &BTreeMap<String, String>) -> Vec<Value> {
    let [ready, not_ready, leaving] = [(true, true, false), (false, false, false), (false, true, true)];
    let endpoint = |address: Ipv4Addr, (ready, serving, terminating): (bool, bool, bool)| {
        json!({"addresses": [address],
               "conditions": {"ready": ready, "serving": serving, "terminating": terminating}})
    };
    ODD.into_iter()
        .flat_map(|name| {
            let pod = pod(namespace, name).expect("a Service of the world");
            // Nobody is at the other two.
            let [dead, gone] = [Ipv4Addr::new(10, 1, 99, 1), Ipv4Addr::new(10, 1, 99, 2)];
            let [mut service, mut slice] =
                <[Value; 2]>::try_from(self::service(namespace, name, Behind::Ready, annotations))
                    .expect("two");
            match name {
                "headless" => service["spec"]["clusterIP"] = json!("None"),
                "unnamed" => {
                    service["spec"]["ports"] =
                        json!([{"port": 80, "targetPort": PORTS[0], "protocol": "TCP"}]);
                    slice["ports"] = json!([{"name": "", "port": PORTS[0], "protocol": "TCP"}]);
                }
                "mixed" => {
                    slice["endpoints"] =
                        json!([endpoint(dead, not_ready), endpoint(gone, leaving), endpoint(pod, ready)]);
                }
                _ => {
                    service["spec"]["clusterIP"] = json!(address(namespace, name, false));
                    slice["endpoints"] = json!([]);
                }
            }
            [service, slice]
        })
        .collect()
}

//! Upstreams: one for every Service port that an Ingress names, by the name that both make.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::super::objects::{Backend, Ingress, Port, ServicePort};
use super::admission::Controller;
use super::servers::Server;

/// The upstream of everything that nobody has.
pub(super) const DEFAULT: &str = "upstream-default-backend";
/// Where the controller itself answers 404.
pub(super) const OWN_PORT: u16 = 8181;

/// Who gets a request that both a main upstream and its alternative could have.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) weight: i64,
    pub(super) total: i64,
    pub(super) header: String,
    pub(super) value: String,
    pub(super) pattern: String,
    pub(super) cookie: String,
}

#[derive(Debug, Clone)]
pub(super) struct Upstream {
    pub(super) peers: Vec<SocketAddr>,
    /// A canary made it.
    pub(super) no_server: bool,
    pub(super) policy: Option<Policy>,
    pub(super) alternatives: Vec<String>,
}

pub(super) type Upstreams = BTreeMap<String, Upstream>;

pub(super) fn name(namespace: &str, backend: &Backend) -> String {
    format!("{namespace}-{}-{}", backend.service, backend.port.text())
}

/// In the order of the Ingresses: the default backend makes its upstream anew, a path does not.
pub(super) fn of(controller: &Controller<'_>, own: SocketAddr) -> Upstreams {
    let peers = default_peers(controller, own);
    let default = Upstream { peers, no_server: false, policy: None, alternatives: Vec::new() };
    let mut upstreams = Upstreams::from([(DEFAULT.to_owned(), default)]);
    for ingress in &controller.loaded {
        if let Some(backend) = &ingress.default {
            upstreams.insert(name(&ingress.namespace, backend), made(controller, ingress, backend));
        }
        let paths = ingress.rules.iter().flat_map(|rule| &rule.paths);
        for backend in paths.filter_map(|path| path.backend.as_ref()) {
            upstreams
                .entry(name(&ingress.namespace, backend))
                .or_insert_with(|| made(controller, ingress, backend));
        }
    }
    upstreams
}

fn made(controller: &Controller<'_>, ingress: &Ingress, backend: &Backend) -> Upstream {
    let canary = controller.switch(ingress, "canary") == Some(true);
    Upstream {
        peers: peers(controller, &ingress.namespace, backend),
        no_server: canary,
        policy: canary.then(|| policy(controller, ingress)),
        alternatives: Vec::new(),
    }
}

/// The port is compared as text with number, target and name of every Service port.
fn peers(controller: &Controller<'_>, namespace: &str, backend: &Backend) -> Vec<SocketAddr> {
    let Some(ports) = controller.cluster.service(namespace, &backend.service) else { return Vec::new() };
    if let Some(address) = controller.cluster.external(namespace, &backend.service) {
        let barred = controller.cluster.argument("disable-svc-external-name") == Some("true");
        let port = match &backend.port {
            Port::Number(number) => Some(*number),
            Port::Name(name) => ports.iter().find(|port| port.name == *name).map(|port| port.number),
        };
        let port = port.filter(|_| !barred).and_then(|port| u16::try_from(port).ok());
        return port.map(|port| SocketAddr::from((address, port))).into_iter().collect();
    }
    let wanted = backend.port.text();
    let fits = |port: &&ServicePort| {
        port.number.to_string() == wanted || port.target.to_string() == wanted || port.name == wanted
    };
    ports.iter().find(fits).map(|port| port.pods.clone()).unwrap_or_default()
}

fn policy(controller: &Controller<'_>, ingress: &Ingress) -> Policy {
    let text = |name: &str| controller.text(ingress, name).unwrap_or_default().to_owned();
    let number = |name: &str, usual: i64| controller.integer(ingress, name).unwrap_or(usual);
    Policy {
        weight: number("canary-weight", 0),
        total: number("canary-weight-total", 100),
        header: text("canary-by-header"),
        value: text("canary-by-header-value"),
        pattern: text("canary-by-header-pattern"),
        cookie: text("canary-by-cookie"),
    }
}

/// Where everything goes that nobody has: the Service of the arguments, or the controller itself.
fn default_peers(controller: &Controller<'_>, own: SocketAddr) -> Vec<SocketAddr> {
    let service = controller.cluster.argument("default-backend-service");
    let service = service.and_then(|name| name.split_once('/'));
    let ports = service.and_then(|(namespace, name)| controller.cluster.service(namespace, name));
    let pods = ports.and_then(|ports| ports.first()).map(|port| port.pods.clone()).unwrap_or_default();
    if pods.is_empty() { vec![own] } else { pods }
}

/// The Service of the annotation `default-backend` stands in where nobody is behind a location, and
/// answers errors.
pub(super) fn put_default_backends(
    controller: &Controller<'_>,
    upstreams: &mut Upstreams,
    servers: &mut [Server],
) {
    for location in servers.iter_mut().flat_map(|server| &mut server.locations) {
        let Some(ingress) = location.owner.map(|owner| controller.loaded[owner]) else { continue };
        let Some(service) = controller.text(ingress, "default-backend") else { continue };
        let Some(main) = upstreams.get(&location.upstream) else { continue };
        let errors = controller.text(ingress, "custom-http-errors").is_some();
        if !(main.peers.is_empty() || errors) {
            continue;
        }
        let ports = controller.cluster.service(&ingress.namespace, service);
        let first = ports.and_then(|ports| ports.first());
        let external = controller.cluster.external(&ingress.namespace, service);
        let pods = match (first, external) {
            (Some(port), Some(address)) => {
                vec![SocketAddr::from((address, u16::try_from(port.number).unwrap_or_default()))]
            }
            (port, _) => port.map(|port| port.pods.clone()).unwrap_or_default(),
        };
        if pods.is_empty() {
            continue;
        }
        let name = format!("custom-default-backend-{}-{service}", ingress.namespace);
        let substitute = Upstream { peers: pods, ..main.clone() };
        location.errors_to.clone_from(&name);
        if main.peers.is_empty() {
            location.upstream.clone_from(&name);
        }
        upstreams.insert(name, substitute);
    }
}

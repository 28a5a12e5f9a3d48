//! Which Gateways and listeners Traefik serves, and by which entry points.
//!
//! A listener needs an entry point of its port, which for HTTP must not decrypt TLS; route kinds that
//! Traefik does not know, a second listener of the same port, protocol and host, and HTTPS without a
//! certificate keep it down.
//! Source: traefik/traefik `pkg/provider/kubernetes/gateway/kubernetes.go` (`loadGatewayListeners`),
//! v3.7.13.

use std::collections::BTreeMap;

use super::CONTROLLER;
use crate::analysis::adoption::selector::selects;
use crate::analysis::routing::gateway::attach::{Serving, is_duplicate, is_reported_down, is_whole};
use crate::model::controller::{ControllerKind, Settings};
use crate::model::gateway::{CertificateRef, Gateway, Listener, Protocol, RouteKind};
use crate::model::ingress::PortRef;
use crate::model::object::Kind;
use crate::model::snapshot::{Lookup, Snapshot};

/// One entry point.
#[derive(Debug, Clone, Default)]
struct EntryPoint {
    port: Option<u16>,
    is_tls: bool,
}

pub(super) struct Traefik<'a> {
    snapshot: &'a Snapshot,
    settings: &'a Settings,
    /// By name; empty where the arguments name none.
    entry_points: BTreeMap<String, EntryPoint>,
    /// No such controller and no class of it is there.
    is_imagined: bool,
}

impl<'a> Traefik<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, settings: &'a Settings) -> Self {
        let mut entry_points: BTreeMap<String, EntryPoint> = BTreeMap::new();
        for flag in &settings.args {
            let Some((name, option)) =
                flag.name.strip_prefix("entrypoints.").and_then(|rest| rest.split_once('.'))
            else {
                continue;
            };
            let entry_point = entry_points.entry(name.to_owned()).or_default();
            if option == "address" {
                let address = flag.value.as_deref().unwrap_or_default();
                let address = address.split('/').next().unwrap_or_default();
                entry_point.port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            }
            let is_off = flag.value.as_deref() == Some("false");
            entry_point.is_tls |= (option == "http.tls" && !is_off) || option.starts_with("http.tls.");
        }
        entry_points.retain(|_, entry_point| entry_point.port.is_some());
        let runs = snapshot.controllers.iter().any(|one| one.kind == ControllerKind::TraefikGateway);
        let has_class = snapshot.gateway_classes.items().iter().any(|class| class.controller == CONTROLLER);
        Self { snapshot, settings, entry_points, is_imagined: !runs && !has_class }
    }

    /// The entry points by the port that clients connect to, where the Service in front maps it.
    pub(super) fn entry_points(&self, snapshot: &Snapshot) -> EntryPoints {
        let mut ports = BTreeMap::new();
        let own = snapshot.controllers.iter().filter(|controller| {
            controller.kind == ControllerKind::TraefikGateway
                && controller.workload.name.namespace == self.settings.namespace
        });
        for name in own.flat_map(|controller| &controller.services) {
            let Lookup::Found(service) = snapshot.services.get(&name.namespace, &name.name) else { continue };
            for port in &service.ports {
                let to = match &port.target {
                    PortRef::Number(number) => Some(*number),
                    // Charts name the container's port like the entry point.
                    PortRef::Name(name) => self
                        .entry_points
                        .get(&name.to_ascii_lowercase())
                        .and_then(|entry_point| entry_point.port),
                    PortRef::Unset => Some(port.number),
                };
                if let Some(to) = to {
                    ports.insert(port.number, to);
                }
            }
        }
        EntryPoints(ports)
    }

    fn has_entry_point(&self, listener: &Listener) -> bool {
        let fits = |entry_point: &EntryPoint| {
            entry_point.port == Some(listener.port)
                && !(listener.protocol == Protocol::Http && entry_point.is_tls)
        };
        self.entry_points.is_empty() || self.entry_points.values().any(fits)
    }

    /// A certificate of another namespace needs a grant there.
    fn may_use(&self, gateway: &Gateway, certificate: &CertificateRef) -> bool {
        let CertificateRef { is_secret, name } = certificate;
        let grants = &self.snapshot.grants;
        *is_secret
            && (name.namespace == gateway.meta.namespace
                || !grants.covers(&name.namespace)
                || grants
                    .in_namespace(&name.namespace)
                    .any(|grant| grant.lets_gateway_use_secret(&gateway.meta.namespace, &name.name)))
    }
}

impl Serving for Traefik<'_> {
    fn serves(&self, gateway: &Gateway) -> bool {
        // Where no Traefik runs, it is asked what it would do with the Gateways of others.
        if self.is_imagined {
            return true;
        }
        let class = match self.snapshot.gateway_classes.get("", &gateway.class) {
            Lookup::Found(class) => class,
            Lookup::Absent => return false,
            Lookup::Unseen(_) => return self.reads(&gateway.meta.namespace),
        };
        let selector = self.settings.value("providers.kubernetesgateway.labelselector").unwrap_or_default();
        class.controller == CONTROLLER
            && selects(selector, &class.meta.labels).unwrap_or(true)
            && self.reads(&gateway.meta.namespace)
    }

    fn is_up(&self, gateway: &Gateway, listener: usize) -> bool {
        let Some(one) = gateway.listeners.get(listener) else { return false };
        let known = |kind: &RouteKind| {
            kind.group == Kind::HttpRoute.api_group()
                && matches!(kind.kind.as_str(), "HTTPRoute" | "GRPCRoute")
        };
        let mut certificates = one.tls.iter().flat_map(|tls| &tls.certificates);
        is_whole(one)
            && self.has_entry_point(one)
            && one.kinds.iter().all(known)
            && !is_duplicate(gateway, listener)
            && certificates.all(|certificate| self.may_use(gateway, certificate))
            && !is_reported_down(one)
    }

    fn reads(&self, namespace: &str) -> bool {
        let namespaces = self.settings.value("providers.kubernetesgateway.namespaces");
        namespaces.is_none_or(|list| list.is_empty() || list.split(',').any(|one| one.trim() == namespace))
    }
}

/// The port of the entry point behind each port of the Service in front.
#[derive(Debug)]
pub(super) struct EntryPoints(BTreeMap<u16, u16>);

impl EntryPoints {
    /// Where a connection to a port ends; a port that is not mapped is the entry point's own.
    pub(super) fn behind(&self, port: u16) -> Option<u16> {
        Some(self.0.get(&port).copied().unwrap_or(port))
    }
}

//! Which HTTPRoutes are attached to which listeners.
//!
//! A route is attached where it names a Gateway that is served, and one of its listeners by name, by
//! port or not at all, allows the route's namespace and kind, and shares a host name with it.
//! Three-valued: what could not be seen detaches as `Undecided`.

use std::collections::BTreeSet;

use super::hosts::intersect;
use super::{Attached, Attachment, Served};
use crate::analysis::adoption::selector::selects;
use crate::analysis::routing::Detached;
use crate::model::gateway::{Condition, FromNamespaces, Gateway, Listener, Protocol, RouteKind};
use crate::model::http_route::{HttpRoute, ParentRef};
use crate::model::object::Kind;
use crate::model::snapshot::{Lookup, Snapshot};

/// What an implementation says of Gateways and listeners.
pub(in crate::analysis::routing) trait Serving {
    /// Whether the Gateway is one of this implementation's.
    fn serves(&self, gateway: &Gateway) -> bool;
    /// Whether the listener of a Gateway that is served is up, by number.
    fn is_up(&self, gateway: &Gateway, listener: usize) -> bool;
    /// Whether routes of a namespace are read at all.
    fn reads(&self, namespace: &str) -> bool;
}

impl Attached {
    /// Does not depend on the order of the lists.
    pub(in crate::analysis::routing) fn new(snapshot: &Snapshot, serving: &dyn Serving) -> Self {
        let routes = snapshot.http_routes.items().iter();
        let mut routes: Vec<HttpRoute> =
            routes.filter(|route| serving.reads(&route.meta.namespace)).cloned().collect();
        routes
            .sort_by_cached_key(|route| (route.meta.created.is_none(), route.meta.created, route.meta.key()));
        let mut attached = Self::default();
        for (number, route) in routes.iter().enumerate() {
            let mut why = Detached::NoParent;
            let mut any = false;
            for parent in route.parents.iter().filter(|parent| parent.is_gateway) {
                match attached.by_parent(number, route, parent, snapshot, serving) {
                    Ok(()) => any = true,
                    Err(other) if progress(&why) <= progress(&other) => why = other,
                    Err(_) => {}
                }
            }
            if !any {
                attached.detached.push((number, why));
            }
        }
        Self { routes, ..attached }
    }

    fn by_parent(
        &mut self,
        number: usize,
        route: &HttpRoute,
        parent: &ParentRef,
        snapshot: &Snapshot,
        serving: &dyn Serving,
    ) -> Result<(), Detached> {
        let name = || parent.name.clone();
        let gateway = match snapshot.gateways.get(&parent.name.namespace, &parent.name.name) {
            Lookup::Found(gateway) if serving.serves(gateway) => gateway,
            Lookup::Found(gateway) => {
                return Err(Detached::GatewayOfOther { gateway: name(), class: gateway.class.clone() });
            }
            Lookup::Absent => return Err(Detached::GatewayMissing { gateway: name() }),
            Lookup::Unseen(_) => return Err(Detached::Undecided),
        };
        let port = parent.port.map(|port| port.to_string());
        let wanted = parent.section.clone().or(port).unwrap_or_else(|| "of any name".to_owned());
        let mut outcome = Err(Detached::ListenerMissing { gateway: name(), wanted });
        for (at, listener) in gateway.listeners.iter().enumerate() {
            let is_meant = parent.section.as_ref().is_none_or(|section| *section == listener.name)
                && parent.port.is_none_or(|port| port == listener.port);
            if !is_meant {
                continue;
            }
            let tried = if serving.is_up(gateway, at) {
                allowed(gateway, listener, route, snapshot)
            } else {
                Err(Detached::ListenerDown { gateway: name(), listener: listener.name.clone() })
            };
            match (tried, &outcome) {
                (Ok(hosts), _) => {
                    self.attach(number, gateway, listener, hosts);
                    outcome = Ok(());
                }
                (Err(why), Err(before)) if progress(before) <= progress(&why) => outcome = Err(why),
                (Err(_), _) => {}
            }
        }
        outcome
    }

    fn attach(&mut self, route: usize, gateway: &Gateway, listener: &Listener, hosts: Vec<String>) {
        let mut addresses = gateway.addresses.clone();
        addresses.sort();
        let served = Served {
            gateway: gateway.meta.key(),
            listener: listener.name.clone(),
            hostname: listener.hostname.clone(),
            port: listener.port,
            is_tls: listener.protocol == Protocol::Https,
            addresses,
        };
        // Routes are attached one after the other: the same listener is most often near the end.
        let known = self.listeners.iter().rposition(|known| *known == served);
        let listener = known.unwrap_or(self.listeners.len());
        if known.is_none() {
            self.listeners.push(served);
        }
        let new = Attachment { route, listener, hosts };
        let mut own = self.attachments.iter().rev().take_while(|attachment| attachment.route == route);
        if !own.any(|attachment| *attachment == new) {
            self.attachments.push(new);
        }
    }
}

/// The host names that a listener and a route agree on, where the listener takes the route.
fn allowed(
    gateway: &Gateway,
    listener: &Listener,
    route: &HttpRoute,
    snapshot: &Snapshot,
) -> Result<Vec<String>, Detached> {
    let at = || (gateway.meta.key(), listener.name.clone());
    let speaks_http = matches!(listener.protocol, Protocol::Http | Protocol::Https);
    let is_route =
        |kind: &RouteKind| kind.group == Kind::HttpRoute.api_group() && kind.kind == Kind::HttpRoute.as_str();
    if !speaks_http || !(listener.kinds.is_empty() || listener.kinds.iter().any(is_route)) {
        let (gateway, listener) = at();
        return Err(Detached::KindNotAllowed { gateway, listener });
    }
    let namespace = &route.meta.namespace;
    let is_allowed = match &listener.namespaces {
        FromNamespaces::All => true,
        FromNamespaces::Same => *namespace == gateway.meta.namespace,
        FromNamespaces::Selector(selector) => match snapshot.namespaces.get("", namespace) {
            Lookup::Found(found) => selects(selector, &found.meta.labels).unwrap_or(false),
            Lookup::Absent => false,
            Lookup::Unseen(_) => return Err(Detached::Undecided),
        },
        FromNamespaces::Nobody => false,
    };
    if !is_allowed {
        let (gateway, listener) = at();
        return Err(Detached::NamespaceNotAllowed { gateway, listener });
    }
    intersect(&listener.hostname, &route.hostnames).ok_or_else(|| {
        let (gateway, listener) = at();
        Detached::HostsApart { gateway, listener }
    })
}

/// How far a route got before it failed: the furthest is the most telling.
fn progress(detached: &Detached) -> u8 {
    match detached {
        Detached::NoParent => 0,
        Detached::GatewayMissing { .. } => 1,
        Detached::GatewayOfOther { .. } => 2,
        Detached::ListenerMissing { .. } => 3,
        Detached::ListenerDown { .. } => 4,
        Detached::KindNotAllowed { .. } => 5,
        Detached::NamespaceNotAllowed { .. } => 6,
        Detached::HostsApart { .. } => 7,
        Detached::OtherPort { .. } => 8,
        Detached::Undecided => 9,
    }
}

/// The earlier listener of the same port, protocol and host, when there is one: of two such the later
/// is refused.
pub(in crate::analysis::routing) fn is_duplicate(gateway: &Gateway, listener: usize) -> bool {
    let key = |one: &Listener| (one.port, one.protocol.clone(), one.hostname.to_ascii_lowercase());
    let mut seen = BTreeSet::new();
    gateway.listeners.iter().enumerate().any(|(at, one)| !seen.insert(key(one)) && at == listener)
}

/// What a listener must have whoever serves it: HTTPS is decrypted, with a certificate, HTTP is not.
pub(in crate::analysis::routing) fn is_whole(listener: &Listener) -> bool {
    let tls = listener.tls.as_ref();
    match listener.protocol {
        Protocol::Http => tls.is_none(),
        Protocol::Https => tls.is_some_and(|tls| !tls.passthrough && !tls.certificates.is_empty()),
        Protocol::Tls | Protocol::Other(_) => false,
    }
}

/// Whether its status says that it does not serve, such as for a certificate that is missing.
pub(in crate::analysis::routing) fn is_reported_down(listener: &Listener) -> bool {
    match listener.programmed {
        Condition::False => true,
        Condition::True | Condition::Pending | Condition::Unset => false,
    }
}

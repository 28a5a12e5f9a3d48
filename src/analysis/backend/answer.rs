//! What a controller answers while a backend chain is in a given state.
//!
//! Where a product's answer is not known the table says so instead of guessing. Sources: the products'
//! documentation and code as cited in `docs/controllers`, and recorded answers of the real proxies.

use crate::model::controller::{ControllerKind, Settings};
use crate::model::ingress::PortRef;

use super::super::routing::contour;
use super::endpoints::SlicePort;
use super::port::PortLink;
use super::service::{Found, Shape};
use super::{Chain, Seen};

/// What the client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// The upstream's own answer.
    Upstream,
    /// The controller's own answer, with this status.
    Status(u16),
    /// One of these, depending on what was not seen.
    OneOf(&'static [u16]),
    /// Not known for this product, or too little was seen.
    Unknown,
}

/// The states of a chain that products tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    Serving,
    ServiceMissing,
    PortMissing,
    /// The Service and its port exist, and no endpoint is ready.
    NoneReady,
    /// As `NoneReady`, and an endpoint still serves while it ends or starts.
    NoneReadySomeServing,
    /// As `NoneReady`, and there is no slice at all.
    NoSlices,
    ExternalName,
}

/// The condition of a chain as one product sees it; `None` when too little was seen.
#[must_use]
pub fn condition(kind: ControllerKind, chain: &Chain) -> Option<Condition> {
    match &chain.found {
        Found::Absent { .. } => return Some(Condition::ServiceMissing),
        Found::Unseen(_) => return None,
        Found::Here(Shape::ExternalName(_) | Shape::Selecting { .. } | Shape::Unmanaged { .. }) => {}
    }
    // ingress-nginx also finds a port by its targetPort.
    let lenient = kind == ControllerKind::IngressNginx;
    let port = match chain.port_link.as_ref()? {
        PortLink::Found(port) => Some(port),
        PortLink::NamesTarget(port) if lenient => Some(port),
        PortLink::Undeclared if lenient => None,
        PortLink::NamesTarget(_) | PortLink::Missing { .. } | PortLink::Undeclared => {
            return Some(Condition::PortMissing);
        }
    };
    if chain.external_name().is_some() {
        return Some(Condition::ExternalName);
    }
    let Some(Seen::Value(endpoints)) = &chain.endpoints else { return None };
    // Where the port's name stands in no slice, ingress-nginx falls back to a numbered targetPort.
    let by_number = lenient
        && endpoints.ready_without_port > 0
        && port.is_some_and(|port| matches!(port.target, PortRef::Number(_)))
        && matches!(endpoints.port, SlicePort::OtherNames(_) | SlicePort::NoPorts);
    Some(if endpoints.ready > 0 || by_number {
        Condition::Serving
    } else if endpoints.serving > 0 {
        Condition::NoneReadySomeServing
    } else if endpoints.slices == 0 {
        Condition::NoSlices
    } else {
        Condition::NoneReady
    })
}

/// What this controller answers while the chain is as it is.
#[must_use]
pub fn answer_of(kind: ControllerKind, settings: &Settings, chain: &Chain) -> Answer {
    let Some(condition) = condition(kind, chain) else { return Answer::Unknown };
    match condition {
        Condition::Serving => Answer::Upstream,
        Condition::ServiceMissing => service_missing(kind),
        Condition::PortMissing => port_missing(kind),
        Condition::NoneReady | Condition::NoneReadySomeServing | Condition::NoSlices => {
            none_ready(kind, settings, condition)
        }
        Condition::ExternalName => external_name(kind, settings),
    }
}

fn service_missing(kind: ControllerKind) -> Answer {
    use ControllerKind as K;
    match kind {
        K::IngressNginx | K::TraefikIngressNginx | K::AwsAlb | K::Kong | K::Apisix => Answer::Status(503),
        K::Traefik | K::Haproxytech | K::HaproxyIngress | K::Contour => Answer::Status(404),
        K::F5Nginx | K::Agic => Answer::Status(502),
        K::HttpRoute | K::TraefikGateway => Answer::Status(500),
        K::Istio | K::Cilium | K::Gce | K::OpenshiftRouter | K::Spec => Answer::Unknown,
    }
}

fn port_missing(kind: ControllerKind) -> Answer {
    use ControllerKind as K;
    match kind {
        K::IngressNginx | K::Kong => Answer::Status(503),
        K::Traefik | K::Haproxytech | K::Contour => Answer::Status(404),
        K::F5Nginx => Answer::Status(502),
        K::HttpRoute => Answer::Status(500),
        K::TraefikIngressNginx
        | K::AwsAlb
        | K::Apisix
        | K::HaproxyIngress
        | K::Agic
        | K::TraefikGateway
        | K::Istio
        | K::Cilium
        | K::Gce
        | K::OpenshiftRouter
        | K::Spec => Answer::Unknown,
    }
}

fn none_ready(kind: ControllerKind, settings: &Settings, condition: Condition) -> Answer {
    use ControllerKind as K;
    match kind {
        K::TraefikGateway if condition == Condition::NoSlices => Answer::Status(500),
        K::IngressNginx
        | K::TraefikIngressNginx
        | K::Haproxytech
        | K::HaproxyIngress
        | K::Contour
        | K::Istio
        | K::Cilium
        | K::Kong
        | K::AwsAlb
        | K::Apisix
        | K::HttpRoute
        | K::TraefikGateway => Answer::Status(503),
        K::F5Nginx | K::Agic => Answer::Status(502),
        K::Gce => Answer::OneOf(&[502, 503]),
        K::Traefik if condition == Condition::NoneReadySomeServing => Answer::Status(503),
        K::Traefik => traefik_empty(settings),
        K::OpenshiftRouter | K::Spec => Answer::Unknown,
    }
}

/// Flags, file and environment exclude each other as sources of Traefik's static configuration: with
/// any provider flag present an absent one has its default, which drops the route.
fn traefik_empty(settings: &Settings) -> Answer {
    if settings.is_set("providers.kubernetesingress.allowemptyservices") {
        Answer::Status(503)
    } else if is_told_by_flags(settings) {
        Answer::Status(404)
    } else {
        Answer::OneOf(&[404, 503])
    }
}

/// Whether Traefik's Ingress provider is set up by flags.
fn is_told_by_flags(settings: &Settings) -> bool {
    const PROVIDER: &str = "providers.kubernetesingress";
    let of_provider = |name: &str| name == PROVIDER || name.starts_with("providers.kubernetesingress.");
    settings.args.iter().any(|flag| of_provider(&flag.name))
}

fn external_name(kind: ControllerKind, settings: &Settings) -> Answer {
    use ControllerKind as K;
    match kind {
        K::IngressNginx if settings.is_set("disable-svc-external-name") => Answer::Status(503),
        K::IngressNginx => Answer::Upstream,
        // A path with such a backend is not there for them.
        K::Haproxytech if settings.is_set("disable-service-external-name") => Answer::Status(404),
        K::Haproxytech => Answer::Upstream,
        K::Contour => match contour::serves_external_names(settings) {
            Some(true) => Answer::Upstream,
            Some(false) => Answer::Status(404),
            None => Answer::Unknown,
        },
        // The route is dropped; a file or the environment may say otherwise where no flag says anything.
        K::Traefik if settings.is_set("providers.kubernetesingress.allowexternalnameservices") => {
            Answer::Upstream
        }
        K::Traefik if is_told_by_flags(settings) => Answer::Status(404),
        K::TraefikIngressNginx
            if settings.is_set("providers.kubernetesingressnginx.disablesvcexternalname") =>
        {
            Answer::Status(503)
        }
        K::TraefikIngressNginx => Answer::Upstream,
        // Only the commercial edition resolves names.
        K::F5Nginx if !settings.is_set("nginx-plus") => Answer::Status(502),
        K::Agic => Answer::Status(502),
        K::Traefik
        | K::F5Nginx
        | K::HaproxyIngress
        | K::AwsAlb
        | K::Istio
        | K::Cilium
        | K::Kong
        | K::Gce
        | K::Apisix
        | K::OpenshiftRouter
        | K::Spec
        | K::HttpRoute
        | K::TraefikGateway => Answer::Unknown,
    }
}

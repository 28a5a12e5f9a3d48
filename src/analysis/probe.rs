//! Decides probes: what may be sent, from where, to which address; and who it was that answered.
//!
//! Invariants: the host belongs to a known Ingress or HTTPRoute; the address is one that the cluster names for a
//! controller, a load balancer, a Service or a pod, never loopback, link-local, metadata or the API
//! server; GET and HEAD only; headers from a list. Nothing here sends anything: `evidence::probe` does
//! what a [`ProbePlan`] says and nothing else.

use std::net::{IpAddr, SocketAddr};

use crate::model::host::HostName;
use crate::model::object::{Kind, Name, Object, ObjectKey};
use crate::model::probe::{Destination, ProbePlan, Target, Via, Way};
use crate::model::request::{Request, Scheme};
use crate::model::snapshot::{Lookup, Snapshot};

use super::routing::Decision;
use super::view::View;

pub mod answerer;
pub mod client;
mod limits;
mod spot;

use spot::Spot;

/// What is wished for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub request: &'a Request,
    /// `None`: whichever way there is.
    pub via: Option<Via>,
    pub target: Option<Target>,
    /// The pod to send from.
    pub from: Option<&'a Name>,
    pub sni: Option<&'a HostName>,
    /// How many requests; spread over pods where that can be done.
    pub repeat: usize,
}

/// What the operator and the place of this program allow.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub transports: &'a [Via],
    /// Pods to send from: `NAMESPACE/NAME`, where the name may end in `*`.
    pub pods: &'a [String],
    /// This program runs in the cluster, so that its addresses can be reached.
    pub inside: bool,
    /// `host:port`.
    pub api_server: &'a str,
}

/// Why nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// No Ingress has a rule for it.
    UnknownHost {
        host: String,
    },
    Method {
        method: String,
    },
    PathTooLong {
        bytes: usize,
    },
    /// A character that must be percent-encoded.
    PathCharacter(char),
    /// Not a header that probes may carry.
    Header {
        name: String,
    },
    HeaderValue {
        name: String,
    },
    /// The operator allows no transport at all.
    AllOff,
    /// The operator does not allow this one.
    Off(Via),
    /// The operator did not name this pod.
    PodNotAllowed {
        pod: Name,
    },
    /// No pod to send from was named, and the operator named none that runs.
    NoPodToSendFrom,
    /// The pod does not exist, or does not run.
    PodNotThere {
        pod: Name,
    },
    /// Which controller serves the host is not known.
    NoController,
    /// No rule takes the URL, so there is no backend to ask.
    NoBackend,
    /// The backend lies outside the cluster.
    BackendOutside {
        service: Name,
    },
    /// Nothing is known at this target that this way can reach.
    Nowhere {
        target: Target,
        via: Via,
    },
    /// An address that is never asked, whatever the cluster says.
    Forbidden {
        address: String,
    },
}

/// Plans the requests; as many as were wished for.
///
/// # Errors
/// When a rule forbids it or there is no way; the first reason.
pub fn plan(
    wish: &Wish<'_>,
    rules: &Rules<'_>,
    snapshot: &Snapshot,
    view: Option<&View<'_>>,
) -> Result<Vec<ProbePlan>, Refusal> {
    limits::check(wish.request, wish.sni, snapshot)?;
    let decision = view.map(|view| view.decide(wish.request));
    let mut first = None;
    for via in ways(wish, rules)? {
        match by(via, wish, rules, snapshot, view, decision.as_ref()) {
            Ok(plans) => return Ok(plans),
            Err(refusal) => first = first.or(Some(refusal)),
        }
    }
    Err(first.unwrap_or(Refusal::AllOff))
}

/// The ways to try, best first.
fn ways(wish: &Wish<'_>, rules: &Rules<'_>) -> Result<Vec<Via>, Refusal> {
    let allowed = |via: &Via| rules.transports.contains(via);
    let wanted = wish.via.or(wish.from.map(|_| Via::Exec));
    if let Some(via) = wanted {
        return if allowed(&via) { Ok(vec![via]) } else { Err(Refusal::Off(via)) };
    }
    let order = if rules.inside {
        [Via::Direct, Via::PortForward, Via::Exec]
    } else {
        [Via::PortForward, Via::Direct, Via::Exec]
    };
    let ways: Vec<Via> = order.into_iter().filter(allowed).collect();
    if ways.is_empty() { Err(Refusal::AllOff) } else { Ok(ways) }
}

fn by(
    via: Via,
    wish: &Wish<'_>,
    rules: &Rules<'_>,
    snapshot: &Snapshot,
    view: Option<&View<'_>>,
    decision: Option<&Decision>,
) -> Result<Vec<ProbePlan>, Refusal> {
    let target = wish.target.unwrap_or(match via {
        Via::Direct if !rules.inside => Target::Entry,
        Via::Direct | Via::PortForward | Via::Exec | Via::Recorded => Target::Controller,
    });
    let spread = wish.repeat > 1;
    let found = match target {
        Target::Entry | Target::Controller => {
            let view = view.ok_or(Refusal::NoController)?;
            spot::of_controller(view, target, via, spread, wish.request, snapshot)
        }
        Target::Service | Target::Pod => {
            let view = view.ok_or(Refusal::NoController)?;
            let decision = decision.ok_or(Refusal::NoController)?;
            spot::of_backend(view, decision, target, via, spread, snapshot)?
        }
    };
    let origin = match via {
        Via::Exec => Some(origin(wish, rules, snapshot)?),
        Via::Direct | Via::PortForward | Via::Recorded => None,
    };
    let request = sent(wish, target, decision);
    let mut plans = Vec::new();
    let mut forbidden = None;
    for spot in found {
        if let Some(address) = never(&spot, rules, snapshot) {
            forbidden = Some(Refusal::Forbidden { address });
            continue;
        }
        plans.extend(aimed(spot, via, origin.as_ref(), &request, target, wish));
    }
    if plans.is_empty() {
        return Err(forbidden.unwrap_or(Refusal::Nowhere { target, via }));
    }
    Ok(plans.into_iter().cycle().take(wish.repeat.max(1)).collect())
}

/// The request as it goes to the target: a backend is asked what the controller would ask it.
fn sent(wish: &Wish<'_>, target: Target, decision: Option<&Decision>) -> Request {
    let mut request = wish.request.clone();
    let upstream = decision.and_then(|decision| decision.upstream_path.as_deref());
    if let (Target::Service | Target::Pod, Some(path)) = (target, upstream)
        && let Ok(path) = crate::model::request::RequestPath::parse(path)
    {
        request.path = path;
    }
    request
}

fn aimed(
    spot: Spot,
    via: Via,
    origin: Option<&(Name, Option<String>)>,
    request: &Request,
    target: Target,
    wish: &Wish<'_>,
) -> Option<ProbePlan> {
    let Spot { to, place, tls, proxy_protocol } = spot;
    let mut request = request.clone();
    request.scheme = if tls { Scheme::Https } else { Scheme::Http };
    let name = wish.sni.map_or_else(|| request.host.as_str(), HostName::as_str).to_owned();
    let tls = tls.then_some(name);
    let way = match (via, place) {
        (Via::PortForward, spot::Place::Pod { pod, port, .. }) => Way::PortForward { pod, port },
        (Via::Direct, spot::Place::Pod { address: Some(address), .. } | spot::Place::Address(address)) => {
            Way::Direct(Destination::Address(address))
        }
        (Via::Direct, spot::Place::Named { host, port }) => Way::Direct(Destination::Named { host, port }),
        (Via::Exec, spot::Place::Pod { address: Some(address), .. } | spot::Place::Address(address)) => {
            let (pod, container) = origin?.clone();
            let commands = client::commands(&request, address, tls.as_deref(), proxy_protocol);
            Way::Exec { pod, container, address, commands: Box::new(commands) }
        }
        (Via::Direct | Via::PortForward | Via::Exec | Via::Recorded, _) => return None,
    };
    Some(ProbePlan { request, target, to, way, tls, proxy_protocol })
}

/// The pod to send from, and its first container.
fn origin(
    wish: &Wish<'_>,
    rules: &Rules<'_>,
    snapshot: &Snapshot,
) -> Result<(Name, Option<String>), Refusal> {
    let allowed = |pod: &Name| rules.pods.iter().any(|pattern| names(pattern, pod));
    let pod = match wish.from {
        Some(pod) if !allowed(pod) => return Err(Refusal::PodNotAllowed { pod: pod.clone() }),
        Some(pod) => match snapshot.pods.get(&pod.namespace, &pod.name) {
            Lookup::Found(found) if found.phase == "Running" => found,
            // One that could not be looked up may well be there; the API server will say.
            Lookup::Unseen(_) => return Ok((pod.clone(), None)),
            Lookup::Found(_) | Lookup::Absent => return Err(Refusal::PodNotThere { pod: pod.clone() }),
        },
        None => snapshot
            .pods
            .items()
            .iter()
            .find(|pod| pod.phase == "Running" && allowed(&pod.meta.key()))
            .ok_or(Refusal::NoPodToSendFrom)?,
    };
    Ok((pod.meta.key(), pod.containers.first().map(|container| container.name.clone())))
}

/// Whether a pattern of the operator names a pod.
fn names(pattern: &str, pod: &Name) -> bool {
    let Some((namespace, name)) = pattern.split_once('/') else { return false };
    namespace == pod.namespace
        && match name.strip_suffix('*') {
            Some(head) => pod.name.starts_with(head),
            None => name == pod.name,
        }
}

/// The address of a spot when it is one that is never asked.
fn never(spot: &Spot, rules: &Rules<'_>, snapshot: &Snapshot) -> Option<String> {
    let api = ObjectKey::new(Kind::Service, "default", "kubernetes");
    if spot.to == api {
        return Some("the API server".to_owned());
    }
    match &spot.place {
        spot::Place::Named { host, port } => {
            let named = format!("{host}:{port}");
            (named == rules.api_server || limits::is_local_name(host)).then_some(named)
        }
        // Through the API server a pod is reached whatever its address.
        spot::Place::Pod { address: None, .. } => None,
        spot::Place::Pod { address: Some(address), .. } | spot::Place::Address(address) => {
            let of_api = address.to_string() == rules.api_server
                || snapshot.services.get("default", "kubernetes").found().is_some_and(|service| {
                    debug_assert_eq!(service.object_key(), api);
                    service.cluster_ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok())
                        == Some(address.ip())
                });
            (of_api || limits::is_forbidden(address.ip())).then(|| address.to_string())
        }
    }
}

/// An address and port as a socket address; `None` where the text is no address.
fn socket(address: &str, port: u16) -> Option<SocketAddr> {
    Some(SocketAddr::new(address.parse().ok()?, port))
}

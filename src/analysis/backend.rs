//! Walks from an Ingress backend to the pods behind it, and finds the first link that is broken.
//!
//! Service → port → targetPort → selector → EndpointSlices → pods. Assumptions: controllers send
//! requests to what the slices list, so a chain whose slices hold ready endpoints serves, whatever its
//! selector says by now; and every link is three-valued, so a list that was not read breaks nothing.
//!
//! Sources: kubernetes/kubernetes `pkg/controller/endpointslice` and `pkg/api/v1/pod` (which pods become
//! endpoints, how a targetPort resolves) @ v1.33; kubernetes/ingress-nginx
//! `internal/ingress/controller/endpointslices.go` @ controller-v1.15.1.

use crate::model::gap::Gap;
use crate::model::ingress::PortRef;
use crate::model::object::{Name, Object};
use crate::model::pod::Pod;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Listing, Lookup, Snapshot};

pub mod answer;
pub mod endpoints;
pub mod oddity;
pub mod owners;
pub mod pods;
pub mod port;
pub mod selector;
pub mod service;
pub mod target;

use endpoints::Endpoints;
use oddity::Oddity;
use owners::Group;
use pods::Pods;
use port::PortLink;
use selector::SelectorLink;
use service::{Found, Shape};
use target::TargetLink;

/// The links of a chain, in the order a request depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Link {
    Service,
    Port,
    TargetPort,
    Selector,
    Endpoints,
    Pods,
}

impl Link {
    pub const ALL: [Self; 6] =
        [Self::Service, Self::Port, Self::TargetPort, Self::Selector, Self::Endpoints, Self::Pods];
}

/// What is known of one link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Whole,
    Broken,
    /// Could not be seen.
    Unseen,
    /// There is no such link here: an earlier one is broken, or the Service needs none.
    Absent,
}

/// A value, or the reason why it could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen<T> {
    Value(T),
    Unseen(Gap),
}

impl<T> Seen<T> {
    /// The value, when it was seen.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unseen(_) => None,
        }
    }
}

/// Everything found on the way from one Service port to its pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    pub service: Name,
    pub port: PortRef,
    pub found: Found,
    /// `None` for this and the following links where an earlier one leaves nothing to look at.
    pub port_link: Option<PortLink>,
    pub target: Option<TargetLink>,
    pub selector: Option<SelectorLink>,
    pub endpoints: Option<Seen<Endpoints>>,
    pub pods: Option<Seen<Pods>>,
    /// The workloads whose pods the selector catches, most pods first. More than one is worth a look.
    pub caught: Vec<Group>,
    pub oddities: Vec<Oddity>,
}

/// Walks the chain of one Service port.
#[must_use]
pub fn walk(snapshot: &Snapshot, name: &Name, port: &PortRef) -> Chain {
    let Lookup::Found(service) = snapshot.services.get(&name.namespace, &name.name) else {
        return Chain::new(name.clone(), port.clone(), service::find(snapshot, name));
    };
    let mut chain = glance(service, port, |resolved| endpoints::count(snapshot, name, resolved));
    if service.is_external_name() {
        return chain;
    }
    let selected = select(snapshot, service);
    if let Some(resolved) = chain.port_link.as_ref().and_then(PortLink::port) {
        chain.target = target::find(resolved, &selected, service, snapshot);
    }
    chain.selector = Some(selector::judge(snapshot, service, &selected));
    chain.pods = pods::judge(snapshot, service, &selected);
    chain.caught = owners::group(snapshot, &selected);
    chain.oddities = oddity::find(snapshot, service, &selected);
    chain
}

/// The links that a controller itself goes by: Service, port, and what the slices list for it. For
/// callers that ask about many Services and have indexed the slices.
#[must_use]
pub fn glance(
    service: &Service,
    port: &PortRef,
    count: impl FnOnce(Option<&ServicePort>) -> Seen<Endpoints>,
) -> Chain {
    let mut chain = Chain::new(service.meta.key(), port.clone(), Found::Here(service::shape(service)));
    let link = port::find(service, port);
    if !service.is_external_name() {
        chain.endpoints = Some(count(link.port()));
    }
    chain.port_link = Some(link);
    chain
}

impl Chain {
    pub(super) fn new(service: Name, port: PortRef, found: Found) -> Self {
        Self {
            service,
            port,
            found,
            port_link: None,
            target: None,
            selector: None,
            endpoints: None,
            pods: None,
            caught: Vec::new(),
            oddities: Vec::new(),
        }
    }

    /// What is known of one link.
    #[must_use]
    pub fn state(&self, link: Link) -> State {
        match link {
            Link::Service => match &self.found {
                Found::Here(_) => State::Whole,
                Found::Absent { .. } => State::Broken,
                Found::Unseen(_) => State::Unseen,
            },
            Link::Port => self.port_link.as_ref().map_or(State::Absent, PortLink::state),
            Link::TargetPort => self.unless_serving(self.target.as_ref().map(TargetLink::state)),
            Link::Selector => self.unless_serving(self.selector.as_ref().map(SelectorLink::state)),
            Link::Endpoints => match &self.endpoints {
                None => State::Absent,
                Some(Seen::Unseen(_)) => State::Unseen,
                Some(Seen::Value(endpoints)) if endpoints.ready > 0 => State::Whole,
                Some(Seen::Value(_)) if self.pods_explain_it() => State::Whole,
                Some(Seen::Value(_)) => State::Broken,
            },
            Link::Pods => match &self.pods {
                None => State::Absent,
                Some(Seen::Unseen(_)) => State::Unseen,
                Some(Seen::Value(pods)) if pods.total > 0 && pods.ready == 0 && !self.serves() => {
                    State::Broken
                }
                Some(Seen::Value(_)) => State::Whole,
            },
        }
    }

    /// The first link that is broken; `None` also when what could not be seen hides it.
    #[must_use]
    pub fn first_broken(&self) -> Option<Link> {
        Link::ALL.into_iter().find(|link| self.state(*link) == State::Broken)
    }

    /// The first link that could not be seen, unless an earlier one is broken.
    #[must_use]
    pub fn first_unseen(&self) -> Option<Link> {
        let end = self.first_broken();
        Link::ALL
            .into_iter()
            .take_while(|link| Some(*link) != end)
            .find(|link| self.state(*link) == State::Unseen)
    }

    /// Whether the slices list a ready endpoint for the port.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.endpoints.as_ref().and_then(Seen::value).is_some_and(|endpoints| endpoints.ready > 0)
    }

    /// The external name behind the Service, when it is one.
    #[must_use]
    pub fn external_name(&self) -> Option<&str> {
        match &self.found {
            Found::Here(Shape::ExternalName(target)) => Some(target),
            Found::Here(_) | Found::Absent { .. } | Found::Unseen(_) => None,
        }
    }

    /// A selector or target that would yield nothing breaks nothing while the slices still serve.
    fn unless_serving(&self, state: Option<State>) -> State {
        match state {
            None => State::Absent,
            Some(State::Broken) if self.serves() => State::Whole,
            Some(state) => state,
        }
    }

    fn pods_explain_it(&self) -> bool {
        self.pods.as_ref().and_then(Seen::value).is_some_and(|pods| pods.total > 0 && pods.ready == 0)
    }
}

/// The pods that may become endpoints of a Service, in order of name.
struct Selected<'a> {
    pods: Vec<&'a Pod>,
    /// Why there may be more of them.
    gap: Option<Gap>,
}

fn select<'a>(snapshot: &'a Snapshot, service: &Service) -> Selected<'a> {
    let namespace = service.meta.namespace.as_str();
    let pods = if service.selector.is_empty() {
        Vec::new()
    } else {
        candidates(snapshot, &service.meta.namespace)
            .filter(|pod| selector::missing(&service.selector, &pod.meta.labels).next().is_none())
            .collect()
    };
    Selected { pods, gap: gap_of(&snapshot.pods, namespace) }
}

/// Pods of a namespace that have not ended: an ended pod is never an endpoint.
fn candidates<'a>(snapshot: &'a Snapshot, namespace: &str) -> impl Iterator<Item = &'a Pod> {
    let items = snapshot.pods.items();
    let from = items.partition_point(|pod| pod.meta.namespace.as_str() < namespace);
    let count =
        items.get(from..).unwrap_or_default().partition_point(|pod| pod.meta.namespace.as_str() <= namespace);
    items
        .get(from..from + count)
        .unwrap_or_default()
        .iter()
        .filter(|pod| !matches!(pod.phase.as_str(), "Succeeded" | "Failed"))
}

/// Why a namespace's list of a kind is not complete.
fn gap_of<T: Object>(listing: &Listing<T>, namespace: &str) -> Option<Gap> {
    match listing.get(namespace, "") {
        Lookup::Unseen(gap) => Some(gap),
        Lookup::Found(_) | Lookup::Absent => None,
    }
}

#[cfg(test)]
mod tests;

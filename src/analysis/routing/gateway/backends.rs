//! What a rule's backends can do with a request.
//!
//! A backend of another namespace needs a ReferenceGrant there. Weights share the requests out; a
//! weight of zero gets none. Where several backends with different fates have a weight, which one gets
//! a request is not determined.

use std::collections::{BTreeSet, HashMap};

use crate::analysis::routing::{Note, Outcome, Target};
use crate::model::endpoints::{Endpoint, EndpointSlice, SERVICE_LABEL};
use crate::model::http_route::{BackendRef, Filter};
use crate::model::ingress::PortRef;
use crate::model::service::Service;
use crate::model::snapshot::{Lookup, Snapshot};

/// The state of one backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Health {
    Ready,
    NobodyReady,
    /// Nobody but such as are shutting down: the Service's own address still leads to them.
    Leaving,
    /// The Service has no EndpointSlice at all.
    NoSlices,
    ServiceMissing,
    PortMissing,
    NotGranted,
    /// It is no Service, or one of type ExternalName, which this API does not serve.
    Foreign,
    /// Could not be seen: taken for ready, with a note.
    Unseen,
}

/// A backend that has a share of the requests.
#[derive(Debug, Clone)]
pub(in crate::analysis::routing) struct Judged {
    pub(in crate::analysis::routing) target: Option<Target>,
    pub(in crate::analysis::routing) health: Health,
    note: Option<Note>,
    pub(in crate::analysis::routing) filters: Vec<Filter>,
}

/// Services and their slices, indexed once.
pub(in crate::analysis::routing) struct Backends<'a> {
    snapshot: &'a Snapshot,
    slices: HashMap<(&'a str, &'a str), Vec<&'a EndpointSlice>>,
}

impl<'a> Backends<'a> {
    pub(in crate::analysis::routing) fn new(snapshot: &'a Snapshot) -> Self {
        let mut slices: HashMap<(&str, &str), Vec<&EndpointSlice>> = HashMap::new();
        for slice in snapshot.slices.items() {
            if let Some(service) = slice.meta.labels.get(SERVICE_LABEL) {
                slices.entry((slice.meta.namespace.as_str(), service.as_str())).or_default().push(slice);
            }
        }
        Self { snapshot, slices }
    }

    /// The backends of a rule that have a weight.
    pub(in crate::analysis::routing) fn judge(
        &self,
        namespace: &str,
        backends: &[BackendRef],
    ) -> Vec<Judged> {
        backends.iter().filter(|one| one.weight != 0).map(|one| self.one(namespace, one)).collect()
    }

    fn one(&self, namespace: &str, backend: &BackendRef) -> Judged {
        let BackendRef { group: _, kind, name, names_namespace: _, port, weight: _, filters } = backend;
        let judged = |target, health, note| Judged { target, health, note, filters: filters.clone() };
        if !self.is_granted(namespace, backend) {
            let note = Note::NotGranted { service: name.clone(), from: namespace.to_owned() };
            return judged(None, Health::NotGranted, Some(note));
        }
        let foreign = || Note::ForeignBackend { kind: kind.clone(), name: name.clone() };
        if !backend.is_service() {
            return judged(None, Health::Foreign, Some(foreign()));
        }
        let port = port.map_or(PortRef::Unset, PortRef::Number);
        let target = Some(Target { service: name.clone(), port: port.clone() });
        let service = match self.snapshot.services.get(&name.namespace, &name.name) {
            Lookup::Found(service) => service,
            Lookup::Absent => {
                return judged(target, Health::ServiceMissing, Some(Note::ServiceMissing(name.clone())));
            }
            Lookup::Unseen(_) => {
                return judged(target, Health::Unseen, Some(Note::BackendUnseen(name.clone())));
            }
        };
        if service.is_external_name() {
            return judged(target, Health::Foreign, Some(foreign()));
        }
        let (health, note) = match self.behind(service, &port) {
            Health::PortMissing => {
                (Health::PortMissing, Some(Note::PortMissing { service: name.clone(), port }))
            }
            Health::Unseen => (Health::Unseen, Some(Note::BackendUnseen(name.clone()))),
            health @ (Health::NobodyReady | Health::Leaving | Health::NoSlices) => {
                (health, Some(Note::NoReadyEndpoints(name.clone())))
            }
            health => (health, None),
        };
        judged(target, health, note)
    }

    fn is_granted(&self, namespace: &str, backend: &BackendRef) -> bool {
        if backend.name.namespace == namespace {
            return true;
        }
        // Where grants could not be seen, one is not denied.
        !self.snapshot.grants.covers(&backend.name.namespace)
            || (backend.is_service()
                && self
                    .snapshot
                    .grants
                    .in_namespace(&backend.name.namespace)
                    .any(|grant| grant.lets_route_to_service(namespace, &backend.name.name)))
    }

    fn behind(&self, service: &Service, port: &PortRef) -> Health {
        let Some(port) = service.port(port).filter(|port| matches!(port.protocol.as_str(), "TCP" | ""))
        else {
            return Health::PortMissing;
        };
        let (namespace, name) = (service.meta.namespace.as_str(), service.meta.name.as_str());
        let slices = self.slices.get(&(namespace, name)).map(Vec::as_slice).unwrap_or_default();
        let any = |is: fn(&Endpoint) -> bool| {
            slices.iter().any(|slice| {
                slice.ports.iter().any(|one| one.name == port.name && one.number.is_some())
                    && slice.endpoints.iter().any(|endpoint| is(endpoint) && !endpoint.addresses.is_empty())
            })
        };
        match (any(|endpoint| endpoint.ready), slices.is_empty()) {
            (true, _) => Health::Ready,
            (false, false) if any(|endpoint| endpoint.serving && endpoint.terminating) => Health::Leaving,
            (false, _) if !self.snapshot.slices.covers(namespace) => Health::Unseen,
            (false, true) => Health::NoSlices,
            (false, false) => Health::NobodyReady,
        }
    }
}

/// What becomes of a request that a rule sends to its backends.
#[derive(Debug, Clone)]
pub(in crate::analysis::routing) struct Settled {
    pub(in crate::analysis::routing) outcome: Outcome,
    pub(in crate::analysis::routing) status: Option<u16>,
    pub(in crate::analysis::routing) target: Option<Target>,
    pub(in crate::analysis::routing) one_of: Vec<Target>,
    pub(in crate::analysis::routing) notes: Vec<Note>,
    /// Of the one backend that is chosen, when it is one.
    pub(in crate::analysis::routing) filters: Vec<Filter>,
}

/// Sums a rule's backends up; `status` is what the implementation answers for one that cannot serve.
pub(in crate::analysis::routing) fn settle(
    judged: &[Judged],
    status: impl Fn(&Judged) -> Option<u16>,
) -> Settled {
    let mut ready: BTreeSet<&Target> = BTreeSet::new();
    let mut failing: BTreeSet<u16> = BTreeSet::new();
    let mut notes: Vec<Note> = Vec::new();
    for one in judged {
        match (status(one), &one.target) {
            (Some(code), _) => {
                failing.insert(code);
            }
            (None, Some(target)) => {
                ready.insert(target);
            }
            (None, None) => {}
        }
        notes.extend(one.note.clone());
    }
    notes.sort();
    notes.dedup();
    let one_of: Vec<Target> = ready.iter().map(|target| (*target).clone()).collect();
    let only = |code| match failing.len() {
        1 => Some(code),
        _ => None,
    };
    let (outcome, status, one_of) = match (one_of.len(), failing.first()) {
        (0, Some(code)) => (Outcome::Unavailable, only(*code), Vec::new()),
        (0 | 1, None) => (Outcome::Routed, None, Vec::new()),
        (_, None) => (Outcome::Undefined, None, one_of),
        (_, Some(_)) => {
            notes.push(Note::SomeBackendsFail);
            notes.extend(failing.iter().map(|code| Note::OrAnswered {
                outcome: Outcome::Unavailable,
                status: Some(*code),
                location: None,
            }));
            (Outcome::Undefined, None, one_of)
        }
    };
    let first = judged.iter().find(|one| one.target.is_some());
    let target = ready.first().map(|target| (*target).clone());
    let filters = if judged.len() == 1 { judged.first().map(|one| one.filters.clone()) } else { None };
    Settled {
        outcome,
        status,
        target: target.or_else(|| first.and_then(|one| one.target.clone())),
        one_of,
        notes,
        filters: filters.unwrap_or_default(),
    }
}

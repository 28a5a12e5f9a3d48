//! The fifth link: what the EndpointSlices of a Service list for one of its ports.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::endpoints::{Endpoint, EndpointSlice};
use crate::model::object::Name;
use crate::model::service::ServicePort;
use crate::model::snapshot::{Lookup, Snapshot};

use super::Seen;

/// The label that says who writes a slice.
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// How many addresses are worth telling.
const SHOWN: usize = 5;

/// Endpoints of one Service port, each backend counted once however many address families it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Endpoints {
    pub slices: usize,
    pub ready: usize,
    /// Not ready although they take requests: pods that end, or that publish before they are ready.
    pub serving: usize,
    pub not_ready: usize,
    pub terminating: usize,
    /// Ready endpoints of slices in which the port does not resolve; not in `ready`.
    pub ready_without_port: usize,
    /// Whether the Service's port name stands in a slice.
    pub port: SlicePort,
    /// `address:port` of some ready endpoints.
    pub addresses: Vec<String>,
    /// Who writes the slices, as they say themselves.
    pub managed_by: Vec<String>,
}

/// How the port resolves in the slices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SlicePort {
    /// There is no slice to resolve it in, or the Service port itself is unknown.
    #[default]
    Unknown,
    Resolved(Vec<u16>),
    /// Slices list ports, none by this name.
    OtherNames(Vec<String>),
    /// Slices list endpoints without any port: the targetPort resolves in no pod.
    NoPorts,
}

pub(super) fn count(snapshot: &Snapshot, service: &Name, port: Option<&ServicePort>) -> Seen<Endpoints> {
    match snapshot.slices_of(service) {
        Lookup::Unseen(gap) => Seen::Unseen(gap),
        Lookup::Absent => Seen::Value(Endpoints::default()),
        Lookup::Found(slices) => Seen::Value(tally(&slices, port)),
    }
}

/// Counts the endpoints of a Service's slices for one port.
#[must_use]
pub fn tally(slices: &[&EndpointSlice], port: Option<&ServicePort>) -> Endpoints {
    // By pod, else by address; the best state that any slice gives wins.
    let mut states: BTreeMap<&str, (Condition, bool)> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    let mut managers = BTreeSet::new();
    for slice in slices {
        managers.extend(slice.meta.labels.get(MANAGED_BY).map(String::as_str));
        let here = resolve(slice, port);
        numbers.extend(here.iter().copied());
        names.extend(slice.ports.iter().map(|port| port.name.clone().unwrap_or_default()));
        for endpoint in &slice.endpoints {
            let Some(address) = endpoint.addresses.first() else { continue };
            let condition = Condition::of(endpoint);
            let key = endpoint.pod.as_deref().unwrap_or(address);
            let state = (condition, !here.is_empty());
            let best = states.entry(key).or_insert(state);
            *best = (*best).max(state);
            if condition == Condition::Ready {
                addresses.extend(here.iter().map(|number| format!("{address}:{number}")));
            }
        }
    }
    let with = |condition: Condition, reached: Option<bool>| {
        states.values().filter(|(c, r)| *c == condition && reached.is_none_or(|want| want == *r)).count()
    };
    Endpoints {
        slices: slices.len(),
        ready: with(Condition::Ready, Some(true)),
        serving: with(Condition::Serving, None) + with(Condition::TerminatingServing, None),
        not_ready: with(Condition::NotReady, None) + with(Condition::Serving, None),
        terminating: with(Condition::Terminating, None) + with(Condition::TerminatingServing, None),
        ready_without_port: with(Condition::Ready, Some(false)),
        port: if port.is_none() || states.is_empty() {
            SlicePort::Unknown
        } else if !numbers.is_empty() {
            SlicePort::Resolved(numbers.into_iter().collect())
        } else if names.is_empty() {
            SlicePort::NoPorts
        } else {
            SlicePort::OtherNames(names.into_iter().collect())
        },
        addresses: addresses.into_iter().take(SHOWN).collect(),
        managed_by: managers.into_iter().map(str::to_owned).collect(),
    }
}

/// The numbers a Service port stands for in one slice: by name, and both unnamed counts as equal.
fn resolve(slice: &EndpointSlice, port: Option<&ServicePort>) -> Vec<u16> {
    let Some(port) = port else { return Vec::new() };
    slice.ports.iter().filter(|entry| entry.name == port.name).filter_map(|entry| entry.number).collect()
}

/// From worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
    Terminating,
    NotReady,
    TerminatingServing,
    Serving,
    Ready,
}

impl Condition {
    fn of(endpoint: &Endpoint) -> Self {
        match (endpoint.ready, endpoint.terminating, endpoint.serving) {
            (true, _, _) => Self::Ready,
            (false, true, true) => Self::TerminatingServing,
            (false, true, false) => Self::Terminating,
            (false, false, true) => Self::Serving,
            (false, false, false) => Self::NotReady,
        }
    }
}

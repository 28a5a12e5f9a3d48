//! The third link: does a container declare the Service port's targetPort.
//!
//! A number needs no declaration. A name must be declared by a container of the pod, or the endpoint
//! controller leaves the port out of the pod's slice.

use std::collections::BTreeSet;

use crate::model::ingress::PortRef;
use crate::model::pod::Container;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::Snapshot;

use super::service::alike;
use super::{Selected, State, selector};

/// How the targetPort meets the containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetLink {
    pub target: PortRef,
    /// Pods (or, where there is none, pod templates) that declare it.
    pub declared: usize,
    /// Pods or templates that were looked at.
    pub of: usize,
    /// Numbers that a name stands for.
    pub numbers: Vec<u16>,
    /// Every port that is declared, as `name` or number, at most a handful.
    pub declares: Vec<String>,
    /// Declared names most like the wanted one.
    pub nearest: Vec<String>,
    /// Whether there may be pods that were not seen.
    pub partial: bool,
}

impl TargetLink {
    pub(super) fn state(&self) -> State {
        match &self.target {
            PortRef::Number(_) | PortRef::Unset => State::Whole,
            PortRef::Name(_) if self.declared > 0 => State::Whole,
            PortRef::Name(_) if self.partial => State::Unseen,
            PortRef::Name(_) if self.of == 0 => State::Absent,
            PortRef::Name(_) => State::Broken,
        }
    }

    /// A numbered target that no container declares although they declare others: legal, and often wrong.
    #[must_use]
    pub fn suspicious(&self) -> bool {
        matches!(self.target, PortRef::Number(_))
            && self.of > 0
            && self.declared == 0
            && !self.declares.is_empty()
    }
}

/// How many declared ports are worth telling.
const SHOWN: usize = 8;

pub(super) fn find(
    port: &ServicePort,
    selected: &Selected<'_>,
    service: &Service,
    snapshot: &Snapshot,
) -> Option<TargetLink> {
    if service.selector.is_empty() {
        return None;
    }
    let mut sets: Vec<&[Container]> = selected.pods.iter().map(|pod| pod.containers.as_slice()).collect();
    if sets.is_empty() {
        sets = selector::templates(snapshot, service)
            .map(|workload| workload.template.containers.as_slice())
            .collect();
    }
    let mut declared = 0;
    let mut numbers = BTreeSet::new();
    let mut names = BTreeSet::new();
    let mut listed = BTreeSet::new();
    for containers in &sets {
        let mut here = false;
        for declared_port in containers.iter().flat_map(|container| &container.ports) {
            let hit = match &port.target {
                PortRef::Number(number) => declared_port.number == *number,
                PortRef::Name(name) => declared_port.name.as_deref() == Some(name),
                PortRef::Unset => false,
            };
            if hit {
                here = true;
                numbers.insert(declared_port.number);
            }
            names.extend(declared_port.name.as_deref());
            listed.insert(match &declared_port.name {
                Some(name) => format!("{name} ({})", declared_port.number),
                None => declared_port.number.to_string(),
            });
        }
        declared += usize::from(here);
    }
    let nearest = match &port.target {
        PortRef::Name(name) if declared == 0 => alike(name, names.into_iter()),
        PortRef::Name(_) | PortRef::Number(_) | PortRef::Unset => Vec::new(),
    };
    Some(TargetLink {
        target: port.target.clone(),
        declared,
        of: sets.len(),
        numbers: numbers.into_iter().collect(),
        declares: listed.into_iter().take(SHOWN).collect(),
        nearest,
        partial: selected.gap.is_some(),
    })
}

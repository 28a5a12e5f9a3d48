//! Whether a Service's port has somebody to send requests to, for models that find it the plain way.
//!
//! A backend's port is compared with number or name of the Service's ports; an endpoint counts when it
//! is ready and its slice has a port of the same name. A three-valued answer: what was not listed is
//! `Unseen`. Products that find it otherwise have an index of their own.

use std::collections::HashMap;

use crate::model::endpoints::{EndpointSlice, SERVICE_LABEL};
use crate::model::ingress::{Backend, PortRef};
use crate::model::object::Name;
use crate::model::service::{Service, ServicePort};
use crate::model::snapshot::{Lookup, Snapshot};

use super::{Note, Target};

/// What is behind a Service's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Ready,
    NobodyReady,
    ServiceMissing,
    PortMissing,
    /// An `ExternalName` Service, which this controller is not allowed to use.
    ExternalBarred,
    Unseen,
}

impl Health {
    /// Whether the Service and its port are there, as far as can be seen.
    pub(super) const fn resolves(self) -> bool {
        match self {
            Self::Ready | Self::NobodyReady | Self::Unseen => true,
            Self::ServiceMissing | Self::PortMissing | Self::ExternalBarred => false,
        }
    }

    /// What to say of a target in this state; nothing where all is well.
    pub(super) fn note(self, target: &Target) -> Option<Note> {
        let service = target.service.clone();
        match self {
            Self::Ready => None,
            Self::NobodyReady => Some(Note::NoReadyEndpoints(service)),
            Self::ServiceMissing => Some(Note::ServiceMissing(service)),
            Self::PortMissing => Some(Note::PortMissing { service, port: target.port.clone() }),
            Self::ExternalBarred => Some(Note::ExternalNameBarred(service)),
            Self::Unseen => Some(Note::BackendUnseen(service)),
        }
    }
}

/// Whether a controller sends requests to `ExternalName` Services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum External {
    Served,
    Barred,
}

/// Services and their slices, indexed once.
#[derive(Debug)]
pub(super) struct Services<'a> {
    snapshot: &'a Snapshot,
    slices: HashMap<(&'a str, &'a str), Vec<&'a EndpointSlice>>,
    external: External,
}

impl<'a> Services<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, external: External) -> Self {
        let mut slices: HashMap<(&str, &str), Vec<&EndpointSlice>> = HashMap::new();
        for slice in snapshot.slices.items() {
            if let Some(service) = slice.meta.labels.get(SERVICE_LABEL) {
                slices.entry((slice.meta.namespace.as_str(), service.as_str())).or_default().push(slice);
            }
        }
        Self { snapshot, slices, external }
    }

    pub(super) fn get(&self, service: &Name) -> Lookup<&'a Service> {
        self.snapshot.services.get(&service.namespace, &service.name)
    }

    /// What a rule's backend comes to: the Service port by its number where it is there, and its
    /// state. `None` for what is no Service.
    pub(super) fn resolve(&self, namespace: &str, backend: &Backend) -> Option<(Target, Health)> {
        let (name, port) = backend.service()?;
        let service = Name::new(namespace, name);
        let asked = Target { service: service.clone(), port: port.clone() };
        let health = self.health(&asked);
        let number = match self.get(&service) {
            Lookup::Found(found) => found.port(port).map(|port| PortRef::Number(port.number)),
            Lookup::Absent | Lookup::Unseen(_) => None,
        };
        Some((Target { service, port: number.unwrap_or(asked.port) }, health))
    }

    /// The state of a target.
    pub(super) fn health(&self, target: &Target) -> Health {
        match self.get(&target.service) {
            Lookup::Found(service) => match service.port(&target.port) {
                Some(port) => self.behind(service, port),
                None if service.is_external_name() => self.external_without_port(&target.port),
                None => Health::PortMissing,
            },
            Lookup::Absent => Health::ServiceMissing,
            Lookup::Unseen(_) => Health::Unseen,
        }
    }

    const fn external_without_port(&self, port: &PortRef) -> Health {
        match (self.external, port) {
            (External::Barred, _) => Health::ExternalBarred,
            (External::Served, PortRef::Number(_) | PortRef::Name(_) | PortRef::Unset) => Health::PortMissing,
        }
    }

    /// Whether any endpoint behind a port is ready.
    pub(super) fn behind(&self, service: &Service, port: &ServicePort) -> Health {
        if service.is_external_name() {
            return match self.external {
                External::Served => Health::Ready,
                External::Barred => Health::ExternalBarred,
            };
        }
        let (namespace, name) = (service.meta.namespace.as_str(), service.meta.name.as_str());
        let slices = self.slices.get(&(namespace, name)).map(Vec::as_slice).unwrap_or_default();
        let ready = slices.iter().any(|slice| {
            has_port(slice, port)
                && slice.endpoints.iter().any(|endpoint| endpoint.ready && !endpoint.addresses.is_empty())
        });
        if ready {
            Health::Ready
        } else if self.snapshot.slices.covers(namespace) {
            Health::NobodyReady
        } else {
            Health::Unseen
        }
    }
}

/// A slice's port belongs to a Service port of the same name.
fn has_port(slice: &EndpointSlice, port: &ServicePort) -> bool {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    slice.ports.iter().any(|found| name(&found.name) == name(&port.name) && found.number.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::{ingress, snapshot};
    use crate::model::snapshot::Listing;

    fn health(snapshot: &Snapshot, service: &str, port: PortRef) -> Health {
        let target = Target { service: Name::new("n", service), port };
        Services::new(snapshot, External::Barred).health(&target)
    }

    #[test]
    fn ports_are_found_by_number_and_only_ready_endpoints_count() {
        let snapshot = snapshot(&[ingress("n/i", &[("", "Prefix / live"), ("", "Prefix /d dead-one")])]);
        assert_eq!(health(&snapshot, "live", PortRef::Number(80)), Health::Ready);
        assert_eq!(health(&snapshot, "live", PortRef::Number(8080)), Health::PortMissing);
        assert_eq!(health(&snapshot, "live", PortRef::Name("http".to_owned())), Health::PortMissing);
        assert_eq!(health(&snapshot, "dead-one", PortRef::Number(80)), Health::NobodyReady);
        assert_eq!(health(&snapshot, "missing", PortRef::Number(80)), Health::ServiceMissing);
    }

    #[test]
    fn what_was_not_listed_is_not_missing() {
        let nothing = Snapshot::empty(chrono::DateTime::UNIX_EPOCH);
        assert_eq!(health(&nothing, "live", PortRef::Number(80)), Health::Unseen);
        let mut snapshot = snapshot(&[ingress("n/i", &[("", "Prefix / live")])]);
        snapshot.slices = Listing::unasked(crate::model::object::Kind::EndpointSlice);
        assert_eq!(health(&snapshot, "live", PortRef::Number(80)), Health::Unseen);
    }

    #[test]
    fn external_names_are_served_or_barred() {
        let mut snapshot = snapshot(&[ingress("n/i", &[("", "Prefix / out")])]);
        let mut services = snapshot.services.items().to_vec();
        for service in &mut services {
            service.service_type = "ExternalName".to_owned();
            service.external_name = Some("elsewhere.example".to_owned());
        }
        snapshot.services = Listing::complete(crate::model::object::Kind::Service, services);
        let target = Target { service: Name::new("n", "out"), port: PortRef::Number(80) };
        assert_eq!(Services::new(&snapshot, External::Barred).health(&target), Health::ExternalBarred);
        assert_eq!(Services::new(&snapshot, External::Served).health(&target), Health::Ready);
    }
}

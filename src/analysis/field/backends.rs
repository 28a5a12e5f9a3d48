//! Endpoint counts of Service ports, indexed once: rules ask for every backend of a cluster.

use std::collections::HashMap;

use crate::model::endpoints::EndpointSlice;
use crate::model::object::Name;
use crate::model::service::ServicePort;
use crate::model::snapshot::Snapshot;

use super::super::backend::endpoints::{Endpoints, tally};

/// The slices of each Service.
#[derive(Debug)]
pub struct Backends<'a> {
    snapshot: &'a Snapshot,
    slices: HashMap<Name, Vec<&'a EndpointSlice>>,
}

impl<'a> Backends<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let mut slices: HashMap<Name, Vec<&EndpointSlice>> = HashMap::new();
        for slice in snapshot.slices.items() {
            if let Some(service) = slice.service() {
                slices.entry(service).or_default().push(slice);
            }
        }
        Self { snapshot, slices }
    }

    /// The endpoints of a Service port; `None` where the slices of the namespace were not all read.
    #[must_use]
    pub fn count(&self, service: &Name, port: &ServicePort) -> Option<Endpoints> {
        let slices = self.slices.get(service).map(Vec::as_slice).unwrap_or_default();
        self.snapshot.slices.covers(&service.namespace).then(|| tally(slices, Some(port)))
    }
}

//! Service ports and their endpoints, with the slices indexed once: rules ask for every backend of a
//! cluster.

use std::collections::HashMap;

use crate::model::endpoints::EndpointSlice;
use crate::model::ingress::PortRef;
use crate::model::object::Name;
use crate::model::service::Service;
use crate::model::snapshot::{Lookup, Snapshot};

use super::super::backend::endpoints::tally;
use super::super::backend::{Chain, Seen, glance};

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

    /// Service, port and endpoints of a backend that exists.
    #[must_use]
    pub fn glance(&self, service: &Service, port: &PortRef) -> Chain {
        glance(service, port, |resolved| {
            let name = service.meta.key();
            match self.snapshot.slices.get(&name.namespace, "") {
                Lookup::Unseen(gap) => Seen::Unseen(gap),
                Lookup::Found(_) | Lookup::Absent => {
                    let slices = self.slices.get(&name).map(Vec::as_slice).unwrap_or_default();
                    Seen::Value(tally(slices, resolved))
                }
            }
        })
    }
}

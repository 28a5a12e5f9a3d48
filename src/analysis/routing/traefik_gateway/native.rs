//! Which Services are asked by their own address instead of by their endpoints.
//!
//! `traefik.io/service.nativelb` says so, else an argument. Another name below `service.`, or a value
//! that is no boolean, fails every rule that names the Service.
//! Source: traefik/traefik `pkg/provider/kubernetes/gateway/{annotations,kubernetes}.go`, v3.7.13.

use std::collections::{HashMap, HashSet};

use crate::analysis::routing::Note;
use crate::analysis::routing::traefik::annotations::{boolean, labels};
use crate::model::object::Name;
use crate::model::service::Service;
use crate::model::snapshot::Snapshot;

const PREFIX: &str = "traefik.io/";

#[derive(Debug)]
pub(super) struct Native {
    by_address: HashSet<Name>,
    /// Those without an address of their own.
    headless: HashSet<Name>,
    /// The annotation that cannot be read.
    unreadable: HashMap<Name, String>,
}

impl Native {
    pub(super) fn new(snapshot: &Snapshot, by_default: bool) -> Self {
        let mut native =
            Self { by_address: HashSet::new(), headless: HashSet::new(), unreadable: HashMap::new() };
        for service in snapshot.services.items() {
            let name = service.meta.key();
            match read(service) {
                Ok(own) if own.unwrap_or(by_default) => {
                    native.by_address.insert(name.clone());
                }
                Ok(_) => {}
                Err(key) => {
                    native.unreadable.insert(name.clone(), key);
                }
            }
            if matches!(service.cluster_ip.as_deref(), None | Some("" | "None")) {
                native.headless.insert(name);
            }
        }
        native
    }

    pub(super) fn is_by_address(&self, service: &Name) -> bool {
        self.by_address.contains(service)
    }

    pub(super) fn is_headless(&self, service: &Name) -> bool {
        self.headless.contains(service)
    }

    /// What is wrong with the Service's annotations.
    pub(super) fn fault(&self, service: &Name) -> Option<Note> {
        let key = self.unreadable.get(service)?.clone();
        Some(Note::ServiceAnnotation { service: service.clone(), key })
    }
}

/// What the Service says of itself; fails with the annotation that cannot be read.
fn read(service: &Service) -> Result<Option<bool>, String> {
    let mut native = None;
    for (key, parts, value) in labels(&service.meta.annotations, PREFIX, "service") {
        let is_known = matches!(parts.as_slice(), [part] if part == "nativelb");
        match boolean(value).filter(|_| is_known) {
            Some(is_native) => native = Some(is_native),
            None => return Err(key.to_owned()),
        }
    }
    Ok(native)
}

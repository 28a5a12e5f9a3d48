//! The upstreams: one for every Service port that an Ingress names, and whether anybody is there.
//!
//! An upstream is known by `<namespace>-<service>-<port>`, so that two Services whose names join to
//! the same text share one. Its first user makes it: a canary that comes before the Ingress whose
//! Service it shares takes that Ingress' paths away.
//! Source: kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (`createUpstreams`),
//! v1.15.1.

use std::collections::HashMap;

use crate::analysis::routing::{Note, Target};
use crate::model::ingress::{Backend, PortRef, Rule};
use crate::model::object::Name;

use super::Loaded;
use super::canary::Policy;
use super::endpoints::{Endpoints, Health};

/// The controller's own default backend.
pub(super) const DEFAULT_UPSTREAM: usize = 0;

#[derive(Debug, Clone)]
pub(super) struct Upstream {
    pub(super) target: Target,
    pub(super) health: Health,
    /// Made by a canary: paths that name it are no locations.
    no_server: bool,
    /// The canary that made it.
    pub(super) canary: Option<(Policy, Name)>,
    alternatives: Vec<usize>,
    removed: bool,
}

impl Upstream {
    fn new(target: Target, health: Health) -> Self {
        Self { target, health, no_server: false, canary: None, alternatives: Vec::new(), removed: false }
    }

    /// What is wrong with it, if anything.
    pub(super) fn note(&self) -> Option<Note> {
        let service = self.target.service.clone();
        match self.health {
            Health::Ready => None,
            Health::ServiceMissing => Some(Note::ServiceMissing(service)),
            Health::PortMissing | Health::AddressPortless => {
                Some(Note::PortMissing { service, port: self.target.port.clone() })
            }
            Health::NobodyReady | Health::AddressSilent => Some(Note::NoReadyEndpoints(service)),
            Health::Unseen => Some(Note::BackendUnseen(service)),
        }
    }

    /// Whether nginx has a balancer for it.
    pub(super) fn answers(&self) -> bool {
        !self.removed && (matches!(self.health, Health::Ready | Health::Unseen) || self.is_silent())
    }

    /// Whether nginx connects to an address at which nobody answers.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.health, Health::AddressSilent | Health::AddressPortless)
    }
}

#[derive(Debug)]
pub(super) struct Upstreams {
    all: Vec<Upstream>,
    ids: HashMap<String, usize>,
}

impl Upstreams {
    /// In the order of the Ingresses: default backend first, then path by path.
    pub(super) fn new(loaded: &[Loaded], endpoints: &Endpoints<'_>) -> Self {
        let nobody = Target { service: Name::default(), port: PortRef::Unset };
        let mut upstreams = Self { all: vec![Upstream::new(nobody, Health::Ready)], ids: HashMap::new() };
        for ingress in loaded {
            if let Some(backend @ Backend::Service { .. }) = &ingress.default_backend {
                upstreams.make(ingress, backend, endpoints);
            }
            for path in ingress.rules.iter().flat_map(Rule::paths) {
                let is_service = path.backend.service().is_some();
                if is_service && upstreams.id(&ingress.name.namespace, &path.backend).is_none() {
                    upstreams.make(ingress, &path.backend, endpoints);
                }
            }
        }
        upstreams
    }

    /// Makes the upstream of a backend, or makes it anew.
    fn make(&mut self, ingress: &Loaded, backend: &Backend, endpoints: &Endpoints<'_>) {
        let Some((service, port)) = backend.service() else { return };
        let target = Target { service: Name::new(&ingress.name.namespace, service), port: port.clone() };
        let health = endpoints.health(&target, ingress.options.service_upstream);
        let mut upstream = Upstream::new(target, health);
        if let Some(policy) = &ingress.options.canary {
            upstream.no_server = true;
            upstream.canary = Some((policy.clone(), ingress.name.clone()));
        }
        let key = key_of(&ingress.name.namespace, backend);
        if let Some(known) = self.ids.get(&key).and_then(|id| self.all.get_mut(*id)) {
            *known = upstream;
        } else {
            self.ids.insert(key, self.all.len());
            self.all.push(upstream);
        }
    }

    /// Adds what the annotation `default-backend` puts in the place of an upstream: its alternatives
    /// stay.
    pub(super) fn add_substitute(&mut self, of: usize, target: Target, health: Health) -> usize {
        let mut substitute = Upstream::new(target, health);
        substitute.alternatives.clone_from(&self.get(of).alternatives);
        self.all.push(substitute);
        self.all.len() - 1
    }

    pub(super) fn id(&self, namespace: &str, backend: &Backend) -> Option<usize> {
        self.ids.get(&key_of(namespace, backend)).copied()
    }

    /// An upstream; the default one for an id that is none.
    pub(super) fn get(&self, id: usize) -> &Upstream {
        static NONE: std::sync::LazyLock<Upstream> = std::sync::LazyLock::new(|| {
            let target = Target { service: Name::default(), port: PortRef::Unset };
            Upstream::new(target, Health::ServiceMissing)
        });
        self.all.get(id).unwrap_or(&NONE)
    }

    /// The first alternative that has a balancer.
    pub(super) fn alternative(&self, id: usize) -> Option<&Upstream> {
        let first = self.get(id).alternatives.first()?;
        Some(self.get(*first)).filter(|upstream| upstream.answers())
    }

    pub(super) fn has_no_server(&self, id: usize) -> bool {
        self.get(id).no_server
    }

    pub(super) fn is_removed(&self, id: usize) -> bool {
        self.get(id).removed
    }

    pub(super) fn remove(&mut self, id: usize) {
        if let Some(upstream) = self.all.get_mut(id) {
            upstream.removed = true;
        }
    }

    pub(super) fn add_alternative(&mut self, main: usize, alternative: usize) {
        if let Some(upstream) = self.all.get_mut(main)
            && !upstream.alternatives.contains(&alternative)
        {
            upstream.alternatives.push(alternative);
        }
    }
}

fn key_of(namespace: &str, backend: &Backend) -> String {
    match backend.service() {
        Some((service, PortRef::Number(port))) => format!("{namespace}-{service}-{port}"),
        Some((service, PortRef::Name(port))) => format!("{namespace}-{service}-{port}"),
        Some((_, PortRef::Unset)) | None => format!("{namespace}-INVALID"),
    }
}

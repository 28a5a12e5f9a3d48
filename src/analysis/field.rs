//! What conflict rules look at: one controller, the Ingresses it loads in order of age, those it does
//! not, everybody else's claims, and an index by host.
//!
//! Invariant: built once per controller in n log n, whatever the order of the input.

use std::collections::{HashMap, HashSet};

use crate::model::controller::{Controller, ControllerKind, Settings};
use crate::model::ingress::Ingress;
use crate::model::object::Name;
use crate::model::snapshot::Snapshot;

use super::adoption::annotations::Policy;
use super::routing::Refusal;
use super::view::View;

pub mod backends;
pub mod hosts;
#[cfg(test)]
pub(crate) mod kit;
pub mod pattern;

use backends::Backends;
use hosts::Hosts;

/// One controller's ground.
#[derive(Debug)]
pub struct Field<'a> {
    pub kind: ControllerKind,
    pub controller: &'a Controller,
    pub settings: &'a Settings,
    /// Ingresses that are loaded, oldest first.
    pub loaded: Vec<&'a Ingress>,
    /// Ingresses that are not, sorted by name.
    pub refused: &'a [(&'a Ingress, Refusal)],
    pub snapshot: &'a Snapshot,
    pub claims: &'a Claims,
    /// How the product's annotations read; of use for ingress-nginx only.
    pub(crate) policy: Policy<'a>,
    /// The loaded rules by host.
    pub hosts: Hosts<'a>,
    pub backends: Backends<'a>,
}

/// Which controllers take each Ingress: indexes into the snapshot's controllers.
#[derive(Debug, Default)]
pub struct Claims {
    by_ingress: HashMap<Name, Vec<usize>>,
    /// Ingresses of which some controller could not be judged.
    doubtful: HashSet<Name>,
}

impl Claims {
    /// Collects what every view adopted.
    #[must_use]
    pub fn of(views: &[View<'_>]) -> Self {
        let mut claims = Self::default();
        for (index, view) in views.iter().enumerate() {
            for (ingress, _) in &view.adopted {
                claims.add(ingress.meta.key(), index);
            }
            for (ingress, why) in &view.refused {
                if *why == Refusal::Undecided {
                    claims.doubt(ingress.meta.key());
                }
            }
        }
        claims
    }

    pub(crate) fn add(&mut self, ingress: Name, controller: usize) {
        self.by_ingress.entry(ingress).or_default().push(controller);
    }

    pub(crate) fn doubt(&mut self, ingress: Name) {
        self.doubtful.insert(ingress);
    }

    /// Whether it is certain that no controller takes this Ingress.
    #[must_use]
    pub fn nobody_takes(&self, ingress: &Name) -> bool {
        self.on(ingress).is_empty() && !self.doubtful.contains(ingress)
    }

    /// The controllers that take this Ingress.
    #[must_use]
    pub fn on(&self, ingress: &Name) -> &[usize] {
        self.by_ingress.get(ingress).map(Vec::as_slice).unwrap_or_default()
    }

    /// Every Ingress with its controllers.
    pub fn all(&self) -> impl Iterator<Item = (&Name, &[usize])> {
        self.by_ingress.iter().map(|(name, controllers)| (name, controllers.as_slice()))
    }
}

impl<'a> Field<'a> {
    /// The ground of one running controller.
    #[must_use]
    pub fn new(
        controller: &'a Controller,
        settings: &'a Settings,
        mut loaded: Vec<&'a Ingress>,
        refused: &'a [(&'a Ingress, Refusal)],
        snapshot: &'a Snapshot,
        claims: &'a Claims,
    ) -> Self {
        loaded.sort_by(|a, b| by_age(a, b));
        let policy = Policy::new(settings);
        let hosts = Hosts::new(&loaded, &policy);
        Self {
            kind: controller.kind,
            controller,
            settings,
            policy,
            hosts,
            backends: Backends::new(snapshot),
            loaded,
            refused,
            snapshot,
            claims,
        }
    }

    /// The full key of an annotation of ingress-nginx.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        self.policy.key(name)
    }

    /// Whether an annotation of ingress-nginx holds a true value.
    #[must_use]
    pub fn is_on(&self, ingress: &Ingress, name: &str) -> bool {
        self.policy.boolean(ingress, name) == Some(true)
    }
}

/// Oldest first; within one second by `namespace/name` from the end, as ingress-nginx sorts.
#[must_use]
pub fn by_age(a: &Ingress, b: &Ingress) -> std::cmp::Ordering {
    let name = |ingress: &Ingress| format!("{}/{}", ingress.meta.namespace, ingress.meta.name);
    a.meta.created.cmp(&b.meta.created).then_with(|| name(b).cmp(&name(a)))
}

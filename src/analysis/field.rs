//! What conflict rules look at: one controller, the Ingresses it loads in order of age, those it does
//! not, everybody else's claims, and an index by host.
//!
//! Invariant: built once per controller in n log n, whatever the order of the input.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::controller::{Controller, ControllerKind, Settings};
use crate::model::ingress::Ingress;
use crate::model::object::Name;
use crate::model::snapshot::Snapshot;

use super::adoption::annotations::Policy;
use super::routing::{Basis, Decision, Refusal, RouteTable};
use super::view::View;

pub mod backends;
pub mod hosts;
#[cfg(test)]
pub(crate) mod kit;
pub mod model;
pub mod pattern;
pub(crate) mod rule_text;
pub mod sites;
pub(crate) mod tried;

use backends::Backends;
use hosts::Hosts;
use model::Model;
use sites::Site;

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
    /// The hosts as ingress-nginx has them; empty for every other product.
    pub sites: BTreeMap<&'a str, Site<'a>>,
    pub backends: Backends<'a>,
    /// How far the routing model can be trusted.
    pub basis: Basis,
    model: Model<'a>,
    /// Hosts on which somebody asks for TLS or redirects.
    redirected: HashSet<&'a str>,
    /// Whether the controller was told something of redirects.
    redirects_all: bool,
    /// How many patterns may still be tried.
    pub(crate) steps: Cell<usize>,
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

    /// Whether some controller could not be judged, that may take this Ingress.
    #[must_use]
    pub fn is_doubtful(&self, ingress: &Name) -> bool {
        self.doubtful.contains(ingress)
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
        model: Option<(&'a dyn RouteTable, Basis)>,
    ) -> Self {
        loaded.sort_by(|a, b| by_age(a, b));
        let kind = controller.kind;
        let policy = Policy::new(settings);
        let hosts = Hosts::new(kind, &loaded, &policy);
        let sites = match kind == ControllerKind::IngressNginx {
            true => sites::sites(&hosts, &loaded, &policy),
            false => BTreeMap::new(),
        };
        let asks = |ingress: &&Ingress| {
            !ingress.tls.is_empty() || ingress.meta.annotations.keys().any(|key| key.contains("redirect"))
        };
        let secured = hosts.iter().filter(|(_, host)| host.ingresses.iter().any(&asks));
        let redirected = secured.map(|(name, _)| name).collect();
        Self {
            kind,
            controller,
            settings,
            policy,
            redirected,
            redirects_all: says_redirect(settings),
            hosts,
            sites,
            backends: Backends::new(snapshot),
            basis: model.map_or(Basis::SpecOnly, |(_, basis)| basis),
            model: Model::new(model.map(|(table, _)| table)),
            steps: Cell::new(tried::STEPS),
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

    /// Whether a rule that is not seen does not exist either: every Ingress was.
    #[must_use]
    pub fn sees_all_ingresses(&self) -> bool {
        self.snapshot.ingresses.covers_everything()
    }

    /// What the controller's routing model says of a URL on this host; `None` where there is no model, or
    /// no more may be asked.
    #[must_use]
    pub fn decide(&self, host: &str, url: &str) -> Option<Decision> {
        let tried = match self.sites.get(host) {
            Some(site) if site.regex.is_none() => 0,
            Some(site) => site.locations.len(),
            None => self.hosts.get(host).map_or(0, |host| host.paths.len()),
        };
        self.model.decide(url, tried)
    }

    /// Whether plain requests for a host may be sent to https: somebody asks for TLS or redirects there,
    /// or the controller's arguments or ConfigMap do.
    #[must_use]
    pub fn may_redirect(&self, host: Option<&str>) -> bool {
        self.redirects_all || host.is_some_and(|host| self.redirected.contains(host))
    }

    /// The Ingresses that are loaded, and those that the product drops for what they say.
    pub fn loaded_or_dropped(&self) -> impl Iterator<Item = &'a Ingress> {
        let dropped = self.refused.iter().filter(|(_, why)| {
            matches!(
                why,
                Refusal::InvalidAnnotation { .. }
                    | Refusal::DangerousPath { .. }
                    | Refusal::InvalidField { .. }
            )
        });
        self.loaded.iter().copied().chain(dropped.map(|(ingress, _)| *ingress))
    }

    /// Why the load balancer that serves a URL cannot be changed, where a controller makes several.
    #[must_use]
    pub fn failure_for(&self, url: &str) -> Option<&'a super::routing::ReloadFailure> {
        self.model.failure_for(url)
    }

    /// Why the controller cannot load its configuration, as far as its model tells.
    #[must_use]
    pub fn failures(&self) -> &'a [super::routing::ReloadFailure] {
        self.model.failures()
    }
}

fn says_redirect(settings: &Settings) -> bool {
    let keys = ["ssl-redirect", "force-ssl-redirect", "redirect-to-https"];
    settings.args.iter().any(|flag| flag.name.contains("redirect"))
        || keys.iter().any(|key| settings.config(key).is_some())
}

/// Oldest first; within one second by `namespace/name` from the end, as ingress-nginx sorts.
#[must_use]
pub fn by_age(a: &Ingress, b: &Ingress) -> std::cmp::Ordering {
    a.meta.created.cmp(&b.meta.created).then_with(|| bytes(b).cmp(bytes(a)))
}

/// `namespace/name`, byte by byte.
fn bytes(ingress: &Ingress) -> impl Iterator<Item = &u8> {
    ingress.meta.namespace.as_bytes().iter().chain(b"/").chain(ingress.meta.name.as_bytes())
}

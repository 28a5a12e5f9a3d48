//! One controller's view of the cluster: what it adopted, what it refused, and its compiled routes.
//!
//! A controller whose product has no model, or that could not be told, is viewed through the Ingress
//! API's own text and says so (`Basis::SpecOnly`): an Ingress of another product is never judged by
//! the rules of this one.

use crate::model::controller::{Controller, ControllerKind, Settings};
use crate::model::ingress::Ingress;
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;

use super::adoption::{self, Adoption, By};
use super::routing::{Basis, Decision, Input, Refusal, RouteTable, httproute, model_for, spec};

/// How one controller sees the cluster.
pub struct View<'a> {
    /// The product, or `Spec` where none was found.
    pub kind: ControllerKind,
    /// The running controller; `None` for a hypothetical one.
    pub controller: Option<&'a Controller>,
    pub settings: Settings,
    pub basis: Basis,
    pub adopted: Vec<(&'a Ingress, By)>,
    /// Refused by class selection or by the controller's loading rules; sorted by name.
    pub refused: Vec<(&'a Ingress, Refusal)>,
    pub table: Box<dyn RouteTable>,
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("kind", &self.kind)
            .field("adopted", &self.adopted.len())
            .finish_non_exhaustive()
    }
}

impl View<'_> {
    #[must_use]
    pub fn decide(&self, request: &Request) -> Decision {
        self.table.decide(request)
    }

    /// Whether what it routes by are HTTPRoutes: then it adopts no Ingress, and its table holds them.
    #[must_use]
    pub fn is_of_gateways(&self) -> bool {
        self.kind.routes_by_gateways()
    }

    #[must_use]
    pub fn adopts(&self, ingress: &Name) -> bool {
        self.adopted.iter().any(|(adopted, _)| adopted.meta.key() == *ingress)
            && !self.refused.iter().any(|(refused, _)| refused.meta.key() == *ingress)
    }

    #[must_use]
    pub fn refusal(&self, ingress: &Name) -> Option<&Refusal> {
        self.refused.iter().find(|(refused, _)| refused.meta.key() == *ingress).map(|(_, why)| why)
    }

    /// The same controller over another set of Ingresses: what it would do if they were all there is.
    #[must_use]
    pub fn what_if(&self, ingresses: &[&Ingress], snapshot: &Snapshot) -> Box<dyn RouteTable> {
        compile(self.kind, ingresses, snapshot, &self.settings).0
    }
}

/// The views of all controllers in the snapshot, in the snapshot's order; where there is none, the
/// Ingress API's own. Gateways of implementations that are not among them are viewed through the
/// Gateway API's own text.
#[must_use]
pub fn views(snapshot: &Snapshot) -> Vec<View<'_>> {
    let mut views: Vec<View<'_>> =
        snapshot.controllers.iter().map(|controller| of_controller(controller, snapshot)).collect();
    if views.is_empty() {
        views.push(hypothetical(ControllerKind::Spec, snapshot));
    }
    if httproute::has_unclaimed(snapshot) {
        views.push(hypothetical(ControllerKind::HttpRoute, snapshot));
    }
    views
}

/// The view of a running controller.
#[must_use]
pub fn of_controller<'a>(controller: &'a Controller, snapshot: &'a Snapshot) -> View<'a> {
    let mut adopted = Vec::new();
    let mut refused = Vec::new();
    for ingress in snapshot.ingresses.items() {
        match adoption::judge(controller, ingress, snapshot) {
            Adoption::Adopted(by) => adopted.push((ingress, by)),
            Adoption::Refused(why) => refused.push((ingress, why)),
        }
    }
    build(controller.kind, Some(controller), controller.settings(), adopted, refused, snapshot)
}

/// The view of a controller that does not run here, as if it adopted every Ingress; those that read no
/// Ingresses adopt none here either.
#[must_use]
pub fn hypothetical(kind: ControllerKind, snapshot: &Snapshot) -> View<'_> {
    let ingresses = if kind.routes_by_gateways() { &[] } else { snapshot.ingresses.items() };
    let adopted = ingresses.iter().map(|ingress| (ingress, By::Classless)).collect::<Vec<_>>();
    build(kind, None, Settings::default(), adopted, Vec::new(), snapshot)
}

fn build<'a>(
    kind: ControllerKind,
    controller: Option<&'a Controller>,
    settings: Settings,
    adopted: Vec<(&'a Ingress, By)>,
    mut refused: Vec<(&'a Ingress, Refusal)>,
    snapshot: &'a Snapshot,
) -> View<'a> {
    let loaded: Vec<&Ingress> = adopted.iter().map(|(ingress, _)| *ingress).collect();
    let (table, basis) = compile(kind, &loaded, snapshot, &settings);
    for (name, why) in table.refused() {
        refused.extend(loaded.iter().find(|i| i.meta.key() == *name).map(|i| (*i, why.clone())));
    }
    refused.sort_by_key(|(a, _)| a.meta.key());
    View { kind, controller, settings, basis, adopted, refused, table }
}

fn compile(
    kind: ControllerKind,
    ingresses: &[&Ingress],
    snapshot: &Snapshot,
    settings: &Settings,
) -> (Box<dyn RouteTable>, Basis) {
    use super::routing::RoutingModel;
    let input = Input { ingresses, snapshot, settings };
    match model_for(kind) {
        Some(model) => (model.compile(&input), model.basis()),
        None => (spec::Spec.compile(&input), Basis::SpecOnly),
    }
}

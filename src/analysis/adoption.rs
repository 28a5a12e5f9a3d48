//! Which controller, if any, takes an Ingress.
//!
//! Class selection differs by product: precedence of field and annotation, classless Ingresses,
//! default classes, watched namespaces. Source: the products' own class filters, `docs/controllers`.

use crate::model::controller::Controller;
use crate::model::ingress::Ingress;
use crate::model::snapshot::Snapshot;

use super::routing::Refusal;

/// The judgement of one controller on one Ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adoption {
    Adopted(By),
    Refused(Refusal),
}

/// What the class selection went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// `spec.ingressClassName` names this class.
    Field(String),
    /// The annotation `kubernetes.io/ingress.class` holds this.
    Annotation(String),
    /// No class, and the controller takes such.
    Classless,
    /// No class, and a class of this controller is the default.
    DefaultClass(String),
}

/// Judges one Ingress for one controller.
#[must_use]
pub fn judge(_controller: &Controller, _ingress: &Ingress, _snapshot: &Snapshot) -> Adoption {
    Adoption::Refused(Refusal::Undecided)
}

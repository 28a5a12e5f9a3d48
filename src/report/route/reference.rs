//! The object that a rule stands in, whichever kind it is of.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::ingress::Place;
use crate::model::object::{Kind, Name};
use crate::report::object_ref::NameRef;

/// The Ingress or HTTPRoute that a rule stands in, under the key of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RouteRef {
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress: Option<NameRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_route: Option<NameRef>,
}

impl RouteRef {
    pub(super) fn new(name: &Name, place: Place) -> Self {
        let (name, is_route) = (NameRef::from(name), place.kind() == Kind::HttpRoute);
        if is_route {
            Self { ingress: None, http_route: Some(name) }
        } else {
            Self { ingress: Some(name), http_route: None }
        }
    }
}

impl fmt::Display for RouteRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.ingress, &self.http_route) {
            (Some(ingress), _) => write!(f, "Ingress {ingress}"),
            (None, Some(route)) => write!(f, "HTTPRoute {route}"),
            (None, None) => Ok(()),
        }
    }
}

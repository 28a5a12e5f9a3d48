//! Kubernetes API objects into the model, one file a group of kinds. The kinds of the Gateway API, which
//! `k8s_openapi` does not have, are read by structures of the fields that are used. Pure and total: what an object
//! leaves out reads as the API documents its default, and what cannot be represented is dropped.

pub mod endpoints;
pub mod event;
pub mod gateway;
pub mod http_route;
pub mod ingress;
pub mod ingress_class;
pub mod object;
pub mod pod;
pub mod reference_grant;
pub mod service;
pub mod time;
pub mod workload;

/// A port number, when it is one.
fn port(number: i32) -> Option<u16> {
    u16::try_from(number).ok().filter(|number| *number != 0)
}

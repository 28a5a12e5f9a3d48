//! Kubernetes API objects into the model, one file a group of kinds. Pure and total: what an object
//! leaves out reads as the API documents its default, and what cannot be represented is dropped.

pub mod endpoints;
pub mod event;
pub mod ingress;
pub mod ingress_class;
pub mod object;
pub mod pod;
pub mod service;
pub mod time;
pub mod workload;

/// A port number, when it is one.
fn port(number: i32) -> Option<u16> {
    u16::try_from(number).ok().filter(|number| *number != 0)
}

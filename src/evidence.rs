//! What can be asked of a cluster, and how Kubernetes objects become the model.
//!
//! `lower` turns decoded objects into `model` values and `controllers` recognises ingress controllers
//! among them; both are pure.

pub mod controllers;
pub mod lower;

//! What can be asked of a cluster, and how Kubernetes objects become the model.
//!
//! `lower` turns decoded objects into `model` values and `controllers` recognises ingress controllers
//! among them; `changes` reads records of past versions. All three are pure.

pub mod changes;
pub mod lower;

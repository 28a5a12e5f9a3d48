//! What can be asked of a cluster: a live API server, a capture, or the embedded demo. The only layer
//! that does I/O.
//!
//! `cluster` is the one door; `gather` fills a [`crate::model::snapshot::Snapshot`] through it; `lower`
//! turns decoded objects into `model` values and `controllers` recognises ingress controllers among
//! them; `changes` reads recorded history. Partial answers are values: what could not be seen is a gap,
//! never an error. `permissions` lists what each fetcher needs; `rights` asks which of it this identity has.

pub mod capture;
pub mod changes;
pub mod cluster;
pub mod controllers;
pub mod demo;
mod gateways;
pub mod gather;
pub mod live;
pub mod lower;
pub mod permissions;
pub mod probe;
pub mod rights;

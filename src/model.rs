//! The vocabulary of the program: plain values that every layer speaks. Imports nothing of ours.
//!
//! Reading order: `object` → `ingress`, `service`, … (what the cluster holds) → `snapshot` (what was
//! seen of it) → `request` → `controller` → `change`, `probe`, `log` → `gap`, `citation`, `verdict`.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod change;
pub mod citation;
pub mod controller;
pub mod endpoints;
pub mod event;
pub mod gap;
pub mod gateway;
pub mod host;
pub mod http_route;
pub mod ingress;
pub mod ingress_class;
pub mod log;
pub mod object;
pub mod pod;
pub mod probe;
pub mod reference_grant;
pub mod request;
pub mod service;
pub mod snapshot;
pub mod verdict;
pub mod workload;

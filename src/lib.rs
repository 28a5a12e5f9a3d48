//! `routecause`: why does this URL get a 404 from my Kubernetes Ingress, since when, and which object
//! is to blame.
pub mod analysis;
pub mod cli;
pub mod config;
pub mod evidence;
pub mod model;
pub mod report;
pub mod server;
pub mod telemetry;
pub mod tools;

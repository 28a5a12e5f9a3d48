//! The pure core: judges, decides, finds, parses. Synchronous, total, no clock, no I/O, no wording.
//!
//! Reading order: `adoption` (whose Ingress is it) → `routing` (what does the controller do with a
//! request) → `logs` and `voice` (who answered) → `backend` (is anybody there) → `conflicts` →
//! `timeline` (what changed before) → `verdicts` (what is to blame).
//!
//! Invariant: nothing below this file names async, kube, rmcp, the clock, files or `Serialize`
//! (`tests/integration/architecture.rs`, and clippy's disallowed lists).

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod adoption;
pub mod annotations;
pub mod backend;
pub mod changes;
pub mod conflict;
pub mod conflicts;
pub mod controller_settings;
pub mod derived;
pub mod entry;
pub mod facts;
pub mod field;
pub mod logs;
pub mod migration;
pub mod probe;
pub mod reach;
pub mod reading;
pub mod routing;
pub mod timeline;
pub mod verdicts;
pub mod view;
pub mod voice;
pub mod writes;

//! What can be asked of a cluster or a capture.

pub mod changes;

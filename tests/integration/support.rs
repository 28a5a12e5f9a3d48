//! What several tests need.

pub(crate) mod golden;
pub(crate) mod mcp;
pub(crate) mod puppets;

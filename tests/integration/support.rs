//! What several tests need.

pub(crate) mod field_path;
pub(crate) mod golden;
pub(crate) mod mcp;
pub(crate) mod puppets;

//! What several tests stand on.

pub(crate) mod api_server;
pub(crate) mod field_path;
pub(crate) mod golden;
pub(crate) mod mcp;
pub(crate) mod puppets;
pub(crate) mod served;

//! What several tests stand on.

pub(crate) mod api_server;

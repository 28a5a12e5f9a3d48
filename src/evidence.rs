//! What can be asked of a cluster, and with which rights.

pub mod live;
pub mod permissions;

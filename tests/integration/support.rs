//! What several tests need.

pub(crate) mod field_path;

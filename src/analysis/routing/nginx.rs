//! What is nginx itself and not one of the controllers that write its configuration.
//!
//! Normal form of a path, names of servers, choice of a location, patterns, rewrites. Assumption: a
//! configuration with nginx' defaults (`merge_slashes on`, PCRE2). Every file names its source.

pub(super) mod conf;
pub(super) mod locations;
pub(super) mod normalise;
pub(super) mod pattern;
mod redirect;
pub(super) mod rewrite;
pub(super) mod server_name;
pub(super) mod snippet;

//! Everything that needs more than one module: laws, recorded vectors, whole captures.

mod support;
/// Requests that real controllers answered.
mod vectors;

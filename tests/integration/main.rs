//! The integration tests, in one binary.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

/// The live source against a loopback API server.
mod live_source;
mod support;

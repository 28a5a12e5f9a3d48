//! Integration tests, one binary.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed, also in its helpers"
)]

mod support;

/// Streamable HTTP: who gets in, both eras, a clean end.
mod http;
/// MCP in process, in both eras: lists, calls, failures, progress, cancelling, asking.
mod protocol;
/// What is published equals what is generated, and follows the house rules.
mod schemas;
/// The program itself over standard input and output.
mod stdio;

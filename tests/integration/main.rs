//! The integration tests, in one binary.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed, also in its helpers"
)]

/// What the oracles are made of: the one generator of worlds, and decisions held to answers.
#[path = "../oracles"]
mod oracles {
    pub(crate) mod dialect;
    pub(crate) mod generate;
    pub(crate) mod judging;
    pub(crate) mod recorded;
    #[expect(dead_code, reason = "the oracles use all of it")]
    pub(crate) mod world;
}
mod support;

use oracles::{dialect, generate, judging, recorded, world};

/// The shape of the program: layers, names, sizes, habits.
mod architecture;
/// What a user, a file, an archive, a server or an attacker may give.
mod bad_input;
/// Captures that are taken: they answer as their source did, hold no secret, and leave nothing behind.
mod captures;
/// Every tool as a command.
mod commands;
/// What would change under another controller.
mod compare;
/// The verdict of small incidents, with a near miss for each.
mod diagnosis;
/// Generated pages are fresh.
mod docs;
/// What an identity may see and do.
mod doctor;
/// Laws of the models of the Gateway API.
mod gateway_properties;
/// HTTPRoutes beside Ingresses, as the tools answer for them.
mod gateways;
/// Laws of every parser and matcher, shared with the fuzz targets.
mod hostile_properties;
/// Streamable HTTP: who gets in, both eras, a clean end.
mod http;
/// Small worlds in which a model was once wrong.
mod kept;
/// Laws of all routing models, over generated worlds.
mod laws;
/// The live source against a loopback API server.
mod live_source;
/// Laws of the log parsers and of the scan.
mod log_properties;
/// Recorded controller logs, held to who really answered.
mod log_vectors;
/// Laws of the routing models.
mod properties;
/// MCP in process, in both eras: lists, calls, failures, progress, cancelling, asking.
mod protocol;
/// Recorded incidents: the verdict, what it rests on, and that all of it exists.
mod scenarios;
/// What is published equals what is generated, and follows the house rules.
mod schemas;
/// The program itself over standard input and output.
mod stdio;
/// The pages that list the tools.
mod tool_pages;
/// Requests that real controllers answered.
mod vectors;

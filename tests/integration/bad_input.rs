//! Bad input of every kind, asked through the library, the command line and MCP: the answer says what
//! was seen and what to do, in the same words everywhere, and nothing else is lost.

mod archive;
mod arguments;
mod asking;
mod capture;
mod kubeconfig;
mod server;
mod text;

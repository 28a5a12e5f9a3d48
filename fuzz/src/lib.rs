//! What every parser and matcher must hold to, whatever the input.

pub mod laws;

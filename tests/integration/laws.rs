//! Laws of all routing models, over the worlds of the one generator (`tests/oracles/generate.rs`): what
//! holds for every controller whatever it does, and what a model says of itself.
//!
//! ```text
//! ROUTECAUSE_LAWS_WORLDS=200 cargo test --test integration -- laws   # also _SEED, _FIRST, _ASKS, _MODEL
//! ```
//!
//! One file a law. A violation is a bug of the model, of its explanation or of the law; what it was
//! becomes a case of the model's own tests.

/// What an answer may look like.
mod answers;
/// Whatever is asked, there is an answer.
mod anything;
/// Conflicts are held to the model.
mod conflicts;
/// Each near miss, really edited, is mended.
mod edits;
/// The order of objects does not matter, and nothing is chance.
mod order;
/// Objects of a host that nobody asks for do not matter.
mod unrelated;
/// Winner and losers are rules that there are, and fit each other.
mod winners;
/// The worlds, as the models see them.
mod worlds;

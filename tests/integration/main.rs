//! The integration tests, in one binary.
#![cfg(test)]

/// The shape of the program: layers, names, sizes, habits.
mod architecture;

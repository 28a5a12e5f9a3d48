//! The integration tests, one binary.

/// Laws of the log parsers and of the scan.
#[cfg(test)]
mod log_properties;
/// Recorded controller logs, held to who really answered.
#[cfg(test)]
mod log_vectors;

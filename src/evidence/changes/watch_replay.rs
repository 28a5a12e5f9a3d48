//! The API server's watch cache: every version since the oldest one it still holds.

use serde_json::Value;

use crate::model::change::VersionOp;

/// What one watch from the oldest available version gave, for one kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawReplay {
    /// In the order of the stream; objects as sent.
    pub events: Vec<(VersionOp, Value)>,
    /// The oldest version the server offered to start from; `None`: it held everything from the first.
    pub oldest_rv: Option<u64>,
}

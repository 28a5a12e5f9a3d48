//! For which releases a model is meant.

use crate::model::controller::Version;

/// Releases of a product between which nothing that routes is known to differ from the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Releases {
    pub since: Version,
    /// The first that nobody has looked at.
    pub before: Version,
}

impl Releases {
    #[must_use]
    pub fn takes(&self, version: Version) -> bool {
        (self.since..self.before).contains(&version)
    }
}

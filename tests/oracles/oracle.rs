//! A real proxy that can be asked.

use serde_json::Value;

use crate::ask::Entry;
use crate::world::World;

/// What a proxy serves now.
#[derive(Debug)]
pub(crate) struct Served {
    /// The objects as the cluster gives them back, the controller among them: what models are shown.
    pub(crate) objects: Vec<Value>,
    /// The ways in; `None` when the proxy refuses its whole configuration.
    pub(crate) entry: Option<Entry>,
}

/// One real controller with its proxy, or a real proxy with the configuration that a controller writes.
pub(crate) trait Oracle {
    /// What it is, with versions.
    fn source(&self) -> String;
    /// Serves exactly this world from now on; returns when it does.
    async fn serve(&mut self, world: &World) -> Served;
    /// Why it last refused its configuration, where it says so.
    fn complaint(&self) -> &str {
        ""
    }
}

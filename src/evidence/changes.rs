//! Records of past versions: read into `model::change::Replay`, one file a source.

pub mod watch_replay;

use super::cluster::Cluster;
use crate::model::change::Replay;
use crate::model::gap::Gap;
use crate::model::snapshot::Snapshot;

/// Everything that recorded past versions, and what of it could not be read.
pub async fn replays(_cluster: &Cluster, _snapshot: &Snapshot) -> (Vec<Replay>, Vec<Gap>) {
    (Vec::new(), Vec::new())
}

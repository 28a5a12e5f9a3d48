//! Records of past versions: read into `model::change::Replay`, one file a source.

pub mod watch_replay;

//! Records of past versions: read into `model::change::Replay`, one file a source. Pure: what is read
//! was fetched or opened elsewhere.

pub mod audit_log;
pub mod history;
pub mod rv_clock;
mod version;
pub mod watch_replay;

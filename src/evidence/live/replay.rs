//! Watch replay: past versions of objects, deletions included, from the API server's own memory.
//!
//! Each API server keeps a buffer of recent watch events per kind, independent of etcd's compaction. A
//! watch from `resourceVersion=1` is answered with that buffer or, when it does not reach back so far,
//! with a 410 that names the oldest version it can start from; then the watch is begun there.
//!
//! The buffer comes in one burst, so silence after events means that it is through. Silence before any
//! event means nothing: the burst may be late. An empty buffer is one whose watch the server itself ended,
//! in time, with nothing sent. Whoever is still sending when the time is up is asked once more, for longer
//! and with bookmarks, of which one follows the burst; a replay that is not known to be whole then says so.
//!
//! Several API servers behind one address have a buffer each, so several connections are made and the one
//! that reaches back furthest is kept.
//!
//! Source: k8s.io/apiserver/pkg/storage/cacher/{watch_cache,cache_watcher}.go; measured on 1.36.

use std::collections::VecDeque;
use std::time::Duration;

use futures::future::join_all;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::failure::Failure;
use super::fault::Fault;
use super::lines::Lines;
use super::refusal::Refusal;
use super::transport::{Call, once, seconds, within};
use super::{Live, list, path};
use crate::model::change::VersionOp;
use crate::model::gap::Why;
use crate::model::object::Kind;

/// How a watch is asked for.
struct Terms {
    /// After how many seconds the server ends it.
    seconds: u64,
    /// By when it must have ended here.
    limit: Duration,
    bookmarks: bool,
}

/// Long enough for almost every buffer, and short where there is none.
const PROMPT: Terms = Terms { seconds: 1, limit: Duration::from_secs(3), bookmarks: false };
/// A bookmark comes two seconds before the end.
const PATIENT: Terms = Terms { seconds: 5, limit: Duration::from_secs(7), bookmarks: true };
/// The silence after events after which the burst is taken to be through.
const SILENCE: Duration = Duration::from_millis(400);
/// What the server's second may be shorter than ours, as its head took time to come.
const CLOCKS: Duration = Duration::from_millis(200);
/// The events of one watch that are kept, by their size on the wire: the newest.
const KEPT_BYTES: usize = 32 << 20;
const LONGEST_EVENT: usize = 4 << 20;
/// How often the window may move on while it is asked for.
const RESTARTS: u32 = 3;

/// The events of one API server's buffer, kept as they came: decoded they take ten times the memory.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawReplay {
    /// Oldest first.
    lines: Vec<(VersionOp, Box<[u8]>)>,
    /// Every event after this version is here; `None`: every event since the kind was first stored.
    pub oldest_rv: Option<u64>,
    /// The newest events may be missing.
    pub is_cut: bool,
}

impl RawReplay {
    /// A replay of objects in hand.
    #[must_use]
    pub fn new(events: &[(VersionOp, Value)], oldest_rv: Option<u64>) -> Self {
        let mut replay = Self { lines: Vec::new(), oldest_rv, is_cut: false };
        for (op, object) in events {
            replay.push(*op, object);
        }
        replay
    }

    /// Adds the newest event.
    pub fn push(&mut self, op: VersionOp, object: &Value) {
        let line = serde_json::json!({"type": "", "object": object}).to_string();
        self.lines.push((op, line.into_bytes().into_boxed_slice()));
    }

    /// What happened to which object, oldest first.
    pub fn events(&self) -> impl Iterator<Item = (VersionOp, Value)> {
        self.lines.iter().filter_map(|(op, line)| Some((*op, object_of(line)?)))
    }
}

impl Live {
    /// Reads the buffer over so many connections (at least one) and keeps what reaches back furthest.
    ///
    /// # Errors
    /// When no connection gave any answer.
    pub async fn replay(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        connections: u8,
    ) -> Result<RawReplay, Why> {
        let collection = path::collection(kind, namespace)?;
        let about = list::about("watch", kind, namespace);
        let collection = collection.as_str();
        let watches = (0..connections.max(1)).map(|number| async move {
            self.transport
                .authorized(|clients| async move {
                    let client = match number {
                        0 => clients.streaming.clone(),
                        // A pooled connection would lead to the same server again.
                        _ => self
                            .transport
                            .access()
                            .fresh(&clients)
                            .await
                            .map_err(|error| Failure::Credentials(Box::new(error)))?,
                    };
                    self.watch(&client, collection).await
                })
                .await
        });
        let mut widest: Option<RawReplay> = None;
        let mut failure = None;
        for outcome in join_all(watches).await {
            match outcome {
                Ok(replay) if widest.as_ref().is_none_or(|best| replay.is_wider_than(best)) => {
                    widest = Some(replay);
                }
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        match (widest, failure) {
            (Some(replay), _) => Ok(replay),
            (None, Some(Failure::Refusal(refusal))) if refusal.code == 404 && !refusal.is_html => {
                Err(Why::NotInstalled)
            }
            (None, Some(failure)) => Err(self.why(&failure, &about)),
            (None, None) => Ok(RawReplay::default()),
        }
    }

    async fn watch(&self, client: &kube::Client, collection: &str) -> Result<RawReplay, Failure> {
        let (mut from, mut moved, mut terms) = (1, 0, &PROMPT);
        loop {
            match self.watch_from(client, collection, from, terms).await? {
                Watched::TooOld { oldest } if moved < RESTARTS => {
                    moved += 1;
                    from = oldest.max(from);
                }
                Watched::TooOld { .. } => {
                    return Err(Failure::Fault(Fault::Other {
                        detail: "the watch window moves faster than it is read".to_owned(),
                    }));
                }
                Watched::Events { is_cut: true, .. } if !terms.bookmarks => terms = &PATIENT,
                Watched::Events { buffer, is_cut } => {
                    let oldest_rv = buffer.dropped_up_to.or((from > 1).then_some(from));
                    return Ok(RawReplay { lines: buffer.events.into(), oldest_rv, is_cut });
                }
            }
        }
    }

    async fn watch_from(
        &self,
        client: &kube::Client,
        collection: &str,
        from: u64,
        terms: &Terms,
    ) -> Result<Watched, Failure> {
        let (version, seconds_open) = (from.to_string(), terms.seconds.to_string());
        let query = path::query([
            ("watch", Some("true")),
            ("resourceVersion", Some(version.as_str())),
            ("timeoutSeconds", Some(seconds_open.as_str())),
            ("allowWatchBookmarks", terms.bookmarks.then_some("true")),
        ]);
        let call = Call::stream(format!("{collection}{query}"));
        let read = self.transport.access().options().read;
        let opened = within(read, async { Ok(once(client, &call, read).await) }).await?;
        let mut body = match opened {
            Ok(response) => response.into_body(),
            Err(Failure::Refusal(refusal)) if refusal.is_expired() => return Watched::too_old(&refusal),
            Err(failure) => return Err(failure),
        };
        let began = tokio::time::Instant::now();
        let end = began + terms.limit;
        let mut lines = Lines::new(LONGEST_EVENT);
        let mut buffer = Buffer::default();
        let ended = loop {
            let silence = tokio::time::Instant::now() + SILENCE;
            let until = if buffer.is_empty() { end } else { end.min(silence) };
            let frame = match tokio::time::timeout_at(until, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                // Half a burst would look like a whole one.
                Ok(Some(Err(error))) if buffer.error.is_none() => {
                    return Err(Failure::of(&error, seconds(terms.limit)));
                }
                Ok(Some(Err(_)) | None) => break Ended::ByTheServer,
                Err(_) if until < end => break Ended::Silent,
                Err(_) => break Ended::ByUs,
            };
            if let Ok(data) = frame.into_data() {
                self.transport.access().load().add_bytes(data.len());
                lines.feed(&data, &mut |line| buffer.take(line));
                if buffer.error.is_some() || buffer.bookmarked {
                    break Ended::Silent;
                }
            }
        };
        if let Some(refusal) = buffer.error.take() {
            return match refusal.is_expired() {
                true => Watched::too_old(&refusal),
                false => Err(Failure::Refusal(Box::new(refusal))),
            };
        }
        if buffer.undecodable {
            let detail = "the watch sent something else than events".to_owned();
            return Err(Failure::Undecodable { detail });
        }
        match ended {
            Ended::Silent => Ok(Watched::Events { buffer, is_cut: false }),
            Ended::ByTheServer => {
                let in_time = Duration::from_secs(terms.seconds) <= began.elapsed() + CLOCKS;
                Ok(Watched::Events { is_cut: !(buffer.is_empty() && in_time), buffer })
            }
            Ended::ByUs if buffer.is_empty() => {
                Err(Failure::Fault(Fault::TimedOut { seconds: seconds(terms.limit) }))
            }
            Ended::ByUs => Ok(Watched::Events { buffer, is_cut: true }),
        }
    }
}

/// How the reading of a watch came to its end.
enum Ended {
    /// Nothing more came, or a bookmark.
    Silent,
    ByTheServer,
    /// It took too long.
    ByUs,
}

impl RawReplay {
    fn is_wider_than(&self, other: &Self) -> bool {
        let reach = |replay: &Self| (replay.is_cut, replay.oldest_rv.unwrap_or(0));
        (reach(self), other.lines.len()) < (reach(other), self.lines.len())
    }
}

enum Watched {
    Events {
        buffer: Buffer,
        /// The newest events may be missing.
        is_cut: bool,
    },
    /// The server's memory begins later.
    TooOld { oldest: u64 },
}

impl Watched {
    /// `too old resource version: 1 (438)`: the number in brackets is where to start.
    fn too_old(refusal: &Refusal) -> Result<Self, Failure> {
        let message = refusal.message.as_str();
        let number =
            message.rsplit_once('(').and_then(|(_, rest)| rest.split(')').next()?.trim().parse().ok());
        match number {
            Some(oldest) => Ok(Self::TooOld { oldest }),
            None => Err(Failure::Refusal(Box::new(refusal.clone()))),
        }
    }
}

/// The newest events of a watch.
#[derive(Default)]
struct Buffer {
    events: VecDeque<(VersionOp, Box<[u8]>)>,
    size: usize,
    /// The version of the newest event that was let go.
    dropped_up_to: Option<u64>,
    error: Option<Refusal>,
    undecodable: bool,
    /// Everything up to the present was sent.
    bookmarked: bool,
}

/// A line whose object is only looked at when it is wanted.
#[derive(Deserialize)]
struct WatchLine<O> {
    #[serde(rename = "type")]
    kind: String,
    object: O,
}

fn object_of(line: &[u8]) -> Option<Value> {
    serde_json::from_slice::<WatchLine<Value>>(line).ok().map(|line| line.object)
}

impl Buffer {
    /// Nothing was sent yet.
    fn is_empty(&self) -> bool {
        self.events.is_empty() && self.dropped_up_to.is_none() && !self.undecodable
    }

    fn take(&mut self, line: &[u8]) {
        let Ok(WatchLine { kind, object: IgnoredAny }) = serde_json::from_slice(line) else {
            self.undecodable = true;
            return;
        };
        let op = match kind.as_str() {
            "ADDED" => VersionOp::Added,
            "MODIFIED" => VersionOp::Modified,
            "DELETED" => VersionOp::Deleted,
            "ERROR" => {
                let status = object_of(line).unwrap_or_default();
                let code =
                    status.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
                let body = serde_json::to_vec(&status).unwrap_or_default();
                self.error = Some(Refusal::read(code.unwrap_or(500), &body));
                return;
            }
            "BOOKMARK" => {
                self.bookmarked = true;
                return;
            }
            _ => return,
        };
        self.size += line.len();
        self.events.push_back((op, line.into()));
        while self.size > KEPT_BYTES
            && let Some((_, oldest)) = self.events.pop_front()
        {
            self.size -= oldest.len();
            self.dropped_up_to = object_of(&oldest).as_ref().and_then(version_of).or(self.dropped_up_to);
        }
    }
}

fn version_of(object: &Value) -> Option<u64> {
    object.pointer("/metadata/resourceVersion")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_read_from_the_refusal() {
        let at = |message: &str| {
            let refusal = Refusal { code: 410, message: message.to_owned(), ..Refusal::default() };
            match Watched::too_old(&refusal) {
                Ok(Watched::TooOld { oldest }) => Some(oldest),
                Ok(Watched::Events { .. }) | Err(_) => None,
            }
        };
        assert_eq!(at("too old resource version: 1 (438)"), Some(438));
        assert_eq!(at("The resourceVersion for the provided watch is too old."), None);
        assert_eq!(at("too old (many)"), None);
    }

    #[test]
    fn what_reaches_back_furthest_is_kept() {
        let replay = |oldest_rv, count: usize| {
            RawReplay::new(&vec![(VersionOp::Added, Value::Null); count], oldest_rv)
        };
        let cut = RawReplay { is_cut: true, ..replay(None, 9) };
        assert!(replay(Some(5), 0).is_wider_than(&cut));
        assert!(replay(None, 0).is_wider_than(&replay(Some(5), 9)));
        assert!(replay(Some(4), 0).is_wider_than(&replay(Some(5), 9)));
        assert!(replay(Some(5), 3).is_wider_than(&replay(Some(5), 2)));
        assert!(!replay(Some(5), 2).is_wider_than(&replay(Some(5), 2)));
    }

    #[test]
    fn a_full_buffer_lets_the_oldest_go_and_says_so() {
        let filler = "x".repeat(12 << 20);
        let mut buffer = Buffer::default();
        for version in [7, 8, 9] {
            let line = format!(
                r#"{{"type":"ADDED","object":{{"metadata":{{"resourceVersion":"{version}"}},"x":"{filler}"}}}}"#
            );
            buffer.take(line.as_bytes());
        }
        assert_eq!((buffer.events.len(), buffer.dropped_up_to), (2, Some(7)));
    }

    #[test]
    fn lines_that_are_no_events_are_noticed() {
        let mut buffer = Buffer::default();
        buffer.take(br#"{"type":"BOOKMARK","object":{}}"#);
        assert!(buffer.events.is_empty() && !buffer.undecodable);
        buffer.take(b"<html>");
        assert!(buffer.undecodable);
    }
}

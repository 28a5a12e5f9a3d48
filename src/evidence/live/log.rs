//! Reads one container's log: as a stream, line by line, in constant memory.
//!
//! Every line starts with the kubelet's time stamp (`timestamps=true`), the only trustworthy time for
//! formats without one. `sinceTime` is rounded to the nearest second by the server, so it is floored
//! here and set back one second: lines a little older than asked for may come, none is missed.
//!
//! The log is read from its oldest line on. At a bound (bytes, deadline) reading stops and the coverage
//! says where.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use http_body_util::BodyExt;

use super::failure::Failure;
use super::lines::Lines;
use super::refusal::About;
use super::transport::{Call, seconds};
use super::{Live, path, redact};
use crate::model::gap::Why;
use crate::model::log::{LogStream, StreamCoverage};
use crate::model::object::Kind;

/// The part of one line that is kept.
const LONGEST_LINE: usize = 1 << 20;

/// What the kubelet writes into the log's place when the file is gone. No line of a container starts
/// so: those start with a time stamp.
const KUBELET_ERRORS: [&[u8]; 2] =
    [b"unable to retrieve container logs for ", b"failed to try resolving symlinks in path "];

impl Live {
    /// Calls `on_line` with every line since a time (or all there are), time stamp included, without
    /// its line feed; at most about `max_bytes` of them.
    ///
    /// Of a line over 1 MiB only that much is handed on. A container that has not started has no lines.
    ///
    /// # Errors
    /// When nothing could be read. Later failures are in the coverage's `cut`.
    pub async fn read_log(
        &self,
        stream: &LogStream,
        since: Option<DateTime<Utc>>,
        max_bytes: u64,
        on_line: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<StreamCoverage, Why> {
        let about = About {
            verb: "get",
            group: "",
            resource: "pods/log".to_owned(),
            namespace: Some(stream.namespace.clone()),
        };
        let since = since.map(|at| (at - TimeDelta::seconds(1)).to_rfc3339_opts(SecondsFormat::Secs, true));
        let query = path::query([
            ("container", Some(stream.container.as_str()).filter(|name| !name.is_empty())),
            ("timestamps", Some("true")),
            ("previous", stream.previous.then_some("true")),
            ("sinceTime", since.as_deref()),
        ]);
        let object = path::object(Kind::Pod, &stream.namespace, &stream.pod)?;
        let mut reading = Reading::new(stream, max_bytes);
        let call = Call::stream(format!("{object}/log{query}"));
        let mut body = match self.transport.open(&call).await {
            Ok(body) => body,
            Err(failure) => match self.unopened(&failure, &about) {
                None => return Ok(reading.coverage),
                Some(why) => return Err(why),
            },
        };
        let deadline: Duration = self.transport.access().options().stream;
        let end = tokio::time::Instant::now() + deadline;
        loop {
            match tokio::time::timeout_at(end, body.frame()).await {
                Err(_) => return Ok(reading.cut(Why::TimedOut { seconds: seconds(deadline) })),
                Ok(None) => break,
                Ok(Some(Err(error))) => {
                    let failure = Failure::of(&error, seconds(deadline));
                    return Ok(reading.cut(self.why(&failure, &about)));
                }
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        self.transport.access().load().add_bytes(data.len());
                        if !reading.feed(&data, on_line) {
                            break;
                        }
                    }
                }
            }
        }
        Ok(reading.finish(on_line))
    }

    /// Why a log could not be opened; `None`: there is none yet.
    fn unopened(&self, failure: &Failure, about: &About) -> Option<Why> {
        let Failure::Refusal(refusal) = failure else { return Some(self.why(failure, about)) };
        let message = refusal.message.as_str();
        match refusal.code {
            400 if message.contains(" is waiting to start: ") => None,
            400 if message.starts_with("previous terminated container ") => Some(Why::Rotated),
            // The pod is gone, and its logs with it.
            404 if refusal.is_absent_object() => Some(Why::Rotated),
            // The node does not answer: not the API server's fault, nor its words.
            500 if message.contains("/containerLogs/") => {
                let detail = message.rsplit("\": ").next().unwrap_or_default();
                Some(Why::Unreachable { detail: format!("the node's kubelet: {}", redact::clean(detail)) })
            }
            _ => Some(self.why(failure, about)),
        }
    }
}

/// What was read so far.
struct Reading {
    coverage: StreamCoverage,
    lines: Lines,
    left: u64,
    /// The head of the last line that started with a time stamp.
    last: Vec<u8>,
}

impl Reading {
    fn new(stream: &LogStream, max_bytes: u64) -> Self {
        let coverage =
            StreamCoverage { stream: stream.clone(), first: None, last: None, lines: 0, bytes: 0, cut: None };
        Self { coverage, lines: Lines::new(LONGEST_LINE), left: max_bytes, last: Vec::new() }
    }

    /// Takes a chunk; false: enough was read, or nothing more will come.
    fn feed(&mut self, chunk: &[u8], on_line: &mut (dyn FnMut(&[u8]) + Send)) -> bool {
        let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(chunk.len());
        let chunk_taken = chunk.get(..taken).unwrap_or_default();
        self.coverage.bytes += taken as u64;
        self.left -= taken as u64;
        let (coverage, last) = (&mut self.coverage, &mut self.last);
        self.lines.feed(chunk_taken, &mut |line| note(coverage, last, line, on_line));
        if taken < chunk.len() {
            let limit = format!("{} bytes of one log", self.coverage.bytes);
            self.coverage.cut.get_or_insert(Why::TooMuch { limit });
            // The line at the bound is not whole.
            self.lines = Lines::new(0);
        }
        self.coverage.cut.is_none()
    }

    fn finish(mut self, on_line: &mut (dyn FnMut(&[u8]) + Send)) -> StreamCoverage {
        let (coverage, last) = (&mut self.coverage, &mut self.last);
        self.lines.finish(&mut |line| note(coverage, last, line, on_line));
        self.coverage.last = stamp(&self.last);
        self.coverage
    }

    fn cut(mut self, why: Why) -> StreamCoverage {
        self.coverage.cut.get_or_insert(why);
        self.coverage.last = stamp(&self.last);
        self.coverage
    }
}

fn note(
    coverage: &mut StreamCoverage,
    last: &mut Vec<u8>,
    line: &[u8],
    on_line: &mut (dyn FnMut(&[u8]) + Send),
) {
    if KUBELET_ERRORS.iter().any(|text| line.starts_with(text)) {
        coverage.cut = Some(Why::Rotated);
        return;
    }
    coverage.lines += 1;
    // Parsing every line's time would cost more than reading it: only the ends are parsed.
    if let Some(head) = line.get(..line.len().min(40)).filter(|head| head.get(10) == Some(&b'T')) {
        if coverage.first.is_none() {
            coverage.first = stamp(head);
        }
        last.clear();
        last.extend_from_slice(head);
    }
    on_line(line);
}

/// The time stamp at the head of a line.
fn stamp(head: &[u8]) -> Option<DateTime<Utc>> {
    let end = memchr::memchr(b' ', head).unwrap_or(head.len());
    let text = std::str::from_utf8(head.get(..end)?).ok()?;
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(max_bytes: u64, chunks: &[&str]) -> (Vec<String>, StreamCoverage) {
        let stream = LogStream {
            namespace: "n".to_owned(),
            pod: "p".to_owned(),
            container: "c".to_owned(),
            previous: false,
        };
        let (mut reading, mut seen) = (Reading::new(&stream, max_bytes), Vec::new());
        let mut on_line = |line: &[u8]| seen.push(String::from_utf8_lossy(line).into_owned());
        for chunk in chunks {
            if !reading.feed(chunk.as_bytes(), &mut on_line) {
                break;
            }
        }
        let coverage = reading.finish(&mut on_line);
        (seen, coverage)
    }

    #[test]
    fn the_ends_of_a_log_are_dated() {
        let (lines, coverage) = check(
            u64::MAX,
            &["2026-11-22T22:00:00.6Z a\nno stamp\n2026-11-22T22:0", "1:00.123456789Z b\nafter"],
        );
        assert_eq!(lines.len(), 4);
        assert_eq!((coverage.lines, coverage.bytes), (4, 72));
        assert_eq!(coverage.first.expect("first").timestamp_subsec_millis(), 600);
        assert_eq!(coverage.last.expect("last").timestamp_subsec_nanos(), 123_456_789);
        assert_eq!(coverage.cut, None);
    }

    #[test]
    fn a_cut_line_is_not_handed_on() {
        let (lines, coverage) = check(30, &["2026-11-22T22:00:00Z a\n2026-11-22T22:00:01Z b\n"]);
        assert_eq!(lines, ["2026-11-22T22:00:00Z a"]);
        assert_eq!(coverage.bytes, 30);
        assert!(matches!(coverage.cut, Some(Why::TooMuch { .. })));
        assert_eq!(coverage.first, coverage.last);
    }

    #[test]
    fn a_log_that_ends_at_the_bound_is_whole() {
        let (lines, coverage) = check(4, &["a\nb\n"]);
        assert_eq!((lines.len(), coverage.cut), (2, None));
    }

    #[test]
    fn the_kubelets_own_words_are_no_log() {
        let (lines, coverage) = check(u64::MAX, &["unable to retrieve container logs for containerd://3f"]);
        assert!(lines.is_empty());
        assert_eq!((coverage.lines, coverage.cut), (0, Some(Why::Rotated)));
    }
}

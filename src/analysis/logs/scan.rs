//! Many log lines in constant memory: requests grouped by who answered them, controller messages by
//! what they say about which object, and the history of the URL that is asked about.
//!
//! Only lines that can matter are read in full: the status and the request line of the others are
//! enough to leave them. Streams are told apart by a number that the caller chooses; within a stream
//! lines come in order, streams come in any.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use crate::model::controller::Settings;

use super::access::AccessLine;
use super::filter::Filter;
use super::klog::ControllerMessage;
use super::messages::{self, Level, Message, MessageKind, Subject};
use super::nginx_error::{ErrorLine, ProxyError};
use super::tally::{Folded, Tallied, Tally};
use super::{
    LONGEST, Line, LogFormat, Shape, access_line, ingress_nginx, parse_unstamped, path_template, shape, stamp,
};
use crate::analysis::voice::{self, Known, Voice};

mod asked;
mod recent;

use asked::AskedScan;
pub use asked::{Asked, AskedStory, Onset, Reach, Told};
use recent::Recent;

/// What to scan for.
#[derive(Debug, Clone)]
pub struct Options {
    pub format: LogFormat,
    pub settings: Settings,
    pub filter: Filter,
    /// The URL whose history is wanted.
    pub asked: Option<Asked>,
    /// Gives klog lines without the kubelet's stamp their year.
    pub now: Option<DateTime<Utc>>,
    /// Groups kept, of requests and of messages each.
    pub groups: usize,
}

impl Options {
    /// All requests of one status, for a controller with these settings.
    #[must_use]
    pub fn new(settings: Settings, filter: Filter) -> Self {
        Self { format: LogFormat::of(&settings), settings, filter, asked: None, now: None, groups: 500 }
    }
}

/// What requests of one group have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey {
    pub voice: Voice,
    pub status: u16,
    /// Lower case, without port; `None` where the format does not log it.
    pub host: Option<String>,
    /// Path template; empty for what was no request line.
    pub path: String,
    pub upstream: Option<String>,
}

/// What one stream held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamSeen {
    pub lines: u64,
    pub bytes: u64,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
}

/// Everything found.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The most frequent first.
    pub requests: Vec<Tallied<GroupKey>>,
    pub requests_folded: Folded,
    pub messages: Vec<Tallied<Message>>,
    pub messages_folded: Folded,
    pub asked: Option<AskedStory>,
    /// By the caller's number.
    pub streams: Vec<StreamSeen>,
}

/// Reads lines, one stream after the other or interleaved.
#[derive(Debug)]
pub struct Scanner {
    options: Options,
    prefilter: Prefilter,
    requests: Tally<GroupKey>,
    messages: Tally<Message>,
    asked: Option<AskedScan>,
    recent: Recent,
    /// Reload failures that wait for nginx's reason, by stream.
    reloads: BTreeMap<usize, PendingReload>,
    streams: Vec<Seen>,
    id: Vec<u8>,
}

#[derive(Debug)]
struct PendingReload {
    at: Option<DateTime<Utc>>,
    line: Vec<u8>,
}

#[derive(Debug, Default)]
struct Seen {
    seen: StreamSeen,
    last_line: Vec<u8>,
}

/// Streams are numbered by the caller; more than this are counted into the last.
const STREAMS: usize = 4096;
/// Times kept of each message: enough to find the reload before an onset.
const MESSAGE_TIMES: usize = 64;
/// Bytes kept of a stream's last line.
const LAST_LINE: usize = 2048;

impl Scanner {
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            prefilter: Prefilter::new(&options),
            requests: Tally::new(options.groups, 0),
            messages: Tally::new(options.groups, MESSAGE_TIMES),
            asked: options.asked.clone().map(AskedScan::new),
            recent: Recent::default(),
            reloads: BTreeMap::new(),
            streams: Vec::new(),
            id: Vec::new(),
            options,
        }
    }

    /// Takes in one line, without its newline.
    pub fn push(&mut self, stream: usize, line: &[u8]) {
        let stream = stream.min(STREAMS - 1);
        self.line(stream, line);
        self.note_last(stream, line);
    }

    /// Takes in whole lines; the last may lack its newline.
    pub fn push_block(&mut self, stream: usize, block: &[u8]) {
        let stream = stream.min(STREAMS - 1);
        let mut from = 0;
        let mut last: &[u8] = &[];
        for end in memchr::memchr_iter(b'\n', block).chain(std::iter::once(block.len())) {
            let Some(line) = block.get(from..end) else { continue };
            from = end + 1;
            if line.is_empty() {
                continue;
            }
            self.line(stream, line);
            last = line;
        }
        self.note_last(stream, last);
    }

    fn line(&mut self, stream: usize, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.streams.len() <= stream {
            self.streams.resize_with(stream + 1, Seen::default);
        }
        let (at, text) = stamp::split_stamp(line);
        if let Some(Seen { seen, .. }) = self.streams.get_mut(stream) {
            seen.lines += 1;
            seen.bytes += line.len() as u64 + 1;
            if seen.first.is_none() {
                seen.first = time_of(line, &self.options);
            }
        }
        match shape(text) {
            found @ (Shape::Text | Shape::Json) => {
                if let Some(line) = self.prefilter.read(found, text, &self.options.format) {
                    let stamp = at.and_then(stamp::rfc3339);
                    let line = AccessLine { at: stamp.or(line.at), ..line };
                    self.request(stream, &line, text);
                    self.recent.forget(&line);
                }
            }
            Shape::Klog | Shape::ErrorLog | Shape::Binary => self.other(stream, at, text),
        }
    }

    fn note_last(&mut self, stream: usize, line: &[u8]) {
        if let Some(seen) = self.streams.get_mut(stream)
            && !line.is_empty()
        {
            seen.last_line.clear();
            seen.last_line.extend_from_slice(line.get(..LAST_LINE).unwrap_or(line));
        }
    }

    fn request(&mut self, stream: usize, line: &AccessLine<'_>, text: &[u8]) {
        let wanted = self.options.filter.wants(line, text);
        let fit = match &self.asked {
            Some(asked) if self.options.filter.wants_time(line.at) => asked.fit(line, &self.recent),
            Some(_) | None => None,
        };
        if !wanted && fit.is_none() {
            return;
        }
        let gateway = matches!(line.status, Some(502 | 504));
        let known = Known {
            settings: Some(&self.options.settings),
            expected: self.asked.as_ref().zip(fit).and_then(|(asked, fit)| asked.expected(fit)),
            upstream_failed: gateway && self.recent.failed(line),
        };
        let voice = voice::voice_with(line, &known);
        if let (Some(asked), Some(fit)) = (&mut self.asked, fit) {
            asked.add(fit, line, voice, stream, text, &self.options.filter);
        }
        if wanted {
            group_id(line, voice, &mut self.id);
            self.requests.add(&self.id, || group_key(line, voice), line.at, stream, text);
        }
    }

    /// Lines of the controller and of nginx that are no requests.
    fn other(&mut self, stream: usize, at: Option<&[u8]>, text: &[u8]) {
        let at = at.and_then(stamp::rfc3339);
        match parse_unstamped(text, at, &self.options.format, self.options.now) {
            Line::Controller(message) => self.controller(stream, &message, text),
            Line::Error(error) => self.error(stream, &error, text),
            Line::Access(_) | Line::Other => {}
        }
    }

    fn controller(&mut self, stream: usize, line: &ControllerMessage<'_>, text: &[u8]) {
        if line.source.is_empty() {
            // A line of the nginx binary: the reason of the reload failure before it.
            if let Some(message) = &line.message
                && !self.resolve_reload(stream, message.detail.as_deref().unwrap_or_default())
            {
                self.message(message.clone(), line.at, stream, text);
            }
            return;
        }
        self.settle_reload(stream);
        let Some(message) = &line.message else { return };
        if message.kind == MessageKind::ReloadFailed && message.detail.is_none() {
            let pending = PendingReload { at: line.at, line: text.to_vec() };
            self.reloads.insert(stream, pending);
            return;
        }
        let mut message = message.clone();
        if message.kind == MessageKind::Unclassified {
            message.detail = Some(String::from_utf8_lossy(line.source).into_owned());
        }
        self.message(message, line.at, stream, text);
    }

    fn error(&mut self, stream: usize, line: &ErrorLine<'_>, text: &[u8]) {
        self.recent.note(line);
        if line.level < Level::Warning || (line.kind == ProxyError::Other && line.level < Level::Error) {
            return;
        }
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(253).collect::<String>();
        if line.kind == ProxyError::ConfigRefused {
            let reason = lossy(line.message);
            let reason = messages::without_place(&reason);
            if !self.resolve_reload(stream, reason) {
                let kind = MessageKind::Proxy(line.kind);
                let message = Message { kind, subject: Subject::Controller, detail: Some(reason.to_owned()) };
                self.message(message, line.at, stream, text);
            }
            return;
        }
        let subject = match line.server.or(line.host) {
            Some(server) => Subject::Host(lossy(server)),
            None => Subject::Controller,
        };
        let message =
            Message { kind: MessageKind::Proxy(line.kind), subject, detail: line.upstream.map(lossy) };
        self.message(message, line.at, stream, text);
    }

    /// Gives the waiting reload failure its reason; false when none waits.
    fn resolve_reload(&mut self, stream: usize, reason: &str) -> bool {
        let Some(pending) = self.reloads.remove(&stream) else { return false };
        self.reload_failed(stream, &pending, Some(reason.to_owned()));
        true
    }

    /// The next message of the controller ends the wait for a reason.
    fn settle_reload(&mut self, stream: usize) {
        if self.reloads.is_empty() {
            return;
        }
        if let Some(pending) = self.reloads.remove(&stream) {
            self.reload_failed(stream, &pending, None);
        }
    }

    fn reload_failed(&mut self, stream: usize, pending: &PendingReload, detail: Option<String>) {
        let message = Message { kind: MessageKind::ReloadFailed, subject: Subject::Controller, detail };
        self.message(message, pending.at, stream, &pending.line);
    }

    fn message(&mut self, message: Message, at: Option<DateTime<Utc>>, stream: usize, text: &[u8]) {
        if !self.options.filter.wants_time(at) || !self.options.filter.wants_text(text) {
            return;
        }
        let id = format!("{message:?}");
        self.messages.add(id.as_bytes(), || message, at, stream, text);
    }

    /// Sums up.
    #[must_use]
    pub fn finish(mut self) -> Scan {
        while let Some((stream, pending)) = self.reloads.pop_first() {
            self.reload_failed(stream, &pending, None);
        }
        let options = &self.options;
        let streams = self
            .streams
            .into_iter()
            .map(|Seen { seen, last_line }| StreamSeen {
                last: time_of(&last_line, options).or(seen.last),
                ..seen
            })
            .collect();
        let (requests, requests_folded) = self.requests.finish();
        let (messages, messages_folded) = self.messages.finish();
        Scan {
            requests,
            requests_folded,
            messages,
            messages_folded,
            asked: self.asked.map(AskedScan::finish),
            streams,
        }
    }
}

fn time_of(line: &[u8], options: &Options) -> Option<DateTime<Utc>> {
    let (stamp, text) = stamp::split_stamp(line);
    if let Some(at) = stamp.and_then(stamp::rfc3339) {
        return Some(at);
    }
    match parse_unstamped(text, None, &options.format, options.now) {
        Line::Access(line) => line.at,
        Line::Error(line) => line.at,
        Line::Controller(line) => line.at,
        Line::Other => None,
    }
}

/// The bytes that tell groups apart.
fn group_id(line: &AccessLine<'_>, voice: Voice, id: &mut Vec<u8>) {
    id.clear();
    id.push(voice as u8);
    id.extend_from_slice(&line.status.unwrap_or(0).to_be_bytes());
    if let Some(host) = line.host_name() {
        id.extend(host.iter().map(u8::to_ascii_lowercase));
    }
    id.push(b'\n');
    id.extend_from_slice(line.upstream.bytes());
    id.push(b'\n');
    path_template::append(line.target.bytes(), id);
}

fn group_key(line: &AccessLine<'_>, voice: Voice) -> GroupKey {
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    GroupKey {
        voice,
        status: line.status.unwrap_or(0),
        host: line.host_name().map(|host| lossy(host).to_ascii_lowercase()),
        path: lossy(&path_template::of(line.target.bytes())),
        upstream: line.upstream.value().map(|name| lossy(name)),
    }
}

/// Reads the lines that are worth it, as the head of a line tells.
#[derive(Debug)]
struct Prefilter {
    /// Every line is.
    all: bool,
    /// The head of the default format tells; else only needles do.
    by_head: bool,
    statuses: Vec<u16>,
    status_needles: Vec<Finder<'static>>,
    /// What every path that is asked about starts with, and whether it is all of it.
    path: Option<(Vec<u8>, bool)>,
    path_needle: Option<Finder<'static>>,
}

impl Prefilter {
    fn new(options: &Options) -> Self {
        let statuses: Vec<u16> = options.filter.statuses.iter().copied().collect();
        let path = options.asked.as_ref().map(|asked| {
            let template = path_template::of(asked.path.as_bytes());
            let literal = path_template::literal_prefix(&template);
            (literal.to_vec(), literal == asked.path.as_bytes())
        });
        Self {
            all: statuses.is_empty(),
            by_head: match options.format {
                LogFormat::IngressNginx | LogFormat::Json(_) => true,
                LogFormat::Custom(_) | LogFormat::Useless => false,
            },
            status_needles: statuses.iter().map(|s| Finder::new(&s.to_string()).into_owned()).collect(),
            statuses,
            path_needle: path.as_ref().map(|(path, _)| Finder::new(path).into_owned()),
            path,
        }
    }

    fn read<'a>(&self, shape: Shape, line: &'a [u8], format: &LogFormat) -> Option<AccessLine<'a>> {
        if line.len() > LONGEST {
            return None;
        }
        if shape == Shape::Text && self.by_head {
            let head = ingress_nginx::head(line)?;
            let matters = self.all || self.statuses.contains(&head.status) || self.is_asked(head.request);
            return if matters { ingress_nginx::parse_after(head) } else { None };
        }
        let matters = self.all
            || self.status_needles.iter().any(|needle| needle.find(line).is_some())
            || self.path_needle.as_ref().is_some_and(|needle| needle.find(line).is_some());
        if matters { access_line(line, shape, format) } else { None }
    }

    /// Whether a request line may be one for the path that is asked about.
    fn is_asked(&self, request: &[u8]) -> bool {
        let Some((path, whole)) = &self.path else { return false };
        let target = request.iter().position(|b| *b == b' ').and_then(|space| request.get(space + 1..));
        target
            .and_then(|target| target.strip_prefix(path.as_slice()))
            .is_some_and(|rest| !whole || matches!(rest.first(), None | Some(b' ' | b'?' | b'#')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(options: Options, log: &str) -> Scan {
        let mut scanner = Scanner::new(options);
        scanner.push_block(0, log.as_bytes());
        scanner.finish()
    }

    fn all(log: &str) -> Scan {
        let now = stamp::rfc3339(b"2026-11-23T00:00:00Z");
        scan(Options { now, ..Options::new(Settings::default(), Filter::default()) }, log)
    }

    fn request(second: u32, path: &str, status: u16, upstream: &str) -> String {
        format!(
            "203.0.113.7 - - [22/Nov/2026:10:15:{second:02} +0000] \"GET {path} HTTP/1.1\" {status} 9 \"-\" \"-\" 81 0.012 [{upstream}] [] 10.42.1.17:8080 9 0.011 {status} 0a\n"
        )
    }

    const FAILED: &str =
        "E1122 10:15:01.000000 7 controller.go:226] Unexpected failure reloading the backend:\n";

    #[test]
    fn requests_of_one_kind_fall_together() {
        let log = [
            request(1, "/api/orders/1?x", 404, "shop-web-80"),
            request(3, "/api/orders/2", 404, "shop-web-80"),
            request(2, "/api/orders/3", 404, "upstream-default-backend"),
            request(4, "/api/orders/4", 200, "shop-web-80"),
        ]
        .concat();
        let found = scan(Options::new(Settings::default(), Filter::status(404)), &log);
        let groups: Vec<(Voice, &str, u64)> =
            found.requests.iter().map(|g| (g.key.voice, g.key.path.as_str(), g.count)).collect();
        assert_eq!(groups, [(Voice::App, "/api/orders/{id}", 2), (Voice::NoRule, "/api/orders/{id}", 1)]);
        assert_eq!(found.requests[0].samples.len(), 2);
        assert_eq!((found.streams[0].lines, found.streams[0].bytes), (4, log.len() as u64));
        assert_eq!(found.streams[0].first, stamp::rfc3339(b"2026-11-22T10:15:01Z"));
        assert_eq!(found.streams[0].last, stamp::rfc3339(b"2026-11-22T10:15:04Z"));
    }

    #[test]
    fn a_failed_reload_gets_nginxs_reason() {
        let check = |after: &str, detail: Option<&str>, messages: usize| {
            let found = all(&format!("{FAILED}{after}"));
            let failed =
                found.messages.iter().find(|g| g.key.kind == MessageKind::ReloadFailed).expect("failed");
            assert_eq!(failed.key.detail.as_deref(), detail, "{after}");
            assert_eq!(failed.first, stamp::rfc3339(b"2026-11-22T10:15:01Z"));
            assert_eq!(found.messages.len(), messages, "{after}");
        };
        let reason = Some("duplicate location \"/img/\"");
        check(
            "\n---\nError: exit status 1\nnginx: [emerg] duplicate location \"/img/\" in nginx-cfg1:3121\n",
            reason,
            1,
        );
        check(
            "2026/11/22 10:15:01 [emerg] 9#9: duplicate location \"/img/\" in /tmp/nginx/nginx-cfg1:3121\n",
            reason,
            1,
        );
        check("I1122 10:15:02.000000 7 nginx.go:1] \"Starting NGINX process\"\n", None, 2);
        check("", None, 1);
    }

    #[test]
    fn one_message_about_one_object_is_one_group() {
        let line = |second: u32, service: &str| {
            format!(
                "W1122 10:15:{second:02}.000000 7 controller.go:1241] Service \"shop/{service}\" does not have any active Endpoint.\n"
            )
        };
        let found = all(&[line(1, "a"), line(2, "b"), line(3, "a")].concat());
        let counts: Vec<u64> = found.messages.iter().map(|g| g.count).collect();
        assert_eq!(counts, [2, 1]);
        assert_eq!(found.messages[0].recent.len(), 2);
    }

    #[test]
    fn warnings_of_no_known_meaning_are_told_apart_by_their_place() {
        let found = all(
            "E1122 10:15:01.000000 7 queue.go:137] boom\nE1122 10:15:02.000000 7 x.go:1] boom\nI1122 10:15:02.000000 7 x.go:2] fine\n",
        );
        let places: Vec<Option<&str>> = found.messages.iter().map(|g| g.key.detail.as_deref()).collect();
        assert_eq!(places, [Some("queue.go:137"), Some("x.go:1")]);
    }

    #[test]
    fn the_window_holds_for_requests_and_messages() {
        let window = crate::model::log::Window {
            from: stamp::rfc3339(b"2026-11-22T10:15:02Z").expect("from"),
            to: stamp::rfc3339(b"2026-11-22T10:15:03Z").expect("to"),
        };
        let filter = Filter { window: Some(window), ..Filter::status(404) };
        let log: String = (1..5).map(|second| request(second, "/a", 404, "shop-web-80")).collect();
        let found = scan(Options::new(Settings::default(), filter), &format!("{FAILED}{log}"));
        assert_eq!(found.requests[0].count, 2);
        assert_eq!(found.messages, []);
        assert_eq!(found.streams[0].lines, 5);
    }

    #[test]
    fn a_custom_format_is_scanned_by_needles() {
        let data = [(
            "log-format-upstream".to_owned(),
            "$host $request_uri s=$status u=$proxy_upstream_name a=$upstream_addr".to_owned(),
        )];
        let config = crate::model::controller::ConfigSeen::Known(data.into());
        let mut options = Options::new(Settings { config, ..Settings::default() }, Filter::status(404));
        options.asked = Some(Asked { path: "/a".to_owned(), ..Asked::default() });
        let log = "a.b /a s=404 u=upstream-default-backend a=127.0.0.1:8181\na.b /a s=200 u=shop-web-80 a=10.0.0.1:80\na.b /b s=200 u=x-y-80 a=-\n";
        let found = scan(options, log);
        assert_eq!((found.requests.len(), found.requests[0].key.host.as_deref()), (1, Some("a.b")));
        let story = found.asked.expect("asked").exact;
        assert_eq!((story.failures, story.successes), (1, 1));
    }
}

//! klog lines: level, month and day, time, thread, file and line, then a text or a quoted message with
//! key=value pairs.
//!
//! Assumption: the year is not in the line; it follows from `now`, or from the kubelet's stamp.
//! Source: k8s.io/klog/v2 (`formatHeader`, `kvListFormat`).

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::messages::{self, Level, Message};
use super::stamp;

/// A line that the controller wrote about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerMessage<'a> {
    pub at: Option<DateTime<Utc>>,
    pub level: Level,
    /// `controller.go:193`; empty for lines of the nginx binary.
    pub source: &'a [u8],
    /// What was said, unclassified.
    pub text: &'a [u8],
    /// What it means; `None` for the many that mean nothing here.
    pub message: Option<Message>,
}

/// Whether a line has a klog header.
#[must_use]
pub fn is_klog(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'I' | b'W' | b'E' | b'F'))
        && line.get(1..5).is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
        && line.get(5) == Some(&b' ')
}

/// Reads one line; `None` when it has no klog header.
#[must_use]
pub fn parse(line: &[u8], now: Option<DateTime<Utc>>) -> Option<ControllerMessage<'_>> {
    if !is_klog(line) {
        return None;
    }
    let level = match line.first()? {
        b'I' => Level::Info,
        b'W' => Level::Warning,
        b'E' => Level::Error,
        _ => Level::Fatal,
    };
    let close = memchr::memmem::find(line, b"] ")?;
    let header = line.get(1..close)?;
    let source = header.rsplit(|b| *b == b' ').next()?;
    let text = line.get(close + 2..)?;
    let at = stamp::klog(header.get(..20).unwrap_or(header), now);
    let message = messages::classify(level, &String::from_utf8_lossy(text));
    Some(ControllerMessage { at, level, source, text, message })
}

/// A structured message: its text and its pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structured<'a> {
    pub text: Cow<'a, str>,
    pub pairs: Vec<(&'a str, Cow<'a, str>)>,
}

/// More pairs than any message has.
const PAIRS: usize = 32;

impl<'a> Structured<'a> {
    /// Reads `"message" key="value" other=value`; `None` for plain text.
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let (message, mut rest) = go_string(text)?;
        let mut pairs = Vec::new();
        while let Some((key, tail)) = rest.trim_start().split_once('=') {
            if key.is_empty() || key.contains([' ', '"']) || pairs.len() == PAIRS {
                break;
            }
            let (value, after) = go_string(tail).unwrap_or_else(|| {
                let (value, after) = tail.split_at(tail.find(' ').unwrap_or(tail.len()));
                (Cow::Borrowed(value), after)
            });
            pairs.push((key, value));
            rest = after;
        }
        Some(Self { text: message, pairs })
    }

    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_ref())
    }
}

/// A Go string literal at the start of a text, and what follows it.
fn go_string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let mut any = false;
    let end = inner.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        any |= escaped;
        closes
    })?;
    let (body, rest) = (inner.get(..end)?, inner.get(end + 1..)?);
    if !any {
        return Some((Cow::Borrowed(body), rest));
    }
    let mut out = String::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            (_, None) => out.push(c),
            (_, Some('n')) => out.push('\n'),
            (_, Some('t')) => out.push('\t'),
            (_, Some(other)) => out.push(other),
        }
    }
    Some((Cow::Owned(out), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read() {
        let line = b"W1123 05:48:31.123456       7 controller.go:1241] Service \"billing/reports\" does not have any active Endpoint.";
        let now = stamp::rfc3339(b"2026-11-23T06:00:00Z");
        let found = parse(line, now).expect("klog");
        assert_eq!(found.at, stamp::rfc3339(b"2026-11-23T05:48:31.123456Z"));
        assert_eq!(found.level, Level::Warning);
        assert_eq!(found.source, b"controller.go:1241");
        assert!(found.text.starts_with(b"Service"));
        assert!(found.message.is_some());
    }

    #[test]
    fn pairs_are_read_with_their_escapes() {
        let read = Structured::read(r#""Ignoring it" ingress="media/typo" error="no object matching key \"ngnix\" in local store" n=3 v=[{"ip":"1"}] err=<"#)
            .expect("structured");
        assert_eq!(read.text, "Ignoring it");
        assert_eq!(read.get("ingress"), Some("media/typo"));
        assert_eq!(read.get("error"), Some(r#"no object matching key "ngnix" in local store"#));
        assert_eq!((read.get("n"), read.get("err"), read.get("x")), (Some("3"), Some("<"), None));
    }

    #[test]
    fn plain_text_has_no_pairs() {
        for text in ["Service \"a/b\" does not", "", "\"open", "a=b"] {
            assert_eq!(Structured::read(text), None, "{text}");
        }
        assert_eq!(Structured::read("\"just this\"").map(|s| s.pairs.len()), Some(0));
    }

    #[test]
    fn other_lines_are_none() {
        for line in ["", "I", "I1123", "Info: x", "E12x4 a] b", "I1123 05:48:31.1 7 main.go:1 no bracket"] {
            assert_eq!(parse(line.as_bytes(), None), None, "{line}");
        }
    }
}

//! nginx's error log: time, level, message, and the request it happened to.
//!
//! Assumptions: the time has no zone (UTC in the images); the request line is not escaped, so what
//! stands after a quote in it is not trusted for more than hints.
//!
//! Source: nginx 1.27.1 `ngx_log.c`, `ngx_http_log_error_handler`, `ngx_http_upstream.c`.

use chrono::{DateTime, Utc};

use super::messages::Level;
use super::stamp;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorLine<'a> {
    pub at: Option<DateTime<Utc>>,
    pub level: Level,
    pub kind: ProxyError,
    /// The message alone.
    pub message: &'a [u8],
    pub client: Option<&'a [u8]>,
    /// The server block that took the request; `_` is the catch-all.
    pub server: Option<&'a [u8]>,
    /// `GET /path HTTP/1.1`.
    pub request: Option<&'a [u8]>,
    /// Address of the upstream, without scheme and path.
    pub upstream: Option<&'a [u8]>,
    pub host: Option<&'a [u8]>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProxyError {
    ConnectFailed,
    TimedOut,
    /// The upstream closed or reset the connection before it answered.
    ClosedEarly,
    NoLiveUpstreams,
    /// An allow or deny list.
    AccessForbidden,
    /// `auth-url` answered something other than 2xx, 401 or 403.
    AuthUnexpectedStatus,
    HeaderTooBig,
    /// The Lua balancer has no upstream to offer.
    NoBalancer,
    FileNotFound,
    /// The configuration is refused.
    ConfigRefused,
    Other,
}

impl ProxyError {
    /// Whether the upstream attempt failed, so that a 502 or 504 of this request is the proxy's own.
    #[must_use]
    pub const fn is_upstream_failure(self) -> bool {
        match self {
            Self::ConnectFailed
            | Self::TimedOut
            | Self::ClosedEarly
            | Self::NoLiveUpstreams
            | Self::HeaderTooBig
            | Self::NoBalancer => true,
            Self::AccessForbidden
            | Self::AuthUnexpectedStatus
            | Self::FileNotFound
            | Self::ConfigRefused
            | Self::Other => false,
        }
    }
}

/// Whether a line starts as error log lines do.
#[must_use]
pub fn is_error_log(line: &[u8]) -> bool {
    line.get(4) == Some(&b'/')
        && line.get(7) == Some(&b'/')
        && line.get(19..21) == Some(b" [")
        && line.first().is_some_and(u8::is_ascii_digit)
}

/// Reads one line; `None` when it has another shape.
#[must_use]
pub fn parse(line: &[u8]) -> Option<ErrorLine<'_>> {
    if !is_error_log(line) {
        return None;
    }
    let at = stamp::error_log(line);
    let rest = line.get(21..)?;
    let close = memchr::memchr(b']', rest)?;
    let emergency = rest.get(..close) == Some(b"emerg");
    let level = match rest.get(..close)? {
        b"debug" | b"info" | b"notice" => Level::Info,
        b"warn" => Level::Warning,
        b"error" => Level::Error,
        b"crit" | b"alert" | b"emerg" => Level::Fatal,
        _ => return None,
    };
    let rest = rest.get(close + 1..)?;
    let text = memchr::memmem::find(rest, b": ").and_then(|at| rest.get(at + 2..)).unwrap_or(rest);
    let text = match text.strip_prefix(b"*") {
        Some(tail) => memchr::memchr(b' ', tail).and_then(|at| tail.get(at + 1..)).unwrap_or(tail),
        None => text,
    };
    let (message, context) = match memchr::memmem::find(text, b", client: ") {
        Some(at) => text.split_at_checked(at)?,
        None => (text, [].as_slice()),
    };
    Some(ErrorLine {
        at,
        level,
        kind: if emergency { ProxyError::ConfigRefused } else { kind(message) },
        message,
        client: word(context, b", client: "),
        server: word(context, b", server: "),
        request: quoted(context, b", request: \""),
        upstream: quoted(context, b", upstream: \"").map(authority),
        host: quoted(context, b", host: \""),
    })
}

fn kind(message: &[u8]) -> ProxyError {
    const PARTS: [(&[u8], ProxyError); 15] = [
        (b"connect() failed", ProxyError::ConnectFailed),
        (b"upstream timed out", ProxyError::TimedOut),
        (b"upstream prematurely closed connection", ProxyError::ClosedEarly),
        (b"recv() failed", ProxyError::ClosedEarly),
        (b"no live upstreams", ProxyError::NoLiveUpstreams),
        (b"access forbidden by rule", ProxyError::AccessForbidden),
        (b"auth request unexpected status", ProxyError::AuthUnexpectedStatus),
        (b"upstream sent too big header", ProxyError::HeaderTooBig),
        (b"no balancer", ProxyError::NoBalancer),
        (b"no host allowed while connecting", ProxyError::NoBalancer),
        (b"open() \"", ProxyError::FileNotFound),
        (b"is not found (2: No such file", ProxyError::FileNotFound),
        (b"[emerg]", ProxyError::ConfigRefused),
        (b"duplicate location", ProxyError::ConfigRefused),
        (b"SSL_do_handshake() failed", ProxyError::ConnectFailed),
    ];
    PARTS
        .iter()
        .find(|(part, _)| memchr::memmem::find(message, part).is_some())
        .map_or(ProxyError::Other, |(_, kind)| *kind)
}

/// What follows a marker, up to a comma.
fn word<'a>(context: &'a [u8], marker: &[u8]) -> Option<&'a [u8]> {
    let rest = context.get(memchr::memmem::find(context, marker)? + marker.len()..)?;
    Some(memchr::memchr(b',', rest).and_then(|end| rest.get(..end)).unwrap_or(rest))
}

/// What follows a marker, up to a quote.
fn quoted<'a>(context: &'a [u8], marker: &[u8]) -> Option<&'a [u8]> {
    let rest = context.get(memchr::memmem::find(context, marker)? + marker.len()..)?;
    rest.get(..memchr::memchr(b'"', rest)?)
}

/// `10.42.1.17:8080` of `http://10.42.1.17:8080/x`.
fn authority(url: &[u8]) -> &[u8] {
    let rest = memchr::memmem::find(url, b"://").and_then(|at| url.get(at + 3..)).unwrap_or(url);
    memchr::memchr(b'/', rest).and_then(|end| rest.get(..end)).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_it_happened_to_is_read() {
        let line = parse(
            br#"2026/11/22 10:15:01 [error] 31#31: *123 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.7, server: a.example, request: "GET /x?y=1 HTTP/1.1", upstream: "http://10.42.1.17:8080/x?y=1", host: "A.example:80", referrer: "https://b""#,
        )
        .expect("line");
        assert_eq!(line.at, stamp::rfc3339(b"2026-11-22T10:15:01Z"));
        assert_eq!((line.level, line.kind), (Level::Error, ProxyError::ConnectFailed));
        assert_eq!(line.client, Some(b"203.0.113.7".as_slice()));
        assert_eq!(line.server, Some(b"a.example".as_slice()));
        assert_eq!(line.request, Some(b"GET /x?y=1 HTTP/1.1".as_slice()));
        assert_eq!(line.upstream, Some(b"10.42.1.17:8080".as_slice()));
        assert_eq!(line.host, Some(b"A.example:80".as_slice()));
    }

    #[test]
    fn messages_are_told_apart() {
        let check = |message: &str, kind: ProxyError| {
            let line = format!("2026/11/22 10:15:01 [error] 31#31: *1 {message}, client: 1.1.1.1");
            assert_eq!(parse(line.as_bytes()).expect("line").kind, kind, "{message}");
        };
        check(
            "upstream prematurely closed connection while reading response header from upstream",
            ProxyError::ClosedEarly,
        );
        check(
            "upstream timed out (110: Operation timed out) while reading response header from upstream",
            ProxyError::TimedOut,
        );
        check("no live upstreams while connecting to upstream", ProxyError::NoLiveUpstreams);
        check("access forbidden by rule", ProxyError::AccessForbidden);
        check(
            "auth request unexpected status: 404 while sending to client",
            ProxyError::AuthUnexpectedStatus,
        );
        check(
            "upstream sent too big header while reading response header from upstream",
            ProxyError::HeaderTooBig,
        );
        check("[lua] balancer.lua:348: balance(): no balancer", ProxyError::NoBalancer);
        check(
            "open() \"/etc/nginx/html/nope\" failed (2: No such file or directory)",
            ProxyError::FileNotFound,
        );
        check("upstream sent more data than specified in \"Content-Length\" header", ProxyError::Other);
    }

    #[test]
    fn a_refused_configuration_is_told_from_its_level() {
        let line = parse(b"2026/11/23 05:49:00 [emerg] 10514#10514: duplicate location \"/img/\" in /tmp/nginx/nginx-cfg146:3121").expect("line");
        assert_eq!((line.level, line.kind), (Level::Fatal, ProxyError::ConfigRefused));
        assert_eq!(line.message, b"duplicate location \"/img/\" in /tmp/nginx/nginx-cfg146:3121");
        assert_eq!(line.client, None);
    }

    #[test]
    fn other_lines_are_none() {
        for line in [
            "",
            "2026/11/22 10:15:01",
            "2026/11/22 10:15:01 [odd] x",
            "2026/11/22 10:15:01 [error",
            "10.0.0.1 - -",
        ] {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }
}

//! ingress-nginx's default `log-format-upstream`, and its older forms (a bracketed real address in
//! front, no alternative upstream).
//!
//! Assumption: nginx's default escaping, so that a quote inside a quoted field is `\x22`.
//! Source: kubernetes/ingress-nginx v1.15.1 `internal/ingress/controller/config/config.go`.

use std::borrow::Cow;

use super::access::{AccessLine, Logged, Text, unescape};
use super::stamp;

/// The request line and the status, without looking at the rest: what a scan decides on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head<'a> {
    pub before: &'a [u8],
    pub request: &'a [u8],
    pub status: u16,
    pub rest: &'a [u8],
}

/// Reads the head of a line; `None` when it has another shape.
#[must_use]
pub fn head(line: &[u8]) -> Option<Head<'_>> {
    let open = memchr::memchr(b'"', line)?;
    let (before, quoted) = (line.get(..open)?, line.get(open + 1..)?);
    let close = memchr::memchr(b'"', quoted)?;
    let request = quoted.get(..close)?;
    let [b' ', digits @ .., b' '] = quoted.get(close + 1..close + 6)? else { return None };
    Some(Head { before, request, status: status(digits)?, rest: quoted.get(close + 6..)? })
}

/// Reads a whole line; `None` when it has another shape.
#[must_use]
pub fn parse(line: &[u8]) -> Option<AccessLine<'_>> {
    parse_after(head(line)?)
}

/// Reads the rest of a line whose head was read.
#[must_use]
pub fn parse_after(head: Head<'_>) -> Option<AccessLine<'_>> {
    let Head { before, request, status, rest } = head;
    let before = before.strip_suffix(b"] ")?;
    let bracket = memchr::memrchr(b'[', before)?;
    let at = stamp::time_local(before.get(bracket + 1..)?)?;
    let client = before.get(..memchr::memchr(b' ', before)?)?;

    let (body_bytes, rest) = word(rest)?;
    let rest = rest.strip_prefix(b"\"")?;
    let rest = rest.get(memchr::memchr(b'"', rest)? + 1..)?.strip_prefix(b" \"")?;
    let rest = rest.get(memchr::memchr(b'"', rest)? + 1..)?.strip_prefix(b" ")?;
    let (_request_length, rest) = word(rest)?;
    let (_request_time, rest) = word(rest)?;
    let (upstream, rest) = bracketed(rest)?;
    let (alternative, rest) = match bracketed(rest) {
        Some((alternative, rest)) => (Logged::text(alternative), rest),
        None => (Logged::No, rest),
    };
    let (addresses, rest) = list(rest)?;
    let (lengths, rest) = list(rest)?;
    let (_times, rest) = list(rest)?;
    let (statuses, _) = list(rest)?;

    let mut access = AccessLine {
        at: Some(at),
        client: Logged::text(client),
        status: Some(status),
        body_bytes: decimal(body_bytes),
        upstream: Logged::text(upstream),
        alternative,
        addresses: Logged::text(addresses),
        lengths: Logged::text(lengths),
        statuses: Logged::text(statuses),
        ..AccessLine::default()
    };
    split_request(request, &mut access);
    Some(access)
}

/// Sets method and target from `$request`; what is no request line (a TLS hello on a plain port)
/// leaves them empty.
pub(super) fn split_request<'a>(request: &'a [u8], line: &mut AccessLine<'a>) {
    line.method = Logged::Empty;
    line.target = Logged::Empty;
    let Some((method, rest)) = request_parts(request) else { return };
    line.method = Logged::text(method);
    line.target = Logged::text(unescape(rest));
}

/// Method and target of a request line, still escaped.
#[must_use]
pub fn request_parts(request: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = request.iter().position(|b| *b == b' ')?;
    let (method, rest) = (request.get(..space)?, request.get(space + 1..)?);
    if method.is_empty() || !method.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'-' | b'_')) {
        return None;
    }
    let target = match memchr::memrchr(b' ', rest) {
        Some(end) if rest.get(end + 1..).is_some_and(|tail| tail.starts_with(b"HTTP/")) => rest.get(..end)?,
        _ => rest,
    };
    Some((method, target))
}

/// Three digits.
#[must_use]
pub fn status(digits: &[u8]) -> Option<u16> {
    match digits {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
        }
        _ => None,
    }
}

/// A number without sign.
#[must_use]
pub fn decimal(digits: &[u8]) -> Option<u64> {
    let (first, rest) = digits.split_first()?;
    rest.iter().try_fold(digit(*first)?, |sum, b| sum.checked_mul(10)?.checked_add(digit(*b)?))
}

fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

/// A value up to the next space, and what follows the space. Values are short: a plain loop is quickest.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = text.iter().position(|b| *b == b' ')?;
    Some((text.get(..space)?, text.get(space + 1..)?))
}

/// `[value] `.
fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = text.strip_prefix(b"[")?;
    let close = inner.iter().position(|b| *b == b']')?;
    Some((inner.get(..close)?, inner.get(close + 1..)?.strip_prefix(b" ")?))
}

/// A list up to a space that separates nothing in it, and what follows.
fn list(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = 0;
    loop {
        let Some(at) = text.get(from..)?.iter().position(|b| *b == b' ') else {
            return (!text.is_empty()).then_some((text, &[]));
        };
        let space = from + at;
        let after = text.get(space + 1..)?;
        if text.get(..space)?.ends_with(b",") {
            from = space + 1;
        } else if after.starts_with(b": ") {
            from = space + 3;
        } else {
            return Some((text.get(..space)?, after));
        }
    }
}

/// Sets a field from nginx's variable of that name; unknown variables are ignored. The kubelet's
/// stamp, once set, stays.
pub(super) fn set<'a>(line: &mut AccessLine<'a>, variable: Variable, value: Text<'a>) {
    match variable {
        Variable::Time => line.at = line.at.or_else(|| stamp::any(&value)),
        Variable::Client => line.client = Logged::text(value),
        Variable::Host => line.host = Logged::text(value),
        Variable::Request => {
            let (method, target) = match value {
                Cow::Borrowed(request) => match request_parts(request) {
                    Some((method, target)) => (Logged::text(method), Logged::text(target)),
                    None => (Logged::Empty, Logged::Empty),
                },
                Cow::Owned(request) => match request_parts(&request) {
                    Some((method, target)) => (Logged::text(method.to_vec()), Logged::text(target.to_vec())),
                    None => (Logged::Empty, Logged::Empty),
                },
            };
            line.method = method;
            if line.target.value().is_none() {
                line.target = target;
            }
        }
        Variable::Method => line.method = Logged::text(value),
        Variable::Target => line.target = Logged::text(value),
        Variable::Path if !line.target.is_logged() => line.target = Logged::text(value),
        Variable::Path => {}
        Variable::Status => line.status = status(&value),
        Variable::BodyBytes => line.body_bytes = decimal(&value),
        Variable::Upstream => line.upstream = Logged::text(value),
        Variable::Alternative => line.alternative = Logged::text(value),
        Variable::Addresses => line.addresses = Logged::text(value),
        Variable::Lengths => line.lengths = Logged::text(value),
        Variable::Statuses => line.statuses = Logged::text(value),
        Variable::Namespace => line.namespace = Logged::text(value),
        Variable::Ingress => line.ingress = Logged::text(value),
        Variable::Service => line.service = Logged::text(value),
    }
}

/// The nginx variables that mean something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variable {
    Time,
    Client,
    Host,
    /// `$request`: method, target and protocol.
    Request,
    Method,
    Target,
    /// `$uri`: normalised and perhaps rewritten, so only where nothing better is logged.
    Path,
    Status,
    BodyBytes,
    Upstream,
    Alternative,
    Addresses,
    Lengths,
    Statuses,
    Namespace,
    Ingress,
    Service,
}

impl Variable {
    /// The variable of this name, without the dollar sign.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "time_local" | "time_iso8601" | "msec" => Self::Time,
            "remote_addr" | "the_real_ip" | "proxy_protocol_addr" => Self::Client,
            "host" | "http_host" => Self::Host,
            "request" => Self::Request,
            "request_method" => Self::Method,
            "request_uri" => Self::Target,
            "uri" => Self::Path,
            "status" => Self::Status,
            "body_bytes_sent" => Self::BodyBytes,
            "proxy_upstream_name" => Self::Upstream,
            "proxy_alternative_upstream_name" => Self::Alternative,
            "upstream_addr" => Self::Addresses,
            "upstream_response_length" => Self::Lengths,
            "upstream_status" => Self::Statuses,
            "namespace" => Self::Namespace,
            "ingress_name" => Self::Ingress,
            "service_name" => Self::Service,
            _ => return None,
        })
    }

    /// Whether values are lists with one entry per attempt.
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Addresses | Self::Lengths | Self::Statuses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = r#"203.0.113.7 - - [22/Nov/2026:10:15:02 +0000] "GET /api/orders/9?x=1 HTTP/2.0" 404 33 "-" "curl/8.5.0" 81 0.012 [shop-orders-8080] [] 10.42.1.17:8080 33 0.011 404 0a1b2c3d4e5f60718293a4b5c6d7e8f9"#;

    fn parsed(line: &str) -> AccessLine<'_> {
        parse(line.as_bytes()).expect(line)
    }

    #[test]
    fn every_field_of_the_default_format_is_read() {
        let line = parsed(APP);
        assert_eq!(line.at, stamp::rfc3339(b"2026-11-22T10:15:02Z"));
        assert_eq!(line.client.bytes(), b"203.0.113.7");
        assert_eq!(line.method.bytes(), b"GET");
        assert_eq!(line.target.bytes(), b"/api/orders/9?x=1");
        assert_eq!(line.path(), Some(b"/api/orders/9".as_slice()));
        assert_eq!((line.status, line.body_bytes), (Some(404), Some(33)));
        assert_eq!(line.upstream.bytes(), b"shop-orders-8080");
        assert_eq!(line.alternative, Logged::Empty);
        assert_eq!(line.addresses.bytes(), b"10.42.1.17:8080");
        assert_eq!(line.lengths.bytes(), b"33");
        assert_eq!(line.statuses.bytes(), b"404");
        assert_eq!(line.host, Logged::No);
    }

    #[test]
    fn lists_of_retries_and_redirects_stay_whole() {
        let line = parsed(
            r#"203.0.113.7 - - [22/Nov/2026:10:15:03 +0000] "GET /old HTTP/1.1" 404 1024 "-" "-" 77 0.020 [upstream-default-backend] [] 10.42.1.18:8080, 10.42.1.17:8080 : 10.42.2.5:8080 0, 19 : 1024 0.001, 0.010 : 0.009 502, 404 : 404 11223344556677889900aabbccddeeff"#,
        );
        assert_eq!(line.addresses.bytes(), b"10.42.1.18:8080, 10.42.1.17:8080 : 10.42.2.5:8080");
        assert_eq!(line.lengths.bytes(), b"0, 19 : 1024");
        assert_eq!(line.statuses.bytes(), b"502, 404 : 404");
    }

    #[test]
    fn older_forms_are_read_too() {
        let line = parsed(
            r#"192.0.2.1 - [192.0.2.1] - bob [22/Nov/2018:10:15:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "-" 77 0.020 [shop-web-80] 10.42.1.17:8080 5 0.010 200 11223344556677889900aabbccddeeff"#,
        );
        assert_eq!(line.upstream.bytes(), b"shop-web-80");
        assert_eq!(line.alternative, Logged::No);
        assert_eq!(line.statuses.bytes(), b"200");
    }

    #[test]
    fn what_nginx_answers_itself_has_no_upstream() {
        let line = parsed(
            r#"203.0.113.110 - - [23/Nov/2026:05:48:32 +0000] "GET /../../etc HTTP/1.1" 400 150 "-" "-" 34 0.001 [] [] - - - - 5b1ceed9f34f62a17b11e539c8b3f5fe"#,
        );
        assert_eq!(
            (line.upstream, line.addresses, line.statuses),
            (Logged::Empty, Logged::Empty, Logged::Empty)
        );
    }

    #[test]
    fn a_quote_sent_by_the_client_moves_no_field() {
        let line = parsed(
            r#"203.0.113.7 - - [22/Nov/2026:10:15:02 +0000] "GET /a\x22 404 1 \x22 HTTP/1.1" 200 33 "-" "x\x22 [upstream-default-backend]" 81 0.012 [shop-web-80] [] 10.42.1.17:8080 33 0.011 200 0a"#,
        );
        assert_eq!(line.status, Some(200));
        assert_eq!(line.target.bytes(), b"/a\" 404 1 \"");
        assert_eq!(line.upstream.bytes(), b"shop-web-80");
    }

    #[test]
    fn a_request_that_is_none_leaves_method_and_target_empty() {
        for request in [r"\x16\x03\x01", "", "-"] {
            let line = APP.replace("GET /api/orders/9?x=1 HTTP/2.0", request);
            let line = parsed(&line);
            assert_eq!((line.method, line.target), (Logged::Empty, Logged::Empty), "{request}");
        }
    }

    #[test]
    fn other_shapes_are_none() {
        for line in [
            "",
            "hello",
            "\"\"",
            r#""GET / HTTP/1.1" 404 "#,
            r#"x [22/Nov/2026:10:15:02 +0000] "GET / HTTP/1.1" 404 5 "-" "-""#,
        ] {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }
}

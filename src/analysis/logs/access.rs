//! One request as an access log tells it, whatever the format: which fields were logged at all, which
//! were empty, and what the others hold.
//!
//! nginx keeps one value per upstream attempt: `a, b` where an attempt failed and another followed,
//! `a : b` after an internal redirect (a custom error page). All `$upstream_*` lists of a line are
//! aligned by position. Source: nginx 1.27.1, `ngx_http_upstream_addr_variable` and neighbours.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

/// Bytes of a line: borrowed unless an escape had to be undone.
pub type Text<'a> = Cow<'a, [u8]>;

/// A field of a line. An empty value is a fact (nginx had none), a missing one is not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Logged<T> {
    /// The format has no such field.
    #[default]
    No,
    /// Logged as `-` or as nothing.
    Empty,
    Is(T),
}

impl<T> Logged<T> {
    /// The value, where there is one.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::No | Self::Empty => None,
        }
    }

    pub const fn is_logged(&self) -> bool {
        !matches!(self, Self::No)
    }
}

impl<'a> Logged<Text<'a>> {
    /// `-` and nothing read as empty.
    pub fn text(value: impl Into<Text<'a>>) -> Self {
        let value = value.into();
        if matches!(value.as_ref(), b"" | b"-") { Self::Empty } else { Self::Is(value) }
    }

    /// The bytes, empty where there are none.
    pub fn bytes(&self) -> &[u8] {
        self.value().map_or(&[], AsRef::as_ref)
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessLine<'a> {
    /// The kubelet's stamp, else the line's own time.
    pub at: Option<DateTime<Utc>>,
    pub client: Logged<Text<'a>>,
    /// As sent: case and port are the client's.
    pub host: Logged<Text<'a>>,
    pub method: Logged<Text<'a>>,
    /// The request target with its query; the normalised path where the format logs only that.
    pub target: Logged<Text<'a>>,
    pub status: Option<u16>,
    /// Bytes of the body that the client got.
    pub body_bytes: Option<u64>,
    /// The upstream that was to answer, by the proxy's name for it.
    pub upstream: Logged<Text<'a>>,
    /// The canary's upstream, when it took the request.
    pub alternative: Logged<Text<'a>>,
    /// Addresses of all attempts, a list as described above.
    pub addresses: Logged<Text<'a>>,
    /// Body bytes received of each attempt.
    pub lengths: Logged<Text<'a>>,
    /// Status of each attempt.
    pub statuses: Logged<Text<'a>>,
    /// Namespace, Ingress and Service of the rule that took the request.
    pub namespace: Logged<Text<'a>>,
    pub ingress: Logged<Text<'a>>,
    pub service: Logged<Text<'a>>,
}

impl AccessLine<'_> {
    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        self.target.value().map(|target| path_of(target))
    }

    /// The host as routing compares it: without port and one trailing dot. Case is left alone.
    #[must_use]
    pub fn host_name(&self) -> Option<&[u8]> {
        let host = self.host.value()?.as_ref();
        let bare = match memchr::memrchr(b':', host) {
            Some(colon) if !host.ends_with(b"]") => host.get(..colon)?,
            _ => host,
        };
        Some(bare.strip_suffix(b".").unwrap_or(bare))
    }
}

/// A request target's path.
#[must_use]
pub fn path_of(target: &[u8]) -> &[u8] {
    memchr::memchr2(b'?', b'#', target).and_then(|end| target.get(..end)).unwrap_or(target)
}

/// One value of an `$upstream_*` list with the group it stands in: group 0 before the first internal
/// redirect, 1 after it, and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt<'a> {
    pub group: usize,
    /// Empty where the proxy had nothing to print.
    pub value: &'a [u8],
}

/// The values of an `$upstream_*` list, in order.
pub fn attempts(list: &[u8]) -> impl Iterator<Item = Attempt<'_>> {
    let mut rest = (!list.is_empty()).then_some(list);
    let mut group = 0;
    std::iter::from_fn(move || {
        let current = rest?;
        let mine = group;
        let mut from = 0;
        loop {
            let Some(at) = current.get(from..).and_then(|tail| tail.iter().position(|b| *b == b' ')) else {
                rest = None;
                return Some(Attempt { group: mine, value: trim(current) });
            };
            let space = from + at;
            let before = current.get(..space)?;
            let after = current.get(space + 1..)?;
            if let Some(value) = before.strip_suffix(b",") {
                rest = Some(after);
                return Some(Attempt { group: mine, value: trim(value) });
            }
            if let Some(tail) = after.strip_prefix(b": ") {
                rest = Some(tail);
                group += 1;
                return Some(Attempt { group: mine, value: trim(before) });
            }
            from = space + 1;
        }
    })
}

fn trim(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    if value == b"-" { &[] } else { value }
}

/// Undoes nginx's default escaping (`\x22` for a quote, a backslash, control and non-ASCII bytes).
#[must_use]
pub fn unescape(text: &[u8]) -> Text<'_> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                hex(*high).zip(hex(*low)).map(|(h, l)| (h * 16 + l, after))
            }
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, tail));
        out.push(byte);
        rest = after;
    }
    Cow::Owned(out)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_split_into_attempts_and_groups() {
        let check = |list: &str, expected: &[(usize, &str)]| {
            let found: Vec<(usize, String)> = attempts(list.as_bytes())
                .map(|a| (a.group, String::from_utf8_lossy(a.value).into_owned()))
                .collect();
            let expected: Vec<(usize, String)> =
                expected.iter().map(|(g, v)| (*g, (*v).to_owned())).collect();
            assert_eq!(found, expected, "{list}");
        };
        check("10.0.0.1:80", &[(0, "10.0.0.1:80")]);
        check("10.0.0.1:80, 10.0.0.2:80", &[(0, "10.0.0.1:80"), (0, "10.0.0.2:80")]);
        check("10.0.0.1:80 : 10.0.0.2:80", &[(0, "10.0.0.1:80"), (1, "10.0.0.2:80")]);
        check("502, 404 : 404", &[(0, "502"), (0, "404"), (1, "404")]);
        check("- : 404", &[(0, ""), (1, "404")]);
        check("[::1]:80, [fd00::2]:80", &[(0, "[::1]:80"), (0, "[fd00::2]:80")]);
        check("-", &[(0, "")]);
        check("", &[]);
    }

    #[test]
    fn escapes_are_undone_once() {
        assert_eq!(
            unescape(br"odd \x22quoted\x22 \x5Cx22"),
            Cow::Borrowed(br#"odd "quoted" \x22"#.as_slice())
        );
        assert!(matches!(unescape(b"plain"), Cow::Borrowed(b"plain")));
        assert_eq!(unescape(br"\x2"), Cow::Borrowed(br"\x2".as_slice()));
    }

    #[test]
    fn the_host_is_compared_without_port_and_trailing_dot() {
        for (host, name) in [
            ("Shop.example.com:8080", "Shop.example.com"),
            ("a.b.", "a.b"),
            ("[::1]", "[::1]"),
            ("[::1]:80", "[::1]"),
        ] {
            let line = AccessLine { host: Logged::text(host.as_bytes()), ..AccessLine::default() };
            assert_eq!(line.host_name(), Some(name.as_bytes()), "{host}");
        }
    }
}

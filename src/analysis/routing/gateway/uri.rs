//! A request's path as proxies read it: escapes resolved that mean nothing, `//`, `/./` and `/../` taken
//! out. The Gateway API says nothing about it; this is what Traefik does, and Envoy with the settings
//! that its users of the Gateway API give it does the same.
//!
//! Sources: traefik/traefik `pkg/server/server_entrypoint_tcp.go` (`normalizePath`, `sanitizePath`),
//! `pkg/muxer/http/mux.go` (`withRoutingPath`), v3.7.13; Go `net/url` (`EscapedPath`, `JoinPath`).

use percent_encoding::percent_decode_str;

/// A path in the two forms that proxies work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Path {
    /// As the upstream receives it when no filter changes it.
    pub(in crate::analysis::routing) escaped: String,
    /// As rules are compared with it: all but reserved characters decoded.
    pub(in crate::analysis::routing) decoded: String,
}

/// Reads a path; `None` when an escape in it is malformed, which proxies refuse with 400.
pub(in crate::analysis::routing) fn read(raw: &str) -> Option<Path> {
    let normal = resolve_escapes(raw)?;
    let escaped = clean(&as_sendable(&normal));
    let decoded = decode_unreserved(&escaped);
    Some(Path { escaped, decoded })
}

/// Upper-case escapes, and none for characters that need none.
fn resolve_escapes(raw: &str) -> Option<String> {
    let mut normal = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((head, tail)) = rest.split_once('%') {
        normal.push_str(head);
        let digits = tail.get(..2)?;
        let byte =
            u8::from_str_radix(digits, 16).ok().filter(|_| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        if is_unreserved(byte) {
            normal.push(char::from(byte));
        } else {
            normal.push('%');
            normal.push_str(&digits.to_ascii_uppercase());
        }
        rest = tail.get(2..)?;
    }
    normal.push_str(rest);
    Some(normal)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The path itself when all of its characters may be sent, else all of it escaped anew.
fn as_sendable(path: &str) -> String {
    let may_stand = |byte: u8| {
        is_unreserved(byte)
            || matches!(
                byte,
                b'/' | b'%'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b';'
                    | b'='
                    | b':'
                    | b'@'
                    | b'['
                    | b']'
            )
    };
    if path.bytes().all(may_stand) { path.to_owned() } else { escape_bytes(percent_decode_str(path)) }
}

/// A decoded path as it is sent.
pub(in crate::analysis::routing) fn escape(path: &str) -> String {
    escape_bytes(path.bytes())
}

fn escape_bytes(bytes: impl Iterator<Item = u8>) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::new();
    for byte in bytes {
        if is_unreserved(byte) || matches!(byte, b'/' | b'$' | b'&' | b'+' | b',' | b':' | b';' | b'=' | b'@')
        {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Without empty and dot segments; a slash at the end stays.
pub(in crate::analysis::routing) fn clean(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let mut cleaned = String::with_capacity(path.len());
    for segment in &segments {
        cleaned.push('/');
        cleaned.push_str(segment);
    }
    if cleaned.is_empty() || path.ends_with('/') {
        cleaned.push('/');
    }
    cleaned
}

/// Decodes all escapes but those of reserved characters. Bytes that are no text stay escaped.
fn decode_unreserved(escaped: &str) -> String {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((head, tail)) = rest.split_once('%') {
        bytes.extend_from_slice(head.as_bytes());
        let (digits, after) = tail.split_at_checked(2).unwrap_or((tail, ""));
        match u8::from_str_radix(digits, 16) {
            Ok(byte) if !is_reserved(byte) => bytes.push(byte),
            Ok(_) | Err(_) => {
                bytes.push(b'%');
                bytes.extend_from_slice(digits.as_bytes());
            }
        }
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).unwrap_or_else(|_| escaped.to_owned())
}

const fn is_reserved(byte: u8) -> bool {
    matches!(
        byte,
        b':' | b'/'
            | b'?'
            | b'#'
            | b'['
            | b']'
            | b'@'
            | b'!'
            | b'$'
            | b'&'
            | b'\''
            | b'('
            | b')'
            | b'*'
            | b'+'
            | b','
            | b';'
            | b'='
            | b'%'
    )
}

/// The values of a query parameter, decoded, in order. Both `&` and `;` separate.
pub(in crate::analysis::routing) fn query_values<'q>(
    query: &'q str,
    name: &'q str,
) -> impl Iterator<Item = String> + 'q {
    query.split(['&', ';']).filter_map(move |pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (!pair.is_empty() && form_decoded(key)? == name).then(|| form_decoded(value)).flatten()
    })
}

/// `None` for a malformed escape, whose pair is passed over.
fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let mut escapes = spaced.split('%').skip(1);
    let well_formed =
        escapes.all(|tail| tail.get(..2).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())));
    well_formed.then(|| percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_the_proxy_reads_them() {
        for (raw, escaped, decoded) in [
            ("/foo", "/foo", "/foo"),
            ("//a//b/./c/../d/", "/a/b/d/", "/a/b/d/"),
            ("/a/..", "/", "/"),
            ("/a/b/..", "/a", "/a"),
            ("/%2e%2e/x", "/x", "/x"),
            ("/%46oo/%7e", "/Foo/~", "/Foo/~"),
            ("/a%2fb", "/a%2Fb", "/a%2Fb"),
            ("/a%252Fb", "/a%252Fb", "/a%252Fb"),
            ("/caf%c3%a9", "/caf%C3%A9", "/café"),
            ("/a%20b", "/a%20b", "/a b"),
            ("/a|b%2Fc", "/a%7Cb/c", "/a|b/c"),
            ("/a;v=1", "/a;v=1", "/a;v=1"),
            ("/%ff", "/%FF", "/%FF"),
        ] {
            let path = read(raw).expect(raw);
            assert_eq!((path.escaped.as_str(), path.decoded.as_str()), (escaped, decoded), "{raw}");
        }
        for raw in ["/%zz", "/%2", "/%", "/%é", "/%+1"] {
            assert_eq!(read(raw), None, "{raw}");
        }
    }

    #[test]
    fn query_parameters_are_decoded_and_keep_their_order() {
        for (query, expected) in [
            ("a=1&b=2&a=3", &["1", "3"][..]),
            ("a=1+2;a=1%202", &["1 2", "1 2"]),
            ("a", &[""]),
            ("A=1", &[]),
            ("%61=x&a=%zz&&a=y", &["x", "y"]),
            ("", &[]),
        ] {
            assert_eq!(query_values(query, "a").collect::<Vec<_>>(), expected, "{query}");
        }
    }
}

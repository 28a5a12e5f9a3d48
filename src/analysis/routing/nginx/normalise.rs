//! The path that nginx matches: percent-decoded, slashes merged, dot segments resolved.
//!
//! Source: nginx 1.27 `src/http/ngx_http_parse.c` (`ngx_http_parse_complex_uri`), with
//! `merge_slashes on`. Decoded slashes and dots count like written ones; decoded `%`, `#` and `?` are
//! ordinary characters.

/// Why nginx answers 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Malformed;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Usual,
    Slash,
    Dot,
    DotDot,
}

/// Normalises a path that starts with a slash; the result does, too, and may be no UTF-8.
pub(in crate::analysis::routing) fn normalise(path: &str) -> Result<Vec<u8>, Malformed> {
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    let mut state = State::Usual;
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let (byte, plain) = match byte {
            b'%' => {
                let decoded = hex(bytes.next())? << 4 | hex(bytes.next())?;
                if decoded == 0 {
                    return Err(Malformed);
                }
                (decoded, matches!(decoded, b'%' | b'#' | b'?'))
            }
            b'#' | b'?' => break,
            other => (other, false),
        };
        state = match (byte, state) {
            (b'/', State::Slash) => State::Slash,
            (b'/', State::Dot) => {
                out.pop();
                State::Slash
            }
            (b'/', State::DotDot) => {
                leave(&mut out)?;
                State::Slash
            }
            (b'/', State::Usual) => {
                out.push(byte);
                State::Slash
            }
            (b'.', State::Slash) if !plain => {
                out.push(byte);
                State::Dot
            }
            (b'.', State::Dot) if !plain => {
                out.push(byte);
                State::DotDot
            }
            (_, _) => {
                out.push(byte);
                State::Usual
            }
        };
    }
    match state {
        State::Dot => {
            out.pop();
        }
        State::DotDot => leave(&mut out)?,
        State::Usual | State::Slash => {}
    }
    Ok(out)
}

/// Drops `..` and the segment before it; there must be one.
fn leave(out: &mut Vec<u8>) -> Result<(), Malformed> {
    let segment = out.len().checked_sub(4).ok_or(Malformed)?;
    let before = out.get(..=segment).ok_or(Malformed)?;
    let slash = before.iter().rposition(|byte| *byte == b'/').ok_or(Malformed)?;
    out.truncate(slash + 1);
    Ok(())
}

fn hex(digit: Option<u8>) -> Result<u8, Malformed> {
    match digit {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
        Some(digit @ b'A'..=b'F') => Ok(digit - b'A' + 10),
        Some(_) | None => Err(Malformed),
    }
}

/// Escapes a path as nginx does before it sends it on.
///
/// Source: nginx 1.27 `src/core/ngx_string.c` (`ngx_escape_uri`, `NGX_ESCAPE_URI`).
pub(in crate::analysis::routing) fn escape(path: &[u8]) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path {
        let kept = byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'"' | b'#' | b'%' | b'<' | b'>' | b'?' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
            );
        if kept {
            out.push(char::from(*byte));
        } else {
            out.push_str(&format_byte(*byte));
        }
    }
    out
}

fn format_byte(byte: u8) -> String {
    format!("%{byte:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_merged_and_resolved() {
        for (path, expected) in [
            ("/", Some("/")),
            ("/a/b", Some("/a/b")),
            ("//a///b", Some("/a/b")),
            ("/x/../a/b", Some("/a/b")),
            ("/x/./a", Some("/x/a")),
            ("/%61/b", Some("/a/b")),
            ("/a%2Fb", Some("/a/b")),
            ("/a%2f%2Fb", Some("/a/b")),
            ("/a/%2e%2E/b", Some("/b")),
            ("/a/%2e", Some("/a/")),
            ("/a/.", Some("/a/")),
            ("/a/..", Some("/")),
            ("/a/b/../..", Some("/")),
            ("/a/...", Some("/a/...")),
            ("/a/.b", Some("/a/.b")),
            ("/a/..b", Some("/a/..b")),
            ("/a.", Some("/a.")),
            ("/%3Fx%23%25", Some("/?x#%")),
            ("/a%20b", Some("/a b")),
            ("/a+b", Some("/a+b")),
            ("/..", None),
            ("/../x", None),
            ("/a/../../x", None),
            ("/%00", None),
            ("/%zz", None),
            ("/%4", None),
            ("/%", None),
        ] {
            let found = normalise(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            assert_eq!(found.as_deref(), expected, "{path}");
        }
        assert_eq!(normalise("/%ff"), Ok(vec![b'/', 0xff]));
    }

    #[test]
    fn what_a_rewrite_made_is_escaped_again() {
        for (path, expected) in [
            (&b"/a b"[..], "/a%20b"),
            (b"/a%\"<>\\^`{|}", "/a%25%22%3C%3E%5C%5E%60%7B%7C%7D"),
            (b"/\xc3\xa9?x", "/%C3%A9%3Fx"),
            (b"/a+b;c=d&e~'()*!$,:@[]", "/a+b;c=d&e~'()*!$,:@[]"),
        ] {
            assert_eq!(escape(path), expected);
        }
    }
}

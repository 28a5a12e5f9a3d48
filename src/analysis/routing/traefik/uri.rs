//! The path of a request as Traefik keeps it: decoded, with the written form as a hint, the way Go's
//! `net/url` does, and what an entry point makes of it before any rule is tried.
//!
//! Order: malformed escapes are refused → unreserved escapes are decoded and the others written in
//! upper case → dot segments and repeated slashes go (`sanitizePath`) → rules see a path in which only
//! reserved characters are still escaped.
//! A written form that holds a byte Go would escape is given up: the path is then escaped anew from its
//! decoded form, in which `%2F` has become a slash.
//! Sources: traefik/traefik `pkg/server/server_entrypoint_tcp.go` (`normalizePath`, `sanitizePath`),
//! `pkg/muxer/http/mux.go` (`withRoutingPath`), v3.7.13; Go 1.26 `net/url`, `path`.

/// Why Go refuses a request target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Malformed;

/// A path, decoded, and how it is written where that is not Go's own way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Uri {
    pub(in crate::analysis::routing) path: Vec<u8>,
    /// Empty where escaping the decoded path gives the written one.
    raw: Vec<u8>,
}

impl Uri {
    /// Reads an escaped path.
    pub(in crate::analysis::routing) fn parse(escaped: &[u8]) -> Result<Self, Malformed> {
        let path = unescape(escaped)?;
        let raw = if escape(&path) == escaped { Vec::new() } else { escaped.to_vec() };
        Ok(Self { path, raw })
    }

    /// A written form that is kept as it is, Go's own or not.
    pub(in crate::analysis::routing) fn with_raw(raw: Vec<u8>) -> Result<Self, Malformed> {
        Ok(Self { path: unescape(&raw)?, raw })
    }

    /// The written form; empty where it is Go's own.
    pub(in crate::analysis::routing) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The path escaped, as it is sent on.
    pub(in crate::analysis::routing) fn escaped(&self) -> Vec<u8> {
        let honest = || unescape(&self.raw).is_ok_and(|path| path == self.path);
        if !self.raw.is_empty() && self.raw.iter().all(|byte| may_stand(*byte)) && honest() {
            return self.raw.clone();
        }
        if self.path == b"*" { self.path.clone() } else { escape(&self.path) }
    }

    /// Decodes unreserved escapes and writes the others in upper case.
    pub(in crate::analysis::routing) fn normalise(&mut self) {
        if self.raw.is_empty() {
            return;
        }
        let mut out = Vec::with_capacity(self.raw.len());
        for piece in pieces(&self.raw) {
            match piece {
                Piece::Plain(byte) => out.push(byte),
                Piece::Escape(byte) if is_unreserved(byte) => out.push(byte),
                Piece::Escape(byte) => push_escape(&mut out, byte),
            }
        }
        self.raw = out;
    }

    /// Resolves dot segments and merges slashes; a slash at the end stays.
    pub(in crate::analysis::routing) fn sanitise(&self) -> Self {
        let escaped = self.escaped();
        let rooted = escaped.first() == Some(&b'/');
        let mut clean = if rooted { clean(&escaped) } else { clean(&[b"/", escaped.as_slice()].concat()) };
        if !rooted {
            clean.remove(0);
        }
        if escaped.last() == Some(&b'/') && clean.last() != Some(&b'/') {
            clean.push(b'/');
        }
        Self::parse(&clean).unwrap_or_else(|_| self.clone())
    }

    /// What rules are matched with: reserved characters stay escaped.
    pub(in crate::analysis::routing) fn routing_path(&self) -> Vec<u8> {
        let escaped = self.escaped();
        let mut out = Vec::with_capacity(escaped.len());
        for piece in pieces(&escaped) {
            match piece {
                Piece::Plain(byte) => out.push(byte),
                Piece::Escape(byte) if is_reserved(byte) => push_escape(&mut out, byte),
                Piece::Escape(byte) => out.push(byte),
            }
        }
        out
    }
}

enum Piece {
    Plain(u8),
    /// The byte that an escape stands for.
    Escape(u8),
}

/// The bytes of an escaped text; what is no escape is plain.
fn pieces(text: &[u8]) -> impl Iterator<Item = Piece> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *text.get(at)?;
        let escape = |at: usize| Some(hex(*text.get(at + 1)?)? << 4 | hex(*text.get(at + 2)?)?);
        match (byte, escape(at)) {
            (b'%', Some(decoded)) => {
                at += 3;
                Some(Piece::Escape(decoded))
            }
            (_, _) => {
                at += 1;
                Some(Piece::Plain(byte))
            }
        }
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Decodes every escape.
pub(in crate::analysis::routing) fn unescape(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    pieces(text)
        .map(|piece| match piece {
            Piece::Plain(b'%') => Err(Malformed),
            Piece::Plain(byte) | Piece::Escape(byte) => Ok(byte),
        })
        .collect()
}

fn escape(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    for byte in path {
        if is_unreserved(*byte)
            || matches!(byte, b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'@')
        {
            out.push(*byte);
        } else {
            push_escape(&mut out, *byte);
        }
    }
    out
}

fn push_escape(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
    out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Characters that mean something else once they are decoded.
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

/// Bytes of a written form with which Go keeps it.
const fn may_stand(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$'
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
                | b'%'
                | b'/'
        )
}

/// Go's `path.Clean` of a path that begins with a slash.
pub(in crate::analysis::routing) fn clean(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let mut out = Vec::with_capacity(path.len());
    for segment in segments {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    if out.is_empty() {
        out.push(b'/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn a_path_is_normalised_sanitised_and_decoded_for_routing() {
        for (target, upstream, routing) in [
            ("/", "/", "/"),
            ("/a/b", "/a/b", "/a/b"),
            ("//a///b", "/a/b", "/a/b"),
            ("/x/./a/../b/", "/x/b/", "/x/b/"),
            ("/..", "/", "/"),
            ("/a/.", "/a", "/a"),
            ("/a/..", "/", "/"),
            ("/a/...", "/a/...", "/a/..."),
            ("/%61%2e%2E/b", "/a../b", "/a../b"),
            ("/a/%2e%2e/b", "/b", "/b"),
            ("/a%2fb", "/a%2Fb", "/a%2Fb"),
            ("/a%20b", "/a%20b", "/a b"),
            ("/a%5cb", "/a%5Cb", "/a\\b"),
            ("/a%00", "/a%00", "/a\0"),
            ("/a%252e", "/a%252e", "/a%252e"),
            ("/a;b=c@d:e+f~", "/a;b=c@d:e+f~", "/a;b=c@d:e+f~"),
            ("/a(b)!*'[c]", "/a(b)!*'[c]", "/a(b)!*'[c]"),
            ("/a{b", "/a%7Bb", "/a{b"),
            ("/a%2Fb{c", "/a/b%7Bc", "/a/b{c"),
            ("/caf\u{e9}", "/caf%C3%A9", "/caf\u{e9}"),
            ("/caf%c3%a9", "/caf%C3%A9", "/caf\u{e9}"),
        ] {
            let mut uri = Uri::parse(target.as_bytes()).expect(target);
            uri.normalise();
            let uri = uri.sanitise();
            assert_eq!((text(&uri.escaped()), text(&uri.routing_path())), (upstream.into(), routing.into()));
        }
    }

    #[test]
    fn malformed_escapes_are_refused() {
        for target in ["/%", "/%4", "/%zz", "/a%2"] {
            assert_eq!(Uri::parse(target.as_bytes()), Err(Malformed), "{target}");
        }
    }

    #[test]
    fn relative_paths_stay_relative() {
        let uri = Uri::parse(b"foo/../bar/").expect("a path");
        assert_eq!(text(&uri.sanitise().escaped()), "bar/");
    }
}

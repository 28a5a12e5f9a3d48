//! The path as Envoy matches it and sends it on.
//!
//! `normalize_path`: dot segments are resolved, escaped dots among them, backslashes become slashes,
//! escapes of unreserved characters are decoded, other odd characters are escaped, and `%00` is
//! refused; escaped slashes and malformed escapes stay. `merge_slashes` then makes one slash of many.
//! Sources: Envoy 1.38 `source/common/http/path_utility.cc`; googleurl `url/url_canon_path.cc`.

/// What is done to a path before it is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Normalisation {
    /// Dot segments, backslashes and escapes.
    pub(in crate::analysis::routing) resolves: bool,
    pub(in crate::analysis::routing) merges_slashes: bool,
    /// Escaped slashes and backslashes count as slashes.
    pub(in crate::analysis::routing) decodes_slashes: bool,
}

/// Normalises a path; `None` where Envoy answers 400.
pub(in crate::analysis::routing) fn normalise(path: &str, how: Normalisation) -> Option<String> {
    let path = if how.decodes_slashes { decoded(path) } else { path.to_owned() };
    let resolved = if how.resolves { resolved(&path)? } else { path };
    if !how.merges_slashes {
        return Some(resolved);
    }
    // The first slash and the last one are kept, also of a path that is nothing else.
    if resolved.len() > 1 && resolved.bytes().all(|byte| byte == b'/') {
        return Some("//".to_owned());
    }
    let mut merged = String::with_capacity(resolved.len());
    for c in resolved.chars() {
        if !(c == '/' && merged.ends_with('/')) {
            merged.push(c);
        }
    }
    Some(merged)
}

fn decoded(path: &str) -> String {
    ["%2f", "%2F", "%5c", "%5C"].iter().fold(path.to_owned(), |path, escape| path.replace(escape, "/"))
}

/// Without dot segments, backslashes and needless escapes; `None` where it holds `%00`.
fn resolved(path: &str) -> Option<String> {
    let mut segments: Vec<String> = Vec::new();
    let slashed = path.replace('\\', "/");
    let rest = slashed.strip_prefix('/').unwrap_or(&slashed);
    let parts: Vec<&str> = rest.split('/').collect();
    let last = parts.len().saturating_sub(1);
    for (at, part) in parts.iter().enumerate() {
        let segment = canonical(part)?;
        match segment.as_str() {
            "." if at == last => segments.push(String::new()),
            "." => {}
            ".." => {
                segments.pop();
                if at == last {
                    segments.push(String::new());
                }
            }
            _ => segments.push(segment),
        }
    }
    Some(format!("/{}", segments.join("/")))
}

/// One segment, its escapes decoded or left.
fn canonical(segment: &str) -> Option<String> {
    let bytes = segment.as_bytes();
    let mut out = String::with_capacity(segment.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        at += 1;
        if byte == b'%' {
            match escaped(bytes.get(at).copied(), bytes.get(at + 1).copied()) {
                Some(0) => return None,
                Some(decoded) if is_unreserved(decoded) => {
                    out.push(char::from(decoded));
                    at += 2;
                }
                Some(_) => {
                    out.push('%');
                    out.push_str(segment.get(at..at + 2).unwrap_or_default());
                    at += 2;
                }
                None => out.push('%'),
            }
        } else if is_escaped(byte) {
            out.push_str(&hex(byte));
        } else {
            out.push(char::from(byte));
        }
    }
    Some(out)
}

fn hex(byte: u8) -> String {
    format!("%{byte:02X}")
}

fn escaped(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Characters that do not stand in a path as they are.
const fn is_escaped(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x7f..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(merges_slashes: bool, cases: &[(&str, Option<&str>)]) {
        for (path, expected) in cases {
            let found =
                normalise(path, Normalisation { resolves: true, merges_slashes, decodes_slashes: false });
            assert_eq!(found.as_deref(), *expected, "{path}");
        }
    }

    #[test]
    fn dots_slashes_and_escapes_are_resolved() {
        check(
            true,
            &[
                ("/", Some("/")),
                ("/a/b", Some("/a/b")),
                ("/a/", Some("/a/")),
                ("//a///b", Some("/a/b")),
                ("//", Some("//")),
                ("////", Some("//")),
                ("/.//", Some("//")),
                ("/a/./b", Some("/a/b")),
                ("/a/../b", Some("/b")),
                ("/a/%2e%2E/b", Some("/b")),
                ("/a/..", Some("/")),
                ("/a/b/..", Some("/a/")),
                ("/a/.", Some("/a/")),
                ("/../../x", Some("/x")),
                ("/a/...", Some("/a/...")),
                ("/%61%2Fb", Some("/a%2Fb")),
                ("/a%2fb", Some("/a%2fb")),
                ("/a\\b", Some("/a/b")),
                ("/a%5Cb", Some("/a%5Cb")),
                ("/a%252Fb", Some("/a%252Fb")),
                ("/a%zz", Some("/a%zz")),
                ("/a%", Some("/a%")),
                ("/a%00", None),
                ("/a\"b", Some("/a%22b")),
                ("/a(b|c)[1]", Some("/a(b%7Cc)[1]")),
                ("/é", Some("/%C3%A9")),
            ],
        );
    }

    #[test]
    fn slashes_may_stay() {
        check(false, &[("//a//b", Some("//a//b")), ("/a//../b", Some("/a/b")), ("/a/./b", Some("/a/b"))]);
    }
}

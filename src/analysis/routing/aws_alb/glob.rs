//! Patterns of an Application Load Balancer: `*` is any run of characters, `?` is one.
//!
//! Source: Elastic Load Balancing user guide, host and path conditions.

/// Whether a pattern has characters that stand for others.
pub(super) fn has_wildcards(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

/// Whether a pattern takes a whole text, in linear time and space.
pub(super) fn takes(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || text.get(t) == Some(byte) => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((after, from)) = retry else { return false };
                retry = Some((after, from + 1));
                p = after;
                t = from + 1;
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_take_runs_and_question_marks_one() {
        for (pattern, text, expected) in [
            ("/foo", "/foo", true),
            ("/foo", "/foo/", false),
            ("/foo/*", "/foo/", true),
            ("/foo/*", "/foo", false),
            ("/foo*", "/foobar/x", true),
            ("/*/x", "/a/b/x", true),
            ("/*/x", "/a/b/y", false),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("*.foo.com", "a.b.foo.com", true),
            ("*.foo.com", "foo.com", false),
            ("*", "", true),
            ("/Foo", "/foo", false),
            ("*a*b*c", "xxaxxbxxbc", true),
        ] {
            assert_eq!(takes(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}

//! `path-rewrite`: HAProxy's `replace-path`, which replaces the whole path where a pattern is found.
//!
//! One rule a line, `PATTERN FORMAT` or a `FORMAT` alone; groups are `\0` to `\9`. Formats with
//! expressions (`%[…]`) are not evaluated.
//! Sources: haproxytech/kubernetes-ingress `pkg/annotations/ingress/reqPathRewrite.go`, 3.2; HAProxy
//! 3.2 `src/http_act.c` (`http_action_replace_uri`), `src/regex.c` (`exp_replace`).

use std::fmt;

use crate::analysis::routing::nginx::pattern::Pattern;

#[derive(Debug)]
pub(super) struct Rewrite {
    pattern: Pattern,
    format: String,
}

impl Rewrite {
    /// The rules of an annotation, up to the first line that is none.
    pub(super) fn all(value: &str) -> Vec<Self> {
        let rule = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (pattern, format) = match words.as_slice() {
                [format] => ("(.*)", *format),
                [pattern, format] => (*pattern, *format),
                _ => return None,
            };
            Some(Self { pattern: Pattern::new(pattern, false), format: format.to_owned() })
        };
        value.trim().split('\n').map_while(rule).collect()
    }

    /// Whether HAProxy takes the pattern.
    pub(super) fn is_valid(&self) -> bool {
        self.pattern.compiles()
    }

    pub(super) fn pattern(&self) -> &str {
        self.pattern.text()
    }

    /// The path after this rule: unchanged where the pattern is not found, `None` where it cannot be
    /// told.
    pub(super) fn apply(&self, path: &str) -> Option<String> {
        let Some(groups) = self.pattern.captures(path.as_bytes()).ok()? else { return Some(path.to_owned()) };
        if self.format.contains('%') {
            return None;
        }
        let mut out: Vec<u8> = Vec::new();
        let mut rest = self.format.bytes();
        while let Some(byte) = rest.next() {
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            match rest.next() {
                Some(digit @ b'0'..=b'9') => {
                    let group = groups.get(usize::from(digit - b'0'));
                    out.extend_from_slice(group.map(|group| group.as_bytes()).unwrap_or_default());
                }
                Some(other) => out.push(other),
                None => out.push(byte),
            }
        }
        String::from_utf8(out).ok()
    }
}

impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rewrite {:?} {:?}", self.pattern.text(), self.format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_path_is_replaced_where_the_pattern_is_found() {
        for (value, path, expected) in [
            ("/fixed", "/a/b", "/fixed"),
            (r"/foo/?(.*) /\1", "/foo/bar", "/bar"),
            (r"/foo/?(.*) /\1", "/x/foo/bar", "/bar"),
            (r"^/foo/?(.*) /bar/\1", "/x/foo/bar", "/x/foo/bar"),
            (r"(.*) /pre\1", "/a", "/pre/a"),
            ("/v1 /v2", "/api/v1/x", "/v2"),
            ("/a /b\n/b /c", "/a", "/c"),
            ("/a /b\n/x y z", "/a", "/b"),
            (r"/foo/v([0-9]+)/(.*) /\2/\1", "/foo/v12/x", "/x/12"),
        ] {
            let rules = Rewrite::all(value);
            let found = rules.iter().try_fold(path.to_owned(), |path, rule| rule.apply(&path));
            assert_eq!(found.as_deref(), Some(expected), "{value} {path}");
        }
        assert!(Rewrite::all("/a /b /c").is_empty());
        assert_eq!(Rewrite::all("/%[src]").first().and_then(|rule| rule.apply("/a")), None);
    }
}

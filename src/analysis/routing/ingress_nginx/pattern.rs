//! Regular expressions as nginx evaluates them: PCRE2 over bytes, bounded.
//!
//! Assumption: nginx runs PCRE2's default match limit of ten million steps; this program stops far
//! earlier and then says that it does not know.

use std::sync::OnceLock;

use pcre2::bytes::{Captures, Regex, RegexBuilder};

/// Steps after which a match is given up.
const LIMIT: &str = "(*LIMIT_MATCH=200000)";

/// Characters that make a pattern more than literal text; `.` is handled apart.
const SPECIAL: [char; 13] = ['\\', '^', '$', '|', '(', ')', '[', ']', '{', '}', '*', '+', '?'];

/// Whether a text holds nothing but literal characters and dots.
pub(super) fn is_literal(text: &str) -> bool {
    !text.contains(SPECIAL)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    No,
    /// The match was given up.
    Undecided,
}

/// A pattern, compiled when it is first needed.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    caseless: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(super) fn new(text: impl Into<String>, caseless: bool) -> Self {
        Self { text: text.into(), caseless, compiled: OnceLock::new() }
    }

    /// Whether nginx would accept it in its configuration.
    pub(super) fn compiles(&self) -> bool {
        self.regex().is_some()
    }

    pub(super) fn is_match(&self, subject: &[u8]) -> Match {
        match self.regex().map(|regex| regex.is_match(subject)) {
            Some(Ok(true)) => Match::Yes,
            Some(Ok(false)) => Match::No,
            Some(Err(_)) | None => Match::Undecided,
        }
    }

    /// The groups of the first match; `None` when it was given up or there is none.
    pub(super) fn captures<'s>(&self, subject: &'s [u8]) -> Option<Captures<'s>> {
        self.regex()?.captures(subject).ok().flatten()
    }

    fn regex(&self) -> Option<&Regex> {
        let build =
            || RegexBuilder::new().caseless(self.caseless).build(&format!("{LIMIT}{}", self.text)).ok();
        self.compiled.get_or_init(build).as_ref()
    }
}

/// A location of a regex host: `~* "^<path>"`.
#[derive(Debug)]
pub(super) enum LocationPattern {
    /// Plain text, where a dot stands for any character but a line feed.
    Literal(Box<[u8]>),
    Regex(Pattern),
}

impl LocationPattern {
    pub(super) fn new(path: &str) -> Self {
        if is_literal(path) {
            Self::Literal(path.as_bytes().into())
        } else {
            Self::Regex(Pattern::new(format!("^{path}"), true))
        }
    }

    pub(super) fn is_match(&self, uri: &[u8]) -> Match {
        match self {
            Self::Literal(text) => {
                let matched = uri.len() >= text.len()
                    && text.iter().zip(uri).all(|(pattern, byte)| {
                        pattern.eq_ignore_ascii_case(byte) || (*pattern == b'.' && *byte != b'\n')
                    });
                if matched { Match::Yes } else { Match::No }
            }
            Self::Regex(pattern) => pattern.is_match(uri),
        }
    }

    pub(super) fn compiles(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Regex(pattern) => pattern.compiles(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_match_at_the_start_without_regard_to_case() {
        for (path, uri, expected) in [
            ("/foo", "/FOObar", Match::Yes),
            ("/foo", "/fo", Match::No),
            ("/v1.0/x", "/v1-0/X/y", Match::Yes),
            ("/foo/(.*)", "/foo/", Match::Yes),
            ("/foo/(.*)", "/foo", Match::No),
            ("/api/(v1|v2)$", "/api/v2", Match::Yes),
            ("/api/(v1|v2)$", "/api/v2/x", Match::No),
            ("/(?!admin)", "/admin/x", Match::No),
            (r"/a\d+", "/A12", Match::Yes),
        ] {
            assert_eq!(LocationPattern::new(path).is_match(uri.as_bytes()), expected, "{path} {uri}");
        }
    }

    #[test]
    fn literal_text_means_the_same_to_both_engines() {
        for path in ["/foo", "/v1.0/x", "/a-b_c~d", "/"] {
            for uri in ["/foo", "/FOO/bar", "/v1.0/x", "/v1x0/x", "/a-b_c~d/e", "/", "/x"] {
                let fast = LocationPattern::new(path).is_match(uri.as_bytes());
                let slow = Pattern::new(format!("^{path}"), true).is_match(uri.as_bytes());
                assert_eq!(fast, slow, "{path} {uri}");
            }
        }
    }

    #[test]
    fn broken_patterns_are_known_and_endless_ones_given_up() {
        assert!(!LocationPattern::new("/foo(").compiles());
        assert!(!LocationPattern::new("/[z-a]").compiles());
        let endless = LocationPattern::new("/(a+)+$");
        assert!(endless.compiles());
        let subject = format!("/{}b", "a".repeat(64));
        assert_eq!(endless.is_match(subject.as_bytes()), Match::Undecided);
    }
}

//! Regular expressions as nginx evaluates them, and HAProxy: PCRE2 over bytes, bounded.
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
pub(in crate::analysis::routing) fn is_literal(text: &str) -> bool {
    !text.contains(SPECIAL)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Match {
    Yes,
    No,
    /// The match was given up.
    Undecided,
}

/// The match was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) struct GivenUp;

/// A pattern, compiled when it is first needed.
#[derive(Debug)]
pub(in crate::analysis::routing) struct Pattern {
    text: String,
    caseless: bool,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(in crate::analysis::routing) fn new(text: impl Into<String>, caseless: bool) -> Self {
        Self { text: text.into(), caseless, compiled: OnceLock::new() }
    }

    pub(in crate::analysis::routing) fn text(&self) -> &str {
        &self.text
    }

    /// Whether nginx would accept it in its configuration.
    pub(in crate::analysis::routing) fn compiles(&self) -> bool {
        self.regex().is_some()
    }

    pub(in crate::analysis::routing) fn is_match(&self, subject: &[u8]) -> Match {
        match self.regex().map(|regex| regex.is_match(subject)) {
            Some(Ok(true)) => Match::Yes,
            Some(Ok(false)) => Match::No,
            Some(Err(_)) | None => Match::Undecided,
        }
    }

    /// The groups of the first match, if there is one; fails when it was given up.
    pub(in crate::analysis::routing) fn captures<'s>(
        &self,
        subject: &'s [u8],
    ) -> Result<Option<Captures<'s>>, GivenUp> {
        self.regex().ok_or(GivenUp)?.captures(subject).map_err(|_| GivenUp)
    }

    fn regex(&self) -> Option<&Regex> {
        let build =
            || RegexBuilder::new().caseless(self.caseless).build(&format!("{LIMIT}{}", self.text)).ok();
        self.compiled.get_or_init(build).as_ref()
    }
}

/// A location that is a regular expression: `~ "^<path>"`, or `~*` without regard to case.
#[derive(Debug)]
pub(in crate::analysis::routing) enum LocationPattern {
    /// Plain text, where a dot stands for any character but a line feed.
    Literal {
        text: Box<[u8]>,
        caseless: bool,
    },
    Regex(Pattern),
}

impl LocationPattern {
    pub(in crate::analysis::routing) fn new(path: &str, caseless: bool) -> Self {
        if is_literal(path) {
            Self::Literal { text: path.as_bytes().into(), caseless }
        } else {
            Self::Regex(Pattern::new(format!("^{path}"), caseless))
        }
    }

    pub(in crate::analysis::routing) fn is_match(&self, uri: &[u8]) -> Match {
        match self {
            Self::Literal { text, caseless } => {
                let same = |pattern: &u8, byte: &u8| {
                    pattern == byte || (*caseless && pattern.eq_ignore_ascii_case(byte))
                };
                let matched = uri.len() >= text.len()
                    && text
                        .iter()
                        .zip(uri)
                        .all(|(pattern, byte)| same(pattern, byte) || (*pattern == b'.' && *byte != b'\n'));
                if matched { Match::Yes } else { Match::No }
            }
            Self::Regex(pattern) => pattern.is_match(uri),
        }
    }

    pub(in crate::analysis::routing) fn compiles(&self) -> bool {
        match self {
            Self::Literal { .. } => true,
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
            assert_eq!(LocationPattern::new(path, true).is_match(uri.as_bytes()), expected, "{path} {uri}");
        }
    }

    #[test]
    fn literal_text_means_the_same_to_both_engines() {
        for path in ["/foo", "/v1.0/x", "/a-b_c~d", "/"] {
            for uri in ["/foo", "/FOO/bar", "/v1.0/x", "/v1x0/x", "/a-b_c~d/e", "/", "/x"] {
                for caseless in [true, false] {
                    let fast = LocationPattern::new(path, caseless).is_match(uri.as_bytes());
                    let slow = Pattern::new(format!("^{path}"), caseless).is_match(uri.as_bytes());
                    assert_eq!(fast, slow, "{path} {uri}");
                }
            }
        }
    }

    #[test]
    fn broken_patterns_are_known_and_endless_ones_given_up() {
        assert!(!LocationPattern::new("/foo(", true).compiles());
        assert!(!LocationPattern::new("/[z-a]", true).compiles());
        let endless = LocationPattern::new("/(a+)+$", true);
        assert!(endless.compiles());
        let subject = format!("/{}b", "a".repeat(64));
        assert_eq!(endless.is_match(subject.as_bytes()), Match::Undecided);
    }
}

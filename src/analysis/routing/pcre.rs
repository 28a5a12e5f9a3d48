//! Regular expressions as proxies that are built with PCRE evaluate them: over bytes, bounded.
//!
//! Assumption: the proxy would go on for far longer than this program, which then says that it does
//! not know.

use std::sync::OnceLock;

use pcre2::bytes::{Captures, Regex, RegexBuilder};

/// Steps after which a match is given up.
const LIMIT: &str = "(*LIMIT_MATCH=200000)";

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

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether the proxy would take it in its configuration.
    pub(super) fn compiles(&self) -> bool {
        self.regex().is_some()
    }

    /// Whether it is found; `None` when the match was given up.
    pub(super) fn is_match(&self, subject: &str) -> Option<bool> {
        self.regex()?.is_match(subject.as_bytes()).ok()
    }

    /// The groups of the first match, `None` inside where there is none; `None` when it was given up.
    pub(super) fn captures<'s>(&self, subject: &'s str) -> Option<Option<Captures<'s>>> {
        self.regex()?.captures(subject.as_bytes()).ok()
    }

    fn regex(&self) -> Option<&Regex> {
        let build =
            || RegexBuilder::new().caseless(self.caseless).build(&format!("{LIMIT}{}", self.text)).ok();
        self.compiled.get_or_init(build).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_anywhere_unless_anchored() {
        for (pattern, caseless, subject, expected) in [
            ("/b", false, "/a/b", Some(true)),
            ("^/b", false, "/a/b", Some(false)),
            ("/B", true, "/a/b", Some(true)),
            ("/a(?!b)", false, "/ab", Some(false)),
            ("/a(", false, "/a", None),
        ] {
            assert_eq!(Pattern::new(pattern, caseless).is_match(subject), expected, "{pattern}");
        }
    }

    #[test]
    fn endless_matches_are_given_up() {
        let endless = Pattern::new("(a+)+$", false);
        assert!(endless.compiles());
        assert_eq!(endless.is_match(&format!("{}b", "a".repeat(64))), None);
    }
}

//! What keeps many patterns from costing much: the text that each of them begins with, by which the few
//! that can match are found, and which of them an engine takes without compiling them all.
//!
//! Invariant: a text that a pattern matches from its start begins with the pattern's head.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

/// The literal text that every match of `^pattern` begins with; to a pattern without regard to case, in
/// any case.
pub(super) fn literal_head(pattern: &str) -> String {
    let mut head = String::new();
    if has_open_alternation(pattern) {
        return head;
    }
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '\\' => chars.next().filter(|c| c.is_ascii_punctuation() && !"<>".contains(*c)),
            _ => Some(c).filter(|c| c.is_ascii() && !"^$|()[]{}*+?.".contains(*c)),
        };
        // What may be left out, or comes any number of times, ends it.
        match (literal, chars.peek()) {
            (None, _) | (Some(_), Some('*' | '?' | '{')) => break,
            (Some(c), Some('+')) => {
                head.push(c);
                break;
            }
            (Some(c), _) => head.push(c),
        }
    }
    head
}

/// Whether a pattern has alternatives as a whole, outside of groups and classes.
fn has_open_alternation(text: &str) -> bool {
    let (mut depth, mut in_class) = (0_u32, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            // A quotation may hold anything.
            '\\' if chars.next() == Some('Q') => return true,
            '\\' => {}
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth = depth.saturating_sub(1),
            '|' if !in_class && depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// Numbers by the text that must begin what they take; those of one text in the order they were added.
#[derive(Debug, Default)]
pub(super) struct Heads {
    by_text: HashMap<Box<[u8]>, Vec<usize>>,
    lengths: BTreeSet<usize>,
}

impl Heads {
    pub(super) fn add(&mut self, head: &[u8], number: usize) {
        self.lengths.insert(head.len());
        match self.by_text.get_mut(head) {
            Some(numbers) => numbers.push(number),
            None => {
                self.by_text.insert(head.into(), vec![number]);
            }
        }
    }

    /// What can take a text from its start, shorter heads first.
    pub(super) fn of<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'a [usize]> {
        let heads = self.lengths.range(..=text.len()).filter_map(|length| text.get(..*length));
        heads.filter_map(|head| self.by_text.get(head)).map(Vec::as_slice)
    }

    /// The same in order of number.
    pub(super) fn sorted(&self, text: &[u8]) -> Vec<usize> {
        let mut found: Vec<usize> = self.of(text).flatten().copied().collect();
        found.sort_unstable();
        found
    }

    /// What can take a part of a text; the same more than once where it can in several places.
    pub(super) fn within<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'a [usize]> {
        let end = if self.by_text.is_empty() { 0 } else { text.len() + 1 };
        (0..end).filter_map(|at| text.get(at..)).flat_map(|tail| self.of(tail))
    }

    pub(super) fn lists(&self) -> impl Iterator<Item = &Vec<usize>> {
        self.by_text.values()
    }

    pub(super) fn lists_mut(&mut self) -> impl Iterator<Item = &mut Vec<usize>> {
        self.by_text.values_mut()
    }
}

/// Which patterns an engine takes. Those that differ in literal text only are tried once: many rules of a
/// cluster are alike.
#[derive(Debug, Default)]
pub(super) struct Accepted(RefCell<HashMap<String, bool>>);

impl Accepted {
    /// What `accepts` says of the pattern, or said of one like it.
    pub(super) fn is(&self, pattern: &str, accepts: impl FnOnce() -> bool) -> bool {
        let key = skeleton(pattern);
        *self.0.borrow_mut().entry(key).or_insert_with(accepts)
    }
}

/// Patterns beyond this may be too large.
const LONG: usize = 1_000;

/// A pattern with one letter for each run of literal text; as it is where letters can be more than that.
fn skeleton(pattern: &str) -> String {
    let pattern = pattern.strip_prefix("(?i)").unwrap_or(pattern);
    let is_more = pattern.contains(['\\', '[', '{']) || pattern.contains("(?") || pattern.contains("(*");
    if is_more || pattern.len() > LONG {
        return pattern.to_owned();
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_".contains(c);
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match is_plain(c) {
            true if out.ends_with('a') => {}
            true => out.push('a'),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_head_is_what_every_match_begins_with() {
        for (pattern, head) in [
            ("/foo", "/foo"),
            ("/Foo(/|$)(.*)", "/Foo"),
            ("/foo?", "/fo"),
            ("/foo*x", "/fo"),
            ("/foo{2}", "/fo"),
            ("/foo+", "/foo"),
            ("/v1.0", "/v1"),
            ("/a|/b", ""),
            ("/a[|]b", "/a"),
            (r"/a\|b\.c\d", "/a|b.c"),
            (r"/a\.?", "/a"),
            (r"/a\Q(\E|b", ""),
            ("(?i)/foo", ""),
            ("/ä", "/"),
            ("", ""),
        ] {
            assert_eq!(literal_head(pattern), head, "{pattern}");
        }
    }

    #[test]
    fn numbers_are_found_by_what_they_begin_with() {
        let mut heads = Heads::default();
        for (number, head) in ["/a/b", "", "/a", "/b"].into_iter().enumerate() {
            heads.add(head.as_bytes(), number);
        }
        for (text, start, within) in [
            ("/a/b/c", &[0, 1, 2][..], &[0, 1, 2, 3][..]),
            ("/ab", &[1, 2], &[1, 2]),
            ("x/a", &[1], &[1, 2]),
            ("", &[1], &[1]),
        ] {
            assert_eq!(heads.sorted(text.as_bytes()), start, "{text}");
            let mut found: Vec<usize> = heads.within(text.as_bytes()).flatten().copied().collect();
            found.sort_unstable();
            found.dedup();
            assert_eq!(found, within, "{text}");
        }
    }

    #[test]
    fn patterns_are_alike_that_differ_in_literal_text() {
        for (one, other, alike) in [
            ("/team-1/part(/|$)(.*)", "/x(/|$)(.*)", true),
            ("/a", "/a/b_c", true),
            ("/a(", "/a(b", false),
            ("/a*", "/a*b", false),
            ("/a{1,2}", "/a{2,1}", false),
            (r"/\d", r"/\y", false),
            ("/[a-z]", "/[z-a]", false),
            ("(?i)/a", "(?i)/b", true),
            ("(?y)/a", "(?i)/a", false),
        ] {
            assert_eq!(skeleton(one) == skeleton(other), alike, "{one} {other}");
        }
        let accepted = Accepted::default();
        assert!(accepted.is("/a(b)", || true));
        assert!(accepted.is("/c(d)", || false), "it is not asked again");
        assert!(!accepted.is("/c(d", || false));
    }
}

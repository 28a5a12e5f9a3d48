//! Paths as patterns: what counts as one, how many groups it has, and texts that it matches.
//!
//! Assumption: nginx compiles paths of a regex host with PCRE; what that library refuses has no answer
//! here. Source: nginx 1.27 with PCRE2.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Whether a path holds no character that means more than itself in a pattern, the dot aside: nobody
/// who writes `/robots.txt` means a pattern.
#[must_use]
pub fn is_literal(path: &str) -> bool {
    !path.contains(['\\', '^', '$', '|', '?', '*', '+', '(', ')', '[', ']', '{', '}'])
}

/// A pattern compiled as nginx does for a location: from the start, without case.
#[must_use]
pub fn location(path: &str) -> Option<pcre2::bytes::Regex> {
    pcre2::bytes::RegexBuilder::new().caseless(true).build(&format!("^{path}")).ok()
}

/// How many groups a path captures; `None` where it is no pattern that PCRE takes.
#[must_use]
pub fn groups(path: &str) -> Option<u32> {
    if !path.contains('(') {
        return Some(0);
    }
    u32::try_from(location(path)?.captures_len()).ok()?.checked_sub(1)
}

/// The highest `$1` to `$9` of a rewrite target; nginx reads one digit.
#[must_use]
pub fn highest_group(target: &str) -> Option<u32> {
    target
        .split('$')
        .skip(1)
        .filter_map(|rest| rest.chars().next()?.to_digit(10))
        .filter(|digit| *digit > 0)
        .max()
}

/// The target with every higher group empty.
#[must_use]
pub fn without_groups_above(target: &str, groups: u32) -> String {
    let mut out = String::with_capacity(target.len());
    let mut rest = target;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        match after.chars().next().and_then(|c| c.to_digit(10)) {
            Some(digit) if digit > groups => rest = after.get(1..).unwrap_or_default(),
            _ => {
                out.push('$');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// How long a sample may get.
const LONGEST: usize = 200;

/// A few request paths that a rule's path takes when it is a pattern: for each, PCRE was asked. Empty
/// where none was found.
#[must_use]
pub fn samples(path: &str) -> Vec<String> {
    if is_literal(path) {
        return if path.is_empty() { Vec::new() } else { vec![path.to_owned()] };
    }
    let Ok(hir) = regex_syntax::Parser::new().parse(path) else { return Vec::new() };
    let Some(regex) = location(path) else { return Vec::new() };
    let mut found = Vec::new();
    for choice in
        [Choice { repeat: 1, branch: 0 }, Choice { repeat: 0, branch: 0 }, Choice { repeat: 1, branch: 1 }]
    {
        let mut text = String::new();
        let complete = choice.write(&hir, &mut text);
        let plain = complete && text.starts_with('/') && is_plain(&text);
        if plain && !found.contains(&text) && regex.is_match(text.as_bytes()).unwrap_or(false) {
            found.push(text);
        }
    }
    found
}

/// Whether a path is sent and matched as it stands: nothing to decode, merge or resolve.
fn is_plain(path: &str) -> bool {
    !path.contains("//")
        && !path.split('/').any(|segment| matches!(segment, "." | ".."))
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.' | b'~'))
}

/// How a sample is drawn from a pattern.
#[derive(Clone, Copy)]
struct Choice {
    /// Repetitions beyond what is needed, where any are allowed.
    repeat: u32,
    /// The branch of alternatives, counted round.
    branch: usize,
}

impl Choice {
    /// Appends a text for a part of a pattern; false when there is none, or it grows too long.
    fn write(self, hir: &Hir, out: &mut String) -> bool {
        if out.len() > LONGEST {
            return false;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => true,
            HirKind::Literal(literal) => {
                out.push_str(&String::from_utf8_lossy(&literal.0));
                true
            }
            HirKind::Class(class) => {
                out.extend(pick(class));
                !out.is_empty()
            }
            HirKind::Repetition(repetition) => {
                let most = repetition.max.unwrap_or(u32::MAX);
                let times = repetition.min.max(self.repeat).min(most);
                (0..times).all(|_| self.write(&repetition.sub, out))
            }
            HirKind::Capture(capture) => self.write(&capture.sub, out),
            HirKind::Concat(parts) => parts.iter().all(|part| self.write(part, out)),
            HirKind::Alternation(branches) => branches
                .get(self.branch % branches.len().max(1))
                .is_some_and(|branch| self.write(branch, out)),
        }
    }
}

/// A harmless character of a class.
fn pick(class: &Class) -> Option<char> {
    let holds = |c: char| match class {
        Class::Unicode(class) => class.iter().any(|range| (range.start()..=range.end()).contains(&c)),
        Class::Bytes(class) => u8::try_from(c)
            .is_ok_and(|b| class.iter().any(|range| (range.start()..=range.end()).contains(&b))),
    };
    ['x', 'a', 'X', '1', '-', '_', '.', '/'].into_iter().chain('!'..='~').find(|c| holds(*c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_counted_as_pcre_does() {
        for (path, groups_of) in [
            ("/a", Some(0)),
            ("/a(/|$)(.*)", Some(2)),
            ("/(?:a)(b)", Some(1)),
            ("/[(]x", Some(0)),
            (r"/\(x", Some(0)),
            ("/(?<n>x)", Some(1)),
            ("/(", None),
        ] {
            assert_eq!(groups(path), groups_of, "{path}");
        }
    }

    #[test]
    fn targets_name_groups_by_one_digit() {
        for (target, highest, cut) in [
            ("/$2", Some(2), "/"),
            ("/$1/$3$uri", Some(3), "/$1/$uri"),
            ("/$12", Some(1), "/$12"),
            ("/x$", None, "/x$"),
        ] {
            assert_eq!(highest_group(target), highest, "{target}");
            assert_eq!(without_groups_above(target, 1), cut, "{target}");
        }
    }

    #[test]
    fn samples_match_their_pattern() {
        for (path, expected) in [
            ("/plain", vec!["/plain"]),
            ("/a(/|$)(.*)", vec!["/a/x", "/a/"]),
            ("/api/(v1|v2)/.*", vec!["/api/v1/x", "/api/v1/", "/api/v2/x"]),
            ("/o(.*)", vec!["/ox", "/o"]),
            (r"/\d{3}", vec!["/111"]),
            ("/(", vec![]),
            (r"/(?=x)x", vec![]),
        ] {
            assert_eq!(samples(path), expected, "{path}");
        }
    }

    #[test]
    fn a_pattern_that_would_grow_without_end_has_no_sample() {
        assert!(samples("/((((x{90}){90}){90}){90})").is_empty());
    }
}

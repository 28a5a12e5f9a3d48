//! RE2's patterns, as Go and Envoy take them, for an engine of the same family with a syntax of its own.
//!
//! A brace that starts no repetition is a brace, a bracket in a class is a bracket, and repetitions do
//! not stack: `/**` is no pattern.
//! Source: google/re2 `doc/syntax.txt`; Go `regexp/syntax/parse.go` (`repeat`, `parseClass`).

use regex::bytes::{Regex, RegexBuilder};

/// A pattern that must match a whole text; `None` where RE2 would not take it.
pub(in crate::analysis::routing) fn whole(pattern: &str) -> Option<Regex> {
    let pattern = translated(pattern)?;
    RegexBuilder::new(&format!("^(?:{pattern})$")).unicode(false).build().ok()
}

/// The pattern in the other engine's syntax; `None` where repetitions stack.
fn translated(pattern: &str) -> Option<String> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut repeated = false;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        let repetition = match c {
            '*' | '+' | '?' => Some(1),
            '{' => repetition(rest),
            _ => None,
        };
        if let Some(length) = repetition {
            if repeated {
                return None;
            }
            let lazy = usize::from(rest.get(length..).is_some_and(|after| after.starts_with('?')));
            out.push_str(rest.get(..length + lazy)?);
            rest = rest.get(length + lazy..)?;
            repeated = true;
            continue;
        }
        repeated = false;
        match c {
            '\\' => {
                let length = after.chars().next().map_or(1, |escaped| 1 + escaped.len_utf8());
                out.push_str(rest.get(..length)?);
                rest = rest.get(length..)?;
                continue;
            }
            '{' => out.push_str("\\{"),
            '[' => {
                rest = class(rest, &mut out)?;
                continue;
            }
            _ => out.push(c),
        }
        rest = after;
    }
    Some(out)
}

/// The length of `{n}`, `{n,}` or `{n,m}` at the start of a text.
fn repetition(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let inner = text.get(1..end)?;
    let (low, high) = inner.split_once(',').unwrap_or((inner, ""));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(low) && (high.is_empty() || is_number(high))).then_some(end + 1)
}

/// Copies a class with its brackets; returns what follows it, or nothing where it does not end.
fn class<'t>(text: &'t str, out: &mut String) -> Option<&'t str> {
    out.push('[');
    let mut rest = text.get(1..)?;
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut first = true;
    loop {
        let c = rest.chars().next()?;
        let after = rest.get(c.len_utf8()..)?;
        match c {
            ']' if !first => {
                out.push(']');
                return Some(after);
            }
            '\\' => {
                let escaped = after.chars().next()?;
                out.push(c);
                out.push(escaped);
                rest = after.get(escaped.len_utf8()..)?;
            }
            '[' if after.starts_with(':') => {
                let end = rest.find(":]")? + 2;
                out.push_str(rest.get(..end)?);
                rest = rest.get(end..)?;
            }
            '[' | ']' | '&' | '~' => {
                out.push('\\');
                out.push(c);
                rest = after;
            }
            _ => {
                out.push(c);
                rest = after;
            }
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("/v[0-9]+", "/v12", Some(true)),
            ("/v[0-9]+", "/v12/x", Some(false)),
            ("/a|/b", "/b", Some(true)),
            ("/x{2}", "/xx", Some(true)),
            ("/{id}.*", "/{id}/x", Some(true)),
            ("/a{,2}", "/a{,2}", Some(true)),
            ("/[[]+", "/[[", Some(true)),
            ("/[]a]+", "/]a", Some(true)),
            ("/[a&&b]", "/&", Some(true)),
            ("/[[:alpha:]]+", "/ab", Some(true)),
            ("/\\d+", "/12", Some(true)),
            ("/.*?", "/x", Some(true)),
            ("/(?i)foo", "/FOO", Some(true)),
            ("/**", "/x", None),
            ("/a*+", "/a", None),
            ("/a{2}{3}", "/a", None),
            ("/(", "/(", None),
            ("/[a", "/a", None),
            ("/(?!a).*", "/b", None),
        ] {
            let found = whole(pattern).map(|regex| regex.is_match(text.as_bytes()));
            assert_eq!(found, expected, "{pattern} {text}");
        }
    }
}

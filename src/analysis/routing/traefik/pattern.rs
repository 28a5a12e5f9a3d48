//! Go's regular expressions (RE2), evaluated with the `regex` crate, which has the same ancestor.
//!
//! What differs is translated: Perl classes and word boundaries are ASCII in Go; `{` that begins no
//! repetition is a literal; `[`, `&` and `~` inside a class are; a repetition of a repetition is an
//! error. Bytes that are no UTF-8 read as U+FFFD, one for each byte.
//! Source: Go 1.26 `regexp/syntax` (`doc.go`, `parse.go`).

use std::sync::OnceLock;

use regex::bytes::{Captures, Regex};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Match {
    Yes,
    No,
    /// Too large for this program.
    Undecided,
}

#[derive(Debug)]
enum Compiled {
    Regex(Regex),
    /// Go refuses it.
    Invalid,
    TooLarge,
}

/// A pattern, compiled when it is first needed.
#[derive(Debug)]
pub(in crate::analysis::routing) struct Pattern {
    text: String,
    compiled: OnceLock<Compiled>,
}

impl Pattern {
    pub(in crate::analysis::routing) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), compiled: OnceLock::new() }
    }

    /// As written.
    pub(in crate::analysis::routing) fn text(&self) -> &str {
        &self.text
    }

    /// Whether Go accepts it.
    pub(in crate::analysis::routing) fn compiles(&self) -> bool {
        !matches!(self.compiled(), Compiled::Invalid)
    }

    pub(in crate::analysis::routing) fn is_match(&self, subject: &[u8]) -> Match {
        match self.compiled() {
            Compiled::Regex(regex) if regex.is_match(&readable(subject)) => Match::Yes,
            Compiled::Regex(_) | Compiled::Invalid => Match::No,
            Compiled::TooLarge => Match::Undecided,
        }
    }

    /// How many groups it has.
    pub(in crate::analysis::routing) fn groups(&self) -> usize {
        match self.compiled() {
            Compiled::Regex(regex) => regex.captures_len() - 1,
            Compiled::Invalid | Compiled::TooLarge => 0,
        }
    }

    /// Go's `ReplaceAllString`.
    pub(in crate::analysis::routing) fn replace_all(&self, subject: &[u8], replacement: &str) -> Vec<u8> {
        match self.compiled() {
            Compiled::Regex(regex) => regex
                .replace_all(subject, |captures: &Captures<'_>| expand(replacement, captures))
                .into_owned(),
            Compiled::Invalid | Compiled::TooLarge => subject.to_vec(),
        }
    }

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let Some(text) = translate(&self.text) else { return Compiled::Invalid };
            match Regex::new(&text) {
                Ok(regex) => Compiled::Regex(regex),
                Err(regex::Error::CompiledTooBig(_)) => Compiled::TooLarge,
                Err(_) => Compiled::Invalid,
            }
        })
    }
}

/// Go reads bytes that are no UTF-8 as U+FFFD.
fn readable(bytes: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    if std::str::from_utf8(bytes).is_ok() {
        return bytes.into();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    text.into_bytes().into()
}

/// Go's `Expand`: `$name`, `${name}`, `$$`; a name is as long as it can be, and an unknown one is empty.
fn expand(template: &str, captures: &Captures<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        out.extend_from_slice(rest.get(..at).unwrap_or_default().as_bytes());
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix('$') {
            out.push(b'$');
            rest = after;
            continue;
        }
        let braced = rest.strip_prefix('{');
        let body = braced.unwrap_or(rest);
        let end = body.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(body.len());
        let (name, after) = body.split_at(end);
        let after = if braced.is_some() { after.strip_prefix('}') } else { Some(after) };
        let Some(after) = after.filter(|_| !name.is_empty()) else {
            out.push(b'$');
            continue;
        };
        rest = after;
        let group = match name.parse::<usize>() {
            Ok(number) if number < 100_000_000 => captures.get(number),
            Ok(_) => None,
            Err(_) => captures.name(name),
        };
        out.extend_from_slice(group.map(|group| group.as_bytes()).unwrap_or_default());
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// A text as the lower-case head of a pattern is compared with it. Case folding takes a Kelvin sign for a k and a long
/// s for an s.
pub(in crate::analysis::routing) fn folded(text: &[u8]) -> Vec<u8> {
    let lower = text.to_ascii_lowercase();
    if lower.is_ascii() {
        return lower;
    }
    String::from_utf8_lossy(&lower).replace('\u{212a}', "k").replace('\u{17f}', "s").into_bytes()
}

/// Go's syntax as the `regex` crate reads it; `None` for what Go refuses and the crate would not.
fn translate(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    // Whether the last element is a repetition.
    let mut repeated = false;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '\\' => {
                rest = escape(after, &mut out, false)?;
                repeated = false;
            }
            '[' => {
                rest = class(after, &mut out)?;
                repeated = false;
            }
            '*' | '+' | '?' => {
                if repeated {
                    return None;
                }
                out.push(c);
                rest = lazy(after, &mut out);
                repeated = true;
            }
            '{' => match repetition(rest) {
                Some(length) => {
                    if repeated {
                        return None;
                    }
                    let (counts, after) = rest.split_at(length);
                    out.push_str(counts);
                    rest = lazy(after, &mut out);
                    repeated = true;
                }
                None => {
                    out.push_str("\\{");
                    rest = after;
                    repeated = false;
                }
            },
            '(' if after.starts_with('?') => {
                rest = flags(after, &mut out)?;
                repeated = false;
            }
            '}' => {
                out.push_str("\\}");
                rest = after;
                repeated = false;
            }
            other => {
                out.push(other);
                rest = after;
                repeated = false;
            }
        }
    }
    Some(out)
}

/// A question mark after a repetition makes it lazy.
fn lazy<'t>(rest: &'t str, out: &mut String) -> &'t str {
    match rest.strip_prefix('?') {
        Some(after) => {
            out.push('?');
            after
        }
        None => rest,
    }
}

/// The length of `{n}`, `{n,}` or `{n,m}` at the beginning.
fn repetition(text: &str) -> Option<usize> {
    let end = text.find('}')?;
    let body = text.get(1..end)?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let counts = match body.split_once(',') {
        Some((least, most)) => is_number(least) && (most.is_empty() || is_number(most)),
        None => is_number(body),
    };
    counts.then_some(end + 1)
}

/// A group with flags or a name; Go knows fewer flags.
fn flags<'t>(rest: &'t str, out: &mut String) -> Option<&'t str> {
    out.push('(');
    if rest.starts_with("?P<") || rest.starts_with("?<") || rest.starts_with("?:") {
        return Some(rest);
    }
    let body = rest.strip_prefix('?')?;
    let end = body.find([':', ')'])?;
    let letters = body.get(..end)?;
    if !letters.chars().all(|c| matches!(c, 'i' | 'm' | 's' | 'U' | '-')) {
        return None;
    }
    Some(rest)
}

/// What follows a backslash.
fn escape<'t>(rest: &'t str, out: &mut String, in_class: bool) -> Option<&'t str> {
    let c = rest.chars().next()?;
    let after = rest.get(c.len_utf8()..)?;
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[\\t\\n\\x0C\\r ]"),
        'S' => out.push_str("[^\\t\\n\\x0C\\r ]"),
        'b' if !in_class => out.push_str("(?-u:\\b)"),
        'B' if !in_class => out.push_str("(?-u:\\B)"),
        'A' | 'z' if !in_class => {
            out.push('\\');
            out.push(c);
        }
        'C' if !in_class => out.push_str("(?s:.)"),
        'Q' if !in_class => {
            let (literal, after) = after.split_once("\\E").unwrap_or((after, ""));
            out.push_str(&regex::escape(literal));
            return Some(after);
        }
        'p' | 'P' | 'x' | 'a' | 'f' | 't' | 'n' | 'r' | 'v' => {
            out.push('\\');
            out.push(c);
            if matches!(c, 'p' | 'P' | 'x') && after.starts_with('{') {
                let (braces, after) = after.split_at(after.find('}')? + 1);
                out.push_str(braces);
                return Some(after);
            }
        }
        '0'..='7' => {
            let length = rest.bytes().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
            let (digits, after) = rest.split_at(length);
            if c != '0' && length < 2 {
                return None;
            }
            let code = u32::from_str_radix(digits, 8).ok()?;
            out.push_str(&format!("\\x{{{code:x}}}"));
            return Some(after);
        }
        '<' | '>' => out.push(c),
        other if other.is_ascii() && !other.is_ascii_alphanumeric() => {
            out.push('\\');
            out.push(other);
        }
        _ => return None,
    }
    Some(after)
}

/// A character class; what follows its `[` is given.
fn class<'t>(rest: &'t str, out: &mut String) -> Option<&'t str> {
    out.push('[');
    let mut rest = rest;
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
            '[' if after.starts_with(':') => {
                let end = after.find(":]")? + 2;
                out.push('[');
                out.push_str(after.get(..end)?);
                rest = after.get(end..)?;
            }
            '\\' => rest = escape(after, out, true)?,
            '[' | ']' | '&' | '~' => {
                out.push('\\');
                out.push(c);
                rest = after;
            }
            '-' if first || after.starts_with(']') => {
                out.push_str("\\-");
                rest = after;
            }
            other => {
                out.push(other);
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
    fn patterns_match_as_in_go() {
        for (pattern, subject, expected) in [
            ("/a[0-9]+", "/b/a1", Match::Yes),
            ("^/a[0-9]+$", "/b/a1", Match::No),
            ("(?i)^/foo", "/FOO/bar", Match::Yes),
            (r"/v\d+", "/v12", Match::Yes),
            (r"/v\d+$", "/v\u{663}", Match::No),
            (r"^/\w+$", "/caf\u{e9}", Match::No),
            ("/users/{id}", "/users/{id}", Match::Yes),
            ("/users/{id}", "/users/7", Match::No),
            ("/a{2}$", "/aa", Match::Yes),
            ("[[]x", "[x", Match::Yes),
            ("[a&&b]", "&", Match::Yes),
            ("[^/]+$", "/x", Match::Yes),
            (r"[\d-]+$", "/1-2", Match::Yes),
            (r"\Qa.b\E", "a.b", Match::Yes),
            (r"\Qa.b\E", "axb", Match::No),
            (r"/\.well-known/", "/.well-known/x", Match::Yes),
            (r"a\/b", "a/b", Match::Yes),
            ("(/|$)(.*)", "/x", Match::Yes),
        ] {
            assert_eq!(Pattern::new(pattern).is_match(subject.as_bytes()), expected, "{pattern} {subject}");
        }
        assert_eq!(Pattern::new("^/.$").is_match(b"/\xff"), Match::Yes);
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in
            ["(", "a**", "*", "[z-a]", "(?=x)", "(?!x)", r"\1", "[a", r"\Z", "(?x)a", "a{2}{3}", r"\e", "x|*"]
        {
            assert!(!Pattern::new(pattern).compiles(), "{pattern}");
        }
        for pattern in
            ["", "a*?", "(?i:x)", "(?P<n>x)", "(?<n>x)", "a{,3}", "]", "}", "a|", r"\pL", r"\x{e9}"]
        {
            assert!(Pattern::new(pattern).compiles(), "{pattern}");
        }
    }

    #[test]
    fn replacements_expand_as_in_go() {
        for (pattern, subject, replacement, expected) in [
            ("/app(/|$)(.*)", "/app/x/y", "/$2", "/x/y"),
            ("/foo", "/foo/x", "/new", "/new/x"),
            (".*", "http://a/b", "/moved", "/moved"),
            (".*", "http://a/b", "http://old$request_uri", "http://old"),
            ("/(a)", "/a", "/$1x", "/"),
            ("/(a)", "/a", "/${1}x", "/ax"),
            ("/(a)", "/a", "$$1", "$1"),
            ("/(a)", "/a", "$-", "$-"),
            ("/(?P<n>a)", "/a", "$n", "a"),
            ("a*", "baac", "x", "xbxcx"),
        ] {
            let found = Pattern::new(pattern).replace_all(subject.as_bytes(), replacement);
            assert_eq!(String::from_utf8_lossy(&found), expected, "{pattern} {subject} {replacement}");
        }
    }
}

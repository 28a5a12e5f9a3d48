//! Takes secrets out of a log, line by line.
//!
//! A private key that is printed over several lines is recognised by its first, and gone until its last.

use std::borrow::Cow;

use super::{REDACTED, redact};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const KEY: &str = "PRIVATE KEY";
/// The longest key in lines: what never ends is no key.
const LONGEST_KEY: usize = 200;

/// The state of one log.
#[derive(Debug, Default)]
pub struct LineCleaner {
    /// Lines of a private key that are still to be expected.
    inside_key: usize,
}

impl LineCleaner {
    /// A line without its secrets; bytes that are no text stay as they are where nothing is taken out.
    pub fn clean<'l>(&mut self, line: &'l [u8]) -> Cow<'l, [u8]> {
        let text = String::from_utf8_lossy(line);
        if self.inside_key > 0 {
            self.inside_key = if text.contains(END) { 0 } else { self.inside_key - 1 };
            return Cow::Owned(self.within(&text).into_bytes());
        }
        if let Some(at) = text.find(BEGIN)
            && text.get(at..).is_some_and(|key| key.contains(KEY) && !key.contains(END))
        {
            self.inside_key = LONGEST_KEY;
        }
        match redact(&text) {
            Cow::Borrowed(_) => Cow::Borrowed(line),
            Cow::Owned(clean) if clean == text => Cow::Borrowed(line),
            Cow::Owned(clean) => Cow::Owned(clean.into_bytes()),
        }
    }

    /// A line of a key: the time stamp at its head, if any, and the mark.
    fn within(&self, text: &str) -> String {
        match text.split_once(' ') {
            Some((head, _)) if head.len() > 10 && head.as_bytes().get(10) == Some(&b'T') => {
                format!("{head} {REDACTED}")
            }
            Some(_) | None => REDACTED.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &[&str], expected: &[&str]) {
        let mut cleaner = LineCleaner::default();
        let cleaned: Vec<String> = lines
            .iter()
            .map(|line| String::from_utf8_lossy(&cleaner.clean(line.as_bytes())).into_owned())
            .collect();
        assert_eq!(cleaned, expected);
    }

    #[test]
    fn a_key_over_several_lines_is_gone_to_its_end() {
        check(
            &[
                "2026-11-22T10:00:00Z loaded -----BEGIN RSA PRIVATE KEY-----",
                "2026-11-22T10:00:00Z MIIEowIBAAKCAQEA",
                "u2Q4hLcFVQ",
                "2026-11-22T10:00:00Z -----END RSA PRIVATE KEY-----",
                "2026-11-22T10:00:01Z GET /cart 404",
            ],
            &[
                "2026-11-22T10:00:00Z loaded [redacted]",
                "2026-11-22T10:00:00Z [redacted]",
                "[redacted]",
                "2026-11-22T10:00:00Z [redacted]",
                "2026-11-22T10:00:01Z GET /cart 404",
            ],
        );
    }

    #[test]
    fn a_key_on_one_line_ends_there() {
        check(
            &[r"x -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "GET / 404"],
            &["x [redacted]", "GET / 404"],
        );
    }

    #[test]
    fn bytes_that_are_no_text_stay() {
        let line = b"GET /\xff 404";
        assert_eq!(LineCleaner::default().clean(line).as_ref(), line);
    }
}

//! Makes one line of foreign text (a plugin's stderr, a server's message) fit to be shown: bounded,
//! free of control characters, and without anything that looks like a credential.
//!
//! It errs on the safe side: a long opaque word is hidden although it may be harmless. Words that are
//! plainly host names or paths stay, because they are what the reader needs.

const SHOWN: usize = 256;
const HIDDEN: &str = "[hidden]";
/// Words after which the next word is a credential.
const KEYS: [&str; 11] = [
    "token",
    "password",
    "passwd",
    "secret",
    "bearer",
    "basic",
    "authorization",
    "apikey",
    "api-key",
    "access-key",
    "credential",
];
/// Words of ordinary English that follow "token" or "secret" in error texts.
const PLAIN_LENGTH: usize = 12;

/// The first line of `text` that says something, cleaned.
pub(super) fn first_line(text: &str) -> Option<String> {
    text.lines().map(clean).find(|line| !line.is_empty())
}

/// One line: cleaned of control characters and credentials, at most 256 characters.
pub(super) fn clean(text: &str) -> String {
    let mut shown = String::new();
    let mut after_key = false;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        let (word_shown, is_key) = clean_word(word, after_key);
        shown.push_str(&word_shown);
        after_key = is_key;
        if shown.len() > 4 * SHOWN {
            break;
        }
    }
    shown.retain(|c| !is_invisible(c));
    match shown.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", shown.get(..at).unwrap_or_default()),
        None => shown,
    }
}

/// The word as shown, and whether a credential may follow it.
fn clean_word(word: &str, after_key: bool) -> (String, bool) {
    // `key=value`, `"key":"value"`: judge the value by the key.
    if !word.contains("://")
        && let Some((key, value)) = word.split_once(['=', ':'])
        && names_credential(key)
        && !bare(value).is_empty()
    {
        return (format!("{}{HIDDEN}", word.get(..=key.len()).unwrap_or_default()), names_credential(value));
    }
    if (after_key && looks_secret(word)) || is_opaque(word) || carries_user(word) {
        return (HIDDEN.to_owned(), false);
    }
    let passes_on = after_key && matches!(bare(word), "" | "is" | "was" | "=");
    (word.to_owned(), names_credential(word) || passes_on)
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric() && c != '=')
}

fn names_credential(word: &str) -> bool {
    let word = bare(word).to_ascii_lowercase();
    KEYS.iter().any(|key| word.ends_with(key) || word.trim_end_matches('s').ends_with(key))
}

/// After a key: anything but a short plain word.
fn looks_secret(word: &str) -> bool {
    let word = bare(word);
    word.chars().any(|c| c.is_ascii_digit() || !c.is_alphanumeric()) || word.len() > PLAIN_LENGTH
}

/// Long, with letters and digits mixed, and neither a path nor a host name: keys, JWTs, base64.
fn is_opaque(word: &str) -> bool {
    word.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=_.-~".contains(c))).any(|run| {
        run.len() >= 20
            && run.bytes().any(|b| b.is_ascii_digit())
            && run.bytes().any(|b| b.is_ascii_alphabetic())
            && !is_path(run)
            && !is_host(run)
    })
}

fn is_path(run: &str) -> bool {
    (run.starts_with(['/', '.', '~']) || word_count(run, '/') > 2)
        && run.split('/').all(|part| part.len() < 32)
}

fn is_host(run: &str) -> bool {
    word_count(run, '.') > 1
        && run.split('.').all(|label| label.len() < 40)
        && run
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'/'))
}

fn word_count(run: &str, separator: char) -> usize {
    run.split(separator).count()
}

/// `scheme://user:password@host`.
fn carries_user(word: &str) -> bool {
    word.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().unwrap_or_default().contains('@'))
}

/// Zero-width and direction-changing characters.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, shown: &str) {
        assert_eq!(clean(text), shown, "{text:?}");
    }

    #[test]
    fn ordinary_messages_stay_as_they_are() {
        for text in [
            "Unable to locate credentials. You can configure credentials by running \"aws configure\".",
            "error: the token has expired, run aws sso login",
            "dial tcp: lookup oidc.eks.eu-west-1.amazonaws.com on 10.0.0.2:53: no such host",
            "open /home/me/.aws/sso/cache/config: no such file or directory",
            "the Secret was rejected",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn credentials_are_hidden() {
        check("token=abc rejected", "token=[hidden] rejected");
        check("got \"access_token\":\"ya29.c.Ko8\" from server", "got \"access_token\":[hidden] from server");
        check("Authorization: Bearer xyz12", "Authorization: Bearer [hidden]");
        check("bad token k8s-aws-v1.aHR0 given", "bad token [hidden] given");
        check("password is hunter2", "password is [hidden]");
        check("eyJhbGciOiJSUzI1NiIsImtpZCI6 not accepted", "[hidden] not accepted");
        check("proxy http://me:pw@proxy.corp:3128 failed", "proxy [hidden] failed");
    }

    #[test]
    fn control_and_direction_characters_never_pass() {
        check("a\u{1b}[31mb\u{202e}c\u{200b}d\te", "a [31mbcd e");
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(clean(&"word ".repeat(500)).chars().count(), SHOWN + 1);
        assert_eq!(first_line("\n  \n second\nthird").as_deref(), Some("second"));
        assert_eq!(first_line(" \n"), None);
    }
}

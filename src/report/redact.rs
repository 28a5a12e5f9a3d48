//! Takes secrets out of text before it leaves the program.
//!
//! Assumptions: a secret is recognised by where it stands (an authorization or cookie header, the user
//! part of a URL, a query parameter that carries credentials) or by its own shape (JWTs, keys with a
//! known prefix). Names that are secret only in a query (`key`, `code`, `sig`) are left alone elsewhere,
//! since logs use them for other things: `key="shop/web"`, `code=404`.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";

/// What a match becomes, with `[redacted]` in the place of the secret; `None`: it is not one.
type Keep = fn(&Captures<'_>) -> Option<String>;

struct Rule {
    pattern: Regex,
    keep: Keep,
}

fn group<'c>(captures: &'c Captures<'_>, at: usize) -> &'c str {
    captures.get(at).map_or("", |found| found.as_str())
}

/// The first group is kept, the rest of the match goes, unless it went before.
fn lead(captures: &Captures<'_>) -> Option<String> {
    let kept = group(captures, 1);
    let secret = group(captures, 0).strip_prefix(kept).unwrap_or_default();
    (secret != REDACTED.trim_end_matches(']')).then(|| format!("{kept}{REDACTED}"))
}

/// Words after `Basic` or `Bearer` are credentials only when they do not look like a word.
fn credential(captures: &Captures<'_>) -> Option<String> {
    let token = group(captures, 2);
    let odd = token.chars().any(|c| !c.is_ascii_alphabetic())
        || token.chars().skip(1).any(|c| c.is_ascii_uppercase());
    odd.then(|| format!("{}{REDACTED}", group(captures, 1)))
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rules: [(&str, Keep); 7] = [
        // Header lines, JSON members and log fields of the headers that carry credentials.
        (
            r#"(?i)(\b(?:proxy-)?authorization\\?"?\s*[:=]\s*(?:\\?")?|\b(?:set-)?cookie\\?"?\s*[:=]\s*(?:\\?")?|\bx-(?:api-key|auth-token|amz-security-token|csrf-token)\\?"?\s*[:=]\s*(?:\\?")?)[^"\\\r\n]+"#,
            lead,
        ),
        (r"(?i)\b((?:bearer|basic)\s+)([A-Za-z0-9._~+/=-]{6,})", credential),
        // The user part of a URL.
        (r#"(://)[^/\s@"'<>?#]+@"#, |found| Some(format!("{}{REDACTED}@", group(found, 1)))),
        // Names that are credentials wherever they are set.
        (
            r#"(?i)(\b(?:[a-z0-9]+[_-])*(?:password|passwd|passphrase|token|jwt|api[_-]?key|apikey|client[_-]?secret|secret[_-]?key|access[_-]?key|signature|credential)s?\\?"?(?:=|:\s*\\?"|\s*=\s*)\\?"?)[^\s&;,"'\\)\]}>]+"#,
            lead,
        ),
        // Names that are credentials in a query.
        (
            r#"(?i)([?&;](?:key|code|sig|auth|session|sessionid|sid|secret|pwd|pass|otp|assertion|samlresponse|x-amz-[a-z-]+)=)[^\s&;"'\\)\]}>]+"#,
            lead,
        ),
        (r"()\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?", lead),
        (
            r"()(?:\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bglpat-[A-Za-z0-9_-]{16,}|\bxox[abeoprs]-[A-Za-z0-9-]{10,}|\bsk-[A-Za-z0-9_-]{20,}|\bnpm_[A-Za-z0-9]{30,}|-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*))",
            lead,
        ),
    ];
    rules
        .into_iter()
        .filter_map(|(pattern, keep)| Some(Rule { pattern: Regex::new(pattern).ok()?, keep }))
        .collect()
});

/// The text without its secrets.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for Rule { pattern, keep } in RULES.iter() {
        let replaced = pattern.replace_all(&text, |found: &Captures<'_>| {
            keep(found).unwrap_or_else(|| group(found, 0).to_owned())
        });
        if let Cow::Owned(replaced) = replaced {
            text = Cow::Owned(replaced);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(text: &str, expected: &str) {
        assert_eq!(redact(text), expected, "from {text}");
        assert_eq!(redact(expected), expected, "a second time changes nothing");
    }

    #[test]
    fn every_rule_compiles() {
        assert_eq!(RULES.len(), 7);
    }

    #[test]
    fn secrets_go_and_their_place_stays() {
        becomes("Authorization: Bearer abc.def", "Authorization: [redacted]");
        becomes(r#"{"authorization":"Basic dXNlcjpwYXNz","a":1}"#, r#"{"authorization":"[redacted]","a":1}"#);
        becomes(r#""Cookie": "sid=1; theme=dark""#, r#""Cookie": "[redacted]""#);
        becomes("set-cookie: route=abc; Path=/", "set-cookie: [redacted]");
        becomes("x-api-key: 12345", "x-api-key: [redacted]");
        becomes(
            r#"proxy_set_header Authorization "Basic dXNlcjpwYXNz";"#,
            r#"proxy_set_header Authorization "Basic [redacted]";"#,
        );
        becomes("GET http://user:pw@host/x", "GET http://[redacted]@host/x");
        becomes(
            "GET /cb?code=4/abc&state=xyz&page=2 HTTP/1.1",
            "GET /cb?code=[redacted]&state=xyz&page=2 HTTP/1.1",
        );
        becomes("/a?access_token=abc123&x=1", "/a?access_token=[redacted]&x=1");
        becomes("/dl?X-Amz-Signature=deadbeef&file=a", "/dl?X-Amz-Signature=[redacted]&file=a");
        becomes("--password=hunter2 --v=3", "--password=[redacted] --v=3");
        becomes(r#"{"password":"hunter2","user":"a"}"#, r#"{"password":"[redacted]","user":"a"}"#);
        becomes("db_password = hunter2", "db_password = [redacted]");
        becomes("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end", "jwt [redacted] end");
        becomes("AKIAIOSFODNN7EXAMPLE", "[redacted]");
        becomes("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "[redacted]");
    }

    #[test]
    fn what_only_looks_like_a_secret_stays() {
        for text in [
            r#"W1122 10:00:00 controller.go:1 "Error syncing" key="shop/web" code=404"#,
            "nginx.ingress.kubernetes.io/session-cookie-name: route",
            "nginx.ingress.kubernetes.io/affinity: cookie",
            "nginx.ingress.kubernetes.io/auth-type: basic",
            "nginx.ingress.kubernetes.io/auth-realm: Basic authentication required",
            r#"Error getting SSL certificate "shop/tls": local SSL certificate shop/tls was not found"#,
            "/search?q=password+reset&page=2",
            "GET /tokens/list HTTP/1.1",
            "https://shop.example.com/@user/x",
            "user@example.com",
            "proxy_pass_header Authorization;",
            "GET /keyboard?monkey=1 HTTP/2.0",
        ] {
            becomes(text, text);
        }
    }
}

//! Takes secrets out of text before it leaves the program.
//!
//! Assumptions: a secret is recognised by where it stands (a header that carries credentials, the user
//! part of a URL, a query parameter, a name such as `password=`) or by its own shape (JWTs, private keys,
//! keys with their vendor's prefix). Names that are secret only in a query (`key`, `code`, `sig`) are left
//! alone elsewhere, since logs use them for other things: `key="shop/web"`, `code=404`. What stands beside
//! a secret stays: hosts, paths, status codes, names of objects.
//!
//! Reading order: here text, `names` and `opaque` judge single names and values, `object` takes secrets out
//! of Kubernetes objects, `lines` out of logs.
//! Sources: RFC 9110 and RFC 6265 for headers, RFC 7519 for JWTs, RFC 7468 for PEM; vendors' own pages on
//! the prefixes of their keys, which the rules of gitleaks 8.28 collect.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex, RegexSet};

pub mod lines;
pub mod names;
pub mod object;
mod opaque;

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";
/// How every such mark begins, also those that tell secrets apart (`object`).
const MARK: &str = "[redacted";

/// Headers that carry credentials, as requests, JSON members and log variables spell them.
const HEADER: &str = "(?:[a-z0-9]+_)*(?:(?:proxy[-_])?authorization|(?:set[-_])?cookie2?\
    |x[-_](?:api[-_]key|auth[-_]token|access[-_]token|amz[-_]security[-_]token|amzn[-_]oidc[-_](?:data|accesstoken)\
    |csrf[-_]token|xsrf[-_]token|vault[-_]token|gitlab[-_]token|forwarded[-_]access[-_]token|hub[-_]signature(?:[-_]256)?\
    |goog[-_]iap[-_]jwt[-_]assertion)|private[-_]token|cf[-_]access[-_]client[-_]secret)";

/// Names that are credentials wherever they are set.
const NAME: &str = "(?:[a-z0-9]+[_.-])*(?:[a-z0-9]*password|passwd|passphrase|pwd|[a-z]*token|jwt|api[_-]?key|apikey\
    |(?:client|app|api|consumer|webhook|jwt|shared|signing|session|oauth)[_-]?secret|secret[_-]?key(?:[_-]?base)?\
    |(?:secret[_-]?)?access[_-]?key|account[_-]?key|shared[_-]?access[_-]?key|private[_-]?key|signing[_-]?key\
    |encryption[_-]?key|signature|credential)s?";

/// Names that are credentials in a query.
const QUERY: &str = "key|code|sig|auth|session|sessionid|jsessionid|phpsessid|sid|secret|pwd|pass|otp|ticket|assertion\
    |samlresponse|samlrequest|hmac|nonce|x-amz-[a-z-]+|x-goog-(?:signature|credential)|awsaccesskeyid";

/// Keys that show by their own prefix whose they are.
const SHAPE: &str = r"(?-u:\b)(?:(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?-u:\b)|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl(?:pat|dt|rt|ptt|cbt|oas)-[A-Za-z0-9_.-]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|[spr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}|sk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{10,}|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|hv[sbr]\.[A-Za-z0-9_-]{20,}|do[opr]_v1_[a-f0-9]{32,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|dapi[a-f0-9]{32}|glsa_[A-Za-z0-9_]{20,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}|hf_[A-Za-z0-9]{30,}|dp\.(?:pt|st|ct|sa)\.[A-Za-z0-9.]{20,}|lin_api_[A-Za-z0-9]{20,}|ATATT3[A-Za-z0-9_=-]{30,}|AGE-SECRET-KEY-1[0-9A-Z]{50,}|v[1-4]\.(?:local|public)\.[A-Za-z0-9_-]{20,}|[0-9]{8,10}:AA[A-Za-z0-9_-]{32,})";

/// A pattern whose first group is kept, whose second is the secret, and whose third is kept.
struct Rule {
    pattern: Regex,
    /// Whether what was found is one, given what stands before it.
    is_secret: Accepts,
}

struct Rules {
    rules: Vec<Rule>,
    /// All patterns at once: most texts hold no secret.
    any: RegexSet,
}

fn always(_: &str, _: &str) -> bool {
    true
}

/// Words after `Basic` or `Bearer` are credentials only when they do not look like a word.
fn no_word(_: &str, secret: &str) -> bool {
    secret.chars().any(|c| !c.is_ascii_alphabetic()) || secret.chars().skip(1).any(|c| c.is_ascii_uppercase())
}

/// References to where a secret is kept are none.
fn no_reference(_: &str, secret: &str) -> bool {
    !secret.starts_with(['$', '<']) && !secret.starts_with("{{")
}

/// After a colon a word of ordinary English may follow: `invalid token: expired`.
fn no_prose(lead: &str, secret: &str) -> bool {
    let certain = ["password", "passwd", "passphrase", "key", "secret"];
    let lead = lead.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    let lead = lead.trim_end_matches('s');
    no_reference("", secret)
        && (certain.iter().any(|name| lead.ends_with(name)) || (secret.len() >= 6 && no_word("", secret)))
        && !secret.starts_with(['/', '['])
}

/// Whether what a pattern found, after its lead, is a secret.
type Accepts = fn(&str, &str) -> bool;

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let patterns: [(String, Accepts); 17] = [
        (format!(r#"(?i)((?-u:\b){HEADER}\\*["']?\s*[:=]\s*\[?\s*\\*")([^"\\\r\n]+)"#), no_reference),
        (format!(r#"(?i)((?-u:\b){HEADER}["']?\s*[:=]\s*\[?\s*')([^'\r\n]+)"#), no_reference),
        // Unquoted: a scheme with its token, or cookies with their attributes, and no more of the line.
        (
            r#"(?i)((?-u:\b)(?:[a-z0-9]+_)*(?:set[-_])?cookie2?\s*[:=]\s*)([^\s"'=;]+(?:=[^\s"';]*)?(?:;\s*[a-z0-9_.-]+(?:=[^\s"';]*)?)*)"#.to_owned(),
            no_reference,
        ),
        (
            format!(
                r#"(?i)((?-u:\b){HEADER}\s*[:=]\s*(?:(?:bearer|basic|digest|token|apikey|negotiate|ntlm|aws4-hmac-sha256)\s+)?)([^\s"'\\,;]+)"#
            ),
            no_reference,
        ),
        (r"(?i)((?-u:\b)(?:bearer|basic)\s+)([A-Za-z0-9._~+/=-]{6,})".to_owned(), no_word),
        // The user part of a URL.
        (r#"(://)([^/\s@"'<>?#]+)(@)"#.to_owned(), no_reference),
        (
            format!(r#"(?i)((?-u:\b){NAME}\\*["']?\s*[=:]\s*\\*["'])([^"'\\\r\n]+)"#),
            no_reference,
        ),
        (format!(r#"(?i)((?-u:\b){NAME}\s*=\s*)([^\s&;,"'\\)\]}}>]+)"#), no_reference),
        (format!(r#"(?i)((?-u:\b){NAME}["']?:\s*)([^\s&;,"'\\)\]}}>]+)"#), no_prose),
        (format!(r#"(?i)([?&;](?:{QUERY})=)([^\s&;"'\\)\]}}>]+)"#), no_reference),
        // Members of JSON that travels in a URL.
        (
            format!(r#"(?i)(%22(?:{NAME}|auth)%22(?:%3A|:)(?:%20|\+)*%22)([^%\s"'&]+)"#),
            always,
        ),
        // The login of a registry in its configuration.
        (r#"(?i)(\\*"auth\\*"\s*:\s*\\*")([A-Za-z0-9+/=]{8,})"#.to_owned(), always),
        (r"()((?-u:\b)eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)*)".to_owned(), always),
        (format!("()({SHAPE})"), always),
        (
            // Spaces may be escaped where it travels in a URL.
            r"()(-----BEGIN(?:[A-Z +]|%20)*PRIVATE(?:[ +]|%20)KEY(?:[A-Z +]|%20)*-----(?s:.*?)(?:-----END(?:[A-Z +]|%20)*PRIVATE(?:[ +]|%20)KEY(?:[A-Z +]|%20)*-----|\z))".to_owned(),
            always,
        ),
        // Hashes of passwords.
        (
            r"()(\$(?:apr1|2[abxy]|argon2id?|y)\$[./A-Za-z0-9$=,+-]{8,}|\$[156]\$[./A-Za-z0-9=]{1,16}\$[./A-Za-z0-9]{22,}|\{SHA\}[A-Za-z0-9+/=]{27,})".to_owned(),
            always,
        ),
        (r"(?i)(hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/)([A-Za-z0-9/_-]{20,})".to_owned(), always),
    ];
    let rules: Vec<Rule> = patterns
        .iter()
        .filter_map(|(pattern, is_secret)| {
            Some(Rule { pattern: Regex::new(pattern).ok()?, is_secret: *is_secret })
        })
        .collect();
    let any = RegexSet::new(rules.iter().map(|rule| rule.pattern.as_str())).unwrap_or_default();
    Rules { rules, any }
});

/// The text without its secrets.
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    redact_with(text, &mut |_| REDACTED.to_owned())
}

/// The text with a mark in the place of each secret.
pub(super) fn redact_with<'t>(text: &'t str, mark: &mut dyn FnMut(&str) -> String) -> Cow<'t, str> {
    let Rules { rules, any } = &*RULES;
    let mut text = Cow::Borrowed(text);
    for at in any.matches(&text).into_iter().collect::<Vec<_>>() {
        let Some(Rule { pattern, is_secret }) = rules.get(at) else { continue };
        let replaced = pattern.replace_all(&text, |found: &Captures<'_>| {
            let group = |at| found.get(at).map_or("", |found| found.as_str());
            let (lead, secret) = (group(1), group(2));
            if secret.starts_with(MARK) || !is_secret(lead, secret) {
                return group(0).to_owned();
            }
            format!("{lead}{}{}", mark(secret), group(3))
        });
        if let Cow::Owned(replaced) = replaced {
            text = Cow::Owned(replaced);
        }
    }
    text
}

/// Marks that tell secrets apart in a capture, as one and the same.
#[must_use]
pub(super) fn plain_marks(text: Cow<'_, str>) -> Cow<'_, str> {
    static NUMBERED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\[redacted [0-9]+\]").ok());
    match &*NUMBERED {
        Some(numbered) if text.contains("[redacted ") => {
            Cow::Owned(numbered.replace_all(&text, REDACTED).into_owned())
        }
        Some(_) | None => text,
    }
}

/// A value that was set under this name: an environment variable, a header, a member.
#[must_use]
pub fn redact_value<'t>(name: &str, value: &'t str) -> Cow<'t, str> {
    if names::is_credential(name, value) && !value.starts_with(MARK) {
        return Cow::Borrowed(REDACTED);
    }
    // What tells its secret by a rule keeps the rest.
    let redacted = redact(value);
    if redacted == value && opaque::is_opaque(name, value) { Cow::Borrowed(REDACTED) } else { redacted }
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
        assert_eq!((RULES.rules.len(), RULES.any.len()), (17, 17));
    }

    #[test]
    fn secrets_go_and_their_place_stays() {
        for (text, expected) in [
            ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
            (r#"{"authorization":"Basic dXNlcjpwYXNz","a":1}"#, r#"{"authorization":"[redacted]","a":1}"#),
            (r#"{"Authorization":["Bearer abc"],"a":1}"#, r#"{"Authorization":["[redacted]"],"a":1}"#),
            (r#""Cookie": "sid=1; theme=dark""#, r#""Cookie": "[redacted]""#),
            (r#"{\"cookie\":\"sid=1\"}"#, r#"{\"cookie\":\"[redacted]\"}"#),
            ("set-cookie: route=abc; Path=/", "set-cookie: [redacted]"),
            ("http_cookie=\"sid=abc\" status=404", "http_cookie=\"[redacted]\" status=404"),
            ("x-api-key: 12345", "x-api-key: [redacted]"),
            (
                r#"proxy_set_header Authorization "Basic dXNlcjpwYXNz";"#,
                r#"proxy_set_header Authorization "Basic [redacted]";"#,
            ),
            ("GET http://user:pw@host/x", "GET http://[redacted]@host/x"),
            ("redis://:hunter2@cache.svc:6379/0", "redis://[redacted]@cache.svc:6379/0"),
            (
                "GET /cb?code=4/abc&state=xyz&page=2 HTTP/1.1",
                "GET /cb?code=[redacted]&state=xyz&page=2 HTTP/1.1",
            ),
            ("/a?access_token=abc123&x=1", "/a?access_token=[redacted]&x=1"),
            ("/dl?X-Amz-Signature=deadbeef&file=a", "/dl?X-Amz-Signature=[redacted]&file=a"),
            ("--password=hunter2 --v=3", "--password=[redacted] --v=3"),
            (r#"{"password":"hunter2","user":"a"}"#, r#"{"password":"[redacted]","user":"a"}"#),
            ("db_password = hunter2", "db_password = [redacted]"),
            ("password: hunter2", "password: [redacted]"),
            (
                "/x?q=%7B%22password%22%3A%22hunter2%22%7D&a=1",
                "/x?q=%7B%22password%22%3A%22[redacted]%22%7D&a=1",
            ),
            ("/x?k=-----BEGIN+PRIVATE+KEY-----MIIE-----END+PRIVATE+KEY-----&a=1", "/x?k=[redacted]&a=1"),
            (
                "Server=db;User Id=a;Password=hunter2;Pooling=1",
                "Server=db;User Id=a;Password=[redacted];Pooling=1",
            ),
            ("AccountName=a;AccountKey=abc123==;x=y", "AccountName=a;AccountKey=[redacted];x=y"),
            ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key=[redacted]"),
            (
                r#"{"auths":{"r.example":{"auth":"dXNlcjpwYXNz"}}}"#,
                r#"{"auths":{"r.example":{"auth":"[redacted]"}}}"#,
            ),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end", "jwt [redacted] end"),
            ("AKIAIOSFODNN7EXAMPLE", "[redacted]"),
            ("admin:$apr1$x1y2$abcdefghijklmnopqrstuv", "admin:[redacted]"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "[redacted]"),
            (r"a -----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- b", "a [redacted] b"),
        ] {
            becomes(text, expected);
        }
    }

    #[test]
    fn the_rest_of_a_line_stays() {
        becomes(
            "authorization=Bearer abc.def path=/cart status=404 upstream=shop-web-80",
            "authorization=Bearer [redacted] path=/cart status=404 upstream=shop-web-80",
        );
        becomes(
            "Cookie: a=1; b=2 \"GET /cart\" 404 shop.example.com",
            "Cookie: [redacted] \"GET /cart\" 404 shop.example.com",
        );
    }

    #[test]
    fn what_only_looks_like_a_secret_stays() {
        for text in [
            r#"W1122 10:00:00 controller.go:1 "Error syncing" key="shop/web" code=404"#,
            "nginx.ingress.kubernetes.io/session-cookie-name: route",
            "nginx.ingress.kubernetes.io/affinity: cookie",
            "nginx.ingress.kubernetes.io/auth-type: basic",
            "nginx.ingress.kubernetes.io/auth-realm: Basic authentication required",
            "nginx.ingress.kubernetes.io/auth-tls-secret: shop/tls",
            "-wildcard-tls-secret=shop/tls --default-ssl-certificate=shop/tls",
            r#"Error getting SSL certificate "shop/tls": local SSL certificate shop/tls was not found"#,
            "/search?q=password+reset&page=2",
            "GET /tokens/list HTTP/1.1",
            "https://shop.example.com/@user/x",
            "user@example.com",
            "proxy_pass_header Authorization;",
            "GET /keyboard?monkey=1 HTTP/2.0",
            "invalid token: expired",
            "/$1$2 and /api/$2$args_of_the_request",
            "nginx.org/jwt-token: $cookie_auth_token",
            "https://sso.example.com/start?token=$arg_token",
        ] {
            becomes(text, text);
        }
    }

    #[test]
    fn names_decide_on_values() {
        for (name, value, expected) in [
            ("DB_PASSWORD", "hunter2", REDACTED),
            ("LOG_LEVEL", "debug", "debug"),
            ("DATABASE_URL", "postgres://a:b@db/x", "postgres://[redacted]@db/x"),
            ("BASE_PATH", "/shop", "/shop"),
            ("DB_PASSWORD_FILE", "/run/secrets/db", "/run/secrets/db"),
        ] {
            assert_eq!(redact_value(name, value), expected, "{name}={value}");
        }
    }

    #[test]
    fn numbered_marks_read_as_one() {
        assert_eq!(plain_marks("a [redacted 12] b".into()), "a [redacted] b");
        assert_eq!(redact("password=[redacted 3]"), "password=[redacted 3]");
    }
}

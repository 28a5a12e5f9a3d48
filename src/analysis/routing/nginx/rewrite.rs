//! `rewrite <pattern> <target> break`: the path that the upstream gets, or a redirect.
//!
//! The pattern is anchored only as it is written, and the target replaces the whole path; the query
//! stays. A target that names a scheme is a redirect. Groups that did not take part are empty.
//! Sources: nginx 1.27 `src/http/modules/ngx_http_rewrite_module.c`, `src/http/ngx_http_script.c`.

use crate::analysis::routing::heads::Accepted;
use crate::model::request::Request;

use super::conf::{Part, is_variable, parts};
use super::pattern::{GivenUp, Pattern, is_literal};
use super::redirect::{escape_group, unescape};

/// What a rewrite makes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::analysis::routing) enum Rewritten {
    /// The new path, not escaped.
    Path(Vec<u8>),
    /// The target of a temporary redirect.
    Redirect(String),
    /// Nothing is left of the path: nginx answers 500.
    Empty,
    /// The pattern does not match: everything stays as it is.
    Not,
    /// It depends on what this program cannot evaluate.
    Undecided,
}

#[derive(Debug)]
pub(in crate::analysis::routing) struct Rewrite {
    /// `None` for plain text: it always matches, and there are no groups.
    pattern: Option<Pattern>,
    target: Vec<Part>,
    redirects: bool,
    /// The target ends in a question mark: the request's own query is dropped.
    drops_query: bool,
}

impl Rewrite {
    /// A pattern of the location's own `path` after a `head` such as `(?i)^`. Fails with what nginx
    /// says of it.
    pub(in crate::analysis::routing) fn new(
        head: &str,
        path: &str,
        target: &str,
        own_variables: &[&str],
        accepted: &Accepted,
    ) -> Result<Self, String> {
        let pattern = (!is_literal(path)).then(|| Pattern::new(format!("{head}{path}"), false));
        if pattern.as_ref().is_some_and(|pattern| !accepted.is(pattern.text(), || pattern.compiles())) {
            return Err(format!("pcre2_compile() failed in \"{head}{path}\""));
        }
        let redirects = ["http://", "https://", "$scheme"].iter().any(|start| target.starts_with(start));
        let bare = target.strip_suffix('?');
        let drops_query = bare.is_some();
        let target = checked_parts(bare.unwrap_or(target), own_variables)?;
        Ok(Self { pattern, target, redirects, drops_query })
    }

    /// Applies to a normalised path that the location matched.
    pub(in crate::analysis::routing) fn apply(&self, path: &[u8], request: &Request) -> Rewritten {
        let captures = match &self.pattern {
            None => None,
            Some(pattern) => match pattern.captures(path) {
                Ok(Some(captures)) => Some(captures),
                Ok(None) => return Rewritten::Not,
                Err(GivenUp) => return Rewritten::Undecided,
            },
        };
        let raw = request.path.as_str();
        let escapes = self.redirects && raw.contains(['%', '+']);
        let mut out: Vec<u8> = Vec::new();
        for part in &self.target {
            match part {
                Part::Text(text) if !self.redirects && text.contains('?') => {
                    out.extend_from_slice(text.split('?').next().unwrap_or_default().as_bytes());
                    break;
                }
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Group(group) => {
                    let found = captures.as_ref().and_then(|captures| captures.get(*group));
                    let found = found.map(|group| group.as_bytes()).unwrap_or_default();
                    match escapes {
                        true => out.extend_from_slice(&escape_group(found)),
                        false => out.extend_from_slice(found),
                    }
                }
                Part::Variable(name) => match variable(name, path, request) {
                    Some(value) => out.extend_from_slice(&value),
                    None => return Rewritten::Undecided,
                },
            }
        }
        if out.is_empty() {
            return Rewritten::Empty;
        }
        if !self.redirects {
            return Rewritten::Path(out);
        }
        let out = unescape(&out);
        let has_query = self.target.iter().any(|part| matches!(part, Part::Text(text) if text.contains('?')));
        let query = request.query.as_deref().filter(|query| !query.is_empty() && !self.drops_query);
        let query = query.map(|query| format!("{}{query}", if has_query { '&' } else { '?' }));
        Rewritten::Redirect(format!("{}{}", String::from_utf8_lossy(&out), query.unwrap_or_default()))
    }
}

/// Takes a text with variables apart, or says what nginx says of it.
pub(in crate::analysis::routing) fn checked_parts(
    text: &str,
    own_variables: &[&str],
) -> Result<Vec<Part>, String> {
    let parts = parts(text).ok_or_else(|| format!("invalid variable name in \"{text}\""))?;
    for part in &parts {
        if let Part::Variable(name) = part
            && !is_variable(name, own_variables)
        {
            return Err(format!("unknown \"{name}\" variable"));
        }
    }
    Ok(parts)
}

/// Fills in the variables of a redirect; `None` where one cannot be evaluated.
pub(in crate::analysis::routing) fn filled(text: &str, path: &[u8], request: &Request) -> Option<String> {
    if !text.contains('$') {
        return Some(text.to_owned());
    }
    let mut out: Vec<u8> = Vec::new();
    for part in parts(text)? {
        match part {
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Group(_) => {}
            Part::Variable(name) => out.extend_from_slice(&variable(&name, path, request)?),
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// The variables that depend on the request alone.
fn variable(name: &str, path: &[u8], request: &Request) -> Option<Vec<u8>> {
    let text = match name {
        "uri" | "document_uri" => return Some(path.to_vec()),
        "request_uri" => request.target(),
        "host" => request.host.as_str().to_owned(),
        "http_host" | "best_http_host" => request.authority(),
        "scheme" | "pass_access_scheme" => request.scheme.as_str().to_owned(),
        "args" | "query_string" => request.query.clone().unwrap_or_default(),
        "is_args" => {
            if request.query.as_deref().is_some_and(|query| !query.is_empty()) { "?" } else { "" }.to_owned()
        }
        "request_method" => request.method.clone(),
        "literal_dollar" => "$".to_owned(),
        _ => {
            let header = name.strip_prefix("http_")?.replace('_', "-");
            request.header(&header).unwrap_or_default().to_owned()
        }
    };
    Some(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, target: &str, uri: &str, expected: &str) {
        check_with("q=1", path, target, uri, expected);
    }

    fn check_with(query: &str, path: &str, target: &str, uri: &str, expected: &str) {
        let request = Request::parse(&format!("http://a.example{uri}?{query}")).expect("url");
        let rewrite = Rewrite::new("(?i)", path, target, &[], &Accepted::default()).expect(target);
        let found = match rewrite.apply(uri.as_bytes(), &request) {
            Rewritten::Path(path) => String::from_utf8(path).expect("text"),
            Rewritten::Redirect(location) => format!("-> {location}"),
            Rewritten::Empty => "500".to_owned(),
            Rewritten::Not => "-".to_owned(),
            Rewritten::Undecided => "?".to_owned(),
        };
        assert_eq!(found, expected, "{path} {target} {uri}");
    }

    #[test]
    fn targets_replace_the_whole_path() {
        check("/foo", "/", "/foo/bar", "/");
        check("/foo", "/$1", "/foo/bar", "/");
        check("/foo(/|$)(.*)", "/$2", "/foo/bar", "/bar");
        check("/foo(/|$)(.*)", "/$2", "/foo", "/");
        check("/FOO/(.*)", "/new/$1/x", "/foo/a/b", "/new/a/b/x");
        check("/(a)?(b)", "/$1-$2", "/b", "/-b");
        check("/foo/(.*)", "$1", "/foo/bar", "bar");
        check("/foo/(.*)", "$1", "/foo/", "500");
        check("/foo", "$uri/x", "/foo/bar", "/foo/bar/x");
        check("/foo/(.*)", "/new/$1?x=$1", "/foo/bar", "/new/bar");
        check("/foo/[0-9]+", "/new", "/foo/bar", "-");
        check("/foo/(.*)", "https://b.example/$1", "/foo/bar", "-> https://b.example/bar?q=1");
        check_with("", "/foo/(.*)", "https://b.example/$1", "/foo/bar", "-> https://b.example/bar");
        check("/foo", "https://b.example/x?a=b", "/foo", "-> https://b.example/x?a=b&q=1");
        check("/foo", "https://b.example/x?", "/foo", "-> https://b.example/x");
        check("/foo", "/x?", "/foo", "/x");
        check("/foo", "/a$is_args$args", "/foo", "/a?q=1");
        check_with("", "/foo", "/a$is_args$args", "/foo", "/a");
    }

    /// As nginx answers.
    #[test]
    fn redirects_are_escaped_where_the_request_was() {
        for (uri, target, expected) in [
            ("/r/a%20b", "https://m.test/$1", "https://m.test/a%20b"),
            ("/r/a%3Fb%20c+d", "https://m.test/$1", "https://m.test/a?b%20c%2Bd"),
            ("/r/a+b\"c", "https://m.test/$1", "https://m.test/a+b%22c"),
            ("/r/ab\"c", "https://m.test/$1", "https://m.test/ab\"c"),
            ("/r/%61\"<b", "https://m.test/$1", "https://m.test/a%22<b"),
            ("/r/%c3%a9", "https://m.test/$1", "https://m.test/%C3%A9"),
            ("/r/u/a%20b%25%3F+;%7e", "https://m.test$uri", "https://m.test/r/u/a b?+;~"),
            ("/r/a%2541", "https://m.test$uri", "https://m.test/r/aA"),
            (
                "/r/a%20b%3Fc",
                "https://m.test/x%20y/$1?a=$1&b=%20",
                "https://m.test/x%20y/a%20b?c?a=a%20b%3Fc&b=%20",
            ),
        ] {
            let request = Request::parse(&format!("http://a.example{uri}")).expect(uri);
            let path = crate::analysis::routing::nginx::normalise::normalise(uri).expect(uri);
            let rewrite = Rewrite::new("(?i)", "/r/(.*)", target, &[], &Accepted::default()).expect(target);
            assert_eq!(rewrite.apply(&path, &request), Rewritten::Redirect(expected.to_owned()), "{uri}");
        }
    }

    #[test]
    fn what_nginx_would_not_load_is_refused() {
        for (path, target) in [("/foo(", "/x"), ("/foo", "/$nothing"), ("/foo", "/$")] {
            assert!(
                Rewrite::new("(?i)", path, target, &[], &Accepted::default()).is_err(),
                "{path} {target}"
            );
        }
    }
}

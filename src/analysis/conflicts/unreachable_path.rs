//! # What it finds
//! A path that no request can match because nginx compares it with the cleaned-up request: it holds a
//! percent escape, `//`, `/./` or `/../`.
//!
//! # Why it 404s
//! nginx decodes escapes, merges slashes and resolves dots before it looks for a location, and leaves the
//! rule's path as it is. The request falls to a shorter rule or to nobody.
//!
//! # Example
//! ```yaml
//! spec:
//!   rules: [{http: {paths: [{path: /docs/caf%C3%A9, pathType: ImplementationSpecific, …}]}}]
//! ```
//!
//! # What to do
//! Write the path decoded, with single slashes.
//!
//! # References
//! nginx `src/http/ngx_http_parse.c` (ngx_http_parse_complex_uri); the API server refuses `//`, `/./`,
//! `/../` and `%2f` under Exact and Prefix only (`pkg/apis/networking/validation`).

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::{Field, pattern};
use crate::model::controller::ControllerKind;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "unreachable_path"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if !matches!(field.kind, ControllerKind::IngressNginx | ControllerKind::F5Nginx) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (host, entry) in field.hosts.every_path() {
            // In a pattern such text can be the author's way to say something else.
            if !is_uncleaned(entry.path) || !pattern::is_literal(entry.path) {
                continue;
            }
            let covering = field.hosts.get(host).and_then(|host| host.root()).filter(|root| !root.is(entry));
            let effect = match covering {
                Some(by) => Effect::ServedBy { ingress: by.ingress.meta.key(), backend: by.target() },
                None => Effect::Status(404),
            };
            let facts = Facts::UnreachablePath { path: entry.path.to_owned() };
            let part = Part::new(entry.ingress, entry.place.field("path"));
            let fix = Fix::SetOneOf { part, values: cleaned(entry.path).into_iter().collect() };
            let conflict = Conflict::new(self, field, Severity::High, facts, effect, fix)
                .on(host)
                .shown_by(host, entry.path)
                .at_path(entry.ingress, entry.place);
            let decision = conflict.sees.url.as_deref().and_then(|url| field.decide(host, url));
            let reached = decision.and_then(|decision| decision.winner).is_some_and(|winner| {
                winner.ingress == entry.ingress.meta.key() && winner.place == entry.place
            });
            if !reached {
                found.push(conflict.judged(field));
            }
        }
        found
    }
}

/// Whether cleaning a request's path would change this text.
fn is_uncleaned(path: &str) -> bool {
    let escape = |at: usize| {
        path.get(at + 1..at + 3).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    path.contains("//")
        || path.split('/').any(|segment| matches!(segment, "." | ".."))
        || path.match_indices('%').any(|(at, _)| escape(at))
}

/// The path as nginx would see it in a request, where that is plain.
fn cleaned(path: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let code = digit(bytes.next())? * 16 + digit(bytes.next())?;
        decoded.push(u8::try_from(code).ok()?);
    }
    let decoded = String::from_utf8(decoded).ok()?;
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = decoded.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "" | "." if segments.peek().is_some() => {}
            ".." => {
                kept.pop()?;
            }
            other => kept.push(other),
        }
    }
    let path = format!("/{}", kept.join("/"));
    path.chars().all(|c| !c.is_control() && c != '%').then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    #[test]
    fn escapes_and_doubled_slashes_are_never_matched() {
        let found = check(
            &Rule,
            "ing shop/a host=a.example /my%20docs(I)->docs:80 /a//b(I)->b:80 /(P)->web:80",
            &[
                "high a.example: shop/a spec.rules[0].http.paths[0].path",
                "high a.example: shop/a spec.rules[0].http.paths[1].path",
            ],
        );
        sees(&found, &["http://a.example/my%20docs: shop/a web:80", "http://a.example/a//b: shop/a web:80"]);
    }

    #[test]
    fn the_cleaned_path_is_offered() {
        for (path, expected) in [
            ("/my%20docs", Some("/my docs")),
            ("/a//b/", Some("/a/b/")),
            ("/a/./b", Some("/a/b")),
            ("/a/../b", Some("/b")),
            ("/../b", None),
            ("/%zz", None),
            ("/%00", None),
        ] {
            assert_eq!(cleaned(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn clean_paths_and_patterns_are_not_found() {
        silent(
            &Rule,
            "ing shop/a host=a.example /100%(P)->a:80 /a/..b(P)->a:80 /.well-known(P)->a:80 /x%(P)->a:80
             ing shop/b host=b.example /a//(.*)(I)->a:80 ann:use-regex=true",
        );
    }
}

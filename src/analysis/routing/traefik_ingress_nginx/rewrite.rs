//! `rewrite-target`: what of the path matches is replaced, and the rest stays.
//!
//! The path of the rule is the pattern, without regard to case and not anchored. What is not clean
//! afterwards is refused.
//! Source: traefik/traefik `pkg/middlewares/ingressnginx/rewritetarget/rewrite_target.go`, v3.7.13.

use crate::analysis::routing::traefik::pattern::{Match, Pattern};
use crate::analysis::routing::traefik::seen::Seen;
use crate::analysis::routing::traefik::uri::{Uri, clean};
use crate::analysis::routing::traefik::url::Url;

#[derive(Debug)]
pub(super) struct Rewrite {
    /// `None` for a default backend, which has no path.
    pattern: Option<Pattern>,
    replacement: String,
    /// The replacement is a URL, and the client is sent there.
    absolute: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Rewritten {
    /// The pattern does not match.
    Untouched,
    /// What the upstream gets.
    Path(Uri),
    Redirect(String),
    /// The proxy itself answers.
    Status(u16),
}

impl Rewrite {
    /// `None` where nothing is to be rewritten.
    pub(super) fn new(target: &str, path: &str) -> Option<Self> {
        if target.is_empty() || target == path {
            return None;
        }
        let absolute = target.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        });
        let trimmed = path.trim();
        let pattern = (!path.is_empty()).then(|| {
            let pattern = Pattern::new(format!("(?i){trimmed}"));
            if absolute && pattern.groups() == 0 { Pattern::new(format!("(?i){trimmed}.*")) } else { pattern }
        });
        Some(Self { pattern, replacement: target.trim().to_owned(), absolute })
    }

    /// Whether the middleware can be built.
    pub(super) fn is_valid(&self, compiles: impl Fn(&Pattern) -> bool) -> bool {
        self.pattern.as_ref().is_none_or(compiles)
    }

    pub(super) fn apply(&self, seen: &Seen<'_>) -> Rewritten {
        let raw = seen.uri.raw();
        let current = if raw.is_empty() { seen.uri.escaped() } else { raw.to_vec() };
        let new = match &self.pattern {
            Some(pattern) if pattern.is_match(&current) != Match::Yes => return Rewritten::Untouched,
            Some(pattern) => pattern.replace_all(&current, &self.replacement),
            None => Pattern::new(r"\$[0-9]+").replace_all(self.replacement.as_bytes(), ""),
        };
        if new.is_empty() {
            return Rewritten::Status(500);
        }
        if self.absolute {
            let Ok(mut url) = Url::parse(&String::from_utf8_lossy(&new)) else {
                return Rewritten::Status(500);
            };
            let query = seen.request.query.clone().filter(|query| !query.is_empty());
            if let (false, Some(query)) = (url.has_query(), query) {
                url.set_query(query);
            }
            return Rewritten::Redirect(absolute(url.write(), &url, &seen.uri.path));
        }
        let Ok(uri) = Uri::with_raw(new) else { return Rewritten::Status(500) };
        let clean = uri.sanitise();
        if clean.path != uri.path {
            return Rewritten::Status(400);
        }
        Rewritten::Path(clean)
    }
}

/// What Go's `http.Redirect` sends where a URL names no server: a clean path from the root.
fn absolute(text: String, url: &Url, old: &[u8]) -> String {
    if url.names_server() {
        return text;
    }
    let folder = old.iter().rposition(|byte| *byte == b'/').and_then(|at| old.get(..=at)).unwrap_or(b"/");
    let text =
        if text.starts_with('/') { text } else { String::from_utf8_lossy(folder).into_owned() + &text };
    let (path, query) = text.split_at(text.find('?').unwrap_or(text.len()));
    let mut out = String::from_utf8_lossy(&clean(path.as_bytes())).into_owned();
    if path.ends_with('/') && !out.ends_with('/') {
        out.push('/');
    }
    out.push_str(query);
    out
}

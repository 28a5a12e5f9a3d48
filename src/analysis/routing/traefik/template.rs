//! Paths of the old rule syntax (`v2`): templates in which `{name}` and `{name:pattern}` stand for parts.
//!
//! Source: traefik/traefik `pkg/muxer/http/matcher_v2.go` v3.7.13; containous/mux `regexp.go`
//! 41b6ec3aed59.

use super::pattern::Pattern;
use super::rule::Path;

/// A path as the old syntax reads it: plain text stays what it is.
pub(super) fn v2(path: Path) -> Path {
    let (text, end) = match &path {
        Path::Exact(text) => (text, "$"),
        Path::Prefix(text) => (text, ""),
        Path::Element(text) => (text, "(?:/|$)"),
        Path::Pattern(_) => return Path::Invalid(path.to_string()),
        Path::Any | Path::NotPrefix(_) | Path::Invalid(_) | Path::Template(..) => return path,
    };
    if !text.contains(['{', '}']) {
        return path;
    }
    let written = path.to_string();
    match pattern(text) {
        Some(pattern) => Path::Template(written, Pattern::new(format!("^{pattern}{end}"))),
        None => Path::Invalid(written),
    }
}

/// The pattern of a template; `None` where braces are unbalanced or hold nothing.
fn pattern(template: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find(['{', '}']) {
        out.push_str(&regex::escape(rest.get(..open)?));
        let body = rest.get(open..)?.strip_prefix('{')?;
        let mut depth = 1_u32;
        let close = body.char_indices().find_map(|(at, c)| {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        })?;
        let (name, own) = match body.get(..close)?.split_once(':') {
            Some((name, own)) => (name, own),
            None => (body.get(..close)?, "[^/]+"),
        };
        if name.is_empty() || own.is_empty() {
            return None;
        }
        out.push_str(&format!("(?:{own})"));
        rest = body.get(close + 1..)?;
    }
    out.push_str(&regex::escape(rest));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_stand_for_patterns() {
        for (path, expected) in [
            (Path::Prefix("/a".into()), r#"PathPrefix("/a")"#),
            (Path::Prefix("/a/{id}".into()), "^/a/(?:[^/]+)"),
            (Path::Exact("/a.b/{id:[0-9]{2}}/x".into()), r"^/a\.b/(?:[0-9]{2})/x$"),
            (Path::Element("/{a}".into()), "^/(?:[^/]+)(?:/|$)"),
            (Path::Prefix("/a{".into()), "invalid"),
            (Path::Prefix("/a}".into()), "invalid"),
            (Path::Prefix("/a{}".into()), "invalid"),
            (Path::Pattern(Pattern::new("/a")), "invalid"),
        ] {
            let found = match v2(path) {
                Path::Template(_, pattern) => pattern.text().to_owned(),
                Path::Invalid(_) => "invalid".to_owned(),
                other => other.to_string(),
            };
            assert_eq!(found, expected);
        }
    }
}

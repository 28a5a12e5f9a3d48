//! Host names: what a request carries, and what a rule asks for.

use std::fmt;

/// The host of a request as routing sees it: lower case, without port and without one trailing dot.
///
/// What RFC 3986 lets stand in a host and proxies take is taken, so that odd requests can be asked about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

/// Why a text is not a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("the host is empty: give a name such as shop.example.com")]
    Empty,
    #[error("{0:?} is not a host: a host has no scheme and no path; pass the whole address as `url` instead")]
    LooksLikeUrl(String),
    #[error("{0:?} is not a host: {1:?} cannot stand in one; use letters, digits, '-', '.' and '_'")]
    BadCharacter(String, char),
    #[error("{0:?} is not a host: it may end in one dot, not in several")]
    Dots(String),
    #[error("a host has at most 253 characters, this one has {0}")]
    TooLong(usize),
}

impl HostName {
    /// Reads a host, dropping a port and one trailing dot.
    ///
    /// # Errors
    /// When the text cannot be a host; the message says what to write instead.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        if text.contains("://") || text.contains('/') {
            return Err(HostError::LooksLikeUrl(short(text)));
        }
        let (host, _) = split_port(text);
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.is_empty() {
            return Err(HostError::Empty);
        }
        if host.ends_with('.') {
            return Err(HostError::Dots(short(text)));
        }
        if host.len() > 253 {
            return Err(HostError::TooLong(host.len()));
        }
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let is_v6 = inner.len() != host.len();
        let bad = inner.chars().find(|c| {
            !(c.is_ascii_alphanumeric()
                || matches!(c, '-' | '.' | '_' | '~' | '%')
                || matches!(c, '!' | '$' | '&' | '\'' | '(' | ')' | '+' | ',' | ';' | '=')
                || (is_v6 && *c == ':')
                || (*c == '*' && inner.starts_with("*.")))
        });
        match bad {
            Some(c) => Err(HostError::BadCharacter(short(text), c)),
            None => Ok(Self(host.to_ascii_lowercase())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an IPv4 or IPv6 address rather than a name.
    #[must_use]
    pub fn is_address(&self) -> bool {
        let bare = self.0.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<std::net::IpAddr>().is_ok()
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Splits `host:port`; IPv6 literals keep their brackets.
#[must_use]
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    if let Some(end) = authority.rfind(']') {
        let (host, rest) = authority.split_at(end + 1);
        return (host, rest.strip_prefix(':'));
    }
    match authority.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Whether a rule's host takes a request's host under the Ingress API's own rules: exact, or one
/// leading label for `*.`; empty takes every host.
#[must_use]
pub fn spec_match(pattern: &str, host: &str) -> bool {
    if pattern.is_empty() {
        return true;
    }
    match pattern.strip_prefix("*.") {
        Some(parent) => host
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent)),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_port_case_and_one_dot() {
        for (text, host) in [
            ("Shop.Example.com:8080", "shop.example.com"),
            ("shop.example.com.", "shop.example.com"),
            ("10.0.0.1:80", "10.0.0.1"),
            ("[::1]:80", "[::1]"),
            ("*.example.com", "*.example.com"),
            ("shop.example.com%2Fx;v=1", "shop.example.com%2fx;v=1"),
        ] {
            assert_eq!(HostName::parse(text).expect(text).as_str(), host);
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_a_hint() {
        for (text, part) in [
            ("https://a.b/c", "pass the whole address as `url`"),
            ("", "empty"),
            ("a b", "cannot stand"),
            ("exa*mple.com", "cannot stand"),
            ("..", "not in several"),
            ("a..:80", "not in several"),
        ] {
            assert!(HostName::parse(text).expect_err(text).to_string().contains(part), "{text}");
        }
    }

    #[test]
    fn the_documented_wildcard_table_holds() {
        assert!(spec_match("*.foo.com", "bar.foo.com"));
        assert!(!spec_match("*.foo.com", "baz.bar.foo.com"));
        assert!(!spec_match("*.foo.com", "foo.com"));
        assert!(spec_match("", "anything"));
    }
}

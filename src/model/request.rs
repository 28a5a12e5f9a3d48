//! The request that fails: scheme, host, path, query, method and headers, byte for byte as sent.

use std::fmt;

use super::host::{HostError, HostName, split_port};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A request target's path: starts with `/`, not normalised, no query, no control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestPath(String);

/// Why a text is not an address or path of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error("{0:?} is not an absolute URL: write http://HOST/PATH or https://HOST/PATH")]
    NoScheme(String),
    #[error("the scheme {0:?} is not one an Ingress serves: use http or https")]
    BadScheme(String),
    #[error("the URL has no host: write http://HOST/PATH")]
    NoHost,
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("{0:?} is not a port: use 1 to 65535")]
    BadPort(String),
    #[error("{0:?} is not an absolute path: it must start with '/'")]
    RelativePath(String),
    #[error("the path holds the character {0:?}: percent-encode it")]
    BadPathCharacter(char),
    #[error("the query holds the character {0:?}: percent-encode it")]
    BadQueryCharacter(char),
    #[error("a URL of {0} characters is longer than the 8192 that proxies take")]
    TooLong(usize),
    #[error("the URL carries a user name or password: leave out the part before '@'")]
    Credentials,
}

impl RequestPath {
    /// Reads a path as it goes over the wire.
    ///
    /// # Errors
    /// When it is relative or holds characters that cannot be sent.
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        if text.len() > 8192 {
            return Err(RequestError::TooLong(text.len()));
        }
        if !text.starts_with('/') {
            return Err(RequestError::RelativePath(text.chars().take(80).collect()));
        }
        match text.chars().find(|c| c.is_control() || matches!(c, ' ' | '?' | '#')) {
            Some(c) => Err(RequestError::BadPathCharacter(c)),
            None => Ok(Self(text.to_owned())),
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub scheme: Scheme,
    pub host: HostName,
    /// The host as written (case, trailing dot), without port: it goes into the `Host` header.
    pub host_as_sent: String,
    /// `None` when the URL names none.
    pub port: Option<u16>,
    pub path: RequestPath,
    /// Without the `?`.
    pub query: Option<String>,
    pub method: String,
    /// Names as given; compare without case.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// A GET of a URL. The path is kept byte for byte; an empty one reads as `/`.
    ///
    /// # Errors
    /// When the URL cannot be one; the message says what to write instead.
    pub fn parse(url: &str) -> Result<Self, RequestError> {
        let url = url.trim();
        if url.len() > 8192 {
            return Err(RequestError::TooLong(url.len()));
        }
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| RequestError::NoScheme(url.chars().take(80).collect()))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(RequestError::BadScheme(other.chars().take(20).collect())),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if authority.contains('@') {
            return Err(RequestError::Credentials);
        }
        if authority.is_empty() {
            return Err(RequestError::NoHost);
        }
        // `HostName` forgives what stands around it; a header that carries the authority would not.
        if let Some(c) = authority.chars().find(|c| c.is_control() || c.is_whitespace()) {
            return Err(HostError::BadCharacter(authority.chars().take(80).collect(), c).into());
        }
        let (host_as_sent, port) = split_port(authority);
        let port = match port {
            None | Some("") => None,
            Some(text) => match text.parse::<u16>() {
                Ok(number) if number != 0 => Some(number),
                _ => return Err(RequestError::BadPort(text.chars().take(20).collect())),
            },
        };
        let host = HostName::parse(host_as_sent)?;
        let target = target.split('#').next().unwrap_or_default();
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let bad = query.iter().flat_map(|query| query.chars()).find(|c| c.is_control() || c.is_whitespace());
        if let Some(c) = bad {
            return Err(RequestError::BadQueryCharacter(c));
        }
        let path = RequestPath::parse(if path.is_empty() { "/" } else { path })?;
        Ok(Self {
            scheme,
            host,
            host_as_sent: host_as_sent.to_owned(),
            port,
            path,
            query,
            method: "GET".to_owned(),
            headers: Vec::new(),
        })
    }

    /// The value of a header, compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// `host` or `host:port`, as the `Host` header carries it.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host_as_sent),
            None => self.host_as_sent.clone(),
        }
    }

    /// Path and query as they go over the wire.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.as_str().to_owned(),
        }
    }

    /// The URL again.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme.as_str(), self.authority(), self.target())
    }

    /// The port the client connects to.
    #[must_use]
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.scheme.default_port())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_kept_byte_for_byte() {
        let request = Request::parse("http://Shop.example.com:8080//a/../b%2Fc?x=/&y#frag").expect("url");
        assert_eq!(request.path.as_str(), "//a/../b%2Fc");
        assert_eq!(request.query.as_deref(), Some("x=/&y"));
        assert_eq!(request.port, Some(8080));
        assert_eq!(request.host.as_str(), "shop.example.com");
        assert_eq!(request.url(), "http://Shop.example.com:8080//a/../b%2Fc?x=/&y");
    }

    #[test]
    fn an_empty_path_is_the_root() {
        assert_eq!(Request::parse("https://a.example?x=1").expect("url").target(), "/?x=1");
    }

    #[test]
    fn bad_urls_are_refused_with_a_hint() {
        for (url, part) in [
            ("shop.example.com/x", "not an absolute URL"),
            ("ftp://a/x", "use http or https"),
            ("http:///x", "no host"),
            ("http://a:99999/", "not a port"),
            ("http://u:p@a/", "user name"),
            ("http://a/b c", "percent-encode"),
            ("http://exa mple/", "cannot stand"),
            ("http://a/?x=1\r\nHost: b", "the query holds the character '\\r'"),
            ("http://a/?x=1 2", "percent-encode"),
            ("http://\ra/", "'\\r' cannot stand"),
            ("http:// a/", "' ' cannot stand"),
        ] {
            assert!(Request::parse(url).expect_err(url).to_string().contains(part), "{url}");
        }
        assert!(RequestPath::parse("x").expect_err("relative").to_string().contains("start with '/'"));
    }
}

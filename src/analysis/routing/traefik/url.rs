//! URLs as Go reads and writes them, where a redirect makes one out of text.
//!
//! Source: Go 1.26 `net/url` (`Parse`, `URL.String`).

use super::uri::{Malformed, Uri};

/// A URL; user names stay as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::analysis::routing) struct Url {
    scheme: String,
    /// What follows the scheme where no slash does.
    opaque: Option<String>,
    authority: Option<String>,
    path: Uri,
    query: Option<String>,
    fragment: Option<String>,
}

impl Url {
    pub(in crate::analysis::routing) fn parse(text: &str) -> Result<Self, Malformed> {
        let (text, fragment) = match text.split_once('#') {
            Some((text, fragment)) => (text, Some(fragment.to_owned()).filter(|text| !text.is_empty())),
            None => (text, None),
        };
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(Malformed);
        }
        if let Some(fragment) = &fragment {
            Uri::parse(fragment.as_bytes())?;
        }
        let (scheme, rest) = scheme(text)?;
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        let mut url = Self { scheme, opaque: None, authority: None, path: Uri::parse(b"")?, query, fragment };
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                url.opaque = Some(rest.to_owned());
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err(Malformed);
            }
        }
        let mut path = rest;
        let many = url.scheme.is_empty() && rest.starts_with("///");
        if let Some(rest) = rest.strip_prefix("//").filter(|_| !many) {
            let (authority, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            url.authority = Some(read_authority(authority)?);
            path = rest;
        }
        url.path = Uri::parse(path.as_bytes())?;
        Ok(url)
    }

    /// Whether it has a scheme or a host.
    pub(in crate::analysis::routing) fn names_server(&self) -> bool {
        !self.scheme.is_empty() || self.authority.as_deref().is_some_and(|authority| !authority.is_empty())
    }

    /// Whether there is a query that is not empty.
    pub(in crate::analysis::routing) fn has_query(&self) -> bool {
        self.query.as_deref().is_some_and(|query| !query.is_empty())
    }

    pub(in crate::analysis::routing) fn set_query(&mut self, query: String) {
        self.query = Some(query);
    }

    pub(in crate::analysis::routing) fn write(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if let Some(opaque) = &self.opaque {
            out.push_str(opaque);
        } else {
            let path = String::from_utf8_lossy(&self.path.escaped()).into_owned();
            let host = self.authority.as_deref().unwrap_or_default();
            let slashes =
                !host.is_empty() || (!self.scheme.is_empty() && self.authority.is_some() && !path.is_empty());
            if slashes {
                out.push_str("//");
                out.push_str(host);
            }
            if !host.is_empty() && !path.is_empty() && !path.starts_with('/') {
                out.push('/');
            }
            if out.is_empty() && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
                out.push_str("./");
            }
            out.push_str(&path);
        }
        if let Some(query) = &self.query {
            out.push('?');
            out.push_str(query);
        }
        if let Some(fragment) = &self.fragment {
            out.push('#');
            out.push_str(fragment);
        }
        out
    }
}

/// The scheme in lower case, and what follows its colon.
fn scheme(text: &str) -> Result<(String, &str), Malformed> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err(Malformed),
            ':' => {
                let (scheme, rest) = text.split_at(at);
                return Ok((scheme.to_ascii_lowercase(), rest.get(1..).unwrap_or_default()));
            }
            _ => return Ok((String::new(), text)),
        }
    }
    Ok((String::new(), text))
}

/// A host may have no escapes of ASCII, and a port only digits.
fn read_authority(text: &str) -> Result<String, Malformed> {
    let (user, host) = match text.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, text),
    };
    let port = if host.starts_with('[') {
        let (_, rest) = host.rsplit_once(']').ok_or(Malformed)?;
        rest.strip_prefix(':').unwrap_or(if rest.is_empty() { "" } else { "x" })
    } else {
        host.rsplit_once(':').map_or("", |(_, port)| port)
    };
    let may_stand =
        |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:[]<>\"".contains(c);
    let is_sound = port.bytes().all(|byte| byte.is_ascii_digit())
        && host.chars().all(may_stand)
        && user.is_none_or(|user| user.chars().all(|c| may_stand(c) || matches!(c, '%' | '@')));
    if is_sound { Ok(text.to_owned()) } else { Err(Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_written_as_by_go() {
        for (text, expected) in [
            ("https://a.example/x?y#z", Some("https://a.example/x?y#z")),
            ("HTTPS://A.example", Some("https://A.example")),
            ("://p.example/x", None),
            ("http://p.example%2Fx", None),
            ("http://p.example:80x/", None),
            ("/rel/caf\u{e9}", Some("/rel/caf%C3%A9")),
            ("//host/x", Some("//host/x")),
            ("a:b", Some("a:b")),
            ("1:b", None),
            ("x/y:z", Some("x/y:z")),
            ("http://a/%zz", None),
            ("?q", Some("?q")),
            ("", Some("")),
            ("http:///x", Some("http:///x")),
            ("http://u:p@h:1/", Some("http://u:p@h:1/")),
            ("http://a b/", None),
        ] {
            let found = Url::parse(text).map(|url| url.write());
            assert_eq!(found.as_deref(), expected.ok_or(&Malformed), "{text}");
        }
    }
}

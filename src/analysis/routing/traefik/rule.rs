//! Rules of routers: their text, whose length is their priority, and what they match.
//!
//! Only the shapes that the Ingress providers write: hosts, then a path, then conditions of a canary.
//! Texts are quoted as Go quotes them.
//! Sources: traefik/traefik `pkg/provider/kubernetes/ingress/kubernetes.go` (`loadRouter`),
//! `pkg/provider/kubernetes/ingress-nginx/translator.go` (`buildRule`), `pkg/muxer/http/matcher.go`,
//! `matcher_v2.go`, `pkg/muxer/muxer.go`, v3.7.13; containous/mux `regexp.go`.

use std::fmt::{self, Write as _};

use super::pattern::{Match, Pattern};
use super::seen::Seen;

/// One host of a rule.
#[derive(Debug)]
pub(in crate::analysis::routing) enum Host {
    /// `Host("h")`, which takes `*.` for one label.
    Name(String),
    /// A wildcard as a pattern: its text, and what of it follows the first label. A trailing dot of the
    /// request's host counts.
    Label { function: String, parent: String },
    /// `HostRegexp` of something else.
    Pattern(Pattern),
}

/// The path of a rule.
#[derive(Debug)]
pub(in crate::analysis::routing) enum Path {
    Any,
    /// `Path("/p")`
    Exact(String),
    /// `PathPrefix("/p")`, character by character
    Prefix(String),
    /// `(Path("/p") || PathPrefix("/p/"))`
    Element(String),
    /// `PathRegexp("re")`
    Pattern(Pattern),
    /// `!PathPrefix("/p")`
    NotPrefix(String),
    /// A text that the rule parser or a matcher refuses.
    Invalid(String),
    /// A template of the old syntax: its text, and the pattern it stands for.
    Template(String, Pattern),
}

/// What a canary asks of headers.
#[derive(Debug)]
pub(in crate::analysis::routing) enum Condition {
    /// `Header("k", "v")`
    Header(String, String),
    /// `HeaderRegexp("k", "re")`
    HeaderPattern(String, Pattern),
    /// `(HeaderRegexp("k", "re") && !Header("k2", "v2"))`
    PatternUnless(String, Pattern, String, String),
}

/// A rule: any of the hosts, the path, any of the conditions.
#[derive(Debug)]
pub(in crate::analysis::routing) struct Rule {
    /// Empty: every host.
    pub(in crate::analysis::routing) hosts: Vec<Host>,
    pub(in crate::analysis::routing) path: Path,
    /// Empty: none is asked.
    pub(in crate::analysis::routing) conditions: Vec<Condition>,
}

impl Rule {
    /// Whether the muxer takes it; a router with another rule is disabled.
    pub(in crate::analysis::routing) fn is_valid(&self) -> bool {
        let path = match &self.path {
            Path::Pattern(pattern) | Path::Template(_, pattern) => pattern.compiles(),
            Path::Any
            | Path::Exact(_)
            | Path::Prefix(_)
            | Path::Element(_)
            | Path::NotPrefix(_)
            | Path::Invalid(_) => true,
        };
        path && self.is_sound()
            && self.conditions.iter().all(|condition| match condition {
                Condition::Header(name, value) => !name.is_empty() && !value.is_empty(),
                Condition::HeaderPattern(name, pattern) | Condition::PatternUnless(name, pattern, _, _) => {
                    !name.is_empty() && !pattern.text().is_empty() && pattern.compiles()
                }
            })
    }

    /// The same, but for patterns.
    pub(in crate::analysis::routing) fn is_sound(&self) -> bool {
        let path = match &self.path {
            Path::Any => !self.hosts.is_empty(),
            Path::Exact(path) | Path::Prefix(path) | Path::Element(path) => path.starts_with('/'),
            Path::Pattern(_) | Path::Template(..) | Path::NotPrefix(_) => true,
            Path::Invalid(_) => false,
        };
        path && self.hosts.iter().all(|host| match host {
            Host::Name(name) => name.is_ascii() && !name.is_empty(),
            Host::Label { function, .. } => function.is_ascii(),
            Host::Pattern(pattern) => pattern.text().is_ascii(),
        })
    }

    pub(in crate::analysis::routing) fn takes_host(&self, seen: &Seen<'_>) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|host| host.takes(seen))
    }

    pub(in crate::analysis::routing) fn takes_path(&self, seen: &Seen<'_>) -> Match {
        self.path.takes(&seen.path)
    }

    /// Everything but host and path.
    pub(in crate::analysis::routing) fn takes_headers(&self, seen: &Seen<'_>) -> bool {
        self.conditions.is_empty() || self.conditions.iter().any(|condition| condition.holds(seen))
    }

    pub(in crate::analysis::routing) fn takes(&self, seen: &Seen<'_>) -> Match {
        if self.takes_host(seen) && self.takes_headers(seen) { self.takes_path(seen) } else { Match::No }
    }
}

impl Host {
    /// A wildcard as Traefik before 3.7 writes it.
    pub(in crate::analysis::routing) fn old_wildcard(parent: &str) -> Self {
        let quoted = regex::escape(parent).replace("\\-", "-");
        let function = format!("HostRegexp({})", Quoted(&format!("^[a-zA-Z0-9-]+\\.{quoted}$")));
        Self::Label { function, parent: parent.to_owned() }
    }

    /// A wildcard of the old rule syntax.
    pub(in crate::analysis::routing) fn v2_wildcard(parent: &str) -> Self {
        let function = format!("HostRegexp({})", Quoted(&format!("{{subdomain:[a-zA-Z0-9-]+}}.{parent}")));
        Self::Label { function, parent: parent.to_owned() }
    }

    fn takes(&self, seen: &Seen<'_>) -> bool {
        match self {
            Self::Name(name) if name == "*" => true,
            Self::Name(name) => {
                is_host(name, &seen.host) || {
                    let bare = |text: &str| text.strip_suffix('.').map(ToOwned::to_owned);
                    bare(name).is_some_and(|name| is_host(&name, &seen.host))
                        || bare(&seen.host).is_some_and(|host| is_host(name, &host))
                }
            }
            Self::Label { parent, .. } => seen.host.split_once('.').is_some_and(|(label, rest)| {
                !label.is_empty()
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                    && rest.eq_ignore_ascii_case(parent)
            }),
            Self::Pattern(pattern) => pattern.is_match(seen.host.as_bytes()) == Match::Yes,
        }
    }
}

/// Whether a host, in lower case, is the one of a matcher; `*` stands for the first label, which may be
/// empty.
fn is_host(pattern: &str, host: &str) -> bool {
    if !pattern.starts_with('*') {
        return pattern.eq_ignore_ascii_case(host);
    }
    let rest = host.find('.').and_then(|at| host.get(at..)).unwrap_or_default();
    pattern.get(1..).is_some_and(|parent| parent.eq_ignore_ascii_case(rest))
}

impl Path {
    /// A prefix by elements.
    pub(in crate::analysis::routing) fn element(path: &str) -> Self {
        if path == "/" {
            return Self::Prefix("/".to_owned());
        }
        Self::Element(path.strip_suffix('/').unwrap_or(path).to_owned())
    }

    fn takes(&self, path: &[u8]) -> Match {
        let taken = match self {
            Self::Any => true,
            Self::Exact(own) => path == own.as_bytes(),
            Self::Prefix(own) => path.starts_with(own.as_bytes()),
            Self::Element(own) => path
                .strip_prefix(own.as_bytes())
                .is_some_and(|rest| matches!(rest.first(), None | Some(b'/'))),
            Self::Pattern(pattern) | Self::Template(_, pattern) => return pattern.is_match(path),
            Self::NotPrefix(own) => !path.starts_with(own.as_bytes()),
            Self::Invalid(_) => false,
        };
        if taken { Match::Yes } else { Match::No }
    }
}

impl Condition {
    fn holds(&self, seen: &Seen<'_>) -> bool {
        let equals = |name: &str, value: &str| seen.header(name).any(|found| found == value);
        let matches = |name: &str, pattern: &Pattern| {
            seen.header(name).any(|found| pattern.is_match(found.as_bytes()) == Match::Yes)
        };
        match self {
            Self::Header(name, value) => equals(name, value),
            Self::HeaderPattern(name, pattern) => matches(name, pattern),
            Self::PatternUnless(name, pattern, not, value) => matches(name, pattern) && !equals(not, value),
        }
    }
}

/// A text in Go's quotes.
pub(in crate::analysis::routing) struct Quoted<'a>(pub(in crate::analysis::routing) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_ascii_control() => write!(f, "\\x{:02x}", u32::from(c))?,
                c if c.is_control() || (c.is_whitespace() && c != ' ') => {
                    write!(f, "\\u{:04x}", u32::from(c))?;
                }
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "Host({})", Quoted(name)),
            Self::Label { function, .. } => f.write_str(function),
            Self::Pattern(pattern) => write!(f, "HostRegexp({})", Quoted(pattern.text())),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::Exact(path) => write!(f, "Path({})", Quoted(path)),
            Self::Prefix(path) => write!(f, "PathPrefix({})", Quoted(path)),
            Self::Element(path) => {
                write!(f, "(Path({}) || PathPrefix({}))", Quoted(path), Quoted(&format!("{path}/")))
            }
            Self::NotPrefix(path) => write!(f, "!PathPrefix({})", Quoted(path)),
            Self::Pattern(pattern) => write!(f, "PathRegexp({})", Quoted(pattern.text())),
            Self::Invalid(text) | Self::Template(text, _) => f.write_str(text),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name, value) => write!(f, "Header({}, {})", Quoted(name), Quoted(value)),
            Self::HeaderPattern(name, pattern) => {
                write!(f, "HeaderRegexp({}, {})", Quoted(name), Quoted(pattern.text()))
            }
            Self::PatternUnless(name, pattern, not, value) => write!(
                f,
                "(HeaderRegexp({}, {}) && !Header({}, {}))",
                Quoted(name),
                Quoted(pattern.text()),
                Quoted(not),
                Quoted(value)
            ),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrapped = !self.conditions.is_empty();
        if wrapped {
            f.write_char('(')?;
        }
        let several = self.hosts.len() > 1;
        if several {
            f.write_char('(')?;
        }
        for (number, host) in self.hosts.iter().enumerate() {
            if number > 0 {
                f.write_str(" || ")?;
            }
            write!(f, "{host}")?;
        }
        if several {
            f.write_char(')')?;
        }
        if !self.hosts.is_empty() && !matches!(self.path, Path::Any) {
            f.write_str(" && ")?;
        }
        write!(f, "{}", self.path)?;
        if wrapped {
            f.write_str(") && (")?;
            for (number, condition) in self.conditions.iter().enumerate() {
                if number > 0 {
                    f.write_str(" || ")?;
                }
                write!(f, "{condition}")?;
            }
            f.write_char(')')?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(host: &str, path: Path) -> Rule {
        let hosts = if host.is_empty() { Vec::new() } else { vec![Host::Name(host.to_owned())] };
        Rule { hosts, path, conditions: Vec::new() }
    }

    /// H and M are the lengths of host and path: 12 + H, 8 + L, 14 + M, 2 M + 29, 14 + M.
    #[test]
    fn texts_have_the_lengths_that_are_priorities() {
        for (rule, text) in [
            (rule("h.io", Path::Exact("/a".into())), r#"Host("h.io") && Path("/a")"#),
            (rule("", Path::Prefix("/a".into())), r#"PathPrefix("/a")"#),
            (rule("h.io", Path::element("/a")), r#"Host("h.io") && (Path("/a") || PathPrefix("/a/"))"#),
            (rule("", Path::element("/")), r#"PathPrefix("/")"#),
            (rule("", Path::element("/a/")), r#"(Path("/a") || PathPrefix("/a/"))"#),
            (rule("", Path::Pattern(Pattern::new(r#"/\d"x"#))), r#"PathRegexp("/\\d\"x")"#),
            (rule("h.io", Path::Any), r#"Host("h.io")"#),
            (
                Rule {
                    hosts: vec![Host::Name("a".into()), Host::Name("*.b".into())],
                    path: Path::Exact("/x".into()),
                    conditions: vec![Condition::Header("X-C".into(), "always".into())],
                },
                r#"((Host("a") || Host("*.b")) && Path("/x")) && (Header("X-C", "always"))"#,
            ),
            (
                Rule { hosts: vec![Host::v2_wildcard("w.com")], path: Path::Any, conditions: Vec::new() },
                r#"HostRegexp("{subdomain:[a-zA-Z0-9-]+}.w.com")"#,
            ),
            (
                Rule { hosts: vec![Host::old_wildcard("w-x.com")], path: Path::Any, conditions: Vec::new() },
                r#"HostRegexp("^[a-zA-Z0-9-]+\\.w-x\\.com$")"#,
            ),
        ] {
            assert_eq!(rule.to_string(), text);
        }
    }

    #[test]
    fn rules_without_text_or_with_relative_paths_are_disabled() {
        assert!(!rule("", Path::Any).is_valid());
        assert!(!rule("h", Path::Exact("a".into())).is_valid());
        assert!(!rule("caf\u{e9}", Path::Any).is_valid());
        assert!(!rule("h", Path::Pattern(Pattern::new("("))).is_valid());
        assert!(rule("h", Path::element("/a")).is_valid());
    }
}

//! The condition of `route-acl`: an expression of HAProxy's, as far as a request decides it.
//!
//! Understood: header, cookie, path, query parameter, method and host, with the usual ways to compare.
//! Anything else is left undecided.
//! Source: HAProxy 3.2 `doc/configuration.txt` §7 (ACLs and fetching samples).

use std::borrow::Cow;

use crate::analysis::routing::nginx::pattern::{Match, Pattern};
use crate::model::ingress::PathType;
use crate::model::request::Request;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Found,
    Whole,
    Begins,
    Ends,
    Contains,
    Matches,
}

#[derive(Debug)]
enum Subject {
    Header(String),
    Cookie(String),
    Parameter(String),
    Path,
    Method,
    Host,
}

/// The path of a rule whose Service has a condition. It stands in the condition as it is: as a pattern
/// with the type Prefix and the like, and as several where it holds spaces.
#[derive(Debug)]
pub(super) enum Path {
    Any,
    Whole(Vec<String>),
    Matches(Vec<Pattern>),
}

impl Path {
    pub(super) fn new(path_type: PathType, text: &str) -> Self {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        match (path_type, text) {
            (_, "") => Self::Any,
            (PathType::Exact, _) => Self::Whole(words(text)),
            (_, "/") => Self::Matches(vec![Pattern::new("^/", false)]),
            (PathType::Prefix | PathType::ImplementationSpecific, _) => {
                let text = format!("^{}($|/)", text.strip_suffix('/').unwrap_or(text));
                Self::Matches(words(&text).into_iter().map(|word| Pattern::new(word, false)).collect())
            }
        }
    }

    /// Whether HAProxy takes the patterns.
    pub(super) fn is_valid(&self) -> bool {
        !matches!(self, Self::Matches(patterns) if !patterns.iter().all(Pattern::compiles))
    }

    /// Whether it takes a path; `None` where that cannot be told.
    pub(super) fn takes(&self, path: &str) -> Option<bool> {
        match self {
            Self::Any => Some(true),
            Self::Whole(all) => Some(all.iter().any(|one| one == path)),
            Self::Matches(all) => {
                let found: Vec<Match> = all.iter().map(|pattern| pattern.is_match(path.as_bytes())).collect();
                match (found.contains(&Match::Yes), found.contains(&Match::Undecided)) {
                    (true, _) => Some(true),
                    (false, true) => None,
                    (false, false) => Some(false),
                }
            }
        }
    }
}

/// A condition as written, and taken apart where it is understood.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) text: String,
    test: Option<Test>,
}

#[derive(Debug)]
struct Test {
    subject: Subject,
    compare: Compare,
    any_case: bool,
    values: Vec<String>,
}

impl Condition {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), test: Test::parse(text) }
    }

    /// Whether HAProxy certainly does not take it: within braces nothing is negated.
    pub(super) fn is_refused(&self) -> bool {
        self.text.trim_start().starts_with('!')
    }

    /// Whether it holds for a request that has this path by now, and this `Host` if it was changed; `None`
    /// where that cannot be told.
    pub(super) fn holds(&self, request: &Request, path: &str, host: Option<&str>) -> Option<bool> {
        self.test.as_ref()?.holds(request, path, host)
    }
}

impl Test {
    fn parse(text: &str) -> Option<Self> {
        if text.contains(['{', '}', '"', '\'', '\\']) {
            return None;
        }
        let mut words = text.split_whitespace();
        let (subject, mut compare) = subject(words.next()?)?;
        let mut any_case = false;
        let mut values = Vec::new();
        let mut flags = true;
        while let Some(word) = words.next() {
            match word {
                "-i" if flags => any_case = true,
                "-m" if flags => compare = comparison(words.next()?)?,
                "--" if flags => flags = false,
                flag if flags && flag.starts_with('-') => return None,
                value => {
                    flags = false;
                    values.push(value.to_owned());
                }
            }
        }
        Some(Self { subject, compare, any_case, values })
    }

    fn holds(&self, request: &Request, path: &str, host: Option<&str>) -> Option<bool> {
        let subjects: Vec<Cow<'_, str>> = match &self.subject {
            Subject::Header(name) => request
                .headers
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .flat_map(|(_, value)| value.split(','))
                .map(|value| Cow::Borrowed(value.trim()))
                .collect(),
            Subject::Cookie(name) => request
                .headers
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case("cookie"))
                .flat_map(|(_, value)| value.split(';'))
                .filter_map(|pair| pair.trim().split_once('='))
                .filter(|(key, _)| key == name)
                .map(|(_, value)| Cow::Borrowed(value))
                .collect(),
            Subject::Parameter(name) => request
                .query
                .iter()
                .flat_map(|query| query.split('&'))
                .filter_map(|pair| pair.split_once('='))
                .filter(|(key, _)| key == name)
                .map(|(_, value)| Cow::Borrowed(value))
                .take(1)
                .collect(),
            Subject::Path => vec![Cow::Borrowed(path)],
            Subject::Method => vec![Cow::Borrowed(request.method.as_str())],
            Subject::Host => vec![host.map_or_else(|| Cow::Owned(request.authority()), Cow::Borrowed)],
        };
        let mut held = false;
        for subject in &subjects {
            held |= self.takes(subject)?;
        }
        Some(held)
    }

    fn takes(&self, subject: &str) -> Option<bool> {
        if self.compare == Compare::Found {
            return Some(true);
        }
        let fold = |text: &str| if self.any_case { text.to_lowercase() } else { text.to_owned() };
        let folded = fold(subject);
        let mut taken = false;
        for value in &self.values {
            taken |= match self.compare {
                Compare::Found => true,
                Compare::Whole => folded == fold(value),
                Compare::Begins => folded.starts_with(&fold(value)),
                Compare::Ends => folded.ends_with(&fold(value)),
                Compare::Contains => folded.contains(&fold(value)),
                Compare::Matches => {
                    match Pattern::new(value.as_str(), self.any_case).is_match(subject.as_bytes()) {
                        Match::Yes => true,
                        Match::No => false,
                        Match::Undecided => return None,
                    }
                }
            };
        }
        Some(taken)
    }
}

fn comparison(word: &str) -> Option<Compare> {
    Some(match word {
        "found" => Compare::Found,
        "str" => Compare::Whole,
        "beg" => Compare::Begins,
        "end" => Compare::Ends,
        "sub" => Compare::Contains,
        "reg" => Compare::Matches,
        _ => return None,
    })
}

/// What a fetch looks at, and how it compares unless told otherwise.
fn subject(fetch: &str) -> Option<(Subject, Compare)> {
    let (name, argument) = match fetch.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')')?)),
        None => (fetch, None),
    };
    let name = name.strip_prefix("req.").unwrap_or(name);
    let (base, compare) = match name.rsplit_once('_') {
        Some((base, suffix)) if comparison(suffix).is_some() => (base, comparison(suffix)?),
        Some(_) | None => (name, Compare::Whole),
    };
    let own = || argument.map(str::to_owned).filter(|name| !name.contains(','));
    let subject = match (base, argument) {
        ("hdr", Some(argument)) if argument.eq_ignore_ascii_case("host") => Subject::Host,
        ("hdr", Some(_)) => Subject::Header(own()?),
        ("cook", Some(_)) => Subject::Cookie(own()?),
        ("url_param" | "urlp", Some(_)) => Subject::Parameter(own()?),
        ("path", None) => Subject::Path,
        ("method", None) => Subject::Method,
        (_, _) => return None,
    };
    Some((subject, compare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_judged_as_far_as_the_request_decides_them() {
        let mut request = Request::parse("http://shop.example:8080/api/v2?color=red").expect("a URL");
        request.headers = vec![
            ("X-Canary".to_owned(), "yes, maybe".to_owned()),
            ("Cookie".to_owned(), "a=1; beta=on".to_owned()),
        ];
        for (text, expected) in [
            ("hdr(x-canary) -m found", Some(true)),
            ("hdr(x-other) -m found", Some(false)),
            ("!hdr(x-other) -m found", None),
            ("hdr(X-Canary) maybe", Some(true)),
            ("hdr(X-Canary) YES", Some(false)),
            ("hdr(X-Canary) -i YES", Some(true)),
            ("req.hdr(X-Canary) -m beg ma", Some(true)),
            ("hdr_reg(X-Canary) ^y.s$", Some(true)),
            ("cook(beta) on", Some(true)),
            ("cook(beta) off", Some(false)),
            ("url_param(color) blue red", Some(true)),
            ("path_beg /api", Some(true)),
            ("path_end /v1", Some(false)),
            ("path -m sub pi/", Some(true)),
            ("method POST", Some(false)),
            ("hdr(host) -m beg shop.", Some(true)),
            ("src 10.0.0.0/8", None),
            ("hdr(X-Canary) -f list", None),
            ("rand(100) lt 10", None),
            ("", None),
        ] {
            assert_eq!(Condition::new(text).holds(&request, "/api/v2", None), expected, "{text}");
        }
    }
}

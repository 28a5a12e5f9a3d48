//! What the annotations of one Ingress ask for, as far as routing depends on it.
//!
//! Source: Kong/kubernetes-ingress-controller `internal/annotations/annotations.go`, 3.x.

use std::collections::BTreeMap;

use regex::Regex;

use crate::model::ingress::Ingress;
use crate::model::request::{Request, Scheme};

#[derive(Debug, Clone)]
pub(super) struct Options {
    pub(super) strip_path: bool,
    /// Plain HTTP is served.
    pub(super) plain: bool,
    /// What plain requests get where it is not: 426, or a redirect.
    pub(super) https_code: u16,
    pub(super) methods: Vec<String>,
    /// Names with the values that are accepted.
    pub(super) headers: BTreeMap<String, Vec<HeaderValue>>,
    pub(super) snis: Vec<String>,
    pub(super) host_aliases: Vec<String>,
    /// What a path begins with that is a regular expression.
    pub(super) regex_prefix: String,
    /// Some plugin sees the request first.
    pub(super) plugins: bool,
    /// The path is rewritten, if the feature is on.
    pub(super) rewrites: bool,
}

#[derive(Debug, Clone)]
pub(super) enum HeaderValue {
    Text(String),
    Regex(Regex),
}

impl HeaderValue {
    fn new(text: &str) -> Self {
        match text.strip_prefix("~*").and_then(|pattern| Regex::new(&format!("(?i){pattern}")).ok()) {
            Some(regex) => Self::Regex(regex),
            None => Self::Text(text.to_owned()),
        }
    }

    fn takes(&self, value: &str) -> bool {
        match self {
            Self::Text(text) => text.eq_ignore_ascii_case(value),
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

impl Options {
    pub(super) fn new(ingress: &Ingress) -> Self {
        let get = |name: &str| ingress.meta.annotation(&format!("konghq.com/{name}"));
        let list = |text: Option<&str>| -> Vec<String> {
            let parts = text.unwrap_or_default().split(',').map(str::trim);
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let protocols = list(get("protocols").or_else(|| get("protocol")));
        let code = get("https-redirect-status-code").and_then(|code| code.parse().ok());
        let headers = ingress.meta.annotations.iter().filter_map(|(key, values)| {
            let name = key.strip_prefix("konghq.com/headers.")?;
            let values = list(Some(values)).iter().map(|value| HeaderValue::new(value)).collect();
            Some((name.to_ascii_lowercase(), values))
        });
        Self {
            strip_path: get("strip-path").is_some_and(|text| text.eq_ignore_ascii_case("true")),
            plain: protocols.is_empty() || protocols.iter().any(|protocol| protocol == "http"),
            https_code: code.filter(|code| matches!(code, 301 | 302 | 307 | 308 | 426)).unwrap_or(426),
            methods: list(get("methods")).iter().map(|method| method.to_ascii_uppercase()).collect(),
            headers: headers.collect(),
            snis: list(get("snis")),
            host_aliases: list(get("host-aliases")).iter().map(|host| host.to_ascii_lowercase()).collect(),
            regex_prefix: get("regex-prefix").filter(|text| !text.is_empty()).unwrap_or("/~").to_owned(),
            plugins: get("plugins").is_some(),
            rewrites: get("rewrite").is_some(),
        }
    }

    /// The first thing besides host and path that a request does not meet.
    pub(super) fn unmet(&self, request: &Request) -> Option<&'static str> {
        if !self.methods.is_empty() && !self.methods.contains(&request.method) {
            return Some("methods");
        }
        let header = |(name, values): (&String, &Vec<HeaderValue>)| {
            request.header(name).is_some_and(|found| values.iter().any(|value| value.takes(found)))
        };
        if !self.headers.iter().all(header) {
            return Some("headers");
        }
        let named = || self.snis.iter().any(|sni| sni.eq_ignore_ascii_case(request.host.as_str()));
        (request.scheme == Scheme::Https && !self.snis.is_empty() && !named()).then_some("snis")
    }

    /// How many fields besides host and path are asked for.
    pub(super) fn fields(&self) -> usize {
        [!self.methods.is_empty(), !self.headers.is_empty(), !self.snis.is_empty()]
            .into_iter()
            .filter(|asked| *asked)
            .count()
    }
}

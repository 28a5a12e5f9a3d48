//! The rules of the frontends that annotations make.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::super::Place;
use super::super::objects::{each, name};

/// Everybody may be this one, whatever the Secret.
pub(super) const USERS: &str =
    "userlist users\n  group authenticated-users\n  user u insecure-password p groups authenticated-users\n";

/// One rule; equal ones are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    /// Addresses, and whether they are those that are let in.
    Deny {
        list: String,
        lets_in: bool,
    },
    /// For a group, as Ingresses have one of their own.
    Auth {
        group: String,
    },
    Limit {
        requests: i64,
    },
    Redirect {
        location: String,
        code: String,
        https: bool,
    },
    Header {
        name: String,
        value: String,
        response: bool,
    },
    Host {
        host: String,
    },
    Rewrite {
        pattern: String,
        format: String,
    },
}

impl Rule {
    pub(super) fn id(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// Rules run by kind.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::Deny { .. } => 0,
            Self::Auth { .. } => 1,
            Self::Limit { .. } => 2,
            Self::Redirect { .. } => 3,
            Self::Header { response: false, .. } => 4,
            Self::Host { .. } => 5,
            Self::Rewrite { .. } => 6,
            Self::Header { .. } => 7,
        }
    }

    pub(super) fn is_redirect(&self) -> bool {
        matches!(self, Self::Redirect { .. })
    }

    pub(super) fn is_for_https(&self) -> bool {
        !matches!(self, Self::Redirect { https: true, .. })
    }

    /// The file of addresses.
    pub(super) fn list(&self) -> Option<(String, String)> {
        let Self::Deny { list, .. } = self else { return None };
        let addresses = list.split(',').map(str::trim).filter(|address| !address.is_empty());
        Some((format!("{}.list", self.id()), addresses.map(|address| format!("{address}\n")).collect()))
    }

    pub(super) fn line(&self, conditional: bool, place: &Place) -> String {
        let (action, own) = match self {
            Self::Deny { lets_in, .. } => {
                let not = if *lets_in { "!" } else { "" };
                let file = place.file(&format!("{}.list", self.id()));
                ("http-request deny deny_status 403".to_owned(), format!("{not}{{ src -f {file} }}"))
            }
            Self::Auth { .. } => (
                "http-request auth realm Protected-Content".to_owned(),
                "!{ http_auth_group(users) authenticated-users }".to_owned(),
            ),
            // Nobody asks more often than a large limit lets, and everybody more often than never.
            Self::Limit { requests } => {
                let not = if *requests > 0 { "!" } else { "" };
                ("http-request deny deny_status 403".to_owned(), format!("{not}{{ always_true }}"))
            }
            Self::Redirect { location, code, .. } => {
                (format!("http-request redirect location {location} code {code}"), String::new())
            }
            Self::Header { name, value, response } => {
                let when = if *response { "response" } else { "request" };
                (format!("http-{when} set-header {name} \"{value}\""), String::new())
            }
            Self::Host { host } => (format!("http-request set-header Host {host}"), String::new()),
            Self::Rewrite { pattern, format } => {
                (format!("http-request replace-path {pattern} {format}"), String::new())
            }
        };
        let taken = if conditional {
            format!("{{ var(txn.path_match) -m dom {} }} ", self.id())
        } else {
            String::new()
        };
        let condition = format!("{taken}{own}");
        if condition.is_empty() { format!("  {action}\n") } else { format!("  {action} if {condition}\n") }
    }
}

/// The rules of an Ingress, or of the ConfigMap alone, in the order in which they are made.
pub(super) fn of<'v>(ingress: Option<&Value>, value: impl Fn(&str) -> Option<&'v str>) -> Vec<Rule> {
    let set = |key: &str| value(key).filter(|value| !value.is_empty());
    let mut rules = Vec::new();
    for (key, older, lets_in) in [("deny-list", "blacklist", false), ("allow-list", "whitelist", true)] {
        if let Some(list) = set(key).or_else(|| set(older)).filter(|list| are_addresses(list)) {
            rules.push(Rule::Deny { list: list.to_owned(), lets_in });
        }
    }
    rules.extend(set("set-host").map(|host| Rule::Host { host: host.to_owned() }));
    for line in set("path-rewrite").map(str::trim).into_iter().flat_map(|value| value.split('\n')) {
        let (pattern, format) = match line.split_whitespace().collect::<Vec<_>>()[..] {
            [format] => ("(.*)", format),
            [pattern, format] => (pattern, format),
            _ => break,
        };
        rules.push(Rule::Rewrite { pattern: pattern.to_owned(), format: format.to_owned() });
    }
    for (key, response) in [("request-set-header", false), ("response-set-header", true)] {
        let lines = set(key).into_iter().flat_map(|value| value.split('\n'));
        for (name, value) in lines.map_while(|line| line.split_once(' ')) {
            rules.push(Rule::Header { name: name.to_owned(), value: value.to_owned(), response });
        }
    }
    let has_tls = ingress
        .is_some_and(|ingress| each(ingress, "/spec/tls").any(|tls| each(tls, "/hosts").next().is_some()));
    let code = |key: &str| match value(key) {
        None => "302".to_owned(),
        Some(code) => code.parse::<i64>().unwrap_or(0).to_string(),
    };
    if set("ssl-redirect").map_or(has_tls, is_true) {
        let port = value("ssl-redirect-port").map_or(8443, |port| port.parse::<i64>().unwrap_or(0));
        let location = format!("https://%[hdr(host),field(1,:)]:{port}%[capture.req.uri]");
        rules.push(Rule::Redirect { location, code: code("ssl-redirect-code"), https: true });
    }
    if let Some(target) = set("request-redirect") {
        let (scheme, host) = target
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
            .unwrap_or(("http", target));
        let location = format!("{scheme}://{host}%[capture.req.uri]");
        rules.push(Rule::Redirect { location, code: code("request-redirect-code"), https: false });
    }
    rules.extend(
        set("rate-limit-requests").map(|text| Rule::Limit { requests: text.parse().unwrap_or_default() }),
    );
    if set("auth-type") == Some("basic-auth") {
        let group = ingress.map_or_else(|| "Global".to_owned(), |ingress| format!("{:?}", name(ingress)));
        rules.push(Rule::Auth { group });
    }
    rules
}

fn is_true(value: &str) -> bool {
    matches!(value, "1" | "t" | "T" | "TRUE" | "true" | "True")
        || ["on", "enabled"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn are_addresses(list: &str) -> bool {
    list.split(',').map(str::trim).filter(|address| !address.is_empty()).all(|address| {
        let (address, bits) = address.split_once('/').unwrap_or((address, "0"));
        address.parse::<std::net::IpAddr>().is_ok() && bits.parse::<u8>().is_ok()
    })
}

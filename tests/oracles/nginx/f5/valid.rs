//! Which Ingresses are accepted: one bad annotation or field rejects the whole of one.

use regex::Regex;

use super::super::objects::{Cluster, Ingress, Path};
use super::{Role, boolean, role};

pub(super) fn is_valid(cluster: &Cluster<'_>, ingress: &Ingress) -> bool {
    let annotations = ingress.annotations.iter();
    annotations.clone().all(|(key, value)| is_annotation(cluster, ingress, key, value))
        && is_spec(cluster, ingress)
}

fn is_spec(cluster: &Cluster<'_>, ingress: &Ingress) -> bool {
    let rules = &ingress.rules;
    let empty = cluster.argument("allow-empty-ingress-host") == Some("true");
    let twice = (1..rules.len()).any(|at| rules[..at].iter().any(|rule| rule.host == rules[at].host));
    let shape = match role(ingress) {
        Role::Regular => true,
        Role::Master => rules.len() == 1 && rules[0].paths.is_empty(),
        Role::Minion => rules.len() == 1 && !rules[0].paths.is_empty() && ingress.tls.is_empty(),
    };
    !rules.is_empty()
        && shape
        && !twice
        && rules.iter().all(|rule| empty || !rule.host.is_empty())
        && rules.iter().flat_map(|rule| &rule.paths).all(is_path)
}

/// A path is read as a pattern, wanted or not.
fn is_path(path: &Path) -> bool {
    let text = path.path.as_str();
    if text.is_empty() {
        return path.kind == "ImplementationSpecific";
    }
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c));
    let banned = text.starts_with("/etc/") || text.contains("/root") || text.contains("/var");
    let worded = Regex::new(r"\{[^}]*[A-Za-z][^}]*\}").expect("a pattern");
    text.starts_with('/')
        && !banned
        && path.backend.is_some()
        && (plain
            || (!text.contains([' ', '\t', ';', '"']) && Regex::new(text).is_ok() && !worded.is_match(text)))
}

fn is_annotation(cluster: &Cluster<'_>, ingress: &Ingress, key: &str, value: &str) -> bool {
    let snippets = cluster.argument("enable-snippets") == Some("true");
    let blank = |c: char| c.is_whitespace() || ";{}".contains(c);
    match key {
        "nginx.org/redirect-to-https" | "nginx.org/ssl-redirect" | "ingress.kubernetes.io/ssl-redirect" => {
            boolean(value).is_some()
        }
        "nginx.org/http-redirect-code" => ["301", "302", "307", "308"].contains(&value),
        "nginx.org/app-root" => {
            value.len() > 1
                && value.starts_with('/')
                && !value.ends_with('/')
                && !value.contains("//")
                && !value.contains('~')
        }
        "nginx.org/rewrites" => {
            rewrites(value).is_some_and(|all| all.iter().all(|(service, _)| names_service(ingress, service)))
        }
        "nginx.org/ssl-services" | "nginx.org/websocket-services" => {
            value.split(',').all(|service| names_service(ingress, service))
        }
        "nginx.org/rewrite-target" => {
            value.starts_with('/') && !value.starts_with("//") && !value.contains(blank)
        }
        "nginx.org/path-regex" => ["case_sensitive", "case_insensitive", "exact"].contains(&value),
        "nginx.org/listen-ports" | "nginx.org/listen-ports-ssl" => {
            value.split(',').all(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
        }
        "nginx.org/server-snippets" | "nginx.org/location-snippets" => snippets,
        "nginx.org/mergeable-ingress-type" => value == "master" || value == "minion",
        "nginx.org/proxy-read-timeout" => value.ends_with('s') && value.len() > 1 && value != "soons",
        "nginx.com/health-checks" => cluster.argument("nginx-plus") == Some("true"),
        _ => true,
    }
}

fn names_service(ingress: &Ingress, service: &str) -> bool {
    let paths = ingress.rules.iter().flat_map(|rule| &rule.paths).filter_map(|path| path.backend.as_ref());
    paths.chain(&ingress.default).any(|backend| backend.service == service)
}

/// `serviceName=a rewrite=/x/;serviceName=b rewrite=/y/`.
pub(super) fn rewrites(text: &str) -> Option<Vec<(&str, &str)>> {
    let one = |part: &'_ str| -> Option<(usize, usize)> {
        let (service, path) = part.split_once(' ')?;
        let path = path.strip_prefix("rewrite=").filter(|path| path.starts_with('/'))?;
        Some((service.strip_prefix("serviceName=")?.len(), path.len()))
    };
    text.split(';')
        .map(str::trim)
        .map(|part| {
            let (service, path) = one(part)?;
            Some((&part["serviceName=".len()..][..service], &part[part.len() - path..]))
        })
        .collect()
}

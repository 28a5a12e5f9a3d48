//! What the annotations of one Ingress ask for, as far as routing depends on it.
//!
//! Sources: nginx/kubernetes-ingress `internal/configs/annotations.go` (`parseAnnotations`,
//! `getRewrites`, `getRewriteTarget`), `internal/configs/parsing_helpers.go`,
//! `internal/configs/version1/template_helper.go`, 5.5.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::ingress::Ingress;
use crate::model::object::Name;

use super::Loaded;
use super::annotations::Annotations;
use super::global::{Global, boolean, redirect_code};

/// The part of an Ingress among those that share a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Regular,
    /// Owns a host and has no paths.
    Master,
    /// Brings paths to a master's host.
    Minion,
}

impl Role {
    pub(super) fn of(ingress: &Ingress) -> Self {
        match ingress.meta.annotation("nginx.org/mergeable-ingress-type") {
            Some("master") => Self::Master,
            Some("minion") => Self::Minion,
            Some(_) | None => Self::Regular,
        }
    }
}

/// How the paths of an Ingress are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// `location /foo` and `location = /foo`.
    #[default]
    Plain,
    /// `location ~ "^/foo"`.
    CaseSensitive,
    /// `location ~* "^/foo"`.
    CaseInsensitive,
    /// `location = "/foo"`, whatever the path's type.
    Exact,
}

impl Mode {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "case_sensitive" => Some(Self::CaseSensitive),
            "case_insensitive" => Some(Self::CaseInsensitive),
            "exact" => Some(Self::Exact),
            _ => None,
        }
    }
}

/// Who said what a setting is, to tell of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Default,
    Annotation(&'static str),
    Config(&'static str),
}

/// A setting and who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting<T> {
    pub(super) value: T,
    pub(super) told: Told,
}

#[derive(Debug, Clone)]
pub(super) struct Options {
    /// `None` where the annotation is absent.
    pub(super) mode: Option<Mode>,
    /// The path that replaces a location's own, by Service.
    pub(super) rewrites: BTreeMap<String, String>,
    pub(super) rewrite_target: Option<String>,
    pub(super) ssl_redirect: Setting<bool>,
    pub(super) redirect_to_https: Setting<bool>,
    pub(super) http_redirect_code: u16,
    pub(super) app_root: Option<String>,
    pub(super) ports: Vec<u32>,
    pub(super) ssl_ports: Vec<u32>,
    /// Services that speak gRPC.
    pub(super) grpc: BTreeSet<String>,
    pub(super) cluster_ip: bool,
    /// The Secret that basic authentication needs.
    pub(super) auth_secret: Option<Name>,
    pub(super) server_snippets: Option<Setting<String>>,
    pub(super) location_snippets: Option<Setting<String>>,
    /// Policies decide about access; they are not read.
    pub(super) policies: bool,
}

impl Options {
    pub(super) fn new(ingress: &Ingress, global: &Global) -> Self {
        let annotations = Annotations::new(ingress, global);
        let switch = |keys: &[&'static str], config: &'static str, default: bool, own: bool| {
            let annotated = keys.iter().find_map(|key| {
                let value = boolean(annotations.get(key)?)?;
                Some(Setting { value, told: Told::Annotation(key) })
            });
            let told = if default == own { Told::Default } else { Told::Config(config) };
            annotated.unwrap_or(Setting { value: default, told })
        };
        let snippet = |key: &'static str, config: &'static str, all: Option<&String>| {
            let own = annotations.get(key).map(|text| (text.to_owned(), Told::Annotation(key)));
            let found = own.or_else(|| all.map(|text| (text.clone(), Told::Config(config))));
            found.map(|(value, told)| Setting { value, told })
        };
        let list = |key: &str| annotations.get(key).into_iter().flat_map(|text| text.split(','));
        let ports = |key: &str, default: u32| {
            let ports: Option<Vec<u32>> = annotations.get(key).and_then(port_list);
            ports.unwrap_or_else(|| vec![default])
        };
        let rewrites = annotations.get("nginx.org/rewrites");
        let code = annotations.get("nginx.org/http-redirect-code").and_then(redirect_code);
        let secret = annotations.get("nginx.org/basic-auth-secret");
        Self {
            mode: annotations.get("nginx.org/path-regex").and_then(Mode::parse),
            rewrite_target: annotations
                .get("nginx.org/rewrite-target")
                .filter(|target| rewrites.is_none() && !target.is_empty())
                .map(str::to_owned),
            rewrites: rewrites.and_then(rewrite_list).unwrap_or_default(),
            ssl_redirect: switch(
                &["nginx.org/ssl-redirect", "ingress.kubernetes.io/ssl-redirect"],
                "ssl-redirect",
                global.ssl_redirect,
                true,
            ),
            redirect_to_https: switch(
                &["nginx.org/redirect-to-https"],
                "redirect-to-https",
                global.redirect_to_https,
                false,
            ),
            http_redirect_code: code.unwrap_or(global.http_redirect_code),
            app_root: annotations.get("nginx.org/app-root").map(str::to_owned),
            ports: ports("nginx.org/listen-ports", 80),
            ssl_ports: ports("nginx.org/listen-ports-ssl", 443),
            grpc: list("nginx.org/grpc-services").filter(|_| global.http2).map(str::to_owned).collect(),
            cluster_ip: annotations.get("nginx.org/use-cluster-ip").and_then(boolean).unwrap_or(false),
            auth_secret: secret.map(|secret| Name::new(&ingress.meta.namespace, secret)),
            server_snippets: snippet(
                "nginx.org/server-snippets",
                "server-snippets",
                global.server_snippets.as_ref(),
            ),
            location_snippets: snippet(
                "nginx.org/location-snippets",
                "location-snippets",
                global.location_snippets.as_ref(),
            ),
            policies: annotations.get("nginx.org/policies").is_some(),
        }
    }
}

/// Minions take a master's `location-snippets` where they have none of their own.
pub(super) fn inherit(loaded: &mut [Loaded]) {
    let masters = loaded.iter().filter(|ingress| ingress.role == Role::Master);
    let mut snippets: HashMap<String, Setting<String>> = HashMap::new();
    for master in masters {
        if let (Some(rule), Some(snippet)) = (master.rules.first(), &master.options.location_snippets) {
            snippets.insert(rule.host().to_owned(), snippet.clone());
        }
    }
    for minion in loaded.iter_mut().filter(|ingress| ingress.role == Role::Minion) {
        let host = minion.rules.first().map(|rule| rule.host().to_owned()).unwrap_or_default();
        let own = minion.options.location_snippets.as_ref();
        let has_own = own.is_some_and(|snippet| matches!(snippet.told, Told::Annotation(_)));
        if !has_own && let Some(snippet) = snippets.get(&host) {
            minion.options.location_snippets = Some(snippet.clone());
        }
    }
}

/// `80,8080`, without spaces.
pub(super) fn port_list(text: &str) -> Option<Vec<u32>> {
    text.split(',').map(|port| port.parse::<u32>().ok().filter(|port| *port > 0)).collect()
}

/// `serviceName=a rewrite=/x/;serviceName=b rewrite=/y/`.
pub(super) fn rewrite_list(text: &str) -> Option<BTreeMap<String, String>> {
    let mut rewrites = BTreeMap::new();
    for part in text.split(';') {
        let (service, path) = part.trim().split_once(' ')?;
        let service = service.strip_prefix("serviceName=")?;
        let path = path.strip_prefix("rewrite=")?;
        let is_path = path.starts_with('/')
            && !path.chars().any(|c| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '$' | '='));
        if service.contains('=') || !is_path {
            return None;
        }
        rewrites.insert(service.to_owned(), path.to_owned());
    }
    Some(rewrites)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_strictly_as_the_controller_does() {
        for (text, expected) in
            [("80,8090", Some(vec![80, 8090])), ("80, 8090", None), ("http", None), ("0", None), ("", None)]
        {
            assert_eq!(port_list(text), expected, "{text}");
        }
        for (text, expected) in [
            ("serviceName=a rewrite=/x/", Some("a=/x/")),
            ("serviceName=a rewrite=/x/; serviceName=b rewrite=/", Some("a=/x/ b=/")),
            ("serviceName=a", None),
            ("serviceName=a rewrite=x", None),
            ("serviceName=a rewrite=/$1", None),
            ("service=a rewrite=/", None),
            ("serviceName=a rewrite=/x/;", None),
        ] {
            let found = rewrite_list(text).map(|list| {
                let pairs: Vec<String> = list.iter().map(|(k, v)| format!("{k}={v}")).collect();
                pairs.join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}

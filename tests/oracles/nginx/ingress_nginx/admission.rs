//! Which Ingresses are loaded, and how annotations and ConfigMap keys are read.

use super::super::objects::{Cluster, Ingress};

pub(super) struct Controller<'w> {
    pub(super) cluster: &'w Cluster<'w>,
    prefix: String,
    /// What is loaded: oldest first; equally old ones by name, from the end.
    pub(super) loaded: Vec<&'w Ingress>,
}

const CRITICAL: [&str; 5] =
    ["server-snippet", "configuration-snippet", "auth-snippet", "modsecurity-snippet", "stream-snippet"];
const HIGH: [&str; 3] = ["server-alias", "auth-url", "auth-signin"];
const MEDIUM: [&str; 16] = [
    "rewrite-target",
    "app-root",
    "permanent-redirect",
    "temporal-redirect",
    "force-ssl-redirect",
    "preserve-trailing-slash",
    "allowlist-source-range",
    "whitelist-source-range",
    "denylist-source-range",
    "canary-by-header",
    "canary-by-header-value",
    "canary-by-header-pattern",
    "canary-by-cookie",
    "auth-secret",
    "auth-tls-secret",
    "auth-realm",
];

fn risk(name: &str) -> usize {
    match name {
        _ if CRITICAL.contains(&name) => 3,
        _ if HIGH.contains(&name) => 2,
        _ if MEDIUM.contains(&name) => 1,
        _ => 0,
    }
}

/// A boolean as Go reads it.
pub(super) fn boolean(text: &str) -> Option<bool> {
    let yes = ["1", "t", "T", "true", "TRUE", "True"].contains(&text);
    let no = ["0", "f", "F", "false", "FALSE", "False"].contains(&text);
    (yes || no).then_some(yes)
}

fn is_of(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// Whether a path with captured groups is one.
fn is_path(text: &str) -> bool {
    is_of(text, "-._~/:$")
}

fn is_url(text: &str) -> bool {
    is_of(text, "-._~/:,?&=")
}

impl<'w> Controller<'w> {
    pub(super) fn of(cluster: &'w Cluster<'w>) -> Self {
        let prefix = cluster.argument("annotations-prefix").unwrap_or("nginx.ingress.kubernetes.io");
        let mut controller = Self { cluster, prefix: format!("{prefix}/"), loaded: Vec::new() };
        let mut loaded: Vec<&Ingress> =
            cluster.ingresses.iter().filter(|one| controller.admits(one)).collect();
        loaded
            .sort_by(|one, other| one.created.cmp(&other.created).then_with(|| other.key().cmp(&one.key())));
        controller.loaded = loaded;
        controller
    }

    fn admits(&self, ingress: &Ingress) -> bool {
        let own: Vec<(&str, &str)> = ingress
            .annotations
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(&self.prefix)?, value.as_str())))
            .collect();
        let level = self.cluster.config("annotations-risk-level").unwrap_or("High").to_lowercase();
        let levels = ["low", "medium", "high", "critical"];
        let allowed = levels.iter().position(|one| *one == level).unwrap_or(0);
        let blocked: Vec<&str> = self
            .cluster
            .config("annotation-value-word-blocklist")
            .map(|words| words.split(',').map(str::trim).filter(|word| !word.is_empty()).collect())
            .unwrap_or_default();
        let catch_all = self.cluster.argument("disable-catch-all") != Some("true");
        let deep = self.cluster.argument("deep-inspect") != Some("false");
        ingress.is_of_class()
            && own.iter().all(|(name, _)| risk(name) <= allowed)
            && !own.iter().any(|(_, value)| blocked.iter().any(|word| value.contains(word)))
            && (catch_all || ingress.default.is_none())
            && !(deep
                && ingress.rules.iter().flat_map(|rule| &rule.paths).any(|path| is_dangerous(&path.path)))
            && (self.cluster.argument("enable-annotation-validation") == Some("false")
                || own.iter().all(|(name, value)| self.is_tolerable(ingress, name, value)))
    }

    /// Whether a value does not drop its Ingress.
    fn is_tolerable(&self, ingress: &Ingress, name: &str, value: &str) -> bool {
        let is_integer = value.parse::<i64>().is_ok();
        value.is_empty()
            || match name {
                "server-alias" => value.split(',').all(|alias| !alias.trim().contains(' ')),
                "upstream-vhost" => !value.contains(' '),
                "limit-rps" | "temporal-redirect-code" => is_integer,
                "default-backend" => is_of(value, "-"),
                "temporal-redirect" => is_url(value),
                "permanent-redirect" => self.is_set(ingress, "temporal-redirect") || is_url(value),
                "permanent-redirect-code" => self.is_set(ingress, "temporal-redirect") || is_integer,
                "from-to-www-redirect" | "relative-redirects" => boolean(value).is_some(),
                "auth-type" => value == "basic" || value == "digest",
                "custom-http-errors" => value.split(',').all(|code| {
                    code.len() == 3 && code.starts_with(['4', '5']) && code.parse::<u16>().is_ok()
                }),
                _ => true,
            }
    }

    fn raw<'i>(&self, ingress: &'i Ingress, name: &str) -> Option<&'i str> {
        ingress.annotation(&format!("{}{name}", self.prefix)).filter(|value| !value.is_empty())
    }

    /// The value of an annotation; a bad one is none.
    pub(super) fn text<'i>(&self, ingress: &'i Ingress, name: &str) -> Option<&'i str> {
        let value = self.raw(ingress, name)?;
        let validates = self.cluster.argument("enable-annotation-validation") != Some("false");
        let good = match name {
            "rewrite-target" | "app-root" => !validates || is_path(value),
            "temporal-redirect" => value.starts_with("http"),
            _ => true,
        };
        good.then_some(value)
    }

    pub(super) fn is_set(&self, ingress: &Ingress, name: &str) -> bool {
        self.raw(ingress, name).is_some()
    }

    pub(super) fn switch(&self, ingress: &Ingress, name: &str) -> Option<bool> {
        boolean(self.raw(ingress, name)?)
    }

    pub(super) fn integer(&self, ingress: &Ingress, name: &str) -> Option<i64> {
        self.raw(ingress, name)?.parse().ok()
    }

    /// A switch of the ConfigMap.
    pub(super) fn config_switch(&self, key: &str, usual: bool) -> bool {
        match self.cluster.config(key) {
            Some("") => false,
            value => value.and_then(boolean).unwrap_or(usual),
        }
    }

    /// Whether clients should bring certificates of an authority that is not there.
    pub(super) fn lacks_authority(&self, ingress: &Ingress) -> bool {
        let Some(secret) = self.text(ingress, "auth-tls-secret") else { return false };
        let crosses = self.config_switch("allow-cross-namespace-resources", false);
        !secret.split_once('/').is_some_and(|(namespace, name)| {
            (crosses || namespace == ingress.namespace) && self.cluster.has_secret(namespace, name)
        })
    }

    /// A list of the ConfigMap.
    pub(super) fn config_list(&self, key: &str) -> Vec<&str> {
        let text = self.cluster.config(key).unwrap_or_default();
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()
    }

    pub(super) fn has_snippets(&self) -> bool {
        self.config_switch("allow-snippet-annotations", false)
    }
}

/// Paths that reach for the controller's files or for Lua.
fn is_dangerous(path: &str) -> bool {
    path.contains("/etc/passwd") || path.contains("/var/run/secrets") || path.contains("_by_lua")
}

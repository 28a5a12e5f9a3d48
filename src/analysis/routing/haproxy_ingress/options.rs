//! What annotations and ConfigMap make of the requests to an Ingress.
//!
//! Sources: jcmoraisjr/haproxy-ingress `pkg/converters/ingress/annotations`,
//! `pkg/converters/ingress/defaults.go`, v0.17.

use crate::analysis::routing::Note;
use crate::analysis::routing::nginx::pattern::Pattern;
use crate::model::controller::Settings;
use crate::model::ingress::Ingress;

use super::hosts::{Header, Loose};

/// The prefixes of annotations, the first that has a name counts.
pub(super) fn prefixes(settings: &Settings) -> Vec<String> {
    let told = settings.value("annotations-prefix").filter(|list| !list.is_empty());
    told.unwrap_or("haproxy-ingress.github.io,ingress.kubernetes.io")
        .split(',')
        .map(|prefix| prefix.trim().to_owned())
        .collect()
}

/// The annotations of one Ingress, with the ConfigMap behind them.
pub(super) struct Values<'a> {
    pub(super) ingress: &'a Ingress,
    pub(super) prefixes: &'a [String],
    pub(super) settings: &'a Settings,
}

impl Values<'_> {
    fn own(&self, name: &str) -> Option<(&str, Note)> {
        self.prefixes.iter().find_map(|prefix| {
            let key = format!("{prefix}/{name}");
            let value = self.ingress.meta.annotation(&key)?.trim();
            Some((value, Note::Annotation { ingress: self.ingress.meta.key(), key }))
        })
    }

    fn get(&self, name: &str) -> Option<(&str, Note)> {
        self.own(name).or_else(|| {
            let value = self.settings.config(name)?.trim();
            Some((value, Note::Config { key: name.to_owned() }))
        })
    }
}

/// Where a request is sent instead.
#[derive(Debug, Clone)]
pub(super) struct Redirect {
    pub(super) to: String,
    pub(super) code: u16,
    pub(super) said_by: Note,
}

#[derive(Debug)]
pub(super) struct Options {
    pub(super) path_type: Loose,
    pub(super) aliases: Vec<String>,
    pub(super) alias_pattern: Option<String>,
    pub(super) headers: Vec<Header>,
    pub(super) rewrite: Option<(String, Note)>,
    pub(super) app_root: Option<(String, Note)>,
    pub(super) redirect: Option<Redirect>,
    /// Plain requests go to https; only for the hosts of TLS sections.
    pub(super) https: Option<(u16, Note)>,
    pub(super) tls_hosts: Vec<String>,
    /// Its hosts are served over TLS without being named for it.
    pub(super) always_https: bool,
    /// Paths that are served without TLS all the same.
    pub(super) plain_paths: Vec<String>,
    pub(super) auth: Option<Note>,
    /// A list of addresses has a say.
    pub(super) lists: Vec<Note>,
}

impl Options {
    pub(super) fn new(values: &Values<'_>) -> Self {
        let text = |name: &str| {
            let (value, note) = values.get(name)?;
            (!value.is_empty()).then(|| (value.to_owned(), note))
        };
        let code = |name: &str| {
            let told = values.get(name).and_then(|(value, _)| value.parse::<u16>().ok());
            told.filter(|code| (300..400).contains(code)).unwrap_or(302)
        };
        let path_type = match values.get("path-type").map(|(value, _)| value.to_lowercase()).as_deref() {
            Some("prefix") => Loose::Prefix,
            Some("exact") => Loose::Exact,
            Some("regex") => Loose::Regex,
            Some(_) | None => Loose::Begin,
        };
        let headers = [("http-header-match", false), ("http-header-match-regex", true)]
            .into_iter()
            .filter_map(|(name, is_pattern)| Some((values.own(name)?.0.to_owned(), is_pattern)))
            .flat_map(|(lines, is_pattern)| {
                let pairs = lines.lines().filter_map(|line| line.split_once(':'));
                let pairs = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
                pairs.map(move |(name, value)| Header { name, value, is_pattern }).collect::<Vec<_>>()
            })
            .collect();
        let https = match values.get("ssl-redirect") {
            Some((value, note)) => (value == "true").then_some(note),
            None => Some(Note::Config { key: "ssl-redirect".to_owned() }),
        };
        let list = |name: &str| text(name).map(|(value, _)| value).unwrap_or_default();
        let split = |value: String| -> Vec<String> {
            value.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
        };
        let plain_paths = match values.get("no-tls-redirect-locations") {
            Some((value, _)) => value.to_owned(),
            None => "/.well-known/acme-challenge".to_owned(),
        };
        Self {
            path_type,
            aliases: split(list("server-alias")),
            alias_pattern: text("server-alias-regex").map(|(value, _)| value),
            headers,
            rewrite: text("rewrite-target"),
            app_root: text("app-root"),
            redirect: text("redirect-to").map(|(to, said_by)| Redirect {
                to,
                code: code("redirect-to-code"),
                said_by,
            }),
            https: https.map(|note| (code("ssl-redirect-code"), note)),
            always_https: values.get("ssl-always-add-https").is_some_and(|(value, _)| value == "true"),
            tls_hosts: values.ingress.tls.iter().flat_map(|tls| tls.hosts.clone()).collect(),
            plain_paths: split(plain_paths),
            auth: text("auth-secret").map(|(_, note)| note),
            lists: ["allowlist-source-range", "whitelist-source-range", "denylist-source-range"]
                .into_iter()
                .filter_map(|name| text(name).map(|(_, note)| note))
                .collect(),
        }
    }

    /// The path that the upstream gets: the rule's own is a pattern there, whatever its type.
    pub(super) fn rewritten(&self, rule: &str, path: &str) -> String {
        let Some((target, _)) = &self.rewrite else { return path.to_owned() };
        let rule = if rule.is_empty() { "/" } else { rule };
        let (rest, head) = match target.as_str() {
            "/" => ("/?(.*)$", "/".to_owned()),
            _ => ("(.*)$", format!("{target}{}", if rule.ends_with('/') { "/" } else { "" })),
        };
        match Pattern::new(format!("^{rule}{rest}"), false).captures(path.as_bytes()) {
            Ok(Some(groups)) => {
                let first = groups.get(1).map(|group| String::from_utf8_lossy(group.as_bytes()).into_owned());
                format!("{head}{}", first.unwrap_or_default())
            }
            Ok(None) | Err(_) => path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_rule_is_replaced_and_the_rest_stays() {
        for (rule, target, path, expected) in [
            ("/abc", "/", "/abc", "/"),
            ("/abc", "/", "/abc/", "/"),
            ("/abc", "/", "/abc/x", "/x"),
            ("/abc", "/y", "/abc", "/y"),
            ("/abc", "/y", "/abc/", "/y/"),
            ("/abc", "/y", "/abc/x", "/y/x"),
            ("/abc/", "/", "/abc/x", "/x"),
            ("/", "/y", "/abc", "/y/abc"),
            ("/v[0-9]+", "/y", "/v12/x", "/y/x"),
            ("/a(b|c)", "/", "/ac/x", "/c"),
            ("/abc", "/y", "/ABC/x", "/ABC/x"),
        ] {
            let ingress = Ingress {
                meta: crate::model::object::ObjectMeta {
                    annotations: [("ingress.kubernetes.io/rewrite-target".to_owned(), target.to_owned())]
                        .into(),
                    ..Default::default()
                },
                ..Ingress::default()
            };
            let settings = Settings::default();
            let values = Values { ingress: &ingress, prefixes: &prefixes(&settings), settings: &settings };
            assert_eq!(Options::new(&values).rewritten(rule, path), expected, "{rule} {target} {path}");
        }
    }
}

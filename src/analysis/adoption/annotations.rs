//! Why ingress-nginx does not load an Ingress that its class selection took: the annotation policy.
//!
//! Assumptions by version: no policy at all before 1.9; from 1.9 snippets are off by default and the
//! risk level is `Critical`; from 1.12 the risk level is `High` and values are validated without
//! being asked to; from 1.12.2 aliases of annotations count for the risk too. A version that cannot
//! be told reads as the newest. An Ingress that was loaded before a bad edit stays loaded, in its old
//! version, until the controller restarts: that cannot be seen from objects.
//! Sources: kubernetes/ingress-nginx `internal/ingress/annotations/annotations.go` (`Extract`),
//! `internal/ingress/controller/store/store.go`, `internal/ingress/inspector`, v1.15.1; changelogs.

use crate::analysis::routing::Refusal;
use crate::model::controller::{ConfigSeen, Settings, Version};
use crate::model::ingress::Ingress;

mod check;
mod table;

pub(in crate::analysis) use check::are_networks;
use table::{Risk, Row};

/// The prefix of annotations unless `--annotations-prefix` says otherwise.
pub const DEFAULT_PREFIX: &str = "nginx.ingress.kubernetes.io";

/// What a controller accepts.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches of the controller, each on its own")]
pub(crate) struct Policy<'a> {
    /// With the slash.
    prefix: String,
    max_risk: Option<Risk>,
    /// The level could not be read and is assumed to be the default.
    risk_assumed: bool,
    aliases_are_risky: bool,
    validates: bool,
    snippets: bool,
    blocked: Vec<&'a str>,
    catch_all: bool,
    inspects: bool,
    crosses_namespaces: bool,
}

impl<'a> Policy<'a> {
    pub(crate) fn new(settings: &'a Settings) -> Self {
        let since =
            |minor, patch| settings.version.is_none_or(|version| version >= Version::new(1, minor, patch));
        let default_risk = if since(12, 0) { Risk::High } else { Risk::Critical };
        let max_risk = settings.config("annotations-risk-level").map_or(default_risk, Risk::parse);
        let switch = |name: &str, default: bool| {
            if settings.flag(name).is_some() { settings.is_set(name) } else { default }
        };
        Self {
            prefix: format!("{}/", settings.value("annotations-prefix").unwrap_or(DEFAULT_PREFIX)),
            max_risk: since(9, 0).then_some(max_risk),
            risk_assumed: settings.config == ConfigSeen::Unseen,
            aliases_are_risky: since(12, 2),
            validates: since(9, 0) && switch("enable-annotation-validation", since(12, 0)),
            snippets: match settings.config("allow-snippet-annotations").and_then(check::boolean) {
                Some(allowed) => allowed,
                None => !since(9, 0),
            },
            blocked: settings
                .config("annotation-value-word-blocklist")
                .map(|words| words.split(',').map(str::trim).filter(|word| !word.is_empty()).collect())
                .unwrap_or_default(),
            catch_all: !settings.is_set("disable-catch-all"),
            inspects: switch("deep-inspect", true),
            crosses_namespaces: settings
                .config("allow-cross-namespace-resources")
                .and_then(check::boolean)
                .unwrap_or(!since(12, 0))
                && since(9, 0),
        }
    }

    /// Whether snippet annotations have an effect.
    pub(crate) fn snippets(&self) -> bool {
        self.snippets
    }

    /// Whether annotations may name Secrets of other namespaces.
    pub(crate) fn crosses_namespaces(&self) -> bool {
        self.crosses_namespaces
    }

    /// The full key of an annotation.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Whether an Ingress carries any annotation of this controller.
    pub(crate) fn concerns(&self, ingress: &Ingress) -> bool {
        ingress.meta.annotations.keys().any(|key| key.starts_with(&self.prefix))
    }

    /// An annotation's text with its lines trimmed; `None` when unset, empty or not accepted.
    pub(crate) fn text<'i>(&self, ingress: &'i Ingress, name: &str) -> Option<std::borrow::Cow<'i, str>> {
        let raw = self.raw(ingress, name)?;
        if raw.is_empty() || !self.accepts(name, raw) {
            return None;
        }
        let text = if raw.contains('\n') {
            raw.split('\n').map(str::trim).collect::<Vec<_>>().join("\n").into()
        } else {
            std::borrow::Cow::Borrowed(raw.trim())
        };
        (!text.is_empty()).then_some(text)
    }

    /// A boolean annotation.
    pub(crate) fn boolean(&self, ingress: &Ingress, name: &str) -> Option<bool> {
        check::boolean(self.raw(ingress, name)?)
    }

    /// An integer annotation.
    pub(crate) fn integer(&self, ingress: &Ingress, name: &str) -> Option<i64> {
        check::integer(self.raw(ingress, name)?)
    }

    /// Whether an annotation is present at all, with whatever value.
    pub(crate) fn is_set(&self, ingress: &Ingress, name: &str) -> bool {
        self.raw(ingress, name).is_some()
    }

    /// Whether an address list is one, when it is set.
    pub(crate) fn is_address_list(&self, ingress: &Ingress, name: &str) -> Option<bool> {
        self.raw(ingress, name).map(check::are_networks)
    }

    fn raw<'i>(&self, ingress: &'i Ingress, name: &str) -> Option<&'i str> {
        let value = ingress.meta.annotation(&self.key(name));
        match (value, table::row(name).and_then(|row| row.alias)) {
            (None | Some(""), Some(alias)) => {
                ingress.meta.annotation(&self.key(alias)).filter(|value| !value.is_empty()).or(value)
            }
            (_, _) => value,
        }
    }

    fn accepts(&self, name: &str, value: &str) -> bool {
        !self.validates || table::row(name).is_none_or(|row| row.check.passes(value))
    }

    /// Why an Ingress is not loaded.
    pub(crate) fn refusal(&self, ingress: &Ingress) -> Option<Refusal> {
        if !self.catch_all && ingress.default_backend.is_some() {
            return Some(Refusal::CatchAllDisabled);
        }
        if let Some(path) = self.dangerous_path(ingress) {
            return Some(Refusal::DangerousPath { path });
        }
        self.blocked_word(ingress).or_else(|| self.risky(ingress)).or_else(|| self.invalid(ingress))
    }

    fn dangerous_path(&self, ingress: &Ingress) -> Option<String> {
        if !self.inspects {
            return None;
        }
        let mut paths = ingress.path_rules().map(|(_, _, _, rule)| rule.path.as_str());
        paths.find(|path| is_dangerous(path)).map(str::to_owned)
    }

    fn blocked_word(&self, ingress: &Ingress) -> Option<Refusal> {
        let own = ingress.meta.annotations.iter().filter(|(key, _)| key.starts_with(&self.prefix));
        own.flat_map(|(key, value)| self.blocked.iter().map(move |word| (key, value, *word)))
            .find(|(_, value, word)| value.contains(word))
            .map(|(key, _, word)| Refusal::BlockedWord { key: key.clone(), word: word.to_owned() })
    }

    fn risky(&self, ingress: &Ingress) -> Option<Refusal> {
        let max = self.max_risk?;
        ingress.meta.annotations.keys().find_map(|key| {
            let row = self.row_of_key(key)?;
            if row.risk <= max {
                return None;
            }
            if self.risk_assumed {
                return Some(Refusal::Undecided);
            }
            Some(Refusal::RiskyAnnotation {
                key: key.clone(),
                risk: row.risk.as_str(),
                allowed: max.as_str().to_owned(),
            })
        })
    }

    fn row_of_key(&self, key: &str) -> Option<&'static Row> {
        let name = key.strip_prefix(&self.prefix).unwrap_or(key);
        let alias = if self.aliases_are_risky { table::row_of_alias(name) } else { None };
        table::row(name).or(alias)
    }

    fn invalid(&self, ingress: &Ingress) -> Option<Refusal> {
        if !self.validates {
            return None;
        }
        let own = ingress.meta.annotations.keys().filter_map(|key| key.strip_prefix(&self.prefix));
        let mut names = own.filter_map(|name| table::row(name).or_else(|| table::row_of_alias(name)));
        names
            .find(|row| {
                let value = self.raw(ingress, row.name).unwrap_or_default();
                row.drops
                    && !value.is_empty()
                    && !row.check.passes(value)
                    && !self.is_never_read(ingress, row.name)
            })
            .map(|row| Refusal::InvalidAnnotation { key: self.key(row.name) })
    }

    /// The redirect group stops reading at a temporal redirect.
    fn is_never_read(&self, ingress: &Ingress, name: &str) -> bool {
        matches!(name, "permanent-redirect" | "permanent-redirect-code")
            && self.text(ingress, "temporal-redirect").is_some()
    }
}

/// Patterns that the controller takes for an attempt to smuggle directives or read files.
fn is_dangerous(path: &str) -> bool {
    let directive = |word: &str| {
        path.match_indices(word).any(|(at, _)| {
            let rest = path.get(at + word.len()..).unwrap_or_default();
            rest.trim_start() != rest && rest.contains(';')
        })
    };
    directive("alias")
        || directive("root")
        || path.contains("_by_lua")
        || path.contains("/var/run/secrets")
        || ["passwd", "shadow", "group", "nginx", "ingress-controller"]
            .iter()
            .any(|file| path.contains(&format!("/etc/{file}")))
}

/// Why ingress-nginx does not load an Ingress that its class selection took.
#[must_use]
pub fn load_refusal(settings: &Settings, ingress: &Ingress) -> Option<Refusal> {
    Policy::new(settings).refusal(ingress)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::controller::Flag;
    use crate::model::ingress::{Backend, PathRule, PathType, PortRef, Rule};
    use crate::model::object::ObjectMeta;

    fn settings(version: Option<&str>, flags: &[(&str, &str)], config: &[(&str, &str)]) -> Settings {
        Settings {
            env: std::collections::BTreeMap::new(),
            version: version.and_then(Version::parse),
            args: flags
                .iter()
                .map(|(name, value)| Flag {
                    index: 0,
                    in_command: false,
                    name: (*name).to_owned(),
                    value: Some((*value).to_owned()),
                })
                .collect(),
            namespace: String::new(),
            config: ConfigSeen::Known(
                config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            ),
        }
    }

    fn ingress(annotations: &[(&str, &str)]) -> Ingress {
        let full = |name: &str| {
            if name.contains('/') { name.to_owned() } else { format!("{DEFAULT_PREFIX}/{name}") }
        };
        Ingress {
            meta: ObjectMeta {
                annotations: annotations.iter().map(|(k, v)| (full(k), (*v).to_owned())).collect(),
                ..ObjectMeta::default()
            },
            ..Ingress::default()
        }
    }

    fn risky(name: &str, risk: &'static str, allowed: &str) -> Refusal {
        Refusal::RiskyAnnotation {
            key: format!("{DEFAULT_PREFIX}/{name}"),
            risk,
            allowed: allowed.to_owned(),
        }
    }

    fn invalid(name: &str) -> Refusal {
        Refusal::InvalidAnnotation { key: format!("{DEFAULT_PREFIX}/{name}") }
    }

    #[test]
    fn the_newest_release_drops_what_it_was_seen_to_drop() {
        let settings = settings(Some("1.15.1"), &[], &[]);
        for (annotations, expected) in [
            (vec![("server-snippet", "return 418;")], Some(risky("server-snippet", "Critical", "High"))),
            (vec![("server-alias", "bad alias")], Some(invalid("server-alias"))),
            (vec![("upstream-vhost", "a b")], Some(invalid("upstream-vhost"))),
            (vec![("limit-rps", "x")], Some(invalid("limit-rps"))),
            (vec![("default-backend", "no/such")], Some(invalid("default-backend"))),
            (vec![("permanent-redirect", "not a url")], Some(invalid("permanent-redirect"))),
            (vec![("permanent-redirect-code", "abc")], Some(invalid("permanent-redirect-code"))),
            (vec![("temporal-redirect", "https://host$request_uri")], Some(invalid("temporal-redirect"))),
            (vec![("temporal-redirect", "/a"), ("permanent-redirect", "not a url")], None),
            (vec![("rewrite-target", "/a b")], None),
            (vec![("use-regex", "yes")], None),
            (vec![("ssl-redirect", "off")], None),
            (vec![("app-root", "no-slash")], None),
            (vec![("proxy-connect-timeout", "soon")], None),
            (vec![("backend-protocol", "SPDY")], None),
            (vec![("affinity", "cookies")], None),
            (vec![("canary-weight", "x")], None),
            (vec![("whitelist-source-range", "not-an-ip")], None),
            (vec![("upstream-vhost", "")], None),
            (vec![("other.example.com/server-alias", "bad alias")], None),
        ] {
            assert_eq!(load_refusal(&settings, &ingress(&annotations)), expected, "{annotations:?}");
        }
    }

    #[test]
    fn defaults_depend_on_the_release() {
        let snippet = ingress(&[("server-snippet", "return 418;")]);
        let alias = ingress(&[("server-alias", "bad alias")]);
        for (version, flags, expected_snippet, expected_alias) in [
            (Some("1.8.5"), vec![], None, None),
            (Some("1.11.5"), vec![], None, None),
            (
                Some("1.11.5"),
                vec![("enable-annotation-validation", "true")],
                None,
                Some(invalid("server-alias")),
            ),
            (
                Some("1.12.0"),
                vec![],
                Some(risky("server-snippet", "Critical", "High")),
                Some(invalid("server-alias")),
            ),
            (
                Some("1.12.0"),
                vec![("enable-annotation-validation", "false")],
                Some(risky("server-snippet", "Critical", "High")),
                None,
            ),
            (None, vec![], Some(risky("server-snippet", "Critical", "High")), Some(invalid("server-alias"))),
        ] {
            let settings = settings(version, &flags, &[]);
            assert_eq!(load_refusal(&settings, &snippet), expected_snippet, "{version:?}");
            assert_eq!(load_refusal(&settings, &alias), expected_alias, "{version:?}");
        }
    }

    #[test]
    fn the_risk_level_is_the_administrators() {
        let low = settings(Some("1.15.1"), &[], &[("annotations-risk-level", "Low")]);
        let critical = settings(Some("1.15.1"), &[], &[("annotations-risk-level", "Critical")]);
        for (name, value, under_low, under_critical) in [
            ("app-root", "/x", Some(risky("app-root", "Medium", "Low")), None),
            (
                "whitelist-source-range",
                "10.0.0.1",
                Some(risky("whitelist-source-range", "Medium", "Low")),
                None,
            ),
            ("use-regex", "true", None, None),
            ("configuration-snippet", "x", Some(risky("configuration-snippet", "Critical", "Low")), None),
        ] {
            let ingress = ingress(&[(name, value)]);
            assert_eq!(load_refusal(&low, &ingress), under_low, "{name}");
            assert_eq!(load_refusal(&critical, &ingress), under_critical, "{name}");
        }
    }

    #[test]
    fn a_risk_level_that_is_none_is_the_lowest() {
        for (level, name, expected) in [
            ("critical", "server-snippet", None),
            ("HIGH", "auth-url", None),
            ("none", "app-root", Some(risky("app-root", "Medium", "Low"))),
            ("", "app-root", Some(risky("app-root", "Medium", "Low"))),
        ] {
            let settings = settings(Some("1.15.1"), &[], &[("annotations-risk-level", level)]);
            assert_eq!(load_refusal(&settings, &ingress(&[(name, "/x")])), expected, "{level}");
        }
    }

    #[test]
    fn an_unseen_config_map_leaves_snippets_undecided() {
        let settings = Settings { config: ConfigSeen::Unseen, ..settings(Some("1.15.1"), &[], &[]) };
        let undecided = Some(Refusal::Undecided);
        assert_eq!(load_refusal(&settings, &ingress(&[("server-snippet", "x")])), undecided);
        assert_eq!(load_refusal(&settings, &ingress(&[("use-regex", "true")])), None);
    }

    #[test]
    fn blocked_words_catch_all_and_other_prefixes_count() {
        let blocked = settings(None, &[], &[("annotation-value-word-blocklist", "load_module, lua")]);
        assert_eq!(
            load_refusal(&blocked, &ingress(&[("rewrite-target", "/lua")])),
            Some(Refusal::BlockedWord {
                key: format!("{DEFAULT_PREFIX}/rewrite-target"),
                word: "lua".to_owned()
            })
        );
        let no_catch_all = settings(None, &[("disable-catch-all", "true")], &[]);
        let catch_all = Ingress { default_backend: Some(Backend::Missing), ..Ingress::default() };
        assert_eq!(load_refusal(&no_catch_all, &catch_all), Some(Refusal::CatchAllDisabled));
        let prefixed = settings(None, &[("annotations-prefix", "own.example.com")], &[]);
        assert_eq!(load_refusal(&prefixed, &ingress(&[("server-alias", "bad alias")])), None);
        assert!(
            load_refusal(&prefixed, &ingress(&[("own.example.com/server-alias", "bad alias")])).is_some()
        );
    }

    #[test]
    fn paths_that_look_like_an_attack_drop_the_ingress() {
        for (path, dangerous) in [
            ("/etc/passwd", true),
            ("/x/ root /etc;", true),
            ("/content_by_lua_block", true),
            ("/rooted;x", false),
            ("/api/(v1|v2)", false),
        ] {
            let rule = PathRule {
                path: path.to_owned(),
                path_type: PathType::ImplementationSpecific,
                backend: Backend::Service { name: "s".to_owned(), port: PortRef::Number(80) },
            };
            let ingress =
                Ingress { rules: vec![Rule { host: None, paths: Some(vec![rule]) }], ..Ingress::default() };
            assert_eq!(load_refusal(&settings(None, &[], &[]), &ingress).is_some(), dangerous, "{path}");
        }
    }
}

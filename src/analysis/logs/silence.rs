//! Whether a controller would have logged a request at all: silence in a log means nothing where the
//! settings silence it.
//!
//! Sources: kubernetes/ingress-nginx v1.15.1 `rootfs/etc/nginx/template/nginx.tmpl` (the `access_log`
//! directives and the `$loggable` map), `configmap.go`; nginx 1.27.1 `ngx_http_map_module.c`. Only
//! ingress-nginx logs requests by default; other products are not judged here.

use regex::bytes::RegexBuilder;

use crate::model::controller::{ConfigSeen, ControllerKind, Settings};
use crate::model::object::Name;

/// Which part of the configuration takes the request, as the routing model decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Falls<'a> {
    /// The built-in location `/` of the catch-all server: an unknown host.
    CatchAll,
    /// A location that carries this Ingress's annotations.
    Ingress {
        name: &'a Name,
        enable_access_log: Option<&'a str>,
    },
    /// A location without an Ingress behind it, or not known which.
    Elsewhere,
    Unknown,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logging {
    Logged,
    NotLogged(Setting),
    Unknown(Doubt),
}

/// The setting that silences it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// A key of the controller's ConfigMap; no value where the default does it.
    Config { key: &'static str, value: Option<String> },
    /// An annotation of an Ingress.
    Annotation { ingress: Name, key: &'static str, value: String },
}

/// Why it cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    SettingsUnseen,
    RouteUnknown,
    /// An entry of `skip-access-log-urls` that cannot be evaluated here.
    Pattern(String),
}

const ANNOTATION: &str = "nginx.ingress.kubernetes.io/enable-access-log";
const STDOUT: [&str; 2] = ["/var/log/nginx/access.log", "/dev/stdout"];

/// Judges a request; `target` is its path and query as sent.
#[must_use]
pub fn would_log(settings: &Settings, target: &str, falls: &Falls<'_>) -> Logging {
    if let Falls::Ingress { name, enable_access_log: Some(value) } = falls
        && is_false(value)
    {
        let setting =
            Setting::Annotation { ingress: (*name).clone(), key: ANNOTATION, value: (*value).to_owned() };
        return Logging::NotLogged(setting);
    }
    match &settings.config {
        ConfigSeen::Unseen => return Logging::Unknown(Doubt::SettingsUnseen),
        ConfigSeen::Known(_) => {}
    }
    let silenced = |key: &'static str| {
        let value = settings.config(key).map(str::to_owned);
        Logging::NotLogged(Setting::Config { key, value })
    };
    for key in ["disable-access-log", "disable-http-access-log", "enable-syslog"] {
        if settings.config(key).is_some_and(is_true) {
            return silenced(key);
        }
    }
    let path = ["http-access-log-path", "access-log-path"]
        .into_iter()
        .find_map(|key| settings.config(key).filter(|path| !path.is_empty()).map(|path| (key, path)));
    if let Some((key, path)) = path
        && !STDOUT.contains(&path)
    {
        return silenced(key);
    }
    match skipped(settings.config("skip-access-log-urls").unwrap_or_default(), target) {
        Ok(false) => {}
        Ok(true) => return silenced("skip-access-log-urls"),
        Err(pattern) => return Logging::Unknown(Doubt::Pattern(pattern)),
    }
    let default_logged = settings.config("enable-access-log-for-default-backend").is_some_and(is_true);
    match falls {
        Falls::CatchAll if !default_logged => silenced("enable-access-log-for-default-backend"),
        Falls::Unknown if !default_logged => Logging::Unknown(Doubt::RouteUnknown),
        Falls::CatchAll | Falls::Ingress { .. } | Falls::Elsewhere | Falls::Unknown => Logging::Logged,
    }
}

/// Whether 404s are logged: of hosts that rules name, and of hosts that none names. `None`: of this
/// product it is not known.
#[must_use]
pub fn logs_not_found(kind: ControllerKind, settings: &Settings) -> Option<[Logging; 2]> {
    (kind == ControllerKind::IngressNginx)
        .then(|| [Falls::Elsewhere, Falls::CatchAll].map(|falls| would_log(settings, "/", &falls)))
}

/// Whether nginx's map takes the target: plain entries compare whole and without case, `~` and `~*`
/// entries are patterns found anywhere.
fn skipped(list: &str, target: &str) -> Result<bool, String> {
    let mut doubt = None;
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let entry = entry.trim_matches(['"', '\'']);
        let Some(pattern) = entry.strip_prefix('~') else {
            if entry.eq_ignore_ascii_case(target) {
                return Ok(true);
            }
            continue;
        };
        let (pattern, insensitive) = match pattern.strip_prefix('*') {
            Some(pattern) => (pattern, true),
            None => (pattern, false),
        };
        match RegexBuilder::new(pattern).case_insensitive(insensitive).build() {
            Ok(regex) if regex.is_match(target.as_bytes()) => return Ok(true),
            Ok(_) => {}
            Err(_) => _ = doubt.get_or_insert(entry.to_owned()),
        }
    }
    doubt.map_or(Ok(false), Err)
}

fn is_true(value: &str) -> bool {
    matches!(value, "true" | "1" | "t" | "T" | "TRUE" | "True")
}

fn is_false(value: &str) -> bool {
    matches!(value, "false" | "0" | "f" | "F" | "FALSE" | "False")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn judged(config: &[(&str, &str)], target: &str, falls: &Falls<'_>) -> String {
        let data = config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let settings = Settings { config: ConfigSeen::Known(data), ..Settings::default() };
        match would_log(&settings, target, falls) {
            Logging::Logged => "logged".to_owned(),
            Logging::NotLogged(Setting::Config { key, .. } | Setting::Annotation { key, .. }) => {
                key.to_owned()
            }
            Logging::Unknown(doubt) => format!("{doubt:?}"),
        }
    }

    #[test]
    fn requests_of_known_hosts_are_logged_by_default() {
        assert_eq!(judged(&[], "/x", &Falls::Elsewhere), "logged");
    }

    #[test]
    fn unknown_hosts_are_logged_only_on_request() {
        let key = "enable-access-log-for-default-backend";
        assert_eq!(judged(&[], "/x", &Falls::CatchAll), key);
        assert_eq!(judged(&[(key, "false")], "/x", &Falls::CatchAll), key);
        assert_eq!(judged(&[(key, "true")], "/x", &Falls::CatchAll), "logged");
        assert_eq!(judged(&[], "/x", &Falls::Unknown), "RouteUnknown");
        assert_eq!(judged(&[(key, "true")], "/x", &Falls::Unknown), "logged");
    }

    #[test]
    fn what_a_controller_logs_of_404s_is_told_for_known_and_unknown_hosts() {
        let settings = Settings { config: ConfigSeen::Known(BTreeMap::new()), ..Settings::default() };
        let [known, unknown] = logs_not_found(ControllerKind::IngressNginx, &settings).expect("judged");
        assert_eq!(known, Logging::Logged);
        assert!(matches!(unknown, Logging::NotLogged(Setting::Config { .. })), "{unknown:?}");
        assert_eq!(logs_not_found(ControllerKind::Kong, &settings), None);
    }

    #[test]
    fn settings_silence_everything() {
        for (key, value) in [
            ("disable-access-log", "true"),
            ("disable-http-access-log", "true"),
            ("enable-syslog", "true"),
            ("access-log-path", "/tmp/a.log"),
            ("http-access-log-path", "/tmp/a.log"),
        ] {
            assert_eq!(judged(&[(key, value)], "/x", &Falls::Elsewhere), key);
        }
        assert_eq!(judged(&[("access-log-path", "/dev/stdout")], "/x", &Falls::Elsewhere), "logged");
        assert_eq!(judged(&[("disable-access-log", "false")], "/x", &Falls::Elsewhere), "logged");
    }

    #[test]
    fn urls_are_skipped_as_nginx_maps_them() {
        let key = "skip-access-log-urls";
        let list = "/healthz, ~^/static/ ,~*\\.PNG$";
        assert_eq!(judged(&[(key, list)], "/healthz", &Falls::Elsewhere), key);
        assert_eq!(judged(&[(key, list)], "/HEALTHZ", &Falls::Elsewhere), key);
        assert_eq!(judged(&[(key, list)], "/healthz?x", &Falls::Elsewhere), "logged");
        assert_eq!(judged(&[(key, list)], "/static/a", &Falls::Elsewhere), key);
        assert_eq!(judged(&[(key, list)], "/Static/a", &Falls::Elsewhere), "logged");
        assert_eq!(judged(&[(key, list)], "/a.png", &Falls::Elsewhere), key);
        assert_eq!(judged(&[(key, "~(?<!a)b")], "/b", &Falls::Elsewhere), "Pattern(\"~(?<!a)b\")");
    }

    #[test]
    fn an_annotation_silences_its_ingress_whatever_the_configmap_says() {
        let name = Name::new("shop", "web");
        let off = Falls::Ingress { name: &name, enable_access_log: Some("false") };
        assert_eq!(judged(&[], "/x", &off), ANNOTATION);
        let on = Falls::Ingress { name: &name, enable_access_log: Some("true") };
        assert_eq!(judged(&[], "/x", &on), "logged");
        let unseen = Settings { config: ConfigSeen::Unseen, ..Settings::default() };
        assert_eq!(would_log(&unseen, "/x", &on), Logging::Unknown(Doubt::SettingsUnseen));
    }
}

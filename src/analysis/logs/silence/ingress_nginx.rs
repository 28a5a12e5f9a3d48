//! ingress-nginx logs requests by default, but those of unknown hosts.
//!
//! Sources: kubernetes/ingress-nginx v1.15.1 `rootfs/etc/nginx/template/nginx.tmpl` (the `access_log`
//! directives and the `$loggable` map), `configmap.go`; nginx 1.27.1 `ngx_http_map_module.c`.

use regex::bytes::RegexBuilder;

use super::{Doubt, Falls, Logging, Of, Setting, is_false, is_true, of_config, unseen};
use crate::model::controller::Settings;

const ANNOTATION: &str = "nginx.ingress.kubernetes.io/enable-access-log";
const STDOUT_DEVICE: &str = "/dev/stdout";
const STDOUT: [&str; 2] = ["/var/log/nginx/access.log", STDOUT_DEVICE];

/// Judges a request; `target` is its path and query as sent.
pub(super) fn would_log(settings: &Settings, target: &str, falls: &Falls<'_>) -> Logging {
    if let Falls::Ingress { name, enable_access_log: Some(value) } = falls
        && is_false(value)
    {
        return Logging::NotLogged(Setting {
            of: Of::Annotation((*name).clone()),
            key: ANNOTATION,
            value: Some((*value).to_owned()),
            wanted: "true",
        });
    }
    if unseen(settings) {
        return Logging::Unknown(Doubt::SettingsUnseen);
    }
    let silenced = |key, wanted| Logging::NotLogged(of_config(settings, key, wanted));
    for key in ["disable-access-log", "disable-http-access-log", "enable-syslog"] {
        if settings.config(key).is_some_and(is_true) {
            return silenced(key, "false");
        }
    }
    let path = ["http-access-log-path", "access-log-path"]
        .into_iter()
        .find_map(|key| settings.config(key).filter(|path| !path.is_empty()).map(|path| (key, path)));
    if let Some((key, path)) = path
        && !STDOUT.contains(&path)
    {
        return silenced(key, STDOUT_DEVICE);
    }
    match skipped(settings.config("skip-access-log-urls").unwrap_or_default(), target) {
        Ok(false) => {}
        Ok(true) => return silenced("skip-access-log-urls", ""),
        Err(pattern) => return Logging::Unknown(Doubt::Pattern(pattern)),
    }
    let default_logged = settings.config("enable-access-log-for-default-backend").is_some_and(is_true);
    match falls {
        Falls::CatchAll if !default_logged => silenced("enable-access-log-for-default-backend", "true"),
        Falls::Unknown if !default_logged => Logging::Unknown(Doubt::RouteUnknown),
        Falls::CatchAll | Falls::Ingress { .. } | Falls::Elsewhere | Falls::Unknown => Logging::Logged,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::controller::ConfigSeen;
    use crate::model::object::Name;

    fn judged(config: &[(&str, &str)], target: &str, falls: &Falls<'_>) -> String {
        let data = config.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let settings = Settings { config: ConfigSeen::Known(data), ..Settings::default() };
        match would_log(&settings, target, falls) {
            Logging::Logged => "logged".to_owned(),
            Logging::NotLogged(setting) => setting.key.to_owned(),
            other @ (Logging::Blurred(_) | Logging::Elsewhere(_)) => format!("{other:?}"),
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

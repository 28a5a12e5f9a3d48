//! F5 NGINX logs requests by default; whether a rule matched is told by a line of the error log beside it.
//!
//! Sources: nginx/kubernetes-ingress v5.5.4 `internal/configs/configmaps.go`,
//! `internal/configs/version1/nginx.tmpl`; `docs/controllers/f5-nginx.md`.

use super::{Doubt, Falls, Logging, is_true, of_config, unseen};
use crate::model::controller::Settings;

/// Levels at which `open() … failed` is not written.
const TOO_QUIET: [&str; 3] = ["crit", "alert", "emerg"];

pub(super) fn would_log(settings: &Settings, falls: &Falls<'_>) -> Logging {
    if unseen(settings) {
        return Logging::Unknown(Doubt::SettingsUnseen);
    }
    let is_on = |key| settings.config(key).is_some_and(is_true);
    if is_on("access-log-off") {
        return Logging::NotLogged(of_config(settings, "access-log-off", "false"));
    }
    // Anything but a syslog destination is not accepted there.
    if settings.config("access-log").is_some_and(|to| to.trim_start().starts_with("syslog:")) {
        return Logging::NotLogged(of_config(settings, "access-log", ""));
    }
    let catch_all_is_quiet = is_on("default-server-access-log-off");
    match falls {
        Falls::CatchAll if catch_all_is_quiet => {
            return Logging::NotLogged(of_config(settings, "default-server-access-log-off", "false"));
        }
        Falls::Unknown if catch_all_is_quiet => return Logging::Unknown(Doubt::RouteUnknown),
        Falls::CatchAll | Falls::Ingress { .. } | Falls::Elsewhere | Falls::Unknown => {}
    }
    let level = settings.config("error-log-level").unwrap_or_default();
    let tells_upstream =
        settings.config("log-format").is_some_and(|format| format.contains("upstream_status"));
    if TOO_QUIET.contains(&level) && !tells_upstream {
        return Logging::Blurred(of_config(settings, "error-log-level", "error"));
    }
    Logging::Logged
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{check, check_falls};
    use super::*;
    use crate::model::controller::ControllerKind::F5Nginx;

    #[test]
    fn requests_are_logged_unless_the_log_is_off_or_sent_away() {
        check(F5Nginx, &[], &[], "logged");
        check(F5Nginx, &[], &[("access-log-off", "true")], "not logged: access-log-off=true, wanted false");
        check(F5Nginx, &[], &[("access-log-off", "false")], "logged");
        let syslog = ("access-log", "syslog:server=10.0.0.1:514");
        check(F5Nginx, &[], &[syslog], "not logged: access-log=syslog:server=10.0.0.1:514, wanted ");
        check(F5Nginx, &[], &[("access-log", "/dev/stdout main")], "logged");
    }

    #[test]
    fn unknown_hosts_have_a_switch_of_their_own() {
        let off = [("default-server-access-log-off", "true")];
        let told = "not logged: default-server-access-log-off=true, wanted false";
        check_falls(F5Nginx, &off, &Falls::CatchAll, told);
        check_falls(F5Nginx, &off, &Falls::Elsewhere, "logged");
        check_falls(F5Nginx, &off, &Falls::Unknown, "RouteUnknown");
        check_falls(F5Nginx, &[], &Falls::CatchAll, "logged");
    }

    #[test]
    fn without_the_error_log_nobody_tells_who_answered() {
        let quiet = ("error-log-level", "crit");
        check(F5Nginx, &[], &[quiet], "blurred: error-log-level=crit, wanted error");
        check(F5Nginx, &[], &[("error-log-level", "notice")], "logged");
        check(F5Nginx, &[], &[quiet, ("log-format", "$status $upstream_status")], "logged");
    }
}

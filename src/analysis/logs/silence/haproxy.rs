//! The controllers around HAProxy: none writes an access log unless it is given an address.
//!
//! `dontlognull` and `logasap` of haproxytech leave out no answered request.
//! Sources: haproxytech/kubernetes-ingress v3.2 `pkg/annotations/global/syslogServers.go`; HAProxy 3.2
//! configuration manual, `log`; jcmoraisjr/haproxy-ingress v0.17 `docs/content/en/docs/configuration/keys.md`
//! (`syslog-endpoint`); OpenShift router, `ROUTER_SYSLOG_ADDRESS`.

use super::{Doubt, Logging, Of, Setting, of_config, unseen};
use crate::model::controller::Settings;

/// Levels that leave traffic out: it is sent as `info`.
const TOO_QUIET: [&str; 6] = ["emerg", "alert", "crit", "err", "warning", "notice"];

/// haproxytech: one server a line, `address:stdout, format: raw, facility: daemon`.
pub(super) fn tech(settings: &Settings) -> Logging {
    if unseen(settings) {
        return Logging::Unknown(Doubt::SettingsUnseen);
    }
    let key = "syslog-server";
    let servers = settings.config(key).unwrap_or_default();
    let heard = servers.lines().any(|server| {
        let field = |wanted: &str| {
            server.split(',').find_map(|part| {
                let (name, value) = part.split_once(':')?;
                (name.trim() == wanted).then(|| value.trim())
            })
        };
        matches!(field("address"), Some("stdout" | "stderr"))
            && field("level").is_none_or(|level| !TOO_QUIET.contains(&level))
    });
    if heard {
        return Logging::Logged;
    }
    Logging::NotLogged(of_config(settings, key, "address:stdout, format: raw, facility: daemon"))
}

pub(super) fn ingress(settings: &Settings) -> Logging {
    if unseen(settings) {
        return Logging::Unknown(Doubt::SettingsUnseen);
    }
    match settings.config("syslog-endpoint") {
        Some("stdout" | "stderr") => Logging::Logged,
        Some(_) | None => Logging::NotLogged(of_config(settings, "syslog-endpoint", "stdout")),
    }
}

/// The router of OpenShift logs to a sidecar, if it is given its address.
pub(super) fn openshift(settings: &Settings) -> Logging {
    if unseen(settings) {
        return Logging::Unknown(Doubt::SettingsUnseen);
    }
    let key = "ROUTER_SYSLOG_ADDRESS";
    let value = settings.env.get(key).cloned();
    Logging::NotLogged(Setting {
        of: Of::Variable,
        key,
        value,
        wanted: "a sidecar's, whose log is read instead",
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::check;
    use crate::model::controller::ControllerKind::{HaproxyIngress, Haproxytech, OpenshiftRouter};

    const WANTED: &str = "wanted address:stdout, format: raw, facility: daemon";

    #[test]
    fn haproxytech_logs_to_the_servers_it_is_given() {
        check(Haproxytech, &[], &[], &format!("not logged: syslog-server, {WANTED}"));
        let server = |value: &'static str| [("syslog-server", value)];
        for heard in [
            "address:stdout, format: raw, facility:daemon",
            "address:127.0.0.1, facility:local0\naddress: stdout, format: raw, level: info",
        ] {
            check(Haproxytech, &[], &server(heard), "logged");
        }
        for unheard in ["address:10.0.0.1, facility:local0", "address:stdout, format: raw, level: err"] {
            check(
                Haproxytech,
                &[],
                &server(unheard),
                &format!("not logged: syslog-server={unheard}, {WANTED}"),
            );
        }
        check(Haproxytech, &[], &[("dontlognull", "true"), server("address:stdout")[0]], "logged");
    }

    #[test]
    fn haproxy_ingress_logs_to_its_endpoint() {
        check(HaproxyIngress, &[], &[], "not logged: syslog-endpoint, wanted stdout");
        check(HaproxyIngress, &[], &[("syslog-endpoint", "stdout")], "logged");
        let away = "not logged: syslog-endpoint=10.0.0.1:514, wanted stdout";
        check(HaproxyIngress, &[], &[("syslog-endpoint", "10.0.0.1:514")], away);
    }

    #[test]
    fn the_router_of_openshift_logs_nothing_itself() {
        let told = "not logged: ROUTER_SYSLOG_ADDRESS, wanted a sidecar's, whose log is read instead";
        check(OpenshiftRouter, &[], &[], told);
    }
}

//! Traefik writes no access log unless it is told to, and may be told to keep only some lines or fields.
//!
//! Static configuration is read from a file, else from arguments, else from the environment; any
//! `accesslog.*` setting turns the log on. Without filters everything is kept; with several, what one of
//! them lets through.
//! Sources: traefik v3.7.15 `pkg/cli`, `pkg/types/logs.go`, `pkg/middlewares/accesslog/logger.go`.

use super::{Doubt, Logging, Of, Setting, is_false, of_argument};
use crate::model::controller::Settings;

const ON: &str = "accesslog";
const CODES: &str = "accesslog.filters.statuscodes";
const SLOW: &str = "accesslog.filters.minduration";
const RETRIED: &str = "accesslog.filters.retryattempts";
const PATH: &str = "accesslog.filepath";
const DEFAULT_MODE: &str = "accesslog.fields.defaultmode";
/// What a 404 and who answered it are told by, and the settings that name each.
const FIELDS: [(&str, &str); 4] = [
    ("accesslog.fields.names.downstreamstatus", "DownstreamStatus"),
    ("accesslog.fields.names.requestpath", "RequestPath"),
    ("accesslog.fields.names.routername", "RouterName"),
    ("accesslog.fields.names.originstatus", "OriginStatus"),
];

pub(super) fn would_log(settings: &Settings) -> Logging {
    let of_log = |name: &str| name == ON || name.starts_with("accesslog.");
    let any = settings.args.iter().any(|flag| of_log(&flag.name));
    if settings.flag("configfile").is_some() || settings.args.is_empty() {
        return in_environment(settings);
    }
    let off = settings.flag(ON).and_then(|flag| flag.value.as_deref()).is_some_and(is_false);
    if !any || off {
        return Logging::NotLogged(of_argument(settings, ON, "true"));
    }
    if settings.value(PATH).is_some_and(|path| !path.is_empty() && path != "/dev/stdout") {
        return Logging::NotLogged(of_argument(settings, PATH, ""));
    }
    let filter = |key| settings.value(key).filter(|value| !value.is_empty()).is_some();
    let others = [SLOW, RETRIED].into_iter().find(|key| filter(key) || settings.is_set(key));
    let codes = settings.value(CODES).filter(|codes| !codes.is_empty());
    match (codes, others) {
        (Some(codes), _) if keeps_404(codes) => {}
        (None, None) => {}
        (Some(_), None) => return Logging::NotLogged(of_argument(settings, CODES, "400-599")),
        (_, Some(other)) => return Logging::Unknown(Doubt::Filtered(of_argument(settings, other, ""))),
    }
    let dropped_by = FIELDS.into_iter().find_map(|(key, _)| match settings.value(key) {
        Some("drop") => Some(key),
        Some(_) => None,
        None => settings.value(DEFAULT_MODE).filter(|mode| *mode == "drop").map(|_| DEFAULT_MODE),
    });
    match dropped_by {
        Some(key) => Logging::Blurred(of_argument(settings, key, "keep")),
        None => Logging::Logged,
    }
}

/// Without arguments the environment counts, if no file stands where Traefik looks for one.
fn in_environment(settings: &Settings) -> Logging {
    let on = settings.env.iter().find(|(name, _)| name.starts_with("TRAEFIK_ACCESSLOG"));
    match on {
        Some((name, value)) if name == "TRAEFIK_ACCESSLOG" && is_false(value) => {
            Logging::NotLogged(Setting {
                of: Of::Variable,
                key: "TRAEFIK_ACCESSLOG",
                value: Some(value.clone()),
                wanted: "true",
            })
        }
        Some(_) | None => Logging::Unknown(Doubt::SettingsInFile),
    }
}

/// Whether a list such as `200,300-302` holds 404.
fn keeps_404(codes: &str) -> bool {
    codes.split(',').map(str::trim).any(|range| {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        match (from.trim().parse::<u16>(), to.trim().parse::<u16>()) {
            (Ok(from), Ok(to)) => (from..=to).contains(&404),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{check, told, with_arguments};
    use crate::model::controller::ControllerKind::Traefik;

    const RUN: &str = "--providers.kubernetesingress";

    #[test]
    fn nothing_is_logged_unless_asked_for() {
        check(Traefik, &[RUN], &[], "not logged: accesslog, wanted true");
        check(Traefik, &[RUN, "--accesslog=false"], &[], "not logged: accesslog=false, wanted true");
        check(Traefik, &[RUN, "--accesslog"], &[], "logged");
        check(Traefik, &[RUN, "--accesslog=true"], &[], "logged");
        check(Traefik, &[RUN, "--accessLog.format=json"], &[], "logged");
    }

    #[test]
    fn a_file_is_no_log_of_the_pod() {
        let file = "--accesslog.filepath=/logs/a.log";
        check(Traefik, &[RUN, file], &[], "not logged: accesslog.filepath=/logs/a.log, wanted ");
        check(Traefik, &[RUN, "--accesslog.filepath=/dev/stdout"], &[], "logged");
    }

    #[test]
    fn filters_keep_what_one_of_them_lets_through() {
        let codes = |list: &str| format!("--accesslog.filters.statuscodes={list}");
        for list in ["404", "400-499", "200, 300-404"] {
            check(Traefik, &[RUN, &codes(list)], &[], "logged");
        }
        check(
            Traefik,
            &[RUN, &codes("500-599")],
            &[],
            "not logged: accesslog.filters.statuscodes=500-599, wanted 400-599",
        );
        let slow = "--accesslog.filters.minduration=1s";
        check(Traefik, &[RUN, slow], &[], "filtered: accesslog.filters.minduration=1s, wanted ");
        check(
            Traefik,
            &[RUN, &codes("500"), slow],
            &[],
            "filtered: accesslog.filters.minduration=1s, wanted ",
        );
        check(Traefik, &[RUN, &codes("404"), slow], &[], "logged");
        let retried = "--accesslog.filters.retryattempts";
        check(Traefik, &[RUN, retried], &[], "filtered: accesslog.filters.retryattempts=true, wanted ");
    }

    #[test]
    fn dropped_fields_leave_a_line_that_tells_little() {
        let all = "--accesslog.fields.defaultmode=drop";
        check(Traefik, &[RUN, all], &[], "blurred: accesslog.fields.defaultmode=drop, wanted keep");
        check(
            Traefik,
            &[RUN, "--accesslog.fields.names.RouterName=drop"],
            &[],
            "blurred: accesslog.fields.names.routername=drop, wanted keep",
        );
        let kept = ["DownstreamStatus", "RequestPath", "RouterName", "OriginStatus"]
            .map(|field| format!("--accesslog.fields.names.{field}=keep"));
        let args: Vec<&str> = [RUN, all].into_iter().chain(kept.iter().map(String::as_str)).collect();
        check(Traefik, &args, &[], "logged");
    }

    #[test]
    fn what_stands_in_a_file_is_not_known() {
        check(Traefik, &["--configfile=/etc/traefik.yml"], &[], "SettingsInFile");
        check(Traefik, &[], &[], "SettingsInFile");
        let mut settings = with_arguments(&[]);
        settings.env.insert("TRAEFIK_ACCESSLOG".to_owned(), "false".to_owned());
        assert_eq!(told(Traefik, &settings), "not logged: TRAEFIK_ACCESSLOG=false, wanted true");
    }
}

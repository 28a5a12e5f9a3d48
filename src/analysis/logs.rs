//! Controller logs: one stream mixes access lines, the proxy's error log, the controller's own messages
//! and chatter. Every line gets a class; nothing fails, and what is not understood is `Other`.
//!
//! Reading order: `access` (one request) → `ingress_nginx`, `json`, `custom` (formats) → `klog`,
//! `nginx_error`, `messages` (the rest) → `upstream_name` → `scan` (many lines) with `filter`,
//! `path_template`, `rate`, `tally`, `history` → `silence` (would it have logged at all).
//!
//! Assumptions: a line is what stands between newlines, perhaps behind the kubelet's stamp, whose time
//! is preferred. Lines are bytes: they may hold anything, and may be of any length.

use chrono::{DateTime, Utc};

use crate::model::controller::{ConfigSeen, Settings};

pub mod access;
pub mod custom;
pub mod filter;
pub mod history;
pub mod ingress_nginx;
pub mod json;
pub mod klog;
pub mod messages;
pub mod nginx_error;
pub mod path_template;
pub mod rate;
pub mod scan;
pub mod silence;
pub mod stamp;
pub mod tally;
pub mod upstream_name;

use access::AccessLine;
use klog::ControllerMessage;
use messages::{Level, Message, MessageKind, Subject};
use nginx_error::{ErrorLine, ProxyError};

/// How a controller writes its access lines.
#[derive(Debug, Clone, PartialEq)]
pub enum LogFormat {
    /// ingress-nginx without a `log-format-upstream`; JSON is recognised too, for settings that changed.
    IngressNginx,
    Json(json::Keys),
    Custom(custom::Template),
    /// A template that logs nothing to go by, or one that cannot be compiled.
    Useless,
}

impl LogFormat {
    /// What the controller's ConfigMap says.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let template = match &settings.config {
            ConfigSeen::Known(_) => {
                settings.config("log-format-upstream").filter(|text| !text.trim().is_empty())
            }
            ConfigSeen::Unseen => None,
        };
        let Some(template) = template else { return Self::IngressNginx };
        if let Some(keys) = json::Keys::of_template(template) {
            return Self::Json(keys);
        }
        let escaped = settings.config("log-format-escape-none").is_none_or(|value| value != "true");
        custom::Template::compile(template, escaped).map_or(Self::Useless, Self::Custom)
    }
}

/// One line, classified.
#[derive(Debug, Clone, PartialEq)]
pub enum Line<'a> {
    Access(Box<AccessLine<'a>>),
    Error(ErrorLine<'a>),
    Controller(ControllerMessage<'a>),
    Other,
}

/// What a line looks like from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Klog,
    ErrorLog,
    /// A message of the nginx binary, such as a configuration test's.
    Binary,
    Json,
    Text,
}

pub(crate) fn shape(line: &[u8]) -> Shape {
    match line.first() {
        Some(b'{') => Shape::Json,
        Some(b'I' | b'W' | b'E' | b'F') if klog::is_klog(line) => Shape::Klog,
        Some(b'0'..=b'9') if nginx_error::is_error_log(line) => Shape::ErrorLog,
        Some(b'n') if line.starts_with(b"nginx: [") => Shape::Binary,
        _ => Shape::Text,
    }
}

/// Longer than any access line: nginx's buffers end a request line and each header at 8 KiB by default.
const LONGEST: usize = 64 * 1024;

/// Classifies one line. `now` gives klog lines their year; the kubelet's stamp does better.
#[must_use]
pub fn parse<'a>(line: &'a [u8], format: &LogFormat, now: Option<DateTime<Utc>>) -> Line<'a> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (stamp, line) = stamp::split_stamp(line);
    parse_unstamped(line, stamp.and_then(stamp::rfc3339), format, now)
}

pub(crate) fn parse_unstamped<'a>(
    line: &'a [u8],
    stamp: Option<DateTime<Utc>>,
    format: &LogFormat,
    now: Option<DateTime<Utc>>,
) -> Line<'a> {
    let shape = shape(line);
    let long = line.len() > LONGEST;
    let line = if long { line.get(..LONGEST).unwrap_or(line) } else { line };
    match shape {
        Shape::Klog => match klog::parse(line, now) {
            Some(message) => Line::Controller(ControllerMessage { at: stamp.or(message.at), ..message }),
            None => Line::Other,
        },
        Shape::ErrorLog => match nginx_error::parse(line) {
            Some(error) => Line::Error(ErrorLine { at: stamp.or(error.at), ..error }),
            None => Line::Other,
        },
        Shape::Binary => Line::Controller(ControllerMessage {
            at: stamp,
            level: Level::Error,
            source: &[],
            text: line,
            message: refused(line),
        }),
        // The fields that matter stand at the end: a cut line would be read wrongly.
        Shape::Json | Shape::Text if long => Line::Other,
        Shape::Json | Shape::Text => match access_line(line, shape, format) {
            Some(access) => Line::Access(Box::new(AccessLine { at: stamp.or(access.at), ..access })),
            None => Line::Other,
        },
    }
}

fn access_line<'a>(line: &'a [u8], shape: Shape, format: &LogFormat) -> Option<AccessLine<'a>> {
    if let LogFormat::Custom(template) = format
        && let Some(access) = template.parse(line)
    {
        return Some(access);
    }
    if shape == Shape::Json {
        let keys = match format {
            LogFormat::Json(keys) => Some(keys),
            LogFormat::IngressNginx | LogFormat::Custom(_) | LogFormat::Useless => None,
        };
        return json::parse(line, keys);
    }
    ingress_nginx::parse(line)
}

/// nginx's refusal of a configuration, from its own lines.
fn refused(line: &[u8]) -> Option<Message> {
    let text = String::from_utf8_lossy(line);
    let detail = messages::emergency(&text)?.chars().take(200).collect();
    Some(Message {
        kind: MessageKind::Proxy(ProxyError::ConfigRefused),
        subject: Subject::Controller,
        detail: Some(detail),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS: &str = r#"203.0.113.7 - - [22/Nov/2026:10:15:02 +0000] "GET /a HTTP/1.1" 404 33 "-" "-" 81 0.012 [shop-web-80] [] 10.42.1.17:8080 33 0.011 404 0a1b"#;

    fn class(line: &[u8]) -> &'static str {
        match parse(line, &LogFormat::IngressNginx, None) {
            Line::Access(_) => "access",
            Line::Error(_) => "error",
            Line::Controller(_) => "controller",
            Line::Other => "other",
        }
    }

    #[test]
    fn every_kind_of_line_is_told_apart_with_and_without_a_stamp() {
        for (line, expected) in [
            (ACCESS, "access"),
            (r#"{"status":404,"request_uri":"/a","upstream_status":"404"}"#, "access"),
            ("2026/11/22 10:15:01 [error] 31#31: *1 access forbidden by rule, client: 1.1.1.1", "error"),
            ("2026/11/22 10:15:01 [notice] 31#31: signal process started", "error"),
            (
                r#"I1123 05:48:30.000000       7 nginx.go:273] "Starting NGINX Ingress controller""#,
                "controller",
            ),
            (r#"nginx: [emerg] duplicate location "/img/" in nginx-cfg1:3121"#, "controller"),
            ("nginx: configuration file nginx-cfg1 test failed", "other"),
            ("-------------------------------------------------------------------------------", "other"),
            ("NGINX Ingress controller", "other"),
            ("  Release:       v1.15.1", "other"),
            ("Error: exit status 1", "other"),
            ("goroutine 1 [running]:", "other"),
            ("{\"level\":\"info\"}", "other"),
            ("", "other"),
        ] {
            assert_eq!(class(line.as_bytes()), expected, "{line}");
            let stamped = format!("2026-11-22T10:15:02.123456789Z {line}\r");
            assert_eq!(class(stamped.as_bytes()), expected, "{stamped}");
        }
    }

    #[test]
    fn the_kubelets_time_is_preferred() {
        let line = format!("2026-11-22T10:15:03.5Z {ACCESS}");
        let Line::Access(access) = parse(line.as_bytes(), &LogFormat::IngressNginx, None) else {
            panic!("access")
        };
        assert_eq!(access.at, stamp::rfc3339(b"2026-11-22T10:15:03.5Z"));
    }

    #[test]
    fn long_lines_and_bytes_that_are_no_text_do_no_harm() {
        let mut long = vec![b'a'; 1 << 20];
        assert_eq!(class(&long), "other");
        long.splice(..0, b"E1123 05:48:30.000000 7 x.go:1] ".iter().copied());
        assert_eq!(class(&long), "controller");
        let mut broken = ACCESS.as_bytes().to_vec();
        broken[50] = 0xff;
        assert_eq!(class(&broken), "access");
        assert_eq!(class(&[0xff, 0xfe, 0]), "other");
    }

    #[test]
    fn the_format_follows_the_configuration() {
        let of = |entries: &[(&str, &str)]| {
            let data = entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            LogFormat::of(&Settings { config: ConfigSeen::Known(data), ..Settings::default() })
        };
        assert_eq!(of(&[]), LogFormat::IngressNginx);
        assert!(matches!(of(&[("log-format-upstream", r#"{"s": $status}"#)]), LogFormat::Json(_)));
        assert!(matches!(of(&[("log-format-upstream", "$status $host")]), LogFormat::Custom(_)));
        assert_eq!(of(&[("log-format-upstream", "$remote_addr")]), LogFormat::Useless);
        let unseen = Settings { config: ConfigSeen::Unseen, ..Settings::default() };
        assert_eq!(LogFormat::of(&unseen), LogFormat::IngressNginx);
    }
}

//! What the caller wants to see of a log: statuses, host, path, text, time.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use regex::bytes::{Regex, RegexBuilder};

use crate::model::host::HostName;
use crate::model::log::Window;

use super::access::AccessLine;
use super::path_template;

/// All that is set must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Empty: every status.
    pub statuses: BTreeSet<u16>,
    /// Lines that do not log the host pass.
    pub host: Option<HostName>,
    /// A path or its template: `/api/orders/42` takes `/api/orders/43` as well.
    pub path: Option<String>,
    /// Matched against the whole line, without the kubelet's stamp.
    pub pattern: Option<Regex>,
    /// Lines without a time do not pass.
    pub window: Option<Window>,
}

impl Filter {
    /// Lines of one status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { statuses: BTreeSet::from([status]), ..Self::default() }
    }

    /// Compiles a pattern; `None` when it is not a regular expression this program takes.
    #[must_use]
    pub fn pattern(text: &str) -> Option<Regex> {
        RegexBuilder::new(text).size_limit(1 << 20).build().ok()
    }

    #[must_use]
    pub fn wants_status(&self, status: u16) -> bool {
        self.statuses.is_empty() || self.statuses.contains(&status)
    }

    #[must_use]
    pub fn wants_time(&self, at: Option<DateTime<Utc>>) -> bool {
        self.window.is_none_or(|window| at.is_some_and(|at| window.contains(at)))
    }

    #[must_use]
    pub fn wants_text(&self, line: &[u8]) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(line))
    }

    /// Judges an access line and the text it was read from.
    #[must_use]
    pub fn wants(&self, access: &AccessLine<'_>, text: &[u8]) -> bool {
        access.status.is_some_and(|status| self.wants_status(status))
            && self.wants_time(access.at)
            && self.host.as_ref().is_none_or(|host| {
                access.host_name().is_none_or(|name| name.eq_ignore_ascii_case(host.as_str().as_bytes()))
            })
            && self.path.as_ref().is_none_or(|path| {
                access.path().is_some_and(|found| {
                    found == path.as_bytes() || path_template::of(found) == path_template::of(path.as_bytes())
                })
            })
            && self.wants_text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::access::Logged;
    use super::super::stamp;
    use super::*;

    fn passes(filter: &Filter) -> bool {
        let access = AccessLine {
            at: stamp::rfc3339(b"2026-11-22T10:15:02Z"),
            host: Logged::text(b"Shop.example.com:80".as_slice()),
            target: Logged::text(b"/api/orders/9?x=1".as_slice()),
            status: Some(404),
            ..AccessLine::default()
        };
        filter.wants(&access, b"some text")
    }

    #[test]
    fn everything_that_is_set_must_hold() {
        let base = Filter::status(404);
        let host = |text: &str| Some(HostName::parse(text).expect("host"));
        let window = |from: &[u8], to: &[u8]| {
            Some(Window { from: stamp::rfc3339(from).expect("from"), to: stamp::rfc3339(to).expect("to") })
        };
        for (filter, expected) in [
            (base.clone(), true),
            (Filter::default(), true),
            (Filter::status(503), false),
            (Filter { host: host("shop.example.com"), ..base.clone() }, true),
            (Filter { host: host("other.example.com"), ..base.clone() }, false),
            (Filter { path: Some("/api/orders/9".to_owned()), ..base.clone() }, true),
            (Filter { path: Some("/api/orders/10".to_owned()), ..base.clone() }, true),
            (Filter { path: Some("/api".to_owned()), ..base.clone() }, false),
            (Filter { pattern: Regex::new("so.e").ok(), ..base.clone() }, true),
            (Filter { pattern: Regex::new("nothing").ok(), ..base.clone() }, false),
            (
                Filter { window: window(b"2026-11-22T10:00:00Z", b"2026-11-22T11:00:00Z"), ..base.clone() },
                true,
            ),
            (Filter { window: window(b"2026-11-22T11:00:00Z", b"2026-11-22T12:00:00Z"), ..base }, false),
        ] {
            assert_eq!(passes(&filter), expected, "{filter:?}");
        }
    }
}

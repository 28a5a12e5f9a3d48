//! The URL that is asked about: which lines are its requests, when its failures began and how sure that
//! is.
//!
//! The default format of ingress-nginx does not log the host. Then the path decides, the upstream's
//! name and the error log narrow it down, and the confidence says which of these it rests on.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::analysis::logs::access::AccessLine;
use crate::analysis::logs::filter::Filter;
use crate::analysis::logs::history::{History, HostBasis, Outcome, Request, Run, Story};
use crate::analysis::logs::path_template;
use crate::analysis::logs::tally::Sample;
use crate::analysis::logs::upstream_name::{self, UpstreamKind};
use crate::analysis::voice::{Expected, Voice};
use crate::model::host::HostName;
use crate::model::verdict::Confidence;

use super::recent::Recent;

/// The URL, and what the objects say about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    pub host: Option<HostName>,
    /// Without the query.
    pub path: String,
    /// `None`: any.
    pub method: Option<String>,
    pub reach: Reach,
    /// What the routing model says, for this host and path.
    pub expected: Option<Expected>,
}

/// Names of upstreams, as the controller writes them, that rules of the host lead to and that only rules
/// of other hosts lead to. Lines of the latter are another host's, where the host is not logged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    pub here: BTreeSet<String>,
    pub elsewhere: BTreeSet<String>,
    /// Those of `here` that rules of other hosts lead to as well.
    pub shared: BTreeSet<String>,
}

/// What the upstream of a line that names no host tells of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    ThisHost,
    AnotherHost,
    Nothing,
}

impl Reach {
    #[must_use]
    pub fn told_by(&self, upstream: &str) -> Told {
        if self.elsewhere.contains(upstream) {
            Told::AnotherHost
        } else if self.here.contains(upstream) && !self.shared.contains(upstream) {
            Told::ThisHost
        } else {
            Told::Nothing
        }
    }
}

/// What the log says about the URL.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedStory {
    pub onset: Option<Onset>,
    /// Requests of exactly this path.
    pub exact: Story,
    /// Requests of paths that differ in ids only, these included; `None` when the path has no ids.
    pub template: Option<Story>,
}

/// When the current failures began.
#[derive(Debug, Clone, PartialEq)]
pub struct Onset {
    pub at: DateTime<Utc>,
    pub last_success: Option<DateTime<Utc>>,
    pub failures: u64,
    /// The first success after them.
    pub ended: Option<DateTime<Utc>>,
    /// Since when failures and successes alternate, where they do.
    pub mixed_since: Option<DateTime<Utc>>,
    pub confidence: Confidence,
    pub basis: HostBasis,
    /// Told from requests whose path differs in ids.
    pub by_template: bool,
    pub sample: Sample,
}

/// How a line belongs to the URL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fit {
    exact: bool,
    basis: HostBasis,
}

#[derive(Debug)]
pub(super) struct AskedScan {
    asked: Asked,
    /// The path's template where it has ids.
    template: Option<Vec<u8>>,
    exact: History,
    similar: History,
}

impl AskedScan {
    pub(super) fn new(asked: Asked) -> Self {
        let template = path_template::of(asked.path.as_bytes());
        let template = (template != asked.path.as_bytes()).then_some(template);
        Self { asked, template, exact: History::default(), similar: History::default() }
    }

    /// Whether a line is a request of the URL.
    pub(super) fn fit(&self, line: &AccessLine<'_>, recent: &Recent) -> Option<Fit> {
        let path = line.path()?;
        let exact = path == self.asked.path.as_bytes();
        if !exact && self.template.as_ref().is_none_or(|template| path_template::of(path) != *template) {
            return None;
        }
        if let Some(method) = &self.asked.method
            && !line.method.bytes().eq_ignore_ascii_case(method.as_bytes())
        {
            return None;
        }
        Some(Fit { exact, basis: self.basis(line, recent)? })
    }

    /// What tells that the line is of this host; `None` when it is of another.
    fn basis(&self, line: &AccessLine<'_>, recent: &Recent) -> Option<HostBasis> {
        let host = self.asked.host.as_ref().map(HostName::as_str);
        let logged = line.host_name().or_else(|| recent.host(line));
        if let (Some(host), Some(logged)) = (host, logged) {
            return logged.eq_ignore_ascii_case(host.as_bytes()).then_some(HostBasis::Logged);
        }
        if host.is_none() {
            return Some(HostBasis::PathOnly);
        }
        let upstream = std::str::from_utf8(line.upstream.bytes()).unwrap_or_default();
        if self.asked.reach.here.contains(upstream) {
            return Some(HostBasis::Upstream);
        }
        (!self.asked.reach.elsewhere.contains(upstream)).then_some(HostBasis::PathOnly)
    }

    /// The expected Service, for lines that are surely of this host and path.
    pub(super) fn expected(&self, fit: Fit) -> Option<&Expected> {
        let sure = fit.exact && fit.basis == HostBasis::Logged;
        self.asked.expected.as_ref().filter(|_| sure)
    }

    pub(super) fn add(
        &mut self,
        fit: Fit,
        line: &AccessLine<'_>,
        voice: Voice,
        stream: usize,
        text: &[u8],
        filter: &Filter,
    ) {
        let Some(status) = line.status else { return };
        let request = Request {
            at: line.at,
            outcome: outcome(status, voice, filter),
            status,
            upstream: upstream(line, voice),
            basis: fit.basis,
            stream,
            line: text,
        };
        if fit.exact {
            self.exact.add(&request);
        }
        if self.template.is_some() {
            self.similar.add(&request);
        }
    }

    pub(super) fn finish(self) -> AskedStory {
        let exact = self.exact.finish();
        let template = self.template.is_some().then(|| self.similar.finish());
        let onset = onset(&self.asked.path, &exact, template.as_ref());
        AskedStory { onset, exact, template }
    }
}

fn outcome(status: u16, voice: Voice, filter: &Filter) -> Outcome {
    let asked_for =
        if filter.statuses.is_empty() { status == 404 } else { filter.statuses.contains(&status) };
    match status {
        _ if asked_for => Outcome::Failure,
        200..=299 => Outcome::Success,
        // A redirect by the proxy says nothing about what is behind it.
        300..=399 if matches!(voice, Voice::App | Voice::OtherBackend) => Outcome::Success,
        _ => Outcome::Other,
    }
}

/// The upstream that a request went to. What the proxy answered before it came to one says nothing of
/// where requests go.
fn upstream<'a>(line: &'a AccessLine<'_>, voice: Voice) -> Option<&'a [u8]> {
    let name = line.upstream.value()?.as_ref();
    match (voice, upstream_name::kind(name)) {
        (Voice::ProxyItself, UpstreamKind::Default) => None,
        (
            Voice::NoRule
            | Voice::App
            | Voice::OtherBackend
            | Voice::Intercepted
            | Voice::Nobody
            | Voice::Undecidable
            | Voice::ProxyItself,
            _,
        ) => Some(name),
    }
}

/// The exact path decides, unless it was asked for so rarely that it says less than its like.
fn onset(path: &str, exact: &Story, template: Option<&Story>) -> Option<Onset> {
    const RARE: u64 = 5;
    let of = |story: &Story, by_template: bool| {
        let run = story.run.as_ref()?;
        Some(Onset {
            at: run.onset,
            last_success: run.last_success,
            failures: run.failures,
            ended: run.ended,
            mixed_since: run.mixed_since,
            confidence: confidence(path, run, by_template),
            basis: run.basis,
            by_template,
            sample: run.sample.clone(),
        })
    };
    let own = of(exact, false);
    let like = template.and_then(|story| of(story, true));
    match (own, like) {
        (Some(own), Some(like)) => {
            let rare = own.last_success.is_none() && own.failures < RARE && like.failures > own.failures;
            Some(if rare { like } else { own })
        }
        (own, like) => own.or(like),
    }
}

fn confidence(path: &str, run: &Run, by_template: bool) -> Confidence {
    match (run.basis, run.success_basis) {
        (HostBasis::Logged, Some(_)) if !by_template => Confidence::Certain,
        (HostBasis::Logged | HostBasis::Upstream, Some(_)) => Confidence::Likely,
        // The failures are the default backend's, which serves every host; that the path was this
        // host's before makes it likely, unless it is a path that every host has.
        (HostBasis::PathOnly, Some(HostBasis::Upstream | HostBasis::Logged)) if path != "/" => {
            Confidence::Likely
        }
        // Without a success before them the failures may have begun before the log does.
        (HostBasis::Logged | HostBasis::Upstream | HostBasis::PathOnly, _) => Confidence::Possible,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Scanner};
    use super::*;
    use crate::model::controller::Settings;

    /// `second:path:status:upstream`, separated by blanks; `!second:path:host` is an error-log line.
    fn story(events: &str, host: Option<&str>, path: &str, reach: Reach) -> AskedStory {
        let mut options = Options::new(Settings::default(), Filter::status(404));
        let host = host.map(|host| HostName::parse(host).expect(host));
        options.asked = Some(Asked { host, path: path.to_owned(), reach, ..Asked::default() });
        let mut scanner = Scanner::new(options);
        for event in events.split_whitespace() {
            let parts: Vec<&str> = event.trim_start_matches('!').split(':').collect();
            let line = if event.starts_with('!') {
                format!(
                    "2026/11/22 10:15:{} [error] 1#1: *1 access forbidden by rule, client: 203.0.113.7, server: x, request: \"GET {} HTTP/1.1\", host: \"{}\"",
                    parts[0], parts[1], parts[2]
                )
            } else {
                let (status, upstream) = (parts[2], parts[3]);
                format!(
                    "203.0.113.7 - - [22/Nov/2026:10:15:{} +0000] \"GET {} HTTP/1.1\" {status} 9 \"-\" \"-\" 81 0.012 [{upstream}] [] 10.42.1.17:8080 9 0.011 {status} 0a",
                    parts[0], parts[1]
                )
            };
            scanner.push(0, line.as_bytes());
        }
        scanner.finish().asked.expect("asked")
    }

    fn reach(here: &[&str], elsewhere: &[&str]) -> Reach {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Reach { here: set(here), elsewhere: set(elsewhere), ..Reach::default() }
    }

    fn onset(story: &AskedStory) -> (u32, Confidence, bool) {
        use chrono::Timelike;
        let onset = story.onset.as_ref().expect("onset");
        (onset.at.second(), onset.confidence, onset.by_template)
    }

    #[test]
    fn a_rule_that_went_away_is_likely_seen_without_the_host() {
        let events = "10:/cart:200:shop-web-80 20:/cart:404:upstream-default-backend 30:/cart:404:upstream-default-backend";
        let with = story(events, Some("a.b"), "/cart", reach(&["shop-web-80"], &[]));
        assert_eq!(onset(&with), (20, Confidence::Likely, false));
        let flip = &with.exact.flips[0];
        assert_eq!((flip.from.as_str(), flip.to.as_str()), ("shop-web-80", "upstream-default-backend"));
        assert_eq!(
            onset(&story(events, Some("a.b"), "/cart", Reach::default())),
            (20, Confidence::Possible, false)
        );
    }

    #[test]
    fn the_path_every_host_has_stays_possible() {
        let events = "10:/:200:shop-web-80 20:/:404:upstream-default-backend";
        let found = story(events, Some("a.b"), "/", reach(&["shop-web-80"], &[]));
        assert_eq!(onset(&found), (20, Confidence::Possible, false));
    }

    #[test]
    fn services_of_other_hosts_do_not_count() {
        let events =
            "10:/a:200:shop-web-80 20:/a:404:shop-web-80 30:/a:200:other-web-80 40:/a:404:shop-web-80";
        let found = story(events, Some("a.b"), "/a", reach(&["shop-web-80"], &["other-web-80"]));
        assert_eq!(onset(&found), (20, Confidence::Likely, false));
    }

    #[test]
    fn the_error_log_tells_the_host_that_the_access_log_does_not() {
        let events = "10:/a:200:shop-web-80 !20:/a:z.z 20:/a:404:shop-web-80 30:/a:404:shop-web-80";
        // The line at 20 is surely of z.z; the others may be of any host.
        assert_eq!(story(events, Some("a.b"), "/a", Reach::default()).exact.failures, 1);
        let own = story(events, Some("z.z"), "/a", Reach::default());
        assert_eq!(
            (own.exact.failures, own.exact.run.expect("run").onset),
            (2, own.exact.first.expect("first") + chrono::TimeDelta::seconds(10))
        );
    }

    #[test]
    fn a_path_asked_for_rarely_is_judged_by_its_like() {
        let events = "10:/o/111:200:s-w-80 20:/o/222:404:s-w-80 30:/o/333:404:s-w-80 40:/o/444:404:s-w-80";
        let found = story(events, Some("a.b"), "/o/444", reach(&["s-w-80"], &[]));
        assert_eq!(onset(&found), (20, Confidence::Likely, true));
        assert_eq!(found.exact.run.expect("run").failures, 1);
    }

    #[test]
    fn redirects_of_the_proxy_are_no_success() {
        let events = "10:/a:404:shop-web-80 30:/a:404:shop-web-80";
        let redirect = "203.0.113.7 - - [22/Nov/2026:10:15:20 +0000] \"GET /a HTTP/1.1\" 308 0 \"-\" \"-\" 81 0.0 [shop-web-80] [] - - - - 0a";
        let mut options = Options::new(Settings::default(), Filter::status(404));
        options.asked = Some(Asked { path: "/a".to_owned(), ..Asked::default() });
        let mut scanner = Scanner::new(options);
        scanner.push(0, redirect.as_bytes());
        assert_eq!(scanner.finish().asked.expect("asked").exact.others, 1);
        assert_eq!(onset(&story(events, None, "/a", Reach::default())), (10, Confidence::Possible, false));
    }
}

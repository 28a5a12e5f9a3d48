//! Who spoke: which of proxy, default backend, error page and Service gave the answer that the client
//! got. The first fork of every diagnosis.
//!
//! What a line of ingress-nginx alone tells: no upstream address means nginx itself answered;
//! `upstream-default-backend` means that no rule matched; a value after ` : ` means that an error page
//! replaced an answer; else the upstream that is named answered, unless it failed and the 502 or 504 is
//! nginx's own. Whether the Service that answered is the one that should have is told by an
//! [`Expected`].
//!
//! Assumptions: nginx tries again only after a failure (`proxy-next-upstream` default `error timeout`),
//! so an attempt that used up all tries failed as well. A default-backend Service that answers with an
//! error other than 404 may have been shown as an error page; such lines stay undecided.
//!
//! Sources: kubernetes/ingress-nginx v1.15.1 `nginx.tmpl`, `balancer.lua`; nginx 1.27.1
//! `ngx_http_upstream.c`; recorded logs of both.

use super::logs::access::{AccessLine, Attempt, Logged, attempts};
use super::logs::ingress_nginx;
use super::logs::upstream_name::{self, UpstreamKind};
use super::routing::Target;
use crate::model::controller::Settings;

/// Who gave the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Voice {
    /// The controller's default backend: no rule of the host matches.
    NoRule,
    /// A Service answered; the expected one, where it is known which.
    App,
    /// A Service answered that is not the one of the rule for this request.
    OtherBackend,
    /// An error page replaced the answer of the Service.
    Intercepted,
    /// The proxy: redirects, denials, 502 to 504 of its own, snippets.
    ProxyItself,
    /// The client left before there was an answer.
    Nobody,
    /// The line does not tell.
    Undecidable,
}

/// The four voices of a 404, as reports group them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answered {
    NoRuleMatched,
    Upstream,
    Intercepted,
    Undecidable,
}

impl Voice {
    pub const ALL: [Self; 7] = [
        Self::NoRule,
        Self::App,
        Self::OtherBackend,
        Self::Intercepted,
        Self::ProxyItself,
        Self::Nobody,
        Self::Undecidable,
    ];

    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::NoRule => "no_rule",
            Self::App => "app",
            Self::OtherBackend => "other_backend",
            Self::Intercepted => "intercepted",
            Self::ProxyItself => "proxy_itself",
            Self::Nobody => "nobody",
            Self::Undecidable => "undecidable",
        }
    }

    /// The voice among the four of a 404. A 404 of the proxy's own (a snippet's `return`) is none of
    /// the first three.
    #[must_use]
    pub const fn answered(self) -> Answered {
        match self {
            Self::NoRule => Answered::NoRuleMatched,
            Self::App | Self::OtherBackend => Answered::Upstream,
            Self::Intercepted => Answered::Intercepted,
            Self::ProxyItself | Self::Nobody | Self::Undecidable => Answered::Undecidable,
        }
    }
}

/// What the routing model says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The Service of the rule that wins; `None` when no rule matches.
    pub service: Option<Target>,
}

/// What is known beyond the line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    pub settings: Option<&'a Settings>,
    pub expected: Option<&'a Expected>,
    /// The proxy's error log has a failed upstream attempt of this very request.
    pub upstream_failed: bool,
}

/// Who answered, from the line and the controller's settings. [`Voice::App`] means that a Service did;
/// [`Voice::OtherBackend`] only where the line itself says so.
#[must_use]
pub fn voice_of_line(line: &AccessLine<'_>, settings: &Settings) -> Voice {
    voice_with(line, &Known { settings: Some(settings), ..Known::default() })
}

/// Who answered, from everything that is known.
#[must_use]
pub fn voice_with(line: &AccessLine<'_>, known: &Known<'_>) -> Voice {
    let Some(status) = line.status else { return Voice::Undecidable };
    // 499 is nginx's mark for a client that left; 0 is logged when not even a status was chosen.
    if matches!(status, 0 | 499) {
        return Voice::Nobody;
    }
    let hops = Hops::of(line);
    if !hops.logged {
        return by_name_alone(line, status);
    }
    if !hops.any {
        return without_upstream(line, status);
    }
    match line.upstream.value().map(|name| upstream_name::kind(name)) {
        Some(UpstreamKind::Default) => default_backend(&hops, status),
        Some(UpstreamKind::CustomDefault(_)) if hops.redirected => {
            // The annotation's Service also stands in for a Service without endpoints: then its own
            // answer was replaced by its own error page.
            if hops.same_address_first_and_last() { Voice::OtherBackend } else { Voice::Intercepted }
        }
        Some(UpstreamKind::CustomDefault(_)) => Voice::OtherBackend,
        Some(UpstreamKind::Service(name)) => match service_answer(line, &hops, status, known) {
            Voice::App => against_expected(line, name, known.expected),
            other => other,
        },
        None => unnamed(line, &hops, status, known),
    }
}

/// Nothing of the attempts is logged: only the name of the upstream is left, and only where a 404 can
/// hardly be the proxy's own.
fn by_name_alone(line: &AccessLine<'_>, status: u16) -> Voice {
    if status == 404 && names_default(line) { Voice::NoRule } else { Voice::Undecidable }
}

fn without_upstream(line: &AccessLine<'_>, status: u16) -> Voice {
    // Old versions answer in the default location itself.
    if status == 404 && names_default(line) { Voice::NoRule } else { Voice::ProxyItself }
}

fn names_default(line: &AccessLine<'_>) -> bool {
    line.upstream.value().is_some_and(|name| upstream_name::kind(name) == UpstreamKind::Default)
}

fn default_backend(hops: &Hops<'_>, status: u16) -> Voice {
    if hops.redirected {
        // The default backend's own answer may be intercepted by itself.
        return if hops.same_address_first_and_last() { Voice::NoRule } else { Voice::Intercepted };
    }
    let built_in = hops.last_address.is_some_and(|address| address.starts_with(b"127.0.0.1:"));
    if built_in || status < 400 || status == 404 { Voice::NoRule } else { Voice::Undecidable }
}

/// A line of a named Service with at least one attempt.
fn service_answer(line: &AccessLine<'_>, hops: &Hops<'_>, status: u16, known: &Known<'_>) -> Voice {
    let answered = match hops.last_status {
        Logged::Is(answered) => answered,
        // An attempt without a status did not come to an answer.
        Logged::Empty => return Voice::ProxyItself,
        // The status is the upstream's, unless it is one that nginx makes.
        Logged::No => return if status < 500 { Voice::App } else { Voice::Undecidable },
    };
    if answered != status {
        // nginx itself turns 200 into 206, 304, 412 and 416.
        return match status {
            206 | 304 | 412 | 416 if answered == 200 => Voice::App,
            _ if answered >= 400 => Voice::Intercepted,
            _ => Voice::ProxyItself,
        };
    }
    if matches!(status, 502 | 504) { own_gateway_error(line, hops, known) } else { Voice::App }
}

/// A 502 or 504 that is also the attempt's status: the Service said so itself, or nginx, which notes a
/// failed attempt that way.
fn own_gateway_error(line: &AccessLine<'_>, hops: &Hops<'_>, known: &Known<'_>) -> Voice {
    if known.upstream_failed {
        return Voice::ProxyItself;
    }
    match (hops.last_length, line.body_bytes) {
        (Some(1..), _) => Voice::App,
        // The client got a body that no upstream sent.
        (Some(0), Some(1..)) => Voice::ProxyItself,
        _ => {
            let tries = known
                .settings
                .and_then(|settings| settings.config("proxy-next-upstream-tries"))
                .and_then(|tries| tries.parse().ok())
                .unwrap_or(3);
            if hops.attempts > 1 && hops.attempts >= tries { Voice::ProxyItself } else { Voice::Undecidable }
        }
    }
}

/// The upstream's name is not logged, or empty although there was an attempt.
fn unnamed(line: &AccessLine<'_>, hops: &Hops<'_>, status: u16, known: &Known<'_>) -> Voice {
    if hops.redirected {
        return if hops.same_address_first_and_last() { Voice::Undecidable } else { Voice::Intercepted };
    }
    let built_in = hops.last_address.is_some_and(|address| address.starts_with(b"127.0.0.1:"));
    let rule_without_service = line.service == Logged::Empty;
    if status == 404 && (built_in || rule_without_service) {
        return Voice::NoRule;
    }
    let own_default = known.settings.is_none_or(|s| s.value("default-backend-service").is_some());
    let service_known =
        matches!(line.service, Logged::Is(_)) || (hops.last_address.is_some() && !own_default);
    if !service_known {
        return Voice::Undecidable;
    }
    match service_answer(line, hops, status, known) {
        Voice::App => match (known.expected, &line.namespace, &line.service) {
            (None, _, _) => Voice::App,
            (Some(Expected { service: Some(target) }), Logged::Is(namespace), Logged::Is(service))
                if target.service.namespace.as_bytes() == namespace.as_ref()
                    && target.service.name.as_bytes() == service.as_ref() =>
            {
                Voice::App
            }
            (Some(_), Logged::Is(_), Logged::Is(_)) => Voice::OtherBackend,
            (Some(_), _, _) => Voice::Undecidable,
        },
        other => other,
    }
}

fn against_expected(line: &AccessLine<'_>, name: &[u8], expected: Option<&Expected>) -> Voice {
    let Some(Expected { service }) = expected else { return Voice::App };
    let Some(target) = service else { return Voice::OtherBackend };
    match upstream_name::stands_for(name, target) {
        Some(true) => Voice::App,
        Some(false) => Voice::OtherBackend,
        // The location's own variables have no dashes to get lost in.
        None => match (&line.namespace, &line.service) {
            (Logged::Is(namespace), Logged::Is(service)) => {
                let same = target.service.namespace.as_bytes() == namespace.as_ref()
                    && target.service.name.as_bytes() == service.as_ref();
                if same { Voice::App } else { Voice::OtherBackend }
            }
            _ => Voice::Undecidable,
        },
    }
}

/// What the attempt lists of a line say, read once.
#[derive(Debug)]
struct Hops<'a> {
    /// Whether the format has any of the lists.
    logged: bool,
    /// Whether there was an attempt at all.
    any: bool,
    /// An internal redirect with attempts before and after it.
    redirected: bool,
    first_address: Option<&'a [u8]>,
    last_address: Option<&'a [u8]>,
    /// Of the last attempt.
    last_status: Logged<u16>,
    last_length: Option<u64>,
    /// Attempts in the last group.
    attempts: usize,
}

impl<'a> Hops<'a> {
    fn of(line: &'a AccessLine<'_>) -> Self {
        let leading = if line.addresses.is_logged() { &line.addresses } else { &line.statuses };
        let mut first: Option<Attempt<'_>> = None;
        let mut last: Option<Attempt<'_>> = None;
        let mut count = 0;
        for attempt in attempts(leading.bytes()) {
            count = match last {
                Some(previous) if previous.group == attempt.group => count + 1,
                _ => 1,
            };
            first.get_or_insert(attempt);
            last = Some(attempt);
        }
        let address = |attempt: Option<Attempt<'a>>| {
            attempt.filter(|_| line.addresses.is_logged()).map(|a| a.value).filter(|value| !value.is_empty())
        };
        let last_of =
            |list: &'a Logged<super::logs::access::Text<'_>>| attempts(list.bytes()).last().map(|a| a.value);
        Self {
            logged: line.addresses.is_logged() || line.statuses.is_logged(),
            any: first.is_some(),
            redirected: last.is_some_and(|attempt| attempt.group > 0)
                && first.is_some_and(|attempt| !attempt.value.is_empty()),
            first_address: address(first),
            last_address: address(last),
            last_status: match last_of(&line.statuses).and_then(ingress_nginx::status) {
                _ if !line.statuses.is_logged() => Logged::No,
                Some(status) => Logged::Is(status),
                None => Logged::Empty,
            },
            last_length: last_of(&line.lengths).and_then(ingress_nginx::decimal),
            attempts: count,
        }
    }

    fn same_address_first_and_last(&self) -> bool {
        self.first_address.is_some() && self.first_address == self.last_address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::controller::ConfigSeen;
    use crate::model::ingress::PortRef;
    use crate::model::object::Name;

    /// `STATUS BODY [upstream] [alternative] addresses lengths times statuses` of a GET.
    fn line(fields: &str) -> String {
        let (head, tail) = fields.split_at(fields.find('[').expect("bracket"));
        format!(
            r#"203.0.113.7 - - [22/Nov/2026:10:15:02 +0000] "GET /a HTTP/1.1" {head}"-" "-" 81 0.012 {tail} 0a1b"#
        )
    }

    fn voice(fields: &str, known: &Known<'_>) -> Voice {
        let text = line(fields);
        voice_with(&ingress_nginx::parse(text.as_bytes()).expect("line"), known)
    }

    fn check(fields: &str, expected: Voice) {
        assert_eq!(voice(fields, &Known::default()), expected, "{fields}");
    }

    #[test]
    fn the_controllers_default_backend_means_no_rule() {
        check("404 146 [upstream-default-backend] [] 127.0.0.1:8181 146 0.000 404", Voice::NoRule);
        check("404 21 [upstream-default-backend] [] 10.42.9.9:8080 21 0.000 404", Voice::NoRule);
        check("200 21 [upstream-default-backend] [] 10.42.9.9:8080 21 0.000 200", Voice::NoRule);
        check("404 21 [upstream-default-backend] [] - - - -", Voice::NoRule);
        check("503 21 [upstream-default-backend] [] 10.42.9.9:8080 21 0.000 503", Voice::Undecidable);
        check(
            "404 146 [upstream-default-backend] [] 127.0.0.1:8181 : 127.0.0.1:8181 146 : 146 0.000 : 0.000 404 : 404",
            Voice::NoRule,
        );
    }

    #[test]
    fn a_service_answered() {
        check("404 33 [shop-web-80] [] 10.42.1.17:8080 33 0.011 404", Voice::App);
        check("404 33 [shop-web-80] [shop-canary-80] 10.42.1.17:8080 33 0.011 404", Voice::App);
        check("404 0 [shop-web-80] [] 10.42.2.27:80, 10.42.1.27:80 0, 0 0.0, 0.0 502, 404", Voice::App);
        check("304 0 [shop-web-80] [] 10.42.1.17:8080 33 0.011 200", Voice::App);
        check("503 33 [shop-web-80] [] 10.42.1.17:8080 33 0.011 503", Voice::App);
    }

    #[test]
    fn an_error_page_replaced_the_answer() {
        check(
            "404 9 [upstream-default-backend] [] 10.42.1.17:8080 : 10.42.2.5:8080 19 : 9 0.0 : 0.0 404 : 404",
            Voice::Intercepted,
        );
        check(
            "404 9 [custom-default-backend-shop-errors] [] 10.42.1.17:8080 : 10.42.2.5:8080 19 : 9 0.0 : 0.0 404 : 404",
            Voice::Intercepted,
        );
        check("200 9 [shop-web-80] [] 10.42.1.17:8080 19 0.0 404", Voice::Intercepted);
    }

    #[test]
    fn the_annotations_default_backend_stands_in() {
        check("200 9 [custom-default-backend-shop-errors] [] 10.42.2.5:8080 9 0.0 200", Voice::OtherBackend);
        check(
            "404 9 [custom-default-backend-shop-errors] [] 10.42.2.5:8080 : 10.42.2.5:8080 0 : 9 0.0 : 0.0 404 : 404",
            Voice::OtherBackend,
        );
    }

    #[test]
    fn the_proxy_answered_itself() {
        check("301 162 [-] [] - - - -", Voice::ProxyItself);
        check("400 150 [] [] - - - -", Voice::ProxyItself);
        check("503 190 [shop-ghost-80] [] - - - -", Voice::ProxyItself);
        check("403 146 [media-static-80] [] - - - -", Voice::ProxyItself);
        check("301 0 [upstream-default-backend] [] - - - -", Voice::ProxyItself);
        check("404 146 [-] [] - - - -", Voice::ProxyItself);
    }

    #[test]
    fn a_client_that_left_heard_nobody() {
        check("499 0 [shop-slow-80] [] 10.42.1.15:8080 0 0.401 -", Voice::Nobody);
        check("499 0 [] [] - - - -", Voice::Nobody);
    }

    #[test]
    fn a_gateway_error_is_told_by_its_body() {
        check("502 150 [shop-flaky-80] [] 10.42.1.16:80 0 0.0 502", Voice::ProxyItself);
        check("502 31 [shop-flaky-80] [] 10.42.1.16:80 31 0.0 502", Voice::App);
        check("504 160 [shop-flaky-80] [] 10.42.1.16:80 0 60.0 504", Voice::ProxyItself);
        check("502 0 [shop-flaky-80] [] 10.42.1.16:80 0 0.0 502", Voice::Undecidable);
        check("502 0 [shop-flaky-80] [] 10.1.1.1:80, 10.1.1.1:80 0, 0 0.0, 0.0 502, 502", Voice::Undecidable);
        check(
            "502 0 [shop-flaky-80] [] 10.1.1.1:80, 10.1.1.1:80, 10.1.1.1:80 0, 0, 0 0.0, 0.0, 0.0 502, 502, 502",
            Voice::ProxyItself,
        );
    }

    #[test]
    fn the_error_log_and_the_number_of_tries_decide_what_the_body_does_not() {
        let fields = "502 0 [shop-flaky-80] [] 10.1.1.1:80, 10.1.1.1:80 0, 0 0.0, 0.0 502, 502";
        assert_eq!(voice(fields, &Known { upstream_failed: true, ..Known::default() }), Voice::ProxyItself);
        let data = [("proxy-next-upstream-tries".to_owned(), "2".to_owned())].into();
        let settings = Settings { config: ConfigSeen::Known(data), ..Settings::default() };
        assert_eq!(
            voice(fields, &Known { settings: Some(&settings), ..Known::default() }),
            Voice::ProxyItself
        );
    }

    #[test]
    fn the_expected_service_splits_app_from_other_backend() {
        let with = |fields: &str, service: Option<&str>| {
            let service =
                service.map(|service| Target { service: Name::new("shop", service), port: PortRef::Unset });
            voice(fields, &Known { expected: Some(&Expected { service }), ..Known::default() })
        };
        let answered = "404 33 [shop-cart-80] [] 10.42.1.17:8080 33 0.011 404";
        assert_eq!(with(answered, Some("cart")), Voice::App);
        assert_eq!(with(answered, Some("legacy")), Voice::OtherBackend);
        assert_eq!(with(answered, None), Voice::OtherBackend);
        let open = "404 33 [shop-cart-old-80] [] 10.42.1.17:8080 33 0.011 404";
        assert_eq!(with(open, Some("cart")), Voice::Undecidable);
        let none = "404 146 [upstream-default-backend] [] 127.0.0.1:8181 146 0.000 404";
        assert_eq!(with(none, Some("cart")), Voice::NoRule);
    }

    #[test]
    fn formats_that_log_less_say_less() {
        let base = AccessLine { status: Some(404), ..AccessLine::default() };
        let of = |line: &AccessLine<'_>| voice_of_line(line, &Settings::default());
        let text = |text: &'static str| Logged::text(text.as_bytes());
        assert_eq!(of(&base), Voice::Undecidable);
        assert_eq!(
            of(&AccessLine { upstream: text("upstream-default-backend"), ..base.clone() }),
            Voice::NoRule
        );
        assert_eq!(of(&AccessLine { upstream: text("shop-web-80"), ..base.clone() }), Voice::Undecidable);
        let status_only = AccessLine { statuses: text("404"), ..base.clone() };
        assert_eq!(of(&status_only), Voice::Undecidable);
        assert_eq!(of(&AccessLine { statuses: Logged::Empty, ..base.clone() }), Voice::ProxyItself);
        assert_eq!(of(&AccessLine { service: text("web"), ..status_only.clone() }), Voice::App);
        assert_eq!(of(&AccessLine { service: Logged::Empty, ..status_only.clone() }), Voice::NoRule);
        assert_eq!(
            of(&AccessLine { addresses: text("127.0.0.1:8181"), ..status_only.clone() }),
            Voice::NoRule
        );
        assert_eq!(of(&AccessLine { addresses: text("10.0.0.1:80"), ..status_only }), Voice::App);
    }
}

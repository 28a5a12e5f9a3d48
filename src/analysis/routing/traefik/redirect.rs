//! Redirects to another scheme: the middleware `RedirectScheme`, which entry points use too.
//!
//! The port of the request is dropped. A request that would be sent to where it is passes through.
//! Sources: traefik/traefik `pkg/middlewares/redirect/{redirect,redirect_scheme}.go`,
//! `pkg/middlewares/forwardedheaders`, v3.7.13.

use super::entry_points::{EntryPoint, Trust};
use super::seen::Seen;
use crate::model::request::Scheme;

/// Where the redirect goes, or `None` where the request passes.
pub(in crate::analysis::routing) fn to_scheme(
    seen: &Seen<'_>,
    entry_point: &EntryPoint,
    scheme: &str,
    port: Option<&str>,
) -> Option<String> {
    let now = scheme_of(seen, entry_point);
    let request = seen.request;
    let host = &request.host_as_sent;
    let default = match now {
        "https" => 443,
        _ => 80,
    };
    let old_port = request.port.filter(|port| *port != default).map(|port| format!(":{port}"));
    let uri = seen.request_uri();
    let old = format!("{now}://{host}{}{uri}", old_port.unwrap_or_default());
    let new = format!("{scheme}://{host}{}{uri}", port.map(|port| format!(":{port}")).unwrap_or_default());
    (new != old).then_some(new)
}

/// The scheme that Traefik believes the client to speak.
fn scheme_of(seen: &Seen<'_>, entry_point: &EntryPoint) -> &'static str {
    let told = match entry_point.trust {
        Trust::Everybody => seen.header("X-Forwarded-Proto").next().unwrap_or_default(),
        Trust::Nobody | Trust::Some => "",
    };
    if told.eq_ignore_ascii_case("https") || told.eq_ignore_ascii_case("wss") {
        return "https";
    }
    if told.eq_ignore_ascii_case("http") || told.eq_ignore_ascii_case("ws") {
        return "http";
    }
    match seen.request.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    }
}

/// The status of a redirect by method.
pub(in crate::analysis::routing) fn status(permanent: bool, method: &str) -> u16 {
    match (permanent, method) {
        (true, "GET") => 301,
        (true, _) => 308,
        (false, "GET") => 302,
        (false, _) => 307,
    }
}

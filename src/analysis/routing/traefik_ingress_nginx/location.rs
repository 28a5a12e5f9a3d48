//! A location: one path of one Ingress, or a default backend, with everything its routers share.

use super::backends::Resolved;
use super::options::{Options, Redirect};
use super::rewrite::Rewrite;
use super::snippet::Snippet;
use crate::analysis::routing::Target;
use crate::analysis::routing::heads::Accepted;
use crate::analysis::routing::traefik::entry_points::Places;
use crate::analysis::routing::traefik::pattern::Pattern;
use crate::model::ingress::Place;
use crate::model::object::Name;

/// Another backend for a share of the requests.
#[derive(Debug, Clone)]
pub(super) struct Canary {
    pub(super) ingress: Name,
    pub(super) backend: Resolved,
    pub(super) weight: i64,
    pub(super) total: i64,
}

/// The error page of `custom-http-errors`.
#[derive(Debug, Clone)]
pub(super) struct ErrorPage {
    pub(super) codes: Vec<(u16, u16)>,
    pub(super) backend: Resolved,
}

/// A redirect with the pattern whose match it replaces.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) redirect: Redirect,
    pub(super) pattern: Pattern,
}

#[derive(Debug)]
pub(super) struct Location {
    pub(super) owner: usize,
    pub(super) place: Place,
    /// Where its routers are.
    pub(super) places: Places,
    pub(super) backend: Resolved,
    pub(super) https: bool,
    /// The annotation that sends plain HTTP to HTTPS.
    pub(super) https_key: &'static str,
    pub(super) app_root: Option<String>,
    pub(super) moved: Option<Moved>,
    pub(super) rewrite: Option<Rewrite>,
    pub(super) server_snippet: Option<Snippet>,
    pub(super) configuration_snippet: Option<Snippet>,
    pub(super) error_page: Option<ErrorPage>,
    pub(super) canary: Option<Canary>,
    /// The Secret of basic authentication, and whether it could not be seen.
    pub(super) auth: Option<(Name, bool)>,
    pub(super) auth_url: String,
    pub(super) allowed: Option<(Vec<String>, &'static str)>,
    pub(super) client_certificate: bool,
    /// Custom headers that cannot be had: 503 for everything.
    pub(super) broken: bool,
    /// Where `www.`, or what is without it, is sent.
    pub(super) www: Option<String>,
}

/// What all locations of a host have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared<'a> {
    pub(super) places: Places,
    pub(super) has_tls: bool,
    pub(super) use_regex: bool,
    pub(super) server_snippet: &'a str,
    pub(super) accepted: &'a Accepted,
}

impl Location {
    /// Of a path; the annotation or argument that keeps it from having routers is the error.
    pub(super) fn new(
        owner: usize,
        place: Place,
        path: &str,
        backend: Resolved,
        options: &Options,
        host: &Shared<'_>,
    ) -> Result<Self, &'static str> {
        let Shared { places, has_tls, use_regex, server_snippet, accepted } = *host;
        let moved = options.redirect.clone().map(|redirect| {
            let pattern = if use_regex { format!("^https?://[^/]+{path}") } else { ".*".to_owned() };
            Moved { redirect, pattern: Pattern::new(pattern) }
        });
        let compiles = |pattern: &Pattern| accepted.is(pattern.text(), || pattern.compiles());
        if let Some(moved) = moved.as_ref().filter(|moved| use_regex && !compiles(&moved.pattern)) {
            return Err(moved.redirect.annotation);
        }
        let rewrite = Rewrite::new(&options.rewrite, path);
        if rewrite.as_ref().is_some_and(|rewrite| !is_plain(path) && !rewrite.is_valid(compiles)) {
            return Err("rewrite-target");
        }
        let snippet = |text: &str, server: bool, key: &'static str| {
            if text.is_empty() { Ok(None) } else { Snippet::read(text, server).map(Some).ok_or(key) }
        };
        let allowed = options.allowed.as_ref().map(|(list, key)| {
            (list.split(',').map(|range| range.trim().to_owned()).collect::<Vec<_>>(), *key)
        });
        if let Some((_, key)) = allowed.as_ref().filter(|(list, _)| !list.iter().all(|range| is_range(range)))
        {
            return Err(key);
        }
        Ok(Self {
            owner,
            place,
            places,
            backend,
            https: options.redirects_to_https(has_tls),
            https_key: if options.force_ssl_redirect { "force-ssl-redirect" } else { "ssl-redirect" },
            app_root: options.app_root.clone(),
            moved,
            rewrite,
            server_snippet: snippet(server_snippet, true, "server-snippet")?,
            configuration_snippet: snippet(&options.configuration_snippet, false, "configuration-snippet")?,
            error_page: None,
            canary: None,
            auth: None,
            auth_url: options.auth_url.clone(),
            allowed,
            client_certificate: options.auth_tls_secret.is_some(),
            broken: false,
            www: None,
        })
    }

    /// The backend as the rule has it.
    pub(super) fn target(&self) -> &Target {
        &self.backend.target
    }
}

/// Whether a path is no pattern, so that there is nothing to compile.
fn is_plain(path: &str) -> bool {
    !path.contains(['\\', '^', '$', '|', '(', ')', '[', ']', '{', '}', '*', '+', '?'])
}

/// An address or a network.
fn is_range(text: &str) -> bool {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let most = match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => 32,
        Ok(std::net::IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// Status codes and ranges of them; `None` where one cannot be read.
pub(super) fn codes(list: &[String]) -> Option<Vec<(u16, u16)>> {
    list.iter()
        .map(|item| match item.split_once('-') {
            Some((from, to)) => Some((from.parse().ok()?, to.parse().ok()?)),
            None => item.parse().ok().map(|code| (code, code)),
        })
        .collect()
}

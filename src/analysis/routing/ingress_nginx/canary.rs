//! Canaries: alternative upstreams, how they come to a main one, and who gets a request.
//!
//! An alternative hangs on the *upstream*, so that every host and path with the same Service and port
//! is split. Only the first alternative counts.
//! Sources: kubernetes/ingress-nginx `internal/ingress/controller/controller.go`
//! (`mergeAlternativeBackends`), `rootfs/etc/nginx/lua/balancer.lua`, v1.15.1.

use crate::analysis::routing::nginx::pattern::{Match, Pattern};
use crate::model::request::Request;

use super::servers::{CATCH_ALL, Servers};
use super::upstreams::{DEFAULT_UPSTREAM, Upstreams};
use super::{Loaded, servers::server_key};

/// When a request goes to the alternative.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    weight: i64,
    total: i64,
    header: Option<String>,
    value: Option<String>,
    pattern: Option<std::sync::Arc<Pattern>>,
    cookie: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    Main,
    Alternative,
    /// Chance decides.
    Either,
}

impl Policy {
    pub(super) fn new(
        weight: i64,
        total: i64,
        header: Option<String>,
        value: Option<String>,
        pattern: Option<String>,
        cookie: Option<String>,
    ) -> Self {
        let pattern = pattern.map(|text| std::sync::Arc::new(Pattern::new(text, false)));
        Self { weight, total, header, value, pattern, cookie }
    }

    pub(super) fn choose(&self, request: &Request) -> Choice {
        let header = self.header.as_deref().and_then(|name| request.header(name));
        if let Some(found) = header {
            let decided = match (&self.value, &self.pattern) {
                (Some(value), _) => (value == found).then_some(Choice::Alternative),
                (None, Some(pattern)) if !pattern.compiles() => Some(Choice::Main),
                (None, Some(pattern)) => {
                    (pattern.is_match(found.as_bytes()) == Match::Yes).then_some(Choice::Alternative)
                }
                (None, None) => always_or_never(found),
            };
            if let Some(choice) = decided {
                return choice;
            }
        }
        let cookie = self.cookie.as_deref().and_then(|name| cookie(request, name));
        if let Some(choice) = cookie.and_then(always_or_never) {
            return choice;
        }
        if self.weight <= 0 {
            Choice::Main
        } else if self.weight >= self.total.max(100) {
            Choice::Alternative
        } else {
            Choice::Either
        }
    }
}

fn always_or_never(value: &str) -> Option<Choice> {
    match value {
        "always" => Some(Choice::Alternative),
        "never" => Some(Choice::Main),
        _ => None,
    }
}

/// A cookie's value; names are compared without case.
fn cookie<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    request.header("Cookie")?.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Hangs the Services of canary Ingresses on the upstreams of the places they name.
pub(super) fn merge(loaded: &[Loaded], upstreams: &mut Upstreams, servers: &Servers) {
    if loaded.iter().all(|ingress| ingress.options.canary.is_some()) {
        return;
    }
    for ingress in loaded.iter().filter(|ingress| ingress.options.canary.is_some()) {
        if let Some(backend) = &ingress.default_backend {
            let alternative = upstreams.id(&ingress.name.namespace, backend);
            merge_one(alternative, None, CATCH_ALL, upstreams, servers);
        }
        for rule in &ingress.rules {
            for path in rule.paths() {
                if path.backend.service().is_some() {
                    let alternative = upstreams.id(&ingress.name.namespace, &path.backend);
                    let place = (super::path_of(path), super::is_exact(path));
                    merge_one(alternative, Some(place), server_key(rule.host()), upstreams, servers);
                }
            }
        }
    }
}

/// `place` is path and type; every location of the server qualifies without one.
fn merge_one(
    alternative: Option<usize>,
    place: Option<(&str, bool)>,
    host: &str,
    upstreams: &mut Upstreams,
    servers: &Servers,
) {
    let Some(alternative) = alternative.filter(|id| !upstreams.is_removed(*id)) else { return };
    let Some(server) = servers.get(host) else { return };
    let mut merged = false;
    let mut is_main = false;
    for location in &server.locations {
        let main = location.upstream;
        if upstreams.is_removed(main) {
            continue;
        }
        is_main = main == alternative;
        if is_main {
            break;
        }
        let same_place = place.is_none_or(|(path, exact)| location.path == path && location.exact == exact);
        if same_place && main != DEFAULT_UPSTREAM && !upstreams.has_no_server(main) {
            upstreams.add_alternative(main, alternative);
            merged = true;
        }
    }
    if !is_main && !merged {
        upstreams.remove(alternative);
    }
}

#[cfg(test)]
mod tests {
    use super::Choice::{Alternative, Either, Main};
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut request = Request::parse("http://a.example/").expect("url");
        request.headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        request
    }

    #[test]
    fn header_beats_cookie_beats_weight() {
        let own = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let check = |policy: (i64, i64, &str, &str, &str, &str), headers: &[(&str, &str)], expected| {
            let (weight, total, header, value, pattern, cookie) = policy;
            let policy = Policy::new(weight, total, own(header), own(value), own(pattern), own(cookie));
            assert_eq!(policy.choose(&request(headers)), expected, "{policy:?} {headers:?}");
        };
        check((0, 100, "", "", "", ""), &[], Main);
        check((100, 100, "", "", "", ""), &[], Alternative);
        check((50, 100, "", "", "", ""), &[], Either);
        check((50, 10, "", "", "", ""), &[], Either);
        check((100, 1000, "", "", "", ""), &[], Either);
        check((1000, 1000, "", "", "", ""), &[], Alternative);
        check((0, 100, "X-C", "", "", ""), &[("x-c", "always")], Alternative);
        check((100, 100, "X-C", "", "", ""), &[("x-c", "never")], Main);
        check((100, 100, "X-C", "", "", ""), &[("x-c", "other")], Alternative);
        check((0, 100, "X-C", "v2", "", ""), &[("x-c", "v2")], Alternative);
        check((0, 100, "X-C", "v2", "", ""), &[("x-c", "always")], Main);
        check((0, 100, "X-C", "", "^v[0-9]$", ""), &[("x-c", "v2")], Alternative);
        check((0, 100, "X-C", "", "^v[0-9]$", ""), &[("x-c", "always")], Main);
        check((100, 100, "X-C", "", "(", ""), &[("x-c", "always")], Main);
        check((0, 100, "", "", "", "beta"), &[("Cookie", "a=b; Beta=always")], Alternative);
        check((100, 100, "", "", "", "beta"), &[("Cookie", "beta=never")], Main);
        check((0, 100, "X-C", "", "", "beta"), &[("x-c", "never"), ("Cookie", "beta=always")], Main);
    }
}

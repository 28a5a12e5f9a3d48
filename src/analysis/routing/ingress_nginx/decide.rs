//! What happens to one request, in the order of nginx' phases.
//!
//! TLS passthrough → malformed requests → unknown methods, block lists → `www` redirect → clients'
//! certificates → server snippet, `app-root` → location, missing slash → denied → snippet, redirects,
//! rewrite → https redirect → nobody behind the upstream → authentication → the upstream, or its canary.
//! Sources: kubernetes/ingress-nginx `rootfs/etc/nginx/template/nginx.tmpl`,
//! `rootfs/etc/nginx/lua/{lua_ingress,balancer,certificate}.lua`, `lua/nginx/ngx_srv_redirect.lua`,
//! v1.15.1.

use crate::analysis::routing::nginx::normalise::{escape, normalise};
use crate::analysis::routing::nginx::rewrite::{Rewritten, filled};
use crate::analysis::routing::{Decision, Note, Outcome, Target, Winner};
use crate::model::ingress::Place;
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::canary::Choice;
use super::servers::{CATCH_ALL, Location, Tls};
use super::site::{Found, Site};
use super::upstreams::DEFAULT_UPSTREAM;
use super::{Table, errors, path_of};

pub(super) fn decide(table: &Table, request: &Request) -> Decision {
    let mut decision = act(table, request);
    if table.global.unseen {
        decision.notes.push(Note::SettingsUnseen);
    }
    if !table.failures.is_empty() {
        decision.outcome = Outcome::Refused;
        decision.status = None;
        decision.location = None;
        decision.upstream_path = None;
        decision.one_of.clear();
        decision.default_backend = false;
        decision.notes.push(Note::ReloadFails);
    }
    decision
}

/// The normalised path of a request; `None` where nginx answers 400.
pub(super) fn path(request: &Request) -> Option<Vec<u8>> {
    let host_is_sound = !request.host_as_sent.contains("..");
    normalise(request.path.as_str()).ok().filter(|_| host_is_sound)
}

/// What happens to a request once the configuration is loaded.
pub(super) fn act(table: &Table, request: &Request) -> Decision {
    let number = table.names.find(request.host.as_str()).unwrap_or(table.catch_all);
    let is_unknown_tls = request.scheme == Scheme::Https && number == table.catch_all;
    if is_unknown_tls && table.global.rejects_unknown_tls {
        let mut decision = Decision::bare(Outcome::Refused, None);
        decision.notes.push(Note::HandshakeRejected);
        decision.notes.push(Note::Config { key: "ssl-reject-handshake".to_owned() });
        return decision;
    }
    let site = table.sites.get(number);
    if let Some(decision) = site.and_then(|site| passthrough(table, request, site)) {
        return decision;
    }
    let Some(path) = path(request) else { return Decision::bare(Outcome::Refused, Some(400)) };
    let barred = barred(table, request);
    let Some(site) = site else {
        return barred
            .map_or_else(|| www_redirect(table, request, number), |found| errors::lost(table, found));
    };
    let visit = Visit { table, request, site, path: &path };
    let mut decision = match barred {
        Some(decision) => visit.error(None, decision),
        None => visit.run(),
    };
    let mut notes = vec![Note::Server { name: site.host.clone() }];
    if let Some((ingress, annotation)) = site.regex
        && let Some(ingress) = table.loaded.get(ingress)
    {
        notes.push(Note::RegexHost { because_of: ingress.name.clone(), annotation: annotation.to_owned() });
    }
    if path != request.path.as_str().as_bytes() {
        notes.push(Note::Normalised { to: String::from_utf8_lossy(&path).into_owned() });
    }
    notes.append(&mut decision.notes);
    decision.notes = notes;
    decision
}

/// TLS that is not ended here: the server's name counts, and nothing of the request.
fn passthrough(table: &Table, request: &Request, site: &Site) -> Option<Decision> {
    let maker = table.loaded.get(site.maker?)?;
    let passes =
        table.global.ssl_passthrough && request.scheme == Scheme::Https && maker.options.ssl_passthrough;
    let root = site.locations.iter().find(|location| location.path == "/")?;
    if !passes || root.upstream == DEFAULT_UPSTREAM {
        return None;
    }
    let path = request.path.as_str();
    let visit = Visit { table, request, site, path: path.as_bytes() };
    let mut decision = visit.proxy(root, path.to_owned());
    decision.notes.insert(0, Note::Server { name: site.host.clone() });
    decision.notes.push(annotation(&maker.name, "ssl-passthrough"));
    Some(decision)
}

/// What is refused whatever its server would say.
fn barred(table: &Table, request: &Request) -> Option<Decision> {
    if matches!(request.method.as_str(), "TRACE" | "CONNECT") {
        return Some(Decision::bare(Outcome::Refused, Some(405)));
    }
    let key = table.global.bars(request.header("User-Agent"), request.header("Referer"))?;
    let mut decision = Decision::bare(Outcome::Refused, Some(403));
    decision.notes.push(Note::Config { key: key.to_owned() });
    Some(decision)
}

fn www_redirect(table: &Table, request: &Request, number: usize) -> Decision {
    let redirect = number.checked_sub(table.sites.len()).and_then(|at| table.redirects.get(at));
    let Some(redirect) = redirect else { return Decision::bare(Outcome::NoRoute, Some(404)) };
    let mut scheme = request.scheme.as_str();
    let port = match request.scheme {
        Scheme::Http => table.global.http_port,
        Scheme::Https => table.global.tls_port,
    };
    let mut port = port.to_string();
    if table.global.use_forwarded_headers {
        scheme = request.header("X-Forwarded-Proto").unwrap_or(scheme);
        if let Some(forwarded) = request.header("X-Forwarded-Port") {
            forwarded.clone_into(&mut port);
        }
    }
    let target = request.target();
    let target = target.strip_suffix('/').unwrap_or(&target);
    let mut decision = Decision::bare(Outcome::Redirect, Some(table.global.http_redirect_code));
    decision.location = Some(format!("{scheme}://{}:{port}{target}", redirect.to));
    if let Some(ingress) = table.loaded.get(redirect.ingress) {
        decision.notes.push(annotation(&ingress.name, "from-to-www-redirect"));
    }
    decision
}

pub(super) fn annotation(ingress: &Name, key: &str) -> Note {
    Note::Annotation { ingress: ingress.clone(), key: key.to_owned() }
}

/// One request at one server.
pub(super) struct Visit<'a> {
    pub(super) table: &'a Table,
    pub(super) request: &'a Request,
    pub(super) site: &'a Site,
    pub(super) path: &'a [u8],
}

impl Visit<'_> {
    fn run(&self) -> Decision {
        if let Some(decision) = self.without_authority().or_else(|| self.server_rewrites()) {
            return decision;
        }
        let slashes =
            |at: usize| self.site.locations.get(at).is_some_and(|location| self.denied(location).is_none());
        match self.site.find(self.path, slashes) {
            Found::Health => Decision::bare(Outcome::NoRoute, Some(200)),
            Found::Status => self.error(None, Decision::bare(Outcome::Refused, Some(403))),
            Found::Location(at) => match self.site.locations.get(at) {
                Some(location) => self.at(at, location),
                None => Decision::bare(Outcome::NoRoute, Some(404)),
            },
            Found::Slash(at) => match self.site.locations.get(at) {
                Some(location) => self.missing_slash(location),
                None => Decision::bare(Outcome::NoRoute, Some(404)),
            },
            Found::Undecided(at) => self.undecided(at),
        }
    }

    fn server_rewrites(&self) -> Option<Decision> {
        let ingress = self.site.snippet.and_then(|ingress| self.table.loaded.get(ingress));
        let own = ingress.and_then(|ingress| {
            let snippet = ingress.options.server_snippet.as_deref()?;
            self.returned(None, snippet, annotation(&ingress.name, "server-snippet"))
        });
        let app_root = || {
            let location = self.site.locations.get(self.site.app_root?)?;
            let root = self.table.options(location).app_root.as_deref()?;
            if self.path != b"/" {
                return None;
            }
            let root = filled(root, self.path, self.request)?;
            let scheme = self.request.scheme.as_str();
            let location_header = format!("{scheme}://{}{root}", self.request.authority());
            Some(self.redirect(302, location_header, Some(location), "app-root"))
        };
        own.or_else(app_root).or_else(|| {
            let snippet = self.table.global.server_snippet.as_deref()?;
            self.returned(None, snippet, Note::Config { key: "server-snippet".to_owned() })
        })
    }

    fn missing_slash(&self, location: &Location) -> Decision {
        let query = self.request.query.as_deref().filter(|query| !query.is_empty());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", escape(location.path.as_bytes()));
        let mut decision = self.with_winner(Outcome::Redirect, Some(301), location);
        decision.location = Some(self.absolute(location, path));
        decision
    }

    /// nginx puts scheme and host before a location that begins with a slash.
    fn absolute(&self, location: &Location, target: String) -> String {
        if !target.starts_with('/') || self.table.options(location).relative_redirects {
            return target;
        }
        let scheme = self.request.scheme;
        let port = match scheme {
            Scheme::Http => self.table.global.http_port,
            Scheme::Https => self.table.global.tls_port,
        };
        let shown = self.table.options(location).port_in_redirects && port != scheme.default_port();
        let port = if shown { format!(":{port}") } else { String::new() };
        format!("{}://{}{port}{target}", scheme.as_str(), self.request.host)
    }

    fn at(&self, at: usize, location: &Location) -> Decision {
        let options = self.table.options(location);
        if let Some((key, secret)) = self.denied(location) {
            let mut decision = self.with_winner(Outcome::Unavailable, Some(503), location);
            decision.notes.extend(self.owner(location).map(|name| annotation(name, key)));
            decision.notes.extend(secret.map(Note::SecretUnseen));
            return self.error(Some(location), decision);
        }
        if let Some(decision) = self.snippets(location) {
            return decision;
        }
        if let Some(redirect) = options.redirect.as_ref().filter(|_| !location.plain) {
            return self.configured_redirect(location, redirect);
        }
        let mut upstream_path = self.request.path.as_str().to_owned();
        match self.site.rewrite(at).map(|rewrite| rewrite.apply(self.path, self.request)) {
            None | Some(Rewritten::Not) => {}
            Some(Rewritten::Path(path)) => upstream_path = escape(&path),
            Some(Rewritten::Redirect(target)) => {
                return self.redirect(302, target, Some(location), "rewrite-target");
            }
            Some(Rewritten::Empty) => {
                let mut decision = self.with_winner(Outcome::Unavailable, Some(500), location);
                decision.notes.extend(self.owner(location).map(|name| annotation(name, "rewrite-target")));
                return self.error(Some(location), decision);
            }
            Some(Rewritten::Undecided) => return self.undecided(at),
        }
        match self.https_redirect(location) {
            Some(decision) => decision,
            None => self.proxy(location, upstream_path),
        }
    }

    fn configured_redirect(&self, location: &Location, redirect: &super::options::Redirect) -> Decision {
        let Some(url) = filled(&redirect.url, self.path, self.request) else {
            return self.with_winner(Outcome::Redirect, Some(redirect.code), location);
        };
        if matches!(redirect.code, 301 | 302 | 303 | 307 | 308) {
            let url = self.absolute(location, url);
            return self.redirect(redirect.code, url, Some(location), redirect.annotation);
        }
        let mut decision = self.with_winner(Outcome::Redirect, Some(redirect.code), location);
        decision.notes.extend(self.owner(location).map(|name| annotation(name, redirect.annotation)));
        decision
    }

    /// `ssl-redirect` where there is a certificate entry for the host, `force-ssl-redirect` anywhere.
    fn https_redirect(&self, location: &Location) -> Option<Decision> {
        let global = &self.table.global;
        let options = self.table.options(location);
        let forwarded = |name: &str| {
            if global.use_forwarded_headers { self.request.header(name) } else { None }
        };
        let scheme = forwarded("X-Forwarded-Proto").unwrap_or(self.request.scheme.as_str());
        let exempt = global.no_tls_redirect.iter().any(|prefix| location.path.starts_with(prefix));
        // The catch-all's own `/` is not redirected.
        let own = location.plain || location.owner.is_none();
        if exempt || own || scheme != "http" {
            return None;
        }
        let key = if options.force_ssl_redirect {
            "force-ssl-redirect"
        } else if options.ssl_redirect && self.table.certificates.has(self.request.host.as_str()) {
            "ssl-redirect"
        } else if options.ssl_redirect {
            return self.alias_redirect(location);
        } else {
            return None;
        };
        let mut target = self.request.target();
        if !options.preserve_trailing_slash && target.ends_with('/') {
            target.pop();
        }
        let host = match forwarded("X-Forwarded-Host") {
            Some(hosts) => hosts.split([',', ':']).next().unwrap_or_default(),
            None => &self.request.host_as_sent,
        };
        let port = if options.port_in_redirects { format!(":{}", global.https_port) } else { String::new() };
        let url = format!("https://{host}{port}{target}");
        Some(self.redirect(global.http_redirect_code, url, Some(location), key))
    }

    /// An alias has a certificate entry if the certificate names it; certificates are not read.
    fn alias_redirect(&self, location: &Location) -> Option<Decision> {
        let Tls::Entry { namespace, secrets } = &self.site.tls else { return None };
        let secret = secrets
            .iter()
            .map(|secret| Name::new(namespace, secret))
            .find(|secret| self.table.secrets.as_ref().is_none_or(|names| names.contains(secret)))?;
        let mut decision = self.with_winner(Outcome::Undefined, None, location);
        decision.one_of.extend(decision.winner.as_ref().and_then(|winner| winner.backend.clone()));
        decision.notes.push(Note::SecretUnseen(secret));
        Some(decision)
    }

    /// Why all requests to a location get 503: the annotation, and the Secret it hangs on.
    pub(super) fn denied(&self, location: &Location) -> Option<(&'static str, Option<Name>)> {
        let options = self.table.options(location);
        if let Some(key) = options.denied {
            return Some((key, None));
        }
        let secret = options.auth_secret.as_ref()?;
        let names = self.table.secrets.as_ref()?;
        (!names.contains(secret)).then_some(("auth-secret", None))
    }

    /// Hands the request to the location's upstream.
    fn proxy(&self, location: &Location, upstream_path: String) -> Decision {
        if location.upstream == DEFAULT_UPSTREAM {
            return self.error(Some(location), self.default_backend(upstream_path));
        }
        let upstream = self.table.upstreams.get(location.upstream);
        if !upstream.answers() {
            let mut decision = self.with_winner(Outcome::Unavailable, Some(503), location);
            decision.notes.extend(upstream.note());
            return self.error(Some(location), decision);
        }
        if let Some(decision) = self.unauthorised(location) {
            return self.error(Some(location), decision);
        }
        if upstream.is_silent() && self.table.upstreams.alternative(location.upstream).is_none() {
            let mut decision = self.with_winner(Outcome::Unavailable, None, location);
            decision.notes.extend(upstream.note());
            return decision;
        }
        let mut decision = self.with_winner(Outcome::Routed, None, location);
        decision.notes.extend(upstream.note());
        decision.upstream_path = Some(upstream_path);
        self.split(location.upstream, &mut decision);
        decision.notes.extend(self.certificate_notes());
        let options = self.table.options(location);
        if let Some(name) = self.owner(location) {
            if let Some(key) = options.address_list {
                decision.notes.push(annotation(name, key));
            }
            if let Some(url) = &options.auth_url {
                decision.notes.push(Note::AuthSubrequest { ingress: name.clone(), url: url.clone() });
            }
        }
        for (list, key) in [
            (&self.table.global.allow_list, "whitelist-source-range"),
            (&self.table.global.deny_list, "denylist-source-range"),
        ] {
            if !list.is_empty() && options.address_list.is_none() {
                decision.notes.push(Note::Config { key: key.to_owned() });
            }
        }
        decision
    }

    /// Basic authentication without credentials.
    fn unauthorised(&self, location: &Location) -> Option<Decision> {
        let secret = self.table.options(location).auth_secret.as_ref()?;
        if self.request.header("Authorization").is_some() {
            return None;
        }
        let mut decision = self.with_winner(Outcome::Refused, Some(401), location);
        decision.notes.extend(self.owner(location).map(|name| annotation(name, "auth-type")));
        if self.table.secrets.is_none() {
            decision.notes.push(Note::SecretUnseen(secret.clone()));
        }
        Some(decision)
    }

    /// Lets a canary take the request, or have a chance at it.
    pub(super) fn split(&self, main: usize, decision: &mut Decision) {
        let Some(alternative) = self.table.upstreams.alternative(main) else { return };
        let main = self.table.upstreams.get(main);
        let Some((policy, canary)) = &alternative.canary else { return };
        match policy.choose(self.request) {
            Choice::Main => {}
            Choice::Alternative => {
                if let Some(winner) = &mut decision.winner {
                    winner.backend = Some(alternative.target.clone());
                }
                decision.notes.push(Note::Canary { ingress: canary.clone() });
            }
            Choice::Either => {
                let mut both: Vec<Target> = vec![main.target.clone(), alternative.target.clone()];
                both.sort();
                both.dedup();
                decision.outcome = Outcome::Undefined;
                decision.one_of = both;
                decision.notes.push(Note::Canary { ingress: canary.clone() });
            }
        }
    }

    fn undecided(&self, at: usize) -> Decision {
        let rest = self.site.locations.get(at..).unwrap_or_default();
        let mut decision = Decision::bare(Outcome::Undefined, None);
        let targets = rest
            .iter()
            .enumerate()
            .filter(|(after, _)| *after == 0 || self.site.takes(at + after, self.path))
            .filter(|(_, location)| location.upstream != DEFAULT_UPSTREAM)
            .map(|(_, location)| self.table.upstreams.get(location.upstream).target.clone());
        decision.one_of = targets.take(2).collect();
        decision.one_of.sort();
        decision.one_of.dedup();
        let pattern = rest.first().map(|location| self.site.rendered(location)).unwrap_or_default();
        decision.notes.push(Note::PatternUndecided { pattern });
        decision
    }

    fn redirect(&self, status: u16, to: String, location: Option<&Location>, key: &str) -> Decision {
        let mut decision = match location {
            Some(location) => self.with_winner(Outcome::Redirect, Some(status), location),
            None => Decision::bare(Outcome::Redirect, Some(status)),
        };
        decision.location = Some(to);
        decision.notes.extend(location.and_then(|l| self.owner(l)).map(|name| annotation(name, key)));
        decision
    }

    pub(super) fn owner(&self, location: &Location) -> Option<&Name> {
        let (ingress, _) = location.owner?;
        self.table.loaded.get(ingress).map(|ingress| &ingress.name)
    }

    fn with_winner(&self, outcome: Outcome, status: Option<u16>, location: &Location) -> Decision {
        let mut decision = Decision::bare(outcome, status);
        decision.winner = self.winner(location);
        decision
    }

    pub(super) fn winner(&self, location: &Location) -> Option<Winner> {
        let (number, place) = location.owner?;
        let ingress = self.table.loaded.get(number)?;
        let (host, path, path_type) = match place {
            Place::Path(rule, path) => {
                let rule = ingress.rules.get(rule)?;
                let path = rule.paths().get(path)?;
                (rule.host(), path_of(path), Some(path.path_type))
            }
            Place::Rule(rule) => (ingress.rules.get(rule)?.host(), "", None),
            Place::DefaultBackend if self.site.host == CATCH_ALL => ("", "", None),
            Place::DefaultBackend => (self.site.host.as_str(), "", None),
            Place::Match(..) => return None,
        };
        let backend = (location.upstream != DEFAULT_UPSTREAM)
            .then(|| self.table.upstreams.get(location.upstream).target.clone());
        Some(Winner {
            ingress: ingress.name.clone(),
            place,
            host: host.to_owned(),
            path: path.to_owned(),
            path_type,
            backend,
            rendered: self.site.rendered(location),
        })
    }
}

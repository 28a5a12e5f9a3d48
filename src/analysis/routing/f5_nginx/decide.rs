//! What happens to one request, in the order of nginx' phases.
//!
//! Malformed requests → the server of host and port → TLS handshake → https redirects, server snippet,
//! `app-root` → location, missing slash → rewrite, location snippet → authentication → the upstream, or
//! 502. A server without a location for the path has nginx' own files to serve, of which there are
//! none: 404, or 405 for methods that files do not know.
//! Sources: nginx/kubernetes-ingress `internal/configs/version1/{nginx,nginx.ingress}.tmpl`, 5.5; nginx
//! 1.27 `src/http/modules/{ngx_http_static_module,ngx_http_proxy_module}.c`.

use crate::analysis::routing::nginx::normalise::{escape, normalise};
use crate::analysis::routing::nginx::rewrite::{Rewritten, filled};
use crate::analysis::routing::nginx::snippet;
use crate::analysis::routing::{Decision, Note, Outcome, Winner};
use crate::model::ingress::Place;
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::listeners::Taker;
use super::options::{Setting, Told};
use super::servers::Location;
use super::site::{Found, Site, rendered};
use super::{Loaded, Table, path_of};

pub(super) fn decide(table: &Table, request: &Request) -> Decision {
    let mut decision = act(table, request);
    if table.global.unseen {
        decision.notes.push(Note::SettingsUnseen);
    }
    if let Some(key) = table.global.template {
        decision.notes.push(Note::Config { key: key.to_owned() });
    }
    if table.failure.is_some() {
        decision.outcome = Outcome::Refused;
        decision.status = None;
        decision.location = None;
        decision.upstream_path = None;
        decision.one_of.clear();
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
    let Some(path) = path(request) else { return Decision::bare(Outcome::Refused, Some(400)) };
    if matches!(request.method.as_str(), "TRACE" | "CONNECT") {
        return Decision::bare(Outcome::Refused, Some(405));
    }
    let site = match table.listeners.find(request) {
        Taker::Site(number) => table.sites.get(number),
        Taker::Default => None,
    };
    let Some(site) = site else { return default_server(table, request, &path) };
    let mut decision = Visit { table, request, site, path: &path }.run();
    let name = if site.is_hostless() { "_" } else { &site.host };
    let mut notes = vec![Note::Server { name: name.to_owned() }];
    if path != request.path.as_str().as_bytes() {
        notes.push(Note::Normalised { to: String::from_utf8_lossy(&path).into_owned() });
    }
    notes.append(&mut decision.notes);
    decision.notes = notes;
    decision
}

/// The server for hosts that nobody has.
fn default_server(table: &Table, request: &Request, path: &[u8]) -> Decision {
    let global = &table.global;
    let mut decision = if request.scheme == Scheme::Https && !global.default_certificate {
        let mut decision = Decision::bare(Outcome::Refused, None);
        decision.notes.push(Note::HandshakeRejected);
        decision
    } else if global.health_path.as_ref().is_some_and(|health| path.starts_with(health.as_bytes())) {
        Decision::bare(Outcome::NoRoute, Some(200))
    } else {
        default_return(table, request, path)
    };
    decision.notes.insert(0, Note::Server { name: "_".to_owned() });
    decision
}

/// What the ConfigMap says that nobody's requests get, by default 404.
fn default_return(table: &Table, request: &Request, path: &[u8]) -> Decision {
    let text = format!("return {};", table.global.default_server_return);
    let mut decision =
        returned(&text, path, request).unwrap_or_else(|| Decision::bare(Outcome::NoRoute, Some(404)));
    decision.default_backend = true;
    decision
}

/// What a snippet that begins with `return` answers.
fn returned(text: &str, path: &[u8], request: &Request) -> Option<Decision> {
    let (status, text) = snippet::leading_return(text)?;
    let outcome = match status {
        300..=399 => Outcome::Redirect,
        404 | 200..=299 => Outcome::NoRoute,
        500.. => Outcome::Unavailable,
        _ => Outcome::Refused,
    };
    let mut decision = Decision::bare(outcome, Some(status));
    if outcome == Outcome::Redirect {
        decision.location = text.and_then(|text| filled(text, path, request));
    }
    Some(decision)
}

fn annotation(ingress: &Name, key: &str) -> Note {
    Note::Annotation { ingress: ingress.clone(), key: key.to_owned() }
}

/// One request at one server.
struct Visit<'a> {
    table: &'a Table,
    request: &'a Request,
    site: &'a Site,
    path: &'a [u8],
}

impl Visit<'_> {
    fn run(&self) -> Decision {
        let Some(maker) = self.table.loaded.get(self.site.maker.0) else {
            return Decision::bare(Outcome::NoRoute, Some(404));
        };
        if let Some(decision) = self.handshake(maker).or_else(|| self.server_rewrites(maker)) {
            return decision;
        }
        let at = |at: usize| self.site.locations.get(at);
        let found = match self.site.find(self.path) {
            Found::Location(number) => at(number).map(|location| self.at(number, location, maker)),
            Found::Slash(number) => at(number).map(|location| self.missing_slash(location)),
            Found::Undecided(number) => Some(self.undecided(number)),
            Found::Nothing => None,
        };
        found.unwrap_or_else(|| self.unmatched(maker))
    }

    /// TLS without a certificate is rejected before anything is said.
    fn handshake(&self, maker: &Loaded) -> Option<Decision> {
        if self.request.scheme == Scheme::Http {
            return None;
        }
        let has_certificate = match (&self.site.tls, &self.table.secrets) {
            _ if self.site.is_hostless() => self.table.global.default_certificate,
            (Some(Some(secret)), Some(names)) => names.contains(&Name::new(&maker.name.namespace, secret)),
            (Some(Some(_)), None) => true,
            (Some(None), _) => self.table.global.wildcard_certificate,
            (None, _) => self.table.global.default_certificate,
        };
        if has_certificate {
            return None;
        }
        let mut decision = self.by_host(Outcome::Refused, None, "ssl_reject_handshake on");
        decision.notes.push(Note::HandshakeRejected);
        Some(decision)
    }

    fn server_rewrites(&self, maker: &Loaded) -> Option<Decision> {
        let options = &maker.options;
        let (request, site) = (self.request, self.site);
        let has_tls = (site.tls.is_some() || site.is_hostless()) && !site.grpc_only;
        if has_tls && options.ssl_redirect.value && request.scheme == Scheme::Http {
            let port = site.ssl_ports.first().copied().unwrap_or(443);
            let to = format!("https://{}:{port}{}", request.host, request.target());
            let rule = "if ($scheme = http)";
            return Some(self.to_https(options.http_redirect_code, to, options.ssl_redirect, rule, maker));
        }
        if options.redirect_to_https.value && request.header("X-Forwarded-Proto") == Some("http") {
            let to = format!("https://{}{}", request.host, request.target());
            let rule = "if ($http_x_forwarded_proto = 'http')";
            return Some(self.to_https(
                options.http_redirect_code,
                to,
                options.redirect_to_https,
                rule,
                maker,
            ));
        }
        if let Some(snippet) = &options.server_snippets
            && let Some(mut decision) = returned(&snippet.value, self.path, request)
        {
            decision.notes.extend(told(&maker.name, snippet.told));
            return Some(decision);
        }
        let root = options.app_root.as_ref().filter(|_| self.path == b"/")?;
        let mut decision = self.by_host(Outcome::Redirect, Some(302), "if ($uri = /)");
        decision.location = Some(format!("{}://{}{root}", request.scheme.as_str(), request.authority()));
        decision.notes.push(annotation(&maker.name, "nginx.org/app-root"));
        Some(decision)
    }

    fn to_https(
        &self,
        code: u16,
        to: String,
        setting: Setting<bool>,
        rule: &str,
        maker: &Loaded,
    ) -> Decision {
        let mut decision = self.by_host(Outcome::Redirect, Some(code), rule);
        decision.location = Some(to);
        decision.notes.extend(told(&maker.name, setting.told));
        decision
    }

    fn missing_slash(&self, location: &Location) -> Decision {
        let scheme = self.request.scheme;
        let port = self.table.listeners.port(self.request);
        let shown = port != u32::from(scheme.default_port());
        let port = if shown { format!(":{port}") } else { String::new() };
        let query = self.request.query.as_deref().filter(|query| !query.is_empty());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let path = escape(&[self.path, b"/"].concat());
        let mut decision = self.with_winner(Outcome::Redirect, Some(301), location);
        decision.location = Some(format!("{}://{}{port}{path}{query}", scheme.as_str(), self.request.host));
        decision
    }

    fn at(&self, number: usize, location: &Location, maker: &Loaded) -> Decision {
        let Some(owner) = self.table.loaded.get(location.owner.0) else {
            return Decision::bare(Outcome::NoRoute, Some(404));
        };
        let rewritten = match self.site.rewrite_of(number).map(|rule| rule.apply(self.path, self.request)) {
            None | Some(Rewritten::Not) => None,
            Some(Rewritten::Path(path)) => Some(path),
            Some(Rewritten::Redirect(to)) => {
                let mut decision = self.with_winner(Outcome::Redirect, Some(302), location);
                decision.location = Some(to);
                return decision;
            }
            Some(Rewritten::Empty) => return self.with_winner(Outcome::Unavailable, Some(500), location),
            Some(Rewritten::Undecided) => return self.undecided(number),
        };
        if let (None, Some(snippet)) = (&rewritten, &owner.options.location_snippets)
            && let Some(mut decision) = returned(&snippet.value, self.path, self.request)
        {
            decision.notes.extend(told(&owner.name, snippet.told));
            return decision;
        }
        let secret = maker.options.auth_secret.as_ref().map(|secret| (&maker.name, secret));
        let own = owner.options.auth_secret.as_ref().map(|secret| (&owner.name, secret));
        if let Some(decision) = own.or(secret).and_then(|(name, secret)| self.unauthorised(name, secret)) {
            return Decision { winner: self.winner(location), ..decision };
        }
        let mut decision = if location.health.answers() {
            let mut decision = self.with_winner(Outcome::Routed, None, location);
            decision.upstream_path = Some(self.upstream_path(location, owner, rewritten));
            decision
        } else {
            self.with_winner(Outcome::Unavailable, Some(502), location)
        };
        decision.notes.extend(location.health.note(&location.target));
        for ingress in [maker, owner] {
            if ingress.options.policies {
                decision.notes.push(annotation(&ingress.name, "nginx.org/policies"));
            }
        }
        decision.notes.dedup();
        decision
    }

    /// `proxy_pass` with a path replaces the location's own; without, the request's goes on as it came,
    /// unless a rewrite made another.
    fn upstream_path(&self, location: &Location, owner: &Loaded, rewritten: Option<Vec<u8>>) -> String {
        let raw = self.request.path.as_str();
        if let Some(path) = rewritten {
            return escape(&path);
        }
        let Some(base) = owner.options.rewrites.get(&location.target.service.name) else {
            return raw.to_owned();
        };
        if let Some((base, _)) = base.split_once('?') {
            return base.to_owned();
        }
        let tail = self.path.get(location.path.len()..).unwrap_or_default();
        let tail = if raw.contains('%') { escape(tail) } else { String::from_utf8_lossy(tail).into_owned() };
        format!("{base}{tail}")
    }

    /// Basic authentication without credentials.
    fn unauthorised(&self, ingress: &Name, secret: &Name) -> Option<Decision> {
        let note = annotation(ingress, "nginx.org/basic-auth-secret");
        let known = self.table.secrets.as_ref().map(|names| names.contains(secret));
        let status = match known {
            Some(false) => None,
            Some(true) | None if self.request.header("Authorization").is_some() => return None,
            Some(true) | None => Some(401),
        };
        let mut decision = Decision::bare(Outcome::Refused, status);
        decision.notes.push(note);
        if known.is_none() {
            decision.notes.push(Note::SecretUnseen(secret.clone()));
        }
        Some(decision)
    }

    /// No location takes the path.
    fn unmatched(&self, maker: &Loaded) -> Decision {
        if self.site.is_hostless() {
            return default_return(self.table, self.request, self.path);
        }
        if let Some(secret) = &maker.options.auth_secret
            && let Some(decision) = self.unauthorised(&maker.name, secret)
        {
            return decision;
        }
        let served = matches!(self.request.method.as_str(), "GET" | "HEAD" | "POST");
        Decision::bare(Outcome::NoRoute, Some(if served { 404 } else { 405 }))
    }

    fn undecided(&self, at: usize) -> Decision {
        let rest = self.site.locations.get(at..).unwrap_or_default();
        let mut decision = Decision::bare(Outcome::Undefined, None);
        let takes = |after: usize| after == 0 || self.site.takes(at + after, self.path);
        let targets = rest.iter().enumerate().filter(|(after, _)| takes(*after));
        decision.one_of = targets.map(|(_, location)| location.target.clone()).take(2).collect();
        decision.one_of.sort();
        decision.one_of.dedup();
        let pattern = rest.first().map(rendered).unwrap_or_default();
        decision.notes.push(Note::PatternUndecided { pattern });
        decision
    }

    /// A decision of the server, before any location.
    fn by_host(&self, outcome: Outcome, status: Option<u16>, rule: &str) -> Decision {
        let mut decision = Decision::bare(outcome, status);
        let (ingress, at) = self.site.maker;
        decision.winner = self.table.loaded.get(ingress).map(|maker| Winner {
            ingress: maker.name.clone(),
            place: Place::Rule(at),
            host: self.site.host.clone(),
            path: String::new(),
            path_type: None,
            backend: None,
            rendered: rule.to_owned(),
        });
        decision
    }

    fn with_winner(&self, outcome: Outcome, status: Option<u16>, location: &Location) -> Decision {
        let mut decision = Decision::bare(outcome, status);
        decision.winner = self.winner(location);
        decision
    }

    fn winner(&self, location: &Location) -> Option<Winner> {
        let (number, place) = location.owner;
        let ingress = self.table.loaded.get(number)?;
        let path = ingress.path_at(place);
        Some(Winner {
            ingress: ingress.name.clone(),
            place,
            host: self.site.host.clone(),
            path: path.map(|path| path_of(path).to_owned()).unwrap_or_default(),
            path_type: path.map(|path| path.path_type),
            backend: Some(location.target.clone()),
            rendered: rendered(location),
        })
    }
}

/// Who said so, unless nobody did.
fn told(ingress: &Name, told: Told) -> Option<Note> {
    match told {
        Told::Default => None,
        Told::Annotation(key) => Some(annotation(ingress, key)),
        Told::Config(key) => Some(Note::Config { key: key.to_owned() }),
    }
}

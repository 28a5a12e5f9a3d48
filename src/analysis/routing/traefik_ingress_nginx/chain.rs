//! What happens to a request once a router has it, in the order of its middlewares.
//!
//! https redirect → error pages around the rest → `app-root` → redirects → authentication → address
//! list → rewrite → snippets → the upstream, or its canary.
//! Assumption: the client's address is not known; it is taken to be on an address list.
//! Sources: traefik/traefik `pkg/provider/kubernetes/ingress-nginx/{translator,middleware}.go`,
//! `pkg/middlewares/ingressnginx`, `pkg/middlewares/{redirect,customerrors}`, v3.7.13.

use super::backends::Resolved;
use super::location::Location;
use super::options::key;
use super::rewrite::Rewritten;
use super::snippet::Effect;
use super::variables::{filled, url};
use super::{Passthrough, Table};
use crate::analysis::routing::settle::settle;
use crate::analysis::routing::traefik::entry_points::EntryPoint;
use crate::analysis::routing::traefik::redirect;
use crate::analysis::routing::traefik::seen::Seen;
use crate::analysis::routing::traefik::uri::Malformed;
use crate::analysis::routing::traefik::url::Url;
use crate::analysis::routing::{Decision, Note, Outcome, Target};

/// Which of the backends a router is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// By weight.
    Either,
    Main,
    Canary,
}

/// One request at one location.
pub(super) struct Visit<'a> {
    pub(super) table: &'a Table,
    pub(super) seen: &'a Seen<'a>,
    pub(super) entry_point: &'a EntryPoint,
    pub(super) location: &'a Location,
    /// The rule as written.
    pub(super) rendered: &'a str,
}

impl Visit<'_> {
    pub(super) fn run(&self, share: Share) -> Decision {
        // Only the usual router is for the Service that is never there.
        if self.location.broken && share == Share::Either {
            return self.answer(503, None, "custom-headers");
        }
        if let Some(decision) = self.to_https() {
            return decision;
        }
        let decision = self.inner(share);
        self.with_error_page(decision)
    }

    fn to_https(&self) -> Option<Decision> {
        if !self.location.https || self.seen.listener.tls {
            return None;
        }
        let location = redirect::to_scheme(self.seen, self.entry_point, "https", None)?;
        Some(self.answer(308, Some(location), self.location.https_key))
    }

    /// The error backend answers in the place of what has one of its statuses.
    fn with_error_page(&self, decision: Decision) -> Decision {
        let Some(page) = &self.location.error_page else { return decision };
        let caught = decision
            .status
            .is_some_and(|status| page.codes.iter().any(|(from, to)| (*from..=*to).contains(&status)));
        if !caught {
            return decision;
        }
        let mut decision = self.proxied(&page.backend, "/".to_owned());
        decision.notes.extend(self.note("custom-http-errors"));
        decision
    }

    fn inner(&self, share: Share) -> Decision {
        self.app_root()
            .or_else(|| self.moved())
            .or_else(|| self.unauthorised())
            .unwrap_or_else(|| self.upstream(share))
    }

    pub(super) fn app_root(&self) -> Option<Decision> {
        let root = self.location.app_root.as_deref()?;
        if self.seen.uri.path != b"/" {
            return None;
        }
        let location = filled(&format!("$scheme://$best_http_host{root}"), self.seen);
        Some(self.answer(302, Some(location), "app-root"))
    }

    fn moved(&self) -> Option<Decision> {
        let moved = self.location.moved.as_ref()?;
        let old = url(self.seen);
        let new = moved.pattern.replace_all(old.as_bytes(), &moved.redirect.url);
        if new == old.as_bytes() {
            return None;
        }
        let annotation = moved.redirect.annotation;
        Some(match Url::parse(&String::from_utf8_lossy(&new)) {
            Ok(location) => self.answer(moved.redirect.code, Some(location.write()), annotation),
            // To Traefik an error of Go's URLs is one of the network.
            Err(Malformed) => self.answer(502, None, annotation),
        })
    }

    /// Authentication without credentials.
    fn unauthorised(&self) -> Option<Decision> {
        let (secret, unseen) = self.location.auth.as_ref()?;
        if self.seen.header("Authorization").next().is_some() {
            return None;
        }
        let mut decision = self.answer(401, None, "auth-type");
        if *unseen {
            decision.notes.push(Note::SecretUnseen(secret.clone()));
        }
        Some(decision)
    }

    fn upstream(&self, share: Share) -> Decision {
        let mut seen = self.seen.clone();
        match self.location.rewrite.as_ref().map(|rewrite| rewrite.apply(self.seen)) {
            None | Some(Rewritten::Untouched) => {}
            Some(Rewritten::Path(rewritten)) => seen.uri = rewritten,
            Some(Rewritten::Redirect(location)) => {
                return self.answer(302, Some(location), "rewrite-target");
            }
            Some(Rewritten::Status(status)) => return self.answer(status, None, "rewrite-target"),
        }
        let mut notes = Vec::new();
        let snippets = [
            (&self.location.server_snippet, "server-snippet"),
            (&self.location.configuration_snippet, "configuration-snippet"),
        ];
        for (snippet, annotation) in snippets {
            match snippet.as_ref().map(|snippet| snippet.effect(&seen.uri.path)) {
                None | Some(Effect::Nothing) => {}
                Some(Effect::Unknown) => notes.extend(self.note(annotation)),
                Some(Effect::Returns(status, text)) => {
                    let location = text.filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308));
                    return self.answer(status, location.map(|text| filled(&text, &seen)), annotation);
                }
            }
        }
        if let Some((_, annotation)) = &self.location.allowed {
            notes.extend(self.note(annotation));
        }
        if self.location.client_certificate && self.seen.listener.tls {
            notes.extend(self.note("auth-tls-secret"));
        }
        if !self.location.auth_url.is_empty()
            && let Some(ingress) = self.table.owners.get(self.location.owner)
        {
            let url = self.location.auth_url.clone();
            notes.push(Note::AuthSubrequest { ingress: ingress.name.clone(), url });
        }
        let mut decision = self.split(share, &seen.escaped());
        decision.notes.extend(notes);
        decision
    }

    fn split(&self, share: Share, path: &str) -> Decision {
        let main = || self.proxied(&self.location.backend, path.to_owned());
        let Some(canary) = &self.location.canary else { return main() };
        let other = || {
            let mut decision = self.proxied(&canary.backend, path.to_owned());
            decision.notes.push(Note::Canary { ingress: canary.ingress.clone() });
            decision
        };
        match share {
            Share::Main => main(),
            Share::Canary => other(),
            Share::Either if canary.weight <= 0 => main(),
            Share::Either if canary.weight >= canary.total => other(),
            Share::Either => settle(vec![main(), other()]),
        }
    }

    /// Hands the request to a backend.
    fn proxied(&self, backend: &Resolved, path: String) -> Decision {
        let status = backend.servers.status();
        let outcome = if status.is_some() { Outcome::Unavailable } else { Outcome::Routed };
        let mut decision = self.with_winner(outcome, status, backend.target.clone());
        decision.notes.extend(backend.note.clone());
        if outcome == Outcome::Routed {
            decision.upstream_path = Some(path);
        }
        decision
    }

    fn note(&self, annotation: &str) -> Option<Note> {
        let owner = self.table.owners.get(self.location.owner)?;
        Some(Note::Annotation { ingress: owner.name.clone(), key: key(annotation) })
    }

    /// What the proxy itself answers because of an annotation.
    fn answer(&self, status: u16, location: Option<String>, annotation: &str) -> Decision {
        let outcome = match status {
            300..=399 => Outcome::Redirect,
            404 | 200..=299 => Outcome::NoRoute,
            500.. => Outcome::Unavailable,
            _ => Outcome::Refused,
        };
        let mut decision = self.with_winner(outcome, Some(status), self.location.target().clone());
        if let (Outcome::Refused, Some(winner)) = (outcome, &mut decision.winner) {
            winner.backend = None;
        }
        decision.location = location;
        decision.notes.extend(self.note(annotation));
        decision
    }

    fn with_winner(&self, outcome: Outcome, status: Option<u16>, target: Target) -> Decision {
        let mut decision = Decision::bare(outcome, status);
        let owner = self.table.owners.get(self.location.owner);
        decision.winner =
            owner.map(|owner| owner.winner(self.location.place, Some(target), self.rendered.to_owned()));
        decision
    }
}

/// Sends `www.` to what is without it, or the other way round.
pub(super) fn www(table: &Table, location: &Location, seen: &Seen<'_>, to: &str) -> Decision {
    let request = seen.request;
    let port = request.port.map(|port| format!(":{port}")).unwrap_or_default();
    let uri = seen.request_uri();
    let rest = uri.strip_prefix('/').unwrap_or(&uri);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let url = format!("{}://{to}{port}/{rest}", request.scheme.as_str());
    let mut decision = Decision::bare(Outcome::Redirect, Some(308));
    decision.location = Some(Url::parse(&url).map_or(url, |url| url.write()));
    if let Some(owner) = table.owners.get(location.owner) {
        let key = key("from-to-www-redirect");
        decision.notes.push(Note::Annotation { ingress: owner.name.clone(), key });
    }
    decision
}

/// A host whose TLS is not ended here: by plain HTTP, or by TLS.
pub(super) fn passed(
    table: &Table,
    passthrough: &Passthrough,
    seen: &Seen<'_>,
    entry_point: &EntryPoint,
    rendered: String,
) -> Decision {
    let owner = table.owners.get(passthrough.owner);
    let note =
        owner.map(|owner| Note::Annotation { ingress: owner.name.clone(), key: key("ssl-passthrough") });
    let plain = !seen.listener.tls;
    let location =
        (plain && passthrough.https).then(|| redirect::to_scheme(seen, entry_point, "https", None)).flatten();
    let backend = &passthrough.backend;
    let status = if plain { backend.servers.status() } else { None };
    let (outcome, status) = match (&location, backend.servers.status()) {
        (Some(_), _) => (Outcome::Redirect, Some(308)),
        (None, Some(_)) => (Outcome::Unavailable, status),
        (None, None) => (Outcome::Routed, None),
    };
    let mut decision = Decision::bare(outcome, status);
    decision.winner =
        owner.map(|owner| owner.winner(passthrough.place, Some(backend.target.clone()), rendered));
    decision.location = location;
    if outcome == Outcome::Routed {
        let path = if plain { seen.escaped() } else { seen.request.path.as_str().to_owned() };
        decision.upstream_path = Some(path);
    }
    decision.notes.extend(note);
    decision.notes.extend(backend.note.clone());
    decision
}

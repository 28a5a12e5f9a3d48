//! What happens to one request.
//!
//! Sources: jcmoraisjr/haproxy-ingress `rootfs/etc/templates/haproxy/haproxy.tmpl`, v0.17.

use crate::analysis::routing::nginx::pattern::{Match, Pattern};
use crate::analysis::routing::serving::Health;
use crate::analysis::routing::settle::settle;
use crate::analysis::routing::{Decision, Note, Outcome, Target, Winner};
use crate::model::ingress::Place;
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::Table;
use super::hosts::{Entry, Header, Reading};

pub(super) fn decide(table: &Table, request: &Request) -> Decision {
    let mut decision = match (find(table, request), root(table, request)) {
        (Some((host, entry)), None) => match table.hosts.rival(host, entry, request.path.as_str()) {
            Some(rival) => settle(vec![at(table, request, entry), at(table, request, rival)]),
            None => at(table, request, entry),
        },
        (Some((_, entry)), Some(_)) if table.options_of(entry).is_some_and(|own| own.redirect.is_some()) => {
            at(table, request, entry)
        }
        (found, Some(root)) => at_root(table, root, found.map(|(_, entry)| entry)),
        (None, None) => default_backend(table, request),
    };
    decision.notes.extend(table.notes());
    decision
}

/// The host as HAProxy compares it: lower case, without port, a dot at the end kept.
pub(super) fn host(request: &Request) -> String {
    request.host_as_sent.to_ascii_lowercase()
}

/// The hosts that are asked, in order.
pub(super) fn takers<'t>(table: &'t Table, request: &Request) -> Vec<&'t str> {
    let mut takers = table.hosts.takers(&host(request));
    if table.strict_host {
        takers.truncate(1);
    }
    takers.retain(|host| table.is_served(host, request.scheme));
    takers
}

/// The entry that takes a request, and its host.
pub(super) fn find<'t>(table: &'t Table, request: &Request) -> Option<(&'t str, &'t Entry)> {
    let asked = host(request);
    let found = table.hosts.find(&asked, request.path.as_str());
    let only = table.hosts.takers(&asked).first().copied().filter(|_| table.strict_host);
    found.into_iter().find(|(host, entry)| {
        only.is_none_or(|only| only == *host)
            && table.is_served(host, request.scheme)
            && carries(request, entry)
    })
}

/// The Ingress and rule whose `app-root` takes a request, by its host alone.
fn root(table: &Table, request: &Request) -> Option<(usize, Place)> {
    let host = host(request);
    let star = host.split_once('.').map(|(_, rest)| format!("*.{rest}"));
    let mut names = [Some(host), star].into_iter().flatten().filter(|host| !host.is_empty());
    let is_served = |name: &String| table.is_served(name, request.scheme);
    let is_root = request.path.as_str() == "/";
    is_root.then(|| names.find_map(|name| table.roots.get(&name).filter(|_| is_served(&name)).copied()))?
}

fn at_root(table: &Table, (ingress, place): (usize, Place), found: Option<&Entry>) -> Decision {
    let mut decision = Decision::bare(Outcome::Redirect, Some(302));
    if let Some((root, note)) = table.options.get(ingress).and_then(|options| options.app_root.as_ref()) {
        decision.location = Some(root.clone());
        decision.notes.push(note.clone());
    }
    let of_rule = || {
        let (name, rules) = table.ingresses.get(ingress)?;
        let Place::Rule(rule) = place else { return None };
        Some(Winner {
            ingress: name.clone(),
            place,
            host: rules.get(rule)?.host().to_owned(),
            path: String::new(),
            path_type: None,
            backend: None,
            rendered: "app-root".to_owned(),
        })
    };
    let own = found.filter(|entry| entry.ingress == ingress);
    decision.winner = own.and_then(|entry| winner(table, entry)).or_else(of_rule);
    decision
}

/// Whether a request has the headers that an entry demands.
fn carries(request: &Request, entry: &Entry) -> bool {
    entry.headers.iter().all(|Header { name, value: wanted, is_pattern }| match request.header(name) {
        Some(value) if *is_pattern => {
            Pattern::new(wanted.as_str(), false).is_match(value.as_bytes()) == Match::Yes
        }
        Some(value) => value == wanted,
        None => false,
    })
}

fn at(table: &Table, request: &Request, entry: &Entry) -> Decision {
    let winner = winner(table, entry);
    let Some(options) = table.options_of(entry) else {
        return Decision::bare(Outcome::NoRoute, Some(404));
    };
    let path = request.path.as_str();
    let host = winner.as_ref().map(|winner| winner.host.clone()).unwrap_or_default();
    let answered = |outcome: Outcome, status: u16, note: &Note| {
        let mut decision = Decision::bare(outcome, Some(status));
        decision.winner.clone_from(&winner);
        decision.notes.push(note.clone());
        decision
    };
    if let Some(redirect) = &options.redirect {
        let mut decision = answered(Outcome::Redirect, redirect.code, &redirect.said_by);
        decision.location = Some(redirect.to.clone());
        return decision;
    }
    if let Some((code, note)) = &options.https
        && request.scheme == Scheme::Http
        && options.tls_hosts.contains(&host)
        && !options.plain_paths.iter().any(|plain| path.starts_with(plain.as_str()))
    {
        let mut decision = answered(Outcome::Redirect, *code, note);
        decision.location = Some(format!("https://{}{}", request.authority(), request.target()));
        return decision;
    }
    if let Some(note) = options.auth.as_ref().filter(|_| request.header("Authorization").is_none()) {
        return answered(Outcome::Refused, 401, note);
    }
    let rule = winner.as_ref().map(|winner| winner.path.clone()).unwrap_or_default();
    let sent = options.rewritten(&rule, path);
    let Some((target, health)) = table.targets.get(&(entry.ingress, entry.place)) else {
        return Decision::bare(Outcome::NoRoute, Some(404));
    };
    let mut decision = to_target(target, *health, sent);
    if decision.upstream_path.as_deref() != Some(path) {
        decision.notes.extend(options.rewrite.as_ref().map(|(_, note)| note.clone()));
    }
    decision.notes.extend(options.lists.iter().cloned());
    decision.winner = winner;
    decision
}

fn to_target(target: &Target, health: Health, path: String) -> Decision {
    let mut decision = match health {
        Health::Ready | Health::Unseen => {
            let mut decision = Decision::bare(Outcome::Routed, None);
            decision.upstream_path = Some(path);
            decision
        }
        Health::NobodyReady | Health::ServiceMissing | Health::PortMissing | Health::ExternalBarred => {
            Decision::bare(Outcome::Unavailable, Some(503))
        }
    };
    decision.notes.extend(health.note(target));
    decision
}

fn winner(table: &Table, entry: &Entry) -> Option<Winner> {
    let (name, rules) = table.ingresses.get(entry.ingress)?;
    let rule = match entry.place {
        Place::Path(r, p) => rules.get(r).and_then(|rule| Some((rule.host(), rule.paths().get(p)?))),
        Place::DefaultBackend | Place::Rule(_) | Place::Match(..) => None,
    };
    let (backend, _) = table.targets.get(&(entry.ingress, entry.place))?;
    let (word, text) = match &entry.reading {
        Reading::Exact(text) => ("exact", text),
        Reading::Prefix(text) => ("prefix", text),
        Reading::Begin(text) => ("begin", text),
        Reading::Regex(text) => ("regex", text),
    };
    Some(Winner {
        ingress: name.clone(),
        place: entry.place,
        host: rule.map(|(host, _)| host.to_owned()).unwrap_or_default(),
        path: rule.map(|(_, path)| path.path.clone()).unwrap_or_default(),
        path_type: rule.map(|(_, path)| path.path_type),
        backend: Some(backend.clone()),
        rendered: format!("{word} {text}"),
    })
}

/// The Service that the arguments name, else the controller's own 404.
fn default_backend(table: &Table, request: &Request) -> Decision {
    let mut decision = match &table.default_service {
        Some((target, health)) => {
            let mut decision = to_target(target, *health, request.path.as_str().to_owned());
            decision.winner = Some(Winner {
                ingress: Name::default(),
                place: Place::DefaultBackend,
                host: String::new(),
                path: String::new(),
                path_type: None,
                backend: Some(target.clone()),
                rendered: "_default_backend".to_owned(),
            });
            decision
        }
        None => Decision::bare(Outcome::NoRoute, Some(404)),
    };
    decision.default_backend = true;
    decision
}

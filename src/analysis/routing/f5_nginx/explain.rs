//! Why every other candidate lost, and the smallest edits that would have made one win.

use std::collections::HashMap;

use crate::analysis::routing::candidates::{Candidate, Losers, host_distance, of_rules, path_distance};
use crate::analysis::routing::nearest::{host_edit, load_edit, path_edit};
use crate::analysis::routing::nginx::conf::bare;
use crate::analysis::routing::nginx::pattern::is_literal;
use crate::analysis::routing::{Edit, Explanation, Outcome, Reason};
use crate::model::host::HostName;
use crate::model::ingress::{PathRule, PathType, Place};
use crate::model::request::{Request, Scheme};

use super::decide::{act, path as normalised};
use super::listeners::Taker;
use super::options::{Mode, Options, Role};
use super::servers::Location;
use super::site::{Site, takes};
use super::validation::path_fault;
use super::{Loaded, Rejected, Table, path_of, validation};

const PATH_REGEX: &str = "nginx.org/path-regex";

/// Why a candidate lost; the facts are filled in for those that are shown.
#[derive(Debug, Clone, Copy)]
enum Why {
    /// Number among the Ingresses that are rejected.
    Rejected(usize),
    /// A valid Ingress, by number, that serves nothing.
    Idle(usize),
    /// Another Ingress, by number, has the host.
    HostTaken(usize),
    /// Another minion, by number, has the path.
    PathTaken(usize),
    LessSpecific,
    Path,
    /// The Ingress, by number, whose way of writing paths makes it a pattern.
    Pattern(usize),
    OtherServer,
    Host,
}

pub(super) fn explain(table: &Table, request: &Request, limit: usize) -> Explanation {
    let mut losers = Losers::new();
    let path = normalised(request).and_then(|path| String::from_utf8(path).ok());
    let is_sound = path.is_some();
    let path = path.unwrap_or_else(|| request.path.as_str().to_owned());
    let decision = act(table, request);
    let winner = decision.winner.as_ref().filter(|winner| matches!(winner.place, Place::Path(..)));
    let site = match table.listeners.find(request) {
        Taker::Site(number) => table.sites.get(number),
        Taker::Default => None,
    };
    let view = View {
        table,
        request,
        path: &path,
        site,
        wants_edits: is_sound
            && winner.is_none()
            && matches!(decision.outcome, Outcome::NoRoute | Outcome::Routed),
    };
    let places = view.places();
    for (number, ingress) in table.loaded.iter().enumerate() {
        for candidate in of_rules(&ingress.name, &ingress.rules) {
            losers.count();
            let won = winner
                .is_some_and(|winner| winner.place == candidate.place && winner.ingress == ingress.name);
            if !won {
                view.judge(number, ingress, candidate, &places, &mut losers);
            }
        }
    }
    for (number, rejected) in table.unloaded.iter().enumerate() {
        view.judge_rejected(number, rejected, &mut losers);
    }
    view.suggest_path(&mut losers);
    let chosen = site.map(|site| site.host.clone()).filter(|host| !host.is_empty());
    let chosen = chosen.unwrap_or_else(|| "_".to_owned());
    let name =
        |number: usize| table.loaded.get(number).map(|ingress| ingress.name.clone()).unwrap_or_default();
    losers.explain(limit, |candidate, why| match why {
        Why::Rejected(number) => table
            .unloaded
            .get(number)
            .map_or(Reason::PathDiffers, |one| Reason::NotLoaded(one.refusal.clone())),
        Why::Idle(number) => table
            .loaded
            .get(number)
            .and_then(|ingress| table.hosts.idle(number, ingress, &table.loaded))
            .map_or(Reason::PathDiffers, Reason::NotLoaded),
        Why::HostTaken(number) => Reason::HostTaken { by: name(number) },
        Why::PathTaken(number) => Reason::OlderWins { older: name(number) },
        Why::LessSpecific => decision.winner.as_ref().map_or(Reason::PathDiffers, |winner| {
            Reason::LessSpecific { than: winner.ingress.clone(), than_path: winner.path.clone() }
        }),
        Why::Path => Reason::PathDiffers,
        Why::Pattern(number) => Reason::PatternDiffers { pattern: view.pattern(number, candidate.rule) },
        Why::OtherServer => Reason::OtherServer { chosen: chosen.clone() },
        Why::Host => Reason::HostDiffers,
    })
}

/// The locations of the chosen site, by Ingress and place.
type Places<'a> = HashMap<(usize, Place), (usize, &'a Location)>;

struct View<'a> {
    table: &'a Table,
    request: &'a Request,
    /// Normalised.
    path: &'a str,
    /// `None`: nobody has the host.
    site: Option<&'a Site>,
    /// Nothing took the request that was meant to.
    wants_edits: bool,
}

impl<'a> View<'a> {
    fn places(&self) -> Places<'a> {
        let locations = self.site.iter().flat_map(|site| site.locations.iter().enumerate());
        locations.map(|(at, location)| (location.owner, (at, location))).collect()
    }

    fn judge(
        &self,
        number: usize,
        ingress: &'a Loaded,
        candidate: Candidate<'a>,
        places: &Places<'a>,
        losers: &mut Losers<'a, Why>,
    ) {
        let Candidate { place, host, rule, .. } = candidate;
        let distance = path_distance(path_of(rule), self.path);
        if let (Some(site), Some((at, location))) = (self.site, places.get(&(number, place))) {
            if site.takes(*at, self.path.as_bytes()) {
                losers.lose((1, distance), candidate, Why::LessSpecific);
                return;
            }
            let why = if location.mode == Mode::Plain { Why::Path } else { Why::Pattern(number) };
            losers.lose((2, distance), candidate, why);
            if self.wants_edits && location.health.answers() {
                self.mend_path(ingress, candidate, location, losers);
            }
            return;
        }
        if !host_takes(host, self.request.host.as_str()) {
            losers.lose((4, host_distance(host, self.request.host.as_str())), candidate, Why::Host);
            self.mend_host(ingress, candidate, losers);
            return;
        }
        let owner = self.table.hosts.owner(host).map(|(owner, _)| owner);
        let (rank, why) = if self.table.hosts.idle(number, ingress, &self.table.loaded).is_some() {
            (0, Why::Idle(number))
        } else if ingress.role == Role::Minion {
            match self.table.hosts.path_goes_to(number, &rule.path) {
                Some(other) => (2, Why::PathTaken(other)),
                None => (3, Why::OtherServer),
            }
        } else {
            match owner.filter(|owner| *owner != number) {
                Some(owner) => (1, Why::HostTaken(owner)),
                None => (3, Why::OtherServer),
            }
        };
        losers.lose((rank, distance), candidate, why);
    }

    /// The candidates of an Ingress that the controller rejects.
    fn judge_rejected(&self, number: usize, rejected: &'a Rejected, losers: &mut Losers<'a, Why>) {
        let Rejected { name, ingress, refusal } = rejected;
        let mended = load_edit(refusal).filter(|_| self.wants_edits).and_then(|edit| {
            let Edit::RemoveAnnotation { key } = &edit.1 else { return None };
            let mut mended = ingress.clone();
            mended.meta.annotations.remove(key);
            let valid = validation::refusal(&mended, &self.table.global).is_none();
            let options = Options::new(&mended, &self.table.global);
            (valid && Role::of(&mended) == Role::Regular).then_some((edit, options))
        });
        for candidate in of_rules(name, &ingress.rules) {
            losers.count();
            let Candidate { host, rule, .. } = candidate;
            let here = host_takes(host, self.request.host.as_str());
            let text = path_of(rule);
            let exact = rule.path_type == PathType::Exact;
            let mode = mended.as_ref().and_then(|(_, options)| options.mode).unwrap_or_default();
            let fits = here && takes(mode, text, exact, self.path.as_bytes());
            let rank = if fits { 0 } else { 5 };
            losers.lose((rank, path_distance(text, self.path)), candidate, Why::Rejected(number));
            if fits
                && self.is_free(host)
                && let Some(((cost, edit), options)) = &mended
                && self.would_route(options)
            {
                losers.near(candidate, Some((*cost, edit.clone())));
            }
        }
    }

    /// Whether nobody has a host yet.
    fn is_free(&self, host: &str) -> bool {
        self.table.hosts.owner(host).is_none()
    }

    /// Whether nothing would stop a plain request before it comes to a location.
    fn would_route(&self, options: &Options) -> bool {
        let port = self.table.listeners.port(self.request);
        let by_header =
            options.redirect_to_https.value && self.request.header("X-Forwarded-Proto") == Some("http");
        self.request.scheme == Scheme::Http
            && options.ports.contains(&port)
            && options.auth_secret.is_none()
            && !by_header
            && !(options.app_root.is_some() && self.path == "/")
    }

    fn mend_path(
        &self,
        ingress: &'a Loaded,
        candidate: Candidate<'a>,
        location: &Location,
        losers: &mut Losers<'a, Why>,
    ) {
        let Candidate { rule, place, .. } = candidate;
        let text = path_of(rule);
        let request = self.path.as_bytes();
        let exact = location.exact;
        match location.mode {
            Mode::Plain if is_literal(text) => {
                let found = path_edit(text, rule.path_type, self.path);
                losers.near(candidate, found.filter(|(_, edit)| is_acceptable(edit, rule)));
            }
            Mode::Plain => {
                let alone = ingress.options.rewrites.is_empty() && !exact && bare(text).is_some();
                if alone && takes(Mode::CaseSensitive, text, false, request) {
                    let edit = Edit::SetAnnotation {
                        key: PATH_REGEX.to_owned(),
                        value: "case_sensitive".to_owned(),
                    };
                    losers.add_edit(1, &ingress.name, place, edit);
                }
            }
            Mode::CaseSensitive | Mode::CaseInsensitive if exact => {
                if takes(location.mode, text, false, request) {
                    let edit = Edit::SetPathType { from: PathType::Exact, to: PathType::Prefix };
                    losers.add_edit(1, &ingress.name, place, edit);
                }
            }
            Mode::CaseSensitive | Mode::CaseInsensitive => {
                if is_literal(text) {
                    let found = path_edit(text, PathType::Prefix, self.path);
                    losers.near(candidate, found.filter(|(_, edit)| is_acceptable(edit, rule)));
                }
            }
            Mode::Exact => {
                if takes(Mode::Plain, text, exact, request) {
                    let edit = Edit::RemoveAnnotation { key: PATH_REGEX.to_owned() };
                    losers.add_edit(1, &ingress.name, place, edit);
                }
            }
        }
    }

    fn mend_host(&self, ingress: &'a Loaded, candidate: Candidate<'a>, losers: &mut Losers<'a, Why>) {
        let Candidate { host, rule, .. } = candidate;
        let mode = ingress.options.mode.unwrap_or_default();
        let exact = rule.path_type == PathType::Exact;
        if !self.wants_edits || !takes(mode, path_of(rule), exact, self.path.as_bytes()) {
            return;
        }
        let Some((cost, edit)) = host_edit(host, self.request) else { return };
        let mends = if let Edit::AskHost { host } = &edit {
            self.routes_to(ingress, host)
        } else {
            ingress.role == Role::Regular
                && self.is_free(self.request.host.as_str())
                && self.would_route(&ingress.options)
                && self.answers(ingress, candidate)
        };
        if mends {
            losers.near(candidate, Some((cost, edit)));
        }
    }

    /// Whether the same request for another host would get to an Ingress.
    fn routes_to(&self, ingress: &Loaded, host: &str) -> bool {
        let Ok(name) = HostName::parse(host) else { return false };
        let mut request = self.request.clone();
        request.host_as_sent = host.to_owned();
        request.host = name;
        let decision = act(self.table, &request);
        decision.outcome == Outcome::Routed
            && decision.winner.is_some_and(|winner| winner.ingress == ingress.name)
    }

    /// Whether a rule of an Ingress that owns its host has somebody behind it.
    fn answers(&self, ingress: &Loaded, candidate: Candidate<'_>) -> bool {
        let site = self.table.by_host.get(candidate.host).and_then(|at| self.table.sites.get(*at));
        site.into_iter().flat_map(|site| &site.locations).any(|location| {
            let owner = self.table.loaded.get(location.owner.0).map(|owner| &owner.name);
            owner == Some(&ingress.name) && location.owner.1 == candidate.place && location.health.answers()
        })
    }

    /// One more path for the request, in the Ingress of the host, or in its first minion.
    fn suggest_path(&self, losers: &mut Losers<'a, Why>) {
        let Some(site) = self.site.filter(|site| self.wants_edits && !site.is_hostless()) else { return };
        let is_path =
            |location: &&Location| matches!(location.owner.1, Place::Path(..)) && location.health.answers();
        let Some(location) = site.locations.iter().find(is_path) else { return };
        let Some(ingress) = self.table.loaded.get(location.owner.0) else { return };
        let trimmed = self.path.trim_end_matches('/');
        let whole = trimmed.is_empty() || location.mode == Mode::Exact;
        let path = if whole { self.path } else { trimmed }.to_owned();
        let edit = Edit::AddPath { path, path_type: PathType::Prefix };
        let Some(rule) = ingress.path_at(location.owner.1) else { return };
        if is_acceptable(&edit, rule) {
            losers.add_edit(9, &ingress.name, location.owner.1, edit);
        }
    }

    /// The pattern that the controller makes of a rule's path.
    fn pattern(&self, number: usize, rule: &PathRule) -> String {
        let mode = self.table.loaded.get(number).and_then(|ingress| ingress.options.mode);
        let exact = if rule.path_type == PathType::Exact { "= " } else { "" };
        let start = if mode == Some(Mode::Exact) { "" } else { "^" };
        format!("{start}{exact}{}", path_of(rule))
    }
}

/// Whether the controller would accept a path that an edit sets.
fn is_acceptable(edit: &Edit, rule: &PathRule) -> bool {
    let (path, path_type) = match edit {
        Edit::SetPath { to, .. } => (to, rule.path_type),
        Edit::AddPath { path, path_type } => (path, *path_type),
        Edit::SetHost { .. }
        | Edit::SetPathType { .. }
        | Edit::SetClass { .. }
        | Edit::RemoveAnnotation { .. }
        | Edit::SetAnnotation { .. }
        | Edit::AskHost { .. }
        | Edit::Meet(_) => return true,
    };
    let edited = PathRule { path: path.clone(), path_type, backend: rule.backend.clone() };
    is_literal(path) && path_fault(&edited).is_none()
}

/// Whether a rule's host takes a request's: itself, any name below a wildcard, or every host.
fn host_takes(host: &str, asked: &str) -> bool {
    match host.strip_prefix('*') {
        Some(parent) => asked.len() > parent.len() && asked.ends_with(parent),
        None => host.is_empty() || host == asked,
    }
}

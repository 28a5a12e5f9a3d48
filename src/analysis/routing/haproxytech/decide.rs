//! What happens to one request, in HAProxy's order.
//!
//! Malformed → TLS passed through by name → row → denied, credentials, redirect, rewrite → the paths
//! with conditions of their own → the row's backend → the default backend.
//! Sources: haproxytech/kubernetes-ingress `fs/usr/local/etc/haproxy/haproxy.cfg`,
//! `pkg/route/route.go`, `pkg/haproxy/rules`, `pkg/controller` (the default local service), 3.2.

use std::collections::BTreeSet;

use crate::analysis::routing::possible::answers;
use crate::analysis::routing::serving::Health;
use crate::analysis::routing::{Decision, Note, Outcome, Target, Winner};
use crate::model::ingress::Place;
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::maps::Row;
use super::options::{List, Options, Taken};
use super::{Custom, Section, Table};

pub(super) fn decide(table: &Table, request: &Request) -> Decision {
    let mut decision = act(table, request);
    if table.global.unseen {
        decision.notes.push(Note::SettingsUnseen);
    }
    if table.failure.is_some() {
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

/// The host as HAProxy compares it: lower case, without port, a dot at the end kept.
pub(super) fn host(request: &Request) -> String {
    request.host_as_sent.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// The rows that may decide: one, or several where only rules tell them apart.
pub(super) fn rows<'t>(table: &'t Table, host: &str, path: &str) -> &'t [Row] {
    let found = table.maps.find(table.maps.host(host), path);
    let Some(first) = found.first() else { return found };
    let equal = found.iter().take_while(|row| (row.cut, &row.value) == (first.cut, &first.value)).count();
    let rules = |row: &Row| table.options.get(row.ingress).map(|options| options.fingerprint.as_str());
    let tied = found.get(..equal).unwrap_or_default();
    if tied.iter().all(|row| rules(row) == rules(first)) { tied.get(..1).unwrap_or_default() } else { tied }
}

/// What happens to a request once the configuration is loaded.
pub(super) fn act(table: &Table, request: &Request) -> Decision {
    let barred = match request.scheme {
        Scheme::Http => table.global.disable_http.then_some("disable-http"),
        Scheme::Https => table.global.disable_https.then_some("disable-https"),
    };
    if let Some(flag) = barred {
        let mut decision = Decision::bare(Outcome::Refused, None);
        decision.notes.push(Note::Argument { flag: flag.to_owned() });
        return decision;
    }
    if !request.target().is_ascii() {
        return Decision::bare(Outcome::Refused, Some(400));
    }
    let host = host(request);
    let visit = Visit { table, request, host: &host };
    if let Some(decision) = visit.passthrough() {
        return decision;
    }
    let rows = rows(table, &host, request.path.as_str());
    let mut decisions: Vec<Decision> = rows.iter().map(|row| visit.run(Some(row))).collect();
    let Some(mut decision) = decisions.pop() else { return visit.run(None) };
    if decisions.iter().any(|other| {
        (other.outcome, &other.location, &other.upstream_path)
            != (decision.outcome, &decision.location, &decision.upstream_path)
    }) {
        let all = decisions.iter().chain([&decision]);
        let targets: BTreeSet<Target> =
            all.filter_map(|decision| decision.winner.as_ref()?.backend.clone()).collect();
        let answers = answers(decisions.iter().chain([&decision]));
        decision.notes.extend(answers);
        decision.one_of = targets.into_iter().collect();
        decision.outcome = Outcome::Undefined;
        decision.status = None;
        decision.location = None;
        decision.upstream_path = None;
    }
    decision
}

/// One request at the frontend.
struct Visit<'a> {
    table: &'a Table,
    request: &'a Request,
    host: &'a str,
}

impl Visit<'_> {
    /// TLS that is not ended here goes by its server name.
    fn passthrough(&self) -> Option<Decision> {
        if self.request.scheme == Scheme::Http {
            return None;
        }
        // A server name has no dot at its end.
        let row = self.table.maps.passthrough(self.host.strip_suffix('.').unwrap_or(self.host))?;
        let path = self.request.path.as_str().to_owned();
        let winner = self.winner(row.ingress, row.place, row.section);
        let mut decision = self.serve(winner, self.table.section(row.section)?, path);
        if decision.outcome == Outcome::Unavailable {
            // A connection has no status.
            decision.outcome = Outcome::Refused;
            decision.status = None;
        }
        let key = "haproxy.org/ssl-passthrough".to_owned();
        decision.notes.push(Note::Annotation { ingress: self.table.name_of(row.ingress), key });
        Some(decision)
    }

    fn run(&self, row: Option<&Row>) -> Decision {
        let mut notes = Vec::new();
        let own = row.and_then(|row| self.table.options.get(row.ingress));
        let options: Vec<&Options> = std::iter::once(&self.table.for_all).chain(own).collect();
        if let Some(decision) = self.stopped(row, &options, &mut notes) {
            return decision;
        }
        let path = match self.rewritten(&options, &mut notes) {
            Ok(rewritten) => rewritten,
            Err(pattern) => {
                let mut decision = self.by_row(row, String::new());
                decision.upstream_path = None;
                decision.notes.push(Note::PatternUndecided { pattern });
                return decision;
            }
        };
        let host = options.iter().rev().find_map(|options| options.host.as_deref());
        let mut decision = match self.custom(&path, host) {
            Customs::Taken(custom) => self.send(custom.ingress, custom.place, custom.section, path),
            Customs::Open(customs, undecided) => self.open(row, &customs, undecided, path),
            Customs::None => self.by_row(row, path),
        };
        notes.append(&mut decision.notes);
        decision.notes = notes;
        decision
    }

    fn by_row(&self, row: Option<&Row>, path: String) -> Decision {
        let reached = row.filter(|row| {
            !row.cut && self.table.section(row.section).is_some_and(Section::is_reached_by_row)
        });
        match reached {
            Some(row) => self.send(row.ingress, row.place, row.section, path),
            None => self.default_backend(path),
        }
    }

    /// Denied, asked for credentials, or redirected.
    fn stopped(&self, row: Option<&Row>, options: &[&Options], notes: &mut Vec<Note>) -> Option<Decision> {
        for List { lets_in, taken, said_by, .. } in options.iter().flat_map(|options| &options.lists) {
            match (lets_in, taken) {
                (false, Taken::Everybody) => return Some(self.answered(row, Outcome::Refused, 403, said_by)),
                (true, Taken::Everybody) => {}
                (_, Taken::Some) => notes.push(said_by.clone()),
            }
        }
        for said_by in options.iter().filter_map(|options| options.auth.as_ref()) {
            if self.request.header("Authorization").is_none() {
                return Some(self.answered(row, Outcome::Refused, 401, said_by));
            }
            notes.push(said_by.clone());
        }
        if let Some(said_by) = options.iter().find_map(|options| options.limit.as_ref()) {
            return Some(self.answered(row, Outcome::Refused, 403, said_by));
        }
        let own = options.last()?;
        let mut redirects = own.redirects.iter().filter_map(|redirect| {
            let location = redirect.location(self.request)?;
            let mut decision = self.answered(row, Outcome::Redirect, redirect.code, &redirect.said_by);
            decision.location = Some(location);
            Some(decision)
        });
        let mut decision = redirects.next()?;
        if own.contested
            && let Some(other) = redirects.next()
        {
            let answers = answers([&decision, &other].into_iter());
            decision.notes.extend(answers);
            decision.outcome = Outcome::Undefined;
            decision.status = None;
            decision.location = None;
            decision.one_of.extend(decision.winner.as_ref().and_then(|winner| winner.backend.clone()));
        }
        Some(decision)
    }

    fn answered(&self, row: Option<&Row>, outcome: Outcome, status: u16, said_by: &Note) -> Decision {
        let mut decision = Decision::bare(outcome, Some(status));
        decision.winner = row.and_then(|row| self.winner(row.ingress, row.place, row.section));
        decision.notes.push(said_by.clone());
        decision
    }

    /// The path after the rewrites, or the pattern that could not be evaluated.
    fn rewritten(&self, options: &[&Options], notes: &mut Vec<Note>) -> Result<String, String> {
        let mut path = self.request.path.as_str().to_owned();
        for options in options {
            let before = path.clone();
            for rewrite in &options.rewrites {
                path = rewrite.apply(&path).ok_or_else(|| rewrite.pattern().to_owned())?;
            }
            if path != before {
                notes.extend(options.rewrite_said_by.clone());
            }
        }
        Ok(path)
    }

    /// The paths with conditions of their own that take the request: nothing orders them.
    fn custom(&self, path: &str, host: Option<&str>) -> Customs<'_> {
        let mut taken: Vec<&Custom> = Vec::new();
        let mut open: Vec<&Custom> = Vec::new();
        for custom in &self.table.customs {
            let Some(candidate) = self.table.candidate(custom.ingress, custom.place) else { continue };
            let path_takes = custom.path.takes(path);
            if !self.is_host_of_condition(candidate.host) || path_takes == Some(false) {
                continue;
            }
            match (custom.condition.holds(self.request, path, host), path_takes) {
                (Some(true), Some(true)) => taken.push(custom),
                (Some(false), _) => {}
                (_, _) => open.push(custom),
            }
        }
        let Some(first) = taken.first() else {
            return if open.is_empty() { Customs::None } else { Customs::Open(open, true) };
        };
        if open.is_empty() && taken.iter().all(|custom| custom.section == first.section) {
            return Customs::Taken(first);
        }
        // One that certainly takes the request keeps it from the maps.
        Customs::Open(taken.into_iter().chain(open).collect(), false)
    }

    /// Whether the host of a rule with a condition takes the request's: a star is any beginning there.
    fn is_host_of_condition(&self, host: &str) -> bool {
        match host.strip_prefix('*') {
            Some(suffix) => self.host.ends_with(suffix),
            None => host.is_empty() || host == self.host,
        }
    }

    /// Several backends may be meant.
    fn open(&self, row: Option<&Row>, customs: &[&Custom], undecided: bool, path: String) -> Decision {
        let sections: BTreeSet<usize> = customs.iter().map(|custom| custom.section).collect();
        let mut all: Vec<Decision> = sections
            .into_iter()
            .map(|section| self.send(0, Place::DefaultBackend, section, path.clone()))
            .collect();
        let mut decision = self.by_row(row, path);
        if undecided {
            all.push(decision.clone());
        }
        let targets: BTreeSet<Target> =
            all.iter().filter_map(|one| one.winner.as_ref()?.backend.clone()).collect();
        decision.notes.extend(answers(all.iter()));
        decision.outcome = Outcome::Undefined;
        decision.status = None;
        decision.one_of = targets.into_iter().collect();
        if let Some(first) = customs.first() {
            decision.winner = self.winner(first.ingress, first.place, first.section);
        }
        decision.notes.extend(customs.iter().filter(|_| undecided).map(|custom| Note::ConditionUndecided {
            ingress: self.table.name_of(custom.ingress),
            condition: custom.condition.text.clone(),
        }));
        decision
    }

    /// Hands the request to a backend.
    fn send(&self, ingress: usize, place: Place, section: usize, path: String) -> Decision {
        let winner = self.winner(ingress, place, section);
        self.to_section(winner, section, path)
    }

    fn to_section(&self, winner: Option<Winner>, section: usize, path: String) -> Decision {
        match self.table.section(section) {
            None => Decision::bare(Outcome::NoRoute, Some(503)),
            // HAProxy hangs up: a backend that speaks TCP is not for requests.
            Some(section) if section.tcp => {
                let mut decision = Decision::bare(Outcome::Refused, None);
                let ingress = winner.as_ref().map(|winner| winner.ingress.clone()).unwrap_or_default();
                decision.winner = winner;
                let key = "haproxy.org/ssl-passthrough".to_owned();
                decision.notes.push(Note::Annotation { ingress, key });
                decision
            }
            Some(section) => self.serve(winner, section, path),
        }
    }

    fn serve(&self, winner: Option<Winner>, section: &Section, path: String) -> Decision {
        let mut decision = match section.health {
            Health::Ready | Health::Unseen => {
                let mut decision = Decision::bare(Outcome::Routed, None);
                decision.upstream_path = Some(path);
                decision
            }
            Health::NobodyReady | Health::ServiceMissing | Health::PortMissing | Health::ExternalBarred => {
                Decision::bare(Outcome::Unavailable, Some(503))
            }
        };
        decision.winner = winner;
        decision.notes.extend(section.health.note(&section.target));
        decision
    }

    fn winner(&self, ingress: usize, place: Place, section: usize) -> Option<Winner> {
        let section = self.table.section(section)?;
        let candidate = self.table.candidate(ingress, place);
        Some(Winner {
            ingress: self.table.name_of(ingress),
            place,
            host: candidate.map(|candidate| candidate.host.to_owned()).unwrap_or_default(),
            path: candidate.map(|candidate| candidate.rule.path.clone()).unwrap_or_default(),
            path_type: candidate.map(|candidate| candidate.rule.path_type),
            backend: Some(section.target.clone()),
            rendered: format!("backend {}", section.name),
        })
    }

    /// The one default backend of all hosts.
    fn default_backend(&self, path: String) -> Decision {
        let defaults = &self.table.defaults;
        let Some((ingress, section)) = defaults.first().copied() else {
            return if self.table.global.default_service.is_some() {
                let mut decision = Decision::bare(Outcome::NoRoute, Some(503));
                decision.notes.push(Note::Argument { flag: "default-backend-service".to_owned() });
                decision
            } else {
                self.local_service(&path)
            };
        };
        let winner = match ingress {
            Some(ingress) => self.winner(ingress, Place::DefaultBackend, section),
            None => self
                .winner(usize::MAX, Place::DefaultBackend, section)
                .map(|winner| Winner { ingress: Name::default(), ..winner }),
        };
        let mut decision = self.to_section(winner, section, path);
        decision.default_backend = ingress.is_none();
        if defaults.len() > 1 {
            let sections = defaults.iter().map(|(_, section)| *section);
            let all: Vec<Decision> =
                sections.map(|section| self.to_section(None, section, String::new())).collect();
            decision.notes.extend(answers(all.iter()));
            decision.outcome = Outcome::Undefined;
            decision.status = None;
            let targets = defaults.iter().filter_map(|(_, section)| self.table.section(*section));
            decision.one_of = targets.map(|section| section.target.clone()).collect();
            decision.one_of.sort();
        }
        decision
    }

    /// The service inside the controller, which knows two health pages, one with its name misspelt, and
    /// sends paths that come to them there.
    fn local_service(&self, path: &str) -> Decision {
        const PAGES: [&str; 2] = ["/healthz", "/healtz"];
        let is_page = PAGES.contains(&path);
        let mut decision = match (is_page, self.request.method.as_str()) {
            (true, "GET" | "OPTIONS") => Decision::bare(Outcome::NoRoute, Some(200)),
            (true, _) => Decision::bare(Outcome::NoRoute, Some(405)),
            (false, "GET") => {
                let cleaned = clean(path);
                match PAGES.into_iter().find(|page| cleaned.eq_ignore_ascii_case(page)) {
                    Some(page) => {
                        let query = self.request.query.iter().filter(|query| !query.is_empty());
                        let query: String = query.map(|query| format!("?{query}")).collect();
                        let mut decision = Decision::bare(Outcome::Redirect, Some(301));
                        decision.location = Some(format!("http://{}{page}{query}", self.request.authority()));
                        decision
                    }
                    None => Decision::bare(Outcome::NoRoute, Some(404)),
                }
            }
            (false, _) => Decision::bare(Outcome::NoRoute, Some(404)),
        };
        decision.default_backend = true;
        decision
    }
}

/// A path without escapes, empty elements, dots and a slash at its end.
fn clean(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let mut elements: Vec<&str> = Vec::new();
    for element in decoded.split('/') {
        match element {
            "" | "." => {}
            ".." => {
                elements.pop();
            }
            element => elements.push(element),
        }
    }
    format!("/{}", elements.join("/"))
}

enum Customs<'a> {
    None,
    Taken(&'a Custom),
    /// Several may take it; whether because conditions could not be told.
    Open(Vec<&'a Custom>, bool),
}

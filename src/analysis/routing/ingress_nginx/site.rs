//! A server as nginx has it: which location takes a path, and whether nginx would load it.
//!
//! On a normal host the exact location wins, then the longest prefix; a path that lacks only the
//! trailing slash of a location is redirected. On a regex host the first location of the list that
//! matches wins, and nothing else is looked at.
//! Sources: kubernetes/ingress-nginx `internal/ingress/controller/template/template.go`
//! (`enforceRegexModifier`, `buildLocation`), v1.15.1; nginx 1.27
//! `src/http/ngx_http_core_module.c` (`ngx_http_core_find_location`), `src/http/ngx_http.c`.

use std::collections::HashMap;

use crate::analysis::routing::nginx::conf::{bare, unquote};
use crate::analysis::routing::nginx::locations::Locations;
use crate::analysis::routing::nginx::pattern::{LocationPattern, Match, is_literal};
use crate::analysis::routing::nginx::rewrite::{Rewrite, checked_parts};

use super::OWN_VARIABLES;
use super::expand::{needs_rewrite, wants_regex};
use super::options::Options;
use super::servers::{CATCH_ALL, Location, Server, Tls};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Location(usize),
    /// Only the trailing slash is missing.
    Slash(usize),
    /// The controller's own health check.
    Health,
    /// The controller's own status page.
    Status,
    /// A pattern was given up: this location, or a later one.
    Undecided(usize),
}

#[derive(Debug)]
enum Matcher {
    Plain(Plain),
    Regex(Vec<LocationPattern>),
}

/// Locations by name.
#[derive(Debug, Default)]
struct Plain {
    names: Locations,
    /// Prefixes of the controller's own.
    fixed: Vec<(Box<[u8]>, Found)>,
}

#[derive(Debug)]
pub(super) struct Site {
    pub(super) host: String,
    /// In nginx' order.
    pub(super) locations: Vec<Location>,
    matcher: Matcher,
    rewrites: HashMap<usize, Rewrite>,
    /// The Ingress and the annotation that make it a regex host.
    pub(super) regex: Option<(usize, &'static str)>,
    /// The location whose `app-root` counts.
    pub(super) app_root: Option<usize>,
    pub(super) maker: Option<usize>,
    pub(super) snippet: Option<usize>,
    pub(super) tls: Tls,
    /// The Ingresses that ask for certificates of clients.
    pub(super) client_certificates: Vec<usize>,
    pub(super) aliases: Vec<String>,
}

/// Why nginx does not load a site: what it says, and the Ingresses that bring it about.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) cause: String,
    pub(super) between: Vec<usize>,
}

impl Site {
    /// `locations` expanded and in order. The site is usable even when there is a problem.
    pub(super) fn new<'o>(
        server: Server,
        locations: Vec<Location>,
        options: impl Fn(&Location) -> &'o Options,
        health_path: &str,
    ) -> (Self, Option<Problem>) {
        let mut problem = None;
        let mut report = |cause: String, between: Vec<Option<usize>>| {
            if problem.is_none() {
                let mut between: Vec<usize> = between.into_iter().flatten().collect();
                between.sort_unstable();
                between.dedup();
                problem = Some(Problem { cause, between });
            }
        };
        let owner = |location: &Location| location.owner.map(|(ingress, _)| ingress);
        let regex = locations.iter().find_map(|location| {
            let annotation = wants_regex(location, options(location))?;
            Some((owner(location)?, annotation))
        });
        let matcher = if regex.is_some() {
            Matcher::Regex(regex_matcher(&locations, &mut report))
        } else {
            Matcher::Plain(plain_matcher(&locations, server.host == CATCH_ALL, health_path, &mut report))
        };
        let mut rewrites = HashMap::new();
        for (at, location) in locations.iter().enumerate() {
            let options = options(location);
            if needs_rewrite(location, options) {
                let path = unquote(&location.path).unwrap_or_else(|| location.path.clone());
                if bare(&options.rewrite_target).is_none() {
                    report(words("rewrite"), vec![owner(location)]);
                }
                match Rewrite::new("(?i)", &path, &options.rewrite_target, OWN_VARIABLES) {
                    Ok(rewrite) => {
                        rewrites.insert(at, rewrite);
                    }
                    Err(cause) => report(cause, vec![owner(location)]),
                }
            }
            let redirect = options.redirect.as_ref().map(|redirect| redirect.url.as_str());
            for text in [redirect, options.app_root.as_deref()].into_iter().flatten() {
                if bare(text).is_none() {
                    report(words("return"), vec![owner(location)]);
                }
                if let Err(cause) = checked_parts(text, OWN_VARIABLES) {
                    report(cause, vec![owner(location)]);
                }
            }
        }
        let app_root =
            locations.iter().position(|location| !location.plain && options(location).app_root.is_some());
        let Server { host, aliases, tls, maker, snippet, client_certificates, locations: _, .. } = server;
        let site = Self {
            host,
            locations,
            matcher,
            rewrites,
            regex,
            app_root,
            maker,
            snippet,
            tls,
            client_certificates,
            aliases,
        };
        (site, problem)
    }

    /// The location of a normalised path. `slashes` tells whether a location adds missing slashes.
    pub(super) fn find(&self, path: &[u8], slashes: impl Fn(usize) -> bool) -> Found {
        match &self.matcher {
            Matcher::Plain(plain) => plain.find(path, slashes),
            Matcher::Regex(patterns) => {
                for (at, pattern) in patterns.iter().enumerate() {
                    match pattern.is_match(path) {
                        Match::Yes => return Found::Location(at),
                        Match::Undecided => return Found::Undecided(at),
                        Match::No => {}
                    }
                }
                Found::Location(patterns.len().saturating_sub(1))
            }
        }
    }

    /// Whether a location by itself takes a normalised path.
    pub(super) fn takes(&self, location: usize, path: &[u8]) -> bool {
        let Some(found) = self.locations.get(location) else { return false };
        match &self.matcher {
            Matcher::Plain(_) if found.exact => found.path.as_bytes() == path,
            Matcher::Plain(_) => path.starts_with(found.path.as_bytes()),
            Matcher::Regex(patterns) => {
                patterns.get(location).is_some_and(|pattern| pattern.is_match(path) == Match::Yes)
            }
        }
    }

    pub(super) fn rewrite(&self, location: usize) -> Option<&Rewrite> {
        self.rewrites.get(&location)
    }

    /// How the location stands in the file.
    pub(super) fn rendered(&self, location: &Location) -> String {
        let path = &location.path;
        match (&self.matcher, location.exact) {
            (Matcher::Regex(_), _) => format!("~* \"^{path}\""),
            (Matcher::Plain(_), true) => format!("= \"{path}\""),
            (Matcher::Plain(_), false) => format!("\"{path}\""),
        }
    }
}

/// What nginx says of a text without quotes that it reads as several words, or as the end of one.
fn words(directive: &str) -> String {
    format!("invalid number of arguments in \"{directive}\" directive")
}

fn regex_matcher(
    locations: &[Location],
    report: &mut impl FnMut(String, Vec<Option<usize>>),
) -> Vec<LocationPattern> {
    let mut patterns = Vec::with_capacity(locations.len());
    for location in locations {
        let owner = location.owner.map(|(ingress, _)| ingress);
        let unquoted = if is_literal(&location.path) && !location.path.contains('"') {
            Some(std::borrow::Cow::Borrowed(location.path.as_str()))
        } else {
            unquote(&location.path).map(std::borrow::Cow::Owned)
        };
        let pattern = LocationPattern::new(unquoted.as_deref().unwrap_or(&location.path), true);
        if unquoted.is_none() {
            report(format!("unexpected quote in location \"{}\"", location.path), vec![owner]);
        } else if !pattern.compiles() {
            report(format!("pcre2_compile() failed in \"^{}\"", location.path), vec![owner]);
        }
        patterns.push(pattern);
    }
    patterns
}

fn plain_matcher(
    locations: &[Location],
    catch_all: bool,
    health_path: &str,
    report: &mut impl FnMut(String, Vec<Option<usize>>),
) -> Plain {
    let mut plain = Plain { names: Locations::with_capacity(locations.len()), ..Plain::default() };
    let owner = |at: usize| locations.get(at).and_then(|location| location.owner).map(|(id, _)| id);
    for (at, location) in locations.iter().enumerate() {
        let Some(name) = unquote(&location.path) else {
            report(format!("unexpected quote in location \"{}\"", location.path), vec![owner(at)]);
            continue;
        };
        if let Err(taken) = plain.names.add(name, location.exact, at) {
            let cause = format!("duplicate location \"{}\"", location.path);
            report(cause, vec![owner(taken), owner(at)]);
        }
    }
    if catch_all {
        for (path, found) in [(health_path, Found::Health), ("/nginx_status", Found::Status)] {
            if let Some(at) = plain.names.whole(path.as_bytes()) {
                report(format!("duplicate location \"{path}\""), vec![owner(at)]);
            }
            plain.fixed.push((path.as_bytes().into(), found));
        }
    }
    plain
}

impl Plain {
    fn find(&self, path: &[u8], slashes: impl Fn(usize) -> bool) -> Found {
        if let Some(at) = self.names.exact(path).or_else(|| self.names.whole(path)) {
            return Found::Location(at);
        }
        if let Some((_, found)) = self.fixed.iter().find(|(name, _)| **name == *path) {
            return *found;
        }
        if let Some(at) = self.names.slash(path, slashes) {
            return Found::Slash(at);
        }
        let fixed = self.fixed.iter().filter(|(name, _)| path.starts_with(name));
        let fixed = fixed.max_by_key(|(name, _)| name.len()).map(|(name, found)| (name.len(), *found));
        let longest = self.names.longest(path).map(|(length, at)| (length, Found::Location(at)));
        let best = fixed.into_iter().chain(longest).max_by_key(|(length, _)| *length);
        best.map_or(Found::Location(usize::MAX), |(_, found)| found)
    }
}

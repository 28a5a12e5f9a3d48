//! A server as nginx has it: which location takes a path, and whether nginx would load it.
//!
//! An exact location wins, then a redirect to a missing slash; then regular expressions in the order of
//! the file, the first that matches; then the longest prefix, character by character.
//! Sources: nginx/kubernetes-ingress `internal/configs/version1/{nginx.ingress.tmpl,
//! template_helper.go}` (`makeLocationPath`, `makeRewritePattern`), 5.5; nginx 1.27
//! `src/http/ngx_http_core_module.c`, `src/http/modules/ngx_http_proxy_module.c`.

use std::collections::HashMap;

use crate::analysis::routing::heads::Accepted;
use crate::analysis::routing::nginx::conf::{bare, unquote};
use crate::analysis::routing::nginx::locations::Locations;
use crate::analysis::routing::nginx::pattern::{LocationPattern, Match};
use crate::analysis::routing::nginx::rewrite::Rewrite;

use super::options::{Mode, Options};
use super::servers::Location;
use super::{Loaded, OWN_VARIABLES};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Location(usize),
    /// Only the trailing slash is missing.
    Slash(usize),
    /// A pattern was given up: this location, or a later one.
    Undecided(usize),
    Nothing,
}

#[derive(Debug)]
pub(super) struct Site {
    /// Empty for every host that nobody else has.
    pub(super) host: String,
    /// The Ingress and the rule that own the host.
    pub(super) maker: (usize, usize),
    /// In the order of the file.
    pub(super) locations: Vec<Location>,
    names: Locations,
    /// Regular expressions in their order, with their locations.
    patterns: Vec<(LocationPattern, usize)>,
    rewrites: HashMap<usize, Rewrite>,
    pub(super) ports: Vec<u32>,
    pub(super) ssl_ports: Vec<u32>,
    /// Where TLS is ended: the Secret that should hold the certificate.
    pub(super) tls: Option<Option<String>>,
    /// Every path speaks gRPC: there is no plain HTTP.
    pub(super) grpc_only: bool,
}

/// Why nginx does not load a site: what it says, and the Ingresses that bring it about.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) cause: String,
    pub(super) between: Vec<usize>,
}

/// The first problem of a site.
#[derive(Debug, Default)]
struct Problems(Option<Problem>);

impl Problems {
    fn report(&mut self, cause: String, mut between: Vec<usize>) {
        if self.0.is_none() {
            between.sort_unstable();
            between.dedup();
            self.0 = Some(Problem { cause, between });
        }
    }
}

impl Site {
    /// The site is usable even when there is a problem.
    pub(super) fn new(
        host: &str,
        maker: (usize, usize),
        locations: Vec<Location>,
        loaded: &[Loaded],
    ) -> (Self, Option<Problem>) {
        let owner = loaded.get(maker.0);
        let tls = owner.and_then(|owner| {
            let mut entries = owner.tls.iter().rev();
            let entry = entries.find(|tls| tls.hosts.iter().any(|name| name == host))?;
            Some(entry.secret.clone().filter(|secret| !secret.is_empty()))
        });
        let grpc = |location: &Location| {
            let options = loaded.get(location.owner.0).map(|ingress| &ingress.options);
            options.is_some_and(|options| options.grpc.contains(&location.target.service.name))
        };
        let mut site = Self {
            host: host.to_owned(),
            maker,
            names: Locations::with_capacity(locations.len()),
            patterns: Vec::new(),
            rewrites: HashMap::new(),
            ports: owner.map(|owner| owner.options.ports.clone()).unwrap_or_default(),
            ssl_ports: owner.map(|owner| owner.options.ssl_ports.clone()).unwrap_or_default(),
            tls,
            grpc_only: !locations.is_empty() && locations.iter().all(grpc),
            locations,
        };
        let mut problems = Problems::default();
        for at in 0..site.locations.len() {
            site.write(at, loaded, &mut problems);
        }
        (site, problems.0)
    }

    fn write(&mut self, at: usize, loaded: &[Loaded], problems: &mut Problems) {
        let Some(location) = self.locations.get(at) else { return };
        let owner = location.owner.0;
        let text = location_text(location);
        let matched = match location.mode {
            Mode::Plain => bare(&location.path),
            Mode::CaseSensitive | Mode::CaseInsensitive | Mode::Exact => unquote(&text),
        };
        let Some(name) = matched else {
            problems.report(format!("unexpected \"{{\" in location {}", location.path), vec![owner]);
            return;
        };
        let Some(options) = loaded.get(owner).map(|ingress| &ingress.options) else { return };
        let exact = match location.mode {
            Mode::Plain => location.exact,
            Mode::Exact => true,
            Mode::CaseSensitive | Mode::CaseInsensitive => {
                let pattern = LocationPattern::new(&name, location.mode == Mode::CaseInsensitive);
                if !pattern.compiles() {
                    problems.report(format!("pcre2_compile() failed in \"^{name}\""), vec![owner]);
                }
                if options.rewrites.contains_key(&location.target.service.name) {
                    let cause = "\"proxy_pass\" cannot have URI part in location given by regular expression";
                    problems.report(cause.to_owned(), vec![owner]);
                }
                self.patterns.push((pattern, at));
                self.rewrite(at, options, problems);
                return;
            }
        };
        if let Err(taken) = self.names.add(name, exact, at) {
            let first = self.locations.get(taken).map_or(owner, |location| location.owner.0);
            problems.report(format!("duplicate location \"{}\"", location.path), vec![first, owner]);
        }
        self.rewrite(at, options, problems);
    }

    /// `rewrite <pattern> <target> break`, whose pattern stands without quotes.
    fn rewrite(&mut self, at: usize, options: &Options, problems: &mut Problems) {
        let (Some(location), Some(target)) = (self.locations.get(at), &options.rewrite_target) else {
            return;
        };
        let owner = location.owner.0;
        if location.exact {
            problems.report("invalid number of arguments in \"rewrite\" directive".to_owned(), vec![owner]);
            return;
        }
        let head = match location.rewrite_mode {
            Mode::CaseSensitive => "^",
            Mode::CaseInsensitive => "(?i)^",
            Mode::Plain | Mode::Exact => "",
        };
        let written = (bare(&location.path), bare(target));
        let (Some(path), Some(target)) = written else {
            problems.report(format!("unexpected \"{{\" in rewrite of {}", location.path), vec![owner]);
            return;
        };
        match Rewrite::new(head, &path, &target, OWN_VARIABLES, &Accepted::default()) {
            Ok(rewrite) => {
                self.rewrites.insert(at, rewrite);
            }
            Err(cause) => problems.report(cause, vec![owner]),
        }
    }

    /// The location of a normalised path.
    pub(super) fn find(&self, path: &[u8]) -> Found {
        if let Some(at) = self.names.exact(path) {
            return Found::Location(at);
        }
        let whole = self.names.whole(path);
        if let (None, Some(at)) = (whole, self.names.slash(path, |_| true)) {
            return Found::Slash(at);
        }
        for (pattern, at) in &self.patterns {
            match pattern.is_match(path) {
                Match::Yes => return Found::Location(*at),
                Match::Undecided => return Found::Undecided(*at),
                Match::No => {}
            }
        }
        let prefix = whole.or_else(|| self.names.longest(path).map(|(_, at)| at));
        prefix.map_or(Found::Nothing, Found::Location)
    }

    /// Whether a location by itself takes a normalised path.
    pub(super) fn takes(&self, at: usize, path: &[u8]) -> bool {
        let Some(location) = self.locations.get(at) else { return false };
        takes(location.mode, &location.path, location.exact, path)
    }

    pub(super) fn rewrite_of(&self, location: usize) -> Option<&Rewrite> {
        self.rewrites.get(&location)
    }

    /// The site answers for every host that nobody else has.
    pub(super) fn is_hostless(&self) -> bool {
        self.host.is_empty()
    }
}

/// The text that the controller makes of a path and its type.
fn location_text(location: &Location) -> String {
    if location.exact { format!("= {}", location.path) } else { location.path.clone() }
}

/// How a location stands in the file.
pub(super) fn rendered(location: &Location) -> String {
    let text = location_text(location);
    match location.mode {
        Mode::Plain => text,
        Mode::CaseSensitive => format!("~ \"^{text}\""),
        Mode::CaseInsensitive => format!("~* \"^{text}\""),
        Mode::Exact => format!("= \"{text}\""),
    }
}

/// Whether a path, written down in some way, takes a normalised path by itself. In every way but the
/// plain one an `Exact` path is written so that it takes nothing.
pub(super) fn takes(mode: Mode, path: &str, exact: bool, request: &[u8]) -> bool {
    match mode {
        Mode::Plain if exact => path.as_bytes() == request,
        Mode::Plain => request.starts_with(path.as_bytes()),
        Mode::Exact => !exact && path.as_bytes() == request,
        Mode::CaseSensitive | Mode::CaseInsensitive => {
            let text = if exact { format!("= {path}") } else { path.to_owned() };
            LocationPattern::new(&text, mode == Mode::CaseInsensitive).is_match(request) == Match::Yes
        }
    }
}

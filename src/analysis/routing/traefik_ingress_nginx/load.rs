//! Ingresses to locations and routers, in the order in which the provider goes through them.
//!
//! Oldest first, equal ages by `namespace/name` from the end: that decides who owns an alias, whose
//! server snippet counts and who is the default backend. Which of two equal rules serves is chance.
//! Source: traefik/traefik `pkg/provider/kubernetes/ingress-nginx/{build,translator}.go`, v3.7.13.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::app_root::{Fate, Roots};
use super::backends::{Backends, Resolved};
use super::canary::{self, Canaries};
use super::hosts::Hosts;
use super::location::{ErrorPage, Location, Shared, codes};
use super::options::{Global, Options, key};
use super::{Action, Passthrough, Table};
use crate::analysis::routing::heads::Accepted;
use crate::analysis::routing::traefik::entry_points::Places;
use crate::analysis::routing::traefik::explain::{Dropped, Owner, Unloaded};
use crate::analysis::routing::traefik::muxer::{Alternatives, Route};
use crate::analysis::routing::traefik::pattern::Pattern;
use crate::analysis::routing::traefik::rule::{Host, Path, Rule};
use crate::analysis::routing::{Input, Note, Refusal, Target};
use crate::model::ingress::{Backend, Ingress, PathType, Place, PortRef};
use crate::model::object::Name;

/// Below every rule.
const LEAST: i64 = i32::MIN as i64;

/// Annotations without whose Secret there is no location at all.
const NOT_EVEN_THERE: [&str; 3] = ["auth-type", "auth-secret", "auth-secret-type"];

/// Why an Ingress is not loaded.
fn refusal(ingress: &Ingress, options: &Options, global: &Global) -> Option<Refusal> {
    if !global.snippets {
        let snippets = [
            ("server-snippet", &options.server_snippet),
            ("configuration-snippet", &options.configuration_snippet),
            ("auth-snippet", &options.auth_snippet),
        ];
        if let Some((name, _)) = snippets.into_iter().find(|(_, text)| !text.is_empty()) {
            let allowed = "High".to_owned();
            return Some(Refusal::RiskyAnnotation { key: key(name), risk: "Critical", allowed });
        }
    }
    if !global.strict_paths {
        return None;
    }
    let odd = ingress.path_rules().find(|(_, _, _, path)| !is_taken(&path.path, path.path_type));
    odd.map(|(_, _, _, path)| Refusal::DangerousPath { path: path.path.clone() })
}

/// Whether a path is taken by a controller that checks paths of this type.
pub(super) fn is_taken(path: &str, path_type: PathType) -> bool {
    let is_plain = path.strip_prefix('/').is_some_and(|rest| {
        rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'))
    });
    path_type == PathType::ImplementationSpecific || path.is_empty() || is_plain
}

/// The rule of a path.
pub(super) fn rule(host: &str, aliases: &[String], path: &str, path_type: PathType, use_regex: bool) -> Rule {
    let mut hosts = Vec::new();
    if !host.is_empty() {
        hosts.push(Host::Name(host.to_owned()));
        hosts.extend(aliases.iter().cloned().map(Host::Name));
    }
    let path = match path_type {
        _ if path.is_empty() => Path::Any,
        PathType::Exact => Path::Exact(path.to_owned()),
        PathType::Prefix | PathType::ImplementationSpecific if use_regex => {
            Path::Pattern(Pattern::new(format!("(?i)^{path}")))
        }
        PathType::Prefix | PathType::ImplementationSpecific => Path::element(path),
    };
    Rule { hosts, path, conditions: Vec::new() }
}

/// Names of an Ingress' namespace, or of any where that is allowed.
fn secret(text: &str, namespace: &str, global: &Global, needs_namespace: bool) -> Option<Name> {
    let name = match text.split_once('/') {
        Some((other, name)) if !name.contains('/') => Name::new(other, name),
        None if !needs_namespace => Name::new(namespace, text),
        Some(_) | None => return None,
    };
    let allowed = global.cross_namespace || name.namespace == namespace;
    (allowed && !name.namespace.is_empty() && !name.name.is_empty()).then_some(name)
}

pub(super) struct Loader<'a> {
    backends: Backends<'a>,
    global: &'a Global,
    secrets: Option<&'a BTreeSet<Name>>,
    canaries: Canaries,
    /// Entry points whose own middlewares are there.
    sound: u64,
    places: Places,
    table: Table,
    routes: Vec<Route>,
    default_taken: bool,
    roots: BTreeMap<String, Roots>,
    accepted: Accepted,
}

impl<'a> Loader<'a> {
    pub(super) fn new(
        input: &Input<'a>,
        global: &'a Global,
        places: Places,
        sound: u64,
        table: Table,
    ) -> Self {
        Self {
            backends: Backends::new(input.snapshot, global),
            global,
            secrets: input.snapshot.secrets.as_ref(),
            canaries: Canaries::default(),
            sound,
            places,
            table,
            routes: Vec::new(),
            default_taken: false,
            roots: BTreeMap::new(),
            accepted: Accepted::default(),
        }
    }

    pub(super) fn load(mut self, ingresses: &[&Ingress]) -> (Table, Vec<Route>) {
        let mut sorted = ingresses.to_vec();
        sorted.sort_by_cached_key(|ingress| (ingress.meta.created, Reverse(ingress.meta.key().to_string())));
        let mut loaded = Vec::with_capacity(sorted.len());
        for ingress in sorted {
            let options = Options::new(ingress, self.global);
            match refusal(ingress, &options, self.global) {
                Some(refusal) => self.table.unloaded.push(Unloaded::new(ingress, refusal)),
                None => loaded.push((ingress, options)),
            }
        }
        self.table.hosts = Hosts::new(&loaded);
        self.canaries = canary::find(&loaded, &self.backends);
        self.add_service_of_arguments();
        for (ingress, options) in loaded {
            self.add(ingress, options);
        }
        self.spread_app_roots();
        (self.table, self.routes)
    }

    /// The first `app-root` of a host counts for all of its locations for `/`; where there is none, the
    /// first location that is not skipped makes a router for it, unless that one is broken.
    fn spread_app_roots(&mut self) {
        for (host, Roots { app_root, maker, is_there, roots }) in std::mem::take(&mut self.roots) {
            if app_root.is_none() || !self.global.app_root_of_host {
                continue;
            }
            if let (false, Some(Fate::Made(number))) = (is_there, maker)
                && let Some((owner, places)) =
                    self.table.locations.get(number).map(|location| (location.owner, location.places))
            {
                let rule = self.rule_of(owner, &host, "/", PathType::Exact);
                self.push(rule, 0, places, Action::AppRoot(number));
            }
            for root in roots {
                if let Some(root) = self.table.locations.get_mut(root).filter(|root| root.app_root.is_none())
                {
                    root.app_root.clone_from(&app_root);
                }
            }
        }
    }

    /// `defaultBackendService`.
    fn add_service_of_arguments(&mut self) {
        let Some(service) = &self.global.default_service else { return };
        let asked = Target { service: service.clone(), port: PortRef::Unset };
        let backend = self.backends.resolve(asked, &Options::default());
        if backend.failed {
            return;
        }
        self.default_taken = true;
        self.table.default_service = Some(backend);
        self.push(any(), LEAST, self.places, Action::DefaultService);
    }

    fn push(&mut self, rule: Rule, priority: i64, places: Places, action: Action) {
        let places = Places { plain: places.plain & self.sound, tls: places.tls & self.sound };
        self.routes.push(Route::new(rule, priority, places));
        self.table.actions.push(action);
    }

    fn add(&mut self, ingress: &Ingress, options: Options) {
        let owner = self.table.owners.len();
        let name = ingress.meta.key();
        self.table.owners.push(Owner::new(ingress));
        self.table.canaries.push(options.canary.is_some());
        self.table.aliases.push(self.table.hosts.aliases_of(&name, &options));
        if options.canary.is_some() {
            return;
        }
        if options.ssl_passthrough {
            self.pass(owner, ingress, &options);
        }
        let missing = |secret: &Name| self.secrets.is_some_and(|secrets| !secrets.contains(secret));
        let namespace = &ingress.meta.namespace;
        for (annotation, text) in [
            ("proxy-ssl-secret", (!options.proxy_ssl_secret.is_empty()).then_some(&options.proxy_ssl_secret)),
            ("auth-tls-secret", options.auth_tls_secret.as_ref()),
        ] {
            let Some(text) = text else { continue };
            if secret(text, namespace, self.global, true).is_none_or(|secret| missing(&secret)) {
                return self.drop_all(owner, ingress, &options, annotation);
            }
        }
        for (r, p, host, path) in ingress.path_rules() {
            let place = Place::Path(r, p);
            match &path.backend {
                Backend::Service { .. } => {
                    let rule = self.rule_of(owner, host, &path.path, path.path_type);
                    self.add_location(owner, ingress, &options, place, host, &path.path, &path.backend, rule);
                }
                Backend::Resource { .. } | Backend::Missing => {
                    self.drop(owner, place, Note::NoServiceBackend, None);
                }
            }
        }
        if let Some(backend @ Backend::Service { .. }) = &ingress.default_backend {
            self.add_default(owner, ingress, &options, backend);
        }
    }

    fn rule_of(&self, owner: usize, host: &str, path: &str, path_type: PathType) -> Rule {
        let aliases = self.table.aliases.get(owner).map(Vec::as_slice).unwrap_or_default();
        rule(host, aliases, path, path_type, self.table.hosts.regex.contains(host))
    }

    fn add_default(&mut self, owner: usize, ingress: &Ingress, options: &Options, backend: &Backend) {
        let place = Place::DefaultBackend;
        if ingress.rules.is_empty() {
            if !std::mem::replace(&mut self.default_taken, true) {
                let before = self.routes.len();
                self.add_location(owner, ingress, options, place, "", "", backend, any());
                for route in self.routes.iter_mut().skip(before) {
                    route.priority = LEAST;
                }
            }
            return;
        }
        // All hosts of the Ingress share one router name, of which one is left.
        let hosts: BTreeSet<&str> = ingress.rules.iter().map(crate::model::ingress::Rule::host).collect();
        let group = self.routes.len();
        for host in &hosts {
            let before = self.routes.len();
            let rule = self.rule_of(owner, host, "", PathType::Prefix);
            self.add_location(owner, ingress, options, place, host, "", backend, rule);
            if hosts.len() > 1 {
                let alternatives = Alternatives { group, count: hosts.len() };
                for route in self.routes.iter_mut().skip(before) {
                    route.alternatives = Some(alternatives);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a place, with what its rule says and stands for")]
    fn add_location(
        &mut self,
        owner: usize,
        ingress: &Ingress,
        options: &Options,
        place: Place,
        host: &str,
        path: &str,
        backend: &Backend,
        rule: Rule,
    ) {
        let Some((service, port)) = backend.service() else { return };
        let namespace = &ingress.meta.namespace;
        let asked = Target { service: Name::new(namespace, service), port: port.clone() };
        let resolved = self.backends.resolve(asked.clone(), options);
        let is_global = place == Place::DefaultBackend && ingress.rules.is_empty();
        // The default backend of everything has no host to share anything with.
        let regex = !is_global && self.table.hosts.regex.contains(host);
        let snippet = self.table.hosts.snippets.get(host).filter(|_| !is_global);
        let snippet = snippet.map(String::as_str).unwrap_or_default();
        let has_tls = !ingress.tls.is_empty();
        let plain_only = options.ssl_passthrough && !is_global;
        let places = if plain_only { self.table.plain } else { self.places };
        let accepted = &self.accepted;
        let shared = Shared { places, has_tls, use_regex: regex, server_snippet: snippet, accepted };
        let left = Options { app_root: options.app_root.clone(), ..Options::default() };
        let bare = Shared { places, has_tls, use_regex: false, server_snippet: "", accepted };
        let broken = !is_global
            && (options.custom_headers.as_ref())
                .is_some_and(|reference| secret(reference, namespace, self.global, true).is_none());
        // What is broken answers so whatever else cannot be read.
        let mut without_canary = false;
        let location = Location::new(owner, place, path, resolved.clone(), options, &shared)
            .or_else(|annotation| {
                without_canary = broken;
                if !broken {
                    return Err(annotation);
                }
                Location::new(owner, place, path, resolved.clone(), &left, &bare)
            })
            .and_then(|location| self.furnish(location, ingress, options, broken));
        // Whose routers cannot be made is there all the same, for what the host has of it.
        let mut dead = false;
        let mut location = match location {
            Ok(location) if rule.is_sound() => location,
            Ok(_) | Err(_) => {
                if let Err(annotation) = location {
                    self.drop_by(owner, place, annotation);
                    if NOT_EVEN_THERE.contains(&annotation) {
                        self.count_root(host, options, path, Fate::Skipped);
                        return;
                    }
                } else {
                    self.drop(owner, place, Note::RuleInvalid { rule: rule.to_string() }, None);
                }
                dead = true;
                let bare = Shared {
                    places,
                    has_tls,
                    use_regex: false,
                    server_snippet: "",
                    accepted: &self.accepted,
                };
                let Ok(location) = Location::new(owner, place, path, resolved, &left, &bare) else {
                    return;
                };
                location
            }
        };
        if options.from_to_www && !location.broken {
            location.www = self.table.hosts.www(host);
        }
        let www = location.www.clone();
        let canary = match (place, self.canaries.get(&asked)) {
            (Place::Path(..), Some(canary)) => Some(canary.clone()),
            (_, _) => None,
        };
        location.canary = canary.as_ref().map(|canary| canary.share.clone());
        let number = self.table.locations.len();
        if !is_global {
            let fate = if location.broken { Fate::Broken(number) } else { Fate::Made(number) };
            self.count_root(host, options, path, fate);
        }
        self.table.locations.push(location);
        if let Some(canary) = canary.filter(|_| !dead && !without_canary) {
            for (conditions, action) in
                [(canary.takes(), Action::Canary(number)), (canary.leaves(), Action::Primary(number))]
            {
                if !conditions.is_empty() {
                    let own = self.rule_like(&rule, owner, host, path, ingress, place);
                    self.push(Rule { conditions, ..own }, 0, places, action);
                }
            }
        }
        if !dead {
            self.push(rule, 0, places, Action::Location(number));
        }
        if let Some(other) = www {
            let rule = Rule { hosts: vec![Host::Name(other)], path: Path::Any, conditions: Vec::new() };
            self.push(rule, 0, places, Action::Www { location: number, to: host.to_owned() });
        }
    }

    /// The same rule once more.
    fn rule_like(
        &self,
        like: &Rule,
        owner: usize,
        host: &str,
        path: &str,
        ingress: &Ingress,
        place: Place,
    ) -> Rule {
        let path_type = ingress.path_at(place).map_or(PathType::Prefix, |path| path.path_type);
        if like.hosts.is_empty() {
            return rule("", &[], path, path_type, self.table.hosts.regex.contains(host));
        }
        self.rule_of(owner, host, path, path_type)
    }

    /// What needs other objects: authentication, error pages, headers.
    fn furnish(
        &self,
        mut location: Location,
        ingress: &Ingress,
        options: &Options,
        broken: bool,
    ) -> Result<Location, &'static str> {
        let namespace = &ingress.meta.namespace;
        if let Some(kind) = &options.auth_type {
            if kind != "basic" && kind != "digest" {
                return Err("auth-type");
            }
            if !matches!(options.auth_secret_type.as_str(), "auth-file" | "auth-map") {
                return Err("auth-secret-type");
            }
            let secret = secret(&options.auth_secret, namespace, self.global, false).ok_or("auth-secret")?;
            match self.secrets {
                Some(secrets) if !secrets.contains(&secret) => return Err("auth-secret"),
                seen => location.auth = Some((secret, seen.is_none())),
            }
        }
        location.broken = broken;
        if !broken {
            location.error_page = self.error_page(namespace, options)?;
        }
        Ok(location)
    }

    fn error_page(&self, namespace: &str, options: &Options) -> Result<Option<ErrorPage>, &'static str> {
        let list = options.custom_errors.as_ref().unwrap_or(&self.global.custom_errors);
        // Only an annotation of the Ingress brings its own backend in.
        let spare = if options.custom_errors.is_some() { options.default_backend.as_str() } else { "" };
        if list.is_empty() || (spare.is_empty() && self.global.default_service.is_none()) {
            return Ok(None);
        }
        let backend: Resolved = if spare.is_empty() {
            self.table.default_service.clone().ok_or("custom-http-errors")?
        } else {
            let asked = Target { service: Name::new(namespace, spare), port: PortRef::Unset };
            self.backends.resolve(asked, options)
        };
        if backend.failed {
            return Err("default-backend");
        }
        let codes = codes(list).ok_or("custom-http-errors")?;
        Ok(Some(ErrorPage { codes, backend }))
    }

    fn count_root(&mut self, host: &str, options: &Options, path: &str, fate: Fate) {
        let roots = self.roots.entry(host.to_owned()).or_default();
        roots.add(options.app_root.as_ref(), path, fate);
    }

    /// TLS that is not ended here; the Ingress's routers are for plain requests only.
    fn pass(&mut self, owner: usize, ingress: &Ingress, options: &Options) {
        for (r, rule) in ingress.rules.iter().enumerate() {
            let root = rule.paths().iter().position(|path| path.path == "/");
            let (place, backend) = match (&rule.paths, root) {
                (Some(paths), Some(at)) => (Place::Path(r, at), paths.get(at).map(|path| &path.backend)),
                (Some(_), None) => (Place::Rule(r), None),
                (None, _) => (Place::DefaultBackend, ingress.default_backend.as_ref()),
            };
            let Some((service, port)) = backend.and_then(Backend::service) else { continue };
            let asked = Target { service: Name::new(&ingress.meta.namespace, service), port: port.clone() };
            let resolved = self.backends.resolve(asked, options);
            if rule.host().is_empty() || resolved.failed {
                continue;
            }
            let host = rule.host().to_ascii_lowercase();
            self.table.passthroughs.push(Passthrough { owner, place, host, backend: resolved });
        }
    }

    fn drop_all(&mut self, owner: usize, ingress: &Ingress, options: &Options, annotation: &'static str) {
        for (r, p, host, path) in ingress.path_rules() {
            self.drop_by(owner, Place::Path(r, p), annotation);
            if path.backend.service().is_some() {
                self.count_root(host, options, &path.path, Fate::Skipped);
            }
        }
        if ingress.default_backend.as_ref().is_some_and(|backend| backend.service().is_some()) {
            for rule in &ingress.rules {
                self.count_root(rule.host(), options, "", Fate::Skipped);
            }
        }
    }

    /// Without this annotation the place would have a router.
    fn drop_by(&mut self, owner: usize, place: Place, annotation: &'static str) {
        let ingress = self.table.owners.get(owner).map(|owner| owner.name.clone()).unwrap_or_default();
        let key = key(annotation);
        self.drop(owner, place, Note::Annotation { ingress, key: key.clone() }, Some(key));
    }

    fn drop(&mut self, owner: usize, place: Place, note: Note, annotation: Option<String>) {
        self.table.dropped.insert((owner, place), Dropped { note, annotation });
    }
}

/// The rule of default backends.
fn any() -> Rule {
    Rule { hosts: Vec::new(), path: Path::Prefix("/".to_owned()), conditions: Vec::new() }
}

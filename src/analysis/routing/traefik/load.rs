//! Ingresses to routers: annotations, Services, rules, places; and why a path has none.
//!
//! Source: traefik/traefik `pkg/provider/kubernetes/ingress/kubernetes.go`
//! (`loadConfigurationFromIngresses`), v3.7.13.

use std::collections::HashMap;

use super::annotations::{self, Router};
use super::entry_points::{EntryPoints, Places, Reference};
use super::explain::{Dropped, Owner, Unloaded};
use super::muxer::{Alternatives, Muxer, Route};
use super::rule::{Path, Rule};
use super::services::Services;
use super::{Action, Options, Table, internal_routes};
use crate::analysis::routing::{Input, Note, Refusal, Target};
use crate::model::ingress::{Backend, Ingress, PathRule, Place};
use crate::model::object::Name;

/// The highest priority that a router may ask for.
const MOST: i64 = i64::MAX - 1000;
/// Below every rule.
const LEAST: i64 = i32::MIN as i64;

/// A table in the making.
struct Builder<'a> {
    services: Services<'a>,
    /// Entry points whose own middlewares are there.
    sound: u64,
    table: Table,
    routes: Vec<Route>,
    /// Default backends, between which chance decides.
    defaults: Vec<usize>,
}

/// Everything the provider would load.
pub(super) fn load(input: &Input<'_>) -> Table {
    let options = Options::new(input.settings);
    let entry_points = EntryPoints::new(input.settings);
    let sound = entry_points.iter().filter(|(_, point)| entry_points.is_sound(point));
    let sound = sound.fold(0, |mask, (number, _)| mask | (1 << number));
    let mut sorted = input.ingresses.to_vec();
    sorted.sort_by_cached_key(|ingress| ingress.meta.key());
    let mut builder = Builder {
        services: Services::new(input, options.allow_empty),
        sound,
        table: Table {
            options,
            entry_points,
            muxer: Muxer::default(),
            actions: Vec::new(),
            owners: Vec::new(),
            routers: Vec::new(),
            dropped: HashMap::new(),
            unloaded: Vec::new(),
            refused: Vec::new(),
        },
        routes: Vec::new(),
        defaults: Vec::new(),
    };
    builder.add_internal();
    for ingress in sorted {
        builder.load(ingress);
    }
    let Builder { mut table, mut routes, defaults, .. } = builder;
    if let [group, _, ..] = *defaults.as_slice() {
        for number in &defaults {
            if let Some(route) = routes.get_mut(*number) {
                route.alternatives = Some(Alternatives { group, count: defaults.len() });
            }
        }
    }
    table.refused = table.unloaded.iter().map(|one| (one.name.clone(), one.refusal.clone())).collect();
    table.muxer = Muxer::new(routes);
    table
}

impl Builder<'_> {
    fn add_internal(&mut self) {
        for (route, is_acme) in internal_routes(&self.table.entry_points) {
            self.routes.push(route);
            self.table.actions.push(if is_acme { Action::Acme } else { Action::Redirect });
        }
    }

    fn load(&mut self, ingress: &Ingress) {
        let router = match Router::read(&ingress.meta.annotations) {
            Ok(router) => router,
            Err(annotations::Unreadable(key)) => return self.refuse(ingress, key),
        };
        let namespace = &ingress.meta.namespace;
        let barred = self.table.options.cross_provider.as_ref().is_some_and(|list| !list.contains(namespace));
        if barred && (!router.middlewares.is_empty() || router.tls_options) {
            let name =
                if router.middlewares.is_empty() { "router.tls.options" } else { "router.middlewares" };
            return self.refuse(ingress, format!("{}{name}", annotations::PREFIX));
        }
        let owner = self.table.owners.len();
        self.table.owners.push(Owner::new(ingress));
        if let (true, Some(backend)) = (ingress.rules.is_empty(), &ingress.default_backend) {
            self.add_default(owner, &router, namespace, backend);
        }
        // Of paths with the same rule the last one stays.
        let mut by_rule: HashMap<String, usize> = HashMap::new();
        for (r, p, host, path) in ingress.path_rules() {
            let place = Place::Path(r, p);
            match self.route(owner, &router, namespace, host, path, place) {
                Err(note) => {
                    // Its router is there, and broken: it has replaced the one before.
                    if matches!(note, Note::MiddlewareMissing { .. })
                        && let Some(rule) = self.table.rule(&router, host, &path.path, path.path_type)
                        && let Some(number) = by_rule.remove(&rule.to_string())
                    {
                        self.replace(owner, number, &note);
                    }
                    self.drop_place(owner, place, note);
                }
                Ok((route, action)) => match by_rule.get(&route.text) {
                    Some(number) => {
                        if let (Some(old), Some(own)) =
                            (self.routes.get_mut(*number), self.table.actions.get_mut(*number))
                        {
                            *old = route;
                            *own = action;
                        }
                    }
                    None => {
                        by_rule.insert(route.text.clone(), self.routes.len());
                        self.push(route, action);
                    }
                },
            }
        }
        self.table.routers.push(router);
    }

    /// Takes a route out again, for the reason of the one that stands in its place.
    fn replace(&mut self, owner: usize, number: usize, why: &Note) {
        if let Some(route) = self.routes.get_mut(number) {
            route.places = Places::default();
        }
        if let Some(Action::Forward { place, .. }) = self.table.actions.get(number) {
            let place = *place;
            self.drop_place(owner, place, why.clone());
        }
    }

    fn push(&mut self, mut route: Route, action: Action) {
        route.places.plain &= self.sound;
        route.places.tls &= self.sound;
        self.routes.push(route);
        self.table.actions.push(action);
    }

    fn refuse(&mut self, ingress: &Ingress, key: String) {
        let refusal = Refusal::InvalidAnnotation { key };
        self.table.unloaded.push(Unloaded::new(ingress, refusal));
    }

    fn drop_place(&mut self, owner: usize, place: Place, note: Note) {
        let middlewares = || format!("{}router.middlewares", annotations::PREFIX);
        let annotation = if let Note::Annotation { key, .. } = &note {
            Some(key.clone())
        } else if let Note::MiddlewareMissing { .. } = &note {
            Some(middlewares())
        } else {
            None
        };
        let own =
            |key: &String| self.table.owners.get(owner).is_some_and(|owner| owner.annotations.contains(key));
        let annotation = annotation.filter(own);
        self.table.dropped.insert((owner, place), Dropped { note, annotation });
    }

    fn add_default(&mut self, owner: usize, router: &Router, namespace: &str, backend: &Backend) {
        let place = Place::DefaultBackend;
        let loaded = self.forward(owner, router, namespace, backend, place);
        match loaded {
            Err(note) => self.drop_place(owner, place, note),
            Ok(action) => {
                let rule =
                    Rule { hosts: Vec::new(), path: Path::Prefix("/".to_owned()), conditions: Vec::new() };
                let route = Route::new(rule, LEAST, self.table.places(router));
                self.defaults.push(self.routes.len());
                self.push(route, action);
            }
        }
    }

    /// What a router of this Ingress does with requests; a note where there is none.
    fn forward(
        &mut self,
        owner: usize,
        router: &Router,
        namespace: &str,
        backend: &Backend,
        place: Place,
    ) -> Result<Action, Note> {
        let Some((service, port)) = backend.service() else { return Err(Note::NoServiceBackend) };
        let asked = Target { service: Name::new(namespace, service), port: port.clone() };
        let loaded = self.services.load(&asked)?;
        let target = Target { port: loaded.port.clone(), ..asked };
        let mut notes = Vec::new();
        for name in router.middlewares.iter().chain(loaded.middlewares.iter()) {
            match self.table.entry_points.reference(name) {
                Reference::Missing => return Err(Note::MiddlewareMissing { name: name.clone() }),
                Reference::Unseen => notes.push(Note::MiddlewareUnseen { name: name.clone() }),
            }
        }
        Ok(Action::Forward { owner, place, target, servers: loaded.servers, notes })
    }

    fn route(
        &mut self,
        owner: usize,
        router: &Router,
        namespace: &str,
        host: &str,
        path: &PathRule,
        place: Place,
    ) -> Result<(Route, Action), Note> {
        let action = self.forward(owner, router, namespace, &path.backend, place)?;
        let key = |name: &str| format!("{}{name}", annotations::PREFIX);
        let annotated = |name: &str| {
            let ingress = self.table.owners.get(owner).map(|owner| owner.name.clone()).unwrap_or_default();
            Note::Annotation { ingress, key: key(name) }
        };
        let rule = self.table.rule(router, host, &path.path, path.path_type);
        let Some(rule) = rule else { return Err(annotated("router.pathmatcher")) };
        if !rule.is_sound() {
            return Err(Note::RuleInvalid { rule: rule.to_string() });
        }
        let places = self.table.places(router);
        if places == Places::default() {
            return Err(annotated("router.entrypoints"));
        }
        if router.priority > MOST {
            return Err(annotated("router.priority"));
        }
        Ok((Route::new(rule, router.priority, places), action))
    }
}

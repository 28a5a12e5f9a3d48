//! Contour, held to recorded answers of 1.33.8 with Envoy 1.38.3.
//!
//! A route is kept by virtual host, path condition and kind: a later one replaces it. Within an
//! Ingress the later path wins; between Ingresses nothing orders them, and the choice is a set. A rule
//! whose Service or port is missing is left out before its path is read. A host with a TLS Secret gets a virtual host of its
//! own for https; annotations keep plain requests out, or send them there.
//! Assumptions: no HTTPProxy and no Gateway API objects take part; Secrets are valid where they exist.
//! Sources: projectcontour/contour `internal/dag/ingress_processor.go`, `internal/dag/accessors.go`,
//! `internal/sorter/sorter.go`, `internal/envoy/v3`, `internal/annotation`, 1.33.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::model::controller::{ControllerKind, Version};
use crate::model::ingress::{Backend, Ingress, PathType, Place};
use crate::model::object::Name;

use super::envoy::{Builder, Choice, Flavour, Label, Normalisation, PathMatch, Secure, Table, kept, whole};
use super::heads::Accepted;
use super::serving::Services;
use super::{Basis, Input, Note, Reason, Releases, RouteTable, RoutingModel};

mod settings;

use settings::Config;
pub use settings::serves_external_names;

/// Project Contour.
#[derive(Debug)]
pub struct Contour;

impl RoutingModel for Contour {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Contour
    }

    fn basis(&self) -> Basis {
        Basis::Exact
    }

    fn releases(&self) -> Option<Releases> {
        Some(Releases { since: Version::new(1, 33, 0), before: Version::new(1, 34, 0) })
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(compile(input))
    }
}

const FORCE_SSL: &str = "ingress.kubernetes.io/force-ssl-redirect";
const ALLOW_HTTP: &str = "kubernetes.io/ingress.allow-http";

/// How a path is compared: what looks like a pattern is one.
fn matcher(path: &str, path_type: PathType) -> PathMatch {
    let path = if path.is_empty() { "/" } else { path };
    match path_type {
        PathType::Exact => PathMatch::Exact(path.to_owned()),
        PathType::Prefix if path == "/" => PathMatch::Prefix(path.to_owned()),
        PathType::Prefix => PathMatch::Elements(path.trim_end_matches('/').to_owned()),
        PathType::ImplementationSpecific if path.contains(['^', '+', '*', '[', ']', '%']) => {
            PathMatch::Pattern(path.to_owned())
        }
        PathType::ImplementationSpecific => PathMatch::Prefix(path.to_owned()),
    }
}

/// Whole paths, then patterns, then beginnings; of these the longer first, then the later text.
fn order(matcher: &PathMatch) -> (u8, Reverse<usize>, Reverse<String>, bool) {
    match matcher {
        PathMatch::Exact(text) => (0, Reverse(0), Reverse(text.clone()), false),
        PathMatch::Pattern(text) => (1, Reverse(text.len()), Reverse(text.clone()), false),
        PathMatch::Elements(text) => (2, Reverse(text.len()), Reverse(text.clone()), false),
        PathMatch::Prefix(text) => (2, Reverse(text.len()), Reverse(text.clone()), true),
    }
}

fn compile(input: &Input<'_>) -> Table {
    let config = Config::new(input.settings);
    let mut sorted = input.ingresses.to_vec();
    sorted.sort_by_cached_key(|ingress| ingress.meta.key());
    let Secured { hosts: tls_hosts, unseen: secrets, unsure: tls_unsure } = secured(&sorted, input);
    let mut translation = Translation {
        services: Services::new(input.snapshot, config.external_names),
        tls_hosts,
        plain: Builder::default(),
        tls: Builder::default(),
        faults: HashMap::new(),
        accepted: Accepted::default(),
    };
    for (number, ingress) in sorted.iter().enumerate() {
        translation.add(number, ingress);
    }
    let notes = if config.unseen { vec![Note::SettingsUnseen] } else { Vec::new() };
    Table {
        flavour: Flavour {
            normalisation: Normalisation {
                resolves: true,
                merges_slashes: config.merges_slashes,
                decodes_slashes: false,
            },
            strips_dot: config.strips_dot,
            wildcards_take_ports: true,
            label: Label::OneLowerCase,
            secure: Secure::TableOfItsOwn,
            redirect: 301,
            matcher,
        },
        plain: translation.plain.finish(|matcher, _| order(matcher)),
        tls: translation.tls.finish(|matcher, _| order(matcher)),
        ingresses: kept(&sorted),
        faults: translation.faults,
        tls_unsure,
        secrets,
        notes,
    }
}

/// What TLS is ended for.
#[derive(Default)]
struct Secured {
    hosts: HashSet<String>,
    /// Secrets behind hosts that were not seen.
    unseen: HashMap<String, Name>,
    /// An Ingress ends the search for hosts, and nothing orders the others before or behind it.
    unsure: bool,
}

fn secured(ingresses: &[&Ingress], input: &Input<'_>) -> Secured {
    let mut found = Secured::default();
    let roots = input.settings.value("root-namespaces").filter(|roots| !roots.trim().is_empty());
    // With root namespaces, Secrets of no other are seen.
    let sees =
        |namespace: &str| roots.is_none_or(|roots| roots.split(',').any(|root| root.trim() == namespace));
    for ingress in ingresses {
        for tls in &ingress.tls {
            let Some(secret) = tls.secret.as_deref().filter(|secret| !secret.is_empty()) else { continue };
            let elsewhere = ingress.meta.annotation("projectcontour.io/tls-cert-namespace");
            let namespace = elsewhere.unwrap_or(&ingress.meta.namespace);
            let (namespace, name) = secret.split_once('/').unwrap_or((namespace, secret));
            let name = Name::new(namespace, name);
            // A Secret of another namespace also needs a delegation, which is not read.
            let is_own = name.namespace == ingress.meta.namespace;
            // A capture without any Secret was taken without them.
            let seen = input.snapshot.secrets.as_ref().filter(|names| !names.is_empty());
            let known = seen.map(|names| names.contains(&name));
            if known == Some(false) || tls.hosts.is_empty() || !sees(&name.namespace) {
                continue;
            }
            if has_no_version(ingress) {
                found.unsure = true;
                break;
            }
            for host in &tls.hosts {
                if known.is_none() || !is_own {
                    found.unseen.insert(host.clone(), name.clone());
                }
                found.hosts.insert(host.clone());
            }
        }
    }
    found
}

/// Whether its lowest version of TLS is above its highest.
fn has_no_version(ingress: &Ingress) -> bool {
    let is = |key: &str, version: &str| ingress.meta.annotation(key) == Some(version);
    is("projectcontour.io/tls-minimum-protocol-version", "1.3")
        && is("projectcontour.io/tls-maximum-protocol-version", "1.2")
}

struct Translation<'a> {
    services: Services<'a>,
    tls_hosts: HashSet<String>,
    plain: Builder,
    tls: Builder,
    faults: HashMap<(usize, Place), Reason>,
    /// Patterns that compile.
    accepted: Accepted,
}

impl Translation<'_> {
    fn add(&mut self, number: usize, ingress: &Ingress) {
        let is = |key: &str, value: &str| ingress.meta.annotation(key) == Some(value);
        let upgrade = is(FORCE_SSL, "true")
            .then(|| Note::Annotation { ingress: ingress.meta.key(), key: FORCE_SSL.to_owned() });
        let is_plain = upgrade.is_some() || !is(ALLOW_HTTP, "false");
        let mut adding = Adding { number, ingress, upgrade, is_plain };
        if let Some(backend) = &ingress.default_backend {
            let matcher = PathMatch::Prefix("/".to_owned());
            self.add_route(&mut adding, "*", Place::DefaultBackend, matcher, backend);
        }
        for (r, rule) in ingress.rules.iter().enumerate() {
            let domain = if rule.host().is_empty() { "*" } else { rule.host() };
            let mut broken: Option<&str> = None;
            for (p, path) in rule.paths().iter().enumerate() {
                let place = Place::Path(r, p);
                let matcher = matcher(&path.path, path.path_type);
                let resolved = self.services.resolve(&ingress.meta.namespace, &path.backend);
                if let PathMatch::Pattern(pattern) = &matcher
                    && broken.is_none()
                    && resolved.is_some_and(|(_, health)| health.resolves())
                    && !self.accepted.is(pattern, || whole(pattern).is_some())
                {
                    broken = Some(&path.path);
                }
                // Nothing of a rule is read behind a pattern that does not compile.
                if let Some(pattern) = broken {
                    let note = Note::PatternInvalid { pattern: pattern.to_owned() };
                    self.faults.insert((number, place), Reason::LeftOut(note));
                    continue;
                }
                self.add_route(&mut adding, domain, place, matcher, &path.backend);
            }
        }
    }

    fn add_route(
        &mut self,
        adding: &mut Adding<'_>,
        domain: &str,
        place: Place,
        matcher: PathMatch,
        backend: &Backend,
    ) {
        let Some((target, health)) = self.services.resolve(&adding.ingress.meta.namespace, backend) else {
            self.faults.insert((adding.number, place), Reason::ResourceBackend);
            return;
        };
        if !health.resolves() {
            if let Some(note) = health.note(&target) {
                self.faults.insert((adding.number, place), Reason::LeftOut(note));
            }
            return;
        }
        let choice =
            Choice { ingress: adding.number, place, target, health, upgrade: adding.upgrade.clone() };
        if self.tls_hosts.contains(domain) {
            replace(self.tls.route(domain, matcher.clone()), choice.clone());
        }
        if adding.is_plain
            && let Some(before) = replace(self.plain.route(domain, matcher), choice)
        {
            let of = adding.ingress.meta.key();
            self.faults.insert((adding.number, before), Reason::Duplicate { of });
        }
    }
}

/// The Ingress whose routes are being added.
struct Adding<'a> {
    number: usize,
    ingress: &'a Ingress,
    upgrade: Option<Note>,
    /// Plain requests reach it.
    is_plain: bool,
}

/// Puts a choice in place of an earlier one of the same Ingress, else next to the others; returns the
/// place it took.
fn replace(choices: &mut Vec<Choice>, choice: Choice) -> Option<Place> {
    match choices.last_mut().filter(|last| last.ingress == choice.ingress) {
        Some(last) => Some(std::mem::replace(last, choice).place),
        None => {
            choices.push(choice);
            None
        }
    }
}

#[cfg(test)]
mod tests;

//! haproxytech/kubernetes-ingress, held to recorded answers of 3.2.11 on HAProxy 3.2.26.
//!
//! Every path becomes rows of three map files, sorted by their text; a request's host is looked up
//! first (exact, then without its first label), and only the rows of that host are asked: whole paths,
//! then the whole paths of prefixes, then the longest beginning. A row names a backend and the rules
//! (redirects, rewrites, …) of its Ingress. What no row takes goes to the one default backend.
//! Assumptions: the controller loaded exactly the given objects, from a fresh start; the client's
//! address is unknown; snippets and custom resources are not followed.
//! Sources: haproxytech/kubernetes-ingress `pkg/ingress`, `pkg/route`, `pkg/service`,
//! `pkg/annotations`, `pkg/store/convert.go`, 3.2.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::controller::{ControllerKind, Version};
use crate::model::ingress::{Backend, Ingress, PathType, Place, PortRef, Rule};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::Lookup;

use super::candidates::{Candidate, of_rules};
use super::serving::{Health, Services};
use super::{
    Basis, Decision, Explanation, Input, Note, Reason, Refusal, Releases, ReloadFailure, RouteTable,
    RoutingModel, Target,
};

mod acl;
mod decide;
mod explain;
mod global;
mod maps;
mod options;
mod redirect;
mod rewrite;

use global::Global;
use maps::{Maps, Row};
use options::Options;

/// HAProxy Technologies' controller.
#[derive(Debug)]
pub struct Haproxytech;

impl RoutingModel for Haproxytech {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Haproxytech
    }

    fn basis(&self) -> Basis {
        Basis::Exact
    }

    fn releases(&self) -> Option<Releases> {
        Some(Releases { since: Version::new(3, 2, 0), before: Version::new(3, 3, 0) })
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

/// A backend section of HAProxy's configuration.
#[derive(Debug)]
struct Section {
    name: String,
    target: Target,
    health: Health,
    /// TLS is passed through to it: it takes no requests.
    tcp: bool,
}

impl Section {
    /// Whether the name survives `field(1,.)`, which cuts a row's value off at the first dot.
    fn is_reached_by_row(&self) -> bool {
        !self.name.contains('.')
    }
}

/// A path whose Service carries `route-acl`: a `use_backend` of its own, ahead of the maps.
#[derive(Debug)]
struct Custom {
    ingress: usize,
    place: Place,
    section: usize,
    path: acl::Path,
    condition: acl::Condition,
}

/// Why a path has no row.
#[derive(Debug, Clone)]
enum Fault {
    Backend(Note),
    Resource,
    /// The same path of the same Service stands in the Ingress again.
    Overwritten,
}

#[derive(Debug)]
struct Table {
    global: Global,
    /// Sorted by name.
    ingresses: Vec<(Name, Vec<Rule>)>,
    options: Vec<Options>,
    /// What the ConfigMap asks of all requests.
    for_all: Options,
    sections: Vec<Section>,
    maps: Maps,
    customs: Vec<Custom>,
    faults: HashMap<(usize, Place), Fault>,
    /// Default backends: by Ingress where one sets it, and the section.
    defaults: Vec<(Option<usize>, usize)>,
    failure: Option<ReloadFailure>,
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let global = Global::new(input.settings);
        let mut sorted = input.ingresses.to_vec();
        sorted.sort_by_cached_key(|ingress| ingress.meta.key());
        let mut options: Vec<Options> =
            sorted.iter().map(|ingress| Options::new(Some(ingress), &global)).collect();
        let for_all = order_rules(&mut options, &sorted, &global);
        let mut failure = sorted.iter().zip(&options).find_map(|(ingress, options)| {
            let cause = options.broken.clone().filter(|_| !ingress.rules.is_empty())?;
            let host = ingress.hosts().first().copied().unwrap_or_default().to_owned();
            Some(ReloadFailure { cause, host, between: vec![ingress.meta.key()] })
        });
        let mut builder = Builder {
            services: Services::new(input.snapshot, global.external_names),
            standalone: global.config("standalone-backend") == Some("true"),
            names: HashMap::new(),
            sections: Vec::new(),
            maps: Maps::default(),
            customs: Vec::new(),
            faults: HashMap::new(),
        };
        for (number, ingress) in sorted.iter().enumerate() {
            if let Some(options) = options.get(number) {
                builder.add(number, ingress, options);
            }
        }
        builder.maps.sort();
        let defaults = builder.defaults(&sorted, &options, &global);
        if failure.is_none() {
            failure = builder.bad_custom(&sorted);
        }
        Self {
            for_all,
            global,
            ingresses: sorted.iter().map(|ingress| (ingress.meta.key(), ingress.rules.clone())).collect(),
            options,
            sections: builder.sections,
            maps: builder.maps,
            customs: builder.customs,
            faults: builder.faults,
            defaults,
            failure,
        }
    }

    fn section(&self, number: usize) -> Option<&Section> {
        self.sections.get(number)
    }

    fn name_of(&self, ingress: usize) -> Name {
        self.ingresses.get(ingress).map(|(name, _)| name.clone()).unwrap_or_default()
    }

    fn candidate(&self, ingress: usize, place: Place) -> Option<Candidate<'_>> {
        let (name, rules) = self.ingresses.get(ingress)?;
        let Place::Path(r, p) = place else { return None };
        let rule = rules.get(r)?;
        Some(Candidate { ingress: name, place, host: rule.host(), rule: rule.paths().get(p)? })
    }

    fn fault(&self, ingress: usize, place: Place) -> Option<Reason> {
        self.faults.get(&(ingress, place)).map(|fault| match fault {
            Fault::Backend(note) => Reason::LeftOut(note.clone()),
            Fault::Resource => Reason::ResourceBackend,
            Fault::Overwritten => Reason::Duplicate { of: self.name_of(ingress) },
        })
    }
}

/// Settles what the rules of Ingresses and ConfigMap have to do with each other; the latter's rules for
/// all requests.
fn order_rules(options: &mut [Options], ingresses: &[&Ingress], global: &Global) -> Options {
    let mut for_all = Options::new(None, global);
    // An Ingress without rules has its annotations not read.
    let counts = |number: usize| ingresses.get(number).is_some_and(|ingress| !ingress.rules.is_empty());
    let redirects: Vec<(usize, Vec<redirect::Redirect>)> = options
        .iter()
        .enumerate()
        .filter(|(number, options)| counts(*number) && !options.redirects.is_empty())
        .map(|(number, options)| (number, options.redirects.clone()))
        .collect();
    for (number, options) in options.iter_mut().enumerate() {
        options.order_redirects(&for_all, &redirects, number);
    }
    for_all.keep_for_all(options.iter().enumerate().filter(|(number, _)| counts(*number)).map(|(_, o)| o));
    for_all
}

struct Builder<'a> {
    services: Services<'a>,
    /// The ConfigMap asks for a backend for each Ingress.
    standalone: bool,
    names: HashMap<String, usize>,
    sections: Vec<Section>,
    maps: Maps,
    customs: Vec<Custom>,
    faults: HashMap<(usize, Place), Fault>,
}

/// What tells paths of one Ingress apart: all but the number of the port.
type PathKey<'a> = (&'a str, PathType, &'a str, &'a str, &'a str);

impl Builder<'_> {
    fn add(&mut self, number: usize, ingress: &Ingress, options: &Options) {
        let name = ingress.meta.key();
        let mut last: HashMap<PathKey<'_>, Place> = HashMap::new();
        for candidate in of_rules(&name, &ingress.rules) {
            let Some((service, port)) = candidate.rule.backend.service() else {
                self.faults.insert((number, candidate.place), Fault::Resource);
                continue;
            };
            let port_name = if let PortRef::Name(name) = port { name.as_str() } else { "" };
            let key =
                (candidate.host, candidate.rule.path_type, candidate.rule.path.as_str(), service, port_name);
            if let Some(before) = last.insert(key, candidate.place) {
                self.faults.insert((number, before), Fault::Overwritten);
            }
        }
        let mut kept: Vec<Place> = last.into_values().collect();
        kept.sort();
        for place in kept {
            let Place::Path(r, p) = place else { continue };
            let Some(rule) = ingress.rules.get(r) else { continue };
            let Some(path) = rule.paths().get(p) else { continue };
            let Some((service, port)) = path.backend.service() else { continue };
            let target = Target { service: Name::new(&name.namespace, service), port: port.clone() };
            match self.section(&target, &name, options.standalone) {
                Ok((section, condition)) => {
                    if let Some(section) = self.sections.get_mut(section) {
                        section.tcp |= options.passthrough;
                    }
                    let candidate = Candidate { ingress: &name, place, host: rule.host(), rule: path };
                    match condition {
                        Some(text) => self.customs.push(Custom {
                            ingress: number,
                            place,
                            section,
                            path: acl::Path::new(path.path_type, &path.path),
                            condition: acl::Condition::new(&text),
                        }),
                        None => self.add_rows(number, &candidate, section, options),
                    }
                }
                Err(note) => {
                    self.faults.insert((number, place), Fault::Backend(note));
                }
            }
        }
    }

    /// A path with a condition that HAProxy does not take.
    fn bad_custom(&self, ingresses: &[&Ingress]) -> Option<ReloadFailure> {
        self.customs.iter().find_map(|custom| {
            let is_tcp = self.sections.get(custom.section).is_some_and(|section| section.tcp);
            let cause = match () {
                () if custom.condition.is_refused() => format!("route-acl {:?}", custom.condition.text),
                () if !custom.path.is_valid() => "a path beside route-acl that is no pattern".to_owned(),
                () if is_tcp => "route-acl beside ssl-passthrough".to_owned(),
                () => return None,
            };
            let ingress = ingresses.get(custom.ingress)?;
            let host = ingress.hosts().first().copied().unwrap_or_default().to_owned();
            Some(ReloadFailure { cause, host, between: vec![ingress.meta.key()] })
        })
    }

    fn add_rows(&mut self, number: usize, candidate: &Candidate<'_>, section: usize, options: &Options) {
        if candidate.host.is_empty() && candidate.rule.path.is_empty() {
            self.faults.insert((number, candidate.place), Fault::Resource);
            return;
        }
        let Some(name) = self.sections.get(section).map(|section| section.name.as_str()) else { return };
        let value = if options.fingerprint.is_empty() { name.to_owned() } else { format!("{name}.") };
        let row = Row { cut: false, value, ingress: number, place: candidate.place, section };
        if options.passthrough {
            if candidate.host.is_empty() {
                self.faults.insert((number, candidate.place), Fault::Resource);
                return;
            }
            self.maps.add_passthrough(candidate.host, row.clone());
        }
        self.maps.add(candidate.host, candidate.rule, row);
    }

    /// The section of a target, and the condition that its Service sets; or why there is none.
    fn section(
        &mut self,
        target: &Target,
        ingress: &Name,
        standalone: bool,
    ) -> Result<(usize, Option<String>), Note> {
        let service = match self.services.get(&target.service) {
            Lookup::Found(service) => Some(service),
            Lookup::Absent => return Err(Note::ServiceMissing(target.service.clone())),
            Lookup::Unseen(_) => None,
        };
        let port = service.map(|service| {
            let missing = Note::PortMissing { service: target.service.clone(), port: target.port.clone() };
            service.port(&target.port).ok_or(missing)
        });
        let port = port.transpose()?;
        let annotation =
            |key: &str| service.and_then(|service| options::annotation(&service.meta.annotations, key));
        let standalone = standalone
            || self.standalone
            || annotation("standalone-backend").is_some_and(|(_, v)| v == "true");
        let condition = annotation("route-acl").map(|(_, value)| value.to_owned());
        let port_name = match port {
            Some(port) => port.name.clone().unwrap_or_else(|| port.number.to_string()),
            None => target.port.to_string(),
        };
        let Name { namespace, name } = &target.service;
        let name = if standalone {
            format!("{namespace}_{}_svc_{name}_{port_name}", ingress.name)
        } else {
            format!("{namespace}_svc_{name}_{port_name}")
        };
        let health = match (service, port) {
            (Some(service), Some(port)) => self.services.behind(service, port),
            (_, _) => Health::Unseen,
        };
        if health == Health::ExternalBarred {
            return Err(Note::ExternalNameBarred(target.service.clone()));
        }
        let target = match port {
            Some(port) => Target { service: target.service.clone(), port: PortRef::Number(port.number) },
            None => target.clone(),
        };
        let next = self.sections.len();
        let number = *self.names.entry(name.clone()).or_insert(next);
        if number == next {
            self.sections.push(Section { name, target, health, tcp: false });
        }
        Ok((number, condition.filter(|condition| !condition.is_empty())))
    }

    /// The default backends that the Ingresses set, any of which may be the one in force; else the
    /// Service that the arguments name.
    fn defaults(
        &mut self,
        ingresses: &[&Ingress],
        options: &[Options],
        global: &Global,
    ) -> Vec<(Option<usize>, usize)> {
        let mut found: BTreeMap<Target, (Option<usize>, usize)> = BTreeMap::new();
        for (number, ingress) in ingresses.iter().enumerate() {
            let Some(Backend::Service { name, port }) = &ingress.default_backend else { continue };
            let target = Target { service: Name::new(&ingress.meta.namespace, name), port: port.clone() };
            let standalone = options.get(number).is_some_and(|options| options.standalone);
            if let Ok((section, _)) = self.section(&target, &ingress.meta.key(), standalone)
                && let Some(target) = self.sections.get(section).map(|section| section.target.clone())
            {
                found.entry(target).or_insert((Some(number), section));
            }
        }
        if found.is_empty()
            && let Some(service) = &global.default_service
            && let Some(target) = self.first_port(service)
            && let Ok((section, _)) = self.section(&target, &Name::default(), false)
        {
            found.insert(target, (None, section));
        }
        found.into_values().collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn first_port(&self, service: &Name) -> Option<Target> {
        let port = match self.services.get(service) {
            Lookup::Found(found) => found.ports.first().map(|port| PortRef::Number(port.number))?,
            Lookup::Unseen(_) => PortRef::Unset,
            Lookup::Absent => return None,
        };
        Some(Target { service: service.clone(), port })
    }
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        decide::decide(self, request)
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        explain::explain(self, request, limit)
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &[]
    }

    fn reload_failure(&self) -> Option<&ReloadFailure> {
        self.failure.as_ref()
    }
}

#[cfg(test)]
mod tests;

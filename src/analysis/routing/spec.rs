//! The Ingress API's own text, for controllers whose ways are not known.
//!
//! A precise host before a wildcard before none, and no second chance elsewhere; `Exact` before the
//! longest `Prefix`, element by element, case-sensitive; then the default backend. What the text
//! leaves open stays open: two Ingresses with one host, path and type are a set to choose from, and
//! `ImplementationSpecific` reads as `Prefix`. Whether a backend answers is noted, not judged.
//! Sources: kubernetes/website `docs/concepts/services-networking/ingress.md` (tables of paths and
//! hosts); kubernetes `staging/src/k8s.io/api/networking/v1/types.go`;
//! kubernetes-sigs/ingress-controller-conformance `features/`.

use std::collections::HashMap;

use crate::model::controller::ControllerKind;
use crate::model::host::spec_match;
use crate::model::ingress::{Backend, PathType, Place, Rule};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::{Lookup, Snapshot};

use super::candidates::{Candidate, Losers, host_distance, of_rules, path_distance};
use super::nearest::{host_edit, path_edit, spec_takes};
use super::{
    Basis, Decision, Edit, Explanation, Input, Note, Outcome, Reason, Refusal, RouteTable, RoutingModel,
    Target, Winner,
};

/// The Ingress API.
#[derive(Debug)]
pub struct Spec;

impl RoutingModel for Spec {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Spec
    }

    fn basis(&self) -> Basis {
        Basis::SpecOnly
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

/// A path of an Ingress: Ingress, rule and path by number.
type At = (usize, usize, usize);

#[derive(Debug, Default)]
struct Host {
    exact: HashMap<String, Vec<At>>,
    /// Without slashes at the end.
    prefix: HashMap<String, Vec<At>>,
}

#[derive(Debug)]
struct Table {
    /// Sorted by name.
    ingresses: Vec<(Name, Vec<Rule>)>,
    hosts: HashMap<String, Host>,
    /// Default backends, of the Ingresses by number.
    defaults: Vec<(usize, Backend)>,
    /// What is wrong with Services that rules name.
    faults: HashMap<Target, Note>,
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let mut sorted = input.ingresses.to_vec();
        sorted.sort_by_cached_key(|ingress| ingress.meta.key());
        let mut table = Self {
            ingresses: Vec::with_capacity(sorted.len()),
            hosts: HashMap::new(),
            defaults: Vec::new(),
            faults: HashMap::new(),
        };
        for (number, ingress) in sorted.into_iter().enumerate() {
            let namespace = &ingress.meta.namespace;
            for (r, p, host, path) in ingress.path_rules() {
                table.check(namespace, &path.backend, input.snapshot);
                let host = table.hosts.entry(host.to_ascii_lowercase()).or_default();
                let text = if path.path.is_empty() { "/" } else { &path.path };
                let (paths, key) = match path.path_type {
                    PathType::Exact => (&mut host.exact, text),
                    PathType::Prefix | PathType::ImplementationSpecific => {
                        (&mut host.prefix, text.trim_end_matches('/'))
                    }
                };
                paths.entry(key.to_owned()).or_default().push((number, r, p));
            }
            if let Some(backend) = &ingress.default_backend {
                table.check(namespace, backend, input.snapshot);
                table.defaults.push((number, backend.clone()));
            }
            table.ingresses.push((ingress.meta.key(), ingress.rules.clone()));
        }
        table
    }

    fn check(&mut self, namespace: &str, backend: &Backend, snapshot: &Snapshot) {
        let Some(target) = target(namespace, backend) else { return };
        let note = match snapshot.services.get(namespace, &target.service.name) {
            Lookup::Found(service) if service.port(&target.port).is_some() => return,
            Lookup::Found(_) => {
                Note::PortMissing { service: target.service.clone(), port: target.port.clone() }
            }
            Lookup::Absent => Note::ServiceMissing(target.service.clone()),
            Lookup::Unseen(_) => Note::BackendUnseen(target.service.clone()),
        };
        self.faults.insert(target, note);
    }

    /// The most precise of the rules' hosts that takes the request's.
    fn host(&self, asked: &str) -> Option<(&str, &Host)> {
        let get = |host: &str| self.hosts.get_key_value(host);
        let wildcard = || {
            let (label, parent) = asked.split_once('.')?;
            if label.is_empty() { None } else { get(&format!("*.{parent}")) }
        };
        get(asked).or_else(wildcard).or_else(|| get("")).map(|(key, host)| (key.as_str(), host))
    }

    /// The paths that are equally good, best first.
    fn find(&self, request: &Request) -> &[At] {
        let path = request.path.as_str();
        let Some((_, host)) = self.host(request.host.as_str()) else { return &[] };
        if let Some(found) = host.exact.get(path) {
            return found;
        }
        let whole = path.trim_end_matches('/');
        let ends = path.match_indices('/').map(|(at, _)| at).rev();
        let heads = ends.filter(|at| *at < whole.len()).filter_map(|at| path.get(..at));
        let mut heads = std::iter::once(whole).chain(heads);
        heads.find_map(|head| host.prefix.get(head)).map(Vec::as_slice).unwrap_or_default()
    }

    fn winner(&self, (number, r, p): At) -> Option<Winner> {
        let (ingress, rules) = self.ingresses.get(number)?;
        let rule = rules.get(r)?;
        let path = rule.paths().get(p)?;
        Some(Winner {
            ingress: ingress.clone(),
            place: Place::Path(r, p),
            host: rule.host().to_owned(),
            path: path.path.clone(),
            path_type: Some(path.path_type),
            backend: target(&ingress.namespace, &path.backend),
            rendered: format!("{} {}", path.path_type.as_str(), path.path),
        })
    }

    fn default_winner(&self, number: usize, backend: &Backend) -> Option<Winner> {
        let (ingress, _) = self.ingresses.get(number)?;
        Some(Winner {
            ingress: ingress.clone(),
            place: Place::DefaultBackend,
            host: String::new(),
            path: String::new(),
            path_type: None,
            backend: target(&ingress.namespace, backend),
            rendered: "default backend".to_owned(),
        })
    }
}

fn target(namespace: &str, backend: &Backend) -> Option<Target> {
    let (service, port) = backend.service()?;
    Some(Target { service: Name::new(namespace, service), port: port.clone() })
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let found = self.find(request);
        let winners: Vec<Winner> = if found.is_empty() {
            let defaults = self.defaults.iter();
            defaults.filter_map(|(number, backend)| self.default_winner(*number, backend)).collect()
        } else {
            found.iter().filter_map(|at| self.winner(*at)).collect()
        };
        let Some(first) = winners.first() else { return Decision::bare(Outcome::NoRoute, Some(404)) };
        let mut targets: Vec<Target> = winners.iter().filter_map(|winner| winner.backend.clone()).collect();
        targets.sort();
        targets.dedup();
        let mut decision = Decision::bare(Outcome::Routed, None);
        decision.upstream_path = Some(request.path.as_str().to_owned());
        if targets.len() > 1 {
            decision.outcome = Outcome::Undefined;
            decision.one_of = targets;
        } else {
            decision.notes.extend(targets.first().and_then(|target| self.faults.get(target)).cloned());
        }
        decision.winner = Some(first.clone());
        decision
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        let asked = request.host.as_str();
        let path = request.path.as_str();
        let found = self.find(request);
        let winner = found.first().and_then(|at| self.winner(*at));
        let chosen = self.host(asked).map(|(key, _)| key);
        let is_chosen = |host: &str| chosen.is_some_and(|chosen| host.eq_ignore_ascii_case(chosen));
        let mut losers = Losers::new();
        for (number, (ingress, rules)) in self.ingresses.iter().enumerate() {
            for candidate in of_rules(ingress, rules) {
                losers.count();
                let Candidate { place, host, rule, .. } = candidate;
                let text = if rule.path.is_empty() { "/" } else { &rule.path };
                let takes = spec_takes(text, rule.path_type, path);
                if matches!(place, Place::Path(r, p) if found.contains(&(number, r, p))) {
                    continue;
                }
                if is_chosen(host) {
                    let why = if takes { Why::LessSpecific } else { Why::Path };
                    losers.lose((u8::from(!takes), path_distance(text, path)), candidate, why);
                    if found.is_empty() {
                        losers.near(candidate, path_edit(text, rule.path_type, path));
                    }
                } else if spec_match(host, asked) {
                    losers.lose((2, path_distance(text, path)), candidate, Why::OtherHost);
                } else {
                    losers.lose((3, host_distance(host, asked)), candidate, Why::Host);
                    if takes && found.is_empty() {
                        losers.near(candidate, host_edit(host, request));
                    }
                }
            }
            let own = rules.iter().position(|rule| !rule.paths().is_empty() && is_chosen(rule.host()));
            if let Some(at) = own.filter(|_| found.is_empty()) {
                let edit = Edit::AddPath { path: path.to_owned(), path_type: PathType::Prefix };
                losers.add_edit(9, ingress, Place::Rule(at), edit);
            }
        }
        losers.keep_asked(limit, request, |asked| self.decide(asked));
        losers.explain(limit, |_, why| match (why, &winner) {
            (Why::LessSpecific, Some(winner)) => {
                Reason::LessSpecific { than: winner.ingress.clone(), than_path: winner.path.clone() }
            }
            (Why::LessSpecific | Why::Path, _) => Reason::PathDiffers,
            (Why::OtherHost, _) => Reason::OtherServer { chosen: chosen.unwrap_or_default().to_owned() },
            (Why::Host, _) => Reason::HostDiffers,
        })
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &[]
    }
}

#[derive(Debug, Clone, Copy)]
enum Why {
    LessSpecific,
    Path,
    OtherHost,
    Host,
}

#[cfg(test)]
mod tests {
    use crate::analysis::routing::fixtures::{Case, check, ingress, misses_are_mended};
    use crate::model::controller::ControllerKind::Spec;

    /// One path each, `TYPE PATH` of a rule, request, and whether it matches.
    #[test]
    fn the_documented_table_of_paths_holds() {
        for (rules, request, expected) in [
            (&["Prefix /"][..], "/", "0"),
            (&["Prefix /"], "/any/path", "0"),
            (&["Exact /foo"], "/foo", "0"),
            (&["Exact /foo"], "/bar", "404"),
            (&["Exact /foo"], "/foo/", "404"),
            (&["Exact /foo/"], "/foo", "404"),
            (&["Prefix /foo"], "/foo", "0"),
            (&["Prefix /foo"], "/foo/", "0"),
            (&["Prefix /foo/"], "/foo", "0"),
            (&["Prefix /foo/"], "/foo/", "0"),
            (&["Prefix /aaa/bb"], "/aaa/bbb", "404"),
            (&["Prefix /aaa/bbb"], "/aaa/bbb", "0"),
            (&["Prefix /aaa/bbb/"], "/aaa/bbb", "0"),
            (&["Prefix /aaa/bbb"], "/aaa/bbb/", "0"),
            (&["Prefix /aaa/bbb"], "/aaa/bbb/ccc", "0"),
            (&["Prefix /aaa/bbb"], "/aaa/bbbxyz", "404"),
            (&["Prefix /", "Prefix /aaa"], "/aaa/ccc", "1"),
            (&["Prefix /", "Prefix /aaa", "Prefix /aaa/bbb"], "/aaa/bbb", "2"),
            (&["Prefix /", "Prefix /aaa", "Prefix /aaa/bbb"], "/ccc", "0"),
            (&["Prefix /aaa"], "/ccc", "404"),
            (&["Prefix /foo", "Exact /foo"], "/foo", "1"),
            (&["ImplementationSpecific "], "/x", "0"),
        ] {
            let paths: Vec<String> =
                rules.iter().enumerate().map(|(at, rule)| format!("{rule} s{at}")).collect();
            let paths: Vec<(&str, &str)> = paths.iter().map(|path| ("a.example", path.as_str())).collect();
            let expected = if expected == "404" { "404".to_owned() } else { format!("n/s{expected}") };
            let url = format!("http://a.example{request}");
            check(Spec, &[ingress("n/i", &paths)], &[(url.as_str(), expected.as_str())]);
        }
    }

    #[test]
    fn the_documented_table_of_hosts_holds() {
        let wildcard = ingress("n/i", &[("*.foo.com", "Prefix / s")]);
        let cases: &[Case<'_>] =
            &[("http://bar.foo.com/", "n/s"), ("http://baz.bar.foo.com/", "404"), ("http://foo.com/", "404")];
        check(Spec, &[wildcard], cases);
        let named = ingress(
            "n/i",
            &[("first.bar.com", "Prefix / one"), ("second.bar.com", "Prefix / two"), ("", "Prefix / any")],
        );
        let cases: &[Case<'_>] = &[
            ("http://first.bar.com/", "n/one"),
            ("http://second.bar.com/x", "n/two"),
            ("http://third.bar.com/x", "n/any"),
            ("http://FIRST.bar.com:8080/", "n/one"),
        ];
        check(Spec, &[named], cases);
    }

    #[test]
    fn what_the_text_leaves_open_stays_open() {
        let one = ingress("n/one", &[("a.example", "Prefix /x s1"), ("a.example", "Prefix /y s1")]);
        let two = ingress("n/two", &[("a.example", "Prefix /x/ s2"), ("a.example", "Prefix /y s1")]);
        let cases: &[Case<'_>] =
            &[("http://a.example/x", "one of n/s1, n/s2"), ("http://a.example/y", "n/s1")];
        check(Spec, &[one, two], cases);
    }

    #[test]
    fn near_misses_are_mended_by_their_edits() {
        let rules = ingress(
            "n/i",
            &[
                ("shop.example.com", "Exact /foo s"),
                ("shop.example.com", "Prefix /Orders s"),
                ("*.wild.example", "Prefix / s"),
            ],
        );
        for url in [
            "http://shop.example.com/foo/bar",
            "http://shop.example.com/orders/7",
            "http://shop.example.com/Order/7",
            "http://shop.example.com/else",
            "http://www.shop.example.com/foo",
            "http://shpo.example.com/foo",
            "http://a.b.wild.example/",
        ] {
            misses_are_mended(Spec, std::slice::from_ref(&rules), url);
        }
    }
}

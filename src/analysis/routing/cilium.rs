//! Cilium's Ingress support in its shared load balancer, written from its sources.
//!
//! Whole paths are tried first, then patterns, then beginnings, the longer first. The same host and
//! path in two Ingresses is one route that splits its traffic. TLS hosts send plain requests to https
//! unless told not to, and have no other plain routes then. A host takes any port, a wildcard none. In an
//! Ingress that takes any host, its routes for any host are all that its TLS hosts have.
//! Assumptions: the shared mode; 1.15 or newer, where `Prefix` is no pattern.
//! Sources: cilium/cilium `operator/pkg/model/{ingestion,translation}`,
//! `operator/pkg/ingress/annotations`; single files, of differing releases.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::model::controller::{ConfigSeen, ControllerKind, Settings};
use crate::model::ingress::{Ingress, PathType, Place};

use super::envoy::{Builder, Choice, Flavour, Label, Normalisation, PathMatch, Secure, Table, kept};
use super::serving::{External, Services};
use super::{Basis, Input, Note, Reason, RouteTable, RoutingModel};

/// Cilium.
#[derive(Debug)]
pub struct Cilium;

impl RoutingModel for Cilium {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Cilium
    }

    fn basis(&self) -> Basis {
        Basis::Modelled
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(compile(input))
    }
}

/// How a path is compared; `ImplementationSpecific` is a pattern for all of it.
fn matcher(path: &str, path_type: PathType) -> PathMatch {
    match path_type {
        PathType::Exact => PathMatch::Exact(path.to_owned()),
        PathType::Prefix | PathType::ImplementationSpecific if path.is_empty() => {
            PathMatch::Prefix("/".to_owned())
        }
        PathType::Prefix if path == "/" => PathMatch::Prefix(path.to_owned()),
        PathType::Prefix => PathMatch::Elements(path.strip_suffix('/').unwrap_or(path).to_owned()),
        PathType::ImplementationSpecific => PathMatch::Pattern(path.to_owned()),
    }
}

/// Of patterns of one length the first that was written; nothing orders those of two Ingresses.
fn order(matcher: &PathMatch, choices: &[Choice]) -> (u8, Reverse<usize>, Option<(usize, Place)>) {
    let (kind, text) = match matcher {
        PathMatch::Exact(text) => (0, text),
        PathMatch::Pattern(text) => (1, text),
        PathMatch::Elements(text) | PathMatch::Prefix(text) => (2, text),
    };
    (kind, Reverse(text.len()), choices.first().map(|choice| (choice.ingress, choice.place)))
}

/// Why plain requests of an Ingress's TLS hosts are sent to https, if they are.
fn upgrade(ingress: &Ingress, settings: &Settings) -> Option<Note> {
    let named = ["ingress.cilium.io/force-https", "ingress.cilium.io/enforceHttps"];
    let told = named.into_iter().find_map(|key| Some((key, ingress.meta.annotation(key)?)));
    if let Some((key, value)) = told {
        let is_on = matches!(value, "enabled" | "true");
        return is_on.then(|| Note::Annotation { ingress: ingress.meta.key(), key: key.to_owned() });
    }
    let key = "enforce-ingress-https";
    (settings.config(key) != Some("false")).then(|| Note::Config { key: key.to_owned() })
}

/// The hosts whose TLS is ended, each once: those of sections with a Secret, be it the default one.
fn tls_hosts<'i>(ingress: &'i Ingress, settings: &Settings) -> BTreeSet<&'i str> {
    let default = settings.config("ingress-default-secret-name").is_some_and(|name| !name.is_empty());
    let has_secret = |secret: Option<&str>| default || secret.is_some_and(|secret| !secret.is_empty());
    let sections = ingress.tls.iter().filter(|tls| has_secret(tls.secret.as_deref()));
    sections.flat_map(|tls| tls.hosts.iter().map(String::as_str)).collect()
}

/// A route of an Ingress.
struct Own<'i> {
    domain: &'i str,
    matcher: PathMatch,
    choice: Choice,
}

/// What one Ingress asks for.
struct Listener<'i> {
    routes: Vec<Own<'i>>,
    /// It has a default backend, or a rule without host.
    takes_any: bool,
}

impl<'i> Listener<'i> {
    fn new(
        number: usize,
        ingress: &'i Ingress,
        services: &Services<'_>,
        faults: &mut HashMap<(usize, Place), Reason>,
    ) -> Self {
        let default = ingress
            .default_backend
            .iter()
            .map(|backend| (Place::DefaultBackend, "*", backend, PathMatch::Prefix("/".to_owned())));
        let rules = ingress.path_rules().map(|(r, p, host, rule)| {
            let domain = if host.is_empty() { "*" } else { host };
            (Place::Path(r, p), domain, &rule.backend, matcher(&rule.path, rule.path_type))
        });
        let mut routes = Vec::new();
        for (place, domain, backend, matcher) in default.chain(rules) {
            let Some((target, health)) = services.resolve(&ingress.meta.namespace, backend) else {
                faults.insert((number, place), Reason::ResourceBackend);
                continue;
            };
            let choice = Choice { ingress: number, place, target, health, upgrade: None };
            routes.push(Own { domain, matcher, choice });
        }
        let takes_any = routes.iter().any(|route| route.domain == "*");
        Self { routes, takes_any }
    }

    /// Its routes for a TLS host: those for any host take the place of those for this one.
    fn secure(&self, host: &str) -> impl Iterator<Item = &Own<'i>> {
        let domain = if self.takes_any { "*" } else { host };
        self.routes.iter().filter(move |route| route.domain == domain)
    }
}

fn compile(input: &Input<'_>) -> Table {
    let mut sorted = input.ingresses.to_vec();
    sorted.sort_by_cached_key(|ingress| ingress.meta.key());
    let services = Services::new(input.snapshot, External::Served);
    let mut faults = HashMap::new();
    let mut listeners: Vec<Listener> = Vec::new();
    let mut redirected: HashMap<&str, Note> = HashMap::new();
    for (number, ingress) in sorted.iter().enumerate() {
        let listener = Listener::new(number, ingress, &services, &mut faults);
        let upgrade = upgrade(ingress, input.settings);
        for host in tls_hosts(ingress, input.settings) {
            if let Some(note) = &upgrade
                && !listener.takes_any
                && listener.routes.iter().any(|route| route.domain == host)
            {
                redirected.entry(host).or_insert_with(|| note.clone());
            }
        }
        listeners.push(listener);
    }
    let mut plain = Builder::default();
    let mut tls = Builder::default();
    for (listener, ingress) in listeners.iter().zip(&sorted) {
        for route in listener.routes.iter().filter(|route| !redirected.contains_key(route.domain)) {
            plain.route(route.domain, route.matcher.clone()).push(route.choice.clone());
        }
        for host in tls_hosts(ingress, input.settings) {
            let upgrade = redirected.get(host);
            for route in listener.secure(host) {
                tls.route(host, route.matcher.clone()).push(route.choice.clone());
                if upgrade.is_some() {
                    let choice = Choice { upgrade: upgrade.cloned(), ..route.choice.clone() };
                    plain.route(host, route.matcher.clone()).push(choice);
                }
            }
        }
    }
    let unseen = input.settings.config == ConfigSeen::Unseen;
    Table {
        flavour: Flavour {
            normalisation: Normalisation { resolves: false, merges_slashes: false, decodes_slashes: false },
            strips_dot: false,
            wildcards_take_ports: false,
            label: Label::One,
            secure: Secure::Shared,
            redirect: 301,
            matcher,
        },
        plain: plain.finish(order),
        tls: tls.finish(order),
        ingresses: kept(&sorted),
        faults,
        tls_unsure: false,
        secrets: HashMap::new(),
        notes: if unseen { vec![Note::SettingsUnseen] } else { Vec::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::{
        Case, annotated, check_with, edits, ingress, misses_are_mended, reasons, set_default,
    };
    use crate::model::ingress::Tls;

    fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
        check_with(ControllerKind::Cilium, ingresses, &Settings::default(), cases);
    }

    #[test]
    fn a_star_is_one_label_and_a_host_has_no_second_chance() {
        let mut ingress = ingress("n/i", &[("a.example", "Prefix /x a"), ("*.example", "Prefix / w")]);
        set_default(&mut ingress, "any");
        check(
            &[ingress],
            &[
                ("http://a.example/x/y", "n/a"),
                ("http://a.example/y", "404"),
                ("http://b.example/y", "n/w"),
                ("http://b.example:8080/y", "n/any"),
                ("http://a.example:8080/x", "n/a"),
                ("http://c.b.example/y", "404"),
                ("http://elsewhere/y", "n/any"),
            ],
        );
    }

    #[test]
    fn whole_paths_come_first_then_patterns_then_beginnings() {
        let paths = [
            ("a.example", "Prefix /foo p"),
            ("a.example", "ImplementationSpecific /foo/.* r"),
            ("a.example", "Exact /foo/bar e"),
            ("a.example", "ImplementationSpecific /v[0-9]+ v"),
        ];
        check(
            &[ingress("n/i", &paths)],
            &[
                ("http://a.example/foo", "n/p"),
                ("http://a.example/foobar", "404"),
                ("http://a.example/foo/x", "n/r"),
                ("http://a.example/foo/bar", "n/e"),
                ("http://a.example/v12", "n/v"),
                ("http://a.example/v12/x", "404"),
            ],
        );
    }

    #[test]
    fn one_path_in_two_ingresses_splits_its_traffic() {
        let one = ingress("n/one", &[("a.example", "Prefix /x s1")]);
        let two = ingress("n/two", &[("a.example", "Prefix /x s2")]);
        check(&[one, two], &[("http://a.example/x", "one of n/s1, n/s2")]);
    }

    #[test]
    fn tls_hosts_send_plain_requests_to_https_unless_told_not_to() {
        let with = |annotation: Option<(&str, &str)>| {
            let mut ingress = annotated("n/i", 1, &[], &[("a.example", "Prefix / s")]);
            ingress.tls = vec![Tls { hosts: vec!["a.example".to_owned()], secret: Some("cert".to_owned()) }];
            let annotation = annotation.map(|(key, value)| (key.to_owned(), value.to_owned()));
            ingress.meta.annotations = annotation.into_iter().collect();
            ingress
        };
        check(
            &[with(None)],
            &[("http://a.example/x?y", "301 https://a.example/x?y"), ("https://a.example/x", "n/s")],
        );
        check(&[with(Some(("ingress.cilium.io/force-https", "disabled")))], &[("http://a.example/x", "n/s")]);
    }

    #[test]
    fn a_host_that_is_sent_to_https_has_only_what_its_tls_host_has() {
        let secured = |name: &str, host: &str, paths: &[(&str, &str)]| {
            let mut ingress = annotated(name, 1, &[], paths);
            ingress.tls = vec![Tls { hosts: vec![host.to_owned()], secret: Some("cert".to_owned()) }];
            ingress
        };
        let tls = secured("n/tls", "a.example", &[("a.example", "Prefix /x s")]);
        let other =
            annotated("n/other", 1, &[], &[("a.example", "Prefix /y t"), ("b.example", "Prefix / t")]);
        let any = secured("n/z", "b.example", &[("b.example", "Prefix /b s"), ("", "Prefix /any u")]);
        check(
            &[tls, other, any],
            &[
                ("http://a.example/x", "301 https://a.example/x"),
                ("http://a.example/y", "404"),
                ("https://a.example/y", "404"),
                ("http://b.example/b", "n/s"),
                ("https://b.example/b", "404"),
                ("https://b.example/any", "n/u"),
                ("https://b.example./any", "404"),
                ("https://c.example/any", "refused"),
            ],
        );
    }

    #[test]
    fn a_dead_backend_is_503() {
        check(&[ingress("n/i", &[("a.example", "Prefix / dead")])], &[("http://a.example/", "503")]);
    }

    #[test]
    fn near_misses_are_mended_by_their_edits() {
        let paths = [("shop.example.com", "Exact /foo s"), ("*.wild.example", "Prefix / s")];
        let ingress = ingress("n/i", &paths);
        for url in [
            "http://shop.example.com/foo/bar",
            "http://shop.example.com/else",
            "http://shpo.example.com/foo",
            "http://a.b.wild.example/x",
        ] {
            misses_are_mended(ControllerKind::Cilium, std::slice::from_ref(&ingress), url);
        }
    }

    #[test]
    fn a_rule_without_a_route_where_the_request_came_in_says_so() {
        let mut tls = annotated("n/tls", 1, &[], &[("shop.example", "Prefix /x s")]);
        tls.tls = vec![Tls { hosts: vec!["shop.example".to_owned()], secret: Some("cert".to_owned()) }];
        let other = annotated("n/other", 1, &[], &[("shop.example", "Exact /y t")]);
        let ingresses = [tls, other];
        let kind = ControllerKind::Cilium;
        for url in ["http://shop.example/y", "https://shop.example/y"] {
            let is_tls = url.starts_with("https");
            let scheme = if is_tls { "https" } else { "http" };
            let lost = reasons(kind, &ingresses, url);
            assert_eq!(lost[0], format!("n/other /y: not at {scheme}, tls {is_tls}"), "{lost:?}");
        }
        // No edit of it would change that.
        let edits = edits(kind, &ingresses, "https://shop.example/y/z");
        assert!(edits.iter().all(|edit| edit.starts_with("n/tls")), "{edits:?}");
    }
}

//! Istio's support for Ingresses, written from its sources.
//!
//! Ingresses are read oldest first; the rules of one host, of all Ingresses, become one list, sorted
//! by the length of what they match, whole paths first among equals. `spec.defaultBackend` is ignored.
//! A named port that is not there leaves its rule out; a number goes to a cluster that is not there.
//! Plain requests are served next to TLS, never redirected.
//! Sources: istio/istio `pilot/pkg/config/kube/ingress/conversion.go`,
//! `pilot/pkg/networking/core/route`, `pkg/config/mesh`, 2026.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use crate::model::controller::{ConfigSeen, ControllerKind, Settings};
use crate::model::ingress::{Ingress, PathType, Place, PortRef};

use super::envoy::{Builder, Choice, Flavour, Label, Normalisation, PathMatch, Secure, Table, kept};
use super::serving::{External, Services};
use super::{Basis, Input, Note, Reason, RouteTable, RoutingModel};

/// istiod with an ingress gateway.
#[derive(Debug)]
pub struct Istio;

impl RoutingModel for Istio {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Istio
    }

    fn basis(&self) -> Basis {
        Basis::Modelled
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(compile(input))
    }
}

/// How a path is compared, and how long its text counts.
fn read(path: &str, path_type: PathType) -> (PathMatch, usize) {
    let whole = |text: &str| (PathMatch::Exact(text.to_owned()), text.len());
    let beginning = |text: &str| {
        let matcher = match text {
            "/" => PathMatch::Prefix(text.to_owned()),
            text => PathMatch::Elements(text.strip_suffix('/').unwrap_or(text).to_owned()),
        };
        (matcher, text.len())
    };
    match path_type {
        PathType::Exact => whole(path),
        PathType::Prefix => beginning(path),
        PathType::ImplementationSpecific => {
            if matches!(path, "" | "*" | "/*" | ".*") {
                return (PathMatch::Prefix(String::new()), 0);
            }
            match path.strip_suffix(".*").or_else(|| path.strip_suffix("/*")) {
                Some(head) => beginning(head),
                None => whole(path),
            }
        }
    }
}

fn matcher(path: &str, path_type: PathType) -> PathMatch {
    read(path, path_type).0
}

/// What the mesh configuration makes of paths.
fn normalisation(settings: &Settings) -> Normalisation {
    let mesh = settings.config("mesh").unwrap_or_default();
    let told = mesh
        .lines()
        .filter_map(|line| line.trim().strip_prefix("normalization:"))
        .map(|value| value.trim().trim_matches(['"', '\'']))
        .next();
    match told {
        Some("NONE") => Normalisation { resolves: false, merges_slashes: false, decodes_slashes: false },
        Some("MERGE_SLASHES") => {
            Normalisation { resolves: true, merges_slashes: true, decodes_slashes: false }
        }
        Some("DECODE_AND_MERGE_SLASHES") => {
            Normalisation { resolves: true, merges_slashes: true, decodes_slashes: true }
        }
        Some(_) | None => Normalisation { resolves: true, merges_slashes: false, decodes_slashes: false },
    }
}

fn compile(input: &Input<'_>) -> Table {
    let mut sorted = input.ingresses.to_vec();
    sorted.sort_by_cached_key(|ingress| {
        (ingress.meta.created, ingress.meta.name.clone(), ingress.meta.namespace.clone())
    });
    let mut translation = Translation {
        services: Services::new(input.snapshot, External::Served),
        secure: tls_hosts(&sorted),
        plain: Builder::default(),
        tls: Builder::default(),
        faults: HashMap::new(),
    };
    let mut found = Vec::new();
    for (number, ingress) in sorted.iter().enumerate() {
        translation.add(number, ingress, &mut found);
    }
    translation.place(found, &sorted);
    let order = |matcher: &PathMatch, choices: &[Choice]| {
        let first = choices.first();
        let path = first.and_then(|first| sorted.get(first.ingress)?.path_at(first.place));
        let length = path.map_or(0, |path| read(&path.path, path.path_type).1);
        let place = first.map(|first| (first.ingress, first.place));
        (Reverse(length), !matches!(matcher, PathMatch::Exact(_)), place)
    };
    let unseen = input.settings.config == ConfigSeen::Unseen;
    Table {
        flavour: Flavour {
            normalisation: normalisation(input.settings),
            strips_dot: false,
            wildcards_take_ports: true,
            label: Label::Any,
            secure: Secure::Shared,
            redirect: 301,
            matcher,
        },
        plain: translation.plain.finish(order),
        tls: translation.tls.finish(order),
        ingresses: kept(&sorted),
        faults: translation.faults,
        tls_unsure: false,
        secrets: HashMap::new(),
        notes: if unseen { vec![Note::SettingsUnseen] } else { Vec::new() },
    }
}

/// The hosts of TLS sections with a Secret; `*` for a section that names none.
fn tls_hosts(ingresses: &[&Ingress]) -> HashSet<String> {
    let sections = ingresses.iter().flat_map(|ingress| &ingress.tls);
    sections
        .filter(|tls| tls.secret.as_deref().is_some_and(|secret| !secret.is_empty()))
        .flat_map(|tls| if tls.hosts.is_empty() { vec!["*".to_owned()] } else { tls.hosts.clone() })
        .collect()
}

/// A route, and how long its text counts.
struct Found<'i> {
    domain: &'i str,
    matcher: PathMatch,
    length: usize,
    choice: Choice,
}

struct Translation<'a> {
    services: Services<'a>,
    secure: HashSet<String>,
    plain: Builder,
    tls: Builder,
    faults: HashMap<(usize, Place), Reason>,
}

impl Translation<'_> {
    fn is_secure(&self, domain: &str) -> bool {
        self.secure.contains("*")
            || self.secure.contains(domain)
            || domain
                .match_indices('.')
                .filter_map(|(at, _)| domain.get(at..))
                .any(|tail| self.secure.contains(&format!("*{tail}")))
    }

    fn add<'i>(&mut self, number: usize, ingress: &'i Ingress, found: &mut Vec<Found<'i>>) {
        for (r, p, host, rule) in ingress.path_rules() {
            let place = Place::Path(r, p);
            let domain = if host.is_empty() { "*" } else { host };
            let resolved = self.services.resolve(&ingress.meta.namespace, &rule.backend);
            let Some((target, health)) = resolved else {
                self.faults.insert((number, place), Reason::ResourceBackend);
                continue;
            };
            if matches!(target.port, PortRef::Name(_))
                && !health.resolves()
                && let Some(note) = health.note(&target)
            {
                self.faults.insert((number, place), Reason::LeftOut(note));
                continue;
            }
            let choice = Choice { ingress: number, place, target, health, upgrade: None };
            let (matcher, length) = read(&rule.path, rule.path_type);
            found.push(Found { domain, matcher, length, choice });
        }
    }

    /// Of routes that match the same, the one with the longer text comes first, then the older.
    fn place(&mut self, mut found: Vec<Found<'_>>, all: &[&Ingress]) {
        found.sort_by_key(|found| Reverse(found.length));
        let mut lengths: HashMap<(usize, Place), usize> = HashMap::new();
        for Found { domain, matcher, length, choice } in found {
            let here = (choice.ingress, choice.place);
            lengths.insert(here, length);
            if self.is_secure(domain) {
                let choices = self.tls.route(domain, matcher.clone());
                if choices.is_empty() {
                    choices.push(choice.clone());
                }
            }
            let choices = self.plain.route(domain, matcher);
            match choices.first() {
                None => choices.push(choice),
                Some(first) => {
                    let older = all.get(first.ingress).map(|ingress| ingress.meta.key()).unwrap_or_default();
                    let is_longer = lengths.get(&(first.ingress, first.place)) != Some(&length);
                    let reason = if first.ingress == choice.ingress || is_longer {
                        Reason::Duplicate { of: older }
                    } else {
                        Reason::OlderWins { older }
                    };
                    self.faults.insert(here, reason);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::{Case, annotated, check_with, misses_are_mended, set_default};
    use crate::model::ingress::Tls;

    fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
        check_with(ControllerKind::Istio, ingresses, &Settings::default(), cases);
    }

    #[test]
    fn a_host_has_no_second_chance_and_a_star_stands_for_many_labels() {
        let paths = [("a.example", "Prefix /x a"), ("*.example", "Prefix / w"), ("", "Prefix / any")];
        check(
            &[annotated("n/i", 1, &[], &paths)],
            &[
                ("http://a.example/x/y", "n/a"),
                ("http://a.example/else", "404"),
                ("http://A.EXAMPLE:8080/x", "n/a"),
                ("http://b.example/x", "n/w"),
                ("http://c.b.example/x", "n/w"),
                ("http://example/x", "n/any"),
                ("http://a.example./x", "n/any"),
            ],
        );
    }

    #[test]
    fn an_unanchored_path_is_whole_unless_it_ends_in_a_star() {
        let paths = [
            ("a.example", "ImplementationSpecific /whole w"),
            ("a.example", "ImplementationSpecific /any/* star"),
            ("a.example", "ImplementationSpecific /dot.* dot"),
            ("b.example", "ImplementationSpecific  all"),
            // The text before the star counts, also its last slash.
            ("c.example", "ImplementationSpecific /a/.* slash"),
            ("c.example", "Exact /a/b whole"),
            ("c.example", "Exact /a never"),
        ];
        check(
            &[annotated("n/i", 1, &[], &paths)],
            &[
                ("http://a.example/whole", "n/w"),
                ("http://a.example/whole/x", "404"),
                ("http://a.example/any/x", "n/star"),
                ("http://a.example/any", "n/star"),
                ("http://a.example/anything", "404"),
                ("http://a.example/dot/x", "n/dot"),
                ("http://a.example/dotted", "404"),
                ("http://b.example/x", "n/all"),
                ("http://c.example/a", "n/slash"),
                ("http://c.example/a/b", "n/whole"),
                ("http://c.example/a/c", "n/slash"),
            ],
        );
    }

    #[test]
    fn the_longer_text_comes_first_and_whole_paths_only_among_equals() {
        let paths = [
            ("a.example", "Prefix /foo p"),
            ("a.example", "Exact /foo e"),
            ("a.example", "Prefix /foo/bar deep"),
            ("b.example", "Exact /foo e"),
            ("b.example", "Prefix /foo/ p"),
            ("c.example", "Prefix /foo short"),
            ("c.example", "ImplementationSpecific /foo/* short"),
            ("c.example", "Prefix /foo/ long"),
        ];
        check(
            &[annotated("n/i", 1, &[], &paths)],
            &[
                ("http://a.example/foo", "n/e"),
                ("http://a.example/foo/", "n/p"),
                ("http://a.example/foo/bar/x", "n/deep"),
                ("http://a.example/foobar", "404"),
                ("http://b.example/foo", "n/p"),
                ("http://c.example/foo/x", "n/long"),
            ],
        );
    }

    #[test]
    fn the_older_ingress_has_a_path_and_default_backends_are_ignored() {
        let young = annotated("n/a-young", 1, &[], &[("a.example", "Prefix /x young")]);
        let mut old = annotated("n/z-old", 9, &[], &[("a.example", "Prefix /x old")]);
        set_default(&mut old, "default");
        check(&[young, old], &[("http://a.example/x", "n/old"), ("http://nobody/x", "404")]);
    }

    #[test]
    fn a_number_of_a_missing_service_is_a_dead_cluster_and_a_name_leaves_the_rule_out() {
        let mut ingress = annotated(
            "n/i",
            1,
            &[],
            &[
                ("a.example", "Prefix /gone gone"),
                ("a.example", "Prefix /dead dead"),
                ("a.example", "Prefix /named gone"),
            ],
        );
        let paths = ingress.rules[0].paths.as_mut().expect("paths");
        paths[2].backend = crate::model::ingress::Backend::Service {
            name: "gone".to_owned(),
            port: PortRef::Name("http".to_owned()),
        };
        check(
            &[ingress],
            &[
                ("http://a.example/gone", "503"),
                ("http://a.example/dead", "503"),
                ("http://a.example/named", "404"),
            ],
        );
    }

    #[test]
    fn slashes_stay_unless_the_mesh_says_otherwise() {
        let ingress = annotated("n/i", 1, &[], &[("a.example", "Prefix /x a")]);
        let with = |mesh: &str| Settings {
            config: ConfigSeen::Known([("mesh".to_owned(), mesh.to_owned())].into()),
            ..Settings::default()
        };
        let kind = ControllerKind::Istio;
        let base: &[Case<'_>] = &[
            ("http://a.example//x", "404"),
            ("http://a.example/y/../x", "n/a /x"),
            ("http://a.example/x%2Fy", "404"),
        ];
        check_with(kind, std::slice::from_ref(&ingress), &with(""), base);
        let decoded: &[Case<'_>] =
            &[("http://a.example//x", "n/a /x"), ("http://a.example/x%2Fy", "n/a /x/y")];
        let mesh = with("pathNormalization:\n  normalization: DECODE_AND_MERGE_SLASHES\n");
        check_with(kind, std::slice::from_ref(&ingress), &mesh, decoded);
        let none: &[Case<'_>] = &[("http://a.example/y/../x", "404")];
        check_with(kind, &[ingress], &with("pathNormalization:\n  normalization: NONE\n"), none);
    }

    #[test]
    fn a_tls_section_with_a_secret_adds_https_and_sends_nobody_there() {
        let with = |secret: Option<&str>| {
            let mut ingress = annotated("n/i", 1, &[], &[("a.example", "Prefix / s")]);
            let hosts = vec!["a.example".to_owned()];
            ingress.tls = vec![Tls { hosts, secret: secret.map(ToOwned::to_owned) }];
            ingress
        };
        check(&[with(Some("cert"))], &[("https://a.example/x", "n/s"), ("http://a.example/x", "n/s")]);
        check(&[with(None)], &[("https://a.example/x", "refused"), ("http://a.example/x", "n/s")]);
    }

    #[test]
    fn near_misses_are_mended_by_their_edits() {
        let paths = [("shop.example.com", "Exact /foo s"), ("shop.example.com", "Prefix /Orders s")];
        let ingress = annotated("n/i", 1, &[], &paths);
        for url in [
            "http://shop.example.com/foo/bar",
            "http://shop.example.com/orders/7",
            "http://shop.example.com/else",
            "http://shpo.example.com/foo",
        ] {
            misses_are_mended(ControllerKind::Istio, std::slice::from_ref(&ingress), url);
        }
    }
}

//! APISIX under its ingress controller, written from its sources.
//!
//! The host is looked up first, exact, then the longest wildcard, then routes without host; within
//! one, the whole URI before the longest beginning. What no route of a host takes goes on to the next.
//! The path is the one that nginx normalised. `spec.defaultBackend` and resource backends are left out.
//! Assumptions: the class's parameters name a GatewayProxy; plug-ins of the data plane and of
//! `plugin-config-name` have no say; routes of one host and URI have no order.
//! Sources: apache/apisix-ingress-controller `internal/adc/translator/{ingress,annotations}`, 2.x;
//! apache/apisix `apisix/http/router/radixtree_host_uri.lua`, `apisix/plugins/{redirect,proxy-rewrite}.lua`.

use std::collections::{BTreeSet, HashMap};

use crate::model::controller::{ConfigSeen, ControllerKind};
use crate::model::host::spec_match;
use crate::model::ingress::{Ingress, PathRule, PathType, Place, Rule};
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::nginx::normalise::normalise;
use super::serving::{External, Health, Services};
use super::settle::settle;
use super::told::{Host, Question, Told, explain as explain_told};
use super::{
    Basis, Decision, Explanation, Input, Note, Outcome, Reason, Refusal, RouteTable, RoutingModel, Target,
    Winner,
};

mod options;
mod routes;

use options::Options;
use routes::{Route, Routes, Uri};

/// Apache APISIX.
#[derive(Debug)]
pub struct Apisix;

impl RoutingModel for Apisix {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Apisix
    }

    fn basis(&self) -> Basis {
        Basis::Modelled
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

#[derive(Debug)]
struct Table {
    /// Sorted by name.
    ingresses: Vec<(Name, Vec<Rule>)>,
    options: Vec<Options>,
    routes: Routes,
    targets: HashMap<(usize, Place), (Target, Health)>,
    faults: HashMap<(usize, Place), Reason>,
    unseen: bool,
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let services = Services::new(input.snapshot, External::Served);
        let mut sorted = input.ingresses.to_vec();
        sorted.sort_by_cached_key(|ingress| ingress.meta.key());
        let mut table = Self {
            ingresses: sorted.iter().map(|ingress| (ingress.meta.key(), ingress.rules.clone())).collect(),
            options: sorted.iter().map(|ingress| Options::new(ingress)).collect(),
            routes: Routes::default(),
            targets: HashMap::new(),
            faults: HashMap::new(),
            unseen: input.settings.config == ConfigSeen::Unseen,
        };
        for (number, ingress) in sorted.iter().enumerate() {
            table.add(number, ingress, &services);
        }
        table
    }

    fn add(&mut self, number: usize, ingress: &Ingress, services: &Services<'_>) {
        let Some(options) = self.options.get(number) else { return };
        let namespace = options.namespace.as_deref().unwrap_or(&ingress.meta.namespace);
        for (r, p, host, rule) in ingress.path_rules() {
            let place = Place::Path(r, p);
            let Some((target, health)) = services.resolve(namespace, &rule.backend) else {
                self.faults.insert((number, place), Reason::ResourceBackend);
                continue;
            };
            self.targets.insert((number, place), (target, health));
            for (uri, pattern) in Uri::all(rule, options.regex) {
                self.routes.add(host, uri, Route::new(number, place, pattern));
            }
        }
    }

    fn winner(&self, route: &Route) -> Option<Winner> {
        let (name, rules) = self.ingresses.get(route.ingress)?;
        let Place::Path(r, p) = route.place else { return None };
        let rule = rules.get(r)?;
        let path = rule.paths().get(p)?;
        let (target, _) = self.targets.get(&(route.ingress, route.place))?;
        let rendered = match route.pattern_text() {
            Some(pattern) => format!("uri /* and path ~~ {pattern}"),
            None => format!("uri {}", path.path),
        };
        Some(Winner {
            ingress: name.clone(),
            place: route.place,
            host: rule.host().to_owned(),
            path: path.path.clone(),
            path_type: Some(path.path_type),
            backend: Some(target.clone()),
            rendered,
        })
    }

    fn at(&self, request: &Request, path: &str, route: &Route) -> Decision {
        let winner = self.winner(route);
        let bare = || Decision::bare(Outcome::NoRoute, Some(404));
        let Some(options) = self.options.get(route.ingress) else { return bare() };
        let Some((target, health)) = self.targets.get(&(route.ingress, route.place)) else { return bare() };
        let redirect = |status: u16, location: String, note: &Note| {
            let mut decision = Decision::bare(Outcome::Redirect, Some(status));
            decision.location = Some(location);
            decision.notes.push(note.clone());
            decision
        };
        let plain = request.scheme == Scheme::Http;
        let mut decision = if let Some(note) = options.to_https.as_ref().filter(|_| plain) {
            let code = if matches!(request.method.as_str(), "GET" | "HEAD") { 301 } else { 308 };
            redirect(code, format!("https://{}{}", request.host_as_sent, request.target()), note)
        } else if let Some((to, code, note)) = &options.redirect {
            redirect(*code, to.clone(), note)
        } else {
            match health {
                Health::Ready | Health::Unseen => {
                    let mut decision = Decision::bare(Outcome::Routed, None);
                    let (sent, note) = options.rewritten(path, request.path.as_str());
                    decision.upstream_path = sent;
                    decision.notes.extend(note);
                    decision
                }
                Health::NobodyReady
                | Health::ServiceMissing
                | Health::PortMissing
                | Health::ExternalBarred => Decision::bare(Outcome::Unavailable, Some(503)),
            }
        };
        decision.notes.extend(health.note(target));
        decision.notes.extend(options.lists.iter().cloned());
        decision.winner = winner;
        decision
    }
}

/// The path as nginx hands it over.
fn path(request: &Request) -> Option<String> {
    normalise(request.path.as_str()).ok().map(|path| String::from_utf8_lossy(&path).into_owned())
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let Some(path) = path(request) else { return Decision::bare(Outcome::Refused, Some(400)) };
        let found = self.routes.find(request.host.as_str(), &path);
        let mut decision = settle(found.iter().map(|route| self.at(request, &path, route)).collect());
        if path != request.path.as_str() {
            decision.notes.push(Note::Normalised { to: path });
        }
        decision.notes.extend(self.unseen.then_some(Note::SettingsUnseen));
        decision
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        let decision = self.decide(request);
        let read = path(request);
        let found = read.as_deref().map(|path| self.routes.find(request.host.as_str(), path));
        let won: BTreeSet<(usize, Place)> =
            found.iter().flatten().map(|route| (route.ingress, route.place)).collect();
        let question = Question {
            request,
            host: request.host.as_str(),
            path: read.as_deref().unwrap_or(request.path.as_str()),
            decision: &decision,
            chosen: request.host.as_str(),
            limit,
        };
        explain_told(self, &question, |ingress, place| won.contains(&(ingress, place)))
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &[]
    }
}

impl Told for Table {
    fn ingresses(&self) -> &[(Name, Vec<Rule>)] {
        &self.ingresses
    }

    fn host(&self, host: &str, asked: &str) -> Host {
        let deep = host
            .strip_prefix('*')
            .is_some_and(|suffix| asked.strip_suffix(suffix).is_some_and(|label| !label.is_empty()));
        if deep || spec_match(host, asked) { Host::Serves } else { Host::Differs }
    }

    fn takes(&self, ingress: usize, path: &str, path_type: PathType, asked: &str) -> bool {
        let rule =
            PathRule { path: path.to_owned(), path_type, backend: crate::model::ingress::Backend::Missing };
        let regex = self.options.get(ingress).is_some_and(|options| options.regex);
        Uri::all(&rule, regex).into_iter().any(|(uri, pattern)| {
            let route = Route::new(ingress, Place::Rule(0), pattern);
            uri.takes(asked) && route.fits(asked)
        })
    }

    fn pattern(&self, ingress: usize, rule: &PathRule) -> Option<String> {
        let regex = self.options.get(ingress).is_some_and(|options| options.regex);
        (regex && rule.path_type == PathType::ImplementationSpecific).then(|| rule.path.clone())
    }

    fn answer(&self, request: &Request) -> Decision {
        self.decide(request)
    }

    fn fault(&self, ingress: usize, place: Place) -> Option<Reason> {
        self.faults.get(&(ingress, place)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::{
        Case, check, edits, ingress, misses_are_mended, reasons, set_default,
    };

    const APISIX: ControllerKind = ControllerKind::Apisix;

    fn told(name: &str, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Ingress {
        let mut ingress = ingress(name, paths);
        ingress.meta.annotations = annotations
            .iter()
            .map(|(key, value)| (format!("k8s.apisix.apache.org/{key}"), (*value).to_owned()))
            .collect();
        ingress
    }

    #[test]
    fn what_a_host_does_not_take_goes_on_to_the_wildcard_and_to_no_host() {
        let mut ingress = ingress(
            "n/i",
            &[("a.example", "Prefix /x a"), ("*.example", "Prefix /y w"), ("", "Prefix / any")],
        );
        set_default(&mut ingress, "default");
        let cases: &[Case<'_>] = &[
            ("http://a.example/x/1", "n/a"),
            ("http://a.example/y", "n/w"),
            ("http://b.c.example/y", "n/w"),
            ("http://a.example/z", "n/any"),
            ("http://elsewhere/y", "n/any"),
        ];
        check(APISIX, &[ingress], cases);
    }

    #[test]
    fn a_slash_at_the_end_of_a_prefix_counts() {
        let paths =
            [("a.example", "Prefix /p p"), ("a.example", "Prefix /q/ q"), ("a.example", "Exact /e e")];
        let cases: &[Case<'_>] = &[
            ("http://a.example/p", "n/p"),
            ("http://a.example/p/x", "n/p"),
            ("http://a.example/px", "404"),
            ("http://a.example/q/", "n/q"),
            ("http://a.example/q", "404"),
            ("http://a.example/e", "n/e"),
            ("http://a.example/e/", "404"),
            ("http://a.example//p/./x", "n/p"),
        ];
        check(APISIX, &[ingress("n/i", &paths)], cases);
    }

    #[test]
    fn a_raw_uri_may_end_in_a_star_or_be_a_pattern() {
        let raw = told(
            "n/raw",
            &[],
            &[
                ("a.example", "ImplementationSpecific /img* g"),
                ("a.example", "ImplementationSpecific /one o"),
            ],
        );
        let regex =
            told("n/regex", &[("use-regex", "true")], &[("a.example", "ImplementationSpecific /v[0-9]+ v")]);
        let cases: &[Case<'_>] = &[
            ("http://a.example/img-1", "n/g"),
            ("http://a.example/one", "n/o"),
            ("http://a.example/one/x", "404"),
            ("http://a.example/x/v12/y", "n/v"),
            ("http://a.example/vx", "404"),
        ];
        check(APISIX, &[raw, regex], cases);
    }

    #[test]
    fn annotations_redirect_and_rewrite() {
        let paths = [("a.example", "Prefix /x s")];
        let https: &[Case<'_>] =
            &[("http://a.example/x?q", "301 https://a.example/x?q"), ("https://a.example/x", "n/s")];
        check(APISIX, &[told("n/i", &[("http-to-https", "true")], &paths)], https);
        let moved: &[Case<'_>] = &[("http://a.example/x", "308 https://b.example/")];
        let annotations = [("http-redirect", "https://b.example/"), ("http-redirect-code", "308")];
        check(APISIX, &[told("n/i", &annotations, &paths)], moved);
        let fixed: &[Case<'_>] = &[("http://a.example/x/y", "n/s /fixed")];
        check(APISIX, &[told("n/i", &[("rewrite-target", "/fixed")], &paths)], fixed);
        let groups: &[Case<'_>] = &[("http://a.example/x/y", "n/s /new/y")];
        let annotations =
            [("rewrite-target-regex", "^/x/(.*)"), ("rewrite-target-regex-template", "/new/$1")];
        check(APISIX, &[told("n/i", &annotations, &paths)], groups);
    }

    #[test]
    fn nobody_behind_a_route_is_503_and_equal_routes_have_no_order() {
        let paths = [("a.example", "Prefix /gone gone"), ("a.example", "Prefix /dead dead")];
        let cases: &[Case<'_>] = &[("http://a.example/gone", "503"), ("http://a.example/dead", "503")];
        check(APISIX, &[ingress("n/i", &paths)], cases);
        let one = ingress("n/one", &[("a.example", "Prefix /x s1")]);
        let two = ingress("n/two", &[("a.example", "Prefix /x s2")]);
        check(APISIX, &[one, two], &[("http://a.example/x", "one of n/s1, n/s2")]);
    }

    #[test]
    fn near_misses_are_mended_by_their_edits() {
        let paths = [("shop.example.com", "Exact /foo s"), ("shop.example.com", "Prefix /Orders s")];
        for url in [
            "http://shop.example.com/foo/bar",
            "http://shop.example.com/orders/7",
            "http://shop.example.com/else",
            "http://shpo.example.com/foo",
        ] {
            misses_are_mended(APISIX, &[ingress("n/i", &paths)], url);
        }
    }

    #[test]
    fn a_malformed_request_is_compared_with_no_rule() {
        let table = ingress("n/i", &[("a.example", "Prefix / s"), ("a.example", "Prefix /x t")]);
        assert_eq!(reasons(APISIX, std::slice::from_ref(&table), "http://a.example/x/%").len(), 2);
    }

    #[test]
    fn of_the_rules_of_a_host_the_one_that_would_win_says_to_ask_for_it() {
        let table = ingress("n/i", &[("a.example", "Prefix / s"), ("a.example", "Prefix /x t")]);
        assert_eq!(edits(APISIX, &[table], "http://203.0.113.9/x"), ["n/i ask a.example"]);
    }
}

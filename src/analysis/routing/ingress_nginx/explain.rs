//! Why every other candidate lost, and the smallest edits that would have made one win.

use std::collections::HashMap;

use crate::analysis::routing::candidates::{Candidate, Losers, host_distance, of_rules, path_distance};
use crate::analysis::routing::nearest::{host_edit, load_edit, path_edit, spec_takes};
use crate::analysis::routing::nginx::pattern::{LocationPattern, Match, is_literal};
use crate::analysis::routing::{Edit, Explanation, Note, Outcome, Reason};
use crate::model::host::spec_match;
use crate::model::ingress::{Backend, PathRule, PathType, Place, Rule};
use crate::model::request::Request;

use super::decide::{act, path as normalised};
use super::servers::{CATCH_ALL, server_key};
use super::site::Site;
use super::{Loaded, Table, is_exact, path_of};

/// Why a candidate lost; the facts are filled in for those that are shown.
#[derive(Debug, Clone, Copy)]
enum Why {
    /// Number among the Ingresses that are not loaded.
    NotLoaded(usize),
    LessSpecific,
    /// Number of the older Ingress.
    Older(usize),
    CanaryOnly,
    /// Number of the Ingress whose canary has the backend for itself.
    OfCanary(usize),
    Resource,
    Path,
    Pattern,
    OtherServer,
    Host,
}

pub(super) fn explain(table: &Table, request: &Request, limit: usize) -> Explanation {
    let mut losers = Losers::new();
    let readable = normalised(request);
    let is_readable = readable.is_some();
    let path = readable.and_then(|path| String::from_utf8(path).ok());
    let path = path.unwrap_or_else(|| request.path.as_str().to_owned());
    let decision = act(table, request);
    let asked = request.host.as_str();
    let number = table.names.find(asked).unwrap_or(table.catch_all);
    let view = View {
        table,
        request,
        path: &path,
        site: table.sites.get(number),
        wants_edits: is_readable
            && decision.winner.as_ref().is_none_or(|winner| !matches!(winner.place, Place::Path(..)))
            && !matches!(decision.outcome, Outcome::Redirect | Outcome::Refused),
    };
    let locations = view.locations();
    let winner = decision.winner.as_ref().filter(|winner| matches!(winner.place, Place::Path(..)));
    for (number, ingress) in table.loaded.iter().enumerate() {
        for candidate in of_rules(&ingress.name, &ingress.rules) {
            losers.count();
            let won = winner
                .is_some_and(|winner| winner.place == candidate.place && winner.ingress == ingress.name);
            if !won {
                view.judge(number, ingress, candidate, &locations, &mut losers);
            }
        }
    }
    for (number, (name, rules, refusal)) in table.unloaded.iter().enumerate() {
        for candidate in of_rules(name, rules) {
            losers.count();
            let takes = spec_match(candidate.host, asked)
                && spec_takes(path_of(candidate.rule), candidate.rule.path_type, &path);
            let rank = (if takes { 0 } else { 5 }, path_distance(path_of(candidate.rule), &path));
            losers.lose(rank, candidate, Why::NotLoaded(number));
            if takes && view.wants_edits {
                losers.near(candidate, load_edit(refusal));
            }
        }
    }
    view.suggest_path(&locations, &mut losers);
    losers.keep_asked(limit, request, |asked| act(table, asked));
    let chosen = view.site.map(|site| site.host.clone()).unwrap_or_default();
    losers.explain(limit, |candidate, why| match why {
        Why::NotLoaded(number) => table
            .unloaded
            .get(number)
            .map_or(Reason::PathDiffers, |(_, _, refusal)| Reason::NotLoaded(refusal.clone())),
        Why::LessSpecific => decision.winner.as_ref().map_or(Reason::PathDiffers, |winner| {
            Reason::LessSpecific { than: winner.ingress.clone(), than_path: winner.path.clone() }
        }),
        Why::Older(number) => table
            .loaded
            .get(number)
            .map_or(Reason::PathDiffers, |older| Reason::OlderWins { older: older.name.clone() }),
        Why::CanaryOnly => Reason::CanaryOnly,
        Why::OfCanary(number) => table.loaded.get(number).map_or(Reason::PathDiffers, |canary| {
            Reason::LeftOut(Note::Canary { ingress: canary.name.clone() })
        }),
        Why::Resource => Reason::ResourceBackend,
        Why::Path => Reason::PathDiffers,
        Why::Pattern => Reason::PatternDiffers { pattern: format!("^{}", path_of(candidate.rule)) },
        Why::OtherServer => Reason::OtherServer { chosen: chosen.clone() },
        Why::Host => Reason::HostDiffers,
    })
}

/// Where a site's locations come from.
#[derive(Default)]
struct Locations<'a> {
    /// Their numbers, by Ingress and place.
    by_place: HashMap<(usize, Place), Vec<usize>>,
    /// The Ingress that has a path, by path as written and whether it is exact.
    by_rule: HashMap<(&'a str, bool), usize>,
}

struct View<'a> {
    table: &'a Table,
    request: &'a Request,
    /// Normalised.
    path: &'a str,
    /// `None`: the host is only redirected to or from `www`.
    site: Option<&'a Site>,
    /// Nothing took the request that was meant to.
    wants_edits: bool,
}

impl<'a> View<'a> {
    fn locations(&self) -> Locations<'a> {
        let mut locations = Locations::default();
        for (at, location) in self.site.iter().flat_map(|site| site.locations.iter().enumerate()) {
            let Some((number, place)) = location.owner else { continue };
            locations.by_place.entry((number, place)).or_default().push(at);
            if let Some(rule) = self.table.loaded.get(number).and_then(|ingress| path_at(ingress, place)) {
                locations.by_rule.insert((path_of(rule), is_exact(rule)), number);
            }
        }
        locations
    }

    fn judge(
        &self,
        number: usize,
        ingress: &'a Loaded,
        candidate: Candidate<'a>,
        locations: &Locations<'a>,
        losers: &mut Losers<'a, Why>,
    ) {
        let Candidate { place, host, rule, .. } = candidate;
        let text = path_of(rule);
        let distance = path_distance(text, self.path);
        let own = locations.by_place.get(&(number, place)).map(Vec::as_slice).unwrap_or_default();
        let here = self.site.filter(|site| site.host == server_key(host) || !own.is_empty());
        let Some(site) = here else {
            return self.elsewhere(ingress, candidate, losers);
        };
        if matches!(rule.backend, Backend::Resource { .. } | Backend::Missing) {
            losers.lose((2, distance), candidate, Why::Resource);
        } else if own.iter().any(|at| site.takes(*at, self.path.as_bytes())) {
            losers.lose((1, distance), candidate, Why::LessSpecific);
        } else if !own.is_empty() {
            let why = if site.regex.is_some() { Why::Pattern } else { Why::Path };
            losers.lose((2, distance), candidate, why);
            self.mend_path(site, ingress, candidate, losers);
        } else if ingress.options.canary.is_some() {
            losers.lose((2, distance), candidate, Why::CanaryOnly);
        } else {
            let older = site.locations.iter().find(|location| {
                location.owner.is_some_and(|(other, place)| {
                    self.table
                        .loaded
                        .get(other)
                        .and_then(|other| path_at(other, place))
                        .is_some_and(|other| path_of(other) == text && is_exact(other) == is_exact(rule))
                })
            });
            let why = match older.and_then(|location| location.owner) {
                Some((other, _)) => Why::Older(other),
                None => self.canary_behind(ingress, rule).map_or(Why::Path, Why::OfCanary),
            };
            losers.lose((2, distance), candidate, why);
        }
    }

    /// The canary that made the backend of a rule its own, so that the rule has no location.
    fn canary_behind(&self, ingress: &Loaded, rule: &PathRule) -> Option<usize> {
        self.table.loaded.iter().position(|other| {
            other.options.canary.is_some()
                && other.name.namespace == ingress.name.namespace
                && other.rules.iter().flat_map(Rule::paths).any(|path| path.backend == rule.backend)
        })
    }

    /// A rule of another server.
    fn elsewhere(&self, ingress: &Loaded, candidate: Candidate<'a>, losers: &mut Losers<'a, Why>) {
        let asked = self.request.host.as_str();
        let Candidate { host, rule, .. } = candidate;
        if spec_match(host, asked) {
            losers.lose((3, path_distance(path_of(rule), self.path)), candidate, Why::OtherServer);
            return;
        }
        losers.lose((4, host_distance(host, asked)), candidate, Why::Host);
        // Paths are patterns where the rule's own Ingress says so, or one that is there already.
        let there = self.site.filter(|site| site.host == asked);
        let is_pattern = ingress.options.use_regex
            || (!ingress.options.rewrite_target.is_empty()
                && ingress.options.rewrite_target != path_of(rule))
            || there.is_some_and(|site| site.regex.is_some());
        // A canary alone makes no server.
        let is_main = ingress.options.canary.is_none();
        if self.wants_edits && is_main && self.takes_by_itself(is_pattern, rule.path_type, path_of(rule)) {
            losers.near(candidate, host_edit(host, self.request));
        }
    }

    /// Whether a path would take the request on a host of its own.
    fn takes_by_itself(&self, is_pattern: bool, path_type: PathType, text: &str) -> bool {
        if is_literal(text) || !is_pattern {
            spec_takes(text, path_type, self.path)
        } else {
            LocationPattern::new(text, true).is_match(self.path.as_bytes()) == Match::Yes
        }
    }

    fn mend_path(
        &self,
        site: &'a Site,
        ingress: &'a Loaded,
        candidate: Candidate<'a>,
        losers: &mut Losers<'a, Why>,
    ) {
        if !self.wants_edits {
            return;
        }
        let text = path_of(candidate.rule);
        if site.regex.is_none() && !is_literal(text) {
            let pattern = LocationPattern::new(text, true);
            if pattern.compiles() && pattern.is_match(self.path.as_bytes()) == Match::Yes {
                let key = self.table.annotation_key("use-regex");
                let edit = Edit::SetAnnotation { key, value: "true".to_owned() };
                losers.add_edit(1, &ingress.name, candidate.place, edit);
            }
            return;
        }
        if is_literal(text) {
            losers.near(candidate, path_edit(text, candidate.rule.path_type, self.path));
        }
    }

    /// One more path for the request, in the oldest Ingress of the host.
    fn suggest_path(&self, locations: &Locations<'a>, losers: &mut Losers<'a, Why>) {
        let Some(site) = self.site.filter(|site| self.wants_edits && site.host != CATCH_ALL) else { return };
        let Some((number, maker)) = site.maker.and_then(|at| Some((at, self.table.loaded.get(at)?))) else {
            return;
        };
        // With a backend that is served.
        let own = |(at, rule): (usize, &Rule)| {
            rule.host() == site.host && locations.by_place.contains_key(&(number, Place::Path(at, 0)))
        };
        if let Some(at) = maker.rules.iter().enumerate().position(own) {
            let trimmed = self.path.trim_end_matches('/');
            let path = if trimmed.is_empty() { "/" } else { trimmed }.to_owned();
            let edit = Edit::AddPath { path, path_type: PathType::Prefix };
            losers.add_edit(9, &maker.name, Place::Rule(at), edit);
        }
    }
}

fn path_at(ingress: &Loaded, place: Place) -> Option<&PathRule> {
    match place {
        Place::Path(rule, path) => ingress.rules.get(rule)?.paths().get(path),
        Place::DefaultBackend | Place::Rule(_) | Place::Match(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::routing::fixtures::{annotated, edits, misses_are_mended};
    use crate::model::controller::ControllerKind::IngressNginx;
    use crate::model::ingress::Ingress;

    fn reasons(ingresses: &[Ingress], url: &str) -> Vec<String> {
        crate::analysis::routing::fixtures::reasons(IngressNginx, ingresses, url)
    }

    #[test]
    fn every_loser_has_its_reason_and_the_nearest_come_first() {
        let old = annotated("n/old", 9, &[], &[("a.example", "Prefix /x s"), ("a.example", "Prefix / s")]);
        let young =
            annotated("n/young", 8, &[], &[("a.example", "Prefix /x t"), ("b.example", "Prefix /x t")]);
        let canary = annotated("n/canary", 7, &[("canary", "true")], &[("a.example", "Prefix /x c")]);
        let bad = annotated("n/bad", 6, &[("server-alias", "a b")], &[("a.example", "Prefix /x u")]);
        let any = annotated("n/any", 5, &[], &[("", "Prefix /x v"), ("a.example", "Prefix /y v")]);
        assert_eq!(
            reasons(&[young, any, bad, old, canary], "http://a.example/x/1"),
            [
                "n/bad /x: not loaded",
                "n/old /: than n/old /x",
                "n/canary /x: canary",
                "n/young /x: older n/old",
                "n/any /y: path",
                "n/any /x: server a.example",
                "n/young /x: host",
            ]
        );
    }

    #[test]
    fn patterns_are_named_on_regex_hosts() {
        let regex = annotated(
            "n/r",
            1,
            &[("use-regex", "true")],
            &[("a.example", "ImplementationSpecific /v[0-9]+ s")],
        );
        assert_eq!(reasons(&[regex], "http://a.example/w"), ["n/r /v[0-9]+: pattern ^/v[0-9]+"]);
    }

    #[test]
    fn near_misses_are_mended_by_their_edits() {
        let shop = annotated(
            "n/shop",
            1,
            &[],
            &[
                ("shop.example.com", "Exact /foo s"),
                ("shop.example.com", "Prefix /Orders s"),
                ("shop.example.com", "ImplementationSpecific /v[0-9]+/x s"),
                ("*.wild.example", "Prefix / s"),
                ("plain.example.com", "Prefix / s"),
            ],
        );
        let dropped =
            annotated("n/dropped", 2, &[("server-snippet", "x;")], &[("drop.example.com", "Prefix /d s")]);
        let ingresses = [shop, dropped];
        for url in [
            "http://shop.example.com/foo/bar",
            "http://shop.example.com/foo/",
            "http://shop.example.com/orders/7",
            "http://shop.example.com/Order/7",
            "http://shop.example.com/v12/x",
            "http://shop.example.com/else/where/",
            "http://www.shop.example.com/foo",
            "http://shpo.example.com/foo",
            "http://203.0.113.9/foo",
            "http://a.b.wild.example/x",
            "http://drop.example.com/d/1",
        ] {
            misses_are_mended(IngressNginx, &ingresses, url);
        }
    }

    #[test]
    fn no_edit_is_told_that_would_not_mend_it() {
        let paths = [
            ("shop.example.com", "Prefix / s"),
            ("shop.example.com", "Prefix /foo t"),
            ("*.wild.example", "ImplementationSpecific /* s"),
        ];
        let shop = [annotated("n/shop", 1, &[], &paths)];
        // Of two rules that an address would come to by their host, the one that takes the path.
        assert_eq!(edits(IngressNginx, &shop, "http://203.0.113.9/foo"), ["n/shop ask shop.example.com"]);
        // A pattern is one only where an Ingress of the host says so.
        assert!(edits(IngressNginx, &shop, "http://a.b.wild.example/x").is_empty());
        let regex = [annotated("n/shop", 1, &[("use-regex", "true")], &paths)];
        assert_eq!(
            edits(IngressNginx, &regex, "http://a.b.wild.example/x"),
            ["n/shop host a.b.wild.example"]
        );
        // What is malformed is refused whatever the rules say.
        let exact = [annotated("n/shop", 1, &[], &[("shop.example.com", "Exact /foo s")])];
        assert!(edits(IngressNginx, &exact, "http://shop.example.com/foo/%").is_empty());
    }

    #[test]
    fn a_backend_that_a_canary_made_its_own_keeps_the_rule_out() {
        let canary = annotated("n/canary", 9, &[("canary", "true")], &[("a.example", "Prefix /x s")]);
        let main = annotated("n/main", 8, &[], &[("a.example", "Prefix /x s"), ("a.example", "Prefix /y t")]);
        let lost = reasons(&[canary, main], "http://a.example/x");
        assert!(lost.iter().any(|lost| lost.starts_with("n/main /x: left out, Canary")), "{lost:?}");
    }
}

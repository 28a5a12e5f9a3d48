//! Traefik's stand-in for ingress-nginx (provider `kubernetesIngressNGINX`), held to recorded answers of
//! 3.7.15.
//!
//! Steps: oldest Ingress first → drop what the provider does not load → hosts, aliases, canaries → a
//! location per path, with its backend and middlewares (`load`) → routers in Traefik's muxer → decide
//! request by request (`chain`).
//! Assumptions: as for `traefik`; Secrets that could not be listed exist; what an authentication service
//! says, addresses of clients, CORS preflights, session affinity and limits are not followed.
//! By version: written for 3.7; from 3.5 to 3.6 the provider was younger and knew fewer annotations.
//! `app-root` is a matter of its path's routers before 3.7.14, of the host since (seen on 3.7.15).
//! Sources: traefik/traefik `pkg/provider/kubernetes/ingress-nginx`, v3.7.13.

use std::collections::HashMap;

use super::heads::literal_head;
use super::settle::settle;
use super::traefik::entry_points::{EntryPoint, EntryPoints, Places};
use super::traefik::explain::{self, Dropped, Owner, Unloaded};
use super::traefik::muxer::Muxer;
use super::traefik::rule::Rule;
use super::traefik::seen::Seen;
use super::traefik::{denied, internal_routes, redirected};
use super::{
    Basis, Decision, Edit, Explanation, Input, Outcome, Refusal, Releases, RouteTable, RoutingModel, Winner,
};
use crate::model::controller::{ControllerKind, Version};
use crate::model::ingress::{PathType, Place};
use crate::model::object::Name;
use crate::model::request::Request;

mod app_root;
mod backends;
mod canary;
mod chain;
mod hosts;
mod load;
mod location;
mod options;
mod rewrite;
mod snippet;
mod variables;

use backends::Resolved;
use chain::{Share, Visit};
use hosts::Hosts;
use load::Loader;
use location::Location;
use options::Global;

/// The provider `kubernetesIngressNGINX`.
#[derive(Debug)]
pub struct TraefikIngressNginx;

impl RoutingModel for TraefikIngressNginx {
    fn kind(&self) -> ControllerKind {
        ControllerKind::TraefikIngressNginx
    }

    fn basis(&self) -> Basis {
        Basis::Exact
    }

    fn releases(&self) -> Option<Releases> {
        Some(Releases { since: Version::new(3, 7, 0), before: Version::new(3, 8, 0) })
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

/// What a router does; locations by number.
#[derive(Debug)]
enum Action {
    Location(usize),
    /// The canary's own router.
    Canary(usize),
    /// The router that keeps requests from the canary.
    Primary(usize),
    Www {
        location: usize,
        to: String,
    },
    /// The `app-root` of a host that has no location for `/`.
    AppRoot(usize),
    /// The Service that the arguments name.
    DefaultService,
    Redirect,
    Acme,
}

/// A host whose TLS is not ended here.
#[derive(Debug)]
struct Passthrough {
    owner: usize,
    place: Place,
    host: String,
    backend: Resolved,
}

#[derive(Debug)]
struct Table {
    entry_points: EntryPoints,
    muxer: Muxer,
    /// Of the muxer's routes, by number.
    actions: Vec<Action>,
    /// Oldest first.
    owners: Vec<Owner>,
    /// Of the owners: whether they are canaries, and their aliases.
    canaries: Vec<bool>,
    aliases: Vec<Vec<String>>,
    locations: Vec<Location>,
    passthroughs: Vec<Passthrough>,
    hosts: Hosts,
    dropped: HashMap<(usize, Place), Dropped>,
    unloaded: Vec<Unloaded>,
    refused: Vec<(Name, Refusal)>,
    default_service: Option<Resolved>,
    /// Where routers without TLS are.
    plain: Places,
    strict_paths: bool,
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let global = Global::new(input.settings);
        let entry_points = EntryPoints::new(input.settings);
        let sound = entry_points.iter().filter(|(_, point)| entry_points.is_sound(point));
        let sound = sound.fold(0, |mask, (number, _)| mask | (1 << number));
        let defaults = entry_points.defaults();
        let or_defaults = |mask: u64| if mask == 0 { defaults } else { mask };
        let chosen = input.settings.version.is_none_or(|version| version >= Version::new(3, 7, 11));
        let plain_on = match &global.http_entry_point {
            Some(name) => entry_points.named(std::slice::from_ref(name)),
            None => or_defaults(entry_points.plain(chosen)),
        };
        let tls_on = match &global.https_entry_point {
            Some(name) => entry_points.named(std::slice::from_ref(name)),
            None => defaults,
        };
        let plain = entry_points.places(plain_on, false);
        let tls = entry_points.places(tls_on, true);
        let places = Places { plain: plain.plain, tls: plain.tls | tls.tls };
        let internal: Vec<_> = internal_routes(&entry_points).collect();
        let table = Self {
            entry_points,
            muxer: Muxer::default(),
            actions: Vec::new(),
            owners: Vec::new(),
            canaries: Vec::new(),
            strict_paths: global.strict_paths,
            aliases: Vec::new(),
            locations: Vec::new(),
            passthroughs: Vec::new(),
            hosts: Hosts::default(),
            dropped: HashMap::new(),
            unloaded: Vec::new(),
            refused: Vec::new(),
            default_service: None,
            plain,
        };
        let (mut table, mut routes) = Loader::new(input, &global, places, sound, table).load(input.ingresses);
        for (route, is_acme) in internal {
            routes.push(route);
            table.actions.push(if is_acme { Action::Acme } else { Action::Redirect });
        }
        table.refused = table.unloaded.iter().map(|one| (one.name.clone(), one.refusal.clone())).collect();
        table.refused.sort();
        table.muxer = Muxer::new(routes);
        table
    }

    fn act(&self, number: usize, seen: &Seen<'_>, entry_point: &EntryPoint) -> Option<Decision> {
        let route = self.muxer.get(number)?;
        if let Some(decision) = denied(seen, entry_point) {
            return Some(decision);
        }
        let at = |location: usize| {
            let location = self.locations.get(location)?;
            Some(Visit { table: self, seen, entry_point, location, rendered: &route.text })
        };
        let visit = |location: usize, share: Share| Some(at(location)?.run(share));
        match self.actions.get(number)? {
            Action::Location(location) => visit(*location, Share::Either),
            Action::Canary(location) => visit(*location, Share::Canary),
            Action::Primary(location) => visit(*location, Share::Main),
            Action::Www { location, to } => Some(chain::www(self, self.locations.get(*location)?, seen, to)),
            Action::AppRoot(location) => at(*location)?.app_root(),
            Action::DefaultService => self.by_arguments(seen),
            Action::Redirect => Some(redirected(seen, entry_point)),
            Action::Acme => Some(Decision::bare(Outcome::NoRoute, Some(404))),
        }
    }

    /// The Service that the arguments name takes what nobody else does.
    fn by_arguments(&self, seen: &Seen<'_>) -> Option<Decision> {
        let backend = self.default_service.as_ref()?;
        let status = backend.servers.status();
        let outcome = if status.is_some() { Outcome::Unavailable } else { Outcome::Routed };
        let mut decision = Decision::bare(outcome, status);
        decision.default_backend = true;
        decision.winner = Some(Winner {
            ingress: Name::default(),
            place: Place::DefaultBackend,
            host: String::new(),
            path: String::new(),
            path_type: None,
            backend: Some(backend.target.clone()),
            rendered: String::new(),
        });
        decision.notes.extend(backend.note.clone());
        if outcome == Outcome::Routed {
            decision.upstream_path = Some(seen.escaped());
        }
        Some(decision)
    }

    /// TLS that is handed on before any HTTP is read: only where no router asks for the host.
    fn passed_through(&self, seen: &Seen<'_>) -> Vec<Decision> {
        if !seen.listener.tls || self.passthroughs.is_empty() || self.muxer.knows_host(seen) {
            return Vec::new();
        }
        let asked = seen.host.strip_suffix('.').unwrap_or(&seen.host);
        self.passthroughs
            .iter()
            .filter(|passthrough| crate::model::host::spec_match(&passthrough.host, asked))
            .map(|passthrough| {
                let rendered = format!("HostSNI(\"{}\")", passthrough.host);
                chain::passed(self, passthrough, seen, rendered)
            })
            .collect()
    }
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let Some((number, entry_point)) = self.entry_points.of(request) else {
            return Decision::bare(Outcome::NoRoute, Some(404));
        };
        let passed = self.passed_through(&Seen::unread(request, number));
        if !passed.is_empty() {
            return settle(passed);
        }
        let Ok(seen) = Seen::new(request, number, entry_point) else {
            return Decision::bare(Outcome::Refused, Some(400));
        };
        let found = self.muxer.find(&seen);
        let taken = found.routes.iter().filter_map(|number| self.act(*number, &seen, entry_point));
        let mut decisions: Vec<Decision> = taken.collect();
        if !found.certain {
            decisions.push(Decision::bare(Outcome::NoRoute, Some(404)));
        }
        let mut decision = settle(decisions);
        seen.add_notes(&mut decision, self.entry_points.assumed);
        decision
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        let decision = self.decide(request);
        let mut explanation = explain::explain(self, &self.entry_points, &decision, request, limit);
        // What is passed through has no router that could be found among the others.
        let winner = decision.winner.as_ref();
        explanation.eliminated.retain(|lost| {
            winner.is_none_or(|winner| (&winner.ingress, winner.place) != (&lost.ingress, lost.place))
        });
        explanation
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &self.refused
    }
}

impl explain::Explained for Table {
    fn owners(&self) -> &[Owner] {
        &self.owners
    }

    fn unloaded(&self) -> &[Unloaded] {
        &self.unloaded
    }

    fn muxer(&self) -> &Muxer {
        &self.muxer
    }

    fn origin(&self, number: usize) -> Option<(usize, Place)> {
        match self.actions.get(number)? {
            Action::Location(location) | Action::Canary(location) | Action::Primary(location) => {
                self.locations.get(*location).map(|location| (location.owner, location.place))
            }
            Action::Www { .. }
            | Action::AppRoot(_)
            | Action::DefaultService
            | Action::Redirect
            | Action::Acme => None,
        }
    }

    fn dropped(&self, owner: usize, place: Place) -> Option<&Dropped> {
        self.dropped.get(&(owner, place))
    }

    fn draft(&self, owner: usize, host: &str, path: &str, path_type: PathType) -> Option<Rule> {
        if self.strict_paths && !load::is_taken(path, path_type) {
            return None;
        }
        let aliases = self.aliases.get(owner)?;
        Some(load::rule(host, aliases, path, path_type, self.hosts.regex.contains(host)))
    }

    fn release(&self, _owner: usize, _seen: &Seen<'_>) -> Option<String> {
        None
    }

    fn is_canary(&self, owner: usize) -> bool {
        self.canaries.get(owner).copied().unwrap_or(false)
    }

    fn as_pattern(&self, host: &str, path: &str, path_type: PathType, seen: &Seen<'_>) -> Option<Edit> {
        let literal = path_type == PathType::Exact || self.hosts.regex.contains(host);
        // Most patterns can be told apart by their first letters, without being compiled.
        let is_near = seen.folded.starts_with(literal_head(path).to_ascii_lowercase().as_bytes());
        let takes = || {
            let rule = load::rule(host, &[], path, path_type, true);
            rule.is_valid() && rule.takes(seen) == super::traefik::pattern::Match::Yes
        };
        (!literal && is_near && takes())
            .then(|| Edit::SetAnnotation { key: options::key("use-regex"), value: "true".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::{
        Case, annotated, brief, check_with, marked, misses_are_mended, reasons, set_default, table, told,
    };
    use crate::model::controller::Settings;
    use crate::model::ingress::{Backend, Ingress, Tls};

    const KIND: ControllerKind = ControllerKind::TraefikIngressNginx;

    fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
        check_with(KIND, ingresses, &Settings::default(), cases);
    }

    fn settings(options: &[&str]) -> Settings {
        let own: Vec<String> =
            options.iter().map(|option| format!("--providers.kubernetesingressnginx.{option}")).collect();
        let entry_points = [
            "--entrypoints.web.address=:80",
            "--entrypoints.websecure.address=:443",
            "--entrypoints.websecure.http.tls=true",
        ];
        told(&own.iter().map(String::as_str).chain(entry_points).collect::<Vec<_>>())
    }

    #[test]
    fn an_unmatched_path_falls_through_to_wildcards_and_hostless_rules() {
        check(
            &[
                annotated("n/a", 9, &[], &[("a.wild.com", "Prefix /only own")]),
                annotated("n/w", 8, &[], &[("*.wild.com", "Prefix /wild wild")]),
                annotated("n/any", 7, &[], &[("", "Prefix /else any")]),
            ],
            &[
                ("http://a.wild.com/only/x", "n/own"),
                ("http://a.wild.com/wild", "n/wild"),
                ("http://a.wild.com/else", "n/any"),
                ("http://a.b.wild.com/wild", "404"),
            ],
        );
    }

    #[test]
    fn a_prefix_is_one_of_elements() {
        check(
            &[annotated("n/a", 1, &[], &[("a.example", "Prefix /foo s"), ("a.example", "Prefix /bar/ s")])],
            &[
                ("http://a.example/foo", "n/s"),
                ("http://a.example/foo/x", "n/s"),
                ("http://a.example/foobar", "404"),
                ("http://a.example/bar", "n/s"),
                ("http://a.example//bar/./x", "n/s /bar/x"),
                ("http://a.example/foo%2Fx", "404"),
            ],
        );
    }

    #[test]
    fn the_longer_rule_text_wins_and_an_exact_path_is_dead_below_a_prefix() {
        check(
            &[annotated(
                "n/a",
                1,
                &[],
                &[
                    ("a.example", "Prefix / root"),
                    ("a.example", "Exact /foo foo"),
                    ("a.example", "Exact /longer-one longer"),
                    ("a.example", "Prefix /api api"),
                    ("a.example", "Exact /api/long-path long"),
                ],
            )],
            &[
                ("http://a.example/foo", "n/root"),
                ("http://a.example/longer-one", "n/longer"),
                ("http://a.example/api/long-path", "n/api"),
            ],
        );
        check(
            &[annotated("n/any", 2, &[], &[("", "Prefix /api any"), ("h.io", "Prefix / own")])],
            &[("http://h.io/api", "n/any"), ("http://h.io/x", "n/own")],
        );
    }

    #[test]
    fn a_duplicate_is_chance() {
        check(
            &[
                annotated("n/old", 9, &[], &[("a.example", "Prefix /x old")]),
                annotated("n/young", 1, &[], &[("a.example", "Prefix /x young")]),
            ],
            &[("http://a.example/x", "one of n/old, n/young")],
        );
    }

    #[test]
    fn a_missing_service_or_empty_endpoints_are_503() {
        check(
            &[
                annotated(
                    "n/a",
                    1,
                    &[],
                    &[("a.example", "Prefix /gone gone"), ("a.example", "Prefix /dead dead")],
                ),
                annotated(
                    "n/b",
                    1,
                    &[("default-backend", "spare")],
                    &[("b.example", "Prefix /gone gone"), ("b.example", "Prefix /dead dead")],
                ),
            ],
            &[
                ("http://a.example/gone", "503"),
                ("http://a.example/dead", "503"),
                ("http://b.example/gone", "503"),
                ("http://b.example/dead", "n/spare"),
            ],
        );
    }

    #[test]
    fn default_backends_have_their_scope() {
        let mut with = annotated("n/with", 8, &[], &[("a.example", "Prefix /x s")]);
        set_default(&mut with, "with");
        let mut only = annotated("n/only", 9, &[], &[]);
        set_default(&mut only, "only");
        let mut young = annotated("n/young", 1, &[], &[]);
        set_default(&mut young, "young");
        let any = annotated("n/any", 7, &[], &[("", "Prefix /hostless any")]);
        check(
            &[with.clone(), only, young, any],
            &[
                ("http://a.example/else", "n/with"),
                ("http://a.example/hostless", "n/any"),
                ("http://nobody/else", "n/only"),
            ],
        );
        let mut two =
            annotated("n/two", 1, &[], &[("a.example", "Prefix /x s"), ("b.example", "Prefix /x s")]);
        set_default(&mut two, "two");
        check(
            &[two],
            &[
                ("http://a.example/else", "one of n/two or 404"),
                ("http://b.example/x", "n/s"),
                ("http://nobody/else", "404"),
            ],
        );
        let mut moved = annotated("n/m", 1, &[("temporal-redirect", "https://e.example/y")], &[]);
        set_default(&mut moved, "s");
        let regex = annotated("n/r", 2, &[("use-regex", "true")], &[("", "Prefix /x s")]);
        check(&[moved, regex], &[("http://nobody/else", "302 https://e.example/y")]);
        let told = settings(&["defaultbackendservice=n/with"]);
        check_with(KIND, &[with], &told, &[("http://nobody/else", "n/with")]);
    }

    #[test]
    fn one_pattern_makes_all_prefixes_of_a_host_patterns() {
        let regex = [("use-regex", "true")];
        check(
            &[
                annotated("n/a", 9, &regex, &[("a.example", "ImplementationSpecific /v[0-9]+ s")]),
                annotated("n/b", 8, &[], &[("a.example", "Prefix /foo t"), ("a.example", "Exact /baz u")]),
                annotated("n/any", 7, &[], &[("", "Prefix /else any")]),
            ],
            &[
                ("http://a.example/V12/x", "n/s"),
                ("http://a.example/FOObar", "n/t"),
                ("http://a.example/bazz", "404"),
                ("http://a.example/baz", "n/u"),
                ("http://a.example/else", "n/any"),
            ],
        );
        let pcre = annotated("n/p", 1, &regex, &[("p.example", "ImplementationSpecific /(?!x).* s")]);
        check(&[pcre], &[("http://p.example/y", "404")]);
    }

    #[test]
    fn rewrites_replace_what_matched_and_keep_the_tail() {
        check(
            &[
                annotated(
                    "n/a",
                    1,
                    &[("rewrite-target", "/$2")],
                    &[("a.example", "ImplementationSpecific /app(/|$)(.*) s")],
                ),
                annotated("n/b", 1, &[("rewrite-target", "/new")], &[("b.example", "Prefix /foo s")]),
                annotated("n/c", 1, &[("rewrite-target", "/")], &[("c.example", "Prefix /foo s")]),
                annotated(
                    "n/d",
                    1,
                    &[("rewrite-target", "/$1/x?q=1")],
                    &[("d.example", "ImplementationSpecific /(.*) s")],
                ),
                annotated(
                    "n/e",
                    1,
                    &[("rewrite-target", "https://x.example/y")],
                    &[("e.example", "Prefix /foo s")],
                ),
                annotated("n/f", 1, &[("rewrite-target", "$1")], &[("f.example", "Exact /foo s")]),
            ],
            &[
                ("http://a.example/app/x/y", "n/s /x/y"),
                ("http://a.example/app", "n/s /"),
                ("http://b.example/foo/", "n/s /new/"),
                ("http://c.example/foo/x", "400"),
                ("http://d.example/a", "n/s /a/x%3Fq=1"),
                ("http://e.example/foo/x?z", "302 https://x.example/y?z"),
                ("http://f.example/foo", "500"),
            ],
        );
    }

    #[test]
    fn redirects_by_annotation() {
        let mut tls = annotated("n/tls", 1, &[], &[("t.example", "Prefix / s")]);
        tls.tls = vec![Tls::default()];
        let mut off = annotated("n/off", 1, &[("ssl-redirect", "false")], &[("o.example", "Prefix / s")]);
        off.tls = vec![Tls::default()];
        check(
            &[
                tls,
                off,
                annotated("n/f", 1, &[("force-ssl-redirect", "TRUE")], &[("f.example", "Prefix / s")]),
                annotated(
                    "n/p",
                    1,
                    &[("permanent-redirect", "/moved$request_uri")],
                    &[("p.example", "Prefix /x s")],
                ),
                annotated(
                    "n/q",
                    1,
                    &[
                        ("permanent-redirect", "/no"),
                        ("temporal-redirect", "https://l.example/x"),
                        ("temporal-redirect-code", "307"),
                    ],
                    &[("q.example", "Prefix / s")],
                ),
                annotated(
                    "n/c",
                    1,
                    &[("permanent-redirect", "/y"), ("permanent-redirect-code", "200")],
                    &[("c.example", "Prefix / s")],
                ),
                annotated("n/r", 1, &[("app-root", "/app")], &[("r.example", "Prefix /x s")]),
                annotated("n/w", 1, &[("from-to-www-redirect", "true")], &[("w.example", "Prefix / s")]),
            ],
            &[
                ("http://t.example:8080/x/?y", "308 https://t.example/x/?y"),
                ("https://t.example/x", "n/s"),
                ("http://o.example/x", "n/s"),
                ("http://f.example/", "308 https://f.example/"),
                ("http://p.example/x/y", "301 /moved"),
                ("http://p.example/else", "404"),
                ("http://q.example/", "307 https://l.example/x"),
                ("http://c.example/", "301 /y"),
                ("http://r.example/", "302 http://r.example/app"),
                ("http://r.example/x", "n/s"),
                ("http://www.w.example/x/?y", "308 http://w.example/x/?y"),
                ("https://www.w.example/x/", "308 https://w.example/x"),
            ],
        );
    }

    #[test]
    fn an_app_root_is_the_hosts_since_3_7_14() {
        let ingresses = [
            annotated("n/a", 9, &[("app-root", "/app")], &[("a.example", "Prefix /x s")]),
            annotated("n/b", 8, &[], &[("a.example", "Prefix / t")]),
        ];
        check(
            &ingresses,
            &[("http://a.example/", "302 http://a.example/app"), ("http://a.example/y", "n/t")],
        );
        let before = Settings { version: Some(Version::new(3, 7, 13)), ..Settings::default() };
        check_with(KIND, &ingresses, &before, &[("http://a.example/", "n/t")]);
    }

    #[test]
    fn what_is_broken_answers_so_whatever_else_cannot_be_read() {
        let told = settings(&["allowsnippetannotations=true"]);
        for also in [("configuration-snippet", "return 404"), ("whitelist-source-range", "x")] {
            let broken =
                annotated("n/a", 1, &[("custom-headers", "nothing"), also], &[("a.example", "Prefix /x s")]);
            check_with(
                KIND,
                &[broken],
                &told,
                &[("http://a.example/x", "503"), ("http://a.example/", "404")],
            );
        }
    }

    #[test]
    fn locations_without_routers_take_part_in_the_app_root_of_their_host() {
        let root = |name: &str, path: &str| ("app-root".to_owned(), format!("/{name}{path}"));
        let with = |name: &str, age: i64, bad: &[(&str, &str)], own: bool, path: &str| {
            let own = own.then(|| root(name, ""));
            let mut all: Vec<(&str, &str)> = bad.to_vec();
            all.extend(own.as_ref().map(|(key, value)| (key.as_str(), value.as_str())));
            annotated(&format!("n/{name}"), age, &all, &[("a.example", path)])
        };
        for (bad, alone, then_good, beside) in [
            // For want of a Secret: skipped when a router is made, heard for the roots that are there.
            (&[("auth-tls-secret", "none")][..], "404", "302 http://a.example/good", "404"),
            (&[("auth-type", "bearer")], "404", "302 http://a.example/good", "404"),
            // Broken: it is its turn, and it makes nothing.
            (&[("custom-headers", "nothing")], "404", "404", "503"),
            // Its own router cannot be had, the other one can.
            (
                &[("whitelist-source-range", "x")],
                "302 http://a.example/bad",
                "302 http://a.example/bad",
                "404",
            ),
        ] {
            let first = with("bad", 9, bad, true, "Prefix /x s");
            let good = with("good", 8, &[], true, "Prefix /y s");
            let cases = |expected| [("http://a.example/", expected)];
            check(std::slice::from_ref(&first), &cases(alone));
            check(&[first.clone(), good.clone()], &cases(then_good));
            let there = with("there", 7, &[], false, "Prefix / t");
            check(&[first, good.clone(), there], &cases("302 http://a.example/bad"));
            // A root of that kind is one all the same.
            check(&[good, with("dead", 7, bad, false, "Prefix / t")], &cases(beside));
        }
    }

    #[test]
    fn ingresses_that_are_not_loaded_say_why() {
        let all = [
            annotated("n/strict", 1, &[], &[("a.example", "Prefix /x s"), ("a.example", "Exact /a@b s")]),
            annotated("n/snippet", 1, &[("server-snippet", "return 403;")], &[("b.example", "Prefix / s")]),
        ];
        check(&all, &[("http://a.example/x", "404"), ("http://b.example/", "404")]);
        let found = table(KIND, &all, &Settings::default());
        let names: Vec<String> = found.refused().iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names, ["n/snippet", "n/strict"]);
        let loose = settings(&["strictvalidatepathtype=false", "allowsnippetannotations=true"]);
        check_with(KIND, &all, &loose, &[("http://a.example/x", "n/s"), ("http://b.example/", "403")]);
    }

    #[test]
    fn canaries_follow_the_service() {
        let main = annotated("n/main", 9, &[], &[("a.example", "Prefix /x s"), ("b.example", "Prefix /y s")]);
        let canary = |annotations: &[(&str, &str)], path: &str| {
            let annotations = [&[("canary", "true")], annotations].concat();
            annotated("n/canary", 8, &annotations, &[("a.example", path)])
        };
        let half = [("canary-weight", "50")];
        let both = "one of n/c, n/s";
        check(
            &[main.clone(), canary(&half, "Prefix /x c")],
            &[("http://a.example/x", both), ("http://b.example/y", both)],
        );
        for (path, service) in [("Prefix /x c", "n/c"), ("Exact /x c", "n/s"), ("Prefix /x gone", "n/s")] {
            let all = [main.clone(), canary(&[("canary-weight", "100")], path)];
            check(&all, &[("http://a.example/x", service)]);
        }
        let table = table(
            KIND,
            &[main, canary(&[("canary-by-header", "X-C"), ("canary-by-cookie", "c")], "Prefix /x c")],
            &Settings::default(),
        );
        for (header, value, expected) in [
            ("X-C", "always", "n/c"),
            ("X-C", "Always", "n/s"),
            ("X-C", "never", "n/s"),
            ("Cookie", "a=b; c=always", "n/c"),
            ("Cookie", "c=never", "n/s"),
        ] {
            let mut request = Request::parse("http://a.example/x").expect("url");
            request.headers.push((header.to_owned(), value.to_owned()));
            assert_eq!(brief(&table.decide(&request), &request), expected, "{header}: {value}");
        }
    }

    #[test]
    fn access_errors_and_aliases() {
        check(
            &[
                annotated(
                    "n/a",
                    9,
                    &[("auth-type", "basic"), ("auth-secret", "none")],
                    &[("a.example", "Prefix / s")],
                ),
                annotated(
                    "n/l",
                    8,
                    &[("whitelist-source-range", "10.0.0.0/99")],
                    &[("l.example", "Prefix / s")],
                ),
                annotated(
                    "n/al",
                    7,
                    &[("server-alias", "x.example, *.y.example,a.example")],
                    &[("al.example", "Prefix / s")],
                ),
                annotated(
                    "n/e",
                    6,
                    &[("custom-http-errors", "503"), ("default-backend", "spare")],
                    &[("e.example", "Prefix / gone")],
                ),
                annotated(
                    "n/f",
                    5,
                    &[("custom-http-errors", "503"), ("default-backend", "gone")],
                    &[("f.example", "Prefix / s")],
                ),
            ],
            &[
                ("http://a.example/", "404"),
                ("http://l.example/", "404"),
                ("http://x.example/", "n/s"),
                ("http://q.y.example/", "n/s"),
                ("http://e.example/x", "n/spare /"),
                ("http://f.example/x", "404"),
            ],
        );
    }

    #[test]
    fn passthrough_takes_all_paths_of_tls_and_resources_make_no_router() {
        let pass = [("ssl-passthrough", "true")];
        let mut resource = annotated("n/r", 1, &[], &[("r.example", "Prefix / s")]);
        resource.rules[0].paths.as_mut().expect("paths")[0].backend =
            Backend::Resource { kind: "Bucket".to_owned(), name: "b".to_owned() };
        check(
            &[
                annotated("n/p", 1, &pass, &[("p.example", "Prefix / s"), ("p.example", "Prefix /x t")]),
                annotated("n/q", 1, &pass, &[("q.example", "Prefix /x t")]),
                annotated("n/dead", 1, &pass, &[("dead.example", "Prefix / dead")]),
                resource,
            ],
            &[
                ("https://p.example/x//y", "n/s"),
                ("https://p.example/%", "n/s"),
                ("http://p.example/%", "400"),
                ("https://dead.example/", "refused"),
                ("http://p.example/x", "n/t"),
                ("http://p.example/y", "n/s"),
                ("https://q.example/x", "404"),
                ("http://q.example/x", "n/t"),
                ("http://r.example/", "404"),
            ],
        );
    }

    #[test]
    fn entry_points_may_be_named() {
        let named = settings(&["httpentrypoint=web", "httpsentrypoint=websecure"]);
        let ingresses = [annotated("n/a", 1, &[], &[("a.example", "Prefix / s")])];
        let cases = [("http://a.example/", "n/s"), ("https://a.example/", "n/s")];
        check_with(KIND, &ingresses, &named, &cases);
        let foreign = marked(
            "n/f",
            &[("traefik.ingress.kubernetes.io/router.priority", "x")],
            &[("f.example", "Prefix / s")],
        );
        check(&[foreign], &[("http://f.example/", "n/s")]);
    }

    #[test]
    fn every_loser_has_its_reason() {
        let all = [
            annotated("n/a", 9, &[], &[("a.example", "Prefix /x s"), ("a.example", "Exact /x t")]),
            annotated("n/auth", 8, &[("auth-type", "jwt")], &[("a.example", "Prefix /x s")]),
            annotated("n/canary", 7, &[("canary", "true")], &[("a.example", "Prefix /x c")]),
            annotated("n/strict", 6, &[], &[("a.example", "Prefix /x@ s")]),
        ];
        assert_eq!(
            reasons(KIND, &all, "http://a.example/x"),
            [
                "n/a /x: than n/a /x",
                "n/auth /x: left out, Annotation { ingress: Name { namespace: \"n\", name: \"auth\" }, key: \
                 \"nginx.ingress.kubernetes.io/auth-type\" }",
                "n/canary /x: canary",
                "n/strict /x@: not loaded",
            ]
        );
    }

    #[test]
    fn near_misses_are_mended_by_their_edits() {
        let all = [
            annotated(
                "n/shop",
                9,
                &[],
                &[
                    ("shop.example.com", "Exact /foo s"),
                    ("shop.example.com", "Prefix /Orders s"),
                    ("shop.example.com", "ImplementationSpecific /v[0-9]+/x s"),
                    ("*.wild.example", "Prefix / s"),
                    ("plain.example.com", "Prefix / s"),
                ],
            ),
            annotated("n/drop", 2, &[("server-snippet", "x;")], &[("drop.example.com", "Prefix /d s")]),
            annotated("n/auth", 2, &[("auth-type", "jwt")], &[("auth.example.com", "Prefix /d s")]),
        ];
        for url in [
            "http://shop.example.com/foo/bar",
            "http://shop.example.com/orders/7",
            "http://shop.example.com/Order/7",
            "http://shop.example.com/v12/x",
            "http://shop.example.com/else/where/",
            "http://www.shop.example.com/foo",
            "http://203.0.113.9/foo",
            "http://a.b.wild.example/x",
            "http://drop.example.com/d/1",
            "http://auth.example.com/d",
        ] {
            misses_are_mended(KIND, &all, url);
        }
    }
}

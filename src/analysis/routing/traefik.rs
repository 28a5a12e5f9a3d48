//! Traefik's Ingress provider (`kubernetesIngress`), held to recorded answers of 3.7.15.
//!
//! Steps: static configuration (`entry_points`) → annotations, which may drop the Ingress → per path a
//! Service, without which there is no router → its rule (`rule`) and priority → the muxer (`muxer`)
//! → decide request by request.
//! Assumptions: the Ingresses are all of this process's routers but those of its entry points: other
//! providers (CRDs, files) are not read; SNI and Host are the same; health checks, sticky sessions and
//! the contents of middlewares are not followed.
//! By version: before 3.7 a wildcard host is a pattern; see also `entry_points`.
//! Sources: traefik/traefik `pkg/provider/kubernetes/ingress/kubernetes.go`, `pkg/server/aggregator.go`,
//! `pkg/server/router/{router,deny}.go`, `pkg/provider/traefik/internal.go`, v3.7.13 and v3.6.12.

use std::collections::HashMap;

use super::settle::settle;
use super::{
    Basis, Decision, Explanation, Input, Note, Outcome, Refusal, Releases, RouteTable, RoutingModel, Target,
};
use crate::model::controller::{ControllerKind, Settings, Version};
use crate::model::ingress::{PathType, Place};
use crate::model::object::Name;
use crate::model::request::Request;

pub(super) mod annotations;
pub(super) mod endpoints;
pub(super) mod entry_points;
pub(super) mod explain;
mod load;
pub(super) mod muxer;
pub(super) mod pattern;
pub(super) mod redirect;
pub(super) mod rule;
pub(super) mod seen;
mod services;
mod template;
pub(super) mod uri;
pub(super) mod url;

use annotations::Router;
use endpoints::Servers;
use entry_points::{EntryPoint, EntryPoints, Places};
use explain::{Dropped, Owner, Unloaded};
use muxer::{Muxer, Route};
use rule::{Host, Path, Rule};
use seen::Seen;

/// The provider `kubernetesIngress`.
#[derive(Debug)]
pub struct Traefik;

impl RoutingModel for Traefik {
    fn kind(&self) -> ControllerKind {
        ControllerKind::Traefik
    }

    fn basis(&self) -> Basis {
        Basis::Exact
    }

    fn releases(&self) -> Option<Releases> {
        Some(Releases { since: Version::new(3, 7, 0), before: Version::new(3, 8, 0) })
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(load::load(input))
    }
}

pub(super) const ACME: &str = "/.well-known/acme-challenge/";

/// What the provider was told.
#[derive(Debug)]
struct Options {
    strict: bool,
    allow_empty: bool,
    v2: bool,
    /// Wildcard hosts are matched as such.
    wildcards: bool,
    /// Namespaces whose Ingresses may name middlewares; all without a list.
    cross_provider: Option<Vec<String>>,
}

impl Options {
    fn new(settings: &Settings) -> Self {
        let flag = |name: &str| format!("providers.kubernetesingress.{name}");
        Self {
            strict: settings.is_set(&flag("strictprefixmatching")),
            allow_empty: settings.is_set(&flag("allowemptyservices")),
            v2: settings.value("core.defaultrulesyntax") == Some("v2"),
            wildcards: settings.version.is_none_or(|version| version >= Version::new(3, 7, 0)),
            cross_provider: settings
                .value(&flag("crossprovidernamespaces"))
                .map(|list| list.split(',').map(|name| name.trim().to_owned()).collect()),
        }
    }
}

/// What a router does.
#[derive(Debug)]
enum Action {
    Forward {
        owner: usize,
        place: Place,
        target: Target,
        servers: Servers,
        notes: Vec<Note>,
    },
    /// The redirect of its entry point.
    Redirect,
    /// Traefik's own answer to ACME challenges.
    Acme,
}

#[derive(Debug)]
struct Table {
    options: Options,
    entry_points: EntryPoints,
    muxer: Muxer,
    /// Of the muxer's routes, by number.
    actions: Vec<Action>,
    /// Sorted by name.
    owners: Vec<Owner>,
    routers: Vec<Router>,
    /// Why paths have no router.
    dropped: HashMap<(usize, Place), Dropped>,
    unloaded: Vec<Unloaded>,
    refused: Vec<(Name, Refusal)>,
}

impl Table {
    /// The rule of a path, as this provider writes it.
    fn rule(&self, router: &Router, host: &str, path: &str, path_type: PathType) -> Option<Rule> {
        let v2 = match router.rule_syntax.as_str() {
            "v2" => true,
            "" => self.options.v2,
            _ => false,
        };
        let hosts = match host.strip_prefix("*.") {
            _ if host.is_empty() => Vec::new(),
            Some(parent) if v2 => vec![Host::v2_wildcard(parent)],
            Some(parent) if !self.options.wildcards => vec![Host::old_wildcard(parent)],
            Some(_) | None => vec![Host::Name(host.to_owned())],
        };
        let matcher = match path_type {
            PathType::Exact => "Path",
            PathType::Prefix => "PathPrefix",
            PathType::ImplementationSpecific => router.path_matcher.as_deref().unwrap_or("PathPrefix"),
        };
        let path = match matcher {
            _ if path.is_empty() => Path::Any,
            "Path" => Path::Exact(path.to_owned()),
            "PathPrefix" | "" if self.options.strict => Path::element(path),
            "PathPrefix" | "" => Path::Prefix(path.to_owned()),
            "PathRegexp" => Path::Pattern(pattern::Pattern::new(path)),
            _ => return None,
        };
        let path = if v2 { template::v2(path) } else { path };
        Some(Rule { hosts, path, conditions: Vec::new() })
    }

    fn places(&self, router: &Router) -> Places {
        let on = if router.entry_points.is_empty() {
            self.entry_points.defaults()
        } else {
            self.entry_points.named(&router.entry_points)
        };
        self.entry_points.places(on, router.tls)
    }

    fn act(&self, number: usize, seen: &Seen<'_>, entry_point: &EntryPoint) -> Option<Decision> {
        let route = self.muxer.get(number)?;
        if let Some(decision) = denied(seen, entry_point) {
            return Some(decision);
        }
        match self.actions.get(number)? {
            Action::Redirect => Some(redirected(seen, entry_point)),
            Action::Acme => {
                let mut decision = Decision::bare(Outcome::NoRoute, Some(404));
                let flag = "certificatesresolvers.*.acme.httpchallenge.entrypoint".to_owned();
                decision.notes.push(Note::Argument { flag });
                Some(decision)
            }
            Action::Forward { owner, place, target, servers, notes } => {
                let owner = self.owners.get(*owner)?;
                let status = servers.status();
                let outcome = if status.is_some() { Outcome::Unavailable } else { Outcome::Routed };
                let mut decision = Decision::bare(outcome, status);
                decision.winner = Some(owner.winner(*place, Some(target.clone()), route.text.clone()));
                decision.notes.extend(servers.note(target));
                decision.notes.extend(notes.iter().cloned());
                if outcome == Outcome::Routed {
                    decision.upstream_path = Some(seen.escaped());
                }
                Some(decision)
            }
        }
    }
}

/// Refuses escapes that the entry point does not allow.
pub(super) fn denied(seen: &Seen<'_>, entry_point: &EntryPoint) -> Option<Decision> {
    if entry_point.denied.is_empty() {
        return None;
    }
    let escaped = seen.escaped();
    let barred = entry_point.denied.iter().any(|byte| escaped.contains(&format!("%{byte:02X}")));
    barred.then(|| {
        let mut decision = Decision::bare(Outcome::Refused, Some(400));
        let flag = format!("entrypoints.{}.http.encodedcharacters", entry_point.name);
        decision.notes.push(Note::Argument { flag });
        decision
    })
}

/// The redirect of an entry point.
pub(super) fn redirected(seen: &Seen<'_>, entry_point: &EntryPoint) -> Decision {
    let flag = format!("entrypoints.{}.http.redirections.entrypoint.to", entry_point.name);
    let location = entry_point.redirect.as_ref().and_then(|redirect| {
        let location = redirect::to_scheme(seen, entry_point, &redirect.scheme, redirect.port.as_deref())?;
        Some((redirect::status(redirect.permanent, &seen.request.method), location))
    });
    let mut decision = match location {
        Some((status, location)) => {
            let mut decision = Decision::bare(Outcome::Redirect, Some(status));
            decision.location = Some(location);
            decision
        }
        // What passes the redirect meets nobody.
        None => Decision::bare(Outcome::Refused, Some(418)),
    };
    decision.notes.push(Note::Argument { flag });
    decision
}

/// The routers of the entry points themselves: redirects and ACME challenges.
pub(super) fn internal_routes(entry_points: &EntryPoints) -> impl Iterator<Item = (Route, bool)> {
    // They too go through what the entry point does to every request.
    let sound = entry_points.iter().filter(|(_, point)| entry_points.is_sound(point));
    sound.flat_map(move |(number, point)| {
        let places = entry_points.places(1 << number, false);
        let rule = |path: Path| Rule {
            hosts: vec![Host::Pattern(pattern::Pattern::new("^.+$"))],
            path,
            conditions: Vec::new(),
        };
        let redirect = point.redirect.as_ref().map(|redirect| {
            let path = if point.acme_bypass { Path::NotPrefix(ACME.to_owned()) } else { Path::Any };
            (Route::new(rule(path), redirect.priority, places), false)
        });
        let acme = point.acme.then(|| {
            let rule =
                Rule { hosts: Vec::new(), path: Path::Prefix(ACME.to_owned()), conditions: Vec::new() };
            (Route::new(rule, if point.acme_bypass { 0 } else { i64::MAX }, places), true)
        });
        redirect.into_iter().chain(acme)
    })
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let Some((number, entry_point)) = self.entry_points.of(request) else {
            return Decision::bare(Outcome::NoRoute, Some(404));
        };
        let Ok(seen) = Seen::new(request, number, entry_point) else {
            return Decision::bare(Outcome::Refused, Some(400));
        };
        let found = self.muxer.find(&seen);
        let mut decisions: Vec<Decision> =
            found.routes.iter().filter_map(|number| self.act(*number, &seen, entry_point)).collect();
        if !found.certain {
            decisions.push(Decision::bare(Outcome::NoRoute, Some(404)));
        }
        let mut decision = settle(decisions);
        seen.add_notes(&mut decision, self.entry_points.assumed);
        decision
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        explain::explain(self, &self.entry_points, &self.decide(request), request, limit)
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
            Action::Forward { owner, place, .. } => Some((*owner, *place)),
            Action::Redirect | Action::Acme => None,
        }
    }

    fn dropped(&self, owner: usize, place: Place) -> Option<&Dropped> {
        self.dropped.get(&(owner, place))
    }

    fn draft(&self, owner: usize, host: &str, path: &str, path_type: PathType) -> Option<Rule> {
        self.rule(self.routers.get(owner)?, host, path, path_type)
    }

    fn release(&self, owner: usize, seen: &Seen<'_>) -> Option<String> {
        let own = &self.owners.get(owner)?.annotations;
        let keys = ["router.entrypoints", "router.tls"].map(|name| format!("{}{name}", annotations::PREFIX));
        keys.into_iter().find(|key| own.contains(key) && self.is_here_without(owner, key, seen))
    }

    fn is_here_without(&self, owner: usize, key: &str, seen: &Seen<'_>) -> bool {
        let Some(mut router) = self.routers.get(owner).cloned() else { return false };
        match key.strip_prefix(annotations::PREFIX) {
            Some("router.entrypoints") => router.entry_points.clear(),
            Some("router.tls") => router.tls = false,
            Some(_) | None => {}
        }
        let rule = Rule { hosts: Vec::new(), path: Path::Any, conditions: Vec::new() };
        Route::new(rule, 0, self.places(&router)).is_at(seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::{
        Case, brief, check_with, ingress, marked, misses_are_mended, reasons, set_default, snapshot, table,
        told,
    };
    use crate::analysis::routing::model_for;
    use crate::model::endpoints::Endpoint;
    use crate::model::ingress::{Backend, Ingress};
    use crate::model::object::Kind;
    use crate::model::snapshot::Listing;

    const KIND: ControllerKind = ControllerKind::Traefik;

    fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
        check_with(KIND, ingresses, &Settings::default(), cases);
    }

    /// An Ingress with `router.*` annotations.
    fn routed(name: &str, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Ingress {
        let own: Vec<(String, &str)> = annotations
            .iter()
            .map(|(key, value)| (format!("{}{key}", annotations::PREFIX), *value))
            .collect();
        let own: Vec<(&str, &str)> = own.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        marked(name, &own, paths)
    }

    #[test]
    fn an_unmatched_path_falls_through_to_wildcards_and_hostless_rules() {
        check(
            &[
                ingress("n/a", &[("a.wild.com", "Prefix /only own")]),
                ingress("n/w", &[("*.wild.com", "Prefix /wild wild")]),
                ingress("n/any", &[("", "Prefix / any")]),
            ],
            &[
                ("http://a.wild.com/only", "n/own"),
                ("http://a.wild.com/wild", "n/wild"),
                ("http://a.wild.com/else", "n/any"),
                ("http://a.b.wild.com/wild", "n/any"),
            ],
        );
    }

    #[test]
    fn a_prefix_is_one_of_characters_unless_told_otherwise() {
        let ingresses = [ingress("n/a", &[("a.example", "Prefix /foo s"), ("a.example", "Prefix /bar/ s")])];
        check(
            &ingresses,
            &[
                ("http://a.example/foo", "n/s"),
                ("http://a.example/foobar", "n/s"),
                ("http://a.example/bar/", "n/s"),
                ("http://a.example/bar", "404"),
                ("http://a.example/FOO", "404"),
            ],
        );
        let strict = told(&[
            "--providers.kubernetesingress.strictprefixmatching=true",
            "--entrypoints.web.address=:80",
        ]);
        check_with(
            KIND,
            &ingresses,
            &strict,
            &[
                ("http://a.example/foo/x", "n/s"),
                ("http://a.example/foobar", "404"),
                ("http://a.example/bar", "n/s"),
            ],
        );
    }

    #[test]
    fn the_longer_rule_text_wins_and_not_the_exact_one() {
        check(
            &[ingress(
                "n/a",
                &[
                    ("h.io", "Prefix / root"),
                    ("h.io", "Exact /a a"),
                    ("h.io", "Exact /foo12 foo12"),
                    ("h.io", "Exact /foo1234 foo1234"),
                    ("h.io", "Exact /healthz healthz"),
                    ("h.io", "Prefix /api api"),
                    ("h.io", "Exact /api/x x"),
                    ("h.io", "Exact /api/long-path long"),
                ],
            )],
            &[
                ("http://h.io/a", "n/root"),
                ("http://h.io/foo12", "n/root"),
                ("http://h.io/foo1234", "n/foo1234"),
                ("http://h.io/healthz", "n/healthz"),
                ("http://h.io/api/x", "n/api"),
                ("http://h.io/api/long-path", "n/long"),
            ],
        );
        check(
            &[ingress("n/a", &[("h.io", "Prefix / root"), ("h.io", "Exact /foo123 foo123")])],
            &[("http://h.io/foo123", "one of n/foo123, n/root")],
        );
        check(
            &[
                ingress("n/any", &[("", "Prefix /this/is/a/very/long/prefix/path any")]),
                ingress("n/h", &[("h.io", "Prefix / own"), ("a.wild.com", "Prefix / a")]),
                ingress("n/w", &[("*.wild.com", "Prefix /deep/long/path/here wild")]),
            ],
            &[
                ("http://h.io/this/is/a/very/long/prefix/path", "n/any"),
                ("http://h.io/this", "n/own"),
                ("http://a.wild.com/deep/long/path/here", "n/wild"),
            ],
        );
    }

    #[test]
    fn a_duplicate_across_ingresses_is_chance_and_inside_one_the_last_path_wins() {
        let same = [("a.example", "Prefix /x s"), ("a.example", "Prefix /x t")];
        check(&[ingress("n/a", &same)], &[("http://a.example/x", "n/t")]);
        check(
            &[ingress("n/a", &same[..1]), ingress("n/b", &same[1..])],
            &[("http://a.example/x", "one of n/s, n/t")],
        );
        check(&[ingress("n/a", &same[..1]), ingress("n/b", &same[..1])], &[("http://a.example/x", "n/s")]);
    }

    #[test]
    fn a_missing_service_or_port_and_empty_endpoints_make_no_router() {
        let ingresses = [
            ingress("n/a", &[("a.example", "Prefix /gone gone"), ("a.example", "Prefix /dead dead")]),
            ingress("n/any", &[("", "Prefix /gone any")]),
        ];
        let cases = [("http://a.example/gone", "n/any"), ("http://a.example/dead", "404")];
        check(&ingresses, &cases);
        let empty =
            told(&["--providers.kubernetesingress.allowemptyservices=true", "--entrypoints.web.address=:80"]);
        check_with(KIND, &ingresses, &empty, &[("http://a.example/dead", "503")]);
    }

    #[test]
    fn a_server_that_is_shutting_down_keeps_the_router() {
        let ingresses = [ingress("n/a", &[("a.example", "Prefix / dead")])];
        let mut snapshot = snapshot(&ingresses);
        let mut slices = snapshot.slices.items().to_vec();
        slices[0].endpoints[0].serving = true;
        slices[0].endpoints[0].terminating = true;
        snapshot.slices =
            crate::model::snapshot::Listing::complete(crate::model::object::Kind::EndpointSlice, slices);
        let all: Vec<&Ingress> = ingresses.iter().collect();
        let input = Input { ingresses: &all, snapshot: &snapshot, settings: &Settings::default() };
        let request = Request::parse("http://a.example/").expect("url");
        let decision = model_for(KIND).expect("a model").compile(&input).decide(&request);
        assert_eq!(brief(&decision, &request), "503");
    }

    #[test]
    fn a_default_backend_counts_only_without_rules_and_comes_last() {
        let mut with = ingress("n/with", &[("a.example", "Prefix /x s")]);
        set_default(&mut with, "ignored");
        check(&[with.clone()], &[("http://a.example/y", "404")]);
        let mut only = ingress("n/only", &[]);
        set_default(&mut only, "only");
        check(
            &[with.clone(), only.clone()],
            &[
                ("http://a.example/x", "n/s"),
                ("http://a.example/y", "n/only"),
                ("http://b.example/", "n/only"),
            ],
        );
        let mut second = ingress("n/second", &[]);
        set_default(&mut second, "second");
        check(&[only, second], &[("http://b.example/", "one of n/only, n/second")]);
    }

    #[test]
    fn hosts_lose_case_port_and_a_dot_and_wildcards_take_one_label() {
        check(
            &[ingress("n/a", &[("a.example", "Prefix / s"), ("*.foo.com", "Prefix / w")])],
            &[
                ("http://A.Example:8080/", "n/s"),
                ("http://a.example./", "n/s"),
                ("http://x_y.foo.com/", "n/w"),
                ("http://.foo.com/", "n/w"),
                ("http://a.b.foo.com/", "404"),
                ("http://foo.com/", "404"),
            ],
        );
    }

    #[test]
    fn paths_are_cleaned_before_they_are_matched() {
        let ingresses = [ingress("n/a", &[("a.example", "Prefix /a/b s")])];
        check(
            &ingresses,
            &[
                ("http://a.example//a/./x/../b", "n/s /a/b"),
                ("http://a.example/%61/b", "n/s /a/b"),
                ("http://a.example/a%2Fb", "404"),
                ("http://a.example/a/b/%2f", "n/s /a/b/%2F"),
                ("http://a.example/%zz", "400"),
            ],
        );
        let raw = told(&["--entrypoints.web.address=:80", "--entrypoints.web.http.sanitizepath=false"]);
        check_with(
            KIND,
            &ingresses,
            &raw,
            &[("http://a.example//a/b", "404"), ("http://a.example/a/b//c", "n/s")],
        );
    }

    #[test]
    fn encoded_characters_are_refused_only_where_a_router_matches() {
        let ingresses = [ingress("n/a", &[("a.example", "Prefix /a s")])];
        let strict = told(&[
            "--entrypoints.web.address=:80",
            "--entrypoints.web.http.encodedcharacters.allowencodedslash=false",
        ]);
        check_with(
            KIND,
            &ingresses,
            &strict,
            &[
                ("http://a.example/a%2fb", "400"),
                ("http://a.example/a%5cb", "n/s /a%5Cb"),
                ("http://a.example/b%2fb", "404"),
            ],
        );
        let release = Settings { version: Some(Version::new(3, 6, 5)), ..Settings::default() };
        check_with(KIND, &ingresses, &release, &[("http://a.example/a%5cb", "400")]);
    }

    #[test]
    fn router_annotations_count_or_drop_the_ingress() {
        check(
            &[
                routed("n/high", &[("router.priority", "1000")], &[("a.example", "Prefix / high")]),
                ingress("n/long", &[("a.example", "Prefix /a/longer/path low")]),
                routed("n/bad", &[("router.priority", "abc")], &[("b.example", "Prefix / s")]),
                routed("n/typo", &[("router.entrypoint", "web")], &[("c.example", "Prefix / s")]),
                routed(
                    "n/re",
                    &[("router.pathmatcher", "PathRegexp")],
                    &[("d.example", "ImplementationSpecific /a[0-9]+ s"), ("d.example", "Prefix /p s")],
                ),
                routed(
                    "n/wrong",
                    &[("router.pathmatcher", "Exact")],
                    &[("e.example", "ImplementationSpecific /a s"), ("e.example", "Prefix /p s")],
                ),
            ],
            &[
                ("http://a.example/a/longer/path", "n/high"),
                ("http://b.example/", "404"),
                ("http://c.example/", "404"),
                ("http://d.example/b/a1", "n/s"),
                ("http://d.example/p", "n/s"),
                ("http://e.example/a", "404"),
                ("http://e.example/p", "n/s"),
            ],
        );
    }

    #[test]
    fn routers_are_only_where_their_entry_points_and_tls_put_them() {
        check(
            &[
                routed("n/a", &[("router.entrypoints", "websecure")], &[("a.example", "Prefix / s")]),
                routed("n/b", &[("router.tls", "true")], &[("b.example", "Prefix / s")]),
                routed("n/c", &[("router.entrypoints", "bogus")], &[("c.example", "Prefix / s")]),
                ingress("n/d", &[("d.example", "Prefix / s")]),
            ],
            &[
                ("http://a.example/", "404"),
                ("https://a.example/", "n/s"),
                ("http://b.example/", "404"),
                ("https://b.example/", "n/s"),
                ("https://c.example/", "404"),
                ("http://d.example/", "n/s"),
                ("https://d.example/", "n/s"),
            ],
        );
        let chosen = told(&[
            "--entrypoints.web.address=:8000",
            "--entrypoints.web.asdefault=true",
            "--entrypoints.websecure.address=:8443",
            "--entrypoints.websecure.http.tls=true",
        ]);
        check_with(
            KIND,
            &[ingress("n/d", &[("d.example", "Prefix / s")])],
            &chosen,
            &[("http://d.example/", "n/s"), ("https://d.example/", "404")],
        );
    }

    #[test]
    fn entry_points_redirect_what_no_router_of_a_higher_priority_takes() {
        let args = [
            "--entrypoints.web.address=:8000",
            "--entrypoints.websecure.address=:8443/tcp",
            "--entrypoints.websecure.http.tls=true",
            "--entrypoints.web.http.redirections.entrypoint.to=websecure",
        ];
        let ingresses = [routed("n/a", &[("router.priority", "20")], &[("a.example", "Prefix / s")])];
        check_with(
            KIND,
            &ingresses,
            &told(&args),
            &[
                ("http://a.example:8080//x?y", "301 https://a.example:8443/x?y"),
                ("http://nobody.example/", "301 https://nobody.example:8443/"),
                ("https://a.example/", "n/s"),
            ],
        );
        let low = [&args[..], &["--entrypoints.web.http.redirections.entrypoint.priority=10"]].concat();
        check_with(KIND, &ingresses, &told(&low), &[("http://a.example/", "n/s")]);
        let acme = [&args[..], &["--certificatesresolvers.le.acme.httpchallenge.entrypoint=web"]].concat();
        let challenge = "http://a.example/.well-known/acme-challenge/t";
        check_with(KIND, &ingresses, &told(&acme), &[(challenge, "404")]);
    }

    #[test]
    fn a_middleware_that_cannot_exist_disables_the_router_and_one_unseen_is_noted() {
        let paths = [("a.example", "Prefix / s")];
        let own = routed("n/a", &[("router.middlewares", "strip")], &paths);
        let crd = routed("n/a", &[("router.middlewares", "n-strip@kubernetescrd")], &paths);
        let web = "--entrypoints.web.address=:80";
        check_with(KIND, &[own], &told(&[web]), &[("http://a.example/", "404")]);
        check_with(KIND, std::slice::from_ref(&crd), &told(&[web]), &[("http://a.example/", "404")]);
        let with = told(&[web, "--providers.kubernetescrd.allowcrossnamespace=true"]);
        let request = Request::parse("http://a.example/").expect("url");
        let decision = table(KIND, &[crd], &with).decide(&request);
        assert_eq!(decision.outcome, Outcome::Routed);
        let name = "n-strip@kubernetescrd".to_owned();
        assert!(decision.notes.contains(&Note::MiddlewareUnseen { name }));
    }

    #[test]
    fn the_old_rule_syntax_has_other_wildcards_and_no_patterns() {
        let old = told(&["--entrypoints.web.address=:80", "--core.defaultrulesyntax=v2"]);
        check_with(
            KIND,
            &[
                ingress("n/w", &[("*.w.com", "Prefix / w"), ("a.w.com", "Prefix /{id}/x t")]),
                routed(
                    "n/re",
                    &[("router.pathmatcher", "PathRegexp")],
                    &[("b.w.com", "ImplementationSpecific /r s")],
                ),
                routed("n/new", &[("router.rulesyntax", "v3")], &[("c.w.com", "Prefix /{id} n")]),
            ],
            &old,
            &[
                ("http://x.w.com/", "n/w"),
                ("http://.w.com/", "404"),
                ("http://a.w.com/7/x", "n/w"),
                ("http://b.w.com/r", "n/w"),
                ("http://c.w.com/7", "n/w"),
            ],
        );
        let before = Settings { version: Some(Version::new(3, 6, 12)), ..Settings::default() };
        let ingresses =
            [ingress("n/w", &[("*.w.com", "Prefix / w"), ("", "Prefix /a/long/enough/path/x any")])];
        check_with(KIND, &ingresses, &before, &[("http://x.w.com/a/long/enough/path/x", "n/w")]);
        check(&ingresses, &[("http://x.w.com/a/long/enough/path/x", "n/any"), ("http://x_y.w.com/", "n/w")]);
    }

    /// A Service with this annotation and this address of its own.
    fn by_address(annotation: &str, address: &str, is_behind: fn(&mut Endpoint)) -> Decision {
        let all = [ingress("n/i", &[("a.example", "Prefix / s")])];
        let mut snapshot = snapshot(&all);
        let mut services = snapshot.services.items().to_vec();
        for service in &mut services {
            service.cluster_ip = Some(address.to_owned());
            let key = "traefik.ingress.kubernetes.io/service.nativelb".to_owned();
            service.meta.annotations.insert(key, annotation.to_owned());
        }
        snapshot.services = Listing::complete(Kind::Service, services);
        let mut slices = snapshot.slices.items().to_vec();
        slices.iter_mut().flat_map(|slice| &mut slice.endpoints).for_each(is_behind);
        snapshot.slices = Listing::complete(Kind::EndpointSlice, slices);
        let settings = Settings::default();
        let input =
            Input { ingresses: &all.iter().collect::<Vec<_>>(), snapshot: &snapshot, settings: &settings };
        Traefik.compile(&input).decide(&Request::parse("http://a.example/").expect("a URL"))
    }

    #[test]
    fn a_services_own_address_leads_to_whoever_is_behind_it() {
        let ready = |_: &mut Endpoint| {};
        let nobody = |endpoint: &mut Endpoint| (endpoint.ready, endpoint.serving) = (false, false);
        let leaving = |endpoint: &mut Endpoint| {
            (endpoint.ready, endpoint.serving, endpoint.terminating) = (false, true, true);
        };
        for (annotation, address, is_behind, expected) in [
            ("true", "10.0.0.9", ready as fn(&mut Endpoint), None),
            ("true", "10.0.0.9", nobody, Some(502)),
            ("true", "10.0.0.9", leaving, None),
            ("false", "10.0.0.9", leaving, Some(503)),
            // Without an address, or an annotation that can be read, there is no router.
            ("true", "None", ready, Some(404)),
            ("perhaps", "10.0.0.9", ready, Some(404)),
        ] {
            let decision = by_address(annotation, address, is_behind);
            assert_eq!(decision.status, expected, "{annotation} {address} {decision:?}");
        }
    }

    #[test]
    fn resources_are_not_served() {
        let mut resource = ingress("n/r", &[("r.example", "Prefix / s")]);
        resource.rules[0].paths.as_mut().expect("paths")[0].backend =
            Backend::Resource { kind: "Bucket".to_owned(), name: "b".to_owned() };
        check(&[resource], &[("http://r.example/", "404")]);
    }

    #[test]
    fn every_loser_has_its_reason() {
        let all = [
            ingress(
                "n/a",
                &[("a.example", "Prefix /x s"), ("a.example", "Exact /x t"), ("a.example", "Prefix /y s")],
            ),
            ingress("n/any", &[("", "Prefix / any")]),
            ingress("n/b", &[("b.example", "Prefix /x s")]),
            ingress("n/gone", &[("a.example", "Prefix /x gone")]),
            routed("n/tls", &[("router.tls", "true")], &[("a.example", "Prefix /x s")]),
            routed("n/bad", &[("router.priority", "x")], &[("a.example", "Prefix /x s")]),
        ];
        let found = reasons(KIND, &all, "http://a.example/x");
        let expected = [
            "n/a /x: than n/a /x",
            "n/bad /x: not loaded",
            "n/any /: than n/a /x",
            "n/gone /x: left out, ServiceMissing(Name { namespace: \"n\", name: \"gone\" })",
            "n/tls /x: not at web, tls false",
            "n/a /y: path",
            "n/b /x: host",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn near_misses_are_mended_by_their_edits() {
        let all = [
            ingress(
                "n/shop",
                &[
                    ("shop.example.com", "Exact /foo s"),
                    ("shop.example.com", "Prefix /Orders s"),
                    ("*.wild.example", "Prefix / s"),
                    ("plain.example.com", "Prefix / s"),
                ],
            ),
            routed("n/tls", &[("router.tls", "true")], &[("tls.example.com", "Prefix /t s")]),
            routed("n/on", &[("router.entrypoints", "websecure")], &[("on.example.com", "Prefix /t s")]),
            routed("n/bad", &[("router.priority", "x")], &[("bad.example.com", "Prefix /t s")]),
            routed("n/mw", &[("router.middlewares", "missing")], &[("mw.example.com", "Prefix /t s")]),
        ];
        for url in [
            "http://shop.example.com/foo/bar",
            "http://shop.example.com/orders/7",
            "http://shop.example.com/Order/7",
            "http://shop.example.com/else/where/",
            "http://www.shop.example.com/foo",
            "http://shpo.example.com/foo",
            "http://203.0.113.9/foo",
            "http://a.b.wild.example/x",
            "http://tls.example.com/t",
            "http://on.example.com/t",
            "http://bad.example.com/t",
            "http://mw.example.com/t",
        ] {
            misses_are_mended(KIND, &all, url);
        }
    }

    #[test]
    fn what_the_entry_point_redirects_no_rule_is_asked_for() {
        let settings = told(&[
            "--entrypoints.web.address=:80",
            "--entrypoints.web.http.redirections.entrypoint.to=websecure",
            "--entrypoints.websecure.address=:443",
        ]);
        let table = table(KIND, &[ingress("n/i", &[("a.example", "Prefix / s")])], &settings);
        let lost = table.explain(&Request::parse("http://a.example/x").expect("a URL"), 9).eliminated;
        let asked = "web".to_owned();
        let reasons: Vec<&crate::analysis::routing::Reason> = lost.iter().map(|lost| &lost.reason).collect();
        assert_eq!(reasons, [&crate::analysis::routing::Reason::OtherEntryPoint { asked, tls: false }]);
    }

    #[test]
    fn an_annotation_is_told_to_go_only_where_that_is_enough() {
        let settings = told(&["--entrypoints.web.address=:80", "--entrypoints.websecure.address=:443"]);
        let edits = |annotations: &[(&str, &str)]| {
            let ingress = routed("n/i", annotations, &[("a.example", "Prefix / s")]);
            let table = table(KIND, &[ingress], &settings);
            table.explain(&Request::parse("http://a.example/x").expect("a URL"), 9).nearest.len()
        };
        assert_eq!(edits(&[("router.middlewares", "missing")]), 1);
        assert_eq!(edits(&[("router.middlewares", "missing"), ("router.entrypoints", "websecure")]), 0);
        assert_eq!(edits(&[("router.entrypoints", "bogus")]), 1);
        assert_eq!(edits(&[("router.entrypoints", "bogus"), ("router.tls", "true")]), 0);
    }
}

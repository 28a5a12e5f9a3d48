//! ingress-nginx (kubernetes/ingress-nginx), held to recorded answers of v1.15.1.
//!
//! Steps: drop what the annotation policy drops (`adoption::annotations`) → sort by age → upstreams →
//! servers and their locations → canaries → substitutes for dead backends → order and expansion →
//! what nginx makes of it (`site`, `server_name`) → decide request by request (`decide`).
//! Assumptions: the controller loaded exactly the given objects, from a fresh start; the client's
//! address is unknown; session affinity, CORS preflights and snippets beyond a leading `return` are
//! not followed. Every file names its upstream source.

use crate::model::controller::{ControllerKind, Version};
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule, Tls};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::Lookup;

use super::nginx::server_name::Names;
use super::{
    Basis, Decision, Explanation, Input, Refusal, Releases, ReloadFailure, RouteTable, RoutingModel, Target,
};
use crate::analysis::adoption::annotations::Policy;

mod canary;
#[cfg(test)]
mod claims;
mod clients;
mod decide;
mod endpoints;
mod errors;
mod expand;
mod explain;
mod global;
mod options;
mod servers;
mod site;
mod upstreams;

use endpoints::{Endpoints, Health};
use global::Global;
use options::Options;
use servers::{Location, Servers};
use site::Site;
use upstreams::Upstreams;

/// Variables that the controller's configuration defines beside nginx' own.
const OWN_VARIABLES: &[&str] = &[
    "balancer_ewma_score",
    "best_http_host",
    "ingress_name",
    "literal_dollar",
    "location_path",
    "namespace",
    "pass_access_scheme",
    "pass_port",
    "pass_server_port",
    "req_id",
    "service_name",
    "service_port",
    "subdomain",
];

/// The community controller.
#[derive(Debug)]
pub struct IngressNginx;

impl RoutingModel for IngressNginx {
    fn kind(&self) -> ControllerKind {
        ControllerKind::IngressNginx
    }

    fn basis(&self) -> Basis {
        Basis::Exact
    }

    fn releases(&self) -> Option<Releases> {
        Some(Releases { since: Version::new(1, 12, 0), before: Version::new(1, 16, 0) })
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

/// An Ingress as far as it is needed after compilation.
#[derive(Debug)]
struct Loaded {
    name: Name,
    default_backend: Option<Backend>,
    rules: Vec<Rule>,
    tls: Vec<Tls>,
    options: Options,
}

/// A path as the controller stores it.
fn path_of(rule: &PathRule) -> &str {
    if rule.path.is_empty() { "/" } else { &rule.path }
}

/// Every type but `Exact` is a prefix to this controller.
fn is_exact(rule: &PathRule) -> bool {
    rule.path_type == PathType::Exact
}

/// A server of nothing but a redirect from or to `www.`.
#[derive(Debug)]
struct WwwRedirect {
    to: String,
    /// The Ingress that asked for it.
    ingress: usize,
}

#[derive(Debug)]
struct Table {
    global: Global,
    /// Of annotations, with the slash.
    prefix: String,
    /// Oldest first.
    loaded: Vec<Loaded>,
    refused: Vec<(Name, Refusal)>,
    /// The rules of refused Ingresses, for explanations.
    unloaded: Vec<(Name, Vec<Rule>, Refusal)>,
    upstreams: Upstreams,
    sites: Vec<Site>,
    redirects: Vec<WwwRedirect>,
    /// Sites, then redirects, by number.
    names: Names,
    catch_all: usize,
    certificates: Certificates,
    secrets: Option<std::collections::BTreeSet<Name>>,
    plain: Options,
    /// Where `--default-backend-service` sends requests, if there is somebody to answer.
    default_service: Option<Target>,
    /// Why nginx does not load it, host by host.
    failures: Vec<ReloadFailure>,
}

/// Host names with a certificate entry of their own.
#[derive(Debug, Default)]
struct Certificates(std::collections::HashSet<String>);

impl Certificates {
    /// By name, or by the wildcard of the parent domain.
    fn has(&self, host: &str) -> bool {
        self.0.contains(host)
            || host.split_once('.').is_some_and(|(_, parent)| self.0.contains(&format!("*.{parent}")))
    }
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let policy = Policy::new(input.settings);
        let global = Global::new(input.settings);
        let plain = Options::new(&Ingress::default(), &policy, &global);
        let (loaded, unloaded) = load(input.ingresses, &policy, &global);
        let mut refused: Vec<(Name, Refusal)> =
            unloaded.iter().map(|(name, _, refusal)| (name.clone(), refusal.clone())).collect();
        refused.sort();
        let endpoints = Endpoints::new(input.snapshot, global.external_names);
        let mut upstreams = Upstreams::new(&loaded, &endpoints);
        let mut servers = Servers::new(&loaded, &upstreams);
        canary::merge(&loaded, &mut upstreams, &servers);
        substitute(&loaded, &mut upstreams, &mut servers, &endpoints);
        let default_service = global.default_service.as_ref().and_then(|service| {
            let (target, health) = endpoints.first_port(service).found().flatten()?;
            matches!(health, Health::Ready | Health::Unseen).then_some(target)
        });
        let mut table = Self {
            default_service,
            prefix: policy.key(""),
            global,
            loaded,
            refused,
            unloaded,
            upstreams,
            sites: Vec::new(),
            redirects: Vec::new(),
            names: Names::default(),
            catch_all: 0,
            certificates: Certificates::default(),
            secrets: input.snapshot.secrets.clone(),
            plain,
            failures: Vec::new(),
        };
        table.write_sites(servers);
        table
    }

    /// Everything nginx gets, in the order of its file.
    fn write_sites(&mut self, servers: Servers) {
        let servers = servers.into_sorted();
        let mut failures = Vec::new();
        let mut report = |host: &str, cause: String, between: Vec<Name>| {
            failures.push(ReloadFailure { cause, host: host.to_owned(), between });
        };
        let hosts: std::collections::HashSet<&str> =
            servers.iter().map(|server| server.host.as_str()).collect();
        for server in &servers {
            let Some(ingress) = server.www else { continue };
            let to = server.host.clone();
            let from = match to.strip_prefix("www.") {
                Some(bare) => bare.to_owned(),
                None => format!("www.{to}"),
            };
            if hosts.contains(from.as_str()) {
                continue;
            }
            let number = servers.len() + self.redirects.len();
            if let Err(cause) = self.names.add(&from, number) {
                let between = self.loaded.get(ingress).map(|ingress| ingress.name.clone());
                report(&to, cause, between.into_iter().collect());
            }
            self.redirects.push(WwwRedirect { to, ingress });
        }
        for (number, mut server) in servers.into_iter().enumerate() {
            let (loaded, plain) = (&self.loaded, &self.plain);
            let options = |location: &Location| options_of(location, loaded, plain);
            let name_of = |ingress: usize| loaded.get(ingress).map(|ingress| ingress.name.clone());
            let locations = expand::expand(std::mem::take(&mut server.locations), options);
            let (site, problem) = Site::new(server, locations, options, &self.global.health_path);
            let has_locations = self.lacking_authority(&site.client_certificates).is_none();
            if let Some(problem) = problem.filter(|_| has_locations) {
                report(&site.host, problem.cause, problem.between.into_iter().filter_map(name_of).collect());
            }
            let named = self.names.add_host(&site.host, number);
            let aliased = site.aliases.iter().map(|alias| self.names.add(alias, number));
            for cause in std::iter::once(named).chain(aliased).filter_map(Result::err) {
                report(&site.host, cause, site.maker.and_then(name_of).into_iter().collect());
            }
            if site.tls != servers::Tls::None {
                self.certificates.0.insert(site.host.to_ascii_lowercase());
            }
            if site.host == servers::CATCH_ALL {
                self.catch_all = number;
            }
            self.sites.push(site);
        }
        self.failures = failures;
    }

    fn annotation_key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn options(&self, location: &Location) -> &Options {
        options_of(location, &self.loaded, &self.plain)
    }
}

fn options_of<'o>(location: &Location, loaded: &'o [Loaded], plain: &'o Options) -> &'o Options {
    let owner = location.owner.and_then(|(ingress, _)| loaded.get(ingress));
    owner.map_or(plain, |ingress| &ingress.options)
}

type Unloaded = Vec<(Name, Vec<Rule>, Refusal)>;

/// Drops what the policy drops; the rest by age, then by name from the end of the alphabet.
fn load(ingresses: &[&Ingress], policy: &Policy<'_>, global: &Global) -> (Vec<Loaded>, Unloaded) {
    let mut sorted: Vec<&Ingress> = ingresses.to_vec();
    sorted.sort_by_cached_key(|ingress| {
        (ingress.meta.created, std::cmp::Reverse(ingress.meta.key().to_string()))
    });
    let mut loaded = Vec::with_capacity(sorted.len());
    let mut unloaded = Vec::new();
    for ingress in sorted {
        match policy.refusal(ingress) {
            Some(refusal) => unloaded.push((ingress.meta.key(), ingress.rules.clone(), refusal)),
            None => loaded.push(Loaded {
                name: ingress.meta.key(),
                default_backend: ingress.default_backend.clone(),
                rules: ingress.rules.clone(),
                tls: ingress.tls.clone(),
                options: Options::new(ingress, policy, global),
            }),
        }
    }
    (loaded, unloaded)
}

/// Puts the Service of the annotation `default-backend` where nobody is behind a location, and where
/// `custom-http-errors` asks for error pages.
fn substitute(
    loaded: &[Loaded],
    upstreams: &mut Upstreams,
    servers: &mut Servers,
    endpoints: &Endpoints<'_>,
) {
    for server in servers.iter_mut() {
        for location in &mut server.locations {
            let owner = location.owner.and_then(|(ingress, _)| loaded.get(ingress));
            let Some(owner) = owner else { continue };
            let Some(service) = &owner.options.default_backend else { continue };
            let dead = matches!(
                upstreams.get(location.upstream).health,
                Health::ServiceMissing | Health::PortMissing | Health::NobodyReady
            );
            let wanted = dead || !owner.options.errors.is_empty();
            if !wanted || upstreams.is_removed(location.upstream) {
                continue;
            }
            let service = Name::new(&owner.name.namespace, service);
            let (target, health) = match endpoints.first_port(&service) {
                Lookup::Found(Some((target, health))) => (target, health),
                Lookup::Unseen(_) => (Target { service, port: PortRef::Unset }, Health::Unseen),
                Lookup::Found(None) | Lookup::Absent => continue,
            };
            if matches!(health, Health::Ready | Health::Unseen) {
                let substitute = upstreams.add_substitute(location.upstream, target, health);
                location.errors_to = Some(substitute);
                if dead {
                    location.upstream = substitute;
                }
            }
        }
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
        &self.refused
    }

    fn reload_failure(&self) -> Option<&ReloadFailure> {
        self.failures.first()
    }

    fn reload_failures(&self) -> &[ReloadFailure] {
        &self.failures
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::analysis::routing::fixtures::{Case, annotated, check_with, set_default, table};
    use crate::analysis::routing::{Note, Outcome};
    use crate::model::controller::{ConfigSeen, Flag, Settings};
    use crate::model::ingress::Place;

    /// Flags as `name=value`, then ConfigMap entries likewise.
    fn settings(flags: &[&str], config: &[&str]) -> Settings {
        let pair = |text: &str| {
            let (key, value) = text.split_once('=').expect("key=value");
            (key.to_owned(), value.to_owned())
        };
        let flag = |text: &&str| {
            let (name, value) = pair(text);
            Flag { index: 0, in_command: false, name, value: Some(value) }
        };
        Settings {
            args: flags.iter().map(flag).collect(),
            config: ConfigSeen::Known(config.iter().map(|text| pair(text)).collect::<BTreeMap<_, _>>()),
            ..Settings::default()
        }
    }

    fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
        check_with(ControllerKind::IngressNginx, ingresses, &Settings::default(), cases);
    }

    #[test]
    fn a_host_has_no_second_chance() {
        check(
            &[annotated(
                "n/i",
                1,
                &[],
                &[("a.example", "Prefix /x a"), ("*.example", "Prefix / w"), ("", "Prefix / any")],
            )],
            &[
                ("http://a.example/x/y", "n/a"),
                ("http://a.example/else", "404"),
                ("http://b.example/x", "n/w"),
                ("http://b.c.example/x", "n/any"),
                ("http://A.example.:8080/x", "n/a"),
                ("http://a..example/x", "400"),
                ("http://a.example/%zz", "400"),
                ("http://nobody/healthz", "200"),
                ("http://nobody/healthzoo", "200"),
                ("http://nobody/nginx_status", "403"),
            ],
        );
    }

    #[test]
    fn values_that_nobody_validates_can_stop_every_reload() {
        let told = settings(&["enable-annotation-validation=false"], &[]);
        for (annotation, value, cause) in [
            ("permanent-redirect", "not a url", "invalid number of arguments in \"return\" directive"),
            ("rewrite-target", "/a b", "invalid number of arguments in \"rewrite\" directive"),
            ("app-root", "/a;b", "invalid number of arguments in \"return\" directive"),
        ] {
            let all = [annotated("n/i", 1, &[(annotation, value)], &[("a.example", "Prefix /x a")])];
            let table = table(ControllerKind::IngressNginx, &all, &told);
            let failure = table.reload_failure().map(|failure| failure.cause.as_str());
            assert_eq!(failure, Some(cause), "{annotation}");
            check(
                &all,
                &[("http://a.example/x", if annotation == "permanent-redirect" { "404" } else { "n/a" })],
            );
        }
    }

    #[test]
    fn error_pages_take_the_place_of_errors() {
        let dead = annotated("n/dead", 9, &[], &[("a.example", "Prefix /x dead")]);
        let own = annotated(
            "n/own",
            8,
            &[("custom-http-errors", "503,404"), ("default-backend", "pages")],
            &[("b.example", "Prefix /x dead"), ("b.example", "Prefix /ok ok")],
        );
        let plain =
            annotated("n/plain", 7, &[("custom-http-errors", "503")], &[("c.example", "Prefix /x dead")]);
        let all = [dead, own, plain];
        let check = |flags: &[&str], config: &[&str], cases: &[Case<'_>]| {
            check_with(ControllerKind::IngressNginx, &all, &settings(flags, config), cases);
        };
        let annotated = [
            ("http://b.example/x", "n/pages"),
            ("http://b.example/else", "n/pages /"),
            ("http://b.example/ok", "n/ok"),
            ("http://c.example/x", "404"),
        ];
        check(&[], &[], &[("http://a.example/x", "503"), ("http://nobody/", "404")]);
        check(&[], &[], &annotated);
        // The controller's own page has no error page for its 404.
        check(
            &[],
            &["custom-http-errors=404"],
            &[
                ("http://a.example/x", "503"),
                ("http://a.example/else", "500"),
                ("http://nobody/", "500"),
                ("http://b.example/x", "n/pages"),
            ],
        );
        check(&[], &["custom-http-errors=404, 503"], &[("http://a.example/x", "500")]);
        check(&[], &["custom-http-errors=503"], &[("http://a.example/x", "404"), ("http://nobody/", "404")]);
        check(
            &["default-backend-service=n/ok"],
            &["custom-http-errors=503"],
            &[("http://a.example/x", "n/ok /"), ("http://a.example/else", "n/ok")],
        );
        check(
            &[],
            &["custom-http-errors=403", "block-user-agents=~.*", "server-snippet=return 403;"],
            &[("http://a.example/x", "404")],
        );
    }

    #[test]
    fn snippets_of_the_config_map_hold_in_every_location() {
        let ingress = annotated("n/i", 1, &[], &[("a.example", "Prefix /x a")]);
        let told = settings(&[], &["location-snippet=return 418;"]);
        let cases =
            [("http://a.example/x", "418"), ("http://nobody/", "418"), ("http://nobody/healthz", "200")];
        check_with(ControllerKind::IngressNginx, &[ingress], &told, &cases);
    }

    #[test]
    fn the_catch_all_is_not_redirected_to_https_by_itself() {
        let mut catch_all = annotated("n/all", 9, &[("force-ssl-redirect", "true")], &[]);
        set_default(&mut catch_all, "d");
        let host = annotated("n/i", 1, &[], &[("a.example", "Prefix /x a")]);
        let forced = settings(&[], &["force-ssl-redirect=true"]);
        let own = ("http://a.example/x", "308 https://a.example/x");
        check_with(
            ControllerKind::IngressNginx,
            std::slice::from_ref(&host),
            &forced,
            &[own, ("http://nobody/", "404")],
        );
        check_with(
            ControllerKind::IngressNginx,
            &[catch_all, host],
            &forced,
            &[own, ("http://nobody/", "n/d")],
        );
    }

    #[test]
    fn one_annotation_turns_the_whole_host_to_patterns() {
        let plain =
            annotated("n/plain", 9, &[], &[("a.example", "Exact /foo a"), ("a.example", "Exact / root")]);
        let regex = annotated(
            "n/regex",
            8,
            &[("use-regex", "true")],
            &[("a.example", "ImplementationSpecific /v[0-9]+ v")],
        );
        check(
            &[plain.clone(), regex],
            &[
                ("http://a.example/foobar", "n/a"),
                ("http://a.example/FOO", "n/a"),
                ("http://a.example/V12/x", "n/v"),
                ("http://a.example/", "404"),
            ],
        );
        check(
            &[plain],
            &[
                ("http://a.example/foobar", "404"),
                ("http://a.example/foo", "n/a"),
                ("http://a.example/", "n/root"),
            ],
        );
    }

    #[test]
    fn the_longer_pattern_text_is_tried_first() {
        let paths = [
            ("a.example", "ImplementationSpecific /api/v2/special short"),
            ("a.example", "ImplementationSpecific /api/(v1|v2|v3)/.* long"),
        ];
        check(
            &[annotated("n/i", 1, &[("use-regex", "true")], &paths)],
            &[("http://a.example/api/v2/special", "n/long"), ("http://a.example/api/v9", "404")],
        );
    }

    #[test]
    fn a_missing_slash_is_redirected_before_anything_else() {
        let ingress = annotated(
            "n/i",
            1,
            &[("force-ssl-redirect", "true")],
            &[
                ("a.example", "Prefix /foo/ s"),
                ("a.example", "Exact /bar/ s"),
                ("a.example", "Prefix /api t"),
                ("a.example", "Prefix /api/v1/ u"),
            ],
        );
        check(
            &[ingress],
            &[
                ("http://a.example/foo?x=1", "301 http://a.example/foo/?x=1"),
                ("https://a.example/bar", "301 https://a.example/bar/"),
                ("http://a.example/api/v1", "301 http://a.example/api/v1/"),
                ("https://a.example/api/v1/x", "n/u"),
                ("https://a.example/api/v2", "n/t"),
                ("http://a.example/foo/", "308 https://a.example/foo"),
                ("http://a.example/api/x?y=/", "308 https://a.example/api/x?y="),
            ],
        );
    }

    #[test]
    fn redirects_come_in_their_order() {
        let both = [
            ("temporal-redirect", "https://t.example/x"),
            ("permanent-redirect", "https://p.example"),
            ("force-ssl-redirect", "true"),
            ("app-root", "/ui"),
        ];
        let coded = [("permanent-redirect", "/moved"), ("permanent-redirect-code", "308")];
        check(
            &[
                annotated("n/both", 1, &both, &[("a.example", "Prefix /x s")]),
                annotated("n/coded", 1, &coded, &[("b.example", "Prefix /x s")]),
                annotated(
                    "n/odd",
                    1,
                    &[("permanent-redirect", "/m"), ("permanent-redirect-code", "300")],
                    &[("c.example", "Prefix /x s")],
                ),
                annotated(
                    "n/void",
                    1,
                    &[("temporal-redirect", "/relative"), ("permanent-redirect", "/m")],
                    &[("d.example", "Prefix /x s")],
                ),
            ],
            &[
                ("http://a.example/", "302 http://a.example/ui"),
                ("http://a.example:8080/", "302 http://a.example:8080/ui"),
                ("http://a.example/x", "302 https://t.example/x"),
                ("http://a.example/unmatched", "302 https://t.example/x"),
                ("https://b.example/x", "308 https://b.example/moved"),
                ("http://c.example/x", "300"),
                ("http://d.example/x", "n/s"),
            ],
        );
    }

    #[test]
    fn https_needs_a_certificate_entry_for_the_host() {
        let mut tls = annotated("n/tls", 1, &[], &[("a.example", "Prefix / s"), ("b.example", "Prefix / s")]);
        tls.tls = vec![Tls { hosts: vec!["elsewhere.example".to_owned()], secret: None }];
        let mut wild = annotated("n/wild", 1, &[], &[("*.w.example", "Prefix / s")]);
        wild.tls = vec![Tls::default()];
        let own = annotated("n/own", 1, &[], &[("x.w.example", "Prefix / s")]);
        let off = annotated("n/off", 1, &[("ssl-redirect", "false")], &[("y.w.example", "Prefix / s")]);
        let acme =
            annotated("n/acme", 1, &[], &[("a.example", "Prefix /.well-known/acme-challenge/t solver")]);
        let all = [tls, wild, own, off, acme];
        check(
            &all,
            &[
                ("http://a.example/x", "308 https://a.example/x"),
                ("http://b.example/x", "308 https://b.example/x"),
                ("http://x.w.example/x/", "308 https://x.w.example/x"),
                ("http://y.w.example/x", "n/s"),
                ("http://a.example/.well-known/acme-challenge/t", "n/solver"),
                ("https://a.example/x", "n/s"),
            ],
        );
        let told =
            settings(&[], &["http-redirect-code=301", "preserve-trailing-slash=true", "ssl-redirect=true"]);
        check_with(
            ControllerKind::IngressNginx,
            &all,
            &told,
            &[("http://a.example/x/", "301 https://a.example/x/")],
        );
        let off = settings(&[], &["ssl-redirect=false"]);
        check_with(ControllerKind::IngressNginx, &all, &off, &[("http://a.example/x", "n/s")]);
    }

    #[test]
    fn the_www_twin_redirects_unless_it_is_a_host() {
        let www = [("from-to-www-redirect", "true")];
        check(
            &[
                annotated("n/a", 1, &www, &[("a.example", "Prefix / s")]),
                annotated("n/b", 1, &www, &[("www.b.example", "Prefix / s")]),
                annotated("n/c", 1, &www, &[("c.example", "Prefix / s")]),
                annotated("n/d", 1, &[], &[("www.c.example", "Prefix / t")]),
            ],
            &[
                ("http://www.a.example/x/?y", "308 http://a.example:80/x/?y"),
                ("https://www.a.example/x/", "308 https://a.example:443/x"),
                ("http://b.example/", "308 http://www.b.example:80"),
                ("http://www.c.example/", "n/t"),
            ],
        );
    }

    #[test]
    fn the_oldest_wins_and_equal_ages_go_by_name_from_the_end() {
        check(
            &[
                annotated("n/young", 1, &[], &[("a.example", "Prefix /x young")]),
                annotated("n/old", 9, &[], &[("a.example", "Prefix /x old")]),
                annotated("n/a", 5, &[], &[("b.example", "Prefix /x a")]),
                annotated("n/b", 5, &[], &[("b.example", "ImplementationSpecific /x b")]),
            ],
            &[("http://a.example/x", "n/old"), ("http://b.example/x", "n/b")],
        );
    }

    #[test]
    fn default_backends_have_their_scope() {
        let mut only = annotated("n/only", 9, &[], &[]);
        set_default(&mut only, "only");
        let mut with = annotated("n/with", 8, &[], &[("a.example", "Prefix /x s")]);
        set_default(&mut with, "with");
        let mut second =
            annotated("n/second", 7, &[], &[("a.example", "Prefix /y t"), ("b.example", "Prefix /y t")]);
        set_default(&mut second, "second");
        let hostless = annotated("n/hostless", 6, &[], &[("", "Prefix / any")]);
        check(
            &[hostless, second, with, only],
            &[
                ("http://a.example/else", "n/with"),
                ("http://b.example/else", "n/second"),
                ("http://nobody/else", "n/only"),
            ],
        );
    }

    #[test]
    fn nobody_behind_a_backend_is_503_unless_a_default_backend_stands_in() {
        check(
            &[
                annotated("n/a", 1, &[], &[("a.example", "Prefix /x dead"), ("a.example", "Prefix /y gone")]),
                annotated(
                    "n/b",
                    1,
                    &[("default-backend", "spare")],
                    &[("b.example", "Prefix /x dead"), ("b.example", "Prefix /y gone")],
                ),
                annotated("n/c", 1, &[("default-backend", "gone")], &[("c.example", "Prefix /x dead")]),
            ],
            &[
                ("http://a.example/x", "503"),
                ("http://a.example/y", "503"),
                ("http://b.example/x", "n/spare"),
                ("http://b.example/y", "n/spare"),
                ("http://c.example/x", "503"),
            ],
        );
    }

    #[test]
    fn canaries_split_the_upstream_everywhere() {
        let main = annotated("n/main", 9, &[], &[("a.example", "Prefix /x s"), ("b.example", "Prefix /y s")]);
        let canary = |weight: &str, path: &str| {
            annotated("n/canary", 8, &[("canary", "true"), ("canary-weight", weight)], &[("a.example", path)])
        };
        check(
            &[main.clone(), canary("30", "Prefix /x c")],
            &[("http://a.example/x", "one of n/c, n/s"), ("http://b.example/y", "one of n/c, n/s")],
        );
        check(&[main.clone(), canary("100", "Prefix /x c")], &[("http://b.example/y", "n/c")]);
        check(&[main.clone(), canary("100", "Exact /x c")], &[("http://a.example/x", "n/s")]);
        check(&[main.clone(), canary("100", "Prefix /x deadc")], &[("http://a.example/x", "n/s")]);
        let lost = annotated("n/lost", 8, &[("canary", "true")], &[("only.example", "Prefix /z s")]);
        check(
            &[main.clone(), lost],
            &[("http://only.example/z", "n/s"), ("http://nobody/z", "n/s"), ("http://nobody/", "404")],
        );
        let early = annotated("n/early", 10, &[("canary", "true")], &[("a.example", "Prefix /x s")]);
        check(&[main, early], &[("http://a.example/x", "404")]);
    }

    #[test]
    fn rewrites_reach_the_upstream_escaped() {
        let rewrite = annotated(
            "n/i",
            1,
            &[("rewrite-target", "/$2")],
            &[("a.example", "ImplementationSpecific /app(/|$)(.*) s"), ("b.example", "Prefix /keep s")],
        );
        let same = annotated("n/same", 1, &[("rewrite-target", "/keep")], &[("c.example", "Prefix /keep s")]);
        let away = annotated(
            "n/away",
            1,
            &[("rewrite-target", "https://x.example/$1")],
            &[("d.example", "ImplementationSpecific /(.*) s")],
        );
        check(
            &[rewrite, same, away],
            &[
                ("http://a.example/app/x/y", "n/s /x/y"),
                ("http://a.example/APP", "n/s /"),
                ("http://a.example/app/a%20b", "n/s /a%20b"),
                ("http://b.example/keep/x", "n/s /"),
                ("http://c.example/keep", "n/s"),
                ("http://c.example/keep/x", "n/s /keep"),
                ("http://d.example/a?b=c", "302 https://x.example/a?b=c"),
            ],
        );
    }

    #[test]
    fn access_annotations_answer_before_the_upstream() {
        let auth = [("auth-type", "basic"), ("auth-secret", "htpasswd")];
        let ingresses = [
            annotated("n/auth", 1, &auth, &[("a.example", "Prefix /x s")]),
            annotated(
                "n/list",
                1,
                &[("whitelist-source-range", "10.0.0.0/8")],
                &[("b.example", "Prefix /x s")],
            ),
            annotated("n/bad", 1, &[("denylist-source-range", "x")], &[("c.example", "Prefix /x s")]),
        ];
        check(
            &ingresses,
            &[
                ("http://a.example/x", "503"),
                ("http://a.example/else", "503"),
                ("http://b.example/x", "n/s"),
                ("http://c.example/x", "503"),
            ],
        );
        let request = Request::parse("http://a.example/x").expect("url");
        let mut snapshot = crate::analysis::routing::fixtures::snapshot(&ingresses);
        snapshot.secrets = None;
        let adopted: Vec<&Ingress> = ingresses.iter().collect();
        let input = Input { ingresses: &adopted, snapshot: &snapshot, settings: &Settings::default() };
        let decision = IngressNginx.compile(&input).decide(&request);
        assert_eq!((decision.outcome, decision.status), (Outcome::Refused, Some(401)));
        assert!(decision.notes.contains(&Note::SecretUnseen(Name::new("n", "htpasswd"))));
    }

    #[test]
    fn settings_of_the_controller_count() {
        let told = settings(
            &["default-backend-service=n/fallback", "annotations-prefix=own.example.com"],
            &["use-forwarded-headers=true", "block-user-agents=curl,~*bad"],
        );
        let mut own = annotated(
            "n/own",
            1,
            &[("force-ssl-redirect", "true")],
            &[("a.example", "Prefix /x s"), ("fallback.example", "Prefix / fallback")],
        );
        own.meta.annotations =
            BTreeMap::from([("own.example.com/force-ssl-redirect".to_owned(), "true".to_owned())]);
        let table = table(ControllerKind::IngressNginx, &[own], &told);
        let ask = |url: &str, headers: &[(&str, &str)]| {
            let mut request = Request::parse(url).expect(url);
            request.headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            crate::analysis::routing::fixtures::brief(&table.decide(&request), &request)
        };
        assert_eq!(ask("http://a.example/x", &[]), "308 https://a.example/x");
        assert_eq!(ask("http://a.example/x", &[("X-Forwarded-Proto", "https")]), "n/s");
        assert_eq!(ask("https://nobody/x", &[]), "n/fallback");
        assert_eq!(ask("https://a.example/x", &[("User-Agent", "CURL")]), "403");
        assert_eq!(ask("https://a.example/x", &[("User-Agent", "a Badger")]), "403");
        let mut request = Request::parse("https://nobody/x").expect("url");
        request.headers.clear();
        let decision = table.decide(&request);
        assert!(decision.default_backend);
        assert_eq!(decision.winner.map(|winner| winner.place), Some(Place::DefaultBackend));
    }

    #[test]
    fn what_nginx_would_not_load_is_told_with_its_authors() {
        let regex = [("use-regex", "true")];
        for (ingresses, cause, between) in [
            (
                vec![
                    annotated("n/a", 2, &[], &[("a.example", "Prefix /foo s")]),
                    annotated("n/b", 1, &[], &[("a.example", "Prefix /foo/ s")]),
                ],
                "duplicate location \"/foo/\"",
                vec!["n/a", "n/b"],
            ),
            (
                vec![annotated(
                    "n/a",
                    2,
                    &[],
                    &[
                        ("a.example", "Exact /x s"),
                        ("a.example", "Prefix /x s"),
                        ("a.example", "Prefix /x t"),
                    ],
                )],
                "duplicate location \"/x/\"",
                vec!["n/a"],
            ),
            (
                vec![annotated("n/a", 2, &[], &[("a.example", "Exact / s"), ("a.example", "Exact / t")])],
                "duplicate location \"/\"",
                vec!["n/a"],
            ),
            (
                vec![annotated("n/a", 2, &regex, &[("a.example", "ImplementationSpecific /x( s")])],
                "pcre2_compile() failed in \"^/x(\"",
                vec!["n/a"],
            ),
            (
                vec![annotated(
                    "n/a",
                    2,
                    &[("rewrite-target", "/$nothing")],
                    &[("a.example", "Prefix /x s")],
                )],
                "unknown \"nothing\" variable",
                vec!["n/a"],
            ),
            (
                vec![annotated(
                    "n/a",
                    2,
                    &[("from-to-www-redirect", "true")],
                    &[("*.a.example", "Prefix / s")],
                )],
                "invalid server name or wildcard \"www.*.a.example\"",
                vec!["n/a"],
            ),
        ] {
            let table = table(ControllerKind::IngressNginx, &ingresses, &Settings::default());
            let failure = table.reload_failure().expect(cause);
            let names: Vec<String> = failure.between.iter().map(ToString::to_string).collect();
            assert_eq!(
                (failure.cause.as_str(), names),
                (cause, between.into_iter().map(str::to_owned).collect())
            );
            let request = Request::parse("http://a.example/foo").expect("url");
            let decision = table.decide(&request);
            assert_eq!((decision.outcome, decision.status), (Outcome::Refused, None));
            assert!(decision.notes.contains(&Note::ReloadFails));
        }
        let regex_host =
            [annotated("n/a", 2, &regex, &[("a.example", "Prefix /x s"), ("a.example", "Prefix /x/ s")])];
        assert!(
            table(ControllerKind::IngressNginx, &regex_host, &Settings::default()).reload_failure().is_none()
        );
    }

    #[test]
    fn aliases_are_more_names_of_a_server() {
        let alias = annotated(
            "n/a",
            9,
            &[("server-alias", "b.example, *.c.example,~^d\\d+$, e.example")],
            &[("a.example", "Prefix / s")],
        );
        let own = annotated("n/e", 8, &[], &[("e.example", "Prefix /x t")]);
        check(
            &[alias, own],
            &[
                ("http://b.example/", "n/s"),
                ("http://x.y.c.example/", "n/s"),
                ("http://d12/", "n/s"),
                ("http://e.example/x", "n/t"),
                ("http://e.example/", "404"),
            ],
        );
    }

    #[test]
    fn dropped_ingresses_are_listed_and_resource_backends_fall_to_the_root() {
        let mut resource = annotated("n/r", 1, &[], &[("a.example", "Prefix /x s")]);
        resource.rules[0].paths.as_mut().expect("paths")[0].backend =
            Backend::Resource { kind: "Bucket".to_owned(), name: "static".to_owned() };
        let dropped = annotated("n/d", 1, &[("server-alias", "a b")], &[("b.example", "Prefix / s")]);
        let all = [resource, dropped];
        check(&all, &[("http://a.example/x", "404"), ("http://b.example/", "404")]);
        let table = table(ControllerKind::IngressNginx, &all, &Settings::default());
        assert_eq!(table.refused().iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(), ["n/d"]);
    }
}

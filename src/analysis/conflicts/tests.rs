//! All rules together: silent on what is healthy, and at one with the routing model on random clusters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::*;
use crate::analysis::conflict::Effect;
use crate::analysis::field::hosts::Entry;
use crate::analysis::field::kit::{World, found, found_and_held, held};
use crate::analysis::field::pattern;
use crate::analysis::routing::{Outcome, model_for};
use crate::model::controller::ControllerKind;

/// Everything that all rules find, each finding held to the routing model.
fn all(text: &str) -> Vec<Conflict> {
    RULES.iter().flat_map(|rule| found(*rule, text)).collect()
}

#[test]
fn every_rule_is_called_like_its_file() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), RULES.len());
    assert!(RULES.iter().map(|rule| rule.id()).is_sorted(), "the list is in order of name");
    assert!(RULES.iter().all(|rule| self::rule(rule.id()).is_some()));
}

/// Nothing here is bad: at most it is remarked upon.
#[test]
fn healthy_clusters_have_no_finding_of_weight() {
    for (what, world) in [
        (
            "everything in order",
            "class nginx k8s.io/ingress-nginx
             svc shop/web 80
             svc shop/api 8080
             ing shop/web age=9 host=shop.example.com /(P)->web:80 tls=shop.example.com
             ing shop/api age=8 host=api.example.com /v1(P)->api:8080 /v2(P)->api:http /healthz(E)->api:8080",
        ),
        (
            "an Ingress without a class that the default class takes",
            "class nginx k8s.io/ingress-nginx default\ning shop/web cls=- host=a.example /(P)->web:80",
        ),
        (
            "authentication in front of an application",
            "ing shop/web age=9 host=a.example /(P)->web:80 ann:auth-url=https://auth.example/check
             ing shop/oauth age=8 host=a.example /oauth2(P)->proxy:4180",
        ),
        (
            "one host, disjoint paths",
            "ing shop/web age=9 host=a.example /(P)->web:80
             ing shop/api age=8 host=a.example /api(P)->api:80
             ing shop/files age=7 host=a.example /files(P)->files:80 /files/list(E)->files:80",
        ),
        (
            "a canary and its main rule",
            "ing shop/web age=9 host=a.example /(P)->web:80
             ing shop/canary age=1 host=a.example /(P)->next:80 ann:canary=true ann:canary-weight=20",
        ),
        (
            "an ACME solver at work",
            "ing shop/web age=9 host=a.example /(P)->web:80 tls=a.example
             ing shop/cm-acme-http-solver-x age=1 host=a.example /.well-known/acme-challenge/t0ken(E)->cm-acme:8089 lab:acme.cert-manager.io/http01-solver=true",
        ),
        (
            "patterns on another host",
            "ing shop/web age=9 host=a.example /orders(E)->web:80 /api(P)->api:80
             ing shop/legacy age=8 host=b.example /o(.*)(I)->legacy:80 ann:rewrite-target=/$1",
        ),
        (
            "a rewrite beside a start page",
            "ing shop/web age=9 host=a.example /(P)->web:80
             ing shop/api age=8 host=a.example /api(/|$)(.*)(I)->api:80 ann:rewrite-target=/$2",
        ),
        (
            "two controllers with classes of their own",
            "ctl traefik edge
             class nginx k8s.io/ingress-nginx
             class traefik traefik.io/ingress-controller
             ing shop/web age=9 host=a.example /(P)->web:80
             ing shop/other cls=traefik host=b.example /(P)->web:80 refused=class-of-other,traefik,traefik.io/ingress-controller also=1",
        ),
        (
            "GKE without a class",
            "is gce\ning shop/web cls=- host=a.example /*(I)->web:80 default=web:80",
        ),
        (
            "Traefik with one rule a host",
            "is traefik\nclass nginx traefik.io/ingress-controller\ning shop/web host=a.example /(P)->web:80\ning shop/api host=b.example /api(P)->api:80",
        ),
        (
            "AWS with an action for plain requests",
            r#"is aws-alb
             svc shop/web 80 node
             ing shop/web host=a.example /(P)->go:use-annotation /x(P)->web:80 tls=a.example ann:alb.ingress.kubernetes.io/listen-ports=[{"HTTP":80},{"HTTPS":443}] ann:alb.ingress.kubernetes.io/actions.go={"type":"redirect","redirectConfig":{"protocol":"HTTPS","port":"443","statusCode":"HTTP_301"}}"#,
        ),
        (
            "Contour with TLS, cert-manager and one default backend",
            "is contour
             ing shop/web host=a.example /(P)->web:80 tls=a.example ann:cert-manager.io/cluster-issuer=le
             ing infra/all default=errors:80",
        ),
        (
            "Kong with routes that methods tell apart",
            "is kong
             ing shop/read host=a.example /x(P)->read:80 ann:konghq.com/methods=GET
             ing shop/write host=a.example /x(P)->write:80 ann:konghq.com/methods=POST",
        ),
        (
            "APISIX with Services of another namespace",
            "is apisix\nsvc other/web 80\ning shop/web host=a.example /(P)->web:80 ann:k8s.apisix.apache.org/svc-namespace=other",
        ),
        (
            "a default backend for everybody else",
            "ing infra/all default=errors:80\ning shop/web host=a.example /(P)->web:80",
        ),
    ] {
        let bad: Vec<Conflict> =
            all(world).into_iter().filter(|conflict| conflict.severity <= Severity::High).collect();
        assert!(bad.is_empty(), "{what}: {bad:#?}");
    }
}

/// What is concluded from a rule that is not there.
#[test]
fn where_some_ingresses_are_unseen_nothing_is_concluded_from_absence() {
    for (rule, world) in [
        ("canary_without_main", "ing n/c host=a.example /(P)->c:80 ann:canary=true"),
        (
            "canary_takes_catch_all",
            "ing n/w age=9 host=w.example /(P)->w:80\ning n/c age=1 host=a.example /(P)->w:80 ann:canary=true",
        ),
        ("catch_all_not_consulted", "ing n/a host=a.example /x(P)->a:80\ning n/w host=*.example /(P)->w:80"),
        ("trailing_slash_only", "ing n/a host=a.example /x/(P)->a:80"),
        ("pattern_in_plain_path", "ing n/a host=a.example /x(/|$)(.*)(P)->a:80"),
        (
            "oldest_annotates_host",
            "ing n/a age=9 host=a.example /x(P)->a:80 ann:permanent-redirect=https://b.example/
             ing n/b age=8 host=a.example /y(P)->a:80",
        ),
        (
            "minion_conflict",
            "is f5-nginx\ning n/a host=a.example /x(P)->a:80 ann:nginx.org/mergeable-ingress-type=minion",
        ),
    ] {
        let rule = self::rule(rule).expect(rule);
        assert!(!found(rule, world).is_empty(), "{}", rule.id());
        assert!(found(rule, &format!("hide Ingress\n{world}")).is_empty(), "{}", rule.id());
    }
}

/// Numbers that are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % 1_000_003).expect("small") % sides
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.roll(from.len())]
    }
}

const HOSTS: [&str; 5] = ["a.example", "b.example", "*.example", "-", "a.example"];
const PATHS: [&str; 18] = [
    "/",
    "/",
    "/foo",
    "/foo/",
    "/foo/bar",
    "/Foo",
    "/fo.o",
    "/foobar",
    "/x(.*)",
    "/foo(/|$)(.*)",
    "/(foo|bar)/.*",
    "/(.*)",
    "/f[o]+$",
    "/%66oo",
    "/a//b",
    "/foo/bar/",
    "/api/(v1|v2)/.*",
    "/.well-known/acme-challenge/t",
];
const ANNOTATIONS: [&str; 14] = [
    "",
    "",
    "",
    "",
    "",
    "use-regex=true",
    "rewrite-target=/",
    "rewrite-target=/$1",
    "canary=true",
    "app-root=/start",
    "permanent-redirect=https://new.example/",
    "ssl-passthrough=true",
    "auth-type=basic",
    "force-ssl-redirect=true",
];

/// A small cluster of little order.
fn cluster(dice: &mut Dice) -> String {
    cluster_of(dice, &ANNOTATIONS)
}

fn cluster_of(dice: &mut Dice, annotations: &[&str]) -> String {
    let mut text = String::new();
    if dice.roll(6) == 0 {
        text.push_str("arg --enable-ssl-passthrough\n");
    }
    for number in 0..2 + dice.roll(4) {
        let _ = write!(text, "ing n/i{number} age={}", 1 + dice.roll(9));
        for _ in 0..1 + dice.roll(2) {
            let _ = write!(text, " host={}", dice.pick(&HOSTS));
            for _ in 0..1 + dice.roll(3) {
                let (path, kind) = (dice.pick(&PATHS), dice.pick(&["P", "P", "I", "E"]));
                let _ = write!(text, " {path}({kind})->s{}:80", dice.roll(4));
            }
        }
        let annotation = dice.pick(annotations);
        if !annotation.is_empty() {
            let _ = write!(text, " ann:{annotation}");
        }
        if annotation == "canary=true" {
            text.push_str(" ann:canary-weight=30");
        }
        if dice.roll(8) == 0 {
            let _ = write!(text, " default=d{number}:80");
        }
        text.push('\n');
    }
    if dice.roll(5) == 0 {
        text.push_str("ing n/all age=5 default=any:80\n");
    }
    text
}

/// Requests that a rule is surely meant for.
fn meant_for(entry: &Entry<'_>) -> Vec<String> {
    let mut samples = pattern::samples(entry.path);
    if pattern::is_literal(entry.path) && !entry.is_exact() {
        samples.push(format!("{}/deeper/still", entry.path.trim_end_matches('/')));
        samples.push(format!("{}/", entry.path.trim_end_matches('/')));
    }
    // What nobody else is likely to take.
    let matches = |path: &&str| {
        pattern::location(entry.path).is_some_and(|p| p.is_match(path.as_bytes()).unwrap_or(false))
    };
    if !pattern::is_literal(entry.path) {
        samples.extend(
            ["/zq", "/zq/zq", "/xzq", "/foo/zq", "/bar/zq"].into_iter().filter(matches).map(str::to_owned),
        );
    }
    samples
}

/// What a rule says is held to the model, and nothing is missed: a rule that none of its own requests
/// reaches is named, and a configuration that does not load is found.
#[test]
fn random_clusters_are_told_as_the_model_sees_them() {
    let mut dice = Dice(0x5EED_1E55);
    let mut seen = (0, 0);
    let mut complaints = Vec::new();
    for round in 0..400 {
        let text = cluster(&mut dice);
        let mut conflicts = Vec::new();
        for rule in RULES {
            let (found, wrong) = found_and_held(*rule, &text);
            conflicts.extend(found);
            complaints.extend(wrong.into_iter().map(|wrong| format!("round {round}: {wrong}\n{text}")));
        }
        World::read(&text).with_field(|field| {
            let (dead, failed, missed) = missed(field, &conflicts);
            seen = (seen.0 + dead, seen.1 + failed);
            complaints.extend(missed.into_iter().map(|missed| format!("round {round}: {missed}\n{text}")));
        });
    }
    let shown: Vec<&str> = complaints.iter().take(8).map(String::as_str).collect();
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), shown.join("\n"));
    assert!(seen.0 > 50 && seen.1 > 20, "{seen:?}");
}

/// Clusters of each product.
const ROUNDS: usize = 150;

/// Annotations of each product, beside none and those of ingress-nginx.
fn annotations_of(kind: ControllerKind) -> Vec<&'static str> {
    let own: &[&str] = match kind {
        ControllerKind::Traefik => &[
            "traefik.ingress.kubernetes.io/router.priority=7",
            "traefik.ingress.kubernetes.io/router.priority=high",
            "traefik.ingress.kubernetes.io/router.entrypoints=web",
            "traefik.ingress.kubernetes.io/router.tls=true",
        ],
        ControllerKind::F5Nginx => &[
            "nginx.org/rewrite-target=/",
            "nginx.org/path-regex=case_sensitive",
            "nginx.org/mergeable-ingress-type=master",
            "nginx.org/mergeable-ingress-type=minion",
        ],
        ControllerKind::Haproxytech => &[
            "haproxy.org/request-redirect=new.example",
            "haproxy.org/request-redirect-code=permanent",
            "haproxy.org/path-rewrite=/x",
        ],
        ControllerKind::HaproxyIngress => &["haproxy-ingress.github.io/path-type=regex"],
        ControllerKind::AwsAlb => &[
            "alb.ingress.kubernetes.io/group.name=shared",
            "alb.ingress.kubernetes.io/group.name=shared",
            "alb.ingress.kubernetes.io/ssl-redirect=443",
        ],
        ControllerKind::Contour => {
            &["kubernetes.io/ingress.allow-http=false", "ingress.kubernetes.io/force-ssl-redirect=true"]
        }
        ControllerKind::Gce => &["kubernetes.io/ingress.allow-http=false"],
        ControllerKind::Kong => &["konghq.com/strip-path=true", "konghq.com/methods=GET"],
        _ => &[],
    };
    let mut all = own.to_vec();
    all.extend(ANNOTATIONS);
    all
}

/// What a rule says of any product is held to that product's model.
#[test]
fn random_clusters_of_every_product_are_told_as_its_model_sees_them() {
    // One complaint of each rule on each product says enough.
    let mut complaints: BTreeMap<(&str, &str), String> = BTreeMap::new();
    let products = ControllerKind::ALL.into_iter().filter(|kind| model_for(*kind).is_some());
    for kind in products.filter(|kind| !kind.routes_by_gateways() && *kind != ControllerKind::Spec) {
        let mut dice = Dice(0x0DD_5EED);
        let mut told = 0;
        for round in 0..ROUNDS {
            let text = format!("is {kind}\n{}", cluster_of(&mut dice, &annotations_of(kind)));
            World::read(&text).with_field(|field| {
                for rule in RULES {
                    let (found, wrong) = held(*rule, field);
                    told += found.len();
                    for wrong in wrong {
                        let told = || format!("round {round}: {wrong}\n{text}");
                        complaints.entry((rule.id(), kind.slug())).or_insert_with(told);
                    }
                }
            });
        }
        assert!(told > ROUNDS / 4, "{kind}: {told} findings are too few to say anything");
    }
    let shown: Vec<&str> = complaints.values().map(String::as_str).collect();
    assert!(complaints.is_empty(), "{:?}\n{}", complaints.keys(), shown.join("\n"));
}

/// How many rules are dead and hosts do not load, and what no rule says of them.
fn missed(field: &Field<'_>, conflicts: &[Conflict]) -> (usize, usize, Vec<String>) {
    let mut missed = Vec::new();
    let failed: BTreeSet<&str> =
        field.failures().iter().map(|f| if f.host == "_" { "" } else { f.host.as_str() }).collect();
    let told: BTreeSet<&str> = conflicts
        .iter()
        .filter(|conflict| conflict.sees.effect == Effect::Frozen)
        .filter_map(|conflict| conflict.host.as_deref())
        .collect();
    if failed != told {
        missed.push(format!("{failed:?} do not load, told are {told:?}"));
    }
    if !failed.is_empty() {
        return (0, failed.len(), missed);
    }
    let named: BTreeSet<(String, &str)> = conflicts
        .iter()
        .flat_map(|conflict| &conflict.objects)
        .map(|part| (part.key.name.to_string(), part.field.as_str()))
        .collect();
    let whole = |name: &str| {
        let of = |conflict: &&Conflict| conflict.rule == "passthrough_swallows_paths";
        conflicts.iter().filter(of).flat_map(|c| &c.objects).any(|part| part.key.name.to_string() == name)
    };
    let mut dead = 0;
    for (host, entry) in field.hosts.every_path().filter(|(_, entry)| !entry.canary) {
        if meant_for(entry).iter().any(|path| is_reached(field, host, entry, path)) {
            continue;
        }
        dead += 1;
        let place = (entry.ingress.meta.key().to_string(), entry.place.field("path"));
        if !named.contains(&(place.0.clone(), place.1.as_str())) && !whole(&place.0) {
            missed.push(format!("{place:?} is never reached and not named"));
        }
    }
    (dead, 0, missed)
}

/// Redirects of the host are no matter of rules; nor is another way to the same Service.
fn is_reached(field: &Field<'_>, host: &str, entry: &Entry<'_>, path: &str) -> bool {
    let url = crate::analysis::conflict::url("https", host, path).expect(path);
    let decision = field.decide(host, &url).expect("an answer");
    !decision.default_backend
        && decision.winner.is_none_or(|winner| {
            let redirected = decision.outcome == Outcome::Redirect;
            let own =
                winner.ingress == entry.ingress.meta.key() && (winner.place == entry.place || redirected);
            own || winner.backend == entry.target()
        })
}

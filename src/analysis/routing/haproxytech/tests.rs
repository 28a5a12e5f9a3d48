use std::collections::BTreeMap;

use super::*;
use crate::analysis::routing::fixtures::{
    Case, check_with, ingress, misses_are_mended, set_default, snapshot, table,
};
use crate::analysis::routing::{Edit, Outcome};
use crate::model::controller::{ConfigSeen, Flag, Settings};
use crate::model::ingress::Tls;
use crate::model::service::Service;
use crate::model::snapshot::{Listing, Snapshot};

const KIND: ControllerKind = ControllerKind::Haproxytech;

fn told(name: &str, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Ingress {
    let mut ingress = ingress(name, paths);
    ingress.meta.annotations = annotations
        .iter()
        .map(|(key, value)| {
            let key = if key.contains('/') { (*key).to_owned() } else { format!("haproxy.org/{key}") };
            (key, (*value).to_owned())
        })
        .collect();
    ingress
}

fn with_config(config: &[(&str, &str)]) -> Settings {
    let data: BTreeMap<String, String> =
        config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Settings { config: ConfigSeen::Known(data), ..Settings::default() }
}

fn with_flag(name: &str, value: &str) -> Settings {
    let flag = Flag { index: 0, in_command: false, name: name.to_owned(), value: Some(value.to_owned()) };
    Settings { args: vec![flag], ..Settings::default() }
}

fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
    check_with(KIND, ingresses, &Settings::default(), cases);
}

/// A table over Services that were changed first.
fn table_of(ingresses: &[Ingress], change: impl Fn(&mut Service)) -> Box<dyn RouteTable> {
    let mut snapshot: Snapshot = snapshot(ingresses);
    let mut services = snapshot.services.items().to_vec();
    services.iter_mut().for_each(change);
    snapshot.services = Listing::complete(crate::model::object::Kind::Service, services);
    let all: Vec<&Ingress> = ingresses.iter().collect();
    Haproxytech.compile(&Input { ingresses: &all, snapshot: &snapshot, settings: &Settings::default() })
}

fn decide(table: &dyn RouteTable, url: &str, header: Option<(&str, &str)>) -> Decision {
    let mut request = Request::parse(url).expect(url);
    request.headers = header.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
    table.decide(&request)
}

fn backend(decision: &Decision) -> Option<String> {
    Some(decision.winner.as_ref()?.backend.as_ref()?.service.to_string())
}

#[test]
fn a_known_host_has_no_second_chance() {
    check(
        &[ingress("n/i", &[("a.com", "Prefix /x a"), ("*.foo.com", "Prefix /w w"), ("", "Prefix / any")])],
        &[
            ("http://a.com/x/y", "n/a"),
            ("http://a.com/else", "404"),
            ("http://A.COM:80/x", "n/a"),
            ("http://y.foo.com/w", "n/w"),
            ("http://y.foo.com/else", "404"),
            ("http://y.z.foo.com/w", "n/any"),
            ("http://foo.com/w", "n/any"),
            ("http://elsewhere/x", "n/any"),
            ("http://a.com./x", "n/any"),
        ],
    );
}

#[test]
fn paths_are_compared_as_they_were_sent() {
    let paths = [
        ("a.com", "Prefix /foo p"),
        ("a.com", "Exact /exact e"),
        ("a.com", "ImplementationSpecific /loose/ l"),
        ("a.com", "ImplementationSpecific  empty"),
    ];
    check(
        &[ingress("n/i", paths.get(..3).unwrap_or_default())],
        &[
            ("http://a.com/foo", "n/p"),
            ("http://a.com/foo/", "n/p"),
            ("http://a.com/foobar", "404"),
            ("http://a.com/FOO", "404"),
            ("http://a.com//foo", "404"),
            ("http://a.com/%66oo", "404"),
            ("http://a.com/x/../foo", "404"),
            ("http://a.com/foo/../x", "n/p"),
            ("http://a.com/exact", "n/e"),
            ("http://a.com/exact/", "404"),
            ("http://a.com/loose", "n/l"),
            ("http://a.com/loosely", "n/l"),
            ("http://a.com/é", "400"),
        ],
    );
    check(&[ingress("n/i", &paths)], &[("http://a.com/else", "n/empty")]);
}

#[test]
fn a_whole_path_comes_before_a_beginning() {
    let paths = [
        ("a.com", "Prefix /foo p"),
        ("a.com", "Exact /foo e"),
        ("a.com", "Prefix / root"),
        ("a.com", "ImplementationSpecific /fo loose"),
    ];
    check(
        &[ingress("n/i", &paths)],
        &[
            ("http://a.com/foo", "n/e"),
            ("http://a.com/foo/x", "n/p"),
            ("http://a.com/fox", "n/loose"),
            ("http://a.com/x", "n/root"),
        ],
    );
}

#[test]
fn of_a_path_twice_the_smaller_backend_name_wins_whatever_the_age() {
    let a = ingress("n/z", &[("a.com", "Prefix /x aaa")]);
    let b = ingress("n/a", &[("a.com", "Prefix /x bbb")]);
    check(&[b.clone(), a], &[("http://a.com/x", "n/aaa")]);
    // The name of a backend of an Ingress's own begins with the Ingress's.
    let alone = |name: &str| told(name, &[("standalone-backend", "true")], &[("a.com", "Prefix /x zzz")]);
    check(&[b.clone(), alone("n/m")], &[("http://a.com/x", "n/zzz")]);
    check(&[b, alone("n/z")], &[("http://a.com/x", "n/bbb")]);
}

#[test]
fn of_equal_backends_the_row_without_rules_wins_and_others_have_no_known_order() {
    let plain = ingress("n/z", &[("a.com", "Prefix /x s")]);
    let https = told("n/a", &[("ssl-redirect", "true")], &[("a.com", "Prefix /x s")]);
    check(&[https.clone(), plain], &[("http://a.com/x", "n/s")]);
    let moved = told("n/b", &[("request-redirect", "b.com")], &[("a.com", "Prefix /x s")]);
    check(&[https.clone(), moved], &[("http://a.com/x", "one of n/s or 302 or 302")]);
    check(
        &[https.clone(), told("n/b", &[("ssl-redirect", "true")], &[("a.com", "Prefix /x s")])],
        &[("http://a.com/x", "302 https://a.com:8443/x")],
    );
}

#[test]
fn a_dot_in_the_name_of_an_ingress_breaks_its_own_backends() {
    let dotted = told("n/my.app", &[("standalone-backend", "true")], &[("a.com", "Prefix /x s")]);
    check(&[dotted], &[("http://a.com/x", "404")]);
    check(&[ingress("n/my.app", &[("a.com", "Prefix /x s")])], &[("http://a.com/x", "n/s")]);
}

#[test]
fn a_missing_service_or_port_leaves_the_path_out_and_nobody_ready_is_503() {
    let mut paths = ingress(
        "n/i",
        &[("a.com", "Prefix /x/y gone"), ("a.com", "Prefix /x s"), ("a.com", "Prefix /dead dead")],
    );
    check(
        std::slice::from_ref(&paths),
        &[("http://a.com/x/y", "n/s"), ("http://a.com/dead", "503"), ("http://a.com/z", "404")],
    );
    let first = &mut paths.rules[0].paths.as_mut().expect("paths")[1];
    first.backend = Backend::Service { name: "s".to_owned(), port: PortRef::Number(81) };
    let table = table(KIND, &[paths], &Settings::default());
    let explanation = table.explain(&Request::parse("http://a.com/x").expect("a URL"), 9);
    let reasons: Vec<&Reason> = explanation.eliminated.iter().map(|lost| &lost.reason).collect();
    assert!(
        matches!(
            reasons.as_slice(),
            [
                Reason::LeftOut(Note::PortMissing { .. }),
                Reason::LeftOut(Note::ServiceMissing(_)),
                Reason::PathDiffers
            ]
        ),
        "{reasons:?}"
    );
}

#[test]
fn the_same_path_to_two_ports_of_a_service_is_kept_once() {
    let mut twice = ingress("n/i", &[("a.com", "Prefix /x s"), ("a.com", "Prefix /x s")]);
    let first = &mut twice.rules[0].paths.as_mut().expect("paths")[0];
    first.backend = Backend::Service { name: "s".to_owned(), port: PortRef::Number(81) };
    check(&[twice], &[("http://a.com/x", "n/s")]);
}

#[test]
fn a_default_backend_is_for_every_host_and_several_are_a_set() {
    let mut one = ingress("n/one", &[("a.com", "Prefix /x a")]);
    set_default(&mut one, "d1");
    let cases: &[Case<'_>] = &[("http://a.com/y", "n/d1"), ("http://elsewhere/", "n/d1")];
    check(std::slice::from_ref(&one), cases);
    let mut two = ingress("n/two", &[("b.com", "Prefix /x a")]);
    set_default(&mut two, "d2");
    check(&[one.clone(), two], &[("http://elsewhere/", "one of n/d1, n/d2")]);
    let settings = with_flag("default-backend-service", "n/a");
    check_with(KIND, &[one], &settings, &[("http://elsewhere/", "n/d1")]);
    let plain = ingress("n/i", &[("a.com", "Prefix /x a")]);
    check_with(KIND, std::slice::from_ref(&plain), &settings, &[("http://elsewhere/", "n/a")]);
    let missing = with_flag("default-backend-service", "n/missing");
    check_with(KIND, &[plain], &missing, &[("http://elsewhere/", "503")]);
}

#[test]
fn the_built_in_default_knows_its_health_page() {
    let plain = ingress("n/i", &[("a.com", "Prefix /x a")]);
    check(
        std::slice::from_ref(&plain),
        &[
            ("http://a.com/healthz", "200"),
            ("http://a.com/healthz/x", "404"),
            ("http://a.com/healtz", "200"),
            ("http://a.com//healthz?q", "301 http://a.com/healthz?q"),
            ("http://a.com/y/../%68ealtz/", "301 http://a.com/healtz"),
        ],
    );
    let table = table(KIND, &[plain], &Settings::default());
    let mut request = Request::parse("http://a.com/healthz").expect("a URL");
    request.method = "POST".to_owned();
    assert_eq!(table.decide(&request).status, Some(405));
}

#[test]
fn tls_hosts_are_redirected_by_default_and_annotations_change_where() {
    let with = |annotations: &[(&str, &str)], hosts: &[&str]| {
        let mut ingress = told("n/i", annotations, &[("a.com", "Prefix / s")]);
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        ingress.tls = vec![Tls { hosts, secret: Some("cert".to_owned()) }];
        ingress
    };
    let to = |expected: &str, annotations: &[(&str, &str)], hosts: &[&str]| {
        check(&[with(annotations, hosts)], &[("http://a.com:8080/x?q", expected)]);
    };
    to("302 https://a.com:8443/x?q", &[], &["a.com"]);
    to("n/s", &[], &[]);
    to("n/s", &[("ssl-redirect", "false")], &["a.com"]);
    to("n/s", &[("ssl-redirect", "perhaps")], &["a.com"]);
    to("302 https://a.com:8443/x?q", &[("ssl-redirect", "true")], &[]);
    to(
        "301 https://a.com:443/x?q",
        &[("ssl-redirect-code", "301"), ("ssl-redirect-port", "443")],
        &["a.com"],
    );
    to("302 https://a.com:8443/x?q", &[("request-redirect", "b.com")], &["a.com"]);
    check(&[with(&[], &["a.com"])], &[("https://a.com/x", "n/s")]);
    check(
        &[with(&[("request-redirect", "b.com")], &["a.com"])],
        &[("https://a.com/x", "302 http://b.com/x")],
    );
}

#[test]
fn a_redirect_keeps_the_request_as_it_was_sent() {
    for (target, expected) in [
        ("b.com", "302 http://b.com/x/../y?q"),
        ("https://b.com", "302 https://b.com/x/../y?q"),
        ("http://b.com:8080", "302 http://b.com:8080/x/../y?q"),
        ("b.com/base", "302 http://b.com/base/x/../y?q"),
    ] {
        let moved = told("n/i", &[("request-redirect", target)], &[("a.com", "Prefix / s")]);
        check(&[moved], &[("http://a.com/x/../y?q", expected)]);
    }
}

#[test]
fn three_prefixes_and_the_config_map_say_the_same_thing() {
    for prefix in ["haproxy.org", "haproxy.com", "ingress.kubernetes.io"] {
        let key = format!("{prefix}/path-rewrite");
        let rewritten = told("n/i", &[(key.as_str(), "/fixed")], &[("a.com", "Prefix / s")]);
        check(&[rewritten], &[("http://a.com/x", "n/s /fixed")]);
    }
    let foreign =
        told("n/i", &[("nginx.ingress.kubernetes.io/ssl-redirect", "true")], &[("a.com", "Prefix / s")]);
    check(&[foreign], &[("http://a.com/x", "n/s")]);
    let plain = ingress("n/i", &[("a.com", "Prefix / s")]);
    let own = told("n/own", &[("ssl-redirect", "false")], &[("b.com", "Prefix / s")]);
    let settings = with_config(&[("ssl-redirect", "true"), ("ssl-redirect-code", "308")]);
    let cases: &[Case<'_>] = &[
        ("http://a.com/x", "308 https://a.com:8443/x"),
        ("http://b.com/x", "n/s"),
        ("http://elsewhere/", "404"),
    ];
    check_with(KIND, &[plain, own], &settings, cases);
}

#[test]
fn lists_of_everybody_decide_and_other_lists_are_noted() {
    let with = |key: &str, value: &str| told("n/i", &[(key, value)], &[("a.com", "Prefix / s")]);
    check(&[with("deny-list", "0.0.0.0/0")], &[("http://a.com/", "403")]);
    check(&[with("blacklist", "0.0.0.0/0")], &[("http://a.com/", "403")]);
    check(&[with("allow-list", "0.0.0.0/0")], &[("http://a.com/", "n/s")]);
    check(&[with("deny-list", "somebody")], &[("http://a.com/", "n/s")]);
    let some = table(KIND, &[with("whitelist", "10.0.0.0/8")], &Settings::default());
    let decision = decide(&*some, "http://a.com/", None);
    assert_eq!(decision.outcome, Outcome::Routed);
    assert!(
        matches!(decision.notes.as_slice(), [Note::Annotation { key, .. }] if key == "haproxy.org/whitelist")
    );
}

#[test]
fn the_older_name_of_a_list_counts_only_without_the_newer_one() {
    let lists = [("deny-list", "10.0.0.0/8"), ("blacklist", "0.0.0.0/0")];
    check(&[told("n/i", &lists, &[("a.com", "Prefix / s")])], &[("http://a.com/", "n/s")]);
    // A limit of nothing lets nobody through.
    for limit in ["0", "x"] {
        let limited = told("n/i", &[("rate-limit-requests", limit)], &[("a.com", "Prefix / s")]);
        check(&[limited], &[("http://a.com/", "403")]);
    }
}

#[test]
fn a_rule_of_the_config_map_that_no_ingress_shares_is_for_all_requests() {
    let plain = ingress("n/plain", &[("a.com", "Prefix / s")]);
    let own = told("n/own", &[("path-rewrite", "/own")], &[("b.com", "Prefix / s")]);
    let settings = with_config(&[("path-rewrite", "/all")]);
    let cases: &[Case<'_>] = &[("http://a.com/x", "n/s /all"), ("http://b.com/x", "n/s /own")];
    check_with(KIND, &[plain.clone(), own.clone()], &settings, cases);
    let settings = with_config(&[("path-rewrite", "/healthz")]);
    check_with(KIND, &[own], &settings, &[("http://b.com/x", "n/s /own"), ("http://elsewhere/", "200")]);
    check_with(KIND, std::slice::from_ref(&plain), &settings, &[("http://elsewhere/", "404")]);
    let settings = with_config(&[("auth-type", "basic-auth")]);
    check_with(KIND, &[plain], &settings, &[("http://a.com/", "401"), ("http://elsewhere/", "401")]);
}

#[test]
fn redirects_stand_where_they_were_first_asked_for() {
    let both = [("ssl-redirect", "true"), ("request-redirect", "new.com")];
    let both = told("n/both", &both, &[("a.com", "Prefix / s")]);
    let other = told("n/other", &[("request-redirect", "http://new.com")], &[("b.com", "Prefix / s")]);
    check(
        &[both.clone(), other],
        &[("http://a.com/", "one of n/s or 302 or 302"), ("https://a.com/", "302 http://new.com/")],
    );
    let settings = with_config(&[("request-redirect", "new.com")]);
    check_with(KIND, &[both], &settings, &[("http://a.com/", "302 http://new.com/")]);
}

#[test]
fn a_space_in_a_path_ends_the_key_and_loses_the_backend_but_not_the_rules() {
    let paths = [("a.com", "ImplementationSpecific /x y s")];
    check(&[ingress("n/i", &paths)], &[("http://a.com/x", "404"), ("http://a.com/x/z", "404")]);
    check(
        &[told("n/i", &[("request-redirect", "b.com")], &paths)],
        &[("http://a.com/xz", "302 http://b.com/xz")],
    );
    let whole = ingress("n/whole", &[("a.com", "ImplementationSpecific /x zzz")]);
    check(&[ingress("n/i", &paths), whole], &[("http://a.com/x", "n/zzz")]);
}

#[test]
fn credentials_are_asked_for() {
    let auth = told("n/i", &[("auth-type", "basic-auth")], &[("a.com", "Prefix / s")]);
    check(std::slice::from_ref(&auth), &[("http://a.com/", "401")]);
    let table = table(KIND, &[auth], &Settings::default());
    let decision = decide(&*table, "http://a.com/", Some(("authorization", "Basic eA==")));
    assert_eq!(decision.outcome, Outcome::Routed);
}

#[test]
fn a_bad_redirect_code_stops_the_whole_configuration() {
    let good = ingress("n/good", &[("a.com", "Prefix / s")]);
    for code in ["abc", "304", ""] {
        let annotations = [("request-redirect", "b.com"), ("request-redirect-code", code)];
        let bad = told("n/bad", &annotations, &[("b.com", "Prefix / s")]);
        let table = table(KIND, &[good.clone(), bad], &Settings::default());
        assert_eq!(decide(&*table, "http://a.com/", None).outcome, Outcome::Refused, "{code}");
        let failure = table.reload_failure().expect("a failure");
        assert_eq!(failure.between, [Name::new("n", "bad")], "{code}");
    }
    let unused = told("n/i", &[("request-redirect-code", "abc")], &[("a.com", "Prefix / s")]);
    check(&[unused], &[("http://a.com/", "n/s")]);
}

#[test]
fn a_condition_on_a_service_is_asked_before_the_maps() {
    let canary = ingress("n/canary", &[("a.com", "Prefix /app canary"), ("*.foo.com", "Prefix / canary")]);
    let main = ingress("n/main", &[("a.com", "Prefix / main")]);
    let table = table_of(&[canary, main], |service| {
        if service.meta.name == "canary" {
            let key = "haproxy.org/route-acl".to_owned();
            service.meta.annotations.insert(key, "hdr(X-Canary) -m found".to_owned());
        }
    });
    let with = Some(("x-canary", "1"));
    for (url, header, expected) in [
        ("http://a.com/app", with, Some("n/canary")),
        ("http://a.com/app/x", with, Some("n/canary")),
        ("http://a.com/appx", with, Some("n/main")),
        ("http://a.com/app", None, Some("n/main")),
        ("http://y.foo.com/", with, Some("n/canary")),
        ("http://y.foo.com/", None, None),
    ] {
        let decision = decide(&*table, url, header);
        assert_eq!(backend(&decision).as_deref(), expected, "{url} {header:?}");
    }
}

#[test]
fn beside_a_condition_a_path_is_a_pattern_and_a_star_any_beginning() {
    let with = |condition: &'static str, paths: &[(&str, &str)]| {
        table_of(&[ingress("n/canary", paths)], move |service| {
            if service.meta.name == "canary" {
                service.meta.annotations.insert("haproxy.org/route-acl".to_owned(), condition.to_owned());
            }
        })
    };
    let table = with("method GET", &[("*.foo.com", "Prefix /a.b/ canary")]);
    for (url, expected) in [
        ("http://x.y.foo.com/a.b", Some("n/canary")),
        ("http://x.foo.com/azb/c", Some("n/canary")),
        ("http://x.foo.com/a.bc", None),
        ("http://foo.com/a.b", None),
    ] {
        assert_eq!(backend(&decide(&*table, url, None)).as_deref(), expected, "{url}");
    }
    for (condition, path) in
        [("!method GET", "Prefix /a canary"), ("method GET", "ImplementationSpecific /(a canary")]
    {
        assert!(with(condition, &[("a.com", path)]).reload_failure().is_some(), "{condition} {path}");
    }
}

#[test]
fn a_condition_that_cannot_be_judged_leaves_both() {
    let canary = ingress("n/canary", &[("a.com", "Prefix / canary")]);
    let main = ingress("n/main", &[("a.com", "Prefix / main")]);
    let table = table_of(&[canary, main], |service| {
        if service.meta.name == "canary" {
            service.meta.annotations.insert("haproxy.org/route-acl".to_owned(), "src 10.0.0.0/8".to_owned());
        }
    });
    let decision = decide(&*table, "http://a.com/", None);
    let names: Vec<String> = decision.one_of.iter().map(|target| target.service.to_string()).collect();
    assert_eq!(
        (decision.outcome, names),
        (Outcome::Undefined, vec!["n/canary".to_owned(), "n/main".to_owned()])
    );
}

#[test]
fn tls_passed_through_goes_by_its_name() {
    let through =
        told("n/i", &[("ssl-passthrough", "true")], &[("a.com", "Prefix /x s"), ("*.b.com", "Prefix / w")]);
    check(
        &[through],
        &[
            ("https://a.com/else", "n/s"),
            ("https://a.com./else", "n/s"),
            ("https://y.b.com/", "n/w"),
            ("https://c.com/", "404"),
            ("http://a.com/x", "refused"),
        ],
    );
}

#[test]
fn a_frontend_may_be_switched_off() {
    let plain = ingress("n/i", &[("a.com", "Prefix / s")]);
    let cases: &[Case<'_>] = &[("http://a.com/", "refused"), ("https://a.com/", "n/s")];
    check_with(KIND, &[plain], &with_flag("disable-http", "true"), cases);
}

#[test]
fn unseen_settings_are_said() {
    let plain = ingress("n/i", &[("a.com", "Prefix / s")]);
    let settings = Settings { config: ConfigSeen::Unseen, ..Settings::default() };
    let decision = decide(&*table(KIND, &[plain], &settings), "http://a.com/", None);
    assert_eq!(decision.notes, [Note::SettingsUnseen]);
}

#[test]
fn every_loser_has_its_reason() {
    let young = ingress("n/young", &[("a.com", "Prefix /x zzz"), ("a.com", "Prefix / root")]);
    let old = ingress("n/old", &[("a.com", "Prefix /x aaa"), ("b.com", "Prefix /x s")]);
    let any = ingress("n/any", &[("", "Prefix /x s"), ("a.com", "Exact /y s")]);
    let table = table(KIND, &[young, old, any], &Settings::default());
    let explanation = table.explain(&Request::parse("http://a.com/x/1").expect("a URL"), 9);
    let lost: Vec<String> = explanation
        .eliminated
        .iter()
        .map(|lost| {
            let why = match &lost.reason {
                Reason::Duplicate { of } => format!("duplicate of {of}"),
                Reason::LessSpecific { than_path, .. } => format!("after {than_path}"),
                Reason::PathDiffers => "path".to_owned(),
                Reason::OtherServer { chosen } => format!("host {chosen}"),
                Reason::HostDiffers => "other host".to_owned(),
                other => format!("{other:?}"),
            };
            format!("{} {}: {why}", lost.ingress, lost.path)
        })
        .collect();
    assert_eq!(
        lost,
        [
            "n/young /x: duplicate of n/old",
            "n/young /: after /x",
            "n/any /y: path",
            "n/any /x: host a.com",
            "n/old /x: other host",
        ]
    );
    assert_eq!(explanation.total, 6);
}

#[test]
fn near_misses_are_mended_by_their_edits() {
    let shop = ingress(
        "n/shop",
        &[
            ("shop.example.com", "Exact /foo s"),
            ("shop.example.com", "Prefix /Orders s"),
            ("*.wild.example", "Prefix / s"),
        ],
    );
    for url in [
        "http://shop.example.com/foo/bar",
        "http://shop.example.com/foo/",
        "http://shop.example.com/orders/7",
        "http://shop.example.com/Order/7",
        "http://shop.example.com/else/where/",
        "http://www.shop.example.com/foo",
        "http://shpo.example.com/foo",
        "http://203.0.113.9/foo",
        "http://shop.example.com./foo",
        "http://a.b.wild.example/x",
    ] {
        misses_are_mended(KIND, std::slice::from_ref(&shop), url);
    }
    let table = table(KIND, &[shop], &Settings::default());
    let nearest = table.explain(&Request::parse("http://shop.example.com//foo").expect("a URL"), 9).nearest;
    assert!(!nearest.iter().any(|near| matches!(near.edit, Edit::AddPath { .. })), "{nearest:?}");
}

#[test]
fn a_path_with_a_condition_that_does_not_hold_is_no_near_miss() {
    let paths = [("a.com", "Exact /foo special"), ("a.com", "Exact /bar plain")];
    let table = table_of(&[ingress("n/i", &paths)], |service| {
        if service.meta.name == "special" {
            let acl = ("haproxy.org/route-acl".to_owned(), "hdr(X-Canary) -m found".to_owned());
            service.meta.annotations.extend([acl]);
        }
    });
    let explanation = table.explain(&Request::parse("http://a.com/foo/x").expect("a URL"), 9);
    let condition = Reason::ConditionDiffers { field: "route-acl" };
    let lost = explanation.eliminated.iter().find(|lost| lost.path == "/foo");
    assert_eq!(lost.map(|lost| &lost.reason), Some(&condition));
    let edits: Vec<&Edit> = explanation.nearest.iter().map(|near| &near.edit).collect();
    assert!(!edits.iter().any(|edit| matches!(edit, Edit::SetPathType { .. })), "{edits:?}");
}

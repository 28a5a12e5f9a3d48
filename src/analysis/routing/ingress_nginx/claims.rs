//! What is known of this controller and neither recorded nor seen by the other tests, one test each.

use std::collections::{BTreeMap, BTreeSet};

use super::IngressNginx;
use crate::analysis::routing::fixtures::{
    Case, annotated, brief, check_with, ingress, set_default, snapshot, table, told,
};
use crate::analysis::routing::{Input, Note, RoutingModel};
use crate::model::controller::{ConfigSeen, ControllerKind, Settings, Version};
use crate::model::ingress::{Ingress, Rule};
use crate::model::object::{Kind, Name};
use crate::model::request::Request;
use crate::model::snapshot::{Listing, Snapshot};

fn config(entries: &[(&str, &str)]) -> Settings {
    let data: BTreeMap<String, String> =
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Settings { config: ConfigSeen::Known(data), ..Settings::default() }
}

fn check(settings: &Settings, ingresses: &[Ingress], cases: &[Case<'_>]) {
    check_with(ControllerKind::IngressNginx, ingresses, settings, cases);
}

/// Against a snapshot that is not the usual one.
fn check_in(snapshot: &Snapshot, ingresses: &[Ingress], cases: &[Case<'_>]) {
    let adopted: Vec<&Ingress> = ingresses.iter().collect();
    let input = Input { ingresses: &adopted, snapshot, settings: &Settings::default() };
    let table = IngressNginx.compile(&input);
    for (url, expected) in cases {
        let request = Request::parse(url).expect(url);
        assert_eq!(brief(&table.decide(&request), &request), *expected, "{url}");
    }
}

#[test]
fn nginx_knows_no_trace_and_no_connect() {
    let www = [("from-to-www-redirect", "true")];
    let all = [annotated("n/i", 1, &www, &[("a.example", "Prefix / s")])];
    for (method, url, expected) in [
        ("TRACE", "http://a.example/", "405"),
        ("CONNECT", "http://nobody/", "405"),
        ("TRACE", "http://www.a.example/", "405"),
        ("TRACE", "http://a.example/%zz", "400"),
        ("PROPFIND", "http://a.example/", "n/s"),
    ] {
        let request = Request { method: method.to_owned(), ..Request::parse(url).expect(url) };
        let table = table(ControllerKind::IngressNginx, &all, &Settings::default());
        assert_eq!(brief(&table.decide(&request), &request), expected, "{method} {url}");
    }
}

#[test]
fn clients_without_a_known_authority_get_403_on_the_whole_host() {
    let wants = |secret: &str| {
        let own = annotated("n/own", 1, &[("auth-tls-secret", secret)], &[("a.example", "Prefix /x s")]);
        [own, annotated("n/other", 2, &[], &[("a.example", "Prefix /y t"), ("b.example", "Prefix / u")])]
    };
    let barred: &[Case<'_>] = &[
        ("http://a.example/x", "403"),
        ("http://a.example/y", "403"),
        ("https://a.example/else", "403"),
        ("http://b.example/", "n/u"),
    ];
    for secret in ["n/missing", "missing", "m/other"] {
        check(&Settings::default(), &wants(secret), barred);
    }
    let all = wants("n/ca");
    let mut seen = snapshot(&all);
    seen.secrets = Some(BTreeSet::from([Name::new("n", "ca")]));
    check_in(&seen, &all, &[("https://a.example/x", "n/s"), ("http://a.example/y", "n/t")]);
    let adopted: Vec<&Ingress> = all.iter().collect();
    let notes = |snapshot: &Snapshot, url: &str| {
        let input = Input { ingresses: &adopted, snapshot, settings: &Settings::default() };
        IngressNginx.compile(&input).decide(&Request::parse(url).expect(url)).notes
    };
    let undecided =
        Note::ConditionUndecided { ingress: Name::new("n", "own"), condition: "auth-tls-secret".to_owned() };
    assert!(notes(&seen, "https://a.example/x").contains(&undecided));
    assert!(!notes(&seen, "http://a.example/x").contains(&undecided));
    seen.secrets = None;
    assert!(notes(&seen, "http://a.example/x").contains(&Note::SecretUnseen(Name::new("n", "ca"))));
}

#[test]
fn a_host_without_the_authority_has_no_locations_that_could_collide() {
    let paths = [("a.example", "Prefix /x s"), ("a.example", "Prefix /x/ t")];
    let broken = annotated("n/i", 1, &[], &paths);
    let other = annotated("n/other", 2, &[], &[("b.example", "Prefix / u")]);
    check(&config(&[]), &[broken, other.clone()], &[("http://b.example/", "refused")]);
    let lacking = annotated("n/i", 1, &[("auth-tls-secret", "n/missing")], &paths);
    let cases: &[Case<'_>] = &[("http://b.example/", "n/u"), ("http://a.example/x", "403")];
    check(&config(&[]), &[lacking, other], cases);
}

#[test]
fn a_rule_without_paths_asks_no_certificate_of_clients() {
    let mut bare = annotated("n/i", 1, &[("auth-tls-secret", "n/missing")], &[("b.example", "Prefix / s")]);
    bare.rules.push(Rule { host: Some("a.example".to_owned()), paths: None });
    check(&Settings::default(), &[bare], &[("http://a.example/", "404"), ("http://b.example/", "403")]);
}

#[test]
fn secrets_of_other_namespaces_are_used_where_that_is_allowed() {
    let auth = [("auth-type", "basic"), ("auth-secret", "m/users")];
    let all = [annotated("n/i", 1, &auth, &[("a.example", "Prefix /x s")])];
    let mut seen = snapshot(&all);
    seen.secrets = Some(BTreeSet::from([Name::new("m", "users")]));
    let adopted: Vec<&Ingress> = all.iter().collect();
    let request = Request::parse("http://a.example/x").expect("url");
    for (version, told, expected) in [
        (None, "", "503"),
        (Some("1.12.0"), "", "503"),
        (Some("1.12.0"), "true", "401"),
        (Some("1.11.5"), "", "401"),
        (Some("1.11.5"), "false", "503"),
        (Some("1.8.0"), "", "503"),
    ] {
        let entries = [("allow-cross-namespace-resources", told)];
        let settings = config(if told.is_empty() { &[] } else { &entries });
        let settings = Settings { version: version.and_then(Version::parse), ..settings };
        let input = Input { ingresses: &adopted, snapshot: &seen, settings: &settings };
        let found = brief(&IngressNginx.compile(&input).decide(&request), &request);
        assert_eq!(found, expected, "{version:?} {told}");
    }
}

#[test]
fn relative_redirects_are_asked_for_and_never_refused() {
    let check = |annotations: &[(&str, &str)], told: &str, expected: &str| {
        let ingress = annotated("n/i", 1, annotations, &[("a.example", "Prefix /foo/ s")]);
        check(&config(&[("relative-redirects", told)]), &[ingress], &[("http://a.example/foo", expected)]);
    };
    let absolute = "301 http://a.example/foo/";
    check(&[], "false", absolute);
    check(&[], "true", "301 /foo/");
    check(&[("relative-redirects", "true")], "false", "301 /foo/");
    check(&[("relative-redirects", "false")], "true", "301 /foo/");
    check(&[("relative-redirects", "")], "false", absolute);
    check(&[("relative-redirects", "true"), ("temporal-redirect", "/void")], "false", absolute);
}

#[test]
fn a_snippet_that_is_not_allowed_is_left_out_where_its_risk_is_accepted() {
    let snippet = [("server-snippet", "return 418;")];
    let all = [annotated("n/i", 1, &snippet, &[("a.example", "Prefix /x s")])];
    let url = "http://a.example/x";
    check(&config(&[]), &all, &[(url, "404")]);
    check(&config(&[("allow-snippet-annotations", "true")]), &all, &[(url, "404")]);
    check(&config(&[("annotations-risk-level", "Critical")]), &all, &[(url, "n/s")]);
    let both = config(&[("annotations-risk-level", "critical"), ("allow-snippet-annotations", "true")]);
    check(&both, &all, &[(url, "418"), ("http://a.example/else", "418"), ("http://nobody/x", "404")]);
}

#[test]
fn an_empty_switch_of_the_config_map_is_off() {
    let mut tls = annotated("n/i", 1, &[], &[("a.example", "Prefix / s")]);
    tls.tls = vec![crate::model::ingress::Tls::default()];
    let all = [tls];
    check(&config(&[("ssl-redirect", "")]), &all, &[("http://a.example/x", "n/s")]);
    check(&config(&[("ssl-redirect", "no")]), &all, &[("http://a.example/x", "308 https://a.example/x")]);
}

#[test]
fn a_rule_without_paths_makes_the_host() {
    let mut bare = annotated("n/bare", 2, &[], &[]);
    bare.rules.push(Rule { host: Some("a.example".to_owned()), paths: None });
    let any = annotated("n/any", 1, &[], &[("", "Prefix / any")]);
    check(&config(&[]), &[bare, any], &[("http://a.example/x", "404"), ("http://nobody/x", "n/any")]);
}

#[test]
fn a_default_backend_beside_hostless_rules_does_nothing() {
    let mut hostless = annotated("n/i", 1, &[], &[("", "Prefix /x s")]);
    set_default(&mut hostless, "d");
    check(&config(&[]), &[hostless], &[("http://nobody/x", "n/s"), ("http://nobody/else", "404")]);
}

#[test]
fn a_catch_all_without_rules_keeps_the_root_and_loses_its_redirects() {
    let elsewhere = [("permanent-redirect", "/moved"), ("rewrite-target", "/r"), ("app-root", "/ui")];
    let mut alone = annotated("n/alone", 9, &elsewhere, &[]);
    set_default(&mut alone, "d");
    let any = annotated("n/any", 1, &[], &[("", "Prefix / any"), ("", "Prefix /x s")]);
    check(&config(&[]), &[alone, any], &[("http://nobody/", "n/d"), ("http://nobody/x", "n/s")]);
}

#[test]
fn an_exact_root_of_a_regex_host_lives_only_beside_a_prefix_root() {
    let regex = [("use-regex", "true")];
    let alone = ingress("n/i", &[("a.example", "Exact / root"), ("a.example", "Prefix /x s")]);
    let annotated = |mut ingress: Ingress| {
        let marks = annotated("n/i", 1, &regex, &[]);
        ingress.meta = marks.meta;
        ingress
    };
    check(&config(&[]), &[annotated(alone)], &[("http://a.example/", "404")]);
    let beside = [("a.example", "Exact / root"), ("a.example", "Prefix / any"), ("a.example", "Prefix /x s")];
    check(&config(&[]), &[annotated(ingress("n/i", &beside))], &[("http://a.example/", "n/any")]);
}

#[test]
fn upstreams_get_what_was_asked_and_not_what_was_matched() {
    let all = [ingress("n/i", &[("a.example", "Exact /a/b s")])];
    let cases: &[Case<'_>] = &[
        ("http://a.example/x/../a/b", "n/s"),
        ("http://a.example//a/b", "n/s"),
        ("http://a.example/%61/b", "n/s"),
        ("http://a.example/a%2Fb", "n/s"),
        ("http://a.example/a/b/", "404"),
        ("http://a.example/A/b", "404"),
    ];
    check(&config(&[]), &all, cases);
}

#[test]
fn a_services_own_address_is_asked_whoever_is_behind_it() {
    let own = [("service-upstream", "true")];
    let stand_in = [("service-upstream", "true"), ("default-backend", "spare")];
    let paths = [("a.example", "Prefix /live s"), ("a.example", "Prefix /dead dead")];
    let all = [
        annotated("n/own", 2, &own, &paths),
        annotated("n/spare", 1, &stand_in, &[("b.example", "Prefix /dead deadb")]),
    ];
    let mut seen = snapshot(&all);
    let services = seen.services.items().iter().cloned().map(|mut service| {
        service.cluster_ip = Some("10.9.0.1".to_owned());
        service
    });
    seen.services = Listing::complete(Kind::Service, services.collect());
    // No status: nothing that nginx knows of answers.
    let cases: &[Case<'_>] = &[
        ("http://a.example/live", "n/s"),
        ("http://a.example/dead", "refused"),
        ("http://b.example/dead", "refused"),
    ];
    check_in(&seen, &all, cases);
}

#[test]
fn tls_to_hosts_that_nobody_has_can_be_rejected() {
    let all = [ingress("n/i", &[("a.example", "Prefix / s")])];
    let cases: &[Case<'_>] =
        &[("https://nobody/", "refused"), ("https://a.example/", "n/s"), ("http://nobody/", "404")];
    check(&config(&[("ssl-reject-handshake", "true")]), &all, cases);
}

#[test]
fn passthrough_goes_by_the_name_and_not_by_paths() {
    let pass = [("ssl-passthrough", "true"), ("from-to-www-redirect", "true")];
    let all = [
        annotated("n/pass", 2, &pass, &[("a.example", "Prefix / s"), ("a.example", "Prefix /x t")]),
        annotated("n/rootless", 1, &[("ssl-passthrough", "true")], &[("b.example", "Prefix /x u")]),
    ];
    let passes: &[Case<'_>] = &[
        ("https://a.example/x", "n/s"),
        ("https://a.example/%zz", "n/s"),
        ("http://a.example/x", "n/t"),
        ("https://b.example/x", "n/u"),
        ("https://www.a.example/y", "308 https://a.example:442/y"),
    ];
    check(&told(&["--enable-ssl-passthrough=true"]), &all, passes);
    check(&config(&[]), &all, &[("https://a.example/x", "n/t")]);
}

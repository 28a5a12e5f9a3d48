//! What the controller does, case by case.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::routing::fixtures::{
    Case, annotated, brief, check_with, misses_are_mended, set_default, snapshot, table,
};
use crate::analysis::routing::{
    Basis, FieldFault, Input, Note, Outcome, Reason, Refusal, RoutingModel, model_for,
};
use crate::model::controller::{ConfigSeen, ControllerKind, Flag, Settings, Version};
use crate::model::ingress::{Backend, Ingress, PathType, PortRef, Tls};
use crate::model::object::Name;
use crate::model::request::Request;

const F5: ControllerKind = ControllerKind::F5Nginx;

/// An Ingress with annotations of `nginx.org`, `seconds` old.
fn f5(name: &str, seconds: i64, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Ingress {
    let mut ingress = annotated(name, seconds, &[], paths);
    let own = |(key, value): &(&str, &str)| (format!("nginx.org/{key}"), (*value).to_owned());
    ingress.meta.annotations = annotations.iter().map(own).collect();
    ingress.meta.uid = name.to_owned();
    ingress
}

/// A rule without paths.
fn bare_rule(ingress: &mut Ingress, host: &str) {
    ingress.rules.push(crate::model::ingress::Rule { host: Some(host.to_owned()), paths: None });
}

fn master(name: &str, seconds: i64, annotations: &[(&str, &str)], host: &str) -> Ingress {
    let mut all = vec![("mergeable-ingress-type", "master")];
    all.extend(annotations);
    let mut ingress = f5(name, seconds, &all, &[]);
    bare_rule(&mut ingress, host);
    ingress
}

fn minion(name: &str, seconds: i64, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Ingress {
    let mut all = vec![("mergeable-ingress-type", "minion")];
    all.extend(annotations);
    f5(name, seconds, &all, paths)
}

fn with_tls(mut ingress: Ingress, host: &str, secret: Option<&str>) -> Ingress {
    ingress.tls = vec![Tls { hosts: vec![host.to_owned()], secret: secret.map(str::to_owned) }];
    ingress
}

/// Flags as `name` or `name=value`, then ConfigMap entries.
fn settings(flags: &[&str], config: &[(&str, &str)]) -> Settings {
    let flag = |text: &&str| {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (*text, None),
        };
        Flag { index: 0, in_command: false, name: name.to_owned(), value }
    };
    let pair = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Settings {
        args: flags.iter().map(flag).collect(),
        config: ConfigSeen::Known(config.iter().map(pair).collect::<BTreeMap<_, _>>()),
        ..Settings::default()
    }
}

fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
    check_with(F5, ingresses, &Settings::default(), cases);
}

/// What becomes of a request with a method and headers.
fn ask(ingresses: &[Ingress], told: &Settings, method: &str, url: &str, headers: &[(&str, &str)]) -> String {
    let mut request = Request::parse(url).expect(url);
    method.clone_into(&mut request.method);
    request.headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    brief(&table(F5, ingresses, told).decide(&request), &request)
}

fn refused(ingresses: &[Ingress], told: &Settings) -> Vec<(String, Refusal)> {
    let table = table(F5, ingresses, told);
    table.refused().iter().map(|(name, refusal)| (name.to_string(), refusal.clone())).collect()
}

#[test]
fn the_model_is_exact() {
    assert_eq!(model_for(F5).map(RoutingModel::basis), Some(Basis::Exact));
}

#[test]
fn prefixes_are_characters_and_the_longest_wins() {
    let paths = [
        ("a.example", "Prefix /foo foo"),
        ("a.example", "ImplementationSpecific /foo/bar bar"),
        ("a.example", "Exact /foo exact"),
        ("a.example", "Prefix /dir/ dir"),
    ];
    check(
        &[f5("n/i", 1, &[], &paths)],
        &[
            ("http://a.example/foo", "n/exact"),
            ("http://a.example/foo/", "n/foo"),
            ("http://a.example/foobar", "n/foo"),
            ("http://a.example/foo/bars/x", "n/bar"),
            ("http://a.example/FOO", "404"),
            ("http://a.example/dir", "301 http://a.example/dir/"),
            ("http://a.example/dir?x=1", "301 http://a.example/dir/?x=1"),
            ("http://a.example/dir/x", "n/dir"),
            ("http://a.example//foo/./bar", "n/bar"),
            ("http://a.example/x/../foo", "n/exact"),
            ("http://a.example/%66oo/z", "n/foo"),
            ("http://a.example/..", "400"),
            ("http://a.example/%zz", "400"),
        ],
    );
}

#[test]
fn a_missing_slash_is_redirected_even_where_a_shorter_prefix_would_match() {
    let paths =
        [("a.example", "Prefix / root"), ("a.example", "Prefix /api/ api"), ("a.example", "Exact /x/ x")];
    check(
        &[f5("n/i", 1, &[], &paths)],
        &[
            ("http://a.example/api", "301 http://a.example/api/"),
            ("http://a.example/x", "301 http://a.example/x/"),
            ("http://a.example/apix", "n/root"),
        ],
    );
}

#[test]
fn hosts_have_no_second_chance_and_wildcards_take_many_labels() {
    let paths =
        [("a.w.example", "Prefix /x own"), ("*.w.example", "Prefix / wild"), ("*.example", "Prefix / wide")];
    check(
        &[f5("n/i", 1, &[], &paths)],
        &[
            ("http://a.w.example/x", "n/own"),
            ("http://a.w.example/else", "404"),
            ("http://b.w.example/else", "n/wild"),
            ("http://c.b.w.example/else", "n/wild"),
            ("http://w.example/", "n/wide"),
            ("http://example/", "404"),
            ("http://A.W.Example.:8080/x", "n/own"),
            ("http://a..example/x", "400"),
            ("http://a.w.example%2Fx", "404"),
        ],
    );
}

#[test]
fn what_no_path_takes_gets_404_or_405_from_nginx_itself() {
    let ingresses = [f5("n/i", 1, &[], &[("a.example", "Prefix /x s")])];
    let told = Settings::default();
    for (method, url, expected) in [
        ("GET", "http://a.example/else", "404"),
        ("HEAD", "http://a.example/else", "404"),
        ("POST", "http://a.example/else", "404"),
        ("PUT", "http://a.example/else", "405"),
        ("DELETE", "http://a.example/else", "405"),
        ("OPTIONS", "http://a.example/", "405"),
        ("DELETE", "http://nobody.example/else", "404"),
        ("PUT", "http://a.example/x", "n/s"),
        ("TRACE", "http://a.example/x", "405"),
    ] {
        assert_eq!(ask(&ingresses, &told, method, url, &[]), expected, "{method} {url}");
    }
}

#[test]
fn a_host_belongs_to_the_oldest_ingress_as_a_whole() {
    let old = f5("n/old", 9, &[], &[("a.example", "Prefix /x old")]);
    let young = f5("n/young", 8, &[], &[("a.example", "Prefix /y young"), ("b.example", "Prefix /y young")]);
    let late = f5("n/late", 7, &[], &[("a.example", "Prefix /z late")]);
    let all = [young, late, old];
    check(
        &all,
        &[
            ("http://a.example/x", "n/old"),
            ("http://a.example/y", "404"),
            ("http://a.example/z", "404"),
            ("http://b.example/y", "n/young"),
        ],
    );
    let by = Name::new("n", "old");
    assert_eq!(refused(&all, &Settings::default()), [("n/late".to_owned(), Refusal::HostsTaken { by })]);
}

#[test]
fn of_equally_old_ingresses_the_larger_uid_owns_the_host() {
    let mut one = f5("n/one", 5, &[], &[("a.example", "Prefix / one")]);
    let mut two = f5("n/two", 5, &[], &[("a.example", "Prefix / two")]);
    (one.meta.uid, two.meta.uid) = ("b".to_owned(), "a".to_owned());
    check(&[one.clone(), two.clone()], &[("http://a.example/", "n/one")]);
    two.meta.uid = "c".to_owned();
    check(&[one, two], &[("http://a.example/", "n/two")]);
}

#[test]
fn minions_bring_paths_to_their_master() {
    let boss = master("n/master", 9, &[], "a.example");
    let one = minion("team/one", 8, &[], &[("a.example", "Prefix /x x"), ("a.example", "Exact /same one")]);
    let two = minion("team/two", 7, &[], &[("a.example", "Prefix /y y"), ("a.example", "Prefix /same two")]);
    let twice = minion("team/twice", 6, &[], &[("a.example", "Prefix /t t"), ("a.example", "Exact /t u")]);
    let orphan = minion("team/orphan", 5, &[], &[("b.example", "Prefix / s")]);
    let all = [boss, one, two, twice, orphan];
    check(
        &all,
        &[
            ("http://a.example/x", "team/x"),
            ("http://a.example/y", "team/y"),
            ("http://a.example/same", "team/one"),
            ("http://a.example/same/x", "404"),
            ("http://a.example/t", "404"),
            ("http://b.example/", "404"),
        ],
    );
    assert_eq!(
        refused(&all, &Settings::default()),
        [("team/orphan".to_owned(), Refusal::NoMaster { host: "b.example".to_owned() })]
    );
}

#[test]
fn a_master_that_loses_its_host_takes_its_minions_with_it() {
    let owner = f5("n/owner", 9, &[], &[("a.example", "Prefix /o o")]);
    let boss = master("n/master", 8, &[], "a.example");
    let one = minion("n/one", 7, &[], &[("a.example", "Prefix /x x")]);
    let all = [owner, boss, one];
    check(&all, &[("http://a.example/x", "404"), ("http://a.example/o", "n/o")]);
    let names: Vec<String> = refused(&all, &Settings::default()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["n/master", "n/one"]);
}

#[test]
fn what_masters_and_minions_may_not_have_rejects_them() {
    let mut paths = master("n/paths", 9, &[], "a.example");
    paths.rules[0].paths = f5("n/x", 1, &[], &[("a.example", "Prefix / s")]).rules[0].paths.clone();
    let mut two = master("n/two", 9, &[], "b.example");
    bare_rule(&mut two, "c.example");
    let tls = with_tls(minion("n/tls", 9, &[], &[("d.example", "Prefix / s")]), "d.example", None);
    let mut idle = minion("n/idle", 9, &[], &[]);
    bare_rule(&mut idle, "e.example");
    let field = |name: &str, field: &str, fault| {
        (name.to_owned(), Refusal::InvalidField { field: field.to_owned(), fault })
    };
    assert_eq!(
        refused(&[paths, two, tls, idle], &Settings::default()),
        [
            field("n/idle", "spec.rules[0].http.paths", FieldFault::Missing),
            field("n/paths", "spec.rules[0].http.paths", FieldFault::TooMany),
            field("n/tls", "spec.tls", FieldFault::TooMany),
            field("n/two", "spec.rules", FieldFault::TooMany),
        ]
    );
}

#[test]
fn one_bad_field_or_annotation_rejects_the_whole_ingress() {
    let good = ("good.example", "Prefix / s");
    let mut resource = f5("n/resource", 1, &[], &[("a.example", "Prefix / s"), ("a.example", "Prefix /b s")]);
    resource.rules[0].paths.as_mut().expect("paths")[1].backend =
        Backend::Resource { kind: "Bucket".to_owned(), name: "b".to_owned() };
    let mut twice = f5("n/twice", 1, &[], &[("b.example", "Prefix / s")]);
    twice.rules.push(twice.rules[0].clone());
    let mut ruleless = f5("n/ruleless", 1, &[], &[]);
    set_default(&mut ruleless, "s");
    let snippet = f5("n/snippet", 1, &[("location-snippets", "x;")], &[("c.example", "Prefix / s")]);
    let all = [
        f5("n/good", 1, &[], &[good]),
        resource,
        twice,
        ruleless,
        snippet,
        f5("n/hostless", 1, &[], &[("", "Prefix / s")]),
        f5("n/path", 1, &[], &[("d.example", "ImplementationSpecific /x( s")]),
        f5("n/value", 1, &[("app-root", "start")], &[("e.example", "Prefix / s")]),
    ];
    check(
        &all,
        &[("http://good.example/", "n/s"), ("http://a.example/", "404"), ("http://e.example/", "404")],
    );
    let field = |name: &str, field: &str, fault| {
        (name.to_owned(), Refusal::InvalidField { field: field.to_owned(), fault })
    };
    let key = |name: &str, key: &str| {
        (name.to_owned(), Refusal::InvalidAnnotation { key: format!("nginx.org/{key}") })
    };
    assert_eq!(
        refused(&all, &Settings::default()),
        [
            field("n/hostless", "spec.rules[0].host", FieldFault::Missing),
            field("n/path", "spec.rules[0].http.paths[0].path", FieldFault::Invalid),
            field("n/resource", "spec.rules[0].http.paths[1].backend.resource", FieldFault::NotSupported),
            field("n/ruleless", "spec.rules", FieldFault::Missing),
            key("n/snippet", "location-snippets"),
            field("n/twice", "spec.rules[1].host", FieldFault::Twice),
            key("n/value", "app-root"),
        ]
    );
    assert_eq!(refused(&all[4..5], &settings(&["enable-snippets"], &[])), []);
}

#[test]
fn foreign_annotations_of_the_community_controller_do_nothing() {
    let foreign = annotated(
        "n/i",
        1,
        &[("rewrite-target", "/$1"), ("use-regex", "true"), ("app-root", "/x")],
        &[("a.example", "Prefix /x s"), ("a.example", "Prefix / r")],
    );
    check(&[foreign], &[("http://a.example/x/y", "n/s"), ("http://a.example/", "n/r")]);
}

#[test]
fn path_regex_makes_patterns_of_one_ingress_and_exact_paths_dead() {
    let paths = [
        ("a.example", "Prefix /foo foo"),
        ("a.example", "ImplementationSpecific /foo/bar never"),
        ("a.example", "ImplementationSpecific /v[0-9]+/x v"),
        ("a.example", "Exact /dead dead"),
    ];
    check(
        &[f5("n/i", 1, &[("path-regex", "case_sensitive")], &paths)],
        &[
            ("http://a.example/foo/bar", "n/foo"),
            ("http://a.example/foobar", "n/foo"),
            ("http://a.example/FOO", "404"),
            ("http://a.example/v12/xy", "n/v"),
            ("http://a.example/dead", "404"),
        ],
    );
    check(
        &[f5("n/i", 1, &[("path-regex", "case_insensitive")], &paths)],
        &[
            ("http://a.example/FOO", "n/foo"),
            ("http://a.example/V1/X", "n/v"),
            ("http://a.example/dead", "404"),
        ],
    );
    check(
        &[f5("n/i", 1, &[("path-regex", "exact")], &paths)],
        &[
            ("http://a.example/foo", "n/foo"),
            ("http://a.example/foo/x", "404"),
            ("http://a.example/dead", "404"),
        ],
    );
}

#[test]
fn a_minion_has_its_own_path_regex_and_not_its_masters() {
    let boss = master("n/master", 9, &[("path-regex", "case_insensitive")], "a.example");
    let plain = minion("n/plain", 8, &[], &[("a.example", "Prefix /x x")]);
    let regex = minion("n/regex", 7, &[("path-regex", "case_insensitive")], &[("a.example", "Prefix /y y")]);
    check(
        &[boss, plain, regex],
        &[("http://a.example/X", "404"), ("http://a.example/x", "n/x"), ("http://a.example/Y", "n/y")],
    );
}

#[test]
fn default_backends_are_the_root_of_the_ingress_own_hosts() {
    let mut with = f5("n/with", 9, &[], &[("a.example", "Prefix /x s"), ("b.example", "Exact / root")]);
    set_default(&mut with, "with");
    let mut own = f5("n/own", 8, &[], &[("c.example", "Prefix / s")]);
    set_default(&mut own, "own");
    let mut empty = f5("n/empty", 7, &[], &[]);
    bare_rule(&mut empty, "d.example");
    set_default(&mut empty, "empty");
    let mut boss = master("n/master", 6, &[], "e.example");
    set_default(&mut boss, "boss");
    let mut one = minion("n/one", 5, &[], &[("e.example", "Prefix /x x")]);
    set_default(&mut one, "one");
    check(
        &[with, own, empty, boss, one],
        &[
            ("http://a.example/else", "n/with"),
            ("http://b.example/else", "n/with"),
            ("http://b.example/", "n/root"),
            ("http://c.example/else", "n/s"),
            ("http://d.example/else", "n/empty"),
            ("http://e.example/else", "404"),
            ("http://nobody.example/else", "404"),
        ],
    );
}

#[test]
fn path_regex_also_writes_the_default_backends_root() {
    let mut exact = f5("n/i", 9, &[("path-regex", "exact")], &[("a.example", "Prefix /x s")]);
    set_default(&mut exact, "d");
    check(&[exact], &[("http://a.example/", "n/d"), ("http://a.example/else", "404")]);
}

#[test]
fn nobody_behind_a_service_is_502_and_never_503_or_404() {
    let mut port = f5("n/port", 1, &[], &[("b.example", "Prefix / s")]);
    port.rules[0].paths.as_mut().expect("paths")[0].backend =
        Backend::Service { name: "s".to_owned(), port: PortRef::Name("https".to_owned()) };
    let paths = [("a.example", "Prefix /dead dead"), ("a.example", "Prefix /gone gone")];
    check(
        &[f5("n/i", 1, &[], &paths), port],
        &[("http://a.example/dead", "502"), ("http://a.example/gone", "502"), ("http://b.example/", "502")],
    );
}

#[test]
fn rewrites_replace_the_part_that_the_location_took() {
    let rewrites = "serviceName=docs rewrite=/deep/er/;serviceName=img rewrite=/beans/";
    let paths = [
        ("a.example", "Prefix / docs"),
        ("a.example", "Prefix /coffee/ img"),
        ("a.example", "Prefix /tea img"),
        ("a.example", "Exact / img"),
        ("a.example", "Prefix /plain s"),
    ];
    check(
        &[f5("n/i", 1, &[("rewrites", rewrites)], &paths)],
        &[
            ("http://a.example/", "n/img /beans/"),
            ("http://a.example//", "n/img /beans/"),
            ("http://a.example/coffee/", "n/img /beans/"),
            ("http://a.example/coffee/x", "n/img /beans/x"),
            ("http://a.example/tea/", "n/img /beans//"),
            ("http://a.example/nothing/here", "n/docs /deep/er/nothing/here"),
            ("http://a.example/a%2Fb%20c", "n/docs /deep/er/a/b%20c"),
            ("http://a.example/plain//x", "n/s"),
        ],
    );
}

#[test]
fn a_rewrite_target_replaces_the_whole_path_where_the_pattern_matches() {
    let regex = [("path-regex", "case_sensitive"), ("rewrite-target", "/new/$1")];
    let paths = [("a.example", "ImplementationSpecific /v[0-9]+/(.*) v"), ("a.example", "Prefix /keep keep")];
    let plain = f5(
        "n/plain",
        1,
        &[("rewrite-target", "/")],
        &[("b.example", "Prefix /foo foo"), ("b.example", "ImplementationSpecific /v(.*) v")],
    );
    let both = f5(
        "n/both",
        1,
        &[("rewrite-target", "/new"), ("rewrites", "serviceName=s rewrite=/other/")],
        &[("c.example", "Prefix /x/ s")],
    );
    check(
        &[f5("n/regex", 1, &regex, &paths), plain, both],
        &[
            ("http://a.example/v12/x%20y", "n/v /new/x%20y"),
            ("http://a.example/keep/sub", "n/keep /new/"),
            ("http://b.example/foo/bar", "n/foo /"),
            ("http://b.example/v12", "404"),
            ("http://c.example/x/y", "n/s /other/y"),
        ],
    );
}

#[test]
fn tls_redirects_plain_requests_before_any_path_is_looked_at() {
    let tls = |name: &str, annotations: &[(&str, &str)], host: &str| {
        with_tls(f5(name, 1, annotations, &[(host, "Prefix /x s")]), host, Some("cert"))
    };
    let all = [
        tls("n/on", &[], "a.example"),
        tls("n/off", &[("ssl-redirect", "false")], "b.example"),
        tls("n/code", &[("http-redirect-code", "308")], "c.example"),
        with_tls(f5("n/other", 1, &[], &[("d.example", "Prefix /x s")]), "e.example", Some("cert")),
    ];
    check(
        &all,
        &[
            ("http://a.example/else?x=1", "301 https://a.example:443/else?x=1"),
            ("http://A.example:8080/x", "301 https://a.example:443/x"),
            ("http://a.example/%zz", "400"),
            ("http://b.example/x", "n/s"),
            ("http://c.example/x", "308 https://c.example:443/x"),
            ("http://d.example/x", "n/s"),
        ],
    );
    let off = settings(&[], &[("ssl-redirect", "false"), ("http-redirect-code", "307")]);
    check_with(F5, &all, &off, &[("http://a.example/x", "n/s")]);
}

#[test]
fn redirect_to_https_goes_by_the_header_as_written() {
    let ingress = [f5("n/i", 1, &[("redirect-to-https", "true")], &[("a.example", "Prefix /x s")])];
    let told = Settings::default();
    for (value, expected) in [("http", "301 https://a.example/else"), ("HTTP", "404"), ("https", "404")] {
        let found = ask(&ingress, &told, "GET", "http://a.example/else", &[("X-Forwarded-Proto", value)]);
        assert_eq!(found, expected, "{value}");
    }
    assert_eq!(ask(&ingress, &told, "GET", "http://a.example/x", &[]), "n/s");
    let all = settings(&[], &[("redirect-to-https", "true")]);
    let plain = [f5("n/i", 1, &[], &[("a.example", "Prefix /x s")])];
    let found = ask(&plain, &all, "GET", "http://a.example/x", &[("x-forwarded-proto", "http")]);
    assert_eq!(found, "301 https://a.example/x");
}

#[test]
fn app_root_redirects_the_root_alone() {
    let ingress = f5("n/i", 1, &[("app-root", "/app/home")], &[("a.example", "Prefix / s")]);
    check(
        std::slice::from_ref(&ingress),
        &[
            ("http://a.example/", "302 http://a.example/app/home"),
            ("http://A.example:8080//?x=1", "302 http://A.example:8080/app/home"),
            ("http://a.example/x", "n/s"),
        ],
    );
    let old = Settings { version: Some(Version::new(5, 3, 0)), ..Settings::default() };
    check_with(F5, &[ingress], &old, &[("http://a.example/", "n/s")]);
}

#[test]
fn listen_ports_leave_port_80_to_the_default_server() {
    let both = f5("n/both", 1, &[("listen-ports", "80,8090")], &[("a.example", "Prefix /x s")]);
    let only = f5("n/only", 1, &[("listen-ports", "8088")], &[("b.example", "Prefix /x t")]);
    let plain = f5("n/plain", 1, &[], &[("c.example", "Prefix /x u")]);
    check(
        &[both, only, plain],
        &[
            ("http://a.example/x", "n/s"),
            ("http://a.example:8090/x", "n/s"),
            ("http://b.example/x", "404"),
            ("http://b.example:8088/x", "n/t"),
            ("http://c.example:8088/x", "n/t"),
            ("http://c.example:9999/x", "n/u"),
        ],
    );
}

#[test]
fn an_empty_host_needs_a_flag_and_becomes_the_default_server() {
    let paths = [("", "Prefix /search s"), ("", "Prefix /api/ t")];
    let on = f5("n/hostless", 1, &[], &paths);
    let told = settings(&["allow-empty-ingress-host"], &[]);
    let cases = [
        ("http://nobody.example/search?x=1", "301 https://nobody.example:443/search?x=1"),
        ("http://10.0.0.7/else", "301 https://10.0.0.7:443/else"),
    ];
    check_with(F5, std::slice::from_ref(&on), &told, &cases);
    let off = f5("n/hostless", 1, &[("ssl-redirect", "false")], &paths);
    let known = f5("n/known", 1, &[], &[("a.example", "Prefix /x a")]);
    let all = [off, known];
    let cases = [
        ("http://nobody.example/search", "n/s"),
        ("http://nobody.example/api", "301 http://nobody.example/api/"),
        ("http://nobody.example/else", "404"),
        ("http://a.example/search", "404"),
    ];
    check_with(F5, &all, &told, &cases);
    assert_eq!(ask(&all, &told, "PUT", "http://nobody.example/else", &[]), "404");
    check(&all, &[("http://nobody.example/search", "404")]);
}

#[test]
fn handshakes_without_a_certificate_are_rejected() {
    let known = with_tls(f5("n/known", 1, &[], &[("a.example", "Prefix /x s")]), "a.example", Some("cert"));
    let gone = with_tls(f5("n/gone", 1, &[], &[("b.example", "Prefix /x s")]), "b.example", Some("gone"));
    let none = with_tls(f5("n/none", 1, &[], &[("c.example", "Prefix /x s")]), "c.example", None);
    let plain = f5("n/plain", 1, &[], &[("d.example", "Prefix /x s")]);
    let all = [known, gone, none, plain];
    let decide = |told: &Settings, url: &str, seen: bool| {
        let mut snapshot = snapshot(&all);
        snapshot.secrets = seen.then(|| BTreeSet::from([Name::new("n", "cert")]));
        let adopted: Vec<&Ingress> = all.iter().collect();
        let input = Input { ingresses: &adopted, snapshot: &snapshot, settings: told };
        let request = Request::parse(url).expect(url);
        let decision = super::F5Nginx.compile(&input).decide(&request);
        (brief(&decision, &request), decision.notes.contains(&Note::HandshakeRejected))
    };
    let default = settings(&["default-server-tls-secret=n/cert"], &[]);
    let wild = settings(&["wildcard-tls-secret=n/cert"], &[]);
    for (told, url, seen, expected) in [
        (&Settings::default(), "https://a.example/x", true, ("n/s", false)),
        (&Settings::default(), "https://b.example/x", true, ("refused", true)),
        (&Settings::default(), "https://b.example/x", false, ("n/s", false)),
        (&Settings::default(), "https://c.example/x", true, ("refused", true)),
        (&wild, "https://c.example/x", true, ("n/s", false)),
        (&Settings::default(), "https://d.example/x", true, ("refused", true)),
        (&default, "https://d.example/x", true, ("404", false)),
    ] {
        let (found, rejected) = decide(told, url, seen);
        assert_eq!((found.as_str(), rejected), expected, "{url}");
    }
}

#[test]
fn config_keys_and_flags_of_the_controller_count() {
    let told = settings(
        &["health-status", "enable-snippets"],
        &[("default-server-return", "302 https://start.example/"), ("location-snippets", "return 418;")],
    );
    let plain = f5("n/plain", 1, &[], &[("a.example", "Prefix / s")]);
    let own = f5("n/own", 1, &[("location-snippets", "add_header X 1;")], &[("b.example", "Prefix / s")]);
    let server = f5("n/server", 1, &[("server-snippets", "return 403;")], &[("c.example", "Prefix / s")]);
    check_with(
        F5,
        &[plain, own, server],
        &told,
        &[
            ("http://nobody.example/x", "302 https://start.example/"),
            ("http://nobody.example/nginx-health", "200"),
            ("http://a.example/x", "418"),
            ("http://b.example/x", "n/s"),
            ("http://c.example/x", "403"),
        ],
    );
    let unseen = Settings { config: ConfigSeen::Unseen, ..Settings::default() };
    let request = Request::parse("http://a.example/").expect("url");
    assert!(table(F5, &[], &unseen).decide(&request).notes.contains(&Note::SettingsUnseen));
}

#[test]
fn basic_authentication_comes_before_the_upstream_and_before_404() {
    let auth = f5("n/auth", 1, &[("basic-auth-secret", "htpasswd")], &[("a.example", "Prefix /x s")]);
    let mut snapshot = snapshot(std::slice::from_ref(&auth));
    snapshot.secrets = None;
    let input = Input { ingresses: &[&auth], snapshot: &snapshot, settings: &Settings::default() };
    let table = super::F5Nginx.compile(&input);
    for (url, header, expected) in [
        ("http://a.example/x", None, "401"),
        ("http://a.example/else", None, "401"),
        ("http://a.example/x", Some("Basic eA=="), "n/s"),
        ("http://a.example/else", Some("Basic eA=="), "404"),
    ] {
        let mut request = Request::parse(url).expect(url);
        request.headers.extend(header.map(|value| ("Authorization".to_owned(), value.to_owned())));
        assert_eq!(brief(&table.decide(&request), &request), expected, "{url} {header:?}");
    }
}

#[test]
fn what_nginx_would_not_load_is_told_with_its_authors() {
    let both = [("a.example", "Prefix /x s"), ("a.example", "ImplementationSpecific /x t")];
    let regex = ("path-regex", "case_sensitive");
    let boss = || master("n/master", 9, &[], "a.example");
    for (ingresses, cause, between) in [
        (vec![f5("n/i", 1, &[], &both)], "duplicate location \"/x\"", vec!["n/i"]),
        (
            vec![f5("n/i", 1, &[("rewrite-target", "/")], &[("a.example", "Exact /x s")])],
            "invalid number of arguments in \"rewrite\" directive",
            vec!["n/i"],
        ),
        (
            vec![
                boss(),
                minion("n/one", 8, &[], &[("a.example", "ImplementationSpecific  s")]),
                minion("n/two", 7, &[], &[("a.example", "Prefix / s")]),
            ],
            "duplicate location \"/\"",
            vec!["n/one", "n/two"],
        ),
        (
            vec![f5("n/i", 1, &[], &[("a.example", "ImplementationSpecific /v[0-9]{2} s")])],
            "unexpected \"{\" in location /v[0-9]{2}",
            vec!["n/i"],
        ),
        (
            vec![f5(
                "n/i",
                1,
                &[regex, ("rewrites", "serviceName=s rewrite=/x/")],
                &[("a.example", "Prefix /x s")],
            )],
            "\"proxy_pass\" cannot have URI part in location given by regular expression",
            vec!["n/i"],
        ),
        (
            vec![f5("n/i", 1, &[("rewrite-target", "/$nothing")], &[("a.example", "Prefix /x s")])],
            "unknown \"nothing\" variable",
            vec!["n/i"],
        ),
    ] {
        let table = table(F5, &ingresses, &Settings::default());
        let failure = table.reload_failure().expect(cause);
        let names: Vec<String> = failure.between.iter().map(ToString::to_string).collect();
        assert_eq!(
            (failure.cause.as_str(), names),
            (cause, between.into_iter().map(str::to_owned).collect())
        );
        let decision = table.decide(&Request::parse("http://other.example/").expect("url"));
        assert_eq!((decision.outcome, decision.status), (Outcome::Refused, None));
        assert!(decision.notes.contains(&Note::ReloadFails));
    }
    let quoted =
        f5("n/i", 1, &[regex], &[("a.example", "ImplementationSpecific /v[0-9]{2} s"), both[0], both[1]]);
    assert!(table(F5, &[quoted], &Settings::default()).reload_failure().is_none());
}

fn reasons(ingresses: &[Ingress], url: &str) -> Vec<String> {
    let request = Request::parse(url).expect(url);
    let explanation = table(F5, ingresses, &Settings::default()).explain(&request, 20);
    let word = |reason: &Reason| match reason {
        Reason::HostTaken { by } => format!("host taken by {by}"),
        Reason::OlderWins { older } => format!("path taken by {older}"),
        Reason::LessSpecific { than, than_path } => format!("than {than} {than_path}"),
        Reason::PatternDiffers { pattern } => format!("pattern {pattern}"),
        Reason::OtherServer { chosen } => format!("server {chosen}"),
        Reason::NotLoaded(refusal) => format!("{refusal:?}").chars().take_while(|c| *c != ' ').collect(),
        other => format!("{other:?}"),
    };
    let lost = explanation.eliminated.iter();
    lost.map(|lost| format!("{} {}: {}", lost.ingress, lost.path, word(&lost.reason))).collect()
}

#[test]
fn every_loser_has_its_reason_and_the_nearest_come_first() {
    let all = [
        f5("n/old", 9, &[], &[("a.example", "Prefix /x s"), ("a.example", "Prefix / s")]),
        f5("n/young", 8, &[], &[("a.example", "Prefix /x t"), ("b.example", "Prefix /x t")]),
        f5("n/late", 7, &[], &[("a.example", "Prefix /x u")]),
        f5("n/wild", 6, &[], &[("*.example", "Prefix /x v")]),
        f5("n/bad", 5, &[("app-root", "x")], &[("a.example", "Prefix /x w")]),
    ];
    assert_eq!(
        reasons(&all, "http://a.example/x/1"),
        [
            "n/bad /x: InvalidAnnotation",
            "n/late /x: HostsTaken",
            "n/young /x: host taken by n/old",
            "n/old /: than n/old /x",
            "n/wild /x: server a.example",
            "n/young /x: HostDiffers",
        ]
    );
    let minions = [
        master("n/master", 9, &[], "a.example"),
        minion("n/one", 8, &[], &[("a.example", "Prefix /same s")]),
        minion(
            "n/two",
            7,
            &[("path-regex", "exact")],
            &[("a.example", "Prefix /same t"), ("a.example", "Exact /y t")],
        ),
    ];
    assert_eq!(
        reasons(&minions, "http://a.example/y"),
        ["n/two /y: pattern = /y", "n/one /same: PathDiffers", "n/two /same: path taken by n/one"]
    );
}

#[test]
fn near_misses_are_mended_by_their_edits() {
    let all = [
        f5(
            "n/shop",
            9,
            &[],
            &[
                ("shop.example.com", "Exact /foo s"),
                ("shop.example.com", "Prefix /Orders s"),
                ("*.wild.example", "Prefix / s"),
                ("dead.example.com", "Prefix /x dead"),
            ],
        ),
        f5("n/plain", 8, &[], &[("plain.example.com", "ImplementationSpecific /v[0-9]+/x s")]),
        f5(
            "n/regex",
            7,
            &[("path-regex", "case_sensitive")],
            &[("regex.example.com", "Exact /exact/x s"), ("regex.example.com", "Prefix /Case/x s")],
        ),
        f5("n/exact", 6, &[("path-regex", "exact")], &[("exact.example.com", "Prefix /foo s")]),
        f5("n/odd", 5, &[("path-regex", "yes")], &[("odd.example.com", "Prefix /foo s")]),
        master("n/master", 4, &[], "merge.example.com"),
        minion("n/minion", 3, &[], &[("merge.example.com", "Prefix /mini s")]),
    ];
    for url in [
        "http://shop.example.com/foo/bar",
        "http://shop.example.com/foo/",
        "http://shop.example.com/orders/7",
        "http://shop.example.com/else/where/",
        "http://www.shop.example.com/foo",
        "http://shpo.example.com/foo",
        "http://203.0.113.9/foo",
        "http://plain.example.com/v12/x",
        "http://regex.example.com/exact/x/y",
        "http://regex.example.com/case/x",
        "http://exact.example.com/foo/bar",
        "http://odd.example.com/foo/bar",
        "http://merge.example.com/mono/x",
        "http://merge.example.com/Mini",
    ] {
        misses_are_mended(F5, &all, url);
    }
}

#[test]
fn no_edit_is_proposed_that_would_not_help() {
    let dead = f5("n/dead", 9, &[], &[("dead.example.com", "Exact /foo dead")]);
    let owner = f5("n/owner", 9, &[], &[("shop.example.com", "Prefix /a s")]);
    let rival =
        f5("n/rival", 8, &[], &[("shop.example.com", "Prefix /b s"), ("other.example.com", "Prefix /b s")]);
    let all = [dead, owner, rival];
    for (url, of) in [("http://dead.example.com/foo/x", "n/dead"), ("http://shop.example.com/b", "n/rival")] {
        let request = Request::parse(url).expect(url);
        let nearest = table(F5, &all, &Settings::default()).explain(&request, 10).nearest;
        assert!(!nearest.iter().any(|near| near.ingress.to_string() == of), "{url} {nearest:?}");
    }
}

#[test]
fn a_port_without_a_name_answers_to_any_number() {
    let mut ingress = f5("n/i", 1, &[], &[("a.example", "Prefix / s")]);
    let path = &mut ingress.rules[0].paths.as_mut().expect("paths")[0];
    path.path_type = PathType::ImplementationSpecific;
    path.backend = Backend::Service { name: "s".to_owned(), port: PortRef::Number(8443) };
    let request = Request::parse("http://a.example/").expect("url");
    let decision = table(F5, &[ingress], &Settings::default()).decide(&request);
    let port = decision.winner.and_then(|winner| winner.backend).map(|target| target.port);
    assert_eq!((decision.outcome, port), (Outcome::Routed, Some(PortRef::Number(80))));
}

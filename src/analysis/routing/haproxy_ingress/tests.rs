use super::*;
use crate::analysis::routing::fixtures::{
    Case, annotated, check_with, edits, misses_are_mended, set_default, table,
};
use crate::model::controller::{Flag, Settings};
use crate::model::ingress::Tls;

const KIND: ControllerKind = ControllerKind::HaproxyIngress;

fn told(name: &str, seconds: i64, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Ingress {
    let mut ingress = annotated(name, seconds, &[], paths);
    ingress.meta.annotations = annotations
        .iter()
        .map(|(key, value)| (format!("haproxy-ingress.github.io/{key}"), (*value).to_owned()))
        .collect();
    ingress
}

fn with_config(key: &str, value: &str) -> Settings {
    let data = [(key.to_owned(), value.to_owned())].into();
    Settings { config: ConfigSeen::Known(data), ..Settings::default() }
}

fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
    check_with(KIND, ingresses, &Settings::default(), cases);
}

#[test]
fn what_a_host_does_not_take_goes_on_unless_hosts_are_strict() {
    let paths = [("a.example", "Prefix /x a"), ("*.example", "Prefix /y w"), ("", "Prefix / any")];
    let ingress = told("n/i", 1, &[], &paths);
    check(
        std::slice::from_ref(&ingress),
        &[
            ("http://a.example/x/1", "n/a"),
            ("http://a.example/y", "n/w"),
            ("http://a.example/z", "n/any"),
            ("http://c.b.example/y", "n/any"),
        ],
    );
    let strict: &[Case<'_>] = &[("http://a.example/y", "404"), ("http://b.example/y", "n/w")];
    check_with(KIND, &[ingress], &with_config("strict-host", "true"), strict);
}

#[test]
fn a_path_without_type_begins_whatever_the_case() {
    let paths = [("a.example", "ImplementationSpecific /foo b")];
    let cases: &[Case<'_>] = &[
        ("http://a.example/FOObar", "n/b"),
        ("http://a.example/foo/x", "n/b"),
        ("http://a.example/fo", "404"),
    ];
    check(&[told("n/i", 1, &[], &paths)], cases);
    for (path_type, url, expected) in [
        ("prefix", "http://a.example/foobar", "404"),
        ("exact", "http://a.example/foo/", "404"),
        ("regex", "http://a.example/foobar", "n/b"),
        ("regex", "http://a.example/FOO", "404"),
        ("begin", "http://a.example/FOO", "n/b"),
    ] {
        check(&[told("n/i", 1, &[("path-type", path_type)], &paths)], &[(url, expected)]);
    }
}

#[test]
fn whole_paths_come_first_then_the_longer() {
    let paths = [
        ("a.example", "Prefix /foo p"),
        ("a.example", "Exact /foo e"),
        ("a.example", "ImplementationSpecific /foo/bar b"),
        ("a.example", "Prefix / root"),
    ];
    check(
        &[told("n/i", 1, &[], &paths)],
        &[
            ("http://a.example/foo", "n/e"),
            ("http://a.example/foo/x", "n/p"),
            ("http://a.example/foobar", "n/root"),
            ("http://a.example/foo/barx", "n/b"),
        ],
    );
}

#[test]
fn the_older_ingress_has_a_path() {
    let young = told("n/a", 1, &[], &[("a.example", "Prefix /x young")]);
    let old = told("n/z", 9, &[], &[("a.example", "Prefix /x old")]);
    check(&[young.clone(), old.clone()], &[("http://a.example/x", "n/old")]);
    let table = table(KIND, &[young, old], &Settings::default());
    let lost = table.explain(&Request::parse("http://a.example/x").expect("a URL"), 5).eliminated;
    let reasons: Vec<&Reason> = lost.iter().map(|lost| &lost.reason).collect();
    assert_eq!(reasons, [&Reason::OlderWins { older: Name::new("n", "z") }]);
}

#[test]
fn a_missing_service_is_left_out_and_nobody_ready_is_503() {
    let paths = [("a.example", "Prefix /gone gone"), ("a.example", "Prefix /dead dead")];
    let mut ingress = told("n/i", 1, &[], &paths);
    check(
        std::slice::from_ref(&ingress),
        &[("http://a.example/gone", "404"), ("http://a.example/dead", "503")],
    );
    set_default(&mut ingress, "any");
    check(&[ingress], &[("http://a.example/gone", "n/any"), ("http://elsewhere/", "n/any")]);
    let plain = told("n/i", 1, &[], &[("a.example", "Prefix /x s")]);
    let flag = Flag {
        index: 0,
        in_command: false,
        name: "default-backend-service".to_owned(),
        value: Some("n/s".to_owned()),
    };
    let settings = Settings { args: vec![flag], ..Settings::default() };
    check_with(KIND, &[plain], &settings, &[("http://elsewhere/", "n/s")]);
}

#[test]
fn annotations_redirect_rewrite_and_ask_for_headers() {
    let paths = [("a.example", "Prefix /x s")];
    let one = |key: &str, value: &str, url: &str, expected: &str| {
        check(&[told("n/i", 1, &[(key, value)], &paths)], &[(url, expected)]);
    };
    one("rewrite-target", "/", "http://a.example/x/y", "n/s /y");
    one("redirect-to", "https://b.example/", "http://a.example/x", "302 https://b.example/");
    one("server-alias", "b.example", "http://b.example/x", "n/s");
    one("server-alias-regex", "^w[0-9]+$", "http://w12/x", "n/s");
    one("http-header-match", "X-Beta: yes", "http://a.example/x", "404");
    one("auth-secret", "users", "http://a.example/x", "401");
    let root = [("a.example", "Prefix / s")];
    check(&[told("n/i", 1, &[("app-root", "/web")], &root)], &[("http://a.example/", "302 /web")]);
    // It counts for the host, whoever has the `/`, and the first to say it is heard.
    let other =
        told("n/j", 2, &[("app-root", "/x")], &[("a.example", "Prefix /x x"), ("*.example", "Prefix /x x")]);
    let hostless = told("n/k", 3, &[("app-root", "/k")], &[("", "Prefix / any")]);
    check(
        &[told("n/i", 1, &[], &root), other, hostless],
        &[
            ("http://a.example/", "302 /x"),
            ("http://a.example/y", "n/s"),
            ("http://b.example/", "302 /x"),
            ("http://c.test/", "n/any"),
        ],
    );
    let mut tls = told("n/i", 1, &[], &root);
    tls.tls = vec![Tls { hosts: vec!["a.example".to_owned()], secret: None }];
    check(
        std::slice::from_ref(&tls),
        &[
            ("http://a.example/x?q", "302 https://a.example/x?q"),
            ("https://a.example/x", "n/s"),
            ("http://a.example/.well-known/acme-challenge/t", "n/s"),
        ],
    );
    check_with(KIND, &[tls], &with_config("ssl-redirect", "false"), &[("http://a.example/x", "n/s")]);
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
        misses_are_mended(KIND, &[told("n/i", 1, &[], &paths)], url);
    }
}

#[test]
fn patterns_come_last_and_a_wildcards_paths_are_open_at_their_ends() {
    let regex = told(
        "n/r",
        0,
        &[("haproxy-ingress.github.io/path-type", "regex")],
        &[("a.com", "ImplementationSpecific /foo/[a-z]+ pattern")],
    );
    let plain = told("n/p", 1, &[], &[("a.com", "Prefix /foo p"), ("*.b.com", "Prefix /bar w")]);
    check_with(
        KIND,
        &[regex, plain],
        &Settings::default(),
        &[
            ("http://a.com/foo/x", "n/p"),
            ("http://x.b.com/bar/x", "n/w"),
            ("http://x.b.com/barx", "n/w"),
            ("http://x.y.b.com/bar", "404"),
        ],
    );
}

#[test]
fn of_two_kinds_only_a_path_that_begins_with_the_other_goes_ahead() {
    let paths = [("a.com", "Prefix /A p"), ("a.com", "ImplementationSpecific /a/b b")];
    let lower = [("b.com", "Prefix /a p"), ("b.com", "ImplementationSpecific /a/b b")];
    let both = told("n/i", 0, &[], &[paths, lower].concat());
    let cases: &[Case<'_>] = &[("http://a.com/A/b", "n/p"), ("http://b.com/a/b", "n/b")];
    check_with(KIND, &[both], &Settings::default(), cases);
}

#[test]
fn over_tls_only_hosts_that_are_named_for_it_are_served() {
    let plain = told("n/i", 0, &[], &[("a.com", "Prefix / s")]);
    let any = told("n/any", 0, &[], &[("", "Prefix /any s")]);
    let cases: &[Case<'_>] =
        &[("https://a.com/", "404"), ("https://a.com/any", "n/s"), ("http://a.com/", "n/s")];
    check_with(KIND, &[plain, any], &Settings::default(), cases);
    let always = [("ssl-always-add-https", "true")];
    let always = told("n/i", 0, &always, &[("a.com", "Prefix / s")]);
    check_with(KIND, &[always], &Settings::default(), &[("https://a.com/", "n/s")]);
}

#[test]
fn no_edit_is_told_that_would_not_mend_it() {
    let shop = [told("n/i", 0, &[], &[("shop.example.com", "Prefix /x s")])];
    // A name that no Ingress has in `tls` is not served over TLS.
    assert!(edits(KIND, &shop, "https://www.shop.example.com/x").is_empty());
    assert_eq!(edits(KIND, &shop, "http://www.shop.example.com/x"), ["n/i host www.shop.example.com"]);
    // No rule has a host with a dot at its end.
    assert_eq!(edits(KIND, &shop, "http://shop.example.com./x"), ["n/i ask shop.example.com"]);
}

#[test]
fn equal_texts_of_two_kinds_are_told_apart_only_where_nothing_shorter_is_under_them() {
    let both = [("a.example", "ImplementationSpecific /app b"), ("a.example", "Prefix /app p")];
    let ask: &[Case<'_>] = &[("http://a.example/app/x", "n/p"), ("http://a.example/apple", "n/b")];
    check(&[told("n/i", 1, &[], &both)], ask);
    let under = told("n/u", 2, &[], &[("a.example", "Prefix / u")]);
    let ask: &[Case<'_>] =
        &[("http://a.example/app/x", "one of n/b, n/p"), ("http://a.example/apple", "n/b")];
    check(&[told("n/i", 1, &[], &both), under], ask);
}

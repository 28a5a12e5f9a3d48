//! What Kong does, case by case.

use crate::analysis::routing::fixtures::{
    Case, annotated, brief, check_with, misses_are_mended, set_default, table,
};
use crate::analysis::routing::{Basis, Note, Outcome, RoutingModel, model_for};
use crate::model::controller::{ControllerKind, Settings};
use crate::model::ingress::{Backend, Ingress};
use crate::model::request::Request;

const KONG: ControllerKind = ControllerKind::Kong;

/// An Ingress with annotations of this controller, `seconds` old.
fn kong(name: &str, seconds: i64, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Ingress {
    let mut ingress = annotated(name, seconds, &[], paths);
    let own = |(key, value): &(&str, &str)| (format!("konghq.com/{key}"), (*value).to_owned());
    ingress.meta.annotations = annotations.iter().map(own).collect();
    ingress
}

fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
    check_with(KONG, ingresses, &Settings::default(), cases);
}

#[test]
fn the_model_is_modelled() {
    assert_eq!(model_for(KONG).map(RoutingModel::basis), Some(Basis::Modelled));
}

#[test]
fn types_of_paths_are_exact_elements_and_characters() {
    let paths = [
        ("a.example", "Exact /e exact"),
        ("a.example", "Prefix /p/ prefix"),
        ("a.example", "ImplementationSpecific /c chars"),
        ("b.example", "ImplementationSpecific  any"),
    ];
    check(
        &[kong("n/i", 1, &[], &paths)],
        &[
            ("http://a.example/e", "n/exact"),
            ("http://a.example/e/", "404"),
            ("http://a.example/p", "n/prefix"),
            ("http://a.example/p/x", "n/prefix"),
            ("http://a.example/px", "404"),
            ("http://a.example/cx", "n/chars"),
            ("http://a.example/C", "404"),
            ("http://b.example/x", "n/any"),
            ("http://A.example:8080/e", "n/exact"),
        ],
    );
}

#[test]
fn a_prefix_beats_a_longer_implementation_specific_path_of_its_host() {
    let paths = [
        ("a.example", "ImplementationSpecific /api/v1/long chars"),
        ("a.example", "Prefix /api prefix"),
        ("a.example", "Prefix /api/v1 longer"),
    ];
    check(
        &[kong("n/i", 1, &[], &paths)],
        &[("http://a.example/api/v1/long", "n/longer"), ("http://a.example/api/v1/longer", "n/longer")],
    );
    check(&[kong("n/i", 1, &[], &paths[..2])], &[("http://a.example/api/v1/long", "n/prefix")]);
}

#[test]
fn what_a_host_does_not_take_falls_to_wildcards_and_to_any() {
    let paths = [
        ("a.w.example", "Prefix /x own"),
        ("*.w.example", "Prefix /y wild"),
        ("", "Prefix /z/deep/er any"),
        ("", "Prefix /x any"),
    ];
    check(
        &[kong("n/i", 1, &[], &paths)],
        &[
            ("http://a.w.example/x", "n/own"),
            ("http://a.w.example/y", "n/wild"),
            ("http://a.w.example/z/deep/er", "n/any"),
            ("http://c.b.w.example/y", "n/wild"),
            ("http://w.example/y", "404"),
            ("http://other.example/x", "n/any"),
        ],
    );
}

#[test]
fn a_plain_host_beats_a_wildcard_and_more_fields_beat_both() {
    let plain = kong("n/plain", 9, &[], &[("a.example", "Prefix / plain")]);
    let wild = kong("n/wild", 8, &[], &[("*.example", "Prefix /x/long wild")]);
    check(&[plain.clone(), wild], &[("http://a.example/x/long", "n/plain")]);
    let method = kong("n/method", 8, &[("methods", "get,PUT")], &[("*.example", "Prefix / method")]);
    check(&[plain, method], &[("http://a.example/x", "n/method")]);
}

#[test]
fn what_equal_priorities_come_to_is_a_set() {
    let one = kong("n/one", 9, &[], &[("a.example", "Prefix /x one")]);
    let two = kong("n/two", 8, &[], &[("a.example", "Prefix /x two")]);
    check(&[one, two], &[("http://a.example/x", "one of n/one, n/two")]);
}

#[test]
fn regular_expressions_begin_with_a_mark_and_are_anchored_at_the_start() {
    let paths = [("a.example", r"ImplementationSpecific /~/v\d+ regex"), ("a.example", "Prefix /v1 prefix")];
    check(
        &[kong("n/i", 1, &[], &paths)],
        &[
            ("http://a.example/v12/x", "n/regex"),
            ("http://a.example/x/v1", "404"),
            ("http://a.example/v1", "n/regex"),
        ],
    );
    let own =
        kong("n/i", 1, &[("regex-prefix", "/@")], &[("a.example", r"ImplementationSpecific /@/v\d+ regex")]);
    check(&[own], &[("http://a.example/v12", "n/regex")]);
    let bad = kong("n/bad", 1, &[], &[("b.example", "ImplementationSpecific /~/( bad")]);
    let good = kong("n/good", 1, &[], &[("a.example", "Prefix / s")]);
    let table = table(KONG, &[bad, good], &Settings::default());
    assert!(table.reload_failure().is_some());
    let decision = table.decide(&Request::parse("http://a.example/").expect("url"));
    assert_eq!((decision.outcome, decision.notes), (Outcome::Refused, vec![Note::ReloadFails]));
}

#[test]
fn only_the_oldest_default_backend_counts_and_for_every_host() {
    let mut old = kong("n/old", 9, &[], &[("a.example", "Prefix /x s")]);
    set_default(&mut old, "old");
    let mut young = kong("n/young", 8, &[], &[("b.example", "Prefix /x s")]);
    set_default(&mut young, "young");
    check(
        &[young, old],
        &[
            ("http://b.example/else", "n/old"),
            ("http://nobody.example/", "n/old"),
            ("http://b.example/x", "n/s"),
        ],
    );
}

#[test]
fn nobody_behind_a_service_is_503_and_its_route_stays() {
    let paths =
        [("a.example", "Prefix /gone gone"), ("a.example", "Prefix /dead dead"), ("", "Prefix / any")];
    check(
        &[kong("n/i", 1, &[], &paths)],
        &[
            ("http://a.example/gone", "503"),
            ("http://a.example/dead", "503"),
            ("http://a.example/x", "n/any"),
        ],
    );
}

#[test]
fn resource_backends_have_no_route() {
    let mut ingress = kong("n/i", 1, &[], &[("a.example", "Prefix /x s"), ("a.example", "Prefix /y s")]);
    ingress.rules[0].paths.as_mut().expect("paths")[0].backend =
        Backend::Resource { kind: "Bucket".to_owned(), name: "b".to_owned() };
    check(&[ingress], &[("http://a.example/x", "404"), ("http://a.example/y", "n/s")]);
}

#[test]
fn strip_path_changes_what_the_upstream_gets() {
    let paths = [
        ("a.example", "Prefix /app s"),
        ("a.example", "Exact /exact s"),
        ("a.example", "ImplementationSpecific /chars s"),
        ("a.example", r"ImplementationSpecific /~/v\d+/ s"),
    ];
    check(
        &[kong("n/i", 1, &[("strip-path", "true")], &paths)],
        &[
            ("http://a.example/app/x/y", "n/s /x/y"),
            ("http://a.example/app", "n/s /"),
            ("http://a.example/exact", "n/s /"),
            ("http://a.example/charsx", "n/s /x"),
            ("http://a.example/v1/x", "n/s /x"),
        ],
    );
    check(&[kong("n/i", 1, &[], &paths)], &[("http://a.example/app/x", "n/s")]);
}

#[test]
fn https_only_routes_answer_426_or_redirect() {
    let only = kong("n/only", 1, &[("protocols", "https")], &[("a.example", "Prefix / s")]);
    let moved = kong(
        "n/moved",
        1,
        &[("protocols", "https"), ("https-redirect-status-code", "308")],
        &[("b.example", "Prefix / s")],
    );
    check(
        &[only, moved],
        &[
            ("http://a.example/x", "426"),
            ("https://a.example/x", "n/s"),
            ("http://b.example:8000/x?y", "308 https://b.example/x?y"),
        ],
    );
}

#[test]
fn methods_headers_aliases_and_snis_are_asked_for() {
    let annotations = [
        ("methods", "GET"),
        ("headers.x-tenant", "blue,~*^gr"),
        ("host-aliases", "also.example"),
        ("snis", "a.example"),
    ];
    let ingress = kong("n/i", 1, &annotations, &[("a.example", "Prefix / s")]);
    let table = table(KONG, &[ingress], &Settings::default());
    for (method, url, tenant, expected) in [
        ("GET", "http://a.example/", "Blue", "n/s"),
        ("GET", "http://also.example/", "green", "n/s"),
        ("GET", "https://a.example/", "blue", "n/s"),
        ("GET", "https://also.example/", "blue", "404"),
        ("POST", "http://a.example/", "blue", "404"),
        ("GET", "http://a.example/", "red", "404"),
    ] {
        let mut request = Request::parse(url).expect(url);
        method.clone_into(&mut request.method);
        request.headers = vec![("X-Tenant".to_owned(), tenant.to_owned())];
        assert_eq!(brief(&table.decide(&request), &request), expected, "{method} {url} {tenant}");
    }
}

#[test]
fn requests_are_matched_in_normal_form_and_slashes_of_rules_collapse() {
    check(
        &[kong("n/i", 1, &[], &[("a.example", "ImplementationSpecific //api//v1 s")])],
        &[
            ("http://a.example/api/v1", "n/s"),
            ("http://a.example/api//./v1", "n/s /api/v1"),
            ("http://a.example/x/../%61pi/v1", "n/s /api/v1"),
        ],
    );
}

#[test]
fn near_misses_are_mended_by_their_edits() {
    let all = [kong(
        "n/shop",
        1,
        &[],
        &[
            ("shop.example.com", "Exact /foo s"),
            ("shop.example.com", "Prefix /Orders s"),
            ("plain.example.com", "Prefix / s"),
        ],
    )];
    for url in [
        "http://shop.example.com/foo/bar",
        "http://shop.example.com/orders/7",
        "http://shop.example.com/else/where/",
        "http://www.shop.example.com/foo",
        "http://203.0.113.9/foo",
    ] {
        misses_are_mended(KONG, &all, url);
    }
}

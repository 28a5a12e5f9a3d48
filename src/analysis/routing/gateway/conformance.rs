//! The API's own conformance tests for HTTPRoutes, told again: every case under every model.
//!
//! Source: kubernetes-sigs/gateway-api `conformance/tests/httproute-*.{go,yaml}` @4564255ac.

use super::fixtures::{BOTH, check, gateway, route};
use crate::model::gateway::Gateway;
use crate::model::http_route::HttpRoute;

fn one_gateway() -> Vec<Gateway> {
    vec![gateway("n/gw", &["web 80"])]
}

fn on_one(routes: &[HttpRoute], cases: &[(&str, &str)]) {
    check(&BOTH, &one_gateway(), routes, cases);
}

#[test]
fn exact_path_matching() {
    on_one(
        &[route("n/r", "", &[], &[("Exact /one", "v1"), ("Exact /two", "v2")])],
        &[
            ("http://a/one", "v1"),
            ("http://a/two", "v2"),
            ("http://a/", "404"),
            ("http://a/one/example", "404"),
            ("http://a/two/", "404"),
            ("http://a/Two", "404"),
        ],
    );
}

#[test]
fn matching() {
    let rules = [("Prefix /, Prefix / h:version=one", "v1"), ("Prefix /v2, Prefix / h:version=two", "v2")];
    on_one(
        &[route("n/r", "", &[], &rules)],
        &[
            ("http://a/", "v1"),
            ("http://a/example", "v1"),
            ("http://a/ Version:one", "v1"),
            ("http://a/v2", "v2"),
            ("http://a/v2/example", "v2"),
            ("http://a/ Version:two", "v2"),
            ("http://a/v2/", "v2"),
            ("http://a/v2example", "v1"),
            ("http://a/foo/v2/example", "v1"),
        ],
    );
}

#[test]
fn path_match_order() {
    let rules = [
        ("Exact /match/exact", "v2"),
        ("Exact /match", "v1"),
        ("Prefix /match/prefix/one", "v2"),
        ("Prefix /match/prefix", "v1"),
        ("Prefix /match", "v3"),
    ];
    on_one(
        &[route("n/r", "", &[], &rules)],
        &[
            ("http://a/match", "v1"),
            ("http://a/match/exact", "v2"),
            ("http://a/match/exact/one", "v3"),
            ("http://a/match/prefix/one/any", "v2"),
            ("http://a/match/prefix/any", "v1"),
            ("http://a/match/any", "v3"),
        ],
    );
}

#[test]
fn matching_across_routes() {
    let one = [("Prefix /, Prefix / h:version=one", "v1")];
    let two = [("Prefix /v2, Prefix / h:version=two", "v2")];
    on_one(
        &[
            route("n/part1", "", &["example.com", "example.net"], &one),
            route("n/part2", "", &["example.com"], &two),
        ],
        &[
            ("http://example.com/", "v1"),
            ("http://example.com/example", "v1"),
            ("http://example.net/example", "v1"),
            ("http://example.com/example Version:one", "v1"),
            ("http://example.com/v2", "v2"),
            // v2 only matches example.com.
            ("http://example.net/v2", "v1"),
            ("http://example.com/v2/example", "v2"),
            ("http://example.com/ Version:two", "v2"),
        ],
    );
}

#[test]
fn header_matching() {
    let rules = [
        ("Prefix / h:version=one", "v1"),
        ("Prefix / h:version=two", "v2"),
        ("Prefix / h:version=two h:color=orange", "v1"),
        ("Prefix / h:color=blue, Prefix / h:color=green", "v1"),
        ("Prefix / h:color=red, Prefix / h:color=yellow", "v2"),
    ];
    on_one(
        &[route("n/r", "", &[], &rules)],
        &[
            ("http://a/ Version:one", "v1"),
            ("http://a/ Version:two", "v2"),
            ("http://a/ Version:two Color:orange", "v1"),
            ("http://a/ Version:two Color:blue", "v2"),
            ("http://a/ Color:blue", "v1"),
            ("http://a/ Color:green", "v1"),
            ("http://a/ Color:red", "v2"),
            ("http://a/ Color:yellow", "v2"),
            ("http://a/ Color:orange", "404"),
            ("http://a/ Color:purple", "404"),
            ("http://a/ Some-Other-Header:one", "404"),
        ],
    );
}

#[test]
fn method_matching() {
    let rules = [
        ("Prefix / POST", "v1"),
        ("Prefix / GET", "v2"),
        ("Prefix /path1 GET", "v1"),
        ("Prefix / PUT h:version=one", "v2"),
        ("Prefix /path2 POST h:version=two", "v3"),
        ("Prefix /path3 PATCH, Prefix /path4 DELETE h:version=three", "v1"),
        ("Prefix /path5", "v1"),
        ("Prefix / PATCH", "v2"),
        ("Prefix / h:version=four", "v1"),
    ];
    on_one(
        &[route("n/r", "", &[], &rules)],
        &[
            ("POST http://a/", "v1"),
            ("GET http://a/", "v2"),
            ("HEAD http://a/", "404"),
            ("GET http://a/path1", "v1"),
            ("PUT http://a/ version:one", "v2"),
            ("POST http://a/path2 version:two", "v3"),
            ("PATCH http://a/path3", "v1"),
            ("DELETE http://a/path4 version:three", "v1"),
            ("PUT http://a/path1", "404"),
            ("DELETE http://a/ version:one", "404"),
            // Path over method, method over header.
            ("PATCH http://a/path5", "v1"),
            ("PATCH http://a/ version:four", "v2"),
        ],
    );
}

#[test]
fn query_param_matching() {
    let rules = [
        ("Prefix / q:animal=whale", "v1"),
        ("Prefix / q:animal=dolphin", "v2"),
        ("Prefix / q:animal=dolphin q:color=blue", "v3"),
        ("Prefix / q:ANIMAL=Whale", "v3"),
        ("Prefix /path1 q:animal=whale", "v3"),
        ("Prefix / h:version=one q:animal=whale", "v2"),
        ("Prefix /path5", "v1"),
        ("Prefix / h:version=four", "v2"),
        ("Prefix / q:animal=hydra", "v3"),
    ];
    on_one(
        &[route("n/r", "", &[], &rules)],
        &[
            ("http://a/?animal=whale", "v1"),
            ("http://a/?animal=dolphin", "v2"),
            ("http://a/?animal=dolphin&color=blue", "v3"),
            ("http://a/?ANIMAL=Whale", "v3"),
            ("http://a/?animal=whale&otherparam=irrelevant", "v1"),
            ("http://a/?animal=dolphin&color=yellow", "v2"),
            ("http://a/?color=blue", "404"),
            ("http://a/?animal=dog", "404"),
            ("http://a/?animal=whaledolphin", "404"),
            ("http://a/", "404"),
            ("http://a/path1?animal=whale", "v3"),
            ("http://a/?animal=whale version:one", "v2"),
            // Path over parameter, header over parameter.
            ("http://a/path5?animal=hydra", "v1"),
            ("http://a/?animal=hydra version:four", "v2"),
        ],
    );
}

#[test]
fn hostname_intersection() {
    let listeners = ["one 80 very.specific.com", "two 80 *.wildcard.io", "three 80 *.anotherwildcard.io"];
    let routes = [
        route(
            "n/specific-host-matches-listener-specific-host",
            "",
            &["non.matching.com", "*.nonmatchingwildcard.io", "very.specific.com"],
            &[("Prefix /s1", "v1")],
        ),
        route(
            "n/specific-host-matches-listener-wildcard-host",
            "",
            &["non.matching.com", "wildcard.io", "foo.wildcard.io", "bar.wildcard.io", "foo.bar.wildcard.io"],
            &[("Prefix /s2", "v2")],
        ),
        route(
            "n/wildcard-host-matches-listener-specific-host",
            "",
            &["non.matching.com", "*.specific.com"],
            &[("Prefix /s3", "v3")],
        ),
        route(
            "n/wildcard-host-matches-listener-wildcard-host",
            "",
            &["*.anotherwildcard.io"],
            &[("Prefix /s4", "v1")],
        ),
        route(
            "n/no-intersecting-hosts",
            "",
            &["specific.but.wrong.com", "wildcard.io"],
            &[("Prefix /s5", "v2")],
        ),
    ];
    check(
        &BOTH,
        &[gateway("n/gw", &listeners)],
        &routes,
        &[
            ("http://very.specific.com/s1", "v1"),
            ("http://very.specific.com:1234/s1", "v1"),
            ("http://non.matching.com/s1", "404"),
            ("http://foo.nonmatchingwildcard.io/s1", "404"),
            ("http://bar.nonmatchingwildcard.io/s1", "404"),
            ("http://very.specific.com/non-matching-prefix", "404"),
            ("http://foo.wildcard.io/s2", "v2"),
            ("http://bar.wildcard.io/s2", "v2"),
            ("http://foo.bar.wildcard.io/s2", "v2"),
            ("http://foo.bar.wildcard.io:1234/s2", "v2"),
            ("http://non.matching.com/s2", "404"),
            ("http://wildcard.io/s2", "404"),
            ("http://very.specific.com/s2", "404"),
            ("http://foo.wildcard.io/non-matching-prefix", "404"),
            ("http://very.specific.com/s3", "v3"),
            ("http://non.matching.com/s3", "404"),
            ("http://foo.specific.com/s3", "404"),
            ("http://foo.wildcard.io/s3", "404"),
            ("http://foo.anotherwildcard.io/s4", "v1"),
            ("http://bar.anotherwildcard.io/s4", "v1"),
            ("http://foo.bar.anotherwildcard.io/s4", "v1"),
            ("http://anotherwildcard.io/s4", "404"),
            ("http://foo.wildcard.io/s4", "404"),
            ("http://very.specific.com/s4", "404"),
            ("http://foo.anotherwildcard.io/non-matching-prefix", "404"),
            ("http://specific.but.wrong.com/s5", "404"),
            ("http://wildcard.io/s5", "404"),
        ],
    );
}

#[test]
fn listener_hostname_matching() {
    let listeners = ["one 80 bar.com", "two 80 foo.bar.com", "three 80 *.bar.com", "four 80 *.foo.com"];
    let mut third = route("n/backend-v3", "three", &[], &[("Prefix /", "v3")]);
    third.parents.extend(route("n/x", "four", &[], &[]).parents);
    let routes = [
        route("n/backend-v1", "one", &[], &[("Prefix /", "v1")]),
        route("n/backend-v2", "two", &[], &[("Prefix /", "v2")]),
        third,
    ];
    check(
        &BOTH,
        &[gateway("n/gw", &listeners)],
        &routes,
        &[
            ("http://bar.com/", "v1"),
            ("http://foo.bar.com/", "v2"),
            ("http://baz.bar.com/", "v3"),
            ("http://boo.bar.com/", "v3"),
            ("http://multiple.prefixes.bar.com/", "v3"),
            ("http://multiple.prefixes.foo.com/", "v3"),
            ("http://foo.com/", "404"),
            ("http://no.matching.host/", "404"),
        ],
    );
}

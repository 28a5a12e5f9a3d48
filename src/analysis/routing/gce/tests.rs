//! What GKE does, case by case.

use crate::analysis::routing::fixtures::{
    Case, annotated, brief, check_with, edits, misses_are_mended, reasons, set_default, snapshot, table,
};
use crate::analysis::routing::{Basis, Input, Note, Outcome, RoutingModel, model_for};
use crate::model::controller::{ControllerKind, Settings};
use crate::model::ingress::{Backend, Ingress, PortRef, Tls};
use crate::model::object::Kind;
use crate::model::request::Request;
use crate::model::snapshot::Listing;

const GCE: ControllerKind = ControllerKind::Gce;

fn gce(name: &str, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Ingress {
    let mut ingress = annotated(name, 1, &[], paths);
    ingress.meta.annotations =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    ingress
}

fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
    check_with(GCE, ingresses, &Settings::default(), cases);
}

#[test]
fn the_model_is_modelled() {
    assert_eq!(model_for(GCE).map(RoutingModel::basis), Some(Basis::Modelled));
}

#[test]
fn types_of_paths_become_patterns_of_the_url_map() {
    let paths = [
        ("a.example", "Exact /e exact"),
        ("a.example", "Prefix /p/ prefix"),
        ("a.example", "ImplementationSpecific /lit lit"),
        ("a.example", "ImplementationSpecific /open/* open"),
        ("b.example", "ImplementationSpecific  any"),
        ("c.example", "Prefix / root"),
    ];
    check(
        &[gce("n/i", &[], &paths)],
        &[
            ("http://a.example/e", "n/exact"),
            ("http://a.example/e/", "404"),
            ("http://a.example/p", "n/prefix"),
            ("http://a.example/p/x", "n/prefix"),
            ("http://a.example/px", "404"),
            ("http://a.example/lit", "n/lit"),
            ("http://a.example/lit/x", "404"),
            ("http://a.example/open/x", "n/open"),
            ("http://a.example/open", "404"),
            ("http://a.example/E", "404"),
            ("http://b.example/x/y", "n/any"),
            ("http://c.example/x/y", "n/root"),
        ],
    );
}

#[test]
fn the_longest_pattern_wins_and_the_later_of_two_equal_ones() {
    let paths = [
        ("a.example", "Prefix / root"),
        ("a.example", "Prefix /a/b ab"),
        ("a.example", "Exact /a/b exact"),
        ("a.example", "Prefix /a a"),
    ];
    check(
        &[gce("n/i", &[], &paths)],
        &[
            ("http://a.example/a/b", "n/exact"),
            ("http://a.example/a/b/c", "n/ab"),
            ("http://a.example/a/c", "n/a"),
            ("http://a.example/c", "n/root"),
        ],
    );
    let mut twice = gce("n/i", &[], &[("a.example", "Prefix /x first")]);
    twice.rules.extend(gce("n/i", &[], &[("a.example", "Prefix /y second")]).rules);
    check(&[twice], &[("http://a.example/x", "404"), ("http://a.example/y", "n/second")]);
}

#[test]
fn a_host_has_no_second_chance_among_any() {
    check(
        &[gce("n/i", &[], &[("a.example", "Prefix /x own"), ("", "Prefix /y any")])],
        &[
            ("http://a.example/y", "404"),
            ("http://other.example/y", "n/any"),
            ("http://other.example/x", "404"),
        ],
    );
}

#[test]
fn how_deep_a_wildcard_reaches_is_not_known() {
    check(
        &[gce("n/i", &[], &[("*.w.example", "Prefix / wild"), ("", "Prefix / any")])],
        &[
            ("http://a.w.example/", "n/wild"),
            ("http://b.a.w.example/", "one of n/any, n/wild"),
            ("http://w.example/", "n/any"),
        ],
    );
}

#[test]
fn the_default_backend_is_for_every_host_of_its_ingress() {
    let mut with = gce("n/with", &[], &[("a.example", "Prefix /x s")]);
    set_default(&mut with, "with");
    let without = gce("n/without", &[], &[("b.example", "Prefix /x s")]);
    check(
        &[with, without],
        &[
            ("http://a.example/else", "n/with"),
            ("http://other.example/", "n/with"),
            ("http://b.example/else", "404"),
        ],
    );
}

#[test]
fn what_cannot_be_translated_keeps_the_old_map_of_that_ingress_alone() {
    let good = gce("n/good", &[], &[("good.example", "Prefix / s")]);
    let mut resource = gce("n/bad", &[], &[("a.example", "Prefix / s")]);
    resource.rules[0].paths.as_mut().expect("paths")[0].backend =
        Backend::Resource { kind: "Bucket".to_owned(), name: "b".to_owned() };
    let mut port = gce("n/bad", &[], &[("a.example", "Prefix / s")]);
    port.rules[0].paths.as_mut().expect("paths")[0].backend =
        Backend::Service { name: "s".to_owned(), port: PortRef::Number(81) };
    for bad in [
        gce("n/bad", &[], &[("a.example", "Prefix /gone gone"), ("a.example", "Prefix / s")]),
        gce("n/bad", &[], &[("a.example", "ImplementationSpecific /a*b s")]),
        gce("n/bad", &[], &[("a.example", "ImplementationSpecific /a* s")]),
        resource,
        port,
    ] {
        let all = [good.clone(), bad.clone()];
        check(&all, &[("http://a.example/", "refused"), ("http://good.example/", "n/s")]);
        assert!(table(GCE, &all, &Settings::default()).reload_failure().is_none());
        assert!(table(GCE, &[bad], &Settings::default()).reload_failure().is_some());
    }
}

#[test]
fn services_need_node_ports_or_network_endpoint_groups() {
    let ingress = gce("n/i", &[], &[("a.example", "Prefix / s")]);
    for (kind, group, expected) in [
        ("NodePort", None, "n/s"),
        ("LoadBalancer", None, "n/s"),
        ("ClusterIP", None, "refused"),
        ("ClusterIP", Some(r#"{"ingress": true}"#), "n/s"),
        ("ClusterIP", Some(r#"{"exposed_ports": {"80":{}}}"#), "refused"),
    ] {
        let mut snapshot = snapshot(std::slice::from_ref(&ingress));
        let mut services = snapshot.services.items().to_vec();
        kind.clone_into(&mut services[0].service_type);
        let neg = group.map(|value| ("cloud.google.com/neg".to_owned(), value.to_owned()));
        services[0].meta.annotations.extend(neg);
        snapshot.services = Listing::complete(Kind::Service, services);
        let input = Input { ingresses: &[&ingress], snapshot: &snapshot, settings: &Settings::default() };
        let request = Request::parse("http://a.example/").expect("url");
        let found = brief(&super::Gce.compile(&input).decide(&request), &request);
        assert_eq!(found, expected, "{kind} {group:?}");
    }
}

#[test]
fn nobody_behind_a_backend_is_502_or_503() {
    let ingress = gce("n/i", &[], &[("a.example", "Prefix / dead")]);
    let request = Request::parse("http://a.example/").expect("url");
    let decision = table(GCE, &[ingress], &Settings::default()).decide(&request);
    assert_eq!((decision.outcome, decision.status), (Outcome::Unavailable, None));
}

#[test]
fn plain_and_secure_ports_are_served_as_asked() {
    let closed =
        gce("n/closed", &[("kubernetes.io/ingress.allow-http", "false")], &[("a.example", "Prefix / s")]);
    let mut tls = gce("n/tls", &[], &[("b.example", "Prefix / s")]);
    tls.tls = vec![Tls::default()];
    let managed =
        gce("n/managed", &[("networking.gke.io/managed-certificates", "c")], &[("c.example", "Prefix / s")]);
    let plain = gce("n/plain", &[], &[("d.example", "Prefix / s")]);
    check(
        &[closed, tls, managed, plain],
        &[
            ("http://a.example/", "refused"),
            ("https://b.example/", "n/s"),
            ("http://b.example/", "n/s"),
            ("https://c.example/", "n/s"),
            ("https://d.example/", "refused"),
            ("http://d.example:8080/", "refused"),
        ],
    );
    let front = gce("n/front", &[(super::FRONTEND, "f")], &[("e.example", "Prefix / s")]);
    let request = Request::parse("http://e.example/").expect("url");
    let notes = table(GCE, &[front], &Settings::default()).decide(&request).notes;
    assert!(notes.iter().any(|note| matches!(note, Note::Annotation { key, .. } if key == super::FRONTEND)));
}

#[test]
fn load_balancers_are_told_apart_by_host_and_address() {
    let mut one = gce("n/one", &[], &[("", "Prefix / one")]);
    one.addresses = vec!["203.0.113.7".to_owned()];
    let two = gce("n/two", &[], &[("", "Prefix / two")]);
    check(&[one, two], &[("http://203.0.113.7/", "n/one"), ("http://other.example/", "one of n/one, n/two")]);
}

#[test]
fn near_misses_are_mended_by_their_edits() {
    let all = [gce(
        "n/shop",
        &[],
        &[
            ("shop.example.com", "Exact /foo s"),
            ("shop.example.com", "Prefix /Orders s"),
            ("shop.example.com", "ImplementationSpecific /lit s"),
            ("plain.example.com", "Prefix / s"),
        ],
    )];
    for url in [
        "http://shop.example.com/foo/bar",
        "http://shop.example.com/orders/7",
        "http://shop.example.com/lit/x",
        "http://shop.example.com/else/where/",
        "http://www.shop.example.com/foo",
        "http://203.0.113.9/foo",
    ] {
        misses_are_mended(GCE, &all, url);
    }
}

#[test]
fn what_keeps_its_old_rules_says_so() {
    let paths = [("a.example", "Exact /y s"), ("a.example", "Exact /x s"), ("a.example", "Prefix /z gone")];
    let lost = reasons(GCE, &[gce("n/i", &[], &paths)], "http://a.example/z");
    assert_eq!(lost, ["n/i /z: left out, ReloadFails", "n/i /y: path", "n/i /x: path"]);
}

#[test]
fn no_edit_is_told_where_nothing_listens() {
    let shop = [gce("n/i", &[], &[("a.example", "Exact /y s")])];
    assert_eq!(edits(GCE, &shop, "http://www.a.example/y"), ["n/i host www.a.example"]);
    assert!(edits(GCE, &shop, "https://www.a.example/y").is_empty());
}

use super::*;
use crate::analysis::routing::fixtures::{
    Case, check_with, ingress, misses_are_mended, set_default, snapshot, table,
};
use crate::analysis::routing::{Decision, Outcome};
use crate::model::controller::{ConfigSeen, Flag, Settings};
use crate::model::ingress::Tls;
use crate::model::request::Request;

const KIND: ControllerKind = ControllerKind::Contour;

fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
    check_with(KIND, ingresses, &Settings::default(), cases);
}

fn told(name: &str, annotations: &[(&str, &str)], tls: &[&str], paths: &[(&str, &str)]) -> Ingress {
    let mut ingress = ingress(name, paths);
    ingress.meta.annotations =
        annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let hosts: Vec<String> = tls.iter().map(|host| (*host).to_owned()).collect();
    if !hosts.is_empty() {
        ingress.tls = vec![Tls { hosts, secret: Some("cert".to_owned()) }];
    }
    ingress
}

#[test]
fn a_host_has_no_second_chance_and_a_star_is_one_lower_case_label() {
    let mut ingress = ingress(
        "n/i",
        &[("a.wild.com", "Prefix /x a"), ("*.wild.com", "Prefix / w"), ("", "Prefix /any any")],
    );
    set_default(&mut ingress, "default");
    check(
        &[ingress],
        &[
            ("http://a.wild.com/x/y", "n/a"),
            ("http://A.WILD.COM:8080/x", "n/a"),
            ("http://a.wild.com/y", "404"),
            ("http://b.wild.com/y", "n/w"),
            ("http://b.wild.com:8080/y", "n/w"),
            ("http://B.WILD.COM/y", "404"),
            ("http://b_c.wild.com/y", "404"),
            ("http://c.b.wild.com/y", "404"),
            ("http://wild.com/any", "n/any"),
            ("http://wild.com/else", "n/default"),
            ("http://a.wild.com./x", "n/default"),
        ],
    );
}

#[test]
fn paths_are_compared_by_type_and_what_looks_like_a_pattern_is_one() {
    let paths = [
        ("a.com", "Exact /exact e"),
        ("a.com", "Prefix /foo/ p"),
        ("a.com", "ImplementationSpecific /loose l"),
        ("a.com", "ImplementationSpecific /v[0-9]+ r"),
        ("a.com", "ImplementationSpecific /a(b|c) literal"),
    ];
    check(
        &[ingress("n/i", &paths)],
        &[
            ("http://a.com/exact", "n/e"),
            ("http://a.com/exact/", "404"),
            ("http://a.com/foo", "n/p"),
            ("http://a.com/foo/x", "n/p"),
            ("http://a.com/foobar", "404"),
            ("http://a.com/FOO", "404"),
            ("http://a.com/loosely", "n/l"),
            ("http://a.com/v12", "n/r"),
            ("http://a.com/v12/x", "404"),
            // A bar is escaped before it is compared.
            ("http://a.com/a(b|c)", "404"),
            ("http://a.com/ab", "404"),
        ],
    );
}

#[test]
fn whole_paths_come_first_then_patterns_then_beginnings() {
    let paths = [
        ("a.com", "Prefix / root"),
        ("a.com", "Prefix /foo p"),
        ("a.com", "ImplementationSpecific /foo i"),
        ("a.com", "ImplementationSpecific /foo/[a-z]+ short"),
        ("a.com", "ImplementationSpecific /foo/[a-z]+/? long"),
        ("a.com", "Exact /foo/bar e"),
    ];
    check(
        &[ingress("n/i", &paths)],
        &[
            ("http://a.com/foo/bar", "n/e"),
            ("http://a.com/foo/baz", "n/long"),
            ("http://a.com/foo/1", "n/p"),
            ("http://a.com/foo1", "n/i"),
            ("http://a.com/x", "n/root"),
        ],
    );
}

#[test]
fn within_an_ingress_the_later_path_wins_and_between_two_it_is_a_set() {
    let one = ingress("n/one", &[("a.com", "Prefix /x s1"), ("a.com", "Prefix /x/ s2")]);
    check(std::slice::from_ref(&one), &[("http://a.com/x", "n/s2")]);
    let two = ingress("n/two", &[("a.com", "Prefix /x s3")]);
    check(&[one.clone(), two], &[("http://a.com/x", "one of n/s2, n/s3")]);
    let same = ingress("n/two", &[("a.com", "Prefix /x s2")]);
    check(&[one, same], &[("http://a.com/x", "n/s2")]);
    let dead =
        [ingress("n/a", &[("a.com", "Prefix /x dead1")]), ingress("n/b", &[("a.com", "Prefix /x dead2")])];
    check(&dead, &[("http://a.com/x", "503")]);
}

#[test]
fn a_missing_service_or_port_leaves_the_rule_out_and_nobody_ready_is_503() {
    let paths = [("a.com", "Prefix /x/y gone"), ("a.com", "Prefix /x s"), ("a.com", "Prefix /dead dead")];
    let ingress = ingress("n/i", &paths);
    check(
        std::slice::from_ref(&ingress),
        &[("http://a.com/x/y", "n/s"), ("http://a.com/dead", "503"), ("http://a.com/else", "404")],
    );
    let table = table(KIND, &[ingress], &Settings::default());
    let lost = table.explain(&Request::parse("http://a.com/x/y").expect("a URL"), 1).eliminated;
    assert!(matches!(lost.first().map(|lost| &lost.reason), Some(Reason::LeftOut(Note::ServiceMissing(_)))));
}

#[test]
fn nothing_of_a_rule_is_read_behind_a_pattern_that_does_not_compile() {
    let paths = [
        ("a.com", "Prefix /x s"),
        ("a.com", "ImplementationSpecific /[ s"),
        ("a.com", "Prefix /y s"),
        ("b.com", "Prefix /y s"),
        ("c.com", "ImplementationSpecific /api/** s"),
        ("c.com", "Prefix /y s"),
        // Its Service is looked up first.
        ("d.com", "ImplementationSpecific /[ gone"),
        ("d.com", "Prefix /y s"),
    ];
    check(
        &[ingress("n/i", &paths)],
        &[
            ("http://d.com/y", "n/s"),
            ("http://a.com/x", "n/s"),
            ("http://a.com/y", "404"),
            ("http://b.com/y", "n/s"),
            ("http://c.com/api/x", "404"),
            ("http://c.com/y", "404"),
        ],
    );
}

#[test]
fn paths_are_normalised_before_they_are_compared() {
    let ingress = ingress("n/i", &[("a.com", "Prefix /foo s")]);
    check(
        std::slice::from_ref(&ingress),
        &[
            ("http://a.com//foo", "n/s /foo"),
            ("http://a.com/x/../foo", "n/s /foo"),
            ("http://a.com/%66oo", "n/s /foo"),
            ("http://a.com/foo%2Fx", "404"),
            ("http://a.com/foo/%zz", "n/s"),
            ("http://a.com/foo%00", "400"),
        ],
    );
    let data = [("contour.yaml".to_owned(), "disableMergeSlashes: true\n".to_owned())].into();
    let settings = Settings { config: ConfigSeen::Known(data), ..Settings::default() };
    check_with(KIND, &[ingress], &settings, &[("http://a.com//foo", "404"), ("http://a.com/foo//x", "n/s")]);
}

#[test]
fn annotations_send_plain_requests_to_https_or_keep_them_out() {
    let with =
        |annotations: &[(&str, &str)]| told("n/i", annotations, &["a.com"], &[("a.com", "Prefix / s")]);
    check(&[with(&[])], &[("http://a.com/x", "n/s"), ("https://a.com/x", "n/s")]);
    check(
        &[with(&[(FORCE_SSL, "true")])],
        &[
            ("http://A.com/x//y?q=/../", "301 https://A.com/x/y?q=/../"),
            ("http://a.com:80/x", "301 https://a.com/x"),
            ("http://a.com:8080/x", "301 https://a.com:8080/x"),
            ("https://a.com/x", "n/s"),
        ],
    );
    check(&[with(&[(ALLOW_HTTP, "false")])], &[("http://a.com/x", "404"), ("https://a.com/x", "n/s")]);
    let both = with(&[(ALLOW_HTTP, "false"), (FORCE_SSL, "true")]);
    check(&[both], &[("http://a.com/x", "301 https://a.com/x")]);
}

#[test]
fn a_tls_host_carries_every_rule_of_the_host_and_other_names_are_misdirected() {
    let tls = told("n/tls", &[], &["a.com"], &[("a.com", "Prefix /x s")]);
    let plain = ingress("n/plain", &[("a.com", "Prefix /y t"), ("b.com", "Prefix / u")]);
    check(
        &[tls, plain],
        &[
            ("https://a.com/y", "n/t"),
            ("https://a.com/z", "404"),
            ("https://a.com./x", "421"),
            ("https://b.com/", "refused"),
        ],
    );
}

#[test]
fn root_namespaces_hide_the_secrets_of_all_others() {
    let flag = |value: &str| Flag {
        index: 0,
        in_command: false,
        name: "root-namespaces".to_owned(),
        value: Some(value.to_owned()),
    };
    let tls = told("n/tls", &[], &["a.com"], &[("a.com", "Prefix / s")]);
    for (roots, answer) in [("edge", "refused"), ("edge, n", "n/s"), (" ", "n/s")] {
        let settings = Settings { args: vec![flag(roots)], ..Settings::default() };
        let cases = [("https://a.com/", answer), ("http://a.com/", "n/s")];
        check_with(KIND, std::slice::from_ref(&tls), &settings, &cases);
    }
}

#[test]
fn a_tls_host_without_any_rule_is_not_served() {
    let paths = [("a.com", "Prefix /x s"), ("b.com", "Prefix /x gone")];
    let tls = told("n/tls", &[], &["b.com", "c.com"], &paths);
    check(
        &[tls],
        &[
            ("https://b.com/x", "refused"),
            ("https://c.com/x", "refused"),
            ("https://a.com/x", "refused"),
            ("http://b.com/x", "404"),
        ],
    );
}

#[test]
fn an_ingress_without_a_version_of_tls_makes_the_others_unsure() {
    let versions = [
        ("projectcontour.io/tls-minimum-protocol-version", "1.3"),
        ("projectcontour.io/tls-maximum-protocol-version", "1.2"),
    ];
    let broken = told("n/broken", &versions, &["a.com"], &[("a.com", "Prefix / s")]);
    let whole = told("n/whole", &[], &["b.com"], &[("b.com", "Prefix / t")]);
    check(
        &[broken, whole],
        &[("https://a.com/", "refused"), ("https://b.com/", "one of n/t"), ("http://b.com/", "n/t")],
    );
}

#[test]
fn a_dot_at_the_end_of_the_host_may_be_taken_off() {
    let data = [("contour.yaml".to_owned(), "network:\n  strip-trailing-host-dot: true\n".to_owned())].into();
    let settings = Settings { config: ConfigSeen::Known(data), ..Settings::default() };
    let paths = [("a.com", "Prefix /x s"), ("*.b.com", "Prefix / w")];
    let cases = [
        ("http://a.com./x", "301 https://a.com/x"),
        ("http://a.com.:8080/x", "301 https://a.com:8080/x"),
        ("https://a.com./x", "n/s"),
        ("https://a.com.:443/x", "n/s"),
        ("http://x.b.com./", "301 https://x.b.com/"),
    ];
    check_with(KIND, &[told("n/i", &[(FORCE_SSL, "true")], &["a.com"], &paths)], &settings, &cases);
}

#[test]
fn a_host_whose_secret_is_missing_has_no_tls() {
    let tls = told("n/tls", &[], &["a.com"], &[("a.com", "Prefix /x s")]);
    let decide = |secrets: Option<&[&str]>| -> Decision {
        let ingresses = [&tls];
        let mut snapshot = snapshot(std::slice::from_ref(&tls));
        snapshot.secrets = secrets.map(|names| names.iter().map(|name| Name::new("n", *name)).collect());
        let input = Input { ingresses: &ingresses, snapshot: &snapshot, settings: &Settings::default() };
        Contour.compile(&input).decide(&Request::parse("https://a.com/x").expect("a URL"))
    };
    assert_eq!(decide(Some(&["cert"])).outcome, Outcome::Routed);
    assert_eq!(decide(Some(&["other"])).outcome, Outcome::Refused);
    let unseen = decide(None);
    assert_eq!(
        (unseen.outcome, unseen.notes),
        (Outcome::Routed, vec![Note::SecretUnseen(Name::new("n", "cert"))])
    );
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
}

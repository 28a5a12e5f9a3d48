//! What the controller and its load balancers do, case by case.

use crate::analysis::routing::fixtures::{
    Case, annotated, brief, check_with, edits, misses_are_mended, reasons, set_default, snapshot, table,
};
use crate::analysis::routing::{Basis, Note, Outcome, Reason, Refusal, RoutingModel, model_for};
use crate::model::controller::{ControllerKind, Flag, Settings};
use crate::model::ingress::{Backend, Ingress, PortRef};
use crate::model::request::Request;
use crate::model::snapshot::Listing;

const ALB: ControllerKind = ControllerKind::AwsAlb;
const BOTH: (&str, &str) = ("listen-ports", r#"[{"HTTP": 80}, {"HTTPS": 443}]"#);

/// An Ingress with annotations of this controller.
fn alb(name: &str, annotations: &[(&str, &str)], paths: &[(&str, &str)]) -> Ingress {
    let mut ingress = annotated(name, 1, &[], paths);
    let own = |(key, value): &(&str, &str)| (format!("alb.ingress.kubernetes.io/{key}"), (*value).to_owned());
    ingress.meta.annotations = annotations.iter().map(own).collect();
    ingress
}

fn use_annotation(ingress: &mut Ingress, path: usize) {
    let path = &mut ingress.rules[0].paths.as_mut().expect("paths")[path];
    let (name, _) = path.backend.service().expect("a Service");
    let name = name.to_owned();
    path.backend = Backend::Service { name, port: PortRef::Name("use-annotation".to_owned()) };
}

fn check(ingresses: &[Ingress], cases: &[Case<'_>]) {
    check_with(ALB, ingresses, &Settings::default(), cases);
}

fn flag(name: &str, value: &str) -> Settings {
    let flag = Flag { index: 0, in_command: false, name: name.to_owned(), value: Some(value.to_owned()) };
    Settings { args: vec![flag], ..Settings::default() }
}

#[test]
fn the_model_is_exact() {
    assert_eq!(model_for(ALB).map(RoutingModel::basis), Some(Basis::Exact));
}

#[test]
fn inside_a_rule_exact_comes_first_then_the_longest_prefix_then_the_rest_as_written() {
    let paths = [
        ("a.example", "ImplementationSpecific /x/* star"),
        ("a.example", "ImplementationSpecific /* all"),
        ("a.example", "Prefix /x x"),
        ("a.example", "Prefix /x/y/ xy"),
        ("a.example", "Exact /x/y exact"),
    ];
    check(
        &[alb("n/i", &[], &paths)],
        &[
            ("http://a.example/x/y", "n/exact"),
            ("http://a.example/x/y/", "n/xy"),
            ("http://a.example/x/z", "n/x"),
            ("http://a.example/xz", "n/all"),
            ("http://a.example/X", "n/all"),
            ("http://A.example:80/x", "n/x"),
        ],
    );
}

#[test]
fn rules_are_never_sorted_across_rules_or_ingresses() {
    let first = alb("n/a", &[("group.name", "g")], &[("", "Prefix / any")]);
    let second = alb("n/b", &[("group.name", "g")], &[("a.example", "Exact /x x")]);
    check(&[second.clone(), first.clone()], &[("http://a.example/x", "n/any")]);
    let early = alb("n/b", &[("group.name", "g"), ("group.order", "-5")], &[("a.example", "Exact /x x")]);
    check(&[first, early], &[("http://a.example/x", "n/x"), ("http://a.example/y", "n/any")]);
}

#[test]
fn one_host_twice_in_an_ingress_is_two_rules_in_order() {
    let mut twice = alb("n/i", &[], &[("a.example", "Prefix / first")]);
    twice.rules.extend(alb("n/i", &[], &[("a.example", "Exact /x second")]).rules);
    check(&[twice], &[("http://a.example/x", "n/first")]);
}

#[test]
fn wildcards_of_hosts_take_any_number_of_labels_and_paths_fall_through() {
    let paths = [("a.w.example", "Prefix /x own"), ("*.w.example", "Prefix /y wild"), ("", "Prefix /z any")];
    check(
        &[alb("n/i", &[], &paths)],
        &[
            ("http://a.w.example/x", "n/own"),
            ("http://a.w.example/y", "n/wild"),
            ("http://a.w.example/z", "n/any"),
            ("http://c.b.w.example/y", "n/wild"),
            ("http://w.example/y", "404"),
            ("http://other.example/z", "n/any"),
        ],
    );
}

#[test]
fn implementation_specific_paths_are_globs_and_an_empty_path_is_any() {
    let paths = [
        ("a.example", "ImplementationSpecific /lit lit"),
        ("a.example", "ImplementationSpecific /a?c/*/x glob"),
        ("b.example", "ImplementationSpecific  any"),
    ];
    check(
        &[alb("n/i", &[], &paths)],
        &[
            ("http://a.example/lit", "n/lit"),
            ("http://a.example/lit/x", "404"),
            ("http://a.example/abc/d/e/x", "n/glob"),
            ("http://a.example/ac/d/x", "404"),
            ("http://b.example/what/ever", "n/any"),
        ],
    );
}

#[test]
fn a_regular_expression_is_certain_only_where_its_anchors_do_not_matter() {
    let paths = [("a.example", "ImplementationSpecific /v[0-9]+ regex"), ("a.example", "Prefix /v1 prefix")];
    // Prefix paths come first, so that the pattern decides only what they leave.
    check(
        &[alb("n/i", &[("use-regex-path-match", "true")], &paths)],
        &[
            ("http://a.example/v1/x", "n/prefix"),
            ("http://a.example/v12", "n/regex"),
            ("http://a.example/w", "404"),
        ],
    );
    let one = alb("n/i", &[("use-regex-path-match", "true")], &paths[..1]);
    let request = Request::parse("http://a.example/v12/x").expect("url");
    let decision = table(ALB, &[one], &Settings::default()).decide(&request);
    assert_eq!(decision.outcome, Outcome::Undefined);
    assert!(decision.notes.iter().any(|note| matches!(note, Note::PatternUndecided { .. })));
}

#[test]
fn what_cannot_be_built_fails_the_whole_group_and_no_other() {
    let good = alb("n/good", &[("group.name", "g")], &[("a.example", "Prefix / s")]);
    let other = alb("n/other", &[], &[("b.example", "Prefix / s")]);
    let member = |annotations: &[(&str, &str)], path: &str| {
        let mut all = vec![("group.name", "g")];
        all.extend(annotations);
        alb("n/member", &all, &[("c.example", path)])
    };
    let mut resource = member(&[], "Prefix / s");
    resource.rules[0].paths.as_mut().expect("paths")[0].backend =
        Backend::Resource { kind: "Bucket".to_owned(), name: "b".to_owned() };
    let mut port = member(&[], "Prefix / s");
    port.rules[0].paths.as_mut().expect("paths")[0].backend =
        Backend::Service { name: "s".to_owned(), port: PortRef::Number(81) };
    for bad in [
        member(&[], "Exact /a* s"),
        member(&[], "Prefix /a? s"),
        member(&[("group.order", "first")], "Prefix / s"),
        member(&[("listen-ports", "80")], "Prefix / s"),
        member(&[("listen-ports", r#"[{"TCP": 80}]"#)], "Prefix / s"),
        member(&[("ssl-redirect", "443")], "Prefix / s"),
        member(&[("conditions.s", "[{}]")], "Prefix / s"),
        resource,
        port,
    ] {
        let all = [good.clone(), other.clone(), bad];
        check(&all, &[("http://a.example/", "refused"), ("http://b.example/", "n/s")]);
        assert!(table(ALB, &all, &Settings::default()).reload_failure().is_none());
        let alone = table(ALB, &[all[0].clone(), all[2].clone()], &Settings::default());
        let failure = alone.reload_failure().expect("a failure");
        assert_eq!(failure.between.iter().map(ToString::to_string).collect::<Vec<_>>(), ["n/member"]);
    }
}

#[test]
fn a_group_has_one_default_backend_and_without_one_answers_404() {
    let mut one = alb("n/one", &[("group.name", "g")], &[("a.example", "Prefix /x s")]);
    set_default(&mut one, "one");
    let mut two = alb("n/two", &[("group.name", "g")], &[("b.example", "Prefix /x s")]);
    check(
        &[one.clone(), two.clone()],
        &[("http://b.example/else", "n/one"), ("http://nobody.example/", "n/one")],
    );
    set_default(&mut two, "two");
    check(&[one, two.clone()], &[("http://a.example/x", "refused")]);
    two.default_backend = None;
    check(&[two], &[("http://b.example/else", "404")]);
}

#[test]
fn a_missing_service_or_action_is_a_fixed_503_unless_that_is_not_tolerated() {
    let mut ingress = alb("n/i", &[], &[("a.example", "Prefix /gone gone"), ("a.example", "Prefix /act s")]);
    use_annotation(&mut ingress, 1);
    let all = [ingress, alb("n/other", &[], &[("b.example", "Prefix /dead dead")])];
    check(
        &all,
        &[
            ("http://a.example/gone", "503"),
            ("http://a.example/act", "503"),
            ("http://b.example/dead", "503"),
        ],
    );
    for name in ["tolerate-non-existent-backend-service", "tolerate-non-existent-backend-action"] {
        check_with(ALB, &all, &flag(name, "false"), &[("http://a.example/gone", "refused")]);
    }
}

#[test]
fn instance_targets_need_a_node_port() {
    let plain = alb("n/i", &[], &[("a.example", "Prefix / s")]);
    let pods = alb("n/i", &[("target-type", "ip")], &[("a.example", "Prefix / s")]);
    let decide = |ingress: &Ingress, settings: &Settings| {
        let mut snapshot = snapshot(std::slice::from_ref(ingress));
        let mut services = snapshot.services.items().to_vec();
        services[0].ports[0].node_port = None;
        snapshot.services = Listing::complete(crate::model::object::Kind::Service, services);
        let input = super::Input { ingresses: &[ingress], snapshot: &snapshot, settings };
        let request = Request::parse("http://a.example/").expect("url");
        brief(&super::AwsAlb.compile(&input).decide(&request), &request)
    };
    assert_eq!(decide(&plain, &Settings::default()), "refused");
    assert_eq!(decide(&pods, &Settings::default()), "n/s");
    assert_eq!(decide(&plain, &flag("default-target-type", "ip")), "n/s");
}

#[test]
fn actions_forward_redirect_or_answer() {
    let actions = [
        ("actions.fixed", r#"{"type":"fixed-response","fixedResponseConfig":{"statusCode":"404"}}"#),
        (
            "actions.move",
            r##"{"type":"redirect","redirectConfig":{"host":"new.example","path":"/v2/#{path}","query":"a=b","statusCode":"HTTP_302"}}"##,
        ),
        (
            "actions.split",
            r#"{"type":"forward","forwardConfig":{"targetGroups":[{"serviceName":"s","servicePort":80,"weight":20},{"serviceName":"t","servicePort":"80","weight":80},{"serviceName":"u","servicePort":80,"weight":0}]}}"#,
        ),
        ("actions.arn", r#"{"type":"forward","targetGroupARN":"arn:aws:x"}"#),
    ];
    let mut ingress = alb(
        "n/i",
        &actions,
        &[
            ("a.example", "Exact /fixed fixed"),
            ("a.example", "Prefix /move move"),
            ("a.example", "Prefix /split split"),
            ("a.example", "Prefix /arn arn"),
        ],
    );
    (0..4).for_each(|path| use_annotation(&mut ingress, path));
    let used = alb(
        "n/used",
        &[],
        &[("b.example", "Prefix /s s"), ("b.example", "Prefix /t t"), ("b.example", "Prefix /u u")],
    );
    check(
        &[ingress, used],
        &[
            ("http://a.example/fixed", "404"),
            ("http://a.example/move/x?q", "302 http://new.example:80/v2/move/x?a=b"),
            ("http://a.example/split", "one of n/s, n/t"),
            ("http://a.example/arn", "?"),
        ],
    );
}

#[test]
fn redirects_to_themselves_are_left_out() {
    let to_https =
        r#"{"type":"redirect","redirectConfig":{"protocol":"HTTPS","port":"443","statusCode":"HTTP_301"}}"#;
    let mut ingress = alb(
        "n/i",
        &[BOTH, ("actions.redirect", to_https)],
        &[("", "ImplementationSpecific /* redirect"), ("a.example", "Prefix / s")],
    );
    use_annotation(&mut ingress, 0);
    check(
        &[ingress],
        &[("http://a.example/x?y", "301 https://a.example:443/x?y"), ("https://a.example/x?y", "n/s")],
    );
}

#[test]
fn ssl_redirect_leaves_plain_listeners_nothing_else() {
    let secure =
        alb("n/a", &[("group.name", "g"), BOTH, ("ssl-redirect", "443")], &[("a.example", "Prefix / s")]);
    let member = alb("n/b", &[("group.name", "g"), BOTH], &[("b.example", "Prefix /x t")]);
    check(
        &[secure, member],
        &[
            ("http://b.example/else?q=1", "301 https://b.example:443/else?q=1"),
            ("https://b.example/x", "n/t"),
            ("https://a.example/x", "n/s"),
        ],
    );
}

#[test]
fn only_the_ports_of_an_ingress_are_listened_on() {
    let plain = alb("n/plain", &[], &[("a.example", "Prefix / s")]);
    let cert = alb("n/cert", &[("certificate-arn", "arn:aws:acm:x")], &[("b.example", "Prefix / s")]);
    let custom = alb("n/custom", &[("listen-ports", r#"[{"HTTP": 8080}]"#)], &[("c.example", "Prefix / s")]);
    let all = [plain, cert, custom];
    check(
        &all,
        &[
            ("http://a.example/", "n/s"),
            ("https://a.example/", "refused"),
            ("http://b.example/", "refused"),
            ("https://b.example/", "n/s"),
            ("http://c.example/", "refused"),
            ("http://c.example:8080/", "n/s"),
        ],
    );
    let request = Request::parse("https://a.example/").expect("url");
    let decision = table(ALB, &all, &Settings::default()).decide(&request);
    assert!(decision.notes.contains(&Note::NoListener { port: 443 }));
}

#[test]
fn conditions_ask_for_more_than_host_and_path() {
    let conditions = r#"[{"field":"http-header","httpHeaderConfig":{"httpHeaderName":"X-Tenant","values":["blue*"]}},
        {"field":"http-request-method","httpRequestMethodConfig":{"values":["GET","HEAD"]}},
        {"field":"query-string","queryStringConfig":{"values":[{"key":"v","value":"2"},{"value":"beta"}]}},
        {"field":"host-header","hostHeaderConfig":{"values":["also.example"]}}]"#;
    let ingress = alb(
        "n/i",
        &[("conditions.s", conditions)],
        &[("a.example", "Prefix / s"), ("a.example", "ImplementationSpecific /* rest")],
    );
    let table = table(ALB, &[ingress], &Settings::default());
    for (method, url, tenant, expected) in [
        ("GET", "http://a.example/x?v=2", "Blue-1", "n/s"),
        ("GET", "http://also.example/x?q=beta", "blue", "n/s"),
        ("POST", "http://a.example/x?v=2", "blue", "n/rest"),
        ("GET", "http://a.example/x?v=3", "blue", "n/rest"),
        ("GET", "http://a.example/x?v=2", "red", "n/rest"),
    ] {
        let mut request = Request::parse(url).expect(url);
        method.clone_into(&mut request.method);
        request.headers = vec![("x-tenant".to_owned(), tenant.to_owned())];
        assert_eq!(brief(&table.decide(&request), &request), expected, "{method} {url} {tenant}");
    }
    let address = r#"[{"field":"source-ip","sourceIPConfig":{"values":["10.0.0.0/8"]}}]"#;
    let listed = alb(
        "n/i",
        &[("conditions.s", address)],
        &[("a.example", "Prefix / s"), ("a.example", "ImplementationSpecific /* rest")],
    );
    check(&[listed], &[("http://a.example/", "one of n/rest, n/s")]);
    let two = alb(
        "n/i",
        &[("conditions.s", address), ("conditions.t", address)],
        &[("a.example", "Prefix /x s"), ("a.example", "Prefix / t")],
    );
    check(&[two], &[("http://a.example/x", "one of n/s, n/t or 404")]);
}

#[test]
fn load_balancers_are_told_apart_by_host_and_address() {
    let mut one = alb("n/one", &[], &[("", "Prefix / one")]);
    one.addresses = vec!["one.elb.amazonaws.com".to_owned()];
    let two = alb("n/two", &[], &[("", "Prefix / two")]);
    let named = alb("n/named", &[], &[("a.example", "Prefix /x named")]);
    check(
        &[one, two, named],
        &[
            ("http://one.elb.amazonaws.com/", "n/one"),
            ("http://a.example/x", "n/named"),
            ("http://a.example/else", "404"),
            ("http://other.example/", "one of n/one, n/two"),
        ],
    );
}

#[test]
fn an_impossible_group_name_leaves_the_ingress_out() {
    let bad = alb("n/bad", &[("group.name", "Not Good")], &[("a.example", "Prefix / s")]);
    let table = table(ALB, &[bad], &Settings::default());
    let key = "alb.ingress.kubernetes.io/group.name".to_owned();
    assert_eq!(
        table.refused().iter().map(|(_, why)| why.clone()).collect::<Vec<_>>(),
        [Refusal::InvalidAnnotation { key }]
    );
}

#[test]
fn losers_have_their_reasons() {
    let group = ("group.name", "g");
    let all = [
        alb("n/a", &[group], &[("a.example", "Prefix /x s"), ("b.example", "Prefix /x s")]),
        alb(
            "n/b",
            &[
                group,
                (
                    "conditions.t",
                    r#"[{"field":"http-request-method","httpRequestMethodConfig":{"values":["PUT"]}}]"#,
                ),
            ],
            &[("a.example", "Prefix /x t"), ("a.example", "Prefix /y s")],
        ),
        alb("n/c", &[], &[("", "Prefix /x s")]),
    ];
    let request = Request::parse("http://a.example/x").expect("url");
    let lost = table(ALB, &all, &Settings::default()).explain(&request, 20).eliminated;
    let word = |reason: &Reason| match reason {
        Reason::ConditionDiffers { field } => format!("condition {field}"),
        Reason::OtherServer { chosen } => format!("elsewhere {chosen}"),
        other => format!("{other:?}"),
    };
    let found: Vec<String> =
        lost.iter().map(|lost| format!("{} {}: {}", lost.ingress, lost.path, word(&lost.reason))).collect();
    assert_eq!(
        found,
        [
            "n/b /x: condition http-request-method",
            "n/b /y: PathDiffers",
            "n/c /x: elsewhere g",
            "n/a /x: HostDiffers",
        ]
    );
}

#[test]
fn near_misses_are_mended_by_their_edits() {
    let all = [alb(
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
        "http://shop.example.com/else/where",
        "http://www.shop.example.com/foo",
        "http://203.0.113.9/foo",
    ] {
        misses_are_mended(ALB, &all, url);
    }
}

#[test]
fn what_is_not_loaded_or_not_built_says_so() {
    let path = [("a.example", "Prefix /x s"), ("a.example", "Exact /y s")];
    let bad = [alb("n/bad", &[("group.name", "Not A Name")], &path)];
    assert_eq!(reasons(ALB, &bad, "http://a.example/x"), ["n/bad /x: not loaded", "n/bad /y: not loaded"]);
    let without = ["n/bad without alb.ingress.kubernetes.io/group.name"];
    assert_eq!(edits(ALB, &bad, "http://a.example/x"), without);
    // One path that cannot be built keeps the old rules of all.
    let failing = [alb("n/i", &[], &[("a.example", "Exact /y s"), ("a.example", "Exact /* s")])];
    let lost = reasons(ALB, &failing, "http://a.example/*");
    assert!(lost.contains(&"n/i /*: left out, ReloadFails".to_owned()), "{lost:?}");
    assert!(edits(ALB, &failing, "http://www.a.example/y").is_empty());
    // Nothing listens there, whatever the rules say.
    let plain = [alb("n/i", &[], &[("a.example", "Exact /y s")])];
    assert_eq!(reasons(ALB, &plain, "https://a.example/y"), ["n/i /y: not at 443, tls true"]);
    assert_eq!(edits(ALB, &plain, "http://www.a.example/y"), ["n/i host www.a.example"]);
    assert!(edits(ALB, &plain, "https://www.a.example/y").is_empty());
}

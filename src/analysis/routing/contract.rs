//! What a naive implementation gets wrong, one test each; and the documented cases of the Ingress API
//! under its own text and under the models that are exact.
//!
//! Two of the ten points are not routing: what is not logged by default is held by the tests of
//! `analysis::logs::silence`, how little a body proves by those of `analysis::voice`. The class of an
//! Ingress is judged in `analysis::adoption`.
//! Sources: kubernetes/website `docs/concepts/services-networking/ingress.md`;
//! kubernetes-sigs/ingress-controller-conformance `features/` @f91a799.

use super::fixtures::{annotated, brief, ingress, set_default, table};
use crate::model::controller::ControllerKind::{
    self, Agic, Apisix, AwsAlb, Cilium, Contour, F5Nginx, HaproxyIngress, Haproxytech, IngressNginx, Istio,
    Kong, Spec, Traefik, TraefikIngressNginx,
};
use crate::model::controller::Settings;
use crate::model::ingress::{Ingress, Tls};
use crate::model::request::Request;

fn ask(kind: ControllerKind, ingresses: &[Ingress], method: &str, url: &str) -> String {
    let request = Request { method: method.to_owned(), ..Request::parse(url).expect(url) };
    brief(&table(kind, ingresses, &Settings::default()).decide(&request), &request)
}

/// One question to many models, by the answer they give.
fn each(ingresses: &[Ingress], url: &str, expected: &[(&str, &[ControllerKind])]) {
    for (answer, kinds) in expected {
        for kind in *kinds {
            assert_eq!(ask(*kind, ingresses, "GET", url), *answer, "{kind:?} {url}");
        }
    }
}

#[test]
fn a_path_that_a_known_host_does_not_have_is_looked_for_elsewhere_only_by_some() {
    each(
        &[ingress("n/i", &[("a.example", "Prefix /x s"), ("*.example", "Prefix / wild")])],
        "http://a.example/else",
        &[
            ("404", &[Spec, IngressNginx, F5Nginx, Haproxytech, Contour, Istio, Cilium]),
            ("n/wild", &[Traefik, TraefikIngressNginx, HaproxyIngress, Kong, AwsAlb, Apisix]),
        ],
    );
}

#[test]
fn prefixes_are_made_of_elements_only_with_some() {
    each(
        &[ingress("n/i", &[("a.example", "Prefix /foo s")])],
        "http://a.example/foobar",
        &[
            ("404", &[Spec, IngressNginx, TraefikIngressNginx, Haproxytech, HaproxyIngress, Contour]),
            ("404", &[Istio, Cilium, Kong, AwsAlb, Apisix]),
            ("n/s", &[Traefik, F5Nginx, Agic]),
        ],
    );
}

#[test]
fn exact_wins_over_prefix_only_with_some() {
    let both = ingress("n/i", &[("a.example", "Prefix /foo p"), ("a.example", "Exact /foo e")]);
    each(
        &[both],
        "http://a.example/foo",
        &[
            ("n/e", &[Spec, IngressNginx, F5Nginx, Haproxytech, HaproxyIngress, Contour, Istio, Cilium]),
            ("n/e", &[AwsAlb, Agic]),
            ("n/p", &[Traefik, TraefikIngressNginx]),
        ],
    );
    let root = ingress("n/i", &[("a.example", "Prefix / p"), ("a.example", "Exact /foo e")]);
    each(
        &[root],
        "http://a.example/foo",
        &[("n/e", &[Spec, IngressNginx, F5Nginx]), ("n/p", &[Traefik, TraefikIngressNginx])],
    );
}

#[test]
fn what_implementation_specific_means_is_every_controllers_own() {
    let rules = [ingress("n/i", &[("a.example", "ImplementationSpecific /foo s")])];
    each(
        &rules,
        "http://a.example/foobar",
        &[
            ("404", &[Spec, IngressNginx, TraefikIngressNginx, Istio, Cilium, AwsAlb, Apisix]),
            ("n/s", &[Traefik, F5Nginx, Haproxytech, HaproxyIngress, Contour, Kong]),
        ],
    );
    each(
        &rules,
        "http://a.example/foo/x",
        &[
            ("n/s", &[Spec, IngressNginx, TraefikIngressNginx, Traefik, F5Nginx, Haproxytech, Contour, Kong]),
            ("404", &[Istio, Cilium, AwsAlb, Apisix]),
        ],
    );
}

#[test]
fn one_annotation_on_one_ingress_changes_every_path_of_the_host() {
    let exact = annotated("n/exact", 2, &[], &[("a.example", "Exact /foo s")]);
    let elsewhere = [("use-regex", "true")];
    let other = annotated("n/other", 1, &elsewhere, &[("a.example", "ImplementationSpecific /v[0-9] v")]);
    let rewriting = annotated("n/other", 1, &[("rewrite-target", "/r")], &[("a.example", "Prefix /v v")]);
    let url = "http://a.example/FOObar";
    each(std::slice::from_ref(&exact), url, &[("404", &[IngressNginx, F5Nginx])]);
    for one in [other, rewriting] {
        each(&[exact.clone(), one], url, &[("n/s", &[IngressNginx]), ("404", &[F5Nginx])]);
    }
}

#[test]
fn who_wins_a_duplicate_is_every_controllers_own() {
    let old = annotated("n/old", 9, &[], &[("a.example", "Prefix /x z-old")]);
    let young = annotated("n/young", 1, &[], &[("a.example", "Prefix /x a-young")]);
    each(
        &[young, old],
        "http://a.example/x",
        &[
            ("n/z-old", &[IngressNginx, F5Nginx, HaproxyIngress, Istio]),
            ("n/a-young", &[Haproxytech]),
            ("one of n/a-young, n/z-old", &[Spec, Traefik, TraefikIngressNginx, Contour, Cilium]),
        ],
    );
}

#[test]
fn a_missing_service_and_one_without_endpoints_are_404_or_5xx() {
    let rules = ingress("n/i", &[("a.example", "Prefix /gone gone"), ("a.example", "Prefix /dead dead")]);
    let rules = [rules];
    each(
        &rules,
        "http://a.example/gone",
        &[
            ("503", &[IngressNginx, TraefikIngressNginx, Kong, AwsAlb, Apisix]),
            ("404", &[Traefik, Haproxytech, HaproxyIngress, Contour]),
            ("502", &[F5Nginx]),
        ],
    );
    each(
        &rules,
        "http://a.example/dead",
        &[
            (
                "503",
                &[IngressNginx, TraefikIngressNginx, Haproxytech, HaproxyIngress, Contour, Istio, Cilium],
            ),
            ("503", &[Kong, AwsAlb, Apisix]),
            ("404", &[Traefik]),
            ("502", &[F5Nginx]),
        ],
    );
}

#[test]
fn default_backends_have_their_scopes() {
    let mut with_rules = ingress("n/i", &[("a.example", "Prefix /x s")]);
    set_default(&mut with_rules, "d");
    let with_rules = [with_rules];
    each(
        &with_rules,
        "http://a.example/else",
        &[("n/d", &[IngressNginx, TraefikIngressNginx, F5Nginx, Haproxytech, AwsAlb]), ("404", &[Traefik])],
    );
    each(
        &with_rules,
        "http://nobody/",
        &[("404", &[IngressNginx, TraefikIngressNginx, F5Nginx, Traefik]), ("n/d", &[Haproxytech, AwsAlb])],
    );
    let mut alone = ingress("n/i", &[]);
    set_default(&mut alone, "d");
    each(
        &[alone],
        "http://nobody/",
        &[
            ("n/d", &[Spec, IngressNginx, TraefikIngressNginx, Traefik, Haproxytech, Contour, AwsAlb]),
            ("404", &[F5Nginx]),
        ],
    );
}

#[test]
fn without_a_default_backend_nobody_answers_404() {
    each(
        &[ingress("n/i", &[("a.example", "Prefix /x s")])],
        "http://nobody/",
        &[("404", &[Spec, IngressNginx, Traefik, TraefikIngressNginx, F5Nginx, Haproxytech, Contour])],
    );
}

#[test]
fn a_missing_slash_is_a_redirect_with_nginx_and_404_or_nothing_elsewhere() {
    each(
        &[ingress("n/i", &[("a.example", "Prefix /foo/ s")])],
        "http://a.example/foo",
        &[
            ("301 http://a.example/foo/", &[IngressNginx, F5Nginx]),
            ("404", &[Traefik]),
            ("n/s", &[Spec, TraefikIngressNginx]),
        ],
    );
}

#[test]
fn a_wildcard_is_one_label_or_many() {
    let rules = [ingress("n/i", &[("*.foo.com", "Prefix / s")])];
    each(
        &rules,
        "http://bar.foo.com/",
        &[("n/s", &[Spec, IngressNginx, Traefik, TraefikIngressNginx, F5Nginx, Haproxytech, Contour, Istio])],
    );
    each(
        &rules,
        "http://baz.bar.foo.com/",
        &[
            ("404", &[Spec, IngressNginx, Traefik, TraefikIngressNginx, Haproxytech, Contour, Cilium]),
            ("n/s", &[F5Nginx, Istio, Kong, AwsAlb]),
        ],
    );
    each(
        &rules,
        "http://foo.com/",
        &[("404", &[Spec, IngressNginx, Traefik, TraefikIngressNginx, F5Nginx, Haproxytech, Contour])],
    );
}

/// The models whose answers to the conformance features are known, observed or derived.
const ALL: [ControllerKind; 5] = [Spec, IngressNginx, F5Nginx, Traefik, TraefikIngressNginx];

/// A URL, what the feature expects, and who deviates.
type Row<'a> = (&'a str, &'a str, &'a [(ControllerKind, &'a str)]);

fn feature(ingresses: &[Ingress], method: &str, rows: &[Row<'_>]) {
    for (url, expected, deviations) in rows {
        for kind in ALL {
            let deviation = deviations.iter().find(|(who, _)| *who == kind);
            let expected = deviation.map_or(*expected, |(_, answer)| *answer);
            assert_eq!(ask(kind, ingresses, method, url), expected, "{kind:?} {method} {url}");
        }
    }
}

/// F5 rejects Ingresses without rules.
#[test]
fn the_default_backend_feature_holds() {
    let mut default = ingress("n/default", &[]);
    set_default(&mut default, "echo-service");
    for (method, url) in [
        ("GET", "http://my-host/"),
        ("GET", "http://my-host/sub-path"),
        ("POST", "http://some-host/"),
        ("PUT", "http://192.0.2.1/resource"),
        ("DELETE", "http://some-host/resource"),
        ("PATCH", "http://my-host/resource"),
    ] {
        feature(std::slice::from_ref(&default), method, &[(url, "n/echo-service", &[(F5Nginx, "404")])]);
    }
}

/// Every request of the feature for load balancing is this one, a hundred times.
#[test]
fn the_load_balancing_feature_holds() {
    let mut default = ingress("n/default", &[]);
    set_default(&mut default, "echo-service");
    feature(&[default], "GET", &[("http://load-balancing/", "n/echo-service", &[(F5Nginx, "404")])]);
}

#[test]
fn the_host_rules_feature_holds() {
    let hosts = ingress("n/hosts", &[("*.foo.com", "Prefix / wild"), ("foo.bar.com", "Prefix / own")]);
    feature(
        std::slice::from_ref(&hosts),
        "GET",
        &[
            ("http://foo.bar.com/", "n/own", &[]),
            ("http://subdomain.bar.com/", "404", &[]),
            ("http://bar.foo.com/", "n/wild", &[]),
            ("http://baz.bar.foo.com/", "404", &[(F5Nginx, "n/wild")]),
            ("http://foo.com/", "404", &[]),
        ],
    );
    // With TLS, as the feature has it, nginx redirects the plain request: that is no conformance.
    let mut secure = hosts;
    secure.tls =
        vec![Tls { hosts: vec!["foo.bar.com".to_owned()], secret: Some("conformance-tls".to_owned()) }];
    let secure = [secure];
    each(&secure, "https://foo.bar.com/", &[("n/own", &[Spec, IngressNginx])]);
    each(
        &secure,
        "http://foo.bar.com/",
        &[
            ("n/own", &[Spec, Traefik]),
            ("308 https://foo.bar.com", &[IngressNginx]),
            ("301 https://foo.bar.com:443/", &[F5Nginx]),
        ],
    );
}

#[test]
fn the_path_rules_feature_holds() {
    let paths = ingress(
        "n/paths",
        &[
            ("exact-path-rules", "Exact /foo foo-exact"),
            ("prefix-path-rules", "Prefix /foo foo-prefix"),
            ("prefix-path-rules", "Prefix /aaa/bbb aaa-slash-bbb-prefix"),
            ("prefix-path-rules", "Prefix /aaa aaa-prefix"),
            ("mixed-path-rules", "Prefix /foo foo-prefix"),
            ("mixed-path-rules", "Exact /foo foo-exact"),
            ("trailing-slash-path-rules", "Prefix /aaa/bbb/ aaa-slash-bbb-slash-prefix"),
            ("trailing-slash-path-rules", "Exact /foo/ foo-slash-exact"),
        ],
    );
    let slash = |path: &str| format!("301 http://trailing-slash-path-rules{path}/");
    let (long, short) = (slash("/aaa/bbb"), slash("/foo"));
    feature(
        &[paths],
        "GET",
        &[
            ("http://exact-path-rules/foo", "n/foo-exact", &[]),
            ("http://exact-path-rules/foo/", "404", &[]),
            ("http://exact-path-rules/FOO", "404", &[]),
            ("http://exact-path-rules/bar", "404", &[]),
            ("http://prefix-path-rules/foo", "n/foo-prefix", &[]),
            ("http://prefix-path-rules/foo/", "n/foo-prefix", &[]),
            ("http://prefix-path-rules/FOO", "404", &[]),
            ("http://prefix-path-rules/aaa/bbb", "n/aaa-slash-bbb-prefix", &[]),
            ("http://prefix-path-rules/aaa/bbb/ccc", "n/aaa-slash-bbb-prefix", &[]),
            ("http://prefix-path-rules/aaa/ccc", "n/aaa-prefix", &[]),
            (
                "http://prefix-path-rules/aaaccc",
                "404",
                &[(Traefik, "n/aaa-prefix"), (F5Nginx, "n/aaa-prefix")],
            ),
            (
                "http://prefix-path-rules/aaa/bbbccc",
                "n/aaa-prefix",
                &[(Traefik, "n/aaa-slash-bbb-prefix"), (F5Nginx, "n/aaa-slash-bbb-prefix")],
            ),
            (
                "http://mixed-path-rules/foo",
                "n/foo-exact",
                &[(Traefik, "n/foo-prefix"), (TraefikIngressNginx, "n/foo-prefix")],
            ),
            (
                "http://trailing-slash-path-rules/aaa/bbb",
                "n/aaa-slash-bbb-slash-prefix",
                &[(IngressNginx, &long), (F5Nginx, &long), (Traefik, "404")],
            ),
            ("http://trailing-slash-path-rules/aaa/bbb/", "n/aaa-slash-bbb-slash-prefix", &[]),
            ("http://trailing-slash-path-rules/foo", "404", &[(IngressNginx, &short), (F5Nginx, &short)]),
        ],
    );
}

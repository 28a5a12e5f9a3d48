//! Laws of the routing models, over generated Ingresses and hostile requests.

use proptest::prelude::*;
use routecause::analysis::routing::{Decision, Input, Outcome, RouteTable, model_for};
use routecause::model::controller::{ControllerKind, Settings};
use routecause::model::ingress::{Backend, Ingress, PathRule, PathType, Place, PortRef, Rule, Tls};
use routecause::model::object::{Kind, Name, ObjectMeta};
use routecause::model::request::Request;
use routecause::model::service::{Service, ServicePort};
use routecause::model::snapshot::{Listing, Snapshot};

const MODELS: [ControllerKind; 15] = [
    ControllerKind::Agic,
    ControllerKind::Apisix,
    ControllerKind::AwsAlb,
    ControllerKind::Cilium,
    ControllerKind::Contour,
    ControllerKind::F5Nginx,
    ControllerKind::Gce,
    ControllerKind::HaproxyIngress,
    ControllerKind::Haproxytech,
    ControllerKind::IngressNginx,
    ControllerKind::Istio,
    ControllerKind::Kong,
    ControllerKind::Spec,
    ControllerKind::Traefik,
    ControllerKind::TraefikIngressNginx,
];
/// Models in which the longest path of a host wins, and whether rules without a Service are left out.
const MOST_SPECIFIC: [(ControllerKind, bool); 5] = [
    (ControllerKind::Contour, true),
    (ControllerKind::F5Nginx, false),
    (ControllerKind::Haproxytech, true),
    (ControllerKind::IngressNginx, false),
    (ControllerKind::Spec, false),
];
const HOSTS: [&str; 6] = ["a.example", "b.example", "*.example", "www.a.example", "", "x.b.example"];
const PATHS: [&str; 10] =
    ["/", "/a", "/a/", "/a/b", "/A", "/a.b", "/a/(b|c)", "/a(/|$)(.*)", "/ab", "/a%20b"];
const SERVICES: [&str; 4] = ["one", "two", "three", "gone"];

fn path_type() -> impl Strategy<Value = PathType> {
    prop_oneof![Just(PathType::Exact), Just(PathType::Prefix), Just(PathType::ImplementationSpecific)]
}

fn backend() -> impl Strategy<Value = Backend> {
    let service = proptest::sample::select(&SERVICES[..])
        .prop_map(|name| Backend::Service { name: name.to_owned(), port: PortRef::Number(80) });
    let resource = Just(Backend::Resource { kind: "Bucket".to_owned(), name: "b".to_owned() });
    prop_oneof![9 => service, 1 => resource]
}

fn annotation() -> impl Strategy<Value = (&'static str, &'static str)> {
    proptest::sample::select(
        &[
            ("use-regex", "true"),
            ("rewrite-target", "/$2"),
            ("rewrite-target", "/"),
            ("permanent-redirect", "https://elsewhere.example/x"),
            ("force-ssl-redirect", "true"),
            ("app-root", "/start"),
            ("canary", "true"),
            ("canary-weight", "40"),
            ("server-alias", "b.example,~^w[0-9]+$"),
            ("server-alias", "bad alias"),
            ("from-to-www-redirect", "true"),
            ("default-backend", "three"),
            ("auth-type", "basic"),
        ][..],
    )
}

prop_compose! {
    fn ingress()(
        created in 0..4_i64,
        annotations in proptest::collection::vec(annotation(), 0..3),
        default in proptest::option::weighted(0.2, backend()),
        tls in any::<bool>(),
        paths in proptest::collection::vec(
            (proptest::sample::select(&HOSTS[..]), proptest::sample::select(&PATHS[..]), path_type(), backend()),
            0..5,
        ),
    ) -> Ingress {
        let key = |name: &str| format!("nginx.ingress.kubernetes.io/{name}");
        let rules = paths.into_iter().map(|(host, path, path_type, backend)| Rule {
            host: (!host.is_empty()).then(|| host.to_owned()),
            paths: Some(vec![PathRule { path: path.to_owned(), path_type, backend }]),
        });
        Ingress {
            meta: ObjectMeta {
                namespace: "n".to_owned(),
                created: chrono::DateTime::from_timestamp(created, 0),
                annotations: annotations.into_iter().map(|(k, v)| (key(k), v.to_owned())).collect(),
                ..ObjectMeta::default()
            },
            default_backend: default,
            rules: rules.collect(),
            tls: if tls { vec![Tls::default()] } else { Vec::new() },
            ..Ingress::default()
        }
    }
}

fn ingresses() -> impl Strategy<Value = Vec<Ingress>> {
    proptest::collection::vec(ingress(), 1..6).prop_map(|mut all| {
        for (at, ingress) in all.iter_mut().enumerate() {
            ingress.meta.name = format!("i{at}");
        }
        all
    })
}

fn request() -> impl Strategy<Value = Request> {
    let hosts = ["a.example", "b.example", "q.example", "www.a.example", "w12", "other", "A.EXAMPLE."];
    let paths = ["/", "/a", "/a/", "/a/b", "/A/b", "/a/c", "/axb", "/ab", "/a%20b", "//a/./b", "/a/../b"];
    let scheme = proptest::sample::select(&["http", "https"][..]);
    (scheme, proptest::sample::select(hosts.to_vec()), proptest::sample::select(paths.to_vec()))
        .prop_map(|(scheme, host, path)| Request::parse(&format!("{scheme}://{host}{path}")).expect("a URL"))
}

fn snapshot() -> Snapshot {
    let services = SERVICES.iter().filter(|name| **name != "gone").map(|name| Service {
        meta: ObjectMeta { namespace: "n".to_owned(), name: (*name).to_owned(), ..ObjectMeta::default() },
        ports: vec![ServicePort {
            name: None,
            number: 80,
            target: PortRef::Number(8080),
            node_port: Some(30080),
            protocol: "TCP".to_owned(),
        }],
        service_type: "NodePort".to_owned(),
        ..Service::default()
    });
    Snapshot {
        services: Listing::complete(Kind::Service, services.collect()),
        ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
    }
}

fn compile(kind: ControllerKind, ingresses: &[Ingress]) -> Box<dyn RouteTable> {
    let all: Vec<&Ingress> = ingresses.iter().collect();
    let input = Input { ingresses: &all, snapshot: &snapshot(), settings: &Settings::default() };
    model_for(kind).expect("a model").compile(&input)
}

/// Whether rules of two Ingresses on one host are compared by their paths at all.
fn competes(kind: ControllerKind, one: &Name, other: &Name) -> bool {
    match kind {
        ControllerKind::F5Nginx => one == other,
        _ => true,
    }
}

/// What a path of a rule amounts to under these models: longer is more specific.
fn length_of(ingresses: &[Ingress], decision: &Decision) -> Option<usize> {
    let winner = decision.winner.as_ref()?;
    let ingress = ingresses.iter().find(|ingress| ingress.meta.key() == winner.ingress)?;
    ingress.path_at(winner.place).map(|path| path.path.trim_end_matches('/').len())
}

proptest! {


    #[test]
    fn the_order_of_objects_does_not_matter(all in ingresses(), ask in request(), turn in 0..6_usize) {
        let mut turned = all.clone();
        let middle = turn % turned.len();
        turned.rotate_left(middle);
        for kind in MODELS {
            let (one, two) = (compile(kind, &all), compile(kind, &turned));
            prop_assert_eq!(one.decide(&ask), two.decide(&ask));
            prop_assert_eq!(one.explain(&ask, 5), two.explain(&ask, 5));
            prop_assert_eq!(one.refused(), two.refused());
            prop_assert_eq!(one.reload_failure(), two.reload_failure());
        }
    }

    #[test]
    fn an_unrelated_host_changes_nothing(all in ingresses(), ask in request(), path in path_type()) {
        let mut more = all.clone();
        more.push(Ingress {
            meta: ObjectMeta {
                namespace: "unrelated".to_owned(),
                name: "new".to_owned(),
                ..ObjectMeta::default()
            },
            rules: vec![Rule {
                host: Some("elsewhere.test".to_owned()),
                paths: Some(vec![PathRule {
                    path: "/a".to_owned(),
                    path_type: path,
                    backend: Backend::Service { name: "s".to_owned(), port: PortRef::Number(80) },
                }]),
            }],
            ..Ingress::default()
        });
        for kind in MODELS {
            let (before, after) = (compile(kind, &all), compile(kind, &more));
            prop_assert_eq!(before.decide(&ask), after.decide(&ask));
        }
    }

    #[test]
    fn no_rule_that_matches_is_more_specific_than_the_winner(mut all in ingresses(), ask in request()) {
        // Some models normalise paths and others do not.
        prop_assume!(!["%", "//", "/."].iter().any(|odd| ask.path.as_str().contains(odd)));
        for ingress in &mut all {
            ingress.meta.annotations.clear();
            ingress.tls.clear();
        }
        for (kind, leaves_out) in MOST_SPECIFIC {
            let table = compile(kind, &all);
            let decision = table.decide(&ask);
            if decision.outcome != Outcome::Routed || !matches!(
                decision.winner.as_ref().map(|winner| winner.place),
                Some(Place::Path(..))
            ) {
                continue;
            }
            let won = length_of(&all, &decision).expect("a path");
            let winner = decision.winner.as_ref().expect("a winner");
            let (host, path) = (&winner.host, ask.path.as_str());
            for ingress in all.iter().filter(|ingress| competes(kind, &ingress.meta.key(), &winner.ingress)) {
                for (_, _, other, rule) in ingress.path_rules() {
                    let bare = rule.path.trim_end_matches('/');
                    let takes = rule.path_type != PathType::Exact
                        && rule.backend.service().is_some_and(|(name, _)| !(leaves_out && name == "gone"))
                        && path.strip_prefix(bare).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                    if other == host && takes {
                        prop_assert!(bare.len() <= won, "{} beats {:?}", rule.path, decision);
                    }
                }
            }
        }
    }

    #[test]
    fn where_hosts_are_conditions_what_lost_can_go(all in ingresses(), ask in request()) {
        let kind = ControllerKind::Traefik;
        let decision = compile(kind, &all).decide(&ask);
        if decision.outcome == Outcome::Undefined {
            return Ok(());
        }
        let winner = decision.winner.as_ref().map(|winner| winner.ingress.clone());
        for lost in all.iter().filter(|ingress| Some(ingress.meta.key()) != winner) {
            let rest: Vec<Ingress> = all.iter().filter(|ingress| *ingress != lost).cloned().collect();
            prop_assert_eq!(&compile(kind, &rest).decide(&ask), &decision);
        }
    }

    #[test]
    fn whatever_is_asked_there_is_an_answer(
        all in ingresses(),
        host in "[a-zA-Z0-9._-]{0,12}",
        path in "(/|%[0-9a-f]{2}|\\.|[^\\x00-\\x20#?\\x7f]){0,30}",
        query in proptest::option::of("[^\\x00-\\x20#]{0,12}"),
    ) {
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let Ok(ask) = Request::parse(&format!("http://{host}/{path}{query}")) else { return Ok(()) };
        for kind in MODELS {
            let table = compile(kind, &all);
            let decision = table.decide(&ask);
            prop_assert!(decision.outcome == Outcome::Undefined || decision.one_of.is_empty());
            let explanation = table.explain(&ask, 4);
            prop_assert!(explanation.eliminated.len() <= 4 && explanation.nearest.len() <= 4);
        }
    }

    #[test]
    fn whatever_a_rule_says_it_can_be_compiled(
        host in "\\PC{0,12}",
        path in "\\PC{0,24}",
        value in "\\PC{0,24}",
        key in proptest::sample::select(&["rewrite-target", "server-alias", "permanent-redirect", "app-root"][..]),
    ) {
        let ingress = Ingress {
            meta: ObjectMeta {
                namespace: "n".to_owned(),
                name: "i".to_owned(),
                annotations: [
                    (format!("nginx.ingress.kubernetes.io/{key}"), value),
                    ("nginx.ingress.kubernetes.io/use-regex".to_owned(), "true".to_owned()),
                ].into(),
                ..ObjectMeta::default()
            },
            rules: vec![Rule {
                host: Some(host),
                paths: Some(vec![PathRule {
                    path,
                    path_type: PathType::ImplementationSpecific,
                    backend: Backend::Service { name: "one".to_owned(), port: PortRef::Number(80) },
                }]),
            }],
            ..Ingress::default()
        };
        let ask = Request::parse("http://a.example/a/b?c").expect("a URL");
        for kind in MODELS {
            let table = compile(kind, std::slice::from_ref(&ingress));
            table.decide(&ask);
            table.explain(&ask, 3);
        }
    }
}

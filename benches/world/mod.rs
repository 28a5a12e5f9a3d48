//! Clusters of many rules, ten for each Ingress, as one product reads them.

use routecause::model::controller::{Controller, ControllerKind};
use routecause::model::endpoints::{Endpoint, EndpointPort, EndpointSlice, SERVICE_LABEL};
use routecause::model::gateway::{Condition, FromNamespaces, Gateway, GatewayClass, Listener, Protocol};
use routecause::model::http_route::{
    BackendRef, HttpRoute, ParentRef, PathMatch, PathMatchKind, RouteMatch, RouteRule,
};
use routecause::model::ingress::{Backend, Ingress, PathRule, PathType, PortRef, Rule, Tls};
use routecause::model::ingress_class::IngressClass;
use routecause::model::object::{Kind, Name, ObjectKey, ObjectMeta};
use routecause::model::service::{Service, ServicePort};
use routecause::model::snapshot::{Listing, Snapshot};

const RULES_EACH: usize = 10;

/// How the Ingresses stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A host apiece.
    Hosts,
    /// A host apiece, every third with patterns.
    Patterns,
    /// All on one host.
    OneHost,
    /// All on one host, and all patterns.
    OneHostPatterns,
    /// Everything twice: every second rule loses to the other.
    Twice,
    /// A host apiece, and TLS for another one that is spelled almost like it.
    OtherTls,
    /// All of one Ingress, on one host.
    OneIngress,
}

impl Shape {
    pub(crate) const ALL: [Self; 7] = [
        Self::Hosts,
        Self::Patterns,
        Self::OneHost,
        Self::OneHostPatterns,
        Self::Twice,
        Self::OtherTls,
        Self::OneIngress,
    ];

    const fn has_patterns(self, number: usize) -> bool {
        matches!(self, Self::OneHostPatterns) || matches!(self, Self::Patterns) && number.is_multiple_of(3)
    }

    /// How many Ingresses have so many rules.
    pub(crate) const fn ingresses(self, rules: usize) -> usize {
        if matches!(self, Self::OneIngress) { 1 } else { rules / RULES_EACH }
    }

    /// What the paths of an Ingress begin with.
    pub(crate) fn team(self, number: usize) -> String {
        format!("/team-{}", if matches!(self, Self::Twice) { number / 2 } else { number })
    }

    pub(crate) fn host(self, number: usize) -> String {
        match self {
            Self::OneHost | Self::OneHostPatterns | Self::OneIngress => "big.example".to_owned(),
            Self::Twice => format!("h{}.example", number / 2),
            Self::Hosts | Self::Patterns | Self::OtherTls => format!("h{number}.example"),
        }
    }
}

/// A product and a shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) kind: ControllerKind,
    pub(crate) shape: Shape,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.kind, self.shape)
    }
}

/// Every product that fits, with every shape.
pub(crate) fn cases(fits: fn(ControllerKind) -> bool) -> impl Iterator<Item = Case> {
    let kinds = ControllerKind::ALL.into_iter().filter(move |kind| fits(*kind));
    kinds.flat_map(|kind| Shape::ALL.map(|shape| Case { kind, shape }))
}

/// So many rules and all that stands behind them, and the controller that reads them.
pub(crate) fn snapshot(Case { kind, shape }: Case, rules: usize) -> Snapshot {
    let count = shape.ingresses(rules);
    let (numbers, each) = (|| 0..count, rules / count);
    let (class, controller) = class(kind);
    let class = IngressClass {
        meta: ObjectMeta { name: class.to_owned(), ..ObjectMeta::default() },
        controller: Some(controller.to_owned()),
    };
    let mut snapshot = Snapshot {
        ingresses: Listing::complete(
            Kind::Ingress,
            numbers().map(|number| ingress(kind, shape, number, each)).collect(),
        ),
        classes: Listing::complete(Kind::IngressClass, vec![class]),
        services: Listing::complete(Kind::Service, numbers().map(service).collect()),
        slices: Listing::complete(Kind::EndpointSlice, numbers().map(slice).collect()),
        controllers: vec![running(kind)],
        ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
    };
    if kind.routes_by_gateways() {
        let routes = numbers().map(|number| route(shape, number, each)).collect();
        snapshot.gateway_classes = Listing::complete(Kind::GatewayClass, vec![gateway_class()]);
        snapshot.gateways = Listing::complete(Kind::Gateway, vec![gateway()]);
        snapshot.http_routes = Listing::complete(Kind::HttpRoute, routes);
        snapshot.grants = Listing::complete(Kind::ReferenceGrant, Vec::new());
    }
    snapshot
}

/// The class that a product takes, and the controller that such classes name.
const fn class(kind: ControllerKind) -> (&'static str, &'static str) {
    match kind {
        ControllerKind::Agic => ("azure-application-gateway", "azure/application-gateway"),
        ControllerKind::Apisix => ("apisix", "apisix.apache.org/apisix-ingress-controller"),
        ControllerKind::AwsAlb => ("alb", "ingress.k8s.aws/alb"),
        ControllerKind::Cilium => ("cilium", "cilium.io/ingress-controller"),
        ControllerKind::Contour => ("contour", "projectcontour.io/contour"),
        ControllerKind::F5Nginx => ("nginx", "nginx.org/ingress-controller"),
        ControllerKind::HaproxyIngress => ("haproxy", "haproxy-ingress.github.io/controller"),
        ControllerKind::Haproxytech => ("haproxy", "haproxy.org/ingress-controller"),
        ControllerKind::Istio => ("istio", "istio.io/ingress-controller"),
        ControllerKind::Kong => ("kong", "ingress-controllers.konghq.com/kong"),
        ControllerKind::Traefik => ("traefik", "traefik.io/ingress-controller"),
        ControllerKind::OpenshiftRouter => ("openshift-default", "openshift.io/ingress-to-route"),
        ControllerKind::IngressNginx
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::Gce
        | ControllerKind::Spec
        | ControllerKind::HttpRoute
        | ControllerKind::TraefikGateway => ("nginx", "k8s.io/ingress-nginx"),
    }
}

/// A path as a pattern, and the annotation without which the product reads none; a plain one where there are
/// no patterns, or where only a rewrite has them.
fn pattern(kind: ControllerKind, team: &str, at: usize) -> (String, Option<(&'static str, &'static str)>) {
    let plain = format!("{team}/part-{at}");
    let anchored = format!("{plain}(/|$)(.*)");
    match kind {
        ControllerKind::Agic | ControllerKind::AwsAlb | ControllerKind::Gce => (format!("{plain}/*"), None),
        ControllerKind::Apisix => (anchored, Some(("k8s.apisix.apache.org/use-regex", "true"))),
        ControllerKind::F5Nginx => (anchored, Some(("nginx.org/path-regex", "case_sensitive"))),
        ControllerKind::HaproxyIngress => (anchored, Some(("haproxy-ingress.github.io/path-type", "regex"))),
        ControllerKind::Haproxytech => (plain, Some(("haproxy.org/path-rewrite", "/(.*) /x/\\1"))),
        ControllerKind::Istio => (format!("{plain}.*"), None),
        ControllerKind::Spec => (plain, None),
        ControllerKind::Kong => (format!("/~{anchored}"), None),
        ControllerKind::Traefik => {
            (anchored, Some(("traefik.ingress.kubernetes.io/router.pathmatcher", "PathRegexp")))
        }
        ControllerKind::Cilium | ControllerKind::Contour => (anchored, None),
        ControllerKind::IngressNginx
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::OpenshiftRouter
        | ControllerKind::HttpRoute
        | ControllerKind::TraefikGateway => {
            (anchored, Some(("nginx.ingress.kubernetes.io/rewrite-target", "/$2")))
        }
    }
}

fn ingress(kind: ControllerKind, shape: Shape, number: usize, rules: usize) -> Ingress {
    let (team, patterns) = (shape.team(number), shape.has_patterns(number));
    let path = |at: usize| PathRule {
        path: if patterns { pattern(kind, &team, at).0 } else { format!("{team}/part-{at}") },
        path_type: if patterns { PathType::ImplementationSpecific } else { PathType::Prefix },
        backend: Backend::Service { name: format!("svc-{number}"), port: PortRef::Number(80) },
    };
    let annotation = pattern(kind, &team, 0).1.filter(|_| patterns);
    let other = Tls { hosts: vec![format!("h{number}.exmaple")], secret: Some("cert".to_owned()) };
    Ingress {
        meta: ObjectMeta {
            created: created(number),
            annotations: annotation
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            ..meta(number, "web")
        },
        class_name: (kind != ControllerKind::Gce).then(|| class(kind).0.to_owned()),
        tls: if shape == Shape::OtherTls { vec![other] } else { Vec::new() },
        rules: vec![Rule { host: Some(shape.host(number)), paths: Some((0..rules).map(path).collect()) }],
        ..Ingress::default()
    }
}

fn meta(number: usize, name: &str) -> ObjectMeta {
    ObjectMeta {
        namespace: format!("ns-{}", number % 50),
        name: format!("{name}-{number}"),
        ..ObjectMeta::default()
    }
}

fn created(number: usize) -> Option<chrono::DateTime<chrono::Utc>> {
    chrono::DateTime::from_timestamp(i64::try_from(number).unwrap_or(0), 0)
}

fn service(number: usize) -> Service {
    Service {
        meta: meta(number, "svc"),
        ports: vec![ServicePort {
            name: None,
            number: 80,
            target: PortRef::Number(8080),
            node_port: Some(30080),
            protocol: "TCP".to_owned(),
        }],
        service_type: "NodePort".to_owned(),
        ..Service::default()
    }
}

fn slice(number: usize) -> EndpointSlice {
    let mut meta = meta(number, "slice");
    meta.labels.insert(SERVICE_LABEL.to_owned(), format!("svc-{number}"));
    EndpointSlice {
        meta,
        ports: vec![EndpointPort { name: None, number: Some(8080) }],
        endpoints: vec![Endpoint {
            addresses: vec!["10.0.0.1".to_owned()],
            ready: true,
            ..Endpoint::default()
        }],
        ..EndpointSlice::default()
    }
}

fn running(kind: ControllerKind) -> Controller {
    Controller {
        kind,
        workload: ObjectKey::new(Kind::Deployment, "edge", "controller"),
        container_index: 0,
        container: "controller".to_owned(),
        image: String::new(),
        version: None,
        command: Vec::new(),
        args: Vec::new(),
        env: std::collections::BTreeMap::new(),
        pods: Vec::new(),
        config_map: None,
        services: Vec::new(),
    }
}

/// What the Ingress of this number says, as an HTTPRoute.
fn route(shape: Shape, number: usize, rules: usize) -> HttpRoute {
    let named = meta(number, "web");
    let team = shape.team(number);
    let path = |at: usize| match shape.has_patterns(number) {
        true => PathMatch { kind: PathMatchKind::Pattern, value: format!("{team}/part-{at}(/|$)(.*)") },
        false => PathMatch { kind: PathMatchKind::Prefix, value: format!("{team}/part-{at}") },
    };
    let rule = |at: usize| RouteRule {
        matches: vec![RouteMatch { path: path(at), ..RouteMatch::default() }],
        backends: vec![BackendRef {
            names_namespace: false,
            group: String::new(),
            kind: "Service".to_owned(),
            name: Name::new(&named.namespace, format!("svc-{number}")),
            port: Some(80),
            weight: 1,
            filters: Vec::new(),
        }],
        ..RouteRule::default()
    };
    let parent = ParentRef { is_gateway: true, name: Name::new("edge", "gw"), section: None, port: None };
    HttpRoute {
        parents: vec![parent],
        hostnames: vec![shape.host(number)],
        rules: (0..rules).map(rule).collect(),
        meta: ObjectMeta { created: created(number), ..named },
    }
}

fn gateway() -> Gateway {
    Gateway {
        meta: ObjectMeta { namespace: "edge".to_owned(), name: "gw".to_owned(), ..ObjectMeta::default() },
        class: "own".to_owned(),
        listeners: vec![Listener {
            name: "web".to_owned(),
            hostname: String::new(),
            port: 80,
            protocol: Protocol::Http,
            tls: None,
            namespaces: FromNamespaces::All,
            kinds: Vec::new(),
            programmed: Condition::True,
        }],
        addresses: Vec::new(),
    }
}

fn gateway_class() -> GatewayClass {
    GatewayClass {
        meta: ObjectMeta { name: "own".to_owned(), ..ObjectMeta::default() },
        controller: "traefik.io/gateway-controller".to_owned(),
        accepted: Condition::True,
    }
}

/// What any n log n look at all rules costs on this machine.
pub(crate) fn yardstick(bencher: divan::Bencher<'_, '_>, rules: usize) {
    let snapshot = snapshot(Case { kind: ControllerKind::IngressNginx, shape: Shape::Hosts }, rules);
    bencher.bench(|| {
        let mut all: Vec<(String, String)> = snapshot
            .ingresses
            .items()
            .iter()
            .flat_map(Ingress::path_rules)
            .map(|(_, _, host, rule)| (host.to_owned(), rule.path.clone()))
            .collect();
        all.sort();
        all
    });
}

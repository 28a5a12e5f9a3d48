//! Which controller, if any, takes an Ingress.
//!
//! Class selection differs by product: precedence of field and annotation, classless Ingresses,
//! default classes, watched namespaces. Each product's rule lies below with its source.
//! Three-valued: where a list that decides could not be seen, the answer is `Refusal::Undecided`.

use crate::model::controller::{Controller, ControllerKind, Settings};
use crate::model::ingress::Ingress;
use crate::model::object::Kind;
use crate::model::snapshot::Snapshot;

use super::routing::Refusal;

mod annotation_first;
pub mod annotations;
mod class;
mod field_first;
mod nginx_like;
pub(crate) mod selector;

/// The judgement of one controller on one Ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adoption {
    Adopted(By),
    Refused(Refusal),
}

/// What the class selection went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// `spec.ingressClassName` names this class.
    Field(String),
    /// The annotation `kubernetes.io/ingress.class` holds this.
    Annotation(String),
    /// No class, and the controller takes such.
    Classless,
    /// No class, and a class of this controller is the default.
    DefaultClass(String),
}

/// Judges one Ingress for one controller.
#[must_use]
pub fn judge(controller: &Controller, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    judge_by(controller, &controller.settings(), ingress, snapshot)
}

/// Judges every Ingress of a snapshot for one controller, in the snapshot's order.
pub fn judge_all<'a>(
    controller: &'a Controller,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = (&'a Ingress, Adoption)> {
    let settings = controller.settings();
    snapshot
        .ingresses
        .items()
        .iter()
        .map(move |ingress| (ingress, judge_by(controller, &settings, ingress, snapshot)))
}

/// The Ingresses one controller takes, in the snapshot's order.
#[must_use]
pub fn adopted<'a>(controller: &Controller, snapshot: &'a Snapshot) -> Vec<&'a Ingress> {
    let settings = controller.settings();
    let takes = |ingress: &&Ingress| {
        matches!(judge_by(controller, &settings, ingress, snapshot), Adoption::Adopted(_))
    };
    snapshot.ingresses.items().iter().filter(takes).collect()
}

/// Whether the labels of a namespace satisfy a selector; `None` where that cannot be told.
pub(crate) fn selects_namespace(selector: &str, namespace: &str, snapshot: &Snapshot) -> Option<bool> {
    match class::outside_selector(namespace, Some(selector), snapshot) {
        None => Some(true),
        Some(Refusal::Undecided) => None,
        Some(_) => Some(false),
    }
}

fn judge_by(
    controller: &Controller,
    settings: &Settings,
    ingress: &Ingress,
    snapshot: &Snapshot,
) -> Adoption {
    if controller.workload.kind == Kind::IngressClass {
        return nginx_like::by_class_alone(&controller.workload.name.name, ingress, snapshot);
    }
    match controller.kind {
        ControllerKind::IngressNginx => nginx_like::ingress_nginx(settings, ingress, snapshot),
        ControllerKind::TraefikIngressNginx => nginx_like::traefik(settings, ingress, snapshot),
        ControllerKind::Traefik => field_first::traefik(settings, ingress, snapshot),
        ControllerKind::F5Nginx => annotation_first::f5(settings, ingress, snapshot),
        ControllerKind::Haproxytech => field_first::haproxytech(settings, ingress, snapshot),
        ControllerKind::HaproxyIngress => annotation_first::haproxy_ingress(settings, ingress, snapshot),
        ControllerKind::AwsAlb => annotation_first::aws(settings, ingress, snapshot),
        ControllerKind::Contour => annotation_first::contour(settings, ingress),
        ControllerKind::Istio => annotation_first::istio(settings, ingress, snapshot),
        ControllerKind::Cilium => annotation_first::cilium(ingress, snapshot),
        ControllerKind::Kong => annotation_first::kong(settings, ingress, snapshot),
        ControllerKind::Gce => annotation_first::gce(ingress),
        ControllerKind::Apisix => field_first::apisix(settings, ingress, snapshot),
        ControllerKind::Agic => field_first::agic(ingress, snapshot),
        ControllerKind::OpenshiftRouter => field_first::openshift(ingress, snapshot),
        ControllerKind::Spec => field_first::spec(ingress),
        ControllerKind::HttpRoute | ControllerKind::TraefikGateway => Adoption::Refused(Refusal::KindNotRead),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::event::{ConfigMap, NamespaceObject};
    use crate::model::ingress_class::{CLASS_ANNOTATION, DEFAULT_CLASS, IngressClass};
    use crate::model::object::{Name, ObjectKey, ObjectMeta};
    use crate::model::snapshot::{Coverage, Listing, Lookup};

    /// What stands behind a word, as `key=value`.
    fn pairs(args: &[&str], word: &str) -> BTreeMap<String, String> {
        let told = args.iter().filter_map(|arg| arg.strip_prefix(word)?.split_once('='));
        told.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// With flags, variables (`env NAME=value`) and keys of its ConfigMap (`config key=value`).
    fn controller(kind: ControllerKind, args: &[&str]) -> Controller {
        let config = ConfigMap { data: pairs(args, "config "), ..ConfigMap::default() };
        Controller {
            kind,
            workload: ObjectKey::new(Kind::Deployment, "edge", "controller"),
            container_index: 0,
            container: String::new(),
            image: String::new(),
            version: None,
            command: Vec::new(),
            args: args.iter().filter(|arg| arg.starts_with('-')).map(|arg| (*arg).to_owned()).collect(),
            env: pairs(args, "env "),
            pods: Vec::new(),
            config_map: Some((Name::new("edge", "config"), Lookup::Found(config))),
            services: Vec::new(),
        }
    }

    fn ingress(field: Option<&str>, annotation: Option<&str>) -> Ingress {
        let annotations = annotation.map(|value| (CLASS_ANNOTATION.to_owned(), value.to_owned()));
        Ingress {
            meta: ObjectMeta {
                namespace: "shop".to_owned(),
                name: "web".to_owned(),
                annotations: annotations.into_iter().collect(),
                ..ObjectMeta::default()
            },
            class_name: field.map(str::to_owned),
            ..Ingress::default()
        }
    }

    /// `name=controller`, with a star at the end for a default class.
    fn class(text: &str) -> IngressClass {
        let (name, controller) = text.split_once('=').expect("name=controller");
        let default = controller.ends_with('*').then(|| (DEFAULT_CLASS.to_owned(), "true".to_owned()));
        IngressClass {
            meta: ObjectMeta {
                name: name.to_owned(),
                annotations: default.into_iter().collect(),
                ..ObjectMeta::default()
            },
            controller: Some(controller.trim_end_matches('*').to_owned()),
        }
    }

    fn snapshot(classes: Option<&[&str]>) -> Snapshot {
        let namespace = NamespaceObject {
            meta: ObjectMeta {
                name: "shop".to_owned(),
                labels: BTreeMap::from([("expose".to_owned(), "yes".to_owned())]),
                ..ObjectMeta::default()
            },
        };
        let list = classes.unwrap_or_default().iter().map(|text| class(text)).collect();
        let seen = Coverage { everywhere: classes.is_some(), ..Coverage::default() };
        Snapshot {
            classes: Listing::new(Kind::IngressClass, list, seen),
            namespaces: Listing::complete(Kind::Namespace, vec![namespace]),
            ..Snapshot::empty(chrono::DateTime::UNIX_EPOCH)
        }
    }

    /// `+` adopted, otherwise the refusal's initial word.
    fn verdict(adoption: &Adoption) -> &'static str {
        match adoption {
            Adoption::Adopted(By::Field(_)) => "field",
            Adoption::Adopted(By::Annotation(_)) => "annotation",
            Adoption::Adopted(By::Classless) => "classless",
            Adoption::Adopted(By::DefaultClass(_)) => "default",
            Adoption::Refused(Refusal::NoClass) => "no class",
            Adoption::Refused(Refusal::ClassNotFound { .. }) => "not found",
            Adoption::Refused(Refusal::ClassOfOther { .. }) => "of other",
            Adoption::Refused(Refusal::AnnotationDiffers { .. }) => "differs",
            Adoption::Refused(Refusal::NamespaceNotWatched { .. }) => "not watched",
            Adoption::Refused(Refusal::Undecided) => "undecided",
            Adoption::Refused(Refusal::LabelsDiffer { .. }) => "labels",
            Adoption::Refused(Refusal::KindNotRead) => "not read",
            Adoption::Refused(other) => panic!("{other:?}"),
        }
    }

    type Case<'a> = (&'a [&'a str], Option<&'a str>, Option<&'a str>, &'a str);

    fn check(kind: ControllerKind, classes: Option<&[&str]>, cases: &[Case<'_>]) {
        let snapshot = snapshot(classes);
        for (args, field, annotation, expected) in cases {
            let adoption = judge(&controller(kind, args), &ingress(*field, *annotation), &snapshot);
            assert_eq!(verdict(&adoption), *expected, "{kind} {args:?} {field:?} {annotation:?}");
        }
    }

    #[test]
    fn ingress_nginx_wants_a_resolving_field_or_its_annotation() {
        let classes =
            ["nginx=k8s.io/ingress-nginx", "own=example.com/own", "f5=nginx.org/ingress-controller"];
        check(
            ControllerKind::IngressNginx,
            Some(&classes),
            &[
                (&[], Some("nginx"), None, "field"),
                (&[], Some("nginx"), Some("other"), "field"),
                (&[], Some("missing"), Some("nginx"), "not found"),
                (&[], Some("f5"), None, "of other"),
                (&["--controller-class=example.com/own"], Some("own"), None, "field"),
                (&["--controller-class=example.com/own"], Some("nginx"), None, "of other"),
                (&["--ingress-class-by-name", "--ingress-class=f5"], Some("f5"), None, "field"),
                (&[], None, Some("nginx"), "annotation"),
                (&[], None, Some("Nginx"), "differs"),
                (&[], None, Some(""), "differs"),
                (&["--ingress-class=own"], None, Some("own"), "annotation"),
                (&[], None, None, "no class"),
                (&["--watch-ingress-without-class=true"], None, None, "classless"),
                (&["--watch-ingress-without-class=true"], None, Some(""), "differs"),
                (&["--watch-namespace=other"], Some("nginx"), None, "not watched"),
                (&["--watch-namespace="], Some("nginx"), None, "field"),
                (&["--watch-namespace-selector=expose=yes"], Some("nginx"), None, "field"),
                (&["--watch-namespace-selector=expose!=yes"], Some("nginx"), None, "not watched"),
                (&["--watch-ingress-without-class=true"], Some("missing"), None, "not found"),
                (&["--watch-namespace=shop"], None, Some("nginx"), "annotation"),
            ],
        );
    }

    #[test]
    fn an_unseen_list_of_classes_decides_nothing() {
        check(
            ControllerKind::IngressNginx,
            None,
            &[(&[], Some("nginx"), None, "undecided"), (&[], None, Some("nginx"), "annotation")],
        );
        check(ControllerKind::Kong, None, &[(&[], None, None, "undecided")]);
        let mut blind = snapshot(Some(&["nginx=k8s.io/ingress-nginx"]));
        blind.namespaces = Listing::unasked(Kind::Namespace);
        let controller = controller(ControllerKind::IngressNginx, &["--watch-namespace-selector=a=b"]);
        let adoption = judge(&controller, &ingress(Some("nginx"), None), &blind);
        assert_eq!(verdict(&adoption), "undecided");
    }

    #[test]
    fn traefik_takes_classless_ingresses_unless_told_a_class() {
        let told: &[&str] = &["--providers.kubernetesingress.ingressclass=own"];
        check(
            ControllerKind::Traefik,
            Some(&["traefik=traefik.io/ingress-controller", "own=traefik.io/ingress-controller", "n=x/y"]),
            &[
                (&[], None, None, "classless"),
                (&[], None, Some(""), "classless"),
                (&[], None, Some("traefik"), "annotation"),
                (&[], None, Some("nginx"), "differs"),
                (&[], Some("traefik"), Some("nginx"), "field"),
                (&[], Some("n"), None, "of other"),
                (&[], Some("missing"), None, "not found"),
                (told, None, None, "no class"),
                (told, None, Some("own"), "annotation"),
                (told, None, Some("traefik"), "differs"),
                (told, Some("own"), None, "field"),
                (told, Some("traefik"), None, "of other"),
                (&["--providers.kubernetesIngress.namespaces=a,b"], None, None, "not watched"),
                (&["--providers.kubernetesIngress.namespaces=a,shop"], None, None, "classless"),
                (&["--providers.kubernetesingress.labelselector=tier in (public)"], None, None, "labels"),
                (
                    &["--providers.kubernetesingress.disableingressclasslookup"],
                    Some("traefik"),
                    None,
                    "of other",
                ),
            ],
        );
    }

    #[test]
    fn traefiks_nginx_provider_ignores_the_field_while_no_class_matches() {
        check(
            ControllerKind::TraefikIngressNginx,
            Some(&["n=x/y"]),
            &[(&[], Some("n"), Some("nginx"), "annotation"), (&[], Some("n"), None, "no class")],
        );
        check(
            ControllerKind::TraefikIngressNginx,
            Some(&["n=x/y", "nginx=k8s.io/ingress-nginx"]),
            &[(&[], Some("n"), Some("nginx"), "of other"), (&[], Some("nginx"), None, "field")],
        );
        let flag = |name: &str| format!("--providers.kubernetesIngressNGINX.{name}");
        let (without, own) = (flag("watchIngressWithoutClass=true"), flag("controllerClass=x/y"));
        let (by_name, named) = (flag("ingressClassByName=true"), flag("ingressClass=n"));
        let (other, chosen) = (flag("watchNamespace=other"), flag("watchNamespaceSelector=expose=yes"));
        let barred = flag("watchNamespaceSelector=expose=no");
        check(
            ControllerKind::TraefikIngressNginx,
            Some(&["n=x/y", "nginx=k8s.io/ingress-nginx"]),
            &[
                (&[], None, None, "no class"),
                (&[&without], None, None, "classless"),
                (&[], Some("missing"), Some("nginx"), "not found"),
                (&[&own], Some("n"), None, "field"),
                (&[&by_name, &named], Some("n"), None, "field"),
                (&[&named], None, Some("n"), "annotation"),
                (&[&other], Some("nginx"), None, "not watched"),
                (&[&chosen], Some("nginx"), None, "field"),
                (&[&barred], Some("nginx"), None, "not watched"),
            ],
        );
    }

    #[test]
    fn annotations_win_where_the_product_says_so() {
        check(
            ControllerKind::F5Nginx,
            Some(&["nginx=nginx.org/ingress-controller"]),
            &[
                (&[], Some("nginx"), Some("other"), "differs"),
                (&[], Some("other"), Some("nginx"), "annotation"),
                (&[], Some("nginx"), None, "field"),
                (&[], None, None, "no class"),
                (&[], Some("nginx"), Some(""), "field"),
                (&["-ingress-class=mine"], Some("mine"), None, "not found"),
                (&["-watch-namespace=other"], Some("nginx"), None, "not watched"),
                (&["-watch-namespace=other,shop"], Some("nginx"), None, "field"),
                (&["-watch-namespace-label=expose=yes"], Some("nginx"), None, "field"),
                (&["-watch-namespace-label=expose=no"], Some("nginx"), None, "not watched"),
            ],
        );
        check(
            ControllerKind::HaproxyIngress,
            Some(&["haproxy=haproxy-ingress.github.io/controller"]),
            &[
                (&[], Some("haproxy"), Some("other"), "differs"),
                (&["--ingress-class-precedence"], Some("haproxy"), Some("other"), "field"),
                (&[], None, None, "no class"),
                (&["--watch-ingress-without-class"], None, None, "classless"),
                (&[], Some("missing"), None, "not found"),
                (&[], Some("haproxy"), None, "field"),
                (&["--controller-class=own"], Some("haproxy"), None, "of other"),
                (&["--ingress-class=own"], None, Some("own"), "annotation"),
                (&["--watch-namespace=other"], Some("haproxy"), None, "not watched"),
            ],
        );
        check(
            ControllerKind::F5Nginx,
            Some(&["nginx=k8s.io/ingress-nginx"]),
            // Its class object is somebody else's: it does not start.
            &[(&[], Some("nginx"), None, "of other"), (&[], None, Some("nginx"), "of other")],
        );
        check(
            ControllerKind::Contour,
            Some(&[]),
            &[
                (&[], None, None, "classless"),
                (&[], Some("contour"), None, "field"),
                (&[], Some("nginx"), None, "of other"),
                (&["--ingress-class-name=a,b"], Some("b"), None, "field"),
                (&["--ingress-class-name=a, b"], Some("b"), None, "of other"),
                (&["--ingress-class-name=a"], Some("a"), Some(""), "field"),
                (&["--ingress-class-name=a,b"], None, None, "no class"),
                (&["--ingress-class-name=a,"], None, None, "classless"),
                (&[], Some("contour"), Some("nginx"), "differs"),
                (&[], Some("nginx"), Some("contour"), "annotation"),
                (&["--watch-namespaces=a,b"], Some("contour"), None, "not watched"),
                (&["--watch-namespaces=a,shop"], Some("contour"), None, "field"),
            ],
        );
        check(
            ControllerKind::AwsAlb,
            Some(&["alb=ingress.k8s.aws/alb*"]),
            &[
                (&[], Some("alb"), Some("nginx"), "differs"),
                (&[], None, Some("alb"), "annotation"),
                (&[], None, None, "default"),
                (&[], Some("missing"), None, "not found"),
                (&["--ingress-class=own"], None, Some("own"), "annotation"),
                (&["--ingress-class=own"], None, Some("alb"), "differs"),
                (&["--watch-namespace=other"], Some("alb"), None, "not watched"),
            ],
        );
        check(
            ControllerKind::AwsAlb,
            Some(&["alb=ingress.k8s.aws/alb", "nginx=k8s.io/ingress-nginx*"]),
            &[
                (&[], None, None, "no class"),
                (&["--ingress-class="], None, None, "classless"),
                (&["--ingress-class="], None, Some(""), "classless"),
                (&["--ingress-class="], None, Some("alb"), "annotation"),
                (&["--ingress-class="], None, Some("nginx"), "differs"),
                (&[], Some("nginx"), None, "of other"),
            ],
        );
        check(
            ControllerKind::Gce,
            Some(&[]),
            &[
                (&[], None, None, "classless"),
                (&[], Some("gce"), None, "of other"),
                (&[], None, Some("gce-internal"), "annotation"),
                (&[], None, Some("gce-regional-external"), "annotation"),
                (&[], Some("nginx"), Some("gce"), "annotation"),
                (&[], Some("gce"), Some("nginx"), "differs"),
                (&[], None, Some("nginx"), "differs"),
            ],
        );
        check(
            ControllerKind::Istio,
            Some(&["istio=istio.io/ingress-controller"]),
            &[
                (&[], Some("istio"), None, "field"),
                (&[], None, None, "no class"),
                (&[], Some("missing"), None, "not found"),
                (&[], Some("istio"), Some("nginx"), "differs"),
                (&[], Some("missing"), Some("istio"), "annotation"),
                (&["config mesh=ingressControllerMode: DEFAULT"], None, None, "classless"),
                (&["config mesh=ingressControllerMode: DEFAULT"], Some("missing"), None, "classless"),
                (&["config mesh=ingressControllerMode: STRICT"], None, None, "no class"),
                (&["config mesh=ingressControllerMode: \"OFF\""], Some("istio"), None, "not read"),
                (&["config mesh=ingressClass: edge"], None, Some("edge"), "annotation"),
            ],
        );
        check(
            ControllerKind::Cilium,
            Some(&["cilium=cilium.io/ingress-controller*"]),
            &[
                (&[], Some("cilium"), Some("nginx"), "differs"),
                (&[], Some("nginx"), Some("cilium"), "annotation"),
                (&[], None, None, "default"),
                (&[], Some("nginx"), None, "of other"),
            ],
        );
        check(
            ControllerKind::Cilium,
            Some(&["other=x/y*"]),
            // By name: there need be no object.
            &[(&[], Some("cilium"), None, "field"), (&[], None, None, "no class")],
        );
        check(
            ControllerKind::Kong,
            Some(&["kong=ingress-controllers.konghq.com/kong"]),
            &[
                (&[], Some("kong"), None, "field"),
                (&[], None, None, "no class"),
                (&[], Some("other"), Some("kong"), "annotation"),
                (&[], Some("kong"), Some("other"), "differs"),
                (&["--ingress-class=edge"], Some("edge"), None, "field"),
                (&["env CONTROLLER_INGRESS_CLASS=edge"], Some("edge"), None, "field"),
                (&["env CONTROLLER_INGRESS_CLASS=edge"], Some("kong"), None, "of other"),
                (&["--ingress-class=kong", "env CONTROLLER_INGRESS_CLASS=edge"], Some("kong"), None, "field"),
                (&["--watch-namespace=other"], Some("kong"), None, "not watched"),
                (&["env CONTROLLER_WATCH_NAMESPACE=a,b"], Some("kong"), None, "not watched"),
                (&["env CONTROLLER_WATCH_NAMESPACE=a,shop"], Some("kong"), None, "field"),
            ],
        );
        check(
            ControllerKind::Kong,
            Some(&["kong=ingress-controllers.konghq.com/kong*"]),
            &[(&[], None, None, "default"), (&["--ingress-class=edge"], None, None, "no class")],
        );
    }

    #[test]
    fn the_field_wins_where_the_product_says_so() {
        check(
            ControllerKind::Haproxytech,
            Some(&["haproxy=haproxy.org/ingress-controller/haproxy", "base=haproxy.org/ingress-controller"]),
            &[
                (&["--ingress.class=haproxy"], Some("haproxy"), None, "field"),
                (&["--ingress.class=haproxy"], Some("base"), None, "of other"),
                (&["--ingress.class=haproxy"], None, Some("haproxy"), "no class"),
                (&["--ingress.class=haproxy", "--empty-ingress-class"], None, None, "classless"),
                (&[], Some("base"), None, "field"),
                (&[], None, None, "classless"),
                (&["--namespace-blacklist=shop"], None, None, "not watched"),
                (&["--namespace-whitelist=shop"], None, None, "classless"),
                (&["--namespace-whitelist=other"], Some("base"), None, "not watched"),
                (&[], Some("missing"), None, "not found"),
                (&[], Some("base"), Some("other"), "field"),
                (&["--ingress.class=haproxy"], None, None, "no class"),
            ],
        );
        check(
            ControllerKind::Haproxytech,
            Some(&["haproxy=haproxy.org/ingress-controller/haproxy*"]),
            &[
                (&["--ingress.class=haproxy"], None, None, "default"),
                // Another class is the default one.
                (&[], None, None, "no class"),
            ],
        );
        check(
            ControllerKind::Apisix,
            Some(&["apisix=apisix.apache.org/apisix-ingress-controller"]),
            &[
                (&[], Some("apisix"), Some("x"), "field"),
                (&[], None, Some("apisix"), "field"),
                (&[], Some("missing"), Some("apisix"), "not found"),
                (&[], None, Some("missing"), "not found"),
                (&[], None, None, "no class"),
            ],
        );
        check(
            ControllerKind::Apisix,
            Some(&["apisix=apisix.apache.org/apisix-ingress-controller*", "other=x/y"]),
            &[(&[], None, None, "default"), (&[], Some("other"), Some("apisix"), "of other")],
        );
        check(
            ControllerKind::Agic,
            Some(&["appgw=azure/application-gateway"]),
            &[
                (&[], Some("appgw"), None, "field"),
                (&[], None, Some("azure/application-gateway"), "annotation"),
                (&[], Some("appgw"), Some("nginx"), "differs"),
                (&[], Some("missing"), None, "not found"),
                (&[], None, None, "no class"),
            ],
        );
        check(
            ControllerKind::OpenshiftRouter,
            Some(&["openshift-default=openshift.io/ingress-to-route", "other=x/y"]),
            &[
                (&[], Some("openshift-default"), Some("nginx"), "field"),
                (&[], Some("other"), None, "of other"),
                (&[], None, Some("openshift-default"), "annotation"),
                (&[], None, None, "classless"),
            ],
        );
        check(ControllerKind::HttpRoute, Some(&[]), &[(&[], None, None, "not read")]);
        check(ControllerKind::Spec, Some(&[]), &[(&[], Some("any"), None, "field")]);
    }

    #[test]
    fn a_controller_known_by_its_class_alone_is_judged_by_that() {
        let mut controller = controller(ControllerKind::IngressNginx, &[]);
        controller.workload = ObjectKey::new(Kind::IngressClass, "", "nginx");
        let snapshot = snapshot(Some(&["nginx=k8s.io/ingress-nginx", "other=x/y"]));
        for (field, annotation, expected) in [
            (Some("nginx"), None, "field"),
            (Some("other"), None, "of other"),
            (Some("missing"), None, "not found"),
            (None, Some("nginx"), "annotation"),
            (None, Some("public"), "undecided"),
            (None, None, "undecided"),
        ] {
            let adoption = judge(&controller, &ingress(field, annotation), &snapshot);
            assert_eq!(verdict(&adoption), expected, "{field:?} {annotation:?}");
        }
    }
}

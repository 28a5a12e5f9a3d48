//! Recognises ingress controllers among workloads and pods.
//!
//! Assumption: a product is known by its image, else by its labels together with its container's
//! name. Products that are usually something else (Istio, Cilium) count as ingress controllers only
//! where their IngressClass exists or they are told to be one. A Traefik is one controller for each
//! provider it runs.
//! Source of images, labels and class values: `docs/controllers/README.md`.

use std::collections::BTreeMap;

use crate::model::controller::{Controller, ControllerKind, Version};
use crate::model::gap::{Gap, Unseen, Why};
use crate::model::ingress_class::IngressClass;
use crate::model::object::{Kind, Name, ObjectKey};
use crate::model::pod::{Container, Pod};
use crate::model::service::Service;
use crate::model::snapshot::Lookup;
use crate::model::workload::Workload;

mod product;

/// Every controller, sorted by workload and kind. Their ConfigMaps are still to be read.
#[must_use]
pub fn recognise(workloads: &[Workload], pods: &[Pod], classes: &[IngressClass]) -> Vec<Controller> {
    let mut found = Vec::new();
    for workload in workloads {
        let names: Vec<&Pod> = pods
            .iter()
            .filter(|pod| pod.meta.namespace == workload.meta.namespace)
            .filter(|pod| selects(&workload.selector, &pod.meta.labels))
            .collect();
        let key = ObjectKey { kind: workload.kind, name: workload.meta.key() };
        let version = workload.meta.labels.get(VERSION_LABEL);
        found.extend(of_containers(
            &key,
            &workload.template.containers,
            &workload.template.labels,
            version,
            &names,
            classes,
        ));
    }
    let workload_of = |pod: &Pod| {
        workloads.iter().any(|workload| {
            workload.meta.namespace == pod.meta.namespace && selects(&workload.selector, &pod.meta.labels)
        })
    };
    let mut groups: BTreeMap<(&str, &str), Vec<&Pod>> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !workload_of(pod)) {
        let owner = pod.meta.owner.as_ref().map_or(pod.meta.name.as_str(), |owner| owner.name.as_str());
        groups.entry((pod.meta.namespace.as_str(), owner)).or_default().push(pod);
    }
    for group in groups.values_mut() {
        group.sort_by(|a, b| a.meta.name.cmp(&b.meta.name));
        let Some(first) = group.first() else { continue };
        let key = ObjectKey { kind: Kind::Pod, name: first.meta.key() };
        let version = first.meta.labels.get(VERSION_LABEL);
        found.extend(of_containers(&key, &first.containers, &first.meta.labels, version, group, classes));
    }
    found.sort_by(|a, b| {
        (&a.workload.name, a.workload.kind, a.kind).cmp(&(&b.workload.name, b.workload.kind, b.kind))
    });
    found
}

const VERSION_LABEL: &str = "app.kubernetes.io/version";

fn of_containers(
    workload: &ObjectKey,
    containers: &[Container],
    labels: &BTreeMap<String, String>,
    version_label: Option<&String>,
    pods: &[&Pod],
    classes: &[IngressClass],
) -> Vec<Controller> {
    let mut found = Vec::new();
    for (container_index, container) in containers.iter().enumerate() {
        let (_, tag) = product::split_image(&container.image);
        for kind in product::kinds_of(container, labels, classes) {
            let mut names: Vec<String> = pods.iter().map(|pod| pod.meta.name.clone()).collect();
            names.sort();
            let mut controller = Controller {
                kind,
                workload: workload.clone(),
                container_index,
                container: container.name.clone(),
                image: container.image.clone(),
                version: Version::parse(tag)
                    .or_else(|| version_label.and_then(|label| Version::parse(label))),
                command: container.command.clone(),
                args: container.args.clone(),
                env: environment(container, containers),
                pods: names,
                config_map: None,
                services: Vec::new(),
            };
            controller.config_map =
                config_map_name(&controller).map(|name| (name.clone(), Lookup::Unseen(unread(name))));
            found.push(controller);
        }
    }
    found
}

/// A proxy beside its controller has variables of its own.
fn environment(container: &Container, all: &[Container]) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = all.iter().flat_map(|one| one.env.clone()).collect();
    found.extend(container.env.clone());
    found
}

fn unread(name: Name) -> Gap {
    Gap { what: Unseen::Object(ObjectKey { kind: Kind::ConfigMap, name }), why: Why::NotCaptured }
}

/// The ConfigMap that a controller reads its settings from.
#[must_use]
pub fn config_map_name(controller: &Controller) -> Option<Name> {
    let settings = controller.settings();
    let named = |flag: &str| {
        let value = settings.value(flag)?;
        let (namespace, name) = value.split_once('/').unwrap_or((settings.namespace.as_str(), value));
        (!name.is_empty() && !value.contains("$(")).then(|| Name::new(namespace, name))
    };
    let fixed = |name: &str| Some(Name::new(&settings.namespace, name));
    match controller.kind {
        ControllerKind::IngressNginx | ControllerKind::Haproxytech | ControllerKind::HaproxyIngress => {
            named("configmap")
        }
        ControllerKind::F5Nginx => named("nginx-configmaps"),
        ControllerKind::Contour => settings.flag("config-path").and_then(|_| fixed("contour")),
        ControllerKind::Istio => fixed("istio"),
        ControllerKind::Cilium => fixed("cilium-config"),
        ControllerKind::Traefik
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::TraefikGateway
        | ControllerKind::AwsAlb
        | ControllerKind::Kong
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute => None,
    }
}

/// Controllers of which only the IngressClass is seen: for where workloads could not be listed
/// completely. Nothing is known of their arguments and settings.
#[must_use]
pub fn known_by_class(classes: &[IngressClass], recognised: &[Controller]) -> Vec<Controller> {
    let mut found: Vec<Controller> = Vec::new();
    for class in classes {
        let Some(kind) = class.controller.as_deref().and_then(product::kind_of_class) else { continue };
        let known = |controller: &Controller| {
            controller.kind == kind
                || (kind == ControllerKind::IngressNginx
                    && controller.kind == ControllerKind::TraefikIngressNginx)
        };
        if recognised.iter().any(known) || found.iter().any(known) {
            continue;
        }
        let detail = format!("the workload behind IngressClass {}", class.meta.name);
        let gap = Gap { what: Unseen::Controller { detail }, why: Why::NotCaptured };
        found.push(Controller {
            kind,
            workload: ObjectKey { kind: Kind::IngressClass, name: class.meta.key() },
            container_index: 0,
            container: String::new(),
            image: String::new(),
            version: None,
            command: Vec::new(),
            args: Vec::new(),
            env: BTreeMap::new(),
            pods: Vec::new(),
            config_map: Some((Name::default(), Lookup::Unseen(gap))),
            services: Vec::new(),
        });
    }
    found
}

/// The Services that select pods with these labels, sorted.
#[must_use]
pub fn services_in_front(
    namespace: &str,
    labels: &BTreeMap<String, String>,
    services: &[Service],
) -> Vec<Name> {
    let mut names: Vec<Name> = services
        .iter()
        .filter(|service| service.meta.namespace == namespace && selects(&service.selector, labels))
        .map(|service| service.meta.key())
        .collect();
    names.sort();
    names
}

/// Whether a selector takes these labels; an empty one takes nothing.
fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::{ObjectMeta, Owner};
    use crate::model::pod::PodTemplate;

    fn labels(text: &str) -> BTreeMap<String, String> {
        text.split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }

    fn container(name: &str, image: &str, args: &[&str]) -> Container {
        Container {
            name: name.to_owned(),
            image: image.to_owned(),
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            ..Container::default()
        }
    }

    fn workload(name: &str, labels_: &str, container: Container) -> Workload {
        Workload {
            kind: Kind::Deployment,
            meta: ObjectMeta { namespace: "edge".to_owned(), name: name.to_owned(), ..ObjectMeta::default() },
            selector: labels(labels_),
            replicas: Some(1),
            ready: 1,
            template: PodTemplate {
                labels: labels(labels_),
                containers: vec![container],
                ..PodTemplate::default()
            },
        }
    }

    fn class(name: &str, controller: &str) -> IngressClass {
        IngressClass {
            meta: ObjectMeta { name: name.to_owned(), ..ObjectMeta::default() },
            controller: Some(controller.to_owned()),
        }
    }

    fn pod(name: &str, labels_: &str, owner: Option<&str>, container: Container) -> Pod {
        Pod {
            meta: ObjectMeta {
                namespace: "edge".to_owned(),
                name: name.to_owned(),
                labels: labels(labels_),
                owner: owner.map(|owner| Owner {
                    kind: "ReplicaSet".to_owned(),
                    name: owner.to_owned(),
                    uid: "u".to_owned(),
                }),
                ..ObjectMeta::default()
            },
            containers: vec![container],
            ..Pod::default()
        }
    }

    #[test]
    fn products_are_told_apart() {
        use ControllerKind as K;
        let check = |image: &str, args: &[&str], expected: &[K]| {
            let found = recognise(&[workload("w", "app=x", container("c", image, args))], &[], &[]);
            let kinds: Vec<K> = found.iter().map(|controller| controller.kind).collect();
            assert_eq!(kinds, expected, "{image} {args:?}");
        };
        check("registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:ab", &[], &[K::IngressNginx]);
        check("registry.k8s.io/ingress-nginx/controller-chroot:v1.11.0", &[], &[K::IngressNginx]);
        check("rancher/nginx-ingress-controller:v1.12.4-hardened2", &[], &[K::IngressNginx]);
        check(
            "mcr.microsoft.com/oss/kubernetes/ingress/nginx-ingress-controller:v1.11.5",
            &[],
            &[K::IngressNginx],
        );
        check("localhost:5000/ingress-nginx/controller", &[], &[K::IngressNginx]);
        check("registry.k8s.io/ingress-nginx/kube-webhook-certgen:v1.4.0", &[], &[]);
        check("nginx/nginx-ingress:5.5.4", &[], &[K::F5Nginx]);
        check("private-registry.nginx.com/nginx-ic/nginx-plus-ingress:3.7.0", &[], &[K::F5Nginx]);
        check("nginx:1.27", &[], &[]);
        check("traefik:v3.7.15", &[], &[K::Traefik]);
        check("traefik:v3.7.15", &["--providers.kubernetesingress"], &[K::Traefik]);
        check("rancher/mirrored-library-traefik:3.6.1", &["--providers.kubernetesIngress"], &[K::Traefik]);
        check(
            "traefik:v3.7.15",
            &["--providers.kubernetesIngressNGINX", "--providers.kubernetesIngressNGINX.ingressClass=n"],
            &[K::TraefikIngressNginx],
        );
        check(
            "traefik:v3.7.15",
            &["--providers.kubernetesingress=true", "--providers.kubernetesingressnginx.watchnamespace=a"],
            &[K::Traefik, K::TraefikIngressNginx],
        );
        check("traefik:v3.7.15", &["--providers.kubernetesgateway"], &[K::TraefikGateway]);
        check("traefik:v3.7.15", &["--providers.kubernetescrd"], &[]);
        check("traefik/whoami", &[], &[]);
        check("haproxytech/kubernetes-ingress:3.2.11", &[], &[K::Haproxytech]);
        check("quay.io/jcmoraisjr/haproxy-ingress:v0.15.0", &[], &[K::HaproxyIngress]);
        check("public.ecr.aws/eks/aws-load-balancer-controller:v2.13.0", &[], &[K::AwsAlb]);
        check("ghcr.io/projectcontour/contour:v1.33.1", &["serve", "--incluster"], &[K::Contour]);
        check("ghcr.io/projectcontour/contour:v1.33.1", &["bootstrap"], &[]);
        check("kong/kubernetes-ingress-controller:3.4", &[], &[K::Kong]);
        check("apache/apisix-ingress-controller:2.0.0", &[], &[K::Apisix]);
        check("mcr.microsoft.com/azure-application-gateway/kubernetes-ingress:1.8.1", &[], &[K::Agic]);
        check("registry.redhat.io/openshift4/ose-haproxy-router-rhel9:v4.20", &[], &[K::OpenshiftRouter]);
        check("busybox", &[], &[]);
        check("", &[], &[]);
    }

    #[test]
    fn mirrored_images_are_known_by_labels_and_container() {
        let check = |labels: &str, name: &str, expected: Option<ControllerKind>| {
            let found =
                recognise(&[workload("w", labels, container(name, "mirror.local/edge:7", &[]))], &[], &[]);
            assert_eq!(found.first().map(|controller| controller.kind), expected, "{labels}");
        };
        let nginx = Some(ControllerKind::IngressNginx);
        check(
            "app.kubernetes.io/name=ingress-nginx app.kubernetes.io/component=controller",
            "controller",
            nginx,
        );
        check("app.kubernetes.io/name=rke2-ingress-nginx", "rke2-ingress-nginx-controller", nginx);
        check("name=nginx-ingress-microk8s", "nginx-ingress-microk8s", nginx);
        check("app.kubernetes.io/name=ingress-nginx", "default-http-backend", None);
        check("app.kubernetes.io/name=nginx-ingress", "nginx-ingress", Some(ControllerKind::F5Nginx));
        check("app=web", "controller", None);
    }

    #[test]
    fn meshes_count_only_where_they_serve_ingresses() {
        let operator =
            workload("w", "app=x", container("cilium-operator", "cilium/operator-generic:v1.19.0", &[]));
        assert!(recognise(std::slice::from_ref(&operator), &[], &[]).is_empty());
        let found = recognise(&[operator], &[], &[class("cilium", "cilium.io/ingress-controller")]);
        assert_eq!(found.first().map(|controller| controller.kind), Some(ControllerKind::Cilium));
    }

    #[test]
    fn a_controller_knows_its_pods_version_and_config_map() {
        let image = "ingress-nginx/controller:v1.15.1";
        let args = ["/nginx-ingress-controller", "--configmap=$(POD_NAMESPACE)/conf"];
        let found = recognise(
            &[workload("w", "app=x", container("controller", image, &args))],
            &[
                pod("w-2", "app=x", Some("w"), container("controller", image, &args)),
                pod("w-1", "app=x", Some("w"), container("controller", image, &args)),
                pod("other", "app=y", None, container("c", "busybox", &[])),
            ],
            &[],
        );
        assert_eq!(found.len(), 1);
        let controller = found.first().expect("one");
        assert_eq!(controller.pods, ["w-1", "w-2"]);
        assert_eq!(controller.version, Some(Version::new(1, 15, 1)));
        assert_eq!(config_map_name(controller), Some(Name::new("edge", "conf")));
        assert!(matches!(controller.config_map, Some((_, Lookup::Unseen(_)))));
    }

    #[test]
    fn pods_whose_workload_was_not_seen_still_show_one_controller() {
        let image = "ingress-nginx/controller:v1.15.1";
        let found = recognise(
            &[],
            &[
                pod("w-2", "app=x", Some("w-abc"), container("controller", image, &[])),
                pod("w-1", "app=x", Some("w-abc"), container("controller", image, &[])),
            ],
            &[],
        );
        assert_eq!(found.len(), 1);
        let controller = found.first().expect("one");
        assert_eq!(controller.workload, ObjectKey::new(Kind::Pod, "edge", "w-1"));
        assert_eq!(controller.pods, ["w-1", "w-2"]);
    }

    #[test]
    fn a_class_alone_shows_a_controller_of_unknown_settings() {
        let classes =
            [class("a", "k8s.io/ingress-nginx"), class("b", "k8s.io/ingress-nginx"), class("c", "x/y")];
        let found = known_by_class(&classes, &[]);
        assert_eq!(found.len(), 1);
        let controller = found.first().expect("one");
        assert_eq!(controller.kind, ControllerKind::IngressNginx);
        assert_eq!(controller.settings().config, crate::model::controller::ConfigSeen::Unseen);
        assert!(known_by_class(&classes, &found).is_empty());
    }
}

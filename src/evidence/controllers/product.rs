//! Which product a container runs: by image, else by labels and container name.

use std::collections::BTreeMap;

use crate::model::controller::ControllerKind;
use crate::model::ingress_class::IngressClass;
use crate::model::pod::Container;

/// What names a product where its image does not: the value of one of its name labels, together with
/// the name of its container.
const BY_LABEL: [(ControllerKind, &[&str], &[&str]); 10] = [
    (
        ControllerKind::IngressNginx,
        &["ingress-nginx", "rke2-ingress-nginx", "nginx-ingress-microk8s"],
        &[
            "controller",
            "rke2-ingress-nginx-controller",
            "nginx-ingress-microk8s",
            "nginx-ingress-controller",
        ],
    ),
    (ControllerKind::Traefik, &["traefik"], &["traefik"]),
    (ControllerKind::F5Nginx, &["nginx-ingress"], &["nginx-ingress"]),
    (ControllerKind::Haproxytech, &["kubernetes-ingress"], &["kubernetes-ingress-controller"]),
    (ControllerKind::HaproxyIngress, &["haproxy-ingress"], &["haproxy-ingress"]),
    (ControllerKind::Contour, &["contour"], &["contour"]),
    (ControllerKind::Kong, &["kong", "controller", "ingress-kong"], &["ingress-controller"]),
    (ControllerKind::AwsAlb, &["aws-load-balancer-controller"], &["aws-load-balancer-controller"]),
    (ControllerKind::Apisix, &["apisix-ingress-controller"], &["manager", "ingress-controller"]),
    (
        ControllerKind::Agic,
        &["ingress-azure", "ingress-appgw"],
        &["ingress-azure", "ingress-appgw-container"],
    ),
];

/// The labels that carry a product's name.
const NAME_LABELS: [&str; 4] = ["app.kubernetes.io/name", "app", "name", "k8s-app"];

/// Registry, path and name without tag and digest; and the tag.
pub(super) fn split_image(image: &str) -> (&str, &str) {
    let image = image.split('@').next().unwrap_or_default();
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        Some(_) | None => (image, ""),
    }
}

/// The kinds of controller that one container is; Traefik may be several.
pub(super) fn kinds_of(
    container: &Container,
    labels: &BTreeMap<String, String>,
    classes: &[IngressClass],
) -> Vec<ControllerKind> {
    let Some(product) = by_image(container).or_else(|| by_labels(container, labels)) else {
        return Vec::new();
    };
    match product {
        ControllerKind::Traefik => providers(container),
        ControllerKind::Istio | ControllerKind::Cilium => {
            let has_class = classes
                .iter()
                .any(|class| class.controller.as_deref().and_then(kind_of_class) == Some(product));
            let told = words(container).any(|word| word.contains("enable-ingress-controller=true"));
            if has_class || told { vec![product] } else { Vec::new() }
        }
        ControllerKind::Contour if !words(container).any(|word| word == "serve") => Vec::new(),
        ControllerKind::IngressNginx
        | ControllerKind::TraefikIngressNginx
        | ControllerKind::F5Nginx
        | ControllerKind::Haproxytech
        | ControllerKind::HaproxyIngress
        | ControllerKind::AwsAlb
        | ControllerKind::Contour
        | ControllerKind::Kong
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute
        | ControllerKind::TraefikGateway => vec![product],
    }
}

fn by_image(container: &Container) -> Option<ControllerKind> {
    let (path, _) = split_image(&container.image);
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let parent = parts.next().unwrap_or_default();
    match (parent, name) {
        ("ingress-nginx", "controller" | "controller-chroot")
        | (_, "nginx-ingress-controller" | "ingress-nginx-controller") => Some(ControllerKind::IngressNginx),
        (_, "nginx-ingress" | "nginx-plus-ingress") | ("nginx-ic" | "nginx-ic-nap" | "nginx-ic-dos", _) => {
            Some(ControllerKind::F5Nginx)
        }
        (_, "traefik" | "mirrored-library-traefik") => Some(ControllerKind::Traefik),
        ("haproxytech", "kubernetes-ingress") | (_, "hapee-ingress") => Some(ControllerKind::Haproxytech),
        (_, "haproxy-ingress") => Some(ControllerKind::HaproxyIngress),
        (_, "aws-load-balancer-controller" | "aws-alb-ingress-controller") => Some(ControllerKind::AwsAlb),
        (_, "contour") => Some(ControllerKind::Contour),
        ("kong", "kubernetes-ingress-controller") => Some(ControllerKind::Kong),
        (_, "apisix-ingress-controller") => Some(ControllerKind::Apisix),
        ("azure-application-gateway", "kubernetes-ingress") => Some(ControllerKind::Agic),
        ("istio", "pilot") => Some(ControllerKind::Istio),
        ("cilium", operator) if operator.starts_with("operator") => Some(ControllerKind::Cilium),
        (_, router) if router.starts_with("ose-haproxy-router") || router == "origin-haproxy-router" => {
            Some(ControllerKind::OpenshiftRouter)
        }
        (_, _) => None,
    }
}

fn by_labels(container: &Container, labels: &BTreeMap<String, String>) -> Option<ControllerKind> {
    let named = |names: &[&str]| {
        NAME_LABELS.iter().filter_map(|key| labels.get(*key)).any(|value| names.contains(&value.as_str()))
    };
    BY_LABEL
        .iter()
        .find(|(_, names, containers)| named(names) && containers.contains(&container.name.as_str()))
        .map(|(kind, _, _)| *kind)
}

/// The providers a Traefik runs, by its arguments. Without any `--providers` flag they stand in a
/// file or in the environment, and the Ingress provider is assumed.
fn providers(container: &Container) -> Vec<ControllerKind> {
    let flags: Vec<String> = words(container)
        .filter_map(|word| word.strip_prefix("--providers."))
        .map(str::to_ascii_lowercase)
        .collect();
    if flags.is_empty() {
        return vec![ControllerKind::Traefik];
    }
    let runs = |provider: &str| {
        flags.iter().any(|flag| {
            flag.strip_prefix(provider)
                .is_some_and(|rest| rest.is_empty() || rest == "=true" || rest.starts_with('.'))
        })
    };
    [
        ("kubernetesingress", ControllerKind::Traefik),
        ("kubernetesingressnginx", ControllerKind::TraefikIngressNginx),
        ("kubernetesgateway", ControllerKind::TraefikGateway),
    ]
    .into_iter()
    .filter(|(provider, _)| runs(provider))
    .map(|(_, kind)| kind)
    .collect()
}

fn words(container: &Container) -> impl Iterator<Item = &str> {
    container.command.iter().chain(&container.args).map(String::as_str)
}

/// The product that serves classes of this controller value.
pub(super) fn kind_of_class(controller: &str) -> Option<ControllerKind> {
    let known = [
        ("k8s.io/ingress-nginx", ControllerKind::IngressNginx),
        ("webapprouting.kubernetes.azure.com/nginx", ControllerKind::IngressNginx),
        ("traefik.io/ingress-controller", ControllerKind::Traefik),
        ("nginx.org/ingress-controller", ControllerKind::F5Nginx),
        ("haproxy.org/ingress-controller", ControllerKind::Haproxytech),
        ("haproxy-ingress.github.io/controller", ControllerKind::HaproxyIngress),
        ("ingress.k8s.aws/alb", ControllerKind::AwsAlb),
        ("ingress-controllers.konghq.com/kong", ControllerKind::Kong),
        ("istio.io/ingress-controller", ControllerKind::Istio),
        ("cilium.io/ingress-controller", ControllerKind::Cilium),
        ("apisix.apache.org/apisix-ingress-controller", ControllerKind::Apisix),
        ("azure/application-gateway", ControllerKind::Agic),
        ("openshift.io/ingress-to-route", ControllerKind::OpenshiftRouter),
    ];
    let belongs = |value: &str| {
        controller.strip_prefix(value).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    known.into_iter().find(|(value, _)| belongs(value)).map(|(_, kind)| kind)
}

//! Products in which the annotation wins over the field: F5 NGINX, HAProxy Ingress, Contour, Kong,
//! AWS, GCE, Istio, Cilium.
//!
//! Sources: nginx/kubernetes-ingress `internal/k8s/controller.go` 5.6; jcmoraisjr/haproxy-ingress
//! v0.17; projectcontour/contour `internal/ingressclass` 1.33; Kong KIC `internal/annotations` 3.x;
//! aws-load-balancer-controller `pkg/ingress/class_loader.go` v3; ingress-gce `pkg/utils/utils.go`;
//! istio `pilot/pkg/config/kube/ingress`; cilium `operator/pkg/ingress`.

use super::Adoption;
use super::class::{
    annotation, by_annotation, by_default, by_name, by_object, classless, outside_list, outside_selector,
};
use crate::analysis::routing::Refusal;
use crate::model::controller::Settings;
use crate::model::ingress::Ingress;
use crate::model::ingress_class::IngressClass;
use crate::model::snapshot::{Lookup, Snapshot};

/// F5's controller does not start without its own class object. An empty annotation counts as none.
pub(super) fn f5(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    let namespace = &ingress.meta.namespace;
    let outside = outside_list(namespace, settings.value("watch-namespace"))
        .or_else(|| outside_selector(namespace, settings.value("watch-namespace-label"), snapshot));
    if let Some(refusal) = outside {
        return Adoption::Refused(refusal);
    }
    let own = settings.value("ingress-class").unwrap_or("nginx");
    match snapshot.classes.get("", own) {
        Lookup::Found(class) if class.controller.as_deref() == Some("nginx.org/ingress-controller") => {}
        Lookup::Found(class) => {
            return Adoption::Refused(Refusal::ClassOfOther {
                class: own.to_owned(),
                controller: class.controller.clone(),
            });
        }
        Lookup::Absent => return Adoption::Refused(Refusal::ClassNotFound { class: own.to_owned() }),
        Lookup::Unseen(_) => return Adoption::Refused(Refusal::Undecided),
    }
    match (annotation(ingress).filter(|value| !value.is_empty()), &ingress.class_name) {
        (Some(value), _) => by_annotation(value, own),
        (None, Some(class)) => by_name(class, own),
        (None, None) => classless(false),
    }
}

pub(super) fn haproxy_ingress(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    if let Some(refusal) = outside_list(&ingress.meta.namespace, settings.value("watch-namespace")) {
        return Adoption::Refused(refusal);
    }
    let expected = settings.value("ingress-class").unwrap_or("haproxy");
    let controller = match settings.value("controller-class").filter(|class| !class.is_empty()) {
        Some(class) => {
            format!("haproxy-ingress.github.io/controller/{}", class.trim_start_matches('/'))
        }
        None => "haproxy-ingress.github.io/controller".to_owned(),
    };
    let field = |class: &str| {
        by_object(class, snapshot, |object| object.controller.as_deref() == Some(controller.as_str()))
    };
    match (annotation(ingress), &ingress.class_name) {
        (Some(_), Some(class)) if settings.is_set("ingress-class-precedence") => field(class),
        (Some(value), _) => by_annotation(value, expected),
        (None, Some(class)) => field(class),
        (None, None) => classless(settings.is_set("watch-ingress-without-class")),
    }
}

/// Contour compares names only, as they are written; nothing configured takes `contour` and Ingresses
/// without class. An empty annotation counts as none, and hides the other one.
pub(super) fn contour(settings: &Settings, ingress: &Ingress) -> Adoption {
    let namespace = &ingress.meta.namespace;
    if let Some(refusal) = outside_list(namespace, settings.value("watch-namespaces")) {
        return Adoption::Refused(refusal);
    }
    let own = settings.value("ingress-class-name").filter(|names| !names.is_empty());
    let expected = own.unwrap_or("contour");
    let named = |value: &str| expected.split(',').any(|name| name == value);
    let matched = |value: &str| if named(value) { value.to_owned() } else { expected.to_owned() };
    let legacy = ingress.meta.annotation("projectcontour.io/ingress.class").or_else(|| annotation(ingress));
    match (legacy.filter(|value| !value.is_empty()), &ingress.class_name) {
        (Some(value), _) => by_annotation(value, &matched(value)),
        (None, Some(class)) => by_name(class, &matched(class)),
        (None, None) => classless(own.is_none() || named("")),
    }
}

/// Every flag of Kong's controller may be given by the environment; the flag itself wins.
pub(super) fn kong(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    let told = |flag: &str, variable: &str| {
        settings.value(flag).or_else(|| settings.env.get(variable).map(String::as_str))
    };
    let namespace = &ingress.meta.namespace;
    if let Some(refusal) = outside_list(namespace, told("watch-namespace", "CONTROLLER_WATCH_NAMESPACE")) {
        return Adoption::Refused(refusal);
    }
    let own = told("ingress-class", "CONTROLLER_INGRESS_CLASS").unwrap_or("kong");
    match (annotation(ingress), &ingress.class_name) {
        (Some(value), _) => by_annotation(value, own),
        (None, Some(class)) => by_name(class, own),
        (None, None) => by_default(snapshot, |class| class.meta.name == own),
    }
}

/// A differing annotation excludes even where the field would match.
pub(super) fn aws(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    let namespace = &ingress.meta.namespace;
    if let Some(refusal) = outside_list(namespace, settings.value("watch-namespace")) {
        return Adoption::Refused(refusal);
    }
    let configured = settings.value("ingress-class").unwrap_or("alb");
    let is_alb = |class: &IngressClass| class.controller.as_deref() == Some("ingress.k8s.aws/alb");
    match (annotation(ingress), &ingress.class_name) {
        (Some(""), _) if configured.is_empty() => classless(true),
        (Some(value), _) => by_annotation(value, if configured.is_empty() { "alb" } else { configured }),
        (None, Some(class)) => by_object(class, snapshot, is_alb),
        (None, None) => match by_default(snapshot, is_alb) {
            Adoption::Refused(_) if configured.is_empty() => classless(true),
            by_default @ (Adoption::Adopted(_) | Adoption::Refused(_)) => by_default,
        },
    }
}

/// GKE knows no IngressClass: a field without the annotation is somebody else's.
pub(super) fn gce(ingress: &Ingress) -> Adoption {
    match (annotation(ingress), &ingress.class_name) {
        (Some(value @ ("gce" | "gce-internal" | "gce-regional-external")), _) => by_annotation(value, value),
        (Some(value), _) => by_annotation(value, "gce"),
        (None, Some(class)) => {
            Adoption::Refused(Refusal::ClassOfOther { class: class.clone(), controller: None })
        }
        (None, None) => classless(true),
    }
}

/// The mesh configuration decides about Ingresses without class: `STRICT` (default) leaves them. A class
/// without an object counts as none.
pub(super) fn istio(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    let mesh = settings.config("mesh").unwrap_or_default();
    let option = |key: &str| {
        mesh.lines()
            .filter_map(|line| line.trim().strip_prefix(key)?.trim_start().strip_prefix(':'))
            .map(|value| value.trim().trim_matches(['"', '\'']))
            .next()
    };
    let own = option("ingressClass").unwrap_or("istio");
    match (annotation(ingress), &ingress.class_name, option("ingressControllerMode")) {
        (_, _, Some("OFF")) => Adoption::Refused(Refusal::KindNotRead),
        (Some(value), _, _) => by_annotation(value, own),
        (None, Some(class), mode) => {
            let found = by_object(class, snapshot, |object| {
                object.controller.as_deref() == Some("istio.io/ingress-controller")
            });
            match found {
                Adoption::Refused(Refusal::ClassNotFound { .. }) if mode == Some("DEFAULT") => {
                    classless(true)
                }
                found => found,
            }
        }
        (None, None, mode) => classless(mode == Some("DEFAULT")),
    }
}

pub(super) fn cilium(ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    match (annotation(ingress), &ingress.class_name) {
        (Some(value), _) => by_annotation(value, "cilium"),
        (None, Some(class)) => by_name(class, "cilium"),
        (None, None) => by_default(snapshot, |class| class.meta.name == "cilium"),
    }
}

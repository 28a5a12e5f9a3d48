//! Products that look at `spec.ingressClassName` first: Traefik, haproxytech, APISIX, AGIC, OpenShift.
//!
//! Sources: traefik/traefik `pkg/provider/kubernetes/ingress/kubernetes.go` (`shouldProcessIngress`)
//! 3.7; haproxytech/kubernetes-ingress `pkg/ingress/ingress.go` 3.2; apisix-ingress-controller 2.x;
//! Azure application-gateway-kubernetes-ingress; openshift/openshift-controller-manager
//! `pkg/route/ingress`.

use super::class::{annotation, by_annotation, by_default, by_name, by_object, classless, outside_list};
use super::{Adoption, selector};
use crate::analysis::routing::Refusal;
use crate::model::controller::Settings;
use crate::model::ingress::Ingress;
use crate::model::ingress_class::IngressClass;
use crate::model::snapshot::Snapshot;

const TRAEFIK_CONTROLLER: &str = "traefik.io/ingress-controller";
const HAPROXY_CONTROLLER: &str = "haproxy.org/ingress-controller";
const APISIX_CONTROLLER: &str = "apisix.apache.org/apisix-ingress-controller";
const AGIC_CONTROLLER: &str = "azure/application-gateway";
const OPENSHIFT_CONTROLLER: &str = "openshift.io/ingress-to-route";

/// The field must name a class of Traefik's; without it the annotation must equal the configured
/// class, where nothing configured takes nothing and `traefik`.
pub(super) fn traefik(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    let flag = |name: &str| format!("providers.kubernetesingress.{name}");
    if let Some(refusal) = outside_list(&ingress.meta.namespace, settings.value(&flag("namespaces"))) {
        return Adoption::Refused(refusal);
    }
    if let Some(text) = settings.value(&flag("labelselector")) {
        match selector::selects(text, &ingress.meta.labels) {
            Some(true) => {}
            Some(false) => {
                return Adoption::Refused(Refusal::LabelsDiffer { selector: text.to_owned() });
            }
            None => return Adoption::Refused(Refusal::Undecided),
        }
    }
    let configured = settings.value(&flag("ingressclass")).filter(|class| !class.is_empty());
    if let Some(class) = &ingress.class_name {
        let blind = ["disableingressclasslookup", "disableclusterscoperesources"];
        if blind.iter().any(|name| settings.is_set(&flag(name))) {
            return Adoption::Refused(Refusal::ClassOfOther { class: class.clone(), controller: None });
        }
        return by_object(class, snapshot, |object| {
            object.controller.as_deref() == Some(TRAEFIK_CONTROLLER)
                && configured.is_none_or(|name| object.meta.name == name)
        });
    }
    match (annotation(ingress), configured) {
        (None | Some(""), None) => classless(true),
        (None | Some(""), Some(_)) => classless(false),
        (Some(value), expected) => by_annotation(value, expected.unwrap_or("traefik")),
    }
}

/// Only the field counts; the annotation is not read.
pub(super) fn haproxytech(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    let namespace = &ingress.meta.namespace;
    // Each flag names one namespace; with a white list the black one is not looked at.
    let listed = |name| settings.values(name).filter(|value| !value.is_empty()).collect::<Vec<_>>();
    let (watched, barred) = (listed("namespace-whitelist"), listed("namespace-blacklist"));
    if !watched.is_empty() && !watched.contains(&namespace.as_str()) {
        return Adoption::Refused(Refusal::NamespaceNotWatched { watched: watched.join(",") });
    }
    if watched.is_empty() && barred.contains(&namespace.as_str()) {
        let watched = format!("all but {}", barred.join(","));
        return Adoption::Refused(Refusal::NamespaceNotWatched { watched });
    }
    let own = settings.value("ingress.class").filter(|class| !class.is_empty());
    let controller = match own {
        Some(class) => format!("{HAPROXY_CONTROLLER}/{class}"),
        None => HAPROXY_CONTROLLER.to_owned(),
    };
    if let Some(class) = &ingress.class_name {
        return by_object(class, snapshot, |object| {
            object.controller.as_deref() == Some(controller.as_str())
        });
    }
    if settings.is_set("empty-ingress-class") {
        return classless(true);
    }
    let by_default = by_default(snapshot, |object| object.controller.as_deref() == Some(&controller));
    match by_default {
        Adoption::Refused(Refusal::NoClass) if own.is_none() => {
            classless(!snapshot.classes.items().iter().any(IngressClass::is_default))
        }
        Adoption::Adopted(_) | Adoption::Refused(_) => by_default,
    }
}

/// The field, else the annotation, else a default class.
pub(super) fn apisix(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    let controller = settings.config("controller_name").unwrap_or(APISIX_CONTROLLER);
    let own = |object: &IngressClass| object.controller.as_deref() == Some(controller);
    match (&ingress.class_name, annotation(ingress)) {
        (Some(class), _) => by_object(class, snapshot, own),
        (None, Some(class)) => by_object(class, snapshot, own),
        (None, None) => by_default(snapshot, own),
    }
}

pub(super) fn agic(ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    match (&ingress.class_name, annotation(ingress)) {
        (_, Some(value)) => by_annotation(value, AGIC_CONTROLLER),
        (Some(class), None) => {
            by_object(class, snapshot, |object| object.controller.as_deref() == Some(AGIC_CONTROLLER))
        }
        (None, None) => classless(false),
    }
}

pub(super) fn openshift(ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    match (&ingress.class_name, annotation(ingress)) {
        (Some(class), _) => {
            by_object(class, snapshot, |object| object.controller.as_deref() == Some(OPENSHIFT_CONTROLLER))
        }
        (None, Some(value)) => by_annotation(value, "openshift-default"),
        (None, None) => classless(true),
    }
}

/// The Ingress API's own text takes every Ingress.
pub(super) fn spec(ingress: &Ingress) -> Adoption {
    match (&ingress.class_name, annotation(ingress)) {
        (Some(class), _) => by_name(class, class),
        (None, Some(value)) => by_annotation(value, value),
        (None, None) => classless(true),
    }
}

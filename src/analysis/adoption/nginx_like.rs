//! Class selection of ingress-nginx, and of Traefik's provider that stands in for it.
//!
//! ingress-nginx: the field wins and must resolve to a class of this controller; else the annotation
//! must equal `--ingress-class`; else `--watch-ingress-without-class`. Traefik's provider differs in
//! one point: while no class of its controller exists, the field is ignored.
//! Sources: kubernetes/ingress-nginx `internal/ingress/controller/store/store.go` (`GetIngressClass`)
//! and `cmd/nginx/main.go`, v1.15.1; traefik/traefik `pkg/provider/kubernetes/ingress-nginx` 3.7.

use super::class::{annotation, by_annotation, by_object, classless, outside_list, outside_selector};
use super::{Adoption, By};
use crate::analysis::routing::Refusal;
use crate::model::controller::Settings;
use crate::model::ingress::Ingress;
use crate::model::ingress_class::IngressClass;
use crate::model::snapshot::Snapshot;

/// Names of the flags that both products have under different spellings.
struct Flags {
    controller_class: &'static str,
    ingress_class: &'static str,
    by_name: &'static str,
    without_class: &'static str,
    namespace: &'static str,
    namespace_selector: &'static str,
}

const INGRESS_NGINX: Flags = Flags {
    controller_class: "controller-class",
    ingress_class: "ingress-class",
    by_name: "ingress-class-by-name",
    without_class: "watch-ingress-without-class",
    namespace: "watch-namespace",
    namespace_selector: "watch-namespace-selector",
};

const TRAEFIK: Flags = Flags {
    controller_class: "providers.kubernetesingressnginx.controllerclass",
    ingress_class: "providers.kubernetesingressnginx.ingressclass",
    by_name: "providers.kubernetesingressnginx.ingressclassbyname",
    without_class: "providers.kubernetesingressnginx.watchingresswithoutclass",
    namespace: "providers.kubernetesingressnginx.watchnamespace",
    namespace_selector: "providers.kubernetesingressnginx.watchnamespaceselector",
};

pub(super) fn ingress_nginx(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    judge(settings, ingress, snapshot, &INGRESS_NGINX, false)
}

pub(super) fn traefik(settings: &Settings, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    judge(settings, ingress, snapshot, &TRAEFIK, true)
}

fn judge(
    settings: &Settings,
    ingress: &Ingress,
    snapshot: &Snapshot,
    flags: &Flags,
    field_needs_any_class: bool,
) -> Adoption {
    let namespace = &ingress.meta.namespace;
    let outside = outside_list(namespace, settings.value(flags.namespace))
        .or_else(|| outside_selector(namespace, settings.value(flags.namespace_selector), snapshot));
    if let Some(refusal) = outside {
        return Adoption::Refused(refusal);
    }
    let controller = settings.value(flags.controller_class).unwrap_or("k8s.io/ingress-nginx");
    let expected = settings.value(flags.ingress_class).unwrap_or("nginx");
    let by_name = settings.is_set(flags.by_name);
    let accepts = |class: &IngressClass| {
        class.controller.as_deref() == Some(controller) || (by_name && class.meta.name == expected)
    };
    if let Some(class) = &ingress.class_name {
        let any = snapshot.classes.items().iter().any(accepts);
        if any || !field_needs_any_class {
            return by_object(class, snapshot, accepts);
        }
        if !snapshot.classes.covers("") {
            return Adoption::Refused(Refusal::Undecided);
        }
    }
    match annotation(ingress) {
        Some(value) => by_annotation(value, expected),
        None => classless(settings.is_set(flags.without_class)),
    }
}

/// A controller of which only its IngressClass is known: what its flags say is not.
pub(super) fn by_class_alone(class: &str, ingress: &Ingress, snapshot: &Snapshot) -> Adoption {
    let own = snapshot.classes.get("", class).found().and_then(|object| object.controller.clone());
    match (&ingress.class_name, annotation(ingress)) {
        (Some(field), _) => by_object(field, snapshot, |object| object.controller == own),
        (None, Some(value)) if value == class => Adoption::Adopted(By::Annotation(value.to_owned())),
        (None, _) => Adoption::Refused(Refusal::Undecided),
    }
}

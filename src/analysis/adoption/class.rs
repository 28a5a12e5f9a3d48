//! What an Ingress says of its class, and what its IngressClass says of its controller: the pieces
//! every product's selection is made of.

use super::{Adoption, By, selector};
use crate::analysis::routing::Refusal;
use crate::model::ingress::Ingress;
use crate::model::ingress_class::{CLASS_ANNOTATION, IngressClass};
use crate::model::snapshot::{Lookup, Snapshot};

/// The legacy annotation's value.
pub(super) fn annotation(ingress: &Ingress) -> Option<&str> {
    ingress.meta.annotation(CLASS_ANNOTATION)
}

/// Takes an Ingress whose field names a class object that `accepts` takes.
pub(super) fn by_object(
    class: &str,
    snapshot: &Snapshot,
    accepts: impl Fn(&IngressClass) -> bool,
) -> Adoption {
    match snapshot.classes.get("", class) {
        Lookup::Found(object) if accepts(object) => Adoption::Adopted(By::Field(class.to_owned())),
        Lookup::Found(object) => Adoption::Refused(Refusal::ClassOfOther {
            class: class.to_owned(),
            controller: object.controller.clone(),
        }),
        Lookup::Absent => Adoption::Refused(Refusal::ClassNotFound { class: class.to_owned() }),
        Lookup::Unseen(_) => Adoption::Refused(Refusal::Undecided),
    }
}

/// Takes an Ingress whose field names this class, whatever objects there are.
pub(super) fn by_name(class: &str, expected: &str) -> Adoption {
    if class == expected {
        return Adoption::Adopted(By::Field(class.to_owned()));
    }
    Adoption::Refused(Refusal::ClassOfOther { class: class.to_owned(), controller: None })
}

/// Takes an Ingress whose annotation has this value.
pub(super) fn by_annotation(value: &str, expected: &str) -> Adoption {
    if value == expected {
        return Adoption::Adopted(By::Annotation(value.to_owned()));
    }
    Adoption::Refused(Refusal::AnnotationDiffers { value: value.to_owned(), expected: expected.to_owned() })
}

/// Takes an Ingress without class where a class that `accepts` takes is a default one.
pub(super) fn by_default(snapshot: &Snapshot, accepts: impl Fn(&IngressClass) -> bool) -> Adoption {
    let default = snapshot.classes.items().iter().find(|class| class.is_default() && accepts(class));
    match default {
        Some(class) => Adoption::Adopted(By::DefaultClass(class.meta.name.clone())),
        None if snapshot.classes.covers("") => Adoption::Refused(Refusal::NoClass),
        None => Adoption::Refused(Refusal::Undecided),
    }
}

/// Takes every Ingress without class, or none.
pub(super) fn classless(taken: bool) -> Adoption {
    if taken { Adoption::Adopted(By::Classless) } else { Adoption::Refused(Refusal::NoClass) }
}

/// Why a namespace is not watched: not in a comma-separated list. An empty list watches all.
pub(super) fn outside_list(namespace: &str, list: Option<&str>) -> Option<Refusal> {
    let list = list.filter(|list| !list.trim().is_empty())?;
    let named = list.split(',').any(|name| name.trim() == namespace);
    (!named).then(|| Refusal::NamespaceNotWatched { watched: list.to_owned() })
}

/// Why a namespace is not watched: its labels do not satisfy a selector.
pub(super) fn outside_selector(namespace: &str, text: Option<&str>, snapshot: &Snapshot) -> Option<Refusal> {
    let text = text.filter(|text| !text.trim().is_empty())?;
    match snapshot.namespaces.get("", namespace) {
        Lookup::Found(object) => match selector::selects(text, &object.meta.labels) {
            Some(true) => None,
            Some(false) => Some(Refusal::NamespaceNotWatched { watched: text.to_owned() }),
            None => Some(Refusal::Undecided),
        },
        Lookup::Absent | Lookup::Unseen(_) => Some(Refusal::Undecided),
    }
}

//! Why a controller does not load an Ingress.

use crate::model::object::Name;

/// Why an Ingress is not loaded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Neither `ingressClassName` nor the annotation is set, and the controller does not take such.
    NoClass,
    /// The class names no IngressClass object.
    ClassNotFound { class: String },
    /// The IngressClass belongs to another controller value.
    ClassOfOther { class: String, controller: Option<String> },
    /// The legacy annotation names another class than the controller expects.
    AnnotationDiffers { value: String, expected: String },
    /// Outside `--watch-namespace` or its selector.
    NamespaceNotWatched { watched: String },
    /// An annotation is above the accepted risk level.
    RiskyAnnotation { key: String, risk: &'static str, allowed: String },
    /// An annotation's value fails validation in a way that drops the whole Ingress.
    InvalidAnnotation { key: String },
    /// A value holds a word of the block list.
    BlockedWord { key: String, word: String },
    /// `--disable-catch-all` and a default backend.
    CatchAllDisabled,
    /// A path that the controller takes for an attack and drops the Ingress for.
    DangerousPath { path: String },
    /// A field that this controller requires, does not support or finds wrong.
    InvalidField { field: String, fault: FieldFault },
    /// Every host of it belongs to older Ingresses, such as this one.
    HostsTaken { by: Name },
    /// It brings paths to an Ingress that owns the host, and there is none such.
    NoMaster { host: String },
    /// The controller's label selector does not take this Ingress.
    LabelsDiffer { selector: String },
    /// This controller reads no Ingresses at all.
    KindNotRead,
    /// Whether it is taken cannot be told from what was seen.
    Undecided,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldFault {
    Missing,
    Twice,
    NotSupported,
    TooMany,
    Invalid,
}

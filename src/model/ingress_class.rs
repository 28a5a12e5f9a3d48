//! `networking.k8s.io/v1` IngressClass.

use super::object::{Kind, Object, ObjectMeta};

/// The annotation that makes a class the default one.
pub const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";
/// The legacy annotation on an Ingress that names its class.
pub const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IngressClass {
    pub meta: ObjectMeta,
    /// `spec.controller`, immutable.
    pub controller: Option<String>,
}

impl IngressClass {
    /// Whether admission gives this class to Ingresses created without one.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.meta.annotation(DEFAULT_CLASS) == Some("true")
    }
}

impl Object for IngressClass {
    fn kind(&self) -> Kind {
        Kind::IngressClass
    }
    fn meta(&self) -> &ObjectMeta {
        &self.meta
    }
}

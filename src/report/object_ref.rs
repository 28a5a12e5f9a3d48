//! An object as results name it.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::text::Text;
use crate::model::object::{Name, ObjectKey};

/// Kind, namespace and name; kinds that live in no namespace have none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct ObjectRef {
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
    pub name: Text,
}

impl From<&ObjectKey> for ObjectRef {
    fn from(key: &ObjectKey) -> Self {
        let ObjectKey { kind, name: Name { namespace, name } } = key;
        Self { kind: kind.as_str(), namespace: namespace_of(namespace), name: Text::new(name) }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// A namespace as results print it.
pub(super) fn namespace_of(namespace: &str) -> Option<Text> {
    (!namespace.is_empty()).then(|| Text::new(namespace))
}

/// `namespace/name` of a known kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct NameRef {
    pub namespace: Text,
    pub name: Text,
}

impl From<&Name> for NameRef {
    fn from(name: &Name) -> Self {
        Self { namespace: Text::new(&name.namespace), name: Text::new(&name.name) }
    }
}

impl fmt::Display for NameRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::object::Kind;

    #[test]
    fn kinds_without_namespace_name_none() {
        let class = ObjectRef::from(&ObjectKey::new(Kind::IngressClass, "", "nginx"));
        assert_eq!(
            serde_json::to_value(&class).expect("json"),
            json!({"kind": "IngressClass", "name": "nginx"})
        );
        assert_eq!(class.to_string(), "IngressClass nginx");
        let web = ObjectRef::from(&ObjectKey::new(Kind::Ingress, "shop", "web"));
        assert_eq!(web.to_string(), "Ingress shop/web");
    }
}

//! Values that whoever took a capture removed: troubleshoot's redactors leave `***HIDDEN***` in their
//! place (replicatedhq/troubleshoot `pkg/redact` @ 5bf008f).

use serde_json::Value;

use crate::model::object::Kind;

const REMOVED: &str = "***HIDDEN***";

/// Whether what this kind holds decides where a request goes.
pub(super) fn decides(kind: Kind) -> bool {
    matches!(kind, Kind::Ingress | Kind::IngressClass | Kind::Service)
}

/// Whether something was removed from what an object asks for; its status may lack what it likes.
pub(super) fn has_removed(object: &Value) -> bool {
    object.get("spec").is_some_and(within)
}

fn within(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(REMOVED),
        Value::Array(items) => items.iter().any(within),
        Value::Object(members) => members.iter().any(|(key, value)| key.contains(REMOVED) || within(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_removed_from_a_spec_is_noticed() {
        for (object, removed) in [
            (json!({"spec": {"rules": [{"host": "***HIDDEN***"}]}}), true),
            (json!({"spec": {"selector": {"***HIDDEN***": "x"}}}), true),
            (json!({"spec": {"externalName": "a.***HIDDEN***.example"}}), true),
            (json!({"spec": {"rules": [{"host": "*.example"}]}, "status": {"ip": "***HIDDEN***"}}), false),
            (json!({"spec": null}), false),
            (json!({}), false),
        ] {
            assert_eq!(has_removed(&object), removed, "{object}");
        }
    }
}

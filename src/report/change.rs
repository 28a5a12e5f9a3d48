//! A change as results print it.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::object_ref::ObjectRef;
use super::redact::{plain_marks, redact, redact_value};
use super::text::Text;
use super::time::Time;
use crate::model::change::Change;

/// One change of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChangeReport {
    pub at: Time,
    /// The change lies within this many seconds before `at`.
    pub precision_s: u32,
    pub object: ObjectRef,
    pub field: Text,
    pub before: Option<Text>,
    pub after: Option<Text>,
    pub by: Option<Text>,
    /// The source that saw it.
    pub via: &'static str,
}

impl From<&Change> for ChangeReport {
    fn from(change: &Change) -> Self {
        let Change { at, precision_s, object, aspect: _, act: _, field, rule: _, before, after, by, via } =
            change;
        // A value stands in a field; what came or went as a whole has none to cite.
        let value = |text: &Option<String>| {
            let text = text.as_ref().filter(|_| !field.is_empty())?;
            Some(Text::new(&harmless(change, text)))
        };
        Self {
            at: Time(*at),
            precision_s: *precision_s,
            object: ObjectRef::from(object),
            field: Text::path(field),
            before: value(before),
            after: value(after),
            by: by.as_ref().map(Text::from),
            via: via.as_str(),
        }
    }
}

/// A value of a change without its secrets, which the name it is set under may tell.
pub(super) fn harmless<'t>(change: &Change, text: &'t str) -> Cow<'t, str> {
    plain_marks(match set_in(&change.field) {
        Some(name) => redact_value(name, text),
        None => redact(text),
    })
}

/// The name under which a program is told a value: a key of its ConfigMap, an environment variable, or
/// none of its own.
fn set_in(field: &str) -> Option<&str> {
    if let Some(key) = field.strip_prefix("data[\"") {
        return key.strip_suffix("\"]");
    }
    let (_, inner) = field.rsplit_once(".containers[")?;
    match inner.split_once(".env[\"") {
        Some((_, name)) => name.strip_suffix("\"]"),
        None => (inner.contains("].args[") || inner.contains("].command[")).then_some(""),
    }
}

impl fmt::Display for ChangeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at, self.object)?;
        if !self.field.is_empty() {
            write!(f, " {}", self.field)?;
        }
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, ": \"{before}\" → \"{after}\"")?,
            (None, Some(after)) => write!(f, ": now \"{after}\"")?,
            (Some(before), None) => write!(f, ": was \"{before}\"")?,
            (None, None) => {}
        }
        if let Some(by) = &self.by {
            write!(f, ", by \"{by}\"")?;
        }
        write!(f, " ({}", self.via)?;
        if self.precision_s > 0 {
            write!(f, ", up to {} s earlier", self.precision_s)?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use serde_json::json;

    use super::*;
    use crate::model::change::{Act, Aspect, ChangeSource};
    use crate::model::object::{Kind, ObjectKey};

    #[test]
    fn secrets_of_a_container_are_told_by_their_name() {
        let change = |field: &str| Change {
            at: DateTime::<Utc>::MIN_UTC,
            precision_s: 0,
            object: ObjectKey::new(Kind::Deployment, "shop", "web"),
            aspect: Aspect::Rollout,
            act: Act::Changed,
            field: field.to_owned(),
            rule: None,
            before: None,
            after: None,
            by: None,
            via: ChangeSource::Revisions,
        };
        for (field, value, shown) in [
            ("spec.template.spec.containers[0].env[\"DB_PASSWORD\"]", "hunter2", "[redacted]"),
            ("spec.template.spec.containers[0].env[\"BASE_PATH\"]", "/shop", "/shop"),
            ("spec.template.spec.containers[0].args[3]", "wJalrXUt2nFEMIK7MDENGbPxRfi", "[redacted]"),
            ("spec.template.spec.containers[0].args[3]", "--path=/shop", "--path=/shop"),
            ("data[\"auth-password\"]", "hunter2", "[redacted]"),
            ("data[\"annotations-risk-level\"]", "Critical", "Critical"),
            ("spec.template.spec.containers[0].image", "r.example/app:1", "r.example/app:1"),
            ("spec.rules[0].http.paths[0].path", "/a?token=abc123", "/a?token=[redacted]"),
        ] {
            assert_eq!(harmless(&change(field), value), shown, "{field} {value}");
        }
    }

    #[test]
    fn a_change_is_printed_with_its_times_values_and_source() {
        let change = Change {
            at: "2026-11-22T10:00:00Z".parse().expect("a time"),
            precision_s: 5,
            object: ObjectKey::new(Kind::Ingress, "shop", "web"),
            aspect: Aspect::IngressPaths,
            act: Act::Changed,
            field: "spec.rules[0].http.paths[0].path".to_owned(),
            rule: None,
            before: Some("/api".to_owned()),
            after: Some("/v2".to_owned()),
            by: Some("kubectl-edit".to_owned()),
            via: ChangeSource::ManagedFields,
        };
        let report = ChangeReport::from(&change);
        assert_eq!(
            serde_json::to_value(&report).expect("json"),
            json!({
                "at": "2026-11-22T10:00:00Z", "precision_s": 5,
                "object": {"kind": "Ingress", "namespace": "shop", "name": "web"},
                "field": "spec.rules[0].http.paths[0].path", "before": "/api", "after": "/v2",
                "by": "kubectl-edit", "via": "managed_fields",
            })
        );
        assert_eq!(
            report.to_string(),
            "2026-11-22T10:00:00Z Ingress shop/web spec.rules[0].http.paths[0].path: \"/api\" → \"/v2\", \
             by \"kubectl-edit\" (managed_fields, up to 5 s earlier)"
        );
    }
}

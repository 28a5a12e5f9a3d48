//! Who last wrote which part of an Ingress, as far as `managedFields` tells.
//!
//! What it tells: the manager that owns a field, and when that manager last wrote anything of its own, so
//! the field's write is that old at least. What it never tells: which rule or path was changed (the list
//! of rules is one field), what stood there before, and fields that were removed.

use crate::model::ingress::Ingress;
use crate::model::object::{FieldWrite, annotation_field};

/// A part of an Ingress that is owned as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part<'a> {
    Rules,
    DefaultBackend,
    Class,
    Tls,
    Annotation(&'a str),
}

impl Part<'_> {
    /// The field as citations spell it.
    #[must_use]
    pub fn field(self) -> String {
        match self {
            Self::Rules => "spec.rules".to_owned(),
            Self::DefaultBackend => "spec.defaultBackend".to_owned(),
            Self::Class => "spec.ingressClassName".to_owned(),
            Self::Tls => "spec.tls".to_owned(),
            Self::Annotation(key) => annotation_field(key),
        }
    }
}

/// The last write of a part; `None` where the object does not record one.
#[must_use]
pub fn last<'a>(ingress: &'a Ingress, part: Part<'_>) -> Option<&'a FieldWrite> {
    let field = part.field();
    let owns = |write: &&FieldWrite| {
        write.subresource.is_none()
            && write.fields.iter().any(|owned| {
                owned
                    .strip_prefix(field.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            })
    };
    ingress.meta.writes.iter().filter(owns).max_by(|a, b| (a.at, &a.manager).cmp(&(b.at, &b.manager)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::object::ObjectMeta;

    fn write(manager: &str, minute: u32, fields: &[&str], subresource: Option<&str>) -> FieldWrite {
        FieldWrite {
            manager: manager.to_owned(),
            applied: false,
            subresource: subresource.map(str::to_owned),
            at: format!("2026-11-22T10:{minute:02}:00Z").parse().ok(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        }
    }

    #[test]
    fn each_part_has_its_own_last_writer() {
        let key = "nginx.ingress.kubernetes.io/use-regex";
        let annotation = annotation_field(key);
        let ingress = Ingress {
            meta: ObjectMeta {
                writes: vec![
                    write("helm", 0, &["spec.rules", "spec.ingressClassName"], None),
                    write("kubectl-edit", 7, &["spec.rules"], None),
                    write("kubectl-annotate", 5, &[&annotation], None),
                    write("controller", 9, &["spec.rules", "status.loadBalancer.ingress"], Some("status")),
                    write("other", 8, &["spec.defaultBackend.service.name", "spec.rulesets"], None),
                ],
                ..ObjectMeta::default()
            },
            ..Ingress::default()
        };
        let by = |part| last(&ingress, part).map(|write| write.manager.as_str());
        assert_eq!(by(Part::Rules), Some("kubectl-edit"));
        assert_eq!(by(Part::Class), Some("helm"));
        assert_eq!(by(Part::Annotation(key)), Some("kubectl-annotate"));
        assert_eq!(by(Part::DefaultBackend), Some("other"));
        assert_eq!(by(Part::Tls), None);
    }
}

//! `metadata.managedFields`: which manager last wrote which part of an object, and when.
//!
//! Precision: 1 s. An entry's time is that of the last write by this manager to anything it owns here, so
//! a manager that owns several parts may have written one of them only.
//! Coverage: objects that exist; never complete, for what was deleted leaves no entry.
//! Blind spots: earlier values, items of lists (`spec.rules` is one field), removals, and writes that a later one
//! by the same manager covered up. Status writes are left out: routing does not depend on them.

use super::{Input, aspect_of, brief};
use crate::model::change::{Act, Aspect, Blind, Change, ChangeSource, SourceCoverage};
use crate::model::ingress_class::IngressClass;
use crate::model::object::{FieldWrite, Kind, Object, ObjectKey, ObjectMeta};
use crate::model::snapshot::Lookup;

use super::diff::LAST_APPLIED;

/// An entry that owns more keys of a map than this is told as one write to the map.
const SINGLE_KEYS: usize = 4;

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    let snapshot = input.snapshot;
    let mut found = Vec::new();
    let nothing = |_: &str| None;
    for ingress in snapshot.ingresses.items() {
        writes(&ingress.object_key(), &ingress.meta, &nothing, &mut found);
    }
    for service in snapshot.services.items() {
        writes(&service.object_key(), &service.meta, &nothing, &mut found);
    }
    for class in snapshot.classes.items() {
        writes(&IngressClass::object_key(class), &class.meta, &nothing, &mut found);
    }
    for controller in &snapshot.controllers {
        if let Some((_, Lookup::Found(config))) = &controller.config_map {
            let value = |field: &str| {
                let key = field.strip_prefix("data[\"")?.strip_suffix("\"]")?;
                config.data.get(key).map(|value| brief::clip(value))
            };
            writes(&config.object_key(), &config.meta, &value, &mut found);
        }
    }
    let coverage = SourceCoverage {
        source: ChangeSource::ManagedFields,
        from: None,
        to: None,
        unseen: None,
        complete: Vec::new(),
        blind_to: vec![
            Blind::Values,
            Blind::ListItems,
            Blind::Removals,
            Blind::Deletions,
            Blind::EarlierWrites,
        ],
    };
    (found, coverage)
}

/// The entries of an object. What a field holds now is what its last writer wrote.
fn writes(
    key: &ObjectKey,
    meta: &ObjectMeta,
    value: &dyn Fn(&str) -> Option<String>,
    found: &mut Vec<Change>,
) {
    for write in &meta.writes {
        let Some(at) = write.at.filter(|_| write.subresource.is_none()) else { continue };
        // What came with the creation is told by the creation.
        if meta.created.is_some_and(|created| (at - created).num_seconds().abs() <= 1) {
            continue;
        }
        for (aspect, field) in parts(key.kind, write) {
            found.push(Change {
                at,
                precision_s: 1,
                object: key.clone(),
                aspect,
                act: Act::Written,
                after: value(&field),
                field,
                rule: None,
                before: None,
                by: Some(write.manager.clone()),
                via: ChangeSource::ManagedFields,
            });
        }
    }
}

/// The parts of the object that the entry covers and routing depends on.
fn parts(kind: Kind, write: &FieldWrite) -> Vec<(Aspect, String)> {
    let mut parts: Vec<(Aspect, String)> = Vec::new();
    let mut keys: Vec<(Aspect, String)> = Vec::new();
    for field in &write.fields {
        if let Some(map) = map_key(field) {
            let ignored = field.contains(LAST_APPLIED) || field.contains("endpoints.kubernetes.io/");
            if !ignored && let Some(aspect) = map_aspect(kind, map) {
                keys.push((aspect, field.clone()));
            }
        } else if let Some((aspect, part)) = part(kind, field) {
            parts.push((aspect, part.to_owned()));
        }
    }
    if SINGLE_KEYS < keys.len() {
        keys.truncate(1);
        for (_, field) in &mut keys {
            if let Some(map) = map_key(field) {
                map.clone_into(field);
            }
        }
    }
    parts.extend(keys);
    parts.sort();
    parts.dedup();
    parts
}

/// The map that a field is a key of.
fn map_key(field: &str) -> Option<&'static str> {
    ["metadata.annotations", "data"]
        .into_iter()
        .find(|map| field.strip_prefix(map).is_some_and(|rest| rest.starts_with("[\"")))
}

fn map_aspect(kind: Kind, map: &str) -> Option<Aspect> {
    match (kind, map) {
        (Kind::Ingress | Kind::IngressClass, "metadata.annotations") => Some(Aspect::ClassOrAnnotation),
        (Kind::Service, "metadata.annotations") => Some(Aspect::Service),
        (Kind::ConfigMap, "data") => Some(Aspect::Controller),
        _ => None,
    }
}

/// The top-level part that a leaf field lies in.
fn part(kind: Kind, field: &str) -> Option<(Aspect, &'static str)> {
    let parts: &[&'static str] = match kind {
        Kind::Ingress => &["spec.rules", "spec.defaultBackend", "spec.tls", "spec.ingressClassName"],
        Kind::IngressClass => &["spec.controller", "spec.parameters"],
        Kind::Service => &["spec.ports", "spec.selector", "spec.type", "spec.externalName"],
        Kind::ConfigMap => &["data"],
        _ => &[],
    };
    let part = parts.iter().find(|part| {
        field
            .strip_prefix(**part)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
    })?;
    let aspect = match *part {
        "spec.ingressClassName" => Aspect::ClassOrAnnotation,
        _ => aspect_of(kind),
    };
    Some((aspect, part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::*;
    use crate::model::event::ConfigMap;
    use crate::model::snapshot::Listing;

    fn check(writes: &[&str], expected: &[&str]) {
        let mut web = ingress("shop/web", "created=01:00");
        web.meta.writes = writes.iter().map(|text| write(text)).collect();
        let mut snapshot = noon();
        snapshot.ingresses = Listing::complete(Kind::Ingress, vec![web]);
        let log = LogFacts::default();
        assert_eq!(told(&over(&snapshot, &log), ChangeSource::ManagedFields), expected);
    }

    #[test]
    fn rules_class_and_annotations_are_told_apart() {
        check(
            &[
                "kubectl-edit 11:40 spec.rules",
                "helm 11:20 metadata.annotations[\"a/b\"] spec.ingressClassName",
            ],
            &[
                "11:20:00±1 ClassOrAnnotation Written Ingress shop/web metadata.annotations[\"a/b\"]: - => - (helm)",
                "11:20:00±1 ClassOrAnnotation Written Ingress shop/web spec.ingressClassName: - => - (helm)",
                "11:40:00±1 IngressRules Written Ingress shop/web spec.rules: - => - (kubectl-edit)",
            ],
        );
    }

    #[test]
    fn status_creation_labels_and_bookkeeping_are_left_out() {
        check(
            &[
                "helm 01:00 spec.rules",
                "kubectl 11:40 metadata.labels[\"x\"]",
                "kubectl 11:41 metadata.annotations[\"kubectl.kubernetes.io/last-applied-configuration\"]",
            ],
            &[],
        );
        let mut status = write("nginx 11:50 status.loadBalancer.ingress");
        status.subresource = Some("status".to_owned());
        status.fields.push("spec.rules".to_owned());
        let mut web = ingress("shop/web", "");
        web.meta.writes = vec![status];
        let mut snapshot = noon();
        snapshot.ingresses = Listing::complete(Kind::Ingress, vec![web]);
        let log = LogFacts::default();
        assert!(told(&over(&snapshot, &log), ChangeSource::ManagedFields).is_empty());
    }

    #[test]
    fn a_manager_that_owns_many_annotations_is_one_write() {
        let many: Vec<String> = (0..9).map(|n| format!("metadata.annotations[\"k{n}\"]")).collect();
        check(
            &[&format!("helm 11:20 {}", many.join(" "))],
            &["11:20:00±1 ClassOrAnnotation Written Ingress shop/web metadata.annotations: - => - (helm)"],
        );
    }

    #[test]
    fn services_and_the_controllers_configuration_are_told() {
        let mut web = service("shop/web", "a=b", "http 80 80");
        web.meta.writes =
            vec![write("kubectl-edit 11:40 spec.ports[port=80,protocol=\"TCP\"].targetPort spec.selector")];
        let data = [("ssl-redirect".to_owned(), "false".to_owned())].into();
        let mut config = ConfigMap { meta: meta("ctl/nginx"), data };
        config.meta.writes = vec![write("kubectl-edit 11:55 data[\"ssl-redirect\"]")];
        let mut nginx = controller(&[]);
        nginx.config_map = Some((config.meta.key(), Lookup::Found(config)));
        let mut snapshot = noon();
        snapshot.services = Listing::complete(Kind::Service, vec![web]);
        snapshot.controllers = vec![nginx];
        let log = LogFacts::default();
        assert_eq!(
            told(&over(&snapshot, &log), ChangeSource::ManagedFields),
            [
                "11:40:00±1 Service Written Service shop/web spec.ports: - => - (kubectl-edit)",
                "11:40:00±1 Service Written Service shop/web spec.selector: - => - (kubectl-edit)",
                "11:55:00±1 Controller Written ConfigMap ctl/nginx data[\"ssl-redirect\"]: - => false (kubectl-edit)",
            ]
        );
    }
}

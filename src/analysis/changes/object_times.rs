//! Creation and deletion times, uids, and objects that only their Events remember.
//!
//! Precision: 1 s for creations; a deletion that left nothing but Events lies somewhere between the last
//! of them and now.
//! Coverage: objects that exist, or that an Event of the last hour speaks of; never complete.
//! Blind spots: what was there before, and deletions without Events.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Input, aspect_of, brief, seconds_between, workload_aspect};
use crate::model::change::{Act, Aspect, Blind, Change, ChangeSource, SourceCoverage, Versioned};
use crate::model::object::{Kind, Object, ObjectKey, ObjectMeta};
use crate::model::snapshot::{Lookup, Snapshot};

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    let snapshot = input.snapshot;
    let mut found = Vec::new();
    for ingress in snapshot.ingresses.items() {
        times(&ingress.object_key(), &ingress.meta, Aspect::IngressRules, &mut found, || {
            Some(brief::object(&Versioned::Ingress(Box::new(ingress.clone()))))
        });
    }
    for service in snapshot.services.items() {
        times(&service.object_key(), &service.meta, Aspect::Service, &mut found, || {
            Some(brief::object(&Versioned::Service(Box::new(service.clone()))))
        });
    }
    for class in snapshot.classes.items() {
        let controller = || class.controller.as_deref().map(brief::clip);
        times(&class.object_key(), &class.meta, Aspect::ClassOrAnnotation, &mut found, controller);
    }
    for workload in snapshot.workloads.items() {
        let key = workload.object_key();
        let aspect = workload_aspect(snapshot, &key);
        let image = || workload.template.containers.first().map(|container| brief::clip(&container.image));
        times(&key, &workload.meta, aspect, &mut found, image);
    }
    for controller in &snapshot.controllers {
        if let Some((_, Lookup::Found(config))) = &controller.config_map {
            times(&config.object_key(), &config.meta, Aspect::Controller, &mut found, || None);
        }
    }
    remembered(snapshot, &mut found);
    let coverage = SourceCoverage {
        source: ChangeSource::ObjectTimes,
        from: None,
        to: None,
        unseen: None,
        complete: Vec::new(),
        blind_to: vec![Blind::Deletions, Blind::Values],
    };
    (found, coverage)
}

fn times(
    key: &ObjectKey,
    meta: &ObjectMeta,
    aspect: Aspect,
    found: &mut Vec<Change>,
    text: impl FnOnce() -> Option<String>,
) {
    if let Some(at) = meta.created {
        let by = meta.writes.iter().filter(|write| write.subresource.is_none() && write.at == Some(at));
        let by = by.map(|write| write.manager.clone()).min();
        found.push(Change { by, after: text(), ..base(key, at, 1, aspect, Act::Created) });
    }
    if let Some(at) = meta.deletion_requested {
        found.push(Change {
            field: "metadata.deletionTimestamp".to_owned(),
            after: Some(at.to_rfc3339_opts(SecondsFormat::Secs, true)),
            ..base(key, at, 1, aspect, Act::Changed)
        });
    }
}

fn base(key: &ObjectKey, at: DateTime<Utc>, precision_s: u32, aspect: Aspect, act: Act) -> Change {
    Change {
        at,
        precision_s,
        object: key.clone(),
        aspect,
        act,
        field: String::new(),
        rule: None,
        before: None,
        after: None,
        by: None,
        via: ChangeSource::ObjectTimes,
    }
}

/// Events outlive what they are about: they tell of objects that are gone, or were another one.
fn remembered(snapshot: &Snapshot, found: &mut Vec<Change>) {
    let mut last: BTreeMap<(ObjectKey, &str), DateTime<Utc>> = BTreeMap::new();
    for event in snapshot.events.items() {
        let kind = match Kind::parse(&event.about_kind) {
            Some(
                kind @ (Kind::Ingress
                | Kind::Service
                | Kind::Deployment
                | Kind::StatefulSet
                | Kind::DaemonSet),
            ) => kind,
            Some(_) | None => continue,
        };
        let Some(at) = event.last else { continue };
        let key = ObjectKey { kind, name: event.about.clone() };
        let seen = last.entry((key, event.about_uid.as_str())).or_insert(at);
        *seen = (*seen).max(at);
    }
    for ((key, uid), seen) in last {
        let aspect = match key.kind {
            Kind::Ingress | Kind::Service => aspect_of(key.kind),
            _ => workload_aspect(snapshot, &key),
        };
        match live(snapshot, &key) {
            Lookup::Absent => found.push(base(
                &key,
                snapshot.now,
                seconds_between(seen, snapshot.now),
                aspect,
                Act::Deleted,
            )),
            Lookup::Found(meta) if !uid.is_empty() && !meta.uid.is_empty() && meta.uid != uid => {
                let Some(created) = meta.created.filter(|created| seen <= *created) else { continue };
                found.push(Change {
                    field: "metadata.uid".to_owned(),
                    before: Some(brief::clip(uid)),
                    after: Some(brief::clip(&meta.uid)),
                    ..base(&key, created, 1, aspect, Act::Recreated)
                });
            }
            Lookup::Found(_) | Lookup::Unseen(_) => {}
        }
    }
}

fn live<'a>(snapshot: &'a Snapshot, key: &'a ObjectKey) -> Lookup<&'a ObjectMeta> {
    let (namespace, name) = (key.name.namespace.as_str(), key.name.name.as_str());
    match key.kind {
        Kind::Ingress => snapshot.ingresses.get(namespace, name).map(|object| &object.meta),
        Kind::Service => snapshot.services.get(namespace, name).map(|object| &object.meta),
        // Workloads of several kinds may share a name.
        _ => {
            let mut there = snapshot.workloads.in_namespace(namespace);
            match there.find(|workload| workload.kind == key.kind && workload.meta.name == name) {
                Some(workload) => Lookup::Found(&workload.meta),
                None => snapshot.workloads.get(namespace, "").map(|workload| &workload.meta),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::*;
    use crate::model::snapshot::Listing;

    fn check(snapshot: &Snapshot, expected: &[&str]) {
        let log = LogFacts::default();
        assert_eq!(told(&over(snapshot, &log), ChangeSource::ObjectTimes), expected);
    }

    #[test]
    fn creations_are_told_with_what_was_created_and_by_whom() {
        let mut web = ingress("shop/web", "created=11:48; a: /=w:80");
        web.meta.writes = vec![write("helm 11:48 spec.rules")];
        let mut nginx = deployment("ctl/nginx", template("app=x", "controller:v1", &[]));
        nginx.meta.created = Some(t("10:00"));
        let mut snapshot = noon();
        snapshot.ingresses = Listing::complete(Kind::Ingress, vec![web]);
        snapshot.workloads = Listing::complete(Kind::Deployment, vec![nginx]);
        snapshot.controllers = vec![controller(&[])];
        check(
            &snapshot,
            &[
                "10:00:00±1 Controller Created Deployment ctl/nginx: - => controller:v1",
                "11:48:00±1 IngressRules Created Ingress shop/web: - => a: / (Prefix) -> w:80 (helm)",
            ],
        );
    }

    #[test]
    fn a_requested_deletion_is_told() {
        let mut web = ingress("shop/web", "a: /=w:80");
        web.meta.deletion_requested = Some(t("11:50"));
        let mut snapshot = noon();
        snapshot.ingresses = Listing::complete(Kind::Ingress, vec![web]);
        check(
            &snapshot,
            &[
                "11:50:00±1 IngressRules Changed Ingress shop/web metadata.deletionTimestamp: - => 2026-11-22T11:50:00Z",
            ],
        );
    }

    #[test]
    fn events_remember_what_is_gone_and_what_was_another() {
        let mut old = event("Service shop/web", "X", "", "11:40");
        old.about_uid = "old".to_owned();
        let mut web = service("shop/web", "a=b", "http 80 80");
        web.meta.uid = "new".to_owned();
        web.meta.created = Some(t("11:45"));
        let mut snapshot = noon();
        snapshot.events =
            Listing::complete(Kind::Event, vec![old, event("Ingress shop/gone", "Sync", "", "11:50")]);
        snapshot.services = Listing::complete(Kind::Service, vec![web]);
        check(
            &snapshot,
            &[
                "11:45:00±1 Service Created Service shop/web: - => http 80 -> 80; a=b",
                "11:45:00±1 Service Recreated Service shop/web metadata.uid: old => new",
                "12:00:00±600 IngressRules Deleted Ingress shop/gone: - => -",
            ],
        );
        // A list that was not read proves no absence.
        snapshot.ingresses = Listing::unasked(Kind::Ingress);
        snapshot.services = Listing::unasked(Kind::Service);
        check(&snapshot, &[]);
    }
}

//! ReplicaSets and ControllerRevisions: the pod templates a workload had, and when it got each.
//!
//! Precision: 1 s (the creation of the revision's object). A rollback re-uses an old object: it lies
//! between the creation of the revision before it and the last write of its revision annotation.
//! Coverage: complete where revisions were listed: a rollout always leaves a revision.
//! Blind spots: revisions beyond the history limit, and the application's own routes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::diff::pod_template;
use super::{Input, brief, seconds_between, workload_aspect};
use crate::model::change::Aspect;
use crate::model::change::{Act, Blind, Change, ChangeSource, Complete, Scope, SourceCoverage};
use crate::model::gap::Why;
use crate::model::object::{Kind, Object, ObjectKey};
use crate::model::snapshot::Snapshot;
use crate::model::workload::Revision;

/// A Deployment's controller writes the number here, on the ReplicaSet and at every rollback.
const NUMBER: &str = "metadata.annotations[\"deployment.kubernetes.io/revision\"]";

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    let snapshot = input.snapshot;
    let mut by_owner: BTreeMap<(ObjectKey, &str), Vec<&Revision>> = BTreeMap::new();
    for revision in snapshot.revisions.items() {
        let Some(owner) = &revision.meta.owner else { continue };
        let Some(kind) = Kind::parse(&owner.kind) else { continue };
        let key = ObjectKey::new(kind, &revision.meta.namespace, &owner.name);
        by_owner.entry((key, owner.uid.as_str())).or_default().push(revision);
    }
    let mut found = Vec::new();
    for ((workload, _), mut revisions) in by_owner {
        revisions.sort_by_key(|revision| (revision.number, revision.meta.created, &revision.meta.name));
        let aspect = workload_aspect(snapshot, &workload);
        for pair in revisions.windows(2) {
            if let [before, after] = pair {
                found.extend(rollout(&workload, aspect, before, after));
            }
        }
    }
    (found, coverage(snapshot))
}

/// When the workload got this revision, as the latest moment and how far before it may lie.
fn dated(before: &Revision, after: &Revision) -> Option<(DateTime<Utc>, u32)> {
    let created = after.meta.created?;
    let previous = before.meta.created.unwrap_or(created);
    if previous <= created {
        return Some((created, 1));
    }
    // The object with the higher number is the older one: the workload went back to it.
    let written = after.meta.writes.iter().filter(|write| write.fields.iter().any(|field| field == NUMBER));
    let written = written.filter_map(|write| write.at).filter(|at| previous <= *at).max()?;
    Some((written, seconds_between(previous, written).max(1)))
}

fn rollout(workload: &ObjectKey, aspect: Aspect, before: &Revision, after: &Revision) -> Vec<Change> {
    let Some((at, precision_s)) = dated(before, after) else { return Vec::new() };
    let change = |field: String, old: Option<String>, new: Option<String>| Change {
        at,
        precision_s,
        object: workload.clone(),
        aspect,
        act: Act::Changed,
        field,
        rule: None,
        before: old,
        after: new,
        by: None,
        via: ChangeSource::Revisions,
    };
    let mut found: Vec<Change> = pod_template::differences(aspect, &before.template, &after.template)
        .into_iter()
        .map(|difference| change(difference.field, difference.before, difference.after))
        .collect();
    if found.is_empty() {
        // A new revision differs in something that is not modelled: volumes, limits, security.
        let name = |revision: &Revision| Some(brief::clip(&revision.meta.name));
        found.push(change("spec.template".to_owned(), name(before), name(after)));
    }
    found
}

fn coverage(snapshot: &Snapshot) -> SourceCoverage {
    let listing = &snapshot.revisions;
    let entry = |scope| Complete { aspect: Aspect::Rollout, scope, from: None, to: None };
    let complete: Vec<Complete> = if listing.covers_everything() {
        vec![entry(Scope::Everywhere)]
    } else {
        let mut namespaces: BTreeSet<&str> = listing.coverage.namespaces.iter().map(String::as_str).collect();
        if listing.coverage.everywhere {
            namespaces.extend(listing.items().iter().map(|revision| revision.meta().namespace.as_str()));
        }
        let covered = namespaces.into_iter().filter(|namespace| listing.covers(namespace));
        covered.map(|namespace| entry(Scope::Namespace(namespace.to_owned()))).collect()
    };
    let missing = || listing.coverage.missing.values().next().cloned().unwrap_or(Why::NotCaptured);
    SourceCoverage {
        source: ChangeSource::Revisions,
        from: None,
        to: None,
        unseen: (complete.is_empty() && listing.items().is_empty()).then(missing),
        complete,
        blind_to: vec![Blind::OldRevisions, Blind::ApplicationRoutes],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::*;
    use crate::model::snapshot::Listing;

    fn check(revisions: Vec<Revision>, expected: &[&str]) {
        let mut snapshot = noon();
        snapshot.controllers = vec![controller(&[])];
        snapshot.revisions = Listing::complete(Kind::ReplicaSet, revisions);
        let log = LogFacts::default();
        assert_eq!(told(&over(&snapshot, &log), ChangeSource::Revisions), expected);
    }

    #[test]
    fn consecutive_revisions_are_told_by_what_differs() {
        check(
            vec![
                revision("web", "shop/web-2", 2, "11:10", template("a=b", "web:2", &["--base=/shop"])),
                revision("web", "shop/web-1", 1, "09:00", template("a=b", "web:1", &[])),
            ],
            &[
                "11:10:00±1 Rollout Changed Deployment shop/web spec.template.spec.containers[0].image: web:1 => web:2",
                "11:10:00±1 Rollout Changed Deployment shop/web spec.template.spec.containers[0].args[0]: - => --base=/shop",
            ],
        );
    }

    #[test]
    fn a_controllers_rollout_bears_on_the_controller() {
        check(
            vec![
                revision("nginx", "ctl/nginx-1", 1, "09:00", template("", "controller:v1.11.3", &[])),
                revision("nginx", "ctl/nginx-2", 2, "11:20", template("", "controller:v1.12.0", &[])),
            ],
            &[
                "11:20:00±1 Controller Changed Deployment ctl/nginx spec.template.spec.containers[0].image: controller:v1.11.3 => controller:v1.12.0",
            ],
        );
    }

    #[test]
    fn a_rollback_is_dated_by_the_write_of_its_new_number() {
        let mut back = revision("web", "shop/web-1", 3, "09:00", template("a=b", "web:1", &[]));
        back.meta.writes = vec![write(
            "kube-controller-manager 11:40 metadata.annotations[\"deployment.kubernetes.io/revision\"]",
        )];
        let ahead = revision("web", "shop/web-2", 2, "11:30", template("a=b", "web:2", &[]));
        check(
            vec![back, ahead.clone()],
            &[
                "11:40:00±600 Rollout Changed Deployment shop/web spec.template.spec.containers[0].image: web:2 => web:1",
            ],
        );
        // Without the time of that write nothing dates it.
        check(vec![revision("web", "shop/web-1", 3, "09:00", template("a=b", "web:1", &[])), ahead], &[]);
    }

    #[test]
    fn a_revision_that_differs_in_nothing_known_is_told_as_a_whole() {
        check(
            vec![
                revision("web", "shop/web-1", 1, "09:00", template("a=b", "web:1", &[])),
                revision("web", "shop/web-2", 2, "11:00", template("a=b", "web:1", &[])),
            ],
            &["11:00:00±1 Rollout Changed Deployment shop/web spec.template: web-1 => web-2"],
        );
    }

    #[test]
    fn one_revision_or_two_owners_are_no_rollout() {
        check(
            vec![
                revision("web", "shop/web-1", 1, "11:00", template("a=b", "web:1", &[])),
                revision("api", "shop/api-1", 1, "11:10", template("a=b", "api:1", &[])),
            ],
            &[],
        );
    }

    #[test]
    fn silence_counts_where_revisions_were_listed() {
        let log = LogFacts::default();
        let scopes = |snapshot: &Snapshot| {
            let coverage = coverage_of(&over(snapshot, &log), ChangeSource::Revisions);
            let scopes: Vec<Scope> = coverage.complete.into_iter().map(|entry| entry.scope).collect();
            (scopes, coverage.unseen)
        };
        assert_eq!(scopes(&noon()), (vec![Scope::Everywhere], None));
        assert_eq!(scopes(&Snapshot::empty(t("12:00"))), (vec![], Some(Why::NotCaptured)));
        let mut one = noon();
        one.revisions.coverage.everywhere = false;
        one.revisions.coverage.namespaces.insert("shop".to_owned());
        assert_eq!(scopes(&one), (vec![Scope::Namespace("shop".to_owned())], None));
    }
}

//! Recorded versions of objects put in order: what happened from one to the next.
//!
//! Three sources rest on this: watch replay, history and audit log. The versions of an object are
//! ordered by resource version (one counter per etcd, comparable as numbers), and the object as it is
//! now closes the row, so that a record that ended early still shows what it missed, within its bounds.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::diff::{self, Difference};
use super::{Input, brief, seconds_between};
use crate::model::change::{
    Act, Aspect, Blind, Change, ChangeSource, Complete, ObjectVersion, Replay, Scope, Since, SourceCoverage,
    Touch, VersionOp, Versioned,
};
use crate::model::gap::Why;
use crate::model::object::{Kind, Object, ObjectKey, ObjectMeta};
use crate::model::snapshot::{Listing, Lookup, Snapshot};

/// A creation is told from a first sighting by the object's own creation time, this exactly.
const SAME_MOMENT: i64 = 2;

/// One version of an object, dated.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) op: VersionOp,
    pub(crate) at: DateTime<Utc>,
    pub(crate) precision_s: u32,
    pub(crate) by: Option<String>,
    /// The object came to be with this version. Of the first one recorded that is not a matter of
    /// course: a record begins with what was there already.
    pub(crate) born: bool,
    pub(crate) object: Versioned,
}

/// The dated versions of every object that a source recorded, oldest first.
pub(crate) fn rows(input: &Input<'_>, source: ChangeSource) -> BTreeMap<ObjectKey, Vec<Step>> {
    let mut versions: BTreeMap<ObjectKey, Vec<&ObjectVersion>> = BTreeMap::new();
    for version in replays(input, source).flat_map(|replay| &replay.versions) {
        let key = ObjectKey { kind: version.object.kind(), name: version.object.name() };
        versions.entry(key).or_default().push(version);
    }
    let starts = starts(input, source);
    versions
        .into_iter()
        .map(|(key, versions)| {
            let mut steps = dated(&ordered(versions), input.snapshot.now);
            if let Some(first) = steps.first_mut() {
                birth(first, starts.get(&key.kind).copied());
            }
            let touches = replays(input, source).flat_map(|replay| &replay.touches);
            insert_deletions(&mut steps, touches.filter(|touch| touch.object == key));
            close(&key, &mut steps, input.snapshot);
            (key, steps)
        })
        .collect()
}

fn replays<'a>(input: &Input<'a>, source: ChangeSource) -> impl Iterator<Item = &'a Replay> {
    input.replays.iter().filter(move |replay| replay.source == source)
}

/// By resource version where all have one, else by time; the same version once.
fn ordered(mut versions: Vec<&ObjectVersion>) -> Vec<&ObjectVersion> {
    let number = |version: &ObjectVersion| version.object.meta().resource_version.parse::<u64>().ok();
    if versions.iter().all(|version| number(version).is_some()) {
        versions.sort_by_key(|version| (number(version), version.op, version.at));
        versions.dedup_by_key(|version| (number(version), version.op));
    } else {
        versions.sort_by_key(|a| (a.at, a.op, number(a)));
    }
    versions
}

/// A version without a time lies between its neighbours.
fn dated(versions: &[&ObjectVersion], now: DateTime<Utc>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::with_capacity(versions.len());
    for (index, version) in versions.iter().enumerate() {
        let (at, precision_s) = match version.at {
            Some(at) => (at, version.precision_s),
            None => {
                let next = versions.iter().skip(index).find_map(|later| later.at).unwrap_or(now);
                (next, steps.last().map_or(u32::MAX, |step| seconds_between(step.at, next)))
            }
        };
        let by = match version.op {
            VersionOp::Deleted => version.by.clone(),
            VersionOp::Added | VersionOp::Modified => {
                version.by.clone().or_else(|| writer(version.object.meta(), at))
            }
        };
        steps.push(Step { op: version.op, at, precision_s, by, born: false, object: version.object.clone() });
    }
    steps
}

/// Who wrote at this time; removals leave no entry of their own.
fn writer(meta: &ObjectMeta, at: DateTime<Utc>) -> Option<String> {
    meta.last_write().filter(|write| write.at == Some(at)).map(|write| write.manager.clone())
}

/// Puts deletions that were recorded without the object among its versions.
fn insert_deletions<'a>(steps: &mut Vec<Step>, touches: impl Iterator<Item = &'a Touch>) {
    let mut deletions: Vec<&Touch> = touches.filter(|touch| touch.op == VersionOp::Deleted).collect();
    deletions.sort_by_key(|touch| (touch.at, touch.precision_s, &touch.by));
    for touch in deletions {
        let position = steps.iter().rposition(|step| step.at <= touch.at);
        let Some((position, last)) = position.and_then(|at| Some((at, steps.get(at)?))) else { continue };
        if last.op != VersionOp::Deleted {
            let step = Step {
                op: VersionOp::Deleted,
                at: touch.at,
                precision_s: touch.precision_s,
                by: touch.by.clone(),
                born: false,
                object: last.object.clone(),
            };
            steps.insert(position + 1, step);
        }
    }
}

/// Appends the object as it is now, if that is not the last version already.
fn close(key: &ObjectKey, steps: &mut Vec<Step>, snapshot: &Snapshot) {
    let Some(last) = steps.last() else { return };
    let step = match live(key, snapshot) {
        Lookup::Unseen(_) => return,
        Lookup::Absent if last.op == VersionOp::Deleted => return,
        Lookup::Absent => Step {
            op: VersionOp::Deleted,
            at: snapshot.now,
            precision_s: seconds_between(last.at, snapshot.now),
            by: None,
            born: false,
            object: last.object.clone(),
        },
        Lookup::Found(object) => {
            let (old, new) = (last.object.meta(), object.meta());
            if last.op != VersionOp::Deleted && same_version(old, new) {
                return;
            }
            let recreated = last.op == VersionOp::Deleted || old.uid != new.uid;
            let at = if recreated { new.created } else { new.last_write().and_then(|write| write.at) };
            // A time that is not later than what was recorded cannot be that of a later version.
            let at = at.filter(|at| last.at <= *at).unwrap_or(snapshot.now);
            Step {
                op: if recreated { VersionOp::Added } else { VersionOp::Modified },
                at,
                precision_s: if recreated && new.created == Some(at) {
                    1
                } else {
                    seconds_between(last.at, at)
                },
                by: writer(new, at),
                born: recreated,
                object,
            }
        }
    };
    steps.push(step);
}

fn same_version(old: &ObjectMeta, new: &ObjectMeta) -> bool {
    let known = !old.resource_version.is_empty() && !new.resource_version.is_empty();
    known && old.resource_version == new.resource_version && old.uid == new.uid
}

fn live(key: &ObjectKey, snapshot: &Snapshot) -> Lookup<Versioned> {
    let (namespace, name) = (key.name.namespace.as_str(), key.name.name.as_str());
    match key.kind {
        Kind::Ingress => {
            snapshot.ingresses.get(namespace, name).map(|object| Versioned::Ingress(Box::new(object.clone())))
        }
        Kind::Service => {
            snapshot.services.get(namespace, name).map(|object| Versioned::Service(Box::new(object.clone())))
        }
        _ => snapshot
            .classes
            .get(namespace, name)
            .map(|object| Versioned::IngressClass(Box::new(object.clone()))),
    }
}

/// What happened from version to version, and how far the source's silence can be trusted.
pub(super) fn changes(input: &Input<'_>, source: ChangeSource) -> (Vec<Change>, SourceCoverage) {
    let mut found = Vec::new();
    let rows = rows(input, source);
    for (key, steps) in &rows {
        if let Some(first) = steps.first() {
            found.extend(appearance(key, first, source));
        }
        for pair in steps.windows(2) {
            if let [before, after] = pair {
                transition(key, before, after, source, &mut found);
            }
        }
    }
    for replay in replays(input, source) {
        let told = |touch: &&Touch| {
            let closes = |step: &Step| step.op == VersionOp::Deleted && step.at == touch.at;
            touch.op == VersionOp::Deleted
                && rows.get(&touch.object).is_some_and(|steps| steps.iter().any(closes))
        };
        let touches = replay.touches.iter().filter(|touch| !told(touch));
        found.extend(touches.filter_map(|touch| touched(touch, input.snapshot)));
    }
    (found, coverage(input, source))
}

/// Since when each kind was recorded, at the latest.
fn starts(input: &Input<'_>, source: ChangeSource) -> BTreeMap<Kind, DateTime<Utc>> {
    let mut starts = BTreeMap::new();
    for replay in replays(input, source) {
        if let Since::At(at) = replay.since {
            for kind in &replay.kinds {
                let start = starts.entry(*kind).or_insert(at);
                *start = (*start).max(at);
            }
        }
    }
    starts
}

/// Tells a creation from a first sighting: by the object's own creation time, or, without one, by its
/// being seen after the record began.
fn birth(first: &mut Step, start: Option<DateTime<Utc>>) {
    let after_start = |at: DateTime<Utc>| start.is_some_and(|start| SAME_MOMENT < (at - start).num_seconds());
    let created = first.object.meta().created;
    first.born = first.op == VersionOp::Added
        && match created {
            Some(created) => after_start(created) || (first.at - created).num_seconds().abs() <= SAME_MOMENT,
            None => after_start(first.at),
        };
    if let Some(created) = created.filter(|_| first.born) {
        first.at = created;
    }
}

/// What the first recorded version proves by itself.
fn appearance(key: &ObjectKey, first: &Step, source: ChangeSource) -> Option<Change> {
    let text = brief::object(&first.object);
    if first.op == VersionOp::Deleted {
        return Some(Change { before: Some(text), ..whole(key, first, Act::Deleted, source) });
    }
    first.born.then(|| Change { after: Some(text), ..whole(key, first, Act::Created, source) })
}

fn transition(key: &ObjectKey, before: &Step, after: &Step, source: ChangeSource, found: &mut Vec<Change>) {
    let gone = |step: &Step| step.op == VersionOp::Deleted;
    let (old, new) = (&before.object.meta().uid, &after.object.meta().uid);
    match (gone(before), gone(after)) {
        (true, true) => return,
        (false, true) => {
            let mut change = whole(key, after, Act::Deleted, source);
            change.before = Some(brief::object(&before.object));
            found.push(change);
            return;
        }
        (true, false) => {
            let mut change = whole(key, after, Act::Created, source);
            change.after = Some(brief::object(&after.object));
            found.push(change);
        }
        (false, false) if old != new && !old.is_empty() && !new.is_empty() => {
            let mut change = whole(key, after, Act::Recreated, source);
            "metadata.uid".clone_into(&mut change.field);
            change.before = Some(old.clone());
            change.after = Some(new.clone());
            found.push(change);
        }
        (false, false) => {}
    }
    for difference in diff::versions(&before.object, &after.object) {
        let Difference { aspect, field, rule, before, after: value } = difference;
        let change =
            Change { aspect, field, rule, before, after: value, ..whole(key, after, Act::Changed, source) };
        found.push(change);
    }
}

fn whole(key: &ObjectKey, step: &Step, act: Act, source: ChangeSource) -> Change {
    Change {
        at: step.at,
        precision_s: step.precision_s,
        object: key.clone(),
        aspect: super::aspect_of(key.kind),
        act,
        field: String::new(),
        rule: None,
        before: None,
        after: None,
        by: step.by.clone(),
        via: source,
    }
}

/// A write without content; `None` for objects that routing does not depend on.
fn touched(touch: &Touch, snapshot: &Snapshot) -> Option<Change> {
    let aspect = match touch.object.kind {
        Kind::Ingress | Kind::IngressClass | Kind::Service => super::aspect_of(touch.object.kind),
        Kind::Deployment | Kind::DaemonSet | Kind::StatefulSet => {
            super::workload_aspect(snapshot, &touch.object)
        }
        Kind::ConfigMap if super::is_controller_config(snapshot, &touch.object.name) => Aspect::Controller,
        Kind::ConfigMap
        | Kind::EndpointSlice
        | Kind::Pod
        | Kind::ReplicaSet
        | Kind::ControllerRevision
        | Kind::Event
        | Kind::Namespace
        | Kind::Lease
        | Kind::Secret
        | Kind::GatewayClass
        | Kind::Gateway
        | Kind::HttpRoute
        | Kind::ReferenceGrant => return None,
    };
    Some(Change {
        at: touch.at,
        precision_s: touch.precision_s,
        object: touch.object.clone(),
        aspect,
        act: match touch.op {
            VersionOp::Added => Act::Created,
            VersionOp::Modified => Act::Written,
            VersionOp::Deleted => Act::Deleted,
        },
        field: String::new(),
        rule: None,
        before: None,
        after: None,
        by: touch.by.clone(),
        via: touch.source,
    })
}

fn coverage(input: &Input<'_>, source: ChangeSource) -> SourceCoverage {
    let read: Vec<&Replay> = replays(input, source).collect();
    let mut complete = Vec::new();
    for replay in read.iter().filter(|replay| replay.unseen.is_none()) {
        let from = match replay.since {
            Since::Ever => None,
            Since::At(at) => Some(at),
            Since::Unknown => continue,
        };
        for kind in &replay.kinds {
            let to = end(*kind, replay, input.snapshot);
            let scope = replay.namespace.clone().map_or(Scope::Everywhere, Scope::Namespace);
            let entry = |aspect| Complete { aspect, scope: scope.clone(), from, to };
            match kind {
                Kind::Ingress => {
                    complete.extend([entry(Aspect::IngressRules), entry(Aspect::IngressPaths)]);
                    // Classes are cluster-wide: both kinds must have been recorded.
                    complete.extend(
                        read.iter()
                            .filter(|other| {
                                other.unseen.is_none() && other.kinds.contains(&Kind::IngressClass)
                            })
                            .filter_map(|other| match other.since {
                                Since::Ever => Some(entry(Aspect::ClassOrAnnotation)),
                                Since::At(at) => Some(Complete {
                                    from: from.max(Some(at)),
                                    ..entry(Aspect::ClassOrAnnotation)
                                }),
                                Since::Unknown => None,
                            }),
                    );
                }
                Kind::Service => complete.push(entry(Aspect::Service)),
                _ => {}
            }
        }
    }
    complete.sort();
    complete.dedup();
    let times = || read.iter().flat_map(|replay| times(replay));
    SourceCoverage {
        source,
        from: complete
            .iter()
            .filter_map(|entry| entry.from)
            .max()
            .or_else(|| if complete.is_empty() { times().min() } else { None }),
        to: if complete.is_empty() {
            times().max()
        } else {
            complete.iter().filter_map(|entry| entry.to).min()
        },
        unseen: match read.iter().find_map(|replay| replay.unseen.clone()) {
            Some(why) => Some(why),
            None if read.is_empty() => Some(Why::NotCaptured),
            None => None,
        },
        complete,
        blind_to: match source {
            ChangeSource::AuditLog => vec![Blind::Unaudited, Blind::Content],
            _ => Vec::new(),
        },
    }
}

fn times(replay: &Replay) -> impl Iterator<Item = DateTime<Utc>> {
    let versions = replay.versions.iter().filter_map(|version| version.at);
    versions.chain(replay.touches.iter().map(|touch| touch.at))
}

/// A record that can be held against the objects as they are now reaches to now.
fn end(kind: Kind, replay: &Replay, snapshot: &Snapshot) -> Option<DateTime<Utc>> {
    fn listed<T: Object>(listing: &Listing<T>, namespace: Option<&str>) -> bool {
        match namespace {
            Some(namespace) => listing.covers(namespace),
            None => listing.covers_everything(),
        }
    }
    let namespace = replay.namespace.as_deref();
    let compared = match kind {
        Kind::Ingress => listed(&snapshot.ingresses, namespace),
        Kind::Service => listed(&snapshot.services, namespace),
        _ => listed(&snapshot.classes, None),
    };
    // The API server's own buffer was read just now.
    if compared || replay.source == ChangeSource::WatchReplay { None } else { times(replay).max() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::*;

    const WEB: &str = "shop/web";

    /// The changes that versions of `shop/web` prove, with its live state (`None`: it is gone).
    fn check(versions: Vec<ObjectVersion>, since: Since, live: Option<&str>, expected: &[&str]) {
        let mut snapshot = noon();
        snapshot.ingresses =
            Listing::complete(Kind::Ingress, live.iter().map(|text| ingress(WEB, text)).collect());
        let replays = [replay(since, &[Kind::Ingress], versions)];
        let log = LogFacts::default();
        let input = Input { snapshot: &snapshot, replays: &replays, log: &log };
        assert_eq!(told(&input, ChangeSource::WatchReplay), expected);
    }

    fn seen(op: VersionOp, at: &str, text: &str) -> ObjectVersion {
        of_ingress(op, at, WEB, text)
    }

    #[test]
    fn consecutive_versions_are_told_by_what_differs() {
        check(
            vec![
                seen(VersionOp::Added, "09:00", "created=09:00; rv=1; a: /=w:80"),
                seen(VersionOp::Modified, "11:40", "created=09:00; rv=2; a: /=w:80, /api=p:80"),
            ],
            Since::Ever,
            Some("created=09:00; rv=2; a: /=w:80, /api=p:80"),
            &[
                "09:00:00±1 IngressRules Created Ingress shop/web: - => a: / (Prefix) -> w:80",
                "11:40:00±1 IngressPaths Changed Ingress shop/web spec.rules[0].http.paths[1]: - => /api (Prefix) -> p:80",
            ],
        );
    }

    #[test]
    fn resource_versions_order_what_arrives_out_of_order_or_twice() {
        let second = || seen(VersionOp::Modified, "11:40", "rv=10; a: /v2=w:80");
        check(
            vec![second(), seen(VersionOp::Modified, "11:00", "rv=9; a: /=w:80"), second()],
            Since::Unknown,
            Some("rv=10; a: /v2=w:80"),
            &["11:40:00±1 IngressPaths Changed Ingress shop/web spec.rules[0].http.paths[0].path: / => /v2"],
        );
    }

    #[test]
    fn a_record_begins_with_what_was_there() {
        let old = || seen(VersionOp::Added, "09:00", "created=01:00; rv=1; a: /=w:80");
        check(vec![old()], Since::At(t("09:00")), Some("created=01:00; rv=1; a: /=w:80"), &[]);
        // Without a creation time only a later sighting proves one.
        let first = || seen(VersionOp::Added, "09:00", "rv=1; a: /=w:80");
        check(vec![first()], Since::At(t("09:00")), Some("rv=1; a: /=w:80"), &[]);
        check(
            vec![first()],
            Since::At(t("08:00")),
            Some("rv=1; a: /=w:80"),
            &["09:00:00±1 IngressRules Created Ingress shop/web: - => a: / (Prefix) -> w:80"],
        );
    }

    #[test]
    fn deletion_and_another_creation_are_told_with_what_differs() {
        check(
            vec![
                seen(VersionOp::Modified, "11:00", "rv=1; uid=x; a: /=w:80"),
                seen(VersionOp::Deleted, "11:30", "rv=2; uid=x; a: /=w:80"),
                seen(VersionOp::Added, "11:31", "rv=3; uid=y; created=11:31; b: /=w:80"),
            ],
            Since::Ever,
            Some("rv=3; uid=y; created=11:31; b: /=w:80"),
            &[
                "11:30:00±1 IngressRules Deleted Ingress shop/web: a: / (Prefix) -> w:80 => -",
                "11:31:00±1 IngressRules Created Ingress shop/web: - => b: / (Prefix) -> w:80",
                "11:31:00±1 IngressRules Changed Ingress shop/web spec.rules[0].host: a => b",
            ],
        );
        check(
            vec![
                seen(VersionOp::Modified, "11:00", "rv=1; uid=x; a: /=w:80"),
                seen(VersionOp::Modified, "11:31", "rv=3; uid=y; a: /=w:80"),
            ],
            Since::Ever,
            Some("rv=3; uid=y; a: /=w:80"),
            &["11:31:00±1 IngressRules Recreated Ingress shop/web metadata.uid: x => y"],
        );
    }

    #[test]
    fn what_a_record_missed_shows_against_the_live_object() {
        let last = || seen(VersionOp::Modified, "11:00", "rv=1; a: /=w:80");
        check(
            vec![last()],
            Since::Unknown,
            Some("rv=5; a: /v2=w:80"),
            &[
                "12:00:00±3600 IngressPaths Changed Ingress shop/web spec.rules[0].http.paths[0].path: / => /v2",
            ],
        );
        check(
            vec![last()],
            Since::Unknown,
            None,
            &["12:00:00±3600 IngressRules Deleted Ingress shop/web: a: / (Prefix) -> w:80 => -"],
        );
    }

    #[test]
    fn a_version_without_a_time_lies_between_its_neighbours() {
        let mut between = seen(VersionOp::Modified, "11:00", "rv=2; a: /v2=w:80");
        between.at = None;
        check(
            vec![
                seen(VersionOp::Modified, "11:00", "rv=1; a: /=w:80"),
                between,
                seen(VersionOp::Modified, "11:20", "rv=3; a: /v3=w:80"),
            ],
            Since::Unknown,
            Some("rv=3; a: /v3=w:80"),
            &[
                "11:20:00±1200 IngressPaths Changed Ingress shop/web spec.rules[0].http.paths[0].path: / => /v2",
                "11:20:00±1 IngressPaths Changed Ingress shop/web spec.rules[0].http.paths[0].path: /v2 => /v3",
            ],
        );
    }

    fn touch(op: VersionOp, at: &str, kind: Kind, name: &str) -> Touch {
        let (namespace, name) = name.split_once('/').expect("namespace/name");
        Touch {
            op,
            at: t(at),
            precision_s: 1,
            by: Some("alice".to_owned()),
            source: ChangeSource::AuditLog,
            object: ObjectKey::new(kind, namespace, name),
        }
    }

    #[test]
    fn writes_without_content_are_told_as_such() {
        let mut snapshot = noon();
        snapshot.controllers = vec![controller(&[])];
        let mut audit = replay(Since::Unknown, &[], Vec::new());
        audit.source = ChangeSource::AuditLog;
        audit.touches = vec![
            touch(VersionOp::Modified, "11:50", Kind::Ingress, "shop/web"),
            touch(VersionOp::Deleted, "11:51", Kind::Service, "shop/web"),
            touch(VersionOp::Modified, "11:52", Kind::Deployment, "ctl/nginx"),
            touch(VersionOp::Modified, "11:53", Kind::Deployment, "shop/web"),
            touch(VersionOp::Modified, "11:54", Kind::ConfigMap, "shop/unrelated"),
        ];
        let replays = [audit];
        let log = LogFacts::default();
        let input = Input { snapshot: &snapshot, replays: &replays, log: &log };
        assert_eq!(
            told(&input, ChangeSource::AuditLog),
            [
                "11:50:00±1 IngressRules Written Ingress shop/web: - => - (alice)",
                "11:51:00±1 Service Deleted Service shop/web: - => - (alice)",
                "11:52:00±1 Controller Written Deployment ctl/nginx: - => - (alice)",
                "11:53:00±1 Rollout Written Deployment shop/web: - => - (alice)",
            ]
        );
        let coverage = coverage_of(&input, ChangeSource::AuditLog);
        assert!(coverage.complete.is_empty());
        assert_eq!((coverage.from, coverage.to), (Some(t("11:50")), Some(t("11:54"))));
    }

    #[test]
    fn a_deletion_without_content_closes_the_row_of_versions() {
        let mut snapshot = noon();
        snapshot.ingresses = Listing::complete(Kind::Ingress, Vec::new());
        let mut audit =
            replay(Since::Unknown, &[], vec![seen(VersionOp::Modified, "11:00", "rv=1; a: /=w:80")]);
        audit.source = ChangeSource::AuditLog;
        audit.touches = vec![touch(VersionOp::Deleted, "11:51", Kind::Ingress, WEB)];
        let replays = [audit];
        let log = LogFacts::default();
        let input = Input { snapshot: &snapshot, replays: &replays, log: &log };
        assert_eq!(
            told(&input, ChangeSource::AuditLog),
            ["11:51:00±1 IngressRules Deleted Ingress shop/web: a: / (Prefix) -> w:80 => - (alice)"]
        );
    }

    /// `Aspect from` of every span in which silence proves something.
    fn complete(replays: &[Replay], snapshot: &Snapshot, source: ChangeSource) -> Vec<String> {
        let log = LogFacts::default();
        let coverage = coverage_of(&Input { snapshot, replays, log: &log }, source);
        let time = |at: Option<DateTime<Utc>>| at.map_or("-".to_owned(), |at| at.format("%H:%M").to_string());
        let entries = coverage.complete.iter();
        entries
            .map(|entry| {
                format!("{:?} {:?} {}..{}", entry.aspect, entry.scope, time(entry.from), time(entry.to))
            })
            .collect()
    }

    #[test]
    fn silence_counts_for_recorded_kinds_since_the_record_began() {
        let at = Since::At(t("11:00"));
        assert_eq!(
            complete(&[replay(at, &[Kind::Ingress], Vec::new())], &noon(), ChangeSource::WatchReplay),
            ["IngressRules Everywhere 11:00..-", "IngressPaths Everywhere 11:00..-"]
        );
        let both = [
            replay(at, &[Kind::Ingress], Vec::new()),
            replay(Since::At(t("11:20")), &[Kind::IngressClass], Vec::new()),
        ];
        assert_eq!(
            complete(&both, &noon(), ChangeSource::WatchReplay),
            [
                "IngressRules Everywhere 11:00..-",
                "IngressPaths Everywhere 11:00..-",
                "ClassOrAnnotation Everywhere 11:20..-"
            ]
        );
        let mut one = replay(Since::Ever, &[Kind::Service], Vec::new());
        one.namespace = Some("shop".to_owned());
        assert_eq!(
            complete(&[one], &noon(), ChangeSource::WatchReplay),
            ["Service Namespace(\"shop\") -..-"]
        );
        let unknown = [replay(Since::Unknown, &[Kind::Ingress], Vec::new())];
        assert!(complete(&unknown, &noon(), ChangeSource::WatchReplay).is_empty());
        let mut broken = replay(Since::Ever, &[Kind::Ingress], Vec::new());
        broken.unseen = Some(Why::Rotated);
        assert!(complete(&[broken], &noon(), ChangeSource::WatchReplay).is_empty());
    }

    #[test]
    fn a_history_that_cannot_be_held_against_live_objects_ends_with_its_last_entry() {
        let mut history = replay(
            Since::At(t("10:00")),
            &[Kind::Ingress],
            vec![seen(VersionOp::Modified, "11:00", "rv=1; a: /=w:80")],
        );
        history.source = ChangeSource::History;
        let replays = [history];
        assert_eq!(
            complete(&replays, &noon(), ChangeSource::History),
            ["IngressRules Everywhere 10:00..-", "IngressPaths Everywhere 10:00..-"]
        );
        assert_eq!(
            complete(&replays, &Snapshot::empty(t("12:00")), ChangeSource::History),
            ["IngressRules Everywhere 10:00..11:00", "IngressPaths Everywhere 10:00..11:00"]
        );
    }

    #[test]
    fn a_source_that_was_not_read_says_so() {
        let log = LogFacts::default();
        let snapshot = noon();
        let coverage = coverage_of(&over(&snapshot, &log), ChangeSource::History);
        assert_eq!(coverage.unseen, Some(Why::NotCaptured));
    }
}

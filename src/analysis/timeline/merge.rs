//! One change seen by several sources becomes one, told by the strongest of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};

use crate::model::change::{Act, Aspect, Change, ChangeSource};
use crate::model::object::ObjectKey;

/// A change with the other sources that saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) change: Change,
    pub(super) also: Vec<ChangeSource>,
}

/// Merges reports of the same change. The result is in order of time and does not depend on the order
/// of the input.
pub(super) fn merge<'a>(changes: impl Iterator<Item = &'a Change>) -> Vec<Merged> {
    let mut by_object: BTreeMap<&ObjectKey, Vec<&Change>> = BTreeMap::new();
    for change in changes {
        by_object.entry(&change.object).or_default().push(change);
    }
    let mut merged: Vec<Merged> = by_object.into_values().flat_map(of_one_object).collect();
    merged.sort_by(|a, b| by_time(&a.change, &b.change));
    merged
}

/// A total order: time first, then whatever tells two changes apart.
pub(super) fn by_time(a: &Change, b: &Change) -> std::cmp::Ordering {
    let key = |change: &'_ Change| {
        (change.at, change.object.clone(), change.field.clone(), change.via.rank(), change.via, change.act)
    };
    key(a)
        .cmp(&key(b))
        .then_with(|| (a.precision_s, a.aspect, &a.rule).cmp(&(b.precision_s, b.aspect, &b.rule)))
        .then_with(|| (&a.before, &a.after, &a.by).cmp(&(&b.before, &b.after, &b.by)))
}

fn of_one_object(mut changes: Vec<&Change>) -> Vec<Merged> {
    // Strongest first: a weaker report joins a stronger one, never the other way round. Among equals the
    // one that says more, then the more precise one.
    changes.sort_by(|a, b| {
        let key = |change: &Change| (change.via.rank(), vague(change), change.precision_s);
        key(a).cmp(&key(b)).then_with(|| by_time(a, b))
    });
    let mut merged: Vec<Merged> = Vec::new();
    for change in changes {
        let nearest = merged
            .iter_mut()
            .filter(|seen| same(&seen.change, change))
            .min_by_key(|seen| (seen.change.at - change.at).abs());
        match nearest {
            Some(seen) => {
                if seen.change.via != change.via && !seen.also.contains(&change.via) {
                    seen.also.push(change.via);
                    seen.also.sort();
                }
                if seen.change.by.is_none() {
                    seen.change.by.clone_from(&change.by);
                }
            }
            None => merged.push(Merged { change: change.clone(), also: Vec::new() }),
        }
    }
    merged
}

/// Says that something happened to the object, not what.
fn vague(change: &Change) -> bool {
    matches!(change.act, Act::Written | Act::Reported)
}

/// Whether a weaker report is of the same change.
fn same(stronger: &Change, weaker: &Change) -> bool {
    near(stronger, weaker) && (alike(stronger, weaker) || covered(stronger, weaker))
}

/// Whether both may have happened at one moment, clocks and delays allowed for.
fn near(a: &Change, b: &Change) -> bool {
    let slack = match a.aspect {
        // A rollout is reported step by step.
        Aspect::Rollout => Duration::minutes(5),
        _ => Duration::seconds(5),
    };
    let begins = |change: &Change| earliest(change).checked_sub_signed(slack).unwrap_or(change.at);
    begins(a) <= b.at && begins(b) <= a.at
}

/// The earliest moment a change may have happened at.
pub(super) fn earliest(change: &Change) -> DateTime<Utc> {
    let precision = Duration::seconds(i64::from(change.precision_s));
    change.at.checked_sub_signed(precision).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// The same act on the same field with the same outcome, or on the same object where one names no field.
fn alike(stronger: &Change, weaker: &Change) -> bool {
    let act = |change: &Change| match change.act {
        Act::Recreated => Act::Created,
        act => act,
    };
    if act(stronger) != act(weaker) || stronger.aspect != weaker.aspect {
        return false;
    }
    let told_apart = stronger.via == weaker.via;
    match stronger.act {
        Act::Changed => {
            let agree = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
            !told_apart
                && stronger.field == weaker.field
                && agree(&stronger.before, &weaker.before)
                && agree(&stronger.after, &weaker.after)
        }
        Act::Created | Act::Deleted | Act::Recreated => !told_apart || 60 < weaker.precision_s,
        Act::Written | Act::Reported => stronger.field == weaker.field,
        Act::Started | Act::Ended => {
            stronger.field == weaker.field || (!told_apart && weaker.field.is_empty())
        }
        Act::Reloaded | Act::ReloadFailed => !told_apart,
        Act::Flipped => false,
    }
}

/// A vague report of what a stronger source tells in detail.
fn covered(stronger: &Change, weaker: &Change) -> bool {
    if stronger.via == weaker.via || !vague(weaker) {
        return false;
    }
    match stronger.act {
        // Versions tell all there was to that write, and a creation includes its parts.
        Act::Changed if stronger.via.rank() == 0 => true,
        // An entry of managedFields has its own time: dated later, it is a later write.
        Act::Created | Act::Recreated => {
            let second = Duration::seconds(1);
            weaker.via != ChangeSource::ManagedFields || weaker.at - stronger.at <= second
        }
        Act::Deleted => true,
        Act::Changed | Act::Written => {
            weaker.field.is_empty()
                || (weaker.aspect == stronger.aspect && stronger.field.starts_with(&weaker.field))
        }
        Act::Started | Act::Ended | Act::Reloaded | Act::ReloadFailed | Act::Reported | Act::Flipped => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::fixtures::t;
    use crate::model::object::Kind;

    fn change(via: ChangeSource, at: &str, act: Act, field: &str) -> Change {
        Change {
            at: t(at),
            precision_s: 1,
            object: ObjectKey::new(Kind::Ingress, "shop", "web"),
            aspect: Aspect::IngressRules,
            act,
            field: field.to_owned(),
            rule: None,
            before: None,
            after: None,
            by: None,
            via,
        }
    }

    /// `source field +also` of what is left, whichever way round the changes come.
    fn check(changes: &[Change], expected: &[&str]) {
        let told = |changes: Vec<&Change>| {
            let merged = merge(changes.into_iter()).into_iter();
            let texts = merged.map(|merged| {
                let also: Vec<&str> = merged.also.iter().map(|source| source.as_str()).collect();
                format!("{} {} +{}", merged.change.via.as_str(), merged.change.field, also.join(","))
            });
            texts.collect::<Vec<_>>()
        };
        assert_eq!(told(changes.iter().collect()), expected);
        assert_eq!(told(changes.iter().rev().collect()), expected, "in reverse order");
    }

    use ChangeSource::{ControllerLog, Events, History, ManagedFields, ObjectTimes, PodStarts, WatchReplay};

    #[test]
    fn what_several_sources_saw_is_told_by_the_strongest() {
        check(
            &[
                change(ManagedFields, "11:40", Act::Written, "spec.rules"),
                change(Events, "11:40:01", Act::Written, ""),
                change(WatchReplay, "11:40", Act::Changed, "spec.rules[0].host"),
            ],
            &["watch_replay spec.rules[0].host +managed_fields,events"],
        );
        check(
            &[
                change(ObjectTimes, "11:40", Act::Created, ""),
                change(WatchReplay, "11:40", Act::Created, ""),
                change(Events, "11:40:01", Act::Written, ""),
            ],
            &["watch_replay  +object_times,events"],
        );
    }

    #[test]
    fn what_is_written_seconds_after_the_creation_is_a_change_of_its_own() {
        check(
            &[
                change(ObjectTimes, "11:40", Act::Created, ""),
                change(ManagedFields, "11:40:01", Act::Written, "spec.tls"),
                change(ManagedFields, "11:40:03", Act::Written, "spec.rules"),
            ],
            &["object_times  +managed_fields", "managed_fields spec.rules +"],
        );
    }

    #[test]
    fn a_write_that_a_version_explains_otherwise_is_that_write() {
        let mut annotation = change(WatchReplay, "11:40", Act::Changed, "metadata.annotations[\"x\"]");
        annotation.aspect = Aspect::ClassOrAnnotation;
        check(
            &[annotation, change(ManagedFields, "11:40", Act::Written, "spec.rules")],
            &["watch_replay metadata.annotations[\"x\"] +managed_fields"],
        );
    }

    #[test]
    fn other_times_other_fields_and_other_values_stay_apart() {
        check(
            &[
                change(WatchReplay, "11:40", Act::Changed, "spec.rules[0].host"),
                change(ManagedFields, "11:41", Act::Written, "spec.rules"),
            ],
            &["watch_replay spec.rules[0].host +", "managed_fields spec.rules +"],
        );
        check(
            &[
                change(WatchReplay, "11:40", Act::Changed, "spec.rules[0].host"),
                change(WatchReplay, "11:40", Act::Changed, "spec.rules[1].host"),
            ],
            &["watch_replay spec.rules[0].host +", "watch_replay spec.rules[1].host +"],
        );
        let with = |via, after: &str| Change {
            after: Some(after.to_owned()),
            ..change(via, "11:40", Act::Changed, "spec.tls")
        };
        check(&[with(WatchReplay, "a"), with(History, "a")], &["watch_replay spec.tls +history"]);
        check(
            &[with(WatchReplay, "a"), with(History, "b")],
            &["watch_replay spec.tls +", "history spec.tls +"],
        );
    }

    #[test]
    fn a_rough_date_gives_way_to_an_exact_one() {
        let mut rough = change(ObjectTimes, "12:00", Act::Deleted, "");
        rough.precision_s = 3600;
        check(&[rough, change(WatchReplay, "11:40", Act::Deleted, "")], &["watch_replay  +object_times"]);
    }

    #[test]
    fn a_start_seen_by_kubelet_and_log_is_one() {
        let start = |via, field| Change {
            object: ObjectKey::new(Kind::Pod, "ctl", "nginx-1"),
            aspect: Aspect::Controller,
            ..change(via, "11:40", Act::Started, field)
        };
        check(
            &[
                start(ControllerLog, ""),
                start(PodStarts, "status.containerStatuses[0].state.running.startedAt"),
                start(Events, ""),
            ],
            &["pod_starts status.containerStatuses[0].state.running.startedAt +events,controller_log"],
        );
    }

    #[test]
    fn two_reloads_in_a_row_are_two() {
        check(
            &[
                change(ControllerLog, "11:40", Act::Reloaded, ""),
                change(ControllerLog, "11:40:02", Act::Reloaded, ""),
            ],
            &["controller_log  +", "controller_log  +"],
        );
    }
}

//! Starts and ends of containers, and creations of pods.
//!
//! Precision: 1 s. Coverage: pods that exist.
//! Blind spots: pods that were replaced, all but the last termination of a container, and reloads, which
//! start no container.

use chrono::{DateTime, Utc};

use super::{Input, brief, is_controller_pod};
use crate::model::change::{Act, Aspect, Blind, Change, ChangeSource, SourceCoverage};
use crate::model::object::{Object, ObjectKey};
use crate::model::pod::Pod;
use crate::model::snapshot::Snapshot;

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    let snapshot = input.snapshot;
    let mut found = Vec::new();
    for pod in snapshot.pods.items() {
        let controls = is_controller_pod(snapshot, &pod.meta.key());
        starts(pod, if controls { Aspect::Controller } else { Aspect::Rollout }, &mut found);
    }
    let coverage = SourceCoverage {
        source: ChangeSource::PodStarts,
        from: None,
        to: None,
        unseen: super::nothing_listed(&snapshot.pods),
        complete: Vec::new(),
        blind_to: vec![Blind::GonePods, Blind::Reloads],
    };
    (found, coverage)
}

/// When containers of controllers started, for sources that discount what a start brings with it.
pub(super) fn controller_starts(snapshot: &Snapshot) -> Vec<DateTime<Utc>> {
    let controllers = snapshot.pods.items().iter().filter(|pod| is_controller_pod(snapshot, &pod.meta.key()));
    let mut starts: Vec<DateTime<Utc>> =
        controllers.flat_map(|pod| &pod.statuses).filter_map(|status| status.started).collect();
    starts.sort();
    starts
}

fn starts(pod: &Pod, aspect: Aspect, found: &mut Vec<Change>) {
    let key = pod.object_key();
    if let Some(at) = pod.meta.created {
        let image = pod.containers.first().map(|container| brief::clip(&container.image));
        found.push(change(&key, at, aspect, Act::Created, String::new(), None, image));
    }
    for (index, status) in pod.statuses.iter().enumerate() {
        let at = format!("status.containerStatuses[{index}]");
        if let Some(started) = status.started {
            let field = format!("{at}.state.running.startedAt");
            let image = Some(brief::clip(&status.image));
            found.push(change(&key, started, aspect, Act::Started, field, None, image));
        }
        let ended = status.last_termination.as_ref().and_then(|last| Some((last, last.finished?)));
        if let Some((last, finished)) = ended {
            let reason = last.reason.as_deref().unwrap_or("exit");
            let text = brief::clip(&format!("{reason} ({})", last.exit_code));
            let field = format!("{at}.lastState.terminated.finishedAt");
            found.push(change(&key, finished, aspect, Act::Ended, field, None, Some(text)));
        }
    }
}

fn change(
    object: &ObjectKey,
    at: DateTime<Utc>,
    aspect: Aspect,
    act: Act,
    field: String,
    before: Option<String>,
    after: Option<String>,
) -> Change {
    Change {
        at,
        precision_s: 1,
        object: object.clone(),
        aspect,
        act,
        field,
        rule: None,
        before,
        after,
        by: None,
        via: ChangeSource::PodStarts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::*;
    use crate::model::object::Kind;
    use crate::model::pod::Termination;
    use crate::model::snapshot::Listing;

    #[test]
    fn starts_and_ends_are_told_for_controllers_and_applications() {
        let mut nginx = pod("ctl/nginx-1", "", "09:00", "11:55");
        nginx.statuses[0].restarts = 1;
        nginx.statuses[0].last_termination = Some(Termination {
            reason: Some("OOMKilled".to_owned()),
            exit_code: 137,
            finished: Some(t("11:54:58")),
        });
        let mut snapshot = noon();
        snapshot.controllers = vec![controller(&["nginx-1"])];
        snapshot.pods =
            Listing::complete(Kind::Pod, vec![nginx, pod("shop/web-1", "a=b", "10:00", "10:00:02")]);
        let log = LogFacts::default();
        assert_eq!(
            told(&over(&snapshot, &log), ChangeSource::PodStarts),
            [
                "09:00:00±1 Controller Created Pod ctl/nginx-1: - => -",
                "10:00:00±1 Rollout Created Pod shop/web-1: - => -",
                "10:00:02±1 Rollout Started Pod shop/web-1 status.containerStatuses[0].state.running.startedAt: - => app:1",
                "11:54:58±1 Controller Ended Pod ctl/nginx-1 status.containerStatuses[0].lastState.terminated.finishedAt: - => OOMKilled (137)",
                "11:55:00±1 Controller Started Pod ctl/nginx-1 status.containerStatuses[0].state.running.startedAt: - => app:1",
            ]
        );
    }

    #[test]
    fn a_pod_of_the_same_name_elsewhere_is_no_controller() {
        let mut snapshot = noon();
        snapshot.controllers = vec![controller(&["nginx-1"])];
        snapshot.pods = Listing::complete(Kind::Pod, vec![pod("shop/nginx-1", "", "09:00", "11:55")]);
        assert!(controller_starts(&snapshot).is_empty());
    }
}

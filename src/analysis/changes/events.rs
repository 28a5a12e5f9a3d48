//! Kubernetes Events: what controllers and the kubelet reported.
//!
//! Precision: 1 s; of a repeated Event only the first and the last time are kept.
//! Coverage: the last hour (the default time to live), never complete: senders limit their rate and drop
//! under load.
//! Blind spots: what expired, and deletions of Ingresses, of which no controller reports.
//!
//! An ingress-nginx controller reports `Sync` for every Ingress and `CREATE` for its ConfigMap when it
//! starts: those near a start of a controller say nothing of the object.
//! Reasons: ingress-nginx `internal/ingress/controller/store/store.go` and `controller.go` @ v1.15.1,
//! F5 NGINX `internal/k8s/controller.go` @ v5.5.4, Kubernetes 1.36 `pkg/kubelet/events`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};

use super::{Input, aspect_of, brief, is_controller_config, is_controller_pod, pod_starts, workload_aspect};
use crate::model::change::{Act, Aspect, Blind, Change, ChangeSource, SourceCoverage};
use crate::model::event::Event;
use crate::model::object::{Kind, Name, ObjectKey};
use crate::model::snapshot::Snapshot;

/// How long after its start a controller reports objects anew.
const START_NOISE_S: i64 = 30;
/// A ReplicaSet scaled up this soon after its creation is a rollout, not a change of scale.
const ROLLOUT_S: i64 = 60;

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    let snapshot = input.snapshot;
    let starts = pod_starts::controller_starts(snapshot);
    let rollouts = rollouts(snapshot);
    let mut found = Vec::new();
    for event in snapshot.events.items() {
        let Some(kind) = Kind::parse(&event.about_kind) else { continue };
        let object = ObjectKey { kind, name: event.about.clone() };
        let Some((aspect, act, field)) = meaning(event, &object, snapshot, &rollouts) else { continue };
        let times: BTreeSet<DateTime<Utc>> = event.first.into_iter().chain(event.last).collect();
        for at in times {
            if repeats_at_start(event, kind) && near_start(at, &starts) {
                continue;
            }
            found.push(Change {
                at,
                precision_s: 1,
                object: object.clone(),
                aspect,
                act,
                field: field.to_owned(),
                rule: None,
                before: None,
                // A write reported is not a value of the object.
                after: (act != Act::Written)
                    .then(|| brief::clip(&format!("{}: {}", event.reason, event.message))),
                by: (!event.component.is_empty()).then(|| event.component.clone()),
                via: ChangeSource::Events,
            });
        }
    }
    let hour_ago = snapshot.now.checked_sub_signed(Duration::hours(1));
    let coverage = SourceCoverage {
        source: ChangeSource::Events,
        from: hour_ago,
        to: None,
        unseen: super::nothing_listed(&snapshot.events),
        complete: Vec::new(),
        blind_to: vec![Blind::DroppedEvents, Blind::Deletions, Blind::Values],
    };
    (found, coverage)
}

fn near_start(at: DateTime<Utc>, starts: &[DateTime<Utc>]) -> bool {
    starts.iter().any(|start| (-1..=START_NOISE_S).contains(&(at - *start).num_seconds()))
}

/// Events that a starting controller sends for every object there is.
fn repeats_at_start(event: &Event, kind: Kind) -> bool {
    match kind {
        Kind::Ingress => true,
        Kind::ConfigMap => event.reason == "CREATE",
        _ => false,
    }
}

/// What the Event says happened; `None` when it bears on no hypothesis.
fn meaning(
    event: &Event,
    object: &ObjectKey,
    snapshot: &Snapshot,
    rollouts: &Rollouts<'_>,
) -> Option<(Aspect, Act, &'static str)> {
    let reason = event.reason.as_str();
    match object.kind {
        Kind::Ingress => match reason {
            // The GCE controller sends `Sync` on every resync, whether anything changed or not.
            "Sync" if !event.component.contains("nginx") => None,
            "Sync"
            | "AddedOrUpdated"
            | "AddedOrUpdatedWithWarning"
            | "AddedOrUpdatedWithError"
            | "Updated"
            | "UpdatedWithWarning"
            | "UpdatedWithError"
            | "SuccessfullyReconciled" => Some((Aspect::IngressRules, Act::Written, "")),
            "Rejected" | "Ignored" | "NoIngressMasterFound" | "FailedBuildModel" | "FailedDeployModel" => {
                Some((Aspect::IngressRules, Act::Reported, ""))
            }
            "InvalidValue" | "AnnotationParsingFailed" | "ConflictingIngressClass" => {
                Some((Aspect::ClassOrAnnotation, Act::Reported, ""))
            }
            _ => None,
        },
        Kind::Service => match reason {
            "FailedToCreateEndpoint"
            | "FailedToUpdateEndpoint"
            | "FailedToUpdateEndpointSlices"
            | "BackendNotFound" => Some((Aspect::Service, Act::Reported, "")),
            _ => None,
        },
        Kind::Pod => {
            let controls = is_controller_pod(snapshot, &object.name);
            let aspect = if controls { Aspect::Controller } else { aspect_of(Kind::Pod) };
            match reason {
                "RELOAD" if controls && event.warning => Some((aspect, Act::ReloadFailed, "")),
                "RELOAD" if controls => Some((aspect, Act::Reloaded, "")),
                "Started" => Some((aspect, Act::Started, "")),
                "Killing" => Some((aspect, Act::Ended, "")),
                "BackOff" | "Failed" | "Unhealthy" => Some((aspect, Act::Reported, "")),
                _ => None,
            }
        }
        Kind::ConfigMap if is_controller_config(snapshot, &object.name) => match reason {
            "CREATE" => Some((Aspect::Controller, Act::Created, "")),
            "UPDATE" => Some((Aspect::Controller, Act::Written, "data")),
            "DELETE" => Some((Aspect::Controller, Act::Deleted, "")),
            _ => None,
        },
        Kind::Deployment if reason == "ScalingReplicaSet" => {
            let aspect = workload_aspect(snapshot, object);
            let field = if rollouts.holds(event) { "" } else { "spec.replicas" };
            Some((aspect, Act::Reported, field))
        }
        Kind::ConfigMap
        | Kind::Deployment
        | Kind::IngressClass
        | Kind::EndpointSlice
        | Kind::DaemonSet
        | Kind::StatefulSet
        | Kind::ReplicaSet
        | Kind::ControllerRevision
        | Kind::Event
        | Kind::Namespace
        | Kind::Lease
        | Kind::Secret
        | Kind::GatewayClass
        | Kind::Gateway
        | Kind::HttpRoute
        | Kind::ReferenceGrant => None,
    }
}

/// Which scalings of a ReplicaSet belong to a rollout: its set is new, or a second set of the same
/// Deployment is scaled the other way.
struct Rollouts<'a> {
    created: BTreeMap<Name, DateTime<Utc>>,
    scaled: BTreeMap<&'a Name, BTreeSet<&'a str>>,
}

fn rollouts(snapshot: &Snapshot) -> Rollouts<'_> {
    let revisions = snapshot.revisions.items().iter();
    let created = revisions.filter_map(|revision| Some((revision.meta.key(), revision.meta.created?)));
    let mut scaled: BTreeMap<&Name, BTreeSet<&str>> = BTreeMap::new();
    for event in snapshot.events.items().iter().filter(|event| event.reason == "ScalingReplicaSet") {
        if let Some(set) = scaled_set(&event.message) {
            scaled.entry(&event.about).or_default().insert(set);
        }
    }
    Rollouts { created: created.collect(), scaled }
}

/// The ReplicaSet named by `Scaled up replica set web-5d4f to 3 from 0`, in any release's wording.
fn scaled_set(message: &str) -> Option<&str> {
    message.split_once("replica set ")?.1.split(' ').next().filter(|name| !name.is_empty())
}

impl Rollouts<'_> {
    fn holds(&self, event: &Event) -> bool {
        let Some(set) = scaled_set(&event.message) else { return false };
        let created = self.created.get(&Name::new(&event.about.namespace, set));
        let new = match (created, event.first.or(event.last)) {
            (Some(created), Some(at)) => (at - *created).num_seconds().abs() <= ROLLOUT_S,
            _ => false,
        };
        new || self.scaled.get(&event.about).is_some_and(|sets| 1 < sets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::*;
    use crate::model::gap::Why;
    use crate::model::snapshot::{Listing, Lookup};

    /// Events against a controller `ctl/nginx` with one pod that started at 11:00.
    fn check(events: Vec<Event>, expected: &[&str]) {
        let mut nginx = controller(&["nginx-1"]);
        nginx.config_map = Some((Name::new("ctl", "nginx"), Lookup::Absent));
        let mut snapshot = noon();
        snapshot.controllers = vec![nginx];
        snapshot.pods = Listing::complete(Kind::Pod, vec![pod("ctl/nginx-1", "", "11:00", "11:00")]);
        snapshot.revisions = Listing::complete(
            Kind::ReplicaSet,
            vec![revision("web", "shop/web-new", 2, "11:30", template("", "i", &[]))],
        );
        snapshot.events = Listing::complete(Kind::Event, events);
        let log = LogFacts::default();
        assert_eq!(told(&over(&snapshot, &log), ChangeSource::Events), expected);
    }

    #[test]
    fn a_sync_tells_of_a_write_unless_a_controller_just_started() {
        check(
            vec![
                event("Ingress shop/web", "Sync", "Scheduled for sync", "11:40"),
                event("Ingress shop/other", "Sync", "Scheduled for sync", "11:00:12"),
            ],
            &["11:40:00±1 IngressRules Written Ingress shop/web: - => - (nginx-ingress-controller)"],
        );
        let mut gce = event("Ingress shop/web", "Sync", "Scheduled for sync", "11:40");
        gce.component = "loadbalancer-controller".to_owned();
        check(vec![gce], &[]);
    }

    #[test]
    fn of_a_repeated_event_both_ends_are_told() {
        let mut twice = event("Pod ctl/nginx-1", "RELOAD", "reload", "11:40");
        twice.last = Some(t("11:55"));
        twice.count = 7;
        check(
            vec![twice],
            &[
                "11:40:00±1 Controller Reloaded Pod ctl/nginx-1: - => RELOAD: reload (nginx-ingress-controller)",
                "11:55:00±1 Controller Reloaded Pod ctl/nginx-1: - => RELOAD: reload (nginx-ingress-controller)",
            ],
        );
    }

    #[test]
    fn reloads_count_for_controllers_only_and_warnings_are_failures() {
        let mut failed = event("Pod ctl/nginx-1", "RELOAD", "Error reloading NGINX", "11:40");
        failed.warning = true;
        check(
            vec![failed, event("Pod shop/web-1", "RELOAD", "x", "11:41")],
            &[
                "11:40:00±1 Controller ReloadFailed Pod ctl/nginx-1: - => RELOAD: Error reloading NGINX (nginx-ingress-controller)",
            ],
        );
    }

    #[test]
    fn the_controllers_configuration_counts_and_other_config_maps_do_not() {
        check(
            vec![
                event("ConfigMap ctl/nginx", "UPDATE", "ConfigMap ctl/nginx", "11:40"),
                event("ConfigMap ctl/nginx", "CREATE", "ConfigMap ctl/nginx", "11:00:05"),
                event("ConfigMap shop/x", "UPDATE", "ConfigMap shop/x", "11:41"),
            ],
            &["11:40:00±1 Controller Written ConfigMap ctl/nginx data: - => - (nginx-ingress-controller)"],
        );
    }

    #[test]
    fn a_rollout_is_told_from_a_change_of_scale() {
        let up = "Scaled up replica set web-new to 1 from 0";
        check(
            vec![
                event("Deployment shop/web", "ScalingReplicaSet", up, "11:30:01"),
                event(
                    "Deployment shop/api",
                    "ScalingReplicaSet",
                    "Scaled up replica set api-1 to 5",
                    "11:31",
                ),
            ],
            &[
                &format!(
                    "11:30:01±1 Rollout Reported Deployment shop/web: - => ScalingReplicaSet: {up} (nginx-ingress-controller)"
                ),
                "11:31:00±1 Rollout Reported Deployment shop/api spec.replicas: - => ScalingReplicaSet: Scaled up replica set api-1 to 5 (nginx-ingress-controller)",
            ],
        );
    }

    #[test]
    fn what_bears_on_nothing_and_unknown_kinds_are_left_out() {
        check(
            vec![
                event("Ingress shop/web", "CreateCertificate", "x", "11:40"),
                event("Certificate shop/web", "Issuing", "x", "11:41"),
                event("Node x/y", "NodeReady", "x", "11:42"),
            ],
            &[],
        );
    }

    #[test]
    fn silence_of_events_proves_nothing() {
        let snapshot = noon();
        let log = LogFacts::default();
        let coverage = coverage_of(&over(&snapshot, &log), ChangeSource::Events);
        assert_eq!((coverage.from, coverage.unseen), (Some(t("11:00")), None));
        assert!(coverage.complete.is_empty());
        let blind = Snapshot::empty(t("12:00"));
        let coverage = coverage_of(&over(&blind, &log), ChangeSource::Events);
        assert_eq!(coverage.unseen, Some(Why::NotCaptured));
    }
}

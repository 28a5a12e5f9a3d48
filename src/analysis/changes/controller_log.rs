//! The controllers' own messages: starts, reloads, refused classes and annotations, missing Services.
//!
//! Precision: 1 s (the time of the line). Coverage: the lines that were read; complete for a controller
//! whose pods' logs all reach back far enough: it logs every reload and every start.
//! Blind spots: products and levels that do not log reloads, and deletions of Ingresses, which no
//! controller logs one by one.
//!
//! A message about the state of an object is a change only when the log shows a time without it: what a
//! controller says right after its start it says of everything, and what the first lines say may be old.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::log_facts::{Message, Says};
use super::{Input, LogFacts, brief, pod_starts};
use crate::model::change::{Act, Aspect, Blind, Change, ChangeSource, Complete, Scope, SourceCoverage};
use crate::model::controller::Controller;
use crate::model::gap::Why;
use crate::model::log::StreamCoverage;
use crate::model::object::{Kind, ObjectKey};
use crate::model::snapshot::Snapshot;

/// How long after a start, or after the first line read, a controller repeats what it knew.
const START_NOISE_S: i64 = 30;

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    let mut found: Vec<Change> = Vec::new();
    let mut starts = pod_starts::controller_starts(input.snapshot);
    starts.extend(input.log.messages.iter().filter(|said| said.says == Says::Started).map(|said| said.at));
    starts.extend(input.log.streams.iter().filter_map(|stream| stream.first));
    let mut states: BTreeMap<(Says, &ObjectKey), &Message> = BTreeMap::new();
    for message in &input.log.messages {
        match (message.says, &message.about) {
            (Says::Started | Says::Stopping | Says::Reloaded | Says::ReloadFailed, _) => {
                found.push(process(message));
            }
            (
                Says::ClassRefused
                | Says::ClassAccepted
                | Says::AnnotationRefused
                | Says::ServiceMissing
                | Says::PortMissing
                | Says::NoEndpoints,
                Some(object),
            ) => {
                let first = states.entry((message.says, object)).or_insert(message);
                if (message.at, &message.line) < (first.at, &first.line) {
                    *first = message;
                }
            }
            (_, None) => {}
        }
    }
    for ((says, object), first) in states {
        let repeated =
            starts.iter().any(|start| (-1..=START_NOISE_S).contains(&(first.at - *start).num_seconds()));
        if !repeated {
            found.push(state(says, object, first));
        }
    }
    (found, coverage(input.log, input.snapshot))
}

fn process(message: &Message) -> Change {
    let stream = &message.line.stream;
    Change {
        act: match message.says {
            Says::Started => Act::Started,
            Says::Stopping => Act::Ended,
            Says::ReloadFailed => Act::ReloadFailed,
            Says::Reloaded
            | Says::ClassRefused
            | Says::ClassAccepted
            | Says::AnnotationRefused
            | Says::ServiceMissing
            | Says::PortMissing
            | Says::NoEndpoints => Act::Reloaded,
        },
        ..state(message.says, &ObjectKey::new(Kind::Pod, &stream.namespace, &stream.pod), message)
    }
}

fn state(says: Says, object: &ObjectKey, message: &Message) -> Change {
    Change {
        at: message.at,
        precision_s: 1,
        object: object.clone(),
        aspect: match says {
            Says::Started | Says::Stopping | Says::Reloaded | Says::ReloadFailed => Aspect::Controller,
            Says::ClassRefused | Says::ClassAccepted | Says::AnnotationRefused => Aspect::ClassOrAnnotation,
            Says::ServiceMissing | Says::PortMissing | Says::NoEndpoints => Aspect::Service,
        },
        act: Act::Reported,
        field: String::new(),
        rule: None,
        before: None,
        after: Some(brief::clip(&message.line.text)),
        by: Some(message.line.stream.pod.clone()),
        via: ChangeSource::ControllerLog,
    }
}

fn coverage(log: &LogFacts, snapshot: &Snapshot) -> SourceCoverage {
    let complete = snapshot.controllers.iter().filter_map(|controller| {
        Some(Complete {
            aspect: Aspect::Controller,
            scope: Scope::Workload(controller.workload.clone()),
            from: Some(read_since(controller, log)?),
            to: None,
        })
    });
    let mut complete: Vec<Complete> = complete.collect();
    complete.sort();
    let firsts = || log.streams.iter().filter_map(|stream| stream.first);
    SourceCoverage {
        source: ChangeSource::ControllerLog,
        from: firsts().min(),
        to: log.streams.iter().filter_map(|stream| stream.last).max(),
        unseen: match &log.unread {
            Some(why) => Some(why.clone()),
            None if log.streams.is_empty() => Some(Why::NotCaptured),
            None => None,
        },
        complete,
        blind_to: vec![Blind::UnloggedActions, Blind::Deletions],
    }
}

/// Since when the log of every pod of the controller was read without a break.
fn read_since(controller: &Controller, log: &LogFacts) -> Option<DateTime<Utc>> {
    let namespace = &controller.workload.name.namespace;
    let mut since: Option<DateTime<Utc>> = None;
    for pod in &controller.pods {
        let streams = log.streams.iter().filter(|read| {
            let stream = &read.stream;
            stream.namespace == *namespace && stream.pod == *pod && stream.container == controller.container
        });
        let read: Vec<&StreamCoverage> = streams.collect();
        if read.iter().any(|stream| stream.cut.is_some()) {
            return None;
        }
        let first = read.iter().filter_map(|stream| stream.first).min()?;
        since = since.max(Some(first));
    }
    since
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::fixtures::*;

    fn log(messages: Vec<Message>) -> LogFacts {
        LogFacts { messages, streams: vec![read("nginx-1", "09:00", "12:00")], ..LogFacts::default() }
    }

    fn check(messages: Vec<Message>, expected: &[&str]) {
        let mut snapshot = noon();
        snapshot.controllers = vec![controller(&["nginx-1"])];
        let log = log(messages);
        assert_eq!(told(&over(&snapshot, &log), ChangeSource::ControllerLog), expected);
    }

    fn web() -> Option<ObjectKey> {
        Some(ObjectKey::new(Kind::Service, "shop", "web"))
    }

    #[test]
    fn starts_and_reloads_are_told_of_the_pod() {
        check(
            vec![
                said("11:55", Says::Reloaded, None, "Backend successfully reloaded"),
                said("11:50", Says::Started, None, "Starting NGINX Ingress controller"),
            ],
            &[
                "11:50:00±1 Controller Started Pod ctl/nginx-1: - => Starting NGINX Ingress controller (nginx-1)",
                "11:55:00±1 Controller Reloaded Pod ctl/nginx-1: - => Backend successfully reloaded (nginx-1)",
            ],
        );
    }

    #[test]
    fn a_state_that_is_repeated_is_told_once_when_it_began() {
        check(
            vec![
                said("11:56", Says::ServiceMissing, web(), "again"),
                said("11:55", Says::ServiceMissing, web(), "Error obtaining Endpoints"),
                said("11:57", Says::ServiceMissing, web(), "and again"),
            ],
            &["11:55:00±1 Service Reported Service shop/web: - => Error obtaining Endpoints (nginx-1)"],
        );
    }

    #[test]
    fn what_is_said_after_a_start_or_at_the_head_of_the_log_may_be_old() {
        check(
            vec![
                said("11:50", Says::Started, None, "Starting"),
                said("11:50:10", Says::ServiceMissing, web(), "missing"),
            ],
            &["11:50:00±1 Controller Started Pod ctl/nginx-1: - => Starting (nginx-1)"],
        );
        check(vec![said("09:00:01", Says::ClassRefused, web(), "refused")], &[]);
    }

    #[test]
    fn silence_counts_for_a_controller_whose_pods_were_all_read() {
        let since = |streams: Vec<StreamCoverage>, pods: &[&str]| {
            let mut snapshot = noon();
            snapshot.controllers = vec![controller(pods)];
            let log = LogFacts { streams, ..LogFacts::default() };
            let coverage = coverage_of(&over(&snapshot, &log), ChangeSource::ControllerLog);
            coverage.complete.first().and_then(|entry| entry.from)
        };
        let both = || vec![read("nginx-1", "09:00", "12:00"), read("nginx-2", "10:00", "12:00")];
        assert_eq!(since(both(), &["nginx-1", "nginx-2"]), Some(t("10:00")));
        assert_eq!(since(both(), &["nginx-1", "nginx-2", "nginx-3"]), None);
        let mut previous = read("nginx-1", "08:00", "09:00");
        previous.stream.previous = true;
        assert_eq!(since(vec![previous, read("nginx-1", "09:00", "12:00")], &["nginx-1"]), Some(t("08:00")));
        let mut cut = both();
        cut[0].cut = Some(Why::TooMuch { limit: String::new() });
        assert_eq!(since(cut, &["nginx-1", "nginx-2"]), None);
        assert_eq!(since(both(), &[]), None);
    }
}

//! What the logs of a case say, as changes are read from it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::logs::Logs;
use crate::analysis::changes::LogFacts;
use crate::analysis::changes::log_facts::{self as log, Says};
use crate::analysis::logs::messages::{MessageKind, Subject};
use crate::analysis::logs::tally::Sample;
use crate::analysis::voice::Voice;
use crate::model::object::{Kind, ObjectKey};

/// What the logs say, as changes are read from it.
pub(super) fn change_facts(logs: &Logs) -> LogFacts {
    let line = |sample: &Sample| {
        Some(log::Line { stream: logs.streams.get(sample.stream)?.clone(), text: sample.line.clone() })
    };
    let story = logs.asked.as_ref().and_then(|scan| scan.asked.as_ref());
    let onset = story.and_then(|story| story.onset.as_ref()).filter(|onset| onset.ended.is_none());
    let mut messages = Vec::new();
    for group in &logs.filtered.messages {
        let Some(says) = says(&group.key.kind) else { continue };
        let about = match &group.key.subject {
            Subject::Ingress(name) => Some(ObjectKey { kind: Kind::Ingress, name: name.clone() }),
            Subject::Service(name) => Some(ObjectKey { kind: Kind::Service, name: name.clone() }),
            Subject::ConfigMap(name) => Some(ObjectKey { kind: Kind::ConfigMap, name: name.clone() }),
            Subject::IngressClass(name) => Some(ObjectKey::new(Kind::IngressClass, "", name)),
            Subject::Controller | Subject::Secret(_) | Subject::Upstream(_) | Subject::Host(_) => None,
        };
        let Some(text) = group.samples.last().and_then(line) else { continue };
        messages.extend(group.recent.iter().map(|at| log::Message {
            at: *at,
            says,
            about: about.clone(),
            line: text.clone(),
        }));
    }
    let exact = story.map(|story| &story.exact);
    let mut minutes: BTreeMap<DateTime<Utc>, log::Minute> = BTreeMap::new();
    let mut minute = |start: DateTime<Utc>, add: [u64; 3]| {
        let entry =
            minutes.entry(start).or_insert(log::Minute { start, not_found: 0, answered: 0, no_rule: 0 });
        entry.not_found += add[0];
        entry.answered += add[1];
        entry.no_rule += add[2];
    };
    for bucket in exact.into_iter().flat_map(|story| story.timeline.buckets().collect::<Vec<_>>()) {
        let [failures, successes, others] = bucket.counts;
        minute(bucket.from, [u64::from(failures), u64::from(successes) + u64::from(others), 0]);
    }
    for group in logs.filtered.requests.iter().filter(|group| group.key.voice == Voice::NoRule) {
        for bucket in group.rate.buckets() {
            let [count] = bucket.counts;
            minute(bucket.from, [0, 0, u64::from(count)]);
        }
    }
    LogFacts {
        run: onset.and_then(|onset| {
            Some(log::Run {
                first: onset.mixed_since.unwrap_or(onset.at),
                last_success: onset.last_success,
                line: line(&onset.sample)?,
            })
        }),
        messages,
        flips: exact
            .into_iter()
            .flat_map(|story| &story.flips)
            .filter_map(|flip| {
                Some(log::Flip {
                    last_before: flip.after,
                    before: flip.from.clone(),
                    first_after: flip.at,
                    after: flip.to.clone(),
                    line: line(&flip.sample)?,
                })
            })
            .collect(),
        minutes: minutes.into_values().collect(),
        streams: logs.coverage.clone(),
        unread: logs.streams.is_empty().then(|| logs.gaps.first().map(|gap| gap.why.clone())).flatten(),
    }
}

fn says(kind: &MessageKind) -> Option<Says> {
    match kind {
        MessageKind::Started | MessageKind::ProxyStarted => Some(Says::Started),
        MessageKind::Stopping => Some(Says::Stopping),
        MessageKind::ReloadSucceeded => Some(Says::Reloaded),
        MessageKind::ReloadFailed => Some(Says::ReloadFailed),
        MessageKind::ClassIgnored(_) | MessageKind::IngressRemoved => Some(Says::ClassRefused),
        MessageKind::ClassAccepted => Some(Says::ClassAccepted),
        MessageKind::AnnotationRisky
        | MessageKind::AnnotationInvalid
        | MessageKind::AnnotationBlockedWord
        | MessageKind::SnippetsDisabled => Some(Says::AnnotationRefused),
        MessageKind::ServiceMissing => Some(Says::ServiceMissing),
        MessageKind::PortNameMissing => Some(Says::PortMissing),
        MessageKind::NoActiveEndpoints | MessageKind::EndpointsMissing => Some(Says::NoEndpoints),
        MessageKind::IngressClassForeign
        | MessageKind::IngressCreated
        | MessageKind::CatchAllIgnored
        | MessageKind::AnnotationUnreadable
        | MessageKind::InspectionRefused
        | MessageKind::IngressSkipped
        | MessageKind::UpstreamFailed
        | MessageKind::DefaultBackendMissing
        | MessageKind::ExternalNameForbidden
        | MessageKind::ReloadNeeded
        | MessageKind::ReconfigurationFailed
        | MessageKind::InitialSync
        | MessageKind::CanaryWithoutPrimary
        | MessageKind::CanaryIsPrimaryElsewhere
        | MessageKind::CanaryHostMissing
        | MessageKind::AliasSkipped
        | MessageKind::ServerSnippetSkipped
        | MessageKind::RedirectSkipped
        | MessageKind::CertificateMissing
        | MessageKind::CertificateExpired
        | MessageKind::CertificateExpiring
        | MessageKind::CertificateForOtherHost
        | MessageKind::PassthroughIgnored
        | MessageKind::DuplicateLocation
        | MessageKind::WebhookRejected
        | MessageKind::WebhookAccepted
        | MessageKind::ConfigMapChanged
        | MessageKind::ListForbidden
        | MessageKind::Proxy(_)
        | MessageKind::Unclassified => None,
    }
}

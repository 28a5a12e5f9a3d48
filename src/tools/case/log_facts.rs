//! What the logs of a case say, as verdicts take it.

use super::Case;
use super::logs::{Logs, cite, reach, service_of};
use crate::analysis::facts;
use crate::analysis::logs::messages::Subject;
use crate::analysis::logs::silence::{Falls, Logging, would_log};
use crate::analysis::logs::tally::Sample;
use crate::analysis::routing::{Decision, Outcome};
use crate::analysis::view::View;
use crate::model::host;
use crate::model::object::Kind;
use crate::model::request::Request;

/// What the logs say, as verdicts take it.
pub(in crate::tools) fn log_facts(
    logs: &Logs,
    case: &Case,
    view: &View<'_>,
    request: &Request,
    decision: &Decision,
) -> facts::LogFacts {
    let snapshot = &case.snapshot;
    let reach = reach(case, request.host.as_str());
    let mut answers: Vec<facts::Answer> = Vec::new();
    let mut related = Vec::new();
    let story = logs.asked.as_ref().and_then(|scan| scan.asked.as_ref());
    let onset = story.and_then(|story| story.onset.as_ref()).filter(|onset| onset.ended.is_none());
    if let Some(scan) = &logs.asked {
        for group in &scan.requests {
            let upstream = group.key.upstream.clone().unwrap_or_default();
            let foreign_host = group.key.host.as_deref().is_some_and(|host| host != request.host.as_str());
            if foreign_host || reach.elsewhere.contains(&upstream) {
                continue;
            }
            // The first line of the run is the best witness of what is asked about.
            let run = onset.filter(|_| group.key.status == 404).map(|onset| &onset.sample);
            let is_of_group = |sample: &&Sample| {
                group.key.upstream.as_deref().is_none_or(|name| sample.line.contains(name))
            };
            let sample = run.filter(is_of_group).or_else(|| group.samples.first());
            answers.push(facts::Answer {
                voice: group.key.voice,
                status: group.key.status,
                service: service_of(snapshot, &upstream),
                upstream,
                method: request.method.clone(),
                path: group.key.path.clone(),
                count: group.count,
                first: group.first,
                last: group.last,
                sample: sample.and_then(|sample| cite(logs, sample)),
            });
        }
    }
    for group in &logs.filtered.requests {
        let upstream = group.key.upstream.clone().unwrap_or_default();
        related.push(facts::Answer {
            voice: group.key.voice,
            status: group.key.status,
            service: service_of(snapshot, &upstream),
            upstream,
            method: String::new(),
            path: group.key.path.clone(),
            count: group.count,
            first: group.first,
            last: group.last,
            sample: group.samples.last().and_then(|sample| cite(logs, sample)),
        });
    }
    answers.sort_by(|a, b| (a.last, a.status, &a.upstream).cmp(&(b.last, b.status, &b.upstream)));
    let messages = logs
        .filtered
        .messages
        .iter()
        .map(|group| facts::Message {
            kind: group.key.kind,
            about: match &group.key.subject {
                Subject::Ingress(name)
                | Subject::Service(name)
                | Subject::Secret(name)
                | Subject::ConfigMap(name) => Some(name.clone()),
                Subject::Controller | Subject::IngressClass(_) | Subject::Upstream(_) | Subject::Host(_) => {
                    None
                }
            },
            count: group.count,
            first: group.first,
            last: group.last,
            sample: group.samples.last().and_then(|sample| cite(logs, sample)),
        })
        .collect();
    facts::LogFacts {
        read: !logs.streams.is_empty(),
        window: None,
        logging: logging(view, request, decision),
        answers,
        onset: onset.map(|onset| facts::Onset {
            at: onset.mixed_since.unwrap_or(onset.at),
            last_success: onset.last_success,
            sample: cite(logs, &onset.sample),
        }),
        messages,
        related,
    }
}

/// Whether the controller would log the request at all.
pub(in crate::tools) fn logging(view: &View<'_>, request: &Request, decision: &Decision) -> Logging {
    let winner = decision.winner.as_ref();
    let annotation = winner.and_then(|winner| {
        let ingress = view.adopted.iter().find(|(ingress, _)| winner.is_of(&ingress.meta.key()))?.0;
        ingress.meta.annotation("nginx.ingress.kubernetes.io/enable-access-log")
    });
    let falls = match winner {
        Some(winner) if winner.place.kind() != Kind::Ingress => Falls::Elsewhere,
        Some(winner) => Falls::Ingress { name: &winner.ingress, enable_access_log: annotation },
        None if decision.outcome == Outcome::NoRoute => {
            let known = view.adopted.iter().any(|(ingress, _)| {
                ingress.rules.iter().any(|rule| {
                    !rule.host().is_empty() && host::spec_match(rule.host(), request.host.as_str())
                })
            });
            if known { Falls::Elsewhere } else { Falls::CatchAll }
        }
        None => Falls::Unknown,
    };
    would_log(view.kind, &view.settings, &request.target(), &falls)
}

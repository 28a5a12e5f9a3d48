//! What the client sees now and who says it: the first fork of every diagnosis.
//!
//! Order of trust: a log line with an upstream field, then a probe, then the model's prediction. A body
//! alone never tells controller and application apart.

use chrono::{DateTime, Utc};

use crate::model::object::Name;
use crate::model::probe::{ProbeOutput, Target};
use crate::model::request::Request;

use super::super::routing::{Decision, Outcome};
use super::super::voice::Voice;
use super::{Answer, LogFacts};

/// What the asked URL answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symptom {
    /// The status the client gets; `None` when nothing tells.
    pub status: Option<u16>,
    pub seen: Seen,
    pub speaker: Speaker,
    /// Start of the current run of 404s, when the log tells.
    pub since: Option<DateTime<Utc>>,
}

/// How the status is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Index into the probes.
    Probe(usize),
    /// Index into the log's answers.
    Log(usize),
    /// Nobody saw it: the routing model says so.
    Predicted,
    Nothing,
}

/// Who gives the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    /// The controller: no rule matches.
    Controller,
    /// An upstream; the Service where it can be told.
    Upstream {
        service: Option<Name>,
        name: String,
    },
    /// An error page replaced the upstream's answer.
    Intercepted {
        service: Option<Name>,
    },
    /// The proxy itself, for another reason than a missing rule.
    Proxy,
    Unknown,
}

/// Weighs log, probes and model.
#[must_use]
pub fn judge(request: &Request, decision: &Decision, log: &LogFacts, probes: &[ProbeOutput]) -> Symptom {
    let probe = probes
        .iter()
        .enumerate()
        .filter(|(_, probe)| is_entry(probe) && same_url(probe, request) && probe.status.is_some())
        .max_by_key(|(at, probe)| (probe.at, *at));
    let newest = log.answers.iter().enumerate().max_by_key(|(at, answer)| (answer.last, *at));
    let run = log.onset.as_ref().map(|onset| onset.at);
    let line = run
        .and_then(|_| {
            log.answers
                .iter()
                .enumerate()
                .filter(|(_, a)| a.status == 404)
                .max_by_key(|(at, a)| (a.last, *at))
        })
        .or(newest);
    let (status, seen) = match (probe, line) {
        // A probe is a fresh look, unless the log saw the same URL later.
        (Some((at, probe)), line) if line.is_none_or(|(_, a)| a.last <= probe.at || probe.at.is_none()) => {
            (probe.status, Seen::Probe(at))
        }
        (_, Some((at, answer))) => (Some(answer.status), Seen::Log(at)),
        (Some((at, probe)), None) => (probe.status, Seen::Probe(at)),
        (None, None) => match decision.outcome {
            Outcome::NoRoute | Outcome::Redirect | Outcome::Refused | Outcome::Unavailable => {
                (decision.status, Seen::Predicted)
            }
            Outcome::Routed | Outcome::Undefined => (None, Seen::Nothing),
        },
    };
    let speaker = status.map_or(Speaker::Unknown, |status| {
        let said = log.answers.iter().filter(|a| a.status == status).max_by_key(|a| a.last);
        said.map_or_else(|| predicted(decision, status), of_answer)
    });
    Symptom { status, seen, speaker, since: (status == Some(404)).then_some(run).flatten() }
}

fn of_answer(answer: &Answer) -> Speaker {
    match answer.voice {
        Voice::NoRule => Speaker::Controller,
        Voice::App | Voice::OtherBackend => {
            Speaker::Upstream { service: answer.service.clone(), name: answer.upstream.clone() }
        }
        Voice::Intercepted => Speaker::Intercepted { service: answer.service.clone() },
        Voice::ProxyItself | Voice::Nobody => Speaker::Proxy,
        Voice::Undecidable => Speaker::Unknown,
    }
}

/// Without a line, the model tells who must have answered.
fn predicted(decision: &Decision, status: u16) -> Speaker {
    match decision.outcome {
        Outcome::NoRoute if decision.status == Some(status) => Speaker::Controller,
        Outcome::Routed if status == 404 => {
            let service =
                decision.winner.as_ref().and_then(|w| w.backend.as_ref()).map(|t| t.service.clone());
            Speaker::Upstream { service, name: String::new() }
        }
        Outcome::Redirect | Outcome::Refused | Outcome::Unavailable if decision.status == Some(status) => {
            Speaker::Proxy
        }
        Outcome::Routed
        | Outcome::NoRoute
        | Outcome::Redirect
        | Outcome::Refused
        | Outcome::Unavailable
        | Outcome::Undefined => Speaker::Unknown,
    }
}

/// Whether a probe went the way clients go.
#[must_use]
pub fn is_entry(probe: &ProbeOutput) -> bool {
    match probe.target {
        Some(Target::Entry | Target::Controller) | None => true,
        Some(Target::Service | Target::Pod) => false,
    }
}

/// Whether a probe asked this very URL.
#[must_use]
pub fn same_url(probe: &ProbeOutput, request: &Request) -> bool {
    Request::parse(&probe.url).is_ok_and(|probed| {
        probed.scheme == request.scheme
            && probed.host == request.host
            && probed.path == request.path
            && probed.query == request.query
    })
}

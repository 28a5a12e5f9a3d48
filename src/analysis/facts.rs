//! Everything a diagnosis rests on, gathered before any verdict is asked: what the models say, what
//! the logs and probes saw, what changed, and which rules could have taken the request.

use chrono::{DateTime, Utc};

use crate::model::change::Change;
use crate::model::gap::Gap;
use crate::model::ingress::{Ingress, Place};
use crate::model::log::{LogStream, Window};
use crate::model::object::{Kind, Name};
use crate::model::probe::ProbeOutput;
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;

use super::logs::silence::Logging;
use super::routing::{Decision, Explanation, Refusal};
use super::view::View;
use super::voice::Voice;

pub mod candidates;
pub mod lost;
pub mod symptom;

use candidates::Candidate;
use lost::Lost;
use symptom::Symptom;

/// The input of all verdicts.
#[derive(Debug)]
pub struct Facts<'a> {
    pub request: &'a Request,
    /// The Ingress that the complaint names, when it names one.
    pub complaint: Option<&'a Name>,
    pub snapshot: &'a Snapshot,
    /// The controller whose answer counts.
    pub view: &'a View<'a>,
    /// All controllers.
    pub views: &'a [View<'a>],
    pub decision: Decision,
    pub explanation: Explanation,
    pub candidates: Vec<Candidate<'a>>,
    pub log: &'a LogFacts,
    /// Probes of this URL and of its backends, oldest first.
    pub probes: &'a [ProbeOutput],
    pub symptom: Symptom,
    /// Changes found in the windows of the six hypotheses, best first.
    pub changes: Vec<Change>,
    /// What was done to the controller between the last answer and the 404s, most suspicious first.
    pub shaken: Vec<Change>,
    /// Ingresses that are gone and took the request, or may have; the likeliest first.
    pub lost: Vec<Lost>,
    pub gaps: &'a [Gap],
}

/// What the controllers' logs say of the asked URL, and of anything that stopped routing.
#[derive(Debug, Clone)]
pub struct LogFacts {
    /// Whether any controller log could be read.
    pub read: bool,
    pub window: Option<Window>,
    /// Whether such a request would have been logged at all.
    pub logging: Logging,
    /// Answers to the asked URL, grouped by voice, status and upstream, newest last.
    pub answers: Vec<Answer>,
    /// The start of the current run of 404s for the asked URL.
    pub onset: Option<Onset>,
    /// Controller messages, grouped by kind and object.
    pub messages: Vec<Message>,
    /// Other 404s whose referer or shape ties them to this one.
    pub related: Vec<Answer>,
}

/// A group of log lines with one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub voice: Voice,
    pub status: u16,
    /// The proxy's name of the upstream, `ns-svc-port`; empty where none was chosen.
    pub upstream: String,
    /// The Service behind that name, where it can be told.
    pub service: Option<Name>,
    pub method: String,
    pub path: String,
    pub count: u64,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
    /// One representative line.
    pub sample: Option<LogCite>,
}

/// A line that can be cited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogCite {
    pub stream: LogStream,
    pub at: Option<DateTime<Utc>>,
    pub line: String,
}

/// The start of a run of 404s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onset {
    pub at: DateTime<Utc>,
    pub last_success: Option<DateTime<Utc>>,
    /// The first line of the run.
    pub sample: Option<LogCite>,
}

/// What a controller said of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub kind: super::logs::messages::MessageKind,
    /// The Ingress or Service it is about, where it names one.
    pub about: Option<Name>,
    pub count: u64,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
    pub sample: Option<LogCite>,
}

impl Facts<'_> {
    /// The Ingress of this name.
    #[must_use]
    pub fn ingress(&self, name: &Name) -> Option<&Ingress> {
        self.snapshot.ingresses.get(&name.namespace, &name.name).found()
    }

    /// The winning Ingress and place.
    #[must_use]
    pub fn winner(&self) -> Option<(&Ingress, Place)> {
        let winner = self.decision.winner.as_ref().filter(|winner| winner.place.kind() == Kind::Ingress)?;
        Some((self.ingress(&winner.ingress)?, winner.place))
    }

    /// Why an Ingress is not loaded by the controller that counts.
    #[must_use]
    pub fn refusal(&self, ingress: &Name) -> Option<&Refusal> {
        self.view.refusal(ingress)
    }
}

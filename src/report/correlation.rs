//! What changed before the 404s began, for the wire and in words.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::change::ChangeReport;
use super::gap::GapReport;
use super::limits::Truncated;
use super::next::Next;
use super::scope::Scope;
use super::text::Text;
use super::time::Time;
use super::{Render, ending};
use crate::analysis::timeline::review::{Finding, ReviewTopic};
use crate::analysis::timeline::{Because, Hypothesis, Lack, Suspect, Tested};
use crate::model::change::ChangeSource;

/// What changed before the 404s began.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CorrelationReport {
    pub onset: OnsetReport,
    /// In the fixed order of the runbook.
    pub hypotheses: Vec<HypothesisReport>,
    /// What to look at when no change explains it; with one that does, only topics with a finding.
    pub review: Vec<ReviewReport>,
    /// How far each source reaches; once a change explains it, only those with a limit in time or not read.
    pub coverage: Vec<CoverageReport>,
    /// The changes in order of time, drawn for the text half; the structure has them as data.
    #[serde(skip)]
    pub timeline: String,
    pub scope: Scope,
    pub gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncated>,
    pub next: Vec<Next>,
}

/// When the 404s began.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OnsetReport {
    pub at: Time,
    /// certain, likely or possible.
    pub confidence: &'static str,
    /// given, access_log or assumed.
    pub basis: &'static str,
    pub last_success: Option<Time>,
}

/// One hypothesis, judged.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HypothesisReport {
    pub id: u8,
    pub name: &'static str,
    /// found, not_found or cannot_see.
    pub outcome: &'static str,
    pub window: WindowReport,
    pub changes: Vec<SuspectReport>,
    pub because: String,
}

/// The time searched.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WindowReport {
    pub from: Time,
    pub to: Time,
    /// How often it was doubled.
    pub widened: u32,
}

/// A change in the light of the onset.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SuspectReport {
    #[serde(flatten)]
    pub change: ChangeReport,
    /// From the change to the onset.
    pub seconds_to_onset: u64,
    pub touches_request: bool,
    /// What the request met before and after, where past versions tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_before: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_after: Option<Text>,
}

/// One topic of the review list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReviewReport {
    pub topic: &'static str,
    pub finding: String,
}

/// One source.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CoverageReport {
    pub source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Time>,
    /// What it cannot show, or why it was not read.
    pub blind_to: &'static str,
}

/// A hypothesis with the changes that are shown.
#[must_use]
pub fn hypothesis(tested: &Tested, changes: Vec<SuspectReport>) -> HypothesisReport {
    HypothesisReport {
        id: tested.hypothesis.id(),
        name: match tested.hypothesis {
            Hypothesis::IngressRules => "ingress rules changed",
            Hypothesis::IngressPaths => "ingress paths changed",
            Hypothesis::BackendService => "backend Service deleted or modified",
            Hypothesis::ControllerRestart => "controller restarted or reloaded",
            Hypothesis::ClassOrAnnotation => "ingress class or annotation changed",
            Hypothesis::Rollout => "deployment rolled out or application path changed",
        },
        outcome: tested.outcome.as_str(),
        window: WindowReport {
            from: Time(tested.window.from),
            to: Time(tested.window.to),
            widened: tested.widened,
        },
        changes,
        because: because(tested),
    }
}

fn because(tested: &Tested) -> String {
    let mut text = match &tested.because {
        Because::Changes(count) => format!("{count} change(s) in the window touch the request"),
        Because::Covered(sources) => {
            let names: Vec<&str> = sources.iter().map(|source| source.as_str()).collect();
            format!("{} would have shown it and saw the whole window", names.join(", "))
        }
        Because::NotCovered(lacks) => {
            let names: Vec<String> = lacks
                .iter()
                .map(|lack| {
                    let why = match &lack.lack {
                        Lack::Unread(_) => "not read".to_owned(),
                        Lack::Since(at) => format!("reaches back to {} only", Time(*at)),
                        Lack::Until(at) => format!("ends at {}", Time(*at)),
                        Lack::Partial => "covers it in part".to_owned(),
                    };
                    format!("{} ({why})", lack.source.as_str())
                })
                .collect();
            if names.is_empty() {
                "no source that would show it was read".to_owned()
            } else {
                format!("no source saw the whole window: {}", names.join(", "))
            }
        }
    };
    if !tested.hints.is_empty() {
        text = format!("{text}; {} further write(s) may be one", tested.hints.len());
    }
    text
}

/// What a source cannot show, in short.
#[must_use]
pub const fn blind_to(source: ChangeSource) -> &'static str {
    match source {
        ChangeSource::WatchReplay => "anything before its window or an API server restart",
        ChangeSource::History => "anything that was not recorded",
        ChangeSource::AuditLog => "contents that the audit level leaves out",
        ChangeSource::ManagedFields => "old values, removals and which path or host",
        ChangeSource::ObjectTimes => "edits and deletions",
        ChangeSource::Events => "anything older than an hour",
        ChangeSource::Revisions => "revisions that were pruned, ConfigMap edits",
        ChangeSource::PodStarts => "pods that are gone, earlier terminations",
        ChangeSource::EndpointSlices => "all but the last membership change",
        ChangeSource::ControllerLog => "deletions, rotated lines",
        ChangeSource::AccessLog => "times without requests",
        ChangeSource::Leases => "restarts that keep the leader",
    }
}

/// The name of a review topic.
#[must_use]
pub const fn topic(topic: ReviewTopic) -> &'static str {
    match topic {
        ReviewTopic::GradualTrouble => "gradual routing trouble in the logs",
        ReviewTopic::IntermittentMatching => "intermittent matching",
        ReviewTopic::AccumulatedConflicts => "conflicts accumulated over time",
        ReviewTopic::ConfigurationDrift => "configuration drift",
        ReviewTopic::HostResolution => "DNS or host-name resolution",
    }
}

/// A review finding in words.
#[must_use]
pub fn finding(finding: &Finding) -> String {
    match finding {
        Finding::Clear => "nothing found".to_owned(),
        Finding::CannotSee => "could not be seen".to_owned(),
        Finding::Gradual { earlier, later, since } => {
            format!("404s without a rule grew from {earlier} to {later} since {}", Time(*since))
        }
        Finding::Intermittent { minutes, last } => {
            format!("both answers within the same minute, {minutes} time(s), last at {}", Time(*last))
        }
        Finding::Conflicts(count) => format!("{count} conflict(s): call find_conflicts"),
        Finding::Drift(drift) => {
            let shown: Vec<String> = drift
                .iter()
                .take(3)
                .map(|one| format!("{} {}", Text::new(&one.object.to_string()), Text::path(&one.field)))
                .collect();
            format!("{} field(s) differ from what was last applied: {}", drift.len(), shown.join(", "))
        }
        Finding::Elsewhere { name, addresses, expected } => {
            let list = |texts: &[String]| {
                texts.iter().map(|t| Text::new(t).to_string()).collect::<Vec<_>>().join(", ")
            };
            format!(
                "{} resolves to {}, the controller is reached at {}",
                Text::new(name),
                list(addresses),
                list(expected)
            )
        }
    }
}

impl From<&Suspect> for SuspectReport {
    fn from(suspect: &Suspect) -> Self {
        Self {
            change: ChangeReport::from(&suspect.change),
            seconds_to_onset: suspect.seconds_to_onset,
            touches_request: suspect.touches_request(),
            decision_before: suspect.decision_before.as_deref().map(Text::from),
            decision_after: suspect.decision_after.as_deref().map(Text::from),
        }
    }
}

impl fmt::Display for SuspectReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} s before", self.change, self.seconds_to_onset)?;
        if let (Some(before), Some(after)) = (&self.decision_before, &self.decision_after)
            && before != after
        {
            write!(f, "; the request went from {before} to {after}")?;
        }
        if self.touches_request { Ok(()) } else { f.write_str("; does not touch the request") }
    }
}

impl Render for CorrelationReport {
    fn text(&self) -> String {
        let onset = &self.onset;
        let mut lines = vec![format!("404s began {} ({}, {})", onset.at, onset.confidence, onset.basis)];
        lines.extend(onset.last_success.as_ref().map(|at| format!("Last success before: {at}")));
        for tested in &self.hypotheses {
            lines.push(format!("{}. {}: {} ({})", tested.id, tested.name, tested.outcome, tested.because));
            lines.extend(tested.changes.iter().map(|suspect| format!("   {suspect}")));
        }
        if !self.timeline.is_empty() {
            lines.push(self.timeline.clone());
        }
        for reviewed in &self.review {
            lines.push(format!("Review, {}: {}", reviewed.topic, reviewed.finding));
        }
        let unread: Vec<&str> = self
            .coverage
            .iter()
            .filter(|covered| covered.blind_to == "not read")
            .map(|covered| covered.source)
            .collect();
        if !unread.is_empty() {
            lines.push(format!("Sources not read: {}", unread.join(", ")));
        }
        lines.push(self.scope.to_string());
        lines.push(ending(self.truncated.as_ref(), &self.gaps, &self.next));
        lines.join("\n")
    }
}

//! What the controllers' logs say, for the wire and in words.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::gap::GapReport;
use super::limits::Truncated;
use super::next::Next;
use super::scope::Scope;
use super::text::{Text, fenced};
use super::time::Time;
use super::{Render, ending};
use crate::analysis::logs::messages::{Message, Subject};
use crate::analysis::logs::scan::GroupKey;
use crate::analysis::logs::tally::Tallied;
use crate::analysis::voice::Answered;
use crate::model::log::{LogStream, StreamCoverage};

/// What the logs say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogsReport {
    /// What comes first: who answers.
    pub summary: String,
    /// The current run of 404s of the asked URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onset: Option<OnsetReport>,
    /// Requests by who answered, host, path, upstream and status; the most frequent first.
    pub groups: Vec<GroupReport>,
    /// What controllers said of any object, the most telling first.
    pub messages: Vec<MessageReport>,
    /// Whether such a request would have been logged at all.
    pub silence: String,
    /// What was read.
    pub coverage: Vec<String>,
    pub scope: Scope,
    pub gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncated>,
    /// Pass it as cursor for the groups after these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    pub next: Vec<Next>,
}

/// When the current 404s began.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OnsetReport {
    pub at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success: Option<Time>,
    pub failures: u64,
    /// certain, likely or possible.
    pub confidence: &'static str,
}

/// Requests with one meaning.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GroupReport {
    /// no_rule_matched, upstream_answered, intercepted or undecidable.
    pub answered_by: &'static str,
    /// The voice in full: no_rule, app, other_backend, intercepted, proxy_itself, nobody, undecidable.
    pub voice: &'static str,
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Text>,
    pub path: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Text>,
    pub count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Time>,
    /// Requests a minute over the time they were seen.
    pub per_minute: f64,
    /// One line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Text>,
}

/// What a controller said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessageReport {
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Text>,
    pub count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Time>,
    /// One line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Text>,
}

/// What was read of one container's log.
#[must_use]
pub fn coverage_words(read: &StreamCoverage) -> String {
    let StreamCoverage { stream, first, last, lines, bytes: _, cut: _ } = read;
    let LogStream { namespace, pod, container, previous } = stream;
    let pod = Text::new(&format!("{namespace}/{pod}"));
    let run = if *previous { " (previous run)" } else { "" };
    let span = match (first, last) {
        (Some(first), Some(last)) => format!(", {} to {}", Time(*first), Time(*last)),
        _ => String::new(),
    };
    format!("{pod} {}{run}, {lines} lines{span}", Text::new(container))
}

impl From<&Tallied<GroupKey>> for GroupReport {
    fn from(group: &Tallied<GroupKey>) -> Self {
        let minutes = match (group.first, group.last) {
            (Some(first), Some(last)) => (last - first).num_seconds().max(60),
            _ => 60,
        };
        #[expect(clippy::cast_precision_loss, reason = "a rate is rounded to a tenth")]
        let per_minute = (group.count as f64 * 600.0 / minutes as f64).round() / 10.0;
        Self {
            answered_by: match group.key.voice.answered() {
                Answered::NoRuleMatched => "no_rule_matched",
                Answered::Upstream => "upstream_answered",
                Answered::Intercepted => "intercepted",
                Answered::Undecidable => "undecidable",
            },
            voice: group.key.voice.slug(),
            status: group.key.status,
            host: group.key.host.as_deref().map(Text::from),
            path: Text::new(&group.key.path),
            upstream: group.key.upstream.as_deref().map(Text::from),
            count: group.count,
            first: group.first.map(Time),
            last: group.last.map(Time),
            per_minute,
            sample: group.samples.last().map(|sample| Text::new(&sample.line)),
        }
    }
}

impl From<&Tallied<Message>> for MessageReport {
    fn from(group: &Tallied<Message>) -> Self {
        let about = match &group.key.subject {
            Subject::Controller => None,
            Subject::Ingress(name) => Some(format!("Ingress {name}")),
            Subject::IngressClass(name) => Some(format!("IngressClass {name}")),
            Subject::Service(name) => Some(format!("Service {name}")),
            Subject::Secret(name) => Some(format!("Secret {name}")),
            Subject::ConfigMap(name) => Some(format!("ConfigMap {name}")),
            Subject::Upstream(name) => Some(format!("upstream {name}")),
            Subject::Host(name) => Some(format!("host {name}")),
        };
        Self {
            kind: snake(&format!("{:?}", group.key.kind)),
            about: about.as_deref().map(Text::from),
            detail: group.key.detail.as_deref().map(Text::from),
            count: group.count,
            first: group.first.map(Time),
            last: group.last.map(Time),
            sample: group.samples.last().map(|sample| Text::new(&sample.line)),
        }
    }
}

/// `ClassIgnored(NoClass)` as `class_ignored:no_class`.
fn snake(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        match c {
            '(' => text.push(':'),
            ')' => {}
            c if c.is_ascii_uppercase() => {
                if !text.is_empty() && !text.ends_with(':') {
                    text.push('_');
                }
                text.push(c.to_ascii_lowercase());
            }
            c => text.push(c),
        }
    }
    text
}

impl fmt::Display for GroupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {} {} ({})", self.count, self.status, self.path, self.voice)?;
        if let Some(host) = &self.host {
            write!(f, " host {host}")?;
        }
        if let Some(upstream) = &self.upstream {
            write!(f, " upstream {upstream}")?;
        }
        span(f, self.first.as_ref(), self.last.as_ref())?;
        match &self.sample {
            Some(sample) => write!(f, "\n{}", fenced(std::slice::from_ref(sample))),
            None => Ok(()),
        }
    }
}

impl fmt::Display for MessageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.count, self.kind)?;
        if let Some(about) = &self.about {
            write!(f, " {about}")?;
        }
        span(f, self.first.as_ref(), self.last.as_ref())?;
        match &self.sample {
            Some(sample) => write!(f, "\n{}", fenced(std::slice::from_ref(sample))),
            None => Ok(()),
        }
    }
}

fn span(f: &mut fmt::Formatter<'_>, first: Option<&Time>, last: Option<&Time>) -> fmt::Result {
    match (first, last) {
        (Some(first), Some(last)) if first != last => write!(f, ", {first} to {last}"),
        (Some(at), _) | (None, Some(at)) => write!(f, ", at {at}"),
        (None, None) => Ok(()),
    }
}

impl Render for LogsReport {
    fn text(&self) -> String {
        let mut lines = vec![self.summary.clone()];
        if let Some(onset) = &self.onset {
            let before =
                onset.last_success.as_ref().map(|at| format!(", last success {at}")).unwrap_or_default();
            lines.push(format!("404s of this URL began {} ({}){before}", onset.at, onset.confidence));
        }
        lines.extend(self.groups.iter().map(ToString::to_string));
        if !self.messages.is_empty() {
            lines.push("The controllers said:".to_owned());
        }
        lines.extend(self.messages.iter().map(ToString::to_string));
        lines.push(format!("Silence: {}", self.silence));
        lines.extend(self.coverage.iter().map(|read| format!("Read: {read}")));
        lines.push(self.scope.to_string());
        lines.extend(self.next_cursor.iter().map(|cursor| format!("More: cursor {cursor}")));
        lines.push(ending(self.truncated.as_ref(), &self.gaps, &self.next));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_spelled_in_snake_case() {
        assert_eq!(snake("ClassIgnored(NoClass)"), "class_ignored:no_class");
        assert_eq!(snake("ReloadFailed"), "reload_failed");
    }
}

//! A diagnosis in words. The sentences of each part are in a file of their own: what a piece of evidence
//! says, what a verdict says in one sentence, what to do, and why something else is excluded.

use schemars::JsonSchema;
use serde::Serialize;

use super::citation::CitationReport;
use super::object_ref::{NameRef, ObjectRef, namespace_of};
use super::text::Text;
use super::time::Time;
use crate::analysis::verdicts::{Culprit, Diagnosis, Evidence, Judgement, Point};
use crate::model::citation::Citation;
use crate::model::object::Name;

mod because;
mod fix;
mod point;
mod summary;

pub use point::says;

/// The verdict.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct VerdictReport {
    /// The code; its meaning is in the resource `routecause://verdict/CODE`.
    pub code: &'static str,
    /// certain, likely or possible.
    pub confidence: &'static str,
    /// Who is to blame; null where no object is.
    pub culprit: Option<CulpritReport>,
    pub summary: String,
    /// When the 404s began, as far as seen.
    pub since: Option<Time>,
    pub fix: String,
    pub evidence: Vec<EvidenceReport>,
}

/// The object and field to blame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CulpritReport {
    pub kind: &'static str,
    pub namespace: Option<Text>,
    pub name: Text,
    pub field: Text,
}

/// One sentence and the thing it rests on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EvidenceReport {
    pub says: String,
    pub source: CitationReport,
}

/// Another explanation that the facts leave open.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AlternativeReport {
    pub code: &'static str,
    pub confidence: &'static str,
    pub culprit: Option<CulpritReport>,
    pub summary: String,
    pub because: String,
}

/// An explanation that the facts exclude.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RuledOutReport {
    pub code: &'static str,
    pub because: String,
}

/// How much evidence a verdict shows.
pub const MOST_EVIDENCE: usize = 8;

impl VerdictReport {
    /// The verdict of a diagnosis about `url`.
    #[must_use]
    pub fn new(judgement: &Judgement, url: &str, status: Option<u16>) -> Self {
        let Judgement { code, confidence, culprit, since, evidence, fix } = judgement;
        Self {
            code: code.as_str(),
            confidence: confidence.as_str(),
            culprit: culprit.as_ref().map(CulpritReport::from),
            summary: summary::sentence(judgement, url, status),
            since: since.map(Time),
            fix: fix::words(fix),
            evidence: evidence.iter().take(MOST_EVIDENCE).map(EvidenceReport::from).collect(),
        }
    }
}

impl AlternativeReport {
    #[must_use]
    pub fn new(judgement: &Judgement, url: &str, status: Option<u16>) -> Self {
        Self {
            code: judgement.code.as_str(),
            confidence: judgement.confidence.as_str(),
            culprit: judgement.culprit.as_ref().map(CulpritReport::from),
            summary: summary::sentence(judgement, url, status),
            because: judgement.evidence.first().map(|first| says(&first.point)).unwrap_or_default(),
        }
    }
}

/// What was ruled out, in words; the most telling first.
#[must_use]
pub fn ruled_out(diagnosis: &Diagnosis) -> Vec<RuledOutReport> {
    diagnosis
        .ruled_out
        .iter()
        .map(|(code, because)| RuledOutReport { code: code.as_str(), because: because::words(because) })
        .collect()
}

impl From<&Culprit> for CulpritReport {
    fn from(culprit: &Culprit) -> Self {
        Self {
            kind: culprit.key.kind.as_str(),
            namespace: namespace_of(&culprit.key.name.namespace),
            name: Text::new(&culprit.key.name.name),
            field: Text::path(&culprit.field),
        }
    }
}

impl std::fmt::Display for CulpritReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        write!(f, "{}", self.name)?;
        if self.field.is_empty() { Ok(()) } else { write!(f, " {}", self.field) }
    }
}

impl From<&Evidence> for EvidenceReport {
    fn from(evidence: &Evidence) -> Self {
        Self { says: sentence(evidence), source: CitationReport::from(&evidence.source) }
    }
}

/// The sentence of a piece of evidence, with the object it is about where the point does not name it.
fn sentence(evidence: &Evidence) -> String {
    match (&evidence.point, &evidence.source) {
        (Point::NoClassSet, Citation::Object { key, field, .. }) => {
            format!("{} sets no {}", ObjectRef::from(key), Text::path(field))
        }
        (point, _) => says(point),
    }
}

fn name(name: &Name) -> NameRef {
    NameRef::from(name)
}

fn q(text: &str) -> String {
    format!("\"{}\"", Text::new(text))
}

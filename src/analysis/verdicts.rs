//! The verdicts: each asked in turn over the same facts, ranked, and what was ruled out kept with its
//! reason.
//!
//! The first fork is always who wrote the 404 (`facts::symptom`): when the intended backend answered,
//! no verdict about adoption, hosts or missing rules may be given. A verdict without decisive evidence
//! is `Possible` at most.

use chrono::{DateTime, Utc};

use crate::model::citation::Citation;
use crate::model::object::ObjectKey;
use crate::model::verdict::{Code, Confidence};

use super::facts::Facts;

pub mod app_route_missing;
pub mod auth_subrequest;
pub mod canary_conflict;
mod cite;
pub mod class_controller_mismatch;
pub mod class_missing;
pub mod class_not_found;
pub mod config_reload_blocked;
pub mod controller_cannot_see;
pub mod dropped_by_annotation_policy;
pub mod duplicate_host_path;
pub mod error_intercepted;
mod gate;
pub mod healthy;
pub mod host_mismatch;
pub mod hostwide_regex;
pub mod ingress_absent_rejected;
pub mod insufficient_evidence;
pub mod no_ready_endpoints;
pub mod no_rule_for_path;
pub mod not_a_404;
pub mod path_dialect;
pub mod pathtype_mismatch;
pub mod point;
pub mod prefix_not_stripped;
pub mod rewrite_wrong;
mod said;
pub mod service_ref_invalid;
pub mod sync_race;
pub mod wrong_backend;

pub use point::{Because, Fix, Point};

/// One verdict. The file's stem is the code in lower case.
pub trait Verdict: Sync {
    fn code(&self) -> Code;
    /// Looks at the facts.
    fn judge(&self, facts: &Facts<'_>) -> Ruling;
}

/// What a verdict makes of the facts.
#[derive(Debug, Clone, PartialEq)]
pub enum Ruling {
    Found(Box<Judgement>),
    /// It was a possibility and the facts exclude it.
    RuledOut(Because),
    /// The facts do not bear on it.
    Silent,
}

impl From<Judgement> for Ruling {
    fn from(judgement: Judgement) -> Self {
        Self::Found(Box::new(judgement))
    }
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    pub code: Code,
    pub confidence: Confidence,
    pub culprit: Option<Culprit>,
    pub since: Option<DateTime<Utc>>,
    pub evidence: Vec<Evidence>,
    pub fix: Fix,
}

/// The object and field to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culprit {
    pub key: ObjectKey,
    pub field: String,
}

/// A point and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    pub point: Point,
    pub source: Citation,
}

/// All verdicts, the more specific before the more general: of two equally sure ones the earlier wins.
pub static VERDICTS: &[&dyn Verdict] = &[
    &config_reload_blocked::ConfigReloadBlocked,
    &dropped_by_annotation_policy::DroppedByAnnotationPolicy,
    &class_missing::ClassMissing,
    &class_not_found::ClassNotFound,
    &class_controller_mismatch::ClassControllerMismatch,
    &controller_cannot_see::ControllerCannotSee,
    &ingress_absent_rejected::IngressAbsentRejected,
    &canary_conflict::CanaryConflict,
    &auth_subrequest::AuthSubrequest,
    &hostwide_regex::HostwideRegex,
    &duplicate_host_path::DuplicateHostPath,
    &wrong_backend::WrongBackend,
    &pathtype_mismatch::PathtypeMismatch,
    &path_dialect::PathDialect,
    &host_mismatch::HostMismatch,
    &rewrite_wrong::RewriteWrong,
    &prefix_not_stripped::PrefixNotStripped,
    &error_intercepted::ErrorIntercepted,
    &no_rule_for_path::NoRuleForPath,
    &service_ref_invalid::ServiceRefInvalid,
    &no_ready_endpoints::NoReadyEndpoints,
    &app_route_missing::AppRouteMissing,
    &sync_race::SyncRace,
    &not_a_404::NotA404,
    &healthy::Healthy,
    &insufficient_evidence::InsufficientEvidence,
];

/// The whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnosis {
    pub verdict: Judgement,
    /// Ranked, at most three.
    pub alternatives: Vec<Judgement>,
    pub ruled_out: Vec<(Code, Because)>,
}

/// Asks every verdict and ranks.
#[must_use]
pub fn diagnose(facts: &Facts<'_>) -> Diagnosis {
    let mut found: Vec<(usize, Judgement)> = Vec::new();
    let mut ruled_out = Vec::new();
    for (order, verdict) in VERDICTS.iter().enumerate() {
        match verdict.judge(facts) {
            Ruling::Found(mut judgement) => {
                if let Some(cause) = cite::cause(facts, &judgement.evidence) {
                    judgement.evidence.insert(1.min(judgement.evidence.len()), cause);
                }
                found.push((order, *judgement));
            }
            Ruling::RuledOut(because) => ruled_out.push((verdict.code(), because)),
            Ruling::Silent => {}
        }
    }
    found.sort_by(|(a_order, a), (b_order, b)| {
        let fork = not_a_404_first(facts, a.code).cmp(&not_a_404_first(facts, b.code));
        fork.then(b.confidence.cmp(&a.confidence)).then(a_order.cmp(b_order))
    });
    let mut ranked = found.into_iter().map(|(_, judgement)| judgement);
    let verdict = ranked.next().unwrap_or_else(|| insufficient_evidence::bare(facts));
    let alternatives = ranked.filter(|other| other.code != Code::InsufficientEvidence).take(3).collect();
    Diagnosis { verdict, alternatives, ruled_out }
}

/// When the URL does not answer 404 at all, saying so comes before the cause of what it answers.
fn not_a_404_first(facts: &Facts<'_>, code: Code) -> u8 {
    let backend = matches!(code, Code::ServiceRefInvalid | Code::NoReadyEndpoints);
    u8::from(backend && facts.symptom.status.is_some_and(|status| status != 404))
}

//! SYNC_RACE: the controller answers that no rule matches, and one does: what it has in force is not what
//! the objects say.
//!
//! Decisive would be the proxy's own configuration, which is not read; so never more than likely. Given
//! only where the controller was restarted or changed between the last answer and the 404s: without that
//! nothing tells such a controller from one that is not understood.

use std::collections::BTreeMap;

use chrono::Duration;

use crate::model::change::{Act, Change};
use crate::model::object::ObjectKey;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::symptom::{Seen, Speaker};
use super::super::routing::{Basis, Outcome};
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct SyncRace;

/// What is done to a controller ends in its pods within this time.
const ROLLOUT: Duration = Duration::minutes(2);

impl Verdict for SyncRace {
    fn code(&self) -> Code {
        Code::SyncRace
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let denied = gate::is_404(facts)
            && matches!(facts.symptom.seen, Seen::Log(_))
            && facts.symptom.speaker == Speaker::Controller
            && facts.decision.outcome == Outcome::Routed
            && !facts.decision.default_backend;
        let (true, Some((ingress, place))) = (denied, facts.winner()) else { return Ruling::Silent };
        let changes = of_each_object(&facts.shaken);
        let Some(culprit) = culprit(&changes) else { return Ruling::Silent };
        let winner = facts.decision.winner.as_ref();
        let mut evidence = vec![cite::change(culprit)];
        evidence.extend(cite::failures(facts));
        evidence.push(Evidence {
            point: Point::RoutesTo {
                service: gate::intended_service(facts).cloned().unwrap_or_default(),
                path: winner.map(|winner| winner.path.clone()).unwrap_or_default(),
            },
            source: cite::path(ingress, place),
        });
        evidence
            .extend(changes.iter().filter(|change| **change != culprit).map(|change| cite::change(change)));
        evidence.extend(cite::worked_before(facts));
        Judgement {
            code: Code::SyncRace,
            confidence: match facts.view.basis {
                Basis::Exact | Basis::Modelled => Confidence::Likely,
                Basis::SpecOnly => Confidence::Possible,
            },
            culprit: Some(Culprit { key: culprit.object.clone(), field: culprit.field.clone() }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::Resync { controller: facts.view.controller.map(|of| of.workload.clone()) },
        }
        .into()
    }
}

/// The most suspicious changes of the first objects, two of each: a container ends and starts.
fn of_each_object(changes: &[Change]) -> Vec<&Change> {
    let mut seen: BTreeMap<&ObjectKey, usize> = BTreeMap::new();
    let mut chosen = Vec::new();
    for change in changes {
        let count = seen.entry(&change.object).or_default();
        *count += 1;
        if *count <= 2 && chosen.len() < 5 {
            chosen.push(change);
        }
    }
    chosen
}

/// The edit that ended in the most suspicious change, where one was recorded just before it, else that
/// change itself.
fn culprit<'c>(changes: &[&'c Change]) -> Option<&'c Change> {
    let first = changes.first()?;
    let edit = changes
        .iter()
        .find(|change| matches!(change.act, Act::Changed | Act::Written) && first.at - change.at <= ROLLOUT);
    edit.or(Some(first)).copied()
}

//! NO_RULE_FOR_PATH: the host is served, no rule takes the path, and none nearly does.
//!
//! Decisive: the controller's own 404 and the complete list of Ingresses; a recorded edit that took the
//! path away says who did it.

use crate::model::change::Aspect;
use crate::model::citation::Citation;
use crate::model::ingress::Place;
use crate::model::object::{Kind, ObjectKey};
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::symptom::Speaker;
use super::super::routing::{Basis, Outcome};
use super::{
    Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, path_dialect,
    pathtype_mismatch,
};

#[derive(Debug)]
pub struct NoRuleForPath;

impl Verdict for NoRuleForPath {
    fn code(&self) -> Code {
        Code::NoRuleForPath
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        if facts.decision.outcome != Outcome::NoRoute {
            let winner = facts.decision.winner.as_ref();
            return match winner.filter(|winner| winner.is_of(&winner.ingress)) {
                Some(winner) => Ruling::RuledOut(Because::RuleTakesPath(winner.ingress.clone())),
                None => Ruling::Silent,
            };
        }
        if !gate::is_404(facts) || !gate::controller_may_have_answered(facts) {
            return Ruling::Silent;
        }
        // A rule that nearly takes it is another verdict's matter.
        if pathtype_mismatch::nearly(facts, facts.request).is_some() || path_dialect::rule(facts).is_some() {
            return Ruling::Silent;
        }
        let hosts = gate::on_host(facts);
        // So is a rule that went with its Ingress.
        if gate::lost_rule(facts) {
            return Ruling::Silent;
        }
        let taken = facts.changes.iter().find(|change| {
            let lost = matches!(change.aspect, Aspect::IngressPaths | Aspect::IngressRules);
            lost && change.object.kind == Kind::Ingress
                && change.before.is_some()
                && change.after != change.before
                && hosts.iter().any(|ingress| ingress.meta.key() == change.object.name)
        });
        let owner = taken
            .and_then(|change| hosts.iter().find(|ingress| ingress.meta.key() == change.object.name))
            .or(hosts.first());
        let Some(ingress) = owner else { return Ruling::Silent };
        let name = ingress.meta.key();
        let mut evidence = Vec::new();
        for (r, p, _, rule) in ingress
            .path_rules()
            .filter(|(_, _, host, _)| crate::model::host::spec_match(host, facts.request.host.as_str()))
            .take(3)
        {
            evidence.push(Evidence {
                point: Point::RuleDiffers {
                    path: rule.path.clone(),
                    path_type: Some(rule.path_type.as_str()),
                },
                source: cite::path(ingress, Place::Path(r, p)),
            });
        }
        evidence.extend(taken.map(|change| Evidence {
            point: Point::Changed { at: change.at },
            source: Citation::Change(change.clone()),
        }));
        evidence.extend(cite::worked_before(facts));
        evidence.extend(cite::failures(facts));
        let complete = facts.snapshot.ingresses.covers_everything();
        let spoke = facts.symptom.speaker == Speaker::Controller && gate::seen(facts);
        let rule = ingress
            .rules
            .iter()
            .position(|rule| crate::model::host::spec_match(rule.host(), facts.request.host.as_str()))
            .unwrap_or(0);
        let field = match taken {
            Some(change) => change.field.clone(),
            None => format!("{}.http.paths", Place::Rule(rule).field("")),
        };
        Judgement {
            code: Code::NoRuleForPath,
            confidence: match (spoke && complete, facts.view.basis) {
                (true, Basis::Exact | Basis::Modelled) => Confidence::Certain,
                (true, Basis::SpecOnly) | (false, Basis::Exact | Basis::Modelled) => Confidence::Likely,
                (false, Basis::SpecOnly) => Confidence::Possible,
            },
            culprit: Some(Culprit { key: ObjectKey { kind: Kind::Ingress, name: name.clone() }, field }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::AddRule {
                path: facts.request.path.as_str().to_owned(),
                host: facts.request.host.as_str().to_owned(),
                ingress: Some(name),
            },
        }
        .into()
    }
}

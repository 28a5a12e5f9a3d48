//! CONFIG_RELOAD_BLOCKED: the proxy refuses the configuration as a whole, so that nothing newer is in
//! force, for anyone.
//!
//! Decisive: the controller's own reload failure after its last success, or a configuration that the
//! model knows the proxy refuses; and a rule that would serve the request once it loads.

use crate::model::object::{Kind, ObjectKey};
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::candidates::Standing;
use super::super::routing::Outcome;
use super::{Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, said};

#[derive(Debug)]
pub struct ConfigReloadBlocked;

impl Verdict for ConfigReloadBlocked {
    fn code(&self) -> Code {
        Code::ConfigReloadBlocked
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let predicted = facts.view.table.reload_failure();
        let failed = gate::said(facts, None, said::reload_failed);
        let succeeded = gate::said(facts, None, said::reload_succeeded);
        let failing = match (&failed, &succeeded) {
            (Some((_, failed, _)), Some((_, succeeded, _))) => failed > succeeded,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if predicted.is_none() && !failing {
            return Ruling::RuledOut(Because::Loads);
        }
        if !gate::is_404(facts) || !gate::controller_may_have_answered(facts) && predicted.is_none() {
            return Ruling::Silent;
        }
        let would_serve = matches!(facts.decision.outcome, Outcome::Routed | Outcome::Refused)
            || facts.candidates.iter().any(|candidate| candidate.standing == Standing::Wins);
        if !would_serve {
            return Ruling::Silent;
        }
        let mut evidence = Vec::new();
        if let Some((count, last, source)) = failed {
            evidence.push(Evidence { point: Point::ControllerSaidReloadFailed { count, last }, source });
        }
        let between = predicted.map(|failure| failure.between.clone()).unwrap_or_default();
        let mut objects: Vec<_> = between.iter().filter_map(|name| facts.ingress(name)).collect();
        objects.sort_by_key(|ingress| std::cmp::Reverse((ingress.meta.created, ingress.meta.key())));
        if let Some(failure) = predicted {
            for ingress in &objects {
                let place = ingress.path_rules().find(|(_, _, host, _)| *host == failure.host);
                if let Some((rule, path, _, _)) = place {
                    let place = crate::model::ingress::Place::Path(rule, path);
                    evidence.push(Evidence {
                        point: Point::ReloadFailed { cause: failure.cause.clone(), between: between.clone() },
                        source: cite::path(ingress, place),
                    });
                }
            }
        }
        if evidence.is_empty() {
            return Ruling::Silent;
        }
        evidence.extend(cite::failures(facts));
        let culprit = objects.first().map(|ingress| {
            let place = ingress
                .path_rules()
                .find(|(_, _, host, _)| predicted.is_some_and(|failure| failure.host == *host))
                .map(|(rule, path, _, _)| crate::model::ingress::Place::Path(rule, path));
            Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: ingress.meta.key() },
                field: place.map_or_else(|| "spec.rules".to_owned(), |place| place.field("path")),
            }
        });
        Judgement {
            code: Code::ConfigReloadBlocked,
            confidence: match (predicted.is_some(), failing) {
                (true, true) => Confidence::Certain,
                (true, false) | (false, true) => Confidence::Likely,
                (false, false) => Confidence::Possible,
            },
            culprit,
            since: facts.symptom.since,
            evidence,
            fix: Fix::ResolveDuplicate { between },
        }
        .into()
    }
}

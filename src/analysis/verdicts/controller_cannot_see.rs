//! CONTROLLER_CANNOT_SEE: the Ingress lies outside the namespaces that its controller watches.
//!
//! Decisive: the controller's `--watch-namespace` argument.

use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::routing::Refusal;
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct ControllerCannotSee;

impl Verdict for ControllerCannotSee {
    fn code(&self) -> Code {
        Code::ControllerCannotSee
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let wanted = |refusal: &Refusal| matches!(refusal, Refusal::NamespaceNotWatched { .. });
        let Some((candidate, Refusal::NamespaceNotWatched { watched })) = gate::not_loaded(facts, wanted)
        else {
            return Ruling::Silent;
        };
        let ingress = candidate.ingress;
        if let Some(ruling) = gate::adoption_gate(facts, ingress) {
            return ruling;
        }
        let Some(controller) = facts.view.controller else { return Ruling::Silent };
        let settings = &facts.view.settings;
        let flag = settings.flag("watch-namespace").filter(|flag| flag.value.as_deref() != Some(""));
        let Some(flag) = flag.or_else(|| settings.flag("watch-namespace-selector")) else {
            return Ruling::Silent;
        };
        let workload = facts
            .snapshot
            .workloads
            .items()
            .iter()
            .find(|w| w.kind == controller.workload.kind && w.meta.key() == controller.workload.name);
        let field = controller.arg_field(flag.index);
        let mut evidence = Vec::new();
        evidence.extend(workload.map(|workload| Evidence {
            point: Point::WatchesOnly { watched: watched.clone() },
            source: cite::field(workload, field.clone(), controller.args.get(flag.index).cloned()),
        }));
        evidence.push(Evidence {
            point: Point::NoAddress,
            source: cite::field(ingress, "status.loadBalancer.ingress", ingress.addresses.first().cloned()),
        });
        evidence.extend(cite::failures(facts));
        Judgement {
            code: Code::ControllerCannotSee,
            confidence: if gate::seen(facts) { Confidence::Certain } else { Confidence::Likely },
            culprit: Some(Culprit { key: controller.workload.clone(), field }),
            since: facts.symptom.since.or(ingress.meta.created),
            evidence,
            fix: Fix::WatchNamespace {
                namespace: ingress.meta.namespace.clone(),
                controller: controller.workload.clone(),
            },
        }
        .into()
    }
}

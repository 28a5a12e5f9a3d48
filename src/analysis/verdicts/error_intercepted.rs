//! ERROR_INTERCEPTED: an error page replaced what the application answered.
//!
//! Decisive: the log's lists of upstreams (`app : error page`), or the setting that does it.

use crate::model::object::{Kind, ObjectKey, annotation_field};
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::symptom::Speaker;
use super::super::voice::Voice;
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct ErrorIntercepted;

const KEY: &str = "custom-http-errors";

impl Verdict for ErrorIntercepted {
    fn code(&self) -> Code {
        Code::ErrorIntercepted
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        if !gate::is_404(facts) || !matches!(facts.symptom.speaker, Speaker::Intercepted { .. }) {
            return Ruling::Silent;
        }
        let Some((ingress, _)) = facts.winner() else { return Ruling::Silent };
        let annotation = format!("nginx.ingress.kubernetes.io/{KEY}");
        let mut evidence: Vec<Evidence> = facts
            .log
            .answers
            .iter()
            .filter(|answer| answer.voice == Voice::Intercepted && answer.status == 404)
            .filter_map(cite::answer)
            .take(1)
            .collect();
        let (culprit, codes) = if let Some(codes) = ingress.meta.annotation(&annotation) {
            evidence.push(Evidence {
                point: Point::ErrorPages { codes: codes.to_owned() },
                source: cite::annotation(ingress, &annotation),
            });
            let key = ObjectKey { kind: Kind::Ingress, name: ingress.meta.key() };
            (Some(Culprit { key, field: annotation_field(&annotation) }), codes.to_owned())
        } else if let (Some(controller), Some(codes)) =
            (facts.view.controller, facts.view.settings.config(KEY))
        {
            let point = Point::ErrorPages { codes: codes.to_owned() };
            evidence.extend(cite::setting(controller, KEY).map(|source| Evidence { point, source }));
            let culprit = controller.config_map.as_ref().map(|(name, _)| Culprit {
                key: ObjectKey { kind: Kind::ConfigMap, name: name.clone() },
                field: format!("data.{KEY}"),
            });
            (culprit, codes.to_owned())
        } else {
            (None, String::new())
        };
        if evidence.is_empty() {
            return Ruling::Silent;
        }
        let configured = culprit.is_some();
        Judgement {
            code: Code::ErrorIntercepted,
            confidence: if configured { Confidence::Certain } else { Confidence::Likely },
            culprit,
            since: facts.symptom.since,
            evidence,
            fix: Fix::DropInterception { codes },
        }
        .into()
    }
}

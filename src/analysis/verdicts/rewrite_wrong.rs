//! REWRITE_WRONG: the rewrite sends the application a path that it does not have.
//!
//! Decisive: the path that the model says the upstream receives, and either a rewrite without capture
//! group that collapses every sub-path, or probes of the pod that tell the rewritten from the original.

use crate::model::object::{Kind, ObjectKey, annotation_field};
use crate::model::probe::{ProbeOutput, Target};
use crate::model::request::Request;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::routing::Outcome;
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct RewriteWrong;

const REWRITE: &str = "nginx.ingress.kubernetes.io/rewrite-target";

impl Verdict for RewriteWrong {
    fn code(&self) -> Code {
        Code::RewriteWrong
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let routed_404 = gate::is_404(facts)
            && facts.decision.outcome == Outcome::Routed
            && !gate::controller_may_have_answered(facts);
        let (true, Some((ingress, place))) = (routed_404, facts.winner()) else { return Ruling::Silent };
        let (Some(target), Some(rule)) = (ingress.meta.annotation(REWRITE), ingress.path_at(place)) else {
            return Ruling::Silent;
        };
        let Some(upstream) = facts.decision.upstream_path.as_deref() else { return Ruling::Silent };
        let asked = facts.request.path.as_str();
        if target.is_empty() || upstream == asked {
            return Ruling::Silent;
        }
        let bare = rule.path.trim_end_matches('/');
        let deeper = asked.strip_prefix(bare).is_some_and(|rest| rest.len() > 1);
        let collapses = !target.contains('$') && deeper;
        let inner = |path: &str, good: bool| {
            facts.probes.iter().find(|probe| {
                matches!(probe.target, Some(Target::Pod | Target::Service))
                    && probe.status.is_some_and(|status| (status < 400) == good && (good || status == 404))
                    && Request::parse(&probe.url).is_ok_and(|request| request.path.as_str() == path)
            })
        };
        let original_works: Option<&ProbeOutput> = inner(asked, true);
        let rewritten_fails: Option<&ProbeOutput> = inner(upstream, false);
        let proven = original_works.is_some() && rewritten_fails.is_some();
        if !collapses && !proven {
            return Ruling::Silent;
        }
        let name = ingress.meta.key();
        let point = Point::RewriteTo { target: target.to_owned(), upstream_path: upstream.to_owned() };
        let mut evidence = vec![
            Evidence { point: point.clone(), source: cite::annotation(ingress, REWRITE) },
            Evidence { point, source: cite::path(ingress, place) },
        ];
        evidence.extend(cite::failures(facts));
        for probe in original_works.into_iter().chain(rewritten_fails) {
            evidence.push(Evidence {
                point: Point::Probed {
                    url: probe.url.clone(),
                    status: probe.status,
                    from: probe.from.clone(),
                },
                source: cite::probe(probe),
            });
        }
        Judgement {
            code: Code::RewriteWrong,
            confidence: if proven { Confidence::Certain } else { Confidence::Likely },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: annotation_field(REWRITE),
            }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::UseCapture { ingress: name, path: rule.path.clone(), target: target.to_owned() },
        }
        .into()
    }
}

//! PATHTYPE_MISMATCH: the host is right, and a rule nearly takes the path: `Exact` where requests go
//! below it, `Prefix` that ends in the middle of an element, or a slash too many.
//!
//! Decisive: with another path type (or without the slash) the controller's own model routes the
//! request to that rule, and the controller's 404 was seen. Where another rule takes the request
//! instead: that its Service answers 404, that rule's Service answered before, and a recorded edit.

use crate::model::ingress::{Ingress, PathType, Place};
use crate::model::object::{Kind, ObjectKey};
use crate::model::probe::ProbeOutput;
use crate::model::request::Request;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::symptom::{is_entry, same_url};
use super::super::routing::{Edit, Outcome};
use super::{Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct PathtypeMismatch;

impl Verdict for PathtypeMismatch {
    fn code(&self) -> Code {
        Code::PathtypeMismatch
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        let fallen = fallen_through(facts);
        if let Some(service) = gate::answering_service(facts)
            && gate::is_404(facts)
            && gate::intended_service(facts) == Some(service)
            && fallen.is_none()
        {
            return Ruling::RuledOut(Because::UpstreamAnswered(Some(service.clone())));
        }
        // The rule may take the request and the application lead on to a path that it does not take.
        let led_on = led_on(facts);
        let request = led_on.as_ref().map_or(facts.request, |(request, _)| request);
        let applies = led_on.is_some()
            || fallen.is_some()
            || gate::is_404(facts)
                && facts.decision.outcome == Outcome::NoRoute
                && gate::controller_may_have_answered(facts);
        if !applies {
            return Ruling::Silent;
        }
        let is_fallen = fallen.is_some();
        let Some((ingress, place, path_type)) = fallen.or_else(|| nearly(facts, request)) else {
            return Ruling::Silent;
        };
        let Some(rule) = ingress.path_at(place) else { return Ruling::Silent };
        let name = ingress.meta.key();
        let differs =
            Point::RuleDiffers { path: rule.path.clone(), path_type: Some(rule.path_type.as_str()) };
        let mut evidence = vec![
            Evidence { point: differs.clone(), source: cite::path_type(ingress, place, rule) },
            Evidence { point: differs, source: cite::path(ingress, place) },
        ];
        evidence.extend(cite::worked_before(facts).filter(|_| is_fallen));
        evidence.extend(cite::failures(facts));
        let mut probes: Vec<&ProbeOutput> = facts
            .probes
            .iter()
            .filter(|probe| is_entry(probe) && (same_url(probe, request) || redirects_to(probe, request)))
            .collect();
        probes.sort_by_key(|probe| probe.at);
        probes.extend(facts.probes.iter().find(|probe| {
            !is_entry(probe)
                && probe.status.is_some_and(|s| s < 400)
                && path_of(probe) == Some(request.path.as_str().to_owned())
        }));
        evidence.extend(probes.into_iter().map(|probe| Evidence {
            point: Point::Probed { url: probe.url.clone(), status: probe.status, from: probe.from.clone() },
            source: cite::probe(probe),
        }));
        let edited = facts.changes.iter().any(|change| {
            change.object == ObjectKey { kind: Kind::Ingress, name: name.clone() }
                && change.field == place.field("pathType")
        });
        let certain = gate::seen(facts) && facts.view.controller.is_some() && (!is_fallen || edited);
        Judgement {
            code: Code::PathtypeMismatch,
            confidence: if certain { Confidence::Certain } else { Confidence::Likely },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: place.field("pathType"),
            }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::Edit {
                ingress: name,
                edit: if rule.path_type == path_type {
                    Edit::AddPath { path: request.path.as_str().to_owned(), path_type }
                } else {
                    Edit::SetPathType { from: rule.path_type, to: path_type }
                },
            },
        }
        .into()
    }
}

/// The rule whose Service answered before, where another rule takes the request now and its Service
/// answers 404.
fn fallen_through<'a>(facts: &Facts<'a>) -> Option<(&'a Ingress, Place, PathType)> {
    let now = gate::intended_service(facts)?;
    let Point::WorkedBefore { service: Some(before), .. } = cite::worked_before(facts)?.point else {
        return None;
    };
    let fell = gate::is_404(facts) && gate::answering_service(facts) == Some(now) && before != *now;
    let (ingress, place, to) = nearly(facts, facts.request).filter(|_| fell)?;
    let (service, _) = ingress.path_at(place)?.backend.service()?;
    (ingress.meta.namespace == before.namespace && service == before.name).then_some((ingress, place, to))
}

/// The rule that would take the request with another path type: the longest path first.
pub(super) fn nearly<'a>(facts: &Facts<'a>, request: &Request) -> Option<(&'a Ingress, Place, PathType)> {
    let asked = request.path.as_str();
    let mut found: Vec<(&Ingress, Place, PathType, usize)> = Vec::new();
    for ingress in gate::on_host(facts) {
        for (r, p, _, rule) in ingress.path_rules() {
            let bare = rule.path.trim_end_matches('/');
            let below = asked.strip_prefix(bare).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let inside = !bare.is_empty() && asked.starts_with(bare) && !below;
            let to = match rule.path_type {
                PathType::Exact if below => PathType::Prefix,
                PathType::Prefix | PathType::ImplementationSpecific if inside => rule.path_type,
                PathType::Exact | PathType::Prefix | PathType::ImplementationSpecific => continue,
            };
            found.push((ingress, Place::Path(r, p), to, rule.path.len()));
        }
    }
    found.sort_by_key(|(ingress, place, _, length)| {
        (std::cmp::Reverse(*length), ingress.meta.created, ingress.meta.key(), *place)
    });
    found
        .into_iter()
        .find(|(ingress, place, to, _)| takes_as(facts, request, ingress, *place, *to))
        .map(|(ingress, place, to, _)| (ingress, place, to))
}

/// Tries the edit on the model: an `Exact` rule made `Prefix`, or a rule for the asked path added.
fn takes_as(facts: &Facts<'_>, request: &Request, ingress: &Ingress, place: Place, to: PathType) -> bool {
    let mut edited = ingress.clone();
    let Place::Path(r, p) = place else { return false };
    let Some(paths) = edited.rules.get_mut(r).and_then(|rule| rule.paths.as_mut()) else { return false };
    let Some(rule) = paths.get_mut(p) else { return false };
    if rule.path_type == to {
        let mut added = rule.clone();
        request.path.as_str().clone_into(&mut added.path);
        added.path_type = PathType::Exact;
        paths.push(added);
    } else {
        rule.path_type = to;
    }
    let mut set: Vec<&Ingress> =
        gate::on_host(facts).into_iter().filter(|other| other.meta.key() != ingress.meta.key()).collect();
    set.push(&edited);
    let decision = facts.view.what_if(&set, facts.snapshot).decide(request);
    decision.winner.is_some_and(|winner| winner.ingress == ingress.meta.key())
}

/// The address that the application's redirect leads to, when no rule takes it.
fn led_on<'f>(facts: &'f Facts<'_>) -> Option<(Request, &'f ProbeOutput)> {
    if facts.symptom.status.is_none_or(|status| !(300..400).contains(&status)) {
        return None;
    }
    facts.probes.iter().rev().filter(|probe| is_entry(probe) && same_url(probe, facts.request)).find_map(
        |probe| {
            let location = probe.header("location")?;
            let url = if location.starts_with('/') {
                format!("{}://{}{location}", facts.request.scheme.as_str(), facts.request.authority())
            } else {
                location.to_owned()
            };
            let next = Request::parse(&url).ok()?;
            let dead =
                next.host == facts.request.host && facts.view.decide(&next).outcome == Outcome::NoRoute;
            dead.then_some((next, probe))
        },
    )
}

fn redirects_to(probe: &ProbeOutput, request: &Request) -> bool {
    probe.header("location").is_some_and(|location| {
        location == request.path.as_str()
            || Request::parse(location)
                .is_ok_and(|next| next.host == request.host && next.path == request.path)
    })
}

fn path_of(probe: &ProbeOutput) -> Option<String> {
    Request::parse(&probe.url).ok().map(|request| request.path.as_str().to_owned())
}

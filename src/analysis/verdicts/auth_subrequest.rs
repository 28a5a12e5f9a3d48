//! AUTH_SUBREQUEST: the address that is asked before every request, or to which users are sent to sign
//! in, is served by nobody on that host.
//!
//! Decisive: nginx's own line about the auth request's status, or the model finding no rule for the
//! address. A client sees 500 on the page and 404 on the sign-in link.

use crate::model::host::HostName;
use crate::model::ingress::{Ingress, Place};
use crate::model::object::{Kind, ObjectKey, annotation_field};
use crate::model::request::Request;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::candidates::touches;
use super::super::routing::Outcome;
use super::{Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate, said};

#[derive(Debug)]
pub struct AuthSubrequest;

const AUTH_URL: &str = "nginx.ingress.kubernetes.io/auth-url";
const AUTH_SIGNIN: &str = "nginx.ingress.kubernetes.io/auth-signin";

impl Verdict for AuthSubrequest {
    fn code(&self) -> Code {
        Code::AuthSubrequest
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        // What an auth request that fails looks like from outside: 500, or the sign-in page's 404.
        if !matches!(facts.symptom.status, Some(404 | 500) | None) {
            return Ruling::Silent;
        }
        let Some((ingress, dead)) = protected(facts) else { return Ruling::Silent };
        let name = ingress.meta.key();
        let mut evidence = Vec::new();
        for (key, address) in &dead {
            evidence.push(Evidence {
                point: Point::AuthAddress { key: (*key).to_owned(), url: address.url() },
                source: cite::annotation(ingress, key),
            });
        }
        let said = gate::said(facts, None, said::auth_failed);
        let heard = said.is_some();
        evidence
            .extend(said.map(|(count, _, source)| Evidence { point: Point::AuthFailed { count }, source }));
        let elsewhere = dead.first().and_then(|(_, address)| elsewhere(facts, address));
        if let Some((other, place, host)) = &elsewhere {
            let rule = other.path_at(*place);
            if let Place::Path(r, _) = place {
                evidence.push(Evidence {
                    point: Point::ServedElsewhere {
                        host: host.clone(),
                        path: rule.map(|rule| rule.path.clone()).unwrap_or_default(),
                        service: rule.and_then(|rule| rule.backend.service()).map(|(service, _)| {
                            crate::model::object::Name::new(&other.meta.namespace, service)
                        }),
                    },
                    source: cite::field(*other, Place::Rule(*r).field("host"), Some(host.clone())),
                });
            }
        }
        evidence.extend(
            facts
                .log
                .answers
                .iter()
                .chain(&facts.log.related)
                .filter(|answer| matches!(answer.status, 404 | 500))
                .filter_map(cite::answer)
                .take(2),
        );
        let key = dead.iter().map(|(key, _)| *key).find(|key| *key == AUTH_URL).unwrap_or(AUTH_SIGNIN);
        Judgement {
            code: Code::AuthSubrequest,
            confidence: if heard || gate::is_404(facts) && gate::seen(facts) {
                Confidence::Certain
            } else {
                Confidence::Likely
            },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name: name.clone() },
                field: annotation_field(key),
            }),
            since: facts.symptom.since.or_else(|| {
                facts.log.answers.iter().filter(|a| a.status == 500).filter_map(|a| a.first).min()
            }),
            evidence,
            fix: Fix::ServeAuth {
                ingress: name,
                path: dead.first().map(|(_, address)| address.path.as_str().to_owned()).unwrap_or_default(),
                elsewhere: elsewhere.map(|(other, _, host)| (host, other.meta.key())),
            },
        }
        .into()
    }
}

/// The Ingress whose auth addresses nobody serves: the one that takes the request, or one on the host
/// whose address is the very one asked for.
fn protected<'f>(facts: &'f Facts<'_>) -> Option<(&'f Ingress, Vec<(&'static str, Request)>)> {
    let host = facts.request.host.as_str();
    let winner = facts.winner().map(|(ingress, _)| ingress.meta.key());
    let mut adopted: Vec<&Ingress> = facts
        .view
        .adopted
        .iter()
        .map(|(ingress, _)| *ingress)
        .filter(|ingress| touches(ingress, host))
        .collect();
    adopted.sort_by_key(|ingress| (Some(ingress.meta.key()) != winner, ingress.meta.key()));
    adopted.into_iter().find_map(|ingress| {
        let dead: Vec<(&'static str, Request)> = [AUTH_URL, AUTH_SIGNIN]
            .into_iter()
            .filter_map(|key| Some((key, address(ingress.meta.annotation(key)?, facts.request)?)))
            .filter(|(_, address)| is_dead(facts, address))
            .collect();
        let concerns = Some(ingress.meta.key()) == winner
            || dead.iter().any(|(_, address)| address.path == facts.request.path);
        (concerns && !dead.is_empty()).then_some((ingress, dead))
    })
}

/// The address with nginx's variables filled in; `None` for what is not an address of this host's
/// controller (a Service's own name, another variable).
fn address(template: &str, request: &Request) -> Option<Request> {
    let filled = template
        .replace("$http_host", &request.authority())
        .replace("$host", request.host.as_str())
        .replace("$scheme", request.scheme.as_str());
    let url = filled.split('?').next().unwrap_or_default();
    if url.contains('$') {
        return None;
    }
    Request::parse(url).ok()
}

/// Whether the controller serves the address's host and no rule takes it.
fn is_dead(facts: &Facts<'_>, address: &Request) -> bool {
    let known = facts.view.adopted.iter().any(|(ingress, _)| {
        ingress.rules.iter().any(|rule| {
            !rule.host().is_empty() && crate::model::host::spec_match(rule.host(), address.host.as_str())
        })
    });
    known && facts.view.decide(address).outcome == Outcome::NoRoute
}

/// Another host under which the path is served.
fn elsewhere<'f>(facts: &'f Facts<'_>, address: &Request) -> Option<(&'f Ingress, Place, String)> {
    let mut adopted: Vec<&Ingress> = facts.view.adopted.iter().map(|(ingress, _)| *ingress).collect();
    adopted.sort_by_key(|ingress| ingress.meta.key());
    adopted.into_iter().find_map(|ingress| {
        ingress.hosts().into_iter().filter(|host| *host != address.host.as_str()).find_map(|host| {
            let mut other = address.clone();
            other.host = HostName::parse(host).ok()?;
            host.clone_into(&mut other.host_as_sent);
            let winner = facts.view.decide(&other).winner?;
            let rule = ingress.path_at(winner.place)?;
            let specific = winner.ingress == ingress.meta.key() && rule.path.trim_end_matches('/').len() > 1;
            specific.then(|| (ingress, winner.place, host.to_owned()))
        })
    })
}

//! HOST_MISMATCH: no rule names the asked host; the application is served under another one.
//!
//! Decisive: no loaded Ingress takes the host, and the nearest host serves the very path. A probe of
//! that host that succeeds makes it certain; likeness of names alone does not.

use crate::model::ingress::{Ingress, Place};
use crate::model::object::{Kind, ObjectKey};
use crate::model::probe::ProbeOutput;
use crate::model::request::Request;
use crate::model::verdict::{Code, Confidence};

use super::super::facts::Facts;
use super::super::facts::symptom::is_entry;
use super::super::routing::Outcome;
use super::{Because, Culprit, Evidence, Fix, Judgement, Point, Ruling, Verdict, cite, gate};

#[derive(Debug)]
pub struct HostMismatch;

impl Verdict for HostMismatch {
    fn code(&self) -> Code {
        Code::HostMismatch
    }

    fn judge(&self, facts: &Facts<'_>) -> Ruling {
        if let Some(ingress) = gate::on_host(facts).first() {
            let host = ingress.hosts().first().copied().unwrap_or_default().to_owned();
            return Ruling::RuledOut(Because::HostServed(host));
        }
        if !gate::is_404(facts) || !gate::controller_may_have_answered(facts) {
            return Ruling::Silent;
        }
        // An HTTPRoute that names the host is a rule for it.
        let host = facts.request.host.as_str();
        let routes = &facts.snapshot.http_routes;
        if routes.items().iter().any(|route| !route.hostnames.is_empty() && route.touches(host))
            || facts.view.table.has_routes_for(Some(host))
        {
            return Ruling::Silent;
        }
        // An Ingress of this very host that is not loaded is another verdict's matter.
        if facts.candidates.iter().any(|c| c.ingress.rules.iter().any(|r| !r.host().is_empty())) {
            return Ruling::Silent;
        }
        let probed = probed_host(facts);
        let renamed = renamed_host(facts);
        let near = probed
            .as_ref()
            .map(|(host, _)| host.clone())
            .or_else(|| renamed.as_ref().map(|change| change.0.clone()))
            // A rule for the asked host that went with its Ingress tells more than likeness.
            .or_else(|| nearest(facts).filter(|_| !gate::lost_rule(facts)));
        let Some(host) = near else { return Ruling::Silent };
        let Some((ingress, rule)) = rule_of(facts, &host) else { return Ruling::Silent };
        let name = ingress.meta.key();
        let mut evidence = vec![Evidence {
            point: Point::HostOfRule { host: host.clone() },
            source: cite::field(ingress, Place::Rule(rule).field("host"), Some(host.clone())),
        }];
        let certain = probed.is_some() || renamed.is_some();
        evidence.extend(probed.map(|(_, probe)| probe_evidence(probe)));
        evidence.extend(renamed.map(|(_, change)| Evidence {
            point: Point::Changed { at: change.at },
            source: crate::model::citation::Citation::Change(change.clone()),
        }));
        let own =
            facts.probes.iter().rev().find(|p| super::super::facts::symptom::same_url(p, facts.request));
        evidence.extend(own.map(probe_evidence));
        evidence.extend(cite::failures(facts));
        Judgement {
            code: Code::HostMismatch,
            confidence: match certain && gate::seen(facts) {
                // One that could not be listed may.
                _ if !routes.gaps().is_empty() && probed_host(facts).is_none() => Confidence::Possible,
                true => Confidence::Certain,
                false => Confidence::Likely,
            },
            culprit: Some(Culprit {
                key: ObjectKey { kind: Kind::Ingress, name },
                field: Place::Rule(rule).field("host"),
            }),
            since: facts.symptom.since,
            evidence,
            fix: Fix::AskHost { host },
        }
        .into()
    }
}

fn probe_evidence(probe: &ProbeOutput) -> Evidence {
    Evidence {
        point: Point::Probed { url: probe.url.clone(), status: probe.status, from: probe.from.clone() },
        source: cite::probe(probe),
    }
}

/// A host that a probe of the same path, sent to the same address, found to answer.
fn probed_host<'f>(facts: &'f Facts<'_>) -> Option<(String, &'f ProbeOutput)> {
    let asked = facts.request;
    let address = |probe: &ProbeOutput| {
        probe.resolved_to.as_deref().map(|to| crate::model::host::split_port(to).0.to_owned())
    };
    let own = facts
        .probes
        .iter()
        .find(|probe| super::super::facts::symptom::same_url(probe, asked))
        .and_then(address)
        .or_else(|| asked.host.is_address().then(|| asked.host.as_str().to_owned()));
    let mut found: Vec<(String, &ProbeOutput)> = facts
        .probes
        .iter()
        .filter(|probe| is_entry(probe) && probe.status.is_some_and(|status| status < 400))
        .filter_map(|probe| {
            let request = Request::parse(&probe.url).ok()?;
            let same_place = own.is_none() || address(probe) == own;
            let fits = request.path == asked.path && request.host != asked.host && same_place;
            (fits && rule_of(facts, request.host.as_str()).is_some())
                .then(|| (request.host.as_str().to_owned(), probe))
        })
        .collect();
    found.sort_by_key(|(host, probe)| (distance(host, asked.host.as_str()), host.clone(), probe.at));
    // Several hosts behind one address: without a likeness nothing tells which was meant.
    let distinct = found.iter().map(|(host, _)| host).collect::<std::collections::BTreeSet<_>>().len();
    let first = found.into_iter().next()?;
    (distinct == 1 || !asked.host.is_address()).then_some(first)
}

/// A rule whose host was the asked one until a change in the window.
fn renamed_host(facts: &Facts<'_>) -> Option<(String, crate::model::change::Change)> {
    facts.changes.iter().find_map(|change| {
        let was = change.before.as_deref()? == facts.request.host.as_str();
        (was && change.field.ends_with(".host")).then(|| Some((change.after.clone()?, change.clone())))?
    })
}

/// The most alike host that serves the path.
fn nearest(facts: &Facts<'_>) -> Option<String> {
    let asked = facts.request.host.as_str();
    let mut hosts: Vec<&str> = facts
        .view
        .adopted
        .iter()
        .flat_map(|(ingress, _)| ingress.hosts())
        .filter(|host| !host.starts_with("*."))
        .collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
        .into_iter()
        .filter(|host| alike(host, asked))
        .filter(|host| serves(facts, host))
        .min_by_key(|host| (distance(host, asked), (*host).to_owned()))
        .map(ToOwned::to_owned)
}

fn serves(facts: &Facts<'_>, host: &str) -> bool {
    let Ok(name) = crate::model::host::HostName::parse(host) else { return false };
    let mut request = facts.request.clone();
    host.clone_into(&mut request.host_as_sent);
    request.host = name;
    facts.view.decide(&request).outcome != Outcome::NoRoute
}

/// Near enough to be meant: `www.` more or less, one label more or less in front, or a slip of the pen.
fn alike(host: &str, asked: &str) -> bool {
    let parent = |longer: &str, shorter: &str| {
        longer
            .strip_suffix(shorter)
            .and_then(|label| label.strip_suffix('.'))
            .is_some_and(|label| !label.contains('.'))
    };
    parent(host, asked) || parent(asked, host) || strsim::damerau_levenshtein(host, asked) <= 2 || {
        // Same first label, other domain: shop.example.com for shop.example.org.
        let (a, b) = (host.split('.').next(), asked.split('.').next());
        a == b && a.is_some_and(|label| label.len() > 2)
    }
}

fn distance(host: &str, asked: &str) -> usize {
    if host.strip_prefix("www.") == Some(asked) || asked.strip_prefix("www.") == Some(host) {
        return 0;
    }
    strsim::damerau_levenshtein(host, asked)
}

fn rule_of<'a>(facts: &Facts<'a>, host: &str) -> Option<(&'a Ingress, usize)> {
    let mut found: Vec<(&Ingress, usize)> = facts
        .view
        .adopted
        .iter()
        .filter(|(ingress, _)| facts.view.refusal(&ingress.meta.key()).is_none())
        .filter_map(|(ingress, _)| {
            let rule = ingress.rules.iter().position(|rule| rule.host() == host)?;
            Some((*ingress, rule))
        })
        .collect();
    // The Ingress that would take the path stands for the host.
    let mut request = facts.request.clone();
    if let Ok(name) = crate::model::host::HostName::parse(host) {
        request.host = name;
        host.clone_into(&mut request.host_as_sent);
    }
    let winner = facts.view.decide(&request).winner.map(|winner| winner.ingress);
    found.sort_by_key(|(ingress, _)| {
        (Some(ingress.meta.key()) != winner, ingress.meta.created, ingress.meta.key())
    });
    found.into_iter().next()
}

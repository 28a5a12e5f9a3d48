//! The review list: what to look at when no single change explains the 404s.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, Duration, Utc};

use super::relevance::Neighbourhood;
use super::{Correlation, Onset};
use crate::analysis::changes::log_facts::Minute;
use crate::model::object::ObjectKey;
use crate::model::snapshot::Snapshot;

mod drift;

const MINUTE: Duration = Duration::minutes(1);

/// In the order of the runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReviewTopic {
    /// 404s because no rule matched, growing step by step in the logs.
    GradualTrouble,
    /// The same request is answered and not answered at the same time.
    IntermittentMatching,
    /// Conflicts that piled up over time.
    AccumulatedConflicts,
    /// Live objects differ from what was last applied.
    ConfigurationDrift,
    /// The name leads elsewhere.
    HostResolution,
}

/// A topic and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    pub topic: ReviewTopic,
    pub finding: Finding,
}

/// What the review of a topic found; three-valued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Looked at, nothing there.
    Clear,
    /// Could not be looked at.
    CannotSee,
    /// 404s without a matching rule per minute, in the earlier and the later half before the onset.
    Gradual {
        earlier: u64,
        later: u64,
        since: DateTime<Utc>,
    },
    /// So many minutes since the onset have both answers; the last of them.
    Intermittent {
        minutes: usize,
        last: DateTime<Utc>,
    },
    Conflicts(usize),
    Drift(Vec<Drift>),
    /// The name resolves to addresses that are none of the Ingress's or its controller's.
    Elsewhere {
        name: String,
        addresses: Vec<String>,
        expected: Vec<String>,
    },
}

/// A field that somebody changed after the last apply.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift {
    pub object: ObjectKey,
    pub field: String,
    pub applied: Option<String>,
    pub live: Option<String>,
}

/// A rise that is none of these is noise: so many 404s in the later half, and so many times the earlier.
const RISE: u64 = 5;
const RISE_FACTOR: u64 = 2;
/// Fewer minutes than this show no trend.
const TREND_MINUTES: usize = 4;

/// Goes through the list, in its order.
pub(super) fn review(
    correlation: &Correlation<'_>,
    onset: &Onset,
    near: &Neighbourhood<'_>,
) -> Vec<Reviewed> {
    let snapshot = correlation.input.snapshot;
    [
        (ReviewTopic::GradualTrouble, gradual(&correlation.input.log.minutes, onset.at)),
        (ReviewTopic::IntermittentMatching, intermittent(&correlation.input.log.minutes, onset.at)),
        (
            ReviewTopic::AccumulatedConflicts,
            match correlation.conflicts {
                None => Finding::CannotSee,
                Some(0) => Finding::Clear,
                Some(count) => Finding::Conflicts(count),
            },
        ),
        (ReviewTopic::ConfigurationDrift, drift::review(snapshot, near)),
        (ReviewTopic::HostResolution, resolution(correlation, near)),
    ]
    .into_iter()
    .map(|(topic, finding)| Reviewed { topic, finding })
    .collect()
}

/// Compares the two halves of the time before the onset.
fn gradual(minutes: &[Minute], onset: DateTime<Utc>) -> Finding {
    let before = || minutes.iter().filter(|minute| over(minute, onset));
    let Some(first) = before().map(|minute| minute.start).min() else { return Finding::CannotSee };
    if before().count() < TREND_MINUTES {
        return Finding::CannotSee;
    }
    let middle = first + (onset - first) / 2;
    let sum = |later: bool| {
        before()
            .filter(|minute| (middle <= minute.start) == later)
            .fold(0_u64, |sum, minute| sum.saturating_add(minute.no_rule))
    };
    let (earlier, later) = (sum(false), sum(true));
    let since = before().filter(|minute| 0 < minute.no_rule).map(|minute| minute.start).min();
    match since {
        Some(since) if RISE <= later && earlier.saturating_mul(RISE_FACTOR) <= later => {
            Finding::Gradual { earlier, later, since }
        }
        Some(_) | None => Finding::Clear,
    }
}

fn over(minute: &Minute, onset: DateTime<Utc>) -> bool {
    minute.start.checked_add_signed(MINUTE).is_some_and(|end| end <= onset)
}

/// The minute of the onset has both answers as a matter of course.
fn intermittent(minutes: &[Minute], onset: DateTime<Utc>) -> Finding {
    if minutes.is_empty() {
        return Finding::CannotSee;
    }
    let both = minutes.iter().filter(|minute| 0 < minute.not_found && 0 < minute.answered);
    let both = both.filter(|minute| onset < minute.start || over(minute, onset));
    let starts: Vec<DateTime<Utc>> = both.map(|minute| minute.start).collect();
    match starts.iter().max() {
        Some(last) => Finding::Intermittent { minutes: starts.len(), last: *last },
        None => Finding::Clear,
    }
}

/// Compares what the name resolves to with where the Ingresses and their controllers are reached.
fn resolution(correlation: &Correlation<'_>, near: &Neighbourhood<'_>) -> Finding {
    let resolved = |name: &str| {
        let entries = correlation.dns.iter().filter(move |entry| entry.name.eq_ignore_ascii_case(name));
        // The newest answer counts.
        entries.max_by_key(|entry| (entry.at, &entry.addresses))
    };
    let Some(entry) = resolved(&correlation.victim.host) else { return Finding::CannotSee };
    let announced = announced(correlation.input.snapshot, near);
    let mut expected: BTreeSet<String> = BTreeSet::new();
    for address in &announced {
        if address.parse::<IpAddr>().is_ok() {
            expected.insert(address.clone());
        } else if let Some(named) = resolved(address) {
            expected.extend(named.addresses.iter().cloned());
        }
    }
    if entry.addresses.iter().any(|address| expected.contains(address) || announced.contains(address)) {
        return Finding::Clear;
    }
    if expected.is_empty() {
        return Finding::CannotSee;
    }
    Finding::Elsewhere {
        name: entry.name.clone(),
        addresses: entry.addresses.clone(),
        expected: expected.into_iter().collect(),
    }
}

/// Where requests are meant to arrive: the addresses of the Ingresses and of the controllers' Services.
fn announced(snapshot: &Snapshot, near: &Neighbourhood<'_>) -> BTreeSet<String> {
    let ingresses =
        near.ingresses.iter().filter_map(|name| snapshot.ingresses.get(&name.namespace, &name.name).found());
    let mut addresses: BTreeSet<String> =
        ingresses.flat_map(|ingress| ingress.addresses.iter().cloned()).collect();
    let serving = snapshot.controllers.iter().filter(|each| near.controllers.contains(&each.workload));
    for name in serving.flat_map(|controller| &controller.services) {
        if let Some(service) = snapshot.services.get(&name.namespace, &name.name).found() {
            addresses.extend(service.load_balancer.iter().chain(&service.external_ips).cloned());
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::fixtures::{controller, ingress, noon, service, t};
    use crate::analysis::changes::{Gathered, Input, LogFacts};
    use crate::analysis::timeline::world::Past;
    use crate::analysis::timeline::{DnsEntry, Victim};
    use crate::model::object::{Kind, Name};
    use crate::model::snapshot::Listing;

    /// The name resolves as given; the Ingress and the controller's Service announce these.
    fn check(dns: &[(&str, &[&str])], status: &[&str], balancer: &[&str], expected: &Finding) {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let mut web = ingress("shop/web", "a.example: /=web:80");
        web.addresses = texts(status);
        let mut front = service("ctl/nginx", "", "http 80 80");
        front.load_balancer = texts(balancer);
        let mut nginx = controller(&[]);
        nginx.services = vec![Name::new("ctl", "nginx")];
        let mut snapshot = noon();
        snapshot.ingresses = Listing::complete(Kind::Ingress, vec![web]);
        snapshot.services = Listing::complete(Kind::Service, vec![front]);
        snapshot.controllers = vec![nginx];
        let dns: Vec<DnsEntry> = dns
            .iter()
            .map(|(name, addresses)| DnsEntry {
                name: (*name).to_owned(),
                addresses: texts(addresses),
                at: Some(t("11:00")),
            })
            .collect();
        let log = LogFacts::default();
        let input = Input { snapshot: &snapshot, replays: &[], log: &log };
        let past = Past::new(&input);
        let victim = Victim { host: "a.example".to_owned(), path: "/".to_owned(), ..Victim::default() };
        let near = Neighbourhood::new(&snapshot, &past, &victim);
        let correlation = Correlation {
            input,
            gathered: &Gathered::default(),
            victim: &victim,
            onset: None,
            hypotheses: &BTreeSet::new(),
            max_widenings: 0,
            what_if: None,
            conflicts: None,
            dns: &dns,
        };
        assert_eq!(resolution(&correlation, &near), *expected);
    }

    #[test]
    fn a_name_that_leads_to_the_ingress_or_its_controller_is_clear() {
        check(&[("a.example", &["10.0.0.1"])], &["10.0.0.1"], &[], &Finding::Clear);
        check(&[("A.example", &["10.0.0.9", "10.0.0.2"])], &["10.0.0.1"], &["10.0.0.2"], &Finding::Clear);
        check(
            &[("a.example", &["192.0.2.1"]), ("lb.cloud.example", &["192.0.2.1"])],
            &["lb.cloud.example"],
            &[],
            &Finding::Clear,
        );
    }

    #[test]
    fn a_name_that_leads_elsewhere_or_nowhere_is_found() {
        let elsewhere = |addresses: &[&str]| Finding::Elsewhere {
            name: "a.example".to_owned(),
            addresses: addresses.iter().map(|text| (*text).to_owned()).collect(),
            expected: vec!["10.0.0.1".to_owned()],
        };
        check(&[("a.example", &["10.9.9.9"])], &["10.0.0.1"], &[], &elsewhere(&["10.9.9.9"]));
        check(&[("a.example", &[])], &["10.0.0.1"], &[], &elsewhere(&[]));
    }

    #[test]
    fn without_an_answer_or_anything_to_compare_with_it_cannot_be_seen() {
        check(&[], &["10.0.0.1"], &[], &Finding::CannotSee);
        check(&[("a.example", &["10.0.0.1"])], &[], &[], &Finding::CannotSee);
        check(&[("a.example", &["192.0.2.1"])], &["lb.cloud.example"], &[], &Finding::CannotSee);
    }
}

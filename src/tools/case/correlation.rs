//! The six hypotheses held against a case.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::change_facts::change_facts;
use super::logs::Logs;
use super::{Case, exact, short};
use crate::analysis::adoption::{self, Adoption};
use crate::analysis::changes;
use crate::analysis::facts::candidates::touches;
use crate::analysis::routing::Decision;
use crate::analysis::timeline::{self, Correlated, Correlation, Hypothesis, Victim, WhatIf, World};
use crate::analysis::view::View;
use crate::evidence::cluster::Cluster;
use crate::evidence::gather;
use crate::model::host;
use crate::model::ingress::Ingress;
use crate::model::object::{Kind, Name, Object, ObjectKey};
use crate::model::request::Request;
use crate::model::snapshot::{Lookup, Snapshot};

/// What the caller asks of a correlation.
#[derive(Debug, Default)]
pub(in crate::tools) struct Ask {
    pub(in crate::tools) onset: Option<DateTime<Utc>>,
    pub(in crate::tools) hypotheses: BTreeSet<Hypothesis>,
    pub(in crate::tools) max_widenings: Option<u32>,
}

/// Holds the six hypotheses against everything gathered.
pub(in crate::tools) fn correlate(
    cluster: &Cluster,
    case: &Case,
    view: &View<'_>,
    request: &Request,
    decision: &Decision,
    logs: &Logs,
    ask: &Ask,
) -> Correlated {
    let log = change_facts(logs);
    let input = changes::Input { snapshot: &case.snapshot, replays: &case.replays, log: &log };
    let gathered = changes::gather(&input);
    let victim = victim(case, view, request, decision);
    let again = Again { view, snapshot: &case.snapshot, request };
    let dns: Vec<timeline::DnsEntry> = cluster
        .capture()
        .and_then(|capture| capture.about.as_ref())
        .into_iter()
        .flat_map(|about| &about.dns)
        .map(|entry| timeline::DnsEntry {
            name: entry.name.clone(),
            addresses: entry.addresses.clone(),
            at: entry.at,
        })
        .collect();
    timeline::correlate(&Correlation {
        input,
        gathered: &gathered,
        victim: &victim,
        onset: ask.onset,
        hypotheses: &ask.hypotheses,
        max_widenings: ask.max_widenings.unwrap_or(1),
        what_if: Some(&again),
        conflicts: None,
        dns: &dns,
    })
}

/// What the failing request passes through: the host's Ingresses, the Services of its backends with
/// the workloads behind them, and the controllers.
fn victim(case: &Case, view: &View<'_>, request: &Request, decision: &Decision) -> Victim {
    let snapshot = &case.snapshot;
    let mut objects: BTreeSet<ObjectKey> = BTreeSet::new();
    let mut services: BTreeSet<Name> = BTreeSet::new();
    if let Some(winner) = &decision.winner {
        objects.insert(winner.object());
        services.extend(winner.backend.as_ref().map(|target| target.service.clone()));
    }
    for ingress in snapshot.ingresses.items().iter().filter(|ingress| exact(ingress, request.host.as_str())) {
        objects.insert(ingress.object_key());
        for (_, _, host, rule) in ingress.path_rules() {
            let takes = host::spec_match(host, request.host.as_str())
                && request.path.as_str().starts_with(rule.path.trim_end_matches('/'));
            if let Some((service, _)) = rule.backend.service().filter(|_| takes) {
                services.insert(Name::new(&ingress.meta.namespace, service));
            }
        }
    }
    for name in services {
        if let Lookup::Found(service) = snapshot.services.get(&name.namespace, &name.name)
            && !service.selector.is_empty()
        {
            objects.extend(
                snapshot
                    .workloads
                    .items()
                    .iter()
                    .filter(|workload| {
                        workload.meta.namespace == name.namespace
                            && gather::selects(&service.selector, &workload.template.labels)
                    })
                    .map(Object::object_key),
            );
        }
        objects.insert(ObjectKey { kind: Kind::Service, name });
    }
    let controllers = view.controller.map(|controller| controller.workload.clone()).into_iter().collect();
    Victim {
        host: request.host.as_str().to_owned(),
        path: request.path.as_str().to_owned(),
        objects,
        controllers,
    }
}

/// Decides the request again on past states, under the controller that counts.
struct Again<'a> {
    view: &'a View<'a>,
    snapshot: &'a Snapshot,
    request: &'a Request,
}

impl std::fmt::Debug for Again<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Again")
    }
}

impl WhatIf for Again<'_> {
    fn decide(&self, world: &World<'_>, _at: DateTime<Utc>) -> Option<String> {
        let controller = self.view.controller?;
        let host = self.request.host.as_str();
        let adopted: Vec<&Ingress> = world
            .ingresses
            .iter()
            .copied()
            .filter(|ingress| touches(ingress, host))
            .filter(|ingress| {
                matches!(adoption::judge(controller, ingress, self.snapshot), Adoption::Adopted(_))
            })
            .collect();
        let decision = self.view.what_if(&adopted, self.snapshot).decide(self.request);
        Some(short(&decision))
    }
}

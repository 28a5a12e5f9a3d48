//! Leases of the controllers' leader election.
//!
//! Precision: microseconds. Coverage: the last acquisition of a lease; never complete.
//! Blind spots: the data path. The leader only writes status, so a new leader is a weak sign of a restart.

use super::{Input, brief};
use crate::model::change::{Act, Aspect, Blind, Change, ChangeSource, SourceCoverage};
use crate::model::event::Lease;
use crate::model::object::Object;
use crate::model::snapshot::Snapshot;

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    let leases = &input.snapshot.leases;
    let found = leases.items().iter().filter(|lease| led_by_controller(lease, input.snapshot));
    let found = found.filter_map(acquisition).collect();
    let coverage = SourceCoverage {
        source: ChangeSource::Leases,
        from: None,
        to: None,
        unseen: super::nothing_listed(leases),
        complete: Vec::new(),
        blind_to: vec![Blind::EarlierWrites, Blind::DataPath],
    };
    (found, coverage)
}

/// A holder is a pod's name, with or without a suffix that makes it unique.
fn led_by_controller(lease: &Lease, snapshot: &Snapshot) -> bool {
    let Some(holder) = lease.holder.as_deref() else { return false };
    snapshot.controllers.iter().any(|controller| {
        let workload = &controller.workload.name;
        workload.namespace == lease.meta.namespace
            && (controller.pods.iter().any(|pod| holder.starts_with(pod.as_str()))
                || holder.strip_prefix(workload.name.as_str()).is_some_and(|rest| rest.starts_with('-')))
    })
}

fn acquisition(lease: &Lease) -> Option<Change> {
    Some(Change {
        at: lease.acquired?,
        precision_s: 1,
        object: lease.object_key(),
        aspect: Aspect::Controller,
        act: Act::Written,
        field: "spec.acquireTime".to_owned(),
        rule: None,
        before: None,
        after: lease.holder.as_deref().map(brief::clip),
        by: None,
        via: ChangeSource::Leases,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::*;
    use crate::model::object::Kind;
    use crate::model::snapshot::Listing;

    #[test]
    fn only_leases_that_a_controllers_pod_holds_are_told() {
        let lease = |name: &str, holder: &str| Lease {
            meta: meta(name),
            holder: Some(holder.to_owned()),
            acquired: Some(t("11:50")),
            ..Lease::default()
        };
        let mut snapshot = noon();
        snapshot.controllers = vec![controller(&["nginx-1"])];
        snapshot.leases = Listing::complete(
            Kind::Lease,
            vec![
                lease("ctl/leader", "nginx-1"),
                lease("ctl/else", "cert-manager-1"),
                lease("shop/x", "nginx-1"),
            ],
        );
        let log = LogFacts::default();
        assert_eq!(
            told(&over(&snapshot, &log), ChangeSource::Leases),
            ["11:50:00±1 Controller Written Lease ctl/leader spec.acquireTime: - => nginx-1"]
        );
    }
}

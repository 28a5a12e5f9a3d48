//! EndpointSlices: when the membership of a Service last changed, and whether anybody is left.
//!
//! Precision: 1 s. Coverage: slices that exist, their last change only; never complete.
//! Blind spots: the membership before, and edits of selector or ports, which reach the slices under the
//! endpoints controller's name.

use chrono::{DateTime, Utc};

use super::Input;
use crate::model::change::{Act, Aspect, Blind, Change, ChangeSource, SourceCoverage};
use crate::model::endpoints::EndpointSlice;
use crate::model::object::Object;

/// The earliest change of readiness that caused the last sync.
const LAST_TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";

pub(super) fn changes(input: &Input<'_>) -> (Vec<Change>, SourceCoverage) {
    let slices = &input.snapshot.slices;
    let found = slices.items().iter().filter_map(last_change).collect();
    let coverage = SourceCoverage {
        source: ChangeSource::EndpointSlices,
        from: None,
        to: None,
        unseen: super::nothing_listed(slices),
        complete: Vec::new(),
        blind_to: vec![Blind::EarlierWrites, Blind::Values, Blind::SelectorEdits],
    };
    (found, coverage)
}

/// Running dry is a change of what the Service offers; any other membership is routine.
fn last_change(slice: &EndpointSlice) -> Option<Change> {
    let written = slice.meta.last_write().and_then(|write| Some((write.at?, Some(write.manager.clone()))));
    let (at, by) = written.or_else(|| trigger(slice).map(|at| (at, None)))?;
    let ready = slice.endpoints.iter().filter(|endpoint| endpoint.ready).count();
    let total = slice.endpoints.len();
    Some(Change {
        at,
        precision_s: 1,
        object: slice.object_key(),
        aspect: Aspect::Service,
        act: if ready == 0 { Act::Changed } else { Act::Written },
        field: "endpoints".to_owned(),
        rule: None,
        before: None,
        after: Some(format!("{ready} of {total} ready")),
        by,
        via: ChangeSource::EndpointSlices,
    })
}

fn trigger(slice: &EndpointSlice) -> Option<DateTime<Utc>> {
    let text = slice.meta.annotation(LAST_TRIGGER)?;
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::LogFacts;
    use crate::analysis::changes::fixtures::*;
    use crate::model::object::Kind;
    use crate::model::snapshot::Listing;

    fn check(slice: EndpointSlice, expected: &[&str]) {
        let mut snapshot = noon();
        snapshot.slices = Listing::complete(Kind::EndpointSlice, vec![slice]);
        let log = LogFacts::default();
        assert_eq!(told(&over(&snapshot, &log), ChangeSource::EndpointSlices), expected);
    }

    #[test]
    fn running_dry_is_a_change_and_other_membership_is_routine() {
        let manager = "kube-controller-manager 11:50 endpoints";
        let mut dry = slice("shop/web-x", "web", 0, 2);
        dry.meta.writes = vec![write(manager)];
        check(
            dry,
            &[
                "11:50:00±1 Service Changed EndpointSlice shop/web-x endpoints: - => 0 of 2 ready (kube-controller-manager)",
            ],
        );
        let mut alive = slice("shop/web-x", "web", 1, 2);
        alive.meta.writes = vec![write(manager)];
        check(
            alive,
            &[
                "11:50:00±1 Service Written EndpointSlice shop/web-x endpoints: - => 1 of 2 ready (kube-controller-manager)",
            ],
        );
    }

    #[test]
    fn without_managed_fields_the_trigger_annotation_dates_it() {
        let mut dry = slice("shop/web-x", "web", 0, 0);
        dry.meta.annotations.insert(LAST_TRIGGER.to_owned(), "2026-11-22T11:45:00Z".to_owned());
        check(
            dry.clone(),
            &["11:45:00±1 Service Changed EndpointSlice shop/web-x endpoints: - => 0 of 0 ready"],
        );
        dry.meta.annotations.insert(LAST_TRIGGER.to_owned(), "yesterday".to_owned());
        check(dry, &[]);
    }
}

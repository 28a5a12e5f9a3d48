//! Conflicts: objects that get in each other's way, or in the way of the controller that reads them.
//!
//! One file a rule; `RULES` is the list, and a test holds that id and file stem agree. A rule looks at
//! one controller's `Field` and returns facts; rules never decide what is shown. Rules that are about
//! the cluster rather than one controller answer the same on every field, and `find` keeps one.
//!
//! Invariant: n log n in the number of rules of all Ingresses; every rule indexes or memoises.

use super::conflict::{Conflict, Severity};
use super::field::{Claims, Field};
use super::view::View;
use crate::model::ingress::Ingress;
use crate::model::snapshot::Snapshot;

pub mod annotation_and_field_disagree;
pub mod annotation_policy_drop;
pub mod backend_missing;
pub mod capture_group_missing;
pub mod class_missing;
pub mod class_not_found;
pub mod class_of_other_controller;
pub mod foreign_annotations;
pub mod rewrite_without_capture;
pub mod several_default_classes;
pub mod snippet;
pub mod tls_host_not_in_rules;
pub mod two_controllers_one_class;

/// One rule.
pub trait ConflictRule: Sync {
    /// The stem of its file.
    fn id(&self) -> &'static str;
    /// The worst severity it reports.
    fn worst(&self) -> Severity;
    fn find(&self, field: &Field<'_>) -> Vec<Conflict>;
}

/// Every rule.
pub static RULES: &[&dyn ConflictRule] = &[
    &annotation_and_field_disagree::Rule,
    &annotation_policy_drop::Rule,
    &backend_missing::Rule,
    &capture_group_missing::Rule,
    &class_missing::Rule,
    &class_not_found::Rule,
    &class_of_other_controller::Rule,
    &foreign_annotations::Rule,
    &rewrite_without_capture::Rule,
    &several_default_classes::Rule,
    &snippet::Rule,
    &tls_host_not_in_rules::Rule,
    &two_controllers_one_class::Rule,
];

/// The rule of this id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static dyn ConflictRule> {
    RULES.iter().copied().find(|rule| rule.id() == id)
}

/// Every conflict of all running controllers, worst first; hypothetical views are left out.
#[must_use]
pub fn find(snapshot: &Snapshot, views: &[View<'_>]) -> Vec<Conflict> {
    let claims = Claims::of(views);
    let mut found = Vec::new();
    for view in views {
        let Some(controller) = view.controller else { continue };
        let loaded: Vec<&Ingress> = {
            let refused: std::collections::HashSet<*const Ingress> =
                view.refused.iter().map(|(ingress, _)| std::ptr::from_ref(*ingress)).collect();
            let adopted = view.adopted.iter().map(|(ingress, _)| *ingress);
            adopted.filter(|ingress| !refused.contains(&std::ptr::from_ref(*ingress))).collect()
        };
        let field = Field::new(controller, &view.settings, loaded, &view.refused, snapshot, &claims);
        found.extend(run(&field));
    }
    sort(found)
}

fn run(field: &Field<'_>) -> Vec<Conflict> {
    RULES.iter().flat_map(|rule| rule.find(field)).collect()
}

/// Worst first, then by rule, host and objects; of equal findings on several controllers the first stays.
pub(super) fn sort(mut found: Vec<Conflict>) -> Vec<Conflict> {
    found.sort_by(|a, b| {
        (a.severity, a.rule, &a.host, &a.objects, &a.controller).cmp(&(
            b.severity,
            b.rule,
            &b.host,
            &b.objects,
            &b.controller,
        ))
    });
    found.dedup_by(|later, kept| {
        later.rule == kept.rule && later.objects == kept.objects && later.host == kept.host
    });
    found
}

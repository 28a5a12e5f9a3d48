//! Conflicts: objects that get in each other's way, or in the way of the controller that reads them.
//!
//! One file a rule; `RULES` is the list, and a test holds that id and file stem agree. A rule looks at
//! one controller's `Field` and returns facts; rules never decide what is shown. Rules that are about
//! the cluster rather than one controller answer the same on every field, and `find` keeps one.
//!
//! Invariant: n log n in the number of rules of all Ingresses; every rule indexes or memoises.

use super::conflict::{Conflict, Severity};
use super::field::{Claims, Field};
use super::routing::{Basis, Refusal};
use super::view::View;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::snapshot::Snapshot;

pub mod alb_certificate_missing;
pub mod alb_group_stuck;
pub mod alb_listen_ports;
pub mod annotation_and_field_disagree;
pub mod annotation_not_read;
pub mod annotation_policy_drop;
pub mod app_root_takes_host;
pub mod backend_missing;
pub mod canary_shared_service;
pub mod canary_takes_catch_all;
pub mod canary_without_main;
pub mod capture_group_missing;
pub mod catch_all_not_consulted;
pub mod class_missing;
pub mod class_not_found;
pub mod class_of_other_controller;
pub mod configuration_refused;
pub mod controllers_share_service;
pub mod default_backend_scope;
pub mod duplicate_location;
pub mod entry_point_scheme;
pub mod exact_behind_prefix;
pub mod exact_root_dead;
pub mod f5_exact_path_regex;
pub mod f5_hostless_default;
pub mod f5_location_twice;
pub mod f5_rewrite_on_exact;
pub mod foreign_annotations;
pub mod gce_host_twice;
pub mod haproxy_redirect_code;
pub mod host_taken;
pub mod hostless_outranks_host;
pub mod hostwide_regex;
pub mod minion_conflict;
pub mod oldest_annotates_host;
pub mod passthrough_swallows_paths;
pub mod pattern_in_plain_path;
pub mod pattern_shadows;
pub mod published_elsewhere;
pub mod rewrite_without_capture;
pub mod rule_shadowed;
pub mod same_host_path_type;
pub mod several_default_backends;
pub mod several_default_classes;
pub mod snippet;
pub mod solver_conflict;
pub mod tls_host_not_in_rules;
pub mod tls_host_not_served;
pub mod tls_without_secret;
pub mod traefik_path_character;
pub mod traefik_priority;
pub mod traefik_rewrite_tail;
pub mod trailing_slash_only;
pub mod two_controllers_one_class;
pub mod unreachable_path;

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
    &alb_certificate_missing::Rule,
    &alb_group_stuck::Rule,
    &alb_listen_ports::Rule,
    &annotation_and_field_disagree::Rule,
    &annotation_not_read::Rule,
    &annotation_policy_drop::Rule,
    &app_root_takes_host::Rule,
    &backend_missing::Rule,
    &canary_shared_service::Rule,
    &canary_takes_catch_all::Rule,
    &canary_without_main::Rule,
    &capture_group_missing::Rule,
    &catch_all_not_consulted::Rule,
    &class_missing::Rule,
    &class_not_found::Rule,
    &class_of_other_controller::Rule,
    &configuration_refused::Rule,
    &controllers_share_service::Rule,
    &default_backend_scope::Rule,
    &duplicate_location::Rule,
    &entry_point_scheme::Rule,
    &exact_behind_prefix::Rule,
    &exact_root_dead::Rule,
    &f5_exact_path_regex::Rule,
    &f5_hostless_default::Rule,
    &f5_location_twice::Rule,
    &f5_rewrite_on_exact::Rule,
    &foreign_annotations::Rule,
    &gce_host_twice::Rule,
    &haproxy_redirect_code::Rule,
    &host_taken::Rule,
    &hostless_outranks_host::Rule,
    &hostwide_regex::Rule,
    &minion_conflict::Rule,
    &oldest_annotates_host::Rule,
    &passthrough_swallows_paths::Rule,
    &pattern_in_plain_path::Rule,
    &pattern_shadows::Rule,
    &published_elsewhere::Rule,
    &rewrite_without_capture::Rule,
    &rule_shadowed::Rule,
    &same_host_path_type::Rule,
    &several_default_backends::Rule,
    &several_default_classes::Rule,
    &snippet::Rule,
    &solver_conflict::Rule,
    &tls_host_not_in_rules::Rule,
    &tls_host_not_served::Rule,
    &tls_without_secret::Rule,
    &traefik_path_character::Rule,
    &traefik_priority::Rule,
    &traefik_rewrite_tail::Rule,
    &trailing_slash_only::Rule,
    &two_controllers_one_class::Rule,
    &unreachable_path::Rule,
];

/// The rule of this id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static dyn ConflictRule> {
    RULES.iter().copied().find(|rule| rule.id() == id)
}

/// Every conflict of all running controllers, worst first; hypothetical views are left out.
#[must_use]
pub fn find(snapshot: &Snapshot, views: &[View<'_>]) -> Vec<Conflict> {
    find_by(RULES, snapshot, views)
}

/// What some rules find.
#[must_use]
pub fn find_by(rules: &[&dyn ConflictRule], snapshot: &Snapshot, views: &[View<'_>]) -> Vec<Conflict> {
    let claims = Claims::of(views);
    let mut found = Vec::new();
    for view in views {
        let Some(controller) = view.controller else { continue };
        let loaded: Vec<&Ingress> = {
            let lost = view.refused.iter().filter(|(_, why)| !has_a_rule(view.kind, why));
            let refused: std::collections::HashSet<*const Ingress> =
                lost.map(|(ingress, _)| std::ptr::from_ref(*ingress)).collect();
            let adopted = view.adopted.iter().map(|(ingress, _)| *ingress);
            adopted.filter(|ingress| !refused.contains(&std::ptr::from_ref(*ingress))).collect()
        };
        // The API's own text is no model of a product that has none.
        let model = (view.basis != Basis::SpecOnly).then_some((&*view.table, view.basis));
        let field = Field::new(controller, &view.settings, loaded, &view.refused, snapshot, &claims, model);
        let of_field = rules.iter().flat_map(|rule| rule.find(&field));
        found.extend(of_field.map(|conflict| match field.may_redirect(conflict.host.as_deref()) {
            true => conflict.where_it_is_reached(&field),
            false => conflict,
        }));
    }
    sort(found)
}

/// Whether a rule looks at Ingresses that the product drops for this reason: to it they are loaded.
pub(super) const fn has_a_rule(kind: ControllerKind, why: &Refusal) -> bool {
    match why {
        Refusal::HostsTaken { .. } | Refusal::NoMaster { .. } => matches!(kind, ControllerKind::F5Nginx),
        Refusal::NoClass
        | Refusal::InvalidField { .. }
        | Refusal::DangerousPath { .. }
        | Refusal::InvalidAnnotation { .. }
        | Refusal::ClassNotFound { .. }
        | Refusal::ClassOfOther { .. }
        | Refusal::AnnotationDiffers { .. }
        | Refusal::NamespaceNotWatched { .. }
        | Refusal::RiskyAnnotation { .. }
        | Refusal::BlockedWord { .. }
        | Refusal::CatchAllDisabled
        | Refusal::LabelsDiffer { .. }
        | Refusal::KindNotRead
        | Refusal::Undecided => false,
    }
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

#[cfg(test)]
mod tests;

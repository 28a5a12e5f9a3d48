//! # What it finds
//! A path that the AWS controller cannot build a listener rule from: `*` or `?` under Exact or Prefix.
//!
//! # Why it 404s
//! The model of the whole group fails, not only of this Ingress: the load balancer keeps its old rules for
//! every member, and a new rule of anybody is answered with the default 404.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {alb.ingress.kubernetes.io/group.name: shared}
//! spec:
//!   rules: [{http: {paths: [{path: /api/*, pathType: Prefix, …}]}}]
//! ```
//!
//! # What to do
//! Write `/api` as a Prefix, or the pattern as ImplementationSpecific.
//!
//! # References
//! aws-load-balancer-controller `pkg/ingress/model_build_listener_rules.go` (event FailedBuildModel).

use std::collections::HashMap;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, PathType};

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "alb_group_stuck"
    }

    fn worst(&self) -> Severity {
        Severity::Critical
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::AwsAlb {
            return Vec::new();
        }
        let groups = Groups::of(field);
        let mut found = Vec::new();
        for (host, entry) in field.hosts.every_path() {
            let glob = entry.path.contains(['*', '?']);
            if !glob || entry.rule.path_type == PathType::ImplementationSpecific {
                continue;
            }
            let (members, severity) = (groups.members(entry.ingress), groups.severity(entry.ingress));
            let facts = Facts::AlbGroupStuck { path: entry.path.to_owned(), members };
            let fix = Fix::Set {
                part: Part::new(entry.ingress, entry.place.field("pathType")),
                value: PathType::ImplementationSpecific.as_str().to_owned(),
            };
            found.push(
                Conflict::new(self, field, severity, facts, Effect::GroupFrozen, fix)
                    .on(host)
                    .at_path(entry.ingress, entry.place),
            );
        }
        found
    }
}

/// How many Ingresses share each load balancer.
pub(super) struct Groups {
    members: HashMap<String, usize>,
    all: usize,
}

impl Groups {
    pub(super) fn of(field: &Field<'_>) -> Self {
        let mut members = HashMap::new();
        for ingress in &field.loaded {
            *members.entry(group(ingress)).or_default() += 1;
        }
        Self { members, all: field.loaded.len() }
    }

    fn members(&self, ingress: &Ingress) -> usize {
        self.members.get(&group(ingress)).copied().unwrap_or(1)
    }

    /// How bad it is that nothing newer is loaded for the load balancer of this one.
    pub(super) fn severity(&self, ingress: &Ingress) -> Severity {
        let members = self.members(ingress);
        if members > 1 && members == self.all { Severity::Critical } else { Severity::High }
    }
}

/// The Ingresses that share a load balancer with this one; its own name where it stands alone.
pub(super) fn group(ingress: &Ingress) -> String {
    match ingress.meta.annotation("alb.ingress.kubernetes.io/group.name") {
        Some(group) if !group.is_empty() => group.to_owned(),
        Some(_) | None => ingress.meta.key().to_string(),
    }
}

/// Its turn in the group.
pub(super) fn order(ingress: &Ingress) -> i64 {
    let order = ingress.meta.annotation("alb.ingress.kubernetes.io/group.order");
    order.and_then(|order| order.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    const GROUP: &str = "ann:alb.ingress.kubernetes.io/group.name=g";

    #[test]
    fn a_glob_under_prefix_stops_its_whole_group() {
        let world = format!("is aws-alb\ning shop/a host=a.example /api/*(P)->a:80 {GROUP}");
        let place = "a.example: shop/a spec.rules[0].http.paths[0].path";
        check(&Rule, &world, &[&format!("high {place}")]);
        check(
            &Rule,
            &format!("{world}\ning shop/b host=b.example /(P)->b:80 {GROUP}"),
            &[&format!("critical {place}")],
        );
        // Others have load balancers of their own.
        check(
            &Rule,
            &format!(
                "{world}\ning shop/b host=b.example /(P)->b:80 {GROUP}\ning shop/c host=c.example /(P)->b:80"
            ),
            &[&format!("high {place}")],
        );
    }

    #[test]
    fn globs_where_they_are_read_and_other_products_are_not_concerned() {
        silent(&Rule, "is aws-alb\ning shop/a host=a.example /api/*(I)->a:80 /api(P)->a:80");
        silent(&Rule, "is gce\ning shop/a host=a.example /api/*(P)->a:80");
    }
}

//! # What it finds
//! Ingresses that two or more controllers take: by the same class, or because both take such without one.
//!
//! # Why it 404s
//! Each controller programs its own load balancer with its own way of routing, and both write the
//! Ingress's status. Which one a client reaches depends on the address it got; one of them may read the
//! paths, annotations or backends differently, and its 404 is in the other one's log.
//!
//! # Example
//! ```yaml
//! # two releases of ingress-nginx, both with --controller-class=k8s.io/ingress-nginx
//! # and neither with --watch-namespace
//! ```
//!
//! # What to do
//! Give each controller an IngressClass and a controller value of its own, or separate them by namespace.
//!
//! # References
//! kubernetes/ingress-nginx `docs/user-guide/multiple-ingress.md` @ controller-v1.15.1;
//! kubernetes/ingress-nginx#7063, #1545.

use std::collections::BTreeMap;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, SHOWN, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::conflicts::class_not_found::class_part;
use crate::analysis::field::Field;
use crate::model::controller::Controller;
use crate::model::object::Name;
use crate::model::snapshot::Lookup;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "two_controllers_one_class"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut shared: BTreeMap<Vec<usize>, Vec<&Name>> = BTreeMap::new();
        for (ingress, takers) in field.claims.all() {
            let mut takers = takers.to_vec();
            takers.sort_unstable();
            takers.dedup_by_key(|index| workload(field, *index));
            // Told once, by the first of them.
            if takers.len() > 1
                && takers.first().and_then(|index| workload(field, *index))
                    == Some(&field.controller.workload)
            {
                shared.entry(takers).or_default().push(ingress);
            }
        }
        shared.into_iter().map(|(takers, ingresses)| self.told(field, &takers, ingresses)).collect()
    }
}

fn workload<'a>(field: &Field<'a>, index: usize) -> Option<&'a crate::model::object::ObjectKey> {
    field.snapshot.controllers.get(index).map(|controller| &controller.workload)
}

impl Rule {
    fn told(&self, field: &Field<'_>, takers: &[usize], mut ingresses: Vec<&Name>) -> Conflict {
        ingresses.sort_unstable();
        let controllers: Vec<&Controller> =
            takers.iter().filter_map(|index| field.snapshot.controllers.get(*index)).collect();
        let facts = Facts::TwoControllersOneClass {
            controllers: controllers.iter().map(|c| (c.kind, c.workload.clone())).collect(),
            ingresses: ingresses.len(),
        };
        let fix = Fix::OwnClass { controllers: controllers.iter().map(|c| c.workload.clone()).collect() };
        let mut conflict = Conflict::new(self, field, Severity::High, facts, Effect::SeveralControllers, fix);
        let objects = ingresses.iter().take(SHOWN).filter_map(|name| {
            match field.snapshot.ingresses.get(&name.namespace, &name.name) {
                Lookup::Found(ingress) => Some(ingress),
                Lookup::Absent | Lookup::Unseen(_) => None,
            }
        });
        for ingress in objects {
            let (part, value) = class_part(ingress);
            if conflict.sees.url.is_none() {
                conflict = conflict.of_ingress(ingress);
            }
            conflict = conflict.at(ingress, part.field, value);
        }
        conflict.host = None;
        conflict
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn ingresses_that_two_controllers_take_are_one_finding() {
        let found = check(
            &Rule,
            "ctl f5-nginx edge
             ing shop/web host=a.example /(P)->web:80 also=1
             ing shop/api host=b.example /(P)->api:80 also=1
             ing shop/own host=c.example /(P)->own:80",
            &["high: shop/api spec.ingressClassName, shop/web spec.ingressClassName"],
        );
        assert!(
            matches!(&found[0].facts, Facts::TwoControllersOneClass { controllers, ingresses: 2 } if controllers.len() == 2)
        );
    }

    #[test]
    fn controllers_with_ingresses_of_their_own_are_not() {
        silent(
            &Rule,
            "ctl traefik edge
             ing shop/web host=a.example /(P)->web:80
             ing shop/api cls=traefik host=b.example /(P)->api:80 refused=class-of-other,traefik,traefik.io/x also=1",
        );
    }
}

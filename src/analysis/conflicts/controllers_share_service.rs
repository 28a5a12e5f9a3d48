//! # What it finds
//! A Service whose selector takes the pods of two controllers, of which one has Ingresses that the other has
//! not.
//!
//! # Why it 404s
//! Each connection goes to any of the pods. Where it comes to the controller that does not have the Ingress,
//! that one answers 404; the same URL works a moment later. The 404 stands in the log of the other controller
//! only.
//!
//! # Example
//! ```yaml
//! # two releases of ingress-nginx in one namespace, both with the label app.kubernetes.io/name: ingress-nginx
//! kind: Service
//! spec: {type: LoadBalancer, selector: {app.kubernetes.io/name: ingress-nginx}}
//! ```
//!
//! # What to do
//! Let the selector name one release (`app.kubernetes.io/instance`), or give each controller a namespace.
//!
//! # References
//! kubernetes.io, Service, selector; kubernetes/ingress-nginx#7063, #5976, #7652, #8276.

use std::collections::{BTreeMap, HashSet};

use super::published_elsewhere::setting;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::entry;
use crate::analysis::field::Field;
use crate::model::controller::Controller;
use crate::model::ingress::Ingress;
use crate::model::object::{Name, ObjectKey};
use crate::model::snapshot::Lookup;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "controllers_share_service"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut shared: BTreeMap<&Name, Vec<&Controller>> = BTreeMap::new();
        // Of the others the pods are not what requests come to.
        let serving = field.snapshot.controllers.iter().filter(|one| setting(one.kind).is_some());
        for controller in serving {
            for service in &controller.services {
                let sharing = shared.entry(service).or_default();
                if sharing.iter().all(|other| other.workload != controller.workload) {
                    sharing.push(controller);
                }
            }
        }
        // Told once, by the first of them.
        let own = |sharing: &Vec<&Controller>| {
            sharing.len() > 1
                && sharing.first().is_some_and(|first| first.workload == field.controller.workload)
        };
        shared
            .into_iter()
            .filter(|(_, sharing)| own(sharing))
            .filter_map(|(service, sharing)| self.told(field, service, &sharing))
            .collect()
    }
}

impl Rule {
    fn told(&self, field: &Field<'_>, service: &Name, sharing: &[&Controller]) -> Option<Conflict> {
        let Lookup::Found(service) = field.snapshot.services.get(&service.namespace, &service.name) else {
            return None;
        };
        // Webhooks and metrics have Services of their own.
        let is_entry = matches!(service.service_type.as_str(), "LoadBalancer" | "NodePort")
            || !entry::public_addresses(service).is_empty();
        let apart: Vec<&Ingress> = field
            .snapshot
            .ingresses
            .items()
            .iter()
            .filter(|ingress| is_of_some(field, sharing, &ingress.meta.key()))
            .collect();
        let first = apart.first().filter(|_| is_entry)?;
        let facts = Facts::ControllersShareService {
            controllers: sharing.iter().map(|one| (one.kind, one.workload.clone())).collect(),
            ingresses: apart.len(),
        };
        let fix = Fix::SetOneOf { part: Part::new(service, "spec.selector"), values: Vec::new() };
        let selector: Vec<String> =
            service.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut told = Conflict::new(self, field, Severity::High, facts, Effect::Scattered, fix)
            .at(service, "spec.selector", Some(&selector.join(",")))
            .of_ingress(first);
        told.host = None;
        Some(apart.into_iter().fold(told, |told, ingress| told.at(ingress, "", None)))
    }
}

/// Whether some of these controllers take an Ingress for certain, and others for certain do not.
fn is_of_some(field: &Field<'_>, sharing: &[&Controller], ingress: &Name) -> bool {
    if field.claims.is_doubtful(ingress) {
        return false;
    }
    let takers: HashSet<&ObjectKey> = field
        .claims
        .on(ingress)
        .iter()
        .filter_map(|index| field.snapshot.controllers.get(*index))
        .map(|controller| &controller.workload)
        .collect();
    let taking = sharing.iter().filter(|controller| takers.contains(&controller.workload)).count();
    taking > 0 && taking < sharing.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    const OTHER: &str = "ctl ingress-nginx inner
        ing shop/web host=a.example /(P)->web:80
        ing shop/own cls=inner host=b.example /(P)->own:80 refused=class-of-other,inner,k8s.io/inner also=1";

    #[test]
    fn one_service_before_two_controllers_answers_now_and_then() {
        let found = check(
            &Rule,
            &format!("{OTHER}\nfront 0 edge/lb 192.0.2.1\nfront 1 edge/lb 192.0.2.1"),
            &["high: edge/lb spec.selector, shop/own , shop/web "],
        );
        assert_eq!(found[0].sees.effect, Effect::Scattered);
        assert!(matches!(&found[0].facts, Facts::ControllersShareService { ingresses: 2, .. }));
    }

    #[test]
    fn services_of_their_own_the_same_ingresses_and_inner_services_are_not() {
        silent(&Rule, &format!("{OTHER}\nfront 0 edge/lb 192.0.2.1\nfront 1 edge/inner 192.0.2.2"));
        silent(&Rule, &format!("{OTHER}\nfront 0 edge/webhook -\nfront 1 edge/webhook -"));
        // Requests do not come to the pods of this one.
        silent(&Rule, &format!("is aws-alb\n{OTHER}\nfront 0 edge/lb 192.0.2.1\nfront 1 edge/lb 192.0.2.1"));
        silent(
            &Rule,
            "ctl ingress-nginx inner
             ing shop/web host=a.example /(P)->web:80 also=1
             front 0 edge/lb 192.0.2.1\nfront 1 edge/lb 192.0.2.1",
        );
    }
}

//! # What it finds
//! An Ingress without any class, which no controller takes; also one that names its class by an annotation
//! which is not the one that is read, such as `nginx.ingress.kubernetes.io/ingress.class`.
//!
//! # Why it 404s
//! Most controllers leave an Ingress alone that names no class, unless they were told otherwise. It is
//! never loaded; requests for its host get the controller's own 404, or reach whoever else has the host.
//!
//! # Example
//! ```yaml
//! kind: Ingress
//! metadata: {namespace: cattle-system, name: rancher}
//! spec:                       # neither ingressClassName nor the annotation kubernetes.io/ingress.class
//!   rules: [{host: rancher.example.com, …}]
//! ```
//!
//! # What to do
//! Set `spec.ingressClassName`, or make one IngressClass the default before the Ingress is created.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/store/store.go` (GetIngressClass) @
//! controller-v1.15.1; kubernetes/ingress-nginx#7497; class selection of the other products:
//! `docs/controllers`.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::routing::Refusal;
use crate::model::ingress::Ingress;
use crate::model::ingress_class::CLASS_ANNOTATION;

const FIELD: &str = "spec.ingressClassName";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "class_missing"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let classes: Vec<String> =
            field.snapshot.classes.items().iter().map(|class| class.meta.name.clone()).collect();
        field
            .refused
            .iter()
            .filter(|(ingress, why)| {
                *why == Refusal::NoClass && field.claims.nobody_takes(&ingress.meta.key())
            })
            .map(|(ingress, _)| {
                let misplaced = misplaced(ingress);
                let facts =
                    Facts::ClassMissing { classes: classes.clone(), misplaced: misplaced.map(str::to_owned) };
                let fix = Fix::SetOneOf { part: Part::new(*ingress, FIELD), values: classes.clone() };
                let told = Conflict::new(self, field, Severity::High, facts, Effect::NotLoaded, fix)
                    .of_ingress(ingress)
                    .at(*ingress, FIELD, None);
                match misplaced {
                    Some(key) => told.at_annotation(ingress, key),
                    None => told,
                }
            })
            .collect()
    }
}

/// An annotation that looks as if it were to name the class.
fn misplaced(ingress: &Ingress) -> Option<&str> {
    let is_class = |key: &&str| {
        let name = key.rsplit_once('/').map_or(*key, |(_, name)| name).to_ascii_lowercase();
        *key != CLASS_ANNOTATION
            && matches!(name.replace(['.', '-'], "").as_str(), "ingressclass" | "ingressclassname")
    };
    ingress.meta.annotations.keys().map(String::as_str).find(is_class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn an_ingress_without_a_class_that_nobody_takes_is_found() {
        let found = check(
            &Rule,
            "class nginx k8s.io/ingress-nginx
             ing cattle/rancher cls=- host=r.example /(P)->rancher:80 refused=no-class",
            &["high r.example: cattle/rancher spec.ingressClassName"],
        );
        let classes = vec!["nginx".to_owned()];
        assert_eq!(found[0].facts, Facts::ClassMissing { classes, misplaced: None });
        assert_eq!(found[0].sees.url.as_deref(), Some("http://r.example/"));
    }

    #[test]
    fn an_annotation_that_is_not_read_is_named() {
        let key = "nginx.ingress.kubernetes.io/ingress.class";
        let found = check(
            &Rule,
            &format!("ing dev/web cls=- host=r.example /(P)->web:80 ann:{key}=nginx refused=no-class"),
            &[&format!(
                "high r.example: dev/web spec.ingressClassName, dev/web metadata.annotations[\"{key}\"]"
            )],
        );
        assert!(
            matches!(&found[0].facts, Facts::ClassMissing { misplaced: Some(found), .. } if found == key)
        );
    }

    #[test]
    fn one_that_another_controller_takes_or_may_take_is_not() {
        silent(
            &Rule,
            "ctl traefik edge
             ing cattle/rancher cls=- host=r.example /(P)->rancher:80 refused=no-class also=1
             ing cattle/other cls=- host=o.example /(P)->rancher:80 refused=undecided",
        );
    }
}

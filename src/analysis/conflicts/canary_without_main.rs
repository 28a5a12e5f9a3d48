//! # What it finds
//! A canary Ingress with nothing to be an alternative of: no other Ingress has its host, or none has its
//! path and type on that host.
//!
//! # Why it 404s
//! A canary makes no host and no path of its own. The controller deletes it and serves what is left: on a
//! host that only the canary names that is nothing.
//!
//! # Example
//! ```yaml
//! # the only Ingress for www.example.com
//! metadata:
//!   annotations: {nginx.ingress.kubernetes.io/canary: "true", nginx.ingress.kubernetes.io/canary-weight: "10"}
//! ```
//!
//! # What to do
//! Create the main Ingress with the same host, path and pathType; or correct the canary's.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (mergeAlternativeBackends) @
//! controller-v1.15.1; kubernetes/ingress-nginx#11085, #7497, #7896; traefik
//! `pkg/provider/kubernetes/ingress-nginx` @ v3.7.

use std::collections::HashMap;

use crate::analysis::backend::service::alike;
use crate::analysis::conflict::facts::Lacks;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::{Entry, Host};
use crate::model::ingress::PathType;

/// For how many canaries the paths of the host are compared.
const COMPARED: usize = 100;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "canary_without_main"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        // The main rule may stand where nobody could look.
        if !field.sees_all_ingresses() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter().filter(|(_, host)| !host.canaries.is_empty()) {
            let mut types: HashMap<&str, Vec<PathType>> = HashMap::new();
            for entry in host.paths.iter().chain(&host.displaced) {
                types.entry(entry.path).or_default().push(entry.path_type);
            }
            for canary in &host.canaries {
                let lacks = match types.get(canary.path) {
                    Some(types) if types.contains(&canary.path_type) => continue,
                    Some(types) => Lacks::Type {
                        canary: canary.rule.path_type,
                        main: types.first().copied().unwrap_or(PathType::Prefix),
                    },
                    // The catch-all server is always there.
                    None if host.ingresses.is_empty() && !name.is_empty() => Lacks::Host,
                    None if found.len() < COMPARED => {
                        Lacks::Path { nearest: alike(canary.path, types.keys().copied()) }
                    }
                    None => Lacks::Path { nearest: Vec::new() },
                };
                found.push(self.told(field, name, host, canary, lacks));
            }
        }
        found
    }
}

impl Rule {
    fn told(
        &self,
        field: &Field<'_>,
        name: &str,
        host: &Host<'_>,
        canary: &Entry<'_>,
        lacks: Lacks,
    ) -> Conflict {
        let main = || Fix::AddMain {
            host: name.to_owned(),
            path: canary.path.to_owned(),
            path_type: canary.rule.path_type.as_str(),
        };
        let fix = match &lacks {
            Lacks::Host => main(),
            Lacks::Path { nearest } if nearest.is_empty() => main(),
            Lacks::Path { nearest } => Fix::SetOneOf {
                part: Part::new(canary.ingress, canary.place.field("path")),
                values: nearest.clone(),
            },
            Lacks::Type { main, .. } => Fix::Set {
                part: Part::new(canary.ingress, canary.place.field("pathType")),
                value: main.as_str().to_owned(),
            },
        };
        let served = host.covering(canary.path);
        let effect = match served {
            Some(entry) => Effect::ServedBy { ingress: entry.ingress.meta.key(), backend: entry.target() },
            None => Effect::Status(404),
        };
        // Nobody takes the requests, or the main rule takes those of the canary too.
        let severity = if served.is_none() { Severity::High } else { Severity::Medium };
        let facts = Facts::CanaryWithoutMain { path: canary.path.to_owned(), lacks };
        let key = field.key("canary");
        let sample = crate::analysis::field::pattern::samples(canary.path).into_iter().next();
        let conflict = Conflict::new(self, field, severity, facts, effect, fix)
            .on(name)
            .at_annotation(canary.ingress, &key)
            .at_path(canary.ingress, canary.place);
        match sample {
            Some(sample) => conflict.shown_by(name, &sample).judged(field),
            None => conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const CANARY: &str = "dev/c metadata.annotations[\"nginx.ingress.kubernetes.io/canary\"], dev/c spec.rules[0].http.paths[0].path";
    const ON: &str = "ann:canary=true ann:canary-weight=10";

    #[test]
    fn a_host_that_only_the_canary_names_does_not_exist() {
        let found = check(
            &Rule,
            &format!(
                "ing dev/c host=www.example /metrics(P)->exp:9104 {ON}
                 ing dev/other host=other.example /(P)->web:80"
            ),
            &[&format!("high www.example: {CANARY}")],
        );
        sees(&found, &["http://www.example/metrics: 404"]);
        assert!(matches!(&found[0].facts, Facts::CanaryWithoutMain { lacks: Lacks::Host, .. }));
    }

    #[test]
    fn another_path_or_type_is_no_main_rule() {
        let found = check(
            &Rule,
            &format!(
                "ing dev/c age=1 host=a.example /apis(P)->exp:80 {ON}
                 ing dev/d age=1 host=b.example /api(E)->exp:80 {ON}
                 ing dev/m age=9 host=a.example /api(P)->api:80
                 ing dev/n age=9 host=b.example /api(P)->api:80"
            ),
            &[
                &format!("high a.example: {CANARY}"),
                &format!("medium b.example: {}", CANARY.replace("dev/c", "dev/d")),
            ],
        );
        sees(&found, &["http://a.example/apis: 404", "http://b.example/api: dev/n api:80"]);
        assert!(matches!(&found[0].facts,
            Facts::CanaryWithoutMain { lacks: Lacks::Path { nearest }, .. } if *nearest == ["/api"]));
        assert!(matches!(&found[1].fix, Fix::Set { value, .. } if value == "Prefix"));
    }

    #[test]
    fn a_canary_with_its_main_rule_is_healthy() {
        silent(
            &Rule,
            &format!(
                "ing dev/m age=9 host=a.example /(P)->api:80 /x(I)->api:80
                 ing dev/c age=1 host=a.example /(I)->exp:80 /x(P)->exp:80 {ON}
                 ing dev/off host=b.example /(P)->exp:80 ann:canary=false"
            ),
        );
    }

    #[test]
    fn traefiks_provider_for_these_annotations_has_the_same_rule_and_others_have_not() {
        let world = format!("ing dev/c host=www.example /metrics(P)->exp:9104 {ON}");
        check(
            &Rule,
            &format!("is traefik-ingress-nginx\n{world}"),
            &[&format!("high www.example: {CANARY}")],
        );
        silent(&Rule, &format!("is f5-nginx\n{world}"));
    }
}

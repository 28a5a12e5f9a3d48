//! # What it finds
//! A canary on a host that no main Ingress names, whose Service is the main backend of an older rule
//! elsewhere.
//!
//! # Why it 404s
//! The Service was made by the main rule, so the canary's path counts as an ordinary one; its host has no
//! server, so it lands on the catch-all. Requests for *every unknown host* are served by this Service
//! instead of the default backend.
//!
//! # Example
//! ```yaml
//! # Ingress shop/web, older: host shop.example.com, path / → Service web
//! # Ingress shop/canary, canary: "true": host beta.example.com, path / → Service web
//! ```
//!
//! # What to do
//! Take the canary annotation away, or give the canary a Service of its own and a main Ingress.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (getBackendServers: a server that
//! is not found becomes the default one) @ controller-v1.15.1, seen on the real controller.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::object::annotation_field;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "canary_takes_catch_all"
    }

    fn worst(&self) -> Severity {
        Severity::Critical
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        // The main rule may stand where nobody could look.
        if !field.sees_all_ingresses() {
            return Vec::new();
        }
        let Some(host) = field.hosts.get("") else { return Vec::new() };
        let Some(site) = field.sites.get("") else { return Vec::new() };
        let strayed = host.paths.iter().filter(|entry| entry.canary && !entry.host().is_empty());
        let mut found = Vec::new();
        for entry in strayed.filter(|entry| site.has(entry)) {
            let Some(service) = entry.target() else { continue };
            let Some(main) = field.hosts.maker(entry) else { continue };
            // With a longer path only requests for that path of unknown hosts go astray.
            let whole = entry.path == "/" && !entry.is_exact();
            let severity = if whole { Severity::Critical } else { Severity::High };
            let key = field.key("canary");
            let effect =
                Effect::ServedBy { ingress: entry.ingress.meta.key(), backend: Some(service.clone()) };
            let facts = Facts::CanaryTakesCatchAll {
                service,
                main: main.ingress.meta.key(),
                path: entry.path.to_owned(),
            };
            let fix = Fix::Remove { parts: vec![Part::new(entry.ingress, annotation_field(&key))] };
            let sample = crate::analysis::field::pattern::samples(entry.path).into_iter().next();
            let conflict = Conflict::new(self, field, severity, facts, effect, fix)
                .on("")
                .at_annotation(entry.ingress, &key)
                .at_path(entry.ingress, entry.place)
                .won_by(entry.ingress);
            found.push(match sample {
                Some(sample) => conflict.shown_by("", &sample).judged(field),
                None => conflict,
            });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const CANARY: &str = "shop/c metadata.annotations[\"nginx.ingress.kubernetes.io/canary\"], shop/c spec.rules[0].http.paths[0].path";

    #[test]
    fn unknown_hosts_are_served_by_the_canarys_service() {
        let found = check(
            &Rule,
            "ing shop/web age=9 host=shop.example /(P)->web:80
             ing shop/c age=1 host=beta.example /(P)->web:80 ann:canary=true ann:canary-weight=10",
            &[&format!("critical : {CANARY}")],
        );
        sees(&found, &["http://any-other-host.invalid/: shop/c web:80"]);
        let found = check(
            &Rule,
            "ing shop/web age=9 host=shop.example /(P)->web:80
             ing shop/c age=1 host=beta.example /x(P)->web:80 ann:canary=true",
            &[&format!("high : {CANARY}")],
        );
        sees(&found, &["http://any-other-host.invalid/x: shop/c web:80"]);
    }

    #[test]
    fn with_a_main_rule_or_a_service_of_its_own_it_is_not() {
        silent(
            &Rule,
            "ing shop/web age=9 host=shop.example /(P)->web:80
             ing shop/beta age=8 host=beta.example /(P)->old:80
             ing shop/c age=1 host=beta.example /(P)->web:80 ann:canary=true
             ing shop/d age=1 host=gamma.example /(P)->own:80 ann:canary=true",
        );
        silent(
            &Rule,
            "ing shop/all age=9 default=errors:80
             ing shop/web age=8 host=shop.example /(P)->web:80
             ing shop/c age=1 host=beta.example /(P)->web:80 ann:canary=true",
        );
    }
}

//! # What it finds
//! `ssl-passthrough` that hides rules of its host, or that does nothing.
//!
//! # Why it 404s
//! TLS that is passed through is not read: the host's whole traffic on 443 goes to the Service of its `/`,
//! and no other path, redirect, rewrite or authentication of the host is asked. That Service's application
//! answers 404 for paths that belong to others. Without the controller's flag, on an Ingress that did not
//! make the host, or without a `/`, the annotation has no effect.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {nginx.ingress.kubernetes.io/ssl-passthrough: "true"}
//! # paths: / → web, /api → api       https://…/api is answered by web
//! ```
//!
//! # What to do
//! End TLS at the controller, or give the passed-through application a host of its own.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (getBackendServers),
//! `docs/user-guide/nginx-configuration/annotations.md` @ controller-v1.15.1; kubernetes/ingress-nginx#5257,
//! #9807, #8160.

use crate::analysis::conflict::facts::Passthrough;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::hosts::{Entry, Host};
use crate::analysis::field::sites::Owner;
use crate::analysis::field::{Field, pattern};
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::object::annotation_field;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "passthrough_swallows_paths"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::IngressNginx {
            return Vec::new();
        }
        let passes = |ingress: &&&Ingress| field.is_on(ingress, "ssl-passthrough");
        field.loaded.iter().filter(passes).flat_map(|ingress| self.of(field, ingress)).collect()
    }
}

impl Rule {
    fn of(&self, field: &Field<'_>, ingress: &Ingress) -> Vec<Conflict> {
        if !field.settings.is_set("enable-ssl-passthrough") {
            let told = self.told(field, ingress, Passthrough::FlagNotSet, &[], Effect::WithoutEffect);
            return vec![told.of_ingress(ingress)];
        }
        let mut found = Vec::new();
        for name in ingress.hosts() {
            let Some(host) = field.hosts.get(name) else { continue };
            if !host.maker().is_some_and(|maker| std::ptr::eq(maker, ingress)) {
                let told = self.told(field, ingress, Passthrough::NotOldest, &[], Effect::WithoutEffect);
                found.push(told.on(name));
                continue;
            }
            found.extend(self.in_force(field, ingress, name, host));
        }
        found
    }

    fn in_force(
        &self,
        field: &Field<'_>,
        ingress: &Ingress,
        name: &str,
        host: &Host<'_>,
    ) -> Option<Conflict> {
        let mut locations = field.sites.get(name)?.locations.iter();
        let has_default = ingress.default_backend.as_ref().is_some_and(|backend| backend.service().is_some());
        let served = match locations.find(|location| location.path == "/").map(|root| root.owner) {
            Some(Owner::Path(root)) => root.ingress,
            Some(Owner::Host(maker)) if has_default => maker,
            Some(Owner::Host(_) | Owner::CatchAll(_) | Owner::Nobody) | None => {
                let told = self.told(field, ingress, Passthrough::NoRoot, &[], Effect::WithoutEffect);
                return Some(told.on(name));
            }
        };
        let others: Vec<Entry<'_>> = host.paths.iter().filter(|entry| entry.path != "/").copied().collect();
        let first = others.first()?;
        let effect = Effect::PassedThrough { ingress: served.meta.key() };
        let told = self.told(field, ingress, Passthrough::InForce, &others, effect).on(name).won_by(served);
        Some(match pattern::samples(first.path).into_iter().next() {
            Some(sample) => told.shown_over_tls_by(name, &sample),
            None => told,
        })
    }

    fn told(
        &self,
        field: &Field<'_>,
        ingress: &Ingress,
        standing: Passthrough,
        others: &[Entry<'_>],
        effect: Effect,
    ) -> Conflict {
        let key = field.key("ssl-passthrough");
        let severity = match standing {
            Passthrough::InForce => Severity::High,
            Passthrough::FlagNotSet | Passthrough::NotOldest | Passthrough::NoRoot => Severity::Medium,
        };
        let fix = match standing {
            Passthrough::InForce => Fix::OwnHost { ingress: ingress.meta.key() },
            Passthrough::FlagNotSet => {
                Fix::Configure { setting: "--enable-ssl-passthrough".to_owned(), value: "true".to_owned() }
            }
            Passthrough::NotOldest | Passthrough::NoRoot => {
                Fix::Remove { parts: vec![Part::new(ingress, annotation_field(&key))] }
            }
        };
        let facts = Facts::PassthroughSwallowsPaths { standing, others: others.len() };
        let conflict = Conflict::new(self, field, severity, facts, effect, fix).at_annotation(ingress, &key);
        others.iter().fold(conflict, |conflict, entry| conflict.at_path(entry.ingress, entry.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const FLAG: &str = "arg --enable-ssl-passthrough\n";
    const KEY: &str = "shop/web metadata.annotations[\"nginx.ingress.kubernetes.io/ssl-passthrough\"]";

    #[test]
    fn paths_of_a_passed_through_host_are_never_asked() {
        let found = check(
            &Rule,
            &format!(
                "{FLAG}ing shop/web age=9 host=a.example /(P)->web:8443 ann:ssl-passthrough=true
                 ing shop/api age=8 host=a.example /api(P)->api:80"
            ),
            &[&format!("high a.example: {KEY}, shop/api spec.rules[0].http.paths[0].path")],
        );
        sees(&found, &["https://a.example/api: passed through to shop/web"]);
    }

    #[test]
    fn without_the_flag_the_age_or_a_root_it_does_nothing() {
        let world = "ing shop/web age=8 host=a.example /(P)->web:8443 ann:ssl-passthrough=true";
        for (more, standing, host) in [
            ("", Passthrough::FlagNotSet, " a.example"),
            (
                "arg --enable-ssl-passthrough\ning shop/api age=9 host=a.example /api(P)->api:80",
                Passthrough::NotOldest,
                " a.example",
            ),
        ] {
            let found = check(&Rule, &format!("{more}\n{world}"), &[&format!("medium{host}: {KEY}")]);
            assert_eq!(found[0].facts, Facts::PassthroughSwallowsPaths { standing, others: 0 });
        }
        let found = check(
            &Rule,
            &format!("{FLAG}ing shop/web host=a.example /api(P)->api:80 ann:ssl-passthrough=true"),
            &[&format!("medium a.example: {KEY}")],
        );
        assert!(matches!(
            &found[0].facts,
            Facts::PassthroughSwallowsPaths { standing: Passthrough::NoRoot, .. }
        ));
    }

    #[test]
    fn a_host_of_nothing_but_a_root_is_healthy() {
        silent(
            &Rule,
            &format!(
                "{FLAG}ing shop/web age=9 host=a.example /(P)->web:8443 ann:ssl-passthrough=true
                 ing shop/api age=8 host=b.example /api(P)->api:80"
            ),
        );
    }
}

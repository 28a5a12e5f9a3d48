//! # What it finds
//! Anything else for which the proxy refuses the configuration as a whole: a path or host that is no
//! valid pattern on a regex host, a quotation mark in a path, a rewrite or redirect that nginx cannot
//! read, an alias that is no server name, a rule that collides with the controller's own locations.
//!
//! # Why it 404s
//! The reload fails. No newer change takes effect any more, for no host of the controller; after a
//! restart nothing is served at all.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {nginx.ingress.kubernetes.io/use-regex: "true"}
//! spec:
//!   rules: [{http: {paths: [{path: "/api/(v1", pathType: ImplementationSpecific, …}]}}]
//! ```
//!
//! # What to do
//! Correct or remove what is named; the controller's log shows the same words after `[emerg]`.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/nginx.go` (OnUpdate) @ controller-v1.15.1;
//! nginx 1.27 `src/core/ngx_conf_file.c`, `src/http/ngx_http_core_module.c`.

use std::collections::HashMap;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::routing::ReloadFailure;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Place};
use crate::model::object::{Name, annotation_field};

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "configuration_refused"
    }

    fn worst(&self) -> Severity {
        Severity::Critical
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::IngressNginx {
            return Vec::new();
        }
        let failures = field.failures();
        if failures.is_empty() {
            return Vec::new();
        }
        let loaded: HashMap<Name, &Ingress> =
            field.loaded.iter().map(|ingress| (ingress.meta.key(), *ingress)).collect();
        let mut found = Vec::new();
        for failure in failures {
            let host = if failure.host == "_" { "" } else { failure.host.as_str() };
            let told = |site: &crate::analysis::field::sites::Site<'_>| !site.duplicates().is_empty();
            if failure.cause.starts_with("duplicate location") && field.sites.get(host).is_some_and(told) {
                continue;
            }
            let culprits: Vec<(&Ingress, String)> = failure
                .between
                .iter()
                .filter_map(|name| loaded.get(name))
                .map(|ingress| (*ingress, place(field, ingress, host, failure)))
                .collect();
            let parts = culprits.iter().map(|(ingress, at)| Part::new(*ingress, at)).collect();
            let facts = Facts::ConfigurationRefused { cause: failure.cause.clone() };
            let fix = Fix::Remove { parts };
            let mut conflict =
                Conflict::new(self, field, Severity::Critical, facts, Effect::Frozen, fix).on(host);
            for (ingress, at) in culprits {
                let value = value(ingress, &at);
                conflict = conflict.at(ingress, at, value.as_deref());
            }
            found.push(conflict);
        }
        found
    }
}

/// The field that holds what the proxy complains of.
fn place(field: &Field<'_>, ingress: &Ingress, host: &str, failure: &ReloadFailure) -> String {
    let path = ingress
        .path_rules()
        .filter(|(_, _, of, rule)| *of == host && rule.path.len() > 1 && failure.cause.contains(&rule.path))
        .max_by_key(|(_, _, _, rule)| rule.path.len());
    if let Some((rule, at, ..)) = path {
        return Place::Path(rule, at).field("path");
    }
    let routing = ["server-alias", "rewrite-target", "permanent-redirect", "temporal-redirect", "app-root"];
    let annotation =
        routing.iter().map(|name| field.key(name)).find(|key| ingress.meta.annotation(key).is_some());
    match annotation {
        Some(key) => annotation_field(&key),
        None => "spec.rules".to_owned(),
    }
}

fn value(ingress: &Ingress, at: &str) -> Option<String> {
    let path = ingress
        .path_rules()
        .find(|(r, p, ..)| Place::Path(*r, *p).field("path") == at)
        .map(|(.., rule)| rule.path.clone());
    let annotation = || {
        let (_, value) = ingress.meta.annotations.iter().find(|(key, _)| annotation_field(key) == at)?;
        Some(value.clone())
    };
    path.or_else(annotation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_pattern_that_does_not_compile_stops_every_reload() {
        check(
            &Rule,
            "ing shop/a age=9 host=a.example /ok(P)->a:80
             ing shop/b age=8 host=a.example /api/(v1(I)->b:80 ann:use-regex=true",
            &["critical a.example: shop/b spec.rules[0].http.paths[0].path"],
        );
    }

    #[test]
    fn a_quote_in_a_path_and_an_unknown_variable_do_too() {
        check(
            &Rule,
            "ing shop/a host=a.example /x\"y(I)->a:80
             ing shop/b host=b.example /x(P)->b:80 ann:rewrite-target=/$nope",
            &[
                "critical a.example: shop/a spec.rules[0].http.paths[0].path",
                "critical b.example: shop/b metadata.annotations[\"nginx.ingress.kubernetes.io/rewrite-target\"]",
            ],
        );
    }

    #[test]
    fn sound_patterns_and_what_another_rule_tells_are_not_found() {
        silent(
            &Rule,
            "ing shop/a host=a.example /api/(v1|v2)(I)->a:80 ann:use-regex=true
             ing shop/b host=b.example /(v1(I)->b:80",
        );
        silent(&Rule, "ing shop/a host=a.example /foo(P)->a:80 /foo/(P)->b:80");
    }
}

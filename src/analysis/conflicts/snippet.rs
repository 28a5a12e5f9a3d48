//! # What it finds
//! A snippet annotation on a loaded Ingress that is taken out because snippets are not allowed, or that is
//! in force and holds directives that route (`return`, `rewrite`, `location`, …).
//!
//! # Why it 404s
//! Without the snippet the behaviour its author relied on is missing. With it, nginx answers or rewrites
//! before any rule of the Ingress is asked, and no prediction from the rules can know.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations:
//!     nginx.ingress.kubernetes.io/configuration-snippet: |
//!       if ($uri ~ ^/old) { return 404; }
//! ```
//!
//! # What to do
//! Write the routing as rules and annotations; keep snippets for headers and the like.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (dropSnippetDirectives),
//! `docs/user-guide/nginx-configuration/annotations-risk.md` @ controller-v1.15.1.

use crate::analysis::conflict::facts::SnippetStanding;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::{ConfigSeen, ControllerKind};
use crate::model::object::annotation_field;

const SNIPPETS: [&str; 5] =
    ["configuration-snippet", "server-snippet", "auth-snippet", "modsecurity-snippet", "stream-snippet"];

/// Directives that decide where a request goes or what is answered.
const ROUTING: [&str; 8] =
    ["return", "rewrite", "location", "proxy_pass", "try_files", "error_page", "if", "internal"];

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "snippet"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::IngressNginx {
            return Vec::new();
        }
        let allowed = field.policy.snippets();
        if field.settings.config == ConfigSeen::Unseen {
            return Vec::new();
        }
        let mut found = Vec::new();
        for ingress in &field.loaded {
            for name in SNIPPETS {
                let key = field.key(name);
                let Some(text) = ingress.meta.annotation(&key) else { continue };
                let (severity, standing, effect) = if !allowed {
                    (Severity::Medium, SnippetStanding::Stripped, Effect::WithoutEffect)
                } else if routes(text) {
                    (Severity::Low, SnippetStanding::Routes, Effect::OwnAnswer)
                } else {
                    continue;
                };
                let fix = Fix::Remove { parts: vec![Part::new(*ingress, annotation_field(&key))] };
                found.push(
                    Conflict::new(
                        self,
                        field,
                        severity,
                        Facts::Snippet { key: key.clone(), standing },
                        effect,
                        fix,
                    )
                    .of_ingress(ingress)
                    .at_annotation(ingress, &key),
                );
            }
        }
        found
    }
}

fn routes(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || matches!(c, ';' | '{' | '}'))
        .any(|word| ROUTING.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    const ROUTING_SNIPPET: &str =
        "ing shop/web host=a.example /(P)->web:80 ann:configuration-snippet=return~404;";
    const PLACE: &str =
        "shop/web metadata.annotations[\"nginx.ingress.kubernetes.io/configuration-snippet\"]";

    #[test]
    fn a_snippet_that_is_stripped_is_found() {
        for settings in ["config allow-snippet-annotations=false", "version 1.15.1"] {
            check(&Rule, &format!("{settings}\n{ROUTING_SNIPPET}"), &[&format!("medium a.example: {PLACE}")]);
        }
    }

    #[test]
    fn a_snippet_that_routes_is_found() {
        for settings in ["config allow-snippet-annotations=true", "version 1.8.0"] {
            check(&Rule, &format!("{settings}\n{ROUTING_SNIPPET}"), &[&format!("low a.example: {PLACE}")]);
        }
    }

    #[test]
    fn a_snippet_that_only_adds_headers_or_of_unknown_standing_is_not() {
        silent(
            &Rule,
            "config allow-snippet-annotations=true
             ing shop/web host=a.example /(P)->web:80 ann:configuration-snippet=more_set_headers~X-Return:~1;",
        );
        silent(&Rule, &format!("hide ConfigMap\n{ROUTING_SNIPPET}"));
    }
}

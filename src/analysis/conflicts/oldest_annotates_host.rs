//! # What it finds
//! A host of several Ingresses without a `/`, whose oldest Ingress carries a redirect or asks for
//! authentication: unmatched paths meet that.
//!
//! # Why it 404s
//! The first Ingress of a host makes its default `/`, with all of that Ingress's annotations. A request
//! that no path takes is not simply 404: it is redirected, or asked for a password, as if it belonged to
//! an Ingress that never named it. After a recreation another Ingress is the oldest, and it changes.
//!
//! # Example
//! ```yaml
//! # Ingress shop/old, oldest: path /old, annotation permanent-redirect: https://new.example.com
//! # Ingress shop/api:         path /api         request /apii: 301 to new.example.com
//! ```
//!
//! # What to do
//! Give the host a rule for `/`, or the annotated Ingress a host of its own.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (createServers) @
//! controller-v1.15.1.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, SHOWN, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Place};

/// Annotations that answer before any backend does.
const ANSWERS: [&str; 6] = [
    "temporal-redirect",
    "permanent-redirect",
    "auth-type",
    "auth-url",
    "rewrite-target",
    "allowlist-source-range",
];

/// A path that no rule is likely to have.
const UNMATCHED: &str = "/no-rule-has-this-path";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "oldest_annotates_host"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        // An older Ingress, or a rule for `/`, may stand where nobody could look.
        if field.kind != ControllerKind::IngressNginx || !field.sees_all_ingresses() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter() {
            let [maker, others @ ..] = host.ingresses.as_slice() else { continue };
            if name.is_empty() || others.is_empty() || host.root().is_some() {
                continue;
            }
            found.extend(self.told(field, name, maker, others));
        }
        found
    }
}

impl Rule {
    fn told(&self, field: &Field<'_>, name: &str, maker: &Ingress, others: &[&Ingress]) -> Option<Conflict> {
        let keys: Vec<String> = ANSWERS
            .into_iter()
            .filter(|name| field.policy.is_set(maker, name))
            .map(|name| field.key(name))
            .filter(|key| maker.meta.annotation(key).is_some())
            .collect();
        if keys.is_empty() {
            return None;
        }
        let facts = Facts::OldestAnnotatesHost { keys: keys.clone(), others: others.len() };
        let effect = Effect::Annotations(keys.clone());
        let fix = Fix::OwnHost { ingress: maker.meta.key() };
        // Over TLS, so that a redirect to https is not taken for an answer.
        let conflict = Conflict::new(self, field, Severity::Medium, facts, effect, fix)
            .on(name)
            .shown_over_tls_by(name, UNMATCHED)
            .won_by(maker);
        let mut conflict = keys.iter().fold(conflict, |conflict, key| conflict.at_annotation(maker, key));
        for other in others.iter().take(SHOWN) {
            let at = other.rules.iter().position(|rule| rule.host() == name)?;
            conflict = conflict.at_host(other, Place::Rule(at));
        }
        let conflict = conflict.judged(field);
        match conflict.sees.effect {
            Effect::Redirect { .. } | Effect::Status(401 | 403 | 503) => Some(conflict),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    fn world(annotation: &str, more: &str) -> String {
        format!(
            "ing shop/old age=9 host=a.example /old(P)->old:80 {annotation}
             ing shop/api age=8 host=a.example /api(P)->api:80 {more}"
        )
    }

    #[test]
    fn unmatched_paths_meet_the_redirect_or_the_password_of_the_oldest() {
        let place = "shop/api spec.rules[0].host";
        for (annotation, key, answer) in [
            ("ann:permanent-redirect=https://new.example/", "permanent-redirect", "301 https://new.example/"),
            ("ann:auth-type=basic", "auth-type", "503"),
        ] {
            let found = check(
                &Rule,
                &world(annotation, ""),
                &[&format!(
                    "medium a.example: shop/old metadata.annotations[\"nginx.ingress.kubernetes.io/{key}\"], {place}"
                )],
            );
            sees(&found, &[&format!("https://a.example/no-rule-has-this-path: {answer}")]);
        }
    }

    #[test]
    fn with_a_root_a_younger_redirect_a_host_alone_or_nothing_that_answers_it_is_not_found() {
        silent(&Rule, &world("ann:permanent-redirect=https://new.example/", "/(P)->api:80"));
        silent(&Rule, &world("", "ann:permanent-redirect=https://new.example/"));
        silent(&Rule, &world("ann:rewrite-target=/", ""));
        silent(&Rule, &world("ann:force-ssl-redirect=true", ""));
        silent(
            &Rule,
            "ing shop/old host=a.example /old(P)->old:80 ann:permanent-redirect=https://new.example/",
        );
    }
}

//! # What it finds
//! An Exact or Prefix path with a character that Traefik's provider for ingress-nginx annotations refuses.
//!
//! # Why it 404s
//! The whole Ingress is skipped, not only the path. ingress-nginx checks this in its webhook alone and
//! goes on serving what it has: usual after a move from there.
//!
//! # Example
//! ```yaml
//! # path /~user (Prefix): every path of the Ingress is 404
//! ```
//!
//! # What to do
//! Make the path ImplementationSpecific, or set
//! `--providers.kubernetesIngressNGINX.strictValidatePathType=false`.
//!
//! # References
//! traefik `pkg/provider/kubernetes/ingress-nginx/kubernetes.go` @ v3.7, seen on the real controller.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{PathType, Place};

const STRICT: &str = "providers.kubernetesingressnginx.strictvalidatepathtype";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "traefik_path_character"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let strict = field.settings.flag(STRICT).is_none() || field.settings.is_set(STRICT);
        if field.kind != ControllerKind::TraefikIngressNginx || !strict {
            return Vec::new();
        }
        let mut found = Vec::new();
        // The model of the product drops it already.
        for ingress in field.loaded_or_dropped() {
            let refused = ingress.path_rules().find_map(|(r, p, _, rule)| {
                let checked = rule.path_type != PathType::ImplementationSpecific;
                Some((Place::Path(r, p), rule.path.chars().find(|c| checked && !is_allowed(*c))?))
            });
            let Some((place, character)) = refused else { continue };
            let path = ingress.path_at(place).map(|rule| rule.path.clone()).unwrap_or_default();
            let facts = Facts::TraefikPathCharacter { path, character };
            let fix = Fix::Set {
                part: Part::new(ingress, place.field("pathType")),
                value: PathType::ImplementationSpecific.as_str().to_owned(),
            };
            found.push(
                Conflict::new(self, field, Severity::High, facts, Effect::NotLoaded, fix)
                    .of_ingress(ingress)
                    .at_path(ingress, place),
            );
        }
        found
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    const WORLD: &str = "is traefik-ingress-nginx\ning shop/a host=a.example /ok(P)->a:80 /~me(P)->a:80";

    #[test]
    fn one_character_skips_the_whole_ingress() {
        check(&Rule, WORLD, &["high a.example: shop/a spec.rules[0].http.paths[1].path"]);
    }

    #[test]
    fn when_it_is_not_strict_or_not_checked_it_does_not() {
        silent(
            &Rule,
            &format!("arg --providers.kubernetesIngressNGINX.strictValidatePathType=false\n{WORLD}"),
        );
        silent(&Rule, "is traefik-ingress-nginx\ning shop/a host=a.example /~me(I)->a:80 /a-b_c.d(E)->a:80");
        silent(&Rule, "ing shop/a host=a.example /~me(P)->a:80");
    }
}

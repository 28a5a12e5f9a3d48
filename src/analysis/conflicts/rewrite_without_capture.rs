//! # What it finds
//! A `rewrite-target` without a captured part on a path that takes more than one URL.
//!
//! # Why it 404s
//! The target replaces the whole URI. Whatever stands below the path, the upstream is asked for the target
//! alone: `/app/style.css` becomes `/`, deep links and assets are lost.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}
//! spec:
//!   rules: [{http: {paths: [{path: /app, pathType: Prefix, …}]}}]
//! ```
//!
//! # What to do
//! Capture the rest and append it: path `/app(/|$)(.*)` with pathType ImplementationSpecific, target `/$2`.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/template/template.go` (buildProxyPass) @
//! controller-v1.15.1, `docs/examples/rewrite/README.md`; kubernetes/ingress-nginx#6975.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::{Field, pattern};
use crate::model::controller::ControllerKind;
use crate::model::ingress::PathType;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "rewrite_without_capture"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::IngressNginx {
            return Vec::new();
        }
        let key = field.key("rewrite-target");
        let mut found = Vec::new();
        for (host, entry) in field.hosts.every_path() {
            let Some(target) = entry.ingress.meta.annotation(&key) else { continue };
            // A target with a variable is left to nginx; an absolute one is a redirect.
            let fixed = !target.is_empty() && !target.contains('$') && !target.contains("://");
            if !fixed
                || target == entry.path
                || entry.path_type == PathType::Exact
                || entry.path.ends_with('$')
            {
                continue;
            }
            let facts =
                Facts::RewriteWithoutCapture { path: entry.path.to_owned(), target: target.to_owned() };
            let fix = match pattern::is_literal(entry.path) {
                true => Fix::Set {
                    part: Part::new(entry.ingress, entry.place.field("path")),
                    value: format!("{}(/|$)(.*)", entry.path.trim_end_matches('/')),
                },
                false => Fix::SetOneOf {
                    part: Part::new(entry.ingress, crate::model::object::annotation_field(&key)),
                    values: vec![format!("{}/$1", target.trim_end_matches('/'))],
                },
            };
            let effect = Effect::UpstreamPath(target.to_owned());
            let mut conflict = Conflict::new(self, field, Severity::Medium, facts, effect, fix)
                .on(host)
                .at_annotation(entry.ingress, &key)
                .at_path(entry.ingress, entry.place);
            if pattern::is_literal(entry.path) {
                let deeper = format!("{}/any/deeper", entry.path.trim_end_matches('/'));
                conflict = conflict.shown_by_one_of(field, host, [deeper]);
            }
            found.push(conflict);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_fixed_target_on_a_prefix_is_found() {
        let found = check(
            &Rule,
            "ing shop/web host=a.example /app(P)->web:80 ann:rewrite-target=/",
            &[
                "medium a.example: shop/web metadata.annotations[\"nginx.ingress.kubernetes.io/rewrite-target\"], shop/web spec.rules[0].http.paths[0].path",
            ],
        );
        assert_eq!(found[0].sees.url.as_deref(), Some("http://a.example/app/any/deeper"));
        assert_eq!(found[0].sees.effect, Effect::UpstreamPath("/".to_owned()));
        assert!(matches!(&found[0].fix, Fix::Set { value, .. } if value == "/app(/|$)(.*)"));
    }

    #[test]
    fn captured_equal_exact_and_absolute_targets_are_not() {
        silent(
            &Rule,
            "ing shop/a host=a.example /app(/|$)(.*)(I)->web:80 ann:rewrite-target=/$2
             ing shop/b host=b.example /(P)->web:80 ann:rewrite-target=/
             ing shop/c host=c.example /old(E)->web:80 ann:rewrite-target=/new
             ing shop/d host=d.example /old$(I)->web:80 ann:rewrite-target=/new
             ing shop/e host=e.example /old(P)->web:80 ann:rewrite-target=https://new.example/",
        );
    }
}

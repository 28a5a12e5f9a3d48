//! # What it finds
//! An Exact path in an Ingress with `nginx.org/path-regex`.
//!
//! # Why it 404s
//! F5 NGINX writes the equals sign of an Exact path into the pattern: `~ "^= /path"` matches nothing. The
//! path is dead.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {nginx.org/path-regex: case_sensitive}
//! # path /health (Exact)
//! ```
//!
//! # What to do
//! Make the path ImplementationSpecific and write `/health$`, or move it to an Ingress without the
//! annotation.
//!
//! # References
//! nginx/kubernetes-ingress `internal/configs/version1/template_helper.go` @ v5.5.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::PathType;

const REGEX: &str = "nginx.org/path-regex";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "f5_exact_path_regex"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::F5Nginx {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, entry) in field.hosts.every_path() {
            if !entry.is_exact() || entry.ingress.meta.annotation(REGEX).is_none() {
                continue;
            }
            let facts = Facts::F5ExactPathRegex { path: entry.path.to_owned() };
            let part = Part::new(entry.ingress, entry.place.field("pathType"));
            let fix = Fix::Set { part, value: PathType::ImplementationSpecific.as_str().to_owned() };
            found.push(
                Conflict::new(self, field, Severity::High, facts, Effect::OwnAnswer, fix)
                    .on(name)
                    .shown_by(name, entry.path)
                    .at_path(entry.ingress, entry.place)
                    .at_annotation(entry.ingress, REGEX)
                    .judged(field),
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn an_exact_path_with_patterns_on_is_dead() {
        check(
            &Rule,
            "is f5-nginx\ning shop/a host=a.example /health(E)->a:80 /x.*(I)->a:80 ann:nginx.org/path-regex=case_sensitive",
            &[
                "high a.example: shop/a spec.rules[0].http.paths[0].path, shop/a metadata.annotations[\"nginx.org/path-regex\"]",
            ],
        );
    }

    #[test]
    fn without_the_annotation_it_lives() {
        silent(&Rule, "is f5-nginx\ning shop/a host=a.example /health(E)->a:80 /x(I)->a:80");
    }
}

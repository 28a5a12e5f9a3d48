//! # What it finds
//! `nginx.org/rewrite-target` on an Ingress with an Exact path.
//!
//! # Why it 404s
//! F5 NGINX writes a `rewrite` with too many arguments for the exact location; nginx refuses the file. No
//! newer change takes effect for anyone, and after a restart every host is 404.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {nginx.org/rewrite-target: /v1}
//! # path /api (Exact)
//! ```
//!
//! # What to do
//! Make the path a Prefix, or move it to an Ingress without the annotation.
//!
//! # References
//! nginx/kubernetes-ingress `internal/configs/version1/template_helper.go` @ v5.5, seen on the real
//! controller (`invalid number of arguments in "rewrite"`).

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::object::annotation_field;

use super::host_taken::{is_minion, owner};

const REWRITE: &str = "nginx.org/rewrite-target";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "f5_rewrite_on_exact"
    }

    fn worst(&self) -> Severity {
        Severity::Critical
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::F5Nginx {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter() {
            for entry in host.paths.iter().filter(|entry| entry.is_exact()) {
                let ingress = entry.ingress;
                let rendered = is_minion(ingress) || owner(host).is_some_and(|o| std::ptr::eq(o, ingress));
                if !rendered || ingress.meta.annotation(REWRITE).is_none() {
                    continue;
                }
                let facts = Facts::F5RewriteOnExact { path: entry.path.to_owned() };
                let fix = Fix::Remove { parts: vec![Part::new(ingress, annotation_field(REWRITE))] };
                found.push(
                    Conflict::new(self, field, Severity::Critical, facts, Effect::Frozen, fix)
                        .on(name)
                        .shown_by(name, entry.path)
                        .at_annotation(ingress, REWRITE)
                        .at_path(ingress, entry.place),
                );
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_rewrite_on_an_exact_path_stops_every_reload() {
        check(
            &Rule,
            "is f5-nginx\ning shop/a host=a.example /api(E)->a:80 /web(P)->a:80 ann:nginx.org/rewrite-target=/v1",
            &[
                "critical a.example: shop/a metadata.annotations[\"nginx.org/rewrite-target\"], shop/a spec.rules[0].http.paths[0].path",
            ],
        );
    }

    #[test]
    fn on_prefixes_or_in_another_dialect_it_does_not() {
        silent(
            &Rule,
            "is f5-nginx
             ing shop/a host=a.example /api(P)->a:80 ann:nginx.org/rewrite-target=/v1
             ing shop/b host=b.example /api(E)->a:80 ann:rewrite-target=/v1",
        );
    }
}

//! # What it finds
//! A `rewrite-target` that uses a captured part which the path does not capture.
//!
//! # Why it 404s
//! The missing part is empty: the upstream is asked for a path that lacks what it should have, whatever
//! was requested.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {nginx.ingress.kubernetes.io/rewrite-target: /$2}
//! spec:
//!   rules: [{http: {paths: [{path: /app/(.*), pathType: ImplementationSpecific, …}]}}]   # one group, not two
//! ```
//!
//! # What to do
//! Count the parentheses of the path; every path of the Ingress must capture what the target uses.
//!
//! # References
//! kubernetes/ingress-nginx `docs/examples/rewrite/README.md` @ controller-v1.15.1; nginx
//! `ngx_http_rewrite_module` (a variable of a group that is not there is empty).

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::{Field, pattern};
use crate::model::controller::ControllerKind;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "capture_group_missing"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::IngressNginx {
            return Vec::new();
        }
        let key = field.key("rewrite-target");
        let mut found = Vec::new();
        for (host, entry) in field.hosts.every_path() {
            let Some(target) = entry.ingress.meta.annotation(&key) else { continue };
            let Some(group) = pattern::highest_group(target) else { continue };
            let Some(groups) = pattern::groups(entry.path) else { continue };
            if group <= groups {
                continue;
            }
            let facts = Facts::CaptureGroupMissing {
                path: entry.path.to_owned(),
                target: target.to_owned(),
                group,
                groups,
            };
            let part = Part::new(entry.ingress, entry.place.field("path"));
            let fix = Fix::SetOneOf {
                part,
                values: if groups == 0 && group == 2 {
                    vec![format!("{}(/|$)(.*)", entry.path.trim_end_matches('/'))]
                } else if groups == 0 && group == 1 {
                    vec![format!("{}/(.*)", entry.path.trim_end_matches('/'))]
                } else {
                    Vec::new()
                },
            };
            let effect = Effect::UpstreamPath(pattern::without_groups_above(target, groups));
            let conflict = Conflict::new(self, field, Severity::High, facts, effect, fix)
                .on(host)
                .at_annotation(entry.ingress, &key)
                .at_path(entry.ingress, entry.place);
            found.push(conflict.shown_by_one_of(field, host, pattern::samples(entry.path)));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_group_that_the_path_does_not_have_is_found() {
        let found = check(
            &Rule,
            "ing shop/web host=a.example /app/(.*)(I)->web:80 /plain(P)->web:80 ann:rewrite-target=/$2",
            &[
                "high a.example: shop/web metadata.annotations[\"nginx.ingress.kubernetes.io/rewrite-target\"], shop/web spec.rules[0].http.paths[0].path",
                "high a.example: shop/web metadata.annotations[\"nginx.ingress.kubernetes.io/rewrite-target\"], shop/web spec.rules[0].http.paths[1].path",
            ],
        );
        assert_eq!(found[0].sees.effect, Effect::UpstreamPath("/".to_owned()));
        assert_eq!(found[1].sees.url.as_deref(), Some("http://a.example/plain"));
    }

    #[test]
    fn groups_that_are_there_are_not() {
        silent(
            &Rule,
            "ing shop/a host=a.example /app(/|$)(.*)(I)->web:80 ann:rewrite-target=/$2
             ing shop/b host=b.example /(?:x|y)/(.*)(I)->web:80 ann:rewrite-target=/$1
             ing shop/c host=c.example /x(P)->web:80 ann:rewrite-target=/$uri
             ing shop/d host=d.example /([(]a)(I)->web:80 ann:rewrite-target=/$1",
        );
    }
}

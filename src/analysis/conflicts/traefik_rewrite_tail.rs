//! # What it finds
//! A `rewrite-target` without a capture group under Traefik's provider for ingress-nginx annotations.
//!
//! # Why it 404s
//! ingress-nginx replaces the whole path; this provider replaces the matched part and keeps the rest:
//! `/app` → `/` makes `/app/x` into `//x`, which is answered 400, and `/app` → `/new` makes it `/new/x`.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}
//! # path /app (Prefix)
//! ```
//!
//! # What to do
//! Match the whole path: `/app(/|$)(.*)` with target `/$2`.
//!
//! # References
//! traefik `pkg/provider/kubernetes/ingress-nginx` (rewrite target) @ v3.7, seen on the real controller.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::model::agrees;
use crate::analysis::field::{Field, pattern};
use crate::model::controller::ControllerKind;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "traefik_rewrite_tail"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::TraefikIngressNginx {
            return Vec::new();
        }
        let key = field.key("rewrite-target");
        let mut found = Vec::new();
        for (host, entry) in field.hosts.every_path() {
            let Some(target) = entry.ingress.meta.annotation(&key) else { continue };
            let fixed = target.starts_with('/') && !target.contains('$');
            // A pattern may well take the rest in.
            if !fixed || entry.is_exact() || !pattern::is_literal(entry.path) || target == entry.path {
                continue;
            }
            let head = entry.path.trim_end_matches('/');
            let tail = if entry.path.ends_with('/') { "any/deeper" } else { "/any/deeper" };
            let made = format!("{target}{tail}");
            let (severity, effect) = match made.starts_with("//") {
                true => (Severity::High, Effect::Status(400)),
                false => (Severity::Medium, Effect::UpstreamPath(made)),
            };
            let facts = Facts::TraefikRewriteTail { path: entry.path.to_owned(), target: target.to_owned() };
            let fix = Fix::Set {
                part: Part::new(entry.ingress, entry.place.field("path")),
                value: format!("{head}(/|$)(.*)"),
            };
            let told = Conflict::new(self, field, severity, facts, effect, fix)
                .on(host)
                .shown_by(host, &format!("{head}/any/deeper"))
                .at_annotation(entry.ingress, &key)
                .at_path(entry.ingress, entry.place);
            // A path that no request has in this form, or that another rule takes, is not rewritten.
            let decision = told.sees.url.as_deref().and_then(|url| field.decide(host, url));
            let own = (entry.ingress.meta.key(), entry.place);
            let winner = decision.as_ref().and_then(|decision| decision.winner.as_ref());
            if decision.is_some() && winner.map(|winner| (winner.ingress.clone(), winner.place)) != Some(own)
            {
                continue;
            }
            // Nobody gets it where nobody is there.
            let is_seen = decision.is_none_or(|decision| agrees(&told.sees.effect, &decision));
            found.push(if is_seen { told } else { told.unshown() });
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, found, sees, silent};

    #[test]
    fn the_rest_of_the_path_stays() {
        let place = "a.example: shop/a metadata.annotations[\"nginx.ingress.kubernetes.io/rewrite-target\"], shop/a spec.rules[0].http.paths[0].path";
        for (target, severity, answer) in
            [("/", "high", "400"), ("/new", "medium", "upstream gets /new/any/deeper")]
        {
            let found = check(
                &Rule,
                &format!(
                    "is traefik-ingress-nginx\ning shop/a host=a.example /app(P)->a:80 ann:rewrite-target={target}"
                ),
                &[&format!("{severity} {place}")],
            );
            sees(&found, &[&format!("http://a.example/app/any/deeper: {answer}")]);
        }
    }

    #[test]
    fn with_groups_patterns_or_ingress_nginx_itself_it_is_not_found() {
        silent(
            &Rule,
            "is traefik-ingress-nginx
             ing shop/a host=a.example /app(/|$)(.*)(I)->a:80 ann:rewrite-target=/$2
             ing shop/b host=b.example /app(E)->a:80 ann:rewrite-target=/new",
        );
        silent(&Rule, "ing shop/a host=a.example /app(P)->a:80 ann:rewrite-target=/");
    }

    #[test]
    fn where_nobody_is_there_no_request_shows_it() {
        let world = "is traefik-ingress-nginx
             svc shop/other 80
             ing shop/a host=a.example /app(P)->gone:80 ann:rewrite-target=/new";
        sees(&found(&Rule, world), &["-: upstream gets /new/any/deeper"]);
    }
}

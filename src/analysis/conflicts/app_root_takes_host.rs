//! # What it finds
//! An `app-root` on a host where another Ingress has the `/`.
//!
//! # Why it 404s
//! `app-root` is written for the whole server: `/` is redirected to it whoever owns the path. The other
//! Ingress's start page is never served, and the redirect leads to a path that its application may not
//! know.
//!
//! # Example
//! ```yaml
//! # Ingress shop/admin: path /admin, annotation app-root: /admin
//! # Ingress shop/web:   path /            https://shop.example.com/ leads to /admin
//! ```
//!
//! # What to do
//! Take the annotation away, or give its Ingress a host of its own.
//!
//! # References
//! kubernetes/ingress-nginx `rootfs/etc/nginx/template/nginx.tmpl` (if ($uri = /)) @ controller-v1.15.1.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::Entry;
use crate::analysis::field::sites::Owner;
use crate::model::object::annotation_field;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "app_root_takes_host"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for (name, site) in &field.sites {
            let Some(host) = field.hosts.get(name).filter(|host| host.ingresses.len() > 1) else { continue };
            // The first location that has one decides.
            let rooted = site.locations.iter().find_map(|location| match location.owner {
                Owner::Path(entry) => Some((entry.ingress, field.policy.text(entry.ingress, "app-root")?)),
                Owner::Host(maker) => Some((maker, field.policy.text(maker, "app-root")?)),
                Owner::CatchAll(_) | Owner::Nobody => None,
            });
            let Some((ingress, target)) = rooted.filter(|(_, target)| target.starts_with('/')) else {
                continue;
            };
            let others: Vec<&Entry<'_>> = host
                .paths
                .iter()
                .filter(|entry| entry.path == "/" && !std::ptr::eq(entry.ingress, ingress))
                .collect();
            if others.is_empty() {
                continue;
            }
            let key = field.key("app-root");
            let facts = Facts::AppRootTakesHost { target: target.clone().into_owned() };
            let effect = Effect::Redirect { status: 302, to: format!("http://{name}{target}") };
            let fix = Fix::Remove { parts: vec![Part::new(ingress, annotation_field(&key))] };
            let mut conflict = Conflict::new(self, field, Severity::High, facts, effect, fix)
                .on(name)
                .shown_by(name, "/")
                .at_annotation(ingress, &key)
                .won_by(ingress);
            for other in others {
                conflict = conflict.at_path(other.ingress, other.place);
            }
            found.push(conflict.judged(field));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    #[test]
    fn the_root_of_another_ingress_is_never_served() {
        for (admin, web) in [(9, 8), (8, 9)] {
            let found = check(
                &Rule,
                &format!(
                    "ing shop/admin age={admin} host=a.example /admin(P)->admin:80 ann:app-root=/admin
                     ing shop/web age={web} host=a.example /(P)->web:80"
                ),
                &[
                    "high a.example: shop/admin metadata.annotations[\"nginx.ingress.kubernetes.io/app-root\"], shop/web spec.rules[0].http.paths[0].path",
                ],
            );
            sees(&found, &["http://a.example/: 302 http://a.example/admin"]);
        }
    }

    #[test]
    fn on_a_host_of_its_own_or_without_another_root_it_is_meant() {
        silent(
            &Rule,
            "ing shop/admin age=9 host=a.example /admin(P)->admin:80 /(P)->admin:80 ann:app-root=/admin
             ing shop/api age=8 host=a.example /api(P)->web:80
             ing shop/one age=7 host=b.example /admin(P)->admin:80 ann:app-root=/admin
             ing shop/two age=6 host=b.example /api(P)->web:80",
        );
    }
}

//! # What it finds
//! A canary whose effect reaches further, or less far, than its host and path: the main Service also
//! serves other rules, or the canary's own Service is a main backend somewhere.
//!
//! # Why it 404s
//! A canary hangs on the *Service port* of the main rule: every other rule with that Service and port is
//! split too, also on other hosts, whose paths the canary does not know. And whoever names a Service first
//! decides what it is: a Service that a canary named first serves no main rule, and one that a main rule
//! named first is no alternative.
//!
//! # Example
//! ```yaml
//! # Ingress shop/web:    a.example.com / → web, b.example.com / → web
//! # Ingress shop/canary: a.example.com / → web-canary, canary-weight: "10"    (b.example.com is split too)
//! ```
//!
//! # What to do
//! Give the main rule, or the canary, a Service of its own for the same pods.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (createUpstreams,
//! mergeAlternativeBackends), `rootfs/etc/nginx/lua/balancer.lua` @ controller-v1.15.1.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::analysis::conflict::facts::Leak;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::hosts::Entry;
use crate::analysis::field::{Field, pattern};
use crate::analysis::routing::Target;
use crate::model::controller::ControllerKind;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "canary_shared_service"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field
            .hosts
            .iter()
            .all(|(_, host)| host.canaries.is_empty() && host.paths.iter().all(|e| !e.canary))
        {
            return Vec::new();
        }
        let mut found = self.splits(field);
        if field.kind == ControllerKind::IngressNginx {
            found.extend(self.displaced(field));
            found.extend(self.no_longer_canaries(field));
        }
        found
    }
}

/// Host, path, and whether the path is exact.
type Spot<'a> = (&'a str, &'a str, bool);

fn place<'a>(entry: &Entry<'a>) -> Spot<'a> {
    (entry.host(), entry.path, entry.is_exact())
}

impl Rule {
    /// Rules beside the canary's own that its main Service serves.
    fn splits(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut by_target: HashMap<Target, Vec<(&str, &Entry<'_>)>> = HashMap::new();
        let mut mains: HashMap<(&str, &str, bool), &Entry<'_>> = HashMap::new();
        for (host, entry) in field.hosts.every_path().filter(|(_, entry)| !entry.canary) {
            if let Some(target) = entry.target() {
                by_target.entry(target).or_default().push((host, entry));
            }
            mains.entry((host, entry.path, entry.is_exact())).or_insert(entry);
        }
        // Of several canaries on one Service only the first counts.
        let mut first: BTreeMap<Target, (&Entry<'_>, HashSet<Spot<'_>>)> = BTreeMap::new();
        for canary in field.hosts.iter().flat_map(|(_, host)| &host.canaries) {
            let Some(main) = mains.get(&place(canary)).and_then(|main| main.target()) else { continue };
            let (kept, places) = first.entry(main).or_insert_with(|| (canary, HashSet::new()));
            if kept.same_backend(canary) {
                places.insert(place(canary));
            }
        }
        let mut found = Vec::new();
        for (main, (canary, places)) in first {
            let all = by_target.get(&main).map(Vec::as_slice).unwrap_or_default();
            let others: Vec<&(&str, &Entry<'_>)> =
                all.iter().filter(|(_, entry)| !places.contains(&place(entry))).collect();
            let (Some((host, other)), Some(to)) = (others.first(), canary.target()) else { continue };
            let facts =
                Facts::CanarySharedService { service: main, leak: Leak::Split { rules: others.len() } };
            let fix = Fix::OwnService { ingress: other.ingress.meta.key() };
            let mut conflict = Conflict::new(self, field, Severity::Medium, facts, Effect::Split { to }, fix)
                .on(host)
                .at_annotation(canary.ingress, &field.key("canary"))
                .at_path(canary.ingress, canary.place);
            for (_, entry) in &others {
                conflict =
                    conflict.at(entry.ingress, entry.place.field("backend.service.name"), service(entry));
            }
            found.push(conflict.shown_by_one_of(field, host, pattern::samples(other.path)));
        }
        found
    }

    /// Main rules whose Service an older canary named first.
    fn displaced(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut by_service: BTreeMap<Target, Vec<(&str, &Entry<'_>)>> = BTreeMap::new();
        for (name, host) in field.hosts.iter() {
            for entry in &host.displaced {
                if let Some(target) = entry.target() {
                    by_service.entry(target).or_default().push((name, entry));
                }
            }
        }
        let mut found = Vec::new();
        for (service_port, entries) in by_service {
            let Some((host, first)) = entries.first() else { continue };
            let Some(maker) = field.hosts.maker(first) else { continue };
            let covering = field.hosts.get(host).and_then(|host| host.covering(first.path));
            let effect = match covering {
                Some(by) => Effect::ServedBy { ingress: by.ingress.meta.key(), backend: by.target() },
                None => Effect::Status(404),
            };
            let leak = Leak::MainIgnored { rules: entries.len() };
            let facts = Facts::CanarySharedService { service: service_port, leak };
            let fix = Fix::OwnService { ingress: maker.ingress.meta.key() };
            let mut conflict = Conflict::new(self, field, Severity::High, facts, effect, fix)
                .on(host)
                .at_annotation(maker.ingress, &field.key("canary"));
            for (_, entry) in &entries {
                conflict =
                    conflict.at(entry.ingress, entry.place.field("backend.service.name"), service(entry));
            }
            let sample = pattern::samples(first.path).into_iter().next();
            found.push(match sample {
                Some(sample) => conflict.shown_by(host, &sample).judged(field),
                None => conflict,
            });
        }
        found
    }

    /// Canaries whose Service an older main rule named first.
    fn no_longer_canaries(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        let mut told = HashSet::new();
        for (host, entry) in field.hosts.every_path().filter(|(_, entry)| entry.canary) {
            // On the catch-all it has a rule of its own.
            let once = told.insert((std::ptr::from_ref(entry.ingress), entry.target()));
            if (host.is_empty() && !entry.host().is_empty()) || !once {
                continue;
            }
            let Some(main) = field.hosts.maker(entry).filter(|maker| !maker.canary) else { continue };
            let Some(service_port) = entry.target() else { continue };
            let effect = Effect::ServedBy { ingress: entry.ingress.meta.key(), backend: entry.target() };
            let leak = Leak::NoLongerCanary { main: main.ingress.meta.key() };
            let facts = Facts::CanarySharedService { service: service_port, leak };
            let fix = Fix::OwnService { ingress: entry.ingress.meta.key() };
            let conflict = Conflict::new(self, field, Severity::Medium, facts, effect, fix)
                .on(host)
                .at_annotation(entry.ingress, &field.key("canary"))
                .at(entry.ingress, entry.place.field("backend.service.name"), service(entry));
            let sample = pattern::samples(entry.path).into_iter().next();
            found.push(match sample {
                Some(sample) => conflict.shown_by(host, &sample).judged(field),
                None => conflict,
            });
        }
        found
    }
}

fn service<'a>(entry: &Entry<'a>) -> Option<&'a str> {
    entry.rule.backend.service().map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const CANARY: &str = "shop/c metadata.annotations[\"nginx.ingress.kubernetes.io/canary\"]";
    const NAME: &str = "spec.rules[0].http.paths[0].backend.service.name";
    const ON: &str = "ann:canary=true ann:canary-weight=10";

    #[test]
    fn another_host_with_the_same_service_is_split_too() {
        let found = check(
            &Rule,
            &format!(
                "ing shop/a age=9 host=a.example /(P)->web:80
                 ing shop/b age=8 host=b.example /(P)->web:80
                 ing shop/c age=1 host=a.example /(P)->next:80 {ON}"
            ),
            &[&format!("medium b.example: {CANARY}, shop/c spec.rules[0].http.paths[0].path, shop/b {NAME}")],
        );
        sees(&found, &["http://b.example/: some to next:80"]);
    }

    #[test]
    fn a_main_rule_whose_service_an_older_canary_named_is_not_loaded() {
        let found = check(
            &Rule,
            &format!(
                "ing shop/a age=9 host=a.example /(P)->web:80
                 ing shop/c age=8 host=a.example /(P)->next:80 {ON}
                 ing shop/n age=1 host=n.example /(P)->next:80"
            ),
            &[&format!("high n.example: {CANARY}, shop/n {NAME}")],
        );
        sees(&found, &["http://n.example/: 404"]);
    }

    #[test]
    fn a_canary_whose_service_an_older_rule_named_is_none() {
        let found = check(
            &Rule,
            &format!(
                "ing shop/n age=9 host=n.example /(P)->next:80
                 ing shop/a age=8 host=a.example /(P)->web:80
                 ing shop/c age=1 host=a.example /(P)->next:80 {ON}"
            ),
            &[&format!("medium a.example: {CANARY}, shop/c {NAME}")],
        );
        sees(&found, &["http://a.example/: shop/a web:80"]);
    }

    #[test]
    fn a_canary_and_its_main_rule_with_services_of_their_own_are_healthy() {
        silent(
            &Rule,
            &format!(
                "ing shop/a age=9 host=a.example /(P)->web:80 /x(P)->web:8080
                 ing shop/c age=1 host=a.example /(P)->next:80 {ON}
                 ing shop/b age=8 host=b.example /(P)->other:80"
            ),
        );
        silent(
            &Rule,
            &format!(
                "ing shop/a age=9 host=a.example /(P)->web:80 /x(P)->web:80
                 ing shop/c age=1 host=a.example /(P)->next:80 /x(P)->next:80 {ON}"
            ),
        );
    }
}

//! # What it finds
//! Several Ingresses that want to be the default backend of everybody: by `spec.defaultBackend` alone, or
//! by a hostless `/` beside it.
//!
//! # Why it 404s
//! There is one catch-all. On ingress-nginx the oldest Ingress without rules has it, and a hostless Prefix
//! `/` of another Ingress is discarded for it; with Traefik and haproxytech nobody can say which one has
//! it; with Kong and HAProxy Ingress the oldest; with Application Gateway and Traefik's provider for
//! ingress-nginx annotations the first; with Contour any of them; Cilium splits the requests; on AWS two in
//! one group stop all changes of the group. Requests for unknown hosts end in an application that does not
//! know them.
//!
//! # Example
//! ```yaml
//! # Ingress a/all: spec.defaultBackend web-a      (older: has the catch-all)
//! # Ingress b/all: spec.defaultBackend web-b      (ignored)
//! ```
//!
//! # What to do
//! Keep one; give the others rules with hosts.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (createServers) @
//! controller-v1.15.1; traefik `pkg/provider/kubernetes/ingress/kubernetes.go`;
//! haproxytech/kubernetes-ingress#811, #635; aws-load-balancer-controller `pkg/ingress/model_builder.go`.

use std::collections::BTreeMap;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::{Entry, target};
use crate::analysis::field::sites::{Owner, rule_less};
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Place};

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "several_default_backends"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        use ControllerKind as K;
        match field.kind {
            K::IngressNginx => {
                let mut found =
                    self.oldest(field, &rule_less(&field.loaded, &field.policy).collect::<Vec<_>>());
                found.extend(self.discarded_roots(field));
                found
            }
            K::Traefik => self.any(field, &rule_less(&field.loaded, &field.policy).collect::<Vec<_>>()),
            K::Haproxytech => self.any(field, &with_default(field)),
            K::Kong => self.oldest(field, &with_default(field)),
            K::AwsAlb => self.groups(field),
            K::Contour | K::Cilium | K::HaproxyIngress => {
                let mut found = self.by_model(field, &with_default(field));
                found.extend(self.beside_a_root(field));
                found
            }
            K::TraefikIngressNginx | K::Agic => {
                let alone: Vec<&Ingress> =
                    with_default(field).into_iter().filter(|ingress| ingress.rules.is_empty()).collect();
                self.by_model(field, &alone)
            }
            // F5 takes none without rules; Istio and APISIX read none; each of GCE has its own balancer.
            K::F5Nginx
            | K::Istio
            | K::Gce
            | K::Apisix
            | K::OpenshiftRouter
            | K::Spec
            | K::HttpRoute
            | K::TraefikGateway => Vec::new(),
        }
    }
}

/// Every Ingress with a default backend, oldest first.
fn with_default<'a>(field: &Field<'a>) -> Vec<&'a Ingress> {
    let has = |ingress: &&Ingress| ingress.default_backend.as_ref().is_some_and(|b| b.service().is_some());
    field.loaded.iter().copied().filter(has).collect()
}

/// Whether they all mean the same Service.
fn agree(all: &[&Ingress]) -> bool {
    let of =
        |ingress: &Ingress| ingress.default_backend.as_ref().and_then(|backend| target(ingress, backend));
    all.windows(2).all(|pair| matches!(pair, [a, b] if of(a) == of(b)))
}

impl Rule {
    fn oldest(&self, field: &Field<'_>, all: &[&Ingress]) -> Vec<Conflict> {
        let Some((first, losers)) = all.split_first().filter(|(_, losers)| !losers.is_empty()) else {
            return Vec::new();
        };
        if agree(all) {
            return Vec::new();
        }
        let backend = first.default_backend.as_ref().and_then(|backend| target(first, backend));
        let effect = Effect::ServedBy { ingress: first.meta.key(), backend };
        let order: Vec<&Ingress> =
            losers.iter().take(1).chain([first]).chain(losers.iter().skip(1)).copied().collect();
        vec![self.told(field, &order, losers.len(), effect).won_by(*first).judged(field)]
    }

    fn any(&self, field: &Field<'_>, all: &[&Ingress]) -> Vec<Conflict> {
        if all.len() < 2 || agree(all) {
            return Vec::new();
        }
        let of = |ingress: &&Ingress| target(ingress, ingress.default_backend.as_ref()?);
        let mut targets: Vec<_> = all.iter().filter_map(of).collect();
        targets.sort();
        targets.dedup();
        // Of those that somebody is behind.
        vec![self.told(field, all, all.len() - 1, Effect::AnyOf(targets)).judged(field)]
    }

    /// Those that want to be it, if the routing model lets one or several of them have it.
    fn by_model(&self, field: &Field<'_>, all: &[&Ingress]) -> Vec<Conflict> {
        if all.len() < 2 || agree(all) {
            return Vec::new();
        }
        let told = self.told(field, all, all.len() - 1, Effect::OwnAnswer).judged(field);
        let winner = match &told.sees.effect {
            Effect::AnyOf(targets) if targets.len() > 1 => return vec![told],
            Effect::ServedBy { ingress, .. } => all.iter().find(|one| one.meta.key() == *ingress),
            _ => None,
        };
        let Some(winner) = winner else { return Vec::new() };
        let mut order: Vec<&Ingress> =
            all.iter().copied().filter(|ingress| !std::ptr::eq(*ingress, *winner)).collect();
        order.insert(1.min(order.len()), winner);
        vec![self.told(field, &order, all.len() - 1, Effect::OwnAnswer).won_by(*winner).judged(field)]
    }

    /// A hostless `/` and a default backend of another Ingress, of which not the rule alone is in force.
    fn beside_a_root(&self, field: &Field<'_>) -> Option<Conflict> {
        let root = *field.hosts.get("")?.root()?;
        let is_other = |ingress: &&Ingress| {
            let backend = ingress.default_backend.as_ref().and_then(|backend| target(ingress, backend));
            !std::ptr::eq(*ingress, root.ingress) && backend != root.target()
        };
        let default = with_default(field).into_iter().find(is_other)?;
        let facts = Facts::SeveralDefaultBackends { losers: 1, rules: true };
        let parts = vec![
            Part::new(root.ingress, root.place.field("path")),
            Part::new(default, Place::DefaultBackend.field("")),
        ];
        let fix = Fix::KeepOne { parts };
        let told = Conflict::new(self, field, Severity::High, facts, Effect::OwnAnswer, fix)
            .on("")
            .shown_by("", "/")
            .at_path(root.ingress, root.place)
            .at_default(default)
            .judged(field);
        match &told.sees.effect {
            Effect::AnyOf(targets) if targets.len() > 1 => Some(told),
            Effect::ServedBy { ingress, .. } if *ingress == default.meta.key() => Some(told.won_by(default)),
            _ => None,
        }
    }

    /// Two in one group of AWS.
    fn groups(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut groups: BTreeMap<String, Vec<&Ingress>> = BTreeMap::new();
        for ingress in with_default(field) {
            groups.entry(super::alb_group_stuck::group(ingress)).or_default().push(ingress);
        }
        groups
            .into_values()
            .filter(|members| members.len() > 1)
            .map(|members| self.told(field, &members, members.len() - 1, Effect::GroupFrozen))
            .collect()
    }

    fn told(&self, field: &Field<'_>, all: &[&Ingress], losers: usize, effect: Effect) -> Conflict {
        let facts = Facts::SeveralDefaultBackends { losers, rules: false };
        let parts = all.iter().map(|ingress| Part::new(*ingress, "spec.defaultBackend")).collect();
        let conflict = Conflict::new(self, field, Severity::High, facts, effect, Fix::KeepOne { parts })
            .on("")
            .shown_by("", "/");
        all.iter().fold(conflict, |conflict, ingress| conflict.at_default(ingress))
    }

    /// Hostless `/` rules that the oldest default backend displaces on ingress-nginx.
    fn discarded_roots(&self, field: &Field<'_>) -> Option<Conflict> {
        let site = field.sites.get("")?;
        let losers: Vec<(Entry<'_>, &Ingress)> = site
            .ignored
            .iter()
            .filter_map(|(entry, owner)| match owner {
                Owner::CatchAll(ingress) => Some((*entry, *ingress)),
                Owner::Path(_) | Owner::Host(_) | Owner::Nobody => None,
            })
            .filter(|(entry, ingress)| ingress.default_backend.as_ref() != Some(&entry.rule.backend))
            .collect();
        let (_, winner) = losers.first()?;
        let facts = Facts::SeveralDefaultBackends { losers: losers.len(), rules: true };
        let backend = winner.default_backend.as_ref().and_then(|backend| target(winner, backend));
        let effect = Effect::ServedBy { ingress: winner.meta.key(), backend };
        let mut parts: Vec<Part> =
            losers.iter().map(|(entry, _)| Part::new(entry.ingress, entry.place.field("path"))).collect();
        parts.push(Part::new(*winner, Place::DefaultBackend.field("")));
        let mut conflict = Conflict::new(self, field, Severity::High, facts, effect, Fix::KeepOne { parts })
            .on("")
            .shown_by("", "/")
            .won_by(*winner);
        for (entry, _) in losers.iter().take(crate::analysis::conflict::SHOWN - 1) {
            conflict = conflict.at_path(entry.ingress, entry.place);
        }
        Some(conflict.at_default(winner).judged(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, found, sees, silent};

    const TWO: &str = "ing a/all age=9 default=web:80\ning b/all age=8 default=web:80";
    const URL: &str = "http://any-other-host.invalid/";

    #[test]
    fn the_oldest_has_the_catch_all_of_ingress_nginx() {
        let found = check(
            &Rule,
            TWO,
            &["high : b/all spec.defaultBackend.service.name, a/all spec.defaultBackend.service.name"],
        );
        sees(&found, &[&format!("{URL}: a/all web:80")]);
    }

    #[test]
    fn a_hostless_root_beside_it_is_discarded_whoever_is_older() {
        for (root, default) in [(9, 8), (8, 9)] {
            let found = check(
                &Rule,
                &format!(
                    "ing shop/web age={root} /(P)->web:80
                     ing infra/all age={default} default=errors:80"
                ),
                &[
                    "high : shop/web spec.rules[0].http.paths[0].path, infra/all spec.defaultBackend.service.name",
                ],
            );
            sees(&found, &[&format!("{URL}: infra/all errors:80")]);
        }
    }

    #[test]
    fn one_alone_several_that_agree_and_those_with_rules_are_not() {
        silent(&Rule, "ing a/all default=web:80\ning a/web host=a.example /(P)->web:80 default=other:80");
        silent(&Rule, "ing a/one age=9 default=web:80\ning a/two age=8 default=web:80");
        silent(&Rule, "ing a/all default=web:80\ning b/web /x(P)->web:80 /(E)->web:80");
    }

    #[test]
    fn a_hostless_root_of_another_ingress_may_be_in_its_way() {
        let world = "ing a/all age=9 default=any:80\ning b/web age=8 /(P)->web:80";
        for (product, answer) in [("contour", "one of any:80 web:80"), ("cilium", "one of any:80 web:80")] {
            let found = check(
                &Rule,
                &format!("is {product}\n{world}"),
                &["high : b/web spec.rules[0].http.paths[0].path, a/all spec.defaultBackend.service.name"],
            );
            sees(&found, &[&format!("{URL}: {answer}")]);
        }
        // Where the rule wins that is what everybody expects.
        for product in
            ["traefik", "traefik-ingress-nginx", "haproxytech", "haproxy-ingress", "kong", "gce", "aws-alb"]
        {
            silent(&Rule, &format!("is {product}\n{world}"));
        }
    }

    #[test]
    fn other_products_have_their_own_way() {
        for (product, answer) in [
            ("traefik", "one of web:80 web:80"),
            ("haproxytech", "one of web:80 web:80"),
            ("kong", "a/all web:80"),
            ("haproxy-ingress", "a/all web:80"),
            ("agic", "a/all web:80"),
            ("contour", "one of web:80 web:80"),
            ("cilium", "one of web:80 web:80"),
            ("traefik-ingress-nginx", "a/all web:80"),
        ] {
            let found = crate::analysis::field::kit::found(&Rule, &format!("is {product}\n{TWO}"));
            sees(&found, &[&format!("{URL}: {answer}")]);
        }
        for product in ["istio", "apisix", "gce", "aws-alb"] {
            silent(&Rule, &format!("is {product}\n{TWO}"));
        }
        let group = "ann:alb.ingress.kubernetes.io/group.name=g";
        let found = check(
            &Rule,
            &format!(
                "is aws-alb\ning a/all default=web:80 {group}\ning b/x host=b.example /(P)->x:80 default=x:80 {group}"
            ),
            &["high : b/x spec.defaultBackend.service.name, a/all spec.defaultBackend.service.name"],
        );
        sees(&found, &[&format!("{URL}: GroupFrozen")]);
    }

    #[test]
    fn where_only_one_has_somebody_behind_it_chance_has_no_say() {
        let world = "is traefik
             svc shop/web 80
             svc shop/idle 80 empty
             ing shop/a age=2 default=web:80
             ing shop/b age=1 default=idle:80";
        sees(&found(&Rule, world), &["http://any-other-host.invalid/: shop/a web:80"]);
    }
}

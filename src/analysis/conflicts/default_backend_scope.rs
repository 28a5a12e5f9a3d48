//! # What it finds
//! A `spec.defaultBackend` beside rules that does not do what it says.
//!
//! # Why it 404s
//! Its reach differs by product. On ingress-nginx it holds for the hosts that this Ingress was the first
//! to name, and never for hostless rules; Traefik, Istio and APISIX ignore it; haproxytech, Kong and
//! HAProxy Ingress make it the default of *all* hosts: other people's 404s come from this application.
//! Contour and Cilium give it the hosts that no rule names, and not the hosts of its own Ingress; on AWS it
//! has whatever no rule of the whole group takes.
//!
//! # Example
//! ```yaml
//! # Ingress a/web, older: host shop.example.com, path /x
//! # Ingress b/web:        host shop.example.com, path /y, spec.defaultBackend fallback    (never asked)
//! ```
//!
//! # What to do
//! Write a rule with path `/` for each host instead.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (createServers) @
//! controller-v1.15.1; traefik `pkg/provider/kubernetes/ingress/kubernetes.go`; Istio
//! `pilot/pkg/config/kube/ingress/conversion.go`; haproxytech/kubernetes-ingress#811, #635.

use std::collections::{HashMap, HashSet};

use super::alb_group_stuck::group;

use crate::analysis::conflict::facts::Scope;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, SHOWN, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::target;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Place};

/// The Ingresses of each load balancer of AWS.
type Groups<'a> = HashMap<String, Vec<&'a Ingress>>;

fn is_served_by(told: &Conflict, ingress: &Ingress) -> bool {
    matches!(&told.sees.effect, Effect::ServedBy { ingress: by, .. } if *by == ingress.meta.key())
}

/// A path that no rule is likely to have.
const UNMATCHED: &str = "/no-rule-has-this-path";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "default_backend_scope"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut groups: Groups<'_> = HashMap::new();
        if field.kind == ControllerKind::AwsAlb {
            for ingress in &field.loaded {
                groups.entry(group(ingress)).or_default().push(ingress);
            }
        }
        field
            .loaded
            .iter()
            .filter(|ingress| ingress.default_backend.as_ref().is_some_and(|b| b.service().is_some()))
            .filter_map(|ingress| self.of(field, ingress, &groups))
            .collect()
    }
}

impl Rule {
    fn of(&self, field: &Field<'_>, ingress: &Ingress, groups: &Groups<'_>) -> Option<Conflict> {
        use ControllerKind as K;
        let hostless = ingress.rules.iter().all(|rule| rule.host().is_empty());
        let has_rules = !ingress.rules.is_empty();
        match field.kind {
            K::IngressNginx if has_rules && hostless => {
                let effect = Effect::WithoutEffect;
                Some(self.told(field, ingress, Severity::Medium, Scope::Hostless, effect))
            }
            K::IngressNginx if has_rules => self.not_the_maker(field, ingress),
            K::Traefik if has_rules => {
                Some(self.told(field, ingress, Severity::Medium, Scope::Ignored, Effect::WithoutEffect))
            }
            K::TraefikIngressNginx if has_rules && hostless => {
                Some(self.told(field, ingress, Severity::Medium, Scope::Hostless, Effect::WithoutEffect))
            }
            K::Istio | K::Apisix => {
                Some(self.told(field, ingress, Severity::Medium, Scope::Ignored, Effect::WithoutEffect))
            }
            // Without rules it is meant for everybody.
            K::Haproxytech if has_rules => {
                let backend = ingress.default_backend.as_ref().and_then(|backend| target(ingress, backend));
                let effect = Effect::ServedBy { ingress: ingress.meta.key(), backend };
                let told = self.told(field, ingress, Severity::High, Scope::Everybody, effect);
                Some(told.on("").shown_by("", "/").judged(field))
            }
            K::Kong if has_rules => {
                let is_oldest = field
                    .loaded
                    .iter()
                    .find(|other| other.default_backend.is_some())
                    .is_some_and(|first| std::ptr::eq(*first, ingress));
                if !is_oldest {
                    return None;
                }
                let backend = ingress.default_backend.as_ref().and_then(|backend| target(ingress, backend));
                let effect = Effect::ServedBy { ingress: ingress.meta.key(), backend };
                let told = self.told(field, ingress, Severity::High, Scope::Everybody, effect);
                Some(told.on("").shown_by("", "/").judged(field))
            }
            K::HaproxyIngress if has_rules && !hostless => {
                self.of_unknown_hosts(field, ingress, Severity::High, Scope::Everybody)
            }
            K::Contour | K::Cilium if has_rules && !hostless => {
                self.of_unknown_hosts(field, ingress, Severity::Medium, Scope::UnknownHosts)
            }
            K::AwsAlb if has_rules => self.of_group(field, ingress, groups.get(&group(ingress))?),
            K::IngressNginx
            | K::Traefik
            | K::TraefikIngressNginx
            | K::F5Nginx
            | K::Haproxytech
            | K::HaproxyIngress
            | K::AwsAlb
            | K::Contour
            | K::Cilium
            | K::Kong
            | K::Gce
            | K::Agic
            | K::OpenshiftRouter
            | K::Spec
            | K::HttpRoute
            | K::TraefikGateway => None,
        }
    }

    /// A request for a host that no rule names, if it comes to this default backend.
    fn of_unknown_hosts(
        &self,
        field: &Field<'_>,
        ingress: &Ingress,
        severity: Severity,
        scope: Scope,
    ) -> Option<Conflict> {
        let told = self.told(field, ingress, severity, scope, Effect::OwnAnswer);
        let told = told.on("").shown_by("", UNMATCHED).judged(field);
        is_served_by(&told, ingress).then_some(told)
    }

    /// A request for another member of the group of AWS, if it comes to this default backend.
    fn of_group(&self, field: &Field<'_>, ingress: &Ingress, group: &[&Ingress]) -> Option<Conflict> {
        let own = ingress.hosts();
        let hosts = group.iter().take(SHOWN).flat_map(|other| other.hosts());
        let host = hosts.into_iter().find(|host| !host.is_empty() && !own.contains(host))?;
        let scope = Scope::Group { others: group.len() - 1 };
        let told = self.told(field, ingress, Severity::Medium, scope, Effect::OwnAnswer);
        let told = told.on(host).shown_by(host, UNMATCHED).judged(field);
        is_served_by(&told, ingress).then_some(told)
    }

    /// Hosts of the Ingress that an older one made.
    fn not_the_maker(&self, field: &Field<'_>, ingress: &Ingress) -> Option<Conflict> {
        let mut lost: Vec<(&str, &Ingress)> = Vec::new();
        let mut known = HashSet::new();
        for rule in ingress.rules.iter().filter(|rule| !rule.host().is_empty()) {
            let Some(host) = field.hosts.get(rule.host()) else { continue };
            let Some(maker) = host.maker() else { continue };
            if known.insert(rule.host()) && !std::ptr::eq(maker, ingress) && host.root().is_none() {
                lost.push((rule.host(), maker));
            }
        }
        let (host, older) = *lost.first()?;
        let scope = Scope::OlderHost { older: older.meta.key(), hosts: lost.len() };
        let backend = older.default_backend.as_ref().and_then(|backend| target(older, backend));
        let effect = match backend {
            Some(backend) => Effect::ServedBy { ingress: older.meta.key(), backend: Some(backend) },
            None => Effect::Status(404),
        };
        let at = older.rules.iter().position(|rule| rule.host() == host)?;
        let told = self.told(field, ingress, Severity::Medium, scope, effect);
        Some(told.on(host).shown_by(host, UNMATCHED).at_host(older, Place::Rule(at)).judged(field))
    }

    fn told(
        &self,
        field: &Field<'_>,
        ingress: &Ingress,
        severity: Severity,
        scope: Scope,
        effect: Effect,
    ) -> Conflict {
        let host = ingress.rules.first().map(crate::model::ingress::Rule::host).unwrap_or_default();
        let fix = match scope {
            Scope::Hostless | Scope::Ignored | Scope::OlderHost { .. } => Fix::AddRule {
                ingress: ingress.meta.key(),
                host: host.to_owned(),
                path: "/".to_owned(),
                path_type: "Prefix",
            },
            Scope::Everybody | Scope::UnknownHosts | Scope::Group { .. } => {
                Fix::Remove { parts: vec![Part::new(ingress, "spec.defaultBackend")] }
            }
        };
        Conflict::new(self, field, severity, Facts::DefaultBackendScope(scope), effect, fix)
            .at_default(ingress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, found as found_by, sees, silent};

    #[test]
    fn beside_hostless_rules_it_does_nothing() {
        check(&Rule, "ing a/x /x(P)->x:80 default=web:80", &["medium: a/x spec.defaultBackend.service.name"]);
    }

    #[test]
    fn on_a_host_that_an_older_ingress_made_it_is_never_asked() {
        for (default, answer) in [("", "404"), ("default=old:80", "a/x old:80")] {
            let found = check(
                &Rule,
                &format!(
                    "ing a/x age=9 host=a.example /x(P)->x:80 {default}
                     ing a/y age=8 host=a.example /y(P)->y:80 host=own.example /(P)->y:80 default=web:80"
                ),
                &["medium a.example: a/y spec.defaultBackend.service.name, a/x spec.rules[0].host"],
            );
            sees(&found, &[&format!("http://a.example/no-rule-has-this-path: {answer}")]);
        }
    }

    #[test]
    fn where_it_is_not_needed_or_holds_it_is_not_found() {
        silent(
            &Rule,
            "ing a/x age=9 host=a.example /x(P)->x:80 default=web:80
             ing a/y age=8 host=a.example /y(P)->y:80
             ing b/x age=7 host=b.example /(P)->x:80
             ing b/y age=6 host=b.example /y(P)->y:80 default=web:80
             ing c/all age=5 default=web:80",
        );
    }

    #[test]
    fn other_products_ignore_it_or_give_it_to_everybody() {
        let world = "ing a/x host=a.example /x(P)->x:80 default=web:80";
        for product in ["traefik", "istio", "apisix"] {
            check(
                &Rule,
                &format!("is {product}\n{world}"),
                &["medium: a/x spec.defaultBackend.service.name"],
            );
        }
        for product in ["haproxytech", "kong"] {
            let found = found_by(&Rule, &format!("is {product}\n{world}"));
            sees(&found, &["http://any-other-host.invalid/: a/x web:80"]);
        }
        let found = found_by(&Rule, &format!("is haproxy-ingress\n{world}"));
        sees(&found, &["http://any-other-host.invalid/no-rule-has-this-path: a/x web:80"]);
        for product in ["f5-nginx", "agic", "gce", "traefik-ingress-nginx"] {
            silent(&Rule, &format!("is {product}\n{world}"));
        }
    }

    #[test]
    fn contour_and_cilium_give_it_the_hosts_that_no_rule_names() {
        for product in ["contour", "cilium"] {
            let found = check(
                &Rule,
                &format!("is {product}\ning a/x host=a.example /x(P)->x:80 default=web:80"),
                &["medium : a/x spec.defaultBackend.service.name"],
            );
            sees(&found, &["http://any-other-host.invalid/no-rule-has-this-path: a/x web:80"]);
            assert_eq!(found[0].facts, Facts::DefaultBackendScope(Scope::UnknownHosts));
            silent(&Rule, &format!("is {product}\ning a/x /x(P)->x:80 default=web:80"));
            silent(&Rule, &format!("is {product}\ning a/all default=web:80"));
        }
    }

    #[test]
    fn on_aws_it_has_what_no_rule_of_the_group_takes() {
        let group = "ann:alb.ingress.kubernetes.io/group.name=g";
        let world = format!("ing a/x host=a.example /x(P)->x:80 default=web:80 {group}");
        let found = check(
            &Rule,
            &format!("is aws-alb\n{world}\ning b/y host=b.example /y(P)->y:80 {group}"),
            &["medium b.example: a/x spec.defaultBackend.service.name"],
        );
        sees(&found, &["http://b.example/no-rule-has-this-path: a/x web:80"]);
        silent(&Rule, &format!("is aws-alb\n{world}\ning b/y host=b.example /y(P)->y:80"));
    }
}

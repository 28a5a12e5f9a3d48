//! # What it finds
//! Rules with the same host, path and type, in two Ingresses or in one.
//!
//! # Why it 404s
//! Only one of them is in force, and no log line of the default verbosity says so. On ingress-nginx,
//! Istio and haproxy-ingress the oldest Ingress wins: after a rename the request still goes to the old
//! Service. With Traefik and Contour nobody can say which one wins, and it changes with a restart;
//! haproxytech takes the Service whose name sorts first; Cilium splits the traffic; AWS goes by
//! `group.order` and name, inside one group; GCE takes the later rule of an Ingress; Application Gateway
//! the first Ingress by name; with Kong and APISIX nothing orders them.
//!
//! # Example
//! ```yaml
//! # Ingress shop/web-v1, created in January: host shop.example.com, path /, Service web-v1
//! # Ingress shop/web-v2, created in March:   host shop.example.com, path /, Service web-v2   (ignored)
//! ```
//!
//! # What to do
//! Keep one of them; delete the older Ingress before the new one is created.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (getBackendServers) @
//! controller-v1.15.1; kubernetes/ingress-nginx#8216, #8972; traefik `pkg/muxer/http/mux.go`;
//! haproxytech/kubernetes-ingress `pkg/haproxy/maps`; the other products: `docs/controllers`.

use std::collections::BTreeMap;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity, url};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::Entry;
use crate::analysis::field::sites::Owner;
use crate::analysis::routing::{Outcome, Target};
use crate::model::controller::ControllerKind;
use crate::model::ingress::{PathType, PortRef};
use crate::model::snapshot::Lookup;

#[derive(Debug)]
pub struct Rule;

/// Which of several equal rules is in force.
enum Standing<'f> {
    /// This one.
    One(Entry<'f>),
    /// Nobody can say.
    Any,
    /// As `One` or `Any`; this request shows it.
    Shown(Option<Entry<'f>>, String),
    /// None of them hides another.
    Harmless,
}

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "same_host_path_type"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind == ControllerKind::IngressNginx {
            return self.ignored(field);
        }
        let mut found = Vec::new();
        for (host, of) in field.hosts.iter() {
            let mut same: BTreeMap<(String, &str, PathType), Vec<Entry<'_>>> = BTreeMap::new();
            for entry in &of.paths {
                let Some(balancer) = balancer(field.kind, entry) else { continue };
                same.entry((balancer, entry.path, type_of(field.kind, entry))).or_default().push(*entry);
            }
            for ((.., path_type), entries) in same {
                let [first, .., _] = entries.as_slice() else { continue };
                let (winner, sample) = match standing(field, host, &entries, first) {
                    Standing::One(winner) => (Some(winner), None),
                    Standing::Any => (None, None),
                    Standing::Shown(winner, sample) => (winner, Some(sample)),
                    Standing::Harmless => continue,
                };
                let losers: Vec<Entry<'_>> =
                    entries.iter().filter(|entry| winner.is_none_or(|w| !w.is(entry))).copied().collect();
                let told = self.told(field, host, path_type, &losers, winner);
                found.push(match sample {
                    Some(sample) => told.shown_by(host, &sample).judged(field),
                    None => told,
                });
            }
        }
        found
    }
}

impl Rule {
    /// What ingress-nginx leaves out.
    fn ignored(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for (host, site) in &field.sites {
            let mut by_winner: BTreeMap<(&str, PathType), (Entry<'_>, Vec<Entry<'_>>)> = BTreeMap::new();
            for (entry, owner) in &site.ignored {
                let Owner::Path(winner) = owner else { continue };
                let place = (entry.path, entry.path_type);
                by_winner.entry(place).or_insert((*winner, Vec::new())).1.push(*entry);
            }
            for ((_, path_type), (winner, losers)) in by_winner {
                found.push(self.told(field, host, path_type, &losers, Some(winner)));
            }
        }
        found
    }

    fn told(
        &self,
        field: &Field<'_>,
        host: &str,
        path_type: PathType,
        losers: &[Entry<'_>],
        winner: Option<Entry<'_>>,
    ) -> Conflict {
        let all = || winner.iter().chain(losers);
        let same_backend = all().zip(all().skip(1)).all(|(a, b)| a.same_backend(b));
        let path = all().next().map(|entry| entry.path).unwrap_or_default();
        let facts = Facts::SameHostPathType {
            path: path.to_owned(),
            path_type,
            losers: if winner.is_some() { losers.len() } else { losers.len().saturating_sub(1) },
            same_backend,
        };
        let effect = match winner {
            Some(winner) => Effect::ServedBy { ingress: winner.ingress.meta.key(), backend: winner.target() },
            None => {
                let mut targets: Vec<_> = losers.iter().filter_map(Entry::target).collect();
                targets.sort();
                targets.dedup();
                Effect::AnyOf(targets)
            }
        };
        let part = |entry: &Entry<'_>| Part::new(entry.ingress, entry.place.field("path"));
        // The first that loses is the one to change; the winner stands next to it.
        let mut order: Vec<&Entry<'_>> = losers.iter().take(1).chain(&winner).collect();
        order.extend(losers.iter().skip(1));
        let fix = Fix::KeepOne { parts: order.iter().map(|entry| part(entry)).collect() };
        let severity = if same_backend { Severity::Low } else { Severity::High };
        let mut conflict =
            Conflict::new(self, field, severity, facts, effect, fix).on(host).shown_by(host, path);
        for entry in order {
            conflict = conflict.at_path(entry.ingress, entry.place);
        }
        if let Some(winner) = winner {
            conflict = conflict.won_by(winner.ingress);
        }
        if path_type == PathType::Exact || crate::analysis::field::pattern::is_literal(path) {
            return conflict.judged(field);
        }
        // A pattern is no path to ask for.
        match crate::analysis::field::pattern::samples(path).into_iter().next() {
            Some(sample) => conflict.shown_by(host, &sample).judged(field),
            None => conflict.unshown(),
        }
    }
}

/// Rules can only collide on one load balancer; `None` for products of which no more is known here.
fn balancer(kind: ControllerKind, entry: &Entry<'_>) -> Option<String> {
    use ControllerKind as K;
    match kind {
        K::Traefik
        | K::TraefikIngressNginx
        | K::Haproxytech
        | K::HaproxyIngress
        | K::Contour
        | K::Istio
        | K::Cilium => Some(String::new()),
        K::Kong | K::Apisix | K::Agic => Some(String::new()),
        K::AwsAlb => Some(super::alb_group_stuck::group(entry.ingress)),
        K::Gce => Some(entry.ingress.meta.key().to_string()),
        // ingress-nginx has its own way; F5 gives the whole host to one Ingress.
        K::IngressNginx | K::F5Nginx | K::OpenshiftRouter | K::Spec | K::HttpRoute | K::TraefikGateway => {
            None
        }
    }
}

/// What counts as the same type.
fn type_of(kind: ControllerKind, entry: &Entry<'_>) -> PathType {
    // Two types, one rule text.
    let one_text = matches!(kind, ControllerKind::Traefik | ControllerKind::TraefikIngressNginx);
    if one_text { entry.path_type } else { entry.rule.path_type }
}

fn standing<'f>(field: &Field<'f>, host: &str, entries: &[Entry<'f>], first: &Entry<'f>) -> Standing<'f> {
    use ControllerKind as K;
    let one_ingress = entries.iter().all(|entry| std::ptr::eq(entry.ingress, first.ingress));
    let last = entries.last().copied().unwrap_or(*first);
    let first_by = |key: &dyn Fn(&Entry<'f>) -> (i64, String)| {
        entries.iter().min_by_key(|entry| key(entry)).copied().unwrap_or(*first)
    };
    match field.kind {
        // Inside one Ingress the rule text names the router: the later path replaces the earlier.
        K::Traefik | K::Contour if one_ingress => Standing::One(last),
        K::Haproxytech => {
            if entries.iter().all(|entry| entry.same_backend(first)) {
                return Standing::Harmless;
            }
            Standing::One(first_by(&|entry| (0, backend_name(field, entry))))
        }
        K::AwsAlb => Standing::One(first_by(&|entry| {
            (super::alb_group_stuck::order(entry.ingress), entry.ingress.meta.key().to_string())
        })),
        K::HaproxyIngress => {
            Standing::One(first_by(&|entry| (age(entry), entry.ingress.meta.key().to_string())))
        }
        K::Istio => Standing::One(first_by(&|entry| {
            (age(entry), format!("{}/{}", entry.ingress.meta.name, entry.ingress.meta.namespace))
        })),
        K::Traefik | K::Contour | K::TraefikIngressNginx | K::Cilium => Standing::Any,
        K::Kong | K::Gce | K::Apisix | K::Agic => by_model(field, host, entries, first),
        K::IngressNginx | K::F5Nginx | K::OpenshiftRouter | K::Spec | K::HttpRoute | K::TraefikGateway => {
            Standing::Harmless
        }
    }
}

/// What the routing model makes of a request that all of them are for: they may differ in annotations
/// that tell them apart.
fn by_model<'f>(field: &Field<'f>, host: &str, entries: &[Entry<'f>], first: &Entry<'f>) -> Standing<'f> {
    let mut samples = crate::analysis::field::pattern::samples(first.path.trim_end_matches('*'));
    if first.rule.path_type == PathType::Prefix {
        samples.push(format!("{}/any", first.path.trim_end_matches('/')));
    }
    for sample in samples {
        let Some(decision) = url("http", host, &sample).and_then(|url| field.decide(host, &url)) else {
            continue;
        };
        let is_one = |target: &Target| entries.iter().any(|entry| entry.target().as_ref() == Some(target));
        match (&decision.outcome, &decision.winner) {
            (Outcome::Undefined, _) if decision.one_of.len() > 1 && decision.one_of.iter().all(is_one) => {
                return Standing::Shown(None, sample);
            }
            (Outcome::Routed, Some(winner)) if field.kind != ControllerKind::Kong => {
                let is_winner = |entry: &&Entry<'_>| {
                    entry.ingress.meta.key() == winner.ingress && entry.place == winner.place
                };
                if let Some(entry) = entries.iter().find(is_winner) {
                    return Standing::Shown(Some(*entry), sample);
                }
            }
            _ => {}
        }
    }
    Standing::Harmless
}

fn age(entry: &Entry<'_>) -> i64 {
    entry.ingress.meta.created.map_or(i64::MIN, |at| at.timestamp())
}

/// The name haproxytech gives a backend: the port's name where it has one.
fn backend_name(field: &Field<'_>, entry: &Entry<'_>) -> String {
    let Some((service, port)) = entry.rule.backend.service() else { return String::new() };
    let namespace = &entry.ingress.meta.namespace;
    let name = match (field.snapshot.services.get(namespace, service), port) {
        (Lookup::Found(found), PortRef::Number(number)) => found
            .ports
            .iter()
            .find(|port| port.number == *number)
            .and_then(|port| port.name.clone())
            .unwrap_or_else(|| number.to_string()),
        (_, port) => port.to_string(),
    };
    format!("{namespace}_svc_{service}_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, found as found_by, sees, silent};

    const TWO: &str = "ing shop/old age=9 host=a.example /(P)->v1:80
        ing shop/new age=1 host=a.example /(P)->v2:80 /x(P)->v2:80";
    const PLACES: &str = "high a.example: shop/new spec.rules[0].http.paths[0].path, shop/old spec.rules[0].http.paths[0].path";

    #[test]
    fn the_younger_rule_is_ignored_by_ingress_nginx() {
        let found = check(&Rule, TWO, &[PLACES]);
        sees(&found, &["http://a.example/: shop/old v1:80"]);
        assert_eq!(found[0].winner.as_ref().map(|key| key.name.to_string()).as_deref(), Some("shop/old"));
    }

    #[test]
    fn an_implementation_specific_path_is_a_prefix_and_a_pattern_is_shown_by_a_path() {
        let found = check(
            &Rule,
            "ing shop/a age=9 host=a.example /x/(.*)(P)->a:80 ann:use-regex=true
             ing shop/b age=8 host=a.example /x/(.*)(I)->b:80
             ing shop/c age=7 host=a.example /x/(.*)(I)->c:80",
            &[
                "high a.example: shop/b spec.rules[0].http.paths[0].path, shop/a spec.rules[0].http.paths[0].path, shop/c spec.rules[0].http.paths[0].path",
            ],
        );
        sees(&found, &["http://a.example/x/x: shop/a a:80"]);
    }

    #[test]
    fn equal_backends_are_of_little_weight() {
        let found = check(
            &Rule,
            "ing shop/a age=9 host=a.example /(P)->web:80
             ing shop/b age=8 host=a.example /(P)->web:80",
            &[
                "low a.example: shop/b spec.rules[0].http.paths[0].path, shop/a spec.rules[0].http.paths[0].path",
            ],
        );
        sees(&found, &["http://a.example/: shop/a web:80"]);
    }

    #[test]
    fn disjoint_paths_two_types_two_hosts_and_canaries_are_not() {
        silent(
            &Rule,
            "ing shop/a age=9 host=a.example /(P)->a:80 /x(P)->a:80
             ing shop/b age=8 host=a.example /y(P)->b:80 /x(E)->b:80
             ing shop/c age=7 host=c.example /(P)->c:80
             ing shop/d age=6 host=a.example /(P)->d:80 ann:canary=true ann:canary-weight=10",
        );
    }

    #[test]
    fn the_winner_is_the_products_own() {
        for (product, effect) in [
            ("traefik", "one of v1:80 v2:80"),
            ("traefik-ingress-nginx", "one of v1:80 v2:80"),
            ("contour", "one of v1:80 v2:80"),
            ("cilium", "one of v1:80 v2:80"),
            ("istio", "shop/old v1:80"),
            ("haproxy-ingress", "shop/old v1:80"),
            ("haproxytech", "shop/old v1:80"),
        ] {
            let found = found_by(&Rule, &format!("is {product}\n{TWO}"));
            sees(&found, &[&format!("http://a.example/: {effect}")]);
        }
        for product in ["f5-nginx", "gce"] {
            silent(&Rule, &format!("is {product}\n{TWO}"));
        }
    }

    #[test]
    fn of_products_that_are_modelled_the_model_says_which_one_stands() {
        for (product, effect) in
            [("kong", "one of v1:80 v2:80"), ("apisix", "one of v1:80 v2:80"), ("agic", "shop/new v2:80")]
        {
            let found = found_by(&Rule, &format!("is {product}\n{TWO}"));
            sees(&found, &[&format!("http://a.example/: {effect}")]);
        }
        let found = found_by(&Rule, "is gce\ning shop/a host=a.example /x/*(I)->v1:80 /x/*(I)->v2:80");
        sees(&found, &["http://a.example/x/: shop/a v2:80"]);
        // Something else than host and path tells them apart.
        for annotation in ["methods=POST", "headers.x-version=2"] {
            silent(&Rule, &format!("is kong\n{TWO} ann:konghq.com/{annotation}"));
        }
    }

    #[test]
    fn haproxytech_goes_by_the_service_and_not_by_age() {
        let found = check(
            &Rule,
            "is haproxytech
             ing shop/old age=9 host=a.example /(P)->zebra:80
             ing shop/new age=1 host=a.example /(P)->ape:80",
            &[
                "high a.example: shop/old spec.rules[0].http.paths[0].path, shop/new spec.rules[0].http.paths[0].path",
            ],
        );
        sees(&found, &["http://a.example/: shop/new ape:80"]);
        silent(
            &Rule,
            "is haproxytech
             ing shop/old age=9 host=a.example /(P)->web:80
             ing shop/new age=1 host=a.example /(P)->web:80",
        );
    }

    #[test]
    fn on_aws_only_a_group_shares_a_load_balancer() {
        silent(&Rule, &format!("is aws-alb\n{TWO}"));
        let found = check(
            &Rule,
            "is aws-alb
             ing shop/a host=a.example /(P)->a:80 ann:alb.ingress.kubernetes.io/group.name=g ann:alb.ingress.kubernetes.io/group.order=5
             ing shop/b host=a.example /(P)->b:80 ann:alb.ingress.kubernetes.io/group.name=g",
            &["high a.example: shop/a spec.rules[0].http.paths[0].path, shop/b spec.rules[0].http.paths[0].path"],
        );
        sees(&found, &["http://a.example/: shop/b b:80"]);
    }

    #[test]
    fn inside_one_ingress_traefik_takes_the_last_path() {
        let found = found_by(&Rule, "is traefik\ning shop/a host=a.example /(P)->one:80 /(I)->two:80");
        sees(&found, &["http://a.example/: shop/a two:80"]);
    }
}

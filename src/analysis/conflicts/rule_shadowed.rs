//! # What it finds
//! A rule that none of its own requests reaches, because a broader rule is tried before it. On ingress-nginx
//! `pattern_shadows` and `exact_root_dead` tell it, and with every product what another rule of this page is
//! about is told there.
//!
//! # Why it 404s
//! Not every product goes by what is more specific. AWS tries the rules of a group as they are listed, Kong a
//! Prefix before any ImplementationSpecific path, Contour and Cilium patterns before beginnings, Traefik what
//! has the higher `router.priority` or the longer text. The other rule's Service is asked for paths that it
//! does not know.
//!
//! # Example
//! ```yaml
//! # AWS, one group. Ingress a/all:  no host, path /* (ImplementationSpecific), group.order: "1"
//! #                 Ingress b/shop: host shop.example.com, path /,             group.order: "2"   (never reached)
//! ```
//!
//! # What to do
//! Let the broader rule come later (`group.order`, `router.priority`), narrow it, or give one of them a host
//! of its own.
//!
//! # References
//! How each product orders its rules: `docs/controllers`; aws-load-balancer-controller
//! `pkg/ingress/model_build_listener_rules.go`; Kong/kubernetes-ingress-controller
//! `internal/dataplane/translator/subtranslator/atc_utils.go`; apache/apisix-ingress-controller#1785.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::hostless_outranks_host::wider;
use super::{
    alb_group_stuck, alb_listen_ports, backend_missing, entry_point_scheme, exact_behind_prefix,
    gce_host_twice, hostless_outranks_host, minion_conflict, pattern_in_plain_path, same_host_path_type,
    solver_conflict,
};
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity, url};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::hosts::{Entry, Host};
use crate::analysis::field::rule_text::PRIORITY;
use crate::analysis::field::{Field, pattern};
use crate::analysis::routing::{Outcome, Winner};
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, PathType, Place};
use crate::model::object::{Name, annotation_field};

/// How many questions the routing model is asked for it.
const QUESTIONS: usize = 20_000;

const ORDER: &str = "alb.ingress.kubernetes.io/group.order";

/// Parts of annotation names that ask more of a request than host and path.
const CONDITIONS: [&str; 5] = ["methods", "header", "conditions.", "snis", "alias"];

/// Rules that tell of dead paths with their own advice.
const OTHERS: [&dyn ConflictRule; 8] = [
    &backend_missing::Rule,
    &exact_behind_prefix::Rule,
    &gce_host_twice::Rule,
    &hostless_outranks_host::Rule,
    &minion_conflict::Rule,
    &pattern_in_plain_path::Rule,
    &same_host_path_type::Rule,
    &solver_conflict::Rule,
];

/// Rules that tell of Ingresses which are served on one of http and https only.
const ONE_SCHEME: [&dyn ConflictRule; 2] = [&alb_listen_ports::Rule, &entry_point_scheme::Rule];

#[derive(Debug)]
pub struct Rule;

/// A rule that is dead, a request for it, and the rule that takes that.
struct Dead<'f> {
    host: &'f str,
    entry: &'f Entry<'f>,
    scheme: &'static str,
    sample: String,
    by: Winner,
}

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "rule_shadowed"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind == ControllerKind::IngressNginx {
            return Vec::new();
        }
        let mut left = QUESTIONS;
        let broad: HashMap<&str, Broad<'_>> =
            field.hosts.iter().map(|(name, host)| (name, Broad::new(field.kind, host))).collect();
        let mut dead: Vec<Dead<'_>> = Vec::new();
        for (name, host) in field.hosts.iter() {
            let wide = wider(name).filter(|wide| wide != name && goes_on(field.kind));
            let wide: Vec<&Broad<'_>> = wide.filter_map(|wide| broad.get(wide.as_str())).collect();
            let sources = || broad.get(name).into_iter().chain(wide.iter().copied());
            for entry in host.paths.iter().filter(|entry| !entry.canary && !is_conditional(entry.ingress)) {
                if sources().any(|broad| broad.may_hide(field.kind, entry)) {
                    dead.extend(shadowed(field, name, entry, &mut left));
                }
            }
        }
        if dead.is_empty() {
            return Vec::new();
        }
        let told: HashSet<(Name, String)> = OTHERS
            .iter()
            .flat_map(|rule| rule.find(field))
            .flat_map(|one| one.objects)
            .map(|part| (part.key.name, part.field))
            .collect();
        // What listens on one scheme only is out of reach for that.
        let one_scheme = ONE_SCHEME.iter().flat_map(|rule| rule.find(field)).flat_map(|one| one.objects);
        let one_scheme: HashSet<Name> = one_scheme.map(|part| part.key.name).collect();
        let is_told = |entry: &Entry<'_>| {
            if one_scheme.contains(&entry.ingress.meta.key()) {
                return true;
            }
            let Place::Path(rule, _) = entry.place else { return true };
            let backend = entry.place.field("backend.service.name");
            let fields = [entry.place.field("path"), Place::Rule(rule).field("host"), backend];
            fields.into_iter().any(|field| told.contains(&(entry.ingress.meta.key(), field)))
        };
        let mut by_winner: BTreeMap<(Name, Place), Vec<Dead<'_>>> = BTreeMap::new();
        for one in dead.into_iter().filter(|one| !is_told(one.entry)) {
            by_winner.entry((one.by.ingress.clone(), one.by.place)).or_default().push(one);
        }
        by_winner.into_values().filter_map(|dead| self.told(field, &dead)).collect()
    }
}

/// Whether what no path of a host takes goes on to wider hosts.
const fn goes_on(kind: ControllerKind) -> bool {
    use ControllerKind as K;
    matches!(kind, K::Traefik | K::TraefikIngressNginx | K::Kong | K::Apisix | K::HaproxyIngress | K::AwsAlb)
}

/// Rules of a host that may be tried before more specific ones, by what their paths begin with.
struct Broad<'f> {
    heads: HashMap<&'f str, Vec<&'f Entry<'f>>>,
}

/// How many rules of one beginning are looked at.
const OF_ONE_HEAD: usize = 4;

impl<'f> Broad<'f> {
    fn new(kind: ControllerKind, host: &'f Host<'f>) -> Self {
        let by_order =
            matches!(kind, ControllerKind::Kong | ControllerKind::AwsAlb | ControllerKind::Traefik);
        let mut heads: HashMap<&str, Vec<&Entry<'_>>> = HashMap::new();
        for entry in host.paths.iter().filter(|entry| !entry.is_exact() && (by_order || is_own(entry))) {
            let end = entry.path.find(['.', '\\', '^', '$', '|', '?', '*', '+', '(', '[', '{']);
            let head = entry.path.get(..end.unwrap_or(entry.path.len())).unwrap_or_default();
            let of_head = heads.entry(head).or_default();
            if of_head.len() < OF_ONE_HEAD {
                of_head.push(entry);
            }
        }
        Self { heads }
    }

    /// Whether one of them begins like a rule, and may come before it.
    fn may_hide(&self, kind: ControllerKind, entry: &Entry<'_>) -> bool {
        let beginnings = (0..=entry.path.len()).filter_map(|end| entry.path.get(..end));
        let mut like = beginnings.filter_map(|head| self.heads.get(head)).flatten();
        like.any(|other| !other.is(entry) && comes_before(kind, other, entry))
    }
}

/// Whether a rule is read in the product's own way.
fn is_own(entry: &Entry<'_>) -> bool {
    entry.rule.path_type == PathType::ImplementationSpecific
}

/// Whether a product may try one rule before another though it is broader.
fn comes_before(kind: ControllerKind, other: &Entry<'_>, entry: &Entry<'_>) -> bool {
    let ranked = |entry: &Entry<'_>| entry.ingress.meta.annotation(PRIORITY).is_some();
    let rule = |entry: &Entry<'_>| match entry.place {
        Place::Path(rule, _) => (entry.ingress.meta.key(), rule),
        Place::Rule(_) | Place::Match(..) | Place::DefaultBackend => (entry.ingress.meta.key(), 0),
    };
    is_own(other)
        || match kind {
            ControllerKind::Kong => is_own(entry),
            ControllerKind::AwsAlb => rule(other) != rule(entry),
            ControllerKind::Traefik => ranked(other) || ranked(entry),
            _ => false,
        }
}

/// Whether an Ingress asks more of a request than host and path.
fn is_conditional(ingress: &Ingress) -> bool {
    ingress.meta.annotations.keys().any(|key| CONDITIONS.iter().any(|part| key.contains(part)))
}

/// Requests that a rule is surely meant for.
fn meant_for(entry: &Entry<'_>) -> Vec<String> {
    let stars = entry.path.replace(['*', '?'], "x");
    if pattern::is_literal(&stars) {
        let deeper = format!("{}/any/deeper", stars.trim_end_matches('/'));
        return if entry.is_exact() { vec![stars] } else { vec![stars, deeper] };
    }
    pattern::samples(entry.path)
}

/// The first request of a rule that another one takes, when that is so for every one that is tried.
fn shadowed<'f>(
    field: &'f Field<'f>,
    host: &'f str,
    entry: &'f Entry<'f>,
    left: &mut usize,
) -> Option<Dead<'f>> {
    let own = entry.ingress.meta.key();
    let mut first = None;
    for sample in meant_for(entry) {
        let mut taken = None;
        for scheme in ["http", "https"] {
            *left = left.checked_sub(1)?;
            let decision = field.decide(host, &url(scheme, host, &sample)?)?;
            let is_answered = matches!(decision.outcome, Outcome::Routed | Outcome::Unavailable);
            let Some(winner) = decision.winner else { continue };
            let same = winner.backend.is_some() && winner.backend == entry.target();
            if same || (winner.ingress == own && winner.place == entry.place) {
                return None;
            }
            if is_answered {
                taken = Some((scheme, winner));
                break;
            }
        }
        // Where nobody takes it, nobody is before it.
        let (scheme, by) = taken.filter(|(_, by)| matches!(by.place, Place::Path(..)))?;
        first.get_or_insert((scheme, sample, by));
    }
    let (scheme, sample, by) = first?;
    Some(Dead { host, entry, scheme, sample, by })
}

impl Rule {
    fn told(&self, field: &Field<'_>, dead: &[Dead<'_>]) -> Option<Conflict> {
        let first = dead.first()?;
        let by = field.loaded.iter().find(|ingress| ingress.meta.key() == first.by.ingress)?;
        let own = first.entry.ingress;
        let facts =
            Facts::RuleShadowed { by: first.by.path.clone(), host: first.by.host.clone(), rules: dead.len() };
        let effect = Effect::ServedBy { ingress: by.meta.key(), backend: first.by.backend.clone() };
        let is_one_ingress = std::ptr::eq(*by, own);
        let fix = match field.kind {
            _ if is_one_ingress => {
                Fix::SetOneOf { part: Part::new(*by, first.by.place.field("path")), values: Vec::new() }
            }
            ControllerKind::AwsAlb => Fix::Set {
                part: Part::new(own, annotation_field(ORDER)),
                value: (alb_group_stuck::order(by) - 1).to_string(),
            },
            _ => Fix::OwnHost { ingress: by.meta.key() },
        };
        let told = Conflict::new(self, field, Severity::High, facts, effect, fix)
            .on(first.host)
            .at_path(by, first.by.place)
            .won_by(*by);
        let told = dead.iter().fold(told, |told, one| told.at_path(one.entry.ingress, one.entry.place));
        let told = match first.scheme {
            "http" => told.shown_by(first.host, &first.sample),
            _ => told.shown_over_tls_by(first.host, &first.sample),
        };
        Some(told.judged(field))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const GROUP: &str = "ann:alb.ingress.kubernetes.io/group.name=g";

    #[test]
    fn on_aws_what_is_listed_first_takes_everything() {
        let world = |order: i32| {
            format!(
                "is aws-alb
                 ing a/all /*(I)->any:80 {GROUP} ann:{ORDER}={order}
                 ing b/shop host=shop.example /(P)->shop:80 /api(P)->api:80 {GROUP} ann:{ORDER}=2"
            )
        };
        let found = check(
            &Rule,
            &world(1),
            &[
                "high shop.example: a/all spec.rules[0].http.paths[0].path, b/shop spec.rules[0].http.paths[0].path, b/shop spec.rules[0].http.paths[1].path",
            ],
        );
        sees(&found, &["http://shop.example/: a/all any:80"]);
        assert!(matches!(&found[0].fix, Fix::Set { value, .. } if value == "0"));
        silent(&Rule, &world(3));
        // Another group is another load balancer.
        silent(
            &Rule,
            &world(1).replace(
                "ing a/all /*(I)->any:80 ann:alb.ingress.kubernetes.io/group.name=g",
                "ing a/all /*(I)->any:80",
            ),
        );
    }

    #[test]
    fn paths_that_a_product_reads_in_its_own_way_may_come_later_or_earlier() {
        for (product, broad, narrow, sample) in [
            ("kong", "/api(P)", "/api/v1(I)", "/api/v1"),
            ("cilium", "/api/.*(I)", "/api/v1(P)", "/api/v1/any/deeper"),
            ("contour", "/ap[i]/.*(I)", "/api/v1/x(P)", "/api/v1/x"),
        ] {
            let found = check(
                &Rule,
                &format!("is {product}\ning a/b host=a.example {broad}->broad:80 {narrow}->narrow:80"),
                &[
                    "high a.example: a/b spec.rules[0].http.paths[0].path, a/b spec.rules[0].http.paths[1].path",
                ],
            );
            assert!(found[0].sees.url.as_deref().is_some_and(|url| url.contains("/api/v1")), "{sample}");
        }
    }

    #[test]
    fn a_priority_of_traefik_takes_everything() {
        let world = "is traefik
             ing a/all age=9 /(P)->any:80 ann:traefik.ingress.kubernetes.io/router.priority=1000
             ing b/shop age=8 host=shop.example /api(P)->api:80";
        let found = check(
            &Rule,
            world,
            &[
                "high shop.example: a/all spec.rules[0].http.paths[0].path, b/shop spec.rules[0].http.paths[0].path",
            ],
        );
        sees(&found, &["http://shop.example/api: a/all any:80"]);
        silent(&Rule, &world.replace("=1000", "=1"));
    }

    #[test]
    fn what_is_reached_by_some_request_leads_to_the_same_place_or_asks_for_more_is_not_found() {
        silent(
            &Rule,
            "is kong
             ing a/b host=a.example /api(I)->a:80 /api/v1(P)->b:80
             ing a/c host=b.example /api(P)->a:80 /api/v1(I)->a:80
             ing a/d age=9 host=c.example /api(P)->a:80
             ing a/e age=8 host=c.example /api/v1(I)->b:80 ann:konghq.com/headers.x-version=2",
        );
        silent(
            &Rule,
            "ing a/b host=a.example /api/v2/special(I)->a:80 /api/(v1|v2|v3)/.*(I)->b:80 ann:use-regex=true",
        );
    }

    #[test]
    fn what_another_rule_tells_is_not_found() {
        silent(&Rule, "is traefik\ning a/b host=a.example /(P)->web:80 /foo(E)->foo:80 /x(I)->x:80");
        silent(&Rule, "is gce\ning a/b host=a.example /x(I)->x:80 host=a.example /*(I)->y:80");
        silent(&Rule, "is agic\ning a/b host=a.example /x(I)->x:80\ning a/c host=a.example /x(I)->y:80");
    }
}

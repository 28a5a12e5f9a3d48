//! # What it finds
//! A host whose paths are all read as patterns because one Ingress asks for it (`use-regex`, or a
//! `rewrite-target` that differs from the path), while another Ingress wrote plain paths for it.
//!
//! # Why it 404s
//! The plain paths are no longer what they say: Exact `/orders` also takes `/orders/42` and `/ORDERS`,
//! Prefix `/api` also takes `/apidocs`, a dot takes any character. Their Service is asked for paths that
//! it does not know, and rules behind them never are.
//!
//! # Example
//! ```yaml
//! # Ingress team-a/orders: host api.example.com, path /orders (Exact)
//! # Ingress team-b/legacy: host api.example.com, path /o(.*), annotation rewrite-target: /$1
//! ```
//!
//! # What to do
//! Give the Ingress with the patterns a host of its own.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/template/template.go` (enforceRegexModifier) @
//! controller-v1.15.1; kubernetes.io blog 2026-02-27 "Five surprising Ingress-NGINX behaviors";
//! traefik `pkg/provider/kubernetes/ingress-nginx` @ v3.7.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, SHOWN, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::{Entry, Host};
use crate::analysis::field::pattern;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;

/// How many paths of one Ingress are tried for a request that shows it.
const TRIED: usize = 3;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "hostwide_regex"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter() {
            if host.ingresses.len() < 2 {
                continue;
            }
            let Some((forcing, key)) = forcing(field, name, host) else { continue };
            let mut affected: Vec<&Entry<'_>> =
                host.paths.iter().filter(|entry| is_affected(field, entry, forcing)).collect();
            if let Some(site) = field.sites.get(name)
                && !site.ignored.is_empty()
            {
                affected.retain(|entry| site.has(entry));
            }
            let by_ingress: Vec<&[&Entry<'_>]> =
                affected.chunk_by(|a, b| std::ptr::eq(a.ingress, b.ingress)).collect();
            // One finding names every Ingress that it can; one that is not named could not be asked for.
            for several in by_ingress.chunks(SHOWN - 1) {
                found.extend(self.told(field, name, (forcing, key), several));
            }
        }
        found
    }
}

/// The Ingress and annotation that make it a regex host.
fn forcing<'a>(field: &Field<'a>, name: &str, host: &Host<'a>) -> Option<(&'a Ingress, &'static str)> {
    match field.kind {
        ControllerKind::IngressNginx => field.sites.get(name)?.regex,
        ControllerKind::TraefikIngressNginx => {
            host.ingresses.iter().find_map(|ingress| Some((*ingress, asks(field, ingress)?)))
        }
        ControllerKind::Traefik
        | ControllerKind::F5Nginx
        | ControllerKind::Haproxytech
        | ControllerKind::HaproxyIngress
        | ControllerKind::AwsAlb
        | ControllerKind::Contour
        | ControllerKind::Istio
        | ControllerKind::Cilium
        | ControllerKind::Kong
        | ControllerKind::Gce
        | ControllerKind::Apisix
        | ControllerKind::Agic
        | ControllerKind::OpenshiftRouter
        | ControllerKind::Spec
        | ControllerKind::HttpRoute
        | ControllerKind::TraefikGateway => None,
    }
}

/// The annotation by which an Ingress asks for patterns.
fn asks(field: &Field<'_>, ingress: &Ingress) -> Option<&'static str> {
    if field.is_on(ingress, "use-regex") {
        Some("use-regex")
    } else {
        field.policy.text(ingress, "rewrite-target").map(|_| "rewrite-target")
    }
}

/// Whether a path means something else as a pattern, to an author who did not ask for patterns.
fn is_affected(field: &Field<'_>, entry: &Entry<'_>, forcing: &Ingress) -> bool {
    let kept = field.kind == ControllerKind::TraefikIngressNginx && entry.is_exact();
    !std::ptr::eq(entry.ingress, forcing)
        && entry.path != "/"
        && !kept
        && pattern::is_literal(entry.path)
        && asks(field, entry.ingress).is_none()
}

/// A request that the path takes as a pattern only.
fn beyond(entry: &Entry<'_>) -> Option<String> {
    if entry.is_exact() {
        return Some(format!("{}/any", entry.path.trim_end_matches('/')));
    }
    if !entry.path.ends_with('/') {
        return Some(format!("{}x", entry.path));
    }
    let upper = entry.path.to_ascii_uppercase();
    (upper != entry.path).then_some(upper)
}

/// Of each Ingress the path that says the most, then the others.
fn one_of_each<'e, 'a>(affected: &[&[&'e Entry<'a>]]) -> Vec<&'e Entry<'a>> {
    let mut first = Vec::new();
    let mut others = Vec::new();
    for of_one in affected {
        let most = of_one.iter().position(|entry| entry.is_exact()).unwrap_or(0);
        for (at, entry) in of_one.iter().enumerate() {
            if at == most { first.push(*entry) } else { others.push(*entry) }
        }
    }
    first.extend(others);
    first
}

impl Rule {
    fn told(
        &self,
        field: &Field<'_>,
        host: &str,
        (forcing, key): (&Ingress, &'static str),
        affected: &[&[&Entry<'_>]],
    ) -> Option<Conflict> {
        let first = affected.first()?.first()?;
        let key = field.key(key);
        let all = || affected.iter().copied().flatten().copied();
        let severity = if all().any(Entry::is_exact) { Severity::High } else { Severity::Medium };
        let facts =
            Facts::HostwideRegex { key: key.clone(), paths: all().count(), ingresses: affected.len() };
        let effect = Effect::ServedBy { ingress: first.ingress.meta.key(), backend: first.target() };
        let fix = Fix::OwnHost { ingress: forcing.meta.key() };
        let mut conflict =
            Conflict::new(self, field, severity, facts, effect, fix).on(host).at_annotation(forcing, &key);
        let mut shown = one_of_each(affected);
        shown.truncate(SHOWN);
        for entry in &shown {
            conflict = conflict.at_path(entry.ingress, entry.place);
        }
        // An Exact path says the most: it is broken the most.
        let mut tried = shown;
        tried.sort_by_key(|entry| !entry.is_exact());
        for entry in tried.into_iter().take(TRIED) {
            let Some(path) = beyond(entry) else { continue };
            let shown = conflict.clone().shown_by(host, &path);
            let decision = shown.sees.url.as_deref().and_then(|url| field.decide(host, url));
            let takes = |winner: &crate::analysis::routing::Winner| {
                winner.ingress == entry.ingress.meta.key() && winner.place == entry.place
            };
            let backend = entry.target();
            match decision {
                Some(decision) if !decision.winner.as_ref().is_some_and(takes) => {}
                Some(_) => return Some(shown.judged(field)),
                None => {
                    let mut shown = shown;
                    shown.sees.effect = Effect::ServedBy { ingress: entry.ingress.meta.key(), backend };
                    return Some(shown);
                }
            }
        }
        Some(conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const FORCE: &str = "shop/legacy metadata.annotations[\"nginx.ingress.kubernetes.io/rewrite-target\"]";

    #[test]
    fn an_exact_path_of_another_ingress_takes_more_than_it_says() {
        let found = check(
            &Rule,
            "ing shop/orders age=9 host=a.example /orders(E)->orders:80
             ing shop/root age=8 host=a.example /(P)->web:80
             ing shop/legacy age=1 host=a.example /o(.*)(I)->legacy:80 ann:rewrite-target=/$1",
            &[&format!("high a.example: {FORCE}, shop/orders spec.rules[0].http.paths[0].path")],
        );
        sees(&found, &["http://a.example/orders/any: shop/orders orders:80"]);
    }

    #[test]
    fn a_prefix_takes_what_only_begins_like_it() {
        let found = check(
            &Rule,
            "ing shop/api age=9 host=a.example /api(P)->api:80 /v/(P)->api:80
             ing shop/legacy age=1 host=a.example /old(/|$)(.*)(I)->legacy:80 ann:rewrite-target=/$2",
            &[&format!(
                "medium a.example: {FORCE}, shop/api spec.rules[0].http.paths[0].path, shop/api spec.rules[0].http.paths[1].path"
            )],
        );
        sees(&found, &["http://a.example/apix: shop/api api:80"]);
    }

    #[test]
    fn everybody_who_is_affected_is_named_once() {
        let forcing =
            "ing shop/legacy age=1 host=a.example /old(/|$)(.*)(I)->legacy:80 ann:rewrite-target=/$2";
        let part = |name: &str, path: usize| format!("shop/{name} spec.rules[0].http.paths[{path}].path");
        check(
            &Rule,
            &format!(
                "ing shop/api age=9 host=a.example /api(P)->api:80 /v(P)->api:80 /x(E)->api:80
                 ing shop/cart age=8 host=a.example /cart(P)->cart:80
                 {forcing}"
            ),
            &[&format!(
                "high a.example: {FORCE}, {}, {}, {}, {}",
                part("api", 2),
                part("cart", 0),
                part("api", 0),
                part("api", 1)
            )],
        );
        let many: Vec<String> = (10..22)
            .map(|n| format!("ing shop/web-{n} age={} host=a.example /web-{n}(P)->web:80", 99 - n))
            .collect();
        let found = check_any(&format!("{}\n{forcing}", many.join("\n")));
        assert_eq!(found.iter().map(|conflict| conflict.objects.len()).collect::<Vec<_>>(), [10, 4]);
        for n in 10..22 {
            let name = format!("web-{n}");
            assert!(
                found.iter().any(|one| one.objects.iter().any(|part| part.key.name.name == name)),
                "{name}"
            );
        }
    }

    fn check_any(text: &str) -> Vec<Conflict> {
        crate::analysis::field::kit::found(&Rule, text)
    }

    #[test]
    fn a_root_another_host_and_those_who_asked_for_patterns_are_not() {
        silent(
            &Rule,
            "ing shop/web age=9 host=a.example /(P)->web:80
             ing shop/legacy age=8 host=a.example /old(/|$)(.*)(I)->legacy:80 ann:rewrite-target=/$2
             ing shop/more age=7 host=a.example /new(/|$)(.*)(I)->legacy:80 ann:rewrite-target=/$2
             ing shop/other age=6 host=b.example /x(P)->web:80 /y(E)->web:80
             ing shop/same age=5 host=c.example /x(E)->web:80 /y/(.*)(I)->web:80 ann:use-regex=true
             ing shop/equal age=4 host=d.example /x(P)->web:80 ann:rewrite-target=/x
             ing shop/plain age=5 host=d.example /y(P)->web:80",
        );
    }

    #[test]
    fn traefik_keeps_exact_paths_exact() {
        let two = "ing shop/legacy age=1 host=a.example /old(/|$)(.*)(I)->legacy:80 ann:rewrite-target=/$2";
        silent(
            &Rule,
            &format!("is traefik-ingress-nginx\ning shop/a age=9 host=a.example /x(E)->a:80\n{two}"),
        );
        check(
            &Rule,
            &format!("is traefik-ingress-nginx\ning shop/a age=9 host=a.example /x(P)->a:80\n{two}"),
            &[&format!("medium a.example: {FORCE}, shop/a spec.rules[0].http.paths[0].path")],
        );
    }
}

//! # What it finds
//! A rule host of an Ingress with `spec.tls` that no TLS section of it names, with a product that ends TLS
//! for named hosts only: plain requests reach the rule, the same over https do not.
//!
//! # Why it 404s
//! Contour, Istio, Cilium, HAProxy Ingress and F5 NGINX make a TLS host of every name in `spec.tls[].hosts`
//! and of no other. Over https another host has no rules: the connection is closed, or the default host
//! answers, usually with 404. A wildcard in `spec.tls` is no TLS host for the names below it, but with Istio.
//!
//! # Example
//! ```yaml
//! spec:                                     # read by Contour
//!   tls: [{hosts: ["*.example.com"], secretName: example-tls}]
//!   rules: [{host: shop.example.com, …}]    # https://shop.example.com/ is closed
//! ```
//!
//! # What to do
//! Name the host in `spec.tls[].hosts`, as the rule has it.
//!
//! # References
//! projectcontour `internal/dag/ingress_processor.go` @ v1.33; haproxy-ingress `pkg/converters/ingress`;
//! nginx/kubernetes-ingress `internal/configs` 5.5; kubernetes.io, Ingress, TLS.

use crate::analysis::backend::service::alike;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::{Field, model};
use crate::analysis::routing::{Decision, Outcome};
use crate::model::controller::ControllerKind;
use crate::model::host::spec_match;
use crate::model::ingress::Ingress;

/// How many paths of a host are tried for one that shows it.
const TRIED: usize = 3;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "tls_host_not_served"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let told = |ingress: &&Ingress| {
            let hosts = ingress.hosts();
            let told = |host| self.told(field, ingress, host);
            hosts.into_iter().filter_map(told).collect::<Vec<_>>()
        };
        field.loaded.iter().flat_map(told).collect()
    }
}

impl Rule {
    fn told(&self, field: &Field<'_>, ingress: &Ingress, host: &str) -> Option<Conflict> {
        let unserved = unserved(field, ingress, host)?;
        let meant = meant(field, ingress, host);
        let severity = if meant.is_some() { Severity::High } else { Severity::Medium };
        let facts = Facts::TlsHostNotServed { meant: meant.map(|meant| meant.name.to_owned()) };
        let section = meant.map_or(0, |meant| meant.section);
        let behind = ingress.tls.get(section)?.hosts.len();
        let (cited, written) = match meant {
            // A wildcard stays for the others; the host goes behind it.
            Some(Meant { entry, is_wildcard: true, .. }) => (Some(entry), behind),
            Some(Meant { entry, .. }) => (Some(entry), entry),
            None => (None, behind),
        };
        let entry_at = |entry: usize| format!("spec.tls[{section}].hosts[{entry}]");
        let fix = Fix::Set { part: Part::new(ingress, entry_at(written)), value: host.to_owned() };
        let place = cited.map_or_else(|| "spec.tls".to_owned(), entry_at);
        let conflict = Conflict::new(self, field, severity, facts, unserved.effect, fix)
            .on(host)
            .shown_over_tls_by(host, unserved.path)
            .at(ingress, place, meant.map(|meant| meant.name));
        let rule = ingress.path_rules().find(|(_, _, of, _)| *of == host);
        Some(match rule {
            Some((r, ..)) => conflict.at(ingress, format!("spec.rules[{r}].host"), Some(host)),
            None => conflict,
        })
    }
}

/// What a request over TLS sees that its plain twin does not.
pub(super) struct Unserved<'i> {
    pub(super) path: &'i str,
    pub(super) effect: Effect,
}

/// Whether the rules of a host that the Ingress's own TLS sections do not name are out of reach over TLS.
pub(super) fn unserved<'i>(field: &Field<'_>, ingress: &'i Ingress, host: &str) -> Option<Unserved<'i>> {
    // Another Ingress may name the host.
    if !ends_tls_by_name(field.kind)
        || host.is_empty()
        || ingress.tls.is_empty()
        || !field.sees_all_ingresses()
    {
        return None;
    }
    let names_any = ingress.tls.iter().any(|tls| tls.hosts.iter().all(String::is_empty));
    let named = ingress.tls.iter().flat_map(|tls| &tls.hosts).any(|name| name.eq_ignore_ascii_case(host));
    if names_any || named {
        return None;
    }
    at_closed_door(field, ingress, host)
}

/// Whether a product ends TLS for named hosts only: elsewhere every host is served over TLS, with whatever
/// certificate there is, or none is.
pub(super) const fn ends_tls_by_name(kind: ControllerKind) -> bool {
    matches!(
        kind,
        ControllerKind::Contour
            | ControllerKind::Istio
            | ControllerKind::Cilium
            | ControllerKind::HaproxyIngress
            | ControllerKind::F5Nginx
    )
}

/// What requests over TLS see of a host whose plain requests reach the Ingress, where that is not the same.
pub(super) fn at_closed_door<'i>(
    field: &Field<'_>,
    ingress: &'i Ingress,
    host: &str,
) -> Option<Unserved<'i>> {
    let paths = ingress.path_rules().filter(|(_, _, of, _)| *of == host).map(|(.., rule)| rule.path.as_str());
    paths.map(|path| if path.is_empty() { "/" } else { path }).take(TRIED).find_map(|path| {
        let ask = |scheme| field.decide(host, &crate::analysis::conflict::url(scheme, host, path)?);
        let plain = ask("http")?;
        let is_own = plain.winner.as_ref().is_some_and(|winner| winner.ingress == ingress.meta.key());
        if plain.outcome != Outcome::Routed || !is_own {
            return None;
        }
        Some(Unserved { path, effect: out_of_reach(&plain, &ask("https")?)? })
    })
}

/// What a request over TLS sees, when that is not the rule that its plain twin reaches.
fn out_of_reach(plain: &Decision, secure: &Decision) -> Option<Effect> {
    let place =
        |decision: &Decision| decision.winner.as_ref().map(|winner| (winner.ingress.clone(), winner.place));
    match (secure.outcome, secure.status) {
        (Outcome::Refused, None) => Some(Effect::NoTls),
        (Outcome::Refused | Outcome::NoRoute, _) => model::effect(secure),
        (Outcome::Routed, _) if place(plain) != place(secure) => model::effect(secure),
        _ => None,
    }
}

/// The entry of a TLS section that was meant for a host.
#[derive(Clone, Copy)]
struct Meant<'i> {
    section: usize,
    entry: usize,
    name: &'i str,
    is_wildcard: bool,
}

/// A wildcard above the host that the product does not apply to it, or the name most like it among those that no rule has.
fn meant<'i>(field: &Field<'_>, ingress: &'i Ingress, host: &str) -> Option<Meant<'i>> {
    let entries = || {
        ingress.tls.iter().enumerate().flat_map(|(section, tls)| {
            let named = tls.hosts.iter().enumerate();
            named.map(move |(entry, name)| Meant { section, entry, name, is_wildcard: false })
        })
    };
    if let Some(found) = entries().find(|entry| !entry.name.is_empty() && spec_match(entry.name, host)) {
        return Some(Meant { is_wildcard: true, ..found });
    }
    let own = ingress.hosts();
    let unused = entries().map(|entry| entry.name).filter(|name| !own.contains(name));
    let best = alike(host, unused).into_iter().find(|name| !has_rule(field, name))?;
    entries().find(|entry| entry.name == best)
}

/// Whether some rule of the controller is for a host of a TLS section.
pub(super) fn has_rule(field: &Field<'_>, name: &str) -> bool {
    let mut hosts = field.loaded.iter().flat_map(|ingress| ingress.hosts()).filter(|host| !host.is_empty());
    hosts.any(|host| spec_match(host, name) || spec_match(name, host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const SHOP: &str = "ing shop/web host=shop.example.com /api(P)->web:80";
    const BY_NAME: [(&str, &str); 5] = [
        ("contour", "NoTls"),
        ("istio", "NoTls"),
        ("cilium", "NoTls"),
        ("haproxy-ingress", "404"),
        ("f5-nginx", "NoTls"),
    ];

    #[test]
    fn a_misspelt_tls_host_leaves_the_rule_out_of_reach() {
        for (product, seen) in BY_NAME {
            let found = check(
                &Rule,
                &format!("is {product}\n{SHOP} tls=shop.exmaple.com"),
                &["high shop.example.com: shop/web spec.tls[0].hosts[0], shop/web spec.rules[0].host"],
            );
            sees(&found, &[&format!("https://shop.example.com/api: {seen}")]);
            assert!(matches!(&found[0].fix, Fix::Set { part, value }
                if part.field == "spec.tls[0].hosts[0]" && value == "shop.example.com"));
        }
    }

    #[test]
    fn a_host_that_was_left_out_is_found_beside_one_that_was_not() {
        for (product, _) in BY_NAME {
            let found = check(
                &Rule,
                &format!("is {product}\n{SHOP} host=pay.example.com /(P)->pay:80 tls=shop.example.com"),
                &["medium pay.example.com: shop/web spec.tls, shop/web spec.rules[1].host"],
            );
            assert!(matches!(&found[0].fix, Fix::Set { part, .. } if part.field == "spec.tls[0].hosts[1]"));
        }
    }

    #[test]
    fn a_wildcard_is_for_the_names_below_it_with_some_products_only() {
        let world = |product: &str| format!("is {product}\n{SHOP} tls=*.example.com");
        for product in ["contour", "cilium", "haproxy-ingress", "f5-nginx"] {
            let found = check(
                &Rule,
                &world(product),
                &["high shop.example.com: shop/web spec.tls[0].hosts[0], shop/web spec.rules[0].host"],
            );
            assert!(matches!(&found[0].fix, Fix::Set { part, .. } if part.field == "spec.tls[0].hosts[1]"));
        }
        silent(&Rule, &world("istio"));
    }

    #[test]
    fn hosts_that_are_served_over_tls_are_not_found() {
        for (product, _) in BY_NAME {
            let is = |world: String| silent(&Rule, &format!("is {product}\n{world}"));
            is(format!("{SHOP} tls=shop.example.com"));
            is(format!("{SHOP} tls=shop.example.com,pay.example.com"));
            is(SHOP.to_owned());
            // A section without hosts is for all of them.
            is(format!("{SHOP} tls="));
            // It may be named where nobody looked.
            is(format!("hide Ingress\n{SHOP} tls=shop.exmaple.com"));
            // Nor do plain requests reach it.
            is(format!("{SHOP} tls=shop.exmaple.com\nsvc shop/other 80"));
        }
        // Another Ingress makes it a TLS host, for all rules of the host.
        for product in ["contour", "istio", "haproxy-ingress"] {
            silent(
                &Rule,
                &format!(
                    "is {product}
                     {SHOP} host=pay.example.com /(P)->pay:80 tls=pay.example.com
                     ing shop/more host=shop.example.com /more(P)->web:80 tls=shop.example.com"
                ),
            );
        }
    }

    #[test]
    fn products_that_serve_every_host_over_tls_are_not_held_to_names() {
        for product in ["ingress-nginx", "traefik", "haproxytech", "kong", "apisix", "gce", "agic", "aws-alb"]
        {
            silent(&Rule, &format!("is {product}\n{SHOP} tls=shop.exmaple.com"));
        }
    }
}

//! # What it finds
//! A host in `spec.tls` that no rule has, while a rule of the Ingress has one like it, without TLS. Where such
//! a host is not served over TLS at all, `tls_host_not_served` tells that instead.
//!
//! # Why it 404s
//! It does not by itself. The certificate is not used for the host that was meant: clients get the
//! default certificate, or no TLS at all, and a redirect to https leads them there.
//!
//! # Example
//! ```yaml
//! spec:
//!   tls: [{hosts: [shop.exmaple.com], secretName: shop-tls}]
//!   rules: [{host: shop.example.com, …}]
//! ```
//!
//! # What to do
//! Write the same host in both.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (extractTLSSecretName) @
//! controller-v1.15.1; kubernetes.io, Ingress, TLS.

use super::tls_host_not_served::unserved;
use crate::analysis::backend::service::alike;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::host::spec_match;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "tls_host_not_in_rules"
    }

    fn worst(&self) -> Severity {
        Severity::Low
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        // A rule of another Ingress may be what was meant.
        if !field.sees_all_ingresses() {
            return found;
        }
        for ingress in &field.loaded {
            let hosts = ingress.hosts();
            let named = |host: &str| {
                let mut tls = ingress.tls.iter().flat_map(|tls| &tls.hosts);
                tls.any(|tls| spec_match(tls, host) || tls.eq_ignore_ascii_case(host))
            };
            let bare: Vec<&str> = hosts.iter().copied().filter(|host| !named(host)).collect();
            if bare.is_empty() {
                continue;
            }
            for (t, tls) in ingress.tls.iter().enumerate() {
                for (h, host) in tls.hosts.iter().enumerate() {
                    let used = hosts.iter().any(|rule| {
                        rule.eq_ignore_ascii_case(host) || spec_match(rule, host) || spec_match(host, rule)
                    });
                    if used || host.is_empty() {
                        continue;
                    }
                    // A name that is like none of them is a rule that is gone, or is still to come.
                    let values = alike(host, bare.iter().copied());
                    let Some(meant) = values.first().cloned() else { continue };
                    let is_worse = || unserved(field, ingress, &meant).is_some();
                    if field.named.touches(host) || is_worse() {
                        continue;
                    }
                    let place = format!("spec.tls[{t}].hosts[{h}]");
                    let fix = Fix::SetOneOf { part: Part::new(*ingress, &place), values };
                    let facts = Facts::TlsHostNotInRules { host: host.clone() };
                    found.push(
                        Conflict::new(self, field, Severity::Low, facts, Effect::DefaultCertificate, fix)
                            .on(&meant)
                            .shown_over_tls_by(&meant, "/")
                            .at(*ingress, place, Some(host)),
                    );
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_tls_host_that_no_rule_has_is_found() {
        let found = check(
            &Rule,
            "ing shop/web host=shop.example.com /(P)->web:80 tls=shop.exmaple.com",
            &["low shop.example.com: shop/web spec.tls[0].hosts[0]"],
        );
        assert_eq!(found[0].sees.url.as_deref(), Some("https://shop.example.com/"));
    }

    #[test]
    fn wildcards_on_either_side_and_complete_lists_are_not() {
        silent(
            &Rule,
            "ing shop/a host=a.example.com /(P)->web:80 tls=*.example.com
             ing shop/b host=*.example.com /(P)->web:80 tls=b.example.com,*.example.com
             ing shop/c host=c.example.com /(P)->web:80 tls=c.example.com,d.example.com",
        );
    }

    #[test]
    fn names_that_another_ingress_has_or_that_are_like_none_are_not() {
        silent(
            &Rule,
            "ing shop/a host=shop.example.com /(P)->web:80 tls=shops.example.com
             ing shop/b host=shops.example.com /(P)->web:80",
        );
        silent(&Rule, "ing shop/a host=shop.example.com /(P)->web:80 tls=intranet.internal");
        silent(&Rule, "hide Ingress\ning shop/a host=shop.example.com /(P)->web:80 tls=shop.exmaple.com");
    }

    #[test]
    fn what_is_not_served_over_tls_at_all_is_told_by_the_other_rule() {
        silent(&Rule, "is contour\ning shop/web host=shop.example.com /(P)->web:80 tls=shop.exmaple.com");
    }
}

//! # What it finds
//! A host in `spec.tls` that no rule of the Ingress has, while one of its rules has a host without TLS.
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
        for ingress in &field.loaded {
            let hosts = ingress.hosts();
            let named = |host: &str| {
                let mut tls = ingress.tls.iter().flat_map(|tls| &tls.hosts);
                tls.any(|tls| spec_match(tls, host) || tls.eq_ignore_ascii_case(host))
            };
            let bare: Vec<&str> = hosts.iter().copied().filter(|host| !named(host)).collect();
            let Some(first) = bare.first() else { continue };
            for (t, tls) in ingress.tls.iter().enumerate() {
                for (h, host) in tls.hosts.iter().enumerate() {
                    let used = hosts.iter().any(|rule| {
                        rule.eq_ignore_ascii_case(host) || spec_match(rule, host) || spec_match(host, rule)
                    });
                    if used || host.is_empty() {
                        continue;
                    }
                    let place = format!("spec.tls[{t}].hosts[{h}]");
                    let mut values = alike(host, bare.iter().copied());
                    if values.is_empty() {
                        values = vec![(*first).to_owned()];
                    }
                    let meant = values.first().cloned().unwrap_or_default();
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
}

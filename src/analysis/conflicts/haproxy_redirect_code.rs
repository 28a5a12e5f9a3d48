//! # What it finds
//! A redirect code of haproxytech that is no number, or 304.
//!
//! # Why it 404s
//! HAProxy refuses the frontend rules: they stop being updated for everyone, and after a restart every
//! host refuses connections.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {haproxy.org/request-redirect: new.example.com, haproxy.org/request-redirect-code: permanent}
//! ```
//!
//! # What to do
//! Write 301, 302, 303, 307 or 308.
//!
//! # References
//! haproxytech/kubernetes-ingress `pkg/annotations/ingress/redirect.go`, seen on the real controller.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::object::annotation_field;

/// The prefixes that this product reads.
const PREFIXES: [&str; 3] = ["haproxy.org", "ingress.kubernetes.io", "haproxy.com"];
const CODES: [&str; 2] = ["request-redirect-code", "ssl-redirect-code"];

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "haproxy_redirect_code"
    }

    fn worst(&self) -> Severity {
        Severity::Critical
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::Haproxytech {
            return Vec::new();
        }
        let mut found = Vec::new();
        for ingress in &field.loaded {
            let own = ingress.meta.annotations.iter().filter(|(key, _)| {
                key.split_once('/').is_some_and(|(prefix, name)| {
                    PREFIXES.contains(&prefix) && CODES.contains(&name) && is_used(ingress, name)
                })
            });
            for (key, value) in own.filter(|(_, value)| !is_code(value)) {
                let facts = Facts::HaproxyRedirectCode { value: value.clone() };
                let part = Part::new(*ingress, annotation_field(key));
                let values = ["301", "302", "303", "307", "308"].map(str::to_owned).to_vec();
                let fix = Fix::SetOneOf { part, values };
                found.push(
                    Conflict::new(self, field, Severity::Critical, facts, Effect::Frozen, fix)
                        .of_ingress(ingress)
                        .at_annotation(ingress, key),
                );
            }
        }
        found
    }
}

/// Whether there is a redirect that has this code.
fn is_used(ingress: &Ingress, code: &str) -> bool {
    let set = |name: &str| {
        let keys = PREFIXES.map(|prefix| format!("{prefix}/{name}"));
        keys.iter().find_map(|key| ingress.meta.annotation(key)).filter(|value| !value.is_empty())
    };
    if code == "request-redirect-code" {
        return set("request-redirect").is_some();
    }
    let has_tls = ingress.tls.iter().any(|tls| !tls.hosts.is_empty());
    set("ssl-redirect")
        .map_or(has_tls, |value| ["true", "on", "enabled", "1", "t", "T", "TRUE", "True"].contains(&value))
}

fn is_code(value: &str) -> bool {
    value.parse::<i64>().is_ok_and(|code| code != 304)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    #[test]
    fn a_code_that_is_none_stops_every_update() {
        for value in ["permanent", "304", ""] {
            check(
                &Rule,
                &format!(
                    "is haproxytech
                     ing shop/a host=a.example /(P)->a:80 ann:haproxy.org/request-redirect-code={value} ann:haproxy.org/request-redirect=b.example"
                ),
                &["critical a.example: shop/a metadata.annotations[\"haproxy.org/request-redirect-code\"]"],
            );
        }
    }

    #[test]
    fn a_code_is_not_found() {
        silent(
            &Rule,
            "is haproxytech
             ing shop/a host=a.example /(P)->a:80 ann:haproxy.org/ssl-redirect-code=301
             ing shop/b host=b.example /(P)->a:80 ann:haproxy.org/path-rewrite=/x",
        );
        silent(&Rule, "ing shop/a host=a.example /(P)->a:80 ann:haproxy.org/request-redirect-code=x");
        // Nothing asks for the code.
        silent(
            &Rule,
            "is haproxytech
             ing shop/a host=a.example /(P)->a:80 ann:haproxy.org/request-redirect-code=x
             ing shop/b host=b.example /(P)->a:80 ann:haproxy.org/ssl-redirect-code=x ann:haproxy.org/ssl-redirect=false tls=b.example",
        );
    }
}

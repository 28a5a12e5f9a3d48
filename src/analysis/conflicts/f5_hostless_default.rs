//! # What it finds
//! A hostless Ingress where F5 NGINX runs with `-allow-empty-ingress-host`.
//!
//! # Why it 404s
//! It becomes the default server, which always has TLS: every plain request to an unknown host is
//! redirected to https, and its unmatched paths are 404 there.
//!
//! # Example
//! ```yaml
//! # controller argument -allow-empty-ingress-host
//! # Ingress shop/any: no host, path /
//! ```
//!
//! # What to do
//! Set `nginx.org/ssl-redirect: "false"` on the Ingress, or give its rules hosts.
//!
//! # References
//! nginx/kubernetes-ingress `internal/configs/version1/nginx.ingress.tmpl` @ v5.5, seen on the real
//! controller.

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Place;
use crate::model::object::annotation_field;

use super::host_taken::owner;

const REDIRECT: [&str; 2] = ["nginx.org/ssl-redirect", "ingress.kubernetes.io/ssl-redirect"];

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "f5_hostless_default"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let allowed = field.settings.is_set("allow-empty-ingress-host");
        if field.kind != ControllerKind::F5Nginx || !allowed {
            return Vec::new();
        }
        let Some(ingress) = field.hosts.get("").and_then(owner) else { return Vec::new() };
        let off = REDIRECT.iter().any(|key| ingress.meta.annotation(key) == Some("false"));
        if off
            || field.settings.config("ssl-redirect").is_some_and(|value| value.eq_ignore_ascii_case("false"))
        {
            return Vec::new();
        }
        let Some(at) = ingress.rules.iter().position(|rule| rule.host().is_empty()) else {
            return Vec::new();
        };
        let [key, _] = REDIRECT;
        let fix = Fix::Set { part: Part::new(ingress, annotation_field(key)), value: "false".to_owned() };
        let to = "https://any-other-host.invalid:443/".to_owned();
        let effect = Effect::Redirect { status: 301, to };
        vec![
            Conflict::new(self, field, Severity::Medium, Facts::F5HostlessDefault, effect, fix)
                .on("")
                .shown_by("", "/")
                .at(ingress, Place::Rule(at).field("host"), None)
                .judged(field),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const HOSTLESS: &str = "is f5-nginx\ning shop/any /(P)->web:80";

    #[test]
    fn plain_requests_to_unknown_hosts_are_redirected() {
        let found = check(
            &Rule,
            &format!("arg -allow-empty-ingress-host\n{HOSTLESS}"),
            &["medium : shop/any spec.rules[0].host"],
        );
        sees(&found, &["http://any-other-host.invalid/: 301 https://any-other-host.invalid:443/"]);
    }

    #[test]
    fn without_the_flag_or_with_the_redirect_off_they_are_not() {
        silent(&Rule, HOSTLESS);
        silent(&Rule, &format!("arg -allow-empty-ingress-host\n{HOSTLESS} ann:nginx.org/ssl-redirect=false"));
        silent(&Rule, "arg -allow-empty-ingress-host\nis f5-nginx\ning shop/a host=a.example /(P)->web:80");
    }
}

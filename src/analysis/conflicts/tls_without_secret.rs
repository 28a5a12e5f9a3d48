//! # What it finds
//! A section of `spec.tls` that names hosts and no Secret; and an Ingress that asks cert-manager for a
//! certificate and has no `spec.tls` to put it in.
//!
//! # Why it 404s
//! Where a product ends TLS for hosts with a certificate only, the host is not served over https at all: the
//! connection is closed, or another host's rules answer. Elsewhere the default certificate is shown, which
//! clients refuse. cert-manager skips a section without `secretName`, and an Ingress without sections.
//! Whether a Secret that is named exists, and holds a certificate for the host, is not looked at: Secrets are
//! never read.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {cert-manager.io/cluster-issuer: letsencrypt}
//! spec:
//!   tls: [{hosts: [shop.example.com]}]           # no secretName
//! ```
//!
//! # What to do
//! Name a Secret in `spec.tls[].secretName`, unless the controller's default certificate is meant.
//!
//! # References
//! kubernetes.io, Ingress, TLS; cert-manager `pkg/controller/certificate-shim/sync.go`; projectcontour
//! `internal/dag/ingress_processor.go` @ v1.33; the other products: `docs/controllers`.

use super::tls_host_not_served::{at_closed_door, ends_tls_by_name};
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, Tls};

/// The annotations by which cert-manager is asked.
const ISSUERS: [&str; 4] = [
    "cert-manager.io/cluster-issuer",
    "cert-manager.io/issuer",
    "certmanager.k8s.io/cluster-issuer",
    "kubernetes.io/tls-acme",
];

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "tls_without_secret"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        // Certificates of these load balancers are not in Secrets.
        if matches!(field.kind, ControllerKind::AwsAlb | ControllerKind::Gce) {
            return Vec::new();
        }
        field.loaded.iter().flat_map(|ingress| self.of(field, ingress)).collect()
    }
}

impl Rule {
    fn of(&self, field: &Field<'_>, ingress: &Ingress) -> Vec<Conflict> {
        let issuer =
            ISSUERS.into_iter().find(|key| ingress.meta.annotation(key).is_some_and(|v| v != "false"));
        if ingress.tls.is_empty() {
            let host = ingress.hosts().into_iter().find(|host| !host.is_empty());
            let told = issuer.zip(host).map(|(issuer, host)| {
                let fix = Fix::SetOneOf { part: Part::new(ingress, "spec.tls"), values: Vec::new() };
                let facts = Facts::TlsWithoutSecret { issuer: true, section: false };
                Conflict::new(self, field, Severity::Low, facts, Effect::DefaultCertificate, fix)
                    .on(host)
                    .shown_over_tls_by(host, "/")
                    .at_annotation(ingress, issuer)
                    .at(ingress, "spec.tls", None)
            });
            return told.into_iter().collect();
        }
        let bare = ingress.tls.iter().enumerate().filter(|(_, tls)| is_bare(tls));
        bare.filter_map(|(section, tls)| self.section(field, ingress, section, tls, issuer)).collect()
    }

    fn section(
        &self,
        field: &Field<'_>,
        ingress: &Ingress,
        section: usize,
        tls: &Tls,
        issuer: Option<&'static str>,
    ) -> Option<Conflict> {
        let own = ingress.hosts();
        let mut hosts = tls.hosts.iter().map(String::as_str).filter(|host| own.contains(host)).peekable();
        let first = *hosts.peek()?;
        // Another Ingress may name a Secret for the host.
        let closed = (ends_tls_by_name(field.kind) && field.sees_all_ingresses())
            .then(|| hosts.find_map(|host| Some((host, at_closed_door(field, ingress, host)?))))
            .flatten();
        let (host, severity, effect, path) = match &closed {
            Some((host, door)) => (*host, Severity::High, door.effect.clone(), door.path),
            // What is meant is the controller's own certificate, unless one is asked for.
            None if issuer.is_none() => (first, Severity::Low, Effect::DefaultCertificate, "/"),
            None => (first, Severity::Medium, Effect::DefaultCertificate, "/"),
        };
        let place = format!("spec.tls[{section}].secretName");
        let fix = Fix::SetOneOf { part: Part::new(ingress, &place), values: Vec::new() };
        let facts = Facts::TlsWithoutSecret { issuer: issuer.is_some(), section: true };
        let told = Conflict::new(self, field, severity, facts, effect, fix)
            .on(host)
            .shown_over_tls_by(host, path)
            .at(ingress, place, None);
        Some(match issuer {
            Some(issuer) => told.at_annotation(ingress, issuer),
            None => told,
        })
    }
}

/// Whether a section names hosts and no Secret.
fn is_bare(tls: &Tls) -> bool {
    tls.secret.as_deref().is_none_or(str::is_empty) && tls.hosts.iter().any(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const WEB: &str = "ing shop/web host=a.example /x(P)->web:80";
    const PLACE: &str = "a.example: shop/web spec.tls[0].secretName";
    const ISSUER: &str = "ann:cert-manager.io/cluster-issuer=le";

    #[test]
    fn a_section_without_a_secret_shows_the_default_certificate_or_closes_the_door() {
        for (product, severity, seen) in [
            ("ingress-nginx", "low", "https://a.example/: DefaultCertificate"),
            ("traefik", "low", "https://a.example/: DefaultCertificate"),
            ("contour", "high", "https://a.example/x: NoTls"),
            ("cilium", "high", "https://a.example/x: NoTls"),
        ] {
            let found = check(
                &Rule,
                &format!("is {product}\n{WEB} bare=a.example"),
                &[&format!("{severity} {PLACE}")],
            );
            sees(&found, &[seen]);
        }
    }

    #[test]
    fn a_certificate_that_is_asked_for_has_no_place() {
        let key = "shop/web metadata.annotations[\"cert-manager.io/cluster-issuer\"]";
        check(&Rule, &format!("{WEB} bare=a.example {ISSUER}"), &[&format!("medium {PLACE}, {key}")]);
        check(&Rule, &format!("{WEB} {ISSUER}"), &[&format!("low a.example: {key}, shop/web spec.tls")]);
    }

    #[test]
    fn a_named_secret_no_tls_and_load_balancers_outside_are_not_found() {
        silent(&Rule, &format!("{WEB} tls=a.example {ISSUER}"));
        silent(&Rule, WEB);
        silent(&Rule, &format!("{WEB} bare=elsewhere.example"));
        for product in ["aws-alb", "gce"] {
            silent(&Rule, &format!("is {product}\n{WEB} bare=a.example"));
        }
    }
}

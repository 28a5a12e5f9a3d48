//! # What it finds
//! A load balancer of the AWS controller that should listen on HTTPS and has nothing to take a certificate
//! from: no member of the group names a `certificate-arn`, and none has a host to look one up by.
//!
//! # Why it 404s
//! The listener cannot be created without a certificate, so nothing of the group is changed any more: the
//! load balancer keeps its old rules for every member, and a new rule of anybody is answered with the
//! default 404. IngressClassParams, which may name a certificate too, are not read here.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {alb.ingress.kubernetes.io/listen-ports: '[{"HTTPS": 443}]'}
//! spec:
//!   rules: [{http: {paths: [{path: /, …}]}}]      # no host, no certificate-arn
//! ```
//!
//! # What to do
//! Name the certificate in `certificate-arn`, or give the rule a host that ACM has one for.
//!
//! # References
//! aws-load-balancer-controller `pkg/ingress/model_build_listener.go`, `pkg/ingress/cert_discovery.go` v3
//! (event FailedDeployModel).

use std::collections::BTreeMap;

use super::alb_group_stuck::group;
use super::alb_listen_ports::{CERTIFICATE, has_https};
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::object::annotation_field;

const PORTS: &str = "alb.ingress.kubernetes.io/listen-ports";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "alb_certificate_missing"
    }

    fn worst(&self) -> Severity {
        Severity::Medium
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        // A member that was not seen may name the certificate.
        if field.kind != ControllerKind::AwsAlb || !field.sees_all_ingresses() {
            return Vec::new();
        }
        let mut secure: BTreeMap<String, Vec<&Ingress>> = BTreeMap::new();
        for ingress in field.loaded.iter().filter(|ingress| has_https(ingress) == Some(true)) {
            secure.entry(group(ingress)).or_default().push(ingress);
        }
        let bare = secure.into_values().filter(|members| !members.iter().any(|one| has_certificate(one)));
        bare.filter_map(|members| {
            let first = members.first()?;
            let facts = Facts::AlbCertificateMissing { members: members.len() };
            let part = Part::new(*first, annotation_field(CERTIFICATE));
            let fix = Fix::SetOneOf { part, values: Vec::new() };
            let told = Conflict::new(self, field, Severity::Medium, facts, Effect::GroupFrozen, fix);
            Some(members.iter().fold(told, |told, member| told.at_annotation(member, PORTS)))
        })
        .collect()
    }
}

/// Whether it names a certificate, or a host that one may be found for.
fn has_certificate(ingress: &Ingress) -> bool {
    let named = ingress.meta.annotation(CERTIFICATE).is_some_and(|arns| !arns.trim().is_empty());
    let mut hosts =
        ingress.tls.iter().flat_map(|tls| tls.hosts.iter().map(String::as_str)).chain(ingress.hosts());
    named || hosts.any(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, silent};

    const HTTPS: &str = r#"ann:alb.ingress.kubernetes.io/listen-ports=[{"HTTPS":443}]"#;
    const GROUP: &str = "ann:alb.ingress.kubernetes.io/group.name=g";

    #[test]
    fn a_group_without_a_certificate_and_without_a_host_cannot_listen() {
        let found = check(
            &Rule,
            &format!(
                "is aws-alb
                 ing shop/a /(P)->a:80 {HTTPS} {GROUP}
                 ing shop/b /b(P)->b:80 {GROUP}"
            ),
            &[&format!("medium: shop/a metadata.annotations[\"{PORTS}\"]")],
        );
        assert_eq!(found[0].sees.effect, Effect::GroupFrozen);
    }

    #[test]
    fn a_certificate_or_a_host_of_any_member_is_enough() {
        for other in [
            format!("host=b.example /b(P)->b:80 {HTTPS}"),
            format!("/b(P)->b:80 {HTTPS} ann:{CERTIFICATE}=arn"),
            format!("/b(P)->b:80 {HTTPS} tls=b.example"),
        ] {
            silent(
                &Rule,
                &format!("is aws-alb\ning shop/a /(P)->a:80 {HTTPS} {GROUP}\ning shop/b {other} {GROUP}"),
            );
        }
        silent(&Rule, "is aws-alb\ning shop/a /(P)->a:80");
        silent(&Rule, &format!("hide Ingress\nis aws-alb\ning shop/a /(P)->a:80 {HTTPS}"));
    }
}

//! # What it finds
//! An Ingress of the AWS controller that asks for TLS, or shares a host with one that listens on HTTPS, and
//! whose own rules are on no HTTPS listener: `listen-ports` names none, or no certificate is given.
//!
//! # Why it 404s
//! A listener has the rules of those Ingresses only that name its port. Over https the host and path are
//! answered by nobody, or by the listener's default: 404 with an empty body.
//!
//! # Example
//! ```yaml
//! metadata:
//!   annotations: {alb.ingress.kubernetes.io/listen-ports: '[{"HTTP": 80}]'}
//! spec:
//!   tls: [{hosts: [shop.example.com]}]      # https://shop.example.com/ is not listened for
//! ```
//!
//! # What to do
//! Name the HTTPS port in `listen-ports`, with a certificate for the host in ACM or in `certificate-arn`.
//!
//! # References
//! aws-load-balancer-controller `pkg/ingress/model_build_listener.go` (computeIngressListenPortConfigByPort) v3.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::alb_group_stuck::group;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::object::annotation_field;

const PORTS: &str = "alb.ingress.kubernetes.io/listen-ports";
const CERTIFICATE: &str = "alb.ingress.kubernetes.io/certificate-arn";
const BOTH: &str = r#"[{"HTTP": 80}, {"HTTPS": 443}]"#;

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "alb_listen_ports"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::AwsAlb {
            return Vec::new();
        }
        // Hosts that some member of a group serves over TLS.
        let mut secure: HashMap<String, HashSet<&str>> = HashMap::new();
        for ingress in field.loaded.iter().filter(|ingress| has_https(ingress) == Some(true)) {
            secure.entry(group(ingress)).or_default().extend(ingress.hosts());
        }
        let mut found = Vec::new();
        for ingress in field.loaded.iter().filter(|ingress| has_https(ingress) == Some(false)) {
            let shared = secure.get(&group(ingress));
            let of_other =
                ingress.hosts().into_iter().find(|host| shared.is_some_and(|hosts| hosts.contains(host)));
            let asks = ingress.tls.iter().flat_map(|tls| &tls.hosts).next().map(String::as_str);
            let (severity, host) = match (asks, of_other) {
                (_, Some(host)) => (Severity::High, host),
                (Some(host), None) if ingress.hosts().contains(&host) => (Severity::High, host),
                (Some(_), None) | (None, None) => continue,
            };
            let path =
                ingress.path_rules().find(|(_, _, of, _)| *of == host).map(|(.., rule)| rule.path.as_str());
            let facts = Facts::AlbListenPorts { with_others: of_other.is_some() };
            let part = Part::new(*ingress, annotation_field(PORTS));
            let fix = Fix::Set { part, value: BOTH.to_owned() };
            found.push(
                Conflict::new(self, field, severity, facts, Effect::NotListening, fix)
                    .on(host)
                    .at_annotation(ingress, PORTS)
                    .shown_over_tls_by(host, path.filter(|path| path.starts_with('/')).unwrap_or("/"))
                    .judged(field),
            );
        }
        found
    }
}

/// Whether the rules of an Ingress are on an HTTPS listener; `None` where that cannot be read.
fn has_https(ingress: &Ingress) -> Option<bool> {
    let Some(text) = ingress.meta.annotation(PORTS) else {
        return Some(ingress.meta.annotation(CERTIFICATE).is_some_and(|arns| !arns.trim().is_empty()));
    };
    let entries: Vec<BTreeMap<String, u16>> = serde_json::from_str(text).ok()?;
    Some(entries.iter().flatten().any(|(protocol, _)| protocol == "HTTPS"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const GROUP: &str = "ann:alb.ingress.kubernetes.io/group.name=g";
    const PLACE: &str = "metadata.annotations[\"alb.ingress.kubernetes.io/listen-ports\"]";

    #[test]
    fn tls_without_an_https_listener_is_never_answered() {
        for ports in ["", r#"ann:alb.ingress.kubernetes.io/listen-ports=[{"HTTP":80}]"#] {
            let found = check(
                &Rule,
                &format!("is aws-alb\ning shop/a host=a.example /api(P)->a:80 tls=a.example {ports}"),
                &[&format!("high a.example: shop/a {PLACE}")],
            );
            sees(&found, &["https://a.example/api: NotListening"]);
        }
    }

    #[test]
    fn one_of_a_group_that_is_on_the_plain_port_only() {
        let found = check(
            &Rule,
            &format!(
                "is aws-alb
                 ing shop/a host=a.example /(P)->a:80 {GROUP} ann:{CERTIFICATE}=arn
                 ing shop/b host=a.example /api(P)->b:80 {GROUP}"
            ),
            &[&format!("high a.example: shop/b {PLACE}")],
        );
        sees(&found, &["https://a.example/api: shop/a a:80"]);
    }

    #[test]
    fn those_that_listen_or_do_not_ask_are_not_found() {
        silent(
            &Rule,
            &format!(
                "is aws-alb
                 ing shop/a host=a.example /(P)->a:80 tls=a.example ann:{CERTIFICATE}=arn
                 ing shop/b host=b.example /(P)->a:80 tls=b.example ann:{PORTS}=[{{\"HTTP\":80}},{{\"HTTPS\":443}}]
                 ing shop/c host=c.example /(P)->a:80
                 ing shop/d host=a.example /x(P)->a:80
                 ing shop/e host=e.example /x(P)->a:80 tls=e.example ann:{PORTS}=none"
            ),
        );
        silent(&Rule, "ing shop/a host=a.example /(P)->a:80 tls=a.example");
    }
}

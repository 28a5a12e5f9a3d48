//! # What it finds
//! An Ingress of the AWS controller that asks for TLS, or shares a host with one that listens on HTTPS, and
//! whose own rules are on no HTTPS listener: `listen-ports` names none, or no certificate is given. And
//! one that is on HTTPS listeners only (low): with a certificate that is the default.
//!
//! # Why it 404s
//! A listener has the rules of those Ingresses only that name its port. Over https the host and path are
//! answered by nobody, or by the listener's default: 404 with an empty body. So are plain requests where
//! only HTTPS is listened for.
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
use crate::analysis::conflict::facts::Missing;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::model::controller::ControllerKind;
use crate::model::ingress::Ingress;
use crate::model::object::annotation_field;

const PORTS: &str = "alb.ingress.kubernetes.io/listen-ports";
pub(super) const CERTIFICATE: &str = "alb.ingress.kubernetes.io/certificate-arn";
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
            let missing = if of_other.is_some() { Missing::HttpsBesideOthers } else { Missing::Https };
            let told = self.told(field, ingress, severity, missing).on(host);
            let path = path.filter(|path| path.starts_with('/')).unwrap_or("/");
            found.push(told.shown_over_tls_by(host, path).judged(field));
        }
        for ingress in field.loaded.iter().filter(|ingress| is_secure_only(ingress)) {
            let told = self.told(field, ingress, Severity::Low, Missing::Http).of_ingress(ingress);
            let told = told.judged(field);
            // Another member may have the same rule on the plain port.
            let is_refused = matches!(told.sees.effect, Effect::NotListening | Effect::Status(404));
            found.extend(is_refused.then_some(told));
        }
        found
    }
}

impl Rule {
    fn told(&self, field: &Field<'_>, ingress: &Ingress, severity: Severity, missing: Missing) -> Conflict {
        let part = Part::new(ingress, annotation_field(PORTS));
        let fix = Fix::Set { part, value: BOTH.to_owned() };
        let facts = Facts::AlbListenPorts(missing);
        Conflict::new(self, field, severity, facts, Effect::NotListening, fix).at_annotation(ingress, PORTS)
    }
}

/// Whether an Ingress is on HTTPS listeners only; none that cannot be read.
fn is_secure_only(ingress: &Ingress) -> bool {
    let Some(text) = ingress.meta.annotation(PORTS) else { return has_https(ingress) == Some(true) };
    let entries: Option<Vec<BTreeMap<String, u16>>> = serde_json::from_str(text).ok();
    entries.is_some_and(|entries| {
        let mut protocols = entries.iter().flatten().map(|(protocol, _)| protocol).peekable();
        protocols.peek().is_some() && protocols.all(|protocol| protocol == "HTTPS")
    })
}

/// Whether the rules of an Ingress are on an HTTPS listener; `None` where that cannot be read.
pub(super) fn has_https(ingress: &Ingress) -> Option<bool> {
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
                 ing shop/a host=a.example /(P)->a:80 {GROUP} ann:{CERTIFICATE}=arn ann:{PORTS}={BOTH}
                 ing shop/b host=a.example /api(P)->b:80 {GROUP}"
            )
            .replace("{\"HTTP\": 80}, {\"HTTPS\": 443}", "{\"HTTP\":80},{\"HTTPS\":443}"),
            &[&format!("high a.example: shop/b {PLACE}")],
        );
        sees(&found, &["https://a.example/api: shop/a a:80"]);
    }

    #[test]
    fn plain_requests_are_refused_where_only_https_is_listened_for() {
        for more in [format!("ann:{CERTIFICATE}=arn"), format!(r#"ann:{PORTS}=[{{"HTTPS":443}}]"#)] {
            let found = check(
                &Rule,
                &format!("is aws-alb\ning shop/a host=a.example /api(P)->a:80 {more}"),
                &[&format!("low a.example: shop/a {PLACE}")],
            );
            sees(&found, &["http://a.example/api: NotListening"]);
        }
        // Another one of the group has the listener, and none of its rules.
        let found = check(
            &Rule,
            &format!(
                "is aws-alb
                 ing shop/a host=a.example /api(P)->a:80 {GROUP} ann:{CERTIFICATE}=arn
                 ing shop/b host=b.example /(P)->b:80 {GROUP}"
            ),
            &[&format!("low a.example: shop/a {PLACE}")],
        );
        sees(&found, &["http://a.example/api: 404"]);
    }

    #[test]
    fn those_that_listen_or_do_not_ask_are_not_found() {
        silent(
            &Rule,
            &format!(
                "is aws-alb
                 ing shop/a host=a.example /(P)->a:80 tls=a.example ann:{CERTIFICATE}=arn ann:{PORTS}=[{{\"HTTP\":80}},{{\"HTTPS\":443}}]
                 ing shop/b host=b.example /(P)->a:80 tls=b.example ann:{PORTS}=[{{\"HTTP\":80}},{{\"HTTPS\":443}}]
                 ing shop/c host=c.example /(P)->a:80
                 ing shop/d host=a.example /x(P)->a:80
                 ing shop/e host=e.example /x(P)->a:80 tls=e.example ann:{PORTS}=none"
            ),
        );
        silent(&Rule, "ing shop/a host=a.example /(P)->a:80 tls=a.example");
    }
}

//! A backend service: whether it can be made, and whether anybody is behind it.
//!
//! Source: kubernetes/ingress-gce `pkg/controller/translator/translator.go` (`getServicePortParams`),
//! acbcf5d66.

use crate::analysis::routing::serving::Services;
use crate::analysis::routing::{Decision, Note, Outcome, Target};
use crate::model::ingress::Backend;
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::service::Service;
use crate::model::snapshot::Lookup;

#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) target: Target,
    fault: Option<Note>,
}

impl Served {
    /// Fails with why the controller cannot make it.
    pub(super) fn new(namespace: &str, backend: &Backend, services: &Services<'_>) -> Result<Self, String> {
        let Some((service, port)) = backend.service() else {
            return Err("only Service backends are supported".to_owned());
        };
        let service = Name::new(namespace, service);
        let target = Target { service: service.clone(), port: port.clone() };
        let fault = match services.get(&service) {
            Lookup::Absent => return Err(format!("could not find service \"{service}\"")),
            Lookup::Unseen(_) => Some(Note::BackendUnseen(service)),
            Lookup::Found(object) => {
                if object.port(port).is_none() {
                    return Err(format!("could not find port \"{port}\" in service \"{service}\""));
                }
                if !is_reachable(object) {
                    return Err(format!(
                        "service \"{service}\" is type \"ClusterIP\", expected \"NodePort\" or \"LoadBalancer\""
                    ));
                }
                let port = object.port(port);
                port.and_then(|port| services.behind(object, port).note(&target))
            }
        };
        Ok(Self { target, fault })
    }

    /// Whether requests get an answer from behind it, as far as is known.
    pub(super) fn answers(&self) -> bool {
        !matches!(self.fault, Some(Note::NoReadyEndpoints(_)))
    }

    /// Nobody behind it is 502 or 503.
    pub(super) fn decide(&self, request: &Request) -> Decision {
        let mut decision = if self.answers() {
            let mut decision = Decision::bare(Outcome::Routed, None);
            decision.upstream_path = Some(request.path.as_str().to_owned());
            decision
        } else {
            Decision::bare(Outcome::Unavailable, None)
        };
        decision.notes.extend(self.fault.clone());
        decision
    }
}

/// By nodes, or by a network endpoint group for Ingresses.
fn is_reachable(service: &Service) -> bool {
    let by_node = matches!(service.service_type.as_str(), "NodePort" | "LoadBalancer");
    let group = service.meta.annotation("cloud.google.com/neg").unwrap_or_default();
    let group: String = group.chars().filter(|c| !c.is_whitespace()).collect();
    by_node || group.contains("\"ingress\":true")
}

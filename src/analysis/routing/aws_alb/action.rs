//! What a rule does: forward, redirect, or answer by itself.
//!
//! Sources: kubernetes-sigs/aws-load-balancer-controller `pkg/ingress/{config_types,
//! enhanced_backend_builder,model_build_actions}.go`, v3; Elastic Load Balancing user guide, redirect
//! actions.

use serde_json::Value;

use crate::analysis::routing::serving::Services;
use crate::analysis::routing::{Decision, Note, Outcome, Target};
use crate::model::ingress::{Backend, Ingress, PortRef};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::service::Service;
use crate::model::snapshot::Lookup;

use super::{Flags, PREFIX, annotation};

/// The port name that says: look at the annotation `actions.<service>`.
const USE_ANNOTATION: &str = "use-annotation";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Targets with their weights; more than one share the requests.
    Forward(Vec<Weighted>),
    Redirect(Redirect),
    Fixed {
        status: u16,
        notes: Vec<Note>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weighted {
    /// `None` for a target group that is given by its ARN.
    target: Option<Target>,
    weight: i64,
    fault: Option<Note>,
}

/// Parts of a redirect; `None` keeps the request's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) protocol: Option<String>,
    pub(super) host: Option<String>,
    pub(super) port: Option<String>,
    pub(super) path: Option<String>,
    pub(super) query: Option<String>,
    pub(super) status: u16,
}

impl Redirect {
    /// To https on a port, everything else as it was.
    pub(super) fn to_https(port: u16) -> Self {
        let (protocol, port) = (Some("HTTPS".to_owned()), Some(port.to_string()));
        Self { protocol, host: None, port, path: None, query: None, status: 301 }
    }

    pub(super) fn decide(&self, request: &Request) -> Decision {
        let fill = |text: &Option<String>, default: &str| {
            let text = text.as_deref().unwrap_or(default);
            text.replace("#{protocol}", request.scheme.as_str())
                .replace("#{host}", request.host.as_str())
                .replace("#{port}", &request.effective_port().to_string())
                .replace("#{path}", request.path.as_str().trim_start_matches('/'))
                .replace("#{query}", request.query.as_deref().unwrap_or_default())
        };
        let protocol = fill(&self.protocol, "#{protocol}").to_ascii_lowercase();
        let (host, port) = (fill(&self.host, "#{host}"), fill(&self.port, "#{port}"));
        let (path, query) = (fill(&self.path, "/#{path}"), fill(&self.query, "#{query}"));
        let query = if query.is_empty() { query } else { format!("?{query}") };
        let mut decision = Decision::bare(Outcome::Redirect, Some(self.status));
        decision.location = Some(format!("{protocol}://{host}:{port}{path}{query}"));
        decision
    }

    /// Whether it would only lead to the same rule again; the controller leaves such rules out.
    pub(super) fn is_endless(&self, port: u16, scheme: &str, hosts: &[String], paths: &[String]) -> bool {
        let keeps = |part: &Option<String>, same: &str, also: &dyn Fn(&str) -> bool| {
            part.as_deref().is_none_or(|text| text == same || also(text))
        };
        keeps(&self.host, "#{host}", &|text| hosts.iter().any(|host| host == text))
            && keeps(&self.path, "/#{path}", &|text| paths.iter().any(|path| path == text))
            && keeps(&self.port, "#{port}", &|text| text == port.to_string())
            && keeps(&self.protocol, "#{protocol}", &|text| text.eq_ignore_ascii_case(scheme))
            && keeps(&self.query, "#{query}", &|_| false)
    }
}

impl Action {
    /// The action of a backend; fails with why the controller cannot build it.
    pub(super) fn of(
        ingress: &Ingress,
        backend: &Backend,
        flags: &Flags,
        services: &Services<'_>,
    ) -> Result<Self, String> {
        let Some((name, port)) = backend.service() else {
            return Err("missing required \"service\" field".to_owned());
        };
        let context = Context { ingress, flags, services };
        if *port != PortRef::Name(USE_ANNOTATION.to_owned()) {
            return context.forward(vec![(Some((name.to_owned(), port.clone())), 1)]);
        }
        let key = format!("actions.{name}");
        match annotation(ingress, &key) {
            Some(text) => context.parse(text).unwrap_or_else(|| Err(format!("invalid {PREFIX}{key}"))),
            None if flags.tolerates_missing_action => {
                let note = Note::Annotation { ingress: ingress.meta.key(), key: format!("{PREFIX}{key}") };
                Ok(Self::Fixed { status: 503, notes: vec![note] })
            }
            None => Err(format!("missing {key} configuration")),
        }
    }

    pub(super) fn decide(&self, request: &Request) -> Decision {
        match self {
            Self::Redirect(redirect) => redirect.decide(request),
            Self::Fixed { status, notes } => {
                let outcome = match status {
                    404 | 200..=299 => Outcome::NoRoute,
                    500.. => Outcome::Unavailable,
                    _ => Outcome::Refused,
                };
                let mut decision = Decision::bare(outcome, Some(*status));
                decision.notes.extend(notes.iter().cloned());
                decision
            }
            Self::Forward(all) => {
                let live: Vec<&Weighted> = all.iter().filter(|one| one.weight > 0).collect();
                let up = |one: &&Weighted| !matches!(one.fault, Some(Note::NoReadyEndpoints(_)));
                let mut decision = match live.as_slice() {
                    [] => Decision::bare(Outcome::Unavailable, Some(503)),
                    [one] if !up(one) => Decision::bare(Outcome::Unavailable, Some(503)),
                    [_] => Decision::bare(Outcome::Routed, None),
                    _ => Decision::bare(Outcome::Undefined, None),
                };
                decision.notes.extend(live.iter().filter_map(|one| one.fault.clone()));
                match decision.outcome {
                    Outcome::Routed => {
                        decision.upstream_path = Some(request.path.as_str().to_owned());
                    }
                    Outcome::Undefined => {
                        decision.one_of = live.iter().filter_map(|one| one.target.clone()).collect();
                        decision.one_of.sort();
                        decision.one_of.dedup();
                    }
                    Outcome::Redirect | Outcome::NoRoute | Outcome::Refused | Outcome::Unavailable => {}
                }
                decision
            }
        }
    }

    /// The one target that it forwards to.
    pub(super) fn target(&self) -> Option<Target> {
        match self {
            Self::Forward(all) => {
                let mut live = all.iter().filter(|one| one.weight > 0);
                live.next().filter(|_| live.next().is_none()).and_then(|one| one.target.clone())
            }
            Self::Redirect(_) | Self::Fixed { .. } => None,
        }
    }

    /// Whether somebody behind it gets requests, as far as is known.
    pub(super) fn routes(&self) -> bool {
        match self {
            Self::Forward(all) => {
                all.iter().any(|one| one.weight > 0 && !matches!(one.fault, Some(Note::NoReadyEndpoints(_))))
            }
            Self::Redirect(_) | Self::Fixed { .. } => false,
        }
    }
}

/// A Service and port, or `None` for an ARN, with its weight.
type Wanted = (Option<(String, PortRef)>, i64);

struct Context<'a> {
    ingress: &'a Ingress,
    flags: &'a Flags,
    services: &'a Services<'a>,
}

impl Context<'_> {
    fn forward(&self, wanted: Vec<Wanted>) -> Result<Action, String> {
        let single = wanted.len() == 1;
        let mut all = Vec::with_capacity(wanted.len());
        for (service, weight) in wanted {
            let Some((name, port)) = service else {
                all.push(Weighted { target: None, weight, fault: None });
                continue;
            };
            let service = Name::new(&self.ingress.meta.namespace, &name);
            let target = Target { service: service.clone(), port };
            let fault = match self.services.get(&service) {
                Lookup::Found(object) => self.registered(object, &target)?,
                Lookup::Unseen(_) => Some(Note::BackendUnseen(service)),
                Lookup::Absent if single && self.flags.tolerates_missing_service => {
                    return Ok(Action::Fixed { status: 503, notes: vec![Note::ServiceMissing(service)] });
                }
                Lookup::Absent => return Err(format!("Service \"{name}\" not found")),
            };
            all.push(Weighted { target: Some(target), weight, fault });
        }
        Ok(Action::Forward(all))
    }

    /// What is wrong with a Service's targets; fails where the controller cannot make a target group.
    fn registered(&self, service: &Service, target: &Target) -> Result<Option<Note>, String> {
        let name = &target.service;
        let Some(port) = service.port(&target.port) else {
            return Err(format!("unable to find port {} on service {name}", target.port));
        };
        let key = format!("{PREFIX}target-type");
        let own = service.meta.annotation(&key).or_else(|| self.ingress.meta.annotation(&key));
        let pods = own.map_or(self.flags.targets_pods, |own| own == "ip");
        if !pods && port.node_port.is_none() {
            let needs =
                "When using Instance targets, your service must be of type 'NodePort' or 'LoadBalancer'";
            return Err(format!("TargetGroup port is empty. {needs}: {name}"));
        }
        Ok(self.services.behind(service, port).note(target))
    }

    /// Reads `actions.<name>`; `None` when it is not valid.
    fn parse(&self, text: &str) -> Option<Result<Action, String>> {
        let value: Value = serde_json::from_str(text).ok()?;
        let string = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        match value.get("type")?.as_str()? {
            "fixed-response" => {
                let status = string(value.get("fixedResponseConfig")?, "statusCode")?.parse().ok()?;
                Some(Ok(Action::Fixed { status, notes: Vec::new() }))
            }
            "redirect" => {
                let config = value.get("redirectConfig")?;
                let status = string(config, "statusCode")?;
                Some(Ok(Action::Redirect(Redirect {
                    protocol: string(config, "protocol"),
                    host: string(config, "host"),
                    port: string(config, "port"),
                    path: string(config, "path"),
                    query: string(config, "query"),
                    status: status.trim_start_matches("HTTP_").parse().ok()?,
                })))
            }
            "forward" => {
                let arn = string(&value, "targetGroupARN").is_some();
                let config = value.get("forwardConfig").filter(|config| !config.is_null());
                if arn == config.is_some() {
                    return None;
                }
                let Some(config) = config else { return Some(self.forward(vec![(None, 1)])) };
                let groups = config.get("targetGroups")?.as_array()?;
                let wanted: Option<Vec<Wanted>> =
                    groups.iter().map(|group| tuple(group, groups.len() > 1)).collect();
                Some(self.forward(wanted?))
            }
            _ => None,
        }
    }
}

/// One entry of `targetGroups`.
fn tuple(group: &Value, weighted: bool) -> Option<Wanted> {
    let weight = group.get("weight").and_then(Value::as_i64);
    if weighted && weight.is_none() {
        return None;
    }
    let arn = group.get("targetGroupARN").and_then(Value::as_str);
    let service = group.get("serviceName").and_then(Value::as_str);
    if arn.is_some() == service.is_some() {
        return None;
    }
    let Some(service) = service else { return Some((None, weight.unwrap_or(1))) };
    let port = match group.get("servicePort")? {
        Value::Number(number) => PortRef::Number(u16::try_from(number.as_u64()?).ok()?),
        Value::String(text) => text.parse().map_or_else(|_| PortRef::Name(text.clone()), PortRef::Number),
        _ => return None,
    };
    Some((Some((service.to_owned(), port)), weight.unwrap_or(1)))
}

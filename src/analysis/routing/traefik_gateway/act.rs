//! What a router does: its middlewares, in the order of the rule's filters, then its service.
//!
//! Sources: traefik/traefik `pkg/provider/kubernetes/gateway/httproute.go` (`loadMiddlewares`,
//! `loadWRRService`, `createRequestRedirect`), `pkg/middlewares/gatewayapi/`,
//! `pkg/server/service/loadbalancer/wrr`, v3.7.13.

use super::native::Native;
use super::{Found, Table};
use crate::analysis::routing::gateway::backends::{Health, Judged, Settled, settle};
use crate::analysis::routing::gateway::{path_change, uri};
use crate::analysis::routing::{Decision, Note, Outcome};
use crate::model::http_route::{Filter, PathChange, Redirect};
use crate::model::object::Name;
use crate::model::request::Request;

impl Table {
    pub(super) fn act(&self, request: &Request, path: &uri::Path, found: &Found) -> Decision {
        let Some((rule, one)) = self.attached.rule(found.at).zip(self.attached.condition(found.at)) else {
            return Decision::bare(Outcome::NoRoute, Some(404));
        };
        let settled = self.settled(found, &rule.filters);
        let priority = self.routers.get(found.number).and_then(Option::as_ref).map_or(0, |one| one.priority);
        let kind = super::super::gateway::path_type(one.path.kind).as_str();
        let rendered = format!("{kind} {}, priority {priority}", one.path.value);
        let mut decision = Decision::bare(settled.outcome, settled.status);
        decision.winner = self.attached.winner(found.at, &found.host, settled.target, rendered);
        decision.notes.extend(self.attached.listener(found.at).map(|served| Note::Listener {
            gateway: served.gateway.clone(),
            listener: served.listener.clone(),
        }));
        // A filter that cannot be made replaces the whole chain by an error.
        if let Some(filter) = rule.filters.iter().find_map(|filter| self.failing(filter)) {
            decision.outcome = Outcome::Unavailable;
            decision.status = Some(500);
            decision.notes.push(Note::FilterFails { filter });
            return decision;
        }
        decision.one_of = settled.one_of;
        let mut upstream = path.escaped.clone();
        for filter in rule.filters.iter().chain(&settled.filters) {
            match filter {
                Filter::Redirect(redirect) => {
                    decision.outcome = Outcome::Redirect;
                    decision.status = Some(redirect.status.unwrap_or(302));
                    decision.one_of.clear();
                    decision.location = Some(location(request, &upstream, &one.path.value, redirect));
                    return decision;
                }
                Filter::Rewrite { path: Some(change), .. } => {
                    upstream = path_change::changed(change, &one.path.value, &upstream);
                }
                Filter::Extension { kind, .. } => {
                    decision.notes.push(Note::FilterUnknown { filter: kind.clone() });
                }
                Filter::Rewrite { path: None, .. }
                | Filter::RequestHeaders
                | Filter::ResponseHeaders
                | Filter::Mirror
                | Filter::Cors
                | Filter::Other(_) => {}
            }
        }
        decision.notes.extend(settled.notes);
        if matches!(decision.outcome, Outcome::Routed | Outcome::Undefined) {
            decision.upstream_path = Some(upstream);
        }
        decision
    }

    fn failing(&self, filter: &Filter) -> Option<String> {
        failing(filter, self.has_crd_provider)
    }

    fn settled(&self, found: &Found, filters: &[Filter]) -> Settled {
        let route = self.attached.attachments.get(found.at.attachment).map(|attachment| attachment.route);
        let rules = route.and_then(|route| self.backends.get(route));
        let judged = rules.and_then(|rules| rules.get(found.at.rule)).map(Vec::as_slice).unwrap_or_default();
        let mut settled = settle(judged, |one| self.status_of(one));
        let targets = judged.iter().filter_map(|one| one.target.as_ref());
        settled.notes.extend(targets.filter_map(|target| self.native.fault(&target.service)));
        if judged.is_empty() {
            // Nobody in the balancer, unless the rule has nothing at all.
            let named = self.attached.rule(found.at).is_some_and(|rule| !rule.backends.is_empty());
            settled.outcome = Outcome::Unavailable;
            settled.status = Some(if named || !filters.is_empty() { 503 } else { 500 });
            settled.notes.push(Note::NoBackend);
        }
        settled
    }

    /// What Traefik answers itself for a backend.
    fn status_of(&self, one: &Judged) -> Option<u16> {
        if one.filters.iter().any(|filter| self.failing(filter).is_some()) {
            return Some(500);
        }
        let is = |what: fn(&Native, &Name) -> bool| {
            one.target.as_ref().is_some_and(|target| what(&self.native, &target.service))
        };
        let (by_address, headless) = (is(Native::is_by_address), is(Native::is_headless));
        match one.health {
            _ if is(|native, service| native.fault(service).is_some()) => Some(500),
            Health::Ready | Health::Unseen if by_address && headless => Some(500),
            Health::Ready | Health::Unseen => None,
            Health::Leaving if by_address => headless.then_some(500),
            // Nobody takes the connection to the Service's own address.
            Health::NobodyReady | Health::NoSlices if by_address => Some(if headless { 500 } else { 502 }),
            Health::NobodyReady | Health::Leaving => Some(503),
            Health::NoSlices
            | Health::ServiceMissing
            | Health::PortMissing
            | Health::NotGranted
            | Health::Foreign => Some(500),
        }
    }
}

/// The name of a filter that Traefik cannot carry out.
pub(super) fn failing(filter: &Filter, has_crd_provider: bool) -> Option<String> {
    match filter {
        Filter::Mirror => Some("RequestMirror".to_owned()),
        Filter::Cors => Some("CORS".to_owned()),
        Filter::Other(name) => Some(name.clone()),
        Filter::Extension { group, kind, .. } => {
            let known = has_crd_provider && group == "traefik.io" && kind == "Middleware";
            (!known).then(|| kind.clone())
        }
        Filter::Rewrite { hostname: None, path: None } => Some("URLRewrite".to_owned()),
        Filter::Redirect(_) | Filter::Rewrite { .. } | Filter::RequestHeaders | Filter::ResponseHeaders => {
            None
        }
    }
}

/// A scheme drops the port, else the request's stays.
fn location(request: &Request, path: &str, matched: &str, redirect: &Redirect) -> String {
    let scheme = redirect.scheme.as_deref().unwrap_or_else(|| request.scheme.as_str());
    let own = if redirect.scheme.is_some() { None } else { request.port };
    let port = redirect.port.or(own).map(|port| format!(":{port}")).unwrap_or_default();
    let host = redirect.hostname.as_deref().unwrap_or(&request.host_as_sent);
    let path = match &redirect.path {
        Some(PathChange::Full(to)) if to.is_empty() => String::new(),
        Some(change) => path_change::changed(change, matched, path),
        None => path.to_owned(),
    };
    let slash = if path.is_empty() || path.starts_with('/') { "" } else { "/" };
    // Semicolons separate parameters for Traefik, and are written as `&` at the door.
    let query = request.query.as_ref().map(|query| format!("?{}", query.replace(';', "&")));
    let query = query.unwrap_or_default();
    format!("{scheme}://{host}{port}{slash}{path}{query}")
}

/// Whether it makes no difference which of two routers takes the request.
pub(super) fn is_same(one: &Decision, other: &Decision) -> bool {
    let backend = |decision: &Decision| decision.winner.as_ref().and_then(|winner| winner.backend.clone());
    let answer = |decision: &Decision| (decision.outcome, decision.status, decision.location.clone());
    answer(one) == answer(other)
        && one.upstream_path == other.upstream_path
        && one.one_of == other.one_of
        && (one.outcome != Outcome::Routed || backend(one) == backend(other))
}

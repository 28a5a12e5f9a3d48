//! What the text says a winning rule does: its filters, then its backends.

use super::{Found, Table, status_of};
use crate::analysis::routing::gateway::backends::{Settled, settle};
use crate::analysis::routing::gateway::{path_change, uri};
use crate::analysis::routing::{Decision, Note, Outcome};
use crate::model::http_route::{Filter, Redirect};
use crate::model::request::{Request, Scheme};

impl Table {
    pub(super) fn act(&self, request: &Request, path: &uri::Path, found: &Found) -> Decision {
        let no_route = || Decision::bare(Outcome::NoRoute, Some(404));
        let Some((rule, one)) = self.attached.rule(found.at).zip(self.attached.condition(found.at)) else {
            return no_route();
        };
        let settled = self.settled(found, &rule.filters);
        let rendered =
            format!("{} {}", super::super::gateway::path_type(one.path.kind).as_str(), one.path.value);
        let mut decision = Decision::bare(settled.outcome, settled.status);
        decision.winner = self.attached.winner(found.at, &found.host, settled.target, rendered);
        decision.notes.extend(self.attached.listener(found.at).map(|served| Note::Listener {
            gateway: served.gateway.clone(),
            listener: served.listener.clone(),
        }));
        decision.one_of = settled.one_of;
        let mut upstream = path.escaped.clone();
        for filter in rule.filters.iter().chain(&settled.filters) {
            match filter {
                Filter::Redirect(redirect) => {
                    decision.outcome = Outcome::Redirect;
                    decision.status = Some(redirect.status.unwrap_or(302));
                    decision.one_of.clear();
                    decision.location = Some(self.location(request, &upstream, found, redirect));
                    return decision;
                }
                Filter::Extension { kind, .. } => {
                    return failing(decision, kind);
                }
                Filter::Other(name) => return failing(decision, name),
                Filter::Rewrite { path: Some(change), .. } => {
                    upstream = path_change::changed(change, &one.path.value, &upstream);
                    if !upstream.starts_with('/') {
                        upstream.insert(0, '/');
                    }
                }
                Filter::Rewrite { path: None, .. }
                | Filter::RequestHeaders
                | Filter::ResponseHeaders
                | Filter::Mirror
                | Filter::Cors => {}
            }
        }
        decision.notes.extend(settled.notes);
        if matches!(decision.outcome, Outcome::Routed | Outcome::Undefined) {
            decision.upstream_path = Some(upstream);
        }
        decision
    }

    fn settled(&self, found: &Found, filters: &[Filter]) -> Settled {
        let route = self.attached.attachments.get(found.at.attachment).map(|attachment| attachment.route);
        let rules = route.and_then(|route| self.backends.get(route));
        let judged = rules.and_then(|rules| rules.get(found.at.rule)).map(Vec::as_slice).unwrap_or_default();
        let mut settled = settle(judged, |one| status_of(one.health));
        if judged.is_empty() && !filters.iter().any(|filter| matches!(filter, Filter::Redirect(_))) {
            let named = self.attached.rule(found.at).is_some_and(|rule| !rule.backends.is_empty());
            settled.outcome = Outcome::Unavailable;
            settled.status = Some(if named { 503 } else { 500 });
            settled.notes.push(Note::NoBackend);
        }
        settled
    }

    /// The port is the filter's, else the one that goes with its scheme, else the listener's.
    fn location(&self, request: &Request, path: &str, found: &Found, redirect: &Redirect) -> String {
        let own = request.scheme.as_str();
        let scheme = redirect.scheme.as_deref().unwrap_or(own);
        let well_known = [Scheme::Http, Scheme::Https].into_iter().find(|known| known.as_str() == scheme);
        let well_known = well_known.map(Scheme::default_port);
        let listener = self.attached.listener(found.at).map(|served| served.port);
        let of_scheme = redirect.scheme.as_ref().and(well_known);
        let port = redirect.port.or(of_scheme).or(listener).filter(|port| Some(*port) != well_known);
        let host = redirect.hostname.as_deref().unwrap_or(&request.host_as_sent);
        let matched = self.attached.condition(found.at).map_or("/", |one| one.path.value.as_str());
        let path = match &redirect.path {
            Some(change) => path_change::changed(change, matched, path),
            None => path.to_owned(),
        };
        location(scheme, host, port, &path, request.query.as_deref())
    }
}

fn failing(mut decision: Decision, filter: &str) -> Decision {
    decision.outcome = Outcome::Unavailable;
    decision.status = Some(500);
    decision.one_of.clear();
    decision.notes.push(Note::FilterFails { filter: filter.to_owned() });
    decision
}

fn location(scheme: &str, host: &str, port: Option<u16>, path: &str, query: Option<&str>) -> String {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{host}{port}{slash}{path}{query}")
}

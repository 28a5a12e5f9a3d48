//! Why every other candidate lost, and what would have made one win.

use std::collections::HashSet;

use crate::analysis::routing::told::{Host, Question, Told, explain as explain_told};
use crate::analysis::routing::{Decision, Explanation, Reason, RouteTable};
use crate::model::ingress::{PathRule, PathType, Place, Rule};
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::PathMatch;
use super::table::{Table, Way, places};

pub(super) fn explain(table: &Table, request: &Request, limit: usize) -> Explanation {
    let decision = table.decide(request);
    let host = table.host(request);
    let path = table.path(request).unwrap_or_else(|| request.path.as_str().to_owned());
    let chosen = table.virtual_host(request, &host).map(|host| host.domain.as_str());
    let won = match table.way(request) {
        Way::Ends(..) => HashSet::new(),
        Way::Route(route) => places(&route.payload),
    };
    let question = Question {
        request,
        host: &host,
        path: &path,
        decision: &decision,
        chosen: chosen.unwrap_or_default(),
        limit,
    };
    let fits = chosen.is_none_or(|chosen| table.label_fits(chosen, table.sent(request)));
    let is_plain = request.scheme == Scheme::Http;
    let hosts = if is_plain { &table.plain } else { &table.tls };
    let served = hosts.routes().flat_map(|route| places(&route.payload)).collect();
    let view = View { table, chosen, fits, is_plain, served };
    explain_told(&view, &question, |ingress, place| won.contains(&(ingress, place)))
}

struct View<'a> {
    table: &'a Table,
    /// The virtual host.
    chosen: Option<&'a str>,
    /// Whether the routes of that virtual host take the host as sent.
    fits: bool,
    is_plain: bool,
    /// What has a route where the request came in.
    served: HashSet<(usize, Place)>,
}

fn domain_takes(domain: &str, asked: &str) -> bool {
    match domain.strip_prefix('*') {
        None => domain == asked,
        Some(suffix) => asked.strip_suffix(suffix).is_some_and(|label| !label.is_empty()),
    }
}

impl Told for View<'_> {
    fn ingresses(&self) -> &[(Name, Vec<Rule>)] {
        &self.table.ingresses
    }

    fn host(&self, host: &str, asked: &str) -> Host {
        let domain = if host.is_empty() { "*" } else { host };
        if self.chosen == Some(domain) {
            if self.fits { Host::Serves } else { Host::Differs }
        } else if domain_takes(domain, asked) {
            Host::Passed
        } else {
            Host::Differs
        }
    }

    fn takes(&self, _ingress: usize, path: &str, path_type: PathType, asked: &str) -> bool {
        (self.table.flavour.matcher)(path, path_type).takes(asked)
    }

    fn pattern(&self, _ingress: usize, rule: &PathRule) -> Option<String> {
        match (self.table.flavour.matcher)(&rule.path, rule.path_type) {
            PathMatch::Pattern(pattern) => Some(pattern),
            PathMatch::Exact(_) | PathMatch::Elements(_) | PathMatch::Prefix(_) => None,
        }
    }

    fn answer(&self, request: &Request) -> Decision {
        self.table.decide(request)
    }

    fn fault(&self, ingress: usize, place: Place) -> Option<Reason> {
        let scheme = if self.is_plain { Scheme::Http } else { Scheme::Https };
        let elsewhere = || Reason::OtherEntryPoint { asked: scheme.as_str().to_owned(), tls: !self.is_plain };
        let fault = self.table.faults.get(&(ingress, place)).cloned();
        fault.or_else(|| (!self.served.contains(&(ingress, place))).then(elsewhere))
    }

    fn may_change_host(&self) -> bool {
        self.is_plain
    }
}

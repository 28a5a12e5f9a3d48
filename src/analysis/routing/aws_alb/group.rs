//! Groups of Ingresses, one load balancer each, and its listeners.
//!
//! One thing that cannot be built fails the whole group: its load balancer keeps the rules it has.
//! Sources: kubernetes-sigs/aws-load-balancer-controller `pkg/ingress/{group_loader,model_builder,
//! model_build_listener,rule_optimizer}.go`, v3.

use std::collections::BTreeMap;

use crate::analysis::routing::balancers::Balancers;
use crate::analysis::routing::rule_index::RuleIndex;
use crate::analysis::routing::serving::Services;
use crate::analysis::routing::{Refusal, ReloadFailure};
use crate::model::ingress::Ingress;
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::action::{Action, Redirect};
use super::rule::{Rule, in_order};
use super::{Flags, PREFIX, annotation};

/// Ingresses by group, in order.
pub(super) type Grouped<'a> = BTreeMap<String, Vec<&'a Ingress>>;

/// The members of each group: by `group.order`, then by name. An Ingress without a group is its own.
pub(super) fn members<'a>(ingresses: &[&'a Ingress]) -> (Grouped<'a>, Vec<(Name, Refusal)>) {
    let mut groups: Grouped<'_> = BTreeMap::new();
    let mut refused = Vec::new();
    for ingress in ingresses {
        match annotation(ingress, "group.name") {
            Some(name) if is_group_name(name) => groups.entry(name.to_owned()).or_default().push(*ingress),
            Some(_) => {
                let key = format!("{PREFIX}group.name");
                refused.push((ingress.meta.key(), Refusal::InvalidAnnotation { key }));
            }
            None => groups.entry(ingress.meta.key().to_string()).or_default().push(*ingress),
        }
    }
    for list in groups.values_mut() {
        list.sort_by_cached_key(|ingress| (order(ingress).unwrap_or(0), ingress.meta.key().to_string()));
    }
    refused.sort();
    (groups, refused)
}

fn is_group_name(name: &str) -> bool {
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    name.len() <= 63 && end(name.chars().next()) && end(name.chars().last()) && name.chars().all(inner)
}

/// `None` where it cannot be read, or is out of bounds.
fn order(ingress: &Ingress) -> Option<i64> {
    let Some(text) = annotation(ingress, "group.order") else { return Some(0) };
    text.parse().ok().filter(|order| (-1000..=1000).contains(order))
}

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) scheme: Scheme,
    /// In order of priority.
    pub(super) rules: Vec<Rule>,
    pub(super) index: RuleIndex,
    /// The member with a default backend, and what it does.
    pub(super) default: Option<(usize, Action)>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) listeners: BTreeMap<u16, Listener>,
    /// Every plain request goes to https.
    pub(super) ssl_redirect: Option<Redirect>,
    /// The member that asks for it.
    pub(super) ssl_redirect_by: usize,
    /// In lower case, whether or not their rules can be built; empty for any.
    hosts: Vec<String>,
    /// Host names and addresses of its load balancer.
    addresses: Vec<String>,
    /// Members by number: from, count.
    pub(super) span: (usize, usize),
    pub(super) failure: Option<ReloadFailure>,
}

/// The first thing that cannot be built.
struct Failures<'a> {
    first: &'a mut Option<ReloadFailure>,
}

impl Failures<'_> {
    fn add(&mut self, ingress: &Ingress, host: &str, cause: String) {
        self.first.get_or_insert_with(|| ReloadFailure {
            cause,
            host: host.to_owned(),
            between: vec![ingress.meta.key()],
        });
    }
}

impl Group {
    /// `list` in order; its first member has the number `first`.
    pub(super) fn new(
        name: String,
        list: &[&Ingress],
        first: usize,
        flags: &Flags,
        services: &Services<'_>,
    ) -> Self {
        let mut failure = None;
        let mut failures = Failures { first: &mut failure };
        let mut listeners: BTreeMap<u16, Listener> = BTreeMap::new();
        let mut ssl_redirect: Option<(u16, usize)> = None;
        for (at, ingress) in list.iter().enumerate() {
            let number = first + at;
            if order(ingress).is_none() {
                failures.add(ingress, "", format!("invalid {PREFIX}group.order"));
            }
            let ports = ports(ingress).unwrap_or_else(|| {
                failures.add(ingress, "", format!("invalid {PREFIX}listen-ports"));
                BTreeMap::new()
            });
            match annotation(ingress, "ssl-redirect").map(str::parse::<u16>) {
                None => {}
                Some(Ok(port)) if ssl_redirect.is_none_or(|(other, _)| other == port) => {
                    ssl_redirect = ssl_redirect.or(Some((port, number)));
                }
                Some(Ok(_)) => failures.add(ingress, "", "conflicting sslRedirect port".to_owned()),
                Some(Err(_)) => failures.add(ingress, "", format!("invalid {PREFIX}ssl-redirect")),
            }
            let rules = build(ingress, number, flags, services, &mut failures);
            let default = ingress.default_backend.as_ref().and_then(|backend| {
                let action = Action::of(ingress, backend, flags, services);
                action.map_err(|cause| failures.add(ingress, "", cause)).ok()
            });
            for (port, scheme) in ports {
                let new =
                    || Listener { scheme, rules: Vec::new(), index: RuleIndex::default(), default: None };
                let listener = listeners.entry(port).or_insert_with(new);
                if listener.scheme != scheme {
                    failures.add(ingress, "", format!("conflicting protocol for port {port}"));
                }
                listener.add(&rules, port);
                if let Some(action) = &default {
                    if listener.default.is_some() {
                        let cause = "multiple ingress defined default backend".to_owned();
                        failures.add(ingress, "", cause);
                    }
                    listener.default.get_or_insert_with(|| (number, action.clone()));
                }
            }
        }
        let is_https = |port: u16| listeners.get(&port).is_some_and(|l| l.scheme == Scheme::Https);
        let asking = ssl_redirect.and_then(|(port, by)| Some((port, list.get(by - first)?)));
        if let Some((port, ingress)) = asking
            && !is_https(port)
        {
            failures.add(ingress, "", format!("listener does not exist for SSLRedirect port: {port}"));
        }
        Self {
            name,
            listeners,
            ssl_redirect: ssl_redirect.map(|(port, _)| Redirect::to_https(port)),
            ssl_redirect_by: ssl_redirect.map_or(first, |(_, by)| by),
            hosts: list.iter().flat_map(|ingress| ingress.rules.iter().map(hosts_of)).collect(),
            addresses: list.iter().flat_map(|ingress| ingress.addresses.iter().cloned()).collect(),
            span: (first, list.len()),
            failure,
        }
    }

    /// Whether there is a listener where the request comes in.
    pub(super) fn listens(&self, request: &Request) -> bool {
        let listener = self.listeners.get(&request.effective_port());
        listener.is_some_and(|listener| listener.scheme == request.scheme)
    }

    /// Tells by what a request finds this load balancer.
    pub(super) fn announce(&self, number: usize, balancers: &mut Balancers) {
        for address in &self.addresses {
            balancers.add_address(address, number);
        }
        let extra = self.listeners.values().flat_map(|listener| &listener.rules);
        for host in self.hosts.iter().chain(extra.flat_map(|rule| &rule.hosts)) {
            balancers.add_host(host, number);
        }
        if self.listeners.values().any(|listener| listener.default.is_some()) {
            balancers.add_host("", number);
        }
    }
}

fn hosts_of(rule: &crate::model::ingress::Rule) -> String {
    rule.host().to_ascii_lowercase()
}

impl Listener {
    /// Adds rules, but not redirects that would lead to themselves.
    fn add(&mut self, rules: &[Rule], port: u16) {
        for rule in rules {
            if let Action::Redirect(redirect) = &rule.action
                && redirect.is_endless(port, self.scheme.as_str(), &rule.hosts, &rule.paths)
            {
                continue;
            }
            for (host, path) in rule.keys() {
                self.index.add(host, path, self.rules.len());
            }
            self.rules.push(rule.clone());
        }
    }
}

/// The rules of one Ingress, in order.
fn build(
    ingress: &Ingress,
    number: usize,
    flags: &Flags,
    services: &Services<'_>,
    failures: &mut Failures<'_>,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (r, written) in ingress.rules.iter().enumerate() {
        let paths = written.paths();
        for p in in_order(paths) {
            let Some(path) = paths.get(p) else { continue };
            match Rule::new(ingress, (number, (r, p)), (written.host(), path), flags, services) {
                Ok(rule) => rules.push(rule),
                Err(cause) => failures.add(ingress, written.host(), cause),
            }
        }
    }
    rules
}

/// The ports of an Ingress: what it says, else 443 where a certificate is given, else 80.
fn ports(ingress: &Ingress) -> Option<BTreeMap<u16, Scheme>> {
    let Some(text) = annotation(ingress, "listen-ports") else {
        let secure = annotation(ingress, "certificate-arn").is_some_and(|arns| !arns.trim().is_empty());
        let default = if secure { (443, Scheme::Https) } else { (80, Scheme::Http) };
        return Some(BTreeMap::from([default]));
    };
    let entries: Vec<BTreeMap<String, u16>> = serde_json::from_str(text).ok()?;
    let mut ports = BTreeMap::new();
    for (protocol, port) in entries.iter().flatten() {
        let scheme = match protocol.as_str() {
            "HTTP" => Scheme::Http,
            "HTTPS" => Scheme::Https,
            _ => return None,
        };
        ports.insert(*port, scheme);
    }
    (!ports.is_empty() && !ports.contains_key(&0)).then_some(ports)
}

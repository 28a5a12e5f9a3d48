//! AWS Load Balancer Controller: the listener rules of an Application Load Balancer.
//!
//! Steps: Ingresses into groups, one load balancer each, members by `group.order` and name (`group`) →
//! rules in the order of members and of their spec, inside one rule Exact, then the longest Prefix, then
//! the rest as written (`rule`) → the first rule that matches wins, and nothing is ever sorted again.
//! Assumptions: IngressClassParams, certificates and security groups are not seen; a host leads to the
//! load balancer that names it (`balancers`). What a regular expression of the load balancer is
//! anchored to is not known: where that decides, the answer is a set.
//! Sources: kubernetes-sigs/aws-load-balancer-controller `pkg/ingress/{group_loader,
//! model_build_listener,model_build_listener_rules,model_build_actions,rule_optimizer,
//! enhanced_backend_builder}.go`, v3; Elastic Load Balancing user guide, listener rules.

use crate::model::controller::{ControllerKind, Settings, Version};
use crate::model::ingress::{Ingress, Place, Rule as IngressRule};
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};

use super::balancers::Balancers;
use super::possible::one_of;
use super::serving::{External, Services};
use super::{
    Basis, Decision, Explanation, Input, Note, Outcome, Refusal, Releases, ReloadFailure, RouteTable,
    RoutingModel, Winner,
};

mod action;
mod condition;
mod explain;
mod glob;
mod group;
mod rule;

use group::{Group, Listener};
use rule::{Matched, Rule};

const PREFIX: &str = "alb.ingress.kubernetes.io/";

/// The AWS Load Balancer Controller.
#[derive(Debug)]
pub struct AwsAlb;

impl RoutingModel for AwsAlb {
    fn kind(&self) -> ControllerKind {
        ControllerKind::AwsAlb
    }

    fn basis(&self) -> Basis {
        Basis::Exact
    }

    fn releases(&self) -> Option<Releases> {
        Some(Releases { since: Version::new(3, 0, 0), before: Version::new(4, 0, 0) })
    }

    fn compile(&self, input: &Input<'_>) -> Box<dyn RouteTable> {
        Box::new(Table::new(input))
    }
}

/// A member of a group as far as it is needed after compilation.
#[derive(Debug)]
struct Member {
    name: Name,
    rules: Vec<IngressRule>,
}

#[derive(Debug)]
struct Table {
    /// In order of group name, and within a group in order of its list.
    members: Vec<Member>,
    groups: Vec<Group>,
    balancers: Balancers,
    refused: Vec<(Name, Refusal)>,
    /// Their rules.
    unloaded: Vec<Vec<IngressRule>>,
    /// Set when no load balancer can be built.
    failure: Option<ReloadFailure>,
}

/// An annotation of this controller.
fn annotation<'a>(ingress: &'a Ingress, name: &str) -> Option<&'a str> {
    ingress.meta.annotation(&format!("{PREFIX}{name}"))
}

/// What flags say of every Ingress.
#[derive(Debug)]
struct Flags {
    tolerates_missing_service: bool,
    tolerates_missing_action: bool,
    targets_pods: bool,
}

impl Flags {
    fn new(settings: &Settings) -> Self {
        let tolerates = |name: &str| settings.flag(name).is_none() || settings.is_set(name);
        Self {
            tolerates_missing_service: tolerates("tolerate-non-existent-backend-service"),
            tolerates_missing_action: tolerates("tolerate-non-existent-backend-action"),
            targets_pods: settings.value("default-target-type") == Some("ip"),
        }
    }
}

impl Table {
    fn new(input: &Input<'_>) -> Self {
        let flags = Flags::new(input.settings);
        let services = Services::new(input.snapshot, External::Served);
        let (grouped, refused) = group::members(input.ingresses);
        let mut members = Vec::with_capacity(input.ingresses.len());
        let mut groups = Vec::with_capacity(grouped.len());
        for (name, list) in grouped {
            let first = members.len();
            members.extend(list.iter().map(|i| Member { name: i.meta.key(), rules: i.rules.clone() }));
            groups.push(Group::new(name, &list, first, &flags, &services));
        }
        let mut balancers = Balancers::default();
        for (number, group) in groups.iter().enumerate() {
            group.announce(number, &mut balancers);
        }
        let all_fail = !groups.is_empty() && groups.iter().all(|group| group.failure.is_some());
        let failure = groups.iter().find_map(|group| group.failure.clone()).filter(|_| all_fail);
        let named = |ingress: &&&Ingress| {
            refused.binary_search_by_key(&ingress.meta.key(), |(name, _)| name.clone()).is_ok()
        };
        let mut unloaded: Vec<&Ingress> = input.ingresses.iter().filter(named).copied().collect();
        unloaded.sort_by_cached_key(|ingress| ingress.meta.key());
        let unloaded = unloaded.into_iter().map(|ingress| ingress.rules.clone()).collect();
        Self { members, groups, balancers, refused, unloaded, failure }
    }

    /// The load balancers that a request may come to.
    fn reached(&self, request: &Request) -> Vec<&Group> {
        let fits = |pattern: &str, host: &str| glob::takes(pattern.as_bytes(), host.as_bytes());
        let found = self.balancers.reached(request, fits);
        found.into_iter().filter_map(|at| self.groups.get(at)).collect()
    }

    fn at_group(&self, group: &Group, request: &Request) -> Decision {
        let mut decision = self.at_listener(group, request);
        if group.failure.is_some() {
            let winner = decision.winner.take();
            decision = Decision { winner, ..Decision::bare(Outcome::Refused, None) };
            decision.notes.push(Note::ReloadFails);
        }
        decision.notes.insert(0, Note::Server { name: group.name.clone() });
        decision
    }

    fn at_listener(&self, group: &Group, request: &Request) -> Decision {
        let port = request.effective_port();
        let listener = group.listeners.get(&port).filter(|listener| listener.scheme == request.scheme);
        let Some(listener) = listener else {
            let mut decision = Decision::bare(Outcome::Refused, None);
            decision.notes.push(Note::NoListener { port });
            return decision;
        };
        if let (Some(redirect), Scheme::Http) = (&group.ssl_redirect, request.scheme) {
            let mut decision = redirect.decide(request);
            if let Some(member) = self.members.get(group.ssl_redirect_by) {
                let key = format!("{PREFIX}ssl-redirect");
                decision.notes.push(Note::Annotation { ingress: member.name.clone(), key });
            }
            return decision;
        }
        let mut perhaps: Vec<&Rule> = Vec::new();
        for number in listener.index.candidates(request.host.as_str(), request.path.as_str()) {
            let Some(rule) = listener.rules.get(number) else { continue };
            match rule.matches(request) {
                Matched::Yes => return self.settle(&perhaps, Some(rule), listener, request),
                Matched::Perhaps => perhaps.push(rule),
                Matched::No => {}
            }
        }
        self.settle(&perhaps, None, listener, request)
    }

    /// The rule that matches, unless earlier ones may.
    fn settle(
        &self,
        perhaps: &[&Rule],
        sure: Option<&Rule>,
        listener: &Listener,
        request: &Request,
    ) -> Decision {
        let decide = |rule: Option<&Rule>| match rule {
            Some(rule) => self.by_rule(rule, request),
            None => self.by_default(listener, request),
        };
        let mut decision =
            one_of(perhaps.iter().map(|rule| decide(Some(rule))).chain([decide(sure)]).collect());
        let undecided = perhaps.iter().map(|rule| Note::PatternUndecided { pattern: rule.rendered.clone() });
        decision.notes.extend(undecided);
        decision
    }

    fn by_rule(&self, rule: &Rule, request: &Request) -> Decision {
        let mut decision = rule.action.decide(request);
        decision.notes.extend(rule.transform.clone());
        if rule.transform.is_some() {
            decision.upstream_path = None;
        }
        decision.winner = self.winner(rule);
        decision
    }

    /// What the listener does where no rule matches.
    fn by_default(&self, listener: &Listener, request: &Request) -> Decision {
        let Some((member, action)) = &listener.default else {
            let mut decision = Decision::bare(Outcome::NoRoute, Some(404));
            decision.default_backend = true;
            return decision;
        };
        let mut decision = action.decide(request);
        decision.winner = self.members.get(*member).map(|member| Winner {
            ingress: member.name.clone(),
            place: Place::DefaultBackend,
            host: String::new(),
            path: String::new(),
            path_type: None,
            backend: action.target(),
            rendered: "default action".to_owned(),
        });
        decision
    }

    fn winner(&self, rule: &Rule) -> Option<Winner> {
        let member = self.members.get(rule.member)?;
        let (r, p) = rule.at;
        let written = member.rules.get(r)?;
        let path = written.paths().get(p)?;
        Some(Winner {
            ingress: member.name.clone(),
            place: Place::Path(r, p),
            host: written.host().to_owned(),
            path: path.path.clone(),
            path_type: Some(path.path_type),
            backend: rule.action.target(),
            rendered: rule.rendered.clone(),
        })
    }
}

impl RouteTable for Table {
    fn decide(&self, request: &Request) -> Decision {
        let groups = self.reached(request);
        one_of(groups.into_iter().map(|group| self.at_group(group, request)).collect())
    }

    fn explain(&self, request: &Request, limit: usize) -> Explanation {
        explain::explain(self, request, limit)
    }

    fn refused(&self) -> &[(Name, Refusal)] {
        &self.refused
    }

    fn reload_failure(&self) -> Option<&ReloadFailure> {
        self.failure.as_ref()
    }

    fn failure_for(&self, request: &Request) -> Option<&ReloadFailure> {
        self.reached(request).into_iter().find_map(|group| group.failure.as_ref())
    }
}

#[cfg(test)]
mod tests;

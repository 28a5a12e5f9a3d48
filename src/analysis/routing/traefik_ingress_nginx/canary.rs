//! Canaries: which Service another one shares its requests with, and by which header or cookie.
//!
//! A canary must name the namespace, host, path and type of another Ingress's path; it then follows that
//! path's *Service*, wherever it is used in the namespace. One without servers, or the second one for a
//! path, does not count.
//! Sources: traefik/traefik `pkg/provider/kubernetes/ingress-nginx/{build,model}.go`, `translator.go`
//! (`appendCanaryRule`), v3.7.13.

use std::collections::{HashMap, HashSet};

use super::backends::Backends;
use super::location::Canary as Share;
use super::options::{Canary as Policy, Options};
use crate::analysis::routing::Target;
use crate::analysis::routing::traefik::endpoints::Servers;
use crate::analysis::routing::traefik::pattern::Pattern;
use crate::analysis::routing::traefik::rule::Condition;
use crate::model::ingress::{Ingress, PathRule, PathType};
use crate::model::object::Name;

/// A canary of a Service.
#[derive(Debug, Clone)]
pub(super) struct Canary {
    pub(super) share: Share,
    policy: Policy,
}

/// By the Service and port as rules write them.
pub(super) type Canaries = HashMap<Target, Canary>;

impl Canary {
    /// When a request goes to the canary in any case.
    pub(super) fn takes(&self) -> Vec<Condition> {
        let Policy { header, value, pattern, cookie, .. } = &self.policy;
        let mut conditions = Vec::new();
        if !header.is_empty() {
            conditions.push(if !value.is_empty() {
                Condition::Header(header.clone(), value.clone())
            } else if pattern.is_empty() {
                Condition::Header(header.clone(), "always".to_owned())
            } else {
                Condition::HeaderPattern(header.clone(), Pattern::new(pattern.clone()))
            });
        }
        if !cookie.is_empty() {
            let found = cookie_pattern(cookie, "always");
            conditions.push(if self.has_switch() {
                Condition::PatternUnless("Cookie".to_owned(), found, header.clone(), "never".to_owned())
            } else {
                Condition::HeaderPattern("Cookie".to_owned(), found)
            });
        }
        conditions
    }

    /// When it does not in any case.
    pub(super) fn leaves(&self) -> Vec<Condition> {
        let Policy { weight, header, cookie, .. } = &self.policy;
        let mut conditions = Vec::new();
        if *weight <= 0 || (!self.has_switch() && cookie.is_empty()) {
            return conditions;
        }
        if self.has_switch() {
            conditions.push(Condition::Header(header.clone(), "never".to_owned()));
        }
        if !cookie.is_empty() {
            let pattern = cookie_pattern(cookie, "never");
            conditions.push(Condition::HeaderPattern("Cookie".to_owned(), pattern));
        }
        conditions
    }

    /// A header whose values are `always` and `never`.
    fn has_switch(&self) -> bool {
        let Policy { header, value, pattern, .. } = &self.policy;
        !header.is_empty() && value.is_empty() && pattern.is_empty()
    }
}

fn cookie_pattern(name: &str, value: &str) -> Pattern {
    let mut quoted = String::new();
    for c in name.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    Pattern::new(format!("(^|;\\s*){quoted}={value}(;|$)"))
}

/// What a canary must share with the path it follows.
type Key = (String, String, String, PathType);

fn key(namespace: &str, host: &str, path: &PathRule) -> Key {
    (namespace.to_owned(), host.to_owned(), path.path.clone(), path.path_type)
}

fn target(namespace: &str, path: &PathRule) -> Option<Target> {
    let (service, port) = path.backend.service()?;
    Some(Target { service: Name::new(namespace, service), port: port.clone() })
}

pub(super) fn find(loaded: &[(&Ingress, Options)], backends: &Backends<'_>) -> Canaries {
    let mut canaries = Canaries::new();
    if loaded.iter().all(|(_, options)| options.canary.is_none()) {
        return canaries;
    }
    let mut paths: HashMap<Key, (Target, &Options)> = HashMap::new();
    for (ingress, options) in loaded.iter().filter(|(_, options)| options.canary.is_none()) {
        let namespace = &ingress.meta.namespace;
        for (_, _, host, path) in ingress.path_rules() {
            if let Some(target) = target(namespace, path) {
                paths.insert(key(namespace, host, path), (target, options));
            }
        }
    }
    let mut taken: HashSet<Key> = HashSet::new();
    for (ingress, options) in loaded {
        let Some(policy) = &options.canary else { continue };
        let namespace = &ingress.meta.namespace;
        for (_, _, host, path) in ingress.path_rules() {
            let key = key(namespace, host, path);
            let Some((main, main_options)) = paths.get(&key) else { continue };
            let Some(own) = target(namespace, path).filter(|own| own != main && !taken.contains(&key)) else {
                continue;
            };
            let backend = backends.resolve(own, main_options);
            if backend.failed || matches!(backend.servers, Servers::Nobody) {
                continue;
            }
            taken.insert(key);
            let share =
                Share { ingress: ingress.meta.key(), backend, weight: policy.weight, total: policy.total };
            canaries.insert(main.clone(), Canary { share, policy: policy.clone() });
        }
    }
    canaries
}

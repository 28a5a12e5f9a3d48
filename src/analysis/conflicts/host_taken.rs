//! # What it finds
//! A host in several Ingresses of F5 NGINX, which gives a host to one of them only.
//!
//! # Why it 404s
//! The oldest Ingress has the host; the rules of the others for it are dropped entirely, whatever their
//! paths. Their requests get the 404 of the owner's server, or end in the owner's application.
//!
//! # Example
//! ```yaml
//! # Ingress mainflux/ui, older: host iot.example.com, path /
//! # Ingress mainflux/http:      host iot.example.com, path /http     event: All hosts are taken by other resources
//! ```
//!
//! # What to do
//! Put all paths into one Ingress, or make one a master and the others minions
//! (`nginx.org/mergeable-ingress-type`).
//!
//! # References
//! nginx/kubernetes-ingress `internal/k8s/configuration.go` (buildHostsAndResources) @ v5.5;
//! nginx/kubernetes-ingress#244, #76, #644; absmach/supermq-devops#83.

use std::cmp::Reverse;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, SHOWN, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::field::hosts::{Entry, Host};
use crate::analysis::field::pattern;
use crate::model::controller::ControllerKind;
use crate::model::ingress::{Ingress, PathType, Place};

const MERGEABLE: &str = "nginx.org/mergeable-ingress-type";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "host_taken"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        if field.kind != ControllerKind::F5Nginx {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (name, host) in field.hosts.iter() {
            let Some(owner) = owner(host) else { continue };
            let losers: Vec<&Ingress> = host
                .ingresses
                .iter()
                .copied()
                .filter(|ingress| !is_minion(ingress) && !std::ptr::eq(*ingress, owner))
                .collect();
            if !losers.is_empty() {
                found.push(self.told(field, name, host, owner, &losers));
            }
        }
        found
    }
}

pub(super) fn is_minion(ingress: &Ingress) -> bool {
    ingress.meta.annotation(MERGEABLE) == Some("minion")
}

pub(super) fn is_master(ingress: &Ingress) -> bool {
    ingress.meta.annotation(MERGEABLE) == Some("master")
}

/// The Ingress that has a host: the oldest; in one second the one with the larger uid.
pub(super) fn owner<'a>(host: &Host<'a>) -> Option<&'a Ingress> {
    host.ingresses
        .iter()
        .copied()
        .filter(|ingress| !is_minion(ingress))
        .min_by_key(|ingress| (ingress.meta.created, Reverse(ingress.meta.uid.as_str())))
}

/// The owner's rule that takes a path, character by character.
fn taking<'h, 'a>(host: &'h Host<'a>, owner: &Ingress, path: &str) -> Option<&'h Entry<'a>> {
    host.paths
        .iter()
        .filter(|entry| std::ptr::eq(entry.ingress, owner))
        .filter(|entry| match entry.path_type {
            PathType::Exact => entry.path == path,
            PathType::Prefix | PathType::ImplementationSpecific => path.starts_with(entry.path),
        })
        .max_by_key(|entry| (entry.is_exact(), entry.path.len()))
}

impl Rule {
    fn told(
        &self,
        field: &Field<'_>,
        name: &str,
        host: &Host<'_>,
        owner: &Ingress,
        losers: &[&Ingress],
    ) -> Conflict {
        let lost = |entry: &&Entry<'_>| !std::ptr::eq(owner, entry.ingress) && !is_minion(entry.ingress);
        let first = host.paths.iter().find(lost);
        let sample = first.and_then(|entry| pattern::samples(entry.path).into_iter().next());
        let taking = sample.as_deref().and_then(|path| taking(host, owner, path));
        let merges = is_master(owner);
        let effect = match taking {
            Some(by) => Effect::ServedBy { ingress: by.ingress.meta.key(), backend: by.target() },
            None if merges => Effect::OwnAnswer,
            None => Effect::Status(404),
        };
        let facts = Facts::HostTaken { losers: losers.len(), paths: host.paths.iter().filter(lost).count() };
        let fix = match losers.first() {
            Some(loser) => Fix::OwnHost { ingress: loser.meta.key() },
            None => Fix::OwnHost { ingress: owner.meta.key() },
        };
        let mut conflict =
            Conflict::new(self, field, Severity::High, facts, effect, fix).on(name).won_by(owner);
        let mut order: Vec<&Ingress> = losers.iter().take(1).copied().chain([owner]).collect();
        order.extend(losers.iter().skip(1));
        for ingress in order.into_iter().take(SHOWN) {
            let at = ingress.rules.iter().position(|rule| rule.host() == name).unwrap_or_default();
            conflict = conflict.at_host(ingress, Place::Rule(at));
        }
        match sample {
            Some(path) => conflict.shown_by(name, &path).judged(field),
            None => conflict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    #[test]
    fn the_younger_ingress_loses_the_host_whatever_its_paths() {
        for (path, answer) in [("/", "mf/ui ui:80"), ("/ui", "404")] {
            let found = check(
                &Rule,
                &format!(
                    "is f5-nginx
                     ing mf/ui age=9 host=iot.example {path}(P)->ui:80
                     ing mf/http age=8 host=iot.example /http(P)->http:8180"
                ),
                &["high iot.example: mf/http spec.rules[0].host, mf/ui spec.rules[0].host"],
            );
            sees(&found, &[&format!("http://iot.example/http: {answer}")]);
        }
    }

    #[test]
    fn in_one_second_the_larger_uid_has_it() {
        check(
            &Rule,
            "is f5-nginx
             ing mf/a host=iot.example /a(P)->a:80
             ing mf/b host=iot.example /b(P)->b:80",
            &["high iot.example: mf/a spec.rules[0].host, mf/b spec.rules[0].host"],
        );
    }

    #[test]
    fn a_master_with_minions_and_other_products_share_hosts() {
        silent(
            &Rule,
            "is f5-nginx
             ing mf/m age=9 host=iot.example ann:nginx.org/mergeable-ingress-type=master
             ing mf/a age=8 host=iot.example /a(P)->a:80 ann:nginx.org/mergeable-ingress-type=minion
             ing mf/b age=7 host=iot.example /b(P)->b:80 ann:nginx.org/mergeable-ingress-type=minion
             ing mf/c age=6 host=other.example /b(P)->b:80",
        );
        silent(
            &Rule,
            "ing mf/a age=9 host=iot.example /a(P)->a:80\ning mf/b age=8 host=iot.example /b(P)->b:80",
        );
    }
}

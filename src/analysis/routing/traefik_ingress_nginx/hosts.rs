//! What Ingresses of one host share: patterns, server snippets, aliases, the other name with `www.`.
//!
//! Source: traefik/traefik `pkg/provider/kubernetes/ingress-nginx/build.go` (first pass,
//! `resolveAliases`), `middleware.go` (`buildFromToWwwRedirect`), v3.7.13.

use std::collections::{HashMap, HashSet};

use super::options::Options;
use crate::model::ingress::Ingress;
use crate::model::object::Name;

/// What hosts have in common, whoever names them.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    pub(super) all: HashSet<String>,
    pub(super) regex: HashSet<String>,
    pub(super) snippets: HashMap<String, String>,
    /// By alias in lower case: the Ingress that has it.
    aliases: HashMap<String, Name>,
}

impl Hosts {
    pub(super) fn new(loaded: &[(&Ingress, Options)]) -> Self {
        let mut hosts = Self::default();
        for (ingress, options) in loaded.iter().filter(|(_, options)| options.canary.is_none()) {
            for alias in &options.aliases {
                hosts.aliases.entry(alias.to_lowercase()).or_insert_with(|| ingress.meta.key());
            }
            for rule in &ingress.rules {
                hosts.all.insert(rule.host().to_owned());
                if options.use_regex || !options.rewrite.is_empty() {
                    hosts.regex.insert(rule.host().to_owned());
                }
                if !options.server_snippet.is_empty() {
                    hosts
                        .snippets
                        .entry(rule.host().to_owned())
                        .or_insert_with(|| options.server_snippet.clone());
                }
            }
        }
        hosts
    }

    /// The aliases that an Ingress really gets.
    pub(super) fn aliases_of(&self, ingress: &Name, options: &Options) -> Vec<String> {
        let own = |alias: &&String| {
            let lower = alias.to_lowercase();
            !self.all.contains(&lower) && self.aliases.get(&lower).is_none_or(|owner| owner == ingress)
        };
        options.aliases.iter().filter(own).cloned().collect()
    }

    /// The other name of a host that `from-to-www-redirect` sends to it.
    pub(super) fn www(&self, host: &str) -> Option<String> {
        if host.is_empty() || host.starts_with("*.") {
            return None;
        }
        let other = match host.strip_prefix("www.") {
            Some(bare) => bare.to_owned(),
            None => format!("www.{host}"),
        };
        (!self.all.contains(&other)).then_some(other)
    }
}

//! The hosts that rules name, asked for by a name that may be a wildcard, as they may.

use std::collections::HashSet;

use crate::model::ingress::Ingress;

/// The hosts of all loaded rules, in lower case.
#[derive(Debug, Default)]
pub struct Named {
    hosts: HashSet<String>,
    /// What follows their first label.
    parents: HashSet<String>,
}

impl Named {
    pub(super) fn new(loaded: &[&Ingress]) -> Self {
        let mut named = Self::default();
        for host in loaded.iter().flat_map(|ingress| ingress.hosts()).filter(|host| !host.is_empty()) {
            let host = host.to_ascii_lowercase();
            named.parents.extend(parent(&host).map(str::to_owned));
            named.hosts.insert(host);
        }
        named
    }

    /// Whether a rule has this host, or one that it takes, or that takes it.
    #[must_use]
    pub fn touches(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        if name.is_empty() {
            return !self.hosts.is_empty();
        }
        self.hosts.contains(&name)
            || parent(&name).is_some_and(|parent| self.hosts.contains(&format!("*.{parent}")))
            || name.strip_prefix("*.").is_some_and(|parent| self.parents.contains(parent))
    }
}

/// What follows a first label that is not empty.
fn parent(host: &str) -> Option<&str> {
    host.split_once('.').filter(|(label, _)| !label.is_empty()).map(|(_, parent)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::ingress;
    use crate::model::host::spec_match;

    #[test]
    fn a_name_is_found_as_trying_all_hosts_would() {
        let hosts = ["a.example", "*.b.example", "x.c.example", ".d.example", ""];
        let ingress = ingress("n/i", &hosts.map(|host| (host, "Prefix / web")));
        let named = Named::new(&[&ingress]);
        for name in [
            "A.example",
            "*.example",
            "b.example",
            "y.b.example",
            "*.b.example",
            "y.z.b.example",
            "*.c.example",
            "c.example",
            "*.d.example",
            ".b.example",
            "example",
            "*.x.c.example",
            "",
        ] {
            let mut hosts = hosts.into_iter().filter(|host| !host.is_empty());
            let tried = hosts.any(|host| spec_match(host, name) || spec_match(name, host));
            assert_eq!(named.touches(name), tried, "{name}");
        }
    }
}

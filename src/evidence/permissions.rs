//! Which rights the evidence needs and what is lost without each: one table, from which come the
//! ClusterRole of the documentation, the checks of `doctor`, and the hints of gaps.
//!
//! Invariant: there is no right to write anything, and none on `secrets`.

use std::fmt::Write as _;

use crate::model::object::Kind;

/// Where a right is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grant {
    /// In the whole cluster, or namespace by namespace.
    Cluster,
    /// Like `Cluster`; it only makes answers sharper.
    Optional,
    /// In the namespaces of the ingress controllers, for the ConfigMaps named in their arguments.
    ControllerConfig,
    /// In the namespaces that may be probed; off unless the operator wants it.
    Probe,
}

/// One fetcher's right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// What fetches with it.
    pub fetcher: &'static str,
    pub verbs: &'static [&'static str],
    pub group: &'static str,
    pub resource: &'static str,
    pub subresource: Option<&'static str>,
    pub grant: Grant,
    /// What cannot be told without it.
    pub without: &'static str,
}

impl Permission {
    /// `pods/log`: the resource as RBAC rules spell it.
    #[must_use]
    pub fn rule_resource(&self) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.resource),
            None => self.resource.to_owned(),
        }
    }

    const fn new(
        fetcher: &'static str,
        verbs: &'static [&'static str],
        kind: Kind,
        subresource: Option<&'static str>,
        grant: Grant,
        without: &'static str,
    ) -> Self {
        Self {
            fetcher,
            verbs,
            group: kind.api_group(),
            resource: kind.resource(),
            subresource,
            grant,
            without,
        }
    }
}

const READ: &[&str] = &["get", "list", "watch"];

/// Every right, in the order of the rules that grant them.
pub const PERMISSIONS: &[Permission] = &[
    Permission::new(
        "ingresses",
        READ,
        Kind::Ingress,
        None,
        Grant::Cluster,
        "anything: which rule should have matched",
    ),
    Permission::new(
        "ingress classes",
        READ,
        Kind::IngressClass,
        None,
        Grant::Cluster,
        "which controller adopts an Ingress",
    ),
    Permission::new(
        "services",
        READ,
        Kind::Service,
        None,
        Grant::Cluster,
        "whether a rule's backend exists and which port it means",
    ),
    Permission::new(
        "pods",
        READ,
        Kind::Pod,
        None,
        Grant::Cluster,
        "which pods answer, why some are not ready, where controllers run",
    ),
    Permission::new(
        "events",
        READ,
        Kind::Event,
        None,
        Grant::Cluster,
        "what controllers said about an object, reloads, rollouts",
    ),
    Permission::new(
        "namespaces",
        READ,
        Kind::Namespace,
        None,
        Grant::Cluster,
        "whether a namespace is missing or only empty",
    ),
    Permission::new(
        "logs",
        &["get"],
        Kind::Pod,
        Some("log"),
        Grant::Cluster,
        "who wrote the 404s, since when, and how many",
    ),
    Permission::new(
        "endpoints",
        READ,
        Kind::EndpointSlice,
        None,
        Grant::Cluster,
        "whether a backend has ready endpoints",
    ),
    Permission::new(
        "deployments",
        READ,
        Kind::Deployment,
        None,
        Grant::Cluster,
        "controllers' arguments and versions, rollouts",
    ),
    Permission::new("revisions", READ, Kind::ReplicaSet, None, Grant::Cluster, "what a rollout changed"),
    Permission::new(
        "daemon sets",
        READ,
        Kind::DaemonSet,
        None,
        Grant::Cluster,
        "controllers that run on every node",
    ),
    Permission::new(
        "stateful sets",
        READ,
        Kind::StatefulSet,
        None,
        Grant::Cluster,
        "backends that are StatefulSets",
    ),
    Permission::new(
        "controller revisions",
        READ,
        Kind::ControllerRevision,
        None,
        Grant::Cluster,
        "what a rollout of a StatefulSet or DaemonSet changed",
    ),
    Permission::new(
        "leases",
        &["get", "list"],
        Kind::Lease,
        None,
        Grant::Optional,
        "the time of deletions to a few seconds",
    ),
    Permission::new(
        "gateway classes",
        READ,
        Kind::GatewayClass,
        None,
        Grant::Optional,
        "which implementation serves a Gateway",
    ),
    Permission::new(
        "gateways",
        READ,
        Kind::Gateway,
        None,
        Grant::Optional,
        "the listeners of the Gateway API",
    ),
    Permission::new(
        "http routes",
        READ,
        Kind::HttpRoute,
        None,
        Grant::Optional,
        "the routes of the Gateway API: which of them should have matched",
    ),
    Permission::new(
        "reference grants",
        READ,
        Kind::ReferenceGrant,
        None,
        Grant::Optional,
        "whether a route may use a Service of another namespace",
    ),
    Permission::new(
        "controller settings",
        &["get"],
        Kind::ConfigMap,
        None,
        Grant::ControllerConfig,
        "global settings that change routing, and the log format",
    ),
    Permission::new(
        "exec probe",
        &["get", "create"],
        Kind::Pod,
        Some("exec"),
        Grant::Probe,
        "requests from inside a pod",
    ),
    Permission::new(
        "port-forward probe",
        &["get", "create"],
        Kind::Pod,
        Some("portforward"),
        Grant::Probe,
        "requests to a controller pod from here",
    ),
];

/// Ready-to-apply manifests: the read-only ClusterRole, the Role for a controller's ConfigMaps, and the
/// opt-in Role for probes.
#[must_use]
pub fn cluster_role_yaml() -> String {
    let mut yaml = String::new();
    role(&mut yaml, "ClusterRole", "routecause", None, &[Grant::Cluster, Grant::Optional]);
    yaml.push_str("---\n# In each ingress controller's namespace; name its ConfigMaps.\n");
    role(
        &mut yaml,
        "Role",
        "routecause-controller-config",
        Some("ingress-nginx"),
        &[Grant::ControllerConfig],
    );
    yaml.push_str("---\n# Only for probes, in each namespace that may be probed.\n");
    role(&mut yaml, "Role", "routecause-probe", Some("ingress-nginx"), &[Grant::Probe]);
    yaml
}

fn role(yaml: &mut String, kind: &str, name: &str, namespace: Option<&str>, grants: &[Grant]) {
    let namespace = namespace.map(|namespace| format!("  namespace: {namespace}\n")).unwrap_or_default();
    let _ = write!(
        yaml,
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}\n{namespace}rules:\n"
    );
    for (rule, resources) in rules(grants) {
        let comment = if rule.grant == Grant::Optional { " # optional" } else { "" };
        let names = if rule.grant == Grant::ControllerConfig {
            "resourceNames: [ingress-nginx-controller], "
        } else {
            ""
        };
        let _ = writeln!(
            yaml,
            "- {{apiGroups: [\"{}\"], resources: [{}], {names}verbs: [{}]}}{comment}",
            rule.group,
            resources.iter().map(|resource| format!("\"{resource}\"")).collect::<Vec<_>>().join(", "),
            rule.verbs.join(", "),
        );
    }
}

/// Neighbouring rights of the same group and verbs share a rule.
fn rules(grants: &[Grant]) -> Vec<(&'static Permission, Vec<String>)> {
    let mut rules: Vec<(&'static Permission, Vec<String>)> = Vec::new();
    for permission in PERMISSIONS.iter().filter(|permission| grants.contains(&permission.grant)) {
        match rules.last_mut() {
            Some((first, resources))
                if (first.group, first.verbs, first.grant)
                    == (permission.group, permission.verbs, permission.grant) =>
            {
                resources.push(permission.rule_resource());
            }
            Some(_) | None => rules.push((permission, vec![permission.rule_resource()])),
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nothing_may_be_written_and_no_secret_read() {
        for permission in PERMISSIONS {
            assert_ne!(permission.resource, "secrets");
            let stream = matches!(permission.subresource, Some("exec" | "portforward"));
            for verb in permission.verbs {
                assert!(
                    matches!(*verb, "get" | "list" | "watch") || (stream && *verb == "create"),
                    "{permission:?}"
                );
            }
            assert_eq!(stream, permission.grant == Grant::Probe, "{permission:?}");
        }
    }

    #[test]
    fn every_kind_that_is_read_has_a_right() {
        let granted: BTreeSet<_> =
            PERMISSIONS.iter().filter(|p| p.subresource.is_none()).map(|p| (p.group, p.resource)).collect();
        for kind in Kind::ALL {
            let has = granted.contains(&(kind.api_group(), kind.resource()));
            assert_eq!(has, kind != Kind::Secret, "{kind}");
        }
    }

    #[test]
    fn the_manifests_are_roles_that_hold_the_table() {
        let documents: Vec<serde_json::Value> =
            serde_saphyr::from_multiple(&cluster_role_yaml()).expect("yaml");
        let kinds: Vec<_> = documents.iter().map(|document| document["kind"].as_str()).collect();
        assert_eq!(kinds, [Some("ClusterRole"), Some("Role"), Some("Role")]);
        let count: usize = documents
            .iter()
            .flat_map(|document| document["rules"].as_array().expect("rules"))
            .map(|rule| rule["resources"].as_array().expect("resources").len())
            .sum();
        assert_eq!(count, PERMISSIONS.len());
        let cluster = &documents[0]["rules"];
        assert_eq!(cluster[0]["resources"], serde_json::json!(["ingresses", "ingressclasses"]));
        assert_eq!(
            documents[1]["rules"][0]["resourceNames"],
            serde_json::json!(["ingress-nginx-controller"])
        );
    }
}

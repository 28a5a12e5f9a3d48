//! Which rights the evidence needs and what is lost without each: one table, from which come the
//! manifests to apply, the checks of `doctor`, and what the guard in front of the API client lets out.
//!
//! Invariants: there is no right to write anything, and none on `secrets`; what has no row is not asked.

use crate::model::object::Kind;

pub mod manifests;

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

    /// Whether its objects live in no namespace, so that only a ClusterRole can grant it.
    #[must_use]
    pub fn is_cluster_scoped(&self) -> bool {
        Kind::ALL.into_iter().any(|kind| {
            kind.is_cluster_scoped() && (kind.api_group(), kind.resource()) == (self.group, self.resource)
        })
    }

    /// Whether this right is needed for such a request.
    #[must_use]
    pub fn covers(&self, verb: &str, group: &str, resource: &str, subresource: Option<&str>) -> bool {
        self.verbs.contains(&verb)
            && self.group == group
            && (self.resource == resource || self.resource == "*")
            && self.subresource == subresource
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
    fn a_right_covers_its_own_requests_only() {
        let row = |fetcher| PERMISSIONS.iter().find(|row| row.fetcher == fetcher).expect("a row");
        assert!(row("pods").covers("list", "", "pods", None));
        assert!(!row("pods").covers("get", "", "pods", Some("log")));
        assert!(!row("pods").covers("delete", "", "pods", None));
        assert!(row("logs").covers("get", "", "pods", Some("log")));
        assert!(!row("controller settings").covers("list", "", "configmaps", None));
        assert!(row("ingress classes").is_cluster_scoped() && !row("ingresses").is_cluster_scoped());
    }
}

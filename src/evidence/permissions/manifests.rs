//! The table of rights as RBAC manifests that `kubectl apply -f` takes, one file for each thing that is
//! granted apart.
//!
//! Assumptions: a Role without a namespace lands where `kubectl apply -n NAMESPACE` says, which lets one
//! file serve every namespace; the subject is a ServiceAccount, which a person replaces by their own name.
//! Sources: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/>; exec and port-forward need
//! `get` and, since 1.35, `create`, as measured on 1.36.

use std::fmt::Write as _;

use super::{Grant, PERMISSIONS, Permission};

/// The ServiceAccount that the manifests grant rights to, and its namespace.
pub const ACCOUNT: (&str, &str) = ("routecause", "routecause");

/// ConfigMaps that charts and manifests of controllers read their settings from; others are named in
/// the controller's arguments.
const CONFIG_MAPS: &[&str] = &[
    "ingress-nginx-controller",
    "rke2-ingress-nginx-controller",
    "nginx-configuration",
    "nginx-config",
    "nginx-ingress",
    "haproxy-kubernetes-ingress",
    "haproxy-ingress",
    "contour",
    "istio",
    "cilium-config",
];

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its name in `deploy/rbac`.
    pub file: &'static str,
    /// What it grants and to whom it matters, in one sentence.
    pub about: &'static str,
    /// How it is applied; what is to be named is in capitals.
    pub apply: &'static str,
    pub yaml: String,
}

/// Where the objects of a manifest live.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The whole cluster.
    Cluster,
    /// The namespace they are applied in.
    Namespace,
}

/// Every manifest, in the order in which they are applied.
#[must_use]
pub fn manifests() -> Vec<Manifest> {
    let read = |permission: &&Permission| matches!(permission.grant, Grant::Cluster | Grant::Optional);
    vec![
        Manifest {
            file: "service-account.yaml",
            about: "The identity to run as inside a cluster; people use their own instead.",
            apply: "kubectl apply -f deploy/rbac/service-account.yaml",
            yaml: service_account(),
        },
        Manifest {
            file: "cluster.yaml",
            about: "Reads what routing is made of, in all namespaces.",
            apply: "kubectl apply -f deploy/rbac/cluster.yaml",
            yaml: grant("routecause", Reach::Cluster, PERMISSIONS.iter().filter(read)),
        },
        Manifest {
            file: "cluster-scoped.yaml",
            about: "Only what lives in no namespace: goes with `namespace.yaml` where `cluster.yaml` is too much.",
            apply: "kubectl apply -f deploy/rbac/cluster-scoped.yaml",
            yaml: grant(
                "routecause-cluster-scoped",
                Reach::Cluster,
                PERMISSIONS.iter().filter(read).filter(|permission| permission.is_cluster_scoped()),
            ),
        },
        Manifest {
            file: "namespace.yaml",
            about: "The same for one namespace; apply it in the namespaces of the Ingresses and of the controllers.",
            apply: "kubectl apply -n NAMESPACE -f deploy/rbac/namespace.yaml",
            yaml: grant(
                "routecause",
                Reach::Namespace,
                PERMISSIONS.iter().filter(read).filter(|permission| !permission.is_cluster_scoped()),
            ),
        },
        Manifest {
            file: "controller-config.yaml",
            about: "The ConfigMaps that controllers read their settings from, by name; apply it in the controllers' namespaces.",
            apply: "kubectl apply -n NAMESPACE -f deploy/rbac/controller-config.yaml",
            yaml: grant("routecause-controller-config", Reach::Namespace, of(Grant::ControllerConfig)),
        },
        Manifest {
            file: "probe.yaml",
            about: "Only for probes through pods (`--allow-probe=port_forward,exec`); apply it where they may be sent from or to.",
            apply: "kubectl apply -n NAMESPACE -f deploy/rbac/probe.yaml",
            yaml: grant("routecause-probe", Reach::Namespace, of(Grant::Probe)),
        },
    ]
}

/// The rule that grants one right, as a line of a Role.
#[must_use]
pub fn rule(permission: &Permission) -> String {
    line(permission, &[permission.rule_resource()])
}

/// The file of `deploy/rbac` that grants a right, in the whole cluster or namespace by namespace.
#[must_use]
pub fn file_of(permission: &Permission, namespaced: bool) -> &'static str {
    match permission.grant {
        Grant::ControllerConfig => "controller-config.yaml",
        Grant::Probe => "probe.yaml",
        Grant::Cluster | Grant::Optional if !namespaced => "cluster.yaml",
        Grant::Cluster | Grant::Optional if permission.is_cluster_scoped() => "cluster-scoped.yaml",
        Grant::Cluster | Grant::Optional => "namespace.yaml",
    }
}

fn of(grant: Grant) -> impl Iterator<Item = &'static Permission> {
    PERMISSIONS.iter().filter(move |permission| permission.grant == grant)
}

fn service_account() -> String {
    let (namespace, name) = ACCOUNT;
    format!(
        "{HEAD}apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n---\n\
         apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n  namespace: {namespace}\n"
    )
}

const HEAD: &str = "# Generated from src/evidence/permissions.rs: reads only, and no Secrets.\n";

/// A role and its binding to the account.
fn grant(name: &str, reach: Reach, permissions: impl Iterator<Item = &'static Permission>) -> String {
    let prefix = match reach {
        Reach::Cluster => "Cluster",
        Reach::Namespace => "",
    };
    let (namespace, account) = ACCOUNT;
    let mut yaml = format!(
        "{HEAD}apiVersion: rbac.authorization.k8s.io/v1\nkind: {prefix}Role\nmetadata:\n  name: {name}\nrules:\n"
    );
    for (rule, resources) in rules(permissions) {
        let note = if rule.grant == Grant::Optional { " # only sharpens answers" } else { "" };
        let _ = writeln!(yaml, "{}{note}", line(rule, &resources));
    }
    let _ = write!(
        yaml,
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {prefix}RoleBinding\nmetadata:\n  name: {name}\n\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {prefix}Role\n  name: {name}\n\
         subjects:\n- {{kind: ServiceAccount, name: {account}, namespace: {namespace}}}\n"
    );
    yaml
}

fn line(rule: &Permission, resources: &[String]) -> String {
    let names = if rule.grant == Grant::ControllerConfig {
        format!("resourceNames: [{}], ", CONFIG_MAPS.join(", "))
    } else {
        String::new()
    };
    let resources: Vec<String> = resources.iter().map(|resource| format!("\"{resource}\"")).collect();
    format!(
        "- {{apiGroups: [\"{}\"], resources: [{}], {names}verbs: [{}]}}",
        rule.group,
        resources.join(", "),
        rule.verbs.join(", "),
    )
}

/// Neighbouring rights of the same group and verbs share a rule.
fn rules(permissions: impl Iterator<Item = &'static Permission>) -> Vec<(&'static Permission, Vec<String>)> {
    let mut rules: Vec<(&'static Permission, Vec<String>)> = Vec::new();
    for permission in permissions {
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

    use serde_json::Value;

    use super::*;

    fn documents(file: &str) -> Vec<Value> {
        let manifest = manifests().into_iter().find(|manifest| manifest.file == file).expect("a manifest");
        serde_saphyr::from_multiple(&manifest.yaml).expect("yaml")
    }

    fn texts<'v>(value: &'v Value, member: &str) -> Vec<&'v str> {
        value[member].as_array().expect("a list").iter().map(|text| text.as_str().expect("text")).collect()
    }

    /// Every `verb group resource` that a file grants.
    fn granted(file: &str) -> BTreeSet<String> {
        let rules = documents(file).into_iter().find_map(|document| document.get("rules").cloned());
        let mut granted = BTreeSet::new();
        for rule in rules.expect("rules").as_array().expect("a list") {
            for group in texts(rule, "apiGroups") {
                for resource in texts(rule, "resources") {
                    granted
                        .extend(texts(rule, "verbs").iter().map(|verb| format!("{verb} {group} {resource}")));
                }
            }
        }
        granted
    }

    fn rows(keep: impl Fn(&Permission) -> bool) -> BTreeSet<String> {
        let rows = PERMISSIONS.iter().filter(|row| keep(row));
        rows.flat_map(|row| {
            row.verbs.iter().map(move |verb| format!("{verb} {} {}", row.group, row.rule_resource()))
        })
        .collect()
    }

    fn reads(row: &Permission) -> bool {
        matches!(row.grant, Grant::Cluster | Grant::Optional)
    }

    #[test]
    fn each_file_grants_its_rows_and_nothing_else() {
        assert_eq!(granted("cluster.yaml"), rows(reads));
        assert_eq!(granted("controller-config.yaml"), rows(|row| row.grant == Grant::ControllerConfig));
        assert_eq!(granted("probe.yaml"), rows(|row| row.grant == Grant::Probe));
    }

    #[test]
    fn the_namespaced_variant_grants_together_what_the_cluster_wide_one_does() {
        let (apart, here) = (granted("cluster-scoped.yaml"), granted("namespace.yaml"));
        assert!(apart.is_disjoint(&here));
        assert_eq!(apart.union(&here).cloned().collect::<BTreeSet<_>>(), granted("cluster.yaml"));
    }

    #[test]
    fn no_file_lets_anything_be_written_or_a_secret_be_read() {
        for file in
            manifests().iter().map(|manifest| manifest.file).filter(|file| *file != "service-account.yaml")
        {
            for right in granted(file) {
                let (verb, resource) =
                    (right.split(' ').next().expect("a verb"), right.rsplit(' ').next().expect("a resource"));
                assert!(!resource.starts_with("secrets"), "{file}: {right}");
                let opens_a_stream =
                    file == "probe.yaml" && matches!(resource, "pods/exec" | "pods/portforward");
                assert!(
                    matches!(verb, "get" | "list" | "watch") || (verb == "create" && opens_a_stream),
                    "{file}: {right}"
                );
            }
        }
    }

    #[test]
    fn a_role_goes_to_the_account_that_the_first_file_makes() {
        let account = documents("service-account.yaml").pop().expect("the account");
        for manifest in manifests().iter().skip(1) {
            let [role, binding] = documents(manifest.file).try_into().expect("a role and its binding");
            let kind = role["kind"].as_str().expect("a kind");
            assert_eq!(binding["kind"], format!("{kind}Binding"), "{}", manifest.file);
            assert_eq!(binding["roleRef"]["kind"], role["kind"]);
            assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
            assert_eq!(binding["subjects"][0]["name"], account["metadata"]["name"]);
            assert_eq!(binding["subjects"][0]["namespace"], account["metadata"]["namespace"]);
            // `-n` decides where a Role lands.
            assert_eq!(role["metadata"].get("namespace"), None);
            assert_eq!(manifest.apply.contains("-n NAMESPACE"), kind == "Role");
        }
    }

    #[test]
    fn config_maps_are_granted_by_name_only() {
        let rule = &documents("controller-config.yaml")[0]["rules"][0];
        assert_eq!(texts(rule, "resourceNames"), CONFIG_MAPS);
        assert_eq!(texts(rule, "verbs"), ["get"]);
    }

    #[test]
    fn every_right_stands_in_the_file_it_is_said_to() {
        for row in PERMISSIONS {
            for namespaced in [false, true] {
                let file = file_of(row, namespaced);
                for verb in row.verbs {
                    let right = format!("{verb} {} {}", row.group, row.rule_resource());
                    assert!(granted(file).contains(&right), "{file}: {right}");
                }
            }
        }
    }
}

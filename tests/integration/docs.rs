//! Generated pages and manifests are fresh.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use routecause::analysis::conflicts::RULES;
use routecause::evidence::permissions::{Grant, PERMISSIONS, manifests::manifests};

use crate::support::golden;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Ready for `kubectl apply -f`.
#[test]
fn the_manifests_are_what_the_table_says() {
    let files = manifests().into_iter().map(|manifest| (manifest.file.to_owned(), manifest.yaml)).collect();
    golden::folder(&root().join("deploy/rbac"), ".yaml", &files);
}

/// The rights, as a person decides on them.
#[test]
fn the_page_on_rights_is_what_the_table_says() {
    let mut page = String::from(
        "# Rights\n\nEverything reads; nothing is written, and no Secret is read. Where a right is missing, answers say \
         what they could not see.\n`routecause doctor` tells which rights an identity has and which rule to add.\n\n\
         ## Manifests\n\nCluster-wide: `service-account.yaml`, `cluster.yaml`, `controller-config.yaml`. Namespace by \
         namespace: `namespace.yaml` in each\nand, where a cluster administrator agrees, `cluster-scoped.yaml`; what is in \
         other namespaces then stays unseen, and answers\nsay so. People who run it as themselves replace the subject of \
         the bindings.\n\n| file | grants | apply |\n|---|---|---|\n",
    );
    for manifest in manifests() {
        let _ = writeln!(
            page,
            "| [{0}](../deploy/rbac/{0}) | {1} | `{2}` |",
            manifest.file, manifest.about, manifest.apply
        );
    }
    page.push_str(
        "\n## What each right is for\n\n| right | verbs | without it cannot be told |\n|---|---|---|\n",
    );
    for row in PERMISSIONS {
        let group = if row.group.is_empty() { String::new() } else { format!(".{}", row.group) };
        let when = match row.grant {
            Grant::Cluster => "",
            Grant::Optional => " (only sharpens answers)",
            Grant::ControllerConfig => " (in controllers' namespaces, by name)",
            Grant::Probe => " (only for probes)",
        };
        let _ = writeln!(
            page,
            "| `{}{group}`{when} | {} | {} |",
            row.rule_resource(),
            row.verbs.join(", "),
            row.without
        );
    }
    golden::folder(&root().join("docs"), "rbac.md", &BTreeMap::from([("rbac.md".to_owned(), page)]));
}

/// What is noticed, and the rules that may be behind it.
const SYMPTOMS: &[(&str, &[&str])] = &[
    (
        "a host or an Ingress is 404 as a whole",
        &[
            "class_missing",
            "class_not_found",
            "class_of_other_controller",
            "annotation_and_field_disagree",
            "annotation_policy_drop",
            "canary_without_main",
            "gce_host_twice",
            "host_taken",
            "minion_conflict",
            "traefik_path_character",
            "traefik_priority",
        ],
    ),
    (
        "some paths of a host are 404, or are redirected",
        &[
            "catch_all_not_consulted",
            "exact_root_dead",
            "f5_exact_path_regex",
            "oldest_annotates_host",
            "pattern_in_plain_path",
            "trailing_slash_only",
            "unreachable_path",
        ],
    ),
    (
        "another application answers",
        &[
            "app_root_takes_host",
            "canary_shared_service",
            "canary_takes_catch_all",
            "default_backend_scope",
            "exact_behind_prefix",
            "hostless_outranks_host",
            "hostwide_regex",
            "passthrough_swallows_paths",
            "pattern_shadows",
            "rule_shadowed",
            "same_host_path_type",
            "several_default_backends",
            "solver_conflict",
        ],
    ),
    (
        "the right application answers 404: it is asked for another path",
        &[
            "annotation_not_read",
            "capture_group_missing",
            "foreign_annotations",
            "rewrite_without_capture",
            "snippet",
            "traefik_rewrite_tail",
        ],
    ),
    ("the rule is right, and the controller answers 404, 502 or 503", &["backend_missing"]),
    (
        "nothing new takes effect, for nobody",
        &[
            "alb_certificate_missing",
            "alb_group_stuck",
            "configuration_refused",
            "duplicate_location",
            "f5_location_twice",
            "f5_rewrite_on_exact",
            "haproxy_redirect_code",
        ],
    ),
    (
        "one of http and https fails, or shows the wrong certificate",
        &[
            "alb_listen_ports",
            "entry_point_scheme",
            "f5_hostless_default",
            "tls_host_not_in_rules",
            "tls_host_not_served",
            "tls_without_secret",
        ],
    ),
    (
        "now it works, now it does not; or only by some addresses",
        &[
            "controllers_share_service",
            "published_elsewhere",
            "several_default_classes",
            "two_controllers_one_class",
        ],
    ),
];

/// Every rule once, by what is noticed.
fn by_symptom() -> String {
    let mut listed: Vec<&str> = SYMPTOMS.iter().flat_map(|(_, rules)| *rules).copied().collect();
    listed.sort_unstable();
    assert_eq!(listed, RULES.iter().map(|rule| rule.id()).collect::<Vec<_>>(), "every rule has one symptom");
    let mut table = String::from("\n| what is noticed | rules |\n|---|---|\n");
    for (symptom, rules) in SYMPTOMS {
        let links: Vec<String> = rules.iter().map(|rule| format!("[{rule}](#{rule})")).collect();
        let _ = writeln!(table, "| {symptom} | {} |", links.join(", "));
    }
    table
}

/// What each conflict rule finds, from the rule's own words.
#[test]
fn the_page_on_conflicts_is_what_the_rules_say() {
    let mut page = String::from(
        "# Conflicts\n\nWhat `find_conflicts` looks for, rule by rule. Severity is the worst a rule reports: critical \
         concerns every host of a\ncontroller, high a request that goes nowhere or to somebody else's backend, medium a \
         request that is treated in a way\nits author did not write, low what is legal and surprises. `(modelled)` behind what \
         requests see: the basis of that\nprediction is not `exact`, as `match_path` has it. Generated from \
         the rules' own documentation.\n",
    );
    page.push_str(&by_symptom());
    for rule in RULES {
        let path = root().join("src/analysis/conflicts").join(format!("{}.rs", rule.id()));
        let source = std::fs::read_to_string(&path).expect("a rule stands in the file of its name");
        let _ = writeln!(page, "\n## {}\n\nSeverity: up to {}.", rule.id(), rule.worst().as_str());
        let mut sections = Vec::new();
        let mut fenced = false;
        for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
            let line = line.strip_prefix(' ').unwrap_or(line);
            fenced ^= line.starts_with("```");
            match line.strip_prefix("# ") {
                Some(section) if !fenced => {
                    sections.push(section.to_owned());
                    let _ = writeln!(page, "\n### {section}\n");
                }
                Some(_) | None => {
                    let _ = writeln!(page, "{line}");
                }
            }
        }
        while page.ends_with("\n\n") {
            page.pop();
        }
        let expected = ["What it finds", "Why it 404s", "Example", "What to do", "References"];
        assert_eq!(sections, expected, "{}", rule.id());
    }
    let page = page.replace("\n\n\n", "\n\n");
    golden::folder(
        &root().join("docs"),
        "conflicts.md",
        &BTreeMap::from([("conflicts.md".to_owned(), page)]),
    );
}

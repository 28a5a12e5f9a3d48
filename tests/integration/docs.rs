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

/// What each conflict rule finds, from the rule's own words.
#[test]
fn the_page_on_conflicts_is_what_the_rules_say() {
    let mut page = String::from(
        "# Conflicts\n\nWhat `find_conflicts` looks for, rule by rule. Severity is the worst a rule reports: critical \
         concerns every host of a\ncontroller, high a request that goes nowhere or to somebody else's backend, medium a \
         request that is treated in a way\nits author did not write, low what is legal and surprises. Generated from the \
         rules' own documentation.\n",
    );
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

//! Generated pages are fresh.

use routecause::evidence::permissions;

/// The rights, as a person applies them.
#[test]
fn the_rights_are_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rbac.md");
    let page = format!(
        "# Rights\n\nRead only, cluster-wide; the probe rights are apart and opted in to. Generated from the table of \
         what each fetcher needs.\n\n```yaml\n{}```\n",
        permissions::cluster_role_yaml()
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &page).expect("docs/rbac.md is written");
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(there == page, "docs/rbac.md is not fresh: run UPDATE_GOLDEN=1 cargo test docs");
}

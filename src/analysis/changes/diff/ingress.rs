//! Two versions of an Ingress.
//!
//! A rule is known by its host, a path by path and type. What is left over is paired by what it still
//! has in common: a rule with the same paths got another host, a path with another type got that type,
//! a path with the same backend was rewritten. Reordering alone is no difference.

use crate::model::change::Aspect;
use crate::model::ingress::{Backend, Ingress, PathRule, Place, PortRef, Rule};

use super::{Difference, LAST_APPLIED, align, annotations};
use crate::analysis::changes::brief;

/// Differences in the order class, annotations, default backend, TLS, deletion, rules.
pub(crate) fn differences(before: &Ingress, after: &Ingress) -> Vec<Difference> {
    let mut found = Vec::new();
    if before.class_name != after.class_name {
        found.push(Difference::new(
            Aspect::ClassOrAnnotation,
            "spec.ingressClassName",
            before.class_name.as_deref(),
            after.class_name.as_deref(),
        ));
    }
    found.extend(annotations(
        Aspect::ClassOrAnnotation,
        &before.meta.annotations,
        &after.meta.annotations,
        &[LAST_APPLIED],
    ));
    if before.default_backend != after.default_backend {
        let text = |ingress: &Ingress| ingress.default_backend.as_ref().and_then(brief::backend);
        found.push(rule_difference("spec.defaultBackend", text(before), text(after)));
    }
    if before.tls != after.tls {
        found.push(rule_difference("spec.tls", brief::tls(&before.tls), brief::tls(&after.tls)));
    }
    if before.meta.deletion_requested.is_none()
        && let Some(at) = after.meta.deletion_requested
    {
        let at = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        found.push(rule_difference("metadata.deletionTimestamp", None, Some(at)));
    }
    rules(&before.rules, &after.rules, &mut found);
    found
}

fn rule_difference(field: impl Into<String>, before: Option<String>, after: Option<String>) -> Difference {
    Difference::new(Aspect::IngressRules, field, before.as_deref(), after.as_deref())
}

fn path_difference(field: String, before: Option<&str>, after: Option<&str>) -> Difference {
    Difference::new(Aspect::IngressPaths, field, before, after)
}

fn rules(before: &[Rule], after: &[Rule], found: &mut Vec<Difference>) {
    let mut aligned = align(before, after, |rule| rule.host().to_ascii_lowercase());
    let renamed = aligned.pair_leftovers(before, after, content);
    for (old_index, index) in &aligned.pairs {
        if let (Some(old), Some(rule)) = (before.get(*old_index), after.get(*index)) {
            paths(*old_index, *index, old, rule, found);
        }
    }
    for (old_index, index) in &renamed {
        if let (Some(old), Some(rule)) = (before.get(*old_index), after.get(*index)) {
            let field = Place::Rule(*index).field("host");
            found.push(
                rule_difference(field, old.host.clone(), rule.host.clone())
                    .of_rule(&[old.host(), rule.host()], &[]),
            );
        }
    }
    for index in &aligned.removed {
        if let Some(rule) = before.get(*index) {
            let field = Place::Rule(*index).field("");
            found.push(rule_difference(field, Some(brief::rule(rule)), None).of_rule(&[rule.host()], &[]));
        }
    }
    for index in &aligned.added {
        if let Some(rule) = after.get(*index) {
            let field = Place::Rule(*index).field("");
            found.push(rule_difference(field, None, Some(brief::rule(rule))).of_rule(&[rule.host()], &[]));
        }
    }
}

/// All paths of a rule; `None` for a rule without any, which has nothing to be recognised by.
fn content(rule: &Rule) -> Option<Vec<(String, crate::model::ingress::PathType, Backend)>> {
    let paths = rule.paths();
    (!paths.is_empty())
        .then(|| paths.iter().map(|path| (path.path.clone(), path.path_type, path.backend.clone())).collect())
}

fn paths(old_rule: usize, rule: usize, before: &Rule, after: &Rule, found: &mut Vec<Difference>) {
    let host = after.host();
    let (old, new) = (before.paths(), after.paths());
    let mut aligned = align(old, new, |path| (path.path.clone(), path.path_type));
    let retyped = aligned.pair_leftovers(old, new, |path| Some(path.path.clone()));
    let rewritten = aligned.pair_leftovers(old, new, |path| {
        (path.backend != Backend::Missing).then(|| (path.backend.clone(), path.path_type))
    });
    for (was, path, index) in paired(&retyped, old, new) {
        let field = Place::Path(rule, index).field("pathType");
        let (before, after) = (was.path_type.as_str(), path.path_type.as_str());
        found.push(path_difference(field, Some(before), Some(after)).of_rule(&[host], &[&path.path]));
    }
    for (was, path, index) in paired(&rewritten, old, new) {
        let field = Place::Path(rule, index).field("path");
        let difference = path_difference(field, Some(&was.path), Some(&path.path));
        found.push(difference.of_rule(&[host], &[&was.path, &path.path]));
    }
    for (was, path, index) in paired(&aligned.pairs, old, new).chain(paired(&retyped, old, new)) {
        if let Some((leaf, before, after)) = backend(&was.backend, &path.backend) {
            let field = Place::Path(rule, index).field(leaf);
            found.push(rule_difference(field, before, after).of_rule(&[host], &[&path.path]));
        }
    }
    for index in &aligned.removed {
        if let Some(path) = old.get(*index) {
            let field = Place::Path(old_rule, *index).field("");
            let difference = path_difference(field, Some(&brief::path(path)), None);
            found.push(difference.of_rule(&[host], &[&path.path]));
        }
    }
    for index in &aligned.added {
        if let Some(path) = new.get(*index) {
            let field = Place::Path(rule, *index).field("");
            let difference = path_difference(field, None, Some(&brief::path(path)));
            found.push(difference.of_rule(&[host], &[&path.path]));
        }
    }
}

/// The earlier and the later item of each pair, with the later one's index.
fn paired<'a>(
    pairs: &'a [(usize, usize)],
    before: &'a [PathRule],
    after: &'a [PathRule],
) -> impl Iterator<Item = (&'a PathRule, &'a PathRule, usize)> {
    pairs.iter().filter_map(|(old, new)| Some((before.get(*old)?, after.get(*new)?, *new)))
}

/// The field below the path that differs, as narrow as one field can tell it, and both values.
fn backend(before: &Backend, after: &Backend) -> Option<(&'static str, Option<String>, Option<String>)> {
    if before == after {
        return None;
    }
    let whole = ("backend", brief::backend(before), brief::backend(after));
    let (Some((old_name, old_port)), Some((name, port))) = (before.service(), after.service()) else {
        return Some(whole);
    };
    if old_name == name {
        let leaf = match port {
            PortRef::Number(_) | PortRef::Unset => "backend.service.port.number",
            PortRef::Name(_) => "backend.service.port.name",
        };
        let text = |port: &PortRef| (*port != PortRef::Unset).then(|| brief::clip(&port.to_string()));
        return Some((leaf, text(old_port), text(port)));
    }
    if old_port == port {
        return Some(("backend.service.name", Some(brief::clip(old_name)), Some(brief::clip(name))));
    }
    Some(("backend.service", whole.1, whole.2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::changes::fixtures::ingress;

    fn check(before: &str, after: &str, expected: &[&str]) {
        let told: Vec<String> = differences(&ingress("shop/web", before), &ingress("shop/web", after))
            .iter()
            .map(|d| {
                let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
                format!("{:?} {}: {} => {}", d.aspect, d.field, text(&d.before), text(&d.after))
            })
            .collect();
        assert_eq!(told, expected, "{before}  =>  {after}");
    }

    #[test]
    fn equal_versions_and_reordered_paths_do_not_differ() {
        check("a: /=w:80, /api=p:80", "a: /api=p:80, /=w:80", &[]);
        check("a: /=w:80; b: /=w:80", "b: /=w:80; a: /=w:80", &[]);
        check("Shop.example: /=w:80", "shop.example: /=w:80", &[]);
    }

    #[test]
    fn a_path_is_told_by_its_own_field() {
        check(
            "a: /=w:80, /api=p:80",
            "a: /=w:80, /api/v2=p:80",
            &["IngressPaths spec.rules[0].http.paths[1].path: /api => /api/v2"],
        );
        check(
            "a: /api=p:80",
            "a: /api!=p:80",
            &["IngressPaths spec.rules[0].http.paths[0].pathType: Prefix => Exact"],
        );
    }

    #[test]
    fn an_inserted_rule_or_path_is_one_difference() {
        check(
            "a: /=w:80; b: /=w:80; c: /x=x:80",
            "new: /n=n:80; a: /=w:80; b: /=w:80; c: /x=x:80",
            &["IngressRules spec.rules[0]: - => new: /n (Prefix) -> n:80"],
        );
        check(
            "a: /=w:80, /api=p:80",
            "a: /first=f:80, /=w:80, /api=p:80",
            &["IngressPaths spec.rules[0].http.paths[0]: - => /first (Prefix) -> f:80"],
        );
    }

    #[test]
    fn what_was_removed_counts_in_the_earlier_version() {
        check(
            "a: /=w:80, /api=p:80, /x=x:80",
            "a: /=w:80, /x=x:80",
            &["IngressPaths spec.rules[0].http.paths[1]: /api (Prefix) -> p:80 => -"],
        );
        check(
            "a: /=w:80; b: /b=w:80",
            "a: /=w:80",
            &["IngressRules spec.rules[1]: b: /b (Prefix) -> w:80 => -"],
        );
    }

    #[test]
    fn a_renamed_host_is_one_difference() {
        check(
            "a: /=w:80; shop.example: /s=s:80",
            "a: /=w:80; www.example: /s=s:80",
            &["IngressRules spec.rules[1].host: shop.example => www.example"],
        );
        check("a: /=w:80", "*: /=w:80", &["IngressRules spec.rules[0].host: a => -"]);
    }

    #[test]
    fn a_backend_is_told_as_narrowly_as_one_field_can() {
        let at = "IngressRules spec.rules[0].http.paths[0].backend";
        check("a: /=w:80", "a: /=v:80", &[&format!("{at}.service.name: w => v")]);
        check("a: /=w:80", "a: /=w:81", &[&format!("{at}.service.port.number: 80 => 81")]);
        check("a: /=w:80", "a: /=w:http", &[&format!("{at}.service.port.name: 80 => http")]);
        check("a: /=w:80", "a: /=v:81", &[&format!("{at}.service: w:80 => v:81")]);
        check(
            "default=w:80",
            "default=v:80; a: /=w:80",
            &[
                "IngressRules spec.defaultBackend: w:80 => v:80",
                "IngressRules spec.rules[0]: - => a: / (Prefix) -> w:80",
            ],
        );
    }

    #[test]
    fn class_and_annotations_are_told_one_by_one() {
        check(
            "class=nginx; @k/a=1; @k/gone=x",
            "class=traefik; @k/a=2; @k/new=y",
            &[
                "ClassOrAnnotation spec.ingressClassName: nginx => traefik",
                "ClassOrAnnotation metadata.annotations[\"k/a\"]: 1 => 2",
                "ClassOrAnnotation metadata.annotations[\"k/gone\"]: x => -",
                "ClassOrAnnotation metadata.annotations[\"k/new\"]: - => y",
            ],
        );
        let applied = format!("@{LAST_APPLIED}=x");
        check("", &applied, &[]);
    }

    #[test]
    fn a_path_whose_type_and_backend_changed_is_told_as_both() {
        check(
            "a: /api=p:80",
            "a: /api!=q:80",
            &[
                "IngressPaths spec.rules[0].http.paths[0].pathType: Prefix => Exact",
                "IngressRules spec.rules[0].http.paths[0].backend.service.name: p => q",
            ],
        );
    }
}

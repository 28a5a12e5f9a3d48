//! Kubernetes label selectors as text: `a=b,c!=d,e in (x,y),f notin (z),g,!h`.
//!
//! Source: apimachinery `pkg/labels/selector.go`. A missing label satisfies `!=`, `notin` and `!`.

use std::collections::BTreeMap;

/// Whether a selector takes these labels; `None` when its text is no selector.
pub(crate) fn selects(selector: &str, labels: &BTreeMap<String, String>) -> Option<bool> {
    let mut all = true;
    for requirement in requirements(selector) {
        all &= holds(requirement.trim(), labels)?;
    }
    Some(all)
}

/// Splits at the commas outside of parentheses; an empty selector has no requirements.
fn requirements(selector: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    selector
        .split(move |c: char| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        })
        .filter(|part| !part.trim().is_empty())
}

fn holds(requirement: &str, labels: &BTreeMap<String, String>) -> Option<bool> {
    let value = |key: &str| labels.get(key.trim()).map(String::as_str);
    if let Some((key, set)) = requirement.split_once('(') {
        let set = set.trim_end().strip_suffix(')')?;
        let member = |found: &str| set.split(',').any(|option| option.trim() == found);
        let (key, operator) = key.trim_end().rsplit_once(char::is_whitespace)?;
        return match operator {
            "in" => Some(value(key).is_some_and(member)),
            "notin" => Some(!value(key).is_some_and(member)),
            _ => None,
        };
    }
    if let Some((key, wanted)) = requirement.split_once("!=") {
        return Some(value(key) != Some(wanted.trim()));
    }
    if let Some((key, wanted)) = requirement.split_once("==").or_else(|| requirement.split_once('=')) {
        return Some(value(key) == Some(wanted.trim()));
    }
    if let Some(key) = requirement.strip_prefix('!') {
        return Some(value(key).is_none());
    }
    (!requirement.contains(char::is_whitespace)).then(|| value(requirement).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_read_as_the_api_server_reads_them() {
        let labels: BTreeMap<String, String> =
            [("tier", "public"), ("env", "dev")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        for (selector, expected) in [
            ("", Some(true)),
            ("tier=public", Some(true)),
            ("tier==public", Some(true)),
            ("tier = public , env != prod", Some(true)),
            ("tier!=public", Some(false)),
            ("missing!=x", Some(true)),
            ("tier in (public,beta)", Some(true)),
            ("tier in (beta),env=dev", Some(false)),
            ("tier notin (beta, gamma)", Some(true)),
            ("missing notin (x)", Some(true)),
            ("tier", Some(true)),
            ("!tier", Some(false)),
            ("!missing", Some(true)),
            ("tier of (x)", None),
            ("tier public", None),
            ("tier in (x", None),
        ] {
            assert_eq!(selects(selector, &labels), expected, "{selector}");
        }
    }
}

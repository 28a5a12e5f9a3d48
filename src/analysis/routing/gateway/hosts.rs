//! Host names of listeners and routes: what one has in common with another, and with a request.
//!
//! A wildcard stands for one label or more. Names compare without case.

/// The parent of a wildcard, with its dot: `.example.com` of `*.example.com`.
fn parent(pattern: &str) -> Option<&str> {
    pattern.strip_prefix('*').filter(|parent| parent.starts_with('.'))
}

/// Whether a name of a listener or route takes a request's host.
pub(in crate::analysis::routing) fn takes(pattern: &str, host: &str) -> bool {
    if pattern.is_empty() {
        return true;
    }
    match parent(pattern) {
        Some(parent) => ends_with(host, parent) && host.len() > parent.len(),
        None => pattern.eq_ignore_ascii_case(host),
    }
}

fn ends_with(text: &str, end: &str) -> bool {
    let at = text.len().checked_sub(end.len());
    at.and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// What a listener and a route agree on; `None` when their names are apart.
///
/// Without names of its own a route takes the listener's; an empty list then takes every host.
pub(in crate::analysis::routing) fn intersect(listener: &str, route: &[String]) -> Option<Vec<String>> {
    if listener.is_empty() {
        return Some(route.to_vec());
    }
    if route.is_empty() {
        return Some(vec![listener.to_owned()]);
    }
    let common: Vec<String> =
        route.iter().filter_map(|name| narrower(listener, name).map(str::to_owned)).collect();
    (!common.is_empty()).then_some(common)
}

/// The narrower of two names of which one holds the other.
fn narrower<'a>(one: &'a str, other: &'a str) -> Option<&'a str> {
    if one.eq_ignore_ascii_case(other) {
        return Some(other);
    }
    let holds = |wide: &str, narrow: &str| parent(wide).is_some_and(|parent| ends_with(narrow, parent));
    match (holds(one, other), holds(other, one)) {
        (true, _) => Some(other),
        (false, true) => Some(one),
        (false, false) => None,
    }
}

/// How precise a name is, the higher the more: a name without wildcard first, then by its length.
pub(in crate::analysis::routing) fn precision(pattern: &str) -> (usize, usize) {
    let exact = if parent(pattern).is_some() { 0 } else { pattern.len() };
    (exact, pattern.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_takes_one_label_or_more() {
        for (pattern, host, expected) in [
            ("", "any.example", true),
            ("a.example", "A.Example", true),
            ("*.wildcard.io", "foo.wildcard.io", true),
            ("*.wildcard.io", "foo.bar.wildcard.io", true),
            ("*.wildcard.io", "wildcard.io", false),
            ("*.wildcard.io", ".wildcard.io", false),
            ("*.wildcard.io", "xwildcard.io", false),
        ] {
            assert_eq!(takes(pattern, host), expected, "{pattern} {host}");
        }
    }

    #[test]
    fn listener_and_route_agree_on_the_narrower_name() {
        for (listener, route, expected) in [
            ("", &[][..], Some(&[][..])),
            ("a.io", &[], Some(&["a.io"])),
            ("", &["a.io"], Some(&["a.io"])),
            ("*.io", &["a.io", "*.b.io", "c.com"], Some(&["a.io", "*.b.io"])),
            (
                "very.specific.com",
                &["*.specific.com", "*.com", "other.com"],
                Some(&["very.specific.com", "very.specific.com"]),
            ),
            ("*.a.io", &["a.io", "b.io"], None),
            ("a.io", &["b.io"], None),
        ] {
            let route: Vec<String> = route.iter().map(|name| (*name).to_owned()).collect();
            let expected =
                expected.map(|names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(intersect(listener, &route), expected, "{listener} {route:?}");
        }
    }
}

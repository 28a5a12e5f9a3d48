//! The order of a server's locations, and what becomes of them before they are written down.
//!
//! Longer paths first, then by text descending, then as they came. A `Prefix` path that needs neither
//! rewrite nor regular expressions gets a trailing slash and a second, exact, location for the path
//! without it, unless an `Exact` rule has that.
//! Sources: kubernetes/ingress-nginx `internal/ingress/controller/controller.go`
//! (`getBackendServers`), `location.go` (`updateServerLocations`), v1.15.1.

use std::collections::HashSet;

use super::options::Options;
use super::servers::Location;

/// Whether a location's path is rewritten.
pub(super) fn needs_rewrite(location: &Location, options: &Options) -> bool {
    !location.plain && !options.rewrite_target.is_empty() && options.rewrite_target != location.path
}

/// Whether a location alone would turn its host into a regex host: the annotation that does it.
pub(super) fn wants_regex(location: &Location, options: &Options) -> Option<&'static str> {
    if location.plain {
        None
    } else if options.use_regex {
        Some("use-regex")
    } else if needs_rewrite(location, options) {
        Some("rewrite-target")
    } else {
        None
    }
}

pub(super) fn expand<'o>(
    mut locations: Vec<Location>,
    options: impl Fn(&Location) -> &'o Options,
) -> Vec<Location> {
    locations.sort_by(|a, b| b.path.len().cmp(&a.path.len()).then_with(|| b.path.cmp(&a.path)));
    let exact: HashSet<String> =
        locations.iter().filter(|location| location.exact).map(|location| location.path.clone()).collect();
    let mut expanded = Vec::with_capacity(locations.len() * 2);
    for mut location in locations {
        let stays =
            location.path == "/" || location.exact || wants_regex(&location, options(&location)).is_some();
        if stays {
            expanded.push(location);
            continue;
        }
        let twin = (!exact.contains(&location.path)).then(|| Location { exact: true, ..location.clone() });
        if !location.path.ends_with('/') {
            location.path.push('/');
        }
        expanded.push(location);
        expanded.extend(twin);
    }
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(paths: &[(&str, bool)], options: &Options, expected: &[(&str, bool)]) {
        let locations = paths
            .iter()
            .map(|(path, exact)| Location {
                path: (*path).to_owned(),
                exact: *exact,
                is_default: false,
                upstream: 0,
                errors_to: None,
                owner: None,
                plain: false,
            })
            .collect();
        let expanded = expand(locations, |_| options);
        let found: Vec<(&str, bool)> =
            expanded.iter().map(|location| (location.path.as_str(), location.exact)).collect();
        assert_eq!(found, expected, "{paths:?}");
    }

    #[test]
    fn prefixes_become_pairs_and_long_paths_come_first() {
        let plain = Options::default();
        check(
            &[("/", false), ("/a", false), ("/b/c", true), ("/b", false)],
            &plain,
            &[("/b/c", true), ("/b/", false), ("/b", true), ("/a/", false), ("/a", true), ("/", false)],
        );
        check(&[("/a", false), ("/a", true)], &plain, &[("/a/", false), ("/a", true)]);
        check(&[("/a/", false)], &plain, &[("/a/", false), ("/a/", true)]);
    }

    #[test]
    fn rewritten_and_regex_paths_stay_as_they_are() {
        let regex = Options { use_regex: true, ..Options::default() };
        check(&[("/a", false)], &regex, &[("/a", false)]);
        let rewrite = Options { rewrite_target: "/b".to_owned(), ..Options::default() };
        check(&[("/a", false)], &rewrite, &[("/a", false)]);
        check(&[("/b", false)], &rewrite, &[("/b/", false), ("/b", true)]);
    }
}

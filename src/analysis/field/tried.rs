//! Which location of a regex host takes a path, without trying them all: a location can only match what
//! begins with its literal head.
//!
//! Assumption: after [`STEPS`] patterns were tried on one controller nothing more is looked for; what
//! was not looked for is not reported. Source: nginx 1.27 (`ngx_http_core_find_location`).

use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;

use super::pattern;
use super::sites::Location;

/// How many patterns are tried for one controller.
pub(crate) const STEPS: usize = 300_000;

/// How many longer heads are looked at for rivals of one location.
const EXTENSIONS: usize = 64;

#[derive(Debug)]
pub(crate) struct Tried<'s> {
    locations: Vec<Tryable<'s>>,
    /// Locations by head in lower case, in the order in which they are tried.
    by_head: BTreeMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Tryable<'s> {
    location: &'s Location<'s>,
    head: String,
    /// The head is all there is to it.
    whole: bool,
    pattern: OnceCell<Option<pcre2::bytes::Regex>>,
}

impl<'s> Tried<'s> {
    pub(crate) fn new(locations: &'s [Location<'s>]) -> Self {
        let mut by_head: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut tryable = Vec::with_capacity(locations.len());
        for (at, location) in locations.iter().enumerate() {
            let head = head(&location.path);
            by_head.entry(head.clone()).or_default().push(at);
            let whole = head.len() == location.path.len();
            tryable.push(Tryable { location, head, whole, pattern: OnceCell::new() });
        }
        Self { locations: tryable, by_head }
    }

    /// Whether a location before this one may match something that this one matches.
    pub(crate) fn has_rival(&self, at: usize) -> bool {
        let Some(own) = self.locations.get(at) else { return false };
        let earlier = |found: &Vec<usize>| found.first().is_some_and(|first| *first < at);
        let shorter = (0..own.head.len())
            .filter_map(|end| own.head.get(..end))
            .any(|head| self.by_head.get(head).is_some_and(earlier));
        shorter
            || self
                .by_head
                .range(own.head.clone()..)
                .take(EXTENSIONS)
                .take_while(|(head, _)| head.starts_with(&own.head))
                .any(|(_, found)| earlier(found))
    }

    /// The first location that takes a path; `None` when none does or the steps are used up.
    pub(crate) fn first(&self, path: &str, steps: &Cell<usize>) -> Option<usize> {
        let path = path.to_ascii_lowercase();
        let mut candidates: Vec<usize> = (0..=path.len())
            .filter_map(|end| self.by_head.get(path.get(..end)?))
            .flatten()
            .copied()
            .collect();
        candidates.sort_unstable();
        for at in candidates {
            let one = self.locations.get(at)?;
            if one.whole {
                return Some(at);
            }
            steps.set(steps.get().checked_sub(1)?);
            let pattern = one.pattern.get_or_init(|| pattern::location(&one.location.path)).as_ref();
            if pattern.is_some_and(|pattern| pattern.is_match(path.as_bytes()).unwrap_or(false)) {
                return Some(at);
            }
        }
        None
    }
}

/// The text in lower case that everything a pattern matches begins with.
fn head(path: &str) -> String {
    let special = |c: char| c == '.' || !pattern::is_literal(c.encode_utf8(&mut [0; 4]));
    let Some(at) = path.find(special) else { return path.to_ascii_lowercase() };
    let mut head = path.get(..at).unwrap_or_default();
    let rest = path.get(at..).unwrap_or_default();
    if rest.starts_with(['*', '?', '{']) {
        head = head.char_indices().next_back().and_then(|(last, _)| head.get(..last)).unwrap_or_default();
    }
    // Alternatives outside of any group have no head in common.
    if has_open_alternative(path) { String::new() } else { head.to_ascii_lowercase() }
}

fn has_open_alternative(path: &str) -> bool {
    let mut depth = 0_usize;
    let mut escaped = false;
    for c in path.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::analysis::field::sites::Owner;

    #[test]
    fn a_head_is_what_every_match_begins_with() {
        for (path, expected) in [
            ("/Plain", "/plain"),
            ("/a(/|$)(.*)", "/a"),
            ("/ab*", "/a"),
            ("/ab+", "/ab"),
            ("/v1.0", "/v1"),
            ("/a|/b", ""),
            (r"/a\.b", "/a"),
            ("/a{2}", "/"),
        ] {
            assert_eq!(head(path), expected, "{path}");
        }
    }

    #[test]
    fn the_first_that_matches_is_found_as_if_all_were_tried() {
        let paths = ["/api/(v1|v2)/.*", "/api/v2/special", "/api/v2", "/a.i", "/(.*)", "/"];
        let locations: Vec<Location<'_>> = paths
            .iter()
            .map(|path| Location { path: Cow::Borrowed(path), exact: false, owner: Owner::Nobody })
            .collect();
        let tried = Tried::new(&locations);
        let steps = Cell::new(STEPS);
        for path in ["/api/v2/special", "/API/V2", "/api/v3", "/aXi", "/x", "/", "none"] {
            let naive = paths.iter().position(|pattern| {
                pattern::location(pattern).is_some_and(|p| p.is_match(path.as_bytes()).unwrap_or(false))
            });
            assert_eq!(tried.first(path, &steps), naive, "{path}");
        }
        assert!(tried.has_rival(1) && !tried.has_rival(0));
        assert_eq!(tried.first("/x", &Cell::new(0)), None);
    }
}

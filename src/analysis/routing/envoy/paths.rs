//! An index of routes by path, so that the first that matches is found without trying them all.
//!
//! Invariant: `find` answers what trying every matcher in order would.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex::bytes::Regex;

use crate::analysis::routing::heads::literal_head;

use super::{PathMatch, whole};

#[derive(Debug, Default)]
pub(super) struct Paths {
    /// The first route of each text, by number.
    exact: HashMap<String, usize>,
    elements: HashMap<String, usize>,
    prefix: HashMap<String, usize>,
    /// By the literal text that a path must begin with.
    patterns: HashMap<String, Vec<Pattern>>,
    /// The longest key of `prefix` and `patterns`.
    longest: usize,
}

#[derive(Debug)]
struct Pattern {
    at: usize,
    text: String,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn is_match(&self, path: &str) -> bool {
        let regex = self.regex.get_or_init(|| whole(&self.text));
        regex.as_ref().is_some_and(|regex| regex.is_match(path.as_bytes()))
    }
}

impl Paths {
    pub(super) fn new<'m>(matchers: impl Iterator<Item = &'m PathMatch>) -> Self {
        let mut paths = Self::default();
        for (at, matcher) in matchers.enumerate() {
            match matcher {
                PathMatch::Exact(text) => first(&mut paths.exact, text, at),
                PathMatch::Elements(text) => first(&mut paths.elements, text, at),
                PathMatch::Prefix(text) => {
                    paths.longest = paths.longest.max(text.len());
                    first(&mut paths.prefix, text, at);
                }
                PathMatch::Pattern(text) => {
                    let key = literal_head(text);
                    paths.longest = paths.longest.max(key.len());
                    let pattern = Pattern { at, text: text.clone(), regex: OnceLock::new() };
                    paths.patterns.entry(key).or_default().push(pattern);
                }
            }
        }
        paths
    }

    /// The number of the first route that takes a path.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        let mut best = self.exact.get(path).copied();
        let mut better = |at: Option<usize>| {
            if let Some(at) = at {
                best = Some(best.map_or(at, |best| best.min(at)));
            }
        };
        if !self.elements.is_empty() {
            better(self.elements.get(path).copied());
            for (end, _) in path.match_indices('/') {
                better(path.get(..end).and_then(|head| self.elements.get(head)).copied());
            }
        }
        let heads = || (0..=self.longest.min(path.len())).filter_map(|end| path.get(..end));
        if !self.prefix.is_empty() {
            heads().for_each(|head| better(self.prefix.get(head).copied()));
        }
        if self.patterns.is_empty() {
            return best;
        }
        for head in heads() {
            for pattern in self.patterns.get(head).into_iter().flatten() {
                if best.is_none_or(|best| pattern.at < best) && pattern.is_match(path) {
                    best = Some(pattern.at);
                }
            }
        }
        best
    }
}

fn first(map: &mut HashMap<String, usize>, text: &str, at: usize) {
    if !map.contains_key(text) {
        map.insert(text.to_owned(), at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_finds_what_trying_them_in_order_finds() {
        let matchers = [
            PathMatch::Exact("/a/b".to_owned()),
            PathMatch::Pattern("/a/[a-z]+".to_owned()),
            PathMatch::Pattern("/a/?".to_owned()),
            PathMatch::Pattern("/x|/y.*".to_owned()),
            PathMatch::Prefix("/a/bc".to_owned()),
            PathMatch::Elements("/a".to_owned()),
            PathMatch::Elements(String::new()),
            PathMatch::Prefix("/z".to_owned()),
        ];
        let paths = Paths::new(matchers.iter());
        for path in ["/", "/a", "/a/", "/a/b", "/a/bc", "/a/bcd/e", "/a/B", "/ab", "/y12", "/x", "/zz", "//"]
        {
            let tried = matchers.iter().position(|matcher| matcher.takes(path));
            assert_eq!(paths.find(path), tried, "{path}");
        }
    }
}

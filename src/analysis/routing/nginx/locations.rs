//! The locations of a server that go by name: exact ones and prefixes.
//!
//! nginx takes an exact location, else a prefix that is the whole path, else redirects to the location
//! that lacks only its trailing slash, else takes the longest prefix, character by character. Regular
//! expressions come between a prefix and its being taken; they are the caller's.
//! Source: nginx 1.27 `src/http/ngx_http_core_module.c` (`ngx_http_core_find_static_location`),
//! `src/http/ngx_http.c` (`ngx_http_join_exact_locations`).

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

type Names = HashMap<Box<[u8]>, usize>;

/// Locations by name; a location is a number.
#[derive(Debug, Default)]
pub(in crate::analysis::routing) struct Locations {
    exact: Names,
    prefix: Names,
    /// Of the prefixes.
    lengths: BTreeSet<usize>,
}

impl Locations {
    pub(in crate::analysis::routing) fn with_capacity(count: usize) -> Self {
        Self {
            exact: HashMap::with_capacity(count),
            prefix: HashMap::with_capacity(count),
            lengths: BTreeSet::new(),
        }
    }

    /// Adds a location; fails with the one that has this name already.
    pub(in crate::analysis::routing) fn add(
        &mut self,
        name: String,
        exact: bool,
        location: usize,
    ) -> Result<(), usize> {
        if !exact {
            self.lengths.insert(name.len());
        }
        let names = if exact { &mut self.exact } else { &mut self.prefix };
        match names.entry(name.into_bytes().into_boxed_slice()) {
            Entry::Occupied(taken) => Err(*taken.get()),
            Entry::Vacant(free) => {
                free.insert(location);
                Ok(())
            }
        }
    }

    /// The exact location of a path.
    pub(in crate::analysis::routing) fn exact(&self, path: &[u8]) -> Option<usize> {
        self.exact.get(path).copied()
    }

    /// The prefix that is a whole path.
    pub(in crate::analysis::routing) fn whole(&self, path: &[u8]) -> Option<usize> {
        self.prefix.get(path).copied()
    }

    /// The location that a path lacks only the trailing slash of, among those that redirect to it.
    pub(in crate::analysis::routing) fn slash(
        &self,
        path: &[u8],
        redirects: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let completed = [path, b"/"].concat();
        let mut found = [&self.exact, &self.prefix].into_iter();
        found.find_map(|names| names.get(completed.as_slice()).copied().filter(|at| redirects(*at)))
    }

    /// The longest prefix of a path, with its length.
    pub(in crate::analysis::routing) fn longest(&self, path: &[u8]) -> Option<(usize, usize)> {
        let lengths = self.lengths.range(..=path.len()).rev();
        lengths.filter_map(|length| Some((*length, *self.prefix.get(path.get(..*length)?)?))).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tried_in_nginx_order() {
        let mut locations = Locations::default();
        for (at, (name, exact)) in
            [("/", false), ("/foo", false), ("/foo", true), ("/foo/bar/", false), ("/x/", true)]
                .into_iter()
                .enumerate()
        {
            locations.add(name.to_owned(), exact, at).expect(name);
        }
        assert_eq!(locations.add("/foo".to_owned(), true, 9), Err(2));
        for (path, exact, whole, slash, longest) in [
            ("/", None, Some(0), None, Some((1, 0))),
            ("/foo", Some(2), Some(1), None, Some((4, 1))),
            ("/foobar", None, None, None, Some((4, 1))),
            ("/foo/bar", None, None, Some(3), Some((4, 1))),
            ("/foo/bar/x", None, None, None, Some((9, 3))),
            ("/x", None, None, Some(4), Some((1, 0))),
            ("x", None, None, None, None),
        ] {
            let bytes = path.as_bytes();
            assert_eq!(locations.exact(bytes), exact, "{path}");
            assert_eq!(locations.whole(bytes), whole, "{path}");
            assert_eq!(locations.slash(bytes, |_| true), slash, "{path}");
            assert_eq!(locations.longest(bytes), longest, "{path}");
        }
        assert_eq!(locations.slash(b"/x", |at| at != 4), None);
    }
}

//! # What it finds
//! A rule on a regex host that is never reached, because a pattern with a longer text takes everything
//! the rule matches.
//!
//! # Why it 404s
//! A regex host tries its patterns by the length of their text, not by how much they match. A broad
//! pattern that is long to write stands before a specific path that is short, and its Service is asked
//! for paths that it does not know.
//!
//! # Example
//! ```yaml
//! annotations: {nginx.ingress.kubernetes.io/use-regex: "true"}
//! # /api/(v1|v2|v3)/.*   18 characters, tried first
//! # /api/v2/special      15 characters, never reached
//! ```
//!
//! # What to do
//! Make the broad pattern exclude the specific path, or the specific path longer, for example by
//! `/api/v2/special(/|$)(.*)`; or give one of them a host of its own.
//!
//! # References
//! kubernetes/ingress-nginx `internal/ingress/controller/controller.go` (sortLocations),
//! `docs/user-guide/ingress-path-matching.md` @ controller-v1.15.1.

use std::collections::HashSet;

use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::hosts::Entry;
use crate::analysis::field::sites::{Owner, Site};
use crate::analysis::field::tried::Tried;
use crate::analysis::field::{Field, pattern};

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "pattern_shadows"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        field
            .sites
            .iter()
            .filter(|(_, site)| site.regex.is_some())
            .flat_map(|(host, site)| self.on_host(field, host, site))
            .collect()
    }
}

impl Rule {
    fn on_host(&self, field: &Field<'_>, host: &str, site: &Site<'_>) -> Vec<Conflict> {
        let tried = Tried::new(&site.locations);
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        for (at, location) in site.locations.iter().enumerate() {
            let Owner::Path(entry) = location.owner else { continue };
            let first_of_it = seen.insert((std::ptr::from_ref(entry.ingress), entry.place));
            // An Exact root has a rule of its own.
            if !first_of_it || (entry.path == "/" && entry.is_exact()) || !tried.has_rival(at) {
                continue;
            }
            if let Some((sample, by)) = shadowed(field, site, &tried, &entry) {
                found.extend(self.told(field, host, &entry, &by, &sample));
            }
        }
        found
    }

    fn told(
        &self,
        field: &Field<'_>,
        host: &str,
        entry: &Entry<'_>,
        by: &Entry<'_>,
        sample: &str,
    ) -> Option<Conflict> {
        let rewrite = |entry: &Entry<'_>| {
            field.policy.text(entry.ingress, "rewrite-target").map(std::borrow::Cow::into_owned)
        };
        if entry.same_backend(by) && rewrite(entry) == rewrite(by) {
            return None;
        }
        let facts = Facts::PatternShadows { path: entry.path.to_owned(), by: by.path.to_owned() };
        let effect = Effect::ServedBy { ingress: by.ingress.meta.key(), backend: by.target() };
        let fix = match std::ptr::eq(entry.ingress, by.ingress) {
            true => Fix::SetOneOf {
                part: crate::analysis::conflict::Part::new(by.ingress, by.place.field("path")),
                values: Vec::new(),
            },
            false => Fix::OwnHost { ingress: by.ingress.meta.key() },
        };
        let conflict = Conflict::new(self, field, Severity::High, facts, effect, fix)
            .on(host)
            .shown_by(host, sample)
            .at_path(by.ingress, by.place)
            .at_path(entry.ingress, entry.place)
            .won_by(by.ingress);
        let decision = conflict.sees.url.as_deref().and_then(|url| field.decide(host, url));
        let reached = decision
            .and_then(|decision| decision.winner)
            .is_some_and(|winner| winner.ingress == entry.ingress.meta.key() && winner.place == entry.place);
        (!reached).then(|| conflict.judged(field))
    }
}

/// A request that the rule matches and another takes, when that is so for every one that is tried.
fn shadowed<'a>(
    field: &Field<'_>,
    site: &Site<'a>,
    tried: &Tried<'_>,
    entry: &Entry<'a>,
) -> Option<(String, Entry<'a>)> {
    let mut samples = pattern::samples(entry.path);
    // An Exact rule is meant for nothing else, whatever it matches here.
    if pattern::is_literal(entry.path) && !entry.is_exact() {
        samples.push(format!("{}/x", entry.path.trim_end_matches('/')));
    }
    let mut taken = Vec::with_capacity(samples.len());
    for sample in samples {
        let at = tried.first(&sample, &field.steps)?;
        match site.locations.get(at)?.owner {
            Owner::Path(by) if !by.is(entry) => taken.push((sample, by)),
            Owner::Path(_) | Owner::Host(_) | Owner::CatchAll(_) | Owner::Nobody => return None,
        }
    }
    taken.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    #[test]
    fn a_longer_and_broader_pattern_hides_a_shorter_path() {
        let found = check(
            &Rule,
            "ing shop/a host=a.example /api/v2/special(I)->special:80 /api/(v1|v2|v3)/.*(I)->api:80 ann:use-regex=true",
            &[
                "high a.example: shop/a spec.rules[0].http.paths[1].path, shop/a spec.rules[0].http.paths[0].path",
            ],
        );
        sees(&found, &["http://a.example/api/v2/special: shop/a api:80"]);
    }

    #[test]
    fn an_older_exact_path_hides_the_prefix_and_letters_of_another_case() {
        let found = check(
            &Rule,
            "ing shop/a age=9 host=a.example /foo(E)->one:80 /Bar(P)->one:80 ann:use-regex=true
             ing shop/b age=8 host=a.example /foo(P)->two:80 /bar(P)->two:80",
            &[
                "high a.example: shop/a spec.rules[0].http.paths[0].path, shop/b spec.rules[0].http.paths[0].path",
                "high a.example: shop/b spec.rules[0].http.paths[1].path, shop/a spec.rules[0].http.paths[1].path",
            ],
        );
        sees(&found, &["http://a.example/foo: shop/a one:80", "http://a.example/Bar: shop/b two:80"]);
    }

    #[test]
    fn a_root_behind_a_pattern_for_everything_is_found() {
        let found = check(
            &Rule,
            "ing shop/web age=9 host=a.example /(P)->web:80
             ing shop/all age=1 host=a.example /(.*)(I)->all:80 ann:use-regex=true",
            &[
                "high a.example: shop/all spec.rules[0].http.paths[0].path, shop/web spec.rules[0].http.paths[0].path",
            ],
        );
        sees(&found, &["http://a.example/: shop/all all:80"]);
    }

    #[test]
    fn what_is_reached_by_some_request_or_leads_to_the_same_place_is_not() {
        silent(
            &Rule,
            "ing shop/a host=a.example /api(/|$)(.*)(I)->api:80 /api/v2(/|$)(.*)(I)->v2:80 /(.*)(I)->web:80 ann:rewrite-target=/$1
             ing shop/b host=b.example /api/v2/special(I)->api:80 /api/(v1|v2|v3)/.*(I)->api:80 ann:use-regex=true
             ing shop/c host=c.example /o(.*)(I)->o:80 /(P)->web:80 ann:use-regex=true
             ing shop/d host=d.example /api/v2/special(I)->special:80 /api/(v1|v2|v3)/.*(I)->api:80",
        );
    }
}

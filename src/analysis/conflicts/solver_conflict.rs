//! # What it finds
//! An ACME challenge that somebody else answers: the solver's Ingress is not taken by the controller that
//! serves its host, or another rule takes its path.
//!
//! # Why it 404s
//! The certificate authority asks `http://host/.well-known/acme-challenge/TOKEN` and gets a 404, or an
//! application's answer. The certificate stays pending or runs out.
//!
//! # Example
//! ```yaml
//! # Ingress shop/web: ingressClassName nginx, host shop.example.com
//! # Ingress shop/cm-acme-http-solver-x: ingressClassName traefik, same host
//! ```
//!
//! # What to do
//! Give the issuer's solver the class of the host's Ingress; keep other rules off
//! `/.well-known/acme-challenge/`.
//!
//! # References
//! cert-manager `pkg/issuer/acme/http/ingress.go`; cert-manager#7791, #4371; kubernetes/ingress-nginx#206.

use crate::analysis::conflict::facts::Solver;
use crate::analysis::conflict::{Conflict, Effect, Facts, Fix, Part, Severity};
use crate::analysis::conflicts::ConflictRule;
use crate::analysis::field::Field;
use crate::analysis::routing::{Decision, Outcome, Refusal};
use crate::model::ingress::{Ingress, Place};
use crate::model::object::{Kind, ObjectKey};

/// Where authorities ask.
const CHALLENGE: &str = "/.well-known/acme-challenge/";
/// What cert-manager marks its solvers with.
const LABEL: &str = "acme.cert-manager.io/http01-solver";

#[derive(Debug)]
pub struct Rule;

impl ConflictRule for Rule {
    fn id(&self) -> &'static str {
        "solver_conflict"
    }

    fn worst(&self) -> Severity {
        Severity::High
    }

    fn find(&self, field: &Field<'_>) -> Vec<Conflict> {
        let mut found = Vec::new();
        for ingress in &field.loaded {
            found.extend(
                challenges(ingress)
                    .filter_map(|(place, host, path)| self.beaten(field, ingress, place, host, path)),
            );
        }
        for (ingress, why) in field.refused {
            if *why != Refusal::Undecided {
                found
                    .extend(challenges(ingress).filter_map(|(place, host, path)| {
                        self.not_loaded(field, ingress, place, host, path)
                    }));
            }
        }
        found
    }
}

/// The challenges of an Ingress.
fn challenges(ingress: &Ingress) -> impl Iterator<Item = (Place, &str, &str)> {
    let marked = ingress.meta.labels.get(LABEL).is_some_and(|value| value == "true");
    ingress.path_rules().filter_map(move |(r, p, host, rule)| {
        let path = rule.path.as_str();
        let token = path.strip_prefix(CHALLENGE).is_some_and(|token| !token.is_empty());
        (marked || token).then_some((Place::Path(r, p), host, path))
    })
}

impl Rule {
    /// A challenge that is loaded, and another rule is asked.
    fn beaten(
        &self,
        field: &Field<'_>,
        ingress: &Ingress,
        place: Place,
        host: &str,
        path: &str,
    ) -> Option<Conflict> {
        let conflict = self.told(field, ingress, place, host, path, Solver::Beaten);
        let decision = field.decide(host, conflict.sees.url.as_deref()?)?;
        if reaches(&decision, ingress) || is_upgrade(&decision, host, path) {
            return None;
        }
        let mut conflict = conflict.judged(field);
        let by = decision.winner.map(|winner| winner.ingress);
        conflict.winner = by
            .filter(|by| !by.name.is_empty() && *by != ingress.meta.key())
            .map(|name| ObjectKey { kind: Kind::Ingress, name });
        Some(conflict)
    }

    /// A challenge that this controller does not load although it serves the host.
    fn not_loaded(
        &self,
        field: &Field<'_>,
        ingress: &Ingress,
        place: Place,
        host: &str,
        path: &str,
    ) -> Option<Conflict> {
        let here = field.hosts.get(host).filter(|_| !host.is_empty())?.maker()?;
        let takers = field.claims.on(&ingress.meta.key());
        let doubtful = takers.is_empty() && !field.claims.nobody_takes(&ingress.meta.key());
        let elsewhere = field.claims.on(&here.meta.key());
        // Whoever takes the challenge serves the host too.
        if doubtful || takers.iter().any(|taker| elsewhere.contains(taker)) {
            return None;
        }
        let conflict = self.told(field, ingress, place, host, path, Solver::NotLoaded);
        let decision = field.decide(host, conflict.sees.url.as_deref()?);
        if decision.is_some_and(|decision| is_upgrade(&decision, host, path)) {
            return Some(conflict);
        }
        Some(conflict.judged(field))
    }

    fn told(
        &self,
        field: &Field<'_>,
        ingress: &Ingress,
        place: Place,
        host: &str,
        path: &str,
        standing: Solver,
    ) -> Conflict {
        let class =
            field.hosts.get(host).and_then(|host| host.maker()).and_then(|maker| maker.class_name.clone());
        let fix = match standing {
            Solver::NotLoaded => Fix::SetOneOf {
                part: Part::new(ingress, "spec.ingressClassName"),
                values: class.into_iter().collect(),
            },
            Solver::Beaten => Fix::OwnHost { ingress: ingress.meta.key() },
        };
        let facts = Facts::SolverConflict(standing);
        Conflict::new(self, field, Severity::High, facts, Effect::OwnAnswer, fix)
            .on(host)
            .shown_by(host, path)
            .at_path(ingress, place)
    }
}

fn reaches(decision: &Decision, ingress: &Ingress) -> bool {
    let own = decision.winner.as_ref().is_some_and(|winner| winner.ingress == ingress.meta.key());
    // Somebody who answers 503 is the right one, and not ready yet.
    own && matches!(decision.outcome, Outcome::Routed | Outcome::Unavailable | Outcome::Undefined)
}

/// Authorities follow a redirect to the same place over TLS.
fn is_upgrade(decision: &Decision, host: &str, path: &str) -> bool {
    decision.outcome == Outcome::Redirect
        && decision.location.as_deref() == Some(format!("https://{host}{path}").as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::field::kit::{check, sees, silent};

    const PATH: &str = "/.well-known/acme-challenge/t0ken";
    const URL: &str = "http://a.example/.well-known/acme-challenge/t0ken";

    #[test]
    fn a_challenge_that_an_older_copy_of_it_answers_is_found() {
        let found = check(
            &Rule,
            &format!(
                "ing shop/old age=9 host=a.example {PATH}(E)->solver-1:8089
                 ing shop/new age=1 host=a.example {PATH}(E)->solver-2:8089"
            ),
            &["high a.example: shop/new spec.rules[0].http.paths[0].path"],
        );
        sees(&found, &[&format!("{URL}: shop/old solver-1:8089")]);
    }

    #[test]
    fn a_challenge_behind_a_longer_pattern_is_found() {
        let found = check(
            &Rule,
            &format!(
                "ing shop/all age=9 host=a.example /(.well-known|static|images|assets|fonts|scripts)/.*(I)->web:80 ann:use-regex=true
                 ing shop/solver age=1 host=a.example {PATH}(E)->solver:8089"
            ),
            &["high a.example: shop/solver spec.rules[0].http.paths[0].path"],
        );
        sees(&found, &[&format!("{URL}: shop/all web:80")]);
    }

    #[test]
    fn a_challenge_that_the_hosts_controller_does_not_take_is_found() {
        let found = check(
            &Rule,
            &format!(
                "ctl traefik edge
                 ing shop/web host=a.example /(P)->web:80
                 ing shop/solver cls=traefik host=a.example {PATH}(E)->solver:8089 refused=class-of-other,traefik,traefik.io also=1"
            ),
            &["high a.example: shop/solver spec.rules[0].http.paths[0].path"],
        );
        sees(&found, &[&format!("{URL}: shop/web web:80")]);
        assert!(matches!(&found[0].fix, Fix::SetOneOf { values, .. } if *values == ["nginx"]));
    }

    #[test]
    fn a_challenge_that_is_answered_or_whose_fate_is_not_known_is_not() {
        silent(
            &Rule,
            &format!(
                "ing shop/web age=9 host=a.example /(P)->web:80 tls=a.example
                 ing shop/rx age=8 host=b.example /(.*)(I)->web:80 ann:use-regex=true
                 ing shop/s1 age=1 host=a.example {PATH}(E)->solver:8089
                 ing shop/s2 age=1 host=b.example {PATH}(I)->solver:8089 lab:{LABEL}=true
                 ing shop/s3 cls=- host=a.example {PATH}x(E)->solver:8089 refused=undecided
                 ing shop/s4 cls=x host=nobody.example {PATH}(E)->solver:8089 refused=class-not-found,x"
            ),
        );
    }
}

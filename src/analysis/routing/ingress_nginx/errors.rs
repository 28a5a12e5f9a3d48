//! Answers that are nobody's application: the default backend, snippets, and error pages.
//!
//! A status that `custom-http-errors` lists is answered by the Service of the annotation
//! `default-backend`, else by the controller's default backend, at `/`. A location with the annotation has
//! its own list; every other place has that of the ConfigMap. The controller's own 404 page knows no
//! error pages: where the ConfigMap lists 404, nginx makes 500 of it, as it does of any listed status of
//! the servers of nothing but a redirect.
//! Sources: kubernetes/ingress-nginx `rootfs/etc/nginx/template/nginx.tmpl` (`CUSTOM_ERRORS`),
//! `internal/ingress/controller/controller.go` (`shouldCreateUpstreamForLocationDefaultBackend`), v1.15.1.

use crate::analysis::routing::nginx::rewrite::filled;
use crate::analysis::routing::nginx::snippet;
use crate::analysis::routing::{Decision, Note, Outcome, Winner};
use crate::model::ingress::Place;
use crate::model::object::Name;

use super::Table;
use super::decide::{Visit, annotation};
use super::servers::Location;

const KEY: &str = "custom-http-errors";

/// An error in a place that has no error pages.
pub(super) fn lost(table: &Table, mut decision: Decision) -> Decision {
    if decision.status.is_some_and(|status| table.global.errors.contains(&status)) {
        decision.outcome = Outcome::Unavailable;
        decision.status = Some(500);
        decision.notes.push(Note::Config { key: KEY.to_owned() });
    }
    decision
}

impl Visit<'_> {
    /// What becomes of an error of nginx' own, or of its default backend.
    pub(super) fn error(&self, location: Option<&Location>, decision: Decision) -> Decision {
        let own = location.filter(|location| {
            self.denied(location).is_none() && !self.table.options(location).errors.is_empty()
        });
        let codes = own.map_or(&self.table.global.errors, |location| &self.table.options(location).errors);
        let is_error = !matches!(decision.outcome, Outcome::Routed | Outcome::Redirect | Outcome::Undefined);
        if !is_error || !decision.status.is_some_and(|status| codes.contains(&status)) {
            return decision;
        }
        let note = own
            .and_then(|location| self.owner(location))
            .map_or_else(|| Note::Config { key: KEY.to_owned() }, |ingress| annotation(ingress, KEY));
        let page = own.and_then(|location| Some((location, location.errors_to?)));
        let mut answer = match page {
            Some((location, upstream)) => self.error_service(location, upstream),
            None => self.default_backend("/".to_owned()),
        };
        if answer.outcome != Outcome::Routed && decision.winner.is_some() {
            // A rule won, whatever the status says.
            answer.outcome = Outcome::Unavailable;
            answer.winner = decision.winner;
        }
        let mut notes = decision.notes;
        notes.push(note);
        notes.append(&mut answer.notes);
        notes.dedup();
        answer.notes = notes;
        answer
    }

    /// The Service of the annotation `default-backend`.
    fn error_service(&self, location: &Location, upstream: usize) -> Decision {
        let mut decision = Decision::bare(Outcome::Routed, None);
        decision.winner = self.winner(location);
        if let Some(winner) = &mut decision.winner {
            winner.backend = Some(self.table.upstreams.get(upstream).target.clone());
        }
        decision.upstream_path = Some("/".to_owned());
        self.split(upstream, &mut decision);
        decision
    }

    /// The controller's default backend: its own 404, or the Service that its arguments name.
    pub(super) fn default_backend(&self, upstream_path: String) -> Decision {
        let Some(target) = &self.table.default_service else {
            let decision = lost(self.table, Decision::bare(Outcome::NoRoute, Some(404)));
            return Decision { default_backend: true, ..decision };
        };
        let mut decision = Decision::bare(Outcome::Routed, None);
        decision.default_backend = true;
        decision.upstream_path = Some(upstream_path);
        decision.winner = Some(Winner {
            ingress: Name::default(),
            place: Place::DefaultBackend,
            host: String::new(),
            path: String::new(),
            path_type: None,
            backend: Some(target.clone()),
            rendered: String::new(),
        });
        decision
    }

    /// The snippets of a location: its own, then that of the ConfigMap.
    pub(super) fn snippets(&self, location: &Location) -> Option<Decision> {
        let own = self.table.options(location).configuration_snippet.as_deref();
        let own = own.and_then(|snippet| {
            let note = annotation(self.owner(location)?, "configuration-snippet");
            self.returned(Some(location), snippet, note)
        });
        own.or_else(|| {
            let snippet = self.table.global.location_snippet.as_deref()?;
            let note = Note::Config { key: "location-snippet".to_owned() };
            self.returned(Some(location), snippet, note)
        })
    }

    /// What a snippet that begins with `return` answers; with a text of its own it is no error.
    pub(super) fn returned(&self, location: Option<&Location>, text: &str, note: Note) -> Option<Decision> {
        let (status, text) = snippet::leading_return(text)?;
        let outcome = match status {
            300..=399 => Outcome::Redirect,
            404 | 200..=299 => Outcome::NoRoute,
            500.. => Outcome::Unavailable,
            _ => Outcome::Refused,
        };
        let mut decision = Decision::bare(outcome, Some(status));
        if outcome == Outcome::Redirect {
            decision.location = text.and_then(|text| filled(text, self.path, self.request));
        }
        decision.notes.push(note);
        Some(if text.is_none() { self.error(location, decision) } else { decision })
    }
}

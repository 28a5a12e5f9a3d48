//! Which Ingress is meant: the parameters read as one question, and the Ingresses that answer it.

use std::collections::BTreeSet;

use super::Params;
use crate::analysis::facts::candidates::touches;
use crate::analysis::view::View;
use crate::model::ingress::Ingress;
use crate::model::object::Name;
use crate::model::request::{Request, Scheme};
use crate::model::snapshot::Snapshot;
use crate::report::object_ref::NameRef;
use crate::report::text::Text;
use crate::tools::params::{Host, Url};
use crate::tools::{FailureCode, ToolFailure, session};

/// What was asked for.
pub(super) enum Asked {
    Named(Name),
    /// A name in a namespace not said.
    Anywhere(String),
    Url(Request),
    Host(Request),
    All(Option<String>),
}

impl Params {
    pub(super) fn asked(&self, namespace: Option<&str>) -> Result<Asked, ToolFailure> {
        let given = usize::from(self.name.is_some())
            + usize::from(self.host.is_some())
            + usize::from(self.url.is_some());
        if given > 1 {
            return Err(ToolFailure::new(
                FailureCode::BadArguments,
                "name, host and url each say which Ingress is meant",
                "pass one of them",
            ));
        }
        if let Some(name) = &self.name {
            return Ok(match name.within(namespace) {
                Some(full) => Asked::Named(full),
                None => Asked::Anywhere(name.name.clone()),
            });
        }
        if let Some(Url(request)) = &self.url {
            return Ok(Asked::Url(request.clone()));
        }
        if let Some(Host(host)) = &self.host {
            let request = Request::parse(&format!("{}://{host}/", Scheme::Http.as_str()));
            return request.map(Asked::Host).map_err(|error| {
                ToolFailure::new(FailureCode::BadArguments, error.to_string(), "pass a url instead")
            });
        }
        Ok(Asked::All(namespace.map(ToOwned::to_owned)))
    }
}

/// The only Ingress of this name in any namespace.
pub(in crate::tools) fn anywhere(snapshot: &Snapshot, name: &str) -> Result<Name, ToolFailure> {
    let found: Vec<Name> = snapshot
        .ingresses
        .items()
        .iter()
        .filter(|ingress| ingress.meta.name == name)
        .map(|ingress| ingress.meta.key())
        .collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let all: Vec<String> =
                snapshot.ingresses.items().iter().map(|ingress| ingress.meta.key().to_string()).collect();
            let nearest = session::nearest(name, all.iter().map(String::as_str));
            let seen = if snapshot.ingresses.covers_everything() {
                format!("no namespace has an Ingress {}; nearest: {nearest}", Text::new(name))
            } else {
                format!(
                    "no Ingress {} in the namespaces that could be listed; nearest: {nearest}",
                    Text::new(name)
                )
            };
            Err(ToolFailure::new(
                FailureCode::NotFound,
                seen,
                "call again with one of these names, or with the host or url instead",
            ))
        }
        several => {
            let names: Vec<String> =
                several.iter().take(8).map(|name| NameRef::from(name).to_string()).collect();
            Err(ToolFailure::new(
                FailureCode::BadArguments,
                format!(
                    "{} namespaces have an Ingress {}: {}",
                    several.len(),
                    Text::new(name),
                    names.join(", ")
                ),
                "call again with namespace",
            ))
        }
    }
}

/// The Ingresses to show, and those to mention.
pub(super) struct Picked<'a> {
    pub(super) shown: Vec<&'a Ingress>,
    pub(super) others: Vec<&'a Ingress>,
}

pub(super) fn pick<'a>(
    asked: &Asked,
    named: Option<&Name>,
    snapshot: &'a Snapshot,
    views: &[View<'_>],
) -> Picked<'a> {
    let all = snapshot.ingresses.items();
    match asked {
        Asked::Named(_) | Asked::Anywhere(_) => {
            let shown: Vec<&Ingress> =
                all.iter().filter(|ingress| Some(&ingress.meta.key()) == named).collect();
            let hosts: BTreeSet<&str> = shown.iter().flat_map(|ingress| ingress.hosts()).collect();
            let others = all
                .iter()
                .filter(|ingress| Some(&ingress.meta.key()) != named)
                .filter(|ingress| ingress.hosts().iter().any(|host| hosts.contains(host)))
                .collect();
            Picked { shown, others }
        }
        Asked::Url(request) | Asked::Host(request) => {
            let host = request.host.as_str();
            let winners: Vec<Name> = views
                .iter()
                .filter(|view| view.controller.is_some())
                .filter_map(|view| view.decide(request).winner)
                .filter(|winner| winner.is_of(&winner.ingress))
                .map(|winner| winner.ingress)
                .collect();
            let mut shown: Vec<&Ingress> = all.iter().filter(|ingress| touches(ingress, host)).collect();
            // The answering ones first, then those that name the host, then catch-alls.
            shown.sort_by_key(|ingress| {
                let name = ingress.meta.key();
                let names_it = ingress.rules.iter().any(|rule| !rule.host().is_empty());
                (winners.iter().position(|winner| *winner == name).unwrap_or(usize::MAX), !names_it, name)
            });
            Picked { shown, others: Vec::new() }
        }
        Asked::All(namespace) => {
            let others = all
                .iter()
                .filter(|ingress| namespace.as_ref().is_none_or(|name| ingress.meta.namespace == *name))
                .collect();
            Picked { shown: Vec::new(), others }
        }
    }
}

/// Whether a rule of a running controller takes the request.
pub(super) fn answers(views: &[View<'_>], request: &Request) -> bool {
    let mut running = views.iter().filter(|view| view.controller.is_some());
    running.any(|view| view.decide(request).winner.is_some())
}

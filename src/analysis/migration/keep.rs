//! The edit that keeps today's behaviour under the other controller.
//!
//! Assumption: only what was tried counts. An edit is offered when, with it, the example ends as it does
//! today and no request that the Ingresses of its host are about differs that did not differ without it.

use super::cause::Cause;
use super::{Group, is_same};
use crate::analysis::derived;
use crate::analysis::facts::candidates::touches;
use crate::analysis::routing::{Edit, RouteTable, Winner};
use crate::analysis::view::{self, View};
use crate::model::controller::{ControllerKind, Flag, Settings};
use crate::model::ingress::{Ingress, PathType, Place};
use crate::model::object::Name;
use crate::model::request::Request;
use crate::model::snapshot::Snapshot;

/// Ingresses of one host beyond which nothing is tried.
const MOST_INGRESSES: usize = 40;
/// Requests with which an edit is tried.
const MOST_REQUESTS: usize = 400;

/// What to set before moving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    Edit {
        ingress: Name,
        place: Place,
        edit: Edit,
    },
    /// An argument of the other controller.
    Argument {
        flag: &'static str,
        value: &'static str,
    },
}

/// The first edit that proves good.
pub(super) fn find(group: &Group, from: &View<'_>, target: &View<'_>, snapshot: &Snapshot) -> Option<Keep> {
    let tries = candidates(group, target.kind, snapshot);
    if tries.is_empty() {
        return None;
    }
    let host = group.example.host.as_str();
    let near: Vec<&Ingress> =
        target.adopted.iter().map(|(ingress, _)| *ingress).filter(|ingress| touches(ingress, host)).collect();
    if near.len() > MOST_INGRESSES {
        return None;
    }
    let compile = |ingresses: &[&Ingress], settings: &Settings| {
        view::compile(target.kind, ingresses, snapshot, settings).0
    };
    let around = near.iter().flat_map(|ingress| derived::requests(ingress).0).take(MOST_REQUESTS);
    let unedited = compile(&near, &target.settings);
    let differs = |table: &dyn RouteTable, request: &Request| {
        is_same(&from.decide(request), &table.decide(request)) != Some(true)
    };
    let good: Vec<Request> =
        around.map(|derived| derived.request).filter(|request| !differs(&*unedited, request)).collect();
    tries.into_iter().find(|keep| {
        let edited: Vec<Ingress> = near.iter().map(|ingress| apply(keep, ingress)).collect();
        let table = compile(&edited.iter().collect::<Vec<_>>(), &with(keep, &target.settings));
        !differs(&*table, &group.example) && good.iter().all(|request| !differs(&*table, request))
    })
}

/// Edits worth a try, the smallest first.
fn candidates(group: &Group, to: ControllerKind, snapshot: &Snapshot) -> Vec<Keep> {
    let mut tries = Vec::new();
    let can_be_kept = match &group.cause {
        Cause::PrefixMatchesCharacters
        | Cause::ExactLosesToLongerPrefix
        | Cause::ExactWinsOverPrefix
        | Cause::PathPrecedence
        | Cause::HostPrecedence
        | Cause::CaseInsensitive
        | Cause::PatternRead
        | Cause::RegexHost => true,
        Cause::Undefined
        | Cause::NotLoaded
        | Cause::MissingServiceStatus
        | Cause::EntryPoint
        | Cause::TrailingSlashRedirect
        | Cause::ForeignAnnotationIgnored { .. }
        | Cause::ForeignAnnotationRead { .. }
        | Cause::HttpsRedirect
        | Cause::FallthroughToWildcard
        | Cause::WildcardLabels
        | Cause::DefaultBackendScope
        | Cause::DuplicateOwner
        | Cause::UpstreamPath
        | Cause::RedirectTarget
        | Cause::NoRouteStatus
        | Cause::Other => false,
    };
    if !can_be_kept {
        return tries;
    }
    let (before, after) = (group.before.winner.as_ref(), group.after.winner.as_ref());
    if to == ControllerKind::Traefik {
        if group.cause == Cause::PrefixMatchesCharacters {
            let flag = "providers.kubernetesingress.strictprefixmatching";
            tries.push(Keep::Argument { flag, value: "true" });
        }
        tries.extend(before.map(|winner| Keep::Edit {
            ingress: winner.ingress.clone(),
            place: winner.place,
            edit: Edit::SetAnnotation {
                key: "traefik.ingress.kubernetes.io/router.priority".to_owned(),
                value: "10000".to_owned(),
            },
        }));
    }
    for winner in before.into_iter().chain(after) {
        tries.extend(types(winner, snapshot));
    }
    tries
}

/// Other path types for a rule.
fn types(winner: &Winner, snapshot: &Snapshot) -> Vec<Keep> {
    let ingress = snapshot.ingresses.get(&winner.ingress.namespace, &winner.ingress.name).found();
    let Some(path) = ingress.and_then(|ingress| ingress.path_at(winner.place)) else { return Vec::new() };
    [PathType::Prefix, PathType::ImplementationSpecific, PathType::Exact]
        .into_iter()
        .filter(|to| *to != path.path_type)
        .map(|to| Keep::Edit {
            ingress: winner.ingress.clone(),
            place: winner.place,
            edit: Edit::SetPathType { from: path.path_type, to },
        })
        .collect()
}

/// The Ingress as it would be.
fn apply(keep: &Keep, ingress: &Ingress) -> Ingress {
    let mut edited = ingress.clone();
    let Keep::Edit { ingress: name, place, edit } = keep else { return edited };
    if ingress.meta.key() != *name {
        return edited;
    }
    match (edit, place) {
        (Edit::SetAnnotation { key, value }, _) => {
            edited.meta.annotations.insert(key.clone(), value.clone());
        }
        (Edit::SetPathType { to, .. }, Place::Path(rule, path)) => {
            let paths = edited.rules.get_mut(*rule).and_then(|rule| rule.paths.as_mut());
            if let Some(path) = paths.and_then(|paths| paths.get_mut(*path)) {
                path.path_type = *to;
            }
        }
        // No other edit is tried.
        _ => {}
    }
    edited
}

/// The settings as they would be.
fn with(keep: &Keep, settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    let Keep::Argument { flag, value } = keep else { return settings };
    // Without any argument the usual entry points are assumed; beside one they have to be said.
    let usual = [
        ("entrypoints.web.address", ":80"),
        ("entrypoints.websecure.address", ":443"),
        ("entrypoints.websecure.http.tls", "true"),
    ];
    let said = if settings.args.is_empty() { usual.as_slice() } else { &[] };
    for (name, value) in said.iter().chain([&(*flag, *value)]) {
        settings.args.push(Flag {
            index: settings.args.len(),
            in_command: false,
            name: (*name).to_owned(),
            value: Some((*value).to_owned()),
        });
    }
    settings
}

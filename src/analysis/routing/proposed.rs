//! Proposed edits of Ingresses, made and tried: only what the model sees to work is told.

use super::{Decision, Edit, Input, Nearest, Outcome, RoutingModel};
use crate::model::ingress::{Ingress, PathRule, Place, Rule};
use crate::model::object::Kind;
use crate::model::request::Request;

/// Ingresses beyond which only those that may take the request are looked at.
const MANY: usize = 200;

/// Those of the edits after which the edited Ingress takes the request. What is no edit of an Ingress's
/// rules, or only one of several that are needed, stands as it was proposed; and so does all where too
/// many Ingresses have a say.
#[must_use]
pub fn tried(
    model: &dyn RoutingModel,
    input: &Input<'_>,
    request: &Request,
    proposed: Vec<Nearest>,
) -> Vec<Nearest> {
    let host = request.host.as_str();
    let is_many = input.ingresses.len() > MANY;
    let has_say = |ingress: &Ingress| !is_many || may_take(ingress, host);
    let works = |near: &Nearest| {
        if near.place.kind() != Kind::Ingress || !is_whole(&near.edit) {
            return true;
        }
        let is_edited = |ingress: &Ingress| ingress.meta.key() == near.ingress;
        let asked = input.ingresses.iter().filter(|ingress| is_edited(ingress) || has_say(ingress));
        let mut edited: Vec<Ingress> = Vec::new();
        for ingress in asked.take(MANY + 1) {
            let mut ingress = (*ingress).clone();
            if is_edited(&ingress) && apply(&near.edit, near.place, &mut ingress).is_none() {
                return false;
            }
            edited.push(ingress);
        }
        if edited.len() > MANY {
            return true;
        }
        let ingresses: Vec<&Ingress> = edited.iter().collect();
        let after = model.compile(&Input { ingresses: &ingresses, ..*input }).decide(request);
        is_taken(&after, near)
    };
    proposed.into_iter().filter(works).collect()
}

/// Whether an edit is said to be enough by itself.
const fn is_whole(edit: &Edit) -> bool {
    match edit {
        Edit::SetHost { .. }
        | Edit::SetPath { .. }
        | Edit::SetPathType { .. }
        | Edit::AddPath { .. }
        | Edit::SetAnnotation { .. } => true,
        Edit::SetClass { .. } | Edit::RemoveAnnotation { .. } | Edit::AskHost { .. } | Edit::Meet(_) => false,
    }
}

/// Whether an Ingress's rules may take a host, whatever the product makes of wildcards.
fn may_take(ingress: &Ingress, host: &str) -> bool {
    let takes = |rule: &Rule| match rule.host() {
        "" => true,
        star if star.starts_with('*') => host.ends_with(star.trim_start_matches('*')),
        named => named.eq_ignore_ascii_case(host),
    };
    ingress.rules.is_empty() || ingress.rules.iter().any(takes)
}

fn is_taken(after: &Decision, near: &Nearest) -> bool {
    let wins = after.winner.as_ref().is_some_and(|winner| winner.ingress == near.ingress);
    let of_it = |namespace: &str| namespace == near.ingress.namespace;
    match after.outcome {
        Outcome::NoRoute => false,
        Outcome::Undefined => wins || after.one_of.iter().any(|target| of_it(&target.service.namespace)),
        Outcome::Routed | Outcome::Redirect | Outcome::Refused | Outcome::Unavailable => wins,
    }
}

/// Makes an edit the way a person would; `None` where there is no place for it.
pub fn apply(edit: &Edit, place: Place, ingress: &mut Ingress) -> Option<()> {
    let (rule, path) = match place {
        Place::Path(rule, path) => (rule, path),
        Place::Rule(rule) => (rule, 0),
        Place::DefaultBackend | Place::Match(..) => (usize::MAX, 0),
    };
    let paths = ingress.rules.get_mut(rule).and_then(|rule| rule.paths.as_mut());
    match edit {
        Edit::SetAnnotation { key, value } => {
            ingress.meta.annotations.insert(key.clone(), value.clone());
        }
        Edit::RemoveAnnotation { key } => {
            ingress.meta.annotations.remove(key)?;
        }
        Edit::SetPathType { to, .. } => paths?.get_mut(path)?.path_type = *to,
        Edit::SetPath { to, .. } => paths?.get_mut(path)?.path.clone_from(to),
        Edit::AddPath { path: new, path_type } => {
            let paths = paths?;
            let backend = paths.first()?.backend.clone();
            paths.push(PathRule { path: new.clone(), path_type: *path_type, backend });
        }
        Edit::SetHost { to, .. } => {
            let paths = paths.filter(|paths| path < paths.len())?;
            let moved = paths.remove(path);
            ingress.rules.push(Rule { host: Some(to.clone()), paths: Some(vec![moved]) });
        }
        Edit::SetClass { class } => ingress.class_name = Some(class.clone()),
        Edit::AskHost { .. } | Edit::Meet(_) => return None,
    }
    Some(())
}

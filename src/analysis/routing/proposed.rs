//! Proposed edits of Ingresses, made and tried: what the model sees not to work is not told. Edits of
//! HTTPRoutes, classes and requests are not tried here.

use super::{Decision, Edit, Input, Nearest, Outcome, Refusal, RouteTable, RoutingModel};
use crate::model::ingress::{Ingress, PathRule, Place, Rule};
use crate::model::object::Kind;
use crate::model::request::Request;

/// Ingresses beyond which only those that may take the request are looked at.
const MANY: usize = 200;

/// Those of the edits after which the edited Ingress takes the request. What is no edit of an Ingress's
/// rules stands as it was proposed, and so does all where too many Ingresses have a say. Of several
/// annotations that keep an Ingress from being loaded each may go, though it is not enough.
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
        if near.place.kind() != Kind::Ingress || !can_be_tried(&near.edit) {
            return true;
        }
        let is_edited = |ingress: &Ingress| ingress.meta.key() == near.ingress;
        let asked = input.ingresses.iter().filter(|ingress| is_edited(ingress) || has_say(ingress));
        let before: Vec<&Ingress> = asked.copied().take(MANY + 1).collect();
        if before.len() > MANY {
            return true;
        }
        let mut edited: Vec<Ingress> = before.iter().map(|ingress| (*ingress).clone()).collect();
        let place = edited.iter_mut().find(|ingress| is_edited(ingress));
        if place.and_then(|ingress| apply(&near.edit, near.place, ingress)).is_none() {
            return false;
        }
        let compile = |ingresses: &[&Ingress]| model.compile(&Input { ingresses, ..*input });
        let after = compile(&edited.iter().collect::<Vec<_>>());
        let is_one_of_several = || {
            let (before, after) = (refusal(&*compile(&before), near), refusal(&*after, near));
            matches!(near.edit, Edit::RemoveAnnotation { .. }) && before.is_some() && before != after
        };
        is_taken(&after.decide(request), near) || is_one_of_several()
    };
    proposed.into_iter().filter(works).collect()
}

/// Why the Ingress of an edit is not loaded.
fn refusal(table: &dyn RouteTable, near: &Nearest) -> Option<Refusal> {
    table.refused().iter().find(|(name, _)| *name == near.ingress).map(|(_, why)| why.clone())
}

/// Whether an edit can be tried on the Ingresses that are loaded.
const fn can_be_tried(edit: &Edit) -> bool {
    match edit {
        Edit::SetHost { .. }
        | Edit::SetPath { .. }
        | Edit::SetPathType { .. }
        | Edit::AddPath { .. }
        | Edit::RemoveAnnotation { .. }
        | Edit::SetAnnotation { .. } => true,
        Edit::SetClass { .. } | Edit::AskHost { .. } | Edit::Meet(_) => false,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::routing::fixtures::{ingress, snapshot};
    use crate::analysis::routing::model_for;
    use crate::model::controller::{ControllerKind, Settings};

    #[test]
    fn what_does_not_work_is_not_told() {
        let one = ingress("n/web", &[("a.example", "Prefix /foo web")]);
        let snapshot = snapshot(std::slice::from_ref(&one));
        let input = Input { ingresses: &[&one], snapshot: &snapshot, settings: &Settings::default() };
        let model = model_for(ControllerKind::IngressNginx).expect("a model");
        let request = Request::parse("http://a.example/bar").expect("a URL");
        let path = |to: &str| Edit::SetPath { from: "/foo".to_owned(), to: to.to_owned() };
        for (place, edit, told) in [
            (Place::Path(0, 0), path("/bar"), true),
            (Place::Path(0, 0), path("/baz"), false),
            // There is no such path.
            (Place::Path(0, 1), path("/bar"), false),
            (Place::Path(0, 0), Edit::RemoveAnnotation { key: "absent".to_owned() }, false),
            // Not a matter of what is loaded.
            (Place::Path(0, 0), Edit::SetClass { class: "nginx".to_owned() }, true),
        ] {
            let near = Nearest { ingress: one.meta.key(), place, edit };
            let kept = tried(model, &input, &request, vec![near.clone()]);
            assert_eq!(kept.len(), usize::from(told), "{near:?}");
        }
    }
}

//! An edit is made to the object as it was read, the way a person would, and everything is read again. What
//! counts is that the edited rule takes the request: whether somebody is behind it is another question.

use std::collections::BTreeSet;

use routecause::analysis::routing::{Decision, Edit, Nearest, Note, Outcome, RouteTable, Unmet};
use routecause::model::ingress::{PathType, Place};
use routecause::model::request::Request;
use serde_json::{Value, json};

use super::worlds::{Broken, CASES, brief};

#[test]
fn near_misses_are_mended_by_their_edits() {
    let mut broken = Broken::default();
    let mut tried = 0;
    for case in CASES.iter() {
        let table = case.scene.table();
        let mut seen = BTreeSet::new();
        for ask in &case.asks {
            // Where nothing new is loaded, no edit mends anything by itself.
            if table.decide(ask).notes.contains(&Note::ReloadFails) {
                continue;
            }
            for miss in case.scene.tried(ask, table.explain(ask, 4).nearest) {
                let mut request = ask.clone();
                // Twice the same edit of one place for like requests is one.
                if !seen.insert((format!("{miss:?}"), ask.host.clone())) {
                    continue;
                }
                let Some(edited) = edit(&case.objects, &mut request, &miss) else {
                    broken.at(case, ask, &format!("{} cannot be made", name(&miss)), &format!("{miss:?}"));
                    continue;
                };
                tried += 1;
                let edited = edited.map(|object| case.scene.with(&object));
                let then = edited.as_ref().unwrap_or(&case.scene).table();
                let after = then.decide(&request);
                if !mended(&miss, &after) && !goes_on(&*table, &*then, &request, &miss) {
                    let what = format!("\n      {miss:?}{}", brief(&after));
                    broken.at(case, ask, &format!("{} does not mend", name(&miss)), &what);
                }
            }
        }
    }
    assert!(tried > 0, "nothing was a near miss");
    broken.settle();
}

/// What an edit is called.
fn name(miss: &Nearest) -> String {
    let text = format!("{:?}", miss.edit);
    text.split([' ', '(']).next().unwrap_or_default().to_owned()
}

/// Whether the edited object takes the request, or may: of those that chance chooses from one is of its
/// namespace.
fn mended(miss: &Nearest, after: &Decision) -> bool {
    let wins = after.winner.as_ref().is_some_and(|winner| winner.ingress == miss.ingress);
    let may = || after.one_of.iter().any(|target| target.service.namespace == miss.ingress.namespace);
    match after.outcome {
        Outcome::NoRoute => false,
        Outcome::Undefined => wins || after.one_of.is_empty() || may(),
        // What the controller's own settings refuse they refuse of every rule.
        Outcome::Refused => wins || after.notes.iter().any(|note| matches!(note, Note::Config { .. })),
        Outcome::Routed | Outcome::Redirect | Outcome::Unavailable => wins,
    }
}

/// Whether the edit is one of several that are needed, and is done: the next one is told.
fn goes_on(before: &dyn RouteTable, table: &dyn RouteTable, request: &Request, miss: &Nearest) -> bool {
    let is_next = |next: &&Nearest| next.ingress == miss.ingress && next.place == miss.place;
    let nearest = table.explain(request, usize::MAX).nearest;
    match &miss.edit {
        // A pattern is not met by its text.
        Edit::Meet(Unmet::Header { wanted, .. } | Unmet::Query { wanted, .. }) => {
            wanted.contains(['[', '^', '(', '|', '*', '+'])
                || nearest.iter().find(is_next).is_some_and(|next| next.edit != miss.edit)
        }
        Edit::Meet(Unmet::Method { .. }) => {
            nearest.iter().any(|next| is_next(&next) && next.edit != miss.edit)
        }
        // It is loaded then, or not for another reason; whether it wins is not said.
        Edit::RemoveAnnotation { .. } => {
            let why = |table: &dyn RouteTable| {
                let mut refused = table.refused().iter();
                refused.find(|(name, _)| *name == miss.ingress).map(|(_, why)| why.clone())
            };
            why(before).is_some() && why(before) != why(table)
        }
        _ => false,
    }
}

/// Makes the edit to the request, or to an object, which is given back; nothing where there is no place
/// for it.
fn edit(objects: &[Value], request: &mut Request, miss: &Nearest) -> Option<Option<Value>> {
    match &miss.edit {
        Edit::AskHost { host } => {
            let url = format!("{}://{host}{}", request.scheme.as_str(), request.target());
            let asked = Request::parse(&url).ok()?;
            *request = Request { method: request.method.clone(), headers: request.headers.clone(), ..asked };
            return Some(None);
        }
        Edit::Meet(unmet) => {
            meet(request, unmet);
            return Some(None);
        }
        _ => {}
    }
    let kind = miss.place.kind().to_string();
    let of = |object: &&Value| {
        object["kind"] == kind
            && object["metadata"]["namespace"] == miss.ingress.namespace
            && object["metadata"]["name"] == miss.ingress.name
    };
    let mut object = objects.iter().find(of)?.clone();
    match &miss.edit {
        Edit::SetClass { class } => object["spec"]["ingressClassName"] = json!(class),
        Edit::RemoveAnnotation { key } => {
            object["metadata"]["annotations"].as_object_mut()?.remove(key)?;
        }
        Edit::SetAnnotation { key, value } => object["metadata"]["annotations"][key] = json!(value),
        _ => in_rules(&mut object, miss)?,
    }
    Some(Some(object))
}

/// Makes a request meet a condition.
fn meet(request: &mut Request, unmet: &Unmet) {
    match unmet {
        Unmet::Method { wanted } => request.method.clone_from(wanted),
        Unmet::Header { name, wanted } => {
            request.headers.retain(|(sent, _)| !sent.eq_ignore_ascii_case(name));
            request.headers.push((name.clone(), wanted.clone()));
        }
        Unmet::Query { name, wanted } => {
            let kept = request.query.as_deref().unwrap_or_default().split('&');
            let kept = kept.filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
            let pairs: Vec<String> = kept.map(str::to_owned).chain([format!("{name}={wanted}")]).collect();
            request.query = Some(pairs.join("&"));
        }
    }
}

/// Edits a rule.
fn in_rules(object: &mut Value, miss: &Nearest) -> Option<()> {
    let (r, p) = match miss.place {
        Place::Path(rule, path) | Place::Match(rule, path) => (rule, path),
        Place::Rule(rule) => (rule, 0),
        Place::DefaultBackend => return None,
    };
    let is_route = matches!(miss.place, Place::Match(..));
    if let (Edit::SetHost { from, to }, true) = (&miss.edit, is_route) {
        let names = object["spec"]["hostnames"].as_array_mut()?;
        names.retain(|name| name != from);
        names.push(json!(to));
        return Some(());
    }
    if let (Edit::AddPath { path, path_type }, true) = (&miss.edit, is_route) {
        let rule = object["spec"]["rules"].get_mut(r)?;
        if rule["matches"].as_array().is_none_or(Vec::is_empty) {
            rule["matches"] = json!([{}]);
        }
        let one = json!({"path": {"type": match_type(*path_type), "value": path}});
        rule["matches"].as_array_mut()?.push(one);
        return Some(());
    }
    if is_route {
        let one = object["spec"]["rules"].get_mut(r)?["matches"].get_mut(p)?;
        match &miss.edit {
            Edit::SetPath { to, .. } => one["path"]["value"] = json!(to),
            Edit::SetPathType { to, .. } => one["path"]["type"] = json!(match_type(*to)),
            _ => return None,
        }
        return Some(());
    }
    let rules = object["spec"]["rules"].as_array_mut()?;
    let paths = rules.get_mut(r)?["http"]["paths"].as_array_mut()?;
    match &miss.edit {
        Edit::SetHost { to, .. } => {
            let path = paths.get(p)?.clone();
            paths.remove(p);
            rules.push(json!({"host": to, "http": {"paths": [path]}}));
        }
        Edit::SetPathType { to, .. } => paths.get_mut(p)?["pathType"] = json!(to.as_str()),
        Edit::SetPath { to, .. } => paths.get_mut(p)?["path"] = json!(to),
        Edit::AddPath { path, path_type } => {
            let backend = paths.get(p)?["backend"].clone();
            // What stands behind a path that cannot be read is not read either.
            paths.insert(0, json!({"path": path, "pathType": path_type.as_str(), "backend": backend}));
        }
        _ => return None,
    }
    Some(())
}

const fn match_type(path_type: PathType) -> &'static str {
    match path_type {
        PathType::Exact => "Exact",
        PathType::Prefix => "PathPrefix",
        PathType::ImplementationSpecific => "RegularExpression",
    }
}

use std::collections::BTreeSet;

use routecause::analysis::conflict::{Conflict, Effect};
use routecause::analysis::conflicts::find;
use routecause::analysis::field::model::agrees;
use routecause::analysis::routing::Outcome;
use routecause::analysis::view::{View, views};
use routecause::model::request::Request;

use super::worlds::{Broken, CASES, Case, Scene, brief};

#[test]
fn conflicts_name_what_there_is_and_say_what_the_model_says() {
    let mut broken = Broken::default();
    for case in CASES.iter() {
        let views = views(&case.scene.snapshot);
        let found = find(&case.scene.snapshot, &views);
        let other = Scene::of(case.kind, &case.shuffled()).snapshot;
        let again = find(&other, &self::views(&other));
        for (one, other) in found.iter().zip(&again).filter(|(one, other)| one != other).take(1) {
            broken.add(case, "other findings in another order", &format!("\n{one:?}\n{other:?}"));
        }
        if found.len() != again.len() {
            broken.add(case, "more findings in another order", "");
        }
        let known = known(case);
        for conflict in &found {
            for part in conflict.objects.iter().map(|part| &part.key).chain(&conflict.winner) {
                if !known.contains(&part.to_string()) && !conflict.citations.is_empty() {
                    broken.add(case, conflict.rule, &format!(" names {part}, which is not there"));
                }
            }
            if let Some(what) = views.iter().find_map(|view| contradicted(view, conflict)) {
                broken.add(case, conflict.rule, &format!(" {what}"));
            }
        }
    }
    broken.settle();
}

/// The objects of a case, as they are named.
fn known(case: &Case) -> BTreeSet<String> {
    let name = |object: &serde_json::Value| {
        let metadata = &object["metadata"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let (namespace, name) = (text(&metadata["namespace"]), text(&metadata["name"]));
        let slash = if namespace.is_empty() { "" } else { "/" };
        format!("{} {namespace}{slash}{name}", text(&object["kind"]))
    };
    let running = case.scene.snapshot.controllers.iter().map(|controller| controller.workload.to_string());
    case.objects.iter().map(name).chain(running).collect()
}

/// What the model says of the URL of a finding, where that is not what the finding says.
fn contradicted(view: &View<'_>, conflict: &Conflict) -> Option<String> {
    let controller = view.controller?;
    if conflict.controller.as_ref() != Some(&controller.workload) || conflict.kind != view.kind {
        return None;
    }
    let effect = &conflict.sees.effect;
    if *effect == Effect::Frozen {
        return view.table.reload_failures().is_empty().then(|| "it would be loaded".to_owned());
    }
    let url = conflict.sees.url.as_ref()?;
    let decision = view.table.decide(&Request::parse(url).ok()?);
    // It cannot tell.
    if decision.outcome == Outcome::Undefined && decision.one_of.is_empty() {
        return None;
    }
    (!agrees(effect, &decision))
        .then(|| format!("{url}: {effect:?} {:?}{}", conflict.objects, brief(&decision)))
}

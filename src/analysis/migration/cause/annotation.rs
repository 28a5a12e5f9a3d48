//! Annotations that only one of two controllers reads, or that act with one of them only.

use super::{Cause, Compared, Side, has_winner_place, is_same_target};
use crate::analysis::annotations::{self, Standing};
use crate::analysis::routing::{Decision, Note, Outcome, Winner};
use crate::model::controller::{ControllerKind, Settings};
use crate::model::ingress::Ingress;
use crate::model::object::{Kind, Name};
use crate::model::snapshot::Snapshot;

pub(super) fn by_annotation(compared: &Compared<'_>) -> Option<Cause> {
    let (before, after) = (compared.before, compared.after);
    let same_rule =
        has_winner_place(before.winner.as_ref(), after.winner.as_ref()) || is_same_target(compared);
    let (from, to) = (compared.from.product(), compared.to.product());
    let lost = effective(before, same_rule, from, to, compared.snapshot)
        .or_else(|| kept_out(after, from, to, compared.snapshot).filter(|_| before.winner.is_none()));
    if let Some(key) = lost {
        return Some(Cause::ForeignAnnotationIgnored { key });
    }
    let key = effective(after, same_rule, to, from, compared.snapshot)
        .or_else(|| kept_out(before, to, from, compared.snapshot).filter(|_| after.winner.is_none()))?;
    Some(Cause::ForeignAnnotationRead { key })
}

/// The annotation by which another controller has no such rule: one that makes the Ingress a canary, or
/// keeps it from where the request comes in.
fn kept_out(
    decision: &Decision,
    reader: (ControllerKind, &Settings),
    other: (ControllerKind, &Settings),
    snapshot: &Snapshot,
) -> Option<String> {
    let winner = decision.winner.as_ref().filter(|winner| winner.place.kind() == Kind::Ingress)?;
    let own = snapshot.ingresses.get(&winner.ingress.namespace, &winner.ingress.name).found()?;
    let only_there = |key: &&String| reads(reader, key) && !reads(other, key);
    let is_entry = |key: &str, value: &str| {
        key.ends_with("/ingress.allow-http") && value == "false"
            || ["/router.entrypoints", "/router.tls"].iter().any(|end| key.ends_with(end))
    };
    let keys = own.meta.annotations.iter();
    let found = keys.filter(|(key, value)| is_entry(key, value)).map(|(key, _)| key).find(only_there);
    found.or_else(|| canary(own).filter(only_there)).cloned()
}

/// The annotation that makes an Ingress a canary.
pub(super) fn canary(ingress: &Ingress) -> Option<&String> {
    let is_canary = |(key, value): &(&String, &String)| key.ends_with("/canary") && value.as_str() == "true";
    ingress.meta.annotations.iter().find(is_canary).map(|(key, _)| key)
}

/// That of a canary which has the winner's Service too.
fn shared_canary<'a>(winner: &Winner, snapshot: &'a Snapshot) -> Option<&'a String> {
    let target = winner.backend.as_ref()?;
    let namespace = &target.service.namespace;
    let mut near = snapshot.ingresses.items().iter().filter(|ingress| ingress.meta.namespace == *namespace);
    let has_it = |ingress: &Ingress| {
        let mut services = ingress.path_rules().filter_map(|(.., rule)| rule.backend.service());
        services.any(|(name, _)| *name == target.service.name)
    };
    near.find_map(|ingress| canary(ingress).filter(|_| has_it(ingress)))
}

/// The whole key of an annotation that a note names, where it is set: a note may stand for the default,
/// or leave out the prefix.
fn written(snapshot: &Snapshot, ingress: &Name, key: &str) -> Option<String> {
    let ingress = snapshot.ingresses.get(&ingress.namespace, &ingress.name).found()?;
    let is_meant = |set: &str| set == key || set.strip_suffix(key).is_some_and(|rest| rest.ends_with('/'));
    ingress.meta.annotations.keys().find(|set| is_meant(set)).cloned()
}

fn reads((kind, settings): (ControllerKind, &Settings), key: &str) -> bool {
    annotations::standing(kind, settings, key) == Some(Standing::Recognised)
}

/// An annotation that had a part in a decision and that the other controller does not read.
fn effective(
    decision: &Decision,
    same_rule: bool,
    reader: (ControllerKind, &Settings),
    other: (ControllerKind, &Settings),
    snapshot: &Snapshot,
) -> Option<String> {
    let only_here = |key: &str| !reads(other, key);
    let named = decision.notes.iter().find_map(|note| match note {
        Note::Annotation { ingress, key } => written(snapshot, ingress, key).filter(|key| only_here(key)),
        _ => None,
    });
    if named.is_some() {
        return named;
    }
    // Of the same rule, only what the upstream receives is left to differ.
    let winner = decision.winner.as_ref().filter(|_| same_rule)?;
    if winner.place.kind() != Kind::Ingress {
        return None;
    }
    let ingress = snapshot.ingresses.get(&winner.ingress.namespace, &winner.ingress.name).found()?;
    let changes_path = |key: &str| ["rewrite", "strip", "path"].iter().any(|word| key.contains(word));
    ingress
        .meta
        .annotations
        .keys()
        .find(|key| changes_path(key) && reads(reader, key) && only_here(key))
        .cloned()
}

/// A canary with the same Service, for which its reader leaves the rule out.
pub(super) fn by_shared_canary(compared: &Compared<'_>) -> Option<Cause> {
    let key = |decision: &Decision, reader: &Side<'_>, other: &Side<'_>| {
        let key = shared_canary(decision.winner.as_ref()?, compared.snapshot)?;
        (reads(reader.product(), key) && !reads(other.product(), key)).then(|| key.clone())
    };
    let (from, to) = (compared.from, compared.to);
    if let Some(key) = key(compared.before, to, from) {
        return Some(Cause::ForeignAnnotationRead { key });
    }
    key(compared.after, from, to).map(|key| Cause::ForeignAnnotationIgnored { key })
}

/// The annotation by which a request is not routed.
pub(super) fn acting(decision: &Decision, snapshot: &Snapshot) -> Option<String> {
    if decision.outcome == Outcome::Routed {
        return None;
    }
    decision.notes.iter().find_map(|note| match note {
        Note::Annotation { ingress, key } => written(snapshot, ingress, key),
        _ => None,
    })
}

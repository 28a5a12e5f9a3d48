//! What differs between two versions of one object, field by field.
//!
//! Lists are aligned by what identifies an item (host, path, port), so that an inserted rule is one
//! difference and not a shift of all that follow. Field paths count in the later version, except for
//! what was removed, which counts in the earlier one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::change::{Aspect, RuleRef, Versioned};
use crate::model::ingress_class::IngressClass;
use crate::model::object::annotation_field;

use super::brief::clip;

pub(crate) mod ingress;
pub(crate) mod pod_template;
pub(crate) mod service;

/// `kubectl` keeps the last applied manifest here: it repeats the other differences.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) aspect: Aspect,
    pub(crate) field: String,
    pub(crate) rule: Option<RuleRef>,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

impl Difference {
    fn new(aspect: Aspect, field: impl Into<String>, before: Option<&str>, after: Option<&str>) -> Self {
        Self { aspect, field: field.into(), rule: None, before: before.map(clip), after: after.map(clip) }
    }

    fn of_rule(mut self, hosts: &[&str], paths: &[&str]) -> Self {
        let owned = |texts: &[&str]| {
            let mut texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            texts.dedup();
            texts
        };
        self.rule = Some(RuleRef { hosts: owned(hosts), paths: owned(paths) });
        self
    }
}

/// Every difference that routing may depend on; none for versions of different kinds.
pub(crate) fn versions(before: &Versioned, after: &Versioned) -> Vec<Difference> {
    match (before, after) {
        (Versioned::Ingress(before), Versioned::Ingress(after)) => ingress::differences(before, after),
        (Versioned::Service(before), Versioned::Service(after)) => service::differences(before, after),
        (Versioned::IngressClass(before), Versioned::IngressClass(after)) => classes(before, after),
        (Versioned::Ingress(_) | Versioned::Service(_) | Versioned::IngressClass(_), _) => Vec::new(),
    }
}

fn classes(before: &IngressClass, after: &IngressClass) -> Vec<Difference> {
    let mut found = Vec::new();
    if before.controller != after.controller {
        found.push(Difference::new(
            Aspect::ClassOrAnnotation,
            "spec.controller",
            before.controller.as_deref(),
            after.controller.as_deref(),
        ));
    }
    found.extend(annotations(
        Aspect::ClassOrAnnotation,
        &before.meta.annotations,
        &after.meta.annotations,
        &[LAST_APPLIED],
    ));
    found
}

/// Every annotation that was added, removed or has another value, in the order of keys.
fn annotations(
    aspect: Aspect,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
    ignored: &[&str],
) -> Vec<Difference> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter()
        .filter(|key| !ignored.contains(&key.as_str()))
        .filter_map(|key| {
            let (old, new) = (before.get(key), after.get(key));
            (old != new).then(|| {
                let (old, new) = (old.map(String::as_str), new.map(String::as_str));
                Difference::new(aspect, annotation_field(key), old, new)
            })
        })
        .collect()
}

/// Two lists aligned by identity: index pairs of items with one key, and what is left on each side.
struct Alignment {
    pairs: Vec<(usize, usize)>,
    removed: Vec<usize>,
    added: Vec<usize>,
}

/// Of items with equal keys the n-th pairs with the n-th.
fn align<T, K: Ord>(before: &[T], after: &[T], key: impl Fn(&T) -> K) -> Alignment {
    let mut aligned = Alignment {
        pairs: Vec::new(),
        removed: (0..before.len()).collect(),
        added: (0..after.len()).collect(),
    };
    aligned.pairs = aligned.pair_leftovers(before, after, |item| Some(key(item)));
    aligned
}

impl Alignment {
    /// Pairs up leftovers by another key; `None` pairs with nothing.
    fn pair_leftovers<T, K: Ord>(
        &mut self,
        before: &[T],
        after: &[T],
        key: impl Fn(&T) -> Option<K>,
    ) -> Vec<(usize, usize)> {
        let mut waiting: BTreeMap<K, VecDeque<usize>> = BTreeMap::new();
        for index in &self.removed {
            if let Some(key) = before.get(*index).and_then(&key) {
                waiting.entry(key).or_default().push_back(*index);
            }
        }
        let (mut pairs, mut gone) = (Vec::new(), BTreeSet::new());
        self.added.retain(|index| {
            let old = after
                .get(*index)
                .and_then(&key)
                .and_then(|key| waiting.get_mut(&key))
                .and_then(VecDeque::pop_front);
            if let Some(old) = old {
                pairs.push((old, *index));
                gone.insert(old);
            }
            old.is_none()
        });
        self.removed.retain(|index| !gone.contains(index));
        pairs
    }
}

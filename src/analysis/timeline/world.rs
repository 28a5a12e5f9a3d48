//! The routing state at a past moment, from the objects as they are now and the versions that were
//! recorded of them.
//!
//! Of an object with recorded versions the last one before the moment holds; before its first one the
//! object was absent if that version created it, and otherwise it is taken as it was first seen. Of an
//! object without versions its creation time tells whether it was there.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::World;
use crate::analysis::changes::Input;
use crate::analysis::changes::versions::{self, Step};
use crate::model::change::{ChangeSource, VersionOp, Versioned};
use crate::model::object::{Kind, ObjectKey, ObjectMeta};
use crate::model::snapshot::Snapshot;

/// Every recorded version of every object, each object from the strongest source that has it.
#[derive(Debug)]
pub(super) struct Past<'a> {
    snapshot: &'a Snapshot,
    pub(super) rows: BTreeMap<ObjectKey, Vec<Step>>,
}

impl<'a> Past<'a> {
    pub(super) fn new(input: &Input<'a>) -> Self {
        let mut rows = BTreeMap::new();
        for source in [ChangeSource::WatchReplay, ChangeSource::History, ChangeSource::AuditLog] {
            for (key, steps) in versions::rows(input, source) {
                rows.entry(key).or_insert(steps);
            }
        }
        Self { snapshot: input.snapshot, rows }
    }

    /// Whether anything is known of the state before this object's change at that time.
    pub(super) fn reaches(&self, key: &ObjectKey, at: DateTime<Utc>, created: bool) -> bool {
        created
            || self
                .rows
                .get(key)
                .is_some_and(|steps| steps.first().is_some_and(|first| first.at < at || first.born))
    }

    /// The state just after everything that happened up to this moment, or just before it.
    pub(super) fn at(&self, moment: DateTime<Utc>, inclusive: bool) -> World<'_> {
        self.state(moment, inclusive, None)
    }

    /// The state just after this moment, had this object not changed at it: what is written in one
    /// second is told apart by what each write does.
    pub(super) fn without(&self, moment: DateTime<Utc>, object: &ObjectKey) -> World<'_> {
        self.state(moment, true, Some(object))
    }

    fn state(&self, moment: DateTime<Utc>, inclusive: bool, but: Option<&ObjectKey>) -> World<'_> {
        let mut world = World::default();
        let inclusive_of = |key: &ObjectKey| inclusive && but != Some(key);
        let there = |kind: Kind, meta: &ObjectMeta| {
            let key = ObjectKey { kind, name: meta.key() };
            let inclusive = inclusive_of(&key);
            meta.created.is_none_or(|created| if inclusive { created <= moment } else { created < moment })
                && !self.rows.contains_key(&key)
        };
        let ingresses = self.snapshot.ingresses.items().iter();
        world.ingresses.extend(ingresses.filter(|ingress| there(Kind::Ingress, &ingress.meta)));
        let classes = self.snapshot.classes.items().iter();
        world.classes.extend(classes.filter(|class| there(Kind::IngressClass, &class.meta)));
        let services = self.snapshot.services.items().iter();
        world.services.extend(services.filter(|service| there(Kind::Service, &service.meta)));
        for (key, steps) in &self.rows {
            match state(steps, moment, inclusive_of(key)) {
                Some(Versioned::Ingress(ingress)) => world.ingresses.push(ingress),
                Some(Versioned::IngressClass(class)) => world.classes.push(class),
                Some(Versioned::Service(service)) => world.services.push(service),
                None => {}
            }
        }
        world.ingresses.sort_by_key(|ingress| ingress.meta.key());
        world.classes.sort_by_key(|class| class.meta.key());
        world.services.sort_by_key(|service| service.meta.key());
        world
    }
}

/// The version that held at a moment.
fn state(steps: &[Step], moment: DateTime<Utc>, inclusive: bool) -> Option<&Versioned> {
    let held = |step: &&Step| if inclusive { step.at <= moment } else { step.at < moment };
    match steps.iter().rev().find(held) {
        Some(step) => (step.op != VersionOp::Deleted).then_some(&step.object),
        None => {
            let first = steps.first()?;
            (!first.born).then_some(&first.object)
        }
    }
}

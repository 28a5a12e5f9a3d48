//! Whether the silence of the sources refutes a hypothesis.

use chrono::{DateTime, Utc};

use super::relevance::Neighbourhood;
use super::{Because, Hypothesis, Lack, Shortfall};
use crate::model::change::{Aspect, Change, ChangeSource, Complete, Scope, SourceCoverage};
use crate::model::log::Window;
use crate::model::object::Kind;

/// `Covered` when every part of the cluster that matters was seen completely for the whole window,
/// else `NotCovered` with what each able source lacks.
pub(super) fn judge(
    hypothesis: Hypothesis,
    window: &Window,
    coverage: &[SourceCoverage],
    near: &Neighbourhood<'_>,
) -> Because {
    let aspect = hypothesis.aspect();
    let mut by: Vec<ChangeSource> = Vec::new();
    let scopes = scopes(aspect, near);
    let told_apart = match aspect {
        Aspect::Rollout => !near.backends_unseen,
        Aspect::IngressRules | Aspect::IngressPaths | Aspect::ClassOrAnnotation => !near.takes_routes,
        Aspect::Service | Aspect::Controller | Aspect::Decision => true,
    };
    let all_covered = told_apart
        && !scopes.is_empty()
        && scopes.iter().all(|scope| {
            let able = coverage.iter().find(|source| {
                source.complete.iter().any(|entry| {
                    entry.aspect == aspect && includes(&entry.scope, scope) && spans(entry, window)
                })
            });
            by.extend(able.map(|source| source.source));
            able.is_some()
        });
    by.sort();
    by.dedup();
    if all_covered {
        return Because::Covered(by);
    }
    let lacks = able(aspect).iter().map(|source| Shortfall {
        source: *source,
        lack: lack(coverage.iter().find(|read| read.source == *source), aspect, window),
    });
    Because::NotCovered(lacks.collect())
}

/// Whether recorded versions would have shown what this report claims, and do not.
pub(super) fn refuted(change: &Change, coverage: &[SourceCoverage]) -> bool {
    let written = match change.via {
        ChangeSource::ManagedFields => true,
        ChangeSource::Events => change.act == crate::model::change::Act::Written,
        ChangeSource::WatchReplay
        | ChangeSource::History
        | ChangeSource::AuditLog
        | ChangeSource::ObjectTimes
        | ChangeSource::Revisions
        | ChangeSource::PodStarts
        | ChangeSource::EndpointSlices
        | ChangeSource::ControllerLog
        | ChangeSource::AccessLog
        | ChangeSource::Leases => false,
    };
    let aspect = match change.object.kind {
        Kind::Ingress => Aspect::IngressRules,
        Kind::IngressClass => Aspect::ClassOrAnnotation,
        Kind::Service => Aspect::Service,
        _ => return false,
    };
    let window = Window { from: super::merge::earliest(change), to: change.at };
    let scope = Scope::Namespace(change.object.name.namespace.clone());
    written
        && coverage.iter().filter(|source| source.source.rank() == 0).any(|source| {
            source.complete.iter().any(|entry| {
                entry.aspect == aspect && includes(&entry.scope, &scope) && spans(entry, &window)
            })
        })
}

/// The parts of the cluster in which such a change could touch the request.
fn scopes(aspect: Aspect, near: &Neighbourhood<'_>) -> Vec<Scope> {
    match aspect {
        // Any namespace may bring an Ingress for the host, and classes belong to none.
        Aspect::IngressRules | Aspect::IngressPaths | Aspect::ClassOrAnnotation | Aspect::Decision => {
            vec![Scope::Everywhere]
        }
        Aspect::Service | Aspect::Rollout if near.namespaces.is_empty() => vec![Scope::Everywhere],
        Aspect::Service | Aspect::Rollout => near.namespaces.iter().cloned().map(Scope::Namespace).collect(),
        Aspect::Controller => near.controllers.iter().cloned().map(Scope::Workload).collect(),
    }
}

fn includes(whole: &Scope, part: &Scope) -> bool {
    *whole == Scope::Everywhere || whole == part
}

fn spans(entry: &Complete, window: &Window) -> bool {
    entry.from.is_none_or(|from| from <= window.from) && entry.to.is_none_or(|to| window.to <= to)
}

/// The sources whose silence can refute anything about this aspect.
const fn able(aspect: Aspect) -> &'static [ChangeSource] {
    match aspect {
        Aspect::IngressRules | Aspect::IngressPaths | Aspect::ClassOrAnnotation | Aspect::Service => {
            &[ChangeSource::WatchReplay, ChangeSource::History]
        }
        Aspect::Controller => &[ChangeSource::ControllerLog],
        Aspect::Rollout => &[ChangeSource::Revisions],
        Aspect::Decision => &[],
    }
}

fn lack(read: Option<&SourceCoverage>, aspect: Aspect, window: &Window) -> Lack {
    let Some(read) = read else { return Lack::Unread(None) };
    let entries = || read.complete.iter().filter(|entry| entry.aspect == aspect);
    if entries().next().is_none() {
        return match &read.unseen {
            Some(why) => Lack::Unread(Some(why.clone())),
            None => Lack::Partial,
        };
    }
    let late: Option<DateTime<Utc>> = entries().filter_map(|entry| entry.from).max();
    let early: Option<DateTime<Utc>> = entries().filter_map(|entry| entry.to).min();
    match (late, early) {
        (Some(from), _) if window.from < from => Lack::Since(from),
        (_, Some(to)) if to < window.to => Lack::Until(to),
        _ => Lack::Partial,
    }
}

//! One Ingress drawn for the report, its lists cut to what there is room for.

use std::collections::BTreeSet;

use super::scene::Scene;
use crate::analysis::adoption::By;
use crate::analysis::annotations::{self, Standing};
use crate::analysis::entry;
use crate::analysis::reach::{self, Reach};
use crate::analysis::reading::{looks_like_pattern, reading};
use crate::analysis::routing::{Decision, Note, Outcome, Refusal};
use crate::analysis::view::View;
use crate::analysis::writes::{self, Part};
use crate::model::controller::{Controller, ControllerKind, Settings};
use crate::model::event::Event;
use crate::model::ingress::{Backend, Ingress, PathRule, PathType, Place};
use crate::model::ingress_class::CLASS_ANNOTATION;
use crate::model::snapshot::{Lookup, Snapshot};
use crate::report::controller::short;
use crate::report::ingress::{
    AdoptionReport, AnnotationReport, ClassReport, EventReport, IngressReport, RuleView, WrittenReport,
    address_words, backend_words, by_words, is_broken, reach_words, reading_words, tls_words,
};
use crate::report::object_ref::{NameRef, ObjectRef};
use crate::report::route::{self, RuleReport, refusal_words};
use crate::report::text::Text;
use crate::report::time::Time;
use crate::tools::params::Detail;
use crate::tools::{match_path, session};

/// How much of an Ingress is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    rules: usize,
    /// Of everything else.
    lines: usize,
    /// Foreign and unknown annotations are shown always, recognised ones within this.
    annotations: usize,
}

impl Limits {
    /// From the fullest to the barest drawing.
    pub(super) fn of(detail: Detail) -> Vec<Self> {
        let full = match detail {
            Detail::Concise => Self { rules: 10, lines: 4, annotations: 8 },
            Detail::Detailed => Self { rules: 40, lines: 12, annotations: 40 },
        };
        let halves = [1, 2, 4, 8, 16];
        halves
            .iter()
            .map(|by| Self {
                rules: (full.rules / by).max(1),
                lines: (full.lines / by).max(1),
                annotations: full.annotations / by,
            })
            .collect()
    }
}

/// Counts what is left out of lists.
#[derive(Debug, Default)]
struct Cut(usize);

impl Cut {
    fn keep<T>(&mut self, items: impl IntoIterator<Item = T>, most: usize) -> Vec<T> {
        let mut items: Vec<T> = items.into_iter().collect();
        self.0 += items.len().saturating_sub(most);
        items.truncate(most);
        items
    }
}

/// Draws an Ingress; with it, how many lines were left out.
pub(super) fn ingress(scene: &Scene<'_>, ingress: &Ingress, limits: &Limits) -> (IngressReport, usize) {
    let name = ingress.meta.key();
    let mut cut = Cut::default();
    let takers = scene.takers(&name);
    let controllers: Vec<&Controller> = takers.iter().filter_map(|view| view.controller).collect();
    let judge = takers.first().copied().or_else(|| only(scene));
    let kind = judge.map_or(ControllerKind::Spec, |view| view.kind);
    let settings = judge.map(|view| view.settings.clone()).unwrap_or_default();
    let rules = rules(scene, ingress, judge, &settings, limits, &mut cut);
    let marks = annotations::marks(kind, &settings, ingress);
    let (silent, told): (Vec<_>, Vec<_>) =
        marks.iter().partition(|mark| mark.standing == Standing::Recognised);
    let mut annotations = cut.keep(told, limits.annotations.max(4));
    annotations.extend(cut.keep(silent, limits.annotations));
    let annotations: Vec<AnnotationReport> = annotations.into_iter().map(AnnotationReport::from).collect();
    let report = IngressReport {
        ingress: NameRef::from(&name),
        created: ingress.meta.created.map(Time),
        class: class(ingress, scene.snapshot),
        adoption: cut.keep(adoption(scene, ingress), limits.lines),
        rules,
        tls: cut.keep(&ingress.tls, limits.lines).into_iter().map(tls_words).collect(),
        addresses: cut
            .keep(&ingress.addresses, limits.lines)
            .into_iter()
            .map(|address| {
                let of = entry::owner(address, &controllers, scene.snapshot);
                address_words(address, &of, !takers.is_empty())
            })
            .collect(),
        events: cut.keep(EventReport::merged(&events(scene, ingress)), limits.lines),
        written: cut.keep(written(ingress, kind, &settings), limits.lines),
        annotations,
    };
    (report, cut.0)
}

/// The only controller there is: who else should read an Ingress that nobody takes.
fn only<'s, 'a>(scene: &'s Scene<'a>) -> Option<&'s View<'a>> {
    let mut running = scene.views.iter().filter(|view| view.controller.is_some());
    running.next().filter(|_| running.next().is_none())
}

/// Whether a refusal only says that nothing is known.
pub(super) fn is_undecided(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Undecided)
}

fn class(ingress: &Ingress, snapshot: &Snapshot) -> ClassReport {
    let annotation = ingress.meta.annotation(CLASS_ANNOTATION);
    let named = ingress.class_name.as_deref().or(annotation);
    let join = match named {
        Some(class) => match snapshot.classes.get("", class) {
            Lookup::Found(object) => Some(match &object.controller {
                Some(controller) => format!("its IngressClass names controller {}", Text::new(controller)),
                None => "its IngressClass names no controller".to_owned(),
            }),
            Lookup::Absent => Some("there is no IngressClass of this name".to_owned()),
            Lookup::Unseen(_) => Some("IngressClasses could not be seen".to_owned()),
        },
        None => {
            let default = snapshot.classes.items().iter().find(|class| class.is_default());
            match default {
                Some(class) => Some(format!("the default class is {}", Text::new(&class.meta.name))),
                None if snapshot.classes.covers("") => Some("no class is the default one".to_owned()),
                None => Some("IngressClasses could not be seen".to_owned()),
            }
        }
    };
    ClassReport {
        field: ingress.class_name.as_deref().map(Text::new),
        annotation: annotation.map(Text::new),
        join,
    }
}

/// The judgement of every controller; those that take it first.
fn adoption(scene: &Scene<'_>, ingress: &Ingress) -> Vec<AdoptionReport> {
    let name = ingress.meta.key();
    let mut reports: Vec<AdoptionReport> = scene
        .views
        .iter()
        .filter(|view| view.controller.is_some())
        .map(|view| {
            let (taken, because) = match (view.refusal(&name), by(view, ingress)) {
                (Some(refusal), _) if is_undecided(refusal) => ("unknown", refusal_words(refusal)),
                (Some(refusal), _) => ("no", refusal_words(refusal)),
                (None, Some(by)) => ("yes", by_words(by)),
                (None, None) => ("unknown", refusal_words(&Refusal::Undecided)),
            };
            AdoptionReport { controller: short(view.kind, view.controller), taken, because }
        })
        .collect();
    reports.sort_by_key(|report| (report.taken != "yes", report.taken == "no"));
    reports
}

fn by<'v>(view: &'v View<'_>, ingress: &Ingress) -> Option<&'v By> {
    let name = ingress.meta.key();
    view.adopted.iter().find(|(adopted, _)| adopted.meta.key() == name).map(|(_, by)| by)
}

fn rules(
    scene: &Scene<'_>,
    ingress: &Ingress,
    judge: Option<&View<'_>>,
    settings: &Settings,
    limits: &Limits,
    cut: &mut Cut,
) -> Vec<RuleView> {
    let loaded = judge.filter(|view| view.adopts(&ingress.meta.key()));
    let mut told: BTreeSet<&str> = BTreeSet::new();
    let mut views = Vec::new();
    for (r, rule) in ingress.rules.iter().enumerate() {
        if rule.paths.is_none() && views.len() < limits.rules {
            views.push(RuleView {
                at: Place::Rule(r).field(""),
                rule: RuleReport { host: Text::new(rule.host()), path: Text::default(), path_type: None },
                backend: backend_words(&Backend::Missing),
                behind: reach_words(&Reach::Nothing),
                notes: vec!["the rule names a host and no path".to_owned()],
            });
        }
        for (p, path) in rule.paths().iter().enumerate() {
            if views.len() >= limits.rules {
                cut.0 += 1;
                continue;
            }
            let decision = loaded.and_then(|view| Some(view.decide(&match_path::sample(ingress, r, p)?)));
            let first_of_host = told.insert(rule.host());
            let mut notes = path_notes(ingress, path, judge, settings, decision.as_ref(), first_of_host);
            let reach = reach::behind(scene.snapshot, &ingress.meta.namespace, &path.backend);
            notes.extend(nearest_service(scene.snapshot, ingress, &path.backend, &reach));
            notes.extend(decision.as_ref().and_then(|decision| elsewhere(ingress, path, decision)));
            views.push(RuleView {
                at: Place::Path(r, p).field(""),
                rule: RuleReport {
                    host: Text::new(rule.host()),
                    path: Text::new(&path.path),
                    path_type: Some(path.path_type.as_str()),
                },
                backend: backend_words(&path.backend),
                behind: reach_words(&reach),
                notes,
            });
        }
    }
    if let Some(backend) = &ingress.default_backend {
        let reach = reach::behind(scene.snapshot, &ingress.meta.namespace, backend);
        views.push(RuleView {
            at: Place::DefaultBackend.field(""),
            rule: RuleReport { host: Text::default(), path: Text::new("(defaultBackend)"), path_type: None },
            backend: backend_words(backend),
            behind: reach_words(&reach),
            notes: nearest_service(scene.snapshot, ingress, backend, &reach).into_iter().collect(),
        });
    }
    views
}

/// What deserves a remark about how a path is read.
fn path_notes(
    ingress: &Ingress,
    path: &PathRule,
    judge: Option<&View<'_>>,
    settings: &Settings,
    decision: Option<&Decision>,
    first_of_host: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    let regex = decision
        .and_then(|decision| decision.notes.iter().find(|note| matches!(note, Note::RegexHost { .. })));
    if let Some(regex) = regex {
        if first_of_host {
            notes.push(route::note(regex));
        }
        return notes;
    }
    let Some(view) = judge else { return notes };
    let read = reading(view.kind, settings, ingress, path);
    notes.extend(read.map(|read| reading_words(view.kind, read)));
    let has_patterns = match read {
        Some(read) => read.has_patterns(),
        None => path.path_type == PathType::ImplementationSpecific,
    };
    if looks_like_pattern(&path.path) && !has_patterns {
        notes.push("its pattern characters are taken literally".to_owned());
    }
    notes
}

/// Where a rule's own URL ends instead, when another Ingress takes it or none does.
fn elsewhere(ingress: &Ingress, path: &PathRule, decision: &Decision) -> Option<String> {
    if looks_like_pattern(&path.path) {
        // Its sample is only the literal head of the pattern, which it need not take.
        return None;
    }
    match (&decision.winner, decision.outcome) {
        (Some(winner), _) if !winner.is_of(&ingress.meta.key()) => {
            Some(format!("its own URL is taken by {}", ObjectRef::from(&winner.object())))
        }
        (None, Outcome::NoRoute) => Some("its own URL is taken by no rule".to_owned()),
        (
            Some(_) | None,
            Outcome::Routed
            | Outcome::Redirect
            | Outcome::NoRoute
            | Outcome::Refused
            | Outcome::Unavailable
            | Outcome::Undefined,
        ) => None,
    }
}

fn nearest_service(
    snapshot: &Snapshot,
    ingress: &Ingress,
    backend: &Backend,
    reach: &Reach,
) -> Option<String> {
    let (wanted, _) = backend.service().filter(|_| *reach == Reach::ServiceAbsent)?;
    let namespace = &ingress.meta.namespace;
    let names = snapshot.services.in_namespace(namespace).map(|service| service.meta.name.as_str());
    let elsewhere: Vec<String> = snapshot
        .services
        .items()
        .iter()
        .filter(|service| service.meta.name == wanted)
        .map(|service| NameRef::from(&service.meta.key()).to_string())
        .take(2)
        .collect();
    let near = session::nearest(wanted, names);
    Some(if elsewhere.is_empty() {
        format!("Services of this namespace with like names: {near}")
    } else {
        format!(
            "a Service of this name is elsewhere: {}; an Ingress reaches its own namespace only",
            elsewhere.join(", ")
        )
    })
}

/// Backends that certainly answer nothing, of all that rules name.
pub(super) fn broken(snapshot: &Snapshot, ingress: &Ingress) -> (usize, usize) {
    let backends: BTreeSet<&Backend> =
        ingress.path_rules().map(|(_, _, _, rule)| &rule.backend).chain(&ingress.default_backend).collect();
    let broken = backends
        .iter()
        .filter(|backend| is_broken(&reach::behind(snapshot, &ingress.meta.namespace, backend)))
        .count();
    (broken, backends.len())
}

/// Events about this very object.
fn events<'s>(scene: &'s Scene<'_>, ingress: &Ingress) -> Vec<&'s Event> {
    scene
        .events
        .items()
        .iter()
        .filter(|event| event.about_kind == "Ingress" && event.about == ingress.meta.key())
        .filter(|event| event.about_uid.is_empty() || event.about_uid == ingress.meta.uid)
        .collect()
}

fn written(ingress: &Ingress, kind: ControllerKind, settings: &Settings) -> Vec<WrittenReport> {
    let routing = annotations::marks(kind, settings, ingress);
    let parts = [Part::Rules, Part::Class, Part::DefaultBackend, Part::Tls]
        .into_iter()
        .chain([Part::Annotation(CLASS_ANNOTATION)])
        .chain(routing.iter().map(|mark| Part::Annotation(mark.key)));
    let writes: Vec<_> = parts.filter_map(|part| Some((part, writes::last(ingress, part)?))).collect();
    WrittenReport::grouped(&writes)
}

//! Why every other candidate lost, and the smallest edits after which one would take the request: the
//! same for both Ingress providers, because both end in one muxer.
//!
//! An edit is proposed only where the rule, written anew, takes the request on the entry point it came
//! in on; as nothing else took it, it is then the first that does.

use std::collections::HashMap;

use super::denied;
use super::entry_points::EntryPoints;
use super::muxer::Muxer;
use super::pattern::Match;
use super::rule::Rule;
use super::seen::Seen;
use crate::analysis::routing::candidates::{Candidate, Losers, host_distance, of_rules, path_distance};
use crate::analysis::routing::nearest::{Cost, host_edit, load_edit, path_edit, spec_takes};
use crate::analysis::routing::{Decision, Edit, Explanation, Note, Outcome, Reason, Refusal, Target, Winner};
use crate::model::host::spec_match;
use crate::model::ingress::{Ingress, PathType, Place, Rule as IngressRule};
use crate::model::object::Name;
use crate::model::request::Request;

/// An Ingress that is loaded, as far as it is needed after compilation.
#[derive(Debug)]
pub(in crate::analysis::routing) struct Owner {
    pub(in crate::analysis::routing) name: Name,
    pub(in crate::analysis::routing) rules: Vec<IngressRule>,
    /// Their keys.
    pub(in crate::analysis::routing) annotations: Vec<String>,
}

impl Owner {
    pub(in crate::analysis::routing) fn new(ingress: &Ingress) -> Self {
        Self {
            name: ingress.meta.key(),
            rules: ingress.rules.clone(),
            annotations: ingress.meta.annotations.keys().cloned().collect(),
        }
    }

    /// The winner at a place of this Ingress.
    pub(in crate::analysis::routing) fn winner(
        &self,
        place: Place,
        backend: Option<Target>,
        rendered: String,
    ) -> Winner {
        let rule = match place {
            Place::Path(rule, _) | Place::Rule(rule) => self.rules.get(rule),
            Place::DefaultBackend | Place::Match(..) => None,
        };
        let path = match place {
            Place::Path(_, path) => rule.and_then(|rule| rule.paths().get(path)),
            Place::Rule(_) | Place::DefaultBackend | Place::Match(..) => None,
        };
        Winner {
            ingress: self.name.clone(),
            place,
            host: rule.map(|rule| rule.host().to_owned()).unwrap_or_default(),
            path: path.map(|path| path.path.clone()).unwrap_or_default(),
            path_type: path.map(|path| path.path_type),
            backend,
            rendered,
        }
    }
}

/// An Ingress that passed class selection and is not loaded.
#[derive(Debug)]
pub(in crate::analysis::routing) struct Unloaded {
    pub(in crate::analysis::routing) name: Name,
    rules: Vec<IngressRule>,
    pub(in crate::analysis::routing) refusal: Refusal,
    /// Without which it may be loaded.
    mend: Option<(Cost, Edit)>,
}

impl Unloaded {
    pub(in crate::analysis::routing) fn new(ingress: &Ingress, refusal: Refusal) -> Self {
        let is_there = |(_, edit): &(Cost, Edit)| match edit {
            Edit::RemoveAnnotation { key } => ingress.meta.annotations.contains_key(key),
            _ => true,
        };
        let mend = load_edit(&refusal).filter(is_there);
        Self { name: ingress.meta.key(), rules: ingress.rules.clone(), refusal, mend }
    }
}

/// Why a path has no router.
#[derive(Debug)]
pub(in crate::analysis::routing) struct Dropped {
    pub(in crate::analysis::routing) note: Note,
    /// The annotation without which it would have one.
    pub(in crate::analysis::routing) annotation: Option<String>,
}

/// What there is to explain.
pub(in crate::analysis::routing) trait Explained {
    fn owners(&self) -> &[Owner];
    fn unloaded(&self) -> &[Unloaded];
    fn muxer(&self) -> &Muxer;
    /// Where a router comes from; `None` for one that is nobody's, or only a variant of another.
    fn origin(&self, number: usize) -> Option<(usize, Place)>;
    fn dropped(&self, owner: usize, place: Place) -> Option<&Dropped>;
    /// The rule that an Ingress would make of a path.
    fn draft(&self, owner: usize, host: &str, path: &str, path_type: PathType) -> Option<Rule>;
    /// The annotation that keeps an Ingress's routers from where the request came in.
    fn release(&self, owner: usize, seen: &Seen<'_>) -> Option<String>;
    /// Whether an Ingress's routers would be where the request came in without this annotation.
    fn is_here_without(&self, _owner: usize, _key: &str, _seen: &Seen<'_>) -> bool {
        true
    }
    /// The edit that makes a pattern of a path, where the request is then taken.
    fn as_pattern(&self, _host: &str, _path: &str, _path_type: PathType, _seen: &Seen<'_>) -> Option<Edit> {
        None
    }
    /// Whether a rule's canary role keeps it from having routers of its own.
    fn is_canary(&self, _owner: usize) -> bool {
        false
    }
}

#[derive(Debug, Clone, Copy)]
enum Why {
    NotLoaded(usize),
    LessSpecific,
    /// Another path of the same Ingress has the same rule.
    Replaced,
    Dropped(usize),
    Listener,
    Canary,
    Path,
    Host,
}

pub(in crate::analysis::routing) fn explain(
    table: &impl Explained,
    entry_points: &EntryPoints,
    decision: &Decision,
    request: &Request,
    limit: usize,
) -> Explanation {
    let mut losers = Losers::new();
    let seen = entry_points
        .of(request)
        .and_then(|(number, entry_point)| Some((Seen::new(request, number, entry_point).ok()?, entry_point)));
    let Some((seen, entry_point)) = seen else { return Explanation::default() };
    let winners: Vec<(usize, Place)> =
        table.muxer().find(&seen).routes.into_iter().filter_map(|number| table.origin(number)).collect();
    let view = View {
        table,
        seen: &seen,
        path: String::from_utf8_lossy(&seen.path).into_owned(),
        // What the entry point denies it denies of every rule.
        wants_edits: denied(&seen, entry_point).is_none()
            && match &decision.winner {
                Some(winner) => winner.place == Place::DefaultBackend,
                None => decision.outcome == Outcome::NoRoute,
            },
        routes: routes(table),
    };
    for (number, owner) in table.owners().iter().enumerate() {
        for candidate in of_rules(&owner.name, &owner.rules) {
            losers.count();
            if !winners.contains(&(number, candidate.place)) {
                view.judge(number, candidate, &mut losers);
            }
        }
        view.suggest_path(number, owner, &mut losers);
    }
    for (number, unloaded) in table.unloaded().iter().enumerate() {
        for candidate in of_rules(&unloaded.name, &unloaded.rules) {
            losers.count();
            let takes = spec_match(candidate.host, request.host.as_str())
                && spec_takes(&candidate.rule.path, candidate.rule.path_type, &view.path);
            let rank = (if takes { 0 } else { 6 }, path_distance(&candidate.rule.path, &view.path));
            losers.lose(rank, candidate, Why::NotLoaded(number));
            if takes && view.wants_edits {
                losers.near(candidate, unloaded.mend.clone());
            }
        }
    }
    losers.explain(limit, |candidate, why| match why {
        Why::NotLoaded(number) => table
            .unloaded()
            .get(number)
            .map_or(Reason::PathDiffers, |unloaded| Reason::NotLoaded(unloaded.refusal.clone())),
        Why::LessSpecific => match &decision.winner {
            Some(winner) => {
                Reason::LessSpecific { than: winner.ingress.clone(), than_path: winner.path.clone() }
            }
            // What the entry point does itself comes first.
            None => Reason::OtherEntryPoint { asked: entry_point.name.clone(), tls: seen.listener.tls },
        },
        Why::Replaced => {
            Reason::LessSpecific { than: candidate.ingress.clone(), than_path: candidate.rule.path.clone() }
        }
        Why::Dropped(owner) => table
            .dropped(owner, candidate.place)
            .map_or(Reason::PathDiffers, |dropped| Reason::LeftOut(dropped.note.clone())),
        Why::Listener => Reason::OtherEntryPoint { asked: entry_point.name.clone(), tls: seen.listener.tls },
        Why::Canary => Reason::CanaryOnly,
        Why::Path => Reason::PathDiffers,
        Why::Host => Reason::HostDiffers,
    })
}

/// The routers of every place.
fn routes(table: &impl Explained) -> HashMap<(usize, Place), Vec<usize>> {
    let mut routes: HashMap<(usize, Place), Vec<usize>> = HashMap::new();
    for number in 0.. {
        if table.muxer().get(number).is_none() {
            break;
        }
        if let Some(origin) = table.origin(number) {
            routes.entry(origin).or_default().push(number);
        }
    }
    routes
}

struct View<'a, T> {
    table: &'a T,
    seen: &'a Seen<'a>,
    path: String,
    /// Nothing took the request that was meant to.
    wants_edits: bool,
    routes: HashMap<(usize, Place), Vec<usize>>,
}

impl<'a, T: Explained> View<'a, T> {
    fn takes(&self, rule: &Rule) -> bool {
        rule.is_sound() && rule.takes(self.seen) == Match::Yes
    }

    /// Whether an Ingress would take the request with this rule.
    fn would_take(&self, owner: usize, host: &str, path: &str, path_type: PathType) -> bool {
        self.table
            .draft(owner, host, path, path_type)
            .is_some_and(|rule| rule.is_valid() && self.takes(&rule))
    }

    /// Whether a place has a router where the request came in.
    fn is_here(&self, owner: usize, place: Place) -> bool {
        let numbers = self.routes.get(&(owner, place)).map(Vec::as_slice).unwrap_or_default();
        numbers
            .iter()
            .filter_map(|number| self.table.muxer().get(*number))
            .any(|route| route.is_at(self.seen))
    }

    fn judge(&self, owner: usize, candidate: Candidate<'a>, losers: &mut Losers<'a, Why>) {
        let Candidate { place, host, rule, .. } = candidate;
        let distance = path_distance(&rule.path, &self.path);
        let draft = self.table.draft(owner, host, &rule.path, rule.path_type);
        let takes_host = draft.as_ref().is_some_and(|rule| rule.takes_host(self.seen));
        let takes = takes_host && draft.as_ref().is_some_and(|rule| self.takes(rule));
        if let Some(dropped) = self.table.dropped(owner, place) {
            losers.lose((if takes { 1 } else { 5 }, distance), candidate, Why::Dropped(owner));
            // Another annotation may keep it from here as well.
            let own = self.table.owners().get(owner).map(|owner| owner.annotations.as_slice());
            let is_mended = |key: &&String| {
                own.is_some_and(|own| own.contains(key)) && self.table.is_here_without(owner, key, self.seen)
            };
            if let (true, true, Some(key)) =
                (takes, self.wants_edits, dropped.annotation.as_ref().filter(is_mended))
            {
                losers.near(candidate, Some((1, Edit::RemoveAnnotation { key: key.clone() })));
            }
            return;
        }
        if self.table.is_canary(owner) {
            losers.lose((4, distance), candidate, Why::Canary);
            return;
        }
        if !self.routes.contains_key(&(owner, place)) {
            losers.lose((2, distance), candidate, Why::Replaced);
            return;
        }
        let here = self.is_here(owner, place);
        if takes && !here {
            losers.lose((1, distance), candidate, Why::Listener);
            if let (true, Some(key)) = (self.wants_edits, self.table.release(owner, self.seen)) {
                losers.near(candidate, Some((1, Edit::RemoveAnnotation { key })));
            }
        } else if takes {
            losers.lose((0, distance), candidate, Why::LessSpecific);
        } else if takes_host {
            losers.lose((3, distance), candidate, Why::Path);
            self.mend_path(owner, candidate, here, losers);
        } else {
            losers.lose((4, host_distance(host, self.seen.request.host.as_str())), candidate, Why::Host);
            self.mend_host(owner, candidate, here, losers);
        }
    }

    fn mend_path(&self, owner: usize, candidate: Candidate<'a>, here: bool, losers: &mut Losers<'a, Why>) {
        let Candidate { host, rule, .. } = candidate;
        if !self.wants_edits || !here || rule.path.is_empty() {
            return;
        }
        if let Some(edit) = self.table.as_pattern(host, &rule.path, rule.path_type, self.seen) {
            losers.near(candidate, Some((1, edit)));
            return;
        }
        let found = path_edit(&rule.path, rule.path_type, &self.path).filter(|(_, edit)| match edit {
            Edit::SetPath { to, .. } => self.would_take(owner, host, to, rule.path_type),
            Edit::SetPathType { to, .. } => self.would_take(owner, host, &rule.path, *to),
            Edit::SetHost { .. }
            | Edit::AddPath { .. }
            | Edit::SetClass { .. }
            | Edit::RemoveAnnotation { .. }
            | Edit::SetAnnotation { .. }
            | Edit::AskHost { .. }
            | Edit::Meet(_) => false,
        });
        losers.near(candidate, found);
    }

    fn mend_host(&self, owner: usize, candidate: Candidate<'a>, here: bool, losers: &mut Losers<'a, Why>) {
        let Candidate { rule, .. } = candidate;
        let asked = self.seen.request.host.as_str();
        if self.wants_edits && here && self.would_take(owner, asked, &rule.path, rule.path_type) {
            losers.near(candidate, host_edit(candidate.host, self.seen.request));
        }
    }

    /// One more path for the request, in an Ingress of the host.
    fn suggest_path(&self, number: usize, owner: &'a Owner, losers: &mut Losers<'a, Why>) {
        let trimmed = self.path.trim_end_matches('/');
        let path = if trimmed.is_empty() { "/" } else { trimmed };
        let odd = path.contains('%') || path.contains("//") || !path.is_ascii() || path.contains(' ');
        if !self.wants_edits || odd {
            return;
        }
        let own = owner.rules.iter().position(|rule| {
            !rule.host().is_empty() && self.would_take(number, rule.host(), path, PathType::Prefix)
        });
        if let Some(at) = own.filter(|at| self.is_here(number, Place::Path(*at, 0))) {
            let edit = Edit::AddPath { path: path.to_owned(), path_type: PathType::Prefix };
            losers.add_edit(9, &owner.name, Place::Rule(at), edit);
        }
    }
}

//! What was gathered, and the report that is drawn from it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Report;
use super::asked::{Asked, Picked};
use super::draw::{self, Limits};
use crate::analysis::adoption::{self, Adoption, By};
use crate::analysis::controller_settings::watched_namespace;
use crate::analysis::entry;
use crate::analysis::facts::candidates::touches;
use crate::analysis::routing::Explanation;
use crate::analysis::view::View;
use crate::evidence::cluster::Cluster;
use crate::model::controller::Controller;
use crate::model::event::Event;
use crate::model::gap::Gap;
use crate::model::ingress::Ingress;
use crate::model::object::{Kind, Name, ObjectMeta};
use crate::model::request::Request;
use crate::model::snapshot::{Listing, Snapshot};
use crate::report::Render;
use crate::report::controller::{ControllerReport, short};
use crate::report::gap::{self, GapReport};
use crate::report::ingress::{IngressReport, address_words};
use crate::report::limits::{Budget, Truncated};
use crate::report::next::{self, Next};
use crate::report::object_ref::{NameRef, ObjectRef};
use crate::report::route::{BackendReport, DecisionReport, refusal_words};
use crate::report::scope::Scope;
use crate::report::text::Text;
use crate::report::time::Time;
use crate::tools::match_path;
use crate::tools::params::Detail;

/// Everything a report is drawn from.
pub(super) struct Scene<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) snapshot: &'a Snapshot,
    pub(super) views: &'a [View<'a>],
    /// The views of running controllers that take each Ingress.
    pub(super) takers: HashMap<Name, Vec<&'a View<'a>>>,
    pub(super) events: &'a Listing<Event>,
    pub(super) event_gaps: Vec<Gap>,
}

pub(super) fn takers<'a>(views: &'a [View<'a>]) -> HashMap<Name, Vec<&'a View<'a>>> {
    let mut takers: HashMap<Name, Vec<&View<'_>>> = HashMap::new();
    for view in views.iter().filter(|view| view.controller.is_some()) {
        let refused: HashSet<Name> = view.refused.iter().map(|(ingress, _)| ingress.meta.key()).collect();
        let adopted = view.adopted.iter().map(|(ingress, _)| ingress.meta.key());
        for name in adopted.filter(|name| !refused.contains(name)) {
            takers.entry(name).or_default().push(view);
        }
    }
    takers
}

impl<'a> Scene<'a> {
    pub(super) fn report(&self, asked: &Asked, picked: Picked<'a>, detail: Detail, most: usize) -> Report {
        let Picked { shown, mut others } = picked;
        let total = shown.len() + others.len() + self.snapshot.controllers.len();
        let url = match asked {
            Asked::Url(request) | Asked::Host(request) => Some(request.clone()),
            Asked::Named(_) | Asked::Anywhere(_) | Asked::All(_) => {
                shown.first().and_then(|ingress| first_url(ingress))
            }
        };
        let nearest_hosts = match asked {
            Asked::Url(request) | Asked::Host(request) => self.nearest_hosts(request, &shown),
            Asked::Named(_) | Asked::Anywhere(_) | Asked::All(_) => Vec::new(),
        };
        let mut report = Report {
            answer: self.answer(asked, &shown, &others),
            decisions: self.decisions(asked).iter().flat_map(|told| lines(&told.to_string())).collect(),
            ingresses: Vec::new(),
            others: Vec::new(),
            nearest_hosts,
            dns: self.dns(asked, &shown),
            controllers: Vec::new(),
            scope: self.scope(asked),
            gaps: self.gaps(),
            truncated: Some(Truncated { shown: total, total, how_to_narrow: NARROW }),
            next: self.next(asked, url.as_ref(), &others),
        };
        let mut budget = Budget::beside(&report, &report.text());
        let mut cut = 0;
        // One controller and one Ingress are the answer; they come first.
        let mut controllers = self.controllers(asked, detail);
        let rest = controllers.split_off(controllers.len().min(1));
        for controller in controllers {
            if budget.spend(&controller, &controller.to_string()) {
                report.controllers.push(controller);
            }
        }
        let mut left = Vec::new();
        for (at, ingress) in shown.into_iter().enumerate() {
            let drawn = (at < most).then(|| self.fitting(ingress, detail, &mut budget)).flatten();
            match drawn {
                Some((drawn, without)) => {
                    cut += without;
                    report.ingresses.push(drawn);
                }
                None => left.push(ingress),
            }
        }
        let room = match detail {
            Detail::Concise => 4,
            Detail::Detailed => 12,
        };
        let (rest, _) = budget.keep(rest, room, ToString::to_string, NARROW);
        report.controllers.extend(rest);
        others.splice(0..0, left);
        let briefs = others.into_iter().map(|ingress| self.brief(ingress)).collect();
        let most = match (asked, detail) {
            (Asked::All(_), _) => 60,
            (_, Detail::Concise) => 8,
            (_, Detail::Detailed) => 20,
        };
        let (briefs, _) = budget.keep(briefs, most, ToString::to_string, NARROW);
        report.others = briefs;
        let shown = report.ingresses.len() + report.others.len() + report.controllers.len();
        report.truncated = (shown < total || cut > 0).then_some(Truncated {
            shown,
            total: total + cut,
            how_to_narrow: NARROW,
        });
        report
    }

    /// The Ingress drawn as fully as there is room for, and how many of its lines were left out.
    fn fitting(
        &self,
        ingress: &Ingress,
        detail: Detail,
        budget: &mut Budget,
    ) -> Option<(IngressReport, usize)> {
        Limits::of(detail).into_iter().find_map(|limits| {
            let (drawn, without) = draw::ingress(self, ingress, &limits);
            budget.spend(&drawn, &drawn.to_string()).then_some((drawn, without))
        })
    }

    /// The views of controllers that take an Ingress.
    pub(super) fn takers(&self, ingress: &Name) -> &[&'a View<'a>] {
        self.takers.get(ingress).map(Vec::as_slice).unwrap_or_default()
    }

    fn answer(&self, asked: &Asked, shown: &[&Ingress], others: &[&Ingress]) -> String {
        match asked {
            Asked::Named(_) | Asked::Anywhere(_) => {
                shown.first().map(|ingress| self.taken(ingress)).unwrap_or_default()
            }
            Asked::Url(request) | Asked::Host(request) => {
                let host = Text::new(request.host.as_str());
                let Some(first) = shown.first() else {
                    return if self.snapshot.ingresses.covers_everything() {
                        format!("No Ingress has a rule for host {host}")
                    } else {
                        format!("No Ingress with a rule for host {host} among those that could be listed")
                    };
                };
                let several = match shown.len() {
                    1 => String::new(),
                    count => format!("{count} Ingresses touch host {host}. "),
                };
                let url = matches!(asked, Asked::Url(_));
                let answering = self
                    .answering(request)
                    .filter(|_| url)
                    .map_or_else(String::new, |target| format!("The URL goes to {target}. "));
                format!("{several}{answering}{}", self.taken(first))
            }
            Asked::All(namespace) => {
                let place = namespace.as_ref().map_or_else(
                    || "all namespaces".to_owned(),
                    |name| format!("namespace {}", Text::new(name)),
                );
                let count = others.len();
                if self.snapshot.controllers.is_empty() {
                    return format!("{count} Ingresses in {place}; no ingress controller was recognised");
                }
                let untaken =
                    others.iter().filter(|ingress| self.takers(&ingress.meta.key()).is_empty()).count();
                match untaken {
                    0 => format!("{count} Ingresses in {place}, each taken by a controller"),
                    _ => format!("{count} Ingresses in {place}, {untaken} of them taken by no controller"),
                }
            }
        }
    }

    fn taken(&self, ingress: &Ingress) -> String {
        let name = ingress.meta.key();
        let called = NameRef::from(&name);
        if self.snapshot.controllers.is_empty() {
            return format!(
                "Whether anything takes Ingress {called} cannot be told: no ingress controller was recognised"
            );
        }
        match self.takers(&name) {
            [] => {
                let doubtful =
                    self.views.iter().any(|view| view.refusal(&name).is_some_and(draw::is_undecided));
                let because: Vec<String> = self
                    .views
                    .iter()
                    .filter_map(|view| {
                        let why = refusal_words(view.refusal(&name)?);
                        Some(format!("{}: {why}", short(view.kind, view.controller)))
                    })
                    .take(2)
                    .collect();
                let verb = if doubtful { "is known to take" } else { "takes" };
                format!("No controller {verb} Ingress {called}. {}", because.join(". "))
            }
            [one] => {
                format!(
                    "Ingress {called} is taken by {}{}",
                    short(one.kind, one.controller),
                    self.broken(ingress)
                )
            }
            several => {
                let who: Vec<String> = several.iter().map(|view| short(view.kind, view.controller)).collect();
                format!(
                    "Ingress {called} is taken by {} controllers at once: {}{}",
                    several.len(),
                    who.join(", "),
                    self.broken(ingress)
                )
            }
        }
    }

    /// How many backends certainly answer nothing, as the end of a sentence.
    fn broken(&self, ingress: &Ingress) -> String {
        let (broken, all) = draw::broken(self.snapshot, ingress);
        if broken == 0 { String::new() } else { format!("; {broken} of {all} backends cannot answer") }
    }

    /// Where a running controller sends the request.
    fn answering(&self, request: &Request) -> Option<String> {
        let winner = self
            .views
            .iter()
            .filter(|view| view.controller.is_some())
            .find_map(|view| view.decide(request).winner)?;
        let route = ObjectRef::from(&winner.object());
        Some(match winner.backend {
            Some(target) => format!("{route}, {}", BackendReport::from(&target)),
            None => route.to_string(),
        })
    }

    fn decisions(&self, asked: &Asked) -> Vec<DecisionReport> {
        let Asked::Url(request) = asked else { return Vec::new() };
        let host = request.host.as_str();
        let concerned = |view: &&View<'_>| {
            view.controller.is_some() && view.adopted.iter().any(|(ingress, _)| touches(ingress, host))
        };
        let mut decisions: Vec<DecisionReport> = Vec::new();
        for view in self.views.iter().filter(concerned).take(4) {
            let decision = view.decide(request);
            decisions.push(DecisionReport::new(view.kind, view.basis, &decision, &Explanation::default()));
        }
        decisions
    }

    fn nearest_hosts(&self, request: &Request, shown: &[&Ingress]) -> Vec<Text> {
        let host = request.host.as_str();
        let named = shown.iter().any(|ingress| {
            ingress
                .rules
                .iter()
                .any(|rule| !rule.host().is_empty() && crate::model::host::spec_match(rule.host(), host))
        });
        if named {
            return Vec::new();
        }
        let hosts: BTreeSet<&str> =
            self.snapshot.ingresses.items().iter().flat_map(|ingress| ingress.hosts()).collect();
        let mut hosts: Vec<(usize, &str)> =
            hosts.into_iter().map(|known| (strsim::damerau_levenshtein(known, host), known)).collect();
        hosts.sort_unstable();
        hosts.into_iter().take(5).map(|(_, host)| Text::new(host)).collect()
    }

    fn dns(&self, asked: &Asked, shown: &[&Ingress]) -> Vec<String> {
        let about = self.cluster.capture().and_then(|capture| capture.about.as_ref());
        let takers: Vec<&Controller> = shown
            .first()
            .map(|ingress| self.takers(&ingress.meta.key()))
            .unwrap_or_default()
            .iter()
            .filter_map(|view| view.controller)
            .collect();
        let takers = takers.as_slice();
        let wanted = |name: &str| match asked {
            Asked::Url(request) | Asked::Host(request) => request.host.as_str() == name,
            Asked::Named(_) | Asked::Anywhere(_) => {
                shown.iter().any(|ingress| ingress.hosts().contains(&name))
            }
            Asked::All(_) => false,
        };
        about
            .into_iter()
            .flat_map(|about| &about.dns)
            .filter(|entry| wanted(&entry.name.to_ascii_lowercase()))
            .take(4)
            .flat_map(|entry| {
                let when = entry.at.map(|at| format!(" at {}", Time(at))).unwrap_or_default();
                let line = move |address: &String| {
                    let of = entry::owner(address, takers, self.snapshot);
                    let of = address_words(address, &of, !takers.is_empty());
                    format!("{} resolved{when} to {of}", Text::new(&entry.name))
                };
                entry.addresses.iter().take(4).map(line)
            })
            .collect()
    }

    /// Controllers, those that take an Ingress that was asked about first.
    fn controllers(&self, asked: &Asked, detail: Detail) -> Vec<ControllerReport> {
        let host = match asked {
            Asked::Url(request) | Asked::Host(request) => Some(request.host.as_str()),
            Asked::Named(_) | Asked::Anywhere(_) | Asked::All(_) => None,
        };
        let name = match asked {
            Asked::Named(name) => Some(name),
            Asked::Anywhere(_) | Asked::Url(_) | Asked::Host(_) | Asked::All(_) => None,
        };
        let concerns = |view: &View<'_>| {
            view.adopted.iter().any(|(ingress, _)| {
                host.is_some_and(|host| touches(ingress, host)) || name == Some(&ingress.meta.key())
            })
        };
        let mut views: Vec<&View<'_>> = self.views.iter().filter(|view| view.controller.is_some()).collect();
        views.sort_by_key(|view| !concerns(view));
        views
            .into_iter()
            .filter_map(|view| {
                let controller = view.controller?;
                let classes = self.classes(controller);
                let mut report = ControllerReport::new(controller, self.snapshot, &classes);
                if detail == Detail::Concise {
                    report.arguments.truncate(6);
                    report.config = report.config.map(|mut keys| {
                        keys.truncate(6);
                        keys
                    });
                }
                Some(report)
            })
            .collect()
    }

    /// The IngressClasses of which a controller would take an Ingress.
    fn classes(&self, controller: &Controller) -> Vec<&'a str> {
        let namespace = watched_namespace(&controller.settings()).to_owned();
        let takes = |class: &str| {
            let probe = Ingress {
                meta: ObjectMeta { namespace: namespace.clone(), ..ObjectMeta::default() },
                class_name: Some(class.to_owned()),
                ..Ingress::default()
            };
            matches!(adoption::judge(controller, &probe, self.snapshot), Adoption::Adopted(By::Field(_)))
        };
        let names = self.snapshot.classes.items().iter().map(|class| class.meta.name.as_str());
        names.filter(|class| takes(class)).take(8).collect()
    }

    /// An Ingress in one line.
    fn brief(&self, ingress: &Ingress) -> String {
        let name = ingress.meta.key();
        let hosts: Vec<String> =
            ingress.hosts().into_iter().take(4).map(|host| Text::new(host).to_string()).collect();
        let hosts = if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") };
        let takers: Vec<&str> = self.takers(&name).iter().take(3).map(|view| view.kind.slug()).collect();
        let taken = if takers.is_empty() {
            "no controller known to take it".to_owned()
        } else {
            format!("taken by {}", takers.join(" and "))
        };
        format!("Ingress {}: {hosts}; {taken}", NameRef::from(&name))
    }

    fn scope(&self, asked: &Asked) -> Scope {
        let namespaces: Vec<&str> = match asked {
            Asked::All(Some(namespace)) => vec![namespace],
            Asked::All(None) | Asked::Named(_) | Asked::Anywhere(_) | Asked::Url(_) | Asked::Host(_) => {
                Vec::new()
            }
        };
        Scope::of(
            &[Kind::Ingress, Kind::IngressClass, Kind::Service, Kind::EndpointSlice, Kind::Event],
            &namespaces,
        )
    }

    fn gaps(&self) -> Vec<GapReport> {
        let mut gaps = match_path::gaps(self.snapshot, self.views);
        gaps.extend(gap::reports(self.event_gaps.iter().chain(&self.events.gaps())));
        gaps.dedup();
        gaps
    }

    fn next(&self, asked: &Asked, url: Option<&Request>, others: &[&Ingress]) -> Vec<Next> {
        if let (Asked::All(_), Some(first)) = (
            asked,
            others.iter().find(|ingress| self.takers(&ingress.meta.key()).is_empty()).or(others.first()),
        ) {
            return next::steps([Next::new("get_ingress", "see one of them as its controller sees it")
                .with("namespace", &first.meta.namespace)
                .with("name", &first.meta.name)]);
        }
        let Some(request) = url else {
            return next::steps([Next::new("find_conflicts", "see what is wrong across the Ingresses")]);
        };
        let url = request.url();
        next::steps([
            Next::new("match_path", "see which rule takes this URL and why every other loses")
                .with("url", &url),
            Next::new("controller_logs_filtered", "see who answers the 404s of this URL").with("url", &url),
        ])
    }
}

const NARROW: &str = "name one ingress; detail detailed shows more of it";

/// A URL that the first rule is written for.
fn first_url(ingress: &Ingress) -> Option<Request> {
    ingress.path_rules().find_map(|(rule, path, _, _)| match_path::sample(ingress, rule, path))
}

/// Each line of a text by itself: no text of the structured half has several.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_start().to_owned()).collect()
}

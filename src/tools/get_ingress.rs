//! `get_ingress`: an Ingress as its controller sees it, and which controllers there are.

use std::collections::{BTreeSet, HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::params::{Detail, Host, ObjectName, Url};
use super::{Call, FailureCode, Tool, ToolFailure, Toolbox, match_path, session};
use crate::analysis::adoption::{self, Adoption, By};
use crate::analysis::controller_settings::watched_namespace;
use crate::analysis::entry;
use crate::analysis::facts::candidates::touches;
use crate::analysis::routing::Explanation;
use crate::analysis::view::{self, View};
use crate::evidence::cluster::Cluster;
use crate::evidence::gather;
use crate::model::controller::Controller;
use crate::model::event::Event;
use crate::model::gap::Gap;
use crate::model::ingress::Ingress;
use crate::model::object::{Kind, Name, ObjectMeta};
use crate::model::request::{Request, Scheme};
use crate::model::snapshot::{Listing, Snapshot};
use crate::report::controller::{ControllerReport, short};
use crate::report::gap::{self, GapReport};
use crate::report::ingress::{AddressReport, IngressReport};
use crate::report::limits::{Budget, Truncated};
use crate::report::next::{self, Next};
use crate::report::object_ref::{NameRef, ObjectRef};
use crate::report::route::{BackendReport, DecisionReport, refusal_words};
use crate::report::scope::Scope;
use crate::report::text::Text;
use crate::report::time::Time;
use crate::report::{Render, ending};

mod draw;

use draw::Limits;

/// See the module.
pub struct GetIngress;

impl std::fmt::Debug for GetIngress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::NAME)
    }
}

/// Which Ingress to show.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Params {
    /// The Ingress: NAME, or NAMESPACE/NAME.
    name: Option<ObjectName>,
    /// The namespace of name; without name, host and url: list the Ingresses of this namespace.
    namespace: Option<String>,
    /// Instead of name: all Ingresses that have a rule for this host.
    host: Option<Host>,
    /// Instead of name: all Ingresses that have a rule for the host of this URL, the one that answers first.
    url: Option<Url>,
    /// The kubeconfig context.
    context: Option<String>,
    /// How much to tell. Default concise.
    #[serde(default)]
    detail: Detail,
}

/// Ingresses and the controllers that see them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Whether it is taken and by whom, in one sentence.
    answer: String,
    /// With url: what each controller does with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<String>,
    ingresses: Vec<IngressReport>,
    /// Other Ingresses of the same hosts, or those that there was no room for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Brief>,
    /// Hosts that rules name and that are most like the asked one, where no rule names it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nearest_hosts: Vec<Text>,
    /// What the names resolved to when the capture was taken, and whose address that is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns: Vec<DnsReport>,
    controllers: Vec<ControllerReport>,
    scope: Scope,
    gaps: Vec<GapReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<Truncated>,
    next: Vec<Next>,
}

/// An Ingress in one line.
#[derive(Debug, Serialize, JsonSchema)]
struct Brief {
    ingress: NameRef,
    hosts: Vec<Text>,
    /// Empty when no controller takes it, or none is known to.
    taken_by: Vec<String>,
}

/// A name and its addresses.
#[derive(Debug, Serialize, JsonSchema)]
struct DnsReport {
    name: Text,
    at: Option<Time>,
    addresses: Vec<AddressReport>,
}

impl Tool for GetIngress {
    const NAME: &'static str = "get_ingress";
    const TITLE: &'static str = "Show an Ingress as its controller sees it";
    const DESCRIPTION: &'static str = "Start here: shows an Ingress by name, host or URL, and which ingress \
        controller takes it or why none does. Lists rules with what stands behind each, annotations that \
        count or are ignored, addresses, Events, last writers, and the controllers with their routing \
        settings. It reads no logs and sends no requests.";
    const READ_ONLY: bool = true;
    const OPEN_WORLD: bool = false;
    const ALWAYS_LOAD: bool = true;
    const SEARCH_HINT: &'static str = "kubernetes ingress 404 start class controller rules host annotations";
    type Params = Params;
    type Report = Report;

    async fn run(toolbox: &Toolbox, params: Params, _call: &Call) -> Result<Report, ToolFailure> {
        let cluster = toolbox.cluster(params.context.as_deref()).await?;
        let namespace = params.namespace.clone().or_else(|| toolbox.settings().namespace.clone());
        show(&cluster, &params, namespace.as_deref()).await
    }
}

impl Toolbox {
    /// One Ingress as text, for clients that attach it as a resource.
    ///
    /// # Errors
    /// When there is none or it could not be seen.
    pub async fn ingress_text(&self, namespace: &str, name: &str) -> Result<String, ToolFailure> {
        let params = Params {
            name: Some(ObjectName { namespace: Some(namespace.to_owned()), name: name.to_owned() }),
            namespace: None,
            host: None,
            url: None,
            context: None,
            detail: Detail::Concise,
        };
        let cluster = self.cluster(None).await?;
        show(&cluster, &params, Some(namespace)).await.map(|report| report.text())
    }
}

/// What was asked for.
enum Asked {
    Named(Name),
    /// A name in a namespace not said.
    Anywhere(String),
    Url(Request),
    Host(Request),
    All(Option<String>),
}

impl Params {
    fn asked(&self, namespace: Option<&str>) -> Result<Asked, ToolFailure> {
        let given = usize::from(self.name.is_some())
            + usize::from(self.host.is_some())
            + usize::from(self.url.is_some());
        if given > 1 {
            return Err(ToolFailure::new(
                FailureCode::BadArguments,
                "name, host and url each say which Ingress is meant",
                "pass one of them",
            ));
        }
        if let Some(name) = &self.name {
            return Ok(match name.within(namespace) {
                Some(full) => Asked::Named(full),
                None => Asked::Anywhere(name.name.clone()),
            });
        }
        if let Some(Url(request)) = &self.url {
            return Ok(Asked::Url(request.clone()));
        }
        if let Some(Host(host)) = &self.host {
            let request = Request::parse(&format!("{}://{host}/", Scheme::Http.as_str()));
            return request.map(Asked::Host).map_err(|error| {
                ToolFailure::new(FailureCode::BadArguments, error.to_string(), "pass a url instead")
            });
        }
        Ok(Asked::All(namespace.map(ToOwned::to_owned)))
    }
}

async fn show(cluster: &Cluster, params: &Params, namespace: Option<&str>) -> Result<Report, ToolFailure> {
    let asked = params.asked(namespace)?;
    let focus: BTreeSet<String> = match &asked {
        Asked::Named(name) => [name.namespace.clone()].into(),
        Asked::Anywhere(_) | Asked::Url(_) | Asked::Host(_) | Asked::All(_) => {
            namespace.map(ToOwned::to_owned).into_iter().collect()
        }
    };
    let request = match &asked {
        Asked::Url(request) | Asked::Host(request) => Some(request),
        Asked::Named(_) | Asked::Anywhere(_) | Asked::All(_) => None,
    };
    let mut snapshot = session::look(cluster, &focus, request).await?;
    let named = match &asked {
        Asked::Named(name) => Some(session::ingress(&snapshot, name)?.meta.key()),
        Asked::Anywhere(name) => Some(anywhere(&snapshot, name)?),
        Asked::Url(_) | Asked::Host(_) | Asked::All(_) => None,
    };
    if let Some(name) = &named {
        gather::backends(cluster, &mut snapshot, &[name.namespace.clone()].into()).await;
    }
    let views = view::views(&snapshot);
    let picked = pick(&asked, named.as_ref(), &snapshot, &views);
    let most = match params.detail {
        Detail::Concise => 3,
        Detail::Detailed => 6,
    };
    let homes: BTreeSet<String> =
        picked.shown.iter().take(most).map(|ingress| ingress.meta.namespace.clone()).collect();
    let (events, event_gaps) = if homes.is_empty() {
        (Listing::unasked(Kind::Event), Vec::new())
    } else {
        gather::events(cluster, &homes).await
    };
    let scene = Scene {
        cluster,
        snapshot: &snapshot,
        takers: takers(&views),
        views: &views,
        events: &events,
        event_gaps,
    };
    Ok(scene.report(&asked, picked, params.detail, most))
}

/// The only Ingress of this name in any namespace.
fn anywhere(snapshot: &Snapshot, name: &str) -> Result<Name, ToolFailure> {
    let found: Vec<Name> = snapshot
        .ingresses
        .items()
        .iter()
        .filter(|ingress| ingress.meta.name == name)
        .map(|ingress| ingress.meta.key())
        .collect();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            let all: Vec<String> =
                snapshot.ingresses.items().iter().map(|ingress| ingress.meta.key().to_string()).collect();
            let nearest = session::nearest(name, all.iter().map(String::as_str));
            let seen = if snapshot.ingresses.covers_everything() {
                format!("no namespace has an Ingress {}; nearest: {nearest}", Text::new(name))
            } else {
                format!(
                    "no Ingress {} in the namespaces that could be listed; nearest: {nearest}",
                    Text::new(name)
                )
            };
            Err(ToolFailure::new(
                FailureCode::NotFound,
                seen,
                "call again with one of these names, or with the host or url instead",
            ))
        }
        several => {
            let names: Vec<String> =
                several.iter().take(8).map(|name| NameRef::from(name).to_string()).collect();
            Err(ToolFailure::new(
                FailureCode::BadArguments,
                format!(
                    "{} namespaces have an Ingress {}: {}",
                    several.len(),
                    Text::new(name),
                    names.join(", ")
                ),
                "call again with namespace",
            ))
        }
    }
}

/// The Ingresses to show, and those to mention.
struct Picked<'a> {
    shown: Vec<&'a Ingress>,
    others: Vec<&'a Ingress>,
}

fn pick<'a>(asked: &Asked, named: Option<&Name>, snapshot: &'a Snapshot, views: &[View<'_>]) -> Picked<'a> {
    let all = snapshot.ingresses.items();
    match asked {
        Asked::Named(_) | Asked::Anywhere(_) => {
            let shown: Vec<&Ingress> =
                all.iter().filter(|ingress| Some(&ingress.meta.key()) == named).collect();
            let hosts: BTreeSet<&str> = shown.iter().flat_map(|ingress| ingress.hosts()).collect();
            let others = all
                .iter()
                .filter(|ingress| Some(&ingress.meta.key()) != named)
                .filter(|ingress| ingress.hosts().iter().any(|host| hosts.contains(host)))
                .collect();
            Picked { shown, others }
        }
        Asked::Url(request) | Asked::Host(request) => {
            let host = request.host.as_str();
            let winners: Vec<Name> = views
                .iter()
                .filter(|view| view.controller.is_some())
                .filter_map(|view| view.decide(request).winner)
                .filter(|winner| winner.is_of(&winner.ingress))
                .map(|winner| winner.ingress)
                .collect();
            let mut shown: Vec<&Ingress> = all.iter().filter(|ingress| touches(ingress, host)).collect();
            // The answering ones first, then those that name the host, then catch-alls.
            shown.sort_by_key(|ingress| {
                let name = ingress.meta.key();
                let names_it = ingress.rules.iter().any(|rule| !rule.host().is_empty());
                (winners.iter().position(|winner| *winner == name).unwrap_or(usize::MAX), !names_it, name)
            });
            Picked { shown, others: Vec::new() }
        }
        Asked::All(namespace) => {
            let others = all
                .iter()
                .filter(|ingress| namespace.as_ref().is_none_or(|name| ingress.meta.namespace == *name))
                .collect();
            Picked { shown: Vec::new(), others }
        }
    }
}

/// Everything a report is drawn from.
struct Scene<'a> {
    cluster: &'a Cluster,
    snapshot: &'a Snapshot,
    views: &'a [View<'a>],
    /// The views of running controllers that take each Ingress.
    takers: HashMap<Name, Vec<&'a View<'a>>>,
    events: &'a Listing<Event>,
    event_gaps: Vec<Gap>,
}

fn takers<'a>(views: &'a [View<'a>]) -> HashMap<Name, Vec<&'a View<'a>>> {
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
    fn report(&self, asked: &Asked, picked: Picked<'a>, detail: Detail, most: usize) -> Report {
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
            decisions: self.decisions(asked).iter().map(ToString::to_string).collect(),
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
    fn takers(&self, ingress: &Name) -> &[&'a View<'a>] {
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

    fn dns(&self, asked: &Asked, shown: &[&Ingress]) -> Vec<DnsReport> {
        let about = self.cluster.capture().and_then(|capture| capture.about.as_ref());
        let takers: Vec<&Controller> = shown
            .first()
            .map(|ingress| self.takers(&ingress.meta.key()))
            .unwrap_or_default()
            .iter()
            .filter_map(|view| view.controller)
            .collect();
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
            .map(|entry| DnsReport {
                name: Text::new(&entry.name),
                at: entry.at.map(Time),
                addresses: entry
                    .addresses
                    .iter()
                    .take(4)
                    .map(|address| {
                        let of = entry::owner(address, &takers, self.snapshot);
                        AddressReport::new(address, &of, !takers.is_empty())
                    })
                    .collect(),
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

    fn brief(&self, ingress: &Ingress) -> Brief {
        let name = ingress.meta.key();
        Brief {
            ingress: NameRef::from(&name),
            hosts: ingress.hosts().into_iter().take(4).map(Text::new).collect(),
            taken_by: self.takers(&name).iter().take(3).map(|view| view.kind.slug().to_owned()).collect(),
        }
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

impl std::fmt::Display for Brief {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hosts: Vec<&str> = self.hosts.iter().map(Text::as_str).collect();
        let hosts = if hosts.is_empty() { "no host".to_owned() } else { hosts.join(", ") };
        let taken = match self.taken_by.as_slice() {
            [] => "no controller known to take it".to_owned(),
            takers => format!("taken by {}", takers.join(" and ")),
        };
        write!(f, "Ingress {}: {hosts}; {taken}", self.ingress)
    }
}

impl Render for Report {
    fn text(&self) -> String {
        let mut lines = vec![self.answer.clone()];
        lines.extend(self.decisions.iter().cloned());
        lines.extend(self.ingresses.iter().map(ToString::to_string));
        lines.extend(self.others.iter().map(ToString::to_string));
        if !self.nearest_hosts.is_empty() {
            let hosts: Vec<&str> = self.nearest_hosts.iter().map(Text::as_str).collect();
            lines.push(format!("No rule names the host; nearest: {}", hosts.join(", ")));
        }
        for DnsReport { name, at, addresses } in &self.dns {
            let when = at.map(|at| format!(" at {at}")).unwrap_or_default();
            for AddressReport { address, of } in addresses {
                lines.push(format!("{name} resolved to {address}{when}: {of}"));
            }
        }
        lines.extend(self.controllers.iter().map(ToString::to_string));
        lines.push(self.scope.to_string());
        lines.push(ending(self.truncated.as_ref(), &self.gaps, &self.next));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;
